/* The search for issues and messages, and the documents that come out. */
#include "health_fixture.h"

#include <cjson/cJSON.h>

#include "store/store_private.h"

/* --- asking
 * ---------------------------------------------------------------------------------------------------- */

struct found {
    GString *ids; /* joined by commas */
    int stop_after;
    int n;
};

static bool take(const struct store_health_row *row, void *user)
{
    struct found *found = user;
    if (found->ids->len)
        g_string_append_c(found->ids, ',');
    g_string_append(found->ids, row->id);
    return ++found->n != found->stop_after;
}

static void assert_found(struct fixture *fixture, struct store_health_query query, const char *expected)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GString) ids = g_string_new(NULL);
    struct found found = {ids, 0, 0};
    if (query.limit == 0)
        query.limit = 50;
    bool searched = store_search_health(fixture->store, &query, take, &found, &error);
    assert_ok(searched, error);
    assert_string_equal(ids->str, expected);
}

static void assert_refuses(struct fixture *fixture, struct store_health_query query, int code, const char *words)
{
    GError *error = NULL;
    g_autoptr(GString) ids = g_string_new(NULL);
    struct found found = {ids, 0, 0};
    query.limit = 50;
    assert_refused(store_search_health(fixture->store, &query, take, &found, &error), &error, code, words);
    assert_int_equal(found.n, 0);
}

#define ISSUES(...)                                                                                                    \
    (struct store_health_query)                                                                                        \
    {                                                                                                                  \
        .kind = STORE_HEALTH_ISSUES, __VA_ARGS__                                                                       \
    }
#define MESSAGES(...)                                                                                                  \
    (struct store_health_query)                                                                                        \
    {                                                                                                                  \
        .kind = STORE_HEALTH_MESSAGES, __VA_ARGS__                                                                     \
    }

/* --- what there is to find
 * ---------------------------------------------------------------------------------------------------- */

struct told {
    const char *id, *raw;
};

static const struct told issues[] = {
    {"EX1", "{\"title\":\"Delayed mail\",\"service\":\"Exchange Online\",\"impactDescription\":\"Queues grow\","
            "\"lastModifiedDateTime\":\"2026-11-20T10:00:00Z\"}"},
    {"EX3", "{\"title\":\"Mail to ada@example.org bounces\",\"service\":\"Exchange Online\","
            "\"impactDescription\":\"Odmítnuté zprávy\",\"lastModifiedDateTime\":\"2026-11-22T10:00:00.767Z\"}"},
    {"TM2", "{\"title\":\"Calls drop AND NOT ring\",\"service\":\"Microsoft Teams\",\"impactDescription\":\"x\","
            "\"lastModifiedDateTime\":\"2026-11-21T10:00:00Z\"}"},
    {"XX0", "{\"title\":\"Without time or service\",\"impactDescription\":\"mail\"}"},
};
static const struct told messages[] = {
    {"MC1", "{\"title\":\"A new look for mail\",\"services\":[\"Exchange Online\",\"Microsoft Teams\"],"
            "\"lastModifiedDateTime\":\"2026-11-10T10:00:00Z\"}"},
    {"MC2", "{\"title\":\"Calls\",\"services\":[\"Microsoft Teams\"],\"lastModifiedDateTime\":"
            "\"2026-11-12T10:00:00Z\"}"},
    {"MC3", "{\"title\":\"Retired: mail of old\",\"services\":[],\"lastModifiedDateTime\":\"2026-11-12T10:00:00Z\"}"},
};

static void tell_all(struct fixture *fixture, enum store_health_kind kind, const struct told *told, size_t n)
{
    struct store_page *page = health_page(fixture->customer, kind);
    for (size_t i = 0; i < n; i++)
        page_tell(page, told[i].id, told[i].raw);
    commit(fixture, page);
    health_page_free(page);
}

static int setup_health(void **state)
{
    if (setup_store(state) != 0)
        return -1;
    struct fixture *fixture = *state;
    int64_t first = fixture->customer;
    tell_all(fixture, STORE_HEALTH_ISSUES, issues, G_N_ELEMENTS(issues));
    tell_all(fixture, STORE_HEALTH_MESSAGES, messages, G_N_ELEMENTS(messages));
    fixture->customer = store_customer(fixture->store, "Fabrikam", "other-tenant", NULL);
    tell_one(fixture, STORE_HEALTH_ISSUES, AT, "FB9",
             "{\"title\":\"Mail\",\"service\":\"Exchange Online\",\"lastModifiedDateTime\":\"2026-11-23T10:00:00Z\"}");
    fixture->customer = first;
    return 0;
}

static void without_words_the_last_modified_come_first_and_those_without_time_last(void **state)
{
    assert_found(*state, ISSUES(.words = NULL), "FB9,EX3,TM2,EX1,XX0");
    assert_found(*state, ISSUES(.words = " \t"), "FB9,EX3,TM2,EX1,XX0");
    assert_found(*state, MESSAGES(.words = NULL), "MC3,MC2,MC1"); /* two of the same moment */
    assert_found(*state, MESSAGES(.customer = "contoso"), "MC3,MC2,MC1");
}

static void words_find_text_whatever_its_case_or_accents(void **state)
{
    static const struct {
        const char *words, *ids;
    } cases[] = {
        {"mail", "FB9,EX3,EX1,XX0"},
        {"MAIL delayed", "EX1"},
        {"odmitnute", "EX3"},
        {"ada@example.org", "EX3"},
        {"queu*", "EX1"},
        {"\"calls dro\"*", "TM2"},
        {"AND NOT", "TM2"},
        {"\"mail delayed\"", ""},
        {"nobody", ""},
        {"facets", ""},
        {"health", ""},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        assert_found(*state, ISSUES(.words = cases[i].words), cases[i].ids);
    assert_found(*state, MESSAGES(.words = "mail"), "MC3,MC1");
}

static void customer_and_service_are_exact_in_any_case_and_go_with_words(void **state)
{
    assert_found(*state, ISSUES(.customer = "CONTOSO"), "EX3,TM2,EX1,XX0");
    assert_found(*state, ISSUES(.customer = "fabrikam"), "FB9");
    assert_found(*state, ISSUES(.service = "exchange online"), "FB9,EX3,EX1");
    assert_found(*state, ISSUES(.service = "Exchange Online", .customer = "contoso"), "EX3,EX1");
    assert_found(*state, ISSUES(.service = "Exchange Online", .customer = "contoso", .words = "delayed"), "EX1");
    assert_found(*state, ISSUES(.service = "Exchange"), "");
    assert_found(*state, ISSUES(.customer = "nobody\" OR \"x"), "");
    assert_found(*state, ISSUES(.customer = "", .service = ""), "FB9,EX3,TM2,EX1,XX0");
}

static void a_message_is_found_by_each_of_its_services(void **state)
{
    assert_found(*state, MESSAGES(.service = "Microsoft Teams"), "MC2,MC1");
    assert_found(*state, MESSAGES(.service = "EXCHANGE ONLINE"), "MC1");
    assert_found(*state, MESSAGES(.service = "Exchange Online", .words = "calls"), "");
}

static int64_t second_of(const char *text)
{
    struct timestamp time = {0, 0};
    assert_true(timestamp_parse(text, strlen(text), &time));
    return time.seconds;
}

static void time_is_that_of_the_last_change_the_start_included_and_the_end_not(void **state)
{
    int64_t from = second_of("2026-11-21T10:00:00Z"), to = second_of("2026-11-22T10:00:00Z");
    assert_found(*state, ISSUES(.has_start = true, .start = from), "FB9,EX3,TM2");
    assert_found(*state, ISSUES(.has_start = true, .start = from + 1), "FB9,EX3");
    assert_found(*state, ISSUES(.has_end = true, .end = from), "EX1");
    assert_found(*state, ISSUES(.has_end = true, .end = from + 1), "TM2,EX1");
    assert_found(*state, ISSUES(.has_start = true, .start = from, .has_end = true, .end = to), "TM2");
    assert_found(*state, ISSUES(.has_start = true, .start = from, .has_end = true, .end = to + 1), "EX3,TM2");
    assert_found(*state, ISSUES(.has_start = true, .start = from, .has_end = true, .end = to + 1, .words = "mail"),
                 "EX3");
    assert_found(*state, ISSUES(.has_start = true, .start = to, .has_end = true, .end = from), "");
    assert_found(*state, ISSUES(.has_start = true, .start = INT64_MAX), "");
    assert_found(*state, ISSUES(.has_end = true, .end = INT64_MIN), "");
    assert_found(*state, ISSUES(.has_start = true, .start = INT64_MIN, .has_end = true, .end = INT64_MAX),
                 "FB9,EX3,TM2,EX1");
}

static void no_more_rows_come_than_were_asked_for(void **state)
{
    assert_found(*state, ISSUES(.limit = 1), "FB9");
    assert_found(*state, ISSUES(.limit = 4), "FB9,EX3,TM2,EX1");
    assert_found(*state, ISSUES(.limit = 2, .words = "mail"), "FB9,EX3");
    assert_found(*state, ISSUES(.limit = -1), "");
}

static void the_receiver_may_stop(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    g_autoptr(GString) ids = g_string_new(NULL);
    struct found found = {ids, 2, 0};
    assert_ok(store_search_health(fixture->store, &ISSUES(.limit = 50), take, &found, &error), error);
    assert_string_equal(ids->str, "FB9,EX3");
}

static void raw_fts5_syntax_is_passed_on_and_what_is_wrong_with_it_said(void **state)
{
    assert_found(*state, ISSUES(.fts_syntax = true, .words = "mail NOT delayed", .customer = "contoso"), "EX3,XX0");
    assert_refuses(*state, ISSUES(.fts_syntax = true, .words = "mail AND"), STORE_ERROR_QUERY, "no FTS5 query");
    assert_refuses(*state, MESSAGES(.fts_syntax = true, .words = "a) OR (b", .customer = "contoso"), STORE_ERROR_QUERY,
                   "no FTS5 query");
    assert_refuses(*state, ISSUES(.fts_syntax = true, .words = "name : mail"), STORE_ERROR_QUERY, "no FTS5 query");
}

static void words_that_cannot_be_searched_are_refused(void **state)
{
    assert_refuses(*state, ISSUES(.words = "--"), STORE_ERROR_QUERY, "nothing to search for");
    assert_refuses(*state, MESSAGES(.words = "a*"), STORE_ERROR_QUERY, "too short");
}

static void what_was_searched_follows_what_microsoft_edits(void **state)
{
    struct fixture *fixture = *state;
    tell_one(fixture, STORE_HEALTH_ISSUES, AT, "EX1",
             "{\"title\":\"All is well\",\"service\":\"Exchange Online (Europe)\","
             "\"lastModifiedDateTime\":\"2026-11-24T10:00:00Z\"}");
    assert_found(fixture, ISSUES(.words = "delayed"), "");
    assert_found(fixture, ISSUES(.words = "well"), "EX1");
    assert_found(fixture, ISSUES(.service = "Exchange Online"), "FB9,EX3");
    assert_found(fixture, ISSUES(.service = "exchange online (europe)"), "EX1");
    assert_found(fixture, ISSUES(.limit = 2), "EX1,FB9");
}

/* A search is no transaction that others wait for, and takes nothing but a read of its own. */
static void a_reader_searches_too(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    store_close(fixture->store);
    fixture->store = store_open(fixture->path, STORE_READ, &error);
    assert_ok(fixture->store != NULL, error);
    assert_found(fixture, ISSUES(.words = "mail", .time_limit_ms = 60000), "FB9,EX3,EX1,XX0");
}

/* --- many rows
 * ---------------------------------------------------------------------------------------------------- */

enum { MANY = 700 }; /* more than two pieces */

static int setup_many(void **state)
{
    if (setup_store(state) != 0)
        return -1;
    struct fixture *fixture = *state;
    struct store_page *page = health_page(fixture->customer, STORE_HEALTH_MESSAGES);
    g_autoptr(GPtrArray) raws = g_ptr_array_new_with_free_func(g_free);
    for (int i = 0; i < MANY; i++) {
        int second = (i * 383) % MANY; /* not in the order of time */
        g_autofree char *id = g_strdup_printf("%04d", MANY - 1 - second);
        char *raw = g_strdup_printf("{\"title\":\"word\",\"lastModifiedDateTime\":\"2026-11-20T10:%02d:%02dZ\"}",
                                    second / 60, second % 60);
        g_ptr_array_add(raws, raw);
        page_tell(page, id, raw);
    }
    commit(fixture, page);
    health_page_free(page);
    return 0;
}

struct run {
    struct fixture *fixture;
    int n;
};

/* Every id follows the one before; halfway, the receiver writes. */
static bool ascending(const struct store_health_row *row, void *user)
{
    struct run *run = user;
    g_autofree char *wanted = g_strdup_printf("%04d", run->n++);
    assert_string_equal(row->id, wanted);
    if (run->n == 300)
        tell_one(run->fixture, STORE_HEALTH_MESSAGES, AT, "0001", "{\"title\":\"word\"}");
    return true;
}

static void more_rows_than_a_piece_come_in_order_and_the_receiver_may_use_the_store(void **state)
{
    struct run run = {*state, 0};
    g_autoptr(GError) error = NULL;
    assert_ok(store_search_health(run.fixture->store, &MESSAGES(.limit = 10000), ascending, &run, &error), error);
    assert_int_equal(run.n, MANY);
    run.n = 0;
    tell_one(run.fixture, STORE_HEALTH_MESSAGES, AT, "0001",
             "{\"title\":\"word\",\"lastModifiedDateTime\":\"2026-11-20T10:11:38Z\"}");
    assert_ok(
        store_search_health(run.fixture->store, &MESSAGES(.words = "word", .limit = 10000), ascending, &run, &error),
        error);
    assert_int_equal(run.n, MANY);
}

static bool count(const struct store_health_row *row, void *user)
{
    (void)row;
    ++*(int *)user;
    return true;
}

/* Thin issues, and so many that no machine sorts them within a millisecond. */
static void the_time_limit_ends_a_question_and_not_the_connection(void **state)
{
    struct fixture *fixture = *state;
    GError *error = NULL;
    int n = 0;
    execute(fixture, "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000) "
                     "INSERT INTO service_issue (customer_id, id, content_hash, first_seen, first_seq, seq, raw) "
                     "SELECT 1, 'x' || i, '', 0, 0, 0, '' FROM n");
    struct store_health_query query = ISSUES(.limit = 1000000, .time_limit_ms = 1);
    assert_refused(store_search_health(fixture->store, &query, count, &n, &error), &error, STORE_ERROR_LIMIT,
                   "the time limit was reached");
    query.limit = 3;
    query.time_limit_ms = 0;
    n = 0;
    execute(fixture, "DELETE FROM service_issue WHERE id <> 'x1'");
    execute(fixture, "UPDATE service_issue SET raw = '{}'");
    assert_ok(store_search_health(fixture->store, &query, count, &n, &error), error);
    assert_int_equal(n, 1);
}

/* --- who changes meanwhile
 * ---------------------------------------------------------------------------------------------------- */

/* Another program, which edits an issue as soon as its row is read. */
struct meanwhile {
    struct fixture other;
    int rows; /* read so far */
};

static int before_the_row(unsigned int kind, void *user, void *statement, void *sql)
{
    struct meanwhile *meanwhile = user;
    (void)kind, (void)statement;
    if (strstr(sql, "FROM service_issues") && meanwhile->rows++ == 0)
        tell_one(&meanwhile->other, STORE_HEALTH_ISSUES, AT, "XX0",
                 "{\"title\":\"edited\",\"lastModifiedDateTime\":\"2026-11-25T10:00:00Z\"}");
    return 0;
}

static bool take_titles(const struct store_health_row *row, void *user)
{
    g_string_append_printf(user, "%s: %s\n", row->id, row->title);
    return true;
}

static void ids_and_rows_are_of_one_moment(void **state)
{
    struct fixture *fixture = *state;
    struct meanwhile meanwhile = {.other = *fixture};
    g_autoptr(GString) titles = g_string_new(NULL);
    GError *error = NULL;
    meanwhile.other.store = store_open(fixture->path, STORE_WRITE, &error);
    assert_ok(meanwhile.other.store, error);
    sqlite3_trace_v2(fixture->store->db, SQLITE_TRACE_STMT, before_the_row, &meanwhile);
    assert_ok(store_search_health(fixture->store, &ISSUES(.limit = 9), take_titles, titles, &error), error);
    sqlite3_trace_v2(fixture->store->db, 0, NULL, NULL);
    assert_true(meanwhile.rows > 1);
    assert_true(g_str_has_suffix(titles->str, "XX0: Without time or service\n"));
    store_close(meanwhile.other.store);
    assert_found(fixture, ISSUES(.limit = 1), "XX0");
}

/* --- the documents
 * ---------------------------------------------------------------------------------------------------- */

/* The flag of the other kind is not told. */
static bool append_document(const struct store_health_row *row, void *user)
{
    assert_int_equal(row->kind == STORE_HEALTH_ISSUES ? row->is_major_change : row->is_resolved, -1);
    store_health_append_json(user, row);
    return true;
}

static void an_issue_gives_every_key_in_order_and_raw_byte_for_byte(void **state)
{
#define ISSUE                                                                                                          \
    "{ \"id\":\"EX1\", \"title\":\"Mail \\\"late\\\"\", \"service\":\"Exchange Online\", "                             \
    "\"classification\":\"Advisory\", \"status\":\"ServiceRestored\", \"isResolved\":true, \"n\":9007199254740993, "   \
    "\"startDateTime\":\"2026-11-20T10:00:00Z\", \"endDateTime\":\"2026-11-21T10:00:00Z\", "                           \
    "\"lastModifiedDateTime\":\"2026-11-21T11:00:00.5Z\", \"impactDescription\":\"late\", "                            \
    "\"posts\":[{\"postType\":\"Regular\"}] }"
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    g_autoptr(GString) out = g_string_new(NULL);
    tell_one(fixture, STORE_HEALTH_ISSUES, AT, "EX1", "{}");
    tell_one(fixture, STORE_HEALTH_ISSUES, AT + 1, "EX1", ISSUE);
    assert_ok(store_search_health(fixture->store, &ISSUES(.limit = 1), append_document, out, &error), error);
    assert_string_equal(
        out->str,
        "{\"id\":\"EX1\",\"title\":\"Mail \\\"late\\\"\",\"start\":\"2026-11-20T10:00:00.0000000Z\","
        "\"end\":\"2026-11-21T10:00:00.0000000Z\",\"last_modified\":\"2026-11-21T11:00:00.5000000Z\","
        "\"service\":\"Exchange Online\",\"classification\":\"Advisory\",\"status\":\"ServiceRestored\","
        "\"is_resolved\":true,\"posts\":[{\"postType\":\"Regular\"}],\"raw\":" ISSUE ","
        "\"raw_text\":\"Mail \\\"late\\\"\\nlate\",\"customer\":\"contoso\",\"tenant_id\":\"" TENANT "\","
        "\"source\":\"health\",\"first_seen\":\"2026-11-26T08:00:00Z\",\"changed_at\":\"2026-11-26T08:00:01Z\","
        "\"issue_id\":1}");
}

static void a_message_gives_every_key_in_order_and_raw_byte_for_byte(void **state)
{
#define MESSAGE                                                                                                        \
    "{\"id\":\"MC1\",\"title\":\"Soon\",\"services\":[\"A\", \"B\"],\"category\":\"PlanForChange\","                   \
    "\"severity\":\"normal\",\"isMajorChange\":false,\"actionRequiredByDateTime\":\"2026-12-01T00:00:00Z\"}"
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    g_autoptr(GString) out = g_string_new(NULL);
    tell_one(fixture, STORE_HEALTH_MESSAGES, AT, "MC1", MESSAGE);
    assert_ok(store_search_health(fixture->store, &MESSAGES(.limit = 1), append_document, out, &error), error);
    assert_string_equal(out->str,
                        "{\"id\":\"MC1\",\"title\":\"Soon\",\"start\":null,\"end\":null,\"last_modified\":null,"
                        "\"services\":[\"A\", \"B\"],\"category\":\"PlanForChange\",\"severity\":\"normal\","
                        "\"is_major_change\":false,\"action_required_by\":\"2026-12-01T00:00:00.0000000Z\","
                        "\"raw\":" MESSAGE ",\"raw_text\":\"Soon\",\"customer\":\"contoso\","
                        "\"tenant_id\":\"" TENANT "\",\"source\":\"health\","
                        "\"first_seen\":\"2026-11-26T08:00:00Z\",\"changed_at\":null,\"message_id\":1}");
}

static void what_is_missing_is_null(void **state)
{
    static const struct {
        enum store_health_kind kind;
        int members;
    } kinds[] = {{STORE_HEALTH_ISSUES, 18}, {STORE_HEALTH_MESSAGES, 18}};
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        g_autoptr(GString) out = g_string_new(NULL);
        struct store_health_row row = {.kind = kinds[i].kind, .row_id = -1, .is_resolved = -1, .is_major_change = -1};
        store_health_append_json(out, &row);
        cJSON *json = cJSON_Parse(out->str), *member;
        assert_non_null(json);
        int n = 0;
        cJSON_ArrayForEach(member, json)
        {
            n++;
            assert_true(cJSON_IsNull(member) || g_str_has_suffix(member->string, "_id") ||
                        strcmp(member->string, "source") == 0);
        }
        assert_int_equal(n, kinds[i].members);
        cJSON_Delete(json);
    }
}

#define WITH_HEALTH(test)  cmocka_unit_test_setup_teardown(test, setup_health, teardown_verified)
#define WITH_NOTHING(test) cmocka_unit_test_setup_teardown(test, setup_store, teardown_verified)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_HEALTH(without_words_the_last_modified_come_first_and_those_without_time_last),
        WITH_HEALTH(words_find_text_whatever_its_case_or_accents),
        WITH_HEALTH(customer_and_service_are_exact_in_any_case_and_go_with_words),
        WITH_HEALTH(a_message_is_found_by_each_of_its_services),
        WITH_HEALTH(time_is_that_of_the_last_change_the_start_included_and_the_end_not),
        WITH_HEALTH(no_more_rows_come_than_were_asked_for),
        WITH_HEALTH(the_receiver_may_stop),
        WITH_HEALTH(raw_fts5_syntax_is_passed_on_and_what_is_wrong_with_it_said),
        WITH_HEALTH(words_that_cannot_be_searched_are_refused),
        WITH_HEALTH(what_was_searched_follows_what_microsoft_edits),
        WITH_HEALTH(ids_and_rows_are_of_one_moment),
        cmocka_unit_test_setup_teardown(a_reader_searches_too, setup_health, teardown),
        cmocka_unit_test_setup_teardown(more_rows_than_a_piece_come_in_order_and_the_receiver_may_use_the_store,
                                        setup_many, teardown_verified),
        cmocka_unit_test_setup_teardown(the_time_limit_ends_a_question_and_not_the_connection, setup_store, teardown),
        WITH_NOTHING(an_issue_gives_every_key_in_order_and_raw_byte_for_byte),
        WITH_NOTHING(a_message_gives_every_key_in_order_and_raw_byte_for_byte),
        cmocka_unit_test(what_is_missing_is_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
