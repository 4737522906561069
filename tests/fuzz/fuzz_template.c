/* Templates over any bytes: the template, a zero byte, and the JSON that it is filled in with (without that, a view of
 * ours). What is checked beyond the sanitizers:
 *
 * - a template gives a text or an error, whose message is a sentence with the line;
 * - without a '<' of its own and without raw tags, what it gives for HTML has none, whatever is filled in;
 * - a text without "{{" stays as it is. */
#include "fuzz.h"

#include "base/json.h"
#include "report/template.h"

static const char our_view[] =
    "{\"a\":\"<x> & \\\"y\\\"\",\"b\":[1,2,{\"a\":\"in\",\"c\":[true,[\"<\"]]}],\"c\":{\"d\":"
    "{\"e\":\"deep\"}},\"n\":null,\"f\":false,\"s\":\"\",\"l\":[]}";

static void check(const char *text, const struct json_node *view, enum template_escape escape)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *out = template_fill("fuzz", text, view, escape, &error);

    g_assert((out == NULL) == (error != NULL));
    if (error) {
        fuzz_check_message(error);
        g_assert(strstr(error->message, "fuzz, line ") != NULL);
        return;
    }
    if (escape == TEMPLATE_HTML && !strchr(text, '<') && !strstr(text, "{{{") && !strchr(text, '&'))
        g_assert(strchr(out, '<') == NULL);
    if (!strstr(text, "{{"))
        g_assert(strcmp(out, text) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup((const char *)data, size);
    size_t length = strlen(text);
    const char *json = length < size ? (const char *)data + length + 1 : our_view;
    g_autoptr(JsonTree) tree = json_tree_new();
    const struct json_node *view =
        json_tree_parse(tree, json, length < size ? size - length - 1 : strlen(our_view), NULL);

    if (!view || view->type != JSON_OBJECT)
        return 0;
    check(text, view, TEMPLATE_HTML);
    check(text, view, TEMPLATE_TEXT);
    return 0;
}
