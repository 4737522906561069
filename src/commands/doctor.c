#include "doctor/doctor.h"

#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/base.h"
#include "commands/commands.h"

/* What the command line says. */
struct wishes {
    char *customer;
    gboolean json, permissions;
};

/* What is told, and how. */
struct telling {
    const struct command_context *context;
    bool color;
    GString *json; /* the findings so far; NULL: lines for people, at once */
    unsigned n[DOCTOR_FAIL + 1];
};

/* --- lines -------------------------------------------------------------------------------------------------------- */

static const struct {
    const char *mark, *name, *color;
} severities[] = {
    [DOCTOR_OK] = {"ok  ", "ok", "\033[32m"},
    [DOCTOR_NOTE] = {"note", "note", "\033[36m"},
    [DOCTOR_WARN] = {"warn", "warn", "\033[33m"},
    [DOCTOR_FAIL] = {"FAIL", "fail", "\033[1;31m"},
};

/* Whom and what it concerns: "database", "contoso, sign-in", "contoso, sign-ins". */
static void append_subject(GString *line, const struct doctor_finding *finding)
{
    if (finding->customer)
        g_string_append_printf(line, "%s, ", finding->customer);
    g_string_append_printf(line, "%s: ", finding->source ? finding->source : finding->check);
}

static void tell_line(const struct telling *telling, const struct doctor_finding *finding)
{
    g_autoptr(GString) words = g_string_new(NULL), out = g_string_new(NULL);

    append_subject(words, finding);
    g_string_append(words, finding->message);
    if (finding->mend)
        g_string_append_printf(words, " -> %s", finding->mend);
    if (finding->request_id && telling->context->verbose)
        g_string_append_printf(words, " (request id %s)", finding->request_id);
    g_autofree char *safe = text_for_terminal(words->str);
    g_string_printf(out, "%s%s%s  %s\n", telling->color ? severities[finding->severity].color : "",
                    severities[finding->severity].mark, telling->color ? "\033[0m" : "", safe);
    if (telling->context->quiet && finding->severity < DOCTOR_WARN)
        return;
    command_write(out->str, out->len);
    fflush(stdout); /* the next one may take its time */
}

static void append_count(GString *out, unsigned n, const char *one, const char *many)
{
    g_string_append_printf(out, "%s%u %s", out->len ? ", " : "", n, n == 1 ? one : many);
}

static void tell_sum(const struct telling *telling)
{
    g_autoptr(GString) sum = g_string_new(NULL);

    if (telling->n[DOCTOR_FAIL])
        append_count(sum, telling->n[DOCTOR_FAIL], "failure", "failures");
    if (telling->n[DOCTOR_WARN])
        append_count(sum, telling->n[DOCTOR_WARN], "warning", "warnings");
    if (telling->n[DOCTOR_NOTE])
        append_count(sum, telling->n[DOCTOR_NOTE], "note", "notes");
    append_count(sum, telling->n[DOCTOR_OK], "check in order", "checks in order");
    g_string_append(sum, telling->n[DOCTOR_FAIL] + telling->n[DOCTOR_WARN] ? ".\n" : ": nothing to mend.\n");
    if (!telling->context->quiet)
        command_write(sum->str, sum->len);
}

/* --- JSON --------------------------------------------------------------------------------------------------------- */

static void append_json(GString *out, const struct doctor_finding *finding)
{
    const struct {
        const char *key, *text;
    } members[] = {
        {"severity", severities[finding->severity].name},
        {"check", finding->check},
        {"customer", finding->customer},
        {"source", finding->source},
        {"message", finding->message},
        {"mend", finding->mend},
        {"code", finding->code},
        {"request_id", finding->request_id},
    };

    g_string_append(out, out->len ? ",{" : "{");
    for (size_t i = 0; i < G_N_ELEMENTS(members); i++) {
        g_string_append_printf(out, "%s\"%s\":", i ? "," : "", members[i].key);
        text_append_json(out, members[i].text);
    }
    g_string_append_c(out, '}');
}

static void tell_json(const struct telling *telling, int64_t started, enum doctor_severity worst, bool whole)
{
    g_autoptr(GString) out = g_string_new("{\"started\":");
    g_autofree char *begin = timestamp_format_seconds(started);
    g_autofree char *end = timestamp_format_seconds(clock_now(&telling->context->clock));

    text_append_json(out, begin);
    g_string_append(out, ",\"finished\":");
    text_append_json(out, end);
    g_string_append_printf(out, ",\"interrupted\":%s,\"ok\":%s,\"worst\":\"%s\",\"findings\":[%s]}\n",
                           whole ? "false" : "true", whole && worst < DOCTOR_WARN ? "true" : "false",
                           severities[worst].name, telling->json->str);
    command_write(out->str, out->len);
}

static void found(const struct doctor_finding *finding, void *user)
{
    struct telling *telling = user;

    telling->n[finding->severity]++;
    if (telling->json)
        append_json(telling->json, finding);
    else
        tell_line(telling, finding);
}

/* --- the command -------------------------------------------------------------------------------------------------- */

/* Says by what it was ended, and returns the exit status of that. */
static int signal_exit(const struct command_context *context, int fd)
{
    struct signalfd_siginfo info;

    if (read(fd, &info, sizeof info) != (ssize_t)sizeof info)
        return EXIT_FAILED;
    command_say(context, "Interrupted by SIG%s: not everything was looked at.", sigabbrev_np((int)info.ssi_signo));
    return EXIT_SIGNAL + (int)info.ssi_signo;
}

static int examine(struct command_context *context, const struct wishes *wishes, const char *fault)
{
    struct telling telling = {.context = context,
                              .color = command_wants_color(STDOUT_FILENO),
                              .json = wishes->json ? g_string_new(NULL) : NULL};
    struct doctor_options options = {.config = context->config,
                                     .config_error = fault,
                                     .database = command_database(context),
                                     .clock = &context->clock,
                                     .customer = wishes->customer,
                                     .signal_fd = command_signals_open(context),
                                     .found = found,
                                     .user = &telling};
    int64_t started = clock_now(&context->clock);
    bool interrupted = false;
    int status = EXIT_FAILED;

    if (options.signal_fd >= 0) {
        enum doctor_severity worst = doctor_run(&options, &interrupted);
        if (telling.json)
            tell_json(&telling, started, worst, !interrupted);
        else if (!interrupted)
            tell_sum(&telling);
        status = interrupted           ? signal_exit(context, options.signal_fd)
                 : worst < DOCTOR_WARN ? EXIT_DONE
                                       : EXIT_FINDINGS;
        close(options.signal_fd);
    }
    if (telling.json)
        g_string_free(telling.json, TRUE);
    return command_finish(context, status);
}

static int print_permissions(const struct command_context *context)
{
    g_autoptr(GString) out = g_string_new(NULL);

    doctor_append_permissions(out);
    command_write(out->str, out->len);
    return command_finish(context, EXIT_DONE);
}

static int run(struct command_context *context, struct wishes *wishes)
{
    g_autofree char *fault = NULL;
    int status;

    if (wishes->permissions && wishes->json)
        return command_usage_error(context,
                                   "--permissions prints a table in Markdown, and --json is for findings: they "
                                   "exclude each other");
    if (wishes->permissions)
        return print_permissions(context);
    if (g_strcmp0(wishes->customer, "all") == 0)
        g_clear_pointer(&wishes->customer, g_free);
    if (!command_configure_anyway(context, &fault, &status))
        return status;
    if (wishes->customer && !fault && !command_check_customer(context, wishes->customer))
        return EXIT_USAGE;
    return examine(context, wishes, fault);
}

static const char summary[] =
    "Looks at everything an installation depends on, and says of each fault how to mend it: configuration, database,\n"
    "disk, network, clock, each customer's sign-in, permissions and licences, MongoDB and the mail server.";

static const char description[] = "One line a finding: ok, note, warn or FAIL, what was found, and after -> what to "
                                  "do. Nothing is changed, no mail is\n"
                                  "sent, and no secret is shown. Each source is asked for a record or few.\n"
                                  "\n"
                                  "Exit status: 0 nothing to mend, 2 wrong usage, 4 there are warnings or failures.\n"
                                  "\n"
                                  "Examples:\n"
                                  "  m365keep doctor\n"
                                  "  m365keep doctor --customer contoso\n"
                                  "  m365keep doctor --json | jq -r '.findings[] | select(.mend) | .mend'";

int command_doctor(int argc, char **argv)
{
    struct wishes wishes = {0};
    const GOptionEntry entries[] = {
        {"customer", 0, 0, G_OPTION_ARG_STRING, &wishes.customer, "Ask for this customer only (default: all)", "NAME"},
        {"json", 0, 0, G_OPTION_ARG_NONE, &wishes.json, "Report as one JSON value", NULL},
        {"permissions", 0, 0, G_OPTION_ARG_NONE, &wishes.permissions,
         "Print which permissions each source needs, as a table in Markdown, and do nothing else", NULL},
        {NULL, 0, 0, 0, NULL, NULL, NULL}};
    const struct command_usage usage = {
        .name = "doctor", .arguments = "", .summary = summary, .description = description, .entries = entries};
    g_auto(CommandContext) context = {0};
    int status;

    if (command_parse(&context, &usage, &argc, &argv, &status))
        status =
            argc > 1 ? command_usage_error(&context, "doctor takes no argument '%s'", argv[1]) : run(&context, &wishes);
    g_free(wishes.customer);
    return status;
}
