#include "metadata.h"

#include <string.h>

#include "signing.h"

/* Authorities that stand for any tenant. */
static const char *const shared_authorities[] = {"common", "organizations", "consumers", NULL};

static void add_texts(cJSON *json, const char *name, const char *const *texts)
{
    cJSON *list = cJSON_AddArrayToObject(json, name);

    for (; *texts; texts++)
        cJSON_AddItemToArray(list, cJSON_CreateString(*texts));
}

#define TEXTS(...)                                                                                                     \
    (const char *const[])                                                                                              \
    {                                                                                                                  \
        __VA_ARGS__, NULL                                                                                              \
    }

static void add_url(cJSON *json, const char *name, const struct request *rq, const char *authority, const char *tail)
{
    g_autofree char *url = g_strdup_printf("%s/%s%s", rq->sim->base_url, authority, tail);

    cJSON_AddStringToObject(json, name, url);
}

/* What both versions have, in the order in which it is served. */
static void add_common(cJSON *json, const struct request *rq, const char *authority)
{
    const char *host = strstr(rq->sim->base_url, "://") + 3;

    add_texts(json, "response_modes_supported", TEXTS("query", "fragment", "form_post"));
    add_texts(json, "subject_types_supported", TEXTS("pairwise"));
    add_texts(json, "id_token_signing_alg_values_supported", TEXTS("RS256"));
    cJSON_AddBoolToObject(json, "http_logout_supported", true);
    cJSON_AddBoolToObject(json, "frontchannel_logout_supported", true);
    add_url(json, "kerberos_endpoint", rq, authority, "/kerberos");
    if (g_strv_contains(shared_authorities, authority))
        cJSON_AddNullToObject(json, "tenant_region_scope");
    else
        cJSON_AddStringToObject(json, "tenant_region_scope", "EU");
    cJSON_AddStringToObject(json, "cloud_instance_name", host);
    cJSON_AddStringToObject(json, "cloud_graph_host_name", host);
    cJSON_AddStringToObject(json, "msgraph_host", host);
    cJSON_AddStringToObject(json, "rbac_url", rq->sim->base_url);
}

/* Where any tenant is meant, the issuer is a template. */
static char *issuer_of(const struct request *rq, const char *authority, const char *tail)
{
    bool shared = g_strv_contains(shared_authorities, authority);

    return g_strdup_printf("%s/%s%s", rq->sim->base_url, shared ? "{tenantid}" : authority, tail);
}

static cJSON *configuration_v2(const struct request *rq, const char *authority)
{
    cJSON *json = cJSON_CreateObject();
    g_autofree char *issuer = issuer_of(rq, authority, "/v2.0");
    g_autofree char *user_info = g_strconcat(rq->sim->base_url, "/oidc/userinfo", NULL);

    add_url(json, "token_endpoint", rq, authority, "/oauth2/v2.0/token");
    add_texts(json, "token_endpoint_auth_methods_supported",
              TEXTS("client_secret_post", "private_key_jwt", "client_secret_basic"));
    add_url(json, "jwks_uri", rq, authority, "/discovery/v2.0/keys");
    add_texts(json, "response_types_supported", TEXTS("code", "id_token", "code id_token", "id_token token"));
    add_texts(json, "scopes_supported", TEXTS("openid", "profile", "email", "offline_access"));
    cJSON_AddStringToObject(json, "issuer", issuer);
    cJSON_AddBoolToObject(json, "request_uri_parameter_supported", false);
    cJSON_AddStringToObject(json, "userinfo_endpoint", user_info);
    add_url(json, "authorization_endpoint", rq, authority, "/oauth2/v2.0/authorize");
    add_url(json, "device_authorization_endpoint", rq, authority, "/oauth2/v2.0/devicecode");
    add_url(json, "end_session_endpoint", rq, authority, "/oauth2/v2.0/logout");
    add_texts(json, "claims_supported",
              TEXTS("sub", "iss", "cloud_instance_name", "cloud_instance_host_name", "cloud_graph_host_name",
                    "msgraph_host", "aud", "exp", "iat", "auth_time", "acr", "nonce", "preferred_username", "name",
                    "tid", "ver", "at_hash", "c_hash", "email"));
    add_common(json, rq, authority);
    return json;
}

static cJSON *configuration_v1(const struct request *rq, const char *authority)
{
    cJSON *json = cJSON_CreateObject();
    g_autofree char *issuer = issuer_of(rq, authority, "/");
    g_autofree char *user_info = g_strdup_printf("%s/%s/openid/userinfo", rq->sim->base_url, authority);

    add_url(json, "token_endpoint", rq, authority, "/oauth2/token");
    add_texts(json, "token_endpoint_auth_methods_supported",
              TEXTS("client_secret_post", "private_key_jwt", "client_secret_basic"));
    add_url(json, "jwks_uri", rq, authority, "/discovery/keys");
    add_texts(json, "response_types_supported", TEXTS("code", "id_token", "code id_token", "token id_token", "token"));
    add_texts(json, "scopes_supported", TEXTS("openid"));
    cJSON_AddStringToObject(json, "issuer", issuer);
    cJSON_AddBoolToObject(json, "microsoft_multi_refresh_token", true);
    add_url(json, "authorization_endpoint", rq, authority, "/oauth2/authorize");
    add_url(json, "device_authorization_endpoint", rq, authority, "/oauth2/devicecode");
    add_url(json, "end_session_endpoint", rq, authority, "/oauth2/logout");
    add_texts(json, "claims_supported",
              TEXTS("sub", "iss", "cloud_instance_name", "cloud_instance_host_name", "cloud_graph_host_name",
                    "msgraph_host", "aud", "exp", "iat", "auth_time", "acr", "amr", "nonce", "email", "given_name",
                    "family_name", "nickname"));
    add_url(json, "check_session_iframe", rq, authority, "/oauth2/checksession");
    cJSON_AddStringToObject(json, "userinfo_endpoint", user_info);
    add_common(json, rq, authority);
    return json;
}

static cJSON *keys_of(const struct request *rq, const char *authority, const char *issuer_tail)
{
    struct sim *sim = rq->sim;
    g_autofree char *issuer = issuer_of(rq, authority, issuer_tail);

    if (!sim->signing)
        sim->signing = signing_new(rq->now);
    return signing_keys(sim->signing, issuer);
}

static cJSON *keys_v2(const struct request *rq, const char *authority)
{
    return keys_of(rq, authority, "/v2.0");
}

static cJSON *keys_v1(const struct request *rq, const char *authority)
{
    return keys_of(rq, authority, "/");
}

static const struct {
    const char *tail;
    cJSON *(*make)(const struct request *rq, const char *authority);
} documents[] = {
    {"/v2.0/.well-known/openid-configuration", configuration_v2},
    {"/.well-known/openid-configuration", configuration_v1},
    {"/discovery/v2.0/keys", keys_v2},
    {"/discovery/keys", keys_v1},
};

static const char instance_path[] = "/common/discovery/instance";

/* The document's number and the authority before it; -1 when the path is none of a document. */
static int find_document(const char *path, char **authority)
{
    const char *end = *path == '/' ? strchr(path + 1, '/') : NULL;

    for (gsize k = 0; end && k < G_N_ELEMENTS(documents); k++) {
        if (g_ascii_strcasecmp(end, documents[k].tail) != 0)
            continue;
        *authority = g_ascii_strdown(path + 1, end - path - 1);
        return (int)k;
    }
    return -1;
}

bool metadata_is_path(const char *path)
{
    g_autofree char *authority = NULL;

    return find_document(path, &authority) >= 0 || g_ascii_strcasecmp(path, instance_path) == 0;
}

struct tenant *metadata_tenant(const struct request *rq)
{
    g_autofree char *authority = NULL;

    return find_document(rq->path, &authority) >= 0 ? sim_tenant(rq->sim, authority) : NULL;
}

/* The authority that a client asks about, from a URL such as https://HOST/TENANT/oauth2/v2.0/authorize, when it is this
 * server's: some clients leave out the port. Returned; NULL when it is another's. */
static char *own_authority(const struct request *rq, const char *url)
{
    g_autoptr(GUri) ours = g_uri_parse(rq->sim->base_url, G_URI_FLAGS_NONE, NULL);
    g_autoptr(GUri) asked = url ? g_uri_parse(url, G_URI_FLAGS_NONE, NULL) : NULL;

    if (!asked || g_strcmp0(g_uri_get_host(asked), g_uri_get_host(ours)) != 0)
        return NULL;
    const char *path = g_uri_get_path(asked);
    gsize len = *path == '/' ? strcspn(path + 1, "/") : 0;
    return len > 0 ? g_strndup(path + 1, len) : NULL;
}

/* Tells a client that has never heard of this instance whether it is one of Microsoft's. Here it is the only one. */
static struct answer *answer_instance(const struct request *rq)
{
    g_autofree char *url = request_parameter(rq->query, "authorization_endpoint");
    g_autofree char *version = request_parameter(rq->query, "api-version");
    g_autofree char *authority = own_authority(rq, url);
    const char *host = strstr(rq->sim->base_url, "://") + 3;

    if (!version)
        return answer_entra_words(rq, 400, "invalid_request", 900144,
                                  "The request is missing the following parameter: 'api-version'.");
    if (!authority)
        return answer_entra_words(rq, 400, "invalid_instance", 50049, "Unknown or invalid instance.");
    cJSON *json = cJSON_CreateObject();
    add_url(json, "tenant_discovery_endpoint", rq, authority, "/v2.0/.well-known/openid-configuration");
    cJSON_AddStringToObject(json, "api-version", version);
    if (strcmp(version, "1.0") != 0) {
        cJSON *entry = cJSON_CreateObject();
        cJSON_AddStringToObject(entry, "preferred_network", host);
        cJSON_AddStringToObject(entry, "preferred_cache", host);
        add_texts(entry, "aliases", TEXTS(host));
        cJSON_AddItemToArray(cJSON_AddArrayToObject(json, "metadata"), entry);
    }
    return answer_json(json);
}

struct answer *metadata_answer(struct request *rq)
{
    g_autofree char *authority = NULL;
    int document = find_document(rq->path, &authority);
    struct answer *a = NULL;

    if (document < 0)
        return answer_instance(rq);
    if (rq->tenant || g_strv_contains(shared_authorities, authority)) {
        a = answer_json(documents[document].make(rq, authority));
        answer_header(a, "Cache-Control", "max-age=86400, private");
        answer_header(a, "Access-Control-Allow-Origin", "*");
        return a;
    }
    g_autofree char *valid = g_utf8_make_valid(authority, -1);
    g_autofree char *message = g_strdup_printf("Tenant '%s' not found. Check to make sure you have the correct tenant "
                                               "ID and are signing into the correct cloud.",
                                               valid);
    return answer_entra_words(rq, 400, "invalid_tenant", 90002, message);
}
