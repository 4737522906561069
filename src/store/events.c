#include "store/events.h"

/* --- change numbers --------------------------------------------------------------------------------------------------
 */

bool events_seq_read(struct store *store, int64_t *seq, GError **error)
{
    struct statement *read = statement_get(store, STATEMENT_SEQ_READ, error);
    return read && statement_int(read, 0, seq, error);
}

bool events_seq_write(struct store *store, int64_t seq, GError **error)
{
    struct statement *write = statement_get(store, STATEMENT_SEQ_WRITE, error);
    if (!write)
        return false;
    bind_int(write, 1, seq);
    return statement_run(write, error);
}

/* --- ids -------------------------------------------------------------------------------------------------------------
 */

/* Finds what is free in a second; goes on to the next when a million records have filled it. */
static bool open_second(struct event_ids *ids, int64_t second, GError **error)
{
    do {
        struct statement *last = statement_get(ids->store, STATEMENT_EVENT_LAST_OF_SECOND, error);
        if (!last)
            return false;
        ids->next_id = event_id_first(second);
        ids->end_id = event_id_first(++second);
        bind_int(last, 1, ids->next_id);
        bind_int(last, 2, ids->end_id);
        int64_t taken;
        if (!statement_int(last, ids->next_id - 1, &taken, error))
            return false;
        ids->next_id = taken + 1;
    } while (ids->next_id >= ids->end_id);
    return true;
}

bool event_ids_next(struct event_ids *ids, int64_t second, int64_t *id, GError **error)
{
    if (second != ids->second || ids->next_id >= ids->end_id) {
        if (!open_second(ids, second, error))
            return false;
        ids->second = second;
    }
    *id = ids->next_id++;
    return true;
}

void event_ids_forget(struct event_ids *ids)
{
    ids->next_id = ids->end_id = 0;
}

/* --- keys ------------------------------------------------------------------------------------------------------------
 */

bool event_key_find(struct store *store, const uint8_t key[HASH_KEY_BYTES], bool *found, int64_t *id,
                    uint8_t content_hash[HASH_KEY_BYTES], GError **error)
{
    struct statement *find = statement_get(store, STATEMENT_KEY_FIND, error);
    if (!find)
        return false;
    bind_blob(find, 1, key, HASH_KEY_BYTES);
    enum step step = statement_step(find, error);
    *found = step == STEP_ROW;
    if (!*found)
        return step == STEP_DONE;

    *id = column_int(find, 0);
    size_t length;
    const void *hash = column_blob(find, 1, &length);
    memset(content_hash, 0, HASH_KEY_BYTES);
    if (hash && length == HASH_KEY_BYTES)
        memcpy(content_hash, hash, HASH_KEY_BYTES);
    return statement_end(find, error);
}

bool event_key_write(struct store *store, enum statement_id how, const uint8_t key[HASH_KEY_BYTES], int64_t id,
                     const uint8_t content_hash[HASH_KEY_BYTES], GError **error)
{
    struct statement *write = statement_get(store, how, error);
    if (!write)
        return false;
    bind_blob(write, 1, key, HASH_KEY_BYTES);
    bind_int(write, 2, id);
    bind_blob(write, 3, content_hash, HASH_KEY_BYTES);
    return statement_run(write, error);
}

/* --- earlier bodies --------------------------------------------------------------------------------------------------
 */

bool event_version_keep(struct store *store, int64_t id, int64_t replaced_at, const uint8_t hash[HASH_KEY_BYTES],
                        GError **error)
{
    struct statement *insert = statement_get(store, STATEMENT_VERSION_INSERT, error);
    if (!insert)
        return false;
    bind_int(insert, 1, id);
    bind_int(insert, 2, replaced_at);
    bind_blob(insert, 3, hash, HASH_KEY_BYTES);
    return statement_run(insert, error);
}

bool event_versions_move(struct store *store, int64_t from, int64_t to, GError **error)
{
    if (from == to)
        return true;
    struct statement *move = statement_get(store, STATEMENT_VERSION_MOVE, error);
    if (!move)
        return false;
    bind_int(move, 1, from);
    bind_int(move, 2, to);
    return statement_run(move, error);
}

/* --- full text -------------------------------------------------------------------------------------------------------
 */

static int by_id(gconstpointer a, gconstpointer b)
{
    const struct event_text *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

static bool write_text(struct store *store, const struct event_text *text, GError **error)
{
    enum statement_id id = text->facets ? STATEMENT_FTS_INSERT : STATEMENT_FTS_DELETE;
    struct statement *write = statement_get(store, id, error);
    if (!write)
        return false;
    bind_int(write, 1, text->id);
    if (text->facets) {
        bind_text(write, 2, text->text ? text->text : "");
        bind_text(write, 3, text->facets);
    }
    return statement_run(write, error);
}

bool event_texts_write(struct store *store, GArray *texts, GError **error)
{
    g_array_sort(texts, by_id); /* which is stable */
    for (guint i = 0; i < texts->len; i++)
        if (!write_text(store, &g_array_index(texts, struct event_text, i), error))
            return false;
    return true;
}
