/* What a report is made of: states, scans, issues and announcements of a window, and no more. */
#include "health_fixture.h"

#include "faulty_vfs.h"

enum { DAY = 86400, FROM = AT - 2 * DAY, TO = AT - DAY }; /* the window; the history begins a day before */

static struct store_report *read_of(struct fixture *fixture, const char *customer, const char *tenant_id)
{
    const struct store_report_query query = {.customer = customer,
                                             .tenant_id = tenant_id,
                                             .from = FROM,
                                             .to = TO,
                                             .history_from = FROM - DAY,
                                             .actions_to = TO + DAY};
    g_autoptr(GError) error = NULL;
    struct store_report *report = store_report_read(fixture->store, &query, &error);
    assert_ok(report != NULL, error);
    return report;
}

/* "service status first-last xsamples", seconds from the window's beginning, one after the other. Returned: g_free. */
static char *states_of(const struct store_report *report)
{
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < report->states->len; i++) {
        const struct store_report_state *state = report->states->pdata[i];
        g_string_append_printf(text, "%s%s %s %ld-%ld x%ld", i ? ", " : "", state->service, state->status,
                               (long)(state->first_seen - FROM), (long)(state->last_seen - FROM), (long)state->samples);
    }
    return g_string_free(text, FALSE);
}

/* Their moments, likewise; those that failed bear their error. */
static char *scans_of(const struct store_report *report)
{
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < report->scans->len; i++) {
        const struct store_report_scan *scan = report->scans->pdata[i];
        assert_true(scan->good == (scan->error == NULL));
        g_string_append_printf(text, "%s%ld%s", i ? " " : "", (long)(scan->at - FROM), scan->good ? "" : "!");
    }
    return g_string_free(text, FALSE);
}

static char *ids_of(const GPtrArray *records)
{
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < records->len; i++) {
        const struct store_report_record *record = records->pdata[i];
        assert_true(record->raw_length == strlen(record->raw) && record->raw[0] == '{' && record->first_seen > 0);
        g_string_append_printf(text, "%s%s", i ? " " : "", record->id);
    }
    return g_string_free(text, FALSE);
}

/* --- states and scans ------------------------------------------------------------------------------------------------
 */

static void assert_history(struct fixture *fixture, const char *states, const char *scans)
{
    g_autoptr(StoreReport) report = read_of(fixture, "contoso", TENANT);
    g_autofree char *told_states = states_of(report), *told_scans = scans_of(report);
    assert_string_equal(told_states, states);
    assert_string_equal(told_scans, scans);
}

static void what_nobody_has_scanned_is_empty(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(StoreReport) report = read_of(fixture, "contoso", TENANT);
    assert_true(report->known && report->services->len == 0 && report->states->len == 0 && report->scans->len == 0 &&
                report->issues->len == 0 && report->messages->len == 0);
    store_report_free(NULL);
}

static void runs_that_touch_the_history_are_read_and_the_next_of_each_service(void **state)
{
    struct fixture *fixture = *state;
    scan_at(fixture, FROM - 3 * DAY, "E=old T=old");
    scan_at(fixture, FROM - 2 * DAY, "E=older T=older");
    scan_at(fixture, FROM - DAY - 600, "E=a T=a");
    scan_at(fixture, FROM - DAY - 300, "E=a T=b"); /* the last good one before the history */
    scan_at(fixture, FROM + 600, "E=a T=b");
    fail_at(fixture, FROM + 900);
    scan_at(fixture, TO - 1, "E=c T=c");
    fail_at(fixture, TO);
    scan_at(fixture, TO + 300, "E=c T=d");
    scan_at(fixture, TO + 600, "E=e T=f");
    scan_at(fixture, TO + 900, "E=g T=h");
    assert_history(fixture,
                   "E a -87000--86700 x2, E a 600-600 x1, E c 86399-86700 x2, E e 87000-87000 x1, "
                   "T b -86700--86700 x1, T b 600-600 x1, T c 86399-86399 x1, T d 86700-86700 x1",
                   "-86700 600 900! 86399 86700");
}

static void the_ends_of_the_history_count_as_the_window_does(void **state)
{
    struct fixture *fixture = *state;
    fail_at(fixture, FROM - DAY - 1);
    scan_at(fixture, FROM - DAY, "E=a"); /* the first moment is in it */
    fail_at(fixture, TO - 1);
    scan_at(fixture, TO, "E=b"); /* the last one is not, but it is the next */
    fail_at(fixture, TO + 1);
    scan_at(fixture, TO + 2, "E=b");
    assert_history(fixture, "E a -86400--86400 x1, E b 86400-86402 x2", "-86400 86399! 86400");
}

static void a_run_over_the_whole_history_is_read(void **state)
{
    struct fixture *fixture = *state;
    for (int64_t at = FROM - DAY - 900; at <= TO + 900; at += 1800)
        scan_at(fixture, at, "E=a");
    g_autoptr(StoreReport) report = read_of(fixture, "contoso", TENANT);
    g_autofree char *states = states_of(report);
    assert_string_equal(states, "E a -87300-87300 x98");
    assert_int_equal(report->scans->len, 98);
}

static void only_failures_leave_no_states(void **state)
{
    struct fixture *fixture = *state;
    fail_at(fixture, FROM - 2 * DAY);
    fail_at(fixture, FROM);
    g_autoptr(StoreReport) report = read_of(fixture, "contoso", TENANT);
    g_autofree char *scans = scans_of(report);
    assert_string_equal(scans, "0!");
    assert_string_equal(((const struct store_report_scan *)report->scans->pdata[0])->error, "503 from the service");
    assert_int_equal(report->states->len, 0);
}

/* --- customers -------------------------------------------------------------------------------------------------------
 */

static void each_customer_has_its_own_and_a_tenant_is_found_by_any_name(void **state)
{
    struct fixture *fixture = *state;
    int64_t contoso = fixture->customer;
    scan_at(fixture, FROM, "E=ours");
    fixture->customer = store_customer(fixture->store, "fabrikam", "other-tenant", NULL);
    scan_at(fixture, FROM + 1, "E=theirs");
    fixture->customer = store_customer(fixture->store, "contoso", "third-tenant", NULL); /* of the same name */
    scan_at(fixture, FROM + 2, "E=new");
    fixture->customer = contoso;

    static const struct {
        const char *customer, *tenant, *states, *told_tenant, *namesake;
    } cases[] = {{"contoso", TENANT, "E ours 0-0 x1", TENANT, "third-tenant"},
                 {"renamed", TENANT, "E ours 0-0 x1", TENANT, NULL},
                 {"fabrikam", TENANT, "E ours 0-0 x1", TENANT, "other-tenant"},
                 {"fabrikam", NULL, "E theirs 1-1 x1", "other-tenant", NULL},
                 {"fabrikam", "other-tenant", "E theirs 1-1 x1", "other-tenant", NULL},
                 {"contoso", NULL, "E new 2-2 x1", "third-tenant", NULL},
                 {"contoso", "third-tenant", "E new 2-2 x1", "third-tenant", NULL},
                 {"contoso", "nobody's", NULL, NULL, "third-tenant"},
                 {"unknown", NULL, NULL, NULL, NULL},
                 {"CONTOSO' OR '1'='1", NULL, NULL, NULL, NULL}};
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(StoreReport) report = read_of(fixture, cases[i].customer, cases[i].tenant);
        g_autofree char *states = states_of(report);
        assert_int_equal(report->known, cases[i].states != NULL);
        assert_string_equal(states, cases[i].states ? cases[i].states : "");
        assert_int_equal(g_strcmp0(report->tenant_id, cases[i].told_tenant), 0);
        assert_int_equal(g_strcmp0(report->namesake, cases[i].namesake), 0);
    }
}

static void services_are_those_of_the_overviews(void **state)
{
    struct fixture *fixture = *state;
    tell_one(fixture, STORE_HEALTH_OVERVIEWS, AT, "Teams", "{\"service\":\"Microsoft Teams\",\"status\":\"x\"}");
    tell_one(fixture, STORE_HEALTH_OVERVIEWS, AT, "Exchange", "{}");
    g_autoptr(StoreReport) report = read_of(fixture, "contoso", TENANT);
    assert_int_equal(report->services->len, 2);
    const struct store_report_service *exchange = report->services->pdata[0], *teams = report->services->pdata[1];
    assert_string_equal(exchange->id, "Exchange");
    assert_true(!exchange->name && !exchange->status);
    assert_string_equal(teams->name, "Microsoft Teams");
    assert_string_equal(teams->status, "x");
}

/* --- issues and announcements ----------------------------------------------------------------------------------------
 */

/* "2026-11-24T08:00:00Z" for 0 of the window. Returned: g_free. */
static char *at(int64_t seconds)
{
    return timestamp_format_seconds(FROM + seconds);
}

static void tell_issue(struct fixture *fixture, const char *id, int64_t received_at, const char *begins, int64_t start,
                       int64_t end, const char *rest)
{
    g_autofree char *start_text = at(start), *end_text = at(end);
    g_autofree char *raw =
        g_strdup_printf("{\"id\":\"%s\"%s%s%s%s%s%s%s}", id, strchr(begins, 's') ? ",\"startDateTime\":\"" : "",
                        strchr(begins, 's') ? start_text : "", strchr(begins, 's') ? "\"" : "",
                        strchr(begins, 'e') ? ",\"endDateTime\":\"" : "", strchr(begins, 'e') ? end_text : "",
                        strchr(begins, 'e') ? "\"" : "", rest);
    tell_one(fixture, STORE_HEALTH_ISSUES, received_at, id, raw);
}

static void issues_are_read_that_were_active_in_the_window(void **state)
{
#define RESOLVED ",\"isResolved\":true"
#define OPEN     ",\"isResolved\":false"
#define MODIFIED RESOLVED ",\"lastModifiedDateTime\":"
    static const struct {
        const char *id, *times; /* s: a start is told; e: an end */
        int64_t start, end;
        const char *rest;
        bool active;
    } cases[] = {
        {"over-before", "se", -900, -1, RESOLVED, false},
        {"over-at-the-beginning", "se", -900, 0, RESOLVED, false},
        {"over-just-after", "se", -900, 1, RESOLVED, true},
        {"over-inside", "se", 500, 900, RESOLVED, true},
        {"over-later", "se", -500, DAY + 900, RESOLVED, true},
        {"open", "s", -800, 0, OPEN, true},
        {"open-in-spite-of-an-end", "se", -700, -600, OPEN, true},
        {"untold", "s", -600, 0, "", true},
        {"untold-with-an-end", "se", -600, -500, "", false},
        {"begun-last", "s", DAY - 1, 0, OPEN, true},
        {"begun-too-late", "s", DAY, 0, OPEN, false},
        {"resolved-since-before", "s", -500, 0, MODIFIED "\"2026-11-24T07:00:00Z\"", false},
        {"resolved-inside", "s", -499, 0, MODIFIED "\"2026-11-24T09:00:00Z\"", true},
        {"resolved-at-no-time", "s", -498, 0, RESOLVED, true},
    };
    struct fixture *fixture = *state;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        tell_issue(fixture, cases[i].id, AT, cases[i].times, cases[i].start, cases[i].end, cases[i].rest);
    g_autoptr(StoreReport) report = read_of(fixture, "contoso", TENANT);
    g_autofree char *told = ids_of(report->issues);
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_auto(GStrv) ids = g_strsplit(told, " ", -1);
        if (g_strv_contains((const char *const *)ids, cases[i].id) != cases[i].active)
            fail_msg("%s: %s", cases[i].id, cases[i].active ? "is left out" : "is told");
    }
    assert_true(g_str_has_prefix(told, "begun-last over-inside ")); /* the latest first */
}

static void an_issue_without_a_start_began_when_it_was_first_seen(void **state)
{
    struct fixture *fixture = *state;
    tell_issue(fixture, "seen-inside", FROM + 5, "", 0, 0, OPEN);
    tell_issue(fixture, "seen-at-the-end", TO, "", 0, 0, OPEN);
    tell_issue(fixture, "seen-last", TO - 1, "", 0, 0, OPEN);
    g_autoptr(StoreReport) report = read_of(fixture, "contoso", TENANT);
    g_autofree char *told = ids_of(report->issues);
    assert_string_equal(told, "seen-last seen-inside");
}

static void tell_message(struct fixture *fixture, const char *id, const char *modified, const char *act_by)
{
    g_autofree char *raw =
        g_strdup_printf("{\"id\":\"%s\"%s%s%s%s%s%s}", id, modified ? ",\"lastModifiedDateTime\":\"" : "",
                        modified ? modified : "", modified ? "\"" : "",
                        act_by ? ",\"actionRequiredByDateTime\":\"" : "", act_by ? act_by : "", act_by ? "\"" : "");
    tell_one(fixture, STORE_HEALTH_MESSAGES, FROM + 7, id, raw);
}

/* The window is 2026-11-24T08 to 2026-11-25T08; actions up to 2026-11-26T08. */
static void announcements_are_read_that_are_new_or_to_be_acted_upon(void **state)
{
    struct fixture *fixture = *state;
    tell_message(fixture, "old", "2026-11-24T07:59:59.99Z", NULL);
    tell_message(fixture, "first", "2026-11-24T08:00:00Z", NULL);
    tell_message(fixture, "last", "2026-11-25T07:59:59.9999999Z", NULL);
    tell_message(fixture, "later", "2026-11-25T08:00:00Z", NULL);
    tell_message(fixture, "untold", NULL, NULL); /* counts from when it was first seen */
    tell_message(fixture, "act", "2026-01-01T00:00:00Z", "2026-11-26T07:59:59Z");
    tell_message(fixture, "act-later", "2026-01-01T00:00:00Z", "2026-11-26T08:00:00Z");
    tell_message(fixture, "act-now", "2026-01-01T00:00:00Z", "2026-11-24T08:00:00Z");
    tell_message(fixture, "acted", "2026-01-01T00:00:00Z", "2026-11-24T07:59:59Z");
    tell_message(fixture, "new-act-later", "2026-11-24T10:00:00Z", "2027-11-26T08:00:00Z");
    g_autoptr(StoreReport) report = read_of(fixture, "contoso", TENANT);
    g_autofree char *told = ids_of(report->messages);
    assert_string_equal(told, "act-now act new-act-later last untold first");
}

static void who_only_reads_reads_reports(void **state)
{
    struct fixture *fixture = *state;
    scan_at(fixture, FROM, "E=a");
    store_close(fixture->store);
    fixture->store = store_open(fixture->path, STORE_READ, NULL);
    assert_history(fixture, "E a 0-0 x1", "0");
    store_close(fixture->store);
    fixture->store = store_open(fixture->path, STORE_WRITE, NULL);
}

static int install_vfs(void **state)
{
    (void)state;
    sqlite3_initialize();
    vfs_install(); /* that nothing is synced makes many scans quick */
    return 0;
}

static int remove_vfs(void **state)
{
    (void)state;
    vfs_remove();
    return 0;
}

#define OF_STORE(test) cmocka_unit_test_setup_teardown(test, setup_store, teardown_verified)

int main(void)
{
    const struct CMUnitTest tests[] = {
        OF_STORE(what_nobody_has_scanned_is_empty),
        OF_STORE(runs_that_touch_the_history_are_read_and_the_next_of_each_service),
        OF_STORE(the_ends_of_the_history_count_as_the_window_does),
        OF_STORE(a_run_over_the_whole_history_is_read),
        OF_STORE(only_failures_leave_no_states),
        OF_STORE(each_customer_has_its_own_and_a_tenant_is_found_by_any_name),
        OF_STORE(services_are_those_of_the_overviews),
        OF_STORE(issues_are_read_that_were_active_in_the_window),
        OF_STORE(an_issue_without_a_start_began_when_it_was_first_seen),
        OF_STORE(announcements_are_read_that_are_new_or_to_be_acted_upon),
        OF_STORE(who_only_reads_reads_reports),
    };
    return cmocka_run_group_tests_name("store report", tests, install_vfs, remove_vfs);
}
