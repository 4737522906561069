/* watching - long calls into SQLite: they tell that they go on, and end soon when the watch says so. */
#ifndef M365KEEP_STORE_WATCHING_H
#define M365KEEP_STORE_WATCHING_H

#include "store/store_private.h"

struct watching {
    struct store *store;             /* borrowed */
    const struct store_watch *watch; /* borrowed; NULL: nobody looks */
    const char *doing;               /* what was last told; static */
    int64_t done, of;
    bool stopped; /* the watch said so */
};

/* From here to watching_end every statement of the connection tells the watch now and then, and is interrupted when it
 * is to stop. */
void watching_begin(struct watching *watching, struct store *store, const struct store_watch *watch);
void watching_end(struct watching *watching);

/* Tells where the work stands. False with STORE_ERROR_STOPPED when it is to stop. */
bool watching_tell(struct watching *watching, const char *doing, int64_t done, int64_t of, GError **error);

/* What came of a call (`good` and *error), unless the watch stopped it: then false with STORE_ERROR_STOPPED. */
bool watching_judge(const struct watching *watching, bool good, GError **error);

/* Runs a call during which SQLite calls nobody back (the checks of all pages): meanwhile another thread tells the
 * watch, and interrupts. The result as of watching_judge. */
bool watching_through(struct watching *watching, bool (*call)(struct store *, GError **), GError **error);

#endif
