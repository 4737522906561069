/* Which proxy the environment names, told and taken: each row is checked against what libcurl does with the same
 * environment, by asking it where it would connect to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <curl/curl.h>
#include <glib.h>
#include <string.h>

#include "client/client.h"
#include "client/proxy.h"

static const char *const variables[] = {"http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY",  "all_proxy",
                                        "ALL_PROXY",  "no_proxy",   "NO_PROXY",    "SSL_CERT_FILE"};

static int clear_environment(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(variables); i++)
        g_unsetenv(variables[i]);
    return 0;
}

/* "https_proxy=http://..." and more, divided by ';'. */
static void set_environment(const char *settings)
{
    g_auto(GStrv) parts = g_strsplit(settings, ";", -1);

    clear_environment(NULL);
    for (int i = 0; parts[i]; i++) {
        char *value = strchr(parts[i], '=');
        assert_non_null(value);
        *value = '\0';
        assert_true(g_setenv(parts[i], value + 1, TRUE));
    }
}

/* --- what libcurl does -------------------------------------------------------------------------------------------- */

enum { PROXY_PORT = 3128, HOST_PORT = 8443 };

/* Notes the port that libcurl wants to connect to, and keeps it from doing so. */
static curl_socket_t on_open(void *user, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct sockaddr_storage where;

    (void)purpose;
    memcpy(&where, &address->addr, MIN(sizeof where, (size_t)address->addrlen));
    *(int *)user = where.ss_family == AF_INET6 ? ntohs(((struct sockaddr_in6 *)&where)->sin6_port)
                                               : ntohs(((struct sockaddr_in *)&where)->sin_port);
    return CURL_SOCKET_BAD;
}

static bool libcurl_takes_the_proxy(const char *url)
{
    static const char *const names[] = {"graph.test:8443", "graph.test.:8443", "xgraph.test:8443", "proxy.test:3128"};
    struct curl_slist *resolved = NULL;
    CURL *easy = curl_easy_init();
    int port = 0;

    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *line = g_strconcat(names[i], ":127.0.0.1", NULL);
        resolved = curl_slist_append(resolved, line);
    }
    assert_int_equal(curl_easy_setopt(easy, CURLOPT_URL, url), CURLE_OK);
    assert_int_equal(curl_easy_setopt(easy, CURLOPT_RESOLVE, resolved), CURLE_OK);
    assert_int_equal(curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open), CURLE_OK);
    assert_int_equal(curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, &port), CURLE_OK);
    assert_int_not_equal(curl_easy_perform(easy), CURLE_OK);
    curl_easy_cleanup(easy);
    curl_slist_free_all(resolved);
    assert_true(port == PROXY_PORT || port == HOST_PORT);
    return port == PROXY_PORT;
}

/* --- tests -------------------------------------------------------------------------------------------------------- */

static const char host[] = "https://graph.test:8443/v1.0/users";

#define ONE "https_proxy=http://proxy.test:3128"
static const struct {
    const char *environment, *url, *proxy; /* NULL: none */
} rows[] = {
    {"http_proxy=http://proxy.test:3128", host, NULL},
    {"HTTP_PROXY=http://proxy.test:3128", host, NULL},
    {"no_proxy=*", host, NULL},
    {ONE, host, "http://proxy.test:3128"},
    {"HTTPS_PROXY=http://proxy.test:3128", host, "http://proxy.test:3128"},
    {"all_proxy=proxy.test:3128", host, "proxy.test:3128"},
    {"ALL_PROXY=socks5h://proxy.test:3128", host, "socks5h://proxy.test:3128"},
    {"https_proxy=http://proxy.test:3128/;all_proxy=http://other.test:1", host, "http://proxy.test:3128"},
    {"https_proxy=;HTTPS_PROXY=http://proxy.test:3128", host, "http://proxy.test:3128"},
    {"https_proxy=http://127.0.0.1:3128;HTTPS_PROXY=http://other.test:1", host, "http://127.0.0.1:3128"},
    {"https_proxy=http://[::1]:3128", host, "http://[::1]:3128"},
    {"https_proxy=", host, NULL},
    /* credentials */
    {"https_proxy=http://user:word@proxy.test:3128", host, "http://proxy.test:3128"},
    {"https_proxy=http://user@proxy.test:3128/path?query", host, "http://proxy.test:3128"},
    {"https_proxy=user:wo%40rd@proxy.test:3128", host, "proxy.test:3128"},
    /* exceptions: names */
    {ONE ";no_proxy=*", host, NULL},
    {ONE ";no_proxy=graph.test", host, NULL},
    {ONE ";no_proxy=GRAPH.test", host, NULL},
    {ONE ";no_proxy=.graph.test", host, NULL},
    {ONE ";no_proxy=graph.test.", host, NULL},
    {ONE ";no_proxy=test", host, NULL},
    {ONE ";no_proxy=.test", host, NULL},
    {ONE ";no_proxy=a.test, graph.test ,b.test", host, NULL},
    {ONE ";no_proxy=a.test graph.test", host, NULL},
    {ONE ";no_proxy=,,graph.test", host, NULL},
    {ONE ";NO_PROXY=graph.test", host, NULL},
    {ONE ";no_proxy=;NO_PROXY=graph.test", host, NULL},
    {ONE ";no_proxy=a.test;NO_PROXY=graph.test", host, "http://proxy.test:3128"},
    {ONE ";no_proxy=graph.tes", host, "http://proxy.test:3128"},
    {ONE ";no_proxy=raph.test", host, "http://proxy.test:3128"},
    {ONE ";no_proxy=a.graph.test", host, "http://proxy.test:3128"},
    {ONE ";no_proxy=graph.test:8443", host, "http://proxy.test:3128"},
    {ONE ";no_proxy=*.test", host, "http://proxy.test:3128"},
    {ONE ";no_proxy=.", host, "http://proxy.test:3128"},
    {ONE ";no_proxy=graph.test", "https://xgraph.test:8443/", "http://proxy.test:3128"},
    {ONE ";no_proxy=graph.test", "https://graph.test.:8443/", NULL},
    {ONE ";no_proxy=graph.test", "https://GRAPH.test:8443/", NULL},
    /* exceptions: addresses */
    {ONE ";no_proxy=127.0.0.9", "https://127.0.0.9:8443/", NULL},
    {ONE ";no_proxy=127.0.0.0/8", "https://127.0.0.9:8443/", NULL},
    {ONE ";no_proxy=a.test,127.0.0.8/31", "https://127.0.0.9:8443/", NULL},
    {ONE ";no_proxy=127.0.0.8/32", "https://127.0.0.9:8443/", "http://proxy.test:3128"},
    {ONE ";no_proxy=127.0.0", "https://127.0.0.9:8443/", "http://proxy.test:3128"},
    {ONE ";no_proxy=0.0.9", "https://127.0.0.9:8443/", "http://proxy.test:3128"},
    {ONE ";no_proxy=127.0.0.9/33", "https://127.0.0.9:8443/", "http://proxy.test:3128"},
    {ONE ";no_proxy=127.0.0.8/0", "https://127.0.0.9:8443/", "http://proxy.test:3128"},
    {ONE ";no_proxy=127.0.0.9/0", "https://127.0.0.9:8443/", NULL},
    {ONE ";no_proxy=127.0.0.9/x", "https://127.0.0.9:8443/", NULL},
    {ONE ";no_proxy=::1", "https://[::1]:8443/", NULL},
    {ONE ";no_proxy=::2", "https://[::1]:8443/", "http://proxy.test:3128"},
};

static void the_proxy_that_is_told_is_the_one_that_libcurl_takes(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        set_environment(rows[i].environment);
        g_autofree char *proxy = client_proxy(rows[i].url);
        bool taken = libcurl_takes_the_proxy(rows[i].url);
        if (g_strcmp0(proxy, rows[i].proxy) != 0 || taken != (proxy != NULL))
            fail_msg("%s, %s: told %s, libcurl takes %s", rows[i].environment, rows[i].url, proxy ? proxy : "none",
                     taken ? "one" : "none");
    }
}

static void what_is_plain_or_no_url_goes_through_no_proxy(void **state)
{
    static const char *const urls[] = {"http://127.0.0.1:8080/", "http://localhost/", "nonsense", ""};

    (void)state;
    set_environment("http_proxy=http://proxy.test:3128;all_proxy=http://proxy.test:3128");
    for (size_t i = 0; i < G_N_ELEMENTS(urls); i++)
        assert_null(client_proxy(urls[i]));
}

/* Each holds the password w0rd, and none can be used as it is. */
static const char *const unusable[] = {
    "http://user:pa55/w0rd@127.0.0.1:1",
    "http://user:pa55#w0rd@127.0.0.1:1",
    "http://user:pa55?w0rd@127.0.0.1:1",
    "http://user:pa55@w0rd@127.0.0.1:1",
    "http://user:pa55 w0rd@127.0.0.1:1",
    "http://user:pa55\tw0rd@127.0.0.1:1",
    "http://user:1234/w0rd@127.0.0.1:1", /* libcurl asks the host "user" */
    "http://user:1234#w0rd@127.0.0.1:1",
    "http://user/w0rd@127.0.0.1:1",
    "http://user:w0rd%01@127.0.0.1:1", /* libcurl sends directly */
    "http://user:w0rd",
    "http://user:w0rd@",
    "http://user:w0rd@:1",
    "http://user:w0rd@127.0.0.1:99999",
    "http://user:w0rd@127.0.0.1:100000000000000000000",
    "http://user:w0rd@127.0.0.1:0",
    "http://user:w0rd@127.0.0.1:1x",
    "http://user:w0rd@127.0.0.1:-1",
    "http://user:w0rd@[::1:1",
    "http://user:w0rd@[]:1",
    "http://user:w0rd@[::1]1",
    "http://user:w0rd@::1",
    "http://user:w0rd@a{b}:1",
    "htp://user:w0rd@127.0.0.1:1",
    "socks9://user:w0rd@127.0.0.1:1",
    "http:/user:w0rd@127.0.0.1:1",
    "://user:w0rd@127.0.0.1:1",
    "w0rd://x@127.0.0.1:1",
    "user:pa://w0rd@127.0.0.1:1",
    "user:pa55/w0rd@127.0.0.1:1",
    " http://user:w0rd@127.0.0.1:1",
    "http://user:w0rd@127.0.0.1:1 ",
    "w0rd:w0rd:w0rd",
};
static const char *const proxy_variables[] = {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};

static void a_proxy_that_cannot_be_used_is_told_by_its_variable_alone(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(unusable); i++) {
        for (size_t j = 0; j < G_N_ELEMENTS(proxy_variables); j++) {
            const char *variable = proxy_variables[j];
            clear_environment(NULL);
            assert_true(g_setenv(variable, unusable[i], TRUE));
            g_autofree char *complaint = proxy_complaint(host), *told = client_proxy(host);
            g_autofree char *wanted = g_strconcat(variable,
                                                  " is no proxy that can be used: write http://HOST:PORT or "
                                                  "http://USER:PASSWORD@HOST:PORT; a password's special characters are "
                                                  "percent-encoded.",
                                                  NULL);
            if (g_strcmp0(complaint, wanted) != 0)
                fail_msg("%s: %s", unusable[i], complaint ? complaint : "taken");
            g_autofree char *name = g_strdup_printf("that %s names", variable);
            assert_string_equal(told, name);
        }
    }
}

static void a_proxy_that_is_not_asked_is_not_complained_of(void **state)
{
    (void)state;
    clear_environment(NULL);
    assert_null(proxy_complaint(host));
    set_environment("https_proxy=htp://x;no_proxy=graph.test");
    assert_null(proxy_complaint(host));
    set_environment("https_proxy=htp://x;all_proxy=htp://x");
    assert_null(proxy_complaint("http://127.0.0.1:8080/"));
    set_environment("http_proxy=htp://x");
    assert_null(proxy_complaint(host));
    set_environment("https_proxy=http://proxy.test:3128;HTTPS_PROXY=htp://x");
    assert_null(proxy_complaint(host));
}

static void a_proxy_that_can_be_used_is_told_without_its_password(void **state)
{
    static const struct {
        const char *value, *told;
    } usable[] = {
        {"http://user:w0rd@proxy.test:3128", "http://proxy.test:3128"},
        {"user:w0rd@proxy.test:3128", "proxy.test:3128"},
        {"w0rd@proxy.test", "proxy.test"},
        {"http://user:w0rd@proxy.test/", "http://proxy.test"},
        {"http://user:w0rd@proxy.test:", "http://proxy.test:"},
        {"http://user:w0rd%2F%40%23%3F%20@proxy.test:3128", "http://proxy.test:3128"},
        {"http://user:w0:rd$!*@proxy.test:3128", "http://proxy.test:3128"},
        {"SOCKS5H://user:w0rd@proxy_1.test:65535", "SOCKS5H://proxy_1.test:65535"},
        {"https://user:w0rd@[::1]:3128", "https://[::1]:3128"},
        {"https://user:w0rd@[fe80::1%25eth0]", "https://[fe80::1%25eth0]"},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(usable); i++) {
        assert_true(g_setenv("https_proxy", usable[i].value, TRUE));
        g_autofree char *complaint = proxy_complaint(host), *told = client_proxy(host);
        if (complaint)
            fail_msg("%s: %s", usable[i].value, complaint);
        assert_string_equal(told, usable[i].told);
    }
}

static void no_words_repeat_what_a_proxy_variable_holds(void **state)
{
    static const char *const names[] = {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "http_proxy"};

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(unusable); i++) {
        for (size_t j = 0; j < G_N_ELEMENTS(names); j++) {
            clear_environment(NULL);
            assert_true(g_setenv(names[j], unusable[i], TRUE));
            g_autofree char *words = g_strdup_printf("Unsupported proxy syntax in '%s'", unusable[i]);
            proxy_redact(&words);
            assert_string_equal(words, "Unsupported proxy syntax in '(secret)'");
        }
    }
}

static void a_password_alone_is_not_repeated_and_a_host_is(void **state)
{
    g_autofree char *words = g_strdup("sent user:w0rd%2F1, w0rd/1 to proxy");

    (void)state;
    set_environment("https_proxy=http://user:w0rd%2F1@proxy;all_proxy=proxy");
    proxy_redact(&words);
    assert_string_equal(words, "sent (secret), (secret) to proxy");
}

static void the_file_of_trusted_certificates_is_the_environments(void **state)
{
    (void)state;
    assert_null(client_ca_file());
    set_environment("SSL_CERT_FILE=");
    assert_null(client_ca_file());
    set_environment("SSL_CERT_FILE=/etc/ssl/own.pem");
    assert_string_equal(client_ca_file(), "/etc/ssl/own.pem");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_proxy_that_is_told_is_the_one_that_libcurl_takes, clear_environment),
        cmocka_unit_test_setup(what_is_plain_or_no_url_goes_through_no_proxy, clear_environment),
        cmocka_unit_test_setup(a_proxy_that_cannot_be_used_is_told_by_its_variable_alone, clear_environment),
        cmocka_unit_test_setup(a_proxy_that_is_not_asked_is_not_complained_of, clear_environment),
        cmocka_unit_test_setup(a_proxy_that_can_be_used_is_told_without_its_password, clear_environment),
        cmocka_unit_test_setup(no_words_repeat_what_a_proxy_variable_holds, clear_environment),
        cmocka_unit_test_setup(a_password_alone_is_not_repeated_and_a_host_is, clear_environment),
        cmocka_unit_test_setup(the_file_of_trusted_certificates_is_the_environments, clear_environment),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
