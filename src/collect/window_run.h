/* window_run - a source run of records with a time: stretch after stretch of the plan, window after window, page after
 * page. In three files: window_plan.c (what to read), window_run.c (windows, read or left), window_pages.c (pages). */
#ifndef M365KEEP_COLLECT_WINDOW_RUN_H
#define M365KEEP_COLLECT_WINDOW_RUN_H

#include "collect/source_run.h"

enum { WINDOW_MIN = 3600 }; /* seconds; a window of new time is not cut into smaller ones */

struct window_run {
    struct source_run base;
    /* The plan. */
    GArray *stretches; /* struct plan_stretch; those before `next` are done */
    guint next;
    int64_t keep_from, settled_after; /* of the plan: what retention keeps, and when the last sweep is over */
    guint open_entered; /* the stretch left open by an earlier run whose first window was begun, counted from 1 */
    int64_t window_s;
    int64_t page_us;               /* when the last whole page came, or the run began, on the clock's own count */
    struct store_window left_open; /* given up and not yet told */
    int64_t covered_to;            /* earlier runs read up to here; 0: there was none */
    double density;                /* records a second in what they read last */
    struct store_window lost;      /* the service shows nothing for it any more; not yet told */
    unsigned failed_in_a_row;
    /* The window that is being read. */
    struct store_window window;
    int64_t window_records, window_pages;
    bool restarted; /* this window was begun anew because of a broken link */
};

struct source_run *window_run_new(void);

static inline struct window_run *window_run_of(struct source_run *run)
{
    return (struct window_run *)run;
}

/* --- window_plan.c ---------------------------------------------------------------------------------------------------
 */

/* Plans from what the store says was read, an interrupted run's window first. False when the run failed. */
bool window_plan(struct window_run *run);

/* Our own URL of a window's first page. Returned: g_free. */
char *window_start(const struct window_run *run, struct store_window window);

/* True when `link` is that, and no link of the service's into the window's middle. */
bool window_is_start(const struct window_run *run, struct store_window window, const char *link);

/* --- window_run.c ----------------------------------------------------------------------------------------------------
 */

/* A whole page came: there is progress. */
void window_note_page(struct window_run *run);

/* The window was read to its end, and its last page handed over: on to the next. */
void window_read(struct window_run *run);

/* The window lies in time of which the service shows nothing any more: it counts as lost, and not as read. The service
 * does not say how long it keeps records. A tenant without a premium licence has days instead of weeks, so new time out
 * of the shorter reach that comes back empty, where many records were to be expected, is taken for lost; and so is what
 * follows on it, an hour at a time, until records come. */
bool window_looks_lost(const struct window_run *run);
void window_lost(struct window_run *run);

/* Halves the window, begins it again, gives it up, or ends the run: whatever helps against such a failure. */
void window_failed(struct window_run *run, const struct client_failure *failure);

/* --- window_pages.c --------------------------------------------------------------------------------------------------
 */

/* Kinds' functions: see struct source_run_kind. */
void window_page_read(struct source_run *run, const char *request_id);
void window_page_committed(struct source_run *run, const struct store_page *page);

/* A body that broke off: the records before the break are whole, and kept; the window's cursor stays at its start. Of a
 * body that is no page at all nothing is. */
void window_salvage(struct window_run *run, const char *request_id);

#endif
