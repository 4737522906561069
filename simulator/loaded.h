/* loaded.h - records given from outside, served byte for byte whatever they are: one list a source and tenant.
 *
 * The list is kept in order of (time, serial); a record whose time cannot be read sorts before all others and belongs
 * to every window. */
#ifndef SIM_LOADED_H
#define SIM_LOADED_H

#include "stream.h"

struct loaded_record {
    GBytes *bytes;
    char *id;     /* "" when none could be read */
    int64_t time; /* INT64_MIN: not readable */
    int64_t serial;
};

struct loaded;

struct loaded *loaded_new(enum source source);
void loaded_free(struct loaded *loaded);

/* Adds one record; bytes is shared. With replace, records of the same id go first. */
void loaded_add(struct loaded *loaded, GBytes *bytes, bool replace);

/* Adds an array of GBytes, which are shared. */
void loaded_add_all(struct loaded *loaded, const GPtrArray *records);

/* The records of an NDJSON file: one a line, empty lines left out. Returned: an array of GBytes. */
GPtrArray *loaded_read_file(const char *path, GError **error);

/* The source that a record belongs to which was given as one of `named`: sign-ins say their class themselves, in
 * signInEventTypes. */
enum source loaded_source(enum source named, GBytes *record);

gsize loaded_count(const struct loaded *loaded);

/* Borrowed until the list changes. */
const struct loaded_record *loaded_at(const struct loaded *loaded, gsize position);

/* Position of the first record that is not before (time, serial). */
gsize loaded_lower_bound(const struct loaded *loaded, int64_t time, int64_t serial);

#endif
