/* Which bodies may grow: a table of situations on a clock of the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "client/admission.h"

enum {
    MANY = 40,
    CHUNK = 16 * 1024,
    MUCH = ADMISSION_PROGRESS_BYTES,
    SECOND = ADMISSION_PROGRESS_US,
    AT_ONCE = ADMISSION_ROOM_BYTES / ADMISSION_EXPECTED_BYTES
};

/* Each body is of an app of its own, unless a test says otherwise. */
struct scene {
    struct admission admission;
    struct admission_body bodies[MANY];
    uint64_t turns[MANY];
    int64_t now_us;
};

static int setup(void **state)
{
    struct scene *scene = g_new0(struct scene, 1);

    scene->now_us = 1000 * INT64_C(1000000);
    admission_init(&scene->admission);
    for (int i = 0; i < MANY; i++)
        admission_join(&scene->admission, &scene->bodies[i], &scene->turns[i], NULL);
    *state = scene;
    return 0;
}

static int teardown(void **state)
{
    struct scene *scene = *state;

    for (int i = 0; i < MANY; i++)
        admission_leave(&scene->bodies[i]);
    assert_int_equal(scene->admission.bodies->len, 0);
    admission_clear(&scene->admission);
    g_free(scene);
    return 0;
}

static bool take(struct scene *scene, int body, size_t length)
{
    return admission_take(&scene->bodies[body], length, scene->now_us);
}

/* Receives until `bytes` are there or it has to wait. */
static bool grow(struct scene *scene, int body, int64_t bytes)
{
    while (scene->bodies[body].bytes < bytes)
        if (!take(scene, body, CHUNK))
            return false;
    return true;
}

/* The body that is admitted next; -1: none. */
static int next(struct scene *scene)
{
    const struct admission_body *body = admission_next(&scene->admission, scene->now_us);

    return body ? (int)(body - scene->bodies) : -1;
}

static void small_bodies_pass_whatever_is_going_on(void **state)
{
    struct scene *scene = *state;

    scene->admission.backlog = INT64_C(100) * ADMISSION_ROOM_BYTES;
    for (int i = 0; i < MANY; i++)
        assert_true(grow(scene, i, ADMISSION_FREE_BYTES));
    assert_false(admission_is_full(&scene->admission));
    assert_int_equal(admission_wait_us(&scene->admission, scene->now_us), INT64_MAX);
}

static void large_ones_are_admitted_while_there_is_room_and_the_others_wait(void **state)
{
    struct scene *scene = *state;

    for (int i = 0; i < MANY; i++)
        assert_int_equal(grow(scene, i, 2 * ADMISSION_FREE_BYTES), i < AT_ONCE);
    assert_true(admission_is_full(&scene->admission));
    assert_int_equal(next(scene), -1);
    for (int i = 0; i < AT_ONCE; i++) /* who was admitted comes in whole */
        assert_true(grow(scene, i, ADMISSION_EXPECTED_BYTES));
    admission_leave(&scene->bodies[2]);
    assert_int_equal(next(scene), AT_ONCE);
    assert_int_equal(next(scene), -1);
}

static void what_is_refused_counts_only_once_it_is_offered_again(void **state)
{
    struct scene *scene = *state;

    for (int i = 0; i < AT_ONCE; i++)
        assert_true(take(scene, i, ADMISSION_FREE_BYTES + 1));
    assert_false(take(scene, AT_ONCE, ADMISSION_FREE_BYTES + 1));
    assert_false(take(scene, AT_ONCE, ADMISSION_FREE_BYTES + 1));
    assert_int_equal(scene->bodies[AT_ONCE].bytes, 0);
    assert_int_equal(scene->admission.bodies->len, AT_ONCE + 1);
    admission_leave(&scene->bodies[0]);
    assert_int_equal(next(scene), AT_ONCE);
    assert_true(take(scene, AT_ONCE, ADMISSION_FREE_BYTES + 1));
    assert_int_equal(scene->bodies[AT_ONCE].bytes, ADMISSION_FREE_BYTES + 1);
}

static void apps_take_turns_and_within_an_app_the_longest_wait_counts(void **state)
{
    static const int order[] = {10, 20, 4, 11, 21, 5, 12, 6, 7};
    struct scene *scene = *state;

    for (int i = 0; i < AT_ONCE; i++)
        assert_true(grow(scene, i, ADMISSION_FREE_BYTES + CHUNK));
    for (int i = 4; i < 8; i++) { /* the app of the first, which was served already */
        scene->bodies[i].turn = &scene->turns[0];
        assert_false(grow(scene, i, ADMISSION_FREE_BYTES + CHUNK));
    }
    for (int i = 10; i < 13; i++) {
        scene->bodies[i].turn = &scene->turns[10];
        assert_false(grow(scene, i, ADMISSION_FREE_BYTES + CHUNK));
    }
    for (int i = 20; i < 22; i++) {
        scene->bodies[i].turn = &scene->turns[20];
        assert_false(grow(scene, i, ADMISSION_FREE_BYTES + CHUNK));
    }
    admission_leave(&scene->bodies[0]);
    for (size_t i = 0; i < G_N_ELEMENTS(order); i++) {
        assert_int_equal(next(scene), order[i]);
        assert_int_equal(next(scene), -1);
        admission_leave(&scene->bodies[order[i]]);
    }
    assert_int_equal(next(scene), -1);
    assert_false(admission_is_full(&scene->admission));
}

static void a_newcomer_does_not_overtake_those_who_wait(void **state)
{
    struct scene *scene = *state;

    for (int i = 0; i < AT_ONCE + 1; i++)
        grow(scene, i, ADMISSION_FREE_BYTES + CHUNK);
    admission_leave(&scene->bodies[0]);
    assert_false(grow(scene, 9, ADMISSION_FREE_BYTES + CHUNK));
    assert_int_equal(next(scene), AT_ONCE);
}

static void a_body_that_does_not_get_on_keeps_nobody_waiting(void **state)
{
    struct scene *scene = *state;

    for (int i = 0; i < AT_ONCE + 2; i++)
        grow(scene, i, ADMISSION_FREE_BYTES + CHUNK);
    scene->now_us += SECOND / 2;
    for (int i = 1; i < AT_ONCE; i++)
        assert_true(take(scene, i, MUCH));
    assert_int_equal(admission_wait_us(&scene->admission, scene->now_us), SECOND / 2);
    scene->now_us += SECOND / 2 - 1;
    assert_int_equal(next(scene), -1);
    scene->now_us++;
    assert_int_equal(admission_wait_us(&scene->admission, scene->now_us), 0);
    assert_int_equal(next(scene), AT_ONCE); /* in the place of the first */
    assert_int_equal(next(scene), -1);
    assert_true(take(scene, 0, CHUNK)); /* which may go on all the same */
}

static void a_trickle_is_not_getting_on(void **state)
{
    struct scene *scene = *state;

    for (int i = 0; i < AT_ONCE + 1; i++)
        grow(scene, i, ADMISSION_FREE_BYTES + CHUNK);
    for (int tenth = 0; tenth < 10; tenth++) {
        scene->now_us += SECOND / 10;
        assert_true(take(scene, 0, 10));
        for (int i = 1; i < AT_ONCE; i++)
            assert_true(take(scene, i, MUCH));
    }
    assert_int_equal(next(scene), AT_ONCE);
}

static void when_nobody_gets_on_all_are_admitted_in_the_end(void **state)
{
    struct scene *scene = *state;

    for (int i = 0; i < MANY; i++)
        grow(scene, i, ADMISSION_FREE_BYTES + CHUNK);
    for (int i = AT_ONCE; i < MANY; i++) {
        scene->now_us += (i % AT_ONCE == 0) * SECOND;
        assert_int_equal(next(scene), i);
    }
    assert_int_equal(next(scene), -1);
}

static void what_waits_behind_takes_room_too(void **state)
{
    static const struct {
        int64_t backlog;
        int admitted;
    } table[] = {
        {0, AT_ONCE},
        {1, AT_ONCE - 1},
        {ADMISSION_EXPECTED_BYTES, AT_ONCE - 1},
        {ADMISSION_EXPECTED_BYTES + 1, AT_ONCE - 2},
        {ADMISSION_ROOM_BYTES - ADMISSION_EXPECTED_BYTES, 1},
        {ADMISSION_ROOM_BYTES - 1, 1}, /* the last one: nothing else would get on */
        {ADMISSION_ROOM_BYTES, 0},     /* but for the backlog */
        {INT64_MAX / 2, 0},
    };
    struct scene *scene = *state;

    for (size_t row = 0; row < G_N_ELEMENTS(table); row++) {
        int admitted = 0;
        scene->admission.backlog = table[row].backlog;
        for (int i = 0; i < MANY; i++)
            admission_leave(&scene->bodies[i]);
        for (int i = 0; i < MANY; i++) {
            admission_join(&scene->admission, &scene->bodies[i], &scene->turns[i], NULL);
            admitted += grow(scene, i, ADMISSION_FREE_BYTES + CHUNK);
        }
        assert_int_equal(admitted, table[row].admitted);
        assert_int_equal(next(scene), -1);
    }
    assert_int_equal(admission_wait_us(&scene->admission, scene->now_us), INT64_MAX);
    scene->admission.backlog = 0;
    assert_int_equal(admission_wait_us(&scene->admission, scene->now_us), 0);
}

static void beside_a_giant_there_is_room_for_one_more(void **state)
{
    struct scene *scene = *state;

    assert_true(grow(scene, 0, INT64_C(100) * 1024 * 1024));
    assert_true(grow(scene, 1, ADMISSION_EXPECTED_BYTES));
    assert_false(grow(scene, 2, ADMISSION_EXPECTED_BYTES));
    assert_true(grow(scene, 1, INT64_C(100) * 1024 * 1024));
    assert_int_equal(next(scene), -1);
    admission_leave(&scene->bodies[0]);
    assert_int_equal(next(scene), 2);
}

static void a_chunk_may_be_larger_than_any_limit(void **state)
{
    struct scene *scene = *state;

    assert_true(take(scene, 0, 2 * ADMISSION_ROOM_BYTES));
    assert_true(take(scene, 1, 2 * ADMISSION_ROOM_BYTES));
    assert_false(take(scene, 2, 2 * ADMISSION_ROOM_BYTES));
    assert_true(take(scene, 2 + 1, ADMISSION_FREE_BYTES));
}

/* The bodies of as many customers as there are, each a page of the usual size: whoever is admitted gets on. */
static void many_at_once_stay_within_the_room_and_all_come_in_whole(void **state)
{
    struct scene *scene = *state;
    bool whole[MANY] = {false};
    int left = MANY;

    for (int64_t most = 0; left > 0; scene->now_us += SECOND / 100) {
        int64_t large = 0;
        while (next(scene) >= 0)
            continue;
        for (int i = 0; i < MANY; i++) {
            struct admission_body *body = &scene->bodies[i];
            if (whole[i] || body->waiting || !take(scene, i, CHUNK))
                continue;
            whole[i] = body->bytes >= ADMISSION_EXPECTED_BYTES;
            left -= whole[i];
            if (whole[i])
                admission_leave(body);
        }
        for (int i = 0; i < MANY; i++)
            large += whole[i] ? 0 : scene->bodies[i].bytes;
        most = MAX(most, large);
        assert_true(most <= ADMISSION_ROOM_BYTES + MANY * ADMISSION_FREE_BYTES);
        assert_true(scene->now_us < 3000 * INT64_C(1000000));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(small_bodies_pass_whatever_is_going_on, setup, teardown),
        cmocka_unit_test_setup_teardown(large_ones_are_admitted_while_there_is_room_and_the_others_wait, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_is_refused_counts_only_once_it_is_offered_again, setup, teardown),
        cmocka_unit_test_setup_teardown(apps_take_turns_and_within_an_app_the_longest_wait_counts, setup, teardown),
        cmocka_unit_test_setup_teardown(a_newcomer_does_not_overtake_those_who_wait, setup, teardown),
        cmocka_unit_test_setup_teardown(a_body_that_does_not_get_on_keeps_nobody_waiting, setup, teardown),
        cmocka_unit_test_setup_teardown(a_trickle_is_not_getting_on, setup, teardown),
        cmocka_unit_test_setup_teardown(when_nobody_gets_on_all_are_admitted_in_the_end, setup, teardown),
        cmocka_unit_test_setup_teardown(what_waits_behind_takes_room_too, setup, teardown),
        cmocka_unit_test_setup_teardown(beside_a_giant_there_is_room_for_one_more, setup, teardown),
        cmocka_unit_test_setup_teardown(a_chunk_may_be_larger_than_any_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(many_at_once_stay_within_the_room_and_all_come_in_whole, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
