/* picture - where an HTML text shows the pictures of its own mail. */
#ifndef M365KEEP_REPORT_PICTURE_H
#define M365KEEP_REPORT_PICTURE_H

#include "report/chart.h"

/* The address under which a picture is found. Returned: g_free. */
typedef char *(*picture_address)(const struct report_chart *chart, const void *user);

/* `html` with "cid:NAME" replaced by `address` of that chart, where it is the value of a tag's src or background, and
 * nowhere else: what is said of such addresses stays as it is. `shown` (may be NULL) gets the charts (borrowed) that
 * the HTML shows, in the order of their first place, each once. Returned: g_free. */
char *picture_replace(const char *html, const GPtrArray *charts, picture_address address, const void *user,
                      GPtrArray *shown);

#endif
