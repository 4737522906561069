/* html - HTML of outsiders made safe and plain: only what an allow list names comes out, written anew. */
#ifndef M365KEEP_REPORT_HTML_H
#define M365KEEP_REPORT_HTML_H

#include <glib.h>
#include <stdbool.h>

/* `content` for the middle of a mail: paragraphs, line breaks, lists, bold, italic, small tables, and links to http,
 * https and mailto, with our own inline styles; no attribute of the input but those links' href survives, no image, no
 * script, style, form or comment. Plain text (`html` false) becomes paragraphs. At most `max_chars` characters of
 * text (0: all), then an ellipsis; *shortened (may be NULL) says whether. Returned: g_free; always well-formed. */
char *html_safe(const char *content, bool html, size_t max_chars, bool *shortened);

/* The same as plain text: paragraphs apart by an empty line, "- " before list items, the address of a link behind its
 * words. Returned: g_free. */
char *html_plain(const char *content, bool html, size_t max_chars, bool *shortened);

/* Text for HTML: & < > " and ' as references; control characters (but tabs and line ends) left out, bytes that are not
 * UTF-8 as U+FFFD. Returned: g_free. */
char *html_escape(const char *text);

#endif
