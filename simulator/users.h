/* users.h - GET /users and GET /users/delta. */
#ifndef SIM_USERS_H
#define SIM_USERS_H

#include "answer.h"

/* A page of the listing, live: each page shows what is true when it is asked for. */
struct answer *users_answer(struct request *rq);

/* A page of a delta round. A round covers the time from the moment of its token (or from nothing) to the moment of its
 * first request; its last page has the link that begins the next round. */
struct answer *users_delta_answer(struct request *rq);

/* Whether a request asks for signInActivity, which has a budget and a licence of its own. */
bool users_want_activity(const struct request *rq);

/* What the request costs in resource units. */
int users_cost(const struct request *rq);

/* The page that a link leads to, unchecked further than its seal; 1 when it is none of ours. */
int users_page_number(const struct request *rq);

/* Whether the token behind name in the link expired: they live as long as the options say. */
bool users_expired(const struct request *rq, int64_t issued);

#endif
