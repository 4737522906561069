/* timestamp - ISO 8601 as Microsoft's APIs write it, and as people type it. */
#ifndef M365KEEP_TIMESTAMP_H
#define M365KEEP_TIMESTAMP_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TIMESTAMP_TEXT_BYTES = 29 }; /* "YYYY-MM-DDTHH:MM:SS.fffffffZ" and its NUL */

struct timestamp {
    int64_t seconds; /* since 1970 UTC */
    int32_t ticks;   /* 100 ns units past the second, 0 to 9,999,999 */
};

/* Reads YYYY-MM-DDTHH:MM[:SS[.f...]] with Z, an offset (+01:00, +0100) or nothing, which means UTC; the T may be a
 * space. 0 to 9 fraction digits count, further ones are cut; second 60 becomes the next minute's start, 24:00:00 the
 * next day's. False for anything else, for impossible dates and for years before 1601 (the APIs' "no value" is year 1).
 */
bool timestamp_parse(const char *text, size_t length, struct timestamp *time);

/* The one form the store sorts by: always 28 characters, seven fraction digits, Z. */
void timestamp_format(struct timestamp time, char text[TIMESTAMP_TEXT_BYTES]);

/* "2026-11-20T07:01:02Z". Returned: free with g_free. */
char *timestamp_format_seconds(int64_t seconds);

/* What people type for --since, --start, --end: an ISO date or time (UTC unless it says otherwise), or an age before
 * `now` as 90m, 24h, 7d, 2w. A bare date is its first second. False with *error (domain G_OPTION_ERROR), naming what is
 * expected. */
bool timestamp_parse_human(const char *text, int64_t now, int64_t *seconds, GError **error);

#endif
