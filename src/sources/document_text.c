#include "document_text.h"

#include <stdint.h>
#include <string.h>

#include "base/timestamp.h"
#include "html_words.h"
#include "record.h"

/* --- lines: the text so far, and a set of its lines so that none is written twice
 * ---------------------------------------- */

/* Kept from record to record: a slot belongs to the present record when its round is the present one, so that nothing
 * has to be cleared. */
struct slot {
    uint32_t round, hash;
    size_t start, length; /* the line: text->str[start, start + length) */
};

struct lines {
    GString *text;
    struct slot *slots;
    size_t slot_count; /* a power of two */
    size_t used;
    uint32_t round;
    uint64_t seed;
    bool html; /* the record may hold texts in HTML */
};

enum { SLOTS_AT_FIRST = 512, TEXT_KEPT_BYTES = 1 << 20 };

static void lines_free(void *data)
{
    struct lines *lines = data;

    g_string_free(lines->text, TRUE);
    g_free(lines->slots);
    g_free(lines);
}

static GPrivate lines_key = G_PRIVATE_INIT(lines_free);

/* The thread's lines, empty. */
static struct lines *lines_begin(bool html)
{
    struct lines *lines = g_private_get(&lines_key);

    if (lines == NULL) {
        lines = g_new0(struct lines, 1);
        lines->text = g_string_sized_new(4096);
        lines->slot_count = SLOTS_AT_FIRST;
        lines->slots = g_new0(struct slot, lines->slot_count);
        lines->seed = (uint64_t)g_random_int() << 32 | g_random_int();
        g_private_set(&lines_key, lines);
    }
    g_string_truncate(lines->text, 0);
    lines->used = 0;
    lines->html = html;
    lines->round++;
    if (lines->round == 0) {
        memset(lines->slots, 0, lines->slot_count * sizeof(*lines->slots));
        lines->round = 1;
    }
    return lines;
}

/* The text, copied to its size. What one huge record made the buffers grow to is given back. */
static char *lines_end(struct lines *lines)
{
    char *text = g_strndup(lines->text->str, lines->text->len);

    if (lines->text->allocated_len > TEXT_KEPT_BYTES) {
        g_string_free(lines->text, TRUE);
        lines->text = g_string_sized_new(4096);
    }
    if (lines->slot_count > 64 * SLOTS_AT_FIRST) {
        g_free(lines->slots);
        lines->slot_count = SLOTS_AT_FIRST;
        lines->slots = g_new0(struct slot, lines->slot_count);
    }
    return text;
}

/* Eight bytes a step: the set must cost less than the copying. Seeded, so that nobody can write a record whose lines
 * all fall into one slot; never stored. */
static uint32_t line_hash(uint64_t seed, const char *line, size_t length)
{
    uint64_t hash = seed ^ length * UINT64_C(0x9e3779b97f4a7c15);
    uint64_t word;

    for (; length >= sizeof(word); line += sizeof(word), length -= sizeof(word)) {
        memcpy(&word, line, sizeof(word));
        hash = (hash ^ word) * UINT64_C(0xff51afd7ed558ccd);
        hash ^= hash >> 32;
    }
    word = 0;
    if (length > 0)
        memcpy(&word, line, length);
    hash = (hash ^ word) * UINT64_C(0xc4ceb9fe1a85ec53);
    return (uint32_t)(hash ^ (hash >> 29));
}

static struct slot *slot_of(struct lines *lines, uint32_t hash, const char *line, size_t length)
{
    for (size_t i = hash;; i++) {
        struct slot *slot = &lines->slots[i & (lines->slot_count - 1)];
        if (slot->round != lines->round)
            return slot;
        if (slot->hash == hash && slot->length == length && memcmp(lines->text->str + slot->start, line, length) == 0)
            return slot;
    }
}

static void lines_grow(struct lines *lines)
{
    struct slot *old = lines->slots;
    size_t count = lines->slot_count;

    lines->slot_count = count * 4;
    lines->slots = g_new0(struct slot, lines->slot_count);
    for (size_t i = 0; i < count; i++)
        if (old[i].round == lines->round)
            *slot_of(lines, old[i].hash, lines->text->str + old[i].start, old[i].length) = old[i];
    g_free(old);
}

/* Makes text[start, end) a line, or takes it back when there is such a line. */
static void lines_keep_tail(struct lines *lines, size_t start)
{
    GString *text = lines->text;
    size_t length = text->len - start;
    uint32_t hash = line_hash(lines->seed, text->str + start, length);
    struct slot *slot = slot_of(lines, hash, text->str + start, length);

    if (slot->round == lines->round) {
        g_string_truncate(text, start > 0 ? start - 1 : 0);
        return;
    }
    *slot = (struct slot){.round = lines->round, .hash = hash, .start = start, .length = length};
    lines->used++;
    if (lines->used * 2 > lines->slot_count)
        lines_grow(lines);
}

static void lines_add(struct lines *lines, const char *value, size_t length)
{
    GString *text = lines->text;

    if (text->len > 0)
        g_string_append_c(text, '\n');
    size_t start = text->len;
    g_string_append_len(text, value, (gssize)length);
    if (memchr(value, '\n', length) != NULL || memchr(value, '\r', length) != NULL)
        for (size_t i = start; i < text->len; i++)
            if (text->str[i] == '\n' || text->str[i] == '\r')
                text->str[i] = ' ';
    lines_keep_tail(lines, start);
}

/* --- leaves
 * ------------------------------------------------------------------------------------------------------------ */

/* A whole timestamp, the year 1 that stands for "no value" included. */
static bool is_timestamp(const char *text, size_t length)
{
    struct timestamp time;

    if (length < 16 || length > 40 || text[4] != '-' || text[7] != '-' || text[13] != ':' || !g_ascii_isdigit(text[0]))
        return false;
    if (memcmp(text, "0001-01-01T00:00:00", MIN(length, 19)) == 0)
        return true;
    return timestamp_parse(text, length, &time);
}

/* 0 and 1 are flags, fractions are coordinates and scores: both are everywhere and say nothing to an index of words. */
static bool is_searchable_number(const char *text, size_t length)
{
    size_t digits = text[0] == '-' ? 1 : 0;

    if (length - digits == 1 && (text[digits] == '0' || (text[digits] == '1' && digits == 0)))
        return false;
    for (size_t i = digits; i < length; i++)
        if (!g_ascii_isdigit(text[i]))
            return false;
    return true;
}

static void add_leaves(struct lines *lines, const struct json_node *node, unsigned level);

static void add_string(struct lines *lines, const struct json_node *node, unsigned level)
{
    const struct json_node *inside;

    if (record_says_nothing(node->text, node->text_length) || is_timestamp(node->text, node->text_length))
        return;
    inside = record_json_inside(node->text, node->text_length, level);
    if (inside != NULL)
        add_leaves(lines, inside, level + 1);
    else
        lines_add(lines, node->text, node->text_length);
}

/* What an object of type itemBody holds; NULL when it is another one, or its text is plain. */
static const struct json_node *html_of(const struct json_node *object)
{
    const struct json_node *content = json_get(object, "content");

    if (content == NULL || content->type != JSON_STRING || json_get(object, "contentType") == NULL ||
        record_same(record_string(object, "contentType"), "text"))
        return NULL;
    return content;
}

static void add_html(struct lines *lines, const struct json_node *content)
{
    g_autoptr(GPtrArray) more = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *words = html_words(content->text, content->text_length, more);

    g_ptr_array_insert(more, 0, g_steal_pointer(&words));
    for (guint i = 0; i < more->len; i++) {
        const char *line = g_ptr_array_index(more, i);
        if (*line != '\0')
            lines_add(lines, line, strlen(line));
    }
}

// NOLINTNEXTLINE(misc-no-recursion)
static void add_members(struct lines *lines, const struct json_node *object, unsigned level)
{
    const struct json_node *html = lines->html ? html_of(object) : NULL;

    for (const struct json_node *member = object->child; member != NULL; member = member->next)
        if (member == html)
            add_html(lines, member);
        else
            add_leaves(lines, member, level);
}

/* Recursion is bounded: JSON_DEPTH_MAX levels of nodes, JSON_IN_STRINGS of strings. */
// NOLINTNEXTLINE(misc-no-recursion)
static void add_leaves(struct lines *lines, const struct json_node *node, unsigned level)
{
    switch (node->type) {
    case JSON_OBJECT:
        add_members(lines, node, level);
        break;
    case JSON_ARRAY:
        for (const struct json_node *child = node->child; child != NULL; child = child->next)
            add_leaves(lines, child, level);
        break;
    case JSON_STRING:
        add_string(lines, node, level);
        break;
    case JSON_NUMBER:
        if (is_searchable_number(node->text, node->text_length))
            lines_add(lines, node->text, node->text_length);
        break;
    case JSON_TRUE:
    case JSON_FALSE:
    case JSON_NULL:
        break;
    }
}

static char *text_of(struct lines *lines, const char *summary, const struct json_node *record)
{
    lines_add(lines, summary, strlen(summary));
    add_leaves(lines, record, 0);
    return lines_end(lines);
}

char *document_text(const char *summary, const struct json_node *record)
{
    return text_of(lines_begin(false), summary, record);
}

char *document_text_of_html(const char *summary, const struct json_node *record)
{
    return text_of(lines_begin(true), summary, record);
}
