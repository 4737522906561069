/* The tree: one value, looked into. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "json_examples.h"

static int setup(void **state)
{
    *state = json_tree_new();
    return 0;
}

static int teardown(void **state)
{
    json_tree_free(*state);
    return 0;
}

static const struct json_node *parse(void **state, const char *text)
{
    g_autoptr(GError) error = NULL;
    const struct json_node *root = json_tree_parse(*state, text, strlen(text), &error);

    assert_null(error);
    return root;
}

static void every_type_is_told_apart(void **state)
{
    static const struct {
        const char *text;
        enum json_type type;
    } rows[] = {{"{}", JSON_OBJECT},      {"[]", JSON_ARRAY},       {"\"\"", JSON_STRING},
                {"0", JSON_NUMBER},       {"true", JSON_TRUE},      {"false", JSON_FALSE},
                {"null", JSON_NULL},      {" {} ", JSON_OBJECT},    {"\n[1]", JSON_ARRAY},
                {" \"a\" ", JSON_STRING}, {"-1.5e3 ", JSON_NUMBER}, {"\xef\xbb\xbfnull", JSON_NULL}};

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        const struct json_node *root = parse(state, rows[i].text);
        assert_int_equal(root->type, rows[i].type);
        assert_null(root->key);
        assert_null(root->next);
        assert_true((root->text != NULL) == (root->type == JSON_STRING || root->type == JSON_NUMBER));
    }
}

static void members_and_elements_keep_their_order(void **state)
{
    const struct json_node *root = parse(state, "{\"b\":[10,[],{\"x\":20}],\"a\":{},\"c\":\"z\"}");
    const struct json_node *b = root->child;

    assert_string_equal(b->key, "b");
    assert_string_equal(b->next->key, "a");
    assert_string_equal(b->next->next->key, "c");
    assert_null(b->next->next->next);
    assert_null(b->next->child);
    assert_string_equal(b->child->text, "10");
    assert_null(b->child->key);
    assert_int_equal(b->child->next->type, JSON_ARRAY);
    assert_null(b->child->next->child);
    assert_string_equal(b->child->next->next->child->text, "20");
    assert_string_equal(b->child->next->next->child->key, "x");
    assert_null(b->child->next->next->next);
}

static void each_node_knows_its_own_bytes(void **state)
{
    static const char text[] = " { \"a\" : [ 1 , \"b\\n\" ] , \"c\" : { \"d\" : null } } ";
    const struct json_node *root = parse(state, text);
    const struct json_node *a = json_get(root, "a"), *c = json_get(root, "c");
    const struct {
        const struct json_node *node;
        const char *bytes;
    } rows[] = {
        {root, "{ \"a\" : [ 1 , \"b\\n\" ] , \"c\" : { \"d\" : null } }"},
        {a, "[ 1 , \"b\\n\" ]"},
        {a->child, "1"},
        {a->child->next, "\"b\\n\""},
        {c, "{ \"d\" : null }"},
        {c->child, "null"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        assert_int_equal(rows[i].node->length, strlen(rows[i].bytes));
        assert_memory_equal(rows[i].node->bytes, rows[i].bytes, rows[i].node->length);
    }
}

static void strings_are_decoded_and_counted(void **state)
{
    static const struct {
        const char *json, *text;
    } rows[] = {
        {"\"\"", ""},
        {"\"plain\"", "plain"},
        {"\"a\\u0000b\"", "a\xef\xbf\xbd\x62"},                             /* q44 */
        {"\"\\ud83d\\ude80\"", "\xf0\x9f\x9a\x80"},                         /* q45 */
        {"\"\\ud83d\"", "\xef\xbf\xbd"},                                    /* q46 */
        {"\"{\\\"a\\\":[1]}\"", "{\"a\":[1]}"},                             /* q58 */
        {"\"<Data Name='x'>\\r\\n</Data>\"", "<Data Name='x'>\r\n</Data>"}, /* q58 */
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        const struct json_node *root = parse(state, rows[i].json);
        assert_string_equal(root->text, rows[i].text);
        assert_int_equal(root->text_length, strlen(rows[i].text));
    }
    assert_string_equal(parse(state, "{\"a\\u0000\\u00e9\":1}")->child->key, "a\xef\xbf\xbd\xc3\xa9");
}

static void numbers_stay_as_written_q52(void **state)
{
    static const char *const rows[] = {"9007199254740993", "-9223372036854775809", "1e400", "-0", "0.1000", "1E+2",
                                       "-2147483649"};

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *exact = g_memdup2(rows[i], strlen(rows[i])); /* no byte behind it */
        const struct json_node *root = json_tree_parse(*state, exact, strlen(rows[i]), NULL);
        assert_string_equal(root->text, rows[i]);
        assert_int_equal(root->text_length, strlen(rows[i]));
    }
}

static void of_a_doubled_key_the_last_one_counts_q53(void **state)
{
    const struct json_node *root = parse(state, "{\"a\":1,\"b\":0,\"a\":\"2\",\"b\":null}");

    assert_string_equal(json_get(root, "a")->text, "2");
    assert_int_equal(json_get(root, "b")->type, JSON_NULL);
    assert_int_equal(root->child->type, JSON_NUMBER); /* and the first is still there to be seen */
}

static void keys_are_compared_exactly_q63(void **state)
{
    const struct json_node *root =
        parse(state, "{\"Id\":\"big\",\"id\":\"small\",\"\":\"empty\",\"\\u0069d2\":\"escaped\"}");

    assert_string_equal(json_get_string(root, "Id"), "big");
    assert_string_equal(json_get_string(root, "id"), "small");
    assert_string_equal(json_get_string(root, ""), "empty");
    assert_string_equal(json_get_string(root, "id2"), "escaped");
    assert_null(json_get(root, "ID"));
    assert_null(json_get(root, "i"));
    assert_null(json_get(root, "id "));
}

static void looking_into_what_is_no_object_gives_nothing(void **state)
{
    assert_null(json_get(NULL, "a"));
    assert_null(json_get(parse(state, "[\"a\"]"), "a"));
    assert_null(json_get(parse(state, "\"a\""), "a"));
    assert_null(json_get(parse(state, "null"), "a"));
    assert_null(json_get(json_get(parse(state, "{\"a\":{}}"), "b"), "c"));
    assert_null(json_get_string(NULL, "a"));
}

static void a_member_of_another_type_is_no_string_q57(void **state)
{
    const struct json_node *root =
        parse(state, "{\"n\":1,\"o\":{},\"l\":[\"x\"],\"t\":true,\"z\":null,\"e\":\"\",\"s\":\"x\"}");
    static const char *const others[] = {"n", "o", "l", "t", "z", "e", "absent"};

    for (size_t i = 0; i < G_N_ELEMENTS(others); i++)
        assert_null(json_get_string(root, others[i]));
    assert_string_equal(json_get_string(root, "s"), "x");
}

static void unknown_members_and_annotations_do_no_harm_q61(void **state)
{
    const struct json_node *root =
        parse(state, "{\"@odata.type\":\"#x\",\"@microsoft.graph.tips\":\"t\",\"new\":{\"deep\":[{}]},\"id\":\"1\"}");

    assert_string_equal(json_get_string(root, "id"), "1");
    assert_string_equal(json_get_string(root, "@odata.type"), "#x");
}

static void strict_text_is_asked_for_here_q47(void **state)
{
    static const char *const rows[] = {"{\"a\":\"\xff\"}", "{\"\xff\":1}", "\"a\nb\""};

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        assert_null(json_tree_parse(*state, rows[i], strlen(rows[i]), &error));
        assert_true(g_error_matches(error, JSON_ERROR, JSON_ERROR_SYNTAX));
    }
}

static void every_example_is_judged_as_by_the_reader(void **state)
{
    for (size_t i = 0; i < G_N_ELEMENTS(json_valid); i++) {
        g_autofree char *exact = g_memdup2(json_valid[i].bytes, json_valid[i].length);
        assert_non_null(json_tree_parse(*state, exact, json_valid[i].length, NULL));
    }
    for (size_t i = 0; i < G_N_ELEMENTS(json_invalid); i++)
        assert_null(json_tree_parse(*state, json_invalid[i].bytes, json_invalid[i].length, NULL));
    for (size_t i = 0; i < G_N_ELEMENTS(json_truncated); i++) {
        g_autoptr(GError) error = NULL;
        assert_null(json_tree_parse(*state, json_truncated[i].bytes, json_truncated[i].length, &error));
        assert_true(g_error_matches(error, JSON_ERROR, JSON_ERROR_TRUNCATED));
    }
}

static void the_depth_is_capped_q55(void **state)
{
    static const size_t levels[] = {JSON_DEPTH_MAX, JSON_DEPTH_MAX + 1, 1000, 1000000};

    for (size_t i = 0; i < G_N_ELEMENTS(levels); i++) {
        g_autofree char *open = g_strnfill(levels[i], '[');
        g_autofree char *close = g_strnfill(levels[i], ']');
        g_autofree char *text = g_strconcat(open, close, NULL);
        g_autoptr(GError) error = NULL;
        const struct json_node *root = json_tree_parse(*state, text, strlen(text), &error);
        if (levels[i] <= JSON_DEPTH_MAX)
            assert_non_null(root);
        else
            assert_true(root == NULL && g_error_matches(error, JSON_ERROR, JSON_ERROR_SHAPE));
    }
}

static void a_tree_is_used_again_and_again(void **state)
{
    g_autoptr(GString) large = g_string_new("[");

    for (int i = 0; i < 200000; i++)
        g_string_append_printf(large, "%s\"text number %d, made long enough to matter\"", i > 0 ? "," : "", i);
    g_string_append_c(large, ']');
    for (int round = 0; round < 3; round++) {
        const struct json_node *root = parse(state, large->str);
        int n = 0;
        for (const struct json_node *node = root->child; node != NULL; node = node->next, n++) {
            g_autofree char *wanted = g_strdup_printf("text number %d, made long enough to matter", n);
            assert_string_equal(node->text, wanted);
        }
        assert_int_equal(n, 200000);
        assert_string_equal(json_get_string(parse(state, "{\"a\":\"b\"}"), "a"), "b");
        assert_null(json_tree_parse(*state, "{\"a\":", 5, NULL)); /* an error leaves nothing behind */
    }
}

static void a_broken_value_without_a_place_for_the_error_is_fine(void **state)
{
    assert_null(json_tree_parse(*state, "", 0, NULL));
    assert_null(json_tree_parse(*state, NULL, 0, NULL));
    json_tree_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_is_told_apart),
        cmocka_unit_test(members_and_elements_keep_their_order),
        cmocka_unit_test(each_node_knows_its_own_bytes),
        cmocka_unit_test(strings_are_decoded_and_counted),
        cmocka_unit_test(numbers_stay_as_written_q52),
        cmocka_unit_test(of_a_doubled_key_the_last_one_counts_q53),
        cmocka_unit_test(keys_are_compared_exactly_q63),
        cmocka_unit_test(looking_into_what_is_no_object_gives_nothing),
        cmocka_unit_test(a_member_of_another_type_is_no_string_q57),
        cmocka_unit_test(unknown_members_and_annotations_do_no_harm_q61),
        cmocka_unit_test(strict_text_is_asked_for_here_q47),
        cmocka_unit_test(every_example_is_judged_as_by_the_reader),
        cmocka_unit_test(the_depth_is_capped_q55),
        cmocka_unit_test(a_tree_is_used_again_and_again),
        cmocka_unit_test(a_broken_value_without_a_place_for_the_error_is_fine),
    };
    return cmocka_run_group_tests_name("json tree", tests, setup, teardown);
}
