/* Times as services write them and as people type them, over any bytes: two texts, with a newline between. What is
 * checked beyond the sanitizers:
 *
 * - what is taken is, formatted, 28 characters that are read back as the same moment, and GLib's calendar agrees;
 * - where GLib reads the text itself, it reads the same moment; and of the plain form nothing is refused that GLib
 * takes;
 * - the order of the formatted texts is the order of the moments;
 * - what people may type has a moment inside the calendar, or a refusal in words. */
#include "fuzz.h"

#include "base/base.h"

#define SECONDS_MIN INT64_C(-11644473600) /* 1601 */
#define SECONDS_MAX INT64_C(253402300799) /* the end of 9999 */

enum { NOW = 1795000000 };

static int64_t moment_of(GDateTime *date)
{
    return g_date_time_to_unix(date);
}

/* The moment is inside the calendar, and its one form leads back to it. */
static void check_moment(struct timestamp time)
{
    char text[TIMESTAMP_TEXT_BYTES];
    struct timestamp again;

    g_assert(time.seconds >= SECONDS_MIN && time.seconds <= SECONDS_MAX && time.ticks >= 0 && time.ticks < 10000000);
    timestamp_format(time, text);
    g_assert(strlen(text) == TIMESTAMP_TEXT_BYTES - 1);
    g_assert(timestamp_parse(text, strlen(text), &again));
    g_assert(again.seconds == time.seconds && again.ticks == time.ticks);

    g_autofree char *seconds = timestamp_format_seconds(time.seconds);
    g_assert(strlen(seconds) == 20 && memcmp(seconds, text, 19) == 0 && seconds[19] == 'Z');

    g_autoptr(GDateTime) date = g_date_time_new_from_iso8601(text, NULL);
    g_assert(date != NULL && moment_of(date) == time.seconds);
    g_assert(g_date_time_get_microsecond(date) == time.ticks / 10);
}

/* YYYY-MM-DDTHH:MM:SS[.f...] with Z, an offset or nothing: what Microsoft writes, and nothing that only GLib knows
 * (weeks, days of the year, commas). */
static bool is_plain(const char *text)
{
    static GRegex *plain;

    if (plain == NULL)
        plain = g_regex_new("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]+)?"
                            "(Z|[+-]([01][0-9]|2[0-3]):?[0-5][0-9])?$",
                            G_REGEX_DOLLAR_ENDONLY, 0, NULL);
    return g_utf8_validate(text, -1, NULL) && g_regex_match(plain, text, 0, NULL);
}

static void check_against_glib(const char *text, bool taken, struct timestamp time)
{
    g_autoptr(GTimeZone) utc = g_time_zone_new_utc();
    g_autoptr(GDateTime) date = g_date_time_new_from_iso8601(text, utc);

    if (date == NULL || strstr(text, ":6") != NULL) /* GLib takes 60 and 61 for the second 59 */
        return;
    if (taken)
        g_assert(moment_of(date) == time.seconds);
    else if (is_plain(text) && text[0] >= '1')
        g_assert(moment_of(date) < SECONDS_MIN || moment_of(date) > SECONDS_MAX ||
                 strncmp(text, "1601", 4) < 0); /* before 1601 in its own zone */
}

static bool check_text(const char *bytes, size_t length, struct timestamp *time)
{
    g_autofree char *exact = fuzz_exact(bytes, length);
    g_autofree char *text = g_strndup(bytes, length); /* up to the first NUL */
    bool taken = timestamp_parse(exact, length, time);

    if (taken)
        check_moment(*time);
    if (strlen(text) == length)
        check_against_glib(text, taken, *time);
    return taken;
}

static void check_typed(const char *bytes, size_t length)
{
    g_autofree char *text = g_strndup(bytes, length);
    g_autoptr(GError) error = NULL;
    int64_t seconds = INT64_MIN;

    if (!g_utf8_validate(text, -1, NULL)) /* GOption hands on nothing else */
        return;
    if (timestamp_parse_human(text, NOW, &seconds, &error))
        g_assert(seconds >= SECONDS_MIN && seconds <= SECONDS_MAX && error == NULL);
    else
        fuzz_check_message(error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data, *end = size > 0 ? memchr(data, '\n', size) : NULL;
    size_t first = end != NULL ? (size_t)(end - text) : size, rest = end != NULL ? size - first - 1 : 0;
    struct timestamp a = {0}, b = {0};

    check_typed(text, size > 0 ? first : 0);
    if (!check_text(text, first, &a) || !check_text(text + first + (end != NULL), rest, &b))
        return 0;
    char one[TIMESTAMP_TEXT_BYTES], other[TIMESTAMP_TEXT_BYTES];
    timestamp_format(a, one);
    timestamp_format(b, other);
    int order = a.seconds != b.seconds ? (a.seconds < b.seconds ? -1 : 1) : (a.ticks > b.ticks) - (a.ticks < b.ticks);
    int text_order = strcmp(one, other);
    g_assert((order < 0) == (text_order < 0) && (order > 0) == (text_order > 0));
    return 0;
}
