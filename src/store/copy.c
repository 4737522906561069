#include "store/copy.h"

enum { STEP_BYTES = 4 * 1024 * 1024 };

static bool read_number(struct store *store, enum statement_id id, int64_t *value, GError **error)
{
    struct statement *statement = statement_get(store, id, error);
    return statement && statement_int(statement, 0, value, error);
}

int64_t copy_bytes(struct store *store, GError **error)
{
    int64_t bytes;
    return read_number(store, STATEMENT_STATUS_FILE, &bytes, error) ? bytes : -1;
}

/* --- copying ---------------------------------------------------------------------------------------------------------
 */

/* What SQLite reports of a step is the fault of one of the two files. Always false. */
static bool step_failed(const struct store *from, const struct store *to, int code, GError **error)
{
    int kind = code & 0xff;
    bool read =
        kind == SQLITE_CORRUPT || kind == SQLITE_NOTADB || code == SQLITE_IOERR_READ || code == SQLITE_IOERR_SHORT_READ;
    store_error_set(read ? from : to, "copy", code, error);
    return false;
}

static bool copy_steps(struct watching *watching, struct store *to, sqlite3_backup *backup, int pages, GError **error)
{
    for (int code = SQLITE_OK; code != SQLITE_DONE;) {
        code = sqlite3_backup_step(backup, pages);
        if (code != SQLITE_OK && code != SQLITE_DONE)
            return step_failed(watching->store, to, code, error);
        int of = sqlite3_backup_pagecount(backup), left = sqlite3_backup_remaining(backup);
        if (!watching_tell(watching, "copying pages", of - left, of, error))
            return false;
    }
    return true;
}

/* The file is nobody's yet, and is synced when it is whole: SQLite need not care for a power cut in between. */
static bool copy_into(struct watching *watching, struct store *to, GError **error)
{
    int64_t page_bytes;
    /* The cache is counted in pages of an empty file, which are small: each is four times as large in the end. */
    if (!store_execute(to,
                       "PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE; "
                       "PRAGMA cache_size = -2000",
                       "pragmas", error) ||
        !read_number(watching->store, STATEMENT_COPY_PAGE, &page_bytes, error))
        return false;
    sqlite3_backup *backup = sqlite3_backup_init(to->db, "main", watching->store->db, "main");
    if (!backup) {
        store_error_set(to, "copy", sqlite3_extended_errcode(to->db), error);
        return false;
    }
    bool copied = copy_steps(watching, to, backup, (int)(STEP_BYTES / MAX(page_bytes, 1)), error);
    int code = sqlite3_backup_finish(backup);
    return copied && (code == SQLITE_OK || step_failed(watching->store, to, code, error));
}

/* Without a transaction around all steps, every change that another program commits would begin the copy anew. It is a
 * transaction of one moment from the first thing that is read in it. */
static bool begin_moment(struct store *store, GError **error)
{
    int64_t version;
    if (!store_begin_read(store, error))
        return false;
    if (read_number(store, STATEMENT_USER_VERSION, &version, error))
        return true;
    store_rollback(store);
    return false;
}

bool copy_pages(struct store *store, const char *to, const char *path, const struct store_watch *watch, GError **error)
{
    struct store *copy = store_connect(to, path, SQLITE_OPEN_READWRITE, error);
    bool copied = false;
    if (copy && begin_moment(store, error)) {
        struct watching watching;
        watching_begin(&watching, store, watch);
        copied = copy_into(&watching, copy, error);
        watching_end(&watching);
        store_rollback(store); /* there is nothing to commit */
    }
    store_close(copy);
    return copied;
}

/* --- looking ---------------------------------------------------------------------------------------------------------
 */

static bool read_figures(struct store *copy, struct store_copied *result, GError **error)
{
    int64_t version;
    result->bytes = copy_bytes(copy, error);
    if (result->bytes < 0 || !read_number(copy, STATEMENT_COPY_EVENTS, &result->records, error) ||
        !read_number(copy, STATEMENT_SEQ_READ, &result->seq, error) ||
        !read_number(copy, STATEMENT_USER_VERSION, &version, error))
        return false;
    result->version = (int)version;
    return true;
}

bool copy_look(const char *made, const char *path, const struct store_watch *watch, struct store_copied *result,
               GError **error)
{
    g_autofree char *name = g_strdup_printf("the copy of %s", path);
    g_autoptr(Store) copy = store_connect_alone(made, name, error);
    if (!copy)
        return false;
    struct watching watching;
    watching_begin(&watching, copy, watch);
    bool sound = watching_tell(&watching, "checking the copy", 0, 0, error) &&
                 watching_through(&watching, store_quick_check, error) &&
                 watching_judge(&watching, read_figures(copy, result, error), error);
    watching_end(&watching);
    return sound;
}
