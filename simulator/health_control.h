/* health_control.h - /control/health: what services were at, exactly, and edits by hand. */
#ifndef SIM_HEALTH_CONTROL_H
#define SIM_HEALTH_CONTROL_H

#include "answer.h"

/* GET: the intervals in which each service had one status, as NDJSON of tenant, service (its id), status, from and to.
 * from and to of the query bound them (seconds since the epoch, fractional; to: now); with step, they are those that
 * who looks at from, from + step and so on sees: each begins with the look that first saw it. */
struct answer *health_tell(struct request *rq);

/* POST: one edit or an array of {"tenant","kind","id"} with "record", "record_base64", "remove" or "restore". */
struct answer *health_change(struct request *rq, const cJSON *json);

/* Appends a line of /control/truth for everything that the tenant's lists hold at the moment. */
void health_append_truth(const struct tenant *tenant, int64_t now, GString *out);

#endif
