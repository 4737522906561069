/* One attempt to hand a mail to Microsoft Graph, against a small server that plays it: what is sent, what each answer
 * makes of the mail and its recipients, and what people read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glib.h>
#include <sys/eventfd.h>

#include "../client/service.h"
#include "report/transport.h"

static const char send_mail[] = "POST /v1.0/users/";
static const char tokens[] = "POST /";
static const char desk[] = "desk@contoso.example";
static const char message[] = "From: desk@contoso.example\r\nTo: ada@example.org\r\nSubject: x\r\n\r\nAll is well.\r\n";

struct scene {
    struct service *service;
    char *base_url;
    struct config config;
    struct config_customer contoso, fabrikam;
    struct clock clock;
    struct transport transport;
    struct store_mail *mail;
    struct transport_result result;
    unsigned begun;
    bool held_back;
    int signal_fd;
};

static struct store_mail *mail_new(const char *sender, const char *bytes, size_t length)
{
    struct store_mail *mail = g_new0(struct store_mail, 1);

    mail->sender = g_strdup(sender);
    mail->message = g_bytes_new(bytes, length);
    mail->recipients = g_ptr_array_new();
    for (int i = 0; i < 2; i++) {
        struct store_mail_recipient *recipient = g_new0(struct store_mail_recipient, 1);
        recipient->address = g_strdup(i ? "bea@example.org" : "ada@example.org");
        g_ptr_array_add(mail->recipients, recipient);
    }
    return mail;
}

static void mail_free(struct store_mail *mail)
{
    for (guint i = 0; i < mail->recipients->len; i++) {
        struct store_mail_recipient *recipient = g_ptr_array_index(mail->recipients, i);
        g_free(recipient->address);
        g_free(recipient->answer);
        g_free(recipient);
    }
    g_ptr_array_unref(mail->recipients);
    g_bytes_unref(mail->message);
    g_free(mail->sender);
    g_free(mail);
}

static struct store_mail_recipient *recipient(const struct scene *scene, guint i)
{
    return g_ptr_array_index(scene->mail->recipients, i);
}

static bool on_begin(void *user, GError **error)
{
    struct scene *scene = user;

    scene->begun++;
    if (scene->held_back)
        g_set_error(error, g_quark_from_static_string("test"), 0, "The disk is full.");
    return !scene->held_back;
}

static void set_customer(struct config_customer *customer, const char *name, char *url)
{
    static char tenant[] = "11111111-2222-4333-8444-555555555555", client[] = "app", secret[] = "s~cret+/=";

    *customer = (struct config_customer){.name = (char *)name,
                                         .tenant_id = tenant,
                                         .client_id = client,
                                         .client_secret = secret,
                                         .login_url = url,
                                         .graph_url = url,
                                         .manage_url = url};
}

static int setup(void **state)
{
    struct scene *scene = g_new0(struct scene, 1);

    scene->service = service_start();
    scene->base_url = g_strdup_printf("http://127.0.0.1:%d", scene->service->port);
    assert_true(clock_init(&scene->clock, "1790000000@0@0", NULL));
    set_customer(&scene->contoso, "contoso", scene->base_url);
    set_customer(&scene->fabrikam, "fabrikam", scene->base_url);
    scene->config.request_timeout_s = 30;
    scene->config.smtp.transport = CONFIG_TRANSPORT_GRAPH;
    scene->config.customers = g_ptr_array_new();
    g_ptr_array_add(scene->config.customers, &scene->contoso);
    g_ptr_array_add(scene->config.customers, &scene->fabrikam);
    scene->signal_fd = eventfd(0, EFD_CLOEXEC);
    scene->transport = (struct transport){.config = &scene->config,
                                          .customer = &scene->contoso,
                                          .clock = &scene->clock,
                                          .signal_fd = -1,
                                          .begin = on_begin,
                                          .user = scene};
    scene->mail = mail_new(desk, message, strlen(message));
    *state = scene;
    return 0;
}

static int teardown(void **state)
{
    struct scene *scene = *state;

    service_stop(scene->service);
    transport_result_clear(&scene->result);
    mail_free(scene->mail);
    g_ptr_array_unref(scene->config.customers);
    close(scene->signal_fd);
    g_free(scene->base_url);
    g_free(scene);
    return 0;
}

/* Another attempt at the same mail, as the outbox would make it. */
static void send_it(struct scene *scene)
{
    transport_result_clear(&scene->result);
    scene->begun = 0;
    for (guint i = 0; i < scene->mail->recipients->len; i++)
        recipient(scene, i)->state = STORE_MAIL_QUEUED;
    graph_send(&scene->transport, scene->mail, &scene->result);
    assert_non_null(scene->result.answer);
    assert_null(strchr(scene->result.answer, '\n'));
    assert_null(strstr(scene->result.answer, "s~cret"));
}

static void assert_outcome(const struct scene *scene, enum transport_outcome outcome, enum store_mail_state state,
                           int code)
{
    if (scene->result.outcome != outcome)
        fail_msg("outcome %d: %s", (int)scene->result.outcome, scene->result.answer);
    for (guint i = 0; i < scene->mail->recipients->len; i++) {
        assert_int_equal(recipient(scene, i)->state, state);
        assert_int_equal(recipient(scene, i)->code, code);
    }
}

static void assert_has(const char *text, const char *words)
{
    if (!text || !strstr(text, words))
        fail_msg("\"%s\" is not in: %s", words, text ? text : "(nothing)");
}

/* --- what is sent ------------------------------------------------------------------------------------------------- */

static void a_mail_goes_out_whole_as_base64_from_its_senders_mailbox_q127(void **state)
{
    struct scene *scene = *state;
    g_autofree char *encoded = g_base64_encode((const guchar *)message, strlen(message));

    service_say(scene->service, send_mail, 1, 202, "request-id: r-7\r\n", "");
    send_it(scene);
    assert_outcome(scene, TRANSPORT_SENT, STORE_MAIL_SENT, 202);
    assert_string_equal(scene->result.answer,
                        "Microsoft Graph accepted the mail for delivery from desk@contoso.example (request-id r-7).");
    assert_null(scene->result.hint);
    assert_false(scene->result.server);
    assert_int_equal(scene->begun, 1);
    const char *text = service_request(scene->service, send_mail, 0)->text;
    assert_true(g_str_has_prefix(text, "POST /v1.0/users/desk@contoso.example/sendMail HTTP/1.1\r\n"));
    assert_has(text, "\r\nContent-Type: text/plain\r\n");
    assert_string_equal(strstr(text, "\r\n\r\n") + 4, encoded);
}

static void the_mailbox_is_escaped_in_the_url(void **state)
{
    struct scene *scene = *state;

    g_free(scene->mail->sender);
    scene->mail->sender = g_strdup("o'hara/../me?x#1@contoso.example");
    service_say(scene->service, send_mail, 1, 202, "", "");
    send_it(scene);
    assert_outcome(scene, TRANSPORT_SENT, STORE_MAIL_SENT, 202);
    assert_has(service_request(scene->service, send_mail, 0)->text,
               "/users/o%27hara%2F..%2Fme%3Fx%231@contoso.example/sendMail HTTP");
}

static void the_application_of_smtp_customer_sends_for_all(void **state)
{
    static char other[] = "99999999-2222-4333-8444-555555555555", name[] = "fabrikam", nobody[] = "nobody";
    struct scene *scene = *state;

    scene->fabrikam.tenant_id = other;
    scene->config.smtp.customer = name;
    service_say(scene->service, send_mail, 1, 202, "", "");
    send_it(scene);
    assert_outcome(scene, TRANSPORT_SENT, STORE_MAIL_SENT, 202);
    assert_int_equal(service_count(scene->service, "POST /99999999-2222-4333-8444-555555555555/oauth2"), 1);
    assert_int_equal(service_count(scene->service, "POST /11111111"), 0);
    scene->config.smtp.customer = nobody;
    send_it(scene);
    assert_outcome(scene, TRANSPORT_REFUSED, STORE_MAIL_FAILED, 0);
    assert_has(scene->result.hint, "smtp.customer");
}

static void what_cannot_be_sent_is_refused_before_anybody_is_asked(void **state)
{
    struct scene *scene = *state;

    scene->contoso.client_id = NULL;
    send_it(scene);
    assert_outcome(scene, TRANSPORT_REFUSED, STORE_MAIL_FAILED, 0);
    set_customer(&scene->contoso, "contoso", scene->base_url);
    g_clear_pointer(&scene->mail->sender, g_free);
    send_it(scene);
    assert_outcome(scene, TRANSPORT_REFUSED, STORE_MAIL_FAILED, 0);
    assert_has(scene->result.hint, "smtp.from");
    assert_int_equal(service_count(scene->service, tokens), 0);
    assert_int_equal(scene->begun, 0);
}

static void above_four_megabytes_of_base64_it_is_refused_with_its_size_q129(void **state)
{
    enum { MOST = 3000000 };
    struct scene *scene = *state;
    g_autofree char *large = g_strnfill(MOST + 1, 'x');

    mail_free(scene->mail);
    scene->mail = mail_new(desk, large, MOST);
    service_say(scene->service, send_mail, 1, 202, "", "");
    send_it(scene);
    assert_outcome(scene, TRANSPORT_SENT, STORE_MAIL_SENT, 202);
    mail_free(scene->mail);
    scene->mail = mail_new(desk, large, MOST + 1);
    send_it(scene);
    assert_outcome(scene, TRANSPORT_REFUSED, STORE_MAIL_FAILED, 0);
    assert_has(scene->result.answer, "4.0 MB as base64, and Microsoft Graph takes no request above 4 MB");
    assert_has(scene->result.hint, "fewer services");
    assert_false(scene->result.server);
    assert_int_equal(service_count(scene->service, send_mail), 1);
}

static void who_has_the_mail_already_is_not_sent_it_again_for_the_sake_of_others(void **state)
{
    static const enum store_mail_state reached[] = {STORE_MAIL_SENT, STORE_MAIL_UNKNOWN};
    struct scene *scene = *state;

    for (size_t i = 0; i < G_N_ELEMENTS(reached); i++) {
        recipient(scene, 0)->state = reached[i];
        recipient(scene, 1)->state = STORE_MAIL_QUEUED;
        transport_result_clear(&scene->result);
        graph_send(&scene->transport, scene->mail, &scene->result);
        assert_int_equal(scene->result.outcome, TRANSPORT_REFUSED);
        assert_has(scene->result.answer, "1 of the 2 have it already");
        assert_int_equal(recipient(scene, 0)->state, reached[i]);
        assert_int_equal(recipient(scene, 1)->state, STORE_MAIL_QUEUED);
    }
    /* Refused for one; of the other nobody knows. */
    recipient(scene, 0)->state = STORE_MAIL_FAILED;
    recipient(scene, 1)->may_have = true;
    transport_result_clear(&scene->result);
    graph_send(&scene->transport, scene->mail, &scene->result);
    assert_has(scene->result.answer, "at once: for 1 of the 2 it was refused.");
    assert_has(scene->result.hint, "transport: smtp");
    assert_int_equal(recipient(scene, 1)->state, STORE_MAIL_QUEUED);
    assert_int_equal(service_count(scene->service, tokens), 0);
}

static void what_was_refused_for_some_and_nobody_has_is_to_be_composed_anew(void **state)
{
    struct scene *scene = *state;

    recipient(scene, 0)->state = STORE_MAIL_FAILED;
    graph_send(&scene->transport, scene->mail, &scene->result);
    assert_int_equal(scene->result.outcome, TRANSPORT_REFUSED);
    assert_has(scene->result.answer, "at once: for 1 of the 2 it was refused.");
    assert_has(scene->result.hint, "composed anew");
    assert_int_equal(recipient(scene, 1)->state, STORE_MAIL_FAILED);
    assert_int_equal(service_count(scene->service, tokens), 0);
}

/* --- what is answered --------------------------------------------------------------------------------------------- */

#define ERROR(code, words) "{\"error\":{\"code\":\"" code "\",\"message\":\"" words "\"}}"

static void each_refusal_names_mailbox_and_permission_and_what_to_do_q130(void **state)
{
    static const struct {
        int status;
        const char *body, *hint;
        bool server;
    } rows[] = {
        {403, ERROR("ErrorAccessDenied", "Access to OData is disabled."),
         "access policy keeps the application of contoso", true},
        {403, ERROR("ErrorAccessDenied", "Access is denied. Check credentials and try again."), "permission Mail.Send",
         true},
        {403, ERROR("NoPermissionsInAccessToken", "The token has none."), "permission Mail.Send", true},
        {403, "", "Mail.Send", true},
        {404, ERROR("MailboxNotEnabledForRESTAPI", "Inactive."),
         "desk@contoso.example is no mailbox of Exchange Online", true},
        {404, ERROR("ErrorInvalidUser", "Invalid."),
         "smtp.customer the customer in whose tenant desk@contoso.example is", true},
        {404, ERROR("ResourceNotFound", "Not found."), "mailbox of the tenant of contoso", true},
        {400, ERROR("ErrorMimeContentInvalidBase64String", "Invalid."), "request-id", false},
        {413, ERROR("ErrorMessageSizeExceeded", "Too large."), "fewer services", false},
        {413, "", "fewer services", false},
        {403, ERROR("ErrorSendAsDenied", "Denied."), "to send as it", true},
        {302, "", "GRAPH_URL", true},
    };
    struct scene *scene = *state;

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        service_say(scene->service, send_mail, 1, rows[i].status, "request-id: r-8\r\n", rows[i].body);
        send_it(scene);
        assert_outcome(scene, TRANSPORT_REFUSED, STORE_MAIL_FAILED, rows[i].status);
        assert_has(scene->result.answer, "The mail was not sent from desk@contoso.example by Microsoft Graph: POST ");
        assert_has(scene->result.answer, " (request-id r-8)");
        assert_has(scene->result.hint, rows[i].hint);
        assert_int_equal(scene->result.server, rows[i].server);
        assert_int_equal(service_count(scene->service, send_mail), i + 1);
    }
    assert_string_equal(recipient(scene, 0)->answer, "http_302");
}

static void what_is_put_off_waits_as_long_as_the_service_says(void **state)
{
    static const struct {
        int status;
        const char *headers;
        int64_t wait_s;
    } rows[] = {{429, "Retry-After: 41\r\n", 41},
                {503, "Retry-After: 7\r\n", 7},
                {429, "Retry-After: 7200\r\n", 3600},
                {408, "", 0}};
    struct scene *scene = *state;

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        service_say(scene->service, send_mail, 1, rows[i].status, rows[i].headers, "");
        send_it(scene);
        assert_outcome(scene, TRANSPORT_LATER, STORE_MAIL_QUEUED, rows[i].status);
        assert_int_equal(scene->result.wait_s, rows[i].wait_s);
        assert_true(scene->result.server);
        assert_null(scene->result.hint);
    }
    service_say(scene->service, send_mail, 1, 202, "", "");
    send_it(scene);
    assert_outcome(scene, TRANSPORT_SENT, STORE_MAIL_SENT, 202);
    assert_null(recipient(scene, 0)->answer);
}

static void what_may_have_been_taken_is_unknown_and_is_not_tried_again_q128(void **state)
{
    static const struct {
        const char *bytes;
        enum service_manner manner;
        int code;
    } rows[] = {
        {"", SERVICE_RESET, 0},
        {"", SERVICE_STALL, 0},
        {"HTTP/1.1 504 Gateway Timeout\r\nContent-Length: 0\r\n\r\n", SERVICE_KEEP, 504},
        {"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>", SERVICE_KEEP, 200},
    };
    struct scene *scene = *state;

    scene->config.request_timeout_s = 1;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        service_raw(scene->service, send_mail, rows[i].bytes, strlen(rows[i].bytes), rows[i].manner);
        send_it(scene);
        assert_outcome(scene, TRANSPORT_UNKNOWN, STORE_MAIL_UNKNOWN, rows[i].code);
        assert_has(scene->result.answer, "nobody knows whether it was taken");
        assert_has(scene->result.hint, "--resend");
        assert_int_equal(scene->begun, 1);
        assert_int_equal(service_count(scene->service, send_mail), i + 1);
    }
}

static void a_token_that_is_refused_on_the_way_is_renewed_and_the_mail_begun_once(void **state)
{
    struct scene *scene = *state;

    service_say(scene->service, send_mail, 1, 401, "", "");
    service_say(scene->service, send_mail, 1, 202, "", "");
    send_it(scene);
    assert_outcome(scene, TRANSPORT_SENT, STORE_MAIL_SENT, 202);
    assert_int_equal(scene->begun, 1);
    assert_int_equal(service_count(scene->service, send_mail), 2);
}

/* --- nothing sent ------------------------------------------------------------------------------------------------- */

static void credentials_that_do_not_sign_in_are_refused_with_their_mend(void **state)
{
    struct scene *scene = *state;

    service_say(scene->service, tokens, 1, 401, "",
                "{\"error\":\"invalid_client\",\"error_description\":\"AADSTS7000222: The keys are expired.\"}");
    send_it(scene);
    assert_outcome(scene, TRANSPORT_REFUSED, STORE_MAIL_FAILED, 401);
    assert_has(scene->result.answer, "AADSTS7000222");
    assert_has(scene->result.hint, "make a new one");
    assert_true(scene->result.server);
    assert_int_equal(scene->begun, 0);
}

static void where_nobody_answers_it_is_tried_later(void **state)
{
    struct scene *scene = *state;

    service_stop(scene->service);
    scene->service = service_start(); /* at another port */
    send_it(scene);
    assert_outcome(scene, TRANSPORT_LATER, STORE_MAIL_QUEUED, 0);
    assert_true(scene->result.server);
    assert_null(scene->result.hint ? strstr(scene->result.hint, "next run reads") : NULL);
    assert_int_equal(scene->begun, 0);
}

static void what_the_outbox_holds_back_is_not_sent(void **state)
{
    struct scene *scene = *state;

    scene->held_back = true;
    send_it(scene);
    assert_outcome(scene, TRANSPORT_LATER, STORE_MAIL_QUEUED, 0);
    assert_string_equal(scene->result.answer, "The disk is full.");
    assert_int_equal(scene->begun, 1);
    assert_int_equal(service_count(scene->service, send_mail), 0);
}

static void a_signal_ends_it_before_anything_is_handed_over(void **state)
{
    struct scene *scene = *state;

    scene->transport.signal_fd = scene->signal_fd;
    assert_int_equal(eventfd_write(scene->signal_fd, 1), 0);
    send_it(scene);
    assert_outcome(scene, TRANSPORT_CANCELLED, STORE_MAIL_QUEUED, 0);
    assert_int_equal(scene->begun, 0);
    assert_false(scene->result.server);
}

/* The signal comes as the first byte goes. */
static bool begin_and_signal(void *user, GError **error)
{
    struct scene *scene = user;

    assert_int_equal(eventfd_write(scene->signal_fd, 1), 0);
    return on_begin(user, error);
}

static void a_signal_after_that_lets_the_answer_come(void **state)
{
    struct scene *scene = *state;

    scene->transport.signal_fd = scene->signal_fd;
    scene->transport.begin = begin_and_signal;
    service_say(scene->service, send_mail, 1, 202, "", "");
    send_it(scene);
    assert_outcome(scene, TRANSPORT_SENT, STORE_MAIL_SENT, 202);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_mail_goes_out_whole_as_base64_from_its_senders_mailbox_q127),
        TEST(the_mailbox_is_escaped_in_the_url),
        TEST(the_application_of_smtp_customer_sends_for_all),
        TEST(what_cannot_be_sent_is_refused_before_anybody_is_asked),
        TEST(above_four_megabytes_of_base64_it_is_refused_with_its_size_q129),
        TEST(who_has_the_mail_already_is_not_sent_it_again_for_the_sake_of_others),
        TEST(what_was_refused_for_some_and_nobody_has_is_to_be_composed_anew),
        TEST(each_refusal_names_mailbox_and_permission_and_what_to_do_q130),
        TEST(what_is_put_off_waits_as_long_as_the_service_says),
        TEST(what_may_have_been_taken_is_unknown_and_is_not_tried_again_q128),
        TEST(a_token_that_is_refused_on_the_way_is_renewed_and_the_mail_begun_once),
        TEST(credentials_that_do_not_sign_in_are_refused_with_their_mend),
        TEST(where_nobody_answers_it_is_tried_later),
        TEST(what_the_outbox_holds_back_is_not_sent),
        TEST(a_signal_ends_it_before_anything_is_handed_over),
        TEST(a_signal_after_that_lets_the_answer_come),
    };
#undef TEST

    return cmocka_run_group_tests(tests, NULL, NULL);
}
