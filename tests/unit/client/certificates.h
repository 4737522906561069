/* certificates - keys and certificates for a test, made when it runs. The large key takes a moment: once a program. */
#ifndef TESTS_CLIENT_CERTIFICATES_H
#define TESTS_CLIENT_CERTIFICATES_H

#include <glib.h>
#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdint.h>
#include <string.h>

static inline void must(int result)
{
    if (result < 0)
        g_error("GnuTLS: %s", gnutls_strerror(result));
}

static inline char *text_of(gnutls_datum_t *datum)
{
    char *text = g_strndup((const char *)datum->data, datum->size);

    gnutls_free(datum->data);
    return text;
}

static inline gnutls_x509_privkey_t make_key(gnutls_pk_algorithm_t algorithm, unsigned bits)
{
    gnutls_x509_privkey_t key;

    must(gnutls_x509_privkey_init(&key));
    must(gnutls_x509_privkey_generate(key, algorithm, bits, 0));
    return key;
}

/* "-----BEGIN PRIVATE KEY-----", or encrypted under a password. Returned: g_free. */
static inline char *key_pem(gnutls_x509_privkey_t key, const char *password)
{
    gnutls_datum_t pem;

    must(gnutls_x509_privkey_export2_pkcs8(key, GNUTLS_X509_FMT_PEM, password,
                                           password ? GNUTLS_PKCS_PBES2_AES_256 : GNUTLS_PKCS_PLAIN, &pem));
    return text_of(&pem);
}

/* The older form, "-----BEGIN RSA PRIVATE KEY-----". Returned: g_free. */
static inline char *old_key_pem(gnutls_x509_privkey_t key)
{
    gnutls_datum_t pem;

    must(gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &pem));
    return text_of(&pem);
}

/* A certificate of `key` that it signed itself. Returned: g_free. */
static inline char *make_certificate(gnutls_x509_privkey_t key, const char *name, int64_t begins, int64_t expires)
{
    gnutls_x509_crt_t x509;
    gnutls_datum_t pem;

    must(gnutls_x509_crt_init(&x509));
    must(gnutls_x509_crt_set_version(x509, 3));
    must(gnutls_x509_crt_set_serial(x509, "\x07", 1));
    must(gnutls_x509_crt_set_dn(x509, name, NULL));
    must(gnutls_x509_crt_set_activation_time(x509, (time_t)begins));
    must(gnutls_x509_crt_set_expiration_time(x509, (time_t)expires));
    must(gnutls_x509_crt_set_key(x509, key));
    must(gnutls_x509_crt_sign2(x509, x509, key, GNUTLS_DIG_SHA256, 0));
    must(gnutls_x509_crt_export2(x509, GNUTLS_X509_FMT_PEM, &pem));
    gnutls_x509_crt_deinit(x509);
    return text_of(&pem);
}

/* The DER bytes of a certificate. Returned: g_free. */
static inline guchar *der_of(const char *pem, gsize *length)
{
    const char *begin = strstr(pem, "-----\n") + strlen("-----\n");
    g_autofree char *base64 = g_strndup(begin, (gsize)(strstr(begin, "-----END") - begin));

    return g_base64_decode(base64, length);
}

/* What base64url text stands for, with a NUL after it. Returned: g_free. */
static inline guchar *decode_url(const char *text, gsize bytes, gsize *length)
{
    g_autofree char *padded = g_strdup_printf("%.*s===", (int)bytes, text);

    padded[(bytes + 3) / 4 * 4] = '\0';
    guchar *raw = g_base64_decode(g_strdelimit(g_strdelimit(padded, "-", '+'), "_", '/'), length);
    raw = g_realloc(raw, *length + 1);
    raw[*length] = '\0';
    return raw;
}

/* One of an assertion's parts (0: header, 1: claims, 2: signature). Returned: g_free. */
static inline guchar *part_of(const char *assertion, int part, gsize *length)
{
    while (part-- > 0)
        assertion = strchr(assertion, '.') + 1;
    return decode_url(assertion, strcspn(assertion, "."), length);
}

/* Does the certificate's key vouch for the assertion? */
static inline gboolean is_signed_by(const char *assertion, const char *certificate_pem,
                                    gnutls_sign_algorithm_t algorithm)
{
    gnutls_datum_t pem = {(unsigned char *)certificate_pem, (unsigned)strlen(certificate_pem)};
    gnutls_datum_t input = {(unsigned char *)assertion, (unsigned)(strrchr(assertion, '.') - assertion)};
    gnutls_x509_crt_t x509;
    gnutls_pubkey_t key;
    gsize length;
    g_autofree guchar *bytes = part_of(assertion, 2, &length);
    gnutls_datum_t signature = {bytes, (unsigned)length};

    must(gnutls_x509_crt_init(&x509));
    must(gnutls_x509_crt_import(x509, &pem, GNUTLS_X509_FMT_PEM));
    must(gnutls_pubkey_init(&key));
    must(gnutls_pubkey_import_x509(key, x509, 0));
    int result = gnutls_pubkey_verify_data2(key, algorithm, 0, &input, &signature);
    gnutls_pubkey_deinit(key);
    gnutls_x509_crt_deinit(x509);
    return result >= 0;
}

#endif
