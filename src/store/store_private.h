/* What the files of this room share: the connection, its statements, its errors. */
#ifndef M365KEEP_STORE_PRIVATE_H
#define M365KEEP_STORE_PRIVATE_H

#include <sqlite3.h>
#include <string.h>

#include "store/statements.h"
#include "store/store.h"

enum { STORE_APPLICATION_ID = 0x4d333635 }; /* "M365"; the same number as in schema/tables.sql */
enum { STORE_BUSY_MS = 10000 };             /* a checkpoint of a large WAL may hold the lock for seconds */
enum { STORE_LOG_WAIT_MS = 5000 };          /* what a transaction waits for readers when the log is large */
enum { STORE_LOG_CUT_MS = 1000 };           /* how long it is tried to cut the log off to nothing */
enum { STORE_CHECKPOINT_PAGES = 4000 };     /* in the log, when a commit copies them; open.c's pragma says the same */

/* A prepared statement. What goes wrong while values are bound or read sticks to it, and its next statement_step or
 * statement_end tells it: a value that was lost must not pass for NULL. */
struct statement {
    struct store *store;
    enum statement_id id;
    sqlite3_stmt *handle; /* NULL: not prepared yet */
    int fault;            /* SQLite's code of what went wrong first; SQLITE_OK: nothing */
};

/* A wait for somebody else: for a lock, or for a reader to let go of the log (wait.c). */
enum wait_end {
    WAIT_IMPATIENT,   /* it took too long */
    WAIT_STOPPED,     /* the watch said so */
    WAIT_INTERRUPTED, /* store_interrupt */
};

struct wait {
    const struct store_watch *watch; /* of all waits, borrowed; NULL: nobody looks */
    int64_t busy_us;                 /* how long a lock is waited for */
    bool never;                      /* a lock that is held is not waited for at all */
    gint interrupts;                 /* atomic: how often store_interrupt was called */
    /* The wait under way, or the last one. */
    const char *doing;
    int64_t began_us, patient_us, asked_us; /* patient_us: since when patience runs */
    int interrupts_before;
    enum wait_end end;
    char *whom; /* NULL: nobody was told of it */
};

/* Bounds of the write-ahead log, in bytes, and of the wait for those who keep it from starting over (wal.c). */
struct wal {
    int64_t goal, most, wait_us;
    int64_t cut_us; /* how long it is tried to cut it off */
    char *whom;     /* who kept it last, as was told; NULL: nobody was told, or it is over */
};

struct store {
    sqlite3 *db;
    char *path; /* absolute */
    struct statement statements[STATEMENT_COUNT];
    bool in_transaction; /* between store_begin, or store_begin_read, and the end of what it began */
    struct wait wait;
    struct wal wal;
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

/* Takes the write lock, waiting at most STORE_BUSY_MS, unless another process holds STORE_LOCK_MAINTENANCE. */
bool store_begin(struct store *store, GError **error);

/* What is read from here to store_commit or store_rollback is of one moment. Keep it short: the write-ahead log grows
 * as long as a reader holds on to it. */
bool store_begin_read(struct store *store, GError **error);

/* Commits; when that fails, rolls back. */
bool store_commit(struct store *store, GError **error);

/* Undoes everything since store_begin. A transaction that SQLite has already undone is left alone; one that cannot be
 * undone now is undone before the next statement. */
void store_rollback(struct store *store);

/* --- waiting for others ----------------------------------------------------------------------------------------------
 */

/* Waits go by this connection's `wait` from now on. */
int wait_init(struct store *store);
void wait_clear(struct store *store);

/* A wait begins; `doing` is static, for the watch. */
void wait_begin(struct store *store, const char *doing);

/* Pauses for some milliseconds. False, with `end` told, when the wait is not to go on: store_interrupt or the watch
 * ended it, or it takes longer than `most_us`. The watch is asked after a quarter of a second, and then 20 times a
 * second: what takes less is no wait that anybody has to be told of. */
bool wait_goes_on(struct store *store, int64_t most_us);

/* The lock that was waited for came; says so in the log, if it had told. Does nothing where nothing was waited for. */
void wait_over(struct store *store);

/* --- the write-ahead log ---------------------------------------------------------------------------------------------
 */

/* The log's bounds are the room's own. */
void wal_init(struct store *store);
void wal_clear(struct store *store);

/* Bytes of the log on disk. */
int64_t wal_bytes(const struct store *store);

/* Called before a transaction that writes much: where the log is larger than its goal, makes it start over, and waits
 * for readers a little. False with STORE_ERROR_LOG, naming them, when it is larger than may be; with
 * STORE_ERROR_STOPPED or STORE_ERROR_LIMIT when the wait was ended. */
bool wal_make_room(struct store *store, GError **error);

/* --- who holds SQLite's locks ----------------------------------------------------------------------------------------
 */

enum holders_of {
    HOLDERS_WRITING, /* who is in a transaction that writes */
    HOLDERS_READING, /* who is in one that reads */
    HOLDERS_OPEN,    /* who has the database open at all */
};

/* "process 123 (sqlite3)", or several; NULL when this machine shows nobody. `path` is the database's own, no link to
 * it (sqlite3_db_filename). Returned: g_free. */
char *holders_name(const char *path, enum holders_of what);

/* Who of another process holds a lock of ours: "process 123"; NULL: nobody, or this process. Returned: g_free. */
char *lock_other_holder(const char *path, enum store_lock_kind kind);

/* --- looking -----------------------------------------------------------------------------------------------------
 */

/* True when a database of ours lies at `path`, or may be made there where `mode` allows it. Touches nothing. */
bool store_look(const char *path, enum store_mode mode, GError **error);

/* --- connecting ------------------------------------------------------------------------------------------------------
 */

/* A connection to the file `name`, whatever it holds; `path` is what messages call it. Returned: store_close. NULL with
 * *error. */
struct store *store_connect(const char *name, const char *path, int flags, GError **error);

/* Likewise, to read a file that nobody changes meanwhile and that has no log: nothing is made beside it. */
struct store *store_connect_alone(const char *name, const char *path, GError **error);

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
