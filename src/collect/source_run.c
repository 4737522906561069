#include "collect/source_run.h"

#include "base/base.h"
#include "collect/report.h"

enum {
    PAGE_BYTES_MAX = 256 * 1024 * 1024, /* inflated; the largest pages known have tens of megabytes */
    FIRST_WINDOW = 24 * 3600,
    WINDOW_MIN = 3600,
    OPEN_WINDOW_MIN = 300,         /* what an earlier run left open is narrowed down further */
    CURSOR_KEEPS = 3600,           /* a stored link may be dead after a while: then the window starts again */
    FAILED_IN_A_ROW_MAX = 6,       /* windows of new time; then the source is left for the next run ... */
    FAILED_OPEN_IN_A_ROW_MAX = 24, /* ... and of time that stays open: a day is not spent on it */
    DENSITY_FROM = 7 * 24 * 3600,  /* how many records to expect is told by this long before */
    EXPECTED_LEAST = 20,           /* where so many were to be expected and none came, the service has none any more */
    TAIL = 300,                    /* a rest of a stretch below this goes with the window before it */
};

/* Sources are read whole so far; a class of records with queries of its own would be a part. */
static const char whole[] = "";

struct source_run *source_run_new(const struct source_run_context *context, const struct source *source,
                                  struct client_app *app, const struct config_customer *customer, int64_t customer_id,
                                  struct collect_source *result)
{
    struct source_run *run = g_new0(struct source_run, 1);

    run->context = context;
    run->source = source;
    run->app = app;
    run->customer_name = customer->name;
    run->tenant_id = customer->tenant_id;
    run->base_url = source->api == CLIENT_API_GRAPH ? customer->graph_url : customer->manage_url;
    run->customer_id = customer_id;
    run->result = result;
    run->window_s = FIRST_WINDOW;
    run->tree = json_tree_new();
    return run;
}

void source_run_free(struct source_run *run)
{
    if (!run)
        return;
    if (run->stretches)
        g_array_unref(run->stretches);
    g_free(run->link);
    g_free(run->unreadable_reason);
    client_chain_free(run->chain);
    json_page_free(run->body);
    json_tree_free(run->tree);
    g_free(run);
}

static void warn(struct source_run *run, char *text)
{
    log_write(LOG_LEVEL_WARN, text, "customer", run->customer_name, "source", run->source->name, NULL);
    g_ptr_array_add(run->result->warnings, text);
}

/* What a person can do about a failure that brings no advice of its own. */
static const char *next_step(const struct client_failure *failure)
{
    if (failure->verdict == CLIENT_REFUSED)
        return "The service refuses the request itself and would do so again: update m365keep, and if that does not "
               "help, report this line to its makers.";
    if (failure->request_id)
        return "Nothing is lost: what is missing stays open, and the next run reads it. If it lasts, quote the "
               "request_id to Microsoft's support.";
    return "Nothing is lost: what is missing stays open, and the next run reads it.";
}

/* The first failure is the one that is told. */
static void note_failure(struct source_run *run, const struct client_failure *failure)
{
    struct client_failure *noted;

    if (run->result->failure)
        return;
    run->result->failure = noted = client_failure_copy(failure);
    if (!noted->hint)
        noted->hint = g_strdup(next_step(noted));
}

void source_run_fail(struct source_run *run, const struct client_failure *failure)
{
    if (run->state == SOURCE_RUN_DONE)
        return;
    note_failure(run, failure);
    run->state = SOURCE_RUN_WRITING;
}

static void fail_with(struct source_run *run, const char *code, const GError *error, const char *hint)
{
    struct client_failure failure = {
        .verdict = CLIENT_LATER, .code = (char *)code, .message = error->message, .hint = (char *)hint};

    source_run_fail(run, &failure);
}

const char source_run_database_hint[] = "Nothing is lost: mend what the message names and run collect again.";

/* The service's time rules what is read and when it counts as read: a wrong clock here must neither settle what may
 * still come late nor take for lost what is there. */
static int64_t service_now(const struct source_run *run)
{
    return client_app_service_now(run->app);
}

/* --- planning
 * ----------------------------------------------------------------------------------------------------------- */

static void clip_since(struct source_run *run, int64_t now)
{
    const struct collect_options *options = run->context->options;

    if (options->has_since && options->since < now - run->source->reach_s)
        warn(run,
             g_strdup_printf("The service keeps %s for %" G_GINT64_FORMAT " days at most: older time cannot be read.",
                             run->source->name, run->source->reach_s / (24 * 3600)));
}

/* Takes [from, to) out of the stretches: an interrupted run's window is read from where it stood instead. */
static void cut_out(GArray *stretches, struct store_window window)
{
    for (guint i = 0; i < stretches->len; i++) {
        struct plan_stretch *stretch = &g_array_index(stretches, struct plan_stretch, i);
        struct plan_stretch after = {.time = {MAX(stretch->time.from, window.to), stretch->time.to},
                                     .kind = stretch->kind};

        if (stretch->kind == PLAN_LOST || stretch->time.to <= window.from || stretch->time.from >= window.to)
            continue;
        stretch->time.to = MIN(stretch->time.to, window.from);
        if (after.time.from < after.time.to)
            g_array_insert_val(stretches, ++i, after);
    }
}

/* A stored link leads nowhere when the configuration names another host since; the window then starts again. */
static bool may_go_on_at(const struct source_run *run, const char *link)
{
    struct client_chain *chain = client_chain_new(run->base_url);
    struct client_failure *failure = client_chain_follow(chain, link);
    bool may = failure == NULL;

    client_failure_free(failure);
    client_chain_free(chain);
    return may;
}

/* True when `link` is our own URL of the window's first page, and no link of the service's into its middle. */
static bool is_start(const struct source_run *run, struct store_window window, const char *link)
{
    g_autofree char *start = source_window_url(run->source, run->base_url, window.from, window.to);

    return g_str_equal(link, start);
}

/* Puts the window of an interrupted run first, to go on at its page. A cursor at a window's start tells of a window
 * that had to be left: that one waits its turn. */
static void take_up_cursor(struct source_run *run, int64_t now)
{
    struct store_cursor cursor = {0};
    g_autoptr(GError) error = NULL;

    if (!store_cursor_read(run->context->store, run->customer_id, run->source->name, whole, &cursor, &error)) {
        if (error)
            fail_with(run, "database", error, source_run_database_hint);
        return;
    }
    if (cursor.next_link && cursor.saved_at <= now && now - cursor.saved_at <= CURSOR_KEEPS &&
        cursor.window.from >= now - run->source->reach_s && cursor.window.to <= now &&
        !is_start(run, cursor.window, cursor.next_link) && may_go_on_at(run, cursor.next_link)) {
        struct plan_stretch stretch = {.time = cursor.window, .kind = PLAN_NEW};

        cut_out(run->stretches, cursor.window);
        g_array_prepend_val(run->stretches, stretch);
        run->window_s = MAX(cursor.window.to - cursor.window.from, WINDOW_MIN);
        run->link = g_steal_pointer(&cursor.next_link);
        run->window_records = cursor.records;
    }
    store_cursor_clear(&cursor);
}

/* What earlier runs lead to expect of new time. */
static void expect(struct source_run *run, const struct plan_input *input)
{
    for (size_t i = 0; i < input->n_rows; i++)
        if (input->rows[i].state != STORE_COVERAGE_OPEN)
            run->covered_to = MAX(run->covered_to, input->rows[i].to);
    run->density = plan_density(input, run->covered_to - DENSITY_FROM, run->covered_to);
}

static bool plan(struct source_run *run)
{
    const struct collect_options *options = run->context->options;
    int64_t now = service_now(run);
    g_autoptr(GError) error = NULL;
    g_autoptr(GArray) rows =
        store_coverage_read(run->context->store, run->customer_id, run->source->name, whole, &error);
    struct plan_input input = {.now = now,
                               .reach_s = run->source->reach_s,
                               .overlap_s = run->source->overlap_s,
                               .page_size = run->source->page_size,
                               .has_since = options->has_since,
                               .since = options->since};

    if (!rows) {
        fail_with(run, "database", error, source_run_database_hint);
        return false;
    }
    input.rows = (const struct store_coverage *)(void *)rows->data;
    input.n_rows = rows->len;
    clip_since(run, now);
    expect(run, &input);
    run->stretches = plan_stretches(&input);
    if (!options->has_since)
        take_up_cursor(run, now);
    return run->state != SOURCE_RUN_WRITING;
}

/* --- windows
 * ------------------------------------------------------------------------------------------------------------ */

static void request_page(struct source_run *run);
static void salvage(struct source_run *run, const char *request_id);

static void say_lost(struct source_run *run, struct store_window window, int64_t kept_s)
{
    g_autofree char *from = timestamp_format_seconds(window.from), *to = timestamp_format_seconds(window.to);

    warn(run,
         g_strdup_printf("A hole: nothing was collected from %s to %s, and the service keeps %s for %" G_GINT64_FORMAT
                         " days only; those records cannot be had any more.",
                         from, to, run->source->name, kept_s / (24 * 3600)));
}

static bool note_lost(struct source_run *run, struct store_window window)
{
    g_autoptr(GError) error = NULL;

    if (store_mark_lost(run->context->store, run->customer_id, run->source->name, whole, window, service_now(run),
                        &error))
        return true;
    fail_with(run, "database", error, source_run_database_hint);
    return false;
}

static void mark_lost(struct source_run *run, struct store_window window)
{
    if (note_lost(run, window))
        say_lost(run, window, run->source->reach_s);
}

/* The service does not say how long it keeps records: a tenant without a premium licence has days instead of weeks. So
 * new time out of the shorter reach that comes back empty, where many records were to be expected, is taken for lost,
 * and not for read; and so is what follows on it, an hour at a time, until records come. */
static bool looks_lost(const struct source_run *run)
{
    int64_t from = MAX(run->window.from, run->covered_to), to = run->window.to;

    if (run->covered_to == 0 || from >= to || run->window_pages > 1 || run->window_records > 0 ||
        to > service_now(run) - run->source->reach_unlicensed_s)
        return false;
    return run->lost.to == run->window.from || run->density * (double)(to - from) >= EXPECTED_LEAST;
}

static void say_looks_lost(struct source_run *run)
{
    if (run->lost.from < run->lost.to)
        say_lost(run, run->lost, run->source->reach_unlicensed_s);
    run->lost = (struct store_window){0};
}

static void begin_window(struct source_run *run, struct store_window window)
{
    run->window = window;
    run->window_pages = 0;
    client_chain_free(run->chain);
    run->chain = client_chain_new(run->base_url);
    if (!run->link) { /* else taken up where an interrupted run stood */
        run->window_records = 0;
        run->link = source_window_url(run->source, run->base_url, window.from, window.to);
    }
    request_page(run);
}

/* Begins the next window of the plan, or lets the run end. */
static void next_window(struct source_run *run)
{
    while (run->next < run->stretches->len && run->state != SOURCE_RUN_WRITING) {
        struct plan_stretch *stretch = &g_array_index(run->stretches, struct plan_stretch, run->next);
        struct store_window window = stretch->time;

        if (window.from >= window.to) {
            run->next++;
        } else if (stretch->kind == PLAN_LOST) {
            mark_lost(run, window);
            run->next++;
        } else {
            if (window.to - window.from > run->window_s + MIN(TAIL, run->window_s / 12))
                window.to = window.from + run->window_s;
            begin_window(run, window);
            return;
        }
    }
    run->state = SOURCE_RUN_WRITING;
}

/* The window is over, read or given up: the stretch goes on after it. */
static void step_past_window(struct source_run *run)
{
    struct plan_stretch *stretch = &g_array_index(run->stretches, struct plan_stretch, run->next);

    stretch->time.from = run->window.to;
    run->restarted = false;
    g_clear_pointer(&run->link, g_free);
    next_window(run);
}

static void window_lost(struct source_run *run)
{
    struct store_window window = {MAX(run->window.from, run->covered_to), run->window.to};

    if (!note_lost(run, window))
        return;
    if (run->lost.to != window.from)
        run->lost.from = window.from;
    run->lost.to = window.to;
    run->window_s = WINDOW_MIN;
    step_past_window(run);
}

static void window_read(struct source_run *run)
{
    say_looks_lost(run);
    run->failed_in_a_row = 0;
    /* By records, since an interrupted run may have read the window's first pages. */
    run->window_s = plan_window_length(run->window.to - run->window.from,
                                       MAX(run->window_pages, run->window_records / run->source->page_size));
    step_past_window(run);
}

/* --- failures
 * ----------------------------------------------------------------------------------------------------------- */

static void say_left_open(struct source_run *run)
{
    struct store_window window = run->left_open;
    g_autofree char *from = timestamp_format_seconds(window.from), *to = timestamp_format_seconds(window.to);

    run->left_open = (struct store_window){0};
    if (window.from < window.to)
        warn(run, g_strdup_printf("The time from %s to %s could not be read: it stays open, and the next run tries "
                                  "again.",
                                  from, to));
}

/* Neighbours are told as one. */
static void leave_open(struct source_run *run, struct store_window window)
{
    g_autoptr(GError) error = NULL;

    if (!store_mark_open(run->context->store, run->customer_id, run->source->name, whole, window, &error))
        fail_with(run, "database", error, source_run_database_hint);
    if (run->left_open.to != window.from) {
        say_left_open(run);
        run->left_open = window;
    }
    run->left_open.to = window.to;
}

/* The window cannot be made smaller: it stays open for the next run, and this one goes on after it. */
static void give_window_up(struct source_run *run, const struct client_failure *failure, bool was_open)
{
    if (failure->verdict == CLIENT_BAD_BODY)
        salvage(run, failure->request_id);
    leave_open(run, run->window);
    note_failure(run, failure);
    if (++run->failed_in_a_row >= (was_open ? FAILED_OPEN_IN_A_ROW_MAX : FAILED_IN_A_ROW_MAX))
        run->state = SOURCE_RUN_WRITING;
    else
        step_past_window(run);
}

/* The same time again, in a smaller window, down to an hour; what earlier runs left open, down to minutes. */
static void shrink_window(struct source_run *run, const struct client_failure *failure)
{
    bool was_open = g_array_index(run->stretches, struct plan_stretch, run->next).kind == PLAN_OPEN;
    int64_t length = run->window.to - run->window.from, least = was_open ? OPEN_WINDOW_MIN : WINDOW_MIN;

    g_clear_pointer(&run->link, g_free);
    run->restarted = false;
    if (length <= least + least / 12) {
        give_window_up(run, failure, was_open);
        return;
    }
    run->window_s = MAX(length / 2, least);
    next_window(run);
}

static void restart_window(struct source_run *run)
{
    g_clear_pointer(&run->link, g_free);
    run->restarted = true;
    begin_window(run, run->window);
}

/* A link that is refused may be at fault itself, and a window that is refused where others were read, too. When nothing
 * was read at all, the service refuses what we ask for, and asking again is no use. */
static void handle_refusal(struct source_run *run, const struct client_failure *failure)
{
    if (!run->restarted && !is_start(run, run->window, run->link))
        restart_window(run);
    else if (run->result->fetched > 0)
        shrink_window(run, failure);
    else
        source_run_fail(run, failure);
}

static void handle_failure(struct source_run *run, const struct client_failure *failure)
{
    switch (failure->verdict) {
    case CLIENT_LINK:
        if (run->restarted)
            shrink_window(run, failure);
        else
            restart_window(run);
        break;
    case CLIENT_SLOW:
    case CLIENT_BAD_BODY:
        shrink_window(run, failure);
        break;
    case CLIENT_REFUSED:
        handle_refusal(run, failure);
        break;
    default:
        source_run_fail(run, failure);
        break;
    }
}

/* --- pages
 * -------------------------------------------------------------------------------------------------------------- */

static void decode_records(struct source_run *run, struct writer_page *out, const char *request_id)
{
    for (size_t i = 0; i < json_page_count(out->body); i++) {
        struct json_slice slice = json_page_record(out->body, i);
        g_autoptr(GError) error = NULL;
        struct document *document = source_decode(run->source, run->tree, slice, out->page.received_at, &error);

        if (document) {
            document_seal(document, run->tenant_id, run->source->name);
            g_ptr_array_add(out->page.documents, document);
        } else {
            if (!run->unreadable_reason)
                run->unreadable_reason = g_strdup(error->message);
            g_ptr_array_add(out->page.unreadable,
                            unreadable_new(error->message, request_id, slice.bytes, slice.length));
        }
    }
}

/* The page in `body` with its records decoded, the body moved into it. */
static struct writer_page *make_page(struct source_run *run, const char *next_link, const char *request_id)
{
    struct writer_page *out = writer_page_new();

    out->user = run;
    out->body = g_steal_pointer(&run->body);
    run->window_records += (int64_t)json_page_count(out->body);
    out->page.customer_id = run->customer_id;
    out->page.source = run->source->name;
    out->page.part = whole;
    out->page.window = run->window;
    out->page.next_link = g_strdup(next_link);
    out->page.window_records = run->window_records;
    out->page.received_at = service_now(run);
    decode_records(run, out, request_id);
    return out;
}

/* Decodes the page and hands it over; the cursor will stand at `next_link`, NULL at the window's end. */
static void store_page(struct source_run *run, const char *next_link, const char *request_id)
{
    struct writer_page *page = make_page(run, next_link, request_id);

    run->pages_pending++;
    writer_push(run->context->writer, page);
}

/* A body that broke off: the records before the break are whole, and kept; the window's cursor stays at its start. Of a
 * body that is no page at all nothing is. */
static void salvage(struct source_run *run, const char *request_id)
{
    g_autofree char *start = source_window_url(run->source, run->base_url, run->window.from, run->window.to);
    g_autoptr(GError) error = NULL;

    if (!run->body || json_page_count(run->body) == 0 || json_page_finish(run->body, &error))
        return;
    if (!g_error_matches(error, JSON_ERROR, JSON_ERROR_SYNTAX) &&
        !g_error_matches(error, JSON_ERROR, JSON_ERROR_TRUNCATED))
        return;
    run->result->fetched += (int64_t)json_page_count(run->body);
    store_page(run, start, request_id);
}

/* The page is whole and true, so its records are kept; but the window cannot go on from it, and its cursor stays at the
 * start. */
static void page_without_way_on(struct source_run *run, const struct client_failure *failure, const char *request_id)
{
    g_autofree char *start = source_window_url(run->source, run->base_url, run->window.from, run->window.to);

    store_page(run, start, request_id);
    handle_failure(run, failure);
}

static void page_read(struct source_run *run, const char *request_id)
{
    const char *next_link = json_page_member(run->body, "@odata.nextLink");
    struct client_failure *failure = next_link ? client_chain_follow(run->chain, next_link) : NULL;

    run->window_pages++;
    run->result->fetched += (int64_t)json_page_count(run->body);
    if (failure) {
        failure->request_id = g_strdup(request_id); /* of the page that held the link */
        page_without_way_on(run, failure, request_id);
        client_failure_free(failure);
        return;
    }
    g_free(run->link);
    run->link = g_strdup(next_link);
    if (!run->link && json_page_count(run->body) == 0 && looks_lost(run)) {
        window_lost(run);
        return;
    }
    store_page(run, run->link, request_id);
    if (run->link)
        request_page(run);
    else
        window_read(run);
}

static void page_done(const struct client_result *done, void *user)
{
    struct source_run *run = user;
    struct collect_source *result = run->result;

    result->requests += done->attempts;
    result->retried += done->attempts ? done->attempts - 1 : 0;
    result->throttled += done->throttled;
    result->bytes += done->body_bytes;
    if (run->state != SOURCE_RUN_READING)
        return; /* ended meanwhile: a failure of the store, a signal */
    if (done->failure)
        handle_failure(run, done->failure);
    else
        page_read(run, done->request_id);
}

static void request_page(struct source_run *run)
{
    struct client_request request = {.app = run->app,
                                     .api = run->source->api,
                                     .family = run->source->family,
                                     .url = run->link,
                                     .permission = run->source->permission,
                                     .done = page_done,
                                     .user = run};

    if (!writer_has_room(run->context->writer)) {
        run->state = SOURCE_RUN_HELD;
        return;
    }
    json_page_free(run->body);
    run->body = json_page_new(run->source->api == CLIENT_API_MANAGEMENT, PAGE_BYTES_MAX);
    request.page = run->body;
    run->state = SOURCE_RUN_READING;
    client_start(run->context->client, &request);
}

/* --- the run's life
 * ------------------------------------------------------------------------------------------------------- */

void source_run_begin(struct source_run *run)
{
    if (plan(run))
        next_window(run);
}

void source_run_resume(struct source_run *run)
{
    if (run->state == SOURCE_RUN_HELD && writer_has_room(run->context->writer))
        request_page(run);
}

void source_run_committed(struct source_run *run, const struct store_page *page)
{
    struct collect_source *result = run->result;

    run->pages_pending--;
    result->inserted += page->counts.inserted;
    result->updated += page->counts.updated;
    result->duplicates += page->counts.duplicates;
    result->unreadable += page->counts.unreadable;
    if (page->next_link)
        return;
    run->done_windows++;
    result->from = result->from ? MIN(result->from, page->window.from) : page->window.from;
    result->to = MAX(result->to, page->window.to);
}

static void judge(struct source_run *run)
{
    struct collect_source *result = run->result;

    if (!result->failure)
        result->status = COLLECT_OK;
    else if (result->failure->verdict == CLIENT_UNAVAILABLE)
        result->status = COLLECT_SKIPPED;
    else if (run->done_windows || result->inserted || result->updated)
        result->status = COLLECT_PARTIAL;
    else
        result->status = COLLECT_FAILED;
}

static void log_outcome(struct source_run *run)
{
    const struct collect_source *result = run->result;
    const struct client_failure *failure = result->failure;
    g_autofree char *fetched = g_strdup_printf("%" G_GINT64_FORMAT, result->fetched);
    g_autofree char *inserted = g_strdup_printf("%" G_GINT64_FORMAT, result->inserted);
    g_autofree char *updated = g_strdup_printf("%" G_GINT64_FORMAT, result->updated);
    g_autofree char *requests = g_strdup_printf("%" G_GINT64_FORMAT, result->requests);
    g_autofree char *http = failure && failure->status ? g_strdup_printf("%d", failure->status) : NULL;

    if (!failure)
        log_write(LOG_LEVEL_INFO, "Collected.", "customer", run->customer_name, "source", run->source->name, "fetched",
                  fetched, "inserted", inserted, "updated", updated, "requests", requests, NULL);
    else
        log_write(result->status == COLLECT_SKIPPED ? LOG_LEVEL_WARN : LOG_LEVEL_ERROR,
                  failure->message ? failure->message : "The request failed.", "customer", run->customer_name, "source",
                  run->source->name, "status", collect_status_name(result->status), "http", http, "code", failure->code,
                  "request_id", failure->request_id, "inserted", inserted, "next", failure->hint, NULL);
}

/* A database that does not take the records does not take a note about them either: trying would only wait again. */
static void note_outcome(struct source_run *run)
{
    g_autoptr(GError) error = NULL;
    struct store *store = run->context->store;
    const struct client_failure *failure = run->result->failure;
    int64_t now = service_now(run);

    if (writer_error(run->context->writer))
        return;
    if ((run->stretches && !store_coverage_settle(store, run->customer_id, run->source->name, whole,
                                                  plan_settled_after(run->source->reach_s), &error)) ||
        !store_collection_note(store, run->customer_id, run->source->name, now, failure ? failure->message : NULL,
                               &error))
        warn(run, g_strdup_printf("The outcome could not be noted in the database: %s", error->message));
}

void source_run_finish(struct source_run *run)
{
    struct collect_source *result = run->result;

    run->state = SOURCE_RUN_DONE;
    say_looks_lost(run);
    say_left_open(run);
    if (result->unreadable)
        warn(run, g_strdup_printf("%" G_GINT64_FORMAT " record%s could not be read (see the table unreadable). %s%s",
                                  result->unreadable, result->unreadable == 1 ? "" : "s",
                                  result->unreadable == 1 ? "" : "The first: ", run->unreadable_reason));
    judge(run);
    note_outcome(run);
    log_outcome(run);
}
