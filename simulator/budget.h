/* budget.h - Graph's limit for identity and access reports: 5 requests in any 10 seconds for each app and tenant, over
 * all of signIns and directoryAudits together (Microsoft, "Microsoft Graph service-specific throttling limits"). */
#ifndef SIM_BUDGET_H
#define SIM_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

enum { BUDGET_REQUESTS = 5, BUDGET_WINDOW_S = 10 };

struct budget;

struct budget *budget_new(void);
void budget_free(struct budget *budget);

/* Counts a request at the moment now. Returns 0 when it may go on, else the seconds of Retry-After. *broken tells that
 * the client had been told to wait longer than it did; that is also watched where enforce is false. */
int64_t budget_take(struct budget *budget, int64_t now, bool enforce, bool *broken);

/* The client has been told otherwise, by a fault, to wait until then. */
void budget_wait_until(struct budget *budget, int64_t until);

/* Forgets everything: the clock was set. */
void budget_reset(struct budget *budget);

#endif
