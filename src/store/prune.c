#include "store/prune.h"
#include "store/shrink.h"

/* --- giving back -----------------------------------------------------------------------------------------------------
 */

/* Does `step`, and once more where the disk was full and has room now. */
static bool with_room(struct prune *prune, bool (*step)(struct store *, struct pace *, GError **), GError **error)
{
    g_autoptr(GError) cause = NULL;
    if (step(prune->store, &prune->pace, &cause))
        return true;
    if (g_error_matches(cause, STORE_ERROR, STORE_ERROR_FULL) && prune_make_room(prune))
        return step(prune->store, &prune->pace, error);
    g_propagate_error(error, g_steal_pointer(&cause));
    return false;
}

bool prune_merge(struct prune *prune, GError **error)
{
    GError *cause = NULL;
    if (with_room(prune, shrink_texts, &cause))
        return true;
    if (g_error_matches(cause, STORE_ERROR, STORE_ERROR_FULL)) {
        g_error_free(cause);
        return true;
    }
    g_propagate_error(error, cause);
    return false;
}

/* Entries of deleted rows are merged away when there are many, or where their room is wanted. */
static bool merge_when_due(struct prune *prune, GError **error)
{
    bool due;
    if (!store_optimize_due(prune->store, &due, error) || !prune_judge_size(prune, error))
        return false;
    return !(due || (prune->result->over_size && prune->records > 0)) || prune_merge(prune, error);
}

static bool read_bytes(struct prune *prune, int64_t *bytes, GError **error)
{
    struct shrink_size size;
    if (!shrink_size(prune->store, &size, error))
        return false;
    *bytes = size.file + size.log;
    return true;
}

static bool give_back(struct prune *prune, GError **error)
{
    return merge_when_due(prune, error) && prune_write_lines(prune, error) && with_room(prune, shrink_file, error) &&
           shrink_log(prune->store, &prune->result->log_held, error) && prune_judge_size(prune, error);
}

/* --- the whole -------------------------------------------------------------------------------------------------------
 */

static void prune_init(struct prune *prune, struct store *store, const struct store_prune_options *options)
{
    *prune = (struct prune){.store = store,
                            .options = options,
                            .result = g_new0(struct store_prune_result, 1),
                            .pace = {.watch = options->watch},
                            .size_before = INT64_MIN,
                            .units = PRUNE_UNITS_FIRST};
    prune->result->sources = g_ptr_array_new_with_free_func(prune_pruned_free);
    prune_init_counts(prune);
    for (size_t i = 0; i < options->n_keep; i++) {
        struct prune_source *source = (struct prune_source *)prune_source(prune, options->keep[i].source);
        source->before = options->keep[i].before;
    }
}

static bool run(struct prune *prune, GError **error)
{
    struct store_prune_result *result = prune->result;
    if (!read_bytes(prune, &result->bytes_before, error) || !prune_events(prune, error) ||
        !prune_to_size(prune, error) || !prune_rows(prune, error))
        return false;
    if (!prune->options->dry_run)
        return give_back(prune, error) && read_bytes(prune, &result->bytes_after, error);
    result->bytes_after = result->bytes_before;
    if (!prune_judge_size(prune, error))
        return false;
    result->over_size = result->over_size && prune->records == 0;
    return true;
}

/* What is deleted need not be on the disk before the next rows go: a power cut brings them back, whole, and the next
 * run deletes them again. Others who commit have the log synced as ever, and so has every checkpoint. Nor need pages
 * be overwritten that are about to be given back: where SQLite does that by default (Debian's does), most of what is
 * written would be zeros. */
static bool run_lightly(struct prune *prune, GError **error)
{
    if (prune->options->dry_run)
        return run(prune, error);
    if (!store_execute(prune->store, "PRAGMA synchronous = NORMAL; PRAGMA secure_delete = FAST", "pragmas", error))
        return false;
    bool done = run(prune, error);
    return store_execute(prune->store, "PRAGMA synchronous = FULL", "pragmas", done ? error : NULL) && done;
}

struct store_prune_result *store_prune(struct store *store, const struct store_prune_options *options, GError **error)
{
    struct prune prune;
    prune_init(&prune, store, options);
    bool done = run_lightly(&prune, error);
    prune_tell(&prune);
    prune_clear_counts(&prune);
    if (done)
        return prune.result;
    store_prune_result_free(prune.result);
    return NULL;
}

void store_prune_result_free(struct store_prune_result *result)
{
    if (!result)
        return;
    g_ptr_array_unref(result->sources);
    g_free(result);
}
