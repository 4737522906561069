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
    struct statement *statement = statement_get(store, id, error);
    enum step step = statement ? statement_step(statement, error) : STEP_FAILED;
    if (step != STEP_ROW)
        return step == STEP_DONE;

    g_autofree char *words = g_strdup(column_text(statement, 0, NULL));
    if (!statement_end(statement, error))
        return false;
    return (sound && g_strcmp0(words, sound) == 0) ||
           fault(store, error, "%s", words ? words : "a fault without words");
}

/* FTS5 compares its index with its text. */
static bool fts_sound(struct store *store, enum statement_id id, GError **error)
{
    struct statement *statement = statement_get(store, id, error);
    return statement && statement_run(statement, error);
}

/* The column `hash` of the row is the hash of these bytes. */
static bool is_hash_of(struct statement *hashed, int hash, const void *bytes, size_t length)
{
    size_t hash_length;
    const void *known = column_blob(hashed, hash, &hash_length);
    uint8_t digest[HASH_KEY_BYTES];
    content_hash_of(bytes ? bytes : "", length, digest);
    return known && hash_length == HASH_KEY_BYTES && memcmp(known, digest, HASH_KEY_BYTES) == 0;
}

/* The column `hash` of one row is the hash of the column `raw` of another, or of the same. */
static bool hash_matches(struct statement *hashed, int hash, struct statement *bodied, int raw)
{
    size_t length;
    const char *body = column_text(bodied, raw, &length);
    return is_hash_of(hashed, hash, body, length);
}

/* The key that an event's fields give must lead back to it, with the hash of its bytes. */
static bool event_sound(struct store *store, struct statement *event, GError **error)
{
    const char *parts[3];
    for (int i = 0; i < 3; i++)
        parts[i] = column_text(event, i + 1, NULL);
    uint8_t key[HASH_KEY_BYTES];
    hash_key(parts, G_N_ELEMENTS(parts), key);

    struct statement *find = statement_get(store, STATEMENT_KEY_FIND, error);
    if (!find)
        return false;
    bind_blob(find, 1, key, sizeof key);
    enum step step = statement_step(find, error);
    if (step == STEP_FAILED)
        return false;
    int64_t id = column_int(event, 0);
    bool found = step == STEP_ROW && column_int(find, 0) == id;
    bool same = found && hash_matches(find, 1, event, 4);
    if (step == STEP_ROW && !statement_end(find, error))
        return false;
    if (!found)
        return fault(store, error, "the key of event %" G_GINT64_FORMAT " does not lead to it", id);
    return same || fault(store, error, "the body of event %" G_GINT64_FORMAT " does not match its hash", id);
}

static bool version_sound(struct store *store, struct statement *version, GError **error)
{
    return hash_matches(version, 2, version, 1) ||
           fault(store, error, "an earlier body of event %" G_GINT64_FORMAT " does not match its hash",
                 column_int(version, 0));
}

static bool user_sound(struct store *store, struct statement *user, GError **error)
{
    const char *id = column_text(user, 0, NULL);
    return hash_matches(user, 2, user, 1) ||
           fault(store, error, "the body of the account %s does not match its hash", id ? id : "");
}

static bool health_sound(struct store *store, struct statement *body, GError **error)
{
    const char *what = column_text(body, 0, NULL);
    return hash_matches(body, 2, body, 1) ||
           fault(store, error, "%s does not match its hash", what ? what : "a body of health");
}

static bool mail_sound(struct store *store, struct statement *mail, GError **error)
{
    size_t length;
    const void *message = column_blob(mail, 1, &length);
    return is_hash_of(mail, 2, message, length) ||
           fault(store, error, "the message of mail %" G_GINT64_FORMAT " does not match its hash", column_int(mail, 0));
}

/* Change numbers are given out once each, from a counter that has not been set back. */
static bool seqs_sound(struct store *store, GError **error)
{
    struct statement *last = statement_get(store, STATEMENT_SEQ_READ, error);
    int64_t given, before = INT64_MIN;
    if (!last || !statement_int(last, 0, &given, error))
        return false;
    struct statement *rows = statement_get(store, STATEMENT_VERIFY_SEQ, error);
    enum step step = STEP_FAILED;
    while (rows && (step = statement_step(rows, error)) == STEP_ROW) {
        int64_t seq = column_int(rows, 0);
        if (seq > before && seq <= given) {
            before = seq;
            continue;
        }
        g_autofree char *table = g_strdup(column_text(rows, 1, NULL));
        return statement_end(rows, error) &&
               (seq == before
                    ? fault(store, error, "change number %" G_GINT64_FORMAT " was given out twice, to %s too", seq,
                            table)
                    : fault(store, error, "%s has change number %" G_GINT64_FORMAT ", never given out", table, seq));
    }
    return step == STEP_DONE;
}

/* Checks each row of a statement. */
static bool rows_sound(struct store *store, enum statement_id id,
                       bool (*row_sound)(struct store *, struct statement *, GError **), GError **error)
{
    struct statement *rows = statement_get(store, id, error);
    if (!rows)
        return false;
    enum step step;
    while ((step = statement_step(rows, error)) == STEP_ROW) {
        GError *fault = NULL;
        if (row_sound(store, rows, &fault))
            continue;
        if (statement_end(rows, error)) /* else a value that was lost on the way looked like damage */
            g_propagate_error(error, fault);
        else
            g_clear_error(&fault);
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
           no_fault(store, STATEMENT_VERIFY_USER_ROWS, NULL, error) &&
           no_fault(store, STATEMENT_VERIFY_STATES, NULL, error) &&
           no_fault(store, STATEMENT_VERIFY_MAILS, NULL, error) && seqs_sound(store, error) &&
           rows_sound(store, STATEMENT_VERIFY_MAIL_BODIES, mail_sound, error) &&
           rows_sound(store, STATEMENT_VERIFY_HEALTH, health_sound, error) &&
           rows_sound(store, STATEMENT_VERIFY_USERS, user_sound, error) &&
           rows_sound(store, STATEMENT_VERIFY_EVENTS, event_sound, error) &&
           rows_sound(store, STATEMENT_VERIFY_VERSIONS, version_sound, error);
}

bool store_quick_check(struct store *store, GError **error)
{
    return no_fault(store, STATEMENT_QUICK_CHECK, "ok", error);
}
