/* ticks.h - moments as whole ticks of 100 ns since 1970-01-01T00:00:00Z, the precision in which Microsoft's services
 * write times (seven fraction digits). */
#ifndef SIM_TICKS_H
#define SIM_TICKS_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#define TICKS_PER_SECOND INT64_C(10000000)
#define TICKS_PER_MINUTE (60 * TICKS_PER_SECOND)
#define TICKS_PER_HOUR   (60 * TICKS_PER_MINUTE)
#define TICKS_PER_DAY    (24 * TICKS_PER_HOUR)

/* Reads an ISO 8601 moment: date, T, time, any number of fraction digits (those past the seventh are dropped), and Z,
 * an offset or nothing. False when text (len bytes) is anything else. *zoned tells whether a zone was written; without
 * one the moment is taken as UTC. */
bool ticks_parse(const char *text, gsize len, int64_t *ticks, bool *zoned);

/* Appends YYYY-MM-DDTHH:MM:SS with digits (0 to 7) fraction digits; the zone is the caller's to append. */
void ticks_append_iso(GString *out, int64_t ticks, int digits);

/* Appends the form of HTTP's Date header (RFC 9110, IMF-fixdate). */
void ticks_append_http_date(GString *out, int64_t ticks);

/* Division that rounds towards minus infinity; d > 0. */
int64_t ticks_floor_div(int64_t n, int64_t d);

#endif
