#include "report/chart_frame.h"

#include <limits.h>
#include <string.h>

#include "report/chart_words.h"

enum {
    EDGE = CHART_PX(9),       /* no label comes nearer to the picture's edge */
    LABEL_GAP = CHART_PX(8),  /* at least, between labels */
    TICK_GAP = CHART_PX(5),   /* from the tick of a day to its label at the right */
    LABEL_DROP = CHART_PX(19) /* from the axis to the labels' baseline */
};

/* --- the axis ----------------------------------------------------------------------------------------------------- */

static bool of_hours(enum chart_step step)
{
    return step < CHART_DAY;
}

static int column_of(const struct chart_plot *plot, int64_t at)
{
    return (int)(chart_plot_column(plot, at) + 0.5);
}

/* The left end of a label: hours stand below their tick, days begin at theirs. */
static int label_left(const struct chart_axis *axis, const struct chart_tick *tick, int width)
{
    int column = column_of(axis->plot, tick->at);
    int most = CHART_PX(REPORT_CHART_WIDTH) - EDGE - width;

    return of_hours(axis->step) ? MAX(EDGE, MIN(column - width / 2, most)) : column + TICK_GAP;
}

/* Whether a label of a day sticks out at the right, where its day is cut off: such a one is left out. */
static bool sticks_out(const struct chart_axis *axis, int left, int width)
{
    return !of_hours(axis->step) && left + width > axis->plot->left + axis->plot->width + EDGE;
}

/* Takes away labels that would touch the one before; returns how many. *cut: whether the last one had no room. */
static guint drop_labels(struct canvas *canvas, struct chart_axis *axis, bool *cut)
{
    int end = INT_MIN / 2;
    guint dropped = 0;

    for (guint i = 0; i < axis->ticks->len; i++) {
        struct chart_tick *tick = &g_array_index(axis->ticks, struct chart_tick, i);
        tick->width = canvas_text_width(canvas, CANVAS_LABEL, tick->label, axis->plot->width);
        tick->left = label_left(axis, tick, tick->width);
        if (sticks_out(axis, tick->left, tick->width)) {
            *cut = true;
            tick->label[0] = '\0';
            continue;
        }
        if (tick->left >= end + LABEL_GAP) {
            end = tick->left + tick->width;
            continue;
        }
        bool start = i == 1 && axis->step >= CHART_WEEK; /* the beginning gives way to the first Monday */
        struct chart_tick *loser = start ? tick - 1 : tick;
        loser->label[0] = '\0';
        dropped += !start;
        end = start ? tick->left + tick->width : end;
    }
    return dropped;
}

/* Whether the axis can have ticks at this step; then it has them. */
static bool try_step(struct canvas *canvas, struct chart_axis *axis, enum chart_step step, bool wide)
{
    g_autoptr(GArray) days = report_window_days(axis->plot->window);
    guint n_days = days->len - 1;

    if (of_hours(step) && (n_days > 3 || axis->plot->pitch > 0))
        return false;
    axis->step = step;
    axis->ticks = chart_ticks(axis->plot->window, step, wide);
    bool crowded = axis->ticks->len * CHART_PX(24) > (guint)axis->plot->width + CHART_PX(24), cut = false;
    /* On a day that the clock makes short, one hour's label may give way; on any other one it would be that of the end.
     */
    bool is_short = axis->plot->window->to - axis->plot->window->from < (int64_t)n_days * 86400;
    if (crowded || drop_labels(canvas, axis, &cut) > (of_hours(step) && is_short ? 1 : 0) || (cut && wide)) {
        g_clear_pointer(&axis->ticks, g_array_unref);
        return false;
    }
    return true;
}

struct chart_axis *chart_axis_new(struct canvas *canvas, const struct chart_plot *plot)
{
    struct chart_axis *axis = g_new0(struct chart_axis, 1);

    axis->plot = plot;
    for (int step = 0; step < CHART_STEPS && axis->ticks == NULL; step++)
        if (!try_step(canvas, axis, (enum chart_step)step, true))
            try_step(canvas, axis, (enum chart_step)step, false);
    if (axis->ticks == NULL) {
        axis->step = CHART_MONTHS_3;
        axis->ticks = chart_ticks(plot->window, axis->step, false);
        drop_labels(canvas, axis, &(bool){false});
    }
    axis->nights = axis->step <= CHART_DAYS_2 && plot->pitch == 0
                       ? chart_nights(plot->window)
                       : g_array_new(FALSE, FALSE, sizeof(struct chart_night));
    return axis;
}

void chart_axis_free(struct chart_axis *axis)
{
    if (axis == NULL)
        return;
    g_array_unref(axis->ticks);
    g_array_unref(axis->nights);
    g_free(axis);
}

void chart_draw_ground(struct canvas *canvas, const struct chart_axis *axis, int top, int height)
{
    for (guint i = 0; i < axis->nights->len; i++) {
        const struct chart_night *night = &g_array_index(axis->nights, struct chart_night, i);
        int from = column_of(axis->plot, night->from), to = column_of(axis->plot, night->to);
        canvas_fill(canvas, CHART_NIGHT, from, top, to - from, height);
    }
    for (guint i = 0; i < axis->ticks->len; i++) {
        int column = column_of(axis->plot, g_array_index(axis->ticks, struct chart_tick, i).at);
        if (column > axis->plot->left && column < axis->plot->left + axis->plot->width)
            canvas_fill(canvas, CHART_GRID, column - 1, top, CHART_PX(1), height);
    }
}

/* Small ticks between those that are labelled: the next finer step. */
static void draw_small_ticks(struct canvas *canvas, const struct chart_axis *axis, int y)
{
    static const enum chart_step finer[CHART_STEPS] = {
        [CHART_HOURS_6] = CHART_HOURS_3, [CHART_DAYS_2] = CHART_DAY,     [CHART_WEEK] = CHART_DAY,
        [CHART_WEEKS_2] = CHART_WEEK,    [CHART_MONTHS_3] = CHART_MONTH,
    };
    g_autoptr(GArray) ticks = NULL;

    if (finer[axis->step] == CHART_HOURS_3 && axis->step != CHART_HOURS_6)
        return;
    ticks = chart_ticks(axis->plot->window, finer[axis->step], false);
    for (guint i = 0; i < ticks->len; i++) {
        int column = column_of(axis->plot, g_array_index(ticks, struct chart_tick, i).at);
        canvas_fill(canvas, CHART_LINE, column - 1, y, CHART_PX(1), CHART_PX(4));
    }
}

void chart_draw_scale(struct canvas *canvas, const struct chart_axis *axis, int y)
{
    int length = of_hours(axis->step) ? CHART_PX(4) : LABEL_DROP + CHART_PX(1);

    draw_small_ticks(canvas, axis, y);
    for (guint i = 0; i < axis->ticks->len; i++) {
        const struct chart_tick *tick = &g_array_index(axis->ticks, struct chart_tick, i);
        int column = column_of(axis->plot, tick->at);
        bool labelled = tick->label[0] != '\0';
        canvas_fill(canvas, CHART_LINE, column - 1, y, CHART_PX(1), labelled ? length : CHART_PX(4));
        if (labelled)
            canvas_text(canvas, CANVAS_LABEL, CANVAS_LEFT, tick->label, tick->left, y + LABEL_DROP, axis->plot->width);
    }
}

/* --- bands -------------------------------------------------------------------------------------------------------- */

int chart_band_height(enum report_impact impact, int full)
{
    static const int percent[REPORT_IMPACTS] = {
        [REPORT_NO_DATA] = 100, [REPORT_OPERATIONAL] = 24, [REPORT_MINOR] = 44,
        [REPORT_AFFECTED] = 62, [REPORT_DEGRADED] = 82,    [REPORT_INTERRUPTED] = 100,
    };

    return (full * percent[impact] + 50) / 100;
}

void chart_draw_band(struct canvas *canvas, enum report_impact impact, int x, int width, int bottom, int full)
{
    int height = chart_band_height(impact, full);

    if (impact == REPORT_NO_DATA)
        canvas_hatch(canvas, x, bottom - height, width, height);
    else
        canvas_fill(canvas, report_chart_colors[impact], x, bottom - height, width, height);
}

void chart_draw_partial(struct canvas *canvas, enum report_impact impact, int x, int width, int bottom, int full)
{
    int height = chart_band_height(impact, full);
    int unknown = MAX(full - height, CHART_PX(4));

    canvas_hatch(canvas, x, bottom - full, width, unknown);
    canvas_fill(canvas, report_chart_colors[impact], x, bottom - full + unknown, width, full - unknown);
}

/* What covers what: the worse the better, and what nobody knows covers what was well. */
static int rank_of(enum report_impact impact)
{
    return impact == REPORT_OPERATIONAL ? 0 : impact == REPORT_NO_DATA ? 1 : (int)impact;
}

enum { THINNEST = 2 }; /* of a stretch, in columns */

/* How many columns of the plot are not after `now`; a day that has begun is shown whole. */
static int past_columns(const struct chart_plot *plot, int64_t now)
{
    int columns = column_of(plot, MIN(now, plot->window->to)) - plot->left;

    if (plot->pitch > 0 && now < plot->window->to)
        columns += plot->pitch;
    return CLAMP(columns, THINNEST, plot->width);
}

guint8 *chart_columns(const struct chart_plot *plot, const GArray *stretches, int64_t now)
{
    int width = past_columns(plot, now);
    guint8 *columns = g_malloc((gsize)plot->width);
    bool *covered = g_new0(bool, (gsize)width);

    memset(columns, CHART_FUTURE, (size_t)plot->width);
    memset(columns, REPORT_NO_DATA, (size_t)width);
    for (guint i = 0; i < stretches->len; i++) {
        const struct report_stretch *stretch = &g_array_index(stretches, struct report_stretch, i);
        if (!chart_has_begun(stretch, now))
            break;
        int from = column_of(plot, stretch->from) - plot->left, to = column_of(plot, stretch->to) - plot->left;
        if (to - from < THINNEST) {
            from = MAX(0, MIN((from + to - THINNEST + 1) / 2, width - THINNEST));
            to = from + THINNEST;
        }
        for (int x = MAX(from, 0); x < MIN(to, width); x++) {
            if (covered[x] && rank_of((enum report_impact)columns[x]) >= rank_of(stretch->impact))
                continue;
            columns[x] = (guint8)stretch->impact;
            covered[x] = true;
        }
    }
    g_free(covered);
    return columns;
}

void chart_draw_stretches(struct canvas *canvas, const struct chart_plot *plot, const GArray *stretches, int64_t now,
                          int bottom, int full)
{
    guint8 *columns = chart_columns(plot, stretches, now);

    for (int x = 0, from = 0; x < plot->width; x++) {
        if (x + 1 < plot->width && columns[x + 1] == columns[x])
            continue;
        if (columns[x] != CHART_FUTURE)
            chart_draw_band(canvas, (enum report_impact)columns[x], plot->left + from, x + 1 - from, bottom, full);
        from = x + 1;
    }
    g_free(columns);
}

void chart_draw_future(struct canvas *canvas, const struct chart_plot *plot, int64_t now, int top, int height)
{
    enum { AIR = CHART_PX(4), DROP = CHART_PX(5) }; /* at both sides of the words; from the middle to their baseline */
    static const char *const words = "not yet";
    int from = past_columns(plot, now), room = plot->width - from;

    if (now >= plot->window->to || room <= 0)
        return;
    canvas_fill(canvas, 0xffffff, plot->left + from, top, room, height);
    if (canvas_text_width(canvas, CANVAS_LABEL, words, plot->width) + 2 * AIR <= room)
        canvas_text(canvas, CANVAS_LABEL, CANVAS_CENTRE, words, plot->left + from + room / 2, top + height / 2 + DROP,
                    room);
}

/* --- the legend --------------------------------------------------------------------------------------------------- */

enum {
    SWATCH = CHART_PX(13),
    SWATCH_GAP = CHART_PX(6),
    ITEM_GAP = CHART_PX(14),
    LEGEND_LINE = CHART_PX(22),
    LEGEND_DROP = CHART_PX(13) /* from the line's top to its baseline */
};

enum { ITEM_PARTIAL = REPORT_IMPACTS, ITEM_NIGHT, MOST_ITEMS };

struct item {
    int kind; /* an impact, or one of the above */
    const char *text;
    int width;
};

struct items {
    struct item items[MOST_ITEMS];
    guint n, n_impacts; /* the first of them */
};

static void add_item(struct canvas *canvas, struct items *items, int kind, const char *text)
{
    int width = SWATCH + SWATCH_GAP + canvas_text_width(canvas, CANVAS_LABEL, text, CHART_PX(REPORT_CHART_WIDTH));

    items->items[items->n++] = (struct item){kind, text, width};
}

static struct items list_items(struct canvas *canvas, const struct chart_legend *legend)
{
    struct items items = {.n = 0};

    for (int impact = REPORT_OPERATIONAL; impact < REPORT_IMPACTS; impact++)
        if (legend->impacts[impact])
            add_item(canvas, &items, impact, report_impact_name((enum report_impact)impact));
    items.n_impacts = items.n;
    if (legend->impacts[REPORT_NO_DATA])
        add_item(canvas, &items, REPORT_NO_DATA, report_impact_name(REPORT_NO_DATA));
    if (legend->partial)
        add_item(canvas, &items, ITEM_PARTIAL, "Partly observed");
    if (legend->night)
        add_item(canvas, &items, ITEM_NIGHT, "Night");
    return items;
}

static void draw_items(struct canvas *canvas, const struct items *items, guint from, guint to, int x, int baseline)
{
    int bottom = baseline + CHART_PX(1);

    for (guint i = from; i < to; i++) {
        const struct item *item = &items->items[i];
        if (item->kind == ITEM_NIGHT)
            canvas_fill(canvas, CHART_NIGHT, x, bottom - SWATCH, SWATCH, SWATCH);
        else if (item->kind == ITEM_PARTIAL)
            chart_draw_partial(canvas, REPORT_OPERATIONAL, x, SWATCH, bottom, SWATCH);
        else
            chart_draw_band(canvas, (enum report_impact)item->kind, x, SWATCH, bottom, SWATCH);
        canvas_text(canvas, CANVAS_LABEL, CANVAS_LEFT, item->text, x + SWATCH + SWATCH_GAP, baseline, item->width);
        x += item->width + ITEM_GAP;
    }
}

/* In one line, or in two: impacts, and the rest with the zone. */
int chart_draw_legend(struct canvas *canvas, const struct chart_legend *legend, const char *zone, int y)
{
    int right = CHART_PX(REPORT_CHART_WIDTH) - CHART_MARGIN, baseline = y + LEGEND_DROP;
    int width = CHART_MARGIN + canvas_text_width(canvas, CANVAS_LABEL, zone, right - CHART_MARGIN);
    struct items items = list_items(canvas, legend);

    for (guint i = 0; i < items.n; i++)
        width += items.items[i].width + ITEM_GAP;
    if (width <= right) {
        draw_items(canvas, &items, 0, items.n, CHART_MARGIN, baseline);
    } else {
        draw_items(canvas, &items, 0, items.n_impacts, CHART_MARGIN, baseline);
        baseline += LEGEND_LINE;
        draw_items(canvas, &items, items.n_impacts, items.n, CHART_MARGIN, baseline);
    }
    canvas_text(canvas, CANVAS_LABEL, CANVAS_RIGHT, zone, right, baseline, right - CHART_MARGIN);
    return baseline - LEGEND_DROP + LEGEND_LINE - y;
}
