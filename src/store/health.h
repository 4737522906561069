/* health - the part of a transaction that writes overviews, issues and messages.
 *
 * Rows are written record by record, so that each record of a transaction sees what those before it did. */
#ifndef M365KEEP_STORE_HEALTH_H
#define M365KEEP_STORE_HEALTH_H

#include "base/timestamp.h"
#include "store/texts.h"

struct health_batch {
    struct store *store;
    int64_t *seq; /* the transaction's last change number */
    struct texts issues, messages;
    char newest[TIMESTAMP_TEXT_BYTES]; /* of the latest page; "": none */
};

/* `seq` is borrowed until health_batch_clear. */
void health_batch_init(struct health_batch *batch, struct store *store, int64_t *seq);
void health_batch_clear(struct health_batch *batch);

/* Writes the rows of a page, and the scan that it completes, and fills its counts of records. *newest is the latest
 * last_modified that it stored, but none past `latest`; NULL: none. Borrowed until the next page. */
bool health_take_page(struct health_batch *batch, struct store_page *page, int64_t latest, const char **newest,
                      GError **error);

/* The tokens by which a record is found: `facets`, which all of its customer's have, and its services'. Returned:
 * g_free.
 */
char *health_facets(const char *facets, const struct health_document *document);

/* Writes the full text of everything that the pages changed. */
bool health_write_fts(struct health_batch *batch, GError **error);

#endif
