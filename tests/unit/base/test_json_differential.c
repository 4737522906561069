/* Random documents and random damage to them, judged by our reader and tree and by Jansson: both must accept the same
 * bytes and find the same strings, numbers, members and elements in them.
 *
 * M365KEEP_TEST_SEED picks another sequence than the usual one; the seed is printed. Where Jansson differs from RFC
 * 8259 or from us on purpose, json_judge.h says so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "json_judge.h"

enum { DOCUMENTS = 6000, DAMAGED_EACH = 5, DEPTH_OF_DOCUMENTS = 6, SEED = 20261120 };

static guint32 seed_of_run(void)
{
    const char *text = g_getenv("M365KEEP_TEST_SEED");
    guint32 seed = text != NULL ? (guint32)g_ascii_strtoull(text, NULL, 10) : SEED;

    print_message("M365KEEP_TEST_SEED=%u\n", seed);
    return seed;
}

/* --- documents ---------------------------------------------------------------------------------------------------- */

static guint below(GRand *dice, guint n)
{
    return (guint)g_rand_int_range(dice, 0, (gint32)n);
}

static void put_space(GRand *dice, GString *out)
{
    while (below(dice, 6) == 0)
        g_string_append_c(out, " \t\r\n"[below(dice, 4)]);
}

static gunichar any_character(GRand *dice)
{
    static const gunichar from[] = {0x80, 0x800, 0xe000, 0x10000}, to[] = {0x800, 0xd800, 0x10000, 0x110000};
    guint range = below(dice, 4);

    return from[range] + below(dice, to[range] - from[range]);
}

static void put_string(GRand *dice, GString *out, bool nul_allowed)
{
    static const char *const escapes[] = {"\\\"", "\\\\", "\\/", "\\b", "\\f", "\\n", "\\r", "\\t"};
    guint unit;

    g_string_append_c(out, '"');
    for (guint pieces = below(dice, 8); pieces > 0; pieces--) {
        switch (below(dice, 6)) {
        case 0:
            g_string_append(out, escapes[below(dice, G_N_ELEMENTS(escapes))]);
            break;
        case 1:
            unit = 1 + below(dice, 0xd7ff);
            g_string_append_printf(out, unit & 1 ? "\\u%04x" : "\\u%04X", unit);
            break;
        case 2:
            unit = 0xd800 + below(dice, 0x400);
            g_string_append_printf(out, "\\u%x\\u%X", unit, 0xdc00 + below(dice, 0x400));
            break;
        case 3:
            g_string_append_unichar(out, any_character(dice));
            break;
        case 4:
            if (nul_allowed)
                g_string_append(out, "\\u0000");
            break;
        default:
            for (guint n = below(dice, 20); n > 0; n--)
                g_string_append_c(out, (char)('#' + below(dice, '[' - '#')));
        }
    }
    g_string_append_c(out, '"');
}

static void put_digits(GRand *dice, GString *out, guint most)
{
    for (guint n = 1 + below(dice, most); n > 0; n--)
        g_string_append_c(out, (char)('0' + below(dice, 10)));
}

static void put_number(GRand *dice, GString *out)
{
    if (below(dice, 3) == 0)
        g_string_append_c(out, '-');
    if (below(dice, 4) == 0) {
        g_string_append_c(out, '0');
    } else {
        g_string_append_c(out, (char)('1' + below(dice, 9)));
        if (below(dice, 2) == 0)
            put_digits(dice, out, 24);
    }
    if (below(dice, 2) == 0) {
        g_string_append_c(out, '.');
        put_digits(dice, out, 20);
    }
    if (below(dice, 3) == 0) {
        static const char *const exponents[] = {"e", "E", "e+", "E-", "e-"};
        g_string_append(out, exponents[below(dice, G_N_ELEMENTS(exponents))]);
        put_digits(dice, out, 2);
    }
}

static void put_value(GRand *dice, GString *out, int depth)
{
    static const char *const words[] = {"true", "false", "null", "[]", "{}"};
    guint kind = below(dice, depth > 0 ? 7 : 3);
    bool object = kind >= 5;

    put_space(dice, out);
    if (kind == 0) {
        put_number(dice, out);
    } else if (kind == 1) {
        put_string(dice, out, true);
    } else if (kind == 2) {
        g_string_append(out, words[below(dice, G_N_ELEMENTS(words))]);
    } else {
        g_string_append_c(out, object ? '{' : '[');
        for (guint i = 0, n = below(dice, 6); i < n; i++) {
            if (i > 0)
                g_string_append_c(out, ',');
            if (object) {
                put_space(dice, out);
                if (below(dice, 2) == 0)
                    put_string(dice, out, false);
                else
                    g_string_append_printf(out, "\"k%u\"", below(dice, 3)); /* so that doubled names come up */
                put_space(dice, out);
                g_string_append_c(out, ':');
            }
            put_value(dice, out, depth - 1);
        }
        put_space(dice, out);
        g_string_append_c(out, object ? '}' : ']');
    }
    put_space(dice, out);
}

static void damage(GRand *dice, GString *text)
{
    static const char pieces[] = "{}[],:\"\\/ue+-.0159truefalsn \n\t\r\x01\x1f\x7f\x80\xbf\xc2\xe0\xed\xf0\xf4\xff";

    for (guint times = 1 + below(dice, 3); times > 0; times--) {
        gssize at = (gssize)below(dice, (guint)text->len + 1);
        char piece = below(dice, 4) == 0 ? (char)below(dice, 256) : pieces[below(dice, sizeof pieces)];
        switch (below(dice, 4)) {
        case 0:
            g_string_insert_c(text, at, piece);
            break;
        case 1:
            if ((gsize)at < text->len)
                text->str[at] = piece;
            break;
        case 2:
            if ((gsize)at < text->len)
                g_string_erase(text, at, 1 + (gssize)below(dice, (guint)MIN(8, text->len - (gsize)at)));
            break;
        default:
            if (below(dice, 8) == 0)
                g_string_truncate(text, (gsize)at);
        }
    }
}

/* --- comparing ---------------------------------------------------------------------------------------------------- */

/* Fails when the judgements differ. True when both accepted the text. */
static bool judge(struct json_tree *tree, const GString *text)
{
    g_autofree char *bytes = g_memdup2(text->str, text->len); /* an exact block: a byte too far is seen */
    const struct json_node *node = json_tree_parse(tree, bytes, text->len, NULL);
    json_error_t error;
    json_t *value = judge_load(text->str, text->len, &error);
    bool accepted = node != NULL && value != NULL;

    if ((node != NULL) != judge_reader_accepts(bytes, text->len))
        fail_msg("reader and tree differ: %s", text->str);
    if (node != NULL && value == NULL && !judge_excuses(&error))
        fail_msg("only we accept: %s", text->str);
    if (node == NULL && value != NULL && !judge_lost_a_nul(text->str, text->len))
        fail_msg("only Jansson accepts: %s", text->str);
    if (accepted && !judge_same(node, value))
        fail_msg("read differently: %s", text->str);
    json_decref(value);
    return accepted;
}

static void random_documents_are_read_as_jansson_reads_them(void **state)
{
    g_autoptr(GRand) dice = g_rand_new_with_seed(seed_of_run());
    g_autoptr(JsonTree) tree = json_tree_new();
    g_autoptr(GString) text = g_string_new(NULL);
    (void)state;

    for (int i = 0; i < DOCUMENTS; i++) {
        g_string_truncate(text, 0);
        put_value(dice, text, DEPTH_OF_DOCUMENTS);
        if (!judge(tree, text))
            fail_msg("a document made to be valid is refused: %s", text->str);
    }
}

static void damaged_documents_are_judged_as_jansson_judges_them(void **state)
{
    g_autoptr(GRand) dice = g_rand_new_with_seed(seed_of_run());
    g_autoptr(JsonTree) tree = json_tree_new();
    g_autoptr(GString) text = g_string_new(NULL), damaged = g_string_new(NULL);
    int accepted = 0;
    (void)state;

    for (int i = 0; i < DOCUMENTS; i++) {
        g_string_truncate(text, 0);
        put_value(dice, text, DEPTH_OF_DOCUMENTS);
        for (int j = 0; j < DAMAGED_EACH; j++) {
            g_string_truncate(damaged, 0);
            g_string_append_len(damaged, text->str, (gssize)text->len);
            damage(dice, damaged);
            accepted += judge(tree, damaged);
        }
    }
    print_message("%d of %d still valid\n", accepted, DOCUMENTS * DAMAGED_EACH);
    assert_in_range(accepted, 1, DOCUMENTS * DAMAGED_EACH - 1);
}

/* The exceptions, each once, so that they are known to be needed and to be all we mean. */
static void where_jansson_is_narrower_we_still_accept(void **state)
{
    static const char *const texts[] = {"1e400", "{\"\\u0000\":1}", "\"\\ud800\"", "\"\\udc00\"", "\"\\ud800x\""};
    g_autoptr(JsonTree) tree = json_tree_new();
    (void)state;

    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        json_error_t error;
        assert_null(judge_load(texts[i], strlen(texts[i]), &error));
        assert_true(judge_excuses(&error));
        assert_non_null(json_tree_parse(tree, texts[i], strlen(texts[i]), NULL));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_documents_are_read_as_jansson_reads_them),
        cmocka_unit_test(damaged_documents_are_judged_as_jansson_judges_them),
        cmocka_unit_test(where_jansson_is_narrower_we_still_accept),
    };
    return cmocka_run_group_tests_name("json differential", tests, NULL, NULL);
}
