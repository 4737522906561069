/* smtp_reply - what a mail server answers, read from its bytes (RFC 5321, section 4.2). Pure. */
#ifndef M365KEEP_REPORT_SMTP_REPLY_H
#define M365KEEP_REPORT_SMTP_REPLY_H

#include <glib.h>
#include <stdbool.h>

/* The first answer in `bytes`: its code, its text without the codes (returned: g_free) and how many bytes it takes.
 * False when it is not whole yet (*code 0), or cannot be one (*code -1). */
bool smtp_reply_read(const char *bytes, size_t length, int *code, char **text, size_t *taken);

/* What smtp_reply_mend remembers between two readings; all zero at the beginning of a connection, and of its TLS. */
struct smtp_mender {
    size_t column, digits; /* of the line; digits at its beginning */
    bool challenge;        /* 3xx: another's bytes in base64 */
    size_t matched[4];     /* letters of each word that is taken out */
};

/* Makes answers, as they come in, such that libesmtp 1.1.0 can live with them; their length stays.
 *
 * - A code without words (RFC 5321, section 4.2) is none to it: it gets a blank.
 * - Offers that it must not take up are made unknown ones: PIPELINING (it crashes where a session with several
 *   recipients ends in the middle of them), CHUNKING and XUSR (commands of which nothing is asked and noted here),
 *   ENHANCEDSTATUSCODES (it breaks off where one line of an answer has no such code). */
void smtp_reply_mend(struct smtp_mender *mender, char *bytes, size_t length);

/* The mechanisms that an answer to EHLO lists behind AUTH, upper case; NULL when it lists none. Returned: g_strfreev.
 */
char **smtp_reply_mechanisms(const char *offer);

#endif
