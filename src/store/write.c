/* One transaction for any number of pages.
 *
 * 1. In the order of delivery every record is looked up by key and becomes a new row, a changed one or a duplicate;
 * cursor and coverage of its page follow; pages of accounts are accounts.c's, those of health health.c's. 2. New rows
 * go in sorted by time, because ascending ids are appended and random ones dirty a page each. 3. Changed rows, in the
 * order of delivery, so that versions follow each other as they came. 4. Keys, sorted. 5. The full-text index, sorted
 * by id and last of all: FTS5 gathers terms in memory, and writes them out early when an id goes backwards or another
 * statement opens a savepoint.
 */
#include <string.h>

#include "store/accounts.h"
#include "store/coverage.h"
#include "store/events.h"
#include "store/health.h"
#include "store/write.h"

/* What this transaction does about one key. */
struct change {
    const struct document *document;      /* the latest body */
    const struct document *first;         /* of a new row: the body it is inserted with; else NULL */
    const struct store_page *page;        /* that delivered `first` */
    int64_t old_id;                       /* of a row that was there before */
    int64_t id;                           /* of the row now */
    uint8_t content_hash[HASH_KEY_BYTES]; /* of the row now */
};

/* One more body for a key, in the order of delivery. */
struct update {
    struct change *change;
    const struct document *document;
    const struct store_page *page;
    uint8_t old_hash[HASH_KEY_BYTES];
};

struct batch {
    struct store *store;
    GHashTable *by_key; /* key -> change, borrowed from `changes` */
    GPtrArray *changes; /* struct change *, owned */
    GArray *updates;    /* struct update */
    struct accounts_batch accounts;
    struct health_batch health;
    int64_t first_seq, seq; /* the last change number before this transaction, and now */
    struct event_ids ids;
};

static guint hash_of_key(gconstpointer key)
{
    guint hash; /* the key is a hash already */
    memcpy(&hash, key, sizeof hash);
    return hash;
}

static gboolean same_key(gconstpointer a, gconstpointer b)
{
    return memcmp(a, b, HASH_KEY_BYTES) == 0;
}

static void batch_init(struct batch *batch, struct store *store)
{
    *batch = (struct batch){.store = store, .ids = {.store = store}};
    batch->by_key = g_hash_table_new(hash_of_key, same_key);
    batch->changes = g_ptr_array_new_with_free_func(g_free);
    batch->updates = g_array_new(FALSE, FALSE, sizeof(struct update));
    accounts_batch_init(&batch->accounts, store, &batch->seq);
    health_batch_init(&batch->health, store, &batch->seq);
}

static void batch_clear(struct batch *batch)
{
    g_hash_table_unref(batch->by_key);
    g_ptr_array_unref(batch->changes);
    g_array_unref(batch->updates);
    accounts_batch_clear(&batch->accounts);
    health_batch_clear(&batch->health);
}

/* --- 1. what each record is ------------------------------------------------------------------------------------------
 */

static struct change *add_change(struct batch *batch, const struct document *document, const struct store_page *page)
{
    struct change *change = g_new0(struct change, 1);
    change->document = document;
    change->page = page;
    memcpy(change->content_hash, document->content_hash, HASH_KEY_BYTES);
    g_ptr_array_add(batch->changes, change);
    g_hash_table_insert(batch->by_key, (gpointer)document->key, change);
    return change;
}

static void add_update(struct batch *batch, struct change *change, const struct document *document,
                       const struct store_page *page, const uint8_t old_hash[HASH_KEY_BYTES])
{
    struct update update = {change, document, page, {0}};
    memcpy(update.old_hash, old_hash, HASH_KEY_BYTES);
    g_array_append_val(batch->updates, update);
    change->document = document;
    memcpy(change->content_hash, document->content_hash, HASH_KEY_BYTES);
}

/* Decides what a record is. *is_new tells whether it is inserted. */
static bool classify(struct batch *batch, struct store_page *page, const struct document *document, bool *is_new,
                     GError **error)
{
    uint8_t hash[HASH_KEY_BYTES];
    int64_t id = 0;
    bool found = true;
    struct change *change = g_hash_table_lookup(batch->by_key, document->key);

    *is_new = false;
    if (change)
        memcpy(hash, change->content_hash, HASH_KEY_BYTES);
    else if (!event_key_find(batch->store, document->key, &found, &id, hash, error))
        return false;

    if (!found) {
        change = add_change(batch, document, page);
        change->first = document;
        page->counts.inserted++;
        *is_new = true;
    } else if (memcmp(hash, document->content_hash, HASH_KEY_BYTES) == 0) {
        page->counts.duplicates++;
    } else {
        if (!change) {
            change = add_change(batch, document, page);
            change->old_id = change->id = id;
        }
        add_update(batch, change, document, page, hash);
        page->counts.updated++;
    }
    return true;
}

static bool store_unreadable(struct store *store, struct store_page *page, const struct unreadable *unreadable,
                             GError **error)
{
    uint8_t digest[HASH_SHA256_BYTES];
    hash_sha256(unreadable->body, unreadable->length, digest);
    struct statement *insert = statement_get(store, STATEMENT_UNREADABLE_INSERT, error);
    if (!insert)
        return false;
    bind_int(insert, 1, page->customer_id);
    bind_text(insert, 2, page->source);
    bind_int(insert, 3, page->received_at);
    bind_text(insert, 4, unreadable->request_id);
    bind_text(insert, 5, unreadable->reason ? unreadable->reason : "");
    bind_blob(insert, 6, digest, HASH_KEY_BYTES);
    bind_blob(insert, 7, unreadable->body, unreadable->length);
    if (!statement_run(insert, error))
        return false;
    page->counts.unreadable += sqlite3_changes(store->db); /* none when it was kept before */
    return true;
}

static const char *newer(const struct store_page *page, const struct document *document, const char *newest)
{
    bool counts = document->timestamp && document->time_s <= page->received_at + EVENT_AHEAD_S;
    return counts && g_strcmp0(document->timestamp, newest) > 0 ? document->timestamp : newest;
}

/* Overviews are not counted among the records of health: there is one for each service, whatever happens. */
static bool is_counted(const struct store_page *page)
{
    return !page->health || page->health->kind != STORE_HEALTH_OVERVIEWS;
}

static bool add_to_collection(struct store *store, const struct store_page *page, const char *newest, GError **error)
{
    if (page->counts.inserted == 0 && page->counts.updated == 0)
        return true;
    struct statement *add = statement_get(store, STATEMENT_COLLECTION_ADD, error);
    if (!add)
        return false;
    bind_int(add, 1, page->customer_id);
    bind_text(add, 2, page->source);
    bind_int(add, 3, is_counted(page) ? page->counts.inserted : 0);
    bind_text(add, 4, newest);
    return statement_run(add, error);
}

/* Cursor or coverage; `late` records of this page had been missed by an earlier reading. */
static bool step_window(struct store *store, const struct store_page *page, const struct coverage_part *part,
                        int64_t late, GError **error)
{
    int64_t before;
    if (page->again)
        return true;
    if (!cursor_late(store, part, page->window, &before, error))
        return false;
    late += before;
    if (!page->next_link)
        return coverage_mark_read(store, part, page->window, page->received_at, page->window_records, late, error) &&
               cursor_drop(store, part, page->window, error);
    struct store_cursor cursor = {page->window, (char *)page->next_link, page->window_records, page->received_at};
    return coverage_mark_open(store, part, page->window, error) && cursor_save(store, part, &cursor, late, error);
}

static bool take_documents(struct batch *batch, struct store_page *page, const char **newest, GError **error)
{
    struct coverage_part part = {page->customer_id, page->source, page->part};
    g_autoptr(GArray) spans = coverage_overlap(batch->store, &part, page->window, error);
    if (!spans)
        return false;

    int64_t late = 0;
    for (guint i = 0; page->documents && i < page->documents->len; i++) {
        const struct document *document = page->documents->pdata[i];
        bool is_new;
        if (!classify(batch, page, document, &is_new, error))
            return false;
        late += is_new && coverage_was_read(spans, document->time_s);
        *newest = newer(page, document, *newest);
    }
    return step_window(batch->store, page, &part, late, error);
}

static bool take_records(struct batch *batch, struct store_page *page, const char **newest, GError **error)
{
    if (page->accounts) /* they have no time by which a source is fresh */
        return accounts_take_page(&batch->accounts, page, error);
    if (page->health)
        return health_take_page(&batch->health, page, page->received_at + EVENT_AHEAD_S, newest, error);
    return take_documents(batch, page, newest, error);
}

static bool take_page(struct batch *batch, struct store_page *page, GError **error)
{
    const char *newest = NULL;
    page->counts = (struct store_counts){0};
    if (!take_records(batch, page, &newest, error))
        return false;
    for (guint i = 0; page->unreadable && i < page->unreadable->len; i++)
        if (!store_unreadable(batch->store, page, page->unreadable->pdata[i], error))
            return false;
    return add_to_collection(batch->store, page, newest, error);
}

/* --- 2. new rows
 * ------------------------------------------------------------------------------------------------------ */

static bool insert_event(struct batch *batch, struct change *change, GError **error)
{
    const struct document *document = change->first;
    const char *source_key = g_strcmp0(document->dedupe_key, document->id) == 0 ? NULL : document->dedupe_key;
    struct statement *insert = statement_get(batch->store, STATEMENT_EVENT_INSERT, error);

    if (!insert || !event_ids_next(&batch->ids, document->time_s, &change->id, error))
        return false;
    bind_int(insert, 1, change->id);
    bind_int(insert, 2, change->page->customer_id);
    bind_text(insert, 3, change->page->source);
    bind_text(insert, 4, document->id);
    bind_text(insert, 5, source_key);
    bind_text(insert, 6, document->timestamp);
    bind_text(insert, 7, document->service);
    bind_text(insert, 8, document->operation);
    bind_text(insert, 9, document->result);
    bind_text(insert, 10, document->actor_display);
    bind_text(insert, 11, document->target_displays);
    bind_text(insert, 12, document->display_summary);
    bind_int(insert, 13, change->page->received_at);
    bind_int(insert, 14, ++batch->seq);
    bind_bytes(insert, 15, document->raw, document->raw_length);
    return statement_run(insert, error);
}

/* By time, and within it as delivered: the array is sorted stably. */
static int by_time(gconstpointer a, gconstpointer b)
{
    const struct document *x = (*(struct change *const *)a)->first, *y = (*(struct change *const *)b)->first;
    if (x->time_s != y->time_s)
        return x->time_s < y->time_s ? -1 : 1;
    return g_strcmp0(x->timestamp, y->timestamp);
}

static bool insert_events(struct batch *batch, GError **error)
{
    g_autoptr(GPtrArray) fresh = g_ptr_array_new();
    for (guint i = 0; i < batch->changes->len; i++) {
        struct change *change = batch->changes->pdata[i];
        if (change->first)
            g_ptr_array_add(fresh, change);
    }
    g_ptr_array_sort(fresh, by_time);
    for (guint i = 0; i < fresh->len; i++)
        if (!insert_event(batch, fresh->pdata[i], error))
            return false;
    return true;
}

/* --- 3. changed rows
 * -------------------------------------------------------------------------------------------------- */

static bool replace_event(struct batch *batch, const struct update *update, int64_t id, GError **error)
{
    const struct document *document = update->document;
    struct statement *statement = statement_get(batch->store, STATEMENT_EVENT_UPDATE, error);
    if (!statement)
        return false;
    bind_int(statement, 1, update->change->id);
    bind_int(statement, 2, id);
    bind_text(statement, 3, document->timestamp);
    bind_text(statement, 4, document->service);
    bind_text(statement, 5, document->operation);
    bind_text(statement, 6, document->result);
    bind_text(statement, 7, document->actor_display);
    bind_text(statement, 8, document->target_displays);
    bind_text(statement, 9, document->display_summary);
    bind_int(statement, 10, update->page->received_at);
    bind_int(statement, 11, ++batch->seq);
    bind_bytes(statement, 12, document->raw, document->raw_length);
    return statement_run(statement, error);
}

static bool apply_update(struct batch *batch, const struct update *update, GError **error)
{
    const struct document *document = update->document;
    struct change *change = update->change;
    int64_t id = change->id;

    /* A record without readable time stays where it is: its second is only that of a reception. */
    if (!document->time_missing && document->time_s != event_id_second(id)) {
        event_ids_forget(&batch->ids);
        if (!event_ids_next(&batch->ids, document->time_s, &id, error))
            return false;
    }
    if (!event_version_keep(batch->store, change->id, update->page->received_at, update->old_hash, error) ||
        !replace_event(batch, update, id, error) || !event_versions_move(batch->store, change->id, id, error))
        return false;
    change->id = id;
    return true;
}

static bool update_events(struct batch *batch, GError **error)
{
    for (guint i = 0; i < batch->updates->len; i++)
        if (!apply_update(batch, &g_array_index(batch->updates, struct update, i), error))
            return false;
    return true;
}

/* --- 4. keys
 * ------------------------------------------------------------------------------------------------------------ */

static int by_key(gconstpointer a, gconstpointer b)
{
    return memcmp((*(struct change *const *)a)->document->key, (*(struct change *const *)b)->document->key,
                  HASH_KEY_BYTES);
}

static bool write_keys(struct batch *batch, GError **error)
{
    g_ptr_array_sort(batch->changes, by_key);
    for (guint i = 0; i < batch->changes->len; i++) {
        const struct change *change = batch->changes->pdata[i];
        enum statement_id how = change->first ? STATEMENT_KEY_INSERT : STATEMENT_KEY_UPDATE;
        if (!event_key_write(batch->store, how, change->document->key, change->id, change->content_hash, error))
            return false;
    }
    return true;
}

/* --- 5. full text
 * ------------------------------------------------------------------------------------------------------- */

/* Deletes first: an id that one row left may have been taken by another. */
static bool write_fts(struct batch *batch, GError **error)
{
    g_autoptr(GArray) texts = g_array_sized_new(FALSE, FALSE, sizeof(struct event_text), batch->changes->len + 1);
    for (guint i = 0; i < batch->changes->len; i++) {
        const struct change *change = batch->changes->pdata[i];
        struct event_text removal = {change->old_id, NULL, NULL};
        if (!change->first)
            g_array_append_val(texts, removal);
    }
    for (guint i = 0; i < batch->changes->len; i++) {
        const struct change *change = batch->changes->pdata[i];
        struct event_text insert = {change->id, change->document->text, change->document->facets};
        g_array_append_val(texts, insert);
    }
    return event_texts_write(batch->store, texts, error);
}

/* --- the whole
 * ------------------------------------------------------------------------------------------------------------ */

static bool write_pages(struct batch *batch, struct store_page *const *pages, size_t n, GError **error)
{
    if (!events_seq_read(batch->store, &batch->first_seq, error))
        return false;
    batch->seq = batch->first_seq;
    for (size_t i = 0; i < n; i++)
        if (!take_page(batch, pages[i], error))
            return false;
    return insert_events(batch, error) && update_events(batch, error) && write_keys(batch, error) &&
           (batch->seq == batch->first_seq || events_seq_write(batch->store, batch->seq, error)) &&
           write_fts(batch, error) && accounts_write_fts(&batch->accounts, error) &&
           health_write_fts(&batch->health, error);
}

bool store_write_pages(struct store *store, struct store_page *const *pages, size_t n, GError **error)
{
    struct batch batch;
    batch_init(&batch, store);
    bool written = write_pages(&batch, pages, n, error);
    batch_clear(&batch);
    return written;
}

/* A scan tells of a moment that does not come again, in a few rows: it is written however large the log is. */
static bool is_bounded(struct store_page *const *pages, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!pages[i]->health)
            return true;
    return false;
}

bool store_commit_pages(struct store *store, struct store_page *const *pages, size_t n, GError **error)
{
    if ((is_bounded(pages, n) && !wal_make_room(store, error)) || !store_begin(store, error))
        return false;
    if (!store_write_pages(store, pages, n, error)) {
        store_rollback(store);
        return false;
    }
    return store_commit(store, error);
}
