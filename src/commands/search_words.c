/* What there is to say about words that found nothing. */
#include "search.h"

#include <string.h>

#include "base/base.h"

enum {
    VALUES_SHOWN = 8,
    PART_LEAST = 3,   /* letters of a value that may stand for the whole */
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

/* The words as prefixes, where that makes a difference; else NULL. */
static char *as_prefixes(const struct search *search)
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

/* The words that do not occur at all, quoted; NULL when there is none such. */
static char *missing_words(const struct search *search, const struct search_probe *probe)
{
    if (!search_has_plain_words(search))
        return NULL;
    g_auto(GStrv) words = g_strsplit_set(search->words, " \t\n", -1);
    g_autoptr(GString) missing = g_string_new(NULL);
    for (char **word = words; *word != NULL; word++)
        if (**word != '\0' && probe->count(probe, *word, true, 1) == 0)
            g_string_append_printf(missing, "%s\"%s\"", missing->len > 0 ? ", " : "", *word);
    return missing->len > 0 ? g_strdup(missing->str) : NULL;
}

bool search_suggest_words(const struct command_context *context, const struct search *search,
                          const struct search_probe *probe)
{
    g_autofree char *prefixes = as_prefixes(search);
    int64_t n = prefixes != NULL ? probe->count(probe, prefixes, false, SEARCH_COUNT_CAP) : 0;

    if (n > 0) {
        g_autofree char *total = search_capped(n, SEARCH_COUNT_CAP);
        command_say(context, "No %s matches. Words match whole words; '%s' would match %s.", probe->noun, prefixes,
                    total);
        return true;
    }
    g_autofree char *missing = missing_words(search, probe);
    if (missing != NULL)
        command_say(context, "No %s holds %s. Words match whole words: try the beginning of one and a star (alic*).",
                    probe->noun, missing);
    return missing != NULL;
}

/* --- words about a filter ----------------------------------------------------------------------------------------- */

const char *search_meant(const char *value, const char *const *values)
{
    const char *nearest = text_nearest(value, values);
    g_autofree char *folded = g_utf8_casefold(value, -1);

    if (nearest != NULL || g_utf8_strlen(folded, -1) < PART_LEAST)
        return nearest;
    for (size_t i = 0; nearest == NULL && values[i] != NULL; i++) {
        g_autofree char *whole = g_utf8_casefold(values[i], -1);
        if (strstr(whole, folded) != NULL)
            nearest = values[i];
    }
    return nearest;
}

char *search_list(const char *const *values)
{
    g_autoptr(GString) list = g_string_new(NULL);

    for (size_t i = 0; i < VALUES_SHOWN && values[i] != NULL; i++)
        g_string_append_printf(list, "%s%s", i > 0 ? ", " : "", values[i]);
    return g_strdup(list->str);
}
