#include <string.h>

#include "maintain/policy.h"
#include "maintain/task.h"
#include "sources/sources.h"

/* --- policy ------------------------------------------------------------------------------------------------------- */

static void add_line(GArray *lines, const struct config *config, const char *source, int64_t now)
{
    const struct store_keep line = {.source = source, .before = config_keep_from(config, source, now)};

    g_array_append_val(lines, line);
}

GArray *maintain_policy(const struct config *config, int64_t now)
{
    GArray *lines = g_array_new(FALSE, FALSE, sizeof(struct store_keep));

    for (const struct source *source = sources_all(); source->name != NULL; source++)
        add_line(lines, config, source->name, now);
    add_line(lines, config, "mails", now);
    return lines;
}

bool maintain_keeps_all(const struct config *config)
{
    GHashTableIter iterator;
    gpointer days;

    if (config->retention.days > 0 || config->retention.max_size_bytes > 0)
        return false;
    g_hash_table_iter_init(&iterator, config->retention.per_source);
    while (g_hash_table_iter_next(&iterator, NULL, &days))
        if (*(const int64_t *)days > 0)
            return false;
    return true;
}

/* --- a clock that has run ahead ----------------------------------------------------------------------------------- */

static const struct store_keep *line_of(const GArray *lines, const char *source)
{
    for (guint i = 0; i < lines->len; i++)
        if (g_str_equal(g_array_index(lines, struct store_keep, i).source, source))
            return &g_array_index(lines, struct store_keep, i);
    return NULL;
}

static bool has_events(const struct store_status_source *facts)
{
    const struct source *source = source_find(facts->source);

    return source != NULL && source->kind == SOURCE_EVENTS && facts->records > 0 && facts->newest != NULL;
}

/* By the clock of a machine that thinks it is next year all evidence would be too old, and so it would where nobody has
 * collected for long: whoever means that says so. False with *error. */
static bool leaves_something(struct store *store, const GArray *lines, int64_t now, GError **error)
{
    const struct store_status_options look = {.now = now, .samples = 1};
    g_autoptr(StoreStatus) status = store_status_read(store, &look, error);
    const char *newest = NULL;

    for (guint i = 0; status != NULL && i < status->sources->len; i++) {
        const struct store_status_source *facts = g_ptr_array_index(status->sources, i);
        const struct store_keep *line = line_of(lines, facts->source);
        struct timestamp time;
        if (line == NULL || !has_events(facts) || !timestamp_parse(facts->newest, strlen(facts->newest), &time))
            continue;
        if (time.seconds >= line->before)
            return true;
        if (g_strcmp0(facts->newest, newest) > 0)
            newest = facts->newest;
    }
    if (status == NULL || newest == NULL)
        return status != NULL;
    g_autofree char *today = timestamp_format_seconds(now);
    g_set_error(
        error, STORE_ERROR, STORE_ERROR_FAILED,
        "all events would go, since by this machine's clock it is %s, and the newest of them is from %s; nothing "
        "was deleted: set the clock, or, where it is right, use --force",
        today, newest);
    return false;
}

/* --- doing it ----------------------------------------------------------------------------------------------------- */

static char *outcome(const struct store_prune_result *result)
{
    g_autofree char *records = text_count(result->records), *others = text_count(result->others),
                    *held = text_count(result->held);

    if (result->held > 0)
        return g_strdup_printf("%s records and %s other rows were deleted; %s are held until the mirror has them",
                               records, others, held);
    return g_strdup_printf("%s records and %s other rows were deleted", records, others);
}

/* Writes the file anew where forgetting a customer was cut short before it did. Where that cannot be, it stays due, and
 * what prune does is done all the same. False with *error: it was stopped. */
static bool finish_forgetting(struct maintain_task *task, struct store_prune_result *result, GError **error)
{
    struct store_optimized optimized;
    g_autoptr(GError) cause = NULL;
    bool due = false;

    if (result->log_held || (store_rewrite_due(task->store, &due, &cause) && !due))
        return true;
    if (due && store_optimize(task->store, clock_now(task->options->clock), &task->watch, &optimized, &cause)) {
        result->rewritten = !optimized.log_held;
        result->log_held = optimized.log_held;
        result->bytes_after = optimized.bytes_after;
        return true;
    }
    if (g_error_matches(cause, STORE_ERROR, STORE_ERROR_STOPPED)) {
        g_propagate_error(error, g_steal_pointer(&cause));
        return false;
    }
    log_write(LOG_LEVEL_WARN, cause->message, "task", task->name, NULL);
    return true;
}

/* A disk may be so full that there is no room for a lock, or for SQLite's -shm: then the reserve makes it. */
static bool open_to_prune(struct maintain_task *task, const struct maintain_options *options, bool dry_run,
                          bool *reserve_used, GError **error)
{
    const char *name = dry_run ? NULL : "prune";
    g_autoptr(GError) cause = NULL;

    *reserve_used = false;
    if (maintain_task_open(task, options, name, dry_run ? MAINTAIN_READ : MAINTAIN_WRITE, &cause))
        return true;
    *reserve_used = !dry_run && g_error_matches(cause, STORE_ERROR, STORE_ERROR_FULL) &&
                    store_reserve_release(options->config->database);
    if (!*reserve_used) {
        g_propagate_error(error, g_steal_pointer(&cause));
        return false;
    }
    maintain_task_close(task);
    return maintain_task_open(task, options, name, MAINTAIN_WRITE, error);
}

struct store_prune_result *maintain_prune(const struct maintain_options *options, bool dry_run, bool force, int *signal,
                                          GError **error)
{
    const struct config *config = options->config;
    int64_t now = clock_now(options->clock);
    g_autoptr(GArray) lines = maintain_policy(config, now);
    g_auto(MaintainTask) task = {0};
    const struct store_prune_options how = {.keep = (const struct store_keep *)(const void *)lines->data,
                                            .n_keep = lines->len,
                                            .max_bytes = config->retention.max_size_bytes,
                                            .now = now,
                                            .dry_run = dry_run,
                                            .force = force,
                                            .mirrored = config->mongo.configured,
                                            .mirror_deletes = config->mongo.deletes == CONFIG_DELETES_MIRROR,
                                            .watch = &task.watch};
    bool reserve_used;

    *signal = 0;
    if (!open_to_prune(&task, options, dry_run, &reserve_used, error))
        return NULL;
    if (!force && !leaves_something(task.store, lines, now, error))
        return NULL;
    struct store_prune_result *result = store_prune(task.store, &how, error);
    bool done = result != NULL && (dry_run || finish_forgetting(&task, result, error));
    if (!maintain_task_told(&task, done, signal, error) || result == NULL) {
        g_clear_pointer(&result, store_prune_result_free);
        return NULL;
    }
    result->reserve_used |= reserve_used;
    if (dry_run)
        return result;
    store_reserve_make(task.store);
    g_autofree char *words = outcome(result);
    maintain_task_note(&task, words);
    return result;
}
