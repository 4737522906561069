/* The schema: the same from migrations and from schema/, usable from the plain shell, and fast where it was meant to
 * be. */
#include "fixture.h"

#include "store/migrations.h"
#include "store/statements.h"

static const char *const schema_files[] = {"tables", "fts", "indexes", "views"};

static char *schema_file(const char *name)
{
    g_autofree char *path = g_strdup_printf("%s/schema/%s.sql", M365KEEP_SOURCE_DIR, name);
    char *sql = NULL;
    if (!g_file_get_contents(path, &sql, NULL, NULL))
        fail_msg("cannot read %s", path);
    return sql;
}

static sqlite3 *memory_database(void)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    return db;
}

static void run(sqlite3 *db, const char *sql)
{
    char *words = NULL;
    if (sqlite3_exec(db, sql, NULL, NULL, &words) != SQLITE_OK)
        fail_msg("%s", words);
}

static sqlite3 *schema_database(void)
{
    sqlite3 *db = memory_database();
    for (size_t i = 0; i < G_N_ELEMENTS(schema_files); i++) {
        g_autofree char *sql = schema_file(schema_files[i]);
        run(db, sql);
    }
    return db;
}

/* Without comments and with single spaces: what SQLite understands of it. */
static char *normalised(const char *sql)
{
    g_autoptr(GRegex) comment = g_regex_new("--[^\n]*", 0, 0, NULL);
    g_autoptr(GRegex) space = g_regex_new("\\s+", 0, 0, NULL);
    g_autofree char *bare = g_regex_replace_literal(comment, sql, -1, 0, "", 0, NULL);
    g_autofree char *single = g_regex_replace_literal(space, bare, -1, 0, " ", 0, NULL);
    return g_strdup(g_strstrip(single));
}

static char *dump(sqlite3 *db)
{
    GString *out = g_string_new(NULL);
    sqlite3_stmt *rows = NULL;
    sqlite3_prepare_v2(db, "SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_master ORDER BY type, name", -1,
                       &rows, NULL);
    while (sqlite3_step(rows) == SQLITE_ROW) {
        g_autofree char *sql = normalised((const char *)sqlite3_column_text(rows, 3));
        g_string_append_printf(out, "%s %s %s %s\n", sqlite3_column_text(rows, 0), sqlite3_column_text(rows, 1),
                               sqlite3_column_text(rows, 2), sql);
    }
    sqlite3_finalize(rows);
    return g_string_free(out, FALSE);
}

static void all_migrations_on_an_empty_file_give_the_schema(void **state)
{
    (void)state;
    sqlite3 *migrated = memory_database(), *fresh = schema_database();
    for (unsigned i = 0; i < store_migration_count; i++)
        run(migrated, store_migrations[i].sql);
    g_autofree char *a = dump(migrated), *b = dump(fresh);
    assert_string_equal(a, b);
    sqlite3_close(migrated);
    sqlite3_close(fresh);
}

static void migrations_are_numbered_without_a_gap(void **state)
{
    (void)state;
    assert_true(store_migration_count > 0);
    for (unsigned i = 0; i < store_migration_count; i++)
        assert_int_equal(store_migrations[i].version, i + 1);
}

static void every_named_statement_prepares_on_a_fresh_schema(void **state)
{
    (void)state;
    sqlite3 *db = schema_database();
    for (int i = 0; i < STATEMENT_COUNT; i++) {
        sqlite3_stmt *statement = NULL;
        if (!statement_texts[i].name ||
            sqlite3_prepare_v2(db, statement_texts[i].sql, -1, &statement, NULL) != SQLITE_OK)
            fail_msg("%d %s: %s", i, statement_texts[i].name, sqlite3_errmsg(db));
        sqlite3_finalize(statement);
    }
    sqlite3_close(db);
}

static void every_view_can_be_read_by_the_plain_shell(void **state)
{
    struct fixture *fixture = *state;
    g_autofree char *names = rows_in(fixture->path, "SELECT name FROM sqlite_master WHERE type = 'view'");
    g_auto(GStrv) views = g_strsplit(names, "\n", -1);
    assert_true(g_strv_length(views) > 15);
    for (char **view = views; *view; view++) {
        g_autofree char *sql = g_strdup_printf("SELECT * FROM %s", *view);
        g_free(rows_in(fixture->path, sql));
    }
}

static void the_views_have_the_promised_columns(void **state)
{
    static const struct {
        const char *view, *columns;
    } promises[] = {
        {"events", "event_id,customer,tenant_id,source,id,timestamp,service,operation,result,actor_display,"
                   "target_displays,display_summary,dedupe_key,actor,targets,raw,raw_text,first_seen,changed_at"},
        {"event_versions", "event_id,seq,stored_at,replaced_at,raw,content_hash"},
        {"users",
         "user_id,customer,tenant_id,id,user_principal_name,display_name,mail,account_enabled,user_type,created,"
         "last_sign_in,removed_at,removed_reason,raw,raw_text,first_seen,changed_at"},
        {"user_changes", "customer,id,field,old_value,new_value,seen_at"},
        {"user_rounds", "customer,part,kind,complete,records,unreadable,started_at,completed_at,saved_at"},
        {"service_states", "customer,tenant_id,service,status,first_seen,last_seen,samples"},
        {"health_scans", "customer,tenant_id,at,ok,error,at_s"},
        {"service_overviews", "overview_id,customer,tenant_id,id,service,status,raw,first_seen,changed_at"},
        {"overview_versions", "overview_id,seq,stored_at,replaced_at,raw,content_hash"},
        {"service_issues", "issue_id,customer,tenant_id,id,service,title,classification,status,is_resolved,start,end,"
                           "last_modified,posts,raw,raw_text,first_seen,changed_at"},
        {"issue_versions", "issue_id,seq,stored_at,replaced_at,raw,content_hash"},
        {"service_messages",
         "message_id,customer,tenant_id,id,title,services,category,severity,is_major_change,start,end,last_modified,"
         "action_required_by,body,raw,raw_text,first_seen,changed_at"},
        {"message_versions", "message_id,seq,stored_at,replaced_at,raw,content_hash"},
        {"coverage", "customer,source,part,from,to,state,read_at,reads,records,late_records"},
        {"collections", "customer,tenant_id,source,records,newest,last_run_at,last_success_at,last_error_at,last_error,"
                        "last_status"},
        {"mail_outbox", "mail_id,customer,tenant_id,kind,from,to,resend,subject,sender,message_id,state,attempts,"
                        "created_at,begun_at,next_attempt_at,sent_at,answer,recipients,message_bytes"},
        {"mail_recipients", "mail_id,customer,tenant_id,address,state,code,answer"},
    };
    struct fixture *fixture = *state;
    for (size_t i = 0; i < G_N_ELEMENTS(promises); i++) {
        g_autofree char *sql =
            g_strdup_printf("SELECT group_concat(name) FROM pragma_table_info('%s')", promises[i].view);
        assert_rows(fixture, sql, promises[i].columns);
    }
}

static void the_file_tells_what_it_is(void **state)
{
    struct fixture *fixture = *state;
    assert_rows(fixture, "PRAGMA application_id", "1295201845");
    assert_rows(fixture, "PRAGMA user_version", "5");
    assert_rows(fixture, "PRAGMA page_size", "16384");
    assert_rows(fixture, "PRAGMA auto_vacuum", "2");
    assert_rows(fixture, "PRAGMA journal_mode", "wal");
    assert_rows(fixture, "SELECT k, v FROM event_fts_config WHERE k <> 'version' ORDER BY k",
                "automerge|8\ncrisismerge|64\nhashsize|16777216");
}

static void tables_and_columns_are_explained_in_the_database_itself(void **state)
{
    struct fixture *fixture = *state;
    assert_rows(fixture,
                "SELECT count(*) FROM sqlite_master WHERE type IN ('table', 'view') AND name = 'events' "
                "AND sql LIKE '%-- the record as JSON, byte for byte%'",
                "1");
    assert_rows(fixture, "SELECT count(*) FROM sqlite_master WHERE name = 'event' AND sql LIKE '%-- when it happened%'",
                "1");
    assert_rows(fixture,
                "SELECT count(*) FROM sqlite_master WHERE name = 'collection' AND sql LIKE '%-- of the latest "
                "run; skipped: %'",
                "1");
}

/* --- plans
 * ------------------------------------------------------------------------------------------------------------ */

static char *plan_of(const struct fixture *fixture, const char *sql)
{
    g_autofree char *explain = g_strconcat("EXPLAIN QUERY PLAN ", sql, NULL);
    return rows_in(fixture->path, explain);
}

/* The plan holds `wanted`, sorts nothing and walks no whole table but where `wanted` says so. */
static void assert_plan(const struct fixture *fixture, const char *sql, const char *wanted)
{
    g_autofree char *plan = plan_of(fixture, sql);
    if (!strstr(plan, wanted) || strstr(plan, "TEMP B-TREE"))
        fail_msg("%s\n%s", sql, plan);
}

static void questions_from_the_shell_use_their_index(void **state)
{
    struct fixture *fixture = *state;
    assert_plan(fixture, "SELECT * FROM events WHERE timestamp >= '2026-11-20'", "USING INDEX event_timestamp");
    assert_plan(fixture, "SELECT * FROM events WHERE timestamp >= '2026-11-20' ORDER BY timestamp DESC LIMIT 5",
                "USING INDEX event_timestamp");
    assert_plan(fixture, "SELECT * FROM sign_ins WHERE timestamp >= '2026-11-20'", "USING INDEX event_timestamp");
    assert_plan(fixture, "SELECT * FROM events WHERE actor_display = 'ADA@example.org'", "USING INDEX event_actor");
    assert_plan(fixture, "SELECT * FROM events WHERE operation = 'add user'", "USING INDEX event_operation");
    assert_plan(fixture, "SELECT * FROM events WHERE event_id = 5", "SEARCH e USING INTEGER PRIMARY KEY");
    assert_plan(fixture, "SELECT * FROM events ORDER BY event_id DESC LIMIT 50", "SCAN e");
    assert_plan(fixture, "SELECT * FROM event WHERE seq > 5 ORDER BY seq LIMIT 500", "USING INDEX event_seq");
    assert_plan(fixture, "SELECT * FROM service_issues WHERE last_modified >= '2026-11-20' ORDER BY last_modified DESC",
                "USING INDEX service_issue_modified");
    assert_plan(fixture, "SELECT * FROM service_messages ORDER BY last_modified DESC LIMIT 5",
                "USING INDEX service_message_modified");
    assert_plan(fixture, "SELECT * FROM service_issues WHERE customer = 'contoso'",
                "sqlite_autoindex_service_issue_1 (customer_id=?)");
    assert_plan(fixture, "SELECT * FROM service_messages WHERE tenant_id = 'x'",
                "sqlite_autoindex_service_message_1 (customer_id=?)");
    assert_plan(fixture, "SELECT * FROM health_scans WHERE customer = 'contoso'", "PRIMARY KEY (customer_id=?)");
    assert_plan(fixture, "SELECT * FROM health_scans WHERE tenant_id = 'x' AND at_s > 5 AND at_s < 9",
                "PRIMARY KEY (customer_id=? AND at>? AND at<?)");
    assert_plan(fixture, "SELECT * FROM service_states WHERE tenant_id = 'x' AND service = 'Exchange'",
                "sqlite_autoindex_service_state_1 (customer_id=? AND service=?)");
    assert_plan(fixture, "SELECT * FROM users WHERE user_principal_name = 'ADA@example.org'", "USING INDEX user_name");
}

static void a_full_text_question_starts_at_the_index_and_sorts_nothing(void **state)
{
    static const char *const questions[] = {
        "SELECT timestamp, display_summary FROM event_fts JOIN events ON event_id = event_fts.rowid "
        "WHERE event_fts MATCH 'alice \"reset password\"'",
        "SELECT * FROM event_fts JOIN events ON event_id = event_fts.rowid WHERE event_fts MATCH 'alice' "
        "ORDER BY event_fts.rowid DESC LIMIT 50",
    };
    struct fixture *fixture = *state;
    for (size_t i = 0; i < G_N_ELEMENTS(questions); i++) {
        g_autofree char *plan = plan_of(fixture, questions[i]);
        const char *fts = strstr(plan, "SCAN event_fts VIRTUAL TABLE"), *event = strstr(plan, "SEARCH e USING INTEGER");
        if (!fts || !event || fts > event || strstr(plan, "TEMP B-TREE") || strstr(plan, "SCAN e\n"))
            fail_msg("%s", plan);
    }
}

static void the_hot_statements_neither_sort_nor_scan(void **state)
{
    static const struct {
        enum statement_id id;
        const char *wanted;
    } hot[] = {
        {STATEMENT_KEY_FIND, "SEARCH event_key USING PRIMARY KEY (key=?)"},
        {STATEMENT_KEY_UPDATE, "SEARCH event_key USING PRIMARY KEY (key=?)"},
        {STATEMENT_EVENT_LAST_OF_SECOND, "USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"},
        {STATEMENT_EVENT_UPDATE, "SEARCH event USING INTEGER PRIMARY KEY (rowid=?)"},
        {STATEMENT_VERSION_INSERT, "SEARCH event USING INTEGER PRIMARY KEY (rowid=?)"},
        {STATEMENT_VERSION_MOVE, "SEARCH event_version USING"},
        {STATEMENT_COVERAGE_OVERLAP, "USING PRIMARY KEY (customer_id=? AND source=? AND part=? AND from_s<?)"},
        {STATEMENT_CURSOR_READ, "USING PRIMARY KEY (customer_id=? AND source=? AND part=?)"},
        {STATEMENT_SEARCH_ALL, "SEARCH e USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"},
        {STATEMENT_SEARCH_FTS, "SCAN event_fts VIRTUAL TABLE INDEX"},
        {STATEMENT_SEARCH_FTS, "SEARCH e USING INTEGER PRIMARY KEY (rowid=?)"},
        {STATEMENT_COUNT_FTS, "SCAN event_fts VIRTUAL TABLE INDEX"},
        {STATEMENT_CUSTOMER_FIND, "SEARCH customer USING"},
        {STATEMENT_USER_FIND, "SEARCH user USING INDEX sqlite_autoindex_user_1 (customer_id=? AND id=?)"},
        {STATEMENT_USER_UPDATE, "SEARCH user USING INTEGER PRIMARY KEY (rowid=?)"},
        {STATEMENT_USER_STATE, "SEARCH user USING INTEGER PRIMARY KEY (rowid=?)"},
        {STATEMENT_USER_FTS_READ, "SCAN user_fts VIRTUAL TABLE INDEX 0:="},
        {STATEMENT_USERS_PRESENT, "USING COVERING INDEX user_removed (customer_id=? AND removed_at=?)"},
        {STATEMENT_LISTING_EMPTY, "SEARCH user_listing USING PRIMARY KEY (customer_id=?)"},
        {STATEMENT_LISTING_MISSING, "USING INDEX user_removed (customer_id=? AND removed_at=? AND rowid>?)"},
        {STATEMENT_LISTING_MISSING, "SEARCH l USING PRIMARY KEY (customer_id=? AND user_id=?)"},
        {STATEMENT_ROUND_READ, "USING PRIMARY KEY (customer_id=? AND source=? AND part=?)"},
        {STATEMENT_SEARCH_USERS_ALL, "SCAN user USING INDEX user_name"},
        {STATEMENT_SEARCH_USERS_ROW, "SEARCH u USING INTEGER PRIMARY KEY (rowid=?)"},
        {STATEMENT_OVERVIEW_FIND, "USING INDEX sqlite_autoindex_service_overview_1 (customer_id=? AND id=?)"},
        {STATEMENT_ISSUE_FIND, "USING INDEX sqlite_autoindex_service_issue_1 (customer_id=? AND id=?)"},
        {STATEMENT_MESSAGE_FIND, "USING INDEX sqlite_autoindex_service_message_1 (customer_id=? AND id=?)"},
        {STATEMENT_ISSUE_VERSION_INSERT, "SEARCH r USING INTEGER PRIMARY KEY (rowid=?)"},
        {STATEMENT_ISSUE_VERSION_INSERT, "SEARCH v USING INDEX sqlite_autoindex_issue_version_1 (issue_id=?)"},
        {STATEMENT_ISSUE_FTS_READ, "SCAN issue_fts VIRTUAL TABLE INDEX 0:="},
        {STATEMENT_MESSAGE_FTS_READ, "SCAN message_fts VIRTUAL TABLE INDEX 0:="},
        {STATEMENT_SCAN_LAST_GOOD, "SEARCH health_scan USING PRIMARY KEY (customer_id=? AND at<?)"},
        {STATEMENT_STATE_AROUND, "USING INDEX sqlite_autoindex_service_state_1 (customer_id=?)"},
        {STATEMENT_STATE_LATEST, "USING INDEX sqlite_autoindex_service_state_1 (customer_id=? AND service=?)"},
        {STATEMENT_STATE_EXTEND, "SEARCH service_state USING INTEGER PRIMARY KEY (rowid=?)"},
        {STATEMENT_SEARCH_ISSUES_ALL, "SCAN service_issue USING COVERING INDEX service_issue_modified"},
        {STATEMENT_SEARCH_ISSUES_ROW, "SEARCH i USING INTEGER PRIMARY KEY (rowid=?)"},
        {STATEMENT_SEARCH_MESSAGES_ALL, "SCAN service_message USING COVERING INDEX service_message_modified"},
        {STATEMENT_SEARCH_MESSAGES_ROW, "SEARCH m USING INTEGER PRIMARY KEY (rowid=?)"},
        {STATEMENT_VERIFY_SEQ, "SCAN event USING COVERING INDEX event_seq"},
        {STATEMENT_REPORT_STATES, "SEARCH s USING INDEX sqlite_autoindex_service_state_1 (customer_id=?)"},
        {STATEMENT_REPORT_STATES, "sqlite_autoindex_service_state_1 (customer_id=? AND service=? AND first_seen>?)"},
        {STATEMENT_REPORT_SCANS, "SEARCH health_scan USING PRIMARY KEY (customer_id=? AND at>? AND at<?)"},
        {STATEMENT_MAIL_LIVE, "SEARCH mail USING INDEX mail_once (<expr>=? AND kind=? AND from_s=? AND to_s=?)"},
        {STATEMENT_MAIL_LATEST, "SEARCH m USING INDEX mail_window (customer_id=? AND kind=? AND from_s=? AND to_s=?)"},
        {STATEMENT_MAIL_READ, "SEARCH m USING INTEGER PRIMARY KEY (rowid=?)"},
        {STATEMENT_MAIL_READ_HEAD, "SEARCH m USING INTEGER PRIMARY KEY (rowid=?)"},
        {STATEMENT_MAIL_REQUEUE, "SEARCH mail USING INTEGER PRIMARY KEY (rowid=?)"},
        {STATEMENT_MAIL_REQUEUE_RECIPIENTS, "SEARCH mail_recipient USING PRIMARY KEY (mail_id=?)"},
        {STATEMENT_MAIL_LEFT, "USING COVERING INDEX mail_open (state=?)"},
        {STATEMENT_MAIL_RECIPIENTS, "SEARCH mail_recipient USING PRIMARY KEY (mail_id=?)"},
        {STATEMENT_MAIL_RECIPIENT_UPDATE, "sqlite_autoindex_mail_recipient_2 (mail_id=? AND address=?)"},
        {STATEMENT_MAIL_NOTE, "SEARCH mail USING INTEGER PRIMARY KEY (rowid=?)"},
        {STATEMENT_MAIL_RECOVER, "USING INDEX mail_open (state=?)"},
    };
    struct fixture *fixture = *state;
    for (size_t i = 0; i < G_N_ELEMENTS(hot); i++)
        assert_plan(fixture, statement_texts[hot[i].id].sql, hot[i].wanted);
}

/* --- recipes
 * ---------------------------------------------------------------------------------------------------------- */

/* Something to look at. */
static void fill(struct fixture *fixture)
{
    struct store_page *page = page_new(fixture->customer, AT - 7200, AT - 3600);
    struct document *failed = document_of(
        "f1", "2026-11-26T06:30:00Z",
        "{\"id\":\"f1\",\"userPrincipalName\":\"ada@example.org\",\"location\":{\"countryOrRegion\":\"CZ\"},"
        "\"status\":{\"errorCode\":50126,\"failureReason\":\"Invalid password\"}}",
        "invalid password");
    struct document *role = document_of("r1", "2026-11-26T06:31:00Z", "{\"id\":\"r1\"}", "role");
    g_free(failed->result);
    failed->result = g_strdup("failure");
    document_seal(failed, TENANT, "sign-ins");
    g_free(role->operation);
    role->operation = g_strdup("Add member to role");
    document_seal(role, TENANT, "sign-ins");
    page_add(page, failed);
    page_add(page, role);
    commit(fixture, page);
    page_free(page);

    g_autoptr(GError) error = NULL;
    struct store_window lost = {AT - 20000, AT - 10000};
    assert_ok(store_mark_lost(fixture->store, fixture->customer, "sign-ins", "", lost, AT, &error), error);
}

/* That each finds what it is for is another test's, with the shell that people use and a tenant of records. */
static void every_recipe_says_what_it_answers_and_runs_on_this_schema(void **state)
{
    struct fixture *fixture = *state;
    fill(fixture);
    GDir *dir = g_dir_open(M365KEEP_SOURCE_DIR "/schema/queries", 0, NULL);
    int n = 0;
    for (const char *name; dir && (name = g_dir_read_name(dir)); n++) {
        g_autofree char *file = g_build_filename(M365KEEP_SOURCE_DIR "/schema/queries", name, NULL);
        g_autofree char *sql = NULL;
        assert_true(g_file_get_contents(file, &sql, NULL, NULL));
        if (!g_str_has_prefix(sql, "-- "))
            fail_msg("%s does not begin by saying what it answers", name);
        g_free(rows_in(fixture->path, sql));
    }
    g_dir_close(dir);
    assert_true(n >= 5);
}

/* --- derived columns
 * ----------------------------------------------------------------------------------------------------- */

static void actor_and_targets_are_derived_from_the_record_of_each_source(void **state)
{
    static const struct {
        const char *source, *raw, *actor, *targets;
    } cases[] = {
        {"sign-ins",
         "{\"userId\":\"u1\",\"userDisplayName\":\"Ada\",\"userPrincipalName\":\"ada@x\",\"ipAddress\":\"::1\","
         "\"appId\":\"a1\",\"appDisplayName\":\"Portal\"}",
         "{\"userId\":\"u1\",\"displayName\":\"Ada\",\"userPrincipalName\":\"ada@x\",\"ipAddress\":\"::1\"}",
         "[{\"type\":\"application\",\"id\":\"a1\",\"displayName\":\"Portal\"},"
         "{\"type\":\"resource\",\"id\":null,\"displayName\":null}]"},
        {"sign-ins", "{\"userId\":\"\",\"servicePrincipalId\":\"s1\",\"servicePrincipalName\":\"Robot\"}",
         "{\"servicePrincipalId\":\"s1\",\"servicePrincipalName\":\"Robot\",\"ipAddress\":null}",
         "[{\"type\":\"application\",\"id\":null,\"displayName\":null},"
         "{\"type\":\"resource\",\"id\":null,\"displayName\":null}]"},
        {"directory-audits",
         "{\"initiatedBy\":{\"user\":{\"id\":\"u1\"},\"app\":null},\"targetResources\":[{\"id\":\"t\"}]}",
         "{\"user\":{\"id\":\"u1\"},\"app\":null}", "[{\"id\":\"t\"}]"},
        {"directory-audits", "{\"initiatedBy\":null}", "null", "NULL"},
        {"intune-audits", "{\"actor\":{\"userId\":\"u\"},\"resources\":[{\"resourceId\":\"r\"}]}", "{\"userId\":\"u\"}",
         "[{\"resourceId\":\"r\"}]"},
        {"unified-audit",
         "{\"UserId\":\"ada@x\",\"UserKey\":\"k\",\"UserType\":0,\"ObjectId\":\"o\",\"Target\":[{\"ID\":\"1\"}]}",
         "{\"UserId\":\"ada@x\",\"UserKey\":\"k\",\"UserType\":0,\"ClientIP\":null}",
         "[{\"ObjectId\":\"o\",\"Target\":[{\"ID\":\"1\"}]}]"},
        {"unified-audit", "{}", "{\"UserId\":null,\"UserKey\":null,\"UserType\":null,\"ClientIP\":null}", "[{}]"},
    };
    struct fixture *fixture = *state;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *sql =
            g_strdup_printf("INSERT INTO event (event_id, customer_id, source, first_seen, first_seq, "
                            "seq, raw) VALUES (%zu, 1, '%s', 0, 0, 0, '%s')",
                            i + 1, cases[i].source, cases[i].raw);
        g_autofree char *look = g_strdup_printf("SELECT actor, targets FROM events WHERE event_id = %zu", i + 1);
        g_autofree char *expected = g_strconcat(cases[i].actor, "|", cases[i].targets, NULL);
        execute(fixture, sql);
        assert_rows(fixture, look, expected);
    }
}

static void times_of_ours_are_shown_as_iso(void **state)
{
    struct fixture *fixture = *state;
    fill(fixture);
    assert_rows(fixture, "SELECT DISTINCT first_seen, changed_at FROM events", "2026-11-26T08:00:00Z|NULL");
    assert_rows(fixture, "SELECT \"from\", \"to\", state, read_at FROM coverage WHERE state = 'lost'",
                "2026-11-26T02:26:40Z|2026-11-26T05:13:20Z|lost|2026-11-26T08:00:00Z");
    assert_rows(fixture, "SELECT user, country, status, error_code, failure_reason FROM sign_ins WHERE id = 'f1'",
                "ada@example.org|CZ|failure|50126|Invalid password");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_migrations_on_an_empty_file_give_the_schema),
        cmocka_unit_test(migrations_are_numbered_without_a_gap),
        cmocka_unit_test(every_named_statement_prepares_on_a_fresh_schema),
        cmocka_unit_test_setup_teardown(every_view_can_be_read_by_the_plain_shell, setup_store, teardown_verified),
        cmocka_unit_test_setup_teardown(the_views_have_the_promised_columns, setup_store, teardown_verified),
        cmocka_unit_test_setup_teardown(the_file_tells_what_it_is, setup_store, teardown_verified),
        cmocka_unit_test_setup_teardown(tables_and_columns_are_explained_in_the_database_itself, setup_store,
                                        teardown_verified),
        cmocka_unit_test_setup_teardown(questions_from_the_shell_use_their_index, setup_store, teardown_verified),
        cmocka_unit_test_setup_teardown(a_full_text_question_starts_at_the_index_and_sorts_nothing, setup_store,
                                        teardown_verified),
        cmocka_unit_test_setup_teardown(the_hot_statements_neither_sort_nor_scan, setup_store, teardown_verified),
        cmocka_unit_test_setup_teardown(every_recipe_says_what_it_answers_and_runs_on_this_schema, setup_store,
                                        teardown_verified),
        cmocka_unit_test_setup_teardown(actor_and_targets_are_derived_from_the_record_of_each_source, setup_store,
                                        teardown),
        cmocka_unit_test_setup_teardown(times_of_ours_are_shown_as_iso, setup_store, teardown_verified),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
