/* pages - which page of the file is free, and which is whose: read from the file itself. */
#ifndef M365KEEP_STORE_PAGES_H
#define M365KEEP_STORE_PAGES_H

#include "store/store_private.h"

/* SQLite 3.40's integrity_check leaves out the list of free pages, pages in no list, and the map of root pages when the
 * first table it comes upon is a view or a virtual one, whose root page is 0, as that of "check one table only". This
 * looks at what it left out. *checked is false where the log holds pages that the file does not (somebody reads an
 * older moment): another time then. *fault is what is wrong first, or NULL; returned, g_free. The caller holds the
 * write lock. False with *error. */
bool pages_check(struct store *store, bool *checked, char **fault, GError **error);

#endif
