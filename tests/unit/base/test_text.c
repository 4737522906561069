/* Outsiders' text on its way to terminals, CSV and JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/text.h"

static void nothing_that_drives_a_terminal_gets_through_q62(void **state)
{
    static const struct {
        const char *text, *safe;
    } rows[] = {
        {"", ""},
        {"Ada Lovelace", "Ada Lovelace"},
        {"Zażółć gęślą jaźń, 日本語, 🚀", "Zażółć gęślą jaźń, 日本語, 🚀"},
        {"\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"},
        {"\x1b]0;title\x07", "\\x1b]0;title\\x07"},
        {"a\bb\x7f", "a\\x08b\\x7f"},
        {"\xc2\x9b"
         "31m",
         "\\x9b31m"}, /* CSI as one character of C1 */
        {"a\nb\tc", "a b c"},
        {"a\r\nb", "a b"},
        {"a\rb", "a\\x0db"}, /* a return alone writes over the line */
        {"a\r", "a\\x0d"},
        {"gpj.\xe2\x80\xae"
         "exe",
         "gpj.\\u202eexe"},
        {"\xe2\x81\xa6x\xe2\x81\xa9", "\\u2066x\\u2069"},
        {"pay\xe2\x80\x8bpal", "pay\\u200bpal"},
        {"\xef\xbb\xbfx", "\\ufeffx"},
        {"soft\xc2\xadhyphen", "soft\\u00adhyphen"},
        {"line\xe2\x80\xa8para\xe2\x80\xa9", "line\\u2028para\\u2029"},
        {"\xf3\xa0\x81\x81tag", "\\U000e0041tag"},
        {"\xe3\x85\xa4", "\\u3164"},
        {"<script>alert(1)</script>", "<script>alert(1)</script>"},
        {"bad \xff byte", "bad \xef\xbf\xbd byte"},
        {"cut \xe2\x82", "cut \xef\xbf\xbd"},
        {"over\xc0\xaflong", "over\xef\xbf\xbd\xef\xbf\xbdlong"},
        {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
        {"was \xef\xbf\xbd before", "was \xef\xbf\xbd before"},
    };
    (void)state;

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *safe = text_for_terminal(rows[i].text);
        assert_string_equal(safe, rows[i].safe);
    }
    g_autofree char *none = text_for_terminal(NULL);
    assert_string_equal(none, "");
}

static void any_bytes_become_valid_text_without_controls(void **state)
{
    (void)state;
    for (unsigned first = 1; first < 256; first++) {
        for (unsigned second = 1; second < 256; second++) {
            const char text[] = {'a', (char)first, (char)second, 'z', '\0'};
            g_autofree char *safe = text_for_terminal(text);
            assert_true(g_utf8_validate(safe, -1, NULL));
            for (const char *c = safe; *c != '\0'; c = g_utf8_next_char(c))
                assert_false(g_unichar_iscntrl(g_utf8_get_char(c)));
        }
    }
}

static void width_counts_cells(void **state)
{
    static const struct {
        const char *text;
        size_t cells;
    } rows[] = {
        {"", 0},
        {"abc", 3},
        {"jaźń", 4},
        {"e\xcc\x81", 1}, /* a combining accent */
        {"日本語", 6},
        {"한국", 4},
        {"🚀", 2},
        {"\xef\xbc\xa1", 2}, /* fullwidth A */
        {"\xef\xbd\xb1", 1}, /* halfwidth katakana */
        {"a\xff", 2},
    };
    (void)state;

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        assert_int_equal(text_width(rows[i].text), rows[i].cells);
}

static void text_is_fitted_to_its_column(void **state)
{
    static const struct {
        const char *text;
        size_t cells;
        const char *fitted;
    } rows[] = {
        {"abc", 5, "abc  "},
        {"abc", 3, "abc"},
        {"abcd", 3, "ab…"},
        {"abcd", 1, "…"},
        {"abcd", 0, ""},
        {"", 2, "  "},
        {"日本語", 6, "日本語"},
        {"日本語", 5, "日本…"},
        {"日本語", 4, "日… "},
        {"日本語", 2, "… "},
        {"日本語", 1, "…"},
        {"e\xcc\x81u", 2, "e\xcc\x81u"},
        {"e\xcc\x81uv", 2, "e\xcc\x81…"},
        {"日", 3, "日 "},
    };
    (void)state;

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *fitted = text_fit(rows[i].text, rows[i].cells);
        assert_string_equal(fitted, rows[i].fitted);
        assert_int_equal(text_width(fitted), rows[i].cells);
    }
}

static void csv_fields_are_quoted_and_never_formulas_q62(void **state)
{
    static const struct {
        const char *text, *field;
    } rows[] = {
        {NULL, ""},
        {"", ""},
        {"plain", "plain"},
        {"with space", "with space"},
        {"a,b", "\"a,b\""},
        {"say \"hi\"", "\"say \"\"hi\"\"\""},
        {"\"", "\"\"\"\""},
        {"two\nlines", "\"two\nlines\""},
        {"two\r\nlines", "\"two\r\nlines\""},
        {"=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"},
        {"=1+1,\"x\"", "\"'=1+1,\"\"x\"\"\""},
        {"+48 22 1234567", "'+48 22 1234567"},
        {"-1", "'-1"},
        {"@SUM(A1)", "'@SUM(A1)"},
        {"\t=1", "'\t=1"},
        {"\r=1", "\"'\r=1\""},
        {"a=1", "a=1"},
        {"ada@example.org", "ada@example.org"},
        {"zażółć", "zażółć"},
    };
    (void)state;

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GString) out = g_string_new("before,");
        text_append_csv(out, rows[i].text);
        assert_string_equal(out->str + 7, rows[i].field);
    }
}

static void json_strings_escape_controls_and_pass_the_rest(void **state)
{
    static const struct {
        const char *text, *json;
    } rows[] = {
        {NULL, "null"},
        {"", "\"\""},
        {"plain", "\"plain\""},
        {"\"\\/", "\"\\\"\\\\/\""},
        {"\b\f\n\r\t", "\"\\b\\f\\n\\r\\t\""},
        {"\x01\x1b\x1f", "\"\\u0001\\u001b\\u001f\""},
        {"\x7f\xc2\x85", "\"\\u007f\\u0085\""},
        {"é日🚀", "\"é日🚀\""},
        {"\xe2\x80\xae", "\"\xe2\x80\xae\""},
        {"a\xff"
         "b",
         "\"a\xef\xbf\xbd"
         "b\""},
        {"\xe2\x82", "\"\xef\xbf\xbd\""},
        {"\xf0\x9f\x9a", "\"\xef\xbf\xbd\""},
        {"\xe2\x82\xe2\x82\xac", "\"\xef\xbf\xbd\xe2\x82\xac\""},
        {"\xef\xbf\xbd", "\"\xef\xbf\xbd\""},
        {"\xef\xbf", "\"\xef\xbf\xbd\""},
    };
    (void)state;

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GString) out = g_string_new("[");
        text_append_json(out, rows[i].text);
        assert_string_equal(out->str + 1, rows[i].json);
    }
}

static void any_bytes_become_json_that_reads_back(void **state)
{
    g_autoptr(JsonTree) tree = json_tree_new();
    g_autoptr(GString) out = g_string_new(NULL);
    (void)state;

    for (unsigned first = 1; first < 256; first++) {
        for (unsigned second = 1; second < 256; second++) {
            const char text[] = {(char)first, (char)second, '\0'};
            g_string_truncate(out, 0);
            text_append_json(out, text);
            const struct json_node *node = json_tree_parse(tree, out->str, out->len, NULL);
            assert_non_null(node);
            if (g_utf8_validate(text, -1, NULL))
                assert_string_equal(node->text, text);
        }
    }
}

static void counts_are_grouped_by_thousands(void **state)
{
    static const struct {
        gint64 n;
        const char *text;
    } rows[] = {
        {0, "0"},
        {7, "7"},
        {999, "999"},
        {1000, "1,000"},
        {1234567, "1,234,567"},
        {-1, "-1"},
        {-999, "-999"},
        {-1000, "-1,000"},
        {G_MAXINT64, "9,223,372,036,854,775,807"},
        {G_MININT64, "-9,223,372,036,854,775,808"},
    };
    (void)state;

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *text = text_count(rows[i].n);
        assert_string_equal(text, rows[i].text);
    }
}

static void sizes_are_told_with_one_digit_after_the_point(void **state)
{
    static const struct {
        gint64 bytes;
        const char *text;
    } rows[] = {
        {0, "0 B"},
        {1023, "1023 B"},
        {1024, "1.0 KiB"},
        {1075, "1.0 KiB"},
        {1076, "1.1 KiB"},
        {12897485, "12.3 MiB"},
        {1048524, "1023.9 KiB"},
        {1048525, "1.0 MiB"},
        {1048576, "1.0 MiB"},
        {G_GINT64_CONSTANT(1073741824), "1.0 GiB"},
        {G_GINT64_CONSTANT(1099511627776), "1.0 TiB"},
        {G_GINT64_CONSTANT(1125899906842624), "1.0 PiB"},
        {G_MAXINT64, "8.0 EiB"},
        {-2048, "-2.0 KiB"},
        {G_MININT64, "-8.0 EiB"},
    };
    (void)state;

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *text = text_bytes(rows[i].bytes);
        assert_string_equal(text, rows[i].text);
    }
}

static void a_secret_may_be_absent(void **state)
{
    (void)state;
    text_free_secret(NULL);
    text_free_secret(g_strdup(""));
    text_free_secret(g_strdup("S3cret~value"));
}

static void the_nearest_word_is_found_when_it_is_near(void **state)
{
    static const char *const words[] = {"database", "directories", "retention", "smtp", NULL};
    static const struct {
        const char *word, *nearest; /* NULL: none is near */
    } rows[] = {
        {"databse", "database"},
        {"DATABASE", "database"},
        {"dtaabase", "database"},
        {"data", "database"},
        {"retentions", "retention"},
        {"smpt", "smtp"},
        {"colour", NULL},
        {"x", NULL},
        {"", NULL},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        const char *nearest = text_nearest(rows[i].word, words);
        if (g_strcmp0(nearest, rows[i].nearest) != 0)
            fail_msg("%s gave %s", rows[i].word, nearest != NULL ? nearest : "nothing");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_that_drives_a_terminal_gets_through_q62),
        cmocka_unit_test(any_bytes_become_valid_text_without_controls),
        cmocka_unit_test(width_counts_cells),
        cmocka_unit_test(text_is_fitted_to_its_column),
        cmocka_unit_test(csv_fields_are_quoted_and_never_formulas_q62),
        cmocka_unit_test(json_strings_escape_controls_and_pass_the_rest),
        cmocka_unit_test(any_bytes_become_json_that_reads_back),
        cmocka_unit_test(counts_are_grouped_by_thousands),
        cmocka_unit_test(sizes_are_told_with_one_digit_after_the_point),
        cmocka_unit_test(the_nearest_word_is_found_when_it_is_near),
        cmocka_unit_test(a_secret_may_be_absent),
    };
    return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
