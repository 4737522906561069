/* texts - full text of what is written record by record (accounts, issues, messages), until the transaction's end.
 *
 * FTS5 gathers terms in memory, and writes them out early when an id goes backwards or another statement opens a
 * savepoint: so their rows are written last of all, by id, and once each. */
#ifndef M365KEEP_STORE_TEXTS_H
#define M365KEEP_STORE_TEXTS_H

#include "store/store_private.h"

/* How one full-text table is read, and written. */
struct texts_table {
    enum statement_id read, insert, remove;
};

struct texts {
    struct store *store;
    const struct texts_table *table;
    GHashTable *waiting; /* int64_t id -> struct text (private) */
};

/* `table` is borrowed until texts_clear. */
void texts_init(struct texts *texts, struct store *store, const struct texts_table *table);
void texts_clear(struct texts *texts);

/* Keeps the text of the row `id` for texts_write, unless the table holds the same. `is_new`: it holds none yet. Both
 * strings are copied. */
bool texts_keep(struct texts *texts, int64_t id, bool is_new, const char *text, const char *facets, GError **error);

/* Writes what was kept. */
bool texts_write(struct texts *texts, GError **error);

/* The tokens by which all records of a customer's source are found. Returned: g_free. NULL with *error. */
char *texts_facets(struct store *store, int64_t customer_id, const char *source, GError **error);

#endif
