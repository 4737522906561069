/* timeline_text - service health as a text: a line a service, a letter a scan, and the facts that a store would have of
 * it. */
#ifndef TESTS_REPORT_TIMELINE_TEXT_H
#define TESTS_REPORT_TIMELINE_TEXT_H

#include <string.h>

#include "report/figures.h"

/* What a letter says of a moment of a scan:
 *   O operational, V verifying, S restoring, D degraded, d degraded in another spelling, I interrupted, ? no status
 *   that anybody knows; - a good scan that does not list the service; x a failed scan; . no scan at all. */
static inline const char *status_of(char letter)
{
    switch (letter) {
    case 'O':
        return "serviceOperational";
    case 'V':
        return "verifyingService";
    case 'S':
        return "restoringService";
    case 'D':
        return "serviceDegradation";
    case 'd':
        return "ServiceDegradation";
    case 'I':
        return "serviceInterruption";
    case '?':
        return "serviceOnFire";
    default:
        return NULL;
    }
}

static inline void timeline_free_state(void *data)
{
    struct store_report_state *state = data;

    g_free(state->service);
    g_free(state->status);
    g_free(state);
}

static inline void timeline_free_scan(void *data)
{
    struct store_report_scan *scan = data;

    g_free(scan->error);
    g_free(scan);
}

static inline void timeline_free_service(void *data)
{
    struct store_report_service *service = data;

    g_free(service->id);
    g_free(service->name);
    g_free(service->status);
    g_free(service);
}

static inline void timeline_free_record(void *data)
{
    struct store_report_record *record = data;

    g_free(record->id);
    g_free(record->raw);
    g_free(record);
}

static inline struct store_report *facts_new(void)
{
    struct store_report *facts = g_new0(struct store_report, 1);

    facts->known = true;
    facts->services = g_ptr_array_new_with_free_func(timeline_free_service);
    facts->states = g_ptr_array_new_with_free_func(timeline_free_state);
    facts->scans = g_ptr_array_new_with_free_func(timeline_free_scan);
    facts->issues = g_ptr_array_new_with_free_func(timeline_free_record);
    facts->messages = g_ptr_array_new_with_free_func(timeline_free_record);
    return facts;
}

static inline void facts_free(struct store_report *facts)
{
    g_ptr_array_unref(facts->services);
    g_ptr_array_unref(facts->states);
    g_ptr_array_unref(facts->scans);
    g_ptr_array_unref(facts->issues);
    g_ptr_array_unref(facts->messages);
    g_free(facts);
}

typedef struct store_report Facts;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Facts, facts_free)

static inline void facts_add_service(struct store_report *facts, const char *id, const char *name)
{
    struct store_report_service *service = g_new0(struct store_report_service, 1);

    service->id = g_strdup(id);
    service->name = g_strdup(name);
    g_ptr_array_add(facts->services, service);
}

static inline void facts_add_scan(struct store_report *facts, int64_t at, char letter)
{
    struct store_report_scan *scan = g_new0(struct store_report_scan, 1);

    scan->at = at;
    scan->good = letter != 'x';
    scan->error = scan->good ? NULL : g_strdup_printf("no answer at %" G_GINT64_FORMAT, at);
    g_ptr_array_add(facts->scans, scan);
}

/* The runs of one service as the store writes them. `at` are the moments of the letters. */
static inline void facts_add_states(struct store_report *facts, const char *service, const char *letters,
                                    const int64_t *at, int64_t max_gap_s)
{
    struct store_report_state *run = NULL;
    int64_t last_good = INT64_MIN;

    for (size_t i = 0; letters[i] != '\0'; i++) {
        const char *status = status_of(letters[i]);
        if (letters[i] == '.' || letters[i] == 'x')
            continue;
        bool goes_on = run != NULL && status != NULL && run->last_seen == last_good && at[i] - last_good <= max_gap_s &&
                       g_ascii_strcasecmp(run->status, status) == 0;
        last_good = at[i];
        if (goes_on) {
            run->last_seen = at[i];
            run->samples++;
        } else if (status != NULL) {
            run = g_new0(struct store_report_state, 1);
            *run = (struct store_report_state){g_strdup(service), g_strdup(status), at[i], at[i], 1};
            g_ptr_array_add(facts->states, run);
        }
    }
}

/* Leaves what the store hands out for a window and its history: the runs that are in force in [from, to) and the next
 * of each service, the scans of that time, and the good ones next to it. */
static inline void facts_clip(struct store_report *facts, int64_t from, int64_t to)
{
    int64_t before = from, after = to;

    for (guint i = facts->scans->len; i-- > 0;) {
        const struct store_report_scan *scan = g_ptr_array_index(facts->scans, i);
        if (scan->good && scan->at >= to)
            after = scan->at;
        if (scan->good && scan->at < from && before == from)
            before = scan->at;
    }
    for (guint i = facts->scans->len; i-- > 0;) {
        const struct store_report_scan *scan = g_ptr_array_index(facts->scans, i);
        if (scan->at < before || scan->at > after || (!scan->good && (scan->at < from || scan->at >= to)))
            g_ptr_array_remove_index(facts->scans, i);
    }
    for (guint i = facts->states->len; i-- > 0;) {
        const struct store_report_state *state = g_ptr_array_index(facts->states, i);
        const struct store_report_state *previous = i > 0 ? g_ptr_array_index(facts->states, i - 1) : NULL;
        bool next = state->first_seen >= to &&
                    (previous == NULL || strcmp(previous->service, state->service) != 0 || previous->first_seen < to);
        if (!next && (state->first_seen >= to || state->last_seen < before))
            g_ptr_array_remove_index(facts->states, i);
    }
}

#endif
