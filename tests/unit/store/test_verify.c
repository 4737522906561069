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

/* What could not be read, and one event of another operation than the others. */
static void keep_others(struct fixture *fixture)
{
    struct document *document = document_of("c", "2026-11-25T12:00:02Z", "{\"v\":7}", "four");
    g_free(document->operation);
    document->operation = g_strdup("Sign out");
    document_seal(document, TENANT, "sign-ins");
    commit_one(fixture, document, AT + 3);

    struct store_page *page = page_new(fixture->customer, AT - 9, AT - 8);
    g_ptr_array_add(page->unreadable, unreadable_new("no JSON", "r-1", "half a rec", 10));
    commit(fixture, page);
    page_free(page);
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
    keep_others(fixture);
    return keep_mails(fixture) && store_collection_note(fixture->store, fixture->customer, "sign-ins", AT + 4,
                                                        STORE_OUTCOME_OK, NULL, NULL)
               ? 0
               : -1;
}

/* Later than the events: what forgetting leaves when it is broken off cannot look so. */
#define CLAIMED_FROM "1795680000"
#define CLAIM        "INSERT INTO coverage_span VALUES (1, 'unified-audit', '', " CLAIMED_FROM ", 1795680060, "

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
        {"DELETE FROM event_key WHERE event_id = (SELECT max(event_id) FROM event)", "3 events but 2 keys"},
        {"UPDATE event_key SET event_id = 5 WHERE event_id = (SELECT max(event_id) FROM event)", "does not lead to it"},
        {"INSERT INTO event_key VALUES (x'abcd', 5, x'00')", "the key abcd belongs to no event"},
        {"UPDATE event SET raw = '{\"v\":4}' WHERE id = 'b'", "does not match its hash"},
        {"UPDATE event SET id = 'c' WHERE id = 'b'", "does not lead to it"},
        {"UPDATE event_version SET raw = '{}'", "an earlier body of event"},
        {"UPDATE event SET customer_id = 99 WHERE id = 'b'", "points to a row of customer"},
        {"UPDATE event_version SET event_id = 5", "points to a row of event"},
        {"UPDATE collection SET records = 7", "collections counts 7 records of sign-ins where there are 3"},
        {"UPDATE collection SET records = 7 WHERE source = 'users'",
         "collections counts 7 records of users where there are 1"},
        {"DELETE FROM collection", "collections counts 0 records of sign-ins where there are 3"},
        {"INSERT INTO customer VALUES (2, 'x', 'y'); ", NULL},
        {"INSERT INTO collection (customer_id, source, records) VALUES (1, 'unified-audit', 3)",
         "where there are none"},
        {"INSERT INTO coverage_span VALUES (1, 'sign-ins', '', 0, 9, 'read', 1, 1, 1, 0), "
         "(1, 'sign-ins', '', 8, 10, 'read', 1, 1, 1, 0)",
         "overlap at 8"},
        {"DELETE FROM coverage_span", "coverage of sign-ins is gone, where 3 records were read"},
        {"DELETE FROM coverage_span WHERE from_s < (SELECT max(from_s) FROM coverage_span); ", NULL}, /* one is left */
        {"UPDATE coverage_span SET state = 'open', records = 0; ", NULL},
        {"UPDATE event SET seq = 99 WHERE id = 'b'", "event has change number 99, never given out"},
        {"UPDATE event SET seq = 1", "change number 1 was given out twice, to event too"},
        {"UPDATE user SET seq = (SELECT seq FROM event WHERE id = 'b')", "change number 3 was given out twice"},
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
        {"UPDATE event_fts_content SET c0 = 'other words' WHERE c0 = 'three'",
         "the full-text index event_fts does not agree with the text it was made of: m365keep maintain optimize "
         "--rebuild builds it anew"},
        {"UPDATE event_fts SET facets = NULL WHERE event_fts MATCH 'three'", "is not found by its customer"},
        {"UPDATE event_fts SET text = NULL WHERE event_fts MATCH 'three'", "of event_fts lacks its text"},
        {"UPDATE user_fts SET text = NULL", "the row 1 of user_fts lacks its text"},
        {"UPDATE issue_fts SET text = NULL", "the row 1 of issue_fts lacks its text"},
        {"UPDATE message_fts SET text = NULL", "the row 1 of message_fts lacks its text"},
        {"UPDATE event SET operation = 'Delete user' WHERE id = 'b'", "is not found by its operation"},
        {"UPDATE event SET actor_display = 'mallory@example.org' WHERE id = 'b'", "is not found by its actor"},
        {"UPDATE event SET operation = 'AZURE PORTAL' WHERE id = 'b'; ", NULL}, /* found without regard to case */
        {"UPDATE event SET result = NULL WHERE id = 'b'; ", NULL},              /* nobody looks for nothing */
        /* Pairs that were swapped: each row is sound by itself. */
        {"UPDATE event SET raw = (SELECT raw FROM event AS o WHERE o.id = iif(event.id = 'b', 'c', 'b')) "
         "WHERE id IN ('b', 'c')",
         "does not match its hash"},
        {"UPDATE event SET timestamp = (SELECT timestamp FROM event AS o WHERE o.id = iif(event.id = 'b', 'c', 'b')) "
         "WHERE id IN ('b', 'c')",
         "has the time 2026-11-25T12:00:02.0000000Z, but its id stands in the second 2026-11-25T12:00:01Z"},
        {"UPDATE event_key SET event_id = (SELECT sum(event_id) FROM event WHERE id IN ('b', 'c')) - event_id "
         "WHERE event_id IN (SELECT event_id FROM event WHERE id IN ('b', 'c'))",
         "does not lead to it"},
        {"UPDATE event_fts SET rowid = -rowid WHERE rowid IN (SELECT event_id FROM event WHERE id IN ('b', 'c')); ",
         "has no row in event_fts"},
        {"UPDATE event_fts SET facets = (SELECT facets FROM event_fts AS o JOIN event ON event_id = o.rowid "
         "WHERE id = iif((SELECT id FROM event WHERE event_id = event_fts.rowid) = 'b', 'c', 'b')) "
         "WHERE rowid IN (SELECT event_id FROM event WHERE id IN ('b', 'c'))",
         "is not found by its operation: its row in event_fts is that of another"},
        {"UPDATE event_version SET raw = (SELECT raw FROM event WHERE id = 'b')", "an earlier body of event"},
        {"UPDATE event SET timestamp = 'yesterday' WHERE id = 'b'", "has the time yesterday"},
        {"UPDATE event SET timestamp = '2026-11-25T12:00:00.9999999Z' WHERE id = 'b'",
         "has the time 2026-11-25T12:00:00"},
        {"UPDATE event SET timestamp = '2026-11-25T12:00:01Z' WHERE id = 'b'",
         "has the time 2026-11-25T12:00:01Z, which is not in the form"},
        {"UPDATE event SET timestamp = '2026-11-25T12:00:01.000Z' WHERE id = 'b'", "which is not in the form"},
        {"UPDATE event SET timestamp = NULL WHERE id = 'b'; ", NULL}, /* no time to read: the second of reception */
        {"UPDATE event SET first_seq = seq + 1 WHERE id = 'b'", "was stored by a later change"},
        {"UPDATE unreadable_record SET body = x'00'", "the unreadable record 1 does not match its hash"},
        {"UPDATE unreadable_record SET customer_id = 9", "of unreadable_record points to a row of customer"},
        {"INSERT INTO retention_line VALUES (9, 'users', 1, 2, 3)", "of retention_line points to a row of customer"},
        {"INSERT INTO retention_line VALUES (1, 'users', 1, 2, -3)", "the retention of users tells of -3 records"},
        {"INSERT INTO retention_line VALUES (1, 'mails', -86400, 2, 3); ", NULL},
        {"INSERT INTO maintenance (task, finished_at) VALUES ('prune', 5)", "the task prune ended without an outcome"},
        {"INSERT INTO maintenance (task, started_at) VALUES ('prune', 5); ", NULL},
        {"DELETE FROM counter WHERE name = 'text_deleted'", "the counter text_deleted is gone"},
        {"UPDATE counter SET value = -1 WHERE name = 'text_deleted'", "the counter text_deleted is -1"},
        {"INSERT INTO tombstone VALUES (99, 'events', 'x')", "tombstone has change number 99, never given out"},
        {"INSERT INTO tombstone SELECT max(seq), 'events', 'x' FROM event", "was given out twice, to"},
        {"INSERT INTO mirror_position (target, seq, acknowledged_at) VALUES ('mongo', 99, 1)",
         "the mirror mongo is said to have change number 99, never given out"},
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

/* What was read is not there, nor is there a reason for it. */
static void coverage_that_tells_of_records_that_are_nowhere_is_found(void **state)
{
    static const char words[] = "coverage of unified-audit tells of 5 records, and none is there";
    static const struct {
        const char *claim, *besides;
        bool sound;
    } cases[] = {
        {CLAIM "'read', 1795680090, 1, 5, 0)", "SELECT 1", false},
        {CLAIM "'settled', 1795680090, 1, 5, 0)",
         "INSERT INTO collection (customer_id, source, last_success_at) VALUES (1, 'unified-audit', 1795680090)",
         false},
        {CLAIM "'read', 1795680090, 1, 5, 0)",
         "INSERT INTO retention_line VALUES (1, 'unified-audit', 1795680000, 1795680080, 1)", false},
        {CLAIM "'read', 1795680090, 1, 0, 0)", "SELECT 1", true}, /* there was nothing */
        {CLAIM "'open', NULL, 0, 5, 0)", "SELECT 1", true},
        {CLAIM "'lost', 1795680090, 0, 5, 0)", "SELECT 1", true},
        {"INSERT INTO coverage_span VALUES (1, 'users', '', 1795680000, 1795680060, 'read', 1795680090, 1, 5, 0)",
         "SELECT 1", true},
        /* They were pruned: by age, and after that reading. */
        {CLAIM "'read', 1795680090, 1, 5, 0)",
         "INSERT INTO retention_line VALUES (1, 'unified-audit', 1795680001, 1795680080, 1)", true},
        {CLAIM "'read', 1795680090, 1, 5, 0)",
         "INSERT INTO retention_line VALUES (1, 'unified-audit', 1795680000, 1795680090, 1)", true},
        /* They could not be read. */
        {CLAIM "'read', 1795680090, 1, 5, 0)",
         "INSERT INTO unreadable_record SELECT 9, 1, 'unified-audit', 1, NULL, 'no JSON', body_hash, body "
         "FROM unreadable_record",
         true},
        /* The customer is being forgotten, the oldest first. */
        {"INSERT INTO coverage_span VALUES (1, 'unified-audit', '', 1, 60, 'read', 90, 1, 5, 0)", "SELECT 1", true},
    };
    struct fixture *fixture = *state;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        GError *error = NULL;
        execute(fixture, cases[i].claim);
        execute(fixture, cases[i].besides);
        bool sound = store_verify(fixture->store, &error);
        if (sound != cases[i].sound)
            fail_msg("%s; %s: %s", cases[i].claim, cases[i].besides, sound ? "found to be sound" : error->message);
        if (!sound)
            assert_refused(sound, &error, STORE_ERROR_CORRUPT, words);
        execute(fixture, "DELETE FROM coverage_span WHERE source <> 'sign-ins'");
        execute(fixture, "DELETE FROM collection WHERE source = 'unified-audit'");
        execute(fixture, "DELETE FROM retention_line");
        execute(fixture, "DELETE FROM unreadable_record WHERE source = 'unified-audit'");
    }
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

/* --- single bytes, below SQLite --------------------------------------------------------------------------------------
 */

enum { PAGE_BYTES = 16384 };

/* One bit of one byte of a page. */
struct flip {
    const char *tree;   /* a table or an index of one page */
    const char *needle; /* the byte is in these; NULL: the page's last one, which is that of its first row */
    size_t at;
    uint8_t bit;
    const char *words; /* NULL: harmless */
};

static size_t page_of(const struct fixture *fixture, const char *tree)
{
    g_autofree char *sql = g_strdup_printf("SELECT rootpage FROM sqlite_schema WHERE name = '%s'", tree);
    g_autofree char *root = rows_in(fixture->path, sql);
    return ((size_t)g_ascii_strtoull(root, NULL, 10) - 1) * PAGE_BYTES;
}

static void flip_byte(const struct fixture *fixture, const struct flip *flip)
{
    size_t page = page_of(fixture, flip->tree);
    char *bytes = NULL;
    gsize length;
    assert_true(g_file_get_contents(fixture->path, &bytes, &length, NULL));
    assert_true(page + PAGE_BYTES <= length);
    char *found = bytes + page + PAGE_BYTES - 1;
    if (flip->needle)
        found = memmem(bytes + page, PAGE_BYTES, flip->needle, strlen(flip->needle));
    assert_non_null(found);
    found[flip->at] ^= (char)flip->bit;
    assert_true(g_file_set_contents(fixture->path, bytes, (gssize)length, NULL));
    g_free(bytes);
}

static void close_store(struct fixture *fixture)
{
    store_close(fixture->store);
    fixture->store = NULL;
}

static void one_flipped_bit_is_found_wherever_it_is_and_named(void **state)
{
    static const struct flip flips[] = {
        {"event", "{\"v\":3}", 5, 4, "the body of event 1882831455256576 does not match its hash"},
        {"event_version", "{\"v\":1}", 5, 4, "an earlier body of event 1882831454208000 does not match its hash"},
        {"overview_version", "{\"v\":1}", 5, 4, "an earlier body of overview 1 does not match its hash"},
        {"issue_version", "{\"v\":1}", 5, 4, "an earlier body of issue 1 does not match its hash"},
        {"message_version", "{\"v\":1}", 5, 4, "an earlier body of message 1 does not match its hash"},
        {"service_overview", "{\"v\":2}", 5, 4, "the body of the overview Exchange does not match its hash"},
        {"service_issue", "{\"v\":2}", 5, 4, "the body of the issue EX1 does not match its hash"},
        {"service_message", "{\"v\":2}", 5, 4, "the body of the message MC1 does not match its hash"},
        {"user", "\"v\":5", 4, 4, "the body of the account u does not match its hash"},
        {"mail", "Subject: x", 9, 1, "does not match its hash"},
        {"unreadable_record", "half a rec", 0, 1, "the unreadable record 1 does not match its hash"},
        {"event_fts_content", "three", 0, 1, "the full-text index event_fts does not agree"},
        {"event_fts_data", "three", 0, 1, "the full-text index event_fts does not agree"},
        {"event_fts_docsize", NULL, 0, 1, "the full-text index event_fts does not agree"},
        {"user_fts_content", "cu", 2, 1, "the full-text index user_fts does not agree"},
        {"event_key", NULL, 0, 1, "the body of event 1882831454208000 does not match its hash"},
        {"event_actor", "ada@example.org", 0, 2, "missing from index event_actor"},
        {"event_operation", "Azure Portal", 0, 32, NULL}, /* found without regard to case */
        {"event_timestamp", "2026-11-25T12:00:01", 18, 2, "missing from index event_timestamp"},
        {"event", "2026-11-25T12:00:01", 18, 4, "missing from index event_timestamp"},
        {"event", "ada@example.org", 0, 2, "missing from index event_actor"},
    };
    struct fixture *fixture = *state;
    close_store(fixture);
    g_autofree char *whole = NULL;
    gsize length;
    assert_true(g_file_get_contents(fixture->path, &whole, &length, NULL));
    for (size_t i = 0; i < G_N_ELEMENTS(flips); i++) {
        GError *error = NULL;
        assert_true(g_file_set_contents(fixture->path, whole, (gssize)length, NULL));
        flip_byte(fixture, &flips[i]);
        struct store *store = store_open(fixture->path, STORE_WRITE, &error);
        assert_ok(store != NULL, error);
        bool sound = store_verify(store, &error);
        store_close(store);
        if (sound != !flips[i].words)
            fail_msg("%s, %s: %s", flips[i].tree, flips[i].needle ? flips[i].needle : "last byte",
                     sound ? "found to be sound" : error->message);
        if (flips[i].words)
            assert_refused(sound, &error, STORE_ERROR_CORRUPT, flips[i].words);
    }
}
/* Overwrites bytes at a place in the file. */
static void damage(const struct fixture *fixture, size_t at, const char *bytes, size_t length)
{
    char *whole = NULL;
    gsize whole_length;
    assert_true(g_file_get_contents(fixture->path, &whole, &whole_length, NULL));
    assert_true(at + length <= whole_length);
    memcpy(whole + at, bytes, length);
    assert_true(g_file_set_contents(fixture->path, whole, (gssize)whole_length, NULL));
    g_free(whole);
}

static void assert_found(struct fixture *fixture, const char *words)
{
    GError *error = NULL;
    g_autoptr(Store) store = store_open(fixture->path, STORE_WRITE, &error);
    assert_ok(store != NULL, error);
    assert_refused(store_verify(store, &error), &error, STORE_ERROR_CORRUPT, words);
}

static void a_page_that_is_none_is_told_of(void **state)
{
    struct fixture *fixture = *state;
    close_store(fixture);
    damage(fixture, page_of(fixture, "customer"), "\377", 1); /* no kind of page */
    assert_found(fixture, "is not sound: Page 4: btreeInitPage() returns error code 11: keep a copy");
}

/* Leaves some free pages behind; where the first of their list begins, and where the last page of the file does. */
static void free_pages(struct fixture *fixture, size_t *list, size_t *last)
{
    execute(fixture, "CREATE TABLE passing (x)");
    execute(fixture, "INSERT INTO passing VALUES (zeroblob(200000))");
    execute(fixture, "DROP TABLE passing");
    close_store(fixture);
    g_autofree char *whole = NULL;
    gsize length;
    assert_true(g_file_get_contents(fixture->path, &whole, &length, NULL));
    *list = ((size_t)(uint8_t)whole[34] << 8 | (uint8_t)whole[35]) - 1;
    assert_in_range(*list, 3, length / PAGE_BYTES);
    *list *= PAGE_BYTES;
    *last = length - PAGE_BYTES;
}

static void damage_in_a_free_page_harms_nobody(void **state)
{
    struct fixture *fixture = *state;
    GError *error = NULL;
    size_t list, last;
    free_pages(fixture, &list, &last);
    damage(fixture, (list == last ? last - PAGE_BYTES : last) + 5000, "rubbish", 7);
    g_autoptr(Store) store = store_open(fixture->path, STORE_WRITE, &error);
    bool sound = store_verify(store, &error);
    assert_ok(sound, error);
}

/* The list of free pages, and the map that says whose each page is: what is written next would go over what is there.
 */
static void a_page_that_is_taken_for_free_is_found(void **state)
{
    struct fixture *fixture = *state;
    size_t list, last;
    free_pages(fixture, &list, &last);
    g_autofree char *whole = NULL;
    gsize length;
    assert_true(g_file_get_contents(fixture->path, &whole, &length, NULL));
    const struct {
        size_t at;
        const char *bytes;
        size_t length;
        const char *words;
    } cases[] = {
        {list + 8, "\0\0\0\3", 4, "page 3 is in use, and in the list of free pages"},
        {list + 8, "\0\0\0\2", 4, "the list of free pages has page 2, which cannot be one"},
        {list + 8, "\0\1\0\0", 4, "the list of free pages has page 65536, which cannot be one"},
        {list + 8, whole + list + 12, 4, "is in the list of free pages twice"},
        {list + 4, "\177\0\0\0", 4, "of the list of free pages names 2130706432"},
        {list + 7, "\1", 1, "pages are in the list of free pages, and"},
        {39, "\1", 1, "pages are in the list of free pages, and 1 should be"},
        {PAGE_BYTES, "\5", 1, "page 3, where counter begins, is that of something else"},
        {PAGE_BYTES + 5, "\2", 1, "page 4, where customer begins, is that of something else"},
        {PAGE_BYTES + (list / PAGE_BYTES + 1 - 3) * 5, "\5", 1, "is in use, and in the list of free pages"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        assert_true(g_file_set_contents(fixture->path, whole, (gssize)length, NULL));
        damage(fixture, cases[i].at, cases[i].bytes, cases[i].length);
        assert_found(fixture, cases[i].words);
    }
}

/* As long as a reader holds an older moment, the file lacks what the log has: the rest is checked all the same. */
static void a_reader_of_an_older_moment_is_in_nobodys_way(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    sqlite3 *reader = NULL;
    assert_int_equal(sqlite3_open(fixture->path, &reader), SQLITE_OK);
    assert_int_equal(sqlite3_exec(reader, "BEGIN; SELECT count(*) FROM event", NULL, NULL, NULL), SQLITE_OK);
    commit_one(fixture, document_of("d", "2026-11-25T12:00:09Z", "{\"v\":9}", "nine"), AT + 9);
    struct store_verify_result result;
    bool sound = store_verify_watched(fixture->store, NULL, &result, &error);
    assert_ok(sound, error);
    assert_true(result.pages_unchecked);
    sqlite3_close(reader);
    sound = store_verify_watched(fixture->store, NULL, &result, &error);
    assert_ok(sound, error);
    assert_false(result.pages_unchecked);
}

/* --- watched ---------------------------------------------------------------------------------------------------------
 */

struct onlooker {
    GPtrArray *doings;   /* each phrase once, in order */
    const char *stop_at; /* NULL: never */
    gint inside;         /* atomic: calls under way */
    bool doubled, stopped, called_after;
    int64_t done, of; /* the greatest */
    const char *path; /* whose write lock is tried; NULL: nobody's */
    int locked;       /* SQLite's answer */
};

static void try_lock(struct onlooker *onlooker)
{
    sqlite3 *db = NULL;
    if (sqlite3_open(onlooker->path, &db) == SQLITE_OK)
        onlooker->locked = sqlite3_exec(db, "BEGIN IMMEDIATE; COMMIT", NULL, NULL, NULL);
    sqlite3_close(db);
}

static bool look_on(const char *doing, int64_t done, int64_t of, void *user)
{
    struct onlooker *onlooker = user;
    onlooker->doubled |= g_atomic_int_add(&onlooker->inside, 1) != 0;
    onlooker->called_after |= onlooker->stopped;
    if (onlooker->doings->len == 0 || onlooker->doings->pdata[onlooker->doings->len - 1] != doing)
        g_ptr_array_add(onlooker->doings, (gpointer)doing);
    onlooker->done = MAX(onlooker->done, done);
    onlooker->of = MAX(onlooker->of, of);
    if (onlooker->path)
        try_lock(onlooker);
    onlooker->stopped = onlooker->stop_at && g_str_equal(doing, onlooker->stop_at);
    g_atomic_int_add(&onlooker->inside, -1);
    return !onlooker->stopped;
}

static bool verify_watched(struct store *store, struct onlooker *onlooker, struct store_verify_result *result,
                           GError **error)
{
    const struct store_watch watch = {look_on, onlooker};
    g_clear_pointer(&onlooker->doings, g_ptr_array_unref);
    onlooker->doings = g_ptr_array_new();
    return store_verify_watched(store, &watch, result, error);
}

static void what_was_checked_is_counted_and_told(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    struct onlooker onlooker = {0};
    struct store_verify_result result;
    assert_ok(verify_watched(fixture->store, &onlooker, &result, &error), error);
    assert_int_equal(result.events, 3);
    assert_int_equal(result.versions, 1);
    assert_int_equal(result.accounts, 1);
    assert_int_equal(result.health, 6);
    assert_int_equal(result.mails, 2);
    assert_int_equal(result.unreadable, 1);
    assert_int_equal(result.bytes, 3 * 7 + 7 + (int)strlen("{\"id\":\"u\",\"v\":5}") + 6 * 7 + 2 * 12 + 10);
    assert_false(result.text_unchecked);
    assert_false(result.pages_unchecked);
    assert_false(onlooker.doubled);
    assert_int_equal(onlooker.of, 6); /* the bodies of health are the most */
    assert_string_equal(onlooker.doings->pdata[0], "checking all pages and indexes");
    assert_string_equal(onlooker.doings->pdata[onlooker.doings->len - 1], "checking the bodies of events");
    g_ptr_array_unref(onlooker.doings);
}

static void it_stops_wherever_it_is_told_to_and_keeps_no_lock(void **state)
{
    struct fixture *fixture = *state;
    GError *error = NULL;
    struct onlooker onlooker = {0};
    struct store_verify_result result;
    assert_ok(verify_watched(fixture->store, &onlooker, &result, &error), error);
    g_autoptr(GPtrArray) phrases = g_steal_pointer(&onlooker.doings);
    assert_in_range(phrases->len, 15, 30);
    for (guint i = 0; i < phrases->len; i++) {
        struct onlooker stopping = {.stop_at = phrases->pdata[i]};
        g_autofree char *words = g_strdup_printf("stopped while %s", stopping.stop_at);
        bool sound = verify_watched(fixture->store, &stopping, &result, &error);
        assert_refused(sound, &error, STORE_ERROR_STOPPED, words);
        assert_false(stopping.called_after);
        assert_int_equal(stopping.doings->len, i + 1);
        execute(fixture, "UPDATE customer SET name = name"); /* the lock is free */
        g_ptr_array_unref(stopping.doings);
    }
}

/* During the check of all pages SQLite calls nobody back: another thread does. */
static bool stop_from_aside(const char *doing, int64_t done, int64_t of, void *user)
{
    (void)doing, (void)done, (void)of;
    return g_thread_self() == user;
}

static void the_check_of_all_pages_can_be_stopped_in_its_midst(void **state)
{
    struct fixture *fixture = *state;
    const struct store_watch watch = {stop_from_aside, g_thread_self()};
    struct store_verify_result result;
    GError *error = NULL;
    while (store_verify_watched(fixture->store, &watch, &result, &error)) /* until the thread was quick enough */
        continue;
    assert_refused(false, &error, STORE_ERROR_STOPPED, "stopped while checking all pages and indexes");
}

static void others_who_write_wait_meanwhile(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    struct onlooker onlooker = {.path = fixture->path};
    struct store_verify_result result;
    assert_ok(verify_watched(fixture->store, &onlooker, &result, &error), error);
    assert_int_equal(onlooker.locked, SQLITE_BUSY);
    g_ptr_array_unref(onlooker.doings);
}

static void with_a_store_that_only_reads_all_but_the_full_text_is_checked(void **state)
{
    struct fixture *fixture = *state;
    GError *error = NULL;
    g_autoptr(Store) reader = store_open(fixture->path, STORE_READ, &error);
    struct onlooker onlooker = {.path = fixture->path};
    struct store_verify_result result;
    assert_ok(verify_watched(reader, &onlooker, &result, &error), error);
    assert_true(result.text_unchecked);
    assert_true(result.pages_unchecked);
    assert_int_equal(result.events, 3);
    assert_int_equal(onlooker.locked, SQLITE_OK); /* and nobody waits */
    g_ptr_array_unref(onlooker.doings);
    execute(fixture, "UPDATE event SET raw = '{}' WHERE id = 'b'");
    assert_refused(store_verify(reader, &error), &error, STORE_ERROR_CORRUPT, "does not match its hash");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_sound_database_passes, setup_filled, teardown_verified),
        cmocka_unit_test_setup_teardown(each_damage_is_found_and_named, setup_filled, teardown),
        cmocka_unit_test_setup_teardown(a_listing_that_names_an_account_of_another_customer_is_found, setup_filled,
                                        teardown),
        cmocka_unit_test_setup_teardown(coverage_that_tells_of_records_that_are_nowhere_is_found, setup_filled,
                                        teardown_verified),
        cmocka_unit_test_setup_teardown(a_quick_check_needs_no_more_than_to_read, setup_filled, teardown_verified),
        cmocka_unit_test_setup_teardown(a_quick_check_finds_damage_and_says_what_it_is, setup_filled, teardown),
        cmocka_unit_test_setup_teardown(one_flipped_bit_is_found_wherever_it_is_and_named, setup_filled, teardown),
        cmocka_unit_test_setup_teardown(a_page_that_is_none_is_told_of, setup_filled, teardown),
        cmocka_unit_test_setup_teardown(damage_in_a_free_page_harms_nobody, setup_filled, teardown),
        cmocka_unit_test_setup_teardown(a_page_that_is_taken_for_free_is_found, setup_filled, teardown),
        cmocka_unit_test_setup_teardown(a_reader_of_an_older_moment_is_in_nobodys_way, setup_filled, teardown_verified),
        cmocka_unit_test_setup_teardown(what_was_checked_is_counted_and_told, setup_filled, teardown_verified),
        cmocka_unit_test_setup_teardown(it_stops_wherever_it_is_told_to_and_keeps_no_lock, setup_filled,
                                        teardown_verified),
        cmocka_unit_test_setup_teardown(the_check_of_all_pages_can_be_stopped_in_its_midst, setup_filled,
                                        teardown_verified),
        cmocka_unit_test_setup_teardown(others_who_write_wait_meanwhile, setup_filled, teardown_verified),
        cmocka_unit_test_setup_teardown(with_a_store_that_only_reads_all_but_the_full_text_is_checked, setup_filled,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
