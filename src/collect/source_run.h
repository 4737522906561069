/* source_run - one source of one customer on its way through the plan: window after window, page after page. */
#ifndef M365KEEP_COLLECT_SOURCE_RUN_H
#define M365KEEP_COLLECT_SOURCE_RUN_H

#include "client/client.h"
#include "collect/collect.h"
#include "collect/writer.h"
#include "sources/sources.h"

/* What the source runs of one collect share. */
struct source_run_context {
    const struct collect_options *options;
    struct client *client;
    struct store *store; /* the collecting thread's: coverage, cursors, notes */
    struct writer *writer;
};

/* What to do after the database failed: a sentence. */
extern const char source_run_database_hint[];

enum source_run_state {
    SOURCE_RUN_IDLE,    /* not begun: its customer has no token yet */
    SOURCE_RUN_READING, /* a request is under way */
    SOURCE_RUN_HELD,    /* the next page waits for room in the writer's queue */
    SOURCE_RUN_WRITING, /* nothing more to request; pages wait to be committed */
    SOURCE_RUN_DONE,
};

struct source_run {
    const struct source_run_context *context;
    const struct source *source;
    struct client_app *app;
    const char *customer_name, *tenant_id, *base_url; /* borrowed from the configuration */
    int64_t customer_id;
    struct collect_source *result; /* borrowed from the report */
    enum source_run_state state;
    unsigned pages_pending; /* in the writer */
    /* The plan. */
    GArray *stretches; /* struct plan_stretch; those before `next` are done */
    guint next;
    int64_t window_s;
    struct store_window left_open; /* given up and not yet told */
    int64_t covered_to;            /* earlier runs read up to here; 0: there was none */
    double density;                /* records a second in what they read last */
    struct store_window lost;      /* the service shows nothing for it any more; not yet told */
    char *unreadable_reason;       /* of the first record that could not be read */
    unsigned failed_in_a_row, done_windows;
    /* The window that is being read. */
    struct store_window window;
    char *link; /* the page to request next */
    int64_t window_records, window_pages;
    bool restarted; /* this window was begun anew because of a broken link */
    struct client_chain *chain;
    struct json_page *body;
    struct json_tree *tree;
};

/* All pointers borrowed for the run's life. */
struct source_run *source_run_new(const struct source_run_context *context, const struct source *source,
                                  struct client_app *app, const struct config_customer *customer, int64_t customer_id,
                                  struct collect_source *result);
void source_run_free(struct source_run *run);

/* Plans from what the store says was read, and starts: the customer's token is there. */
void source_run_begin(struct source_run *run);

/* Requests the page that was held back, if there is room now. */
void source_run_resume(struct source_run *run);

/* Takes back a page that was committed. */
void source_run_committed(struct source_run *run, const struct store_page *page);

/* Ends the run with a failure (copied), whatever it was doing. */
void source_run_fail(struct source_run *run, const struct client_failure *failure);

/* Once nothing is under way: settles coverage, notes the outcome in the database and logs its line. */
void source_run_finish(struct source_run *run);

#endif
