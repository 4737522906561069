/* view - figures as the words of a mail: the JSON that the templates are filled in with, and from it both texts. */
#ifndef M365KEEP_REPORT_VIEW_H
#define M365KEEP_REPORT_VIEW_H

#include "report/chart.h"

/* All that a mail says. Strings are owned. */
typedef struct report_words {
    char *subject;
    char *html; /* pictures as <img src="cid:NAME">, NAME being the chart's name */
    char *text;
} ReportWords;
void report_words_free(struct report_words *words);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ReportWords, report_words_free)

struct report_look {
    const char *subject;   /* the pattern: {customer}, {from}, {to} */
    const char *signature; /* a file of HTML; NULL: none. Made safe as posts are */
    const char *templates; /* a folder with report.html.mustache and report.txt.mustache; what it lacks is ours; NULL */
};

/* True for a service whose time is worth a chart of its own: it had trouble, or gaps that not all have. The others are
 * told by the table and by the charts of all. */
bool report_words_tells(const struct report_figures *figures, const struct report_service *service);

/* `charts`: struct report_chart *, the overview first, then the history, then those of services (by
 * report_words_tells), in the figures' order; may be empty (charts left out for size). Every chart is shown, so that no
 * mail carries pictures that it does not refer to. NULL with *error (REPORT_ERROR_TEMPLATE, REPORT_ERROR_FILE).
 * Returned: report_words_free. */
struct report_words *report_words_new(const struct report_figures *figures, const GPtrArray *charts,
                                      const struct report_look *look, GError **error);

/* The view itself, JSON. Returned: g_free. */
char *report_view(const struct report_figures *figures, const GPtrArray *charts, const struct report_look *look,
                  GError **error);

#endif
