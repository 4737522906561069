/* chart - pictures of figures: Cairo draws, Pango shapes the text, libpng writes an indexed palette. The same figures
 * give the same bytes. */
#ifndef M365KEEP_REPORT_CHART_H
#define M365KEEP_REPORT_CHART_H

#include "report/figures.h"

enum {
    REPORT_CHART_WIDTH = 600, /* CSS pixels; the PNG has twice as many each way */
    REPORT_CHART_SCALE = 2
};

/* 0xRRGGBB of each impact's band, as the PNG has it; gaps are hatched in two colours that are none of them. */
extern const guint32 report_chart_colors[REPORT_IMPACTS];

/* One picture. */
typedef struct report_chart {
    char *name; /* "exchange.png": [a-z0-9-], unique in the report, the same each time */
    GBytes *png;
    int width, height; /* CSS pixels */
    char *alt;         /* what it shows, in words */
    char *service;     /* the id of the service it shows; NULL: all of them */
    char *warning;     /* characters that no installed font has; NULL: none */
} ReportChart;
void report_chart_free(struct report_chart *chart);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ReportChart, report_chart_free)

/* A service's status over the window. Returned: report_chart_free. NULL with *error (REPORT_ERROR_FAILED). */
struct report_chart *report_chart_service(const struct report_figures *figures, const struct report_service *service,
                                          GError **error);

/* All services over the window; over the history, a cell a day. Returned: as above. */
struct report_chart *report_chart_overview(const struct report_figures *figures, GError **error);
struct report_chart *report_chart_history(const struct report_figures *figures, GError **error);

/* Lets go of the fonts that the charts of this thread have loaded; the next chart loads them again (some 10 ms). To be
 * called when the last chart of a run is drawn. */
void report_chart_end(void);

/* Where a moment of the window is in the chart of a service, and in the overview, which has the names at its left: the
 * PNG's pixel column from the left edge. For tests, and for maps. */
double report_chart_column(const struct report_figures *figures, int64_t at);
double report_chart_overview_column(const struct report_figures *figures, int64_t at);

#endif
