/* The loop against a real server: tokens, retries, throttling, broken answers, cancelling. Waits take no time, because
 * the clock stands or runs a thousandfold; only orders and lower bounds are judged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glib.h>

#include "config.h"
#include "stage.h"

static const char users[] = "GET /v1.0/users";
static const char tokens[] = "POST /tenant/oauth2/v2.0/token";
static const char answer_401[] =
    "{\"error\":{\"code\":\"InvalidAuthenticationToken\",\"message\":\"Lifetime validation failed.\"}}";

/* --- a good day --------------------------------------------------------------------------------------------------- */

static void a_page_is_fetched_with_a_token_and_all_headers_q15(void **state)
{
    struct stage *stage = *state;
    struct answer answer;

    service_say(stage->service, users, 1, 200, "Request-Id: r-1\r\n", "{\"value\":[{\"id\":\"1\"},{\"id\":\"2\"}]}");
    run_one(&answer, stage, "/v1.0/users?$top=2");
    assert_page(&answer, 2);
    assert_int_equal(answer.attempts, 1);
    assert_int_equal(answer.body_bytes, 33);
    assert_string_equal(answer.request_id, "r-1");

    const char *post = service_request(stage->service, tokens, 0)->text;
    assert_non_null(strstr(post, "Content-Type: application/x-www-form-urlencoded"));
    assert_non_null(strstr(post, "grant_type=client_credentials&client_id=app&scope=http%3A%2F%2F127.0.0.1"));
    assert_non_null(strstr(post, "%2F.default&client_secret=s~cret%2B%2F%3D"));
    assert_null(strstr(post, "Authorization:"));
    const char *get = service_request(stage->service, users, 0)->text;
    assert_non_null(strstr(get, "\r\nAuthorization: Bearer token-1\r\n"));
    assert_non_null(strstr(get, "\r\nUser-Agent: m365keep/" M365KEEP_VERSION "\r\n"));
    assert_non_null(strstr(get, "\r\nAccept: application/json\r\n"));
    assert_non_null(strstr(get, "\r\nAccept-Encoding: gzip\r\n"));
    assert_non_null(strstr(get, "\r\nPrefer: include-unknown-enum-members\r\n"));
    assert_non_null(strstr(get, "\r\nPrefer: odata.maxpagesize=50\r\n"));
    assert_non_null(strstr(get, "\r\nConsistencyLevel: eventual\r\n"));
    end(&answer);
}

static void a_url_is_sent_byte_for_byte_however_long_q13(void **state)
{
    static const char odd[] = "/v1.0/users/../auditLogs/signins?&$skiptoken=a%2bb%3D%3d'x'!(y)&z=";
    struct stage *stage = *state;
    g_autoptr(GString) path = g_string_new(odd);
    struct answer answer;

    for (int i = 0; i < 12000; i++)
        g_string_append_c(path, 'k');
    run_one(&answer, stage, path->str);
    assert_page(&answer, 1);
    g_autofree char *line = g_strdup_printf("GET %s HTTP/1.1\r\n", path->str);
    assert_true(g_str_has_prefix(service_request(stage->service, "GET /v1.0/users/..", 0)->text, line));
    end(&answer);
}

static void each_attempt_has_a_fresh_client_request_id_and_the_same_headers_q15(void **state)
{
    struct stage *stage = *state;
    struct answer answer;

    service_say(stage->service, users, 1, 502, "", "");
    run_one(&answer, stage, "/v1.0/users");
    assert_page(&answer, 1);
    assert_int_equal(answer.attempts, 2);
    const char *first = strstr(service_request(stage->service, users, 0)->text, "client-request-id: ");
    const char *second = strstr(service_request(stage->service, users, 1)->text, "client-request-id: ");
    g_autofree char *guid = g_strndup(first + strlen("client-request-id: "), 36);
    assert_true(g_uuid_string_is_valid(guid));
    assert_int_not_equal(strncmp(first, second, strlen("client-request-id: ") + 36), 0);
    assert_non_null(strstr(second, "ConsistencyLevel: eventual\r\n"));
    assert_non_null(answer.request_id); /* ours, where the service gave none */
    end(&answer);
}

static void pages_are_chained_from_inside_done_on_one_connection_q20(void **state)
{
    struct stage *stage = *state;
    struct answer answers[3];

    for (int i = 0; i < 3; i++)
        begin(&answers[i], stage);
    for (int i = 0; i < 2; i++) {
        answers[i].next = "/v1.0/users?next";
        answers[i].next_answer = &answers[i + 1];
    }
    ask(&answers[0], "/v1.0/users");
    run(stage);
    for (int i = 0; i < 3; i++) {
        assert_page(&answers[i], 1);
        end(&answers[i]);
    }
    assert_int_equal(service_connections(stage->service), 1);
}

static void many_requests_share_one_token_request_q104(void **state)
{
    struct stage *stage = *state;
    struct answer answers[20];

    for (int i = 0; i < 20; i++) {
        begin(&answers[i], stage);
        ask(&answers[i], "/v1.0/users");
    }
    assert_int_equal(client_pending(stage->client), 20);
    run(stage);
    assert_int_equal(service_count(stage->service, tokens), 1);
    for (int i = 0; i < 20; i++) {
        assert_page(&answers[i], 1);
        end(&answers[i]);
    }
}

static void graph_and_management_have_tokens_of_their_own_q105(void **state)
{
    struct stage *stage = *state;
    struct answer graph, management;
    g_autofree char *url = g_strconcat(stage->base_url, "/api/v1.0/list", NULL);

    run_one(&graph, stage, "/v1.0/users");
    begin(&management, stage);
    ask_as(&management, stage->app, CLIENT_API_MANAGEMENT, CLIENT_FAMILY_MANAGEMENT, url);
    run(stage);
    assert_page(&management, 1);
    assert_int_equal(service_count(stage->service, tokens), 2);
    assert_non_null(strstr(service_request(stage->service, "GET /api/", 0)->text, "Bearer token-2\r\n"));
    end(&graph);
    end(&management);
}

static void a_login_gets_the_token_and_the_services_time_q36(void **state)
{
    struct stage *stage = *state;
    struct answer answer = {.stage = stage};

    assert_int_equal(client_app_service_now(stage->app), 1790000000);
    service_say(stage->service, tokens, 1, 200, "Date: Thu, 20 Nov 2025 07:01:02 GMT\r\n",
                "{\"access_token\":\"t\",\"expires_in\":\"3599\"}");
    client_login(stage->client, stage->app, CLIENT_API_GRAPH, on_done, &answer);
    run(stage);
    assert_null(answer.failure);
    assert_int_equal(answer.calls, 1);
    assert_int_equal(client_app_service_now(stage->app), 1763622062);
    client_login(stage->client, stage->app, CLIENT_API_GRAPH, on_done, &answer);
    run(stage);
    assert_int_equal(answer.calls, 2);
    assert_int_equal(service_count(stage->service, tokens), 1);
}

static void a_token_past_its_end_is_replaced_before_it_is_sent_q104(void **state)
{
    struct stage *stage = *state;
    struct answer answer;

    service_say(stage->service, tokens, 1, 200, "", "{\"access_token\":\"short\",\"expires_in\":70}");
    service_say(stage->service, users, 1, 429, "Retry-After: 120\r\n", "");
    run_one(&answer, stage, "/v1.0/users");
    assert_page(&answer, 1);
    assert_int_equal(service_count(stage->service, tokens), 2);
    assert_non_null(strstr(service_request(stage->service, users, 1)->text, "Bearer token-1\r\n"));
    end(&answer);
}

static void the_clocks_skew_is_known_from_the_first_answer_on(void **state)
{
    struct stage *stage = *state;
    struct answer answer;
    int64_t seconds = 7;

    assert_false(client_app_clock_skew(stage->app, &seconds));
    assert_int_equal(seconds, 7);
    service_say(stage->service, tokens, 1, 200, "", "{\"access_token\":\"t\"}"); /* without a Date */
    service_say(stage->service, users, 1, 200, "Date: Mon, 21 Sep 2026 14:03:20 GMT\r\n", "{\"value\":[]}");
    service_say(stage->service, users, 1, 403, "Date: Mon, 21 Sep 2026 14:12:20 GMT\r\n", "");
    run_one(&answer, stage, "/v1.0/users");
    end(&answer);
    assert_true(client_app_clock_skew(stage->app, &seconds));
    assert_int_equal(seconds, 1789999400 - 1790000000);
    run_one(&answer, stage, "/v1.0/users");
    end(&answer);
    assert_true(client_app_clock_skew(stage->app, &seconds));
    assert_int_equal(seconds, 1789999940 - 1790000000);
}

static void a_body_that_takes_long_does_not_put_the_services_clock_back(void **state)
{
    static const char half[] = "HTTP/1.1 200 OK\r\nDate: Mon, 21 Sep 2026 14:13:20 GMT\r\nContent-Length: 90\r\n\r\n{";
    struct stage *stage = *state;
    struct answer answer;
    int64_t seconds = 0;

    open_client(stage, "1790000000@1000@0", 100, false); /* the 100 ms of silence are 100 s */
    service_raw(stage->service, users, half, strlen(half), SERVICE_STALL);
    run_one(&answer, stage, "/v1.0/users"); /* its second answer has no Date */
    assert_page(&answer, 1);
    assert_true(client_app_clock_skew(stage->app, &seconds));
    assert_true(seconds >= 1790000000 - clock_now(&stage->clock) + 98);
    end(&answer);
}

static void the_roles_of_the_token_are_those_of_its_api(void **state)
{
    struct stage *stage = *state;
    struct answer answer = {.stage = stage};

    assert_null(client_app_roles(stage->app, CLIENT_API_GRAPH));
    /* {"roles":["User.Read.All","AuditLog.Read.All"]} */
    service_say(stage->service, tokens, 1, 200, "",
                "{\"access_token\":\"e30.eyJyb2xlcyI6WyJVc2VyLlJlYWQuQWxsIiwiQXVkaXRMb2cuUmVhZC5BbGwiXX0.s\"}");
    client_login(stage->client, stage->app, CLIENT_API_GRAPH, on_done, &answer);
    run(stage);
    assert_null(answer.failure);
    g_auto(GStrv) roles = client_app_roles(stage->app, CLIENT_API_GRAPH);
    assert_int_equal(g_strv_length(roles), 2);
    assert_string_equal(roles[0], "AuditLog.Read.All");
    assert_string_equal(roles[1], "User.Read.All");
    assert_null(client_app_roles(stage->app, CLIENT_API_MANAGEMENT));
    client_login(stage->client, stage->app, CLIENT_API_MANAGEMENT, on_done, &answer);
    run(stage);
    assert_null(answer.failure);
    assert_null(client_app_roles(stage->app, CLIENT_API_MANAGEMENT)); /* "token-1": opaque, and fine */
}

/* --- tokens that do not do ---------------------------------------------------------------------------------------- */

static void a_401_in_mid_paging_renews_the_token_once_and_repeats_the_url_q103(void **state)
{
    struct stage *stage = *state;
    struct answer answer;

    service_say(stage->service, users, 1, 401, "", answer_401);
    run_one(&answer, stage, "/v1.0/users?$skiptoken=abc");
    assert_page(&answer, 1);
    assert_int_equal(answer.attempts, 2);
    assert_int_equal(service_count(stage->service, tokens), 2);
    assert_int_equal(service_count(stage->service, "GET /v1.0/users?$skiptoken=abc "), 2);
    assert_non_null(strstr(service_request(stage->service, users, 1)->text, "Bearer token-2\r\n"));
    end(&answer);
}

static void a_second_401_in_a_row_ends_the_request_q103(void **state)
{
    struct stage *stage = *state;
    struct answer answer;

    service_say(stage->service, users, 9, 401, "x-ms-request-id: r-9\r\n", answer_401);
    run_one(&answer, stage, "/v1.0/users");
    assert_failed(&answer, CLIENT_CREDENTIALS, "InvalidAuthenticationToken");
    assert_int_equal(answer.failure->status, 401);
    assert_string_equal(answer.failure->request_id, "r-9");
    assert_non_null(answer.failure->hint);
    assert_int_equal(service_count(stage->service, users), 2);
    end(&answer);
}

static void requests_in_flight_together_renew_a_dead_token_once_q103(void **state)
{
    struct stage *stage = *state;
    struct answer first, answers[8];

    run_one(&first, stage, "/v1.0/users");
    end(&first);
    service_kill_token(stage->service, "Bearer token-1\r\n");
    for (int i = 0; i < 8; i++) {
        begin(&answers[i], stage);
        ask(&answers[i], "/v1.0/users");
    }
    run(stage);
    for (int i = 0; i < 8; i++) {
        assert_page(&answers[i], 1);
        end(&answers[i]);
    }
    assert_int_equal(service_count(stage->service, tokens), 2);
}

static void a_claims_challenge_is_answered_once_q124(void **state)
{
    /* {"access_token":{"nbf":{"essential":true,"value":"1"}}} */
    static const char challenge[] =
        "WWW-Authenticate: Bearer realm=\"\", error=\"insufficient_claims\", "
        "claims=\"eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZSwidmFsdWUiOiIxIn19fQ==\"\r\n";
    struct stage *stage = *state;
    struct answer answer;

    service_say(stage->service, users, 2, 401, challenge, "");
    run_one(&answer, stage, "/v1.0/users");
    assert_failed(&answer, CLIENT_CREDENTIALS, "http_401");
    assert_int_equal(service_count(stage->service, users), 2);
    assert_int_equal(service_count(stage->service, tokens), 2);
    assert_true(g_str_has_suffix(
        service_request(stage->service, tokens, 1)->text,
        "&claims=%7B%22access_token%22%3A%7B%22nbf%22%3A%7B%22essential%22%3Atrue%2C%22value%22%3A%221%22%7D%7D%7D"));
    end(&answer);
}

static void a_wrong_secret_is_told_with_its_mend_and_not_tried_again_soon_q106(void **state)
{
    struct stage *stage = *state;
    struct answer answer, waiting, login = {.stage = stage};

    service_say(stage->service, tokens, 9, 401, "",
                "{\"error\":\"invalid_client\",\"error_description\":\"AADSTS7000215: Invalid client secret provided: "
                "s~cret+/= or "
                "s~cret%2B%2F%3D.\\r\\nTrace ID: t-1\",\"error_codes\":[7000215],\"trace_id\":\"t-1\"}");
    begin(&waiting, stage);
    ask(&waiting, "/v1.0/users");
    run_one(&answer, stage, "/v1.0/users");
    assert_failed(&answer, CLIENT_CREDENTIALS, "AADSTS7000215");
    assert_failed(&waiting, CLIENT_CREDENTIALS, "AADSTS7000215");
    assert_non_null(strstr(answer.failure->message, "(secret)"));
    assert_non_null(strstr(answer.failure->hint, "Value"));
    assert_string_equal(answer.failure->request_id, "t-1");
    client_login(stage->client, stage->app, CLIENT_API_GRAPH, on_done, &login);
    run(stage);
    assert_failed(&login, CLIENT_CREDENTIALS, "AADSTS7000215");
    assert_int_equal(service_count(stage->service, tokens), 1);
    assert_int_equal(service_count(stage->service, users), 0);
    end(&answer);
    end(&waiting);
    client_failure_free(login.failure);
}

static void a_passing_trouble_of_the_token_endpoint_is_waited_out(void **state)
{
    struct stage *stage = *state;
    struct answer answer;

    service_say(stage->service, tokens, 1, 503, "", "");
    service_say(stage->service, tokens, 1, 429, "Retry-After: 5\r\n", "");
    service_say(stage->service, tokens, 1, 400, "", "{\"error\":\"temporarily_unavailable\"}");
    service_say(stage->service, tokens, 1, 200, "", "{\"access_token\":\"one\",\"access_token\":\"two\"}");
    run_one(&answer, stage, "/v1.0/users");
    assert_page(&answer, 1);
    assert_int_equal(service_count(stage->service, tokens), 5);
    end(&answer);
}

static void a_token_endpoint_that_gives_no_token_ends_those_who_wait(void **state)
{
    struct stage *stage = *state;
    struct answer answer;

    service_say(stage->service, tokens, 9, 200, "", "<html><title>Sign in to the network</title></html>");
    run_one(&answer, stage, "/v1.0/users");
    assert_failed(&answer, CLIENT_BAD_BODY, "bad_token");
    assert_int_equal(service_count(stage->service, tokens), 3);
    end(&answer);
}

/* --- throttling --------------------------------------------------------------------------------------------------- */

static void a_retry_after_holds_the_whole_family_but_no_other_q102(void **state)
{
    struct stage *stage = *state;
    struct answer throttled, same, other;
    g_autofree char *url = g_strconcat(stage->base_url, "/v1.0/reports", NULL);

    open_client(stage, "1790000000@1000@0", 0, false); /* 60 s are 60 ms */
    run_one(&other, stage, "/v1.0/first");
    end(&other);
    service_say(stage->service, users, 1, 429, "retry-after: 60\r\n",
                "{\"error\":{\"code\":\"TooManyRequests\",\"message\":\"\"}}");
    begin(&throttled, stage);
    ask(&throttled, "/v1.0/users");
    while (throttled.calls == 0 && client_app_wait(stage->app, CLIENT_FAMILY_DIRECTORY, NULL) <= 0)
        client_step(stage->client, 1);
    bool by_service = false;
    assert_true(client_app_wait(stage->app, CLIENT_FAMILY_DIRECTORY, &by_service) <= 60);
    assert_true(by_service || client_app_wait(stage->app, CLIENT_FAMILY_DIRECTORY, NULL) <= 0);
    begin(&same, stage);
    begin(&other, stage);
    ask(&same, "/v1.0/users");
    ask_as(&other, stage->app, CLIENT_API_GRAPH, CLIENT_FAMILY_REPORTS, url);
    run(stage);
    assert_page(&throttled, 1);
    assert_page(&same, 1);
    assert_page(&other, 1);
    assert_int_equal(throttled.throttled, 1);
    assert_int_equal(service_count(stage->service, users), 3);
    int64_t told_us = service_request(stage->service, users, 0)->at_us;
    assert_true(service_request(stage->service, users, 1)->at_us - told_us >= 60000);
    assert_true(service_request(stage->service, users, 2)->at_us - told_us >= 60000);
    end(&throttled);
    end(&same);
    end(&other);
}

static void waits_take_no_time_where_the_clock_stands(void **state)
{
    struct stage *stage = *state;
    struct answer answer;

    service_say(stage->service, users, 3, 429, "Retry-After: 200\r\n", "");
    run_one(&answer, stage, "/v1.0/users"); /* or the loop is found to hang */
    assert_page(&answer, 1);
    assert_int_equal(answer.attempts, 4);
    assert_int_equal(answer.throttled, 3);
    end(&answer);
}

static void a_wait_longer_than_the_budget_ends_the_request_and_those_behind_it(void **state)
{
    struct stage *stage = *state;
    struct answer answer, behind;

    open_client(stage, NULL, 0, false);
    service_say(stage->service, users, 1, 429, "Retry-After: 3000\r\n", "");
    run_one(&answer, stage, "/v1.0/users");
    assert_failed(&answer, CLIENT_LATER, "http_429");
    run_one(&behind, stage, "/v1.0/users");
    assert_failed(&behind, CLIENT_LATER, "throttled");
    assert_int_equal(behind.attempts, 0);
    assert_int_equal(service_count(stage->service, users), 1);
    end(&answer);
    end(&behind);
}

static void a_throttling_code_under_403_is_no_missing_permission_q100(void **state)
{
    struct stage *stage = *state;
    struct answer answer;

    service_say(stage->service, users, 1, 403, "",
                "{\"error\":{\"code\":\"AF429\",\"message\":\"Too many requests.\"}}");
    run_one(&answer, stage, "/v1.0/users");
    assert_page(&answer, 1);
    assert_int_equal(answer.throttled, 1);
    end(&answer);
}

static void reports_go_out_five_in_ten_seconds(void **state)
{
    struct stage *stage = *state;
    struct answer answers[12];
    g_autofree char *url = g_strconcat(stage->base_url, "/v1.0/reports", NULL);
    int64_t begun_us = g_get_monotonic_time();

    open_client(stage, "1790000000@1000@0", 0, true); /* 10 s are 10 ms */
    for (int i = 0; i < 12; i++) {
        begin(&answers[i], stage);
        ask_as(&answers[i], stage->app, CLIENT_API_GRAPH, CLIENT_FAMILY_REPORTS, url);
    }
    run(stage);
    for (int i = 0; i < 12; i++) {
        assert_page(&answers[i], 1);
        end(&answers[i]);
    }
    assert_true(g_get_monotonic_time() - begun_us >= 20000);
}

/* --- broken answers ----------------------------------------------------------------------------------------------- */

static void say_raw(struct stage *stage, unsigned times, const char *text, enum service_manner manner)
{
    for (unsigned i = 0; i < times; i++)
        service_raw(stage->service, users, text, strlen(text), manner);
}

static void a_truncated_body_is_never_a_page_q50(void **state)
{
    static const char *const cut[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"value\":[{\"id\":\"1\"}",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n11\r\n{\"value\":[{\"id\":\"\r\n",
        "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{\"value\":[{\"id\":\"1\"}",
    };
    struct stage *stage = *state;

    for (size_t i = 0; i < G_N_ELEMENTS(cut); i++) {
        struct answer once, always;
        say_raw(stage, 1, cut[i], SERVICE_CLOSE);
        run_one(&once, stage, "/v1.0/users");
        assert_page(&once, 1);
        assert_int_equal(once.attempts, 2);
        say_raw(stage, 3, cut[i], SERVICE_CLOSE);
        run_one(&always, stage, "/v1.0/users");
        assert_non_null(always.failure);
        assert_int_equal(always.failure->verdict, CLIENT_BAD_BODY);
        assert_int_equal(always.attempts, 3);
        assert_null(strstr(always.failure->message, "id")); /* nothing of the records */
        end(&once);
        end(&always);
    }
}

static void empty_and_foreign_bodies_under_200_are_retried_and_then_refused_q49(void **state)
{
    static const struct {
        const char *body, *code, *words;
    } rows[] = {
        {"", "bad_body", "HTTP 200"},
        {"<html><head><title>Welcome to the airport</title></head></html>", "bad_body", "Welcome to the airport"},
        {"{\"no_value\":1}", "bad_body", "HTTP 200"},
        {"{\"value\":[]} trailing", "bad_body", "HTTP 200"},
        {"{\"error\":{\"code\":\"UnknownError\",\"message\":\"Oh.\"}}", "UnknownError", "Oh."},
    };
    struct stage *stage = *state;

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct answer answer;
        service_say(stage->service, users, 3, 200, "", rows[i].body);
        run_one(&answer, stage, "/v1.0/users");
        assert_failed(&answer, CLIENT_BAD_BODY, rows[i].code);
        assert_non_null(strstr(answer.failure->message, rows[i].words));
        assert_int_equal(answer.attempts, 3);
        end(&answer);
    }
}

static void an_error_object_under_200_is_handled_by_its_code_q3(void **state)
{
    struct stage *stage = *state;
    struct answer answer;

    service_say(stage->service, users, 1, 200, "", answer_401);
    service_say(stage->service, users, 1, 200, "Retry-After: 9\r\n", "{\"error\":{\"code\":\"TooManyRequests\"}}");
    run_one(&answer, stage, "/v1.0/users");
    assert_page(&answer, 1);
    assert_int_equal(answer.throttled, 1);
    assert_int_equal(service_count(stage->service, tokens), 2);
    end(&answer);
}

/* Only an error object may speak: what is a page of records but for its links has people's data in it. */
static void no_record_of_a_page_with_a_bad_link_gets_into_a_message(void **state)
{
    struct stage *stage = *state;
    static const size_t sizes[] = {10, 1000, 300 * 1000}; /* the last: above what is read of an error's words */

    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
        g_autofree char *name = g_strnfill(sizes[i], 'n');
        g_autofree char *body =
            g_strdup_printf("{\"@odata.nextLink\":1,\"value\":[{\"message\":\"%s\",\"code\":\"%s\"}]}", name, name);
        struct answer answer;
        service_say(stage->service, users, 3, 200, "", body);
        run_one(&answer, stage, "/v1.0/users");
        assert_failed(&answer, CLIENT_BAD_BODY, "bad_body");
        assert_null(strstr(answer.failure->message, "nnnn"));
        assert_non_null(strstr(answer.failure->message, "link to what follows"));
        assert_int_equal(answer.attempts, 3);
        end(&answer);
    }
}

static void a_reset_and_a_dead_kept_connection_are_tried_again_at_once_q115(void **state)
{
    struct stage *stage = *state;
    struct answer answer;

    open_client(stage, NULL, 0, false); /* a real back-off would be seen as up to 2 s, and often */
    for (int i = 0; i < 3; i++) {
        say_raw(stage, 1, "", SERVICE_RESET);
        run_one(&answer, stage, "/v1.0/users");
        assert_page(&answer, 1);
        end(&answer);
        say_raw(stage, 1, "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n{\"value\":[]}", SERVICE_CLOSE);
        run_one(&answer, stage, "/v1.0/users");
        assert_page(&answer, 0);
        end(&answer);
    }
}

static void a_503_is_retried_on_a_new_connection_q101(void **state)
{
    struct stage *stage = *state;
    struct answer answer;

    service_say(stage->service, users, 1, 503, "", "<html><title>Service Unavailable</title></html>");
    run_one(&answer, stage, "/v1.0/users");
    assert_page(&answer, 1);
    assert_int_equal(service_connections(stage->service), 2);
    end(&answer);
}

static void an_outage_is_told_once_and_once_that_it_is_over(void **state)
{
    static const char *const path[] = {"/v1.0/users", NULL}, *const twice[] = {"/v1.0/users", "/v1.0/users", NULL};
    static const char again[] = "tried again, up to 8 times", over[] = "answers again";
    struct stage *stage = *state;
    g_autofree char *host = g_strdup_printf("host=127.0.0.1:%d", stage->service->port);

    service_say(stage->service, users, 3, 503, "", "{\"error\":{\"code\":\"x\",\"message\":\"Busy now.\"}}");
    service_say(stage->service, users, 1, 200, "", "{\"value\":[]}");
    service_say(stage->service, users, 1, 502, "", "");
    g_autofree char *debug = logged(stage, LOG_LEVEL_DEBUG, twice);
    assert_int_equal(occurrences(debug, again), 2); /* two outages, of three answers and of one */
    assert_int_equal(occurrences(debug, over), 2);
    assert_int_equal(occurrences(debug, host), 4);
    assert_non_null(strstr(debug, "HTTP 503: Busy now. It is"));

    service_say(stage->service, users, 8, 504, "", "");
    g_autofree char *lasting = logged(stage, LOG_LEVEL_DEBUG, twice);
    assert_int_equal(occurrences(lasting, again), 1); /* the second request finds it over */
    assert_int_equal(occurrences(lasting, over), 1);

    service_say(stage->service, users, 2, 503, "", "");
    g_autofree char *info = logged(stage, LOG_LEVEL_INFO, path);
    assert_string_equal(info, "");
}

static void a_host_that_cannot_be_reached_is_told_once_by_name_and_when_it_is_back(void **state)
{
    static const char *const path[] = {"/v1.0/users", NULL};
    struct stage *stage = *state;

    say_raw(stage, 1, "", SERVICE_RESET);
    g_autofree char *hiccup = logged(stage, LOG_LEVEL_INFO, path);
    assert_string_equal(hiccup, "");

    say_raw(stage, 4, "", SERVICE_RESET);
    g_autofree char *outage = logged(stage, LOG_LEVEL_WARN, path);
    g_autofree char *words = g_strdup_printf("msg=\"127.0.0.1:%d cannot be reached (", stage->service->port);
    g_autofree char *back = g_strdup_printf("msg=\"The host answers again.\" customer=contoso tenant=tenant "
                                            "host=127.0.0.1:%d\n",
                                            stage->service->port);
    assert_int_equal(occurrences(outage, "level=warn"), 2);
    assert_int_equal(occurrences(outage, words), 1);
    assert_int_equal(occurrences(outage, "It is tried again, up to 8 times in all."), 1);
    assert_int_equal(occurrences(outage, "customer=contoso"), 2);
    assert_true(g_str_has_suffix(outage, back));

    say_raw(stage, 4, "", SERVICE_RESET); /* once in a client's life */
    g_autofree char *again = logged(stage, LOG_LEVEL_INFO, path);
    assert_string_equal(again, "");
    say_raw(stage, 4, "", SERVICE_RESET);
    g_autofree char *debug = logged(stage, LOG_LEVEL_DEBUG, path);
    assert_int_equal(occurrences(debug, "It is tried again"), 1);
    assert_int_equal(occurrences(debug, "answers again"), 1);
}

static void many_requests_to_a_dead_host_are_one_line_for_each_customer(void **state)
{
    struct stage *stage = *state;
    struct client_app_options options = {.tenant_id = "tenant", .client_id = "app", .client_secret = "s~cret+/="};
    static const char *const customers[] = {"fabrikam", "contoso"};
    struct answer answers[2][5];
    struct log_ear ear;

    options.login_url = options.graph_url = options.manage_url = "http://127.0.0.1:1";
    listen_to_log(&ear, stage, LOG_LEVEL_INFO);
    for (int i = 0; i < 2; i++) {
        options.name = customers[i];
        struct client_app *app = client_app_new(stage->client, &options);
        for (int j = 0; j < 5; j++) {
            begin(&answers[i][j], stage);
            ask_as(&answers[i][j], app, CLIENT_API_GRAPH, CLIENT_FAMILY_DIRECTORY, "http://127.0.0.1:1/v1.0/users");
        }
    }
    run(stage);
    g_autofree char *log = take_log(&ear);
    assert_int_equal(occurrences(log, "127.0.0.1:1 cannot be reached ("), 2);
    assert_int_equal(occurrences(log, "customer=fabrikam"), 1);
    assert_int_equal(occurrences(log, "customer=contoso"), 1);
    assert_int_equal(occurrences(log, "\n"), 2);
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 5; j++) {
            assert_failed(&answers[i][j], CLIENT_LATER, "connect");
            end(&answers[i][j]);
        }
}

static void errors_that_do_not_end_are_given_up_with_what_the_service_said_q101(void **state)
{
    struct stage *stage = *state;
    struct answer slow, later;

    service_say(stage->service, users, 8, 504, "request-id: r-504\r\n", "");
    run_one(&slow, stage, "/v1.0/users");
    assert_failed(&slow, CLIENT_SLOW, "http_504");
    assert_int_equal(slow.attempts, 8);
    assert_string_equal(slow.failure->request_id, "r-504");
    service_say(stage->service, users, 8, 502, "", "<html><title>Bad Gateway</title></html>");
    run_one(&later, stage, "/v1.0/users");
    assert_failed(&later, CLIENT_LATER, "http_502");
    assert_non_null(strstr(later.failure->message, "Bad Gateway"));
    end(&slow);
    end(&later);
}

static void an_error_whose_body_is_cut_counts_by_its_status_and_headers_q97(void **state)
{
    static const char cut[] = "HTTP/1.1 429 Slow\r\nRetry-After: 2000\r\nContent-Length: 500\r\n\r\n{\"error\"";
    struct stage *stage = *state;
    struct answer answer;

    say_raw(stage, 1, cut, SERVICE_CLOSE);
    run_one(&answer, stage, "/v1.0/users");
    assert_non_null(answer.failure);
    assert_int_equal(answer.failure->status, 429);
    assert_int_equal(answer.failure->verdict, CLIENT_LATER);
    end(&answer);
}

static const uint8_t zipped[] = {0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xab, 0x56,
                                 0x2a, 0x4b, 0xcc, 0x29, 0x4d, 0x55, 0xb2, 0x8a, 0xae, 0x56, 0xca, 0x4c,
                                 0x51, 0xb2, 0x52, 0xaa, 0xca, 0x2c, 0x28, 0x48, 0x4d, 0x51, 0xaa, 0x8d,
                                 0xad, 0x05, 0x00, 0xff, 0x9e, 0xa1, 0x69, 0x1b, 0x00, 0x00, 0x00};

static const uint8_t bomb[] = {0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xed, 0xc1, 0xb1, 0x11, 0x00,
                               0x10, 0x00, 0x04, 0xb0, 0x5d, 0x7e, 0x0c, 0xab, 0x38, 0x85, 0x42, 0xa7, 0xa5, 0x71, 0x76,
                               0x37, 0x85, 0x2e, 0xc9, 0xc9, 0xee, 0x73, 0x8d, 0x94, 0x9a, 0x0e, 0x00, 0x00, 0x00, 0x00,
                               0x7c, 0x97, 0x76, 0x1f, 0x0c, 0x53, 0xa8, 0xfc, 0x96, 0x13, 0x00, 0x00};

static void say_zipped(struct stage *stage, const uint8_t *bytes, size_t length, enum service_manner manner)
{
    g_autofree char *head =
        g_strdup_printf("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %zu\r\n\r\n", length);
    g_autoptr(GByteArray) all = g_byte_array_new();

    g_byte_array_append(all, (const uint8_t *)head, (guint)strlen(head));
    g_byte_array_append(all, bytes, (guint)length);
    service_raw(stage->service, users, all->data, all->len, manner);
}

static void gzip_is_inflated_under_the_pages_limit_q51(void **state)
{
    struct stage *stage = *state;
    struct answer good, burst, cut;

    say_zipped(stage, zipped, sizeof zipped, SERVICE_KEEP);
    run_one(&good, stage, "/v1.0/users");
    assert_page(&good, 1);
    assert_int_equal(good.body_bytes, 27);

    say_zipped(stage, bomb, sizeof bomb, SERVICE_KEEP); /* 5 KB from less than 100 bytes */
    begin(&burst, stage);
    json_page_free(burst.page);
    burst.page = json_page_new(false, 1000);
    ask(&burst, "/v1.0/users");
    run(stage);
    assert_failed(&burst, CLIENT_BAD_BODY, "too_large");
    assert_int_equal(burst.attempts, 1);
    assert_non_null(burst.failure->hint);

    for (int i = 0; i < 3; i++)
        say_zipped(stage, zipped, sizeof zipped - 25, SERVICE_KEEP);
    run_one(&cut, stage, "/v1.0/users");
    assert_non_null(cut.failure);
    assert_int_equal(cut.failure->verdict, CLIENT_BAD_BODY);
    end(&good);
    end(&burst);
    end(&cut);
}

/* --- refusals ----------------------------------------------------------------------------------------------------- */

static void a_redirect_is_never_followed_q9(void **state)
{
    struct stage *stage = *state;
    struct answer away, near;
    g_autofree char *here = g_strdup_printf("Location: %s/elsewhere\r\n", stage->base_url);

    service_say(stage->service, users, 1, 302, "Location: https://evil.test/v1.0/users\r\n", "");
    run_one(&away, stage, "/v1.0/users");
    assert_failed(&away, CLIENT_SECURITY, "http_302");
    service_say(stage->service, users, 1, 307, here, "");
    run_one(&near, stage, "/v1.0/users");
    assert_failed(&near, CLIENT_REFUSED, "http_307");
    assert_int_equal(service_count(stage->service, "GET /elsewhere"), 0);
    end(&away);
    end(&near);
}

static void nothing_is_sent_where_the_token_does_not_belong_q6(void **state)
{
    struct stage *stage = *state;
    struct service *stranger = service_start();
    g_autofree char *url = g_strdup_printf("http://127.0.0.1:%d/v1.0/users", stranger->port);
    struct answer answer, relative;

    begin(&answer, stage);
    ask_as(&answer, stage->app, CLIENT_API_GRAPH, CLIENT_FAMILY_DIRECTORY, url);
    begin(&relative, stage);
    ask_as(&relative, stage->app, CLIENT_API_GRAPH, CLIENT_FAMILY_DIRECTORY, "/v1.0/users");
    assert_int_equal(answer.calls, 0); /* only from client_step */
    run(stage);
    assert_failed(&answer, CLIENT_SECURITY, "foreign_link");
    assert_failed(&relative, CLIENT_LINK, "relative_link");
    assert_int_equal(service_connections(stranger), 0);
    assert_int_equal(service_connections(stage->service), 0);
    end(&answer);
    end(&relative);
    service_stop(stranger);
}

static void a_403_names_the_permission_and_ends_only_its_request_q107(void **state)
{
    struct stage *stage = *state;
    struct answer denied, other;

    service_say(stage->service, users, 1, 403, "request-id: r-403\r\n",
                "{\"error\":{\"code\":\"Authorization_RequestDenied\",\"message\":\"Insufficient privileges.\"}}");
    run_one(&denied, stage, "/v1.0/users");
    assert_failed(&denied, CLIENT_FORBIDDEN, "Authorization_RequestDenied");
    assert_non_null(strstr(denied.failure->hint, "User.Read.All"));
    assert_non_null(strstr(denied.failure->message, "/v1.0/users answered HTTP 403: Insufficient privileges."));
    assert_string_equal(denied.failure->request_id, "r-403");
    run_one(&other, stage, "/v1.0/users");
    assert_page(&other, 1);
    end(&denied);
    end(&other);
}

static void a_licence_error_is_believed_the_third_time_q108(void **state)
{
    static const char body[] =
        "{\"error\":{\"code\":\"Authentication_RequestFromNonPremiumTenantOrB2CTenant\",\"message\":\"No.\"}}";
    struct stage *stage = *state;
    struct answer lucky, unlicensed;

    service_say(stage->service, users, 2, 403, "", body);
    run_one(&lucky, stage, "/v1.0/users");
    assert_page(&lucky, 1);
    service_say(stage->service, users, 3, 403, "", body);
    run_one(&unlicensed, stage, "/v1.0/users");
    assert_failed(&unlicensed, CLIENT_UNAVAILABLE, "Authentication_RequestFromNonPremiumTenantOrB2CTenant");
    end(&lucky);
    end(&unlicensed);
}

static void a_stale_link_is_tried_three_times_q16(void **state)
{
    struct stage *stage = *state;
    struct answer answer;

    service_say(stage->service, users, 3, 400, "",
                "{\"error\":{\"code\":\"\",\"message\":\"Invalid Skip Token, skip token is null\"}}");
    run_one(&answer, stage, "/v1.0/users?$skiptoken=x");
    assert_failed(&answer, CLIENT_LINK, "http_400");
    assert_int_equal(answer.attempts, 3);
    end(&answer);
}

static void a_delta_link_whose_state_is_gone_is_given_up_at_once_q90(void **state)
{
    static const struct {
        int status;
        const char *code;
    } rows[] = {
        {410, ""},
        {410, "SyncStateNotFound"},
        {410, "resyncRequired"},
        {410, "Directory_ExpiredPageToken"},
        {400, "syncStateNotFound"},
        {404, "SyncStateNotFound"},
    };
    struct stage *stage = *state;

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct answer answer;
        g_autofree char *body =
            g_strdup_printf("{\"error\":{\"code\":\"%s\",\"message\":\"generation=149;[highest=9]\"}}", rows[i].code);
        service_say(stage->service, users, 1, rows[i].status, "", body);
        run_one(&answer, stage, "/v1.0/users/delta?$deltatoken=x");
        assert_failed(&answer, CLIENT_LINK, *rows[i].code ? rows[i].code : "http_410");
        assert_int_equal(answer.failure->status, rows[i].status);
        assert_int_equal(answer.attempts, 1);
        end(&answer);
    }
}

static void a_refused_property_is_told_at_once_by_its_name_however_long_the_url_q95(void **state)
{
    static const struct {
        int status;
        const char *code, *words;
    } rows[] = {
        {501, "NotImplemented", "The property 'mailboxSettings' cannot be listed."},
        {400, "BadRequest", "Could not find a property named 'mailboxSettings' on type 'microsoft.graph.user'."},
        {501, "NotImplemented",
         "The request cannot be answered in the way it was asked, because not everything that it names can be had in a "
         "list of this kind and of this size today, above all not 'mailboxSettings', which is to be asked for alone, "
         "one object at a time, by its own address, and with a permission of its own that not everybody has."},
    };
    struct stage *stage = *state;
    g_autofree char *segment = g_strnfill(300, 's');
    g_autofree char *path = g_strconcat("/v1.0/users/", segment, "?$select=id,mailboxSettings", NULL);

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct answer answer;
        g_autofree char *body =
            g_strdup_printf("{\"error\":{\"code\":\"%s\",\"message\":\"%s\"}}", rows[i].code, rows[i].words);
        service_say(stage->service, users, 1, rows[i].status, "", body);
        run_one(&answer, stage, path);
        assert_failed(&answer, CLIENT_REFUSED, rows[i].code);
        assert_int_equal(answer.attempts, 1);
        assert_non_null(strstr(answer.failure->message, "'mailboxSettings'"));
        end(&answer);
    }
}

static void what_the_answer_repeats_of_our_token_is_not_passed_on(void **state)
{
    struct stage *stage = *state;
    struct answer answer;

    service_say(stage->service, users, 1, 404, "", "no such thing, said Authorization: Bearer token-1");
    run_one(&answer, stage, "/v1.0/users");
    assert_failed(&answer, CLIENT_REFUSED, "http_404");
    assert_non_null(strstr(answer.failure->message, "Bearer (secret)"));
    end(&answer);
}

/* --- the network -------------------------------------------------------------------------------------------------- */

static void a_silent_service_is_given_up_and_delays_no_other_app_q102(void **state)
{
    struct stage *stage = *state;
    struct service *silent = service_start();
    g_autofree char *silent_url = g_strdup_printf("http://127.0.0.1:%d", silent->port);
    g_autofree char *url = g_strconcat(silent_url, "/v1.0/users", NULL);
    struct client_app_options options = {.tenant_id = "tenant", .client_id = "app", .client_secret = "s~cret+/="};
    struct answer stalled, quick;

    open_client(stage, "1790000000@0@0", 100, false);
    options.login_url = options.graph_url = options.manage_url = silent_url;
    struct client_app *app = client_app_new(stage->client, &options);
    for (int i = 0; i < 8; i++)
        service_raw(silent, users, "HTTP/1.1 200 OK\r\n", 17, SERVICE_STALL);
    begin(&stalled, stage);
    ask_as(&stalled, app, CLIENT_API_GRAPH, CLIENT_FAMILY_DIRECTORY, url);
    begin(&quick, stage);
    ask(&quick, "/v1.0/users");
    run(stage);
    assert_page(&quick, 1);
    assert_failed(&stalled, CLIENT_SLOW, "timeout");
    assert_int_equal(stalled.attempts, 3);
    assert_true(quick.done_us < stalled.done_us);
    end(&stalled);
    end(&quick);
    client_free(stage->client);
    stage->client = NULL;
    service_stop(silent);
}

static void nobody_listening_is_a_network_failure_with_a_hint_q116(void **state)
{
    struct stage *stage = *state;
    struct answer answer = {.stage = stage};
    struct client_app_options options = {.tenant_id = "tenant", .client_id = "app", .client_secret = "s~cret+/="};

    options.login_url = options.graph_url = options.manage_url = "http://127.0.0.1:1";
    client_login(stage->client, client_app_new(stage->client, &options), CLIENT_API_GRAPH, on_done, &answer);
    run(stage);
    assert_failed(&answer, CLIENT_LATER, "connect");
    assert_int_equal(answer.failure->status, 0);
    assert_int_equal(answer.attempts, 8);
    assert_non_null(answer.failure->hint);
    client_failure_free(answer.failure);
}

static void a_server_without_tls_gets_no_request_over_https_q117(void **state)
{
    struct stage *stage = *state;
    struct answer answer = {.stage = stage};
    struct client_app_options options = {.tenant_id = "tenant", .client_id = "app", .client_secret = "s~cret+/="};
    g_autofree char *url = g_strdup_printf("https://127.0.0.1:%d", stage->service->port);

    options.login_url = options.graph_url = options.manage_url = url;
    client_login(stage->client, client_app_new(stage->client, &options), CLIENT_API_GRAPH, on_done, &answer);
    run(stage);
    assert_non_null(answer.failure);
    assert_int_equal(answer.failure->verdict, CLIENT_LATER);
    assert_int_equal(service_count(stage->service, ""), 0);
    client_failure_free(answer.failure);
}

static void plain_http_to_this_machine_passes_no_proxy(void **state)
{
    struct stage *stage = *state;
    struct answer answer;

    g_setenv("http_proxy", "http://127.0.0.1:1", TRUE);
    g_setenv("ALL_PROXY", "http://127.0.0.1:1", TRUE);
    run_one(&answer, stage, "/v1.0/users");
    g_unsetenv("http_proxy");
    g_unsetenv("ALL_PROXY");
    assert_page(&answer, 1);
    end(&answer);
}

/* --- waking and ending -------------------------------------------------------------------------------------------- */

static void cancelling_ends_waits_and_transfers_at_once_q102(void **state)
{
    struct stage *stage = *state;
    struct answer waiting, flying, queued;
    g_autofree char *url = g_strconcat(stage->base_url, "/v1.0/reports", NULL);

    open_client(stage, NULL, 0, false);
    service_say(stage->service, users, 1, 429, "Retry-After: 800\r\n", "");
    service_raw(stage->service, "GET /v1.0/reports", "", 0, SERVICE_STALL);
    begin(&waiting, stage);
    begin(&flying, stage);
    ask(&waiting, "/v1.0/users");
    ask_as(&flying, stage->app, CLIENT_API_GRAPH, CLIENT_FAMILY_REPORTS, url);
    while (client_app_wait(stage->app, CLIENT_FAMILY_DIRECTORY, NULL) <= 0 ||
           service_count(stage->service, "GET /v1.0/reports") == 0)
        client_step(stage->client, 10);
    begin(&queued, stage);
    ask(&queued, "/v1.0/users");
    client_cancel(stage->client);
    assert_int_equal(waiting.calls + flying.calls + queued.calls, 0);
    client_step(stage->client, 60000);
    assert_int_equal(client_pending(stage->client), 0);
    assert_failed(&waiting, CLIENT_CANCELLED, "cancelled");
    assert_failed(&flying, CLIENT_CANCELLED, "cancelled");
    assert_failed(&queued, CLIENT_CANCELLED, "cancelled");
    end(&waiting);
    end(&flying);
    end(&queued);
}

static void a_client_goes_on_after_a_cancel_even_one_during_login(void **state)
{
    struct stage *stage = *state;
    struct answer cancelled, answer;

    service_raw(stage->service, tokens, "", 0, SERVICE_STALL);
    begin(&cancelled, stage);
    ask(&cancelled, "/v1.0/users");
    while (service_count(stage->service, tokens) == 0)
        client_step(stage->client, 10);
    client_cancel(stage->client);
    run(stage);
    assert_failed(&cancelled, CLIENT_CANCELLED, "cancelled");
    run_one(&answer, stage, "/v1.0/users");
    assert_page(&answer, 1);
    end(&cancelled);
    end(&answer);
}

static void a_client_may_be_freed_with_requests_in_flight_and_none_is_done(void **state)
{
    struct stage *stage = *state;
    struct answer flying, queued;

    service_raw(stage->service, users, "", 0, SERVICE_STALL);
    begin(&flying, stage);
    begin(&queued, stage);
    ask(&flying, "/v1.0/users");
    while (service_count(stage->service, users) == 0)
        client_step(stage->client, 10);
    ask(&queued, "/v1.0/users");
    client_free(stage->client);
    stage->client = NULL;
    assert_int_equal(flying.calls + queued.calls, 0);
    end(&flying);
    end(&queued);
    client_free(NULL);
}

static void *wake(void *client)
{
    client_wake(client);
    return NULL;
}

static void another_thread_wakes_a_step_that_waits(void **state)
{
    struct stage *stage = *state;

    for (int i = 0; i < 20; i++) {
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, wake, stage->client), 0);
        client_step(stage->client, 600000);
        pthread_join(thread, NULL);
    }
}

static void a_readable_wake_fd_makes_a_step_return(void **state)
{
    struct stage *stage = *state;
    int ends[2];

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    struct client_options options = {.clock = &stage->clock, .wake_fd = ends[0]};
    client_free(stage->client);
    stage->client = client_new(&options, NULL);
    assert_int_equal(write(ends[1], "x", 1), 1);
    client_step(stage->client, 600000);
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_page_is_fetched_with_a_token_and_all_headers_q15, setup, teardown),
        cmocka_unit_test_setup_teardown(a_url_is_sent_byte_for_byte_however_long_q13, setup, teardown),
        cmocka_unit_test_setup_teardown(each_attempt_has_a_fresh_client_request_id_and_the_same_headers_q15, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(pages_are_chained_from_inside_done_on_one_connection_q20, setup, teardown),
        cmocka_unit_test_setup_teardown(many_requests_share_one_token_request_q104, setup, teardown),
        cmocka_unit_test_setup_teardown(graph_and_management_have_tokens_of_their_own_q105, setup, teardown),
        cmocka_unit_test_setup_teardown(a_login_gets_the_token_and_the_services_time_q36, setup, teardown),
        cmocka_unit_test_setup_teardown(the_clocks_skew_is_known_from_the_first_answer_on, setup, teardown),
        cmocka_unit_test_setup_teardown(a_body_that_takes_long_does_not_put_the_services_clock_back, setup, teardown),
        cmocka_unit_test_setup_teardown(the_roles_of_the_token_are_those_of_its_api, setup, teardown),
        cmocka_unit_test_setup_teardown(a_token_past_its_end_is_replaced_before_it_is_sent_q104, setup, teardown),
        cmocka_unit_test_setup_teardown(a_401_in_mid_paging_renews_the_token_once_and_repeats_the_url_q103, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_second_401_in_a_row_ends_the_request_q103, setup, teardown),
        cmocka_unit_test_setup_teardown(requests_in_flight_together_renew_a_dead_token_once_q103, setup, teardown),
        cmocka_unit_test_setup_teardown(a_claims_challenge_is_answered_once_q124, setup, teardown),
        cmocka_unit_test_setup_teardown(a_wrong_secret_is_told_with_its_mend_and_not_tried_again_soon_q106, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_passing_trouble_of_the_token_endpoint_is_waited_out, setup, teardown),
        cmocka_unit_test_setup_teardown(a_token_endpoint_that_gives_no_token_ends_those_who_wait, setup, teardown),
        cmocka_unit_test_setup_teardown(a_retry_after_holds_the_whole_family_but_no_other_q102, setup, teardown),
        cmocka_unit_test_setup_teardown(waits_take_no_time_where_the_clock_stands, setup, teardown),
        cmocka_unit_test_setup_teardown(a_wait_longer_than_the_budget_ends_the_request_and_those_behind_it, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_throttling_code_under_403_is_no_missing_permission_q100, setup, teardown),
        cmocka_unit_test_setup_teardown(reports_go_out_five_in_ten_seconds, setup, teardown),
        cmocka_unit_test_setup_teardown(a_truncated_body_is_never_a_page_q50, setup, teardown),
        cmocka_unit_test_setup_teardown(empty_and_foreign_bodies_under_200_are_retried_and_then_refused_q49, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(an_error_object_under_200_is_handled_by_its_code_q3, setup, teardown),
        cmocka_unit_test_setup_teardown(no_record_of_a_page_with_a_bad_link_gets_into_a_message, setup, teardown),
        cmocka_unit_test_setup_teardown(a_reset_and_a_dead_kept_connection_are_tried_again_at_once_q115, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_503_is_retried_on_a_new_connection_q101, setup, teardown),
        cmocka_unit_test_setup_teardown(an_outage_is_told_once_and_once_that_it_is_over, setup, teardown),
        cmocka_unit_test_setup_teardown(a_host_that_cannot_be_reached_is_told_once_by_name_and_when_it_is_back, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(many_requests_to_a_dead_host_are_one_line_for_each_customer, setup, teardown),
        cmocka_unit_test_setup_teardown(errors_that_do_not_end_are_given_up_with_what_the_service_said_q101, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(an_error_whose_body_is_cut_counts_by_its_status_and_headers_q97, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(gzip_is_inflated_under_the_pages_limit_q51, setup, teardown),
        cmocka_unit_test_setup_teardown(a_redirect_is_never_followed_q9, setup, teardown),
        cmocka_unit_test_setup_teardown(nothing_is_sent_where_the_token_does_not_belong_q6, setup, teardown),
        cmocka_unit_test_setup_teardown(a_403_names_the_permission_and_ends_only_its_request_q107, setup, teardown),
        cmocka_unit_test_setup_teardown(a_licence_error_is_believed_the_third_time_q108, setup, teardown),
        cmocka_unit_test_setup_teardown(a_stale_link_is_tried_three_times_q16, setup, teardown),
        cmocka_unit_test_setup_teardown(a_delta_link_whose_state_is_gone_is_given_up_at_once_q90, setup, teardown),
        cmocka_unit_test_setup_teardown(a_refused_property_is_told_at_once_by_its_name_however_long_the_url_q95, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_the_answer_repeats_of_our_token_is_not_passed_on, setup, teardown),
        cmocka_unit_test_setup_teardown(a_silent_service_is_given_up_and_delays_no_other_app_q102, setup, teardown),
        cmocka_unit_test_setup_teardown(nobody_listening_is_a_network_failure_with_a_hint_q116, setup, teardown),
        cmocka_unit_test_setup_teardown(a_server_without_tls_gets_no_request_over_https_q117, setup, teardown),
        cmocka_unit_test_setup_teardown(plain_http_to_this_machine_passes_no_proxy, setup, teardown),
        cmocka_unit_test_setup_teardown(cancelling_ends_waits_and_transfers_at_once_q102, setup, teardown),
        cmocka_unit_test_setup_teardown(a_client_goes_on_after_a_cancel_even_one_during_login, setup, teardown),
        cmocka_unit_test_setup_teardown(a_client_may_be_freed_with_requests_in_flight_and_none_is_done, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(another_thread_wakes_a_step_that_waits, setup, teardown),
        cmocka_unit_test_setup_teardown(a_readable_wake_fd_makes_a_step_return, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
