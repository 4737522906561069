/* Forgetting a customer: nothing is left of it, not one byte, and the others are as they were. */
#include "store/store_private.h"

#include <signal.h>
#include <sys/resource.h>

#include "accounts_fixture.h"
#include "health_fixture.h"

/* In every text of the customer that is forgotten; what is searched for begins later, since FTS5 stores of a term only
 * what differs from the one before. */
#define MARK             "qxvordessamark"
#define SEARCHED         "dessamark"
#define FORGOTTEN_TENANT "qxvordessamark-0000-4000-8000-000000000002"

enum { EVENTS = 600, CHANGED = 40 };

/* --- two customers ---------------------------------------------------------------------------------------------------
 */

/* A sign-in with the word in every text it has. */
static struct document *event_of(const char *tenant, const char *word, int n, const char *raw)
{
    g_autofree char *id = g_strdup_printf("%s%04d", word, n);
    struct document *document = document_of(id, NULL, raw, NULL);
    document->time_missing = false;
    document->time_s = AT - 7 * n;
    document->timestamp = g_malloc(TIMESTAMP_TEXT_BYTES);
    timestamp_format((struct timestamp){document->time_s, 0}, document->timestamp);
    char **texts[] = {&document->service,       &document->operation,       &document->result,
                      &document->actor_display, &document->target_displays, &document->display_summary,
                      &document->text};
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_free(*texts[i]);
        *texts[i] = g_strdup_printf("[\"%s %05d of %zu, %d\"]", word, (n * 7919) % 10007, i, n);
    }
    document_seal(document, tenant, "sign-ins");
    return document;
}

static char *body_of(const char *word, int n, int length)
{
    g_autofree char *filler = g_strnfill((gsize)length, 'x');
    return g_strdup_printf("{\"id\":\"%s%d\",\"filler\":\"%s\",\"end\":\"%s\"}", word, n, filler, word);
}

/* Events of both customers in turn, so that they share pages; a page that has another with it, so that there is a
 * cursor, and something unreadable. */
static void add_events(struct fixture *fixture, int64_t customer, const char *tenant, const char *word, int from, int n,
                       int longer)
{
    struct store_page *page = page_new(customer, AT - 100000, AT);
    g_autoptr(GPtrArray) bodies = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *link = g_strdup_printf("https://graph.example/%s", word), *unreadable = body_of(word, -1, 9);
    for (int i = from; i < from + n; i++) {
        g_ptr_array_add(bodies, body_of(word, i, 200 + (i * 37) % 900 + longer));
        page_add(page, event_of(tenant, word, i, bodies->pdata[bodies->len - 1]));
    }
    g_ptr_array_add(page->unreadable, unreadable_new(word, word, unreadable, strlen(unreadable)));
    page->next_link = link;
    commit(fixture, page);
    page_free(page);
}

static void add_accounts(struct fixture *fixture, const char *word)
{
    static const char *const names[] = {"one", "two"};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *id = g_strdup_printf("%s-account", word);
        g_autofree char *raw =
            g_strdup_printf("{\"id\":\"%s\",\"displayName\":\"%s %s\",\"userPrincipalName\":\"%s@x\","
                            "\"mail\":\"%s@x\",\"userType\":\"%s\"}",
                            id, word, names[i], word, word, word);
        struct store_page *page = accounts_page(fixture->customer, STORE_ROUND_DELTA);
        g_free(accounts_of(page)->after.link);
        accounts_of(page)->after.link = g_strdup_printf("https://graph.example/%s", word);
        accounts_of(page)->after.query = (g_free(accounts_of(page)->after.query), g_strdup(word));
        accounts_of(page)->after.delta_link = g_strdup(word);
        page_say(page, id, NULL, raw);
        commit(fixture, page);
        accounts_page_free(page);
    }
}

static void add_health(struct fixture *fixture, enum store_health_kind kind, const char *word)
{
    static const char *const bodies[] = {"first", "second"};
    for (size_t i = 0; i < G_N_ELEMENTS(bodies); i++) {
        g_autofree char *id = g_strdup_printf("%s-%d", word, kind);
        g_autofree char *raw = g_strdup_printf(
            "{\"id\":\"%s\",\"title\":\"%s %s\",\"service\":\"%s\",\"status\":\"%s\",\"classification\":\"%s\","
            "\"category\":\"%s\",\"severity\":\"%s\",\"services\":[\"%s\"],\"impactDescription\":\"%s\","
            "\"isResolved\":true,\"startDateTime\":\"2026-01-01T00:00:00Z\",\"endDateTime\":\"2026-01-02T00:00:00Z\","
            "\"lastModifiedDateTime\":\"2026-01-02T00:00:00Z\"}",
            id, word, bodies[i], word, word, word, word, word, word, word);
        struct store_page *page = health_page(fixture->customer, kind);
        g_ptr_array_add(health_of(page)->records, health_record_new(id, raw, strlen(raw)));
        commit(fixture, page);
        health_page_free(page);
    }
}

static void add_mail(struct fixture *fixture, const char *word)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *address = g_strdup_printf("%s@example.org", word);
    struct store_mail *mail = store_mail_new();
    mail->customer_id = fixture->customer;
    mail->kind = g_strdup("report");
    mail->from_s = AT - 86400;
    mail->to_s = AT;
    mail->subject = g_strdup(word);
    mail->sender = g_strdup(word);
    mail->message_id = g_strdup(word);
    mail->message = g_bytes_new(word, strlen(word));
    mail->created_at = AT;
    store_mail_add_recipient(mail, address);
    assert_ok(store_mail_insert(fixture->store, mail, false, &error), error);
    store_mail_free(mail);
}

/* What the program has no call for, or not yet: by hand. ?1 is the word, ?2 the customer, ?3 the tenant. */
static void add_rest(const struct fixture *fixture, const char *word, const char *tenant)
{
    static const char *const statements[] = {
        "INSERT INTO user_listing SELECT customer_id, user_id FROM user WHERE customer_id = %2$d",
        "INSERT INTO health_scan VALUES (%2$d, 1795679000, 1, NULL), (%2$d, 1795679001, 0, '%1$s')",
        ("INSERT INTO service_state (customer_id, service, status, first_seen, last_seen, samples, first_seq, seq) "
         "SELECT %2$d, '%1$s', '%1$s', 1795679000, 1795679000, 1, value + 1, value + 1 FROM counter "
         "WHERE name = 'seq'"),
        "UPDATE counter SET value = value + 1 WHERE name = 'seq'",
        "UPDATE collection SET last_error = '%1$s' WHERE customer_id = %2$d",
        ("INSERT INTO content_blob (customer_id, content_id, content_type, content_uri, created_at, expires_at, "
         "listed_at, error) VALUES (%2$d, '%1$s', '%1$s', '%1$s', 1, 2, 3, '%1$s')"),
        "UPDATE mail SET answer = '%1$s' WHERE customer_id = %2$d",
        "UPDATE mail_recipient SET answer = '%1$s' WHERE address LIKE '%1$s%%'",
        "INSERT INTO retention_line VALUES (%2$d, 'mails', 0, 1, 2)",
        "INSERT INTO mirror_reject VALUES ('%1$s', 'events', '%3$s:sign-ins:%1$s', 1, 2, '%1$s')",
        "INSERT INTO tombstone SELECT value + 1, 'users', '%3$s:users:%1$s' FROM counter WHERE name = 'seq'",
        "UPDATE counter SET value = value + 1 WHERE name = 'seq'",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(statements); i++) {
        GString *sql = g_string_new(statements[i]);
        g_autofree char *customer = g_strdup_printf("%" G_GINT64_FORMAT, fixture->customer);
        g_string_replace(sql, "%1$s", word, 0);
        g_string_replace(sql, "%2$d", customer, 0);
        g_string_replace(sql, "%3$s", tenant, 0);
        g_string_replace(sql, "%%", "%", 0);
        execute(fixture, sql->str);
        g_string_free(sql, TRUE);
    }
}

static void add_all(struct fixture *fixture, int64_t customer, const char *tenant, const char *word)
{
    fixture->customer = customer;
    add_accounts(fixture, word);
    for (enum store_health_kind kind = STORE_HEALTH_OVERVIEWS; kind <= STORE_HEALTH_MESSAGES; kind++)
        add_health(fixture, kind, word);
    add_mail(fixture, word);
    add_rest(fixture, word, tenant);
}

/* contoso stays; the other one is forgotten. */
static int setup_two(void **state)
{
    enum { AT_ONCE = 50 };
    if (setup_store(state) != 0)
        return -1;
    struct fixture *fixture = *state;
    int64_t stays = fixture->customer, goes = store_customer(fixture->store, "Ordessa " MARK, FORGOTTEN_TENANT, NULL);
    for (int i = 0; i < EVENTS; i += AT_ONCE) {
        add_events(fixture, stays, TENANT, "contoso", i, AT_ONCE, 0);
        add_events(fixture, goes, FORGOTTEN_TENANT, MARK, i, AT_ONCE, 0);
    }
    add_events(fixture, stays, TENANT, "contoso", 0, CHANGED, 500);
    add_events(fixture, goes, FORGOTTEN_TENANT, MARK, 0, CHANGED, 500);
    add_all(fixture, stays, TENANT, "contoso");
    add_all(fixture, goes, FORGOTTEN_TENANT, MARK);
    execute(fixture, "INSERT INTO mirror_position VALUES ('there', 0, 1, 'refused " MARK "', 2)");
    execute(fixture, "INSERT INTO maintenance (task, finished_at, outcome) VALUES "
                     "('prune', 1, 'of " FORGOTTEN_TENANT "'), ('verify', 1, 'well')");
    fixture->customer = stays;
    fixture->store->wal.cut_us = 1000;
    return 0;
}

/* --- looking at bytes ------------------------------------------------------------------------------------------------
 */

static bool file_has(const struct fixture *fixture, const char *suffix)
{
    g_autofree char *file = g_strconcat(fixture->path, suffix, NULL), *bytes = NULL;
    gsize length = 0;
    if (!g_file_get_contents(file, &bytes, &length, NULL))
        return false;
    for (gsize i = 0; i < length; i++)
        bytes[i] = g_ascii_tolower(bytes[i]);
    return memmem(bytes, length, SEARCHED, strlen(SEARCHED)) != NULL;
}

static bool is_there(const struct fixture *fixture)
{
    return file_has(fixture, "") || file_has(fixture, "-wal");
}

/* Every row of the customer that stays, byte for byte; of tables that hang on others, all rows that are not the other's
 * are its. */
static char *rows_of(const struct fixture *fixture, int64_t customer)
{
    static const char *const tables[] = {
        "event e WHERE customer_id = %d",
        "event_version v WHERE event_id IN (SELECT event_id FROM event WHERE customer_id = %d)",
        "event_key k WHERE event_id IN (SELECT event_id FROM event WHERE customer_id = %d)",
        "event_fts WHERE rowid IN (SELECT event_id FROM event WHERE customer_id = %d)",
        "user WHERE customer_id = %d",
        "user_fts WHERE rowid IN (SELECT user_id FROM user WHERE customer_id = %d)",
        "user_listing WHERE customer_id = %d",
        "user_change WHERE customer_id = %d",
        "service_state WHERE customer_id = %d",
        "health_scan WHERE customer_id = %d",
        "service_overview WHERE customer_id = %d",
        "overview_version WHERE overview_id IN (SELECT overview_id FROM service_overview WHERE customer_id = %d)",
        "service_issue WHERE customer_id = %d",
        "issue_version WHERE issue_id IN (SELECT issue_id FROM service_issue WHERE customer_id = %d)",
        "issue_fts WHERE rowid IN (SELECT issue_id FROM service_issue WHERE customer_id = %d)",
        "service_message WHERE customer_id = %d",
        "message_version WHERE message_id IN (SELECT message_id FROM service_message WHERE customer_id = %d)",
        "message_fts WHERE rowid IN (SELECT message_id FROM service_message WHERE customer_id = %d)",
        "coverage_span WHERE customer_id = %d",
        "collect_cursor WHERE customer_id = %d",
        "collect_round WHERE customer_id = %d",
        "unreadable_record WHERE customer_id = %d",
        "collection WHERE customer_id = %d",
        "content_blob WHERE customer_id = %d",
        "mail WHERE customer_id = %d",
        "mail_recipient WHERE mail_id IN (SELECT mail_id FROM mail WHERE customer_id = %d)",
        "retention_line WHERE customer_id = %d",
        "customer WHERE customer_id = %d",
    };
    GString *out = g_string_new(NULL);
    g_autofree char *number = g_strdup_printf("%" G_GINT64_FORMAT, customer);
    for (size_t i = 0; i < G_N_ELEMENTS(tables); i++) {
        g_autoptr(GString) sql = g_string_new("SELECT * FROM ");
        g_string_append(sql, tables[i]);
        g_string_replace(sql, "%d", number, 0);
        g_autofree char *rows = rows_in(fixture->path, sql->str);
        if (!*rows)
            fail_msg("nothing is there: %s", sql->str);
        g_string_append_printf(out, "-- %s\n%s\n", tables[i], rows);
    }
    return g_string_free(out, FALSE);
}

/* --- the tests -------------------------------------------------------------------------------------------------------
 */

static void forget(struct fixture *fixture, bool mirror_deletes, struct store_forgotten *result)
{
    g_autoptr(GError) error = NULL;
    const struct store_forget_options options = {.mirror_deletes = mirror_deletes, .now = AT};
    assert_ok(store_forget(fixture->store, "ORDESSA " MARK, &options, result, &error), error);
}

/* Or the test would prove nothing: tables that are added later are to be added here. */
static void the_marker_is_in_every_text_of_every_table_that_knows_customers(void **state)
{
    struct fixture *fixture = *state;
    static const char columns[] =
        "SELECT t.name, c.name FROM sqlite_schema AS t CROSS JOIN pragma_table_info(t.name) AS c "
        "WHERE t.type = 'table' AND t.sql NOT LIKE 'CREATE VIRTUAL%' AND c.type IN ('TEXT', 'BLOB') "
        "AND t.name NOT LIKE '%\\_fts\\_%' ESCAPE '\\' AND t.name NOT IN ('counter', 'seal') "
        /* What is a hash, a time, or one of the program's own words. */
        "AND c.name NOT IN ('key', 'content_hash', 'body_hash', 'timestamp', 'source', 'part', 'kind', 'state', "
        "'created', 'last_sign_in', 'start', 'end', 'last_modified', 'action_required_by', 'newest', 'last_status', "
        "'removed_reason', 'task', 'version', 'position', 'field', 'target', 'collection', 'dedupe_key') "
        "ORDER BY 1, 2";
    g_autofree char *rows = rows_in(fixture->path, columns);
    g_auto(GStrv) lines = g_strsplit(rows, "\n", -1);
    for (char **line = lines; *line; line++) {
        g_auto(GStrv) names = g_strsplit(*line, "|", 2);
        g_autofree char *sql = g_strdup_printf("SELECT count(*) > 0 FROM \"%s\" WHERE instr(CAST(\"%s\" AS TEXT), '"
                                               "dessamark')",
                                               names[0], names[1]);
        g_autofree char *found = rows_in(fixture->path, sql);
        if (!g_str_equal(found, "1"))
            fail_msg("no mark in the column %s of %s", names[1], names[0]);
    }
    assert_true(is_there(fixture));
}

static void nothing_is_left_of_a_customer_and_the_others_are_as_they_were(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    struct store_forgotten there, result;
    g_autofree char *before = rows_of(fixture, fixture->customer);
    assert_ok(store_forget_look(fixture->store, "ordessa " MARK, &there, &error), error);
    assert_true(is_there(fixture));

    forget(fixture, false, &result);
    assert_false(result.log_held);
    assert_false(is_there(fixture));
    g_autofree char *after = rows_of(fixture, fixture->customer);
    assert_string_equal(after, before);
    assert_rows(fixture, "SELECT count(*) FROM customer", "1");
    assert_rows(fixture, "SELECT count(*), group_concat(doc_id) FROM tombstone", "1|" TENANT ":users:contoso");
    assert_rows(fixture, "SELECT count(*) FROM mirror_reject", "1");
    assert_rows(fixture, "SELECT error, seq FROM mirror_position", "it may have named a customer who was forgotten|0");
    assert_rows(fixture, "SELECT outcome FROM maintenance WHERE task IN ('prune', 'verify') ORDER BY task",
                "it may have named a customer who was forgotten\nwell");
    assert_rows(fixture, "PRAGMA freelist_count", "0");

    assert_int_equal(result.tenants, 1);
    assert_int_equal(there.tenants, 1);
    assert_int_equal(result.records, EVENTS + 1 + 2); /* an account, an issue, a message */
    assert_int_equal(result.records, there.records);
    assert_int_equal(result.others, there.others);
    assert_int_equal(result.waiting, 0);
    assert_int_equal(there.waiting, 1);
}

/* Its rows are gone, and nothing but the note tells that there is more to do. */
static bool stop_at_rewriting(const char *doing, int64_t done, int64_t of, void *user)
{
    (void)done;
    (void)of;
    (void)user;
    return !g_str_equal(doing, "writing the database anew");
}

static void forget_but_for_the_traces(struct fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    struct store_forgotten result;
    const struct store_watch watch = {stop_at_rewriting, NULL};
    const struct store_forget_options options = {.now = AT, .watch = &watch};
    assert_refused(store_forget(fixture->store, "Ordessa " MARK, &options, &result, &error), &error,
                   STORE_ERROR_STOPPED, "writing the database anew");
    assert_rows(fixture, "SELECT count(*) FROM customer", "1");
}

static void assert_unfinished(struct fixture *fixture, const char *name, int64_t tenants, bool unfinished)
{
    g_autoptr(GError) error = NULL;
    struct store_forgotten there;
    bool due;
    assert_ok(store_forget_look(fixture->store, name, &there, &error), error);
    assert_int_equal(there.tenants, tenants);
    assert_int_equal(there.unfinished, unfinished);
    assert_ok(store_rewrite_due(fixture->store, &due, &error), error);
    assert_int_equal(due, unfinished);
}

static void that_the_file_is_still_to_be_written_anew_is_told_until_it_was(void **state)
{
    struct fixture *fixture = *state;
    struct store_forgotten result;
    assert_unfinished(fixture, "ordessa " MARK, 1, false);
    forget_but_for_the_traces(fixture);
    assert_unfinished(fixture, "ordessa " MARK, 0, true);
    assert_unfinished(fixture, "contoso", 1, true); /* of whom, nobody knows any more */
    assert_unfinished(fixture, "nobody", 0, true);

    forget(fixture, false, &result);
    assert_int_equal(result.tenants + result.records + result.others, 0);
    assert_false(result.log_held || is_there(fixture));
    assert_unfinished(fixture, "ordessa " MARK, 0, false);
    assert_rows(fixture, "SELECT count(*) FROM customer", "1");
}

/* No file may grow any more once it comes to that. */
static bool fill_the_disk(const char *doing, int64_t done, int64_t of, void *user)
{
    struct rlimit *limit = user;
    if (!stop_at_rewriting(doing, done, of, NULL))
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &(struct rlimit){4096, limit->rlim_max}), 0);
    return true;
}

static void a_disk_without_room_for_it_is_told_with_what_it_takes_and_its_log_is_given_back(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    struct store_forgotten result;
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    const struct store_watch watch = {fill_the_disk, &limit};
    const struct store_forget_options options = {.now = AT, .watch = &watch};
    void (*before)(int) = signal(SIGXFSZ, SIG_IGN);
    bool forgotten = store_forget(fixture->store, "Ordessa " MARK, &options, &result, &error);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    signal(SIGXFSZ, before);

    assert_refused(forgotten, &error, STORE_ERROR_FULL, "about twice its size");
    assert_unfinished(fixture, "ordessa " MARK, 0, true);
    assert_int_equal(wal_bytes(fixture->store), 0);
    forget(fixture, false, &result);
    assert_false(result.log_held || is_there(fixture));
}

static void an_unknown_name_is_nobody_and_changes_nothing(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    struct store_forgotten result;
    const struct store_forget_options options = {.now = AT};
    assert_ok(store_forget_look(fixture->store, "nobody", &result, &error), error);
    assert_int_equal(result.tenants + result.records + result.others + result.waiting, 0);
    assert_ok(store_forget(fixture->store, "nobody", &options, &result, &error), error);
    assert_int_equal(result.tenants + result.records + result.others, 0);
    assert_rows(fixture, "SELECT count(*) FROM customer", "2");
}

/* Foreign keys are off while rows go, and on again when it is over. */
static void afterwards_the_database_minds_its_foreign_keys_again(void **state)
{
    struct fixture *fixture = *state;
    struct store_forgotten result;
    forget(fixture, false, &result);
    g_autoptr(GError) error = NULL;
    assert_false(store_execute(fixture->store, "DELETE FROM customer", "test", &error));
    assert_non_null(strstr(error->message, "FOREIGN KEY"));
}

static void a_mirror_that_deletes_too_is_told_what_to_delete(void **state)
{
    struct fixture *fixture = *state;
    struct store_forgotten result;
    forget(fixture, true, &result);
    g_autofree char *own =
        rows_in(fixture->path, "SELECT collection, count(*), min(rtrim(doc_id, '0123456789')) "
                               "FROM tombstone WHERE doc_id LIKE '" FORGOTTEN_TENANT ":%' GROUP BY 1");
    assert_string_equal(own, "events|600|" FORGOTTEN_TENANT ":sign-ins:" MARK "\nservice_issues|1|" FORGOTTEN_TENANT
                             ":service_issues:" MARK "-"
                             "\nservice_messages|1|" FORGOTTEN_TENANT ":service_messages:" MARK "-"
                             "\nservice_states|1|" FORGOTTEN_TENANT ":service_states:" MARK ":2026-11-26T07:43:20Z"
                             "\nuser_changes|1|" FORGOTTEN_TENANT ":user_changes:" MARK "-account:2026-11-26T08:00:00Z:"
                             "\nusers|2|" FORGOTTEN_TENANT ":users:" MARK);
    assert_int_equal(result.waiting, 606);
    assert_rows(fixture,
                "SELECT max(seq) = (SELECT value FROM counter WHERE name = 'seq'), count(*) = count(DISTINCT seq) "
                "FROM tombstone",
                "1|1");
}

static void a_reader_keeps_the_log_until_optimizing_ends_it(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    struct store_forgotten result;
    struct store_optimized optimized;
    sqlite3 *reader = NULL;
    assert_int_equal(sqlite3_open(fixture->path, &reader), SQLITE_OK);
    assert_int_equal(sqlite3_exec(reader, "BEGIN; SELECT count(*) FROM event", NULL, NULL, NULL), SQLITE_OK);

    forget(fixture, false, &result);
    assert_true(result.log_held && is_there(fixture));
    assert_rows(fixture, "SELECT count(*) FROM customer", "1");
    forget(fixture, false, &result); /* again, by a name that nobody knows any more */
    assert_true(result.log_held);
    assert_ok(store_optimize(fixture->store, AT, NULL, &optimized, &error), error);
    assert_true(optimized.log_held && is_there(fixture));

    sqlite3_close(reader);
    assert_ok(store_optimize(fixture->store, AT, NULL, &optimized, &error), error);
    assert_false(optimized.log_held || is_there(fixture));
    assert_rows(fixture, "SELECT started_at, finished_at FROM maintenance WHERE task = 'scrub'", "NULL|1795680000");
}

/* --- stopped, and gone on with ---------------------------------------------------------------------------------------
 */

struct asked {
    int calls, stop_at;
};

static bool ask(const char *doing, int64_t done, int64_t of, void *user)
{
    struct asked *asked = user;
    assert_non_null(doing);
    assert_true(of == 0 || done <= of);
    return ++asked->calls != asked->stop_at;
}

static void stopped_anywhere_it_leaves_a_sound_database_and_goes_on(void **state)
{
    struct fixture *fixture = *state;
    g_autofree char *before = rows_of(fixture, fixture->customer);
    struct store_forgotten result;
    int stops = 0;
    for (bool done = false; !done; stops++) {
        g_autoptr(GError) error = NULL;
        struct asked asked = {.stop_at = 1 + stops};
        const struct store_watch watch = {ask, &asked};
        const struct store_forget_options options = {.now = AT, .watch = &watch};
        done = store_forget(fixture->store, "Ordessa " MARK, &options, &result, &error);
        if (!done) {
            assert_true(g_error_matches(error, STORE_ERROR, STORE_ERROR_STOPPED));
            g_clear_error(&error);
        }
        assert_ok(store_verify(fixture->store, &error), error);
        assert_in_range(stops, 0, 200);
    }
    assert_true(stops > 5);
    assert_false(is_there(fixture));
    g_autofree char *after = rows_of(fixture, fixture->customer);
    assert_string_equal(after, before);
}

#define TWO(test) cmocka_unit_test_setup_teardown(test, setup_two, teardown_verified)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TWO(the_marker_is_in_every_text_of_every_table_that_knows_customers),
        TWO(nothing_is_left_of_a_customer_and_the_others_are_as_they_were),
        TWO(that_the_file_is_still_to_be_written_anew_is_told_until_it_was),
        TWO(a_disk_without_room_for_it_is_told_with_what_it_takes_and_its_log_is_given_back),
        TWO(an_unknown_name_is_nobody_and_changes_nothing),
        TWO(afterwards_the_database_minds_its_foreign_keys_again),
        TWO(a_mirror_that_deletes_too_is_told_what_to_delete),
        TWO(a_reader_keeps_the_log_until_optimizing_ends_it),
        TWO(stopped_anywhere_it_leaves_a_sound_database_and_goes_on),
    };
    return cmocka_run_group_tests_name("store: forget", tests, NULL, NULL);
}
