#include "json_private.h"

#include <string.h>

enum {
    BLOCK_NODES = 512,
    BLOCKS_KEPT = 64,                  /* between values; 2.3 MB */
    TEXT_KEPT_BYTES = 4 * 1024 * 1024, /* likewise */
};

struct json_tree {
    GPtrArray *blocks; /* of BLOCK_NODES nodes each: nodes never move */
    size_t nodes;      /* used */
    char *text;        /* decoded strings and numbers, each with its NUL; never moves while a value is read */
    size_t text_bytes, text_capacity;
    struct json_reader reader;
};

/* An open container, and where the link to its next child belongs. */
struct level {
    struct json_node *node;
    const struct json_node **link;
};

struct json_tree *json_tree_new(void)
{
    struct json_tree *tree = g_new0(struct json_tree, 1);

    tree->blocks = g_ptr_array_new_with_free_func(g_free);
    json_reader_init(&tree->reader);
    return tree;
}

void json_tree_free(struct json_tree *tree)
{
    if (tree == NULL)
        return;
    g_ptr_array_unref(tree->blocks);
    g_free(tree->text);
    json_reader_clear(&tree->reader);
    g_free(tree);
}

/* Makes room for the texts of `length` bytes of JSON: no decoded string is longer than it was written, the quotes leave
 * room for its NUL, and so does the byte after a number, if there is one. */
static void begin(struct json_tree *tree, size_t length)
{
    size_t wanted = length + 1;

    if (tree->blocks->len > BLOCKS_KEPT)
        g_ptr_array_set_size(tree->blocks, BLOCKS_KEPT);
    if (tree->text_capacity < wanted || tree->text_capacity > MAX(wanted, TEXT_KEPT_BYTES)) {
        g_free(tree->text);
        tree->text_capacity = MAX(wanted, 4096);
        tree->text = g_malloc(tree->text_capacity);
    }
    tree->nodes = tree->text_bytes = 0;
    json_reader_restart(&tree->reader);
}

static struct json_node *new_node(struct json_tree *tree, enum json_type type)
{
    size_t block = tree->nodes / BLOCK_NODES;
    struct json_node *node;

    if (block == tree->blocks->len)
        g_ptr_array_add(tree->blocks, g_new(struct json_node, BLOCK_NODES));
    node = (struct json_node *)g_ptr_array_index(tree->blocks, block) + tree->nodes++ % BLOCK_NODES;
    *node = (struct json_node){.type = type};
    return node;
}

/* The reader's token as NUL-terminated text in the arena. */
static const char *keep_text(struct json_tree *tree, size_t *length)
{
    const struct json_reader *reader = &tree->reader;
    const char *bytes = reader->bytes + reader->start;
    char *text = tree->text + tree->text_bytes;
    size_t n = reader->end - reader->start;

    if (reader->escaped)
        n = json_decode(bytes, n, text);
    else
        memcpy(text, bytes, n);
    text[n] = '\0';
    tree->text_bytes += n + 1;
    *length = n;
    return text;
}

static struct json_node *value_node(struct json_tree *tree, enum json_token token)
{
    static const enum json_type types[] = {
        [JSON_TOKEN_OBJECT_BEGIN] = JSON_OBJECT, [JSON_TOKEN_ARRAY_BEGIN] = JSON_ARRAY,
        [JSON_TOKEN_STRING] = JSON_STRING,       [JSON_TOKEN_NUMBER] = JSON_NUMBER,
        [JSON_TOKEN_TRUE] = JSON_TRUE,           [JSON_TOKEN_FALSE] = JSON_FALSE,
        [JSON_TOKEN_NULL] = JSON_NULL,
    };
    const struct json_reader *reader = &tree->reader;
    struct json_node *node = new_node(tree, types[token]);
    size_t quote = token == JSON_TOKEN_STRING;

    node->bytes = reader->bytes + reader->start - quote;
    node->length = reader->end - reader->start + 2 * quote;
    if (token == JSON_TOKEN_STRING || token == JSON_TOKEN_NUMBER)
        node->text = keep_text(tree, &node->text_length);
    return node;
}

/* Links all values of the input below *root. Returns the token that ended it: JSON_TOKEN_END, JSON_TOKEN_ERROR, or the
 * one that opened a level too many. */
static enum json_token build(struct json_tree *tree, const struct json_node **root)
{
    struct level levels[JSON_DEPTH_MAX + 1] = {{.link = root}};
    struct level *level = levels;
    const char *key = NULL;
    size_t key_length;
    enum json_token token;

    while ((token = json_reader_next(&tree->reader)) > JSON_TOKEN_END) {
        if (token == JSON_TOKEN_KEY) {
            key = keep_text(tree, &key_length);
            continue;
        }
        if (token == JSON_TOKEN_OBJECT_END || token == JSON_TOKEN_ARRAY_END) {
            g_assert(level->node != NULL); /* the reader closes only what it has opened */
            level->node->length = (size_t)(tree->reader.bytes + tree->reader.end - level->node->bytes);
            level--;
            continue;
        }
        if (tree->reader.depth > JSON_DEPTH_MAX)
            return token;
        struct json_node *node = value_node(tree, token);
        node->key = key;
        key = NULL;
        *level->link = node;
        level->link = &node->next;
        if (token == JSON_TOKEN_OBJECT_BEGIN || token == JSON_TOKEN_ARRAY_BEGIN)
            *++level = (struct level){.node = node, .link = &node->child};
    }
    return token;
}

const struct json_node *json_tree_parse(struct json_tree *tree, const char *bytes, size_t length, GError **error)
{
    const struct json_node *root = NULL;
    enum json_token last;

    begin(tree, length);
    json_reader_input(&tree->reader, bytes, length, true);
    last = build(tree, &root);
    if (last == JSON_TOKEN_END)
        return root;
    if (last == JSON_TOKEN_ERROR)
        g_propagate_error(error, g_error_copy(tree->reader.error));
    else
        g_set_error(error, JSON_ERROR, JSON_ERROR_SHAPE, "The JSON text nests deeper than %d levels at byte %zu",
                    (int)JSON_DEPTH_MAX, tree->reader.start);
    return NULL;
}

const struct json_node *json_get(const struct json_node *object, const char *key)
{
    const struct json_node *found = NULL;

    if (object == NULL || object->type != JSON_OBJECT)
        return NULL;
    for (const struct json_node *node = object->child; node != NULL; node = node->next) {
        if (node->key[0] == key[0] && strcmp(node->key, key) == 0)
            found = node;
    }
    return found;
}

const char *json_get_string(const struct json_node *object, const char *key)
{
    const struct json_node *node = json_get(object, key);

    return node != NULL && node->type == JSON_STRING && node->text_length > 0 ? node->text : NULL;
}
