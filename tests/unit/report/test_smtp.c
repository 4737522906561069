/* What a mail server says, and what it means for the mail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "report/smtp_reply.h"
#include "report/smtp_verdict.h"

static const char password[] = "hunter-2-hunter";

static void an_answer_is_read_to_its_last_line_and_no_further(void **state)
{
    static const struct {
        const char *bytes;
        int code;
        const char *text; /* NULL: not whole, or none */
        size_t taken;
    } rows[] = {
        {"250 fine\r\n", 250, "fine", 10},
        {"250\r\n", 250, "", 5},
        {"250 fine\n", 250, "fine", 9},
        {"250-a\r\n250-b\r\n250 c\r\n", 250, "a\r\nb\r\nc", 21},
        {"250 fine\r\n354 go on\r\n", 250, "fine", 10},
        {"250-a\r\n250", 0, NULL, 0},
        {"250-a\r\n", 0, NULL, 0},
        {"250 fine", 0, NULL, 0},
        {"", 0, NULL, 0},
        {"250-a\r\n251 b\r\n", -1, NULL, 0},
        {"SSH-2.0-OpenSSH\r\n", -1, NULL, 0},
        {"25 x\r\n", -1, NULL, 0},
        {"2500 x\r\n", -1, NULL, 0},
        {"-50 x\r\n", -1, NULL, 0},
        {"\r\n", -1, NULL, 0},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *text = NULL;
        size_t taken = 0;
        int code;
        bool whole = smtp_reply_read(rows[i].bytes, strlen(rows[i].bytes), &code, &text, &taken);

        assert_int_equal(code, rows[i].code);
        assert_int_equal(whole, rows[i].text != NULL);
        if (whole)
            assert_string_equal(text, rows[i].text);
        assert_int_equal(taken, rows[i].taken);
    }
}

static void mechanisms_are_found_in_any_spelling(void **state)
{
    static const struct {
        const char *offer, *mechanisms; /* NULL: none listed */
    } rows[] = {
        {"mail.example.test\r\nAUTH PLAIN login", "PLAIN LOGIN"},
        {"mail.example.test\r\nSIZE 1\r\nauth=LOGIN", "LOGIN"},
        {"AUTH PLAIN\r\nSIZE 1", NULL}, /* the server's name */
        {"mail.example.test\r\nAUTHORS x", NULL},
        {"mail.example.test\r\nAUTH ", ""},
        {"mail.example.test", NULL},
        {NULL, NULL},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_auto(GStrv) mechanisms = smtp_reply_mechanisms(rows[i].offer);
        g_autofree char *joined = mechanisms ? g_strjoinv(" ", mechanisms) : NULL;

        assert_int_equal(joined != NULL, rows[i].mechanisms != NULL);
        if (joined)
            assert_string_equal(joined, rows[i].mechanisms);
    }
}

static void answers_are_mended_wherever_they_are_cut(void **state)
{
    static const struct {
        const char *bytes, *mended;
    } rows[] = {
        {"250\r\n", "250 \n"},
        {"250-a\r\n250\r\n354\r\n", "250-a\r\n250 \n354 \n"},
        {"250 \r\n250-\r\n250\n", "250 \r\n250-\r\n250\n"},
        {"25\r\n2500\r\nx50\r\n", "25\r\n2500\r\nx50\r\n"},
        {"250-PIPELINING\r\n250 SIZE 1\r\n", "250-PIPELININ-\r\n250 SIZE 1\r\n"},
        {"250 pipelining\r\n", "250 pipelinin-\r\n"},
        {"+250-PIPEPIPELINING\r\n", "+250-PIPEPIPELININ-\r\n"},
        {"250-CHUNKING\r\n250-XUSR\r\n", "250-CHUNKIN-\r\n250-XUS-\r\n"},
        {"250-XXUSR\r\n250-CHUNCHUNKING\r\n", "250-XXUS-\r\n250-CHUNCHUNKIN-\r\n"},
        {"250-ENHANCEDSTATUSCODES\r\n250 8BITMIME\r\n", "250-ENHANCEDSTATUSCODE-\r\n250 8BITMIME\r\n"},
        {"250-PIPE\r\nLINING\r\n", "250-PIPE\r\nLINING\r\n"},
        {"334 eHVzcg==\r\n334 XUSR\r\n", "334 eHVzcg==\r\n334 XUSR\r\n"},
        {"250-AUTH PLAIN LOGIN\r\n250 STARTTLS\r\n", "250-AUTH PLAIN LOGIN\r\n250 STARTTLS\r\n"},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        for (size_t cut = 0; cut <= strlen(rows[i].bytes); cut++) {
            struct smtp_mender mender = {0};
            g_autofree char *bytes = g_strdup(rows[i].bytes);

            smtp_reply_mend(&mender, bytes, cut);
            smtp_reply_mend(&mender, bytes + cut, strlen(bytes) - cut);
            assert_string_equal(bytes, rows[i].mended);
        }
}

/* --- verdicts ----------------------------------------------------------------------------------------------------- */

struct made {
    struct smtp_order order;
    struct smtp_record record;
    struct smtp_reply replies[3];
    struct store_mail *mail;
    struct transport_result result;
};

/* A session that went well up to the message, with three recipients. */
static void make(struct made *made)
{
    *made = (struct made){.order = {.server = "mail.example.test", .port = 587},
                          .record = {.connected = true,
                                     .step = SMTP_STEP_MESSAGE,
                                     .handed_over = true,
                                     .greeting = {220, NULL},
                                     .hello = {250, NULL},
                                     .mail = {250, NULL},
                                     .recipients = 3}};
    made->mail = store_mail_new();
    store_mail_add_recipient(made->mail, "a@x.test");
    store_mail_add_recipient(made->mail, "b@x.test");
    store_mail_add_recipient(made->mail, "c@x.test");
    for (size_t i = 0; i < 3; i++)
        made->replies[i] = (struct smtp_reply){250, (char *)"2.1.5 ok"};
    made->record.recipient = made->replies;
}

static void judge(struct made *made)
{
    smtp_verdict(&made->order, &made->record, made->mail->recipients, &made->result);
}

static void done(struct made *made)
{
    store_mail_free(made->mail);
    transport_result_clear(&made->result);
}

static const struct store_mail_recipient *recipient_of(const struct made *made, guint i)
{
    return g_ptr_array_index(made->mail->recipients, i);
}

static void only_250_after_the_message_is_sent(void **state)
{
    static const struct {
        int code;
        enum transport_outcome outcome;
        enum store_mail_state state;
    } rows[] = {{250, TRANSPORT_SENT, STORE_MAIL_SENT},       {251, TRANSPORT_SENT, STORE_MAIL_SENT},
                {220, TRANSPORT_UNKNOWN, STORE_MAIL_UNKNOWN}, {354, TRANSPORT_UNKNOWN, STORE_MAIL_UNKNOWN},
                {0, TRANSPORT_UNKNOWN, STORE_MAIL_UNKNOWN},   {451, TRANSPORT_LATER, STORE_MAIL_QUEUED},
                {421, TRANSPORT_LATER, STORE_MAIL_QUEUED},    {554, TRANSPORT_REFUSED, STORE_MAIL_FAILED}};

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct made made;
        make(&made);
        made.record.data = (struct smtp_reply){rows[i].code, (char *)"words"};
        judge(&made);
        assert_int_equal(made.result.outcome, rows[i].outcome);
        assert_non_null(made.result.answer);
        for (guint j = 0; j < 3; j++)
            assert_int_equal(recipient_of(&made, j)->state, rows[i].state);
        done(&made);
    }
}

static void each_recipient_has_a_fate_of_its_own(void **state)
{
    static const struct {
        int data;
        enum store_mail_state states[3]; /* of those answered 250, 451 and 550 */
    } rows[] = {{250, {STORE_MAIL_SENT, STORE_MAIL_QUEUED, STORE_MAIL_FAILED}},
                {0, {STORE_MAIL_UNKNOWN, STORE_MAIL_QUEUED, STORE_MAIL_FAILED}},
                {451, {STORE_MAIL_QUEUED, STORE_MAIL_QUEUED, STORE_MAIL_FAILED}},
                {554, {STORE_MAIL_FAILED, STORE_MAIL_FAILED, STORE_MAIL_FAILED}}};

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct made made;
        make(&made);
        made.replies[1] = (struct smtp_reply){451, (char *)"4.2.1 greylisted"};
        made.replies[2] = (struct smtp_reply){550, (char *)"5.1.1 unknown"};
        made.record.data = (struct smtp_reply){rows[i].data, (char *)"words"};
        judge(&made);
        for (guint j = 0; j < 3; j++)
            assert_int_equal(recipient_of(&made, j)->state, rows[i].states[j]);
        assert_int_equal(recipient_of(&made, 2)->code, 550);
        assert_string_equal(recipient_of(&made, 1)->answer, "4.2.1 greylisted");
        done(&made);
    }
}

static void a_recipient_is_taken_by_an_answer_of_success_only(void **state)
{
    static const struct {
        int code, data;
        enum store_mail_state state;
    } rows[] = {
        {250, 250, STORE_MAIL_SENT},   {251, 250, STORE_MAIL_SENT},   {550, 250, STORE_MAIL_FAILED},
        {452, 250, STORE_MAIL_QUEUED}, {999, 250, STORE_MAIL_QUEUED}, {350, 250, STORE_MAIL_QUEUED},
        {150, 250, STORE_MAIL_QUEUED}, {0, 250, STORE_MAIL_UNKNOWN},  {999, 0, STORE_MAIL_QUEUED},
        {0, 0, STORE_MAIL_UNKNOWN},    {550, 0, STORE_MAIL_FAILED},   {999, 451, STORE_MAIL_QUEUED},
        {999, 554, STORE_MAIL_FAILED},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct made made;
        make(&made);
        made.replies[1] = (struct smtp_reply){rows[i].code, (char *)"words"};
        made.record.data = (struct smtp_reply){rows[i].data, (char *)"words"};
        judge(&made);
        assert_int_equal(recipient_of(&made, 1)->state, rows[i].state);
        done(&made);
    }
}

static void what_is_neither_yes_nor_no_is_quoted(void **state)
{
    static const struct {
        int code;
        bool garbled;
        const char *words;
    } rows[] = {{220, false, "answers it with \"220 odd\", which is neither yes nor no: nobody knows"},
                {354, false, "answers it with \"354 odd\""},
                {999, false, "answers it with \"999 odd\""},
                {0, true, "but what it answers is no answer of a mail server: nobody knows"},
                {0, false, "but its answer did not come: nobody knows"}};

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct made made;
        make(&made);
        made.record.data = (struct smtp_reply){rows[i].code, (char *)"odd"};
        made.record.garbled = rows[i].garbled;
        judge(&made);
        assert_int_equal(made.result.outcome, TRANSPORT_UNKNOWN);
        assert_non_null(strstr(made.result.answer, rows[i].words));
        done(&made);
    }
}

static void nothing_is_known_to_be_sent_that_was_not_handed_over(void **state)
{
    (void)state;
    /* A server that says 250 to nothing at all. */
    for (enum smtp_step step = SMTP_STEP_CONNECT; step <= SMTP_STEP_DATA; step++) {
        struct made made;
        make(&made);
        made.record.handed_over = false;
        made.record.step = step;
        made.record.data = (struct smtp_reply){250, (char *)"taken"};
        judge(&made);
        assert_int_equal(made.result.outcome, TRANSPORT_LATER);
        done(&made);
    }
}

static void a_session_that_was_left_says_how_far_it_came(void **state)
{
    static const struct {
        struct smtp_record record;
        enum transport_outcome outcome;
        const char *words;
    } rows[] = {
        {{.end = SMTP_END_CANCELLED, .step = SMTP_STEP_RCPT}, TRANSPORT_CANCELLED, "before anything was handed over"},
        {{.end = SMTP_END_STOPPED, .step = SMTP_STEP_DATA}, TRANSPORT_LATER, "not handed over"},
        {{.end = SMTP_END_LIMIT}, TRANSPORT_LATER, "cannot be reached"},
        {{.end = SMTP_END_LIMIT, .connected = true, .step = SMTP_STEP_EHLO}, TRANSPORT_LATER, "does not answer EHLO"},
        {{.end = SMTP_END_LIMIT, .connected = true, .step = SMTP_STEP_MESSAGE, .handed_over = true},
         TRANSPORT_UNKNOWN,
         "nobody knows"},
        {{.end = SMTP_END_LEFT, .connected = true, .step = SMTP_STEP_MESSAGE, .handed_over = true},
         TRANSPORT_UNKNOWN,
         "nobody knows"},
        {{.setup = (char *)"no file"}, TRANSPORT_REFUSED, "no file"},
        {{.nameless = true, .failure = (char *)"Name unknown"}, TRANSPORT_REFUSED, "Name unknown"},
        {{.failure = (char *)"Connection refused"}, TRANSPORT_LATER, "Connection refused"},
        {{.connected = true, .step = SMTP_STEP_TLS}, TRANSPORT_LATER, "handshake"},
        {{.connected = true, .step = SMTP_STEP_TLS, .failure = (char *)"unsupported protocol"},
         TRANSPORT_REFUSED,
         "unsupported protocol"},
        {{.connected = true, .step = SMTP_STEP_TLS, .distrust = (char *)"hostname mismatch"},
         TRANSPORT_REFUSED,
         "hostname mismatch"},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct made made;
        make(&made);
        made.record = rows[i].record;
        judge(&made);
        assert_int_equal(made.result.outcome, rows[i].outcome);
        assert_non_null(strstr(made.result.answer, rows[i].words));
        done(&made);
    }
}

static void the_password_is_in_no_words(void **state)
{
    struct made made;
    g_autofree char *encoded = g_base64_encode((const guchar *)password, strlen(password));
    g_autofree char *plain = g_base64_encode((const guchar *)"\0desk\0hunter-2-hunter", 21);
    g_autofree char *words = g_strdup_printf("you said %s, %s and %s", password, encoded, plain);

    (void)state;
    make(&made);
    made.order.user = "desk";
    made.order.password = password;
    made.record.authenticated = true;
    made.record.data = (struct smtp_reply){550, words};
    judge(&made);
    assert_string_equal(recipient_of(&made, 0)->answer, "you said ***, *** and ***");
    assert_null(strstr(made.result.answer, password));
    done(&made);
}

static void words_are_one_line_of_what_a_terminal_shows(void **state)
{
    g_autofree char *wild = transport_words("5.7.1 no\x1b[2J\r\n   really\tnot \xff\n");
    g_autofree char *none = transport_words(NULL);
    g_autofree char *run = g_strnfill(2000, 'x'), *cut = transport_words(run);
    g_autoptr(GString) wide = g_string_new("y");

    (void)state;
    for (int i = 0; i < 400; i++)
        g_string_append(wide, "ö");
    g_autofree char *whole = transport_words(wide->str);
    assert_string_equal(wild, "5.7.1 no\\x1b[2J really not \xef\xbf\xbd");
    assert_string_equal(none, "");
    assert_true(strlen(cut) <= 303 && g_str_has_suffix(cut, "x…"));
    assert_true(g_utf8_validate(whole, -1, NULL) && strlen(whole) <= 303);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_is_read_to_its_last_line_and_no_further),
        cmocka_unit_test(mechanisms_are_found_in_any_spelling),
        cmocka_unit_test(answers_are_mended_wherever_they_are_cut),
        cmocka_unit_test(only_250_after_the_message_is_sent),
        cmocka_unit_test(each_recipient_has_a_fate_of_its_own),
        cmocka_unit_test(a_recipient_is_taken_by_an_answer_of_success_only),
        cmocka_unit_test(what_is_neither_yes_nor_no_is_quoted),
        cmocka_unit_test(nothing_is_known_to_be_sent_that_was_not_handed_over),
        cmocka_unit_test(a_session_that_was_left_says_how_far_it_came),
        cmocka_unit_test(the_password_is_in_no_words),
        cmocka_unit_test(words_are_one_line_of_what_a_terminal_shows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
