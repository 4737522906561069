#include "report/chart.h"

#include "report/chart_canvas.h"
#include "report/chart_frame.h"
#include "report/chart_words.h"

/* Each darker than the one before, in steps that are as clear in grey and to those who see no red, green or blue
 * (tests/unit/report/test_chart.c measures it). */
const guint32 report_chart_colors[REPORT_IMPACTS] = {
    [REPORT_NO_DATA] = CHART_GAP, [REPORT_OPERATIONAL] = 0xb0dfb4, [REPORT_MINOR] = 0x6fb0ea,
    [REPORT_AFFECTED] = 0xc4760a, [REPORT_DEGRADED] = 0xa93120,    [REPORT_INTERRUPTED] = 0x54092b,
};

enum {
    LEFT = CHART_MARGIN,
    RIGHT = CHART_PX(REPORT_CHART_WIDTH) - CHART_MARGIN,
    TITLE_BASELINE = CHART_PX(31),
    TITLE_SWATCH = CHART_PX(13),
    TITLE_SWATCH_TOP = TITLE_BASELINE + CHART_PX(1) - TITLE_SWATCH,

    TRACK_TOP = CHART_PX(46), /* of a single service */
    TRACK_HEIGHT = CHART_PX(44),

    ROWS_TOP = CHART_PX(46), /* of all services */
    ROW_HEIGHT = CHART_PX(27),
    ROW_BAND = CHART_PX(19),
    ROWS_LEFT_LEAST = CHART_PX(140), /* the plot; names are left of it */
    ROWS_LEFT_MOST = CHART_PX(290),
    NAME_GAP = CHART_PX(10),
    NAME_DROP = CHART_PX(20), /* from a row's top to its name's baseline */
    MOST_ROWS = 250,          /* Cairo draws 32767 pixels high at most */
    SCALE_ABOVE = 16,         /* rows; with more, the scale stands above them, too */

    LEGEND_TOP = CHART_PX(6), /* below the scale */
    BOTTOM = CHART_PX(8)
};

void report_chart_free(struct report_chart *chart)
{
    if (chart == NULL)
        return;
    g_free(chart->name);
    if (chart->png != NULL)
        g_bytes_unref(chart->png);
    g_free(chart->alt);
    g_free(chart->service);
    g_free(chart->warning);
    g_free(chart);
}

void report_chart_end(void)
{
    canvas_release_fonts();
}

/* The finished picture; takes `name` and `alt`. NULL with *error. */
static struct report_chart *chart_new(struct canvas *canvas, int height, char *name, char *alt, GError **error)
{
    struct report_chart *chart = g_new0(struct report_chart, 1);

    chart->name = name;
    chart->alt = alt;
    chart->width = REPORT_CHART_WIDTH;
    chart->height = height / REPORT_CHART_SCALE;
    chart->warning = canvas_warning(canvas);
    chart->png = canvas_png(canvas, height, error);
    if (chart->png == NULL)
        g_clear_pointer(&chart, report_chart_free);
    return chart;
}

static struct chart_plot window_plot(const struct report_figures *figures, int left)
{
    return (struct chart_plot){.window = figures->window, .left = left, .width = RIGHT - left};
}

double report_chart_column(const struct report_figures *figures, int64_t at)
{
    struct chart_plot plot = window_plot(figures, LEFT);

    return chart_plot_column(&plot, at);
}

/* Where the plot of the charts of all services begins: the longest name has its room, if it can. */
static int rows_left(const struct report_figures *figures)
{
    struct canvas *canvas = canvas_new(1);
    int widest = 0, most = ROWS_LEFT_MOST - NAME_GAP - LEFT;

    for (guint i = 0; i < MIN(figures->services->len, MOST_ROWS) && widest < most; i++) {
        const struct report_service *service = g_ptr_array_index(figures->services, i);
        widest = MAX(widest, canvas_text_width(canvas, CANVAS_NAME, service->name, most));
    }
    canvas_free(canvas);
    return CLAMP(LEFT + widest + NAME_GAP, ROWS_LEFT_LEAST, ROWS_LEFT_MOST);
}

double report_chart_overview_column(const struct report_figures *figures, int64_t at)
{
    struct chart_plot plot = window_plot(figures, rows_left(figures));

    return chart_plot_column(&plot, at);
}

static void note_stretches(struct chart_legend *legend, const struct report_service *service, int64_t now)
{
    for (guint i = 0; i < service->stretches->len; i++) {
        const struct report_stretch *stretch = &g_array_index(service->stretches, struct report_stretch, i);
        if (!chart_has_begun(stretch, now))
            break;
        if (stretch->impact != REPORT_OPERATIONAL || stretch->from < stretch->to)
            legend->impacts[stretch->impact] = true; /* a gap covers what one scan saw to be well */
    }
}

/* --- one service -------------------------------------------------------------------------------------------------- */

/* At the right what it came to (the worst status, the availability), at the left whose it is. */
static void draw_service_title(struct canvas *canvas, const struct report_service *service)
{
    enum { GAP = CHART_PX(10), STATUS_ROOM = CHART_PX(250) };
    g_autofree char *words = NULL;
    int x = RIGHT;

    if (service->observed_s > 0) {
        g_autofree char *availability =
            report_availability_words(report_availability(service->operational_s, service->observed_s));
        x -= canvas_text(canvas, CANVAS_LABEL, CANVAS_RIGHT, "available", x, TITLE_BASELINE, RIGHT - LEFT);
        x -= CHART_PX(4);
        x -= canvas_text(canvas, CANVAS_FIGURE, CANVAS_RIGHT, availability, x, TITLE_BASELINE, RIGHT - LEFT) + GAP;
    }
    words = service->overall_status != NULL ? report_status_words(service->overall_status)
                                            : g_strdup(report_impact_name(service->overall));
    x -= canvas_text(canvas, CANVAS_STATUS, CANVAS_RIGHT, words, x, TITLE_BASELINE, STATUS_ROOM) + CHART_PX(6);
    x -= TITLE_SWATCH;
    if (service->overall == REPORT_NO_DATA)
        canvas_hatch(canvas, x, TITLE_SWATCH_TOP, TITLE_SWATCH, TITLE_SWATCH);
    else
        canvas_fill(canvas, report_chart_colors[service->overall], x, TITLE_SWATCH_TOP, TITLE_SWATCH, TITLE_SWATCH);
    canvas_text(canvas, CANVAS_TITLE, CANVAS_LEFT, service->name, LEFT, TITLE_BASELINE, x - 2 * GAP - LEFT);
}

struct report_chart *report_chart_service(const struct report_figures *figures, const struct report_service *service,
                                          GError **error)
{
    struct canvas *canvas = canvas_new(CHART_PX(176));
    struct chart_plot plot = window_plot(figures, LEFT);
    g_autoptr(ChartAxis) axis = chart_axis_new(canvas, &plot);
    g_autofree char *zone = chart_zone_words(figures->window);
    struct chart_legend legend = {.night = axis->nights->len > 0};
    int bottom = TRACK_TOP + TRACK_HEIGHT, y;

    draw_service_title(canvas, service);
    chart_draw_ground(canvas, axis, TRACK_TOP, TRACK_HEIGHT);
    chart_draw_stretches(canvas, &plot, service->stretches, figures->now, bottom, TRACK_HEIGHT);
    chart_draw_future(canvas, &plot, figures->now, TRACK_TOP, TRACK_HEIGHT);
    canvas_fill(canvas, CHART_LINE, plot.left, bottom, plot.width, CHART_PX(1));
    chart_draw_scale(canvas, axis, bottom);
    note_stretches(&legend, service, figures->now);
    y = bottom + CHART_SCALE_HEIGHT + LEGEND_TOP;
    y += chart_draw_legend(canvas, &legend, zone, y) + BOTTOM;
    struct report_chart *chart =
        chart_new(canvas, y, chart_service_file(figures, service), chart_service_words(figures, service), error);
    if (chart != NULL)
        chart->service = g_strdup(service->id);
    canvas_free(canvas);
    return chart;
}

/* --- all services ------------------------------------------------------------------------------------------------- */

/* A row of the charts of all services, from its `top` on. */
typedef void (*draw_row)(struct canvas *canvas, const struct report_figures *figures, const struct chart_plot *plot,
                         const struct report_service *service, int bottom);

static void draw_window_row(struct canvas *canvas, const struct report_figures *figures, const struct chart_plot *plot,
                            const struct report_service *service, int bottom)
{
    chart_draw_stretches(canvas, plot, service->stretches, figures->now, bottom, ROW_BAND);
}

static void draw_history_row(struct canvas *canvas, const struct report_figures *figures, const struct chart_plot *plot,
                             const struct report_service *service, int bottom)
{
    int gap = plot->pitch >= CHART_PX(3) ? 2 : plot->pitch >= CHART_PX(2) ? 1 : 0;

    for (guint i = 0; i + 1 < plot->days->len && i < service->days->len; i++) {
        const struct report_day *day = &g_array_index(service->days, struct report_day, i);
        int x = plot->left + (int)i * plot->pitch;
        if (day->from >= figures->now)
            break;
        if (chart_day_is_partial(day, figures->now))
            chart_draw_partial(canvas, day->worst, x, plot->pitch - gap, bottom, ROW_BAND);
        else
            chart_draw_band(canvas, day->worst, x, plot->pitch - gap, bottom, ROW_BAND);
    }
}

static int draw_rows(struct canvas *canvas, const struct report_figures *figures, const struct chart_plot *plot,
                     draw_row draw, int y)
{
    guint rows = MIN(figures->services->len, MOST_ROWS);

    for (guint i = 0; i < rows; i++, y += ROW_HEIGHT) {
        const struct report_service *service = g_ptr_array_index(figures->services, i);
        int bottom = y + (ROW_HEIGHT + ROW_BAND) / 2;
        canvas_text(canvas, CANVAS_NAME, CANVAS_LEFT, service->name, LEFT, y + NAME_DROP, plot->left - NAME_GAP - LEFT);
        draw(canvas, figures, plot, service, bottom);
        canvas_fill(canvas, CHART_GRID, plot->left, bottom, plot->width, 1);
    }
    if (rows < figures->services->len) {
        g_autofree char *more = g_strdup_printf("and %u more services", figures->services->len - rows);
        canvas_text(canvas, CANVAS_LABEL, CANVAS_LEFT, more, LEFT, y + NAME_DROP, RIGHT - LEFT);
        y += ROW_HEIGHT;
    }
    if (rows == 0) {
        canvas_text(canvas, CANVAS_LABEL, CANVAS_LEFT, "No services are known yet.", LEFT, y + NAME_DROP, RIGHT - LEFT);
        y += ROW_HEIGHT;
    }
    return y;
}

static struct report_chart *draw_services(const struct report_figures *figures, const struct chart_plot *plot,
                                          const char *title, struct chart_legend *legend, draw_row draw, char *name,
                                          char *alt, GError **error)
{
    guint rows = MIN(figures->services->len, MOST_ROWS);
    struct canvas *canvas = canvas_new(CHART_PX(260) + (int)rows * ROW_HEIGHT);
    g_autoptr(ChartAxis) axis = chart_axis_new(canvas, plot);
    g_autofree char *zone = chart_zone_words(plot->window), *days = chart_window_words(plot->window);
    int y = ROWS_TOP;

    canvas_text(canvas, CANVAS_TITLE, CANVAS_LEFT, title, LEFT, TITLE_BASELINE, RIGHT - LEFT);
    canvas_text(canvas, CANVAS_STATUS, CANVAS_RIGHT, days, RIGHT, TITLE_BASELINE, RIGHT - LEFT);
    if (rows > SCALE_ABOVE) {
        chart_draw_scale(canvas, axis, y);
        y += CHART_SCALE_HEIGHT + CHART_PX(4);
    }
    if (rows > 0)
        chart_draw_ground(canvas, axis, y, (int)rows * ROW_HEIGHT);
    int rows_top = y;
    y = draw_rows(canvas, figures, plot, draw, y);
    if (rows > 0) {
        chart_draw_future(canvas, plot, figures->now, rows_top, (int)rows * ROW_HEIGHT);
        chart_draw_scale(canvas, axis, y);
        y += CHART_SCALE_HEIGHT + LEGEND_TOP;
        legend->night = axis->nights->len > 0;
    }
    y += chart_draw_legend(canvas, legend, zone, y) + BOTTOM;
    struct report_chart *chart = chart_new(canvas, y, name, alt, error);
    canvas_free(canvas);
    return chart;
}

struct report_chart *report_chart_overview(const struct report_figures *figures, GError **error)
{
    struct chart_plot plot = window_plot(figures, rows_left(figures));
    struct chart_legend legend = {0};

    for (guint i = 0; i < MIN(figures->services->len, MOST_ROWS); i++)
        note_stretches(&legend, g_ptr_array_index(figures->services, i), figures->now);
    return draw_services(figures, &plot, "All services", &legend, draw_window_row, g_strdup("overview.png"),
                         chart_overview_words(figures), error);
}

static void note_days(struct chart_legend *legend, const struct report_service *service, int64_t now)
{
    for (guint i = 0; i < service->days->len; i++) {
        const struct report_day *day = &g_array_index(service->days, struct report_day, i);
        if (day->from >= now)
            break;
        legend->impacts[day->worst] = true;
        legend->partial |= chart_day_is_partial(day, now);
    }
}

struct report_chart *report_chart_history(const struct report_figures *figures, GError **error)
{
    enum { WIDEST = CHART_PX(24) }; /* of a day */
    g_autoptr(GArray) days = report_window_days(figures->history);
    int n = (int)days->len - 1, pitch = MAX(1, MIN((RIGHT - rows_left(figures)) / n, WIDEST));
    struct chart_plot plot = {figures->history, RIGHT - n * pitch, n * pitch, pitch, days};
    struct chart_legend legend = {0};

    for (guint i = 0; i < MIN(figures->services->len, MOST_ROWS); i++)
        note_days(&legend, g_ptr_array_index(figures->services, i), figures->now);
    return draw_services(figures, &plot, "Worst of each day", &legend, draw_history_row, g_strdup("history.png"),
                         chart_history_words(figures), error);
}
