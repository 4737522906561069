/* log - words for the person on call, one line an event, on stderr.
 *
 * A line has a level, a sentence and pairs (customer, source, request_id ...). Formats: logfmt (default) and json.
 * Values are escaped so that a hostile name can neither break the line nor drive a terminal. Thread-safe. */
#ifndef M365KEEP_LOG_H
#define M365KEEP_LOG_H

#include <stdbool.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };
enum log_format { LOG_FORMAT_LOGFMT, LOG_FORMAT_JSON };

struct clock;

/* Sets what is written and how; `clock` (borrowed for the life of the program) stamps the lines, NULL: real time. */
void log_init(enum log_level most, enum log_format format, const struct clock *clock);

/* True when lines of `level` are written: saves work for debug lines. */
bool log_wants(enum log_level level);

/* Writes one line. `message` is a sentence; then key, value pairs of strings up to a NULL key; a pair whose value is
 * NULL is left out. Never pass a token, a secret or a whole body. */
void log_write(enum log_level level, const char *message, ...) __attribute__((sentinel));

/* Called around each line, so that a progress line on the same terminal can step aside; NULL to remove. They run while
 * the log is locked: they must not log. */
void log_set_hooks(void (*before)(void *user), void (*after)(void *user), void *user);

#endif
