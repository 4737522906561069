/* A POST is sent at most once: what counts as sent, what as refused, and when nobody knows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glib.h>
#include <netinet/in.h>

#include "stage.h"

static const char send_mail[] = "POST /v1.0/users/desk/sendMail";
static const char path[] = "/v1.0/users/desk/sendMail";
static const char tokens[] = "POST /tenant/oauth2/v2.0/token";
static const char accepted[] = "HTTP/1.1 202 Accepted\r\nrequest-id: r-9\r\nContent-Length: 0\r\n\r\n";

/* What came of one POST, and how often its first byte was about to be sent. */
struct mail {
    struct answer answer;
    unsigned begun;
    bool held_back;
};

static void on_posted(const struct client_result *result, void *user)
{
    struct mail *mail = user;

    on_done(result, &mail->answer);
}

static bool on_begin(void *user)
{
    struct mail *mail = user;

    mail->begun++;
    return !mail->held_back;
}

static void post_as(struct mail *mail, struct stage *stage, struct client_app *app, const char *url, const char *body,
                    size_t length)
{
    g_autoptr(GBytes) bytes = g_bytes_new(body, length);
    const struct client_request request = {
        .app = app,
        .api = CLIENT_API_GRAPH,
        .family = CLIENT_FAMILY_MAIL,
        .url = url,
        .body = bytes,
        .content_type = "text/plain",
        .begin = on_begin,
        .permission = "Mail.Send",
        .done = on_posted,
        .user = mail,
    };

    mail->answer.stage = stage;
    client_start(stage->client, &request);
}

static void post(struct mail *mail, struct stage *stage, const char *body)
{
    g_autofree char *url = g_strconcat(stage->base_url, path, NULL);

    post_as(mail, stage, stage->app, url, body, strlen(body));
}

static void run_post(struct mail *mail, struct stage *stage)
{
    post(mail, stage, "TWVzc2FnZQ==");
    run(stage);
    assert_int_equal(mail->answer.calls, 1);
}

static void end_mail(struct mail *mail)
{
    end(&mail->answer);
}

static void reply(struct stage *stage, const char *bytes, enum service_manner manner)
{
    service_raw(stage->service, send_mail, bytes, strlen(bytes), manner);
}

/* --- what is sent ------------------------------------------------------------------------------------------------- */

static void a_post_carries_its_body_with_a_length_a_type_and_a_token(void **state)
{
    struct stage *stage = *state;
    struct mail mail = {0};

    reply(stage, accepted, SERVICE_KEEP);
    run_post(&mail, stage);
    assert_null(mail.answer.failure);
    assert_int_equal(mail.begun, 1);
    assert_int_equal(mail.answer.attempts, 1);
    assert_string_equal(mail.answer.request_id, "r-9");
    const char *text = service_request(stage->service, send_mail, 0)->text;
    assert_non_null(strstr(text, " HTTP/1.1\r\n"));
    assert_non_null(strstr(text, "\r\nContent-Type: text/plain\r\n"));
    assert_non_null(strstr(text, "\r\nContent-Length: 12\r\n"));
    assert_non_null(strstr(text, "\r\nAuthorization: Bearer token-1\r\n"));
    assert_non_null(strstr(text, "\r\nclient-request-id: "));
    assert_null(strstr(text, "Expect:"));
    assert_null(strstr(text, "Transfer-Encoding:"));
    assert_true(g_str_has_suffix(text, "\r\n\r\nTWVzc2FnZQ=="));
    end_mail(&mail);
}

static void a_large_body_goes_out_whole_and_without_asking_first(void **state)
{
    struct stage *stage = *state;
    g_autofree char *body = g_strnfill(3 << 20, 'x');
    struct mail mail = {0};

    reply(stage, accepted, SERVICE_KEEP);
    post(&mail, stage, body);
    run(stage);
    assert_null(mail.answer.failure);
    assert_int_equal(mail.begun, 1);
    const char *text = service_request(stage->service, send_mail, 0)->text;
    assert_null(strstr(text, "Expect:"));
    assert_string_equal(strstr(text, "\r\n\r\n") + 4, body);
    end_mail(&mail);
}

static void at_most_four_mails_of_an_app_are_on_their_way_at_a_time(void **state)
{
    struct stage *stage = *state;
    struct mail mails[6] = {0};

    for (int i = 0; i < 6; i++) {
        reply(stage, "", SERVICE_STALL);
        post(&mails[i], stage, "eA==");
    }
    while (service_count(stage->service, send_mail) < 4)
        client_step(stage->client, 10);
    for (int i = 0; i < 5; i++)
        client_step(stage->client, 1);
    assert_int_equal(mails[3].begun, 1);
    assert_int_equal(mails[4].begun + mails[5].begun, 0);
    client_cancel(stage->client);
    run(stage);
    for (int i = 0; i < 6; i++) {
        assert_failed(&mails[i].answer, i < 4 ? CLIENT_UNKNOWN : CLIENT_CANCELLED, "cancelled");
        end_mail(&mails[i]);
    }
    assert_int_equal(service_count(stage->service, send_mail), 4);
}

/* --- what is answered --------------------------------------------------------------------------------------------- */

static void each_answer_says_taken_refused_or_nothing_that_counts_q127(void **state)
{
    static const char html[] = "<html><head><title>Log in to the network</title></head></html>";
    static const char denied[] =
        "{\"error\":{\"code\":\"ErrorAccessDenied\",\"message\":\"Access to OData is disabled.\"}}";
    static const char busy[] = "{\"error\":{\"code\":\"serviceNotAvailable\",\"message\":\"Busy.\"}}";
    static const struct {
        int status;
        const char *headers, *body;
        enum client_verdict verdict;
        const char *code;
    } rows[] = {
        {202, "", "", CLIENT_OK, NULL},
        {202, "", "{\"odd\":true}", CLIENT_OK, NULL},
        {200, "", "", CLIENT_UNKNOWN, "not_accepted"},
        {200, "", html, CLIENT_UNKNOWN, "not_accepted"},
        {200, "", denied, CLIENT_UNKNOWN, "ErrorAccessDenied"},
        {204, "", "", CLIENT_UNKNOWN, "not_accepted"},
        {302, "Location: http://portal.example/\r\n", "", CLIENT_SECURITY, "http_302"},
        {307, "Location: /v1.0/elsewhere\r\n", "", CLIENT_REFUSED, "http_307"},
        {400, "", "{\"error\":{\"code\":\"ErrorMimeContentInvalidBase64String\"}}", CLIENT_REFUSED,
         "ErrorMimeContentInvalidBase64String"},
        {403, "", denied, CLIENT_FORBIDDEN, "ErrorAccessDenied"},
        {404, "", "{\"error\":{\"code\":\"ErrorInvalidUser\"}}", CLIENT_REFUSED, "ErrorInvalidUser"},
        {408, "", "", CLIENT_LATER, "http_408"},
        {413, "", "", CLIENT_REFUSED, "http_413"},
        {429, "Retry-After: 30\r\n", "", CLIENT_LATER, "http_429"},
        {500, "", "", CLIENT_UNKNOWN, "http_500"},
        {501, "", "", CLIENT_REFUSED, "http_501"},
        {502, "", html, CLIENT_UNKNOWN, "http_502"},
        {503, "Retry-After: 30\r\n", "", CLIENT_LATER, "http_503"},
        {503, "", busy, CLIENT_LATER, "serviceNotAvailable"},
        {503, "", html, CLIENT_UNKNOWN, "http_503"},
        {504, "", "", CLIENT_UNKNOWN, "http_504"},
    };
    struct stage *stage = *state;

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct mail mail = {0};
        open_client(stage, "1790000000@0@0", 0, false);
        service_say(stage->service, send_mail, 1, rows[i].status, rows[i].headers, rows[i].body);
        run_post(&mail, stage);
        if (rows[i].verdict != CLIENT_OK)
            assert_failed(&mail.answer, rows[i].verdict, rows[i].code);
        else if (mail.answer.failure)
            fail_msg("row %zu: %s", i, mail.answer.failure->message);
        assert_int_equal(mail.begun, 1);
        assert_int_equal(service_count(stage->service, send_mail), i + 1);
        end_mail(&mail);
    }
}

static void a_202_counts_even_where_the_connection_ends_within_its_body(void **state)
{
    struct stage *stage = *state;
    struct mail mail = {0};

    reply(stage, "HTTP/1.1 202 Accepted\r\nContent-Length: 50\r\n\r\n{", SERVICE_CLOSE);
    run_post(&mail, stage);
    assert_null(mail.answer.failure);
    end_mail(&mail);
}

static void after_a_429_and_a_503_the_family_waits_as_long_as_was_said(void **state)
{
    static const int statuses[] = {429, 503};
    struct stage *stage = *state;

    for (size_t i = 0; i < G_N_ELEMENTS(statuses); i++) {
        struct mail mail = {0};
        bool throttled = false;
        open_client(stage, "1790000000@0@0", 0, false);
        service_say(stage->service, send_mail, 1, statuses[i], "Retry-After: 41\r\n", "");
        run_post(&mail, stage);
        assert_int_equal(mail.answer.failure->verdict, CLIENT_LATER);
        assert_true(client_app_wait(stage->app, CLIENT_FAMILY_MAIL, &throttled) > 40);
        assert_true(throttled);
        end_mail(&mail);
    }
}

static void a_401_took_nothing_so_a_new_token_tries_again_once(void **state)
{
    struct stage *stage = *state;
    struct mail mail = {0}, other = {0};

    service_say(stage->service, send_mail, 1, 401, "", "");
    reply(stage, accepted, SERVICE_KEEP);
    run_post(&mail, stage);
    assert_null(mail.answer.failure);
    assert_int_equal(mail.begun, 2);
    assert_int_equal(service_count(stage->service, tokens), 2);
    const char *again = service_request(stage->service, send_mail, 1)->text;
    assert_non_null(strstr(again, "Bearer token-2"));
    assert_true(g_str_has_suffix(again, "\r\n\r\nTWVzc2FnZQ=="));
    service_say(stage->service, send_mail, 2, 401, "", "");
    run_post(&other, stage);
    assert_failed(&other.answer, CLIENT_CREDENTIALS, "http_401");
    assert_int_equal(service_count(stage->service, send_mail), 4);
    end_mail(&mail);
    end_mail(&other);
}

/* --- no answer ---------------------------------------------------------------------------------------------------- */

static void a_connection_that_ends_after_the_body_leaves_it_unknown_and_is_not_tried_again_q115_q128(void **state)
{
    static const enum service_manner manners[] = {SERVICE_RESET, SERVICE_CLOSE};
    struct stage *stage = *state;

    for (size_t i = 0; i < G_N_ELEMENTS(manners); i++) {
        struct mail mail = {0};
        reply(stage, "", manners[i]);
        run_post(&mail, stage);
        assert_failed(&mail.answer, CLIENT_UNKNOWN, "connection_lost");
        assert_non_null(strstr(mail.answer.failure->hint, "Nobody knows"));
        assert_int_equal(mail.answer.attempts, 1);
        assert_int_equal(service_count(stage->service, send_mail), i + 1);
        end_mail(&mail);
    }
}

/* libcurl sends anew by itself what went out on a kept connection that had died. */
static void a_kept_connection_is_not_used_so_libcurl_cannot_send_it_twice_q115(void **state)
{
    struct stage *stage = *state;
    struct answer before;
    struct mail mail = {0};

    run_one(&before, stage, "/v1.0/users");
    assert_int_equal(service_connections(stage->service), 1);
    reply(stage, "", SERVICE_CLOSE);
    reply(stage, accepted, SERVICE_KEEP);
    run_post(&mail, stage);
    assert_failed(&mail.answer, CLIENT_UNKNOWN, "connection_lost");
    assert_int_equal(service_count(stage->service, send_mail), 1);
    assert_int_equal(service_connections(stage->service), 2);
    end(&before);
    end_mail(&mail);
}

static void silence_after_the_body_leaves_it_unknown_q128(void **state)
{
    struct stage *stage = *state;
    struct mail mail = {0};

    open_client(stage, "1790000000@0@0", 200, false);
    reply(stage, "", SERVICE_STALL);
    run_post(&mail, stage);
    assert_failed(&mail.answer, CLIENT_UNKNOWN, "timeout");
    assert_int_equal(service_count(stage->service, send_mail), 1);
    end_mail(&mail);
}

static void a_cancel_after_the_body_leaves_it_unknown(void **state)
{
    struct stage *stage = *state;
    struct mail sent = {0}, waiting = {0};

    reply(stage, "", SERVICE_STALL);
    post(&sent, stage, "eA==");
    while (service_count(stage->service, send_mail) == 0)
        client_step(stage->client, 10);
    post(&waiting, stage, "eA==");
    client_cancel(stage->client);
    run(stage);
    assert_failed(&sent.answer, CLIENT_UNKNOWN, "cancelled");
    assert_failed(&waiting.answer, CLIENT_CANCELLED, "cancelled");
    assert_int_equal(waiting.begun, 0);
    end_mail(&sent);
    end_mail(&waiting);
}

/* --- nothing sent ------------------------------------------------------------------------------------------------- */

/* A port that nothing listens on: taken, and given back. */
static int free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_true(fd >= 0 && bind(fd, (struct sockaddr *)&address, length) == 0 &&
                getsockname(fd, (struct sockaddr *)&address, &length) == 0);
    close(fd);
    return ntohs(address.sin_port);
}

/* An app that signs in as the stage's and mails at another port. */
static struct client_app *app_at(struct stage *stage, int port)
{
    g_autofree char *url = g_strdup_printf("http://127.0.0.1:%d", port);
    const struct client_app_options options = {.name = "contoso",
                                               .tenant_id = "tenant",
                                               .client_id = "app",
                                               .client_secret = "s~cret+/=",
                                               .login_url = stage->base_url,
                                               .graph_url = url,
                                               .manage_url = url};

    return client_app_new(stage->client, &options);
}

static void nothing_was_handed_over_where_nobody_listens_so_it_is_tried_again_then_later(void **state)
{
    struct stage *stage = *state;
    int port = free_port();
    g_autofree char *url = g_strdup_printf("http://127.0.0.1:%d%s", port, path);
    struct mail mail = {0};

    post_as(&mail, stage, app_at(stage, port), url, "eA==", 4);
    run(stage);
    assert_failed(&mail.answer, CLIENT_LATER, "connect");
    assert_int_equal(mail.begun, 0);
    assert_true(mail.answer.attempts > 1);
    end_mail(&mail);
}

/* Takes one connection, reads a little, and resets it. */
static void *cutter_main(void *data)
{
    int listener = *(int *)data, fd = accept(listener, NULL, NULL);
    char bytes[1024];

    if (fd < 0)
        return NULL;
    for (size_t read = 0; read < 4096;) {
        ssize_t n = recv(fd, bytes, sizeof bytes, 0);
        if (n <= 0)
            break;
        read += (size_t)n;
    }
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1}, sizeof(struct linger));
    close(fd);
    return NULL;
}

static void less_than_the_whole_body_is_no_request_and_may_be_sent_later(void **state)
{
    enum { BODY = 48 << 20 }; /* more than the buffers of both ends */
    struct stage *stage = *state;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    g_autofree char *body = g_malloc(BODY);
    struct mail mail = {0};
    pthread_t thread;
    int listener = socket(AF_INET, SOCK_STREAM, 0), small = 4096;

    memset(body, 'x', BODY);
    assert_int_equal(setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &small, sizeof small), 0);
    assert_true(bind(listener, (struct sockaddr *)&address, length) == 0 && listen(listener, 1) == 0 &&
                getsockname(listener, (struct sockaddr *)&address, &length) == 0);
    assert_int_equal(pthread_create(&thread, NULL, cutter_main, &listener), 0);
    g_autofree char *url = g_strdup_printf("http://127.0.0.1:%d%s", ntohs(address.sin_port), path);
    post_as(&mail, stage, app_at(stage, ntohs(address.sin_port)), url, body, BODY);
    run(stage);
    pthread_join(thread, NULL);
    close(listener);
    assert_failed(&mail.answer, CLIENT_LATER, "connection_lost");
    assert_int_equal(mail.begun, 1);
    assert_int_equal(mail.answer.attempts, 1);
    end_mail(&mail);
}

static void who_asked_for_it_may_hold_it_back_before_its_first_byte(void **state)
{
    struct stage *stage = *state;
    struct mail mail = {.held_back = true};

    run_post(&mail, stage);
    assert_failed(&mail.answer, CLIENT_CANCELLED, "held_back");
    assert_int_equal(mail.begun, 1);
    assert_int_equal(service_count(stage->service, send_mail), 0); /* of whole requests */
    end_mail(&mail);
}

static void without_a_token_nothing_is_sent(void **state)
{
    struct stage *stage = *state;
    struct mail mail = {0};

    service_say(stage->service, tokens, 1, 401, "",
                "{\"error\":\"invalid_client\",\"error_description\":\"AADSTS7000222: The keys are expired.\"}");
    run_post(&mail, stage);
    assert_failed(&mail.answer, CLIENT_CREDENTIALS, "AADSTS7000222");
    assert_int_equal(mail.begun, 0);
    assert_int_equal(service_count(stage->service, send_mail), 0);
    end_mail(&mail);
}

static void a_url_of_another_host_gets_neither_token_nor_body(void **state)
{
    struct stage *stage = *state;
    struct mail mail = {0};

    post_as(&mail, stage, stage->app, "http://localhost:1/v1.0/users/desk/sendMail", "eA==", 4);
    run(stage);
    assert_non_null(mail.answer.failure);
    assert_int_equal(mail.answer.failure->verdict, CLIENT_SECURITY);
    assert_int_equal(mail.begun, 0);
    end_mail(&mail);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_post_carries_its_body_with_a_length_a_type_and_a_token),
        TEST(a_large_body_goes_out_whole_and_without_asking_first),
        TEST(at_most_four_mails_of_an_app_are_on_their_way_at_a_time),
        TEST(each_answer_says_taken_refused_or_nothing_that_counts_q127),
        TEST(a_202_counts_even_where_the_connection_ends_within_its_body),
        TEST(after_a_429_and_a_503_the_family_waits_as_long_as_was_said),
        TEST(a_401_took_nothing_so_a_new_token_tries_again_once),
        TEST(a_connection_that_ends_after_the_body_leaves_it_unknown_and_is_not_tried_again_q115_q128),
        TEST(a_kept_connection_is_not_used_so_libcurl_cannot_send_it_twice_q115),
        TEST(silence_after_the_body_leaves_it_unknown_q128),
        TEST(a_cancel_after_the_body_leaves_it_unknown),
        TEST(nothing_was_handed_over_where_nobody_listens_so_it_is_tried_again_then_later),
        TEST(less_than_the_whole_body_is_no_request_and_may_be_sent_later),
        TEST(who_asked_for_it_may_hold_it_back_before_its_first_byte),
        TEST(without_a_token_nothing_is_sent),
        TEST(a_url_of_another_host_gets_neither_token_nor_body),
    };
#undef TEST

    return cmocka_run_group_tests(tests, NULL, NULL);
}
