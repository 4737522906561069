/* Retention: what goes and what stays, of everything; and that nothing of what stays is touched. */
#include <signal.h>
#include <sys/resource.h>

#include "prune_fixture.h"
#include "state.h"

/* --- what goes and what stays ----------------------------------------------------------------------------------------
 */

/* Each table of the schema. */
static const struct {
    const char *look, *before, *after;
} tables[] = {
    {"SELECT group_concat(x, '; ') FROM (SELECT name || ' ' || e.id AS x FROM event AS e JOIN customer USING "
     "(customer_id) "
     "ORDER BY event_id)",
     "contoso first; contoso audit; fabrikam first; contoso edited; contoso just before; contoso at the line; contoso "
     "late "
     "audit; fabrikam last",
     "contoso at the line; contoso late audit; fabrikam last"},
    {"SELECT count(*), count(DISTINCT event_id) FROM event_key", "8|8", "3|3"},
    {"SELECT group_concat(e.id) FROM event_version JOIN event AS e USING (event_id)", "edited,late audit",
     "late audit"},
    {"SELECT count(*) FROM event_fts WHERE event_fts MATCH 'text: here'", "8", "3"},
    {"SELECT group_concat(id) FROM (SELECT id FROM user ORDER BY id)", "came back,here,left,left lately",
     "came back,here,left lately"},
    {"SELECT group_concat(id || ' ' || field) FROM (SELECT * FROM user_change ORDER BY id, change_id)",
     "came back @removed,came back @removed,here value,here value,left value,left @removed,left @removed,left lately "
     "value,left lately @removed",
     "here value,left lately @removed"},
    {"SELECT count(*) FROM user_fts", "4", "3"},
    {"SELECT group_concat(service || ' ' || samples) FROM (SELECT * FROM service_state ORDER BY state_id)",
     "Exchange 2,Teams 1,Teams 1,Exchange 3,Exchange 1", "Exchange 3,Exchange 1"},
    {"SELECT group_concat(at - 1795680000) FROM (SELECT at FROM health_scan ORDER BY at)",
     "-1728000,-1727700,-1727400,-864600,-864300,-863700,-86400,-86100", "-863700,-86400,-86100"},
    {"SELECT group_concat(id) FROM (SELECT id FROM service_overview ORDER BY id)", "Exchange", "Exchange"},
    {"SELECT count(*) FROM overview_version", "2", "1"},
    {"SELECT group_concat(id, '; ') FROM (SELECT id FROM service_issue ORDER BY id)",
     "lasts; over; over, written about", "lasts; over, written about"},
    {"SELECT group_concat(i.id || ' ' || (v.replaced_at - 1795680000)) FROM (SELECT * FROM issue_version ORDER BY "
     "rowid) AS v "
     "JOIN service_issue AS i USING (issue_id)",
     "over -1727700,lasts -1727700,lasts -864000,lasts -863999", "lasts -864000,lasts -863999"},
    {"SELECT count(*) FROM issue_fts", "3", "2"},
    {"SELECT group_concat(id) FROM (SELECT id FROM service_message ORDER BY id)", "ended,ends later,without end",
     "ends later,without end"},
    {"SELECT count(*) FROM message_version", "3", "0"},
    {"SELECT count(*) FROM message_fts", "3", "2"},
    {"SELECT group_concat(body) FROM (SELECT body FROM unreadable_record ORDER BY unreadable_id)", "{old,{new,{old too",
     "{new"},
    {"SELECT group_concat(content_id) FROM (SELECT content_id FROM content_blob ORDER BY content_id)",
     "fetched,late,lost,still listed,waiting", "late,still listed,waiting"},
    {"SELECT group_concat(subject, '; ') FROM (SELECT subject FROM mail ORDER BY mail_id)",
     "sent long ago; failed long ago; unknown long ago; waits since long ago; being sent since long ago; sent at the "
     "line; sent lately; of nobody, sent long ago!",
     "waits since long ago; being sent since long ago; sent at the line; sent lately"},
    {"SELECT count(*) FROM mail_recipient", "8", "4"},
    {"SELECT group_concat(source || ' ' || records) FROM (SELECT * FROM collection ORDER BY customer_id, source)",
     "directory-audits 2,health 6,sign-ins 4,users 4,sign-ins 2",
     "directory-audits 1,health 4,sign-ins 1,users 3,sign-ins 1"},
    {"SELECT group_concat(name) FROM customer", "contoso,fabrikam", "contoso,fabrikam"},
    {"SELECT count(*) > 0, sum(records) FROM coverage_span", "1|7", "1|7"},
    {"SELECT count(*) FROM collect_round", "1", "1"},
    {"SELECT count(*) FROM tombstone", "0", "0"},
};

static const char all_told[] = "nobody mails: 1 records, 0 others, 0 held, 1793952000 to 1793952000\n"
                               "contoso directory-audits: 1 records, 0 others, 0 held, 1793952000 to 1793952000\n"
                               "contoso health: 2 records, 12 others, 0 held, 1793952000 to 1794815700\n"
                               "contoso mails: 3 records, 0 others, 0 held, 1793952000 to 1793952000\n"
                               "contoso sign-ins: 3 records, 1 others, 0 held, 1793952000 to 1794815999\n"
                               "contoso unified-audit: 0 records, 2 others, 0 held, 1793952000 to 1794815999\n"
                               "contoso users: 1 records, 8 others, 0 held, 1793952000 to 1794815999\n"
                               "fabrikam sign-ins: 1 records, 0 others, 0 held, 1793952000 to 1793952000";

static void of_each_table_the_old_goes_and_what_is_open_stays(void **state)
{
    struct fixture *fixture = *state;
    struct store_prune_options options = options_of_line();
    for (size_t i = 0; i < G_N_ELEMENTS(tables); i++)
        assert_rows(fixture, tables[i].look, tables[i].before);
    prune_told(fixture, &options, all_told);
    for (size_t i = 0; i < G_N_ELEMENTS(tables); i++)
        assert_rows(fixture, tables[i].look, tables[i].after);
    prune_told(fixture, &options, "");
}

static void a_source_goes_by_its_own_line(void **state)
{
    struct fixture *fixture = *state;
    const struct store_keep keep[] = {{"sign-ins", INT64_MIN}, {"directory-audits", AT}, {"users", OLD + 2}};
    struct store_prune_options options = {.keep = keep, .n_keep = G_N_ELEMENTS(keep), .now = AT};
    prune_told(fixture, &options,
               "contoso directory-audits: 2 records, 0 others, 0 held, 1793952000 to 1795593600\n"
               "contoso users: 0 records, 4 others, 0 held, 1793952000 to 1793952001");
    assert_rows(fixture, "SELECT count(*), count(*) FILTER (WHERE source = 'sign-ins') FROM event", "6|6");
    assert_rows(fixture, "SELECT count(*) FROM user", "4");
}

static void where_all_is_kept_nothing_is_written(void **state)
{
    struct fixture *fixture = *state;
    struct store_prune_options options = {.now = AT};
    struct look look = {0};
    g_autofree char *before = look_at(&look, fixture);
    g_autoptr(StorePruneResult) result = prune_with(fixture, &options);
    g_autofree char *after = look_at(&look, fixture);
    assert_string_equal(before, after);
    assert_int_equal(result->transactions, 0);
    look_close(&look);
}

static void what_was_deleted_is_told_by_source_with_the_line_that_was_reached(void **state)
{
    struct fixture *fixture = *state;
    struct store_prune_options options = options_of_line();
    g_autoptr(StorePruneResult) result = prune_with(fixture, &options);
    assert_int_equal(result->records, 12);
    assert_int_equal(result->others, 23);
    assert_int_equal(result->held, 0);
    assert_rows(fixture,
                "SELECT group_concat(name || ' ' || source || ' ' || (before_s - 1795680000) || ' ' || (pruned_at - "
                "1795680000) "
                "|| ' ' || records, '; ') FROM (SELECT * FROM retention_line ORDER BY customer_id, source) "
                "JOIN customer USING (customer_id)",
                "contoso directory-audits -864000 0 1; contoso health -864000 0 2; contoso mails -864000 0 3; contoso "
                "sign-ins -864000 0 3; contoso unified-audit -864000 0 0; contoso users -864000 0 1; fabrikam sign-ins "
                "-864000 0 1");
    assert_rows(fixture, "SELECT count(*), max(before) FROM retention", "7|2026-11-16T08:00:00Z");
}

static void deleted_text_is_merged_away_when_it_is_much(void **state)
{
    struct fixture *fixture = *state;
    struct store_prune_options options = options_of_line();
    prune(fixture, &options);
    assert_rows(fixture, "SELECT value FROM counter WHERE name = 'text_deleted'", "0");
    assert_rows(fixture, "SELECT count(*) FROM event_fts WHERE event_fts MATCH 'text: first'", "0");
}

static void little_deleted_text_is_only_counted(void **state)
{
    struct fixture *fixture = *state;
    struct store_prune_options options = options_of_line();
    sign_in(fixture, "old", OLD);
    for (int i = 0; i < 20; i++) {
        g_autofree char *id = g_strdup_printf("new%d", i);
        sign_in(fixture, id, NEW + i);
    }
    prune_told(fixture, &options, "contoso sign-ins: 1 records, 0 others, 0 held, 1793952000 to 1793952000");
    assert_rows(fixture, "SELECT value FROM counter WHERE name = 'text_deleted'", "1");
}

static void an_event_without_time_goes_by_its_reception(void **state)
{
    struct fixture *fixture = *state;
    struct store_prune_options options = options_of_line();
    commit_one(fixture, document_of("timeless", NULL, "{\"v\":1}", "x"), AT);
    prune_told(fixture, &options, "");
    const struct store_keep keep[] = {{"sign-ins", AT + 1}};
    options.keep = keep;
    options.n_keep = 1;
    prune_told(fixture, &options, "contoso sign-ins: 1 records, 0 others, 0 held, 1795680000 to 1795680000");
}

static void the_last_scan_and_what_it_saw_stay_however_old(void **state)
{
    struct fixture *fixture = *state;
    struct store_prune_options options = options_of_line();
    scan_at(fixture, OLD, "Exchange=good");
    scan_at(fixture, OLD + 300, "Exchange=bad");
    fail_at(fixture, OLD + 600);
    fail_at(fixture, OLD + 900);
    prune_told(fixture, &options, "contoso health: 0 records, 3 others, 0 held, 1793952000 to 1793952600");
    assert_rows(fixture, "SELECT at - 1793952000, ok FROM health_scan ORDER BY at", "300|1\n900|0");
    assert_rows(fixture, "SELECT status FROM service_state", "bad");
}

/* Enough of everything for several looks and many transactions. */
static void thousands_of_rows_go_in_the_order_of_their_keys(void **state)
{
    struct fixture *fixture = *state;
    struct store_prune_options options = options_of_line();
    struct store_page *page = page_new(fixture->customer, OLD, OLD + 1);
    for (int i = 0; i < 2300; i++) {
        g_autofree char *id = g_strdup_printf("e%d", i), *when = timestamp_format_seconds(OLD + i / 3);
        page_add(page, document_of(id, when, "{\"v\":1}", "x"));
    }
    commit(fixture, page);
    page_free(page);
    sign_in(fixture, "new", NEW);
    account_says(fixture, NEW, "u", NULL, 1);
    execute(fixture, "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2300) INSERT INTO "
                     "content_blob SELECT 1, 'b' || i, '', '', 1, 2, 3, 4, NULL, 0, NULL FROM n");
    execute(fixture, "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2300) INSERT INTO "
                     "health_scan SELECT 1, i, 1, NULL FROM n");
    execute(fixture, "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2300) INSERT INTO "
                     "user_change SELECT 10 * i, 1, 'u', 'f', NULL, '1', 1 + i, 100000 + i, 100000 + i FROM n");
    execute(fixture, "UPDATE counter SET value = 200000 WHERE name = 'seq'");
    g_autoptr(StorePruneResult) result = prune_with(fixture, &options);
    assert_int_equal(result->records, 2300);
    assert_int_equal(result->others, 2300 + 2299 + 2300);
    assert_in_range(result->transactions, 7, 500);
    assert_rows(fixture,
                "SELECT (SELECT count(*) FROM event), (SELECT count(*) FROM content_blob), "
                "(SELECT count(*) FROM health_scan), (SELECT count(*) FROM user_change)",
                "1|0|1|0");
}

/* --- a dry run -------------------------------------------------------------------------------------------------------
 */

static void a_dry_run_changes_nothing_and_tells_what_the_real_one_does(void **state)
{
    static const struct {
        bool mirrored, force;
        int position;
    } cases[] = {{false, false, 40}, {true, false, 11}, {true, false, 24}, {true, false, 0}, {true, true, 3}};
    struct fixture *fixture = *state;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct store_prune_options options = options_of_line();
        struct look look = {0};
        g_autofree char *position = g_strdup_printf(
            "INSERT OR REPLACE INTO mirror_position VALUES ('m', %d, 1, NULL, NULL)", cases[i].position);
        execute(fixture, position);
        options.mirrored = cases[i].mirrored;
        options.force = cases[i].force;
        options.dry_run = true;
        g_autofree char *before = look_at(&look, fixture);
        g_autoptr(StorePruneResult) dry = prune_with(fixture, &options);
        g_autofree char *after = look_at(&look, fixture), *would = told(dry);
        assert_string_equal(before, after);
        assert_int_equal(dry->transactions, 0);
        assert_false(dry->estimated);
        look_close(&look);
        options.dry_run = false;
        g_autoptr(StorePruneResult) real = prune_with(fixture, &options);
        assert_told(real, would);
        assert_int_equal(dry->records + dry->others, real->records + real->others);
        assert_int_equal(dry->held, real->held);
        teardown_verified(state);
        assert_int_equal(setup_everything(state), 0);
        fixture = *state;
    }
}

/* --- the mirror ------------------------------------------------------------------------------------------------------
 */

static void what_a_mirror_has_still_to_be_sent_is_held_unless_it_is_forced(void **state)
{
    struct fixture *fixture = *state;
    struct store_prune_options options = options_of_line();
    sign_in(fixture, "sent", OLD);
    sign_in(fixture, "unsent", OLD + 1);
    sign_in(fixture, "unsent too", OLD + 2);
    execute(fixture, "INSERT INTO mirror_position VALUES ('behind', 1, 1, NULL, NULL), ('ahead', 3, 1, NULL, NULL)");
    prune_told(fixture, &options, "contoso sign-ins: 1 records, 0 others, 2 held, 1793952000 to 1793952000");
    assert_rows(fixture, "SELECT before_s - 1793952000 FROM retention_line", "0"); /* not more than is true */
    prune_told(fixture, &options, "contoso sign-ins: 0 records, 0 others, 2 held, 0 to 0");
    execute(fixture, "UPDATE mirror_position SET seq = 2 WHERE target = 'behind'");
    prune_told(fixture, &options, "contoso sign-ins: 1 records, 0 others, 1 held, 1793952001 to 1793952001");
    options.force = true;
    prune_told(fixture, &options, "contoso sign-ins: 1 records, 0 others, 0 held, 1793952002 to 1793952002");
    assert_rows(fixture, "SELECT before_s, records FROM retention_line", "1794816000|3");
}

static void where_a_mirror_has_never_been_at_work_all_is_held(void **state)
{
    struct fixture *fixture = *state;
    struct store_prune_options options = options_of_line();
    options.mirrored = true;
    prune_told(fixture, &options,
               "nobody mails: 1 records, 0 others, 0 held, 1793952000 to 1793952000\n"
               "contoso directory-audits: 0 records, 0 others, 1 held, 0 to 0\n"
               "contoso health: 0 records, 9 others, 5 held, 1793952001 to 1794815700\n"
               "contoso mails: 3 records, 0 others, 0 held, 1793952000 to 1793952000\n"
               "contoso sign-ins: 0 records, 1 others, 3 held, 1793952000 to 1793952000\n"
               "contoso unified-audit: 0 records, 2 others, 0 held, 1793952000 to 1794815999\n"
               "contoso users: 0 records, 1 others, 7 held, 1793952000 to 1793952000\n"
               "fabrikam sign-ins: 0 records, 0 others, 1 held, 0 to 0");
    options.mirrored = false;
    g_autoptr(StorePruneResult) result = prune_with(fixture, &options);
    assert_int_equal(result->held, 0);
}

static void a_record_that_changed_since_it_was_sent_is_held(void **state)
{
    struct fixture *fixture = *state;
    struct store_prune_options options = options_of_line();
    keep_event(fixture, 1, TENANT, "sign-ins", "edited", OLD, "{\"v\":1}");
    execute(fixture, "INSERT INTO mirror_position VALUES ('m', 1, 1, NULL, NULL)");
    keep_event(fixture, 1, TENANT, "sign-ins", "edited", OLD, "{\"v\":2}");
    prune_told(fixture, &options, "contoso sign-ins: 0 records, 0 others, 1 held, 0 to 0");
    assert_rows(fixture, "SELECT count(*) FROM event_version", "1");
}

static void an_account_is_held_with_all_its_changes(void **state)
{
    struct fixture *fixture = *state;
    struct store_prune_options options = options_of_line();
    account_says(fixture, OLD, "u", NULL, 1);
    account_says(fixture, OLD + 1, "u", NULL, 2);
    account_says(fixture, OLD + 2, "u", "deleted", 2);
    execute(fixture, "UPDATE user SET seq = 100; ");
    execute(fixture, "UPDATE counter SET value = 100 WHERE name = 'seq'");
    execute(fixture, "INSERT INTO mirror_position VALUES ('m', 99, 1, NULL, NULL)");
    prune_told(fixture, &options, "contoso users: 0 records, 2 others, 1 held, 1793952001 to 1793952002");
    assert_rows(fixture, "SELECT count(*) FROM user_fts", "1");
}

static void tombstones_name_what_the_mirror_is_to_delete(void **state)
{
    struct fixture *fixture = *state;
    struct store_prune_options options = options_of_line();
    options.mirror_deletes = true;
    g_autofree char *last = rows_in(fixture->path, "SELECT value FROM counter WHERE name = 'seq'");
    prune(fixture, &options);
    g_autofree char *sql =
        g_strdup_printf("SELECT min(seq) - %s, max(seq) - %s, count(*), (SELECT value - %s FROM counter "
                        "WHERE name = 'seq') FROM tombstone",
                        last, last, last);
    assert_rows(fixture, sql, "1|18|18|18");
    assert_rows(fixture,
                "SELECT collection, group_concat(replace(replace(doc_id, '" TENANT "', 'T'), '" OTHER_TENANT
                "', 'O'), ', ') "
                "FROM (SELECT * FROM tombstone ORDER BY collection, doc_id) GROUP BY collection",
                "events|T:directory-audits:audit, T:sign-ins:edited, T:sign-ins:first, T:sign-ins:just before, "
                "O:sign-ins:first\n"
                "service_issues|T:service_issues:over\n"
                "service_messages|T:service_messages:ended\n"
                "service_states|T:service_states:Exchange:2026-11-06T08:00:00Z, "
                "T:service_states:Teams:2026-11-06T08:00:00Z, T:service_states:Teams:2026-11-06T08:05:00Z\n"
                "user_changes|T:user_changes:came back:2026-11-06T08:00:01Z:20, "
                "T:user_changes:came back:2026-11-06T08:00:02Z:22, T:user_changes:here:2026-11-16T07:59:59Z:25, "
                "T:user_changes:left lately:2026-11-06T08:00:01Z:30, T:user_changes:left:2026-11-06T08:00:01Z:13, "
                "T:user_changes:left:2026-11-06T08:00:02Z:15, T:user_changes:left:2026-11-25T08:00:00Z:17\n"
                "users|T:users:left");
}

static void what_the_mirror_refused_is_forgotten_with_its_record(void **state)
{
    struct fixture *fixture = *state;
    struct store_prune_options options = options_of_line();
    execute(fixture,
            "INSERT INTO mirror_reject VALUES ('m', 'events', '" TENANT ":sign-ins:first', 1, 1, 'too large'), "
            "('m', 'events', '" TENANT ":sign-ins:at the line', 2, 1, 'too large'), "
            "('m', 'users', '" TENANT ":users:left', 3, 1, 'too large')");
    prune(fixture, &options);
    assert_rows(fixture, "SELECT doc_id FROM mirror_reject", TENANT ":sign-ins:at the line");
}

/* --- by size ---------------------------------------------------------------------------------------------------------
 */

/* Events of some kilobytes, one a minute from OLD on. */
static void keep_large(struct fixture *fixture, int n)
{
    g_autofree char *filler = g_strnfill(6000, 'x');
    struct store_page *page = page_new(fixture->customer, OLD, OLD + 1);
    g_autoptr(GPtrArray) bodies = g_ptr_array_new_with_free_func(g_free);
    for (int i = 0; i < n; i++) {
        g_autofree char *id = g_strdup_printf("large%04d", i), *when = timestamp_format_seconds(OLD + 60 * i);
        g_ptr_array_add(bodies, raw_of(id, filler));
        page_add(page, document_of(id, when, bodies->pdata[i], id));
    }
    commit(fixture, page);
    page_free(page);
}

static int64_t used_bytes(const struct fixture *fixture)
{
    g_autofree char *bytes =
        rows_in(fixture->path, "SELECT (page_count - freelist_count) * page_size FROM pragma_page_count, "
                               "pragma_freelist_count, pragma_page_size");
    return g_ascii_strtoll(bytes, NULL, 10);
}

static int64_t number(const struct fixture *fixture, const char *sql)
{
    g_autofree char *text = rows_in(fixture->path, sql);
    return g_ascii_strtoll(text, NULL, 10);
}

static void the_oldest_go_until_the_file_is_small_enough_and_the_rest_follows(void **state)
{
    struct fixture *fixture = *state;
    keep_large(fixture, 1000);
    keep_mail(fixture, "as old as the first", STORE_MAIL_SENT, OLD + 1);
    keep_mail(fixture, "as old as the last", STORE_MAIL_SENT, OLD + 60 * 999);
    int64_t used = used_bytes(fixture);
    struct store_prune_options options = {.max_bytes = used * 6 / 10, .now = AT};
    g_autoptr(StorePruneResult) result = prune_with(fixture, &options);
    int64_t left = number(fixture, "SELECT count(*) FROM event");
    assert_in_range(left, 450, 610); /* about six tenths: neither too few nor too many went */
    assert_in_range(used_bytes(fixture), 0, options.max_bytes);
    assert_in_range(result->bytes_after, 0, options.max_bytes);
    assert_true(result->bytes_needed <= options.max_bytes && !result->over_size && !result->estimated);
    g_autofree char *first = g_strdup_printf("large%04d", (int)(1000 - left));
    assert_rows(fixture, "SELECT id FROM event ORDER BY event_id LIMIT 1", first);
    assert_rows(fixture, "SELECT subject FROM mail", "as old as the last");
    assert_int_equal(number(fixture, "SELECT before_s FROM retention_line WHERE source = 'sign-ins'"),
                     OLD + 60 * (999 - left)); /* of whose second others may be there */
}

static void a_dry_run_by_size_estimates(void **state)
{
    struct fixture *fixture = *state;
    keep_large(fixture, 1000);
    struct store_prune_options options = {.max_bytes = used_bytes(fixture) * 6 / 10, .now = AT, .dry_run = true};
    g_autoptr(StorePruneResult) result = prune_with(fixture, &options);
    assert_true(result->estimated);
    assert_in_range(result->records, 300, 500);
    assert_int_equal(result->bytes_after, result->bytes_before);
    assert_rows(fixture, "SELECT count(*) FROM event", "1000");
}

static void a_dry_run_by_age_and_size_counts_nothing_twice(void **state)
{
    struct fixture *fixture = *state;
    const struct store_keep keep[] = {{"sign-ins", OLD + 60 * 500}};
    keep_large(fixture, 1000);
    struct store_prune_options options = {
        .keep = keep, .n_keep = 1, .max_bytes = used_bytes(fixture) * 6 / 10, .now = AT, .dry_run = true};
    g_autoptr(StorePruneResult) enough = prune_with(fixture, &options);
    assert_int_equal(enough->records, 500);
    assert_false(enough->estimated);
    options.max_bytes = options.max_bytes / 2;
    g_autoptr(StorePruneResult) more = prune_with(fixture, &options);
    assert_true(more->estimated);
    assert_in_range(more->records, 700, 900);
    assert_false(more->over_size);
}

static void what_is_held_keeps_the_file_too_large_and_that_is_told(void **state)
{
    struct fixture *fixture = *state;
    keep_large(fixture, 300);
    execute(fixture, "INSERT INTO mirror_position VALUES ('m', 100, 1, NULL, NULL)");
    struct store_prune_options options = {.max_bytes = used_bytes(fixture) / 2, .now = AT, .dry_run = true};
    g_autoptr(StorePruneResult) dry = prune_with(fixture, &options);
    assert_true(dry->over_size && !dry->unreachable);
    options.dry_run = false;
    g_autoptr(StorePruneResult) result = prune_with(fixture, &options);
    assert_false(result->unreachable);
    assert_int_equal(result->records, 100);
    assert_int_equal(result->held, 200);
    assert_true(result->over_size);
    assert_true(result->bytes_needed > options.max_bytes);
    options.force = true;
    g_autoptr(StorePruneResult) forced = prune_with(fixture, &options);
    assert_int_equal(forced->held, 0);
    assert_true(forced->records > 0);
}

/* Of what is no event, more than is allowed. */
static void where_all_events_would_not_be_enough_none_goes(void **state)
{
    struct fixture *fixture = *state;
    keep_large(fixture, 300);
    int64_t used = used_bytes(fixture);
    execute(fixture, "CREATE TABLE ballast AS SELECT zeroblob(8000000) AS bytes");
    struct store_prune_options options = {.max_bytes = 7000000, .now = AT, .dry_run = true};
    g_autoptr(StorePruneResult) dry = prune_with(fixture, &options);
    assert_true(dry->over_size && dry->unreachable);
    assert_int_equal(dry->records, 0);
    options.dry_run = false;
    g_autoptr(StorePruneResult) result = prune_with(fixture, &options);
    assert_true(result->over_size && result->unreachable);
    assert_int_equal(result->records + result->others, 0);
    assert_rows(fixture, "SELECT count(*) FROM event", "300");
    options.max_bytes = 8000000 + used * 7 / 10; /* that is within reach */
    g_autoptr(StorePruneResult) within = prune_with(fixture, &options);
    assert_false(within->over_size || within->unreachable);
    assert_in_range(within->records, 60, 200);
}

static void what_came_in_the_last_day_stays_whatever_the_size(void **state)
{
    struct fixture *fixture = *state;
    enum { LAST = OLD + 60 * 999 };
    keep_large(fixture, 1000);
    int64_t used = used_bytes(fixture);
    struct store_prune_options options = {.max_bytes = used * 6 / 10, .now = OLD + 60 * 200 + DAY};
    g_autoptr(StorePruneResult) flooded = prune_with(fixture, &options); /* 200 of them may go */
    assert_true(flooded->over_size && flooded->unreachable);
    assert_int_equal(flooded->records, 0);
    options.max_bytes = used * 82 / 100;
    g_autoptr(StorePruneResult) result = prune_with(fixture, &options);
    assert_in_range(result->records, 150, 200);
    assert_in_range(number(fixture, "SELECT min(event_id >> 20) FROM event"), OLD + 60 * 150, OLD + 60 * 200);
    options.now = LAST + 2 * DAY;
    options.max_bytes = used * 6 / 10;
    g_autoptr(StorePruneResult) later = prune_with(fixture, &options);
    assert_false(later->over_size);
    assert_true(later->records > 200);
}

static void a_file_that_is_small_enough_loses_nothing(void **state)
{
    struct fixture *fixture = *state;
    keep_large(fixture, 50);
    struct store_prune_options options = {.max_bytes = used_bytes(fixture), .now = AT};
    prune_told(fixture, &options, "");
}

static void free_pages_are_given_back(void **state)
{
    struct fixture *fixture = *state;
    struct store_prune_options options = options_of_line();
    keep_large(fixture, 400);
    g_autoptr(StorePruneResult) result = prune_with(fixture, &options);
    assert_true(result->bytes_after < result->bytes_before / 4);
    assert_false(result->log_held);
    assert_int_equal(number(fixture, "PRAGMA freelist_count"), 0);
    GStatBuf file;
    assert_int_equal(g_stat(fixture->path, &file), 0);
    assert_int_equal(file.st_size, result->bytes_after);
}

/* --- others at work --------------------------------------------------------------------------------------------------
 */

static void a_reader_keeps_what_it_saw_and_the_log_with_it(void **state)
{
    struct fixture *fixture = *state;
    struct store_prune_options options = options_of_line();
    sqlite3 *reader;
    sqlite3_stmt *count;
    assert_int_equal(sqlite3_open_v2(fixture->path, &reader, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    sqlite3_exec(reader, "BEGIN", NULL, NULL, NULL);
    sqlite3_prepare_v2(reader, "SELECT count(*) FROM event", -1, &count, NULL);
    assert_int_equal(sqlite3_step(count), SQLITE_ROW);
    g_autoptr(StorePruneResult) result = prune_with(fixture, &options);
    assert_true(result->log_held);
    sqlite3_reset(count);
    assert_int_equal(sqlite3_step(count), SQLITE_ROW);
    assert_int_equal(sqlite3_column_int(count, 0), 8);
    sqlite3_finalize(count);
    sqlite3_close(reader);
    assert_rows(fixture, "SELECT count(*) FROM event", "3");
}

/* What a test does while prune rests. */
struct meddler {
    struct fixture *fixture;
    void (*meddle)(struct fixture *other);
    int64_t after; /* calls */
    int64_t calls;
    bool stops;
};

static bool meddle(const char *doing, int64_t done, int64_t of, void *user)
{
    struct meddler *meddler = user;
    assert_non_null(doing);
    assert_true(done >= 0 && of >= 0);
    if (++meddler->calls != meddler->after)
        return true;
    if (meddler->stops)
        return false;
    struct fixture other = *meddler->fixture;
    other.store = store_open(other.path, STORE_WRITE, NULL);
    assert_non_null(other.store);
    meddler->meddle(&other);
    store_close(other.store);
    return true;
}

static void keep_hundred(struct fixture *fixture)
{
    struct store_page *page = page_new(fixture->customer, OLD, OLD + 1);
    for (int i = 0; i < 100; i++) {
        g_autofree char *id = g_strdup_printf("e%03d", i), *when = timestamp_format_seconds(OLD + i);
        page_add(page, document_of(id, when, "{\"v\":1}", id));
    }
    commit(fixture, page);
    page_free(page);
}

/* The first transaction has taken 32 of what was looked at. */
static void collect_meanwhile(struct fixture *other)
{
    assert_rows(other, "SELECT count(*) FROM event", "68");
    keep_event(other, 1, TENANT, "sign-ins", "e090", OLD + 90, "{\"v\":2}"); /* another body */
    keep_event(other, 1, TENANT, "sign-ins", "e091", NEW, "{\"v\":2}");      /* another time, that stays */
    keep_event(other, 1, TENANT, "sign-ins", "e092", OLD + 95, "{\"v\":2}"); /* another time, that goes */
    keep_event(other, 1, TENANT, "directory-audits", "late", OLD + 99, NULL);
}

static void a_row_that_a_collector_changes_or_moves_in_between_is_judged_anew(void **state)
{
    struct fixture *fixture = *state;
    struct meddler meddler = {.fixture = fixture, .meddle = collect_meanwhile, .after = 1};
    struct store_watch watch = {meddle, &meddler};
    struct store_prune_options options = options_of_line();
    options.watch = &watch;
    keep_hundred(fixture);
    execute(fixture, "INSERT INTO mirror_position VALUES ('m', 100, 1, NULL, NULL)");
    g_autoptr(StorePruneResult) first = prune_with(fixture, &options);
    assert_rows(fixture, "SELECT id FROM event ORDER BY id", "e090\ne091\ne092\nlate");
    assert_true(first->held > 0);
    assert_int_equal(first->records, 97);
    execute(fixture, "UPDATE mirror_position SET seq = 104");
    g_autoptr(StorePruneResult) second = prune_with(fixture, &options);
    assert_rows(fixture, "SELECT id FROM event ORDER BY id", "e091");
    assert_int_equal(second->records, 3);
}

/* The same is said of a hundred accounts, u00 to u99. */
static void account_hundred(struct fixture *fixture, int64_t at, const char *reason)
{
    struct said said[100];
    g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < G_N_ELEMENTS(said); i++) {
        char *id = g_strdup_printf("u%02u", i), *raw = g_strdup_printf("{\"id\":\"u%02u\"}", i);
        g_ptr_array_add(texts, id);
        g_ptr_array_add(texts, raw);
        said[i] = (struct said){id, reason, raw};
    }
    say_at(fixture, STORE_ROUND_DELTA, at, said, G_N_ELEMENTS(said));
}

static void come_back(struct fixture *other)
{
    assert_rows(other, "SELECT count(*) FROM user", "68");
    account_says(other, AT, "u90", NULL, 3);
}

static void an_account_that_returns_in_between_stays_with_its_history(void **state)
{
    struct fixture *fixture = *state;
    struct meddler meddler = {.fixture = fixture, .meddle = come_back, .after = 2}; /* the first looked at events */
    struct store_watch watch = {meddle, &meddler};
    const struct store_keep keep[] = {{"users", LINE}};
    struct store_prune_options options = {.keep = keep, .n_keep = 1, .now = AT, .watch = &watch};
    account_hundred(fixture, OLD, NULL);
    account_hundred(fixture, OLD + 1, "deleted");
    g_autoptr(StorePruneResult) result = prune_with(fixture, &options);
    assert_rows(fixture, "SELECT id, removed_at FROM user", "u90|NULL");
    assert_int_equal(result->records, 99);
    assert_rows(fixture, "SELECT count(*) > 0 FROM user_change", "1");
}

static void a_run_that_is_stopped_anywhere_leaves_a_sound_store_and_the_next_goes_on(void **state)
{
    struct fixture *fixture = *state;
    struct meddler meddler = {.fixture = fixture, .stops = true};
    struct store_watch watch = {meddle, &meddler};
    struct store_prune_options options = options_of_line();
    g_autoptr(GError) error = NULL;
    int stopped = 0;
    options.watch = &watch;
    for (meddler.after = 1;; meddler.after += 3) {
        meddler.calls = 0;
        g_autoptr(StorePruneResult) result = store_prune(fixture->store, &options, &error);
        if (result)
            break;
        assert_refused(false, &error, STORE_ERROR_STOPPED, "stopped while");
        assert_ok(store_verify(fixture->store, &error), error);
        stopped++;
    }
    assert_true(stopped > 3);
    for (size_t i = 0; i < G_N_ELEMENTS(tables); i++)
        assert_rows(fixture, tables[i].look, tables[i].after);
}

/* The second at which a run is stopped keeps those that were not reached. */
static void the_line_of_a_run_that_was_stopped_claims_no_more_than_went(void **state)
{
    struct fixture *fixture = *state;
    struct store_page *page = page_new(fixture->customer, OLD, OLD + 1);
    for (int i = 0; i < 100; i++) {
        g_autofree char *id = g_strdup_printf("e%03d", i), *when = timestamp_format_seconds(OLD);
        page_add(page, document_of(id, when, "{\"v\":1}", id));
    }
    commit(fixture, page);
    page_free(page);
    struct meddler meddler = {.fixture = fixture, .stops = true, .after = 1};
    struct store_watch watch = {meddle, &meddler};
    struct store_prune_options options = options_of_line();
    options.watch = &watch;
    g_autoptr(GError) error = NULL;
    g_autoptr(StorePruneResult) result = store_prune(fixture->store, &options, &error);
    assert_refused(result != NULL, &error, STORE_ERROR_STOPPED, "stopped while");
    assert_rows(fixture, "SELECT count(*) FROM event", "68");
    assert_rows(fixture, "SELECT before_s - 1793952000 FROM retention_line", "0");
    options.watch = NULL;
    prune(fixture, &options);
    assert_rows(fixture, "SELECT before_s, records FROM retention_line", "1794816000|100");
    execute(fixture, "UPDATE retention_line SET before_s = before_s - 60"); /* cut short before it was written */
    options.now = AT + 1;
    prune_told(fixture, &options, "");
    assert_rows(fixture, "SELECT before_s, records, pruned_at FROM retention_line", "1794816000|100|1795680000");
}

/* --- a full disk -----------------------------------------------------------------------------------------------------
 */

/* No file may become larger than `bytes`: to SQLite a write that fails, as on a disk that is full. */
static void limit_files(rlim_t bytes)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static rlim_t size_of(const char *path)
{
    GStatBuf file;
    assert_int_equal(g_stat(path, &file), 0);
    return (rlim_t)file.st_size;
}

static void on_a_full_disk_the_reserve_goes_first_and_small_steps_follow(void **state)
{
    struct fixture *fixture = *state;
    struct store_prune_options options = options_of_line();
    keep_large(fixture, 400); /* all of it is in the log still, which cannot grow */
    g_autofree char *reserve = g_strconcat(fixture->path, ".reserve", NULL),
                    *log = g_strconcat(fixture->path, "-wal", NULL);
    assert_true(g_file_set_contents(reserve, "held", 4, NULL));
    void (*before)(int) = signal(SIGXFSZ, SIG_IGN);
    rlim_t file = (rlim_t)number(fixture, "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size");
    limit_files(MAX(size_of(log), file));
    g_autoptr(StorePruneResult) result = prune_with(fixture, &options);
    limit_files(RLIM_INFINITY);
    signal(SIGXFSZ, before);
    assert_true(result->reserve_used);
    assert_false(g_file_test(reserve, G_FILE_TEST_EXISTS));
    assert_rows(fixture, "SELECT count(*) FROM event", "0");
    assert_int_equal(result->records, 400);
    assert_int_equal(number(fixture, "SELECT records FROM collection"), 0);
    assert_rows(fixture, "SELECT k, v FROM event_fts_config WHERE k LIKE '%merge' ORDER BY k",
                "automerge|8\ncrisismerge|64"); /* it was others for a while */
}

static void where_not_even_the_reserve_helps_it_says_what_to_do_and_nothing_is_lost(void **state)
{
    struct fixture *fixture = *state;
    struct store_prune_options options = options_of_line();
    keep_large(fixture, 400);
    execute(fixture, "PRAGMA wal_checkpoint(TRUNCATE)");
    void (*before)(int) = signal(SIGXFSZ, SIG_IGN);
    limit_files(4096);
    g_autoptr(GError) error = NULL;
    g_autoptr(StorePruneResult) result = store_prune(fixture->store, &options, &error);
    limit_files(RLIM_INFINITY);
    signal(SIGXFSZ, before);
    assert_refused(result != NULL, &error, STORE_ERROR_FULL, "disk is full");
    assert_rows(fixture, "SELECT count(*) FROM event", "400");
    prune_told(fixture, &options, "contoso sign-ins: 400 records, 0 others, 0 held, 1793952000 to 1793975940");
}

/* After the first transaction no file may grow, and no log be begun. */
static bool fill_up(const char *doing, int64_t done, int64_t of, void *user)
{
    (void)doing;
    (void)of;
    if (done > 0 && !*(bool *)user) {
        *(bool *)user = true;
        limit_files(4096);
    }
    return true;
}

static void where_the_disk_becomes_full_it_says_what_went_until_then(void **state)
{
    struct fixture *fixture = *state;
    bool filled = false;
    struct store_watch watch = {fill_up, &filled};
    struct store_prune_options options = options_of_line();
    options.watch = &watch;
    keep_large(fixture, 400);
    void (*before)(int) = signal(SIGXFSZ, SIG_IGN);
    g_autoptr(GError) error = NULL;
    g_autoptr(StorePruneResult) result = store_prune(fixture->store, &options, &error);
    limit_files(RLIM_INFINITY);
    signal(SIGXFSZ, before);
    assert_refused(result != NULL, &error, STORE_ERROR_FULL,
                   "what was deleted so far stays deleted, 32 records and 0 other rows");
    assert_rows(fixture, "SELECT count(*) FROM event", "368");
}

static void a_store_that_cannot_be_written_is_told_so(void **state)
{
    struct fixture *fixture = *state;
    struct store_prune_options options = options_of_line();
    sign_in(fixture, "old", OLD);
    g_autoptr(Store) reading = store_open(fixture->path, STORE_READ, NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(StorePruneResult) result = store_prune(reading, &options, &error);
    assert_refused(result != NULL, &error, STORE_ERROR_READ_ONLY, "cannot be written");
    options.dry_run = true;
    struct fixture viewer = {.store = reading};
    prune_told(&viewer, &options, "contoso sign-ins: 1 records, 0 others, 0 held, 1793952000 to 1793952000");
}

static void a_key_that_leads_astray_goes_with_its_event(void **state)
{
    struct fixture *fixture = *state;
    struct store_prune_options options = options_of_line();
    sign_in(fixture, "old", OLD);
    execute(fixture, "UPDATE event_key SET key = x'00112233445566778899aabbccddeeff'");
    prune_told(fixture, &options, "contoso sign-ins: 1 records, 0 others, 0 held, 1793952000 to 1793952000");
    assert_rows(fixture, "SELECT count(*) FROM event_key", "0");
}

int main(void)
{
#define EMPTY(test)  cmocka_unit_test_setup_teardown(test, setup_store, teardown_verified)
#define FILLED(test) cmocka_unit_test_setup_teardown(test, setup_everything, teardown_verified)
    static const struct CMUnitTest tests[] = {
        FILLED(of_each_table_the_old_goes_and_what_is_open_stays),
        FILLED(a_source_goes_by_its_own_line),
        FILLED(where_all_is_kept_nothing_is_written),
        FILLED(what_was_deleted_is_told_by_source_with_the_line_that_was_reached),
        FILLED(deleted_text_is_merged_away_when_it_is_much),
        EMPTY(little_deleted_text_is_only_counted),
        EMPTY(an_event_without_time_goes_by_its_reception),
        EMPTY(the_last_scan_and_what_it_saw_stay_however_old),
        EMPTY(thousands_of_rows_go_in_the_order_of_their_keys),
        FILLED(a_dry_run_changes_nothing_and_tells_what_the_real_one_does),
        EMPTY(what_a_mirror_has_still_to_be_sent_is_held_unless_it_is_forced),
        FILLED(where_a_mirror_has_never_been_at_work_all_is_held),
        EMPTY(a_record_that_changed_since_it_was_sent_is_held),
        EMPTY(an_account_is_held_with_all_its_changes),
        FILLED(tombstones_name_what_the_mirror_is_to_delete),
        FILLED(what_the_mirror_refused_is_forgotten_with_its_record),
        EMPTY(the_oldest_go_until_the_file_is_small_enough_and_the_rest_follows),
        EMPTY(a_dry_run_by_size_estimates),
        EMPTY(a_dry_run_by_age_and_size_counts_nothing_twice),
        EMPTY(what_is_held_keeps_the_file_too_large_and_that_is_told),
        EMPTY(where_all_events_would_not_be_enough_none_goes),
        EMPTY(what_came_in_the_last_day_stays_whatever_the_size),
        EMPTY(the_line_of_a_run_that_was_stopped_claims_no_more_than_went),
        EMPTY(a_file_that_is_small_enough_loses_nothing),
        EMPTY(free_pages_are_given_back),
        FILLED(a_reader_keeps_what_it_saw_and_the_log_with_it),
        EMPTY(a_row_that_a_collector_changes_or_moves_in_between_is_judged_anew),
        EMPTY(an_account_that_returns_in_between_stays_with_its_history),
        FILLED(a_run_that_is_stopped_anywhere_leaves_a_sound_store_and_the_next_goes_on),
        EMPTY(on_a_full_disk_the_reserve_goes_first_and_small_steps_follow),
        EMPTY(where_not_even_the_reserve_helps_it_says_what_to_do_and_nothing_is_lost),
        EMPTY(where_the_disk_becomes_full_it_says_what_went_until_then),
        EMPTY(a_store_that_cannot_be_written_is_told_so),
        EMPTY(a_key_that_leads_astray_goes_with_its_event),
    };
    return cmocka_run_group_tests(tests, make_everything, drop_everything);
}
