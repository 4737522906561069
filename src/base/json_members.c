#include "json_private.h"

#include <string.h>

struct json_members {
    GArray *list;         /* struct json_member */
    GHashTable *by_key;   /* key, borrowed -> index in `list` */
    char *keys, *key_end; /* the decoded keys, each with its NUL */
    struct json_reader reader;
};

void json_members_free(struct json_members *members)
{
    if (members == NULL)
        return;
    g_array_unref(members->list);
    g_hash_table_unref(members->by_key);
    g_free(members->keys);
    json_reader_clear(&members->reader);
    g_free(members);
}

/* The reader's last token as it stands in the input; with the quotes of a key or string. */
static const char *token_bytes(const struct json_reader *reader, bool quoted, size_t *length)
{
    *length = reader->end - reader->start + 2U * quoted;
    return reader->bytes + reader->start - quoted;
}

/* The key that the reader stands at. No decoded key is longer than it was written, and its quotes leave room for the
 * NUL. */
static const char *keep_key(struct json_members *members)
{
    const struct json_reader *reader = &members->reader;
    const char *bytes = reader->bytes + reader->start;
    size_t length = reader->end - reader->start;
    char *key = members->key_end;

    if (reader->escaped)
        length = json_decode(bytes, length, key);
    else
        memcpy(key, bytes, length);
    key[length] = '\0';
    members->key_end += length + 1;
    return key;
}

/* Reads on to the end of the value whose first token is `token`. Returns its last token, or JSON_TOKEN_ERROR. */
static enum json_token skip_value(struct json_reader *reader, enum json_token token)
{
    bool opened = token == JSON_TOKEN_OBJECT_BEGIN || token == JSON_TOKEN_ARRAY_BEGIN;

    for (size_t depth = reader->depth; opened && reader->depth >= depth;) {
        token = json_reader_next(reader);
        if (token == JSON_TOKEN_ERROR)
            return token;
    }
    return token;
}

/* A doubled key: the last value, where the first one stood. */
static void add_member(struct json_members *members, const struct json_member *member)
{
    gpointer index;

    if (g_hash_table_lookup_extended(members->by_key, member->key, NULL, &index)) {
        struct json_member *first = &g_array_index(members->list, struct json_member, GPOINTER_TO_UINT(index));
        first->bytes = member->bytes;
        first->length = member->length;
    } else {
        g_hash_table_insert(members->by_key, (gpointer)member->key, GUINT_TO_POINTER(members->list->len));
        g_array_append_val(members->list, *member);
    }
}

/* Takes the member whose key the reader stands at. Returns its last token, or JSON_TOKEN_ERROR. */
static enum json_token take_member(struct json_members *members)
{
    struct json_reader *reader = &members->reader;
    struct json_member member = {.key = keep_key(members)};
    enum json_token token;

    member.name = token_bytes(reader, true, &member.name_length);
    token = json_reader_next(reader);
    if (token == JSON_TOKEN_ERROR)
        return token;
    member.bytes = token_bytes(reader, token == JSON_TOKEN_STRING, &member.length);
    token = skip_value(reader, token);
    if (token == JSON_TOKEN_OBJECT_END || token == JSON_TOKEN_ARRAY_END)
        member.length = (size_t)(reader->bytes + reader->end - member.bytes);
    add_member(members, &member);
    return token;
}

/* Returns the token that ended the input: JSON_TOKEN_END or JSON_TOKEN_ERROR. */
static enum json_token take_members(struct json_members *members)
{
    enum json_token token = json_reader_next(&members->reader);

    while (token == JSON_TOKEN_KEY) {
        token = take_member(members);
        if (token != JSON_TOKEN_ERROR)
            token = json_reader_next(&members->reader);
    }
    return token == JSON_TOKEN_OBJECT_END ? json_reader_next(&members->reader) : token;
}

struct json_members *json_members_parse(const char *bytes, size_t length, GError **error)
{
    g_autoptr(JsonMembers) members = g_new0(struct json_members, 1);
    struct json_reader *reader = &members->reader;
    enum json_token token;

    members->list = g_array_new(FALSE, FALSE, sizeof(struct json_member));
    members->by_key = g_hash_table_new(g_str_hash, g_str_equal);
    members->keys = members->key_end = g_malloc(length + 1);
    json_reader_init(reader);
    json_reader_input(reader, bytes, length, true);
    token = json_reader_next(reader);
    if (token != JSON_TOKEN_OBJECT_BEGIN && token != JSON_TOKEN_ERROR) {
        g_set_error(error, JSON_ERROR, JSON_ERROR_SHAPE, "The JSON text is not an object at byte %zu", reader->start);
        return NULL;
    }
    if (token == JSON_TOKEN_ERROR || take_members(members) == JSON_TOKEN_ERROR) {
        g_propagate_error(error, g_error_copy(reader->error));
        return NULL;
    }
    return g_steal_pointer(&members);
}

size_t json_members_count(const struct json_members *members)
{
    return members->list->len;
}

const struct json_member *json_members_at(const struct json_members *members, size_t index)
{
    g_assert(index < members->list->len);
    return &g_array_index(members->list, struct json_member, index);
}

const struct json_member *json_members_find(const struct json_members *members, const char *key)
{
    gpointer index;

    if (!g_hash_table_lookup_extended(members->by_key, key, NULL, &index))
        return NULL;
    return json_members_at(members, GPOINTER_TO_UINT(index));
}

/* --- sameness ------------------------------------------------------------------------------------------------------
 */

static bool same_node(const struct json_node *a, const struct json_node *b);

/* By key, and of doubled keys in the order of the input. */
static int by_key(gconstpointer a, gconstpointer b)
{
    const struct json_node *x = *(const struct json_node *const *)a, *y = *(const struct json_node *const *)b;
    int order = strcmp(x->key, y->key);

    return order != 0 ? order : (x->bytes > y->bytes) - (x->bytes < y->bytes);
}

/* The members of an object by key, the last one of doubled keys. */
static GPtrArray *sorted_members(const struct json_node *object)
{
    GPtrArray *members = g_ptr_array_new();
    guint kept = 0;

    for (const struct json_node *node = object->child; node != NULL; node = node->next)
        g_ptr_array_add(members, (gpointer)node);
    g_ptr_array_sort(members, by_key);
    for (guint i = 0; i < members->len; i++) {
        const struct json_node *node = members->pdata[i];
        bool last = i + 1 == members->len;
        if (last || !g_str_equal(node->key, ((const struct json_node *)members->pdata[i + 1])->key))
            members->pdata[kept++] = members->pdata[i];
    }
    g_ptr_array_set_size(members, (gint)kept);
    return members;
}

static bool same_objects(const struct json_node *a, const struct json_node *b)
{
    g_autoptr(GPtrArray) x = sorted_members(a), y = sorted_members(b);
    bool same = x->len == y->len;

    for (guint i = 0; same && i < x->len; i++) {
        const struct json_node *p = x->pdata[i], *q = y->pdata[i];
        same = strcmp(p->key, q->key) == 0 && same_node(p, q);
    }
    return same;
}

static bool same_arrays(const struct json_node *a, const struct json_node *b)
{
    const struct json_node *p = a->child, *q = b->child;

    for (; p != NULL && q != NULL; p = p->next, q = q->next)
        if (!same_node(p, q))
            return false;
    return p == NULL && q == NULL;
}

/* U+FFFD stands for more than one thing in decoded text: where it occurs, only the bytes tell. */
static bool same_texts(const struct json_node *a, const struct json_node *b)
{
    if (a->length == b->length && memcmp(a->bytes, b->bytes, a->length) == 0)
        return true;
    return a->text_length == b->text_length && memcmp(a->text, b->text, a->text_length) == 0 &&
           strstr(a->text, "\xef\xbf\xbd") == NULL;
}

static bool same_node(const struct json_node *a, const struct json_node *b)
{
    if (a->type != b->type)
        return false;
    switch (a->type) {
    case JSON_OBJECT:
        return same_objects(a, b);
    case JSON_ARRAY:
        return same_arrays(a, b);
    case JSON_STRING:
    case JSON_NUMBER:
        return same_texts(a, b);
    default:
        return true;
    }
}

bool json_same(const char *a, size_t a_length, const char *b, size_t b_length)
{
    if (a_length == b_length && memcmp(a, b, a_length) == 0)
        return true;
    g_autoptr(JsonTree) a_tree = json_tree_new(), b_tree = json_tree_new();
    const struct json_node *a_root = json_tree_parse(a_tree, a, a_length, NULL);
    const struct json_node *b_root = json_tree_parse(b_tree, b, b_length, NULL);

    return a_root != NULL && b_root != NULL && same_node(a_root, b_root);
}
