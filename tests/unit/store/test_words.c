/* Words as people type them, as FTS5 expressions; each is also tried on a real index. */
#include "fixture.h"

#include "store/words.h"

static void words_become_phrases_that_must_all_match(void **state)
{
    static const struct {
        const char *words, *expression;
    } cases[] = {
        {"alice", "\"alice\""},
        {"  alice\tbob \n", "\"alice\" AND \"bob\""},
        {"\"reset password\"", "\"reset password\""},
        {"alice \"reset password\" bob", "\"alice\" AND \"reset password\" AND \"bob\""},
        {"alice\"reset password\"bob", "\"alice\" AND \"reset password\" AND \"bob\""},
        {"\"reset pass", "\"reset pass\""},
        {"alice \"", "\"alice\""},
        {"\"\" alice", "\"alice\""},
        {"adm*", "\"adm\"*"},
        {"\"global adm\"*", "\"global adm\"*"},
        {"adm**", "\"adm\"*"},
        {"a*b", "\"a*b\""},
        {"10.0.*", "\"10.0.\""},
        {"ada@*", "\"ada@\""},
        {"ada@exam*", "\"ada@exam\"*"},
        {"* alice", "\"alice\""},
        {"ada@example.org", "\"ada@example.org\""},
        {"66666666-6666-4666-8666-666666666600", "\"66666666-6666-4666-8666-666666666600\""},
        {"192.0.2.7", "\"192.0.2.7\""},
        {"[2001:db8::7]:51820", "\"[2001:db8::7]:51820\""},
        {"AND OR NOT NEAR", "\"AND\" AND \"OR\" AND \"NOT\" AND \"NEAR\""},
        {"NEAR(a b, 5)", "\"NEAR(a\" AND \"b,\" AND \"5)\""},
        {"text:alice", "\"text:alice\""},
        {"facets : cu0123", "\"facets\" AND \"cu0123\""},
        {"-alice +bob ^carol", "\"-alice\" AND \"+bob\" AND \"^carol\""},
        {"O'Brien; DROP TABLE", "\"O'Brien;\" AND \"DROP\" AND \"TABLE\""},
        {"alice - & bob", "\"alice\" AND \"bob\""},
        {"Łukasz", "\"Łukasz\""},
        {"शर्मा*", "\"शर्मा\""},
        {"小雨张*", "\"小雨张\"*"},
        {"小雨*", "\"小雨\"*"},
        {"日本*", "\"日本\"*"},
        {"ビー*", "\"ビー\"*"},
        {"สม*", "\"สม\"*"},
        {"Ян*", "\"Ян\"*"},
        {"\"张 小雨\"*", "\"张 小雨\"*"},
        {"ab-小雨*", "\"ab-小雨\"*"},
        {"alice\xc2\xa0"
         "bob",
         "\"alice\" AND \"bob\""},
    };
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GString) expression = g_string_new(NULL);
        g_autoptr(GError) error = NULL;
        assert_ok(words_append_fts(expression, cases[i].words, &error), error);
        assert_string_equal(expression->str, cases[i].expression);
    }
}

static void words_that_cannot_be_searched_are_refused_with_the_reason(void **state)
{
    static const struct {
        const char *words, *reason;
    } cases[] = {
        {"", "nothing to search for"},
        {"\"\"", "nothing to search for"},
        {"\"", "nothing to search for"},
        {"*", "nothing to search for"},
        {"- & ()", "nothing to search for"},
        {"\xf0\x9f\x9a\x80", "nothing to search for"},
        {"ab*", "\"ab*\" is too short"},
        {"alice a*", "\"a*\" is too short"},
        {"\"reset p\"*", "\"reset p*\" is too short"},
        {"1234-ab*", "is too short"},
        {"12*", "\"12*\" is too short: a beginning of a word needs at least 3 letters"},
        {"éa*", "at least 3 letters"},
        {"Łó*", "at least 3 letters"},
        {"a小*", "at least 3 letters"},
        {"小1*", "at least 3 letters"},
        {"小雨-ab*", "at least 3 letters"},
        {"张*", "\"张*\" is too short: a beginning of a word needs at least 2 letters"},
        {"小雨-张*", "at least 2 letters"},
    };
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GString) expression = g_string_new(NULL);
        GError *error = NULL;
        assert_refused(words_append_fts(expression, cases[i].words, &error), &error, STORE_ERROR_QUERY,
                       cases[i].reason);
    }
}

static void too_many_words_are_refused(void **state)
{
    (void)state;
    g_autoptr(GString) words = g_string_new(NULL), expression = g_string_new(NULL);
    GError *error = NULL;
    for (int i = 0; i <= WORDS_MOST; i++)
        g_string_append_printf(words, "w%d ", i);
    assert_refused(words_append_fts(expression, words->str, &error), &error, STORE_ERROR_QUERY, "more than 64 words");
    g_autofree char *longest = g_strnfill(WORDS_BYTES_MOST + 1, 'x');
    assert_refused(words_append_fts(expression, longest, &error), &error, STORE_ERROR_QUERY, "longer than 4096 bytes");
}

static void blank_is_nothing_but_white_space(void **state)
{
    (void)state;
    assert_true(words_blank(NULL) && words_blank("") && words_blank(" \t\n"));
    assert_false(words_blank(" a") || words_blank("\""));
}

/* Whatever is typed, FTS5 takes it: no input turns into a syntax error. */
static void no_input_is_a_syntax_error(void **state)
{
    static const char alphabet[] = "ab3 \"*'()[]{}:;,.-+^&|!@#$%\\/?<>=~`\n\xc3\xa9\xe2\x82\xff";
    struct fixture *fixture = *state;
    g_autoptr(GRand) dice = g_rand_new_with_seed(5);
    for (int i = 0; i < 3000; i++) {
        g_autoptr(GString) words = g_string_new(NULL);
        for (int n = g_rand_int_range(dice, 0, 24); n > 0; n--)
            g_string_append_c(words, alphabet[g_rand_int_range(dice, 0, (gint32)sizeof alphabet - 1)]);
        struct store_query query = {.words = words->str, .limit = 1};
        g_autoptr(GError) error = NULL;
        int64_t n = store_search_count(fixture->store, &query, 10, &error);
        if (n < 0 && !g_error_matches(error, STORE_ERROR, STORE_ERROR_QUERY))
            fail_msg("%s: %s", words->str, error->message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_become_phrases_that_must_all_match),
        cmocka_unit_test(words_that_cannot_be_searched_are_refused_with_the_reason),
        cmocka_unit_test(too_many_words_are_refused),
        cmocka_unit_test(blank_is_nothing_but_white_space),
        cmocka_unit_test_setup_teardown(no_input_is_a_syntax_error, setup_store, teardown_verified),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
