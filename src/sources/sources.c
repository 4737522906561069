#include "sources.h"

#include <string.h>

#include "base/base.h"
#include "decode.h"
#include "document_text.h"
#include "record.h"

enum { DAY_S = 86400, HOUR_S = 3600 };

/* --- permissions -----------------------------------------------------------------------------------------------------
 *
 * As the documentation of each listing names them (Microsoft Graph API reference), and what its permissions reference
 * says includes them. */

static const char graph[] = "Microsoft Graph";
static const char *const reads_users[] = {"User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All", NULL};
static const char *const reads_directory[] = {"Directory.ReadWrite.All", NULL};
static const char *const reads_leave_dates[] = {"User-LifeCycleInfo.ReadWrite.All", NULL};
static const char *const reads_intune_apps[] = {"DeviceManagementApps.ReadWrite.All", NULL};

static const struct source_permission user_permissions[] = {
    {"User.Read.All", graph, reads_users, "accounts and their properties", false},
    {"AuditLog.Read.All", graph, NULL, "when each account last signed in", true},
    {users_guarded_permission, graph, reads_leave_dates, "the day on which an employee leaves", true},
    {.name = NULL},
};

/* An older known issue of the service had it check the licence in the directory: without Directory.Read.All it refused
 * some tenants. */
static const struct source_permission sign_in_permissions[] = {
    {"AuditLog.Read.All", graph, NULL, "sign-ins", false},
    {"Directory.Read.All", graph, reads_directory, "the tenant's licence, which the service may want to see first",
     true},
    {.name = NULL},
};

static const struct source_permission directory_audit_permissions[] = {
    {"AuditLog.Read.All", graph, NULL, "directory audits", false},
    {"Directory.Read.All", graph, reads_directory, "the directory objects that the audits are about", false},
    {.name = NULL},
};

static const struct source_permission intune_audit_permissions[] = {
    {"DeviceManagementApps.Read.All", graph, reads_intune_apps, "audit events of Intune", false},
    {.name = NULL},
};

static const struct source_permission health_permissions[] = {
    {"ServiceHealth.Read.All", graph, NULL, "the health of the services, and its issues", false},
    {"ServiceMessage.Read.All", graph, NULL, "the posts of the message center", false},
    {.name = NULL},
};

bool source_permission_granted(const struct source_permission *permission, const char *const *roles)
{
    for (; *roles != NULL; roles++)
        if (strcmp(*roles, permission->name) == 0 ||
            (permission->satisfied_by != NULL && g_strv_contains(permission->satisfied_by, *roles)))
            return true;
    return false;
}

/* --- the table -------------------------------------------------------------------------------------------------------
 */

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

static const struct source_part intune_audit_parts[] = {
    {.name = "", .path = "/v1.0/deviceManagement/auditEvents"},
    {.name = NULL},
};

static const struct source_part health_parts[] = {
    {.name = "", .path = "/v1.0/admin/serviceAnnouncement"},
    {.name = NULL},
};

/* Reach of sign-ins and directory audits: 30 days with a P1 or P2 licence; a tenant without keeps 7 (Microsoft Entra
 * data retention). Intune's is documented as a year. */
static const struct source sources[] = {
    {
        .name = "users",
        .kind = SOURCE_ACCOUNTS,
        .api = CLIENT_API_GRAPH,
        .family = CLIENT_FAMILY_DIRECTORY,
        .parts = user_parts,
        .page_size = 999,
        .permission = "User.Read.All",
        .permissions = user_permissions,
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
        .permissions = sign_in_permissions,
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
        .permissions = directory_audit_permissions,
        .licence = NULL,
        .decode = directory_audits_decode,
    },
    {
        .name = "intune-audits",
        .kind = SOURCE_EVENTS,
        .api = CLIENT_API_GRAPH,
        .family = CLIENT_FAMILY_INTUNE,
        .parts = intune_audit_parts,
        .time_field = "activityDateTime",
        .page_size = 1000,
        .no_top = true,
        .reach_s = 365 * DAY_S,
        .reach_unlicensed_s = 365 * DAY_S,
        .overlap_s = 6 * HOUR_S,
        .permission = "DeviceManagementApps.Read.All",
        .permissions = intune_audit_permissions,
        .licence = "Microsoft Intune",
        .decode = intune_audits_decode,
    },
    {
        .name = "health",
        .kind = SOURCE_HEALTH,
        .api = CLIENT_API_GRAPH,
        .family = CLIENT_FAMILY_ANNOUNCEMENTS,
        .parts = health_parts,
        .page_size = 1000,
        .no_top = true,
        .permission = "ServiceHealth.Read.All",
        .permissions = health_permissions,
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
    if (!source->no_top)
        g_string_append_printf(url, "&$top=%d", source->page_size);
    return g_string_free(url, FALSE);
}

/* An hour in which nothing can have happened to anybody's devices: the service checks permission and licence all the
 * same. */
enum { QUIET_HOUR = 946684800 }; /* 2000-01-01T00:00:00Z */

static char *probe_url(const struct source *source, const char *base_url)
{
    if (source->kind == SOURCE_ACCOUNTS)
        return users_probe_url(base_url, "id");
    if (source->no_top)
        return source_window_url(source, source->parts, base_url, QUIET_HOUR, QUIET_HOUR + HOUR_S);
    return g_strdup_printf("%s%s?$top=1", base_url, source->parts->path);
}

static bool health_probe(unsigned index, const char *base_url, struct source_probe *probe)
{
    static const char *const one[] = {"Prefer: odata.maxpagesize=1", NULL};
    /* Issues need what the overviews need. Of these all are wanted: they are few, and their names are of use. */
    static const struct {
        enum store_health_kind kind;
        const char *const *headers;
    } probes[] = {{STORE_HEALTH_OVERVIEWS, NULL}, {STORE_HEALTH_MESSAGES, one}};

    if (index >= G_N_ELEMENTS(probes))
        return false;
    *probe = (struct source_probe){.url = health_url(probes[index].kind, base_url),
                                   .headers = probes[index].headers,
                                   .permission = health_permission(probes[index].kind)};
    return true;
}

bool source_probe(const struct source *source, unsigned index, const char *base_url, struct source_probe *probe)
{
    if (source->kind == SOURCE_HEALTH)
        return health_probe(index, base_url, probe);
    if (index > 0)
        return false;
    *probe = (struct source_probe){.url = probe_url(source, base_url), .permission = source->permission};
    return true;
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
