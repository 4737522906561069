/* Times, impacts and counts as words. */
#include <string.h>

#include "report/view_private.h"

/* --- times ----------------------------------------------------------------------------------------------------------
 */

/* Not those of strftime, which speak the machine's language. */
static const char *const month_names[] = {"January", "February", "March",     "April",   "May",      "June",
                                          "July",    "August",   "September", "October", "November", "December"};
static const char *const weekday_names[] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                            "Friday", "Saturday", "Sunday"};

/* "2026-11-22" of a window is a date. */
static GDate date_of(const char *day)
{
    GDate date;
    unsigned year = (unsigned)g_ascii_strtoull(day, NULL, 10), month = (unsigned)g_ascii_strtoull(day + 5, NULL, 10);

    g_date_clear(&date, 1);
    g_date_set_dmy(&date, (GDateDay)g_ascii_strtoull(day + 8, NULL, 10), (GDateMonth)month, (GDateYear)year);
    return date;
}

static bool is_one_day(const struct report_window *window)
{
    return g_str_equal(window->first_day, window->last_day);
}

/* "Sunday 22 November 2026", or without what another date has in common. */
static char *date_words(const GDate *date, bool with_month, bool with_year)
{
    g_autofree char *month = g_strdup_printf(" %s", month_names[g_date_get_month(date) - 1]);
    g_autofree char *year = g_strdup_printf(" %u", g_date_get_year(date));

    return g_strdup_printf("%s %u%s%s", weekday_names[g_date_get_weekday(date) - 1], g_date_get_day(date),
                           with_month ? month : "", with_year ? year : "");
}

static char *days_words(const struct report_window *window)
{
    GDate first = date_of(window->first_day), last = date_of(window->last_day);
    bool other_year = g_date_get_year(&first) != g_date_get_year(&last);
    bool other_month = other_year || g_date_get_month(&first) != g_date_get_month(&last);
    g_autofree char *end = date_words(&last, true, true), *begin = NULL;

    if (is_one_day(window))
        return g_steal_pointer(&end);
    begin = date_words(&first, other_month, other_year);
    return g_strdup_printf("%s to %s", begin, end);
}

/* Seconds east of Greenwich. */
static int offset_at(GTimeZone *zone, int64_t at)
{
    return g_time_zone_get_offset(zone, g_time_zone_find_interval(zone, G_TIME_TYPE_UNIVERSAL, at));
}

/* "UTC", "UTC+1", "UTC-3:30". */
static char *offset_words(int offset)
{
    int minutes = ABS(offset) / 60;

    if (minutes == 0)
        return g_strdup("UTC");
    if (minutes % 60 == 0)
        return g_strdup_printf("UTC%c%d", offset < 0 ? '-' : '+', minutes / 60);
    return g_strdup_printf("UTC%c%d:%02d", offset < 0 ? '-' : '+', minutes / 60, minutes % 60);
}

/* "UTC+1"; "first UTC+1, then UTC+2, then UTC+1" where the clocks were changed. */
static char *offsets_words(const struct report_window *window)
{
    int interval = g_time_zone_find_interval(window->zone, G_TIME_TYPE_UNIVERSAL, window->from);
    int last = g_time_zone_find_interval(window->zone, G_TIME_TYPE_UNIVERSAL, window->to - 1);
    int before = g_time_zone_get_offset(window->zone, interval);
    g_autofree char *begin = offset_words(before);
    GString *out = g_string_new(begin);

    while (interval++ < last) {
        int offset = g_time_zone_get_offset(window->zone, interval);
        g_autofree char *words = offset_words(offset);
        if (offset != before)
            g_string_append_printf(out, ", then %s", words);
        before = offset;
    }
    if (strchr(out->str, ','))
        g_string_prepend(out, "first ");
    return g_string_free(out, FALSE);
}

/* "Europe/Warsaw (UTC+1)", "Europe/Warsaw (first UTC+2, then UTC+1)", "UTC". */
static char *zone_words(const struct report_window *window)
{
    g_autofree char *offsets = offsets_words(window);

    if (g_str_equal(window->zone_name, offsets))
        return g_steal_pointer(&offsets);
    return g_strdup_printf("%s (%s)", window->zone_name, offsets);
}

/* Of a window of one day, that it has not 24 hours. */
static char *clock_change_words(const struct report_window *window)
{
    int64_t length = window->to - window->from;
    g_autofree char *duration = NULL;

    if (!is_one_day(window) || length == 24 * 3600)
        return NULL;
    if (length % 3600 == 0)
        duration = g_strdup_printf("%d hours", (int)(length / 3600));
    else
        duration = report_duration(length);
    return g_strdup_printf("The clocks were changed on this day: it has %s.", duration);
}

void view_add_window(struct view *view)
{
    const struct report_window *window = view->figures->window;
    g_autofree char *days = days_words(window), *zone = zone_words(window);

    view_open(view->out, "window", '{');
    view_take_text(view->out, "words", g_strdup_printf("%s, %s", days, zone));
    view_add_text(view->out, "days", days);
    view_add_text(view->out, "zone", zone);
    view_add_text(view->out, "zone_name", window->zone_name);
    view_add_text(view->out, "first_day", window->first_day);
    view_add_text(view->out, "last_day", window->last_day);
    view_take_text(view->out, "from", report_time(window, window->from, REPORT_TIME_ISO));
    view_take_text(view->out, "to", report_time(window, window->to, REPORT_TIME_ISO));
    view_add_flag(view->out, "one_day", is_one_day(window));
    view_take_text(view->out, "clock_change", clock_change_words(window));
    view_close(view->out, '}');
}

/* "22 Nov 14:05", and with its year where the window does not tell it: "22 Nov 2025 14:05". */
static char *dated(const struct report_window *window, int64_t at)
{
    g_autofree char *words = report_time(window, at, REPORT_TIME_SHORT);
    g_autofree char *year = report_time(window, at, REPORT_TIME_ISO);
    const char *clock = strchr(strchr(words, ' ') + 1, ' ');

    year[4] = '\0';
    if (g_str_has_prefix(window->first_day, year) && g_str_has_prefix(window->last_day, year))
        return g_steal_pointer(&words);
    return g_strdup_printf("%.*s %s%s", (int)(clock - words), words, year, clock);
}

char *view_time(const struct report_figures *figures, int64_t at)
{
    const struct report_window *window = figures->window;
    bool clock = is_one_day(window) && window->to - window->from == 24 * 3600 &&
                 offset_at(window->zone, window->from) == offset_at(window->zone, window->to - 1);

    if (!clock || at < window->from || at > window->to)
        return dated(window, at);
    return at == window->to ? g_strdup("24:00") : report_time(window, at, REPORT_TIME_CLOCK);
}

char *view_span(const struct report_figures *figures, int64_t from, int64_t to)
{
    g_autofree char *begin = view_time(figures, from), *end = view_time(figures, to);

    return g_strdup_printf("%s to %s", begin, end);
}

char *view_length(int64_t seconds)
{
    if (seconds % 3600 == 0 && seconds <= 25 * 3600)
        return g_strdup_printf("%d h", (int)(seconds / 3600));
    return report_duration(seconds);
}

int64_t view_end(const struct report_figures *figures)
{
    return MIN(figures->window->to, figures->now);
}

/* --- others ---------------------------------------------------------------------------------------------------------
 */

char *view_line(const char *text)
{
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    GString *out = g_string_new(NULL);

    for (const char *at = valid; *at; at = g_utf8_next_char(at)) {
        gunichar c = g_utf8_get_char(at);
        bool turns = (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
        if (g_unichar_isspace(c)) {
            if (out->len > 0 && !g_str_has_suffix(out->str, " "))
                g_string_append_c(out, ' ');
        } else if (!g_unichar_iscntrl(c) && !turns) {
            g_string_append_unichar(out, c);
        }
    }
    return g_strchomp(g_string_free(out, FALSE));
}

char *view_count(gint64 n, const char *one, const char *many)
{
    if (n == 0)
        return g_strdup_printf("no %s", many);
    return n == 1 ? g_strdup_printf("1 %s", one) : g_strdup_printf("%" G_GINT64_FORMAT " %s", n, many);
}

const char *view_was(enum report_impact impact, enum view_tense tense)
{
    static const char *const words[REPORT_IMPACTS][VIEW_TENSES] = {
        [REPORT_NO_DATA] = {"was not seen", "was still not seen", "is not seen", "was not seen"},
        [REPORT_OPERATIONAL] = {"was operational", "was still operational", "is operational", "was seen operational"},
        [REPORT_MINOR] = {"had a minor status", "still had a minor status", "still has a minor status",
                          "was seen with a minor status"},
        [REPORT_AFFECTED] = {"was affected", "was still affected", "is still affected", "was seen affected"},
        [REPORT_DEGRADED] = {"was degraded", "was still degraded", "is still degraded", "was seen degraded"},
        [REPORT_INTERRUPTED] = {"was interrupted", "was still interrupted", "is still interrupted",
                                "was seen interrupted"},
    };

    return words[impact][tense];
}

char *view_status(const char *status)
{
    g_autofree char *words = report_status_words(status), *line = view_line(words);

    return *line ? g_steal_pointer(&line) : g_strdup("(empty)");
}

/* Relative luminance as WCAG 2 defines it. */
static double luminance(guint32 color)
{
    static const double weights[] = {0.2126, 0.7152, 0.0722};
    double sum = 0;

    for (int i = 0; i < 3; i++) {
        double part = (color >> (16 - 8 * i) & 0xff) / 255.0;
        /* The power 2.4 of the definition, nearly; only which of two is greater matters. */
        sum += weights[i] * (part <= 0.03928 ? part / 12.92 : part * part * (0.2 + 0.8 * part));
    }
    return sum;
}

void view_add_impact(GString *out, enum report_impact impact)
{
    /* Geometric Shapes, which every mail program's fonts have, and none as a coloured picture. */
    static const char *const marks[REPORT_IMPACTS] = {
        [REPORT_NO_DATA] = "\xe2\x97\x8b",  [REPORT_OPERATIONAL] = "\xe2\x97\x8f",
        [REPORT_MINOR] = "\xe2\x97\x87",    [REPORT_AFFECTED] = "\xe2\x97\x86",
        [REPORT_DEGRADED] = "\xe2\x96\xb2", [REPORT_INTERRUPTED] = "\xe2\x96\xa0",
    };
    /* What the charts show as a background would not be seen as a line. */
    static const guint32 accents[REPORT_IMPACTS] = {[REPORT_NO_DATA] = 0x6b7784, [REPORT_OPERATIONAL] = 0x3a9b62};
    guint32 color = report_chart_colors[impact], accent = accents[impact] ? accents[impact] : color;

    view_add_text(out, "impact", report_impact_name(impact));
    view_add_text(out, "mark", marks[impact]);
    view_take_text(out, "color", g_strdup_printf("#%06x", color & 0xffffff));
    view_take_text(out, "accent", g_strdup_printf("#%06x", accent & 0xffffff));
    view_add_text(out, "ink", luminance(color) > 0.18 ? "#14202b" : "#ffffff");
}
