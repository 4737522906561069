/* Posts of outsiders made safe, over any bytes, as HTML and as text. What is checked beyond the sanitizers:
 *
 * - nothing but the allowed tags with our own attributes comes out, well-formed, of UTF-8 without control characters;
 * - plain text has no control characters but line ends;
 * - what is safe stays as it is when it is made safe again, where nothing was shortened: words for words. */
#include "fuzz.h"

#include "../unit/report/safe_html.h"
#include "report/html.h"

/* The letters alone: blanks may stand elsewhere, and items of lists have other numbers. */
static char *letters(const char *text)
{
    GString *out = g_string_new(NULL);

    for (const char *at = text; *at; at = g_utf8_next_char(at))
        if (g_unichar_isalpha(g_utf8_get_char(at)))
            g_string_append_unichar(out, g_utf8_get_char(at));
    return g_string_free(out, FALSE);
}

static void check_again(const char *safe, const char *content, bool html)
{
    bool shortened;
    g_autofree char *plain = html_plain(content, html, 0, NULL), *again = html_plain(safe, true, 0, &shortened);
    g_autofree char *words = letters(plain), *words_again = letters(again);

    g_assert(shortened || strcmp(words, words_again) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t max_chars = size > 0 ? data[0] % 64 : 0;
    g_autofree char *content = g_strndup((const char *)data, size);

    for (int html = 0; html < 2; html++) {
        bool shortened;
        g_autofree char *cut = html_safe(content, html, max_chars, NULL);
        g_autofree char *safe = html_safe(content, html, 0, &shortened);
        g_autofree char *plain = html_plain(content, html, max_chars, NULL);
        safe_html_check(cut);
        safe_html_check(safe);
        safe_html_check_text(plain);
        if (!shortened)
            check_again(safe, content, html);
    }
    return 0;
}
