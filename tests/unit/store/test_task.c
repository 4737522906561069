/* What was done of maintenance, and when, as the view tells it. */
#include "fixture.h"

static const char tasks[] = "SELECT task, started_at, finished_at, outcome FROM maintenance_tasks ORDER BY task";

static void begin(struct fixture *fixture, const char *task, int64_t now)
{
    g_autoptr(GError) error = NULL;
    bool noted = store_task_begin(fixture->store, task, now, &error);
    assert_ok(noted, error);
}

static void end(struct fixture *fixture, const char *task, int64_t now, const char *outcome)
{
    g_autoptr(GError) error = NULL;
    bool noted = store_task_end(fixture->store, task, now, outcome, &error);
    assert_ok(noted, error);
}

static void what_begins_and_ends_is_told(void **state)
{
    struct fixture *fixture = *state;

    assert_rows(fixture, tasks, "");
    begin(fixture, "prune", AT);
    assert_rows(fixture, tasks, "prune|2026-11-26T08:00:00Z|NULL|NULL");
    end(fixture, "prune", AT + 60, "5 records and 0 other rows were deleted");
    assert_rows(fixture, tasks, "prune|NULL|2026-11-26T08:01:00Z|5 records and 0 other rows were deleted");
}

static void what_did_not_come_to_its_end_leaves_what_was_done_before(void **state)
{
    struct fixture *fixture = *state;

    end(fixture, "verify", AT, "nothing is wrong");
    begin(fixture, "verify", AT + 3600);
    begin(fixture, "verify", AT + 7200);
    assert_rows(fixture, tasks, "verify|2026-11-26T10:00:00Z|2026-11-26T08:00:00Z|nothing is wrong");
    end(fixture, "backup", AT, "copied");
    assert_rows(fixture, tasks,
                "backup|NULL|2026-11-26T08:00:00Z|copied\n"
                "verify|2026-11-26T10:00:00Z|2026-11-26T08:00:00Z|nothing is wrong");
}

static void a_task_keeps_its_place_and_its_version(void **state)
{
    struct fixture *fixture = *state;

    execute(fixture, "INSERT INTO maintenance (task, position, version) VALUES ('dedupe', 'events 7', '1')");
    begin(fixture, "dedupe", AT);
    end(fixture, "dedupe", AT, "done");
    assert_rows(fixture, "SELECT task, position, version FROM maintenance", "dedupe|events 7|1");
}

static void where_nothing_can_be_written_that_is_said(void **state)
{
    struct fixture *fixture = *state;
    GError *error = NULL;

    store_close(fixture->store);
    fixture->store = store_open(fixture->path, STORE_READ, NULL);
    bool noted = store_task_begin(fixture->store, "prune", AT, &error);
    assert_refused(noted, &error, STORE_ERROR_READ_ONLY, "task_begin");
    noted = store_task_end(fixture->store, "prune", AT, "done", &error);
    assert_refused(noted, &error, STORE_ERROR_READ_ONLY, "task_end");
    assert_rows(fixture, tasks, "");
}

#define OF_STORE(test) cmocka_unit_test_setup_teardown(test, setup_store, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        OF_STORE(what_begins_and_ends_is_told),
        OF_STORE(what_did_not_come_to_its_end_leaves_what_was_done_before),
        OF_STORE(a_task_keeps_its_place_and_its_version),
        OF_STORE(where_nothing_can_be_written_that_is_said),
    };
    return cmocka_run_group_tests_name("store task", tests, NULL, NULL);
}
