/* The search for accounts, and the document that comes out. */
#include "accounts_fixture.h"

#include <cjson/cJSON.h>

#include "store/store_private.h"

/* --- asking
 * ---------------------------------------------------------------------------------------------------- */

struct found {
    GString *ids; /* joined by commas */
    int stop_after;
    int n;
};

static bool take(const struct store_user *row, void *user)
{
    struct found *found = user;
    if (found->ids->len)
        g_string_append_c(found->ids, ',');
    g_string_append(found->ids, row->id);
    return ++found->n != found->stop_after;
}

static void assert_found(struct fixture *fixture, struct store_user_query query, const char *expected)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GString) ids = g_string_new(NULL);
    struct found found = {ids, 0, 0};
    if (query.limit == 0)
        query.limit = 50;
    assert_ok(store_search_users(fixture->store, &query, take, &found, &error), error);
    assert_string_equal(ids->str, expected);
}

static void assert_refuses(struct fixture *fixture, struct store_user_query query, int code, const char *words)
{
    GError *error = NULL;
    g_autoptr(GString) ids = g_string_new(NULL);
    struct found found = {ids, 0, 0};
    query.limit = 50;
    assert_refused(store_search_users(fixture->store, &query, take, &found, &error), &error, code, words);
    assert_int_equal(found.n, 0);
}

#define Q(...)                                                                                                         \
    (struct store_user_query)                                                                                          \
    {                                                                                                                  \
        __VA_ARGS__                                                                                                    \
    }

/* --- what there is to find
 * ---------------------------------------------------------------------------------------------------- */

static const struct said contoso[] = {
    {"e", NULL, "{\"id\":\"e\",\"displayName\":\"Eve Zpr\xc3\xa1va\",\"userPrincipalName\":\"eve@example.org\"}"},
    {"a", NULL, "{\"id\":\"a\",\"displayName\":\"Ada Lovelace\",\"userPrincipalName\":\"ada@example.org\"}"},
    {"d", NULL, "{\"id\":\"d\",\"displayName\":\"Dan AND NOT\",\"userPrincipalName\":\"DAN@example.org\"}"},
    {"b", NULL, "{\"id\":\"b\",\"displayName\":\"Bob Lovelace\",\"userPrincipalName\":\"bob@example.org\"}"},
    {"c", NULL, "{\"id\":\"c\",\"displayName\":\"Cy\",\"userPrincipalName\":\"cy_gast.example#EXT#@example.org\"}"},
};
static const struct said fabrikam[] = {
    {"f", NULL, "{\"id\":\"f\",\"displayName\":\"Ada Fabrikam\",\"userPrincipalName\":\"ada@fabrikam.example\"}"},
};

static int setup_accounts(void **state)
{
    if (setup_store(state) != 0)
        return -1;
    struct fixture *fixture = *state;
    int64_t first = fixture->customer;
    say_at(fixture, STORE_ROUND_LISTING, AT, contoso, G_N_ELEMENTS(contoso));
    say_one(fixture, STORE_ROUND_DELTA, AT, "b", "deleted", "{\"id\":\"b\"}");
    fixture->customer = store_customer(fixture->store, "Fabrikam", "other-tenant", NULL);
    say_at(fixture, STORE_ROUND_LISTING, AT, fabrikam, G_N_ELEMENTS(fabrikam));
    fixture->customer = first;
    return 0;
}

static void without_words_everybody_comes_those_who_are_there_first_and_by_name(void **state)
{
    assert_found(*state, Q(.words = NULL), "a,f,c,d,e,b");
    assert_found(*state, Q(.words = " \t"), "a,f,c,d,e,b");
}

static void words_find_accounts_whatever_their_case_or_accents(void **state)
{
    static const struct {
        const char *words, *ids;
    } cases[] = {
        {"ada", "a,f"},   {"LOVELACE", "a,b"},    {"zprava", "e"},       {"ada@example.org", "a"},
        {"love*", "a,b"}, {"\"ada love\"*", "a"}, {"lovelace ada", "a"}, {"cy_gast.example#EXT#@example.org", "c"},
        {"AND NOT", "d"}, {"nobody", ""},         {"facets", ""},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        assert_found(*state, Q(.words = cases[i].words), cases[i].ids);
}

static void a_customer_is_exact_in_any_case_and_goes_with_words(void **state)
{
    assert_found(*state, Q(.customer = "CONTOSO"), "a,c,d,e,b");
    assert_found(*state, Q(.customer = "fabrikam"), "f");
    assert_found(*state, Q(.customer = "fabrikam", .words = "ada"), "f");
    assert_found(*state, Q(.customer = "contoso", .words = "ada"), "a");
    assert_found(*state, Q(.customer = "cont"), "");
    assert_found(*state, Q(.customer = "nobody\" OR \"x"), "");
    assert_found(*state, Q(.customer = ""), "a,f,c,d,e,b");
}

static void no_more_rows_come_than_were_asked_for(void **state)
{
    assert_found(*state, Q(.limit = 1), "a");
    assert_found(*state, Q(.limit = 5), "a,f,c,d,e");
    assert_found(*state, Q(.limit = 6), "a,f,c,d,e,b");
    assert_found(*state, Q(.limit = 1, .words = "lovelace"), "a");
    assert_found(*state, Q(.limit = -1), "");
    say_one(*state, STORE_ROUND_DELTA, AT, "d", "changed", "{\"id\":\"d\"}");
    assert_found(*state, Q(.limit = 5), "a,f,c,e,b"); /* in the middle of those who have gone */
}

static void the_receiver_may_stop(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    g_autoptr(GString) ids = g_string_new(NULL);
    struct found found = {ids, 2, 0};
    assert_ok(store_search_users(fixture->store, &Q(.limit = 50), take, &found, &error), error);
    assert_string_equal(ids->str, "a,f");
}

static void raw_fts5_syntax_is_passed_on_and_what_is_wrong_with_it_said(void **state)
{
    assert_found(*state, Q(.fts_syntax = true, .words = "ada NOT lovelace"), "f");
    assert_found(*state, Q(.fts_syntax = true, .words = "ada OR eve", .customer = "contoso"), "a,e");
    assert_refuses(*state, Q(.fts_syntax = true, .words = "ada AND"), STORE_ERROR_QUERY, "no FTS5 query");
    assert_refuses(*state, Q(.fts_syntax = true, .words = "a) OR (b", .customer = "contoso"), STORE_ERROR_QUERY,
                   "no FTS5 query");
    assert_refuses(*state, Q(.fts_syntax = true, .words = "name : ada"), STORE_ERROR_QUERY, "no FTS5 query");
}

static void words_that_cannot_be_searched_are_refused(void **state)
{
    assert_refuses(*state, Q(.words = "--"), STORE_ERROR_QUERY, "nothing to search for");
    assert_refuses(*state, Q(.words = "a*"), STORE_ERROR_QUERY, "too short");
}

static void what_was_searched_follows_what_is_known(void **state)
{
    struct fixture *fixture = *state;
    say_one(fixture, STORE_ROUND_DELTA, AT, "a", NULL, "{\"id\":\"a\",\"displayName\":\"Adele\"}");
    say_one(fixture, STORE_ROUND_DELTA, AT, "b", NULL, "{\"id\":\"b\"}");
    assert_found(fixture, Q(.words = "lovelace"), "b");
    assert_found(fixture, Q(.words = "adele"), "a");
    assert_found(fixture, Q(.customer = "contoso"), "a,b,c,d,e");
}

/* --- many rows
 * ---------------------------------------------------------------------------------------------------- */

enum { MANY = 700 }; /* more than two pieces */

static int setup_many(void **state)
{
    if (setup_store(state) != 0)
        return -1;
    struct fixture *fixture = *state;
    struct store_page *page = accounts_page(fixture->customer, STORE_ROUND_LISTING);
    g_autoptr(GPtrArray) raws = g_ptr_array_new_with_free_func(g_free);
    for (int i = 0; i < MANY; i++) {
        g_autofree char *id = g_strdup_printf("%04d", (i * 383) % MANY); /* not in the order of names */
        char *raw = g_strdup_printf("{\"id\":\"%s\",\"userPrincipalName\":\"u%s@example.org\"}", id, id);
        g_ptr_array_add(raws, raw);
        page_say(page, id, NULL, raw);
    }
    commit(fixture, page);
    accounts_page_free(page);
    return 0;
}

struct run {
    struct fixture *fixture;
    int n;
};

/* Every name follows the one before; halfway, the receiver writes. */
static bool ascending(const struct store_user *row, void *user)
{
    struct run *run = user;
    g_autofree char *wanted = g_strdup_printf("%04d", run->n++);
    assert_string_equal(row->id, wanted);
    if (run->n == 300)
        say_one(run->fixture, STORE_ROUND_DELTA, AT, "0001", "deleted", "{\"id\":\"0001\"}");
    return true;
}

static void more_rows_than_a_piece_come_in_order_and_the_receiver_may_use_the_store(void **state)
{
    struct run run = {*state, 0};
    g_autoptr(GError) error = NULL;
    assert_ok(store_search_users(run.fixture->store, &Q(.limit = 10000), ascending, &run, &error), error);
    assert_int_equal(run.n, MANY);
    run.n = 2; /* 0000 and 0001 aside: one that is left out, one that is removed */
    say_one(run.fixture, STORE_ROUND_DELTA, AT, "0000", "deleted", "{\"id\":\"0000\"}");
    assert_ok(
        store_search_users(run.fixture->store, &Q(.words = "example.org", .limit = MANY - 2), ascending, &run, &error),
        error);
    assert_int_equal(run.n, MANY);
}

/* A row of the answer is taken away between two pieces. */
static bool forget_the_last(const struct store_user *row, void *user)
{
    struct run *run = user;
    (void)row;
    if (run->n++ == 0) {
        execute(run->fixture, "DELETE FROM user_fts WHERE rowid = (SELECT user_id FROM user WHERE id = '0699')");
        execute(run->fixture, "DELETE FROM user_listing");
        execute(run->fixture, "DELETE FROM user WHERE id = '0699'");
        execute(run->fixture, "UPDATE collection SET records = records - 1");
    }
    return true;
}

static void a_row_that_goes_while_others_are_read_is_left_out(void **state)
{
    struct run run = {*state, 0};
    g_autoptr(GError) error = NULL;
    assert_ok(store_search_users(run.fixture->store, &Q(.limit = 10000), forget_the_last, &run, &error), error);
    assert_int_equal(run.n, MANY - 1);
}

/* Accounts that are thin, and so many that no machine reads them within a millisecond. */
static void the_time_limit_ends_a_question_and_not_the_connection(void **state)
{
    struct fixture *fixture = *state;
    GError *error = NULL;
    struct run run = {fixture, 0};
    execute(fixture,
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000) "
            "INSERT INTO user (customer_id, id, removed_at, removed_reason, content_hash, first_seen, first_seq, "
            "seq, raw) SELECT 1, 'x' || i, 1, 'deleted', '', 0, 0, 0, '' FROM n");
    struct store_user_query query = {.limit = 1000000, .time_limit_ms = 1};
    assert_refused(store_search_users(fixture->store, &query, forget_the_last, &run, &error), &error, STORE_ERROR_LIMIT,
                   "the time limit was reached");
    query.limit = 1;
    query.time_limit_ms = 0;
    run.n = 0;
    assert_ok(store_search_users(fixture->store, &query, ascending, &run, &error), error);
    assert_int_equal(run.n, 1);
}

/* --- who changes meanwhile
 * ---------------------------------------------------------------------------------------------------- */

/* Another program, which writes as soon as the search asks for those who have gone. */
struct meanwhile {
    struct fixture other;
    const char *id, *reason, *raw;
    int searches; /* begun so far */
};

static int between_searches(unsigned int kind, void *user, void *statement, void *sql)
{
    struct meanwhile *meanwhile = user;
    (void)kind, (void)statement;
    if (strstr(sql, "ORDER BY user_principal_name") && ++meanwhile->searches == 2)
        say_one(&meanwhile->other, STORE_ROUND_DELTA, AT, meanwhile->id, meanwhile->reason, meanwhile->raw);
    return 0;
}

static void assert_found_while(struct fixture *fixture, struct store_user_query query, const char *id,
                               const char *reason, const char *raw, const char *expected)
{
    struct meanwhile meanwhile = {.other = *fixture, .id = id, .reason = reason, .raw = raw};
    GError *error = NULL;
    meanwhile.other.store = store_open(fixture->path, STORE_WRITE, &error);
    assert_ok(meanwhile.other.store, error);
    sqlite3_trace_v2(fixture->store->db, SQLITE_TRACE_STMT, between_searches, &meanwhile);
    assert_found(fixture, query, expected);
    sqlite3_trace_v2(fixture->store->db, 0, NULL, NULL);
    assert_int_equal(meanwhile.searches, 2);
    store_close(meanwhile.other.store);
}

static void an_account_that_goes_or_returns_meanwhile_comes_once(void **state)
{
    assert_found_while(*state, Q(.customer = "contoso"), "c", "deleted", "{\"id\":\"c\"}", "a,c,d,e,b");
    assert_found(*state, Q(.customer = "contoso"), "a,d,e,b,c");
    assert_found_while(*state, Q(.words = NULL), "b", NULL, "{\"id\":\"b\"}", "a,f,d,e,b,c");
    assert_found(*state, Q(.words = NULL), "a,f,b,d,e,c");
}

/* --- the document
 * ---------------------------------------------------------------------------------------------------- */

static bool append_document(const struct store_user *row, void *user)
{
    store_user_append_json(user, row);
    return true;
}

static void the_document_has_every_key_in_order_and_raw_byte_for_byte(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    say_one(fixture, STORE_ROUND_LISTING, AT, "a", NULL,
            "{ \"id\":\"a\", \"displayName\":\"Ada \\\"A\\\"\", \"userPrincipalName\":\"ada@example.org\", "
            "\"mail\":\"m@example.org\", \"accountEnabled\":false, \"userType\":\"Guest\", "
            "\"createdDateTime\":\"2024-02-29T08:00:00.0000000Z\", \"n\":9007199254740993, "
            "\"signInActivity\":{\"lastSignInDateTime\":\"2026-11-20T07:01:02.0000000Z\"} }");
    say_one(fixture, STORE_ROUND_DELTA, AT + 1, "a", "changed", "{\"id\":\"a\"}");
    g_autoptr(GString) out = g_string_new(NULL);
    assert_ok(store_search_users(fixture->store, &Q(.limit = 1), append_document, out, &error), error);
    assert_string_equal(
        out->str,
        "{\"id\":\"a\",\"user_principal_name\":\"ada@example.org\",\"display_name\":\"Ada \\\"A\\\"\","
        "\"mail\":\"m@example.org\",\"account_enabled\":false,\"user_type\":\"Guest\","
        "\"created\":\"2024-02-29T08:00:00.0000000Z\",\"last_sign_in\":\"2026-11-20T07:01:02.0000000Z\","
        "\"removed_at\":\"2026-11-26T08:00:01Z\",\"removed_reason\":\"changed\","
        "\"raw\":{ \"id\":\"a\", \"displayName\":\"Ada \\\"A\\\"\", \"userPrincipalName\":\"ada@example.org\", "
        "\"mail\":\"m@example.org\", \"accountEnabled\":false, \"userType\":\"Guest\", "
        "\"createdDateTime\":\"2024-02-29T08:00:00.0000000Z\", \"n\":9007199254740993, "
        "\"signInActivity\":{\"lastSignInDateTime\":\"2026-11-20T07:01:02.0000000Z\"} },"
        "\"raw_text\":\"Ada \\\"A\\\"\\nada@example.org\",\"customer\":\"contoso\",\"tenant_id\":\"" TENANT "\","
        "\"first_seen\":\"2026-11-26T08:00:00Z\",\"changed_at\":\"2026-11-26T08:00:01Z\",\"user_id\":1}");
}

static void what_is_missing_is_null(void **state)
{
    (void)state;
    g_autoptr(GString) out = g_string_new("[");
    struct store_user row = {.user_id = -1, .account_enabled = -1};
    store_user_append_json(out, &row);
    row.account_enabled = 1;
    g_string_append_c(out, ',');
    store_user_append_json(out, &row);
    g_string_append_c(out, ']');
    cJSON *json = cJSON_Parse(out->str);
    assert_non_null(json);
    int n = 0;
    cJSON *member;
    cJSON_ArrayForEach(member, cJSON_GetArrayItem(json, 0))
    {
        n++;
        assert_true(cJSON_IsNull(member) || strcmp(member->string, "user_id") == 0);
    }
    assert_int_equal(n, 17);
    assert_true(cJSON_IsTrue(cJSON_GetObjectItem(cJSON_GetArrayItem(json, 1), "account_enabled")));
    cJSON_Delete(json);
}

#define WITH_ACCOUNTS(test) cmocka_unit_test_setup_teardown(test, setup_accounts, teardown_verified)
#define WITH_MANY(test)     cmocka_unit_test_setup_teardown(test, setup_many, teardown_verified)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_ACCOUNTS(without_words_everybody_comes_those_who_are_there_first_and_by_name),
        WITH_ACCOUNTS(words_find_accounts_whatever_their_case_or_accents),
        WITH_ACCOUNTS(a_customer_is_exact_in_any_case_and_goes_with_words),
        WITH_ACCOUNTS(no_more_rows_come_than_were_asked_for),
        WITH_ACCOUNTS(the_receiver_may_stop),
        WITH_ACCOUNTS(raw_fts5_syntax_is_passed_on_and_what_is_wrong_with_it_said),
        WITH_ACCOUNTS(words_that_cannot_be_searched_are_refused),
        WITH_ACCOUNTS(what_was_searched_follows_what_is_known),
        WITH_ACCOUNTS(an_account_that_goes_or_returns_meanwhile_comes_once),
        WITH_MANY(more_rows_than_a_piece_come_in_order_and_the_receiver_may_use_the_store),
        WITH_MANY(a_row_that_goes_while_others_are_read_is_left_out),
        cmocka_unit_test_setup_teardown(the_time_limit_ends_a_question_and_not_the_connection, setup_many, teardown),
        cmocka_unit_test_setup_teardown(the_document_has_every_key_in_order_and_raw_byte_for_byte, setup_store,
                                        teardown_verified),
        cmocka_unit_test(what_is_missing_is_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
