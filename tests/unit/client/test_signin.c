/* Signing in with a certificate, against a service that refuses in its many ways. The clock stands at 1790000000,
 * Mon, 21 Sep 2026 14:13:20 GMT. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "certificates.h"
#include "stage.h"

static const char users[] = "GET /v1.0/users";
static const char tokens[] = "POST /tenant/oauth2/v2.0/token";
static const int64_t now = 1790000000, day = 86400;
static const char later[] = "Date: Mon, 21 Sep 2026 17:25:20 GMT\r\n"; /* 3 h 12 min */
static const int64_t later_s = 1790000000 + 11520;

/* --- the stage ---------------------------------------------------------------------------------------------------- */

static struct {
    gnutls_x509_privkey_t key;
    char *key_pem, *certificate, *pem, *thumbprint;
} made;

static char *pem_valid(int64_t begins, int64_t expires)
{
    g_autofree char *certificate = make_certificate(made.key, "CN=m365keep", begins, expires);

    return g_strconcat(certificate, made.key_pem, NULL);
}

static int make_all(void **state)
{
    gsize length;

    (void)state;
    log_init(LOG_LEVEL_ERROR, LOG_FORMAT_LOGFMT, NULL);
    made.key = make_key(GNUTLS_PK_RSA, 2048);
    made.key_pem = key_pem(made.key, NULL);
    made.certificate = make_certificate(made.key, "CN=m365keep", now - day, now + 90 * day);
    made.pem = g_strconcat(made.certificate, made.key_pem, NULL);
    g_autofree guchar *der = der_of(made.certificate, &length);
    g_autofree char *sha1 = g_compute_checksum_for_data(G_CHECKSUM_SHA1, der, length);
    made.thumbprint = g_ascii_strup(sha1, -1);
    return 0;
}

static int free_all(void **state)
{
    (void)state;
    gnutls_x509_privkey_deinit(made.key);
    g_free(made.key_pem);
    g_free(made.certificate);
    g_free(made.pem);
    g_free(made.thumbprint);
    return 0;
}

/* From now on `stage` asks as an app with this certificate (NULL: with nothing at all). */
static void use_certificate(struct stage *stage, const char *pem)
{
    struct client_app_options app = {
        .name = "contoso", .tenant_id = "tenant", .client_id = "app", .client_certificate = pem};

    app.login_url = app.graph_url = app.manage_url = stage->base_url;
    stage->app = client_app_new(stage->client, &app);
}

static int setup_certificate(void **state)
{
    int result = setup(state);

    use_certificate(*state, made.pem);
    return result;
}

static void refuse(struct stage *stage, unsigned times, const char *headers, const char *number)
{
    g_autofree char *body = g_strdup_printf(
        "{\"error\":\"invalid_client\",\"error_description\":\"AADSTS%s: Refused.\\r\\nTrace ID: t-%s\","
        "\"error_codes\":[%s],\"trace_id\":\"t-%s\"}",
        number, number, number, number);

    service_say(stage->service, tokens, times, 401, headers, body);
}

/* --- what was sent ------------------------------------------------------------------------------------------------ */

/* The assertion of the nth token request. Returned: g_free. */
static char *assertion_of(struct stage *stage, unsigned n)
{
    const struct service_request *request = service_request(stage->service, tokens, n);

    assert_non_null(request);
    const char *value = strstr(request->text, "&client_assertion=");
    assert_non_null(value);
    value += strlen("&client_assertion=");
    return g_strndup(value, strcspn(value, "&"));
}

static cJSON *json_of(struct stage *stage, unsigned n, int part)
{
    g_autofree char *assertion = assertion_of(stage, n);
    gsize length;
    g_autofree guchar *text = part_of(assertion, part, &length);
    cJSON *object = cJSON_Parse((const char *)text);

    assert_non_null(object);
    return object;
}

static void assert_form(struct stage *stage, unsigned n, const char *algorithm)
{
    g_autofree char *assertion = assertion_of(stage, n);
    cJSON *header = json_of(stage, n, 0);

    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(header, "alg")), algorithm);
    assert_true(
        is_signed_by(assertion, made.certificate,
                     g_str_equal(algorithm, "PS256") ? GNUTLS_SIGN_RSA_PSS_RSAE_SHA256 : GNUTLS_SIGN_RSA_SHA256));
    cJSON_Delete(header);
}

static void assert_time(struct stage *stage, unsigned n, int64_t seconds)
{
    cJSON *claims = json_of(stage, n, 1);

    assert_int_equal((int64_t)cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(claims, "nbf")), seconds);
    assert_int_equal((int64_t)cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(claims, "exp")), seconds + 600);
    cJSON_Delete(claims);
}

static void log_in(struct answer *answer, struct stage *stage, enum client_api api)
{
    *answer = (struct answer){.stage = stage};
    client_login(stage->client, stage->app, api, on_done, answer);
    run(stage);
    assert_int_equal(answer->calls, 1);
}

static void assert_logged_in(struct stage *stage, enum client_api api)
{
    struct answer answer;

    log_in(&answer, stage, api);
    if (answer.failure)
        fail_msg("%s", answer.failure->message);
    end(&answer);
}

/* A login that fails; its failure with the assertion nowhere in it. */
static void assert_refused(struct answer *answer, struct stage *stage, const char *code)
{
    log_in(answer, stage, CLIENT_API_GRAPH);
    assert_failed(answer, CLIENT_CREDENTIALS, code);
    assert_non_null(answer->failure->hint);
    assert_null(strstr(answer->failure->message, "eyJ"));
}

static void assert_words(const char *text, const char *words)
{
    if (!text || !strstr(text, words))
        fail_msg("not in: %s", text ? text : "(nothing)");
}

/* --- a good day --------------------------------------------------------------------------------------------------- */

static void an_assertion_is_posted_in_the_secrets_place(void **state)
{
    struct stage *stage = *state;
    struct answer answer;
    g_autofree char *url = g_strconcat(stage->base_url, "/tenant/oauth2/v2.0/token", NULL);

    run_one(&answer, stage, "/v1.0/users");
    assert_page(&answer, 1);
    const char *post = service_request(stage->service, tokens, 0)->text;
    assert_words(post, "grant_type=client_credentials&client_id=app&scope=http%3A%2F%2F127.0.0.1");
    assert_words(post, "&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"
                       "&client_assertion=eyJ");
    assert_null(strstr(post, "client_secret"));
    cJSON *claims = json_of(stage, 0, 1);
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(claims, "aud")), url);
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(claims, "iss")), "app");
    cJSON_Delete(claims);
    assert_form(stage, 0, "PS256");
    assert_time(stage, 0, now);
    assert_int_equal(client_app_certificate_expires(stage->app), now + 90 * day);
    end(&answer);
}

static void each_attempt_has_an_assertion_of_its_own_q125(void **state)
{
    struct stage *stage = *state;

    service_say(stage->service, tokens, 1, 503, "", "");
    assert_logged_in(stage, CLIENT_API_GRAPH);
    g_autofree char *first = assertion_of(stage, 0), *second = assertion_of(stage, 1);
    assert_string_not_equal(first, second);
    assert_form(stage, 1, "PS256");
}

static void an_assertion_bears_the_services_time_once_that_is_known_q125(void **state)
{
    struct stage *stage = *state;

    service_say(stage->service, tokens, 1, 200, later, "{\"access_token\":\"t\",\"expires_in\":3599}");
    assert_logged_in(stage, CLIENT_API_GRAPH);
    assert_logged_in(stage, CLIENT_API_MANAGEMENT);
    assert_time(stage, 0, now);
    assert_time(stage, 1, later_s);
}

static void a_claims_challenge_is_answered_with_a_certificate_as_with_a_secret_q124(void **state)
{
    /* {"access_token":{"nbf":{"essential":true,"value":"1"}}} */
    static const char challenge[] =
        "WWW-Authenticate: Bearer realm=\"\", error=\"insufficient_claims\", "
        "claims=\"eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZSwidmFsdWUiOiIxIn19fQ==\"\r\n";
    static const char claims[] =
        "&claims=%7B%22access_token%22%3A%7B%22nbf%22%3A%7B%22essential%22%3Atrue%2C%22value%22%3A%221%22%7D%7D%7D";
    struct stage *stage = *state;
    struct answer once, always;

    service_say(stage->service, users, 1, 401, challenge, "");
    run_one(&once, stage, "/v1.0/users");
    assert_page(&once, 1);
    assert_true(g_str_has_suffix(service_request(stage->service, tokens, 1)->text, claims));
    assert_form(stage, 1, "PS256");
    service_say(stage->service, users, 2, 401, challenge, "");
    run_one(&always, stage, "/v1.0/users");
    assert_failed(&always, CLIENT_CREDENTIALS, "http_401");
    end(&once);
    end(&always);
}

/* --- the wrong time ----------------------------------------------------------------------------------------------- */

static void an_assertion_refused_for_its_time_is_made_anew_by_the_services_q125(void **state)
{
    struct stage *stage = *state;
    struct log_ear ear;

    refuse(stage, 1, later, "700024");
    listen_to_log(&ear, stage, LOG_LEVEL_WARN);
    assert_logged_in(stage, CLIENT_API_GRAPH);
    assert_logged_in(stage, CLIENT_API_MANAGEMENT);
    g_autofree char *words = take_log(&ear);
    assert_int_equal(service_count(stage->service, tokens), 3);
    assert_time(stage, 0, now);
    assert_time(stage, 1, later_s);
    assert_time(stage, 2, later_s);
    assert_form(stage, 1, "PS256");
    assert_words(words, "This machine's clock is 3 h 12 min behind the service's; the service took an assertion by its "
                        "own time. Set this machine's clock.");
    assert_words(words, "customer=contoso");
    assert_int_equal(occurrences(words, "level=warn"), 1);
}

static void nobody_is_told_to_set_a_clock_that_is_right_q125(void **state)
{
    struct stage *stage = *state;
    struct log_ear ear;

    refuse(stage, 1, "Date: Mon, 21 Sep 2026 14:13:22 GMT\r\n", "700024");
    listen_to_log(&ear, stage, LOG_LEVEL_WARN);
    assert_logged_in(stage, CLIENT_API_GRAPH);
    g_autofree char *words = take_log(&ear);
    assert_int_equal(service_count(stage->service, tokens), 2);
    assert_string_equal(words, "");
}

static void a_time_that_stays_refused_is_told_with_the_difference_of_the_clocks_q125(void **state)
{
    static const struct {
        const char *date, *message, *hint;
    } rows[] = {
        {"Date: Mon, 21 Sep 2026 17:25:20 GMT\r\n", "clock is 3 h 12 min behind the service's", "timedatectl"},
        {"Date: Sat, 19 Sep 2026 10:13:19 GMT\r\n", "clock is 2 d 4 h ahead of the service's", "timedatectl"},
        {"Date: Mon, 21 Sep 2026 14:05:15 GMT\r\n", "clock is 8 min 5 s ahead of the service's", "timedatectl"},
        {"Date: Mon, 21 Sep 2026 14:13:22 GMT\r\n", "clock agrees with the service's (2 s apart)", "proxy"},
        {"", "clock agrees with the service's (0 s apart)", "proxy"},
    };
    struct stage *stage = *state;

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct answer answer;
        use_certificate(stage, made.pem);
        refuse(stage, 2, rows[i].date, "700024");
        assert_refused(&answer, stage, "AADSTS700024");
        assert_words(answer.failure->message, rows[i].message);
        assert_words(answer.failure->message,
                     "an assertion by the service's time was refused too. POST http://127.0.0.1");
        assert_words(answer.failure->hint, rows[i].hint);
        assert_string_equal(answer.failure->request_id, "t-700024");
        assert_int_equal(service_count(stage->service, tokens), 2 * (i + 1)); /* one more, and no more */
        end(&answer);
    }
}

/* --- the wrong form ----------------------------------------------------------------------------------------------- */

static void a_cloud_that_wants_the_older_form_gets_it_from_then_on(void **state)
{
    static const char *const numbers[] = {"700027", "50012", "5001211", "50027", "5002730"};
    struct stage *stage = *state;

    for (unsigned i = 0; i < G_N_ELEMENTS(numbers); i++) {
        use_certificate(stage, made.pem);
        refuse(stage, 1, "", numbers[i]);
        assert_logged_in(stage, CLIENT_API_GRAPH);
        assert_logged_in(stage, CLIENT_API_MANAGEMENT);
        assert_int_equal(service_count(stage->service, tokens), 3 * (i + 1));
        assert_form(stage, 3 * i, "PS256");
        assert_form(stage, 3 * i + 1, "RS256");
        assert_form(stage, 3 * i + 2, "RS256"); /* remembered */
    }
}

static void refused_in_both_forms_the_first_refusal_is_told_with_the_thumbprint(void **state)
{
    struct stage *stage = *state;
    struct answer answer, again;

    refuse(stage, 1, "", "700027");
    refuse(stage, 1, "", "50012");
    assert_refused(&answer, stage, "AADSTS700027");
    assert_words(answer.failure->message, "AADSTS700027: Refused.");
    assert_words(answer.failure->hint, "Upload the certificate's public part");
    assert_words(answer.failure->hint, made.thumbprint);
    assert_words(answer.failure->hint, "valid until 2026-12-20");
    assert_words(answer.failure->hint, "refused signed as PS256 and as RS256");
    assert_string_equal(answer.failure->request_id, "t-700027");
    assert_refused(&again, stage, "AADSTS700027"); /* held for a minute */
    assert_int_equal(service_count(stage->service, tokens), 2);
    end(&answer);
    end(&again);
}

/* The older form's signature was good: what is wrong is something else, and nobody need upload anything. */
static void what_is_refused_after_the_older_form_was_taken_is_told_as_it_is(void **state)
{
    static const char *const numbers[] = {"500011", "700016", "53003"};
    struct stage *stage = *state;

    for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++) {
        struct answer answer;
        g_autofree char *code = g_strconcat("AADSTS", numbers[i], NULL), *id = g_strconcat("t-", numbers[i], NULL);
        use_certificate(stage, made.pem);
        refuse(stage, 1, "", "700027");
        refuse(stage, 1, "", numbers[i]);
        assert_refused(&answer, stage, code);
        assert_words(answer.failure->message, "Refused.");
        assert_null(strstr(answer.failure->hint, "Upload"));
        assert_string_equal(answer.failure->request_id, id);
        assert_int_equal(service_count(stage->service, tokens), 2 * (i + 1));
        end(&answer);
    }
}

static void a_form_that_once_worked_is_not_doubted(void **state)
{
    struct stage *stage = *state;
    struct answer answer;

    assert_logged_in(stage, CLIENT_API_MANAGEMENT);
    refuse(stage, 1, "", "700027"); /* somebody took the certificate away */
    assert_refused(&answer, stage, "AADSTS700027");
    assert_int_equal(service_count(stage->service, tokens), 2);
    assert_null(strstr(answer.failure->hint, "RS256"));
    end(&answer);
}

static void wrong_time_and_wrong_form_together_are_both_mended_q125(void **state)
{
    struct stage *stage = *state;

    refuse(stage, 1, later, "700024");
    refuse(stage, 1, later, "700027");
    assert_logged_in(stage, CLIENT_API_GRAPH);
    assert_int_equal(service_count(stage->service, tokens), 3);
    assert_form(stage, 1, "PS256");
    assert_form(stage, 2, "RS256");
    assert_time(stage, 2, later_s);
}

static void trouble_on_the_way_is_no_verdict_on_the_form(void **state)
{
    struct stage *stage = *state;

    refuse(stage, 1, "", "700027");
    service_say(stage->service, tokens, 1, 503, "", "");
    assert_logged_in(stage, CLIENT_API_GRAPH);
    assert_int_equal(service_count(stage->service, tokens), 3);
    assert_form(stage, 1, "RS256");
    assert_form(stage, 2, "RS256");
}

static void other_refusals_are_told_at_once_as_they_are(void **state)
{
    static const char *const numbers[] = {"700016", "90002", "500011", "53003", "7000112", "1234567"};
    struct stage *stage = *state;

    for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++) {
        struct answer answer;
        g_autofree char *code = g_strconcat("AADSTS", numbers[i], NULL);
        use_certificate(stage, made.pem);
        refuse(stage, 1, "", numbers[i]);
        assert_refused(&answer, stage, code);
        assert_int_equal(service_count(stage->service, tokens), i + 1);
        assert_true(g_str_has_prefix(answer.failure->message, "POST http"));
        end(&answer);
    }
}

static void a_secret_is_never_sent_twice_for_an_assertions_reasons(void **state)
{
    static const char *const numbers[] = {"700024", "700027", "50012"};
    struct stage *stage = *state;

    for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++) {
        struct answer answer;
        g_autofree char *code = g_strconcat("AADSTS", numbers[i], NULL);
        open_client(stage, "1790000000@0@0", 0, false);
        refuse(stage, 1, later, numbers[i]);
        assert_refused(&answer, stage, code);
        assert_int_equal(service_count(stage->service, tokens), i + 1);
        end(&answer);
    }
}

/* --- validity ----------------------------------------------------------------------------------------------------- */

static void how_long_the_certificate_is_valid_is_logged_once_a_run(void **state)
{
    static const struct {
        int64_t begins_d, expires_d;
        const char *level, *words;
    } rows[] = {
        {-1, 90, "level=info", "Signs in with a certificate that is valid until 2026-12-20."},
        {-1, 30, "level=info", "Signs in with a certificate that is valid until 2026-10-21."},
        {-300, 29, "level=warn", "The certificate expires on 2026-10-20, in 29 days: make a new one"},
        {-300, 1, "level=warn", "The certificate expires on 2026-09-22, in 1 day: make a new one"},
        {-300, 0, "level=warn", "The certificate expired on 2026-09-21. The service was asked all the same."},
        {-300, -2, "level=warn", "The certificate expired on 2026-09-19. The service was asked all the same."},
        {3, 90, "level=warn",
         "The certificate is not valid before 2026-09-24. The service was asked all the same. Use"},
    };
    struct stage *stage = *state;
    struct log_ear ear;

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *pem = pem_valid(now + rows[i].begins_d * day, now + rows[i].expires_d * day);
        use_certificate(stage, pem);
        listen_to_log(&ear, stage, LOG_LEVEL_INFO);
        assert_logged_in(stage, CLIENT_API_GRAPH);
        assert_logged_in(stage, CLIENT_API_MANAGEMENT);
        g_autofree char *words = take_log(&ear);
        assert_words(words, rows[i].level);
        assert_words(words, rows[i].words);
        assert_words(words, "customer=contoso certificate=");
        assert_words(words, "CN=m365keep");
        assert_int_equal(occurrences(words, "\n"), 1);
        assert_null(strstr(words, "PRIVATE"));
    }
}

static void the_thumbprint_is_logged_as_the_portal_shows_it(void **state)
{
    struct stage *stage = *state;
    struct log_ear ear;
    g_autofree char *pair = g_strconcat("certificate=", made.thumbprint, NULL);

    listen_to_log(&ear, stage, LOG_LEVEL_INFO);
    assert_logged_in(stage, CLIENT_API_GRAPH);
    g_autofree char *words = take_log(&ear);
    assert_words(words, pair);
}

static void validity_is_judged_by_the_services_time(void **state)
{
    struct stage *stage = *state;
    struct log_ear ear;
    g_autofree char *pem = pem_valid(now + 3600, now + 90 * day); /* by our clock not yet */

    use_certificate(stage, pem);
    service_say(stage->service, tokens, 1, 200, later, "{\"access_token\":\"t\",\"expires_in\":3599}");
    listen_to_log(&ear, stage, LOG_LEVEL_INFO);
    assert_logged_in(stage, CLIENT_API_GRAPH);
    g_autofree char *words = take_log(&ear);
    assert_words(words, "level=info");
}

static void a_refused_certificate_that_has_expired_is_told_with_the_date(void **state)
{
    static const struct {
        int64_t begins_d, expires_d;
        const char *number, *message, *hint;
    } rows[] = {
        {-300, -2, "700027", "The certificate expired on 2026-09-19. POST http", "Make a new certificate"},
        {-300, -2, "700024", "The certificate expired on 2026-09-19. This machine's clock", "proxy"},
        {-300, -2, "90002", "The certificate expired on 2026-09-19. POST http", "tenant was not found"},
        {3, 90, "700027", "The certificate is not valid before 2026-09-24. POST http", "Make a new certificate"},
    };
    struct stage *stage = *state;

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct answer answer;
        struct log_ear ear;
        g_autofree char *code = g_strconcat("AADSTS", rows[i].number, NULL);
        g_autofree char *pem = pem_valid(now + rows[i].begins_d * day, now + rows[i].expires_d * day);
        use_certificate(stage, pem);
        refuse(stage, i == 2 ? 1 : 2, "", rows[i].number);
        listen_to_log(&ear, stage, LOG_LEVEL_WARN);
        log_in(&answer, stage, CLIENT_API_GRAPH);
        g_free(take_log(&ear));
        assert_failed(&answer, CLIENT_CREDENTIALS, code);
        assert_words(answer.failure->message, rows[i].message);
        assert_words(answer.failure->hint, rows[i].hint);
        end(&answer);
    }
}

/* --- what cannot be used ------------------------------------------------------------------------------------------ */

static void an_unusable_certificate_is_told_by_each_request_and_nothing_is_sent(void **state)
{
    struct stage *stage = *state;
    const struct {
        const char *pem, *words;
    } rows[] = {
        {NULL, "no PEM block"},
        {"", "no PEM block"},
        {made.certificate, "no private key"},
        {made.key_pem, "no certificate"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct answer login, page;
        use_certificate(stage, rows[i].pem);
        assert_refused(&login, stage, "client_certificate");
        run_one(&page, stage, "/v1.0/users");
        assert_failed(&page, CLIENT_CREDENTIALS, "client_certificate");
        assert_words(login.failure->message, rows[i].words);
        assert_words(page.failure->message, rows[i].words);
        assert_words(page.failure->hint, "GRAPH_CLIENT_CERTIFICATE");
        assert_int_equal(client_app_certificate_expires(stage->app), 0);
        end(&login);
        end(&page);
    }
    assert_int_equal(service_connections(stage->service), 0);
}

static void what_the_answer_repeats_of_the_assertion_is_not_passed_on(void **state)
{
    static const char echo[] =
        "HTTP/1.1 400 Word\r\nConnection: close\r\n\r\n"
        "{\"error\":\"invalid_request\",\"error_description\":\"AADSTS50027: I got ECHO.\",\"error_codes\":[50027]}";
    struct stage *stage = *state;
    struct answer answer;

    for (int i = 0; i < 2; i++)
        service_raw(stage->service, tokens, echo, strlen(echo), SERVICE_CLOSE);
    assert_refused(&answer, stage, "AADSTS50027");
    assert_words(answer.failure->message, "I got (secret).");
    end(&answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_assertion_is_posted_in_the_secrets_place, setup_certificate, teardown),
        cmocka_unit_test_setup_teardown(each_attempt_has_an_assertion_of_its_own_q125, setup_certificate, teardown),
        cmocka_unit_test_setup_teardown(an_assertion_bears_the_services_time_once_that_is_known_q125, setup_certificate,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_claims_challenge_is_answered_with_a_certificate_as_with_a_secret_q124,
                                        setup_certificate, teardown),
        cmocka_unit_test_setup_teardown(an_assertion_refused_for_its_time_is_made_anew_by_the_services_q125,
                                        setup_certificate, teardown),
        cmocka_unit_test_setup_teardown(nobody_is_told_to_set_a_clock_that_is_right_q125, setup_certificate, teardown),
        cmocka_unit_test_setup_teardown(a_time_that_stays_refused_is_told_with_the_difference_of_the_clocks_q125,
                                        setup_certificate, teardown),
        cmocka_unit_test_setup_teardown(a_cloud_that_wants_the_older_form_gets_it_from_then_on, setup_certificate,
                                        teardown),
        cmocka_unit_test_setup_teardown(refused_in_both_forms_the_first_refusal_is_told_with_the_thumbprint,
                                        setup_certificate, teardown),
        cmocka_unit_test_setup_teardown(what_is_refused_after_the_older_form_was_taken_is_told_as_it_is,
                                        setup_certificate, teardown),
        cmocka_unit_test_setup_teardown(a_form_that_once_worked_is_not_doubted, setup_certificate, teardown),
        cmocka_unit_test_setup_teardown(wrong_time_and_wrong_form_together_are_both_mended_q125, setup_certificate,
                                        teardown),
        cmocka_unit_test_setup_teardown(trouble_on_the_way_is_no_verdict_on_the_form, setup_certificate, teardown),
        cmocka_unit_test_setup_teardown(other_refusals_are_told_at_once_as_they_are, setup_certificate, teardown),
        cmocka_unit_test_setup_teardown(a_secret_is_never_sent_twice_for_an_assertions_reasons, setup, teardown),
        cmocka_unit_test_setup_teardown(how_long_the_certificate_is_valid_is_logged_once_a_run, setup_certificate,
                                        teardown),
        cmocka_unit_test_setup_teardown(the_thumbprint_is_logged_as_the_portal_shows_it, setup_certificate, teardown),
        cmocka_unit_test_setup_teardown(validity_is_judged_by_the_services_time, setup_certificate, teardown),
        cmocka_unit_test_setup_teardown(a_refused_certificate_that_has_expired_is_told_with_the_date, setup_certificate,
                                        teardown),
        cmocka_unit_test_setup_teardown(an_unusable_certificate_is_told_by_each_request_and_nothing_is_sent,
                                        setup_certificate, teardown),
        cmocka_unit_test_setup_teardown(what_the_answer_repeats_of_the_assertion_is_not_passed_on, setup_certificate,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, make_all, free_all);
}
