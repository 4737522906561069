/* timeline - what was known of a service at each moment, from the runs of its states and the customer's scans. Pure.
 *
 * Private to the room. */
#ifndef M365KEEP_REPORT_TIMELINE_H
#define M365KEEP_REPORT_TIMELINE_H

#include "report/figures.h"

/* What all services of a customer share; borrowed. */
struct timeline {
    const int64_t *good; /* moments of good scans, ascending */
    size_t n_good;
    const struct config_status_map *map;
    int64_t max_gap_s, now;
};

/* Good scans in [from, to), up to now. */
int64_t timeline_scans(const struct timeline *timeline, int64_t from, int64_t to);

/* When each of `runs` (struct store_report_state *, of one service, by first_seen) was in force: GArray of private
 * pieces, whose statuses are borrowed from the runs. Returned: g_array_unref. */
GArray *timeline_pieces(const struct timeline *timeline, struct store_report_state *const *runs, size_t n);

/* The pieces as stretches that cover [from, to); gaps begin no earlier than `known_from`. Returned: GArray of struct
 * report_stretch, g_array_unref. */
GArray *timeline_stretches(const struct timeline *timeline, const GArray *pieces, int64_t known_from, int64_t from,
                           int64_t to);

/* The same day by day: n + 1 beginnings of days give n of struct report_day. Returned: g_array_unref. */
GArray *timeline_days(const struct timeline *timeline, const GArray *pieces, const GArray *begins);

/* What of [from, to) up to now no scans cover. Returned: GArray of struct report_gap, g_array_unref. */
GArray *timeline_gaps(const struct timeline *timeline, int64_t from, int64_t to);

#endif
