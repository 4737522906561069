/* json_judge - what Jansson, another reader, says of the same bytes. Where it differs from RFC 8259 or from us on
 * purpose, judge_excuses says so. */
#ifndef M365KEEP_TESTS_JSON_JUDGE_H
#define M365KEEP_TESTS_JSON_JUDGE_H

#include <math.h>
#include <stdbool.h>
#include <string.h>

/* Jansson's names, out of the way of ours; its macros that use them (json_is_true ...) are of no use here. */
#define JSON_OBJECT     JANSSON_OBJECT
#define JSON_ARRAY      JANSSON_ARRAY
#define JSON_STRING     JANSSON_STRING
#define JSON_TRUE       JANSSON_TRUE
#define JSON_FALSE      JANSSON_FALSE
#define JSON_NULL       JANSSON_NULL
#define json_error_code jansson_error_code
#include <jansson.h>
#undef JSON_OBJECT
#undef JSON_ARRAY
#undef JSON_STRING
#undef JSON_TRUE
#undef JSON_FALSE
#undef JSON_NULL
#undef json_error_code

#include "base/json.h"

/* --- acceptance --------------------------------------------------------------------------------------------------- */

static inline json_t *judge_load(const char *bytes, size_t length, json_error_t *error)
{
    return json_loadb(bytes, length, JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL, error);
}

/* Whether Jansson refuses something that RFC 8259's grammar allows and we take. */
static inline bool judge_excuses(const json_error_t *error)
{
    return jansson_error_code(error) == json_error_numeric_overflow || /* 1e400: it wants a double */
           jansson_error_code(error) == json_error_null_byte_in_key || /* its names are C strings */
           jansson_error_code(error) == json_error_stack_overflow ||   /* 2,048 levels */
           g_str_has_prefix(error->text, "invalid Unicode");           /* lone surrogate escapes */
}

static inline bool judge_reader_accepts(const char *bytes, size_t length)
{
    struct json_reader reader;
    enum json_token token;

    json_reader_init(&reader);
    json_reader_input(&reader, bytes, length, true);
    while ((token = json_reader_next(&reader)) > JSON_TOKEN_END)
        ;
    json_reader_clear(&reader);
    return token == JSON_TOKEN_END;
}

/* Whether all that we mind are NULs right behind a number or a word, which Jansson loses when it puts them back. */
static inline bool judge_lost_a_nul(const char *bytes, size_t length)
{
    g_autoptr(GString) rest = g_string_new(NULL);

    for (size_t i = 0; i < length; i++) {
        if (bytes[i] != '\0' || i == 0 || !g_ascii_isalnum(bytes[i - 1]))
            g_string_append_c(rest, bytes[i]);
    }
    return rest->len < length && judge_reader_accepts(rest->str, rest->len);
}

/* --- contents ----------------------------------------------------------------------------------------------------- */

static inline bool judge_same(const struct json_node *node, const json_t *value);

static inline bool judge_same_text(const char *text, size_t length, const char *other, size_t other_length)
{
    g_autoptr(GString) shown = g_string_new_len(other, (gssize)other_length);

    for (gsize i = 0; i < shown->len; i++) { /* we show NUL as U+FFFD, where Jansson keeps it */
        if (shown->str[i] != '\0')
            continue;
        g_string_erase(shown, (gssize)i, 1);
        g_string_insert(shown, (gssize)i, "\xef\xbf\xbd");
    }
    return shown->len == length && memcmp(shown->str, text, length) == 0;
}

static inline bool judge_same_members(const struct json_node *object, const json_t *value)
{
    size_t distinct = 0;

    for (const struct json_node *node = object->child; node != NULL; node = node->next) {
        if (json_get(object, node->key) != node)
            continue; /* doubled, and not the last */
        distinct++;
        if (!judge_same(node, json_object_get(value, node->key)))
            return false;
    }
    return distinct == json_object_size(value);
}

static inline bool judge_same_elements(const struct json_node *array, const json_t *value)
{
    size_t n = 0;

    for (const struct json_node *node = array->child; node != NULL; node = node->next, n++) {
        if (!judge_same(node, json_array_get(value, n)))
            return false;
    }
    return n == json_array_size(value);
}

static inline bool judge_same_number(const struct json_node *node, const json_t *value)
{
    double ours = g_ascii_strtod(node->text, NULL), theirs = json_real_value(value);

    return node->length == node->text_length && memcmp(node->bytes, node->text, node->length) == 0 && ours == theirs &&
           !signbit(ours) == !signbit(theirs);
}

/* True when node and value say the same: strings, numbers, members and elements. At most JSON_DEPTH_MAX deep. */
static inline bool judge_same(const struct json_node *node, const json_t *value)
{
    if (value == NULL)
        return false;
    switch (node->type) {
    case JSON_OBJECT:
        return json_typeof(value) == JANSSON_OBJECT && judge_same_members(node, value);
    case JSON_ARRAY:
        return json_typeof(value) == JANSSON_ARRAY && judge_same_elements(node, value);
    case JSON_STRING:
        return json_typeof(value) == JANSSON_STRING &&
               judge_same_text(node->text, node->text_length, json_string_value(value), json_string_length(value));
    case JSON_NUMBER:
        return json_typeof(value) == JSON_REAL && judge_same_number(node, value);
    case JSON_TRUE:
        return json_typeof(value) == JANSSON_TRUE;
    case JSON_FALSE:
        return json_typeof(value) == JANSSON_FALSE;
    default:
        return json_typeof(value) == JANSSON_NULL;
    }
}

#endif
