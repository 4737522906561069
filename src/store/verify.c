#include <string.h>

#include "store/store_private.h"

static bool fault(const struct store *store, GError **error, const char *format, ...) G_GNUC_PRINTF(3, 4);

/* Sets *error; always false. */
static bool fault(const struct store *store, GError **error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *words = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_set_error(error, STORE_ERROR, STORE_ERROR_CORRUPT, "%s is not sound: %s", store->path, words);
    return false;
}

/* Runs a statement that returns one text for each fault; `sound` is the text that is none. */
static bool no_fault(struct store *store, enum statement_id id, const char *sound, GError **error)
{
    sqlite3_stmt *statement = statement_get(store, id, error);
    enum step step = statement ? statement_step(store, id, statement, error) : STEP_FAILED;
    if (step != STEP_ROW)
        return step == STEP_DONE;

    g_autofree char *words = g_strdup((const char *)sqlite3_column_text(statement, 0));
    sqlite3_reset(statement);
    return g_strcmp0(words, sound) == 0 || fault(store, error, "%s", words ? words : "a fault without words");
}

/* FTS5 compares its index with its text. */
static bool fts_sound(struct store *store, enum statement_id id, GError **error)
{
    sqlite3_stmt *statement = statement_get(store, id, error);
    return statement && statement_run(store, id, statement, error);
}

static bool hash_matches(const void *hash, int hash_length, const void *raw, int raw_length)
{
    uint8_t digest[HASH_SHA256_BYTES];
    hash_sha256(raw ? raw : "", (size_t)raw_length, digest);
    return hash && hash_length == HASH_KEY_BYTES && memcmp(hash, digest, HASH_KEY_BYTES) == 0;
}

/* The key that an event's fields give must lead back to it, with the hash of its bytes. */
static bool event_sound(struct store *store, sqlite3_stmt *event, GError **error)
{
    const char *parts[3];
    for (int i = 0; i < 3; i++)
        parts[i] = (const char *)sqlite3_column_text(event, i + 1);
    uint8_t key[HASH_KEY_BYTES];
    hash_key(parts, G_N_ELEMENTS(parts), key);

    sqlite3_stmt *find = statement_get(store, STATEMENT_KEY_FIND, error);
    if (!find)
        return false;
    bind_blob(find, 1, key, sizeof key);
    enum step step = statement_step(store, STATEMENT_KEY_FIND, find, error);
    if (step == STEP_FAILED)
        return false;
    int64_t id = sqlite3_column_int64(event, 0);
    bool found = step == STEP_ROW && sqlite3_column_int64(find, 0) == id;
    bool same = found && hash_matches(sqlite3_column_blob(find, 1), sqlite3_column_bytes(find, 1),
                                      sqlite3_column_text(event, 4), sqlite3_column_bytes(event, 4));
    sqlite3_reset(find);
    if (!found)
        return fault(store, error, "the key of event %" G_GINT64_FORMAT " does not lead to it", id);
    return same || fault(store, error, "the body of event %" G_GINT64_FORMAT " does not match its hash", id);
}

static bool version_sound(struct store *store, sqlite3_stmt *version, GError **error)
{
    return hash_matches(sqlite3_column_blob(version, 2), sqlite3_column_bytes(version, 2),
                        sqlite3_column_text(version, 1), sqlite3_column_bytes(version, 1)) ||
           fault(store, error, "an earlier body of event %" G_GINT64_FORMAT " does not match its hash",
                 (gint64)sqlite3_column_int64(version, 0));
}

/* Checks each row of a statement. */
static bool rows_sound(struct store *store, enum statement_id id,
                       bool (*row_sound)(struct store *, sqlite3_stmt *, GError **), GError **error)
{
    sqlite3_stmt *rows = statement_get(store, id, error);
    if (!rows)
        return false;
    enum step step;
    while ((step = statement_step(store, id, rows, error)) == STEP_ROW)
        if (!row_sound(store, rows, error)) {
            sqlite3_reset(rows);
            return false;
        }
    return step == STEP_DONE;
}

bool store_verify(struct store *store, GError **error)
{
    return no_fault(store, STATEMENT_VERIFY_INTEGRITY, "ok", error) &&
           no_fault(store, STATEMENT_VERIFY_FOREIGN_KEYS, NULL, error) &&
           fts_sound(store, STATEMENT_VERIFY_EVENT_FTS, error) && fts_sound(store, STATEMENT_VERIFY_USER_FTS, error) &&
           fts_sound(store, STATEMENT_VERIFY_ISSUE_FTS, error) &&
           fts_sound(store, STATEMENT_VERIFY_MESSAGE_FTS, error) &&
           no_fault(store, STATEMENT_VERIFY_IDS, NULL, error) &&
           no_fault(store, STATEMENT_VERIFY_COUNTS, NULL, error) &&
           no_fault(store, STATEMENT_VERIFY_COVERAGE, NULL, error) &&
           no_fault(store, STATEMENT_VERIFY_SEQ, NULL, error) &&
           rows_sound(store, STATEMENT_VERIFY_EVENTS, event_sound, error) &&
           rows_sound(store, STATEMENT_VERIFY_VERSIONS, version_sound, error);
}
