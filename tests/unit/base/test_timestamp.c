/* Times as the APIs write them and as people type them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/timestamp.h"

static void times_are_brought_to_the_one_form(void **state)
{
    static const struct {
        const char *text, *form;
    } rows[] = {
        {"2026-11-20T07:01:02Z", "2026-11-20T07:01:02.0000000Z"},
        {"2026-11-20T07:01Z", "2026-11-20T07:01:00.0000000Z"},
        {"2026-11-20T07:01", "2026-11-20T07:01:00.0000000Z"},
        {"2026-11-20 07:01:02Z", "2026-11-20T07:01:02.0000000Z"},
        /* q64: as many fraction digits as come */
        {"2026-11-20T07:01:02.5Z", "2026-11-20T07:01:02.5000000Z"},
        {"2026-11-20T07:01:02.12Z", "2026-11-20T07:01:02.1200000Z"},
        {"2026-11-20T07:01:02.123Z", "2026-11-20T07:01:02.1230000Z"},
        {"2026-11-20T07:01:02.0001Z", "2026-11-20T07:01:02.0001000Z"},
        {"2026-11-20T07:01:02.12345Z", "2026-11-20T07:01:02.1234500Z"},
        {"2026-11-20T07:01:02.123456Z", "2026-11-20T07:01:02.1234560Z"},
        {"2026-11-20T07:01:02.1234567Z", "2026-11-20T07:01:02.1234567Z"},
        {"2026-11-20T07:01:02.12345678Z", "2026-11-20T07:01:02.1234567Z"},
        {"2026-11-20T07:01:02.999999999Z", "2026-11-20T07:01:02.9999999Z"},
        {"2026-11-20T07:01:02.99999999999999999999999999999999Z", "2026-11-20T07:01:02.9999999Z"},
        /* q65: without a zone it is UTC */
        {"2026-11-20T07:01:02", "2026-11-20T07:01:02.0000000Z"},
        {"2026-11-20T07:01:02.25", "2026-11-20T07:01:02.2500000Z"},
        /* q66: offsets */
        {"2026-11-20T07:01:02-08:00", "2026-11-20T15:01:02.0000000Z"},
        {"2026-11-20T07:01:02.5+01:00", "2026-11-20T06:01:02.5000000Z"},
        {"2026-11-20T07:01:02+0530", "2026-11-20T01:31:02.0000000Z"},
        {"2026-11-20T07:01+14:00", "2026-11-19T17:01:00.0000000Z"},
        {"2026-12-31T23:30:00-00:45", "2027-01-01T00:15:00.0000000Z"},
        {"2026-11-20T07:01:02-00:00", "2026-11-20T07:01:02.0000000Z"},
        /* q69: the calendar's corners */
        {"2026-11-20T07:01:60Z", "2026-11-20T07:02:00.0000000Z"},
        {"2016-12-31T23:59:60.9Z", "2017-01-01T00:00:00.0000000Z"},
        {"2026-11-20T24:00:00Z", "2026-11-21T00:00:00.0000000Z"},
        {"2026-12-31T24:00Z", "2027-01-01T00:00:00.0000000Z"},
        {"2026-12-31T24:00:00.000Z", "2027-01-01T00:00:00.0000000Z"},
        {"2024-02-29T12:00:00Z", "2024-02-29T12:00:00.0000000Z"},
        {"2000-02-29T12:00:00Z", "2000-02-29T12:00:00.0000000Z"},
        {"2038-01-19T03:14:08Z", "2038-01-19T03:14:08.0000000Z"},
        {"2106-02-07T06:28:16Z", "2106-02-07T06:28:16.0000000Z"},
        {"9999-12-31T23:59:59.9999999Z", "9999-12-31T23:59:59.9999999Z"},
        {"1601-01-01T00:00:00Z", "1601-01-01T00:00:00.0000000Z"},
        {"1969-12-31T23:59:59.5Z", "1969-12-31T23:59:59.5000000Z"},
        {"1970-01-01T00:00:00Z", "1970-01-01T00:00:00.0000000Z"},
    };
    (void)state;

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *exact = g_memdup2(rows[i].text, strlen(rows[i].text)); /* no NUL behind it */
        struct timestamp time;
        char form[TIMESTAMP_TEXT_BYTES];
        if (!timestamp_parse(exact, strlen(rows[i].text), &time))
            fail_msg("refused: %s", rows[i].text);
        timestamp_format(time, form);
        assert_string_equal(form, rows[i].form);
    }
}

static void what_is_no_time_is_refused(void **state)
{
    static const char *const rows[] = {
        "",
        "null",
        "2026-11-20",
        "2026-11-20T",
        "2026-11-20T07",
        "2026-11-20T07:",
        "2026-11-20T07:0",
        "2026-11-20T07:01:",
        "2026-11-20T07:01:0Z",
        "2026-11-20T07:01:02.Z",
        "2026-11-20T07:01:02.",
        "2026-11-20T07:01:02,5Z",
        "2026-11-20T07:01:02z",
        "2026-11-20t07:01:02Z",
        "2026-11-20T07:01:02ZZ",
        "2026-11-20T07:01:02Z ",
        " 2026-11-20T07:01:02Z",
        "2026-11-20  07:01:02Z",
        "2026-11-20T07:01:02 Z",
        "2026-11-20T07:01:02+01",
        "2026-11-20T07:01:02+01:0",
        "2026-11-20T07:01:02+1:00",
        "2026-11-20T07:01:02+01:60",
        "2026-11-20T07:01:02+24:00",
        "2026-11-20T07:01:02+01:00Z",
        "2026-11-20T07:01:02 UTC",
        "20261120T070102Z",
        "2026-1-2T07:01:02Z",
        "26-11-20T07:01:02Z",
        "+2026-11-20T07:01:02Z",
        "12026-11-20T07:01:02Z",
        "2026/11/20T07:01:02Z",
        "2026-11-20T07.01.02Z",
        "2026-11-20T0x:01:02Z",
        "2026-11-20T-7:01:02Z",
        "11/20/2026 7:01:02 AM",
        "1763622062",
        "/Date(1763622062000)/",
        /* q67: the APIs' "no value" */
        "0001-01-01T00:00:00Z",
        "0000-00-00T00:00:00Z",
        "1600-12-31T23:59:59.9999999Z",
        "1601-01-01T00:59:59+01:00",
        /* q69: impossible moments */
        "2026-00-20T07:01:02Z",
        "2026-13-20T07:01:02Z",
        "2026-11-00T07:01:02Z",
        "2026-11-31T07:01:02Z",
        "2026-02-29T07:01:02Z",
        "1900-02-29T07:01:02Z",
        "2026-11-20T25:00:00Z",
        "2026-11-20T24:00:01Z",
        "2026-11-20T24:01:00Z",
        "2026-11-20T24:00:00.1Z",
        "2026-11-20T24:00:60Z",
        "2026-11-20T07:60:00Z",
        "2026-11-20T07:01:61Z",
        "9999-12-31T23:59:60Z",
        "9999-12-31T24:00:00Z",
        "9999-12-31T23:59:59-00:01",
    };
    struct timestamp time = {.seconds = 42, .ticks = 43};
    (void)state;

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *exact = g_memdup2(rows[i], strlen(rows[i]));
        if (timestamp_parse(exact, strlen(rows[i]), &time))
            fail_msg("accepted: %s", rows[i]);
    }
    assert_int_equal(time.seconds, 42);
    assert_int_equal(time.ticks, 43);
}

static void a_nul_inside_is_refused(void **state)
{
    static const char text[] = "2026-11-20T07:01:02\0Z";
    struct timestamp time;
    (void)state;

    assert_false(timestamp_parse(text, sizeof text - 1, &time));
}

static void seconds_agree_with_the_c_library_from_1601_to_9999(void **state)
{
    const int64_t first = INT64_C(-11644473600), last = INT64_C(253402300799);
    const int64_t step = 86400 * 17 + 3607; /* some 170,000 moments, at all times of day */
    (void)state;

    for (int64_t seconds = first; seconds <= last; seconds += step) {
        time_t moment = (time_t)seconds;
        struct tm tm;
        char wanted[32];
        struct timestamp time;
        g_autofree char *found = timestamp_format_seconds(seconds);

        gmtime_r(&moment, &tm);
        strftime(wanted, sizeof wanted, "%Y-%m-%dT%H:%M:%SZ", &tm);
        assert_string_equal(found, wanted);
        assert_true(timestamp_parse(found, strlen(found), &time));
        assert_int_equal(time.seconds, seconds);
        assert_int_equal(time.ticks, 0);
    }
}

static void moments_that_cannot_be_written_become_the_nearest_that_can(void **state)
{
    static const struct {
        struct timestamp time;
        const char *form;
    } rows[] = {
        {{INT64_MAX, 0}, "9999-12-31T23:59:59.0000000Z"},
        {{INT64_MIN, 0}, "1601-01-01T00:00:00.0000000Z"},
        {{0, -1}, "1970-01-01T00:00:00.0000000Z"},
        {{0, 10000000}, "1970-01-01T00:00:00.9999999Z"},
    };
    (void)state;

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        char form[TIMESTAMP_TEXT_BYTES];
        timestamp_format(rows[i].time, form);
        assert_string_equal(form, rows[i].form);
    }
}

static void text_order_is_time_order(void **state)
{
    static const char *const ascending[] = {
        "1601-01-01T00:00:00Z",         "1969-12-31T23:59:59.9999999Z", "1970-01-01T00:00:00Z",
        "2026-11-20T07:01:02",          "2026-11-20T07:01:02.0000001Z", "2026-11-20T07:01:02.00001Z",
        "2026-11-20T07:01:02.1Z",       "2026-11-20T08:01:03+01:00",    "2026-11-20T07:01:60Z",
        "9999-12-31T23:59:59.9999999Z",
    };
    char last[TIMESTAMP_TEXT_BYTES] = "", form[TIMESTAMP_TEXT_BYTES];
    (void)state;

    for (size_t i = 0; i < G_N_ELEMENTS(ascending); i++) {
        struct timestamp time;
        assert_true(timestamp_parse(ascending[i], strlen(ascending[i]), &time));
        timestamp_format(time, form);
        assert_int_equal(strlen(form), TIMESTAMP_TEXT_BYTES - 1);
        assert_true(strcmp(last, form) < 0);
        memcpy(last, form, sizeof last);
    }
}

static void people_may_type_dates_times_and_ages(void **state)
{
    static const struct {
        const char *text, *form;
    } rows[] = {
        {"2026-11-20", "2026-11-20T00:00:00Z"},
        {"2026-11-20T07:00", "2026-11-20T07:00:00Z"},
        {"2026-11-20 07:00:30", "2026-11-20T07:00:30Z"},
        {"2026-11-20T07:00:30.9Z", "2026-11-20T07:00:30Z"},
        {"2026-11-20T07:00:00+01:00", "2026-11-20T06:00:00Z"},
        {" 2026-11-20\t", "2026-11-20T00:00:00Z"},
        {"0m", "2026-11-22T12:00:00Z"},
        {"90m", "2026-11-22T10:30:00Z"},
        {"24h", "2026-11-21T12:00:00Z"},
        {"7d", "2026-11-15T12:00:00Z"},
        {"2w", "2026-11-08T12:00:00Z"},
        {"007d", "2026-11-15T12:00:00Z"},
    };
    const int64_t now = 1795348800; /* 2026-11-22T12:00:00Z */
    (void)state;

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        int64_t seconds = -1;
        assert_true(timestamp_parse_human(rows[i].text, now, &seconds, &error));
        g_autofree char *form = timestamp_format_seconds(seconds);
        assert_string_equal(form, rows[i].form);
        assert_null(error);
    }
}

static void what_people_mistype_is_answered_with_what_is_expected(void **state)
{
    static const char *const rows[] = {
        "",
        "yesterday",
        "7",
        "d",
        "-7d",
        "+7d",
        "7 d",
        "7dd",
        "1.5h",
        "7s",
        "7D",
        "7y",
        "2026-11",
        "2026",
        "20.11.2026",
        "2026-11-31",
        "24h ago",
        "2026-11-20T7",
        "99999999999999999999d",
        "1000000w",
        "9223372036854775807m",
        "0001-01-01",
    };
    (void)state;

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        int64_t seconds = 42;
        if (timestamp_parse_human(rows[i], 1795348800, &seconds, &error))
            fail_msg("accepted: %s", rows[i]);
        assert_true(g_error_matches(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE));
        assert_non_null(strstr(error->message, "2026-11-20T07:00:00Z"));
        assert_non_null(strstr(error->message, "7d"));
        assert_int_equal(seconds, 42);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_brought_to_the_one_form),
        cmocka_unit_test(what_is_no_time_is_refused),
        cmocka_unit_test(a_nul_inside_is_refused),
        cmocka_unit_test(seconds_agree_with_the_c_library_from_1601_to_9999),
        cmocka_unit_test(moments_that_cannot_be_written_become_the_nearest_that_can),
        cmocka_unit_test(text_order_is_time_order),
        cmocka_unit_test(people_may_type_dates_times_and_ages),
        cmocka_unit_test(what_people_mistype_is_answered_with_what_is_expected),
    };
    return cmocka_run_group_tests_name("timestamp", tests, NULL, NULL);
}
