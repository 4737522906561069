/* html_words - what a person reads of an HTML text, as words that can be searched.
 *
 * Private to the room. */
#ifndef M365KEEP_SOURCES_HTML_WORDS_H
#define M365KEEP_SOURCES_HTML_WORDS_H

#include <glib.h>
#include <stddef.h>

/* The words of html[0, length), one blank between them: tags taken out (with a blank where one begins a new line or
 * cell, without where it only marks up part of a word), references such as &amp; and &#8217; decoded, comments, scripts
 * and styles left out. What only looks like a tag ("<server name>", "a < b", a tag that never ends) is text, and so is
 * a reference that nobody knows: no word is ever lost.
 *
 * What tags say beside that, where a link leads and what a picture is called, goes to `more` (char *, owned by it), in
 * their order. Returned: free with g_free. */
char *html_words(const char *html, size_t length, GPtrArray *more);

#endif
