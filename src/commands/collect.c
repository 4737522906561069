#include "commands/commands.h"

#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/base.h"
#include "collect/collect.h"
#include "sources/sources.h"

/* What the command line says. */
struct wishes {
    char *customer, *only, *since, *hours;
    gboolean json;
};

static void wishes_clear(struct wishes *wishes)
{
    g_free(wishes->customer);
    g_free(wishes->only);
    g_free(wishes->since);
    g_free(wishes->hours);
}

/* The names after --only, checked; NULL with a word on stderr. */
static char **read_sources(const struct command_context *context, const char *only)
{
    /* Nothing at all is one empty name, not no names. */
    g_auto(GStrv) names = g_strsplit(*only ? only : ",", ",", -1);
    g_autoptr(GPtrArray) known = g_ptr_array_new();

    for (const struct source *source = sources_all(); source->name; source++)
        g_ptr_array_add(known, (gpointer)source->name);
    for (char **name = names; *name; name++) {
        g_strstrip(*name);
        if (!source_find(*name)) {
            command_refuse_name(context, "--only", "source", *name, known);
            return NULL;
        }
    }
    return g_steal_pointer(&names);
}

/* --since and --hours: fills options; false after a word on stderr. */
static bool read_since(const struct command_context *context, const struct wishes *wishes,
                       struct collect_options *options)
{
    g_autoptr(GError) error = NULL;
    int64_t now = clock_now(options->clock);
    guint64 hours;

    if (wishes->since && wishes->hours) {
        command_usage_error(context, "--since and --hours exclude each other");
        return false;
    }
    if (wishes->since) {
        options->has_since = true;
        if (!timestamp_parse_human(wishes->since, now, &options->since, &error)) {
            command_usage_error(context, "--since: %s", error->message);
            return false;
        }
        if (options->since >= now) {
            command_usage_error(context, "--since: '%s' is not in the past", wishes->since);
            return false;
        }
    }
    if (wishes->hours) {
        if (!g_ascii_string_to_unsigned(wishes->hours, 10, 1, 24 * 366, &hours, &error)) {
            command_usage_error(context, "--hours: '%s' is no number of hours from 1 to %d", wishes->hours, 24 * 366);
            return false;
        }
        options->has_since = true;
        options->since = now - (int64_t)hours * 3600;
    }
    return true;
}

static void write_report(const struct collect_report *report, bool json)
{
    g_autoptr(GString) out = g_string_new(NULL);

    if (json) {
        collect_report_append_json(out, report);
        g_string_append_c(out, '\n');
    } else {
        collect_report_append_table(out, report, command_wants_color(STDOUT_FILENO));
    }
    command_write(out->str, out->len);
}

/* The run could not begin: because of a signal, which is still to be read, or of what *error says. */
static int fail(const struct command_context *context, int signal_fd, const GError *error)
{
    struct signalfd_siginfo info;
    bool stopped = g_error_matches(error, STORE_ERROR, STORE_ERROR_STOPPED) &&
                   read(signal_fd, &info, sizeof info) == (ssize_t)sizeof info;

    return command_fail(context, stopped ? EXIT_SIGNAL + (int)info.ssi_signo : EXIT_FAILED, "%s", error->message);
}

static int collect(struct command_context *context, const struct wishes *wishes, struct collect_options *options)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(CollectReport) report = NULL;

    options->signal_fd = command_signals_open(context);
    if (options->signal_fd < 0)
        return EXIT_FAILED;
    options->progress = !context->quiet && isatty(STDERR_FILENO) && g_strcmp0(g_getenv("TERM"), "dumb") != 0;
    report = collect_run(options, &error);
    if (!report) {
        int status = fail(context, options->signal_fd, error);
        close(options->signal_fd);
        return status;
    }
    close(options->signal_fd);
    if (wishes->json || !context->quiet)
        write_report(report, wishes->json);
    return command_finish(context, report->signal ? EXIT_SIGNAL + report->signal : collect_exit_status(report));
}

/* What remains to be done once the command line was taken apart. */
static int configure_and_collect(struct command_context *context, const struct wishes *wishes,
                                 const char *const *sources)
{
    struct collect_options options = {.signal_fd = -1};
    g_auto(GStrv) only = NULL;
    int status;

    if (!command_configure(context, true, &status))
        return status;
    if (wishes->only && !(only = read_sources(context, wishes->only)))
        return EXIT_USAGE;
    options.config = context->config;
    options.clock = &context->clock;
    options.customer = wishes->customer;
    options.sources = only ? (const char *const *)only : sources;
    if (!read_since(context, wishes, &options) || !command_check_customer(context, wishes->customer))
        return EXIT_USAGE;
    return collect(context, wishes, &options);
}

/* `sources`: those to read, NULL-ended; NULL: what the command line and the configuration say. */
static int run(const struct command_usage *usage, int argc, char **argv, struct wishes *wishes,
               const char *const *sources)
{
    g_auto(CommandContext) context = {0};
    int status;

    if (command_parse(&context, usage, &argc, &argv, &status)) {
        if (argc > 1)
            status = command_usage_error(&context, "%s takes no argument '%s'", usage->name, argv[1]);
        else
            status = configure_and_collect(&context, wishes, sources);
    }
    wishes_clear(wishes);
    return status;
}

/* --- collect ---------------------------------------------------------------------------------------------------------
 */

static const char collect_summary[] =
    "Reads what is new at Microsoft into the local database: users, sign-ins, directory audits, Intune audits and\n"
    "service health of each customer.";

static const char collect_description[] =
    "The first run reads as far back as the service keeps records (30 days; of Intune a year); later runs read what "
    "is\n"
    "new, and again the last hours, and once more after 24 hours, 48 hours and 7 days, because records come late and\n"
    "change. Nothing is stored twice. A run that was interrupted goes on where it stood.\n"
    "\n"
    "Users are listed once, and from then on only what changed is read. Service health is read whole each time (see\n"
    "m365keep scan). --hours and --since concern neither.\n"
    "\n"
    "Credentials come from the environment or .env: GRAPH_TENANT_ID, GRAPH_CLIENT_ID, GRAPH_CLIENT_SECRET (or\n"
    "GRAPH_CLIENT_SECRET_FILE, or GRAPH_CLIENT_CERTIFICATE). m365keep.yaml names the sources and the types of "
    "sign-ins\n"
    "to collect. Exit status: 0 all done, 1 failed, 2 usage or configuration, 3 done in part.\n"
    "\n"
    "Examples:\n"
    "  m365keep collect\n"
    "  m365keep collect --only sign-ins --hours 48\n"
    "  m365keep collect --json | jq '.customers[].sources[] | {source, part, status, inserted}'";

int command_collect(int argc, char **argv)
{
    struct wishes wishes = {0};
    const GOptionEntry entries[] = {
        {"customer", 0, 0, G_OPTION_ARG_STRING, &wishes.customer, "Collect this customer only (default: all)", "NAME"},
        {"only", 0, 0, G_OPTION_ARG_STRING, &wishes.only, "Collect these sources only, with commas between",
         "SOURCE,..."},
        {"hours", 0, 0, G_OPTION_ARG_STRING, &wishes.hours, "Read the last N hours of events, whatever was read before",
         "N"},
        {"since", 0, 0, G_OPTION_ARG_STRING, &wishes.since,
         "Read events from T on, whatever was read before (2026-11-20, 36h, 7d)", "T"},
        {"json", 0, 0, G_OPTION_ARG_NONE, &wishes.json, "Report as one JSON value", NULL},
        {NULL, 0, 0, 0, NULL, NULL, NULL}};
    const struct command_usage usage = {.name = "collect",
                                        .arguments = "",
                                        .summary = collect_summary,
                                        .description = collect_description,
                                        .entries = entries};

    return run(&usage, argc, argv, &wishes, NULL);
}

/* --- scan ------------------------------------------------------------------------------------------------------------
 */

static const char scan_summary[] =
    "Looks at the health of each customer's services once, and keeps it: the status of every service, its issues, and\n"
    "the posts of the message center. The same as collect --only health.";

static const char scan_description[] =
    "Run it every few minutes: the statuses that follow one another become stretches of time, from the first scan "
    "that\n"
    "saw a status to the last. A scan that fails is noted, and leaves a gap only when it takes long until the next "
    "one\n"
    "that succeeds. It goes on while a collect is under way; of two scans at once, the second one ends.\n"
    "\n"
    "What m365keep.yaml names as a customer's services is followed; all issues and posts are kept.\n"
    "Exit status: 0 all done, 1 failed, 2 usage or configuration, 3 done in part.\n"
    "\n"
    "Examples:\n"
    "  m365keep scan\n"
    "  m365keep scan --customer contoso --json";

int command_scan(int argc, char **argv)
{
    static const char *const health[] = {"health", NULL};
    struct wishes wishes = {0};
    const GOptionEntry entries[] = {
        {"customer", 0, 0, G_OPTION_ARG_STRING, &wishes.customer, "Scan this customer only (default: all)", "NAME"},
        {"json", 0, 0, G_OPTION_ARG_NONE, &wishes.json, "Report as one JSON value", NULL},
        {NULL, 0, 0, 0, NULL, NULL, NULL}};
    const struct command_usage usage = {
        .name = "scan", .arguments = "", .summary = scan_summary, .description = scan_description, .entries = entries};

    return run(&usage, argc, argv, &wishes, health);
}
