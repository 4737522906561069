/* The writer thread, with a real store: order, bounds, and what happens after a commit that fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <glib/gstdio.h>
#include <signal.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/base.h"
#include "collect/writer.h"

static const int64_t now = 1800000000;
static const char tenant[] = "11111111-2222-4333-8444-555555555555";
static const struct clock standing = {.simulated = true, .simulated_epoch_s = 1800000000};
enum { HOUR_S = 3600, MIB = 1024 * 1024, DOCUMENTS = 3 };

/* --- a database, a client to wake, a writer ------------------------------------------------------------------------
 */

struct desk {
    char *folder, *path;
    int64_t customer_id;
    struct client *client;
    struct writer *writer;
};

static int open_desk(void **state)
{
    struct desk *desk = g_new0(struct desk, 1);
    const struct client_options options = {.clock = &standing, .wake_fd = -1};

    desk->folder = g_dir_make_tmp("m365keep-writer-XXXXXX", NULL);
    desk->path = g_build_filename(desk->folder, "keep.db", NULL);
    g_autoptr(Store) store = store_open(desk->path, STORE_CREATE, NULL);
    desk->customer_id = store ? store_customer(store, "contoso", tenant, NULL) : 0;
    desk->client = client_new(&options, NULL);
    desk->writer = writer_new(desk->path, desk->client, NULL);
    *state = desk;
    return desk->customer_id && desk->client && desk->writer ? 0 : -1;
}

static int close_desk(void **state)
{
    struct desk *desk = *state;
    static const char *const suffixes[] = {"", "-wal", "-shm"};

    writer_free(desk->writer);
    client_free(desk->client);
    for (size_t i = 0; i < G_N_ELEMENTS(suffixes); i++) {
        g_autofree char *file = g_strconcat(desk->path, suffixes[i], NULL);
        g_unlink(file);
    }
    int left = g_rmdir(desk->folder);
    g_free(desk->folder);
    g_free(desk->path);
    g_free(desk);
    return left;
}

/* --- pages ---------------------------------------------------------------------------------------------------------
 */

/* A body of about `bytes`, whose one record is its padding. */
static struct json_page *make_body(size_t bytes)
{
    struct json_page *body = json_page_new(false, 64 * MIB);
    g_autofree char *padding = g_strnfill(bytes, 'x');
    g_autofree char *text = g_strdup_printf("{\"value\":[{\"padding\":\"%s\"}]}", padding);

    assert_true(json_page_feed(body, text, strlen(text), NULL));
    assert_true(json_page_finish(body, NULL));
    return body;
}

static struct document *make_document(const char *id, int64_t time_s, struct json_slice raw)
{
    struct document *document = document_new();

    document->id = g_strdup(id);
    document->dedupe_key = g_strdup(id);
    document->time_s = time_s;
    document->timestamp = timestamp_format_seconds(time_s);
    document->text = g_strdup(id);
    document->raw = raw.bytes;
    document->raw_length = raw.length;
    document_seal(document, tenant, "sign-ins");
    return document;
}

/* Page `number`: a window of its own of an hour, with DOCUMENTS documents in it. */
static struct writer_page *make_page(const struct desk *desk, int number, size_t bytes)
{
    struct writer_page *page = writer_page_new();
    int64_t from = now + number * HOUR_S;

    page->body = make_body(bytes);
    page->user = GINT_TO_POINTER(number);
    page->page.customer_id = desk->customer_id;
    page->page.source = "sign-ins";
    page->page.part = "";
    page->page.window = (struct store_window){from, from + HOUR_S};
    page->page.window_records = DOCUMENTS;
    page->page.received_at = now;
    for (int i = 0; i < DOCUMENTS; i++) {
        g_autofree char *id = g_strdup_printf("%d-%d", number, i);
        g_ptr_array_add(page->page.documents, make_document(id, from + i, json_page_record(page->body, 0)));
    }
    return page;
}

/* --- looking -------------------------------------------------------------------------------------------------------
 */

/* Runs SQL on a connection of its own; returns the first column of the last row. */
static int64_t sql(const struct desk *desk, const char *text)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    int64_t value = 0;

    assert_int_equal(sqlite3_open(desk->path, &db), SQLITE_OK);
    sqlite3_busy_timeout(db, 10000);
    assert_int_equal(sqlite3_prepare_v2(db, text, -1, &statement, NULL), SQLITE_OK);
    int step;
    while ((step = sqlite3_step(statement)) == SQLITE_ROW)
        value = sqlite3_column_int64(statement, 0);
    assert_int_equal(step, SQLITE_DONE);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return value;
}

/* Takes back what is committed until nothing is pending; returns how many pages came, in order from `first` on. */
static int take_all(const struct desk *desk, int first)
{
    int taken = 0;

    while (writer_pending(desk->writer)) {
        struct writer_page *page = writer_take_done(desk->writer);
        if (!page) {
            client_step(desk->client, 1000); /* returns when the writer wakes it */
            continue;
        }
        assert_int_equal(GPOINTER_TO_INT(page->user), first + taken);
        assert_int_equal(page->page.counts.inserted, DOCUMENTS);
        writer_page_free(page);
        taken++;
    }
    return taken;
}

/* --- tests ---------------------------------------------------------------------------------------------------------
 */

static void pages_come_back_in_the_order_they_were_pushed_with_their_counts(void **state)
{
    struct desk *desk = *state;
    enum { PAGES = 100 };

    for (int i = 0; i < PAGES; i++)
        writer_push(desk->writer, make_page(desk, i, 100));
    assert_int_equal(take_all(desk, 0), PAGES);
    assert_null(writer_error(desk->writer));
    assert_null(writer_take_done(desk->writer));
    assert_int_equal(sql(desk, "SELECT count(*) FROM event"), PAGES * DOCUMENTS);
    assert_int_equal(sql(desk, "SELECT count(*) FROM coverage_span WHERE state = 'read'"), PAGES);
    /* Stored in the order delivered: the later the window, the later the change. */
    assert_int_equal(
        sql(desk, "SELECT count(*) FROM event AS a JOIN event AS b ON a.event_id < b.event_id AND a.seq > b.seq"), 0);
}

static void the_queue_is_bounded_in_bytes_and_has_room_again_when_it_is_written(void **state)
{
    struct desk *desk = *state;
    sqlite3 *other = NULL;
    int pushed = 0;

    assert_true(writer_has_room(desk->writer));
    /* While another program holds the lock, the writer waits for it, with one batch in hand at most. */
    assert_int_equal(sqlite3_open(desk->path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    while (writer_has_room(desk->writer) && pushed < 100)
        writer_push(desk->writer, make_page(desk, pushed++, MIB / 2));
    assert_in_range(pushed, 2, 32);
    assert_int_equal(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(other);
    assert_int_equal(take_all(desk, 0), pushed);
    assert_true(writer_has_room(desk->writer));
    assert_int_equal(sql(desk, "SELECT count(*) FROM event"), pushed * DOCUMENTS);
}

static void a_page_larger_than_any_bound_is_written_all_the_same(void **state)
{
    struct desk *desk = *state;

    writer_push(desk->writer, make_page(desk, 0, 100));
    writer_push(desk->writer, make_page(desk, 1, 12 * MIB));
    writer_push(desk->writer, make_page(desk, 2, 100));
    assert_int_equal(take_all(desk, 0), 3);
    assert_int_equal(sql(desk, "SELECT max(length(raw)) FROM event"), 12 * MIB + (int)strlen("{\"padding\":\"\"}"));
}

static void freeing_it_commits_what_was_pushed(void **state)
{
    struct desk *desk = *state;
    enum { PAGES = 20 };

    for (int i = 0; i < PAGES; i++)
        writer_push(desk->writer, make_page(desk, i, 100));
    g_clear_pointer(&desk->writer, writer_free);
    assert_int_equal(sql(desk, "SELECT count(*) FROM event"), PAGES * DOCUMENTS);
}

static void after_a_commit_that_failed_no_later_page_is_written_q118(void **state)
{
    struct desk *desk = *state;

    writer_push(desk->writer, make_page(desk, 0, 100));
    assert_int_equal(take_all(desk, 0), 1);
    sql(desk, "ALTER TABLE coverage_span RENAME TO elsewhere");
    writer_push(desk->writer, make_page(desk, 1, 100));
    writer_push(desk->writer, make_page(desk, 2, 100));
    assert_int_equal(take_all(desk, 1), 0);
    assert_non_null(writer_error(desk->writer));
    assert_int_equal(writer_error(desk->writer)->domain, STORE_ERROR);

    /* It would be possible again, but page 1 is lost to this run: the cursor must not get past it. */
    sql(desk, "ALTER TABLE elsewhere RENAME TO coverage_span");
    writer_push(desk->writer, make_page(desk, 3, 100));
    assert_int_equal(take_all(desk, 3), 0);
    assert_int_equal(sql(desk, "SELECT count(*) FROM event"), DOCUMENTS);
    assert_int_equal(sql(desk, "SELECT count(*) FROM coverage_span"), 1);
    assert_int_equal(sql(desk, "SELECT count(*) FROM event_fts"), DOCUMENTS);
}

static int64_t file_size(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 ? (int64_t)status.st_size : 0;
}

static void when_the_disk_is_full_what_was_committed_before_stays_and_nothing_later_comes_q118(void **state)
{
    struct desk *desk = *state;
    struct rlimit before, small;
    int pushed = 0;

    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = (rlim_t)file_size(desk->path) + 6 * MIB;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    int committed = 0;
    while (!writer_error(desk->writer) && pushed < 100) {
        writer_push(desk->writer, make_page(desk, pushed++, MIB / 4));
        committed += take_all(desk, committed);
    }
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);

    assert_non_null(writer_error(desk->writer));
    assert_int_equal(committed, pushed - 1);
    writer_push(desk->writer, make_page(desk, pushed, 100)); /* there is room again, for a new writer */
    assert_int_equal(take_all(desk, pushed), 0);
    assert_int_equal(sql(desk, "SELECT count(*) FROM event"), committed * DOCUMENTS);
    assert_int_equal(sql(desk, "SELECT count(*) FROM coverage_span"), committed);

    writer_free(desk->writer);
    desk->writer = writer_new(desk->path, desk->client, NULL);
    writer_push(desk->writer, make_page(desk, pushed, 100));
    assert_int_equal(take_all(desk, pushed), 1);
}

static void there_is_no_writer_without_a_database(void **state)
{
    struct desk *desk = *state;
    g_autoptr(GError) error = NULL;
    g_autofree char *nowhere = g_build_filename(desk->folder, "nowhere.db", NULL);

    assert_null(writer_new(nowhere, desk->client, &error));
    assert_true(g_error_matches(error, STORE_ERROR, STORE_ERROR_NOT_FOUND));
    assert_false(g_file_test(nowhere, G_FILE_TEST_EXISTS));
    writer_free(NULL);
    writer_page_free(NULL);
}

/* --- service health ------------------------------------------------------------------------------------------------
 */

static void decode_title(enum store_health_kind kind, const char *raw, size_t length, struct health_document *document)
{
    (void)kind, (void)raw, (void)length;
    document->title = g_strdup("a title");
    document->text = g_strdup("a title");
}

/* What a scan saw of one service. */
static struct store_scan *make_scan(void)
{
    struct store_scan *scan = g_new0(struct store_scan, 1);

    scan->statuses = g_ptr_array_new_with_free_func((GDestroyNotify)health_status_free);
    scan->max_gap_s = HOUR_S;
    g_ptr_array_add(scan->statuses, health_status_new("Exchange", "serviceOperational"));
    return scan;
}

/* A page with one record of that kind. */
static struct writer_page *make_health_page(const struct desk *desk, enum store_health_kind kind)
{
    struct writer_page *page = writer_page_new();
    struct json_slice slice;

    page->body = make_body(MIB);
    page->page.customer_id = desk->customer_id;
    page->page.source = "health";
    page->page.part = "";
    page->page.received_at = now;
    page->page.health = page->health = store_health_new(kind);
    page->health->decode = decode_title;
    slice = json_page_record(page->body, 0);
    g_ptr_array_add(page->health->records, health_record_new("1", slice.bytes, slice.length));
    return page;
}

static void pages_of_health_are_committed_with_their_scan_and_their_bytes_given_back(void **state)
{
    struct desk *desk = *state;
    struct writer_page *page = make_health_page(desk, STORE_HEALTH_OVERVIEWS);
    int64_t inserted = 0;

    page->health->scan = make_scan();
    writer_push(desk->writer, page);
    writer_push(desk->writer, make_health_page(desk, STORE_HEALTH_ISSUES));
    while (writer_pending(desk->writer)) {
        page = writer_take_done(desk->writer);
        if (!page) {
            client_step(desk->client, 1000);
            continue;
        }
        assert_null(page->body);
        assert_int_equal(page->health->records->len, 0);
        inserted += page->page.counts.inserted;
        writer_page_free(page);
    }
    assert_null(writer_error(desk->writer));
    assert_int_equal(inserted, 2);
    assert_int_equal(sql(desk, "SELECT count(*) FROM health_scan WHERE ok = 1"), 1);
    assert_int_equal(sql(desk, "SELECT samples FROM service_states WHERE service = 'Exchange'"), 1);
    assert_int_equal(sql(desk, "SELECT count(*) FROM service_issues WHERE title = 'a title'"), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_desk, close_desk)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(pages_come_back_in_the_order_they_were_pushed_with_their_counts),
        TEST(the_queue_is_bounded_in_bytes_and_has_room_again_when_it_is_written),
        TEST(a_page_larger_than_any_bound_is_written_all_the_same),
        TEST(freeing_it_commits_what_was_pushed),
        TEST(after_a_commit_that_failed_no_later_page_is_written_q118),
        TEST(when_the_disk_is_full_what_was_committed_before_stays_and_nothing_later_comes_q118),
        TEST(there_is_no_writer_without_a_database),
        TEST(pages_of_health_are_committed_with_their_scan_and_their_bytes_given_back),
    };
    return cmocka_run_group_tests_name("writer", tests, NULL, NULL);
}
