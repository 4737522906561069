/* m365keep maintain verify and optimize. */
#include "maintain.h"

#include "base/base.h"

/* --- verify ------------------------------------------------------------------------------------------------------- */

static const char verify_summary[] =
    "Checks that every body is byte for byte as it was received, by the hash it was stored with, and that\n"
    "the database agrees with itself: SQLite's own integrity check, keys, ids, counts, coverage, and the\n"
    "full text against its index.";

static const char verify_description[] =
    "Ends with the first thing that is broken, named. Reads everything: some seconds a gigabyte; collectors\n"
    "wait as long. On a medium that cannot be written all is checked but the index of the full text.\n"
    "\n"
    "Columns that are derived from bodies (names, titles, summaries) are not compared with them:\n"
    "m365keep maintain renormalize derives them anew. What has no body, such as the states of services, only\n"
    "a backup can prove.\n"
    "\n"
    "Exit status: 0 nothing is wrong, 1 failed, 2 usage or configuration, 4 something is; 130, 143\n"
    "interrupted.\n"
    "\n"
    "Examples:\n"
    "  m365keep maintain verify\n"
    "  m365keep maintain verify --db backup.db --json | jq .message";

static GString *verify_json(const struct store_verify_result *result, bool ok)
{
    GString *json = g_string_new("{");

    job_append_bool(json, "ok", ok);
    job_append_number(json, "events", result->events);
    job_append_number(json, "versions", result->versions);
    job_append_number(json, "accounts", result->accounts);
    job_append_number(json, "health", result->health);
    job_append_number(json, "mails", result->mails);
    job_append_number(json, "unreadable", result->unreadable);
    job_append_number(json, "bytes", result->bytes);
    job_append_bool(json, "text_checked", !result->text_unchecked);
    job_append_bool(json, "pages_checked", !result->pages_unchecked);
    g_string_append_c(json, '}');
    return json;
}

static void append_verified(GString *words, const struct store_verify_result *result)
{
    const struct {
        int64_t n;
        const char *one, *many;
    } rows[] = {
        {result->versions, "earlier version", "earlier versions"},
        {result->accounts, "account", "accounts"},
        {result->health, "record of health", "records of health"},
        {result->mails, "mail", "mails"},
        {result->unreadable, "record that could not be read", "records that could not be read"},
    };
    g_autofree char *events = job_count(result->events, "event", "events"), *bytes = text_bytes(result->bytes);

    g_string_append_printf(words, "Nothing is wrong: the bodies of %s", events);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *count = job_count(rows[i].n, rows[i].one, rows[i].many);
        if (rows[i].n > 0)
            g_string_append_printf(words, ", %s", count);
    }
    g_string_append_printf(words, " are byte for byte as they were received (%s).\n", bytes);
    if (result->text_unchecked)
        g_string_append(words, "Not checked: the index of the full text, since nothing can be written here. Verify a "
                               "copy of the database elsewhere.\n");
    else if (result->pages_unchecked)
        g_string_append(words, "Not checked: whether the pages taken for free are free, since somebody has been "
                               "reading all the time. Verify again when nobody does.\n");
}

/* What is broken is what was asked for: it goes to standard output, and with --quiet too. */
static int tell_fault(struct job *job, const struct store_verify_result *result)
{
    g_autofree char *fault = g_strdup(job->error->message), *safe = text_for_terminal(fault);
    g_autoptr(GString) words = g_string_new(NULL), json = verify_json(result, false);

    g_clear_error(&job->error);
    g_string_printf(words, "FAIL  %s\n", safe);
    if (!job->json)
        command_write(words->str, words->len);
    return job_end(job, EXIT_FINDINGS, NULL, json, fault);
}

static int verify(struct job *job)
{
    g_autoptr(GString) words = g_string_new(NULL);
    struct store_verify_result result = {0};
    int status;

    if (!job_configure(job, &status) || !job_begin(job, &status))
        return status;
    bool good = maintain_verify(&job->options, &result, &job->signal, &job->error);
    if (g_error_matches(job->error, STORE_ERROR, STORE_ERROR_CORRUPT))
        return tell_fault(job, &result);
    g_autoptr(GString) json = good ? verify_json(&result, true) : NULL;
    append_verified(words, &result);
    return job_end(job, EXIT_DONE, good ? words : NULL, json, NULL);
}

int command_maintain_verify(int argc, char **argv)
{
    g_auto(Job) job = {0};
    const GOptionEntry entries[] = {
        {"json", 0, 0, G_OPTION_ARG_NONE, &job.json, "Report as one JSON value", NULL},
        G_OPTION_ENTRY_NULL,
    };
    const struct command_usage usage = {.name = "maintain verify",
                                        .arguments = "",
                                        .summary = verify_summary,
                                        .description = verify_description,
                                        .entries = entries};
    int status;

    return job_parse(&job, "verify", &usage, 0, 0, NULL, &argc, &argv, &status) ? verify(&job) : status;
}

/* --- optimize ----------------------------------------------------------------------------------------------------- */

static const char optimize_summary[] =
    "Merges the pieces of the full text into one, so that words of deleted records vanish and searches are\n"
    "fast, gives free pages back to the disk, and cuts the write-ahead log off.";

static const char optimize_description[] =
    "In transactions so short that others who write hardly wait. prune does it by itself where a tenth of\n"
    "the records went. --rebuild builds the full text anew from the records first: a mend where verify found\n"
    "it broken, and collectors wait for as long as it takes.\n"
    "\n"
    "Exit status: 0 done, 1 failed, 2 usage or configuration; 130, 143 interrupted.\n"
    "\n"
    "Examples:\n"
    "  m365keep maintain optimize\n"
    "  m365keep maintain optimize --rebuild";

static int optimize(struct job *job, bool rebuild)
{
    g_autoptr(GString) words = g_string_new(NULL), json = g_string_new("{");
    struct store_optimized result = {0};
    int status;

    if (!job_configure(job, &status) || !job_begin(job, &status))
        return status;
    bool good = maintain_optimize(&job->options, rebuild, &result, &job->signal, &job->error);
    job_append_sizes(words, result.bytes_before, result.bytes_after, result.log_held);
    job_append_bool(json, "rebuilt", rebuild);
    job_append_number(json, "bytes_before", result.bytes_before);
    job_append_number(json, "bytes_after", result.bytes_after);
    job_append_bool(json, "log_held", result.log_held);
    g_string_append_c(json, '}');
    return job_end(job, EXIT_DONE, good ? words : NULL, good ? json : NULL, NULL);
}

int command_maintain_optimize(int argc, char **argv)
{
    g_auto(Job) job = {0};
    gboolean rebuild = FALSE;
    const GOptionEntry entries[] = {
        {"rebuild", 0, 0, G_OPTION_ARG_NONE, &rebuild, "Build the full text anew first; collectors wait meanwhile",
         NULL},
        {"json", 0, 0, G_OPTION_ARG_NONE, &job.json, "Report as one JSON value", NULL},
        G_OPTION_ENTRY_NULL,
    };
    const struct command_usage usage = {.name = "maintain optimize",
                                        .arguments = "",
                                        .summary = optimize_summary,
                                        .description = optimize_description,
                                        .entries = entries};
    int status;

    return job_parse(&job, "optimize", &usage, 0, 0, NULL, &argc, &argv, &status) ? optimize(&job, rebuild) : status;
}
