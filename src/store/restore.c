#include <errno.h>
#include <sys/stat.h>

#include "store/copy.h"
#include "store/place.h"

/* --- the copy that is restored ---------------------------------------------------------------------------------------
 */

struct source {
    struct store *store;
    const char *path; /* borrowed */
    bool quiet;       /* nobody changes it: SQLite keeps nothing beside it */
    struct stat status;
};

static bool is_file(const char *path, struct stat *status, GError **error)
{
    if (stat(path, status) != 0) {
        int cause = errno;
        g_set_error(error, STORE_ERROR, cause == ENOENT ? STORE_ERROR_NOT_FOUND : STORE_ERROR_READ_ONLY,
                    "there is no backup to be read at %s (%s): give its path", path, g_strerror(cause));
        return false;
    }
    if (!S_ISREG(status->st_mode) || status->st_size > 0)
        return true;
    g_set_error(error, STORE_ERROR, STORE_ERROR_FOREIGN, "%s is an empty file, no backup: give the path of one", path);
    return false;
}

static bool source_open(struct source *source, const char *path, GError **error)
{
    source->path = path;
    if (!is_file(path, &source->status, error))
        return false;
    source->quiet = S_ISREG(source->status.st_mode) && place_is_quiet(path);
    if (!source->quiet)
        source->store = store_open(path, STORE_COPY, error);
    else if (store_look(path, STORE_COPY, error))
        source->store = store_connect_alone(path, path, error);
    return source->store != NULL;
}

/* Where SQLite was told that nobody changes the file, nobody may have. */
static bool source_unchanged(const struct source *source, GError **error)
{
    struct stat now;
    const struct stat *then = &source->status;
    if (!source->quiet ||
        (stat(source->path, &now) == 0 && now.st_ino == then->st_ino && now.st_size == then->st_size &&
         now.st_mtim.tv_sec == then->st_mtim.tv_sec && now.st_mtim.tv_nsec == then->st_mtim.tv_nsec))
        return true;
    g_set_error(error, STORE_ERROR, STORE_ERROR_BUSY,
                "%s was written to while it was copied: run again when nobody writes to it; nothing was changed",
                source->path);
    return false;
}

/* --- the database ----------------------------------------------------------------------------------------------------
 */

static bool look(const char *file, const char *path, bool overwrite, struct place *place, GError **error)
{
    if (place_is_same(file, path)) {
        g_set_error(error, STORE_ERROR, STORE_ERROR_EXISTS,
                    "%s is the database itself, not a copy of it: give the path of a backup", file);
        return false;
    }
    return place_look(place, path, overwrite, error);
}

/* A backup may be of years ago. */
static bool bring_up_to_date(const char *made, const char *path, int version, const struct store_watch *watch,
                             GError **error)
{
    if (version == store_schema_version())
        return true;
    g_autoptr(Store) store = store_connect(made, path, SQLITE_OPEN_READWRITE, error);
    if (!store)
        return false;
    struct watching watching;
    watching_begin(&watching, store, watch);
    bool migrated = watching_tell(&watching, "bringing the copy up to date", 0, 0, error) &&
                    watching_judge(&watching, store_migrate(store, error), error);
    watching_end(&watching);
    return migrated;
}

static bool make(const struct source *source, const struct place *place, struct making *making,
                 const struct store_watch *watch, struct store_copied *result, GError **error)
{
    int64_t bytes = copy_bytes(source->store, error);
    return bytes >= 0 && place_make(place, "new", bytes, making, error) &&
           copy_pages(source->store, making->name, place->path, watch, error) && source_unchanged(source, error) &&
           copy_look(making->name, source->path, watch, result, error) &&
           bring_up_to_date(making->name, place->path, result->version, watch, error);
}

bool store_restore(const char *file, const char *path, bool overwrite, const struct store_watch *watch,
                   struct store_copied *result, GError **error)
{
    struct place place = {0};
    struct making making = {.fd = -1};
    struct source source = {0};
    g_autofree char *copy = place_resolve(file);
    *result = (struct store_copied){0};
    bool done = look(copy, path, overwrite, &place, error) && source_open(&source, copy, error) &&
                make(&source, &place, &making, watch, result, error) && place_put(&place, &making, overwrite, error);
    store_close(source.store);
    place_give_up(&making);
    place_clear(&place);
    return done;
}
