#include "config/values.h"

#include <string.h>

enum { INTERVAL_LEAST_S = 10, INTERVAL_MOST_S = 366 * 86400 };

bool value_bool(const char *text, bool *value)
{
    static const char *const words[] = {"false", "no", "off", "0", "true", "yes", "on", "1"};

    for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
        if (g_ascii_strcasecmp(text, words[i]) != 0)
            continue;
        *value = i >= G_N_ELEMENTS(words) / 2;
        return true;
    }
    return false;
}

bool value_number(const char *text, int64_t least, int64_t most, int64_t *number)
{
    gint64 value;

    if (!g_ascii_string_to_signed(text, 10, least, most, &value, NULL))
        return false;
    *number = value;
    return true;
}

/* The digits that `text` begins with, as a number up to `most`; *rest is what follows them. */
static bool leading_number(const char *text, int64_t most, int64_t *number, const char **rest)
{
    size_t digits = strspn(text, "0123456789");
    g_autofree char *first = g_strndup(text, MIN(digits, 20)); /* more digits than any number has */

    *rest = text + digits;
    return digits > 0 && digits <= 19 && value_number(first, 0, most, number);
}

bool value_size(const char *text, int64_t *bytes)
{
    static const struct {
        const char *name;
        int64_t bytes;
    } units[] = {{"", 1},
                 {"B", 1},
                 {"KiB", INT64_C(1) << 10},
                 {"MiB", INT64_C(1) << 20},
                 {"GiB", INT64_C(1) << 30},
                 {"TiB", INT64_C(1) << 40},
                 {"kB", 1000},
                 {"MB", 1000 * 1000},
                 {"GB", INT64_C(1000) * 1000 * 1000},
                 {"TB", INT64_C(1000) * 1000 * 1000 * 1000}};
    const char *unit;
    int64_t number;

    if (!leading_number(text, INT64_MAX, &number, &unit))
        return false;
    unit += *unit == ' ';
    for (size_t i = 0; i < G_N_ELEMENTS(units); i++)
        if (g_ascii_strcasecmp(unit, units[i].name) == 0 && number <= INT64_MAX / units[i].bytes) {
            *bytes = number * units[i].bytes;
            return true;
        }
    return false;
}

bool value_interval(const char *text, int64_t *seconds)
{
    static const char names[] = "smhd";
    static const int64_t units[] = {1, 60, 3600, 86400};
    const char *unit;
    int64_t number;

    if (!leading_number(text, INTERVAL_MOST_S, &number, &unit))
        return false;
    const char *name = *unit != '\0' && unit[1] == '\0' ? strchr(names, *unit) : NULL;
    if (name == NULL)
        return false;
    int64_t value = number * units[name - names]; /* at most 366 days of days: no overflow */
    if (value < INTERVAL_LEAST_S || value > INTERVAL_MOST_S)
        return false;
    *seconds = value;
    return true;
}

bool value_schedule(const char *text, struct config_schedule *schedule)
{
    static const char daily[] = "daily ";
    int64_t seconds;

    if (value_interval(text, &seconds)) {
        *schedule = (struct config_schedule){.every_s = seconds};
        return true;
    }
    if (!g_str_has_prefix(text, daily))
        return false;
    const char *at = text + strlen(daily);
    const char *digits = "0123456789";
    if (strlen(at) != 5 || strspn(at, digits) != 2 || at[2] != ':' || strspn(at + 3, digits) != 2)
        return false;
    int hour = (at[0] - '0') * 10 + at[1] - '0', minute = (at[3] - '0') * 10 + at[4] - '0';
    if (hour > 23 || minute > 59)
        return false;
    *schedule = (struct config_schedule){.daily = true, .minute = hour * 60 + minute};
    return true;
}

char **value_list(const char *text)
{
    g_autoptr(GStrvBuilder) list = g_strv_builder_new();
    bool quoted = false, any = false;
    const char *from = text;

    for (const char *p = text;; p++) {
        quoted ^= *p == '"';
        if (*p != '\0' && (quoted || (*p != ',' && *p != ';')))
            continue;
        g_autofree char *part = g_strstrip(g_strndup(from, (size_t)(p - from)));
        if (*part != '\0') {
            g_strv_builder_add(list, part);
            any = true;
        }
        if (*p == '\0')
            return any ? g_strv_builder_end(list) : NULL;
        from = p + 1;
    }
}
