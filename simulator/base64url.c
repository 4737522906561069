#include "base64url.h"

#include <string.h>

char *base64url_encode(const void *bytes, gsize len)
{
    char *text = g_base64_encode(bytes, len);

    g_strdelimit(text, "+", '-');
    g_strdelimit(text, "/", '_');
    text[strcspn(text, "=")] = '\0';
    return text;
}

GBytes *base64url_decode(const char *text, gsize len)
{
    while (len > 0 && text[len - 1] == '=')
        len--;
    if (len % 4 == 1)
        return NULL;
    g_autoptr(GString) plain = g_string_new_len(text, (gssize)len);
    for (gsize k = 0; k < len; k++) {
        if (!g_ascii_isalnum(text[k]) && text[k] != '-' && text[k] != '_')
            return NULL;
        plain->str[k] = text[k] == '-' ? '+' : text[k] == '_' ? '/' : text[k];
    }
    while (plain->len % 4 != 0)
        g_string_append_c(plain, '=');
    gsize size = 0;
    guchar *bytes = g_base64_decode(plain->str, &size);
    return g_bytes_new_take(bytes, size);
}
