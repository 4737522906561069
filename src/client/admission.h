/* admission - which of the bodies on their way in may go on growing, so that memory depends on the largest page in
 * flight and not on the number of customers.
 *
 * Where hundreds of customers are read at once, hundreds of pages of megabytes could arrive together, though one thread
 * alone can put them away. So a body passes freely while it is small. To grow large it is admitted, while what the
 * admitted ones take and what finished pages wait behind them (the backlog) leave room for another; else its transfer
 * is paused, and the network holds back what is still to come. Beside a giant there is always room for one more.
 *
 * Apps take turns; within an app who has waited longest goes first. An admitted body that does not get on for a second
 * is no reason to keep others waiting: until it does again it takes no room. So whoever waits, waits for bodies that
 * come in, which end, or for the backlog, which the caller puts away.
 *
 * Knows neither libcurl nor clocks: the caller pauses, and says what time it is (real monotonic microseconds). */
#ifndef M365KEEP_CLIENT_ADMISSION_H
#define M365KEEP_CLIENT_ADMISSION_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    ADMISSION_FREE_BYTES = 32 * 1024,           /* a body passes freely up to here; there may be hundreds */
    ADMISSION_ROOM_BYTES = 6 * 1024 * 1024,     /* for admitted bodies and the backlog */
    ADMISSION_EXPECTED_BYTES = 2 * 1024 * 1024, /* what an admitted body takes at least: a page of 1,000 sign-ins */
    /* What has to come in a second for a body to count as getting on. So slow a page of the usual size keeps others
     * waiting for 16 s at most; on a line slower than that for all of them, memory is what gives. */
    ADMISSION_PROGRESS_BYTES = 128 * 1024,
    ADMISSION_PROGRESS_US = 1000 * 1000,
};

struct admission {
    GPtrArray *bodies; /* struct admission_body *, borrowed: those that were paused or admitted, the oldest first */
    int64_t backlog;   /* bytes of finished pages, as the caller says */
    uint64_t turns;
};

/* One body, from its attempt's begin to its end. */
struct admission_body {
    struct admission *admission;     /* borrowed; NULL: none is being received */
    void *user;                      /* whose it is; untouched here */
    uint64_t *turn;                  /* of its app: when one of its bodies was last admitted. Borrowed */
    int64_t bytes;                   /* received */
    int64_t marked_bytes, marked_us; /* when it last got on */
    bool admitted, waiting;
};

void admission_init(struct admission *admission);
void admission_clear(struct admission *admission);

/* A body is going to be received; `body` is borrowed until admission_leave, which does nothing when it is not there. */
void admission_join(struct admission *admission, struct admission_body *body, uint64_t *turn, void *user);
void admission_leave(struct admission_body *body);

/* `length` more bytes are here. True: they count as received. False: the body waits from now on; its transfer is to be
 * paused, and the bytes are to be offered again once admission_next has named it. */
bool admission_take(struct admission_body *body, size_t length, int64_t now_us);

/* Admits the next that waits, if there is room; its transfer is to be continued. NULL: nobody. Borrowed. */
struct admission_body *admission_next(struct admission *admission, int64_t now_us);

/* Microseconds until admission_next may name somebody by the mere passing of time, 0: now, INT64_MAX: never. */
int64_t admission_wait_us(const struct admission *admission, int64_t now_us);

/* Whether anybody waits. */
bool admission_is_full(const struct admission *admission);

#endif
