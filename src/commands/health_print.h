/* health_print - how issues and messages of service health look on standard output. */
#ifndef M365KEEP_HEALTH_PRINT_H
#define M365KEEP_HEALTH_PRINT_H

#include "printer.h"
#include "store/store.h"

extern const struct print_kind issue_print_kind, message_print_kind;

/* Prints an issue or a message in the format of a printer of its kind. False when standard output takes no more. */
bool health_print(struct printer *printer, const struct store_health_row *row);

/* The names in a message's `services`; none when that is NULL or no array. Returned: g_strfreev. */
char **health_print_services(const char *services);

#endif
