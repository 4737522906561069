/* certificates.h - the certificates that are registered for the app. Several may be, while one takes over from another.
 */
#ifndef SIM_CERTIFICATES_H
#define SIM_CERTIFICATES_H

#include <glib.h>
#include <gnutls/abstract.h>
#include <stdint.h>

struct certificate {
    gnutls_pubkey_t key;
    GBytes *sha1, *sha256; /* of the certificate's DER form */
    char *thumbprint;      /* the SHA-1 in capital hex, as Entra writes it */
    int64_t from, to;      /* ticks between which it is good */
};

/* Reads a public certificate from each of the PEM files (NULL: none). NULL with *error when one is not a certificate of
 * an RSA key. Returned: an array of struct certificate. */
GPtrArray *certificates_read(char **paths, GError **error);

/* The one whose digest is sha256, else (with sha256 NULL) sha1; NULL when there is none. Borrowed. */
const struct certificate *certificates_find(const GPtrArray *certificates, GBytes *sha256, GBytes *sha1);

#endif
