/* message - a mail composed by GMime. */
#ifndef M365KEEP_REPORT_MESSAGE_H
#define M365KEEP_REPORT_MESSAGE_H

#include "report/view.h"

struct report_envelope {
    const char *from;                  /* "Health desk <desk@example.org>" */
    const char *const *to, *const *cc; /* NULL-ended; cc may be NULL */
    int64_t date;                      /* seconds UTC */
    GTimeZone *zone;                   /* of the Date line */
    const char *identity; /* what tells this mail from every other one: hashed into Message-ID and boundaries */
};

/* RFC 5322 with CRLF: multipart/alternative of text and multipart/related (HTML and its pictures), MIME-Version,
 * Date, Message-ID at the domain of `from`, Auto-Submitted: auto-generated (RFC 3834), lines of at most 998 bytes.
 * Nothing in a header can begin another one. The same input gives the same bytes. NULL with *error
 * (REPORT_ERROR_FAILED). *message_id (returned: g_free) is without its brackets. Returned: g_bytes_unref. */
GBytes *message_compose(const struct report_words *words, const GPtrArray *charts,
                        const struct report_envelope *envelope, char **message_id, GError **error);

/* The address alone of "Health desk <desk@example.org>". Returned: g_free; NULL when there is none. */
char *message_address(const char *mailbox);

/* The HTML with its pictures inside (data: URIs), for a file that is opened by itself. Returned: g_free. */
char *message_page(const struct report_words *words, const GPtrArray *charts);

/* Writes `stem`.eml, .html and its pictures `stem`-NAME into `folder` (made when absent), each whole or not at all;
 * appends their paths to `files` (char *). `message` may be NULL (no .eml). False with *error (REPORT_ERROR_FILE). */
bool message_write_files(const char *folder, const char *stem, GBytes *message, const struct report_words *words,
                         const GPtrArray *charts, GPtrArray *files, GError **error);

#endif
