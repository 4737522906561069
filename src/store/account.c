#include "store/store.h"

struct account_record *account_record_new(const char *id, const char *removed_reason, const char *raw, size_t length)
{
    struct account_record *record = g_new0(struct account_record, 1);
    record->id = g_strdup(id);
    record->removed_reason = g_strdup(removed_reason);
    record->raw = raw;
    record->length = length;
    return record;
}

void account_record_free(struct account_record *record)
{
    if (!record)
        return;
    g_free(record->id);
    g_free(record->removed_reason);
    g_free(record);
}

void account_clear(struct account *account)
{
    g_free(account->user_principal_name);
    g_free(account->display_name);
    g_free(account->mail);
    g_free(account->user_type);
    g_free(account->created);
    g_free(account->last_sign_in);
    g_free(account->text);
    *account = (struct account){.enabled = -1};
}

struct store_accounts *store_accounts_new(void)
{
    struct store_accounts *accounts = g_new0(struct store_accounts, 1);
    accounts->records = g_ptr_array_new_with_free_func((GDestroyNotify)account_record_free);
    return accounts;
}

void store_accounts_free(struct store_accounts *accounts)
{
    if (!accounts)
        return;
    g_ptr_array_unref(accounts->records);
    store_round_clear(&accounts->after);
    g_free(accounts);
}
