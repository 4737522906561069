#include "printer.h"

#include <string.h>
#include <unistd.h>

#include "base/base.h"
#include "commands.h"

enum {
    ROWS_HELD = 1000, /* to learn how wide the columns must be; later rows are fitted into the same widths */
    GAP = 2,
    REST_LEAST = 20, /* cells of the column that takes what is left of the line */
    PIPE_MOST = 60   /* cells of a column in a pipe: one endless name is not to push all others apart */
};

struct row {
    char *cells[PRINT_COLUMNS_MOST]; /* safe for a terminal */
};

struct printer {
    const struct print_kind *kind;
    enum print_format format;
    GString *line;
    bool begun; /* something was written */
    /* The table's. */
    GPtrArray *rows; /* struct row * held back; NULL once widths are known */
    bool color, one_customer, long_search;
    size_t terminal;        /* its columns; 0: no terminal, nothing is cut */
    size_t n_columns, last; /* the last one that is shown is not padded */
    size_t widths[PRINT_COLUMNS_MOST];
    bool shown[PRINT_COLUMNS_MOST];
};

/* --- cells -------------------------------------------------------------------------------------------------------- */

/* As much of the timestamp as the pattern is long, with a blank for the T. */
static char *beginning(const char *timestamp, const char *pattern)
{
    size_t length = strlen(pattern);

    if (timestamp == NULL || strlen(timestamp) < length)
        return NULL;
    return g_strdelimit(g_strndup(timestamp, length), "T", ' ');
}

char *print_time(const char *timestamp)
{
    return beginning(timestamp, "2026-11-20 07:01:02");
}

char *print_minute(const char *timestamp)
{
    return beginning(timestamp, "2026-11-20 07:01");
}

char *print_day(const char *timestamp)
{
    return beginning(timestamp, "2026-11-20");
}

static void row_free(gpointer data)
{
    struct row *row = data;
    for (size_t i = 0; i < PRINT_COLUMNS_MOST; i++)
        g_free(row->cells[i]);
    g_free(row);
}

static struct row *row_new(const struct printer *printer, const char *const *cells)
{
    struct row *row = g_new0(struct row, 1);

    for (size_t i = 0; i < printer->n_columns; i++)
        row->cells[i] = text_for_terminal(cells[i] != NULL ? cells[i] : "-");
    return row;
}

/* --- table -------------------------------------------------------------------------------------------------------- */

/* Appends a cell, padded to its column unless it is the row's last, and on a terminal cut to it. */
static void append_cell(const struct printer *printer, size_t column, const char *text)
{
    GString *line = printer->line;
    size_t width = printer->widths[column];

    if (column == printer->last) {
        g_autofree char *cut = printer->terminal > 0 && text_width(text) > width ? text_fit(text, width) : NULL;
        g_string_append(line, cut != NULL ? cut : text);
        return;
    }
    if (printer->terminal > 0) {
        g_autofree char *fitted = text_fit(text, width);
        g_string_append(line, fitted);
    } else {
        g_string_append(line, text);
        for (size_t cells = text_width(text); cells < width; cells++)
            g_string_append_c(line, ' ');
    }
    g_string_append_printf(line, "%*s", GAP, "");
}

static bool print_row(struct printer *printer, const struct row *row)
{
    g_string_truncate(printer->line, 0);
    for (size_t i = 0; i < printer->n_columns; i++) {
        if (!printer->shown[i])
            continue;
        const struct print_column *column = &printer->kind->columns[i];
        const char *color = printer->color && column->color != NULL ? column->color(row->cells[i]) : "";
        g_string_append(printer->line, color);
        append_cell(printer, i, row->cells[i]);
        if (*color != '\0')
            g_string_append(printer->line, "\x1b[0m");
    }
    g_string_append_c(printer->line, '\n');
    return command_write(printer->line->str, printer->line->len);
}

static bool print_titles(struct printer *printer)
{
    g_string_assign(printer->line, printer->color ? "\x1b[1m" : "");
    for (size_t i = 0; i < printer->n_columns; i++)
        if (printer->shown[i])
            append_cell(printer, i, printer->kind->columns[i].title);
    g_string_append(printer->line, printer->color ? "\x1b[0m\n" : "\n");
    return command_write(printer->line->str, printer->line->len);
}

/* Whether a cell of the column is other than `usual`. */
static bool has_other(const GPtrArray *rows, size_t column, const char *usual)
{
    for (guint i = 0; i < rows->len; i++)
        if (strcmp(((const struct row *)rows->pdata[i])->cells[column], usual) != 0)
            return true;
    return false;
}

/* Whether there is to be such a column. Rows that are still to come may need it. */
static bool is_shown(const struct printer *printer, size_t i)
{
    const struct print_column *column = &printer->kind->columns[i];
    const struct row *first = printer->rows->len > 0 ? printer->rows->pdata[0] : NULL;

    if (printer->terminal > 0 && printer->terminal < column->from)
        return false;
    switch (column->when) {
    case PRINT_WHEN_SEVERAL:
        return !printer->one_customer &&
               (printer->long_search || (first != NULL && has_other(printer->rows, i, first->cells[i])));
    case PRINT_WHEN_TOLD:
        return printer->long_search || has_other(printer->rows, i, "-");
    case PRINT_ALWAYS:
        break;
    }
    return true;
}

/* How wide a column must be for the rows held back. */
static size_t needed_width(const struct printer *printer, size_t i)
{
    const struct print_column *column = &printer->kind->columns[i];
    size_t most = printer->terminal == 0            ? (size_t)PIPE_MOST
                  : printer->terminal >= PRINT_WIDE ? column->most_wide
                                                    : column->most;
    size_t width = strlen(column->title);

    for (guint r = 0; r < printer->rows->len; r++)
        width = MAX(width, text_width(((const struct row *)printer->rows->pdata[r])->cells[i]));
    return most > 0 ? MIN(width, most) : width;
}

/* The cells of a line: the widths of what is shown, and the gaps between. */
static size_t line_width(const struct printer *printer)
{
    size_t cells = 0;

    for (size_t i = 0; i < printer->n_columns; i++)
        if (printer->shown[i])
            cells += printer->widths[i] + (i < printer->last ? GAP : 0);
    return cells;
}

/* Takes cells from the column that has the most to give, until the line fits or nobody has any. */
static void squeeze(struct printer *printer)
{
    for (size_t over = line_width(printer); over > printer->terminal; over--) {
        size_t widest = PRINT_COLUMNS_MOST;
        for (size_t i = 0; i < printer->n_columns; i++) {
            size_t least = printer->kind->columns[i].least;
            if (printer->shown[i] && least > 0 && printer->widths[i] > least &&
                (widest == PRINT_COLUMNS_MOST || printer->widths[i] > printer->widths[widest]))
                widest = i;
        }
        if (widest == PRINT_COLUMNS_MOST)
            return;
        printer->widths[widest]--;
    }
}

/* Gives the column that takes the rest what is left of the line. */
static void lay_out(struct printer *printer)
{
    size_t rest = PRINT_COLUMNS_MOST;

    for (size_t i = 0; i < printer->n_columns; i++) {
        printer->shown[i] = is_shown(printer, i);
        printer->widths[i] = needed_width(printer, i);
        if (printer->shown[i])
            printer->last = i;
        if (printer->kind->columns[i].most == 0)
            rest = i;
    }
    if (printer->terminal == 0)
        return;
    g_assert(rest < PRINT_COLUMNS_MOST && printer->shown[rest]);
    size_t wanted = printer->widths[rest];
    printer->widths[rest] = MIN(wanted, (size_t)REST_LEAST);
    squeeze(printer);
    size_t used = line_width(printer);
    if (used < printer->terminal)
        printer->widths[rest] = MIN(wanted, printer->widths[rest] + (printer->terminal - used));
}

/* Prints the rows held back; from now on none is. */
static bool print_held(struct printer *printer)
{
    lay_out(printer);
    g_autoptr(GPtrArray) rows = g_steal_pointer(&printer->rows);
    bool ok = rows->len == 0 || print_titles(printer);
    for (guint i = 0; i < rows->len && ok; i++)
        ok = print_row(printer, rows->pdata[i]);
    return ok;
}

bool printer_add_cells(struct printer *printer, const char *const *cells)
{
    struct row *row = row_new(printer, cells);

    printer->begun = true;
    if (printer->rows != NULL) {
        g_ptr_array_add(printer->rows, row);
        return printer->rows->len < ROWS_HELD || print_held(printer);
    }
    bool ok = print_row(printer, row);
    row_free(row);
    return ok;
}

/* --- the other formats -------------------------------------------------------------------------------------------- */

/* Characters that JSON lets through inside strings and that would drive or deceive a terminal. */
static bool is_unsafe(gunichar c)
{
    return (c < 0x20 && c != '\n' && c != '\t') || (c >= 0x7f && c <= 0x9f) || g_unichar_type(c) == G_UNICODE_FORMAT ||
           c == 0x2028 || c == 0x2029;
}

/* Appends JSON; where a terminal shows it, unsafe characters as the \u escapes that mean the same. */
static void append_json(const struct printer *printer, GString *out, const char *json, size_t length)
{
    const char *end = json + length;

    if (printer->terminal == 0) {
        g_string_append_len(out, json, (gssize)length);
        return;
    }
    while (json < end) {
        gunichar c = g_utf8_get_char_validated(json, end - json);
        bool valid = c < 0x110000;
        size_t bytes = valid ? (size_t)(g_utf8_next_char(json) - json) : 1;
        if (valid && !is_unsafe(c))
            g_string_append_len(out, json, (gssize)bytes);
        else if (valid && c > 0xffff)
            g_string_append_printf(out, "\\u%04x\\u%04x", 0xd800 + ((c - 0x10000) >> 10),
                                   0xdc00 + ((c - 0x10000) & 0x3ff));
        else
            g_string_append_printf(out, "\\u%04x", valid ? c : 0xfffd);
        json += bytes;
    }
}

bool printer_add_json(struct printer *printer, const char *json, size_t length)
{
    g_string_assign(printer->line, printer->begun ? ",\n" : "[\n");
    append_json(printer, printer->line, json, length);
    printer->begun = true;
    return command_write(printer->line->str, printer->line->len);
}

static bool print_csv_titles(struct printer *printer)
{
    g_string_printf(printer->line, "%s\r\n", printer->kind->csv_titles);
    return command_write(printer->line->str, printer->line->len);
}

bool printer_add_csv(struct printer *printer, const char *const *fields, size_t n)
{
    if (!printer->begun && !print_csv_titles(printer))
        return false;
    printer->begun = true;
    g_string_truncate(printer->line, 0);
    for (size_t i = 0; i < n; i++) {
        g_autofree char *safe = printer->terminal > 0 && fields[i] != NULL ? text_for_terminal(fields[i]) : NULL;
        if (i > 0)
            g_string_append_c(printer->line, ',');
        text_append_csv(printer->line, safe != NULL ? safe : fields[i]);
    }
    g_string_append(printer->line, "\r\n");
    return command_write(printer->line->str, printer->line->len);
}

bool printer_add_raw(struct printer *printer, const char *raw, size_t length)
{
    printer->begun = true;
    g_string_truncate(printer->line, 0);
    append_json(printer, printer->line, raw, length);
    g_string_append_c(printer->line, '\n');
    return command_write(printer->line->str, printer->line->len);
}

/* --- the whole ---------------------------------------------------------------------------------------------------- */

struct printer *printer_new(const struct print_kind *kind, enum print_format format, int limit, bool one_customer)
{
    struct printer *printer = g_new0(struct printer, 1);

    printer->kind = kind;
    printer->format = format;
    printer->line = g_string_new(NULL);
    printer->rows = g_ptr_array_new_with_free_func(row_free);
    printer->color = command_wants_color(STDOUT_FILENO);
    printer->terminal = command_terminal_columns(STDOUT_FILENO);
    printer->one_customer = one_customer;
    printer->long_search = limit > ROWS_HELD;
    while (kind->columns[printer->n_columns].title != NULL)
        printer->n_columns++;
    g_assert(printer->n_columns > 0 && printer->n_columns <= PRINT_COLUMNS_MOST);
    return printer;
}

void printer_free(struct printer *printer)
{
    if (printer == NULL)
        return;
    g_string_free(printer->line, TRUE);
    if (printer->rows != NULL)
        g_ptr_array_unref(printer->rows);
    g_free(printer);
}

enum print_format printer_format(const struct printer *printer)
{
    return printer->format;
}

void printer_finish(struct printer *printer, bool ok)
{
    if (printer->format == PRINT_FORMAT_TABLE && printer->rows != NULL)
        print_held(printer);
    else if (printer->format == PRINT_FORMAT_JSON && printer->begun)
        command_write("\n]\n", 3);
    else if (printer->format == PRINT_FORMAT_JSON && ok)
        command_write("[]\n", 3);
    else if (printer->format == PRINT_FORMAT_CSV && !printer->begun && ok)
        print_csv_titles(printer);
}
