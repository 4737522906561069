#include "ticks.h"

struct civil {
    int year, month, day, hour, minute, second, weekday;
    int64_t fraction;
};

int64_t ticks_floor_div(int64_t n, int64_t d)
{
    return n / d - (n % d < 0);
}

/* Days from civil and back: the well-known method of counting years from March, so that the leap day comes last. */
static int64_t days_of(int64_t year, int month, int day)
{
    year -= month <= 2;
    int64_t era = ticks_floor_div(year, 400);
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

    return era * 146097 + day_of_era - 719468;
}

static void civil_of(int64_t ticks, struct civil *c)
{
    int64_t days = ticks_floor_div(ticks, TICKS_PER_DAY);
    int64_t rest = ticks - days * TICKS_PER_DAY;
    int64_t z = days + 719468;
    int64_t era = ticks_floor_div(z, 146097);
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;

    c->day = (int)(doy - (153 * mp + 2) / 5 + 1);
    c->month = (int)(mp < 10 ? mp + 3 : mp - 9);
    c->year = (int)(yoe + era * 400 + (c->month <= 2));
    c->weekday = (int)(((days + 4) % 7 + 7) % 7);
    c->hour = (int)(rest / TICKS_PER_HOUR);
    c->minute = (int)(rest / TICKS_PER_MINUTE % 60);
    c->second = (int)(rest / TICKS_PER_SECOND % 60);
    c->fraction = rest % TICKS_PER_SECOND;
}

/* Takes exactly width digits at *p; -1 when they are not there. */
static int take_digits(const char **p, const char *end, int width)
{
    int value = 0;

    for (; width > 0; width--, (*p)++) {
        if (*p == end || !g_ascii_isdigit(**p))
            return -1;
        value = value * 10 + (**p - '0');
    }
    return value;
}

static bool take_char(const char **p, const char *end, char c)
{
    if (*p == end || **p != c)
        return false;
    (*p)++;
    return true;
}

static bool take_clock(const char **p, const char *end, struct civil *c)
{
    c->hour = take_digits(p, end, 2);
    if (c->hour < 0 || c->hour > 23 || !take_char(p, end, ':'))
        return false;
    c->minute = take_digits(p, end, 2);
    if (c->minute < 0 || c->minute > 59 || !take_char(p, end, ':'))
        return false;
    c->second = take_digits(p, end, 2);
    return c->second >= 0 && c->second <= 60;
}

static bool take_fraction(const char **p, const char *end, int64_t *fraction)
{
    int64_t unit = TICKS_PER_SECOND / 10;

    *fraction = 0;
    if (!take_char(p, end, '.'))
        return true;
    if (*p == end || !g_ascii_isdigit(**p))
        return false;
    for (; *p < end && g_ascii_isdigit(**p); (*p)++, unit /= 10)
        *fraction += (**p - '0') * unit;
    return true;
}

static bool take_zone(const char **p, const char *end, int64_t *offset, bool *zoned)
{
    *offset = 0;
    *zoned = *p < end;
    if (*p == end)
        return true;
    if (take_char(p, end, 'Z') || take_char(p, end, 'z'))
        return true;
    bool west = **p == '-';
    if (!west && **p != '+')
        return false;
    (*p)++;
    int hours = take_digits(p, end, 2);
    if (hours < 0 || !take_char(p, end, ':'))
        return false;
    int minutes = take_digits(p, end, 2);
    if (minutes < 0)
        return false;
    *offset = (hours * 60 + minutes) * TICKS_PER_MINUTE * (west ? -1 : 1);
    return true;
}

bool ticks_parse(const char *text, gsize len, int64_t *ticks, bool *zoned)
{
    const char *p = text, *end = text + len;
    struct civil c = {0};
    int64_t offset = 0;

    c.year = take_digits(&p, end, 4);
    if (c.year < 1 || !take_char(&p, end, '-'))
        return false;
    c.month = take_digits(&p, end, 2);
    if (c.month < 1 || c.month > 12 || !take_char(&p, end, '-'))
        return false;
    c.day = take_digits(&p, end, 2);
    if (c.day < 1 || c.day > 31 || !take_char(&p, end, 'T'))
        return false;
    if (!take_clock(&p, end, &c) || !take_fraction(&p, end, &c.fraction) || !take_zone(&p, end, &offset, zoned) ||
        p != end)
        return false;
    *ticks = days_of(c.year, c.month, c.day) * TICKS_PER_DAY + c.hour * TICKS_PER_HOUR + c.minute * TICKS_PER_MINUTE +
             c.second * TICKS_PER_SECOND + c.fraction - offset;
    return true;
}

static char *put_digits(char *at, int width, int64_t value)
{
    for (int i = width - 1; i >= 0; i--, value /= 10)
        at[i] = (char)('0' + value % 10);
    return at + width;
}

void ticks_append_iso(GString *out, int64_t ticks, int digits)
{
    char text[32], *at = text;
    struct civil c;

    civil_of(ticks, &c);
    at = put_digits(at, 4, c.year);
    *at++ = '-';
    at = put_digits(at, 2, c.month);
    *at++ = '-';
    at = put_digits(at, 2, c.day);
    *at++ = 'T';
    at = put_digits(at, 2, c.hour);
    *at++ = ':';
    at = put_digits(at, 2, c.minute);
    *at++ = ':';
    at = put_digits(at, 2, c.second);
    if (digits > 0) {
        *at++ = '.';
        for (int i = digits; i < 7; i++)
            c.fraction /= 10;
        at = put_digits(at, digits, c.fraction);
    }
    g_string_append_len(out, text, at - text);
}

void ticks_append_http_date(GString *out, int64_t ticks)
{
    static const char days[] = "SunMonTueWedThuFriSat", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    struct civil c;

    civil_of(ticks, &c);
    g_string_append_printf(out, "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT", days + 3 * (gsize)c.weekday, c.day,
                           months + 3 * (gsize)(c.month - 1), c.year, c.hour, c.minute, c.second);
}
