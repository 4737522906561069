/* writer - the one thread that commits. Pages wait for it in a bounded queue; it takes what is there, up to a size,
 * into one transaction, so that transactions grow with the backlog and stay small when there is none. */
#ifndef M365KEEP_COLLECT_WRITER_H
#define M365KEEP_COLLECT_WRITER_H

#include "base/json.h"
#include "client/client.h"
#include "store/store.h"

/* A page on its way to the store, with the body that its records point into. */
struct writer_page {
    struct store_page page;
    struct store_accounts *accounts; /* owned; what page.accounts borrows; NULL for others */
    struct store_health *health;     /* owned; what page.health borrows; NULL for others */
    struct json_page *body;
    void *user; /* whose page it is; untouched here */
};

struct writer_page *writer_page_new(void);
void writer_page_free(struct writer_page *page);

struct writer;

/* Opens the database at `path` for writing and starts the thread; `client` is woken whenever pages were committed. NULL
 * with *error. */
struct writer *writer_new(const char *path, struct client *client, GError **error);

/* True when another page may be pushed. */
bool writer_has_room(struct writer *writer);

/* Bytes of the bodies that wait for the thread. */
size_t writer_backlog(struct writer *writer);

/* Hands a page over (taken). Never blocks: the caller asks writer_has_room before it requests a page. */
void writer_push(struct writer *writer, struct writer_page *page);

/* A page that was committed, its counts filled; NULL when there is none now. Returned: writer_page_free. */
struct writer_page *writer_take_done(struct writer *writer);

/* The error that stopped the writer; NULL while it is well. Borrowed. After an error pages are dropped, uncommitted. */
const GError *writer_error(struct writer *writer);

/* Pages pushed and not yet taken back. */
unsigned writer_pending(struct writer *writer);

/* The run ends: pages are still committed, but not after a wait for another program, be it for a lock or for a reader.
 * A wait that is under way ends, and its pages are dropped: their cursors stand where they stood. */
void writer_stop(struct writer *writer);

/* Waits until everything pushed is committed (or failed), ends the thread and closes the database. */
void writer_free(struct writer *writer);

#endif
