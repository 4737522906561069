/* Templates filled in: what Mustache says, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "report/report.h"
#include "report/template.h"

/* Returned: g_free; NULL with *error. */
static char *filled(const char *text, const char *json, enum template_escape escape, GError **error)
{
    g_autoptr(JsonTree) tree = json_tree_new();
    const struct json_node *view = json_tree_parse(tree, json, strlen(json), NULL);

    assert_non_null(view);
    return template_fill("t.mustache", text, view, escape, error);
}

struct example {
    const char *text, *json, *expected;
};

static void check(const struct example *examples, size_t n, enum template_escape escape)
{
    for (size_t i = 0; i < n; i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *out = filled(examples[i].text, examples[i].json, escape, &error);
        if (g_strcmp0(out, examples[i].expected) != 0)
            fail_msg("\"%s\" with %s: \"%s\" (%s) where \"%s\" was expected", examples[i].text, examples[i].json,
                     out ? out : "", error ? error->message : "no error", examples[i].expected);
    }
}

static void values_are_filled_in(void **state)
{
    static const struct example examples[] = {
        {"", "{}", ""},
        {"no tags, } } braces { {", "{}", "no tags, } } braces { {"},
        {"{{a}}", "{\"a\":\"x\"}", "x"},
        {"{{ a }}-{{\ta\t}}", "{\"a\":\"x\"}", "x-x"},
        {"{{a}}", "{\"a\":85.50}", "85.50"},
        {"{{a}} {{b}}", "{\"a\":true,\"b\":false}", "true false"},
        {"[{{a}}]", "{\"a\":null}", "[]"},
        {"[{{a}}]", "{}", "[]"},
        {"{{a.b.c}}", "{\"a\":{\"b\":{\"c\":\"deep\"}}}", "deep"},
        {"[{{a.b.c}}]", "{\"a\":{}}", "[]"},
        {"{{a-b_1}}", "{\"a-b_1\":\"x\"}", "x"},
        {"{{a}}}", "{\"a\":\"x\"}", "x}"},
        {"{{a}}", "{\"a\":\"{{b}}\",\"b\":\"never\"}", "{{b}}"},
        {"a{{! a comment }}b", "{}", "ab"},
        {"a{{! of\n two lines, > = & }}b", "{}", "ab"},
    };

    (void)state;
    check(examples, G_N_ELEMENTS(examples), TEMPLATE_TEXT);
}

static void html_is_escaped_unless_it_is_wanted_raw(void **state)
{
    static const struct example html[] = {
        {"{{a}}", "{\"a\":\"<b> & \\\"'\"}", "&lt;b&gt; &amp; &quot;&#39;"},
        {"{{{a}}}", "{\"a\":\"<b> & \\\"'\"}", "<b> & \"'"},
        {"{{&a}} {{& a }}", "{\"a\":\"<b>\"}", "<b> <b>"},
        {"{{a}}", "{\"a\":\"a\\u0007b\\u009bc\"}", "abc"},
    };
    static const struct example text[] = {{"{{a}}", "{\"a\":\"<b> & \\\"'\"}", "<b> & \"'"}};

    (void)state;
    check(html, G_N_ELEMENTS(html), TEMPLATE_HTML);
    check(text, G_N_ELEMENTS(text), TEMPLATE_TEXT);
}

static void sections_follow_their_values(void **state)
{
    static const struct example examples[] = {
        {"{{#a}}x{{/a}}", "{\"a\":true}", "x"},
        {"{{#a}}x{{/a}}", "{\"a\":false}", ""},
        {"{{#a}}x{{/a}}", "{\"a\":null}", ""},
        {"{{#a}}x{{/a}}", "{}", ""},
        {"{{#a}}x{{/a}}", "{\"a\":\"\"}", ""},
        {"{{#a}}x{{/a}}", "{\"a\":[]}", ""},
        {"{{#a}}x{{/a}}", "{\"a\":0}", "x"},
        {"{{#a}}x{{/a}}", "{\"a\":{}}", "x"},
        {"{{#a}}x{{.}}{{/a}}", "{\"a\":[1,\"two\",true]}", "x1xtwoxtrue"},
        {"{{#a}}{{b}},{{/a}}", "{\"a\":[{\"b\":1},{\"b\":2},{}]}", "1,2,,"},
        {"{{#a}}{{b}}{{c}}{{/a}}", "{\"a\":{\"b\":1},\"b\":2,\"c\":3}", "13"},
        {"{{#a}}{{#b}}{{x}}{{y}} {{/b}}{{/a}}", "{\"a\":[{\"x\":1,\"b\":[{\"y\":2},{\"y\":3}]}]}", "12 13 "},
        {"{{#a}}{{#.}}{{.}}{{/.}};{{/a}}", "{\"a\":[[1,2],[3]]}", "12;3;"},
        {"{{#a.b}}{{.}}{{/a.b}}", "{\"a\":{\"b\":\"x\"}}", "x"},
        {"{{#a}}{{b.c}}{{/a}}", "{\"a\":{\"b\":{}},\"b\":{\"c\":\"of another b\"}}", ""},
        {"{{^a}}none{{/a}}", "{\"a\":[]}", "none"},
        {"{{^a}}none{{/a}}", "{}", "none"},
        {"{{^a}}none{{/a}}", "{\"a\":[0]}", ""},
        {"{{#a}}1{{/a}}{{^a}}2{{/a}}", "{\"a\":false}", "2"},
        {"{{#a}}{{a}}{{/a}}", "{\"a\":\"x\"}", "x"},
    };

    (void)state;
    check(examples, G_N_ELEMENTS(examples), TEMPLATE_TEXT);
}

static void tags_with_a_line_of_their_own_leave_none(void **state)
{
    static const struct example examples[] = {
        {"a\n{{#b}}\nc\n{{/b}}\nd\n", "{\"b\":[1,2]}", "a\nc\nc\nd\n"},
        {"a\n  {{#b}}  \nc\n\t{{/b}}\nd", "{\"b\":true}", "a\nc\nd"},
        {"a\r\n{{^b}}\r\nc\r\n{{/b}}\r\nd", "{}", "a\r\nc\r\nd"},
        {"{{#b}}\nc\n{{/b}}", "{\"b\":true}", "c\n"},
        {"  {{! c }}  \nd", "{}", "d"},
        {"{{! c\n }}\nd", "{}", "d"},
        {"a {{! c }}\nd", "{}", "a \nd"},
        {" {{#b}}{{/b}}\nd", "{\"b\":true}", " \nd"},
        {" {{b}} \nd", "{\"b\":\"x\"}", " x \nd"},
        {" {{{b}}} \nd", "{\"b\":\"x\"}", " x \nd"},
        {" {{&b}} \nd", "{}", "  \nd"},
        {"{{#b}}\n  {{.}}\n{{/b}}\n", "{\"b\":[1,2]}", "  1\n  2\n"},
    };

    (void)state;
    check(examples, G_N_ELEMENTS(examples), TEMPLATE_TEXT);
}

static void what_is_no_template_is_refused_with_its_line(void **state)
{
    static const struct {
        const char *text, *words;
    } cases[] = {
        {"\n\n{{#a}}\nx", "t.mustache, line 3: the section {{#a}} is not closed"},
        {"{{^a}}", "line 1: the section {{^a}} is not closed"},
        {"x\n{{/a}}", "line 2: {{/a}} closes a section that is not open"},
        {"{{#a}}\n{{#b}}\n{{/a}}\n{{/b}}", "line 3: {{/a}} comes where {{/b}} is expected, of the section that begins "
                                           "in line 2"},
        {"a\nb {{c", "line 2: the tag {{c has no }}"},
        {"{{{a}}", "line 1: the tag {{{a}} has no }}}"},
        {"{{! never closed", "has no }}"},
        {"{{}}", "{{}} is no tag"},
        {"{{ }}", "is no tag"},
        {"{{#}}{{/}}", "is no tag"},
        {"{{a b}}", "{{a b}} is no tag"},
        {"{{a\nb}}", "is no tag"},
        {"{{.a}}", "is no tag"},
        {"{{a.}}", "is no tag"},
        {"{{a..b}}", "is no tag"},
        {"{{\"a\"}}", "is no tag"},
        {"{{\xc3\xa9}}", "is no tag"},
        {"{{\xff}}", "is no tag"},
        {"{{> header}}", "{{> header}} is a partial"},
        {"{{=<% %>=}}", "changes the delimiters"},
        {"{{<a}}", "a block or a lambda"},
        {"{{$a}}", "a block or a lambda"},
        {"{{a}}\n{{o}}", "line 2: {{o}} is an object, not a text"},
        {"{{l}}", "{{l}} is a list, not a text. Write a section, {{#l}}...{{/l}}."},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *out = filled(cases[i].text, "{\"a\":1,\"o\":{},\"l\":[1]}", TEMPLATE_HTML, &error);
        if (out || !g_error_matches(error, REPORT_ERROR, REPORT_ERROR_TEMPLATE) ||
            !strstr(error->message, cases[i].words) || !g_utf8_validate(error->message, -1, NULL))
            fail_msg("\"%s\": \"%s\" where \"%s\" was expected", cases[i].text, error ? error->message : out,
                     cases[i].words);
    }
}

static void sections_nest_up_to_a_limit(void **state)
{
    g_autoptr(GString) text = g_string_new(NULL);
    g_autoptr(GError) error = NULL;
    g_autofree char *inside = NULL, *out = NULL, *none = NULL;

    (void)state;
    for (int i = 0; i < TEMPLATE_DEPTH_MAX; i++)
        g_string_append(text, "{{#a}}");
    inside = g_strdup_printf("%sx{{/a}}", text->str);
    for (int i = 1; i < TEMPLATE_DEPTH_MAX; i++) {
        char *more = g_strconcat(inside, "{{/a}}", NULL);
        g_free(inside);
        inside = more;
    }
    out = filled(inside, "{\"a\":true}", TEMPLATE_TEXT, &error);
    assert_null(error);
    assert_string_equal(out, "x");
    g_string_append(text, "{{#a}}");
    none = filled(text->str, "{\"a\":true}", TEMPLATE_TEXT, &error);
    assert_null(none);
    assert_non_null(strstr(error->message, "nested in more than 32 sections"));
}

static void lists_nested_in_themselves_end_in_an_error(void **state)
{
    static const char *const bodies[] = {"{{.}}", ""};

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(bodies); i++) {
        g_autoptr(GString) text = g_string_new(bodies[i]);
        g_autoptr(GError) error = NULL;
        for (int depth = 0; depth < 12; depth++) {
            g_string_prepend(text, "{{#a}}");
            g_string_append(text, "{{/a}}");
        }
        g_autofree char *out = filled(text->str, "{\"a\":[1,2,3,4,5,6,7,8,9,10]}", TEMPLATE_TEXT, &error);
        assert_null(out);
        assert_non_null(strstr(error->message, "too large"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_filled_in),
        cmocka_unit_test(html_is_escaped_unless_it_is_wanted_raw),
        cmocka_unit_test(sections_follow_their_values),
        cmocka_unit_test(tags_with_a_line_of_their_own_leave_none),
        cmocka_unit_test(what_is_no_template_is_refused_with_its_line),
        cmocka_unit_test(sections_nest_up_to_a_limit),
        cmocka_unit_test(lists_nested_in_themselves_end_in_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
