/* The members of an object, and an account's JSON after a record: any bytes, as two texts with a NUL between. What is
 * checked beyond the sanitizers:
 *
 * - members are those that the tree finds, doubled ones once, and lie in order;
 * - what is the same for us is the same for Jansson, whichever is asked first, and a text is the same as itself printed
 *   anew;
 * - a merge is an object without doubled names (unless it is the record as received), with every member of the record,
 *   every known member that the record does not name, each byte for byte, and no annotation;
 * - changes are the members that differ, and tell both values;
 * - merging the record again, or the result into itself, says nothing new. */
#include "fuzz.h"

#include "../unit/base/json_judge.h"
#include "json_print.h"
#include "store/account_merge.h"

/* --- members ------------------------------------------------------------------------------------------------------ */

static size_t count_distinct(const struct json_node *object)
{
    size_t n = 0;

    for (const struct json_node *node = object->child; node != NULL; node = node->next)
        n += json_get(object, node->key) == node;
    return n;
}

static void check_members(const char *bytes, size_t length)
{
    g_autoptr(JsonTree) tree = json_tree_new();
    g_autoptr(GError) error = NULL;
    g_autoptr(JsonMembers) members = json_members_parse(bytes, length, &error);
    const struct json_node *node = json_tree_parse(tree, bytes, length, NULL);

    if (members == NULL)
        fuzz_check_message(error);
    if (node != NULL)
        g_assert((members != NULL) == (node->type == JSON_OBJECT));
    if (members == NULL || node == NULL)
        return;
    g_assert(json_members_count(members) == count_distinct(node));
    const char *at = bytes;
    for (size_t i = 0; i < json_members_count(members); i++) {
        const struct json_member *member = json_members_at(members, i);
        const struct json_node *same = json_get(node, member->key);
        g_assert(json_members_find(members, member->key) == member);
        g_assert(same != NULL && same->bytes == member->bytes && same->length == member->length);
        g_assert(member->name >= at && member->name[0] == '"' && member->name[member->name_length - 1] == '"');
        at = member->name + member->name_length;
    }
}

/* --- sameness ----------------------------------------------------------------------------------------------------- */

static void check_same(const char *a, size_t a_length, const char *b, size_t b_length)
{
    json_error_t error;
    bool same = json_same(a, a_length, b, b_length);

    g_assert(json_same(b, b_length, a, a_length) == same);
    if (!same)
        return;
    json_t *one = judge_load(a, a_length, &error), *other = judge_load(b, b_length, &error);
    g_assert(one == NULL || other == NULL || json_equal(one, other));
    json_decref(one);
    json_decref(other);
}

static void check_printed(const char *bytes, size_t length)
{
    g_autoptr(JsonTree) tree = json_tree_new();
    g_autoptr(GString) printed = g_string_new(NULL);
    const struct json_node *node = json_tree_parse(tree, bytes, length, NULL);

    if (node == NULL)
        return;
    json_print(printed, node);
    if (strstr(printed->str, "\xef\xbf\xbd") == NULL) /* which stands for more than one thing */
        g_assert(json_same(bytes, length, printed->str, printed->len));
}

/* --- merging ------------------------------------------------------------------------------------------------------ */

static bool is_annotation(const struct json_member *member)
{
    return member->key[0] == '@';
}

static bool has_doubled(const char *bytes, size_t length)
{
    g_autoptr(JsonTree) tree = json_tree_new();
    const struct json_node *node = json_tree_parse(tree, bytes, length, NULL);

    for (const struct json_node *child = node != NULL ? node->child : NULL; child != NULL; child = child->next)
        if (json_get(node, child->key) != child)
            return true;
    return false;
}

/* Every member of `from` that is no annotation, and that `unless` (may be NULL) does not name, is in `result` byte for
 * byte. */
static void check_kept(const struct json_members *result, const struct json_members *from,
                       const struct json_members *unless)
{
    for (size_t i = 0; from != NULL && i < json_members_count(from); i++) {
        const struct json_member *member = json_members_at(from, i), *kept = json_members_find(result, member->key);
        if (is_annotation(member) || (unless != NULL && json_members_find(unless, member->key) != NULL))
            continue;
        g_assert(kept != NULL && kept->length == member->length);
        g_assert(memcmp(kept->bytes, member->bytes, kept->length) == 0);
    }
}

static bool means_null(const struct json_member *member)
{
    return member == NULL || (member->length == 4 && memcmp(member->bytes, "null", 4) == 0);
}

/* Null, absent or an empty list: Graph says all three of what was never set. */
static bool means_nothing(const struct json_member *member)
{
    g_autoptr(JsonTree) tree = json_tree_new();
    const struct json_node *node =
        means_null(member) ? NULL : json_tree_parse(tree, member->bytes, member->length, NULL);

    return means_null(member) || (node != NULL && node->type == JSON_ARRAY && node->child == NULL);
}

static bool differs(const struct json_member *a, const struct json_member *b)
{
    if (means_nothing(a) || means_nothing(b))
        return means_nothing(a) != means_nothing(b);
    return !json_same(a->bytes, a->length, b->bytes, b->length);
}

/* The members of `record` that say something new, told one by one in `merge`. Returns how many say so at all. */
static size_t check_changes(const struct account_merge *merge, const struct json_members *known,
                            const struct json_members *record)
{
    size_t told = 0, new = 0;

    for (size_t i = 0; i < json_members_count(record); i++) {
        const struct json_member *member = json_members_at(record, i);
        const struct json_member *old = known != NULL ? json_members_find(known, member->key) : NULL;
        if (is_annotation(member) || !differs(old, member))
            continue;
        new ++;
        if (strcmp(member->key, "signInActivity") == 0)
            continue;
        g_assert(told < merge->changes->len);
        const struct account_change *change = &g_array_index(merge->changes, struct account_change, told++);
        g_assert(strcmp(change->field, member->key) == 0);
        g_assert(change->old_value == (means_null(old) ? NULL : old->bytes));
        g_assert(change->new_value == (means_null(member) ? NULL : member->bytes));
    }
    return new;
}

static void check_nothing_new(const char *known, size_t known_length, const char *record, size_t length)
{
    struct account_merge merge;

    g_assert(account_merge(&merge, known, known_length, record, length, NULL));
    g_assert(merge.raw == NULL && merge.changes->len == 0);
    account_merge_clear(&merge);
}

static void check_result(const struct account_merge *merge, const struct json_members *known,
                         const struct json_members *record, const char *bytes, size_t length)
{
    g_autofree char *raw = fuzz_exact(merge->raw, merge->length);
    g_autoptr(JsonMembers) result = json_members_parse(raw, merge->length, NULL);

    g_assert(result != NULL);
    g_assert(merge->raw == bytes || !has_doubled(raw, merge->length));
    for (size_t i = 0; i < json_members_count(result); i++)
        g_assert(!is_annotation(json_members_at(result, i)));
    check_kept(result, record, NULL);
    check_kept(result, known, record);
    check_nothing_new(raw, merge->length, bytes, length);
    check_nothing_new(raw, merge->length, raw, merge->length);
}

/* `known` NULL: an account that nobody knows. */
static void check_merge(const char *known, size_t known_length, const char *record, size_t length)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(JsonMembers) old = known != NULL ? json_members_parse(known, known_length, NULL) : NULL;
    g_autoptr(JsonMembers) new = json_members_parse(record, length, NULL);
    struct account_merge merge;
    bool merged = account_merge(&merge, known, known_length, record, length, &error);

    g_assert(merged == (new != NULL) && merged == (error == NULL));
    if (!merged) {
        fuzz_check_message(error);
    } else if (known == NULL) {
        g_assert(merge.raw != NULL && merge.changes->len == 0);
        check_result(&merge, NULL, new, record, length);
    } else {
        g_assert((check_changes(&merge, old, new) > 0) == (merge.raw != NULL));
        if (merge.raw != NULL)
            check_result(&merge, old, new, record, length);
    }
    account_merge_clear(&merge);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = size > 0 ? memchr(data, '\0', size) : NULL;
    size_t known_length = end != NULL ? (size_t)(end - data) : 0;
    size_t length = end != NULL ? size - known_length - 1 : size;
    g_autofree char *known = fuzz_exact(data, known_length), *record = fuzz_exact(data + size - length, length);

    check_members(record, length);
    check_same(known, known_length, record, length);
    check_printed(record, length);
    check_merge(NULL, 0, record, length);
    if (end != NULL)
        check_merge(known, known_length, record, length);
    return 0;
}
