#include "event_print.h"

#include <string.h>
#include <unistd.h>

#include "base/base.h"
#include "commands.h"

/* Rows that are held back to learn how wide the columns must be; later ones are fitted into the same widths. */
enum { ROWS_HELD = 1000 };

enum column { COLUMN_TIME, COLUMN_CUSTOMER, COLUMN_SERVICE, COLUMN_RESULT, COLUMN_SUMMARY, COLUMNS };

static const struct {
    const char *title;
    size_t most; /* cells on a terminal; 0: what is left of the line */
} columns[COLUMNS] = {{"TIME (UTC)", 20}, {"CUSTOMER", 20}, {"SERVICE", 22}, {"RESULT", 12}, {"SUMMARY", 0}};

enum { GAP = 2, SUMMARY_LEAST = 20, COLUMNS_FOR_SERVICE = 100 };

struct row {
    char *cells[COLUMNS]; /* safe for a terminal */
};

struct event_printer {
    enum event_format format;
    GString *line;
    bool begun; /* something was written */
    /* The table's. */
    GPtrArray *rows; /* struct row * held back; NULL once widths are known */
    bool color, one_customer, long_search;
    size_t terminal; /* its columns; 0: no terminal, nothing is cut */
    size_t widths[COLUMNS];
    bool shown[COLUMNS];
};

/* --- table -------------------------------------------------------------------------------------------------------- */

static void row_free(gpointer data)
{
    struct row *row = data;
    for (int i = 0; i < COLUMNS; i++)
        g_free(row->cells[i]);
    g_free(row);
}

/* "2026-11-20T07:01:02.1234567Z" as people read it: "2026-11-20 07:01:02". */
static char *time_cell(const char *timestamp)
{
    enum { DATE = 10, TIME = 8 };
    if (timestamp == NULL || strlen(timestamp) < DATE + 1 + TIME)
        return g_strdup("(no time)");
    return g_strdup_printf("%.*s %.*s", DATE, timestamp, TIME, timestamp + DATE + 1);
}

static struct row *row_new(const struct store_event *event)
{
    struct row *row = g_new0(struct row, 1);
    const char *summary = event->display_summary != NULL ? event->display_summary : event->operation;

    row->cells[COLUMN_TIME] = time_cell(event->timestamp);
    row->cells[COLUMN_CUSTOMER] = text_for_terminal(event->customer != NULL ? event->customer : "-");
    row->cells[COLUMN_SERVICE] = text_for_terminal(event->service != NULL ? event->service : "-");
    row->cells[COLUMN_RESULT] = text_for_terminal(event->result != NULL ? event->result : "-");
    row->cells[COLUMN_SUMMARY] = text_for_terminal(summary != NULL ? summary : "-");
    return row;
}

static const char *result_color(const char *result)
{
    if (g_ascii_strcasecmp(result, "success") == 0)
        return "\x1b[32m";
    if (g_ascii_strcasecmp(result, "failure") == 0)
        return "\x1b[31m";
    return strcmp(result, "-") == 0 ? "" : "\x1b[33m";
}

/* Appends a cell, padded to its column unless it is the row's last, and on a terminal cut to it. */
static void append_cell(const struct event_printer *printer, enum column column, const char *text)
{
    GString *line = printer->line;
    size_t width = printer->widths[column];

    if (column == COLUMN_SUMMARY) {
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

static bool print_row(struct event_printer *printer, const struct row *row)
{
    g_string_truncate(printer->line, 0);
    for (enum column i = 0; i < COLUMNS; i++) {
        if (!printer->shown[i])
            continue;
        const char *color = !printer->color      ? ""
                            : i == COLUMN_TIME   ? "\x1b[2m"
                            : i == COLUMN_RESULT ? result_color(row->cells[i])
                                                 : "";
        g_string_append(printer->line, color);
        append_cell(printer, i, row->cells[i]);
        if (*color != '\0')
            g_string_append(printer->line, "\x1b[0m");
    }
    g_string_append_c(printer->line, '\n');
    return command_write(printer->line->str, printer->line->len);
}

static bool print_titles(struct event_printer *printer)
{
    g_string_assign(printer->line, printer->color ? "\x1b[1m" : "");
    for (enum column i = 0; i < COLUMNS; i++)
        if (printer->shown[i])
            append_cell(printer, i, columns[i].title);
    g_string_append(printer->line, printer->color ? "\x1b[0m\n" : "\n");
    return command_write(printer->line->str, printer->line->len);
}

static bool has_several_customers(const GPtrArray *rows)
{
    const struct row *first = rows->len > 0 ? rows->pdata[0] : NULL;

    for (guint i = 1; i < rows->len; i++) {
        const struct row *row = rows->pdata[i];
        if (strcmp(row->cells[COLUMN_CUSTOMER], first->cells[COLUMN_CUSTOMER]) != 0)
            return true;
    }
    return false;
}

/* Which columns there are, and how wide. Rows that are still to come may be of other customers. */
static void lay_out(struct event_printer *printer)
{
    size_t used = 0;

    for (enum column i = 0; i < COLUMNS; i++)
        printer->shown[i] = true;
    printer->shown[COLUMN_CUSTOMER] =
        !printer->one_customer && (printer->long_search || has_several_customers(printer->rows));
    printer->shown[COLUMN_SERVICE] = printer->terminal == 0 || printer->terminal >= COLUMNS_FOR_SERVICE;
    for (enum column i = 0; i < COLUMN_SUMMARY; i++) {
        size_t width = strlen(columns[i].title);
        for (guint r = 0; r < printer->rows->len; r++)
            width = MAX(width, text_width(((const struct row *)printer->rows->pdata[r])->cells[i]));
        printer->widths[i] = printer->terminal > 0 ? MIN(width, columns[i].most) : width;
        used += printer->shown[i] ? printer->widths[i] + GAP : 0;
    }
    printer->widths[COLUMN_SUMMARY] =
        printer->terminal > used + SUMMARY_LEAST ? printer->terminal - used : (size_t)SUMMARY_LEAST;
}

/* Prints the rows held back; from now on none is. */
static bool print_held(struct event_printer *printer)
{
    g_autoptr(GPtrArray) rows = printer->rows;

    lay_out(printer);
    printer->rows = NULL;
    bool ok = rows->len == 0 || print_titles(printer);
    for (guint i = 0; i < rows->len && ok; i++)
        ok = print_row(printer, rows->pdata[i]);
    return ok;
}

static bool add_row(struct event_printer *printer, const struct store_event *event)
{
    struct row *row = row_new(event);

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
static void append_json(const struct event_printer *printer, GString *out, const char *json, size_t length)
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

static bool add_json(struct event_printer *printer, const struct store_event *event)
{
    g_autoptr(GString) document = g_string_new(NULL);

    store_event_append_json(document, event);
    g_string_assign(printer->line, printer->begun ? ",\n" : "[\n");
    append_json(printer, printer->line, document->str, document->len);
    return command_write(printer->line->str, printer->line->len);
}

static const char csv_titles[] =
    "event_id,timestamp,customer,tenant_id,source,id,service,operation,result,actor_display,"
    "target_displays,display_summary\r\n";

static bool add_csv(struct event_printer *printer, const struct store_event *event)
{
    const char *const fields[] = {
        event->timestamp,      event->customer,  event->tenant_id, event->source,        event->id,
        event->service,        event->operation, event->result,    event->actor_display, event->target_displays,
        event->display_summary};

    g_string_assign(printer->line, printer->begun ? "" : csv_titles);
    g_string_append_printf(printer->line, "%" G_GINT64_FORMAT, event->event_id);
    for (size_t i = 0; i < G_N_ELEMENTS(fields); i++) {
        g_autofree char *safe = printer->terminal > 0 && fields[i] != NULL ? text_for_terminal(fields[i]) : NULL;
        g_string_append_c(printer->line, ',');
        text_append_csv(printer->line, safe != NULL ? safe : fields[i]);
    }
    g_string_append(printer->line, "\r\n");
    return command_write(printer->line->str, printer->line->len);
}

static bool add_raw(struct event_printer *printer, const struct store_event *event)
{
    g_string_truncate(printer->line, 0);
    append_json(printer, printer->line, event->raw, event->raw_length);
    g_string_append_c(printer->line, '\n');
    return command_write(printer->line->str, printer->line->len);
}

/* --- the whole ---------------------------------------------------------------------------------------------------- */

struct event_printer *event_printer_new(enum event_format format, int limit, bool one_customer)
{
    struct event_printer *printer = g_new0(struct event_printer, 1);

    printer->format = format;
    printer->line = g_string_new(NULL);
    printer->rows = g_ptr_array_new_with_free_func(row_free);
    printer->color = command_wants_color(STDOUT_FILENO);
    printer->terminal = command_terminal_columns(STDOUT_FILENO);
    printer->one_customer = one_customer;
    printer->long_search = limit > ROWS_HELD;
    return printer;
}

void event_printer_free(struct event_printer *printer)
{
    if (printer == NULL)
        return;
    g_string_free(printer->line, TRUE);
    if (printer->rows != NULL)
        g_ptr_array_unref(printer->rows);
    g_free(printer);
}

bool event_printer_add(struct event_printer *printer, const struct store_event *event)
{
    bool ok = false;

    switch (printer->format) {
    case EVENT_FORMAT_TABLE:
        ok = add_row(printer, event);
        break;
    case EVENT_FORMAT_JSON:
        ok = add_json(printer, event);
        break;
    case EVENT_FORMAT_CSV:
        ok = add_csv(printer, event);
        break;
    case EVENT_FORMAT_RAW:
        ok = add_raw(printer, event);
        break;
    }
    printer->begun = true;
    return ok;
}

void event_printer_finish(struct event_printer *printer, bool ok)
{
    if (printer->format == EVENT_FORMAT_TABLE && printer->rows != NULL)
        print_held(printer);
    else if (printer->format == EVENT_FORMAT_JSON && printer->begun)
        command_write("\n]\n", 3);
    else if (printer->format == EVENT_FORMAT_JSON && ok)
        command_write("[]\n", 3);
    else if (printer->format == EVENT_FORMAT_CSV && !printer->begun && ok)
        command_write(csv_titles, sizeof csv_titles - 1);
}
