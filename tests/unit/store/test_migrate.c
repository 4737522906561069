/* Databases that earlier programs wrote: brought up to date with all they hold. */
#include "old_versions.h"

static char *rows_kept(const struct fixture *fixture)
{
    return rows_in(fixture->path,
                   "SELECT (SELECT group_concat(event_id || raw_text) FROM events), (SELECT group_concat(id || "
                   "coalesce(removed_reason, '') || raw_text || raw) FROM users), (SELECT group_concat(id || field || "
                   "coalesce(old_value, '') || new_value) FROM user_changes), (SELECT group_concat(source || records) "
                   "FROM collections), (SELECT next_link FROM collect_cursor), (SELECT state FROM coverage), "
                   "(SELECT value FROM counter WHERE name = 'seq')");
}

static void a_database_of_version_1_is_brought_up_to_date_and_keeps_what_it_holds(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    write_version(fixture->path, 1, rows_of_1);
    insert_key(fixture);
    g_autofree char *before = rows_kept(fixture);
    assert_rows(fixture, "PRAGMA user_version", "1");

    fixture->store = store_open(fixture->path, STORE_WRITE, &error);
    assert_ok(fixture->store != NULL, error);
    g_autofree char *after = rows_kept(fixture);
    assert_string_equal(before, after);
    assert_rows(fixture, "PRAGMA user_version", "5");
    assert_rows(fixture, "SELECT (SELECT count(*) FROM user_listing), (SELECT count(*) FROM user_rounds)", "0|0");
    assert_ok(store_verify(fixture->store, &error), error);
    assert_int_equal(store_accounts_present(fixture->store, 1, &error), 1);
}

static void a_database_of_version_2_keeps_what_is_known_of_its_collections(void **state)
{
    static const char look[] =
        "SELECT customer, tenant_id, source, records, newest, last_run_at, last_success_at, last_error_at, last_error "
        "FROM collections ORDER BY source";
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    g_autofree char *rows = g_strconcat(rows_of_1, rows_of_2, NULL);
    write_version(fixture->path, 2, rows);
    insert_key(fixture);
    g_autofree char *kept = rows_kept(fixture), *collections = rows_in(fixture->path, look);
    assert_non_null(strstr(collections, "|403"));

    fixture->store = store_open(fixture->path, STORE_WRITE, &error);
    assert_ok(fixture->store != NULL, error);
    g_autofree char *after = rows_kept(fixture);
    assert_string_equal(kept, after);
    assert_rows(fixture, look, collections);
    assert_rows(fixture, "SELECT DISTINCT last_status FROM collections", "NULL");
    assert_rows(fixture, "SELECT count(*) FROM user_listing", "1");
    assert_rows(fixture, "SELECT count(*) FROM sqlite_master WHERE name LIKE '%of_2%'", "0");
    bool noted = store_collection_note(fixture->store, 1, "sign-ins", AT, STORE_OUTCOME_OK, NULL, &error);
    assert_ok(noted, error);
    assert_rows(fixture, "SELECT last_status FROM collections WHERE source = 'sign-ins'", "ok");
}

static void a_database_of_version_3_keeps_its_service_health_and_gets_an_outbox(void **state)
{
    static const char look[] =
        "SELECT (SELECT group_concat(customer || service || status || first_seen || last_seen || samples) "
        "FROM service_states), (SELECT group_concat(at || ok || coalesce(error, '')) FROM health_scans), "
        "(SELECT status FROM service_overviews), (SELECT group_concat(source || last_status) FROM collections)";
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    g_autofree char *rows = g_strconcat(rows_of_1, rows_of_2, rows_of_3, NULL);
    write_version(fixture->path, 3, rows);
    insert_key(fixture);
    g_autofree char *kept = rows_kept(fixture), *health = rows_in(fixture->path, look);
    assert_non_null(strstr(health, "contosoExchangeserviceOperational1970-01-01T00:01:40Z"));

    fixture->store = store_open(fixture->path, STORE_WRITE, &error);
    assert_ok(fixture->store != NULL, error);
    g_autofree char *after = rows_kept(fixture);
    assert_string_equal(kept, after);
    assert_rows(fixture, look, health);
    assert_rows(fixture, "PRAGMA user_version", "5");
    assert_rows(fixture, "SELECT (SELECT count(*) FROM mail_outbox), (SELECT count(*) FROM mail_recipients)", "0|0");
    g_autoptr(StoreMail) mail = store_mail_new();
    mail->customer_id = 1;
    mail->kind = g_strdup("report");
    mail->subject = g_strdup("Service health");
    mail->sender = g_strdup("desk@example.org");
    mail->message_id = g_strdup("1@example.org");
    mail->message = g_bytes_new("Subject: x\r\n", 12);
    mail->created_at = AT;
    store_mail_add_recipient(mail, "ada@x");
    bool kept_mail = store_mail_insert(fixture->store, mail, false, &error);
    assert_ok(kept_mail, error);
    assert_rows(fixture, "SELECT customer, state FROM mail_outbox", "contoso|queued");
}

static void a_migration_that_fails_at_the_mails_leaves_version_3_whole(void **state)
{
    struct fixture *fixture = *state;
    GError *error = NULL;
    g_autofree char *spoiled = g_strconcat(rows_of_1, rows_of_2, rows_of_3, "CREATE TABLE mail_recipient (x);", NULL);
    write_version(fixture->path, 3, spoiled);
    struct store *store = store_open(fixture->path, STORE_WRITE, &error);
    store_close(store);
    assert_refused(store != NULL, &error, STORE_ERROR_FAILED, "0004_mail.sql");
    assert_rows(fixture, "PRAGMA user_version", "3");
    assert_rows(fixture, "SELECT count(*) FROM sqlite_master WHERE name IN ('mail', 'mail_due', 'mail_outbox')", "3");
    assert_rows(fixture, "SELECT count(*) FROM service_states", "1");
}

static void a_migration_that_fails_at_the_collections_leaves_version_2_whole(void **state)
{
    struct fixture *fixture = *state;
    GError *error = NULL;
    g_autofree char *spoiled = g_strconcat(rows_of_1, rows_of_2, "DROP VIEW collections;", NULL);
    write_version(fixture->path, 2, spoiled);
    struct store *store = store_open(fixture->path, STORE_WRITE, &error);
    store_close(store);
    assert_refused(store != NULL, &error, STORE_ERROR_FAILED, "0003_health.sql");
    assert_rows(fixture, "PRAGMA user_version", "2");
    assert_rows(fixture, "SELECT count(*), sum(records) FROM collection", "2|3");
    assert_rows(fixture, "SELECT count(*) FROM sqlite_master WHERE name LIKE '%overview%' OR name LIKE '%modified'",
                "0");
}

static void a_reader_leaves_an_old_database_as_it_is_and_says_who_brings_it_up_to_date(void **state)
{
    struct fixture *fixture = *state;
    GError *error = NULL;
    write_version(fixture->path, 1, rows_of_1);
    struct store *store = store_open(fixture->path, STORE_READ, &error);
    store_close(store);
    assert_refused(store != NULL, &error, STORE_ERROR_OLDER, "schema 1, this program needs 5");
    assert_rows(fixture, "PRAGMA user_version", "1");
}

static void every_earlier_version_gives_the_schema_of_a_new_database(void **state)
{
    static const char dump[] = "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name";
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    struct store *store = store_open(fixture->path, STORE_CREATE, &error);
    assert_ok(store != NULL, error);
    store_close(store);
    g_autofree char *fresh = rows_in(fixture->path, dump);
    for (int version = 1; version < store_schema_version(); version++) {
        g_autofree char *old = g_build_filename(fixture->folder, "old.db", NULL);
        g_unlink(old);
        write_version(old, version, "");
        store = store_open(old, STORE_CREATE, &error);
        assert_ok(store != NULL, error);
        store_close(store);
        g_autofree char *migrated = rows_in(old, dump);
        assert_string_equal(fresh, migrated);
    }
}

static void a_migration_that_cannot_be_finished_leaves_version_1_whole(void **state)
{
    struct fixture *fixture = *state;
    GError *error = NULL;
    g_autofree char *spoiled = g_strconcat(rows_of_1, "CREATE TABLE collect_round (x);", NULL);
    write_version(fixture->path, 1, spoiled);
    g_autofree char *before = rows_kept(fixture);
    struct store *store = store_open(fixture->path, STORE_WRITE, &error);
    store_close(store);
    assert_refused(store != NULL, &error, STORE_ERROR_FAILED, "0002_users.sql");
    g_autofree char *after = rows_kept(fixture);
    assert_string_equal(before, after);
    assert_rows(fixture, "PRAGMA user_version", "1");
    assert_rows(fixture, "SELECT count(*) FROM sqlite_master WHERE name IN ('user_listing', 'user_rounds')", "0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_database_of_version_1_is_brought_up_to_date_and_keeps_what_it_holds,
                                        setup_folder, teardown_verified),
        cmocka_unit_test_setup_teardown(a_database_of_version_2_keeps_what_is_known_of_its_collections, setup_folder,
                                        teardown_verified),
        cmocka_unit_test_setup_teardown(a_database_of_version_3_keeps_its_service_health_and_gets_an_outbox,
                                        setup_folder, teardown_verified),
        cmocka_unit_test_setup_teardown(a_migration_that_fails_at_the_mails_leaves_version_3_whole, setup_folder,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_migration_that_fails_at_the_collections_leaves_version_2_whole, setup_folder,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_reader_leaves_an_old_database_as_it_is_and_says_who_brings_it_up_to_date,
                                        setup_folder, teardown),
        cmocka_unit_test_setup_teardown(every_earlier_version_gives_the_schema_of_a_new_database, setup_folder,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_migration_that_cannot_be_finished_leaves_version_1_whole, setup_folder,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
