/* What the tests of accounts share: pages of accounts, and a decoder in the room of the real one. */
#ifndef M365KEEP_TEST_STORE_ACCOUNTS_FIXTURE_H
#define M365KEEP_TEST_STORE_ACCOUNTS_FIXTURE_H

#include "fixture.h"

#include "base/json.h"

static inline char *string_of(const struct json_node *account, const char *key)
{
    return g_strdup(json_get_string(account, key));
}

/* The text is what the account is called: so a test can tell when words change and when only the rest does. */
static inline void decode(const char *raw, size_t length, struct account *account)
{
    g_autoptr(JsonTree) tree = json_tree_new();
    const struct json_node *root = json_tree_parse(tree, raw, length, NULL);
    const struct json_node *enabled = json_get(root, "accountEnabled");
    account->user_principal_name = string_of(root, "userPrincipalName");
    account->display_name = string_of(root, "displayName");
    account->mail = string_of(root, "mail");
    account->user_type = string_of(root, "userType");
    account->created = string_of(root, "createdDateTime");
    account->last_sign_in = string_of(json_get(root, "signInActivity"), "lastSignInDateTime");
    if (enabled)
        account->enabled = enabled->type == JSON_TRUE ? 1 : enabled->type == JSON_FALSE ? 0 : -1;
    account->text = g_strjoin("\n", account->display_name ? account->display_name : "",
                              account->user_principal_name ? account->user_principal_name : "", NULL);
}

/* A page of accounts, the only one of its round; what it says is added with page_say. */
static inline struct store_page *accounts_page(int64_t customer, enum store_round_kind kind)
{
    struct store_page *page = g_new0(struct store_page, 1);
    struct store_accounts *accounts = store_accounts_new();
    accounts->decode = decode;
    accounts->first = kind == STORE_ROUND_LISTING;
    accounts->after = (struct store_round){.kind = kind,
                                           .query = g_strdup("id,displayName"),
                                           .link = g_strdup("https://graph.example/delta?$deltatoken=1"),
                                           .complete = true,
                                           .started_at = AT - 60,
                                           .completed_at = AT,
                                           .saved_at = AT};
    page->customer_id = customer;
    page->source = "users";
    page->part = kind == STORE_ROUND_ACTIVITY ? "sign-in-activity" : "";
    page->unreadable = g_ptr_array_new_with_free_func((GDestroyNotify)unreadable_free);
    page->received_at = AT;
    page->accounts = accounts;
    return page;
}

static inline struct store_accounts *accounts_of(struct store_page *page)
{
    return (struct store_accounts *)page->accounts;
}

static inline void accounts_page_free(struct store_page *page)
{
    store_accounts_free(accounts_of(page));
    g_ptr_array_unref(page->unreadable);
    g_free(page);
}

/* Adds a record; `raw` is borrowed. */
static inline void page_say(struct store_page *page, const char *id, const char *reason, const char *raw)
{
    g_ptr_array_add(accounts_of(page)->records, account_record_new(id, reason, raw, strlen(raw)));
    accounts_of(page)->after.records++;
}

/* Another page of the round follows this one, or `link` NULL: it is the last. */
static inline void page_goes_on(struct store_page *page, bool first)
{
    accounts_of(page)->first = first;
    accounts_of(page)->after.complete = false;
    accounts_of(page)->after.completed_at = 0;
}

/* What is said about one account. */
struct said {
    const char *id, *reason, *raw;
};

/* Commits one page, the only one of its round, that says all this; tells what it did. */
static inline struct store_counts say_at(struct fixture *fixture, enum store_round_kind kind, int64_t received_at,
                                         const struct said *said, size_t n)
{
    struct store_page *page = accounts_page(fixture->customer, kind);
    page->received_at = received_at;
    for (size_t i = 0; i < n; i++)
        page_say(page, said[i].id, said[i].reason, said[i].raw);
    commit(fixture, page);
    struct store_counts counts = page->counts;
    accounts_page_free(page);
    return counts;
}

static inline struct store_counts say_one(struct fixture *fixture, enum store_round_kind kind, int64_t received_at,
                                          const char *id, const char *reason, const char *raw)
{
    struct said said = {id, reason, raw};
    return say_at(fixture, kind, received_at, &said, 1);
}

static inline void assert_account_counts(struct store_counts counts, int64_t inserted, int64_t updated,
                                         int64_t duplicates, int64_t removed)
{
    if (counts.inserted != inserted || counts.updated != updated || counts.duplicates != duplicates ||
        counts.removed != removed || counts.unreadable != 0)
        fail_msg("%ld inserted, %ld updated, %ld duplicates, %ld removed, %ld unreadable", (long)counts.inserted,
                 (long)counts.updated, (long)counts.duplicates, (long)counts.removed, (long)counts.unreadable);
}

#endif
