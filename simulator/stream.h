/* stream.h - the generated records of one tenant's source: which exist, when each can be seen, and their bytes.
 *
 * Record number i happens inside slot [base + i*slot, base + (i+1)*slot), so times never fall with i and a time window
 * is a range of numbers. Nothing is stored: everything about a record follows from (seed, tenant, source, i) and the
 * moment. */
#ifndef SIM_STREAM_H
#define SIM_STREAM_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "company.h"

/* What records follow each other in. Sign-ins of each class are a source of their own here; to clients they are one. */
enum source {
    SOURCE_SIGN_INS, /* the interactive ones */
    SOURCE_DIRECTORY_AUDITS,
    SOURCE_NON_INTERACTIVE,
    SOURCE_SERVICE_PRINCIPAL,
    SOURCE_MANAGED_IDENTITY,
    SOURCE_INTUNE_AUDITS,
    SOURCE_COUNT
};

/* "sign-ins" (also for its classes), "directory-audits" and "intune-audits". */
extern const char *const source_names[SOURCE_COUNT];

/* A sign-in's class as signInEventTypes writes it; NULL for what is no sign-in. */
extern const char *const source_classes[SOURCE_COUNT];

/* False when name is no source's name. */
bool source_by_name(const char *name, enum source *source);

struct stream {
    enum source source;
    const struct company *company; /* borrowed */
    uint64_t key;
    int64_t first, base, slot; /* slot 0: no generated records */
    double late_percent, changed_percent;
};

struct plan {
    int64_t index;
    int64_t time;       /* ticks, as written in the record */
    int64_t visible_at; /* the moment from which it is served */
    int64_t changed_at; /* the moment from which its second body is served; INT64_MAX: never */
    uint64_t key;
    int digits; /* fraction digits of the written time */
};

/* Prepares a stream of count records spread over days before start. anchored: record 0 is the first one after start;
 * otherwise the slots lie on a grid that does not depend on start, so that a restart at another moment has the same
 * records. */
void stream_init(struct stream *s, enum source source, const struct company *company, uint64_t seed, int64_t count,
                 double days, int64_t start, bool anchored);

/* The numbers of all records that can have a time in [from, to]; some of them may lie outside. */
void stream_range(const struct stream *s, int64_t from, int64_t to, int64_t *lo, int64_t *hi);

void stream_plan(const struct stream *s, int64_t index, struct plan *plan);

/* Appends the record's JSON as it is at the moment now. beta: with the members that only that version has. */
void stream_append(const struct stream *s, const struct plan *plan, int64_t now, bool beta, GString *out);

#endif
