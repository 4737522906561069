/* document_lines - whatever a record says can be found in its text. */
#ifndef M365KEEP_TESTS_FUZZ_DOCUMENT_LINES_H
#define M365KEEP_TESTS_FUZZ_DOCUMENT_LINES_H

#include "base/timestamp.h"
#include "fuzz.h"
#include "sources/record.h"

/* What nobody looks for: see document_text.h. */
static inline bool document_leaves_out(const struct json_node *node)
{
    struct timestamp time;

    if (node->type == JSON_NUMBER)
        return node->text_length < 2 || strspn(node->text + 1, "0123456789") != node->text_length - 1 ||
               strcmp(node->text, "-0") == 0;
    return record_says_nothing(node->text, node->text_length) ||
           timestamp_parse(node->text, node->text_length, &time) || g_str_has_prefix(node->text, "0001-01-01T00:00") ||
           record_json_inside(node->text, node->text_length, 0) != NULL;
}

static inline void document_check_leaves(GHashTable *lines, const struct json_node *node)
{
    if ((node->type == JSON_STRING || node->type == JSON_NUMBER) && !document_leaves_out(node)) {
        g_autofree char *line = g_strdelimit(g_strdup(node->text), "\r\n", ' ');
        g_assert(g_hash_table_contains(lines, line));
    }
    for (const struct json_node *child = node->child; child != NULL; child = child->next)
        document_check_leaves(lines, child);
}

/* The text is UTF-8, no line is there twice, and each string and whole number of the record is one. Returned: the first
 * line; g_free. */
static inline char *document_check_text(const char *text, const struct json_node *record)
{
    g_autoptr(GHashTable) lines = g_hash_table_new(g_str_hash, g_str_equal);
    g_auto(GStrv) each = g_strsplit(text, "\n", -1);

    g_assert(g_utf8_validate(text, -1, NULL));
    for (char **line = each; *line != NULL; line++)
        g_assert(g_hash_table_add(lines, *line));
    document_check_leaves(lines, record);
    return g_strdup(each[0]);
}

/* A summary is one line, and no longer than people read. */
static inline void document_check_summary(const char *summary)
{
    g_assert(g_utf8_validate(summary, -1, NULL));
    for (const char *at = summary; *at != '\0'; at++)
        g_assert((unsigned char)*at >= 0x20);
    g_assert(strlen(summary) > 0 && strlen(summary) < 8192);
}

/* 28 characters that are read back and written the same, or NULL. */
static inline void document_check_time(const char *text)
{
    struct timestamp time;
    char again[TIMESTAMP_TEXT_BYTES];

    if (text == NULL)
        return;
    g_assert(strlen(text) == TIMESTAMP_TEXT_BYTES - 1 && timestamp_parse(text, TIMESTAMP_TEXT_BYTES - 1, &time));
    timestamp_format(time, again);
    g_assert(strcmp(again, text) == 0);
}

#endif
