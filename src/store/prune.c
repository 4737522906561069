#include "store/prune.h"
#include "base/text.h"
#include "store/shrink.h"

/* --- giving back -----------------------------------------------------------------------------------------------------
 */

bool prune_merge(struct prune *prune, GError **error)
{
    GError *cause = NULL;
    bool done = true;
    if (prune->full && !prune_merge_slowly(prune, &done, error))
        return false;
    if (!done)
        return true;
    if (shrink_texts(prune->store, &prune->pace, &cause))
        return true;
    if (g_error_matches(cause, STORE_ERROR, STORE_ERROR_FULL)) {
        g_error_free(cause);
        prune_make_room(prune);
        return true;
    }
    g_propagate_error(error, cause);
    return false;
}

/* Free pages, to the disk; on a full one slowly. */
static bool give_pages_back(struct prune *prune, GError **error)
{
    enum { TRIES = 8 }; /* each goes on where the log had filled the disk */
    for (int tries = 1;; tries++) {
        GError *cause = NULL;
        if (prune->full && !prune_give_back_slowly(prune, error))
            return false;
        if (shrink_file(prune->store, &prune->pace, &cause))
            return true;
        if (tries == TRIES || !g_error_matches(cause, STORE_ERROR, STORE_ERROR_FULL) || !prune_make_room(prune)) {
            g_propagate_error(error, cause);
            return false;
        }
        g_error_free(cause);
    }
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
    return (!prune->full || give_pages_back(prune, error)) && merge_when_due(prune, error) &&
           prune_write_lines(prune, error) && give_pages_back(prune, error) &&
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
                            .units = PRUNE_UNITS_FIRST,
                            .full = !options->dry_run && !prune_has_room(store)};
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
    bool over_size = result->over_size; /* as estimated: of what is in use nothing went */
    if (!prune_judge_size(prune, error))
        return false;
    result->over_size = over_size;
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

/* That of the last transaction nothing was changed is not all there is to be told. */
static void tell_what_went(const struct store_prune_result *result, GError **error)
{
    if (result->records + result->others == 0 || !error || !*error)
        return;
    g_autofree char *records = text_count(result->records), *others = text_count(result->others);
    g_autofree char *stays =
        g_strdup_printf("what was deleted so far stays deleted, %s records and %s other rows", records, others);
    g_autoptr(GString) words = g_string_new((*error)->message);
    g_string_replace(words, "nothing was changed", stays, 1);
    g_free((*error)->message);
    (*error)->message = g_string_free(g_steal_pointer(&words), FALSE);
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
    if (!options->dry_run)
        tell_what_went(prune.result, error);
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
