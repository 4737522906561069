#include "sources.h"

#include <string.h>

#include "base/base.h"
#include "decode.h"
#include "document_text.h"
#include "record.h"

enum { DAY_S = 86400, HOUR_S = 3600 };

/* Reach: 30 days with a P1 or P2 licence; a tenant without keeps 7 (Microsoft Entra data retention). */
static const struct source sources[] = {
    {
        .name = "sign-ins",
        .api = CLIENT_API_GRAPH,
        .family = CLIENT_FAMILY_REPORTS,
        .path = "/v1.0/auditLogs/signIns",
        .time_field = "createdDateTime",
        .page_size = 1000,
        .reach_s = 30 * DAY_S,
        .reach_unlicensed_s = 7 * DAY_S,
        .overlap_s = 6 * HOUR_S,
        .permission = "AuditLog.Read.All",
        .licence = "Microsoft Entra ID P1 or P2",
        .decode = sign_ins_decode,
    },
    {
        .name = "directory-audits",
        .api = CLIENT_API_GRAPH,
        .family = CLIENT_FAMILY_REPORTS,
        .path = "/v1.0/auditLogs/directoryAudits",
        .time_field = "activityDateTime",
        .page_size = 1000,
        .reach_s = 30 * DAY_S,
        .reach_unlicensed_s = 7 * DAY_S,
        .overlap_s = 6 * HOUR_S,
        .permission = "AuditLog.Read.All and Directory.Read.All",
        .licence = NULL,
        .decode = directory_audits_decode,
    },
    {.name = NULL},
};

const struct source *sources_all(void)
{
    return sources;
}

const struct source *source_find(const char *name)
{
    if (name == NULL)
        return NULL;
    for (const struct source *source = sources; source->name != NULL; source++)
        if (strcmp(source->name, name) == 0)
            return source;
    return NULL;
}

/* --- windows
 * ------------------------------------------------------------------------------------------------------------ */

/* Time literals of $filter stand without quotes; their colons are escaped. */
static void append_time(GString *url, int64_t seconds)
{
    g_autofree char *text = timestamp_format_seconds(seconds);

    g_string_append_uri_escaped(url, text, NULL, FALSE);
}

char *source_window_url(const struct source *source, const char *base_url, int64_t from, int64_t to)
{
    GString *url = g_string_new(base_url);

    g_string_append_printf(url, "%s?$filter=%s%%20ge%%20", source->path, source->time_field);
    append_time(url, from);
    g_string_append_printf(url, "%%20and%%20%s%%20le%%20", source->time_field);
    append_time(url, to);
    g_string_append_printf(url, "&$top=%d", source->page_size);
    return g_string_free(url, FALSE);
}

/* --- records
 * ------------------------------------------------------------------------------------------------------------ */

static void decode_id(const struct json_node *record, struct document *document)
{
    const struct json_node *id = json_get(record, "id");

    if (id != NULL && (id->type == JSON_STRING || id->type == JSON_NUMBER) && id->text_length > 0)
        document->id = g_strdup(id->text);
}

static void decode_time(const struct source *source, const struct json_node *record, int64_t received_at,
                        struct document *document)
{
    const struct json_node *node = json_get(record, source->time_field);
    struct timestamp time;
    char text[TIMESTAMP_TEXT_BYTES];

    document->time_missing =
        node == NULL || node->type != JSON_STRING || !timestamp_parse(node->text, node->text_length, &time);
    if (document->time_missing) { /* no time is invented for it: only its place in the order is that of its reception */
        document->time_s = received_at;
        return;
    }
    timestamp_format(time, text);
    document->timestamp = g_strdup(text);
    document->time_s = time.seconds;
}

static void append_part(GByteArray *parts, const char *text)
{
    uint64_t length = text != NULL ? strlen(text) : 0;
    uint64_t prefix = GUINT64_TO_BE(length);

    g_byte_array_append(parts, (const guint8 *)&prefix, sizeof(prefix));
    if (text != NULL)
        g_byte_array_append(parts, (const guint8 *)text, (guint)length);
}

/* The source's id; else a hash of what tells one event from another: time, service, operation, actor and targets. A
 * record without even a time has nothing that would come back the same if it changed: then its bytes are its identity.
 */
static char *dedupe_key_of(const struct document *document, struct json_slice record)
{
    uint8_t digest[HASH_SHA256_BYTES];
    char hex[2 * HASH_SHA256_BYTES + 1];

    if (document->id != NULL)
        return g_strdup(document->id);
    if (document->time_missing) {
        hash_sha256(record.bytes, record.length, digest);
    } else {
        g_autoptr(GByteArray) parts = g_byte_array_new();
        append_part(parts, document->timestamp);
        append_part(parts, document->service);
        append_part(parts, document->operation);
        append_part(parts, document->actor_display);
        append_part(parts, document->target_displays);
        hash_sha256(parts->data, parts->len, digest);
    }
    hash_hex(digest, sizeof(digest), hex);
    return g_strdup(hex);
}

/* The record as a tree of nodes; NULL with *error, a sentence for the list of unreadable records. */
static const struct json_node *open_record(const struct source *source, struct json_tree *tree,
                                           struct json_slice record, GError **error)
{
    g_autoptr(GError) cause = NULL;
    const struct json_node *node;

    if (record.fault == JSON_FAULT_TEXT) {
        g_set_error(
            error, JSON_ERROR, JSON_ERROR_SYNTAX,
            "A record of %s holds text that is not UTF-8, or bare control characters: kept as received, not decoded.",
            source->name);
        return NULL;
    }
    if (record.fault == JSON_FAULT_DEPTH) {
        g_set_error(error, JSON_ERROR, JSON_ERROR_TOO_LARGE,
                    "A record of %s is nested deeper than %d levels: kept as received, not decoded.", source->name,
                    JSON_DEPTH_MAX);
        return NULL;
    }
    node = json_tree_parse(tree, record.bytes, record.length, &cause);
    if (node == NULL) {
        g_set_error(error, JSON_ERROR, cause->code,
                    "A record of %s could not be read (%s): kept as received, not decoded.", source->name,
                    cause->message);
        return NULL;
    }
    if (node->type != JSON_OBJECT) {
        g_set_error(error, JSON_ERROR, JSON_ERROR_SHAPE,
                    "A record of %s is not a JSON object: kept as received, not decoded.", source->name);
        return NULL;
    }
    return node;
}

struct document *source_decode(const struct source *source, struct json_tree *tree, struct json_slice record,
                               int64_t received_at, GError **error)
{
    const struct json_node *node = open_record(source, tree, record, error);
    struct document *document;

    if (node == NULL)
        return NULL;
    document = document_new();
    document->actor_names = g_ptr_array_new_with_free_func(g_free);
    document->raw = record.bytes;
    document->raw_length = record.length;
    decode_id(node, document);
    decode_time(source, node, received_at, document);
    source->decode(node, document);
    document->text = document_text(document->display_summary, node);
    document->dedupe_key = dedupe_key_of(document, record);
    return document;
}
