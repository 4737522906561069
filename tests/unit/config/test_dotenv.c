/* The .env dialect, case by case. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "config/config.h"
#include "config/dotenv.h"

static GHashTable *parse(const char *text, size_t length, GError **error)
{
    GHashTable *values = dotenv_table_new();

    if (dotenv_parse("test.env", text, length, values, error))
        return values;
    g_hash_table_unref(values);
    return NULL;
}

static const char *text_of(GHashTable *values, const char *key)
{
    const struct dotenv_value *value = g_hash_table_lookup(values, key);
    return value != NULL ? value->text : NULL;
}

struct reading {
    const char *text;
    const char *value; /* of KEY; NULL: it is not set */
};

static void check_readings(const struct reading *readings, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        g_autoptr(GError) error = NULL;
        GHashTable *values = parse(readings[i].text, strlen(readings[i].text), &error);
        if (values == NULL)
            fail_msg("row %zu (%s): %s", i, readings[i].text, error->message);
        const char *value = text_of(values, "KEY");
        if (g_strcmp0(value, readings[i].value) != 0)
            fail_msg("row %zu (%s): got \"%s\", not \"%s\"", i, readings[i].text, value, readings[i].value);
        g_hash_table_unref(values);
    }
}
#define CHECK_READINGS(...)                                                                                            \
    do {                                                                                                               \
        static const struct reading rows[] = {__VA_ARGS__};                                                            \
        check_readings(rows, G_N_ELEMENTS(rows));                                                                      \
    } while (0)

static void plain_lines_are_read(void **state)
{
    (void)state;
    CHECK_READINGS({"KEY=value", "value"}, {"KEY=value\n", "value"}, {"KEY=", ""}, {"KEY=\n", ""},
                   {"KEY = value", "value"}, {"  KEY=value  \n", "value"}, {"\tKEY\t=\tvalue\t", "value"},
                   {"KEY: value", "value"}, {"KEY=a=b:c", "a=b:c"}, {"KEY=two words", "two words"},
                   {"KEY=http://127.0.0.1:80/#x", "http://127.0.0.1:80/#x"},
                   {"KEY=\xc5\xbb\xc3\xb3\xc5\x82w", "\xc5\xbb\xc3\xb3\xc5\x82w"}, {"key=lower", NULL}, {"", NULL},
                   {"\n\n  \n", NULL});
}

static void export_is_taken_off(void **state)
{
    (void)state;
    CHECK_READINGS({"export KEY=value", "value"}, {"  export\tKEY=value", "value"}, {"export=1\nKEY=2", "2"},
                   {"exportKEY=1", NULL}, {"export  KEY='v'", "v"});
}

static void comments_need_a_blank_before_them(void **state)
{
    (void)state;
    CHECK_READINGS({"KEY=value # comment", "value"}, {"KEY=value#part", "value#part"}, {"KEY=value\t#comment", "value"},
                   {"#KEY=value", NULL}, {"  # KEY=value", NULL}, {"KEY= # only a comment", ""}, {"KEY=#hash", "#hash"},
                   {"KEY='a # b' # comment", "a # b"}, {"KEY=\"a # b\"# comment", "a # b"});
}

static void single_quotes_keep_everything(void **state)
{
    (void)state;
    CHECK_READINGS({"KEY='$HOME ${X:-y} \\n \"'", "$HOME ${X:-y} \\n \""}, {"KEY='it\\'s'", "it's"}, {"KEY=''", ""},
                   {"KEY='two\nlines'", "two\nlines"}, {"KEY='back\\\\slash'", "back\\\\slash"}, {"KEY='  '", "  "});
}

static void double_quotes_know_escapes(void **state)
{
    (void)state;
    CHECK_READINGS({"KEY=\"a\\nb\"", "a\nb"}, {"KEY=\"a\\tb\\rc\"", "a\tb\rc"},
                   {"KEY=\"say \\\"hi\\\"\"", "say \"hi\""}, {"KEY=\"back\\\\slash\"", "back\\slash"},
                   {"KEY=\"\\$HOME\"", "$HOME"}, {"KEY=\"\\${HOME}\"", "${HOME}"}, {"KEY=\"\\q\"", "\\q"},
                   {"KEY=\"it's\"", "it's"}, {"KEY=\"\\\\n\"", "\\n"}, {"KEY=\"ends in \\\\\"", "ends in \\"});
}

static void values_of_several_lines_are_read(void **state)
{
    (void)state;
    CHECK_READINGS({"A=1\nKEY=\"-----BEGIN-----\nabc=\n#no comment\n-----END-----\"\nB=2",
                    "-----BEGIN-----\nabc=\n#no comment\n-----END-----"},
                   {"KEY=\"one\r\ntwo\"\r\n", "one\ntwo"}, {"KEY=\"one\\\ntwo\"", "one\\\ntwo"});
}

static void windows_files_are_read(void **state)
{
    (void)state;
    CHECK_READINGS({"KEY=value\r\n", "value"}, {"\r\n# c\r\nKEY='value'\r\nB=2\r\n", "value"},
                   {"\xef\xbb\xbfKEY=value\r\n", "value"}, {"KEY=value \r\nX=", "value"}, {"KEY=\r\n", ""});
}

static void the_last_of_doubled_names_wins(void **state)
{
    (void)state;
    CHECK_READINGS({"KEY=1\nKEY=2", "2"}, {"KEY=1\nKEY=${KEY}2", "12"});
}

static void a_name_alone_is_left_to_the_environment(void **state)
{
    (void)state;
    CHECK_READINGS({"KEY", NULL}, {"KEY\nOTHER=1", NULL}, {"KEY # comment\n", NULL}, {"export KEY\n", NULL});
}

static void references_are_replaced(void **state)
{
    (void)state;
    g_setenv("DOTENV_REAL", "real", TRUE);
    g_setenv("DOTENV_EMPTY", "", TRUE);
    g_unsetenv("DOTENV_NONE");
    CHECK_READINGS(
        {"A=x\nKEY=$A", "x"}, {"A=x\nKEY=${A}y", "xy"}, {"A=x\nKEY=\"<$A>\"", "<x>"}, {"A=x\nKEY='$A'", "$A"},
        {"KEY=${DOTENV_REAL}", "real"}, {"DOTENV_REAL=file\nKEY=${DOTENV_REAL}", "real"},
        {"KEY=$DOTENV_REAL-$DOTENV_REAL", "real-real"}, {"KEY=${DOTENV_NONE:-default}", "default"},
        {"KEY=${DOTENV_EMPTY:-default}", "default"}, {"KEY=${DOTENV_EMPTY-default}", ""},
        {"KEY=${DOTENV_NONE-default}", "default"}, {"KEY=${DOTENV_REAL:-default}", "real"},
        {"KEY=${DOTENV_NONE:-}", ""}, {"KEY=${DOTENV_NONE:-${DOTENV_REAL}}", "real"},
        {"KEY=${DOTENV_NONE:-a${DOTENV_NONE:-b}c}d", "abcd"}, {"KEY=${DOTENV_REAL:+other}", "other"},
        {"KEY=${DOTENV_EMPTY:+other}", ""}, {"KEY=${DOTENV_EMPTY+other}", "other"}, {"KEY=${DOTENV_NONE+other}", ""},
        {"KEY=${DOTENV_REAL:?needed}", "real"}, {"KEY=${DOTENV_EMPTY?needed}", ""}, {"KEY=a$$b", "a$b"},
        {"KEY=$${A}", "${A}"}, {"KEY=\"${DOTENV_NONE:-two words}\"", "two words"}, {"KEY=${DOTENV_NONE:-a-b}", "a-b"});
}

static void a_reference_to_nothing_gives_nothing(void **state)
{
    (void)state;
    g_unsetenv("DOTENV_NONE");
    CHECK_READINGS({"KEY=a${DOTENV_NONE}b", "ab"}, {"KEY=$DOTENV_NONE", ""});
}

struct refusal {
    const char *text;
    const char *line; /* as the message names it */
    const char *part; /* of the message */
};

static void faults_name_file_and_line_but_no_value(void **state)
{
    static const struct refusal rows[] = {
        {"A=1\nTOPSECRET here\n", "test.env, line 2", "expected KEY=value"},
        {"A=1\n\n!TOPSECRET=1\n", "test.env, line 3", "expected KEY=value"},
        {"=TOPSECRET", "test.env, line 1", "expected KEY=value"},
        {"ba d=TOPSECRET", "test.env, line 1", "expected KEY=value"},
        {"export", "test.env, line 1", NULL},
        {"# c\nKEY=\"TOPSECRET\nmore\n", "test.env, line 2: KEY", "never closed"},
        {"KEY='TOPSECRET\n", "test.env, line 1: KEY", "never closed"},
        {"KEY=\"a\" TOPSECRET", "test.env, line 1: KEY", "after the closing quote"},
        {"KEY=\"a\nb\" TOPSECRET", "test.env, line 2: KEY", "after the closing quote"},
        {"KEY='a'b", "test.env, line 1: KEY", "after the closing quote"},
        {"KEY=TOPSECRET$", "test.env, line 1: KEY", "$$"},
        {"KEY=TOPSECRET$1", "test.env, line 1: KEY", "$$"},
        {"KEY=\"${TOPSECRET\"", "test.env, line 1: KEY", "no closing }"},
        {"KEY=${}", "test.env, line 1: KEY", "needs the name"},
        {"KEY=${1}", "test.env, line 1: KEY", "needs the name"},
        {"KEY=${A!TOPSECRET}", "test.env, line 1: KEY", "after the name"},
        {"KEY=${A:TOPSECRET}", "test.env, line 1: KEY", "after the name"},
        {"KEY=${DOTENV_NONE:?set it in the vault}", "test.env, line 1: KEY",
         "DOTENV_NONE is required, but not set: set it in the vault"},
        {"KEY=${DOTENV_NONE?}", "test.env, line 1: KEY", "required"},
        {"KEY=${DOTENV_NONE:-${DOTENV_NONE:?inner}}", "test.env, line 1: KEY", "inner"},
    };

    (void)state;
    g_unsetenv("DOTENV_NONE");
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        GHashTable *values = parse(rows[i].text, strlen(rows[i].text), &error);
        if (rows[i].part == NULL) { /* a name alone, oddly chosen */
            assert_non_null(values);
            g_hash_table_unref(values);
            continue;
        }
        if (values != NULL)
            fail_msg("row %zu was accepted: %s", i, rows[i].text);
        assert_true(g_error_matches(error, CONFIG_ERROR, CONFIG_ERROR_INVALID));
        if (strstr(error->message, rows[i].line) == NULL || strstr(error->message, rows[i].part) == NULL)
            fail_msg("row %zu: %s", i, error->message);
        assert_null(strstr(error->message, "TOPSECRET"));
    }
}

static void a_file_that_is_not_text_is_refused(void **state)
{
    static const char utf16[] = "\xff\xfeK\0E\0Y\0=\0";
    g_autoptr(GError) error = NULL;

    (void)state;
    assert_null(parse(utf16, sizeof utf16 - 1, &error));
    assert_non_null(strstr(error->message, "save the file as UTF-8"));
    g_clear_error(&error);
    assert_null(parse("A=1\nB=\0", 7, &error));
    assert_non_null(strstr(error->message, "line 2"));
}

static void references_that_double_at_every_line_are_stopped(void **state)
{
    g_autoptr(GString) text = g_string_new("A0=0123456789abcdef\n");
    g_autoptr(GError) error = NULL;

    (void)state;
    for (int i = 1; i < 60; i++)
        g_string_append_printf(text, "A%d=${A%d}${A%d}\n", i, i - 1, i - 1);
    assert_null(parse(text->str, text->len, &error));
    assert_non_null(strstr(error->message, "1 MiB"));
}

static void references_nested_without_end_are_refused(void **state)
{
    g_autoptr(GString) text = g_string_new("KEY=");
    g_autoptr(GError) error = NULL;

    (void)state;
    for (int i = 0; i < 50000; i++)
        g_string_append(text, "${DOTENV_NONE:-");
    for (int i = 0; i < 50000; i++)
        g_string_append_c(text, '}');
    assert_null(parse(text->str, text->len, &error));
    assert_non_null(strstr(error->message, "nested too deeply"));
}

static void lines_are_counted_across_values_of_several_lines(void **state)
{
    static const char text[] = "A=\"1\n2\n3\"\n\n# c\nKEY=v\n";
    g_autoptr(GError) error = NULL;
    GHashTable *values = parse(text, strlen(text), &error);

    (void)state;
    assert_non_null(values);
    assert_int_equal(((const struct dotenv_value *)g_hash_table_lookup(values, "A"))->line, 1);
    assert_int_equal(((const struct dotenv_value *)g_hash_table_lookup(values, "KEY"))->line, 6);
    g_hash_table_unref(values);
}

static void what_is_written_is_read_back(void **state)
{
    static const char *const texts[] = {"",
                                        "plain",
                                        "two words",
                                        " blanks ",
                                        "a'b",
                                        "a\"b",
                                        "a\\",
                                        "\\'",
                                        "$A${A}",
                                        "$$",
                                        "#no comment",
                                        "a #b",
                                        "a;b;c",
                                        "\n",
                                        "a\r\nb",
                                        "a\rb",
                                        "\r",
                                        "'single'",
                                        "\"double\"",
                                        "tab\t",
                                        "\\n",
                                        "\\\\'\\",
                                        "żółw",
                                        "a'b\"c$d\\e#f=g",
                                        "export A=b\n"};

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(GString) out = g_string_new("BEFORE=1\n");
        g_autoptr(GError) error = NULL;
        dotenv_append(out, "KEY", texts[i]);
        g_string_append(out, "AFTER=2\n");
        g_autoptr(GHashTable) values = parse(out->str, out->len, &error);
        if (values == NULL)
            fail_msg("%s: %s", out->str, error->message);
        if (g_strcmp0(text_of(values, "KEY"), texts[i]) != 0)
            fail_msg("%s gave \"%s\"", out->str, text_of(values, "KEY"));
        assert_string_equal(text_of(values, "AFTER"), "2");
        assert_int_equal(g_hash_table_size(values), 3);
    }
}

static void any_bytes_are_survived(void **state)
{
    static const char pieces[] = "KEY=\"'$\\{}:-?+# \t\r\n=export A";
    GRand *dice = g_rand_new_with_seed(1);

    (void)state;
    log_init(LOG_LEVEL_ERROR, LOG_FORMAT_LOGFMT, NULL); /* references to nothing would warn */
    for (int round = 0; round < 20000; round++) {
        char *text = g_malloc(64);
        size_t length = (size_t)g_rand_int_range(dice, 0, 64);
        for (size_t i = 0; i < length; i++)
            text[i] = pieces[g_rand_int_range(dice, 0, sizeof pieces - 1)];
        char *exact = g_memdup2(text, length); /* so that a read past the end is seen */
        GHashTable *values = parse(exact != NULL ? exact : "", length, NULL);
        if (values != NULL)
            g_hash_table_unref(values);
        g_free(exact);
        g_free(text);
    }
    g_rand_free(dice);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_lines_are_read),
        cmocka_unit_test(export_is_taken_off),
        cmocka_unit_test(comments_need_a_blank_before_them),
        cmocka_unit_test(single_quotes_keep_everything),
        cmocka_unit_test(double_quotes_know_escapes),
        cmocka_unit_test(values_of_several_lines_are_read),
        cmocka_unit_test(windows_files_are_read),
        cmocka_unit_test(the_last_of_doubled_names_wins),
        cmocka_unit_test(a_name_alone_is_left_to_the_environment),
        cmocka_unit_test(references_are_replaced),
        cmocka_unit_test(a_reference_to_nothing_gives_nothing),
        cmocka_unit_test(faults_name_file_and_line_but_no_value),
        cmocka_unit_test(a_file_that_is_not_text_is_refused),
        cmocka_unit_test(references_that_double_at_every_line_are_stopped),
        cmocka_unit_test(references_nested_without_end_are_refused),
        cmocka_unit_test(lines_are_counted_across_values_of_several_lines),
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(any_bytes_are_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
