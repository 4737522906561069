/* decode_one - what the tests of the sources share: one record in, one document out. */
#ifndef M365KEEP_TESTS_SOURCES_DECODE_ONE_H
#define M365KEEP_TESTS_SOURCES_DECODE_ONE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <glib.h>

#include "sources/sources.h"

enum { RECEIVED_AT = 1795000000 }; /* 2026-11-18T11:06:40Z */

static inline struct json_slice slice_of(const char *record)
{
    return (struct json_slice){.bytes = record, .length = strlen(record), .fault = JSON_FAULT_NONE};
}

/* The document of a record that must be readable; free with document_free. */
static inline struct document *decode_one(const char *source, const char *record)
{
    struct json_tree *tree = json_tree_new();
    GError *error = NULL;
    struct document *document = source_decode(source_find(source), tree, slice_of(record), RECEIVED_AT, &error);

    if (document == NULL)
        fail_msg("not decoded: %s", error->message);
    json_tree_free(tree);
    return document;
}

/* Like assert_string_equal, for texts that may be NULL. */
static inline void assert_text(const char *actual, const char *expected)
{
    if (expected == NULL) {
        if (actual != NULL)
            fail_msg("\"%s\" where nothing was expected", actual);
        return;
    }
    assert_non_null(actual);
    assert_string_equal(actual, expected);
}

static inline bool has_name(const struct document *document, const char *name)
{
    for (guint i = 0; i < document->actor_names->len; i++)
        if (strcmp(g_ptr_array_index(document->actor_names, i), name) == 0)
            return true;
    return false;
}

/* True when `line` is one whole line of the document's text. */
static inline bool has_line(const struct document *document, const char *line)
{
    size_t length = strlen(line);

    for (const char *at = document->text; (at = strstr(at, line)) != NULL; at++)
        if ((at == document->text || at[-1] == '\n') && (at[length] == '\n' || at[length] == '\0'))
            return true;
    return false;
}

#endif
