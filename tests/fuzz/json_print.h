/* json_print - a value written anew from its nodes: other bytes, the same meaning. */
#ifndef M365KEEP_TESTS_FUZZ_JSON_PRINT_H
#define M365KEEP_TESTS_FUZZ_JSON_PRINT_H

#include "base/json.h"
#include "base/text.h"

static inline void json_print(GString *out, const struct json_node *node);

static inline void json_print_children(GString *out, const struct json_node *parent)
{
    for (const struct json_node *child = parent->child; child != NULL; child = child->next) {
        if (child->key != NULL) {
            text_append_json(out, child->key);
            g_string_append_c(out, ':');
        }
        json_print(out, child);
        if (child->next != NULL)
            g_string_append_c(out, ',');
    }
}

/* Appends the value without white space, strings with the fewest escapes. At most JSON_DEPTH_MAX deep. */
static inline void json_print(GString *out, const struct json_node *node)
{
    switch (node->type) {
    case JSON_OBJECT:
        g_string_append_c(out, '{');
        json_print_children(out, node);
        g_string_append_c(out, '}');
        break;
    case JSON_ARRAY:
        g_string_append_c(out, '[');
        json_print_children(out, node);
        g_string_append_c(out, ']');
        break;
    case JSON_STRING:
        text_append_json(out, node->text);
        break;
    default:
        g_string_append_len(out, node->bytes, (gssize)node->length);
    }
}

#endif
