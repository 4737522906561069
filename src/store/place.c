/* The order in which one database takes another's place. Whoever is killed between two of these calls leaves what
 * stands in brackets:
 *
 *   The new database is made under a name of its own: complete, checked, on disk, without a log.     [the old one]
 *   All bytes of the old file that SQLite locks are locked: nobody has it open, or can open it now.  [the old one]
 *
 * Where the old one has no log (it was closed by its last user):
 *   A -shm and an empty -wal, which hold nothing, are removed.                                       [the old one]
 *   The new file is renamed to its place.                                                            [the new one]
 *
 * Where it has one (its last user was killed), no single call can exchange two files:
 *   1. Database and log get second names, links: PATH.old-XXXXXXXX, PATH.old-XXXXXXXX-wal.           [the old one]
 *   2. A note is renamed to the place: a text, no database. It says to run restore again, and where
 *      the old database is.                                                                          [the note]
 *   3. The first names of the log and of -shm are removed.                                           [the note]
 *   4. The new file is renamed to its place.                                                         [the new one]
 *   5. The old database's second names are removed.                  [the new one, and the old one as PATH.old-...]
 *
 * Restoring over a note begins with step 3. A call that fails is no reason to leave a note: what was done is undone, in
 * the opposite order; unless a second call fails there: then note and second names stay. What is left after step 4 is
 * named by whoever maintains the database next (place_tell_left), and left alone: where somebody removed the note by
 * hand, it is all there is of what was collected. The folder is synced after each step, so that a power cut finds no
 * other order. */
#include "store/place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/base.h"
#include "store/store_private.h"

static const char note_begins[] = "m365keep restore\n";

enum { NOTE_MOST = 8192 };

/* What SQLite keeps beside a database. Without the first two some of what was committed may be missing. */
static const char *const logs[] = {"-wal", "-journal"};
static const char shared_memory[] = "-shm";

/* --- files -----------------------------------------------------------------------------------------------------------
 */

static int code_of(int cause)
{
    return cause == ENOSPC || cause == EDQUOT                    ? STORE_ERROR_FULL
           : cause == EACCES || cause == EPERM || cause == EROFS ? STORE_ERROR_READ_ONLY
                                                                 : STORE_ERROR_FAILED;
}

/* Sets *error from errno; always false. */
static bool failed(const char *what, const char *path, GError **error)
{
    int cause = errno;
    g_set_error(error, STORE_ERROR, code_of(cause), "cannot %s %s: %s", what, path, g_strerror(cause));
    return false;
}

bool place_name(const char *made, const char *path)
{
    int result = renameat2(AT_FDCWD, made, AT_FDCWD, path, RENAME_NOREPLACE);
    if (result != 0 && (errno == EINVAL || errno == ENOSYS)) /* a file system without that flag */
        result = link(made, path);
    return result == 0;
}

void place_sync(const char *folder)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return;
    fsync(fd);
    close(fd);
}

static void remove_beside(const char *path, const char *suffix)
{
    g_autofree char *file = g_strconcat(path, suffix, NULL);
    unlink(file);
}

void place_remove(const char *path)
{
    for (size_t i = 0; i < G_N_ELEMENTS(logs); i++)
        remove_beside(path, logs[i]);
    remove_beside(path, shared_memory);
    unlink(path);
}

bool place_is_same(const char *a, const char *b)
{
    struct stat first, second;
    return stat(a, &first) == 0 && stat(b, &second) == 0 && first.st_dev == second.st_dev &&
           first.st_ino == second.st_ino;
}

/* The first log beside the path that holds anything. Returned: g_free. NULL: there is none. */
static char *log_beside(const char *path)
{
    for (size_t i = 0; i < G_N_ELEMENTS(logs); i++) {
        g_autofree char *log = g_strconcat(path, logs[i], NULL);
        struct stat status;
        if (stat(log, &status) == 0 && status.st_size > 0)
            return g_steal_pointer(&log);
    }
    return NULL;
}

/* --- whether anybody has it open -------------------------------------------------------------------------------------
 *
 * Whoever has a database in write-ahead logging open holds a lock on some of these bytes of it (SQLite, os_unix.c:
 * PENDING_BYTE, RESERVED_BYTE, SHARED_FIRST, SHARED_SIZE). The locks asked for here belong to the open file, not to the
 * process: so they meet those of this process, too. */

enum { LOCKS_FIRST = 0x40000000, LOCKS_LENGTH = 512 };

static const struct flock all_locks = {
    .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = LOCKS_FIRST, .l_len = LOCKS_LENGTH};

/* "process 123 (m365keep)". Returned: g_free. */
static char *name_of(pid_t pid)
{
    if (pid <= 0) /* in a container of its own, or on another machine */
        return g_strdup("another process");
    g_autofree char *path = g_strdup_printf("/proc/%ld/comm", (long)pid);
    g_autofree char *name = NULL;
    if (!g_file_get_contents(path, &name, NULL, NULL))
        return g_strdup_printf("process %ld", (long)pid);
    return g_strdup_printf("process %ld (%s)", (long)pid, g_strstrip(name));
}

/* Who holds a lock on the open file, -1 for one that this machine cannot name; 0: nobody. */
static pid_t holder(int fd)
{
    struct flock other = all_locks;
    if (fcntl(fd, F_OFD_GETLK, &other) != 0)
        return -1;
    return other.l_type == F_UNLCK ? 0 : other.l_pid > 0 ? other.l_pid : -1;
}

/* Closes a file that this one holds, unless that is this process: all locks it has on the file would end with the first
 * descriptor that is closed (fcntl(2)), under the feet of whoever relies on them. */
static void close_held(int fd, pid_t pid)
{
    if (pid != getpid())
        close(fd);
}

bool place_is_quiet(const char *path)
{
    g_autofree char *log = log_beside(path);
    int fd = log ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    pid_t pid = holder(fd);
    close_held(fd, pid);
    return pid == 0;
}

/* Somebody holds a lock on the open file, which is closed. Always false. */
static bool in_use(const char *path, int fd, GError **error)
{
    pid_t pid = holder(fd);
    close_held(fd, pid);
    g_autofree char *who = name_of(pid);
    g_set_error(error, STORE_ERROR, STORE_ERROR_BUSY, "%s has %s open: end it, and run again; nothing was changed", who,
                path);
    return false;
}

/* Nobody has the file open, and nobody can begin to use it until *fd is closed. */
static bool lock_out(const char *path, int *fd, GError **error)
{
    struct flock lock = all_locks;
    *fd = open(path, O_RDWR | O_CLOEXEC);
    if (*fd < 0)
        return failed("open, to see whether anybody uses it,", path, error);
    if (fcntl(*fd, F_OFD_SETLK, &lock) == 0)
        return true;
    if (errno == EAGAIN || errno == EACCES)
        return in_use(path, *fd, error);
    failed("find out whether anybody uses", path, error);
    close(*fd);
    return false;
}

/* --- looking ---------------------------------------------------------------------------------------------------------
 */

static bool look_at_there(struct place *place, bool overwrite, GError **error)
{
    struct stat status;
    int fd;
    place->there = stat(place->path, &status) == 0;
    if (!place->there)
        return errno == ENOENT || failed("reach", place->path, error);
    place->owner = status.st_uid;
    place->group = status.st_gid;
    if (!S_ISREG(status.st_mode)) {
        g_set_error(error, STORE_ERROR, STORE_ERROR_FOREIGN, "%s is %s: give the path of a file", place->path,
                    S_ISDIR(status.st_mode) ? "a folder" : "no regular file");
        return false;
    }
    if (!overwrite) {
        g_set_error(error, STORE_ERROR, STORE_ERROR_EXISTS,
                    "%s is there already: give another path, or --force to replace it", place->path);
        return false;
    }
    if (!lock_out(place->path, &fd, error))
        return false;
    close(fd);
    return true;
}

static bool look_at_folder(struct place *place, GError **error)
{
    struct stat status;
    if (stat(place->folder, &status) != 0 || !S_ISDIR(status.st_mode)) {
        g_set_error(error, STORE_ERROR, STORE_ERROR_NOT_FOUND, "there is no folder %s: make it, or give another path",
                    place->folder);
        return false;
    }
    place->owner = status.st_uid; /* of a new file, where we may choose */
    place->group = status.st_gid;
    if (euidaccess(place->folder, W_OK | X_OK) == 0)
        return true;
    g_set_error(error, STORE_ERROR, STORE_ERROR_READ_ONLY, "the folder %s cannot be written: %s; nothing was changed",
                place->folder, g_strerror(errno));
    return false;
}

/* A log without its database would be taken for that of the new one. */
static bool look_at_log(const struct place *place, bool overwrite, GError **error)
{
    g_autofree char *log = place->there || overwrite ? NULL : log_beside(place->path);
    if (log)
        g_set_error(error, STORE_ERROR, STORE_ERROR_EXISTS,
                    "there is the log %s of a database, but not the database: give another path, or --force to remove "
                    "the log",
                    log);
    return !log;
}

char *place_resolve(const char *path)
{
    g_autofree char *absolute = g_canonicalize_filename(path, NULL);
    g_autofree char *folder = g_path_get_dirname(absolute), *name = g_path_get_basename(absolute);
    char *real = realpath(absolute, NULL), *real_folder = realpath(folder, NULL);
    char *resolved = real ? g_strdup(real) : g_build_filename(real_folder ? real_folder : folder, name, NULL);
    free(real);
    free(real_folder);
    return resolved;
}

enum { HEADER_BYTES = 100, HEADER_APPLICATION_ID = 68 }; /* SQLite database file format, section 1.3 */

/* The file's first bytes are those of an SQLite database of ours, of whatever version, or of a note. */
static bool begins_as_ours(const uint8_t *bytes, size_t length)
{
    static const char magic[] = "SQLite format 3";
    uint32_t application;
    if (place_is_note(bytes, length))
        return true;
    if (length < HEADER_BYTES || memcmp(bytes, magic, sizeof magic) != 0)
        return false;
    memcpy(&application, bytes + HEADER_APPLICATION_ID, sizeof application);
    return GUINT32_FROM_BE(application) == STORE_APPLICATION_ID;
}

/* The first bytes of the file, as many as there are; -1 with *error. Nobody of this process may have it open. */
static ssize_t read_beginning(const char *path, uint8_t *bytes, size_t most, GError **error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? -1 : pread(fd, bytes, most, 0);
    if (length < 0)
        failed("read, to see what it is,", path, error);
    if (fd >= 0)
        close(fd);
    return length;
}

bool place_is_ours(const struct place *place, GError **error)
{
    uint8_t bytes[HEADER_BYTES] = {0};
    ssize_t length = place->there ? read_beginning(place->path, bytes, sizeof bytes, error) : 0;
    if (length <= 0 || begins_as_ours(bytes, (size_t)length))
        return length >= 0;
    g_set_error(error, STORE_ERROR, STORE_ERROR_FOREIGN,
                "%s is no database of m365keep, and is not replaced, --force or not: give another path, or move the "
                "file away",
                place->path);
    return false;
}

bool place_is_log_alone(const char *path)
{
    g_autofree char *resolved = place_resolve(path);
    g_autofree char *log = euidaccess(resolved, F_OK) == 0 || errno != ENOENT ? NULL : log_beside(resolved);
    return log != NULL;
}

bool place_look(struct place *place, const char *path, bool overwrite, GError **error)
{
    place->path = place_resolve(path);
    place->folder = g_path_get_dirname(place->path);
    return look_at_folder(place, error) && look_at_there(place, overwrite, error) &&
           look_at_log(place, overwrite, error);
}

void place_clear(struct place *place)
{
    g_clear_pointer(&place->path, g_free);
    g_clear_pointer(&place->folder, g_free);
}

/* --- making ----------------------------------------------------------------------------------------------------------
 */

enum { RANDOM_LETTERS = 6, SECOND_LETTERS = 8 };

/* The files whose names are the prefix and so many letters more. Returned: GPtrArray of paths. */
static GPtrArray *names_with(const struct place *place, const char *prefix, size_t letters)
{
    GPtrArray *paths = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *name = g_path_get_basename(prefix);
    size_t length = strlen(name);
    GDir *folder = g_dir_open(place->folder, 0, NULL);
    for (const char *other; folder && (other = g_dir_read_name(folder));)
        if (g_str_has_prefix(other, name) && strlen(other) == length + letters)
            g_ptr_array_add(paths, g_build_filename(place->folder, other, NULL));
    if (folder)
        g_dir_close(folder);
    return paths;
}

/* A file of that name that nobody is making any more. */
static void remove_leftover(const char *path)
{
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        place_remove(path);
    close(fd);
}

static void remove_leftovers(const struct place *place, const char *prefix)
{
    g_autoptr(GPtrArray) names = names_with(place, prefix, RANDOM_LETTERS);
    for (guint i = 0; i < names->len; i++)
        remove_leftover(names->pdata[i]);
}

static bool has_room(const struct place *place, int64_t bytes, GError **error)
{
    struct statvfs status;
    if (statvfs(place->folder, &status) != 0 || status.f_bavail * status.f_frsize >= (uint64_t)bytes)
        return true; /* where it cannot be known, writing tells */
    g_autofree char *needed = text_bytes(bytes);
    g_autofree char *left = text_bytes((int64_t)(status.f_bavail * status.f_frsize));
    g_set_error(error, STORE_ERROR, STORE_ERROR_FULL,
                "%s would take %s, and the disk has %s left; nothing was written: free some space, or give another "
                "path",
                place->path, needed, left);
    return false;
}

bool place_make(const struct place *place, const char *what, int64_t bytes, struct making *making, GError **error)
{
    g_autofree char *prefix = g_strdup_printf("%s.%s-", place->path, what);
    remove_leftovers(place, prefix);
    if (!has_room(place, bytes, error))
        return false;
    making->name = g_strconcat(prefix, "XXXXXX", NULL);
    making->fd = mkostemp(making->name, O_CLOEXEC); /* mode 0600 */
    if (making->fd < 0) {
        g_clear_pointer(&making->name, g_free);
        return failed("make a file in", place->folder, error);
    }
    if (flock(making->fd, LOCK_EX | LOCK_NB) != 0)
        return failed("lock", making->name, error);
    if (geteuid() == 0 && fchown(making->fd, place->owner, place->group) != 0)
        return failed("give to its owner", making->name, error);
    return true;
}

void place_give_up(struct making *making)
{
    if (making->name)
        place_remove(making->name);
    if (making->fd >= 0)
        close(making->fd);
    g_clear_pointer(&making->name, g_free);
    making->fd = -1;
}

/* --- putting ---------------------------------------------------------------------------------------------------------
 */

/* A replacement that is under way. */
struct replacement {
    const struct place *place;
    char *old;  /* second name of the old database; NULL: it has none */
    bool noted; /* the note was there before */
};

bool place_is_note(const uint8_t *bytes, size_t length)
{
    return length >= strlen(note_begins) && memcmp(bytes, note_begins, strlen(note_begins)) == 0;
}

/* The last line of a note is the old database's name. NULL: it is no note. Returned: g_free. */
static char *read_note(const struct place *place)
{
    size_t length;
    g_autofree char *text = file_read(place->path, NOTE_MOST, &length);
    if (!text || !place_is_note((const uint8_t *)text, length))
        return NULL;
    g_strchomp(text);
    const char *line = strrchr(text, '\n');
    g_autofree char *name = g_path_get_basename(line ? line + 1 : text);
    return g_build_filename(place->folder, name, NULL);
}

static char *note_of(const struct replacement *replacement)
{
    g_autofree char *path = g_path_get_basename(replacement->place->path);
    g_autofree char *old = g_path_get_basename(replacement->old);
    return g_strdup_printf(
        "%s\n"
        "%s was about to be replaced by a copy when the program was ended.\n"
        "Do that again (m365keep maintain restore, or backup, with --force).\n"
        "Or put back what was here: remove this file, and rename the file below to %s, and the one with\n"
        "-wal behind that name to %s-wal.\n\n%s\n",
        note_begins, path, path, path, old);
}

/* Step 2. The note appears whole, and on disk. */
static bool put_note(const struct replacement *replacement, GError **error)
{
    const char *path = replacement->place->path;
    g_autofree char *text = note_of(replacement);
    GError *cause = NULL;
    if (g_file_set_contents_full(path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0600,
                                 &cause))
        return true;
    bool full = g_error_matches(cause, G_FILE_ERROR, G_FILE_ERROR_NOSPC);
    g_set_error(error, STORE_ERROR, full ? STORE_ERROR_FULL : STORE_ERROR_FAILED,
                "cannot put a note in the place of %s: %s; nothing was changed", path, cause->message);
    g_error_free(cause);
    return false;
}

static bool link_beside(const struct replacement *replacement, const char *suffix, GError **error)
{
    g_autofree char *from = g_strconcat(replacement->place->path, suffix, NULL);
    g_autofree char *to = g_strconcat(replacement->old, suffix, NULL);
    if (link(from, to) == 0 || errno == ENOENT)
        return true;
    int cause = errno;
    g_set_error(error, STORE_ERROR, code_of(cause),
                "cannot keep %s, with its log, until the new one is in its place (link: %s); nothing was changed: move "
                "both away, and run again",
                replacement->place->path, g_strerror(cause));
    return false;
}

/* Second names that the database has already are of a program that was killed before it came to step 2. */
static void remove_same(const struct place *place, const char *prefix)
{
    g_autoptr(GPtrArray) names = names_with(place, prefix, SECOND_LETTERS);
    for (guint i = 0; i < names->len; i++)
        if (place_is_same(names->pdata[i], place->path))
            place_remove(names->pdata[i]);
}

/* A second name for the old database that nothing has. Returned: g_free. */
static char *second_name(const struct place *place)
{
    g_autofree char *prefix = g_strconcat(place->path, ".old-", NULL);
    remove_same(place, prefix);
    for (;;) {
        g_autofree char *name = g_strdup_printf("%s%0*x", prefix, SECOND_LETTERS, g_random_int());
        if (euidaccess(name, F_OK) != 0)
            return g_steal_pointer(&name);
    }
}

void place_tell_left(const char *path)
{
    g_autofree char *resolved = place_resolve(path);
    g_autofree char *folder = g_path_get_dirname(resolved), *prefix = g_strconcat(resolved, ".old-", NULL);
    const struct place place = {.path = resolved, .folder = folder};
    remove_same(&place, prefix);
    g_autoptr(GPtrArray) names = names_with(&place, prefix, SECOND_LETTERS);
    for (guint i = 0; i < names->len; i++)
        log_write(LOG_LEVEL_WARN,
                  "A whole database that was replaced by a copy still lies beside the one in use: the program was "
                  "ended before it had removed it. See whether it is needed, and remove it, with the one that has -wal "
                  "behind its name: it holds customers' data",
                  "file", (const char *)names->pdata[i], NULL);
}

/* Step 1. */
static bool link_old(const struct replacement *replacement, GError **error)
{
    bool linked = link_beside(replacement, "", error);
    for (size_t i = 0; linked && i < G_N_ELEMENTS(logs); i++)
        linked = link_beside(replacement, logs[i], error);
    return linked;
}

/* The old database keeps its second names, whole, and the note in its place tells of them: *error does, too. */
static void stay_aside(const struct replacement *replacement, const char *call, GError **error)
{
    int cause = errno;
    g_prefix_error(error,
                   "the old database could not be given its name again (%s: %s), and lies as %s, its log, if it has "
                   "one, as %s-wal; the file %s says what to do. What went wrong before: ",
                   call, g_strerror(cause), replacement->old, replacement->old, replacement->place->path);
}

static bool link_logs_back(const struct replacement *replacement)
{
    for (size_t i = 0; i < G_N_ELEMENTS(logs); i++) {
        g_autofree char *from = g_strconcat(replacement->old, logs[i], NULL);
        g_autofree char *to = g_strconcat(replacement->place->path, logs[i], NULL);
        if (link(from, to) != 0 && errno != EEXIST && errno != ENOENT)
            return false;
    }
    return true;
}

/* Gives the old database and its log their first names again, the log's before its own: without it, what was committed
 * last would be missing, and nobody would know. As long as that is not done, both keep their second names. */
static void put_back(const struct replacement *replacement, GError **error)
{
    const struct place *place = replacement->place;
    bool aside =
        !place_is_same(replacement->old, place->path) && (euidaccess(replacement->old, F_OK) == 0 || errno != ENOENT);
    if (aside && !link_logs_back(replacement))
        stay_aside(replacement, "link", error);
    else if (aside && rename(replacement->old, place->path) != 0)
        stay_aside(replacement, "rename", error);
    else
        place_remove(replacement->old);
    place_sync(place->folder);
}

/* Steps 1 and 2, where they are needed. */
static bool set_aside(struct replacement *replacement, GError **error)
{
    const struct place *place = replacement->place;
    g_autofree char *log = log_beside(place->path);
    replacement->old = read_note(place);
    replacement->noted = replacement->old != NULL;
    if (replacement->noted || !log)
        return true;
    replacement->old = second_name(place);
    if (link_old(replacement, error) && put_note(replacement, error)) {
        place_sync(place->folder);
        return true;
    }
    put_back(replacement, error);
    return false;
}

/* Step 3. A log that cannot be removed would become the new database's. */
static bool remove_logs(const struct place *place, GError **error)
{
    const char *const suffixes[] = {logs[0], logs[1], shared_memory};
    for (size_t i = 0; i < G_N_ELEMENTS(suffixes); i++) {
        g_autofree char *file = g_strconcat(place->path, suffixes[i], NULL);
        if (unlink(file) != 0 && errno != ENOENT)
            return failed("remove", file, error);
    }
    place_sync(place->folder);
    return true;
}

/* Step 4. */
static bool rename_new(const struct place *place, const char *made, GError **error)
{
    if (rename(made, place->path) != 0)
        return failed("put the new database in the place of", place->path, error);
    place_sync(place->folder);
    return true;
}

/* Steps 3 to 5. */
static bool replace(const struct replacement *replacement, const char *made, GError **error)
{
    const struct place *place = replacement->place;
    if (!remove_logs(place, error) || !rename_new(place, made, error)) {
        if (replacement->old && !replacement->noted)
            put_back(replacement, error);
        return false;
    }
    if (replacement->old)
        place_remove(replacement->old);
    return true;
}

static bool put_over(const struct place *place, const char *made, GError **error)
{
    struct replacement replacement = {.place = place};
    int fd = -1;
    bool there = euidaccess(place->path, F_OK) == 0;
    if (there && !lock_out(place->path, &fd, error))
        return false;
    bool put = (!there || set_aside(&replacement, error)) && replace(&replacement, made, error);
    if (fd >= 0)
        close(fd);
    g_free(replacement.old);
    return put;
}

static bool put_anew(const struct place *place, const char *made, GError **error)
{
    if (place_name(made, place->path)) {
        place_sync(place->folder);
        return true;
    }
    if (errno != EEXIST)
        return failed("name the new database", place->path, error);
    g_set_error(error, STORE_ERROR, STORE_ERROR_EXISTS,
                "%s has appeared meanwhile, and was left alone: give another path, or --force to replace it",
                place->path);
    return false;
}

bool place_put(const struct place *place, struct making *making, bool overwrite, GError **error)
{
    g_autofree char *log = log_beside(making->name);
    if (log) {
        g_set_error(error, STORE_ERROR, STORE_ERROR_FAILED,
                    "the new database kept the log %s: see whether another program has it open, and run again", log);
        return false;
    }
    if (fsync(making->fd) != 0)
        return failed("put on disk", making->name, error);
    return overwrite ? put_over(place, making->name, error) : put_anew(place, making->name, error);
}
