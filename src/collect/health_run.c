#include "collect/health_run.h"

#include "base/base.h"

static const char *const names[HEALTH_LISTINGS] = {[STORE_HEALTH_OVERVIEWS] = "overviews of the services",
                                                   [STORE_HEALTH_ISSUES] = "issues",
                                                   [STORE_HEALTH_MESSAGES] = "messages"};

const char *health_listing_name(enum store_health_kind kind)
{
    return names[kind];
}

/* --- listings --------------------------------------------------------------------------------------------------------
 */

static void begin_listing(struct health_run *run)
{
    struct source_run *base = &run->base;

    if (run->kind == STORE_HEALTH_OVERVIEWS)
        g_hash_table_remove_all(run->services);
    base->permission = health_permission(run->kind);
    source_run_new_chain(base);
    g_free(base->link);
    base->link = health_url(run->kind, base->base_url);
    source_run_request(base);
}

static void next_listing(struct health_run *run)
{
    run->restarted = false;
    if (run->kind == STORE_HEALTH_MESSAGES) {
        run->base.state = SOURCE_RUN_WRITING;
        return;
    }
    run->kind++;
    begin_listing(run);
}

void health_listing_read(struct health_run *run)
{
    run->listings_read++;
    next_listing(run);
}

/* --- failures --------------------------------------------------------------------------------------------------------
 */

/* True when the other listings would fail the same way: they go to the same host with the same token and budget. */
static bool hits_all(const struct client_failure *failure)
{
    switch (failure->verdict) {
    case CLIENT_CREDENTIALS:
    case CLIENT_CANCELLED:
    case CLIENT_SECURITY:
        return true;
    default:
        return failure->status == 0 || failure->status == 429;
    }
}

/* The next scan is due: it asks for the rest. Others wait for this one to end. */
static bool has_taken_long(const struct health_run *run)
{
    const struct config_schedule *health = &run->base.context->options->config->schedule.health;

    return !health->daily && source_run_now(&run->base) - run->begun_at >= health->every_s;
}

static bool is_first_page(const struct health_run *run)
{
    g_autofree char *first = health_url(run->kind, run->base.base_url);

    return g_str_equal(run->base.link, first);
}

/* The first failure is the source's; what comes after it is a warning, so that no listing goes missing unsaid. */
static void note_failure(struct health_run *run, const struct client_failure *failure)
{
    if (run->kind == STORE_HEALTH_OVERVIEWS)
        run->scan_error = g_strdup(failure->message);
    if (run->base.result->failure)
        source_run_warn(&run->base, g_strdup_printf("The %s could not be read either: %s%s%s", names[run->kind],
                                                    failure->message ? failure->message : "(no reason was given)",
                                                    failure->hint ? " " : "", failure->hint ? failure->hint : ""));
    else
        source_run_note_failure(&run->base, failure);
}

void health_failed(struct health_run *run, const struct client_failure *failure)
{
    bool link = failure->verdict == CLIENT_LINK || (failure->verdict == CLIENT_REFUSED && !is_first_page(run));

    if (link && !run->restarted) {
        run->restarted = true;
        begin_listing(run);
        return;
    }
    if (failure->verdict == CLIENT_BAD_BODY)
        health_salvage(run, failure->request_id);
    note_failure(run, failure);
    if ((!link && hits_all(failure)) || has_taken_long(run))
        run->base.state = SOURCE_RUN_WRITING;
    else
        next_listing(run);
}

/* --- the kind --------------------------------------------------------------------------------------------------------
 */

static void begin(struct source_run *base)
{
    struct health_run *run = health_run_of(base);

    run->begun = true;
    run->begun_at = source_run_now(base);
    if (source_run_keep_from(base, &run->keep_from))
        begin_listing(run);
}

static void page_failed(struct source_run *base, const struct client_failure *failure)
{
    health_failed(health_run_of(base), failure);
}

/* Why there was no scan, where that tells about the service; NULL when it only tells about this run, which was
 * interrupted, or about the database, which takes no note either. */
static const char *scan_error(const struct health_run *run)
{
    const struct client_failure *failure = run->base.result->failure;

    if (run->scan_error)
        return run->scan_error;
    if (!failure || failure->verdict == CLIENT_CANCELLED || g_strcmp0(failure->code, "database") == 0)
        return NULL;
    return failure->message ? failure->message : "The overviews of the services could not be read.";
}

/* Nothing of the run waits in the writer's queue any more: the note comes behind whatever it has stored. */
static void finish(struct source_run *base)
{
    struct health_run *run = health_run_of(base);
    const char *words = run->scanned ? NULL : scan_error(run);
    g_autoptr(GError) error = NULL;

    if (writer_error(base->context->writer))
        return;
    base->completed = run->listings_read;
    if (words && !store_scan_failed(base->context->store, base->customer_id, source_run_now(base), words, &error))
        source_run_warn(base,
                        g_strdup_printf("The failed scan could not be noted in the database: %s", error->message));
}

static char *doing(const struct source_run *base)
{
    const struct health_run *run = (const struct health_run *)base;

    return run->begun ? g_strdup_printf("reading %s", names[run->kind]) : g_strdup("signing in");
}

static void health_run_free(struct source_run *base)
{
    struct health_run *run = health_run_of(base);

    g_hash_table_unref(run->services);
    g_free(run->scan_error);
    g_free(run);
}

static void overview_free(void *data)
{
    health_overview_clear(data);
    g_free(data);
}

struct source_run *health_run_new(void)
{
    static const struct source_run_kind kind = {.begin = begin,
                                                .page_read = health_page_read,
                                                .page_failed = page_failed,
                                                .committed = health_page_committed,
                                                .finish = finish,
                                                .doing = doing,
                                                .free = health_run_free};
    struct health_run *run = g_new0(struct health_run, 1);

    run->base.kind = &kind;
    run->base.headers = health_headers;
    run->services = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, overview_free);
    return &run->base;
}
