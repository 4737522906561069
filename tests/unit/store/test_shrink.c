/* Giving space back: full text merged in steps, free pages, the log. */
#include "store/store_private.h"

#include "fixture.h"

#include <sys/stat.h>

#include "store/shrink.h"

/* --- what the tests share --------------------------------------------------------------------------------------------
 */

/* One transaction with so many sign-ins, of seconds from `at` on. */
static void add_events(struct fixture *fixture, int64_t at, int n)
{
    struct store_page *page = page_new(fixture->customer, at, at + n);
    g_autoptr(GPtrArray) bodies = g_ptr_array_new_with_free_func(g_free);
    for (int i = 0; i < n; i++) {
        g_autofree char *id = g_strdup_printf("%" G_GINT64_FORMAT, at + i), *text = g_strdup_printf("w%s common", id);
        char when[TIMESTAMP_TEXT_BYTES];
        timestamp_format((struct timestamp){at + i, 0}, when);
        g_ptr_array_add(bodies, raw_of(id, text));
        page_add(page, document_of(id, when, bodies->pdata[i], text));
    }
    commit(fixture, page);
    page_free(page);
}

/* Deletes events as retention does, with all that belongs to them. */
static void delete_events(const struct fixture *fixture, int64_t before)
{
    g_autofree char *sql = g_strdup_printf("DELETE FROM event_fts WHERE rowid < %" G_GINT64_FORMAT " << 20", before);
    execute(fixture, sql);
    g_free(sql);
    sql = g_strdup_printf("DELETE FROM event_key WHERE event_id < %" G_GINT64_FORMAT " << 20", before);
    execute(fixture, sql);
    g_free(sql);
    sql = g_strdup_printf("DELETE FROM event WHERE event_id < %" G_GINT64_FORMAT " << 20", before);
    execute(fixture, sql);
    execute(fixture, "UPDATE collection SET records = (SELECT count(*) FROM event)");
}

/* Segments of the index of events: its structure begins with a cookie, levels and segments. */
static int segments(const struct fixture *fixture)
{
    g_autofree char *hex = rows_in(fixture->path, "SELECT hex(substr(block, 5)) FROM event_fts_data WHERE id = 10");
    size_t at = 0;
    while (strchr("89ABCDEF", hex[at])) /* a longer number of levels */
        at += 2;
    return g_ascii_xdigit_value(hex[at + 2]) * 16 + g_ascii_xdigit_value(hex[at + 3]);
}

/* How often the watch was asked; it says stop at the call number `stop_at`. */
struct asked {
    int calls, stop_at;
    const char *doing;
};

static bool ask(const char *doing, int64_t done, int64_t of, void *user)
{
    struct asked *asked = user;
    (void)done;
    (void)of;
    asked->doing = doing;
    return ++asked->calls != asked->stop_at;
}

/* A reader of our own that holds on to one moment. */
static sqlite3 *begin_reading(const struct fixture *fixture)
{
    sqlite3 *reader = NULL;
    assert_int_equal(sqlite3_open(fixture->path, &reader), SQLITE_OK);
    assert_int_equal(sqlite3_exec(reader, "BEGIN; SELECT count(*) FROM event", NULL, NULL, NULL), SQLITE_OK);
    return reader;
}

/* --- full text -------------------------------------------------------------------------------------------------------
 */

static void merging_in_steps_ends_with_one_segment_and_all_that_was_to_be_found(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    for (int i = 0; i < 6; i++)
        add_events(fixture, AT - 1000 * (i + 1), 200);
    delete_events(fixture, AT - 5000);
    assert_true(segments(fixture) > 1);

    struct asked asked = {0};
    const struct store_watch watch = {ask, &asked};
    struct pace pace = {.watch = &watch};
    assert_ok(shrink_texts(fixture->store, &pace, &error), error);
    assert_int_equal(segments(fixture), 1);
    assert_true(pace.transactions > 4 && asked.calls > 1); /* in steps, and told of each */
    assert_string_equal(asked.doing, "merging the full text");
    assert_rows(fixture, "SELECT count(*) FROM event_fts WHERE event_fts MATCH 'common'", "1000");
    assert_rows(fixture, "SELECT value FROM counter WHERE name = 'text_deleted'", "0");
}

static void a_merge_that_was_stopped_is_gone_on_with(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    for (int i = 0; i < 6; i++)
        add_events(fixture, AT - 1000 * (i + 1), 200);
    struct asked asked = {.stop_at = 1};
    const struct store_watch watch = {ask, &asked};
    struct pace pace = {.watch = &watch};
    assert_refused(shrink_texts(fixture->store, &pace, &error), &error, STORE_ERROR_STOPPED, "merging the full text");
    assert_ok(store_verify(fixture->store, &error), error);
    add_events(fixture, AT, 10); /* a collector meanwhile */
    pace = (struct pace){0};
    assert_ok(shrink_texts(fixture->store, &pace, &error), error);
    assert_int_equal(segments(fixture), 1);
}

static void what_is_merged_already_is_not_written_again(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    struct store_optimized result;
    add_events(fixture, AT, 50);
    assert_ok(store_optimize(fixture->store, AT, NULL, &result, &error), error);
    assert_ok(store_optimize(fixture->store, AT, NULL, &result, &error), error);
    assert_int_equal(result.bytes_before, result.bytes_after);
    assert_int_equal(wal_bytes(fixture->store), 0);
}

/* FTS5 gives up an index of 2,000 levels, and each merge of all segments leaves two more behind. */
static void an_index_that_was_merged_for_years_is_built_anew_before_it_breaks(void **state)
{
    enum { DAYS = 752 };
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    sqlite3 *db = NULL;
    add_events(fixture, AT, 300);
    assert_int_equal(sqlite3_open(fixture->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA synchronous = OFF; BEGIN", NULL, NULL, NULL), SQLITE_OK);
    for (int day = 0; day < DAYS; day++)
        assert_int_equal(
            sqlite3_exec(db,
                         "UPDATE event_fts SET text = text WHERE rowid = (SELECT max(event_id) FROM event);"
                         "INSERT INTO event_fts (event_fts, rank) VALUES ('merge', -1000);",
                         NULL, NULL, NULL),
            SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    g_autofree char *worn = rows_in(fixture->path, "SELECT hex(substr(block, 5, 2)) FROM event_fts_data WHERE id = 10");
    assert_true(g_ascii_strtoull(worn, NULL, 16) >= 0x8b5c); /* 1,500 as a varint */

    struct pace pace = {0};
    assert_ok(shrink_texts(fixture->store, &pace, &error), error);
    assert_rows(fixture, "SELECT length(hex(block)) < 60 FROM event_fts_data WHERE id = 10", "1");
    assert_rows(fixture, "SELECT count(*) FROM event_fts WHERE event_fts MATCH 'common'", "300");
}

static void optimizing_is_due_when_a_tenth_was_deleted(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    bool due = true;
    assert_ok(store_optimize_due(fixture->store, &due, &error), error);
    assert_false(due); /* there is nothing */
    add_events(fixture, AT, 100);
    execute(fixture, "UPDATE counter SET value = 10 WHERE name = 'text_deleted'");
    assert_ok(store_optimize_due(fixture->store, &due, &error), error);
    assert_false(due);
    execute(fixture, "UPDATE counter SET value = 11 WHERE name = 'text_deleted'");
    assert_ok(store_optimize_due(fixture->store, &due, &error), error);
    assert_true(due);
    struct store_optimized result;
    assert_ok(store_optimize(fixture->store, AT, NULL, &result, &error), error);
    assert_ok(store_optimize_due(fixture->store, &due, &error), error);
    assert_false(due);
}

static void the_full_text_is_built_anew_from_the_text_it_keeps(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    add_events(fixture, AT, 100);
    execute(fixture, "DELETE FROM event_fts_data WHERE id > 10"); /* the index is lost */
    assert_refused(store_verify(fixture->store, &error), &error, STORE_ERROR_CORRUPT, "");
    assert_ok(store_rebuild_text(fixture->store, NULL, &error), error);
    assert_rows(fixture, "SELECT count(*) FROM event_fts WHERE event_fts MATCH 'common'", "100");
}

static void a_rebuild_may_be_stopped_and_changes_nothing_then(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    struct asked asked = {.stop_at = 1};
    const struct store_watch watch = {ask, &asked};
    add_events(fixture, AT, 100);
    assert_refused(store_rebuild_text(fixture->store, &watch, &error), &error, STORE_ERROR_STOPPED, "anew");
    assert_rows(fixture, "SELECT count(*) FROM event_fts WHERE event_fts MATCH 'common'", "100");
    asked.stop_at = 0;
    assert_ok(store_rebuild_text(fixture->store, &watch, &error), error);
    assert_rows(fixture, "SELECT count(*) FROM event_fts WHERE event_fts MATCH 'common'", "100");
}

/* --- the file --------------------------------------------------------------------------------------------------------
 */

static void free_pages_are_given_back_to_the_last_one(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    struct store_optimized result;
    struct stat before, after;
    add_events(fixture, AT - 5000, 4000);
    assert_ok(store_optimize(fixture->store, AT, NULL, &result, &error), error);
    assert_int_equal(stat(fixture->path, &before), 0);
    delete_events(fixture, AT - 1010);
    assert_ok(store_optimize(fixture->store, AT, NULL, &result, &error), error);
    assert_int_equal(stat(fixture->path, &after), 0);
    assert_rows(fixture, "PRAGMA freelist_count", "0");
    assert_true(after.st_size < before.st_size / 2 && !result.log_held);
    assert_int_equal(result.bytes_after, after.st_size);
    struct shrink_size size;
    assert_ok(shrink_size(fixture->store, &size, &error), error);
    assert_int_equal(size.file, after.st_size);
    assert_int_equal(size.used, after.st_size);
    assert_int_equal(size.free, 0);
    assert_int_equal(size.log, 0);
}

static void a_step_frees_as_many_pages_as_it_may_and_no_more(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    struct pace pace = {0};
    bool more = true;
    assert_ok(shrink_vacuum_step(fixture->store, &pace, 10, &more, &error), error);
    assert_false(more); /* none is free */
    assert_int_equal(pace.transactions, 0);
    add_events(fixture, AT - 5000, 3000);
    delete_events(fixture, AT - 2010);
    struct shrink_size before, after;
    assert_ok(shrink_size(fixture->store, &before, &error), error);
    assert_ok(shrink_vacuum_step(fixture->store, &pace, 3, &more, &error), error);
    assert_ok(shrink_size(fixture->store, &after, &error), error);
    assert_true(more);
    assert_int_equal(before.free - after.free, 3 * 16384);
    assert_int_equal(before.file - after.file, 3 * 16384);
    while (more)
        assert_ok(shrink_vacuum_step(fixture->store, &pace, 7, &more, &error), error);
    assert_ok(shrink_size(fixture->store, &after, &error), error);
    assert_int_equal(after.free, 0);
}

/* --- the log ---------------------------------------------------------------------------------------------------------
 */

static void a_reader_keeps_the_log_which_is_told_and_no_error(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    struct store_optimized result;
    add_events(fixture, AT, 100);
    sqlite3 *reader = begin_reading(fixture);
    add_events(fixture, AT + 1000, 100);
    fixture->store->wal.cut_us = 1000;
    assert_ok(store_optimize(fixture->store, AT, NULL, &result, &error), error);
    assert_true(result.log_held && wal_bytes(fixture->store) > 0);
    sqlite3_close(reader);
    assert_ok(store_optimize(fixture->store, AT, NULL, &result, &error), error);
    assert_false(result.log_held);
    assert_int_equal(wal_bytes(fixture->store), 0);
}

/* --- pace ------------------------------------------------------------------------------------------------------------
 */

static void transactions_grow_and_shrink_with_the_time_they_take(void **state)
{
    static const struct {
        int64_t held_us, units, expected;
    } cases[] = {{PACE_AIM_US, 100, 100},    {PACE_AIM_US / 2, 100, 100}, {PACE_AIM_US / 2 - 1, 100, 200},
                 {PACE_AIM_US + 1, 100, 75}, {3 * PACE_AIM_US, 100, 50},  {0, 900, 1000},
                 {100 * PACE_AIM_US, 11, 10}};
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        const struct pace pace = {.held_us = cases[i].held_us};
        assert_int_equal(pace_units(&pace, cases[i].units, 10, 1000), cases[i].expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(merging_in_steps_ends_with_one_segment_and_all_that_was_to_be_found,
                                        setup_store, teardown_verified),
        cmocka_unit_test_setup_teardown(a_merge_that_was_stopped_is_gone_on_with, setup_store, teardown_verified),
        cmocka_unit_test_setup_teardown(what_is_merged_already_is_not_written_again, setup_store, teardown_verified),
        cmocka_unit_test_setup_teardown(an_index_that_was_merged_for_years_is_built_anew_before_it_breaks, setup_store,
                                        teardown_verified),
        cmocka_unit_test_setup_teardown(optimizing_is_due_when_a_tenth_was_deleted, setup_store, teardown_verified),
        cmocka_unit_test_setup_teardown(the_full_text_is_built_anew_from_the_text_it_keeps, setup_store,
                                        teardown_verified),
        cmocka_unit_test_setup_teardown(a_rebuild_may_be_stopped_and_changes_nothing_then, setup_store,
                                        teardown_verified),
        cmocka_unit_test_setup_teardown(free_pages_are_given_back_to_the_last_one, setup_store, teardown_verified),
        cmocka_unit_test_setup_teardown(a_step_frees_as_many_pages_as_it_may_and_no_more, setup_store,
                                        teardown_verified),
        cmocka_unit_test_setup_teardown(a_reader_keeps_the_log_which_is_told_and_no_error, setup_store,
                                        teardown_verified),
        cmocka_unit_test(transactions_grow_and_shrink_with_the_time_they_take),
    };
    return cmocka_run_group_tests_name("store: shrink", tests, NULL, NULL);
}
