/* Records of the source users, over any bytes; and the property that an error message names. What is checked beyond the
 * sanitizers:
 *
 * - a record is one account, with an id and at most a removal of a known kind, or is refused in words;
 * - what an account's JSON says is UTF-8, its times are 28 characters, and whatever it says can be found;
 * - read again, after others, it says the same; and so does the same account in other bytes;
 * - $select loses exactly the property that a message names, and never the id. */
#include "fuzz.h"

#include "base/base.h"
#include "document_lines.h"
#include "json_print.h"
#include "sources/sources.h"

/* --- records ------------------------------------------------------------------------------------------------------ */

static void check_record(struct json_slice slice)
{
    g_autoptr(JsonTree) tree = json_tree_new();
    g_autoptr(GError) error = NULL;
    struct account_record *record = users_record(tree, slice, &error);

    g_assert((record == NULL) == (error != NULL));
    if (record == NULL) {
        fuzz_check_message(error);
        return;
    }
    const struct json_node *node = json_tree_parse(tree, slice.bytes, slice.length, NULL);
    const struct json_node *removed = json_get(node, "@removed");
    g_assert(node != NULL && slice.fault == JSON_FAULT_NONE);
    g_assert(g_strcmp0(json_get_string(node, "id"), record->id) == 0);
    g_assert((removed != NULL && removed->type != JSON_NULL) == (record->removed_reason != NULL));
    g_assert(record->removed_reason == NULL || strcmp(record->removed_reason, "changed") == 0 ||
             strcmp(record->removed_reason, "deleted") == 0);
    g_assert(record->raw == slice.bytes && record->length == slice.length);
    account_record_free(record);
}

static void check_page(const char *bytes, size_t size)
{
    g_autoptr(JsonPage) page = json_page_new(true, size + 2);

    json_page_feed(page, "[", 1, NULL);
    json_page_feed(page, bytes, size, NULL);
    json_page_feed(page, "]", 1, NULL);
    if (json_page_finish(page, NULL))
        for (size_t i = 0; i < json_page_count(page); i++)
            check_record(json_page_record(page, i));
}

/* --- accounts ----------------------------------------------------------------------------------------------------- */

static void check_same(const struct account *a, const struct account *b)
{
    g_assert(g_strcmp0(a->user_principal_name, b->user_principal_name) == 0 && g_strcmp0(a->mail, b->mail) == 0);
    g_assert(g_strcmp0(a->display_name, b->display_name) == 0 && g_strcmp0(a->user_type, b->user_type) == 0);
    g_assert(g_strcmp0(a->created, b->created) == 0 && g_strcmp0(a->last_sign_in, b->last_sign_in) == 0);
    g_assert(a->enabled == b->enabled && strcmp(a->text, b->text) == 0);
}

static void check_fields(const struct account *account)
{
    const char *texts[] = {account->user_principal_name, account->display_name, account->mail, account->user_type};

    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
        g_assert(texts[i] == NULL || (texts[i][0] != '\0' && g_utf8_validate(texts[i], -1, NULL)));
    document_check_time(account->created);
    document_check_time(account->last_sign_in);
    g_assert(account->enabled >= -1 && account->enabled <= 1);
}

static void check_account(const char *bytes, size_t size)
{
    g_autoptr(JsonTree) tree = json_tree_new();
    g_autoptr(GString) printed = g_string_new(NULL);
    struct account account = {.enabled = -1}, again = {.enabled = -1}, anew = {.enabled = -1};
    const struct json_node *node = json_tree_parse(tree, bytes, size, NULL);

    users_decode(bytes, size, &account);
    check_fields(&account);
    if (node == NULL || node->type != JSON_OBJECT) {
        g_assert(account.text[0] == '\0' && account.user_principal_name == NULL && account.enabled == -1);
    } else {
        g_autofree char *summary = document_check_text(account.text, node);
        document_check_summary(summary);
        json_print(printed, node);
        users_decode(printed->str, printed->len, &anew);
        users_decode(bytes, size, &again);
        check_same(&account, &again);
        check_same(&account, &anew);
    }
    account_clear(&account);
    account_clear(&again);
    account_clear(&anew);
}

/* --- $select ------------------------------------------------------------------------------------------------------ */

static void check_select(const char *bytes, size_t size)
{
    g_autofree char *message = g_strndup(bytes, size), *dropped = NULL;
    g_autofree char *select = users_select_without(users_select, message, &dropped);

    if (select == NULL) {
        g_assert(dropped == NULL);
        return;
    }
    g_auto(GStrv) before = g_strsplit(users_select, ",", -1);
    g_auto(GStrv) after = g_strsplit(select, ",", -1);
    g_assert(g_strv_length(after) + 1 == g_strv_length(before));
    for (char **name = before; *name != NULL; name++)
        g_assert(g_strv_contains((const char *const *)after, *name) == (strcmp(*name, dropped) != 0));
    g_assert(strcmp(dropped, "id") != 0);
    g_autofree char *here = g_ascii_strdown(message, -1), *named = g_ascii_strdown(dropped, -1);
    g_assert(strstr(here, named) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *bytes = fuzz_exact(data, size);

    check_record((struct json_slice){bytes, size, JSON_FAULT_NONE});
    check_page(bytes, size);
    check_account(bytes, size);
    check_select(bytes, size);
    return 0;
}
