/* figures - what a report says of a window, computed from what the store recorded. Pure: the same facts give the same
 * figures.
 *
 * A state holds from the scan that first saw it to the good scan that first saw another one; between good scans that
 * lie further apart than allowed, or where a scan did not list the service, nobody knows: a gap. What a scan saw that
 * no other one followed in time was in force for no time that is known; but it was seen, and counts as that. */
#ifndef M365KEEP_REPORT_FIGURES_H
#define M365KEEP_REPORT_FIGURES_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"
#include "report/window.h"
#include "store/store.h"

/* How bad a status is, as colours and words group its priority (1, the worst, to 10). */
enum report_impact {
    REPORT_NO_DATA,
    REPORT_OPERATIONAL, /* 9, 10 */
    REPORT_MINOR,       /* 7, 8: being verified, or no longer looked into */
    REPORT_AFFECTED,    /* 5, 6: being looked into or restored */
    REPORT_DEGRADED,    /* 3, 4 */
    REPORT_INTERRUPTED, /* 0 to 2 */
    REPORT_IMPACTS      /* their number */
};

enum report_impact report_impact_of(int priority);

/* "Operational", "Minor", "Affected", "Degraded", "Interrupted", "No data". */
const char *report_impact_name(enum report_impact impact);

/* A status for people: "serviceDegradation" gives "Service degradation", in any case that is known; others as they
 * are. Returned: g_free. */
char *report_status_words(const char *status);

/* An unbroken stretch of one status, or of none. Neighbours of the same status are one stretch; but two gaps may touch
 * at a sighting between them, which has a status and lasts for no time. */
struct report_stretch {
    int64_t from, to; /* seconds UTC, inside the window; a sighting's are the same */
    char *status;     /* as received; NULL: no data; owned by the service */
    bool known;       /* the status map has this status */
    int priority;     /* of the status map; of no data: -1 */
    enum report_impact impact;
    int64_t scans;      /* good scans that saw it, of a gap those that did not list the service; each scan of the
                           window, up to now, is one of one stretch */
    bool before, after; /* it began before the window; it goes on after it (or, where the window is not over, still
                           lasts) */
    int64_t began_at;   /* when it began, as far as the facts go back; without `before` this is `from` */
};

/* A day of the history: the worst that was seen, and for how long anything was. */
struct report_day {
    int64_t from, to;
    enum report_impact worst; /* REPORT_NO_DATA: nothing was seen */
    int64_t observed_s;       /* 0, where there were but sightings */
};

struct report_post {
    int64_t at;    /* 0: not told */
    char *content; /* as received, HTML */
    bool html;
};

struct report_issue {
    char *id, *title, *service;    /* the display name */
    char *classification, *status; /* as received; NULL: not told */
    char *impact_description;      /* text; NULL */
    int64_t start, end;            /* 0: not told */
    bool resolved;
    struct report_post last_post; /* content NULL: none */
};

struct report_announcement {
    char *id, *title, *category, *severity;
    char **services;
    bool major;
    int64_t action_by;     /* 0: no date */
    int64_t last_modified; /* 0: not told */
    char *body;            /* as received, HTML or text; NULL */
    bool html;
};

struct report_service {
    char *id, *name;      /* "Exchange", "Exchange Online" */
    GArray *stretches;    /* struct report_stretch: cover the whole window without holes or overlaps; what lies
                             after `now` is no data */
    GArray *days;         /* struct report_day of the history */
    char *overall_status; /* the worst one seen, as received; NULL: no data */
    int overall_priority; /* -1: no data */
    enum report_impact overall;
    int64_t operational_s, observed_s, window_s; /* window_s: up to now, where the window is not over */
    GPtrArray *issues; /* struct report_issue *, owned; active in the window, the latest first */
};

struct report_gap {
    int64_t from, to;
};

typedef struct report_figures {
    char *customer, *tenant_id;
    const struct report_window *window, *history; /* borrowed */
    int64_t now;
    GPtrArray *services;              /* struct report_service *, owned; the worst first, of equals
                                                      the one that was so for longest, those without data last; then by name */
    GPtrArray *announcements;         /* struct report_announcement *, owned; by action date, then the latest first */
    GPtrArray *other_issues;          /* struct report_issue * of services that the window does not show; owned */
    GArray *gaps;                     /* struct report_gap: time of the window, up to now, without good scans */
    int64_t scans_good, scans_failed; /* in the window */
    int64_t observed_s, window_s;     /* time covered by scans, of all there was up to now */
    int64_t max_gap_s;                /* for how long a scan vouches, at most */
    char *last_scan_error;            /* of the window's last failed scan; NULL */
} ReportFigures;

/* Everything of `facts` is copied. `services`: the names or ids that the customer follows, NULL-ended; NULL: all that
 * the facts know. A name that no fact bears is a service without data. Returned: report_figures_free. */
struct report_figures *report_figures_new(const struct store_report *facts, const char *customer, const char *tenant_id,
                                          const struct report_window *window, const struct report_window *history,
                                          const char *const *services, const struct config_status_map *map,
                                          int64_t max_gap_s, int64_t now);
void report_figures_free(struct report_figures *figures);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ReportFigures, report_figures_free)

/* Operational time of the time that was observed, in hundredths of a percent, rounded down, so that 10000 says that
 * nothing else was seen; -1: nothing was observed. */
int report_availability(int64_t operational_s, int64_t observed_s);

/* "99.31 %", "100 %", "no data". Returned: g_free. */
char *report_availability_words(int availability);

#endif
