/* chart_axis - the time axis of the charts: where moments are, which are labelled, and how. Pure. */
#ifndef M365KEEP_REPORT_CHART_AXIS_H
#define M365KEEP_REPORT_CHART_AXIS_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "report/window.h"

/* The part of a picture's width that stands for a window, in PNG pixels: time runs evenly from `left` on; or, with
 * `pitch`, each day is as wide as any other. */
struct chart_plot {
    const struct report_window *window; /* borrowed */
    int left, width;
    int pitch;    /* of a day; 0: even time */
    GArray *days; /* with `pitch`: report_window_days(), borrowed */
};

/* The column of a moment of the window. */
double chart_plot_column(const struct chart_plot *plot, int64_t at);

/* From the finest to the coarsest. */
enum chart_step {
    CHART_HOURS_3,
    CHART_HOURS_6,
    CHART_HOURS_12,
    CHART_DAY,
    CHART_DAYS_2,
    CHART_WEEK, /* Mondays */
    CHART_WEEKS_2,
    CHART_MONTH,
    CHART_MONTHS_3,
    CHART_STEPS
};

struct chart_tick {
    int64_t at;
    char label[16];  /* "09:00", "22 Nov", "Tue 17", "Dec"; empty: none */
    int left, width; /* of the label, in PNG pixels; once it has its place */
};

/* The ticks of a window at a step, in time, the first one at its beginning; hours are the zone's own, and one that the
 * clock skips has no tick. Midnight is labelled with its date, the first day with its month; `wide`: with its weekday,
 * too. Steps of hours end with "24:00". Returned: GArray of struct chart_tick. */
GArray *chart_ticks(const struct report_window *window, enum chart_step step, bool wide);

/* The nights, 21:00 to 06:00 of the zone, cut to the window. Returned: GArray of struct chart_night. */
struct chart_night {
    int64_t from, to;
};
GArray *chart_nights(const struct report_window *window);

/* "America/New York · EST, UTC−5"; where the clock changes in the window "CET, UTC+1 → CEST, UTC+2", and where it does
 * so more than once "CET, UTC+1 / CEST, UTC+2". Returned: g_free. */
char *chart_zone_words(const struct report_window *window);

/* "22 Nov 2026", "16 to 22 Nov 2026", "30 Dec 2026 to 5 Jan 2027". Returned: g_free. */
char *chart_window_words(const struct report_window *window);

#endif
