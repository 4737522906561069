/* The outbox: when a mail is tried again, and what is noted of each attempt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <glib/gstdio.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "report/outbox.h"

enum { NOON = 1795348800, MINUTE = 60, HOUR = 3600, DAY = 86400 };

static void the_wait_grows_from_a_minute_to_four_hours(void **state)
{
    static const int64_t waits[] = {60, 60, 120, 300, 900, 1800, 3600, 7200, 14400, 14400, 14400};

    (void)state;
    for (int attempts = 0; attempts < (int)G_N_ELEMENTS(waits); attempts++) {
        assert_int_equal(outbox_wait_s(attempts, NOON, NOON, 0, 0), waits[attempts]);
        int64_t least = outbox_wait_s(attempts, NOON, NOON, 0, 0.999999);
        assert_true(least >= waits[attempts] * 9 / 10 && least <= waits[attempts]);
    }
    assert_int_equal(outbox_wait_s(1000000, NOON, NOON, 0, 0), 4 * HOUR);
}

static void what_the_service_asks_for_is_waited_at_least(void **state)
{
    (void)state;
    assert_int_equal(outbox_wait_s(1, NOON, NOON, 90, 0.5), 90);
    assert_int_equal(outbox_wait_s(1, NOON, NOON, 10, 0), MINUTE);
    assert_int_equal(outbox_wait_s(9, NOON, NOON, 10 * HOUR, 0), 10 * HOUR);
}

static void after_five_days_it_is_given_up(void **state)
{
    (void)state;
    assert_int_equal(outbox_wait_s(30, NOON, NOON + OUTBOX_GIVE_UP_S - 1, 0, 0), 4 * HOUR);
    assert_int_equal(outbox_wait_s(30, NOON, NOON + OUTBOX_GIVE_UP_S, 0, 0), -1);
    assert_int_equal(outbox_wait_s(30, NOON, NOON + 30 * DAY, HOUR, 0), -1);
    assert_int_equal(outbox_wait_s(1, NOON, NOON - DAY, 0, 0), MINUTE); /* a clock that was set back */
}

/* --- a server ----------------------------------------------------------------------------------------------------- */

/* What it answers to the first, second ... recipient and to the message; the rest goes well. */
struct server {
    int listener, port;
    pthread_t thread;
    const char *rcpt[4], *message; /* message NULL: it goes away */
    const char *greeting, *mail;   /* NULL: all is well */
    const char *sql;               /* run on the database before the answer to the message; NULL */
    const char *path;
    int asked;  /* recipients */
    bool taken; /* the message came to its end */
};

/* A client may be gone by then. (cmocka's assertions are for its own thread only.) */
static void answer(int connection, const char *words)
{
    g_autofree char *line = g_strconcat(words, "\r\n", NULL);

    (void)!send(connection, line, strlen(line), MSG_NOSIGNAL);
}

static void spoil(const char *path, const char *sql)
{
    sqlite3 *db;

    if (sqlite3_open(path, &db) != SQLITE_OK || sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        g_error("%s: %s", sql, sqlite3_errmsg(db));
    sqlite3_close(db);
}

/* False: the session is over. */
static bool react(struct server *server, int connection, const char *line, bool *in_message)
{
    if (*in_message && strcmp(line, ".") != 0)
        return true;
    if (*in_message) {
        *in_message = false;
        server->taken = true;
        if (server->sql)
            spoil(server->path, server->sql);
        if (server->message)
            answer(connection, server->message);
        return server->message != NULL;
    }
    if (g_str_has_prefix(line, "RCPT")) {
        const char *words = server->rcpt[server->asked++];
        answer(connection, words ? words : "250 ok");
    } else if (server->mail && g_str_has_prefix(line, "MAIL")) {
        answer(connection, server->mail);
    } else if (strcmp(line, "DATA") == 0) {
        *in_message = true;
        answer(connection, "354 go on");
    } else {
        answer(connection, "250 ok");
    }
    return strcmp(line, "QUIT") != 0;
}

static void *serve(void *data)
{
    struct server *server = data;
    int connection = accept(server->listener, NULL, NULL);
    FILE *lines = fdopen(dup(connection), "r");
    char line[1100];
    bool in_message = false;

    answer(connection, server->greeting ? server->greeting : "220 hello");
    while (fgets(line, sizeof line, lines) && react(server, connection, g_strchomp(line), &in_message))
        ;
    fclose(lines);
    close(connection);
    return NULL;
}

static void server_start(struct server *server)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;

    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(server->listener, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(server->listener, 1), 0);
    assert_int_equal(getsockname(server->listener, (struct sockaddr *)&address, &length), 0);
    server->port = ntohs(address.sin_port);
    assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
}

static void server_stop(struct server *server)
{
    pthread_join(server->thread, NULL);
    close(server->listener);
}

/* --- an outbox ---------------------------------------------------------------------------------------------------- */

struct fixture {
    char *folder, *path;
    struct store *store;
    struct config config;
    struct clock clock;
    struct transport transport;
    struct store_mail *mail;
    struct transport_result result;
};

static int set_up(void **state)
{
    static const char text[] =
        "From: desk@example.test\r\nTo: a@x.test\r\nSubject: x\r\nMessage-ID: <1@example.test>\r\n"
        "Date: Sun, 22 Nov 2026 07:00:00 +0100\r\n\r\nbody\r\n";
    struct fixture *fixture = g_new0(struct fixture, 1);

    fixture->folder = g_dir_make_tmp("outbox-XXXXXX", NULL);
    fixture->path = g_build_filename(fixture->folder, "m365keep.db", NULL);
    fixture->store = store_open(fixture->path, STORE_CREATE, NULL);
    assert_non_null(fixture->store);
    fixture->config.smtp.server = (char *)"127.0.0.1";
    fixture->config.smtp.port = 1; /* nobody listens there */
    fixture->config.smtp.security = CONFIG_SMTP_NONE;
    fixture->config.request_timeout_s = 20;
    fixture->clock = (struct clock){.simulated = true, .simulated_epoch_s = NOON};
    fixture->transport = (struct transport){.config = &fixture->config, .clock = &fixture->clock, .signal_fd = -1};
    fixture->mail = store_mail_new();
    fixture->mail->kind = g_strdup("report");
    fixture->mail->from_s = NOON - 2 * DAY;
    fixture->mail->to_s = NOON - DAY;
    fixture->mail->subject = g_strdup("x");
    fixture->mail->sender = g_strdup("desk@example.test");
    fixture->mail->message_id = g_strdup("1@example.test");
    fixture->mail->message = g_bytes_new_static(text, sizeof text - 1);
    fixture->mail->created_at = NOON;
    store_mail_add_recipient(fixture->mail, "a@x.test");
    store_mail_add_recipient(fixture->mail, "b@x.test");
    assert_true(store_mail_insert(fixture->store, fixture->mail, false, NULL));
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GDir) folder = g_dir_open(fixture->folder, 0, NULL);

    store_close(fixture->store);
    for (const char *name; (name = g_dir_read_name(folder));) {
        g_autofree char *path = g_build_filename(fixture->folder, name, NULL);
        g_unlink(path);
    }
    g_rmdir(fixture->folder);
    store_mail_free(fixture->mail);
    transport_result_clear(&fixture->result);
    g_free(fixture->folder);
    g_free(fixture->path);
    g_free(fixture);
    return 0;
}

static bool deliver(struct fixture *fixture, GError **error)
{
    transport_result_clear(&fixture->result);
    return outbox_deliver(fixture->store, &fixture->transport, fixture->mail, &fixture->result, error);
}

/* Delivers to a server of its own. */
static bool deliver_to(struct fixture *fixture, struct server *server, GError **error)
{
    server->path = fixture->path;
    server_start(server);
    fixture->config.smtp.port = server->port;
    bool good = deliver(fixture, error);
    server_stop(server);
    return good;
}

static enum store_mail_state recipient_state(const struct store_mail *mail, guint i)
{
    return ((const struct store_mail_recipient *)g_ptr_array_index(mail->recipients, i))->state;
}

/* A mail that the first has, and the second was put off. */
static void send_half(struct fixture *fixture)
{
    struct server server = {.rcpt = {"250 ok", "451 not now"}, .message = "250 taken"};

    assert_true(deliver_to(fixture, &server, NULL));
}

/* Asks for an unknown mail to be sent again. */
static void requeue(struct fixture *fixture)
{
    bool changed = false;

    assert_true(store_mail_requeue(fixture->store, fixture->mail, clock_now(&fixture->clock), &changed, NULL));
    assert_true(changed);
}

/* The mail is what the store has of it. */
static void assert_stored(struct fixture *fixture, enum store_mail_state state, enum store_mail_state first,
                          enum store_mail_state second)
{
    g_autoptr(StoreMail) stored =
        store_mail_find(fixture->store, 0, "report", fixture->mail->from_s, fixture->mail->to_s, NULL);

    assert_non_null(stored);
    assert_int_equal(stored->state, state);
    assert_int_equal(recipient_state(stored, 0), first);
    assert_int_equal(recipient_state(stored, 1), second);
    assert_int_equal(stored->attempts, fixture->mail->attempts);
    assert_int_equal(stored->next_attempt_at, fixture->mail->next_attempt_at);
    assert_int_equal(stored->sent_at, fixture->mail->sent_at);
    assert_int_equal(fixture->mail->state, state);
    assert_true(state != STORE_MAIL_QUEUED || stored->next_attempt_at > NOON);
    assert_true(state == STORE_MAIL_QUEUED || stored->next_attempt_at == 0);
}

static void a_mail_that_is_taken_is_sent(void **state)
{
    struct fixture *fixture = *state;
    struct server server = {.message = "250 taken"};

    assert_true(deliver_to(fixture, &server, NULL));
    assert_int_equal(fixture->result.outcome, TRANSPORT_SENT);
    assert_stored(fixture, STORE_MAIL_SENT, STORE_MAIL_SENT, STORE_MAIL_SENT);
    assert_int_equal(fixture->mail->sent_at, NOON);
    assert_int_equal(fixture->mail->attempts, 1);
}

static void a_recipient_put_off_is_tried_again_alone(void **state)
{
    struct fixture *fixture = *state;
    struct server first = {.rcpt = {"250 ok", "451 not now"}, .message = "250 taken"};
    struct server second = {.message = "250 taken"};

    assert_true(deliver_to(fixture, &first, NULL));
    assert_stored(fixture, STORE_MAIL_QUEUED, STORE_MAIL_SENT, STORE_MAIL_QUEUED);
    assert_true(fixture->mail->next_attempt_at >= NOON + 54 && fixture->mail->next_attempt_at <= NOON + MINUTE);
    assert_true(deliver_to(fixture, &second, NULL));
    assert_int_equal(second.asked, 1);
    assert_stored(fixture, STORE_MAIL_SENT, STORE_MAIL_SENT, STORE_MAIL_SENT);
    assert_int_equal(fixture->mail->attempts, 2);
}

static void a_recipient_refused_fails_and_the_mail_is_sent(void **state)
{
    struct fixture *fixture = *state;
    struct server server = {.rcpt = {"550 unknown", "250 ok"}, .message = "250 taken"};

    assert_true(deliver_to(fixture, &server, NULL));
    assert_stored(fixture, STORE_MAIL_SENT, STORE_MAIL_FAILED, STORE_MAIL_SENT);
}

static void a_mail_without_an_answer_is_unknown_and_stays_so(void **state)
{
    struct fixture *fixture = *state;
    struct server server = {0};

    assert_true(deliver_to(fixture, &server, NULL));
    assert_int_equal(fixture->result.outcome, TRANSPORT_UNKNOWN);
    assert_stored(fixture, STORE_MAIL_UNKNOWN, STORE_MAIL_UNKNOWN, STORE_MAIL_UNKNOWN);
    g_autoptr(GPtrArray) due = store_mail_due(fixture->store, 0, NOON + DAY, NULL);
    assert_int_equal(due->len, 0);
}

static void a_recipient_put_off_is_tried_though_nobody_knows_of_the_other(void **state)
{
    struct fixture *fixture = *state;
    struct server first = {.rcpt = {"250 ok", "451 not now"}}, second = {.message = "250 taken"};

    assert_true(deliver_to(fixture, &first, NULL));
    assert_stored(fixture, STORE_MAIL_QUEUED, STORE_MAIL_UNKNOWN, STORE_MAIL_QUEUED);
    assert_true(deliver_to(fixture, &second, NULL));
    assert_int_equal(second.asked, 1);
    assert_stored(fixture, STORE_MAIL_UNKNOWN, STORE_MAIL_UNKNOWN, STORE_MAIL_SENT);
}

static void a_refusal_fails_all(void **state)
{
    struct fixture *fixture = *state;
    struct server server = {.message = "554 no"};

    assert_true(deliver_to(fixture, &server, NULL));
    assert_int_equal(fixture->result.outcome, TRANSPORT_REFUSED);
    assert_stored(fixture, STORE_MAIL_FAILED, STORE_MAIL_FAILED, STORE_MAIL_FAILED);
}

/* Once nobody knew, no later failure tells that it was not there. */
static void what_was_unknown_and_is_refused_when_it_is_sent_again_stays_unknown(void **state)
{
    struct fixture *fixture = *state;
    struct server silent = {0}, again[] = {{.message = "554 no"},
                                           {.mail = "550 no"},
                                           {.greeting = "554 go away"},
                                           {.rcpt = {"550 no", "550 no"}}};

    assert_true(deliver_to(fixture, &silent, NULL));
    for (size_t i = 0; i < G_N_ELEMENTS(again); i++) {
        requeue(fixture);
        assert_true(deliver_to(fixture, &again[i], NULL));
        assert_int_equal(fixture->result.outcome, TRANSPORT_REFUSED);
        assert_stored(fixture, STORE_MAIL_UNKNOWN, STORE_MAIL_UNKNOWN, STORE_MAIL_UNKNOWN);
    }
    requeue(fixture);
    assert_true(deliver_to(fixture, &(struct server){.rcpt = {"550 no", "250 ok"}, .message = "250 taken"}, NULL));
    assert_stored(fixture, STORE_MAIL_UNKNOWN, STORE_MAIL_UNKNOWN, STORE_MAIL_SENT);
}

static void what_is_sent_again_after_days_has_its_five_days_anew(void **state)
{
    struct fixture *fixture = *state;
    struct server silent = {0}, busy = {.message = "451 not now"}, later = {.message = "451 not now"};

    assert_true(deliver_to(fixture, &silent, NULL));
    fixture->clock.simulated_epoch_s = NOON + 6 * DAY;
    requeue(fixture);
    assert_true(deliver_to(fixture, &busy, NULL));
    assert_stored(fixture, STORE_MAIL_QUEUED, STORE_MAIL_QUEUED, STORE_MAIL_QUEUED);
    fixture->clock.simulated_epoch_s = NOON + 11 * DAY;
    assert_true(deliver_to(fixture, &later, NULL));
    assert_stored(fixture, STORE_MAIL_UNKNOWN, STORE_MAIL_UNKNOWN, STORE_MAIL_UNKNOWN);
    assert_non_null(strstr(fixture->mail->answer, "given up after five days"));
}

/* The mail that others have is never composed anew: the rest would be forgotten. */
static void a_refusal_that_is_not_about_the_rest_leaves_them_to_be_tried(void **state)
{
    struct fixture *fixture = *state;
    struct server refusals[] = {{.mail = "550 no"}, {.greeting = "554 go away"}};

    send_half(fixture);
    for (size_t i = 0; i < G_N_ELEMENTS(refusals); i++) {
        assert_true(deliver_to(fixture, &refusals[i], NULL));
        assert_int_equal(fixture->result.outcome, TRANSPORT_REFUSED);
        assert_stored(fixture, STORE_MAIL_QUEUED, STORE_MAIL_SENT, STORE_MAIL_QUEUED);
        assert_non_null(strstr(fixture->mail->answer, "the rest is tried again"));
        assert_string_equal(fixture->result.answer, fixture->mail->answer);
    }
    assert_true(deliver_to(fixture, &(struct server){.rcpt = {"550 no such user"}}, NULL));
    assert_stored(fixture, STORE_MAIL_SENT, STORE_MAIL_SENT, STORE_MAIL_FAILED);
}

static void the_rest_is_given_up_after_five_days_of_refusals(void **state)
{
    struct fixture *fixture = *state;

    send_half(fixture);
    fixture->clock.simulated_epoch_s = NOON + OUTBOX_GIVE_UP_S;
    assert_true(deliver_to(fixture, &(struct server){.mail = "550 no"}, NULL));
    assert_stored(fixture, STORE_MAIL_SENT, STORE_MAIL_SENT, STORE_MAIL_FAILED);
    assert_null(strstr(fixture->mail->answer, "tried again"));
}

/* Graph sends to all at once. */
static void a_mail_that_some_have_is_left_as_it_is_by_graph(void **state)
{
    struct fixture *fixture = *state;

    send_half(fixture);
    fixture->config.smtp.transport = CONFIG_TRANSPORT_GRAPH;
    assert_true(deliver(fixture, NULL));
    assert_int_equal(fixture->result.outcome, TRANSPORT_REFUSED);
    assert_stored(fixture, STORE_MAIL_QUEUED, STORE_MAIL_SENT, STORE_MAIL_QUEUED);
    assert_non_null(strstr(fixture->mail->answer, "1 of the 2 have it already"));
}

static void only_who_was_taken_by_a_valid_answer_has_the_mail(void **state)
{
    static const char *const odd[] = {"350 well", "150 well", "999 well"};
    struct fixture *fixture = *state;

    for (size_t i = 0; i < G_N_ELEMENTS(odd); i++) {
        struct server server = {.rcpt = {"250 ok", odd[i]}, .message = "250 taken"};
        assert_true(deliver_to(fixture, &server, NULL));
        assert_int_not_equal(recipient_state(fixture->mail, 1), STORE_MAIL_SENT);
        tear_down(state);
        set_up(state);
        fixture = *state;
    }
}

static void a_mail_is_read_where_only_its_head_is_there(void **state)
{
    struct fixture *fixture = *state;
    struct server server = {.message = "250 taken"};

    g_clear_pointer(&fixture->mail->message, g_bytes_unref);
    assert_true(deliver_to(fixture, &server, NULL));
    assert_stored(fixture, STORE_MAIL_SENT, STORE_MAIL_SENT, STORE_MAIL_SENT);
}

static void nobody_there_counts_as_an_attempt_until_it_is_given_up(void **state)
{
    struct fixture *fixture = *state;

    assert_true(deliver(fixture, NULL));
    assert_int_equal(fixture->result.outcome, TRANSPORT_LATER);
    assert_stored(fixture, STORE_MAIL_QUEUED, STORE_MAIL_QUEUED, STORE_MAIL_QUEUED);
    assert_int_equal(fixture->mail->attempts, 1);
    fixture->clock.simulated_epoch_s = NOON + OUTBOX_GIVE_UP_S;
    assert_true(deliver(fixture, NULL));
    assert_stored(fixture, STORE_MAIL_FAILED, STORE_MAIL_FAILED, STORE_MAIL_FAILED);
    assert_non_null(strstr(fixture->mail->answer, "given up after five days"));
}

static void a_signal_leaves_the_mail_as_it_was(void **state)
{
    struct fixture *fixture = *state;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int silent = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); /* connects, and never greets */

    assert_int_equal(bind(silent, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(silent, 1), 0);
    assert_int_equal(getsockname(silent, (struct sockaddr *)&address, &length), 0);
    fixture->config.smtp.port = ntohs(address.sin_port);
    fixture->transport.signal_fd = eventfd(1, EFD_CLOEXEC);
    int64_t due = fixture->mail->next_attempt_at;
    assert_true(deliver(fixture, NULL));
    assert_int_equal(fixture->result.outcome, TRANSPORT_CANCELLED);
    assert_int_equal(fixture->mail->attempts, 0);
    assert_int_equal(fixture->mail->next_attempt_at, due);
    assert_int_equal(fixture->mail->state, STORE_MAIL_QUEUED);
    close(fixture->transport.signal_fd);
    close(silent);
}

/* The database stops taking notes, and takes them again (triggers do not fire there). */
static const char break_off[] = "ALTER TABLE mail_recipient RENAME TO away";
static const char mend[] = "ALTER TABLE away RENAME TO mail_recipient";

static void a_mail_is_not_sent_that_cannot_be_marked_before(void **state)
{
    struct fixture *fixture = *state;
    struct server server = {.message = "250 taken"};
    g_autoptr(GError) error = NULL;

    spoil(fixture->path, break_off);
    assert_false(deliver_to(fixture, &server, &error));
    assert_non_null(strstr(error->message, "was not sent"));
    assert_false(server.taken);
    spoil(fixture->path, mend);
    g_autoptr(StoreMail) stored = store_mail_find(fixture->store, 0, "report", NOON - 2 * DAY, NOON - DAY, NULL);
    assert_int_equal(stored->state, STORE_MAIL_QUEUED);
    assert_int_equal(stored->attempts, 0);
}

static void a_mail_that_was_sent_and_cannot_be_noted_is_said_loudly_and_is_unknown_later(void **state)
{
    struct fixture *fixture = *state;
    struct server server = {.message = "250 taken", .sql = break_off};
    g_autoptr(GError) error = NULL;

    assert_false(deliver_to(fixture, &server, &error));
    assert_non_null(strstr(error->message, "THE MAIL WAS SENT"));
    assert_non_null(strstr(error->message, "do not --resend"));
    assert_null(strstr(error->message, "nothing was changed"));
    assert_true(server.taken && fixture->result.unnoted);
    spoil(fixture->path, mend);
    assert_int_equal(store_mail_recover(fixture->store, NULL), 1);
    g_autoptr(StoreMail) stored = store_mail_find(fixture->store, 0, "report", NOON - 2 * DAY, NOON - DAY, NULL);
    assert_int_equal(stored->state, STORE_MAIL_UNKNOWN);
    assert_int_equal(recipient_state(stored, 0), STORE_MAIL_UNKNOWN);
}

static void what_came_of_a_mail_and_could_not_be_noted_is_noted_later(void **state)
{
    struct fixture *fixture = *state;
    struct server server = {.rcpt = {"250 ok", "451 not now"}, .message = "250 taken", .sql = break_off};

    assert_false(deliver_to(fixture, &server, NULL));
    assert_false(store_mail_note(fixture->store, fixture->mail, NULL));
    spoil(fixture->path, mend);
    assert_true(store_mail_note(fixture->store, fixture->mail, NULL));
    assert_stored(fixture, STORE_MAIL_QUEUED, STORE_MAIL_SENT, STORE_MAIL_QUEUED);
}

#define WITH_OUTBOX(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_wait_grows_from_a_minute_to_four_hours),
        cmocka_unit_test(what_the_service_asks_for_is_waited_at_least),
        cmocka_unit_test(after_five_days_it_is_given_up),
        WITH_OUTBOX(a_mail_that_is_taken_is_sent),
        WITH_OUTBOX(a_recipient_put_off_is_tried_again_alone),
        WITH_OUTBOX(a_recipient_refused_fails_and_the_mail_is_sent),
        WITH_OUTBOX(a_mail_without_an_answer_is_unknown_and_stays_so),
        WITH_OUTBOX(a_recipient_put_off_is_tried_though_nobody_knows_of_the_other),
        WITH_OUTBOX(a_refusal_fails_all),
        WITH_OUTBOX(what_was_unknown_and_is_refused_when_it_is_sent_again_stays_unknown),
        WITH_OUTBOX(what_is_sent_again_after_days_has_its_five_days_anew),
        WITH_OUTBOX(a_refusal_that_is_not_about_the_rest_leaves_them_to_be_tried),
        WITH_OUTBOX(the_rest_is_given_up_after_five_days_of_refusals),
        WITH_OUTBOX(a_mail_that_some_have_is_left_as_it_is_by_graph),
        WITH_OUTBOX(only_who_was_taken_by_a_valid_answer_has_the_mail),
        WITH_OUTBOX(a_mail_is_read_where_only_its_head_is_there),
        WITH_OUTBOX(nobody_there_counts_as_an_attempt_until_it_is_given_up),
        WITH_OUTBOX(a_signal_leaves_the_mail_as_it_was),
        WITH_OUTBOX(a_mail_is_not_sent_that_cannot_be_marked_before),
        WITH_OUTBOX(a_mail_that_was_sent_and_cannot_be_noted_is_said_loudly_and_is_unknown_later),
        WITH_OUTBOX(what_came_of_a_mail_and_could_not_be_noted_is_noted_later),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
