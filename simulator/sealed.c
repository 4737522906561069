#include "sealed.h"

#include <string.h>

#include "dice.h"

enum { STAMP = 16 };

/* Hex digits over the seed, the link up to the token, and what the token holds behind them. */
static char *stamp(const char *link, gsize len, const char *rest, gsize rest_len, uint64_t seed)
{
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);

    g_checksum_update(sum, (const guchar *)&seed, sizeof(seed));
    g_checksum_update(sum, (const guchar *)link, (gssize)len);
    g_checksum_update(sum, (const guchar *)rest, (gssize)rest_len);
    return g_strndup(g_checksum_get_string(sum), STAMP);
}

static void append_base64(GString *link, const char *bytes, gsize len, bool url)
{
    g_autofree char *text = g_base64_encode((const guchar *)bytes, len);

    for (const char *p = text; *p; p++) {
        if (!strchr("+/=", *p))
            g_string_append_c(link, *p);
        else if (!url)
            g_string_append_printf(link, "%%%02x", (unsigned)*p);
        else if (*p != '=')
            g_string_append_c(link, *p == '+' ? '-' : '_');
    }
}

static void append_encoded(GString *link, const char *bytes, gsize len, enum sealed_form form)
{
    if (form != SEALED_HEX) {
        append_base64(link, bytes, len, form == SEALED_URL64);
        return;
    }
    g_string_append(link, "X%27");
    for (gsize k = 0; k < len; k++)
        g_string_append_printf(link, "%02x", (unsigned)(guchar)bytes[k]);
    g_string_append(link, "%27");
}

void sealed_append(GString *link, gsize path_at, const char *name, const char *text, enum sealed_form form, gsize least,
                   uint64_t seed)
{
    static const char letters[] = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz?>~|{}";

    g_string_append_printf(link, "%s=", name);
    g_autoptr(GString) inner = g_string_new(text);
    struct dice d = {g_str_hash(text)};
    gsize whole = form == SEALED_HEX ? least / 2 : least / 4 * 3;

    g_string_append_c(inner, '\n');
    while (inner->len + STAMP < whole)
        g_string_append_c(inner, letters[dice_below(&d, sizeof(letters) - 1)]);
    g_autofree char *seal = stamp(link->str + path_at, link->len - path_at, inner->str, inner->len, seed);
    g_string_prepend(inner, seal);
    append_encoded(link, inner->str, inner->len, form);
}

static GString *decode_hex(const char *token)
{
    GString *inner = g_string_new(NULL);

    for (const char *p = token + strlen("X%27"); g_ascii_isxdigit(p[0]) && g_ascii_isxdigit(p[1]); p += 2)
        g_string_append_c(inner, (char)(g_ascii_xdigit_value(p[0]) * 16 + g_ascii_xdigit_value(p[1])));
    return inner;
}

static GString *decode_base64(const char *token)
{
    g_autoptr(GString) text = g_string_new(token);
    gsize len = 0;

    g_string_replace(text, "%2b", "+", 0);
    g_string_replace(text, "%2f", "/", 0);
    g_string_replace(text, "%3d", "=", 0);
    g_strdelimit(text->str, "-", '+');
    g_strdelimit(text->str, "_", '/');
    while (text->len % 4)
        g_string_append_c(text, '=');
    g_autofree char *bytes = (char *)g_base64_decode(text->str, &len);
    return g_string_new_len(bytes, (gssize)len);
}

char *sealed_read(const char *uri, const char *name, uint64_t seed)
{
    g_autofree char *key = g_strconcat(name, "=", NULL);
    const char *at = strstr(uri, key);

    if (!at)
        return NULL;
    at += strlen(key);
    enum sealed_form form = g_str_has_prefix(at, "X%27") ? SEALED_HEX : strchr(at, '%') ? SEALED_BASE64 : SEALED_URL64;
    g_autoptr(GString) inner = form == SEALED_HEX ? decode_hex(at) : decode_base64(at);
    const char *end = memchr(inner->str, '\n', inner->len);
    if (!end || end - inner->str < STAMP)
        return NULL;
    g_autofree char *text = g_strndup(inner->str + STAMP, (gsize)(end - inner->str) - STAMP);
    g_autofree char *seal = stamp(uri, (gsize)(at - uri), inner->str + STAMP, inner->len - STAMP, seed);
    g_autoptr(GString) again = g_string_new(NULL);
    append_encoded(again, inner->str, inner->len, form);
    bool same = strncmp(seal, inner->str, STAMP) == 0 && strcmp(again->str, at) == 0;
    return same ? g_steal_pointer(&text) : NULL;
}
