/* Writing pages: all or nothing, each record once, every body kept. Numbers in names are those of the list of quirks.
 */
#include "fixture.h"

#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include "store/store_private.h"

#define NOON "2026-11-25T12:00:00Z"

static struct document *simple(const char *id, const char *when, const char *raw)
{
    return document_of(id, when, raw, "some text");
}

static void assert_counts(struct store_counts counts, int64_t inserted, int64_t updated, int64_t duplicates,
                          int64_t unreadable)
{
    assert_int_equal(counts.inserted, inserted);
    assert_int_equal(counts.updated, updated);
    assert_int_equal(counts.duplicates, duplicates);
    assert_int_equal(counts.unreadable, unreadable);
}

/* --- new records
 * ------------------------------------------------------------------------------------------------------ */

static void a_record_is_stored_with_every_field_and_its_exact_bytes(void **state)
{
    struct fixture *fixture = *state;
    const char *raw = "{ \"id\" : \"a\",\t\"n\":9007199254740993, \"u\":\"\\u0000\\ud83d\", \"z\":1.0 }";
    struct document *document = document_of("a", "2026-11-25T12:00:00.1234567Z", raw, "summary\nleaf");
    assert_counts(commit_one(fixture, document, AT), 1, 0, 0, 0);
    assert_rows(
        fixture,
        "SELECT customer, tenant_id, source, id, timestamp, service, operation, result, actor_display, "
        "target_displays, display_summary, dedupe_key, raw_text, first_seen, changed_at FROM events",
        "contoso|" TENANT "|sign-ins|a|2026-11-25T12:00:00.1234567Z|SignIn|Azure Portal|success|ada@example.org|"
        "[\"Azure Portal\"]|ada@example.org signed in to Azure Portal|a|summary\nleaf|2026-11-26T08:00:00Z|NULL");
    assert_rows(fixture, "SELECT raw FROM events", raw);
    assert_rows(fixture, "SELECT event_id >> 20, event_id & 1048575 FROM events", "1795608000|0");
}

static void a_record_without_an_id_keeps_the_key_that_stands_for_it(void **state)
{
    struct fixture *fixture = *state;
    struct document *document = simple("x", NOON, "{}");
    g_clear_pointer(&document->id, g_free);
    g_free(document->dedupe_key);
    document->dedupe_key = g_strdup("0123abcd");
    document_seal(document, TENANT, "sign-ins");
    commit_one(fixture, document, AT);
    assert_rows(fixture, "SELECT id, dedupe_key FROM events", "NULL|0123abcd");
}

static void ids_are_in_the_order_of_time_whatever_the_order_of_delivery(void **state)
{
    static const char *const times[] = {"2026-11-25T12:00:02Z", "2026-11-25T12:00:00.5Z", "2026-11-25T12:00:00.1Z",
                                        "2026-11-25T11:59:59Z"};
    struct fixture *fixture = *state;
    struct store_page *page = page_new(fixture->customer, AT - 86400, AT);
    for (size_t i = 0; i < G_N_ELEMENTS(times); i++) {
        g_autofree char *id = g_strdup_printf("r%zu", i);
        page_add(page, simple(id, times[i], "{}"));
    }
    commit(fixture, page);
    page_free(page);
    assert_rows(fixture, "SELECT group_concat(id) FROM (SELECT id FROM events ORDER BY event_id)", "r3,r2,r1,r0");
    assert_rows(fixture, "SELECT group_concat(id) FROM (SELECT id FROM events ORDER BY timestamp)", "r3,r2,r1,r0");
}

static void quirk_27_records_of_the_same_tick_keep_the_order_of_delivery_and_are_all_kept(void **state)
{
    struct fixture *fixture = *state;
    struct store_page *page = page_new(fixture->customer, AT - 86400, AT);
    page_add(page, simple("c", NOON, "{}"));
    page_add(page, simple("a", NOON, "{}"));
    commit(fixture, page);
    page_free(page);
    commit_one(fixture, simple("b", NOON, "{}"), AT); /* a later page falls into the same second */
    assert_rows(fixture, "SELECT id, event_id & 1048575 FROM events ORDER BY event_id", "c|0\na|1\nb|2");
}

static void a_second_that_is_full_runs_over_into_the_next(void **state)
{
    struct fixture *fixture = *state;
    commit_one(fixture, simple("a", NOON, "{}"), AT);
    execute(fixture, "UPDATE event SET event_id = event_id + 1048575");
    execute(fixture, "UPDATE event_key SET event_id = event_id + 1048575");
    execute(fixture, "UPDATE event_fts_content SET id = id + 1048575");
    execute(fixture, "UPDATE event_fts_docsize SET id = id + 1048575");
    execute(fixture, "INSERT INTO event_fts (event_fts) VALUES ('rebuild')");
    commit_one(fixture, simple("b", NOON, "{}"), AT);
    commit_one(fixture, simple("c", NOON, "{}"), AT);
    assert_rows(fixture, "SELECT id, (event_id >> 20) - 1795608000, event_id & 1048575 FROM events ORDER BY event_id",
                "a|0|1048575\nb|1|0\nc|1|1");
}

static void a_record_before_1970_has_an_id_below_zero_in_order(void **state)
{
    struct fixture *fixture = *state;
    commit_one(fixture, simple("b", "1969-12-31T23:59:59Z", "{}"), AT);
    commit_one(fixture, simple("a", "1969-12-31T23:59:58Z", "{}"), AT);
    commit_one(fixture, simple("c", "1970-01-01T00:00:00Z", "{}"), AT);
    assert_rows(fixture, "SELECT id, event_id FROM events ORDER BY event_id", "a|-2097152\nb|-1048576\nc|0");
}

static void a_record_without_time_is_kept_under_its_second_of_reception(void **state)
{
    struct fixture *fixture = *state;
    commit_one(fixture, simple("a", NULL, "{}"), AT);
    assert_rows(fixture, "SELECT timestamp, event_id >> 20, time_missing FROM event", "NULL|1795680000|1");
}

static void the_same_id_in_two_sources_or_tenants_is_two_records(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    int64_t other = store_customer(fixture->store, "fabrikam", "other-tenant", &error);
    struct document *audit = simple("a", NOON, "{}"), *foreign = simple("a", NOON, "{}");
    document_seal(audit, TENANT, "directory-audits");
    document_seal(foreign, "other-tenant", "sign-ins");
    struct store_page *pages[] = {page_new(fixture->customer, 0, 1), page_new(fixture->customer, 0, 1),
                                  page_new(other, 0, 1)};
    pages[1]->source = "directory-audits";
    page_add(pages[0], simple("a", NOON, "{}"));
    page_add(pages[1], audit);
    page_add(pages[2], foreign);
    assert_ok(store_commit_pages(fixture->store, pages, 3, &error), error);
    for (size_t i = 0; i < 3; i++) {
        assert_counts(pages[i]->counts, 1, 0, 0, 0);
        page_free(pages[i]);
    }
    assert_rows(fixture, "SELECT customer, source FROM events ORDER BY event_id",
                "contoso|sign-ins\ncontoso|directory-audits\nfabrikam|sign-ins");
}

static void quirk_70_a_record_from_the_future_is_stored_and_makes_nothing_look_fresh(void **state)
{
    struct fixture *fixture = *state;
    commit_one(fixture, simple("a", NOON, "{}"), AT);
    struct store_page *page = page_new(fixture->customer, AT - 100, AT);
    page_add(page, simple("b", "2031-01-01T00:00:00Z", "{}"));
    commit(fixture, page);
    page_free(page);
    assert_rows(fixture, "SELECT count(*) FROM events WHERE timestamp > '2031'", "1");
    assert_rows(fixture, "SELECT records, newest FROM collections", "2|2026-11-25T12:00:00.0000000Z");
    assert_rows(fixture, "SELECT max(\"to\") FROM coverage", "2026-11-26T08:00:00Z");
}

/* --- the same record again
 * -------------------------------------------------------------------------------------------- */

static void quirk_26_the_same_body_again_writes_no_row_and_marks_no_change(void **state)
{
    struct fixture *fixture = *state;
    commit_one(fixture, simple("a", NOON, "{\"id\":\"a\"}"), AT);
    assert_counts(commit_one(fixture, simple("a", NOON, "{\"id\":\"a\"}"), AT + 60), 0, 0, 1, 0);
    assert_rows(fixture, "SELECT first_seen, changed_at, seq, first_seq FROM event", "1795680000|NULL|1|1");
    assert_rows(fixture, "SELECT value FROM counter WHERE name = 'seq'", "1");
    assert_rows(fixture, "SELECT count(*) FROM event_versions", "0");
}

static void quirk_25_a_changed_body_replaces_the_old_one_which_is_kept(void **state)
{
    struct fixture *fixture = *state;
    commit_one(fixture, document_of("a", NOON, "{\"risk\":\"none\"}", "old words"), AT);
    struct document *changed = document_of("a", NOON, "{\"risk\":\"high\"}", "new words");
    g_free(changed->result);
    changed->result = g_strdup("failure");
    document_seal(changed, TENANT, "sign-ins");
    assert_counts(commit_one(fixture, changed, AT + 60), 0, 1, 0, 0);
    assert_rows(fixture, "SELECT raw, raw_text, result, first_seen, changed_at FROM events",
                "{\"risk\":\"high\"}|new words|failure|2026-11-26T08:00:00Z|2026-11-26T08:01:00Z");
    assert_rows(fixture, "SELECT seq, first_seq FROM event", "2|1");
    assert_rows(fixture,
                "SELECT v.event_id = e.event_id, v.seq, stored_at, replaced_at, v.raw FROM event_versions AS v, "
                "events AS e",
                "1|1|2026-11-26T08:00:00Z|2026-11-26T08:01:00Z|{\"risk\":\"none\"}");
    assert_rows(fixture, "SELECT count(*) FROM event_fts WHERE event_fts MATCH 'text: old'", "0");
    assert_rows(fixture, "SELECT count(*) FROM event_fts WHERE event_fts MATCH 'text: new'", "1");
    assert_rows(fixture, "SELECT records FROM collections", "1");
}

static void quirk_54_another_order_of_keys_costs_a_version_once_and_loses_nothing(void **state)
{
    struct fixture *fixture = *state;
    commit_one(fixture, simple("a", NOON, "{\"x\":1,\"y\":2}"), AT);
    assert_counts(commit_one(fixture, simple("a", NOON, "{\"y\":2,\"x\":1}"), AT + 1), 0, 1, 0, 0);
    assert_counts(commit_one(fixture, simple("a", NOON, "{\"y\":2,\"x\":1}"), AT + 2), 0, 0, 1, 0);
    assert_rows(fixture, "SELECT raw FROM events", "{\"y\":2,\"x\":1}");
    assert_rows(fixture, "SELECT raw FROM event_versions", "{\"x\":1,\"y\":2}");
}

static void a_body_that_comes_back_is_a_change_too(void **state)
{
    struct fixture *fixture = *state;
    commit_one(fixture, simple("a", NOON, "{\"v\":1}"), AT);
    commit_one(fixture, simple("a", NOON, "{\"v\":2}"), AT + 1);
    commit_one(fixture, simple("a", NOON, "{\"v\":1}"), AT + 2);
    assert_rows(fixture, "SELECT raw, seq FROM event", "{\"v\":1}|3");
    assert_rows(fixture, "SELECT raw, seq FROM event_versions ORDER BY seq", "{\"v\":1}|1\n{\"v\":2}|2");
}

static void bodies_that_come_in_turns_are_kept_once_each(void **state)
{
    struct fixture *fixture = *state;
    for (int i = 0; i < 6; i++)
        commit_one(fixture, simple("a", NOON, i % 2 ? "{\"x\":1}" : "{\"x\":2}"), AT + i);
    assert_rows(fixture, "SELECT raw FROM events", "{\"x\":1}");
    assert_rows(fixture, "SELECT raw FROM event_versions ORDER BY seq", "{\"x\":2}\n{\"x\":1}");
}

static void bodies_of_one_record_in_one_transaction_follow_each_other_as_delivered(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    struct store_page *pages[] = {page_new(fixture->customer, 0, 10), page_new(fixture->customer, 10, 20)};
    page_add(pages[0], document_of("a", NOON, "{\"v\":1}", "first"));
    page_add(pages[0], document_of("a", NOON, "{\"v\":1}", "first"));
    page_add(pages[0], document_of("a", NOON, "{\"v\":2}", "second"));
    page_add(pages[1], document_of("a", NOON, "{\"v\":3}", "third"));
    page_add(pages[1], document_of("a", NOON, "{\"v\":3}", "third"));
    assert_ok(store_commit_pages(fixture->store, pages, 2, &error), error);
    assert_counts(pages[0]->counts, 1, 1, 1, 0);
    assert_counts(pages[1]->counts, 0, 1, 1, 0);
    page_free(pages[0]);
    page_free(pages[1]);
    assert_rows(fixture, "SELECT raw, raw_text FROM events", "{\"v\":3}|third");
    assert_rows(fixture, "SELECT seq, raw FROM event_versions ORDER BY seq", "1|{\"v\":1}\n2|{\"v\":2}");
    assert_rows(fixture, "SELECT seq, first_seq FROM event", "3|1");
    assert_rows(fixture, "SELECT count(*) FROM event_fts WHERE event_fts MATCH 'text: (first OR second)'", "0");
}

static void a_changed_time_moves_the_row_its_text_and_its_versions(void **state)
{
    struct fixture *fixture = *state;
    commit_one(fixture, document_of("a", NOON, "{\"v\":1}", "one"), AT);
    commit_one(fixture, document_of("a", NOON, "{\"v\":2}", "two"), AT + 1);
    commit_one(fixture, document_of("a", "2026-11-25T13:00:00Z", "{\"v\":3}", "three"), AT + 2);
    assert_rows(fixture, "SELECT event_id >> 20, timestamp, raw_text FROM events",
                "1795611600|2026-11-25T13:00:00.0000000Z|three");
    assert_rows(fixture, "SELECT v.raw FROM event_versions AS v JOIN events AS e USING (event_id) ORDER BY v.seq",
                "{\"v\":1}\n{\"v\":2}");
    assert_rows(fixture, "SELECT rowid >> 20 FROM event_fts", "1795611600");
    assert_rows(fixture, "SELECT first_seq FROM event", "1"); /* to the mirror it is the same document */
}

static void records_that_trade_places_in_one_transaction_come_out_right(void **state)
{
    struct fixture *fixture = *state;
    commit_one(fixture, document_of("a", NOON, "{\"a\":1}", "apple"), AT);
    commit_one(fixture, document_of("b", "2026-11-25T13:00:00Z", "{\"b\":1}", "banana"), AT);
    struct store_page *page = page_new(fixture->customer, 0, 1);
    page_add(page, document_of("a", "2026-11-25T13:00:00Z", "{\"a\":2}", "apricot"));
    page_add(page, document_of("b", NOON, "{\"b\":2}", "blueberry"));
    page_add(page, document_of("c", NOON, "{\"c\":1}", "cherry"));
    page_add(page, document_of("c", "2026-11-25T14:00:00Z", "{\"c\":2}", "currant"));
    commit(fixture, page);
    page_free(page);
    assert_rows(fixture, "SELECT id, timestamp, raw_text FROM events ORDER BY id",
                "a|2026-11-25T13:00:00.0000000Z|apricot\nb|2026-11-25T12:00:00.0000000Z|blueberry\n"
                "c|2026-11-25T14:00:00.0000000Z|currant");
    assert_rows(fixture, "SELECT v.raw FROM event_versions AS v JOIN events USING (event_id) ORDER BY id",
                "{\"a\":1}\n{\"b\":1}\n{\"c\":1}");
}

static void a_record_that_loses_its_readable_time_stays_where_it_is(void **state)
{
    struct fixture *fixture = *state;
    commit_one(fixture, simple("a", NOON, "{\"v\":1}"), AT);
    commit_one(fixture, simple("a", NULL, "{\"v\":2}"), AT + 1);
    assert_rows(fixture, "SELECT event_id >> 20, timestamp FROM event", "1795608000|NULL");
}

/* One transaction or one for each page: the same database, but for the numbers that depend on it. */
static void the_cut_into_transactions_does_not_show(void **state)
{
    static const char *const look = "SELECT id, timestamp, raw, raw_text, dedupe_key FROM events ORDER BY id";
    static const char *const look_versions =
        "SELECT e.id, v.raw FROM event_versions AS v JOIN events AS e USING (event_id) ORDER BY e.id, v.seq";
    static const char *const look_coverage = "SELECT * FROM coverage";
    struct fixture *fixture = *state;
    g_autofree char *other = g_build_filename(fixture->folder, "other.db", NULL);
    g_autoptr(Store) single = store_open(other, STORE_CREATE, NULL);
    g_autoptr(GError) error = NULL;
    int64_t customer = store_customer(single, "contoso", TENANT, &error);
    g_autoptr(GPtrArray) raws = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GRand) dice = g_rand_new_with_seed(11);
    struct store_page *pages[12];

    for (size_t p = 0; p < G_N_ELEMENTS(pages); p++) {
        pages[p] = page_new(customer, AT - 100 + (int64_t)p * 5, AT - 80 + (int64_t)p * 5);
        for (int i = 0; i < 30; i++) {
            int id = g_rand_int_range(dice, 0, 60), body = g_rand_int_range(dice, 0, 3);
            g_autofree char *name = g_strdup_printf("r%d", id);
            g_autofree char *when = timestamp_format_seconds(AT - 100 + id % 40 + (body == 2 ? 7 : 0));
            char *raw = g_strdup_printf("{\"id\":%d,\"v\":%d}", id, body);
            g_ptr_array_add(raws, raw);
            page_add(pages[p], document_of(name, when, raw, raw));
        }
    }
    assert_ok(store_commit_pages(single, pages, G_N_ELEMENTS(pages), &error), error);
    for (size_t p = 0; p < G_N_ELEMENTS(pages); p++)
        commit(fixture, pages[p]);
    assert_ok(store_verify(single, &error), error);

    const char *const looks[] = {look, look_versions, look_coverage};
    for (size_t i = 0; i < G_N_ELEMENTS(looks); i++) {
        g_autofree char *a = rows_in(fixture->path, looks[i]), *b = rows_in(other, looks[i]);
        assert_string_equal(a, b);
    }
    for (size_t p = 0; p < G_N_ELEMENTS(pages); p++)
        page_free(pages[p]);
}

/* --- unreadable
 * --------------------------------------------------------------------------------------------------------- */

static void what_cannot_be_read_is_kept_once_byte_for_byte(void **state)
{
    struct fixture *fixture = *state;
    for (int i = 0; i < 2; i++) {
        struct store_page *page = page_new(fixture->customer, 0, 10);
        page->received_at = AT + i;
        g_ptr_array_add(page->unreadable, unreadable_new("not UTF-8", "req-1", "\xff\x00\x01", 3));
        g_ptr_array_add(page->unreadable, unreadable_new("empty", NULL, "", 0));
        commit(fixture, page);
        assert_counts(page->counts, 0, 0, 0, i == 0 ? 2 : 0);
        page_free(page);
    }
    assert_rows(fixture,
                "SELECT customer, source, received_at, request_id, reason, hex(body) FROM unreadable "
                "ORDER BY unreadable_id",
                "contoso|sign-ins|2026-11-26T08:00:00Z|req-1|not UTF-8|FF0001\n"
                "contoso|sign-ins|2026-11-26T08:00:00Z|NULL|empty|");
}

/* --- cursor
 * ------------------------------------------------------------------------------------------------------------- */

static void a_page_that_is_not_the_last_leaves_a_cursor_and_open_coverage(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    struct store_cursor cursor;
    struct store_page *page = page_new(fixture->customer, 100, 200);
    page->next_link = "https://graph.example/next?$skiptoken=1";
    page->window_records = 7;
    commit(fixture, page);
    assert_true(store_cursor_read(fixture->store, fixture->customer, "sign-ins", "", &cursor, &error));
    assert_int_equal(cursor.window.from, 100);
    assert_int_equal(cursor.window.to, 200);
    assert_string_equal(cursor.next_link, page->next_link);
    assert_int_equal(cursor.records, 7);
    assert_int_equal(cursor.saved_at, AT);
    store_cursor_clear(&cursor);
    assert_rows(fixture, "SELECT \"from\", state, read_at FROM coverage", "1970-01-01T00:01:40Z|open|NULL");

    page->next_link = NULL;
    commit(fixture, page);
    page_free(page);
    assert_false(store_cursor_read(fixture->store, fixture->customer, "sign-ins", "", &cursor, &error));
    assert_null(error);
    assert_null(cursor.next_link);
    assert_rows(fixture, "SELECT state, reads, records FROM coverage", "read|1|7");
}

static void each_part_and_source_has_a_cursor_of_its_own(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    struct store_page *page = page_new(fixture->customer, 100, 200);
    struct store_cursor cursor;
    page->next_link = "one";
    commit(fixture, page);
    page->part = "servicePrincipal";
    page->next_link = "two";
    commit(fixture, page);
    page->next_link = NULL;
    commit(fixture, page);
    page_free(page);
    assert_true(store_cursor_read(fixture->store, fixture->customer, "sign-ins", "", &cursor, &error));
    assert_string_equal(cursor.next_link, "one");
    store_cursor_clear(&cursor);
    assert_false(store_cursor_read(fixture->store, fixture->customer, "sign-ins", "servicePrincipal", &cursor, &error));
    assert_rows(fixture, "SELECT part, state FROM coverage ORDER BY part", "|open\nservicePrincipal|read");
}

static void late_records_are_counted_over_all_pages_of_a_reading(void **state)
{
    struct fixture *fixture = *state;
    int64_t noon = 1795608000;
    struct store_page *page = page_new(fixture->customer, noon, noon + 100);
    commit(fixture, page); /* read, and empty */
    page_free(page);

    page = page_new(fixture->customer, noon, noon + 200); /* half of it read before */
    page->next_link = "more";
    page_add(page, simple("late1", "2026-11-25T12:00:10Z", "{}"));
    page_add(page, simple("new1", "2026-11-25T12:02:00Z", "{}"));
    commit(fixture, page);
    page_free(page);
    page = page_new(fixture->customer, noon, noon + 200);
    page->window_records = 2;
    page_add(page, simple("late2", "2026-11-25T12:00:11Z", "{}"));
    commit(fixture, page);
    page_free(page);
    assert_rows(fixture, "SELECT state, reads, records, late_records FROM coverage", "read|2|3|2");
}

/* --- all or nothing
 * ----------------------------------------------------------------------------------------------------- */

static char *everything(const struct fixture *fixture)
{
    return rows_in(fixture->path, "SELECT (SELECT count(*) FROM event), (SELECT count(*) FROM event_key), "
                                  "(SELECT count(*) FROM event_fts), (SELECT count(*) FROM coverage), "
                                  "(SELECT count(*) FROM collect_cursor), (SELECT count(*) FROM collections), "
                                  "(SELECT count(*) FROM unreadable), (SELECT value FROM counter WHERE name = 'seq')");
}

static void a_page_for_a_customer_that_does_not_exist_changes_nothing(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    g_autofree char *before = everything(fixture);
    struct store_page *pages[] = {page_new(fixture->customer, 0, 10), page_new(4711, 0, 10)};
    page_add(pages[0], simple("a", NOON, "{}"));
    page_add(pages[1], simple("b", NOON, "{}"));
    assert_refused(store_commit_pages(fixture->store, pages, 2, &error), &error, STORE_ERROR_FAILED, "FOREIGN KEY");
    g_autofree char *after = everything(fixture);
    assert_string_equal(before, after);
    assert_ok(store_commit_pages(fixture->store, pages, 1, &error), error);
    page_free(pages[0]);
    page_free(pages[1]);
}

/* Many records, too large for what the test leaves free. */
static struct store_page *large_page(struct fixture *fixture, GPtrArray *raws)
{
    struct store_page *page = page_new(fixture->customer, AT - 1000, AT);
    g_autofree char *filler = g_strnfill(4000, 'x');
    for (int i = 0; i < 500; i++) {
        g_autofree char *id = g_strdup_printf("big%d", i);
        char *raw = raw_of(id, filler);
        g_ptr_array_add(raws, raw);
        page_add(page, document_of(id, NOON, raw, raw));
    }
    g_ptr_array_add(page->unreadable, unreadable_new("odd", NULL, "?", 1));
    return page;
}

static void quirk_118_a_limit_on_file_sizes_changes_nothing_and_the_page_can_be_written_again(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) raws = g_ptr_array_new_with_free_func(g_free);
    commit_one(fixture, simple("a", NOON, "{}"), AT);
    g_autofree char *before = everything(fixture);
    struct store_page *page = large_page(fixture, raws), *pages[] = {page};

    /* No file may grow past this: the write-ahead log meets it in the middle of the transaction. */
    struct rlimit limit, small;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    small = (struct rlimit){1 << 20, limit.rlim_max};
    void (*old)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    bool ok = store_commit_pages(fixture->store, pages, 1, &error);
    setrlimit(RLIMIT_FSIZE, &limit);
    signal(SIGXFSZ, old);

    assert_refused(ok, &error, STORE_ERROR_FULL, "nothing was changed");
    g_autofree char *after = everything(fixture);
    assert_string_equal(before, after);
    assert_ok(store_verify(fixture->store, &error), error);
    assert_ok(store_commit_pages(fixture->store, pages, 1, &error), error);
    assert_counts(page->counts, 500, 0, 0, 1);
    page_free(page);
}

/* On a file system of 2 MB, where the test may mount one; the limit on file sizes above stands for it elsewhere. */
static void quirk_118_a_full_disk_changes_nothing_and_the_page_can_be_written_again(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) raws = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *small = g_build_filename(fixture->folder, "small", NULL);
    g_autofree char *path = g_build_filename(small, "keep.db", NULL);
    assert_int_equal(g_mkdir(small, 0700), 0);
    if (mount("tmpfs", small, "tmpfs", 0, "size=2m") != 0)
        return;

    struct store *store = store_open(path, STORE_CREATE, &error);
    bool opened = store != NULL, ok = false, again = false, sound = false;
    g_autoptr(GError) full = NULL;
    g_autofree char *left = NULL;
    if (opened) {
        int64_t customer = store_customer(store, "contoso", TENANT, &error);
        struct store_page *page = large_page(fixture, raws), *pages[] = {page};
        page->customer_id = customer;
        ok = store_commit_pages(store, pages, 1, &full);
        left = rows_in(path, "SELECT (SELECT count(*) FROM events), (SELECT count(*) FROM coverage)");
        mount("tmpfs", small, "tmpfs", MS_REMOUNT, "size=64m");
        again = store_commit_pages(store, pages, 1, &error);
        sound = again && store_verify(store, &error);
        page_free(page);
    }
    store_close(store);
    umount(small);
    assert_true(opened);
    assert_refused(ok, &full, STORE_ERROR_FULL, "the disk is full");
    assert_string_equal(left, "0|0");
    assert_ok(again && sound, error);
}

static void quirk_118_a_locked_database_is_said_to_be_busy_and_nothing_changes(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    sqlite3 *other = NULL;
    assert_int_equal(sqlite3_open(fixture->path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    struct store_page *page = page_new(fixture->customer, 0, 10), *pages[] = {page};
    page_add(page, simple("a", NOON, "{}"));

    fixture->store->wait.busy_us = 1000;
    assert_refused(store_commit_pages(fixture->store, pages, 1, &error), &error, STORE_ERROR_BUSY, "held the lock");
    sqlite3_close(other); /* rolls back */
    assert_rows(fixture, "SELECT count(*) FROM events", "0");
    assert_ok(store_commit_pages(fixture->store, pages, 1, &error), error);
    page_free(page);
}

static void a_page_that_is_read_only_cannot_be_written(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    g_autoptr(Store) reader = store_open(fixture->path, STORE_READ, &error);
    assert_non_null(reader);
    struct store_page *page = page_new(fixture->customer, 0, 10), *pages[] = {page};
    page_add(page, simple("a", NOON, "{}"));
    assert_refused(store_commit_pages(reader, pages, 1, &error), &error, STORE_ERROR_READ_ONLY, "cannot be written");
    assert_int_equal(store_customer(reader, "new", "tenant", &error), 0);
    assert_true(g_error_matches(error, STORE_ERROR, STORE_ERROR_READ_ONLY));
    page_free(page);
}

/* --- customers and collections
 * -------------------------------------------------------------------------------------------- */

static void a_customer_has_one_row_and_another_for_another_tenant(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    assert_int_equal(store_customer(fixture->store, "contoso", TENANT, &error), fixture->customer);
    int64_t moved = store_customer(fixture->store, "contoso", "new-tenant", &error);
    assert_true(moved > 0 && moved != fixture->customer);
    assert_int_equal(store_customer(fixture->store, "contoso", "new-tenant", &error), moved);
    assert_rows(fixture, "SELECT count(*) FROM customers", "2");
}

static void a_tenant_that_goes_by_a_new_name_keeps_its_row_and_is_found_by_that_name(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    struct store_query by_old = {.customer = "contoso", .limit = 9}, by_new = {.customer = "Fabrikam", .limit = 9};
    commit_one(fixture, simple("a", NOON, "{}"), AT);
    assert_int_equal(store_customer(fixture->store, "fabrikam", TENANT, &error), fixture->customer);
    commit_one(fixture, simple("b", NOON, "{}"), AT);
    assert_rows(fixture, "SELECT DISTINCT customer FROM events", "fabrikam");
    assert_int_equal(store_search_count(fixture->store, &by_new, 9, &error), 2);
    assert_int_equal(store_search_count(fixture->store, &by_old, 9, &error), 0);
}

static void the_end_of_a_run_is_noted_well_or_ill(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    static const char *const look = "SELECT last_run_at, last_success_at, last_error_at, last_error FROM collections";
    assert_ok(
        store_collection_note(fixture->store, fixture->customer, "sign-ins", AT, STORE_OUTCOME_FAILED, "403", &error),
        error);
    assert_rows(fixture, look, "2026-11-26T08:00:00Z|NULL|2026-11-26T08:00:00Z|403");
    assert_ok(
        store_collection_note(fixture->store, fixture->customer, "sign-ins", AT + 60, STORE_OUTCOME_OK, NULL, &error),
        error);
    assert_rows(fixture, look, "2026-11-26T08:01:00Z|2026-11-26T08:01:00Z|2026-11-26T08:00:00Z|NULL");
    commit_one(fixture, simple("a", NOON, "{}"), AT);
    assert_rows(fixture, "SELECT records, newest, last_run_at FROM collections",
                "1|2026-11-25T12:00:00.0000000Z|2026-11-26T08:01:00Z");
}

static void how_a_run_ended_is_noted_and_what_is_not_to_be_had_is_no_error(void **state)
{
    static const struct {
        enum store_outcome outcome;
        const char *words, *expected;
    } notes[] = {
        {STORE_OUTCOME_UNAVAILABLE, "no licence", "skipped|NULL|NULL|no licence"},
        {STORE_OUTCOME_PARTIAL, "403", "partial|NULL|2026-11-26T08:00:01Z|403"},
        {STORE_OUTCOME_OK, NULL, "ok|2026-11-26T08:00:02Z|2026-11-26T08:00:01Z|NULL"},
        {STORE_OUTCOME_UNAVAILABLE, NULL, "skipped|2026-11-26T08:00:02Z|2026-11-26T08:00:01Z|NULL"},
        {STORE_OUTCOME_FAILED, "503", "failed|2026-11-26T08:00:02Z|2026-11-26T08:00:04Z|503"},
        {STORE_OUTCOME_PARTIAL, "403", "partial|2026-11-26T08:00:02Z|2026-11-26T08:00:05Z|403"},
    };
    struct fixture *fixture = *state;
    for (size_t i = 0; i < G_N_ELEMENTS(notes); i++) {
        g_autoptr(GError) error = NULL;
        assert_ok(store_collection_note(fixture->store, fixture->customer, "health", AT + (int64_t)i, notes[i].outcome,
                                        notes[i].words, &error),
                  error);
        assert_rows(fixture, "SELECT last_status, last_success_at, last_error_at, last_error FROM collections",
                    notes[i].expected);
    }
}

/* --- facets
 * --------------------------------------------------------------------------------------------------------------- */

static void facets_ignore_case_and_repeat_no_name(void **state)
{
    (void)state;
    struct document *a = simple("a", NOON, "{}"), *b = simple("b", NOON, "{}");
    g_free(b->service);
    b->service = g_strdup("SIGNIN");
    g_ptr_array_add(b->actor_names, g_strdup("ADA LOVELACE"));
    g_ptr_array_add(b->actor_names, g_strdup(""));
    document_seal(b, TENANT, "SIGN-INS");
    assert_string_equal(a->facets, b->facets);
    g_auto(GStrv) tokens = g_strsplit(a->facets, " ", -1);
    assert_int_equal(g_strv_length(tokens), 7); /* five fields, and an address and a name of the actor */
    for (char **token = tokens; *token; token++)
        assert_int_equal(strlen(*token), 14);
    document_free(a);
    document_free(b);
}

static void facets_of_many_values_stay_right_when_the_table_of_recent_ones_is_emptied(void **state)
{
    (void)state;
    struct document *first = simple("a", NOON, "{}");
    for (int i = 0; i < 10000; i++) {
        struct document *document = simple("b", NOON, "{}");
        g_free(document->operation);
        document->operation = g_strdup_printf("operation %d", i);
        document_seal(document, TENANT, "sign-ins");
        document_free(document);
    }
    struct document *again = simple("a", NOON, "{}");
    assert_string_equal(first->facets, again->facets);
    document_free(first);
    document_free(again);
}

static gpointer seal_many(gpointer wanted)
{
    for (int i = 0; i < 2000; i++) {
        struct document *document = simple("a", NOON, "{}");
        bool same = strcmp(document->facets, wanted) == 0;
        document_free(document);
        if (!same)
            return GINT_TO_POINTER(1);
    }
    return NULL;
}

static void documents_may_be_sealed_on_many_threads_at_once(void **state)
{
    (void)state;
    struct document *document = simple("a", NOON, "{}");
    GThread *threads[4];
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        threads[i] = g_thread_new("seal", seal_many, document->facets);
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        assert_null(g_thread_join(threads[i]));
    document_free(document);
}

static void keys_differ_where_tenant_source_or_key_differ(void **state)
{
    static const char *const cases[][3] = {
        {"t", "s", "k"}, {"t2", "s", "k"}, {"t", "s2", "k"}, {"t", "s", "k2"}, {"ts", "", "k"}, {"t", "sk", ""},
    };
    (void)state;
    uint8_t keys[G_N_ELEMENTS(cases)][HASH_KEY_BYTES];
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct document *document = simple("x", NOON, "{}");
        g_free(document->dedupe_key);
        document->dedupe_key = g_strdup(cases[i][2]);
        document_seal(document, cases[i][0], cases[i][1]);
        memcpy(keys[i], document->key, HASH_KEY_BYTES);
        document_free(document);
        for (size_t j = 0; j < i; j++)
            assert_memory_not_equal(keys[i], keys[j], HASH_KEY_BYTES);
    }
}

#define WRITES(test) cmocka_unit_test_setup_teardown(test, setup_store, teardown_verified)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WRITES(a_record_is_stored_with_every_field_and_its_exact_bytes),
        WRITES(a_record_without_an_id_keeps_the_key_that_stands_for_it),
        WRITES(ids_are_in_the_order_of_time_whatever_the_order_of_delivery),
        WRITES(quirk_27_records_of_the_same_tick_keep_the_order_of_delivery_and_are_all_kept),
        WRITES(a_second_that_is_full_runs_over_into_the_next),
        WRITES(a_record_before_1970_has_an_id_below_zero_in_order),
        WRITES(a_record_without_time_is_kept_under_its_second_of_reception),
        WRITES(the_same_id_in_two_sources_or_tenants_is_two_records),
        WRITES(quirk_70_a_record_from_the_future_is_stored_and_makes_nothing_look_fresh),
        WRITES(quirk_26_the_same_body_again_writes_no_row_and_marks_no_change),
        WRITES(quirk_25_a_changed_body_replaces_the_old_one_which_is_kept),
        WRITES(quirk_54_another_order_of_keys_costs_a_version_once_and_loses_nothing),
        WRITES(a_body_that_comes_back_is_a_change_too),
        WRITES(bodies_that_come_in_turns_are_kept_once_each),
        WRITES(bodies_of_one_record_in_one_transaction_follow_each_other_as_delivered),
        WRITES(a_changed_time_moves_the_row_its_text_and_its_versions),
        WRITES(records_that_trade_places_in_one_transaction_come_out_right),
        WRITES(a_record_that_loses_its_readable_time_stays_where_it_is),
        WRITES(the_cut_into_transactions_does_not_show),
        WRITES(what_cannot_be_read_is_kept_once_byte_for_byte),
        WRITES(a_page_that_is_not_the_last_leaves_a_cursor_and_open_coverage),
        WRITES(each_part_and_source_has_a_cursor_of_its_own),
        WRITES(late_records_are_counted_over_all_pages_of_a_reading),
        WRITES(a_page_for_a_customer_that_does_not_exist_changes_nothing),
        WRITES(quirk_118_a_full_disk_changes_nothing_and_the_page_can_be_written_again),
        WRITES(quirk_118_a_limit_on_file_sizes_changes_nothing_and_the_page_can_be_written_again),
        WRITES(quirk_118_a_locked_database_is_said_to_be_busy_and_nothing_changes),
        WRITES(a_page_that_is_read_only_cannot_be_written),
        WRITES(a_customer_has_one_row_and_another_for_another_tenant),
        WRITES(a_tenant_that_goes_by_a_new_name_keeps_its_row_and_is_found_by_that_name),
        WRITES(the_end_of_a_run_is_noted_well_or_ill),
        WRITES(how_a_run_ended_is_noted_and_what_is_not_to_be_had_is_no_error),
        cmocka_unit_test(facets_ignore_case_and_repeat_no_name),
        cmocka_unit_test(facets_of_many_values_stay_right_when_the_table_of_recent_ones_is_emptied),
        cmocka_unit_test(documents_may_be_sealed_on_many_threads_at_once),
        cmocka_unit_test(keys_differ_where_tenant_source_or_key_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
