/* Deriving anew: columns, keys and text follow what the sources know today; the evidence stays. */
#include "derive_fixture.h"

#include <signal.h>
#include <sys/wait.h>

static struct store_renormalized renormalize_with(struct fixture *fixture, struct store_renormalize_options options)
{
    g_autoptr(GError) error = NULL;
    struct store_renormalized result;
    options.decoders = &test_decoders;
    options.version = options.version ? options.version : "1.0";
    options.now = AT + 3600;
    assert_ok(store_renormalize(fixture->store, &options, &result, &error), error);
    return result;
}

static struct store_renormalized renormalize(struct fixture *fixture)
{
    return renormalize_with(fixture, (struct store_renormalize_options){0});
}

/* Looked at, changed, moved, rekeyed, kept apart, undecodable; recovered, unreadable. */
static void assert_did(struct store_renormalized did, const char *expected)
{
    g_autofree char *found = g_strdup_printf("%ld %ld %ld %ld %ld %ld, %ld %ld", (long)did.looked_at, (long)did.changed,
                                             (long)did.moved, (long)did.rekeyed, (long)did.kept_apart,
                                             (long)did.undecodable, (long)did.recovered, (long)did.unreadable);
    assert_string_equal(found, expected);
}

/* --- events ----------------------------------------------------------------------------------------------------------
 */

static const char all_of_events[] =
    "SELECT event_id, id, timestamp, service, operation, result, actor_display, target_displays, display_summary, "
    "dedupe_key, raw, raw_text, first_seen, changed_at, facets FROM events JOIN event_fts ON event_fts.rowid = "
    "event_id";

static void what_would_not_change_is_not_written(void **state)
{
    struct fixture *fixture = *state;
    receive_sign_in(fixture, "a", NOON, "", AT);
    receive_sign_in(fixture, "b", "no time", "", AT);
    say_one(fixture, STORE_ROUND_DELTA, AT, "u", NULL, "{\"id\":\"u\",\"displayName\":\"Ada\"}");
    tell_one(fixture, STORE_HEALTH_OVERVIEWS, AT, "Teams", "{\"id\":\"Teams\",\"service\":\"T\",\"status\":\"ok\"}");
    tell_one(fixture, STORE_HEALTH_ISSUES, AT, "TM1", "{\"id\":\"TM1\",\"classification\":\"advisory\"}");
    tell_one(fixture, STORE_HEALTH_MESSAGES, AT, "MC1", "{\"id\":\"MC1\",\"services\":[\"Teams\"]}");
    struct store_renormalized did = renormalize(fixture);
    assert_did(did, "6 0 0 0 0 0, 0 0");
    assert_int_equal(did.of, 6);
    assert_true(did.complete);
    assert_rows(fixture, "SELECT value FROM counter WHERE name = 'seq'", "6");
    assert_rows(fixture, "SELECT task, started_at, position, finished_at, outcome FROM maintenance",
                "renormalize|NULL|NULL|1795683600|Its last run looked at 6 records: 0 became others, and of those that "
                "could not be read 0 are records now.");
}

static void spoilt_columns_come_back_and_the_evidence_stays(void **state)
{
    static const char *const spoils[] = {"id = 'x', dedupe_key = 'a'", "timestamp = '2020-01-01T00:00:00.0000000Z'",
                                         "service = 'test'",           "operation = NULL",
                                         "result = 'Success'",         "actor_display = 'ADA@example.org'",
                                         "target_displays = '[1]'",    "display_summary = ''"};
    struct fixture *fixture = *state;
    receive_sign_in(fixture, "a", NOON, ",\"risk\":\"none\"", AT);
    receive_sign_in(fixture, "a", NOON, ",\"risk\":\"high\"", AT + 60);
    g_autofree char *before = rows_in(fixture->path, all_of_events);
    g_autofree char *versions = rows_in(fixture->path, "SELECT * FROM event_versions");
    for (size_t i = 0; i < G_N_ELEMENTS(spoils); i++) {
        g_autofree char *spoil = g_strdup_printf("UPDATE event SET %s", spoils[i]);
        execute(fixture, spoil);
        assert_did(renormalize(fixture), "1 1 0 0 0 0, 0 0");
        assert_rows(fixture, all_of_events, before);
    }
    assert_rows(fixture, "SELECT * FROM event_versions", versions);
    assert_rows(fixture, "SELECT first_seq, seq, (SELECT value FROM counter WHERE name = 'seq') FROM event", "1|10|10");
}

static void spoilt_text_and_facets_come_back(void **state)
{
    struct fixture *fixture = *state;
    receive_sign_in(fixture, "a", NOON, "", AT);
    receive_sign_in(fixture, "b", NOON, "", AT);
    g_autofree char *before = rows_in(fixture->path, all_of_events);
    execute(fixture, "UPDATE event_fts SET text = 'nothing' WHERE rowid = (SELECT min(event_id) FROM event)");
    execute(fixture, "UPDATE event_fts SET facets = '' WHERE rowid = (SELECT max(event_id) FROM event)");
    assert_did(renormalize(fixture), "2 2 0 0 0 0, 0 0");
    assert_rows(fixture, all_of_events, before);
    assert_rows(fixture, "SELECT value FROM counter WHERE name = 'text_deleted'", "2");
}

static void text_that_is_missing_is_written(void **state)
{
    struct fixture *fixture = *state;
    receive_sign_in(fixture, "a", NOON, "", AT);
    execute(fixture, "DELETE FROM event_fts");
    assert_did(renormalize(fixture), "1 1 0 0 0 0, 0 0");
    assert_rows(fixture, "SELECT count(*) FROM event_fts WHERE event_fts MATCH 'text: reading'", "1");
}

static void what_was_learnt_is_found_and_what_was_wrong_is_not(void **state)
{
    struct fixture *fixture = *state;
    receive_sign_in(fixture, "a", NOON, "", AT);
    learnt.prefix = "carefully ";
    assert_did(renormalize(fixture), "1 1 0 0 0 0, 0 0");
    assert_rows(fixture, "SELECT operation, display_summary, changed_at FROM events",
                "carefully reading|It was carefully reading|NULL");
    assert_rows(fixture, "SELECT count(*) FROM event_fts WHERE event_fts MATCH 'text: carefully'", "1");
    learnt.prefix = NULL;
    assert_did(renormalize(fixture), "1 1 0 0 0 0, 0 0");
    assert_rows(fixture, "SELECT count(*) FROM event_fts WHERE event_fts MATCH 'text: carefully'", "0");
}

/* --- keys ------------------------------------------------------------------------------------------------------------
 */

static void a_key_that_is_another_today_leads_to_its_event(void **state)
{
    struct fixture *fixture = *state;
    learnt.key_member = "part";
    receive_sign_in(fixture, "a", NOON, ",\"part\":\"-1\"", AT);
    receive_sign_in(fixture, "a", NOON, ",\"part\":\"-1\",\"v\":2", AT + 1);
    assert_rows(fixture, "SELECT id, dedupe_key FROM event", "a|a-1");
    learnt.key_member = NULL;
    assert_did(renormalize(fixture), "1 1 0 1 0 0, 0 0");
    assert_rows(fixture, "SELECT id, dedupe_key FROM event", "a|NULL");
    receive_sign_in(fixture, "a", NOON, ",\"part\":\"-1\",\"v\":2", AT + 2);
    assert_rows(fixture, "SELECT count(*), max(records) FROM events, collections", "1|1");
    assert_rows(fixture, "SELECT count(*) FROM tombstones", "0");
}

static void the_mirrored_document_of_an_old_key_is_deleted_where_deletes_are_mirrored(void **state)
{
    struct fixture *fixture = *state;
    receive_sign_in(fixture, "a", NOON, ",\"part\":\"-1\"", AT);
    learnt.key_member = "part";
    assert_did(renormalize_with(fixture, (struct store_renormalize_options){.mirror_deletes = true}),
               "1 1 0 1 0 0, 0 0");
    assert_rows(fixture, "SELECT collection, doc_id FROM tombstones", "events|" TENANT ":sign-ins:a");
    assert_rows(fixture, "SELECT max(seq) = (SELECT value FROM counter WHERE name = 'seq') FROM tombstone", "1");
    assert_rows(fixture, "SELECT count(*) FROM event, tombstone WHERE event.seq = tombstone.seq", "0");
}

static void a_record_whose_key_is_anothers_keeps_its_own(void **state)
{
    struct fixture *fixture = *state;
    learnt.key_member = "part";
    receive_sign_in(fixture, "a", NOON, ",\"part\":\"-1\"", AT);
    receive_sign_in(fixture, "a", NOON, "", AT);
    receive_sign_in(fixture, "a", NOON, ",\"part\":\"-2\"", AT);
    learnt.key_member = NULL;
    learnt.prefix = "twice ";
    assert_did(renormalize(fixture), "3 3 0 0 2 0, 0 0");
    assert_rows(fixture, "SELECT id, dedupe_key, operation FROM event ORDER BY event_id",
                "a|a-1|twice reading\na|NULL|twice reading\na|a-2|twice reading");
    assert_did(renormalize(fixture), "3 0 0 0 2 0, 0 0");
}

static void an_event_whose_key_is_gone_is_damage_and_nothing_of_its_transaction_is_written(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    struct store_renormalized result;
    struct store_renormalize_options options = {.decoders = &test_decoders, .version = "1.0", .now = AT};
    receive_sign_in(fixture, "a", NOON, "", AT);
    receive_sign_in(fixture, "b", NOON, "", AT);
    execute(fixture, "UPDATE event_key SET event_id = 1 WHERE event_id = (SELECT max(event_id) FROM event)");
    g_autofree char *before = rows_in(fixture->path, "SELECT * FROM event");
    learnt.shift_s = 60;
    assert_refused(store_renormalize(fixture->store, &options, &result, &error), &error, STORE_ERROR_CORRUPT,
                   "does not lead to it");
    assert_int_equal(result.changed, 0);
    assert_rows(fixture, "SELECT * FROM event", before);
    execute(fixture, "UPDATE event_key SET event_id = (SELECT max(event_id) FROM event) WHERE event_id = 1");
    assert_did(renormalize(fixture), "2 2 2 0 0 0, 0 0");
}

/* --- times -----------------------------------------------------------------------------------------------------------
 */

static void a_record_whose_time_is_another_moves_with_all_that_is_its(void **state)
{
    struct fixture *fixture = *state;
    receive_sign_in(fixture, "a", NOON, ",\"v\":1", AT);
    receive_sign_in(fixture, "a", NOON, ",\"v\":2", AT + 1);
    receive_sign_in(fixture, "b", "2026-11-25T13:00:00Z", "", AT);
    learnt.shift_s = 3600;
    assert_did(renormalize(fixture), "2 2 2 0 0 0, 0 0");
    assert_rows(fixture, "SELECT id, event_id >> 20, event_id & 1048575, timestamp FROM event ORDER BY event_id",
                "a|1795611600|1|2026-11-25T13:00:00.0000000Z\nb|1795615200|0|2026-11-25T14:00:00.0000000Z");
    assert_rows(fixture, "SELECT e.id FROM event_version JOIN event AS e USING (event_id)", "a");
    assert_rows(fixture, "SELECT count(*) FROM event_fts JOIN event ON event_id = event_fts.rowid", "2");
    assert_rows(fixture, "SELECT newest FROM collections WHERE source = 'sign-ins'", "2026-11-25T14:00:00.0000000Z");
    learnt.shift_s = 0; /* each to where the other was */
    assert_did(renormalize(fixture), "2 2 2 0 0 0, 0 0");
    assert_rows(fixture, "SELECT id, timestamp FROM events ORDER BY event_id",
                "a|2026-11-25T12:00:00.0000000Z\nb|2026-11-25T13:00:00.0000000Z");
}

static void a_time_in_the_future_makes_nothing_look_fresh(void **state)
{
    struct fixture *fixture = *state;
    receive_sign_in(fixture, "a", NOON, "", AT);
    learnt.shift_s = 10 * 86400;
    assert_did(renormalize(fixture), "1 1 1 0 0 0, 0 0");
    assert_rows(fixture, "SELECT newest FROM collections", "2026-11-25T12:00:00.0000000Z");
}

static void a_record_without_time_stays_where_it_is(void **state)
{
    struct fixture *fixture = *state;
    receive_sign_in(fixture, "a", NOON, "", AT);
    receive_sign_in(fixture, "b", "never", "", AT);
    execute(fixture, "UPDATE event SET timestamp = '2020-01-01T00:00:00.0000000Z' WHERE id = 'b'");
    assert_did(renormalize(fixture), "2 1 0 0 0 0, 0 0");
    assert_rows(fixture, "SELECT timestamp, event_id >> 20, time_missing FROM event WHERE id = 'b'",
                "NULL|1795680000|1");
}

/* A second of a million records runs over into the next; what stands there has no better place. */
static void a_record_behind_a_full_second_stays_there(void **state)
{
    struct fixture *fixture = *state;
    receive_sign_in(fixture, "a", NOON, "", AT);
    execute(fixture, "UPDATE event SET event_id = event_id + 1048575");
    execute(fixture, "UPDATE event_key SET event_id = event_id + 1048575");
    execute(fixture, "INSERT INTO event_fts (rowid, text, facets) "
                     "SELECT rowid + 1048575, text, facets FROM event_fts");
    execute(fixture, "DELETE FROM event_fts WHERE rowid % 1048576 = 0");
    receive_sign_in(fixture, "b", NOON, "", AT);
    assert_did(renormalize(fixture), "2 0 0 0 0 0, 0 0");
    assert_rows(fixture, "SELECT id, (event_id >> 20) - 1795608000 FROM event ORDER BY event_id", "a|0\nb|1");
}

/* --- what cannot be decoded ------------------------------------------------------------------------------------------
 */

static void what_cannot_be_decoded_any_more_is_left_as_it_is(void **state)
{
    struct fixture *fixture = *state;
    receive_sign_in(fixture, "a", NOON, "", AT);
    receive_sign_in(fixture, "b", NOON, ",\"odd\":1", AT);
    say_one(fixture, STORE_ROUND_DELTA, AT, "u", NULL, "{\"id\":\"u\",\"displayName\":\"Ada\"}");
    learnt.forgotten = "odd";
    learnt.prefix = "well ";
    assert_did(renormalize(fixture), "3 1 0 0 0 1, 0 0");
    assert_rows(fixture, "SELECT id, operation FROM event ORDER BY id", "a|well reading\nb|reading");
}

static void a_source_that_is_not_known_is_left_as_it_is(void **state)
{
    struct fixture *fixture = *state;
    g_autofree char *raw = sign_in("a", NOON, "");
    struct document *document = event_of("sign-ins", TENANT, raw, strlen(raw), AT, NULL, NULL);
    struct store_page *page = page_new(fixture->customer, 0, 1);
    document_seal(document, TENANT, "old-audits");
    page->source = "old-audits";
    page_add(page, document);
    commit(fixture, page);
    page_free(page);
    learnt.prefix = "well ";
    assert_did(renormalize(fixture), "1 0 0 0 0 1, 0 0");
}

/* --- accounts and health ---------------------------------------------------------------------------------------------
 */

static void accounts_are_derived_anew(void **state)
{
    static const char look[] = "SELECT user_principal_name, display_name, mail, account_enabled, user_type, created, "
                               "last_sign_in, raw, raw_text, first_seen, changed_at, removed_at, facets "
                               "FROM users JOIN user_fts ON user_fts.rowid = user_id";
    struct fixture *fixture = *state;
    say_one(fixture, STORE_ROUND_LISTING, AT, "u", NULL,
            "{\"id\":\"u\",\"displayName\":\"Ada\",\"userPrincipalName\":\"ada@example.org\",\"accountEnabled\":false,"
            "\"userType\":\"Member\",\"createdDateTime\":\"2020-01-01T00:00:00.0000000Z\"}");
    say_one(fixture, STORE_ROUND_DELTA, AT + 60, "u", "changed", "{\"id\":\"u\",\"@removed\":{}}");
    g_autofree char *before = rows_in(fixture->path, look);
    execute(fixture, "UPDATE user SET user_principal_name = 'ADA@example.org', display_name = NULL, mail = 'x', "
                     "account_enabled = 1, user_type = NULL, created = NULL, last_sign_in = 'x'");
    execute(fixture, "UPDATE user_fts SET text = 'x'");
    assert_did(renormalize(fixture), "1 1 0 0 0 0, 0 0");
    assert_rows(fixture, look, before);
    assert_rows(fixture, "SELECT typeof(account_enabled) FROM user", "integer");
    execute(fixture, "UPDATE user_fts SET facets = 'x'");
    assert_did(renormalize(fixture), "1 1 0 0 0 0, 0 0");
    assert_rows(fixture, look, before);
    assert_did(renormalize(fixture), "1 0 0 0 0 0, 0 0");
}

static void issues_messages_and_overviews_are_derived_anew(void **state)
{
    static const char *const looks[] = {
        "SELECT service, status, raw, first_seen, changed_at FROM service_overviews",
        "SELECT service, title, classification, status, is_resolved, start, \"end\", last_modified, raw, raw_text, "
        "first_seen, changed_at, facets FROM service_issues JOIN issue_fts ON issue_fts.rowid = issue_id",
        "SELECT title, services, category, severity, is_major_change, start, \"end\", last_modified, "
        "action_required_by, raw, raw_text, changed_at, facets FROM service_messages "
        "JOIN message_fts ON message_fts.rowid = message_id"};
    static const char *const spoils[] = {
        "UPDATE service_overview SET service = 'TEAMS', status = NULL",
        "UPDATE service_issue SET service = 'teams', title = NULL, classification = 'x', status = 'x', "
        "is_resolved = NULL, start = 'x', \"end\" = 'x', last_modified = NULL",
        "UPDATE service_message SET title = NULL, services = '[]', category = 'x', severity = 'x', "
        "is_major_change = 0, start = 'x', \"end\" = 'x', last_modified = NULL, action_required_by = 'x'",
        "UPDATE issue_fts SET text = 'x'", "UPDATE message_fts SET facets = 'x'"};
    struct fixture *fixture = *state;
    char *before[G_N_ELEMENTS(looks)];
    tell_one(fixture, STORE_HEALTH_OVERVIEWS, AT, "Teams",
             "{\"id\":\"Teams\",\"service\":\"Teams\",\"status\":\"serviceOperational\"}");
    tell_one(fixture, STORE_HEALTH_ISSUES, AT, "TM1",
             "{\"id\":\"TM1\",\"classification\":\"advisory\",\"service\":\"Teams\",\"title\":\"Slow\",\"isResolved\":"
             "true,\"startDateTime\":\"2026-11-01T00:00:00Z\",\"lastModifiedDateTime\":\"2026-11-02T00:00:00Z\"}");
    tell_one(fixture, STORE_HEALTH_MESSAGES, AT, "MC1",
             "{\"id\":\"MC1\",\"services\":[\"Teams\"],\"title\":\"New\",\"isMajorChange\":true,\"category\":\"c\"}");
    for (size_t i = 0; i < G_N_ELEMENTS(looks); i++)
        before[i] = rows_in(fixture->path, looks[i]);
    for (size_t i = 0; i < G_N_ELEMENTS(spoils); i++)
        execute(fixture, spoils[i]);
    assert_did(renormalize(fixture), "3 3 0 0 0 0, 0 0");
    for (size_t i = 0; i < G_N_ELEMENTS(looks); i++) {
        assert_rows(fixture, looks[i], before[i]);
        g_free(before[i]);
    }
    assert_did(renormalize(fixture), "3 0 0 0 0 0, 0 0");
}

/* --- rounds ----------------------------------------------------------------------------------------------------------
 */

static void receive_many(struct fixture *fixture, int n)
{
    g_autoptr(GPtrArray) raws = g_ptr_array_new_with_free_func(g_free);
    struct store_page *page = page_new(fixture->customer, AT - 86400, AT);
    for (int i = 0; i < n; i++) {
        g_autofree char *id = g_strdup_printf("r%d", i),
                        *second = g_strdup_printf("2026-11-25T12:%02d:%02dZ", i / 60 % 60, i % 60);
        char *raw = sign_in(id, second, "");
        g_ptr_array_add(raws, raw);
        page_add(page, event_of("sign-ins", TENANT, raw, strlen(raw), AT, NULL, NULL));
    }
    commit(fixture, page);
    page_free(page);
}

static void a_limited_run_is_gone_on_with_until_the_round_is_complete(void **state)
{
    struct fixture *fixture = *state;
    struct store_renormalize_options some = {.limit = 4};
    receive_many(fixture, 10);
    say_one(fixture, STORE_ROUND_DELTA, AT, "u", NULL, "{\"id\":\"u\"}");
    learnt.prefix = "well ";
    learnt.shift_s = 7; /* those that move ahead of the round are not counted twice */
    struct store_renormalized did = renormalize_with(fixture, some);
    assert_did(did, "4 4 4 0 0 0, 0 0");
    assert_int_equal(did.of, 11);
    assert_false(did.complete);
    assert_rows(fixture, "SELECT count(*) FROM events WHERE operation = 'well reading'", "4");
    assert_rows(fixture, "SELECT started_at, finished_at, version, position LIKE 'events % 11 4' FROM maintenance",
                "1795683600|NULL|1.0|1");
    assert_did(renormalize_with(fixture, some), "4 4 4 0 0 0, 0 0");
    did = renormalize_with(fixture, some);
    assert_did(did, "3 2 2 0 0 0, 0 0");
    assert_true(did.complete);
    assert_rows(fixture, "SELECT count(*) FROM events WHERE operation = 'well reading'", "10");
    assert_did(renormalize_with(fixture, some), "4 0 0 0 0 0, 0 0"); /* a new round */
}

static void another_version_begins_anew(void **state)
{
    struct fixture *fixture = *state;
    receive_many(fixture, 6);
    renormalize_with(fixture, (struct store_renormalize_options){.limit = 4, .version = "1.0"});
    learnt.prefix = "well ";
    assert_did(renormalize_with(fixture, (struct store_renormalize_options){.version = "1.1"}), "6 6 0 0 0 0, 0 0");
}

static void a_place_that_cannot_be_read_begins_anew(void **state)
{
    static const char *const places[] = {"NULL", "'events'", "'nothing 1 2 3'", "'events 1 2 x'", "'events 1 2 3 4'"};
    struct fixture *fixture = *state;
    receive_many(fixture, 3);
    for (size_t i = 0; i < G_N_ELEMENTS(places); i++) {
        g_autofree char *spoil = g_strdup_printf("UPDATE maintenance SET position = %s, started_at = 1", places[i]);
        execute(fixture, "INSERT OR IGNORE INTO maintenance (task, version) VALUES ('renormalize', '1.0')");
        execute(fixture, spoil);
        assert_did(renormalize(fixture), "3 0 0 0 0 0, 0 0");
    }
}

static void a_run_that_is_stopped_keeps_what_it_did_and_is_gone_on_with(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    struct patience patience = {.most = 3};
    struct store_watch watch = {go_on, &patience};
    struct store_renormalize_options options = {
        .decoders = &test_decoders, .version = "1.0", .now = AT + 3600, .watch = &watch};
    struct store_renormalized first;
    receive_many(fixture, 100);
    learnt.prefix = "well ";
    assert_refused(store_renormalize(fixture->store, &options, &first, &error), &error, STORE_ERROR_STOPPED, "stopped");
    assert_string_equal(patience.doing, "deriving events anew");
    assert_in_range(first.changed, 1, 99);
    assert_int_equal(first.changed, first.looked_at);
    assert_int_equal(patience.done, first.looked_at);
    assert_int_equal(patience.of, 100);
    assert_false(first.complete);
    struct store_renormalized second = renormalize(fixture);
    assert_int_equal(first.looked_at + second.looked_at, 100);
    assert_int_equal(first.changed + second.changed, 100);
    assert_true(second.complete);
}

/* What a process was at when it was killed is undone; what it had committed is not done again. */
static void whoever_is_killed_in_the_middle_leaves_a_sound_database_and_the_next_goes_on(void **state)
{
    struct fixture *fixture = *state;
    receive_many(fixture, 100);
    g_clear_pointer(&fixture->store, store_close);
    learnt.prefix = "well ";
    pid_t child = fork();
    if (child == 0) {
        struct store_renormalize_options options = {.decoders = &test_decoders, .version = "1.0", .now = AT};
        struct store_renormalized result;
        struct store *store = store_open(fixture->path, STORE_WRITE, NULL);
        learnt.dies = store;
        learnt.dies_at = learnt.decoded_here + 40; /* the first transaction writes 16 */
        store_renormalize(store, &options, &result, NULL);
        _exit(1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    fixture->store = store_open(fixture->path, STORE_WRITE, NULL);
    g_autofree char *kept = rows_in(fixture->path, "SELECT count(*) FROM events WHERE operation = 'well reading'");
    int64_t done = g_ascii_strtoll(kept, NULL, 10);
    assert_in_range(done, 16, 40); /* how many a later transaction takes is a matter of time */
    struct store_renormalized rest = renormalize(fixture);
    assert_int_equal(rest.looked_at, 100 - done);
    assert_int_equal(rest.changed, 100 - done);
    assert_true(rest.complete);
}

/* --- what could not be read: events ----------------------------------------------------------------------------------
 */

static void a_record_that_can_be_read_now_is_one_as_if_it_could_have_been_then(void **state)
{
    struct fixture *fixture = *state;
    g_autofree char *raw = sign_in("a", NOON, ""), *odd = sign_in("b", "no time", "");
    receive_unreadable(fixture, "sign-ins", raw, AT);
    receive_unreadable(fixture, "sign-ins", odd, AT + 5);
    receive_unreadable(fixture, "sign-ins", "{", AT);
    receive_unreadable(fixture, "unified-audit", "{}", AT);
    g_autofree char *coverage = rows_in(fixture->path, "SELECT * FROM coverage");
    assert_did(renormalize(fixture), "0 0 0 0 0 0, 2 2");
    assert_rows(fixture, "SELECT id, operation, first_seen, changed_at, event_id >> 20 FROM events ORDER BY id",
                "a|reading|2026-11-26T08:00:00Z|NULL|1795608000\nb|reading|2026-11-26T08:00:05Z|NULL|1795680005");
    assert_rows(fixture, "SELECT records, newest FROM collections", "2|2026-11-25T12:00:00.0000000Z");
    assert_rows(fixture, "SELECT source, CAST(body AS TEXT) FROM unreadable ORDER BY source",
                "sign-ins|{\nunified-audit|{}");
    assert_rows(fixture, "SELECT * FROM coverage", coverage);
    assert_did(renormalize(fixture), "2 0 0 0 0 0, 0 2");
}

static void a_record_that_came_again_meanwhile_is_a_duplicate(void **state)
{
    struct fixture *fixture = *state;
    g_autofree char *raw = sign_in("a", NOON, "");
    receive_unreadable(fixture, "sign-ins", raw, AT);
    receive(fixture, "sign-ins", raw, AT + 60);
    assert_did(renormalize(fixture), "1 0 0 0 0 0, 1 0");
    assert_rows(fixture, "SELECT count(*), max(first_seen) FROM events", "1|2026-11-26T08:01:00Z");
    assert_rows(fixture, "SELECT count(*) FROM unreadable", "0");
}

static void a_body_that_was_received_later_replaces_the_known_one(void **state)
{
    struct fixture *fixture = *state;
    g_autofree char *raw = sign_in("a", NOON, ",\"v\":2");
    receive_sign_in(fixture, "a", NOON, ",\"v\":1", AT);
    receive_unreadable(fixture, "sign-ins", raw, AT + 60);
    assert_did(renormalize(fixture), "1 0 0 0 0 0, 1 0");
    assert_rows(fixture, "SELECT raw LIKE '%\"v\":2}', changed_at FROM events", "1|2026-11-26T08:01:00Z");
    assert_rows(fixture, "SELECT raw LIKE '%\"v\":1}', stored_at, replaced_at FROM event_versions",
                "1|2026-11-26T08:00:00Z|2026-11-26T08:01:00Z");
    assert_rows(fixture, "SELECT records FROM collections", "1");
}

static void a_body_that_was_received_earlier_is_kept_beside_the_known_one(void **state)
{
    struct fixture *fixture = *state;
    g_autofree char *raw = sign_in("a", NOON, ",\"v\":0"), *same = sign_in("a", NOON, ",\"v\":1");
    receive_unreadable(fixture, "sign-ins", raw, AT - 60);
    receive_unreadable(fixture, "sign-ins", same, AT - 30);
    receive_sign_in(fixture, "a", NOON, ",\"v\":1", AT);
    receive_sign_in(fixture, "a", NOON, ",\"v\":2", AT + 60);
    assert_did(renormalize(fixture), "1 0 0 0 0 0, 2 0");
    assert_rows(fixture, "SELECT raw LIKE '%\"v\":2}', first_seen, changed_at FROM events",
                "1|2026-11-26T07:59:00Z|2026-11-26T08:01:00Z");
    assert_rows(fixture, "SELECT raw LIKE '%\"v\":0}', stored_at, replaced_at FROM event_versions ORDER BY stored_at",
                "1|2026-11-26T07:59:00Z|2026-11-26T08:00:00Z\n0|2026-11-26T08:00:00Z|2026-11-26T08:01:00Z");
    assert_rows(fixture, "SELECT count(*) FROM unreadable", "0");
}

static void two_bodies_of_one_record_that_could_not_be_read_become_one_record(void **state)
{
    struct fixture *fixture = *state;
    g_autofree char *late = sign_in("a", NOON, ",\"v\":2"), *early = sign_in("a", NOON, ",\"v\":1");
    receive_unreadable(fixture, "sign-ins", late, AT + 60);
    receive_unreadable(fixture, "sign-ins", early, AT);
    assert_did(renormalize(fixture), "0 0 0 0 0 0, 2 0");
    assert_rows(fixture, "SELECT raw LIKE '%\"v\":2}', first_seen FROM events", "1|2026-11-26T08:00:00Z");
    assert_rows(fixture, "SELECT raw LIKE '%\"v\":1}', replaced_at FROM event_versions", "1|2026-11-26T08:01:00Z");
}

static void a_limit_counts_what_could_not_be_read_too(void **state)
{
    struct fixture *fixture = *state;
    receive_sign_in(fixture, "a", NOON, "", AT);
    receive_unreadable(fixture, "sign-ins", "{", AT);
    receive_unreadable(fixture, "sign-ins", "[", AT);
    struct store_renormalized did = renormalize_with(fixture, (struct store_renormalize_options){.limit = 2});
    assert_did(did, "1 0 0 0 0 0, 0 1");
    assert_false(did.complete);
    assert_did(renormalize_with(fixture, (struct store_renormalize_options){.limit = 2}), "0 0 0 0 0 0, 0 1");
}

/* --- what could not be read: accounts --------------------------------------------------------------------------------
 */

#define ADA(name) "{\"id\":\"u\",\"userPrincipalName\":\"ada@example.org\",\"displayName\":\"" name "\"}"

static void an_account_nobody_knew_is_one_if_it_says_who_it_is(void **state)
{
    struct fixture *fixture = *state;
    receive_unreadable(fixture, "users", ADA("Ada"), AT);
    receive_unreadable(fixture, "users", "{\"id\":\"v\",\"signInActivity\":{}}", AT);
    receive_unreadable(fixture, "users", "{\"id\":\"w\",\"@removed\":{}}", AT);
    assert_did(renormalize(fixture), "0 0 0 0 0 0, 1 2");
    assert_rows(fixture, "SELECT id, display_name, raw_text, first_seen, removed_at FROM users",
                "u|Ada|Ada\nada@example.org|2026-11-26T08:00:00Z|NULL");
    assert_rows(fixture, "SELECT records FROM collections WHERE source = 'users'", "1");
    assert_rows(fixture, "SELECT count(*) FROM user_rounds", "0");
}

static void an_account_that_says_nothing_new_is_dropped(void **state)
{
    struct fixture *fixture = *state;
    say_one(fixture, STORE_ROUND_LISTING, AT, "u", NULL, ADA("Ada"));
    receive_unreadable(fixture, "users", "{\"id\":\"u\", \"displayName\":\"Ada\"}", AT - 60);
    assert_did(renormalize(fixture), "1 0 0 0 0 0, 1 0");
    assert_rows(fixture, "SELECT count(*) FROM unreadable", "0");
    assert_rows(fixture, "SELECT count(*) FROM user_changes", "0");
}

static void the_last_word_about_an_account_is_merged_and_touches_no_round(void **state)
{
    struct fixture *fixture = *state;
    say_one(fixture, STORE_ROUND_LISTING, AT, "u", NULL, ADA("Ada"));
    g_autofree char *rounds = rows_in(fixture->path, "SELECT * FROM collect_round");
    receive_unreadable(fixture, "users", "{\"id\":\"u\",\"displayName\":\"Augusta\"}", AT + 60);
    receive_unreadable(fixture, "users", "{\"id\":\"u\",\"@removed\":{}}", AT + 120);
    assert_did(renormalize(fixture), "1 0 0 0 0 0, 2 0");
    assert_rows(fixture, "SELECT display_name, user_principal_name, removed_at FROM users",
                "Augusta|ada@example.org|2026-11-26T08:02:00Z");
    assert_rows(fixture, "SELECT field, seen_at FROM user_changes",
                "displayName|2026-11-26T08:01:00Z\n@removed|2026-11-26T08:02:00Z");
    assert_rows(fixture, "SELECT * FROM collect_round", rounds);
}

static void an_older_word_about_an_account_stays_where_it_is(void **state)
{
    struct fixture *fixture = *state;
    say_one(fixture, STORE_ROUND_LISTING, AT, "u", NULL,
            "{\"id\":\"u\",\"signInActivity\":{\"lastSignInDateTime\":\"2026-11-20\"}}");
    receive_unreadable(fixture, "users", ADA("Augusta"), AT - 60);
    receive_unreadable(fixture, "users", "{\"id\":\"u\",\"signInActivity\":{\"lastSignInDateTime\":\"2026-11-19\"}}",
                       AT + 60);
    assert_did(renormalize(fixture), "1 0 0 0 0 0, 0 2");
    assert_rows(fixture, "SELECT count(*) FROM unreadable", "2");
    assert_rows(fixture, "SELECT display_name, last_sign_in FROM users", "NULL|2026-11-20");
}

/* --- what could not be read: health ----------------------------------------------------------------------------------
 */

#define ISSUE(modified, title)                                                                                         \
    "{\"id\":\"TM1\",\"classification\":\"advisory\",\"title\":\"" title "\",\"lastModifiedDateTime\":\"" modified "\"}"

static void an_issue_modified_later_replaces_the_known_one_and_an_earlier_one_is_kept_beside(void **state)
{
    struct fixture *fixture = *state;
    tell_one(fixture, STORE_HEALTH_ISSUES, AT, "TM1", ISSUE("2026-11-20T00:00:00Z", "two"));
    receive_unreadable(fixture, "health", ISSUE("2026-11-21T00:00:00Z", "three"), AT + 60);
    receive_unreadable(fixture, "health", ISSUE("2026-11-19T00:00:00Z", "one"), AT + 120);
    assert_did(renormalize(fixture), "1 0 0 0 0 0, 2 0");
    assert_rows(fixture, "SELECT title, raw_text, first_seen, changed_at FROM service_issues",
                "three|three|2026-11-26T08:00:00Z|2026-11-26T08:01:00Z");
    assert_rows(fixture, "SELECT raw ->> 'title', stored_at, replaced_at FROM issue_versions ORDER BY seq",
                "two|2026-11-26T08:00:00Z|2026-11-26T08:01:00Z\none|2026-11-26T08:02:00Z|2026-11-26T08:02:00Z");
    assert_rows(fixture, "SELECT records, newest FROM collections WHERE source = 'health'",
                "1|2026-11-21T00:00:00.0000000Z");
}

static void issues_modified_at_one_moment_go_by_their_reception(void **state)
{
    struct fixture *fixture = *state;
    tell_one(fixture, STORE_HEALTH_ISSUES, AT, "TM1", ISSUE("2026-11-20T00:00:00Z", "two"));
    receive_unreadable(fixture, "health", ISSUE("2026-11-20T00:00:00Z", "one"), AT - 60);
    receive_unreadable(fixture, "health", ISSUE("2026-11-20T00:00:00Z", "three"), AT + 60);
    receive_unreadable(fixture, "health", ISSUE("2026-11-20T00:00:00Z", "two"), AT + 90);
    assert_did(renormalize(fixture), "1 0 0 0 0 0, 3 0");
    assert_rows(fixture, "SELECT title, first_seen FROM service_issues", "two|2026-11-26T07:59:00Z");
    assert_rows(fixture, "SELECT raw ->> 'title' FROM issue_versions ORDER BY stored_at", "one\ntwo\nthree");
}

static void messages_and_overviews_that_nobody_knew_are_records_now(void **state)
{
    struct fixture *fixture = *state;
    receive_unreadable(fixture, "health", "{\"id\":\"MC1\",\"services\":[\"Teams\"],\"title\":\"New\"}", AT);
    receive_unreadable(fixture, "health", "{\"id\":\"Teams\",\"service\":\"Teams\",\"status\":\"ok\"}", AT);
    receive_unreadable(fixture, "health", "{\"title\":\"nobody's\"}", AT);
    assert_did(renormalize(fixture), "0 0 0 0 0 0, 2 1");
    assert_rows(fixture, "SELECT id, title, first_seen FROM service_messages", "MC1|New|2026-11-26T08:00:00Z");
    assert_rows(fixture, "SELECT id, status FROM service_overviews", "Teams|ok");
    assert_rows(fixture, "SELECT records FROM collections WHERE source = 'health'", "1");
    assert_rows(fixture, "SELECT count(*) FROM service_states", "0");
}

static void an_overview_that_is_known_by_later_scans_is_only_kept_beside(void **state)
{
    struct fixture *fixture = *state;
    tell_one(fixture, STORE_HEALTH_OVERVIEWS, AT, "Teams", "{\"id\":\"Teams\",\"service\":\"T\",\"status\":\"ok\"}");
    receive_unreadable(fixture, "health", "{\"id\":\"Teams\",\"service\":\"T\",\"status\":\"bad\"}", AT + 60);
    assert_did(renormalize(fixture), "1 0 0 0 0 0, 1 0");
    assert_rows(fixture, "SELECT status FROM service_overviews", "ok");
    assert_rows(fixture, "SELECT raw ->> 'status', stored_at FROM overview_versions", "bad|2026-11-26T08:01:00Z");
}

#define VERIFIED(test) cmocka_unit_test_setup_teardown(test, setup_learning, teardown_verified)

int main(void)
{
    const struct CMUnitTest tests[] = {
        VERIFIED(what_would_not_change_is_not_written),
        VERIFIED(spoilt_columns_come_back_and_the_evidence_stays),
        VERIFIED(spoilt_text_and_facets_come_back),
        VERIFIED(text_that_is_missing_is_written),
        VERIFIED(what_was_learnt_is_found_and_what_was_wrong_is_not),
        VERIFIED(a_key_that_is_another_today_leads_to_its_event),
        VERIFIED(the_mirrored_document_of_an_old_key_is_deleted_where_deletes_are_mirrored),
        VERIFIED(a_record_whose_key_is_anothers_keeps_its_own),
        VERIFIED(an_event_whose_key_is_gone_is_damage_and_nothing_of_its_transaction_is_written),
        VERIFIED(a_record_whose_time_is_another_moves_with_all_that_is_its),
        VERIFIED(a_time_in_the_future_makes_nothing_look_fresh),
        VERIFIED(a_record_without_time_stays_where_it_is),
        VERIFIED(a_record_behind_a_full_second_stays_there),
        VERIFIED(what_cannot_be_decoded_any_more_is_left_as_it_is),
        VERIFIED(a_source_that_is_not_known_is_left_as_it_is),
        VERIFIED(accounts_are_derived_anew),
        VERIFIED(issues_messages_and_overviews_are_derived_anew),
        VERIFIED(a_limited_run_is_gone_on_with_until_the_round_is_complete),
        VERIFIED(another_version_begins_anew),
        VERIFIED(a_place_that_cannot_be_read_begins_anew),
        VERIFIED(a_run_that_is_stopped_keeps_what_it_did_and_is_gone_on_with),
        VERIFIED(whoever_is_killed_in_the_middle_leaves_a_sound_database_and_the_next_goes_on),
        VERIFIED(a_record_that_can_be_read_now_is_one_as_if_it_could_have_been_then),
        VERIFIED(a_record_that_came_again_meanwhile_is_a_duplicate),
        VERIFIED(a_body_that_was_received_later_replaces_the_known_one),
        VERIFIED(a_body_that_was_received_earlier_is_kept_beside_the_known_one),
        VERIFIED(two_bodies_of_one_record_that_could_not_be_read_become_one_record),
        VERIFIED(a_limit_counts_what_could_not_be_read_too),
        VERIFIED(an_account_nobody_knew_is_one_if_it_says_who_it_is),
        VERIFIED(an_account_that_says_nothing_new_is_dropped),
        VERIFIED(the_last_word_about_an_account_is_merged_and_touches_no_round),
        VERIFIED(an_older_word_about_an_account_stays_where_it_is),
        VERIFIED(an_issue_modified_later_replaces_the_known_one_and_an_earlier_one_is_kept_beside),
        VERIFIED(issues_modified_at_one_moment_go_by_their_reception),
        VERIFIED(messages_and_overviews_that_nobody_knew_are_records_now),
        VERIFIED(an_overview_that_is_known_by_later_scans_is_only_kept_beside),
    };
    return cmocka_run_group_tests_name("renormalize", tests, NULL, NULL);
}
