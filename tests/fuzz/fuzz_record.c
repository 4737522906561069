/* Records of every source of events, over any bytes: as one record, and as the elements of a page. What is checked
 * beyond the sanitizers:
 *
 * - a record becomes a document, or is refused in words; never neither;
 * - texts are UTF-8; the summary is one line; the targets are a JSON array of strings; a time is 28 characters, or
 * there is none; the dedupe key is never empty; facets are tokens;
 * - whatever a record says can be found: each string and whole number of it is a line of the text, and none is there
 *   twice;
 * - decoded again, after others, it gives the same document; and so does the same record in other bytes;
 * - the document that people see is JSON, and the record stands in it byte for byte. */
#include "fuzz.h"

#include "base/base.h"
#include "document_lines.h"
#include "json_print.h"
#include "sources/sources.h"
#include "store/store.h"

#define TENANT "9d2f0c58-0000-4000-8000-000000000001"

enum { RECEIVED_AT = 1795000000, FACET_BYTES = 14 };

static void check_utf8(const char *text)
{
    g_assert(text == NULL || g_utf8_validate(text, -1, NULL));
}

/* --- the fields --------------------------------------------------------------------------------------------------- */

static void check_identity(const struct document *document, struct json_slice record)
{
    g_assert(document->raw == record.bytes && document->raw_length == record.length);
    check_utf8(document->id);
    g_assert(document->id == NULL || document->id[0] != '\0');
    if (document->id != NULL)
        g_assert(strcmp(document->dedupe_key, document->id) == 0);
    else
        g_assert(strlen(document->dedupe_key) == 64 && strspn(document->dedupe_key, "0123456789abcdef") == 64);
}

static void check_time(const struct document *document)
{
    struct timestamp time;

    g_assert(document->time_missing == (document->timestamp == NULL));
    document_check_time(document->timestamp);
    if (document->time_missing)
        g_assert(document->time_s == RECEIVED_AT);
    else
        g_assert(timestamp_parse(document->timestamp, TIMESTAMP_TEXT_BYTES - 1, &time) &&
                 time.seconds == document->time_s);
}

static void check_words(const struct document *document)
{
    bool displayed = false;

    check_utf8(document->service);
    check_utf8(document->operation);
    check_utf8(document->result);
    for (guint i = 0; i < document->actor_names->len; i++) {
        check_utf8(document->actor_names->pdata[i]);
        displayed |= strcmp(document->actor_names->pdata[i], document->actor_display) == 0;
    }
    g_assert(displayed && document->actor_display[0] != '\0');
    document_check_summary(document->display_summary);
}

static void check_targets(const struct document *document)
{
    g_autoptr(JsonTree) tree = json_tree_new();
    const struct json_node *node =
        json_tree_parse(tree, document->target_displays, strlen(document->target_displays), NULL);

    g_assert(node != NULL && node->type == JSON_ARRAY);
    for (const struct json_node *one = node->child; one != NULL; one = one->next)
        g_assert(one->type == JSON_STRING && one->text_length > 0);
}

static void check_facets(const struct document *document)
{
    g_auto(GStrv) tokens = g_strsplit(document->facets, " ", -1);

    for (char **token = tokens; *token != NULL; token++) {
        g_assert(strlen(*token) == FACET_BYTES && g_ascii_islower((*token)[0]) && g_ascii_islower((*token)[1]));
        g_assert(strspn(*token + 2, "0123456789abcdef") == FACET_BYTES - 2);
    }
    g_assert(g_str_has_prefix(document->facets, "cu")); /* of the tenant, which there always is */
}

static void check_text(const struct document *document, const struct json_node *record)
{
    g_autofree char *first = document_check_text(document->text, record);

    g_assert(strcmp(first, document->display_summary) == 0);
}

/* --- the document that people see --------------------------------------------------------------------------------- */

static void check_json(const struct document *document)
{
    g_autoptr(JsonTree) tree = json_tree_new();
    g_autoptr(GString) json = g_string_new(NULL);
    g_autofree char *raw = g_strndup(document->raw, document->raw_length);
    struct store_event event = {.event_id = 1, .customer = "contoso", .tenant_id = TENANT, .source = "x"};

    event.id = document->id;
    event.timestamp = document->timestamp;
    event.operation = document->operation;
    event.actor_display = document->actor_display;
    event.target_displays = document->target_displays;
    event.display_summary = document->display_summary;
    event.dedupe_key = document->dedupe_key;
    event.raw = raw;
    event.raw_length = document->raw_length;
    event.raw_text = document->text;
    store_event_append_json(json, &event);
    const struct json_node *node = json_tree_parse(tree, json->str, json->len, NULL);
    if (node == NULL) { /* one level more than the record */
        g_assert(strlen(raw) >= 2 * JSON_DEPTH_MAX);
        return;
    }
    const struct json_node *inside = json_get(node, "raw"), *text = json_get(node, "raw_text");
    g_assert(inside->length == document->raw_length && memcmp(inside->bytes, raw, inside->length) == 0);
    g_assert(text != NULL && g_strcmp0(text->text, document->text) == 0);
}

/* --- again -------------------------------------------------------------------------------------------------------- */

/* `bytes` too: the same record, not only the same meaning. */
static void check_same(const struct document *a, const struct document *b, bool bytes)
{
    g_assert(g_strcmp0(a->id, b->id) == 0 && g_strcmp0(a->timestamp, b->timestamp) == 0);
    g_assert(a->time_s == b->time_s && a->time_missing == b->time_missing);
    g_assert(g_strcmp0(a->service, b->service) == 0 && g_strcmp0(a->operation, b->operation) == 0);
    g_assert(g_strcmp0(a->result, b->result) == 0 && strcmp(a->actor_display, b->actor_display) == 0);
    g_assert(strcmp(a->target_displays, b->target_displays) == 0 && strcmp(a->facets, b->facets) == 0);
    g_assert(strcmp(a->display_summary, b->display_summary) == 0 && strcmp(a->text, b->text) == 0);
    g_assert(a->actor_names->len == b->actor_names->len);
    for (guint i = 0; i < a->actor_names->len; i++)
        g_assert(strcmp(a->actor_names->pdata[i], b->actor_names->pdata[i]) == 0);
    if (bytes || a->id != NULL || !a->time_missing) { /* else its bytes are what tells it from others */
        g_assert(strcmp(a->dedupe_key, b->dedupe_key) == 0);
        g_assert(memcmp(a->key, b->key, sizeof a->key) == 0);
    }
    if (bytes)
        g_assert(memcmp(a->content_hash, b->content_hash, sizeof a->content_hash) == 0);
}

static struct document *decode(const struct source *source, struct json_tree *tree, struct json_slice record)
{
    g_autoptr(GError) error = NULL;
    struct document *document = source_decode(source, tree, record, RECEIVED_AT, &error);

    g_assert((document == NULL) == (error != NULL));
    if (document == NULL)
        fuzz_check_message(error);
    else
        document_seal(document, TENANT, source->name);
    return document;
}

static void check_again(const struct source *source, const struct document *document, struct json_tree *tree,
                        const struct json_node *node)
{
    g_autoptr(JsonTree) other = json_tree_new();
    g_autoptr(GString) printed = g_string_new(" ");
    struct json_slice same = {document->raw, document->raw_length, JSON_FAULT_NONE};

    json_print(printed, node);
    g_string_append_c(printed, '\n');
    struct document *again = decode(source, other, same);
    struct document *anew = decode(source, tree, (struct json_slice){printed->str, printed->len, JSON_FAULT_NONE});
    g_assert(again != NULL && anew != NULL);
    check_same(document, again, true);
    check_same(document, anew, false);
    document_free(again);
    document_free(anew);
}

/* --- one record --------------------------------------------------------------------------------------------------- */

static void check_record(const struct source *source, struct json_slice record)
{
    g_autoptr(JsonTree) tree = json_tree_new(), own = json_tree_new();
    struct document *document = decode(source, tree, record);
    const struct json_node *node = json_tree_parse(own, record.bytes, record.length, NULL);

    g_assert((document != NULL) == (record.fault == JSON_FAULT_NONE && node != NULL && node->type == JSON_OBJECT));
    if (document == NULL)
        return;
    check_identity(document, record);
    check_time(document);
    check_words(document);
    check_targets(document);
    check_facets(document);
    check_text(document, node);
    if (record.bytes[0] == '{' && record.bytes[record.length - 1] == '}') /* as every slice of a page */
        check_json(document);
    check_again(source, document, tree, node);
    document_free(document);
}

static void check_page(const struct source *source, const char *bytes, size_t size)
{
    g_autoptr(JsonPage) page = json_page_new(true, size + 2);

    json_page_feed(page, "[", 1, NULL);
    json_page_feed(page, bytes, size, NULL);
    json_page_feed(page, "]", 1, NULL);
    if (!json_page_finish(page, NULL) || (json_page_count(page) == 1 && json_page_record(page, 0).length == size))
        return;
    for (size_t i = 0; i < json_page_count(page); i++)
        check_record(source, json_page_record(page, i));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *bytes = fuzz_exact(data, size);

    for (const struct source *source = sources_all(); source->name != NULL; source++) {
        if (source->decode == NULL) /* accounts */
            continue;
        check_record(source, (struct json_slice){bytes, size, JSON_FAULT_NONE});
        check_page(source, bytes, size);
    }
    return 0;
}
