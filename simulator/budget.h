/* budget.h - Graph's limits for each app and tenant (Microsoft, "Microsoft Graph service-specific throttling limits"):
 * identity and access reports, 5 requests in any 10 seconds over signIns and directoryAudits together; the directory,
 * resource units in any 10 seconds by the size of the tenant; users with signInActivity, 10 requests a minute. */
#ifndef SIM_BUDGET_H
#define SIM_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

enum budget_family { BUDGET_REPORTS, BUDGET_DIRECTORY, BUDGET_ACTIVITY, BUDGET_FAMILIES };

struct budget;

/* users: the size of the tenant. */
struct budget *budget_new(int64_t users);
void budget_free(struct budget *budget);

/* Counts a request of that cost (1 where requests are counted) at the moment now. Returns 0 when it may go on, else the
 * seconds of Retry-After. *broken tells that the client had been told to wait longer than it did; that is also watched
 * where enforce is false. */
int64_t budget_take(struct budget *budget, enum budget_family family, int cost, int64_t now, bool enforce,
                    bool *broken);

/* The part of the family's budget that is used at the moment, 0 to 1. */
double budget_used(struct budget *budget, enum budget_family family, int64_t now);

/* The client has been told otherwise, by a fault, to wait until then. */
void budget_wait_until(struct budget *budget, enum budget_family family, int64_t until);

/* Forgets everything: the clock was set. */
void budget_reset(struct budget *budget);

#endif
