/* retention - what prune deletes, as far as those have to know it who store: what it has deleted, or would at once, is
 * not stored (again). The tests by which it tells are in SQL, in statements.c: prune and scans share them. */
#ifndef M365KEEP_STORE_RETENTION_H
#define M365KEEP_STORE_RETENTION_H

#include "store/store.h"

/* Whether retention deletes an issue or a message of service health that says so much of itself, where what is about a
 * moment before `keep_from` goes; INT64_MIN: it keeps all. False with *error. */
bool retention_health_goes(struct store *store, enum store_health_kind kind, const struct health_document *document,
                           int64_t keep_from, bool *goes, GError **error);

#endif
