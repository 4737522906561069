#include "base/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/timestamp.h"
#include "text_private.h"

/* The one global state of the room: where words go belongs to the process. */
static struct {
    pthread_mutex_t mutex; /* over all below, and over the line being written; POSIX's, which thread checkers know */
    enum log_level most;
    enum log_format format;
    const struct clock *clock;
    void (*before)(void *user);
    void (*after)(void *user);
    void *user;
} state = {.mutex = PTHREAD_MUTEX_INITIALIZER, .most = LOG_LEVEL_INFO};

void log_init(enum log_level most, enum log_format format, const struct clock *clock)
{
    pthread_mutex_lock(&state.mutex);
    g_atomic_int_set((gint *)&state.most, (gint)most);
    state.format = format;
    state.clock = clock;
    pthread_mutex_unlock(&state.mutex);
}

void log_set_hooks(void (*before)(void *user), void (*after)(void *user), void *user)
{
    pthread_mutex_lock(&state.mutex);
    state.before = before;
    state.after = after;
    state.user = user;
    pthread_mutex_unlock(&state.mutex);
}

bool log_wants(enum log_level level)
{
    return (gint)level <= g_atomic_int_get((gint *)&state.most);
}

static void append_logfmt(GString *line, const char *key, const char *value)
{
    g_autofree char *safe = text_for_terminal(value);
    bool quoted = *safe == '\0' || strpbrk(safe, " =\"\\") != NULL;

    if (line->len > 0)
        g_string_append_c(line, ' ');
    g_string_append(line, key);
    g_string_append_c(line, '=');
    if (!quoted) {
        g_string_append(line, safe);
        return;
    }
    g_string_append_c(line, '"');
    for (const char *c = safe; *c != '\0'; c++) {
        if (*c == '"' || *c == '\\')
            g_string_append_c(line, '\\');
        g_string_append_c(line, *c);
    }
    g_string_append_c(line, '"');
}

static void append_json(GString *line, const char *key, const char *value)
{
    g_string_append_c(line, line->len > 0 ? ',' : '{');
    text_append_json_escaped(line, key, true);
    g_string_append_c(line, ':');
    text_append_json_escaped(line, value, true);
}

/* One write as a rule, so that lines of several processes on one pipe do not mix. Failing is silent: there is no other
 * place to tell of it. */
static void write_whole(const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t n = write(STDERR_FILENO, bytes, length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        bytes += n;
        length -= (size_t)n;
    }
}

static void append_pair(GString *line, const char *key, const char *value)
{
    if (state.format == LOG_FORMAT_JSON)
        append_json(line, key, value);
    else
        append_logfmt(line, key, value);
}

/* What every line begins with. */
static GString *begin_line(enum log_level level, const char *message)
{
    static const char *const levels[] = {
        [LOG_LEVEL_ERROR] = "error", [LOG_LEVEL_WARN] = "warn", [LOG_LEVEL_INFO] = "info", [LOG_LEVEL_DEBUG] = "debug"};
    gint64 now = state.clock != NULL ? clock_now(state.clock) : g_get_real_time() / G_USEC_PER_SEC;
    g_autofree char *time = timestamp_format_seconds(now);
    GString *line = g_string_new(NULL);

    append_pair(line, "time", time);
    append_pair(line, "level", levels[level]);
    append_pair(line, state.format == LOG_FORMAT_JSON ? "message" : "msg", message);
    return line;
}

void log_write(enum log_level level, const char *message, ...)
{
    va_list pairs;
    const char *key;

    if (!log_wants(level))
        return;
    pthread_mutex_lock(&state.mutex);
    g_autoptr(GString) line = begin_line(level, message);
    va_start(pairs, message);
    while ((key = va_arg(pairs, const char *)) != NULL) {
        const char *value = va_arg(pairs, const char *);
        if (value != NULL)
            append_pair(line, key, value);
    }
    va_end(pairs);
    g_string_append(line, state.format == LOG_FORMAT_JSON ? "}\n" : "\n");
    if (state.before != NULL)
        state.before(state.user);
    write_whole(line->str, line->len);
    if (state.after != NULL)
        state.after(state.user);
    pthread_mutex_unlock(&state.mutex);
}
