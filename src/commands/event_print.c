#include "event_print.h"

#include <string.h>

#include "base/base.h"

static const char *time_color(const char *cell)
{
    (void)cell;
    return "\x1b[2m";
}

static const char *result_color(const char *result)
{
    if (g_ascii_strcasecmp(result, "success") == 0)
        return "\x1b[32m";
    if (g_ascii_strcasecmp(result, "failure") == 0)
        return "\x1b[31m";
    return strcmp(result, "-") == 0 ? "" : "\x1b[33m";
}

static const struct print_column columns[] = {
    {.title = "TIME (UTC)", .most = 20, .most_wide = 20, .color = time_color},
    {.title = "CUSTOMER", .most = 20, .most_wide = 20, .when = PRINT_WHEN_SEVERAL},
    {.title = "SERVICE", .most = 22, .most_wide = 22, .from = PRINT_WIDE},
    {.title = "RESULT", .most = 12, .most_wide = 12, .color = result_color},
    {.title = "SUMMARY"},
    {.title = NULL},
};

const struct print_kind event_print_kind = {
    .columns = columns,
    .csv_titles = "event_id,timestamp,customer,tenant_id,source,id,service,operation,result,actor_display,"
                  "target_displays,display_summary",
};

static bool add_cells(struct printer *printer, const struct store_event *event)
{
    g_autofree char *time = print_time(event->timestamp);
    const char *const cells[] = {time != NULL ? time : "(no time)", event->customer, event->service, event->result,
                                 event->display_summary != NULL ? event->display_summary : event->operation};

    return printer_add_cells(printer, cells);
}

static bool add_json(struct printer *printer, const struct store_event *event)
{
    g_autoptr(GString) document = g_string_new(NULL);

    store_event_append_json(document, event);
    return printer_add_json(printer, document->str, document->len);
}

static bool add_csv(struct printer *printer, const struct store_event *event)
{
    g_autofree char *event_id = g_strdup_printf("%" G_GINT64_FORMAT, event->event_id);
    const char *const fields[] = {event_id,
                                  event->timestamp,
                                  event->customer,
                                  event->tenant_id,
                                  event->source,
                                  event->id,
                                  event->service,
                                  event->operation,
                                  event->result,
                                  event->actor_display,
                                  event->target_displays,
                                  event->display_summary};

    return printer_add_csv(printer, fields, G_N_ELEMENTS(fields));
}

bool event_print(struct printer *printer, const struct store_event *event)
{
    switch (printer_format(printer)) {
    case PRINT_FORMAT_TABLE:
        return add_cells(printer, event);
    case PRINT_FORMAT_JSON:
        return add_json(printer, event);
    case PRINT_FORMAT_CSV:
        return add_csv(printer, event);
    case PRINT_FORMAT_RAW:
        return printer_add_raw(printer, event->raw, event->raw_length);
    }
    g_return_val_if_reached(false);
}
