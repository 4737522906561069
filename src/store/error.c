#include "store/store_private.h"

G_DEFINE_QUARK(m365keep_store_error, store_error)

/* SQLite calls only ENOSPC full. A quota or a limit on file sizes comes as a failed write, its errno forgotten; to the
 * caller it is the same: nothing was written, and nothing will be until somebody makes room. */
static bool is_failed_write(int extended_code)
{
    return extended_code == SQLITE_IOERR_WRITE || extended_code == SQLITE_IOERR_SHMSIZE;
}

static void set_interrupted(const char *doing, GError **error)
{
    g_set_error(error, STORE_ERROR, STORE_ERROR_LIMIT,
                "the time limit was reached (%s): ask for fewer days, more words or a filter", doing);
}

/* Nobody got the lock: it took too long, or whoever waited was told to end. */
static void set_busy(const struct store *store, const char *doing, const char *words, GError **error)
{
    const struct wait *wait = &store->wait;
    const char *whom = wait->whom ? wait->whom : "another program";

    if (wait->end == WAIT_INTERRUPTED)
        set_interrupted(doing, error);
    else if (wait->end == WAIT_STOPPED)
        g_set_error(error, STORE_ERROR, STORE_ERROR_STOPPED,
                    "the wait for the lock on %s, which %s holds, was ended (%s: %s); nothing was changed: run again",
                    store->path, whom, doing, words);
    else
        g_set_error(error, STORE_ERROR, STORE_ERROR_BUSY,
                    "%s has held the lock on %s for more than %d seconds (%s: %s); nothing was changed: run again when "
                    "it has ended",
                    whom, store->path, (int)(wait->busy_us / G_TIME_SPAN_SECOND), doing, words);
}

void store_error_set(const struct store *store, const char *doing, int extended_code, GError **error)
{
    int code = extended_code & 0xff;
    /* The connection's own words name tables and columns, but belong to the last call that it took part in. */
    bool same = (sqlite3_errcode(store->db) & 0xff) == code;
    const char *words = same ? sqlite3_errmsg(store->db) : sqlite3_errstr(extended_code), *path = store->path;

    if (code == SQLITE_FULL)
        g_set_error(error, STORE_ERROR, STORE_ERROR_FULL,
                    "the disk is full, %s cannot grow (%s: %s); nothing was changed: free some space and run again",
                    path, doing, words);
    else if (is_failed_write(extended_code))
        g_set_error(
            error, STORE_ERROR, STORE_ERROR_FULL,
            "a write to %s failed (%s: %s); nothing was changed: see whether the disk is full, a quota or a limit "
            "on file sizes is reached, or the disk is failing, and run again",
            path, doing, words);
    else if (code == SQLITE_BUSY || code == SQLITE_LOCKED)
        set_busy(store, doing, words, error);
    else if (code == SQLITE_READONLY || code == SQLITE_PERM)
        g_set_error(error, STORE_ERROR, STORE_ERROR_READ_ONLY,
                    "%s cannot be written (%s: %s); nothing was changed: check who owns the file and its folder", path,
                    doing, words);
    else if (code == SQLITE_CORRUPT)
        g_set_error(error, STORE_ERROR, STORE_ERROR_CORRUPT,
                    "%s is damaged (%s: %s): keep a copy of it, then restore a backup", path, doing, words);
    else if (code == SQLITE_NOTADB)
        g_set_error(error, STORE_ERROR, STORE_ERROR_FOREIGN, "%s is not an SQLite database (%s)", path, words);
    else if (code == SQLITE_INTERRUPT)
        set_interrupted(doing, error);
    else
        g_set_error(error, STORE_ERROR, STORE_ERROR_FAILED, "SQLite could not run the statement %s on %s: %s", doing,
                    path, words);
}
