/* Error bodies of every shape, what is kept of them, and the hints. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glib.h>
#include <string.h>

#include "client/failure.h"

struct row {
    const char *body, *code, *message, *request_id;
};

static void check_rows(const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct service_error error;
        service_error_parse(&error, rows[i].body, strlen(rows[i].body));
        if (g_strcmp0(error.code, rows[i].code) != 0 || g_strcmp0(error.message, rows[i].message) != 0 ||
            g_strcmp0(error.request_id, rows[i].request_id) != 0)
            fail_msg("%s gave code %s, message %s, id %s", rows[i].body, error.code, error.message, error.request_id);
        service_error_clear(&error);
    }
}

static void graph_errors_are_read_to_the_deepest_known_code_q114(void **state)
{
    static const struct row rows[] = {
        {"{\"error\":{\"code\":\"InvalidAuthenticationToken\",\"message\":\"Expired.\",\"innerError\":{\"date\":\"2026-"
         "11-20T07:01:02\","
         "\"request-id\":\"r-1\",\"client-request-id\":\"c-1\"}}}",
         "InvalidAuthenticationToken", "Expired.", "r-1"},
        {"{\"error\":{\"code\":\"activityLimitReached\",\"message\":\"Slow.\",\"innererror\":{\"code\":"
         "\"throttledRequest\","
         "\"innererror\":{\"code\":\"quota\"}}}}",
         "throttledRequest", "Slow.", NULL},
        {"{\"error\":{\"code\":\"\",\"message\":\"Invalid Skip Token\",\"innerError\":{\"code\":\"oddity\"}}}",
         "oddity", "Invalid Skip Token", NULL},
        {"{\"error\":{\"code\":\"\",\"message\":\"\"}}", NULL, NULL, NULL},
        {"{\"error\":{\"code\":\"UnknownError\",\"message\":\"\",\"innerError\":{\"message\":\"inside\",\"request-id\":"
         "\"r-2\"}}}",
         "UnknownError", "inside", "r-2"},
        {"{\"error\":{\"code\":\"UnknownError\",\"message\":\"{\\\"Code\\\":\\\"TooManyRequests\\\",\\\"Message\\\":"
         "\\\"Wait.\\\"}\"}}",
         "TooManyRequests", "Wait.", NULL},
        {"{\"error\":{\"code\":\"Forbidden\",\"message\":\"{\\\"Code\\\":\\\"odd\\\",\\\"Message\\\":\\\"No.\\\"}\"}}",
         "Forbidden", "No.", NULL},
        {"{\"error\":{\"code\":\"x\",\"message\":\"{not json\"}}", "x", "{not json", NULL},
        {"{\"error\":{\"code\":\"BadRequest\",\"message\":\"line one\\r\\n  line\\ttwo\\u0007\\u001b[31m\\u202e!\"}}",
         "BadRequest", "line one line two[31m!", NULL},
        {"{\"error\":{\"code\":{\"no\":\"string\"},\"message\":[1]}}", NULL, NULL, NULL},
        {"\xef\xbb\xbf{\"error\":{\"code\":\"x\",\"message\":\"after a mark\"}}", "x", "after a mark", NULL},
    };

    (void)state;
    check_rows(rows, G_N_ELEMENTS(rows));
}

static void other_services_errors_are_read_too_q113(void **state)
{
    static const struct row rows[] = {
        {"{\"Message\":\"Authorization has been denied for this request.\"}", NULL,
         "Authorization has been denied for this request.", NULL},
        {"{\"odata.error\":{\"code\":\"Request_BadRequest\",\"message\":{\"lang\":\"en\",\"value\":\"Bad filter.\"}}}",
         "Request_BadRequest", "Bad filter.", NULL},
        {"{\"error\":{\"code\":\"AF429\",\"message\":\"Too many requests. Method=GetBlob\"}}", "AF429",
         "Too many requests. Method=GetBlob", NULL},
        {"{\"Code\":\"odd\",\"Message\":\"Capitals.\"}", "odd", "Capitals.", NULL},
        {"{}", NULL, NULL, NULL},
        {"", NULL, NULL, NULL},
        {"   \r\n", NULL, NULL, NULL},
        {"[]", NULL, "[]", NULL},
        {"{'error':'single quotes'}", NULL, "{'error':'single quotes'}", NULL},
        {"Bad gateway\r\n", NULL, "Bad gateway", NULL},
        {"<html><head><TITLE> 502\n Bad  Gateway </TITLE></head><body>x</body></html>", NULL,
         "a web page titled \"502 Bad Gateway\" instead of JSON", NULL},
        {"<!DOCTYPE html><p>sign in to the airport's network", NULL, "a web page instead of JSON", NULL},
        {"{\"error\":{\"code\":\"cut", NULL, "{\"error\":{\"code\":\"cut", NULL},
    };

    (void)state;
    check_rows(rows, G_N_ELEMENTS(rows));
}

static void token_errors_give_their_number_and_first_line(void **state)
{
    static const struct row rows[] = {
        {"{\"error\":\"invalid_client\",\"error_description\":\"AADSTS7000215: Invalid client secret "
         "provided.\\r\\nTrace ID: "
         "t-1\\r\\nTimestamp: x\",\"error_codes\":[7000215],\"timestamp\":\"2026-11-20 "
         "07:01:02Z\",\"trace_id\":\"t-1\","
         "\"correlation_id\":\"c-1\"}",
         "AADSTS7000215", "AADSTS7000215: Invalid client secret provided.", "t-1"},
        {"{\"error\":\"invalid_client\",\"error_description\":\"AADSTS7000222: expired\"}", "AADSTS7000222",
         "AADSTS7000222: expired", NULL},
        {"{\"error\":\"temporarily_unavailable\"}", "temporarily_unavailable", NULL, NULL},
        {"{\"error\":\"x\",\"error_codes\":[\"7\"]}", "x", NULL, NULL},
        {"{\"error\":\"x\",\"error_codes\":{},\"error_description\":\"no number\"}", "x", "no number", NULL},
    };
    struct service_error error;

    (void)state;
    check_rows(rows, G_N_ELEMENTS(rows));
    service_error_parse(&error, rows[0].body, strlen(rows[0].body));
    assert_string_equal(error.oauth, "invalid_client");
    service_error_clear(&error);
}

static void a_code_that_is_a_dump_is_cut_and_serves_as_message_q112(void **state)
{
    static const char body[] =
        "{\"error\":{\"code\":\"Microsoft.Office.Compliance.Audit.DataServiceException: Tenant "
        "00000000-1111-2222-3333-444444444444 does not exist.\\r\\n   at Microsoft.Office.Compliance.Audit.API."
        "StartController.Post(...) in a file somewhere\",\"message\":\"\"}}";
    struct service_error error;

    (void)state;
    service_error_parse(&error, body, strlen(body));
    assert_true(strlen(error.code) <= FAILURE_CODE_BYTES);
    assert_non_null(strstr(error.message, "Tenant 00000000-1111-2222-3333-444444444444 does not exist."));
    service_error_clear(&error);
}

static void deep_nesting_and_long_bodies_do_no_harm(void **state)
{
    g_autoptr(GString) body = g_string_new("{\"error\":{\"code\":\"outer\"");
    struct service_error error;

    (void)state;
    for (int i = 0; i < 100; i++)
        g_string_append(body, ",\"innerError\":{\"code\":\"accessDenied\"");
    for (int i = 0; i < 102; i++)
        g_string_append_c(body, '}');
    service_error_parse(&error, body->str, body->len);
    assert_string_equal(error.code, "accessDenied");
    service_error_clear(&error);

    g_string_truncate(body, 0);
    for (int i = 0; i < 100000; i++)
        g_string_append(body, "\xc3\xa9 \xff");
    service_error_parse(&error, body->str, body->len);
    assert_true(strlen(error.message) <= FAILURE_MESSAGE_BYTES);
    assert_true(g_utf8_validate(error.message, -1, NULL));
    service_error_clear(&error);
}

static void lines_are_cut_between_characters_at_their_limit(void **state)
{
    static const struct {
        const char *text;
        size_t most;
        const char *line;
    } rows[] = {
        {"abc", 10, "abc"},
        {"  a  b  ", 10, "a b"},
        {"abcdefghijkl", 10, "abcdefg..."},
        {"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9", 10, "\xc3\xa9\xc3\xa9\xc3\xa9..."},
        {"a\x01\x1b\x7f\xc2\x85"
         "b\xe2\x80\xae"
         "c\xe2\x80\x8b",
         10, "abc"},
        {"", 10, ""},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *line = failure_clean(rows[i].text, strlen(rows[i].text), rows[i].most);
        assert_string_equal(line, rows[i].line);
    }
}

static void a_secret_that_comes_back_is_taken_out_plain_or_encoded(void **state)
{
    char *text = g_strdup("you sent client_secret=p~ss%2Bword, that is p~ss+word (p~ss+word)");
    char *same = g_strdup("a short abc stays");
    char *none = NULL;

    (void)state;
    failure_redact(&text, "p~ss+word");
    assert_null(strstr(text, "ss+word"));
    assert_null(strstr(text, "ss%2Bword"));
    assert_non_null(strstr(text, "(secret) ((secret))"));
    failure_redact(&same, "abc");
    failure_redact(&same, NULL);
    failure_redact(&none, "p~ss+word");
    assert_string_equal(same, "a short abc stays");
    g_free(text);
    g_free(same);
}

/* Who echoes a form may encode it as it likes. */
static void a_secret_is_found_however_it_is_percent_encoded(void **state)
{
    static const char secret[] = "Q8~a+b/c %z";
    static const struct {
        const char *text, *redacted;
    } rows[] = {
        {"x Q8%7Ea%2Bb%2Fc%20%25z y", "x (secret) y"},
        {"x Q8%7ea%2bb%2fc%20%25z y", "x (secret) y"},
        {"client_secret=Q8%7Ea%2Bb%2Fc+%25z&scope=%7E", "client_secret=(secret)&scope=%7E"},
        {"Q8~a+b%2fc+%z", "(secret)"},
        {"%51%38%7E%61%2B%62%2F%63%20%25%7A", "(secret)"},
        {"Q8%257Ea%252Bb%252fc%2520%2525z!", "(secret)!"},
        {"Q8%25257ea+b/c %z", "(secret)"},
        {"Q8~a+b/c %zQ8%7Ea+b/c+%z", "(secret)(secret)"},
        {"Q8Q8%7Ea+b/c %z", "Q8(secret)"},
        {"q8%7Ea%2Bb%2Fc%20%25z", "q8%7Ea%2Bb%2Fc%20%25z"},
        {"Q8%7Ea%2Bb%2Fc%20%25", "Q8%7Ea%2Bb%2Fc%20%25"},
        {"Q8%7Fa%2Bb%2Fc%20%25z 100% %2 %zz %", "Q8%7Fa%2Bb%2Fc%20%25z 100% %2 %zz %"},
        {"", ""},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        char *text = g_strdup(rows[i].text);
        failure_redact(&text, secret);
        assert_string_equal(text, rows[i].redacted);
        g_free(text);
    }
    char *text = g_strdup("a%25%41~ or a%2525%2541%7E or a%252525%252541~");
    failure_redact(&text, "a%25%41~"); /* a secret that looks encoded itself */
    assert_string_equal(text, "(secret) or (secret) or (secret)");
    g_free(text);
}

static void each_known_trouble_has_a_hint_that_names_the_mend(void **state)
{
    static const struct {
        enum client_verdict verdict;
        const char *code, *message, *permission, *words;
    } rows[] = {
        {CLIENT_CREDENTIALS, "AADSTS7000215", NULL, NULL, "Value"},
        {CLIENT_CREDENTIALS, "AADSTS7000222", NULL, NULL, "expired"},
        {CLIENT_CREDENTIALS, "AADSTS700016", NULL, NULL, "does not know the application"},
        {CLIENT_CREDENTIALS, "AADSTS90002", NULL, NULL, "not found"},
        {CLIENT_CREDENTIALS, "AADSTS900023", NULL, NULL, "no GUID"},
        {CLIENT_CREDENTIALS, "AADSTS500011", NULL, NULL, "consent"},
        {CLIENT_CREDENTIALS, "AADSTS7000112", NULL, NULL, "disabled"},
        {CLIENT_CREDENTIALS, "AADSTS53003", NULL, NULL, "Conditional Access"},
        {CLIENT_CREDENTIALS, "AADSTS700024", NULL, NULL, "clock"},
        {CLIENT_CREDENTIALS, "AADSTS123456789", NULL, NULL, "123456789"},
        {CLIENT_CREDENTIALS, NULL, NULL, NULL, "client secret"},
        {CLIENT_FORBIDDEN, "Authorization_RequestDenied", NULL, "AuditLog.Read.All", "AuditLog.Read.All"},
        {CLIENT_FORBIDDEN, "authorization_requestdenied", NULL, "AuditLog.Read.All", "grant admin consent"},
        {CLIENT_FORBIDDEN, NULL, NULL, "AuditLog.Read.All", "permission AuditLog.Read.All to"},
        {CLIENT_FORBIDDEN, NULL, NULL, "A.Read.All and B.Read.All", "permissions A.Read.All and B.Read.All to"},
        {CLIENT_FORBIDDEN, NULL, NULL, NULL, "grant admin consent"},
        {CLIENT_UNAVAILABLE, "Authentication_RequestFromNonPremiumTenantOrB2CTenant", NULL, NULL, "licence"},
        {CLIENT_UNAVAILABLE, "AadPremiumLicenseRequired", NULL, NULL, "P1 or P2"},
        {CLIENT_UNAVAILABLE, "BadRequest", "Request not applicable to target tenant.", NULL, "Intune"},
        {CLIENT_UNAVAILABLE, "x", "Tenant 1 does not exist", NULL, "auditing"},
        {CLIENT_UNAVAILABLE, "BadRequest", "Resource not found for the segment 'signIns'.", NULL, "does not offer"},
        {CLIENT_LATER, "dns", NULL, NULL, "name resolution"},
        {CLIENT_LATER, "tls", NULL, NULL, "TLS"},
        {CLIENT_LATER, "proxy", NULL, NULL, "HTTPS_PROXY"},
        {CLIENT_LATER, "proxy_authentication", NULL, NULL, "password"},
        {CLIENT_SECURITY, "certificate", NULL, NULL, "SSL_CERT_FILE"},
        {CLIENT_LATER, "http_502", NULL, NULL, NULL},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *hint = failure_hint(rows[i].verdict, rows[i].code, rows[i].message, rows[i].permission);
        if (!rows[i].words) {
            assert_null(hint);
            continue;
        }
        assert_non_null(hint);
        if (!strstr(hint, rows[i].words) || !g_str_has_suffix(hint, "."))
            fail_msg("%s: %s", rows[i].code, hint);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(graph_errors_are_read_to_the_deepest_known_code_q114),
        cmocka_unit_test(other_services_errors_are_read_too_q113),
        cmocka_unit_test(token_errors_give_their_number_and_first_line),
        cmocka_unit_test(a_code_that_is_a_dump_is_cut_and_serves_as_message_q112),
        cmocka_unit_test(deep_nesting_and_long_bodies_do_no_harm),
        cmocka_unit_test(lines_are_cut_between_characters_at_their_limit),
        cmocka_unit_test(a_secret_that_comes_back_is_taken_out_plain_or_encoded),
        cmocka_unit_test(a_secret_is_found_however_it_is_percent_encoded),
        cmocka_unit_test(each_known_trouble_has_a_hint_that_names_the_mend),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
