#include "client/limiter.h"

#include <string.h>

#include "base/clock.h"

enum { WINDOWS_MAX = 2 };

struct window {
    unsigned requests;
    int64_t span_us;
};

/* Microsoft Graph throttling limits, "service-specific limits". The directory's budgets are 3,500 resource units in
 * 10 s for the smallest tenants and 150,000 in 20 s for an app, and a list of users costs 2. Management Activity API
 * reference: 2,000 requests a minute and tenant. */
static const struct window budgets[CLIENT_FAMILY_COUNT][LIMITER_SCOPES][WINDOWS_MAX] = {
    [CLIENT_FAMILY_REPORTS] = {[LIMITER_APP_IN_TENANT] = {{5, 10 * CLOCK_US}}, [LIMITER_APP] = {{122, 10 * CLOCK_US}}},
    [CLIENT_FAMILY_DIRECTORY] =
        {[LIMITER_APP_IN_TENANT] = {{1750, 10 * CLOCK_US}}, [LIMITER_APP] = {{75000, 20 * CLOCK_US}}},
    [CLIENT_FAMILY_ACTIVITY] = {[LIMITER_APP_IN_TENANT] = {{10, 60 * CLOCK_US}}, [LIMITER_APP] = {{10, 60 * CLOCK_US}}},
    [CLIENT_FAMILY_ANNOUNCEMENTS] = {[LIMITER_APP_IN_TENANT] = {{240, 60 * CLOCK_US}, {800, 3600 * CLOCK_US}}},
    [CLIENT_FAMILY_INTUNE] =
        {[LIMITER_APP_IN_TENANT] = {{1000, 20 * CLOCK_US}}, [LIMITER_TENANT] = {{2000, 20 * CLOCK_US}}},
    [CLIENT_FAMILY_MANAGEMENT] = {[LIMITER_TENANT] = {{2000, 60 * CLOCK_US}}},
    /* Of an app and a mailbox; ours sends from one. The 150 MB in 5 minutes beside it are left to the service's 429:
       they are hundreds of mails. */
    [CLIENT_FAMILY_MAIL] = {[LIMITER_APP_IN_TENANT] = {{10000, 600 * CLOCK_US}}},
};

struct sending {
    int64_t sent_us;
    int64_t answered_us; /* INT64_MAX: not yet */
};

/* What has been sent under one budget. */
struct tally {
    const struct window *windows; /* WINDOWS_MAX of them; none when requests is 0 */
    struct sending *log;          /* a ring: sending number i is at i % capacity */
    uint64_t capacity;            /* the largest window's: older sendings cannot matter */
    uint64_t count;               /* sendings so far */
    uint64_t reserved;
};

struct limiter {
    struct limiter_pool *pool;             /* borrowed */
    struct tally *tallies[LIMITER_SCOPES]; /* borrowed from the pool; NULL where there is no budget */
    uint64_t turn;                         /* of the pool, at the latest reservation; 0: none yet */
    int64_t closed_until_us;
    bool told_to_wait; /* and nothing has shown since that the wait was long enough */
    bool probing;      /* the first request after it is on its way */
};

struct limiter_pool {
    bool pace;
    uint64_t turns;       /* reservations so far */
    GHashTable *tallies;  /* char * -> struct tally *, owned */
    GHashTable *limiters; /* char * -> struct limiter *, owned */
};

/* --- the pool ----------------------------------------------------------------------------------------------------- */

static void free_tally(gpointer data)
{
    struct tally *tally = data;

    g_free(tally->log);
    g_free(tally);
}

struct limiter_pool *limiter_pool_new(bool pace)
{
    struct limiter_pool *pool = g_new0(struct limiter_pool, 1);

    pool->pace = pace;
    pool->tallies = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_tally);
    pool->limiters = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    return pool;
}

void limiter_pool_free(struct limiter_pool *pool)
{
    if (!pool)
        return;
    g_hash_table_unref(pool->limiters);
    g_hash_table_unref(pool->tallies);
    g_free(pool);
}

/* Names who shares a budget. NULL for an app or a tenant that does not matter. Returned: g_free. */
static char *key_of(enum client_family family, enum limiter_scope scope, const char *base_url, const char *client_id,
                    const char *tenant_id)
{
    size_t length = strlen(base_url);

    while (length > 0 && base_url[length - 1] == '/')
        length--;
    g_autofree char *key = g_strdup_printf("%d %d %.*s %s %s", (int)family, (int)scope, (int)length, base_url,
                                           client_id ? client_id : "", tenant_id ? tenant_id : "");
    return g_ascii_strdown(key, -1);
}

static struct tally *get_tally(struct limiter_pool *pool, const struct window *windows, const char *key)
{
    struct tally *tally = g_hash_table_lookup(pool->tallies, key);

    if (tally)
        return tally;
    tally = g_new0(struct tally, 1);
    tally->windows = windows;
    for (int i = 0; i < WINDOWS_MAX; i++)
        tally->capacity = MAX(tally->capacity, windows[i].requests);
    tally->log = g_new0(struct sending, tally->capacity);
    g_hash_table_insert(pool->tallies, g_strdup(key), tally);
    return tally;
}

struct limiter *limiter_pool_get(struct limiter_pool *pool, enum client_family family, const char *base_url,
                                 const char *client_id, const char *tenant_id)
{
    g_autofree char *name = key_of(family, LIMITER_APP_IN_TENANT, base_url, client_id, tenant_id);
    struct limiter *limiter = g_hash_table_lookup(pool->limiters, name);

    if (limiter)
        return limiter;
    limiter = g_new0(struct limiter, 1);
    limiter->pool = pool;
    limiter->closed_until_us = INT64_MIN;
    for (int scope = 0; pool->pace && scope < LIMITER_SCOPES; scope++) {
        const struct window *windows = budgets[family][scope];
        g_autofree char *key =
            key_of(family, (enum limiter_scope)scope, base_url, scope == LIMITER_TENANT ? NULL : client_id,
                   scope == LIMITER_APP ? NULL : tenant_id);
        if (windows[0].requests > 0)
            limiter->tallies[scope] = get_tally(pool, windows, key);
    }
    g_hash_table_insert(pool->limiters, g_steal_pointer(&name), limiter);
    return limiter;
}

/* --- one budget --------------------------------------------------------------------------------------------------- */

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
static int64_t window_wait_us(const struct tally *tally, const struct window *window, int64_t now_us)
{
    uint64_t number = tally->count + tally->reserved; /* that the next one will have */

    if (window->requests == 0 || number < window->requests)
        return 0;
    uint64_t before = number - window->requests;
    if (before >= tally->count)
        return INT64_MAX;
    return MAX(counts_until(&tally->log[before % tally->capacity], window->span_us) - now_us, 0);
}

static uint64_t note_sending(struct tally *tally, int64_t now_us)
{
    tally->log[tally->count % tally->capacity] = (struct sending){now_us, INT64_MAX};
    return tally->count++;
}

static void note_answer(struct tally *tally, uint64_t number, int64_t now_us)
{
    if (number < tally->count && tally->count - number <= tally->capacity)
        tally->log[number % tally->capacity].answered_us = now_us;
}

/* --- all that a request counts in --------------------------------------------------------------------------------- */

int64_t limiter_wait_us(const struct limiter *limiter, int64_t now_us)
{
    int64_t wait_us = limiter->probing ? INT64_MAX : limiter_closed_us(limiter, now_us);

    for (int scope = 0; scope < LIMITER_SCOPES; scope++) {
        const struct tally *tally = limiter->tallies[scope];
        for (int i = 0; tally && i < WINDOWS_MAX; i++)
            wait_us = MAX(wait_us, window_wait_us(tally, &tally->windows[i], now_us));
    }
    return wait_us;
}

uint64_t limiter_turn(const struct limiter *limiter)
{
    return limiter->turn;
}

bool limiter_reserve(struct limiter *limiter)
{
    limiter->probing = limiter->told_to_wait;
    limiter->turn = ++limiter->pool->turns;
    for (int scope = 0; scope < LIMITER_SCOPES; scope++)
        if (limiter->tallies[scope])
            limiter->tallies[scope]->reserved++;
    return limiter->probing;
}

void limiter_probe_over(struct limiter *limiter, bool passed)
{
    limiter->probing = false;
    limiter->told_to_wait = limiter->told_to_wait && !passed;
}

void limiter_release(struct limiter *limiter)
{
    for (int scope = 0; scope < LIMITER_SCOPES; scope++) {
        struct tally *tally = limiter->tallies[scope];
        g_assert(!tally || tally->reserved > 0);
        if (tally)
            tally->reserved--;
    }
}

struct limiter_ticket limiter_sent(struct limiter *limiter, int64_t now_us)
{
    limiter_release(limiter);
    return limiter_sent_again(limiter, now_us);
}

struct limiter_ticket limiter_sent_again(struct limiter *limiter, int64_t now_us)
{
    struct limiter_ticket ticket = {0};

    for (int scope = 0; scope < LIMITER_SCOPES; scope++)
        if (limiter->tallies[scope])
            ticket.numbers[scope] = note_sending(limiter->tallies[scope], now_us);
    return ticket;
}

void limiter_answered(struct limiter *limiter, const struct limiter_ticket *ticket, int64_t now_us)
{
    for (int scope = 0; scope < LIMITER_SCOPES; scope++)
        if (limiter->tallies[scope])
            note_answer(limiter->tallies[scope], ticket->numbers[scope], now_us);
}

void limiter_close(struct limiter *limiter, int64_t until_us)
{
    limiter->closed_until_us = MAX(limiter->closed_until_us, until_us);
    limiter->told_to_wait = true;
}

int64_t limiter_closed_us(const struct limiter *limiter, int64_t now_us)
{
    return limiter->closed_until_us > now_us ? limiter->closed_until_us - now_us : 0;
}
