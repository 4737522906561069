/* Checks in threads of their own: they end by themselves, at their limit, or when nobody wants them any more. */
#include "told.h"

#include <pthread.h>
#include <stdio.h>

#include "doctor/database.h"
#include "doctor/task.h"

/* A check that runs until it is stopped, or not at all. */
struct idler {
    pthread_mutex_t mutex;
    pthread_cond_t stopped;
    bool stop, *freed;
    unsigned stops;
};

static void idle(void *data)
{
    struct idler *idler = data;

    pthread_mutex_lock(&idler->mutex);
    while (!idler->stop)
        pthread_cond_wait(&idler->stopped, &idler->mutex);
    pthread_mutex_unlock(&idler->mutex);
}

static void stop(void *data)
{
    struct idler *idler = data;

    pthread_mutex_lock(&idler->mutex);
    idler->stop = true;
    idler->stops++;
    pthread_cond_signal(&idler->stopped);
    pthread_mutex_unlock(&idler->mutex);
}

static void discard(void *data)
{
    struct idler *idler = data;

    *idler->freed = true;
    pthread_mutex_destroy(&idler->mutex);
    pthread_cond_destroy(&idler->stopped);
    g_free(idler);
}

static struct idler *idler_new(bool stopped, bool *freed)
{
    struct idler *idler = g_new0(struct idler, 1);

    pthread_mutex_init(&idler->mutex, NULL);
    pthread_cond_init(&idler->stopped, NULL);
    idler->stop = stopped;
    idler->freed = freed;
    *freed = false;
    return idler;
}

static const struct task_kind patient = {.limit_s = 3600, .run = idle, .stop = stop, .free = discard};
static const struct task_kind hasty = {.limit_s = 0, .run = idle, .stop = stop, .free = discard};

static void await(struct task *task)
{
    while (!task_done(task))
        g_thread_yield();
}

static void a_task_that_ends_by_itself_is_not_stopped(void **state)
{
    bool freed;
    struct idler *idler = idler_new(true, &freed);
    struct task *task = task_start(&patient, idler);

    (void)state;
    await(task);
    assert_int_equal(idler->stops, 0);
    assert_false(freed);
    task_free(task);
    assert_true(freed);
}

static void a_task_is_stopped_when_its_time_is_over(void **state)
{
    bool freed;
    struct idler *idler = idler_new(false, &freed);
    struct task *task = task_start(&hasty, idler);

    (void)state;
    await(task);
    assert_true(idler->stops > 0);
    task_free(task);
    assert_true(freed);
}

static void a_task_that_nobody_wants_any_more_is_stopped(void **state)
{
    bool freed;
    struct task *task = task_start(&patient, idler_new(false, &freed));

    (void)state;
    assert_false(task_done(task));
    task_free(task);
    assert_true(freed);
    task_free(NULL);
}

/* Whenever the stop comes, before the database is open or in the midst of it: no fault is found for it. */
static void a_database_check_that_is_stopped_finds_no_fault(void **state)
{
    g_autofree char *folder = g_dir_make_tmp("doctor-task-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "kept.db", NULL);
    static const char *const left[] = {"kept.db", "kept.db-wal", "kept.db-shm"};

    (void)state;
    store_close(store_open(path, STORE_CREATE, NULL));
    for (int delay_us = 0; delay_us < 5000; delay_us += 250) {
        struct section *database = section_new(NULL), *disk = section_new(NULL);
        struct task *task =
            task_start(&database_check_kind, database_check_new(path, NULL, 1763640000, database, disk));
        g_usleep((gulong)delay_us);
        task_free(task);
        for (guint i = 0; i < database->findings->len; i++) {
            const struct doctor_finding *finding = g_ptr_array_index(database->findings, i);
            if (finding->severity > DOCTOR_NOTE)
                fail_msg("%s", finding->message);
        }
        section_free(database);
        section_free(disk);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(left); i++) {
        g_autofree char *file = g_build_filename(folder, left[i], NULL);
        remove(file);
    }
    assert_int_equal(remove(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_task_that_ends_by_itself_is_not_stopped),
        cmocka_unit_test(a_task_is_stopped_when_its_time_is_over),
        cmocka_unit_test(a_task_that_nobody_wants_any_more_is_stopped),
        cmocka_unit_test(a_database_check_that_is_stopped_finds_no_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
