/* m365keep maintain prune: what goes, as a table, and in plain words what cannot go yet. */
#include "maintain.h"

#include "base/base.h"
#include "printer.h"

struct wishes {
    gboolean dry_run, force;
};

static const char summary[] = "Deletes what retention does not keep, the oldest first, in transactions so short that\n"
                              "others who write hardly wait, and gives the disk space back.";

static const char description[] =
    "m365keep.yaml says what is kept: retention.days (or DB_DAYS_SCOPE), retention.per_source and\n"
    "retention.max_size. Without any of them everything is kept, and nothing is done. What is open stays,\n"
    "however old: accounts that are there, issues that last, mails that wait.\n"
    "\n"
    "What MongoDB has still to get is held, and said (exit status 3): run m365keep replicate, then prune\n"
    "again; --force deletes it all the same. Where by age every event would go, the machine's clock may have\n"
    "run ahead: nothing goes without --force. Works on a full disk.\n"
    "\n"
    "Exit status: 0 done, 1 failed, 2 usage or configuration, 3 in part: records are held for MongoDB, or\n"
    "the database is still larger than max_size; 130, 143 interrupted.\n"
    "\n"
    "Examples:\n"
    "  m365keep maintain prune --dry-run\n"
    "  m365keep maintain prune --quiet\n"
    "  m365keep maintain prune --json | jq '.result.sources[] | {customer, source, records}'";

/* --- the table ---------------------------------------------------------------------------------------------------- */

static const struct print_column columns[] = {
    {.title = "CUSTOMER", .most = 14, .most_wide = 24, .least = 7},
    {.title = "SOURCE", .least = 8},
    {.title = "RECORDS", .most = 13, .most_wide = 13},
    {.title = "OTHERS", .most = 13, .most_wide = 13, .from = 60, .when = PRINT_WHEN_TOLD},
    {.title = "HELD", .most = 13, .most_wide = 13, .when = PRINT_WHEN_TOLD},
    {.title = "OLDEST", .most = 16, .most_wide = 16, .from = 80},
    {.title = "NEWEST", .most = 16, .most_wide = 16, .from = 60},
    {.title = NULL},
};

static const struct print_kind kind = {.columns = columns};

/* NULL for none. */
static char *count_cell(int64_t n)
{
    return n != 0 ? text_count(n) : NULL;
}

static char *minute_cell(int64_t seconds)
{
    g_autofree char *text = seconds != 0 ? timestamp_format_seconds(seconds) : NULL;

    return print_minute(text);
}

static void print_table(const GPtrArray *sources)
{
    g_autoptr(Printer) printer = printer_new(&kind, PRINT_FORMAT_TABLE, (int)MIN(sources->len, (guint)G_MAXINT), false);

    for (guint i = 0; i < sources->len; i++) {
        const struct store_pruned *source = g_ptr_array_index(sources, i);
        g_autofree char *records = text_count(source->records), *others = count_cell(source->others),
                        *held = count_cell(source->held), *oldest = minute_cell(source->oldest),
                        *newest = minute_cell(source->newest);
        const char *const cells[] = {source->customer, source->source, records, others, held, oldest, newest};
        printer_add_cells(printer, cells);
    }
    printer_finish(printer, true);
    if (sources->len > 0)
        command_write("\n", 1);
}

/* --- words -------------------------------------------------------------------------------------------------------- */

/* "1,234 records and 5 other rows". */
static char *what_went(const struct store_prune_result *result)
{
    g_autofree char *records = job_count(result->records, "record", "records"),
                    *others = job_count(result->others, "other row", "other rows");

    return result->others > 0 ? g_strconcat(records, " and ", others, NULL) : g_steal_pointer(&records);
}

static void append_sum(GString *words, const struct store_prune_result *result, const struct wishes *wishes)
{
    g_autofree char *went = what_went(result);

    if (result->records == 0 && result->others == 0)
        g_string_append_printf(words, "Nothing %s%s.\n", wishes->dry_run ? "would go" : "went",
                               result->held > 0     ? ": what is old enough is held"
                               : !result->over_size ? ": nothing is old enough"
                                                    : "");
    else if (wishes->dry_run)
        g_string_append_printf(words, "Would go: %s%s. Nothing was changed.\n", result->estimated ? "about " : "",
                               went);
    else
        g_string_append_printf(words, "Deleted: %s.\n", went);
    if (!wishes->dry_run)
        job_append_sizes(words, result->bytes_before, result->bytes_after, result->log_held);
    if (result->reserve_used)
        g_string_append(words, "The disk was full: the reserve beside the database was given up to begin with.\n");
    if (result->rewritten)
        g_string_append(words, "The file was written anew, which was still to do since a customer was forgotten: no "
                               "byte of it is left.\n");
}

static void tell_held(const struct job *job, const struct store_prune_result *result, const struct wishes *wishes)
{
    g_autofree char *held = job_count(result->held, "row", "rows");

    command_fail(&job->context, 0,
                 "%s that retention does not keep %s: MongoDB has not got %s yet. Run m365keep replicate, and prune "
                 "again; or delete all the same with --force",
                 held,
                 wishes->dry_run     ? "would be held"
                 : result->held == 1 ? "is held"
                                     : "are held",
                 result->held == 1 ? "it" : "them");
}

/* Why it is larger still, and what to do. */
struct reason {
    const char *why, *mend;
};

static struct reason reason_of(const struct store_prune_result *result)
{
    if (result->unreachable)
        return (struct reason){"all events from before the last 24 hours would not be enough, so that none was deleted "
                               "for it",
                               "Raise max_size, or keep fewer days"};
    if (result->held > 0)
        return (struct reason){"the rest is held for MongoDB",
                               "Run m365keep replicate, and prune again; or use --force"};
    return (struct reason){"nothing more of it may go",
                           "What is left is open, of the last 24 hours, or no record of a source: raise max_size"};
}

static void tell_over_size(const struct job *job, const struct store_prune_result *result, const struct wishes *wishes)
{
    g_autofree char *needed = text_bytes(result->bytes_needed),
                    *most = text_bytes(job->context.config->retention.max_size_bytes);
    const struct reason reason = reason_of(result);

    command_fail(&job->context, 0,
                 "the database %s larger than retention.max_size: %s of it are in use, %s are allowed, and %s. %s",
                 wishes->dry_run ? "would still be" : "is still", needed, most, reason.why, reason.mend);
}

/* --- JSON --------------------------------------------------------------------------------------------------------- */

static void append_source(GString *json, const struct store_pruned *source)
{
    g_string_append(json, json->str[json->len - 1] == '[' ? "{" : ",{");
    job_append_text(json, "customer", source->customer);
    job_append_text(json, "tenant_id", source->tenant_id);
    job_append_text(json, "source", source->source);
    job_append_number(json, "records", source->records);
    job_append_number(json, "others", source->others);
    job_append_number(json, "held", source->held);
    job_append_time(json, "oldest", source->oldest);
    job_append_time(json, "newest", source->newest);
    g_string_append_c(json, '}');
}

static GString *result_json(const struct store_prune_result *result, const struct wishes *wishes)
{
    GString *json = g_string_new("{");

    job_append_bool(json, "dry_run", wishes->dry_run);
    job_append_bool(json, "force", wishes->force);
    job_append_number(json, "records", result->records);
    job_append_number(json, "others", result->others);
    job_append_number(json, "held", result->held);
    job_append_bool(json, "estimated", result->estimated);
    job_append_number(json, "bytes_before", result->bytes_before);
    job_append_number(json, "bytes_after", result->bytes_after);
    job_append_number(json, "bytes_needed", result->bytes_needed);
    job_append_bool(json, "over_size", result->over_size);
    job_append_bool(json, "unreachable", result->unreachable);
    job_append_bool(json, "log_held", result->log_held);
    job_append_bool(json, "reserve_used", result->reserve_used);
    job_append_bool(json, "rewritten", result->rewritten);
    job_append_number(json, "transactions", result->transactions);
    job_append_number(json, "longest_ms", result->longest_ms);
    g_string_append(json, ",\"sources\":[");
    for (guint i = 0; i < result->sources->len; i++)
        append_source(json, g_ptr_array_index(result->sources, i));
    g_string_append(json, "]}");
    return json;
}

/* --- the whole ---------------------------------------------------------------------------------------------------- */

/* What went, and then on standard error what did not. */
static int tell(struct job *job, const struct store_prune_result *result, const struct wishes *wishes)
{
    int status = result->held > 0 || result->over_size ? EXIT_PART : EXIT_DONE;
    g_autoptr(GString) words = g_string_new(NULL), json = result_json(result, wishes);

    append_sum(words, result, wishes);
    if (!job->json && !job->context.quiet)
        print_table(result->sources);
    status = job_end(job, status, words, json, NULL);
    if (result->held > 0)
        tell_held(job, result, wishes);
    if (result->over_size)
        tell_over_size(job, result, wishes);
    if (job->context.verbose)
        command_say(&job->context,
                    "The write lock was held %" G_GINT64_FORMAT " times, for %" G_GINT64_FORMAT " ms at most.",
                    result->transactions, result->longest_ms);
    return status;
}

static int prune(struct job *job, const struct wishes *wishes)
{
    static const char nothing[] = "Retention keeps everything: neither retention.days nor per_source nor max_size is "
                                  "set, and nothing was deleted.";
    int status;

    if (!job_configure(job, &status) || !job_begin(job, &status))
        return status;
    if (maintain_keeps_all(job->context.config)) {
        g_autoptr(GString) words = g_string_new(nothing);
        g_string_append_c(words, '\n');
        return job_end(job, EXIT_DONE, words, NULL, nothing);
    }
    g_autoptr(StorePruneResult) result =
        maintain_prune(&job->options, wishes->dry_run, wishes->force, &job->signal, &job->error);
    return result != NULL ? tell(job, result, wishes) : job_end(job, EXIT_FAILED, NULL, NULL, NULL);
}

int command_maintain_prune(int argc, char **argv)
{
    g_auto(Job) job = {0};
    struct wishes wishes = {0};
    const GOptionEntry entries[] = {
        {"dry-run", 0, 0, G_OPTION_ARG_NONE, &wishes.dry_run, "Only tell what would go, per customer and source", NULL},
        {"force", 0, 0, G_OPTION_ARG_NONE, &wishes.force,
         "Delete also what MongoDB has still to get, and where all events would go", NULL},
        {"json", 0, 0, G_OPTION_ARG_NONE, &job.json, "Report as one JSON value", NULL},
        G_OPTION_ENTRY_NULL,
    };
    const struct command_usage usage = {
        .name = "maintain prune", .arguments = "", .summary = summary, .description = description, .entries = entries};
    int status;

    return job_parse(&job, "prune", &usage, 0, 0, NULL, &argc, &argv, &status) ? prune(&job, &wishes) : status;
}
