#include "collect/report.h"

#include <string.h>

#include "base/base.h"

static const char *const status_names[] = {"ok", "partial", "failed", "skipped"};

static void customer_free(struct collect_customer *customer)
{
    g_free(customer->name);
    g_free(customer->tenant_id);
    g_ptr_array_unref(customer->sources);
    g_free(customer);
}

static void source_result_free(struct collect_source *source)
{
    g_ptr_array_unref(source->warnings);
    client_failure_free(source->failure);
    g_free(source);
}

struct collect_report *collect_report_new(int64_t started)
{
    struct collect_report *report = g_new0(struct collect_report, 1);

    report->started = started;
    report->customers = g_ptr_array_new_with_free_func((GDestroyNotify)customer_free);
    return report;
}

struct collect_customer *collect_report_customer(struct collect_report *report, const char *name, const char *tenant_id)
{
    struct collect_customer *customer = g_new0(struct collect_customer, 1);

    customer->name = g_strdup(name);
    customer->tenant_id = g_strdup(tenant_id);
    customer->sources = g_ptr_array_new_with_free_func((GDestroyNotify)source_result_free);
    g_ptr_array_add(report->customers, customer);
    return customer;
}

struct collect_source *collect_report_source(struct collect_customer *customer, const char *name, const char *part)
{
    struct collect_source *source = g_new0(struct collect_source, 1);

    source->source = name;
    source->part = *part ? part : NULL;
    source->warnings = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(customer->sources, source);
    return source;
}

const char *collect_status_name(enum collect_status status)
{
    return status_names[status];
}

void collect_report_free(struct collect_report *report)
{
    if (!report)
        return;
    g_ptr_array_unref(report->customers);
    g_free(report);
}

int collect_exit_status(const struct collect_report *report)
{
    unsigned count[G_N_ELEMENTS(status_names)] = {0};

    for (guint i = 0; i < report->customers->len; i++) {
        const struct collect_customer *customer = g_ptr_array_index(report->customers, i);

        for (guint j = 0; j < customer->sources->len; j++)
            count[((const struct collect_source *)g_ptr_array_index(customer->sources, j))->status]++;
    }
    if (!count[COLLECT_FAILED] && !count[COLLECT_PARTIAL])
        return count[COLLECT_OK] ? 0 : 3;
    return count[COLLECT_OK] || count[COLLECT_PARTIAL] ? 3 : 1;
}

static void append_time(GString *out, const char *name, int64_t seconds)
{
    g_autofree char *text = seconds ? timestamp_format_seconds(seconds) : NULL;

    g_string_append_printf(out, ",\"%s\":", name);
    text_append_json(out, text);
}

static void append_failure(GString *out, const struct client_failure *failure)
{
    if (!failure) {
        g_string_append(out, ",\"error\":null");
        return;
    }
    g_string_append(out, ",\"error\":{\"code\":");
    text_append_json(out, failure->code);
    g_string_append(out, ",\"message\":");
    text_append_json(out, failure->message);
    g_string_append(out, ",\"request_id\":");
    text_append_json(out, failure->request_id);
    g_string_append(out, ",\"hint\":");
    text_append_json(out, failure->hint);
    g_string_append_c(out, '}');
}

static void append_source(GString *out, const struct collect_source *source)
{
    const struct {
        const char *name;
        int64_t value;
    } numbers[] = {
        {"fetched", source->fetched},       {"inserted", source->inserted},   {"updated", source->updated},
        {"duplicates", source->duplicates}, {"removed", source->removed},     {"unreadable", source->unreadable},
        {"requests", source->requests},     {"throttled", source->throttled}, {"retried", source->retried},
        {"bytes", source->bytes},
    };

    g_string_append(out, "{\"source\":");
    text_append_json(out, source->source);
    g_string_append(out, ",\"part\":");
    text_append_json(out, source->part);
    g_string_append_printf(out, ",\"status\":\"%s\"", status_names[source->status]);
    for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++)
        g_string_append_printf(out, ",\"%s\":%" G_GINT64_FORMAT, numbers[i].name, numbers[i].value);
    append_time(out, "from", source->from);
    append_time(out, "to", source->to);
    g_string_append(out, ",\"warnings\":[");
    for (guint i = 0; i < source->warnings->len; i++) {
        if (i)
            g_string_append_c(out, ',');
        text_append_json(out, g_ptr_array_index(source->warnings, i));
    }
    g_string_append_c(out, ']');
    append_failure(out, source->failure);
    g_string_append_c(out, '}');
}

void collect_report_append_json(GString *out, const struct collect_report *report)
{
    g_autofree char *started = timestamp_format_seconds(report->started);

    g_string_append(out, "{\"started\":");
    text_append_json(out, started);
    append_time(out, "finished", report->finished);
    g_string_append(out, ",\"customers\":[");
    for (guint i = 0; i < report->customers->len; i++) {
        const struct collect_customer *customer = g_ptr_array_index(report->customers, i);

        g_string_append(out, i ? ",{\"customer\":" : "{\"customer\":");
        text_append_json(out, customer->name);
        g_string_append(out, ",\"tenant_id\":");
        text_append_json(out, customer->tenant_id);
        g_string_append(out, ",\"sources\":[");
        for (guint j = 0; j < customer->sources->len; j++) {
            if (j)
                g_string_append_c(out, ',');
            append_source(out, g_ptr_array_index(customer->sources, j));
        }
        g_string_append(out, "]}");
    }
    g_string_append(out, "]}");
}

/* --- the table
 * -------------------------------------------------------------------------------------------------------- */

enum { COLUMNS = 10, FIRST_NUMBER = 3, STATUS_COLUMN = 2, REMOVED_COLUMN = 7 };
static const char *const headings[COLUMNS] = {"CUSTOMER", "SOURCE", "STATUS",  "FETCHED",  "NEW",
                                              "CHANGED",  "KNOWN",  "REMOVED", "REQUESTS", "BYTES"};

static const char *status_color(enum collect_status status)
{
    static const char *const colors[] = {"\x1b[32m", "\x1b[33m", "\x1b[31m", "\x1b[36m"};

    return colors[status];
}

struct row {
    char *cells[COLUMNS];
    enum collect_status status;
};

/* The rows and how they are laid out. */
struct table {
    GArray *rows; /* struct row */
    size_t widths[COLUMNS];
    bool removed; /* something was: the column is shown */
};

static void add_row(struct table *table, const struct collect_customer *customer, const struct collect_source *source)
{
    struct row row = {
        .status = source->status,
        .cells = {text_for_terminal(customer->name),
                  g_strjoin(" ", source->source, source->part, NULL), /* the part may be the NULL that ends the list */
                  g_strdup(status_names[source->status]), text_count(source->fetched), text_count(source->inserted),
                  text_count(source->updated), text_count(source->duplicates), text_count(source->removed),
                  text_count(source->requests), text_bytes(source->bytes)},
    };

    for (size_t i = 0; i < COLUMNS; i++)
        table->widths[i] = MAX(table->widths[i], text_width(row.cells[i]));
    table->removed = table->removed || source->removed;
    g_array_append_val(table->rows, row);
}

static void append_cell(GString *out, const char *text, size_t width, bool right, bool last)
{
    size_t cells = text_width(text);
    size_t pad = width > cells ? width - cells : 0;

    if (right)
        g_string_append_printf(out, "%*s", (int)pad, "");
    g_string_append(out, text);
    if (!right && !last)
        g_string_append_printf(out, "%*s", (int)pad, "");
    g_string_append(out, last ? "\n" : "  ");
}

/* `color` is the status's; NULL for none. */
static void append_row(GString *out, const struct table *table, const char *const *cells, const char *color)
{
    for (size_t i = 0; i < COLUMNS; i++) {
        bool colored = color && i == STATUS_COLUMN;

        if (i == REMOVED_COLUMN && !table->removed)
            continue;
        if (colored)
            g_string_append(out, color);
        append_cell(out, cells[i], table->widths[i], i >= FIRST_NUMBER, i == COLUMNS - 1);
        if (colored)
            g_string_append(out, "\x1b[0m");
    }
}

void collect_report_append_table(GString *out, const struct collect_report *report, bool color)
{
    g_autoptr(GArray) rows = g_array_new(FALSE, FALSE, sizeof(struct row));
    struct table table = {.rows = rows};

    for (size_t i = 0; i < COLUMNS; i++)
        table.widths[i] = strlen(headings[i]);
    for (guint i = 0; i < report->customers->len; i++) {
        const struct collect_customer *customer = g_ptr_array_index(report->customers, i);

        for (guint j = 0; j < customer->sources->len; j++)
            add_row(&table, customer, g_ptr_array_index(customer->sources, j));
    }
    append_row(out, &table, headings, NULL);
    for (guint i = 0; i < rows->len; i++) {
        struct row *row = &g_array_index(rows, struct row, i);

        append_row(out, &table, (const char *const *)row->cells, color ? status_color(row->status) : NULL);
        for (size_t k = 0; k < COLUMNS; k++)
            g_free(row->cells[k]);
    }
}
