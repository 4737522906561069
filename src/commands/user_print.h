/* user_print - how accounts look on standard output. */
#ifndef M365KEEP_USER_PRINT_H
#define M365KEEP_USER_PRINT_H

#include "printer.h"
#include "store/store.h"

extern const struct print_kind user_print_kind;

/* Prints an account in the printer's format. False when standard output takes no more. */
bool user_print(struct printer *printer, const struct store_user *account);

#endif
