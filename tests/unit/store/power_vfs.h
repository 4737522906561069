/* power_vfs - a file system that remembers what was done to it, and in which order, so that a power cut after any of it
 * can be had afterwards: what was synced is then on disk, and of what was only written, nothing, all, or a part.
 *
 * It stands before SQLite's usual one, as the default, for the files of one folder. What the room does to files by
 * itself (names, mostly) comes here by the linker (--wrap, tests/CMakeLists.txt). Contents last from a file's sync on,
 * and names from their folder's: a file system may keep more than that, but POSIX promises no more. SQLite's -shm is
 * memory and gone with the power. Nothing is synced for real and nobody sleeps. */
#ifndef M365KEEP_TEST_STORE_POWER_VFS_H
#define M365KEEP_TEST_STORE_POWER_VFS_H

#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- what was done ------------------------------------------------------------------------------------------------ */

enum change_kind {
    CHANGE_WRITE,
    CHANGE_TRUNCATE,
    CHANGE_SYNC,       /* of a file */
    CHANGE_NAME,       /* `name` is now that of `file` */
    CHANGE_NO_NAME,    /* `name` is gone */
    CHANGE_NAMES_SYNC, /* of the folder */
    CHANGE_DONE,       /* the program was told that what it did is done: state number `offset` */
};

struct change {
    enum change_kind kind;
    unsigned file;  /* what lies behind names, from 0 */
    int64_t offset; /* of a write; of a truncation, the size */
    GBytes *bytes;
    char *name;        /* without the folder */
    bool lasts;        /* of CHANGE_DONE: also when the power is cut */
    bool renamed_away; /* of CHANGE_NO_NAME: one with the CHANGE_NAME before it */
};

static struct {
    sqlite3_vfs *real;
    sqlite3_vfs recording;
    char *folder;       /* whose files are recorded; NULL: none is */
    GPtrArray *changes; /* struct change * */
    GHashTable *names;  /* name -> file + 1, as they are now */
    unsigned files;
} power;

static void change_free(void *data)
{
    struct change *change = data;
    g_clear_pointer(&change->bytes, g_bytes_unref);
    g_free(change->name);
    g_free(change);
}

static struct change *power_note(enum change_kind kind, unsigned file)
{
    struct change *change = g_new0(struct change, 1);
    change->kind = kind;
    change->file = file;
    g_ptr_array_add(power.changes, change);
    return change;
}

/* The name of a file in the folder; NULL: it lies elsewhere, or is memory that looks like a file. Returned: g_free. */
static char *power_name(const char *path)
{
    g_autofree char *folder = path && power.folder ? g_path_get_dirname(path) : NULL;
    if (!folder || !g_str_equal(folder, power.folder) || g_str_has_suffix(path, "-shm"))
        return NULL;
    return g_path_get_basename(path);
}

/* The file of a name, made when new; false: it is not recorded. */
static bool power_file(const char *path, bool *is_new, unsigned *file)
{
    g_autofree char *name = power_name(path);
    if (!name)
        return false;
    unsigned known = GPOINTER_TO_UINT(g_hash_table_lookup(power.names, name));
    *is_new = known == 0;
    *file = known ? known - 1 : power.files++;
    if (*is_new) {
        g_hash_table_insert(power.names, g_strdup(name), GUINT_TO_POINTER(*file + 1));
        power_note(CHANGE_NAME, *file)->name = g_steal_pointer(&name);
    }
    return true;
}

static void power_forget_name(const char *path, bool renamed)
{
    g_autofree char *name = power_name(path);
    if (!name || !g_hash_table_remove(power.names, name))
        return;
    struct change *change = power_note(CHANGE_NO_NAME, 0);
    change->name = g_steal_pointer(&name);
    change->renamed_away = renamed;
}

static void power_rename(const char *from, const char *to)
{
    g_autofree char *old = power_name(from), *new = power_name(to);
    unsigned known = old ? GPOINTER_TO_UINT(g_hash_table_lookup(power.names, old)) : 0;
    if (!known || !new)
        return;
    power_note(CHANGE_NAME, known - 1)->name = g_strdup(new);
    g_hash_table_insert(power.names, g_steal_pointer(&new), GUINT_TO_POINTER(known));
    power_forget_name(from, true);
}

/* From here on what happens to the files of the folder is recorded; those there are lie on disk. */
static inline void power_record(const char *folder)
{
    GDir *dir = g_dir_open(folder, 0, NULL);
    power.folder = g_strdup(folder);
    power.changes = g_ptr_array_new_with_free_func(change_free);
    power.names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    power.files = 0;
    for (const char *name; (name = g_dir_read_name(dir));) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        char *bytes = NULL;
        gsize length = 0;
        bool is_new;
        unsigned file;
        if (!power_file(path, &is_new, &file) || !g_file_get_contents(path, &bytes, &length, NULL))
            continue;
        power_note(CHANGE_WRITE, file)->bytes = g_bytes_new_take(bytes, length);
        power_note(CHANGE_SYNC, file);
    }
    power_note(CHANGE_NAMES_SYNC, 0);
    g_dir_close(dir);
}

/* Ends the recording. Returned: what was recorded. */
static inline GPtrArray *power_stop(void)
{
    g_clear_pointer(&power.folder, g_free);
    g_clear_pointer(&power.names, g_hash_table_destroy);
    return g_steal_pointer(&power.changes);
}

/* --- SQLite's files ----------------------------------------------------------------------------------------------- */

struct power_file {
    sqlite3_file base;
    sqlite3_file *real; /* lies behind this */
    unsigned file;
    bool recorded;
    bool names_too; /* its first sync is its folder's, too: SQLite does so with a new journal or log */
};

static struct power_file *power_of(sqlite3_file *file)
{
    return (struct power_file *)file;
}

static sqlite3_file *power_real(sqlite3_file *file)
{
    return power_of(file)->real;
}

static int power_close(sqlite3_file *file)
{
    return power_real(file)->pMethods->xClose(power_real(file));
}

static int power_read(sqlite3_file *file, void *bytes, int length, sqlite3_int64 offset)
{
    return power_real(file)->pMethods->xRead(power_real(file), bytes, length, offset);
}

static int power_write(sqlite3_file *file, const void *bytes, int length, sqlite3_int64 offset)
{
    if (power_of(file)->recorded && power.folder) {
        struct change *change = power_note(CHANGE_WRITE, power_of(file)->file);
        change->bytes = g_bytes_new(bytes, (gsize)length);
        change->offset = offset;
    }
    return power_real(file)->pMethods->xWrite(power_real(file), bytes, length, offset);
}

static int power_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    if (power_of(file)->recorded && power.folder)
        power_note(CHANGE_TRUNCATE, power_of(file)->file)->offset = size;
    return power_real(file)->pMethods->xTruncate(power_real(file), size);
}

static int power_sync(sqlite3_file *file, int flags)
{
    struct power_file *opened = power_of(file);
    (void)flags;
    if (!opened->recorded || !power.folder)
        return SQLITE_OK;
    power_note(CHANGE_SYNC, opened->file);
    if (opened->names_too)
        power_note(CHANGE_NAMES_SYNC, 0);
    opened->names_too = false;
    return SQLITE_OK;
}

static int power_size(sqlite3_file *file, sqlite3_int64 *size)
{
    return power_real(file)->pMethods->xFileSize(power_real(file), size);
}

static int power_lock(sqlite3_file *file, int kind)
{
    return power_real(file)->pMethods->xLock(power_real(file), kind);
}

static int power_unlock(sqlite3_file *file, int kind)
{
    return power_real(file)->pMethods->xUnlock(power_real(file), kind);
}

static int power_check_reserved(sqlite3_file *file, int *reserved)
{
    return power_real(file)->pMethods->xCheckReservedLock(power_real(file), reserved);
}

static int power_control(sqlite3_file *file, int what, void *argument)
{
    return power_real(file)->pMethods->xFileControl(power_real(file), what, argument);
}

static int power_sector_size(sqlite3_file *file)
{
    return power_real(file)->pMethods->xSectorSize(power_real(file));
}

static int power_characteristics(sqlite3_file *file)
{
    return power_real(file)->pMethods->xDeviceCharacteristics(power_real(file));
}

static int power_shm_map(sqlite3_file *file, int region, int size, int extend, void volatile **memory)
{
    return power_real(file)->pMethods->xShmMap(power_real(file), region, size, extend, memory);
}

static int power_shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
    return power_real(file)->pMethods->xShmLock(power_real(file), offset, n, flags);
}

static void power_shm_barrier(sqlite3_file *file)
{
    power_real(file)->pMethods->xShmBarrier(power_real(file));
}

static int power_shm_unmap(sqlite3_file *file, int remove)
{
    return power_real(file)->pMethods->xShmUnmap(power_real(file), remove);
}

static const sqlite3_io_methods power_methods = {
    .iVersion = 2, /* with shared memory, without mapped files */
    .xClose = power_close,
    .xRead = power_read,
    .xWrite = power_write,
    .xTruncate = power_truncate,
    .xSync = power_sync,
    .xFileSize = power_size,
    .xLock = power_lock,
    .xUnlock = power_unlock,
    .xCheckReservedLock = power_check_reserved,
    .xFileControl = power_control,
    .xSectorSize = power_sector_size,
    .xDeviceCharacteristics = power_characteristics,
    .xShmMap = power_shm_map,
    .xShmLock = power_shm_lock,
    .xShmBarrier = power_shm_barrier,
    .xShmUnmap = power_shm_unmap,
};

static int power_open(sqlite3_vfs *self, const char *name, sqlite3_file *file, int flags, int *flags_out)
{
    struct power_file *opened = power_of(file);
    bool is_new = false;
    (void)self;
    *opened = (struct power_file){.real = (sqlite3_file *)(opened + 1)};
    int code = power.real->xOpen(power.real, name, opened->real, flags, flags_out);
    if (code != SQLITE_OK)
        return code;
    opened->base.pMethods = &power_methods;
    opened->recorded = power_file(name, &is_new, &opened->file);
    opened->names_too = is_new && flags & (SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_WAL | SQLITE_OPEN_SUPER_JOURNAL);
    return SQLITE_OK;
}

static int power_delete(sqlite3_vfs *self, const char *name, int sync)
{
    (void)self;
    power_forget_name(name, false);
    if (sync && power.folder)
        power_note(CHANGE_NAMES_SYNC, 0);
    return power.real->xDelete(power.real, name, 0);
}

static int power_sleep(sqlite3_vfs *self, int microseconds)
{
    (void)self;
    return microseconds;
}

/* Makes it SQLite's default. */
static inline void power_install(void)
{
    power.real = sqlite3_vfs_find(NULL);
    power.recording = *power.real; /* what is not replaced does not look at which one it is called for */
    power.recording.zName = "power";
    power.recording.pNext = NULL;
    power.recording.szOsFile = (int)sizeof(struct power_file) + power.real->szOsFile;
    power.recording.xOpen = power_open;
    power.recording.xDelete = power_delete;
    power.recording.xSleep = power_sleep;
    sqlite3_vfs_register(&power.recording, 1);
}

static inline void power_remove(void)
{
    sqlite3_vfs_unregister(&power.recording);
    sqlite3_vfs_register(power.real, 1);
}

/* --- what the room does by itself --------------------------------------------------------------------------------- */

int __real_mkostemp(char *path, int flags);
int __wrap_mkostemp(char *path, int flags);
int __wrap_mkostemp(char *path, int flags)
{
    int fd = __real_mkostemp(path, flags);
    bool is_new;
    unsigned file;
    if (fd >= 0)
        power_file(path, &is_new, &file);
    return fd;
}

int __real_renameat2(int old, const char *from, int new, const char *to, unsigned flags);
int __wrap_renameat2(int old, const char *from, int new, const char *to, unsigned flags);
int __wrap_renameat2(int old, const char *from, int new, const char *to, unsigned flags)
{
    int result = __real_renameat2(old, from, new, to, flags);
    if (result == 0)
        power_rename(from, to);
    return result;
}

int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to)
{
    int result = __real_rename(from, to);
    if (result == 0)
        power_rename(from, to);
    return result;
}

/* A second name. */
int __real_link(const char *from, const char *to);
int __wrap_link(const char *from, const char *to);
int __wrap_link(const char *from, const char *to)
{
    int result = __real_link(from, to);
    g_autofree char *old = power_name(from), *new = power_name(to);
    unsigned known = old ? GPOINTER_TO_UINT(g_hash_table_lookup(power.names, old)) : 0;
    if (result != 0 || !known || !new)
        return result;
    power_note(CHANGE_NAME, known - 1)->name = g_strdup(new);
    g_hash_table_insert(power.names, g_steal_pointer(&new), GUINT_TO_POINTER(known));
    return result;
}

/* Another file takes the name's place, whole, and its bytes (not its name) are synced. */
gboolean __real_g_file_set_contents_full(const char *path, const char *text, gssize length, GFileSetContentsFlags flags,
                                         int mode, GError **error);
gboolean __wrap_g_file_set_contents_full(const char *path, const char *text, gssize length, GFileSetContentsFlags flags,
                                         int mode, GError **error);
gboolean __wrap_g_file_set_contents_full(const char *path, const char *text, gssize length, GFileSetContentsFlags flags,
                                         int mode, GError **error)
{
    gboolean done = __real_g_file_set_contents_full(path, text, length, flags, mode, error);
    g_autofree char *name = power_name(path);
    if (!done || !name)
        return done;
    unsigned file = power.files++;
    power_note(CHANGE_WRITE, file)->bytes = g_bytes_new(text, length < 0 ? strlen(text) : (gsize)length);
    power_note(CHANGE_SYNC, file);
    power_note(CHANGE_NAME, file)->name = g_strdup(name);
    g_hash_table_insert(power.names, g_steal_pointer(&name), GUINT_TO_POINTER(file + 1));
    return done;
}

int __real_unlink(const char *path);
int __wrap_unlink(const char *path);
int __wrap_unlink(const char *path)
{
    int result = __real_unlink(path);
    if (result == 0)
        power_forget_name(path, false);
    return result;
}

/* Of the folder or of one of its files. */
int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
    g_autofree char *link = g_strdup_printf("/proc/self/fd/%d", fd);
    g_autofree char *path = g_file_read_link(link, NULL), *name = power_name(path);
    unsigned known = name ? GPOINTER_TO_UINT(g_hash_table_lookup(power.names, name)) : 0;
    if (power.folder && g_strcmp0(path, power.folder) == 0)
        power_note(CHANGE_NAMES_SYNC, 0);
    else if (known)
        power_note(CHANGE_SYNC, known - 1);
    return 0;
}

/* --- the disk after a power cut ----------------------------------------------------------------------------------- */

enum cut_manner {
    CUT_NOTHING, /* what was not synced is lost */
    CUT_ALL,     /* all of it got there */
    CUT_SOME,    /* any part of the writes, in any order; of the names, the first so many */
    CUT_TORN,    /* all but the last write, of which only the first sectors did */
    CUT_MANNERS
};

static const char *const cut_names[] = {[CUT_NOTHING] = "nothing unsynced is kept",
                                        [CUT_ALL] = "all is kept",
                                        [CUT_SOME] = "a part is kept",
                                        [CUT_TORN] = "the last write is torn"};

enum { SECTOR_BYTES = 512 };

struct disk {
    GPtrArray *contents; /* GByteArray * of each file: what was synced */
    GPtrArray *writes;   /* struct change *, borrowed: not synced, in order */
    GHashTable *names;   /* name -> file + 1: what was synced */
    GPtrArray *namings;  /* struct change *, borrowed: not synced, in order */
};

static void disk_bytes_free(void *bytes)
{
    g_byte_array_unref(bytes);
}

static inline struct disk *disk_new(void)
{
    struct disk *disk = g_new0(struct disk, 1);
    disk->contents = g_ptr_array_new_with_free_func(disk_bytes_free);
    disk->writes = g_ptr_array_new();
    disk->names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    disk->namings = g_ptr_array_new();
    return disk;
}

static inline void disk_free(struct disk *disk)
{
    g_ptr_array_unref(disk->contents);
    g_ptr_array_unref(disk->writes);
    g_hash_table_destroy(disk->names);
    g_ptr_array_unref(disk->namings);
    g_free(disk);
}

static void resize(GByteArray *content, int64_t size)
{
    guint before = content->len;
    g_byte_array_set_size(content, (guint)size);
    if (content->len > before)
        memset(content->data + before, 0, content->len - before);
}

/* Of a write, the first `most` bytes. */
static void content_apply(GByteArray *content, const struct change *change, gsize most)
{
    gsize length;
    const void *bytes = change->bytes ? g_bytes_get_data(change->bytes, &length) : NULL;
    if (change->kind == CHANGE_TRUNCATE) {
        resize(content, change->offset);
        return;
    }
    length = bytes ? MIN(length, most) : 0;
    if (content->len < change->offset + (int64_t)length)
        resize(content, change->offset + (int64_t)length);
    if (length > 0)
        memcpy(content->data + change->offset, bytes, length);
}

static void name_apply(GHashTable *names, const struct change *change)
{
    if (change->kind == CHANGE_NAME)
        g_hash_table_insert(names, g_strdup(change->name), GUINT_TO_POINTER(change->file + 1));
    else
        g_hash_table_remove(names, change->name);
}

/* The file's writes lie on disk now. */
static void disk_sync(struct disk *disk, unsigned file)
{
    guint kept = 0;
    for (guint i = 0; i < disk->writes->len; i++) {
        struct change *change = disk->writes->pdata[i];
        if (change->file == file)
            content_apply(disk->contents->pdata[file], change, SIZE_MAX);
        else
            disk->writes->pdata[kept++] = change;
    }
    g_ptr_array_set_size(disk->writes, (gint)kept);
}

/* Does to the disk what was done. */
static inline void disk_apply(struct disk *disk, struct change *change)
{
    while (disk->contents->len <= change->file)
        g_ptr_array_add(disk->contents, g_byte_array_new());
    switch (change->kind) {
    case CHANGE_WRITE:
    case CHANGE_TRUNCATE:
        g_ptr_array_add(disk->writes, change);
        break;
    case CHANGE_SYNC:
        disk_sync(disk, change->file);
        break;
    case CHANGE_NAME:
    case CHANGE_NO_NAME:
        g_ptr_array_add(disk->namings, change);
        break;
    case CHANGE_NAMES_SYNC:
        for (guint i = 0; i < disk->namings->len; i++)
            name_apply(disk->names, disk->namings->pdata[i]);
        g_ptr_array_set_size(disk->namings, 0);
        break;
    case CHANGE_DONE:
        break;
    }
}

/* How many bytes of the write number `i` of those not synced get there. */
static gsize part_of_write(const struct disk *disk, guint i, enum cut_manner manner, GRand *dice)
{
    const struct change *change = disk->writes->pdata[i];
    gsize length = change->bytes ? g_bytes_get_size(change->bytes) : 0;
    if (manner == CUT_TORN && i + 1 == disk->writes->len && length > SECTOR_BYTES)
        return (gsize)g_rand_int_range(dice, 1, (gint32)(length / SECTOR_BYTES)) * SECTOR_BYTES;
    return SIZE_MAX;
}

/* The first so many namings get there; a renaming is one. */
static guint namings_kept(const struct disk *disk, enum cut_manner manner, GRand *dice)
{
    guint n = disk->namings->len;
    guint kept = manner == CUT_NOTHING ? 0 : manner == CUT_SOME ? (guint)g_rand_int_range(dice, 0, (gint32)n + 1) : n;
    if (kept < n && ((struct change *)disk->namings->pdata[kept])->renamed_away)
        kept++;
    return kept;
}

static void write_names(const char *folder, GHashTable *names, GPtrArray *contents)
{
    GHashTableIter iter;
    void *name, *file;
    g_hash_table_iter_init(&iter, names);
    while (g_hash_table_iter_next(&iter, &name, &file)) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        const GByteArray *content = contents->pdata[GPOINTER_TO_UINT(file) - 1];
        FILE *out = fopen(path, "wb");
        if (!out || fwrite(content->len ? (const char *)content->data : "", 1, content->len, out) != content->len ||
            fclose(out) != 0)
            g_error("cannot write %s", path);
    }
}

/* Writes the folder as it is when the power comes back. */
static inline void disk_cut(const struct disk *disk, const char *folder, enum cut_manner manner, GRand *dice)
{
    g_autoptr(GPtrArray) contents = g_ptr_array_new_with_free_func(disk_bytes_free);
    g_autoptr(GHashTable) names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    GHashTableIter iter;
    void *name, *file;
    for (guint i = 0; i < disk->contents->len; i++) {
        const GByteArray *content = disk->contents->pdata[i];
        g_ptr_array_add(contents, g_byte_array_append(g_byte_array_new(), content->data, content->len));
    }
    for (guint i = 0; manner != CUT_NOTHING && i < disk->writes->len; i++)
        if (manner != CUT_SOME || g_rand_boolean(dice))
            content_apply(contents->pdata[((struct change *)disk->writes->pdata[i])->file], disk->writes->pdata[i],
                          part_of_write(disk, i, manner, dice));
    g_hash_table_iter_init(&iter, disk->names);
    while (g_hash_table_iter_next(&iter, &name, &file))
        g_hash_table_insert(names, g_strdup(name), file);
    guint kept = namings_kept(disk, manner, dice);
    for (guint i = 0; i < kept; i++)
        name_apply(names, disk->namings->pdata[i]);
    write_names(folder, names, contents);
}

#endif
