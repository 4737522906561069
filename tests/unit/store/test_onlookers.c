/* What looks at the store from aside: who holds a lock, and how to end what another thread does. */
#include "fixture.h"

#include <pthread.h>

static void the_holder_of_a_lock_is_named_while_it_holds_it(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    g_autofree char *me = g_strdup_printf("process %ld", (long)getpid());

    assert_null(store_lock_holder(fixture->path, STORE_LOCK_COLLECT));
    g_autoptr(StoreLock) lock = store_lock_take(fixture->path, STORE_LOCK_COLLECT, &error);
    assert_ok(lock != NULL, error);
    g_autofree char *holder = store_lock_holder(fixture->path, STORE_LOCK_COLLECT);
    assert_string_equal(holder, me);
    assert_null(store_lock_holder(fixture->path, STORE_LOCK_HEALTH));
    g_clear_pointer(&lock, store_lock_release);
    assert_null(store_lock_holder(fixture->path, STORE_LOCK_COLLECT)); /* though its number is still in the file */
}

static void a_lock_file_without_a_number_names_nobody(void **state)
{
    struct fixture *fixture = *state;
    g_autofree char *file = g_strconcat(fixture->path, ".lock", NULL);
    static const char *const texts[] = {"", "nobody\n", "-1\n", "99999999999\n"};

    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        assert_true(g_file_set_contents(file, texts[i], -1, NULL));
        assert_null(store_lock_holder(fixture->path, STORE_LOCK_COLLECT));
    }
}

struct asking {
    struct store *store;
    gint begun, done; /* atomic */
    GError *error;
};

/* Again and again, until it is interrupted. */
static void *ask(void *data)
{
    struct asking *asking = data;

    g_atomic_int_set(&asking->begun, 1);
    while (store_quick_check(asking->store, &asking->error))
        continue;
    g_atomic_int_set(&asking->done, 1);
    return NULL;
}

static void what_another_thread_does_with_the_store_can_be_ended(void **state)
{
    struct fixture *fixture = *state;
    struct asking asking = {.store = fixture->store};
    g_autoptr(GError) error = NULL;
    pthread_t thread;

    assert_int_equal(pthread_create(&thread, NULL, ask, &asking), 0);
    while (!g_atomic_int_get(&asking.begun))
        g_thread_yield();
    while (!g_atomic_int_get(&asking.done))
        store_interrupt(fixture->store);
    pthread_join(thread, NULL);
    assert_refused(false, &asking.error, STORE_ERROR_LIMIT, "");
    assert_ok(store_quick_check(fixture->store, &error), error);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_holder_of_a_lock_is_named_while_it_holds_it, setup_store, teardown),
        cmocka_unit_test_setup_teardown(a_lock_file_without_a_number_names_nobody, setup_store, teardown),
        cmocka_unit_test_setup_teardown(what_another_thread_does_with_the_store_can_be_ended, setup_store, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
