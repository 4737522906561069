/* health_plan.h - when what happens to issues and messages: the phases of an issue, edits of both. Nothing is stored;
 * everything follows from a key and the record's number. */
#ifndef SIM_HEALTH_PLAN_H
#define SIM_HEALTH_PLAN_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "dice.h"

/* Graph's serviceHealthStatus, and a member that it has not got yet. */
enum health_status {
    STATUS_OPERATIONAL,
    STATUS_INVESTIGATING,
    STATUS_RESTORING,
    STATUS_VERIFYING,
    STATUS_RESTORED,
    STATUS_REVIEWED,
    STATUS_DEGRADATION,
    STATUS_INTERRUPTION,
    STATUS_EXTENDED,
    STATUS_FALSE_POSITIVE,
    STATUS_SUSPENDED,
    STATUS_RESOLVED,
    STATUS_MITIGATED_EXTERNAL,
    STATUS_MITIGATED,
    STATUS_RESOLVED_EXTERNAL,
    STATUS_CONFIRMED,
    STATUS_REPORTED,
    STATUS_NEW,
    STATUS_COUNT
};

/* Its member's name: "serviceOperational". */
const char *health_status_name(enum health_status status);

/* An issue at that status is over. */
bool health_status_final(enum health_status status);

/* The status that the service's overview shows when two issues are open: the greater rank wins. */
int health_status_rank(enum health_status status);

/* Record number i is published inside slot [base + i*slot, base + (i+1)*slot). */
struct cadence {
    uint64_t key;
    int64_t first, base, slot; /* slot 0: there are none */
};

/* count records in the days before start; anchored as in stream.h. */
void cadence_init(struct cadence *c, uint64_t key, int64_t count, double days, int64_t start, bool anchored);

/* The numbers of all records that can have been published in [from, to]; some may lie outside. */
void cadence_range(const struct cadence *c, int64_t from, int64_t to, int64_t *lo, int64_t *hi);

enum { PHASES_MOST = 7, EDITS_MOST = 3, HEALTH_EPOCH = 900001 /* the number in the id of record 0 */ };

struct phase {
    int64_t from;
    int64_t until; /* when the service's overview no longer shows it */
    enum health_status status;
};

struct issue_plan {
    int64_t index, start, published; /* start: as written, some time before it was found */
    uint64_t key;
    uint32_t service;
    bool advisory;
    int phase_count;
    struct phase phases[PHASES_MOST];
    int over; /* the phase at which it was resolved */
    int edit_count;
    int64_t edits[EDITS_MOST]; /* when its text is changed in place */
    int64_t rhythm;            /* of the posts while a phase lasts */
};

/* How long after its publication an issue can change, or be shown by an overview. */
extern const int64_t issue_longest;

void issue_plan(const struct cadence *c, guint services, int64_t index, struct issue_plan *plan);

/* Number of the phase that an issue is in at a moment; -1: not published. */
int issue_phase_at(const struct issue_plan *plan, int64_t now);

struct message_plan {
    int64_t index, published;
    uint64_t key;
    int edit_count;
    int64_t edits[EDITS_MOST];
};

void message_plan(const struct cadence *c, int64_t index, struct message_plan *plan);

/* How many of the edits were made by then. */
int edits_until(const int64_t *edits, int count, int64_t now);

#endif
