/* account_run - a source run of accounts: a listing of all there are, then rounds of what changed since, and once a day
 * their signInActivity, which has a budget and a licence of its own. In four files: account_run.c (rounds: how they
 * begin, and what helps when they fail), account_pages.c (their pages), account_select.c (properties that the service
 * does not give), account_activity.c.
 *
 * Where a round stands is in one row of the store, and is written with each page: whatever ends a run, the next one
 * goes on at the page that comes after the last one committed. */
#ifndef M365KEEP_COLLECT_ACCOUNT_RUN_H
#define M365KEEP_COLLECT_ACCOUNT_RUN_H

#include "collect/source_run.h"

enum account_phase {
    ACCOUNT_RETRY,   /* asking once more for what the service did not give before */
    ACCOUNT_PROBE,   /* finding out which property it is that the service refuses */
    ACCOUNT_MARK,    /* before a listing: the link that leads to what changes from now on */
    ACCOUNT_LISTING, /* every account there is */
    ACCOUNT_CHANGES, /* what changed since the last round */
    ACCOUNT_ACTIVITY
};

struct account_run {
    struct source_run base;
    bool begun;
    enum account_phase phase;
    char *select;                /* the properties to ask for: users_select, or what the service leaves of it */
    char *suspect;               /* a property that is left out on suspicion; not yet told */
    struct account_probe *probe; /* NULL: none is under way */
    struct store_round round;    /* where the round stands once all pages handed over are committed */
    bool first;                  /* the next page is a listing's first */
    bool listed_again;           /* because of a state or a link that was lost: done once a run */
    bool restarted;              /* this round was begun anew because of a broken link */
    unsigned activity_pages;     /* in this run */
};

struct source_run *account_run_new(void);

static inline struct account_run *account_run_of(struct source_run *run)
{
    return (struct account_run *)run;
}

/* --- account_run.c ---------------------------------------------------------------------------------------------------
 */

/* Replaces *link by a copy of `value`, which may be NULL. */
void account_set_link(char **link, const char *value);

/* Begins a listing, with the mark that comes before it. */
void account_begin_listing(struct account_run *run);

/* The mark is there: on to the listing's first page. */
void account_begin_pages(struct account_run *run, const char *delta_link);

/* Requests the page at the round's link. */
void account_request(struct account_run *run);

/* True when the page that was asked for is at a URL of our own, and no link of the service's. */
bool account_is_our_own(const struct account_run *run);

/* Begins the round again, lists again, does without a property, or ends the run: whatever helps against such a failure.
 */
void account_failed(struct account_run *run, const struct client_failure *failure);

/* Ends the run: a page says something that cannot be. The texts are copied. */
void account_fail(struct account_run *run, const char *code, const char *message, const char *request_id,
                  const char *hint);

/* --- account_select.c ------------------------------------------------------------------------------------------------
 */

/* Lists again without a property because of this refusal, or begins to look for it. False when no property can be the
 * reason. */
bool account_do_without(struct account_run *run, const struct client_failure *failure);

/* Tells of a property that was left out on suspicion: without it the service answers. */
void account_say_suspect(struct account_run *run);

/* What to note as the query of a round: the properties wanted, and which of them are left out. Returned: g_free. */
char *account_query(const struct account_run *run);

/* Takes the properties that a noted query left out out of `select`. False when other properties are wanted now than
 * then. */
bool account_take_query(struct account_run *run, const char *query);

/* True when something is left out of what is wanted. */
bool account_lacks_some(const struct account_run *run);

/* Begins to ask whether the service gives all that is wanted. */
void account_retry(struct account_run *run);

/* What a probe was answered. */
void account_probe_read(struct account_run *run);
void account_probe_failed(struct account_run *run, const struct client_failure *failure);
void account_probe_free(struct account_probe *probe);

/* --- account_pages.c -------------------------------------------------------------------------------------------------
 */

/* The page in `body` as accounts, counted in the round; account_hand_over takes it, with the round as it stands by
 * then. `part` is whose round it is. */
struct writer_page *account_take_page(struct account_run *run, const char *request_id);
void account_hand_over(struct account_run *run, struct writer_page *page, const char *part);

/* Keeps the records of a body that broke off; the round stays where it is. */
void account_salvage(struct account_run *run, const char *request_id);

/* A page of the phase was read. */
void account_mark_read(struct account_run *run, const char *request_id);
void account_listing_read(struct account_run *run, const char *request_id);
void account_changes_read(struct account_run *run, const char *request_id);

/* --- account_activity.c ----------------------------------------------------------------------------------------------
 */

/* Goes on with signInActivity, if it is due; else the run has nothing more to request. */
void account_begin_activity(struct account_run *run);
void account_activity_read(struct account_run *run, const char *request_id);
void account_activity_failed(struct account_run *run, const struct client_failure *failure);

#endif
