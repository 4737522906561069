#include "report/window.h"

#include <string.h>

#include "report/report.h"

enum {
    DAY_S = 86400,
    REACH_S = 26 * 3600, /* further from UTC than any clock has ever been */
    DAYS_MAX = 366
};

/* --- days --------------------------------------------------------------------------------------------------------- */

/* Days are counted from 1970-01-01, by the calendar on the wall. */

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static int64_t offset_at(GTimeZone *zone, int64_t at)
{
    return g_time_zone_get_offset(zone, g_time_zone_find_interval(zone, G_TIME_TYPE_UNIVERSAL, at));
}

static int64_t day_of(GTimeZone *zone, int64_t at)
{
    return floor_div(at + offset_at(zone, at), DAY_S);
}

/* The first moment after `before` that lies in the interval `interval` of the zone or a later one; by `after` one does.
 * (GLib tells an interval's offset, but not when it begins.) */
static int64_t interval_begin(GTimeZone *zone, int interval, int64_t before, int64_t after)
{
    while (after - before > 1) {
        int64_t middle = before + (after - before) / 2;
        if (g_time_zone_find_interval(zone, G_TIME_TYPE_UNIVERSAL, middle) < interval)
            before = middle;
        else
            after = middle;
    }
    return after;
}

/* The first moment of the day, or where the zone left it out, of the next one there was. Where the clock is set back
 * over midnight, the first of the two counts; where it is set forward over it, the day begins later. */
static int64_t day_begin(GTimeZone *zone, int64_t day)
{
    int64_t midnight = day * DAY_S, low = midnight - REACH_S, high = midnight + REACH_S, at = low;
    int interval = g_time_zone_find_interval(zone, G_TIME_TYPE_UNIVERSAL, low);
    int last = g_time_zone_find_interval(zone, G_TIME_TYPE_UNIVERSAL, high);

    for (; interval < last; interval++) {
        int64_t end = interval_begin(zone, interval + 1, at, high);
        int64_t begin = MAX(at, midnight - g_time_zone_get_offset(zone, interval));
        if (begin < end)
            return begin;
        at = end;
    }
    return MAX(at, midnight - g_time_zone_get_offset(zone, last));
}

/* "2026-11-22". */
static void format_day(int64_t day, char text[static 11])
{
    g_autoptr(GDateTime) date = g_date_time_new_from_unix_utc(day * DAY_S);

    g_snprintf(text, 11, "%04d-%02d-%02d", g_date_time_get_year(date), g_date_time_get_month(date),
               g_date_time_get_day_of_month(date));
}

/* The day that is written so; false for what is no date. */
static bool parse_day(const char *text, int64_t *day)
{
    enum { EPOCH_JULIAN = 719163 }; /* GDate's number of 1970-01-01 */
    guint64 year, month, dayofmonth;

    if (strlen(text) != 10 || text[4] != '-' || text[7] != '-')
        return false;
    g_autofree char *y = g_strndup(text, 4), *m = g_strndup(text + 5, 2);
    if (!g_ascii_string_to_unsigned(y, 10, 1, 9999, &year, NULL) ||
        !g_ascii_string_to_unsigned(m, 10, 1, 12, &month, NULL) ||
        !g_ascii_string_to_unsigned(text + 8, 10, 1, 31, &dayofmonth, NULL) ||
        !g_date_valid_dmy((GDateDay)dayofmonth, (GDateMonth)month, (GDateYear)year))
        return false;
    g_autoptr(GDate) date = g_date_new_dmy((GDateDay)dayofmonth, (GDateMonth)month, (GDateYear)year);
    *day = (int64_t)g_date_get_julian(date) - EPOCH_JULIAN;
    return true;
}

/* --- windows ------------------------------------------------------------------------------------------------------ */

G_GNUC_PRINTF(2, 3)
static void *fail(GError **error, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    g_autofree char *what = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_set_error_literal(error, REPORT_ERROR, REPORT_ERROR_USAGE, what);
    return NULL;
}

static GTimeZone *find_zone(const char *name, GError **error)
{
    GTimeZone *zone = g_time_zone_new_identifier(name);

    if (zone == NULL)
        fail(error,
             "There is no report in the time zone \"%s\", which this machine does not know: write a name such as "
             "Europe/Warsaw or UTC (the package tzdata holds them).",
             name);
    return zone;
}

static bool check_length(int64_t first, int64_t last, GError **error)
{
    int64_t days = last - first + 1;

    if (days > DAYS_MAX)
        fail(error, "A report covers %d days at most, and this one would cover %" G_GINT64_FORMAT ": take fewer.",
             DAYS_MAX, days);
    return days <= DAYS_MAX;
}

/* Copied: `zone_name`; `zone` is referenced. */
static struct report_window *window_new(const char *zone_name, GTimeZone *zone, int64_t first, int64_t last)
{
    struct report_window *window = g_new0(struct report_window, 1);

    window->zone_name = g_strdup(zone_name);
    window->zone = g_time_zone_ref(zone);
    format_day(first, window->first_day);
    format_day(last, window->last_day);
    window->from = day_begin(zone, first);
    window->to = day_begin(zone, last + 1);
    return window;
}

void report_window_free(struct report_window *window)
{
    if (window == NULL)
        return;
    g_free(window->zone_name);
    g_time_zone_unref(window->zone);
    g_free(window);
}

struct report_window *report_window_of_ages(const char *zone_name, int64_t now, int days_from, int days_to,
                                            GError **error)
{
    if (days_to < 0 || days_from < days_to)
        return fail(error,
                    "A report goes from so many days ago to so many or fewer days ago, not from %d to %d: mend "
                    "report.days_from and report.days_to.",
                    days_from, days_to);
    g_autoptr(GTimeZone) zone = find_zone(zone_name, error);
    if (zone == NULL)
        return NULL;
    int64_t today = day_of(zone, now), first = today - days_from, last = today - days_to;
    return check_length(first, last, error) ? window_new(zone_name, zone, first, last) : NULL;
}

struct report_window *report_window_of_dates(const char *zone_name, int64_t now, const char *first, const char *last,
                                             GError **error)
{
    const char *texts[] = {first != NULL ? first : last, last != NULL ? last : first};
    int64_t days[G_N_ELEMENTS(texts)];

    g_assert(texts[0] != NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
        if (!parse_day(texts[i], &days[i]))
            return fail(error, "\"%s\" is no date: write the year, month and day of a report as in 2026-11-22.",
                        texts[i]);
    if (days[0] > days[1])
        return fail(error, "A report cannot begin on %s and end on %s, which is earlier: give the earlier day first.",
                    first, last);
    g_autoptr(GTimeZone) zone = find_zone(zone_name, error);
    if (zone == NULL || !check_length(days[0], days[1], error))
        return NULL;
    if (day_begin(zone, days[0]) > now)
        return fail(error, "A report cannot begin on %s: that day is still to come in %s.", texts[0], zone_name);
    return window_new(zone_name, zone, days[0], days[1]);
}

struct report_window *report_window_history(const struct report_window *window, int days)
{
    int64_t last = 0;
    bool read = parse_day(window->last_day, &last);

    g_assert(days > 0 && read);
    return window_new(window->zone_name, window->zone, last - days + 1, last);
}

GArray *report_window_days(const struct report_window *window)
{
    int64_t first = 0, last = 0, low, high;
    GTimeZone *zone = window->zone;
    bool read = parse_day(window->first_day, &first) && parse_day(window->last_day, &last);

    g_assert(read);
    guint n = (guint)(last - first + 2);
    GArray *days = g_array_sized_new(FALSE, FALSE, sizeof(int64_t), n);
    low = first * DAY_S - REACH_S;
    high = (last + 1) * DAY_S + REACH_S;
    /* Most windows are in one interval of their zone, and their days all alike. */
    int interval = g_time_zone_find_interval(zone, G_TIME_TYPE_UNIVERSAL, low);
    bool alike = interval == g_time_zone_find_interval(zone, G_TIME_TYPE_UNIVERSAL, high);
    int64_t offset = g_time_zone_get_offset(zone, interval);
    for (guint i = 0; i < n; i++) {
        int64_t day = first + i, begin = alike ? day * DAY_S - offset : day_begin(zone, day);
        g_array_append_val(days, begin);
    }
    return days;
}

/* --- how moments are written -------------------------------------------------------------------------------------- */

/* The abbreviation to put behind the time of `at`: that of its zone, when the clock is set on that day; else NULL. */
static const char *abbreviation_at(GTimeZone *zone, int64_t at)
{
    int interval = g_time_zone_find_interval(zone, G_TIME_TYPE_UNIVERSAL, at);

    if (g_time_zone_find_interval(zone, G_TIME_TYPE_UNIVERSAL, at - REACH_S) ==
        g_time_zone_find_interval(zone, G_TIME_TYPE_UNIVERSAL, at + REACH_S))
        return NULL;
    int64_t day = day_of(zone, at), begin = day_begin(zone, day), end = day_begin(zone, day + 1);
    int first = g_time_zone_find_interval(zone, G_TIME_TYPE_UNIVERSAL, MIN(begin, at));
    int last = g_time_zone_find_interval(zone, G_TIME_TYPE_UNIVERSAL, MAX(end - 1, at));
    for (int other = first; other <= last; other++)
        if (g_time_zone_get_offset(zone, other) != g_time_zone_get_offset(zone, interval))
            return g_time_zone_get_abbreviation(zone, interval);
    return NULL;
}

static GDateTime *local_time(GTimeZone *zone, int64_t at)
{
    g_autoptr(GDateTime) utc = g_date_time_new_from_unix_utc(at);

    return g_date_time_to_timezone(utc, zone);
}

static char *format_short(GTimeZone *zone, int64_t at, GDateTime *time, const char *month)
{
    const char *abbreviation = abbreviation_at(zone, at);

    return g_strdup_printf("%d %s %02d:%02d%s%s", g_date_time_get_day_of_month(time), month, g_date_time_get_hour(time),
                           g_date_time_get_minute(time), abbreviation != NULL ? " " : "",
                           abbreviation != NULL ? abbreviation : "");
}

static char *format_iso(GDateTime *time)
{
    int offset = (int)(g_date_time_get_utc_offset(time) / G_TIME_SPAN_MINUTE), away = ABS(offset);

    return g_strdup_printf("%04d-%02d-%02dT%02d:%02d:%02d%c%02d:%02d", g_date_time_get_year(time),
                           g_date_time_get_month(time), g_date_time_get_day_of_month(time), g_date_time_get_hour(time),
                           g_date_time_get_minute(time), g_date_time_get_second(time), offset < 0 ? '-' : '+',
                           away / 60, away % 60);
}

char *report_time(const struct report_window *window, int64_t at, enum report_time_form form)
{
    /* Not those of strftime, which speak the machine's language. */
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    static const char *const weekdays[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
    /* Moments beyond the years that a calendar has (1 to 9999) are taken for the first or last one. */
    const int64_t earliest = INT64_C(-62135596800) + 3 * DAY_S, latest = INT64_C(253402300799) - 3 * DAY_S;
    at = CLAMP(at, earliest, latest);
    g_autoptr(GDateTime) time = local_time(window->zone, at);
    const char *month = months[g_date_time_get_month(time) - 1];
    int day = g_date_time_get_day_of_month(time), year = g_date_time_get_year(time);
    int hour = g_date_time_get_hour(time), minute = g_date_time_get_minute(time);

    switch (form) {
    case REPORT_TIME_MINUTE:
        return g_strdup_printf("%d %s %d, %02d:%02d", day, month, year, hour, minute);
    case REPORT_TIME_CLOCK:
        return g_strdup_printf("%02d:%02d", hour, minute);
    case REPORT_TIME_DAY:
        return g_strdup_printf("%s %d %s %d", weekdays[g_date_time_get_day_of_week(time) - 1], day, month, year);
    case REPORT_TIME_SHORT:
        return format_short(window->zone, at, time, month);
    case REPORT_TIME_ISO:
        return format_iso(time);
    }
    g_assert_not_reached();
}

/* "1 d 2 h", without a second unit of which there is none. */
static char *format_units(int64_t major, const char *major_unit, int64_t minor, const char *minor_unit)
{
    return minor > 0 ? g_strdup_printf("%" G_GINT64_FORMAT " %s %" G_GINT64_FORMAT " %s", major, major_unit, minor,
                                       minor_unit)
                     : g_strdup_printf("%" G_GINT64_FORMAT " %s", major, major_unit);
}

char *report_duration(int64_t seconds)
{
    int64_t minutes = (seconds + 30) / 60, hours = (seconds + 1800) / 3600;

    if (seconds < 60)
        return g_strdup_printf("%" G_GINT64_FORMAT " s", MAX(seconds, 0));
    if (minutes < 60)
        return g_strdup_printf("%" G_GINT64_FORMAT " min", minutes);
    return minutes < 24 * 60 ? format_units(minutes / 60, "h", minutes % 60, "min")
                             : format_units(hours / 24, "d", hours % 24, "h");
}
