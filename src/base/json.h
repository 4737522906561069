/* json - a strict pull reader that works on chunks, and two things built on it: a page, which cuts the records of an
 * answer out as the exact bytes received, and a tree, for looking into one record.
 *
 * RFC 8259 to the letter: no comments, no trailing commas, no NaN, no leading zeros, no control characters in strings,
 * one value and then only white space. Numbers stay text. Strings are bytes of known length: \u0000 does not end them.
 * (cJSON loses integers from 2^53 on, cuts strings at \u0000, takes trailing garbage and invalid UTF-8.) */
#ifndef M365KEEP_JSON_H
#define M365KEEP_JSON_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#define JSON_ERROR (json_error_quark())
GQuark json_error_quark(void);
enum json_error_code {
    JSON_ERROR_SYNTAX,    /* not JSON; the message names the offset */
    JSON_ERROR_TRUNCATED, /* the input ended too early */
    JSON_ERROR_TOO_LARGE, /* above the size given at creation */
    JSON_ERROR_SHAPE,     /* JSON, but not what was asked for: no `value`, not an array, a link that is none */
};

enum { JSON_DEPTH_MAX = 128 }; /* a record nested deeper is cut out whole, but marked and not looked into */

/* --- reader ------------------------------------------------------------------------------------------------------ */

enum json_token {
    JSON_TOKEN_MORE, /* feed more bytes, or finish */
    JSON_TOKEN_ERROR,
    JSON_TOKEN_END, /* one whole value was read, and only white space after it */
    JSON_TOKEN_OBJECT_BEGIN,
    JSON_TOKEN_OBJECT_END,
    JSON_TOKEN_ARRAY_BEGIN,
    JSON_TOKEN_ARRAY_END,
    JSON_TOKEN_KEY,
    JSON_TOKEN_STRING,
    JSON_TOKEN_NUMBER,
    JSON_TOKEN_TRUE,
    JSON_TOKEN_FALSE,
    JSON_TOKEN_NULL,
};

struct json_reader {
    const char *bytes; /* borrowed: all input so far; may move between calls */
    size_t length;     /* of it */
    bool finished;     /* no more will come */
    bool lenient_text; /* invalid UTF-8 and raw control characters in strings: set bad_text instead of failing */
    /* The last token: bytes[start, end); for keys and strings without the quotes. */
    size_t start, end;
    bool escaped;  /* the key or string holds a backslash escape */
    bool bad_text; /* with lenient_text: the key or string holds bytes that JSON forbids */
    size_t depth;  /* containers open after this token */
    /* Private from here. */
    size_t at, scan;
    int state, number;
    bool object;
    GByteArray *stack;
    GError *error;
};

/* Starts reading. A UTF-8 byte order mark before the value is skipped. */
void json_reader_init(struct json_reader *reader);
void json_reader_clear(struct json_reader *reader);

/* Says what the input is now: the same bytes as before (they may have moved) and more after them. */
void json_reader_input(struct json_reader *reader, const char *bytes, size_t length, bool finished);

/* The next token. After JSON_TOKEN_MORE call json_reader_input and try again; work done on a half-read string is not
 * repeated. After JSON_TOKEN_ERROR `error` says why, and every further call returns it again. Depth is bounded only by
 * memory: one bit a level. */
enum json_token json_reader_next(struct json_reader *reader);

/* Decodes the bytes between a string's quotes: escapes resolved, \u0000 and lone surrogates as U+FFFD, invalid UTF-8 as
 * U+FFFD. Appends to `out`. */
void json_decode_string(const char *bytes, size_t length, GString *out);

/* --- page -------------------------------------------------------------------------------------------------------- */

enum json_fault {
    JSON_FAULT_NONE,
    JSON_FAULT_TEXT,  /* bytes that are not UTF-8, or raw control characters, in a string */
    JSON_FAULT_DEPTH, /* nested deeper than JSON_DEPTH_MAX */
};

struct json_slice {
    const char *bytes; /* borrowed from the page */
    size_t length;
    enum json_fault fault;
};

/* One answer's body: owns the bytes. Either {"value":[...], ...} or, with `array` true, a bare array. */
typedef struct json_page JsonPage; /* the name g_autoptr needs */

/* A new page that takes at most `max_bytes` of body. */
struct json_page *json_page_new(bool array, size_t max_bytes);
void json_page_free(struct json_page *page);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(JsonPage, json_page_free)

/* Forgets everything read, for another attempt at the same request. */
void json_page_reset(struct json_page *page);

/* Adds bytes as they arrive and cuts out the records that are whole. False with *error (sticky) when it is not JSON, or
 * too large. */
bool json_page_feed(struct json_page *page, const void *bytes, size_t length, GError **error);

/* The body has ended. True only when it was one whole JSON value of the wanted shape; an {"error":...} object is
 * JSON_ERROR_SHAPE (beside a `value` too: the page is not whole), and so is a `value` that is missing, doubled or no
 * array, and a link (a top-level member whose name ends in "Link", such as "@odata.nextLink") that is doubled or
 * neither a string nor null: with it, nobody knows whether the page is the last one. */
bool json_page_finish(struct json_page *page, GError **error);

size_t json_page_bytes(const struct json_page *page);     /* body bytes so far */
const char *json_page_body(const struct json_page *page); /* borrowed; json_page_bytes long, NUL after it */
size_t json_page_count(const struct json_page *page);     /* records */
struct json_slice json_page_record(const struct json_page *page, size_t index);

/* A top-level string member other than `value` ("@odata.nextLink"), decoded; NULL when absent or not a string. Names
 * are compared exactly; a doubled name: the last one (but see json_page_finish on links). Borrowed until the page is
 * reset or freed. */
const char *json_page_member(const struct json_page *page, const char *name);

/* --- tree -------------------------------------------------------------------------------------------------------- */

enum json_type { JSON_OBJECT, JSON_ARRAY, JSON_STRING, JSON_NUMBER, JSON_TRUE, JSON_FALSE, JSON_NULL };

struct json_node {
    enum json_type type;
    const char *key;    /* decoded, NUL-terminated; NULL outside objects */
    const char *text;   /* strings decoded (U+FFFD for NUL and lone surrogates), numbers as written; else NULL */
    size_t text_length; /* of text */
    const char *bytes;  /* the value's own bytes in the input, quotes and brackets included */
    size_t length;      /* of them */
    const struct json_node *child; /* first member or element */
    const struct json_node *next;  /* next sibling */
};

/* An arena for one value at a time; reusable, so that a million records cost no million allocations. */
typedef struct json_tree JsonTree;
struct json_tree *json_tree_new(void);
void json_tree_free(struct json_tree *tree);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(JsonTree, json_tree_free)

/* Reads one value of at most JSON_DEPTH_MAX levels; NULL with *error when it is not one. The nodes are borrowed until
 * the next call or json_tree_free; `bytes` must live as long. */
const struct json_node *json_tree_parse(struct json_tree *tree, const char *bytes, size_t length, GError **error);

/* The member `key` of an object; the last one when doubled. NULL when absent or `object` is NULL or no object. */
const struct json_node *json_get(const struct json_node *object, const char *key);

/* The text of a string member that is not empty; else NULL. */
const char *json_get_string(const struct json_node *object, const char *key);

/* --- members ------------------------------------------------------------------------------------------------------ */

/* One member of an object, with its exact bytes. */
struct json_member {
    const char *key;  /* decoded, NUL-terminated (U+FFFD for NUL and lone surrogates) */
    const char *name; /* the key's own bytes in the input, quotes included */
    size_t name_length;
    const char *bytes; /* the value's own bytes */
    size_t length;
};

typedef struct json_members JsonMembers; /* the name g_autoptr needs */

/* Reads an object of any depth: its members in the order of the input; of a doubled key the last value, where the first
 * one stood. Returned: json_members_free; `bytes` is borrowed until then. NULL with *error when it is not an object. */
struct json_members *json_members_parse(const char *bytes, size_t length, GError **error);
void json_members_free(struct json_members *members);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(JsonMembers, json_members_free)

size_t json_members_count(const struct json_members *members);
const struct json_member *json_members_at(const struct json_members *members, size_t index);

/* NULL when there is none of that key. */
const struct json_member *json_members_find(const struct json_members *members, const char *key);

/* True when two values mean the same: white space, the order of an object's members, escapes and all but the last of
 * doubled keys do not matter; the order of arrays does, and numbers are compared as they are written. Values that
 * cannot be looked into (deeper than JSON_DEPTH_MAX, or no JSON) are the same when their bytes are. */
bool json_same(const char *a, size_t a_length, const char *b, size_t b_length);

#endif
