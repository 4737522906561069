/* template - Mustache templates (the manual mustache(5): variables, sections, inverted sections, comments, partials),
 * filled in with JSON. */
#ifndef M365KEEP_REPORT_TEMPLATE_H
#define M365KEEP_REPORT_TEMPLATE_H

#include <glib.h>

#include "base/json.h"

enum template_escape { TEMPLATE_HTML, TEMPLATE_TEXT };

/* Fills in `text`; `name` is for messages ("report.html"). {{x}} is escaped for HTML with TEMPLATE_HTML and as it is
 * with TEMPLATE_TEXT; {{{x}}} is as it is. `view` is an object; what it does not have is empty. NULL with *error
 * (REPORT_ERROR_TEMPLATE) naming file and line: a section that is not closed, a tag that is none. Returned: g_free. */
char *template_fill(const char *name, const char *text, const struct json_node *view, enum template_escape escape,
                    GError **error);

#endif
