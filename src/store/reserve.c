#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "store/store_private.h"

enum {
    DATABASE_AT_LEAST = 4 * STORE_RESERVE_BYTES, /* beside a smaller one the reserve would be most of what we take */
    FREE_AT_LEAST = 16 * STORE_RESERVE_BYTES,    /* on a disk that is nearly full it would make things worse */
};

/* It lies beside the database itself, whatever link led to it: on the disk that is to have room. */
static char *reserve_path(const char *path)
{
    char *real = realpath(path, NULL);
    char *reserve = g_strconcat(real ? real : path, ".reserve", NULL);
    free(real);
    return reserve;
}

static bool is_worth_it(const char *path)
{
    struct stat database;
    struct statvfs disk;
    return stat(path, &database) == 0 && database.st_size > DATABASE_AT_LEAST && statvfs(path, &disk) == 0 &&
           (uint64_t)disk.f_bavail * disk.f_frsize >= FREE_AT_LEAST;
}

/* True when all of the reserve is on the disk: a file of holes would free nothing. */
static bool is_whole(int fd)
{
    enum { BLOCK = 512 }; /* the unit of st_blocks */
    struct stat file;
    return fstat(fd, &file) == 0 && S_ISREG(file.st_mode) && file.st_size == STORE_RESERVE_BYTES &&
           (int64_t)file.st_blocks * BLOCK >= STORE_RESERVE_BYTES;
}

bool store_reserve_make(struct store *store)
{
    g_autofree char *file = reserve_path(store->path);
    int fd = open(file, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0 && !is_worth_it(store->path))
        return false;
    if (fd < 0)
        fd = open(file, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    struct stat status;
    bool ours = fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size <= STORE_RESERVE_BYTES;
    bool made =
        ours && (is_whole(fd) || (is_worth_it(store->path) && posix_fallocate(fd, 0, STORE_RESERVE_BYTES) == 0));
    close(fd);
    if (ours && !made) /* a part of it only takes room away */
        unlink(file);
    return made;
}

bool store_reserve_release(const char *path)
{
    g_autofree char *file = reserve_path(path);
    struct stat status;
    return lstat(file, &status) == 0 && S_ISREG(status.st_mode) && status.st_size <= STORE_RESERVE_BYTES &&
           unlink(file) == 0;
}
