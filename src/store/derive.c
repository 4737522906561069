#include "store/derive.h"

/* Where STATEMENT_RENORMALIZE_EVENTS has them. */
enum column {
    EVENT_ID,
    SEQ,
    CUSTOMER_ID,
    TENANT_ID,
    SOURCE,
    FIRST_SEEN,
    RAW,
    TEXT,
    FACETS,
    ID,
    DEDUPE_KEY,
    TIMESTAMP,
    FIRST_SAID /* and those after it: what people see */
};

/* An event as it is stored, and as it is understood today. */
struct event {
    int64_t event_id, customer_id;
    char *tenant_id, *source;
    char *id, *dedupe_key;     /* the columns; NULL where they are */
    char *raw;                 /* which the document borrows */
    struct document *document; /* NULL: it cannot be decoded */
    bool same_time, same_columns, same_text;
};

void derive_init(struct derive *derive, struct store *store, const struct store_decoders *decoders, int64_t now)
{
    *derive = (struct derive){.store = store, .decoders = decoders, .latest = now + EVENT_AHEAD_S};
    derive->ids.store = store;
    derive->texts = g_array_new(FALSE, FALSE, sizeof(struct event_text));
    derive->documents = g_ptr_array_new_with_free_func((GDestroyNotify)document_free);
}

void derive_clear(struct derive *derive)
{
    g_array_unref(derive->texts);
    g_ptr_array_unref(derive->documents);
}

/* --- the transaction -------------------------------------------------------------------------------------------------
 */

bool derive_begin(struct derive *derive, GError **error)
{
    event_ids_forget(&derive->ids);
    g_array_set_size(derive->texts, 0);
    g_ptr_array_set_size(derive->documents, 0);
    derive->text_deleted = 0;
    if (!events_seq_read(derive->store, &derive->first_seq, error))
        return false;
    derive->seq = derive->first_seq;
    return true;
}

/* Their entries stay in the index until its segments are merged. */
static bool count_deleted(const struct derive *derive, GError **error)
{
    if (derive->text_deleted == 0)
        return true;
    struct statement *count = statement_get(derive->store, STATEMENT_RENORMALIZE_TEXT_DELETED, error);
    if (!count)
        return false;
    bind_int(count, 1, derive->text_deleted);
    return statement_run(count, error);
}

bool derive_finish(struct derive *derive, GError **error)
{
    return (derive->seq == derive->first_seq || events_seq_write(derive->store, derive->seq, error)) &&
           count_deleted(derive, error) && event_texts_write(derive->store, derive->texts, error);
}

void derive_drop_text(struct derive *derive, int64_t event_id)
{
    struct event_text removal = {event_id, NULL, NULL};
    g_array_append_val(derive->texts, removal);
    derive->text_deleted++;
}

bool derive_bury(struct derive *derive, const char *tenant_id, const char *source, const char *name, GError **error)
{
    if (!derive->mirror_deletes)
        return true;
    struct statement *bury = statement_get(derive->store, STATEMENT_RENORMALIZE_TOMBSTONE, error);
    if (!bury)
        return false;
    bind_int(bury, 1, ++derive->seq);
    bind_text(bury, 2, tenant_id);
    bind_text(bury, 3, source);
    bind_text(bury, 4, name ? name : "");
    return statement_run(bury, error);
}

/* --- comparing -------------------------------------------------------------------------------------------------------
 */

static bool same(struct statement *row, int column, const char *value)
{
    return g_strcmp0(column_text(row, column, NULL), value) == 0;
}

static bool same_columns(struct statement *row, const struct document *document)
{
    const char *values[] = {document->service,       document->operation,       document->result,
                            document->actor_display, document->target_displays, document->display_summary};
    for (size_t i = 0; i < G_N_ELEMENTS(values); i++)
        if (!same(row, FIRST_SAID + (int)i, values[i]))
            return false;
    return true;
}

static bool same_text(struct statement *row, const struct document *document)
{
    return same(row, TEXT, document->text ? document->text : "") && same(row, FACETS, document->facets);
}

/* The document of the row's bytes; NULL: they cannot be looked into. */
static struct document *decode(const struct derive *derive, struct statement *row, const char *raw, size_t length)
{
    const struct store_decoders *decoders = derive->decoders;
    return decoders->event(column_text(row, SOURCE, NULL), column_text(row, TENANT_ID, NULL), raw, length,
                           column_int(row, FIRST_SEEN), decoders->user, NULL);
}

/* What is stored where the key is the id. */
static const char *key_column(const char *name, const char *id)
{
    return g_strcmp0(name, id) == 0 ? NULL : name;
}

/* A record without readable time stays where it is: its second is only that of a reception. One that stands later than
 * its second, because that was full, is due each time, and is left there. */
static bool is_placed(const struct document *document, int64_t event_id)
{
    return document->time_missing || document->time_s == event_id_second(event_id);
}

enum derive_look derive_look(const struct derive *derive, struct statement *row)
{
    size_t length;
    const char *raw = column_text(row, RAW, &length);
    struct document *document = decode(derive, row, raw ? raw : "", length);
    if (!document)
        return DERIVE_UNDECODABLE;
    bool is_same = is_placed(document, column_int(row, EVENT_ID)) && same(row, ID, document->id) &&
                   same(row, DEDUPE_KEY, key_column(document->dedupe_key, document->id)) &&
                   same(row, TIMESTAMP, document->timestamp) && same_columns(row, document) && same_text(row, document);
    document_free(document);
    return is_same ? DERIVE_SAME : DERIVE_DUE;
}

/* --- reading ---------------------------------------------------------------------------------------------------------
 */

static void event_clear(struct event *event)
{
    g_free(event->tenant_id);
    g_free(event->source);
    g_free(event->id);
    g_free(event->dedupe_key);
    g_free(event->raw);
}

static void read_columns(const struct derive *derive, struct statement *row, struct event *event)
{
    size_t length;
    const char *raw = column_text(row, RAW, &length);
    event->customer_id = column_int(row, CUSTOMER_ID);
    event->tenant_id = g_strdup(column_text(row, TENANT_ID, NULL));
    event->source = g_strdup(column_text(row, SOURCE, NULL));
    event->id = g_strdup(column_text(row, ID, NULL));
    event->dedupe_key = g_strdup(column_text(row, DEDUPE_KEY, NULL));
    event->raw = g_strndup(raw ? raw : "", length);
    event->document = decode(derive, row, event->raw, length);
    if (!event->document)
        return;
    event->same_time = same(row, TIMESTAMP, event->document->timestamp);
    event->same_columns = same_columns(row, event->document);
    event->same_text = same_text(row, event->document);
}

/* Reads the event, if it is there. A document of it lives until the transaction's end: its text is written then. */
static bool read_event(struct derive *derive, int64_t event_id, struct event *event, GError **error)
{
    struct statement *read = statement_get(derive->store, STATEMENT_RENORMALIZE_EVENTS, error);
    if (!read)
        return false;
    bind_int(read, 1, event_id);
    bind_int(read, 2, event_id);
    enum step step = statement_step(read, error);
    if (step != STEP_ROW)
        return step == STEP_DONE;
    event->event_id = event_id;
    read_columns(derive, read, event);
    if (event->document)
        g_ptr_array_add(derive->documents, event->document);
    return statement_end(read, error);
}

/* --- writing ---------------------------------------------------------------------------------------------------------
 */

/* Its place in the order of time: a free id of its second, or the one it has when no other is nearer. */
static bool place(struct derive *derive, const struct event *event, int64_t *id, GError **error)
{
    int64_t stands = event_id_second(event->event_id), wanted = event->document->time_s;
    *id = event->event_id;
    if (is_placed(event->document, event->event_id))
        return true;
    event_ids_forget(&derive->ids);
    if (!event_ids_next(&derive->ids, wanted, id, error))
        return false;
    if (stands > wanted && event_id_second(*id) >= stands)
        *id = event->event_id;
    return true;
}

/* The name by which the record is keyed: today's, unless that is another record's. */
static bool choose_name(const struct derive *derive, const struct event *event, const char **name,
                        struct derived *derived, GError **error)
{
    const char *has = event->dedupe_key ? event->dedupe_key : event->id;
    uint8_t hash[HASH_KEY_BYTES];
    int64_t owner;

    *name = event->document->dedupe_key;
    derived->rekeyed = g_strcmp0(has, *name) != 0;
    if (!derived->rekeyed)
        return true;
    if (!event_key_find(derive->store, event->document->key, &derived->apart, &owner, hash, error))
        return false;
    derived->rekeyed = !derived->apart;
    if (derived->apart)
        *name = has;
    return true;
}

static bool write_row(struct derive *derive, const struct event *event, int64_t id, const char *name, GError **error)
{
    const struct document *document = event->document;
    struct statement *write = statement_get(derive->store, STATEMENT_RENORMALIZE_EVENT_WRITE, error);
    if (!write)
        return false;
    bind_int(write, 1, event->event_id);
    bind_int(write, 2, id);
    bind_int(write, 3, ++derive->seq);
    bind_text(write, 4, document->id);
    bind_text(write, 5, key_column(name, document->id));
    bind_text(write, 6, document->timestamp);
    bind_text(write, 7, document->service);
    bind_text(write, 8, document->operation);
    bind_text(write, 9, document->result);
    bind_text(write, 10, document->actor_display);
    bind_text(write, 11, document->target_displays);
    bind_text(write, 12, document->display_summary);
    return statement_run(write, error);
}

static bool write_key(struct derive *derive, const struct event *event, int64_t id, const struct derived *derived,
                      GError **error)
{
    uint8_t key[HASH_KEY_BYTES];
    struct statement *write = statement_get(derive->store, STATEMENT_RENORMALIZE_EVENT_KEY, error);
    if (!write)
        return false;
    derive_key(event->tenant_id, event->source, event->dedupe_key ? event->dedupe_key : event->id, key);
    bind_blob(write, 1, key, sizeof key);
    bind_int(write, 2, event->event_id);
    bind_blob(write, 3, derived->rekeyed ? event->document->key : key, HASH_KEY_BYTES);
    bind_int(write, 4, id);
    if (!statement_run(write, error))
        return false;
    if (sqlite3_changes(derive->store->db) == 1)
        return true;
    g_set_error(error, STORE_ERROR, STORE_ERROR_CORRUPT,
                "%s is not sound: the key of event %" G_GINT64_FORMAT " does not lead to it, so it was not derived "
                "anew; `m365keep maintain verify` says what is damaged",
                derive->store->path, event->event_id);
    return false;
}

/* What happened last makes its source fresh. */
static bool write_newest(const struct derive *derive, const struct event *event, GError **error)
{
    const struct document *document = event->document;
    if (event->same_time || !document->timestamp || document->time_s > derive->latest)
        return true;
    struct statement *add = statement_get(derive->store, STATEMENT_COLLECTION_ADD, error);
    if (!add)
        return false;
    bind_int(add, 1, event->customer_id);
    bind_text(add, 2, event->source);
    bind_int(add, 3, 0);
    bind_text(add, 4, document->timestamp);
    return statement_run(add, error);
}

static void keep_text(struct derive *derive, const struct event *event, int64_t id)
{
    struct event_text text = {id, event->document->text, event->document->facets};
    if (event->same_text && id == event->event_id)
        return;
    derive_drop_text(derive, event->event_id);
    g_array_append_val(derive->texts, text);
}

static bool write_event(struct derive *derive, const struct event *event, int64_t id, const char *name,
                        const struct derived *derived, GError **error)
{
    const char *had = event->dedupe_key ? event->dedupe_key : event->id;
    if (!write_row(derive, event, id, name, error) || !event_versions_move(derive->store, event->event_id, id, error) ||
        !write_newest(derive, event, error))
        return false;
    keep_text(derive, event, id);
    if (!derived->rekeyed && !derived->moved)
        return true;
    return write_key(derive, event, id, derived, error) &&
           (!derived->rekeyed || derive_bury(derive, event->tenant_id, event->source, had, error));
}

static bool write_difference(struct derive *derive, const struct event *event, struct derived *derived, GError **error)
{
    const char *name;
    int64_t id;

    if (!choose_name(derive, event, &name, derived, error) || !place(derive, event, &id, error))
        return false;
    derived->moved = id != event->event_id;
    derived->changed = derived->moved || !event->same_time || !event->same_columns || !event->same_text ||
                       g_strcmp0(event->id, event->document->id) != 0 ||
                       g_strcmp0(event->dedupe_key, key_column(name, event->document->id)) != 0;
    return !derived->changed || write_event(derive, event, id, name, derived, error);
}

bool derive_event(struct derive *derive, int64_t event_id, struct derived *derived, GError **error)
{
    struct event event = {0};
    *derived = (struct derived){0};
    bool ok = read_event(derive, event_id, &event, error) &&
              (!event.document || write_difference(derive, &event, derived, error));
    event_clear(&event);
    return ok;
}
