/* Every call of SQLite made to fail, and every call that SQLite makes of the file system: the store does the same few
 * things again and again, each time with another call failing. Whatever fails:
 *
 * - an error is told, in words, or everything has been done; nothing is half done;
 * - the connection goes on to serve: a note written right afterwards lasts, and nothing is damaged;
 * - doing the same again gives what a run without failures gives;
 * - what was claimed is there when the file is opened again, and nothing leaks.
 *
 * A run without failures comes first, and tells what the steps say and what they leave behind. */
#include "accounts_fixture.h"
#include "health_fixture.h"

#include "faulty_sqlite.h"
#include "faulty_vfs.h"
#include "state.h"

enum { STEPS_MOST = 12 };

/* What a step did is told in `told`, to be compared. */
typedef bool (*step_fn)(struct fixture *fixture, GString *told, GError **error);

struct scenario {
    const char *name;
    bool closed; /* begins with the database closed; else it is open, and customer known */
    bool absent; /* begins without a file */
    step_fn steps[STEPS_MOST];
};

/* What a run without failures told after each step, and left behind before each and after the last. */
struct untouched {
    char *told[STEPS_MOST], *states[STEPS_MOST + 1];
    guint n;
};

static char *template; /* path of a database that every run gets a copy of */
static struct look look;
static char *context; /* of the run under way, for whoever reads of a failure */

/* --- steps: events ------------------------------------------------------------------------------------------------ */

#define RAW(id, body) "{\"id\":\"" id "\",\"body\":\"" body "\"}"

static void tell_counts(GString *told, struct store_counts counts)
{
    g_string_append_printf(told, "%" G_GINT64_FORMAT " new, %" G_GINT64_FORMAT " changed, %" G_GINT64_FORMAT " known, ",
                           counts.inserted, counts.updated, counts.duplicates);
    g_string_append_printf(told, "%" G_GINT64_FORMAT " removed, %" G_GINT64_FORMAT " unreadable\n", counts.removed,
                           counts.unreadable);
}

static bool open_database(struct fixture *fixture, GString *told, GError **error)
{
    fixture->store = store_open(fixture->path, STORE_CREATE, error);
    g_string_append(told, "open");
    return fixture->store != NULL;
}

static bool open_to_read(struct fixture *fixture, GString *told, GError **error)
{
    store_close(fixture->store);
    fixture->store = store_open(fixture->path, STORE_READ, error);
    g_string_append(told, "open");
    return fixture->store != NULL;
}

static bool know_customer(struct fixture *fixture, GString *told, GError **error)
{
    fixture->customer = store_customer(fixture->store, "contoso", TENANT, error);
    g_string_append_printf(told, "customer %" G_GINT64_FORMAT, fixture->customer);
    return fixture->customer > 0;
}

static bool rename_customer(struct fixture *fixture, GString *told, GError **error)
{
    int64_t customer = store_customer(fixture->store, "contoso ltd", TENANT, error);
    g_string_append_printf(told, "customer %" G_GINT64_FORMAT, customer);
    return customer > 0;
}

/* What the template holds, so that the next step can change it and say it again. */
static bool commit_first_page(struct fixture *fixture, GString *told, GError **error)
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
static bool commit_two_pages(struct fixture *fixture, GString *told, GError **error)
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

static bool commit_accounts(struct fixture *fixture, struct store_page *page, GString *told, GError **error)
{
    struct store_page *pages[] = {page};
    bool ok = store_commit_pages(fixture->store, pages, 1, error);
    tell_counts(told, page->counts);
    accounts_page_free(page);
    return ok;
}

static bool begin_listing(struct fixture *fixture, GString *told, GError **error)
{
    struct store_page *page = accounts_page(fixture->customer, STORE_ROUND_LISTING);
    page_goes_on(page, true);
    page_say(page, "u1", NULL, "{\"id\":\"u1\",\"displayName\":\"Ada\",\"accountEnabled\":true}");
    page_say(page, "u2", NULL, "{\"id\":\"u2\",\"displayName\":\"Bob\",\"mail\":\"bob@example.org\"}");
    g_ptr_array_add(page->unreadable, unreadable_new("no account", NULL, "[]", 2));
    return commit_accounts(fixture, page, told, error);
}

static bool end_listing(struct fixture *fixture, GString *told, GError **error)
{
    struct store_page *page = accounts_page(fixture->customer, STORE_ROUND_LISTING);
    accounts_of(page)->first = false;
    page_say(page, "u3", NULL, "{\"id\":\"u3\",\"displayName\":\"Eve\"}");
    return commit_accounts(fixture, page, told, error);
}

/* Who is in no listing is missing: u4, whom a delta round brought. */
static bool list_again(struct fixture *fixture, GString *told, GError **error)
{
    struct store_page *page = accounts_page(fixture->customer, STORE_ROUND_LISTING);
    page->received_at = AT + 60;
    page_say(page, "u1", NULL, "{\"id\":\"u1\",\"displayName\":\"Ada\",\"accountEnabled\":true}");
    page_say(page, "u2", NULL, "{\"id\":\"u2\",\"displayName\":\"Bob\",\"department\":\"x\"}");
    return commit_accounts(fixture, page, told, error);
}

static bool commit_delta(struct fixture *fixture, GString *told, GError **error)
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

static bool commit_activity(struct fixture *fixture, GString *told, GError **error)
{
    static const char ada[] = "{\"id\":\"u1\",\"signInActivity\":{\"lastSignInDateTime\":\"2026-11-25T00:00:00Z\"}}";
    struct store_page *page = accounts_page(fixture->customer, STORE_ROUND_ACTIVITY);
    page_say(page, "u1", NULL, ada);
    return commit_accounts(fixture, page, told, error);
}

/* --- steps: service health ---------------------------------------------------------------------------------------- */

static bool commit_health(struct fixture *fixture, struct store_page *const *pages, size_t n, GString *told,
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
static bool scan_first(struct fixture *fixture, GString *told, GError **error)
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
static bool scan_whole(struct fixture *fixture, GString *told, GError **error)
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
static bool tell_edits(struct fixture *fixture, GString *told, GError **error)
{
    struct store_page *issues = health_page(fixture->customer, STORE_HEALTH_ISSUES);
    struct store_page *messages = health_page(fixture->customer, STORE_HEALTH_MESSAGES), *pages[] = {issues, messages};
    page_tell(issues, "EX1", "{\"title\":\"over\",\"isResolved\":true}");
    page_tell(issues, "EX2", "{\"title\":\"other words\",\"service\":\"Exchange Online\",\"isResolved\":false}");
    page_tell(messages, "MC1", "{\"title\":\"words\",\"services\":[\"Teams\"]}");
    return commit_health(fixture, pages, G_N_ELEMENTS(pages), told, error);
}

static bool scan_in_vain(struct fixture *fixture, GString *told, GError **error)
{
    (void)told;
    return store_scan_failed(fixture->store, fixture->customer, AT + 600, "503", error);
}

static bool tell_row(const struct store_health_row *row, void *told)
{
    store_health_append_json(told, row);
    g_string_append_c(told, '\n');
    return true;
}

static bool search_health(struct fixture *fixture, GString *told, GError **error)
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
static struct store_mail *mail_of(const struct fixture *fixture, int64_t from)
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

static void tell_mail(GString *told, const struct store_mail *mail)
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

static bool keep_mail(struct fixture *fixture, GString *told, GError **error)
{
    g_autoptr(StoreMail) mail = mail_of(fixture, AT);
    bool kept = store_mail_insert(fixture->store, mail, false, error);
    g_string_append(told, "kept");
    return kept;
}

static struct store_mail *find_mail(struct fixture *fixture, int64_t from, GError **error)
{
    return store_mail_find(fixture->store, fixture->customer, "report", from, from + 86400, error);
}

/* Begins the first mail. */
static bool begin_mail(struct fixture *fixture, GString *told, GError **error)
{
    g_autoptr(StoreMail) mail = find_mail(fixture, AT, error);
    g_string_append(told, "begun");
    return mail && store_mail_begin(fixture->store, mail, AT + 1, error);
}

static bool recover_mails(struct fixture *fixture, GString *told, GError **error)
{
    int64_t n = store_mail_recover(fixture->store, error);
    g_string_append_printf(told, "%" G_GINT64_FORMAT, n);
    return n >= 0;
}

static bool note_mail(struct fixture *fixture, GString *told, GError **error)
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

static bool look_into_the_outbox(struct fixture *fixture, GString *told, GError **error)
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

static bool read_report(struct fixture *fixture, GString *told, GError **error)
{
    const struct store_report_query query = {"contoso", NULL, AT - 60, AT + 60, AT - 86400, AT + 86400};
    g_autoptr(StoreReport) report = store_report_read(fixture->store, &query, error);
    if (report)
        g_string_append_printf(told, "%d %u %u %u %u %u", report->known, report->services->len, report->states->len,
                               report->scans->len, report->issues->len, report->messages->len);
    return report != NULL;
}

static bool ask_figures(struct fixture *fixture, GString *told, GError **error)
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

static bool save_round(struct fixture *fixture, GString *told, GError **error)
{
    struct store_round round = {.kind = STORE_ROUND_ACTIVITY, .query = "id", .link = "https://graph.example/3"};
    round.started_at = round.saved_at = AT + 90;
    (void)told;
    return store_round_save(fixture->store, fixture->customer, "users", "sign-in-activity", &round, error);
}

static bool read_round(struct fixture *fixture, GString *told, GError **error)
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

static bool read_cursor(struct fixture *fixture, GString *told, GError **error)
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

static bool read_coverage(struct fixture *fixture, GString *told, GError **error)
{
    g_autoptr(GArray) spans = store_coverage_read(fixture->store, fixture->customer, "sign-ins", "", error);
    for (guint i = 0; spans && i < spans->len; i++) {
        const struct store_coverage *span = &g_array_index(spans, struct store_coverage, i);
        g_string_append_printf(told, "%" G_GINT64_FORMAT "-%" G_GINT64_FORMAT " %d\n", span->from, span->to,
                               span->state);
    }
    return spans != NULL;
}

static bool mark_open(struct fixture *fixture, GString *told, GError **error)
{
    struct store_window window = {AT, AT + 3600};
    (void)told;
    return store_mark_open(fixture->store, fixture->customer, "sign-ins", "", window, error);
}

static bool mark_lost(struct fixture *fixture, GString *told, GError **error)
{
    struct store_window window = {AT - 10800, AT - 5400};
    (void)told;
    return store_mark_lost(fixture->store, fixture->customer, "sign-ins", "", window, AT, error);
}

static bool settle(struct fixture *fixture, GString *told, GError **error)
{
    (void)told;
    return store_coverage_settle(fixture->store, fixture->customer, "sign-ins", "", 4000, error);
}

static bool note_failure(struct fixture *fixture, GString *told, GError **error)
{
    (void)told;
    return store_collection_note(fixture->store, fixture->customer, "sign-ins", AT, STORE_OUTCOME_FAILED,
                                 "the network was away", error);
}

/* --- steps: looking ----------------------------------------------------------------------------------------------- */

static bool tell_event(const struct store_event *event, void *told)
{
    store_event_append_json(told, event);
    g_string_append_c(told, '\n');
    return true;
}

static bool search_words(struct fixture *fixture, GString *told, GError **error)
{
    struct store_query query = {.words = "word*", .customer = "contoso", .service = "signin", .limit = 10};
    return store_search(fixture->store, &query, tell_event, told, error);
}

static bool search_all(struct fixture *fixture, GString *told, GError **error)
{
    struct store_query query = {.has_start = true, .start = AT - 7200, .limit = 2, .time_limit_ms = 60000};
    return store_search(fixture->store, &query, tell_event, told, error);
}

static bool count_events(struct fixture *fixture, GString *told, GError **error)
{
    struct store_query query = {.words = "words OR here", .fts_syntax = true};
    int64_t n = store_search_count(fixture->store, &query, 100, error);
    g_string_append_printf(told, "%" G_GINT64_FORMAT, n);
    return n >= 0;
}

static bool tell_user(const struct store_user *user, void *told)
{
    store_user_append_json(told, user);
    g_string_append_c(told, '\n');
    return true;
}

static bool search_users(struct fixture *fixture, GString *told, GError **error)
{
    struct store_user_query words = {.words = "bob", .customer = "contoso", .limit = 5}, all = {.limit = 5};
    return store_search_users(fixture->store, &words, tell_user, told, error) &&
           store_search_users(fixture->store, &all, tell_user, told, error);
}

static bool look_how_it_stands(struct fixture *fixture, GString *told, GError **error)
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

static bool count_present(struct fixture *fixture, GString *told, GError **error)
{
    int64_t n = store_accounts_present(fixture->store, fixture->customer, error);
    g_string_append_printf(told, "%" G_GINT64_FORMAT, n);
    return n >= 0;
}

static bool verify(struct fixture *fixture, GString *told, GError **error)
{
    (void)told;
    return store_verify(fixture->store, error);
}

static bool quick_check(struct fixture *fixture, GString *told, GError **error)
{
    (void)told;
    return store_quick_check(fixture->store, error);
}

static const struct scenario scenarios[] = {
    {.name = "making a database", .closed = true, .absent = true, .steps = {open_database, know_customer}},
    {.name = "opening a database", .closed = true, .steps = {open_database, open_to_read, search_words}},
    {.name = "pages of events", .steps = {commit_two_pages}},
    {.name = "pages of accounts",
     .steps = {begin_listing, end_listing, commit_delta, commit_activity, list_again, count_present}},
    {.name = "pages of health", .steps = {scan_whole, tell_edits, scan_in_vain, search_health}},
    {.name = "where reading stands",
     .steps = {rename_customer, save_round, read_round, read_cursor, mark_open, mark_lost, settle, read_coverage,
               note_failure}},
    {.name = "mails", .steps = {keep_mail, begin_mail, recover_mails, note_mail, look_into_the_outbox}},
    {.name = "reports", .steps = {read_report, ask_figures}},
    {.name = "looking", .steps = {search_words, search_all, count_events, search_users, look_how_it_stands}},
    {.name = "verifying", .steps = {verify, quick_check}},
};

/* --- runs --------------------------------------------------------------------------------------------------------- */

static struct fixture *begin(const struct scenario *scenario)
{
    void *state = NULL;
    g_autofree char *bytes = NULL;
    gsize length;
    g_autoptr(GError) error = NULL;
    assert_int_equal(setup_folder(&state), 0);
    struct fixture *fixture = state;
    if (!scenario->absent)
        assert_true(
            g_file_get_contents(template, &bytes, &length, NULL) &&
            g_file_set_contents_full(fixture->path, bytes, (gssize)length, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
    fixture->customer = 1;
    if (!scenario->closed) {
        fixture->store = store_open(fixture->path, STORE_WRITE, &error);
        assert_ok(fixture->store, error);
    }
    return fixture;
}

static void assert_state(const struct fixture *fixture, const char *expected)
{
    g_autofree char *state = look_at(&look, fixture);
    assert_string_equal(state, expected);
}

/* Closes the database. What is in the file then must be `state`. */
static void end(struct fixture *fixture, const char *state)
{
    look_close(&look);
    assert_true(!fixture->store || sqlite3_memory_used() > 0); /* it is counted */
    g_clear_pointer(&fixture->store, store_close);
    vfs_disarm();
    assert_state(fixture, state);
    void *whole = fixture;
    teardown(&whole);
    assert_int_equal(sqlite3_memory_used(), 0);
    g_clear_pointer(&context, g_free);
}

static void run_untouched(const struct scenario *scenario, struct untouched *untouched)
{
    struct fixture *fixture = begin(scenario);
    guint n = 0;
    for (; n < STEPS_MOST && scenario->steps[n]; n++) {
        g_autoptr(GString) told = g_string_new(NULL);
        g_autoptr(GError) error = NULL;
        untouched->states[n] = look_at(&look, fixture);
        bool done = scenario->steps[n](fixture, told, &error);
        assert_ok(done, error);
        untouched->told[n] = g_strdup(told->str);
    }
    untouched->n = n;
    untouched->states[n] = look_at(&look, fixture);
    end(fixture, untouched->states[n]);
}

static void untouched_clear(struct untouched *untouched)
{
    for (guint i = 0; i < untouched->n; i++)
        g_free(untouched->told[i]);
    for (guint i = 0; i <= untouched->n; i++)
        g_free(untouched->states[i]);
}

/* True when the step says it was done; then it told what it should. */
static bool run_step(const struct scenario *scenario, const struct untouched *untouched, struct fixture *fixture,
                     guint step, GError **error)
{
    g_autoptr(GString) told = g_string_new(NULL);
    if (!scenario->steps[step](fixture, told, error))
        return false;
    assert_string_equal(told->str, untouched->told[step]);
    return true;
}

/* Runs the steps from *step on; false with *error and *step at the one that failed. */
static bool run_steps(const struct scenario *scenario, const struct untouched *untouched, struct fixture *fixture,
                      guint *step, GError **error)
{
    while (*step < untouched->n && run_step(scenario, untouched, fixture, *step, error))
        ++*step;
    return *step == untouched->n;
}

/* --- after a failure ---------------------------------------------------------------------------------------------- */

static int64_t latest_note(void)
{
    static const char sql[] = "SELECT max(last_run_at) FROM collection WHERE source = 'notes'";
    sqlite3_stmt *read;
    look_check(&look, sqlite3_prepare_v3(look.db, sql, -1, 0, &read, NULL));
    look_check(&look, sqlite3_step(read));
    int64_t at = sqlite3_column_int64(read, 0);
    sqlite3_finalize(read);
    return at;
}

/* The store must serve: its next note lasts. */
static void assert_serves(struct fixture *fixture)
{
    static int64_t at = AT;
    g_autoptr(GError) error = NULL;
    at++;
    bool noted = store_collection_note(fixture->store, fixture->customer, "notes", at, STORE_OUTCOME_OK, NULL, &error);
    assert_ok(noted, error);
    assert_int_equal(latest_note(), at);
}

static void assert_sound(struct fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    bool sound = store_verify(fixture->store, &error);
    assert_ok(sound, error);
}

/* What is there after a step has failed is what was there before it; or, where the failure may have come after the fact
 * (`late`), what there should be after it: then true. */
static bool is_whole(const struct fixture *fixture, const struct untouched *untouched, guint step, bool late)
{
    g_autofree char *state = look_at(&look, fixture);
    bool done = late && !g_str_equal(state, untouched->states[step]);
    assert_string_equal(state, untouched->states[step + done]);
    return done;
}

static void assert_words(const GError *error)
{
    assert_non_null(error);
    assert_true(error->domain == STORE_ERROR && strlen(error->message) > 20);
    assert_true(g_utf8_validate(error->message, -1, NULL));
}

/* What is wrong with the disk, the file or the neighbours is told as such. */
static void assert_code(const GError *error)
{
    static const struct {
        int code;
        enum store_error_code told;
    } codes[] = {{SQLITE_FULL, STORE_ERROR_FULL},
                 {SQLITE_IOERR_WRITE, STORE_ERROR_FULL},
                 {SQLITE_BUSY, STORE_ERROR_BUSY},
                 {SQLITE_CORRUPT, STORE_ERROR_CORRUPT}};
    /* Values have no code; and what can go wrong with the first look at a file is another matter. */
    if (g_str_has_prefix(calls.failed, "sqlite3_column") || g_str_has_prefix(error->message, "cannot read"))
        return;
    for (size_t i = 0; i < G_N_ELEMENTS(codes); i++)
        if (codes[i].code == calls.code && error->code != (int)codes[i].told)
            fail_msg("not told as %d: %s", codes[i].told, error->message);
}

/* Fails when something is claimed though a call failed; true when everything was done. */
static bool is_honest(bool done, const GError *error)
{
    calls_disarm();
    if (done && calls.failed)
        fail_msg("everything is claimed to be done, though %s failed", calls.failed);
    if (done)
        return true;
    assert_words(error);
    assert_code(error);
    return false;
}

/* --- SQLite's functions ------------------------------------------------------------------------------------------- */

static int code_of(unsigned n)
{
    static const int codes[] = {SQLITE_IOERR_WRITE, SQLITE_FULL, SQLITE_BUSY, SQLITE_CORRUPT, SQLITE_TOOBIG};
    return codes[n % G_N_ELEMENTS(codes)];
}

static void set_context(const struct scenario *scenario, guint step, unsigned fail_at, const char *manner)
{
    g_free(context);
    context = g_strdup_printf("%s, step %u, call %u: %s", scenario->name, step, fail_at, manner);
}

/* Runs one step again and again on the same connection, each time with a later call failing, until it is done. Of the
 * calls that prepare a statement each happens but once: the first one left to fail is always the first or second. */
static unsigned wear_down(const struct scenario *scenario, const struct untouched *untouched, struct fixture *fixture,
                          guint step, enum call_manner manner)
{
    for (unsigned n = 1;; n++) {
        g_autoptr(GError) error = NULL;
        set_context(scenario, step, n, call_manner_names[manner]);
        calls_arm(manner == CALL_UNPREPARED ? MIN(n, 2) : n, code_of(n + manner), manner, false);
        bool done = run_step(scenario, untouched, fixture, step, &error);
        if (is_honest(done, error) || is_whole(fixture, untouched, step, manner == CALL_FAILS_LATE)) {
            assert_state(fixture, untouched->states[step + 1]);
            return n - 1;
        }
        assert_serves(fixture);
    }
}

static void wear_down_all(const struct scenario *scenario, const struct untouched *untouched)
{
    for (enum call_manner manner = CALL_FAILS; manner <= CALL_UNPREPARED; manner++) {
        struct fixture *fixture = begin(scenario);
        unsigned n = 0;
        for (guint step = 0; step < untouched->n; step++)
            n += wear_down(scenario, untouched, fixture, step, manner);
        print_message("%s: %u calls (%s)\n", scenario->name, n, call_manner_names[manner]);
        assert_sound(fixture);
        end(fixture, untouched->states[untouched->n]);
    }
}

/* Opens, or makes, a database with one call failing; false when there were less. A database that was made stays made.
 */
static bool open_with_failing_call(const struct scenario *scenario, const struct untouched *untouched, unsigned n,
                                   enum call_manner manner)
{
    struct fixture *fixture = begin(scenario);
    g_autoptr(GError) error = NULL;
    guint step = 0;
    set_context(scenario, step, n, call_manner_names[manner]);
    calls_arm(n, code_of(n + manner), manner, true);
    bool done = run_steps(scenario, untouched, fixture, &step, &error);
    if (!is_honest(done, error)) {
        is_whole(fixture, untouched, step, true);
        g_clear_error(&error);
        done = run_steps(scenario, untouched, fixture, &step, &error);
        assert_ok(done, error);
    }
    end(fixture, untouched->states[untouched->n]);
    return calls.failed != NULL;
}

static void open_with_each_call_failing(const struct scenario *scenario, const struct untouched *untouched)
{
    unsigned n = 1;
    for (bool more = true; more; n += more)
        more = open_with_failing_call(scenario, untouched, n, CALL_FAILS) &&
               open_with_failing_call(scenario, untouched, n, n % 2 ? CALL_FAILS_LATE : CALL_DIES);
    print_message("%s: %u calls\n", scenario->name, n - 1);
}

/* --- the file system ---------------------------------------------------------------------------------------------- */

/* SQLite may cope (a checkpoint can wait); then everything is done, also in the file. False when there were less calls.
 */
static bool run_with_failing_file(const struct scenario *scenario, const struct untouched *untouched, unsigned n,
                                  enum vfs_manner manner, bool for_good)
{
    struct fixture *fixture = begin(scenario);
    g_autoptr(GError) error = NULL;
    guint step = 0;
    set_context(scenario, step, n, for_good ? "the file system has gone" : "the file system fails once");
    vfs_arm(n, manner, for_good);
    bool done = run_steps(scenario, untouched, fixture, &step, &error);
    vfs_disarm();
    if (!done) {
        assert_words(error);
        if (is_whole(fixture, untouched, step, true) && !scenario->closed)
            step++;
        if (!scenario->closed)
            assert_serves(fixture);
        g_clear_error(&error);
        done = run_steps(scenario, untouched, fixture, &step, &error);
        assert_ok(done, error);
        if (!scenario->closed)
            assert_sound(fixture);
    }
    assert_state(fixture, untouched->states[untouched->n]);
    vfs.armed = !vfs.failed; /* closing may fail, too, and nobody hears of it */
    end(fixture, untouched->states[untouched->n]);
    return vfs.failed != NULL;
}

/* A file system that has gone stays gone in the same way: some of its first calls will do. */
static void run_with_each_file_call_failing(const struct scenario *scenario, const struct untouched *untouched)
{
    unsigned n = 1;
    for (bool more = true; more; n += more) {
        enum vfs_manner manner = n % 2 ? VFS_FAILS : VFS_REFUSES;
        more = run_with_failing_file(scenario, untouched, n, manner, false);
        if (more && n % 5 == 0)
            run_with_failing_file(scenario, untouched, n, manner, true);
    }
    print_message("%s: %u calls of the file system\n", scenario->name, n - 1);
}

/* --- tests -------------------------------------------------------------------------------------------------------- */

static void each_call_of_sqlite_may_fail_without_half_a_page(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(scenarios); i++) {
        struct untouched untouched = {0};
        run_untouched(&scenarios[i], &untouched);
        if (scenarios[i].closed)
            open_with_each_call_failing(&scenarios[i], &untouched);
        else
            wear_down_all(&scenarios[i], &untouched);
        untouched_clear(&untouched);
    }
}

static void each_call_of_the_file_system_may_fail_without_half_a_page(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(scenarios); i++) {
        struct untouched untouched = {0};
        run_untouched(&scenarios[i], &untouched);
        run_with_each_file_call_failing(&scenarios[i], &untouched);
        untouched_clear(&untouched);
    }
}

static int tell_context(void **state)
{
    (void)state;
    if (context)
        print_error("That was: %s\n", context);
    g_clear_pointer(&context, g_free);
    return 0;
}

/* --- the template ------------------------------------------------------------------------------------------------- */

/* A window that was left half read, and an account. */
static bool commit_more(struct fixture *fixture, GString *told, GError **error)
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

static struct fixture *template_fixture;

static int make_template(void **state)
{
    static const step_fn steps[] = {open_database, know_customer, commit_first_page, commit_more, scan_first, verify};
    g_autoptr(GString) told = g_string_new(NULL);
    /* Before the store can: it tells SQLite not to count its memory, which is refused once SQLite has begun. */
    sqlite3_initialize();
    vfs_install();
    if (setup_folder(state) != 0)
        return -1;
    template_fixture = *state;
    for (size_t i = 0; i < G_N_ELEMENTS(steps); i++)
        if (!steps[i](template_fixture, told, NULL))
            return -1;
    g_clear_pointer(&template_fixture->store, store_close);
    template = template_fixture->path;
    return 0;
}

static int drop_template(void **state)
{
    *state = template_fixture;
    teardown(state);
    vfs_remove();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(each_call_of_sqlite_may_fail_without_half_a_page, tell_context),
        cmocka_unit_test_teardown(each_call_of_the_file_system_may_fail_without_half_a_page, tell_context),
    };
    return cmocka_run_group_tests_name("store torture", tests, make_template, drop_template);
}
