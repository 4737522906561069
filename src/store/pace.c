#include "store/pace.h"

#include <poll.h>

enum { REST_LEAST_US = 2000, REST_STEP_MS = 20 };

/* --- short transactions ----------------------------------------------------------------------------------------------
 */

bool pace_begin(struct pace *pace, struct store *store, GError **error)
{
    const struct store_watch *before = store->wait.watch;

    if (pace->watch)
        store->wait.watch = pace->watch;
    bool begun = wal_make_room(store, error) && store_begin(store, error);
    store->wait.watch = before;
    pace->began_us = g_get_monotonic_time();
    return begun;
}

bool pace_commit(struct pace *pace, struct store *store, GError **error)
{
    bool committed = store_commit(store, error);

    pace->held_us = g_get_monotonic_time() - pace->began_us;
    pace->longest_us = MAX(pace->longest_us, pace->held_us);
    pace->transactions++;
    return committed;
}

static bool asks_to_go_on(const struct store_watch *watch, const char *doing, int64_t done, int64_t of)
{
    return !watch || !watch->go_on || watch->go_on(doing, done, of, watch->user);
}

static bool stopped(const struct store *store, const char *doing, GError **error)
{
    g_set_error(error, STORE_ERROR, STORE_ERROR_STOPPED, "stopped while %s in %s; what was done until then stays",
                doing, store->path);
    return false;
}

bool pace_rest(struct pace *pace, const struct store *store, const char *doing, int64_t done, int64_t of,
               GError **error)
{
    int64_t until_us = g_get_monotonic_time() + (pace->alone ? 0 : MAX(pace->held_us, REST_LEAST_US));

    for (;;) {
        if (!asks_to_go_on(pace->watch, doing, done, of))
            return stopped(store, doing, error);
        int64_t left_us = until_us - g_get_monotonic_time();
        if (left_us <= 0)
            return true;
        poll(NULL, 0, (int)MIN(left_us / 1000 + 1, REST_STEP_MS));
    }
}

int64_t pace_units(const struct pace *pace, int64_t units, int64_t least, int64_t most)
{
    if (pace->held_us > 2 * PACE_AIM_US)
        units /= 2;
    else if (pace->held_us > PACE_AIM_US)
        units -= units / 4;
    else if (pace->held_us < PACE_AIM_US / 2)
        units *= 2;
    return CLAMP(units, least, most);
}
