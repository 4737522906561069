/* How the sources understand records, as the store is told: a record of each source, stored, spoilt and derived anew.
 */
#include "../store/fixture.h"

#include "maintain/maintain.h"
#include "sources/sources.h"

/* A record of each source of events. */
static const struct record {
    const char *source, *raw, *operation, *actor;
} records[] = {
    {"sign-ins",
     "{\"id\":\"s1\",\"createdDateTime\":\"2026-11-25T11:00:00Z\",\"userPrincipalName\":\"ada@example.org\","
     "\"userDisplayName\":\"Ada\",\"userId\":\"u1\",\"appDisplayName\":\"Azure Portal\",\"ipAddress\":\"192.0.2.7\","
     "\"status\":{\"errorCode\":0}}",
     "Azure Portal", "ada@example.org"},
    {"directory-audits",
     "{\"id\":\"d1\",\"activityDateTime\":\"2026-11-25T10:00:00.5Z\",\"category\":\"UserManagement\","
     "\"activityDisplayName\":\"Delete user\",\"result\":\"success\",\"initiatedBy\":{\"user\":{\"userPrincipalName\":"
     "\"ada@example.org\"}},\"targetResources\":[{\"type\":\"User\",\"userPrincipalName\":\"bob@example.org\"}]}",
     "Delete user", "ada@example.org"},
    {"intune-audits",
     "{\"id\":\"i1\",\"activityDateTime\":\"2026-11-25T09:00:00Z\",\"displayName\":\"Patch device\",\"activityResult\":"
     "\"Success\",\"actor\":{\"userPrincipalName\":\"ada@example.org\"},\"resources\":[{\"displayName\":\"Tablet\"}]}",
     "Patch device", "ada@example.org"},
};

static const char account[] = "{\"id\":\"u1\",\"userPrincipalName\":\"ada@example.org\",\"displayName\":\"Ada\","
                              "\"accountEnabled\":true,\"userType\":\"Member\",\"mail\":\"ada@example.org\","
                              "\"createdDateTime\":\"2020-01-02T03:04:05Z\"}";
static const char overview[] = "{\"id\":\"Teams\",\"service\":\"Microsoft Teams\",\"status\":\"serviceOperational\"}";
static const char issue[] =
    "{\"id\":\"TM100\",\"title\":\"Calls fail\",\"service\":\"Microsoft "
    "Teams\",\"classification\":\"incident\",\"status\":"
    "\"investigating\",\"isResolved\":false,\"startDateTime\":\"2026-11-24T00:00:00Z\",\"lastModifiedDateTime\":"
    "\"2026-11-24T01:00:00Z\",\"impactDescription\":\"Some people cannot call.\",\"posts\":[]}";
static const char message[] =
    "{\"id\":\"MC100\",\"title\":\"New pane\",\"services\":[\"Microsoft Teams\",\"Exchange Online\"],\"category\":"
    "\"planForChange\",\"severity\":\"normal\",\"isMajorChange\":true,\"startDateTime\":\"2026-11-20T00:00:00Z\","
    "\"endDateTime\":\"2027-01-20T00:00:00Z\",\"lastModifiedDateTime\":\"2026-11-21T00:00:00Z\","
    "\"actionRequiredByDateTime\":\"2027-01-01T00:00:00Z\",\"body\":{\"content\":\"<p>A pane comes.</p>\"}}";

static const struct store_decoders *decoders;

static int setup(void **state)
{
    decoders = maintain_decoders();
    return setup_store(state);
}

/* What the collectors do with a page of one record. */
static void receive_event(struct fixture *fixture, const struct record *record)
{
    struct document *document =
        decoders->event(record->source, TENANT, record->raw, strlen(record->raw), AT, decoders->user, NULL);
    struct store_page *page = page_new(fixture->customer, AT, AT + 1);
    assert_non_null(document);
    page->source = record->source;
    page_add(page, document);
    commit(fixture, page);
    page_free(page);
}

static void receive_account(struct fixture *fixture)
{
    struct store_accounts *accounts = store_accounts_new();
    struct store_page page = {.customer_id = fixture->customer, .source = "users", .part = "", .received_at = AT};
    accounts->decode = decoders->account;
    accounts->after = (struct store_round){.kind = STORE_ROUND_DELTA, .started_at = AT, .saved_at = AT};
    g_ptr_array_add(accounts->records, decoders->account_record(account, strlen(account), decoders->user, NULL));
    page.accounts = accounts;
    commit(fixture, &page);
    store_accounts_free(accounts);
}

static void receive_health(struct fixture *fixture, const char *raw)
{
    enum store_health_kind kind = STORE_HEALTH_OVERVIEWS;
    struct health_record *record = decoders->health_record(raw, strlen(raw), &kind, decoders->user, NULL);
    assert_non_null(record);
    struct store_health *health = store_health_new(kind);
    struct store_page page = {.customer_id = fixture->customer, .source = "health", .part = "", .received_at = AT};
    health->decode = decoders->health;
    g_ptr_array_add(health->records, record);
    page.health = health;
    commit(fixture, &page);
    store_health_free(health);
}

static void receive_all(struct fixture *fixture)
{
    for (size_t i = 0; i < G_N_ELEMENTS(records); i++)
        receive_event(fixture, &records[i]);
    receive_account(fixture);
    receive_health(fixture, overview);
    receive_health(fixture, issue);
    receive_health(fixture, message);
}

static struct store_renormalized renormalize(struct fixture *fixture)
{
    struct store_renormalize_options options = {.decoders = decoders, .version = "1.0", .now = AT + 60};
    struct store_renormalized result;
    g_autoptr(GError) error = NULL;
    assert_ok(store_renormalize(fixture->store, &options, &result, &error), error);
    assert_true(result.complete);
    return result;
}

static char *views(struct fixture *fixture)
{
    GString *out = g_string_new(NULL);
    static const char *const names[] = {"events",           "users",      "service_overviews", "service_issues",
                                        "service_messages", "collections"};
    static const char *const texts[] = {"event_fts", "user_fts", "issue_fts", "message_fts"};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *sql = g_strdup_printf("SELECT * FROM %s ORDER BY 1", names[i]);
        g_autofree char *rows = rows_in(fixture->path, sql);
        g_string_append_printf(out, "%s\n", rows);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autofree char *sql = g_strdup_printf("SELECT rowid, text, facets FROM %s ORDER BY 1", texts[i]);
        g_autofree char *rows = rows_in(fixture->path, sql);
        g_string_append_printf(out, "%s\n", rows);
    }
    return g_string_free(out, FALSE);
}

/* --- deriving anew ---------------------------------------------------------------------------------------------------
 */

static void what_the_collectors_stored_is_what_is_derived_anew(void **state)
{
    struct fixture *fixture = *state;
    receive_all(fixture);
    struct store_renormalized did = renormalize(fixture);
    assert_int_equal(did.looked_at, G_N_ELEMENTS(records) + 4);
    assert_int_equal(did.changed + did.undecodable, 0);
    for (size_t i = 0; i < G_N_ELEMENTS(records); i++) {
        g_autofree char *look =
            g_strdup_printf("SELECT operation, actor_display FROM events WHERE source = '%s'", records[i].source);
        g_autofree char *said = g_strdup_printf("%s|%s", records[i].operation, records[i].actor);
        assert_rows(fixture, look, said);
    }
}

static void spoilt_rows_of_every_source_come_back_equal(void **state)
{
    struct fixture *fixture = *state;
    receive_all(fixture);
    g_autofree char *before = views(fixture);
    execute(fixture, "UPDATE event SET timestamp = '2001-01-01T00:00:00.0000000Z', service = 'x', operation = 'x', "
                     "result = NULL, actor_display = 'x', target_displays = 'x', display_summary = NULL");
    execute(fixture, "UPDATE event_fts SET text = 'x', facets = 'x'");
    execute(fixture, "UPDATE user SET user_principal_name = 'x', display_name = NULL, mail = 'x', account_enabled = 0, "
                     "user_type = 'x', created = 'x', last_sign_in = 'x'");
    execute(fixture, "UPDATE user_fts SET text = ''");
    execute(fixture, "UPDATE service_overview SET service = 'x', status = 'x'");
    execute(fixture, "UPDATE service_issue SET service = 'x', title = 'x', classification = 'x', status = 'x', "
                     "is_resolved = 1, start = 'x', \"end\" = 'x', last_modified = 'x'");
    execute(fixture, "UPDATE service_message SET services = 'x', title = 'x', category = 'x', severity = 'x', "
                     "is_major_change = 0, start = 'x', \"end\" = 'x', last_modified = 'x', action_required_by = 'x'");
    execute(fixture, "UPDATE issue_fts SET facets = ''");
    execute(fixture, "UPDATE message_fts SET text = 'x'");
    struct store_renormalized did = renormalize(fixture);
    g_autofree char *after = views(fixture);
    assert_int_equal(did.changed, G_N_ELEMENTS(records) + 4);
    assert_string_equal(before, after);
}

static void unread(struct fixture *fixture, const char *source, const char *body)
{
    struct store_page *page = page_new(fixture->customer, AT, AT + 1);
    page->source = source;
    g_ptr_array_add(page->unreadable, unreadable_new("odd", NULL, body, strlen(body)));
    commit(fixture, page);
    page_free(page);
}

static void what_could_not_be_read_of_every_source_becomes_what_it_would_have_been(void **state)
{
    struct fixture *fixture = *state;
    receive_all(fixture);
    g_autofree char *other = g_build_filename(fixture->folder, "other.db", NULL);
    struct fixture late = {.path = other, .store = store_open(other, STORE_CREATE, NULL)};
    late.customer = store_customer(late.store, "contoso", TENANT, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(records); i++)
        unread(&late, records[i].source, records[i].raw);
    unread(&late, "users", account);
    unread(&late, "health", overview);
    unread(&late, "health", issue);
    unread(&late, "health", message);
    struct store_renormalized did = renormalize(&late);
    assert_int_equal(did.recovered, G_N_ELEMENTS(records) + 4);
    assert_int_equal(did.unreadable, 0);
    g_autofree char *one = views(fixture), *two = views(&late);
    assert_string_equal(one, two);
    store_close(late.store);
}

/* --- what they refuse ------------------------------------------------------------------------------------------------
 */

static void refuse_event(const char *source, const char *raw, const char *because)
{
    g_autoptr(GError) error = NULL;
    assert_null(decoders->event(source, TENANT, raw, strlen(raw), AT, decoders->user, &error));
    assert_non_null(strstr(error->message, because));
}

static void records_that_are_no_events_are_refused_with_a_reason(void **state)
{
    (void)state;
    refuse_event("sign-ins", "{", "sign-ins");
    refuse_event("sign-ins", "[]", "not a JSON object");
    refuse_event("sign-ins", "{\"id\":\"\xff\"}", "sign-ins");
    refuse_event("users", "{}", "no source of events");
    refuse_event("health", "{}", "no source of events");
    refuse_event("forgotten", "{}", "no source of events");
    refuse_event(NULL, "{}", "no source of events");
}

static void records_that_are_no_accounts_are_refused_with_a_reason(void **state)
{
    g_autoptr(GError) error = NULL;
    (void)state;
    assert_null(decoders->account_record("{}", 2, decoders->user, &error));
    assert_non_null(strstr(error->message, "no id"));
}

static void a_removal_is_told_with_its_reason(void **state)
{
    static const char removal[] = "{\"id\":\"u1\",\"@removed\":{\"reason\":\"deleted\"}}";
    struct account_record *record = decoders->account_record(removal, strlen(removal), decoders->user, NULL);
    (void)state;
    assert_string_equal(record->id, "u1");
    assert_string_equal(record->removed_reason, "deleted");
    assert_ptr_equal(record->raw, removal);
    account_record_free(record);
}

static void assert_kind(const char *raw, enum store_health_kind expected)
{
    enum store_health_kind kind = expected == STORE_HEALTH_OVERVIEWS ? STORE_HEALTH_ISSUES : STORE_HEALTH_OVERVIEWS;
    struct health_record *record = decoders->health_record(raw, strlen(raw), &kind, decoders->user, NULL);
    if (!record) {
        fail_msg("refused: %s", raw);
        return;
    }
    assert_int_equal(kind, expected);
    assert_ptr_equal(record->raw, raw);
    health_record_free(record);
}

static void the_kind_of_a_record_of_health_is_told_by_its_members(void **state)
{
    (void)state;
    assert_kind(overview, STORE_HEALTH_OVERVIEWS);
    assert_kind(issue, STORE_HEALTH_ISSUES);
    assert_kind(message, STORE_HEALTH_MESSAGES);
    assert_kind("{\"id\":\"a\",\"title\":\"t\",\"service\":\"s\",\"status\":\"x\",\"isResolved\":null}",
                STORE_HEALTH_ISSUES);
    assert_kind("{\"id\":\"a\",\"title\":\"t\",\"services\":null}", STORE_HEALTH_MESSAGES);
}

static void a_record_of_health_whose_kind_cannot_be_told_is_refused(void **state)
{
    static const char *const odd[] = {
        "{\"id\":\"a\"}",
        "{\"id\":\"a\",\"title\":\"t\",\"lastModifiedDateTime\":\"2026-11-20T00:00:00Z\"}",
        "{\"id\":\"a\",\"service\":\"s\"}",
        "{\"id\":\"a\",\"service\":\"s\",\"status\":\"x\",\"title\":\"t\"}",
        "{\"id\":\"a\",\"services\":[],\"isResolved\":false}",
    };
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(odd); i++) {
        g_autoptr(GError) error = NULL;
        enum store_health_kind kind;
        assert_null(decoders->health_record(odd[i], strlen(odd[i]), &kind, decoders->user, &error));
        assert_non_null(strstr(error->message, "has not the members"));
    }
}

static void a_record_of_health_without_an_id_is_refused(void **state)
{
    g_autoptr(GError) error = NULL;
    enum store_health_kind kind;
    (void)state;
    assert_null(decoders->health_record("{\"services\":[]}", 15, &kind, decoders->user, &error));
    assert_non_null(strstr(error->message, "no id"));
}

#define VERIFIED(test) cmocka_unit_test_setup_teardown(test, setup, teardown_verified)

int main(void)
{
    const struct CMUnitTest tests[] = {
        VERIFIED(what_the_collectors_stored_is_what_is_derived_anew),
        VERIFIED(spoilt_rows_of_every_source_come_back_equal),
        VERIFIED(what_could_not_be_read_of_every_source_becomes_what_it_would_have_been),
        VERIFIED(records_that_are_no_events_are_refused_with_a_reason),
        VERIFIED(records_that_are_no_accounts_are_refused_with_a_reason),
        VERIFIED(a_removal_is_told_with_its_reason),
        VERIFIED(the_kind_of_a_record_of_health_is_told_by_its_members),
        VERIFIED(a_record_of_health_whose_kind_cannot_be_told_is_refused),
        VERIFIED(a_record_of_health_without_an_id_is_refused),
    };
    return cmocka_run_group_tests_name("decoders", tests, NULL, NULL);
}
