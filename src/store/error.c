#include "store/store_private.h"

G_DEFINE_QUARK(m365keep_store_error, store_error)

/* SQLite calls only ENOSPC full. A quota or a limit on file sizes comes as a failed write, its errno forgotten; to the
 * caller it is the same: nothing was written, and nothing will be until somebody makes room. */
static bool is_failed_write(int extended_code)
{
    return extended_code == SQLITE_IOERR_WRITE || extended_code == SQLITE_IOERR_SHMSIZE;
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
        g_set_error(
            error, STORE_ERROR, STORE_ERROR_BUSY,
            "another program has held the lock on %s for more than %d seconds (%s: %s); nothing was changed: run "
            "again when it has ended",
            path, STORE_BUSY_MS / 1000, doing, words);
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
        g_set_error(error, STORE_ERROR, STORE_ERROR_LIMIT,
                    "the time limit was reached (%s): ask for fewer days, more words or a filter", doing);
    else
        g_set_error(error, STORE_ERROR, STORE_ERROR_FAILED, "SQLite could not run the statement %s on %s: %s", doing,
                    path, words);
}
