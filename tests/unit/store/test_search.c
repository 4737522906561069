/* Search: words, filters, time and paging, and the document that comes out. */
#include "fixture.h"

#include <cjson/cJSON.h>

#include "base/json.h"

#define NOON INT64_C(1795608000) /* 2026-11-25T12:00:00Z */

/* --- asking
 * ------------------------------------------------------------------------------------------------------------- */

struct found {
    GString *ids; /* joined by commas */
    int stop_after;
    int n;
};

static bool take(const struct store_event *event, void *user)
{
    struct found *found = user;
    if (found->ids->len)
        g_string_append_c(found->ids, ',');
    g_string_append(found->ids, event->id);
    return ++found->n != found->stop_after;
}

/* The ids that a question finds, newest first. Returned: g_free. */
static char *ids_of(struct fixture *fixture, const struct store_query *query)
{
    g_autoptr(GError) error = NULL;
    struct found found = {g_string_new(NULL), 0, 0};
    assert_ok(store_search(fixture->store, query, take, &found, &error), error);
    return g_string_free(found.ids, FALSE);
}

static void assert_found(struct fixture *fixture, struct store_query query, const char *expected)
{
    g_autoptr(GError) error = NULL;
    if (query.limit == 0)
        query.limit = 50;
    g_autofree char *ids = ids_of(fixture, &query);
    assert_string_equal(ids, expected);
    int64_t n = store_search_count(fixture->store, &query, 1000, &error);
    int commas = 0;
    for (const char *c = expected; *c; c++)
        commas += *c == ',';
    assert_int_equal(n, *expected ? commas + 1 : 0);
}

static void assert_refuses(struct fixture *fixture, struct store_query query, int code, const char *words)
{
    GError *error = NULL;
    struct found found = {g_string_new(NULL), 0, 0};
    query.limit = 50;
    assert_refused(store_search(fixture->store, &query, take, &found, &error), &error, code, words);
    assert_refused(store_search_count(fixture->store, &query, 10, &error) >= 0, &error, code, words);
    assert_int_equal(found.n, 0);
    g_string_free(found.ids, TRUE);
}

/* --- what there is to find
 * -------------------------------------------------------------------------------------------- */

struct sample {
    const char *id, *customer, *source, *service, *operation, *result, *actor, *text;
    int after_s; /* seconds after noon */
};

static const struct sample samples[] = {
    {"a", "contoso", "sign-ins", "SignIn", "Azure Portal", "success", "ada@example.org",
     "ada@example.org signed in from 192.0.2.7\n66666666-6666-4666-8666-666666666600", 0},
    {"b", "contoso", "directory-audits", "UserManagement", "Reset user password", "success", "bob@example.org",
     "bob@example.org changed the user password, then reset\nZpr\xc3\xa1va", 10},
    {"c", "fabrikam", "sign-ins", "SignIn", "Azure Portal", "failure", "Ada@example.org",
     "reset password\n[2001:db8::7]:51820", 20},
    {"d", "fabrikam", "sign-ins", "SignIn", "Teams", "failure", "carol@example.org", "New-InboxRule AND NOT facets",
     30},
};

static struct document *sample_document(const struct sample *sample)
{
    g_autofree char *when = timestamp_format_seconds(NOON + sample->after_s);
    struct document *document = document_of(sample->id, when, "{}", sample->text);
    g_ptr_array_set_size(document->actor_names, 0);
    g_free(document->service);
    g_free(document->operation);
    g_free(document->result);
    g_free(document->actor_display);
    document->service = g_strdup(sample->service);
    document->operation = g_strdup(sample->operation);
    document->result = g_strdup(sample->result);
    document->actor_display = g_strdup(sample->actor);
    document_seal(document, sample->customer, sample->source);
    return document;
}

static int setup_samples(void **state)
{
    if (setup_store(state) != 0)
        return -1;
    struct fixture *fixture = *state;
    for (size_t i = 0; i < G_N_ELEMENTS(samples); i++) {
        int64_t customer = store_customer(fixture->store, samples[i].customer, samples[i].customer, NULL);
        struct store_page *page = page_new(customer, NOON + (int64_t)i, NOON + (int64_t)i + 1), *pages[] = {page};
        page->source = samples[i].source;
        page_add(page, sample_document(&samples[i]));
        bool ok = store_commit_pages(fixture->store, pages, 1, NULL);
        page_free(page);
        if (!ok)
            return -1;
    }
    return 0;
}

#define Q(...)                                                                                                         \
    (struct store_query)                                                                                               \
    {                                                                                                                  \
        __VA_ARGS__                                                                                                    \
    }

static void without_a_question_everything_comes_newest_first(void **state)
{
    assert_found(*state, Q(.words = NULL), "d,c,b,a");
    assert_found(*state, Q(.words = "  "), "d,c,b,a");
}

static void words_are_found_whatever_their_case_or_accents(void **state)
{
    static const struct {
        const char *words, *ids;
    } cases[] = {
        {"ADA@EXAMPLE.ORG", "a"},
        {"66666666-6666-4666-8666-666666666600", "a"},
        {"192.0.2.7", "a"},
        {"2001:db8::7", "c"},
        {"zprava", "b"},
        {"reset password", "c,b"},
        {"\"reset password\"", "c"},
        {"password reset", "c,b"},
        {"example.org", "b,a"},
        {"inboxrule", "d"},
        {"inbox*", "d"},
        {"AND NOT", "d"},
        {"pass*", "c,b"},
        {"nowhere", ""},
        {"reset nowhere", ""},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        assert_found(*state, Q(.words = cases[i].words), cases[i].ids);
}

static void filters_are_exact_and_ignore_case(void **state)
{
    assert_found(*state, Q(.service = "signin"), "d,c,a");
    assert_found(*state, Q(.operation = "AZURE PORTAL"), "c,a");
    assert_found(*state, Q(.operation = "Azure"), "");
    assert_found(*state, Q(.result = "failure"), "d,c");
    assert_found(*state, Q(.actor = "ADA@example.org"), "c,a");
    assert_found(*state, Q(.customer = "contoso"), "b,a");
    assert_found(*state, Q(.source = "directory-audits"), "b");
    assert_found(*state, Q(.actor = "ada@example.org", .result = "failure", .customer = "Fabrikam"), "c");
    assert_found(*state, Q(.actor = "ada@example.org", .source = "directory-audits"), "");
    assert_found(*state, Q(.service = ""), "d,c,b,a");
}

static void words_and_filters_must_both_match(void **state)
{
    assert_found(*state, Q(.words = "reset password", .customer = "contoso"), "b");
    assert_found(*state, Q(.words = "reset password", .customer = "contoso", .actor = "carol@example.org"), "");
}

static void words_never_reach_the_facets(void **state)
{
    struct fixture *fixture = *state;
    g_autofree char *facets = rows_in(fixture->path, "SELECT facets FROM event_fts LIMIT 1");
    facets[14] = '\0'; /* the first token */
    assert_found(fixture, Q(.words = facets), "");
    assert_found(fixture, Q(.words = facets, .fts_syntax = true), "");
    assert_found(fixture, Q(.words = "facets"), "d");
}

static void time_is_a_half_open_window(void **state)
{
    struct store_query query = {.has_start = true, .start = NOON + 10, .has_end = true, .end = NOON + 30};
    assert_found(*state, query, "c,b");
    query.words = "reset";
    assert_found(*state, query, "c,b");
    query.end = NOON + 20;
    assert_found(*state, query, "b");
    query.end = NOON + 10;
    assert_found(*state, query, "");
    query = Q(.has_start = true, .start = INT64_MIN, .has_end = true, .end = INT64_MAX);
    assert_found(*state, query, "d,c,b,a");
    query = Q(.has_start = true, .start = INT64_MAX, .has_end = true, .end = INT64_MIN);
    assert_found(*state, query, "");
}

static void pages_follow_each_other_by_event_id(void **state)
{
    struct fixture *fixture = *state;
    assert_found(fixture, Q(.before_event_id = (NOON + 20) << 20), "b,a");
    assert_found(fixture, Q(.before_event_id = (NOON + 20) << 20, .words = "reset"), "b");
    assert_found(fixture, Q(.before_event_id = NOON << 20), "");
    g_autofree char *two = ids_of(fixture, &Q(.limit = 2));
    assert_string_equal(two, "d,c");
    g_autofree char *none = ids_of(fixture, &Q(.limit = 0));
    assert_string_equal(none, "");
}

static void the_receiver_may_stop(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    struct found found = {g_string_new(NULL), 2, 0};
    assert_ok(store_search(fixture->store, &Q(.limit = 50), take, &found, &error), error);
    assert_string_equal(found.ids->str, "d,c");
    g_string_free(found.ids, TRUE);
}

static void a_count_stops_at_its_cap(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    assert_int_equal(store_search_count(fixture->store, &Q(.words = NULL), 3, &error), 4);
    assert_int_equal(store_search_count(fixture->store, &Q(.words = NULL), 4, &error), 4);
    assert_int_equal(store_search_count(fixture->store, &Q(.words = "reset"), 1, &error), 2);
    assert_int_equal(store_search_count(fixture->store, &Q(.words = "reset"), 0, &error), 1);
}

/* --- raw syntax
 * ---------------------------------------------------------------------------------------------------------- */

static void raw_fts5_syntax_is_passed_on(void **state)
{
    assert_found(*state, Q(.words = "ada OR inboxrule", .fts_syntax = true), "d,a");
    assert_found(*state, Q(.words = "reset NOT zprava", .fts_syntax = true), "c");
    assert_found(*state, Q(.words = "NEAR(changed password, 2)", .fts_syntax = true), "b");
    assert_found(*state, Q(.words = "(ada OR inboxrule)", .fts_syntax = true, .customer = "contoso"), "a");
}

static void raw_fts5_syntax_that_is_wrong_is_refused_with_its_reason(void **state)
{
    static const char *const wrong[] = {"(ada",          "ada)",    "\"ada", "ada AND",
                                        "nowhere : ada", "NOT ada", "*",     "a) OR (b"};
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++)
        assert_refuses(*state, Q(.words = wrong[i], .fts_syntax = true, .customer = "contoso"), STORE_ERROR_QUERY,
                       "is no FTS5 query: ");
    assert_refuses(*state, Q(.words = "(ada", .fts_syntax = true), STORE_ERROR_QUERY, "syntax error");
}

static void words_without_a_letter_are_refused(void **state)
{
    assert_refuses(*state, Q(.words = "\" ! \""), STORE_ERROR_QUERY, "nothing to search for");
    assert_refuses(*state, Q(.words = "ab*"), STORE_ERROR_QUERY, "too short");
}

/* --- many rows
 * ----------------------------------------------------------------------------------------------------------- */

static void fill(struct fixture *fixture, int n)
{
    struct store_page *page = page_new(fixture->customer, NOON, NOON + n);
    for (int i = 0; i < n; i++) {
        g_autofree char *id = g_strdup_printf("%d", i), *when = timestamp_format_seconds(NOON + i);
        page_add(page, document_of(id, when, "{}", i % 2 ? "odd common" : "even common"));
    }
    commit(fixture, page);
    page_free(page);
}

struct run {
    struct fixture *fixture;
    int64_t last;
    int n;
};

static bool descending(const struct store_event *event, void *user)
{
    struct run *run = user;
    assert_true(event->event_id < run->last);
    run->last = event->event_id;
    run->n++;
    return true;
}

static void more_rows_than_one_piece_come_without_gap_or_repeat(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    fill(fixture, 1000);
    static const struct {
        const char *words;
        int limit, expected;
    } cases[] = {{NULL, 5000, 1000}, {NULL, 700, 700},  {NULL, 256, 256},    {NULL, 512, 512},
                 {"odd", 5000, 500}, {"odd", 256, 256}, {"common", 999, 999}};
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct run run = {fixture, INT64_MAX, 0};
        struct store_query query = {.words = cases[i].words, .limit = cases[i].limit};
        assert_ok(store_search(fixture->store, &query, descending, &run, &error), error);
        assert_int_equal(run.n, cases[i].expected);
    }
}

/* While rows are handed over no statement is open, so a slow receiver holds no snapshot: the log can be emptied. */
static bool checkpoints(const struct store_event *event, void *user)
{
    struct run *run = user;
    (void)event;
    if (run->n++ == 0)
        assert_rows(run->fixture, "PRAGMA wal_checkpoint(TRUNCATE)", "0|0|0");
    return true;
}

static void a_slow_receiver_holds_nothing_open(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    fill(fixture, 600);
    struct run run = {fixture, 0, 0};
    assert_ok(store_search(fixture->store, &Q(.words = "common", .limit = 600), checkpoints, &run, &error), error);
    assert_int_equal(run.n, 600);
}

static void the_time_limit_ends_a_question_and_not_the_connection(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    fill(fixture, 4000);
    /* Enough work for the clock to be looked at, and a limit that is over at once: time that was never there. */
    struct store_query query = {.limit = 1000000, .time_limit_ms = 1};
    bool over = false;
    for (int i = 0; i < 200 && !over; i++) {
        struct run run = {fixture, INT64_MAX, 0};
        over = !store_search(fixture->store, &query, descending, &run, &error);
    }
    assert_true(over);
    assert_true(g_error_matches(error, STORE_ERROR, STORE_ERROR_LIMIT));
    assert_non_null(strstr(error->message, "time limit"));
    g_clear_error(&error);
    query.time_limit_ms = 0;
    struct run run = {fixture, INT64_MAX, 0};
    assert_ok(store_search(fixture->store, &query, descending, &run, &error), error);
    assert_int_equal(run.n, 4000);
}

/* --- the document
 * ---------------------------------------------------------------------------------------------------------- */

static bool append_document(const struct store_event *event, void *user)
{
    store_event_append_json(user, event);
    return true;
}

static void the_document_has_every_key_in_order_and_raw_byte_for_byte(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    const char *raw = "{ \"id\":\"a\", \"n\":9007199254740993, \"userId\":\"u\" }";
    struct document *document = document_of("a", "2026-11-25T12:00:00Z", raw, "line \"one\"\nline two");
    commit_one(fixture, document, AT);
    g_autoptr(GString) out = g_string_new(NULL);
    assert_ok(store_search(fixture->store, &Q(.limit = 1), append_document, out, &error), error);
    assert_string_equal(
        out->str,
        "{\"id\":\"a\",\"timestamp\":\"2026-11-25T12:00:00.0000000Z\",\"service\":\"SignIn\","
        "\"operation\":\"Azure Portal\",\"result\":\"success\",\"actor_display\":\"ada@example.org\","
        "\"target_displays\":[\"Azure Portal\"],\"display_summary\":\"ada@example.org signed in to Azure Portal\","
        "\"dedupe_key\":\"a\",\"actor\":{\"userId\":\"u\",\"displayName\":null,\"userPrincipalName\":null,"
        "\"ipAddress\":null},\"targets\":[{\"type\":\"application\",\"id\":null,\"displayName\":null},"
        "{\"type\":\"resource\",\"id\":null,\"displayName\":null}],"
        "\"raw\":{ \"id\":\"a\", \"n\":9007199254740993, \"userId\":\"u\" },"
        "\"raw_text\":\"line \\\"one\\\"\\nline two\",\"customer\":\"contoso\",\"tenant_id\":\"" TENANT "\","
        "\"source\":\"sign-ins\",\"first_seen\":\"2026-11-26T08:00:00Z\",\"changed_at\":null,"
        "\"event_id\":1882831454208000}");
}

static void what_is_missing_is_null(void **state)
{
    (void)state;
    g_autoptr(GString) out = g_string_new("[");
    struct store_event event = {.event_id = -1};
    store_event_append_json(out, &event);
    g_string_append_c(out, ']');
    cJSON *json = cJSON_Parse(out->str);
    assert_non_null(json);
    int n = 0;
    cJSON *member;
    cJSON_ArrayForEach(member, cJSON_GetArrayItem(json, 0))
    {
        n++;
        assert_true(cJSON_IsNull(member) || strcmp(member->string, "event_id") == 0);
    }
    assert_int_equal(n, 19);
    cJSON_Delete(json);
}

#define WITH_SAMPLES(test) cmocka_unit_test_setup_teardown(test, setup_samples, teardown_verified)
#define WITH_STORE(test)   cmocka_unit_test_setup_teardown(test, setup_store, teardown_verified)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SAMPLES(without_a_question_everything_comes_newest_first),
        WITH_SAMPLES(words_are_found_whatever_their_case_or_accents),
        WITH_SAMPLES(filters_are_exact_and_ignore_case),
        WITH_SAMPLES(words_and_filters_must_both_match),
        WITH_SAMPLES(words_never_reach_the_facets),
        WITH_SAMPLES(time_is_a_half_open_window),
        WITH_SAMPLES(pages_follow_each_other_by_event_id),
        WITH_SAMPLES(the_receiver_may_stop),
        WITH_SAMPLES(a_count_stops_at_its_cap),
        WITH_SAMPLES(raw_fts5_syntax_is_passed_on),
        WITH_SAMPLES(raw_fts5_syntax_that_is_wrong_is_refused_with_its_reason),
        WITH_SAMPLES(words_without_a_letter_are_refused),
        WITH_STORE(more_rows_than_one_piece_come_without_gap_or_repeat),
        WITH_STORE(a_slow_receiver_holds_nothing_open),
        WITH_STORE(the_time_limit_ends_a_question_and_not_the_connection),
        WITH_STORE(the_document_has_every_key_in_order_and_raw_byte_for_byte),
        cmocka_unit_test(what_is_missing_is_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
