#include "assertion.h"

#include <math.h>
#include <string.h>

#include "base64url.h"
#include "certificates.h"
#include "ledger.h"
#include "ticks.h"

enum { MOST_JTIS = 20000, LEEWAY_S = 300 };

static const char jwt_bearer[] = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
static const char read_more[] = "Review the documentation at "
                                "https://learn.microsoft.com/entra/identity-platform/certificate-credentials .";

/* A JWT taken apart. */
struct jwt {
    cJSON *header, *claims;
    const char *text;
    gsize signed_len; /* how much of text is signed */
    GBytes *signature;
};

static void jwt_clear(struct jwt *jwt)
{
    cJSON_Delete(jwt->header);
    cJSON_Delete(jwt->claims);
    g_clear_pointer(&jwt->signature, g_bytes_unref);
}

static cJSON *read_object(const char *text, gsize len)
{
    g_autoptr(GBytes) bytes = base64url_decode(text, len);
    gsize size = 0;
    const char *json = bytes ? g_bytes_get_data(bytes, &size) : NULL;
    cJSON *object = json ? cJSON_ParseWithLength(json, size) : NULL;

    if (cJSON_IsObject(object))
        return object;
    cJSON_Delete(object);
    return NULL;
}

/* Three parts in base64url with dots between, the first two JSON objects. */
static bool jwt_read(const char *text, struct jwt *jwt)
{
    const char *first = strchr(text, '.'), *second = first ? strchr(first + 1, '.') : NULL;

    if (!second || strchr(second + 1, '.'))
        return false;
    jwt->text = text;
    jwt->signed_len = (gsize)(second - text);
    jwt->header = read_object(text, (gsize)(first - text));
    jwt->claims = read_object(first + 1, (gsize)(second - first - 1));
    jwt->signature = base64url_decode(second + 1, strlen(second + 1));
    return jwt->header && jwt->claims && jwt->signature;
}

static const char *text_of(const cJSON *object, const char *name)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, name);

    return cJSON_IsString(value) ? value->valuestring : "";
}

static struct answer *refuse(const struct request *rq, int number, const char *message)
{
    return answer_entra_words(rq, 401, "invalid_client", number, message);
}

/* --- the key --------------------------------------------------------------------------------------------------------
 */

static GBytes *thumbprint_of(const cJSON *header, const char *name)
{
    const char *text = text_of(header, name);

    return *text ? base64url_decode(text, strlen(text)) : NULL;
}

static char *hex_of(GBytes *bytes)
{
    gsize len = 0;
    const guint8 *data = bytes ? g_bytes_get_data(bytes, &len) : NULL;
    GString *hex = g_string_new(NULL);

    for (gsize k = 0; k < len; k++)
        g_string_append_printf(hex, "%02X", data[k]);
    return g_string_free(hex, FALSE);
}

static void append_american(GString *out, int64_t ticks)
{
    g_autoptr(GDateTime) at = g_date_time_new_from_unix_utc(ticks_floor_div(ticks, TICKS_PER_SECOND));
    g_autofree char *text = at ? g_date_time_format(at, "%m/%d/%Y %H:%M:%S") : g_strdup("never");

    g_string_append(out, text);
}

/* What AADSTS700027 tells: why, the key that the client named, and the one that was found. */
static struct answer *refuse_key(const struct request *rq, const char *what, const char *reason, const char *thumbprint,
                                 const struct certificate *found)
{
    const char *app = rq->app;
    g_autoptr(GString) text = g_string_new(what);

    g_string_append_printf(text, " [Reason - %s.", reason);
    if (*thumbprint)
        g_string_append_printf(text, ", Thumbprint of key used by client: '%s'", thumbprint);
    if (found) {
        g_string_append(text, ", Found key 'Start=");
        append_american(text, found->from);
        g_string_append(text, ", End=");
        append_american(text, found->to);
        g_string_append_c(text, '\'');
    }
    g_string_append_printf(
        text,
        ", Please visit the Azure Portal, Graph Explorer or directly use MS Graph to see configured keys for app Id "
        "'%s'. %s]",
        app, read_more);
    return refuse(rq, 700027, text->str);
}

static bool signature_holds(const struct jwt *jwt, const struct certificate *c, bool pss)
{
    gsize len = 0;
    const void *bytes = g_bytes_get_data(jwt->signature, &len);
    const gnutls_datum_t data = {(unsigned char *)(gpointer)jwt->text, (unsigned)jwt->signed_len};
    const gnutls_datum_t signature = {(unsigned char *)(gpointer)bytes, (unsigned)len};

    return gnutls_pubkey_verify_data2(c->key, pss ? GNUTLS_SIGN_RSA_PSS_RSAE_SHA256 : GNUTLS_SIGN_RSA_SHA256, 0, &data,
                                      &signature) >= 0;
}

static struct answer *refuse_signature(const struct request *rq, const struct jwt *jwt)
{
    const char *algorithm = text_of(jwt->header, "alg");
    bool taken = g_strv_contains((const char *const *)rq->sim->options->algorithms, algorithm);
    g_autoptr(GBytes) sha256 = thumbprint_of(jwt->header, "x5t#S256"), sha1 = thumbprint_of(jwt->header, "x5t");
    g_autofree char *thumbprint = hex_of(sha256 ? sha256 : sha1);
    const struct certificate *c = taken ? certificates_find(rq->sim->certificates, sha256, sha1) : NULL;

    if (!c)
        return refuse_key(
            rq, "The certificate with identifier used to sign the client assertion is not registered on application.",
            "The key was not found", taken ? thumbprint : "", NULL);
    if (rq->now >= c->to || rq->now < c->from)
        return refuse_key(
            rq, "The certificate with identifier used to sign the client assertion is expired on application.",
            "The key used is expired", thumbprint, c);
    if (signature_holds(jwt, c, strcmp(algorithm, "PS256") == 0))
        return NULL;
    return refuse_key(rq, "Client assertion failed signature validation.",
                      "The key was found, but use of the key to verify the signature failed", thumbprint, c);
}

/* --- the claims -----------------------------------------------------------------------------------------------------
 */

static struct answer *refuse_subject(const struct request *rq, const cJSON *claims)
{
    const char *app = rq->app;

    if (g_ascii_strcasecmp(text_of(claims, "iss"), app) == 0 && g_ascii_strcasecmp(text_of(claims, "sub"), app) == 0)
        return NULL;
    return refuse(rq, 700021, "Client assertion application identifier doesn't match 'client_id' parameter.");
}

/* The token's URL, of either version, or the issuer. */
static struct answer *refuse_audience(const struct request *rq, const cJSON *claims)
{
    static const char *const tails[] = {"/oauth2/v2.0/token", "/oauth2/token", "/v2.0", "/", ""};
    const char *audience = text_of(claims, "aud");
    g_autofree char *root = g_strdup_printf("%s/%s", rq->sim->base_url, rq->tenant->id);

    for (gsize k = 0; k < G_N_ELEMENTS(tails); k++) {
        g_autofree char *good = g_strconcat(root, tails[k], NULL);
        if (g_ascii_strcasecmp(audience, good) == 0)
            return NULL;
    }
    g_autofree char *message =
        g_strconcat("Client assertion audience claim does not match Realm issuer. ", read_more, NULL);
    return refuse(rq, 700023, message);
}

/* A NumericDate in ticks, fractions of a second included; 1970 when it is not there, as the refusal then tells. */
static int64_t moment_of(const cJSON *claims, const char *name)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(claims, name);

    if (!cJSON_IsNumber(value) || !(fabs(value->valuedouble) < 1e11))
        return 0;
    return (int64_t)(value->valuedouble * (double)TICKS_PER_SECOND);
}

static struct answer *refuse_time(const struct request *rq, const cJSON *claims)
{
    int64_t from = moment_of(claims, "nbf"), to = moment_of(claims, "exp");

    if (rq->now >= from - LEEWAY_S * TICKS_PER_SECOND && rq->now < to + LEEWAY_S * TICKS_PER_SECOND)
        return NULL;
    g_autoptr(GString) text = g_string_new("Client assertion is not within its valid time range. Current time: ");
    ticks_append_iso(text, rq->now, 7);
    g_string_append(text, "Z, assertion valid from ");
    ticks_append_iso(text, from, 7);
    g_string_append(text, "Z, expiry time of assertion ");
    ticks_append_iso(text, to, 7);
    g_string_append_printf(text, "Z. %s", read_more);
    return refuse(rq, 700024, text->str);
}

static struct answer *refuse_repeated(const struct request *rq, const cJSON *claims)
{
    GHashTable *seen = rq->sim->assertion_ids;

    if (g_hash_table_size(seen) >= MOST_JTIS)
        g_hash_table_remove_all(seen);
    if (g_hash_table_add(seen, g_strdup(text_of(claims, "jti"))))
        return NULL;
    ledger_count(rq->sim->ledger, rq, COUNT_REPEATED_ASSERTIONS);
    if (!rq->sim->options->refuse_repeated)
        return NULL;
    return refuse(rq, 50012, "Authentication failed: the client assertion was sent before.");
}

struct answer *assertion_refuse(struct request *rq, const char *type, const char *assertion)
{
    struct jwt jwt = {0};
    struct answer *refusal = NULL;

    if (!type)
        return answer_entra_error(rq, 900144, "client_assertion_type");
    if (strcmp(type, jwt_bearer) != 0)
        return answer_entra_error(rq, 9002313, type);
    if (jwt_read(assertion, &jwt)) {
        rq->assertion_algorithm = g_strdup(text_of(jwt.header, "alg"));
        refusal = refuse_subject(rq, jwt.claims);
        if (!refusal)
            refusal = refuse_signature(rq, &jwt);
        if (!refusal)
            refusal = refuse_audience(rq, jwt.claims);
        if (!refusal)
            refusal = refuse_time(rq, jwt.claims);
        if (!refusal)
            refusal = refuse_repeated(rq, jwt.claims);
    } else {
        refusal = refuse(rq, 50027, "JWT token is invalid or malformed.");
    }
    jwt_clear(&jwt);
    return refusal;
}
