/* mail_header.h - what the header of a mail says, as far as a test wants to know. */
#ifndef SIM_MAIL_HEADER_H
#define SIM_MAIL_HEADER_H

#include <glib.h>

/* The field's value with its folded lines joined, encoded words left as they are; NULL when it is not there. Returned:
 * g_free(). */
char *mail_header_find(const char *message, gsize len, const char *name);

/* The addresses of such a value, without names, lower case: those in angle brackets, else whole entries. Returned:
 * g_strfreev(). */
char **mail_header_addresses(const char *value);

#endif
