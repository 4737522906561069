/* users_control.h - /control/users: every account at one moment, and edits by hand. */
#ifndef SIM_USERS_CONTROL_H
#define SIM_USERS_CONTROL_H

#include "answer.h"

struct users_dump;

/* The accounts that the request's query asks for: at (seconds since the epoch, fractional, or ISO 8601; now), tenant
 * (all), select (the documented properties), gone_days (how long ago accounts may have gone for good and are still
 * listed: 90). NULL with *message set when the query is not understood. */
struct users_dump *users_dump_new(const struct request *rq, char **message);
void users_dump_free(struct users_dump *dump);

/* Appends whole lines of {"tenant","id","removed","user"} to out until it holds at least enough bytes; false when no
 * line is left. */
bool users_dump_read(struct users_dump *dump, GString *out, gsize enough);

/* POST /control/users: one edit, or an array of them. */
struct answer *users_edit(struct request *rq, const cJSON *json);

#endif
