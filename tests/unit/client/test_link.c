/* Links: which may be followed, and how a chain that goes in circles is noticed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glib.h>
#include <string.h>

#include "client/client.h"
#include "client/link.h"

static const char graph[] = "https://graph.microsoft.com";

/* The verdict on one link in a new chain; CLIENT_OK when it may be followed. */
static enum client_verdict judge(const char *base_url, const char *link)
{
    struct client_chain *chain = client_chain_new(base_url);
    struct client_failure *failure = client_chain_follow(chain, link);
    enum client_verdict verdict = failure ? failure->verdict : CLIENT_OK;

    if (failure) {
        assert_non_null(failure->code);
        assert_true(strlen(failure->message) > 20 && strlen(failure->message) <= 300);
    }
    client_failure_free(failure);
    client_chain_free(chain);
    return verdict;
}

struct row {
    const char *base_url, *link;
    enum client_verdict verdict;
};

static void check_rows(const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (judge(rows[i].base_url, rows[i].link) != rows[i].verdict)
            fail_msg("%s: %d", rows[i].link, (int)judge(rows[i].base_url, rows[i].link));
}

static void a_link_to_another_host_port_or_scheme_is_a_security_failure_q6(void **state)
{
    static const struct row rows[] = {
        {graph, "https://evil.test/v1.0/users", CLIENT_SECURITY},
        {graph, "https://graph.microsoft.com.evil.test/v1.0/users", CLIENT_SECURITY},
        {graph, "https://graph.microsoft.co/v1.0/users", CLIENT_SECURITY},
        {graph, "https://graph.microsoft.com./v1.0/users", CLIENT_SECURITY},
        {graph, "https://graph.microsoft.us/v1.0/users", CLIENT_SECURITY},
        {graph, "https://graph.microsoft.com:8443/v1.0/users", CLIENT_SECURITY},
        {graph, "https://graph.microsoft.com:80/v1.0/users", CLIENT_SECURITY},
        {graph, "https://graph.microsoft.com:443x/v1.0/users", CLIENT_SECURITY},
        {graph, "https://graph.microsoft.com:065979/v1.0/users", CLIENT_SECURITY}, /* 443 modulo 65536 */
        {graph, "http://graph.microsoft.com/v1.0/users", CLIENT_SECURITY},
        {graph, "http://graph.microsoft.com:443/v1.0/users", CLIENT_SECURITY},
        {graph, "ftp://graph.microsoft.com/v1.0/users", CLIENT_SECURITY},
        {graph, "file:///etc/passwd", CLIENT_SECURITY},
        {graph, "//evil.test/v1.0/users", CLIENT_SECURITY},
        {graph, "https:///v1.0/users", CLIENT_SECURITY},
        {graph, "https://%67raph.microsoft.com/v1.0/users", CLIENT_SECURITY},
        {graph, "https://[graph.microsoft.com/v1.0/users", CLIENT_SECURITY},
        {"http://127.0.0.1:8080", "http://127.0.0.1:8081/v1.0/users", CLIENT_SECURITY},
        {"http://127.0.0.1:8080", "http://127.0.0.1/v1.0/users", CLIENT_SECURITY},
        {"https://[::1]:8443", "https://[::1]x:8443/v1.0/users", CLIENT_SECURITY},
        {"http://graph.example.test", "http://graph.example.test/v1.0/users",
         CLIENT_SECURITY}, /* a token in the clear */
        {"http://127.evil.test", "http://127.evil.test/v1.0/users", CLIENT_SECURITY},
        {"graph.microsoft.com", "https://graph.microsoft.com/v1.0/users", CLIENT_SECURITY},
    };

    (void)state;
    check_rows(rows, G_N_ELEMENTS(rows));
}

static void host_case_and_an_explicit_default_port_do_not_matter_q7(void **state)
{
    static const struct row rows[] = {
        {graph, "https://graph.microsoft.com/v1.0/users", CLIENT_OK},
        {graph, "https://GRAPH.Microsoft.com/v1.0/users", CLIENT_OK},
        {graph, "HTTPS://graph.microsoft.com/v1.0/users", CLIENT_OK},
        {graph, "https://graph.microsoft.com:443/v1.0/users", CLIENT_OK},
        {"https://graph.microsoft.com:443/", "https://graph.microsoft.com/v1.0/users", CLIENT_OK},
        {graph, "https://graph.microsoft.com?a=b", CLIENT_OK},
        {"http://127.0.0.1:8080", "http://127.0.0.1:8080/v1.0/users", CLIENT_OK},
        {"http://localhost", "http://LOCALHOST:80/v1.0/users", CLIENT_OK},
        {"http://[::1]:8080", "http://[::1]:8080/v1.0/users", CLIENT_OK},
    };

    (void)state;
    check_rows(rows, G_N_ELEMENTS(rows));
}

static void userinfo_backslashes_blanks_and_control_characters_are_refused_q8(void **state)
{
    static const struct row rows[] = {
        {graph, "https://graph.microsoft.com@evil.test/", CLIENT_SECURITY},
        {graph, "https://evil.test@graph.microsoft.com/", CLIENT_SECURITY},
        {graph, "https://user:pass@graph.microsoft.com/", CLIENT_SECURITY},
        {graph, "https://graph.microsoft.com\\@evil.test/", CLIENT_SECURITY},
        {graph, "https:\\\\graph.microsoft.com/", CLIENT_SECURITY},
        {graph, "https://graph.microsoft.com/v1.0/users?$filter=a eq 1", CLIENT_SECURITY},
        {graph, " https://graph.microsoft.com/v1.0/users", CLIENT_SECURITY},
        {graph, "https://graph.microsoft.com/\tusers", CLIENT_SECURITY},
        {graph, "https://graph.microsoft.com/users\r\nHost: evil.test", CLIENT_SECURITY},
        {graph, "https://graph.microsoft.com/users\x7f", CLIENT_SECURITY},
        {graph, "https://graph.microsoft.com/users\x01", CLIENT_SECURITY},
    };

    (void)state;
    check_rows(rows, G_N_ELEMENTS(rows));
    assert_int_equal(judge(graph, "https://graph.microsoft.com/v1.0/users?$filter=mail%20eq%20'a@b.test'"), CLIENT_OK);
}

static void a_link_seen_before_in_the_chain_ends_it_q10(void **state)
{
    struct client_chain *chain = client_chain_new(graph);
    struct client_failure *failure;

    (void)state;
    assert_null(client_chain_follow(chain, "https://graph.microsoft.com/v1.0/a?$skiptoken=A"));
    assert_null(client_chain_follow(chain, "https://graph.microsoft.com/v1.0/a?$skiptoken=B"));
    failure = client_chain_follow(chain, "https://graph.microsoft.com/v1.0/a?$skiptoken=A");
    assert_non_null(failure);
    assert_int_equal(failure->verdict, CLIENT_LINK);
    assert_string_equal(failure->code, "link_loop");
    client_failure_free(failure);
    failure = client_chain_follow(chain, "https://graph.microsoft.com/v1.0/a?$skiptoken=B");
    assert_non_null(failure);
    client_failure_free(failure);
    assert_null(client_chain_follow(chain, "https://graph.microsoft.com/v1.0/a?$skiptoken=C"));
    client_chain_free(chain);
}

static void an_empty_skip_token_or_a_skip_of_nothing_is_a_broken_link_q11(void **state)
{
    static const struct row rows[] = {
        {graph, "https://graph.microsoft.com/v1.0/a?$skiptoken=", CLIENT_LINK},
        {graph, "https://graph.microsoft.com/v1.0/a?$top=5&$skiptoken=&x=1", CLIENT_LINK},
        {graph, "https://graph.microsoft.com/v1.0/a?%24skipToken=", CLIENT_LINK},
        {graph, "https://graph.microsoft.com/v1.0/a?$skiptoken", CLIENT_LINK},
        {graph, "https://graph.microsoft.com/v1.0/a?$skip=0", CLIENT_LINK},
        {graph, "https://graph.microsoft.com/v1.0/a?%24skip=0&$top=5", CLIENT_LINK},
        {graph, "https://graph.microsoft.com/v1.0/a?$skip=100", CLIENT_OK},
        {graph, "https://graph.microsoft.com/v1.0/a?$skiptoken=0", CLIENT_OK},
        {graph, "https://graph.microsoft.com/v1.0/a?x=$skiptoken=", CLIENT_OK},
        {graph, "https://graph.microsoft.com/v1.0/a?myskip=0", CLIENT_OK},
    };

    (void)state;
    check_rows(rows, G_N_ELEMENTS(rows));
}

static void a_link_may_be_longer_than_8_kilobytes_q12(void **state)
{
    g_autoptr(GString) link = g_string_new("https://graph.microsoft.com/v1.0/users/delta?$skiptoken=");

    (void)state;
    for (int i = 0; i < 20000; i++)
        g_string_append_c(link, (char)('a' + i % 26));
    assert_int_equal(judge(graph, link->str), CLIENT_OK);
    g_string_replace(link, "graph.microsoft.com", "evil.test", 1);
    assert_int_equal(judge(graph, link->str), CLIENT_SECURITY);
}

static void escapes_and_odd_queries_are_left_as_they_are_q13(void **state)
{
    static const struct row rows[] = {
        {graph, "https://graph.microsoft.com/v1.0/auditLogs/signins?&$skiptoken=a%2bb%3D%3d'x'", CLIENT_OK},
        {graph, "https://graph.microsoft.com/v1.0/users('x')/a?$skiptoken=A=B", CLIENT_OK},
        {graph, "https://graph.microsoft.com/v1.0/users?$skiptoken=\xc3\xa9", CLIENT_OK},
    };
    struct client_chain *chain = client_chain_new(graph);

    (void)state;
    check_rows(rows, G_N_ELEMENTS(rows));
    /* Two spellings are two links: nothing is decoded to compare them. */
    assert_null(client_chain_follow(chain, "https://graph.microsoft.com/a?t=%2b"));
    assert_null(client_chain_follow(chain, "https://graph.microsoft.com/a?t=%2B"));
    client_chain_free(chain);
}

static void a_relative_link_is_refused_clearly_q14(void **state)
{
    static const struct row rows[] = {
        {graph, "/v1.0/users?$skiptoken=a", CLIENT_LINK},
        {graph, "users?$skiptoken=a", CLIENT_LINK},
        {graph, "", CLIENT_LINK},
        {graph, "https://graph.microsoft.com/v1.0/users#part", CLIENT_LINK},
    };

    (void)state;
    check_rows(rows, G_N_ELEMENTS(rows));
}

static void a_chain_ends_at_its_page_cap_with_a_clear_message_q20(void **state)
{
    struct client_chain *chain = client_chain_new(graph);
    struct client_failure *failure = NULL;
    int pages = 0;

    (void)state;
    for (; !failure && pages < 200000; pages++) {
        char link[80];
        g_snprintf(link, sizeof link, "https://graph.microsoft.com/v1.0/a?$skiptoken=%d", pages + 1);
        failure = client_chain_follow(chain, link);
    }
    assert_int_equal(pages, LINK_PAGES_MAX + 1);
    assert_int_equal(failure->verdict, CLIENT_LINK);
    assert_non_null(strstr(failure->message, "100,000"));
    client_failure_free(failure);
    client_chain_free(chain);
}

static void failures_are_copied_whole_and_freeing_nothing_is_fine(void **state)
{
    struct client_chain *chain = client_chain_new(graph);
    struct client_failure *failure = client_chain_follow(chain, "https://evil.test/secret?token=abc");
    struct client_failure *copy = client_failure_copy(failure);

    (void)state;
    assert_string_equal(copy->message, failure->message);
    assert_string_equal(copy->hint, failure->hint);
    assert_null(strstr(copy->message, "token=abc")); /* no query in messages */
    client_failure_free(copy);
    client_failure_free(failure);
    client_chain_free(chain);
    assert_null(client_failure_copy(NULL));
    client_failure_free(NULL);
    client_chain_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_link_to_another_host_port_or_scheme_is_a_security_failure_q6),
        cmocka_unit_test(host_case_and_an_explicit_default_port_do_not_matter_q7),
        cmocka_unit_test(userinfo_backslashes_blanks_and_control_characters_are_refused_q8),
        cmocka_unit_test(a_link_seen_before_in_the_chain_ends_it_q10),
        cmocka_unit_test(an_empty_skip_token_or_a_skip_of_nothing_is_a_broken_link_q11),
        cmocka_unit_test(a_link_may_be_longer_than_8_kilobytes_q12),
        cmocka_unit_test(escapes_and_odd_queries_are_left_as_they_are_q13),
        cmocka_unit_test(a_relative_link_is_refused_clearly_q14),
        cmocka_unit_test(a_chain_ends_at_its_page_cap_with_a_clear_message_q20),
        cmocka_unit_test(failures_are_copied_whole_and_freeing_nothing_is_fine),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
