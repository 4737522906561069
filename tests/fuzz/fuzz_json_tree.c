/* The tree over any bytes, and text on its way out of the program. What is checked beyond the sanitizers:
 *
 * - Jansson finds the same strings, numbers, members and elements;
 * - nodes lie inside one another, in order and apart, each exactly the bytes of its value: read by itself it is the
 * same value;
 * - a tree that is used again says the same;
 * - decoded text is UTF-8, of the length told; written as JSON and read back it is itself. */
#include "fuzz.h"

#include "../unit/base/json_judge.h"
#include "base/base.h"
#include "json_print.h"

/* --- a node ------------------------------------------------------------------------------------------------------- */

/* `other` is scratch. */
static void check_text(const char *text, size_t length, struct json_tree *other)
{
    g_autoptr(GString) json = g_string_new(NULL);

    g_assert(strlen(text) == length && g_utf8_validate(text, (gssize)length, NULL));
    text_append_json(json, text);
    const struct json_node *node = json_tree_parse(other, json->str, json->len, NULL);
    g_assert(node != NULL && node->type == JSON_STRING && strcmp(node->text, text) == 0);
}

/* The node's bytes are a value by themselves; what is inside is checked with the members. */
static void check_alone(const struct json_node *node, struct json_tree *other)
{
    g_autofree char *exact = fuzz_exact(node->bytes, node->length);
    const struct json_node *same = json_tree_parse(other, exact, node->length, NULL);

    g_assert(same != NULL && same->type == node->type && same->length == node->length);
    g_assert(g_strcmp0(same->text, node->text) == 0 && same->key == NULL && same->next == NULL);
}

static void check_node(const struct json_node *node, const char *from, const char *to, bool in_object,
                       struct json_tree *other)
{
    g_assert(node->bytes >= from && node->bytes + node->length <= to && node->length > 0);
    g_assert((node->key != NULL) == in_object);
    g_assert((node->text != NULL) == (node->type == JSON_STRING || node->type == JSON_NUMBER));
    if (node->type == JSON_STRING)
        check_text(node->text, node->text_length, other);
    else if (node->type == JSON_NUMBER)
        g_assert(node->text_length == node->length && memcmp(node->text, node->bytes, node->length) == 0);
    if (in_object)
        check_text(node->key, strlen(node->key), other);
    check_alone(node, other);
    g_assert(node->child == NULL || node->type == JSON_OBJECT || node->type == JSON_ARRAY);
    for (const struct json_node *child = node->child; child != NULL; child = child->next) {
        check_node(child, from, node->bytes + node->length, node->type == JSON_OBJECT, other);
        from = child->bytes + child->length;
    }
}

/* --- the value, written anew -------------------------------------------------------------------------------------- */

/* Printed, read and printed again it is the same text. */
static void check_printed(const struct json_node *node, struct json_tree *other)
{
    g_autoptr(GString) once = g_string_new(NULL), twice = g_string_new(NULL);

    json_print(once, node);
    const struct json_node *again = json_tree_parse(other, once->str, once->len, NULL);
    g_assert(again != NULL);
    json_print(twice, again);
    g_assert(g_string_equal(once, twice));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *bytes = fuzz_exact(data, size);
    g_autoptr(JsonTree) tree = json_tree_new(), other = json_tree_new();
    g_autoptr(GError) problem = NULL;
    json_error_t error;
    const struct json_node *node = json_tree_parse(tree, bytes, size, &problem);

    if (node == NULL) {
        fuzz_check_message(problem);
        return 0;
    }
    g_assert(problem == NULL);
    json_t *value = judge_load(bytes, size, &error);
    if (value != NULL)
        g_assert(judge_same(node, value));
    json_decref(value);
    check_node(node, bytes, bytes + size, false, other);
    check_printed(node, other);
    g_assert(json_tree_parse(tree, "[", 1, NULL) == NULL);
    node = json_tree_parse(tree, bytes, size, NULL);
    g_assert(node != NULL);
    check_node(node, bytes, bytes + size, false, other);
    return 0;
}
