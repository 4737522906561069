/* html_pieces - a text of outsiders, HTML or plain, as a flat list of what is kept of it: words with their emphasis and
 * links, paragraphs, items of lists, small tables. What writes it anew need not know HTML. */
#ifndef M365KEEP_REPORT_HTML_PIECES_H
#define M365KEEP_REPORT_HTML_PIECES_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

enum {
    HTML_BYTES_MAX = 256 << 10, /* what is read of a text: posts have some 10 KB, and the parser's time is bounded so */
    HTML_TAG_MAX = 4096,        /* bytes of a tag; longer ones are taken as text */
    HTML_LIST_DEPTH_MAX = 4,
    HTML_TABLE_CELLS_MAX = 4, /* in a row: what a phone shows without scrolling; larger tables become lines */
    HTML_TABLE_ROWS_MAX = 60,
    HTML_LINK_MAX = 2000, /* characters of an address */
};

enum html_piece_kind {
    HTML_PARAGRAPH, /* begins; with `depth`: within an item of a list of that depth */
    HTML_ITEM,      /* of a list begins; `number` 0: it has a dot */
    HTML_BREAK,     /* of a line */
    HTML_WORDS,
    HTML_TABLE,
    HTML_ROW,
    HTML_CELL, /* begins; `bold`: of a head */
    HTML_TABLE_END,
};

/* `text` and `link` are owned. */
struct html_piece {
    enum html_piece_kind kind;
    GString *text; /* of HTML_WORDS: UTF-8, single blanks, no control characters */
    char *link;    /* NULL, or an address of http, https or mailto, of printable ASCII */
    bool bold, italic;
    guint depth, number;
};

/* Returned: struct html_piece, g_array_unref. *shortened: something was left out for its length. */
GArray *html_pieces_new(const char *content, bool html, size_t max_chars, bool *shortened);

/* What an element means for the words in it. */
enum html_role {
    HTML_ROLE_NONE, /* it is no element: "<UserName>" in a text */
    HTML_ROLE_WITHIN,
    HTML_ROLE_BOLD,
    HTML_ROLE_ITALIC,
    HTML_ROLE_LINK,
    HTML_ROLE_PICTURE,
    HTML_ROLE_BREAK,
    HTML_ROLE_BLOCK,
    HTML_ROLE_HEADING,
    HTML_ROLE_PRE,
    HTML_ROLE_LIST,
    HTML_ROLE_NUMBERED,
    HTML_ROLE_ITEM,
    HTML_ROLE_TABLE,
    HTML_ROLE_ROW,
    HTML_ROLE_CELL,
    HTML_ROLE_HEAD_CELL,
    HTML_ROLE_DROPPED, /* with all that is in it */
};

/* By name, whatever its case. */
enum html_role html_role_of(const char *name, size_t length);

/* The HTML with what only looks like markup escaped ("<UserName>", "1<2"), and without comments, declarations, scripts
 * and styles: the parser sees tags that there are. *lines: its line breaks are meant to be seen, as nothing else parts
 * its lines. Returned: g_free. */
char *html_tags_only(const char *html, bool *lines);

#endif
