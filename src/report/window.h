/* window - the days of a report, in the customer's time zone. Pure. */
#ifndef M365KEEP_REPORT_WINDOW_H
#define M365KEEP_REPORT_WINDOW_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* Whole days [from, to) of a zone: `from` is the first moment of the first day, `to` the first moment after the last
 * one. A day has 23, 24 or 25 hours (or begins at 01:00, where the clock skips midnight). */
typedef struct report_window {
    char *zone_name;                  /* IANA, "Europe/Warsaw"; owned */
    GTimeZone *zone;                  /* owned */
    char first_day[11], last_day[11]; /* "2026-11-22" */
    int64_t from, to;                 /* seconds UTC */
} ReportWindow;

/* The days from `days_from` to `days_to` days before the day of `now` (1, 1: yesterday; 0: today); days_from >= days_to
 * >= 0, 366 days at most. NULL with *error (REPORT_ERROR_USAGE) otherwise, or when the zone is not known here.
 * Returned: report_window_free. */
struct report_window *report_window_of_ages(const char *zone_name, int64_t now, int days_from, int days_to,
                                            GError **error);

/* The days from `first` to `last`, YYYY-MM-DD, both included; NULL for `last` stands for `first`, NULL for `first` for
 * `last`. NULL with *error when they are no dates, in the wrong order, begin after `now`, or are more than 366 days. */
struct report_window *report_window_of_dates(const char *zone_name, int64_t now, const char *first, const char *last,
                                             GError **error);

/* The `days` days that end with the last one of `window`: the history behind it. Returned: report_window_free. */
struct report_window *report_window_history(const struct report_window *window, int days);

void report_window_free(struct report_window *window);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ReportWindow, report_window_free)

/* The first moments of each day of the window, and its end: n days give n + 1 values. Returned: GArray of int64_t. */
GArray *report_window_days(const struct report_window *window);

/* How a moment is written: always in the window's zone, in 24 hours. */
enum report_time_form {
    REPORT_TIME_MINUTE, /* "22 Nov 2026, 14:05" */
    REPORT_TIME_CLOCK,  /* "14:05" */
    REPORT_TIME_DAY,    /* "Sun 22 Nov 2026" */
    REPORT_TIME_SHORT,  /* "22 Nov 14:05"; with the zone's abbreviation on days that change their offset */
    REPORT_TIME_ISO,    /* "2026-11-22T14:05:00+01:00" */
};

/* Returned: g_free. */
char *report_time(const struct report_window *window, int64_t at, enum report_time_form form);

/* "1 d 2 h", "3 h 25 min", "12 min", "40 s": two units at most, rounded to the smaller one, and seconds only where
 * there is less than a minute. Returned: g_free. */
char *report_duration(int64_t seconds);

#endif
