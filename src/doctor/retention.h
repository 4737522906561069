/* retention - does what the configuration says of retention make sense, and fit what is in the database? */
#ifndef M365KEEP_DOCTOR_RETENTION_H
#define M365KEEP_DOCTOR_RETENTION_H

#include "doctor/finding.h"

/* Judges it alone: days that are over before all that comes late is in, or before reports look at it. */
void retention_check(struct section *section, const struct config *config);

/* What the judgement on max_size is made from. Bytes. */
struct retention_facts {
    int64_t used;     /* pages in use and the log */
    int64_t max_size; /* 0: no limit */
    int64_t per_day;  /* by which the database grows now; 0: that cannot be told */
};

/* Judges what prune would delete because of it. */
void retention_judge_size(struct section *section, const struct retention_facts *facts);

/* The size, with its log, that retention lets a database grow to, which grows by `per_day` now; 0: there is no limit.
 */
int64_t retention_most(const struct config *config, int64_t per_day);

#endif
