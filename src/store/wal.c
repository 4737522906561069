/* Bounds of the write-ahead log.
 *
 * It starts over from its beginning when all of it is in the database file and nobody reads what is in it (SQLite,
 * "Write-Ahead Logging", section 2.3). A reader who holds on to one moment keeps it from that for as long, and each
 * transaction makes it longer. */
#include <sys/stat.h>

#include "base/base.h"
#include "store/store_private.h"

enum { FRAME_HEADER_BYTES = 24, TELL_US = 1000000 };

void wal_init(struct store *store)
{
    store->wal = (struct wal){.goal = STORE_LOG_GOAL,
                              .most = STORE_LOG_MOST,
                              .wait_us = STORE_LOG_WAIT_MS * 1000,
                              .cut_us = STORE_LOG_CUT_MS * 1000};
}

void wal_clear(struct store *store)
{
    g_clear_pointer(&store->wal.whom, g_free);
}

int64_t wal_bytes(const struct store *store)
{
    const char *file = sqlite3_db_filename(store->db, "main");
    struct stat status;
    return file && *file && stat(sqlite3_filename_wal(file), &status) == 0 ? status.st_size : 0;
}

static bool checkpoint_failed(const struct store *store, int code, GError **error)
{
    store_error_set(store, "checkpoint", code, error);
    return false;
}

/* Copies into the file what may be, and has the next transaction begin the log anew where nobody keeps it from that.
 * *bytes is how much of the log there is then. Waits for nobody. */
static bool start_over(struct store *store, int64_t page_bytes, int64_t *bytes, GError **error)
{
    int frames = 0, copied = 0;

    store->wait.never = true;
    int code = sqlite3_wal_checkpoint_v2(store->db, "main", SQLITE_CHECKPOINT_PASSIVE, &frames, &copied);
    bool all = code == SQLITE_OK && copied == frames;
    if (all && frames > 0)
        code = sqlite3_wal_checkpoint_v2(store->db, "main", SQLITE_CHECKPOINT_RESTART, NULL, NULL);
    store->wait.never = false;

    /* Where another program is copying, the file tells how much there is at most. */
    *bytes = all && code == SQLITE_OK ? 0 : frames > 0 ? frames * (page_bytes + FRAME_HEADER_BYTES) : wal_bytes(store);
    return code == SQLITE_OK || (code & 0xff) == SQLITE_BUSY || checkpoint_failed(store, code, error);
}

static bool read_page_bytes(struct store *store, int64_t *bytes, GError **error)
{
    struct statement *read = statement_get(store, STATEMENT_WAL_PAGE_SIZE, error);
    return read && statement_int(read, 0, bytes, error);
}

/* Told once, however many transactions wait for the same reader. */
static void tell(struct store *store, int64_t bytes)
{
    struct wal *wal = &store->wal;

    if (wal->whom || g_get_monotonic_time() - store->wait.began_us < TELL_US)
        return;
    g_autofree char *size = text_bytes(bytes);
    wal->whom = holders_name(sqlite3_db_filename(store->db, "main"), HOLDERS_READING);
    if (!wal->whom)
        wal->whom = g_strdup("a reader that this machine does not show");
    log_write(LOG_LEVEL_INFO, "Waiting for a reader of the database: its write-ahead log grows as long as that lasts.",
              "database", store->path, "reader", wal->whom, "log", size, NULL);
}

static void tell_over(struct store *store)
{
    if (store->wal.whom)
        log_write(LOG_LEVEL_INFO, "The write-ahead log of the database could start over.", "database", store->path,
                  "was", store->wal.whom, NULL);
    g_clear_pointer(&store->wal.whom, g_free);
}

static bool refuse(const struct store *store, int64_t bytes, GError **error)
{
    g_autofree char *size = text_bytes(bytes);
    g_autofree char *whom = holders_name(sqlite3_db_filename(store->db, "main"), HOLDERS_READING);

    g_set_error(error, STORE_ERROR, STORE_ERROR_LOG,
                "the write-ahead log of %s has grown to %s, since %s has been reading for long and keeps it from "
                "starting over; nothing was changed: end that program, and run again",
                store->path, size, whom ? whom : "a reader that this machine does not show");
    return false;
}

/* The wait is over, and the log still too large for its goal. */
static bool judge(const struct store *store, int64_t bytes, GError **error)
{
    const struct wait *wait = &store->wait;

    if (wait->end == WAIT_IMPATIENT)
        return bytes < store->wal.most || refuse(store, bytes, error);
    g_set_error(error, STORE_ERROR, wait->end == WAIT_STOPPED ? STORE_ERROR_STOPPED : STORE_ERROR_LIMIT,
                "the wait for those who read %s was ended; nothing was changed", store->path);
    return false;
}

bool wal_make_room(struct store *store, GError **error)
{
    int64_t bytes = wal_bytes(store), page_bytes;

    if (bytes <= store->wal.goal)
        return true;
    if (!read_page_bytes(store, &page_bytes, error) || !start_over(store, page_bytes, &bytes, error))
        return false;
    wait_begin(store, "waiting for a reader of the database");
    while (bytes > store->wal.goal && wait_goes_on(store, store->wal.wait_us)) {
        tell(store, bytes);
        if (!start_over(store, page_bytes, &bytes, error))
            return false;
    }
    store->wait.began_us = 0;
    if (bytes > store->wal.goal)
        return judge(store, bytes, error);
    tell_over(store);
    return true;
}
