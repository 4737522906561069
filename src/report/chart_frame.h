/* chart_frame - what the charts have in common: the title line, the time axis, bands of impact, the legend. Lengths are
 * PNG pixels. */
#ifndef M365KEEP_REPORT_CHART_FRAME_H
#define M365KEEP_REPORT_CHART_FRAME_H

#include "report/chart_axis.h"
#include "report/chart_canvas.h"

enum { CHART_MARGIN = CHART_PX(16) }; /* left and right */

/* The axis of a plot: as many ticks as there is room for their labels. Returned: chart_axis_free. */
typedef struct chart_axis {
    const struct chart_plot *plot; /* borrowed */
    enum chart_step step;
    GArray *ticks;  /* struct chart_tick; no label touches another one */
    GArray *nights; /* struct chart_night; none where days are too narrow */
} ChartAxis;
struct chart_axis *chart_axis_new(struct canvas *canvas, const struct chart_plot *plot);
void chart_axis_free(struct chart_axis *axis);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ChartAxis, chart_axis_free)

/* Nights and the lines of the ticks, behind the bands that come on them. */
void chart_draw_ground(struct canvas *canvas, const struct chart_axis *axis, int top, int height);

/* The ticks from `y` on, and their labels. Takes CHART_SCALE_HEIGHT. */
enum { CHART_SCALE_HEIGHT = CHART_PX(22) };
void chart_draw_scale(struct canvas *canvas, const struct chart_axis *axis, int y);

/* How high the band of an impact is, where the highest is `full`. */
int chart_band_height(enum report_impact impact, int full);

/* One impact, from the line `bottom` upwards. */
void chart_draw_band(struct canvas *canvas, enum report_impact impact, int x, int width, int bottom, int full);

/* The impact that each column of the plot shows: the worst of those that meet in it; each stretch has two columns at
 * least. Time without data never gives way to time that was operational. Columns after `now` have CHART_FUTURE, and
 * nothing is drawn there. Returned: g_free. */
enum { CHART_FUTURE = REPORT_IMPACTS };
guint8 *chart_columns(const struct chart_plot *plot, const GArray *stretches, int64_t now);
void chart_draw_stretches(struct canvas *canvas, const struct chart_plot *plot, const GArray *stretches, int64_t now,
                          int bottom, int full);

/* What of the plot lies after `now` stays white, and says so where there is room. To be drawn on the ground. */
void chart_draw_future(struct canvas *canvas, const struct chart_plot *plot, int64_t now, int top, int height);

/* What a legend has to explain. */
struct chart_legend {
    bool impacts[REPORT_IMPACTS];
    bool partial, night;
};

/* From `y` on, with `zone` at the right. Returns the height that it took. */
int chart_draw_legend(struct canvas *canvas, const struct chart_legend *legend, const char *zone, int y);

/* A day of which only a part was observed: its band, and above it the hatch of what nobody knows. */
void chart_draw_partial(struct canvas *canvas, enum report_impact impact, int x, int width, int bottom, int full);

#endif
