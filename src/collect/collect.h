/* collect - the plan and its execution: which windows of which source of which customer to read now, page by page into
 * the store. */
#ifndef M365KEEP_COLLECT_H
#define M365KEEP_COLLECT_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "client/client.h"
#include "config/config.h"
#include "store/store.h"

/* --- the plan: pure --------------------------------------------------------------------------------------------------
 */

struct plan_input {
    int64_t now;                /* the service's time */
    int64_t reach_s, overlap_s; /* of the source */
    int page_size;              /* records a page, to judge what re-reading costs */
    const struct store_coverage *rows;
    size_t n_rows;
    int64_t keep_from; /* retention deletes what is older; INT64_MIN: nothing */
    int64_t since;     /* with has_since: read from here, whatever was read before */
    bool has_since;
};

enum plan_kind {
    PLAN_NEW,   /* never read to its end; may begin with the overlap, read again */
    PLAN_SWEEP, /* read before; due again for what came late */
    PLAN_OPEN,  /* begun by an earlier run, which had to leave it */
    PLAN_LOST,  /* nobody can read it any more: to be recorded as a hole */
};

struct plan_stretch {
    struct store_window time;
    enum plan_kind kind;
};

/* What to do now, in this order: stretches that are lost, new time (oldest first, the overlap with it), sweeps that are
 * due at 24 h, 48 h and 7 d inside the reach, and last what earlier runs had to leave open, so that time which cannot
 * be read keeps nobody from the rest. Where the overlap would cost more than ten pages a run, it is 30 minutes, and
 * whole once an hour. A reach begins some minutes late, since the service judges it by its own clock. Time that
 * retention does not keep is none of all that, unless `since` asks for it. Returned: GArray of struct plan_stretch. */
GArray *plan_stretches(const struct plan_input *input);

/* How far back reading is any use, seconds: as far as the service reaches and retention keeps. */
int64_t plan_reach(const struct plan_input *input);

/* Records a second in what was read between `from` and `to`; 0 where nothing was. */
double plan_density(const struct plan_input *input, int64_t from, int64_t to);

/* The length of the next window: near 20 pages, an hour at least, a week at most, after a window of `length_s` took
 * `pages`. */
int64_t plan_window_length(int64_t length_s, int64_t pages);

/* Seconds after a stretch's end at which its last sweep is over. */
int64_t plan_settled_after(int64_t reach_s);

/* --- the run
 * ---------------------------------------------------------------------------------------------------------- */

enum collect_status { COLLECT_OK, COLLECT_PARTIAL, COLLECT_FAILED, COLLECT_SKIPPED };

/* What one source of one customer did, or a part of the source. */
struct collect_source {
    const char *source; /* static */
    const char *part;   /* static; NULL: the whole, or its default */
    enum collect_status status;
    int64_t fetched, inserted, updated, duplicates, removed, unreadable, requests, throttled, retried, bytes;
    int64_t from, to;               /* the time read, seconds UTC; 0, 0: none */
    GPtrArray *warnings;            /* char * */
    struct client_failure *failure; /* NULL unless partial, failed or skipped for a reason */
};

struct collect_customer {
    char *name, *tenant_id;
    GPtrArray *sources; /* struct collect_source * */
};

typedef struct collect_report {
    int64_t started, finished; /* seconds UTC */
    GPtrArray *customers;      /* struct collect_customer * */
    int signal;                /* the signal that ended the run early; 0: none */
} CollectReport;

struct collect_options {
    const struct config *config;
    const struct clock *clock;
    const char *customer;       /* NULL or "all": every one */
    const char *const *sources; /* NULL-ended names; NULL: all */
    bool has_since;
    int64_t since;
    int signal_fd; /* a signalfd of SIGINT and SIGTERM, or -1 */
    bool progress; /* show progress on stderr's terminal; else one log line a source */
};

/* Collects. NULL with *error only when nothing could be tried (the database). Returned: collect_report_free. */
struct collect_report *collect_run(const struct collect_options *options, GError **error);
void collect_report_free(struct collect_report *report);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CollectReport, collect_report_free)

/* 0 all done, 1 all failed, 3 in part. */
int collect_exit_status(const struct collect_report *report);

/* The report as one JSON value, and as a table for people (with `color` on a terminal). Append to `out`. */
void collect_report_append_json(GString *out, const struct collect_report *report);
void collect_report_append_table(GString *out, const struct collect_report *report, bool color);

#endif
