#include "certificates.h"

#include <gnutls/x509.h>

#include "ticks.h"

static void certificate_free(gpointer data)
{
    struct certificate *c = data;

    gnutls_pubkey_deinit(c->key);
    g_bytes_unref(c->sha1);
    g_bytes_unref(c->sha256);
    g_free(c->thumbprint);
    g_free(c);
}

static GBytes *digest(GChecksumType type, const gnutls_datum_t *der)
{
    g_autoptr(GChecksum) sum = g_checksum_new(type);
    guint8 bytes[32];
    gsize len = sizeof(bytes);

    g_checksum_update(sum, der->data, der->size);
    g_checksum_get_digest(sum, bytes, &len);
    return g_bytes_new(bytes, len);
}

static struct certificate *certificate_new(gnutls_x509_crt_t crt, gnutls_pubkey_t key)
{
    struct certificate *c = g_new0(struct certificate, 1);
    gnutls_datum_t der = {NULL, 0};

    gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_DER, &der);
    g_autofree char *hex = g_compute_checksum_for_data(G_CHECKSUM_SHA1, der.data, der.size);
    *c = (struct certificate){.key = key,
                              .sha1 = digest(G_CHECKSUM_SHA1, &der),
                              .sha256 = digest(G_CHECKSUM_SHA256, &der),
                              .thumbprint = g_ascii_strup(hex, -1),
                              .from = gnutls_x509_crt_get_activation_time(crt) * TICKS_PER_SECOND,
                              .to = gnutls_x509_crt_get_expiration_time(crt) * TICKS_PER_SECOND};
    gnutls_free(der.data);
    return c;
}

/* NULL when the PEM text does not begin with the certificate of an RSA key. */
static struct certificate *parse(const char *pem, gsize len)
{
    const gnutls_datum_t datum = {(unsigned char *)(gpointer)pem, (unsigned)len};
    gnutls_x509_crt_t crt = NULL;
    gnutls_pubkey_t key = NULL;
    struct certificate *c = NULL;

    gnutls_x509_crt_init(&crt);
    gnutls_pubkey_init(&key);
    if (gnutls_x509_crt_import(crt, &datum, GNUTLS_X509_FMT_PEM) >= 0 && gnutls_pubkey_import_x509(key, crt, 0) >= 0 &&
        gnutls_pubkey_get_pk_algorithm(key, NULL) == GNUTLS_PK_RSA)
        c = certificate_new(crt, g_steal_pointer(&key));
    if (key)
        gnutls_pubkey_deinit(key);
    gnutls_x509_crt_deinit(crt);
    return c;
}

GPtrArray *certificates_read(char **paths, GError **error)
{
    g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func(certificate_free);

    for (char **p = paths; p && *p; p++) {
        g_autofree char *pem = NULL;
        gsize len = 0;
        if (!g_file_get_contents(*p, &pem, &len, error))
            return NULL;
        struct certificate *c = parse(pem, len);
        if (!c) {
            g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                        "--client-certificate %s: expected a PEM file with the certificate of an RSA key", *p);
            return NULL;
        }
        g_ptr_array_add(found, c);
    }
    return g_steal_pointer(&found);
}

const struct certificate *certificates_find(const GPtrArray *certificates, GBytes *sha256, GBytes *sha1)
{
    for (guint k = 0; k < certificates->len; k++) {
        const struct certificate *c = g_ptr_array_index(certificates, k);
        if (sha256 ? g_bytes_equal(sha256, c->sha256) : sha1 && g_bytes_equal(sha1, c->sha1))
            return c;
    }
    return NULL;
}
