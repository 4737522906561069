#include "store/health.h"

#include "base/json.h"
#include "store/facets.h"
#include "store/retention.h"
#include "store/scan.h"

/* A page of health under way. */
struct taking {
    struct health_batch *batch;
    struct store_page *page;
    struct texts *texts;               /* full text of this kind; NULL: it has none */
    char *facets;                      /* those that all records of the page have */
    char latest[TIMESTAMP_TEXT_BYTES]; /* what lies past it is a clock that runs ahead */
};

/* What the database knows of a record. */
struct known {
    int64_t row_id; /* 0: nothing */
    bool same;      /* these very bytes */
};

/* A record as it is written. */
struct body {
    const struct health_record *record;
    uint8_t hash[HASH_KEY_BYTES];
    struct health_document document;
};

void health_batch_init(struct health_batch *batch, struct store *store, int64_t *seq)
{
    static const struct texts_table issues = {STATEMENT_ISSUE_FTS_READ, STATEMENT_ISSUE_FTS_INSERT,
                                              STATEMENT_ISSUE_FTS_DELETE},
                                    messages = {STATEMENT_MESSAGE_FTS_READ, STATEMENT_MESSAGE_FTS_INSERT,
                                                STATEMENT_MESSAGE_FTS_DELETE};
    batch->store = store;
    batch->seq = seq;
    texts_init(&batch->issues, store, &issues);
    texts_init(&batch->messages, store, &messages);
}

void health_batch_clear(struct health_batch *batch)
{
    texts_clear(&batch->issues);
    texts_clear(&batch->messages);
}

/* --- what is known
 * ---------------------------------------------------------------------------------------------------- */

static bool find_known(const struct taking *taking, const struct body *body, struct known *known, GError **error)
{
    static const enum statement_id finds[] = {[STORE_HEALTH_OVERVIEWS] = STATEMENT_OVERVIEW_FIND,
                                              [STORE_HEALTH_ISSUES] = STATEMENT_ISSUE_FIND,
                                              [STORE_HEALTH_MESSAGES] = STATEMENT_MESSAGE_FIND};
    struct statement *find = statement_get(taking->batch->store, finds[taking->page->health->kind], error);
    if (!find)
        return false;
    bind_int(find, 1, taking->page->customer_id);
    bind_text(find, 2, body->record->id);
    enum step step = statement_step(find, error);
    if (step != STEP_ROW)
        return step == STEP_DONE;
    size_t length;
    const void *hash = column_blob(find, 1, &length);
    known->row_id = column_int(find, 0);
    known->same = hash && length == HASH_KEY_BYTES && memcmp(hash, body->hash, HASH_KEY_BYTES) == 0;
    return statement_end(find, error);
}

/* --- rows
 * ---------------------------------------------------------------------------------------------------- */

/* Keeps the body that is about to be replaced. */
static bool keep_version(const struct taking *taking, int64_t row_id, GError **error)
{
    static const enum statement_id inserts[] = {[STORE_HEALTH_OVERVIEWS] = STATEMENT_OVERVIEW_VERSION_INSERT,
                                                [STORE_HEALTH_ISSUES] = STATEMENT_ISSUE_VERSION_INSERT,
                                                [STORE_HEALTH_MESSAGES] = STATEMENT_MESSAGE_VERSION_INSERT};
    struct statement *insert = statement_get(taking->batch->store, inserts[taking->page->health->kind], error);
    if (!insert)
        return false;
    bind_int(insert, 1, row_id);
    bind_int(insert, 2, taking->page->received_at);
    return statement_run(insert, error);
}

static void bind_flag(struct statement *statement, int index, int flag)
{
    if (flag < 0)
        bind_text(statement, index, NULL);
    else
        bind_int(statement, index, flag);
}

/* Binds what the table of this kind has columns for, from parameter 7 on. */
static void bind_document(struct statement *write, enum store_health_kind kind, const struct health_document *document)
{
    int at = 7;
    if (kind == STORE_HEALTH_OVERVIEWS) {
        bind_text(write, at++, document->service);
        bind_text(write, at, document->status);
        return;
    }
    bind_text(write, at++, document->title);
    bind_text(write, at++, document->start);
    bind_text(write, at++, document->end);
    bind_text(write, at++, document->last_modified);
    if (kind == STORE_HEALTH_ISSUES) {
        bind_text(write, at++, document->service);
        bind_text(write, at++, document->classification);
        bind_text(write, at++, document->status);
        bind_flag(write, at, document->is_resolved);
    } else {
        bind_text(write, at++, document->services);
        bind_text(write, at++, document->category);
        bind_text(write, at++, document->severity);
        bind_flag(write, at++, document->is_major_change);
        bind_text(write, at, document->action_required_by);
    }
}

/* Inserts the row, or replaces its body; *row_id is its id. */
static bool write_row(const struct taking *taking, const struct body *body, int64_t *row_id, GError **error)
{
    static const enum statement_id writes[] = {[STORE_HEALTH_OVERVIEWS] = STATEMENT_OVERVIEW_WRITE,
                                               [STORE_HEALTH_ISSUES] = STATEMENT_ISSUE_WRITE,
                                               [STORE_HEALTH_MESSAGES] = STATEMENT_MESSAGE_WRITE};
    enum store_health_kind kind = taking->page->health->kind;
    struct statement *write = statement_get(taking->batch->store, writes[kind], error);
    if (!write)
        return false;
    bind_int(write, 1, taking->page->customer_id);
    bind_text(write, 2, body->record->id);
    bind_blob(write, 3, body->hash, HASH_KEY_BYTES);
    bind_bytes(write, 4, body->record->raw, body->record->length);
    bind_int(write, 5, ++*taking->batch->seq);
    bind_int(write, 6, taking->page->received_at);
    bind_document(write, kind, &body->document);
    return statement_int(write, 0, row_id, error);
}

/* --- full text
 * ---------------------------------------------------------------------------------------------------- */

/* One token a name of the JSON array. */
static void append_services(GString *facets, const char *services)
{
    g_autoptr(JsonTree) tree = json_tree_new();
    const struct json_node *array = services ? json_tree_parse(tree, services, strlen(services), NULL) : NULL;
    for (const struct json_node *name = array ? array->child : NULL; name; name = name->next)
        if (name->type == JSON_STRING)
            facet_append(facets, FACET_SERVICE, name->text);
}

char *health_facets(const char *facets, const struct health_document *document)
{
    GString *own = g_string_new(facets);
    facet_append(own, FACET_SERVICE, document->service);
    append_services(own, document->services);
    return g_string_free(own, FALSE);
}

static bool keep_text(const struct taking *taking, const struct body *body, int64_t row_id, bool is_new, GError **error)
{
    if (!taking->texts)
        return true;
    g_autofree char *facets = health_facets(taking->facets, &body->document);
    return texts_keep(taking->texts, row_id, is_new, body->document.text ? body->document.text : "", facets, error);
}

/* --- records
 * ---------------------------------------------------------------------------------------------------- */

static void note_newest(const struct taking *taking, const char *last_modified)
{
    char *newest = taking->batch->newest;
    if (last_modified && strcmp(last_modified, newest) > 0 && strcmp(last_modified, taking->latest) <= 0)
        g_strlcpy(newest, last_modified, sizeof taking->batch->newest);
}

static bool write_body(const struct taking *taking, const struct body *body, int64_t row_id, GError **error)
{
    bool is_new = row_id == 0;
    note_newest(taking, body->document.last_modified);
    return (is_new || keep_version(taking, row_id, error)) && write_row(taking, body, &row_id, error) &&
           keep_text(taking, body, row_id, is_new, error);
}

static bool take_record(const struct taking *taking, const struct health_record *record, GError **error)
{
    struct store_counts *counts = &taking->page->counts;
    struct body body = {.record = record, .document = {.is_resolved = -1, .is_major_change = -1}};
    struct known known = {0};
    content_hash_of(record->raw, record->length, body.hash);
    if (!find_known(taking, &body, &known, error))
        return false;
    if (known.same) {
        counts->duplicates++;
        return true;
    }
    const struct store_health *health = taking->page->health;
    health->decode(health->kind, record->raw, record->length, &body.document);
    bool goes = false, is_new = known.row_id == 0;
    bool ok = !is_new || retention_health_goes(taking->batch->store, health->kind, &body.document, health->keep_from,
                                               &goes, error);
    ok = ok && (goes || write_body(taking, &body, known.row_id, error));
    health_document_clear(&body.document);
    counts->duplicates += ok && goes;
    counts->inserted += ok && is_new && !goes;
    counts->updated += ok && !is_new;
    return ok;
}

/* --- pages
 * ---------------------------------------------------------------------------------------------------- */

static struct texts *texts_of(struct health_batch *batch, enum store_health_kind kind)
{
    return kind == STORE_HEALTH_ISSUES ? &batch->issues : kind == STORE_HEALTH_MESSAGES ? &batch->messages : NULL;
}

static bool take_page(struct taking *taking, GError **error)
{
    const struct store_page *page = taking->page;
    const struct store_health *health = page->health;

    taking->facets = texts_facets(taking->batch->store, page->customer_id, page->source, error);
    if (!taking->facets)
        return false;
    for (guint i = 0; i < health->records->len; i++)
        if (!take_record(taking, health->records->pdata[i], error))
            return false;
    return !health->scan || scan_commit(taking->batch->store, page, taking->batch->seq, error);
}

bool health_take_page(struct health_batch *batch, struct store_page *page, int64_t latest, const char **newest,
                      GError **error)
{
    struct taking taking = {.batch = batch, .page = page, .texts = texts_of(batch, page->health->kind)};
    timestamp_format((struct timestamp){latest, 0}, taking.latest);
    batch->newest[0] = '\0';
    bool taken = take_page(&taking, error);
    g_free(taking.facets);
    *newest = batch->newest[0] ? batch->newest : NULL;
    return taken;
}

bool health_write_fts(struct health_batch *batch, GError **error)
{
    return texts_write(&batch->issues, error) && texts_write(&batch->messages, error);
}
