/* Plain values of a Python module, as Python itself reads them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <glib.h>

#include "config/config.h"
#include "config/python.h"

static struct python_module *read_module(const char *text)
{
    g_autoptr(GError) error = NULL;
    struct python_module *module = python_read("test.py", text, strlen(text), &error);

    if (module == NULL)
        fail_msg("%s\n-> %s", text, error->message);
    return module;
}

/* The value in a form of its own: 'text', 12, True, None, [a, b], {a: b}. */
static void describe(const struct python_value *value, GString *out)
{
    bool dict = value->type == PYTHON_DICT;

    if (value->items == NULL) {
        const char *word = value->type == PYTHON_NONE ? "None" : value->truth ? "True" : "False";
        const char *quote = value->type == PYTHON_STRING ? "'" : "";
        g_string_append_printf(out, "%s%s%s", quote, value->text != NULL ? value->text : word, quote);
        return;
    }
    g_string_append_c(out, dict ? '{' : '[');
    for (guint i = 0; i < value->items->len; i++) {
        g_string_append(out, i == 0 ? "" : dict && i % 2 == 1 ? ": " : ", ");
        describe(g_ptr_array_index(value->items, i), out);
    }
    g_string_append_c(out, dict ? '}' : ']');
}

struct row {
    const char *text, *value;
};

/* Each text after "A = ". */
static void check_values(const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        g_autofree char *text = g_strdup_printf("A = %s\nB = 1\n", rows[i].text);
        g_autoptr(PythonModule) module = read_module(text);
        g_autoptr(GString) out = g_string_new(NULL);
        const struct python_assignment *a = python_find(module, "A");
        if (a->value == NULL)
            fail_msg("%s: %s", text, a->fault);
        describe(a->value, out);
        if (strcmp(out->str, rows[i].value) != 0)
            fail_msg("%s is %s", text, out->str);
        assert_non_null(python_find(module, "B")->value);
    }
}

static void strings_of_every_kind_are_read(void **state)
{
    static const struct row rows[] = {
        {"'a'", "'a'"},
        {"\"a'b\"", "'a'b'"},
        {"''", "''"},
        {"'''a'b''c'''", "'a'b''c'"},
        {"\"\"\"a\nb\"\"\"", "'a\nb'"},
        {"'''a\r\nb\rc'''", "'a\nb\nc'"},
        {"''''a'''", "''a'"},
        {"r'a\\nb'", "'a\\nb'"},
        {"R'a\\'b'", "'a\\'b'"},
        {"b'a'", "'a'"},
        {"rb'\\d'", "'\\d'"},
        {"Br'\\d'", "'\\d'"},
        {"u'\xc5\xbc'", "'\xc5\xbc'"},
        {"'a' \"b\" r'c'", "'abc'"},
        {"('a'\n     'b'  # words\n     'c')", "'abc'"},
        {"'a' \\\n    'b'", "'ab'"},
        {"'a' + 'b' + \"c\" 'd'", "'abcd'"},
        {"('a' +\n 'b')", "'ab'"},
        {"'a#b'", "'a#b'"},
        {"'a;b;c'", "'a;b;c'"},
    };

    (void)state;
    check_values(rows, G_N_ELEMENTS(rows));
}

static void escapes_mean_what_they_mean_to_python(void **state)
{
    static const struct row rows[] = {
        {"'\\n\\t\\\\\\'\\\"'", "'\n\t\\'\"'"},
        {"'\\x41\\u00f3\\U0001F600'", "'A\xc3\xb3\xf0\x9f\x98\x80'"},
        {"'\\101\\7\\778'", "'A\a?8'"},
        {"'\\q\\ \\%'", "'\\q\\ \\%'"},
        {"'a\\\nb'", "'ab'"},
        {"'a\\\r\nb'", "'ab'"},
        {"b'\\u0041\\N'", "'\\u0041\\N'"},
        {"'\\xe9'", "'\xc3\xa9'"},
    };

    (void)state;
    check_values(rows, G_N_ELEMENTS(rows));
}

static void numbers_words_and_containers_are_read(void **state)
{
    static const struct row rows[] = {
        {"12", "12"},
        {"-12", "-12"},
        {"+12", "12"},
        {"1_000", "1000"},
        {"0x1F", "0x1F"},
        {"1.5e-3", "1.5e-3"},
        {".5", ".5"},
        {"True", "True"},
        {"False", "False"},
        {"None", "None"},
        {"[]", "[]"},
        {"[1, 'a',]", "[1, 'a']"},
        {"()", "[]"},
        {"(1)", "1"},
        {"((1))", "1"},
        {"(1,)", "[1]"},
        {"(1, 2)", "[1, 2]"},
        {"1, 2", "[1, 2]"},
        {"1,", "[1]"},
        {"{}", "{}"},
        {"{'a': 1, 'b': [2, {'c': None}],}", "{'a': 1, 'b': [2, {'c': None}]}"},
        {"{\n  # words\n  'a': 1,\n\n  2: 'b',  # more\n}  # end", "{'a': 1, 2: 'b'}"},
        {"[\n1\n,\n2\n]", "[1, 2]"},
        {"{'a': 'x' 'y', ('b'): -1}", "{'a': 'xy', 'b': -1}"},
    };

    (void)state;
    check_values(rows, G_N_ELEMENTS(rows));
}

static void what_would_have_to_be_computed_is_no_value(void **state)
{
    static const struct row rows[] = {
        {"f'{x}'", "line 1: an f-string"},
        {"'a' rf'x'", "line 1: an f-string"},
        {"x", "line 1: a name stands where"},
        {"os.environ['X']", "line 1: a name stands where"},
        {"str(1)", "line 1: a name stands where"},
        {"[x for x in y]", "line 1: a name stands where"},
        {"{'a': x}", "line 1: a name stands where"},
        {"{\n'a': 1,\n'b': open('x')}", "line 3: a name stands where"},
        {"{1, 2}", "line 1: expected a colon"},
        {"{**x}", "line 1: expected a plain value"},
        {"{'a': 1 'b': 2}", "line 1: expected a comma"},
        {"'a' % 1", "line 1: something follows"},
        {"'a'.join(x)", "line 1: something follows"},
        {"'a' + 1", "line 1: only strings can be joined"},
        {"'a' + x", "line 1: a name stands where"},
        {"1 + 2", "line 1: something follows"},
        {"[1] * 2", "line 1: something follows"},
        {"-'a'", "line 1: expected a plain value"},
        {"lambda: 1", "line 1: a name stands where"},
        {"not True", "line 1: a name stands where"},
        {"True if x else y", "line 1: something follows"},
        {"", "line 1: expected a plain value"},
        {"[1 2]", "line 1: expected a comma"},
        {"[1,,2]", "line 1: expected a plain value"},
        {"[1)", "line 1: expected a comma"},
        {"'\\N{DASH}'", "line 1: the string names a character"},
        {"'\\ud800'", "line 1: the string holds half"},
        {"'\\U00110000'", "line 1: the string holds half"},
        {"'\\0'", "line 1: the string holds a NUL"},
        {"'\\x4'", "line 1: the string has an escape"},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *text = g_strdup_printf("A = %s\nB = 1\n", rows[i].text);
        g_autoptr(PythonModule) module = read_module(text);
        const struct python_assignment *a = python_find(module, "A");
        if (a->value != NULL || !g_str_has_prefix(a->fault, rows[i].value))
            fail_msg("%s: %s", text, a->fault != NULL ? a->fault : "taken");
        assert_non_null(python_find(module, "B")); /* what follows is read all the same */
    }
}

static void what_is_no_python_is_refused_with_its_line(void **state)
{
    static const struct row rows[] = {
        {"A = 1\nB = 'never\nC = 2\n", "test.py, line 2: a string begins here that is never closed"},
        {"A = '''never\n\n", "test.py, line 1: a string begins here"},
        {"A = 'a\\", "test.py, line 1: a string begins here"},
        {"A = r'a\\", "test.py, line 1: a string begins here"},
        {"\nA = {\n'a': [1,\n", "test.py, line 2: a bracket opens here that is never closed"},
        {"# \xff\n", "test.py, line 1: holds bytes that are no UTF-8"},
    };
    g_autoptr(GError) nul = NULL;

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        assert_null(python_read("test.py", rows[i].text, strlen(rows[i].text), &error));
        assert_int_equal(error->code, CONFIG_ERROR_INVALID);
        if (!g_str_has_prefix(error->message, rows[i].value))
            fail_msg("%s: %s", rows[i].text, error->message);
    }
    assert_null(python_read("test.py", "A\0B", 3, &nul));
}

static void only_assignments_of_the_module_itself_count(void **state)
{
    g_autoptr(PythonModule) module = read_module("\xef\xbb\xbf\"\"\"Words.\"\"\"\r\n"
                                                 "import os, sys\n"
                                                 "from x import (a,\n"
                                                 "    b)\n"
                                                 "A: str = 'first'; B = 2\n"
                                                 "if A == 'x':\n"
                                                 "    A = 'in a block'; C = 1\n"
                                                 "def f():\n"
                                                 "    D = 1\n"
                                                 "    return {\n"
                                                 "E: 1}\n"
                                                 "A == 3\n"
                                                 "A.x = 4\n"
                                                 "F, G = 1, 2\n"
                                                 "@decorated\n"
                                                 "class K: L = 1\n"
                                                 "B = 3\n"
                                                 "del B\n"
                                                 "\xc3\xa9 = 1\n"
                                                 "M: int\n");

    (void)state;
    static const char *const absent[] = {"C", "D", "E", "F", "G", "L", "M", "os"};
    for (size_t i = 0; i < G_N_ELEMENTS(absent); i++)
        assert_null(python_find(module, absent[i]));
    const struct python_assignment *a = python_find(module, "A"), *b = python_find(module, "B");
    assert_string_equal(a->value->text, "first");
    assert_int_equal(a->line, 5);
    assert_int_equal(a->changed_line, 13);
    assert_string_equal(b->value->text, "3"); /* the last one counts */
    assert_int_equal(b->line, 17);
    assert_non_null(python_find(module, "\xc3\xa9"));
    assert_int_equal(module->assignments->len, 3);
    g_autoptr(GString) skipped = g_string_new(NULL);
    for (guint i = 0; i < module->skipped->len; i++)
        g_string_append_printf(skipped, "%u ", g_array_index(module->skipped, unsigned, i));
    assert_string_equal(skipped->str, "6 8 12 14 15 16 18 20 ");
}

static void changes_after_the_assignment_are_noticed(void **state)
{
    static const char *const changes[] = {"A['x'] = 1", "A.update({})", "A += [1]", "A |= {}", "A['x']['y'].append(1)"};

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(changes); i++) {
        g_autofree char *text = g_strdup_printf("A = {}\n\n%s\n", changes[i]);
        g_autoptr(PythonModule) module = read_module(text);
        assert_int_equal(python_find(module, "A")->changed_line, 3);
    }
}

static void depth_and_size_are_bounded(void **state)
{
    static const char *const pieces[] = {"[", "(",    "{1:", "'a' ", "'a'+", "A=1\n", "A = 'x'\nA.b\n",
                                         ";", "\\\n", "-",   "x."};
    const bool slow = g_getenv("M365KEEP_SHORT") != NULL;
    const size_t bytes = slow ? PYTHON_FILE_MAX / 32 : PYTHON_FILE_MAX / 2;
    const guint assignments = slow ? 5000 : 50000;
    g_autoptr(GString) deep = g_string_new("A = ");

    (void)state;
    for (unsigned i = 0; i < PYTHON_DEPTH_MAX + 1; i++)
        g_string_append_c(deep, '[');
    for (unsigned i = 0; i < PYTHON_DEPTH_MAX + 1; i++)
        g_string_append_c(deep, ']');
    g_autoptr(PythonModule) module = read_module(deep->str);
    assert_non_null(strstr(python_find(module, "A")->fault, "too deeply"));
    for (size_t i = 0; i < G_N_ELEMENTS(pieces); i++) {
        g_autoptr(GString) text = g_string_new("A = ");
        g_autoptr(GError) error = NULL;
        while (text->len < bytes)
            g_string_append(text, pieces[i]);
        g_autoptr(PythonModule) huge = python_read("test.py", text->str, text->len, &error);
        assert_true((huge != NULL) != (error != NULL));
    }
    g_autoptr(GString) many = g_string_new(NULL);
    for (unsigned i = 0; i < assignments; i++)
        g_string_append_printf(many, "A%u = %u\n", i, i);
    g_autoptr(PythonModule) names = read_module(many->str);
    assert_int_equal(names->assignments->len, assignments);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strings_of_every_kind_are_read),
        cmocka_unit_test(escapes_mean_what_they_mean_to_python),
        cmocka_unit_test(numbers_words_and_containers_are_read),
        cmocka_unit_test(what_would_have_to_be_computed_is_no_value),
        cmocka_unit_test(what_is_no_python_is_refused_with_its_line),
        cmocka_unit_test(only_assignments_of_the_module_itself_count),
        cmocka_unit_test(changes_after_the_assignment_are_noticed),
        cmocka_unit_test(depth_and_size_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
