#include "report/chart_axis.h"

#include <string.h>

enum {
    HOUR_S = 3600,
    NIGHT_ENDS = 6, /* hours that are labelled, too */
    NIGHT_BEGINS = 21
};

static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
static const char *const weekdays[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};

/* --- places ------------------------------------------------------------------------------------------------------- */

static int64_t day_at(const GArray *days, guint i)
{
    return g_array_index(days, int64_t, i);
}

double chart_plot_column(const struct chart_plot *plot, int64_t at)
{
    const struct report_window *window = plot->window;

    if (plot->pitch == 0)
        return plot->left + (double)plot->width * (double)(at - window->from) / (double)(window->to - window->from);
    for (guint i = 0; i + 1 < plot->days->len; i++)
        if (at < day_at(plot->days, i + 1))
            return plot->left + (int)i * plot->pitch;
    return plot->left + (int)(plot->days->len - 1) * plot->pitch;
}

/* --- the zone's calendar ------------------------------------------------------------------------------------------ */

static gint32 offset_at(const struct report_window *window, int64_t at)
{
    return g_time_zone_get_offset(window->zone, g_time_zone_find_interval(window->zone, G_TIME_TYPE_UNIVERSAL, at));
}

static const char *abbreviation_at(const struct report_window *window, int64_t at)
{
    return g_time_zone_get_abbreviation(window->zone,
                                        g_time_zone_find_interval(window->zone, G_TIME_TYPE_UNIVERSAL, at));
}

/* Seconds that the clock on the wall shows since its midnight. */
static int64_t wall_clock(const struct report_window *window, int64_t at)
{
    int64_t wall = (at + offset_at(window, at)) % 86400;

    return wall < 0 ? wall + 86400 : wall;
}

/* When the clock shows `hour` on the day that begins at `day`: the first time, where it does so twice; -1: it skips it.
 */
static int64_t hour_of_day(const struct report_window *window, int64_t day, int hour)
{
    int64_t at = day + (int64_t)hour * HOUR_S - wall_clock(window, day);

    at -= offset_at(window, at) - offset_at(window, day);
    return wall_clock(window, at) == (int64_t)hour * HOUR_S ? at : -1;
}

static void date_of(const char *iso, guint days_later, GDate *date)
{
    guint year = (guint)g_ascii_strtoull(iso, NULL, 10), month = (guint)g_ascii_strtoull(iso + 5, NULL, 10);

    g_date_set_dmy(date, (GDateDay)g_ascii_strtoull(iso + 8, NULL, 10), (GDateMonth)month, (GDateYear)year);
    g_date_add_days(date, days_later);
}

static const char *month_of(const GDate *date)
{
    return months[g_date_get_month(date) - 1];
}

static const char *weekday_of(const GDate *date)
{
    return weekdays[g_date_get_weekday(date) - 1];
}

/* --- ticks -------------------------------------------------------------------------------------------------------- */

static bool has_tick(enum chart_step step, const GDate *date, guint day, guint *mondays)
{
    bool monday = g_date_get_weekday(date) == G_DATE_MONDAY, first = g_date_get_day(date) == 1;

    switch (step) {
    case CHART_DAYS_2:
        return day % 2 == 0;
    case CHART_WEEK:
        return monday;
    case CHART_WEEKS_2:
        return monday && (*mondays)++ % 2 == 0;
    case CHART_MONTH:
        return first;
    case CHART_MONTHS_3:
        return first && (g_date_get_month(date) - 1) % 3 == 0;
    default:
        return true;
    }
}

static void label_day(struct chart_tick *tick, enum chart_step step, bool wide, const GDate *date, bool first)
{
    unsigned day = g_date_get_day(date), year = g_date_get_year(date);
    bool with_month = step != CHART_DAY || first || day == 1;

    if (step >= CHART_MONTH && g_date_get_month(date) == G_DATE_JANUARY)
        g_snprintf(tick->label, sizeof tick->label, "%u", year);
    else if (step >= CHART_MONTH)
        g_snprintf(tick->label, sizeof tick->label, "%s", month_of(date));
    else if (!with_month)
        g_snprintf(tick->label, sizeof tick->label, "%s %u", weekday_of(date), day);
    else if (wide && step >= CHART_DAY)
        g_snprintf(tick->label, sizeof tick->label, "%s %u %s", weekday_of(date), day, month_of(date));
    else
        g_snprintf(tick->label, sizeof tick->label, "%u %s", day, month_of(date));
}

static void append_hours(GArray *ticks, const struct report_window *window, int64_t day, int every)
{
    for (int hour = every; hour < 24; hour += every) {
        struct chart_tick tick = {.at = hour_of_day(window, day, hour)};
        g_snprintf(tick.label, sizeof tick.label, "%02d:00", hour);
        if (tick.at > day)
            g_array_append_val(ticks, tick);
    }
}

GArray *chart_ticks(const struct report_window *window, enum chart_step step, bool wide)
{
    static const int hours[CHART_STEPS] = {[CHART_HOURS_3] = 3, [CHART_HOURS_6] = 6, [CHART_HOURS_12] = 12};
    g_autoptr(GArray) days = report_window_days(window);
    GArray *ticks = g_array_new(FALSE, FALSE, sizeof(struct chart_tick));
    guint mondays = 0;
    GDate date;

    g_date_clear(&date, 1);
    date_of(window->first_day, 0, &date);
    for (guint i = 0; i + 1 < days->len; i++, g_date_add_days(&date, 1)) {
        struct chart_tick tick = {.at = day_at(days, i)};
        bool start = i == 0 && step >= CHART_WEEK; /* of a week or month that began before */
        if (!has_tick(step, &date, i, &mondays) && !start)
            continue;
        label_day(&tick, step, wide, &date, ticks->len == 0);
        g_array_append_val(ticks, tick);
        if (hours[step] > 0)
            append_hours(ticks, window, tick.at, hours[step]);
    }
    if (hours[step] > 0) {
        struct chart_tick end = {.at = window->to, .label = "24:00"};
        g_array_append_val(ticks, end);
    }
    return ticks;
}

/* --- nights ------------------------------------------------------------------------------------------------------- */

static void append_night(GArray *nights, int64_t from, int64_t to)
{
    struct chart_night night = {from, to}, *last = NULL;

    if (nights->len > 0)
        last = &g_array_index(nights, struct chart_night, nights->len - 1);
    if (last != NULL && last->to == from)
        last->to = to;
    else
        g_array_append_val(nights, night);
}

GArray *chart_nights(const struct report_window *window)
{
    g_autoptr(GArray) days = report_window_days(window);
    GArray *nights = g_array_new(FALSE, FALSE, sizeof(struct chart_night));

    for (guint i = 0; i + 1 < days->len; i++) {
        int64_t ends = hour_of_day(window, day_at(days, i), NIGHT_ENDS);
        int64_t begins = hour_of_day(window, day_at(days, i), NIGHT_BEGINS);
        if (ends > 0)
            append_night(nights, day_at(days, i), ends);
        if (begins > 0)
            append_night(nights, begins, day_at(days, i + 1));
    }
    return nights;
}

/* --- words -------------------------------------------------------------------------------------------------------- */

/* "UTC+1", "UTC−3:30", "UTC". */
static void append_offset(GString *words, gint32 offset_s)
{
    int minutes = ABS(offset_s) / 60;

    g_string_append(words, "UTC");
    if (minutes > 0)
        g_string_append_printf(words, "%s%d", offset_s < 0 ? "−" : "+", minutes / 60);
    if (minutes % 60 > 0)
        g_string_append_printf(words, ":%02d", minutes % 60);
}

/* "CET, UTC+1"; zones without a name of their own ("-03") have their offset only. */
static void append_moment(GString *words, const struct report_window *window, int64_t at)
{
    const char *abbreviation = abbreviation_at(window, at);

    if (g_ascii_isalpha(abbreviation[0]) && strcmp(abbreviation, "UTC") != 0)
        g_string_append_printf(words, "%s, ", abbreviation);
    append_offset(words, offset_at(window, at));
}

static bool has_offset(const struct report_window *window, const GArray *moments, gint32 offset)
{
    for (guint i = 0; i < moments->len; i++)
        if (offset_at(window, g_array_index(moments, int64_t, i)) == offset)
            return true;
    return false;
}

/* A moment of each offset but the window's first one; *returns: whether the clock comes back to one of before.
 * Returned: GArray of int64_t. */
static GArray *other_offsets(const struct report_window *window, bool *returns)
{
    g_autoptr(GArray) days = report_window_days(window);
    GArray *others = g_array_new(FALSE, FALSE, sizeof(int64_t));
    gint32 first = offset_at(window, window->from), before = first;

    for (guint i = 1; i < days->len; i++) {
        int64_t at = day_at(days, i) - 1; /* the last moment of each day */
        gint32 offset = offset_at(window, at);
        if (offset != before && (offset == first || has_offset(window, others, offset)))
            *returns = true;
        else if (offset != before)
            g_array_append_val(others, at);
        before = offset;
    }
    return others;
}

char *chart_zone_words(const struct report_window *window)
{
    g_autoptr(GArray) others = NULL;
    GString *words = g_string_new(NULL);
    bool returns = false;

    if (strcmp(window->zone_name, "UTC") != 0) {
        g_string_append_printf(words, "%s · ", window->zone_name);
        g_string_replace(words, "_", " ", 0); /* "America/New_York" */
    }
    append_moment(words, window, window->from);
    others = other_offsets(window, &returns);
    for (guint i = 0; i < others->len; i++) {
        g_string_append(words, returns ? " / " : " → ");
        append_moment(words, window, g_array_index(others, int64_t, i));
    }
    return g_string_free(words, FALSE);
}

char *chart_window_words(const struct report_window *window)
{
    GString *words = g_string_new(NULL);
    GDate first, last;

    g_date_clear(&first, 1);
    g_date_clear(&last, 1);
    date_of(window->first_day, 0, &first);
    date_of(window->last_day, 0, &last);
    bool year = g_date_get_year(&first) != g_date_get_year(&last);
    bool month = year || g_date_get_month(&first) != g_date_get_month(&last);
    if (g_date_compare(&first, &last) != 0) {
        g_string_append_printf(words, "%u", g_date_get_day(&first));
        if (month)
            g_string_append_printf(words, " %s", month_of(&first));
        if (year)
            g_string_append_printf(words, " %u", g_date_get_year(&first));
        g_string_append(words, " to ");
    }
    g_string_append_printf(words, "%u %s %u", g_date_get_day(&last), month_of(&last), g_date_get_year(&last));
    return g_string_free(words, FALSE);
}
