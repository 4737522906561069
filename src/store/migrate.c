#include "store/migrations.h"
#include "store/store_private.h"

int store_schema_version(void)
{
    return store_migrations[store_migration_count - 1].version;
}

static bool read_version(struct store *store, int64_t *version, GError **error)
{
    struct statement *statement = statement_get(store, STATEMENT_USER_VERSION, error);
    return statement && statement_int(statement, 0, version, error);
}

/* The first migration above `version`; NULL when there is none. */
static const struct migration *next_migration(int64_t version)
{
    for (unsigned i = 0; i < store_migration_count; i++)
        if (store_migrations[i].version > version)
            return &store_migrations[i];
    return NULL;
}

/* Inside a transaction: the version is read again, as another program may have migrated while we waited for the lock.
 */
static bool apply_next(struct store *store, bool *more, GError **error)
{
    int64_t version;
    if (!read_version(store, &version, error))
        return false;
    const struct migration *migration = next_migration(version);
    *more = migration != NULL;
    if (!migration)
        return true;

    g_autofree char *mark = g_strdup_printf("PRAGMA user_version = %d", migration->version);
    return store_execute(store, migration->sql, migration->name, error) &&
           store_execute(store, mark, migration->name, error);
}

bool store_migrate(struct store *store, GError **error)
{
    int64_t version;
    if (!read_version(store, &version, error))
        return false;
    for (bool more = version < store_schema_version(); more;) {
        if (!store_begin(store, error))
            return false;
        if (!apply_next(store, &more, error)) {
            store_rollback(store);
            return false;
        }
        if (!store_commit(store, error))
            return false;
    }
    return true;
}
