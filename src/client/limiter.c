#include "client/limiter.h"

#include "base/clock.h"

enum { WINDOWS_MAX = 2 };

struct window {
    unsigned requests;
    int64_t span_us;
};

/* Microsoft Graph throttling limits, "service-specific limits", per app and tenant. The directory's budget is 3,500
 * resource units in 10 s for the smallest tenants, and a list of users costs 2. Management Activity API reference:
 * 2,000 requests a minute and tenant. */
static const struct window budgets[CLIENT_FAMILY_COUNT][WINDOWS_MAX] = {
    [CLIENT_FAMILY_REPORTS] = {{5, 10 * CLOCK_US}},
    [CLIENT_FAMILY_DIRECTORY] = {{1750, 10 * CLOCK_US}},
    [CLIENT_FAMILY_ACTIVITY] = {{10, 60 * CLOCK_US}},
    [CLIENT_FAMILY_ANNOUNCEMENTS] = {{240, 60 * CLOCK_US}, {800, 3600 * CLOCK_US}},
    [CLIENT_FAMILY_INTUNE] = {{1000, 20 * CLOCK_US}},
    [CLIENT_FAMILY_MANAGEMENT] = {{2000, 60 * CLOCK_US}},
};

struct sending {
    int64_t sent_us;
    int64_t answered_us; /* INT64_MAX: not yet */
};

struct limiter {
    const struct window *windows; /* WINDOWS_MAX of them; none when requests is 0 */
    struct sending *log;          /* a ring: sending number i is at i % capacity */
    uint64_t capacity;            /* the largest budget: older sendings cannot matter */
    uint64_t count;               /* sendings so far */
    uint64_t reserved;
    int64_t closed_until_us;
};

struct limiter *limiter_new(enum client_family family, bool pace)
{
    struct limiter *limiter = g_new0(struct limiter, 1);

    limiter->closed_until_us = INT64_MIN;
    if (!pace)
        return limiter;
    limiter->windows = budgets[family];
    for (int i = 0; i < WINDOWS_MAX; i++)
        limiter->capacity = MAX(limiter->capacity, limiter->windows[i].requests);
    limiter->log = g_new0(struct sending, limiter->capacity);
    return limiter;
}

void limiter_free(struct limiter *limiter)
{
    if (!limiter)
        return;
    g_free(limiter->log);
    g_free(limiter);
}

/* When a sending stops counting in a window of `span_us`: 4% and 0.2% are the margins for what we do and do not know.
 */
static int64_t counts_until(const struct sending *sending, int64_t span_us)
{
    int64_t unanswered = sending->sent_us + span_us + span_us / 25;

    if (sending->answered_us == INT64_MAX)
        return unanswered;
    return MIN(unanswered, sending->answered_us + span_us + span_us / 500);
}

/* Sendings are numbered in the order they went out. If each waits for the one n places before it to be w old on
 * arrival, no n + 1 of them can arrive within w, in whatever order answers come. */
static int64_t window_wait_us(const struct limiter *limiter, const struct window *window, int64_t now_us)
{
    uint64_t number = limiter->count + limiter->reserved; /* that the next one will have */

    if (window->requests == 0 || number < window->requests)
        return 0;
    uint64_t before = number - window->requests;
    if (before >= limiter->count)
        return INT64_MAX;
    return MAX(counts_until(&limiter->log[before % limiter->capacity], window->span_us) - now_us, 0);
}

int64_t limiter_wait_us(const struct limiter *limiter, int64_t now_us)
{
    int64_t wait_us = limiter_closed_us(limiter, now_us);

    for (int i = 0; limiter->windows && i < WINDOWS_MAX; i++)
        wait_us = MAX(wait_us, window_wait_us(limiter, &limiter->windows[i], now_us));
    return wait_us;
}

void limiter_reserve(struct limiter *limiter)
{
    limiter->reserved++;
}

void limiter_release(struct limiter *limiter)
{
    g_assert(limiter->reserved > 0);
    limiter->reserved--;
}

uint64_t limiter_sent(struct limiter *limiter, int64_t now_us)
{
    limiter_release(limiter);
    return limiter_sent_again(limiter, now_us);
}

uint64_t limiter_sent_again(struct limiter *limiter, int64_t now_us)
{
    if (limiter->log)
        limiter->log[limiter->count % limiter->capacity] = (struct sending){now_us, INT64_MAX};
    return limiter->count++;
}

void limiter_answered(struct limiter *limiter, uint64_t ticket, int64_t now_us)
{
    if (limiter->log && ticket < limiter->count && limiter->count - ticket <= limiter->capacity)
        limiter->log[ticket % limiter->capacity].answered_us = now_us;
}

void limiter_close(struct limiter *limiter, int64_t until_us)
{
    limiter->closed_until_us = MAX(limiter->closed_until_us, until_us);
}

int64_t limiter_closed_us(const struct limiter *limiter, int64_t now_us)
{
    return limiter->closed_until_us > now_us ? limiter->closed_until_us - now_us : 0;
}
