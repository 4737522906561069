#include "store/pace.h"

#include <poll.h>
#include <sys/statvfs.h>

enum { REST_LEAST_US = 2000, REST_STEP_MS = 20 };
enum { ROOM_SCARCE = 16 * STORE_RESERVE_BYTES }; /* free on the disk: the log alone may take half of it */

/* --- short transactions ----------------------------------------------------------------------------------------------
 */

bool pace_begin(struct pace *pace, struct store *store, GError **error)
{
    const struct store_watch *before = store->wait.watch;

    if (pace->watch)
        store->wait.watch = pace->watch;
    bool begun = wal_make_room(store, error) && store_begin(store, error);
    store->wait.watch = before;
    pace->began_us = g_get_monotonic_time();
    return begun;
}

int64_t pace_room(const struct store *store)
{
    struct statvfs disk;
    return statvfs(store->path, &disk) == 0 ? (int64_t)disk.f_bavail * (int64_t)disk.f_frsize : 0;
}

/* The bytes of the file once this transaction is in it. */
static bool read_bytes(struct store *store, int *page_bytes, sqlite3_int64 *bytes, GError **error)
{
    struct statement *size = statement_get(store, STATEMENT_SHRINK_SIZE, error);
    if (!size || statement_step(size, error) != STEP_ROW)
        return false;
    *page_bytes = (int)column_int(size, 0);
    *bytes = column_int(size, 1) * *page_bytes;
    return statement_end(size, error);
}

/* The log's room is taken when it is written, the file's only when the log is copied into it: a log that has taken the
 * last of the disk before could not be copied, and so neither end nor give its room back. What the file will need is
 * taken first, therefore; where the transaction is undone, the next checkpoint gives it back. */
static bool claim_room(struct store *store, GError **error)
{
    int page_bytes, none = 0;
    sqlite3_int64 bytes;
    if (pace_room(store) >= ROOM_SCARCE)
        return true;
    if (!read_bytes(store, &page_bytes, &bytes, error))
        return false;
    int code = sqlite3_file_control(store->db, "main", SQLITE_FCNTL_CHUNK_SIZE, &page_bytes);
    if (code == SQLITE_OK)
        code = sqlite3_file_control(store->db, "main", SQLITE_FCNTL_SIZE_HINT, &bytes);
    sqlite3_file_control(store->db, "main", SQLITE_FCNTL_CHUNK_SIZE, &none);
    if (code != SQLITE_OK && code != SQLITE_NOTFOUND)
        store_error_set(store, "claim", code, error);
    return code == SQLITE_OK || code == SQLITE_NOTFOUND;
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
static bool commit(struct pace *pace, struct store *store, GError **error)
{
    int pages = 0;
    sqlite3_wal_hook(store->db, note_pages, &pages);
    bool committed = store_commit(store, error);
    pace->held_us = g_get_monotonic_time() - pace->began_us;
    sqlite3_wal_autocheckpoint(store->db, STORE_CHECKPOINT_PAGES);
    if (committed && pages >= STORE_CHECKPOINT_PAGES)
        sqlite3_wal_checkpoint_v2(store->db, "main", SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    return committed;
}

bool pace_commit(struct pace *pace, struct store *store, GError **error)
{
    if (!claim_room(store, error)) {
        store_rollback(store);
        return false;
    }
    bool committed = commit(pace, store, error);
    pace->longest_us = MAX(pace->longest_us, pace->held_us);
    pace->transactions++;
    return committed;
}

static bool asks_to_go_on(const struct store_watch *watch, const char *doing, int64_t done, int64_t of)
{
    return !watch || !watch->go_on || watch->go_on(doing, done, of, watch->user);
}

static bool stopped(const struct store *store, const char *doing, GError **error)
{
    g_set_error(error, STORE_ERROR, STORE_ERROR_STOPPED, "stopped while %s in %s; what was done until then stays",
                doing, store->path);
    return false;
}

bool pace_rest(struct pace *pace, const struct store *store, const char *doing, int64_t done, int64_t of,
               GError **error)
{
    int64_t until_us = g_get_monotonic_time() + (pace->alone ? 0 : MAX(pace->held_us, REST_LEAST_US));

    for (;;) {
        if (!asks_to_go_on(pace->watch, doing, done, of))
            return stopped(store, doing, error);
        int64_t left_us = until_us - g_get_monotonic_time();
        if (left_us <= 0)
            return true;
        poll(NULL, 0, (int)MIN(left_us / 1000 + 1, REST_STEP_MS));
    }
}

int64_t pace_units(const struct pace *pace, int64_t units, int64_t least, int64_t most)
{
    if (pace->held_us > 2 * PACE_AIM_US)
        units /= 2;
    else if (pace->held_us > PACE_AIM_US)
        units -= units / 4;
    else if (pace->held_us < PACE_AIM_US / 2)
        units *= 2;
    return CLAMP(units, least, most);
}
