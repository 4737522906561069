/* limiter - keeps one family of requests of one app below the service's published budget.
 *
 * A sliding window over the requests of the recent past: with a budget of n requests in w seconds, a request goes out
 * once the nth before it lies w seconds back. What counts is when a request *reached the service*, which we only know
 * to lie between its sending and its answer. So a request stops counting w after its answer; and while the answer is
 * out (a report page takes many seconds), w plus a small margin after its sending. Both together never break the budget
 * as long as a request takes less than the margin to arrive, and cost less than 5% of the time that the budget allows
 * at best.
 *
 * The caller passes the time (microseconds on any clock that does not go back), so nothing here sleeps. */
#ifndef M365KEEP_CLIENT_LIMITER_H
#define M365KEEP_CLIENT_LIMITER_H

#include "client/client.h"

struct limiter;

/* The limiter of a family; with `pace` false there is no budget, and only limiter_close makes it wait. Returned:
 * limiter_free. */
struct limiter *limiter_new(enum client_family family, bool pace);
void limiter_free(struct limiter *limiter);

/* Microseconds until the next request may be reserved, 0: now, INT64_MAX: not before one that is reserved was sent or
 * released. */
int64_t limiter_wait_us(const struct limiter *limiter, int64_t now_us);

/* A request is about to be sent: takes its place in the budget. Only when limiter_wait_us is 0. */
void limiter_reserve(struct limiter *limiter);

/* It was not sent after all (no connection): gives the place back. */
void limiter_release(struct limiter *limiter);

/* A reserved request goes out now. Returns its ticket for limiter_answered. */
uint64_t limiter_sent(struct limiter *limiter, int64_t now_us);

/* A request goes out again on a new connection, without a reservation: it counts all the same. */
uint64_t limiter_sent_again(struct limiter *limiter, int64_t now_us);

/* The answer to `ticket` has begun to arrive, so the request had reached the service by now. */
void limiter_answered(struct limiter *limiter, uint64_t ticket, int64_t now_us);

/* The service told us to wait (Retry-After): nothing may go out before `until_us`. An earlier end than the one in force
 * is ignored. */
void limiter_close(struct limiter *limiter, int64_t until_us);

/* Microseconds until the end of the wait that the service asked for; 0: none. */
int64_t limiter_closed_us(const struct limiter *limiter, int64_t now_us);

#endif
