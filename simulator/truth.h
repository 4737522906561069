/* truth.h - what a complete collector must hold: tenant, source, id and SHA-256 of the bytes of every record that can
 * be seen at one moment, as NDJSON. */
#ifndef SIM_TRUTH_H
#define SIM_TRUTH_H

#include "sim.h"

struct truth;

/* The truth at the present moment; sim is borrowed. Records loaded meanwhile may or may not appear. */
struct truth *truth_new(const struct sim *sim);
/* The accounts of a dump in its place; dump is taken. */
struct users_dump;
struct truth *truth_new_users(struct users_dump *dump);

void truth_free(struct truth *truth);

/* Appends whole lines to out until it holds at least enough bytes; false when no line is left. */
bool truth_read(struct truth *truth, GString *out, gsize enough);

#endif
