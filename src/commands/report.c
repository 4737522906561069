/* m365keep report: its options, and what became of each customer's report. */
#include "report/report.h"

#include <string.h>
#include <unistd.h>

#include "base/base.h"
#include "commands.h"

/* What the command line says. */
struct wishes {
    char *customer, *from, *to, *output, *wait;
    gboolean no_send, resend, explain, json;
};

static void wishes_clear(struct wishes *wishes)
{
    g_free(wishes->customer);
    g_free(wishes->from);
    g_free(wishes->to);
    g_free(wishes->output);
    g_free(wishes->wait);
}

/* --- options ------------------------------------------------------------------------------------------------------ */

static const char summary[] = "Tells each customer what its services were like: figures, charts, issues\n"
                              "and announcements of yesterday, or of other days, by mail and as files.\n"
                              "Reads what m365keep scan has kept; asks Microsoft nothing but to send,\n"
                              "where smtp.transport is graph.";

static const char description[] = "A day is the customer's, from midnight to midnight in its time zone. Which\n"
                                  "days: --from and --to, else report.days_from and days_to of m365keep.yaml,\n"
                                  "else yesterday. What was not scanned is no data, and never looks healthy.\n"
                                  "\n"
                                  "A mail is put into the outbox of the database, and then sent. A customer's\n"
                                  "window is mailed once: a mail that waits is tried again by the next run (and\n"
                                  "by this one, with --wait), one that was refused is composed anew, and one\n"
                                  "that was sent, or that may have been, is not sent again without --resend.\n"
                                  "\n"
                                  "--output DIR (else directories.images) gets the .html, to be opened by\n"
                                  "itself, the charts as .png, and the mail as .eml. --no-send does only that,\n"
                                  "and needs neither a mail server nor credentials. --explain prints each\n"
                                  "figure with the SQL that gives it, for the sqlite3 shell.\n"
                                  "\n"
                                  "Exit status: 0 all done, 1 nothing came of it, 2 usage or configuration, 3 in\n"
                                  "part: a mail waits, somebody was refused, or nobody knows whether a mail was\n"
                                  "sent.\n"
                                  "\n"
                                  "Examples:\n"
                                  "  m365keep report --customer all --wait 30m\n"
                                  "  m365keep report --customer contoso --from 2026-11-16 --to 2026-11-22 \\\n"
                                  "      --no-send --output reports\n"
                                  "  m365keep report --customer contoso --explain | sqlite3 m365keep.db\n"
                                  "  m365keep report --customer all --json |\n"
                                  "      jq '.reports[] | {customer, mail: .mail.state}'";

static bool parse_options(struct command_context *context, struct wishes *wishes, int *argc, char ***argv, int *status)
{
    const GOptionEntry entries[] = {
        {"customer", 0, 0, G_OPTION_ARG_STRING, &wishes->customer, "On whom (where there are several), or all", "NAME"},
        {"from", 0, 0, G_OPTION_ARG_STRING, &wishes->from, "The first day (default: that of --to, or yesterday)",
         "YYYY-MM-DD"},
        {"to", 0, 0, G_OPTION_ARG_STRING, &wishes->to, "The last day (default: that of --from, or yesterday)",
         "YYYY-MM-DD"},
        {"output", 0, 0, G_OPTION_ARG_FILENAME, &wishes->output, "Write the report into this folder", "DIR"},
        {"no-send", 0, 0, G_OPTION_ARG_NONE, &wishes->no_send, "Write files only", NULL},
        {"resend", 0, 0, G_OPTION_ARG_NONE, &wishes->resend, "Send again what was sent, or may have been", NULL},
        {"wait", 0, 0, G_OPTION_ARG_STRING, &wishes->wait, "Go on trying what is put off: 90s, 30m, 2h", "TIME"},
        {"explain", 0, 0, G_OPTION_ARG_NONE, &wishes->explain, "Print the figures with their SQL, and nothing else",
         NULL},
        {"json", 0, 0, G_OPTION_ARG_NONE, &wishes->json, "Print one JSON value with every figure", NULL},
        G_OPTION_ENTRY_NULL,
    };
    const struct command_usage usage = {
        .name = "report", .arguments = "", .summary = summary, .description = description, .entries = entries};

    if (!command_parse(context, &usage, argc, argv, status))
        return false;
    if (*argc > 1)
        *status = command_usage_error(context, "report takes no argument '%s'", (*argv)[1]);
    return *argc <= 1;
}

/* Options that contradict each other. True when there are none. */
static bool check_options(const struct command_context *context, const struct wishes *wishes, int *status)
{
    const struct {
        bool both;
        const char *one, *other;
    } clashes[] = {
        {wishes->explain && wishes->json, "--explain", "--json"},
        {wishes->explain && wishes->output != NULL, "--explain", "--output"},
        {wishes->explain && wishes->resend, "--explain", "--resend"},
        {wishes->explain && wishes->wait != NULL, "--explain", "--wait"},
        {wishes->no_send && wishes->resend, "--no-send", "--resend"},
        {wishes->no_send && wishes->wait != NULL, "--no-send", "--wait"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(clashes); i++)
        if (clashes[i].both) {
            *status = command_usage_error(context, "%s and %s exclude each other", clashes[i].one, clashes[i].other);
            return false;
        }
    return true;
}

/* "90s", "30m", "2h". */
static bool read_wait(const struct command_context *context, const char *text, int64_t *wait_s)
{
    enum { MOST_S = 24 * 3600 };
    static const char units[] = "smh";
    static const int64_t unit_s[] = {1, 60, 3600};
    size_t length = text != NULL ? strlen(text) : 0;
    const char *unit = length > 1 ? strchr(units, text[length - 1]) : NULL;
    g_autofree char *number = unit != NULL ? g_strndup(text, length - 1) : NULL;
    guint64 count = 0;

    *wait_s = 0;
    if (text == NULL)
        return true;
    if (number != NULL && g_ascii_string_to_unsigned(number, 10, 1, MOST_S, &count, NULL))
        *wait_s = (int64_t)count * unit_s[unit - units];
    if (*wait_s > 0 && *wait_s <= MOST_S)
        return true;
    command_usage_error(context, "--wait: '%s' is no time up to 24h, such as 90s, 30m or 2h", text);
    return false;
}

/* Nobody is mailed by mistake: where there are several customers, somebody says who is meant. */
static bool check_customer(const struct command_context *context, const struct wishes *wishes)
{
    const GPtrArray *customers = context->config->customers;
    g_autoptr(GPtrArray) names = g_ptr_array_new();

    if (wishes->customer != NULL || customers->len <= 1)
        return command_check_customer(context, wishes->customer);
    for (guint i = 0; i < customers->len; i++)
        g_ptr_array_add(names, ((const struct config_customer *)g_ptr_array_index(customers, i))->name);
    g_ptr_array_add(names, NULL);
    g_autofree char *all = g_strjoinv(", ", (char **)names->pdata);
    command_usage_error(context,
                        "--customer NAME says whom to report on, --customer all everyone; the customers are: %s", all);
    return false;
}

/* --- words -------------------------------------------------------------------------------------------------------- */

static void append_indented(GString *out, const char *text)
{
    g_autofree char *safe = text_for_terminal(text);

    g_string_append_printf(out, "  %s\n", safe);
}

/* The page, which has all that the other files have. */
static void append_files(GString *out, const GPtrArray *files)
{
    const char *told = g_ptr_array_index(files, 0);

    for (guint i = 0; i < files->len; i++)
        if (g_str_has_suffix(g_ptr_array_index(files, i), ".html"))
            told = g_ptr_array_index(files, i);
    g_autofree char *words = files->len > 1
                                 ? g_strdup_printf("written: %s, and %u files beside it", told, files->len - 1)
                                 : g_strdup_printf("written: %s", told);
    append_indented(out, words);
}

static void append_customer(GString *out, const struct report_customer *customer, size_t width)
{
    g_autofree char *name = text_for_terminal(customer->name), *line = text_for_terminal(customer->summary);
    g_autofree char *cell = text_fit(name, width);

    g_string_append_printf(out, "%s  %s\n", cell, line);
    for (guint i = 0; i < customer->notes->len; i++)
        append_indented(out, g_ptr_array_index(customer->notes, i));
    if (customer->files->len > 0)
        append_files(out, customer->files);
}

/* A mail of an earlier window: its subject says which. */
static void append_delivered(GString *out, const struct store_mail *mail)
{
    g_autofree char *words =
        g_strdup_printf("of earlier, \"%s\": %s%s%s", mail->subject, store_mail_state_name(mail->state),
                        mail->state != STORE_MAIL_SENT && mail->answer != NULL ? ", " : "",
                        mail->state != STORE_MAIL_SENT && mail->answer != NULL ? mail->answer : "");
    g_autofree char *safe = text_for_terminal(words);

    g_string_append_printf(out, "%s\n", safe);
}

static void write_run(const struct report_run *run, bool json)
{
    g_autoptr(GString) out = g_string_new(NULL);
    size_t width = 0;

    if (json) {
        report_run_append_json(out, run);
        g_string_append_c(out, '\n');
        command_write(out->str, out->len);
        return;
    }
    for (guint i = 0; i < run->customers->len; i++) {
        const struct report_customer *customer = g_ptr_array_index(run->customers, i);
        g_autofree char *name = text_for_terminal(customer->name);
        width = MAX(width, text_width(name));
    }
    for (guint i = 0; i < run->customers->len; i++)
        append_customer(out, g_ptr_array_index(run->customers, i), width);
    for (guint i = 0; i < run->delivered->len; i++)
        append_delivered(out, g_ptr_array_index(run->delivered, i));
    command_write(out->str, out->len);
}

static guint count_waiting(const struct report_run *run)
{
    guint waiting = 0;

    for (guint i = 0; i < run->customers->len; i++) {
        const struct store_mail *mail = ((const struct report_customer *)g_ptr_array_index(run->customers, i))->mail;
        waiting += mail != NULL && mail->state == STORE_MAIL_QUEUED;
    }
    for (guint i = 0; i < run->delivered->len; i++)
        waiting += ((const struct store_mail *)g_ptr_array_index(run->delivered, i))->state == STORE_MAIL_QUEUED;
    return waiting;
}

static void say_interrupted(const struct command_context *context, const struct report_options *options,
                            const struct report_run *run)
{
    guint wanted =
        options->customer == NULL || g_str_equal(options->customer, "all") ? context->config->customers->len : 1;
    guint waiting = count_waiting(run);

    command_say(context,
                "Interrupted: %u of %u customers were reported on; %u mail%s wait%s in the outbox, for the next run.",
                run->customers->len, wanted, waiting, waiting == 1 ? "" : "s", waiting == 1 ? "s" : "");
}

/* --- the whole ---------------------------------------------------------------------------------------------------- */

static int fail(const struct command_context *context, const GError *error)
{
    return command_fail(context, g_error_matches(error, REPORT_ERROR, REPORT_ERROR_USAGE) ? EXIT_USAGE : EXIT_FAILED,
                        "%s", error->message);
}

static int explain(const struct command_context *context, const struct report_options *options)
{
    g_autoptr(GString) out = g_string_new(NULL);
    g_autoptr(GError) error = NULL;
    bool good = report_explain(options, out, &error);

    command_write(out->str, out->len);
    return command_finish(context, good ? EXIT_DONE : fail(context, error));
}

static int report(const struct command_context *context, const struct wishes *wishes, struct report_options *options)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(ReportRun) run = NULL;

    options->signal_fd = command_signals_open(context);
    if (options->signal_fd < 0)
        return EXIT_FAILED;
    options->progress = !context->quiet && isatty(STDERR_FILENO) && g_strcmp0(g_getenv("TERM"), "dumb") != 0;
    run = report_run(options, &error);
    close(options->signal_fd);
    if (run == NULL)
        return fail(context, error);
    if (wishes->json || !context->quiet)
        write_run(run, wishes->json);
    if (run->signal != 0)
        say_interrupted(context, options, run);
    return command_finish(context, run->signal != 0 ? EXIT_SIGNAL + run->signal : report_exit_status(run));
}

static int configure_and_report(struct command_context *context, const struct wishes *wishes)
{
    struct report_options options = {.signal_fd = -1};
    int status;

    /* Secrets are for sending. */
    options.send = !wishes->no_send && !wishes->explain;
    if (!check_options(context, wishes, &status) || !command_configure(context, options.send, &status))
        return status;
    if (!check_customer(context, wishes) || !read_wait(context, wishes->wait, &options.wait_s))
        return EXIT_USAGE;
    if (wishes->no_send && !wishes->explain && wishes->output == NULL && context->config->directories.images == NULL)
        return command_usage_error(context, "--no-send needs --output DIR (or directories.images in m365keep.yaml): "
                                            "without it, nothing would come of the report");
    if (wishes->output != NULL && *wishes->output == '\0')
        return command_usage_error(context, "--output needs the name of a folder");
    options.config = context->config;
    options.clock = &context->clock;
    options.customer = wishes->customer;
    options.first = wishes->from;
    options.last = wishes->to;
    options.output = wishes->output;
    options.resend = wishes->resend;
    options.json = wishes->json;
    return wishes->explain ? explain(context, &options) : report(context, wishes, &options);
}

int command_report(int argc, char **argv)
{
    g_auto(CommandContext) context = {0};
    struct wishes wishes = {0};
    int status = EXIT_DONE;

    if (parse_options(&context, &wishes, &argc, &argv, &status))
        status = configure_and_report(&context, &wishes);
    wishes_clear(&wishes);
    return status;
}
