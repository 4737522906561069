/* assertion - proves who we are with a certificate: reads it and its private key from PEM text, and signs the JWTs that
 * take a client secret's place.
 *
 * Source: Microsoft identity platform, "Application authentication certificate credentials": signed PS256 and named by
 * x5t#S256, or RS256 and x5t as before; RFC 7523 section 3 and RFC 7515. Signed by GnuTLS itself, whose keys are wiped
 * when they are freed: a JOSE library would first write the key as JSON text and leave it behind in freed memory. */
#ifndef M365KEEP_CLIENT_ASSERTION_H
#define M365KEEP_CLIENT_ASSERTION_H

#include <glib.h>
#include <stdint.h>

enum { ASSERTION_LIFETIME_S = 600, ASSERTION_KEY_BITS_LEAST = 2048 };

enum assertion_kind {
    ASSERTION_PS256, /* with x5t#S256: what the service asks for today */
    ASSERTION_RS256, /* with x5t: what came before */
};

struct certificate {
    char *subject;           /* one clean line, "CN=m365keep" */
    char *thumbprint;        /* SHA-1, hexadecimal, upper case: as the Entra portal shows it */
    int64_t begins, expires; /* seconds UTC */
    char *x5t, *x5t_s256;    /* base64url of SHA-1 and SHA-256 of its DER bytes */
    struct gnutls_privkey_st *key;
};

/* Reads a certificate and its key from PEM text, whatever stands around and between them; of several certificates (a
 * chain, in any order) the one that the key belongs to counts, of several of these the one that expires last. NULL with
 * *error, whose message says what is wrong with the text and what to do, and holds nothing of it. Expired ones are
 * taken: the clock may be wrong. Returned: certificate_free, which wipes the key. */
struct certificate *certificate_new(const char *pem, GError **error);
void certificate_free(struct certificate *certificate);

/* A signed assertion that `client_id` speaks to `audience` (the URL it is posted to) from `now` on, under a fresh id.
 * NULL with *error when the key cannot sign. Returned: text_free_secret, for whoever has it can sign in. */
char *assertion_sign(const struct certificate *certificate, enum assertion_kind kind, const char *client_id,
                     const char *audience, int64_t now, GError **error);

#endif
