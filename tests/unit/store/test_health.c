/* Overviews, issues and messages: written as they come, and every body that a later one replaced kept. */
#include "health_fixture.h"

#define ISSUES   STORE_HEALTH_ISSUES
#define MESSAGES STORE_HEALTH_MESSAGES

static const char outage[] =
    "{\"id\":\"EX1\",\"title\":\"Mail is slow\",\"service\":\"Exchange Online\",\"classification\":\"Incident\","
    "\"status\":\"ServiceDegradation\",\"isResolved\":false,\"startDateTime\":\"2026-11-25T20:00:00Z\","
    "\"endDateTime\":null,\"lastModifiedDateTime\":\"2026-11-25T21:00:00.767Z\",\"impactDescription\":\"Queues grow\","
    "\"posts\":[{\"createdDateTime\":\"2026-11-25T21:00:00Z\"}]}";

static const char restored[] =
    "{\"id\":\"EX1\",\"title\":\"Mail was slow\",\"service\":\"Exchange Online\",\"classification\":\"incident\","
    "\"status\":\"serviceRestored\",\"isResolved\":true,\"startDateTime\":\"2026-11-25T20:00:00Z\","
    "\"endDateTime\":\"2026-11-26T01:00:00Z\",\"lastModifiedDateTime\":\"2026-11-26T02:00:00Z\","
    "\"impactDescription\":\"Queues grew\",\"posts\":[]}";

static const char announcement[] =
    "{\"id\":\"MC1\",\"title\":\"New look\",\"services\":[\"Exchange Online\",\"Microsoft Teams\"],"
    "\"category\":\"planForChange\",\"severity\":\"High\",\"isMajorChange\":true,"
    "\"startDateTime\":\"2026-11-01T00:00:00Z\",\"endDateTime\":\"2027-01-01T00:00:00Z\","
    "\"lastModifiedDateTime\":\"2026-11-20T10:00:00Z\",\"actionRequiredByDateTime\":\"2026-12-31T00:00:00Z\","
    "\"body\":{\"contentType\":\"html\",\"content\":\"<p>Soon</p>\"}}";

/* --- rows
 * ---------------------------------------------------------------------------------------------------- */

static void what_is_new_gets_a_row_with_all_that_it_says(void **state)
{
    struct fixture *fixture = *state;
    assert_health_counts(tell_one(fixture, ISSUES, AT, "EX1", outage), 1, 0, 0);
    assert_health_counts(tell_one(fixture, MESSAGES, AT, "MC1", announcement), 1, 0, 0);
    assert_health_counts(
        tell_one(fixture, STORE_HEALTH_OVERVIEWS, AT, "Exchange",
                 "{\"id\":\"Exchange\",\"service\":\"Exchange Online\",\"status\":\"ServiceOperational\"}"),
        1, 0, 0);
    assert_rows(fixture,
                "SELECT customer, tenant_id, id, service, title, classification, status, is_resolved, start, \"end\", "
                "last_modified, posts, raw_text, first_seen, changed_at FROM service_issues",
                "contoso|" TENANT "|EX1|Exchange Online|Mail is slow|Incident|ServiceDegradation|0|"
                "2026-11-25T20:00:00.0000000Z|NULL|2026-11-25T21:00:00.7670000Z|"
                "[{\"createdDateTime\":\"2026-11-25T21:00:00Z\"}]|Mail is slow\nQueues grow|2026-11-26T08:00:00Z|NULL");
    assert_rows(fixture,
                "SELECT id, title, services, category, severity, is_major_change, start, \"end\", last_modified, "
                "action_required_by, body, raw_text, changed_at FROM service_messages",
                "MC1|New look|[\"Exchange Online\",\"Microsoft Teams\"]|planForChange|High|1|"
                "2026-11-01T00:00:00.0000000Z|2027-01-01T00:00:00.0000000Z|2026-11-20T10:00:00.0000000Z|"
                "2026-12-31T00:00:00.0000000Z|<p>Soon</p>|New look|NULL");
    assert_rows(fixture, "SELECT customer, id, service, status, first_seen, changed_at FROM service_overviews",
                "contoso|Exchange|Exchange Online|ServiceOperational|2026-11-26T08:00:00Z|NULL");
    g_autofree char *raw = rows_in(fixture->path, "SELECT raw FROM service_issues");
    assert_string_equal(raw, outage);
}

static void what_is_known_is_neither_decoded_nor_written(void **state)
{
    struct fixture *fixture = *state;
    tell_one(fixture, ISSUES, AT, "EX1", outage);
    g_autofree char *before =
        rows_in(fixture->path, "SELECT *, (SELECT value FROM counter WHERE name = 'seq') FROM service_issue");
    int calls = decoded;
    assert_health_counts(tell_one(fixture, ISSUES, AT + 300, "EX1", outage), 0, 0, 1);
    assert_int_equal(decoded, calls);
    g_autofree char *after =
        rows_in(fixture->path, "SELECT *, (SELECT value FROM counter WHERE name = 'seq') FROM service_issue");
    assert_string_equal(before, after);
    assert_rows(fixture, "SELECT count(*) FROM issue_versions", "0");
}

static void what_has_changed_replaces_the_row_and_its_words_and_keeps_the_old_body(void **state)
{
    struct fixture *fixture = *state;
    tell_one(fixture, ISSUES, AT, "EX1", outage);
    assert_health_counts(tell_one(fixture, ISSUES, AT + 300, "EX1", restored), 0, 1, 0);
    assert_rows(fixture,
                "SELECT title, classification, status, is_resolved, \"end\", last_modified, posts, first_seen, "
                "changed_at FROM service_issues",
                "Mail was slow|incident|serviceRestored|1|2026-11-26T01:00:00.0000000Z|2026-11-26T02:00:00.0000000Z|[]|"
                "2026-11-26T08:00:00Z|2026-11-26T08:05:00Z");
    assert_rows(fixture, "SELECT first_seq, seq FROM service_issue", "1|2");
    assert_rows(fixture,
                "SELECT seq, stored_at, replaced_at, length(content_hash), json_extract(raw, '$.title') "
                "FROM issue_versions",
                "1|2026-11-26T08:00:00Z|2026-11-26T08:05:00Z|32|Mail is slow");
    assert_rows(fixture, "SELECT count(*) FROM issue_fts WHERE issue_fts MATCH 'grow'", "0");
    assert_rows(fixture, "SELECT count(*) FROM issue_fts WHERE issue_fts MATCH 'grew'", "1");
}

static void each_distinct_body_is_kept_once(void **state)
{
    static const struct {
        const char *raw, *versions;
    } steps[] = {{"{\"v\":1}", "NULL"}, {"{\"v\":2}", "1"},   {"{\"v\":1}", "1,2"},   {"{\"v\":2}", "1,2"},
                 {"{\"v\":1}", "1,2"},  {"{\"v\":3}", "1,2"}, {"{\"v\":4}", "1,2,3"}, {"{\"v\":3}", "1,2,3,4"}};
    static const struct {
        enum store_health_kind kind;
        const char *versions;
    } kinds[] = {
        {STORE_HEALTH_OVERVIEWS, "overview_versions"}, {ISSUES, "issue_versions"}, {MESSAGES, "message_versions"}};
    struct fixture *fixture = *state;
    for (size_t k = 0; k < G_N_ELEMENTS(kinds); k++) {
        g_autofree char *sql = g_strdup_printf(
            "SELECT group_concat(v) FROM (SELECT json_extract(raw, '$.v') AS v FROM %s ORDER BY v)", kinds[k].versions);
        for (size_t i = 0; i < G_N_ELEMENTS(steps); i++) {
            tell_one(fixture, kinds[k].kind, AT + (int64_t)i, "x", steps[i].raw);
            assert_rows(fixture, sql, steps[i].versions);
        }
    }
}

static void the_same_id_several_times_keeps_each_body_in_the_order_received(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    struct store_page *first = health_page(fixture->customer, MESSAGES);
    struct store_page *second = health_page(fixture->customer, MESSAGES), *pages[] = {first, second};
    page_tell(first, "MC1", "{\"title\":\"one\"}");
    page_tell(first, "MC2", "{\"title\":\"other\"}");
    page_tell(first, "MC1", "{\"title\":\"two\"}");
    page_tell(first, "MC1", "{\"title\":\"two\"}");
    page_tell(second, "MC1", "{\"title\":\"three\",\"services\":[\"Teams\"]}");
    page_tell(second, "MC2", "{\"title\":\"other\"}");
    assert_ok(store_commit_pages(fixture->store, pages, 2, &error), error);
    assert_health_counts(first->counts, 2, 1, 1);
    assert_health_counts(second->counts, 0, 1, 1);
    assert_rows(fixture, "SELECT group_concat(raw_text) FROM service_messages", "three,other");
    assert_rows(fixture, "SELECT seq, json_extract(raw, '$.title') FROM message_versions ORDER BY seq", "1|one\n3|two");
    assert_rows(fixture, "SELECT message_id, first_seq, seq FROM service_message", "1|1|4\n2|2|2");
    assert_rows(fixture, "SELECT group_concat(rowid) FROM message_fts WHERE message_fts MATCH 'one OR two'", "NULL");
    health_page_free(first);
    health_page_free(second);
}

static void the_same_id_of_two_customers_are_two_issues(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    struct fixture other = *fixture;
    other.customer = store_customer(fixture->store, "fabrikam", "other", &error);
    assert_health_counts(tell_one(fixture, ISSUES, AT, "EX1", outage), 1, 0, 0);
    assert_health_counts(tell_one(&other, ISSUES, AT, "EX1", outage), 1, 0, 0);
    assert_health_counts(tell_one(&other, ISSUES, AT, "EX1", restored), 0, 1, 0);
    assert_rows(fixture, "SELECT customer, title FROM service_issues ORDER BY customer",
                "contoso|Mail is slow\nfabrikam|Mail was slow");
}

static void what_a_record_does_not_say_stays_null(void **state)
{
    struct fixture *fixture = *state;
    tell_one(fixture, ISSUES, AT, "EX1", "{}");
    tell_one(fixture, MESSAGES, AT, "MC1", "{\"services\":null}");
    tell_one(fixture, STORE_HEALTH_OVERVIEWS, AT, "Exchange", "[]");
    assert_rows(fixture,
                "SELECT title, service, classification, status, is_resolved, start, \"end\", last_modified, posts, "
                "raw_text FROM service_issues",
                "NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|");
    assert_rows(fixture,
                "SELECT title, category, severity, is_major_change, start, \"end\", last_modified, "
                "action_required_by, body FROM service_messages",
                "NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL");
    assert_rows(fixture, "SELECT service, status FROM service_overviews", "NULL|NULL");
}

/* --- full text
 * ---------------------------------------------------------------------------------------------------- */

/* What is changed more often than its words are: Microsoft edits times and flags. */
static void words_that_stay_the_same_are_not_written_anew(void **state)
{
    struct fixture *fixture = *state;
    static const char look[] = "SELECT group_concat(id || length(block)) FROM issue_fts_data WHERE id > 10";
    tell_one(fixture, ISSUES, AT, "EX1", "{\"title\":\"slow\",\"service\":\"Exchange\",\"isResolved\":false}");
    g_autofree char *before = rows_in(fixture->path, look);
    tell_one(fixture, ISSUES, AT, "EX1", "{\"title\":\"slow\",\"service\":\"Exchange\",\"isResolved\":true}");
    assert_rows(fixture, look, before);
    tell_one(fixture, ISSUES, AT, "EX1", "{\"title\":\"slow\",\"service\":\"Teams\",\"isResolved\":true}");
    g_autofree char *after = rows_in(fixture->path, look);
    assert_string_not_equal(before, after); /* its facets are other ones */
}

static void facets_name_tenant_source_and_each_service_once_a_name(void **state)
{
    struct fixture *fixture = *state;
    tell_one(fixture, MESSAGES, AT, "MC1", announcement);
    tell_one(fixture, MESSAGES, AT, "MC2", "{\"services\":[]}");
    tell_one(fixture, MESSAGES, AT, "MC3", "{\"services\":[\"\",7,null,{\"a\":\"b\"},\"Intune\"]}");
    tell_one(fixture, MESSAGES, AT, "MC4", "{\"services\":\"Intune\"}");
    assert_rows(
        fixture,
        "SELECT group_concat(substr(facets, 1, 2) || iif(length(facets) > 15, substr(facets, 16, 2), '') || "
        "iif(length(facets) > 30, substr(facets, 31, 2), '') || iif(length(facets) > 45, substr(facets, 46, 2), "
        "'') || length(facets)) FROM message_fts",
        "cusosese59,cuso29,cusose44,cuso29");
    tell_one(fixture, ISSUES, AT, "EX1", outage);
    assert_rows(fixture,
                "SELECT (SELECT substr(facets, 31) FROM issue_fts) = (SELECT substr(facets, 31, 14) "
                "FROM message_fts WHERE rowid = 1)",
                "1");
}

/* --- the collection
 * ---------------------------------------------------------------------------------------------------- */

static void the_collection_counts_issues_and_messages_and_knows_the_last_change(void **state)
{
    static const char look[] = "SELECT source, records, newest FROM collections";
    struct fixture *fixture = *state;
    tell_one(fixture, STORE_HEALTH_OVERVIEWS, AT, "Exchange", "{\"status\":\"ok\"}");
    assert_rows(fixture, look, "health|0|NULL");
    tell_one(fixture, ISSUES, AT, "EX1", outage);
    assert_rows(fixture, look, "health|1|2026-11-25T21:00:00.7670000Z");
    tell_one(fixture, MESSAGES, AT, "MC1", announcement);
    assert_rows(fixture, look, "health|2|2026-11-25T21:00:00.7670000Z");
    tell_one(fixture, ISSUES, AT, "EX1", restored);
    assert_rows(fixture, look, "health|2|2026-11-26T02:00:00.0000000Z");
}

static void a_change_from_the_future_does_not_make_the_source_look_fresh(void **state)
{
    struct fixture *fixture = *state;
    struct store_page *page = health_page(fixture->customer, ISSUES);
    page_tell(page, "a", "{\"lastModifiedDateTime\":\"2031-01-01T00:00:00Z\"}");
    page_tell(page, "b", "{\"lastModifiedDateTime\":\"2026-11-26T08:05:00Z\"}");
    page_tell(page, "c", "{\"lastModifiedDateTime\":\"2026-11-26T08:05:00.1Z\"}");
    page_tell(page, "d", "{}");
    page_tell(page, "e", "{\"lastModifiedDateTime\":\"2026-11-26T08:04:59Z\"}");
    commit(fixture, page);
    assert_rows(fixture, "SELECT newest FROM collections", "2026-11-26T08:05:00.0000000Z");
    health_page_free(page);
}

static void what_could_not_be_read_is_kept_as_for_other_sources(void **state)
{
    struct fixture *fixture = *state;
    struct store_page *page = health_page(fixture->customer, ISSUES);
    g_ptr_array_add(page->unreadable, unreadable_new("no id", "r-1", "{\"x\":1}", 7));
    page_tell(page, "EX1", outage);
    commit(fixture, page);
    assert_int_equal(page->counts.unreadable, 1);
    assert_int_equal(page->counts.inserted, 1);
    commit(fixture, page);
    assert_int_equal(page->counts.unreadable, 0);
    assert_int_equal(page->counts.duplicates, 1);
    assert_rows(fixture, "SELECT source, request_id, reason FROM unreadable", "health|r-1|no id");
    health_page_free(page);
}

/* --- what retention deletes
 * ---------------------------------------------------------------------------------------------------- */

enum { KEEP_FROM = AT - 7 * 86400 }; /* 2026-11-19T08:00:00Z */

static void forget_health(struct fixture *fixture)
{
    execute(fixture, "DELETE FROM issue_fts");
    execute(fixture, "DELETE FROM message_fts");
    execute(fixture, "DELETE FROM service_issue");
    execute(fixture, "DELETE FROM service_message");
    execute(fixture, "UPDATE collection SET records = 0");
}

/* Whether a record that nobody knows is stored, where what is older than KEEP_FROM is deleted. */
static bool is_stored(struct fixture *fixture, enum store_health_kind kind, const char *members)
{
    g_autofree char *raw = g_strdup_printf("{\"id\":\"X\"%s}", members);
    struct store_page *page = health_page(fixture->customer, kind);
    health_of(page)->keep_from = KEEP_FROM;
    page_tell(page, "X", raw);
    commit(fixture, page);
    bool stored = page->counts.inserted == 1;
    assert_health_counts(page->counts, stored, 0, !stored);
    health_page_free(page);
    forget_health(fixture);
    return stored;
}

#define MODIFIED(time) ",\"lastModifiedDateTime\":\"" time "\""
#define ENDED(time)    ",\"endDateTime\":\"" time "\""
#define STARTED(time)  ",\"startDateTime\":\"" time "\""
#define RESOLVED       ",\"isResolved\":true"
#define LASTS          ",\"isResolved\":false"
#define OLD            "2026-11-19T07:59:59Z"
#define KEPT           "2026-11-19T08:00:00Z"

static void an_issue_that_retention_would_delete_is_not_stored_anew(void **state)
{
    static const struct {
        const char *members;
        bool stored;
    } cases[] = {
        {RESOLVED MODIFIED(OLD), false},
        {RESOLVED MODIFIED(KEPT), true},
        {RESOLVED MODIFIED(OLD) ENDED(KEPT), false}, /* its last words are as old */
        {RESOLVED ENDED(OLD), false},
        {RESOLVED ENDED(KEPT), true},
        {RESOLVED STARTED(OLD), false},
        {RESOLVED, true}, /* nobody can tell how old it is */
        {LASTS MODIFIED(OLD), true},
        {LASTS MODIFIED(OLD) ENDED(OLD), true},
        {MODIFIED(OLD), true}, /* it may last */
        {MODIFIED(OLD) ENDED(OLD), false},
        {MODIFIED(KEPT) ENDED(OLD), true},
        {"", true},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        if (is_stored(*state, ISSUES, cases[i].members) != cases[i].stored)
            fail_msg("%s: not so", cases[i].members);
}

static void a_message_that_retention_would_delete_is_not_stored_anew(void **state)
{
    static const struct {
        const char *members;
        bool stored;
    } cases[] = {
        {MODIFIED(OLD) ENDED(OLD), false},
        {MODIFIED(KEPT) ENDED(OLD), true},
        {MODIFIED(OLD) ENDED(KEPT), true},
        {ENDED(OLD), false},
        {ENDED(KEPT), true},
        {MODIFIED(OLD) STARTED(OLD), true},
        {RESOLVED MODIFIED(OLD), true},
        {"", true},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        if (is_stored(*state, MESSAGES, cases[i].members) != cases[i].stored)
            fail_msg("%s: not so", cases[i].members);
}

static void what_is_stored_takes_every_change_however_old_it_is(void **state)
{
    struct fixture *fixture = *state;
    struct store_page *page = health_page(fixture->customer, ISSUES);
    tell_one(fixture, ISSUES, AT, "EX1", outage);
    health_of(page)->keep_from = AT + 86400;
    page_tell(page, "EX1", restored);
    page_tell(page, "EX1", restored);
    commit(fixture, page);
    assert_health_counts(page->counts, 0, 1, 1);
    assert_rows(fixture, "SELECT status, is_resolved FROM service_issues", "serviceRestored|1");
    health_page_free(page);
}

static void overviews_have_no_age(void **state)
{
    struct fixture *fixture = *state;
    struct store_page *page = health_page(fixture->customer, STORE_HEALTH_OVERVIEWS);
    health_of(page)->keep_from = AT + 86400;
    page_tell(page, "Exchange", "{\"id\":\"Exchange\",\"status\":\"ServiceOperational\"}");
    commit(fixture, page);
    assert_health_counts(page->counts, 1, 0, 0);
    health_page_free(page);
}

/* --- all or nothing
 * ---------------------------------------------------------------------------------------------------- */

static void a_page_that_cannot_be_written_leaves_nothing_of_the_others(void **state)
{
    struct fixture *fixture = *state;
    GError *error = NULL;
    struct store_page *good = health_page(fixture->customer, ISSUES);
    struct store_page *bad = health_page(99, MESSAGES), *pages[] = {good, bad};
    tell_one(fixture, ISSUES, AT, "EX1", outage);
    page_tell(good, "EX1", restored);
    page_tell(good, "EX2", "{\"title\":\"another\"}");
    page_tell(bad, "MC1", announcement);
    assert_refused(store_commit_pages(fixture->store, pages, 2, &error), &error, STORE_ERROR_FAILED, "FOREIGN KEY");
    assert_rows(
        fixture,
        "SELECT (SELECT group_concat(title) FROM service_issues), (SELECT count(*) FROM issue_versions), "
        "(SELECT count(*) FROM service_messages), (SELECT value FROM counter WHERE name = 'seq'), (SELECT records FROM "
        "collections)",
        "Mail is slow|0|0|1|1");
    health_page_free(good);
    health_page_free(bad);
}

static void events_accounts_and_health_go_into_one_transaction(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    struct store_page *events = page_new(fixture->customer, AT - 3600, AT);
    struct store_page *issues = health_page(fixture->customer, ISSUES), *pages[] = {issues, events};
    page_add(events, document_of("a", "2026-11-26T07:30:00Z", "{}", "words"));
    page_tell(issues, "EX1", outage);
    assert_ok(store_commit_pages(fixture->store, pages, 2, &error), error);
    assert_rows(fixture, "SELECT source, records FROM collections ORDER BY source", "health|1\nsign-ins|1");
    page_free(events);
    health_page_free(issues);
}

static void free_functions_take_nothing(void **state)
{
    (void)state;
    health_record_free(NULL);
    health_status_free(NULL);
    store_health_free(NULL);
    struct health_document document = {.is_resolved = 1, .title = g_strdup("x")};
    health_document_clear(&document);
    assert_null(document.title);
    assert_int_equal(document.is_resolved, -1);
    health_document_clear(&document);
}

#define VERIFIED(test) cmocka_unit_test_setup_teardown(test, setup_store, teardown_verified)

int main(void)
{
    const struct CMUnitTest tests[] = {
        VERIFIED(what_is_new_gets_a_row_with_all_that_it_says),
        VERIFIED(what_is_known_is_neither_decoded_nor_written),
        VERIFIED(what_has_changed_replaces_the_row_and_its_words_and_keeps_the_old_body),
        VERIFIED(each_distinct_body_is_kept_once),
        VERIFIED(the_same_id_several_times_keeps_each_body_in_the_order_received),
        VERIFIED(the_same_id_of_two_customers_are_two_issues),
        VERIFIED(what_a_record_does_not_say_stays_null),
        VERIFIED(words_that_stay_the_same_are_not_written_anew),
        VERIFIED(facets_name_tenant_source_and_each_service_once_a_name),
        VERIFIED(the_collection_counts_issues_and_messages_and_knows_the_last_change),
        VERIFIED(a_change_from_the_future_does_not_make_the_source_look_fresh),
        VERIFIED(what_could_not_be_read_is_kept_as_for_other_sources),
        VERIFIED(an_issue_that_retention_would_delete_is_not_stored_anew),
        VERIFIED(a_message_that_retention_would_delete_is_not_stored_anew),
        VERIFIED(what_is_stored_takes_every_change_however_old_it_is),
        VERIFIED(overviews_have_no_age),
        VERIFIED(a_page_that_cannot_be_written_leaves_nothing_of_the_others),
        VERIFIED(events_accounts_and_health_go_into_one_transaction),
        cmocka_unit_test(free_functions_take_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
