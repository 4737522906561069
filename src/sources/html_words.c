#include "html_words.h"

#include <stdbool.h>
#include <string.h>

#include "html_names.h"

/* A text being read, and what came of it so far. */
struct html {
    const char *at, *end;
    GString *words;
    bool blank;      /* one is due before the next character */
    GPtrArray *more; /* NULL: nothing but text is expected */
    unsigned false_tags;
};

/* Each costs a look at all that is left: a text that is full of them is no HTML, and is taken as it stands. */
enum { FALSE_TAGS_MAX = 100 };

/* --- characters ------------------------------------------------------------------------------------------------------
 */

enum { NO_BREAK_SPACE = 0xa0, SOFT_HYPHEN = 0xad, REPLACEMENT = 0xfffd };

static bool is_blank(gunichar c)
{
    return c <= 0x20 || c == NO_BREAK_SPACE;
}

static void put_bytes(struct html *html, const char *bytes, size_t length)
{
    if (html->blank && html->words->len > 0)
        g_string_append_c(html->words, ' ');
    html->blank = false;
    g_string_append_len(html->words, bytes, (gssize)length);
}

static void put(struct html *html, gunichar c)
{
    char bytes[6];

    if (is_blank(c))
        html->blank = true;
    else if (c != SOFT_HYPHEN) /* it is not seen, and would cut the word in two */
        put_bytes(html, bytes, (size_t)g_unichar_to_utf8(c, bytes));
}

/* --- references ------------------------------------------------------------------------------------------------------
 */

/* Numbers 128 to 159 are no characters: everybody means those of Windows-1252, and HTML says so (13.2.5.80). */
static gunichar windows_1252(gunichar number)
{
    static const gunichar characters[] = {0x20ac, 0x81,   0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021,
                                          0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0x8d,   0x017d, 0x8f,
                                          0x90,   0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
                                          0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0x9d,   0x017e, 0x0178};

    return characters[number - 128];
}

static gunichar character_of(guint64 number)
{
    if (number >= 128 && number < 160)
        return windows_1252((gunichar)number);
    return number > 0 && number <= 0x10ffff && g_unichar_validate((gunichar)number) ? (gunichar)number : REPLACEMENT;
}

/* "&#8217;" or "&#x2019;" at `at`; the semicolon may be missing. 0 when it is none; *length is how long it is. */
static gunichar number_reference(const char *at, const char *end, size_t *length)
{
    const char *digit = at + 2;
    guint64 base = 10, number = 0;
    const char *first;

    if (digit < end && (*digit == 'x' || *digit == 'X')) {
        base = 16;
        digit++;
    }
    for (first = digit; digit < end && (base == 16 ? g_ascii_isxdigit(*digit) : g_ascii_isdigit(*digit)); digit++)
        number = MIN(number * base + (guint64)g_ascii_xdigit_value(*digit), 0x110000); /* it stays out of range */
    if (digit == first)
        return 0;
    *length = (size_t)(digit - at) + (digit < end && *digit == ';' ? 1 : 0);
    return character_of(number);
}

/* "&amp;" at `at`, likewise, but not without its semicolon: addresses hold "&copy=2". */
static gunichar name_reference(const char *at, const char *end, size_t *length)
{
    const char *name = at + 1, *after = name;

    while (after < end && g_ascii_isalnum(*after))
        after++;
    if (after == name || after == end || *after != ';')
        return 0;
    *length = (size_t)(after + 1 - at);
    return html_name_find(name, (size_t)(after - name));
}

static gunichar reference(const char *at, const char *end, size_t *length)
{
    if (at + 1 < end && at[1] == '#')
        return number_reference(at, end, length);
    return name_reference(at, end, length);
}

/* --- elements --------------------------------------------------------------------------------------------------------
 */

/* Of the elements of HTML, today's and yesterday's: those that mark up text within a line, and may stand in the middle
 * of a word. */
static const char *const within_line[] = {"a",    "abbr", "acronym", "b",  "bdi",  "bdo",   "big",  "cite",   "code",
                                          "data", "del",  "dfn",     "em", "font", "i",     "ins",  "kbd",    "label",
                                          "mark", "nobr", "q",       "s",  "samp", "small", "span", "strike", "strong",
                                          "sub",  "sup",  "time",    "tt", "u",    "var",   "wbr",  NULL};

/* And all others. */
static const char *const breaking[] = {
    "address", "area",     "article",  "aside",    "audio",    "base",     "basefont", "blockquote", "body",
    "br",      "button",   "canvas",   "caption",  "center",   "col",      "colgroup", "datalist",   "dd",
    "details", "dialog",   "dir",      "div",      "dl",       "dt",       "embed",    "fieldset",   "figcaption",
    "figure",  "footer",   "form",     "frame",    "frameset", "h1",       "h2",       "h3",         "h4",
    "h5",      "h6",       "head",     "header",   "hgroup",   "hr",       "html",     "iframe",     "img",
    "input",   "legend",   "li",       "link",     "main",     "map",      "menu",     "meta",       "meter",
    "nav",     "noframes", "noscript", "object",   "ol",       "optgroup", "option",   "output",     "p",
    "param",   "picture",  "pre",      "progress", "rp",       "rt",       "ruby",     "script",     "search",
    "section", "select",   "slot",     "source",   "style",    "summary",  "svg",      "table",      "tbody",
    "td",      "template", "textarea", "tfoot",    "th",       "thead",    "title",    "tr",         "track",
    "ul",      "video",    NULL};

/* Those of office programs. */
static const char *const foreign_prefixes[] = {"o:", "v:", "w:", "st1:", NULL};

enum element { ELEMENT_NONE, ELEMENT_WITHIN_LINE, ELEMENT_BREAKING };

static enum element element_of(const char *name, size_t length)
{
    g_autofree char *lower = g_ascii_strdown(name, (gssize)length);

    if (g_strv_contains(within_line, lower))
        return ELEMENT_WITHIN_LINE;
    if (g_strv_contains(breaking, lower))
        return ELEMENT_BREAKING;
    for (size_t i = 0; foreign_prefixes[i] != NULL; i++)
        if (g_str_has_prefix(lower, foreign_prefixes[i]))
            return ELEMENT_WITHIN_LINE;
    return ELEMENT_NONE;
}

/* --- tags ------------------------------------------------------------------------------------------------------------
 */

static const char *skip_blanks(const char *at, const char *end)
{
    while (at < end && g_ascii_isspace(*at))
        at++;
    return at;
}

struct span {
    const char *at;
    size_t length;
};

/* The value behind "="; NULL when its quote never ends. */
static const char *read_value(const char *at, const char *end, struct span *value)
{
    char quote = at < end ? *at : '\0';

    if (quote == '"' || quote == '\'') {
        const char *close = memchr(at + 1, quote, (size_t)(end - at - 1));
        *value = (struct span){at + 1, close != NULL ? (size_t)(close - at - 1) : 0};
        return close != NULL ? close + 1 : NULL;
    }
    value->at = at;
    while (at < end && *at != '>' && !g_ascii_isspace(*at))
        at++;
    value->length = (size_t)(at - value->at);
    return at;
}

/* The attribute at `at`, which is no blank and no ">"; what comes after it, NULL when it never ends. */
static const char *read_attribute(const char *at, const char *end, struct span *name, struct span *value)
{
    const char *equals;

    name->at = at;
    at++; /* whatever it is: a lone slash is an attribute of one character, too */
    while (at < end && *at != '>' && *at != '=' && *at != '/' && !g_ascii_isspace(*at))
        at++;
    name->length = (size_t)(at - name->at);
    *value = (struct span){at, 0};
    equals = skip_blanks(at, end);
    if (equals == end || *equals != '=')
        return at;
    return read_value(skip_blanks(equals + 1, end), end, value);
}

/* Pictures inside the text itself are no words. */
static bool is_worth_keeping(const struct span *name, const struct span *value)
{
    static const char *const names[] = {"href", "src", "alt", "title"};

    if (value->length == 0 || (value->length > 5 && g_ascii_strncasecmp(value->at, "data:", 5) == 0))
        return false;
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        if (strlen(names[i]) == name->length && g_ascii_strncasecmp(name->at, names[i], name->length) == 0)
            return true;
    return false;
}

static void read_text(struct html *html);

static void keep_value(GPtrArray *more, const struct span *value)
{
    struct html inner = {.at = value->at, .end = value->at + value->length, .words = g_string_new(NULL)};

    read_text(&inner);
    g_ptr_array_add(more, g_string_free(inner.words, FALSE));
}

/* Reads from behind a tag's name to behind its ">"; NULL when it has none. What is worth keeping goes to `more`, unless
 * that is NULL. */
static const char *read_attributes(const char *at, const char *end, GPtrArray *more)
{
    for (;;) {
        struct span name, value;

        at = skip_blanks(at, end);
        if (at == end)
            return NULL;
        if (*at == '>')
            return at + 1;
        at = read_attribute(at, end, &name, &value);
        if (at == NULL)
            return NULL;
        if (more != NULL && is_worth_keeping(&name, &value))
            keep_value(more, &value);
    }
}

/* Steps past the inside of an element that nobody reads, and past its end: "</script>". One that does not end is text.
 */
static void skip_silent(struct html *html, const char *name, size_t length)
{
    for (const char *tag = html->at; (tag = memchr(tag, '<', (size_t)(html->end - tag))) != NULL; tag++) {
        const char *close;

        if ((size_t)(html->end - tag) < length + 2 || tag[1] != '/' || g_ascii_strncasecmp(tag + 2, name, length) != 0)
            continue;
        close = memchr(tag, '>', (size_t)(html->end - tag));
        html->at = close != NULL ? close + 1 : html->at;
        return;
    }
    html->false_tags++;
}

static bool is_silent(const char *name, size_t length)
{
    return (length == 6 && g_ascii_strncasecmp(name, "script", length) == 0) ||
           (length == 5 && g_ascii_strncasecmp(name, "style", length) == 0);
}

/* Steps past the tag at html->at; false when it is none. */
static bool take_tag(struct html *html)
{
    bool closing = html->at + 1 < html->end && html->at[1] == '/';
    const char *name = html->at + (closing ? 2 : 1), *after = name;
    enum element element;
    const char *behind;

    while (after < html->end && (g_ascii_isalnum(*after) || *after == ':'))
        after++;
    if (after == name || after == html->end || (*after != '>' && *after != '/' && !g_ascii_isspace(*after)))
        return false;
    element = element_of(name, (size_t)(after - name));
    /* Values are taken only once the tag is known to end: what only begins like one would have them all taken in vain.
     */
    behind = element != ELEMENT_NONE ? read_attributes(after, html->end, NULL) : NULL;
    if (behind == NULL) {
        html->false_tags++;
        return false;
    }
    read_attributes(after, html->end, html->more);
    html->blank = html->blank || element == ELEMENT_BREAKING;
    html->at = behind;
    if (!closing && is_silent(name, (size_t)(after - name)))
        skip_silent(html, name, (size_t)(after - name));
    return true;
}

/* A comment, a document type, an instruction: "<!-- -->", "<!DOCTYPE html>", "<?xml ?>". */
static bool take_declaration(struct html *html)
{
    size_t left = (size_t)(html->end - html->at);
    const char *close;

    if (left >= 4 && memcmp(html->at, "<!--", 4) == 0) {
        close = g_strstr_len(html->at + 4, (gssize)left - 4, "-->");
        html->false_tags += close == NULL;
        html->at = close != NULL ? close + 3 : html->at;
        return close != NULL;
    }
    if (left < 3 || (html->at[1] != '?' && html->at[1] != '!') || !(g_ascii_isalpha(html->at[2]) || html->at[2] == '['))
        return false;
    close = memchr(html->at, '>', left);
    html->false_tags += close == NULL;
    html->at = close != NULL ? close + 1 : html->at;
    return close != NULL;
}

/* --- text ------------------------------------------------------------------------------------------------------------
 */

static bool take_reference(struct html *html)
{
    size_t length = 0;
    gunichar c = reference(html->at, html->end, &length);

    if (c == 0)
        return false;
    put(html, c);
    html->at += length;
    return true;
}

/* One character as it stands; bytes that are none stay what they are. */
static void take_character(struct html *html)
{
    gunichar c = g_utf8_get_char_validated(html->at, html->end - html->at);
    size_t length = 1;

    if ((unsigned char)*html->at <= 0x20) { /* NUL too, at which GLib would end */
        html->blank = true;
    } else if ((gint)c < 0) {
        put_bytes(html, html->at, 1);
    } else {
        length = (size_t)(g_utf8_next_char(html->at) - html->at);
        put(html, c);
    }
    html->at += length;
}

/* Text with references and, where they are expected, tags. */
static void read_text(struct html *html)
{
    while (html->at < html->end) {
        if (*html->at == '<' && html->more != NULL && html->false_tags < FALSE_TAGS_MAX &&
            (take_tag(html) || take_declaration(html)))
            continue;
        if (*html->at == '&' && take_reference(html))
            continue;
        take_character(html);
    }
}

char *html_words(const char *text, size_t length, GPtrArray *more)
{
    struct html html = {.at = text, .end = text + length, .words = g_string_sized_new(length), .more = more};

    read_text(&html);
    return g_string_free(html.words, FALSE);
}
