/* html_names - the characters that HTML knows by name: &amp; &nbsp; &rsquo;
 *
 * Private to the room. */
#ifndef M365KEEP_SOURCES_HTML_NAMES_H
#define M365KEEP_SOURCES_HTML_NAMES_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

/* The character of the name text[0, length), case counting; 0 when it is none of HTML 4.01's (section 24) and not
 * "apos". */
gunichar html_name_find(const char *text, size_t length);

#endif
