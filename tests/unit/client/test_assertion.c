/* Certificates as people configure them, and the assertions signed with them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "base/text.h"
#include "certificates.h"
#include "client/assertion.h"

static const int64_t now = 1790000000, day = 86400;
static const char audience[] = "https://login.microsoftonline.com/tenant/oauth2/v2.0/token";

/* --- what there is to read ---------------------------------------------------------------------------------------- */

static struct {
    gnutls_x509_privkey_t large, small, curve;
    char *certificate, *renewed, *stranger, *of_small, *of_curve;
    char *key, *old_key, *locked_key, *small_key, *curve_key;
} made;

static int make_all(void **state)
{
    (void)state;
    made.large = make_key(GNUTLS_PK_RSA, 2048);
    made.small = make_key(GNUTLS_PK_RSA, 1024);
    made.curve = make_key(GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1));
    made.certificate = make_certificate(made.large, "CN=m365keep,O=Contoso", now - day, now + 90 * day);
    made.renewed = make_certificate(made.large, "CN=renewed", now - day, now + 365 * day);
    made.stranger = make_certificate(made.small, "CN=authority", now - day, now + 900 * day);
    made.of_small = make_certificate(made.small, "CN=small", now - day, now + 90 * day);
    made.of_curve = make_certificate(made.curve, "CN=curve", now - day, now + 90 * day);
    made.key = key_pem(made.large, NULL);
    made.old_key = old_key_pem(made.large);
    made.locked_key = key_pem(made.large, "passphrase");
    made.small_key = key_pem(made.small, NULL);
    made.curve_key = key_pem(made.curve, NULL);
    return 0;
}

static int free_all(void **state)
{
    char **texts[] = {&made.certificate, &made.renewed, &made.stranger,   &made.of_small,  &made.of_curve,
                      &made.key,         &made.old_key, &made.locked_key, &made.small_key, &made.curve_key};

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
        g_free(*texts[i]);
    gnutls_x509_privkey_deinit(made.large);
    gnutls_x509_privkey_deinit(made.small);
    gnutls_x509_privkey_deinit(made.curve);
    return 0;
}

static struct certificate *read_good(const char *pem)
{
    g_autoptr(GError) error = NULL;
    struct certificate *certificate = certificate_new(pem, &error);

    if (!certificate)
        fail_msg("%s", error->message);
    return certificate;
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

static void check_subject(const char *pem, const char *subject)
{
    struct certificate *certificate = read_good(pem);

    assert_string_equal(certificate->subject, subject);
    certificate_free(certificate);
}

static void a_certificate_is_read_in_any_order_with_either_form_of_key(void **state)
{
    static const char chatter[] = "Bag Attributes\n    friendlyName: m365keep\nsubject=CN = m365keep\n";
    static const char parameters[] = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";
    const char *const rows[][4] = {
        {made.certificate, made.key, "", ""},
        {made.key, made.certificate, "", ""},
        {made.certificate, made.old_key, "", ""},
        {chatter, made.key, chatter, made.certificate},
        {made.stranger, made.certificate, made.key, ""}, /* a chain, its authority first */
        {made.certificate, made.stranger, made.old_key, chatter},
        {made.stranger, made.key, made.stranger, made.certificate},
        {parameters, made.key, made.certificate, "garbage after it"},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *pem = g_strconcat(rows[i][0], rows[i][1], rows[i][2], rows[i][3], NULL);
        check_subject(pem, "CN=m365keep,O=Contoso");
    }
}

static void lines_may_end_as_on_windows_and_the_last_one_not_at_all(void **state)
{
    g_autofree char *pem = g_strconcat(made.certificate, made.key, NULL);
    g_auto(GStrv) lines = g_strsplit(g_strchomp(pem), "\n", -1);
    g_autofree char *windows = g_strjoinv("\r\n", lines);

    (void)state;
    check_subject(pem, "CN=m365keep,O=Contoso");
    check_subject(windows, "CN=m365keep,O=Contoso");
}

static void of_two_certificates_of_one_key_the_later_one_counts(void **state)
{
    g_autofree char *pem = g_strconcat(made.renewed, made.certificate, made.key, NULL);
    g_autofree char *turned = g_strconcat(made.certificate, made.renewed, made.key, NULL);

    (void)state;
    check_subject(pem, "CN=renewed");
    check_subject(turned, "CN=renewed");
}

static void thumbprint_subject_and_dates_are_what_a_portal_shows(void **state)
{
    g_autofree char *pem = g_strconcat(made.certificate, made.key, NULL);
    struct certificate *certificate = read_good(pem);
    gsize length;
    g_autofree guchar *der = der_of(made.certificate, &length);
    g_autofree char *sha1 = g_compute_checksum_for_data(G_CHECKSUM_SHA1, der, length);
    g_autofree char *upper = g_ascii_strup(sha1, -1);

    (void)state;
    assert_string_equal(certificate->thumbprint, upper);
    assert_int_equal(certificate->begins, now - day);
    assert_int_equal(certificate->expires, now + 90 * day);
    certificate_free(certificate);
    certificate_free(NULL);
}

static void an_expired_certificate_is_read_all_the_same(void **state)
{
    g_autofree char *old = make_certificate(made.large, "CN=old", now - 900 * day, now - 9 * day);
    g_autofree char *pem = g_strconcat(old, made.key, NULL);

    (void)state;
    check_subject(pem, "CN=old");
}

static void a_subject_cannot_break_a_line_or_drive_a_terminal(void **state)
{
    g_autofree char *odd = make_certificate(made.large, "CN=a\x1b[31mb\xe2\x80\xae c", now - day, now + day);
    g_autofree char *pem = g_strconcat(odd, made.key, NULL);

    (void)state;
    check_subject(pem, "CN=a[31mb c");
}

/* --- refusals ----------------------------------------------------------------------------------------------------- */

/* No 16 characters in a row of any line of the key. */
static void assert_holds_nothing_of(const char *message, const char *pem)
{
    g_auto(GStrv) lines = g_strsplit(pem, "\n", -1);

    for (char **line = lines; *line; line++)
        for (size_t at = 0; (*line)[0] != '-' && at + 16 <= strlen(*line); at++) {
            g_autofree char *piece = g_strndup(*line + at, 16);
            assert_null(strstr(message, piece));
        }
}

static void check_refused(const char *what, const char *pem, const char *words)
{
    g_autoptr(GError) error = NULL;

    if (certificate_new(pem, &error))
        fail_msg("%s was taken", what);
    if (!strstr(error->message, words))
        fail_msg("%s: %s", what, error->message);
    assert_true(strlen(error->message) < 240); /* fits into a failure, with what stands before it */
    assert_holds_nothing_of(error->message, made.key);
    assert_holds_nothing_of(error->message, made.old_key);
    assert_holds_nothing_of(error->message, made.small_key);
}

static char *with_broken_base64(const char *pem)
{
    char *broken = g_strdup(pem);

    memset(strstr(broken, "-----\n") + 40, '*', 30);
    return broken;
}

static char *with_flipped_bytes(const char *pem)
{
    char *broken = g_strdup(pem), *at = strstr(broken, "-----\n") + 6;

    memset(at, 'A', 24); /* where the length and the kind of it all stand */
    return broken;
}

static void what_is_wrong_is_said_with_its_mend_and_nothing_of_the_key(void **state)
{
    static const char headers[] =
        "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\n"
        "AAAA\n-----END RSA PRIVATE KEY-----\n";
    static const char openssh[] = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNz\n-----END OPENSSH PRIVATE KEY-----\n";
    g_autofree char *broken_key = with_broken_base64(made.key), *garbled_key = with_flipped_bytes(made.key);
    g_autofree char *broken = with_broken_base64(made.certificate), *garbled = with_flipped_bytes(made.certificate);
    g_autofree char *cut = g_strndup(made.key, strlen(made.key) / 2);
    const struct {
        const char *what, *parts[3], *words;
    } rows[] = {
        {"nothing", {"", "", ""}, "holds no PEM block"},
        {"a .pfx file", {"0\x82\x09\x41\x02\x01\x03", "", ""}, "openssl pkcs12"},
        {"a secret", {"s~cret", "", ""}, "holds no PEM block"},
        {"no key", {made.certificate, "", ""}, "no private key"},
        {"no certificate", {made.key, "", ""}, "no certificate"},
        {"a request instead",
         {"-----BEGIN CERTIFICATE REQUEST-----\nAA\n-----END CERTIFICATE REQUEST-----\n", made.key, ""},
         "no certificate"},
        {"two keys", {made.certificate, made.key, made.small_key}, "2 private keys"},
        {"an encrypted key", {made.certificate, made.locked_key, ""}, "is encrypted"},
        {"an encrypted key, older form", {made.certificate, headers, ""}, "is encrypted"},
        {"another's key",
         {made.stranger, made.key, ""},
         "does not belong to its certificate (CN=authority, thumbprint "},
        {"a small key", {made.of_small, made.small_key, ""}, "has 1024 bits, and 2048"},
        {"no RSA key", {made.of_curve, made.curve_key, ""}, "takes RSA only"},
        {"a key that is cut off", {made.certificate, cut, ""}, "is cut off"},
        {"a certificate that is cut off", {made.key, "-----BEGIN CERTIFICATE-----\nMIIB", ""}, "is cut off"},
        {"a key that is no base64", {made.certificate, broken_key, ""}, "private key cannot be read"},
        {"a key that is none", {made.certificate, garbled_key, ""}, "private key cannot be read"},
        {"a key of another program", {made.certificate, openssh, ""}, "private key cannot be read"},
        {"a certificate that is no base64", {broken, made.key, ""}, "certificate in it cannot be read"},
        {"a certificate that is none", {garbled, made.key, ""}, "certificate in it cannot be read"},
        {"one good, one that is none", {made.certificate, garbled, made.key}, "certificate in it cannot be read"},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *pem = g_strconcat(rows[i].parts[0], rows[i].parts[1], rows[i].parts[2], NULL);
        check_refused(rows[i].what, pem, rows[i].words);
    }
}

/* --- assertions --------------------------------------------------------------------------------------------------- */

static cJSON *json_part(const char *assertion, int part)
{
    gsize length;
    g_autofree guchar *text = part_of(assertion, part, &length);
    cJSON *object = cJSON_Parse((const char *)text);

    assert_non_null(object);
    return object;
}

static void assert_text(const cJSON *object, const char *name, const char *value)
{
    const char *found = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));

    assert_non_null(found);
    assert_string_equal(found, value);
}

static void assert_number(const cJSON *object, const char *name, int64_t value)
{
    const cJSON *found = cJSON_GetObjectItemCaseSensitive(object, name);

    assert_true(cJSON_IsNumber(found));
    assert_int_equal((int64_t)cJSON_GetNumberValue(found), value);
}

static char *sign(enum assertion_kind kind, const char *client_id)
{
    g_autofree char *pem = g_strconcat(made.certificate, made.key, NULL);
    struct certificate *certificate = read_good(pem);
    char *assertion = assertion_sign(certificate, kind, client_id, audience, now, NULL);

    certificate_free(certificate);
    assert_non_null(assertion);
    return assertion;
}

/* The digest of the certificate's bytes as the header has it. */
static char *digest_of(GChecksumType type)
{
    gsize length, bytes = 64;
    guint8 digest[64];
    g_autofree guchar *der = der_of(made.certificate, &length);
    g_autoptr(GChecksum) checksum = g_checksum_new(type);

    g_checksum_update(checksum, der, (gssize)length);
    g_checksum_get_digest(checksum, digest, &bytes);
    char *text = g_base64_encode(digest, bytes);
    text[strcspn(text, "=")] = '\0';
    return g_strdelimit(g_strdelimit(text, "+", '-'), "/", '_');
}

static void an_assertion_is_signed_in_either_form_and_names_its_certificate(void **state)
{
    static const struct {
        enum assertion_kind kind;
        const char *alg, *x5t, *other;
        gnutls_sign_algorithm_t algorithm;
        GChecksumType digest;
    } rows[] = {
        {ASSERTION_PS256, "PS256", "x5t#S256", "x5t", GNUTLS_SIGN_RSA_PSS_RSAE_SHA256, G_CHECKSUM_SHA256},
        {ASSERTION_RS256, "RS256", "x5t", "x5t#S256", GNUTLS_SIGN_RSA_SHA256, G_CHECKSUM_SHA1},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        char *assertion = sign(rows[i].kind, "app");
        cJSON *header = json_part(assertion, 0);
        g_autofree char *digest = digest_of(rows[i].digest);
        assert_text(header, "alg", rows[i].alg);
        assert_text(header, "typ", "JWT");
        assert_text(header, rows[i].x5t, digest);
        assert_null(cJSON_GetObjectItemCaseSensitive(header, rows[i].other));
        assert_true(is_signed_by(assertion, made.certificate, rows[i].algorithm));
        assert_false(is_signed_by(assertion, made.certificate, rows[1 - i].algorithm));
        assert_false(is_signed_by(assertion, made.stranger, rows[i].algorithm));
        assertion[strcspn(assertion, ".") + 20] ^= 1; /* another claim */
        assert_false(is_signed_by(assertion, made.certificate, rows[i].algorithm));
        cJSON_Delete(header);
        text_free_secret(assertion);
    }
}

static void an_assertion_says_who_speaks_to_whom_and_for_ten_minutes(void **state)
{
    char *assertion = sign(ASSERTION_PS256, "11111111-2222-3333-4444-555555555555");
    cJSON *claims = json_part(assertion, 1);

    (void)state;
    assert_text(claims, "aud", audience);
    assert_text(claims, "iss", "11111111-2222-3333-4444-555555555555");
    assert_text(claims, "sub", "11111111-2222-3333-4444-555555555555");
    assert_number(claims, "nbf", now);
    assert_number(claims, "iat", now);
    assert_number(claims, "exp", now + 600);
    assert_int_equal(strspn(assertion, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."),
                     strlen(assertion)); /* base64url without padding */
    cJSON_Delete(claims);
    text_free_secret(assertion);
}

static void no_two_assertions_have_one_id_q125(void **state)
{
    char *first = sign(ASSERTION_PS256, "app"), *second = sign(ASSERTION_PS256, "app");
    cJSON *one = json_part(first, 1), *other = json_part(second, 1);
    const char *id = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(one, "jti"));

    (void)state;
    assert_true(g_uuid_string_is_valid(id));
    assert_string_not_equal(id, cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(other, "jti")));
    cJSON_Delete(one);
    cJSON_Delete(other);
    text_free_secret(first);
    text_free_secret(second);
}

static void odd_names_are_escaped(void **state)
{
    char *assertion = sign(ASSERTION_PS256, "a\",\"sub\":\"b\\\n");
    cJSON *claims = json_part(assertion, 1);

    (void)state;
    assert_text(claims, "sub", "a\",\"sub\":\"b\\\n");
    cJSON_Delete(claims);
    text_free_secret(assertion);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_certificate_is_read_in_any_order_with_either_form_of_key),
        cmocka_unit_test(lines_may_end_as_on_windows_and_the_last_one_not_at_all),
        cmocka_unit_test(of_two_certificates_of_one_key_the_later_one_counts),
        cmocka_unit_test(thumbprint_subject_and_dates_are_what_a_portal_shows),
        cmocka_unit_test(an_expired_certificate_is_read_all_the_same),
        cmocka_unit_test(a_subject_cannot_break_a_line_or_drive_a_terminal),
        cmocka_unit_test(what_is_wrong_is_said_with_its_mend_and_nothing_of_the_key),
        cmocka_unit_test(an_assertion_is_signed_in_either_form_and_names_its_certificate),
        cmocka_unit_test(an_assertion_says_who_speaks_to_whom_and_for_ten_minutes),
        cmocka_unit_test(no_two_assertions_have_one_id_q125),
        cmocka_unit_test(odd_names_are_escaped),
    };

    return cmocka_run_group_tests(tests, make_all, free_all);
}
