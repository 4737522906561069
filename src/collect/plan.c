#include "collect/collect.h"

enum {
    HOUR = 3600,
    DAY = 24 * HOUR,
    REACH_MARGIN = 300,        /* the service's clock decides what is too old, when the request arrives there */
    SHORT_OVERLAP = 30 * 60,   /* where the whole overlap costs more than OVERLAP_PAGES a run ... */
    FULL_OVERLAP_EVERY = HOUR, /* ... and how often it is read whole then */
    OVERLAP_PAGES = 10,
    SWEEP_CHUNK = 6 * HOUR, /* sweeps wait until this much is due, or the first of it is overdue by as much */
    WINDOW_PAGES = 20,
    WINDOW_MIN = HOUR,
    WINDOW_MAX = 7 * DAY,
};

static const int64_t sweep_after[] = {DAY, 2 * DAY, 7 * DAY};

int64_t plan_settled_after(int64_t reach_s)
{
    int64_t last = 0;

    for (size_t i = 0; i < G_N_ELEMENTS(sweep_after); i++)
        if (sweep_after[i] + DAY <= reach_s)
            last = sweep_after[i];
    return last;
}

int64_t plan_window_length(int64_t length_s, int64_t pages)
{
    int64_t length = length_s * WINDOW_PAGES / MAX(pages, 1);

    return CLAMP(length, WINDOW_MIN, WINDOW_MAX);
}

int64_t plan_reach(const struct plan_input *in)
{
    return in->keep_from > in->now - in->reach_s ? in->now - in->keep_from : in->reach_s;
}

static void add(GArray *plan, int64_t from, int64_t to, enum plan_kind kind)
{
    struct plan_stretch stretch = {.time = {from, to}, .kind = kind};

    if (from < to)
        g_array_append_val(plan, stretch);
}

static bool covered(const struct store_coverage *row)
{
    return row->state != STORE_COVERAGE_OPEN;
}

double plan_density(const struct plan_input *in, int64_t from, int64_t to)
{
    int64_t seconds = 0, records = 0;

    for (size_t i = 0; i < in->n_rows; i++) {
        const struct store_coverage *row = &in->rows[i];

        if (row->to > from && row->from < to &&
            (row->state == STORE_COVERAGE_READ || row->state == STORE_COVERAGE_SETTLED)) {
            seconds += row->to - row->from;
            records += row->records;
        }
    }
    return seconds ? (double)records / (double)seconds : 0;
}

/* True when some of [from, to) was last read more than an hour ago. */
static bool read_long_ago(const struct plan_input *in, int64_t from, int64_t to)
{
    for (size_t i = 0; i < in->n_rows; i++) {
        const struct store_coverage *row = &in->rows[i];

        if (row->to > from && row->from < to && covered(row) && row->read_at <= in->now - FULL_OVERLAP_EVERY)
            return true;
    }
    return false;
}

/* Where re-reading starts for new time that begins at `frontier`. */
static int64_t overlap_start(const struct plan_input *in, int64_t frontier)
{
    int64_t start = frontier - in->overlap_s;
    double pages = plan_density(in, start, frontier) * (double)in->overlap_s / MAX(in->page_size, 1);

    if (pages > OVERLAP_PAGES && !read_long_ago(in, start, frontier - SHORT_OVERLAP))
        start = frontier - SHORT_OVERLAP;
    return start;
}

/* What earlier runs began, and had to leave, goes from the new time to the end of `later`. */
static void split_open(const struct plan_input *in, const struct plan_stretch *stretch, GArray *plan, GArray *later)
{
    int64_t at = stretch->time.from;

    for (size_t i = 0; i < in->n_rows; i++) {
        const struct store_coverage *row = &in->rows[i];
        int64_t from = MAX(row->from, at), to = MIN(row->to, stretch->time.to);

        if (row->state != STORE_COVERAGE_OPEN || from >= to)
            continue;
        add(plan, at, from, stretch->kind);
        add(later, from, to, PLAN_OPEN);
        at = to;
    }
    add(plan, at, stretch->time.to, stretch->kind);
}

/* Adds the uncovered stretches of [from, now): below the reach they are lost, the rest is new. Reading starts at
 * `start`: where the reach does, or what is kept. */
static void plan_new(const struct plan_input *in, int64_t reach_start, int64_t start, GArray *plan, GArray *later)
{
    int64_t first = in->n_rows ? MIN(in->rows[0].from, in->now) : reach_start;
    int64_t at = MIN(first, reach_start);
    g_autoptr(GArray) fresh = g_array_new(FALSE, FALSE, sizeof(struct plan_stretch));

    for (size_t i = 0; i <= in->n_rows; i++) {
        const struct store_coverage *row = i < in->n_rows ? &in->rows[i] : NULL;
        int64_t gap_end;

        if (row && !covered(row))
            continue;
        gap_end = row ? MIN(row->from, in->now) : in->now;
        /* Before the first row nothing was ever promised: out of reach there is no hole. */
        add(plan, MAX(MAX(at, first), in->keep_from), MIN(gap_end, reach_start), PLAN_LOST);
        add(fresh, MAX(at, start), gap_end, PLAN_NEW);
        if (row)
            at = MAX(at, row->to);
    }
    /* The overlap goes before the newest stretch, or stands alone when nothing is new. */
    if (at > MAX(first, start)) {
        int64_t from = MAX(overlap_start(in, MIN(at, in->now)), start);
        struct plan_stretch *last = fresh->len ? &g_array_index(fresh, struct plan_stretch, fresh->len - 1) : NULL;

        if (last && last->time.from == at)
            last->time.from = from;
        else
            add(fresh, from, MIN(at, in->now), PLAN_NEW);
    }
    for (guint i = 0; fresh->data && i < fresh->len; i++)
        split_open(in, &g_array_index(fresh, struct plan_stretch, i), plan, later);
}

/* The age at which `row` is due for a sweep now; 0 when none is. */
static int64_t due_at(const struct plan_input *in, const struct store_coverage *row)
{
    int64_t last = plan_settled_after(plan_reach(in)), due = 0;

    if (row->state != STORE_COVERAGE_READ)
        return 0;
    for (size_t i = 0; i < G_N_ELEMENTS(sweep_after) && sweep_after[i] <= last; i++)
        if (row->to + sweep_after[i] <= in->now && row->read_at < row->to + sweep_after[i])
            due = row->to + sweep_after[i];
    return due;
}

static void plan_sweeps(const struct plan_input *in, int64_t start, GArray *plan)
{
    int64_t from = 0, to = 0, overdue = 0;

    for (size_t i = 0; i <= in->n_rows; i++) {
        const struct store_coverage *row = i < in->n_rows ? &in->rows[i] : NULL;
        int64_t due = row ? due_at(in, row) : 0;

        if (due && from < to && row->from == to) {
            to = row->to;
            overdue = MAX(overdue, in->now - due);
            continue;
        }
        if (from < to && (to - from >= SWEEP_CHUNK || overdue >= SWEEP_CHUNK))
            add(plan, MAX(from, start), to, PLAN_SWEEP);
        from = due ? row->from : 0;
        to = due ? row->to : 0;
        overdue = due ? in->now - due : 0;
    }
}

GArray *plan_stretches(const struct plan_input *in)
{
    GArray *plan = g_array_new(FALSE, FALSE, sizeof(struct plan_stretch));
    g_autoptr(GArray) later = NULL;
    int64_t reach_start = in->now - in->reach_s + REACH_MARGIN, start = MAX(reach_start, in->keep_from);

    if (in->has_since) {
        add(plan, MAX(in->since, reach_start), in->now, PLAN_NEW);
        return plan;
    }
    later = g_array_new(FALSE, FALSE, sizeof(struct plan_stretch));
    plan_new(in, reach_start, start, plan, later);
    plan_sweeps(in, start, plan);
    g_array_append_vals(plan, later->data, later->len);
    return plan;
}
