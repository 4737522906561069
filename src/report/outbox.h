/* outbox - delivers the mails that the store holds, and keeps count: attempts, back-off, what became of each recipient.
 */
#ifndef M365KEEP_REPORT_OUTBOX_H
#define M365KEEP_REPORT_OUTBOX_H

#include "report/transport.h"

enum { OUTBOX_GIVE_UP_S = 5 * 24 * 3600 };

/* Seconds until the next attempt after `attempts` that failed: 1, 2, 5, 15, 30 minutes, 1 h, 2 h, then every 4 h; less
 * up to a tenth by `random` in [0, 1); at least `wait_s`. -1: five days (OUTBOX_GIVE_UP_S) after `created_at` it is
 * given up. Pure. */
int64_t outbox_wait_s(int attempts, int64_t created_at, int64_t now, int64_t wait_s, double random);

/* Tries a mail once and notes in the store what came of it: `mail` is then as the store has it. *result is to be
 * cleared. False with *error when the store failed; a mail may then be in the state `sending`, as after a crash. */
bool outbox_deliver(struct store *store, const struct transport *transport, struct store_mail *mail,
                    struct transport_result *result, GError **error);

#endif
