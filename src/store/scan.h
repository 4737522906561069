/* scan - the timeline of service health: scans, and the runs of states that they saw. */
#ifndef M365KEEP_STORE_SCAN_H
#define M365KEEP_STORE_SCAN_H

#include "store/store_private.h"

/* Commits the scan that a page of overviews completes, in the transaction of that page; *seq is its last change
 * number. */
bool scan_commit(struct store *store, const struct store_page *page, int64_t *seq, GError **error);

#endif
