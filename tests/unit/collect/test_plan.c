/* The plan is pure: rows in, stretches out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "collect/collect.h"

enum { MIN_S = 60, HOUR_S = 3600, DAY_S = 86400, MARGIN_S = 300 };
static const int64_t now = 1800000000;

static struct plan_input input(const struct store_coverage *rows, size_t n)
{
    return (struct plan_input){
        .now = now, .reach_s = 30 * DAY_S, .overlap_s = 6 * HOUR_S, .page_size = 1000, .rows = rows, .n_rows = n};
}

static struct store_coverage row(int64_t from, int64_t to, enum store_coverage_state state, int64_t read_at)
{
    return (struct store_coverage){
        .from = from, .to = to, .state = state, .read_at = read_at, .reads = 1, .records = 100};
}

static struct plan_stretch at(const GArray *plan, guint i)
{
    assert_true(i < plan->len);
    return g_array_index(plan, struct plan_stretch, i);
}

#define assert_stretch(plan, i, f, t, k)                                                                               \
    do {                                                                                                               \
        struct plan_stretch stretch_ = at(plan, i);                                                                    \
        assert_int_equal(stretch_.time.from, f);                                                                       \
        assert_int_equal(stretch_.time.to, t);                                                                         \
        assert_int_equal(stretch_.kind, k);                                                                            \
    } while (0)

static void a_first_run_reads_the_whole_reach_less_a_margin_q38(void **state)
{
    struct plan_input in = input(NULL, 0);
    g_autoptr(GArray) plan = plan_stretches(&in);

    (void)state;
    assert_int_equal(plan->len, 1);
    assert_stretch(plan, 0, now - 30 * DAY_S + MARGIN_S, now, PLAN_NEW);
}

static void new_time_is_read_together_with_the_overlap_q24(void **state)
{
    struct store_coverage rows[] = {row(now - DAY_S, now - 15 * MIN_S, STORE_COVERAGE_READ, now - 15 * MIN_S)};
    struct plan_input in = input(rows, 1);
    g_autoptr(GArray) plan = plan_stretches(&in);

    (void)state;
    /* Nothing before the first row was ever promised, but it is still to be had: it comes first. */
    assert_int_equal(plan->len, 2);
    assert_stretch(plan, 0, now - 30 * DAY_S + MARGIN_S, now - DAY_S, PLAN_NEW);
    assert_stretch(plan, 1, now - 15 * MIN_S - 6 * HOUR_S, now, PLAN_NEW);
}

static void with_nothing_new_the_overlap_alone_is_read(void **state)
{
    struct store_coverage rows[] = {row(now - 30 * DAY_S, now, STORE_COVERAGE_READ, now)};
    struct plan_input in = input(rows, 1);
    g_autoptr(GArray) plan = plan_stretches(&in);

    (void)state;
    assert_int_equal(plan->len, 1);
    assert_stretch(plan, 0, now - 6 * HOUR_S, now, PLAN_NEW);
}

static void an_overlap_of_many_pages_is_short_and_whole_once_an_hour(void **state)
{
    struct store_coverage rows[] = {row(now - 30 * DAY_S, now - 7 * HOUR_S, STORE_COVERAGE_SETTLED, now),
                                    row(now - 7 * HOUR_S, now - 15 * MIN_S, STORE_COVERAGE_READ, now - 15 * MIN_S)};
    struct plan_input in = input(rows, 2);
    g_autoptr(GArray) plan = NULL, later = NULL;

    (void)state;
    rows[1].records = 100000;
    plan = plan_stretches(&in);
    assert_stretch(plan, plan->len - 1, now - 45 * MIN_S, now, PLAN_NEW);
    rows[1].read_at = now - 61 * MIN_S;
    later = plan_stretches(&in);
    assert_stretch(later, later->len - 1, now - 15 * MIN_S - 6 * HOUR_S, now, PLAN_NEW);
}

static void what_was_left_open_is_read_again_after_everything_else(void **state)
{
    struct store_coverage rows[] = {row(now - 30 * DAY_S, now - 3 * DAY_S, STORE_COVERAGE_SETTLED, now),
                                    row(now - 3 * DAY_S, now - 2 * DAY_S, STORE_COVERAGE_OPEN, now),
                                    row(now - 2 * DAY_S, now, STORE_COVERAGE_SETTLED, now)};
    struct plan_input in = input(rows, 3);
    g_autoptr(GArray) plan = plan_stretches(&in);

    (void)state;
    assert_stretch(plan, plan->len - 1, now - 3 * DAY_S, now - 2 * DAY_S, PLAN_OPEN);
}

static void new_time_around_what_was_left_open_keeps_its_order(void **state)
{
    struct store_coverage rows[] = {row(now - 20 * DAY_S, now - 19 * DAY_S, STORE_COVERAGE_OPEN, 0)};
    struct plan_input in = input(rows, 1);
    g_autoptr(GArray) plan = plan_stretches(&in);

    (void)state;
    assert_int_equal(plan->len, 3);
    assert_stretch(plan, 0, now - 30 * DAY_S + MARGIN_S, now - 20 * DAY_S, PLAN_NEW);
    assert_stretch(plan, 1, now - 19 * DAY_S, now, PLAN_NEW);
    assert_stretch(plan, 2, now - 20 * DAY_S, now - 19 * DAY_S, PLAN_OPEN);
}

static void time_out_of_reach_is_a_hole_and_not_skipped_q35(void **state)
{
    struct store_coverage rows[] = {row(now - 60 * DAY_S, now - 39 * DAY_S, STORE_COVERAGE_READ, now - 39 * DAY_S)};
    struct plan_input in = input(rows, 1);
    g_autoptr(GArray) plan = plan_stretches(&in);

    (void)state;
    assert_stretch(plan, 0, now - 39 * DAY_S, now - 30 * DAY_S + MARGIN_S, PLAN_LOST);
    assert_stretch(plan, 1, now - 30 * DAY_S + MARGIN_S, now, PLAN_NEW);
}

static void a_hole_once_recorded_is_not_told_again(void **state)
{
    struct store_coverage rows[] = {row(now - 60 * DAY_S, now - 39 * DAY_S, STORE_COVERAGE_SETTLED, now - 39 * DAY_S),
                                    row(now - 39 * DAY_S, now - 29 * DAY_S, STORE_COVERAGE_LOST, now),
                                    row(now - 29 * DAY_S, now, STORE_COVERAGE_SETTLED, now)};
    struct plan_input in = input(rows, 3);
    g_autoptr(GArray) plan = plan_stretches(&in);

    (void)state;
    for (guint i = 0; i < plan->len; i++)
        assert_int_not_equal(at(plan, i).kind, PLAN_LOST);
}

static void sweeps_are_due_after_a_day_two_days_and_a_week(void **state)
{
    static const struct {
        int64_t age_s, read_after_s; /* of the stretch's end now, and when it was last read */
        bool due;
    } cases[] = {{23 * HOUR_S, 0, false},
                 {30 * HOUR_S, 0, true},
                 {30 * HOUR_S, 25 * HOUR_S, false},
                 {54 * HOUR_S, 25 * HOUR_S, true},
                 {54 * HOUR_S, 49 * HOUR_S, false},
                 {7 * DAY_S + 6 * HOUR_S, 49 * HOUR_S, true},
                 {7 * DAY_S + 6 * HOUR_S, 7 * DAY_S, false},
                 {20 * DAY_S, 49 * HOUR_S, true}};

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        int64_t end = now - cases[i].age_s;
        struct store_coverage rows[] = {row(now - 30 * DAY_S, end - DAY_S, STORE_COVERAGE_SETTLED, now),
                                        row(end - DAY_S, end, STORE_COVERAGE_READ, end + cases[i].read_after_s),
                                        row(end, now, STORE_COVERAGE_SETTLED, now)};
        struct plan_input in = input(rows, 3);
        g_autoptr(GArray) plan = plan_stretches(&in);

        assert_int_equal(plan->len, cases[i].due ? 2 : 1);
        if (cases[i].due)
            assert_stretch(plan, 1, end - DAY_S, end, PLAN_SWEEP);
    }
}

static void small_due_pieces_are_swept_together_or_when_overdue(void **state)
{
    struct store_coverage rows[3] = {0};
    struct plan_input in = input(rows, 3);
    g_autoptr(GArray) waiting = NULL, overdue = NULL;
    int64_t from = now - DAY_S - 40 * MIN_S;

    (void)state;
    rows[0] = row(from, from + 15 * MIN_S, STORE_COVERAGE_READ, from + 6 * HOUR_S);
    rows[1] = row(from + 15 * MIN_S, from + 30 * MIN_S, STORE_COVERAGE_READ, from + 6 * HOUR_S);
    rows[2] = row(from + 30 * MIN_S, now, STORE_COVERAGE_SETTLED, now);
    in.since = 0;
    waiting = plan_stretches(&in);
    for (guint i = 0; i < waiting->len; i++)
        assert_int_not_equal(at(waiting, i).kind, PLAN_SWEEP);
    for (size_t i = 0; i < 2; i++) {
        rows[i].from -= 6 * HOUR_S;
        rows[i].to -= 6 * HOUR_S;
        rows[i].read_at -= 6 * HOUR_S;
    }
    rows[2].from -= 6 * HOUR_S;
    overdue = plan_stretches(&in);
    assert_stretch(overdue, overdue->len - 1, from - 6 * HOUR_S, from - 6 * HOUR_S + 30 * MIN_S, PLAN_SWEEP);
}

static void since_reads_again_whatever_was_read_but_not_out_of_reach(void **state)
{
    struct store_coverage rows[] = {row(now - 30 * DAY_S, now, STORE_COVERAGE_SETTLED, now)};
    struct plan_input in = input(rows, 1);
    g_autoptr(GArray) plan = NULL, old = NULL;

    (void)state;
    in.has_since = true;
    in.since = now - 3 * HOUR_S;
    plan = plan_stretches(&in);
    assert_int_equal(plan->len, 1);
    assert_stretch(plan, 0, now - 3 * HOUR_S, now, PLAN_NEW);
    in.since = now - 90 * DAY_S;
    old = plan_stretches(&in);
    assert_stretch(old, 0, now - 30 * DAY_S + MARGIN_S, now, PLAN_NEW);
}

/* --- what retention keeps ---------------------------------------------------------------------------------------- */

static void time_that_is_not_kept_is_not_read_in_the_first_place(void **state)
{
    struct plan_input in = input(NULL, 0);
    g_autoptr(GArray) plan = NULL, all = NULL;

    (void)state;
    in.keep_from = now - 7 * DAY_S;
    plan = plan_stretches(&in);
    assert_int_equal(plan->len, 1);
    assert_stretch(plan, 0, now - 7 * DAY_S, now, PLAN_NEW);
    in.keep_from = now - 365 * DAY_S; /* longer than the service reaches back */
    all = plan_stretches(&in);
    assert_stretch(all, 0, now - 30 * DAY_S + MARGIN_S, now, PLAN_NEW);
}

static void where_retention_keeps_all_nothing_changes(void **state)
{
    struct plan_input in = input(NULL, 0);
    g_autoptr(GArray) plan = NULL;

    (void)state;
    in.keep_from = INT64_MIN;
    plan = plan_stretches(&in);
    assert_int_equal(plan->len, 1);
    assert_stretch(plan, 0, now - 30 * DAY_S + MARGIN_S, now, PLAN_NEW);
    assert_int_equal(plan_reach(&in), 30 * DAY_S);
}

static void a_gap_is_lost_only_as_far_as_it_would_be_kept(void **state)
{
    struct store_coverage rows[] = {row(now - 60 * DAY_S, now - 50 * DAY_S, STORE_COVERAGE_SETTLED, now - 49 * DAY_S)};
    struct plan_input in = input(rows, 1);
    g_autoptr(GArray) kept = NULL, gone = NULL;

    (void)state;
    in.keep_from = now - 40 * DAY_S;
    kept = plan_stretches(&in);
    assert_int_equal(kept->len, 2);
    assert_stretch(kept, 0, now - 40 * DAY_S, now - 30 * DAY_S + MARGIN_S, PLAN_LOST);
    assert_stretch(kept, 1, now - 30 * DAY_S + MARGIN_S, now, PLAN_NEW);
    in.keep_from = now - 20 * DAY_S;
    gone = plan_stretches(&in);
    assert_int_equal(gone->len, 1);
    assert_stretch(gone, 0, now - 20 * DAY_S, now, PLAN_NEW);
}

static void the_overlap_ends_where_retention_begins(void **state)
{
    struct store_coverage rows[] = {row(now - 30 * DAY_S, now - 15 * MIN_S, STORE_COVERAGE_READ, now - 15 * MIN_S)};
    struct plan_input in = input(rows, 1);
    g_autoptr(GArray) plan = NULL, away = NULL;

    (void)state;
    in.keep_from = now - 2 * HOUR_S;
    plan = plan_stretches(&in);
    assert_int_equal(plan->len, 1);
    assert_stretch(plan, 0, now - 2 * HOUR_S, now, PLAN_NEW);
    rows[0].to = rows[0].read_at = now - 3 * DAY_S; /* away for longer than anything is kept */
    away = plan_stretches(&in);
    assert_int_equal(away->len, 1);
    assert_stretch(away, 0, now - 2 * HOUR_S, now, PLAN_NEW);
}

static void what_was_left_open_is_read_again_only_as_far_as_it_is_kept(void **state)
{
    struct store_coverage rows[] = {row(now - 30 * DAY_S, now - 6 * DAY_S, STORE_COVERAGE_SETTLED, now),
                                    row(now - 6 * DAY_S, now - 5 * DAY_S, STORE_COVERAGE_OPEN, 0),
                                    row(now - 5 * DAY_S, now - 4 * DAY_S, STORE_COVERAGE_SETTLED, now),
                                    row(now - 4 * DAY_S, now - 2 * DAY_S, STORE_COVERAGE_OPEN, 0),
                                    row(now - 2 * DAY_S, now, STORE_COVERAGE_SETTLED, now)};
    struct plan_input in = input(rows, G_N_ELEMENTS(rows));
    g_autoptr(GArray) plan = NULL;

    (void)state;
    in.keep_from = now - 3 * DAY_S;
    plan = plan_stretches(&in);
    assert_int_equal(plan->len, 2); /* the overlap, and the rest of what is open */
    assert_stretch(plan, 1, now - 3 * DAY_S, now - 2 * DAY_S, PLAN_OPEN);
}

static void sweeps_end_where_retention_begins(void **state)
{
    struct store_coverage rows[] = {
        row(now - 30 * DAY_S, now - 9 * DAY_S, STORE_COVERAGE_SETTLED, now),
        row(now - 9 * DAY_S, now - 7 * DAY_S - 12 * HOUR_S, STORE_COVERAGE_READ, now - 5 * DAY_S),
        row(now - 7 * DAY_S - 12 * HOUR_S, now, STORE_COVERAGE_SETTLED, now)};
    struct plan_input in = input(rows, G_N_ELEMENTS(rows));
    g_autoptr(GArray) whole = plan_stretches(&in), cut = NULL, none = NULL;

    (void)state;
    assert_stretch(whole, 1, now - 9 * DAY_S, now - 7 * DAY_S - 12 * HOUR_S, PLAN_SWEEP);
    in.keep_from = now - 8 * DAY_S;
    cut = plan_stretches(&in);
    assert_stretch(cut, 1, now - 8 * DAY_S, now - 7 * DAY_S - 12 * HOUR_S, PLAN_SWEEP);
    in.keep_from = now - 7 * DAY_S;
    none = plan_stretches(&in);
    assert_int_equal(none->len, 1);
}

static void a_sweep_that_would_come_after_the_deletion_is_not_due(void **state)
{
    struct store_coverage rows[] = {row(now - 2 * DAY_S, now - 30 * HOUR_S, STORE_COVERAGE_READ, now - 30 * HOUR_S),
                                    row(now - 30 * HOUR_S, now, STORE_COVERAGE_SETTLED, now)};
    struct plan_input in = input(rows, 2);
    g_autoptr(GArray) plan = NULL;

    (void)state;
    in.keep_from = now - 47 * HOUR_S;
    assert_int_equal(plan_reach(&in), 47 * HOUR_S);
    assert_int_equal(plan_settled_after(plan_reach(&in)), 0);
    plan = plan_stretches(&in);
    for (guint i = 0; i < plan->len; i++)
        assert_int_not_equal(at(plan, i).kind, PLAN_SWEEP);
}

static void since_reads_also_what_is_not_kept(void **state)
{
    struct plan_input in = input(NULL, 0);
    g_autoptr(GArray) plan = NULL;

    (void)state;
    in.keep_from = now - 2 * DAY_S;
    in.has_since = true;
    in.since = now - 5 * DAY_S;
    plan = plan_stretches(&in);
    assert_int_equal(plan->len, 1);
    assert_stretch(plan, 0, now - 5 * DAY_S, now, PLAN_NEW);
}

static void a_clock_set_back_plans_nothing_ahead_of_it_q37(void **state)
{
    struct store_coverage rows[] = {row(now - 30 * DAY_S, now + DAY_S, STORE_COVERAGE_READ, now + DAY_S)};
    struct plan_input in = input(rows, 1);
    g_autoptr(GArray) plan = plan_stretches(&in);

    (void)state;
    for (guint i = 0; i < plan->len; i++)
        assert_true(at(plan, i).time.to <= now);
}

static void sweeps_end_inside_the_reach(void **state)
{
    (void)state;
    assert_int_equal(plan_settled_after(30 * DAY_S), 7 * DAY_S);
    assert_int_equal(plan_settled_after(7 * DAY_S), 2 * DAY_S);
    assert_int_equal(plan_settled_after(DAY_S), 0);
}

static void windows_are_sized_to_twenty_pages_between_an_hour_and_a_week(void **state)
{
    (void)state;
    assert_int_equal(plan_window_length(DAY_S, 20), DAY_S);
    assert_int_equal(plan_window_length(DAY_S, 40), DAY_S / 2);
    assert_int_equal(plan_window_length(DAY_S, 2), 7 * DAY_S);
    assert_int_equal(plan_window_length(DAY_S, 0), 7 * DAY_S);
    assert_int_equal(plan_window_length(HOUR_S, 1000), HOUR_S);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_first_run_reads_the_whole_reach_less_a_margin_q38),
        cmocka_unit_test(new_time_is_read_together_with_the_overlap_q24),
        cmocka_unit_test(with_nothing_new_the_overlap_alone_is_read),
        cmocka_unit_test(an_overlap_of_many_pages_is_short_and_whole_once_an_hour),
        cmocka_unit_test(what_was_left_open_is_read_again_after_everything_else),
        cmocka_unit_test(new_time_around_what_was_left_open_keeps_its_order),
        cmocka_unit_test(time_out_of_reach_is_a_hole_and_not_skipped_q35),
        cmocka_unit_test(a_hole_once_recorded_is_not_told_again),
        cmocka_unit_test(sweeps_are_due_after_a_day_two_days_and_a_week),
        cmocka_unit_test(small_due_pieces_are_swept_together_or_when_overdue),
        cmocka_unit_test(since_reads_again_whatever_was_read_but_not_out_of_reach),
        cmocka_unit_test(time_that_is_not_kept_is_not_read_in_the_first_place),
        cmocka_unit_test(where_retention_keeps_all_nothing_changes),
        cmocka_unit_test(a_gap_is_lost_only_as_far_as_it_would_be_kept),
        cmocka_unit_test(the_overlap_ends_where_retention_begins),
        cmocka_unit_test(what_was_left_open_is_read_again_only_as_far_as_it_is_kept),
        cmocka_unit_test(sweeps_end_where_retention_begins),
        cmocka_unit_test(a_sweep_that_would_come_after_the_deletion_is_not_due),
        cmocka_unit_test(since_reads_also_what_is_not_kept),
        cmocka_unit_test(a_clock_set_back_plans_nothing_ahead_of_it_q37),
        cmocka_unit_test(sweeps_end_inside_the_reach),
        cmocka_unit_test(windows_are_sized_to_twenty_pages_between_an_hour_and_a_week),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
