#include "commands/commands.h"

#include <string.h>
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

/* Refuses a name that is none of `known` (char *): the one that was meant, when it is near, and all there are. */
static void refuse_name(const struct command_context *context, const char *option, const char *what, const char *name,
                        GPtrArray *known)
{
    g_ptr_array_add(known, NULL);
    const char *nearest = text_nearest(name, (const char *const *)known->pdata);
    g_autofree char *all = g_strjoinv(", ", (char **)known->pdata);
    g_autofree char *meant = nearest ? g_strdup_printf("; did you mean \"%s\"?", nearest) : g_strdup(".");

    command_usage_error(context, "%s: there is no %s \"%s\"%s The %ss are: %s", option, what, name, meant, what, all);
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
            refuse_name(context, "--only", "source", *name, known);
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

static bool check_customer(const struct command_context *context, const char *name)
{
    g_autoptr(GPtrArray) known = g_ptr_array_new();
    bool found = !name || g_str_equal(name, "all");

    for (guint i = 0; i < context->config->customers->len; i++) {
        const struct config_customer *customer = g_ptr_array_index(context->config->customers, i);

        found = found || g_str_equal(customer->name, name);
        g_ptr_array_add(known, customer->name);
    }
    if (!found)
        refuse_name(context, "--customer", "customer", name, known);
    return found;
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

static int collect(struct command_context *context, const struct wishes *wishes, struct collect_options *options)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(CollectReport) report = NULL;

    options->signal_fd = command_signals_open(context);
    if (options->signal_fd < 0)
        return EXIT_FAILED;
    options->progress = !context->quiet && isatty(STDERR_FILENO) && g_strcmp0(g_getenv("TERM"), "dumb") != 0;
    report = collect_run(options, &error);
    close(options->signal_fd);
    if (!report)
        return command_fail(context, EXIT_FAILED, "%s", error->message);
    if (wishes->json || !context->quiet)
        write_report(report, wishes->json);
    return command_finish(context, report->signal ? EXIT_SIGNAL + report->signal : collect_exit_status(report));
}

static const char summary[] =
    "Reads what is new at Microsoft into the local database: users, sign-ins and directory audits of each customer.";

static const char description[] =
    "The first run reads as far back as the service keeps records (30 days); later runs read what is new, and again\n"
    "the last hours, and once more after 24 hours, 48 hours and 7 days, because records come late and change.\n"
    "Nothing is stored twice. A run that was interrupted goes on where it stood.\n"
    "\n"
    "Users are listed once, and from then on only what changed is read; --hours and --since do not concern them.\n"
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
    const struct command_usage usage = {
        .name = "collect", .arguments = "", .summary = summary, .description = description, .entries = entries};
    g_auto(CommandContext) context = {0};
    g_auto(GStrv) sources = NULL;
    struct collect_options options = {.signal_fd = -1};
    int status;

    if (!command_parse(&context, &usage, &argc, &argv, &status))
        goto out;
    if (argc > 1) {
        status = command_usage_error(&context, "collect takes no argument '%s'", argv[1]);
        goto out;
    }
    if (!command_configure(&context, true, &status))
        goto out;
    options.config = context.config;
    options.clock = &context.clock;
    options.customer = wishes.customer;
    status = EXIT_USAGE;
    if (wishes.only && !(sources = read_sources(&context, wishes.only)))
        goto out;
    options.sources = (const char *const *)sources;
    if (read_since(&context, &wishes, &options) && check_customer(&context, wishes.customer))
        status = collect(&context, &wishes, &options);
out:
    wishes_clear(&wishes);
    return status;
}
