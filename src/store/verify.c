#include <string.h>

#include "base/timestamp.h"
#include "store/facets.h"
#include "store/pages.h"
#include "store/watching.h"

/* What is to be done about a fault; each ends its sentence. */
static const char mend_restore[] = "keep a copy of the database, then restore a backup (m365keep maintain restore)";
static const char mend_text[] = "m365keep maintain optimize --rebuild builds it anew; if words are missing after that, "
                                "m365keep maintain renormalize takes them from the records again";
static const char mend_derive[] = "m365keep maintain renormalize derives it from the record again";

enum { ROWS_BETWEEN_LOOKS = 64 };

struct verification {
    struct store *store;
    bool writes;        /* it holds the write lock */
    bool pages_checked; /* once is enough */
    struct watching watching;
    struct store_verify_result *result;
};

static bool fault(const struct store *store, const char *mend, GError **error, const char *format, ...)
    G_GNUC_PRINTF(4, 5);

static const char sound_not[] = "is not sound"; /* in all that is told in words of ours */

/* Sets *error; always false. */
static bool fault(const struct store *store, const char *mend, GError **error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *words = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_set_error(error, STORE_ERROR, STORE_ERROR_CORRUPT, "%s %s: %s: %s", store->path, sound_not, words, mend);
    return false;
}

/* --- checks that SQL makes -------------------------------------------------------------------------------------------
 */

/* Runs a statement that returns one text for each fault; `sound` is the text that is none. */
static bool no_fault(struct store *store, enum statement_id id, const char *sound, GError **error)
{
    struct statement *statement = statement_get(store, id, error);
    enum step step = statement ? statement_step(statement, error) : STEP_FAILED;
    if (step != STEP_ROW)
        return step == STEP_DONE;

    g_autofree char *words = g_strdup(column_text(statement, 0, NULL));
    /* An interrupted check takes the pages that it did not come to for lost ones: its next step says what it was. */
    step = statement_step(statement, error);
    if (step == STEP_FAILED || (step == STEP_ROW && !statement_end(statement, error)))
        return false;
    if (sound && g_strcmp0(words, sound) == 0)
        return true;
    const char *told = words ? words : "a fault without words", *title = "*** in database main ***\n";
    return fault(store, mend_restore, error, "%s", g_str_has_prefix(told, title) ? told + strlen(title) : told);
}

static bool pages_sound(struct store *store, GError **error)
{
    return no_fault(store, STATEMENT_VERIFY_INTEGRITY, "ok", error);
}

bool store_quick_check(struct store *store, GError **error)
{
    return no_fault(store, STATEMENT_QUICK_CHECK, "ok", error);
}

struct check {
    const char *doing;
    enum statement_id statement;
    bool (*run)(struct verification *verification, const struct check *check, GError **error);
    const char *index; /* of text_sound: the full-text index */
    bool (*row_sound)(struct verification *verification, struct statement *row, GError **error); /* of rows_sound */
    size_t count; /* of rows_sound: where in the result its rows are counted */
};

static bool whole_sound(struct verification *verification, const struct check *check, GError **error)
{
    (void)check;
    return watching_through(&verification->watching, pages_sound, error);
}

static bool none_found(struct verification *verification, const struct check *check, GError **error)
{
    return no_fault(verification->store, check->statement, NULL, error);
}

/* FTS5 compares its index with its text. It does so by way of INSERT, which a store that only reads cannot. */
static bool text_sound(struct verification *verification, const struct check *check, GError **error)
{
    struct store *store = verification->store;
    GError *cause = NULL;
    struct statement *statement = statement_get(store, check->statement, &cause);
    if (statement && statement_run(statement, &cause))
        return true;
    bool unchecked = g_error_matches(cause, STORE_ERROR, STORE_ERROR_READ_ONLY);
    if (!unchecked && !g_error_matches(cause, STORE_ERROR, STORE_ERROR_CORRUPT)) {
        g_propagate_error(error, cause);
        return false;
    }
    g_error_free(cause);
    if (unchecked) {
        verification->result->text_unchecked = true;
        return true;
    }
    return fault(store, mend_text, error, "the full-text index %s does not agree with the text it was made of",
                 check->index);
}

/* Looking for each row on the other side costs as much as all else that is done about it: only where the numbers tell
 * that one is missing, to name it. */
static bool sides_agree(struct verification *verification, const struct check *check, GError **error)
{
    struct statement *sides = statement_get(verification->store, STATEMENT_VERIFY_EVENT_SIDES, error);
    enum step step = sides ? statement_step(sides, error) : STEP_FAILED;
    if (step != STEP_DONE)
        return step == STEP_ROW && statement_end(sides, error);
    return none_found(verification, check, error);
}

/* Change numbers are given out once each, from a counter that has not been set back. */
static bool seqs_sound(struct verification *verification, const struct check *check, GError **error)
{
    struct store *store = verification->store;
    struct statement *last = statement_get(store, STATEMENT_SEQ_READ, error);
    int64_t given, before = INT64_MIN;
    if (!last || !statement_int(last, 0, &given, error))
        return false;
    struct statement *rows = statement_get(store, check->statement, error);
    enum step step = STEP_FAILED;
    while (rows && (step = statement_step(rows, error)) == STEP_ROW) {
        int64_t seq = column_int(rows, 0);
        if (seq > before && seq <= given) {
            before = seq;
            continue;
        }
        g_autofree char *table = g_strdup(column_text(rows, 1, NULL));
        return statement_end(rows, error) &&
               (seq == before ? fault(store, mend_restore, error,
                                      "change number %" G_GINT64_FORMAT " was given out twice, to %s too", seq, table)
                              : fault(store, mend_restore, error,
                                      "%s has change number %" G_GINT64_FORMAT ", never given out", table, seq));
    }
    return step == STEP_DONE;
}

/* --- checks of each row ----------------------------------------------------------------------------------------------
 */

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
static bool hash_matches(struct verification *verification, struct statement *hashed, int hash,
                         struct statement *bodied, int raw)
{
    size_t length;
    const void *body = column_blob(bodied, raw, &length); /* of a text: its bytes */
    verification->result->bytes += (int64_t)length;
    return is_hash_of(hashed, hash, body, length);
}

enum event_column {
    EVENT_ID,
    EVENT_TENANT,
    EVENT_SOURCE,
    EVENT_KEY,
    EVENT_RAW,
    EVENT_TIMESTAMP,
    EVENT_SERVICE,
    EVENT_OPERATION,
    EVENT_RESULT,
    EVENT_ACTOR,
    EVENT_FIRST_SEQ,
    EVENT_SEQ,
    EVENT_FACETS,
    EVENT_WORDLESS, /* its row in event_fts has no text */
    EVENT_UNFOUND,  /* it has no row there */
};

/* The key that an event's fields give must lead back to it, with the hash of its bytes. */
static bool key_sound(struct verification *verification, struct statement *event, int64_t id, GError **error)
{
    struct store *store = verification->store;
    const char *parts[3];
    for (int i = 0; i < 3; i++)
        parts[i] = column_text(event, EVENT_TENANT + i, NULL);
    uint8_t key[HASH_KEY_BYTES];
    hash_key(parts, G_N_ELEMENTS(parts), key);

    struct statement *find = statement_get(store, STATEMENT_KEY_FIND, error);
    if (!find)
        return false;
    bind_blob(find, 1, key, sizeof key);
    enum step step = statement_step(find, error);
    if (step == STEP_FAILED)
        return false;
    bool found = step == STEP_ROW && column_int(find, 0) == id;
    bool same = found && hash_matches(verification, find, 1, event, EVENT_RAW);
    if (step == STEP_ROW && !statement_end(find, error))
        return false;
    if (!found)
        return fault(store, mend_restore, error, "the key of event %" G_GINT64_FORMAT " does not lead to it", id);
    return same ||
           fault(store, mend_restore, error, "the body of event %" G_GINT64_FORMAT " does not match its hash", id);
}

/* A second that is full runs over into the next: its last id is taken then. */
static bool is_full(struct store *store, int64_t second, bool *full, GError **error)
{
    int64_t end = event_id_first(second + 1), last;
    struct statement *find = statement_get(store, STATEMENT_EVENT_LAST_OF_SECOND, error);
    if (!find)
        return false;
    bind_int(find, 1, event_id_first(second));
    bind_int(find, 2, end);
    if (!statement_int(find, 0, &last, error))
        return false;
    *full = last == end - 1;
    return true;
}

/* Times are compared as texts: they are written in one form. */
static bool in_form(struct timestamp time, const char *text)
{
    char form[TIMESTAMP_TEXT_BYTES];
    timestamp_format(time, form);
    return strcmp(form, text) == 0;
}

/* An id begins with the second of its event; one without time stands in the second of its reception. */
static bool time_sound(struct verification *verification, struct statement *event, int64_t id, GError **error)
{
    size_t length;
    int64_t second = event_id_second(id);
    const char *text = column_text(event, EVENT_TIMESTAMP, &length);
    struct timestamp time;
    bool readable = text && timestamp_parse(text, length, &time), full = false;
    if (readable && !in_form(time, text))
        return fault(verification->store, mend_derive, error,
                     "event %" G_GINT64_FORMAT
                     " has the time %s, which is not in the form YYYY-MM-DDTHH:MM:SS.fffffffZ",
                     id, text);
    if (!text || (readable && time.seconds == second))
        return true;
    if (readable && time.seconds < second && !is_full(verification->store, second - 1, &full, error))
        return false;
    if (full)
        return true;
    g_autofree char *filed = timestamp_format_seconds(second);
    return fault(verification->store, mend_derive, error,
                 "event %" G_GINT64_FORMAT " has the time %s, but its id stands in the second %s", id, text, filed);
}

/* What filters look for. */
static bool facets_sound(struct verification *verification, struct statement *event, int64_t id, GError **error)
{
    static const struct {
        enum facet facet;
        enum event_column column;
        const char *name;
    } fields[] = {{FACET_CUSTOMER, EVENT_TENANT, "customer"}, {FACET_SOURCE, EVENT_SOURCE, "source"},
                  {FACET_SERVICE, EVENT_SERVICE, "service"},  {FACET_OPERATION, EVENT_OPERATION, "operation"},
                  {FACET_RESULT, EVENT_RESULT, "result"},     {FACET_ACTOR, EVENT_ACTOR, "actor"}};
    if (column_int(event, EVENT_UNFOUND))
        return fault(verification->store, mend_derive, error, "event %" G_GINT64_FORMAT " has no row in event_fts", id);
    if (column_int(event, EVENT_WORDLESS))
        return fault(verification->store, mend_derive, error,
                     "the row %" G_GINT64_FORMAT " of event_fts lacks its text", id);
    const char *facets = column_text(event, EVENT_FACETS, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(fields); i++) {
        char token[FACET_TOKEN_BYTES];
        if (facet_token(fields[i].facet, column_text(event, (int)fields[i].column, NULL), token) &&
            (!facets || !strstr(facets, token)))
            return fault(verification->store, mend_derive, error,
                         "event %" G_GINT64_FORMAT " is not found by its %s: its row in event_fts is that of another",
                         id, fields[i].name);
    }
    return true;
}

static bool event_sound(struct verification *verification, struct statement *event, GError **error)
{
    int64_t id = column_int(event, EVENT_ID);
    if (column_int(event, EVENT_FIRST_SEQ) > column_int(event, EVENT_SEQ))
        return fault(verification->store, mend_restore, error,
                     "event %" G_GINT64_FORMAT " was stored by a later change than the one that stored it last", id);
    return key_sound(verification, event, id, error) && time_sound(verification, event, id, error) &&
           facets_sound(verification, event, id, error);
}

/* Rows of three columns: what the body is, itself and its hash. */
static bool body_sound(struct verification *verification, struct statement *row, GError **error)
{
    const char *what = column_text(row, 0, NULL);
    return hash_matches(verification, row, 2, row, 1) ||
           fault(verification->store, mend_restore, error, "%s does not match its hash", what ? what : "a body");
}

static int64_t *counter(struct verification *verification, const struct check *check)
{
    return (int64_t *)((char *)verification->result + check->count);
}

static bool row_sound(struct verification *verification, const struct check *check, struct statement *rows, int64_t of,
                      GError **error)
{
    int64_t *count = counter(verification, check);
    if (*count % ROWS_BETWEEN_LOOKS == 0 && !watching_tell(&verification->watching, check->doing, *count, of, error))
        return false;
    ++*count;
    verification->watching.done = *count;
    return check->row_sound(verification, rows, error);
}

/* How many rows there are, as far as it can be known: it is only told. */
static int64_t rows_of(struct verification *verification, const struct check *check)
{
    struct statement *sizes = statement_get(verification->store, STATEMENT_VERIFY_SIZES, NULL);
    if (!sizes || statement_step(sizes, NULL) != STEP_ROW)
        return 0;
    int64_t of = column_int(sizes, (int)(check->count / sizeof(int64_t)));
    return statement_end(sizes, NULL) ? of : 0;
}

static bool rows_sound(struct verification *verification, const struct check *check, GError **error)
{
    int64_t of = rows_of(verification, check);
    struct statement *rows = statement_get(verification->store, check->statement, error);
    if (!rows)
        return false;
    enum step step;
    while ((step = statement_step(rows, error)) == STEP_ROW) {
        GError *found = NULL;
        if (row_sound(verification, check, rows, of, &found))
            continue;
        if (statement_end(rows, error)) /* else a value that was lost on the way looked like damage */
            g_propagate_error(error, found);
        else
            g_clear_error(&found);
        return false;
    }
    return step == STEP_DONE;
}

/* --- all of it -------------------------------------------------------------------------------------------------------
 */

#define SQL_CHECK(doing, statement)                                                                                    \
    {                                                                                                                  \
        doing, statement, none_found, NULL, NULL, 0                                                                    \
    }
#define TEXT_CHECK(doing, statement, index)                                                                            \
    {                                                                                                                  \
        doing, statement, text_sound, index, NULL, 0                                                                   \
    }
#define ROW_CHECK(doing, statement, row, rows)                                                                         \
    {                                                                                                                  \
        doing, statement, rows_sound, NULL, row, offsetof(StoreVerified, rows)                                         \
    }

typedef struct store_verify_result StoreVerified; /* its name is long for a table */

/* What later ones rely on goes first. */
static const struct check checks[] = {
    {"checking all pages and indexes", STATEMENT_VERIFY_INTEGRITY, whole_sound, NULL, NULL, 0},
    SQL_CHECK("checking references between tables", STATEMENT_VERIFY_FOREIGN_KEYS),
    TEXT_CHECK("checking the full text of events", STATEMENT_VERIFY_EVENT_FTS, "event_fts"),
    TEXT_CHECK("checking the full text of accounts", STATEMENT_VERIFY_USER_FTS, "user_fts"),
    TEXT_CHECK("checking the full text of issues", STATEMENT_VERIFY_ISSUE_FTS, "issue_fts"),
    TEXT_CHECK("checking the full text of messages", STATEMENT_VERIFY_MESSAGE_FTS, "message_fts"),
    {"checking keys and full text of events", STATEMENT_VERIFY_EVENT_IDS, sides_agree, NULL, NULL, 0},
    SQL_CHECK("checking full text of other records", STATEMENT_VERIFY_IDS),
    SQL_CHECK("checking what full text there is", STATEMENT_VERIFY_TEXTS),
    SQL_CHECK("checking counts", STATEMENT_VERIFY_COUNTS),
    SQL_CHECK("checking coverage", STATEMENT_VERIFY_COVERAGE),
    SQL_CHECK("checking accounts", STATEMENT_VERIFY_USER_ROWS),
    SQL_CHECK("checking states of health", STATEMENT_VERIFY_STATES),
    SQL_CHECK("checking mails", STATEMENT_VERIFY_MAILS),
    SQL_CHECK("checking what was kept and mirrored", STATEMENT_VERIFY_UPKEEP),
    {"checking change numbers", STATEMENT_VERIFY_SEQ, seqs_sound, NULL, NULL, 0},
    ROW_CHECK("checking the bodies of mails", STATEMENT_VERIFY_MAIL_BODIES, body_sound, mails),
    ROW_CHECK("checking the bodies of health", STATEMENT_VERIFY_HEALTH, body_sound, health),
    ROW_CHECK("checking the bodies of accounts", STATEMENT_VERIFY_USERS, body_sound, accounts),
    ROW_CHECK("checking what could not be read", STATEMENT_VERIFY_UNREADABLE, body_sound, unreadable),
    ROW_CHECK("checking the earlier bodies of events", STATEMENT_VERIFY_VERSIONS, body_sound, versions),
    ROW_CHECK("checking the bodies of events", STATEMENT_VERIFY_EVENTS, event_sound, events),
};

/* Tried after each check, until nobody's reading is in the way. */
static bool free_pages_sound(struct verification *verification, GError **error)
{
    g_autofree char *words = NULL;
    if (!verification->writes || verification->pages_checked)
        return true;
    if (!pages_check(verification->store, &verification->pages_checked, &words, error))
        return false;
    return !words || fault(verification->store, mend_restore, error, "%s", words);
}

/* Says what was being checked where SQLite itself could not go on. */
static bool run(struct verification *verification, const struct check *check, GError **error)
{
    struct watching *watching = &verification->watching;
    GError *cause = NULL;
    if (!watching_tell(watching, check->doing, 0, 0, error))
        return false;
    bool sound = check->run(verification, check, &cause) && free_pages_sound(verification, &cause);
    if (watching_judge(watching, sound, &cause))
        return true;
    if (g_error_matches(cause, STORE_ERROR, STORE_ERROR_CORRUPT) && !strstr(cause->message, sound_not))
        g_prefix_error(&cause, "%s: ", check->doing);
    g_propagate_error(error, cause);
    return false;
}

bool store_verify_watched(struct store *store, const struct store_watch *watch, struct store_verify_result *result,
                          GError **error)
{
    struct verification verification = {.store = store, .result = result};
    *result = (struct store_verify_result){0};
    verification.writes = !sqlite3_db_readonly(store->db, "main");
    if (!(verification.writes ? store_begin(store, error) : store_begin_read(store, error)))
        return false;
    watching_begin(&verification.watching, store, watch);
    bool sound = true;
    for (size_t i = 0; sound && i < G_N_ELEMENTS(checks); i++)
        sound = run(&verification, &checks[i], error);
    watching_end(&verification.watching);
    result->pages_unchecked = !verification.pages_checked;
    store_rollback(store); /* there is nothing to commit */
    return sound;
}

bool store_verify(struct store *store, GError **error)
{
    struct store_verify_result result;
    return store_verify_watched(store, NULL, &result, error);
}
