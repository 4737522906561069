/* Writing accounts: states that are merged, removed and restored, with every change kept. Numbers in names are those of
 * the list of quirks. */
#include "accounts_fixture.h"

#define LISTING  STORE_ROUND_LISTING
#define DELTA    STORE_ROUND_DELTA
#define ACTIVITY STORE_ROUND_ACTIVITY

#define ADA "{\"id\":\"a\",\"displayName\":\"Ada\",\"userPrincipalName\":\"ada@example.org\",\"department\":null}"
#define BEA "{\"id\":\"b\",\"displayName\":\"Bea\",\"userPrincipalName\":\"bea@example.org\"}"
#define CID "{\"id\":\"c\",\"displayName\":\"Cid\",\"userPrincipalName\":\"cid@example.org\"}"

static const struct said three[] = {{"a", NULL, ADA}, {"b", NULL, BEA}, {"c", NULL, CID}};
enum { LATER = AT + 3600 };

/* Everything about accounts that a page that says nothing new must leave alone. */
static char *accounts_now(const struct fixture *fixture)
{
    return rows_in(fixture->path,
                   "SELECT *, (SELECT value FROM counter WHERE name = 'seq'), (SELECT count(*) FROM user_change), "
                   "(SELECT count(*) FROM "
                   "user_fts_data), (SELECT records FROM collection) FROM user LEFT JOIN user_fts_content AS t ON "
                   "t.id = user_id ORDER BY user_id");
}

static void assert_unchanged(const struct fixture *fixture, const char *before)
{
    g_autofree char *after = accounts_now(fixture);
    assert_string_equal(before, after);
}

/* --- a first listing
 * ---------------------------------------------------------------------------------------------------- */

static void a_first_listing_stores_every_account_with_its_fields_and_exact_bytes(void **state)
{
    struct fixture *fixture = *state;
    const char *raw = "{ \"id\" : \"a\",\t\"displayName\":\"Ada \\u017d\", \"userPrincipalName\":\"ada@example.org\", "
                      "\"mail\":\"ada@mail.example\", \"accountEnabled\":true, \"userType\":\"Member\", "
                      "\"createdDateTime\":\"2024-02-29T08:00:00.0000000Z\", \"n\":9007199254740993 }";
    assert_account_counts(say_one(fixture, LISTING, AT, "a", NULL, raw), 1, 0, 0, 0);
    assert_rows(fixture,
                "SELECT customer, tenant_id, id, user_principal_name, display_name, mail, account_enabled, user_type, "
                "created, last_sign_in, removed_at, removed_reason, raw_text, first_seen, changed_at FROM users",
                "contoso|" TENANT "|a|ada@example.org|Ada \xc5\xbd|ada@mail.example|1|Member|"
                "2024-02-29T08:00:00.0000000Z|NULL|NULL|NULL|Ada \xc5\xbd\nada@example.org|2026-11-26T08:00:00Z|NULL");
    assert_rows(fixture, "SELECT raw FROM users", raw);
    assert_rows(fixture, "SELECT first_seq, seq FROM user", "1|1");
    assert_rows(fixture, "SELECT count(*) FROM user_changes", "0");
    assert_rows(fixture, "SELECT source, records, newest FROM collections", "users|1|NULL");
}

static void what_an_account_does_not_tell_stays_null(void **state)
{
    struct fixture *fixture = *state;
    say_one(fixture, LISTING, AT, "a", NULL, "{\"id\":\"a\",\"accountEnabled\":null,\"mail\":null}");
    assert_rows(fixture,
                "SELECT user_principal_name, display_name, mail, account_enabled, user_type, created FROM users",
                "NULL|NULL|NULL|NULL|NULL|NULL");
    say_one(fixture, DELTA, AT, "a", NULL, "{\"id\":\"a\",\"accountEnabled\":false}");
    assert_rows(fixture, "SELECT account_enabled FROM users", "0");
}

static void accounts_are_found_by_their_words_and_by_facets_alone(void **state)
{
    struct fixture *fixture = *state;
    say_at(fixture, LISTING, AT, three, 3);
    assert_rows(fixture,
                "SELECT id FROM user_fts JOIN users ON user_id = user_fts.rowid WHERE user_fts MATCH 'text: bea'", "b");
    assert_rows(fixture, "SELECT DISTINCT length(facets), substr(facets, 1, 2), substr(facets, 16, 2) FROM user_fts",
                "29|cu|so");
}

static void a_page_without_accounts_writes_only_where_the_round_stands(void **state)
{
    struct fixture *fixture = *state;
    assert_account_counts(say_at(fixture, DELTA, AT, NULL, 0), 0, 0, 0, 0);
    assert_rows(fixture, "SELECT count(*), (SELECT count(*) FROM collections) FROM users", "0|0");
    assert_rows(fixture, "SELECT kind, complete FROM user_rounds", "delta|1");
    assert_rows(fixture, "SELECT value FROM counter WHERE name = 'seq'", "0");
}

static void unreadable_records_of_a_page_of_accounts_are_kept(void **state)
{
    struct fixture *fixture = *state;
    struct store_page *page = accounts_page(fixture->customer, LISTING);
    page_say(page, "a", NULL, ADA);
    g_ptr_array_add(page->unreadable, unreadable_new("no id", "r1", "{\"n\":1}", 7));
    commit(fixture, page);
    assert_int_equal(page->counts.unreadable, 1);
    commit(fixture, page);
    assert_int_equal(page->counts.unreadable, 0);
    accounts_page_free(page);
    assert_rows(fixture, "SELECT source, reason, request_id, CAST(body AS TEXT) FROM unreadable",
                "users|no id|r1|{\"n\":1}");
}

/* --- changes
 * ---------------------------------------------------------------------------------------------------- */

static void every_changed_field_is_a_row_with_old_and_new_value(void **state)
{
    struct fixture *fixture = *state;
    say_at(fixture, LISTING, AT, three, 3);
    assert_account_counts(say_one(fixture, DELTA, LATER, "a", NULL,
                                  "{\"id\":\"a\",\"department\":\"Ops\",\"displayName\":\"Ada L\",\"n\":[ 1.0 ]}"),
                          0, 1, 0, 0);
    assert_rows(fixture, "SELECT customer, id, field, old_value, new_value, seen_at FROM user_changes",
                "contoso|a|department|NULL|\"Ops\"|2026-11-26T09:00:00Z\n"
                "contoso|a|displayName|\"Ada\"|\"Ada L\"|2026-11-26T09:00:00Z\n"
                "contoso|a|n|NULL|[ 1.0 ]|2026-11-26T09:00:00Z");
    assert_rows(
        fixture, "SELECT raw, raw_text, display_name, first_seen, changed_at FROM users WHERE id = 'a'",
        "{\"id\":\"a\",\"displayName\":\"Ada L\",\"userPrincipalName\":\"ada@example.org\",\"department\":\"Ops\","
        "\"n\":[ 1.0 ]}|Ada L\nada@example.org|Ada L|2026-11-26T08:00:00Z|2026-11-26T09:00:00Z");
    assert_rows(fixture, "SELECT count(*) FROM user_fts WHERE user_fts MATCH 'text: L'", "1");
}

static void an_account_and_each_of_its_changes_take_a_change_number_each(void **state)
{
    struct fixture *fixture = *state;
    say_at(fixture, LISTING, AT, three, 3);
    say_one(fixture, DELTA, LATER, "b", NULL, "{\"id\":\"b\",\"x\":1,\"y\":2}");
    assert_rows(fixture, "SELECT id, first_seq, seq FROM user ORDER BY user_id", "a|1|1\nb|2|4\nc|3|3");
    assert_rows(fixture, "SELECT field, first_seq, seq FROM user_change ORDER BY seq", "x|5|5\ny|6|6");
    assert_rows(fixture, "SELECT value FROM counter WHERE name = 'seq'", "6");
}

static void quirk_89_absent_members_stay_and_null_clears(void **state)
{
    struct fixture *fixture = *state;
    say_one(fixture, LISTING, AT, "a", NULL, "{\"id\":\"a\",\"mail\":\"a@x\",\"displayName\":\"Ada\"}");
    say_one(fixture, DELTA, LATER, "a", NULL, "{\"id\":\"a\",\"mail\":null}");
    assert_rows(fixture, "SELECT mail, display_name, raw FROM users",
                "NULL|Ada|{\"id\":\"a\",\"mail\":null,\"displayName\":\"Ada\"}");
    assert_rows(fixture, "SELECT field, old_value, new_value FROM user_changes", "mail|\"a@x\"|NULL");
    assert_account_counts(say_one(fixture, DELTA, LATER, "a", NULL, "{\"id\":\"a\",\"mobilePhone\":null}"), 0, 0, 1, 0);
}

static void quirk_87_what_is_said_again_writes_nothing(void **state)
{
    static const struct said again[] = {
        {"a", NULL, ADA},
        {"a", NULL,
         "{\"department\":null, \"userPrincipalName\" : \"ada@example.org\",\"displayName\":\"Ada\",\"id\":\"a\"}"},
        {"b", NULL, "{\"id\":\"b\"}"},
        {"c", NULL, CID},
    };
    struct fixture *fixture = *state;
    say_at(fixture, LISTING, AT, three, 3);
    g_autofree char *before = accounts_now(fixture);
    assert_account_counts(say_at(fixture, DELTA, LATER, again, G_N_ELEMENTS(again)), 0, 0, 4, 0);
    assert_account_counts(say_at(fixture, LISTING, LATER, again, G_N_ELEMENTS(again)), 0, 0, 4, 0);
    assert_unchanged(fixture, before);
}

static void quirk_87_an_older_change_that_is_replayed_is_undone_by_what_follows_it(void **state)
{
    static const struct said replay[] = {{"a", NULL, "{\"id\":\"a\",\"n\":1}"}, {"a", NULL, "{\"id\":\"a\",\"n\":2}"}};
    struct fixture *fixture = *state;
    say_at(fixture, DELTA, AT, replay, 2);
    assert_account_counts(say_at(fixture, DELTA, LATER, replay, 2), 0, 2, 0, 0);
    assert_rows(fixture, "SELECT raw FROM users", "{\"id\":\"a\",\"n\":2}");
}

static void quirk_87_one_account_several_times_on_a_page_comes_out_as_said_last(void **state)
{
    static const struct said said[] = {
        {"a", NULL, ADA},
        {"a", NULL, "{\"id\":\"a\",\"displayName\":\"Adele\"}"},
        {"a", NULL, ADA},
        {"a", "changed", "{\"id\":\"a\"}"},
        {"a", NULL, "{\"id\":\"a\",\"displayName\":\"Ada\"}"},
        {"a", NULL, "{\"id\":\"a\"}"},
    };
    struct fixture *fixture = *state;
    assert_account_counts(say_at(fixture, DELTA, AT, said, G_N_ELEMENTS(said)), 1, 3, 1, 1);
    assert_rows(fixture, "SELECT display_name, removed_at, raw_text FROM users", "Ada|NULL|Ada\nada@example.org");
    assert_rows(fixture, "SELECT field, old_value, new_value FROM user_change ORDER BY seq",
                "displayName|\"Ada\"|\"Adele\"\ndisplayName|\"Adele\"|\"Ada\"\n"
                "@removed|NULL|{\"reason\":\"changed\"}\n@removed|{\"reason\":\"changed\"}|NULL");
    assert_rows(fixture, "SELECT count(*) FROM user_fts", "1");
}

static void pages_of_one_transaction_build_upon_each_other(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    struct store_page *pages[] = {accounts_page(fixture->customer, LISTING), accounts_page(fixture->customer, LISTING),
                                  accounts_page(fixture->customer, DELTA)};
    page_goes_on(pages[0], true);
    page_say(pages[0], "a", NULL, ADA);
    page_say(pages[0], "b", NULL, BEA);
    accounts_of(pages[1])->first = false;
    page_say(pages[1], "b", NULL, "{\"id\":\"b\",\"displayName\":\"Bee\"}");
    page_say(pages[1], "c", NULL, CID);
    page_say(pages[2], "a", "deleted", "{\"id\":\"a\"}");
    page_say(pages[2], "c", NULL, "{\"id\":\"c\",\"displayName\":\"Sid\"}");
    assert_ok(store_commit_pages(fixture->store, pages, 3, &error), error);
    assert_account_counts(pages[0]->counts, 2, 0, 0, 0);
    assert_account_counts(pages[1]->counts, 1, 1, 0, 0);
    assert_account_counts(pages[2]->counts, 0, 1, 0, 1);
    assert_rows(fixture, "SELECT id, raw_text, removed_reason FROM users ORDER BY id",
                "a|Ada\nada@example.org|deleted\nb|Bee\nbea@example.org|NULL\nc|Sid\ncid@example.org|NULL");
    for (size_t i = 0; i < 3; i++)
        accounts_page_free(pages[i]);
}

static void accounts_and_events_share_a_transaction_and_its_change_numbers(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    struct store_page *pages[] = {page_new(fixture->customer, AT - 100, AT), accounts_page(fixture->customer, LISTING),
                                  page_new(fixture->customer, AT - 200, AT - 100)};
    page_add(pages[0], document_of("e1", "2026-11-25T12:00:00Z", "{}", "one"));
    page_say(pages[1], "a", NULL, ADA);
    page_add(pages[2], document_of("e2", "2026-11-25T12:00:01Z", "{}", "two"));
    assert_ok(store_commit_pages(fixture->store, pages, 3, &error), error);
    assert_rows(fixture, "SELECT count(DISTINCT seq) FROM (SELECT seq FROM user UNION ALL SELECT seq FROM event)", "3");
    assert_rows(fixture, "SELECT value FROM counter WHERE name = 'seq'", "3");
    assert_rows(fixture, "SELECT source, records FROM collections ORDER BY source", "sign-ins|2\nusers|1");
    page_free(pages[0]);
    page_free(pages[2]);
    accounts_page_free(pages[1]);
}

static void words_that_stay_are_not_indexed_again(void **state)
{
    struct fixture *fixture = *state;
    say_at(fixture, LISTING, AT, three, 3);
    g_autofree char *before = rows_in(fixture->path, "SELECT id, hex(block) FROM user_fts_data ORDER BY id");
    assert_account_counts(say_one(fixture, DELTA, LATER, "a", NULL, "{\"id\":\"a\",\"department\":\"Ops\"}"), 0, 1, 0,
                          0);
    assert_account_counts(say_one(fixture, DELTA, LATER, "b", "changed", "{\"id\":\"b\"}"), 0, 0, 0, 1);
    g_autofree char *after = rows_in(fixture->path, "SELECT id, hex(block) FROM user_fts_data ORDER BY id");
    assert_string_equal(before, after);
}

static void the_same_account_of_two_customers_is_two_accounts(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    int64_t other = store_customer(fixture->store, "fabrikam", "other-tenant", &error);
    struct store_page *pages[] = {accounts_page(fixture->customer, LISTING), accounts_page(other, LISTING)};
    page_say(pages[0], "a", NULL, ADA);
    page_say(pages[0], "b", NULL, BEA);
    page_say(pages[1], "a", NULL, "{\"id\":\"a\",\"displayName\":\"Another\"}");
    assert_ok(store_commit_pages(fixture->store, pages, 2, &error), error);
    accounts_page_free(pages[0]);
    accounts_page_free(pages[1]);
    say_one(fixture, DELTA, LATER, "a", "deleted", "{\"id\":\"a\"}");
    assert_rows(fixture, "SELECT customer, id, display_name, removed_reason FROM users ORDER BY customer, id",
                "contoso|a|Ada|deleted\ncontoso|b|Bea|NULL\nfabrikam|a|Another|NULL");
    assert_rows(fixture, "SELECT customer, records FROM collections ORDER BY customer", "contoso|2\nfabrikam|1");
    assert_int_equal(store_accounts_present(fixture->store, fixture->customer, &error), 1);
    assert_int_equal(store_accounts_present(fixture->store, other, &error), 1);
    assert_int_equal(store_accounts_present(fixture->store, 4711, &error), 0);
    assert_null(error);
}

/* --- removal and return
 * ---------------------------------------------------------------------------------------------------- */

static void quirk_86_the_removal_of_an_account_that_nobody_knows_is_no_row_and_no_fault(void **state)
{
    struct fixture *fixture = *state;
    assert_account_counts(
        say_one(fixture, DELTA, AT, "a", "changed", "{\"id\":\"a\",\"@removed\":{\"reason\":\"changed\"}}"), 0, 0, 1,
        0);
    assert_rows(fixture, "SELECT count(*), (SELECT count(*) FROM user_changes) FROM users", "0|0");
    assert_rows(fixture, "SELECT value FROM counter WHERE name = 'seq'", "0");
    assert_account_counts(say_one(fixture, DELTA, AT, "a", NULL, ADA), 1, 0, 0, 0);
}

static void quirk_88_an_account_goes_to_the_recycle_bin_and_for_good_and_may_come_back(void **state)
{
    static const char bin[] = "{\"id\":\"a\",\"@removed\":{\"reason\":\"changed\"}}";
    static const char gone[] = "{\"id\":\"a\",\"@removed\":{\"reason\":\"deleted\"}}";
    struct fixture *fixture = *state;
    say_one(fixture, LISTING, AT, "a", NULL, ADA);
    assert_account_counts(say_one(fixture, DELTA, AT + 1, "a", "changed", bin), 0, 0, 0, 1);
    assert_rows(fixture, "SELECT removed_at, removed_reason, changed_at, raw FROM users",
                "2026-11-26T08:00:01Z|changed|2026-11-26T08:00:01Z|" ADA);
    assert_account_counts(say_one(fixture, DELTA, AT + 2, "a", "changed", bin), 0, 0, 1, 0);
    assert_account_counts(say_one(fixture, DELTA, AT + 3, "a", "deleted", gone), 0, 1, 0, 0);
    assert_rows(fixture, "SELECT removed_at, removed_reason, changed_at FROM users", /* since when it is gone */
                "2026-11-26T08:00:01Z|deleted|2026-11-26T08:00:03Z");
    assert_account_counts(say_one(fixture, DELTA, AT + 4, "a", NULL, "{\"id\":\"a\"}"), 0, 1, 0, 0);
    assert_rows(fixture, "SELECT removed_at, removed_reason, changed_at FROM users", "NULL|NULL|2026-11-26T08:00:04Z");
    assert_rows(fixture, "SELECT field, old_value, new_value, seen_at FROM user_change ORDER BY seq",
                "@removed|NULL|{\"reason\":\"changed\"}|1795680001\n"
                "@removed|{\"reason\":\"changed\"}|{\"reason\":\"deleted\"}|1795680003\n"
                "@removed|{\"reason\":\"deleted\"}|NULL|1795680004");
    assert_rows(fixture, "SELECT first_seq, seq, (SELECT value FROM counter WHERE name = 'seq') FROM user", "1|6|7");
    assert_rows(fixture, "SELECT records FROM collections", "1");
}

static void a_restored_account_may_have_changed_meanwhile(void **state)
{
    struct fixture *fixture = *state;
    say_one(fixture, LISTING, AT, "a", NULL, ADA);
    say_one(fixture, DELTA, AT + 1, "a", "changed", "{\"id\":\"a\"}");
    assert_account_counts(say_one(fixture, DELTA, AT + 2, "a", NULL, "{\"id\":\"a\",\"displayName\":\"Adele\"}"), 0, 1,
                          0, 0);
    assert_rows(fixture, "SELECT display_name, removed_at, raw_text FROM users", "Adele|NULL|Adele\nada@example.org");
    assert_rows(fixture, "SELECT field FROM user_change ORDER BY seq", "@removed\ndisplayName\n@removed");
}

static void the_listing_that_tells_of_a_removed_account_brings_it_back(void **state)
{
    struct fixture *fixture = *state;
    say_one(fixture, LISTING, AT, "a", NULL, ADA);
    say_one(fixture, DELTA, AT + 1, "a", "deleted", "{\"id\":\"a\"}");
    assert_account_counts(say_one(fixture, LISTING, AT + 2, "a", NULL, ADA), 0, 1, 0, 0); /* byte for byte as known */
    assert_rows(fixture, "SELECT removed_at, removed_reason FROM users", "NULL|NULL");
}

static void what_a_removal_says_of_its_account_is_kept_too(void **state)
{
    struct fixture *fixture = *state;
    say_one(fixture, LISTING, AT, "a", NULL, ADA);
    assert_account_counts(say_one(fixture, DELTA, AT + 1, "a", "changed",
                                  "{\"id\":\"a\",\"displayName\":\"Gone\",\"@removed\":{\"reason\":\"changed\"}}"),
                          0, 0, 0, 1);
    assert_rows(fixture, "SELECT display_name, removed_reason, raw NOT LIKE '%@removed%' FROM users", "Gone|changed|1");
    assert_rows(fixture, "SELECT field FROM user_change ORDER BY seq", "displayName\n@removed");
}

static void an_odd_reason_is_kept_as_json(void **state)
{
    struct fixture *fixture = *state;
    say_one(fixture, LISTING, AT, "a", NULL, ADA);
    say_one(fixture, DELTA, AT + 1, "a", "odd \"reason\"\n", "{\"id\":\"a\"}");
    assert_rows(fixture, "SELECT json_extract(new_value, '$.reason') = removed_reason FROM user_changes, users", "1");
}

/* --- complete listings
 * ---------------------------------------------------------------------------------------------------- */

static void quirk_90_only_a_complete_listing_marks_whom_it_does_not_know_as_missing(void **state)
{
    struct fixture *fixture = *state;
    say_at(fixture, LISTING, AT, three, 3);
    struct store_page *page = accounts_page(fixture->customer, LISTING);
    page->received_at = AT + 1;
    page_goes_on(page, true);
    page_say(page, "a", NULL, ADA);
    commit(fixture, page);
    assert_account_counts(page->counts, 0, 0, 1, 0);
    accounts_page_free(page);
    assert_rows(fixture, "SELECT count(*) FROM users WHERE removed_at IS NULL", "3");
    assert_rows(fixture, "SELECT count(*) FROM user_listing", "1");

    page = accounts_page(fixture->customer, LISTING);
    page->received_at = AT + 2;
    accounts_of(page)->first = false;
    page_say(page, "c", NULL, CID);
    commit(fixture, page);
    assert_account_counts(page->counts, 0, 0, 1, 1);
    accounts_page_free(page);
    assert_rows(fixture, "SELECT id, removed_at, removed_reason FROM users ORDER BY id",
                "a|NULL|NULL\nb|2026-11-26T08:00:02Z|missing\nc|NULL|NULL");
    assert_rows(fixture, "SELECT id, field, old_value, new_value, seen_at FROM user_changes",
                "b|@removed|NULL|{\"reason\":\"missing\"}|2026-11-26T08:00:02Z");
    assert_rows(fixture, "SELECT count(*) FROM user_listing", "0");
    assert_rows(fixture, "SELECT complete, kind FROM user_rounds", "1|listing");
}

static void who_was_missing_and_is_said_to_be_deleted_gets_that_reason(void **state)
{
    struct fixture *fixture = *state;
    say_at(fixture, LISTING, AT, three, 3);
    say_at(fixture, LISTING, AT + 1, three, 2);
    assert_account_counts(say_one(fixture, DELTA, AT + 2, "c", "deleted", "{\"id\":\"c\"}"), 0, 1, 0, 0);
    assert_rows(fixture, "SELECT removed_at, removed_reason FROM users WHERE id = 'c'", "2026-11-26T08:00:01Z|deleted");
    assert_rows(fixture, "SELECT old_value, new_value FROM user_change ORDER BY seq DESC LIMIT 1",
                "{\"reason\":\"missing\"}|{\"reason\":\"deleted\"}");
    /* Nor is anybody missing who is known to be gone. */
    assert_account_counts(say_at(fixture, LISTING, AT + 3, three, 2), 0, 0, 2, 0);
    assert_rows(fixture, "SELECT removed_reason FROM users WHERE id = 'c'", "deleted");
}

static void a_listing_that_is_resumed_after_the_program_died_forgets_nobody(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    say_at(fixture, LISTING, AT, three, 3);
    struct store_page *page = accounts_page(fixture->customer, LISTING);
    page_goes_on(page, true);
    page_say(page, "a", NULL, ADA);
    page_say(page, "b", NULL, BEA);
    commit(fixture, page);
    accounts_page_free(page);

    store_close(fixture->store);
    fixture->store = store_open(fixture->path, STORE_WRITE, &error);
    assert_ok(fixture->store != NULL, error);
    page = accounts_page(fixture->customer, LISTING);
    accounts_of(page)->first = false;
    page_say(page, "b", NULL, BEA); /* a page that is read again tells of some twice */
    commit(fixture, page);
    assert_account_counts(page->counts, 0, 0, 1, 1);
    accounts_page_free(page);
    assert_rows(fixture, "SELECT id FROM users WHERE removed_reason = 'missing'", "c");
}

static void a_new_listing_forgets_whom_an_abandoned_one_has_seen(void **state)
{
    struct fixture *fixture = *state;
    say_at(fixture, LISTING, AT, three, 3);
    struct store_page *page = accounts_page(fixture->customer, LISTING);
    page_goes_on(page, true);
    page_say(page, "a", NULL, ADA);
    commit(fixture, page);
    accounts_page_free(page);
    assert_account_counts(say_one(fixture, LISTING, AT, "b", NULL, BEA), 0, 0, 1, 2);
    assert_rows(fixture, "SELECT group_concat(id) FROM users WHERE removed_reason = 'missing'", "a,c");
}

static void quirk_96_a_listing_that_knows_nobody_removes_nobody_and_does_not_count(void **state)
{
    struct fixture *fixture = *state;
    say_at(fixture, LISTING, AT, three, 3);
    g_autofree char *before = accounts_now(fixture);
    g_autofree char *round = rows_in(fixture->path, "SELECT * FROM collect_round");
    struct store_page *page = accounts_page(fixture->customer, LISTING);
    g_free(accounts_of(page)->after.link);
    accounts_of(page)->after.link = g_strdup("another");
    commit(fixture, page);
    assert_account_counts(page->counts, 0, 0, 0, 0);
    accounts_page_free(page);
    assert_unchanged(fixture, before);
    assert_rows(fixture, "SELECT * FROM collect_round", round);
}

static void quirk_96_who_was_only_said_to_be_removed_does_not_make_a_listing(void **state)
{
    struct fixture *fixture = *state;
    say_at(fixture, LISTING, AT, three, 3);
    assert_account_counts(say_one(fixture, LISTING, AT + 1, "a", "deleted", "{\"id\":\"a\"}"), 0, 0, 0, 1);
    assert_rows(fixture, "SELECT count(*) FROM users WHERE removed_reason = 'missing'", "0");
}

static void a_listing_with_records_of_nobody_knows_whom_marks_nobody_as_missing(void **state)
{
    struct fixture *fixture = *state;
    say_at(fixture, LISTING, AT, three, 3);
    struct store_page *page = accounts_page(fixture->customer, LISTING);
    page_say(page, "a", NULL, ADA);
    accounts_of(page)->after.unreadable = 1;
    commit(fixture, page);
    assert_account_counts(page->counts, 0, 0, 1, 0);
    accounts_page_free(page);
    assert_rows(fixture, "SELECT count(*) FROM users WHERE removed_at IS NULL", "3");
    assert_rows(fixture, "SELECT complete, unreadable, (SELECT count(*) FROM user_listing) FROM user_rounds", "1|1|0");
}

static void a_listing_of_one_customer_says_nothing_of_another(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    say_at(fixture, LISTING, AT, three, 3);
    int64_t contoso = fixture->customer;
    fixture->customer = store_customer(fixture->store, "fabrikam", "other-tenant", &error);
    assert_account_counts(say_one(fixture, LISTING, AT, "x", NULL, "{\"id\":\"x\"}"), 1, 0, 0, 0);
    assert_account_counts(say_at(fixture, LISTING, AT, NULL, 0), 0, 0, 0, 0);
    assert_int_equal(store_accounts_present(fixture->store, contoso, &error), 3);
}

/* More than are looked at in one go. */
static void thousands_that_a_listing_does_not_know_are_all_marked(void **state)
{
    enum { ACCOUNTS = 1203, KEPT = 3 };
    struct fixture *fixture = *state;
    g_autoptr(GPtrArray) raws = g_ptr_array_new_with_free_func(g_free);
    struct store_page *all = accounts_page(fixture->customer, LISTING),
                      *few = accounts_page(fixture->customer, LISTING);
    for (int i = 0; i < ACCOUNTS; i++) {
        g_autofree char *id = g_strdup_printf("u%d", i);
        char *raw = g_strdup_printf("{\"id\":\"%s\"}", id);
        g_ptr_array_add(raws, raw);
        page_say(all, id, NULL, raw);
        if (i % 500 == 250)
            page_say(few, id, NULL, raw);
    }
    commit(fixture, all);
    commit(fixture, few);
    assert_account_counts(few->counts, 0, 0, 2, ACCOUNTS - 2);
    accounts_page_free(all);
    accounts_page_free(few);
    assert_rows(fixture, "SELECT group_concat(id) FROM users WHERE removed_at IS NULL", "u250,u750");
    assert_rows(fixture, "SELECT count(*), count(DISTINCT id), count(DISTINCT seq) FROM user_change", "1201|1201|1201");
}

/* --- signInActivity
 * ---------------------------------------------------------------------------------------------------- */

#define ACTIVE "\"signInActivity\":{\"lastSignInDateTime\":\"2026-11-20T07:01:02.0000000Z\"}"

static void quirk_94_sign_in_activity_is_merged_without_history(void **state)
{
    struct fixture *fixture = *state;
    say_at(fixture, LISTING, AT, three, 3);
    g_autofree char *words = rows_in(fixture->path, "SELECT id, hex(block) FROM user_fts_data ORDER BY id");
    assert_account_counts(say_one(fixture, ACTIVITY, LATER, "b", NULL, "{\"id\":\"b\"," ACTIVE "}"), 0, 1, 0, 0);
    assert_rows(fixture, "SELECT last_sign_in, changed_at, raw FROM users WHERE id = 'b'",
                "2026-11-20T07:01:02.0000000Z|NULL|{\"id\":\"b\",\"displayName\":\"Bea\",\"userPrincipalName\":"
                "\"bea@example.org\"," ACTIVE "}");
    assert_rows(fixture, "SELECT seq, (SELECT value FROM counter WHERE name = 'seq') FROM user WHERE id = 'b'", "4|4");
    assert_rows(fixture, "SELECT count(*) FROM user_changes", "0");
    assert_rows(fixture, "SELECT id, hex(block) FROM user_fts_data ORDER BY id", words);
    assert_account_counts(say_one(fixture, ACTIVITY, LATER, "b", NULL, "{\"id\":\"b\"," ACTIVE "}"), 0, 0, 1, 0);
}

static void activity_survives_listings_and_changes_that_do_not_tell_it(void **state)
{
    struct fixture *fixture = *state;
    say_at(fixture, LISTING, AT, three, 3);
    say_one(fixture, ACTIVITY, AT + 1, "b", NULL, "{\"id\":\"b\"," ACTIVE "}");
    assert_account_counts(say_at(fixture, LISTING, AT + 2, three, 3), 0, 0, 3, 0);
    say_one(fixture, DELTA, AT + 3, "b", NULL, "{\"id\":\"b\",\"displayName\":\"Bee\"}");
    assert_rows(fixture, "SELECT last_sign_in, display_name FROM users WHERE id = 'b'",
                "2026-11-20T07:01:02.0000000Z|Bee");
}

static void activity_of_an_account_that_nobody_knows_is_left_to_the_next_round(void **state)
{
    struct fixture *fixture = *state;
    assert_account_counts(say_one(fixture, ACTIVITY, AT, "z", NULL, "{\"id\":\"z\"," ACTIVE "}"), 0, 0, 0, 0);
    assert_rows(fixture, "SELECT count(*) FROM users", "0");
    assert_rows(fixture, "SELECT part, kind FROM user_rounds", "sign-in-activity|activity");
}

static void activity_neither_restores_nor_removes(void **state)
{
    struct fixture *fixture = *state;
    say_at(fixture, LISTING, AT, three, 3);
    say_one(fixture, DELTA, AT + 1, "a", "changed", "{\"id\":\"a\"}");
    assert_account_counts(say_one(fixture, ACTIVITY, AT + 2, "a", NULL, "{\"id\":\"a\"," ACTIVE "}"), 0, 1, 0, 0);
    assert_account_counts(say_one(fixture, ACTIVITY, AT + 3, "b", "deleted", "{\"id\":\"b\"}"), 0, 0, 1, 0);
    assert_rows(fixture, "SELECT id, removed_reason, last_sign_in IS NOT NULL FROM users ORDER BY id",
                "a|changed|1\nb|NULL|0\nc|NULL|0");
    assert_rows(fixture, "SELECT count(*) FROM user_listing", "0");
}

/* --- rounds
 * ---------------------------------------------------------------------------------------------------- */

static void assert_round(const struct store_round *got, const struct store_round *want)
{
    assert_int_equal(got->kind, want->kind);
    assert_int_equal(g_strcmp0(got->query, want->query), 0);
    assert_int_equal(g_strcmp0(got->link, want->link), 0);
    assert_int_equal(g_strcmp0(got->delta_link, want->delta_link), 0);
    assert_int_equal(got->complete, want->complete);
    assert_int_equal(got->records, want->records);
    assert_int_equal(got->unreadable, want->unreadable);
    assert_int_equal(got->started_at, want->started_at);
    assert_int_equal(got->completed_at, want->completed_at);
    assert_int_equal(got->saved_at, want->saved_at);
}

static void a_round_comes_back_as_it_was_saved(void **state)
{
    static const struct store_round rounds[] = {
        {.kind = LISTING,
         .query = (char *)"id",
         .link = (char *)"l",
         .delta_link = (char *)"d",
         .records = 7,
         .unreadable = 2,
         .started_at = 1,
         .saved_at = 2},
        {.kind = DELTA,
         .query = (char *)"id",
         .link = (char *)"l",
         .complete = true,
         .started_at = 3,
         .completed_at = 4,
         .saved_at = 4},
        {.kind = ACTIVITY, .saved_at = 5},
    };
    struct fixture *fixture = *state;
    for (size_t i = 0; i < G_N_ELEMENTS(rounds); i++) {
        g_autoptr(GError) error = NULL;
        struct store_round round;
        assert_ok(store_round_save(fixture->store, fixture->customer, "users", "", &rounds[i], &error), error);
        assert_true(store_round_read(fixture->store, fixture->customer, "users", "", &round, &error));
        assert_round(&round, &rounds[i]);
        store_round_clear(&round);
        assert_null(round.link);
    }
    assert_rows(fixture, "SELECT completed_at FROM user_rounds", "NULL"); /* never, and not in 1970 */
}

static void a_round_that_nobody_saved_is_no_error(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    struct store_round round = {.records = 9}, other = {.kind = DELTA, .link = (char *)"x"};
    assert_ok(store_round_save(fixture->store, fixture->customer, "users", "sign-in-activity", &other, &error), error);
    assert_false(store_round_read(fixture->store, fixture->customer, "users", "", &round, &error));
    assert_null(error);
    assert_int_equal(round.records, 0);
    assert_false(store_round_read(fixture->store, 4711, "users", "sign-in-activity", &round, &error));
    assert_null(error);
    assert_false(store_round_read(fixture->store, fixture->customer, "groups", "sign-in-activity", &round, &error));
    assert_null(error);
}

static void quirk_92_a_page_and_where_its_round_goes_on_are_written_together(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    struct store_round round;
    struct store_page *page = accounts_page(fixture->customer, DELTA);
    page_goes_on(page, false);
    g_free(accounts_of(page)->after.link);
    accounts_of(page)->after.link = g_strdup("https://graph.example/next?$skiptoken=1");
    page_say(page, "a", NULL, ADA);
    commit(fixture, page);
    assert_true(store_round_read(fixture->store, fixture->customer, "users", "", &round, &error));
    assert_round(&round, &page->accounts->after);
    store_round_clear(&round);
    accounts_page_free(page);
}

static void a_round_of_a_customer_that_does_not_exist_is_refused(void **state)
{
    struct fixture *fixture = *state;
    GError *error = NULL;
    struct store_round round = {.kind = DELTA};
    assert_refused(store_round_save(fixture->store, 4711, "users", "", &round, &error), &error, STORE_ERROR_FAILED,
                   "round_write");
}

/* --- all or nothing
 * ---------------------------------------------------------------------------------------------------- */

static char *everything(const struct fixture *fixture)
{
    return rows_in(fixture->path,
                   "SELECT (SELECT group_concat(raw || seq) FROM user), (SELECT count(*) FROM user_fts), "
                   "(SELECT count(*) FROM user_change), (SELECT count(*) FROM user_listing), "
                   "(SELECT count(*) FROM collect_round), (SELECT records FROM collection), "
                   "(SELECT count(*) FROM unreadable), (SELECT value FROM counter WHERE name = 'seq')");
}

static void a_page_that_fails_in_the_middle_changes_nothing_and_can_be_written_again(void **state)
{
    struct fixture *fixture = *state;
    GError *error = NULL;
    say_at(fixture, LISTING, AT, three, 2);
    g_autofree char *before = everything(fixture);
    struct store_page *good = accounts_page(fixture->customer, DELTA), *bad = accounts_page(fixture->customer, DELTA);
    struct store_page *pages[] = {good, bad};
    page_say(good, "a", NULL, "{\"id\":\"a\",\"displayName\":\"Adele\"}");
    page_say(good, "b", "changed", "{\"id\":\"b\"}");
    page_say(good, "c", NULL, CID);
    page_say(bad, "d", NULL, "{\"id\":\"d\"}");
    page_say(bad, "e", NULL, "[\"no account\"]");
    bool ok = store_commit_pages(fixture->store, pages, 2, &error);
    assert_refused(ok, &error, STORE_ERROR_FAILED, "about the account e is not an account");
    g_autofree char *after = everything(fixture);
    assert_string_equal(before, after);

    assert_ok(store_commit_pages(fixture->store, pages, 1, &error), error);
    assert_account_counts(good->counts, 1, 1, 0, 1);
    accounts_page_free(good);
    accounts_page_free(bad);
    assert_rows(
        fixture,
        "SELECT count(*), (SELECT max(seq) FROM user_change) = (SELECT value FROM counter WHERE name = 'seq') OR "
        "(SELECT max(seq) FROM user) = (SELECT value FROM counter WHERE name = 'seq') FROM users",
        "3|1");
}

static void a_page_of_a_customer_that_does_not_exist_is_refused(void **state)
{
    struct fixture *fixture = *state;
    GError *error = NULL;
    g_autofree char *before = everything(fixture);
    struct store_page *page = accounts_page(4711, LISTING), *pages[] = {page};
    page_say(page, "a", NULL, ADA);
    assert_refused(store_commit_pages(fixture->store, pages, 1, &error), &error, STORE_ERROR_FAILED, "FOREIGN KEY");
    accounts_of(page)->after.kind = DELTA;
    g_ptr_array_set_size(accounts_of(page)->records, 0);
    assert_refused(store_commit_pages(fixture->store, pages, 1, &error), &error, STORE_ERROR_FAILED, "FOREIGN KEY");
    accounts_page_free(page);
    g_autofree char *after = everything(fixture);
    assert_string_equal(before, after);
}

static void a_store_for_reading_takes_no_accounts(void **state)
{
    struct fixture *fixture = *state;
    GError *error = NULL;
    g_autoptr(Store) reader = store_open(fixture->path, STORE_READ, &error);
    struct store_page *page = accounts_page(fixture->customer, LISTING), *pages[] = {page};
    struct store_round round = {.kind = DELTA};
    page_say(page, "a", NULL, ADA);
    assert_refused(store_commit_pages(reader, pages, 1, &error), &error, STORE_ERROR_READ_ONLY, "cannot be written");
    assert_refused(store_round_save(reader, fixture->customer, "users", "", &round, &error), &error,
                   STORE_ERROR_READ_ONLY, "cannot be written");
    assert_int_equal(store_accounts_present(reader, fixture->customer, &error), 0);
    assert_null(error);
    accounts_page_free(page);
}

static void an_account_whose_stored_json_was_damaged_by_hand_is_healed(void **state)
{
    struct fixture *fixture = *state;
    say_one(fixture, LISTING, AT, "a", NULL, "{\"id\":\"a\"}");
    execute(fixture, "UPDATE user SET raw = 'no JSON', content_hash = x'00'");
    assert_account_counts(say_one(fixture, LISTING, LATER, "a", NULL, "{\"id\":\"a\"}"), 0, 1, 0, 0);
    assert_rows(fixture, "SELECT raw FROM users", "{\"id\":\"a\"}");
}

static void records_and_accounts_of_nothing_are_freed_without_harm(void **state)
{
    (void)state;
    account_record_free(NULL);
    store_accounts_free(NULL);
    struct account account = {.enabled = 1, .text = g_strdup("x"), .mail = g_strdup("y")};
    account_clear(&account);
    assert_null(account.text);
    assert_int_equal(account.enabled, -1);
    account_clear(&account);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_store, teardown_verified)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_first_listing_stores_every_account_with_its_fields_and_exact_bytes),
        TEST(what_an_account_does_not_tell_stays_null),
        TEST(accounts_are_found_by_their_words_and_by_facets_alone),
        TEST(a_page_without_accounts_writes_only_where_the_round_stands),
        TEST(unreadable_records_of_a_page_of_accounts_are_kept),
        TEST(every_changed_field_is_a_row_with_old_and_new_value),
        TEST(an_account_and_each_of_its_changes_take_a_change_number_each),
        TEST(quirk_89_absent_members_stay_and_null_clears),
        TEST(quirk_87_what_is_said_again_writes_nothing),
        TEST(quirk_87_an_older_change_that_is_replayed_is_undone_by_what_follows_it),
        TEST(quirk_87_one_account_several_times_on_a_page_comes_out_as_said_last),
        TEST(pages_of_one_transaction_build_upon_each_other),
        TEST(accounts_and_events_share_a_transaction_and_its_change_numbers),
        TEST(words_that_stay_are_not_indexed_again),
        TEST(the_same_account_of_two_customers_is_two_accounts),
        TEST(quirk_86_the_removal_of_an_account_that_nobody_knows_is_no_row_and_no_fault),
        TEST(quirk_88_an_account_goes_to_the_recycle_bin_and_for_good_and_may_come_back),
        TEST(a_restored_account_may_have_changed_meanwhile),
        TEST(the_listing_that_tells_of_a_removed_account_brings_it_back),
        TEST(what_a_removal_says_of_its_account_is_kept_too),
        TEST(an_odd_reason_is_kept_as_json),
        TEST(quirk_90_only_a_complete_listing_marks_whom_it_does_not_know_as_missing),
        TEST(who_was_missing_and_is_said_to_be_deleted_gets_that_reason),
        TEST(a_listing_that_is_resumed_after_the_program_died_forgets_nobody),
        TEST(a_new_listing_forgets_whom_an_abandoned_one_has_seen),
        TEST(quirk_96_a_listing_that_knows_nobody_removes_nobody_and_does_not_count),
        TEST(quirk_96_who_was_only_said_to_be_removed_does_not_make_a_listing),
        TEST(a_listing_with_records_of_nobody_knows_whom_marks_nobody_as_missing),
        TEST(a_listing_of_one_customer_says_nothing_of_another),
        TEST(thousands_that_a_listing_does_not_know_are_all_marked),
        TEST(quirk_94_sign_in_activity_is_merged_without_history),
        TEST(activity_survives_listings_and_changes_that_do_not_tell_it),
        TEST(activity_of_an_account_that_nobody_knows_is_left_to_the_next_round),
        TEST(activity_neither_restores_nor_removes),
        TEST(a_round_comes_back_as_it_was_saved),
        TEST(a_round_that_nobody_saved_is_no_error),
        TEST(quirk_92_a_page_and_where_its_round_goes_on_are_written_together),
        TEST(a_round_of_a_customer_that_does_not_exist_is_refused),
        TEST(a_page_that_fails_in_the_middle_changes_nothing_and_can_be_written_again),
        TEST(a_page_of_a_customer_that_does_not_exist_is_refused),
        TEST(a_store_for_reading_takes_no_accounts),
        TEST(an_account_whose_stored_json_was_damaged_by_hand_is_healed),
        cmocka_unit_test(records_and_accounts_of_nothing_are_freed_without_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
