#include "base/timestamp.h"

#include <string.h>

enum {
    DAY_S = 86400,
    TICKS_PER_S = 10000000,
    YEAR_MIN = 1601, /* where Windows time begins; what lies before is a "no value" */
    YEAR_MAX = 9999,
};
#define SECONDS_MIN INT64_C(-11644473600) /* 1601-01-01T00:00:00Z */
#define SECONDS_MAX INT64_C(253402300799) /* 9999-12-31T23:59:59Z */

/* --- the calendar ------------------------------------------------------------------------------------------------- */

/* Days since 1970-01-01 of a Gregorian date. Years are counted from March, so that a leap day is a year's last. */
static int64_t days_of_date(int year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = y / 400; /* y is positive here */
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

static void date_of_days(int64_t days, int *year, int *month, int *day)
{
    int64_t shifted = days + 719468; /* since 0000-03-01; positive for every year we know */
    int64_t era = shifted / 146097, day_of_era = shifted % 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month_from_march = (5 * day_of_year + 2) / 153;

    *day = (int)(day_of_year - (153 * month_from_march + 2) / 5 + 1);
    *month = (int)(month_from_march < 10 ? month_from_march + 3 : month_from_march - 9);
    *year = (int)(year_of_era + era * 400 + (*month <= 2));
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    return month == 2 && leap ? 29 : days[month - 1];
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

struct cursor {
    const char *at, *end;
};

/* Exactly `digits` decimal digits. */
static bool take_number(struct cursor *cursor, int digits, int *number)
{
    *number = 0;
    if (cursor->end - cursor->at < digits)
        return false;
    for (int i = 0; i < digits; i++) {
        char c = *cursor->at++;
        if (c < '0' || c > '9')
            return false;
        *number = *number * 10 + (c - '0');
    }
    return true;
}

static bool take(struct cursor *cursor, char c)
{
    if (cursor->at == cursor->end || *cursor->at != c)
        return false;
    cursor->at++;
    return true;
}

static bool take_date(struct cursor *cursor, int64_t *days)
{
    int year, month, day;

    if (!take_number(cursor, 4, &year) || !take(cursor, '-') || !take_number(cursor, 2, &month) || !take(cursor, '-') ||
        !take_number(cursor, 2, &day))
        return false;
    if (year < YEAR_MIN || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month))
        return false;
    *days = days_of_date(year, month, day);
    return true;
}

/* The digits after the point: seven count, whatever follows them is cut. */
static bool take_fraction(struct cursor *cursor, int32_t *ticks)
{
    int32_t worth = TICKS_PER_S;
    const char *first = cursor->at;

    *ticks = 0;
    for (; cursor->at < cursor->end && *cursor->at >= '0' && *cursor->at <= '9'; cursor->at++) {
        worth /= 10;
        *ticks += (*cursor->at - '0') * worth;
    }
    return cursor->at > first;
}

/* HH:MM[:SS[.f...]] as seconds of its day, up to DAY_S. */
static bool take_time(struct cursor *cursor, int64_t *second_of_day, int32_t *ticks)
{
    int hour, minute, second = 0;

    *ticks = 0;
    if (!take_number(cursor, 2, &hour) || !take(cursor, ':') || !take_number(cursor, 2, &minute))
        return false;
    if (take(cursor, ':')) {
        if (!take_number(cursor, 2, &second) || (take(cursor, '.') && !take_fraction(cursor, ticks)))
            return false;
    }
    if (hour > 24 || minute > 59 || second > 60 || (hour == 24 && (minute > 0 || second > 0 || *ticks > 0)))
        return false;
    if (second == 60)
        *ticks = 0; /* a leap second has no place of its own on a clock that counts from 1970 */
    *second_of_day = hour * 3600 + minute * 60 + second;
    return true;
}

/* Z, +HH:MM, +HHMM or nothing: seconds east of UTC. */
static bool take_zone(struct cursor *cursor, int64_t *offset_s)
{
    int hour, minute;
    bool west;

    *offset_s = 0;
    if (cursor->at == cursor->end || take(cursor, 'Z'))
        return true;
    west = *cursor->at == '-';
    if ((!take(cursor, '-') && !take(cursor, '+')) || !take_number(cursor, 2, &hour))
        return false;
    take(cursor, ':');
    if (!take_number(cursor, 2, &minute) || hour > 23 || minute > 59)
        return false;
    *offset_s = (west ? -1 : 1) * (hour * 3600 + minute * 60);
    return true;
}

bool timestamp_parse(const char *text, size_t length, struct timestamp *time)
{
    struct cursor cursor = {text, text + length};
    int64_t days, second_of_day, offset_s, seconds;
    int32_t ticks;

    if (!take_date(&cursor, &days) || (!take(&cursor, 'T') && !take(&cursor, ' ')) ||
        !take_time(&cursor, &second_of_day, &ticks) || !take_zone(&cursor, &offset_s) || cursor.at != cursor.end)
        return false;
    seconds = days * DAY_S + second_of_day - offset_s;
    if (seconds < SECONDS_MIN || seconds > SECONDS_MAX)
        return false;
    *time = (struct timestamp){.seconds = seconds, .ticks = ticks};
    return true;
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

static char *put_number(char *at, int digits, int number)
{
    for (int i = digits - 1; i >= 0; i--) {
        at[i] = (char)('0' + number % 10);
        number /= 10;
    }
    return at + digits;
}

/* "YYYY-MM-DDTHH:MM:SS", without a NUL. Moments outside the years 1601 to 9999 become the nearest inside, so that the
 * length never changes. */
static char *put_seconds(char *at, int64_t seconds)
{
    int64_t inside = CLAMP(seconds, SECONDS_MIN, SECONDS_MAX) - SECONDS_MIN;
    int second_of_day = (int)(inside % DAY_S);
    int year, month, day;

    date_of_days(inside / DAY_S + SECONDS_MIN / DAY_S, &year, &month, &day);
    at = put_number(at, 4, year);
    *at++ = '-';
    at = put_number(at, 2, month);
    *at++ = '-';
    at = put_number(at, 2, day);
    *at++ = 'T';
    at = put_number(at, 2, second_of_day / 3600);
    *at++ = ':';
    at = put_number(at, 2, second_of_day / 60 % 60);
    *at++ = ':';
    return put_number(at, 2, second_of_day % 60);
}

void timestamp_format(struct timestamp time, char text[TIMESTAMP_TEXT_BYTES])
{
    char *at = put_seconds(text, time.seconds);

    *at++ = '.';
    at = put_number(at, 7, CLAMP(time.ticks, 0, TICKS_PER_S - 1));
    *at++ = 'Z';
    *at = '\0';
}

char *timestamp_format_seconds(int64_t seconds)
{
    char text[TIMESTAMP_TEXT_BYTES];
    char *at = put_seconds(text, seconds);

    *at++ = 'Z';
    *at = '\0';
    return g_strdup(text);
}

/* --- people ------------------------------------------------------------------------------------------------------- */

/* "90m", "24h", "7d" or "2w" as seconds. */
static bool age_of_text(const char *text, int64_t *age_s)
{
    static const char units[] = "mhdw";
    static const int64_t unit_s[] = {60, 3600, DAY_S, 7 * DAY_S};
    const char *unit;
    char *end;
    guint64 n;

    if (!g_ascii_isdigit(*text))
        return false;
    n = g_ascii_strtoull(text, &end, 10);
    unit = *end != '\0' ? strchr(units, *end) : NULL;
    if (unit == NULL || end[1] != '\0' || n > (guint64)(SECONDS_MAX / unit_s[unit - units]))
        return false;
    *age_s = (int64_t)n * unit_s[unit - units];
    return true;
}

bool timestamp_parse_human(const char *text, int64_t now, int64_t *seconds, GError **error)
{
    g_autofree char *trimmed = g_strstrip(g_strdup(text));
    struct cursor cursor = {trimmed, trimmed + strlen(trimmed)};
    struct timestamp time;
    int64_t days, age_s;

    if (timestamp_parse(trimmed, strlen(trimmed), &time)) {
        *seconds = time.seconds;
        return true;
    }
    if (take_date(&cursor, &days) && cursor.at == cursor.end) {
        *seconds = days * DAY_S;
        return true;
    }
    if (age_of_text(trimmed, &age_s) && now - age_s >= SECONDS_MIN) {
        *seconds = now - age_s;
        return true;
    }
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                "\"%s\" is not a time: give a date (2026-11-20), a time (2026-11-20T07:00:00Z, UTC unless it has an "
                "offset), or an "
                "age (90m, 24h, 7d, 2w)",
                text);
    return false;
}
