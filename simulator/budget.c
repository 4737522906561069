#include "budget.h"

#include <glib.h>
#include <string.h>

#include "ticks.h"

struct budget {
    int64_t taken[BUDGET_REQUESTS]; /* a ring of the latest good requests */
    unsigned next, count;
    int64_t wait_until;
};

struct budget *budget_new(void)
{
    struct budget *b = g_new0(struct budget, 1);

    budget_reset(b);
    return b;
}

void budget_free(struct budget *b)
{
    g_free(b);
}

void budget_reset(struct budget *b)
{
    *b = (struct budget){.wait_until = INT64_MIN};
}

void budget_wait_until(struct budget *b, int64_t until)
{
    b->wait_until = MAX(b->wait_until, until);
}

static int64_t whole_seconds(int64_t ticks)
{
    return MAX((ticks + TICKS_PER_SECOND - 1) / TICKS_PER_SECOND, 1);
}

int64_t budget_take(struct budget *b, int64_t now, bool enforce, bool *broken)
{
    *broken = now < b->wait_until;
    if (!enforce)
        return 0;
    if (*broken)
        return whole_seconds(b->wait_until - now);
    /* With the ring full, its next place holds the oldest of the last five. */
    int64_t free_at = b->taken[b->next] + BUDGET_WINDOW_S * TICKS_PER_SECOND;
    if (b->count == BUDGET_REQUESTS && free_at > now) {
        int64_t wait_s = whole_seconds(free_at - now);
        b->wait_until = now + wait_s * TICKS_PER_SECOND;
        return wait_s;
    }
    b->taken[b->next] = now;
    b->next = (b->next + 1) % BUDGET_REQUESTS;
    b->count = MIN(b->count + 1, BUDGET_REQUESTS);
    return 0;
}
