/* What the tests of retention share: a database with something old and something new of everything, and runs of prune.
 */
#ifndef M365KEEP_TEST_STORE_PRUNE_FIXTURE_H
#define M365KEEP_TEST_STORE_PRUNE_FIXTURE_H

#include "accounts_fixture.h"
#include "health_fixture.h"

#define OTHER_TENANT "9d2f0c58-0000-4000-8000-000000000002"

enum {
    DAY = 86400,
    LINE = AT - 10 * DAY, /* 2026-11-16T08:00:00Z: what is about an earlier moment goes, unless a test says otherwise */
    OLD = AT - 20 * DAY,  /* 2026-11-06T08:00:00Z */
    NEW = AT - DAY,       /* 2026-11-25T08:00:00Z */
};

/* --- records ---------------------------------------------------------------------------------------------------------
 */

/* Stores an event of a source of a customer, in a second of its own; its body is `raw`, or made of its id. */
static inline void keep_event(struct fixture *fixture, int64_t customer, const char *tenant, const char *source,
                              const char *id, int64_t at, const char *raw)
{
    g_autofree char *when = timestamp_format_seconds(at), *body = raw ? g_strdup(raw) : raw_of(id, source);
    g_autofree char *text = g_strdup_printf("%s was here", id);
    struct document *document = document_of(id, when, body, text);
    g_clear_pointer(&document->facets, g_free);
    document_seal(document, tenant, source);
    struct store_page *page = page_new(customer, at, at + 1);
    page->source = source;
    page->received_at = AT;
    page_add(page, document);
    commit(fixture, page);
    page_free(page);
}

static inline void sign_in(struct fixture *fixture, const char *id, int64_t at)
{
    keep_event(fixture, fixture->customer, TENANT, "sign-ins", id, at, NULL);
}

static inline void account_says(struct fixture *fixture, int64_t at, const char *id, const char *reason, int value)
{
    g_autofree char *raw =
        g_strdup_printf("{\"id\":\"%s\",\"value\":%d,\"userPrincipalName\":\"%s@x\"}", id, value, id);
    say_one(fixture, STORE_ROUND_DELTA, at, id, reason, raw);
}

static inline void issue_says(struct fixture *fixture, enum store_health_kind kind, int64_t received_at, const char *id,
                              bool resolved, int64_t end, int64_t modified, int value)
{
    g_autofree char *ended = end ? timestamp_format_seconds(end) : NULL;
    g_autofree char *at = timestamp_format_seconds(modified), *quoted = end ? g_strdup_printf("\"%s\"", ended) : NULL;
    g_autofree char *raw =
        g_strdup_printf("{\"isResolved\":%s,\"endDateTime\":%s,\"lastModifiedDateTime\":\"%s\",\"v\":%d}",
                        resolved ? "true" : "false", quoted ? quoted : "null", at, value);
    tell_one(fixture, kind, received_at, id, raw);
}

static inline void keep_mail(struct fixture *fixture, const char *subject, enum store_mail_state state, int64_t at)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(StoreMail) mail = store_mail_new();
    mail->customer_id = strchr(subject, '!') ? 0 : fixture->customer;
    mail->kind = g_strdup("report");
    mail->from_s = at - DAY;
    mail->to_s = at;
    mail->subject = g_strdup(subject);
    mail->sender = g_strdup("desk@example.org");
    mail->message_id = g_strdup(subject);
    mail->message = g_bytes_new("Subject: x\r\n", 12);
    mail->created_at = at;
    store_mail_add_recipient(mail, "ada@x");
    assert_ok(store_mail_insert(fixture->store, mail, true, &error), error);
    mail->state = state;
    mail->sent_at = state == STORE_MAIL_SENT ? at : 0;
    ((struct store_mail_recipient *)mail->recipients->pdata[0])->state = state;
    assert_ok(store_mail_note(fixture->store, mail, &error), error);
}

static inline void keep_mails(struct fixture *fixture)
{
    keep_mail(fixture, "sent long ago", STORE_MAIL_SENT, OLD);
    keep_mail(fixture, "failed long ago", STORE_MAIL_FAILED, OLD);
    keep_mail(fixture, "unknown long ago", STORE_MAIL_UNKNOWN, OLD);
    keep_mail(fixture, "waits since long ago", STORE_MAIL_QUEUED, OLD);
    keep_mail(fixture, "being sent since long ago", STORE_MAIL_SENDING, OLD + DAY);
    keep_mail(fixture, "sent at the line", STORE_MAIL_SENT, LINE);
    keep_mail(fixture, "sent lately", STORE_MAIL_SENT, NEW);
    keep_mail(fixture, "of nobody, sent long ago!", STORE_MAIL_SENT, OLD);
}

static inline void keep_events(struct fixture *fixture)
{
    int64_t other = store_customer(fixture->store, "fabrikam", OTHER_TENANT, NULL);
    sign_in(fixture, "first", OLD);
    keep_event(fixture, fixture->customer, TENANT, "sign-ins", "edited", OLD + 1, "{\"v\":1}");
    keep_event(fixture, fixture->customer, TENANT, "sign-ins", "edited", OLD + 1, "{\"v\":2}");
    keep_event(fixture, fixture->customer, TENANT, "directory-audits", "audit", OLD, NULL);
    keep_event(fixture, other, OTHER_TENANT, "sign-ins", "first", OLD, NULL);
    sign_in(fixture, "just before", LINE - 1);
    sign_in(fixture, "at the line", LINE);
    keep_event(fixture, fixture->customer, TENANT, "directory-audits", "late audit", NEW, "{\"v\":1}");
    keep_event(fixture, fixture->customer, TENANT, "directory-audits", "late audit", NEW, "{\"v\":2}");
    keep_event(fixture, other, OTHER_TENANT, "sign-ins", "last", NEW, NULL);
}

static inline void keep_accounts(struct fixture *fixture)
{
    account_says(fixture, OLD, "left", NULL, 1);
    account_says(fixture, OLD + 1, "left", NULL, 2);
    account_says(fixture, OLD + 2, "left", "changed", 2);
    account_says(fixture, NEW, "left", "deleted", 2); /* seen lately, but left long ago */
    account_says(fixture, OLD, "came back", NULL, 1);
    account_says(fixture, OLD + 1, "came back", "changed", 1);
    account_says(fixture, OLD + 2, "came back", NULL, 1);
    account_says(fixture, OLD, "here", NULL, 1);
    account_says(fixture, LINE - 1, "here", NULL, 2);
    account_says(fixture, LINE, "here", NULL, 3);
    account_says(fixture, OLD, "left lately", NULL, 1);
    account_says(fixture, OLD + 1, "left lately", NULL, 2);
    account_says(fixture, NEW, "left lately", "deleted", 2);
}

static inline void keep_health(struct fixture *fixture)
{
    scan_at(fixture, OLD, "Exchange=good Teams=good");
    scan_at(fixture, OLD + 300, "Exchange=good Teams=bad");
    fail_at(fixture, OLD + 600);
    scan_at(fixture, LINE - 600, "Exchange=good");
    scan_at(fixture, LINE - 300, "Exchange=good");
    scan_at(fixture, LINE + 300, "Exchange=good");
    fail_at(fixture, NEW);
    scan_at(fixture, NEW + 300, "Exchange=good");
    issue_says(fixture, STORE_HEALTH_ISSUES, OLD, "over", true, OLD, OLD, 1);
    issue_says(fixture, STORE_HEALTH_ISSUES, OLD + 300, "over", true, OLD, OLD, 2);
    issue_says(fixture, STORE_HEALTH_ISSUES, OLD, "lasts", false, 0, OLD, 1);
    issue_says(fixture, STORE_HEALTH_ISSUES, OLD + 300, "lasts", false, 0, OLD, 2);
    issue_says(fixture, STORE_HEALTH_ISSUES, LINE, "lasts", false, 0, OLD, 3);
    issue_says(fixture, STORE_HEALTH_ISSUES, LINE + 1, "lasts", false, 0, OLD, 4);
    issue_says(fixture, STORE_HEALTH_ISSUES, NEW, "over, written about", true, OLD, NEW, 1);
    issue_says(fixture, STORE_HEALTH_MESSAGES, OLD, "ended", false, OLD, OLD, 1);
    issue_says(fixture, STORE_HEALTH_MESSAGES, OLD + 300, "ended", false, OLD, OLD, 2);
    issue_says(fixture, STORE_HEALTH_MESSAGES, OLD, "without end", false, 0, OLD, 1);
    issue_says(fixture, STORE_HEALTH_MESSAGES, OLD + 300, "without end", false, 0, OLD, 2);
    issue_says(fixture, STORE_HEALTH_MESSAGES, OLD + 600, "without end", false, 0, OLD, 3);
    issue_says(fixture, STORE_HEALTH_MESSAGES, OLD, "ends later", false, AT + DAY, OLD, 1);
    tell_one(fixture, STORE_HEALTH_OVERVIEWS, OLD, "Exchange", "{\"v\":1}");
    tell_one(fixture, STORE_HEALTH_OVERVIEWS, OLD + 1, "Exchange", "{\"v\":2}");
    tell_one(fixture, STORE_HEALTH_OVERVIEWS, NEW, "Exchange", "{\"v\":3}");
}

/* What could not be read has no hash that anybody looks at but this one. */
static inline void keep_rest(struct fixture *fixture)
{
    static const struct {
        const char *source, *body;
        int64_t at;
    } bodies[] = {{"sign-ins", "{old", OLD}, {"sign-ins", "{new", NEW}, {"users", "{old too", OLD}};
    for (size_t i = 0; i < G_N_ELEMENTS(bodies); i++) {
        struct store_page *page = page_new(fixture->customer, bodies[i].at, bodies[i].at + 1);
        page->source = bodies[i].source;
        page->received_at = bodies[i].at;
        g_ptr_array_add(page->unreadable, unreadable_new("cut", NULL, bodies[i].body, strlen(bodies[i].body)));
        commit(fixture, page);
        page_free(page);
    }
    g_autofree char *blobs = g_strdup_printf(
        "INSERT INTO content_blob (customer_id, content_id, content_type, content_uri, created_at, expires_at, "
        "listed_at, fetched_at, lost_at) VALUES (1, 'fetched', '', '', 1, %ld, %ld, 5, NULL), "
        "(1, 'lost', '', '', 1, %ld, %ld, NULL, 5), (1, 'waiting', '', '', 1, %ld, %ld, NULL, NULL), "
        "(1, 'still listed', '', '', 1, %ld, %ld, 5, NULL), (1, 'late', '', '', 1, %ld, %ld, 5, NULL)",
        (long)AT, (long)LINE - 1, (long)OLD, (long)OLD, (long)OLD, (long)OLD, (long)AT + 1, (long)OLD, (long)AT,
        (long)LINE);
    execute(fixture, blobs);
}

static void *everything; /* struct fixture *, closed: made once, as each of its many transactions waits for the disk */

static inline int make_everything(void **state)
{
    (void)state;
    if (setup_store(&everything) != 0)
        return -1;
    struct fixture *fixture = everything;
    keep_events(fixture);
    keep_accounts(fixture);
    keep_health(fixture);
    keep_rest(fixture);
    keep_mails(fixture);
    g_clear_pointer(&fixture->store, store_close);
    return 0;
}

static inline int drop_everything(void **state)
{
    (void)state;
    return teardown(&everything);
}

/* A copy of it. */
static inline int setup_everything(void **state)
{
    const struct fixture *whole = everything;
    g_autofree char *bytes = NULL;
    gsize length;
    if (setup_folder(state) != 0)
        return -1;
    struct fixture *fixture = *state;
    if (!g_file_get_contents(whole->path, &bytes, &length, NULL) ||
        !g_file_set_contents_full(fixture->path, bytes, (gssize)length, G_FILE_SET_CONTENTS_NONE, 0600, NULL))
        return -1;
    fixture->store = store_open(fixture->path, STORE_WRITE, NULL);
    fixture->customer = whole->customer;
    return fixture->store ? 0 : -1;
}

/* --- runs ------------------------------------------------------------------------------------------------------------
 */

static const struct store_keep keep_all_from_line[] = {
    {"sign-ins", LINE}, {"directory-audits", LINE}, {"intune-audits", LINE}, {"unified-audit", LINE},
    {"users", LINE},    {"health", LINE},           {"mails", LINE}};

static inline struct store_prune_options options_of_line(void)
{
    return (struct store_prune_options){
        .keep = keep_all_from_line, .n_keep = G_N_ELEMENTS(keep_all_from_line), .now = AT};
}

static inline struct store_prune_result *prune_with(struct fixture *fixture, const struct store_prune_options *options)
{
    g_autoptr(GError) error = NULL;
    struct store_prune_result *result = store_prune(fixture->store, options, &error);
    assert_ok(result != NULL, error);
    return result;
}

static inline void prune(struct fixture *fixture, const struct store_prune_options *options)
{
    store_prune_result_free(prune_with(fixture, options));
}

/* The result's sources, a line each: "contoso sign-ins: 2 records, 1 others, 0 held, 1794200000 to 1794200001". */
static inline char *told(const struct store_prune_result *result)
{
    GString *out = g_string_new(NULL);
    for (guint i = 0; i < result->sources->len; i++) {
        const struct store_pruned *pruned = result->sources->pdata[i];
        g_string_append_printf(out, "%s%s %s: %ld records, %ld others, %ld held, %ld to %ld", i ? "\n" : "",
                               *pruned->customer ? pruned->customer : "nobody", pruned->source, (long)pruned->records,
                               (long)pruned->others, (long)pruned->held, (long)pruned->oldest, (long)pruned->newest);
    }
    return g_string_free(out, FALSE);
}

static inline void assert_told(const struct store_prune_result *result, const char *expected)
{
    g_autofree char *words = told(result);
    assert_string_equal(words, expected);
}

/* Prunes, and tells so. */
static inline void prune_told(struct fixture *fixture, const struct store_prune_options *options, const char *expected)
{
    g_autoptr(StorePruneResult) result = prune_with(fixture, options);
    assert_told(result, expected);
}

#endif
