/* printer - rows on standard output: as a table for people, as JSON, CSV, or the records' raw bytes.
 *
 * On a terminal, control characters and their like show as escapes in every format: names and user agents are
 * outsiders' text. */
#ifndef M365KEEP_PRINTER_H
#define M365KEEP_PRINTER_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

enum print_format {
    PRINT_FORMAT_TABLE, /* fitted to the terminal, safe for it; in a pipe nothing is cut */
    PRINT_FORMAT_JSON,  /* one array of documents */
    PRINT_FORMAT_CSV,   /* RFC 4180 with a header, safe for spreadsheets */
    PRINT_FORMAT_RAW    /* the exact bytes of each record and a newline */
};

enum print_when {
    PRINT_ALWAYS,
    PRINT_WHEN_SEVERAL, /* where rows differ in it */
    PRINT_WHEN_TOLD     /* where a cell is other than "-" */
};

/* A column of a table. */
struct print_column {
    const char *title;
    size_t most, most_wide; /* cells on a terminal, and on a wide one; 0 for the one column that takes what is left */
    size_t least;           /* cells that it may be squeezed to where the line is too short; 0: it may not */
    size_t from;            /* shown on terminals of so many columns at least */
    enum print_when when;
    const char *(*color)(const char *cell); /* the escape sequence or ""; NULL: none */
};

/* What is printed: its table (ended by a NULL title, PRINT_COLUMNS_MOST at most), and its CSV's header line. */
struct print_kind {
    const struct print_column *columns;
    const char *csv_titles;
};

enum {
    PRINT_COLUMNS_MOST = 9,
    PRINT_WIDE = 100 /* columns of a wide terminal */
};

typedef struct printer Printer;

/* `kind` is borrowed, `limit` is how many rows may come, and `one_customer` tells that all are of one customer: a
 * PRINT_WHEN_SEVERAL column is not needed then. Returned: printer_free. */
struct printer *printer_new(const struct print_kind *kind, enum print_format format, int limit, bool one_customer);
void printer_free(struct printer *printer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Printer, printer_free)

enum print_format printer_format(const struct printer *printer);

/* One row in the printer's format. Each returns false when standard output takes no more. */

/* A row of the table, as many cells as it has columns; NULL shows as "-". Copied, made safe; kept back until widths can
 * be told. */
bool printer_add_cells(struct printer *printer, const char *const *cells);

/* A document that is JSON. */
bool printer_add_json(struct printer *printer, const char *json, size_t length);

/* A row of CSV; NULL is an empty field. */
bool printer_add_csv(struct printer *printer, const char *const *fields, size_t n);

/* A record's bytes, which are JSON. */
bool printer_add_raw(struct printer *printer, const char *raw, size_t length);

/* Prints what is still held back and what closes the format, also after a search that broke off: JSON stays one value.
 * With nothing added, `ok` tells whether an empty result is to be printed (true) or nothing at all. */
void printer_finish(struct printer *printer, bool ok);

/* A timestamp (2026-11-20T07:01:02.1234567Z) as people read it: "2026-11-20 07:01:02", without its seconds, and the day
 * alone. NULL when it is none. Returned: g_free. */
char *print_time(const char *timestamp);
char *print_minute(const char *timestamp);
char *print_day(const char *timestamp);

#endif
