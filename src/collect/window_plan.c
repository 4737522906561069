#include "collect/window_run.h"

#include "base/base.h"

enum {
    CURSOR_KEEPS = 3600,          /* a stored link may be dead after a while: then the window starts again */
    DENSITY_FROM = 7 * 24 * 3600, /* how many records to expect is told by this long before */
};

char *window_start(const struct window_run *run, struct store_window window)
{
    return source_window_url(run->base.source, run->base.part, run->base.base_url, window.from, window.to);
}

bool window_is_start(const struct window_run *run, struct store_window window, const char *link)
{
    g_autofree char *start = window_start(run, window);

    return g_str_equal(link, start);
}

/* Who asks for a time gets it; but it does not stay. */
static void say_not_kept(struct window_run *run, int64_t now)
{
    const char *name = run->base.source->name;
    int64_t by_age = config_keep_from(run->base.context->options->config, name, now);
    g_autofree char *from = timestamp_format_seconds(run->keep_from);

    source_run_warn(
        &run->base,
        run->keep_from == by_age
            ? g_strdup_printf("Retention keeps %s from %s on: what is read of earlier time now is deleted again by the "
                              "next prune.",
                              name, from)
            : g_strdup_printf(
                  "Retention has deleted %s of before %s: what is read of that time now goes again when the "
                  "database is above its max_size.",
                  name, from));
}

static void clip_since(struct window_run *run, int64_t now)
{
    const struct collect_options *options = run->base.context->options;
    const struct source *source = run->base.source;

    if (options->has_since && options->since < run->keep_from)
        say_not_kept(run, now);

    if (options->has_since && options->since < now - source->reach_s)
        source_run_warn(&run->base, g_strdup_printf("The service keeps %s for %" G_GINT64_FORMAT
                                                    " days at most: older time cannot be read.",
                                                    source->name, source->reach_s / (24 * 3600)));
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

/* A cursor at a window's start tells of a window that had to be left: that one waits its turn. */
static bool may_take_up(const struct window_run *run, const struct store_cursor *cursor, int64_t now)
{
    /* What is kept has moved by as much since at most. */
    bool is_kept = run->keep_from == INT64_MIN || cursor->window.from >= run->keep_from - CURSOR_KEEPS;

    return is_kept && cursor->next_link && cursor->saved_at <= now && now - cursor->saved_at <= CURSOR_KEEPS &&
           cursor->window.from >= now - run->base.source->reach_s && cursor->window.to <= now &&
           !window_is_start(run, cursor->window, cursor->next_link) &&
           source_run_may_go_on_at(&run->base, cursor->next_link);
}

/* Puts the window of an interrupted run first, to go on at its page. */
static void take_up_cursor(struct window_run *run, int64_t now)
{
    const struct source_run *base = &run->base;
    struct store_cursor cursor = {0};
    g_autoptr(GError) error = NULL;

    if (!store_cursor_read(base->context->store, base->customer_id, base->source->name, base->part->name, &cursor,
                           &error)) {
        if (error)
            source_run_fail_database(&run->base, error);
        return;
    }
    if (may_take_up(run, &cursor, now)) {
        struct plan_stretch stretch = {.time = cursor.window, .kind = PLAN_NEW};

        cut_out(run->stretches, cursor.window);
        g_array_prepend_val(run->stretches, stretch);
        run->window_s = MAX(cursor.window.to - cursor.window.from, WINDOW_MIN);
        run->base.link = g_steal_pointer(&cursor.next_link);
        run->window_records = cursor.records;
    }
    store_cursor_clear(&cursor);
}

/* What earlier runs lead to expect of new time. */
static void expect(struct window_run *run, const struct plan_input *input)
{
    for (size_t i = 0; i < input->n_rows; i++)
        if (input->rows[i].state != STORE_COVERAGE_OPEN)
            run->covered_to = MAX(run->covered_to, input->rows[i].to);
    run->density = plan_density(input, run->covered_to - DENSITY_FROM, run->covered_to);
}

bool window_plan(struct window_run *run)
{
    const struct source_run *base = &run->base;
    const struct collect_options *options = base->context->options;
    int64_t now = source_run_now(base);
    g_autoptr(GError) error = NULL;
    g_autoptr(GArray) rows =
        store_coverage_read(base->context->store, base->customer_id, base->source->name, base->part->name, &error);
    struct plan_input input = {.now = now,
                               .reach_s = base->source->reach_s,
                               .overlap_s = base->source->overlap_s,
                               .page_size = base->source->page_size,
                               .has_since = options->has_since,
                               .since = options->since};

    if (!rows) {
        source_run_fail_database(&run->base, error);
        return false;
    }
    if (!source_run_keep_from(&run->base, &run->keep_from))
        return false;
    input.keep_from = run->keep_from;
    input.rows = (const struct store_coverage *)(void *)rows->data;
    input.n_rows = rows->len;
    clip_since(run, now);
    expect(run, &input);
    run->settled_after = plan_settled_after(plan_reach(&input));
    run->stretches = plan_stretches(&input);
    if (!options->has_since)
        take_up_cursor(run, now);
    return base->state != SOURCE_RUN_WRITING;
}
