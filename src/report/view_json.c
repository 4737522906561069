#include "base/base.h"
#include "report/view_private.h"

/* What opens needs no comma; everything else follows something. */
static void begin(GString *out, const char *key)
{
    char last = out->len > 0 ? out->str[out->len - 1] : '[';

    if (last != '{' && last != '[')
        g_string_append_c(out, ',');
    if (!key)
        return;
    text_append_json(out, key);
    g_string_append_c(out, ':');
}

void view_open(GString *out, const char *key, char bracket)
{
    begin(out, key);
    g_string_append_c(out, bracket);
}

void view_close(GString *out, char bracket)
{
    g_string_append_c(out, bracket);
}

void view_add_text(GString *out, const char *key, const char *text)
{
    if (!text)
        return;
    begin(out, key);
    text_append_json(out, text);
}

void view_take_text(GString *out, const char *key, char *text)
{
    view_add_text(out, key, text);
    g_free(text);
}

void view_add_number(GString *out, const char *key, int64_t number)
{
    begin(out, key);
    g_string_append_printf(out, "%" G_GINT64_FORMAT, number);
}

void view_add_flag(GString *out, const char *key, bool flag)
{
    begin(out, key);
    g_string_append(out, flag ? "true" : "false");
}
