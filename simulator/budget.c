#include "budget.h"

#include <glib.h>
#include <string.h>

#include "ticks.h"

static const struct {
    int64_t window_s;
    int most; /* 0: by the size of the tenant */
} limits[BUDGET_FAMILIES] = {
    [BUDGET_REPORTS] = {10, 5},
    [BUDGET_DIRECTORY] = {10, 0},
    [BUDGET_ACTIVITY] = {60, 10},
};

struct taken {
    int64_t at;
    int cost;
};

struct purse {
    GArray *taken; /* struct taken, oldest first, from `first` on */
    guint first;
    int most, sum;
    int64_t window, wait_until;
};

struct budget {
    struct purse purses[BUDGET_FAMILIES];
};

struct budget *budget_new(int64_t users)
{
    struct budget *b = g_new0(struct budget, 1);

    for (int f = 0; f < BUDGET_FAMILIES; f++) {
        struct purse *p = &b->purses[f];
        p->taken = g_array_new(FALSE, FALSE, sizeof(struct taken));
        p->window = limits[f].window_s * TICKS_PER_SECOND;
        p->most = limits[f].most > 0 ? limits[f].most : users < 50 ? 3500 : users <= 500 ? 5000 : 8000;
    }
    budget_reset(b);
    return b;
}

void budget_free(struct budget *b)
{
    if (!b)
        return;
    for (int f = 0; f < BUDGET_FAMILIES; f++)
        g_array_unref(b->purses[f].taken);
    g_free(b);
}

void budget_reset(struct budget *b)
{
    for (int f = 0; f < BUDGET_FAMILIES; f++) {
        struct purse *p = &b->purses[f];
        g_array_set_size(p->taken, 0);
        p->first = 0;
        p->sum = 0;
        p->wait_until = INT64_MIN;
    }
}

void budget_wait_until(struct budget *b, enum budget_family family, int64_t until)
{
    b->purses[family].wait_until = MAX(b->purses[family].wait_until, until);
}

static int64_t whole_seconds(int64_t ticks)
{
    return MAX((ticks + TICKS_PER_SECOND - 1) / TICKS_PER_SECOND, 1);
}

static const struct taken *oldest(const struct purse *p)
{
    return &g_array_index(p->taken, struct taken, p->first);
}

/* Forgets what is older than the window. */
static void forget(struct purse *p, int64_t now)
{
    while (p->first < p->taken->len && oldest(p)->at + p->window <= now)
        p->sum -= g_array_index(p->taken, struct taken, p->first++).cost;
    if (p->first > 4096) {
        g_array_remove_range(p->taken, 0, p->first);
        p->first = 0;
    }
}

/* The moment at which so much will have been given back that cost fits. */
static int64_t free_at(const struct purse *p, int cost)
{
    int sum = p->sum;
    guint k = p->first;

    while (k < p->taken->len && sum + cost > p->most)
        sum -= g_array_index(p->taken, struct taken, k++).cost;
    return k > p->first ? g_array_index(p->taken, struct taken, k - 1).at + p->window : INT64_MIN;
}

int64_t budget_take(struct budget *b, enum budget_family family, int cost, int64_t now, bool enforce, bool *broken)
{
    struct purse *p = &b->purses[family];
    struct taken taken = {now, cost};

    *broken = now < p->wait_until;
    forget(p, now);
    if (enforce && *broken)
        return whole_seconds(p->wait_until - now);
    if (enforce && p->sum + cost > p->most) {
        int64_t wait_s = whole_seconds(free_at(p, cost) - now);
        p->wait_until = now + wait_s * TICKS_PER_SECOND;
        return wait_s;
    }
    g_array_append_val(p->taken, taken);
    p->sum += cost;
    return 0;
}

double budget_used(struct budget *b, enum budget_family family, int64_t now)
{
    struct purse *p = &b->purses[family];

    forget(p, now);
    return (double)p->sum / p->most;
}
