#include "token_text.h"

#include <cjson/cJSON.h>
#include <string.h>

#include "base64url.h"
#include "ticks.h"

enum { OPAQUE_CHARS = 1600, SIGNATURE_CHARS = 342, KEY_ID_CHARS = 27, NONCE_CHARS = 43, TICKET_CHARS = 200 };

static void append_letters(GString *out, struct dice *d, gsize count)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    for (gsize k = 0; k < count; k++)
        g_string_append_c(out, letters[dice_below(d, 64)]);
}

static void add_letters(cJSON *json, const char *name, struct dice *d, gsize count)
{
    g_autoptr(GString) text = g_string_new(NULL);

    append_letters(text, d, count);
    cJSON_AddStringToObject(json, name, text->str);
}

/* Appends the JSON, which is taken, as a part of a JWT. */
static void append_part(GString *out, cJSON *json)
{
    char *text = cJSON_PrintUnformatted(json);
    g_autofree char *part = base64url_encode(text, strlen(text));

    g_string_append(out, part);
    g_string_append_c(out, '.');
    cJSON_free(text);
    cJSON_Delete(json);
}

static cJSON *make_header(struct dice *d)
{
    cJSON *json = cJSON_CreateObject();

    cJSON_AddStringToObject(json, "typ", "JWT");
    add_letters(json, "nonce", d, NONCE_CHARS); /* whose hash is signed: the reason that only Microsoft can check it */
    cJSON_AddStringToObject(json, "alg", "RS256");
    add_letters(json, "x5t", d, KEY_ID_CHARS);
    cJSON_AddStringToObject(json, "kid", cJSON_GetObjectItemCaseSensitive(json, "x5t")->valuestring);
    return json;
}

static void add_guid(cJSON *json, const char *name, struct dice *d)
{
    g_autoptr(GString) guid = g_string_new(NULL);

    text_append_guid(guid, d);
    cJSON_AddStringToObject(json, name, guid->str);
}

static void add_roles(cJSON *json, const char *const *roles)
{
    if (!*roles)
        return; /* the claim is missing then, not empty */
    cJSON *list = cJSON_AddArrayToObject(json, "roles");
    for (; *roles; roles++)
        cJSON_AddItemToArray(list, cJSON_CreateString(*roles));
}

static cJSON *make_claims(const struct request *rq, struct dice *d, bool graph, int64_t lifetime_s)
{
    cJSON *json = cJSON_CreateObject();
    double from = (double)ticks_floor_div(rq->now, TICKS_PER_SECOND);
    g_autofree char *issuer = g_strdup_printf("https://sts.windows.net/%s/", rq->tenant->id);

    cJSON_AddStringToObject(json, "aud", graph ? "https://graph.microsoft.com" : "https://manage.office.com");
    cJSON_AddStringToObject(json, "iss", issuer);
    cJSON_AddNumberToObject(json, "iat", from);
    cJSON_AddNumberToObject(json, "nbf", from);
    cJSON_AddNumberToObject(json, "exp", from + (double)lifetime_s);
    add_letters(json, "aio", d, TICKET_CHARS);
    cJSON_AddStringToObject(json, "app_displayname", "m365keep");
    cJSON_AddStringToObject(json, "appid", rq->app);
    cJSON_AddStringToObject(json, "appidacr", rq->assertion_algorithm ? "2" : "1");
    cJSON_AddStringToObject(json, "idp", issuer);
    cJSON_AddStringToObject(json, "idtyp", "app");
    add_guid(json, "oid", d);
    add_letters(json, "rh", d, TICKET_CHARS);
    cJSON_AddStringToObject(json, "sub", cJSON_GetObjectItemCaseSensitive(json, "oid")->valuestring);
    cJSON_AddStringToObject(json, "tenant_region_scope", "EU");
    cJSON_AddStringToObject(json, "tid", rq->tenant->id);
    add_letters(json, "uti", d, 22);
    cJSON_AddStringToObject(json, "ver", "1.0");
    return json;
}

char *token_text_jwt(const struct request *rq, struct dice *d, bool graph, const char *const *roles, int64_t lifetime_s)
{
    GString *text = g_string_new(NULL);

    append_part(text, make_header(d));
    cJSON *claims = make_claims(rq, d, graph, lifetime_s);
    add_roles(claims, roles);
    append_part(text, claims);
    append_letters(text, d, SIGNATURE_CHARS);
    return g_string_free(text, FALSE);
}

char *token_text_opaque(struct dice *d)
{
    GString *text = g_string_new(NULL);

    append_letters(text, d, OPAQUE_CHARS);
    return g_string_free(text, FALSE);
}
