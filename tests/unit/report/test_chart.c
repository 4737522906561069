/* Charts: their PNGs read back, pixel by pixel, against the figures they were drawn from. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "chart_fixture.h"
#include "png_reader.h"
#include "report/chart_canvas.h"
#include "report/chart_frame.h"
#include "report/chart_words.h"

enum { TRACK_TOP = CHART_PX(46), TRACK_BOTTOM = CHART_PX(90), KILOBYTES_15 = 15 * 1024 };

static const struct {
    const char *status;
    int priority;
} statuses[] = {
    {"serviceInterruption", 1}, {"serviceDegradation", 3}, {"investigating", 5}, {"verifyingService", 7}, {NULL, -1},
    {"serviceOperational", 10}};

static struct png_read *read_chart(const struct report_chart *chart)
{
    struct png_read *read = g_new0(struct png_read, 1);

    png_read_bytes(chart->png, read);
    assert_int_equal(read->width, 2 * chart->width);
    assert_int_equal(read->height, 2 * chart->height);
    assert_true(read->depth <= 4);
    assert_true(read->colors <= 14);
    return read;
}

static void free_read(struct png_read *read)
{
    png_read_clear(read);
    g_free(read);
}

static bool shows(guint32 color, enum report_impact impact)
{
    return impact == REPORT_NO_DATA ? color == CHART_GAP || color == CHART_HATCH : color == report_chart_colors[impact];
}

static const struct report_stretch *stretch_at(const struct report_service *service, guint i)
{
    return &g_array_index(service->stretches, struct report_stretch, i);
}

/* --- colours ------------------------------------------------------------------------------------------------------ */

struct light {
    double red, green, blue; /* linear */
};

static double linear(unsigned value)
{
    double v = value / 255.0;

    return v <= 0.04045 ? v / 12.92 : pow((v + 0.055) / 1.055, 2.4);
}

static struct light light_of(guint32 color)
{
    return (struct light){linear(color >> 16), linear(color >> 8 & 0xff), linear(color & 0xff)};
}

/* WCAG 2: relative luminance. */
static double luminance(struct light light)
{
    return 0.2126 * light.red + 0.7152 * light.green + 0.0722 * light.blue;
}

static double bend(double t)
{
    return t > 0.008856 ? cbrt(t) : 7.787 * t + 16.0 / 116;
}

/* CIE L*a*b*, D65: a distance of 2 can just be seen. */
static double distance(struct light a, struct light b)
{
    double lab[2][3];

    for (int i = 0; i < 2; i++) {
        struct light c = i == 0 ? a : b;
        double x = bend((0.4124 * c.red + 0.3576 * c.green + 0.1805 * c.blue) / 0.95047);
        double y = bend(luminance(c));
        double z = bend((0.0193 * c.red + 0.1192 * c.green + 0.9505 * c.blue) / 1.08883);
        lab[i][0] = 116 * y - 16;
        lab[i][1] = 500 * (x - y);
        lab[i][2] = 200 * (y - z);
    }
    return sqrt(pow(lab[0][0] - lab[1][0], 2) + pow(lab[0][1] - lab[1][1], 2) + pow(lab[0][2] - lab[1][2], 2));
}

static double clamp(double v)
{
    return v < 0 ? 0 : v > 1 ? 1 : v;
}

/* Machado, Oliveira and Fernandes 2009, whole dichromacy. */
static struct light seen(const double m[9], struct light c)
{
    return (struct light){clamp(m[0] * c.red + m[1] * c.green + m[2] * c.blue),
                          clamp(m[3] * c.red + m[4] * c.green + m[5] * c.blue),
                          clamp(m[6] * c.red + m[7] * c.green + m[8] * c.blue)};
}

static void the_worse_the_darker_also_in_grey(void **state)
{
    (void)state;
    double operational = luminance(light_of(report_chart_colors[REPORT_OPERATIONAL])) + 0.05;
    assert_true((luminance(light_of(CHART_NIGHT)) + 0.05) / operational > 1.3);
    for (int impact = REPORT_MINOR; impact < REPORT_IMPACTS; impact++) {
        double lighter = luminance(light_of(report_chart_colors[impact - 1]));
        double darker = luminance(light_of(report_chart_colors[impact]));
        assert_true((lighter + 0.05) / (darker + 0.05) > 1.4);
    }
}

static void no_two_impacts_look_alike_to_the_colour_blind(void **state)
{
    static const struct {
        const char *name;
        double m[9];
    } kinds[] = {
        {"normal", {1, 0, 0, 0, 1, 0, 0, 0, 1}},
        {"protanopia", {0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116, 1.051998}},
        {"deuteranopia", {0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.011820, 0.042940, 0.968881}},
        {"tritanopia", {1.255528, -0.076749, -0.178779, -0.078411, 0.930809, 0.147602, 0.004733, 0.691367, 0.303900}},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
        for (int a = REPORT_OPERATIONAL; a < REPORT_IMPACTS; a++)
            for (int b = a + 1; b < REPORT_IMPACTS; b++) {
                double d = distance(seen(kinds[i].m, light_of(report_chart_colors[a])),
                                    seen(kinds[i].m, light_of(report_chart_colors[b])));
                if (d < 22)
                    fail_msg("%s: %d and %d are %.1f apart", kinds[i].name, a, b, d);
            }
}

static void gaps_have_colours_of_their_own(void **state)
{
    (void)state;
    for (int impact = REPORT_OPERATIONAL; impact < REPORT_IMPACTS; impact++) {
        assert_int_not_equal(report_chart_colors[impact], CHART_GAP);
        assert_int_not_equal(report_chart_colors[impact], CHART_HATCH);
    }
}

static void bands_grow_with_the_impact(void **state)
{
    (void)state;
    for (int impact = REPORT_MINOR; impact < REPORT_IMPACTS; impact++)
        for (int full = CHART_PX(13); full <= CHART_PX(44); full++)
            assert_true(chart_band_height((enum report_impact)impact, full) >=
                        chart_band_height((enum report_impact)(impact - 1), full) + 3);
}

/* --- a service over the window ------------------------------------------------------------------------------------ */

/* A service with changes wide enough to be looked at from both sides. */
static struct report_service *troubled(struct fixture *fixture, guint32 seed)
{
    struct report_service *service = fixture_service(fixture, "Exchange", "Exchange Online");
    int64_t length = fixture->window->to - fixture->window->from, at = fixture->window->from;
    GRand *fate = g_rand_new_with_seed(seed);

    while (at < fixture->window->to) {
        int64_t to = at + (int64_t)((double)length * g_rand_double_range(fate, 0.007, 0.06));
        guint kind = (guint)g_rand_int_range(fate, 0, G_N_ELEMENTS(statuses));
        fixture_paint(service, at, MIN(to, fixture->window->to), statuses[kind].status, statuses[kind].priority);
        at = to;
    }
    g_rand_free(fate);
    return service;
}

/* Each column between two changes shows what was between them; a gap shows nothing operational from top to bottom. */
static void check_stretches(const struct png_read *read, const struct report_figures *figures,
                            const struct report_service *service)
{
    for (guint i = 0; i < service->stretches->len; i++) {
        const struct report_stretch *stretch = stretch_at(service, i);
        double from = report_chart_column(figures, stretch->from), to = report_chart_column(figures, stretch->to);
        assert_true(to - from > 3);
        for (int x = (int)ceil(from); x <= (int)floor(to) - 1; x++) {
            assert_true(shows(png_pixel(read, x, TRACK_BOTTOM - 2), stretch->impact));
            for (int y = TRACK_TOP; y < TRACK_BOTTOM && stretch->impact == REPORT_NO_DATA; y++)
                assert_true(shows(png_pixel(read, x, y), REPORT_NO_DATA));
        }
    }
}

static void at_each_change_the_pixels_at_both_sides_are_right_in_windows_of_all_lengths(void **state)
{
    static const struct {
        const char *zone, *first, *last;
    } rows[] = {
        {"Europe/Warsaw", "2026-11-22", "2026-11-22"},     {"Europe/Warsaw", "2026-03-29", "2026-03-29"},
        {"Europe/Warsaw", "2026-10-25", "2026-10-25"},     {"Australia/Lord_Howe", "2026-04-05", "2026-04-05"},
        {"America/New_York", "2026-10-29", "2026-11-04"},  {"Asia/Kolkata", "2026-10-24", "2026-11-22"},
        {"America/St_Johns", "2026-08-25", "2026-11-22"},  {"Pacific/Chatham", "2025-12-30", "2026-01-02"},
        {"America/Sao_Paulo", "2024-01-01", "2024-12-31"}, {"UTC", "2026-12-31", "2027-01-01"},
    };

    (void)state;
    for (guint32 i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct fixture *fixture = fixture_new(rows[i].zone, rows[i].first, rows[i].last, 90);
        struct report_service *service = troubled(fixture, i);
        const struct report_figures *figures = fixture_figures(fixture);
        g_autoptr(ReportChart) chart = report_chart_service(figures, service, NULL);
        struct png_read *read = read_chart(chart);
        check_stretches(read, figures, service);
        assert_true(g_bytes_get_size(chart->png) < KILOBYTES_15);
        assert_null(chart->warning);
        free_read(read);
        fixture_free(fixture);
    }
}

static void the_bands_of_the_overview_are_where_its_columns_are(void **state)
{
    struct fixture *fixture = fixture_new("Europe/Warsaw", "2026-11-22", NULL, 90);
    struct report_service *service = fixture_service(fixture, "a", "A");
    const int minutes = 9 * 60 + 15;

    (void)state;
    fixture_paint_minutes(fixture, service, minutes, minutes + 85, "serviceDegradation", 3);
    const struct report_figures *figures = fixture_figures(fixture);
    g_autoptr(ReportChart) chart = report_chart_overview(figures, NULL);
    struct png_read *read = read_chart(chart);
    int from = (int)lround(report_chart_overview_column(figures, fixture->window->from + minutes * 60));
    int to = (int)lround(report_chart_overview_column(figures, fixture->window->from + (minutes + 85) * 60));
    int y = CHART_PX(46) + CHART_PX(27 + 19) / 2 - 2;
    for (int x = from - 20; x < to + 20; x++)
        assert_int_equal(png_pixel(read, x, y),
                         report_chart_colors[x >= from && x < to ? REPORT_DEGRADED : REPORT_OPERATIONAL]);
    free_read(read);
    fixture_free(fixture);
}

/* How many columns of a service's chart show an impact. */
static int count_columns(const struct report_figures *figures, const struct report_service *service,
                         enum report_impact impact)
{
    g_autoptr(ReportChart) chart = report_chart_service(figures, service, NULL);
    struct png_read *read = read_chart(chart);
    int n = 0;

    for (int x = CHART_MARGIN; x < read->width - CHART_MARGIN; x++)
        n += shows(png_pixel(read, x, TRACK_BOTTOM - 2), impact);
    free_read(read);
    return n;
}

static void one_scan_in_a_month_is_two_pixels_wide_wherever_it_is(void **state)
{
    struct fixture *fixture = fixture_new("Europe/Warsaw", "2026-10-24", "2026-11-22", 90);
    const int64_t from = fixture->window->from, to = fixture->window->to;
    const int64_t moments[] = {from, from + 1, from + 86400 * 3 + 7, (from + to) / 2, to - 1};

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(moments); i++)
        for (size_t kind = 0; kind < 5; kind++) {
            struct report_service *service = fixture_service(fixture, "a", "A");
            fixture_paint(service, moments[i], moments[i] + 1, statuses[kind].status, statuses[kind].priority);
            enum report_impact impact =
                statuses[kind].status == NULL ? REPORT_NO_DATA : report_impact_of(statuses[kind].priority);
            assert_int_equal(count_columns(fixture_figures(fixture), service, impact), 2);
            g_ptr_array_set_size(fixture->figures.services, 0);
        }
    fixture_free(fixture);
}

static void what_just_one_scan_saw_is_two_pixels_wide_in_its_colour(void **state)
{
    struct fixture *fixture = fixture_new("Europe/Warsaw", "2026-10-24", "2026-11-22", 90);
    const int64_t from = fixture->window->from, to = fixture->window->to;
    const int64_t moments[] = {from, from + 86400 * 3 + 7, (from + to) / 2, to - 1};

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(moments); i++)
        for (size_t kind = 0; kind < 4; kind++) {
            struct report_service *service = fixture_service(fixture, "a", "A");
            fixture_paint(service, from, to, NULL, 0);
            fixture_sighting(service, moments[i], statuses[kind].status, statuses[kind].priority);
            assert_int_equal(stretch_at(service, 1)->from, stretch_at(service, 1)->to);
            assert_int_equal(
                count_columns(fixture_figures(fixture), service, report_impact_of(statuses[kind].priority)), 2);
            g_ptr_array_set_size(fixture->figures.services, 0);
        }
    struct report_service *well = fixture_service(fixture, "a", "A");
    fixture_paint(well, from, to, NULL, 0);
    fixture_sighting(well, moments[2], "serviceOperational", 10);
    assert_int_equal(count_columns(fixture_figures(fixture), well, REPORT_OPERATIONAL), 0);
    fixture_free(fixture);
}

/* What is above the axis of a chart: from its first row to its last one. */
static void assert_white(const struct png_read *read, int from, int to, int top, int bottom)
{
    for (int x = from; x < to; x++)
        for (int y = top; y < bottom; y++)
            assert_int_equal(png_pixel(read, x, y), 0xffffff);
}

static void what_is_after_now_is_white_and_not_hatched(void **state)
{
    struct fixture *fixture = fixture_new("Europe/Warsaw", "2026-11-22", NULL, 90);
    struct report_service *service = fixture_service(fixture, "Exchange", "Exchange Online");
    const int64_t now = fixture->window->from + (int64_t)845 * 60;
    int words = 0;

    (void)state;
    fixture_paint_minutes(fixture, service, 555, 640, "serviceDegradation", 3);
    fixture_now(fixture, now);
    const struct report_figures *figures = fixture_figures(fixture);
    g_autoptr(ReportChart) chart = report_chart_service(figures, service, NULL);
    g_autoptr(ReportChart) overview = report_chart_overview(figures, NULL);
    struct png_read *read = read_chart(chart), *all = read_chart(overview);
    int column = (int)lround(report_chart_column(figures, now));
    int all_column = (int)lround(report_chart_overview_column(figures, now));
    assert_true(shows(png_pixel(read, column - 1, TRACK_BOTTOM - 2), REPORT_OPERATIONAL));
    assert_white(read, column, column + 100, TRACK_TOP, TRACK_BOTTOM);
    assert_white(read, read->width - CHART_MARGIN - 100, read->width - CHART_MARGIN, TRACK_TOP, TRACK_BOTTOM);
    for (int x = column; x < read->width - CHART_MARGIN; x++)
        for (int y = TRACK_TOP; y < TRACK_BOTTOM; y++)
            words += png_pixel(read, x, y) != 0xffffff;
    assert_in_range(words, 200, 3000); /* "not yet" */
    assert_true(shows(png_pixel(all, all_column - 1, CHART_PX(69) - 2), REPORT_OPERATIONAL));
    assert_white(all, all_column, all_column + 40, CHART_PX(46), CHART_PX(73));
    assert_string_equal(chart->alt, "Exchange Online, 22 Nov 2026: degraded 09:15 to 10:40, otherwise operational, not "
                                    "yet after 14:05; availability 89.94 %");
    assert_string_equal(overview->alt, "1 service, 22 Nov 2026: Exchange Online degraded, not yet after 14:05");
    free_read(read);
    free_read(all);
    fixture_free(fixture);
}

static void a_gap_up_to_now_is_hatched_and_a_sighting_of_now_is_shown(void **state)
{
    struct fixture *fixture = fixture_new("UTC", "2026-11-22", NULL, 90);
    struct report_service *service = fixture_service(fixture, "a", "A");
    const int64_t now = fixture->window->from + 43200;

    (void)state;
    fixture_paint(service, now - 7200, fixture->window->to, NULL, 0); /* as figures have it: one stretch */
    fixture_now(fixture, now);
    fixture_sighting(service, now, "serviceInterruption", 1);
    const struct report_figures *figures = fixture_figures(fixture);
    g_autoptr(ReportChart) chart = report_chart_service(figures, service, NULL);
    struct png_read *read = read_chart(chart);
    int column = (int)lround(report_chart_column(figures, now));
    assert_true(shows(png_pixel(read, column - 3, TRACK_BOTTOM - 2), REPORT_NO_DATA));
    assert_true(shows(png_pixel(read, column - 2, TRACK_BOTTOM - 2), REPORT_INTERRUPTED));
    assert_true(shows(png_pixel(read, column - 1, TRACK_BOTTOM - 2), REPORT_INTERRUPTED));
    assert_int_equal(png_pixel(read, column, TRACK_BOTTOM - 2), 0xffffff);
    assert_string_equal(chart->alt, "A, 22 Nov 2026: no data 10:00 to 12:00, interrupted at 12:00, otherwise "
                                    "operational, not yet after 12:00; availability 100 %");
    free_read(read);
    fixture_free(fixture);
}

static void the_worse_covers_the_better_and_a_gap_what_was_well(void **state)
{
    struct fixture *fixture = fixture_new("UTC", "2026-10-24", "2026-11-22", 90);
    struct chart_plot plot = {.window = fixture->window, .left = 0, .width = 30};

    (void)state;
    for (size_t worse = 0; worse < G_N_ELEMENTS(statuses); worse++)
        for (size_t better = worse + 1; better < G_N_ELEMENTS(statuses); better++) {
            struct report_service *service = fixture_service(fixture, "a", "A");
            /* A day is a column: on the eleventh, two seconds of the better one around one of the worse. */
            int64_t noon = fixture->window->from + 10 * 86400 + 43200;
            fixture_paint(service, noon - 1, noon + 2, statuses[better].status, statuses[better].priority);
            fixture_paint(service, noon, noon + 1, statuses[worse].status, statuses[worse].priority);
            g_autofree guint8 *columns = chart_columns(&plot, service->stretches, fixture->figures.now);
            int shown =
                statuses[worse].status == NULL ? REPORT_NO_DATA : (int)report_impact_of(statuses[worse].priority);
            assert_int_equal(columns[10], shown);
            assert_int_equal(columns[13], REPORT_OPERATIONAL);
            g_ptr_array_set_size(fixture->figures.services, 0);
        }
    fixture_free(fixture);
}

static void flapping_shows_each_time(void **state)
{
    struct fixture *fixture = fixture_new("Europe/Warsaw", "2026-11-22", NULL, 90);
    struct report_service *service = fixture_service(fixture, "a", "A");
    int changes = 0;

    (void)state;
    for (int minute = 480; minute < 900; minute += 10)
        fixture_paint_minutes(fixture, service, minute, minute + 5, "serviceDegradation", 3);
    g_autoptr(ReportChart) chart = report_chart_service(fixture_figures(fixture), service, NULL);
    struct png_read *read = read_chart(chart);
    for (int x = CHART_MARGIN + 1; x < read->width - CHART_MARGIN; x++)
        changes += png_pixel(read, x, TRACK_BOTTOM - 2) != png_pixel(read, x - 1, TRACK_BOTTOM - 2);
    assert_int_equal(changes, 2 * 42);
    free_read(read);
    fixture_free(fixture);
}

/* --- the history -------------------------------------------------------------------------------------------------- */

static void days_of_the_history_are_cells_and_partly_observed_ones_are_hatched_above_their_band(void **state)
{
    enum { DAYS = 12, CELL = CHART_PX(24), TOP = CHART_PX(46) + CHART_PX(27 - 19) / 2, BOTTOM = TOP + CHART_PX(19) };
    struct fixture *fixture = fixture_new("Europe/Warsaw", "2026-10-28", NULL, DAYS); /* with a day of 25 hours */
    struct report_service *service = fixture_service(fixture, "a", "A");

    (void)state;
    for (guint i = 0; i < DAYS; i++)
        fixture_day(service, i, (enum report_impact)(i % REPORT_IMPACTS), i < REPORT_IMPACTS ? 1 : 0.5);
    g_autoptr(ReportChart) chart = report_chart_history(fixture_figures(fixture), NULL);
    struct png_read *read = read_chart(chart);
    for (int i = 0; i < DAYS; i++) {
        enum report_impact worst = (enum report_impact)(i % REPORT_IMPACTS);
        int x = read->width - CHART_MARGIN - (DAYS - i) * CELL + CELL / 2;
        assert_true(shows(png_pixel(read, x, BOTTOM - 2), worst));
        if (worst == REPORT_NO_DATA || i >= REPORT_IMPACTS)
            assert_true(shows(png_pixel(read, x, TOP + 1), REPORT_NO_DATA));
        else
            assert_false(shows(png_pixel(read, x, TOP + 1), REPORT_NO_DATA));
    }
    free_read(read);
    fixture_free(fixture);
}

static void a_day_of_one_scan_shows_it_below_the_hatch_and_days_to_come_nothing(void **state)
{
    enum { DAYS = 4, CELL = CHART_PX(24), TOP = CHART_PX(46) + CHART_PX(27 - 19) / 2, BOTTOM = TOP + CHART_PX(19) };
    struct fixture *fixture = fixture_new("UTC", "2026-11-19", "2026-11-22", DAYS);
    struct report_service *service = fixture_service(fixture, "a", "A");

    (void)state;
    fixture_day(service, 0, REPORT_INTERRUPTED, 0);
    fixture_now(fixture, fixture->window->from + 2 * 86400 + 3600);
    g_autoptr(ReportChart) chart = report_chart_history(fixture_figures(fixture), NULL);
    struct png_read *read = read_chart(chart);
    int x = read->width - CHART_MARGIN - DAYS * CELL + CELL / 2;
    assert_true(shows(png_pixel(read, x, BOTTOM - 2), REPORT_INTERRUPTED));
    assert_true(shows(png_pixel(read, x, TOP + 1), REPORT_NO_DATA));
    assert_true(shows(png_pixel(read, x + 2 * CELL, BOTTOM - 2), REPORT_OPERATIONAL));
    assert_white(read, x + 3 * CELL - CELL / 2, x + 3 * CELL + CELL / 2, CHART_PX(46), CHART_PX(73));
    assert_string_equal(chart->alt, "1 service, 19 to 22 Nov 2026: A interrupted on 1 day, partly observed on 1 day; "
                                    "not yet after 21 Nov 01:00");
    free_read(read);
    fixture_free(fixture);
}

static void the_day_that_is_not_over_is_not_partly_observed_for_that(void **state)
{
    const struct report_day day = {.from = 1000, .to = 87400, .worst = REPORT_OPERATIONAL, .observed_s = 3600};

    (void)state;
    assert_false(chart_day_is_partial(&day, 4600));
    assert_true(chart_day_is_partial(&day, 4601));
    assert_true(chart_day_is_partial(&day, 87400));
    assert_false(chart_day_is_partial(&(struct report_day){.from = 1000, .to = 87400}, 87400));
}

/* --- any number of services, any name ----------------------------------------------------------------------------- */

static void nothing_one_forty_and_three_hundred_services_have_charts(void **state)
{
    const guint rows[] = {0, 1, 40, 300};
    int heights[G_N_ELEMENTS(rows)];

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct fixture *fixture = fixture_new("Europe/Warsaw", "2026-11-22", NULL, 90);
        for (guint k = 0; k < rows[i]; k++) {
            g_autofree char *name = g_strdup_printf("Service %u", k);
            fixture_service(fixture, name, name);
        }
        const struct report_figures *figures = fixture_figures(fixture);
        g_autoptr(ReportChart) overview = report_chart_overview(figures, NULL);
        g_autoptr(ReportChart) history = report_chart_history(figures, NULL);
        free_read(read_chart(overview));
        free_read(read_chart(history));
        heights[i] = overview->height;
        assert_string_equal(overview->name, "overview.png");
        assert_string_equal(history->name, "history.png");
        fixture_free(fixture);
    }
    assert_true(heights[0] < heights[1] && heights[1] < heights[2] && heights[2] < heights[3]);
    assert_true(heights[3] < heights[2] + 211 * 27 + 27); /* 250 are shown, and how many more there are */
}

static void hostile_names_are_drawn_in_the_same_few_colours(void **state)
{
    static const char *const names[] = {
        "",
        " ",
        "\n\r\n\t",
        "\x01\x02\x1b[31m",
        "\u202eevil\u2066",
        "<b>&amp;</b><span foreground='red'>",
        "\xff\xfe\xc0",
        "A\u0301\u0302\u0303\u0304\u0305\u0306\u0307\u0308\u0309\u030a\u030b\u030c\u030d\u030e\u030f\u0310\u0311",
        "\ufdfd\ufdfd\ufdfd\ufdfd\ufdfd\ufdfd",
        "خدمة البريد",
        "שירות",
        "ईमेल",
        "电子邮件",
        "Ελληνικά",
    };
    struct fixture *fixture = fixture_new("Europe/Warsaw", "2026-11-22", NULL, 90);
    g_autofree char *wide = g_strnfill(300, 'W'), *narrow = g_strnfill(100000, 'i');

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        fixture_service(fixture, names[i], names[i]);
    fixture_service(fixture, wide, wide);
    struct report_service *last = fixture_service(fixture, narrow, narrow);
    fixture_paint_minutes(fixture, last, 0, 60, wide, 5);
    const struct report_figures *figures = fixture_figures(fixture);
    g_autoptr(ReportChart) overview = report_chart_overview(figures, NULL);
    free_read(read_chart(overview));
    for (guint i = 0; i < figures->services->len; i++) {
        g_autoptr(ReportChart) chart = report_chart_service(figures, g_ptr_array_index(figures->services, i), NULL);
        free_read(read_chart(chart));
        assert_true(g_utf8_validate(chart->alt, -1, NULL));
        assert_true(strlen(chart->alt) < 700);
        assert_null(strpbrk(chart->alt, "\r\n\x1b"));
    }
    fixture_free(fixture);
}

/* The overview of two services of these names. */
static GBytes *overview_of(const char *first, const char *second)
{
    struct fixture *fixture = fixture_new("UTC", "2026-11-22", NULL, 1);

    fixture_service(fixture, "a", first);
    fixture_service(fixture, "b", second);
    g_autoptr(ReportChart) chart = report_chart_overview(fixture_figures(fixture), NULL);
    assert_null(chart->warning);
    GBytes *png = g_bytes_ref(chart->png);
    fixture_free(fixture);
    return png;
}

static void names_that_begin_alike_are_told_apart(void **state)
{
    static const char *const names[][2] = {
        {"Microsoft Defender for Endpoint", "Microsoft Defender for Identity"},
        {"Microsoft Defender for Identity and whatever comes after it (EU)",
         "Microsoft Defender for Identity and whatever comes after it (US)"},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autoptr(GBytes) one = overview_of(names[i][0], names[i][1]), two = overview_of(names[i][0], names[i][0]);
        assert_false(g_bytes_equal(one, two));
    }
}

static void short_names_leave_their_room_to_the_time(void **state)
{
    static const char *const names[] = {"", "Exchange Online", "Microsoft Defender for Cloud Apps",
                                        "WWWWWWWWWWWWWWWWWWWW"};
    double lefts[G_N_ELEMENTS(names)];

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        struct fixture *fixture = fixture_new("UTC", "2026-11-22", NULL, 1);
        fixture_service(fixture, "a", names[i]);
        lefts[i] = report_chart_overview_column(fixture_figures(fixture), fixture->window->from);
        assert_true(i == 0 || lefts[i] >= lefts[i - 1]);
        fixture_free(fixture);
    }
    assert_true(lefts[1] < CHART_PX(160));
    assert_true(lefts[2] < lefts[3]); /* it is shown whole */
    assert_true(lefts[3] <= CHART_PX(290));
}

static void joiners_of_letters_are_kept_and_what_turns_their_direction_is_not(void **state)
{
    static const struct {
        const char *text, *same;
    } rows[] = {{"a\u200cb\u200dc", "abc"}, {"\u202ea\u2066b\u2069c\u202c", "abc"}, {"a\r\n\tb\x01", "a b"}};
    struct canvas *canvas = canvas_new(100);

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        assert_int_equal(canvas_text_width(canvas, CANVAS_NAME, rows[i].text, 1000),
                         canvas_text_width(canvas, CANVAS_NAME, rows[i].same, 1000));
    /* The joiner does its work: the letters before and after it end and begin a word. */
    assert_int_not_equal(canvas_text_width(canvas, CANVAS_NAME, "سرویس\u200cهای", 1000),
                         canvas_text_width(canvas, CANVAS_NAME, "سرویسهای", 1000));
    assert_null(canvas_warning(canvas));
    canvas_free(canvas);
    g_autoptr(GBytes) plain = overview_of("क्ष", "سرویسهای"), joined = overview_of("क्\u200cष", "سرویس\u200cهای");
    assert_false(g_bytes_equal(plain, joined));
}

static void markup_in_a_name_is_text(void **state)
{
    struct canvas *canvas = canvas_new(100);
    int plain = canvas_text_width(canvas, CANVAS_NAME, "name", 1000);

    (void)state;
    assert_true(canvas_text_width(canvas, CANVAS_NAME, "<i>name</i>", 1000) > plain + 30);
    assert_true(canvas_text_width(canvas, CANVAS_NAME, "n&amp;me", 1000) > plain + 30);
    assert_true(canvas_text_width(canvas, CANVAS_NAME, "a very long name of a service", 100) <= 100);
    canvas_free(canvas);
}

static void characters_that_no_font_has_are_told(void **state)
{
    struct canvas *canvas = canvas_new(100);
    g_autofree char *none = NULL, *some = NULL;

    (void)state;
    canvas_text(canvas, CANVAS_NAME, CANVAS_LEFT, "Exchange Żółć", 40, 60, 1000);
    none = canvas_warning(canvas);
    assert_null(none);
    canvas_text(canvas, CANVAS_NAME, CANVAS_LEFT, "a\U0010fffd\U0010fffdb\U0010fffc", 40, 60, 1000);
    some = canvas_warning(canvas);
    assert_string_equal(some, "2 characters of the chart's names are in none of the installed fonts and drawn as a box "
                              "(U+10FFFD, U+10FFFC): no font package that is known here would help; the text of the "
                              "mail has the names in full");
    canvas_free(canvas);
}

/* What this program says with the argument --missing: of each text on its own line. */
static int print_warnings(void)
{
    static const char *const texts[] = {"电子", "קוב", "电 ק", "\U0010fffd"};

    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        struct canvas *canvas = canvas_new(100);
        canvas_text(canvas, CANVAS_NAME, CANVAS_LEFT, texts[i], 40, 60, 1000);
        g_autofree char *warning = canvas_warning(canvas);
        printf("%s\n", warning != NULL ? strstr(warning, "): ") + 3 : "none");
        canvas_free(canvas);
    }
    report_chart_end();
    return EXIT_SUCCESS;
}

/* A machine that has one font, of Latin letters. */
static void what_to_install_is_said_by_the_script_of_what_is_missing(void **state)
{
    g_autofree char *folder = g_dir_make_tmp("m365keep-fonts-XXXXXX", NULL);
    g_autofree char *config = g_build_filename(folder, "fonts.conf", NULL);
    g_autofree char *font = g_build_filename(folder, "font.ttf", NULL), *said = NULL;
    g_autofree char *xml = g_strdup_printf("<fontconfig><dir>%s</dir></fontconfig>", folder);
    g_autofree char *self = g_file_read_link("/proc/self/exe", NULL); /* by its own name: valgrind runs no link */
    char *arguments[] = {self, (char *)"--missing", NULL};
    g_auto(GStrv) environment = g_environ_setenv(g_get_environ(), "FONTCONFIG_FILE", config, TRUE);
    int status = -1;

    (void)state;
    assert_true(g_file_set_contents(config, xml, -1, NULL));
    assert_int_equal(symlink("/usr/share/fonts/truetype/noto/NotoSans-Regular.ttf", font), 0);
    assert_true(g_spawn_sync(NULL, arguments, environment, G_SPAWN_DEFAULT, NULL, NULL, &said, NULL, &status, NULL));
    assert_int_equal(status, 0);
    assert_string_equal(said, "install the Debian package fonts-noto-cjk\n"
                              "install the Debian package fonts-noto-core\n"
                              "install the Debian packages fonts-noto-core and fonts-noto-cjk\n"
                              "no font package that is known here would help; the text of the mail has the names in "
                              "full\n");
    assert_int_equal(unlink(font), 0);
    assert_int_equal(unlink(config), 0);
    assert_int_equal(rmdir(folder), 0);
}

static void the_same_figures_give_the_same_bytes(void **state)
{
    (void)state;
    for (int which = 0; which < 3; which++) {
        g_autoptr(GBytes) first = NULL;
        for (int round = 0; round < 2; round++) {
            struct fixture *fixture = fixture_new("Europe/Warsaw", "2026-11-16", "2026-11-22", 90);
            struct report_service *service = troubled(fixture, 7);
            const struct report_figures *figures = fixture_figures(fixture);
            g_autoptr(ReportChart) chart = which == 0   ? report_chart_service(figures, service, NULL)
                                           : which == 1 ? report_chart_overview(figures, NULL)
                                                        : report_chart_history(figures, NULL);
            if (first == NULL)
                first = g_bytes_ref(chart->png);
            assert_true(g_bytes_equal(first, chart->png));
            fixture_free(fixture);
        }
    }
}

static void files_have_names_that_are_safe_and_differ(void **state)
{
    static const struct {
        const char *id, *file;
    } rows[] = {
        {"Exchange", "exchange.png"},
        {"Microsoft365Defender", "microsoft365defender.png"},
        {"cloudappsecurity", "cloudappsecurity.png"},
        {"a-b", "a-b.png"},
        {"A.B", "a-b-4b861d8b.png"},
        {"../../etc/passwd", "etc-passwd-3754d6cb.png"},
        {"overview", "overview-bd445c46.png"},
        {"History", "history-0e769600.png"},
        {"", "service-e3b0c442.png"},
        {"电子", NULL},
    };
    struct fixture *fixture = fixture_new("UTC", "2026-11-22", NULL, 1);
    g_autoptr(GHashTable) seen_files = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        fixture_service(fixture, rows[i].id, "Name");
    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        char *file = chart_service_file(&fixture->figures, g_ptr_array_index(fixture->figures.services, i));
        if (rows[i].file != NULL)
            assert_string_equal(file, rows[i].file);
        assert_true(strspn(file, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(file) - 4);
        assert_true(g_hash_table_add(seen_files, file));
    }
    fixture_free(fixture);
}

/* --- the axis ----------------------------------------------------------------------------------------------------- */

/* "label@seconds since the window began ..." */
static char *ticks_told(const char *zone, const char *first, const char *last, enum chart_step step, bool wide)
{
    struct report_window *window = report_window_of_dates(zone, INT64_C(4102444800), first, last, NULL);
    g_autoptr(GArray) ticks = chart_ticks(window, step, wide);
    GString *told = g_string_new(NULL);

    for (guint i = 0; i < ticks->len; i++) {
        const struct chart_tick *tick = &g_array_index(ticks, struct chart_tick, i);
        g_string_append_printf(told, "%s%s@%g", i > 0 ? ", " : "", tick->label,
                               (double)(tick->at - window->from) / 3600);
    }
    report_window_free(window);
    return g_string_free(told, FALSE);
}

static void ticks_stand_at_the_zone_s_own_hours_and_days(void **state)
{
    static const struct {
        const char *zone, *first, *last;
        enum chart_step step;
        bool wide;
        const char *ticks;
    } rows[] = {
        {"Europe/Warsaw", "2026-11-22", NULL, CHART_HOURS_3, false,
         "22 Nov@0, 03:00@3, 06:00@6, 09:00@9, 12:00@12, 15:00@15, 18:00@18, 21:00@21, 24:00@24"},
        {"Europe/Warsaw", "2026-03-29", NULL, CHART_HOURS_6, false, "29 Mar@0, 06:00@5, 12:00@11, 18:00@17, 24:00@23"},
        {"Europe/Warsaw", "2026-10-25", NULL, CHART_HOURS_6, true, "25 Oct@0, 06:00@7, 12:00@13, 18:00@19, 24:00@25"},
        {"Australia/Lord_Howe", "2026-10-04", NULL, CHART_HOURS_6, false,
         "4 Oct@0, 06:00@5.5, 12:00@11.5, 18:00@17.5, 24:00@23.5"},
        {"Africa/Cairo", "2026-04-24", NULL, CHART_HOURS_12, false, "24 Apr@0, 12:00@11, 24:00@23"},
        {"Antarctica/Troll", "2026-03-29", NULL, CHART_HOURS_3, false,
         "29 Mar@0, 03:00@1, 06:00@4, 09:00@7, 12:00@10, 15:00@13, 18:00@16, 21:00@19, 24:00@22"},
        {"UTC", "2026-11-29", "2026-12-02", CHART_DAY, false, "29 Nov@0, Mon 30@24, 1 Dec@48, Wed 2@72"},
        {"UTC", "2026-11-29", "2026-12-02", CHART_DAY, true, "Sun 29 Nov@0, Mon 30@24, Tue 1 Dec@48, Wed 2@72"},
        {"UTC", "2026-11-29", "2026-12-02", CHART_DAYS_2, false, "29 Nov@0, 1 Dec@48"},
        {"Europe/Warsaw", "2026-10-18", "2026-11-03", CHART_WEEK, false, "18 Oct@0, 19 Oct@24, 26 Oct@193, 2 Nov@361"},
        {"UTC", "2026-11-02", "2026-11-30", CHART_WEEKS_2, true, "Mon 2 Nov@0, Mon 16 Nov@336, Mon 30 Nov@672"},
        {"UTC", "2025-11-20", "2026-02-10", CHART_MONTH, false, "Nov@0, Dec@264, 2026@1008, Feb@1752"},
        {"UTC", "2025-12-01", "2026-04-10", CHART_MONTHS_3, false, "Dec@0, 2026@744, Apr@2904"},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *told = ticks_told(rows[i].zone, rows[i].first, rows[i].last, rows[i].step, rows[i].wide);
        assert_string_equal(told, rows[i].ticks);
    }
}

static void labels_never_touch_and_stay_in_the_picture(void **state)
{
    static const char *const zones[] = {"Europe/Warsaw", "Australia/Lord_Howe"};
    const int days[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 21, 28, 30, 31, 45, 60, 89, 90, 120, 180, 365, 366};
    const int lefts[] = {CHART_MARGIN, CHART_PX(290)};
    struct canvas *canvas = canvas_new(100);

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(zones) * G_N_ELEMENTS(days) * G_N_ELEMENTS(lefts); i++) {
        int left = lefts[i % 2], end = 0, n = days[i / 2 % G_N_ELEMENTS(days)];
        struct fixture *fixture = fixture_new(zones[i / 2 / G_N_ELEMENTS(days)], "2026-10-25", NULL, n);
        struct chart_plot plot = {.window = fixture->history, .left = left, .width = CHART_PX(584) - left};
        g_autoptr(ChartAxis) axis = chart_axis_new(canvas, &plot);
        int labels = 0;
        for (guint k = 0; k < axis->ticks->len; k++) {
            const struct chart_tick *tick = &g_array_index(axis->ticks, struct chart_tick, k);
            if (tick->label[0] == '\0')
                continue;
            assert_true(tick->left >= end + 12);
            end = tick->left + tick->width;
            labels++;
        }
        assert_true(end < CHART_PX(REPORT_CHART_WIDTH) - 12);
        assert_in_range(labels, n == 1 ? 4 : left == CHART_MARGIN ? 3 : 2, 13);
        fixture_free(fixture);
    }
    canvas_free(canvas);
}

static void a_day_of_25_hours_is_labelled_as_any_other_and_ends_at_24(void **state)
{
    static const char *const days[] = {"2026-11-22", "2026-10-25"};
    struct canvas *canvas = canvas_new(100);

    (void)state;
    for (int left = CHART_MARGIN; left <= CHART_PX(290); left += 2) {
        enum chart_step steps[G_N_ELEMENTS(days)];
        for (size_t i = 0; i < G_N_ELEMENTS(days); i++) {
            struct fixture *fixture = fixture_new("Europe/Warsaw", days[i], NULL, 1);
            struct chart_plot plot = {.window = fixture->window, .left = left, .width = CHART_PX(584) - left};
            g_autoptr(ChartAxis) axis = chart_axis_new(canvas, &plot);
            assert_string_equal(g_array_index(axis->ticks, struct chart_tick, axis->ticks->len - 1).label, "24:00");
            steps[i] = axis->step;
            fixture_free(fixture);
        }
        assert_true(steps[1] >= steps[0]);
    }
    canvas_free(canvas);
}

static void nights_begin_and_end_by_the_clock_on_the_wall(void **state)
{
    static const struct {
        const char *zone, *day;
        int64_t ends, begins, length; /* hours from the day's beginning */
    } rows[] = {
        {"Europe/Warsaw", "2026-11-22", 6, 21, 24},
        {"Europe/Warsaw", "2026-03-29", 5, 20, 23},
        {"Europe/Warsaw", "2026-10-25", 7, 22, 25},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct report_window *window =
            report_window_of_dates(rows[i].zone, INT64_C(4102444800), rows[i].day, NULL, NULL);
        g_autoptr(GArray) nights = chart_nights(window);
        assert_int_equal(nights->len, 2);
        const struct chart_night *night = &g_array_index(nights, struct chart_night, 0);
        assert_int_equal(night[0].from, window->from);
        assert_int_equal(night[0].to, window->from + rows[i].ends * 3600);
        assert_int_equal(night[1].from, window->from + rows[i].begins * 3600);
        assert_int_equal(night[1].to, window->from + rows[i].length * 3600);
        report_window_free(window);
    }
}

static void the_zone_and_the_days_are_named(void **state)
{
    static const struct {
        const char *zone, *first, *last, *zone_words, *days;
    } rows[] = {
        {"Europe/Warsaw", "2026-11-22", NULL, "Europe/Warsaw · CET, UTC+1", "22 Nov 2026"},
        {"Europe/Warsaw", "2026-03-29", NULL, "Europe/Warsaw · CET, UTC+1 → CEST, UTC+2", "29 Mar 2026"},
        {"Europe/Warsaw", "2025-12-01", "2026-11-22", "Europe/Warsaw · CET, UTC+1 / CEST, UTC+2",
         "1 Dec 2025 to 22 Nov 2026"},
        {"Europe/Warsaw", "2026-01-01", "2026-08-01", "Europe/Warsaw · CET, UTC+1 → CEST, UTC+2",
         "1 Jan to 1 Aug 2026"},
        {"America/New_York", "2026-11-16", "2026-11-22", "America/New York · EST, UTC−5", "16 to 22 Nov 2026"},
        {"Asia/Kolkata", "2026-10-24", "2026-11-22", "Asia/Kolkata · IST, UTC+5:30", "24 Oct to 22 Nov 2026"},
        {"America/Sao_Paulo", "2026-12-30", "2027-01-05", "America/Sao Paulo · UTC−3", "30 Dec 2026 to 5 Jan 2027"},
        {"UTC", "2026-12-01", NULL, "UTC", "1 Dec 2026"},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct report_window *window =
            report_window_of_dates(rows[i].zone, INT64_C(4102444800), rows[i].first, rows[i].last, NULL);
        g_autofree char *zone = chart_zone_words(window), *days = chart_window_words(window);
        assert_string_equal(zone, rows[i].zone_words);
        assert_string_equal(days, rows[i].days);
        report_window_free(window);
    }
}

/* --- words -------------------------------------------------------------------------------------------------------- */

static void assert_alt(struct fixture *fixture, const struct report_service *service, const char *expected)
{
    g_autofree char *words = chart_service_words(fixture_figures(fixture), service);

    assert_string_equal(words, expected);
    fixture_free(fixture);
}

static void what_a_chart_shows_is_told_in_words(void **state)
{
    struct fixture *fixture = fixture_new("Europe/Warsaw", "2026-11-22", NULL, 90);
    struct report_service *service = fixture_service(fixture, "Exchange", "Exchange Online");

    (void)state;
    fixture_paint_minutes(fixture, service, 555, 640, "serviceDegradation", 3);
    fixture_paint_minutes(fixture, service, 600, 610, "extendedRecovery", 4); /* of the same impact */
    fixture_paint_minutes(fixture, service, 720, 755, NULL, 0);
    assert_alt(fixture, service,
               "Exchange Online, 22 Nov 2026: degraded 09:15 to 10:40, no data 12:00 to 12:35, otherwise operational; "
               "availability 93.95 %");

    fixture = fixture_new("Europe/Warsaw", "2026-11-22", NULL, 90);
    assert_alt(fixture, fixture_service(fixture, "a", "A"), "A, 22 Nov 2026: operational; availability 100 %");

    fixture = fixture_new("Europe/Warsaw", "2026-11-21", "2026-11-22", 90);
    service = fixture_service(fixture, "a", "A");
    fixture_paint_minutes(fixture, service, 2820, 2880, "serviceInterruption", 1);
    fixture_paint_minutes(fixture, service, 0, 2820, NULL, 0);
    assert_alt(fixture, service,
               "A, 21 to 22 Nov 2026: no data 21 Nov 00:00 to 22 Nov 23:00, interrupted 22 Nov 23:00 to the end; "
               "availability 0 %");

    fixture = fixture_new("Europe/Warsaw", "2026-11-22", NULL, 90);
    service = fixture_service(fixture, "a", "A");
    fixture_paint_minutes(fixture, service, 0, 1440, NULL, 0);
    assert_alt(fixture, service, "A, 22 Nov 2026: no data");

    fixture = fixture_new("Europe/Warsaw", "2026-11-22", NULL, 90);
    service = fixture_service(fixture, "a", "سرویس\u200cهای\u202e");
    fixture_paint_minutes(fixture, service, 0, 1440, NULL, 0);
    fixture_sighting(service, fixture->window->from + 36000, "serviceOperational", 10);
    assert_alt(fixture, service, "سرویس\u200cهای, 22 Nov 2026: no data"); /* nothing else is known of the day */

    fixture = fixture_new("Europe/Warsaw", "2026-11-22", NULL, 90);
    service = fixture_service(fixture, "a", "A");
    fixture_paint_minutes(fixture, service, 0, 1440, NULL, 0);
    fixture_sighting(service, fixture->window->from + 36000, "serviceInterruption", 1);
    assert_alt(fixture, service,
               "A, 22 Nov 2026: no data 00:00 to 10:00, interrupted at 10:00, no data 10:00 to 24:00");

    fixture = fixture_new("Europe/Warsaw", "2026-11-22", NULL, 90);
    service = fixture_service(fixture, "a", "A");
    for (int minute = 480; minute < 900; minute += 10)
        fixture_paint_minutes(fixture, service, minute, minute + 5, "investigating", 5);
    fixture_paint_minutes(fixture, service, 1430, 1440, NULL, 0);
    assert_alt(fixture, service,
               "A, 22 Nov 2026: affected 42 times (3 h 30 min in all), no data 1 time (10 min in all), otherwise "
               "operational; availability 85.31 %");
}

static void all_services_are_told_in_words(void **state)
{
    struct fixture *fixture = fixture_new("Europe/Warsaw", "2026-11-22", NULL, 90);
    struct report_service *one = fixture_service(fixture, "a", "One"), *two = fixture_service(fixture, "b", "Two");
    struct report_gap gap = {fixture->window->from, fixture->window->from + 2100};
    g_autofree char *overview = NULL, *history = NULL;

    (void)state;
    fixture_service(fixture, "c", "Three");
    fixture_paint_minutes(fixture, one, 0, 35, NULL, 0);
    fixture_paint_minutes(fixture, two, 60, 90, "serviceInterruption", 0);
    g_array_append_val(fixture->figures.gaps, gap);
    fixture_day(one, 0, REPORT_NO_DATA, 0);
    fixture_day(one, 1, REPORT_OPERATIONAL, 0.5);
    fixture_day(two, 3, REPORT_INTERRUPTED, 1);
    fixture_day(two, 4, REPORT_INTERRUPTED, 1);
    overview = chart_overview_words(fixture_figures(fixture));
    history = chart_history_words(&fixture->figures);
    assert_string_equal(overview, "3 services, 22 Nov 2026: Two interrupted, 2 operational, no data for 35 min");
    assert_string_equal(history,
                        "3 services, 25 Aug to 22 Nov 2026: One no data on 1 day, partly observed on 1 day; Two "
                        "interrupted on 2 days; 1 operational on every day");
    fixture_free(fixture);
}

static void after_the_end_the_next_chart_is_the_same(void **state)
{
    struct fixture *fixture = fixture_new("Europe/Warsaw", "2026-11-22", NULL, 90);
    struct report_service *service = troubled(fixture, 3);
    const struct report_figures *figures = fixture_figures(fixture);
    g_autoptr(ReportChart) before = report_chart_service(figures, service, NULL);

    (void)state;
    report_chart_end();
    report_chart_end();
    g_autoptr(ReportChart) after = report_chart_service(figures, service, NULL);
    assert_true(g_bytes_equal(before->png, after->png));
    fixture_free(fixture);
}

static void a_chart_is_freed_also_when_there_is_none(void **state)
{
    (void)state;
    report_chart_free(NULL);
    canvas_free(NULL);
    chart_axis_free(NULL);
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--missing") == 0)
        return print_warnings();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_worse_the_darker_also_in_grey),
        cmocka_unit_test(no_two_impacts_look_alike_to_the_colour_blind),
        cmocka_unit_test(gaps_have_colours_of_their_own),
        cmocka_unit_test(bands_grow_with_the_impact),
        cmocka_unit_test(at_each_change_the_pixels_at_both_sides_are_right_in_windows_of_all_lengths),
        cmocka_unit_test(the_bands_of_the_overview_are_where_its_columns_are),
        cmocka_unit_test(one_scan_in_a_month_is_two_pixels_wide_wherever_it_is),
        cmocka_unit_test(what_just_one_scan_saw_is_two_pixels_wide_in_its_colour),
        cmocka_unit_test(what_is_after_now_is_white_and_not_hatched),
        cmocka_unit_test(a_gap_up_to_now_is_hatched_and_a_sighting_of_now_is_shown),
        cmocka_unit_test(the_worse_covers_the_better_and_a_gap_what_was_well),
        cmocka_unit_test(flapping_shows_each_time),
        cmocka_unit_test(days_of_the_history_are_cells_and_partly_observed_ones_are_hatched_above_their_band),
        cmocka_unit_test(a_day_of_one_scan_shows_it_below_the_hatch_and_days_to_come_nothing),
        cmocka_unit_test(the_day_that_is_not_over_is_not_partly_observed_for_that),
        cmocka_unit_test(nothing_one_forty_and_three_hundred_services_have_charts),
        cmocka_unit_test(hostile_names_are_drawn_in_the_same_few_colours),
        cmocka_unit_test(names_that_begin_alike_are_told_apart),
        cmocka_unit_test(short_names_leave_their_room_to_the_time),
        cmocka_unit_test(joiners_of_letters_are_kept_and_what_turns_their_direction_is_not),
        cmocka_unit_test(markup_in_a_name_is_text),
        cmocka_unit_test(characters_that_no_font_has_are_told),
        cmocka_unit_test(what_to_install_is_said_by_the_script_of_what_is_missing),
        cmocka_unit_test(the_same_figures_give_the_same_bytes),
        cmocka_unit_test(files_have_names_that_are_safe_and_differ),
        cmocka_unit_test(ticks_stand_at_the_zone_s_own_hours_and_days),
        cmocka_unit_test(labels_never_touch_and_stay_in_the_picture),
        cmocka_unit_test(a_day_of_25_hours_is_labelled_as_any_other_and_ends_at_24),
        cmocka_unit_test(nights_begin_and_end_by_the_clock_on_the_wall),
        cmocka_unit_test(the_zone_and_the_days_are_named),
        cmocka_unit_test(what_a_chart_shows_is_told_in_words),
        cmocka_unit_test(all_services_are_told_in_words),
        cmocka_unit_test(after_the_end_the_next_chart_is_the_same),
        cmocka_unit_test(a_chart_is_freed_also_when_there_is_none),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    report_chart_end();
    return failed;
}
