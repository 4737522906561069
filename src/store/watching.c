#include "store/watching.h"

#include <pthread.h>
#include <time.h>

enum {
    STEPS_BETWEEN_LOOKS = 1000, /* of SQLite's virtual machine: about a tenth of a millisecond */
    BEAT_NS = 100000000,
    SECOND_NS = 1000000000,
};

static bool ask(struct watching *watching)
{
    const struct store_watch *watch = watching->watch;
    if (!watching->stopped && watch && watch->go_on)
        watching->stopped = !watch->go_on(watching->doing, watching->done, watching->of, watch->user);
    return !watching->stopped;
}

/* SQLite's call back: what is not 0 interrupts the statement. */
static int look(void *watching)
{
    return !ask(watching);
}

void watching_begin(struct watching *watching, struct store *store, const struct store_watch *watch)
{
    *watching = (struct watching){.store = store, .watch = watch, .doing = "beginning"};
    sqlite3_progress_handler(store->db, STEPS_BETWEEN_LOOKS, look, watching);
}

void watching_end(struct watching *watching)
{
    sqlite3_progress_handler(watching->store->db, 0, NULL, NULL);
}

bool watching_tell(struct watching *watching, const char *doing, int64_t done, int64_t of, GError **error)
{
    watching->doing = doing;
    watching->done = done;
    watching->of = of;
    ask(watching);
    return watching_judge(watching, true, error);
}

bool watching_judge(const struct watching *watching, bool good, GError **error)
{
    if (!watching->stopped)
        return good;
    if (error)
        g_clear_error(error); /* an interrupted statement says that it reached a limit */
    g_set_error(error, STORE_ERROR, STORE_ERROR_STOPPED, "stopped while %s", watching->doing);
    return false;
}

/* --- the other thread ------------------------------------------------------------------------------------------------
 */

struct heart {
    struct watching *watching; /* its thread's alone while it beats */
    pthread_mutex_t mutex;     /* no GMutex, since ThreadSanitizer does not see into GLib */
    pthread_cond_t wake;
    bool over;
};

/* Waits until the next beat, or until it is over. */
static void rest(struct heart *heart)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += BEAT_NS;
    until.tv_sec += until.tv_nsec / SECOND_NS;
    until.tv_nsec %= SECOND_NS;
    while (!heart->over && pthread_cond_timedwait(&heart->wake, &heart->mutex, &until) == 0)
        ;
}

static void *beat(void *data)
{
    struct heart *heart = data;
    pthread_mutex_lock(&heart->mutex);
    while (!heart->over) {
        if (!ask(heart->watching))
            sqlite3_interrupt(heart->watching->store->db); /* again each time: a call that has not begun forgets it */
        rest(heart);
    }
    pthread_mutex_unlock(&heart->mutex);
    return NULL;
}

static void heart_init(struct heart *heart, struct watching *watching)
{
    pthread_condattr_t attributes;
    *heart = (struct heart){.watching = watching};
    pthread_mutex_init(&heart->mutex, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&heart->wake, &attributes);
    pthread_condattr_destroy(&attributes);
}

static void heart_clear(struct heart *heart)
{
    pthread_cond_destroy(&heart->wake);
    pthread_mutex_destroy(&heart->mutex);
}

static void stop_beating(struct heart *heart, pthread_t thread)
{
    pthread_mutex_lock(&heart->mutex);
    heart->over = true;
    pthread_cond_signal(&heart->wake);
    pthread_mutex_unlock(&heart->mutex);
    pthread_join(thread, NULL);
}

bool watching_through(struct watching *watching, bool (*call)(struct store *, GError **), GError **error)
{
    struct store *store = watching->store;
    struct heart heart;
    pthread_t thread;
    heart_init(&heart, watching);
    sqlite3_progress_handler(store->db, 0, NULL, NULL); /* one of the two asks */
    bool watched = watching->watch && watching->watch->go_on;
    bool beats = watched && pthread_create(&thread, NULL, beat, &heart) == 0;

    bool good = call(store, error);
    if (beats)
        stop_beating(&heart, thread);
    sqlite3_progress_handler(store->db, STEPS_BETWEEN_LOOKS, look, watching);
    heart_clear(&heart);
    return watching_judge(watching, good, error);
}
