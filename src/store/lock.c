#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "store/place.h"
#include "store/store_private.h"

struct store_lock {
    int fd;
};

static const struct {
    const char *suffix; /* of its file */
    const char *doing;  /* what the holder does, "this database" behind it */
} kinds[] = {[STORE_LOCK_COLLECT] = {".lock", "collecting into"},
             [STORE_LOCK_HEALTH] = {".health.lock", "scanning service health into"},
             [STORE_LOCK_MAIL] = {".mail.lock", "sending the mails of"},
             [STORE_LOCK_MAINTENANCE] = {".maintain.lock", "maintaining"}};

/* The lock lies beside the database itself, whatever name or link led to it. */
static char *lock_path(const char *path, enum store_lock_kind kind)
{
    char *real = realpath(path, NULL);
    char *lock = g_strconcat(real ? real : path, kinds[kind].suffix, NULL);
    free(real);
    return lock;
}

/* False while the holder has not written its number yet. */
static bool read_pid(int fd, guint64 *pid)
{
    char text[32] = "";
    ssize_t length = pread(fd, text, sizeof text - 1, 0);
    return length > 0 && g_ascii_string_to_unsigned(g_strstrip(text), 10, 1, G_MAXINT32, pid, NULL);
}

/* "process 123". Returned: g_free. */
static char *holder(int fd)
{
    guint64 pid;
    return read_pid(fd, &pid) ? g_strdup_printf("process %" G_GUINT64_FORMAT, pid) : g_strdup("another process");
}

/* The process that the file names lives. One that has ended leaves its number behind. */
static bool may_hold(int fd)
{
    guint64 pid;
    return read_pid(fd, &pid) && (kill((pid_t)pid, 0) == 0 || errno == EPERM);
}

static const char *mend_of(int cause)
{
    return cause == ENOSPC ? "; free some space and run again" : "";
}

static bool write_pid(int fd, const char *path, GError **error)
{
    g_autofree char *pid = g_strdup_printf("%ld\n", (long)getpid());
    ssize_t length = (ssize_t)strlen(pid);
    if (ftruncate(fd, 0) == 0 && pwrite(fd, pid, (size_t)length, 0) == length)
        return true;
    int cause = errno;
    g_set_error(error, STORE_ERROR, cause == ENOSPC ? STORE_ERROR_FULL : STORE_ERROR_FAILED,
                "cannot write the lock file %s: %s%s", path, g_strerror(cause), mend_of(cause));
    return false;
}

/* The file of a lock that is held now, open; -1 when nobody holds it. */
static int open_held(const char *path, enum store_lock_kind kind)
{
    g_autofree char *file = lock_path(path, kind);
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    /* Only a lock that is refused tells that it is held. One that is given keeps others off for a moment: it is asked
     * for only where somebody may have it. */
    if (may_hold(fd) && flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK)
        return fd;
    close(fd);
    return -1;
}

/* What the holder of a lock of `database` is doing: who forgets a customer or restores a copy holds all of them. */
static const char *work_of(const char *database, int fd, enum store_lock_kind kind)
{
    guint64 pid, maintaining;
    int other = kind == STORE_LOCK_MAINTENANCE ? -1 : open_held(database, STORE_LOCK_MAINTENANCE);
    bool same = other >= 0 && read_pid(fd, &pid) && read_pid(other, &maintaining) && pid == maintaining;
    if (other >= 0)
        close(other);
    return kinds[same ? STORE_LOCK_MAINTENANCE : kind].doing;
}

static bool take(const char *database, int fd, const char *path, enum store_lock_kind kind, GError **error)
{
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return write_pid(fd, path, error);
    if (errno != EWOULDBLOCK) {
        g_set_error(error, STORE_ERROR, STORE_ERROR_FAILED, "cannot lock %s: %s", path, g_strerror(errno));
        return false;
    }
    g_autofree char *who = holder(fd);
    g_set_error(error, STORE_ERROR, STORE_ERROR_BUSY,
                "%s is already %s this database (it holds %s): run again when it has ended", who,
                work_of(database, fd, kind), path);
    return false;
}

static bool was_locked(const char *path, enum store_lock_kind kind)
{
    g_autofree char *lock = lock_path(path, kind);
    return g_file_test(lock, G_FILE_TEST_EXISTS);
}

/* There was a database of ours, whatever has become of it: it may be restored. Where only its log is left, only who
 * maintains begins with a lock. */
static bool was_there(const char *path, enum store_lock_kind kind)
{
    if (was_locked(path, STORE_LOCK_COLLECT) || was_locked(path, STORE_LOCK_MAINTENANCE))
        return true;
    return kind == STORE_LOCK_MAINTENANCE && place_is_log_alone(path);
}

/* Who maintains a database hears of what the replacing of it left beside it. */
static void tell_left(const char *path, enum store_lock_kind kind)
{
    if (kind == STORE_LOCK_MAINTENANCE && store_look(path, STORE_COPY, NULL))
        place_tell_left(path);
}

struct store_lock *store_lock_take(const char *path, enum store_lock_kind kind, GError **error)
{
    /* A lock beside what is none of ours, or where nothing can be, would be litter. */
    if (!was_there(path, kind) && !store_look(path, STORE_CREATE, error))
        return NULL;
    g_autofree char *file = lock_path(path, kind);
    /* The file stays after release: removing it would let two processes lock two files of one name. */
    int fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        int cause = errno;
        g_set_error(error, STORE_ERROR,
                    cause == ENOENT || cause == ENOTDIR ? STORE_ERROR_NOT_FOUND
                    : cause == ENOSPC                   ? STORE_ERROR_FULL
                                                        : STORE_ERROR_READ_ONLY,
                    "cannot make the lock file %s: %s%s", file, g_strerror(cause), mend_of(cause));
        return NULL;
    }
    if (!take(path, fd, file, kind, error)) {
        close(fd);
        return NULL;
    }
    struct store_lock *lock = g_new(struct store_lock, 1);
    lock->fd = fd;
    tell_left(path, kind);
    return lock;
}

char *store_lock_holder(const char *path, enum store_lock_kind kind)
{
    int fd = open_held(path, kind);
    char *who = fd < 0 ? NULL : holder(fd);
    if (fd >= 0)
        close(fd);
    return who;
}

char *lock_other_holder(const char *path, enum store_lock_kind kind)
{
    guint64 pid;
    int fd = open_held(path, kind);
    bool other = fd >= 0 && (!read_pid(fd, &pid) || pid != (guint64)getpid());
    char *who = other ? holder(fd) : NULL;
    if (fd >= 0)
        close(fd);
    return who;
}

void store_lock_release(struct store_lock *lock)
{
    if (!lock)
        return;
    close(lock->fd);
    g_free(lock);
}
