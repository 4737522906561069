#include <sys/statvfs.h>

#include "store/prune.h"
#include "store/shrink.h"

enum {
    EARLY_PAGES = 32,                      /* given back after a transaction while the disk is full, */
    EARLY_KEEP = 4 * 1024 * 1024,          /* where the file has more free bytes than these */
    ROOM_ENOUGH = 4 * STORE_RESERVE_BYTES, /* free on the disk: it is not full any more */
    CHECKPOINT_PAGES = 4000,               /* as wal_autocheckpoint is set (open.c) */
    TRIES = 3,                             /* of rows for which there was no room */
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
    prune->full = true;
    prune->units = PRUNE_UNITS_FULL;
    return (shrink_log(prune->store, &held, NULL) && !held && had_log) || released;
}

static bool has_room(const struct store *store)
{
    struct statvfs disk;
    return statvfs(store->path, &disk) == 0 && (uint64_t)disk.f_bavail * disk.f_frsize >= ROOM_ENOUGH;
}

/* What a transaction wrote is taken out of the log before the next one needs its room. Of the pages that it freed some
 * stay with the file, which else could not grow again where the log has taken their room: full text does, in bursts. */
static bool give_back(struct prune *prune, GError **error)
{
    struct shrink_size size;
    bool more, held;
    g_autoptr(GError) cause = NULL;
    shrink_log(prune->store, &held, NULL); /* the next transaction tells when there is no room */
    if (!shrink_size(prune->store, &size, error))
        return false;
    if (size.free > EARLY_KEEP && !shrink_vacuum_step(prune->store, &prune->pace, EARLY_PAGES, &more, &cause) &&
        !g_error_matches(cause, STORE_ERROR, STORE_ERROR_FULL)) {
        g_propagate_error(error, g_steal_pointer(&cause));
        return false;
    }
    if (size.free > EARLY_KEEP)
        shrink_log(prune->store, &held, NULL);
    prune->full = !has_room(prune->store);
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

static int note_pages(void *pages, sqlite3 *db, const char *name, int in_log)
{
    (void)db;
    (void)name;
    *(int *)pages = in_log;
    return SQLITE_OK;
}

/* SQLite's own checkpoint would come inside of the commit, when others may write again already: it is done behind it,
 * so that it counts as no part of the transaction. That it fails now is no matter: the next one copies as much more. */
static bool commit(struct prune *prune, GError **error)
{
    sqlite3 *db = prune->store->db;
    int pages = 0;
    sqlite3_wal_hook(db, note_pages, &pages);
    bool committed = pace_commit(&prune->pace, prune->store, error);
    sqlite3_wal_autocheckpoint(db, CHECKPOINT_PAGES);
    if (committed && pages >= CHECKPOINT_PAGES)
        sqlite3_wal_checkpoint_v2(db, "main", SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    return committed;
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
    if (!commit(prune, error)) {
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
        prune->units =
            prune->full ? PRUNE_UNITS_FULL : pace_units(&prune->pace, units, PRUNE_UNITS_LEAST, PRUNE_UNITS_MOST);
        return !prune->full || give_back(prune, error);
    }
    bool again = prune->tries++ < TRIES && g_error_matches(cause, STORE_ERROR, STORE_ERROR_FULL);
    if (again && (prune_make_room(prune) || units > PRUNE_UNITS_FULL)) {
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
