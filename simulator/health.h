/* health.h - the service announcements of a tenant: what is said of each service, issues and messages, as they are at
 * any moment, and what tests changed in them by hand.
 *
 * An issue goes through phases; the overview of its service shows them while they last, and the last one for some hours
 * more. Nothing of that is stored: it follows from seed, tenant, options and the moment. */
#ifndef SIM_HEALTH_H
#define SIM_HEALTH_H

#include "health_text.h"

enum health_kind { HEALTH_OVERVIEWS, HEALTH_ISSUES, HEALTH_MESSAGES, HEALTH_KINDS };

/* "overview", "issue", "message". */
extern const char *const health_kind_names[HEALTH_KINDS];

struct health_habits {
    int64_t services, issues, messages; /* issues and messages: in the days before the start */
    double days, retention_days;        /* what ended earlier is not listed; 0: for ever */
};

struct health;

/* start and anchored as in stream_init(). Returned: health_free(). */
struct health *health_new(const char *tenant, uint64_t seed, const struct health_habits *habits, int64_t start,
                          bool anchored);
void health_free(struct health *health);

const GPtrArray *health_services(const struct health *health);

struct hand;

/* A record that is listed at a moment. */
struct health_entry {
    int64_t start, order;    /* lists go from the greatest to the least */
    int64_t index;           /* of a generated one */
    const struct hand *hand; /* made or changed by hand; NULL: not */
};

/* All of them, in the order of the list: overviews as services are numbered, the others newest first. Returned: an
 * array of struct health_entry. */
GArray *health_list(const struct health *health, enum health_kind kind, int64_t now);

/* Appends the record's bytes. */
void health_append(const struct health *health, enum health_kind kind, const struct health_entry *entry,
                   const struct telling *how, GString *out);

/* The record's id; what made it by hand called it so, unless it says itself. Returned: g_free(). */
char *health_id(const struct health *health, enum health_kind kind, const struct health_entry *entry, int64_t now);

/* The issues of a service that are listed, in the order of the list. Returned: an array of struct health_entry. */
GArray *health_issues_of(const struct health *health, guint service, int64_t now);

enum hand_deed {
    HAND_RECORD,  /* these bytes are served */
    HAND_REMOVED, /* nothing is */
    HAND_RESTORED /* what would be without hands */
};

/* Changes the record of that id, or makes one, from the moment now on. bytes: of HAND_RECORD; shared. */
void health_edit(struct health *health, enum health_kind kind, const char *id, int64_t now, enum hand_deed deed,
                 GBytes *bytes);

/* A time in which a service had one status. */
struct health_interval {
    int64_t from, to; /* ticks, [from, to) */
    char *status;     /* in camel case; NULL: it had no overview, or one without a status */
};

/* The statuses of the service of that id in [from, to), without a gap. Returned: an array of struct health_interval. */
GArray *health_timeline(const struct health *health, const char *service, int64_t from, int64_t to);

/* The ids of all services, those made by hand included. Returned: g_ptr_array_unref(). */
GPtrArray *health_service_ids(const struct health *health);

#endif
