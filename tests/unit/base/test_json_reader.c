/* The pull reader: which texts it takes, the tokens it gives, and that chunks make no difference. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "json_examples.h"

/* Adds one token to a trace: brackets as they are, k(...) a name, s(...) a string, n(...) a number, the words T F N; *
 * marks escapes and ? bad text. */
static void trace_token(GString *trace, const struct json_reader *reader, enum json_token token)
{
    static const char letters[] = {
        [JSON_TOKEN_OBJECT_BEGIN] = '{', [JSON_TOKEN_OBJECT_END] = '}', [JSON_TOKEN_ARRAY_BEGIN] = '[',
        [JSON_TOKEN_ARRAY_END] = ']',    [JSON_TOKEN_KEY] = 'k',        [JSON_TOKEN_STRING] = 's',
        [JSON_TOKEN_NUMBER] = 'n',       [JSON_TOKEN_TRUE] = 'T',       [JSON_TOKEN_FALSE] = 'F',
        [JSON_TOKEN_NULL] = 'N',
    };
    g_string_append_c(trace, letters[token]);
    if (token != JSON_TOKEN_KEY && token != JSON_TOKEN_STRING && token != JSON_TOKEN_NUMBER)
        return;
    g_string_append_c(trace, '(');
    g_string_append_len(trace, reader->bytes + reader->start, (gssize)(reader->end - reader->start));
    g_string_append_c(trace, ')');
    if (token != JSON_TOKEN_NUMBER && reader->escaped)
        g_string_append_c(trace, '*');
    if (token != JSON_TOKEN_NUMBER && reader->bad_text)
        g_string_append_c(trace, '?');
}

/* Reads all tokens there are now. */
static enum json_token drain(struct json_reader *reader, GString *trace)
{
    enum json_token token;

    while ((token = json_reader_next(reader)) > JSON_TOKEN_END)
        trace_token(trace, reader, token);
    return token;
}

/* The trace of `bytes`, given in chunks that end at each of `cuts` (ascending) and then whole. Each input is a block of
 * exactly its size at a new place, so that neither a byte too far nor an old place goes unseen. Ends in "." or in the
 * error. */
static GString *trace_in_chunks(const char *bytes, size_t length, const size_t *cuts, size_t n, bool lenient)
{
    GString *trace = g_string_new(NULL);
    struct json_reader reader;
    enum json_token token = JSON_TOKEN_MORE;
    char *last = NULL;

    json_reader_init(&reader);
    reader.lenient_text = lenient;
    for (size_t i = 0; i <= n && token == JSON_TOKEN_MORE; i++) {
        size_t size = i < n ? cuts[i] : length;
        char *block = g_memdup2(bytes, size);
        json_reader_input(&reader, block, size, i == n);
        token = drain(&reader, trace);
        g_free(last);
        last = block;
    }
    assert_int_not_equal(token, JSON_TOKEN_MORE);
    assert_int_equal(json_reader_next(&reader), token); /* it stays so */
    if (token == JSON_TOKEN_END)
        g_string_append_c(trace, '.');
    else
        g_string_append_printf(trace, "!%d %s", reader.error->code, reader.error->message);
    json_reader_clear(&reader);
    g_free(last);
    return trace;
}

static GString *trace_whole(const char *bytes, size_t length, bool lenient)
{
    return trace_in_chunks(bytes, length, NULL, 0, lenient);
}

static void assert_chunks_make_no_difference(const char *bytes, size_t length, bool lenient)
{
    g_autoptr(GString) whole = trace_whole(bytes, length, lenient);
    g_autofree size_t *every = g_new(size_t, length + 1);

    for (size_t cut = 0; cut <= length; cut++) {
        g_autoptr(GString) halves = trace_in_chunks(bytes, length, &cut, 1, lenient);
        assert_true(g_string_equal(whole, halves));
        every[cut] = cut;
    }
    g_autoptr(GString) single = trace_in_chunks(bytes, length, every, length + 1, lenient);
    assert_true(g_string_equal(whole, single));
}

static int outcome(const struct example *example, bool lenient)
{
    g_autoptr(GString) trace = trace_whole(example->bytes, example->length, lenient);
    const char *error = strrchr(trace->str, '!');

    if (trace->str[trace->len - 1] == '.')
        return -1;
    return error != NULL ? error[1] - '0' : -2;
}

static void every_valid_text_is_accepted(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(json_valid); i++) {
        if (outcome(&json_valid[i], false) != -1)
            fail_msg("refused: %s (%s)", json_valid[i].bytes, json_valid[i].why);
    }
}

static void every_invalid_text_is_a_syntax_error(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(json_invalid); i++) {
        if (outcome(&json_invalid[i], false) != JSON_ERROR_SYNTAX)
            fail_msg("not refused: %s (%s)", json_invalid[i].bytes, json_invalid[i].why);
    }
}

static void every_text_that_breaks_off_is_called_truncated_q50(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(json_truncated); i++) {
        if (outcome(&json_truncated[i], false) != JSON_ERROR_TRUNCATED)
            fail_msg("not called truncated: %s (%s)", json_truncated[i].bytes, json_truncated[i].why);
    }
}

static void a_document_cut_anywhere_is_never_accepted_q50(void **state)
{
    static const char text[] = "{\"value\":[{\"a\":[1,-2.5e3,true,null]},\"\\u00e9\xc3\xa9\"],\"b\":false}";
    (void)state;

    for (size_t length = 0; length < sizeof text - 1; length++) {
        struct example example = {text, length, "cut"};
        assert_int_equal(outcome(&example, false), JSON_ERROR_TRUNCATED);
    }
}

static void chunks_make_no_difference_to_any_example(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(json_valid); i++)
        assert_chunks_make_no_difference(json_valid[i].bytes, json_valid[i].length, false);
    for (size_t i = 0; i < G_N_ELEMENTS(json_invalid); i++) {
        assert_chunks_make_no_difference(json_invalid[i].bytes, json_invalid[i].length, false);
        assert_chunks_make_no_difference(json_invalid[i].bytes, json_invalid[i].length, true);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(json_truncated); i++)
        assert_chunks_make_no_difference(json_truncated[i].bytes, json_truncated[i].length, false);
}

static void tokens_come_as_written(void **state)
{
    static const struct {
        const char *text, *trace;
    } rows[] = {
        {"{}", "{}."},
        {"[ ]", "[]."},
        {"[1,\"a\",true,false,null]", "[n(1)s(a)TFN]."},
        {"{\"a\":{\"b\":[{}]},\"c\":-1.50E+01}", "{k(a){k(b)[{}]}k(c)n(-1.50E+01)}."},
        {"\"\\u0041\"", "s(\\u0041)*."},
        {"{\"\\n\":\"x\"}", "{k(\\n)*s(x)}."},
        {"[\"\",\"\xc3\xa9\"]", "[s()s(\xc3\xa9)]."},
        {"[9007199254740993,1e400,-0]", "[n(9007199254740993)n(1e400)n(-0)]."}, /* q52 */
        {"\xef\xbb\xbf[0]", "[n(0)]."},                                         /* q48 */
        {"{\"a\":1,\"a\":2,\"A\":3}", "{k(a)n(1)k(a)n(2)k(A)n(3)}."},           /* q53, q63 */
    };
    (void)state;

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GString) trace = trace_whole(rows[i].text, strlen(rows[i].text), false);
        assert_string_equal(trace->str, rows[i].trace);
        assert_chunks_make_no_difference(rows[i].text, strlen(rows[i].text), false);
    }
}

static void a_byte_order_mark_is_skipped_and_only_the_first_q48(void **state)
{
    g_autoptr(GString) one = trace_whole("\xef\xbb\xbf{}", 5, false);
    g_autoptr(GString) two = trace_whole("\xef\xbb\xbf\xef\xbb\xbf{}", 8, false);
    (void)state;

    assert_string_equal(one->str, "{}.");
    assert_non_null(strstr(two->str, "byte 3"));
}

static void errors_name_the_offset_and_what_was_expected(void **state)
{
    static const struct {
        const char *text, *offset, *expected;
    } rows[] = {
        {"{\"a\" 1}", "byte 5 is '1'", "a colon"}, {"[1 2]", "byte 3 is '2'", "a comma"},
        {"[1,]", "byte 3 is ']'", "a value"},      {"{\"a\":1,}", "byte 7 is '}'", "a name"},
        {"{} x", "byte 3 is 'x'", "the end"},      {"[-x]", "byte 2 is 'x'", "a digit"},
        {"[nil]", "byte 2 is 'i'", "null"},        {"\"a\nb\"", "byte 2 is 0x0a", "control character"},
        {"\"\xff\"", "byte 1 is 0xff", "UTF-8"},   {"\"\\u00x0\"", "byte 5 is 'x'", "an escape"},
        {"[\"", "after 2 bytes", "breaks off"},    {"", "", "is empty"},
    };
    (void)state;

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GString) trace = trace_whole(rows[i].text, strlen(rows[i].text), false);
        assert_non_null(strstr(trace->str, rows[i].offset));
        assert_non_null(strstr(trace->str, rows[i].expected));
    }
}

static void lenient_text_reports_bad_bytes_instead_of_failing_q47(void **state)
{
    static const struct {
        const char *text;
        size_t length;
        const char *trace;
    } rows[] = {
        {"[\"a\xff\"]", 6, "[s(a\xff)?]."},
        {"[\"a\nb\",\"c\"]", 11, "[s(a\nb)?s(c)]."},
        {"{\"\x80\":\"\xc3\xa9\"}", 10, "{k(\x80)?s(\xc3\xa9)}."},
        {"\"\xe2\x82\"", 4, "s(\xe2\x82)?."},
        {"\"\xf0\x9f\x9a\\n\"", 7, "s(\xf0\x9f\x9a\\n)*?."},
        {"\"\xed\xa0\x80\"", 5, "s(\xed\xa0\x80)?."},
        {"\"\xc0\xaf\"", 4, "s(\xc0\xaf)?."},
    };
    (void)state;

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GString) trace = trace_whole(rows[i].text, rows[i].length, true);
        assert_string_equal(trace->str, rows[i].trace);
        assert_chunks_make_no_difference(rows[i].text, rows[i].length, true);
    }
}

static void lenient_text_forgives_nothing_else(void **state)
{
    static const struct example rows[] = {
        EXAMPLE("\"\\x\"", "an unknown escape"),
        EXAMPLE("\"\\u00\xff\"", "a bad byte in an escape"),
        EXAMPLE("[\xff]", "a bad byte outside strings"),
        EXAMPLE("[1,]", "a trailing comma"),
        EXAMPLE("[\x01]", "a control character outside strings"),
    };
    (void)state;

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        assert_int_equal(outcome(&rows[i], true), JSON_ERROR_SYNTAX);
}

/* `levels` opening and closing brackets, the innermost 0. */
static GString *nested(size_t levels, const char *open, const char *close)
{
    GString *text = g_string_new(NULL);

    for (size_t i = 0; i < levels; i++)
        g_string_append(text, open);
    g_string_append_c(text, '0');
    for (size_t i = 0; i < levels; i++)
        g_string_append(text, close);
    return text;
}

static void a_million_levels_pass_without_recursion_q55(void **state)
{
    static const struct {
        size_t levels;
        const char *open, *close;
    } rows[] = {{10000, "[", "]"}, {10000, "{\"a\":", "}"}, {1000000, "[", "]"}, {500000, "[{\"\":", "}]"}};
    (void)state;

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GString) text = nested(rows[i].levels, rows[i].open, rows[i].close);
        struct json_reader reader;
        size_t deepest = 0;
        enum json_token token;

        json_reader_init(&reader);
        json_reader_input(&reader, text->str, text->len, true);
        while ((token = json_reader_next(&reader)) > JSON_TOKEN_END)
            deepest = MAX(deepest, reader.depth);
        assert_int_equal(token, JSON_TOKEN_END);
        assert_int_equal(deepest, rows[i].levels * (strlen(rows[i].close)));
        assert_int_equal(reader.depth, 0);
        json_reader_clear(&reader);
    }
}

static void a_bracket_crossed_deep_down_is_seen_q55(void **state)
{
    g_autoptr(GString) text = nested(1000, "[", "]");
    struct example example = {text->str, text->len, "crossed"};
    (void)state;

    text->str[1500] = '}';
    assert_int_equal(outcome(&example, false), JSON_ERROR_SYNTAX);
}

static void depth_counts_the_containers_open_after_each_token(void **state)
{
    static const char text[] = "{\"a\":[1,{}],\"b\":2}";
    static const size_t depths[] = {1, 1, 2, 2, 3, 2, 1, 1, 1, 0};
    struct json_reader reader;
    size_t i = 0;
    (void)state;

    json_reader_init(&reader);
    json_reader_input(&reader, text, sizeof text - 1, true);
    for (; json_reader_next(&reader) > JSON_TOKEN_END; i++) {
        assert_true(i < G_N_ELEMENTS(depths));
        assert_int_equal(reader.depth, depths[i]);
    }
    assert_int_equal(i, G_N_ELEMENTS(depths));
    json_reader_clear(&reader);
}

/* Bytes already looked at are spoilt before the rest arrives: a reader that looked again would fail. */
static void a_half_read_token_is_not_read_again(void **state)
{
    static const char *const texts[] = {"\"abcdefghij\xc3\xa9klm\"", "123456789012"};
    (void)state;

    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autofree char *text = g_strdup(texts[i]);
        size_t length = strlen(text);
        struct json_reader reader;

        json_reader_init(&reader);
        json_reader_input(&reader, text, length - 1, false);
        assert_int_equal(json_reader_next(&reader), JSON_TOKEN_MORE);
        memset(text + 1, '\n', length - 2);
        json_reader_input(&reader, text, length, true);
        assert_int_equal(json_reader_next(&reader), i == 0 ? JSON_TOKEN_STRING : JSON_TOKEN_NUMBER);
        assert_int_equal(json_reader_next(&reader), JSON_TOKEN_END);
        json_reader_clear(&reader);
    }
}

static void nothing_is_said_about_the_end_before_the_input_is_finished(void **state)
{
    struct json_reader reader;
    (void)state;

    json_reader_init(&reader);
    json_reader_input(&reader, "12", 2, false);
    assert_int_equal(json_reader_next(&reader), JSON_TOKEN_MORE); /* it may become 123 */
    json_reader_input(&reader, "12 ", 3, false);
    assert_int_equal(json_reader_next(&reader), JSON_TOKEN_NUMBER);
    assert_int_equal(json_reader_next(&reader), JSON_TOKEN_MORE); /* more white space may come, or garbage */
    json_reader_input(&reader, "12 ", 3, true);
    assert_int_equal(json_reader_next(&reader), JSON_TOKEN_END);
    json_reader_clear(&reader);
}

static void an_error_stays_whatever_is_fed_after_it(void **state)
{
    struct json_reader reader;
    (void)state;

    json_reader_init(&reader);
    json_reader_input(&reader, "[}", 2, false);
    assert_int_equal(json_reader_next(&reader), JSON_TOKEN_ARRAY_BEGIN);
    assert_int_equal(json_reader_next(&reader), JSON_TOKEN_ERROR);
    json_reader_input(&reader, "[}]", 3, true);
    assert_int_equal(json_reader_next(&reader), JSON_TOKEN_ERROR);
    assert_true(g_error_matches(reader.error, JSON_ERROR, JSON_ERROR_SYNTAX));
    json_reader_clear(&reader);
}

static void strings_are_decoded(void **state)
{
    static const struct {
        const char *bytes;
        size_t length;
        const char *text;
    } rows[] = {
        {"", 0, ""},
        {"plain", 5, "plain"},
        {"\\\"\\\\\\/\\b\\f\\n\\r\\t", 16, "\"\\/\b\f\n\r\t"},
        {"\\u0041\\u00e9\\u20AC", 18, "A\xc3\xa9\xe2\x82\xac"},
        {"\\ud83d\\ude80", 12, "\xf0\x9f\x9a\x80"},  /* q45 */
        {"\xf0\x9f\x9a\x80", 4, "\xf0\x9f\x9a\x80"}, /* q45 */
        {"a\\u0000b", 8, "a\xef\xbf\xbd\x62"},       /* q44 */
        {"a\0b", 3, "a\xef\xbf\xbd\x62"},            /* q44 */
        {"\\ud83d", 6, "\xef\xbf\xbd"},              /* q46 and the next five */
        {"\\ude80x", 7, "\xef\xbf\xbdx"},
        {"\\ud83d\\ud83d\\ude80", 18, "\xef\xbf\xbd\xf0\x9f\x9a\x80"},
        {"\\ude80\\ud83d", 12, "\xef\xbf\xbd\xef\xbf\xbd"},
        {"\\ud83d\\u0041", 12, "\xef\xbf\xbd\x41"},
        {"\\ud83d\\n", 8, "\xef\xbf\xbd\n"},
        {"\\udbff\\udfff", 12, "\xf4\x8f\xbf\xbf"},
        {"\\ud800\\udc00", 12, "\xf0\x90\x80\x80"},
        {"a\xff\xc3\xa9", 4, "a\xef\xbf\xbd\xc3\xa9"}, /* q47 and the next three */
        {"\xe2\x82", 2, "\xef\xbf\xbd"},
        {"\xe2\x82z", 3, "\xef\xbf\xbdz"},
        {"\xed\xa0\x80", 3, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
        {"one that is longer than a word \\u00e9 and goes on after it", 58,
         "one that is longer than a word \xc3\xa9 and goes on after it"},
    };
    (void)state;

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *exact = g_memdup2(rows[i].bytes, rows[i].length);
        g_autoptr(GString) out = g_string_new("before:");
        json_decode_string(exact, rows[i].length, out);
        assert_string_equal(out->str + 7, rows[i].text);
        assert_int_equal(strlen(out->str), out->len);
        assert_memory_equal(out->str, "before:", 7);
    }
}

/* The reader lets no such bytes through, but the function takes any. */
static void decoding_survives_escapes_that_are_none(void **state)
{
    static const char *const rows[] = {"\\",      "\\x",       "\\u",        "\\u12",
                                       "\\u12g4", "\\ud83d\\", "\\ud83d\\u", "\\ud83d\\ude8"};
    (void)state;

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *exact = g_memdup2(rows[i], strlen(rows[i]));
        g_autoptr(GString) out = g_string_new(NULL);
        json_decode_string(exact, strlen(rows[i]), out);
        assert_true(g_utf8_validate(out->str, (gssize)out->len, NULL));
        assert_true(g_str_has_prefix(out->str, "\xef\xbf\xbd"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_valid_text_is_accepted),
        cmocka_unit_test(every_invalid_text_is_a_syntax_error),
        cmocka_unit_test(every_text_that_breaks_off_is_called_truncated_q50),
        cmocka_unit_test(a_document_cut_anywhere_is_never_accepted_q50),
        cmocka_unit_test(chunks_make_no_difference_to_any_example),
        cmocka_unit_test(tokens_come_as_written),
        cmocka_unit_test(a_byte_order_mark_is_skipped_and_only_the_first_q48),
        cmocka_unit_test(errors_name_the_offset_and_what_was_expected),
        cmocka_unit_test(lenient_text_reports_bad_bytes_instead_of_failing_q47),
        cmocka_unit_test(lenient_text_forgives_nothing_else),
        cmocka_unit_test(a_million_levels_pass_without_recursion_q55),
        cmocka_unit_test(a_bracket_crossed_deep_down_is_seen_q55),
        cmocka_unit_test(depth_counts_the_containers_open_after_each_token),
        cmocka_unit_test(a_half_read_token_is_not_read_again),
        cmocka_unit_test(nothing_is_said_about_the_end_before_the_input_is_finished),
        cmocka_unit_test(an_error_stays_whatever_is_fed_after_it),
        cmocka_unit_test(strings_are_decoded),
        cmocka_unit_test(decoding_survives_escapes_that_are_none),
    };
    return cmocka_run_group_tests_name("json reader", tests, NULL, NULL);
}
