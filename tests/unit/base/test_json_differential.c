/* Random documents and random damage to them, judged by our reader and tree and by Jansson: both must accept the same
 * bytes and find the same strings, numbers, members and elements in them.
 *
 * M365KEEP_TEST_SEED picks another sequence than the usual one; the seed is printed. Where Jansson differs from RFC
 * 8259 or from us on purpose, `excused` says so. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Jansson's names, out of the way of ours; its macros that use them (json_is_true ...) are of no use here. */
#define JSON_OBJECT     JANSSON_OBJECT
#define JSON_ARRAY      JANSSON_ARRAY
#define JSON_STRING     JANSSON_STRING
#define JSON_TRUE       JANSSON_TRUE
#define JSON_FALSE      JANSSON_FALSE
#define JSON_NULL       JANSSON_NULL
#define json_error_code jansson_error_code
#include <jansson.h>
#undef JSON_OBJECT
#undef JSON_ARRAY
#undef JSON_STRING
#undef JSON_TRUE
#undef JSON_FALSE
#undef JSON_NULL
#undef json_error_code

#include "base/json.h"

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

static bool same(const struct json_node *node, const json_t *value);

static bool same_text(const char *text, size_t length, const char *other, size_t other_length)
{
    g_autoptr(GString) shown = g_string_new_len(other, (gssize)other_length);

    for (gsize i = 0; i < shown->len; i++) { /* we show NUL as U+FFFD, where Jansson keeps it */
        if (shown->str[i] != '\0')
            continue;
        g_string_erase(shown, (gssize)i, 1);
        g_string_insert(shown, (gssize)i, "\xef\xbf\xbd");
    }
    return shown->len == length && memcmp(shown->str, text, length) == 0;
}

static bool same_members(const struct json_node *object, const json_t *value)
{
    size_t distinct = 0;

    for (const struct json_node *node = object->child; node != NULL; node = node->next) {
        if (json_get(object, node->key) != node)
            continue; /* doubled, and not the last */
        distinct++;
        if (!same(node, json_object_get(value, node->key)))
            return false;
    }
    return distinct == json_object_size(value);
}

static bool same_elements(const struct json_node *array, const json_t *value)
{
    size_t n = 0;

    for (const struct json_node *node = array->child; node != NULL; node = node->next, n++) {
        if (!same(node, json_array_get(value, n)))
            return false;
    }
    return n == json_array_size(value);
}

static bool same_number(const struct json_node *node, const json_t *value)
{
    double ours = g_ascii_strtod(node->text, NULL), theirs = json_real_value(value);

    return node->length == node->text_length && memcmp(node->bytes, node->text, node->length) == 0 && ours == theirs &&
           !signbit(ours) == !signbit(theirs);
}

static bool same(const struct json_node *node, const json_t *value)
{
    if (value == NULL)
        return false;
    switch (node->type) {
    case JSON_OBJECT:
        return json_typeof(value) == JANSSON_OBJECT && same_members(node, value);
    case JSON_ARRAY:
        return json_typeof(value) == JANSSON_ARRAY && same_elements(node, value);
    case JSON_STRING:
        return json_typeof(value) == JANSSON_STRING &&
               same_text(node->text, node->text_length, json_string_value(value), json_string_length(value));
    case JSON_NUMBER:
        return json_typeof(value) == JSON_REAL && same_number(node, value);
    case JSON_TRUE:
        return json_typeof(value) == JANSSON_TRUE;
    case JSON_FALSE:
        return json_typeof(value) == JANSSON_FALSE;
    default:
        return json_typeof(value) == JANSSON_NULL;
    }
}

static bool reader_accepts(const char *bytes, size_t length)
{
    struct json_reader reader;
    enum json_token token;

    json_reader_init(&reader);
    json_reader_input(&reader, bytes, length, true);
    while ((token = json_reader_next(&reader)) > JSON_TOKEN_END)
        ;
    json_reader_clear(&reader);
    return token == JSON_TOKEN_END;
}

/* Whether all that we mind are NULs right behind a number or a word, which Jansson loses when it puts them back. */
static bool lost_a_nul(const GString *text)
{
    g_autoptr(GString) rest = g_string_new(NULL);

    for (gsize i = 0; i < text->len; i++) {
        if (text->str[i] != '\0' || i == 0 || !g_ascii_isalnum(text->str[i - 1]))
            g_string_append_c(rest, text->str[i]);
    }
    return rest->len < text->len && reader_accepts(rest->str, rest->len);
}

/* Whether Jansson refuses something that RFC 8259's grammar allows and we take. */
static bool excused(const json_error_t *error)
{
    return jansson_error_code(error) == json_error_numeric_overflow || /* 1e400: it wants a double */
           jansson_error_code(error) == json_error_null_byte_in_key || /* its names are C strings */
           g_str_has_prefix(error->text, "invalid Unicode");           /* lone surrogate escapes */
}

/* Fails when the judgements differ. True when both accepted the text. */
static bool judge(struct json_tree *tree, const GString *text)
{
    g_autofree char *bytes = g_memdup2(text->str, text->len); /* an exact block: a byte too far is seen */
    const struct json_node *node = json_tree_parse(tree, bytes, text->len, NULL);
    json_error_t error;
    json_t *value =
        json_loadb(text->str, text->len, JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL, &error);
    bool accepted = node != NULL && value != NULL;

    if ((node != NULL) != reader_accepts(bytes, text->len))
        fail_msg("reader and tree differ: %s", text->str);
    if (node != NULL && value == NULL && !excused(&error))
        fail_msg("only we accept: %s", text->str);
    if (node == NULL && value != NULL && !lost_a_nul(text))
        fail_msg("only Jansson accepts: %s", text->str);
    if (accepted && !same(node, value))
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
        assert_null(
            json_loadb(texts[i], strlen(texts[i]), JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL, &error));
        assert_true(excused(&error));
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
