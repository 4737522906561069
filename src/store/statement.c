#include "store/store_private.h"

/* What went wrong first is what is told. */
static void note(struct statement *statement, int code)
{
    if (statement->fault == SQLITE_OK)
        statement->fault = code;
}

/* Resets the statement and tells its fault, if it has one. */
static bool finish(struct statement *statement, GError **error)
{
    int fault = statement->fault;
    statement->fault = SQLITE_OK;
    if (fault != SQLITE_OK)
        store_error_set(statement->store, statement_texts[statement->id].name, fault, error);
    int code = sqlite3_reset(statement->handle); /* also the error of a step that failed, again */
    if (fault != SQLITE_OK || code == SQLITE_OK)
        return fault == SQLITE_OK;
    store_error_set(statement->store, statement_texts[statement->id].name, code, error);
    return false;
}

static struct statement *fetch(struct store *store, enum statement_id id, GError **error)
{
    struct statement *statement = &store->statements[id];
    if (!statement->handle) {
        *statement = (struct statement){.store = store, .id = id};
        int code = sqlite3_prepare_v3(store->db, statement_texts[id].sql, -1, SQLITE_PREPARE_PERSISTENT,
                                      &statement->handle, NULL);
        if (code != SQLITE_OK) {
            store_error_set(store, statement_texts[id].name, code, error);
            return NULL;
        }
    }
    statement->fault = SQLITE_OK; /* of a use that was given up */
    return finish(statement, error) ? statement : NULL;
}

/* Undoes a transaction that is open still; one that SQLite has undone by itself (a full disk, or a failing one) is left
 * alone. False with *error when it cannot be undone now. */
static bool undo(struct store *store, GError **error)
{
    if (sqlite3_get_autocommit(store->db))
        return true;
    struct statement *rollback = fetch(store, STATEMENT_ROLLBACK, error);
    return rollback && statement_run(rollback, error);
}

/* What runs outside of a transaction must not be taken for part of one that was given up, and be lost with it. */
struct statement *statement_get(struct store *store, enum statement_id id, GError **error)
{
    return store->in_transaction || undo(store, error) ? fetch(store, id, error) : NULL;
}

enum step statement_step(struct statement *statement, GError **error)
{
    int code = statement->fault == SQLITE_OK ? sqlite3_step(statement->handle) : statement->fault;
    if (statement->store->wait.began_us && (code == SQLITE_ROW || code == SQLITE_DONE))
        wait_over(statement->store);
    if (code == SQLITE_ROW)
        return STEP_ROW;
    if (code == SQLITE_DONE) /* it holds nothing any more, and statement_get resets it */
        return STEP_DONE;
    note(statement, code);
    finish(statement, error);
    return STEP_FAILED;
}

bool statement_end(struct statement *statement, GError **error)
{
    return finish(statement, error);
}

bool statement_run(struct statement *statement, GError **error)
{
    enum step step = statement_step(statement, error);
    return step == STEP_ROW ? statement_end(statement, error) : step == STEP_DONE;
}

bool statement_int(struct statement *statement, int64_t otherwise, int64_t *value, GError **error)
{
    enum step step = statement_step(statement, error);
    *value = otherwise;
    if (step != STEP_ROW)
        return step == STEP_DONE;
    if (sqlite3_column_type(statement->handle, 0) != SQLITE_NULL)
        *value = column_int(statement, 0);
    return statement_end(statement, error);
}

bool store_execute(struct store *store, const char *sql, const char *doing, GError **error)
{
    int code = sqlite3_exec(store->db, sql, NULL, NULL, NULL);
    if (code != SQLITE_OK)
        store_error_set(store, doing, code, error);
    else if (store->wait.began_us)
        wait_over(store);
    return code == SQLITE_OK;
}

/* --- values in
 * ---------------------------------------------------------------------------------------------------- */

void bind_int(struct statement *statement, int index, int64_t value)
{
    note(statement, sqlite3_bind_int64(statement->handle, index, value));
}

void bind_int_or_null(struct statement *statement, int index, int64_t value)
{
    if (value != 0)
        bind_int(statement, index, value);
    else
        note(statement, sqlite3_bind_null(statement->handle, index));
}

void bind_text(struct statement *statement, int index, const char *text)
{
    note(statement, sqlite3_bind_text(statement->handle, index, text, -1, SQLITE_STATIC));
}

void bind_bytes(struct statement *statement, int index, const char *text, size_t length)
{
    note(statement, sqlite3_bind_text64(statement->handle, index, text, length, SQLITE_STATIC, SQLITE_UTF8));
}

void bind_blob(struct statement *statement, int index, const void *bytes, size_t length)
{
    /* A NULL pointer would bind NULL: an empty body is a body. */
    note(statement, sqlite3_bind_blob64(statement->handle, index, length ? bytes : "", length, SQLITE_STATIC));
}

/* --- values out
 * ---------------------------------------------------------------------------------------------------- */

int64_t column_int(const struct statement *statement, int column)
{
    return sqlite3_column_int64(statement->handle, column);
}

/* SQLite answers NULL, too, when it cannot find the memory for a value. */
const char *column_text(struct statement *statement, int column, size_t *length)
{
    bool null = sqlite3_column_type(statement->handle, column) == SQLITE_NULL;
    const char *text = null ? NULL : (const char *)sqlite3_column_text(statement->handle, column);
    if (!null && !text)
        note(statement, SQLITE_NOMEM);
    if (length)
        *length = text ? (size_t)sqlite3_column_bytes(statement->handle, column) : 0;
    return text;
}

const void *column_blob(struct statement *statement, int column, size_t *length)
{
    bool null = sqlite3_column_type(statement->handle, column) == SQLITE_NULL;
    const void *bytes = null ? NULL : sqlite3_column_blob(statement->handle, column);
    *length = null ? 0 : (size_t)sqlite3_column_bytes(statement->handle, column);
    if (!bytes && *length > 0) /* an empty BLOB has no bytes to point to */
        note(statement, SQLITE_NOMEM);
    return bytes;
}

/* --- transactions
 * ---------------------------------------------------------------------------------------------------- */

static bool begin_with(struct store *store, enum statement_id id, GError **error)
{
    struct statement *begin = statement_get(store, id, error);
    store->in_transaction = begin && statement_run(begin, error);
    return store->in_transaction;
}

bool store_begin(struct store *store, GError **error)
{
    return begin_with(store, STATEMENT_BEGIN, error);
}

bool store_begin_read(struct store *store, GError **error)
{
    return begin_with(store, STATEMENT_BEGIN_READ, error);
}

bool store_commit(struct store *store, GError **error)
{
    struct statement *commit = statement_get(store, STATEMENT_COMMIT, error);
    if (!commit || !statement_run(commit, error)) {
        store_rollback(store);
        return false;
    }
    store->in_transaction = false;
    return true;
}

void store_rollback(struct store *store)
{
    store->in_transaction = false;
    undo(store, NULL);
}
