/* event_print - how events look on standard output. */
#ifndef M365KEEP_EVENT_PRINT_H
#define M365KEEP_EVENT_PRINT_H

#include "printer.h"
#include "store/store.h"

extern const struct print_kind event_print_kind;

/* Prints an event in the printer's format. False when standard output takes no more. */
bool event_print(struct printer *printer, const struct store_event *event);

#endif
