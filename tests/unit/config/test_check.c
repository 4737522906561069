/* What the values of the keys must be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <glib.h>

#include "config/check.h"

#define GUID "0a1b2c3d-4e5f-6789-abcd-ef0123456789"

struct row {
    const char *value;
    const char *fault; /* a part of the message; NULL: accepted */
};

static void check_rows(const char *(*check)(const char *), const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const char *fault = check(rows[i].value);
        if ((fault == NULL) != (rows[i].fault == NULL) || (fault != NULL && strstr(fault, rows[i].fault) == NULL))
            fail_msg("row %zu \"%s\": %s", i, rows[i].value, fault != NULL ? fault : "accepted");
    }
}

/* A domain would do for a token; but a tenant told by its domain today and by its GUID tomorrow would be two, and each
 * of its records would be kept twice. */
static void a_tenant_is_a_guid(void **state)
{
    static const struct row rows[] = {
        {GUID, NULL},
        {"0A1B2C3D-4E5F-6789-ABCD-EF0123456789", NULL},
        {"contoso.onmicrosoft.com", "Entra portal, Overview, Tenant ID"},
        {"Contoso.Example", "not a GUID"},
        {"contoso", "not a GUID"},
        {GUID ".example", "not a GUID"},
        {GUID "/path", "not a GUID"},
        {"0a1b2c3d-4e5f-6789-abcd-ef012345678g", "not a GUID"},
        {"{" GUID "}", "not a GUID"},
        {"0a1b2c3d4e5f6789abcdef0123456789", "not a GUID"},
        {"", "not a GUID"},
        {"common", "names no tenant"},
        {"Organizations", "names no tenant"},
        {"consumers", "names no tenant"},
        {" " GUID, "blanks"},
        {GUID "\n", "blanks"},
        {"\"" GUID "\"", "quotes"},
        {"'" GUID "'", "quotes"},
        {"a\tb.example", "control"},
    };
    (void)state;
    check_rows(check_tenant_id, rows, G_N_ELEMENTS(rows));
}

static void a_client_id_is_a_guid(void **state)
{
    static const struct row rows[] = {
        {GUID, NULL},
        {"contoso.example", "not a GUID"},
        {"0a1b2c3d-4e5f-6789-abcd-ef012345678", "not a GUID"},
        {"0a1b2c3d-4e5f-6789-abcd-ef01234567890", "not a GUID"},
        {"0a1b2c3d-4e5f-6789-abcd-ef012345678g", "not a GUID"},
        {GUID " ", "blanks"},
    };
    (void)state;
    check_rows(check_client_id, rows, G_N_ELEMENTS(rows));
}

static void a_secret_is_taken_as_it_is_but_for_slips(void **state)
{
    static const struct row rows[] = {
        {"abc8Q~x.y_z-0", NULL},
        {GUID, NULL},
        {"with space inside", NULL},
        {"'", NULL},
        {"p\xc3\xa4ss", NULL},
        {"'abc\"", NULL},
        {" abc", "blanks"},
        {"abc\r", "blanks"},
        {"abc\t", "blanks"},
        {"\"abc\"", "quotes"},
        {"''", "quotes"},
        {"abc\ndef", "control"},
        {"abc\x7f"
         "def",
         "control"},
    };
    (void)state;
    check_rows(check_client_secret, rows, G_N_ELEMENTS(rows));
}

static void a_customer_is_a_printable_name(void **state)
{
    g_autofree char *longest = g_strnfill(100, 'x'), *longer = g_strnfill(101, 'x');
    const struct row rows[] = {
        {"default", NULL},         {"Kancelaria \xc5\xbb\xc3\xb3\xc5\x82w", NULL},
        {longest, NULL},           {longer, "too long"},
        {"all", "every customer"}, {"ALL", "every customer"},
        {" a", "must be"},         {"a\x1b[31m", "must be"},
        {"a\xff", "must be"},
    };
    (void)state;
    check_rows(check_customer, rows, G_N_ELEMENTS(rows));
}

static void a_time_zone_must_be_known(void **state)
{
    static const struct row rows[] = {
        {"UTC", NULL}, {"Etc/UTC", NULL}, {"No/Such_Zone", "no time zone"}, {"Europe/Warszawa", "no time zone"}};
    (void)state;
    check_rows(check_timezone, rows, G_N_ELEMENTS(rows));
}

static void base_urls_are_brought_into_one_form(void **state)
{
    static const struct {
        const char *value, *url;
    } rows[] = {
        {"https://graph.microsoft.com", "https://graph.microsoft.com"},
        {"https://graph.microsoft.com/", "https://graph.microsoft.com"},
        {"https://graph.microsoft.com///", "https://graph.microsoft.com"},
        {"HTTPS://Graph.Microsoft.COM", "https://graph.microsoft.com"},
        {"https://gateway.example/graph/", "https://gateway.example/graph"},
        {"https://gateway.example:8443/Graph", "https://gateway.example:8443/Graph"},
        {"https://10.0.0.1", "https://10.0.0.1"},
        {"http://127.0.0.1:8080", "http://127.0.0.1:8080"},
        {"http://127.9.8.7", "http://127.9.8.7"},
        {"http://localhost:1/", "http://localhost:1"},
        {"http://LOCALHOST", "http://localhost"},
        {"http://[::1]:8080", "http://[::1]:8080"},
        {"http://[0:0:0:0:0:0:0:1]", "http://[0:0:0:0:0:0:0:1]"},
    };
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        const char *fault = "";
        g_autofree char *url = check_base_url(rows[i].value, &fault);
        if (g_strcmp0(url, rows[i].url) != 0 || fault != NULL)
            fail_msg("row %zu %s: %s (%s)", i, rows[i].value, url, fault);
    }
}

static void other_urls_are_refused(void **state)
{
    static const struct row rows[] = {
        {"graph.microsoft.com", "no URL"},
        {"", "no URL"},
        {"https://", "names no host"},
        {"https:///path", "names no host"},
        {"ftp://host.example", "must begin with https"},
        {"file:///etc/passwd", "must begin with https"},
        {"http://graph.microsoft.com", "only for 127"},
        {"http://127.0.0.1.evil.example", "only for 127"},
        {"http://localhost.evil.example", "only for 127"},
        {"http://localhost.", "only for 127"},
        {"http://126.0.0.1", "only for 127"},
        {"http://127.1", "only for 127"},
        {"http://0x7f000001", "only for 127"},
        {"http://[::2]", "only for 127"},
        {"http://[::ffff:127.0.0.1]", "only for 127"},
        {"http://0.0.0.0", "only for 127"},
        {"https://user@host.example", "user name"},
        {"https://user:pass@host.example", "user name"},
        {"https://graph.microsoft.com@evil.example", "user name"},
        {"http://127.0.0.1@evil.example", "only for 127"},
        {"https://host.example?x=1", "?"},
        {"https://host.example/?", "?"},
        {"https://host.example#x", "#"},
        {"https://host.example/a b", "blank"},
        {"https://host.example\n", "blank"},
        {"https://host.example\\@evil.example", "backslash"},
        {"https://h\xc3\xb6st.example", "ASCII"},
        {"https://host.example:99999", "no URL"},
        {"https://host.example:80x", "no URL"},
        {"https://[::1", "no URL"},
        {"https://graph.microsoft.com/v1.0", "version"},
        {"https://graph.microsoft.com/beta/", "version"},
    };
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        const char *fault = NULL;
        g_autofree char *url = check_base_url(rows[i].value, &fault);
        if (url != NULL || fault == NULL || strstr(fault, rows[i].fault) == NULL)
            fail_msg("row %zu %s: %s (%s)", i, rows[i].value, url, fault);
    }
}

/* --- settings ------------------------------------------------------------------------------------------------------
 */

static void a_variable_has_a_name_that_shells_know(void **state)
{
    static const struct row rows[] = {
        {"A", NULL},
        {"_", NULL},
        {"API_CHECK_1", NULL},
        {"a1234567890123456789012345678901234567890123456789012345678901_4", NULL},
        {"a1234567890123456789012345678901234567890123456789012345678901_45", "at most 64"},
        {"", "name of an environment variable"},
        {"1A", "no digit first"},
        {"A-B", "letters, digits and _"},
        {"A B", "letters, digits and _"},
        {"A;B", "letters, digits and _"},
        {"$A", "name of an environment variable"},
        {"\xc3\x9c", "name of an environment variable"},
    };
    (void)state;
    check_rows(check_variable, rows, G_N_ELEMENTS(rows));
}

static void an_address_is_bare_or_has_a_name(void **state)
{
    static const struct row rows[] = {
        {"desk@example.org", NULL},
        {"a@b", NULL},
        {"first.last+tag@sub.example.org", NULL},
        {"o'neil@example.org", NULL},
        {"Health desk <desk@example.org>", NULL},
        {"\"Desk, Health\" <desk@example.org>", NULL},
        {"<desk@example.org>", NULL},
        {"Ż\xc3\xb3łw <desk@example.org>", NULL},
        {"", "no mail address"},
        {"desk", "no mail address"},
        {"@example.org", "no mail address"},
        {"desk@", "no mail address"},
        {"desk@.org", "no mail address"},
        {"desk@example.org.", "no mail address"},
        {"a@b@c", "no mail address"},
        {"a b@example.org", "no mail address"},
        {"a@example.org, b@example.org", "entries of a list"},
        {"a@example.org;b@example.org", "entries of a list"},
        {"Desk <desk@example.org", "no mail address"},
        {"Desk <desk@example.org> x", "no mail address"},
        {"Desk <>", "no mail address"},
        {"<", "no mail address"},
        {"desk@example.org\nBcc: x@example.org", "control characters"},
        {" desk@example.org", "blanks around it"},
        {"desk\xff@example.org", "must be an address"},
    };
    (void)state;
    check_rows(check_address, rows, G_N_ELEMENTS(rows));
}

static void hosts_and_listening_addresses_are_told_apart(void **state)
{
    static const struct row hosts[] = {
        {"mail.example.org", NULL},
        {"127.0.0.1", NULL},
        {"::1", NULL},
        {"a_b-c", NULL},
        {"mail.example.org:25", "a host"},
        {"https://mail", "a host"},
        {"", "a host"},
        {"a b", "a host"},
        {"[::1]", "a host"},
    };
    static const struct row listening[] = {
        {"127.0.0.1:8000", NULL},   {"[::1]:8000", NULL},    {"localhost:0", NULL},     {"0.0.0.0:65535", NULL},
        {"8000", "127.0.0.1:8000"}, {":8000", "127.0.0.1"},  {"a:65536", "127.0.0.1"},  {"a:", "127.0.0.1"},
        {"[::1:8000", "127.0.0.1"}, {"[x]:80", "127.0.0.1"}, {"::1:8000", "127.0.0.1"}, {"a:8x", "127.0.0.1"},
        {"[]:80", "127.0.0.1"},
    };
    (void)state;
    check_rows(check_host, hosts, G_N_ELEMENTS(hosts));
    check_rows(check_listen, listening, G_N_ELEMENTS(listening));
}

static void a_mongo_uri_and_a_database_have_their_forms(void **state)
{
    static const struct row uris[] = {
        {"mongodb://127.0.0.1", NULL},      {"mongodb+srv://u:p@cluster.example/?tls=true", NULL},
        {"http://127.0.0.1", "mongodb://"}, {"127.0.0.1:27017", "mongodb://"},
        {"mongodb://h\n", "blanks"},
    };
    static const struct row databases[] = {
        {"micro_soc", NULL},
        {"a-b", NULL},
        {"a.b", "name of a database"},
        {"a b", "name of a database"},
        {"$a", "name of"},
        {"a\nb", "name of a"},
        {"a/b", "name of a database"},
        {"1234567890123456789012345678901234567890123456789012345678901234", "at most 63"},
    };
    (void)state;
    check_rows(check_mongo_uri, uris, G_N_ELEMENTS(uris));
    check_rows(check_mongo_database, databases, G_N_ELEMENTS(databases));
}

static void a_subject_has_known_words_in_braces(void **state)
{
    static const struct row rows[] = {
        {"Health of {customer}, {from} to {to}", NULL},
        {"no braces } at all", NULL},
        {"{custmer}", "{customer}, {from} and {to}"},
        {"a { b", "{customer}"},
        {"{to} {", "{customer}"},
        {"a\nBcc: x", "one line"},
        {"\xff", "UTF-8"},
    };
    (void)state;
    check_rows(check_subject, rows, G_N_ELEMENTS(rows));
}

static void a_certificate_comes_with_its_key(void **state)
{
#define CERTIFICATE "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n"
    static const struct row rows[] = {
        {CERTIFICATE "-----BEGIN PRIVATE KEY-----\nx\n", NULL},
        {"-----BEGIN RSA PRIVATE KEY-----\nx\n" CERTIFICATE, NULL},
        {"Bag Attributes\n" CERTIFICATE "-----BEGIN EC PRIVATE KEY-----\nx\n", NULL},
        {CERTIFICATE, "no private key"},
        {"-----BEGIN PRIVATE KEY-----\nx\n", "no certificate"},
        {CERTIFICATE "-----BEGIN ENCRYPTED PRIVATE KEY-----\nx\n", "openssl pkey"},
        {"-----BEGIN PUBLIC KEY-----", "openssl pkcs12"},
        {"", "no PEM text"},
    };
    (void)state;
    check_rows(check_certificate, rows, G_N_ELEMENTS(rows));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tenant_is_a_guid),
        cmocka_unit_test(a_client_id_is_a_guid),
        cmocka_unit_test(a_secret_is_taken_as_it_is_but_for_slips),
        cmocka_unit_test(a_customer_is_a_printable_name),
        cmocka_unit_test(a_time_zone_must_be_known),
        cmocka_unit_test(base_urls_are_brought_into_one_form),
        cmocka_unit_test(other_urls_are_refused),
        cmocka_unit_test(a_variable_has_a_name_that_shells_know),
        cmocka_unit_test(an_address_is_bare_or_has_a_name),
        cmocka_unit_test(hosts_and_listening_addresses_are_told_apart),
        cmocka_unit_test(a_mongo_uri_and_a_database_have_their_forms),
        cmocka_unit_test(a_subject_has_known_words_in_braces),
        cmocka_unit_test(a_certificate_comes_with_its_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
