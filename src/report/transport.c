#include "report/transport.h"

#include <string.h>

#include "base/base.h"

enum { WORDS_BYTES = 300 };

void transport_result_clear(struct transport_result *result)
{
    g_clear_pointer(&result->answer, g_free);
    g_clear_pointer(&result->hint, g_free);
    *result = (struct transport_result){0};
}

char *transport_words(const char *text)
{
    g_autofree char *line = text_for_terminal(text ? text : "");
    g_autoptr(GString) words = g_string_new(NULL);

    for (const char *at = line; *at; at++)
        if (*at != ' ' || (words->len && words->str[words->len - 1] != ' '))
            g_string_append_c(words, *at);
    if (words->len > WORDS_BYTES) {
        const char *end = g_utf8_find_prev_char(words->str, words->str + WORDS_BYTES + 1);

        g_string_truncate(words, (gsize)(end - words->str));
        g_string_append(words, "…");
    }
    return g_strchomp(g_strdup(words->str));
}
