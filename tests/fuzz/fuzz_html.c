/* HTML of announcements, over any bytes. What is checked beyond the sanitizers:
 *
 * - the words are UTF-8 where the HTML is, have one blank between them and none at either end; so has what links say;
 * - a text without tags and references stays as it is, but for its blanks. */
#include "fuzz.h"

#include "sources/html_words.h"

static bool is_blank(char c)
{
    return (unsigned char)c <= 0x20;
}

static void check_form(const char *words, bool utf8)
{
    size_t length = strlen(words);

    g_assert(!utf8 || g_utf8_validate(words, -1, NULL));
    g_assert(length == 0 || (!is_blank(words[0]) && !is_blank(words[length - 1])));
    for (size_t i = 0; i < length; i++)
        g_assert(words[i] == ' ' ? words[i + 1] != ' ' : !is_blank(words[i]));
}

/* The text with its blanks as they should be, of ASCII. */
static char *plain(const char *text, size_t size)
{
    GString *out = g_string_new(NULL);

    for (size_t i = 0; i < size; i++) {
        if (is_blank(text[i]))
            continue;
        if (out->len > 0 && is_blank(text[i - 1]))
            g_string_append_c(out, ' ');
        g_string_append_c(out, text[i]);
    }
    return g_string_free(out, FALSE);
}

static bool is_plain(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (text[i] == '<' || text[i] == '&' || (unsigned char)text[i] > 0x7e)
            return false;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *html = fuzz_exact(data, size);
    bool utf8 = memchr(html, '\0', size) == NULL && g_utf8_validate_len(html, size, NULL);
    g_autoptr(GPtrArray) more = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *words = html_words(html, size, more);

    check_form(words, utf8);
    for (guint i = 0; i < more->len; i++)
        check_form(g_ptr_array_index(more, i), utf8);
    if (is_plain(html, size)) {
        g_autofree char *expected = plain(html, size);
        g_assert(strcmp(words, expected) == 0 && more->len == 0);
    }
    return 0;
}
