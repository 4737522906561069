#include "base/progress.h"

#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"

enum { REDRAW_US = 200000, LINES_MAX = 12 };

struct progress {
    bool on;
    GPtrArray *lines; /* as last given */
    unsigned shown;   /* lines on the screen now */
    gint64 drawn_at;
};

static size_t terminal_width(void)
{
    struct winsize size = {0};

    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20)
        return size.ws_col;
    return 80;
}

static void erase(void *user)
{
    struct progress *progress = user;

    if (progress->shown)
        fprintf(stderr, "\x1b[%uF\x1b[J", progress->shown);
    progress->shown = 0;
}

static void show(void *user)
{
    struct progress *progress = user;
    size_t width = terminal_width() - 1;

    for (guint i = 0; i < progress->lines->len && i < LINES_MAX; i++) {
        const char *line = g_ptr_array_index(progress->lines, i);
        /* A line that wraps would break the arithmetic of erase. */
        g_autofree char *fit = text_width(line) > width ? text_fit(line, width) : g_strdup(line);

        fprintf(stderr, "%s\n", fit);
        progress->shown++;
    }
    fflush(stderr);
}

struct progress *progress_new(bool on)
{
    struct progress *progress = g_new0(struct progress, 1);

    progress->on = on;
    progress->lines = g_ptr_array_new_with_free_func(g_free);
    if (on)
        log_set_hooks(erase, show, progress);
    return progress;
}

bool progress_due(struct progress *progress)
{
    return progress->on && g_get_monotonic_time() - progress->drawn_at >= REDRAW_US;
}

void progress_draw(struct progress *progress, GPtrArray *lines)
{
    if (!progress->on)
        return;
    erase(progress);
    g_ptr_array_set_size(progress->lines, 0);
    for (guint i = 0; i < lines->len; i++)
        g_ptr_array_add(progress->lines, g_strdup(g_ptr_array_index(lines, i)));
    show(progress);
    progress->drawn_at = g_get_monotonic_time();
}

void progress_free(struct progress *progress)
{
    if (!progress)
        return;
    if (progress->on) {
        log_set_hooks(NULL, NULL, NULL);
        erase(progress);
        fflush(stderr);
    }
    g_ptr_array_unref(progress->lines);
    g_free(progress);
}
