#include "store/copy.h"
#include "store/place.h"

/* True for the database itself and for the files that belong to it by their names: whatever lay there would be taken
 * for its log, or removed. */
static bool is_of_database(const char *database, const char *path)
{
    static const char *const beside[] = {"",           "-wal",           "-shm",    "-journal", ".lock", ".health.lock",
                                         ".mail.lock", ".maintain.lock", ".reserve"};
    for (size_t i = 0; i < G_N_ELEMENTS(beside); i++) {
        g_autofree char *file = g_strconcat(database, beside[i], NULL);
        if (g_str_equal(file, path) || place_is_same(file, path))
            return true;
    }
    return false;
}

static bool look(struct store *store, const char *file, bool overwrite, struct place *place, GError **error)
{
    g_autofree char *database = place_resolve(store->path);
    g_autofree char *path = place_resolve(file);
    if (is_of_database(database, path)) {
        g_set_error(error, STORE_ERROR, STORE_ERROR_EXISTS,
                    "%s belongs to the database %s itself: give the backup another name", path, store->path);
        return false;
    }
    return place_look(place, path, overwrite, error) && (!overwrite || place_is_ours(place, error));
}

static bool make(struct store *store, const struct place *place, struct making *making, const struct store_watch *watch,
                 struct store_copied *result, GError **error)
{
    int64_t bytes = copy_bytes(store, error);
    return bytes >= 0 && place_make(place, "partial", bytes, making, error) &&
           copy_pages(store, making->name, place->path, watch, error) &&
           copy_look(making->name, store->path, watch, result, error);
}

bool store_backup(struct store *store, const char *file, bool overwrite, const struct store_watch *watch,
                  struct store_copied *result, GError **error)
{
    struct place place = {0};
    struct making making = {.fd = -1};
    *result = (struct store_copied){0};
    bool done = look(store, file, overwrite, &place, error) && make(store, &place, &making, watch, result, error) &&
                place_put(&place, &making, overwrite, error);
    if (done)
        place_tell_left(place.path);
    place_give_up(&making);
    place_clear(&place);
    return done;
}
