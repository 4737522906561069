/* Verification: a sound database passes, and each kind of damage is named. */
#include "accounts_fixture.h"
#include "health_fixture.h"

static void tell_twice(struct fixture *fixture, enum store_health_kind kind, const char *id)
{
    tell_one(fixture, kind, AT, id, "{\"v\":1}");
    tell_one(fixture, kind, AT + 1, id, "{\"v\":2}");
}

/* Two mails: one that was sent for one recipient of two, and one that waits. */
static bool keep_mails(struct fixture *fixture)
{
    bool kept = true;
    for (int i = 0; i < 2; i++) {
        g_autoptr(StoreMail) mail = store_mail_new();
        mail->kind = g_strdup("report");
        mail->subject = g_strdup("Service health");
        mail->sender = g_strdup("desk@example.org");
        mail->message_id = g_strdup_printf("%d@example.org", i);
        mail->message = g_bytes_new("Subject: x\r\n", 12);
        mail->created_at = AT;
        store_mail_add_recipient(mail, "ada@x");
        store_mail_add_recipient(mail, "bob@x");
        kept = kept && store_mail_insert(fixture->store, mail, false, NULL);
        mail->state = i ? STORE_MAIL_QUEUED : STORE_MAIL_SENT;
        mail->sent_at = i ? 0 : AT + 1;
        ((struct store_mail_recipient *)mail->recipients->pdata[0])->state = mail->state;
        ((struct store_mail_recipient *)mail->recipients->pdata[1])->state = STORE_MAIL_FAILED;
        kept = kept && store_mail_note(fixture->store, mail, NULL);
    }
    return kept;
}

static int setup_filled(void **state)
{
    if (setup_store(state) != 0)
        return -1;
    struct fixture *fixture = *state;
    commit_one(fixture, document_of("a", "2026-11-25T12:00:00Z", "{\"v\":1}", "one"), AT);
    commit_one(fixture, document_of("a", "2026-11-25T12:00:00Z", "{\"v\":2}", "two"), AT + 1);
    commit_one(fixture, document_of("b", "2026-11-25T12:00:01Z", "{\"v\":3}", "three"), AT + 2);
    say_one(fixture, STORE_ROUND_LISTING, AT, "u", NULL, "{\"id\":\"u\"}");
    say_one(fixture, STORE_ROUND_DELTA, AT, "u", NULL, "{\"id\":\"u\",\"v\":5}");
    tell_twice(fixture, STORE_HEALTH_OVERVIEWS, "Exchange");
    tell_twice(fixture, STORE_HEALTH_ISSUES, "EX1");
    tell_twice(fixture, STORE_HEALTH_MESSAGES, "MC1");
    scan_at(fixture, AT, "Exchange=ok");
    scan_at(fixture, AT + 300, "Exchange=ok");
    scan_at(fixture, AT + 600, "Exchange=bad");
    fail_at(fixture, AT + 900);
    return keep_mails(fixture) ? 0 : -1;
}

static void a_sound_database_passes(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    assert_ok(store_verify(fixture->store, &error), error);
    assert_ok(store_verify(fixture->store, &error), error);
}

static void each_damage_is_found_and_named(void **state)
{
    static const struct {
        const char *damage, *words;
    } cases[] = {
        {"DELETE FROM event_fts WHERE event_fts MATCH 'three'", "has no row in event_fts"},
        {"INSERT INTO event_fts (rowid, text) VALUES (5, 'stray')", "event_fts has the row 5 of no event"},
        {"DELETE FROM event_key WHERE event_id = (SELECT max(event_id) FROM event)", "2 events but 1 keys"},
        {"UPDATE event_key SET event_id = 5 WHERE event_id = (SELECT max(event_id) FROM event)", "belongs to no event"},
        {"UPDATE event SET raw = '{\"v\":4}' WHERE id = 'b'", "does not match its hash"},
        {"UPDATE event SET id = 'c' WHERE id = 'b'", "does not lead to it"},
        {"UPDATE event_version SET raw = '{}'", "an earlier body of event"},
        {"UPDATE event SET customer_id = 99 WHERE id = 'b'", "points to a row of customer"},
        {"UPDATE event_version SET event_id = 5", "points to a row of event"},
        {"UPDATE collection SET records = 7", "collections counts 7 records of sign-ins where there are 2"},
        {"UPDATE collection SET records = 7 WHERE source = 'users'",
         "collections counts 7 records of users where there are 1"},
        {"DELETE FROM collection", "collections counts 0 records of sign-ins where there are 2"},
        {"INSERT INTO customer VALUES (2, 'x', 'y'); ", NULL},
        {"INSERT INTO collection (customer_id, source, records) VALUES (1, 'unified-audit', 3)",
         "where there are none"},
        {"INSERT INTO coverage_span VALUES (1, 'sign-ins', '', 0, 9, 'read', 1, 1, 1, 0), "
         "(1, 'sign-ins', '', 8, 10, 'read', 1, 1, 1, 0)",
         "overlap at 8"},
        {"UPDATE event SET seq = 99 WHERE id = 'b'", "event has change number 99, never given out"},
        {"UPDATE event SET seq = 1", "change number 1 was given out twice, to event too"},
        {"UPDATE user SET seq = (SELECT max(seq) FROM event)", "change number 3 was given out twice"},
        {"UPDATE user_change SET seq = (SELECT seq FROM user)", "change number 5 was given out twice"},
        {"UPDATE user_change SET seq = 77", "user_change has change number 77, never given out"},
        {"UPDATE user SET raw = '{}'", "the body of the account u does not match its hash"},
        {"UPDATE user SET content_hash = x'00'", "the body of the account u does not match its hash"},
        {"UPDATE user SET removed_at = 1", "the account u is removed without a reason"},
        {"UPDATE user SET removed_reason = 'deleted'", "the account u is removed without a reason"},
        {"UPDATE user SET id = 'w'", "a change of v is that of the account u, which nobody knows"},
        {"INSERT INTO user_listing VALUES (1, 9)", "of user_listing points to a row of user"},
        {"INSERT INTO user_listing VALUES (1, 1); ", NULL}, /* a listing under way */
        {"INSERT INTO collect_round VALUES (9, 'users', '', 'delta', '', '', '', 1, 1, 0, 1, 1, 1)",
         "of collect_round points to a row of customer"},
        {"DELETE FROM user_fts", "user 1 has no row in user_fts"},
        {"UPDATE event_fts_content SET c0 = 'other words' WHERE c0 = 'three'", "is damaged (verify_event_fts"},
        {"INSERT INTO user_fts (rowid, text) VALUES (2, 'x')", "user_fts has the row 2 of no user"},
        {"INSERT INTO issue_fts (rowid, text) VALUES (2, 'x')", "issue_fts has the row 2 of no issue"},
        {"INSERT INTO message_fts (rowid, text) VALUES (2, 'x')", "message_fts has the row 2 of no message"},
        {"DELETE FROM issue_fts", "issue 1 has no row in issue_fts"},
        {"DELETE FROM message_fts", "message 1 has no row in message_fts"},
        {"UPDATE collection SET records = 7 WHERE source = 'health'",
         "collections counts 7 records of health where there are 2"},
        {"DELETE FROM collection WHERE source = 'health'", "collections counts 0 records of health where there are 2"},
        {"UPDATE service_overview SET raw = '{}'", "the body of the overview Exchange does not match its hash"},
        {"UPDATE service_issue SET raw = '{}'", "the body of the issue EX1 does not match its hash"},
        {"UPDATE service_message SET content_hash = x'00'", "the body of the message MC1 does not match its hash"},
        {"UPDATE overview_version SET raw = '{}'", "an earlier body of overview 1 does not match its hash"},
        {"UPDATE issue_version SET raw = '{}'", "an earlier body of issue 1 does not match its hash"},
        {"UPDATE message_version SET content_hash = x'00'", "an earlier body of message 1 does not match its hash"},
        {"UPDATE issue_version SET issue_id = 5", "points to a row of service_issue"},
        {"UPDATE message_version SET message_id = 5", "points to a row of service_message"},
        {"UPDATE overview_version SET overview_id = 5", "points to a row of service_overview"},
        {"UPDATE service_issue SET seq = 99", "service_issue has change number 99, never given out"},
        {"UPDATE service_overview SET seq = 99", "service_overview has change number 99, never given out"},
        {"UPDATE service_message SET seq = (SELECT seq FROM service_issue)", "was given out twice"},
        {"UPDATE service_state SET seq = 99 WHERE status = 'bad'", "service_state has change number 99"},
        {"UPDATE service_state SET last_seen = first_seen + 600 WHERE status = 'ok'",
         "the states of Exchange overlap at 1795680600"},
        {"UPDATE service_state SET first_seen = first_seen - 300 WHERE status = 'bad'",
         "the states of Exchange overlap at 1795680300"},
        {"UPDATE service_state SET samples = 0 WHERE status = 'bad'", "a state of Exchange has 0 scans"},
        {"UPDATE service_state SET samples = 2 WHERE status = 'bad'", "a state of Exchange has 2 scans"},
        {"UPDATE service_state SET samples = 1 WHERE status = 'ok'", "a state of Exchange has 1 scans"},
        {"UPDATE service_state SET first_seen = last_seen + 1 WHERE status = 'bad'", "a state of Exchange has 1 scans"},
        {"UPDATE service_state SET last_seen = last_seen + 300, samples = 2 WHERE status = 'bad'",
         "a state of Exchange was last seen at 1795680900, by no good scan"},
        {"DELETE FROM health_scan WHERE at = 1795680600", "a state of Exchange was last seen at 1795680600"},
        {"INSERT INTO health_scan VALUES (1, 1795680100, 1, NULL)", "a state of Exchange lacks good scans"},
        {"INSERT INTO health_scan VALUES (1, 1795680100, 0, 'x'); ", NULL},
        {"DELETE FROM health_scan WHERE at = 1795680000; ", NULL}, /* too old to be kept */
        {"DELETE FROM mail_recipient WHERE mail_id = 1", "the mail 1 is for nobody"},
        {"DELETE FROM mail WHERE mail_id = 1", "of mail_recipient points to a row of mail"},
        {"UPDATE mail SET customer_id = 9", "of mail points to a row of customer"},
        {"UPDATE mail SET message = x'00' WHERE mail_id = 1", "the message of mail 1 does not match its hash"},
        {"UPDATE mail SET content_hash = x'00' WHERE mail_id = 2", "the message of mail 2 does not match its hash"},
        {"UPDATE mail SET sent_at = NULL WHERE mail_id = 1", "the mail 1 is said to be sent, but for nobody"},
        {"UPDATE mail_recipient SET state = 'unknown' WHERE mail_id = 1", "the mail 1 is said to be sent, but for"},
        {"UPDATE mail SET next_attempt_at = NULL WHERE state = 'queued'", "the mail 2 waits without an end"},
        {"UPDATE mail_recipient SET state = 'failed' WHERE mail_id = 2", "the mail 2 waits without an end"},
        {"UPDATE mail_recipient SET may_have = 1 WHERE mail_id = 1 AND state = 'failed'",
         "the mail 1 is said not to have reached bob@x, who may have it"},
        {"UPDATE mail SET state = 'unknown'; ", NULL},
        {"DROP INDEX event_seq; ", NULL}, /* no fault of the data */
    };
    struct fixture *fixture = *state;
    store_close(fixture->store);
    fixture->store = NULL;
    g_autofree char *whole = NULL;
    gsize length;
    assert_true(g_file_get_contents(fixture->path, &whole, &length, NULL));
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        GError *error = NULL;
        assert_true(g_file_set_contents(fixture->path, whole, (gssize)length, NULL));
        execute(fixture, cases[i].damage);
        struct store *store = store_open(fixture->path, STORE_WRITE, &error);
        assert_ok(store != NULL, error);
        bool sound = store_verify(store, &error);
        store_close(store);
        if (sound != (cases[i].words == NULL))
            fail_msg("%s: %s", cases[i].damage, sound ? "found to be sound" : error->message);
        if (cases[i].words)
            assert_refused(sound, &error, STORE_ERROR_CORRUPT, cases[i].words);
        else
            assert_ok(sound, error);
    }
}

/* One statement more than a row of the table takes. */
static void a_listing_that_names_an_account_of_another_customer_is_found(void **state)
{
    struct fixture *fixture = *state;
    GError *error = NULL;
    execute(fixture, "INSERT INTO customer VALUES (2, 'fabrikam', 'other')");
    execute(fixture, "INSERT INTO user_listing VALUES (2, 1)");
    assert_refused(store_verify(fixture->store, &error), &error, STORE_ERROR_CORRUPT,
                   "the listing of one customer names the account u of another");
}

static void a_quick_check_needs_no_more_than_to_read(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    g_autoptr(Store) reader = store_open(fixture->path, STORE_READ, &error);
    assert_ok(store_quick_check(fixture->store, &error), error);
    assert_ok(store_quick_check(reader, &error), error);
}

/* The page that a table begins with is overwritten. */
static void a_quick_check_finds_damage_and_says_what_it_is(void **state)
{
    struct fixture *fixture = *state;
    store_close(fixture->store);
    fixture->store = NULL;
    g_autofree char *root = rows_in(fixture->path, "SELECT rootpage FROM sqlite_schema WHERE name = 'service_issue'");
    char *bytes = NULL;
    gsize length;
    assert_true(g_file_get_contents(fixture->path, &bytes, &length, NULL));
    gsize at = ((gsize)g_ascii_strtoull(root, NULL, 10) - 1) * 16384;
    assert_in_range(at, 16384, length - 16384);
    memset(bytes + at + 8, 0xff, 64);
    assert_true(g_file_set_contents(fixture->path, bytes, (gssize)length, NULL));
    g_free(bytes);
    GError *error = NULL;
    struct store *store = store_open(fixture->path, STORE_READ, &error);
    assert_ok(store != NULL, error);
    assert_refused(store_quick_check(store, &error), &error, STORE_ERROR_CORRUPT, "is not sound");
    store_close(store);
}

static void damage_below_sqlite_is_found(void **state)
{
    struct fixture *fixture = *state;
    store_close(fixture->store);
    fixture->store = NULL;
    char *bytes = NULL;
    gsize length;
    assert_true(g_file_get_contents(fixture->path, &bytes, &length, NULL));
    char *at = memmem(bytes, length, "{\"v\":3}", 7);
    assert_non_null(at);
    at[5] = '9'; /* a flipped bit in a body: only its hash can tell */
    assert_true(g_file_set_contents(fixture->path, bytes, (gssize)length, NULL));
    g_free(bytes);
    GError *error = NULL;
    struct store *store = store_open(fixture->path, STORE_WRITE, &error);
    assert_refused(store_verify(store, &error), &error, STORE_ERROR_CORRUPT, "does not match its hash");
    store_close(store);
}

static void a_store_opened_for_reading_cannot_be_verified_and_says_so(void **state)
{
    struct fixture *fixture = *state;
    GError *error = NULL;
    g_autoptr(Store) reader = store_open(fixture->path, STORE_READ, &error);
    assert_refused(store_verify(reader, &error), &error, STORE_ERROR_READ_ONLY, "cannot be written");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_sound_database_passes, setup_filled, teardown_verified),
        cmocka_unit_test_setup_teardown(each_damage_is_found_and_named, setup_filled, teardown),
        cmocka_unit_test_setup_teardown(a_listing_that_names_an_account_of_another_customer_is_found, setup_filled,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_quick_check_needs_no_more_than_to_read, setup_filled, teardown_verified),
        cmocka_unit_test_setup_teardown(a_quick_check_finds_damage_and_says_what_it_is, setup_filled, teardown),
        cmocka_unit_test_setup_teardown(damage_below_sqlite_is_found, setup_filled, teardown),
        cmocka_unit_test_setup_teardown(a_store_opened_for_reading_cannot_be_verified_and_says_so, setup_filled,
                                        teardown_verified),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
