#include <poll.h>

#include "base/base.h"
#include "store/store_private.h"

/* SQLite's own busy timeout sleeps up to a tenth of a second at a time: whoever waits so for a lock that is free for
 * some milliseconds now and then hardly gets it. This looks more often. */
enum {
    POLL_MS = 1,         /* at first */
    POLL_LATER_MS = 4,   /* after WAIT_SHORT_MS */
    WAIT_SHORT_MS = 250, /* nobody is asked before */
    WAIT_ASK_MS = 50,    /* the watch is asked, and a lock looked at, so often */
    WAIT_TELL_MS = 1000, /* then it is told in the log */
};

static int64_t ms(int64_t us)
{
    return us / 1000;
}

void wait_begin(struct store *store, const char *doing)
{
    struct wait *wait = &store->wait;

    g_clear_pointer(&wait->whom, g_free);
    wait->doing = doing;
    wait->began_us = wait->patient_us = wait->asked_us = g_get_monotonic_time();
    wait->interrupts_before = g_atomic_int_get(&wait->interrupts);
    wait->end = WAIT_IMPATIENT;
}

static bool ends(struct wait *wait, enum wait_end end)
{
    wait->end = end;
    return true;
}

/* Somebody wants the wait to end. */
static bool is_ended(struct wait *wait, int64_t now_us)
{
    if (g_atomic_int_get(&wait->interrupts) != wait->interrupts_before)
        return ends(wait, WAIT_INTERRUPTED);
    if (ms(now_us - wait->began_us) < WAIT_SHORT_MS || ms(now_us - wait->asked_us) < WAIT_ASK_MS)
        return false;
    wait->asked_us = now_us;
    return wait->watch && wait->watch->go_on && !wait->watch->go_on(wait->doing, 0, 0, wait->watch->user) &&
           ends(wait, WAIT_STOPPED);
}

bool wait_goes_on(struct store *store, int64_t most_us)
{
    struct wait *wait = &store->wait;
    int64_t now_us = g_get_monotonic_time();

    if (is_ended(wait, now_us) || now_us - wait->patient_us >= most_us)
        return false;
    poll(NULL, 0, ms(now_us - wait->began_us) < WAIT_SHORT_MS ? POLL_MS : POLL_LATER_MS);
    return true;
}

void wait_over(struct store *store)
{
    struct wait *wait = &store->wait;

    if (wait->whom)
        log_write(LOG_LEVEL_INFO, "The lock on the database is free again.", "database", store->path, "was", wait->whom,
                  NULL);
    g_clear_pointer(&wait->whom, g_free);
    wait->began_us = 0;
    wait->end = WAIT_IMPATIENT;
}

/* --- locks -----------------------------------------------------------------------------------------------------------
 */

static void tell(struct store *store, const char *maintaining)
{
    struct wait *wait = &store->wait;

    if (wait->whom || ms(g_get_monotonic_time() - wait->began_us) < WAIT_TELL_MS)
        return;
    wait->whom =
        maintaining ? g_strdup(maintaining) : holders_name(sqlite3_db_filename(store->db, "main"), HOLDERS_WRITING);
    if (!wait->whom)
        wait->whom = g_strdup("another program");
    log_write(LOG_LEVEL_INFO,
              maintaining ? "Waiting for the maintenance of the database to end."
                          : "Waiting for another program to unlock the database.",
              "database", store->path, "holder", wait->whom, NULL);
}

/* Maintenance may take minutes, and ends: patience does not run out meanwhile. */
static void look_at_holder(struct store *store)
{
    struct wait *wait = &store->wait;
    int64_t now_us = g_get_monotonic_time();
    bool due = ms(now_us - wait->began_us) >= WAIT_SHORT_MS && now_us - wait->asked_us >= WAIT_ASK_MS * 1000;
    if (!due)
        return;
    g_autofree char *maintaining = lock_other_holder(store->path, STORE_LOCK_MAINTENANCE);
    if (maintaining)
        wait->patient_us = now_us;
    tell(store, maintaining);
}

/* SQLite calls it again and again as long as a lock is held; 0 ends that with SQLITE_BUSY. */
static int busy(void *data, int times)
{
    struct store *store = data;

    if (store->wait.never)
        return 0;
    if (times == 0)
        wait_begin(store, "waiting for the lock on the database");
    look_at_holder(store);
    return wait_goes_on(store, store->wait.busy_us);
}

int wait_init(struct store *store)
{
    store->wait.busy_us = (int64_t)STORE_BUSY_MS * 1000;
    return sqlite3_busy_handler(store->db, busy, store);
}

void wait_clear(struct store *store)
{
    g_clear_pointer(&store->wait.whom, g_free);
}

void store_set_watch(struct store *store, const struct store_watch *watch)
{
    store->wait.watch = watch;
}

void store_interrupt(struct store *store)
{
    g_atomic_int_inc(&store->wait.interrupts);
    sqlite3_interrupt(store->db);
}
