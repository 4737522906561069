/* The members of an object with their exact bytes, and whether two values mean the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"

static struct json_members *parse(const char *text)
{
    g_autoptr(GError) error = NULL;
    struct json_members *members = json_members_parse(text, strlen(text), &error);

    if (members == NULL)
        fail_msg("%s: %s", text, error->message);
    return members;
}

/* key|name|value of each member, a line each. */
static char *listing(const char *text)
{
    g_autoptr(JsonMembers) members = parse(text);
    GString *out = g_string_new(NULL);

    for (size_t i = 0; i < json_members_count(members); i++) {
        const struct json_member *member = json_members_at(members, i);
        g_string_append_printf(out, "%s%s|%.*s|%.*s", i ? "\n" : "", member->key, (int)member->name_length,
                               member->name, (int)member->length, member->bytes);
    }
    return g_string_free(out, FALSE);
}

static void members_come_in_the_order_of_the_input_with_their_exact_bytes(void **state)
{
    static const struct {
        const char *text, *expected;
    } rows[] = {
        {"{}", ""},
        {" { } ", ""},
        {"{\"a\":1}", "a|\"a\"|1"},
        {"{\"b\":1.50,\"a\":\"x\"}", "b|\"b\"|1.50\na|\"a\"|\"x\""},
        {"{ \"a\" :\t{ \"b\" : [ 1 , 2 ] } , \"c\" : [ ] }", "a|\"a\"|{ \"b\" : [ 1 , 2 ] }\nc|\"c\"|[ ]"},
        {"{\"a\":null,\"b\":true,\"c\":false}", "a|\"a\"|null\nb|\"b\"|true\nc|\"c\"|false"},
        {"{\"a\":{\"a\":{\"a\":[{},[]]}},\"b\":{}}", "a|\"a\"|{\"a\":{\"a\":[{},[]]}}\nb|\"b\"|{}"},
        {"{\"a\":\"\\\"}\",\"b\":\"]\"}", "a|\"a\"|\"\\\"}\"\nb|\"b\"|\"]\""},
        {"{\"\":0}", "|\"\"|0"},
        {"\xef\xbb\xbf{\"a\":9007199254740993}", "a|\"a\"|9007199254740993"},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *got = listing(rows[i].text);
        assert_string_equal(got, rows[i].expected);
    }
}

static void a_key_is_found_decoded_and_its_bytes_stay(void **state)
{
    g_autoptr(JsonMembers) members = parse("{\"caf\\u00e9\":1,\"a\\/b\":2,\"x\\u0000y\":3}");

    (void)state;
    assert_string_equal(json_members_at(members, 0)->key, "caf\xc3\xa9");
    assert_memory_equal(json_members_at(members, 0)->name, "\"caf\\u00e9\"", 11);
    assert_ptr_equal(json_members_find(members, "a/b"), json_members_at(members, 1));
    assert_ptr_equal(json_members_find(members, "x\xef\xbf\xbdy"), json_members_at(members, 2));
    assert_null(json_members_find(members, "a\\/b"));
    assert_null(json_members_find(members, "Caf\xc3\xa9"));
    assert_null(json_members_find(members, ""));
}

static void of_a_doubled_key_the_last_value_stands_where_the_first_one_did(void **state)
{
    g_autofree char *plain = listing("{\"a\":1,\"b\":2,\"a\":{\"c\":3}}");
    g_autofree char *escaped = listing("{\"a\":1,\"\\u0061\":2}");

    (void)state;
    assert_string_equal(plain, "a|\"a\"|{\"c\":3}\nb|\"b\"|2");
    assert_string_equal(escaped, "a|\"a\"|2");
}

static void an_object_deeper_than_a_tree_takes_is_cut_all_the_same(void **state)
{
    enum { LEVELS = 100000 };
    g_autofree char *open = g_strnfill(LEVELS, '['), *close = g_strnfill(LEVELS, ']');
    g_autofree char *text = g_strdup_printf("{\"a\":%s%s,\"b\":1}", open, close);
    g_autoptr(JsonMembers) members = parse(text);

    (void)state;
    assert_int_equal(json_members_count(members), 2);
    assert_int_equal(json_members_find(members, "a")->length, 2 * LEVELS);
    assert_int_equal(json_members_find(members, "b")->length, 1);
}

static void what_is_no_object_is_refused(void **state)
{
    static const struct {
        const char *text;
        int code;
    } rows[] = {
        {"[]", JSON_ERROR_SHAPE},
        {"1", JSON_ERROR_SHAPE},
        {"\"{}\"", JSON_ERROR_SHAPE},
        {"null", JSON_ERROR_SHAPE},
        {"", JSON_ERROR_TRUNCATED},
        {"{", JSON_ERROR_TRUNCATED},
        {"{\"a\"", JSON_ERROR_TRUNCATED},
        {"{\"a\":", JSON_ERROR_TRUNCATED},
        {"{\"a\":[1", JSON_ERROR_TRUNCATED},
        {"{\"a\":1", JSON_ERROR_TRUNCATED},
        {"{\"a\":1,}", JSON_ERROR_SYNTAX},
        {"{\"a\" 1}", JSON_ERROR_SYNTAX},
        {"{a:1}", JSON_ERROR_SYNTAX},
        {"{\"a\":1}}", JSON_ERROR_SYNTAX},
        {"{\"a\":1} x", JSON_ERROR_SYNTAX},
        {"{\"a\":[}]}", JSON_ERROR_SYNTAX},
        {"{\"\xff\":1}", JSON_ERROR_SYNTAX},
        {"{\"a\":01}", JSON_ERROR_SYNTAX},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        assert_null(json_members_parse(rows[i].text, strlen(rows[i].text), &error));
        if (!g_error_matches(error, JSON_ERROR, rows[i].code))
            fail_msg("%s: %s", rows[i].text, error ? error->message : "no error");
    }
}

static void a_truncated_object_never_reads_past_its_end(void **state)
{
    static const char text[] = "{\"a\\n\":[1,{\"b\":\"c\"}],\"d\":-1.5e3,\"e\":true}";

    (void)state;
    for (size_t length = 0; length < strlen(text); length++) {
        g_autofree char *part =
            g_memdup2(text, length); /* a block of its own: a sanitizer sees the first byte after it */
        g_autoptr(GError) error = NULL;
        assert_null(json_members_parse(part ? part : "", length, &error));
        assert_non_null(error);
    }
}

/* --- sameness ------------------------------------------------------------------------------------------------------
 */

static bool same(const char *a, const char *b)
{
    bool forth = json_same(a, strlen(a), b, strlen(b)), back = json_same(b, strlen(b), a, strlen(a));

    assert_int_equal(forth, back);
    return forth;
}

static void values_that_mean_the_same_are_the_same(void **state)
{
    static const char *const pairs[][2] = {
        {"1", "1"},
        {"[1,2]", "[ 1 ,\n2 ]"},
        {"{\"a\":1,\"b\":2}", "{ \"b\" : 2 , \"a\" : 1 }"},
        {"{\"a\":{\"x\":[{\"p\":1,\"q\":2}],\"y\":null}}", "{\"a\":{\"y\":null,\"x\":[{\"q\":2,\"p\":1}]}}"},
        {"\"caf\xc3\xa9\"", "\"caf\\u00e9\""},
        {"\"a/b\"", "\"a\\/b\""},
        {"\"\\ud83d\\ude00\"", "\"\xf0\x9f\x98\x80\""},
        {"{\"a\":1,\"a\":2}", "{\"a\":2}"},
        {"{\"a\":1,\"b\":0,\"a\":2}", "{\"a\":9,\"a\":2,\"b\":0}"},
        {"{\"\\u0061\":1}", "{\"a\":1}"},
        {"{}", "{ }"},
        {"[]", "[ ]"},
        {"true", " true"},
        {"no JSON", "no JSON"},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(pairs); i++)
        if (!same(pairs[i][0], pairs[i][1]))
            fail_msg("%s and %s", pairs[i][0], pairs[i][1]);
}

static void values_that_differ_in_anything_are_different(void **state)
{
    static const char *const pairs[][2] = {
        {"1", "2"},
        {"1", "1.0"},
        {"1", "\"1\""},
        {"9007199254740993", "9007199254740992"},
        {"null", "false"},
        {"null", "\"\""},
        {"null", "[]"},
        {"[]", "{}"},
        {"[1,2]", "[2,1]"},
        {"[1,2]", "[1]"},
        {"[1]", "[1,1]"},
        {"[null]", "[]"},
        {"{\"a\":null}", "{}"},
        {"{\"a\":1}", "{\"b\":1}"},
        {"{\"a\":1}", "{\"a\":1,\"b\":1}"},
        {"{\"a\":1,\"a\":2}", "{\"a\":1}"},
        {"{\"a\":[{\"b\":1}]}", "{\"a\":[{\"b\":2}]}"},
        {"\"a\"", "\"A\""},
        {"\"a\"", "\"a \""},
        {"\"\\u0000\"", "\"\\ufffd\""},
        {"\"\\ud800\"", "\"\\ud801\""},
        {"\"\\u0000\"", "\"\\ud800\""},
        {"no JSON", "no  JSON"},
        {"1", "no JSON"},
        {"1", "1 1"},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(pairs); i++)
        if (same(pairs[i][0], pairs[i][1]))
            fail_msg("%s and %s", pairs[i][0], pairs[i][1]);
}

static void values_too_deep_to_look_into_are_compared_by_their_bytes(void **state)
{
    g_autofree char *open = g_strnfill(JSON_DEPTH_MAX + 1, '['), *close = g_strnfill(JSON_DEPTH_MAX + 1, ']');
    g_autofree char *deep = g_strconcat(open, close, NULL), *spaced = g_strconcat(open, " ", close, NULL);

    (void)state;
    assert_true(same(deep, deep));
    assert_false(same(deep, spaced));
    assert_true(json_same(deep + 1, strlen(deep) - 2, spaced + 1, strlen(spaced) - 2));
}

/* A hostile record must not cost minutes. */
static void objects_of_a_hundred_thousand_members_are_compared_by_sorting(void **state)
{
    enum { MEMBERS = 100000 };
    g_autoptr(GString) forth = g_string_new("{"), back = g_string_new("{");

    (void)state;
    for (int i = 0; i < MEMBERS; i++) {
        g_string_append_printf(forth, "%s\"k%d\":%d", i ? "," : "", i, i);
        g_string_append_printf(back, "%s\"k%d\":%d", i ? "," : "", MEMBERS - 1 - i, MEMBERS - 1 - i);
    }
    g_string_append_c(forth, '}');
    g_string_append_c(back, '}');
    assert_true(same(forth->str, back->str));
    forth->str[forth->len - 2] ^= 1; /* the last digit */
    assert_false(same(forth->str, back->str));
    g_autoptr(JsonMembers) members = parse(back->str);
    assert_int_equal(json_members_count(members), MEMBERS);
    assert_non_null(json_members_find(members, "k0"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_come_in_the_order_of_the_input_with_their_exact_bytes),
        cmocka_unit_test(a_key_is_found_decoded_and_its_bytes_stay),
        cmocka_unit_test(of_a_doubled_key_the_last_value_stands_where_the_first_one_did),
        cmocka_unit_test(an_object_deeper_than_a_tree_takes_is_cut_all_the_same),
        cmocka_unit_test(what_is_no_object_is_refused),
        cmocka_unit_test(a_truncated_object_never_reads_past_its_end),
        cmocka_unit_test(values_that_mean_the_same_are_the_same),
        cmocka_unit_test(values_that_differ_in_anything_are_different),
        cmocka_unit_test(values_too_deep_to_look_into_are_compared_by_their_bytes),
        cmocka_unit_test(objects_of_a_hundred_thousand_members_are_compared_by_sorting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
