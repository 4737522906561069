#include "report/html.h"

#include <string.h>

#include "report/html_pieces.h"

static const char ellipsis[] = "\xe2\x80\xa6";

/* --- characters -----------------------------------------------------------------------------------------------------
 */

static const char *reference_of(gunichar c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

/* C0 but tab and line ends, DEL, C1, and what is no character. */
static bool is_left_out(gunichar c)
{
    return (c < 0x20 && c != '\t' && c != '\n' && c != '\r') || (c >= 0x7f && c < 0xa0) || (c & 0xfffe) == 0xfffe;
}

static void append_escaped(GString *out, const char *text)
{
    for (const char *at = text; *at; at = g_utf8_next_char(at)) {
        gunichar c = g_utf8_get_char(at);
        const char *reference = reference_of(c);
        if (reference)
            g_string_append(out, reference);
        else if (!is_left_out(c))
            g_string_append_unichar(out, c);
    }
}

char *html_escape(const char *text)
{
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    GString *out = g_string_sized_new(strlen(valid));

    append_escaped(out, valid);
    return g_string_free(out, FALSE);
}

/* --- HTML -----------------------------------------------------------------------------------------------------------
 */

/* Inline, as mail programs throw style sheets away; none of it comes from outside. */
#define PARAGRAPH "<p style=\"margin:0 0 10px\">"
#define BULLETS   "<ul style=\"margin:0 0 10px;padding:0 0 0 22px\">"
#define NUMBERS   "<ol style=\"margin:0 0 10px;padding:0 0 0 26px\">"
#define ITEM      "<li style=\"margin:0 0 4px\">"
#define TABLE                                                                                                          \
    "<table cellpadding=\"0\" cellspacing=\"0\" border=\"0\" style=\"margin:0 0 10px;border-collapse:collapse\">"
#define CELL "style=\"padding:4px 14px 4px 0;text-align:left;vertical-align:top\">"
#define LINK "style=\"color:#0b5cad\">"

struct page {
    GString *out;
    bool paragraph, row;
    const char *cell; /* what closes it; NULL: none is open */
    guint depth;      /* of lists; an item is open in each */
    bool numbered[HTML_LIST_DEPTH_MAX + 1];
};

static void close_paragraph(struct page *page)
{
    if (page->paragraph)
        g_string_append(page->out, "</p>\n");
    page->paragraph = false;
}

static void close_lists(struct page *page, guint depth)
{
    for (; page->depth > depth; page->depth--)
        g_string_append(page->out, page->numbered[page->depth] ? "</li></ol>\n" : "</li></ul>\n");
}

static void begin_paragraph(struct page *page, guint depth)
{
    guint open = page->depth;

    close_paragraph(page);
    if (depth == 0 || open == 0) {
        close_lists(page, 0);
        g_string_append(page->out, PARAGRAPH);
        page->paragraph = true;
    } else {
        close_lists(page, depth);
        if (open <= depth) /* else the list that ends parts them */
            g_string_append(page->out, "<br>");
    }
}

static void begin_item(struct page *page, const struct html_piece *piece)
{
    guint depth = MIN(piece->depth, page->depth + 1);
    bool numbered = piece->number > 0;

    close_paragraph(page);
    close_lists(page, depth);
    if (page->depth == depth && (page->numbered[depth] != numbered || piece->number == 1))
        close_lists(page, depth - 1);
    if (page->depth == depth) {
        g_string_append(page->out, "</li>\n" ITEM);
        return;
    }
    page->numbered[++page->depth] = numbered;
    g_string_append(page->out, numbered ? NUMBERS ITEM : BULLETS ITEM);
}

static void close_cell(struct page *page)
{
    if (page->cell)
        g_string_append(page->out, page->cell);
    page->cell = NULL;
}

static void close_row(struct page *page)
{
    close_cell(page);
    if (page->row)
        g_string_append(page->out, "</tr>\n");
    page->row = false;
}

static void begin_table(struct page *page)
{
    close_paragraph(page);
    close_lists(page, 0);
    g_string_append(page->out, TABLE "\n");
}

static void begin_row(struct page *page)
{
    close_row(page);
    g_string_append(page->out, "<tr>");
    page->row = true;
}

static void begin_cell(struct page *page, bool head)
{
    close_cell(page);
    if (!page->row)
        begin_row(page);
    g_string_append(page->out, head ? "<th scope=\"col\" " CELL : "<td " CELL);
    page->cell = head ? "</th>" : "</td>";
}

static void write_words(GString *out, const struct html_piece *piece)
{
    g_string_append(out, piece->bold ? "<b>" : "");
    g_string_append(out, piece->italic ? "<i>" : "");
    if (piece->link) {
        g_string_append(out, "<a href=\"");
        append_escaped(out, piece->link);
        g_string_append(out, "\" " LINK);
    }
    append_escaped(out, piece->text->str);
    g_string_append(out, piece->link ? "</a>" : "");
    g_string_append(out, piece->italic ? "</i>" : "");
    g_string_append(out, piece->bold ? "</b>" : "");
}

static void write_piece(struct page *page, const struct html_piece *piece)
{
    switch (piece->kind) {
    case HTML_PARAGRAPH:
        begin_paragraph(page, piece->depth);
        break;
    case HTML_ITEM:
        begin_item(page, piece);
        break;
    case HTML_BREAK:
        g_string_append(page->out, "<br>\n");
        break;
    case HTML_WORDS:
        write_words(page->out, piece);
        break;
    case HTML_TABLE:
        begin_table(page);
        break;
    case HTML_ROW:
        begin_row(page);
        break;
    case HTML_CELL:
        begin_cell(page, piece->bold);
        break;
    case HTML_TABLE_END:
        close_row(page);
        g_string_append(page->out, "</table>\n");
        break;
    }
}

/* The ellipsis goes behind the last words, wherever these stand. */
static void mark_shortened(GArray *pieces)
{
    for (guint i = pieces->len; i > 0; i--) {
        const struct html_piece *piece = &g_array_index(pieces, struct html_piece, i - 1);
        if (piece->kind == HTML_WORDS) {
            g_string_append(piece->text, ellipsis);
            return;
        }
    }
}

static GArray *pieces_of(const char *content, bool html, size_t max_chars, bool *shortened)
{
    bool cut;
    GArray *pieces = html_pieces_new(content, html, max_chars, &cut);

    if (cut)
        mark_shortened(pieces);
    if (shortened)
        *shortened = cut;
    return pieces;
}

char *html_safe(const char *content, bool html, size_t max_chars, bool *shortened)
{
    g_autoptr(GArray) pieces = pieces_of(content, html, max_chars, shortened);
    struct page page = {.out = g_string_new(NULL)};

    for (guint i = 0; i < pieces->len; i++)
        write_piece(&page, &g_array_index(pieces, struct html_piece, i));
    close_paragraph(&page);
    close_lists(&page, 0);
    return g_string_free(page.out, FALSE);
}

/* --- plain text -----------------------------------------------------------------------------------------------------
 */

/* Begins a line, `indent` levels in; nothing where the text begins. */
static void begin_line(GString *out, guint indent, bool apart)
{
    if (out->len > 0)
        g_string_append(out, apart ? "\n\n" : "\n");
    for (guint i = 0; i < indent; i++)
        g_string_append(out, "  ");
}

/* A link's address follows its words, unless they say it already. */
static void write_plain_words(GString *out, const struct html_piece *piece)
{
    const char *address = piece->link;

    g_string_append(out, piece->text->str);
    if (!address)
        return;
    if (g_ascii_strncasecmp(address, "mailto:", 7) == 0)
        address += 7;
    if (!strstr(piece->text->str, address))
        g_string_append_printf(out, " (%s)", address);
}

static void write_plain(GString *out, const struct html_piece *piece, const struct html_piece *before)
{
    switch (piece->kind) {
    case HTML_PARAGRAPH:
        begin_line(out, piece->depth, piece->depth == 0);
        break;
    case HTML_ITEM:
        /* The first one of a list is apart from the paragraph before. */
        begin_line(out, piece->depth - 1, before && before->depth == 0);
        if (piece->number > 0)
            g_string_append_printf(out, "%u. ", piece->number);
        else
            g_string_append(out, "- ");
        break;
    case HTML_BREAK:
        begin_line(out, piece->depth, false);
        break;
    case HTML_WORDS:
        write_plain_words(out, piece);
        break;
    case HTML_TABLE:
    case HTML_TABLE_END:
        break;
    case HTML_ROW:
        begin_line(out, 0, before && before->kind == HTML_TABLE);
        break;
    case HTML_CELL:
        g_string_append(out, before && before->kind == HTML_ROW ? "" : " | ");
        break;
    }
}

char *html_plain(const char *content, bool html, size_t max_chars, bool *shortened)
{
    g_autoptr(GArray) pieces = pieces_of(content, html, max_chars, shortened);
    GString *out = g_string_new(NULL);

    for (guint i = 0; i < pieces->len; i++)
        write_plain(out, &g_array_index(pieces, struct html_piece, i),
                    i > 0 ? &g_array_index(pieces, struct html_piece, i - 1) : NULL);
    return g_string_free(out, FALSE);
}
