/* A token's life, on a clock moved by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "client/token.h"

static bool accept_at(struct token *token, const char *body, int64_t now_s)
{
    g_autoptr(GError) error = NULL;
    bool accepted = token_accept(token, body, strlen(body), now_s * CLOCK_US, &error);

    assert_true(accepted == (error == NULL));
    if (error)
        assert_null(strstr(error->message, "opaque"));
    return accepted;
}

static void a_token_is_renewed_early_but_never_in_the_first_half_of_its_life_q104(void **state)
{
    static const struct {
        const char *expires_in;
        int64_t renew_s, expires_s;
    } rows[] = {
        {"3599", 2879, 3599},
        {"\"3599\"", 2879, 3599},
        {"5400", 4320, 5400},
        {"86400", 69120, 86400},
        {"1000", 700, 1000},
        {"600", 300, 600},
        {"300", 150, 300},
        {"61", 30, 61},
        {"1", 30, 60},
        {"0", 150, 300},
        {"-5", 150, 300},
        {"null", 150, 300},
        {"\"soon\"", 150, 300},
        {"{}", 150, 300},
        {"3599.9", 2879, 3599},
        {"1e9", 30, 60},
        {"99999999999999999999", 691200, 864000},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct token token = {0};
        g_autofree char *body = g_strdup_printf(
            "{\"token_type\":\"Bearer\",\"expires_in\":%s,\"access_token\":\"opaque\"}", rows[i].expires_in);
        assert_true(accept_at(&token, body, 100));
        assert_false(token_due(&token, (100 + rows[i].renew_s) * CLOCK_US - 1));
        assert_true(token_due(&token, (100 + rows[i].renew_s) * CLOCK_US));
        assert_true(token_usable(&token, (100 + rows[i].expires_s) * CLOCK_US - 1));
        assert_false(token_usable(&token, (100 + rows[i].expires_s) * CLOCK_US));
        token_clear(&token);
    }
}

static void a_missing_lifetime_counts_as_a_small_one_q104(void **state)
{
    struct token token = {0};

    (void)state;
    assert_true(accept_at(&token, "{\"access_token\":\"opaque\",\"ext_expires_in\":9,\"unknown\":[1]}", 0));
    assert_true(token_usable(&token, 299 * CLOCK_US));
    assert_false(token_usable(&token, 300 * CLOCK_US));
    token_clear(&token);
}

static void what_is_no_bearer_token_is_refused_and_the_old_one_stays_q53(void **state)
{
    static const char *const bodies[] = {
        "",
        "<html>sign in</html>",
        "[]",
        "null",
        "{\"token_type\":\"Bearer\",\"expires_in\":3599}",
        "{\"access_token\":\"\"}",
        "{\"access_token\":7}",
        "{\"access_token\":null}",
        "{\"token_type\":\"mac\",\"access_token\":\"opaque\"}",
        "{\"access_token\":\"opaque\",\"access_token\":\"opaque2\"}",
        "{\"access_token\":\"opaque\",\"expires_in\":1,\"expires_in\":2}",
        "{\"access_token\":\"opaque\\r\\nX-Evil: 1\"}",
        "{\"access_token\":\"opaque two\"}",
        "{\"access_token\":\"opaque\\u0000\"}",
        "{\"access_token\":\"opaque\xc3\xa9\"}",
        "{\"access_token\":\"opaque\"} trailing",
        "{\"access_token\":\"opaque\"",
    };
    struct token token = {0};

    (void)state;
    assert_true(accept_at(&token, "{\"access_token\":\"first\"}", 0));
    for (size_t i = 0; i < G_N_ELEMENTS(bodies); i++)
        assert_false(accept_at(&token, bodies[i], 0));
    assert_string_equal(token.value, "first");
    assert_int_equal(token.generation, 1);
    token_clear(&token);
}

static void a_long_token_is_taken_up_to_a_limit(void **state)
{
    g_autoptr(GString) body = g_string_new("{\"access_token\":\"");
    struct token token = {0};

    (void)state;
    for (int i = 0; i < 20000; i++)
        g_string_append_c(body, 'x');
    gsize at = body->len;
    g_string_append(body, "\"}");
    assert_true(accept_at(&token, body->str, 0));
    assert_int_equal(strlen(token.value), 20000);
    for (int i = 0; i < 60000; i++)
        g_string_insert_c(body, (gssize)at, 'x');
    assert_false(accept_at(&token, body->str, 0));
    token_clear(&token);
}

static void a_refusal_is_held_for_a_minute_q106(void **state)
{
    struct client_failure failure = {.verdict = CLIENT_CREDENTIALS, .status = 400, .code = (char *)"AADSTS7000215"};
    struct token token = {0};

    (void)state;
    assert_true(token_due(&token, 0));
    token_refuse(&token, &failure, 0);
    assert_false(token_due(&token, 60 * CLOCK_US - 1));
    assert_string_equal(token_refusal(&token, 60 * CLOCK_US - 1)->code, "AADSTS7000215");
    assert_true(token_due(&token, 60 * CLOCK_US));
    assert_null(token_refusal(&token, 60 * CLOCK_US));
    assert_true(accept_at(&token, "{\"access_token\":\"opaque\"}", 61));
    assert_null(token_refusal(&token, 0));
    token_clear(&token);
}

static void a_refused_or_postponed_renewal_leaves_the_old_token_in_use_q104(void **state)
{
    struct token token = {0};

    (void)state;
    assert_true(accept_at(&token, "{\"access_token\":\"opaque\",\"expires_in\":1000}", 0));
    assert_true(token_due(&token, 700 * CLOCK_US));
    token_postpone(&token, 700 * CLOCK_US);
    assert_false(token_due(&token, 729 * CLOCK_US));
    assert_true(token_due(&token, 730 * CLOCK_US));
    assert_true(token_usable(&token, 730 * CLOCK_US));
    token.asking = true;
    assert_false(token_due(&token, 730 * CLOCK_US)); /* one request at a time */
    token_clear(&token);
}

static void a_401_drops_only_the_token_it_speaks_of_q103(void **state)
{
    struct token token = {0};

    (void)state;
    assert_true(accept_at(&token, "{\"access_token\":\"one\"}", 0));
    assert_true(accept_at(&token, "{\"access_token\":\"two\"}", 1));
    token_reject(&token, 1, NULL, 2 * CLOCK_US);
    assert_true(token_usable(&token, 2 * CLOCK_US));
    token_reject(&token, 2, NULL, 2 * CLOCK_US);
    assert_false(token_usable(&token, 2 * CLOCK_US));
    assert_true(token_due(&token, 2 * CLOCK_US)); /* the first time at once */
    assert_true(accept_at(&token, "{\"access_token\":\"three\"}", 3));
    token_reject(&token, 3, NULL, 4 * CLOCK_US);
    assert_false(token_due(&token, 4 * CLOCK_US)); /* then not in a storm */
    assert_true(token_due(&token, 7 * CLOCK_US));
    token_clear(&token);
}

static void claims_are_kept_until_the_next_token_q124(void **state)
{
    struct token token = {0};

    (void)state;
    assert_true(accept_at(&token, "{\"access_token\":\"one\"}", 0));
    token_reject(&token, 1, "{\"access_token\":{}}", 0);
    assert_string_equal(token.claims, "{\"access_token\":{}}");
    assert_true(accept_at(&token, "{\"access_token\":\"two\"}", 0));
    assert_null(token.claims);
    token_clear(&token);
}

static void the_form_encodes_every_value_once(void **state)
{
    char *form = token_form("id&1", TOKEN_SECRET, "s~e.c+r/e=t%&x y", "https://graph.microsoft.com/", NULL);

    (void)state;
    assert_string_equal(
        form, "grant_type=client_credentials&client_id=id%261&scope=https%3A%2F%2Fgraph.microsoft.com%2F.default"
              "&client_secret=s~e.c%2Br%2Fe%3Dt%25%26x%20y");
    text_free_secret(form);
    form = token_form("id", TOKEN_SECRET, "secret", "https://manage.office.com", "{\"a\":1}");
    assert_non_null(strstr(form, "scope=https%3A%2F%2Fmanage.office.com%2F.default"));
    assert_true(g_str_has_suffix(form, "&claims=%7B%22a%22%3A1%7D"));
    text_free_secret(form);
    form = token_form("id", TOKEN_ASSERTION, "eyJ.a-b_c.d=", "https://graph.microsoft.com", "{}");
    assert_true(
        g_str_has_suffix(form, "&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"
                               "&client_assertion=eyJ.a-b_c.d%3D&claims=%7B%7D"));
    assert_null(strstr(form, "client_secret"));
    text_free_secret(form);
}

static void the_endpoint_is_the_tenants_own_and_the_tenant_cannot_lead_elsewhere(void **state)
{
    g_autofree char *plain = token_url("https://login.microsoftonline.com/", "contoso.example");
    g_autofree char *hostile = token_url("https://login.microsoftonline.com", "../x?y=@z");

    (void)state;
    assert_string_equal(plain, "https://login.microsoftonline.com/contoso.example/oauth2/v2.0/token");
    assert_string_equal(hostile, "https://login.microsoftonline.com/..%2Fx%3Fy%3D%40z/oauth2/v2.0/token");
}

/* --- what is in it, for people ------------------------------------------------------------------------------------ */

/* The roles in a token with this payload, joined by a blank; NULL when it cannot be looked into. Returned: g_free. */
static char *roles_of(const char *payload, size_t length)
{
    g_autofree char *text = g_base64_encode((const guchar *)payload, length);
    g_strdelimit(text, "+", '-');
    g_strdelimit(text, "/", '_');
    text[strcspn(text, "=")] = '\0';
    struct token token = {.value = g_strconcat("eyJhbGciOiJub25lIn0.", text, ".c2ln", NULL)};
    g_auto(GStrv) roles = token_roles(&token);

    token_clear(&token);
    return roles ? g_strjoinv(" ", roles) : NULL;
}

static void the_roles_of_a_token_are_told_sorted(void **state)
{
    static const struct {
        const char *payload, *roles;
    } rows[] = {
        {"{\"roles\":[\"User.Read.All\",\"AuditLog.Read.All\"]}", "AuditLog.Read.All User.Read.All"},
        {"{\"aud\":\"x\",\"roles\":[\"A\"],\"scp\":\"B\",\"Roles\":[\"C\"]}", "A"},
        {"{\"roles\":[\"ServiceHealth.Read.All\",\"A\\u0042\"],\"n\":{\"roles\":[\"X\"]}}",
         "AB ServiceHealth.Read.All"},
        {"{\"roles\":[]}", ""},
        {"{\"aud\":\"an app that was granted nothing has no such claim\"}", ""},
        {"{}", ""},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *roles = roles_of(rows[i].payload, strlen(rows[i].payload));
        assert_non_null(roles);
        assert_string_equal(roles, rows[i].roles);
    }
}

static void a_payload_that_is_not_as_expected_tells_no_roles(void **state)
{
    static const char *const payloads[] = {
        "null",
        "[]",
        "[\"A\"]",
        "\"roles\"",
        "{\"roles\":\"A\"}",
        "{\"roles\":null}",
        "{\"roles\":{\"0\":\"A\"}}",
        "{\"roles\":[\"A\",7]}",
        "{\"roles\":[[\"A\"]]}",
        "{\"roles\":[\"\"]}",
        "{\"roles\":[\"A B\"]}",
        "{\"roles\":[\"A\\nlevel=error\"]}",
        "{\"roles\":[\"A\\u001b[2J\"]}",
        "{\"roles\":[\"A\\u0000\"]}",
        "{\"roles\":[\"\xc3\x84\"]}",
        "{\"roles\":[\"A\"],\"roles\":[\"B\"]}",
        "{\"roles\":[\"A\"]",
        "{\"roles\":[\"A\"]} x",
        "{\"roles\":[\"\xff\"]}",
        "not JSON",
    };
    g_autofree char *deep = g_strnfill(20000, '['), *name = g_strnfill(300, 'A');
    g_autofree char *long_name = g_strdup_printf("{\"roles\":[\"%s\"]}", name);

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(payloads); i++)
        assert_null(roles_of(payloads[i], strlen(payloads[i])));
    assert_null(roles_of(deep, strlen(deep)));
    assert_null(roles_of(long_name, strlen(long_name)));
    assert_null(roles_of("{}\0", 3));
    assert_null(roles_of("", 0));
}

/* "e30" is {}. */
static void a_token_in_another_form_tells_no_roles(void **state)
{
    static const struct {
        const char *value;
        bool readable;
    } rows[] = {
        {"h.e30.s", true},      {".e30.", true},      {"opaque", false},    {"", false},
        {".", false},           {"..", false},        {"h.e30", false},     {"h.e30.s.t", false},
        {"h.e30.i.c.t", false},                                                                 /* encrypted */
        {"h.e30=.s", false},                                                                    /* padded */
        {"h.e3.s", false},      {"h.e.s", false},     {"h.e30e3.s", false}, {"h.+/8.s", false}, /* plain base64 */
        {"h.e 30.s", false},    {"h.e30\n.s", false},
    };
    struct token none = {0};

    (void)state;
    assert_null(token_roles(&none));
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct token token = {.value = g_strdup(rows[i].value)};
        g_auto(GStrv) roles = token_roles(&token);
        if ((roles != NULL) != rows[i].readable)
            fail_msg("\"%s\"", rows[i].value);
        token_clear(&token);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_is_renewed_early_but_never_in_the_first_half_of_its_life_q104),
        cmocka_unit_test(a_missing_lifetime_counts_as_a_small_one_q104),
        cmocka_unit_test(what_is_no_bearer_token_is_refused_and_the_old_one_stays_q53),
        cmocka_unit_test(a_long_token_is_taken_up_to_a_limit),
        cmocka_unit_test(a_refusal_is_held_for_a_minute_q106),
        cmocka_unit_test(a_refused_or_postponed_renewal_leaves_the_old_token_in_use_q104),
        cmocka_unit_test(a_401_drops_only_the_token_it_speaks_of_q103),
        cmocka_unit_test(claims_are_kept_until_the_next_token_q124),
        cmocka_unit_test(the_form_encodes_every_value_once),
        cmocka_unit_test(the_endpoint_is_the_tenants_own_and_the_tenant_cannot_lead_elsewhere),
        cmocka_unit_test(the_roles_of_a_token_are_told_sorted),
        cmocka_unit_test(a_payload_that_is_not_as_expected_tells_no_roles),
        cmocka_unit_test(a_token_in_another_form_tells_no_roles),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
