/* record - reading one record of Microsoft's as the sources see it: what counts as a value, a name, a phrase.
 *
 * Private to the room. */
#ifndef M365KEEP_SOURCES_RECORD_H
#define M365KEEP_SOURCES_RECORD_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/json.h"

enum {
    PHRASE_CHARACTERS = 120, /* of one name or text of outsiders inside a summary */
    JSON_IN_STRINGS = 4,     /* levels of JSON inside strings that are looked into */
};

/* The record as a tree of nodes, an object; NULL with *error, a sentence for the list of unreadable records that names
 * the source. Borrowed from `tree`. */
const struct json_node *record_open(const char *source_name, struct json_tree *tree, struct json_slice record,
                                    GError **error);

/* True for the words by which Microsoft says "nothing": "", blanks, "<null>", "Not Available". */
bool record_says_nothing(const char *text, size_t length);

/* A string member that says something; NULL when it is absent, null, of another type or says nothing. */
const char *record_string(const struct json_node *object, const char *key);

/* A time in the one form that sorts as text; NULL when there is none, also for the year 1 that stands for "never".
 * Returned: g_free. */
char *record_time(const struct json_node *object, const char *key);

/* A boolean member: 1, 0, or -1 when it is anything else. */
int record_flag(const struct json_node *object, const char *key);

/* True when two texts are the same but for the case of A to Z; NULL equals nothing. */
bool record_same(const char *a, const char *b);

/* Adds a copy of `name` unless it is NULL or there already. */
void record_add_name(GPtrArray *names, const char *name);

/* A tree of this thread's own, kept from record to record, for decoders that are handed bytes only. */
struct json_tree *record_thread_tree(void);

/* The JSON that `text` holds when it is, as a whole, one object, array or string literal; NULL when it is anything else
 * (an address in brackets, a GUID in braces). `level` counts from 0, the text of a record itself; from JSON_IN_STRINGS
 * on always NULL. Borrowed until the next call with that level on this thread; `text` must live as long. */
const struct json_node *record_json_inside(const char *text, size_t length, unsigned level);

/* Appends what outsiders wrote as part of a sentence: on one line, trimmed, at most PHRASE_CHARACTERS with an ellipsis.
 */
void phrase_append(GString *out, const char *text);

#endif
