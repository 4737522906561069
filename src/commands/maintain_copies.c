/* m365keep maintain backup and restore. */
#include "maintain.h"

#include "base/base.h"

static GString *copied_json(const struct job *job, const char *file, const struct store_copied *result)
{
    GString *json = g_string_new("{");

    job_append_text(json, "database", job->context.config->database);
    job_append_text(json, "file", file);
    job_append_number(json, "bytes", result->bytes);
    job_append_number(json, "records", result->records);
    job_append_number(json, "seq", result->seq);
    job_append_number(json, "schema", result->version);
    g_string_append_c(json, '}');
    return json;
}

/* What is copied to where, and what it holds. Taken: nothing. */
static GString *copied_words(const char *done, const char *from, const char *to, const struct store_copied *result)
{
    g_autofree char *records = job_count(result->records, "event", "events"), *bytes = text_bytes(result->bytes),
                    *source = text_for_terminal(from), *target = text_for_terminal(to);
    GString *words = g_string_new(NULL);

    g_string_append_printf(words,
                           "%s: %s to %s, %s, %s, the last change %" G_GINT64_FORMAT ". It was found undamaged.\n",
                           done, source, target, records, bytes, result->seq);
    return words;
}

/* --- backup ------------------------------------------------------------------------------------------------------- */

static const char backup_summary[] = "Copies the database to FILE as it is at one moment, beside whoever reads or "
                                     "writes it.";

static const char backup_description[] =
    "The copy is opened and checked before it gets its name: a FILE that is there is a whole one. It is a\n"
    "database as any other: m365keep search --db FILE, status --db FILE and sqlite3 FILE work on it. It holds\n"
    "what the database holds, mails included, and nothing else: m365keep.yaml and .env are to be kept, too.\n"
    "\n"
    "Exit status: 0 done, 1 failed (also where FILE is there), 2 usage or configuration; 130, 143\n"
    "interrupted, and then there is no FILE.\n"
    "\n"
    "Examples:\n"
    "  m365keep maintain backup /backup/m365keep-$(date +%F).db\n"
    "  m365keep maintain backup --force /backup/m365keep.db";

static int backup(struct job *job, const char *file, bool force)
{
    struct store_copied result = {0};
    int status;

    if (!job_configure(job, &status) || !job_begin(job, &status))
        return status;
    bool good = maintain_backup(&job->options, file, force, &result, &job->signal, &job->error);
    g_autoptr(GString) words = copied_words("Copied", job->context.config->database, file, &result);
    g_autoptr(GString) json = copied_json(job, file, &result);
    return job_end(job, EXIT_DONE, good ? words : NULL, good ? json : NULL, NULL);
}

int command_maintain_backup(int argc, char **argv)
{
    g_auto(Job) job = {0};
    gboolean force = FALSE;
    const GOptionEntry entries[] = {
        {"force", 0, 0, G_OPTION_ARG_NONE, &force, "Replace FILE where it is there", NULL},
        {"json", 0, 0, G_OPTION_ARG_NONE, &job.json, "Report as one JSON value", NULL},
        G_OPTION_ENTRY_NULL,
    };
    const struct command_usage usage = {.name = "maintain backup",
                                        .arguments = "FILE",
                                        .summary = backup_summary,
                                        .description = backup_description,
                                        .entries = entries};
    int status;

    return job_parse(&job, "backup", &usage, 1, 1, "which file is the copy to be? m365keep maintain backup FILE", &argc,
                     &argv, &status)
               ? backup(&job, argv[1], force)
               : status;
}

/* --- restore ------------------------------------------------------------------------------------------------------ */

static const char restore_summary[] = "Puts the copy FILE in the place of the database.";

static const char restore_description[] =
    "The copy is checked first, and brought up to date where it is of an older version; FILE itself stays as\n"
    "it is. Where there is a database already, --force replaces it: what was collected since the copy was made\n"
    "is gone then, and the next collect reads again what the services still have of it. Nobody may have the\n"
    "database open meanwhile; who has is named.\n"
    "\n"
    "Exit status: 0 done, 1 failed, and the database is as it was, 2 usage or configuration; 130, 143\n"
    "interrupted, likewise.\n"
    "\n"
    "Examples:\n"
    "  m365keep maintain restore /backup/m365keep-2026-11-20.db --force\n"
    "  m365keep maintain restore /backup/m365keep-2026-11-20.db --db elsewhere.db";

static int restore(struct job *job, const char *file, bool force)
{
    struct store_copied result = {0};
    int status;

    if (!job_configure(job, &status) || !job_begin(job, &status))
        return status;
    bool good = maintain_restore(&job->options, file, force, &result, &job->signal, &job->error);
    g_autoptr(GString) words = copied_words("Restored", file, job->context.config->database, &result);
    g_autoptr(GString) json = copied_json(job, file, &result);
    return job_end(job, EXIT_DONE, good ? words : NULL, good ? json : NULL, NULL);
}

int command_maintain_restore(int argc, char **argv)
{
    g_auto(Job) job = {0};
    gboolean force = FALSE;
    const GOptionEntry entries[] = {
        {"force", 0, 0, G_OPTION_ARG_NONE, &force, "Replace the database that is there", NULL},
        {"json", 0, 0, G_OPTION_ARG_NONE, &job.json, "Report as one JSON value", NULL},
        G_OPTION_ENTRY_NULL,
    };
    const struct command_usage usage = {.name = "maintain restore",
                                        .arguments = "FILE",
                                        .summary = restore_summary,
                                        .description = restore_description,
                                        .entries = entries};
    int status;

    return job_parse(&job, "restore", &usage, 1, 1, "which copy is to be restored? m365keep maintain restore FILE",
                     &argc, &argv, &status)
               ? restore(&job, argv[1], force)
               : status;
}
