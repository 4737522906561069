#include "signing.h"

#include <glib.h>
#include <gnutls/abstract.h>
#include <gnutls/x509.h>

#include "base64url.h"
#include "ticks.h"

enum { KEYS = 2, KEY_BITS = 2048, GOOD_DAYS = 5 * 365 };

struct signing {
    gnutls_x509_privkey_t keys[KEYS];
    gnutls_x509_crt_t certificates[KEYS];
};

static void certify(gnutls_x509_crt_t crt, gnutls_x509_privkey_t key, int64_t now, unsigned char serial)
{
    static const char name[] = "CN=m365keep-sim login";
    time_t from = (time_t)(now / TICKS_PER_SECOND);

    gnutls_x509_crt_set_version(crt, 3);
    gnutls_x509_crt_set_serial(crt, &serial, sizeof(serial));
    gnutls_x509_crt_set_dn(crt, name, NULL);
    gnutls_x509_crt_set_activation_time(crt, from);
    gnutls_x509_crt_set_expiration_time(crt, from + (time_t)GOOD_DAYS * 86400);
    gnutls_x509_crt_set_key(crt, key);
    gnutls_x509_crt_sign2(crt, crt, key, GNUTLS_DIG_SHA256, 0);
}

struct signing *signing_new(int64_t now)
{
    struct signing *s = g_new0(struct signing, 1);

    for (int k = 0; k < KEYS; k++) {
        gnutls_x509_privkey_init(&s->keys[k]);
        gnutls_x509_privkey_generate(s->keys[k], GNUTLS_PK_RSA, KEY_BITS, 0);
        gnutls_x509_crt_init(&s->certificates[k]);
        certify(s->certificates[k], s->keys[k], now, (unsigned char)(k + 1));
    }
    return s;
}

void signing_free(struct signing *s)
{
    if (!s)
        return;
    for (int k = 0; k < KEYS; k++) {
        gnutls_x509_crt_deinit(s->certificates[k]);
        gnutls_x509_privkey_deinit(s->keys[k]);
    }
    g_free(s);
}

/* A number as JWKs write it: its bytes, without leading zeros. */
static void add_number(cJSON *jwk, const char *name, gnutls_datum_t *number)
{
    g_autofree char *text = base64url_encode(number->data, number->size);

    cJSON_AddStringToObject(jwk, name, text);
    gnutls_free(number->data);
}

static void add_certificate(cJSON *jwk, gnutls_x509_crt_t crt)
{
    gnutls_datum_t der = {NULL, 0};
    unsigned char sha1[20];
    size_t len = sizeof(sha1);

    gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_DER, &der);
    gnutls_fingerprint(GNUTLS_DIG_SHA1, &der, sha1, &len);
    g_autofree char *thumbprint = base64url_encode(sha1, len);
    g_autofree char *text = g_base64_encode(der.data, der.size);
    const char *const chain[] = {text};
    cJSON_AddStringToObject(jwk, "kid", thumbprint);
    cJSON_AddStringToObject(jwk, "x5t", thumbprint);
    cJSON_AddItemToObject(jwk, "x5c", cJSON_CreateStringArray(chain, 1));
    gnutls_free(der.data);
}

static cJSON *key_json(gnutls_x509_crt_t crt, const char *issuer)
{
    cJSON *jwk = cJSON_CreateObject();
    gnutls_datum_t n = {NULL, 0}, e = {NULL, 0};
    gnutls_pubkey_t key = NULL;

    gnutls_pubkey_init(&key);
    gnutls_pubkey_import_x509(key, crt, 0);
    gnutls_pubkey_export_rsa_raw2(key, &n, &e, GNUTLS_EXPORT_FLAG_NO_LZ);
    gnutls_pubkey_deinit(key);
    cJSON_AddStringToObject(jwk, "kty", "RSA");
    cJSON_AddStringToObject(jwk, "use", "sig");
    add_certificate(jwk, crt);
    add_number(jwk, "n", &n);
    add_number(jwk, "e", &e);
    cJSON_AddStringToObject(jwk, "issuer", issuer);
    return jwk;
}

cJSON *signing_keys(const struct signing *s, const char *issuer)
{
    cJSON *set = cJSON_CreateObject(), *keys = cJSON_AddArrayToObject(set, "keys");

    for (int k = 0; k < KEYS; k++)
        cJSON_AddItemToArray(keys, key_json(s->certificates[k], issuer));
    return set;
}
