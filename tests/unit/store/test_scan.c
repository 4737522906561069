/* The timeline of service health: scans, and the runs of states that they saw. */
#include "health_fixture.h"

/* --- tables
 * ---------------------------------------------------------------------------------------------------- */

/* One scan. Seconds after AT; statuses NULL: it failed. */
struct scan {
    int64_t at;
    const char *statuses;
};

enum { SCANS_MOST = 8 };

struct timeline {
    const char *what;
    struct scan scans[SCANS_MOST]; /* up to the one without anything */
    const char *states;            /* "service status first-last xsamples", seconds after AT, one a line */
    const char *moments;           /* of the scans; NULL: those they were made at */
};

static void play(struct fixture *fixture, const struct timeline *timeline)
{
    for (size_t i = 0; i < SCANS_MOST && (timeline->scans[i].at || timeline->scans[i].statuses); i++) {
        const struct scan *scan = &timeline->scans[i];
        if (scan->statuses)
            scan_at(fixture, AT + scan->at, scan->statuses);
        else
            fail_at(fixture, AT + scan->at);
    }
}

static char *moments_of(const struct timeline *timeline)
{
    GString *moments = g_string_new(NULL);
    for (size_t i = 0; i < SCANS_MOST && (timeline->scans[i].at || timeline->scans[i].statuses); i++)
        g_string_append_printf(moments, "%s%" G_GINT64_FORMAT "%s", i ? " " : "", timeline->scans[i].at,
                               timeline->scans[i].statuses ? "" : "!");
    return g_string_free(moments, FALSE);
}

/* Scans that failed bear a "!". */
static void assert_timeline(struct fixture *fixture, const struct timeline *timeline)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *given = moments_of(timeline);
    g_autofree char *sql = g_strdup_printf(
        "SELECT service || ' ' || status || ' ' || (first_seen - %d) || '-' || (last_seen - %d) || ' x' || samples "
        "FROM service_state ORDER BY service, first_seen",
        AT, AT);
    g_autofree char *scans = g_strdup_printf(
        "SELECT group_concat((at - %d) || iif(ok, '', '!'), ' ') FROM (SELECT * FROM health_scan ORDER BY at)", AT);
    g_autofree char *states = rows_in(fixture->path, sql), *moments = rows_in(fixture->path, scans);
    if (strcmp(states, timeline->states) != 0 || strcmp(moments, timeline->moments ? timeline->moments : given) != 0)
        fail_msg("%s:\n%s\nwith the scans %s", timeline->what, states, moments);
    assert_ok(store_verify(fixture->store, &error), error);
}

static void play_each(const struct timeline *timelines, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        void *state = NULL;
        assert_int_equal(setup_store(&state), 0);
        play(state, &timelines[i]);
        assert_timeline(state, &timelines[i]);
        teardown(&state);
    }
}

static void a_run_goes_on_while_the_status_stays_the_same(void **state)
{
    static const struct timeline timelines[] = {
        {"one scan", {{0, "E=ok"}}, "E ok 0-0 x1", NULL},
        {"the same", {{0, "E=ok"}, {300, "E=ok"}, {600, "E=ok"}}, "E ok 0-600 x3", NULL},
        {"a change", {{0, "E=ok"}, {300, "E=bad"}, {600, "E=bad"}}, "E ok 0-0 x1\nE bad 300-600 x2", NULL},
        {"there and back",
         {{0, "E=a"}, {300, "E=b"}, {600, "E=a"}, {900, "E=a"}},
         "E a 0-0 x1\nE b 300-300 x1\nE a 600-900 x2",
         NULL},
        {"changes each time",
         {{0, "E=a"}, {1, "E=b"}, {2, "E=c"}, {3, "E=a"}},
         "E a 0-0 x1\nE b 1-1 x1\nE c 2-2 x1\nE a 3-3 x1",
         NULL},
        {"spelled otherwise",
         {{0, "E=serviceOperational"}, {300, "E=ServiceOperational"}, {600, "E=SERVICEOPERATIONAL"}},
         "E serviceOperational 0-600 x3",
         NULL},
        {"the beginning of another",
         {{0, "E=resolved"}, {300, "E=resolvedExternal"}, {600, "E="}},
         "E resolved 0-0 x1\nE resolvedExternal 300-300 x1\nE  600-600 x1",
         NULL},
        {"a status nobody knows",
         {{0, "E=unknownFutureValue"}, {300, "E=unknownFutureValue"}},
         "E unknownFutureValue 0-300 x2",
         NULL},
    };
    (void)state;
    play_each(timelines, G_N_ELEMENTS(timelines));
}

static void a_run_breaks_where_good_scans_are_too_far_apart(void **state)
{
    static const struct timeline timelines[] = {
        {"as far as allowed", {{0, "E=ok"}, {MAX_GAP_S, "E=ok"}}, "E ok 0-1800 x2", NULL},
        {"a second more", {{0, "E=ok"}, {MAX_GAP_S + 1, "E=ok"}}, "E ok 0-0 x1\nE ok 1801-1801 x1", NULL},
        {"a second more, later",
         {{0, "E=ok"}, {300, "E=ok"}, {2101, "E=ok"}, {2401, "E=ok"}},
         "E ok 0-300 x2\nE ok 2101-2401 x2",
         NULL},
        {"a day's outage",
         {{0, "E=ok"}, {86400, "E=ok"}, {86700, "E=bad"}},
         "E ok 0-0 x1\nE ok 86400-86400 x1\nE bad 86700-86700 x1",
         NULL},
        {"all of many services break",
         {{0, "E=ok T=ok"}, {5000, "E=ok T=ok"}},
         "E ok 0-0 x1\nE ok 5000-5000 x1\nT ok 0-0 x1\nT ok 5000-5000 x1",
         NULL},
    };
    (void)state;
    play_each(timelines, G_N_ELEMENTS(timelines));
}

static void a_failed_scan_breaks_nothing_by_itself(void **state)
{
    static const struct timeline timelines[] = {
        {"one between", {{0, "E=ok"}, {300, NULL}, {600, "E=ok"}}, "E ok 0-600 x2", NULL},
        {"many between",
         {{0, "E=ok"}, {300, NULL}, {600, NULL}, {900, NULL}, {1200, NULL}, {1800, "E=ok"}},
         "E ok 0-1800 x2",
         NULL},
        {"too many", {{0, "E=ok"}, {900, NULL}, {1801, "E=ok"}}, "E ok 0-0 x1\nE ok 1801-1801 x1", NULL},
        {"a change meanwhile", {{0, "E=ok"}, {300, NULL}, {600, "E=bad"}}, "E ok 0-0 x1\nE bad 600-600 x1", NULL},
        {"only failures", {{1, NULL}, {2, NULL}}, "", NULL},
        {"the first failed", {{1, NULL}, {2, "E=ok"}}, "E ok 2-2 x1", NULL},
    };
    (void)state;
    play_each(timelines, G_N_ELEMENTS(timelines));
}

static void a_service_that_a_good_scan_did_not_see_begins_a_new_run(void **state)
{
    static const struct timeline timelines[] = {
        {"gone and back",
         {{0, "E=ok T=ok"}, {300, "T=ok"}, {600, "E=ok T=ok"}},
         "E ok 0-0 x1\nE ok 600-600 x1\nT ok 0-600 x3",
         NULL},
        {"a scan that saw none", {{0, "E=ok"}, {300, ""}, {600, "E=ok"}}, "E ok 0-0 x1\nE ok 600-600 x1", NULL},
        {"new among others", {{0, "E=ok"}, {300, "E=ok T=bad"}}, "E ok 0-300 x2\nT bad 300-300 x1", NULL},
        {"gone for good", {{0, "E=ok T=ok"}, {300, "E=ok"}}, "E ok 0-300 x2\nT ok 0-0 x1", NULL},
        {"each on its own",
         {{0, "A=x B=x C=x"}, {300, "A=x B=y C=x"}, {600, "A=y B=y C=X"}},
         "A x 0-300 x2\nA y 600-600 x1\nB x 0-0 x1\nB y 300-600 x2\nC x 0-600 x3",
         NULL},
    };
    (void)state;
    play_each(timelines, G_N_ELEMENTS(timelines));
}

static void scans_are_in_order_whatever_the_clock_says(void **state)
{
    static const struct timeline timelines[] = {
        {"two in a second", {{5, "E=ok"}, {5, "E=ok"}}, "E ok 5-6 x2", "5 6"},
        {"three in a second", {{5, "E=a"}, {5, "E=b"}, {5, "E=a"}}, "E a 5-5 x1\nE b 6-6 x1\nE a 7-7 x1", "5 6 7"},
        {"a failed one in the same second", {{5, "E=ok"}, {5, NULL}, {5, "E=ok"}}, "E ok 5-7 x2", "5 6! 7"},
        {"the clock was set back",
         {{5000, "E=ok"}, {1400, "E=ok"}, {1700, "E=bad"}, {5300, "E=bad"}},
         "E ok 1400-1400 x1\nE bad 1700-1700 x1\nE ok 5000-5000 x1\nE bad 5300-5300 x1",
         "1400 1700 5000 5300"},
        {"the clock was set back a little",
         {{5000, "E=ok"}, {4000, "E=ok"}, {4300, "E=bad"}, {5300, "E=bad"}},
         "E ok 5000-5001 x2\nE bad 5002-5300 x2",
         "5000 5001 5002 5300"},
        {"set back into a run",
         {{4000, "E=ok"}, {5000, "E=ok"}, {6000, "E=ok"}, {7000, "E=ok"}, {4500, "E=ok"}, {7300, "E=bad"}},
         "E ok 4000-7001 x5\nE bad 7300-7300 x1",
         "4000 5000 6000 7000 7001 7300"},
        {"one moment years ahead",
         {{5, "E=ok"}, {300000000, "E=ok"}, {305, "E=ok"}, {605, "E=bad"}},
         "E ok 5-305 x2\nE bad 605-605 x1\nE ok 300000000-300000000 x1",
         "5 305 605 300000000"},
        {"a failed one with another clock",
         {{5, "E=ok"}, {7205, NULL}, {305, "E=ok"}, {605, "E=ok"}},
         "E ok 5-605 x3",
         "5 305 605 7205!"},
        {"a failed one where a good one goes",
         {{5, "E=ok"}, {305, NULL}, {305, "E=ok"}},
         "E ok 5-306 x2",
         "5 305! 306"},
    };
    (void)state;
    play_each(timelines, G_N_ELEMENTS(timelines));
}

/* --- beside the tables
 * ---------------------------------------------------------------------------------------------------- */

static void customers_have_timelines_of_their_own(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    struct fixture other = *fixture;
    other.customer = store_customer(fixture->store, "fabrikam", "other", &error);
    scan_at(fixture, AT, "E=ok");
    scan_at(&other, AT, "E=bad");
    scan_at(fixture, AT + 300, "E=ok");
    fail_at(&other, AT + 300);
    scan_at(&other, AT + 3000, "E=bad");
    assert_rows(fixture,
                "SELECT customer, service, status, first_seen, last_seen, samples FROM service_states "
                "ORDER BY customer, first_seen",
                "contoso|E|ok|2026-11-26T08:00:00Z|2026-11-26T08:05:00Z|2\n"
                "fabrikam|E|bad|2026-11-26T08:00:00Z|2026-11-26T08:00:00Z|1\n"
                "fabrikam|E|bad|2026-11-26T08:50:00Z|2026-11-26T08:50:00Z|1");
    assert_rows(fixture, "SELECT customer, at, ok, error FROM health_scans ORDER BY customer, at",
                "contoso|2026-11-26T08:00:00Z|1|NULL\ncontoso|2026-11-26T08:05:00Z|1|NULL\n"
                "fabrikam|2026-11-26T08:00:00Z|1|NULL\nfabrikam|2026-11-26T08:05:00Z|0|503 from the service\n"
                "fabrikam|2026-11-26T08:50:00Z|1|NULL");
}

static void each_scan_takes_change_numbers_for_the_mirror(void **state)
{
    static const char look[] = "SELECT service, first_seq, seq FROM service_state ORDER BY state_id";
    struct fixture *fixture = *state;
    scan_at(fixture, AT, "A=ok B=ok");
    assert_rows(fixture, look, "A|1|1\nB|2|2");
    scan_at(fixture, AT + 300, "B=ok A=bad");
    assert_rows(fixture, look, "A|1|1\nB|2|3\nA|4|4");
    fail_at(fixture, AT + 600);
    assert_rows(fixture, "SELECT value FROM counter WHERE name = 'seq'", "4");
}

/* Two scans in one transaction, as the writer may gather them. */
static void scans_of_one_transaction_follow_each_other(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    struct store_page *pages[3];
    for (int i = 0; i < 3; i++) {
        pages[i] = health_page(fixture->customer, STORE_HEALTH_OVERVIEWS);
        pages[i]->received_at = AT + (int64_t)i * 300;
        g_ptr_array_add(page_scans(pages[i])->statuses, health_status_new("E", i < 2 ? "ok" : "bad"));
    }
    assert_ok(store_commit_pages(fixture->store, pages, 3, &error), error);
    for (int i = 0; i < 3; i++)
        health_page_free(pages[i]);
    assert_rows(fixture, "SELECT status, samples, seq FROM service_state ORDER BY state_id", "ok|2|2\nbad|1|3");
}

static void a_scan_is_committed_with_the_last_page_of_the_overviews_or_not_at_all(void **state)
{
    struct fixture *fixture = *state;
    GError *error = NULL;
    struct store_page *first = health_page(fixture->customer, STORE_HEALTH_OVERVIEWS);
    struct store_page *last = health_page(fixture->customer, STORE_HEALTH_OVERVIEWS), *pages[] = {first, last};
    struct store_scan *scan = page_scans(last);
    page_tell(first, "E", "{\"service\":\"Exchange Online\",\"status\":\"ok\"}");
    page_tell(last, "T", "{\"service\":\"Teams\",\"status\":\"ok\"}");
    g_ptr_array_add(scan->statuses, health_status_new("E", "ok"));
    g_ptr_array_add(scan->statuses, health_status_new("T", "ok"));
    commit(fixture, first);
    assert_rows(fixture, "SELECT (SELECT count(*) FROM service_overviews), (SELECT count(*) FROM health_scans)", "1|0");

    /* A service twice is no scan: the table refuses it, and takes all else with it. */
    g_ptr_array_add(scan->statuses, health_status_new("E", "ok"));
    assert_refused(store_commit_pages(fixture->store, pages, 2, &error), &error, STORE_ERROR_FAILED, "state_insert");
    assert_rows(fixture,
                "SELECT (SELECT count(*) FROM service_overviews), (SELECT count(*) FROM health_scans), "
                "(SELECT count(*) FROM service_states), (SELECT value FROM counter)",
                "1|0|0|1");
    g_ptr_array_set_size(scan->statuses, 2);
    commit(fixture, last);
    assert_rows(fixture,
                "SELECT (SELECT count(*) FROM service_overviews), (SELECT count(*) FROM health_scans), "
                "(SELECT count(*) FROM service_states)",
                "2|1|2");
    health_page_free(first);
    health_page_free(last);
}

static void a_failed_scan_of_nobody_is_refused(void **state)
{
    struct fixture *fixture = *state;
    GError *error = NULL;
    assert_refused(store_scan_failed(fixture->store, 99, AT, "gone", &error), &error, STORE_ERROR_FAILED,
                   "FOREIGN KEY");
    assert_rows(fixture, "SELECT count(*) FROM health_scan", "0");
}

/* A month of scans each five minutes, with two outages, against what plain counting says. */
static void a_month_of_scans_gives_the_true_timeline(void **state)
{
    enum { STEP_S = 300, SCANS = 30 * 288 };
    static const char *const statuses[] = {"serviceOperational", "serviceDegradation", "restoringService"};
    struct fixture *fixture = *state;
    g_autoptr(GString) expected = g_string_new(NULL);
    g_autoptr(GPtrArray) pages = g_ptr_array_new_with_free_func((GDestroyNotify)health_page_free);
    g_autoptr(GError) error = NULL;
    int first = -1, last = -1, samples = 0, before = -1;
    for (int i = 0; i < SCANS; i++) {
        bool missed = i % 97 == 5 || (i > 4000 && i < 4289) || i % 1000 == 7 || i % 1000 == 8;
        int status = (i / 37) % 11 == 3 ? 1 : (i / 37) % 11 == 4 ? 2 : 0;
        if (missed)
            continue;
        struct store_page *page = health_page(fixture->customer, STORE_HEALTH_OVERVIEWS);
        page->received_at = AT + (int64_t)i * STEP_S;
        g_ptr_array_add(page_scans(page)->statuses, health_status_new("E", statuses[status]));
        g_ptr_array_add(pages, page);
        if (status != before || (i - last) * STEP_S > MAX_GAP_S) {
            if (before >= 0)
                g_string_append_printf(expected, "%s|%d|%d|%d\n", statuses[before], first, last, samples);
            first = i;
            samples = 0;
        }
        before = status;
        last = i;
        samples++;
    }
    g_string_append_printf(expected, "%s|%d|%d|%d", statuses[before], first, last, samples);
    assert_ok(store_commit_pages(fixture->store, (struct store_page *const *)pages->pdata, pages->len, &error), error);
    g_autofree char *sql = g_strdup_printf("SELECT status, (first_seen - %d) / %d, (last_seen - %d) / %d, samples "
                                           "FROM service_state ORDER BY first_seen",
                                           AT, STEP_S, AT, STEP_S);
    assert_rows(fixture, sql, expected->str);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_goes_on_while_the_status_stays_the_same),
        cmocka_unit_test(a_run_breaks_where_good_scans_are_too_far_apart),
        cmocka_unit_test(a_failed_scan_breaks_nothing_by_itself),
        cmocka_unit_test(a_service_that_a_good_scan_did_not_see_begins_a_new_run),
        cmocka_unit_test(scans_are_in_order_whatever_the_clock_says),
        cmocka_unit_test_setup_teardown(customers_have_timelines_of_their_own, setup_store, teardown_verified),
        cmocka_unit_test_setup_teardown(each_scan_takes_change_numbers_for_the_mirror, setup_store, teardown_verified),
        cmocka_unit_test_setup_teardown(scans_of_one_transaction_follow_each_other, setup_store, teardown_verified),
        cmocka_unit_test_setup_teardown(a_scan_is_committed_with_the_last_page_of_the_overviews_or_not_at_all,
                                        setup_store, teardown_verified),
        cmocka_unit_test_setup_teardown(a_failed_scan_of_nobody_is_refused, setup_store, teardown_verified),
        cmocka_unit_test_setup_teardown(a_month_of_scans_gives_the_true_timeline, setup_store, teardown_verified),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
