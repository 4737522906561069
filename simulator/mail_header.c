#include "mail_header.h"

#include <stdbool.h>
#include <string.h>

/* The end of the line at `at`, behind its LF. */
static gsize next_line(const char *message, gsize len, gsize at)
{
    const char *end = memchr(message + at, '\n', len - at);

    return end ? (gsize)(end - message) + 1 : len;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* The field whose name begins at `at`, with the lines that go on with it. Returned. */
static char *unfold(const char *message, gsize len, gsize at, gsize name_len)
{
    g_autoptr(GString) value = g_string_new(NULL);
    gsize end = next_line(message, len, at);

    g_string_append_len(value, message + at + name_len + 1, (gssize)(end - at - name_len - 1));
    while (end < len && is_blank(message[end])) {
        gsize from = end;
        end = next_line(message, len, end);
        while (value->len && strchr("\r\n", value->str[value->len - 1]))
            g_string_truncate(value, value->len - 1);
        g_string_append_len(value, message + from, (gssize)(end - from));
    }
    return g_utf8_make_valid(g_strstrip(value->str), -1);
}

char *mail_header_find(const char *message, gsize len, const char *name)
{
    gsize name_len = strlen(name);

    for (gsize at = 0; at < len && message[at] != '\r' && message[at] != '\n'; at = next_line(message, len, at))
        if (len - at > name_len && g_ascii_strncasecmp(message + at, name, name_len) == 0 &&
            message[at + name_len] == ':')
            return unfold(message, len, at, name_len);
    return NULL;
}

/* The length of an entry: commas inside quotes and angle brackets do not end it. */
static gsize entry_length(const char *text)
{
    bool quoted = false, angled = false;
    gsize at = 0;

    for (; text[at] && (text[at] != ',' || quoted || angled); at++) {
        if (text[at] == '\\' && quoted && text[at + 1])
            at++;
        else if (text[at] == '"')
            quoted = !quoted;
        else if (!quoted && (text[at] == '<' || text[at] == '>'))
            angled = text[at] == '<';
    }
    return at;
}

char **mail_header_addresses(const char *value)
{
    g_autoptr(GStrvBuilder) found = g_strv_builder_new();

    for (const char *at = value; at && *at;) {
        gsize len = entry_length(at);
        g_autofree char *entry = g_ascii_strdown(at, (gssize)len);
        char *open = strrchr(entry, '<'), *close = open ? strchr(open, '>') : NULL;
        if (close)
            *close = '\0';
        const char *address = g_strstrip(close ? open + 1 : entry);
        if (*address)
            g_strv_builder_add(found, address);
        at += len + (at[len] == ',');
    }
    return g_strv_builder_end(found);
}
