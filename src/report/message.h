/* message - a mail composed by GMime, and the same report as files. */
#ifndef M365KEEP_REPORT_MESSAGE_H
#define M365KEEP_REPORT_MESSAGE_H

#include "report/view.h"

struct report_envelope {
    const char *from;                  /* "Health desk <desk@example.org>" */
    const char *const *to, *const *cc; /* NULL-ended; may be NULL */
    int64_t date;                      /* seconds UTC */
    GTimeZone *zone;                   /* of the Date line */
    const char *identity; /* what tells this mail from every other one: hashed into Message-ID and boundaries */
};

/* RFC 5322 with CRLF: multipart/alternative of text and multipart/related (HTML and those of the pictures that it
 * shows), MIME-Version, Date, Message-ID at the domain of `from`, Auto-Submitted: auto-generated (RFC 3834), lines of
 * at most 998 bytes, all of them ASCII, so that a server needs neither 8BITMIME nor SMTPUTF8. Nothing in a header can
 * begin another one: control characters become blanks, and an address with one is refused. The same input gives the
 * same bytes, whatever the locale, the time zone or the host. NULL with *error (REPORT_ERROR_FAILED), which names the
 * address that cannot be written to. *message_id (returned: g_free) is without its brackets. One thread at a time;
 * GMime is set up by the first call, and stays so. Returned: g_bytes_unref. */
GBytes *message_compose(const struct report_words *words, const GPtrArray *charts,
                        const struct report_envelope *envelope, char **message_id, GError **error);

/* The address alone of "Health desk <desk@example.org>", in ASCII and as SMTP takes it: a domain of other letters as
 * punycode. Returned: g_free; NULL when there is none, or none that can be written to. */
char *message_address(const char *mailbox);

/* The HTML with its pictures inside (data: URIs) and its character set, for a file that is opened by itself; a browser
 * is told to load nothing from elsewhere. Returned: g_free. */
char *message_page(const struct report_words *words, const GPtrArray *charts);

/* A file name to build upon, of lower-case ASCII letters, digits, - and _: "contoso-2026-11-22",
 * "muller-sohne-1f0c3a5e-2026-11-01_2026-11-30". Different customers and days have different ones: where letters were
 * lost, a hash of the name tells them apart. Returned: g_free. */
char *message_stem(const char *customer, const char *first_day, const char *last_day);

/* Writes `stem`.eml, .html and its pictures `stem`-NAME into `folder` (made when absent), each whole or not at all;
 * appends their paths to `files` (char *). Files of an earlier run are replaced; so is a symbolic link, which is not
 * followed. Owner and group may read them (0640 and 0750, less the umask): reports are there to be handed on, and say
 * nothing to others. `message` may be NULL (no .eml). False with *error (REPORT_ERROR_FILE) naming path and reason;
 * `files` then has what was written before. */
bool message_write_files(const char *folder, const char *stem, GBytes *message, const struct report_words *words,
                         const GPtrArray *charts, GPtrArray *files, GError **error);

#endif
