#include "sources.h"

#include <string.h>

#include "base/base.h"
#include "decode.h"
#include "document_text.h"
#include "record.h"

enum { DAY_S = 86400, HOUR_S = 3600 };

/* Which kind of records a sign-in is, is told by beta only (signInEventTypes is no property of the v1.0 signIn type);
 * v1.0 shows the interactive ones. */
static const struct source_part sign_in_parts[] = {
    {.name = "", .path = "/v1.0/auditLogs/signIns"},
    {
        .name = "nonInteractiveUser",
        .path = "/beta/auditLogs/signIns",
        .filter = "signInEventTypes/any(t: t eq 'nonInteractiveUser')",
    },
    {
        .name = "servicePrincipal",
        .path = "/beta/auditLogs/signIns",
        .filter = "signInEventTypes/any(t: t eq 'servicePrincipal')",
    },
    {
        .name = "managedIdentity",
        .path = "/beta/auditLogs/signIns",
        .filter = "signInEventTypes/any(t: t eq 'managedIdentity')",
    },
    {.name = NULL},
};

static const struct source_part directory_audit_parts[] = {
    {.name = "", .path = "/v1.0/auditLogs/directoryAudits"},
    {.name = NULL},
};

static const struct source_part user_parts[] = {
    {.name = "", .path = "/v1.0/users"},
    {.name = NULL},
};

/* Reach: 30 days with a P1 or P2 licence; a tenant without keeps 7 (Microsoft Entra data retention). */
static const struct source sources[] = {
    {
        .name = "users",
        .kind = SOURCE_ACCOUNTS,
        .api = CLIENT_API_GRAPH,
        .family = CLIENT_FAMILY_DIRECTORY,
        .parts = user_parts,
        .page_size = 999,
        .permission = "User.Read.All",
    },
    {
        .name = "sign-ins",
        .kind = SOURCE_EVENTS,
        .api = CLIENT_API_GRAPH,
        .family = CLIENT_FAMILY_REPORTS,
        .parts = sign_in_parts,
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
        .kind = SOURCE_EVENTS,
        .api = CLIENT_API_GRAPH,
        .family = CLIENT_FAMILY_REPORTS,
        .parts = directory_audit_parts,
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

const struct source_part *source_part_find(const struct source *source, const char *name)
{
    /* What v1.0 shows unless it is asked otherwise has a name of its own in beta. */
    if (source->parts == sign_in_parts && strcmp(name, "interactiveUser") == 0)
        name = "";
    for (const struct source_part *part = source->parts; part->name != NULL; part++)
        if (strcmp(part->name, name) == 0)
            return part;
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

char *source_window_url(const struct source *source, const struct source_part *part, const char *base_url, int64_t from,
                        int64_t to)
{
    GString *url = g_string_new(base_url);

    g_string_append_printf(url, "%s?$filter=", part->path);
    if (part->filter != NULL) {
        g_string_append_uri_escaped(url, part->filter, "/()'", FALSE);
        g_string_append(url, "%20and%20");
    }
    g_string_append_printf(url, "%s%%20ge%%20", source->time_field);
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

struct document *source_decode(const struct source *source, struct json_tree *tree, struct json_slice record,
                               int64_t received_at, GError **error)
{
    const struct json_node *node = record_open(source->name, tree, record, error);
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
