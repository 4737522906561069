/* task - what every maintain_* does around its work: locks, the opened database, progress, and an ear for signals. */
#ifndef M365KEEP_MAINTAIN_TASK_H
#define M365KEEP_MAINTAIN_TASK_H

#include "base/base.h"
#include "maintain/maintain.h"

enum maintain_access {
    MAINTAIN_WRITE,         /* to write, alone among those who maintain; collectors go on beside it */
    MAINTAIN_WRITE_OR_READ, /* the same, or where nothing can be written, to read, without a lock */
    MAINTAIN_READ,          /* to read, without a lock; one of an older version as MAINTAIN_WRITE */
    MAINTAIN_COPY,          /* as MAINTAIN_WRITE_OR_READ, but one of an older version to read, so that it stays of it */
    MAINTAIN_ALONE,         /* to write, with everyone else kept off */
    MAINTAIN_ALONE_UNOPENED, /* nobody else, and the database is left closed: it may not be there */
};

typedef struct maintain_task {
    const struct maintain_options *options; /* borrowed, until maintain_task_close */
    const char *name;                       /* as `maintenance` knows it; NULL: it is not noted there */
    struct store *store;                    /* NULL with MAINTAIN_ALONE_UNOPENED */
    bool reads_only;                        /* opened with STORE_READ or STORE_COPY */
    struct store_watch watch;               /* for the store's calls; the store's waits have it already */
    int signal;                             /* that came; 0: none */
    /* Private from here. */
    struct store_lock *locks[STORE_LOCK_MAINTENANCE + 1];
    struct progress *progress;
    const char *doing; /* what the watch was last told */
    int64_t done, of;
    int64_t began_us, began_done; /* of this `doing`, real time */
} MaintainTask;

/* Takes the locks, opens the database, and notes that the task begins. Start with {0}. False with *error; to be closed
 * either way. */
bool maintain_task_open(struct maintain_task *task, const struct maintain_options *options, const char *name,
                        enum maintain_access access, GError **error);

/* Notes that the task is done. That a note cannot be written is no failure: it is logged. */
void maintain_task_note(struct maintain_task *task, const char *outcome);

/* Where the call ended with STORE_ERROR_STOPPED: *signal, and in *error's words how far it had come. To be called with
 * what the store's call returned; returns it. */
bool maintain_task_told(struct maintain_task *task, bool good, int *signal, GError **error);

void maintain_task_close(struct maintain_task *task);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(MaintainTask, maintain_task_close)

/* The line that shows how far something is, as the watch is told; `seconds` since it was at `began`. Returned: g_free.
 */
char *maintain_progress_line(const char *doing, int64_t done, int64_t of, int64_t began, double seconds);

#endif
