#include "application.h"

#include <string.h>

#include "certificates.h"
#include "ticks.h"

enum { SECRET_DAYS = 730, HINT_CHARS = 3 };

static void add_time(cJSON *json, const char *name, int64_t ticks)
{
    g_autoptr(GString) text = g_string_new(NULL);

    ticks_append_iso(text, ticks, 0);
    g_string_append_c(text, 'Z');
    cJSON_AddStringToObject(json, name, text->str);
}

/* A GUID that stays what it is for an app in a tenant. */
static void add_guid(cJSON *json, const char *name, const struct request *rq, const char *app, guint number)
{
    struct dice d = {dice_mix(dice_mix((uint64_t)rq->sim->options->seed, g_str_hash(rq->tenant->id)),
                              dice_mix(g_str_hash(app), number))};
    g_autoptr(GString) guid = g_string_new(NULL);

    text_append_guid(guid, &d);
    cJSON_AddStringToObject(json, name, guid->str);
}

static cJSON *secret_json(const struct request *rq, const char *app)
{
    cJSON *json = cJSON_CreateObject();
    g_autofree char *hint = g_utf8_substring(rq->sim->options->client_secret, 0, HINT_CHARS);

    cJSON_AddNullToObject(json, "customKeyIdentifier");
    cJSON_AddStringToObject(json, "displayName", "collector");
    add_time(json, "endDateTime", rq->tenant->secret_ends);
    cJSON_AddStringToObject(json, "hint", hint);
    add_guid(json, "keyId", rq, app, 1);
    cJSON_AddNullToObject(json, "secretText");
    add_time(json, "startDateTime", rq->tenant->secret_ends - SECRET_DAYS * TICKS_PER_DAY);
    return json;
}

static cJSON *certificate_json(const struct request *rq, const char *app, guint number)
{
    const struct certificate *c = g_ptr_array_index(rq->sim->certificates, number);
    cJSON *json = cJSON_CreateObject();
    gsize len = 0;
    const guchar *bytes = g_bytes_get_data(c->sha1, &len);
    g_autofree char *thumbprint = g_base64_encode(bytes, len);

    cJSON_AddStringToObject(json, "customKeyIdentifier", thumbprint);
    cJSON_AddStringToObject(json, "displayName", "CN=collector");
    add_time(json, "endDateTime", c->to);
    cJSON_AddNullToObject(json, "key");
    add_guid(json, "keyId", rq, app, number + 2);
    add_time(json, "startDateTime", c->from);
    cJSON_AddStringToObject(json, "type", "AsymmetricX509Cert");
    cJSON_AddStringToObject(json, "usage", "Verify");
    return json;
}

static cJSON *registration(const struct request *rq, const char *app)
{
    cJSON *json = cJSON_CreateObject();

    add_guid(json, "id", rq, app, 0);
    cJSON_AddStringToObject(json, "appId", app);
    cJSON_AddStringToObject(json, "displayName", "m365keep");
    cJSON_AddStringToObject(json, "signInAudience", "AzureADMyOrg");
    add_time(json, "createdDateTime", rq->tenant->secret_ends - SECRET_DAYS * TICKS_PER_DAY);
    cJSON *secrets = cJSON_AddArrayToObject(json, "passwordCredentials");
    cJSON_AddItemToArray(secrets, secret_json(rq, app));
    cJSON *certificates = cJSON_AddArrayToObject(json, "keyCredentials");
    for (guint k = 0; k < rq->sim->certificates->len; k++)
        cJSON_AddItemToArray(certificates, certificate_json(rq, app, k));
    return json;
}

/* The id of $filter=appId eq '...', the only one that is taken; NULL without a filter. Returned. */
static struct answer *read_filter(const struct request *rq, char **id)
{
    static const char head[] = "appId eq '";
    g_autofree char *filter = request_parameter(rq->query, "$filter");
    gsize len = filter ? strlen(filter) : 0;

    *id = NULL;
    if (!filter)
        return NULL;
    if (!g_str_has_prefix(filter, head) || len <= strlen(head) || filter[len - 1] != '\'')
        return answer_graph_error(rq, 400, "Request_UnsupportedQuery",
                                  "Unsupported or invalid query filter clause specified for resource 'Application'.");
    *id = g_strndup(filter + strlen(head), len - strlen(head) - 1);
    if (g_uuid_string_is_valid(*id))
        return NULL;
    g_clear_pointer(id, g_free);
    return answer_graph_error(rq, 400, "Request_BadRequest", "Invalid value specified for property 'appId'.");
}

/* Leaves of each application in value what $select names. */
static struct answer *apply_select(const struct request *rq, const char *select, cJSON *application)
{
    g_auto(GStrv) names = g_strsplit(select, ",", 0);

    for (char **name = names; *name; name++) {
        if (cJSON_GetObjectItemCaseSensitive(application, g_strstrip(*name)))
            continue;
        g_autofree char *valid = g_utf8_make_valid(*name, -1);
        g_autofree char *message =
            g_strdup_printf("Could not find a property named '%s' on type 'microsoft.graph.application'.", valid);
        return answer_graph_error(rq, 400, "BadRequest", message);
    }
    for (cJSON *member = application->child, *next = NULL; member; member = next) {
        next = member->next;
        if (!g_strv_contains((const char *const *)names, member->string))
            cJSON_Delete(cJSON_DetachItemViaPointer(application, member));
    }
    return NULL;
}

struct answer *application_answer(struct request *rq)
{
    g_autofree char *id = NULL, *select = request_parameter(rq->query, "$select");
    struct answer *refusal = read_filter(rq, &id);
    cJSON *json = cJSON_CreateObject();
    g_autofree char *context =
        g_strdup_printf("%s/%s/$metadata#applications%s%s%s", rq->sim->base_url, rq->beta ? "beta" : "v1.0",
                        select ? "(" : "", select ? select : "", select ? ")" : "");

    cJSON_AddStringToObject(json, "@odata.context", context);
    cJSON *value = cJSON_AddArrayToObject(json, "value");
    for (char **app = rq->sim->options->client_ids; *app && !refusal && !rq->tenant->no_registration; app++) {
        if (id && g_ascii_strcasecmp(*app, id) != 0)
            continue;
        cJSON *application = registration(rq, *app);
        refusal = select ? apply_select(rq, select, application) : NULL;
        cJSON_AddItemToArray(value, application);
        rq->records++;
    }
    if (!refusal)
        return answer_json(json);
    cJSON_Delete(json);
    return refusal;
}
