/* accounts - the part of a transaction that writes accounts.
 *
 * Rows are written record by record, so that each record of a transaction sees what those before it did. */
#ifndef M365KEEP_STORE_ACCOUNTS_H
#define M365KEEP_STORE_ACCOUNTS_H

#include "store/texts.h"

struct accounts_batch {
    struct store *store;
    int64_t *seq; /* the transaction's last change number */
    struct texts texts;
};

/* `seq` is borrowed until accounts_batch_clear. */
void accounts_batch_init(struct accounts_batch *batch, struct store *store, int64_t *seq);
void accounts_batch_clear(struct accounts_batch *batch);

/* Writes the rows of a page of accounts, where its round stands, and fills its counts of them. */
bool accounts_take_page(struct accounts_batch *batch, struct store_page *page, GError **error);

/* Writes the full text of every account that the pages changed. */
bool accounts_write_fts(struct accounts_batch *batch, GError **error);

#endif
