/* report - what a customer's services were like in a window: figures, charts, a mail, and its way out. */
#ifndef M365KEEP_REPORT_H
#define M365KEEP_REPORT_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "config/config.h"
#include "store/store.h"

#define REPORT_ERROR (report_error_quark())
GQuark report_error_quark(void);
enum report_error_code {
    REPORT_ERROR_USAGE,    /* dates or a zone that make no window; a configuration that sends no mail */
    REPORT_ERROR_TEMPLATE, /* a template of the user; the message names file and line */
    REPORT_ERROR_FILE,     /* a file that cannot be read or written */
    REPORT_ERROR_FAILED,   /* anything else */
};

struct report_options {
    const struct config *config;
    const struct clock *clock;
    const char *customer;     /* NULL or "all": every one */
    const char *first, *last; /* --from and --to, YYYY-MM-DD; NULL: by the configuration */
    const char *output;       /* folder for .eml, .html and .png; NULL: none */
    bool send;                /* false: --no-send */
    bool resend;              /* send again what was sent, or may have been */
    int64_t wait_s;           /* go on trying what the server puts off, for so long at most; 0: one attempt */
    int signal_fd;            /* a signalfd of SIGINT and SIGTERM, or -1 */
    bool progress;            /* show progress on stderr's terminal */
    bool json;                /* keep the figures for report_run_append_json */
};

enum report_status {
    REPORT_DONE,     /* written, and sent where that was asked for (now or earlier) */
    REPORT_PART,     /* written; the mail waits, some recipients were refused, or nobody knows whether it was sent */
    REPORT_NOT_DONE, /* nothing came of it */
};

/* What became of one customer's report. */
struct report_customer {
    char *name, *tenant_id;     /* tenant_id NULL: not known here */
    char *timezone, *from, *to; /* the window, ISO 8601 in its zone; from and to NULL: there is none */
    enum report_status status;
    char *json;       /* the figures, members of a JSON object; NULL: it did not come to them, or nobody wants them */
    char *summary;    /* one line for people: window, services, the worst, the mail */
    GPtrArray *notes; /* char *, lines for people: who was refused, what waits and until when */
    GPtrArray *files; /* char *: written ones */
    struct store_mail *mail; /* NULL: none */
    bool files_only;         /* no mail was wanted */
    bool sent_before;        /* the window had been mailed; nothing was sent now */
    GPtrArray *warnings;     /* char * */
    char *error, *hint;      /* NULL: none */
};

typedef struct report_run {
    int64_t started, finished;
    GPtrArray *customers; /* struct report_customer *, in the order of the configuration */
    GPtrArray *delivered; /* struct store_mail *: mails of earlier windows that were due, as they stand now */
    int signal;           /* that ended the run early; 0: none */
} ReportRun;

/* Reports on each customer: one that fails does not keep from the others. NULL with *error when nothing could be tried
 * (the database, no such customer). Returned: report_run_free. */
struct report_run *report_run(const struct report_options *options, GError **error);
void report_run_free(struct report_run *run);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ReportRun, report_run_free)

/* 0 all done, 3 in part, 1 nothing. A mail of an earlier window that still did not get through makes it 3, too. */
int report_exit_status(const struct report_run *run);

/* The run as one JSON value. Appends to `out`. */
void report_run_append_json(GString *out, const struct report_run *run);

/* For each figure of each customer, what it is and the SQL that made it, ready for the sqlite3 shell, in `out`. Reads,
 * and writes nothing. False with *error. */
bool report_explain(const struct report_options *options, GString *out, GError **error);

#endif
