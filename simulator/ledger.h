/* ledger.h - what was asked of the simulator, for tests to look at. */
#ifndef SIM_LEDGER_H
#define SIM_LEDGER_H

#include "answer.h"
#include "budget.h"

enum count {
    COUNT_TOKENS_ISSUED,
    COUNT_BYTES_SENT,
    COUNT_RECORDS_SENT,
    COUNT_BUDGET_VIOLATIONS,
    COUNT_RETRY_AFTER_BROKEN,
    COUNT_NO_CLIENT_REQUEST_ID,
    COUNT_DUPLICATE_CLIENT_REQUEST_ID,
    COUNT_REPEATED_ASSERTIONS,
    COUNT_FAULTS_FIRED,
    COUNT_COUNT
};

struct ledger;

struct ledger *ledger_new(void);
void ledger_free(struct ledger *ledger);
void ledger_reset(struct ledger *ledger);

/* Counts for the request's tenant too, where it is known. */
void ledger_count(struct ledger *ledger, const struct request *rq, enum count count);

/* Counts what the budgets said of a request of that family. */
void ledger_charge(struct ledger *ledger, const struct request *rq, enum budget_family family, struct verdict verdict);

/* Enters a request and the answer it gets. Control requests are not entered. */
void ledger_enter(struct ledger *ledger, const struct request *rq, const struct answer *answer);

/* The counts as an object, and in it those of each tenant; returned, cJSON_Delete() it. */
cJSON *ledger_stats(const struct ledger *ledger);

/* The last 1000 requests, oldest first; returned. */
cJSON *ledger_requests(const struct ledger *ledger);

#endif
