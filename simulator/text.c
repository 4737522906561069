#include "text.h"

#include <string.h>

static const char hex_digits[] = "0123456789abcdef";

void text_append_guid(GString *out, struct dice *d)
{
    uint64_t half[2] = {dice_roll(d), dice_roll(d)};
    char guid[36];
    int nibble = 0;

    for (int i = 0; i < 36; i++) {
        if (i == 8 || i == 13 || i == 18 || i == 23) {
            guid[i] = '-';
            continue;
        }
        guid[i] = hex_digits[(half[nibble >> 4] >> ((nibble & 15) * 4)) & 15];
        nibble++;
    }
    guid[14] = '4';
    guid[19] = hex_digits[8 + (half[1] & 3)];
    g_string_append_len(out, guid, 36);
}

static void append_unit(GString *out, gunichar unit)
{
    char text[6] = {'\\', 'u'};

    for (int i = 0; i < 4; i++)
        text[2 + i] = hex_digits[(unit >> (12 - 4 * i)) & 15];
    g_string_append_len(out, text, 6);
}

static void append_escaped_char(GString *out, gunichar c, bool ascii)
{
    if (c == '"' || c == '\\')
        g_string_append_c(out, '\\');
    if (c < 0x20 || (c >= 0x80 && c < 0x10000 && ascii)) {
        append_unit(out, c);
    } else if (c >= 0x10000 && ascii) {
        append_unit(out, 0xd800 + ((c - 0x10000) >> 10));
        append_unit(out, 0xdc00 + ((c - 0x10000) & 0x3ff));
    } else {
        g_string_append_unichar(out, c);
    }
}

void text_append_escaped(GString *out, const char *bytes, gssize len, bool ascii)
{
    const char *end = bytes + (len < 0 ? strlen(bytes) : (gsize)len);

    for (const char *p = bytes; p < end;) {
        gunichar c = *p == '\0' ? 0 : g_utf8_get_char_validated(p, end - p);
        if (c == (gunichar)-1 || c == (gunichar)-2) {
            append_escaped_char(out, 0xfffd, ascii);
            p++;
            continue;
        }
        append_escaped_char(out, c, ascii);
        p = g_utf8_next_char(p);
    }
}

static const char *skip_space(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r'))
        p++;
    return p;
}

/* p is behind the opening quote; returns the closing quote or end. */
static const char *string_end(const char *p, const char *end)
{
    for (; p < end && *p != '"'; p++)
        if (*p == '\\' && p + 1 < end)
            p++;
    return p;
}

static const char *skip_value(const char *p, const char *end)
{
    gsize depth = 0;

    for (; p < end; p++) {
        if (*p == '"') {
            p = string_end(p + 1, end);
            if (p == end)
                return end;
        } else if (*p == '{' || *p == '[') {
            depth++;
        } else if (*p == '}' || *p == ']') {
            if (depth == 0)
                return p;
            depth--;
        } else if (*p == ',' && depth == 0) {
            return p;
        }
    }
    return end;
}

bool text_next_member(const char *text, gsize len, gsize *at, struct text_member *m)
{
    const char *end = text + len;
    const char *p = skip_space(text + *at, end);

    if (*at == 0) {
        if (p == end || *p != '{')
            return false;
        p = skip_space(p + 1, end);
    } else if (p < end && *p == ',') {
        p = skip_space(p + 1, end);
    }
    if (p == end || *p != '"')
        return false;
    m->name = p + 1;
    const char *name_end = string_end(m->name, end);
    m->name_len = (gsize)(name_end - m->name);
    p = name_end == end ? end : skip_space(name_end + 1, end);
    if (p == end || *p != ':')
        return false;
    m->value = skip_space(p + 1, end);
    p = skip_value(m->value, end);
    m->value_len = (gsize)(p - m->value);
    *at = (gsize)(p - text);
    return true;
}

static bool find_key(const char *text, gsize len, const char *key, gsize key_len, const char **value, gsize *value_len)
{
    struct text_member m;
    gsize at = 0;

    while (text_next_member(text, len, &at, &m)) {
        if (m.name_len == key_len && memcmp(m.name, key, key_len) == 0) {
            *value = m.value;
            *value_len = m.value_len;
            return true;
        }
    }
    return false;
}

bool text_find_member(const char *text, gsize len, const char *path, const char **value, gsize *value_len)
{
    *value = text;
    *value_len = len;
    for (;;) {
        const char *slash = strchr(path, '/');
        gsize key_len = slash ? (gsize)(slash - path) : strlen(path);
        if (!find_key(*value, *value_len, path, key_len, value, value_len))
            return false;
        if (!slash)
            return true;
        path = slash + 1;
    }
}

static int read_unit(const char *p, const char *end)
{
    int unit = 0;

    if (end - p < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        int digit = g_ascii_xdigit_value(p[i]);
        if (digit < 0)
            return -1;
        unit = unit * 16 + digit;
    }
    return unit;
}

/* p is behind "\u"; appends the code point (of a surrogate pair where there is one) and returns what follows it. */
static const char *decode_unit(GString *out, const char *p, const char *end)
{
    int unit = read_unit(p, end);

    if (unit < 0)
        return p;
    p += 4;
    if (unit >= 0xd800 && unit < 0xdc00 && end - p >= 6 && p[0] == '\\' && p[1] == 'u') {
        int low = read_unit(p + 2, end);
        if (low >= 0xdc00 && low < 0xe000) {
            g_string_append_unichar(out, (gunichar)(0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00)));
            return p + 6;
        }
    }
    bool lone = unit >= 0xd800 && unit < 0xe000;
    g_string_append_unichar(out, lone || unit == 0 ? 0xfffd : (gunichar)unit);
    return p;
}

char *text_decode(const char *value, gsize value_len)
{
    static const char names[] = "nrtbf", bytes[] = "\n\r\t\b\f";
    const char *end = value + value_len;
    GString *out = g_string_new(NULL);

    if (value_len == 0 || *value != '"') {
        while (end > value && g_ascii_isspace(end[-1]))
            end--;
        g_string_append_len(out, value, end - value);
        return g_string_free(out, FALSE);
    }
    for (const char *p = value + 1; p < end && *p != '"';) {
        if (*p != '\\' || p + 1 == end) {
            g_string_append_c(out, *p++);
            continue;
        }
        const char *name = strchr(names, p[1]);
        p += 2;
        if (p[-1] == 'u')
            p = decode_unit(out, p, end);
        else
            g_string_append_c(out, name && *name ? bytes[name - names] : p[-1]);
    }
    return g_string_free(out, FALSE);
}

char *text_percent_decode(const char *text, gsize len)
{
    GString *out = g_string_sized_new(len);

    for (gsize i = 0; i < len; i++) {
        if (text[i] == '%' && len - i > 2 && g_ascii_isxdigit(text[i + 1]) && g_ascii_isxdigit(text[i + 2])) {
            g_string_append_c(out, (char)(g_ascii_xdigit_value(text[i + 1]) * 16 + g_ascii_xdigit_value(text[i + 2])));
            i += 2;
        } else {
            g_string_append_c(out, text[i] == '+' ? ' ' : text[i]);
        }
    }
    return g_string_free(out, FALSE);
}

/* Microsoft's own spelling: spaces as plus signs, lower-case hex. */
static void append_query_value(GString *out, const char *text)
{
    for (; *text; text++) {
        if (g_ascii_isalnum(*text) || strchr("-_.~$/()", *text))
            g_string_append_c(out, *text);
        else if (*text == ' ')
            g_string_append_c(out, '+');
        else
            g_string_append_printf(out, "%%%02x", (unsigned)(guchar)*text);
    }
}

void text_append_option(GString *link, const char *name, const char *value)
{
    if (!value)
        return;
    g_string_append_printf(link, "%s=", name);
    append_query_value(link, value);
    g_string_append_c(link, '&');
}
