/* Texts of settings as what they mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <glib.h>

#include "config/values.h"

static void booleans_are_a_few_words(void **state)
{
    static const char *const yes[] = {"true", "True", "YES", "on", "1"}, *const no[] = {"false", "No", "OFF", "0"};
    static const char *const neither[] = {"", "2", "y", "truee", " true", "null"};
    bool value;

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(yes); i++)
        assert_true(value_bool(yes[i], &value) && value);
    for (size_t i = 0; i < G_N_ELEMENTS(no); i++)
        assert_true(value_bool(no[i], &value) && !value);
    value = true;
    for (size_t i = 0; i < G_N_ELEMENTS(neither); i++)
        assert_false(value_bool(neither[i], &value));
    assert_true(value);
}

static void sizes_have_units_or_are_bytes(void **state)
{
    static const struct {
        const char *text;
        int64_t bytes; /* -1: refused */
    } rows[] = {
        {"0", 0},
        {"1", 1},
        {"12B", 12},
        {"1KiB", 1024},
        {"500MiB", INT64_C(500) << 20},
        {"500 MiB", INT64_C(500) << 20},
        {"20GiB", INT64_C(20) << 30},
        {"20gib", INT64_C(20) << 30},
        {"2TiB", INT64_C(2) << 40},
        {"3kB", 3000},
        {"20GB", INT64_C(20000000000)},
        {"9223372036854775807", INT64_MAX},
        {"9223372036854775808", -1},
        {"8388608TiB", -1},
        {"8388607TiB", INT64_C(8388607) << 40},
        {"99999999999999999999999GiB", -1},
        {"", -1},
        {"GiB", -1},
        {"-1", -1},
        {"+1", -1},
        {"1.5GiB", -1},
        {"20G", -1},
        {"20  GiB", -1},
        {"20GiB ", -1},
        {" 20GiB", -1},
        {"0x10", -1},
        {"20GiBs", -1},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        int64_t bytes = -1;
        if (value_size(rows[i].text, &bytes) != (rows[i].bytes >= 0) || bytes != rows[i].bytes)
            fail_msg("\"%s\" is %lld", rows[i].text, (long long)bytes);
    }
}

static void intervals_need_a_unit_and_have_bounds(void **state)
{
    static const struct {
        const char *text;
        int64_t seconds; /* -1: refused */
    } rows[] = {
        {"10s", 10},
        {"30s", 30},
        {"15m", 900},
        {"1h", 3600},
        {"1d", 86400},
        {"366d", 366 * 86400},
        {"010s", 10},
        {"9s", -1},
        {"0s", -1},
        {"367d", -1},
        {"15", -1},
        {"", -1},
        {"m", -1},
        {"15min", -1},
        {"1 h", -1},
        {"1H", -1},
        {"-5m", -1},
        {"1.5h", -1},
        {"1h30m", -1},
        {"2w", -1},
        {"1h ", -1},
        {" 1h", -1},
        {"99999999999999999999d", -1},
        {"31622401s", -1},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        int64_t seconds = -1;
        if (value_interval(rows[i].text, &seconds) != (rows[i].seconds >= 0) || seconds != rows[i].seconds)
            fail_msg("\"%s\" is %lld", rows[i].text, (long long)seconds);
    }
}

static void schedules_are_intervals_or_a_time_of_day(void **state)
{
    static const struct {
        const char *text;
        int minute; /* -1: refused */
    } rows[] = {
        {"daily 07:00", 420},   {"daily 00:00", 0},  {"daily 23:59", 1439}, {"daily 24:00", -1},
        {"daily 07:60", -1},    {"daily 7:00", -1},  {"daily  07:00", -1},  {"daily", -1},
        {"07:00", -1},          {"Daily 07:00", -1}, {"daily 07:00 ", -1},  {"daily 07-00", -1},
        {"daily -7:00", -1},    {"weekly", -1},      {"daily 07:0a", -1},   {"", -1},
        {"daily 07:00:00", -1},
    };
    struct config_schedule schedule;

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        schedule = (struct config_schedule){.minute = -1};
        if (value_schedule(rows[i].text, &schedule) != (rows[i].minute >= 0) || schedule.minute != rows[i].minute ||
            schedule.daily != (rows[i].minute >= 0))
            fail_msg("\"%s\" is minute %d", rows[i].text, schedule.minute);
    }
    assert_true(value_schedule("15m", &schedule));
    assert_true(!schedule.daily && schedule.every_s == 900);
}

static void numbers_are_whole_and_in_range(void **state)
{
    int64_t number = -7;

    (void)state;
    assert_true(value_number("587", 1, 65535, &number));
    assert_int_equal(number, 587);
    static const char *const refused[] = {"0", "65536", "", "5.5", "587x", " 587", "0x10", "99999999999999999999"};
    for (size_t i = 0; i < G_N_ELEMENTS(refused); i++)
        assert_false(value_number(refused[i], 1, 65535, &number));
    assert_int_equal(number, 587);
}

static void lists_are_cut_at_commas_and_semicolons_outside_of_quotes(void **state)
{
    static const struct {
        const char *text, *joined; /* with | between; NULL: none */
    } rows[] = {
        {"a", "a"},
        {"a,b;c", "a|b|c"},
        {" a ; b ", "a|b"},
        {"a,,b;", "a|b"},
        {"\"Desk, Health\" <a@b>, c@d", "\"Desk, Health\" <a@b>|c@d"},
        {"\"never closed, a", "\"never closed, a"},
        {"", NULL},
        {" , ;", NULL},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_auto(GStrv) list = value_list(rows[i].text);
        g_autofree char *joined = list != NULL ? g_strjoinv("|", list) : NULL;
        if (g_strcmp0(joined, rows[i].joined) != 0)
            fail_msg("\"%s\" is %s", rows[i].text, joined != NULL ? joined : "nothing");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(booleans_are_a_few_words),
        cmocka_unit_test(sizes_have_units_or_are_bytes),
        cmocka_unit_test(intervals_need_a_unit_and_have_bounds),
        cmocka_unit_test(schedules_are_intervals_or_a_time_of_day),
        cmocka_unit_test(numbers_are_whole_and_in_range),
        cmocka_unit_test(lists_are_cut_at_commas_and_semicolons_outside_of_quotes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
