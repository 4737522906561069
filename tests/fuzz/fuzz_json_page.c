/* A page over any bytes. The first byte says whether a bare array is wanted (odd), the second how the rest is chunked;
 * so a corpus file is two characters and a body. What is checked beyond the sanitizers:
 *
 * - chunks, and an earlier body, make no difference to what the page says;
 * - records are slices inside the body, in order, and apart;
 * - the tree takes exactly the records that are not marked with a fault;
 * - a page's records are the elements that the tree finds in the whole body, byte for byte, and its members are the
 *   strings that the tree finds at the top;
 * - no page is whole where the tree sees an error, no `value`, or a link that is none;
 * - a body above the size given is refused, one of that size is not. */
#include "fuzz.h"

#include "base/base.h"

static bool feed_all(struct json_page *page, const char *bytes, size_t length, uint32_t dice)
{
    g_autoptr(GError) error = NULL;
    bool good = true;

    for (size_t at = 0, n; at < length; at += n) {
        n = dice == 0 ? length : fuzz_chunk(&dice, length - at);
        good = json_page_feed(page, bytes + at, n, NULL);
    }
    bool whole = json_page_finish(page, &error);
    g_assert(whole == (error == NULL) && (good || !whole));
    if (!whole)
        fuzz_check_message(error);
    return whole;
}

static void check_same(const struct json_page *a, const struct json_page *b)
{
    g_assert(json_page_bytes(a) == json_page_bytes(b));
    g_assert(memcmp(json_page_body(a), json_page_body(b), json_page_bytes(a)) == 0);
    g_assert(json_page_count(a) == json_page_count(b));
    for (size_t i = 0; i < json_page_count(a); i++) {
        struct json_slice one = json_page_record(a, i), other = json_page_record(b, i);
        g_assert(one.length == other.length && one.fault == other.fault);
        g_assert(one.bytes - json_page_body(a) == other.bytes - json_page_body(b));
    }
    g_assert(g_strcmp0(json_page_member(a, "@odata.nextLink"), json_page_member(b, "@odata.nextLink")) == 0);
}

static void check_records(const struct json_page *page, struct json_tree *tree)
{
    const char *at = json_page_body(page), *end = at + json_page_bytes(page);

    for (size_t i = 0; i < json_page_count(page); i++) {
        struct json_slice slice = json_page_record(page, i);
        g_assert(slice.bytes >= at && slice.length > 0 && slice.bytes + slice.length <= end);
        at = slice.bytes + slice.length;
        g_autofree char *exact = fuzz_exact(slice.bytes, slice.length);
        const struct json_node *node = json_tree_parse(tree, exact, slice.length, NULL);
        g_assert((node != NULL) == (slice.fault == JSON_FAULT_NONE));
        g_assert(node == NULL || (node->bytes == exact && node->length == slice.length));
    }
}

/* --- what the tree says of the whole body --------------------------------------------------------------------------
 */

/* `records` as the page has them, one by one. */
static void check_elements(const struct json_page *page, const struct json_node *records, const char *bytes)
{
    size_t n = 0;

    g_assert(records != NULL && records->type == JSON_ARRAY);
    for (const struct json_node *node = records->child; node != NULL; node = node->next, n++) {
        g_assert(n < json_page_count(page));
        struct json_slice slice = json_page_record(page, n);
        g_assert(slice.bytes - json_page_body(page) == node->bytes - bytes && slice.length == node->length);
    }
    g_assert(n == json_page_count(page));
}

static void check_members(const struct json_page *page, const struct json_node *root)
{
    unsigned values = 0;

    for (const struct json_node *node = root->child; node != NULL; node = node->next) {
        bool is_value = strcmp(node->key, "value") == 0;
        const struct json_node *last = json_get(root, node->key);
        const char *text = last->type == JSON_STRING ? last->text : NULL;
        values += is_value;
        if (!is_value)
            g_assert(g_strcmp0(json_page_member(page, node->key), text) == 0);
        if (g_str_has_suffix(node->key, "Link"))
            g_assert((node->type == JSON_STRING || node->type == JSON_NULL) && node == last);
    }
    g_assert(values == 1);
    const struct json_node *error = json_get(root, "error");
    g_assert(error == NULL || error->type == JSON_NULL);
}

static void check_whole(const struct json_page *page, struct json_tree *tree, const char *bytes, size_t length,
                        bool array)
{
    const struct json_node *root = json_tree_parse(tree, bytes, length, NULL);

    if (root == NULL) /* text that is not UTF-8, or too deep */
        return;
    check_elements(page, array ? root : json_get(root, "value"), bytes);
    if (!array)
        check_members(page, root);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    size_t length = size - 2;
    bool array = data[0] & 1;
    g_autofree char *bytes = fuzz_exact(data + 2, length);
    g_autoptr(JsonPage) whole = json_page_new(array, length), parts = json_page_new(array, length);
    g_autoptr(JsonTree) tree = json_tree_new();
    bool good = feed_all(whole, bytes, length, 0);

    g_assert(feed_all(parts, bytes, length, 1u + data[1]) == good);
    check_same(whole, parts);
    json_page_reset(parts);
    g_assert(json_page_count(parts) == 0 && json_page_bytes(parts) == 0);
    g_assert(feed_all(parts, bytes, length, 2u + data[1]) == good);
    check_same(whole, parts);
    check_records(whole, tree);
    if (good)
        check_whole(whole, tree, bytes, length, array);
    if (good) {
        g_autoptr(JsonPage) small = json_page_new(array, length - 1);
        g_assert(!feed_all(small, bytes, length, 1u + data[1]));
    }
    return 0;
}
