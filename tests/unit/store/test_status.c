/* How things stand: what the database tells of each source, and that it is told in little time. */
#include "fixture.h"

#include "store/store_private.h"

enum { HOUR = 3600, DAY = 24 * HOUR };

static const struct store_status_options usual = {
    .now = AT, .since = AT - 30 * DAY, .max_gap_s = 30 * 60, .samples = 10000};

static struct store_status *look_with(struct fixture *fixture, const struct store_status_options *options)
{
    g_autoptr(GError) error = NULL;
    struct store_status *status = store_status_read(fixture->store, options, &error);
    assert_ok(status != NULL, error);
    return status;
}

static struct store_status *look(struct fixture *fixture)
{
    return look_with(fixture, &usual);
}

static const struct store_status_source *source_of(const struct store_status *status, const char *customer,
                                                   const char *source)
{
    for (guint i = 0; i < status->sources->len; i++) {
        const struct store_status_source *one = status->sources->pdata[i];
        if (g_str_equal(one->customer, customer) && g_str_equal(one->source, source))
            return one;
    }
    fail_msg("there is no %s of %s", source, customer);
    return NULL;
}

/* "contoso sign-ins, contoso users" */
static void assert_sources(const struct store_status *status, const char *expected)
{
    g_autoptr(GString) names = g_string_new(NULL);
    for (guint i = 0; i < status->sources->len; i++) {
        const struct store_status_source *one = status->sources->pdata[i];
        g_string_append_printf(names, "%s%s %s", i ? ", " : "", one->customer, one->source);
    }
    assert_string_equal(names->str, expected);
}

/* The holes as "unread -7200..-3600 part", in seconds from `now`. */
static void assert_holes(const struct store_status_source *source, const char *expected)
{
    static const char *const kinds[] = {"lost", "unread", "open", "scans"};
    g_autoptr(GString) words = g_string_new(NULL);
    for (guint i = 0; i < source->holes->len; i++) {
        const struct store_hole *hole = &g_array_index(source->holes, struct store_hole, i);
        g_string_append_printf(words, "%s%s %" G_GINT64_FORMAT "..%" G_GINT64_FORMAT "%s%s", i ? ", " : "",
                               kinds[hole->kind], hole->from - AT, hole->to - AT, *hole->part ? " " : "", hole->part);
    }
    assert_string_equal(words->str, expected);
}

/* --- what a test puts there ------------------------------------------------------------------------------------------
 */

/* A span of contoso's sign-ins, in seconds from `now`. */
static void span_of(const struct fixture *fixture, const char *part, int64_t from, int64_t to, const char *state,
                    int64_t read_at)
{
    g_autofree char *sql =
        g_strdup_printf("INSERT INTO coverage_span VALUES (%" G_GINT64_FORMAT ", 'sign-ins', '%s', %" G_GINT64_FORMAT
                        ", %" G_GINT64_FORMAT ", '%s', %" G_GINT64_FORMAT ", 1, 0, 0)",
                        fixture->customer, part, AT + from, AT + to, state, AT + read_at);
    execute(fixture, sql);
}

static void span(const struct fixture *fixture, int64_t from, int64_t to, const char *state)
{
    span_of(fixture, "", from, to, state, to);
}

static void note(struct fixture *fixture, const char *source, int64_t at, enum store_outcome outcome, const char *words)
{
    g_autoptr(GError) error = NULL;
    assert_ok(store_collection_note(fixture->store, fixture->customer, source, AT + at, outcome, words, &error), error);
}

static void scan(const struct fixture *fixture, int64_t at, bool good)
{
    g_autofree char *sql =
        g_strdup_printf("INSERT INTO health_scan VALUES (%" G_GINT64_FORMAT ", %" G_GINT64_FORMAT ", %d, NULL)",
                        fixture->customer, AT + at, good);
    execute(fixture, sql);
}

/* A sign-in that happened at one moment and was stored at another, both in seconds from `now`. */
static void event(struct fixture *fixture, int64_t happened, int64_t stored)
{
    static unsigned n;
    g_autofree char *id = g_strdup_printf("e%u", n++), *raw = raw_of(id, "0123456789");
    g_autofree char *when = timestamp_format_seconds(AT + happened);
    commit_one(fixture, document_of(id, when, raw, "text"), AT + stored);
    execute(fixture, "DELETE FROM coverage_span WHERE to_s = from_s + 1"); /* of the page: tests say what was read */
}

/* --- sources ---------------------------------------------------------------------------------------------------------
 */

static void an_empty_database_tells_of_no_source(void **state)
{
    g_autoptr(StoreStatus) status = look(*state);
    assert_sources(status, "");
    assert_true(status->database_bytes > 0 && status->database_bytes % 16384 == 0);
    assert_true(status->wal_bytes > 0);
    assert_false(status->mirrored);
    assert_int_equal(status->blobs_pending, 0);
}

static void whatever_was_noted_of_a_source_makes_it_appear(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    struct store_round round = {.kind = STORE_ROUND_LISTING, .started_at = AT, .saved_at = AT};
    int64_t other = store_customer(fixture->store, "alpine", "other-tenant", &error);

    note(fixture, "directory-audits", -60, STORE_OUTCOME_OK, NULL);
    span(fixture, -100, -50, "open");
    assert_ok(store_round_save(fixture->store, fixture->customer, "users", "", &round, &error), error);
    assert_ok(store_scan_failed(fixture->store, other, AT - 60, "no answer", &error), error);
    g_autoptr(StoreStatus) status = look(fixture);
    assert_sources(status, "alpine health, contoso directory-audits, contoso sign-ins, contoso users");
    assert_string_equal(source_of(status, "alpine", "health")->tenant_id, "other-tenant");
}

static void the_last_run_is_told_with_its_outcome_and_words(void **state)
{
    static const struct {
        const char *source, *words;
        enum store_outcome outcome;
        int64_t success_at;
    } rows[] = {
        {"directory-audits", NULL, STORE_OUTCOME_OK, AT - 60},
        {"sign-ins", "too many requests", STORE_OUTCOME_PARTIAL, AT - 3600},
        {"users", "the app may not do this", STORE_OUTCOME_FAILED, AT - 3600},
        {"intune-audits", "there is no licence", STORE_OUTCOME_UNAVAILABLE, AT - 3600},
    };
    struct fixture *fixture = *state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        note(fixture, rows[i].source, -3600, STORE_OUTCOME_OK, NULL);
        note(fixture, rows[i].source, -60, rows[i].outcome, rows[i].words);
    }
    g_autoptr(StoreStatus) status = look(fixture);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        const struct store_status_source *source = source_of(status, "contoso", rows[i].source);
        assert_int_equal(source->outcome, rows[i].outcome);
        assert_int_equal(source->last_run_at, AT - 60);
        assert_int_equal(source->last_success_at, rows[i].success_at);
        assert_string_equal(source->last_error ? source->last_error : "-", rows[i].words ? rows[i].words : "-");
    }
}

static void a_row_of_an_older_program_is_judged_by_its_words(void **state)
{
    struct fixture *fixture = *state;
    note(fixture, "sign-ins", -60, STORE_OUTCOME_FAILED, "no answer");
    note(fixture, "users", -60, STORE_OUTCOME_OK, NULL);
    execute(fixture, "UPDATE collection SET last_status = NULL");
    g_autoptr(StoreStatus) status = look(fixture);
    assert_int_equal(source_of(status, "contoso", "sign-ins")->outcome, STORE_OUTCOME_FAILED);
    assert_int_equal(source_of(status, "contoso", "users")->outcome, STORE_OUTCOME_OK);
}

static void unreadable_records_are_counted_for_their_source(void **state)
{
    struct fixture *fixture = *state;
    struct store_page *page = page_new(fixture->customer, AT - 100, AT);
    g_ptr_array_add(page->unreadable, unreadable_new("no object", NULL, "1", 1));
    g_ptr_array_add(page->unreadable, unreadable_new("no object", NULL, "2", 1));
    commit(fixture, page);
    page_free(page);
    note(fixture, "users", -60, STORE_OUTCOME_OK, NULL);
    g_autoptr(StoreStatus) status = look(fixture);
    assert_int_equal(source_of(status, "contoso", "sign-ins")->unreadable, 2);
    assert_int_equal(source_of(status, "contoso", "users")->unreadable, 0);
}

/* --- holes -----------------------------------------------------------------------------------------------------------
 */

static void lost_unread_and_open_time_are_holes_by_time(void **state)
{
    struct fixture *fixture = *state;
    span(fixture, -9 * DAY, -8 * DAY, "settled");
    span(fixture, -8 * DAY, -7 * DAY, "lost");
    span(fixture, -6 * DAY, -5 * DAY, "read");
    span(fixture, -5 * DAY, -4 * DAY, "open");
    span(fixture, -4 * DAY, -HOUR, "read");
    g_autoptr(StoreStatus) status = look(fixture);
    const struct store_status_source *source = source_of(status, "contoso", "sign-ins");
    assert_holes(source, "lost -691200..-604800, unread -604800..-518400, open -432000..-345600");
    assert_int_equal(source->covered_to, AT - HOUR);
}

static void pieces_of_one_hole_are_one_hole(void **state)
{
    struct fixture *fixture = *state;
    span(fixture, -90, -80, "read");
    span(fixture, -80, -70, "open");
    span(fixture, -70, -60, "open");
    span(fixture, -60, -50, "lost");
    span(fixture, -50, -40, "lost");
    span(fixture, -40, -30, "read");
    g_autoptr(StoreStatus) status = look(fixture);
    assert_holes(source_of(status, "contoso", "sign-ins"), "open -80..-60, lost -60..-40");
}

static void time_behind_what_was_read_last_is_no_hole_yet(void **state)
{
    struct fixture *fixture = *state;
    span(fixture, -90, -80, "read");
    span(fixture, -70, -60, "open");
    span_of(fixture, "servicePrincipal", -90, -80, "open", 0);
    g_autoptr(StoreStatus) status = look(fixture);
    const struct store_status_source *source = source_of(status, "contoso", "sign-ins");
    assert_holes(source, "");
    assert_int_equal(source->covered_to, AT - 80);
}

static void what_is_lost_at_the_end_is_lost_all_the_same(void **state)
{
    struct fixture *fixture = *state;
    span(fixture, -90, -80, "read");
    span(fixture, -80, -70, "lost");
    span(fixture, -70, -60, "open");
    g_autoptr(StoreStatus) status = look(fixture);
    assert_holes(source_of(status, "contoso", "sign-ins"), "lost -80..-70");
}

static void parts_have_holes_of_their_own(void **state)
{
    struct fixture *fixture = *state;
    span(fixture, -90, -80, "read");
    span(fixture, -70, -60, "read");
    span_of(fixture, "nonInteractiveUser", -95, -80, "read", -80);
    span_of(fixture, "nonInteractiveUser", -80, -75, "lost", -75);
    span_of(fixture, "nonInteractiveUser", -75, -60, "read", -60);
    g_autoptr(StoreStatus) status = look(fixture);
    assert_holes(source_of(status, "contoso", "sign-ins"), "unread -80..-70, lost -80..-75 nonInteractiveUser");
}

static void a_hole_that_ended_before_since_is_left_out(void **state)
{
    struct fixture *fixture = *state;
    struct store_status_options options = usual;
    options.since = AT - 70;
    span(fixture, -100, -90, "read");
    span(fixture, -90, -70, "lost");
    span(fixture, -70, -60, "read");
    span(fixture, -50, -40, "read");
    g_autoptr(StoreStatus) status = look_with(fixture, &options);
    assert_holes(source_of(status, "contoso", "sign-ins"), "unread -60..-50");
    options.since--;
    g_autoptr(StoreStatus) earlier = look_with(fixture, &options);
    assert_holes(source_of(earlier, "contoso", "sign-ins"), "lost -90..-70, unread -60..-50");
}

static void a_source_is_read_up_to_the_least_of_its_parts_that_are_collected_still(void **state)
{
    struct fixture *fixture = *state;
    note(fixture, "sign-ins", -100, STORE_OUTCOME_OK, NULL);
    span_of(fixture, "", -9 * DAY, -100, "read", -100);
    span_of(fixture, "nonInteractiveUser", -9 * DAY, -200, "read", -200);
    span_of(fixture, "servicePrincipal", -9 * DAY, -2 * DAY, "read", -2 * DAY); /* taken out two days ago */
    g_autoptr(StoreStatus) status = look(fixture);
    assert_int_equal(source_of(status, "contoso", "sign-ins")->covered_to, AT - 200);
}

/* --- scans of service health -----------------------------------------------------------------------------------------
 */

static void good_scans_too_far_apart_leave_a_hole(void **state)
{
    struct fixture *fixture = *state;
    scan(fixture, -3 * HOUR, true);
    scan(fixture, -3 * HOUR + 1800, true); /* just near enough */
    scan(fixture, -2 * HOUR, false);
    scan(fixture, -HOUR, true);
    scan(fixture, -1800, true);
    g_autoptr(StoreStatus) status = look(fixture);
    assert_holes(source_of(status, "contoso", "health"), "scans -9000..-3600");
}

static void no_good_scan_up_to_now_is_a_hole_too(void **state)
{
    struct fixture *fixture = *state;
    scan(fixture, -2 * HOUR, true);
    scan(fixture, -HOUR, false);
    g_autoptr(StoreStatus) status = look(fixture);
    assert_holes(source_of(status, "contoso", "health"), "scans -7200..0");
}

static void scans_that_never_went_well_are_a_hole_from_the_first_on(void **state)
{
    struct fixture *fixture = *state;
    scan(fixture, -2 * HOUR, false);
    scan(fixture, -HOUR, false);
    g_autoptr(StoreStatus) status = look(fixture);
    assert_holes(source_of(status, "contoso", "health"), "scans -7200..0");
}

static void scans_before_since_tell_where_a_later_hole_began(void **state)
{
    struct fixture *fixture = *state;
    struct store_status_options options = usual;
    options.since = AT - 2 * HOUR;
    scan(fixture, -9 * HOUR, true);
    scan(fixture, -7 * HOUR, true);
    scan(fixture, -6 * HOUR, false);
    scan(fixture, -HOUR, true);
    scan(fixture, -600, true);
    g_autoptr(StoreStatus) status = look_with(fixture, &options);
    assert_holes(source_of(status, "contoso", "health"), "scans -25200..-3600, scans -3600..-600");
}

/* --- lateness and size -----------------------------------------------------------------------------------------------
 */

static void lateness_is_told_by_nearest_rank(void **state)
{
    struct fixture *fixture = *state;
    span_of(fixture, "", -DAY, 0, "read", -DAY);
    for (int64_t i = 1; i <= 20; i++)
        event(fixture, -HOUR - i, -HOUR - i + 10 * i); /* 10, 20 ... 200 s late */
    g_autoptr(StoreStatus) status = look(fixture);
    const struct store_status_source *source = source_of(status, "contoso", "sign-ins");
    assert_int_equal(source->lateness_samples, 20);
    assert_int_equal(source->lateness_p50_s, 100);
    assert_int_equal(source->lateness_p95_s, 190);
    assert_int_equal(source->lateness_p99_s, 200);
}

static void a_single_event_is_every_percentile(void **state)
{
    struct fixture *fixture = *state;
    span_of(fixture, "", -DAY, 0, "read", -DAY);
    event(fixture, -100, -93);
    g_autoptr(StoreStatus) status = look(fixture);
    const struct store_status_source *source = source_of(status, "contoso", "sign-ins");
    assert_int_equal(source->lateness_p50_s, 7);
    assert_int_equal(source->lateness_p99_s, 7);
}

static void a_first_import_is_not_late(void **state)
{
    struct fixture *fixture = *state;
    span_of(fixture, "", -20 * DAY, -10 * DAY, "settled", -10 * DAY);
    span_of(fixture, "", -10 * DAY, 0, "read", 0);
    for (int64_t i = 11; i < 20; i++)
        event(fixture, -i * DAY, -10 * DAY);
    event(fixture, -9 * DAY, -9 * DAY + 60);
    g_autoptr(StoreStatus) status = look(fixture);
    const struct store_status_source *source = source_of(status, "contoso", "sign-ins");
    assert_int_equal(source->lateness_samples, 1);
    assert_int_equal(source->lateness_p99_s, 60);
}

static void a_part_that_is_added_later_brings_a_first_import_of_its_own(void **state)
{
    struct fixture *fixture = *state;
    span_of(fixture, "", -20 * DAY, 0, "read", -20 * DAY);
    span_of(fixture, "nonInteractiveUser", -20 * DAY, 0, "read", -2 * DAY);
    event(fixture, -3 * DAY, -2 * DAY);
    event(fixture, -DAY, -DAY + 5);
    g_autoptr(StoreStatus) status = look(fixture);
    assert_int_equal(source_of(status, "contoso", "sign-ins")->lateness_p99_s, 5);
}

static void what_tells_nothing_of_lateness_is_no_sample_of_it(void **state)
{
    struct fixture *fixture = *state;
    struct store_status_options options = usual;
    options.since = AT - DAY;
    g_autofree char *raw = raw_of("x", "y");
    span_of(fixture, "", -20 * DAY, 0, "read", -20 * DAY);
    event(fixture, -2 * DAY, -2 * DAY + 5);                              /* before since */
    event(fixture, 2 * DAY, 0);                                          /* from the future */
    commit_one(fixture, document_of("x", NULL, raw, "text"), AT - HOUR); /* without time */
    g_autoptr(StoreStatus) none = look_with(fixture, &options);
    assert_int_equal(source_of(none, "contoso", "sign-ins")->lateness_samples, 0);
    event(fixture, -60, -70); /* by a clock that is ahead of ours: not late */
    g_autoptr(StoreStatus) status = look_with(fixture, &options);
    assert_int_equal(source_of(status, "contoso", "sign-ins")->lateness_samples, 1);
    assert_int_equal(source_of(status, "contoso", "sign-ins")->lateness_p99_s, 0);
}

static void no_more_events_are_looked_at_than_was_said(void **state)
{
    struct fixture *fixture = *state;
    struct store_status_options options = usual;
    options.samples = 3;
    span_of(fixture, "", -DAY, 0, "read", -DAY);
    for (int64_t i = 1; i <= 10; i++)
        event(fixture, -i, -i + 100 * i);
    g_autoptr(StoreStatus) status = look_with(fixture, &options);
    const struct store_status_source *source = source_of(status, "contoso", "sign-ins");
    assert_int_equal(source->lateness_samples, 3); /* the newest: 100, 200, 300 */
    assert_int_equal(source->lateness_p99_s, 300);
}

static void the_bytes_of_a_source_are_its_records_times_their_mean(void **state)
{
    struct fixture *fixture = *state;
    static const char *const bodies[] = {"{}", "{\"a\":\"\xc3\xa4\"}"}; /* 2 and 10 bytes */
    for (size_t i = 0; i < G_N_ELEMENTS(bodies); i++) {
        g_autofree char *id = g_strdup_printf("r%zu", i);
        commit_one(fixture, document_of(id, "2026-11-25T12:00:00Z", bodies[i], "text"), AT);
    }
    execute(fixture, "UPDATE collection SET records = 1000");
    g_autoptr(StoreStatus) status = look(fixture);
    assert_int_equal(source_of(status, "contoso", "sign-ins")->raw_bytes, 6000);
    execute(fixture, "UPDATE collection SET records = 2");
}

static void a_source_whose_events_are_old_has_a_size_all_the_same(void **state)
{
    struct fixture *fixture = *state;
    struct store_status_options options = usual;
    event(fixture, -40 * DAY, -40 * DAY);
    g_autoptr(StoreStatus) status = look_with(fixture, &options);
    const struct store_status_source *source = source_of(status, "contoso", "sign-ins");
    assert_true(source->raw_bytes > 20 && source->raw_bytes < 60);
    assert_int_equal(source->lateness_samples, 0);
    assert_int_equal(source->records, 1);
    assert_string_equal(source->newest, "2026-10-17T08:00:00.0000000Z");
}

/* --- retention -------------------------------------------------------------------------------------------------------
 */

/* Retention deleted all that contoso's source had of the time before `line`, seconds from `now`. */
static void prune_to(const struct fixture *fixture, const char *source, int64_t line)
{
    g_autofree char *sql =
        g_strdup_printf("INSERT INTO retention_line VALUES (%" G_GINT64_FORMAT ", '%s', %" G_GINT64_FORMAT ", %d, 12)",
                        fixture->customer, source, AT + line, AT - HOUR);
    execute(fixture, sql);
}

static void what_retention_deleted_is_told_of_its_source(void **state)
{
    struct fixture *fixture = *state;
    span(fixture, -9 * DAY, -HOUR, "read");
    note(fixture, "users", -60, STORE_OUTCOME_OK, NULL);
    prune_to(fixture, "sign-ins", -7 * DAY);
    prune_to(fixture, "mails", -DAY);
    g_autoptr(StoreStatus) status = look(fixture);
    assert_sources(status, "contoso sign-ins, contoso users"); /* mails are no source */
    const struct store_status_source *pruned = source_of(status, "contoso", "sign-ins"),
                                     *whole = source_of(status, "contoso", "users");
    assert_int_equal(pruned->kept_from, AT - 7 * DAY);
    assert_int_equal(pruned->pruned_at, AT - HOUR);
    assert_int_equal(pruned->pruned_records, 12);
    assert_int_equal(pruned->held_from, AT - 7 * DAY);
    assert_true(whole->kept_from == 0 && whole->pruned_at == 0 && whole->pruned_records == 0 && whole->held_from == 0);
}

static void what_is_held_begins_with_the_first_time_that_was_read(void **state)
{
    struct fixture *fixture = *state;
    span(fixture, -9 * DAY, -8 * DAY, "lost");
    span(fixture, -8 * DAY, -7 * DAY, "open");
    span(fixture, -7 * DAY, -HOUR, "read");
    span_of(fixture, "managedIdentity", -6 * DAY, -HOUR, "settled", -HOUR);
    scan(fixture, -5 * DAY, false);
    g_autoptr(StoreStatus) status = look(fixture);
    assert_int_equal(source_of(status, "contoso", "sign-ins")->held_from, AT - 7 * DAY);
    assert_int_equal(source_of(status, "contoso", "health")->held_from, AT - 5 * DAY);
}

static void pruned_time_is_no_hole_and_one_that_reaches_over_it_is_cut(void **state)
{
    struct fixture *fixture = *state;
    span(fixture, -9 * DAY, -8 * DAY, "lost");
    span(fixture, -8 * DAY, -7 * DAY, "read");
    span(fixture, -7 * DAY, -5 * DAY, "open");
    span(fixture, -4 * DAY, -2 * DAY, "lost");
    span(fixture, -2 * DAY, -HOUR, "read");
    {
        g_autoptr(StoreStatus) status = look(fixture);
        assert_holes(source_of(status, "contoso", "sign-ins"),
                     "lost -777600..-691200, open -604800..-432000, unread -432000..-345600, lost -345600..-172800");
    }
    prune_to(fixture, "sign-ins", -6 * DAY);
    {
        g_autoptr(StoreStatus) status = look(fixture);
        assert_holes(source_of(status, "contoso", "sign-ins"),
                     "open -518400..-432000, unread -432000..-345600, lost -345600..-172800");
    }
    /* What the configuration says goes, whether or not it is gone yet. */
    const struct store_keep keep[] = {{"users", AT}, {"sign-ins", AT - 4 * DAY}};
    struct store_status_options options = usual;
    options.keep = keep;
    options.n_keep = G_N_ELEMENTS(keep);
    {
        g_autoptr(StoreStatus) status = look_with(fixture, &options);
        assert_holes(source_of(status, "contoso", "sign-ins"), "lost -345600..-172800");
    }
    execute(fixture, "UPDATE retention_line SET before_s = before_s + 3 * 86400");
    g_autoptr(StoreStatus) status = look_with(fixture, &options);
    assert_holes(source_of(status, "contoso", "sign-ins"), "lost -259200..-172800");
}

static void scans_that_were_deleted_leave_no_hole(void **state)
{
    struct fixture *fixture = *state;
    scan(fixture, -9 * DAY, true); /* kept, for a state that lasted until then */
    scan(fixture, -HOUR, true);
    scan(fixture, -HOUR + 1200, true);
    scan(fixture, -600, true);
    prune_to(fixture, "health", -HOUR - 60);
    g_autoptr(StoreStatus) status = look(fixture);
    assert_holes(source_of(status, "contoso", "health"), "scans -3660..-3600");
    assert_int_equal(source_of(status, "contoso", "health")->held_from, AT - HOUR - 60);
}

static void the_tasks_of_maintenance_are_told_by_name(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    assert_ok(store_task_end(fixture->store, "verify", AT - DAY, "All is well.", &error), error);
    assert_ok(store_task_begin(fixture->store, "verify", AT - 60, &error), error);
    assert_ok(store_task_begin(fixture->store, "backup", AT - 30, &error), error);
    g_autoptr(StoreStatus) status = look(fixture);
    assert_int_equal(status->tasks->len, 2);
    const struct store_status_task *backup = status->tasks->pdata[0], *verify = status->tasks->pdata[1];
    assert_string_equal(backup->task, "backup");
    assert_true(backup->started_at == AT - 30 && backup->finished_at == 0 && backup->outcome == NULL);
    assert_string_equal(verify->task, "verify");
    assert_true(verify->started_at == AT - 60 && verify->finished_at == AT - DAY);
    assert_string_equal(verify->outcome, "All is well.");
}

/* --- the whole -------------------------------------------------------------------------------------------------------
 */

static void mirror_and_blobs_are_told(void **state)
{
    struct fixture *fixture = *state;
    execute(fixture, "UPDATE counter SET value = 500 WHERE name = 'seq'");
    execute(fixture,
            "INSERT INTO mirror_position (target, seq, acknowledged_at) VALUES ('one', 450, 1), ('two', 480, 1)");
    execute(fixture,
            "INSERT INTO content_blob (customer_id, content_id, content_type, content_uri, created_at, expires_at, "
            "listed_at, fetched_at, lost_at) VALUES (1, 'a', 't', 'u', 1, 3000, 1, NULL, NULL), "
            "(1, 'b', 't', 'u', 1, 2000, 1, NULL, NULL), (1, 'c', 't', 'u', 1, 1000, 1, 5, NULL), "
            "(1, 'd', 't', 'u', 1, 500, 1, NULL, 5)");
    g_autoptr(StoreStatus) status = look(fixture);
    assert_int_equal(status->seq, 500);
    assert_true(status->mirrored);
    assert_int_equal(status->mirror_behind, 50);
    assert_int_equal(status->blobs_pending, 2);
    assert_int_equal(status->blob_expires_at, 2000);
}

static void it_is_read_by_who_may_only_read_and_leaves_no_transaction_behind(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    store_close(fixture->store);
    fixture->store = store_open(fixture->path, STORE_READ, &error);
    assert_ok(fixture->store != NULL, error);
    g_autoptr(StoreStatus) before = look(fixture);
    assert_sources(before, ""); /* and the next one is not of that moment */
    execute(fixture, "INSERT INTO collection (customer_id, source) VALUES (1, 'users')");
    g_autoptr(StoreStatus) after = look(fixture);
    assert_sources(after, "contoso users");
}

static void damage_is_told_in_words(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    execute(fixture, "DROP TABLE mirror_position");
    struct store_status *status = store_status_read(fixture->store, &usual, &error);
    assert_refused(status != NULL, &error, STORE_ERROR_FAILED, "status_mirror");
    assert_int_not_equal(sqlite3_get_autocommit(fixture->store->db), 0);
}

/* Two million events are not walked: whatever is asked of `event` goes by a stretch of its ids. */
static void nothing_walks_the_events(void **state)
{
    static const enum statement_id asked[] = {
        STATEMENT_STATUS_SOURCES,    STATEMENT_STATUS_UNREADABLE,   STATEMENT_STATUS_COVERAGE,
        STATEMENT_STATUS_SCANS,      STATEMENT_STATUS_EVENTS,       STATEMENT_STATUS_EVENTS_OF_SOURCE,
        STATEMENT_STATUS_USER_BYTES, STATEMENT_STATUS_HEALTH_BYTES, STATEMENT_STATUS_BLOBS,
        STATEMENT_STATUS_RETENTION,  STATEMENT_STATUS_FIRST_SCAN};
    static const char *const walks[] = {"SCAN event",    "SCAN unreadable",  "SCAN user",
                                        "SCAN service_", "SCAN health_scan", "SCAN content_blob\n"};
    struct fixture *fixture = *state;
    for (size_t i = 0; i < G_N_ELEMENTS(asked); i++) {
        g_autofree char *explain = g_strconcat("EXPLAIN QUERY PLAN ", statement_texts[asked[i]].sql, NULL);
        g_autofree char *plan = rows_in(fixture->path, explain);
        for (size_t k = 0; k < G_N_ELEMENTS(walks); k++)
            if (strstr(plan, walks[k]))
                fail_msg("%s\n%s", statement_texts[asked[i]].name, plan);
    }
}

#define LOOKS(test) cmocka_unit_test_setup_teardown(test, setup_store, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOOKS(an_empty_database_tells_of_no_source),
        LOOKS(whatever_was_noted_of_a_source_makes_it_appear),
        LOOKS(the_last_run_is_told_with_its_outcome_and_words),
        LOOKS(a_row_of_an_older_program_is_judged_by_its_words),
        LOOKS(unreadable_records_are_counted_for_their_source),
        LOOKS(lost_unread_and_open_time_are_holes_by_time),
        LOOKS(pieces_of_one_hole_are_one_hole),
        LOOKS(time_behind_what_was_read_last_is_no_hole_yet),
        LOOKS(what_is_lost_at_the_end_is_lost_all_the_same),
        LOOKS(parts_have_holes_of_their_own),
        LOOKS(a_hole_that_ended_before_since_is_left_out),
        LOOKS(a_source_is_read_up_to_the_least_of_its_parts_that_are_collected_still),
        LOOKS(good_scans_too_far_apart_leave_a_hole),
        LOOKS(no_good_scan_up_to_now_is_a_hole_too),
        LOOKS(scans_that_never_went_well_are_a_hole_from_the_first_on),
        LOOKS(scans_before_since_tell_where_a_later_hole_began),
        LOOKS(lateness_is_told_by_nearest_rank),
        LOOKS(a_single_event_is_every_percentile),
        LOOKS(a_first_import_is_not_late),
        LOOKS(a_part_that_is_added_later_brings_a_first_import_of_its_own),
        LOOKS(what_tells_nothing_of_lateness_is_no_sample_of_it),
        LOOKS(no_more_events_are_looked_at_than_was_said),
        LOOKS(the_bytes_of_a_source_are_its_records_times_their_mean),
        LOOKS(a_source_whose_events_are_old_has_a_size_all_the_same),
        LOOKS(what_retention_deleted_is_told_of_its_source),
        LOOKS(what_is_held_begins_with_the_first_time_that_was_read),
        LOOKS(pruned_time_is_no_hole_and_one_that_reaches_over_it_is_cut),
        LOOKS(scans_that_were_deleted_leave_no_hole),
        LOOKS(the_tasks_of_maintenance_are_told_by_name),
        LOOKS(mirror_and_blobs_are_told),
        LOOKS(it_is_read_by_who_may_only_read_and_leaves_no_transaction_behind),
        LOOKS(damage_is_told_in_words),
        LOOKS(nothing_walks_the_events),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
