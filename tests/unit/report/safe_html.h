/* safe_html - the judge of HTML that was made safe: written without the code that it judges, for unit tests and fuzz
 * targets. Aborts when something is not as it should be. */
#ifndef M365KEEP_TESTS_SAFE_HTML_H
#define M365KEEP_TESTS_SAFE_HTML_H

#include <glib.h>
#include <stdbool.h>
#include <string.h>

/* UTF-8 without control characters but line ends. */
static inline void safe_html_check_text(const char *text)
{
    g_assert(g_utf8_validate(text, -1, NULL));
    for (const char *at = text; *at; at = g_utf8_next_char(at)) {
        gunichar c = g_utf8_get_char(at);
        g_assert(c == '\n' || (c >= 0x20 && !(c >= 0x7f && c < 0xa0)));
    }
}

/* The tags that may be, word for word, but for addresses of links. */
static inline bool safe_html_is_tag(const char *tag)
{
    static const char *const tags[] = {
        "<p style=\"margin:0 0 10px\">",
        "<ul style=\"margin:0 0 10px;padding:0 0 0 22px\">",
        "<ol style=\"margin:0 0 10px;padding:0 0 0 26px\">",
        "<li style=\"margin:0 0 4px\">",
        "<table cellpadding=\"0\" cellspacing=\"0\" border=\"0\" style=\"margin:0 0 10px;border-collapse:collapse\">",
        "<td style=\"padding:4px 14px 4px 0;text-align:left;vertical-align:top\">",
        "<th scope=\"col\" style=\"padding:4px 14px 4px 0;text-align:left;vertical-align:top\">",
        "<tr>",
        "<b>",
        "<i>",
        NULL,
    };
    g_autoptr(GRegex) link = NULL;

    if (g_strv_contains(tags, tag))
        return true;
    link = g_regex_new("^<a href=\"(?i:https?://[a-z0-9][a-z0-9._-]*(:[0-9]*)?(?=[/?#\"])|mailto:[^@\"]+@[a-z0-9])"
                       "[^\"<> \\\\]*\" style=\"color:#0b5cad\">$",
                       0, 0, NULL);
    return g_regex_match(link, tag, 0, NULL);
}

/* `tag`, "<p ...>" or "</p>", opens or closes an element. */
static inline void safe_html_check_tag(GPtrArray *open, char *tag)
{
    size_t length = strcspn(tag + 1, " >");

    if (tag[1] != '/') {
        g_assert(safe_html_is_tag(tag));
        g_ptr_array_add(open, g_strndup(tag + 1, length));
        return;
    }
    g_assert(open->len > 0);
    g_assert(strncmp(g_ptr_array_index(open, open->len - 1), tag + 2, strlen(tag) - 3) == 0);
    g_ptr_array_set_size(open, (int)open->len - 1);
}

static inline bool safe_html_is_reference(const char *at)
{
    static const char *const references[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;"};

    for (size_t i = 0; i < G_N_ELEMENTS(references); i++)
        if (strncmp(at, references[i], strlen(references[i])) == 0)
            return true;
    return false;
}

/* Well-formed, and nothing but what is allowed. */
static inline void safe_html_check(const char *html)
{
    g_autoptr(GPtrArray) open = g_ptr_array_new_with_free_func(g_free);

    safe_html_check_text(html);
    for (const char *at = html; *at; at++) {
        g_assert(*at != '>' && *at != '\'');
        g_assert(*at != '&' || safe_html_is_reference(at));
        if (*at != '<')
            continue;
        const char *end = strchr(at, '>');
        g_assert(end != NULL);
        g_autofree char *tag = g_strndup(at, (size_t)(end + 1 - at));
        if (strcmp(tag, "<br>") != 0)
            safe_html_check_tag(open, tag);
        at = end;
    }
    g_assert(open->len == 0);
}

#endif
