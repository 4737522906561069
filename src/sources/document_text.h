/* document_text - the text of a document that is indexed, shown and searched.
 *
 * Private to the room. */
#ifndef M365KEEP_SOURCES_DOCUMENT_TEXT_H
#define M365KEEP_SOURCES_DOCUMENT_TEXT_H

#include "base/json.h"

/* The summary, then each distinct string and searchable number of the record, one a line.
 *
 * Left out, because nobody looks for them and the index pays for each: timestamps (strings that are one as a whole),
 * true, false and null, fractions, the numbers 0 and 1, and strings that say nothing (record_says_nothing). "None" and
 * "Unknown" stay: a policy's application may be called so. Line breaks inside a value become blanks. A string that
 * holds JSON as a whole gives its own leaves instead of itself, so that names behind \u escapes are found; what only
 * looks like JSON stays as it is. Long strings go in whole. Returned: free with g_free. */
char *document_text(const char *summary, const struct json_node *record);

/* The same, of a record with texts in HTML: the `content` of an object that has a `contentType`, unless that is "text",
 * goes in as words (html_words), and behind it where its links lead. */
char *document_text_of_html(const char *summary, const struct json_node *record);

#endif
