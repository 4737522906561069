/* What there is to say about words that found nothing. */
#include "search.h"

#include <string.h>

#include "base/base.h"

enum {
    PREFIX_LEAST = 3, /* letters; the index cannot do shorter prefixes in reasonable time */
    PREFIX_LEAST_FOREIGN = 2,
};

char *search_capped(int64_t n, int64_t cap)
{
    g_autofree char *number = text_count(MIN(n, cap));
    return g_strconcat(number, n > cap ? "+" : "", NULL);
}

bool search_has_plain_words(const struct search *search)
{
    return *search->words != '\0' && !search->fts && strchr(search->words, '"') == NULL;
}

/* Long enough to be searched for with a star, as far as can be told here: the store refuses what is not. */
static bool can_be_prefix(const char *word)
{
    bool foreign = true;

    for (const char *at = word; *at != '\0'; at = g_utf8_next_char(at))
        foreign = foreign && (guchar)*at >= 0x80 && g_unichar_get_script(g_utf8_get_char(at)) != G_UNICODE_SCRIPT_LATIN;
    return g_utf8_strlen(word, -1) >= (foreign ? PREFIX_LEAST_FOREIGN : PREFIX_LEAST);
}

char *search_prefixes(const struct search *search)
{
    if (!search_has_plain_words(search))
        return NULL;
    g_auto(GStrv) words = g_strsplit_set(search->words, " \t\n", -1);
    g_autoptr(GString) prefixes = g_string_new(NULL);
    bool changed = false;
    for (char **word = words; *word != NULL; word++) {
        bool add = can_be_prefix(*word) && !g_str_has_suffix(*word, "*");
        if (**word != '\0')
            g_string_append_printf(prefixes, "%s%s%s", prefixes->len > 0 ? " " : "", *word, add ? "*" : "");
        changed = changed || add;
    }
    return changed ? g_strdup(prefixes->str) : NULL;
}

char *search_missing_words(const struct search *search, struct store *store, search_occurs occurs)
{
    if (!search_has_plain_words(search))
        return NULL;
    g_auto(GStrv) words = g_strsplit_set(search->words, " \t\n", -1);
    g_autoptr(GString) missing = g_string_new(NULL);
    for (char **word = words; *word != NULL; word++)
        if (**word != '\0' && !occurs(store, *word))
            g_string_append_printf(missing, "%s\"%s\"", missing->len > 0 ? ", " : "", *word);
    return missing->len > 0 ? g_strdup(missing->str) : NULL;
}
