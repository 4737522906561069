/* The program's clock: real, simulated, and standing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"

static struct clock clock_of(const char *spec)
{
    struct clock clock;
    g_autoptr(GError) error = NULL;

    assert_true(clock_init(&clock, spec, &error));
    assert_null(error);
    return clock;
}

static void without_a_specification_it_is_the_real_clock(void **state)
{
    static const char *const specs[] = {NULL, ""};
    (void)state;

    for (size_t i = 0; i < G_N_ELEMENTS(specs); i++) {
        struct clock clock = clock_of(specs[i]);
        int64_t before_us = g_get_real_time(), before_monotonic_us = g_get_monotonic_time();
        assert_false(clock.simulated);
        assert_in_range(clock_now_us(&clock) - before_us, 0, 60 * CLOCK_US);
        assert_in_range(clock_now(&clock) - before_us / CLOCK_US, 0, 60);
        assert_in_range(clock_monotonic_us(&clock) - before_monotonic_us, 0, 60 * CLOCK_US);
        assert_int_equal(clock_real_wait_us(&clock, 1234567), 1234567);
    }
}

static void simulated_time_runs_from_its_epoch_at_its_rate(void **state)
{
    int64_t epoch_s = g_get_real_time() / CLOCK_US - 10, epoch_us = epoch_s * CLOCK_US + CLOCK_US / 2;
    g_autofree char *spec = g_strdup_printf("1795348800@1000@%" G_GINT64_FORMAT ".5", epoch_s);
    struct clock clock = clock_of(spec);
    int64_t start_us = INT64_C(1795348800) * CLOCK_US;
    (void)state;

    assert_true(clock.simulated);
    int64_t before_us = g_get_real_time();
    int64_t now_us = clock_now_us(&clock);
    int64_t after_us = g_get_real_time();
    assert_true(now_us >= start_us + (before_us - epoch_us) * 1000 - 1000); /* doubles round at this size */
    assert_true(now_us <= start_us + (after_us - epoch_us) * 1000 + 1000);
}

static void two_programs_with_one_specification_agree(void **state)
{
    struct clock one = clock_of("1795348800@60@1700000000"), other = clock_of("1795348800@60@1700000000");
    (void)state;

    int64_t before_us = clock_now_us(&one), between_us = clock_now_us(&other), after_us = clock_now_us(&one);
    assert_true(before_us <= between_us && between_us <= after_us);
}

static void at_rate_zero_time_stands_and_waits_take_none(void **state)
{
    struct clock clock = clock_of("1795348800.25@0@1700000000");
    (void)state;

    assert_int_equal(clock_now_us(&clock), INT64_C(1795348800250000));
    assert_int_equal(clock_now(&clock), 1795348800);
    assert_int_equal(clock_monotonic_us(&clock), clock_monotonic_us(&clock));
    assert_int_equal(clock_real_wait_us(&clock, 3600 * CLOCK_US), 0);
}

static void seconds_are_rounded_down_before_1970_too(void **state)
{
    struct clock clock = clock_of("-0.25@0@0");
    (void)state;

    assert_int_equal(clock_now_us(&clock), -250000);
    assert_int_equal(clock_now(&clock), -1);
}

static void waits_shrink_with_the_rate_and_never_end_early(void **state)
{
    struct clock fast = clock_of("0@1000@0"), slow = clock_of("0@0.5@0");
    (void)state;

    assert_in_range(clock_real_wait_us(&fast, 60 * CLOCK_US), 60000, 60001);
    assert_in_range(clock_real_wait_us(&fast, 1), 1, 2);
    assert_in_range(clock_real_wait_us(&slow, CLOCK_US), 2 * CLOCK_US, 2 * CLOCK_US + 1);
    assert_int_equal(clock_real_wait_us(&fast, 0), 0);
    assert_int_equal(clock_real_wait_us(&fast, -5), 0);
    assert_true(clock_real_wait_us(&slow, INT64_MAX) > 0);
}

static void the_monotonic_clock_runs_at_the_simulated_rate(void **state)
{
    struct clock clock = clock_of("0@4@0");
    (void)state;

    int64_t before_us = g_get_monotonic_time() * 4;
    int64_t found_us = clock_monotonic_us(&clock);
    int64_t after_us = g_get_monotonic_time() * 4;
    assert_true(before_us - 4 <= found_us && found_us <= after_us + 4);
}

static void no_rate_is_fast_enough_to_leave_the_numbers(void **state)
{
    struct clock fast = clock_of("1795348800@1e300@0"), backwards = clock_of("0@1e300@9000000000");
    (void)state;

    assert_true(clock_now_us(&fast) > 0);
    assert_true(clock_monotonic_us(&fast) >= 0);
    assert_true(clock_now_us(&backwards) < 0);
    assert_in_range(clock_real_wait_us(&fast, CLOCK_US), 0, 1);
}

static void what_cannot_be_read_is_refused(void **state)
{
    static const char *const specs[] = {
        "1795348800", "1795348800@1", "1795348800@@1700000000",
        "@1@0",       "0@1@",         "0@-1@0",
        "0@-0.5@0",   "0@x@0",        "0@1@0x",
        "0@1@0@0",    " 0@1@0",       "0@ 1@0",
        "0@1@0 ",     "nan@1@0",      "0@nan@0",
        "0@inf@0",    "inf@1@0",      "1e999@1@0",
        "0@1@1e300",  "0,5@1@0",      "now@1@now",
    };
    (void)state;

    for (size_t i = 0; i < G_N_ELEMENTS(specs); i++) {
        struct clock clock = {.simulated = true, .rate = 7};
        g_autoptr(GError) error = NULL;
        if (clock_init(&clock, specs[i], &error))
            fail_msg("accepted: %s", specs[i]);
        assert_true(g_error_matches(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE));
        assert_non_null(strstr(error->message, specs[i]));
        assert_non_null(strstr(error->message, "<simulated epoch>@<rate>@<real epoch>"));
        assert_false(clock.simulated);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_specification_it_is_the_real_clock),
        cmocka_unit_test(simulated_time_runs_from_its_epoch_at_its_rate),
        cmocka_unit_test(two_programs_with_one_specification_agree),
        cmocka_unit_test(at_rate_zero_time_stands_and_waits_take_none),
        cmocka_unit_test(seconds_are_rounded_down_before_1970_too),
        cmocka_unit_test(waits_shrink_with_the_rate_and_never_end_early),
        cmocka_unit_test(the_monotonic_clock_runs_at_the_simulated_rate),
        cmocka_unit_test(no_rate_is_fast_enough_to_leave_the_numbers),
        cmocka_unit_test(what_cannot_be_read_is_refused),
    };
    return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
