#include "collect/source_run.h"

#include "base/base.h"
#include "collect/account_run.h"
#include "collect/health_run.h"
#include "collect/report.h"
#include "collect/window_run.h"

enum { PAGE_BYTES_MAX = 256 * 1024 * 1024 }; /* inflated; the largest pages known have tens of megabytes */

static struct source_run *new_of_kind(enum source_kind kind)
{
    switch (kind) {
    case SOURCE_ACCOUNTS:
        return account_run_new();
    case SOURCE_HEALTH:
        return health_run_new();
    default:
        return window_run_new();
    }
}

struct source_run *source_run_new(const struct source_run_context *context, const struct source *source,
                                  const struct source_part *part, struct client_app *app,
                                  const struct config_customer *customer, int64_t customer_id,
                                  struct collect_source *result)
{
    struct source_run *run = new_of_kind(source->kind);

    run->context = context;
    run->source = source;
    run->part = part;
    run->app = app;
    run->customer_name = customer->name;
    run->tenant_id = customer->tenant_id;
    run->services = customer->services;
    run->base_url = source->api == CLIENT_API_GRAPH ? customer->graph_url : customer->manage_url;
    run->customer_id = customer_id;
    run->result = result;
    run->family = source->family;
    run->permission = source->permission;
    return run;
}

void source_run_free(struct source_run *run)
{
    if (!run)
        return;
    g_free(run->link);
    g_free(run->unreadable_reason);
    client_chain_free(run->chain);
    json_page_free(run->body);
    run->kind->free(run);
}

int64_t source_run_now(const struct source_run *run)
{
    return client_app_service_now(run->app);
}

char *source_run_name(const char *source, const char *part)
{
    return part && *part ? g_strdup_printf("%s %s", source, part) : g_strdup(source);
}

/* The part as lines and reports name it: NULL for the default. */
static const char *part_name(const struct source_run *run)
{
    return *run->part->name ? run->part->name : NULL;
}

void source_run_warn(struct source_run *run, char *text)
{
    log_write(LOG_LEVEL_WARN, text, "customer", run->customer_name, "source", run->source->name, "part", part_name(run),
              NULL);
    g_ptr_array_add(run->result->warnings, text);
}

/* --- failures --------------------------------------------------------------------------------------------------------
 */

const char source_run_database_hint[] = "Nothing is lost: mend what the message names and run collect again.";

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

void source_run_note_failure(struct source_run *run, const struct client_failure *failure)
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
    source_run_note_failure(run, failure);
    run->state = SOURCE_RUN_WRITING;
}

void source_run_fail_database(struct source_run *run, const GError *error)
{
    struct client_failure failure = {.verdict = CLIENT_LATER,
                                     .code = (char *)"database",
                                     .message = error->message,
                                     .hint = (char *)source_run_database_hint};

    source_run_fail(run, &failure);
}

/* What was deleted because of its size, or by a longer line that was drawn before, is not to come back either. A line
 * that lies ahead was drawn by a clock that was wrong: nothing would be read any more. */
bool source_run_keep_from(struct source_run *run, int64_t *keep_from)
{
    const struct source_run_context *context = run->context;
    int64_t now = source_run_now(run), deleted;
    g_autoptr(GError) error = NULL;

    *keep_from = config_keep_from(context->options->config, run->source->name, now);
    if (!store_retention_line(context->store, run->customer_id, run->source->name, &deleted, &error)) {
        source_run_fail_database(run, error);
        return false;
    }
    if (deleted <= now)
        *keep_from = MAX(*keep_from, deleted);
    return true;
}

/* --- links and requests ----------------------------------------------------------------------------------------------
 */

bool source_run_may_go_on_at(const struct source_run *run, const char *link)
{
    struct client_chain *chain = client_chain_new(run->base_url);
    struct client_failure *failure = client_chain_follow(chain, link);
    bool may = failure == NULL;

    client_failure_free(failure);
    client_chain_free(chain);
    return may;
}

void source_run_new_chain(struct source_run *run)
{
    client_chain_free(run->chain);
    run->chain = client_chain_new(run->base_url);
}

const char *source_run_next_link(struct source_run *run, const char *request_id, struct client_failure **failure)
{
    const char *link = json_page_member(run->body, "@odata.nextLink");

    *failure = link ? client_chain_follow(run->chain, link) : NULL;
    if (*failure)
        (*failure)->request_id = g_strdup(request_id); /* of the page that held the link */
    return link;
}

static void request_done(const struct client_result *done, void *user)
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
        run->kind->page_failed(run, done->failure);
    else
        run->kind->page_read(run, done->request_id);
}

/* Room for another page: in the writer's queue, and in front of it. */
static bool has_room(const struct source_run *run)
{
    return writer_has_room(run->context->writer) && !client_is_full(run->context->client);
}

void source_run_request(struct source_run *run)
{
    struct client_request request = {.app = run->app,
                                     .api = run->source->api,
                                     .family = run->family,
                                     .url = run->link,
                                     .headers = run->headers,
                                     .permission = run->permission,
                                     .done = request_done,
                                     .user = run};

    if (!has_room(run)) {
        run->state = SOURCE_RUN_HELD;
        return;
    }
    json_page_free(run->body);
    run->body = json_page_new(run->source->api == CLIENT_API_MANAGEMENT, PAGE_BYTES_MAX);
    request.page = run->body;
    run->state = SOURCE_RUN_READING;
    client_start(run->context->client, &request);
}

/* --- pages -----------------------------------------------------------------------------------------------------------
 */

bool source_run_body_broke_off(const struct source_run *run)
{
    g_autoptr(GError) error = NULL;

    if (!run->body || json_page_count(run->body) == 0 || json_page_finish(run->body, &error))
        return false;
    return g_error_matches(error, JSON_ERROR, JSON_ERROR_SYNTAX) ||
           g_error_matches(error, JSON_ERROR, JSON_ERROR_TRUNCATED);
}

struct writer_page *source_run_page(struct source_run *run)
{
    struct writer_page *page = writer_page_new();

    page->user = run;
    page->body = g_steal_pointer(&run->body);
    page->page.customer_id = run->customer_id;
    page->page.source = run->source->name;
    page->page.part = run->part->name;
    page->page.received_at = source_run_now(run);
    return page;
}

void source_run_unreadable(struct source_run *run, struct writer_page *page, struct json_slice slice,
                           const GError *error, const char *request_id)
{
    if (!run->unreadable_reason)
        run->unreadable_reason = g_strdup(error->message);
    g_ptr_array_add(page->page.unreadable, unreadable_new(error->message, request_id, slice.bytes, slice.length));
}

void source_run_push(struct source_run *run, struct writer_page *page)
{
    run->pages_pending++;
    writer_push(run->context->writer, page);
}

/* --- the run's life --------------------------------------------------------------------------------------------------
 */

void source_run_begin(struct source_run *run)
{
    run->kind->begin(run);
}

bool source_run_resume(struct source_run *run)
{
    bool resumes = run->state == SOURCE_RUN_HELD && has_room(run);

    if (resumes)
        source_run_request(run);
    return resumes;
}

void source_run_committed(struct source_run *run, const struct store_page *page)
{
    struct collect_source *result = run->result;

    run->pages_pending--;
    result->unreadable += page->counts.unreadable;
    run->kind->committed(run, page);
}

static void judge(struct source_run *run)
{
    struct collect_source *result = run->result;

    if (!result->failure)
        result->status = COLLECT_OK;
    else if (result->failure->verdict == CLIENT_UNAVAILABLE)
        result->status = COLLECT_SKIPPED;
    else if (run->completed || result->inserted || result->updated || result->removed)
        result->status = COLLECT_PARTIAL;
    else
        result->status = COLLECT_FAILED;
}

void source_run_log_failure(const char *customer, const char *source, const char *part, enum collect_status status,
                            const struct client_failure *failure, const char *inserted)
{
    g_autofree char *http = failure->status ? g_strdup_printf("%d", failure->status) : NULL;

    log_write(status == COLLECT_SKIPPED ? LOG_LEVEL_WARN : LOG_LEVEL_ERROR,
              failure->message ? failure->message : "The request failed.", "customer", customer, "source", source,
              "part", part, "status", collect_status_name(status), "http", http, "code", failure->code, "request_id",
              failure->request_id, "inserted", inserted, "next", failure->hint, NULL);
}

static char *number(int64_t value)
{
    return g_strdup_printf("%" G_GINT64_FORMAT, value);
}

static void log_outcome(struct source_run *run)
{
    const struct collect_source *result = run->result;
    g_autofree char *fetched = number(result->fetched), *inserted = number(result->inserted);
    g_autofree char *updated = number(result->updated), *requests = number(result->requests);
    g_autofree char *removed = result->removed ? number(result->removed) : NULL;

    if (result->failure)
        source_run_log_failure(run->customer_name, run->source->name, part_name(run), result->status, result->failure,
                               inserted);
    else
        log_write(LOG_LEVEL_INFO, "Collected.", "customer", run->customer_name, "source", run->source->name, "part",
                  part_name(run), "fetched", fetched, "inserted", inserted, "updated", updated, "removed", removed,
                  "requests", requests, NULL);
}

void source_run_finish(struct source_run *run)
{
    struct collect_source *result = run->result;

    run->state = SOURCE_RUN_DONE;
    run->kind->finish(run);
    if (result->unreadable)
        source_run_warn(run, g_strdup_printf("%" G_GINT64_FORMAT
                                             " record%s could not be read (see the table unreadable). %s%s",
                                             result->unreadable, result->unreadable == 1 ? "" : "s",
                                             result->unreadable == 1 ? "" : "The first: ", run->unreadable_reason));
    judge(run);
    if (!run->told)
        log_outcome(run);
}
