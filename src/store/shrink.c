#include "store/shrink.h"

#include <poll.h>
#include <stdlib.h>

#include "base/text.h"
#include "store/watching.h"

static const struct {
    enum statement_id structure, merge, rebuild;
} texts[SHRINK_TEXTS] = {
    [SHRINK_EVENTS] = {STATEMENT_SHRINK_EVENT_STRUCTURE, STATEMENT_SHRINK_EVENT_MERGE, STATEMENT_SHRINK_EVENT_REBUILD},
    [SHRINK_USERS] = {STATEMENT_SHRINK_USER_STRUCTURE, STATEMENT_SHRINK_USER_MERGE, STATEMENT_SHRINK_USER_REBUILD},
    [SHRINK_ISSUES] = {STATEMENT_SHRINK_ISSUE_STRUCTURE, STATEMENT_SHRINK_ISSUE_MERGE, STATEMENT_SHRINK_ISSUE_REBUILD},
    [SHRINK_MESSAGES] = {STATEMENT_SHRINK_MESSAGE_STRUCTURE, STATEMENT_SHRINK_MESSAGE_MERGE,
                         STATEMENT_SHRINK_MESSAGE_REBUILD}};

/* Runs one statement that takes long, and that nobody can part. */
static bool run_long(struct store *store, enum statement_id id, const struct store_watch *watch, const char *doing,
                     GError **error)
{
    struct watching watching;
    watching_begin(&watching, store, watch);
    bool done = watching_tell(&watching, doing, 0, 0, error);
    struct statement *statement = done ? statement_get(store, id, error) : NULL;
    done = statement && watching_judge(&watching, statement_run(statement, error), error);
    watching_end(&watching);
    return done;
}

/* --- full text -------------------------------------------------------------------------------------------------------
 */

/* Each merge into one segment adds up to two levels to the index's structure and takes none away, and of 2,000 levels
 * FTS5 believes that the structure is damaged (SQLite before 3.42, seen in 3.40.1). Only a rebuild begins anew with
 * none: it is due long before. */
enum { LEVELS_MOST = 1500 };

enum { STRUCTURE_COOKIE_BYTES = 4, STRUCTURE_LEVEL_BYTES = 3 };

/* The number of levels, behind the cookie (fts5_index.c: "the structure record"): a varint, big end first, seven bits a
 * byte. */
static int64_t levels_in(const uint8_t *structure, size_t length)
{
    int64_t levels = 0;
    for (size_t i = STRUCTURE_COOKIE_BYTES; i < MIN(length, STRUCTURE_COOKIE_BYTES + STRUCTURE_LEVEL_BYTES); i++) {
        levels = levels << 7 | (structure[i] & 0x7f);
        if (!(structure[i] & 0x80))
            break;
    }
    return levels;
}

static bool is_worn(struct store *store, enum shrink_text text, bool *worn, GError **error)
{
    struct statement *read = statement_get(store, texts[text].structure, error);
    enum step step = read ? statement_step(read, error) : STEP_FAILED;
    *worn = false;
    if (step != STEP_ROW)
        return step == STEP_DONE;
    size_t length;
    const uint8_t *structure = column_blob(read, 0, &length);
    *worn = structure && levels_in(structure, length) >= LEVELS_MOST;
    return statement_end(read, error);
}

static bool rebuild(struct store *store, enum shrink_text text, const struct store_watch *watch, GError **error)
{
    return run_long(store, texts[text].rebuild, watch, "building the full text anew", error);
}

/* A negative number has all segments merged, whatever their levels; positive ones go on with what was begun. *changes
 * below 2: there was nothing to do (FTS5, section 6.8: the 'merge' command). */
static bool merge(struct store *store, struct pace *pace, enum shrink_text text, int64_t units, int64_t *changes,
                  GError **error)
{
    if (!pace_begin(pace, store, error))
        return false;
    int64_t before = sqlite3_total_changes64(store->db);
    struct statement *statement = statement_get(store, texts[text].merge, error);
    if (statement)
        bind_int(statement, 1, units);
    if (!statement || !statement_run(statement, error)) {
        store_rollback(store);
        return false;
    }
    *changes = sqlite3_total_changes64(store->db) - before;
    return pace_commit(pace, store, error);
}

bool shrink_merge_step(struct store *store, struct pace *pace, struct shrink_merge *state, bool *more, GError **error)
{
    enum { UNITS_FIRST = 16, UNITS_LEAST = 4, UNITS_MOST = 4096 };
    bool worn = false;
    int64_t changes;

    *more = false;
    if (!state->begun && !is_worn(store, state->text, &worn, error))
        return false;
    if (worn)
        return rebuild(store, state->text, pace->watch, error);
    state->units = state->begun ? pace_units(pace, state->units, UNITS_LEAST, UNITS_MOST) : UNITS_FIRST;
    if (!merge(store, pace, state->text, state->begun ? state->units : -state->units, &changes, error))
        return false;
    state->begun = true;
    *more = changes > 1;
    return true;
}

static bool merge_all(struct store *store, struct pace *pace, enum shrink_text text, int64_t *steps, GError **error)
{
    struct shrink_merge state = {.text = text};
    for (bool more = true; more; ++*steps)
        if (!shrink_merge_step(store, pace, &state, &more, error) ||
            (more && !pace_rest(pace, store, "merging the full text", *steps, 0, error)))
            return false;
    return true;
}

/* Nobody but who maintains deletes texts for good: none is missed between. */
static bool note_merged(struct store *store, GError **error)
{
    struct statement *note = statement_get(store, STATEMENT_SHRINK_TEXT_MERGED, error);
    return note && statement_run(note, error);
}

bool shrink_texts(struct store *store, struct pace *pace, GError **error)
{
    int64_t steps = 1;
    for (enum shrink_text text = 0; text < SHRINK_TEXTS; text++)
        if (!merge_all(store, pace, text, &steps, error))
            return false;
    return note_merged(store, error);
}

bool store_rebuild_text(struct store *store, const struct store_watch *watch, GError **error)
{
    for (enum shrink_text text = 0; text < SHRINK_TEXTS; text++)
        if (!rebuild(store, text, watch, error))
            return false;
    return note_merged(store, error);
}

bool store_optimize_due(struct store *store, bool *due, GError **error)
{
    int64_t worth = 0;
    struct statement *ask = statement_get(store, STATEMENT_SHRINK_DUE, error);
    bool asked = ask && statement_int(ask, 0, &worth, error);
    *due = worth != 0;
    return asked;
}

/* --- the file --------------------------------------------------------------------------------------------------------
 */

static bool read_int(struct store *store, enum statement_id id, int64_t *value, GError **error)
{
    struct statement *read = statement_get(store, id, error);
    return read && statement_int(read, 0, value, error);
}

/* Each step of the pragma frees one page, so it is stepped until it has freed so many, or is at its end. */
static bool free_pages(struct store *store, int64_t pages, GError **error)
{
    struct statement *vacuum = statement_get(store, STATEMENT_SHRINK_VACUUM, error);
    enum step step = vacuum ? STEP_ROW : STEP_FAILED;
    while (step == STEP_ROW && pages-- > 0)
        step = statement_step(vacuum, error);
    return step == STEP_ROW ? statement_end(vacuum, error) : step == STEP_DONE;
}

bool shrink_vacuum_step(struct store *store, struct pace *pace, int64_t pages, bool *more, GError **error)
{
    int64_t left = 0;
    *more = false;
    if (!read_int(store, STATEMENT_SHRINK_FREE_PAGES, &left, error))
        return false;
    if (left == 0)
        return true;
    if (!pace_begin(pace, store, error))
        return false;
    if (!free_pages(store, pages, error) || !read_int(store, STATEMENT_SHRINK_FREE_PAGES, &left, error)) {
        store_rollback(store);
        return false;
    }
    *more = left > 0;
    return pace_commit(pace, store, error);
}

/* As many pages as were free at first: others who write make new ones all the time. */
bool shrink_file(struct store *store, struct pace *pace, GError **error)
{
    enum { PAGES_FIRST = 16, PAGES_LEAST = 4, PAGES_MOST = 4096 };
    int64_t of, done = 0, pages = PAGES_FIRST;
    if (!read_int(store, STATEMENT_SHRINK_FREE_PAGES, &of, error))
        return false;
    for (bool more = of > 0; more && done < of; pages = pace_units(pace, pages, PAGES_LEAST, PAGES_MOST)) {
        if (!shrink_vacuum_step(store, pace, pages, &more, error))
            return false;
        done += pages;
        if (!pace_rest(pace, store, "giving free pages back", MIN(done, of), of, error))
            return false;
    }
    return true;
}

/* --- the log ---------------------------------------------------------------------------------------------------------
 */

/* Cuts the log off, if nobody is in it just now. Until then the lock of those who write is held: what takes long has
 * been copied before. */
static bool cut_off(struct store *store, bool *held, GError **error)
{
    store->wait.never = true;
    sqlite3_wal_checkpoint_v2(store->db, "main", SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    int code = sqlite3_wal_checkpoint_v2(store->db, "main", SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    store->wait.never = false;
    *held = (code & 0xff) == SQLITE_BUSY;
    if (code != SQLITE_OK && !*held)
        store_error_set(store, "checkpoint", code, error);
    return code == SQLITE_OK || *held;
}

bool shrink_log(struct store *store, bool *held, GError **error)
{
    enum { AGAIN_MS = 5 };
    int64_t until_us = g_get_monotonic_time() + store->wal.cut_us;

    while (cut_off(store, held, error)) {
        if (!*held || g_get_monotonic_time() >= until_us)
            return true;
        poll(NULL, 0, AGAIN_MS);
    }
    return false;
}

char *store_readers(const char *path)
{
    g_autofree char *own = realpath(path, NULL);
    return own ? holders_name(own, HOLDERS_READING) : NULL;
}

bool shrink_size(struct store *store, struct shrink_size *size, GError **error)
{
    struct statement *read = statement_get(store, STATEMENT_SHRINK_SIZE, error);
    if (!read || statement_step(read, error) != STEP_ROW)
        return false;
    int64_t page_bytes = column_int(read, 0), pages = column_int(read, 1), free = column_int(read, 2);
    *size = (struct shrink_size){.file = pages * page_bytes,
                                 .log = wal_bytes(store),
                                 .used = (pages - free) * page_bytes,
                                 .free = free * page_bytes};
    size->used += size->log;
    return statement_end(read, error);
}

/* --- what is left of a customer that was forgotten -------------------------------------------------------------------
 */

/* A copy of everything in the folder, and another in the log. */
static void tell_room(struct store *store, const char *folder, GError *cause, GError **error)
{
    struct shrink_size size = {0};
    shrink_size(store, &size, NULL);
    g_autofree char *twice = text_bytes(2 * (size.file - size.free));
    g_set_error(error, STORE_ERROR, STORE_ERROR_FULL,
                "%s has still to be written anew, or bytes of the customer who was forgotten stay in it, and for a "
                "while that takes about twice its size, %s, of %s: make so much room, and run m365keep maintain "
                "optimize (%s)",
                store->path, twice, folder, cause->message);
    g_error_free(cause);
}

/* VACUUM keeps its copy of everything in a file: beside the database, where there is room if anywhere. What a broken
 * off one has in the log by then is given back. */
static bool rewrite(struct store *store, const struct store_watch *watch, GError **error)
{
    const char *file = sqlite3_db_filename(store->db, "main");
    g_autofree char *folder = g_path_get_dirname(file && *file ? file : store->path);
    GError *cause = NULL;
    bool held;
    if (!store_execute(store, "PRAGMA temp_store = FILE", "pragmas", error))
        return false;
    sqlite3_temp_directory = sqlite3_mprintf("%s", folder);
    bool done = run_long(store, STATEMENT_SHRINK_REWRITE, watch, "writing the database anew", &cause);
    sqlite3_free(sqlite3_temp_directory);
    sqlite3_temp_directory = NULL;
    if (!done)
        shrink_log(store, &held, NULL);
    if (g_error_matches(cause, STORE_ERROR, STORE_ERROR_FULL))
        tell_room(store, folder, cause, error);
    else if (cause)
        g_propagate_error(error, cause);
    return store_execute(store, "PRAGMA temp_store = MEMORY", "pragmas", done ? error : NULL) && done;
}

static bool note_scrub(struct store *store, enum statement_id id, int64_t now, GError **error)
{
    struct statement *note = statement_get(store, id, error);
    if (!note)
        return false;
    bind_int(note, 1, now);
    return statement_run(note, error);
}

bool shrink_scrub_begin(struct store *store, int64_t now, GError **error)
{
    return note_scrub(store, STATEMENT_SHRINK_SCRUB_BEGIN, now, error);
}

bool shrink_scrub_due(struct store *store, bool *due, GError **error)
{
    int64_t begun;
    bool read = read_int(store, STATEMENT_SHRINK_SCRUB_DUE, &begun, error);
    *due = read && begun != 0;
    return read;
}

bool store_rewrite_due(struct store *store, bool *due, GError **error)
{
    return shrink_scrub_due(store, due, error);
}

bool shrink_scrub(struct store *store, struct pace *pace, int64_t now, bool *held, GError **error)
{
    int64_t rewritten;
    if (!shrink_log(store, held, error) || *held)
        return *held; /* the whole database in the log, too, would make it worse */
    if (!read_int(store, STATEMENT_SHRINK_SCRUB_REWRITTEN, &rewritten, error))
        return false;
    if (!rewritten &&
        (!rewrite(store, pace->watch, error) || !note_scrub(store, STATEMENT_SHRINK_SCRUB_REWRITE, now, error)))
        return false;
    /* What is noted last is in the log, and holds nothing of what was deleted. */
    return shrink_log(store, held, error) &&
           (*held || (note_scrub(store, STATEMENT_SHRINK_SCRUB_END, now, error) && shrink_log(store, held, error)));
}

/* --- all of it -------------------------------------------------------------------------------------------------------
 */

static bool optimize(struct store *store, struct pace *pace, int64_t now, bool *held, GError **error)
{
    bool scrub;
    if (!shrink_scrub_due(store, &scrub, error) || !shrink_texts(store, pace, error))
        return false;
    if (scrub)
        return shrink_scrub(store, pace, now, held, error);
    return shrink_file(store, pace, error) && shrink_log(store, held, error);
}

bool store_optimize(struct store *store, int64_t now, const struct store_watch *watch, struct store_optimized *result,
                    GError **error)
{
    struct pace pace = {.watch = watch};
    struct shrink_size before, after;

    *result = (struct store_optimized){0};
    if (!shrink_size(store, &before, error) || !optimize(store, &pace, now, &result->log_held, error) ||
        !shrink_size(store, &after, error))
        return false;
    result->bytes_before = before.file + before.log;
    result->bytes_after = after.file + after.log;
    return true;
}
