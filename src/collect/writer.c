#include "collect/writer.h"

#include <pthread.h>

/* Bounds in bytes of bodies: memory depends on these and the largest page, never on the history. A page of 1,000
 * sign-ins has 2 to 3 MB, and its documents as much again. The queue holds what the next transaction takes, so that the
 * writer, which is the slowest part, never waits; a transaction takes about half a second at most. */
enum { QUEUE_BYTES = 6 * 1024 * 1024, BATCH_BYTES = 3 * 1024 * 1024 };

struct writer {
    struct store *store; /* the thread's alone */
    struct client *client;
    pthread_t thread;
    pthread_mutex_t mutex; /* guards everything below; no GMutex, since ThreadSanitizer does not see into GLib */
    pthread_cond_t cond;
    GQueue waiting, done;
    size_t waiting_bytes;
    unsigned pending;
    bool closing;
    GError *error;
    gint stopping; /* atomic */
    struct store_watch watch;
};

struct writer_page *writer_page_new(void)
{
    struct writer_page *page = g_new0(struct writer_page, 1);

    page->page.documents = g_ptr_array_new_with_free_func((GDestroyNotify)document_free);
    page->page.unreadable = g_ptr_array_new_with_free_func((GDestroyNotify)unreadable_free);
    return page;
}

void writer_page_free(struct writer_page *page)
{
    if (!page)
        return;
    g_ptr_array_unref(page->page.documents);
    g_ptr_array_unref(page->page.unreadable);
    store_accounts_free(page->accounts);
    store_health_free(page->health);
    g_free((char *)page->page.next_link);
    json_page_free(page->body);
    g_free(page);
}

static size_t page_bytes(const struct writer_page *page)
{
    return page->body ? json_page_bytes(page->body) : 0;
}

/* Moves what fits one transaction out of the queue; waits for the first page. An empty batch means: closing. */
static void take_batch(struct writer *writer, GPtrArray *batch)
{
    size_t bytes = 0;

    pthread_mutex_lock(&writer->mutex);
    while (g_queue_is_empty(&writer->waiting) && !writer->closing)
        pthread_cond_wait(&writer->cond, &writer->mutex);
    while (!g_queue_is_empty(&writer->waiting)) {
        struct writer_page *page = g_queue_peek_head(&writer->waiting);

        if (bytes >= BATCH_BYTES)
            break;
        bytes += page_bytes(page);
        writer->waiting_bytes -= page_bytes(page);
        g_ptr_array_add(batch, g_queue_pop_head(&writer->waiting));
    }
    pthread_mutex_unlock(&writer->mutex);
}

/* The records are in the database: what they pointed into is not needed any more. */
static void release_bodies(GPtrArray *batch)
{
    for (guint i = 0; i < batch->len; i++) {
        struct writer_page *page = g_ptr_array_index(batch, i);

        g_ptr_array_set_size(page->page.documents, 0);
        g_ptr_array_set_size(page->page.unreadable, 0);
        if (page->accounts)
            g_ptr_array_set_size(page->accounts->records, 0);
        if (page->health)
            g_ptr_array_set_size(page->health->records, 0);
        json_page_free(page->body);
        page->body = NULL;
    }
}

static void finish_batch(struct writer *writer, GPtrArray *batch, GError *error)
{
    release_bodies(batch);
    pthread_mutex_lock(&writer->mutex);
    if (error && !writer->error)
        writer->error = error;
    else
        g_clear_error(&error);
    for (guint i = 0; i < batch->len; i++) {
        if (writer->error) {
            writer_page_free(g_ptr_array_index(batch, i));
            writer->pending--;
        } else {
            g_queue_push_tail(&writer->done, g_ptr_array_index(batch, i));
        }
    }
    pthread_mutex_unlock(&writer->mutex);
    g_ptr_array_set_size(batch, 0);
    client_wake(writer->client);
}

static bool failed(struct writer *writer)
{
    bool yes;

    pthread_mutex_lock(&writer->mutex);
    yes = writer->error != NULL;
    pthread_mutex_unlock(&writer->mutex);
    return yes;
}

/* One transaction. After a failure later pages must not be written: their cursor would step over the lost one. */
static void commit_batch(struct writer *writer, GPtrArray *batch)
{
    struct store_page **pages = g_new(struct store_page *, batch->len);
    GError *error = NULL;

    for (guint i = 0; i < batch->len; i++)
        pages[i] = &((struct writer_page *)g_ptr_array_index(batch, i))->page;
    if (!failed(writer))
        store_commit_pages(writer->store, pages, batch->len, &error);
    g_free(pages);
    finish_batch(writer, batch, error);
}

static void *run(void *user)
{
    struct writer *writer = user;
    g_autoptr(GPtrArray) batch = g_ptr_array_new();

    for (take_batch(writer, batch); batch->len; take_batch(writer, batch))
        commit_batch(writer, batch);
    return NULL;
}

/* Who waits for others while the run ends waits in vain. */
static bool may_wait(const char *doing, int64_t done, int64_t of, void *user)
{
    struct writer *writer = user;

    (void)doing;
    (void)done;
    (void)of;
    return !g_atomic_int_get(&writer->stopping);
}

struct writer *writer_new(const char *path, struct client *client, GError **error)
{
    struct store *store = store_open(path, STORE_WRITE, error);
    struct writer *writer;

    if (!store)
        return NULL;
    writer = g_new0(struct writer, 1);
    writer->store = store;
    writer->client = client;
    writer->watch = (struct store_watch){.go_on = may_wait, .user = writer};
    store_set_watch(store, &writer->watch);
    pthread_mutex_init(&writer->mutex, NULL);
    pthread_cond_init(&writer->cond, NULL);
    g_queue_init(&writer->waiting);
    g_queue_init(&writer->done);
    if (pthread_create(&writer->thread, NULL, run, writer) != 0)
        g_error("no thread can be started"); /* as GLib does: nothing works without memory for one */
    return writer;
}

size_t writer_backlog(struct writer *writer)
{
    size_t bytes;

    pthread_mutex_lock(&writer->mutex);
    bytes = writer->waiting_bytes;
    pthread_mutex_unlock(&writer->mutex);
    return bytes;
}

bool writer_has_room(struct writer *writer)
{
    return writer_backlog(writer) < QUEUE_BYTES;
}

void writer_push(struct writer *writer, struct writer_page *page)
{
    pthread_mutex_lock(&writer->mutex);
    g_queue_push_tail(&writer->waiting, page);
    writer->waiting_bytes += page_bytes(page);
    writer->pending++;
    pthread_cond_signal(&writer->cond);
    pthread_mutex_unlock(&writer->mutex);
}

struct writer_page *writer_take_done(struct writer *writer)
{
    struct writer_page *page;

    pthread_mutex_lock(&writer->mutex);
    page = g_queue_pop_head(&writer->done);
    if (page)
        writer->pending--;
    pthread_mutex_unlock(&writer->mutex);
    return page;
}

const GError *writer_error(struct writer *writer)
{
    const GError *error;

    pthread_mutex_lock(&writer->mutex);
    error = writer->error;
    pthread_mutex_unlock(&writer->mutex);
    return error;
}

unsigned writer_pending(struct writer *writer)
{
    unsigned pending;

    pthread_mutex_lock(&writer->mutex);
    pending = writer->pending;
    pthread_mutex_unlock(&writer->mutex);
    return pending;
}

void writer_stop(struct writer *writer)
{
    g_atomic_int_set(&writer->stopping, 1);
}

void writer_free(struct writer *writer)
{
    if (!writer)
        return;
    pthread_mutex_lock(&writer->mutex);
    writer->closing = true;
    pthread_cond_signal(&writer->cond);
    pthread_mutex_unlock(&writer->mutex);
    pthread_join(writer->thread, NULL);
    for (struct writer_page *page; (page = writer_take_done(writer));)
        writer_page_free(page);
    store_close(writer->store);
    g_clear_error(&writer->error);
    pthread_mutex_destroy(&writer->mutex);
    pthread_cond_destroy(&writer->cond);
    g_free(writer);
}
