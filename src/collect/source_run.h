/* source_run - one part of one source of one customer being read, from its begin to its line in the log. What is asked
 * for, and in which order, is the business of its kind: window_run (records with a time), account_run (users) or
 * health_run (service health). */
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
    struct store *store; /* the collecting thread's: coverage, cursors, rounds, notes */
    struct writer *writer;
    struct json_tree *tree; /* scratch for one record */
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

struct source_run;

/* What the kinds do each in their own way. */
struct source_run_kind {
    /* Plans from what the store says was read, and requests the first page (or leaves it at SOURCE_RUN_WRITING). */
    void (*begin)(struct source_run *run);
    /* A whole page is in `body`: hands it to the writer and goes on, or ends. `request_id` is that of the page. */
    void (*page_read)(struct source_run *run, const char *request_id);
    /* A request failed: tries otherwise, or ends. */
    void (*page_failed)(struct source_run *run, const struct client_failure *failure);
    /* A page was committed. */
    void (*committed)(struct source_run *run, const struct store_page *page);
    /* Nothing is under way any more: what is left to be noted and said before the outcome is judged. */
    void (*finish)(struct source_run *run);
    /* What it is doing now, for people: "reading 2026-11-20T00:00:00Z". Returned: g_free. */
    char *(*doing)(const struct source_run *run);
    void (*free)(struct source_run *run);
};

/* The first member of each kind's own struct. */
struct source_run {
    const struct source_run_kind *kind;
    const struct source_run_context *context;
    const struct source *source;
    const struct source_part *part;
    struct client_app *app;
    const char *customer_name, *tenant_id, *base_url; /* borrowed from the configuration */
    char **services;                                  /* likewise; NULL: all */
    int64_t customer_id;
    struct collect_source *result; /* borrowed from the report */
    enum source_run_state state;
    bool told; /* its failure is the customer's, and was told as such */
    /* Of the next request. */
    char *link;
    enum client_family family;
    const char *permission;
    const char *const *headers; /* NULL-ended; NULL: none */
    struct client_chain *chain; /* of the window or round that is being read */
    struct json_page *body;
    unsigned pages_pending;  /* in the writer */
    unsigned completed;      /* windows or rounds read to their end, and committed */
    char *unreadable_reason; /* of the first record that could not be read */
};

/* --- for the loop ----------------------------------------------------------------------------------------------------
 */

/* All pointers borrowed for the run's life. Returned: source_run_free. */
struct source_run *source_run_new(const struct source_run_context *context, const struct source *source,
                                  const struct source_part *part, struct client_app *app,
                                  const struct config_customer *customer, int64_t customer_id,
                                  struct collect_source *result);
void source_run_free(struct source_run *run);

/* Starts: the customer's token is there. */
void source_run_begin(struct source_run *run);

/* Requests the page that was held back, if there is one and room now; true: it did. */
bool source_run_resume(struct source_run *run);

/* Takes back a page that was committed. */
void source_run_committed(struct source_run *run, const struct store_page *page);

/* Ends the run with a failure (copied), whatever it was doing. */
void source_run_fail(struct source_run *run, const struct client_failure *failure);

/* Once nothing is under way: judges the outcome and logs its line. */
void source_run_finish(struct source_run *run);

/* Logs a failure; source and part may be NULL: it is the whole customer's. */
void source_run_log_failure(const char *customer, const char *source, const char *part, enum collect_status status,
                            const struct client_failure *failure, const char *inserted);

/* The source's name, with that of the part: "sign-ins nonInteractiveUser". Returned: g_free. */
char *source_run_name(const char *source, const char *part);

/* --- for the kinds ---------------------------------------------------------------------------------------------------
 */

/* The service's time rules what is read and when it counts as read: a wrong clock here must neither settle what may
 * still come late nor take for lost what is there. */
int64_t source_run_now(const struct source_run *run);

/* The moment before which retention keeps nothing of the source; INT64_MIN: it keeps all. False when the database does
 * not tell: the run has ended then. */
bool source_run_keep_from(struct source_run *run, int64_t *keep_from);

/* Logs a warning (taken), which is in the report too. */
void source_run_warn(struct source_run *run, char *text);

/* Remembers a failure that the run survives. The first one is told at the end. */
void source_run_note_failure(struct source_run *run, const struct client_failure *failure);

/* Ends the run because of the database. */
void source_run_fail_database(struct source_run *run, const GError *error);

/* Whether a stored link leads where links of the service may lead. It does not when the configuration names another
 * host since. */
bool source_run_may_go_on_at(const struct source_run *run, const char *link);

/* A chain of its own for what is read from now on. */
void source_run_new_chain(struct source_run *run);

/* The next link of the page in `body`: NULL when it has none. One that must not be followed is *failure, with the
 * page's request id; client_failure_free. Borrowed from `body`. */
const char *source_run_next_link(struct source_run *run, const char *request_id, struct client_failure **failure);

/* Requests the page at `link`, now or as soon as the writer has room. */
void source_run_request(struct source_run *run);

/* True when `body` is the beginning of a page that broke off: the records in it are whole. */
bool source_run_body_broke_off(const struct source_run *run);

/* A page with what all pages have; the body is moved into it. Returned; source_run_push takes it. */
struct writer_page *source_run_page(struct source_run *run);

/* Keeps a record of the page that could not be read. */
void source_run_unreadable(struct source_run *run, struct writer_page *page, struct json_slice slice,
                           const GError *error, const char *request_id);

/* Hands a page to the writer (taken). */
void source_run_push(struct source_run *run, struct writer_page *page);

#endif
