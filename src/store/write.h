/* write - pages, as a part of a transaction that is about something else, too. */
#ifndef M365KEEP_STORE_WRITE_H
#define M365KEEP_STORE_WRITE_H

#include "store/store_private.h"

/* What store_commit_pages writes, and its counts, within a transaction that the caller has begun, and rolls back when
 * this fails. The last change number is read from the database, and written there. */
bool store_write_pages(struct store *store, struct store_page *const *pages, size_t n, GError **error);

#endif
