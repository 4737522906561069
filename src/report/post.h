/* post - the mails of a run: stored in the outbox, tried, waited for. */
#ifndef M365KEEP_REPORT_POST_H
#define M365KEEP_REPORT_POST_H

#include "report/edition.h"

typedef struct post Post;

/* Takes the lock of who sends mail; where another process has it, mails are stored and left to later runs. Mails that
 * were being sent when their program ended become `unknown`, and what waits for more than five days is given up.
 * *signal is 0 until one came, and then its number. NULL with *error when the store failed. Everything is borrowed.
 * Returned: post_close, while the mails that it was given are still there: what became of them, and could not be
 * written down then, is written down. */
struct post *post_open(const struct report_options *options, struct store *store, int *signal, GError **error);
void post_close(struct post *post);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Post, post_close)

/* Puts the mail of a window, or of what is over of it, into the outbox, unless one is there that went out, may have,
 * or waits for the same recipients: `result` gets mail and sent_before, and what the edition has to say joins its
 * warnings. The edition has its words; its message is made where there is none yet. False with *error. */
bool post_queue(struct post *post, struct edition *edition, struct report_customer *result, GError **error);

/* Tries the mail of `result` once, where it is queued; its hint is filled. That it is not tried is logged. The message
 * is let go of: a run may have a hundred. */
bool post_try(struct post *post, const struct config_customer *customer, struct report_customer *result,
              GError **error);

/* Tries the customer's earlier mails that are due, and appends them to `delivered` (struct store_mail *); so are those
 * that post_open gave up, of anybody, and those of the last 14 days that nobody knows of, with a warning each. One that
 * failed, with no later mail in its place, is just warned of. `own`: the mail of this run; NULL: there is none. */
bool post_send_due(struct post *post, const struct config_customer *customer, const struct store_mail *own,
                   GPtrArray *delivered, GError **error);

/* Tries a mail once more if it is queued and its time has come; *mail and *hint (may be NULL) are replaced. */
bool post_try_again(struct post *post, const struct config_customer *customer, struct store_mail **mail, char **hint,
                    GError **error);

/* When a queued mail is to be tried next: not before its server is asked again. */
int64_t post_next_attempt(const struct post *post, const struct store_mail *mail);

/* Waits until then. False when a signal came, when the run may not wait that long, or may not send at all. */
bool post_wait(struct post *post, int64_t until);

/* Why mails were not tried: another process was sending, or the server had failed an earlier one. NULL: they were.
 * Borrowed. */
const char *post_held_back(const struct post *post);

/* Looks for the signal of the options: true, and *signal its number, when it has come. A second one ends the program.
 */
bool post_interrupted(const struct report_options *options, int *signal);

#endif
