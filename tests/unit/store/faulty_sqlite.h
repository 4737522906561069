/* faulty_sqlite - SQLite's functions, failing on demand. The linker puts these in the place of those that the room
 * calls
 * (--wrap, tests/CMakeLists.txt). What SQLite calls inside itself is not touched, and neither are functions that only
 * tell or release. */
#ifndef M365KEEP_TEST_STORE_FAULTY_SQLITE_H
#define M365KEEP_TEST_STORE_FAULTY_SQLITE_H

#include <glib.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include "fault_points.h"

enum call_manner {
    CALL_FAILS,      /* does nothing, and says so */
    CALL_FAILS_LATE, /* does it, and says that it failed */
    CALL_DIES,       /* does nothing, and so does every call after it */
    CALL_UNPREPARED, /* only calls that prepare statements count and fail; otherwise these do neither */
};

static const char *const call_manner_names[] = {[CALL_FAILS] = "it fails",
                                                [CALL_FAILS_LATE] = "it fails after the fact",
                                                [CALL_DIES] = "it fails, and so do all that follow",
                                                [CALL_UNPREPARED] = "a statement cannot be prepared"};

static struct {
    bool armed, cold; /* cold: statements are prepared anew in each run, so that these calls count as the others do */
    enum call_manner manner;
    int code; /* what the failing call answers */
    unsigned calls, fail_at;
    const char *failed; /* the function that did, first; NULL: none */
} calls;

/* Makes the call number `fail_at` from now on fail; 0: none, calls are only counted. */
static void calls_arm(unsigned fail_at, int code, enum call_manner manner, bool cold)
{
    calls.armed = true;
    calls.cold = cold;
    calls.manner = manner;
    calls.code = code;
    calls.calls = 0;
    calls.fail_at = fail_at;
    calls.failed = NULL;
}

static void calls_disarm(void)
{
    calls.armed = false;
}

static bool call_fails(const char *function)
{
    bool prepares = strcmp(function, "sqlite3_prepare_v3") == 0;
    if (!calls.armed || (!calls.cold && prepares != (calls.manner == CALL_UNPREPARED)))
        return false;
    point_note(function);
    calls.calls++;
    if (calls.calls != calls.fail_at && !(calls.manner == CALL_DIES && calls.failed))
        return false;
    if (!calls.failed)
        calls.failed = function;
    return true;
}

/* A function that answers a result code. */
#define WRAP_CODE(name, parameters, arguments)                                                                         \
    int __real_##name parameters;                                                                                      \
    int __wrap_##name parameters;                                                                                      \
    int __wrap_##name parameters                                                                                       \
    {                                                                                                                  \
        if (!call_fails(#name))                                                                                        \
            return __real_##name arguments;                                                                            \
        if (calls.manner == CALL_FAILS_LATE)                                                                           \
            __real_##name arguments;                                                                                   \
        return calls.code;                                                                                             \
    }

WRAP_CODE(sqlite3_step, (sqlite3_stmt * statement), (statement))
WRAP_CODE(sqlite3_exec,
          (sqlite3 * db, const char *sql, int (*each)(void *, int, char **, char **), void *user, char **words),
          (db, sql, each, user, words))
WRAP_CODE(sqlite3_busy_handler, (sqlite3 * db, int (*handler)(void *, int), void *user), (db, handler, user))
WRAP_CODE(sqlite3_wal_checkpoint_v2, (sqlite3 * db, const char *name, int how, int *frames, int *done),
          (db, name, how, frames, done))
WRAP_CODE(sqlite3_backup_step, (sqlite3_backup * backup, int pages), (backup, pages))
WRAP_CODE(sqlite3_file_control, (sqlite3 * db, const char *name, int what, void *argument), (db, name, what, argument))
WRAP_CODE(sqlite3_bind_blob64,
          (sqlite3_stmt * statement, int index, const void *bytes, sqlite3_uint64 length, void (*done)(void *)),
          (statement, index, bytes, length, done))
WRAP_CODE(sqlite3_bind_int64, (sqlite3_stmt * statement, int index, sqlite3_int64 value), (statement, index, value))
WRAP_CODE(sqlite3_bind_null, (sqlite3_stmt * statement, int index), (statement, index))
WRAP_CODE(sqlite3_bind_text, (sqlite3_stmt * statement, int index, const char *text, int length, void (*done)(void *)),
          (statement, index, text, length, done))
WRAP_CODE(sqlite3_bind_text64,
          (sqlite3_stmt * statement, int index, const char *text, sqlite3_uint64 length, void (*done)(void *),
           unsigned char encoding),
          (statement, index, text, length, done, encoding))

/* A statement is reset even when that tells of a failure: "The sqlite3_reset() interface might also return an error
 * code if there were no prior errors but the process of resetting the prepared statement caused a new error". */
int __real_sqlite3_reset(sqlite3_stmt *statement);
int __wrap_sqlite3_reset(sqlite3_stmt *statement);
int __wrap_sqlite3_reset(sqlite3_stmt *statement)
{
    int code = __real_sqlite3_reset(statement);
    return call_fails("sqlite3_reset") ? calls.code : code;
}

/* With a failure there is a connection or not ("usually"). */
int __real_sqlite3_open_v2(const char *name, sqlite3 **db, int flags, const char *file_system);
int __wrap_sqlite3_open_v2(const char *name, sqlite3 **db, int flags, const char *file_system);
int __wrap_sqlite3_open_v2(const char *name, sqlite3 **db, int flags, const char *file_system)
{
    bool fails = call_fails("sqlite3_open_v2");
    *db = NULL;
    int code =
        fails && calls.manner != CALL_FAILS_LATE ? SQLITE_OK : __real_sqlite3_open_v2(name, db, flags, file_system);
    return fails ? calls.code : code;
}

/* With a failure there is no copying, and the words are those of the connection to. */
sqlite3_backup *__real_sqlite3_backup_init(sqlite3 *to, const char *to_name, sqlite3 *from, const char *from_name);
sqlite3_backup *__wrap_sqlite3_backup_init(sqlite3 *to, const char *to_name, sqlite3 *from, const char *from_name);
sqlite3_backup *__wrap_sqlite3_backup_init(sqlite3 *to, const char *to_name, sqlite3 *from, const char *from_name)
{
    return call_fails("sqlite3_backup_init") ? NULL : __real_sqlite3_backup_init(to, to_name, from, from_name);
}

/* Copying is over even when that tells of a failure. */
int __real_sqlite3_backup_finish(sqlite3_backup *backup);
int __wrap_sqlite3_backup_finish(sqlite3_backup *backup);
int __wrap_sqlite3_backup_finish(sqlite3_backup *backup)
{
    int code = __real_sqlite3_backup_finish(backup);
    return call_fails("sqlite3_backup_finish") ? calls.code : code;
}

/* With a failure there is no statement. */
int __real_sqlite3_prepare_v3(sqlite3 *db, const char *sql, int length, unsigned flags, sqlite3_stmt **statement,
                              const char **rest);
int __wrap_sqlite3_prepare_v3(sqlite3 *db, const char *sql, int length, unsigned flags, sqlite3_stmt **statement,
                              const char **rest);
int __wrap_sqlite3_prepare_v3(sqlite3 *db, const char *sql, int length, unsigned flags, sqlite3_stmt **statement,
                              const char **rest)
{
    *statement = NULL;
    return call_fails("sqlite3_prepare_v3") ? calls.code
                                            : __real_sqlite3_prepare_v3(db, sql, length, flags, statement, rest);
}

/* The settings that the room makes take an int and, where the answer goes, a pointer to one. */
int __real_sqlite3_db_config(sqlite3 *db, int what, ...);
int __wrap_sqlite3_db_config(sqlite3 *db, int what, ...);
int __wrap_sqlite3_db_config(sqlite3 *db, int what, ...)
{
    va_list arguments;
    va_start(arguments, what);
    int value = va_arg(arguments, int);
    int *answer = va_arg(arguments, int *);
    va_end(arguments);
    return call_fails("sqlite3_db_config") ? calls.code : __real_sqlite3_db_config(db, what, value, answer);
}

/* A value that cannot be had: NULL, where the column is not. */
const unsigned char *__real_sqlite3_column_text(sqlite3_stmt *statement, int column);
const unsigned char *__wrap_sqlite3_column_text(sqlite3_stmt *statement, int column);
const unsigned char *__wrap_sqlite3_column_text(sqlite3_stmt *statement, int column)
{
    return call_fails("sqlite3_column_text") ? NULL : __real_sqlite3_column_text(statement, column);
}

const void *__real_sqlite3_column_blob(sqlite3_stmt *statement, int column);
const void *__wrap_sqlite3_column_blob(sqlite3_stmt *statement, int column);
const void *__wrap_sqlite3_column_blob(sqlite3_stmt *statement, int column)
{
    return call_fails("sqlite3_column_blob") ? NULL : __real_sqlite3_column_blob(statement, column);
}

#endif
