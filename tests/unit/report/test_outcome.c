/* What became of reports: in words, as a status, as an exit status, and as JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "report/outcome.h"

static struct report_customer *customer_new(void)
{
    struct report_customer *customer = g_new0(struct report_customer, 1);

    customer->name = g_strdup("contoso");
    customer->notes = g_ptr_array_new_with_free_func(g_free);
    customer->files = g_ptr_array_new_with_free_func(g_free);
    customer->warnings = g_ptr_array_new_with_free_func(g_free);
    return customer;
}

static struct report_run *run_of(struct report_customer *customer)
{
    struct report_run *run = g_new0(struct report_run, 1);

    /* Freed by report_run_free, which unrefs the arrays. */
    run->customers = g_ptr_array_new();
    run->delivered = g_ptr_array_new_with_free_func((GDestroyNotify)store_mail_free);
    if (customer)
        g_ptr_array_add(run->customers, customer);
    return run;
}

static void customer_free(struct report_customer *customer)
{
    g_free(customer->name);
    g_free(customer->timezone);
    g_free(customer->summary);
    g_free(customer->error);
    g_free(customer->hint);
    g_ptr_array_unref(customer->notes);
    g_ptr_array_unref(customer->files);
    g_ptr_array_unref(customer->warnings);
    store_mail_free(customer->mail);
    g_free(customer);
}

/* A mail to two, with these states of the whole and of each. */
static struct store_mail *mail_of(enum store_mail_state state, enum store_mail_state first,
                                  enum store_mail_state second)
{
    const enum store_mail_state states[] = {first, second};
    struct store_mail *mail = store_mail_new();

    mail->state = state;
    mail->answer = g_strdup("answered.");
    mail->attempts = 1;
    store_mail_add_recipient(mail, "ada@example.org");
    store_mail_add_recipient(mail, "bob@example.org");
    for (guint i = 0; i < mail->recipients->len; i++) {
        struct store_mail_recipient *recipient = g_ptr_array_index(mail->recipients, i);
        recipient->state = states[i];
        recipient->code = state != STORE_MAIL_FAILED && states[i] == STORE_MAIL_FAILED ? 550 : 0;
    }
    return mail;
}

static const struct {
    const char *what;
    bool mail;
    enum store_mail_state state, first, second;
    bool error, written, before;
    enum report_status status;
    int exit;
    const char *summary;
    guint notes;
} cases[] = {
    {"written", false, 0, 0, 0, false, true, false, REPORT_DONE, 0, "begin", 0},
    {"no recipients, written", false, 0, 0, 0, true, true, false, REPORT_PART, 3, "begin; not mailed", 0},
    {"no recipients", false, 0, 0, 0, true, false, false, REPORT_NOT_DONE, 1, "begin; not mailed", 0},
    {"sent", true, STORE_MAIL_SENT, STORE_MAIL_SENT, STORE_MAIL_SENT, false, false, false, REPORT_DONE, 0,
     "begin; mailed to 2 recipients", 0},
    {"sent, but the files failed", true, STORE_MAIL_SENT, STORE_MAIL_SENT, STORE_MAIL_SENT, true, false, false,
     REPORT_PART, 3, "begin; mailed to 2 recipients", 0},
    {"sent to one", true, STORE_MAIL_SENT, STORE_MAIL_SENT, STORE_MAIL_FAILED, false, false, false, REPORT_PART, 3,
     "begin; mailed to 1 of 2 recipients", 1},
    {"sent to one, and who knows to whom else", true, STORE_MAIL_UNKNOWN, STORE_MAIL_SENT, STORE_MAIL_UNKNOWN, false,
     false, false, REPORT_PART, 3, "begin; nobody knows whether the mail was sent", 1},
    {"sent before", true, STORE_MAIL_SENT, STORE_MAIL_SENT, STORE_MAIL_FAILED, false, false, true, REPORT_DONE, 0,
     "begin; mailed before, on 1 Jan 1970, 00:00", 0},
    {"queued", true, STORE_MAIL_QUEUED, STORE_MAIL_QUEUED, STORE_MAIL_QUEUED, false, false, false, REPORT_PART, 3,
     "begin; the mail waits in the outbox", 1},
    {"queued, and refused by one", true, STORE_MAIL_QUEUED, STORE_MAIL_QUEUED, STORE_MAIL_FAILED, false, false, false,
     REPORT_PART, 3, "begin; the mail waits in the outbox", 2},
    {"sending elsewhere", true, STORE_MAIL_SENDING, STORE_MAIL_QUEUED, STORE_MAIL_QUEUED, false, false, false,
     REPORT_PART, 3, "begin; the mail waits in the outbox", 1},
    {"failed", true, STORE_MAIL_FAILED, STORE_MAIL_FAILED, STORE_MAIL_FAILED, false, false, false, REPORT_NOT_DONE, 1,
     "begin; the mail was not sent", 1},
    {"failed, written", true, STORE_MAIL_FAILED, STORE_MAIL_FAILED, STORE_MAIL_FAILED, false, true, false, REPORT_PART,
     3, "begin; the mail was not sent", 1},
    {"unknown", true, STORE_MAIL_UNKNOWN, STORE_MAIL_UNKNOWN, STORE_MAIL_UNKNOWN, false, false, false, REPORT_PART, 3,
     "begin; nobody knows whether the mail was sent", 1},
};

static void each_outcome_has_its_words_and_its_status(void **state)
{
    g_autoptr(ReportWindow) window = report_window_of_dates("UTC", 86400, "1970-01-01", NULL, NULL);

    (void)state;
    assert_non_null(window);
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct report_customer *customer = customer_new();
        struct report_run *run = run_of(customer);

        if (cases[i].mail)
            customer->mail = mail_of(cases[i].state, cases[i].first, cases[i].second);
        customer->error = cases[i].error ? g_strdup("wrong") : NULL;
        customer->sent_before = cases[i].before;
        if (cases[i].written)
            g_ptr_array_add(customer->files, g_strdup("page.html"));
        outcome_tell(customer, window, "begin", NULL, 3600);
        if (customer->status != cases[i].status || report_exit_status(run) != cases[i].exit ||
            customer->notes->len != cases[i].notes || !g_str_equal(customer->summary, cases[i].summary))
            fail_msg("%s: status %d, exit %d, %u notes, %s", cases[i].what, (int)customer->status,
                     report_exit_status(run), customer->notes->len, customer->summary);
        report_run_free(run);
        customer_free(customer);
    }
}

static char *note_of(struct report_customer *customer, const char *held_back)
{
    g_autoptr(ReportWindow) window =
        report_window_of_dates("Europe/Warsaw", 1800000000, "2026-11-22", "2026-11-23", NULL);
    char *note;

    outcome_tell(customer, window, "begin", held_back, 1795401000);
    note = g_strdup(g_ptr_array_index(customer->notes, 0));
    customer_free(customer);
    return note;
}

static void what_waits_says_until_when_and_why(void **state)
{
    struct report_customer *tried = customer_new(), *held = customer_new();

    (void)state;
    tried->mail = mail_of(STORE_MAIL_QUEUED, STORE_MAIL_QUEUED, STORE_MAIL_QUEUED);
    held->mail = mail_of(STORE_MAIL_QUEUED, STORE_MAIL_QUEUED, STORE_MAIL_QUEUED);
    held->mail->attempts = 0;
    g_autofree char *one = note_of(tried, "held back"), *other = note_of(held, "held back");
    assert_string_equal(
        one, "waits: a run for the same days tries it at once, one for others from 23 Nov 03:30 on: answered.");
    assert_string_equal(
        other, "waits: a run for the same days tries it at once, one for others from 23 Nov 03:30 on: held back");
}

static void what_nobody_knows_comes_with_the_command_that_sends_it_again(void **state)
{
    struct report_customer *customer = customer_new();

    (void)state;
    g_free(customer->name);
    customer->name = g_strdup("O'Neil; rm -r *");
    customer->timezone = g_strdup("Europe/Warsaw");
    customer->mail = mail_of(STORE_MAIL_UNKNOWN, STORE_MAIL_UNKNOWN, STORE_MAIL_UNKNOWN);
    customer->mail->from_s = 1795302000; /* midnight in Warsaw, and two days after it */
    customer->mail->to_s = 1795302000 + 2 * 86400;
    g_autofree char *note = note_of(customer, NULL);
    assert_true(g_str_has_suffix(
        note, "m365keep report --customer 'O'\\''Neil; rm -r *' --from 2026-11-22 --to 2026-11-23 --resend"));
}

/* What the log says of a mail that was not tried, and whether it says anything. */
static void what_is_not_tried_is_warned_of_and_what_to_do(void **state)
{
    static const struct {
        enum store_mail_state state;
        const char *held_back, *words;
    } warnings[] = {
        {STORE_MAIL_SENT, NULL, NULL},
        {STORE_MAIL_QUEUED, "Because.", "The mail waits in the outbox. Because."},
        {STORE_MAIL_QUEUED, NULL, "The mail waits in the outbox. It was not tried."},
        {STORE_MAIL_SENDING, NULL, "Another process is sending the mail."},
        {STORE_MAIL_FAILED, NULL,
         "The mail was not sent, and no other one took its place: answered. To have it made anew: m365keep report "
         "--customer 'contoso' --from 2026-11-22 --to 2026-11-22"},
        {STORE_MAIL_UNKNOWN, NULL,
         "Nobody knows whether the mail was sent: answered. If it did not come: m365keep report --customer 'contoso' "
         "--from 2026-11-22 --to 2026-11-22 --resend"},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(warnings); i++) {
        g_autoptr(StoreMail) mail = mail_of(warnings[i].state, warnings[i].state, warnings[i].state);

        mail->from_s = 1795302000;
        mail->to_s = mail->from_s + 3600; /* a day that is not over */
        g_autofree char *words = outcome_warning("contoso", "Europe/Warsaw", mail, warnings[i].held_back);
        if (g_strcmp0(words, warnings[i].words) != 0)
            fail_msg("%zu: %s", i, words);
    }
}

static void who_got_no_mail_for_no_reason_of_their_own_was_not_refused(void **state)
{
    struct report_customer *customer = customer_new();

    (void)state;
    customer->mail = mail_of(STORE_MAIL_SENT, STORE_MAIL_SENT, STORE_MAIL_FAILED);
    ((struct store_mail_recipient *)g_ptr_array_index(customer->mail->recipients, 1))->code = 0;
    g_autofree char *note = note_of(customer, NULL);
    assert_string_equal(note, "bob@example.org did not get it: no word on why");
}

static void a_mail_of_earlier_that_is_not_through_makes_a_part_of_it(void **state)
{
    struct report_customer *customer = customer_new();
    struct report_run *run = run_of(customer);

    (void)state;
    customer->status = REPORT_DONE;
    assert_int_equal(report_exit_status(run), 0);
    g_ptr_array_add(run->delivered, mail_of(STORE_MAIL_SENT, STORE_MAIL_SENT, STORE_MAIL_SENT));
    assert_int_equal(report_exit_status(run), 0);
    g_ptr_array_add(run->delivered, mail_of(STORE_MAIL_SENT, STORE_MAIL_SENT, STORE_MAIL_FAILED));
    assert_int_equal(report_exit_status(run), 3);
    g_ptr_array_add(run->delivered, mail_of(STORE_MAIL_QUEUED, STORE_MAIL_QUEUED, STORE_MAIL_SENT));
    assert_int_equal(report_exit_status(run), 3);
    report_run_free(run);
    customer_free(customer);
}

static void a_run_is_one_json_value_also_where_nothing_came_of_it(void **state)
{
    struct report_customer *customer = customer_new();
    struct report_run *run = run_of(customer);
    g_autoptr(GString) out = g_string_new(NULL);
    g_autoptr(JsonTree) tree = json_tree_new();
    const struct json_node *root, *report;

    (void)state;
    customer->error = g_strdup("a \"bad\"\nday");
    g_ptr_array_add(run->delivered, mail_of(STORE_MAIL_UNKNOWN, STORE_MAIL_SENT, STORE_MAIL_UNKNOWN));
    report_run_append_json(out, run);
    root = json_tree_parse(tree, out->str, out->len, NULL);
    assert_non_null(root);
    report = json_get(root, "reports")->child;
    assert_string_equal(json_get_string(json_get(report, "error"), "message"), "a \"bad\"\nday");
    assert_int_equal(json_get(report, "mail")->type, JSON_NULL);
    assert_int_equal(json_get(report, "from")->type, JSON_NULL);
    assert_null(json_get(report, "services")->child);
    assert_string_equal(json_get_string(json_get(root, "delivered")->child, "state"), "unknown");
    report_run_free(run);
    customer_free(customer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_outcome_has_its_words_and_its_status),
        cmocka_unit_test(what_waits_says_until_when_and_why),
        cmocka_unit_test(what_nobody_knows_comes_with_the_command_that_sends_it_again),
        cmocka_unit_test(what_is_not_tried_is_warned_of_and_what_to_do),
        cmocka_unit_test(who_got_no_mail_for_no_reason_of_their_own_was_not_refused),
        cmocka_unit_test(a_mail_of_earlier_that_is_not_through_makes_a_part_of_it),
        cmocka_unit_test(a_run_is_one_json_value_also_where_nothing_came_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
