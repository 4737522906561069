/* What the subcommands of m365keep maintain have in common: how they begin, and how they tell their end. */
#include "maintain.h"

#include <string.h>
#include <unistd.h>

#include "base/base.h"

void job_clear(struct job *job)
{
    if (job->started != 0 && job->options.signal_fd >= 0)
        close(job->options.signal_fd);
    g_clear_error(&job->error);
    command_context_clear(&job->context);
}

bool job_parse(struct job *job, const char *task, const struct command_usage *usage, int least, int most,
               const char *missing, int *argc, char ***argv, int *status)
{
    job->task = task;
    job->options.signal_fd = -1;
    if (!command_parse(&job->context, usage, argc, argv, status))
        return false;
    if (*argc - 1 < least)
        *status = command_usage_error(&job->context, "%s", missing);
    else if (*argc - 1 > most)
        *status = command_usage_error(&job->context, "%s takes no argument '%s'", task, (*argv)[most + 1]);
    else
        return true;
    return false;
}

bool job_configure(struct job *job, int *status)
{
    if (!command_configure(&job->context, false, status))
        return false;
    job->options.config = job->context.config;
    job->options.clock = &job->context.clock;
    job->started = clock_now(&job->context.clock);
    return true;
}

bool job_begin(struct job *job, int *status)
{
    job->options.signal_fd = command_signals_open(&job->context);
    job->options.progress = !job->context.quiet && isatty(STDERR_FILENO) && g_strcmp0(g_getenv("TERM"), "dumb") != 0;
    *status = EXIT_FAILED;
    return job->options.signal_fd >= 0;
}

/* --- how it ended ------------------------------------------------------------------------------------------------- */

static const char *outcome_name(int status)
{
    switch (status) {
    case EXIT_DONE:
        return "done";
    case EXIT_PART:
        return "part";
    case EXIT_FINDINGS:
        return "findings";
    default:
        return status > EXIT_SIGNAL ? "interrupted" : "failed";
    }
}

static void write_json(const struct job *job, int status, const GString *result, const char *message)
{
    g_autoptr(GString) out = g_string_new("{");

    job_append_text(out, "task", job->task);
    job_append_time(out, "started", job->started);
    job_append_time(out, "finished", clock_now(&job->context.clock));
    job_append_text(out, "outcome", outcome_name(status));
    job_append_text(out, "message", message);
    g_string_append_printf(out, ",\"result\":%s}\n", result != NULL ? result->str : "null");
    command_write(out->str, out->len);
}

/* What is done all at once, or not at all. */
static bool begins_anew(const struct job *job)
{
    static const char *const tasks[] = {"verify", "backup", "restore", NULL};

    return g_strv_contains(tasks, job->task);
}

/* Tells why the call did not come to its end; returns the exit status. */
static int tell_error(const struct job *job)
{
    if (!g_error_matches(job->error, STORE_ERROR, STORE_ERROR_STOPPED))
        return command_fail(&job->context, EXIT_FAILED, "%s", job->error->message);
    command_say(&job->context, "Interrupted by SIG%s, %s. %s.", sigabbrev_np(job->signal), job->error->message,
                begins_anew(job) ? "Nothing was changed; running it again begins anew"
                                 : "What was done stays done; running it again goes on");
    return EXIT_SIGNAL + job->signal;
}

int job_end(struct job *job, int status, const GString *words, const GString *result, const char *message)
{
    if (job->error != NULL) {
        status = tell_error(job);
        message = job->error->message;
    }
    if (status == EXIT_FAILED)
        words = result = NULL;
    if (job->json)
        write_json(job, status, result, message);
    else if (words != NULL && !job->context.quiet)
        command_write(words->str, words->len);
    return command_finish(&job->context, status);
}

/* --- JSON --------------------------------------------------------------------------------------------------------- */

static void append_name(GString *json, const char *name)
{
    bool first = json->len == 0 || strchr("{[", json->str[json->len - 1]) != NULL;

    g_string_append_printf(json, "%s\"%s\":", first ? "" : ",", name);
}

void job_append_text(GString *json, const char *name, const char *text)
{
    append_name(json, name);
    text_append_json(json, text);
}

void job_append_number(GString *json, const char *name, int64_t number)
{
    append_name(json, name);
    g_string_append_printf(json, "%" G_GINT64_FORMAT, number);
}

void job_append_bool(GString *json, const char *name, bool value)
{
    append_name(json, name);
    g_string_append(json, value ? "true" : "false");
}

void job_append_time(GString *json, const char *name, int64_t seconds)
{
    g_autofree char *text = seconds != 0 ? timestamp_format_seconds(seconds) : NULL;

    job_append_text(json, name, text);
}

/* --- words -------------------------------------------------------------------------------------------------------- */

char *job_count(int64_t n, const char *one, const char *many)
{
    g_autofree char *count = text_count(n);

    return g_strconcat(count, " ", n == 1 ? one : many, NULL);
}

void job_append_sizes(GString *words, int64_t before, int64_t after, bool log_held)
{
    g_autofree char *was = text_bytes(before), *is = text_bytes(after);

    if (g_str_equal(was, is))
        g_string_append_printf(words, "The database takes %s.\n", is);
    else
        g_string_append_printf(words, "The database took %s, and takes %s now.\n", was, is);
    if (log_held)
        g_string_append(words, "Somebody reads it, so that its write-ahead log could not be cut off: the next run does "
                               "that.\n");
}
