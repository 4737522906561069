/* report_json - figures as JSON; the run as JSON is in report.h. */
#ifndef M365KEEP_REPORT_JSON_H
#define M365KEEP_REPORT_JSON_H

#include "report/figures.h"

/* Members of an object, without its brackets: services, announcements, other_issues, scans, gaps. Texts of outsiders
 * are plain text. Returned: g_free. */
char *report_figures_json(const struct report_figures *figures);

#endif
