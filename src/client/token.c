#include "client/token.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

enum {
    LIFETIME_DEFAULT_S = 300, /* expires_in absent or 0 */
    LIFETIME_LEAST_S = 60,    /* shorter claims would mean a request for nearly each page */
    LIFETIME_MOST_S = 864000,
    RENEW_BEFORE_S = 300,
    REFUSAL_HELD_S = 60, /* as Microsoft's own library */
    POSTPONED_S = 30,
    FORCED_APART_S = 5, /* between two renewals that a 401 asked for */
    VALUE_MAX_BYTES = 65536,
    ROLE_MAX_BYTES = 200,
};

void token_clear(struct token *token)
{
    text_free_secret(token->value);
    g_free(token->claims);
    client_failure_free(token->refusal);
    *token = (struct token){0};
}

bool token_usable(const struct token *token, int64_t now_us)
{
    return token->value && now_us < token->expires_us;
}

bool token_due(const struct token *token, int64_t now_us)
{
    if (token->asking || now_us < token->ask_us)
        return false;
    return !token_usable(token, now_us) || now_us >= token->renew_us;
}

const struct client_failure *token_refusal(const struct token *token, int64_t now_us)
{
    return now_us < token->refusal_until_us ? token->refusal : NULL;
}

static void drop_value(struct token *token)
{
    text_free_secret(token->value);
    token->value = NULL;
}

/* --- the endpoint's answer ---------------------------------------------------------------------------------------- */

/* expires_in is a number on the v2 endpoint and a string on v1. */
static int64_t read_lifetime_s(const struct json_node *expires_in)
{
    if (!expires_in || (expires_in->type != JSON_NUMBER && expires_in->type != JSON_STRING))
        return LIFETIME_DEFAULT_S;
    int64_t lifetime_s = g_ascii_strtoll(expires_in->text, NULL, 10);
    return lifetime_s <= 0 ? LIFETIME_DEFAULT_S : CLAMP(lifetime_s, LIFETIME_LEAST_S, LIFETIME_MOST_S);
}

/* A doubled name would let two readers see two tokens. */
static bool has_doubled_key(const struct json_node *object)
{
    for (const struct json_node *a = object->child; a; a = a->next)
        for (const struct json_node *b = a->next; b; b = b->next)
            if (g_str_equal(a->key, b->key))
                return true;
    return false;
}

/* What may stand in a header: visible ASCII only. */
static bool is_header_safe(const char *value, size_t length)
{
    if (length == 0 || length > VALUE_MAX_BYTES)
        return false;
    for (size_t i = 0; i < length; i++)
        if (value[i] <= ' ' || value[i] > '~')
            return false;
    return true;
}

static bool fail(GError **error, const char *why)
{
    g_set_error(error, JSON_ERROR, JSON_ERROR_SHAPE, "the token endpoint's answer %s", why);
    return false;
}

static bool read_answer(const struct json_node *root, const struct json_node **value, int64_t *lifetime_s,
                        GError **error)
{
    const char *type = json_get_string(root, "token_type");

    if (root->type != JSON_OBJECT)
        return fail(error, "is no JSON object");
    if (has_doubled_key(root))
        return fail(error, "names one member twice");
    if (type && g_ascii_strcasecmp(type, "Bearer") != 0)
        return fail(error, "is no bearer token");
    *value = json_get(root, "access_token");
    if (!*value || (*value)->type != JSON_STRING)
        return fail(error, "has no access_token");
    if (!is_header_safe((*value)->text, (*value)->text_length))
        return fail(error, "holds an access_token that cannot be sent in a header");
    *lifetime_s = read_lifetime_s(json_get(root, "expires_in"));
    return true;
}

/* Early, so that no page meets a token's end: at 80% of its life or 5 minutes before the end, whichever comes first;
 * but in the first half of a short life never. */
static int64_t renew_after_s(int64_t lifetime_s)
{
    return MAX(MIN(lifetime_s * 4 / 5, lifetime_s - RENEW_BEFORE_S), lifetime_s / 2);
}

bool token_accept(struct token *token, const char *body, size_t length, int64_t now_us, GError **error)
{
    g_autoptr(JsonTree) tree = json_tree_new();
    const struct json_node *root = json_tree_parse(tree, body, length, error), *value = NULL;
    int64_t lifetime_s = 0;

    if (!root || !read_answer(root, &value, &lifetime_s, error))
        return false;
    drop_value(token);
    g_free(token->claims);
    client_failure_free(token->refusal);
    *token = (struct token){
        .value = g_strndup(value->text, value->text_length),
        .generation = token->generation + 1,
        .renew_us = now_us + renew_after_s(lifetime_s) * CLOCK_US,
        .expires_us = now_us + lifetime_s * CLOCK_US,
        .forced_us = token->forced_us,
        .asking = token->asking,
    };
    /* The tree's copy goes too; it is ours alone, though the reader hands it out as constant. */
    explicit_bzero((char *)value->text, value->text_length);
    return true;
}

void token_refuse(struct token *token, const struct client_failure *failure, int64_t now_us)
{
    client_failure_free(token->refusal);
    token->refusal = client_failure_copy(failure);
    token->refusal_until_us = token->ask_us = now_us + REFUSAL_HELD_S * CLOCK_US;
}

void token_postpone(struct token *token, int64_t now_us)
{
    if (token_usable(token, now_us))
        token->ask_us = now_us + POSTPONED_S * CLOCK_US;
}

void token_reject(struct token *token, uint64_t generation, const char *claims, int64_t now_us)
{
    if (claims) {
        g_free(token->claims);
        token->claims = g_strdup(claims);
    }
    if (generation != token->generation || !token->value)
        return;
    drop_value(token);
    if (token->forced_us != 0)
        token->ask_us = MAX(token->ask_us, token->forced_us + FORCED_APART_S * CLOCK_US);
    token->forced_us = now_us;
}

/* --- what is in it, for people ------------------------------------------------------------------------------------ */

/* base64url without padding, RFC 7515 section 2; NULL when it is none. Returned: g_free. */
static char *decode_base64url(const char *text, size_t length, size_t *decoded_length)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    g_autofree char *usual = g_strndup(text, length);

    if (length == 0 || length % 4 == 1 || strspn(usual, alphabet) != length)
        return NULL;
    g_strdelimit(usual, "-", '+');
    g_strdelimit(usual, "_", '/');
    g_autofree char *padded = g_strconcat(usual, length % 4 == 2 ? "==" : length % 4 == 3 ? "=" : "", NULL);
    return (char *)g_base64_decode(padded, decoded_length);
}

/* The payload of a signed JWT, header.payload.signature; NULL for anything else (encrypted ones have five parts).
 * Returned: g_free. */
static char *read_payload(const char *value, size_t *length)
{
    const char *begin = strchr(value, '.');
    const char *end = begin ? strchr(begin + 1, '.') : NULL;

    if (!end || strchr(end + 1, '.'))
        return NULL;
    return decode_base64url(begin + 1, (size_t)(end - begin) - 1, length);
}

static bool is_role(const struct json_node *node)
{
    if (node->type != JSON_STRING || node->text_length > ROLE_MAX_BYTES)
        return false;
    return is_header_safe(node->text, node->text_length);
}

/* The array that an object's claim holds. False when it is anything else, or there are two. */
static bool find_roles(const struct json_node *payload, const struct json_node **roles)
{
    *roles = NULL;
    for (const struct json_node *claim = payload->child; claim; claim = claim->next) {
        if (!g_str_equal(claim->key, "roles"))
            continue;
        if (*roles || claim->type != JSON_ARRAY)
            return false;
        *roles = claim;
    }
    return true;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

char **token_roles(const struct token *token)
{
    size_t length = 0;
    g_autofree char *text = token->value ? read_payload(token->value, &length) : NULL;
    g_autoptr(JsonTree) tree = json_tree_new();
    const struct json_node *payload = text ? json_tree_parse(tree, text, length, NULL) : NULL, *claim = NULL;

    if (!payload || payload->type != JSON_OBJECT || !find_roles(payload, &claim))
        return NULL;
    g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
    for (const struct json_node *role = claim ? claim->child : NULL; role; role = role->next) {
        if (!is_role(role))
            return NULL;
        g_strv_builder_add(builder, role->text);
    }
    char **roles = g_strv_builder_end(builder);
    qsort(roles, g_strv_length(roles), sizeof *roles, by_name);
    return roles;
}

/* --- the question ------------------------------------------------------------------------------------------------- */

static char *escape(const char *text)
{
    return g_uri_escape_string(text, NULL, FALSE);
}

char *token_form(const char *client_id, enum token_proof kind, const char *proof, const char *base_url,
                 const char *claims)
{
    static const char *const names[] = {
        [TOKEN_SECRET] = "&client_secret=",
        [TOKEN_ASSERTION] = "&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"
                            "&client_assertion=",
    };
    size_t base_length = strlen(base_url);
    while (base_length > 0 && base_url[base_length - 1] == '/')
        base_length--;
    g_autofree char *scope = g_strdup_printf("%.*s/.default", (int)base_length, base_url);
    g_autofree char *id = escape(client_id), *resource = escape(scope), *wanted = escape(claims ? claims : "");
    char *escaped = escape(proof);
    char *form = g_strconcat("grant_type=client_credentials&client_id=", id, "&scope=", resource, names[kind], escaped,
                             claims ? "&claims=" : NULL, wanted, NULL);

    text_free_secret(escaped);
    return form;
}

char *token_url(const char *login_url, const char *tenant_id)
{
    size_t base_length = strlen(login_url);
    while (base_length > 0 && login_url[base_length - 1] == '/')
        base_length--;
    g_autofree char *tenant = escape(tenant_id);

    return g_strdup_printf("%.*s/%s/oauth2/v2.0/token", (int)base_length, login_url, tenant);
}
