/* copy - a whole database as another file, in one moment's state, and looked at before anybody relies on it. */
#ifndef M365KEEP_STORE_COPY_H
#define M365KEEP_STORE_COPY_H

#include "store/watching.h"

/* How large a copy of the database is, as it stands; -1 with *error. */
int64_t copy_bytes(struct store *store, GError **error);

/* Copies the database, as of one moment, into the empty file `to`, which messages call `path`. */
bool copy_pages(struct store *store, const char *to, const char *path, const struct store_watch *watch, GError **error);

/* Opens the copy `made`, which messages call `path`, finds it undamaged (quick_check), and fills *result. */
bool copy_look(const char *made, const char *path, const struct store_watch *watch, struct store_copied *result,
               GError **error);

#endif
