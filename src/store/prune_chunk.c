#include "store/prune.h"
#include "store/shrink.h"

enum {
    MERGE_UNITS = 16,                      /* of the full text, after a transaction while the disk is full */
    EARLY_PAGES = 8,                       /* given back after a transaction while the disk is full, */
    EARLY_KEEP = 4 * 1024 * 1024,          /* where the file has more free bytes than these */
    ROOM_ENOUGH = 4 * STORE_RESERVE_BYTES, /* free on the disk: it is not full any more */
    TRIES = 5,                             /* of rows for which there was no room */
};

/* --- a full disk -----------------------------------------------------------------------------------------------------
 */

bool prune_make_room(struct prune *prune)
{
    struct shrink_size before = {0};
    bool held = true;
    bool released = store_reserve_release(prune->store->path);
    bool had_log = shrink_size(prune->store, &before, NULL) && before.log > 0;

    prune->result->reserve_used |= released;
    prune->units = prune->full ? MAX(prune->units / 4, 1) : PRUNE_UNITS_SCARCE;
    prune->full = true;
    return (shrink_log(prune->store, &held, NULL) && !held && had_log) || released;
}

bool prune_has_room(const struct store *store)
{
    return pace_room(store) >= ROOM_ENOUGH;
}

/* Where there is no room for a step that can wait, it waits. */
static bool or_wait(bool done, GError *cause, GError **error)
{
    if (done || g_error_matches(cause, STORE_ERROR, STORE_ERROR_FULL)) {
        g_clear_error(&cause);
        return true;
    }
    g_propagate_error(error, cause);
    return false;
}

/* Each transaction adds a segment to the full text, whose merging it was kept from, and of 2,000 segments no other can
 * be added (FTS5's source, FTS5_MAX_SEGMENT): they are merged in small steps of their own. */
static bool merge_a_little(struct prune *prune, GError **error)
{
    struct shrink_merge merge = {.text = SHRINK_EVENTS, .begun = true, .units = MERGE_UNITS};
    bool more, held;
    GError *cause = NULL;
    if (prune->texts == 0)
        return true;
    bool done = shrink_merge_step(prune->store, &prune->pace, &merge, &more, &cause);
    shrink_log(prune->store, &held, NULL);
    return or_wait(done, cause, error);
}

bool prune_merge_slowly(struct prune *prune, bool *done, GError **error)
{
    struct shrink_merge merge = {.text = SHRINK_EVENTS};
    bool held;
    int64_t steps = 0;
    *done = true;
    for (bool more = true; *done && more; steps++) {
        GError *cause = NULL;
        *done = shrink_merge_step(prune->store, &prune->pace, &merge, &more, &cause);
        shrink_log(prune->store, &held, NULL);
        if (!or_wait(*done, cause, error) ||
            !pace_rest(&prune->pace, prune->store, "merging the full text", steps, 0, error)) {
            *done = false;
            return false;
        }
    }
    return true;
}

/* What a transaction wrote is taken out of the log before the next one needs its room. Of the pages that it freed some
 * stay with the file, which else could not grow again where the log has taken their room: full text does, in bursts. */
static bool give_back(struct prune *prune, GError **error)
{
    struct shrink_size size;
    bool more, held;
    GError *cause = NULL;
    shrink_log(prune->store, &held, NULL); /* the next transaction tells when there is no room */
    if (!merge_a_little(prune, error) || !shrink_size(prune->store, &size, error))
        return false;
    if (size.free > EARLY_KEEP) {
        bool done = shrink_vacuum_step(prune->store, &prune->pace, EARLY_PAGES, &more, &cause);
        shrink_log(prune->store, &held, NULL);
        if (!or_wait(done, cause, error))
            return false;
    }
    prune->full = !prune_has_room(prune->store);
    return true;
}

bool prune_give_back_slowly(struct prune *prune, GError **error)
{
    bool held;
    int64_t done = 0;
    for (bool more = true; more && prune->full; done += EARLY_PAGES) {
        if (!shrink_vacuum_step(prune->store, &prune->pace, EARLY_PAGES, &more, error) ||
            !shrink_log(prune->store, &held, error) ||
            !pace_rest(&prune->pace, prune->store, "giving free pages back", done, 0, error))
            return false;
        prune->full = !prune_has_room(prune->store);
    }
    return true;
}

/* --- documents of the mirror -----------------------------------------------------------------------------------------
 */

static bool write_tombstone(struct prune *prune, const char *collection, const char *id, GError **error)
{
    struct statement *tombstone = statement_get(prune->store, STATEMENT_PRUNE_TOMBSTONE, error);
    if (!tombstone)
        return false;
    bind_int(tombstone, 1, ++prune->seq);
    bind_text(tombstone, 2, collection);
    bind_text(tombstone, 3, id);
    return statement_run(tombstone, error);
}

static bool delete_reject(struct prune *prune, const char *collection, const char *id, GError **error)
{
    struct statement *reject = statement_get(prune->store, STATEMENT_PRUNE_REJECT_DELETE, error);
    if (!reject)
        return false;
    bind_text(reject, 1, collection);
    bind_text(reject, 2, id);
    return statement_run(reject, error);
}

bool prune_forget_document(struct prune *prune, int64_t customer_id, const char *collection, const char *group,
                           const char *tail, GError **error)
{
    if (!prune->options->mirror_deletes && !prune->has_rejects)
        return true;
    const struct prune_customer *customer = prune_customer(prune, customer_id, error);
    if (!customer)
        return false;
    g_autofree char *id = g_strdup_printf("%s:%s:%s", customer->tenant_id, group, tail ? tail : "");
    return (!prune->options->mirror_deletes || write_tombstone(prune, collection, id, error)) &&
           (!prune->has_rejects || delete_reject(prune, collection, id, error));
}

/* --- the transaction -------------------------------------------------------------------------------------------------
 */

bool prune_read_position(struct prune *prune, GError **error)
{
    struct statement *least = statement_get(prune->store, STATEMENT_PRUNE_POSITION, error);
    if (!least || !statement_int(least, prune->options->mirrored ? 0 : INT64_MAX, &prune->position, error))
        return false;
    if (prune->options->force)
        prune->position = INT64_MAX;
    return true;
}

static bool open_books(struct prune *prune, GError **error)
{
    struct statement *seq = statement_get(prune->store, STATEMENT_SEQ_READ, error);
    if (!seq || !statement_int(seq, 0, &prune->first_seq, error))
        return false;
    struct statement *rejects = statement_get(prune->store, STATEMENT_PRUNE_REJECTS, error);
    int64_t any;
    if (!rejects || !statement_int(rejects, 0, &any, error))
        return false;
    prune->has_rejects = any != 0;
    prune->seq = prune->first_seq;
    prune->texts = 0;
    return prune_read_position(prune, error);
}

/* Runs a statement of one number, unless nothing changed. */
static bool write_number(struct prune *prune, enum statement_id id, bool changed, int64_t number, GError **error)
{
    if (!changed)
        return true;
    struct statement *write = statement_get(prune->store, id, error);
    if (!write)
        return false;
    bind_int(write, 1, number);
    return statement_run(write, error);
}

static bool close_books(struct prune *prune, GError **error)
{
    return prune_write_counts(prune, error) &&
           write_number(prune, STATEMENT_SEQ_WRITE, prune->seq != prune->first_seq, prune->seq, error) &&
           write_number(prune, STATEMENT_PRUNE_TEXTS, prune->texts != 0, prune->texts, error);
}

static bool transact(struct prune *prune, prune_work work, void *rows, guint at, guint n, GError **error)
{
    if (!pace_begin(&prune->pace, prune->store, error))
        return false;
    if (!open_books(prune, error) || !work(prune, rows, at, n, error) || !close_books(prune, error)) {
        store_rollback(prune->store);
        prune_drop_counts(prune);
        return false;
    }
    if (!pace_commit(&prune->pace, prune->store, error)) {
        prune_drop_counts(prune);
        return false;
    }
    prune_keep_counts(prune);
    return true;
}

/* Takes the next rows, *at on. On a full disk nothing is taken, but room is made; false when there is none to make. */
static bool take_some(struct prune *prune, prune_work work, void *rows, guint *at, guint n, GError **error)
{
    GError *cause = NULL;
    guint units = MIN((guint)prune->units, n - *at);
    if (transact(prune, work, rows, *at, units, &cause)) {
        *at += units;
        prune->tries = 0;
        prune->units = pace_units(&prune->pace, units, prune->full ? 1 : PRUNE_UNITS_LEAST,
                                  prune->full ? PRUNE_UNITS_FULL : PRUNE_UNITS_MOST);
        return !prune->full || give_back(prune, error);
    }
    bool again = prune->tries++ < TRIES && g_error_matches(cause, STORE_ERROR, STORE_ERROR_FULL);
    if (again && (prune_make_room(prune) || units > 1)) {
        g_error_free(cause);
        return true;
    }
    g_propagate_error(error, cause);
    return false;
}

bool prune_delete(struct prune *prune, prune_work work, void *rows, guint n, struct prune_progress *progress,
                  GError **error)
{
    for (guint at = 0; at < n;) {
        guint before = at;
        if (!take_some(prune, work, rows, &at, n, error))
            return false;
        progress->done += at - before;
        if (!pace_rest(&prune->pace, prune->store, progress->doing, progress->done, progress->of, error))
            return false;
    }
    return true;
}

bool prune_goes_on(const struct prune *prune, const struct prune_progress *progress, GError **error)
{
    const struct store_watch *watch = prune->options->watch;
    if (!watch || !watch->go_on || watch->go_on(progress->doing, progress->done, progress->of, watch->user))
        return true;
    g_set_error(error, STORE_ERROR, STORE_ERROR_STOPPED, "stopped while %s of %s: running again goes on",
                progress->doing, prune->store->path);
    return false;
}
