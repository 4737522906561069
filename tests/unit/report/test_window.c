/* Windows: whole days in zones and on days that are hard, and how their moments are written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <locale.h>
#include <string.h>

#include "base/base.h"
#include "report/report.h"
#include "report/window.h"

enum { HOUR_S = 3600, DAY_S = 24 * HOUR_S };

static int64_t at(const char *text)
{
    struct timestamp time;

    if (!timestamp_parse(text, strlen(text), &time))
        fail_msg("no time: %s", text);
    return time.seconds;
}

static struct report_window *window_of(const char *zone, const char *first, const char *last)
{
    g_autoptr(GError) error = NULL;
    struct report_window *window = report_window_of_dates(zone, at("2099-01-01T00:00Z"), first, last, &error);

    if (window == NULL)
        fail_msg("%s", error->message);
    return window;
}

static void check_time(const struct report_window *window, int64_t moment, enum report_time_form form, const char *text)
{
    g_autofree char *written = report_time(window, moment, form);

    assert_string_equal(written, text);
}

/* --- days --------------------------------------------------------------------------------------------------------- */

static void a_day_is_as_long_as_its_zone_makes_it_q43(void **state)
{
    static const struct {
        const char *zone, *day, *from;
        int minutes;
    } rows[] = {
        {"UTC", "2026-11-22", "2026-11-22T00:00Z", 24 * 60},
        {"Europe/Warsaw", "2026-11-22", "2026-11-21T23:00Z", 24 * 60},
        {"Europe/Warsaw", "2026-03-29", "2026-03-28T23:00Z", 23 * 60},
        {"Europe/Warsaw", "2026-10-25", "2026-10-24T22:00Z", 25 * 60},
        {"Europe/Warsaw", "2026-12-31", "2026-12-30T23:00Z", 24 * 60},
        {"Europe/Warsaw", "2024-02-29", "2024-02-28T23:00Z", 24 * 60},
        {"America/New_York", "2026-03-08", "2026-03-08T05:00Z", 23 * 60},
        {"America/New_York", "2026-11-01", "2026-11-01T04:00Z", 25 * 60},
        {"Australia/Lord_Howe", "2026-04-05", "2026-04-04T13:00Z", 24 * 60 + 30},
        {"Australia/Lord_Howe", "2026-10-04", "2026-10-03T13:30Z", 23 * 60 + 30},
        {"Asia/Kolkata", "2026-03-29", "2026-03-28T18:30Z", 24 * 60},
        {"Asia/Kathmandu", "2026-03-29", "2026-03-28T18:15Z", 24 * 60},
        {"Pacific/Kiritimati", "2026-01-01", "2025-12-31T10:00Z", 24 * 60},
        {"Pacific/Pago_Pago", "2026-01-01", "2026-01-01T11:00Z", 24 * 60},
        /* midnight is skipped: the day begins at 01:00 */
        {"America/Havana", "2024-03-10", "2024-03-10T05:00Z", 23 * 60},
        {"Asia/Beirut", "2024-03-31", "2024-03-30T22:00Z", 23 * 60},
        {"Africa/Cairo", "2024-04-26", "2024-04-25T22:00Z", 23 * 60},
        /* 00:00 to 01:00 comes twice: the first one counts */
        {"America/Havana", "2024-11-03", "2024-11-03T04:00Z", 25 * 60},
        /* 23:00 to 24:00 comes twice: the day before has both */
        {"Africa/Cairo", "2024-10-31", "2024-10-30T21:00Z", 25 * 60},
        {"Africa/Cairo", "2024-11-01", "2024-10-31T22:00Z", 24 * 60},
        {"Asia/Beirut", "2024-10-26", "2024-10-25T21:00Z", 25 * 60},
        /* at 00:01 the clock went back to 23:01 of the day before */
        {"America/St_Johns", "2010-11-07", "2010-11-07T02:30Z", 25 * 60},
        {"America/St_Johns", "2010-11-06", "2010-11-06T02:30Z", 24 * 60},
        /* the zone crossed the date line: no 30 December */
        {"Pacific/Apia", "2011-12-29", "2011-12-29T10:00Z", 24 * 60},
        {"Pacific/Apia", "2011-12-30", "2011-12-30T10:00Z", 0},
        {"Pacific/Apia", "2011-12-31", "2011-12-30T10:00Z", 24 * 60},
        {"+05:45", "2026-01-01", "2025-12-31T18:15Z", 24 * 60},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(ReportWindow) window = window_of(rows[i].zone, rows[i].day, NULL);
        if (window->from != at(rows[i].from) || window->to - window->from != (int64_t)rows[i].minutes * 60) {
            g_autofree char *from = timestamp_format_seconds(window->from);
            fail_msg("%s %s: from %s, %d minutes", rows[i].zone, rows[i].day, from,
                     (int)((window->to - window->from) / 60));
        }
        assert_string_equal(window->zone_name, rows[i].zone);
        assert_string_equal(window->first_day, rows[i].day);
        assert_string_equal(window->last_day, rows[i].day);
    }
}

static char *date_of(GTimeZone *zone, int64_t moment)
{
    g_autoptr(GDateTime) utc = g_date_time_new_from_unix_utc(moment), local = g_date_time_to_timezone(utc, zone);

    return g_date_time_format(local, "%F");
}

/* The first moment of each day has its date, the one before has not (but for the clock that is set back over midnight,
 * where it had it before). */
static void days_begin_where_their_date_does(const char *name, const struct report_window *window)
{
    g_autoptr(GArray) days = report_window_days(window);
    g_autoptr(GDate) date = g_date_new();

    g_date_set_parse(date, window->first_day);
    assert_int_equal(g_array_index(days, int64_t, 0), window->from);
    assert_int_equal(g_array_index(days, int64_t, days->len - 1), window->to);
    for (guint i = 0; i + 1 < days->len; i++, g_date_add_days(date, 1)) {
        int64_t begin = g_array_index(days, int64_t, i), end = g_array_index(days, int64_t, i + 1);
        char text[16];
        g_date_strftime(text, sizeof text, "%Y-%m-%d", date);
        if (begin == end) /* left out */
            continue;
        g_autofree char *first = date_of(window->zone, begin), *before = date_of(window->zone, begin - 1);
        if (strcmp(first, text) != 0 || strcmp(before, text) >= 0)
            fail_msg("%s: %s begins at %" G_GINT64_FORMAT ", which is %s after %s", name, text, begin, first, before);
    }
}

static void the_days_of_a_year_have_neither_holes_nor_overlaps_in_any_zone(void **state)
{
    static const char *const zones[] = {"UTC",
                                        "Europe/Warsaw",
                                        "America/Havana",
                                        "Asia/Beirut",
                                        "Africa/Cairo",
                                        "Asia/Kathmandu",
                                        "Asia/Kolkata",
                                        "Australia/Lord_Howe",
                                        "Pacific/Apia",
                                        "America/St_Johns",
                                        "America/Sao_Paulo",
                                        "Africa/Casablanca",
                                        "Antarctica/Troll",
                                        "Pacific/Chatham",
                                        "Asia/Gaza",
                                        "Europe/Dublin"};
    static const char *const years[] = {"2010", "2011", "2018", "2024", "2026", "2038"};

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(zones); i++)
        for (size_t j = 0; j < G_N_ELEMENTS(years); j++) {
            g_autofree char *first = g_strconcat(years[j], "-01-01", NULL);
            g_autofree char *last = g_strconcat(years[j], "-12-31", NULL);
            g_autoptr(ReportWindow) window = window_of(zones[i], first, last);
            days_begin_where_their_date_does(zones[i], window);
        }
}

/* --- windows ------------------------------------------------------------------------------------------------------ */

static void ages_count_back_from_the_day_it_is_in_the_zone(void **state)
{
    static const struct {
        const char *zone, *now;
        int from, to;
        const char *first, *last;
    } rows[] = {
        {"UTC", "2026-11-22T07:00Z", 1, 1, "2026-11-21", "2026-11-21"},
        {"UTC", "2026-11-22T00:00Z", 1, 1, "2026-11-21", "2026-11-21"},
        {"UTC", "2026-11-21T23:59:59Z", 1, 1, "2026-11-20", "2026-11-20"},
        {"UTC", "2026-11-22T07:00Z", 0, 0, "2026-11-22", "2026-11-22"},
        {"UTC", "2026-11-22T07:00Z", 7, 1, "2026-11-15", "2026-11-21"},
        {"UTC", "2027-01-01T07:00Z", 1, 1, "2026-12-31", "2026-12-31"},
        {"UTC", "2028-03-01T07:00Z", 1, 1, "2028-02-29", "2028-02-29"},
        {"Pacific/Kiritimati", "2026-11-22T11:00Z", 1, 1, "2026-11-22", "2026-11-22"},
        {"Pacific/Pago_Pago", "2026-11-22T10:59Z", 1, 1, "2026-11-20", "2026-11-20"},
        {"Europe/Warsaw", "2026-10-25T22:30Z", 1, 0, "2026-10-24", "2026-10-25"},
        {"UTC", "2026-11-22T07:00Z", 365, 0, "2025-11-22", "2026-11-22"},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(ReportWindow) window =
            report_window_of_ages(rows[i].zone, at(rows[i].now), rows[i].from, rows[i].to, NULL);
        assert_non_null(window);
        assert_string_equal(window->first_day, rows[i].first);
        assert_string_equal(window->last_day, rows[i].last);
    }
}

static void check_refusal(const struct report_window *window, const GError *error, const char *part)
{
    assert_null(window);
    assert_true(g_error_matches(error, REPORT_ERROR, REPORT_ERROR_USAGE));
    if (strstr(error->message, part) == NULL)
        fail_msg("%s", error->message);
}

static void ages_that_make_no_window_are_refused(void **state)
{
    static const struct {
        const char *zone;
        int from, to;
        const char *part;
    } rows[] = {
        {"UTC", 1, 2, "from 1 to 2: mend"},
        {"UTC", 0, -1, "from 0 to -1: mend"},
        {"UTC", 366, 0, "366 days at most, and this one would cover 367"},
        {"Europe/Warszawa", 1, 1, "\"Europe/Warszawa\", which this machine does not know"},
        {"", 1, 1, "which this machine does not know"},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(ReportWindow) window =
            report_window_of_ages(rows[i].zone, at("2026-11-22T07:00Z"), rows[i].from, rows[i].to, &error);
        check_refusal(window, error, rows[i].part);
    }
}

static void one_date_stands_for_both(void **state)
{
    (void)state;
    g_autoptr(ReportWindow) first = window_of("UTC", "2026-02-28", NULL), last = window_of("UTC", NULL, "2026-02-28");
    g_autoptr(ReportWindow) both = window_of("UTC", "2026-02-28", "2026-03-01");
    assert_int_equal(first->from, last->from);
    assert_int_equal(first->to, last->to);
    assert_int_equal(first->to - first->from, DAY_S);
    assert_int_equal(both->to - both->from, 2 * DAY_S);
    assert_string_equal(both->last_day, "2026-03-01");
}

static void dates_that_make_no_window_are_refused(void **state)
{
    static const struct {
        const char *zone, *first, *last, *part;
    } rows[] = {
        {"UTC", "2026-02-29", NULL, "\"2026-02-29\" is no date"},
        {"UTC", "2026-13-01", NULL, "is no date"},
        {"UTC", "2026-00-01", NULL, "is no date"},
        {"UTC", "2026-1-1", NULL, "is no date"},
        {"UTC", "2026-01-01T00:00", NULL, "is no date"},
        {"UTC", "2026/01/01", NULL, "is no date"},
        {"UTC", "2026-01-+1", NULL, "is no date"},
        {"UTC", " 026-01-01", NULL, "is no date"},
        {"UTC", "0000-01-01", NULL, "is no date"},
        {"UTC", "yesterday", NULL, "is no date"},
        {"UTC", "", NULL, "is no date"},
        {"UTC", NULL, "2026-01-32", "\"2026-01-32\" is no date"},
        {"UTC", "2026-01-02", "2026-01-01", "begin on 2026-01-02 and end on 2026-01-01, which is earlier"},
        {"UTC", "2025-01-01", "2026-01-02", "would cover 367"},
        {"UTC", "2026-11-23", NULL, "2026-11-23: that day is still to come in UTC"},
        {"Pacific/Pago_Pago", "2026-11-22", NULL, "still to come"},
        {"UTC", "9999-01-01", NULL, "9999-01-01: that day is still to come in UTC"},
        {"Pacific/Kiritimati", "9999-12-31", NULL, "still to come"},
        {"UTC", "2026-01-01", "9999-12-31", "366 days at most"},
        {"Mars/Olympus", "2026-11-01", NULL, "does not know"},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(ReportWindow) window =
            report_window_of_dates(rows[i].zone, at("2026-11-22T07:00Z"), rows[i].first, rows[i].last, &error);
        check_refusal(window, error, rows[i].part);
    }
}

static void a_window_may_end_in_days_to_come(void **state)
{
    (void)state;
    g_autoptr(ReportWindow) window =
        report_window_of_dates("UTC", at("2026-11-22T00:00Z"), "2026-11-22", "2026-11-30", NULL);
    assert_non_null(window);
    assert_int_equal(window->to, at("2026-12-01T00:00Z"));
}

static void the_history_ends_with_the_window(void **state)
{
    (void)state;
    g_autoptr(ReportWindow) window = window_of("Europe/Warsaw", "2026-11-20", "2026-11-22");
    g_autoptr(ReportWindow) history = report_window_history(window, 90), day = report_window_history(window, 1);
    g_autoptr(GArray) days = report_window_days(history);
    assert_string_equal(history->first_day, "2026-08-25");
    assert_string_equal(history->last_day, "2026-11-22");
    assert_int_equal(history->to, window->to);
    assert_int_equal(days->len, 91);
    assert_int_equal(history->to - history->from, 90 * DAY_S + HOUR_S); /* the clock went back in October */
    assert_string_equal(day->first_day, "2026-11-22");
    report_window_free(NULL);
}

static void a_day_that_never_was_has_no_moments(void **state)
{
    (void)state;
    g_autoptr(ReportWindow) window = window_of("Pacific/Apia", "2011-12-29", "2011-12-31");
    g_autoptr(GArray) days = report_window_days(window);
    assert_int_equal(days->len, 4);
    assert_int_equal(g_array_index(days, int64_t, 1), g_array_index(days, int64_t, 2));
    assert_int_equal(window->to - window->from, 2 * DAY_S);
}

/* --- moments ------------------------------------------------------------------------------------------------------ */

static void moments_are_written_in_the_windows_zone(void **state)
{
    static const struct {
        const char *zone, *at;
        enum report_time_form form;
        const char *text;
    } rows[] = {
        {"Europe/Warsaw", "2026-11-22T13:05:59Z", REPORT_TIME_MINUTE, "22 Nov 2026, 14:05"},
        {"Europe/Warsaw", "2026-11-22T13:05:59Z", REPORT_TIME_CLOCK, "14:05"},
        {"Europe/Warsaw", "2026-11-22T13:05:59Z", REPORT_TIME_DAY, "Sun 22 Nov 2026"},
        {"Europe/Warsaw", "2026-11-22T13:05:59Z", REPORT_TIME_SHORT, "22 Nov 14:05"},
        {"Europe/Warsaw", "2026-11-22T13:05:00Z", REPORT_TIME_ISO, "2026-11-22T14:05:00+01:00"},
        {"UTC", "2026-01-01T00:00:00Z", REPORT_TIME_MINUTE, "1 Jan 2026, 00:00"},
        {"UTC", "2026-01-01T00:00:00Z", REPORT_TIME_ISO, "2026-01-01T00:00:00+00:00"},
        {"UTC", "2025-12-31T23:59:59Z", REPORT_TIME_DAY, "Wed 31 Dec 2025"},
        {"Asia/Kathmandu", "2026-01-01T00:00:01Z", REPORT_TIME_ISO, "2026-01-01T05:45:01+05:45"},
        {"America/St_Johns", "2026-01-01T00:00:00Z", REPORT_TIME_ISO, "2025-12-31T20:30:00-03:30"},
        {"Pacific/Marquesas", "2026-01-01T00:00:00Z", REPORT_TIME_ISO, "2025-12-31T14:30:00-09:30"},
        /* where the clock is set, a time alone may mean two moments */
        {"Europe/Warsaw", "2026-10-25T00:30:00Z", REPORT_TIME_SHORT, "25 Oct 02:30 CEST"},
        {"Europe/Warsaw", "2026-10-25T01:30:00Z", REPORT_TIME_SHORT, "25 Oct 02:30 CET"},
        {"Europe/Warsaw", "2026-10-24T22:00:00Z", REPORT_TIME_SHORT, "25 Oct 00:00 CEST"},
        {"Europe/Warsaw", "2026-10-25T22:59:59Z", REPORT_TIME_SHORT, "25 Oct 23:59 CET"},
        {"Europe/Warsaw", "2026-10-24T21:59:59Z", REPORT_TIME_SHORT, "24 Oct 23:59"},
        {"Europe/Warsaw", "2026-10-25T23:00:00Z", REPORT_TIME_SHORT, "26 Oct 00:00"},
        {"Europe/Warsaw", "2026-03-29T12:00:00Z", REPORT_TIME_SHORT, "29 Mar 14:00 CEST"},
        {"Africa/Cairo", "2024-10-31T20:30:00Z", REPORT_TIME_SHORT, "31 Oct 23:30 EEST"},
        {"Africa/Cairo", "2024-10-31T21:30:00Z", REPORT_TIME_SHORT, "31 Oct 23:30 EET"},
        {"Africa/Cairo", "2024-04-26T12:00:00Z", REPORT_TIME_SHORT, "26 Apr 15:00"}, /* from 01:00 on all alike */
        {"America/St_Johns", "2010-11-07T02:30:59Z", REPORT_TIME_SHORT, "7 Nov 00:00 NDT"},
        {"America/St_Johns", "2010-11-07T02:31:00Z", REPORT_TIME_SHORT, "6 Nov 23:01 NST"},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(ReportWindow) window = window_of(rows[i].zone, "2026-01-01", NULL);
        check_time(window, at(rows[i].at), rows[i].form, rows[i].text);
    }
}

static void moments_out_of_every_calendar_are_written_too(void **state)
{
    static const char *const zones[] = {"UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago"};

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(zones); i++) {
        g_autoptr(ReportWindow) window = window_of(zones[i], "2026-01-01", NULL);
        for (enum report_time_form form = REPORT_TIME_MINUTE; form <= REPORT_TIME_ISO; form++) {
            g_autofree char *first = report_time(window, INT64_MIN, form);
            g_autofree char *last = report_time(window, INT64_MAX, form);
            assert_true(*first != '\0' && *last != '\0');
        }
    }
}

static void the_machines_language_does_not_matter(void **state)
{
    static const char *const locales[] = {"pl_PL.UTF-8", "de_DE.UTF-8", "C.UTF-8"};
    g_autoptr(ReportWindow) window = window_of("Europe/Warsaw", "2026-10-25", NULL);

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(locales); i++) {
        if (setlocale(LC_ALL, locales[i]) == NULL)
            continue;
        check_time(window, at("2026-10-14T10:00Z"), REPORT_TIME_DAY, "Wed 14 Oct 2026");
    }
    setlocale(LC_ALL, "C");
}

static void durations_have_two_units_at_most(void **state)
{
    static const struct {
        int64_t seconds;
        const char *text;
    } rows[] = {
        {-5, "0 s"},
        {0, "0 s"},
        {1, "1 s"},
        {59, "59 s"},
        {60, "1 min"},
        {89, "1 min"},
        {90, "2 min"},
        {12 * 60, "12 min"},
        {59 * 60 + 29, "59 min"},
        {59 * 60 + 30, "1 h"},
        {HOUR_S, "1 h"},
        {HOUR_S + 29, "1 h"},
        {HOUR_S + 30, "1 h 1 min"},
        {3 * HOUR_S + 25 * 60, "3 h 25 min"},
        {DAY_S - 31, "23 h 59 min"},
        {DAY_S - 30, "1 d"},
        {DAY_S, "1 d"},
        {DAY_S + HOUR_S / 2 - 1, "1 d"},
        {DAY_S + HOUR_S / 2, "1 d 1 h"},
        {26 * HOUR_S, "1 d 2 h"},
        {25 * HOUR_S, "1 d 1 h"},
        {2 * DAY_S - 1, "2 d"},
        {90 * DAY_S, "90 d"},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *text = report_duration(rows[i].seconds);
        assert_string_equal(text, rows[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_day_is_as_long_as_its_zone_makes_it_q43),
        cmocka_unit_test(the_days_of_a_year_have_neither_holes_nor_overlaps_in_any_zone),
        cmocka_unit_test(ages_count_back_from_the_day_it_is_in_the_zone),
        cmocka_unit_test(ages_that_make_no_window_are_refused),
        cmocka_unit_test(one_date_stands_for_both),
        cmocka_unit_test(dates_that_make_no_window_are_refused),
        cmocka_unit_test(a_window_may_end_in_days_to_come),
        cmocka_unit_test(the_history_ends_with_the_window),
        cmocka_unit_test(a_day_that_never_was_has_no_moments),
        cmocka_unit_test(moments_are_written_in_the_windows_zone),
        cmocka_unit_test(moments_out_of_every_calendar_are_written_too),
        cmocka_unit_test(the_machines_language_does_not_matter),
        cmocka_unit_test(durations_have_two_units_at_most),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
