/* task - a check that blocks, in a thread of its own, so that it neither holds up the others nor a signal. */
#ifndef M365KEEP_DOCTOR_TASK_H
#define M365KEEP_DOCTOR_TASK_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* What a kind of check does. */
struct task_kind {
    int limit_s; /* real seconds after which it is stopped */
    void (*run)(void *check);
    void (*stop)(void *check); /* from another thread, again and again until run returns: make it return soon */
    void (*free)(void *check);
};

struct task;

/* Starts it; `check` is taken. Returned: task_free. */
struct task *task_start(const struct task_kind *kind, void *check);

/* True when it has ended; stops it when its time is over. Call it now and then. */
bool task_done(struct task *task);

/* Stops it where it has not ended, and waits until it has. */
void task_free(struct task *task);

#endif
