/* values - texts of settings as what they mean. Pure, for tables of tests. */
#ifndef M365KEEP_CONFIG_VALUES_H
#define M365KEEP_CONFIG_VALUES_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"

/* What each of the readers below takes, for messages: words that follow "KEY ". */
#define VALUE_BOOL     "must be true or false"
#define VALUE_SIZE     "must be a size: 20GiB, 500MiB, a number of bytes, or 0 for no limit"
#define VALUE_INTERVAL "must be an interval from 10 seconds to 366 days: 30s, 15m, 1h or 1d"
#define VALUE_SCHEDULE "must be an interval (30s, 15m, 1h, 1d; from 10 seconds to 366 days) or \"daily HH:MM\""

/* Each of these is false, with the output untouched, when `text` is not what it takes. */
bool value_bool(const char *text, bool *value);          /* true, yes, on, 1; false, no, off, 0; case aside */
bool value_size(const char *text, int64_t *bytes);       /* KiB to TiB are powers of 1024, kB to TB of 1000 */
bool value_interval(const char *text, int64_t *seconds); /* s, m, h, d; a bare number could be any of them */
bool value_schedule(const char *text, struct config_schedule *schedule);
bool value_number(const char *text, int64_t least, int64_t most, int64_t *number);

/* The parts between commas or semicolons outside of double quotes, without the blanks around them; empty ones are left
 * out. NULL when there is none. Returned: g_strfreev. */
char **value_list(const char *text);

#endif
