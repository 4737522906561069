/* Reader, page, tree and text over any bytes. The first byte says whether a bare array is wanted (odd), the second how
 * the rest is chunked; so a corpus file is two characters and a body. What is checked beyond the sanitizers:
 *
 * - chunks make no difference to what the reader and the page say;
 * - what passes strictly passes with lenient text;
 * - records are slices inside the body, in order, and apart;
 * - the tree takes exactly the records that are not marked with a fault, and its nodes lie inside one another;
 * - a page's records are the elements that the tree finds in the whole body;
 * - decoded text is UTF-8, of the length told, and written as JSON and read back it is itself. */
#include <stdint.h>
#include <string.h>

#include "base/base.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Chunk sizes from a seed: a few bytes mostly, so that every kind of token is cut. */
static size_t next_chunk(uint32_t *dice, size_t left)
{
    *dice = *dice * 1664525u + 1013904223u;
    return MIN(left, 1 + (*dice >> 24) % 7);
}

/* --- reader ------------------------------------------------------------------------------------------------------- */

/* Appends the tokens there are now; each text is decoded too, for the sanitizers' sake. */
static enum json_token drain(struct json_reader *reader, GString *trace)
{
    g_autoptr(GString) decoded = g_string_new(NULL);
    enum json_token token;

    while ((token = json_reader_next(reader)) > JSON_TOKEN_END) {
        bool text = token == JSON_TOKEN_KEY || token == JSON_TOKEN_STRING;
        g_assert(reader->start <= reader->end && reader->end + text <= reader->length);
        g_string_append_printf(trace, "%d:%zu-%zu/%zu %d%d ", token, reader->start, reader->end, reader->depth,
                               text && reader->escaped, text && reader->bad_text);
        if (!text)
            continue;
        g_string_truncate(decoded, 0);
        json_decode_string(reader->bytes + reader->start, reader->end - reader->start, decoded);
        g_assert(g_utf8_validate(decoded->str, (gssize)decoded->len, NULL));
    }
    return token;
}

/* With `dice` 0: at once. Returns JSON_TOKEN_END or JSON_TOKEN_ERROR. */
static enum json_token read_all(const char *bytes, size_t length, uint32_t dice, bool lenient, GString *trace)
{
    struct json_reader reader;
    enum json_token token = JSON_TOKEN_MORE;
    size_t fed = dice == 0 ? length : 0;
    char *block = NULL;

    json_reader_init(&reader);
    reader.lenient_text = lenient;
    for (bool finished = false; token == JSON_TOKEN_MORE && !finished;) {
        char *moved = g_memdup2(bytes, fed);
        finished = fed == length;
        json_reader_input(&reader, moved, fed, finished);
        g_free(block);
        block = moved;
        token = drain(&reader, trace);
        fed += next_chunk(&dice, length - fed);
    }
    g_assert(token == JSON_TOKEN_END || token == JSON_TOKEN_ERROR);
    g_string_append(trace, token == JSON_TOKEN_ERROR ? reader.error->message : "end");
    json_reader_clear(&reader);
    g_free(block);
    return token;
}

static void check_reader(const char *bytes, size_t length, uint32_t dice)
{
    enum json_token outcome[2];

    for (int lenient = 0; lenient < 2; lenient++) {
        g_autoptr(GString) whole = g_string_new(NULL);
        g_autoptr(GString) parts = g_string_new(NULL);
        outcome[lenient] = read_all(bytes, length, 0, lenient, whole);
        g_assert(read_all(bytes, length, dice, lenient, parts) == outcome[lenient]);
        g_assert(g_string_equal(whole, parts));
    }
    g_assert(outcome[0] == JSON_TOKEN_ERROR || outcome[1] == JSON_TOKEN_END);
}

/* --- tree --------------------------------------------------------------------------------------------------------- */

static void check_text(const char *text, size_t length)
{
    g_autoptr(JsonTree) tree = json_tree_new();
    g_autoptr(GString) json = g_string_new(NULL);
    g_autofree char *safe = text_for_terminal(text);

    g_assert(strlen(text) == length && g_utf8_validate(text, (gssize)length, NULL));
    text_append_json(json, text);
    const struct json_node *node = json_tree_parse(tree, json->str, json->len, NULL);
    g_assert(node != NULL && node->type == JSON_STRING && strcmp(node->text, text) == 0);
    g_assert(g_utf8_validate(safe, -1, NULL));
}

static void check_node(const struct json_node *node, const char *from, const char *to, bool in_object)
{
    g_assert(node->bytes >= from && node->bytes + node->length <= to && node->length > 0);
    g_assert((node->key != NULL) == in_object);
    if (node->type == JSON_STRING)
        check_text(node->text, node->text_length);
    if (node->type == JSON_NUMBER)
        g_assert(node->text_length == node->length && memcmp(node->text, node->bytes, node->length) == 0);
    for (const struct json_node *child = node->child; child != NULL; child = child->next) {
        check_node(child, from, node->bytes + node->length,
                   node->type == JSON_OBJECT); /* at most JSON_DEPTH_MAX deep */
        from = child->bytes + child->length;
    }
}

static size_t count_children(const struct json_node *node)
{
    size_t n = 0;

    for (const struct json_node *child = node != NULL ? node->child : NULL; child != NULL; child = child->next)
        n++;
    return n;
}

/* --- page --------------------------------------------------------------------------------------------------------- */

static bool feed_all(struct json_page *page, const char *bytes, size_t length, uint32_t dice)
{
    bool good = true;

    for (size_t at = 0, n; at < length; at += n) {
        n = dice == 0 ? length : next_chunk(&dice, length - at);
        good = json_page_feed(page, bytes + at, n, NULL);
    }
    return json_page_finish(page, NULL) && good;
}

static void check_records(const struct json_page *page, struct json_tree *tree)
{
    const char *at = json_page_body(page), *end = at + json_page_bytes(page);

    for (size_t i = 0; i < json_page_count(page); i++) {
        struct json_slice slice = json_page_record(page, i);
        g_assert(slice.bytes >= at && slice.length > 0 && slice.bytes + slice.length <= end);
        at = slice.bytes + slice.length;
        g_autofree char *exact = g_memdup2(slice.bytes, slice.length);
        const struct json_node *node = json_tree_parse(tree, exact, slice.length, NULL);
        g_assert((node != NULL) == (slice.fault == JSON_FAULT_NONE));
        if (node != NULL)
            check_node(node, exact, exact + slice.length, false);
    }
}

static void check_page(const char *bytes, size_t length, uint32_t dice, bool array)
{
    g_autoptr(JsonPage) whole = json_page_new(array, length);
    g_autoptr(JsonPage) parts = json_page_new(array, length);
    g_autoptr(JsonTree) tree = json_tree_new();
    bool good = feed_all(whole, bytes, length, 0);

    g_assert(feed_all(parts, bytes, length, dice) == good);
    g_assert(json_page_bytes(whole) == length && json_page_bytes(parts) == length);
    g_assert(memcmp(json_page_body(parts), json_page_body(whole), length) == 0);
    g_assert(json_page_count(whole) == json_page_count(parts));
    for (size_t i = 0; i < json_page_count(whole); i++) {
        struct json_slice one = json_page_record(whole, i), other = json_page_record(parts, i);
        g_assert(one.length == other.length && one.fault == other.fault);
        g_assert(one.bytes - json_page_body(whole) == other.bytes - json_page_body(parts));
    }
    check_records(whole, tree);
    const struct json_node *root = json_tree_parse(tree, bytes, length, NULL);
    if (good && root != NULL)
        g_assert(count_children(array ? root : json_get(root, "value")) == json_page_count(whole));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    g_autofree char *bytes = g_memdup2(data + 2, size - 2);
    uint32_t dice = 1u + data[1];

    check_reader(bytes, size - 2, dice);
    check_page(bytes, size - 2, dice, data[0] & 1);
    return 0;
}
