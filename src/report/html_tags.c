#include "report/html_pieces.h"

#include <stdlib.h>
#include <string.h>

/* --- elements -------------------------------------------------------------------------------------------------------
 */

struct element {
    const char *name;
    enum html_role role;
};

/* Of HTML, today's and yesterday's; sorted. */
static const struct element elements[] = {
    {"a", HTML_ROLE_LINK},           {"abbr", HTML_ROLE_WITHIN},      {"acronym", HTML_ROLE_WITHIN},
    {"address", HTML_ROLE_BLOCK},    {"applet", HTML_ROLE_DROPPED},   {"area", HTML_ROLE_DROPPED},
    {"article", HTML_ROLE_BLOCK},    {"aside", HTML_ROLE_BLOCK},      {"audio", HTML_ROLE_DROPPED},
    {"b", HTML_ROLE_BOLD},           {"base", HTML_ROLE_DROPPED},     {"basefont", HTML_ROLE_WITHIN},
    {"bdi", HTML_ROLE_WITHIN},       {"bdo", HTML_ROLE_WITHIN},       {"big", HTML_ROLE_WITHIN},
    {"blockquote", HTML_ROLE_BLOCK}, {"body", HTML_ROLE_BLOCK},       {"br", HTML_ROLE_BREAK},
    {"button", HTML_ROLE_DROPPED},   {"canvas", HTML_ROLE_DROPPED},   {"caption", HTML_ROLE_BLOCK},
    {"center", HTML_ROLE_BLOCK},     {"cite", HTML_ROLE_ITALIC},      {"code", HTML_ROLE_WITHIN},
    {"col", HTML_ROLE_WITHIN},       {"colgroup", HTML_ROLE_WITHIN},  {"data", HTML_ROLE_WITHIN},
    {"datalist", HTML_ROLE_DROPPED}, {"dd", HTML_ROLE_BLOCK},         {"del", HTML_ROLE_WITHIN},
    {"details", HTML_ROLE_BLOCK},    {"dfn", HTML_ROLE_ITALIC},       {"dialog", HTML_ROLE_BLOCK},
    {"dir", HTML_ROLE_LIST},         {"div", HTML_ROLE_BLOCK},        {"dl", HTML_ROLE_BLOCK},
    {"dt", HTML_ROLE_HEADING},       {"em", HTML_ROLE_ITALIC},        {"embed", HTML_ROLE_DROPPED},
    {"fieldset", HTML_ROLE_BLOCK},   {"figcaption", HTML_ROLE_BLOCK}, {"figure", HTML_ROLE_BLOCK},
    {"font", HTML_ROLE_WITHIN},      {"footer", HTML_ROLE_BLOCK},     {"form", HTML_ROLE_BLOCK},
    {"frame", HTML_ROLE_DROPPED},    {"frameset", HTML_ROLE_DROPPED}, {"h1", HTML_ROLE_HEADING},
    {"h2", HTML_ROLE_HEADING},       {"h3", HTML_ROLE_HEADING},       {"h4", HTML_ROLE_HEADING},
    {"h5", HTML_ROLE_HEADING},       {"h6", HTML_ROLE_HEADING},       {"head", HTML_ROLE_BLOCK},
    {"header", HTML_ROLE_BLOCK},     {"hgroup", HTML_ROLE_BLOCK},     {"hr", HTML_ROLE_BLOCK},
    {"html", HTML_ROLE_BLOCK},       {"i", HTML_ROLE_ITALIC},         {"iframe", HTML_ROLE_DROPPED},
    {"img", HTML_ROLE_PICTURE},      {"input", HTML_ROLE_DROPPED},    {"ins", HTML_ROLE_WITHIN},
    {"kbd", HTML_ROLE_WITHIN},       {"label", HTML_ROLE_WITHIN},     {"legend", HTML_ROLE_HEADING},
    {"li", HTML_ROLE_ITEM},          {"link", HTML_ROLE_DROPPED},     {"main", HTML_ROLE_BLOCK},
    {"map", HTML_ROLE_DROPPED},      {"mark", HTML_ROLE_WITHIN},      {"math", HTML_ROLE_DROPPED},
    {"menu", HTML_ROLE_LIST},        {"meta", HTML_ROLE_DROPPED},     {"meter", HTML_ROLE_DROPPED},
    {"nav", HTML_ROLE_BLOCK},        {"nobr", HTML_ROLE_WITHIN},      {"noembed", HTML_ROLE_DROPPED},
    {"noframes", HTML_ROLE_DROPPED}, {"noscript", HTML_ROLE_DROPPED}, {"object", HTML_ROLE_DROPPED},
    {"ol", HTML_ROLE_NUMBERED},      {"optgroup", HTML_ROLE_DROPPED}, {"option", HTML_ROLE_DROPPED},
    {"output", HTML_ROLE_WITHIN},    {"p", HTML_ROLE_BLOCK},          {"param", HTML_ROLE_DROPPED},
    {"picture", HTML_ROLE_WITHIN},   {"plaintext", HTML_ROLE_BLOCK},  {"pre", HTML_ROLE_PRE},
    {"progress", HTML_ROLE_DROPPED}, {"q", HTML_ROLE_WITHIN},         {"rp", HTML_ROLE_WITHIN},
    {"rt", HTML_ROLE_WITHIN},        {"ruby", HTML_ROLE_WITHIN},      {"s", HTML_ROLE_WITHIN},
    {"samp", HTML_ROLE_WITHIN},      {"script", HTML_ROLE_DROPPED},   {"search", HTML_ROLE_BLOCK},
    {"section", HTML_ROLE_BLOCK},    {"select", HTML_ROLE_DROPPED},   {"slot", HTML_ROLE_WITHIN},
    {"small", HTML_ROLE_WITHIN},     {"source", HTML_ROLE_DROPPED},   {"span", HTML_ROLE_WITHIN},
    {"strike", HTML_ROLE_WITHIN},    {"strong", HTML_ROLE_BOLD},      {"style", HTML_ROLE_DROPPED},
    {"sub", HTML_ROLE_WITHIN},       {"summary", HTML_ROLE_HEADING},  {"sup", HTML_ROLE_WITHIN},
    {"svg", HTML_ROLE_DROPPED},      {"table", HTML_ROLE_TABLE},      {"tbody", HTML_ROLE_WITHIN},
    {"td", HTML_ROLE_CELL},          {"template", HTML_ROLE_DROPPED}, {"textarea", HTML_ROLE_DROPPED},
    {"tfoot", HTML_ROLE_WITHIN},     {"th", HTML_ROLE_HEAD_CELL},     {"thead", HTML_ROLE_WITHIN},
    {"time", HTML_ROLE_WITHIN},      {"title", HTML_ROLE_DROPPED},    {"tr", HTML_ROLE_ROW},
    {"track", HTML_ROLE_DROPPED},    {"tt", HTML_ROLE_WITHIN},        {"u", HTML_ROLE_WITHIN},
    {"ul", HTML_ROLE_LIST},          {"var", HTML_ROLE_ITALIC},       {"video", HTML_ROLE_DROPPED},
    {"wbr", HTML_ROLE_WITHIN},       {"xmp", HTML_ROLE_PRE},
};

/* Those of office programs. */
static const char *const foreign_prefixes[] = {"o:", "v:", "w:", "st1:"};

static int compare_names(const void *name, const void *element)
{
    return strcmp(name, ((const struct element *)element)->name);
}

enum html_role html_role_of(const char *name, size_t length)
{
    g_autofree char *lower = g_ascii_strdown(name, (gssize)length);
    const struct element *element =
        bsearch(lower, elements, G_N_ELEMENTS(elements), sizeof(struct element), compare_names);

    for (size_t i = 0; !element && i < G_N_ELEMENTS(foreign_prefixes); i++)
        if (g_str_has_prefix(lower, foreign_prefixes[i]))
            return HTML_ROLE_WITHIN;
    return element ? element->role : HTML_ROLE_NONE;
}

/* --- tags -----------------------------------------------------------------------------------------------------------
 */

struct sieve {
    const char *at;
    GString *out;
    bool no_comment_end;              /* there is no "-->" any more: each look for it would cost the rest of the text */
    bool no_script_end, no_style_end; /* likewise */
    guint breaks, blocks;             /* elements that part lines */
};

/* The length of "<...>" at `at`, to the bracket that no quotes enclose; 0 when there is none near, or another tag
 * begins before. */
static size_t tag_length(const char *at)
{
    char quote = 0;

    for (size_t i = 1; i < HTML_TAG_MAX && at[i]; i++) {
        if (quote)
            quote = at[i] == quote ? 0 : quote;
        else if (at[i] == '>')
            return i + 1;
        else if (at[i] == '<')
            return 0;
        else if (at[i - 1] == '=' && (at[i] == '"' || at[i] == '\''))
            quote = at[i];
    }
    return 0;
}

static size_t name_length(const char *name)
{
    size_t length = 0;

    if (!g_ascii_isalpha(*name))
        return 0;
    while (g_ascii_isalnum(name[length]) || name[length] == ':')
        length++;
    /* "<a-b>" and "<ada@example.org>" are no tags, whatever they begin with. */
    return name[length] && strchr(" \t\r\n\f/>", name[length]) ? length : 0;
}

/* Skips what ends with `end`; false where that does not come. */
static bool skip_to(struct sieve *sieve, const char *end, bool *none)
{
    const char *found = *none ? NULL : strstr(sieve->at, end);

    *none = !found;
    if (found)
        sieve->at = found + strlen(end);
    return found;
}

/* What is in a script or a style is no HTML; one that never ends is left out as a tag only. */
static void skip_element(struct sieve *sieve, const char *end, bool *none)
{
    const char *at = sieve->at;

    for (at = *none ? NULL : strstr(at, "</"); at && g_ascii_strncasecmp(at + 2, end, strlen(end)) != 0;)
        at = strstr(at + 2, "</");
    *none = !at;
    if (at)
        sieve->at = at;
}

static void count(struct sieve *sieve, enum html_role role)
{
    if (role == HTML_ROLE_BREAK)
        sieve->breaks++;
    else if (role >= HTML_ROLE_BLOCK && role != HTML_ROLE_DROPPED)
        sieve->blocks++;
}

/* A tag of an element that there is, at a '<'; false when it is none. */
static bool take_tag(struct sieve *sieve)
{
    bool end = sieve->at[1] == '/';
    const char *name = sieve->at + (end ? 2 : 1);
    size_t name_bytes = name_length(name), length = name_bytes ? tag_length(sieve->at) : 0;
    enum html_role role = length ? html_role_of(name, name_bytes) : HTML_ROLE_NONE;

    if (role == HTML_ROLE_NONE)
        return false;
    sieve->at += length;
    if (memchr(name, ':', name_bytes)) /* the parser would take "<o:p>" for "<p>" */
        return true;
    if (name_bytes == 6 && g_ascii_strncasecmp(name, "script", 6) == 0) {
        if (!end)
            skip_element(sieve, "script", &sieve->no_script_end);
        return true;
    }
    if (name_bytes == 5 && g_ascii_strncasecmp(name, "style", 5) == 0) {
        if (!end)
            skip_element(sieve, "style", &sieve->no_style_end);
        return true;
    }
    if (!end)
        count(sieve, role);
    g_string_append_len(sieve->out, name - (end ? 2 : 1), (gssize)length);
    return true;
}

/* A comment, or a declaration such as "<!DOCTYPE html>", "<![if gte mso 9]>" or "<?xml version="1.0"?>". */
static bool skip_declaration(struct sieve *sieve)
{
    const char *at = sieve->at;
    size_t length;

    if (g_str_has_prefix(at, "<!--"))
        return skip_to(sieve, "-->", &sieve->no_comment_end);
    if ((at[1] != '!' && at[1] != '?') || !(g_ascii_isalpha(at[2]) || at[2] == '['))
        return false;
    length = tag_length(at);
    sieve->at += length;
    return length > 0;
}

char *html_tags_only(const char *html, bool *lines)
{
    struct sieve sieve = {.at = html, .out = g_string_sized_new(strlen(html))};

    while (*sieve.at) {
        size_t text = strcspn(sieve.at, "<");
        g_string_append_len(sieve.out, sieve.at, (gssize)text);
        sieve.at += text;
        if (*sieve.at && !take_tag(&sieve) && !skip_declaration(&sieve)) {
            g_string_append(sieve.out, "&lt;");
            sieve.at++;
        }
    }
    /* Many posts are plain text in one paragraph that says it is HTML. */
    *lines = sieve.breaks == 0 && sieve.blocks <= 1;
    return g_string_free(sieve.out, FALSE);
}
