/* The write-ahead log beside those who read for long, and waiting for those who hold a lock. Others are processes of
 * their own: this program, run again. */
#include "store/store_private.h"

#include "health_fixture.h"

#include <sys/wait.h>

enum { GOAL = 256 * 1024, MOST = 1024 * 1024, WAIT_US = 3000 };

/* --- another process -------------------------------------------------------------------------------------------------
 */

struct other {
    GPid pid;
    int input, output; /* ends with its input; says a line when it holds what it is to hold */
};

/* The other process: a reader, a writer, or one that maintains and writes. */
static int hold(const char *what, const char *path)
{
    g_autoptr(StoreLock) lock =
        g_str_equal(what, "maintain") ? store_lock_take(path, STORE_LOCK_MAINTENANCE, NULL) : NULL;
    if (!lock && g_str_equal(what, "maintain"))
        return 1;
    const char *sql = g_str_equal(what, "read") ? "BEGIN; SELECT count(*) FROM event" : "BEGIN IMMEDIATE";
    sqlite3 *db = NULL;
    char byte;
    if (sqlite3_open(path, &db) != SQLITE_OK || sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        return 1;
    if (write(STDOUT_FILENO, "\n", 1) != 1)
        return 1;
    while (read(STDIN_FILENO, &byte, 1) > 0)
        continue;
    sqlite3_close(db);
    return 0;
}

static struct other start(const struct fixture *fixture, const char *what)
{
    g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
    char *arguments[] = {self, (char *)what, fixture->path, NULL}, byte;
    struct other other;
    assert_true(g_spawn_async_with_pipes(NULL, arguments, NULL, G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, &other.pid,
                                         &other.input, &other.output, NULL, NULL));
    assert_int_equal(read(other.output, &byte, 1), 1);
    return other;
}

static void end(struct other *other)
{
    int status = 0;
    close(other->input);
    assert_int_equal(waitpid(other->pid, &status, 0), other->pid);
    assert_int_equal(status, 0);
    close(other->output);
    *other = (struct other){0};
}

/* --- what the tests share --------------------------------------------------------------------------------------------
 */

static int setup_small(void **state)
{
    if (setup_store(state) != 0)
        return -1;
    struct fixture *fixture = *state;
    fixture->store->wal.goal = GOAL;
    fixture->store->wal.most = MOST;
    fixture->store->wal.wait_us = WAIT_US;
    return 0;
}

/* A transaction of a few pages. */
static bool commit_some(struct fixture *fixture, int n, GError **error)
{
    enum { EVENTS = 20 };
    struct store_page *page = page_new(fixture->customer, n * EVENTS, (n + 1) * EVENTS), *pages[] = {page};
    g_autoptr(GPtrArray) bodies = g_ptr_array_new_with_free_func(g_free);
    for (int i = n * EVENTS; i < (n + 1) * EVENTS; i++) {
        g_autofree char *id = g_strdup_printf("%d", i);
        g_ptr_array_add(bodies, raw_of(id, "something"));
        page_add(page, document_of(id, "2026-11-25T08:00:00Z", bodies->pdata[bodies->len - 1], id));
    }
    bool done = store_commit_pages(fixture->store, pages, 1, error);
    page_free(page);
    return done;
}

/* Commits until that is refused; tells how many times it was not. */
static int commit_until_refused(struct fixture *fixture, GError **error)
{
    enum { MANY = 200 };
    int n = 0;
    while (n < MANY && commit_some(fixture, n, error))
        n++;
    assert_in_range(n, 1, MANY - 1);
    return n;
}

/* What a watch does when it is asked so often. */
struct asked {
    int calls, act_at;
    struct other *other; /* ends; NULL: nobody */
    struct store *store; /* is interrupted; NULL: none */
    bool stops;
    const char *doing;
};

static bool ask(const char *doing, int64_t done, int64_t of, void *user)
{
    struct asked *asked = user;
    assert_true(done >= 0 && of == 0);
    asked->doing = doing;
    if (++asked->calls != asked->act_at)
        return true;
    if (asked->other)
        end(asked->other);
    if (asked->store)
        store_interrupt(asked->store);
    return !asked->stops;
}

/* --- the log ---------------------------------------------------------------------------------------------------------
 */

static void beside_a_reader_the_log_grows_to_its_bound_and_the_refusal_names_the_reader(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    struct other reader = start(fixture, "read");
    g_autofree char *name = g_strdup_printf("process %d (store_wal)", (int)reader.pid);
    int n = commit_until_refused(fixture, &error);
    assert_refused(false, &error, STORE_ERROR_LOG, name);
    assert_in_range(wal_bytes(fixture->store), MOST, 2 * MOST);

    assert_false(commit_some(fixture, n, &error)); /* and so it stays */
    assert_refused(false, &error, STORE_ERROR_LOG, "nothing was changed");
    end(&reader);
    g_autofree char *expected = g_strdup_printf("%d", 20 * n);
    assert_rows(fixture, "SELECT count(*) FROM events", expected);
    bool done = commit_some(fixture, n, &error);
    assert_ok(done, error);
    for (int i = 0; i < 10; i++) {
        done = commit_some(fixture, n + 1 + i, &error);
        assert_ok(done, error);
    }
    assert_true(wal_bytes(fixture->store) < 2 * MOST); /* it began anew */
}

static void a_reader_of_our_own_is_named_as_such(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    sqlite3 *reader = NULL;
    assert_int_equal(sqlite3_open(fixture->path, &reader), SQLITE_OK);
    assert_int_equal(sqlite3_exec(reader, "BEGIN; SELECT count(*) FROM event", NULL, NULL, NULL), SQLITE_OK);
    commit_until_refused(fixture, &error);
    assert_refused(false, &error, STORE_ERROR_LOG, "this process");
    sqlite3_close(reader);
}

static void health_is_written_however_large_the_log_is(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    struct other reader = start(fixture, "read");
    commit_until_refused(fixture, &error);
    scan_at(fixture, AT, "Exchange=serviceOperational");
    bool noted =
        store_collection_note(fixture->store, fixture->customer, "sign-ins", AT, STORE_OUTCOME_FAILED, "log", NULL);
    assert_true(noted);
    end(&reader);
    assert_rows(fixture, "SELECT count(*) FROM health_scan", "1");
}

static void without_readers_the_log_stays_near_its_goal(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    for (int n = 0; n < 40; n++) {
        bool done = commit_some(fixture, n, &error);
        assert_ok(done, error);
        assert_true(wal_bytes(fixture->store) < 3 * GOAL);
    }
}

static void a_reader_who_ends_meanwhile_is_waited_for(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    struct other reader = start(fixture, "read");
    int n = commit_until_refused(fixture, &error);
    g_clear_error(&error);
    struct asked asked = {.act_at = 2, .other = &reader};
    const struct store_watch watch = {ask, &asked};
    store_set_watch(fixture->store, &watch);
    fixture->store->wal.wait_us = 60 * G_TIME_SPAN_SECOND;
    bool done = commit_some(fixture, n, &error);
    assert_ok(done, error);
    assert_string_equal(asked.doing, "waiting for a reader of the database");
    assert_int_equal(asked.calls, 2);
}

static void the_wait_for_a_reader_can_be_ended(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    struct other reader = start(fixture, "read");
    int n = commit_until_refused(fixture, &error);
    g_clear_error(&error);
    struct asked stopping = {.act_at = 1, .stops = true}, interrupting = {.act_at = 1, .store = fixture->store};
    const struct store_watch stop = {ask, &stopping}, interrupt = {ask, &interrupting};
    fixture->store->wal.wait_us = 60 * G_TIME_SPAN_SECOND;
    store_set_watch(fixture->store, &stop);
    bool done = commit_some(fixture, n, &error);
    assert_refused(done, &error, STORE_ERROR_STOPPED, "nothing was changed");
    store_set_watch(fixture->store, &interrupt);
    done = commit_some(fixture, n, &error);
    assert_refused(done, &error, STORE_ERROR_LIMIT, "nothing was changed");
    end(&reader);
    done = commit_some(fixture, n, &error); /* an interruption concerns what was under way alone */
    assert_ok(done, error);
}

/* --- locks -----------------------------------------------------------------------------------------------------------
 */

static void a_lock_that_another_program_keeps_is_given_up(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    struct other writer = start(fixture, "write");
    fixture->store->wait.busy_us = 3000;
    bool done = commit_some(fixture, 0, &error);
    assert_refused(done, &error, STORE_ERROR_BUSY, "another program has held the lock");
    end(&writer);
    done = commit_some(fixture, 0, &error);
    assert_ok(done, error);
}

static void a_lock_that_comes_free_is_taken(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    struct other writer = start(fixture, "write");
    struct asked asked = {.act_at = 1, .other = &writer};
    const struct store_watch watch = {ask, &asked};
    store_set_watch(fixture->store, &watch);
    bool done = commit_some(fixture, 0, &error);
    assert_ok(done, error);
    assert_string_equal(asked.doing, "waiting for the lock on the database");
}

static void the_wait_for_a_lock_can_be_ended(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    struct other writer = start(fixture, "write");
    struct asked stopping = {.act_at = 1, .stops = true}, interrupting = {.act_at = 1, .store = fixture->store};
    const struct store_watch stop = {ask, &stopping}, interrupt = {ask, &interrupting};
    store_set_watch(fixture->store, &stop);
    bool done = commit_some(fixture, 0, &error);
    assert_refused(done, &error, STORE_ERROR_STOPPED, "nothing was changed");
    store_set_watch(fixture->store, &interrupt);
    done = commit_some(fixture, 0, &error);
    assert_refused(done, &error, STORE_ERROR_LIMIT, "");
    end(&writer);
    done = commit_some(fixture, 0, &error);
    assert_ok(done, error);
}

/* The watch is asked every 50 ms: at the tenth time the patience for others would have run out long ago. */
static void maintenance_by_another_process_is_waited_for_as_long_as_it_takes(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    struct other maintainer = start(fixture, "maintain");
    struct asked asked = {.act_at = 10, .other = &maintainer};
    const struct store_watch watch = {ask, &asked};
    store_set_watch(fixture->store, &watch);
    fixture->store->wait.busy_us = 350000;
    bool done = commit_some(fixture, 0, &error);
    assert_ok(done, error);
    assert_int_equal(asked.calls, 10);
}

static void maintenance_of_ones_own_gives_no_patience(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    g_autoptr(StoreLock) lock = store_lock_take(fixture->path, STORE_LOCK_MAINTENANCE, &error);
    assert_ok(lock != NULL, error);
    struct other writer = start(fixture, "write");
    fixture->store->wait.busy_us = 350000;
    bool done = commit_some(fixture, 0, &error);
    assert_refused(done, &error, STORE_ERROR_BUSY, "held the lock");
    end(&writer);
}

/* --- who holds what --------------------------------------------------------------------------------------------------
 */

static void who_reads_and_who_writes_is_told_apart(void **state)
{
    struct fixture *fixture = *state;
    struct other reader = start(fixture, "read"), second = start(fixture, "read"), writer = start(fixture, "write");
    g_autofree char *one = g_strdup_printf("process %d (store_wal)", (int)reader.pid);
    g_autofree char *two = g_strdup_printf("process %d (store_wal)", (int)second.pid);
    g_autofree char *three = g_strdup_printf("process %d (store_wal)", (int)writer.pid);
    g_autofree char *reading = holders_name(fixture->path, HOLDERS_READING);
    g_autofree char *writing = holders_name(fixture->path, HOLDERS_WRITING);
    g_autofree char *open = holders_name(fixture->path, HOLDERS_OPEN);
    assert_non_null(strstr(reading, one));
    assert_non_null(strstr(reading, two));
    assert_string_equal(writing, three);
    assert_non_null(strstr(open, "this process"));
    end(&writer);
    end(&second);
    end(&reader);
    assert_null(holders_name(fixture->path, HOLDERS_WRITING));
    assert_null(holders_name("/nowhere/keep.db", HOLDERS_OPEN));
}

#define SMALL(test) cmocka_unit_test_setup_teardown(test, setup_small, teardown_verified)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        SMALL(beside_a_reader_the_log_grows_to_its_bound_and_the_refusal_names_the_reader),
        SMALL(a_reader_of_our_own_is_named_as_such),
        SMALL(health_is_written_however_large_the_log_is),
        SMALL(without_readers_the_log_stays_near_its_goal),
        SMALL(a_reader_who_ends_meanwhile_is_waited_for),
        SMALL(the_wait_for_a_reader_can_be_ended),
        SMALL(a_lock_that_another_program_keeps_is_given_up),
        SMALL(a_lock_that_comes_free_is_taken),
        SMALL(the_wait_for_a_lock_can_be_ended),
        SMALL(maintenance_by_another_process_is_waited_for_as_long_as_it_takes),
        SMALL(maintenance_of_ones_own_gives_no_patience),
        SMALL(who_reads_and_who_writes_is_told_apart),
    };
    if (argc == 3)
        return hold(argv[1], argv[2]);
    return cmocka_run_group_tests_name("store: wal", tests, NULL, NULL);
}
