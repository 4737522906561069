#include "tls.h"

#include <gnutls/gnutls.h>

char *tls_read(const char *path, GError **error)
{
    gnutls_certificate_credentials_t credentials = NULL;
    g_autofree char *pem = NULL;
    gsize len = 0;

    if (!g_file_get_contents(path, &pem, &len, error))
        return NULL;
    const gnutls_datum_t datum = {(unsigned char *)pem, (unsigned)len};
    int code = gnutls_certificate_allocate_credentials(&credentials);
    if (code >= 0)
        code = gnutls_certificate_set_x509_key_mem(credentials, &datum, &datum, GNUTLS_X509_FMT_PEM);
    gnutls_certificate_free_credentials(credentials);
    if (code >= 0)
        return g_steal_pointer(&pem);
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                "--tls %s: expected a PEM file with a certificate and its key: %s", path, gnutls_strerror(code));
    return NULL;
}
