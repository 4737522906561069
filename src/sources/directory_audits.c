/* directory_audits - auditLogs/directoryAudits of Microsoft Graph: what was changed in the directory, by whom. */
#include <string.h>

#include "audit.h"
#include "base/base.h"
#include "decode.h"
#include "record.h"

const struct json_node *audit_targets(const struct json_node *record)
{
    const struct json_node *targets = json_get(record, "targetResources");

    if (targets == NULL)
        targets = json_get(record, "targetResource");
    return targets != NULL && targets->type == JSON_ARRAY ? targets->child : NULL;
}

const char *audit_target_name(const struct json_node *target)
{
    static const char *const keys[] = {"userPrincipalName", "displayName", "id"};

    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
        const char *name = record_string(target, keys[i]);
        if (name != NULL)
            return name;
    }
    return NULL;
}

/* Either side of initiatedBy may be null, missing or empty, and so may both. */
static void decode_actor(const struct json_node *record, struct document *document)
{
    static const char *const user_keys[] = {"userPrincipalName", "displayName", "id"};
    static const char *const app_keys[] = {"displayName", "servicePrincipalName", "appId", "servicePrincipalId"};
    const struct json_node *initiator = json_get(record, "initiatedBy");
    const struct json_node *user = json_get(initiator, "user");
    const struct json_node *app = json_get(initiator, "app");
    GPtrArray *names = document->actor_names;

    for (size_t i = 0; i < G_N_ELEMENTS(user_keys); i++)
        record_add_name(names, record_string(user, user_keys[i]));
    bool by_user = names->len > 0;
    for (size_t i = 0; i < G_N_ELEMENTS(app_keys) && !by_user; i++)
        record_add_name(names, record_string(app, app_keys[i]));
    if (names->len == 0)
        record_add_name(names, "unknown");
    document->actor_display = g_strdup(g_ptr_array_index(names, 0));
}

/* The targets' names, distinct, in their order. There may be a thousand: hence the set. */
static char *targets_of(const struct json_node *record)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    GString *out = g_string_new("[");

    for (const struct json_node *target = audit_targets(record); target != NULL; target = target->next) {
        const char *name = audit_target_name(target);
        if (name == NULL || !g_hash_table_add(seen, (gpointer)name))
            continue;
        if (out->len > 1)
            g_string_append_c(out, ',');
        text_append_json(out, name);
    }
    g_string_append_c(out, ']');
    return text_take(out);
}

/* Known results in lower case, whatever the API version writes; others as received. */
static char *result_of(const struct json_node *record)
{
    static const char *const known[] = {"success", "failure", "timeout"};
    const char *result = record_string(record, "result");

    for (size_t i = 0; i < G_N_ELEMENTS(known); i++)
        if (record_same(result, known[i]))
            return g_strdup(known[i]);
    return g_strdup(result);
}

void directory_audits_decode(const struct json_node *record, struct document *document)
{
    const char *category = record_string(record, "category");

    document->service = g_strdup(category != NULL ? category : record_string(record, "loggedByService"));
    document->operation = g_strdup(record_string(record, "activityDisplayName"));
    document->result = result_of(record);
    decode_actor(record, document);
    document->target_displays = targets_of(record);
    document->display_summary = audit_sentence(record, document);
}
