/* What the files of this room share: the connection, its statements, its errors. */
#ifndef M365KEEP_STORE_PRIVATE_H
#define M365KEEP_STORE_PRIVATE_H

#include <sqlite3.h>
#include <string.h>

#include "store/statements.h"
#include "store/store.h"

enum { STORE_APPLICATION_ID = 0x4d333635 }; /* "M365"; the same number as in schema/tables.sql */
enum { STORE_BUSY_MS = 10000 };             /* a checkpoint of a large WAL may hold the lock for seconds */

/* A prepared statement. What goes wrong while values are bound or read sticks to it, and its next statement_step or
 * statement_end tells it: a value that was lost must not pass for NULL. */
struct statement {
    struct store *store;
    enum statement_id id;
    sqlite3_stmt *handle; /* NULL: not prepared yet */
    int fault;            /* SQLite's code of what went wrong first; SQLITE_OK: nothing */
};

struct store {
    sqlite3 *db;
    char *path; /* absolute */
    struct statement statements[STATEMENT_COUNT];
    bool in_transaction; /* between store_begin, or store_begin_read, and the end of what it began */
};

/* --- errors ---------------------------------------------------------------------------------------------------------
 */

/* Sets *error from SQLite's result `code`. `doing` is the name of the statement. The one place that decides what busy,
 * locked, full, read-only and damaged mean. */
void store_error_set(const struct store *store, const char *doing, int code, GError **error);

/* --- statements -----------------------------------------------------------------------------------------------------
 */

/* The statement, prepared on first use and kept; reset. Borrowed until store_close. NULL with *error. */
struct statement *statement_get(struct store *store, enum statement_id id, GError **error);

enum step { STEP_ROW, STEP_DONE, STEP_FAILED };

/* One step. Anything but STEP_ROW is the statement's end; who stops at a row ends it with statement_end. */
enum step statement_step(struct statement *statement, GError **error);

/* Resets a statement that stands at a row. False with *error when a value of the row was lost, or when SQLite could not
 * finish what the statement had begun. */
bool statement_end(struct statement *statement, GError **error);

/* Runs a statement whose rows, if it gives any, do not matter. */
bool statement_run(struct statement *statement, GError **error);

/* The first column of the only row; `otherwise` when there is no row or it is NULL. False with *error. */
bool statement_int(struct statement *statement, int64_t otherwise, int64_t *value, GError **error);

/* Runs SQL that gives no rows; `doing` is its name. */
bool store_execute(struct store *store, const char *sql, const char *doing, GError **error);

/* Binding; the bytes are borrowed until the statement has run. NULL text is NULL. */
void bind_int(struct statement *statement, int index, int64_t value);
void bind_int_or_null(struct statement *statement, int index, int64_t value); /* 0 is NULL */
void bind_text(struct statement *statement, int index, const char *text);
void bind_bytes(struct statement *statement, int index, const char *text, size_t length);
void bind_blob(struct statement *statement, int index, const void *bytes, size_t length);

/* Reading the row; the bytes are borrowed until the statement's next step or end. NULL is NULL (and 0), and *length,
 * where it is wanted, its length. */
int64_t column_int(const struct statement *statement, int column);
const char *column_text(struct statement *statement, int column, size_t *length);
const void *column_blob(struct statement *statement, int column, size_t *length);

/* --- bodies
 * ---------------------------------------------------------------------------------------------------- */

/* The first 128 bits of SHA-256, by which a body is known again. */
static inline void content_hash_of(const void *bytes, size_t length, uint8_t hash[HASH_KEY_BYTES])
{
    uint8_t digest[HASH_SHA256_BYTES];
    hash_sha256(bytes, length, digest);
    memcpy(hash, digest, HASH_KEY_BYTES);
}

/* --- transactions
 * ------------------------------------------------------------------------------------------------------ */

/* Takes the write lock, waiting at most STORE_BUSY_MS. */
bool store_begin(struct store *store, GError **error);

/* What is read from here to store_commit or store_rollback is of one moment. Keep it short: the write-ahead log grows
 * as long as a reader holds on to it. */
bool store_begin_read(struct store *store, GError **error);

/* Commits; when that fails, rolls back. */
bool store_commit(struct store *store, GError **error);

/* Undoes everything since store_begin. A transaction that SQLite has already undone is left alone; one that cannot be
 * undone now is undone before the next statement. */
void store_rollback(struct store *store);

/* --- looking -----------------------------------------------------------------------------------------------------
 */

/* True when a database of ours lies at `path`, or may be made there where `mode` allows it. Touches nothing. */
bool store_look(const char *path, enum store_mode mode, GError **error);

/* --- migrations
 * -------------------------------------------------------------------------------------------------------- */

/* The user_version that this program writes. */
int store_schema_version(void);

/* Brings the database up to store_schema_version, each migration in a transaction of its own. */
bool store_migrate(struct store *store, GError **error);

/* --- event ids
 * --------------------------------------------------------------------------------------------------------- */

enum { EVENT_ID_PER_SECOND = 1 << 20 };

/* The first id of a second; saturates far outside of any calendar. */
static inline int64_t event_id_first(int64_t second)
{
    int64_t most = INT64_MAX / EVENT_ID_PER_SECOND;
    return second > most ? INT64_MAX : second < -most ? INT64_MIN : second * EVENT_ID_PER_SECOND;
}

/* The second an id belongs to. */
static inline int64_t event_id_second(int64_t id)
{
    int64_t quotient = id / EVENT_ID_PER_SECOND;
    return id % EVENT_ID_PER_SECOND < 0 ? quotient - 1 : quotient;
}

#endif
