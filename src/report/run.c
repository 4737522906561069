#include "base/base.h"
#include "report/outcome.h"
#include "report/post.h"
#include "report/report_json.h"

/* One customer's part of the run. */
struct work {
    const struct config_customer *config;
    struct report_window *window;   /* NULL: `error` says why */
    struct report_customer *result; /* of the run; NULL: not begun */
    GError *error;
    const char *hint; /* on the error that ended it; NULL: none */
    char *begin;      /* of its summary; NULL: it did not come to figures */
};

struct reporter {
    const struct report_options *options;
    const char *folder; /* NULL: no files */
    struct store *store;
    Post *post; /* NULL: nothing is sent */
    struct report_run *run;
    GPtrArray *works; /* struct work * */
    struct progress *progress;
};

static void work_free(void *data)
{
    struct work *work = data;

    report_window_free(work->window);
    g_clear_error(&work->error);
    g_free(work->begin);
    g_free(work);
}

/* --- the run's results -------------------------------------------------------------------------------------------- */

static void customer_free(void *data)
{
    struct report_customer *customer = data;

    g_free(customer->name);
    g_free(customer->tenant_id);
    g_free(customer->timezone);
    g_free(customer->from);
    g_free(customer->to);
    g_free(customer->json);
    g_free(customer->summary);
    g_ptr_array_unref(customer->notes);
    g_ptr_array_unref(customer->files);
    store_mail_free(customer->mail);
    g_ptr_array_unref(customer->warnings);
    g_free(customer->error);
    g_free(customer->hint);
    g_free(customer);
}

static struct report_run *run_new(int64_t started)
{
    struct report_run *run = g_new0(struct report_run, 1);

    run->started = started;
    run->customers = g_ptr_array_new_with_free_func(customer_free);
    run->delivered = g_ptr_array_new_with_free_func((GDestroyNotify)store_mail_free);
    return run;
}

void report_run_free(struct report_run *run)
{
    if (!run)
        return;
    g_ptr_array_unref(run->customers);
    g_ptr_array_unref(run->delivered);
    g_free(run);
}

static struct report_customer *add_customer(struct report_run *run, const struct work *work)
{
    struct report_customer *customer = g_new0(struct report_customer, 1);

    customer->name = g_strdup(work->config->name);
    customer->tenant_id = g_strdup(work->config->tenant_id);
    customer->timezone = g_strdup(work->config->timezone);
    if (work->window) {
        customer->from = report_time(work->window, work->window->from, REPORT_TIME_ISO);
        customer->to = report_time(work->window, work->window->to, REPORT_TIME_ISO);
    }
    customer->status = REPORT_NOT_DONE;
    customer->notes = g_ptr_array_new_with_free_func(g_free);
    customer->files = g_ptr_array_new_with_free_func(g_free);
    customer->warnings = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(run->customers, customer);
    return customer;
}

int report_exit_status(const struct report_run *run)
{
    unsigned count[REPORT_NOT_DONE + 1] = {0};
    bool through = true, some = false;

    for (guint i = 0; i < run->customers->len; i++)
        count[((const struct report_customer *)g_ptr_array_index(run->customers, i))->status]++;
    for (guint i = 0; i < run->delivered->len; i++) {
        bool sent = ((const struct store_mail *)g_ptr_array_index(run->delivered, i))->state == STORE_MAIL_SENT;

        through = through && outcome_is_through(g_ptr_array_index(run->delivered, i));
        some = some || sent;
    }
    if (count[REPORT_NOT_DONE] == run->customers->len && !some)
        return 1;
    return count[REPORT_PART] || count[REPORT_NOT_DONE] || !through ? 3 : 0;
}

/* --- setting up --------------------------------------------------------------------------------------------------- */

/* What is missing for any mail at all is told before anything is done. */
static bool check_sender(const struct report_options *options, GError **error)
{
    const struct config *config = options->config;
    bool server = config->smtp.server || config->smtp.transport == CONFIG_TRANSPORT_GRAPH;
    const char *missing = !server && !config->smtp.from ? "smtp.server and smtp.from (or SMTP_SERVER and MAIL_FROM) are"
                          : !server                     ? "smtp.server (or SMTP_SERVER) is"
                          : !config->smtp.from          ? "smtp.from (or MAIL_FROM) is"
                                                        : NULL;

    if (missing && options->send)
        g_set_error(error, REPORT_ERROR, REPORT_ERROR_USAGE,
                    "No report can be mailed: %s missing in the configuration; --no-send --output DIR writes reports "
                    "into files instead",
                    missing);
    return !missing || !options->send;
}

/* The customers asked for, each with its window. False with *error when there is no window at all: then the dates are
 * at fault, and not one customer's zone. */
static bool plan(const struct report_options *options, int64_t now, GPtrArray *works, GError **error)
{
    bool any = false;

    for (guint i = 0; i < options->config->customers->len; i++) {
        const struct config_customer *customer = g_ptr_array_index(options->config->customers, i);
        struct work *work;

        if (!edition_is_wanted(options, customer->name))
            continue;
        work = g_new0(struct work, 1);
        work->config = customer;
        work->window = edition_window(options, customer, now, &work->error);
        any = any || work->window;
        g_ptr_array_add(works, work);
    }
    if (any)
        return true;
    if (works->len)
        g_propagate_error(error, g_error_copy(((struct work *)g_ptr_array_index(works, 0))->error));
    else
        g_set_error(error, REPORT_ERROR, REPORT_ERROR_USAGE,
                    "There is no customer to report on: name customers in m365keep.yaml, or one in the environment");
    return false;
}

/* --- one customer ------------------------------------------------------------------------------------------------- */

static void draw(const struct reporter *reporter, const char *text)
{
    g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);

    g_ptr_array_add(lines, text_for_terminal(text));
    progress_draw(reporter->progress, lines);
}

/* What is being done for which of the customers. */
static void show(const struct reporter *reporter, const struct work *work, const char *doing)
{
    g_autofree char *text = NULL;

    if (!progress_due(reporter->progress))
        return;
    text = g_strdup_printf("%s (%u of %u): %s", work->config->name, reporter->run->customers->len, reporter->works->len,
                           doing);
    draw(reporter, text);
}

static void warn_of_rare_scans(const struct edition *edition, GPtrArray *warnings)
{
    int64_t good = edition->figures->scans_good;
    g_autofree char *gap = report_duration(config_health_max_gap_s(edition->options->config));

    g_ptr_array_add(warnings, g_strdup_printf("%" G_GINT64_FORMAT " scan%s of the services' health succeeded in this "
                                              "window, but none within %s of another: a scan vouches for no longer "
                                              "time, so the report has no data. Scan more often, or let "
                                              "schedule.health say how often that is.",
                                              good, good == 1 ? "" : "s", gap));
}

/* What was scanned little or not at all is told in the report; that nobody scans is for those who run this. */
static void warn_of_no_data(const struct edition *edition, GPtrArray *warnings)
{
    const struct report_figures *figures = edition->figures;

    if (!edition->known)
        g_ptr_array_add(warnings, g_strdup("The database knows nothing of this customer: the report says that there "
                                           "are no data. Does m365keep scan run for it?"));
    else if (!figures->observed_s && figures->scans_good)
        warn_of_rare_scans(edition, warnings);
    else if (!figures->observed_s)
        g_ptr_array_add(warnings,
                        g_strdup_printf("No scan of the services' health succeeded in this window: the report says "
                                        "that there are no data%s%s",
                                        figures->last_scan_error ? ". The last one failed: " : ".",
                                        figures->last_scan_error ? figures->last_scan_error : ""));
}

/* The mail's place in the outbox; the message of the files is that mail's. */
static bool queue(struct reporter *reporter, struct work *work, struct edition *edition, GError **error)
{
    char **to = work->config->mail_to;

    if (to && to[0])
        return post_queue(reporter->post, edition, work->result, error);
    g_set_error(error, REPORT_ERROR, REPORT_ERROR_USAGE,
                "The report was not mailed: customers[].mail_to (or MAIL_TO) names no recipient of %s's reports",
                work->config->name);
    return false;
}

/* An error ends the customer's report, but one of the mail's making does not keep from the files, nor one of the files
 * from the mail. */
static void keep_error(struct work *work, GError **error)
{
    struct report_customer *result = work->result;

    const char *hint = g_error_matches(*error, REPORT_ERROR, REPORT_ERROR_FILE)
                           ? "See to the folder, or name another with --output, or directories.images."
                           : NULL;

    if (!*error)
        return;
    log_write(LOG_LEVEL_ERROR, (*error)->message, "customer", result->name, "next", hint, NULL);
    if (!result->error) {
        result->error = g_strdup((*error)->message);
        work->hint = hint;
    }
    g_clear_error(error);
}

static void queue_and_write(struct reporter *reporter, struct work *work, struct edition *edition)
{
    struct report_customer *result = work->result;
    g_autoptr(GError) error = NULL;

    if (reporter->post && !queue(reporter, work, edition, &error))
        keep_error(work, &error);
    if (reporter->folder && !edition->message && edition_has_envelope(edition) &&
        !edition_compose(edition, 0, result->warnings, &error))
        keep_error(work, &error);
    if (reporter->folder && !edition_write(edition, reporter->folder, result->files, &error))
        keep_error(work, &error);
}

/* The mail of this run, where there is one, and those of earlier runs: what ails this report is no fault of theirs. */
static void send_mails(struct reporter *reporter, struct work *work)
{
    struct report_customer *result = work->result;
    g_autoptr(GError) error = NULL;

    show(reporter, work, "sending");
    if (result->mail && !post_try(reporter->post, work->config, result, &error))
        keep_error(work, &error);
    if (!post_send_due(reporter->post, work->config, result->mail, reporter->run->delivered, &error))
        keep_error(work, &error);
}

static void report_on(struct reporter *reporter, struct work *work)
{
    g_autoptr(GError) error = g_steal_pointer(&work->error);
    g_autoptr(Edition) edition = NULL;
    GPtrArray *warnings;

    work->result = add_customer(reporter->run, work);
    work->result->files_only = !reporter->post;
    warnings = work->result->warnings;
    show(reporter, work, "drawing");
    if (work->window) {
        edition = edition_new(reporter->options, work->config, work->window, clock_now(reporter->options->clock));
        if (edition_read(edition, reporter->store, warnings, &error)) {
            work->result->json = reporter->options->json ? report_figures_json(edition->figures) : NULL;
            work->begin = outcome_of_figures(edition->figures);
            if (!work->result->tenant_id)
                work->result->tenant_id = g_strdup(edition->figures->tenant_id);
            warn_of_no_data(edition, warnings);
            if (edition_draw(edition, warnings, &error))
                queue_and_write(reporter, work, edition);
        }
    }
    for (guint i = 0; i < warnings->len; i++)
        log_write(LOG_LEVEL_WARN, g_ptr_array_index(warnings, i), "customer", work->config->name, NULL);
    keep_error(work, &error);
    if (reporter->post)
        send_mails(reporter, work);
}

/* --- waiting ------------------------------------------------------------------------------------------------------ */

/* When the first mail that is queued is to be tried again; 0: there is none. */
static int64_t first_attempt(const struct reporter *reporter)
{
    const struct report_run *run = reporter->run;
    int64_t first = 0;

    for (guint i = 0; i < run->customers->len + run->delivered->len; i++) {
        const struct store_mail *mail =
            i < run->customers->len ? ((const struct report_customer *)g_ptr_array_index(run->customers, i))->mail
                                    : g_ptr_array_index(run->delivered, i - run->customers->len);
        int64_t next;

        if (!mail || mail->state != STORE_MAIL_QUEUED)
            continue;
        next = post_next_attempt(reporter->post, mail);
        first = first ? MIN(first, next) : next;
    }
    return first;
}

static const struct config_customer *customer_of(const struct reporter *reporter, const struct store_mail *mail)
{
    for (guint i = 0; i < reporter->works->len; i++) {
        const struct work *work = g_ptr_array_index(reporter->works, i);

        if (g_strcmp0(work->config->name, mail->customer) == 0)
            return work->config;
    }
    return NULL;
}

static void try_all_again(struct reporter *reporter)
{
    struct report_run *run = reporter->run;
    g_autoptr(GError) error = NULL;

    for (guint i = 0; i < reporter->works->len; i++) {
        struct work *work = g_ptr_array_index(reporter->works, i);
        struct report_customer *result = work->result;

        if (result && result->mail &&
            !post_try_again(reporter->post, work->config, &result->mail, &result->hint, &error))
            keep_error(work, &error);
    }
    for (guint i = 0; i < run->delivered->len; i++) {
        struct store_mail **mail = (struct store_mail **)&run->delivered->pdata[i];

        if (!post_try_again(reporter->post, customer_of(reporter, *mail), mail, NULL, &error))
            log_write(LOG_LEVEL_ERROR, error->message, "customer", (*mail)->customer, NULL);
        g_clear_error(&error);
    }
}

/* Goes on trying what was put off, until nothing is, or the time to wait for it is over. */
static void wait_for_mails(struct reporter *reporter)
{
    for (int64_t next; (next = first_attempt(reporter)) != 0;) {
        g_autofree char *at = timestamp_format_seconds(next);
        g_autofree char *text = g_strdup_printf("waiting until %s to try again what was put off", at);

        draw(reporter, text);
        if (!post_wait(reporter->post, next))
            return;
        try_all_again(reporter);
    }
}

/* --- the whole ---------------------------------------------------------------------------------------------------- */

static void conclude(const struct reporter *reporter)
{
    for (guint i = 0; i < reporter->works->len; i++) {
        const struct work *work = g_ptr_array_index(reporter->works, i);
        const struct store_mail *mail = work->result ? work->result->mail : NULL;

        if (!work->result)
            continue;
        if (!work->result->hint)
            work->result->hint = g_strdup(work->hint);
        outcome_tell(work->result, work->window, work->begin, mail ? post_held_back(reporter->post) : NULL,
                     mail ? post_next_attempt(reporter->post, mail) : 0);
    }
}

static void report_on_all(struct reporter *reporter)
{
    const struct report_options *options = reporter->options;

    reporter->progress = progress_new(options->progress);
    for (guint i = 0; i < reporter->works->len && !post_interrupted(options, &reporter->run->signal); i++)
        report_on(reporter, g_ptr_array_index(reporter->works, i));
    report_chart_end();
    if (reporter->post)
        wait_for_mails(reporter);
    progress_free(reporter->progress);
    conclude(reporter);
    reporter->run->finished = clock_now(options->clock);
}

/* What is at fault for all customers is told once, before anything is drawn; mails that wait are sent nevertheless. */
static bool check_configuration(const struct reporter *reporter, GError **error)
{
    const struct report_options *options = reporter->options;
    const struct work *any = g_ptr_array_index(reporter->works, 0);

    for (guint i = 1; i < reporter->works->len && !any->window; i++) /* plan found one */
        any = g_ptr_array_index(reporter->works, i);
    g_autoptr(Edition) edition = edition_new(options, any->config, any->window, clock_now(options->clock));
    if (edition_check(edition, reporter->folder, error))
        return true;
    for (guint i = 0; i < reporter->works->len && reporter->post; i++) {
        const struct config_customer *customer = ((struct work *)g_ptr_array_index(reporter->works, i))->config;
        g_autoptr(GError) cause = NULL;

        if (!post_send_due(reporter->post, customer, NULL, reporter->run->delivered, &cause))
            log_write(LOG_LEVEL_ERROR, cause->message, "customer", customer->name, NULL);
    }
    return false;
}

struct report_run *report_run(const struct report_options *options, GError **error)
{
    const char *images = options->config->directories.images;
    struct report_run *run = run_new(clock_now(options->clock));
    g_autoptr(GPtrArray) works = g_ptr_array_new_with_free_func(work_free);
    g_autoptr(Store) store = NULL;
    g_autoptr(Post) post = NULL;
    bool good = check_sender(options, error) && plan(options, run->started, works, error) &&
                (store = edition_open_store(options, error)) &&
                (!options->send || (post = post_open(options, store, &run->signal, error)));
    struct reporter reporter = {.options = options,
                                .folder = options->output ? options->output : images,
                                .store = store,
                                .post = post,
                                .run = run,
                                .works = works};

    if (good && check_configuration(&reporter, error)) {
        report_on_all(&reporter);
        return run;
    }
    g_clear_pointer(&post, post_close); /* it may still know mails of the run */
    report_run_free(run);
    return NULL;
}
