#include "record.h"

#include <string.h>

#include "base/timestamp.h"

#define NOTHING(word)                                                                                                  \
    {                                                                                                                  \
        word, sizeof(word) - 1                                                                                         \
    }

static const struct {
    const char *word;
    size_t length;
} nothings[] = {NOTHING("<null>"), NOTHING("Not Available")};

bool record_says_nothing(const char *text, size_t length)
{
    for (size_t i = 0; i < G_N_ELEMENTS(nothings); i++)
        if (length == nothings[i].length && memcmp(text, nothings[i].word, length) == 0)
            return true;
    for (size_t i = 0; i < length; i++)
        if (!g_ascii_isspace(text[i]))
            return false;
    return true;
}

const char *record_string(const struct json_node *object, const char *key)
{
    const struct json_node *node = json_get(object, key);

    if (node == NULL || node->type != JSON_STRING || record_says_nothing(node->text, node->text_length))
        return NULL;
    return node->text;
}

char *record_time(const struct json_node *object, const char *key)
{
    const struct json_node *node = json_get(object, key);
    struct timestamp time;
    char text[TIMESTAMP_TEXT_BYTES];

    if (node == NULL || node->type != JSON_STRING || !timestamp_parse(node->text, node->text_length, &time))
        return NULL;
    timestamp_format(time, text);
    return g_strdup(text);
}

int record_flag(const struct json_node *object, const char *key)
{
    const struct json_node *node = json_get(object, key);

    if (node == NULL || (node->type != JSON_TRUE && node->type != JSON_FALSE))
        return -1;
    return node->type == JSON_TRUE ? 1 : 0;
}

bool record_same(const char *a, const char *b)
{
    return a != NULL && b != NULL && g_ascii_strcasecmp(a, b) == 0;
}

const struct json_node *record_open(const char *source_name, struct json_tree *tree, struct json_slice record,
                                    GError **error)
{
    g_autoptr(GError) cause = NULL;
    const struct json_node *node;

    if (record.fault == JSON_FAULT_TEXT) {
        g_set_error(
            error, JSON_ERROR, JSON_ERROR_SYNTAX,
            "A record of %s holds text that is not UTF-8, or bare control characters: kept as received, not decoded.",
            source_name);
        return NULL;
    }
    if (record.fault == JSON_FAULT_DEPTH) {
        g_set_error(error, JSON_ERROR, JSON_ERROR_TOO_LARGE,
                    "A record of %s is nested deeper than %d levels: kept as received, not decoded.", source_name,
                    JSON_DEPTH_MAX);
        return NULL;
    }
    node = json_tree_parse(tree, record.bytes, record.length, &cause);
    if (node == NULL) {
        g_set_error(error, JSON_ERROR, cause->code,
                    "A record of %s could not be read (%s): kept as received, not decoded.", source_name,
                    cause->message);
        return NULL;
    }
    if (node->type != JSON_OBJECT) {
        g_set_error(error, JSON_ERROR, JSON_ERROR_SHAPE,
                    "A record of %s is not a JSON object: kept as received, not decoded.", source_name);
        return NULL;
    }
    return node;
}

void record_add_name(GPtrArray *names, const char *name)
{
    if (name == NULL)
        return;
    for (guint i = 0; i < names->len; i++)
        if (strcmp(g_ptr_array_index(names, i), name) == 0)
            return;
    g_ptr_array_add(names, g_strdup(name));
}

static void tree_free(void *data)
{
    json_tree_free(data);
}

static GPrivate tree_key = G_PRIVATE_INIT(tree_free);

struct json_tree *record_thread_tree(void)
{
    struct json_tree *tree = g_private_get(&tree_key);

    if (tree == NULL) {
        tree = json_tree_new();
        g_private_set(&tree_key, tree);
    }
    return tree;
}

/* --- JSON inside strings ---------------------------------------------------------------------------------------------
 */

struct inner_trees {
    struct json_tree *level[JSON_IN_STRINGS];
};

static void inner_trees_free(void *data)
{
    struct inner_trees *trees = data;

    for (unsigned i = 0; i < JSON_IN_STRINGS; i++)
        json_tree_free(trees->level[i]);
    g_free(trees);
}

/* One arena a level and thread, kept from record to record: most directory audits hold dozens of such strings. */
static GPrivate inner_trees_key = G_PRIVATE_INIT(inner_trees_free);

static struct json_tree *inner_tree(unsigned level)
{
    struct inner_trees *trees = g_private_get(&inner_trees_key);

    if (trees == NULL) {
        trees = g_new0(struct inner_trees, 1);
        g_private_set(&inner_trees_key, trees);
    }
    if (trees->level[level] == NULL)
        trees->level[level] = json_tree_new();
    return trees->level[level];
}

/* Cheap refusal of almost every string that is not JSON, so that only likely ones are parsed. */
static bool looks_like_json(const char *text, size_t length)
{
    while (length > 0 && g_ascii_isspace(text[length - 1]))
        length--;
    while (length > 0 && g_ascii_isspace(*text)) {
        text++;
        length--;
    }
    if (length < 2)
        return false;
    char last = text[length - 1];
    return (*text == '"' && last == '"') || (*text == '[' && last == ']') || (*text == '{' && last == '}');
}

const struct json_node *record_json_inside(const char *text, size_t length, unsigned level)
{
    if (level >= JSON_IN_STRINGS || !looks_like_json(text, length))
        return NULL;
    return json_tree_parse(inner_tree(level), text, length, NULL);
}

/* --- phrases ---------------------------------------------------------------------------------------------------------
 */

static bool breaks_line(gunichar c)
{
    return c < 0x20 || c == 0x85 || c == 0x2028 || c == 0x2029;
}

/* Printable ASCII, short enough and without a blank at either end: almost every name. */
static bool is_plain(const char *text)
{
    size_t length = 0;

    for (; text[length] != '\0'; length++)
        if (text[length] < 0x20 || text[length] > 0x7e || length == PHRASE_CHARACTERS)
            return false;
    return length > 0 && text[0] != ' ' && text[length - 1] != ' ';
}

void phrase_append(GString *out, const char *text)
{
    if (is_plain(text)) {
        g_string_append(out, text);
        return;
    }
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    const char *end = valid + strlen(valid);
    int characters = 0;

    while (end > valid && g_ascii_isspace(end[-1]))
        end--;
    for (const char *at = valid; at < end; at = g_utf8_next_char(at)) {
        gunichar c = g_utf8_get_char(at);
        if (characters == 0 && (breaks_line(c) || c == ' '))
            continue;
        if (characters == PHRASE_CHARACTERS - 1 && g_utf8_next_char(at) < end) {
            g_string_append(out, "…");
            return;
        }
        g_string_append_unichar(out, breaks_line(c) ? ' ' : c);
        characters++;
    }
}
