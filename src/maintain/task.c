#include "maintain/task.h"

#include <poll.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* --- progress ----------------------------------------------------------------------------------------------------- */

enum { BAR_CELLS = 20, RATE_AFTER_S = 1 };

/* "[#######.............]  35 %  " */
static void append_bar(GString *line, int64_t done, int64_t of)
{
    double share = CLAMP((double)done / (double)of, 0.0, 1.0);
    int filled = (int)(share * BAR_CELLS);

    g_string_append_c(line, '[');
    for (int i = 0; i < BAR_CELLS; i++)
        g_string_append_c(line, i < filled ? '#' : '.');
    g_string_append_printf(line, "] %3d %%  ", (int)(share * 100));
}

/* ", 45 s left", ", 3 min left", ", 2 h 5 min left". */
static void append_rest(GString *line, double seconds)
{
    enum { MINUTE_S = 60, HOUR_S = 3600, MOST_S = 1000 * HOUR_S };
    int rest = (int)MIN(seconds, (double)MOST_S);

    if (rest < MINUTE_S)
        g_string_append_printf(line, ", %d s left", rest);
    else if (rest < HOUR_S)
        g_string_append_printf(line, ", %d min left", rest / MINUTE_S);
    else
        g_string_append_printf(line, ", %d h %d min left", rest / HOUR_S, rest % HOUR_S / MINUTE_S);
}

char *maintain_progress_line(const char *doing, int64_t done, int64_t of, int64_t began, double seconds)
{
    g_autofree char *count = text_count(done), *whole = text_count(of);
    double rate = seconds >= RATE_AFTER_S ? (double)(done - began) / seconds : 0;
    GString *line = g_string_new(NULL);

    if (of > 0)
        append_bar(line, done, of);
    g_string_append(line, doing);
    if (of > 0)
        g_string_append_printf(line, ": %s of %s", count, whole);
    else if (done > 0)
        g_string_append_printf(line, ": %s", count);
    if (rate >= 1) {
        g_autofree char *a_second = text_count((gint64)rate);
        g_string_append_printf(line, ", %s/s", a_second);
    }
    if (rate > 0 && of > done)
        append_rest(line, (double)(of - done) / rate);
    return g_string_free(line, FALSE);
}

static void show(struct maintain_task *task, int64_t now_us)
{
    g_autoptr(GPtrArray) lines = NULL;

    if (!progress_due(task->progress))
        return;
    lines = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(lines, maintain_progress_line(task->doing, task->done, task->of, task->began_done,
                                                  (double)(now_us - task->began_us) / (double)G_TIME_SPAN_SECOND));
    progress_draw(task->progress, lines);
}

/* --- the watch ---------------------------------------------------------------------------------------------------- */

/* Notes the signal that came, if one did. */
static void listen(struct maintain_task *task)
{
    struct pollfd ear = {.fd = task->options->signal_fd, .events = POLLIN};
    struct signalfd_siginfo info;

    if (task->signal != 0 || ear.fd < 0 || poll(&ear, 1, 0) <= 0)
        return;
    if (read(ear.fd, &info, sizeof info) == (ssize_t)sizeof info)
        task->signal = (int)info.ssi_signo;
}

static bool go_on(const char *doing, int64_t done, int64_t of, void *user)
{
    struct maintain_task *task = user;
    int64_t now_us = g_get_monotonic_time();

    if (g_strcmp0(task->doing, doing) != 0) {
        task->doing = doing;
        task->began_us = now_us;
        task->began_done = done;
    }
    task->done = done;
    task->of = of > 0 ? MAX(of, done) : of; /* what was counted before may have become more */
    show(task, now_us);
    listen(task);
    return task->signal == 0;
}

/* Prune alone can begin on a full disk. Where copies are made, the full one may be another. */
static void tell_way_out(const struct maintain_task *task, GError **error)
{
    if (error != NULL && g_error_matches(*error, STORE_ERROR, STORE_ERROR_FULL) &&
        g_strcmp0(task->name, "prune") != 0 && strstr((*error)->message, "m365keep maintain") == NULL) {
        g_autofree char *words = g_strconcat(
            (*error)->message,
            "; m365keep maintain prune makes room by what retention does not keep, on a full disk too", NULL);
        g_clear_error(error);
        g_set_error_literal(error, STORE_ERROR, STORE_ERROR_FULL, words);
    }
}

bool maintain_task_told(struct maintain_task *task, bool good, int *signal, GError **error)
{
    *signal = task->signal;
    if (!good && task->store != NULL && g_strcmp0(task->name, "backup") != 0)
        tell_way_out(task, error);
    if (good || error == NULL || !g_error_matches(*error, STORE_ERROR, STORE_ERROR_STOPPED))
        return good;
    g_autofree char *done = text_count(task->done), *of = text_count(task->of);
    g_clear_error(error);
    if (task->of > 0)
        g_set_error(error, STORE_ERROR, STORE_ERROR_STOPPED, "stopped while %s, after %s of %s", task->doing, done, of);
    else if (task->done > 0)
        g_set_error(error, STORE_ERROR, STORE_ERROR_STOPPED, "stopped while %s, after %s", task->doing, done);
    else
        g_set_error(error, STORE_ERROR, STORE_ERROR_STOPPED, "stopped while %s",
                    task->doing != NULL ? task->doing : "beginning");
    return false;
}

/* --- notes -------------------------------------------------------------------------------------------------------- */

static void warn(const struct maintain_task *task, const GError *error)
{
    g_autofree char *words = g_strdup_printf("That it was done could not be noted: %s", error->message);

    log_write(LOG_LEVEL_WARN, words, "task", task->name, NULL);
}

void maintain_task_note(struct maintain_task *task, const char *outcome)
{
    g_autoptr(GError) error = NULL;

    if (task->name != NULL && !task->reads_only &&
        !store_task_end(task->store, task->name, clock_now(task->options->clock), outcome, &error))
        warn(task, error);
}

/* On a full disk this fails, and what makes room goes on all the same. */
static void note_beginning(struct maintain_task *task)
{
    if (task->name != NULL && !task->reads_only)
        store_task_begin(task->store, task->name, clock_now(task->options->clock), NULL);
}

/* --- opening ------------------------------------------------------------------------------------------------------ */

static bool take_locks(struct maintain_task *task, bool all, GError **error)
{
    static const enum store_lock_kind kinds[] = {STORE_LOCK_MAINTENANCE, STORE_LOCK_COLLECT, STORE_LOCK_HEALTH,
                                                 STORE_LOCK_MAIL};

    for (size_t i = 0; i < (all ? G_N_ELEMENTS(kinds) : 1); i++) {
        task->locks[kinds[i]] = store_lock_take(task->options->config->database, kinds[i], error);
        if (task->locks[kinds[i]] == NULL)
            return false;
    }
    return true;
}

static void release_locks(struct maintain_task *task)
{
    for (size_t i = 0; i < G_N_ELEMENTS(task->locks); i++)
        g_clear_pointer(&task->locks[i], store_lock_release);
}

/* Where there is no database, its opening says so, and no lock is left beside nothing. */
static bool open_to_write(struct maintain_task *task, bool alone, GError **error)
{
    const char *path = task->options->config->database;

    if (g_file_test(path, G_FILE_TEST_EXISTS) && !take_locks(task, alone, error))
        return false;
    task->store = store_open(path, STORE_WRITE, error);
    return task->store != NULL;
}

/* Who cannot write cannot lock either, and keeps nobody from anything. */
static bool open_to_read(struct maintain_task *task, GError **error)
{
    release_locks(task);
    task->reads_only = true;
    task->store = store_open(task->options->config->database, STORE_READ, error);
    return task->store != NULL;
}

static bool is_older(const char *path)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Store) looked = store_open(path, STORE_READ, &error);

    return looked == NULL && g_error_matches(error, STORE_ERROR, STORE_ERROR_OLDER);
}

/* Opening it to write would bring it up to date. */
static bool open_older(struct maintain_task *task, GError **error)
{
    if (!take_locks(task, false, error))
        return false;
    task->reads_only = true;
    task->store = store_open(task->options->config->database, STORE_COPY, error);
    return task->store != NULL;
}

static bool open_for(struct maintain_task *task, enum maintain_access access, GError **error)
{
    g_autoptr(GError) cause = NULL;
    bool may_read = access == MAINTAIN_WRITE_OR_READ || access == MAINTAIN_COPY || access == MAINTAIN_READ;
    bool older = (access == MAINTAIN_COPY || access == MAINTAIN_READ) && is_older(task->options->config->database);

    if (access == MAINTAIN_ALONE_UNOPENED)
        return take_locks(task, true, error);
    if (access == MAINTAIN_COPY && older)
        return open_older(task, error);
    if (access == MAINTAIN_READ && !older)
        return open_to_read(task, error);
    if (open_to_write(task, access == MAINTAIN_ALONE, &cause))
        return true;
    if (may_read && g_error_matches(cause, STORE_ERROR, STORE_ERROR_READ_ONLY))
        return open_to_read(task, error);
    g_propagate_error(error, g_steal_pointer(&cause));
    return false;
}

bool maintain_task_open(struct maintain_task *task, const struct maintain_options *options, const char *name,
                        enum maintain_access access, GError **error)
{
    task->options = options;
    task->name = name;
    task->watch = (struct store_watch){.go_on = go_on, .user = task};
    task->progress = progress_new(options->progress);
    if (!open_for(task, access, error)) {
        tell_way_out(task, error);
        return false;
    }
    if (task->store != NULL) {
        store_set_watch(task->store, &task->watch);
        note_beginning(task);
    }
    return true;
}

void maintain_task_close(struct maintain_task *task)
{
    progress_free(task->progress);
    store_close(task->store);
    release_locks(task);
    *task = (struct maintain_task){0};
}
