/* chart_words - charts in words: their names as files, and what they show for those who do not see it. Pure. */
#ifndef M365KEEP_REPORT_CHART_WORDS_H
#define M365KEEP_REPORT_CHART_WORDS_H

#include "report/figures.h"

/* "exchange.png": of the service's id, the same in each report; with a hash where that alone would not tell it from
 * another service of the figures or from the other charts. Returned: g_free. */
char *chart_service_file(const struct report_figures *figures, const struct report_service *service);

/* "Exchange Online, 22 Nov 2026: degraded 09:15 to 10:40, otherwise operational; availability 94.10 %". Returned:
 * g_free. */
char *chart_service_words(const struct report_figures *figures, const struct report_service *service);
char *chart_overview_words(const struct report_figures *figures);
char *chart_history_words(const struct report_figures *figures);

/* Whether a stretch is of what has been, and not only of what lies after `now`. */
bool chart_has_begun(const struct report_stretch *stretch, int64_t now);

/* A day of which less was observed than there was of it up to now. */
bool chart_day_is_partial(const struct report_day *day, int64_t now);

#endif
