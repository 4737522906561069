/* steps - the things that a store does, one function each, and a database that they begin with: what the programs share
 * that make them fail (test_torture.c) and cut their power (test_power.c). */
#ifndef M365KEEP_TEST_STORE_STEPS_H
#define M365KEEP_TEST_STORE_STEPS_H

#include "accounts_fixture.h"
#include "health_fixture.h"

enum { STEPS_MOST = 12 };

/* What a step did is told in `told`, to be compared. */
typedef bool (*step_fn)(struct fixture *fixture, GString *told, GError **error);

/* --- steps: events ------------------------------------------------------------------------------------------------ */

#define RAW(id, body) "{\"id\":\"" id "\",\"body\":\"" body "\"}"

static inline void tell_counts(GString *told, struct store_counts counts)
{
    g_string_append_printf(told, "%" G_GINT64_FORMAT " new, %" G_GINT64_FORMAT " changed, %" G_GINT64_FORMAT " known, ",
                           counts.inserted, counts.updated, counts.duplicates);
    g_string_append_printf(told, "%" G_GINT64_FORMAT " removed, %" G_GINT64_FORMAT " unreadable\n", counts.removed,
                           counts.unreadable);
}

static inline bool open_database(struct fixture *fixture, GString *told, GError **error)
{
    fixture->store = store_open(fixture->path, STORE_CREATE, error);
    g_string_append(told, "open");
    return fixture->store != NULL;
}

static inline bool open_to_read(struct fixture *fixture, GString *told, GError **error)
{
    store_close(fixture->store);
    fixture->store = store_open(fixture->path, STORE_READ, error);
    g_string_append(told, "open");
    return fixture->store != NULL;
}

static inline bool know_customer(struct fixture *fixture, GString *told, GError **error)
{
    fixture->customer = store_customer(fixture->store, "contoso", TENANT, error);
    g_string_append_printf(told, "customer %" G_GINT64_FORMAT, fixture->customer);
    return fixture->customer > 0;
}

static inline bool rename_customer(struct fixture *fixture, GString *told, GError **error)
{
    int64_t customer = store_customer(fixture->store, "contoso ltd", TENANT, error);
    g_string_append_printf(told, "customer %" G_GINT64_FORMAT, customer);
    return customer > 0;
}

/* What the template holds, so that the next step can change it and say it again. */
static inline bool commit_first_page(struct fixture *fixture, GString *told, GError **error)
{
    struct store_page *page = page_new(fixture->customer, AT - 7200, AT - 3600), *pages[] = {page};
    page_add(page, document_of("known", "2026-11-26T06:10:00Z", RAW("known", "same"), "a word"));
    page_add(page, document_of("changed", "2026-11-26T06:11:00Z", RAW("changed", "old"), "the old words"));
    page_add(page, document_of("moved", "2026-11-26T06:12:00Z", RAW("moved", "old"), "here"));
    bool ok = store_commit_pages(fixture->store, pages, 1, error);
    tell_counts(told, page->counts);
    page_free(page);
    return ok;
}

/* One transaction: a page that goes on and a last one; records that are new, known, changed, changed twice, moved in
 * time, without time, late, unreadable. */
static inline bool commit_two_pages(struct fixture *fixture, GString *told, GError **error)
{
    struct store_page *first = page_new(fixture->customer, AT - 7200, AT - 3600);
    struct store_page *last = page_new(fixture->customer, AT - 3600, AT), *pages[] = {first, last};
    first->next_link = "https://graph.example/v1.0/auditLogs/signIns?$skiptoken=2";
    page_add(first, document_of("new", "2026-11-26T06:20:00Z", RAW("new", "1"), "new words"));
    page_add(first, document_of("known", "2026-11-26T06:10:00Z", RAW("known", "same"), "a word"));
    page_add(first, document_of("changed", "2026-11-26T06:11:00Z", RAW("changed", "new"), "the new words"));
    page_add(first, document_of("changed", "2026-11-26T06:11:00Z", RAW("changed", "newer"), "newer words"));
    g_ptr_array_add(first->unreadable, unreadable_new("no JSON", "r-1", "{", 1));
    page_add(last, document_of("moved", "2026-11-26T07:12:00Z", RAW("moved", "new"), "there"));
    page_add(last, document_of("timeless", NULL, RAW("timeless", "1"), "some time"));
    bool ok = store_commit_pages(fixture->store, pages, 2, error);
    tell_counts(told, first->counts);
    tell_counts(told, last->counts);
    page_free(first);
    page_free(last);
    return ok;
}

/* --- steps: accounts ---------------------------------------------------------------------------------------------- */

static inline bool commit_accounts(struct fixture *fixture, struct store_page *page, GString *told, GError **error)
{
    struct store_page *pages[] = {page};
    bool ok = store_commit_pages(fixture->store, pages, 1, error);
    tell_counts(told, page->counts);
    accounts_page_free(page);
    return ok;
}

static inline bool begin_listing(struct fixture *fixture, GString *told, GError **error)
{
    struct store_page *page = accounts_page(fixture->customer, STORE_ROUND_LISTING);
    page_goes_on(page, true);
    page_say(page, "u1", NULL, "{\"id\":\"u1\",\"displayName\":\"Ada\",\"accountEnabled\":true}");
    page_say(page, "u2", NULL, "{\"id\":\"u2\",\"displayName\":\"Bob\",\"mail\":\"bob@example.org\"}");
    g_ptr_array_add(page->unreadable, unreadable_new("no account", NULL, "[]", 2));
    return commit_accounts(fixture, page, told, error);
}

static inline bool end_listing(struct fixture *fixture, GString *told, GError **error)
{
    struct store_page *page = accounts_page(fixture->customer, STORE_ROUND_LISTING);
    accounts_of(page)->first = false;
    page_say(page, "u3", NULL, "{\"id\":\"u3\",\"displayName\":\"Eve\"}");
    return commit_accounts(fixture, page, told, error);
}

/* Who is in no listing is missing: u4, whom a delta round brought. */
static inline bool list_again(struct fixture *fixture, GString *told, GError **error)
{
    struct store_page *page = accounts_page(fixture->customer, STORE_ROUND_LISTING);
    page->received_at = AT + 60;
    page_say(page, "u1", NULL, "{\"id\":\"u1\",\"displayName\":\"Ada\",\"accountEnabled\":true}");
    page_say(page, "u2", NULL, "{\"id\":\"u2\",\"displayName\":\"Bob\",\"department\":\"x\"}");
    return commit_accounts(fixture, page, told, error);
}

static inline bool commit_delta(struct fixture *fixture, GString *told, GError **error)
{
    struct store_page *page = accounts_page(fixture->customer, STORE_ROUND_DELTA);
    page->received_at = AT + 30;
    page_say(page, "u4", NULL, "{\"id\":\"u4\",\"displayName\":\"Dan\"}");
    page_say(page, "u1", NULL, "{\"id\":\"u1\",\"displayName\":\"Ada L\",\"accountEnabled\":false}");
    page_say(page, "u3", "changed", "{\"id\":\"u3\",\"@removed\":{\"reason\":\"changed\"}}");
    page_say(page, "u2", NULL, "{\"id\":\"u2\",\"displayName\":\"Bob\"}");
    page_say(page, "nobody", "deleted", "{\"id\":\"nobody\",\"@removed\":{\"reason\":\"deleted\"}}");
    return commit_accounts(fixture, page, told, error);
}

static inline bool commit_activity(struct fixture *fixture, GString *told, GError **error)
{
    static const char ada[] = "{\"id\":\"u1\",\"signInActivity\":{\"lastSignInDateTime\":\"2026-11-25T00:00:00Z\"}}";
    struct store_page *page = accounts_page(fixture->customer, STORE_ROUND_ACTIVITY);
    page_say(page, "u1", NULL, ada);
    return commit_accounts(fixture, page, told, error);
}

/* --- steps: service health ---------------------------------------------------------------------------------------- */

static inline bool commit_health(struct fixture *fixture, struct store_page *const *pages, size_t n, GString *told,
                                 GError **error)
{
    bool ok = store_commit_pages(fixture->store, pages, n, error);
    for (size_t i = 0; i < n; i++) {
        tell_counts(told, pages[i]->counts);
        health_page_free(pages[i]);
    }
    return ok;
}

/* What the template holds. */
static inline bool scan_first(struct fixture *fixture, GString *told, GError **error)
{
    struct store_page *overviews = health_page(fixture->customer, STORE_HEALTH_OVERVIEWS), *pages[] = {overviews};
    struct store_scan *scan = page_scans(overviews);
    page_tell(overviews, "Exchange", "{\"service\":\"Exchange Online\",\"status\":\"serviceOperational\"}");
    g_ptr_array_add(scan->statuses, health_status_new("Exchange", "serviceOperational"));
    g_ptr_array_add(scan->statuses, health_status_new("Teams", "serviceOperational"));
    return commit_health(fixture, pages, 1, told, error);
}

/* One transaction: a scan in which one service stays as it was and another does not; issues that are new, known,
 * changed and changed twice; a message. */
static inline bool scan_whole(struct fixture *fixture, GString *told, GError **error)
{
    struct store_page *overviews = health_page(fixture->customer, STORE_HEALTH_OVERVIEWS);
    struct store_page *issues = health_page(fixture->customer, STORE_HEALTH_ISSUES);
    struct store_page *messages = health_page(fixture->customer, STORE_HEALTH_MESSAGES);
    struct store_page *pages[] = {overviews, issues, messages};
    struct store_scan *scan = page_scans(overviews);
    overviews->received_at = issues->received_at = messages->received_at = AT + 300;
    page_tell(overviews, "Exchange", "{\"service\":\"Exchange Online\",\"status\":\"ServiceDegradation\"}");
    page_tell(overviews, "Teams", "{\"service\":\"Teams\",\"status\":\"serviceOperational\"}");
    g_ptr_array_add(scan->statuses, health_status_new("Exchange", "ServiceDegradation"));
    g_ptr_array_add(scan->statuses, health_status_new("Teams", "ServiceOperational"));
    page_tell(issues, "EX1", "{\"title\":\"slow words\",\"lastModifiedDateTime\":\"2026-11-26T07:00:00Z\"}");
    page_tell(issues, "EX1", "{\"title\":\"slow words\",\"lastModifiedDateTime\":\"2026-11-26T07:00:00Z\"}");
    page_tell(issues, "EX1", "{\"title\":\"slower\",\"service\":\"Exchange Online\"}");
    page_tell(issues, "EX2", "{\"title\":\"other words\",\"service\":\"Exchange Online\"}");
    g_ptr_array_add(issues->unreadable, unreadable_new("no id", NULL, "{}", 2));
    page_tell(messages, "MC1", "{\"title\":\"words\",\"services\":[\"Exchange Online\",\"Teams\"]}");
    return commit_health(fixture, pages, G_N_ELEMENTS(pages), told, error);
}

/* What is there already, edited. */
static inline bool tell_edits(struct fixture *fixture, GString *told, GError **error)
{
    struct store_page *issues = health_page(fixture->customer, STORE_HEALTH_ISSUES);
    struct store_page *messages = health_page(fixture->customer, STORE_HEALTH_MESSAGES), *pages[] = {issues, messages};
    page_tell(issues, "EX1", "{\"title\":\"over\",\"isResolved\":true}");
    page_tell(issues, "EX2", "{\"title\":\"other words\",\"service\":\"Exchange Online\",\"isResolved\":false}");
    page_tell(messages, "MC1", "{\"title\":\"words\",\"services\":[\"Teams\"]}");
    return commit_health(fixture, pages, G_N_ELEMENTS(pages), told, error);
}

static inline bool scan_in_vain(struct fixture *fixture, GString *told, GError **error)
{
    (void)told;
    return store_scan_failed(fixture->store, fixture->customer, AT + 600, "503", error);
}

static inline bool tell_row(const struct store_health_row *row, void *told)
{
    store_health_append_json(told, row);
    g_string_append_c(told, '\n');
    return true;
}

static inline bool search_health(struct fixture *fixture, GString *told, GError **error)
{
    struct store_health_query issues = {
        .words = "words", .customer = "contoso", .service = "exchange online", .limit = 5};
    struct store_health_query messages = {.has_end = true, .end = AT, .limit = 5, .time_limit_ms = 60000};
    issues.kind = STORE_HEALTH_ISSUES;
    messages.kind = STORE_HEALTH_MESSAGES;
    return store_search_health(fixture->store, &issues, tell_row, told, error) &&
           store_search_health(fixture->store, &messages, tell_row, told, error);
}

/* --- steps: mails --------------------------------------------------------------------------------------------------
 */

/* A mail of contoso's, not stored yet. Returned: store_mail_free. */
static inline struct store_mail *mail_of(const struct fixture *fixture, int64_t from)
{
    struct store_mail *mail = store_mail_new();
    mail->customer_id = fixture->customer;
    mail->kind = g_strdup("report");
    mail->from_s = from;
    mail->to_s = from + 86400;
    mail->subject = g_strdup("Service health");
    mail->sender = g_strdup("desk@example.org");
    mail->message_id = g_strdup("1@example.org");
    mail->message = g_bytes_new("Subject: x\r\n", 12);
    mail->created_at = AT;
    store_mail_add_recipient(mail, "ada@x");
    store_mail_add_recipient(mail, "bob@x");
    return mail;
}

static inline void tell_mail(GString *told, const struct store_mail *mail)
{
    g_string_append_printf(told, "%" G_GINT64_FORMAT " %s %s %s %zu", mail->mail_id, mail->customer, mail->subject,
                           store_mail_state_name(mail->state), g_bytes_get_size(mail->message));
    for (guint i = 0; i < mail->recipients->len; i++) {
        const struct store_mail_recipient *recipient = mail->recipients->pdata[i];
        g_string_append_printf(told, " %s %s %s", recipient->address, store_mail_state_name(recipient->state),
                               recipient->answer ? recipient->answer : "-");
    }
    g_string_append_c(told, '\n');
}

static inline bool keep_mail(struct fixture *fixture, GString *told, GError **error)
{
    g_autoptr(StoreMail) mail = mail_of(fixture, AT);
    bool kept = store_mail_insert(fixture->store, mail, false, error);
    g_string_append(told, "kept");
    return kept;
}

static inline struct store_mail *find_mail(struct fixture *fixture, int64_t from, GError **error)
{
    return store_mail_find(fixture->store, fixture->customer, "report", from, from + 86400, error);
}

/* Begins the first mail. */
static inline bool begin_mail(struct fixture *fixture, GString *told, GError **error)
{
    g_autoptr(StoreMail) mail = find_mail(fixture, AT, error);
    g_string_append(told, "begun");
    return mail && store_mail_begin(fixture->store, mail, AT + 1, error);
}

static inline bool recover_mails(struct fixture *fixture, GString *told, GError **error)
{
    int64_t n = store_mail_recover(fixture->store, error);
    g_string_append_printf(told, "%" G_GINT64_FORMAT, n);
    return n >= 0;
}

static inline bool note_mail(struct fixture *fixture, GString *told, GError **error)
{
    g_autoptr(StoreMail) mail = find_mail(fixture, AT, error);
    if (!mail)
        return false;
    for (guint i = 0; i < mail->recipients->len; i++) {
        struct store_mail_recipient *recipient = mail->recipients->pdata[i];
        recipient->state = i ? STORE_MAIL_QUEUED : STORE_MAIL_SENT;
        recipient->code = 250;
        g_free(recipient->answer);
        recipient->answer = g_strdup("ok");
    }
    mail->state = STORE_MAIL_QUEUED;
    mail->next_attempt_at = AT + 60;
    g_free(mail->answer);
    mail->answer = g_strdup("later");
    g_string_append(told, "noted");
    return store_mail_note(fixture->store, mail, error);
}

static inline bool look_into_the_outbox(struct fixture *fixture, GString *told, GError **error)
{
    GError *cause = NULL;
    g_autoptr(StoreMail) none = find_mail(fixture, AT + 5, &cause);
    g_autoptr(GPtrArray) due = cause ? NULL : store_mail_due(fixture->store, fixture->customer, AT + 60, &cause);
    for (guint i = 0; due && i < due->len && !cause; i++) {
        const struct store_mail *head = due->pdata[i];
        g_autoptr(StoreMail) mail = store_mail_read(fixture->store, head->mail_id, &cause);
        if (mail)
            tell_mail(told, mail);
    }
    bool good = due && !none && !cause;
    if (cause)
        g_propagate_error(error, cause);
    return good;
}

/* --- steps: reports ------------------------------------------------------------------------------------------------
 */

static inline bool read_report(struct fixture *fixture, GString *told, GError **error)
{
    const struct store_report_query query = {"contoso", NULL, AT - 60, AT + 60, AT - 86400, AT + 86400};
    g_autoptr(StoreReport) report = store_report_read(fixture->store, &query, error);
    if (report)
        g_string_append_printf(told, "%d %u %u %u %u %u", report->known, report->services->len, report->states->len,
                               report->scans->len, report->issues->len, report->messages->len);
    return report != NULL;
}

static inline bool ask_figures(struct fixture *fixture, GString *told, GError **error)
{
    static const char *const statuses[] = {"serviceoperational", NULL};
    static const int priorities[] = {10};
    struct store_figure_query query = {.customer = "contoso",
                                       .service = "Exchange",
                                       .from = AT - 60,
                                       .to = AT + 60,
                                       .max_gap_s = MAX_GAP_S,
                                       .statuses = statuses,
                                       .priorities = priorities};
    for (; query.figure < STORE_FIGURES; query.figure++) {
        g_autoptr(GPtrArray) rows = store_figure_rows(fixture->store, &query, error);
        g_autofree char *sql = rows ? store_figure_sql(fixture->store, &query, error) : NULL;
        if (!sql)
            return false;
        for (guint i = 0; i < rows->len; i++) {
            g_autofree char *row = g_strjoinv("|", rows->pdata[i]);
            g_string_append_printf(told, "%s\n", row);
        }
        g_string_append(told, sql);
    }
    return true;
}

/* --- steps: where reading stands ---------------------------------------------------------------------------------- */

static inline bool save_round(struct fixture *fixture, GString *told, GError **error)
{
    struct store_round round = {.kind = STORE_ROUND_ACTIVITY, .query = "id", .link = "https://graph.example/3"};
    round.started_at = round.saved_at = AT + 90;
    (void)told;
    return store_round_save(fixture->store, fixture->customer, "users", "sign-in-activity", &round, error);
}

static inline bool read_round(struct fixture *fixture, GString *told, GError **error)
{
    struct store_round round;
    GError *cause = NULL;
    bool found = store_round_read(fixture->store, fixture->customer, "users", "", &round, &cause);
    g_string_append_printf(told, "%s, %d, %s, %d", found ? "found" : "none", round.kind,
                           round.link ? round.link : "no link", round.complete);
    store_round_clear(&round);
    if (cause)
        g_propagate_error(error, cause);
    return !cause;
}

static inline bool read_cursor(struct fixture *fixture, GString *told, GError **error)
{
    struct store_cursor cursor;
    GError *cause = NULL;
    bool found = store_cursor_read(fixture->store, fixture->customer, "sign-ins", "open", &cursor, &cause);
    g_string_append_printf(told, "%s, %s", found ? "found" : "none", cursor.next_link ? cursor.next_link : "no link");
    store_cursor_clear(&cursor);
    if (cause)
        g_propagate_error(error, cause);
    return !cause;
}

static inline bool read_coverage(struct fixture *fixture, GString *told, GError **error)
{
    g_autoptr(GArray) spans = store_coverage_read(fixture->store, fixture->customer, "sign-ins", "", error);
    for (guint i = 0; spans && i < spans->len; i++) {
        const struct store_coverage *span = &g_array_index(spans, struct store_coverage, i);
        g_string_append_printf(told, "%" G_GINT64_FORMAT "-%" G_GINT64_FORMAT " %d\n", span->from, span->to,
                               span->state);
    }
    return spans != NULL;
}

static inline bool mark_open(struct fixture *fixture, GString *told, GError **error)
{
    struct store_window window = {AT, AT + 3600};
    (void)told;
    return store_mark_open(fixture->store, fixture->customer, "sign-ins", "", window, error);
}

static inline bool mark_lost(struct fixture *fixture, GString *told, GError **error)
{
    struct store_window window = {AT - 10800, AT - 5400};
    (void)told;
    return store_mark_lost(fixture->store, fixture->customer, "sign-ins", "", window, AT, error);
}

static inline bool settle(struct fixture *fixture, GString *told, GError **error)
{
    (void)told;
    return store_coverage_settle(fixture->store, fixture->customer, "sign-ins", "", 4000, INT64_MIN, error);
}

static inline bool note_failure(struct fixture *fixture, GString *told, GError **error)
{
    (void)told;
    return store_collection_note(fixture->store, fixture->customer, "sign-ins", AT, STORE_OUTCOME_FAILED,
                                 "the network was away", error);
}

/* --- steps: looking ----------------------------------------------------------------------------------------------- */

static inline bool tell_event(const struct store_event *event, void *told)
{
    store_event_append_json(told, event);
    g_string_append_c(told, '\n');
    return true;
}

static inline bool search_words(struct fixture *fixture, GString *told, GError **error)
{
    struct store_query query = {.words = "word*", .customer = "contoso", .service = "signin", .limit = 10};
    return store_search(fixture->store, &query, tell_event, told, error);
}

static inline bool search_all(struct fixture *fixture, GString *told, GError **error)
{
    struct store_query query = {.has_start = true, .start = AT - 7200, .limit = 2, .time_limit_ms = 60000};
    return store_search(fixture->store, &query, tell_event, told, error);
}

static inline bool count_events(struct fixture *fixture, GString *told, GError **error)
{
    struct store_query query = {.words = "words OR here", .fts_syntax = true};
    int64_t n = store_search_count(fixture->store, &query, 100, error);
    g_string_append_printf(told, "%" G_GINT64_FORMAT, n);
    return n >= 0;
}

static inline bool tell_user(const struct store_user *user, void *told)
{
    store_user_append_json(told, user);
    g_string_append_c(told, '\n');
    return true;
}

static inline bool search_users(struct fixture *fixture, GString *told, GError **error)
{
    struct store_user_query words = {.words = "bob", .customer = "contoso", .limit = 5}, all = {.limit = 5};
    return store_search_users(fixture->store, &words, tell_user, told, error) &&
           store_search_users(fixture->store, &all, tell_user, told, error);
}

static inline bool look_how_it_stands(struct fixture *fixture, GString *told, GError **error)
{
    const struct store_status_options options = {.now = AT, .since = AT - 30 * 86400, .max_gap_s = 1800, .samples = 2};
    g_autoptr(StoreStatus) status = store_status_read(fixture->store, &options, error);
    for (guint i = 0; status && i < status->sources->len; i++) {
        const struct store_status_source *source = status->sources->pdata[i];
        if (g_str_equal(source->source, "notes")) /* they follow failures */
            continue;
        g_string_append_printf(told, "%s %s %" G_GINT64_FORMAT " %" G_GINT64_FORMAT " %s %u\n", source->customer,
                               source->source, source->records, source->raw_bytes,
                               source->newest ? source->newest : "-", source->holes->len);
    }
    return status != NULL;
}

static inline bool count_present(struct fixture *fixture, GString *told, GError **error)
{
    int64_t n = store_accounts_present(fixture->store, fixture->customer, error);
    g_string_append_printf(told, "%" G_GINT64_FORMAT, n);
    return n >= 0;
}

static inline bool verify(struct fixture *fixture, GString *told, GError **error)
{
    (void)told;
    return store_verify(fixture->store, error);
}

static inline bool quick_check(struct fixture *fixture, GString *told, GError **error)
{
    (void)told;
    return store_quick_check(fixture->store, error);
}

/* --- steps: upkeep ------------------------------------------------------------------------------------------------ */

/* Each of these is done in several transactions: where one fails, what was done before it stays so. */

/* The same record under an older key, and the same bytes under another source. */
static inline bool commit_doubles(struct fixture *fixture, GString *told, GError **error)
{
    struct store_page *older = page_new(fixture->customer, AT - 7200, AT - 3600);
    struct store_page *other = page_new(fixture->customer, AT - 7200, AT - 3600), *pages[] = {older, other};
    struct document *document = document_of("known", "2026-11-26T06:10:00Z", RAW("known", "older"), "a word");
    g_free(document->dedupe_key);
    g_clear_pointer(&document->facets, g_free);
    document->dedupe_key = g_strdup("key of old");
    document_seal(document, TENANT, "sign-ins");
    page_add(older, document);
    document = document_of("changed", "2026-11-26T06:11:00Z", RAW("changed", "old"), "the old words");
    g_clear_pointer(&document->facets, g_free);
    document_seal(document, TENANT, "directory-audits");
    page_add(other, document);
    other->source = "directory-audits";
    bool ok = store_commit_pages(fixture->store, pages, 2, error);
    tell_counts(told, older->counts);
    page_free(older);
    page_free(other);
    return ok;
}

/* Decodes what RAW makes, with other words than it was stored with, and "moved" at another time. */
static inline struct document *decode_event(const char *source, const char *tenant_id, const char *raw, size_t length,
                                            int64_t received_at, void *user, GError **error)
{
    g_autofree char *text = g_strndup(raw, length);
    g_auto(GStrv) parts = g_strsplit(text, "\"", 5);
    (void)received_at;
    (void)user;
    if (g_strv_length(parts) < 5 || !g_str_equal(parts[1], "id")) {
        g_set_error(error, STORE_ERROR, STORE_ERROR_FAILED, "it is no record");
        return NULL;
    }
    g_autofree char *words = g_strdup_printf("%s, looked at anew", parts[3]);
    const char *when = g_str_equal(parts[3], "moved")     ? "2026-11-26T06:42:00Z"
                       : g_str_equal(parts[3], "changed") ? "2026-11-26T06:11:00Z"
                                                          : "2026-11-26T06:10:00Z";
    struct document *document = document_of(parts[3], when, raw, words);
    document->raw_length = length;
    g_clear_pointer(&document->facets, g_free);
    document_seal(document, tenant_id, source);
    return document;
}

static inline struct account_record *decode_account(const char *raw, size_t length, void *user, GError **error)
{
    (void)user;
    (void)error;
    return account_record_new("u0", NULL, raw, length);
}

static inline struct health_record *decode_no_health(const char *raw, size_t length, enum store_health_kind *kind,
                                                     void *user, GError **error)
{
    (void)raw;
    (void)length;
    (void)kind;
    (void)user;
    g_set_error(error, STORE_ERROR, STORE_ERROR_FAILED, "it is no record");
    return NULL;
}

static const struct store_decoders step_decoders = {.event = decode_event,
                                                    .account_record = decode_account,
                                                    .account = decode,
                                                    .health_record = decode_no_health,
                                                    .health = decode_health};

static inline bool renormalize(struct fixture *fixture, GString *told, GError **error)
{
    const struct store_renormalize_options options = {.decoders = &step_decoders, .version = "2", .now = AT};
    struct store_renormalized result;
    (void)told; /* what an interrupted round has looked at is not looked at again */
    return store_renormalize(fixture->store, &options, &result, error) && result.complete;
}

static inline bool dedupe(struct fixture *fixture, GString *told, GError **error)
{
    const struct store_dedupe_options options = {.decoders = &step_decoders, .mirror_deletes = true, .now = AT};
    struct store_deduped result;
    (void)told;
    return store_dedupe(fixture->store, &options, &result, error);
}

static inline bool prune_until(struct fixture *fixture, int64_t before, int64_t max_bytes, int64_t now, GError **error)
{
    const struct store_keep keep[] = {{"sign-ins", before}, {"users", before}, {"health", before}, {"mails", before}};
    const struct store_prune_options options = {
        .keep = keep, .n_keep = G_N_ELEMENTS(keep), .max_bytes = max_bytes, .now = now, .mirror_deletes = true};
    g_autoptr(StorePruneResult) result = store_prune(fixture->store, &options, error);
    return result != NULL;
}

static inline bool prune_by_age(struct fixture *fixture, GString *told, GError **error)
{
    (void)told;
    return prune_until(fixture, AT - 6500, 0, AT, error); /* two events and what belongs to them, accounts, scans */
}

/* A little less than the file takes; its events are of days ago by then, so that they may go. */
static inline bool prune_by_size(struct fixture *fixture, GString *told, GError **error)
{
    enum { DAYS_LATER = 3 * 86400 };
    struct stat file;
    (void)told;
    return stat(fixture->path, &file) == 0 && prune_until(fixture, INT64_MIN, file.st_size - 1, AT + DAYS_LATER, error);
}

static inline bool optimize(struct fixture *fixture, GString *told, GError **error)
{
    struct store_optimized result;
    (void)told;
    return store_optimize(fixture->store, AT, NULL, &result, error);
}

static inline bool rebuild_text(struct fixture *fixture, GString *told, GError **error)
{
    (void)told;
    return store_rebuild_text(fixture->store, NULL, error);
}

static inline bool verify_all(struct fixture *fixture, GString *told, GError **error)
{
    struct store_verify_result result;
    bool sound = store_verify_watched(fixture->store, NULL, &result, error);
    g_string_append_printf(told, "%" G_GINT64_FORMAT " %" G_GINT64_FORMAT, result.events, result.versions);
    return sound;
}

static inline bool forget(struct fixture *fixture, GString *told, GError **error)
{
    const struct store_forget_options options = {.mirror_deletes = true, .now = AT};
    struct store_forgotten result;
    (void)told;
    bool forgotten = store_forget(fixture->store, "contoso", &options, &result, error);
    if (forgotten && result.log_held)
        g_set_error(error, STORE_ERROR, STORE_ERROR_LOG, "the log still holds what was to be forgotten");
    return forgotten && !result.log_held;
}

static inline char *copy_path(const struct fixture *fixture)
{
    return g_build_filename(fixture->folder, "copy.db", NULL);
}

static inline bool back_up(struct fixture *fixture, GString *told, GError **error)
{
    g_autofree char *copy = copy_path(fixture);
    struct store_copied result;
    bool copied = store_backup(fixture->store, copy, true, NULL, &result, error);
    g_string_append_printf(told, "%" G_GINT64_FORMAT " %d", result.records, result.version);
    return copied;
}

/* The copy is whole. */
static inline bool look_into_copy(struct fixture *fixture, GString *told, GError **error)
{
    g_autofree char *path = copy_path(fixture);
    g_autoptr(Store) copy = store_open(path, STORE_READ, error);
    struct store_query query = {.words = "words"};
    int64_t n = copy ? store_search_count(copy, &query, 100, error) : -1;
    g_string_append_printf(told, "%" G_GINT64_FORMAT, n);
    return n >= 0;
}

/* Restores the copy, with the database closed meanwhile. */
static inline bool restore(struct fixture *fixture, GString *told, GError **error)
{
    g_autofree char *copy = copy_path(fixture);
    struct store_copied result;
    g_clear_pointer(&fixture->store, store_close);
    bool restored = store_restore(copy, fixture->path, true, NULL, &result, error);
    g_string_append_printf(told, "%" G_GINT64_FORMAT " %d", result.records, result.version);
    return restored;
}

/* --- the template ------------------------------------------------------------------------------------------------- */

/* A window that was left half read, and an account. */
static inline bool commit_more(struct fixture *fixture, GString *told, GError **error)
{
    struct store_page *page = page_new(fixture->customer, AT - 7200, AT - 3600), *pages[] = {page};
    struct store_page *account = accounts_page(fixture->customer, STORE_ROUND_DELTA);
    page->part = "open";
    page->next_link = "https://graph.example/v1.0/auditLogs/signIns?$skiptoken=1";
    bool ok = store_commit_pages(fixture->store, pages, 1, error);
    page_free(page);
    page_say(account, "u0", NULL, "{\"id\":\"u0\",\"displayName\":\"Bob Zero\"}");
    return commit_accounts(fixture, account, told, error) && ok;
}

/* Fills the fixture's folder with the database that scenarios begin with. */
static inline void template_make(struct fixture *fixture)
{
    static const step_fn steps[] = {open_database, know_customer, commit_first_page, commit_more, scan_first, verify};
    for (size_t i = 0; i < G_N_ELEMENTS(steps); i++) {
        g_autoptr(GString) told = g_string_new(NULL);
        g_autoptr(GError) error = NULL;
        bool done = steps[i](fixture, told, &error);
        assert_ok(done, error);
    }
    g_clear_pointer(&fixture->store, store_close);
}

#endif
