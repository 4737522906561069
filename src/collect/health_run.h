/* health_run - a source run of service health, which is one scan: the overviews of the services, then their issues,
 * then the messages of the message center. Each listing is read whole every time, since it is a list that changes while
 * its pages are counted off; nothing is remembered from scan to scan but what the records say. In two files:
 * health_run.c (listings, one after the other, and what becomes of the scan), health_pages.c (their pages).
 *
 * The scan itself is committed with the last page of the overviews; whether issues and messages come after it or not is
 * nothing to it. */
#ifndef M365KEEP_COLLECT_HEALTH_RUN_H
#define M365KEEP_COLLECT_HEALTH_RUN_H

#include "collect/source_run.h"

enum { HEALTH_LISTINGS = 3 };

struct health_run {
    struct source_run base;
    bool begun;
    int64_t begun_at;            /* seconds UTC, the service's time */
    int64_t keep_from;           /* retention keeps nothing of earlier time */
    enum store_health_kind kind; /* the listing that is being read */
    bool restarted;              /* it was begun anew because of a broken link */
    GHashTable *services;        /* id -> struct health_overview *, of the overviews so far */
    unsigned listings_read;      /* to their end */
    bool scanned;                /* the scan was committed */
    char *scan_error;            /* why the overviews could not be read; NULL: they could, or were not tried */
};

struct source_run *health_run_new(void);

static inline struct health_run *health_run_of(struct source_run *run)
{
    return (struct health_run *)run;
}

/* --- health_run.c ----------------------------------------------------------------------------------------------------
 */

/* What a listing is called in words to people: "messages"; static. */
const char *health_listing_name(enum store_health_kind kind);

/* The listing was read to its end, and its last page handed over: on to the next. */
void health_listing_read(struct health_run *run);

/* Begins the listing again, leaves it, or ends the run: whatever helps against such a failure. */
void health_failed(struct health_run *run, const struct client_failure *failure);

/* --- health_pages.c --------------------------------------------------------------------------------------------------
 */

/* Kinds' functions: see struct source_run_kind. */
void health_page_read(struct source_run *run, const char *request_id);
void health_page_committed(struct source_run *run, const struct store_page *page);

/* Keeps the records of a body that broke off. */
void health_salvage(struct health_run *run, const char *request_id);

#endif
