#include "user_print.h"

#include <string.h>

#include "base/base.h"

/* Stands out: the account cannot be signed in to, or is gone. */
static const char *enabled_color(const char *cell)
{
    return strcmp(cell, "no") == 0 ? "\x1b[33m" : "";
}

static const char *removed_color(const char *cell)
{
    return strcmp(cell, "-") == 0 ? "" : "\x1b[31m";
}

static const struct print_column columns[] = {
    {.title = "NAME", .most = 18, .most_wide = 28, .least = 8},
    {.title = "CUSTOMER", .most = 14, .most_wide = 20, .least = 7, .when = PRINT_WHEN_SEVERAL},
    {.title = "USER PRINCIPAL NAME"},
    {.title = "TYPE", .most = 6, .most_wide = 8, .from = PRINT_WIDE},
    {.title = "ENABLED", .most = 7, .most_wide = 7, .from = 60, .color = enabled_color},
    {.title = "LAST SIGN-IN", .most = 16, .most_wide = 16, .from = 80},
    {.title = "REMOVED", .most = 10, .most_wide = 10, .when = PRINT_WHEN_TOLD, .color = removed_color},
    {.title = NULL},
};

const struct print_kind user_print_kind = {
    .columns = columns,
    .csv_titles = "user_id,customer,tenant_id,id,user_principal_name,display_name,mail,account_enabled,user_type,"
                  "created,last_sign_in,removed_at,removed_reason,first_seen,changed_at",
};

static bool add_cells(struct printer *printer, const struct store_user *account)
{
    g_autofree char *last_sign_in = print_minute(account->last_sign_in);
    g_autofree char *removed = print_day(account->removed_at);
    const char *enabled = account->account_enabled < 0 ? NULL : account->account_enabled == 0 ? "no" : "yes";
    const char *const cells[] = {account->display_name,
                                 account->customer,
                                 account->user_principal_name != NULL ? account->user_principal_name : account->id,
                                 account->user_type,
                                 enabled,
                                 last_sign_in,
                                 removed};

    return printer_add_cells(printer, cells);
}

static bool add_json(struct printer *printer, const struct store_user *account)
{
    g_autoptr(GString) document = g_string_new(NULL);

    store_user_append_json(document, account);
    return printer_add_json(printer, document->str, document->len);
}

static bool add_csv(struct printer *printer, const struct store_user *account)
{
    g_autofree char *user_id = g_strdup_printf("%" G_GINT64_FORMAT, account->user_id);
    const char *enabled = account->account_enabled < 0 ? NULL : account->account_enabled == 0 ? "0" : "1";
    const char *const fields[] = {user_id,
                                  account->customer,
                                  account->tenant_id,
                                  account->id,
                                  account->user_principal_name,
                                  account->display_name,
                                  account->mail,
                                  enabled,
                                  account->user_type,
                                  account->created,
                                  account->last_sign_in,
                                  account->removed_at,
                                  account->removed_reason,
                                  account->first_seen,
                                  account->changed_at};

    return printer_add_csv(printer, fields, G_N_ELEMENTS(fields));
}

bool user_print(struct printer *printer, const struct store_user *account)
{
    switch (printer_format(printer)) {
    case PRINT_FORMAT_TABLE:
        return add_cells(printer, account);
    case PRINT_FORMAT_JSON:
        return add_json(printer, account);
    case PRINT_FORMAT_CSV:
        return add_csv(printer, account);
    case PRINT_FORMAT_RAW:
        return printer_add_raw(printer, account->raw, account->raw_length);
    }
    g_return_val_if_reached(false);
}
