#include "store/store_private.h"

/* Looks for the customer; 0 when there is none. */
static bool customer_find(struct store *store, const char *name, const char *tenant_id, int64_t *id, GError **error)
{
    sqlite3_stmt *find = statement_get(store, STATEMENT_CUSTOMER_FIND, error);
    if (!find)
        return false;
    bind_text(find, 1, name);
    bind_text(find, 2, tenant_id);
    return statement_int(store, STATEMENT_CUSTOMER_FIND, find, 0, id, error);
}

static bool customer_insert(struct store *store, const char *name, const char *tenant_id, int64_t *id, GError **error)
{
    sqlite3_stmt *insert = statement_get(store, STATEMENT_CUSTOMER_INSERT, error);
    if (!insert)
        return false;
    bind_text(insert, 1, name);
    bind_text(insert, 2, tenant_id);
    return statement_int(store, STATEMENT_CUSTOMER_INSERT, insert, 0, id, error);
}

int64_t store_customer(struct store *store, const char *name, const char *tenant_id, GError **error)
{
    int64_t id = 0;
    if (!customer_find(store, name, tenant_id, &id, error))
        return 0;
    if (id != 0)
        return id;
    if (!store_begin(store, error))
        return 0;
    /* Again, under the lock: another program may have been quicker. */
    if (!customer_find(store, name, tenant_id, &id, error) ||
        (id == 0 && !customer_insert(store, name, tenant_id, &id, error))) {
        store_rollback(store);
        return 0;
    }
    return store_commit(store, error) ? id : 0;
}

bool store_collection_note(struct store *store, int64_t customer_id, const char *source, int64_t at,
                           const char *error_text, GError **error)
{
    sqlite3_stmt *note = statement_get(store, STATEMENT_COLLECTION_NOTE, error);
    if (!note)
        return false;
    bind_int(note, 1, customer_id);
    bind_text(note, 2, source);
    bind_int(note, 3, at);
    bind_text(note, 4, error_text);
    return statement_run(store, STATEMENT_COLLECTION_NOTE, note, error);
}
