/* mailbox - who sends and who receives: "Health desk <desk@example.org>" as a name and an address that any mail server
 * takes. */
#ifndef M365KEEP_REPORT_MAILBOX_H
#define M365KEEP_REPORT_MAILBOX_H

#include <glib.h>
#include <stdbool.h>

typedef struct mailbox {
    char *name;    /* as written, without the quotes around it; NULL: none */
    char *address; /* ASCII: the domain of letters beyond it as punycode (RFC 5891), the part before the @ quoted where
                      RFC 5322 wants that */
} Mailbox;         /* the name g_auto needs */

/* Takes what config lets through, and address literals ("desk@[192.0.2.1]"). The last '<' begins the address, so a name
 * may hold commas, quotes and brackets as they are. False with *error (REPORT_ERROR_FAILED) naming the address: it is
 * none, or only servers with SMTPUTF8 (RFC 6531) would take it, which libesmtp does not speak. */
bool mailbox_parse(const char *text, struct mailbox *mailbox, GError **error);
void mailbox_clear(struct mailbox *mailbox);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Mailbox, mailbox_clear)

#endif
