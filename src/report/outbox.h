/* outbox - delivers the mails that the store holds, and keeps count: attempts, back-off, what became of each recipient.
 */
#ifndef M365KEEP_REPORT_OUTBOX_H
#define M365KEEP_REPORT_OUTBOX_H

#include "report/transport.h"

enum { OUTBOX_GIVE_UP_S = 5 * 24 * 3600 };

/* Seconds until the next attempt after `attempts` that failed: 1, 2, 5, 15, 30 minutes, 1 h, 2 h, then every 4 h; less
 * up to a tenth by `random` in [0, 1); at least `wait_s`. -1: five days (OUTBOX_GIVE_UP_S) after `queued_at`, when it
 * was last put into the queue, it is given up. Pure. */
int64_t outbox_wait_s(int attempts, int64_t queued_at, int64_t now, int64_t wait_s, double random);

/* Gives up what is still to be tried, and brings the mail to what is left: who may have it stays unknown. Not noted in
 * the store. */
void outbox_give_up(struct store_mail *mail);

/* Tries a mail once and notes in the store what came of it: `mail` is then as the store has it. Its message is read
 * where it is NULL. *result is to be cleared. False with *error when the store failed: where result->unnoted is set,
 * the mail was tried, and what came of it is in `mail` alone, to be noted again by store_mail_note; until then the
 * store has it as queued or, as after a crash, as sending. */
bool outbox_deliver(struct store *store, const struct transport *transport, struct store_mail *mail,
                    struct transport_result *result, GError **error);

#endif
