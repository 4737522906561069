/* pace - long work in short transactions: how long one holds the write lock, and how long it is left alone after it.
 *
 * A piece of work takes as many units (rows, pages) a transaction as fit PACE_AIM_US, beginning with few. After each
 * the lock is left alone for as long as it was held, so that others who write get at least half of the time. */
#ifndef M365KEEP_STORE_PACE_H
#define M365KEEP_STORE_PACE_H

#include "store/store_private.h"

enum { PACE_AIM_US = 20000 }; /* how long a transaction should hold the lock */

/* Bytes that whoever runs this may still take of the disk that the database is on; 0 when nobody tells. */
int64_t pace_room(const struct store *store);

/* Zeroed but for the watch: nothing was done yet. */
struct pace {
    const struct store_watch *watch; /* borrowed; NULL: nobody looks */
    bool alone;                      /* nobody else can want the lock: nothing is waited for */
    int64_t transactions, longest_us;
    int64_t began_us, held_us; /* of the transaction under way, and of the last one */
};

/* Begins a transaction (as store_begin) as soon as the write-ahead log has room for it. False with *error:
 * STORE_ERROR_LOG when a reader keeps the log too large. */
bool pace_begin(struct pace *pace, struct store *store, GError **error);

/* Commits it (as store_commit), and notes how long the lock was held; SQLite's own checkpoint follows behind that. On
 * a disk that is nearly full the file gets the room first that the log will want of it: STORE_ERROR_FULL otherwise. Who
 * gives up rolls back by store_rollback. */
bool pace_commit(struct pace *pace, struct store *store, GError **error);

/* Leaves the lock alone for a while and tells the watch where the work stands; the watch ends the wait. False with
 * STORE_ERROR_STOPPED when it says so. */
bool pace_rest(struct pace *pace, const struct store *store, const char *doing, int64_t done, int64_t of,
               GError **error);

/* How many units the next transaction should take when the last one took `units`: between `least` and `most`. */
int64_t pace_units(const struct pace *pace, int64_t units, int64_t least, int64_t most);

#endif
