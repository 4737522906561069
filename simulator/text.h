/* text.h - small helpers for writing JSON text fast: GUIDs, escaped strings, and tolerant reading of single members. */
#ifndef SIM_TEXT_H
#define SIM_TEXT_H

#include <glib.h>
#include <stdbool.h>

#include "dice.h"

/* A text with its length, so that appending needs no strlen. */
struct text {
    char *bytes;
    gsize len;
};

static inline void text_append(GString *out, const struct text *t)
{
    g_string_append_len(out, t->bytes, (gssize)t->len);
}

#define APPEND_LITERAL(out, literal) g_string_append_len((out), (literal), (gssize)sizeof(literal) - 1)

/* Appends a GUID (version 4 form, lower case) rolled from d. */
void text_append_guid(GString *out, struct dice *d);

/* Appends len bytes (-1: up to the NUL) as the inside of a JSON string, without the quotes. ascii writes everything
 * beyond ASCII as \u escapes. Bytes that are not UTF-8 become U+FFFD. */
void text_append_escaped(GString *out, const char *bytes, gssize len, bool ascii);

struct text_member {
    const char *name, *value; /* inside the text; name without its quotes */
    gsize name_len, value_len;
};

/* Steps through the members of a JSON object; *at is 0 at first. False at the end, or where it cannot be followed. */
bool text_next_member(const char *text, gsize len, gsize *at, struct text_member *member);

/* Finds a member of the outermost object of a JSON text; path names it, with slashes into nested objects
 * ("status/errorCode"). Works on broken JSON as far as it can be followed. *value (borrowed: inside text) is the
 * value's bytes. False when there is none. */
bool text_find_member(const char *text, gsize len, const char *path, const char **value, gsize *value_len);

/* The string behind a value that text_find_member() gave, escapes decoded, or the value's own text where it is no
 * string. Returned: free with g_free(). */
char *text_decode(const char *value, gsize value_len);

/* Percent-decodes a form or query value, plus signs as spaces; malformed escapes stay as they are. Returned: g_free().
 */
char *text_percent_decode(const char *text, gsize len);

/* Appends "name=value&" to a link's query, percent-encoded as Graph does it; nothing for a NULL value. */
void text_append_option(GString *link, const char *name, const char *value);

#endif
