/* template - Mustache templates (the manual mustache(5): variables, sections, inverted sections, comments), filled in
 * with JSON. Partials, lambdas, blocks and other delimiters are refused. */
#ifndef M365KEEP_REPORT_TEMPLATE_H
#define M365KEEP_REPORT_TEMPLATE_H

#include <glib.h>

#include "base/json.h"

enum template_escape { TEMPLATE_HTML, TEMPLATE_TEXT };

enum {
    TEMPLATE_DEPTH_MAX = 32,        /* sections in one another */
    TEMPLATE_RESULT_MAX = 16 << 20, /* bytes: a mail of that size goes nowhere */
    TEMPLATE_STEPS_MAX = 1000000,   /* texts and tags that are filled in, those of each round counted */
};

/* Fills in `text`; `name` is for messages ("report.html.mustache"). {{x}} is escaped for HTML with TEMPLATE_HTML and as
 * it is with TEMPLATE_TEXT; {{{x}}} and {{&x}} are as they are. `view` is an object; what it does not have is empty. A
 * section is left out when its value is absent, false, null, an empty list or an empty text; a list gives a round each
 * element; anything else one round. Tags of sections and comments that have a line to themselves leave no line.
 *
 * NULL with *error (REPORT_ERROR_TEMPLATE) naming file, line and tag: a section that is not closed, a tag that is none,
 * a list where a text is wanted, more than the limits above. Returned: g_free. */
char *template_fill(const char *name, const char *text, const struct json_node *view, enum template_escape escape,
                    GError **error);

#endif
