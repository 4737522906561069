#include "collect/window_run.h"

#include "base/base.h"

enum {
    FIRST_WINDOW = 24 * 3600,
    OPEN_WINDOW_MIN = 300,         /* what an earlier run left open is narrowed down further */
    FAILED_IN_A_ROW_MAX = 6,       /* windows of new time; then the source is left for the next run ... */
    FAILED_OPEN_IN_A_ROW_MAX = 24, /* ... and of time that stays open: a day is not spent on it */
    PATIENCE_S = 30 * 60, /* without one whole page: then the source is left for the next run, for the others' sake */
    EXPECTED_LEAST = 20,  /* where so many were to be expected and none came, the service has none any more */
    TAIL = 300,           /* a rest of a stretch below this goes with the window before it */
};

/* --- time that is lost -----------------------------------------------------------------------------------------------
 */

static void say_lost(struct window_run *run, struct store_window window, int64_t kept_s)
{
    g_autofree char *from = timestamp_format_seconds(window.from), *to = timestamp_format_seconds(window.to);

    source_run_warn(&run->base,
                    g_strdup_printf("A hole: nothing was collected from %s to %s, and the service keeps %s "
                                    "for %" G_GINT64_FORMAT " days only; those records cannot be had any more.",
                                    from, to, run->base.source->name, kept_s / (24 * 3600)));
}

static bool note_lost(struct window_run *run, struct store_window window)
{
    const struct source_run *base = &run->base;
    g_autoptr(GError) error = NULL;

    if (store_mark_lost(base->context->store, base->customer_id, base->source->name, base->part->name, window,
                        source_run_now(base), &error))
        return true;
    source_run_fail_database(&run->base, error);
    return false;
}

static void mark_lost(struct window_run *run, struct store_window window)
{
    if (note_lost(run, window))
        say_lost(run, window, run->base.source->reach_s);
}

bool window_looks_lost(const struct window_run *run)
{
    int64_t from = MAX(run->window.from, run->covered_to), to = run->window.to;

    if (run->covered_to == 0 || from >= to || run->window_pages > 1 || run->window_records > 0 ||
        to > source_run_now(&run->base) - run->base.source->reach_unlicensed_s)
        return false;
    return run->lost.to == run->window.from || run->density * (double)(to - from) >= EXPECTED_LEAST;
}

static void say_looks_lost(struct window_run *run)
{
    if (run->lost.from < run->lost.to)
        say_lost(run, run->lost, run->base.source->reach_unlicensed_s);
    run->lost = (struct store_window){0};
}

/* --- windows ---------------------------------------------------------------------------------------------------------
 */

static void begin_window(struct window_run *run, struct store_window window)
{
    run->window = window;
    run->window_pages = 0;
    source_run_new_chain(&run->base);
    if (!run->base.link) { /* else taken up where an interrupted run stood */
        run->window_records = 0;
        run->base.link = window_start(run, window);
    }
    source_run_request(&run->base);
}

/* What was left open was not to be had in long windows: it begins with a short one, and grows from there. */
static void enter_stretch(struct window_run *run, const struct plan_stretch *stretch)
{
    if (stretch->kind != PLAN_OPEN || run->open_entered == run->next + 1)
        return;
    run->open_entered = run->next + 1;
    run->window_s = MIN(run->window_s, WINDOW_MIN);
}

/* Begins the next window of the plan, or lets the run end. */
static void next_window(struct window_run *run)
{
    while (run->next < run->stretches->len && run->base.state != SOURCE_RUN_WRITING) {
        struct plan_stretch *stretch = &g_array_index(run->stretches, struct plan_stretch, run->next);
        struct store_window window = stretch->time;

        if (window.from >= window.to) {
            run->next++;
        } else if (stretch->kind == PLAN_LOST) {
            mark_lost(run, window);
            run->next++;
        } else {
            enter_stretch(run, stretch);
            if (window.to - window.from > run->window_s + MIN(TAIL, run->window_s / 12))
                window.to = window.from + run->window_s;
            begin_window(run, window);
            return;
        }
    }
    run->base.state = SOURCE_RUN_WRITING;
}

/* The window is over, read or given up: the stretch goes on after it. */
static void step_past_window(struct window_run *run)
{
    struct plan_stretch *stretch = &g_array_index(run->stretches, struct plan_stretch, run->next);

    stretch->time.from = run->window.to;
    run->restarted = false;
    g_clear_pointer(&run->base.link, g_free);
    next_window(run);
}

void window_lost(struct window_run *run)
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

void window_note_page(struct window_run *run)
{
    run->page_us = clock_monotonic_us(run->base.context->options->clock);
}

void window_read(struct window_run *run)
{
    say_looks_lost(run);
    run->failed_in_a_row = 0;
    /* By records, since an interrupted run may have read the window's first pages. */
    run->window_s = plan_window_length(run->window.to - run->window.from,
                                       MAX(run->window_pages, run->window_records / run->base.source->page_size));
    step_past_window(run);
}

/* --- failures --------------------------------------------------------------------------------------------------------
 */

static void say_left_open(struct window_run *run)
{
    struct store_window window = run->left_open;
    g_autofree char *from = timestamp_format_seconds(window.from), *to = timestamp_format_seconds(window.to);

    run->left_open = (struct store_window){0};
    if (window.from < window.to)
        source_run_warn(&run->base, g_strdup_printf("The time from %s to %s could not be read: it stays open, and the "
                                                    "next run tries again.",
                                                    from, to));
}

/* Neighbours are told as one. */
static void leave_open(struct window_run *run, struct store_window window)
{
    const struct source_run *base = &run->base;
    g_autoptr(GError) error = NULL;

    if (!store_mark_open(base->context->store, base->customer_id, base->source->name, base->part->name, window, &error))
        source_run_fail_database(&run->base, error);
    if (run->left_open.to != window.from) {
        say_left_open(run);
        run->left_open = window;
    }
    run->left_open.to = window.to;
}

/* The window cannot be made smaller: it stays open for the next run, and this one goes on after it. */
static void give_window_up(struct window_run *run, const struct client_failure *failure, bool was_open)
{
    if (failure->verdict == CLIENT_BAD_BODY)
        window_salvage(run, failure->request_id);
    leave_open(run, run->window);
    source_run_note_failure(&run->base, failure);
    if (++run->failed_in_a_row >= (was_open ? FAILED_OPEN_IN_A_ROW_MAX : FAILED_IN_A_ROW_MAX))
        run->base.state = SOURCE_RUN_WRITING;
    else
        step_past_window(run);
}

/* A service that brings nothing, however often and in however small windows it is asked: the run of all the customers
 * must not wait for it. The window stays open, and the rest is new time to the next run. */
static bool patience_is_over(const struct window_run *run)
{
    return clock_monotonic_us(run->base.context->options->clock) - run->page_us > PATIENCE_S * CLOCK_US;
}

/* The same time again, in a smaller window, down to an hour; what earlier runs left open, down to minutes. */
static void shrink_window(struct window_run *run, const struct client_failure *failure)
{
    bool was_open = g_array_index(run->stretches, struct plan_stretch, run->next).kind == PLAN_OPEN;
    int64_t length = run->window.to - run->window.from, least = was_open ? OPEN_WINDOW_MIN : WINDOW_MIN;

    g_clear_pointer(&run->base.link, g_free);
    run->restarted = false;
    if (patience_is_over(run)) {
        leave_open(run, run->window);
        source_run_fail(&run->base, failure);
        return;
    }
    if (length <= least + least / 12) {
        give_window_up(run, failure, was_open);
        return;
    }
    run->window_s = MAX(length / 2, least);
    next_window(run);
}

static void restart_window(struct window_run *run)
{
    g_clear_pointer(&run->base.link, g_free);
    run->restarted = true;
    begin_window(run, run->window);
}

/* A link that is refused may be at fault itself, and a window that is refused where others were read, too. When nothing
 * was read at all, the service refuses what we ask for, and asking again is no use. */
static void handle_refusal(struct window_run *run, const struct client_failure *failure)
{
    if (!run->restarted && !window_is_start(run, run->window, run->base.link))
        restart_window(run);
    else if (run->base.result->fetched > 0)
        shrink_window(run, failure);
    else
        source_run_fail(&run->base, failure);
}

void window_failed(struct window_run *run, const struct client_failure *failure)
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
        source_run_fail(&run->base, failure);
        break;
    }
}

/* --- the kind --------------------------------------------------------------------------------------------------------
 */

static void begin(struct source_run *base)
{
    struct window_run *run = window_run_of(base);

    window_note_page(run);
    if (window_plan(run))
        next_window(run);
}

static void page_failed(struct source_run *base, const struct client_failure *failure)
{
    window_failed(window_run_of(base), failure);
}

/* A database that does not take the records does not take a note about them either: trying would only wait again. */
static void finish(struct source_run *base)
{
    struct window_run *run = window_run_of(base);
    g_autoptr(GError) error = NULL;

    say_looks_lost(run);
    say_left_open(run);
    if (run->stretches && !writer_error(base->context->writer) &&
        !store_coverage_settle(base->context->store, base->customer_id, base->source->name, base->part->name,
                               run->settled_after, run->keep_from, &error))
        source_run_warn(base, g_strdup_printf("The outcome could not be noted in the database: %s", error->message));
}

static char *doing(const struct source_run *base)
{
    const struct window_run *run = (const struct window_run *)base;
    g_autofree char *at = run->window.from ? timestamp_format_seconds(run->window.from) : NULL;

    return at ? g_strdup_printf("reading %s", at) : g_strdup("signing in");
}

static void window_run_free(struct source_run *base)
{
    struct window_run *run = window_run_of(base);

    if (run->stretches)
        g_array_unref(run->stretches);
    g_free(run);
}

struct source_run *window_run_new(void)
{
    static const struct source_run_kind kind = {.begin = begin,
                                                .page_read = window_page_read,
                                                .page_failed = page_failed,
                                                .committed = window_page_committed,
                                                .finish = finish,
                                                .doing = doing,
                                                .free = window_run_free};
    struct window_run *run = g_new0(struct window_run, 1);

    run->base.kind = &kind;
    run->window_s = FIRST_WINDOW;
    return &run->base;
}
