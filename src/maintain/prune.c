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
