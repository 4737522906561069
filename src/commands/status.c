/* m365keep status: its options, and what they ask for. */
#include "status.h"

#include "base/base.h"
#include "commands.h"
#include "sources/sources.h"

enum {
    SAMPLES = 20000, /* newest events that lateness and size are told from: a tenth of a second's work at most */
    SINCE_DAYS = 30
};

/* What the command line says. */
struct wishes {
    char *customer, *since;
    gboolean strict, json;
    int64_t since_s;
};

static void wishes_clear(struct wishes *wishes)
{
    g_free(wishes->customer);
    g_free(wishes->since);
}

/* --- options ------------------------------------------------------------------------------------------------------ */

static const char summary[] =
    "Tells how fresh and complete the records are, from the database alone: it asks nobody, needs no credentials, and\n"
    "may run beside a collect.";

static const char description[] =
    "Each source of each customer is\n"
    "  fresh        collected successfully not long ago\n"
    "  stale        not so for three times its schedule (collect: 15m, health: 5m unless m365keep.yaml says "
    "otherwise),\n"
    "               90 minutes at least; 30 minutes for health; or unavailable, and not asked for as long\n"
    "  never        configured, but no run has ended yet\n"
    "  unavailable  not to be had: the tenant has no licence for it, or its cloud no such service\n"
    "  kept         not configured any more; the records stay\n"
    "\n"
    "LATENESS is how long after they happened half of the records, 95 and 99 percent of them were stored: told from "
    "the\n"
    "newest, and not from those that the first run brought. SIZE is about that of the records as Microsoft sent them.\n"
    "HOLES are stretches of time that were lost at the service, not asked for, or had to be left, and for health gaps\n"
    "between scans; below the table each has a line that says what to do. Those that ended before --since are left "
    "out:\n"
    "what is lost stays lost, and is not to keep a monitor red for ever. A gap between scans that has ended is a\n"
    "finding for a day after its end: nothing mends it. What retention deletes is no hole; each source says since "
    "when\n"
    "it is kept.\n"
    "\n"
    "TIME is a date or time (2026-11-20, 2026-11-20T07:00, UTC unless it says otherwise) or an age (36h, 7d).\n"
    "\n"
    "With --quiet only findings are printed. Exit status: 0; with --strict 4 when a source is stale or never "
    "collected,\n"
    "has holes, or is unavailable though it could be read once (a licence ended), or when retention is configured and\n"
    "prune has not run for three times its schedule, or the database is more than a tenth above its max_size, or "
    "bytes\n"
    "of a forgotten customer are still in the file; 1 without a database; 2 usage or configuration.\n"
    "\n"
    "Examples:\n"
    "  m365keep status\n"
    "  m365keep status --strict --quiet || echo 'm365keep needs a look'\n"
    "  m365keep status --json | jq '.customers[].sources[] | select(.finding) | {source, state, holes}'\n";

static bool parse_options(struct command_context *context, struct wishes *wishes, int *argc, char ***argv, int *status)
{
    const GOptionEntry entries[] = {
        {"strict", 0, 0, G_OPTION_ARG_NONE, &wishes->strict, "Exit with 4 when there are findings", NULL},
        {"customer", 0, 0, G_OPTION_ARG_STRING, &wishes->customer, "Tell of this customer only (default: all)", "NAME"},
        {"since", 0, 0, G_OPTION_ARG_STRING, &wishes->since, "Leave out holes that ended before TIME (default 30d)",
         "TIME"},
        {"json", 0, 0, G_OPTION_ARG_NONE, &wishes->json, "Print one JSON value with every fact", NULL},
        G_OPTION_ENTRY_NULL,
    };
    const struct command_usage usage = {
        .name = "status", .arguments = "", .summary = summary, .description = description, .entries = entries};

    if (!command_parse(context, &usage, argc, argv, status))
        return false;
    if (*argc > 1)
        *status = command_usage_error(context, "status takes no argument '%s'", (*argv)[1]);
    return *argc <= 1;
}

static bool read_since(const struct command_context *context, struct wishes *wishes, int *status)
{
    int64_t now = clock_now(&context->clock);
    g_autoptr(GError) error = NULL;

    wishes->since_s = now - (int64_t)SINCE_DAYS * 24 * 3600;
    if (wishes->since == NULL)
        return true;
    if (!timestamp_parse_human(wishes->since, now, &wishes->since_s, &error))
        *status = command_usage_error(context, "--since: %s", error->message);
    else if (wishes->since_s >= now)
        *status = command_usage_error(context, "--since: '%s' is not in the past", wishes->since);
    else
        return true;
    return false;
}

/* --- what was asked for ------------------------------------------------------------------------------------------- */

static bool is_asked_for(const struct wishes *wishes, const char *customer)
{
    return wishes->customer == NULL || g_str_equal(wishes->customer, "all") || g_str_equal(wishes->customer, customer);
}

/* The sources asked for, into the view. False with *status when there is no such customer. */
static bool choose_sources(const struct command_context *context, const struct wishes *wishes,
                           const struct standing *standing, struct status_view *view, int *status)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();

    for (guint i = 0; i < standing->sources->len; i++) {
        struct standing_source *source = g_ptr_array_index(standing->sources, i);
        if (!g_ptr_array_find_with_equal_func(names, source->customer, g_str_equal, NULL))
            g_ptr_array_add(names, (gpointer)source->customer);
        if (!is_asked_for(wishes, source->customer))
            continue;
        g_ptr_array_add(view->sources, source);
        view->findings += source->finding;
    }
    if (view->sources->len > 0 || is_asked_for(wishes, "all"))
        return true;
    *status = names->len > 0 ? command_refuse_name(context, "--customer", "customer", wishes->customer, names)
                             : command_usage_error(context, "--customer: there is no customer \"%s\", nor any other",
                                                   wishes->customer);
    return false;
}

/* Time is missing of a source that is no finding: of old, or of what is not collected any more. */
static bool tells_any_hole(const struct status_view *view)
{
    for (guint i = 0; i < view->sources->len; i++)
        if (status_count_holes(view, g_ptr_array_index(view->sources, i)) > 0)
            return true;
    return false;
}

static void say_how_it_stands(const struct command_context *context, const struct status_view *view)
{
    if (view->sources->len == 0)
        command_say(context, "The database holds nothing yet: run m365keep collect.");
    else if (view->findings == 0 && status_count_findings(view) > 0)
        command_say(context, "The database needs a look.");
    else if (view->findings == 0)
        command_say(context,
                    tells_any_hole(view) ? "Nothing needs a look." : "Nothing is stale, and nothing is missing.");
    else
        command_say(context, "%u of %u sources need%s a look%s.", view->findings, view->sources->len,
                    view->findings == 1 ? "s" : "",
                    status_count_findings(view) > view->findings ? ", and so does the database" : "");
}

static int print(const struct command_context *context, const struct wishes *wishes, const struct status_view *view)
{
    if (wishes->json) {
        g_autoptr(GString) out = g_string_new(NULL);
        status_append_json(out, view);
        g_string_append_c(out, '\n');
        command_write(out->str, out->len);
    } else {
        if (!context->quiet)
            status_print_table(view);
        status_print_remarks(view, context->quiet);
    }
    int status = command_finish(context, wishes->strict && status_count_findings(view) > 0 ? EXIT_FINDINGS : EXIT_DONE);
    if (!wishes->json)
        say_how_it_stands(context, view);
    return status;
}

/* --- the whole ---------------------------------------------------------------------------------------------------- */

/* What the configuration keeps of each source. */
static GArray *keeps(const struct config *config, int64_t now)
{
    GArray *keep = g_array_new(FALSE, FALSE, sizeof(struct store_keep));

    for (const struct source *source = sources_all(); source->name != NULL; source++) {
        const struct store_keep line = {.source = source->name, .before = config_keep_from(config, source->name, now)};
        g_array_append_val(keep, line);
    }
    return keep;
}

static struct store_status *read_status(const struct command_context *context, const struct wishes *wishes, int64_t now,
                                        int *status)
{
    g_autoptr(GArray) keep = keeps(context->config, now);
    const struct store_status_options options = {.now = now,
                                                 .since = wishes->since_s,
                                                 .max_gap_s = config_health_max_gap_s(context->config),
                                                 .samples = SAMPLES,
                                                 .keep = (const struct store_keep *)(const void *)keep->data,
                                                 .n_keep = keep->len};
    g_autoptr(GError) error = NULL;
    g_autoptr(Store) store = store_open(context->config->database, STORE_READ, &error);
    struct store_status *facts = store != NULL ? store_status_read(store, &options, &error) : NULL;

    if (g_error_matches(error, STORE_ERROR, STORE_ERROR_NOT_FOUND))
        *status = command_fail(context, EXIT_FAILED,
                               "there is no database at %s yet: run m365keep collect first, or name another with --db",
                               context->config->database);
    else if (facts == NULL)
        *status = command_fail(context, EXIT_FAILED, "%s", error->message);
    return facts;
}

static int tell(const struct command_context *context, const struct wishes *wishes)
{
    int64_t now = clock_now(&context->clock);
    int status = EXIT_DONE;
    g_autoptr(StoreStatus) facts = read_status(context, wishes, now, &status);

    if (facts == NULL)
        return status;
    g_autoptr(Standing) standing = standing_new(context->config, facts, now);
    g_autoptr(GPtrArray) sources = g_ptr_array_new();
    struct status_view view = {.config = context->config,
                               .facts = facts,
                               .standing = standing,
                               .sources = sources,
                               .now = now,
                               .since = wishes->since_s};
    return choose_sources(context, wishes, standing, &view, &status) ? print(context, wishes, &view) : status;
}

int command_status(int argc, char **argv)
{
    g_auto(CommandContext) context = {0};
    struct wishes wishes = {0};
    int status = EXIT_DONE;

    if (parse_options(&context, &wishes, &argc, &argv, &status) && command_configure(&context, false, &status) &&
        read_since(&context, &wishes, &status))
        status = tell(&context, &wishes);
    wishes_clear(&wishes);
    return status;
}
