#include "report/html_pieces.h"

#include <libxml/HTMLparser.h>
#include <string.h>

/* What parts the words to come from those before; the greater includes the lesser. */
enum due { DUE_NOTHING, DUE_BLANK, DUE_LINE, DUE_PARAGRAPH };

struct builder {
    GArray *pieces;
    bool limited, full;
    size_t left; /* with `limited`: characters that may still come */
    enum due due;
    bool fresh;       /* no words stand yet in the text, the item or the cell that they would go to */
    bool item;        /* one begins with the next words */
    guint number;     /* of that item; 0: it has a dot */
    guint depth;      /* of lists */
    bool table, cell; /* inside them */
    guint bold, italic, pre;
    const char *link; /* borrowed; NULL: none */
    bool lines;       /* line breaks of the text are to be seen */
    guint line_ends;  /* of the text, since the last of its words */
};

static void piece_clear(gpointer data)
{
    struct html_piece *piece = data;

    if (piece->text)
        g_string_free(piece->text, TRUE);
    g_free(piece->link);
}

static struct html_piece *last(const struct builder *builder)
{
    guint n = builder->pieces->len;

    return n > 0 ? &g_array_index(builder->pieces, struct html_piece, n - 1) : NULL;
}

static struct html_piece *add(struct builder *builder, enum html_piece_kind kind)
{
    const struct html_piece piece = {.kind = kind, .depth = builder->depth};

    g_array_append_val(builder->pieces, piece);
    return last(builder);
}

/* --- words ----------------------------------------------------------------------------------------------------------
 */

static void part(struct builder *builder, enum due due)
{
    /* Two line breaks in a row are how many write a paragraph. */
    if (due == DUE_LINE && builder->due == DUE_LINE)
        due = DUE_PARAGRAPH;
    builder->due = MAX(builder->due, due);
}

/* Writes what parts the next words from those before; what is then still due is a blank at most. */
static void settle(struct builder *builder)
{
    enum due due = builder->fresh ? DUE_NOTHING : builder->due;

    if (builder->item)
        add(builder, HTML_ITEM)->number = builder->number;
    else if (!builder->cell && (builder->fresh || due == DUE_PARAGRAPH))
        add(builder, HTML_PARAGRAPH);
    else if (due >= DUE_LINE)
        add(builder, HTML_BREAK);
    builder->due = due == DUE_BLANK && !builder->item ? DUE_BLANK : DUE_NOTHING;
    builder->item = builder->fresh = false;
}

static struct html_piece *add_words(struct builder *builder)
{
    struct html_piece *piece = add(builder, HTML_WORDS);

    piece->text = g_string_new(NULL);
    piece->link = g_strdup(builder->link);
    piece->bold = builder->bold > 0;
    piece->italic = builder->italic > 0;
    return piece;
}

static bool is_alike(const struct html_piece *piece, const struct builder *builder)
{
    return piece->bold == (builder->bold > 0) && piece->italic == (builder->italic > 0) &&
           g_strcmp0(piece->link, builder->link) == 0;
}

static bool is_plain(const struct html_piece *piece)
{
    return !piece->bold && !piece->italic && !piece->link;
}

/* Between pieces that differ, a blank goes to the plain one, or stands alone: no link and no bold words begin or end
 * with it. */
static struct html_piece *part_by_blank(struct builder *builder, struct html_piece *before)
{
    struct html_piece *piece;

    if (is_plain(before)) {
        g_string_append_c(before->text, ' ');
        return add_words(builder);
    }
    piece = add_words(builder);
    if (!is_plain(piece)) {
        g_clear_pointer(&piece->link, g_free);
        piece->bold = piece->italic = false;
    }
    g_string_append_c(piece->text, ' ');
    return is_alike(piece, builder) ? piece : add_words(builder);
}

/* The piece that the next word goes to, the blank before it written. */
static struct html_piece *open_words(struct builder *builder)
{
    bool blank = builder->due == DUE_BLANK;
    struct html_piece *piece = last(builder);

    builder->due = DUE_NOTHING;
    if (!piece || piece->kind != HTML_WORDS)
        return add_words(builder);
    if (!is_alike(piece, builder))
        return blank ? part_by_blank(builder, piece) : add_words(builder);
    if (blank)
        g_string_append_c(piece->text, ' ');
    return piece;
}

enum { WORD_WHOLE_MAX = 30 }; /* characters; longer words are cut rather than left out */

/* A word, without blanks. */
static void add_word(struct builder *builder, const char *word, size_t bytes)
{
    size_t chars = (size_t)g_utf8_strlen(word, (gssize)bytes);
    bool blank = builder->due != DUE_NOTHING && !builder->fresh;

    if (builder->limited && chars + blank > builder->left) {
        builder->full = true;
        if (builder->left < (size_t)WORD_WHOLE_MAX + blank && last(builder))
            return;
        chars = builder->left - blank;
        bytes = (size_t)(g_utf8_offset_to_pointer(word, (glong)chars) - word);
    }
    settle(builder);
    builder->left -= builder->limited ? chars + blank : 0;
    g_string_append_len(open_words(builder)->text, word, (gssize)bytes);
}

/* --- text -----------------------------------------------------------------------------------------------------------
 */

enum { NO_BREAK_SPACE = 0xa0, SOFT_HYPHEN = 0xad };

static bool is_blank(gunichar c)
{
    return c <= 0x20 || c == NO_BREAK_SPACE;
}

/* A line's end in the text: it parts lines where nothing else does, and an empty line always parts paragraphs. */
static void end_line(struct builder *builder)
{
    builder->line_ends++;
    if (builder->line_ends > 1)
        part(builder, DUE_PARAGRAPH);
    else
        part(builder, builder->lines || builder->pre ? DUE_LINE : DUE_BLANK);
}

/* Numbers 128 to 159 are no characters; in a reference everybody means those of Windows-1252, and HTML says so
 * (13.2.5.80). NULL: that has none either. Returned: g_free. */
static char *windows_1252(gunichar c)
{
    const char byte = (char)c;

    return g_convert(&byte, 1, "UTF-8", "WINDOWS-1252", NULL, NULL, NULL);
}

static void end_word(struct builder *builder, GString *word)
{
    if (word->len == 0)
        return;
    if (!builder->full)
        add_word(builder, word->str, word->len);
    builder->line_ends = 0;
    g_string_truncate(word, 0);
}

/* What turns the direction of writing around, for all that follows, is no part of a text that others go on with. */
static bool is_turn(gunichar c)
{
    return (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

static void add_character(struct builder *builder, GString *word, gunichar c)
{
    g_autofree char *meant = NULL;

    if (is_blank(c)) {
        end_word(builder, word);
        if (c == '\n')
            end_line(builder);
        else
            part(builder, DUE_BLANK);
    } else if (c >= 0x7f && c < 0xa0) {
        meant = c >= 0x80 ? windows_1252(c) : NULL;
        if (meant)
            g_string_append(word, meant);
    } else if (c != SOFT_HYPHEN && !is_turn(c) && (c & 0xfffe) != 0xfffe) { /* not seen; and no characters */
        g_string_append_unichar(word, c);
    }
}

static void add_text(struct builder *builder, const char *text)
{
    g_autoptr(GString) word = g_string_new(NULL);

    for (const char *at = text; *at && !builder->full; at = g_utf8_next_char(at))
        if (*at != '\r' || at[1] != '\n')
            add_character(builder, word, *at == '\r' ? '\n' : g_utf8_get_char(at));
    end_word(builder, word);
}

/* --- links ----------------------------------------------------------------------------------------------------------
 */

/* The letters, digits and signs that an address may have; brackets of IPv6 hosts aside, those need no escape. */
static bool is_of_address(char c)
{
    return g_ascii_isalnum(c) || (c && strchr("-._~:/?#[]@!$&'()*+,;=%", c));
}

/* "example.org", "example.org:443": a name that is one, without a user before it, who would only mislead. */
static bool is_host(const char *host, size_t length)
{
    size_t name = 0;

    while (name < length && (g_ascii_isalnum(host[name]) || strchr("-._", host[name])))
        name++;
    if (name == 0 || !g_ascii_isalnum(host[0]))
        return false;
    if (name < length && host[name] == ':')
        for (name++; name < length && g_ascii_isdigit(host[name]);)
            name++;
    return name == length;
}

static bool is_sane(const char *link)
{
    static const char *const schemes[] = {"http://", "https://"};

    for (size_t i = 0; i < G_N_ELEMENTS(schemes); i++) {
        size_t length = strlen(schemes[i]);
        if (g_ascii_strncasecmp(link, schemes[i], length) == 0)
            return is_host(link + length, strcspn(link + length, "/?#"));
    }
    if (g_ascii_strncasecmp(link, "mailto:", 7) != 0)
        return false;
    const char *at = strchr(link, '@');
    return at && at > link + 7 && is_host(at + 1, strcspn(at + 1, "?"));
}

/* The address as it may be written, what is beyond ASCII percent-encoded; NULL when it is none that we let through.
 * Returned: g_free. */
static char *sane_link(const char *href)
{
    g_autofree char *trimmed = g_strstrip(g_strdup(href));
    g_autoptr(GString) link = g_string_new(NULL);

    for (const char *c = trimmed; *c; c++) {
        if (is_of_address(*c))
            g_string_append_c(link, *c);
        else if ((unsigned char)*c >= 0x80)
            g_string_append_printf(link, "%%%02X", (unsigned char)*c);
        else
            return NULL;
    }
    if (link->len > HTML_LINK_MAX || !is_sane(link->str))
        return NULL;
    return g_strdup(link->str);
}

/* --- elements -------------------------------------------------------------------------------------------------------
 */

static void walk(struct builder *builder, const xmlNode *node);

static void walk_children(struct builder *builder, const xmlNode *node)
{
    for (const xmlNode *child = node->children; child && !builder->full; child = child->next)
        walk(builder, child);
}

static enum html_role role_of(const xmlNode *node)
{
    const char *name = (const char *)node->name;

    return node->type == XML_ELEMENT_NODE ? html_role_of(name, strlen(name)) : HTML_ROLE_NONE;
}

/* Returned: g_free; NULL. */
static char *attribute(const xmlNode *node, const char *name)
{
    xmlChar *value = xmlGetNoNsProp(node, (const xmlChar *)name);
    char *copy = value ? g_strdup((const char *)value) : NULL;

    xmlFree(value);
    return copy;
}

static void walk_block(struct builder *builder, const xmlNode *node)
{
    part(builder, DUE_PARAGRAPH);
    walk_children(builder, node);
    part(builder, DUE_PARAGRAPH);
    builder->line_ends = 0;
}

static void walk_counted(struct builder *builder, const xmlNode *node, guint *count, bool block)
{
    (*count)++;
    if (block)
        walk_block(builder, node);
    else
        walk_children(builder, node);
    (*count)--;
}

static void walk_link(struct builder *builder, const xmlNode *node)
{
    g_autofree char *href = attribute(node, "href");
    g_autofree char *link = href ? sane_link(href) : NULL;
    const char *outer = builder->link;

    if (link)
        builder->link = link;
    walk_children(builder, node);
    builder->link = outer;
}

/* A picture is what it says instead. */
static void walk_picture(struct builder *builder, const xmlNode *node)
{
    g_autofree char *alt = attribute(node, "alt");

    if (alt && *g_strstrip(alt)) {
        g_autofree char *words = g_strdup_printf(" [%s] ", alt);
        add_text(builder, words);
    }
}

static void begin_item(struct builder *builder, guint number)
{
    if (!builder->cell) {
        builder->item = true;
        builder->number = number;
        return;
    }
    /* Lists within a table are lines. */
    part(builder, DUE_LINE);
    add_text(builder, "\xe2\x80\xa2 ");
}

static void walk_item(struct builder *builder, const xmlNode *node, guint number)
{
    guint depth = builder->depth;

    builder->depth = MAX(depth, 1);
    begin_item(builder, number);
    walk_children(builder, node);
    builder->item = false; /* there were no words */
    builder->depth = depth;
    part(builder, DUE_PARAGRAPH);
    builder->line_ends = 0;
}

static void walk_list(struct builder *builder, const xmlNode *node, bool numbered)
{
    guint depth = builder->depth, number = 0;

    part(builder, DUE_PARAGRAPH);
    builder->depth = MIN(depth + 1, HTML_LIST_DEPTH_MAX);
    for (const xmlNode *child = node->children; child && !builder->full; child = child->next)
        if (role_of(child) == HTML_ROLE_ITEM)
            walk_item(builder, child, numbered ? ++number : 0);
        else
            walk(builder, child);
    builder->depth = depth;
    part(builder, DUE_PARAGRAPH);
}

/* --- tables ---------------------------------------------------------------------------------------------------------
 */

struct table_size {
    guint rows, cells;  /* cells: of the longest row */
    bool nested, loose; /* loose: there are words outside of its cells */
};

/* `in_cell`: node is one, or in one; `cells`: those of its row so far. */
static void measure(const xmlNode *node, bool in_cell, guint *cells, struct table_size *size)
{
    for (const xmlNode *child = node->children; child; child = child->next) {
        enum html_role role = role_of(child);
        bool cell = role == HTML_ROLE_CELL || role == HTML_ROLE_HEAD_CELL;
        guint inner = 0;
        *cells += cell;
        size->cells = MAX(size->cells, *cells);
        size->rows += role == HTML_ROLE_ROW;
        size->nested |= role == HTML_ROLE_TABLE || (in_cell && (cell || role == HTML_ROLE_ROW));
        size->loose |= !in_cell && child->type == XML_TEXT_NODE && !xmlIsBlankNode(child);
        measure(child, in_cell || cell, role == HTML_ROLE_ROW ? &inner : cells, size);
    }
}

static bool is_small(const xmlNode *table)
{
    struct table_size size = {0};
    guint cells = 0;

    measure(table, false, &cells, &size);
    return !size.nested && !size.loose && size.cells > 1 && size.cells <= HTML_TABLE_CELLS_MAX && size.rows > 0 &&
           size.rows <= HTML_TABLE_ROWS_MAX;
}

static void walk_table(struct builder *builder, const xmlNode *node)
{
    bool item = builder->item;

    if (builder->table || builder->cell || !is_small(node)) {
        walk_block(builder, node);
        return;
    }
    if (item)
        settle(builder);
    add(builder, HTML_TABLE);
    builder->table = true;
    walk_children(builder, node);
    builder->table = builder->cell = false;
    add(builder, HTML_TABLE_END);
    builder->fresh = true;
    builder->due = DUE_NOTHING;
}

static void walk_row(struct builder *builder, const xmlNode *node)
{
    if (!builder->table) {
        walk_block(builder, node);
        return;
    }
    add(builder, HTML_ROW);
    walk_children(builder, node);
}

/* In a table, a cell; in what has become lines, words with a dot between. */
static void walk_cell(struct builder *builder, const xmlNode *node, bool head)
{
    bool outer = builder->cell;

    if (builder->table && !outer) {
        add(builder, HTML_CELL)->bold = head;
        builder->cell = builder->fresh = true;
        builder->due = DUE_NOTHING;
        walk_children(builder, node);
        builder->cell = false;
        return;
    }
    if (node->prev && builder->due == DUE_BLANK && !builder->fresh)
        add_text(builder, " \xc2\xb7 ");
    walk_children(builder, node);
    part(builder, DUE_BLANK);
}

/* --- the tree -------------------------------------------------------------------------------------------------------
 */

static void walk_element(struct builder *builder, const xmlNode *node)
{
    enum html_role role = role_of(node);

    switch (role) {
    case HTML_ROLE_DROPPED:
        return;
    case HTML_ROLE_NONE:
    case HTML_ROLE_WITHIN:
        walk_children(builder, node);
        return;
    case HTML_ROLE_BOLD:
        walk_counted(builder, node, &builder->bold, false);
        return;
    case HTML_ROLE_ITALIC:
        walk_counted(builder, node, &builder->italic, false);
        return;
    case HTML_ROLE_HEADING:
        walk_counted(builder, node, &builder->bold, true);
        return;
    case HTML_ROLE_PRE:
        walk_counted(builder, node, &builder->pre, true);
        return;
    case HTML_ROLE_LINK:
        walk_link(builder, node);
        return;
    case HTML_ROLE_PICTURE:
        walk_picture(builder, node);
        return;
    case HTML_ROLE_BREAK:
        part(builder, DUE_LINE);
        return;
    case HTML_ROLE_BLOCK:
        walk_block(builder, node);
        return;
    case HTML_ROLE_LIST:
    case HTML_ROLE_NUMBERED:
        walk_list(builder, node, role == HTML_ROLE_NUMBERED);
        return;
    case HTML_ROLE_ITEM:
        walk_item(builder, node, 0);
        return;
    case HTML_ROLE_TABLE:
        walk_table(builder, node);
        return;
    case HTML_ROLE_ROW:
        walk_row(builder, node);
        return;
    case HTML_ROLE_CELL:
    case HTML_ROLE_HEAD_CELL:
        walk_cell(builder, node, role == HTML_ROLE_HEAD_CELL);
        return;
    }
}

static void walk(struct builder *builder, const xmlNode *node)
{
    if (node->type == XML_ELEMENT_NODE)
        walk_element(builder, node);
    else if (node->type == XML_TEXT_NODE && node->content && !(builder->table && !builder->cell))
        add_text(builder, (const char *)node->content);
}

/* libxml2 gives up at 256 elements in one another; what it has read until then is kept. */
static void build(struct builder *builder, const char *html)
{
    g_autofree char *tags = html_tags_only(html, &builder->lines);
    htmlParserCtxtPtr parser = htmlNewParserCtxt();
    /* In memory, from no address, without its own encoding; what is wrong with it is nobody's news. */
    htmlDocPtr document = htmlCtxtReadMemory(parser, tags, (int)strlen(tags), NULL, "UTF-8",
                                             HTML_PARSE_RECOVER | HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING |
                                                 HTML_PARSE_NONET | HTML_PARSE_IGNORE_ENC | HTML_PARSE_COMPACT);

    for (const xmlNode *node = document ? document->children : NULL; node && !builder->full; node = node->next)
        walk(builder, node);
    if (parser->lastError.code == XML_ERR_INTERNAL_ERROR)
        builder->full = true;
    if (document)
        xmlFreeDoc(document);
    htmlFreeParserCtxt(parser);
}

GArray *html_pieces_new(const char *content, bool html, size_t max_chars, bool *shortened)
{
    size_t length = strlen(content);
    g_autofree char *text = NULL;
    struct builder builder = {.fresh = true, .limited = max_chars > 0, .left = max_chars, .lines = true};

    builder.pieces = g_array_new(FALSE, FALSE, sizeof(struct html_piece));
    g_array_set_clear_func(builder.pieces, piece_clear);
    text = g_utf8_make_valid(content, (gssize)MIN(length, HTML_BYTES_MAX));
    if (html)
        build(&builder, text);
    else
        add_text(&builder, text);
    *shortened = builder.full || length > HTML_BYTES_MAX;
    return builder.pieces;
}
