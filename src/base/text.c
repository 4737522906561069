#include "text_private.h"

#include <string.h>

#include "utf8.h"

/* --- terminals ---------------------------------------------------------------------------------------------------- */

static bool is_control(gunichar c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0);
}

/* Characters that show nothing themselves but move, reorder or hide what is around them. */
static bool is_invisible(gunichar c)
{
    GUnicodeType type = c < 0x80 ? G_UNICODE_OTHER_LETTER : g_unichar_type(c);

    return type == G_UNICODE_FORMAT || type == G_UNICODE_LINE_SEPARATOR || type == G_UNICODE_PARAGRAPH_SEPARATOR ||
           c == 0x115f || c == 0x1160 || c == 0x3164 || c == 0xffa0 /* Hangul fillers */;
}

/* One character of `text`, which is not empty; U+FFFD for bytes that are none. Returns the bytes it took. */
static size_t next_character(const char *text, size_t length, gunichar *c)
{
    int n = utf8_step(text, length);

    *c = n == 1 ? (gunichar)*text : n > 0 ? g_utf8_get_char(text) : UTF8_REPLACEMENT;
    return n == 0 ? length : (size_t)ABS(n);
}

char *text_for_terminal(const char *text)
{
    size_t length = text != NULL ? strlen(text) : 0, used;
    GString *out = g_string_sized_new(length);
    gunichar c;

    for (size_t i = 0; i < length; i += used) {
        used = next_character(text + i, length - i, &c);
        if (c == '\r' && text[i + 1] == '\n')
            continue;
        if (c == '\n' || c == '\t')
            g_string_append_c(out, ' ');
        else if (is_control(c))
            g_string_append_printf(out, "\\x%02x", c);
        else if (is_invisible(c))
            g_string_append_printf(out, c > 0xffff ? "\\U%08x" : "\\u%04x", c);
        else
            g_string_append_unichar(out, c);
    }
    return g_string_free(out, FALSE);
}

static size_t cells_of(gunichar c)
{
    if (g_unichar_iszerowidth(c))
        return 0;
    return g_unichar_iswide(c) ? 2 : 1;
}

size_t text_width(const char *text)
{
    size_t length = strlen(text), width = 0;
    gunichar c;

    for (size_t i = 0; i < length;) {
        i += next_character(text + i, length - i, &c);
        width += cells_of(c);
    }
    return width;
}

char *text_fit(const char *text, size_t cells)
{
    size_t length = strlen(text), taken = 0;
    bool cut = text_width(text) > cells;
    size_t room = cells - (cut && cells > 0);
    GString *out = g_string_sized_new(MIN(length, 4 * cells) + 4);
    gunichar c;

    for (size_t i = 0; i < length;) {
        i += next_character(text + i, length - i, &c);
        if (taken + cells_of(c) > room)
            break;
        taken += cells_of(c);
        g_string_append_unichar(out, c);
    }
    if (cut && cells > 0) {
        g_string_append(out, "…");
        taken++;
    }
    for (; taken < cells; taken++)
        g_string_append_c(out, ' ');
    return g_string_free(out, FALSE);
}

/* --- CSV and JSON ------------------------------------------------------------------------------------------------- */

void text_append_csv(GString *out, const char *text)
{
    if (text == NULL || *text == '\0')
        return;
    bool formula = strchr("=+-@\t\r", *text) != NULL;
    bool quoted = strpbrk(text, "\",\r\n") != NULL;

    if (quoted)
        g_string_append_c(out, '"');
    if (formula)
        g_string_append_c(out, '\'');
    for (const char *quote; quoted && (quote = strchr(text, '"')) != NULL; text = quote + 1) {
        g_string_append_len(out, text, quote - text);
        g_string_append(out, "\"\"");
    }
    g_string_append(out, text);
    if (quoted)
        g_string_append_c(out, '"');
}

static void append_json_escape(GString *out, gunichar c)
{
    static const char plain[] = "\"\\\b\f\n\r\t", names[] = "\"\\bfnrt";
    const char *found = c < 0x80 ? strchr(plain, (int)c) : NULL;

    if (found != NULL)
        g_string_append_printf(out, "\\%c", names[found - plain]);
    else if (c > 0xffff)
        g_string_append_printf(out, "\\u%04x\\u%04x", 0xd800 + ((c - 0x10000) >> 10), 0xdc00 + ((c - 0x10000) & 0x3ff));
    else
        g_string_append_printf(out, "\\u%04x", c);
}

void text_append_json_escaped(GString *out, const char *text, bool escape_invisible)
{
    if (text == NULL) {
        g_string_append(out, "null");
        return;
    }
    size_t length = strlen(text), used, from = 0; /* text[from, i) passes as it is */
    gunichar c;

    g_string_append_c(out, '"');
    for (size_t i = 0; i < length; i += used) {
        used = next_character(text + i, length - i, &c);
        bool escape = c == '"' || c == '\\' || is_control(c) || (escape_invisible && is_invisible(c));
        if (!escape && c != UTF8_REPLACEMENT)
            continue;
        g_string_append_len(out, text + from, (gssize)(i - from));
        from = i + used;
        if (escape)
            append_json_escape(out, c);
        else
            g_string_append_unichar(out, c);
    }
    g_string_append_len(out, text + from, (gssize)(length - from));
    g_string_append_c(out, '"');
}

void text_append_json(GString *out, const char *text)
{
    text_append_json_escaped(out, text, false);
}

/* --- numbers ------------------------------------------------------------------------------------------------------ */

/* The value without its sign; INT64_MIN has one too. */
static guint64 magnitude(gint64 n)
{
    return n < 0 ? 0 - (guint64)n : (guint64)n;
}

char *text_count(gint64 n)
{
    char digits[32], text[48];
    int length = g_snprintf(digits, sizeof digits, "%" G_GUINT64_FORMAT, magnitude(n));
    char *at = text;

    if (n < 0)
        *at++ = '-';
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            *at++ = ',';
        *at++ = digits[i];
    }
    *at = '\0';
    return g_strdup(text);
}

char *text_bytes(gint64 bytes)
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    const char *sign = bytes < 0 ? "-" : "";
    guint64 n = magnitude(bytes);
    unsigned unit = 0;

    if (n < 1024)
        return g_strdup_printf("%s%" G_GUINT64_FORMAT " B", sign, n);
    /* Tenths, rounded; 1023.95 KiB and more would show as 1024.0, so they go to the next unit. */
    for (guint64 size = 1024;; size *= 1024, unit++) {
        guint64 tenths = n / size * 10 + (n % size * 10 + size / 2) / size;
        if (tenths < 10240 || unit + 1 == G_N_ELEMENTS(units))
            return g_strdup_printf("%s%" G_GUINT64_FORMAT ".%u %s", sign, tenths / 10, (unsigned)(tenths % 10),
                                   units[unit]);
    }
}

/* --- did you mean ------------------------------------------------------------------------------------------------- */

/* Edits (insert, delete, replace, swap of neighbours) from `a` to `b`, case aside; words are cut at 63 bytes, where
 * they are no slips of each other any more. */
static unsigned edit_distance(const char *a, const char *b)
{
    enum { MOST = 63 };
    unsigned rows[3][MOST + 1]; /* the one before the last, the last, this one */
    size_t n = MIN(strlen(a), MOST), m = MIN(strlen(b), MOST);

    for (unsigned j = 0; j <= m; j++)
        rows[0][j] = j;
    for (unsigned i = 1; i <= n; i++) {
        unsigned *this = rows[i % 3], *last = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];
        this[0] = i;
        for (size_t j = 1; j <= m; j++) {
            char p = g_ascii_tolower(a[i - 1]), q = g_ascii_tolower(b[j - 1]);
            this[j] = MIN(MIN(last[j], this[j - 1]) + 1, last[j - 1] + (p != q));
            if (i > 1 && j > 1 && p == g_ascii_tolower(b[j - 2]) && q == g_ascii_tolower(a[i - 2]))
                this[j] = MIN(this[j], before[j - 2] + 1);
        }
    }
    return rows[n % 3][m];
}

const char *text_nearest(const char *word, const char *const *candidates)
{
    size_t length = strlen(word);
    unsigned best = (unsigned)(length / 3) + 1; /* a slip in each three letters */
    const char *nearest = NULL;

    for (; *candidates != NULL; candidates++) {
        /* The beginning of a name is as good as one slip. */
        bool begins = length >= 2 && g_ascii_strncasecmp(word, *candidates, length) == 0;
        unsigned distance = begins ? 1 : edit_distance(word, *candidates);
        if (distance < best || (distance == best && nearest == NULL)) {
            best = distance;
            nearest = *candidates;
        }
    }
    return nearest;
}

/* --- memory ------------------------------------------------------------------------------------------------------- */

char *text_take(GString *string)
{
    size_t bytes = string->len + 1;

    return g_realloc(g_string_free(string, FALSE), bytes);
}

void text_free_secret(char *secret)
{
    if (secret == NULL)
        return;
    explicit_bzero(secret, strlen(secret));
    g_free(secret);
}
