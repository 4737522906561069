#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "store/place.h"
#include "store/store_private.h"

/* --- looking at the file before SQLite does --------------------------------------------------------------------------
 *
 * SQLite would make files beside a foreign database, or roll back another program's journal, before we could tell whose
 * it is. The first 100 bytes say it (SQLite database file format, section 1.3: the database header). */

enum { HEADER_BYTES = 100, HEADER_USER_VERSION = 60, HEADER_APPLICATION_ID = 68 };

enum presence { PRESENT, EMPTY, ABSENT, UNUSABLE };

static uint32_t big_endian(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static bool check_version(const char *path, int64_t version, enum store_mode mode, GError **error)
{
    if (version > store_schema_version()) {
        g_set_error(error, STORE_ERROR, STORE_ERROR_NEWER,
                    "%s was written by a newer m365keep (schema %d, this program knows %d): use that program", path,
                    (int)version, store_schema_version());
        return false;
    }
    if (version < store_schema_version() && mode == STORE_READ) {
        g_set_error(
            error, STORE_ERROR, STORE_ERROR_OLDER,
            "%s was written by an older m365keep (schema %d, this program needs %d): collect brings it up to date",
            path, (int)version, store_schema_version());
        return false;
    }
    return true;
}

/* On a medium, or in a folder, where nobody here may write. */
static bool is_read_only(const char *path)
{
    g_autofree char *folder = g_path_get_dirname(path);
    return euidaccess(path, W_OK) != 0 || euidaccess(folder, W_OK | X_OK) != 0;
}

/* True when a write-ahead log beside the database may say otherwise than its first page. */
static bool has_log(const char *path)
{
    g_autofree char *log = g_strconcat(path, "-wal", NULL);
    struct stat status;
    return stat(log, &status) == 0 && status.st_size > 0;
}

static enum presence look_at_header(const char *path, const uint8_t *header, size_t length, enum store_mode mode,
                                    GError **error)
{
    static const char magic[] = "SQLite format 3";
    if (place_is_note(header, length)) {
        g_set_error(
            error, STORE_ERROR, STORE_ERROR_FOREIGN,
            "the restoring of %s was cut short: run it again (m365keep maintain restore FILE --force); the file "
            "says where the database lies that was to be replaced",
            path);
        return UNUSABLE;
    }
    if (length < HEADER_BYTES || memcmp(header, magic, sizeof magic) != 0) {
        g_set_error(error, STORE_ERROR, STORE_ERROR_FOREIGN,
                    "%s is not an SQLite database: give another path, or move the file away", path);
        return UNUSABLE;
    }
    uint32_t application = big_endian(header + HEADER_APPLICATION_ID);
    if (application != STORE_APPLICATION_ID) {
        g_set_error(
            error, STORE_ERROR, STORE_ERROR_FOREIGN,
            "%s is an SQLite database of another program (application id 0x%08x, not 0x%08x): give another path", path,
            application, (unsigned)STORE_APPLICATION_ID);
        return UNUSABLE;
    }
    uint32_t version = big_endian(header + HEADER_USER_VERSION);
    bool copied = mode == STORE_READ && is_read_only(path); /* where it is older: see open_copy */
    return has_log(path) || copied || check_version(path, version, mode, error) ? PRESENT : UNUSABLE;
}

/* The first bytes of a file, as many as there are; -1 with *error. By way of SQLite: when a descriptor of ours is
 * closed, all locks end that this process holds on the file (fcntl(2)), those of its other connections too, and the
 * next program to close the database would take their write-ahead log away. SQLite knows when a descriptor may be
 * closed. */
static int64_t read_beginning(const char *path, uint8_t *bytes, int length, GError **error)
{
    sqlite3 *db = NULL;
    sqlite3_file *file = NULL;
    sqlite3_int64 size = -1;
    int code = sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &file);
    if (code == SQLITE_OK)
        code = file->pMethods->xFileSize(file, &size);
    if (code == SQLITE_OK && size > 0)
        code = file->pMethods->xRead(file, bytes, (int)MIN(size, length), 0);
    if (code != SQLITE_OK) {
        g_set_error(error, STORE_ERROR, STORE_ERROR_FAILED, "cannot read %s: %s", path, sqlite3_errstr(code));
        size = -1;
    }
    sqlite3_close(db);
    return MIN(size, length);
}

static enum presence read_header(const char *path, enum store_mode mode, GError **error)
{
    if (euidaccess(path, R_OK) != 0) {
        g_set_error(error, STORE_ERROR, STORE_ERROR_READ_ONLY, "cannot read %s: %s", path, g_strerror(errno));
        return UNUSABLE;
    }
    uint8_t header[HEADER_BYTES] = {0};
    int64_t length = read_beginning(path, header, sizeof header, error);
    if (length < 0)
        return UNUSABLE;
    return length == 0 ? EMPTY : look_at_header(path, header, (size_t)length, mode, error);
}

/* What to say, and do, where there is no file. */
static enum presence look_at_absence(const char *path, const char *folder, enum store_mode mode, GError **error)
{
    if (!g_file_test(folder, G_FILE_TEST_IS_DIR)) {
        g_set_error(error, STORE_ERROR, STORE_ERROR_NOT_FOUND,
                    "there is no folder %s for the database: make it, or give another path", folder);
        return UNUSABLE;
    }
    if (mode == STORE_CREATE && has_log(path)) { /* SQLite would take it for the new database's own */
        g_set_error(error, STORE_ERROR, STORE_ERROR_FOREIGN,
                    "there is the log %s-wal of a database, but not the database: restore a backup (m365keep maintain "
                    "restore FILE --force), or move the log away",
                    path);
        return UNUSABLE;
    }
    if (mode == STORE_CREATE)
        return ABSENT;
    g_set_error(error, STORE_ERROR, STORE_ERROR_NOT_FOUND,
                "there is no database at %s: collect makes it, or give its path", path);
    return UNUSABLE;
}

static enum presence look_at_file(const char *path, const char *folder, enum store_mode mode, GError **error)
{
    struct stat status;
    if (stat(path, &status) != 0) {
        int cause = errno;
        if (cause == ENOENT || cause == ENOTDIR)
            return look_at_absence(path, folder, mode, error);
        g_set_error(error, STORE_ERROR, STORE_ERROR_READ_ONLY, "cannot reach %s: %s", path, g_strerror(cause));
        return UNUSABLE;
    }
    if (!S_ISREG(status.st_mode)) {
        g_set_error(error, STORE_ERROR, STORE_ERROR_FOREIGN, "%s is %s, not a database: give the path of a file", path,
                    S_ISDIR(status.st_mode) ? "a folder" : "no regular file");
        return UNUSABLE;
    }
    enum presence presence = read_header(path, mode, error);
    if (presence == EMPTY && mode != STORE_CREATE) {
        g_set_error(error, STORE_ERROR, STORE_ERROR_NOT_FOUND,
                    "%s is an empty file: collect makes a database of it, or give another path", path);
        return UNUSABLE;
    }
    return presence;
}

bool store_look(const char *path, enum store_mode mode, GError **error)
{
    g_autofree char *absolute = g_canonicalize_filename(path, NULL);
    g_autofree char *folder = g_path_get_dirname(absolute);
    return look_at_file(absolute, folder, mode, error) != UNUSABLE;
}

static bool may_write(const char *path, int how, const char *what, GError **error)
{
    if (euidaccess(path, how) == 0)
        return true;
    g_set_error(error, STORE_ERROR, STORE_ERROR_READ_ONLY, "%s %s cannot be written: %s; nothing was changed", what,
                path, g_strerror(errno));
    return false;
}

/* --- connections -----------------------------------------------------------------------------------------------------
 */

/* The views need trusted_schema: JSON functions and FTS5 count as untrusted in views before SQLite 3.41. What a strange
 * file could do with it is shut otherwise: no triggers, no functions of ours, no writing of shadow tables. */
static bool configure(struct store *store, GError **error)
{
    static const struct {
        int what, value;
    } settings[] = {{SQLITE_DBCONFIG_DEFENSIVE, 1},
                    {SQLITE_DBCONFIG_ENABLE_TRIGGER, 0},
                    {SQLITE_DBCONFIG_DQS_DDL, 0},
                    {SQLITE_DBCONFIG_DQS_DML, 0}};
    int code = wait_init(store);
    wal_init(store);
    for (size_t i = 0; code == SQLITE_OK && i < G_N_ELEMENTS(settings); i++)
        code = sqlite3_db_config(store->db, settings[i].what, settings[i].value, NULL);
    if (code != SQLITE_OK) {
        store_error_set(store, "configure", code, error);
        return false;
    }
    return store_execute(store,
                         "PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL; PRAGMA cache_size = -16000;"
                         "PRAGMA wal_autocheckpoint = 4000; PRAGMA journal_size_limit = 67108864;"
                         "PRAGMA temp_store = MEMORY;",
                         "pragmas", error);
}

static bool connect_plainly(struct store *store, const char *name, int flags, GError **error)
{
    /* SQLite counts every allocation under one mutex, for statistics that nobody reads here: a few percent of all
     * writing. Refused, and no matter, once SQLite has begun. */
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    int code = sqlite3_open_v2(name, &store->db, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
    if (code != SQLITE_OK)
        store_error_set(store, "open", code, error);
    return code == SQLITE_OK;
}

static bool connect_to(struct store *store, const char *name, int flags, GError **error)
{
    return connect_plainly(store, name, flags, error) && configure(store, error);
}

struct store *store_connect(const char *name, const char *path, int flags, GError **error)
{
    struct store *store = g_new0(struct store, 1);
    store->path = g_strdup(path);
    if (connect_to(store, name, flags, error))
        return store;
    store_close(store);
    return NULL;
}

struct store *store_connect_alone(const char *name, const char *path, GError **error)
{
    g_autofree char *uri = g_filename_to_uri(name, NULL, error);
    g_autofree char *immutable = uri ? g_strconcat(uri, "?immutable=1", NULL) : NULL;
    return uri ? store_connect(immutable, path, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, error) : NULL;
}

/* SQLite answers with the mode it is in, and no error, when it cannot change. */
static bool use_wal(struct store *store, GError **error)
{
    struct statement *statement = statement_get(store, STATEMENT_USE_WAL, error);
    enum step step = statement ? statement_step(statement, error) : STEP_FAILED;
    g_autofree char *mode = step == STEP_ROW ? g_strdup(column_text(statement, 0, NULL)) : NULL;
    if (step == STEP_FAILED || (step == STEP_ROW && !statement_end(statement, error)))
        return false;
    if (g_strcmp0(mode, "wal") == 0)
        return true;
    g_set_error(error, STORE_ERROR, STORE_ERROR_FAILED,
                "%s cannot be switched to write-ahead logging (it stays in mode %s): put it on a local file system",
                store->path, mode ? mode : "unknown");
    return false;
}

/* Both pragmas only count before anything is created; the transaction of the first migration then writes the first
 * page. */
static bool build(struct store *store, GError **error)
{
    return store_execute(store, "PRAGMA page_size = 16384; PRAGMA auto_vacuum = INCREMENTAL", "pragmas", error) &&
           store_migrate(store, error) && use_wal(store, error);
}

/* --- making a new database -------------------------------------------------------------------------------------------
 */

/* Gives the finished file its name, unless another program was quicker: then its database is as good. */
static bool publish(const char *made, const char *path, const char *folder, GError **error)
{
    if (!place_name(made, path) && errno != EEXIST) {
        g_set_error(error, STORE_ERROR, STORE_ERROR_FAILED, "cannot name the new database %s: %s", path,
                    g_strerror(errno));
        return false;
    }
    place_sync(folder);
    return true;
}

/* A database appears whole or not at all: it is built under another name first. */
static bool create(const char *path, const char *folder, GError **error)
{
    g_autofree char *made = g_strconcat(path, ".new-XXXXXX", NULL);
    int fd = mkostemp(made, O_CLOEXEC); /* mode 0600, which SQLite gives to -wal and -shm too */
    if (fd < 0) {
        int cause = errno;
        g_set_error(error, STORE_ERROR, cause == ENOSPC || cause == EDQUOT ? STORE_ERROR_FULL : STORE_ERROR_READ_ONLY,
                    "cannot make a database in %s: %s", folder, g_strerror(cause));
        return false;
    }
    close(fd);

    struct store *store = store_connect(made, path, SQLITE_OPEN_READWRITE, error);
    bool built = store && build(store, error);
    store_close(store);
    bool published = built && publish(made, path, folder, error);
    place_remove(made);
    return published;
}

/* --- opening
 * ---------------------------------------------------------------------------------------------------------- */

/* On a file system that nobody can write nobody changes the database either, and SQLite may do without locks and
 * without its -shm file. What a write-ahead log beside it holds is part of the database: it keeps the index of the log
 * in memory then, which it does for a connection that has the file to itself. */
static bool connect_to_medium(struct store *store, GError **error)
{
    bool log = has_log(store->path);
    g_autofree char *uri = g_filename_to_uri(store->path, NULL, error);
    g_autofree char *alone = uri ? g_strconcat(uri, log ? "?vfs=unix-none" : "?immutable=1", NULL) : NULL;
    return uri && connect_plainly(store, alone, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, error) &&
           (!log || store_execute(store, "PRAGMA locking_mode = EXCLUSIVE", "pragmas", error)) &&
           configure(store, error);
}

/* Reading a database in WAL mode needs its -shm file, which SQLite makes. */
static bool connect_to_read(struct store *store, const char *folder, GError **error)
{
    g_autofree char *shm = g_strconcat(store->path, "-shm", NULL);
    if (euidaccess(folder, W_OK | X_OK) == 0 || g_file_test(shm, G_FILE_TEST_EXISTS))
        return connect_to(store, store->path, SQLITE_OPEN_READONLY, error);

    struct statvfs status;
    if (statvfs(folder, &status) == 0 && status.f_flag & ST_RDONLY)
        return connect_to_medium(store, error);
    g_set_error(
        error, STORE_ERROR, STORE_ERROR_READ_ONLY,
        "%s cannot be read from here: SQLite keeps %s beside it, and the folder cannot be written; run as the owner of "
        "the folder, or copy the database",
        store->path, shm);
    return false;
}

static bool connect_to_write(struct store *store, const char *folder, GError **error)
{
    return may_write(folder, W_OK | X_OK, "the folder", error) && may_write(store->path, W_OK, "the file", error) &&
           connect_to(store, store->path, SQLITE_OPEN_READWRITE, error);
}

/* What the file said may be older than what its log holds. */
static bool version_in_use(struct store *store, enum store_mode mode, int64_t *version, GError **error)
{
    struct statement *statement = statement_get(store, STATEMENT_USER_VERSION, error);
    return statement && statement_int(statement, 0, version, error) &&
           check_version(store->path, *version, mode, error);
}

/* --- an older database that cannot be written ------------------------------------------------------------------------
 */

enum { COPY_BYTES_MOST = 256 * 1024 * 1024 }; /* what a search may copy each time: half a second's work */

/* Copies what `from` shows into the database of `to`, which is empty. */
static bool copy_into(sqlite3 *from, const struct store *to, GError **error)
{
    sqlite3_backup *backup = sqlite3_backup_init(to->db, "main", from, "main");
    if (backup)
        sqlite3_backup_step(backup, -1);
    int code = backup ? sqlite3_backup_finish(backup) : sqlite3_extended_errcode(to->db);
    if (code != SQLITE_OK)
        store_error_set(to, "copy", code, error);
    return code == SQLITE_OK;
}

static void close_statements(struct store *store)
{
    for (int i = 0; i < STATEMENT_COUNT; i++) {
        sqlite3_finalize(store->statements[i].handle);
        store->statements[i].handle = NULL;
    }
}

static bool is_small(struct store *store, int64_t version, GError **error)
{
    struct statement *statement = statement_get(store, STATEMENT_STATUS_FILE, error);
    int64_t bytes;
    if (!statement || !statement_int(statement, 0, &bytes, error))
        return false;
    if (bytes <= COPY_BYTES_MOST)
        return true;
    g_set_error(
        error, STORE_ERROR, STORE_ERROR_OLDER,
        "%s was written by an older m365keep (schema %d, this program needs %d), and cannot be written where it "
        "is, to be brought up to date: copy it to a folder that can be, run m365keep maintain verify --db on the "
        "copy, and use that",
        store->path, (int)version, store_schema_version());
    return false;
}

/* A temporary copy is brought up to date in the database's place: SQLite's own file, which nobody else can open, and
 * which is gone when it is closed. */
static bool open_copy(struct store *store, int64_t version, GError **error)
{
    if (!is_small(store, version, error))
        return false;
    close_statements(store);
    sqlite3 *from = g_steal_pointer(&store->db);
    bool copied =
        connect_to(store, "", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, error) && copy_into(from, store, error);
    sqlite3_close(from);
    return copied && store_execute(store, "PRAGMA synchronous = OFF", "pragmas", error) &&
           store_migrate(store, error) && store_execute(store, "PRAGMA query_only = ON", "pragmas", error);
}

/* Between SQLite's opening the file and its first lock on it another may have been put in its place (place.c): the log
 * found by its name would be that one's. From the first statement on the lock keeps who would do so off. */
static bool is_in_place(struct store *store, GError **error)
{
    int moved = 0;
    int code = sqlite3_file_control(store->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
    if (code != SQLITE_OK)
        store_error_set(store, "place", code, error);
    else if (moved)
        g_set_error(error, STORE_ERROR, STORE_ERROR_BUSY,
                    "another database was put in the place of %s while it was opened: run again; nothing was changed",
                    store->path);
    return code == SQLITE_OK && !moved;
}

static bool open_present(struct store *store, const char *folder, enum store_mode mode, enum presence presence,
                         GError **error)
{
    bool reads = mode == STORE_READ || mode == STORE_COPY;
    bool connected = reads ? connect_to_read(store, folder, error) : connect_to_write(store, folder, error);
    int64_t version = 0;
    g_autoptr(GError) cause = NULL;
    if (!connected)
        return false;
    if (!version_in_use(store, mode, &version, &cause)) {
        if (g_error_matches(cause, STORE_ERROR, STORE_ERROR_OLDER) && is_read_only(store->path))
            return open_copy(store, version, error);
        g_propagate_error(error, g_steal_pointer(&cause));
        return false;
    }
    if (!is_in_place(store, error))
        return false;
    if (reads)
        return true;
    return presence == EMPTY ? build(store, error) : use_wal(store, error) && store_migrate(store, error);
}

struct store *store_open(const char *path, enum store_mode mode, GError **error)
{
    struct store *store = g_new0(struct store, 1);
    store->path = g_canonicalize_filename(path, NULL);
    g_autofree char *folder = g_path_get_dirname(store->path);

    enum presence presence = look_at_file(store->path, folder, mode, error);
    if (presence == UNUSABLE || (presence == ABSENT && !create(store->path, folder, error)) ||
        !open_present(store, folder, mode, presence, error)) {
        store_close(store);
        return NULL;
    }
    return store;
}

void store_close(struct store *store)
{
    if (!store)
        return;
    for (int i = 0; i < STATEMENT_COUNT; i++)
        sqlite3_finalize(store->statements[i].handle);
    sqlite3_close(store->db);
    wait_clear(store);
    wal_clear(store);
    g_free(store->path);
    g_free(store);
}
