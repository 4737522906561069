/* limiter - keeps one family of requests of one app in one tenant below the service's published budgets.
 *
 * A sliding window over the requests of the recent past: with a budget of n requests in w seconds, a request goes out
 * once the nth before it lies w seconds back. What counts is when a request *reached the service*, which we only know
 * to lie between its sending and its answer. So a request stops counting w after its answer; and while the answer is
 * out (a report page takes many seconds), w plus a small margin after its sending. Both together never break the budget
 * as long as a request takes less than the margin to arrive, and cost less than 5% of the time that the budget allows
 * at best.
 *
 * Some budgets hold beyond one app in one tenant: for an app over all the tenants that it serves (a hundred customers
 * behind one registration), or for a tenant whoever asks. The limiters of one pool count in these together, and a
 * request goes out when each budget that it counts in has room. Where several limiters wait for the same room, the one
 * whose turn lies furthest back goes first (limiter_turn), so that none starves. A Retry-After was said to one app in
 * one tenant, and closes its limiter alone.
 *
 * The counts live as long as the pool, which is a run: the next run, and one beside it, begins with whole budgets, so
 * that together they may send up to twice a budget in one window. A scan of service health sends about three requests
 * every five minutes, far below its 240 a minute and 800 an hour; where it does matter, the service says Retry-After.
 *
 * The caller passes the time (microseconds on any clock that does not go back), so nothing here sleeps. */
#ifndef M365KEEP_CLIENT_LIMITER_H
#define M365KEEP_CLIENT_LIMITER_H

#include "client/client.h"

struct limiter_pool;
struct limiter;

/* With `pace` false there are no budgets, and only limiter_close makes a limiter wait. Returned: limiter_pool_free,
 * which frees its limiters. */
struct limiter_pool *limiter_pool_new(bool pace);
void limiter_pool_free(struct limiter_pool *pool);

/* The limiter of a family of an app's requests in a tenant, at the service with this base URL (each cloud counts for
 * itself); the same one for whoever asks for the same, in whatever case. Borrowed from the pool. */
struct limiter *limiter_pool_get(struct limiter_pool *pool, enum client_family family, const char *base_url,
                                 const char *client_id, const char *tenant_id);

/* Microseconds until the next request may be reserved, 0: now, INT64_MAX: not before one that is reserved was sent or
 * released. */
int64_t limiter_wait_us(const struct limiter *limiter, int64_t now_us);

/* Says who goes first among limiters with room: the least. */
uint64_t limiter_turn(const struct limiter *limiter);

/* A request is about to be sent: takes its place in the budgets. Only when limiter_wait_us is 0. True when it is the
 * probe: the first one after a wait that the service asked for. The others wait until limiter_probe_over. */
bool limiter_reserve(struct limiter *limiter);

/* The probe has ended. With `passed` the service did not ask to wait again, and the others may go; else the next one is
 * the probe. */
void limiter_probe_over(struct limiter *limiter, bool passed);

/* It was not sent after all (no connection): gives the place back. */
void limiter_release(struct limiter *limiter);

enum limiter_scope {
    LIMITER_APP_IN_TENANT,
    LIMITER_APP,    /* over all tenants */
    LIMITER_TENANT, /* over all apps */
    LIMITER_SCOPES,
};

/* Which sending it was, in each scope. */
struct limiter_ticket {
    uint64_t numbers[LIMITER_SCOPES];
};

/* A reserved request goes out now. Returns its ticket for limiter_answered. */
struct limiter_ticket limiter_sent(struct limiter *limiter, int64_t now_us);

/* A request goes out again on a new connection, without a reservation: it counts all the same. */
struct limiter_ticket limiter_sent_again(struct limiter *limiter, int64_t now_us);

/* The answer to `ticket` has begun to arrive, so the request had reached the service by now. */
void limiter_answered(struct limiter *limiter, const struct limiter_ticket *ticket, int64_t now_us);

/* The service told us to wait (Retry-After): nothing may go out before `until_us`. An earlier end than the one in force
 * is ignored. */
void limiter_close(struct limiter *limiter, int64_t until_us);

/* Microseconds until the end of the wait that the service asked for; 0: none. */
int64_t limiter_closed_us(const struct limiter *limiter, int64_t now_us);

#endif
