/* event_print - how events look on standard output: as a table for people, as JSON, CSV, or their raw bytes. */
#ifndef M365KEEP_EVENT_PRINT_H
#define M365KEEP_EVENT_PRINT_H

#include <glib.h>
#include <stdbool.h>

#include "store/store.h"

enum event_format {
    EVENT_FORMAT_TABLE, /* fitted to the terminal, safe for it; in a pipe nothing is cut */
    EVENT_FORMAT_JSON,  /* one array of event documents */
    EVENT_FORMAT_CSV,   /* RFC 4180 with a header, safe for spreadsheets */
    EVENT_FORMAT_RAW,   /* the exact bytes of each record and a newline */
};
/* On a terminal, control characters and their like show as escapes in every format: names and user agents are
 * outsiders' text. */

typedef struct event_printer EventPrinter;

/* `limit` is how many events may come, and `one_customer` tells that all are of one customer. Returned:
 * event_printer_free. */
struct event_printer *event_printer_new(enum event_format format, int limit, bool one_customer);
void event_printer_free(struct event_printer *printer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EventPrinter, event_printer_free)

/* Prints an event, or keeps it until widths can be told. False when standard output takes no more. */
bool event_printer_add(struct event_printer *printer, const struct store_event *event);

/* Prints what is still held back and what closes the format, also after a search that broke off: JSON stays one value.
 * With nothing added, `ok` tells whether an empty result is to be printed (true) or nothing at all. */
void event_printer_finish(struct event_printer *printer, bool ok);

#endif
