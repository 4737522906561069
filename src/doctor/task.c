#include "doctor/task.h"

#include <pthread.h>

struct task {
    const struct task_kind *kind;
    void *check;
    int64_t until_us; /* real, monotonic */
    pthread_t thread; /* no GThread, since ThreadSanitizer does not see into GLib */
    bool started;
    gint done; /* atomic */
};

static void *run(void *data)
{
    struct task *task = data;

    task->kind->run(task->check);
    g_atomic_int_set(&task->done, 1);
    return NULL;
}

struct task *task_start(const struct task_kind *kind, void *check)
{
    struct task *task = g_new0(struct task, 1);

    task->kind = kind;
    task->check = check;
    task->until_us = g_get_monotonic_time() + kind->limit_s * G_TIME_SPAN_SECOND;
    /* With the first error GLib makes the lock of all: before there are threads, for the same reason. */
    g_error_free(g_error_new_literal(G_FILE_ERROR, G_FILE_ERROR_FAILED, ""));
    task->started = pthread_create(&task->thread, NULL, run, task) == 0;
    if (!task->started) /* no room for another thread: then in this one */
        run(task);
    return task;
}

bool task_done(struct task *task)
{
    if (g_atomic_int_get(&task->done))
        return true;
    if (g_get_monotonic_time() >= task->until_us)
        task->kind->stop(task->check);
    return false;
}

void task_free(struct task *task)
{
    enum { AGAIN_US = 10000 };

    if (!task)
        return;
    while (!g_atomic_int_get(&task->done)) {
        task->kind->stop(task->check);
        g_usleep(AGAIN_US);
    }
    if (task->started)
        pthread_join(task->thread, NULL);
    task->kind->free(task->check);
    g_free(task);
}
