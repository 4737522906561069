/* kill_at.so - preloaded into the program by the crash test: ends the process with SIGKILL at the n-th write or sync
 * call on the database's files, so that every instant at which a machine can die is reached.
 *
 *   KILL_AT=n           the call to die at; 0 or absent: never
 *   KILL_AT_PATH=part   only files whose path holds this
 *   KILL_AT_COUNT=file  at a normal exit, the number of such calls is written here
 *
 * An odd n that falls on a write dies in its middle: half of the bytes are written, as a torn page would be. */
#include <dlfcn.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static atomic_long calls;

static long kill_at(void)
{
    const char *text = getenv("KILL_AT");

    return text ? strtol(text, NULL, 10) : 0;
}

static bool is_ours(int fd)
{
    char link[64], path[4096];
    const char *part = getenv("KILL_AT_PATH");
    ssize_t length;

    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    length = readlink(link, path, sizeof path - 1);
    if (length < 0 || !part)
        return false;
    path[length] = '\0';
    return strstr(path, part) != NULL;
}

/* True when this is the call to die at. */
static bool counts(int fd)
{
    return is_ours(fd) && atomic_fetch_add(&calls, 1) + 1 == kill_at();
}

static void die(void)
{
    kill(getpid(), SIGKILL);
    pause();
}

/* ISO C has no way from dlsym's object pointer to a function; POSIX gives it one. */
#define REAL(name)                                                                                                     \
    static __typeof__(&name) real;                                                                                     \
    if (!real)                                                                                                         \
    *(void **)&real = dlsym(RTLD_NEXT, #name)

#define WRAP_WRITE(name, offset_type)                                                                                  \
    ssize_t name(int fd, const void *bytes, size_t length, offset_type offset)                                         \
    {                                                                                                                  \
        REAL(name);                                                                                                    \
        if (counts(fd)) {                                                                                              \
            if (kill_at() % 2)                                                                                         \
                (void)!real(fd, bytes, length / 2, offset);                                                            \
            die();                                                                                                     \
        }                                                                                                              \
        return real(fd, bytes, length, offset);                                                                        \
    }
WRAP_WRITE(pwrite, off_t)
WRAP_WRITE(pwrite64, off64_t)

ssize_t write(int fd, const void *bytes, size_t length)
{
    REAL(write);
    if (counts(fd)) {
        if (kill_at() % 2)
            (void)!real(fd, bytes, length / 2);
        die();
    }
    return real(fd, bytes, length);
}

#define WRAP_SYNC(name)                                                                                                \
    int name(int fd)                                                                                                   \
    {                                                                                                                  \
        REAL(name);                                                                                                    \
        if (counts(fd))                                                                                                \
            die();                                                                                                     \
        return real(fd);                                                                                               \
    }
WRAP_SYNC(fsync)
WRAP_SYNC(fdatasync)

#define WRAP_TRUNCATE(name, offset_type)                                                                               \
    int name(int fd, offset_type length)                                                                               \
    {                                                                                                                  \
        REAL(name);                                                                                                    \
        if (counts(fd))                                                                                                \
            die();                                                                                                     \
        return real(fd, length);                                                                                       \
    }
WRAP_TRUNCATE(ftruncate, off_t)
WRAP_TRUNCATE(ftruncate64, off64_t)

__attribute__((destructor)) static void report(void)
{
    const char *path = getenv("KILL_AT_COUNT");
    FILE *file = path ? fopen(path, "w") : NULL;

    if (file) {
        fprintf(file, "%ld\n", atomic_load(&calls));
        fclose(file);
    }
}
