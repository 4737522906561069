/* Text on its way out of the program (terminal, CSV, JSON) over any bytes. What is checked beyond the sanitizers:
 *
 * - what goes to a terminal is UTF-8 without anything that moves, hides or reorders, and safe text passes as it is;
 * - a fitted text takes exactly its cells;
 * - a CSV field is read back as the text, and no spreadsheet takes it for a formula;
 * - a JSON string is read back as the text. */
#include "fuzz.h"

#include "base/base.h"
#include "base/text_private.h"

/* --- terminal ----------------------------------------------------------------------------------------------------- */

static bool is_harmless(gunichar c)
{
    GUnicodeType type = g_unichar_type(c);

    return type != G_UNICODE_CONTROL && type != G_UNICODE_FORMAT && type != G_UNICODE_LINE_SEPARATOR &&
           type != G_UNICODE_PARAGRAPH_SEPARATOR;
}

static void check_terminal(const char *text)
{
    g_autofree char *safe = text_for_terminal(text);
    g_autofree char *again = text_for_terminal(safe);

    g_assert(g_utf8_validate(safe, -1, NULL));
    for (const char *at = safe; *at != '\0'; at = g_utf8_next_char(at))
        g_assert(is_harmless(g_utf8_get_char(at)));
    g_assert(strcmp(safe, again) == 0);
    for (size_t cells = 0; cells < 12; cells++) {
        g_autofree char *fitted = text_fit(safe, cells);
        g_assert(g_utf8_validate(fitted, -1, NULL) && text_width(fitted) == cells);
        g_assert(text_width(safe) > cells || g_str_has_prefix(fitted, safe));
    }
}

/* --- CSV ---------------------------------------------------------------------------------------------------------- */

/* Reads one field as RFC 4180 says; the whole of `field` must be it. */
static char *read_csv(const char *field)
{
    GString *text = g_string_new(NULL);

    if (*field != '"') {
        g_assert(strpbrk(field, "\",\r\n") == NULL);
        g_string_append(text, field);
        return g_string_free(text, FALSE);
    }
    for (field++; *field != '"' || field[1] == '"'; field++) {
        g_assert(*field != '\0');
        g_string_append_c(text, *field);
        field += *field == '"';
    }
    g_assert(field[1] == '\0');
    return g_string_free(text, FALSE);
}

static void check_csv(const char *text)
{
    g_autoptr(GString) field = g_string_new(NULL);

    text_append_csv(field, text);
    g_autofree char *back = read_csv(field->str);
    bool marked = *back == '\'' && *text != '\'';
    g_assert(strcmp(back + marked, text) == 0);
    g_assert(*back == '\0' || strchr("=+-@\t\r", *back) == NULL);
}

/* --- JSON --------------------------------------------------------------------------------------------------------- */

static void check_json(const char *text, bool escape_invisible)
{
    g_autoptr(JsonTree) tree = json_tree_new();
    g_autoptr(GString) json = g_string_new(NULL);

    text_append_json_escaped(json, text, escape_invisible);
    const struct json_node *node = json_tree_parse(tree, json->str, json->len, NULL);
    g_assert(node != NULL && node->type == JSON_STRING && g_utf8_validate(node->text, -1, NULL));
    if (g_utf8_validate(text, -1, NULL))
        g_assert(strcmp(node->text, text) == 0);
    for (const char *at = json->str; *at != '\0'; at = g_utf8_next_char(at))
        g_assert(escape_invisible ? is_harmless(g_utf8_get_char(at)) : (unsigned char)*at >= 0x20);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *cut = g_strndup((const char *)data, size);
    g_autofree char *text = fuzz_exact(cut, strlen(cut) + 1);

    check_terminal(text);
    check_csv(text);
    check_json(text, false);
    check_json(text, true);
    return 0;
}
