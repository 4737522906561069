#include "store/store_private.h"

/* Runs a statement about (name, tenant) that returns the row's id; 0 when it returns none. */
static bool customer_write(struct store *store, enum statement_id statement, const char *name, const char *tenant_id,
                           int64_t *id, GError **error)
{
    struct statement *write = statement_get(store, statement, error);
    if (!write)
        return false;
    bind_text(write, 1, name);
    bind_text(write, 2, tenant_id);
    return statement_int(write, 0, id, error);
}

/* Under the lock: another program may have been quicker, and a tenant may have got a new name. */
static bool customer_settle(struct store *store, const char *name, const char *tenant_id, int64_t *id, GError **error)
{
    return customer_write(store, STATEMENT_CUSTOMER_FIND, name, tenant_id, id, error) &&
           (*id != 0 || customer_write(store, STATEMENT_CUSTOMER_RENAME, name, tenant_id, id, error)) &&
           (*id != 0 || customer_write(store, STATEMENT_CUSTOMER_INSERT, name, tenant_id, id, error));
}

int64_t store_customer(struct store *store, const char *name, const char *tenant_id, GError **error)
{
    int64_t id = 0;
    if (!customer_write(store, STATEMENT_CUSTOMER_FIND, name, tenant_id, &id, error))
        return 0;
    if (id != 0)
        return id;
    if (!store_begin(store, error))
        return 0;
    if (!customer_settle(store, name, tenant_id, &id, error)) {
        store_rollback(store);
        return 0;
    }
    return store_commit(store, error) ? id : 0;
}

bool store_collection_note(struct store *store, int64_t customer_id, const char *source, int64_t at,
                           enum store_outcome outcome, const char *error_text, GError **error)
{
    static const char *const statuses[] = {[STORE_OUTCOME_OK] = "ok",
                                           [STORE_OUTCOME_PARTIAL] = "partial",
                                           [STORE_OUTCOME_FAILED] = "failed",
                                           [STORE_OUTCOME_UNAVAILABLE] = "skipped"};
    struct statement *note = statement_get(store, STATEMENT_COLLECTION_NOTE, error);
    if (!note)
        return false;
    bind_int(note, 1, customer_id);
    bind_text(note, 2, source);
    bind_int(note, 3, at);
    bind_text(note, 4, error_text);
    bind_text(note, 5, statuses[outcome]);
    return statement_run(note, error);
}
