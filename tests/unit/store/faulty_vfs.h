/* faulty_vfs - the file system that SQLite sees, failing on demand: where SQLite's own failures come from.
 *
 * It stands before SQLite's usual one, as the default. Nothing is synced and nobody sleeps: the tests kill no power. */
#ifndef M365KEEP_TEST_STORE_FAULTY_VFS_H
#define M365KEEP_TEST_STORE_FAULTY_VFS_H

#include <glib.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <string.h>

#include "fault_points.h"

enum vfs_manner {
    VFS_FAILS,   /* as a broken disk does */
    VFS_REFUSES, /* full for writes, busy for locks; else as VFS_FAILS */
};

static struct {
    sqlite3_vfs *real;
    sqlite3_vfs faulty;
    bool armed, for_good; /* for good: every call from fail_at on fails */
    enum vfs_manner manner;
    unsigned calls, fail_at;
    const char *failed; /* the call that did, first; NULL: none */
} vfs;

/* The result of a call that must fail; SQLITE_OK when it may go on. */
static int vfs_judge(const char *call, int broken, int refused)
{
    if (!vfs.armed)
        return SQLITE_OK;
    point_note(call);
    vfs.calls++;
    if (vfs.calls != vfs.fail_at && !(vfs.for_good && vfs.failed))
        return SQLITE_OK;
    if (!vfs.failed)
        vfs.failed = call;
    return vfs.manner == VFS_REFUSES ? refused : broken;
}

/* Makes the call number `fail_at` from now on fail; 0: none, calls are only counted. */
static inline void vfs_arm(unsigned fail_at, enum vfs_manner manner, bool for_good)
{
    vfs.armed = true;
    vfs.for_good = for_good;
    vfs.manner = manner;
    vfs.calls = 0;
    vfs.fail_at = fail_at;
    vfs.failed = NULL;
}

static inline void vfs_disarm(void)
{
    vfs.armed = false;
}

/* --- files -------------------------------------------------------------------------------------------------------- */

struct vfs_file {
    sqlite3_file base;
    sqlite3_file *real; /* lies behind this */
};

static sqlite3_file *real_of(sqlite3_file *file)
{
    return ((struct vfs_file *)file)->real;
}

static int file_close(sqlite3_file *file)
{
    return real_of(file)->pMethods->xClose(real_of(file));
}

static int file_read(sqlite3_file *file, void *bytes, int length, sqlite3_int64 offset)
{
    int code = vfs_judge("read", SQLITE_IOERR_READ, SQLITE_IOERR_READ);
    return code ? code : real_of(file)->pMethods->xRead(real_of(file), bytes, length, offset);
}

/* Half of it is written before it fails. */
static int file_write(sqlite3_file *file, const void *bytes, int length, sqlite3_int64 offset)
{
    int code = vfs_judge("write", SQLITE_IOERR_WRITE, SQLITE_FULL);
    int written = real_of(file)->pMethods->xWrite(real_of(file), bytes, code ? length / 2 : length, offset);
    return code ? code : written;
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    int code = vfs_judge("truncate", SQLITE_IOERR_TRUNCATE, SQLITE_IOERR_TRUNCATE);
    return code ? code : real_of(file)->pMethods->xTruncate(real_of(file), size);
}

static int file_sync(sqlite3_file *file, int flags)
{
    (void)file;
    (void)flags;
    return vfs_judge("sync", SQLITE_IOERR_FSYNC, SQLITE_FULL);
}

static int file_size(sqlite3_file *file, sqlite3_int64 *size)
{
    int code = vfs_judge("size", SQLITE_IOERR_FSTAT, SQLITE_IOERR_FSTAT);
    return code ? code : real_of(file)->pMethods->xFileSize(real_of(file), size);
}

static int file_lock(sqlite3_file *file, int kind)
{
    int code = vfs_judge("lock", SQLITE_IOERR_LOCK, SQLITE_BUSY);
    return code ? code : real_of(file)->pMethods->xLock(real_of(file), kind);
}

static int file_unlock(sqlite3_file *file, int kind)
{
    return real_of(file)->pMethods->xUnlock(real_of(file), kind);
}

static int file_check_reserved(sqlite3_file *file, int *reserved)
{
    int code = vfs_judge("check reserved", SQLITE_IOERR_CHECKRESERVEDLOCK, SQLITE_IOERR_CHECKRESERVEDLOCK);
    return code ? code : real_of(file)->pMethods->xCheckReservedLock(real_of(file), reserved);
}

static int file_control(sqlite3_file *file, int what, void *argument)
{
    return real_of(file)->pMethods->xFileControl(real_of(file), what, argument);
}

static int file_sector_size(sqlite3_file *file)
{
    return real_of(file)->pMethods->xSectorSize(real_of(file));
}

static int file_characteristics(sqlite3_file *file)
{
    return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}

static int file_shm_map(sqlite3_file *file, int region, int size, int extend, void volatile **memory)
{
    int code = vfs_judge("shm map", SQLITE_IOERR_SHMMAP, SQLITE_IOERR_SHMSIZE);
    return code ? code : real_of(file)->pMethods->xShmMap(real_of(file), region, size, extend, memory);
}

/* Letting go never fails. */
static int file_shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
    int code = flags & SQLITE_SHM_UNLOCK ? SQLITE_OK : vfs_judge("shm lock", SQLITE_IOERR_SHMLOCK, SQLITE_BUSY);
    return code ? code : real_of(file)->pMethods->xShmLock(real_of(file), offset, n, flags);
}

static void file_shm_barrier(sqlite3_file *file)
{
    real_of(file)->pMethods->xShmBarrier(real_of(file));
}

static int file_shm_unmap(sqlite3_file *file, int remove)
{
    return real_of(file)->pMethods->xShmUnmap(real_of(file), remove);
}

static const sqlite3_io_methods file_methods = {
    .iVersion = 2, /* with shared memory, without mapped files */
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = file_check_reserved,
    .xFileControl = file_control,
    .xSectorSize = file_sector_size,
    .xDeviceCharacteristics = file_characteristics,
    .xShmMap = file_shm_map,
    .xShmLock = file_shm_lock,
    .xShmBarrier = file_shm_barrier,
    .xShmUnmap = file_shm_unmap,
};

/* --- the file system ---------------------------------------------------------------------------------------------- */

static int vfs_open(sqlite3_vfs *self, const char *name, sqlite3_file *file, int flags, int *flags_out)
{
    struct vfs_file *opened = (struct vfs_file *)file;
    int code = vfs_judge("open", SQLITE_CANTOPEN, SQLITE_CANTOPEN);
    (void)self;
    *opened = (struct vfs_file){.real = (sqlite3_file *)(opened + 1)};
    if (code == SQLITE_OK)
        code = vfs.real->xOpen(vfs.real, name, opened->real, flags, flags_out);
    if (code == SQLITE_OK)
        opened->base.pMethods = &file_methods;
    return code;
}

static int vfs_delete(sqlite3_vfs *self, const char *name, int sync)
{
    int code = vfs_judge("delete", SQLITE_IOERR_DELETE, SQLITE_IOERR_DELETE);
    (void)self;
    (void)sync;
    return code ? code : vfs.real->xDelete(vfs.real, name, 0);
}

static int vfs_access(sqlite3_vfs *self, const char *name, int flags, int *result)
{
    int code = vfs_judge("access", SQLITE_IOERR_ACCESS, SQLITE_IOERR_ACCESS);
    (void)self;
    return code ? code : vfs.real->xAccess(vfs.real, name, flags, result);
}

static int vfs_full_pathname(sqlite3_vfs *self, const char *name, int most, char *path)
{
    int code = vfs_judge("full pathname", SQLITE_CANTOPEN, SQLITE_CANTOPEN);
    (void)self;
    return code ? code : vfs.real->xFullPathname(vfs.real, name, most, path);
}

static int vfs_sleep(sqlite3_vfs *self, int microseconds)
{
    (void)self;
    return microseconds;
}

/* Makes it SQLite's default. */
static inline void vfs_install(void)
{
    vfs.real = sqlite3_vfs_find(NULL);
    vfs.faulty = *vfs.real; /* what is not replaced does not look at which one it is called for */
    vfs.faulty.zName = "faulty";
    vfs.faulty.pNext = NULL;
    vfs.faulty.szOsFile = (int)sizeof(struct vfs_file) + vfs.real->szOsFile;
    vfs.faulty.xOpen = vfs_open;
    vfs.faulty.xDelete = vfs_delete;
    vfs.faulty.xAccess = vfs_access;
    vfs.faulty.xFullPathname = vfs_full_pathname;
    vfs.faulty.xSleep = vfs_sleep;
    sqlite3_vfs_register(&vfs.faulty, 1);
}

static inline void vfs_remove(void)
{
    sqlite3_vfs_unregister(&vfs.faulty);
    sqlite3_vfs_register(vfs.real, 1);
}

#endif
