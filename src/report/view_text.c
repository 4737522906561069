/* Plain text: tables in columns, and lines of a readable length. */
#include <string.h>

#include "base/base.h"
#include "report/view_private.h"

/* --- lines ----------------------------------------------------------------------------------------------------------
 */

/* The bytes of `text` that fit into `cells`, one character at least. */
static size_t fitting(const char *text, size_t cells)
{
    const char *end = text;

    while (*end) {
        const char *next = g_utf8_next_char(end);
        g_autofree char *so_far = g_strndup(text, (size_t)(next - text));
        if (end > text && text_width(so_far) > cells)
            break;
        end = next;
    }
    return (size_t)(end - text);
}

/* Addresses stay whole, however long they are; writing without blanks is broken anywhere. */
static bool may_be_broken(const char *word)
{
    return !strstr(word, "://") && !g_str_is_ascii(word);
}

struct wrapping {
    GString *out;
    size_t cells;  /* of a line */
    size_t used;   /* of this one */
    bool words;    /* there are some on it */
    size_t indent; /* of those that continue it */
};

static void continue_line(struct wrapping *wrapping)
{
    g_string_append_c(wrapping->out, '\n');
    for (size_t i = 0; i < wrapping->indent; i++)
        g_string_append_c(wrapping->out, ' ');
    wrapping->used = wrapping->indent;
    wrapping->words = false;
}

/* Goes on where the line is, over as many lines as it takes. */
static void break_word(struct wrapping *wrapping, const char *word)
{
    while (*word) {
        size_t bytes = fitting(word, wrapping->cells - MIN(wrapping->used, wrapping->cells));
        g_autofree char *begin = g_strndup(word, bytes);
        g_string_append(wrapping->out, begin);
        wrapping->used += text_width(begin);
        word += bytes;
        if (*word)
            continue_line(wrapping);
    }
}

static void wrap_word(struct wrapping *wrapping, const char *word)
{
    size_t width = text_width(word), blank = wrapping->words ? 1 : 0;
    bool broken = may_be_broken(word) && wrapping->indent + width > wrapping->cells;

    if (wrapping->words && wrapping->used + blank + (broken ? 2 : width) > wrapping->cells) {
        continue_line(wrapping);
        blank = 0;
    }
    g_string_append(wrapping->out, blank ? " " : "");
    wrapping->used += blank;
    if (broken) {
        break_word(wrapping, word);
    } else {
        g_string_append(wrapping->out, word);
        wrapping->used += width;
    }
    wrapping->words = true;
}

/* How far the words of an item are in: "- ", "* ", "12. ". */
static size_t bullet_length(const char *text)
{
    size_t digits = strspn(text, "0123456789");

    if (g_str_has_prefix(text, "- ") || g_str_has_prefix(text, "* "))
        return 2;
    return digits > 0 && digits < 4 && g_str_has_prefix(text + digits, ". ") ? digits + 2 : 0;
}

static void wrap_line(GString *out, const char *line, size_t cells)
{
    size_t blanks = strspn(line, " ");
    struct wrapping wrapping = {.out = out, .cells = cells, .used = blanks};
    g_auto(GStrv) words = g_strsplit(line + blanks, " ", -1);

    wrapping.indent = MIN(blanks + bullet_length(line + blanks), cells / 2);
    g_string_append_len(out, line, (gssize)blanks);
    for (char **word = words; *word; word++)
        if (**word)
            wrap_word(&wrapping, *word);
}

char *view_text_wrap(const char *text)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    GString *out = g_string_new(NULL);
    guint empty = 1; /* none at the beginning */

    for (char **line = lines; *line; line++) {
        g_strchomp(*line);
        empty = **line ? 0 : empty + 1;
        if (empty > 1)
            continue;
        if (text_width(*line) > VIEW_TEXT_COLUMNS)
            wrap_line(out, *line, VIEW_TEXT_COLUMNS);
        else
            g_string_append(out, *line);
        g_string_append_c(out, '\n');
    }
    while (out->len > 1 && g_str_has_suffix(out->str, "\n\n"))
        g_string_truncate(out, out->len - 1);
    return g_string_free(out, FALSE);
}

/* --- tables ---------------------------------------------------------------------------------------------------------
 */

enum { BETWEEN = 2, FIRST_MIN = 12, COLUMNS_MAX = 8 };

static void measure(const GPtrArray *rows, size_t columns, size_t widths[COLUMNS_MAX])
{
    size_t others = 0, first = FIRST_MIN;

    for (size_t column = 0; column < columns; column++) {
        for (guint i = 0; i < rows->len; i++)
            widths[column] = MAX(widths[column], text_width(((char **)g_ptr_array_index(rows, i))[column]));
        others += column > 0 ? widths[column] + BETWEEN : 0;
    }
    if (others + FIRST_MIN < VIEW_TEXT_COLUMNS)
        first = VIEW_TEXT_COLUMNS - others;
    widths[0] = MIN(widths[0], first);
}

static void append_row(GString *out, char *const *row, size_t columns, const size_t *widths)
{
    g_autoptr(GString) first = g_string_new(NULL);

    wrap_line(first, row[0], widths[0]);
    g_auto(GStrv) lines = g_strsplit(first->str, "\n", -1);
    for (char **line = lines; *line; line++) {
        g_autofree char *cell = text_fit(*line, widths[0]);
        g_string_append_printf(out, "%s%s", out->len > 0 ? "\n" : "", cell);
        for (size_t column = 1; line == lines && column < columns; column++) {
            g_autofree char *other = text_fit(row[column], widths[column]);
            g_string_append_printf(out, "%*s%s", BETWEEN, "", other);
        }
        while (g_str_has_suffix(out->str, " "))
            g_string_truncate(out, out->len - 1);
    }
}

char *view_text_table(const GPtrArray *rows)
{
    size_t columns = g_strv_length(g_ptr_array_index(rows, 0)), widths[COLUMNS_MAX] = {0};
    GString *out = g_string_new(NULL);

    g_assert(columns <= COLUMNS_MAX);
    measure(rows, columns, widths);
    for (guint i = 0; i < rows->len; i++)
        append_row(out, g_ptr_array_index(rows, i), columns, widths);
    return g_string_free(out, FALSE);
}
