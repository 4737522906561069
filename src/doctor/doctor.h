/* doctor - how an installation stands: what is wrong with it by asking everyone it depends on (doctor), and how
 * complete and fresh its records are by looking into the database (standing). Judges; prints nothing. */
#ifndef M365KEEP_DOCTOR_H
#define M365KEEP_DOCTOR_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "config/config.h"
#include "store/store.h"

/* --- doctor: findings ------------------------------------------------------------------------------------------------
 */

enum doctor_severity {
    DOCTOR_OK,   /* in order */
    DOCTOR_NOTE, /* worth knowing; nothing to mend */
    DOCTOR_WARN, /* works now; will not for ever, or less than it could */
    DOCTOR_FAIL  /* does not work */
};

/* What one check found. Strings are owned. */
struct doctor_finding {
    enum doctor_severity severity;
    const char
        *check;     /* what was looked at, static: "configuration", "database", "disk", "sign-in", "permissions" ... */
    char *customer; /* NULL: concerns all */
    const char *source; /* static; NULL: concerns none in particular */
    char *message;      /* what was found: one sentence, one line, no secret */
    char *mend;         /* what to do, one sentence; NULL with DOCTOR_OK and DOCTOR_NOTE */
    char *code;         /* the service's error code; NULL: none */
    char *request_id;   /* of the service's answer; NULL: none */
};

/* Told of each finding as it comes. */
typedef void (*doctor_found)(const struct doctor_finding *finding, void *user);

struct doctor_options {
    const struct config *config; /* NULL: it could not be read, which `config_error` says */
    const char *config_error;    /* NULL: none. With a config: the customers' part of it cannot be used */
    const char *database;        /* looked at when there is no config; NULL: none is known */
    const struct clock *clock;
    const char *customer; /* NULL: every one */
    int signal_fd;        /* readable, and left so: ends early; -1: none */
    doctor_found found;
    void *user;
};

/* Looks at everything, what depends on something that failed left out: configuration, database, disk, network, each
 * customer, clock, MongoDB, mail; findings come in that order, though all is asked side by side. Changes nothing, sends
 * no mail, and waits for nobody longer than a minute. Returns the worst severity found; *interrupted tells whether the
 * signal ended it: then not all was looked at. */
enum doctor_severity doctor_run(const struct doctor_options *options, bool *interrupted);

/* The permissions of all sources as a table in Markdown: what docs/permissions.md is made of. Appends. */
void doctor_append_permissions(GString *out);

/* --- standing: how complete and fresh the records are ----------------------------------------------------------------
 */

enum standing_state {
    STANDING_FRESH,
    STANDING_STALE,       /* no success for too long, or nobody asks any more: see stale_after_s */
    STANDING_NEVER,       /* no run has ended yet */
    STANDING_UNAVAILABLE, /* the tenant or cloud does not have this */
    STANDING_KEPT         /* not configured any more: its records are kept */
};

/* One source of one customer. */
struct standing_source {
    enum standing_state state;
    const char *customer, *tenant_id, *source; /* borrowed */
    const struct store_status_source *facts;   /* borrowed from the status; NULL: the database knows nothing of it */
    int64_t stale_after_s;                     /* seconds without success after which it is stale */
    bool lapsed;                               /* unavailable, though it could be read once */
    bool finding;                              /* what --strict minds: stale, never collected, lapsed, or with holes */
};

typedef struct standing {
    GPtrArray *sources; /* struct standing_source *, owned; by customer as configured, customers that are kept last */
    int64_t pruned_at;  /* when prune was last done; 0: never */
    int64_t prune_after_s; /* seconds without it after which it is overdue, where there is something to delete */
    bool prune_overdue;    /* retention is configured, and does not take place */
    bool over_size;        /* by more than a tenth: what is collected between two times that prune runs is no matter */
    bool rewrite_due;      /* a customer was forgotten, and the file has still to be written anew */
    unsigned findings;     /* sources, and these three */
} Standing;

/* Whether the hole makes its source a finding. A gap between scans that has ended does for a day, so that somebody sees
 * it: nothing mends it. */
bool standing_minds_hole(const struct store_hole *hole, int64_t now);

/* Judges. `config` may have no customers: then only what the database knows is told, and nothing counts as kept. Of
 * customers without tenant_id, those of a file that is read without its secrets, the records are found by their name.
 * All pointers borrowed for the standing's life. Returned: standing_free. */
struct standing *standing_new(const struct config *config, const struct store_status *status, int64_t now);
void standing_free(struct standing *standing);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Standing, standing_free)

#endif
