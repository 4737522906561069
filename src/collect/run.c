#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/base.h"
#include "collect/report.h"
#include "collect/source_run.h"

enum { STEP_MS = 200, SCAN_BUDGET_LEAST_S = 60, SCAN_BUDGET_MOST_S = 900 };

/* One customer: its login, then its sources, and their parts, side by side. */
struct customer_run {
    struct collector *collector;
    const struct config_customer *config;
    int64_t customer_id;
    struct client_app *app;
    struct collect_customer *result;
    GPtrArray *sources; /* struct source_run *, the parts of a source together */
};

struct collector {
    struct source_run_context context;
    StoreLock *lock;        /* of everything but health; NULL: nothing else is read */
    StoreLock *health_lock; /* NULL: health is not read, or not any more */
    bool left_out;          /* health is, because another process is scanning */
    struct collect_report *report;
    GPtrArray *customers; /* struct customer_run * */
    guint turn;           /* of the customer whose pages are asked for first */
    struct progress *progress;
    int64_t started_us;
    struct store_watch watch; /* of this thread's waits for the database */
};

static void customer_run_free(struct customer_run *customer)
{
    g_ptr_array_unref(customer->sources);
    g_free(customer);
}

typedef void (*source_run_fn)(struct source_run *run, const void *user);

static void for_each_source(struct collector *collector, source_run_fn call, const void *user)
{
    for (guint i = 0; i < collector->customers->len; i++) {
        struct customer_run *customer = g_ptr_array_index(collector->customers, i);

        for (guint j = 0; j < customer->sources->len; j++)
            call(g_ptr_array_index(customer->sources, j), user);
    }
}

/* --- setting up
 * --------------------------------------------------------------------------------------------------------- */

static bool wanted_customer(const struct collect_options *options, const char *name)
{
    return !options->customer || g_str_equal(options->customer, "all") || g_str_equal(options->customer, name);
}

static bool is_among(char **names, const char *name)
{
    return g_strv_contains((const char *const *)names, name);
}

static bool wanted_source(const struct collect_options *options, const struct config_customer *customer,
                          const char *name)
{
    return (!options->sources || g_strv_contains(options->sources, name)) &&
           (!customer->sources || is_among(customer->sources, name));
}

/* A class of sign-ins is read when the configuration names it; every other source has one part only. */
static bool wanted_part(const struct customer_run *customer, const struct source *source,
                        const struct source_part *part)
{
    if (!source->parts[1].name)
        return true;
    for (char **type = customer->config->sign_in_types; *type; type++)
        if (source_part_find(source, *type) == part)
            return true;
    return false;
}

/* The configuration may name sources that later versions collect. */
static void say_not_collected(const struct customer_run *customer)
{
    for (char **name = customer->config->sources; name && *name; name++)
        if (!source_find(*name))
            log_write(LOG_LEVEL_INFO, "This version does not collect this source yet.", "customer",
                      customer->config->name, "source", *name, NULL);
}

/* Another process is at it: its scan is as good as ours. */
static void leave_out(struct customer_run *customer, const struct source *source)
{
    static const char remark[] = "Another process is scanning service health: this run leaves it to that one.";
    struct collect_source *result = collect_report_source(customer->result, source->name, "");

    result->status = COLLECT_SKIPPED;
    g_ptr_array_add(result->warnings, g_strdup(remark));
    log_write(LOG_LEVEL_INFO, remark, "customer", customer->config->name, "source", source->name, NULL);
}

static void add_source(struct customer_run *customer, const struct source *source)
{
    if (source->kind == SOURCE_HEALTH && customer->collector->left_out) {
        leave_out(customer, source);
        return;
    }
    for (const struct source_part *part = source->parts; part->name; part++)
        if (wanted_part(customer, source, part))
            g_ptr_array_add(customer->sources,
                            source_run_new(&customer->collector->context, source, part, customer->app, customer->config,
                                           customer->customer_id,
                                           collect_report_source(customer->result, source->name, part->name)));
}

/* Without a token nothing of the customer can be read: that is said once, and not for each source. */
static void login_failed(const struct customer_run *customer, const struct client_failure *failure)
{
    const struct client_failure *noted = NULL;

    for (guint i = 0; i < customer->sources->len; i++) {
        struct source_run *run = g_ptr_array_index(customer->sources, i);

        run->told = run->state != SOURCE_RUN_DONE && !run->result->failure;
        source_run_fail(run, failure);
        if (run->told)
            noted = run->result->failure;
    }
    if (noted)
        source_run_log_failure(customer->config->name, NULL, NULL, COLLECT_FAILED, noted, NULL);
}

static void logged_in(const struct client_result *done, void *user)
{
    struct customer_run *customer = user;

    if (done->failure) {
        login_failed(customer, done->failure);
        return;
    }
    for (guint i = 0; i < customer->sources->len; i++) {
        struct source_run *run = g_ptr_array_index(customer->sources, i);

        if (run->state == SOURCE_RUN_IDLE) /* else it ended while the customer signed in */
            source_run_begin(run);
    }
}

static bool add_customer(struct collector *collector, const struct config_customer *config, GError **error)
{
    const struct client_app_options app = {.name = config->name,
                                           .tenant_id = config->tenant_id,
                                           .client_id = config->client_id,
                                           .client_secret = config->client_secret,
                                           .client_certificate = config->client_certificate,
                                           .login_url = config->login_url,
                                           .graph_url = config->graph_url,
                                           .manage_url = config->manage_url};
    int64_t customer_id = store_customer(collector->context.store, config->name, config->tenant_id, error);
    struct customer_run *customer;

    if (!customer_id)
        return false;
    customer = g_new0(struct customer_run, 1);
    customer->collector = collector;
    customer->config = config;
    customer->customer_id = customer_id;
    customer->result = collect_report_customer(collector->report, config->name, config->tenant_id);
    customer->sources = g_ptr_array_new_with_free_func((GDestroyNotify)source_run_free);
    customer->app = client_app_new(collector->context.client, &app);
    g_ptr_array_add(collector->customers, customer);
    say_not_collected(customer);
    for (const struct source *source = sources_all(); source->name; source++)
        if (wanted_source(collector->context.options, config, source->name))
            add_source(customer, source);
    if (customer->sources->len)
        client_login(collector->context.client, customer->app, CLIENT_API_GRAPH, logged_in, customer);
    else if (!customer->result->sources->len)
        log_write(LOG_LEVEL_WARN, "Nothing of this customer is collected.", "customer", config->name, "next",
                  "Check its sources in m365keep.yaml, and what --only names.", NULL);
    return true;
}

/* Whether any customer has a source of this run that is health, or one that is not. */
static bool reads(const struct collect_options *options, bool health)
{
    for (guint i = 0; i < options->config->customers->len; i++) {
        const struct config_customer *customer = g_ptr_array_index(options->config->customers, i);

        for (const struct source *source = sources_all(); source->name; source++)
            if ((source->kind == SOURCE_HEALTH) == health && wanted_customer(options, customer->name) &&
                wanted_source(options, customer, source->name))
                return true;
    }
    return false;
}

/* Scans have a lock of their own, so that they go on while a first collection takes its hours; and a collection that
 * finds a scan under way does not fail because of it, nor waits. */
static bool take_locks(struct collector *collector, GError **error)
{
    const struct collect_options *options = collector->context.options;
    bool health = reads(options, true), others = reads(options, false) || !health;
    g_autoptr(GError) cause = NULL;

    if (others && !(collector->lock = store_lock_take(options->config->database, STORE_LOCK_COLLECT, error)))
        return false;
    if (!health || (collector->health_lock = store_lock_take(options->config->database, STORE_LOCK_HEALTH, &cause)))
        return true;
    collector->left_out = others && g_error_matches(cause, STORE_ERROR, STORE_ERROR_BUSY);
    if (!collector->left_out)
        g_propagate_error(error, g_steal_pointer(&cause));
    return collector->left_out;
}

/* A scan ends before the next one is due, whatever one tenant's service does: what it cannot tell now, that one asks
 * for. Other runs have nothing to make way for. */
static int scan_budget_s(const struct config *config)
{
    const struct config_schedule *health = &config->schedule.health;

    return health->daily ? 0 : (int)CLAMP(health->every_s / 2, SCAN_BUDGET_LEAST_S, SCAN_BUDGET_MOST_S);
}

/* While this thread waits for the database it does not take signals: one that came ends the wait. */
static bool may_wait(const char *doing, int64_t done, int64_t of, void *user)
{
    const struct collector *collector = user;
    struct pollfd signals = {.fd = collector->context.options->signal_fd, .events = POLLIN};

    (void)doing;
    (void)done;
    (void)of;
    return !collector->report->signal && (signals.fd < 0 || poll(&signals, 1, 0) == 0);
}

static bool open_all(struct collector *collector, GError **error)
{
    const struct collect_options *options = collector->context.options;
    const struct client_options client = {.clock = options->clock,
                                          .pace = options->config->pace,
                                          .wake_fd = options->signal_fd,
                                          .stall_timeout_ms = 1000 * options->config->request_timeout_s,
                                          .retry_budget_s = collector->lock ? 0 : scan_budget_s(options->config)};

    collector->context.store = store_open(options->config->database, STORE_CREATE, error);
    if (!collector->context.store)
        return false;
    collector->watch = (struct store_watch){.go_on = may_wait, .user = collector};
    store_set_watch(collector->context.store, &collector->watch);
    collector->context.client = client_new(&client, error);
    if (!collector->context.client)
        return false;
    collector->context.writer = writer_new(options->config->database, collector->context.client, error);
    if (!collector->context.writer)
        return false;
    for (guint i = 0; i < options->config->customers->len; i++) {
        const struct config_customer *customer = g_ptr_array_index(options->config->customers, i);

        if (wanted_customer(options, customer->name) && !add_customer(collector, customer, error))
            return false;
    }
    return true;
}

/* --- progress
 * ----------------------------------------------------------------------------------------------------------- */

static char *progress_line(const struct collector *collector, const struct source_run *run)
{
    double elapsed =
        (double)(clock_monotonic_us(collector->context.options->clock) - collector->started_us) / (double)CLOCK_US;
    g_autofree char *customer = text_for_terminal(run->customer_name), *fetched = text_count(run->result->fetched);
    g_autofree char *source = source_run_name(run->source->name, run->part->name), *doing = run->kind->doing(run);
    g_autofree char *rate = text_count(elapsed > 0 ? (gint64)((double)run->result->fetched / elapsed) : 0);
    bool throttled = false;
    double wait = client_app_wait(run->app, run->family, &throttled);
    GString *line = g_string_new(NULL);

    g_string_append_printf(line, "%s %s: %s records, %s/s, %s", customer, source, fetched, rate, doing);
    if (throttled)
        g_string_append_printf(line, ", throttled: next request in %.0f s", wait);
    return g_string_free(line, FALSE);
}

static void show_progress(struct collector *collector)
{
    g_autoptr(GPtrArray) lines = NULL;

    if (!progress_due(collector->progress))
        return;
    lines = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < collector->customers->len; i++) {
        const struct customer_run *customer = g_ptr_array_index(collector->customers, i);

        for (guint j = 0; j < customer->sources->len; j++) {
            const struct source_run *run = g_ptr_array_index(customer->sources, j);

            if (run->state != SOURCE_RUN_DONE)
                g_ptr_array_add(lines, progress_line(collector, run));
        }
    }
    progress_draw(collector->progress, lines);
}

/* --- the loop
 * ----------------------------------------------------------------------------------------------------------- */

static void fail_run(struct source_run *run, const void *failure)
{
    source_run_fail(run, failure);
}

/* In turns: where there is room for few, it begins with the customer after the one that had some last. */
static void resume_held(struct collector *collector)
{
    guint count = collector->customers->len, first = collector->turn;

    for (guint i = 0; i < count; i++) {
        guint at = (first + i) % count;
        const struct customer_run *customer = g_ptr_array_index(collector->customers, at);

        for (guint j = 0; j < customer->sources->len; j++)
            if (source_run_resume(g_ptr_array_index(customer->sources, j)))
                collector->turn = at + 1;
    }
}

static void take_committed(struct collector *collector)
{
    const GError *error = writer_error(collector->context.writer);

    for (struct writer_page *page; (page = writer_take_done(collector->context.writer)); writer_page_free(page))
        source_run_committed(page->user, &page->page);
    if (error) {
        struct client_failure failure = {.verdict = CLIENT_LATER,
                                         .code = (char *)"database",
                                         .message = error->message,
                                         .hint = (char *)source_run_database_hint};

        for_each_source(collector, fail_run, &failure);
        client_cancel(collector->context.client);
    }
}

/* The first signal ends the run after what is being committed; a second one ends the program at once, which loses
 * nothing either. */
static void take_signals(struct collector *collector)
{
    static const struct client_failure interrupted = {
        .verdict = CLIENT_CANCELLED,
        .code = (char *)"interrupted",
        .message = (char *)"The run was interrupted.",
        .hint = (char *)"Nothing is lost: run collect again and it goes on from here."};
    struct signalfd_siginfo info;

    if (collector->context.options->signal_fd < 0)
        return;
    while (read(collector->context.options->signal_fd, &info, sizeof info) == (ssize_t)sizeof info) {
        if (collector->report->signal)
            _exit(128 + (int)info.ssi_signo);
        collector->report->signal = (int)info.ssi_signo;
        for_each_source(collector, fail_run, &interrupted);
        client_cancel(collector->context.client);
        writer_stop(collector->context.writer);
    }
}

/* How a source ended, all its parts together. */
static enum store_outcome outcome_of(const struct client_failure *failure, bool all_failed)
{
    if (!failure)
        return STORE_OUTCOME_OK;
    if (failure->verdict == CLIENT_UNAVAILABLE)
        return STORE_OUTCOME_UNAVAILABLE;
    return all_failed ? STORE_OUTCOME_FAILED : STORE_OUTCOME_PARTIAL;
}

/* Freshness is the source's: noted once all its parts have ended, with the first failure among them. A database that
 * does not take the records does not take a note about them either: trying would only wait again. */
static void note_ended(const struct customer_run *customer, struct source_run *last)
{
    const struct source_run_context *context = last->context;
    const struct client_failure *failure = NULL;
    g_autoptr(GError) error = NULL;
    bool all_failed = true;

    for (guint i = customer->sources->len; i-- > 0;) {
        const struct source_run *run = g_ptr_array_index(customer->sources, i);

        if (run->source != last->source)
            continue;
        if (run->state != SOURCE_RUN_DONE)
            return;
        failure = run->result->failure ? run->result->failure : failure;
        all_failed = all_failed && run->result->status == COLLECT_FAILED;
    }
    if (!writer_error(context->writer) &&
        !store_collection_note(context->store, customer->customer_id, last->source->name, source_run_now(last),
                               outcome_of(failure, all_failed), failure ? failure->message : NULL, &error))
        source_run_warn(last, g_strdup_printf("The outcome could not be noted in the database: %s", error->message));
}

/* Ends the sources that have nothing under way. True when all have ended. */
static bool finish_idle(struct collector *collector)
{
    bool all = true, health = false, writer_failed = writer_error(collector->context.writer) != NULL;

    for (guint i = 0; i < collector->customers->len; i++) {
        const struct customer_run *customer = g_ptr_array_index(collector->customers, i);

        for (guint j = 0; j < customer->sources->len; j++) {
            struct source_run *run = g_ptr_array_index(customer->sources, j);

            /* Pages that a failed writer dropped never come back; but a run ends on that only once it has been told so.
             */
            if (run->state == SOURCE_RUN_WRITING && (!run->pages_pending || (writer_failed && run->result->failure))) {
                source_run_finish(run);
                note_ended(customer, run);
            }
            all = all && run->state == SOURCE_RUN_DONE;
            health = health || (run->source->kind == SOURCE_HEALTH && run->state != SOURCE_RUN_DONE);
        }
    }
    if (!health)
        g_clear_pointer(&collector->health_lock, store_lock_release);
    return all && (writer_failed || !writer_pending(collector->context.writer));
}

static void end_late_scan(struct source_run *run, const void *failure)
{
    if (run->source->kind == SOURCE_HEALTH && run->state != SOURCE_RUN_WRITING)
        source_run_fail(run, failure);
}

/* One customer whose scan takes for ever must not keep the next scan from all the others: they share the lock. */
static void end_late_scans(struct collector *collector)
{
    enum { LEAST_S = 60 };
    static const struct client_failure late = {
        .verdict = CLIENT_LATER,
        .code = (char *)"late",
        .message = (char *)"The scan was given up: half the time to the next one was over.",
        .hint =
            (char *)"Nothing is lost: the next scan asks again. If it lasts, m365keep doctor looks for the reason."};
    const struct collect_options *options = collector->context.options;
    const struct config_schedule *health = &options->config->schedule.health;
    int64_t allowed_s = MAX(health->every_s / 2, LEAST_S);

    if (collector->health_lock && !health->daily &&
        clock_monotonic_us(options->clock) - collector->started_us > allowed_s * CLOCK_US)
        for_each_source(collector, end_late_scan, &late);
}

/* What is still asked for when all sources have ended, nobody waits for any more. True when nothing is. */
static bool drop_rest(struct collector *collector)
{
    if (!client_pending(collector->context.client))
        return true;
    client_cancel(collector->context.client);
    return false;
}

static void loop(struct collector *collector)
{
    for (;;) {
        take_signals(collector);
        end_late_scans(collector);
        take_committed(collector);
        client_backlog(collector->context.client, (int64_t)writer_backlog(collector->context.writer));
        resume_held(collector);
        if (finish_idle(collector) && drop_rest(collector))
            return;
        show_progress(collector);
        client_step(collector->context.client, STEP_MS);
    }
}

/* While there is room on the disk: prune begins with it when there is none. */
static void make_reserve(const struct collector *collector)
{
    if (!writer_error(collector->context.writer))
        store_reserve_make(collector->context.store);
}

static void close_all(struct collector *collector)
{
    writer_free(collector->context.writer);
    client_free(collector->context.client);
    g_ptr_array_unref(collector->customers);
    json_tree_free(collector->context.tree);
    store_close(collector->context.store);
    store_lock_release(collector->health_lock);
    store_lock_release(collector->lock);
    progress_free(collector->progress);
}

struct collect_report *collect_run(const struct collect_options *options, GError **error)
{
    struct collector collector = {.context = {.options = options, .tree = json_tree_new()},
                                  .customers = g_ptr_array_new_with_free_func((GDestroyNotify)customer_run_free),
                                  .started_us = clock_monotonic_us(options->clock)};

    collector.report = collect_report_new(clock_now(options->clock));
    collector.progress = progress_new(options->progress);
    if (take_locks(&collector, error) && open_all(&collector, error)) {
        loop(&collector);
        make_reserve(&collector);
    } else {
        g_clear_pointer(&collector.report, collect_report_free);
    }
    close_all(&collector);
    if (collector.report)
        collector.report->finished = clock_now(options->clock);
    return collector.report;
}
