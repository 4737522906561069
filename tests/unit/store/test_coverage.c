/* Coverage: spans never overlap, a reading replaces what lies inside its window, and nothing outside it changes. */
#include "fixture.h"

static const char *const look = "SELECT group_concat(from_s || '-' || to_s || ' ' || state || ' ' || reads || ' ' || "
                                "records || '+' || late_records, "
                                "', ') FROM (SELECT * FROM coverage_span ORDER BY from_s)";

static void read_window(struct fixture *fixture, int64_t from, int64_t to, int64_t records, int64_t at)
{
    struct store_page *page = page_new(fixture->customer, from, to);
    page->window_records = records;
    page->received_at = at;
    commit(fixture, page);
    page_free(page);
}

static void begin_window(struct fixture *fixture, int64_t from, int64_t to)
{
    struct store_page *page = page_new(fixture->customer, from, to);
    page->next_link = "next";
    commit(fixture, page);
    page_free(page);
}

static void lose(struct fixture *fixture, int64_t from, int64_t to)
{
    g_autoptr(GError) error = NULL;
    struct store_window window = {from, to};
    assert_ok(store_mark_lost(fixture->store, fixture->customer, "sign-ins", "", window, AT, &error), error);
}

static void settle_kept(struct fixture *fixture, int64_t after, int64_t keep_from)
{
    g_autoptr(GError) error = NULL;
    assert_ok(store_coverage_settle(fixture->store, fixture->customer, "sign-ins", "", after, keep_from, &error),
              error);
}

static void settle(struct fixture *fixture, int64_t after)
{
    settle_kept(fixture, after, INT64_MIN);
}

static void a_window_read_again_counts_its_readings(void **state)
{
    struct fixture *fixture = *state;
    read_window(fixture, 100, 200, 5, 300);
    assert_rows(fixture, look, "100-200 read 1 5+0");
    read_window(fixture, 100, 200, 7, 400);
    assert_rows(fixture, look, "100-200 read 2 7+0");
    assert_rows(fixture, "SELECT read_at FROM coverage_span", "400");
}

static void neighbours_stay_apart(void **state)
{
    struct fixture *fixture = *state;
    read_window(fixture, 100, 200, 5, 300);
    read_window(fixture, 200, 300, 6, 300);
    assert_rows(fixture, look, "100-200 read 1 5+0, 200-300 read 1 6+0");
}

static void what_sticks_out_of_a_reading_is_trimmed_and_kept(void **state)
{
    struct fixture *fixture = *state;
    read_window(fixture, 100, 200, 10, 300);
    read_window(fixture, 300, 400, 20, 500);
    read_window(fixture, 150, 350, 33, 600);
    assert_rows(fixture, look, "100-150 read 1 5+0, 150-350 read 2 33+0, 350-400 read 1 10+0");
    assert_rows(fixture, "SELECT group_concat(read_at) FROM coverage_span", "300,600,500");
}

static void a_reading_inside_a_span_cuts_it_in_three(void **state)
{
    struct fixture *fixture = *state;
    read_window(fixture, 0, 1000, 100, 2000);
    read_window(fixture, 400, 500, 10, 3000);
    assert_rows(fixture, look, "0-400 read 1 40+0, 400-500 read 2 10+0, 500-1000 read 1 50+0");
}

static void a_begun_window_opens_only_what_is_not_covered(void **state)
{
    struct fixture *fixture = *state;
    read_window(fixture, 100, 200, 1, 300);
    lose(fixture, 300, 400);
    begin_window(fixture, 50, 450);
    assert_rows(fixture, look,
                "50-100 open 0 0+0, 100-200 read 1 1+0, 200-300 open 0 0+0, 300-400 lost 0 0+0, 400-450 open 0 0+0");
    begin_window(fixture, 50, 450); /* its next page changes nothing */
    assert_rows(fixture, "SELECT count(*) FROM coverage_span", "5");
    read_window(fixture, 50, 450, 9, 500); /* lost time that was read after all is read */
    assert_rows(fixture, look, "50-450 read 2 9+0");
}

static void a_window_begun_and_then_read_in_halves_is_read(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    struct store_cursor cursor;
    begin_window(fixture, 0, 100);
    read_window(fixture, 0, 50, 1, 200);
    assert_rows(fixture, look, "0-50 read 1 1+0, 50-100 open 0 0+0");
    assert_false(store_cursor_read(fixture->store, fixture->customer, "sign-ins", "", &cursor, &error));
    read_window(fixture, 50, 100, 1, 200);
    assert_rows(fixture, look, "0-50 read 1 1+0, 50-100 read 1 1+0");
}

static void a_cursor_into_other_time_survives_a_reading(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    struct store_cursor cursor;
    begin_window(fixture, 500, 600);
    read_window(fixture, 0, 100, 1, 700);
    assert_true(store_cursor_read(fixture->store, fixture->customer, "sign-ins", "", &cursor, &error));
    assert_int_equal(cursor.window.from, 500);
    store_cursor_clear(&cursor);
}

static void lost_time_leaves_covered_time_alone_and_takes_what_was_only_begun(void **state)
{
    struct fixture *fixture = *state;
    read_window(fixture, 100, 200, 1, 300);
    begin_window(fixture, 200, 300);
    lose(fixture, 50, 250);
    assert_rows(fixture, look, "50-100 lost 0 0+0, 100-200 read 1 1+0, 200-250 lost 0 0+0, 250-300 open 0 0+0");
    lose(fixture, 50, 250);
    assert_rows(fixture, "SELECT count(*) FROM coverage_span", "4");
    lose(fixture, 80, 80); /* nothing */
    assert_rows(fixture, "SELECT count(*) FROM coverage_span", "4");
}

static void time_is_settled_once_it_was_read_long_enough_past_it_and_spans_are_cut_there(void **state)
{
    struct fixture *fixture = *state;
    read_window(fixture, 0, 100, 10, 160);
    read_window(fixture, 200, 300, 1, 400);
    begin_window(fixture, 400, 500);
    settle(fixture, 100);
    assert_rows(fixture, look, "0-60 settled 1 6+0, 60-100 read 1 4+0, 200-300 settled 1 1+0, 400-500 open 0 0+0");
}

static void what_is_not_kept_is_settled_however_short_ago_it_was_read(void **state)
{
    struct fixture *fixture = *state;
    read_window(fixture, 0, 100, 10, 110);
    read_window(fixture, 100, 200, 10, 210);
    lose(fixture, 200, 300);
    settle_kept(fixture, 1000, 150);
    assert_rows(fixture, look, "0-150 settled 1 15+0, 150-200 read 1 5+0, 200-300 lost 0 0+0");
    settle_kept(fixture, 1000, 150); /* there is no more to say */
    assert_rows(fixture, look, "0-150 settled 1 15+0, 150-200 read 1 5+0, 200-300 lost 0 0+0");
}

static void what_was_left_open_is_cut_where_retention_begins(void **state)
{
    struct fixture *fixture = *state;
    begin_window(fixture, 0, 100);
    read_window(fixture, 100, 200, 1, 250);
    begin_window(fixture, 200, 300);
    settle_kept(fixture, 1000, 50);
    assert_rows(fixture, look, "50-100 open 0 0+0, 100-200 read 1 1+0, 200-300 open 0 0+0");
    settle_kept(fixture, 1000, 250);
    assert_rows(fixture, look, "100-200 settled 1 1+0, 250-300 open 0 0+0");
    settle_kept(fixture, 1000, 300);
    assert_rows(fixture, look, "100-200 settled 1 1+0");
}

static void settled_neighbours_are_joined_and_lost_ones_too(void **state)
{
    struct fixture *fixture = *state;
    read_window(fixture, 0, 100, 1, 500);
    read_window(fixture, 0, 100, 2, 900);
    read_window(fixture, 100, 200, 3, 600);
    read_window(fixture, 200, 300, 4, 250);
    lose(fixture, 300, 400);
    lose(fixture, 400, 500);
    settle(fixture, 100);
    assert_rows(fixture, look, "0-200 settled 1 5+0, 200-300 read 1 4+0, 300-500 lost 0 0+0");
    assert_rows(fixture, "SELECT read_at FROM coverage_span WHERE state = 'settled'", "600");
    read_window(fixture, 50, 150, 9, 1000); /* a late sweep opens settled time again, and nothing is forgotten */
    assert_rows(fixture, look,
                "0-50 settled 1 1+0, 50-150 read 2 9+0, 150-200 settled 1 1+0, 200-300 read 1 4+0, 300-500 lost 0 0+0");
}

static void the_rows_come_by_time_with_all_they_hold(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    read_window(fixture, 300, 400, 7, 500);
    lose(fixture, 100, 200);
    g_autoptr(GArray) rows = store_coverage_read(fixture->store, fixture->customer, "sign-ins", "", &error);
    assert_non_null(rows);
    assert_int_equal(rows->len, 2);
    const struct store_coverage *lost = &g_array_index(rows, struct store_coverage, 0), *read = lost + 1;
    assert_true(lost->from == 100 && lost->to == 200 && lost->state == STORE_COVERAGE_LOST && lost->read_at == AT);
    assert_true(read->from == 300 && read->to == 400 && read->state == STORE_COVERAGE_READ && read->read_at == 500 &&
                read->reads == 1 && read->records == 7 && read->late_records == 0);
    g_autoptr(GArray) none = store_coverage_read(fixture->store, fixture->customer, "users", "", &error);
    assert_int_equal(none->len, 0);
}

static void an_empty_or_reversed_window_is_refused(void **state)
{
    static const int64_t windows[][2] = {{100, 100}, {100, 50}};
    struct fixture *fixture = *state;
    for (size_t i = 0; i < G_N_ELEMENTS(windows); i++) {
        GError *error = NULL;
        struct store_page *page = page_new(fixture->customer, windows[i][0], windows[i][1]), *pages[] = {page};
        assert_refused(store_commit_pages(fixture->store, pages, 1, &error), &error, STORE_ERROR_FAILED, "CHECK");
        page_free(page);
    }
    assert_rows(fixture, "SELECT count(*) FROM coverage_span", "0");
}

/* --- against a model: a letter for each second
 * ---------------------------------------------------------------------------- */

enum { SECONDS = 60 };

static void model_step(char *model, int action, int64_t from, int64_t to)
{
    for (int64_t s = from; s < to; s++) {
        if (action == 0)
            model[s] = 'r';
        else if (action == 1 && model[s] == '.')
            model[s] = 'o';
        else if (action == 2 && (model[s] == '.' || model[s] == 'o'))
            model[s] = 'l';
    }
}

/* The letters of the spans; fails when two overlap. */
static void letters_of(struct fixture *fixture, char *letters)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GArray) rows = store_coverage_read(fixture->store, fixture->customer, "sign-ins", "", &error);
    memset(letters, '.', SECONDS);
    letters[SECONDS] = '\0';
    for (guint i = 0; i < rows->len; i++) {
        const struct store_coverage *row = &g_array_index(rows, struct store_coverage, i);
        for (int64_t s = row->from; s < row->to; s++) {
            assert_int_equal(letters[s], '.');
            letters[s] = "orsl"[row->state];
        }
    }
}

static void any_sequence_of_readings_agrees_with_a_second_by_second_model(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GRand) dice = g_rand_new_with_seed(2026);
    char model[SECONDS + 1], letters[SECONDS + 1];
    memset(model, '.', SECONDS);
    model[SECONDS] = '\0';
    for (int i = 0; i < 400; i++) {
        int from = g_rand_int_range(dice, 0, SECONDS - 1), to = g_rand_int_range(dice, from + 1, SECONDS + 1);
        int action = g_rand_int_range(dice, 0, 4);
        if (action == 0)
            read_window(fixture, from, to, 100, AT);
        else if (action == 1)
            begin_window(fixture, from, to);
        else if (action == 2)
            lose(fixture, from, to);
        else if (i % 3 == 0)
            settle(fixture, AT); /* too early for any: only joins */
        model_step(model, action, from, to);
        letters_of(fixture, letters);
        assert_string_equal(letters, model);
        if (i % 50 == 49) {
            execute(fixture, "DELETE FROM coverage_span");
            memset(model, '.', SECONDS);
        }
    }
}

#define WRITES(test) cmocka_unit_test_setup_teardown(test, setup_store, teardown_verified)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WRITES(a_window_read_again_counts_its_readings),
        WRITES(neighbours_stay_apart),
        WRITES(what_sticks_out_of_a_reading_is_trimmed_and_kept),
        WRITES(a_reading_inside_a_span_cuts_it_in_three),
        WRITES(a_begun_window_opens_only_what_is_not_covered),
        WRITES(a_window_begun_and_then_read_in_halves_is_read),
        WRITES(a_cursor_into_other_time_survives_a_reading),
        WRITES(lost_time_leaves_covered_time_alone_and_takes_what_was_only_begun),
        WRITES(time_is_settled_once_it_was_read_long_enough_past_it_and_spans_are_cut_there),
        WRITES(what_is_not_kept_is_settled_however_short_ago_it_was_read),
        WRITES(what_was_left_open_is_cut_where_retention_begins),
        WRITES(settled_neighbours_are_joined_and_lost_ones_too),
        WRITES(the_rows_come_by_time_with_all_they_hold),
        WRITES(an_empty_or_reversed_window_is_refused),
        WRITES(any_sequence_of_readings_agrees_with_a_second_by_second_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
