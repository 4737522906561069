/* smtp_reply - what a mail server answers, read from its bytes (RFC 5321, section 4.2). Pure. */
#ifndef M365KEEP_REPORT_SMTP_REPLY_H
#define M365KEEP_REPORT_SMTP_REPLY_H

#include <glib.h>
#include <stdbool.h>

/* The first answer in `bytes`: its code, its text without the codes (returned: g_free) and how many bytes it takes.
 * False when it is not whole yet (*code 0), or cannot be one (*code -1). */
bool smtp_reply_read(const char *bytes, size_t length, int *code, char **text, size_t *taken);

/* The mechanisms that an answer to EHLO lists behind AUTH, upper case; NULL when it lists none. Returned: g_strfreev.
 */
char **smtp_reply_mechanisms(const char *offer);

#endif
