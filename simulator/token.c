#include "token.h"

#include <string.h>

#include "assertion.h"
#include "ledger.h"
#include "roles.h"
#include "ticks.h"
#include "token_text.h"

enum { MOST_TOKENS = 20000 };

struct token {
    struct tenant *tenant;
    const char *app; /* borrowed from the options */
    bool graph;      /* else for the Management Activity API */
    int64_t expires;
    const char **roles; /* NULL-ended; of the array only the shell is owned */
};

struct tokens {
    GHashTable *by_text;
    uint64_t issued;
};

static const char *const graph_hosts[] = {"graph.microsoft.com", "graph.microsoft.us", "dod-graph.microsoft.us",
                                          "microsoftgraph.chinacloudapi.cn"};
static const char *const manage_hosts[] = {"manage.office.com", "manage-gcc.office.com", "manage.office365.us",
                                           "manage.protection.apps.mil", "manage.office365.cn"};

static void token_free(gpointer data)
{
    struct token *token = data;

    g_free(token->roles);
    g_free(token);
}

struct tokens *tokens_new(void)
{
    struct tokens *t = g_new0(struct tokens, 1);

    t->by_text = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, token_free);
    return t;
}

void tokens_free(struct tokens *t)
{
    if (!t)
        return;
    g_hash_table_unref(t->by_text);
    g_free(t);
}

static gboolean expired(gpointer key, gpointer value, gpointer now)
{
    (void)key;
    return ((const struct token *)value)->expires <= *(const int64_t *)now;
}

static struct answer *issue(struct request *rq, bool graph)
{
    struct tokens *tokens = rq->sim->tokens;
    const struct options *o = rq->sim->options;
    struct dice d = {dice_mix((uint64_t)o->seed ^ UINT64_C(0x70ce7), ++tokens->issued)};
    struct token *token = g_new0(struct token, 1);
    uint32_t rolled = 3600 + dice_below(&d, 1801);
    int64_t lifetime = o->token_lifetime > 0 ? o->token_lifetime : (int64_t)rolled;

    if (g_hash_table_size(tokens->by_text) >= MOST_TOKENS)
        g_hash_table_foreach_remove(tokens->by_text, expired, &rq->now);
    token->tenant = rq->tenant;
    token->app = rq->app;
    token->graph = graph;
    token->expires = rq->now + lifetime * TICKS_PER_SECOND;
    token->roles = roles_granted(rq->tenant, graph);
    char *text = o->opaque_tokens ? token_text_opaque(&d) : token_text_jwt(rq, &d, graph, token->roles, lifetime);
    g_hash_table_replace(tokens->by_text, text, token);
    ledger_count(rq->sim->ledger, rq, COUNT_TOKENS_ISSUED);

    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "token_type", "Bearer");
    cJSON_AddNumberToObject(json, "expires_in", (double)lifetime);
    cJSON_AddNumberToObject(json, "ext_expires_in", (double)lifetime);
    cJSON_AddStringToObject(json, "access_token", text);
    struct answer *a = answer_json(json);
    answer_header(a, "Cache-Control", "no-store, no-cache");
    answer_header(a, "Pragma", "no-cache");
    return a;
}

static bool host_in(const char *host, const char *const *hosts, gsize count)
{
    for (gsize k = 0; k < count; k++)
        if (g_ascii_strcasecmp(host, hosts[k]) == 0)
            return true;
    return false;
}

/* Exactly one "<resource>/.default". 0 when it is good, else the AADSTS number. */
static int check_scope(const struct request *rq, const char *scope, bool *graph)
{
    if (strchr(scope, ' ')) {
        g_auto(GStrv) scopes = g_strsplit(scope, " ", 0);
        return g_strv_length(scopes) > 1 && *scopes[1] ? 700022 : 70011;
    }
    if (!g_str_has_suffix(scope, "/.default"))
        return 70011;
    g_autofree char *resource = g_strndup(scope, strlen(scope) - strlen("/.default"));
    *graph = true;
    if (strcmp(resource, rq->sim->base_url) == 0)
        return 0;
    if (!g_str_has_prefix(resource, "https://"))
        return 70011;
    g_autofree char *host = g_strdup(resource + strlen("https://"));
    if (host_in(host, graph_hosts, G_N_ELEMENTS(graph_hosts)))
        return 0;
    *graph = false;
    return host_in(host, manage_hosts, G_N_ELEMENTS(manage_hosts)) ? 0 : 70011;
}

/* HTTP Basic is the other way to hand over id and secret (RFC 6749 section 2.3.1, each percent-encoded). */
static void read_basic(const struct request *rq, char **id, char **secret)
{
    gsize len = 0;

    if (!rq->authorization || g_ascii_strncasecmp(rq->authorization, "Basic ", 6) != 0)
        return;
    guchar *raw = g_base64_decode(rq->authorization + 6, &len);
    g_autofree char *pair = g_strndup((const char *)raw, len);
    g_free(raw);
    char *colon = strchr(pair, ':');
    if (!colon)
        return;
    g_free(*id);
    g_free(*secret);
    *id = text_percent_decode(pair, (gsize)(colon - pair));
    *secret = text_percent_decode(colon + 1, strlen(colon + 1));
}

/* NULL when the app has proved who it is. */
static struct answer *refuse_credentials(struct request *rq, const char *id, const char *secret)
{
    g_autofree char *type = request_parameter(rq->body->str, "client_assertion_type"),
                    *assertion = request_parameter(rq->body->str, "client_assertion");

    if (assertion)
        return assertion_refuse(rq, type, assertion);
    if (!secret)
        return answer_entra_error(rq, 7000218, id);
    if (strcmp(secret, rq->sim->options->client_secret) != 0)
        return answer_entra_error(rq, 7000215, id);
    return rq->now < rq->tenant->secret_ends ? NULL : answer_entra_error(rq, 7000222, id);
}

struct answer *token_answer(struct request *rq, const char *tenant)
{
    const struct options *o = rq->sim->options;
    g_autofree char *grant = request_parameter(rq->body->str, "grant_type"),
                    *id = request_parameter(rq->body->str, "client_id");
    g_autofree char *secret = request_parameter(rq->body->str, "client_secret"),
                    *scope = request_parameter(rq->body->str, "scope");
    bool graph = false;

    read_basic(rq, &id, &secret);
    if (!grant)
        return answer_entra_error(rq, 900144, "grant_type");
    if (strcmp(grant, "client_credentials") != 0)
        return answer_entra_error(rq, 70003, grant);
    if (!rq->tenant)
        return answer_entra_error(rq, 90002, tenant);
    if (!id)
        return answer_entra_error(rq, 900144, "client_id");
    rq->app = options_client(o, id);
    if (!rq->app)
        return answer_entra_error(rq, 700016, id);
    int bad_scope = scope && *scope ? check_scope(rq, scope, &graph) : 700023;
    if (bad_scope)
        return answer_entra_error(rq, bad_scope, scope ? scope : "");
    struct answer *refusal = refuse_credentials(rq, id, secret);
    return refusal ? refusal : issue(rq, graph);
}

static struct token *find(const struct request *rq)
{
    if (!rq->authorization || g_ascii_strncasecmp(rq->authorization, "Bearer ", 7) != 0)
        return NULL;
    return g_hash_table_lookup(rq->sim->tokens->by_text, rq->authorization + 7);
}

void token_identify(struct request *rq)
{
    const struct token *token = find(rq);

    if (!token)
        return;
    rq->tenant = token->tenant;
    rq->app = token->app;
}

struct answer *token_refuse(const struct request *rq)
{
    const struct token *token = find(rq);
    const char *message = NULL;

    if (!rq->authorization)
        message = "Access token is empty.";
    else if (!token)
        message = "IDX14100: JWT is not well formed, there are no dots (.).";
    else if (token->expires <= rq->now)
        message = "Lifetime validation failed, the token is expired.";
    else if (!token->graph)
        message = "Access token validation failure. Invalid audience.";
    else
        return NULL;
    struct answer *a = answer_graph_error(rq, 401, "InvalidAuthenticationToken", message);
    g_autofree char *challenge = g_strdup_printf("Bearer realm=\"\", authorization_uri=\"%s/common/oauth2/authorize\", "
                                                 "client_id=\"00000003-0000-0000-c000-000000000000\"",
                                                 rq->sim->base_url);
    answer_header(a, "WWW-Authenticate", challenge);
    return a;
}

struct answer *token_refuse_role(const struct request *rq)
{
    return roles_refuse(rq, find(rq)->roles);
}

void token_expire(const struct request *rq)
{
    struct token *token = find(rq);

    if (token)
        token->expires = INT64_MIN;
}
