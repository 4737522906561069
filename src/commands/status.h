/* status - what m365keep status shows, for people and for programs. */
#ifndef M365KEEP_COMMANDS_STATUS_H
#define M365KEEP_COMMANDS_STATUS_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"
#include "doctor/doctor.h"
#include "store/store.h"

/* What is shown; all borrowed. */
struct status_view {
    const struct config *config;
    const struct store_status *facts;
    const struct standing *standing;
    GPtrArray *sources; /* const struct standing_source *: those asked for, a customer's together */
    unsigned findings;  /* how many of them are findings */
    int64_t now, since; /* seconds UTC */
};

/* Whether the hole is to be told. Nobody scans for a customer that is not configured any more: that there is no scan up
 * to now says nothing. */
bool status_tells_hole(const struct status_view *view, const struct standing_source *source,
                       const struct store_hole *hole);

/* How many holes of the source are to be told. */
unsigned status_count_holes(const struct status_view *view, const struct standing_source *source);

/* How many findings there are of the sources and of the database. */
unsigned status_count_findings(const struct status_view *view);

/* "fresh", "stale", "never", "unavailable", "kept". */
const char *status_state_name(enum standing_state state);

/* "ok", "partial", "failed", "unavailable": how a run ended. */
const char *status_outcome_name(enum store_outcome outcome);

/* On standard output: a table of the sources, then a line on the database. */
void status_print_table(const struct status_view *view);

/* And then a line, with what to do, for each finding, and unless `findings_only` for whatever else should be known.
 * True when there was any. */
bool status_print_remarks(const struct status_view *view, bool findings_only);

/* All of it as one JSON value. Appends. */
void status_append_json(GString *out, const struct status_view *view);

#endif
