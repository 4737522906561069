#include "base/timestamp.h"
#include "store/prune.h"

enum { LOOK_AT = 1000 }; /* events a look, so that no reader stays long at one moment */

/* An event that may go; in the transaction, one that does. */
struct candidate {
    int64_t event_id, customer_id, seq;
    const struct prune_source *source;
    char *dedupe_key;            /* owned; in the transaction only */
    uint8_t key[HASH_KEY_BYTES]; /* likewise */
};

static void candidate_clear(gpointer data)
{
    g_free(((struct candidate *)data)->dedupe_key);
}

static GArray *candidates_new(guint n)
{
    GArray *candidates = g_array_sized_new(FALSE, FALSE, sizeof(struct candidate), n);
    g_array_set_clear_func(candidates, candidate_clear);
    return candidates;
}

/* --- deciding --------------------------------------------------------------------------------------------------------
 */

static bool goes_by_age(const struct candidate *candidate)
{
    return event_id_second(candidate->event_id) < candidate->source->before;
}

/* Counts one that stays for the mirror's sake. False with *error. */
static bool count(struct prune *prune, const struct candidate *candidate, enum prune_count what, GError **error)
{
    struct prune_pair *pair = prune_pair(prune, candidate->customer_id, candidate->source, error);
    if (pair)
        prune_count(pair, what, event_id_second(candidate->event_id));
    return pair != NULL;
}

/* --- deleting --------------------------------------------------------------------------------------------------------
 */

/* Reads an event as it is now; *there is false where it was moved or deleted. */
static bool read_again(struct prune *prune, struct candidate *candidate, bool *there, GError **error)
{
    struct statement *read = statement_get(prune->store, STATEMENT_PRUNE_EVENT_READ, error);
    if (!read)
        return false;
    bind_int(read, 1, candidate->event_id);
    enum step step = statement_step(read, error);
    *there = step == STEP_ROW;
    if (!*there)
        return step == STEP_DONE;
    candidate->customer_id = column_int(read, 0);
    candidate->source = prune_source(prune, column_text(read, 1, NULL));
    candidate->seq = column_int(read, 2);
    candidate->dedupe_key = g_strdup(column_text(read, 3, NULL));
    return statement_end(read, error);
}

static bool delete_by_id(struct prune *prune, enum statement_id id, int64_t event_id, GError **error)
{
    struct statement *removal = statement_get(prune->store, id, error);
    if (!removal)
        return false;
    bind_int(removal, 1, event_id);
    return statement_run(removal, error);
}

static bool delete_event(struct prune *prune, struct candidate *event, GError **error)
{
    const struct prune_customer *customer = prune_customer(prune, event->customer_id, error);
    if (!customer)
        return false;
    const char *parts[] = {customer->tenant_id, event->source->name, event->dedupe_key};
    hash_key(parts, G_N_ELEMENTS(parts), event->key);
    return delete_by_id(prune, STATEMENT_PRUNE_EVENT_VERSIONS_DELETE, event->event_id, error) &&
           delete_by_id(prune, STATEMENT_PRUNE_EVENT_DELETE, event->event_id, error) &&
           prune_forget_document(prune, event->customer_id, "events", event->source->name, event->dedupe_key, error) &&
           count(prune, event, PRUNE_RECORD, error);
}

static int by_key(gconstpointer a, gconstpointer b)
{
    const struct candidate *x = *(const struct candidate *const *)a, *y = *(const struct candidate *const *)b;
    return memcmp(x->key, y->key, HASH_KEY_BYTES);
}

/* A key that does not follow from the event's fields is damage; it goes with its event all the same. */
static bool delete_key(struct prune *prune, const struct candidate *event, GError **error)
{
    struct statement *removal = statement_get(prune->store, STATEMENT_PRUNE_KEY_DELETE, error);
    if (!removal)
        return false;
    bind_blob(removal, 1, event->key, HASH_KEY_BYTES);
    bind_int(removal, 2, event->event_id);
    if (!statement_run(removal, error))
        return false;
    return sqlite3_changes(prune->store->db) > 0 ||
           delete_by_id(prune, STATEMENT_PRUNE_KEYS_DELETE, event->event_id, error);
}

/* Keys lie where chance has put them: in their order each page is written once. */
static bool delete_keys(struct prune *prune, GArray *events, GError **error)
{
    g_autoptr(GPtrArray) sorted = g_ptr_array_new();
    for (guint i = 0; i < events->len; i++)
        g_ptr_array_add(sorted, &g_array_index(events, struct candidate, i));
    g_ptr_array_sort(sorted, by_key);
    for (guint i = 0; i < sorted->len; i++)
        if (!delete_key(prune, sorted->pdata[i], error))
            return false;
    return true;
}

static bool delete_each_text(struct prune *prune, const GArray *events, GError **error)
{
    for (guint i = 0; i < events->len; i++)
        if (!delete_by_id(prune, STATEMENT_FTS_DELETE, g_array_index(events, struct candidate, i).event_id, error))
            return false;
    prune->texts += events->len;
    return true;
}

/* FTS5's settings of how many segments it merges, when it writes one. */
enum { AUTOMERGE, CRISISMERGE, MERGES };
static const char *const merges[MERGES] = {[AUTOMERGE] = "automerge", [CRISISMERGE] = "crisismerge"};

static bool read_merges(struct prune *prune, int64_t segments[MERGES], GError **error)
{
    for (int i = 0; i < MERGES; i++) {
        struct statement *read = statement_get(prune->store, STATEMENT_PRUNE_TEXT_SETTING, error);
        if (!read)
            return false;
        bind_text(read, 1, merges[i]);
        if (!statement_int(read, 0, &segments[i], error))
            return false;
    }
    return true;
}

static bool set_merges(struct prune *prune, const int64_t segments[MERGES], GError **error)
{
    for (int i = 0; i < MERGES; i++) {
        struct statement *set = statement_get(prune->store, STATEMENT_PRUNE_TEXT_SET, error);
        if (!set)
            return false;
        bind_text(set, 1, merges[i]);
        bind_int(set, 2, segments[i]);
        if (!statement_run(set, error))
            return false;
    }
    return true;
}

static bool run_plain(struct prune *prune, enum statement_id id, GError **error)
{
    struct statement *statement = statement_get(prune->store, id, error);
    return statement && statement_run(statement, error);
}

/* FTS5 writes out what it has gathered when a savepoint is opened (fts5SavepointMethod). */
static bool flush_texts(struct prune *prune, GError **error)
{
    return run_plain(prune, STATEMENT_PRUNE_SAVEPOINT, error) && run_plain(prune, STATEMENT_PRUNE_RELEASE, error);
}

/* The full text last of all, for the reasons that write.c tells. Now and then FTS5 merges megabytes with the few rows
 * that it writes: on a full disk it is kept from that, by settings that the transaction leaves as they were. */
static bool delete_texts(struct prune *prune, const GArray *events, GError **error)
{
    static const int64_t none[MERGES] = {[AUTOMERGE] = 0, [CRISISMERGE] = INT16_MAX};
    int64_t as_they_were[MERGES];
    if (!prune->full)
        return delete_each_text(prune, events, error);
    return read_merges(prune, as_they_were, error) && set_merges(prune, none, error) &&
           delete_each_text(prune, events, error) && flush_texts(prune, error) &&
           set_merges(prune, as_they_were, error);
}

/* How a run judges: by age, or that the oldest go. */
struct job {
    GArray *candidates;
    bool oldest;
};

/* Takes from the candidates what goes as it is now: *events in the order of their ids. */
static bool delete_rows(struct prune *prune, const struct job *job, guint at, guint n, GArray *events, GError **error)
{
    for (guint i = at; i < at + n; i++) {
        struct candidate event = g_array_index(job->candidates, struct candidate, i);
        bool there;
        if (!read_again(prune, &event, &there, error))
            return false;
        if (!there)
            continue;
        bool goes = goes_by_age(&event) != job->oldest, held = goes && event.seq > prune->position;
        bool done = held ? count(prune, &event, PRUNE_HELD, error) : !goes || delete_event(prune, &event, error);
        if (goes && !held)
            g_array_append_val(events, event);
        else
            candidate_clear(&event);
        if (!done)
            return false;
    }
    return true;
}

static bool delete_some(struct prune *prune, void *rows, guint at, guint n, GError **error)
{
    g_autoptr(GArray) events = candidates_new(n);
    return delete_rows(prune, rows, at, n, events, error) && delete_keys(prune, events, error) &&
           delete_texts(prune, events, error);
}

/* --- walking ---------------------------------------------------------------------------------------------------------
 */

/* A look at the next events, [*from, before); *from is where the next one goes on. */
static bool look(struct prune *prune, int64_t *from, int64_t before, GArray *seen, GError **error)
{
    struct statement *rows = statement_get(prune->store, STATEMENT_PRUNE_EVENT_WALK, error);
    enum step step;
    if (!rows)
        return false;
    bind_int(rows, 1, *from);
    bind_int(rows, 2, before);
    bind_int(rows, 3, LOOK_AT);
    while ((step = statement_step(rows, error)) == STEP_ROW) {
        struct candidate candidate = {.event_id = column_int(rows, 0),
                                      .customer_id = column_int(rows, 1),
                                      .source = prune_source(prune, column_text(rows, 2, NULL)),
                                      .seq = column_int(rows, 3)};
        g_array_append_val(seen, candidate);
        *from = candidate.event_id + 1;
    }
    return step == STEP_DONE;
}

/* Takes from what was seen those that go, at most `most`: then *from is behind the last of them. Held ones are counted.
 */
static bool judge(struct prune *prune, struct job *job, const GArray *seen, int64_t most, int64_t *from, GError **error)
{
    if (!prune_read_position(prune, error))
        return false;
    for (guint i = 0; i < seen->len; i++) {
        const struct candidate *candidate = &g_array_index(seen, struct candidate, i);
        if (goes_by_age(candidate) == job->oldest)
            continue;
        if (candidate->seq > prune->position) {
            if (!count(prune, candidate, PRUNE_HELD, error))
                return false;
            continue;
        }
        g_array_append_val(job->candidates, *candidate);
        if (job->candidates->len >= most) {
            *from = candidate->event_id + 1;
            break;
        }
    }
    prune_keep_counts(prune);
    return true;
}

/* Deletes the candidates, or, in a dry run, counts them. */
static bool take(struct prune *prune, struct job *job, struct prune_progress *progress, GError **error)
{
    if (!prune->options->dry_run)
        return prune_delete(prune, delete_some, job, job->candidates->len, progress, error);
    for (guint i = 0; i < job->candidates->len; i++)
        if (!count(prune, &g_array_index(job->candidates, struct candidate, i), PRUNE_RECORD, error))
            return false;
    progress->done += job->candidates->len;
    prune_keep_counts(prune);
    return true;
}

/* One look, and what follows from it. *more: there may be others to look at. */
static bool look_and_take(struct prune *prune, struct job *job, int64_t *from, int64_t before, int64_t most,
                          struct prune_progress *progress, bool *more, GError **error)
{
    g_autoptr(GArray) seen = candidates_new(LOOK_AT), candidates = candidates_new(LOOK_AT);
    job->candidates = candidates;
    if (!look(prune, from, before, seen, error) || !judge(prune, job, seen, most, from, error) ||
        !take(prune, job, progress, error))
        return false;
    *more = seen->len == LOOK_AT;
    if (job->oldest && candidates->len > 0) {
        const struct candidate *last = &g_array_index(candidates, struct candidate, candidates->len - 1);
        prune->size_before = MAX(prune->size_before, event_id_second(last->event_id));
    }
    if (!job->oldest) /* of those that were looked at */
        progress->done += seen->len - candidates->len;
    return prune_goes_on(prune, progress, error);
}

/* --- by age ----------------------------------------------------------------------------------------------------------
 */

/* The latest of the lines; INT64_MIN where all is kept. */
static int64_t last_line(const struct prune *prune)
{
    int64_t last = INT64_MIN;
    for (guint i = 0; i < prune->sources->len; i++)
        last = MAX(last, ((const struct prune_source *)prune->sources->pdata[i])->before);
    return last;
}

static bool count_before(struct prune *prune, int64_t line, int64_t *n, GError **error)
{
    char text[TIMESTAMP_TEXT_BYTES];
    struct statement *events = statement_get(prune->store, STATEMENT_PRUNE_EVENTS_BEFORE, error);
    if (!events)
        return false;
    timestamp_format((struct timestamp){line, 0}, text);
    bind_text(events, 1, text);
    return statement_int(events, 0, n, error);
}

bool prune_events(struct prune *prune, GError **error)
{
    struct job job = {.oldest = false};
    struct prune_progress progress = {.doing = "deleting old events"};
    int64_t line = last_line(prune), from = INT64_MIN;
    bool more = line != INT64_MIN;

    prune->units = PRUNE_UNITS_FIRST;
    if (more && !count_before(prune, line, &progress.of, error))
        return false;
    while (more)
        if (!look_and_take(prune, &job, &from, event_id_first(line), INT64_MAX, &progress, &more, error))
            return false;
    return true;
}

/* --- by size ---------------------------------------------------------------------------------------------------------
 */

int64_t prune_kept_from(const struct prune *prune)
{
    enum { DAY_S = 86400 };
    return prune->options->now - DAY_S;
}

bool prune_oldest_events(struct prune *prune, int64_t most, int64_t *from, GError **error)
{
    int64_t before = event_id_first(prune_kept_from(prune));
    struct job job = {.oldest = true};
    struct prune_progress progress = {.doing = "deleting the oldest events", .of = most};
    bool more = true;

    while (more && progress.done < most)
        if (!look_and_take(prune, &job, from, before, most - progress.done, &progress, &more, error))
            return false;
    return true;
}
