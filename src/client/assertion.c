#include "client/assertion.h"

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdbool.h>
#include <string.h>

#include "base/hash.h"
#include "base/text.h"
#include "client/failure.h"

enum { SHA1_BYTES = 20, SUBJECT_BYTES = 100 };

static void fail(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void fail(GError **error, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    g_propagate_error(error,
                      g_error_new_valist(g_quark_from_static_string("m365keep-certificate"), 0, format, arguments));
    va_end(arguments);
}

/* --- PEM ---------------------------------------------------------------------------------------------------------- */

/* "-----BEGIN label-----" to "-----END label-----". The parts point into the text. */
struct block {
    const char *begin, *label;
    size_t length, label_length;
};

/* The next block from *at on, which steps behind it. False at the end, and for a block that does not end. */
static bool next_block(const char **at, struct block *block)
{
    static const char opening[] = "-----BEGIN ", dashes[] = "-----";
    const char *begin = strstr(*at, opening);
    const char *label = begin ? begin + strlen(opening) : NULL;
    const char *label_end = label ? strstr(label, dashes) : NULL;

    if (!label_end)
        return false;
    g_autofree char *closing = g_strdup_printf("-----END %.*s-----", (int)(label_end - label), label);
    const char *end = strstr(label_end, closing);
    if (!end)
        return false;
    *at = end + strlen(closing);
    *block = (struct block){begin, label, (size_t)(*at - begin), (size_t)(label_end - label)};
    return true;
}

static bool label_ends(const struct block *block, const char *suffix)
{
    size_t length = strlen(suffix);

    return block->label_length >= length && memcmp(block->label + block->label_length - length, suffix, length) == 0;
}

/* PKCS#8 says it in the label, the older form in a header. */
static bool is_encrypted(const struct block *block)
{
    return label_ends(block, "ENCRYPTED PRIVATE KEY") ||
           g_strstr_len(block->begin, (gssize)block->length, "Proc-Type: 4,ENCRYPTED");
}

static gnutls_datum_t datum_of(const struct block *block)
{
    return (gnutls_datum_t){.data = (unsigned char *)block->begin, .size = (unsigned)block->length};
}

/* What the text holds. */
struct contents {
    unsigned keys, certificates;
    struct block key; /* the last */
};

static bool look_through(const char *pem, struct contents *contents, GError **error)
{
    struct block block;

    *contents = (struct contents){0};
    while (next_block(&pem, &block)) {
        contents->certificates += label_ends(&block, "CERTIFICATE") ? 1 : 0;
        if (label_ends(&block, "PRIVATE KEY")) {
            contents->keys++;
            contents->key = block;
        }
    }
    if (strstr(pem, "-----BEGIN "))
        fail(error, "It is cut off: a PEM block in it has no end (-----END ...-----). Copy the file anew.");
    else if (contents->keys == 0 && contents->certificates == 0)
        fail(error, "It holds no PEM block (-----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----). A .pfx or .p12 "
                    "file becomes PEM with: openssl pkcs12 -in FILE -nodes -out PEM");
    else if (contents->certificates == 0)
        fail(error, "It holds a private key but no certificate: put the certificate's block (BEGIN CERTIFICATE) into "
                    "the same file.");
    else if (contents->keys == 0)
        fail(error, "It holds a certificate but no private key: put the key's block (BEGIN PRIVATE KEY) into the same "
                    "file.");
    else if (contents->keys > 1)
        fail(error, "It holds %u private keys: leave only the certificate's own.", contents->keys);
    else if (is_encrypted(&contents->key))
        fail(error, "Its private key is encrypted, and nobody is here to be asked for the passphrase: decrypt it with "
                    "openssl pkey -in KEY -out PLAIN, and keep the file to yourself (chmod 600).");
    else
        return true;
    return false;
}

/* --- the key ------------------------------------------------------------------------------------------------------ */

static bool is_fit_to_sign(gnutls_privkey_t key, GError **error)
{
    unsigned bits = 0;
    int algorithm = gnutls_privkey_get_pk_algorithm(key, &bits);

    if (algorithm != GNUTLS_PK_RSA) {
        const char *name = gnutls_pk_get_name((gnutls_pk_algorithm_t)algorithm);
        fail(error,
             "Its key is of the kind %s, and the sign-in service takes RSA only: make a certificate with an RSA "
             "key (openssl req -x509 -newkey rsa:2048 ...).",
             name ? name : "unknown");
        return false;
    }
    if (bits < ASSERTION_KEY_BITS_LEAST) {
        fail(error,
             "Its RSA key has %u bits, and %d are the least that is accepted: make a certificate with a larger "
             "key (openssl req -x509 -newkey rsa:2048 ...).",
             bits, ASSERTION_KEY_BITS_LEAST);
        return false;
    }
    return true;
}

static gnutls_privkey_t read_key(const struct block *block, GError **error)
{
    gnutls_datum_t text = datum_of(block);
    gnutls_privkey_t key = NULL;
    int result = gnutls_privkey_init(&key);

    if (result >= 0)
        result = gnutls_privkey_import_x509_raw(key, &text, GNUTLS_X509_FMT_PEM, NULL, 0);
    if (result < 0)
        fail(error, "Its private key cannot be read (%s): copy the file anew.", gnutls_strerror(result));
    if (result >= 0 && is_fit_to_sign(key, error))
        return key;
    gnutls_privkey_deinit(key);
    return NULL;
}

/* Takes the public key (freed). */
static bool take_key_id(gnutls_pubkey_t public_key, int result, uint8_t id[HASH_SHA256_BYTES])
{
    size_t length = HASH_SHA256_BYTES;

    if (result >= 0)
        result = gnutls_pubkey_get_key_id(public_key, GNUTLS_KEYID_USE_SHA256, id, &length);
    gnutls_pubkey_deinit(public_key);
    return result >= 0 && length == HASH_SHA256_BYTES;
}

static bool belongs(gnutls_x509_crt_t x509, gnutls_privkey_t key)
{
    uint8_t ours[HASH_SHA256_BYTES], theirs[HASH_SHA256_BYTES];
    gnutls_pubkey_t of_key = NULL, of_x509 = NULL;

    if (gnutls_pubkey_init(&of_key) < 0 || gnutls_pubkey_init(&of_x509) < 0) {
        gnutls_pubkey_deinit(of_key);
        return false;
    }
    bool know_ours = take_key_id(of_key, gnutls_pubkey_import_privkey(of_key, key, 0, 0), ours);
    bool know_theirs = take_key_id(of_x509, gnutls_pubkey_import_x509(of_x509, x509, 0), theirs);
    return know_ours && know_theirs && memcmp(ours, theirs, sizeof ours) == 0;
}

/* --- the certificate ---------------------------------------------------------------------------------------------- */

static gnutls_x509_crt_t read_x509(const struct block *block, GError **error)
{
    gnutls_datum_t text = datum_of(block);
    gnutls_x509_crt_t x509 = NULL;
    int result = gnutls_x509_crt_init(&x509);

    if (result >= 0)
        result = gnutls_x509_crt_import(x509, &text, GNUTLS_X509_FMT_PEM);
    if (result >= 0)
        return x509;
    fail(error, "A certificate in it cannot be read (%s): copy the file anew.", gnutls_strerror(result));
    gnutls_x509_crt_deinit(x509);
    return NULL;
}

/* Returned: g_free. */
static char *subject_of(gnutls_x509_crt_t x509)
{
    gnutls_datum_t name = {0};

    if (gnutls_x509_crt_get_dn3(x509, &name, 0) < 0 || name.size == 0) {
        gnutls_free(name.data);
        return g_strdup("no subject");
    }
    char *subject = failure_clean((const char *)name.data, name.size, SUBJECT_BYTES);
    gnutls_free(name.data);
    return subject;
}

/* base64url without padding, RFC 7515 section 2. Returned: g_free. */
static char *encode(const void *bytes, size_t length)
{
    char *text = g_base64_encode(bytes, length);

    g_strdelimit(text, "+", '-');
    g_strdelimit(text, "/", '_');
    text[strcspn(text, "=")] = '\0';
    return text;
}

static bool take_digests(struct certificate *certificate, gnutls_x509_crt_t x509)
{
    uint8_t sha1[SHA1_BYTES], sha256[HASH_SHA256_BYTES];
    size_t sha1_bytes = sizeof sha1, sha256_bytes = sizeof sha256;
    char hex[2 * SHA1_BYTES + 1];

    if (gnutls_x509_crt_get_fingerprint(x509, GNUTLS_DIG_SHA1, sha1, &sha1_bytes) < 0 ||
        gnutls_x509_crt_get_fingerprint(x509, GNUTLS_DIG_SHA256, sha256, &sha256_bytes) < 0)
        return false;
    hash_hex(sha1, sizeof sha1, hex);
    certificate->thumbprint = g_ascii_strup(hex, -1);
    certificate->x5t = encode(sha1, sizeof sha1);
    certificate->x5t_s256 = encode(sha256, sizeof sha256);
    return true;
}

/* NULL when it has no digests or times. */
static struct certificate *describe(gnutls_x509_crt_t x509)
{
    struct certificate *certificate = g_new0(struct certificate, 1);
    time_t begins = gnutls_x509_crt_get_activation_time(x509), expires = gnutls_x509_crt_get_expiration_time(x509);

    certificate->subject = subject_of(x509);
    certificate->begins = (int64_t)begins;
    certificate->expires = (int64_t)expires;
    if (begins != (time_t)-1 && expires != (time_t)-1 && take_digests(certificate, x509))
        return certificate;
    certificate_free(certificate);
    return NULL;
}

/* Looks at the certificate in `block`: the better of it and *best stays in *best. False with *error when it cannot be
 * read. *stranger: one that the key does not belong to. */
static bool consider(const struct block *block, gnutls_privkey_t key, struct certificate **best,
                     struct certificate **stranger, GError **error)
{
    gnutls_x509_crt_t x509 = read_x509(block, error);

    if (!x509)
        return false;
    struct certificate **place = belongs(x509, key) ? best : stranger;
    struct certificate *found = describe(x509);
    gnutls_x509_crt_deinit(x509);
    if (!found) {
        fail(error, "A certificate in it has no dates that can be read: make a new one.");
        return false;
    }
    if (!*place || (place == best && found->expires > (*best)->expires)) {
        struct certificate *worse = *place;
        *place = found;
        found = worse;
    }
    certificate_free(found);
    return true;
}

static struct certificate *find_certificate(const char *pem, gnutls_privkey_t key, GError **error)
{
    struct certificate *best = NULL, *stranger = NULL;
    struct block block;
    bool good = true;

    for (const char *at = pem; good && next_block(&at, &block);)
        if (label_ends(&block, "CERTIFICATE"))
            good = consider(&block, key, &best, &stranger, error);
    if (good && !best && stranger)
        fail(error,
             "Its private key does not belong to its certificate (%s, thumbprint %s): put in the key that was "
             "made with it.",
             stranger->subject, stranger->thumbprint);
    if (!good)
        g_clear_pointer(&best, certificate_free);
    certificate_free(stranger);
    return best;
}

struct certificate *certificate_new(const char *pem, GError **error)
{
    struct contents contents;

    if (!look_through(pem, &contents, error))
        return NULL;
    gnutls_privkey_t key = read_key(&contents.key, error);
    struct certificate *certificate = key ? find_certificate(pem, key, error) : NULL;
    if (certificate)
        certificate->key = key;
    else
        gnutls_privkey_deinit(key);
    return certificate;
}

void certificate_free(struct certificate *certificate)
{
    if (!certificate)
        return;
    gnutls_privkey_deinit(certificate->key);
    g_free(certificate->subject);
    g_free(certificate->thumbprint);
    g_free(certificate->x5t);
    g_free(certificate->x5t_s256);
    g_free(certificate);
}

/* --- the assertion ------------------------------------------------------------------------------------------------ */

static char *header_of(const struct certificate *certificate, enum assertion_kind kind)
{
    return kind == ASSERTION_PS256
               ? g_strdup_printf("{\"alg\":\"PS256\",\"typ\":\"JWT\",\"x5t#S256\":\"%s\"}", certificate->x5t_s256)
               : g_strdup_printf("{\"alg\":\"RS256\",\"typ\":\"JWT\",\"x5t\":\"%s\"}", certificate->x5t);
}

static char *claims_of(const char *client_id, const char *audience, int64_t now)
{
    g_autofree char *id = g_uuid_string_random();
    GString *claims = g_string_new("{\"aud\":");

    text_append_json(claims, audience);
    g_string_append(claims, ",\"iss\":");
    text_append_json(claims, client_id);
    g_string_append(claims, ",\"sub\":");
    text_append_json(claims, client_id);
    g_string_append_printf(claims,
                           ",\"jti\":\"%s\",\"nbf\":%" G_GINT64_FORMAT ",\"iat\":%" G_GINT64_FORMAT
                           ",\"exp\":%" G_GINT64_FORMAT "}",
                           id, now, now, now + ASSERTION_LIFETIME_S);
    return g_string_free(claims, FALSE);
}

char *assertion_sign(const struct certificate *certificate, enum assertion_kind kind, const char *client_id,
                     const char *audience, int64_t now, GError **error)
{
    g_autofree char *header = header_of(certificate, kind), *claims = claims_of(client_id, audience, now);
    g_autofree char *first = encode(header, strlen(header)), *second = encode(claims, strlen(claims));
    g_autofree char *input = g_strconcat(first, ".", second, NULL);
    gnutls_datum_t text = {.data = (unsigned char *)input, .size = (unsigned)strlen(input)}, signature = {0};
    /* The salt is as long as the hash, as RFC 7518 section 3.5 has it: GnuTLS's way too. */
    int result = gnutls_privkey_sign_data2(
        certificate->key, kind == ASSERTION_PS256 ? GNUTLS_SIGN_RSA_PSS_RSAE_SHA256 : GNUTLS_SIGN_RSA_SHA256, 0, &text,
        &signature);

    if (result < 0) {
        fail(error, "Its private key cannot sign (%s): make a new certificate.", gnutls_strerror(result));
        return NULL;
    }
    char *third = encode(signature.data, signature.size);
    char *assertion = g_strconcat(input, ".", third, NULL);
    text_free_secret(third);
    gnutls_free(signature.data);
    return assertion;
}
