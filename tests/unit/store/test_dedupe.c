/* One record that was stored as two is merged, and nothing of either is lost. */
#include "derive_fixture.h"

#include "store/sieve.h"

static GString *ids_told; /* of all pairs that were told of */

/* What was told of pairs: "key sign-ins/sign-ins a versioned", one a line. */
static void note_pair(const struct store_double *pair, void *user)
{
    GString *told = user;
    if (told->len > 0)
        g_string_append_c(told, '\n');
    g_string_append_printf(ids_told, "%" G_GINT64_FORMAT " %" G_GINT64_FORMAT ", ", pair->kept, pair->dropped);
    g_string_append_printf(told, "%s %s/%s %s%s", pair->kind == STORE_DOUBLE_KEY ? "key" : "source", pair->source,
                           pair->dropped_source, pair->id, pair->versioned ? " versioned" : "");
    assert_string_equal(pair->customer, "contoso");
    assert_true(pair->kept != pair->dropped);
}

static struct store_deduped dedupe_with(struct fixture *fixture, struct store_dedupe_options options, const char *told)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GString) found = g_string_new(NULL);
    struct store_deduped result;
    options.decoders = &test_decoders;
    options.now = AT + 3600;
    options.found = note_pair;
    options.user = found;
    assert_ok(store_dedupe(fixture->store, &options, &result, &error), error);
    assert_string_equal(found->str, told);
    return result;
}

static char *everything(struct fixture *fixture)
{
    return rows_in(fixture->path, "SELECT group_concat(quote(event_id) || quote(seq) || quote(raw) || quote(id) || "
                                  "quote(dedupe_key)), (SELECT group_concat(hex(key) || event_id) FROM event_key), "
                                  "(SELECT group_concat(event_id || raw) FROM event_version), "
                                  "(SELECT group_concat(rowid || text) FROM event_fts), "
                                  "(SELECT group_concat(value) FROM counter), "
                                  "(SELECT group_concat(records) FROM collection) FROM event");
}

/* Merges, and proves that a dry run tells the same and writes nothing, and that there is nothing to do afterwards. */
static void assert_merges(struct fixture *fixture, int64_t looked_at, int64_t merged, int64_t versioned,
                          const char *told)
{
    g_autofree char *before = everything(fixture);
    g_string_truncate(ids_told, 0);
    struct store_deduped dry = dedupe_with(fixture, (struct store_dedupe_options){.dry_run = true}, told);
    g_autofree char *after = everything(fixture);
    assert_string_equal(before, after);
    g_autofree char *ids = g_strdup(ids_told->str);
    g_string_truncate(ids_told, 0);
    struct store_deduped did = dedupe_with(fixture, (struct store_dedupe_options){0}, told);
    assert_string_equal(ids_told->str, ids);
    assert_int_equal(did.looked_at + did.by_source, looked_at); /* who is merged first is not looked at */
    assert_int_equal(did.merged, merged);
    assert_int_equal(did.versioned, versioned);
    assert_int_equal(did.by_key + did.by_source, merged);
    assert_int_equal(dry.looked_at, looked_at);
    assert_int_equal(dry.merged, merged);
    assert_int_equal(dry.versioned, versioned);
    assert_int_equal(dry.by_key, did.by_key);
    g_autofree char *merged_once = everything(fixture);
    dedupe_with(fixture, (struct store_dedupe_options){0}, "");
    g_autofree char *merged_twice = everything(fixture);
    assert_string_equal(merged_once, merged_twice);
}

/* Receives a record under a key that is an old one as soon as `key_member` is NULL again. */
static void receive_as(struct fixture *fixture, const char *part, const char *more, int64_t received_at)
{
    g_autofree char *members = g_strdup_printf(",\"part\":\"%s\"%s", part, more);
    learnt.key_member = "part";
    receive_sign_in(fixture, "a", NOON, members, received_at);
    learnt.key_member = NULL;
}

static void where_there_are_no_doubles_nothing_is_written(void **state)
{
    struct fixture *fixture = *state;
    receive_sign_in(fixture, "a", NOON, "", AT);
    receive_sign_in(fixture, "b", NOON, "", AT);
    receive_as(fixture, "-old", ",\"id\":\"c\"", AT); /* an old key alone is renormalize's business */
    assert_merges(fixture, 3, 0, 0, "");
}

static void an_older_body_under_an_older_key_becomes_a_version(void **state)
{
    struct fixture *fixture = *state;
    receive_as(fixture, "-old", ",\"v\":1", AT - 60);
    receive_as(fixture, "", ",\"v\":2", AT);
    assert_merges(fixture, 2, 1, 1, "key sign-ins/sign-ins a versioned");
    assert_rows(fixture, "SELECT id, dedupe_key, raw LIKE '%\"v\":2}', first_seen, changed_at FROM events",
                "a|a|1|2026-11-26T07:59:00Z|NULL");
    assert_rows(fixture, "SELECT raw LIKE '%\"v\":1}', stored_at, replaced_at FROM event_versions",
                "1|2026-11-26T07:59:00Z|2026-11-26T08:00:00Z");
    assert_rows(fixture, "SELECT records FROM collections", "1");
    assert_rows(fixture, "SELECT count(*) FROM tombstones", "0");
    assert_rows(fixture, "SELECT value FROM counter WHERE name = 'text_deleted'", "1");
}

static void a_newer_body_under_an_older_key_becomes_the_body(void **state)
{
    struct fixture *fixture = *state;
    receive_as(fixture, "", ",\"v\":1", AT);
    receive_as(fixture, "-old", ",\"v\":2", AT + 60);
    assert_merges(fixture, 2, 1, 1, "key sign-ins/sign-ins a versioned");
    assert_rows(fixture, "SELECT dedupe_key, raw LIKE '%\"v\":2}', first_seen, changed_at FROM events",
                "a|1|2026-11-26T08:00:00Z|2026-11-26T08:01:00Z");
    assert_rows(fixture, "SELECT raw LIKE '%\"v\":1}', stored_at, replaced_at FROM event_versions",
                "1|2026-11-26T08:00:00Z|2026-11-26T08:01:00Z");
    assert_rows(fixture, "SELECT count(*) FROM event_fts WHERE event_fts MATCH 'text: old'", "1");
}

static void a_newer_body_with_another_time_moves_the_row(void **state)
{
    struct fixture *fixture = *state;
    receive_as(fixture, "", "", AT);
    learnt.key_member = "part";
    receive_sign_in(fixture, "a", "2026-11-25T14:00:00Z", ",\"part\":\"-old\"", AT + 60);
    learnt.key_member = NULL;
    assert_merges(fixture, 2, 1, 1, "key sign-ins/sign-ins a versioned");
    assert_rows(fixture, "SELECT timestamp, event_id >> 20 FROM event", "2026-11-25T14:00:00.0000000Z|1795615200");
    assert_rows(fixture, "SELECT count(*) FROM event_version JOIN event USING (event_id)", "1");
}

static void earlier_bodies_of_both_are_kept_once_each(void **state)
{
    struct fixture *fixture = *state;
    receive_as(fixture, "", ",\"v\":1", AT);
    receive_as(fixture, "", ",\"v\":2", AT + 10);
    receive_as(fixture, "-old", ",\"v\":3", AT - 30);
    receive_as(fixture, "-old", ",\"v\":4", AT - 20);
    receive_as(fixture, "-old", ",\"v\":5", AT - 10);
    execute(fixture, "UPDATE event_version SET raw = (SELECT v.raw FROM event_version AS v WHERE v.raw LIKE '%:1}'), "
                     "content_hash = (SELECT v.content_hash FROM event_version AS v WHERE v.raw LIKE '%:1}') "
                     "WHERE raw LIKE '%:3}'"); /* both had this body once */
    assert_merges(fixture, 2, 1, 1, "key sign-ins/sign-ins a versioned");
    assert_rows(fixture, "SELECT substr(raw, -2, 1) FROM event_versions ORDER BY 1", "1\n4\n5");
    assert_rows(fixture, "SELECT raw LIKE '%:2}', first_seen FROM events", "1|2026-11-26T07:59:30Z");
}

static void records_under_several_older_keys_become_one_under_todays(void **state)
{
    struct fixture *fixture = *state;
    receive_as(fixture, "-x", ",\"v\":1", AT);
    receive_as(fixture, "-y", ",\"v\":2", AT + 20);
    receive_as(fixture, "-z", ",\"v\":3", AT + 10);
    assert_merges(fixture, 3, 2, 2, "key sign-ins/sign-ins a versioned\nkey sign-ins/sign-ins a versioned");
    assert_rows(fixture, "SELECT dedupe_key, raw LIKE '%:2}', first_seen FROM events", "a|1|2026-11-26T08:00:00Z");
    assert_rows(fixture, "SELECT substr(raw, -2, 1) FROM event_versions ORDER BY 1", "1\n3");
    receive_as(fixture, "", ",\"v\":2", AT + 30);
    assert_rows(fixture, "SELECT count(*) FROM events", "1");
}

/* Each has the key that the other would have today: they are two records. */
static void records_that_have_each_others_keys_are_no_doubles(void **state)
{
    struct fixture *fixture = *state;
    learnt.key_member = "now";
    receive_sign_in(fixture, "a", NOON, ",\"now\":\"1\",\"then\":\"2\"", AT);
    receive_sign_in(fixture, "a", NOON, ",\"now\":\"2\",\"then\":\"1\"", AT);
    learnt.key_member = "then";
    assert_merges(fixture, 2, 0, 0, "");
}

static void what_cannot_be_decoded_is_merged_with_nothing(void **state)
{
    struct fixture *fixture = *state;
    receive_as(fixture, "-odd", "", AT);
    receive_as(fixture, "", "", AT);
    learnt.forgotten = "odd";
    assert_merges(fixture, 2, 0, 0, "");
}

/* --- sources ---------------------------------------------------------------------------------------------------------
 */

/* Stores the bytes of a sign-in under another source's name. */
static void store_under(struct fixture *fixture, int64_t customer, const char *tenant_id, const char *source,
                        const char *raw, int64_t received_at)
{
    struct document *document = event_of("sign-ins", tenant_id, raw, strlen(raw), received_at, NULL, NULL);
    struct store_page *page = page_new(customer, 0, 1);
    document_seal(document, tenant_id, source);
    page->source = source;
    page->received_at = received_at;
    page_add(page, document);
    commit(fixture, page);
    page_free(page);
}

static void the_same_bytes_under_a_name_that_nobody_knows_any_more_are_one_record(void **state)
{
    struct fixture *fixture = *state;
    g_autofree char *raw = sign_in("a", NOON, ""), *other = sign_in("b", NOON, "");
    store_under(fixture, fixture->customer, TENANT, "signins", raw, AT - 60);
    store_under(fixture, fixture->customer, TENANT, "sign-ins", raw, AT);
    store_under(fixture, fixture->customer, TENANT, "signins", other, AT);
    store_under(fixture, fixture->customer, TENANT, "logins", raw, AT);
    assert_merges(fixture, 4, 2, 0, "source sign-ins/signins a\nsource sign-ins/logins a");
    assert_rows(fixture, "SELECT source, id, first_seen, changed_at FROM events ORDER BY id",
                "sign-ins|a|2026-11-26T07:59:00Z|NULL\nsignins|b|2026-11-26T08:00:00Z|NULL");
    assert_rows(fixture, "SELECT count(*) FROM event_versions", "0");
    assert_rows(fixture, "SELECT source, records FROM collections ORDER BY source", "logins|0\nsign-ins|1\nsignins|1");
}

static void the_same_bytes_of_two_sources_that_are_both_known_are_two_records(void **state)
{
    struct fixture *fixture = *state;
    g_autofree char *raw = sign_in("a", NOON, "");
    store_under(fixture, fixture->customer, TENANT, "sign-ins", raw, AT);
    store_under(fixture, fixture->customer, TENANT, "directory-audits", raw, AT);
    assert_merges(fixture, 2, 0, 0, "");
}

static void the_same_bytes_of_two_tenants_are_two_records(void **state)
{
    struct fixture *fixture = *state;
    g_autofree char *raw = sign_in("a", NOON, "");
    int64_t other = store_customer(fixture->store, "fabrikam", "other-tenant", NULL);
    store_under(fixture, fixture->customer, TENANT, "sign-ins", raw, AT);
    store_under(fixture, other, "other-tenant", "signins", raw, AT);
    assert_merges(fixture, 2, 0, 0, "");
}

static void what_is_merged_by_its_source_is_not_merged_by_its_key_once_more(void **state)
{
    struct fixture *fixture = *state;
    g_autofree char *raw = sign_in("a", NOON, ",\"part\":\"-old\",\"v\":1");
    store_under(fixture, fixture->customer, TENANT, "signins", raw, AT - 60);
    receive_as(fixture, "-old", ",\"v\":1", AT);
    receive_as(fixture, "", ",\"v\":2", AT + 60);
    assert_merges(fixture, 3, 2, 1, "source sign-ins/signins a\nkey sign-ins/sign-ins a versioned");
    assert_rows(fixture, "SELECT source, dedupe_key, first_seen FROM events", "sign-ins|a|2026-11-26T07:59:00Z");
}

/* --- beside it -------------------------------------------------------------------------------------------------------
 */

static void the_mirror_is_told_of_the_dropped_document_where_deletes_are_mirrored(void **state)
{
    struct fixture *fixture = *state;
    receive_as(fixture, "-old", "", AT);
    receive_as(fixture, "", "", AT);
    dedupe_with(fixture, (struct store_dedupe_options){.mirror_deletes = true}, "key sign-ins/sign-ins a versioned");
    assert_rows(fixture, "SELECT collection, doc_id FROM tombstones", "events|" TENANT ":sign-ins:a-old");
    assert_rows(fixture, "SELECT count(DISTINCT seq) FROM (SELECT seq FROM event UNION ALL SELECT seq FROM tombstone)",
                "2");
}

static void both_names_are_buried_where_the_kept_one_is_another_too(void **state)
{
    struct fixture *fixture = *state;
    receive_as(fixture, "-x", "", AT);
    receive_as(fixture, "-y", "", AT);
    dedupe_with(fixture, (struct store_dedupe_options){.mirror_deletes = true}, "key sign-ins/sign-ins a versioned");
    assert_rows(fixture, "SELECT doc_id FROM tombstones ORDER BY doc_id",
                TENANT ":sign-ins:a-x\n" TENANT ":sign-ins:a-y");
}

static void a_run_that_is_stopped_keeps_what_it_merged(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    struct patience patience = {.most = 3}; /* asked before each pass, and after each transaction */
    struct store_watch watch = {go_on, &patience};
    struct store_dedupe_options options = {.decoders = &test_decoders, .now = AT, .watch = &watch};
    struct store_deduped result;
    for (int i = 0; i < 5; i++) {
        g_autofree char *id = g_strdup_printf("r%d", i);
        learnt.key_member = "part";
        receive_sign_in(fixture, id, NOON, ",\"part\":\"-old\"", AT);
        receive_sign_in(fixture, id, NOON, "", AT);
    }
    learnt.key_member = NULL;
    assert_refused(store_dedupe(fixture->store, &options, &result, &error), &error, STORE_ERROR_STOPPED, "stopped");
    assert_int_equal(result.merged, 1);
    assert_int_equal(result.looked_at, 10);
    assert_rows(fixture, "SELECT count(*) FROM events", "9");
    options.watch = NULL;
    assert_ok(store_dedupe(fixture->store, &options, &result, &error), error);
    assert_int_equal(result.merged, 4);
    assert_rows(fixture, "SELECT count(*) FROM events", "5");
}

static void a_dry_run_needs_no_right_to_write(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    receive_as(fixture, "-old", "", AT);
    receive_as(fixture, "", "", AT);
    g_autoptr(Store) reader = store_open(fixture->path, STORE_READ, &error);
    struct store_dedupe_options options = {.decoders = &test_decoders, .now = AT, .dry_run = true};
    struct store_deduped result;
    assert_ok(store_dedupe(reader, &options, &result, &error), error);
    assert_int_equal(result.merged, 1);
}

/* --- the sieve -------------------------------------------------------------------------------------------------------
 */

/* However few rows it holds at once, each double is found, once. */
static void a_sieve_of_any_size_finds_each_double_once(void **state)
{
    enum { HASHES = 500 };
    (void)state;
    for (guint most = 2; most < 2 * HASHES; most = most * 3 + 1) {
        struct sieve sieve;
        int found = 0, passes = 0;
        sieve_init(&sieve, most);
        do {
            for (int64_t i = 0; i < HASHES; i++) {
                g_autofree char *name = g_strdup_printf("%d", (int)(i % 400)); /* the last hundred come twice */
                uint8_t hash[HASH_KEY_BYTES];
                hash_key((const char *const[]){name}, 1, hash);
                sieve_add(&sieve, hash, i);
            }
            sieve_sort(&sieve);
            passes++;
            for (guint at = 0, n; (n = sieve_group(&sieve, at)) > 0; at += n) {
                const struct sieve_row *rows = &g_array_index(sieve.rows, struct sieve_row, at);
                assert_in_range(n, 1, 2);
                if (n == 2)
                    assert_int_equal(rows[1].id - rows[0].id, 400);
                found += n == 2;
            }
        } while (sieve_next(&sieve));
        sieve_clear(&sieve);
        assert_int_equal(found, 100);
        assert_true(most > HASHES ? passes == 1 : passes > 1);
    }
}

static void rows_that_all_share_one_hash_stay_together(void **state)
{
    static const uint8_t hash[HASH_KEY_BYTES] = {1};
    struct sieve sieve;
    (void)state;
    sieve_init(&sieve, 4);
    for (int64_t i = 0; i < 100; i++)
        sieve_add(&sieve, hash, i);
    sieve_sort(&sieve);
    assert_int_equal(sieve_group(&sieve, 0), 100);
    assert_false(sieve_next(&sieve));
    sieve_clear(&sieve);
}

static int setup(void **state)
{
    ids_told = g_string_new(NULL);
    return setup_learning(state);
}

static int teardown_told(void **state)
{
    g_string_free(ids_told, TRUE);
    return teardown_verified(state);
}

#define VERIFIED(test) cmocka_unit_test_setup_teardown(test, setup, teardown_told)

int main(void)
{
    const struct CMUnitTest tests[] = {
        VERIFIED(where_there_are_no_doubles_nothing_is_written),
        VERIFIED(an_older_body_under_an_older_key_becomes_a_version),
        VERIFIED(a_newer_body_under_an_older_key_becomes_the_body),
        VERIFIED(a_newer_body_with_another_time_moves_the_row),
        VERIFIED(earlier_bodies_of_both_are_kept_once_each),
        VERIFIED(records_under_several_older_keys_become_one_under_todays),
        VERIFIED(records_that_have_each_others_keys_are_no_doubles),
        VERIFIED(what_cannot_be_decoded_is_merged_with_nothing),
        VERIFIED(the_same_bytes_under_a_name_that_nobody_knows_any_more_are_one_record),
        VERIFIED(the_same_bytes_of_two_sources_that_are_both_known_are_two_records),
        VERIFIED(the_same_bytes_of_two_tenants_are_two_records),
        VERIFIED(what_is_merged_by_its_source_is_not_merged_by_its_key_once_more),
        VERIFIED(the_mirror_is_told_of_the_dropped_document_where_deletes_are_mirrored),
        VERIFIED(both_names_are_buried_where_the_kept_one_is_another_too),
        VERIFIED(a_run_that_is_stopped_keeps_what_it_merged),
        VERIFIED(a_dry_run_needs_no_right_to_write),
        cmocka_unit_test(a_sieve_of_any_size_finds_each_double_once),
        cmocka_unit_test(rows_that_all_share_one_hash_stay_together),
    };
    return cmocka_run_group_tests_name("dedupe", tests, NULL, NULL);
}
