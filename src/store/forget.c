/* Deletes all there is of a customer.
 *
 * Table by table, what hangs on rows before the rows, in transactions of a few milliseconds, and the customer's own row
 * last: a run that is broken off leaves a sound database, and the next one finds what is left by that row. The same
 * transaction notes that the file is to be written anew (shrink.h), since deleting alone leaves traces; by that note a
 * run that is broken off later is gone on with. */
#include "store/events.h"
#include "store/shrink.h"

enum { UNITS_FIRST = 32, UNITS_LEAST = 8, UNITS_MOST = 2000 };

/* One row of `customer`. */
struct subject {
    int64_t customer_id;
    char *name, *tenant_id;
};

struct forgetting {
    struct store *store;
    const struct store_forget_options *options;
    struct store_forgotten *result;
    struct pace pace;
    const struct subject *subject;
    int64_t units;
    int64_t done, of; /* rows */
};

static void subject_free(gpointer data)
{
    struct subject *subject = data;
    g_free(subject->name);
    g_free(subject->tenant_id);
    g_free(subject);
}

/* The customer's rows: one for each tenant that bore the name. NULL with *error. */
static GPtrArray *find_subjects(struct store *store, const char *customer, GError **error)
{
    g_autoptr(GPtrArray) subjects = g_ptr_array_new_with_free_func(subject_free);
    struct statement *find = statement_get(store, STATEMENT_FORGET_CUSTOMERS, error);
    if (!find)
        return NULL;
    bind_text(find, 1, customer);
    enum step step;
    while ((step = statement_step(find, error)) == STEP_ROW) {
        struct subject *subject = g_new(struct subject, 1);
        *subject = (struct subject){column_int(find, 0), g_strdup(column_text(find, 1, NULL)),
                                    g_strdup(column_text(find, 2, NULL))};
        g_ptr_array_add(subjects, subject);
    }
    return step == STEP_DONE ? g_steal_pointer(&subjects) : NULL;
}

/* --- looking ---------------------------------------------------------------------------------------------------------
 */

static bool look_at(struct store *store, const struct subject *subject, struct store_forgotten *there, GError **error)
{
    struct statement *look = statement_get(store, STATEMENT_FORGET_LOOK, error);
    if (!look)
        return false;
    bind_int(look, 1, subject->customer_id);
    bind_text(look, 2, subject->tenant_id);
    if (statement_step(look, error) != STEP_ROW)
        return false;
    there->tenants++;
    there->records += column_int(look, 0);
    there->others += column_int(look, 1);
    there->waiting += column_int(look, 2);
    return statement_end(look, error);
}

bool store_forget_look(struct store *store, const char *customer, struct store_forgotten *there, GError **error)
{
    *there = (struct store_forgotten){0};
    g_autoptr(GPtrArray) subjects = find_subjects(store, customer, error);
    if (!subjects || !shrink_scrub_due(store, &there->unfinished, error))
        return false;
    for (guint i = 0; i < subjects->len; i++)
        if (!look_at(store, subjects->pdata[i], there, error))
            return false;
    return true;
}

/* --- a transaction ---------------------------------------------------------------------------------------------------
 */

/* Deletes some rows of the customer, `units` at most; *n is how many. */
typedef bool (*forget_work)(struct forgetting *forgetting, const void *what, int64_t units, int64_t *n, GError **error);

static bool run_chunk(struct forgetting *forgetting, forget_work work, const void *what, int64_t *n, GError **error)
{
    if (!pace_begin(&forgetting->pace, forgetting->store, error))
        return false;
    if (!work(forgetting, what, forgetting->units, n, error)) {
        store_rollback(forgetting->store);
        return false;
    }
    if (!pace_commit(&forgetting->pace, forgetting->store, error))
        return false;
    forgetting->done += *n;
    return pace_rest(&forgetting->pace, forgetting->store, "deleting what is there of the customer", forgetting->done,
                     MAX(forgetting->of, forgetting->done), error);
}

/* Until `work` finds no more. */
static bool run_all(struct forgetting *forgetting, forget_work work, const void *what, int64_t *count, GError **error)
{
    int64_t n = 1;
    for (forgetting->units = UNITS_FIRST; n > 0;
         forgetting->units = pace_units(&forgetting->pace, forgetting->units, UNITS_LEAST, UNITS_MOST)) {
        if (!run_chunk(forgetting, work, what, &n, error))
            return false;
        *count += n;
    }
    return true;
}

/* The counts of `collections` go with the rows, so that they agree whenever the run ends. */
static bool uncount(struct forgetting *forgetting, const char *source, int64_t n, GError **error)
{
    struct statement *take = statement_get(forgetting->store, STATEMENT_FORGET_COUNT, error);
    if (!take)
        return false;
    bind_int(take, 1, forgetting->subject->customer_id);
    bind_text(take, 2, source);
    bind_int(take, 3, n);
    return statement_run(take, error);
}

/* --- events ----------------------------------------------------------------------------------------------------------
 */

struct event {
    int64_t id;
    char *source, *dedupe_key;
};

static void event_clear(gpointer data)
{
    struct event *event = data;
    g_free(event->source);
    g_free(event->dedupe_key);
}

/* The next events of the customer. No index leads to them: that walks over all events, so it is done outside of the
 * transactions. Nobody collects meanwhile, so they stay what they are. NULL with *error. */
static GArray *read_events(const struct forgetting *forgetting, int64_t after, GError **error)
{
    enum { EVENTS_AT_ONCE = 20000 };
    g_autoptr(GArray) events = g_array_new(FALSE, FALSE, sizeof(struct event));
    g_array_set_clear_func(events, event_clear);
    struct statement *walk = statement_get(forgetting->store, STATEMENT_FORGET_EVENTS, error);
    if (!walk)
        return NULL;
    bind_int(walk, 1, forgetting->subject->customer_id);
    bind_int(walk, 2, after);
    bind_int(walk, 3, EVENTS_AT_ONCE);
    enum step step;
    while ((step = statement_step(walk, error)) == STEP_ROW) {
        struct event event = {column_int(walk, 0), g_strdup(column_text(walk, 1, NULL)),
                              g_strdup(column_text(walk, 2, NULL))};
        g_array_append_val(events, event);
    }
    return step == STEP_DONE ? g_steal_pointer(&events) : NULL;
}

static bool delete_by_id(struct store *store, enum statement_id statement, int64_t id, GError **error)
{
    struct statement *removal = statement_get(store, statement, error);
    if (!removal)
        return false;
    bind_int(removal, 1, id);
    return statement_run(removal, error);
}

/* A key that does not follow from the event's fields goes with its event all the same. */
static bool delete_key(const struct forgetting *forgetting, const struct event *event, GError **error)
{
    struct store *store = forgetting->store;
    const char *parts[] = {forgetting->subject->tenant_id, event->source, event->dedupe_key};
    uint8_t key[HASH_KEY_BYTES];
    hash_key(parts, G_N_ELEMENTS(parts), key);
    struct statement *removal = statement_get(store, STATEMENT_FORGET_KEY, error);
    if (!removal)
        return false;
    bind_blob(removal, 1, key, sizeof key);
    bind_int(removal, 2, event->id);
    if (!statement_run(removal, error))
        return false;
    return sqlite3_changes(store->db) > 0 || delete_by_id(store, STATEMENT_FORGET_KEYS_OF, event->id, error);
}

static bool bury_event(struct forgetting *forgetting, const struct event *event, int64_t seq, GError **error)
{
    struct statement *bury = statement_get(forgetting->store, STATEMENT_FORGET_EVENT_TOMBSTONE, error);
    if (!bury)
        return false;
    bind_int(bury, 1, seq);
    bind_text(bury, 2, forgetting->subject->tenant_id);
    bind_text(bury, 3, event->source);
    bind_text(bury, 4, event->dedupe_key);
    return statement_run(bury, error);
}

static bool delete_event(struct forgetting *forgetting, const struct event *event, int64_t *seq, GError **error)
{
    struct store *store = forgetting->store;
    int64_t versions = sqlite3_total_changes64(store->db);
    if (!delete_by_id(store, STATEMENT_FORGET_EVENT_VERSIONS, event->id, error))
        return false;
    forgetting->result->others += sqlite3_total_changes64(store->db) - versions;
    return delete_by_id(store, STATEMENT_FORGET_EVENT, event->id, error) && delete_key(forgetting, event, error) &&
           uncount(forgetting, event->source, 1, error) &&
           (!forgetting->options->mirror_deletes || bury_event(forgetting, event, ++*seq, error));
}

/* Where in an array of events the next transaction begins. */
struct span {
    GArray *events;
    guint at;
};

/* The full text last of all, for the reasons that write.c tells. */
static bool delete_events(struct forgetting *forgetting, const void *what, int64_t units, int64_t *n, GError **error)
{
    const struct span *span = what;
    const struct event *events = &g_array_index(span->events, struct event, span->at);
    int64_t seq;
    *n = MIN(units, (int64_t)(span->events->len - span->at));
    if (!events_seq_read(forgetting->store, &seq, error))
        return false;
    for (int64_t i = 0; i < *n; i++)
        if (!delete_event(forgetting, &events[i], &seq, error))
            return false;
    for (int64_t i = 0; i < *n; i++)
        if (!delete_by_id(forgetting->store, STATEMENT_FTS_DELETE, events[i].id, error))
            return false;
    return events_seq_write(forgetting->store, seq, error);
}

static bool forget_events(struct forgetting *forgetting, GError **error)
{
    for (int64_t after = INT64_MIN;;) {
        g_autoptr(GArray) events = read_events(forgetting, after, error);
        if (!events)
            return false;
        if (events->len == 0)
            return true;
        after = g_array_index(events, struct event, events->len - 1).id;
        struct span span = {events, 0};
        forgetting->units = UNITS_FIRST;
        while (span.at < events->len) {
            int64_t n;
            if (!run_chunk(forgetting, delete_events, &span, &n, error))
                return false;
            span.at += (guint)n;
            forgetting->result->records += n;
            forgetting->units = pace_units(&forgetting->pace, forgetting->units, UNITS_LEAST, UNITS_MOST);
        }
    }
}

/* --- all other tables ------------------------------------------------------------------------------------------------
 */

enum { HANGING_MOST = 2 };

#define NONE STATEMENT_BEGIN /* 0: nothing is deleted by it */

/* A table with rows of the customer. Its statements all concern the same next rows: ?1 is the customer, ?2 how many. */
struct table {
    enum statement_id remove;
    enum statement_id bury;                  /* writes tombstones; NONE: it is not mirrored */
    enum statement_id hanging[HANGING_MOST]; /* delete what hangs on the rows; NONE */
    bool counts_hanging;                     /* the first of these are rows that count */
    const char *source;                      /* whose records these are; NULL: they are none */
};

/* What refers to others before what it refers to. */
static const struct table tables[] = {
    {.remove = STATEMENT_FORGET_LISTING},
    {.remove = STATEMENT_FORGET_USER_CHANGES, .bury = STATEMENT_FORGET_USER_CHANGE_TOMBSTONES},
    {.remove = STATEMENT_FORGET_USERS,
     .bury = STATEMENT_FORGET_USER_TOMBSTONES,
     .hanging = {STATEMENT_FORGET_USER_TEXTS},
     .source = "users"},
    {.remove = STATEMENT_FORGET_STATES, .bury = STATEMENT_FORGET_STATE_TOMBSTONES},
    {.remove = STATEMENT_FORGET_SCANS},
    {.remove = STATEMENT_FORGET_OVERVIEWS, .hanging = {STATEMENT_FORGET_OVERVIEW_VERSIONS}, .counts_hanging = true},
    {.remove = STATEMENT_FORGET_ISSUES,
     .bury = STATEMENT_FORGET_ISSUE_TOMBSTONES,
     .hanging = {STATEMENT_FORGET_ISSUE_VERSIONS, STATEMENT_FORGET_ISSUE_TEXTS},
     .counts_hanging = true,
     .source = "health"},
    {.remove = STATEMENT_FORGET_MESSAGES,
     .bury = STATEMENT_FORGET_MESSAGE_TOMBSTONES,
     .hanging = {STATEMENT_FORGET_MESSAGE_VERSIONS, STATEMENT_FORGET_MESSAGE_TEXTS},
     .counts_hanging = true,
     .source = "health"},
    {.remove = STATEMENT_FORGET_MAILS, .hanging = {STATEMENT_FORGET_RECIPIENTS}, .counts_hanging = true},
    {.remove = STATEMENT_FORGET_BLOBS},
    {.remove = STATEMENT_FORGET_UNREADABLE},
};

static bool run_on_some(struct forgetting *forgetting, enum statement_id id, int64_t units, int64_t *n, GError **error)
{
    struct statement *statement = statement_get(forgetting->store, id, error);
    if (!statement)
        return false;
    bind_int(statement, 1, forgetting->subject->customer_id);
    bind_int(statement, 2, units);
    if (!statement_run(statement, error))
        return false;
    *n = sqlite3_changes64(forgetting->store->db);
    return true;
}

static bool bury(struct forgetting *forgetting, enum statement_id id, int64_t units, GError **error)
{
    int64_t seq;
    if (id == NONE || !forgetting->options->mirror_deletes)
        return true;
    struct statement *statement = statement_get(forgetting->store, id, error);
    if (!statement || !events_seq_read(forgetting->store, &seq, error))
        return false;
    bind_int(statement, 1, forgetting->subject->customer_id);
    bind_int(statement, 2, units);
    bind_int(statement, 3, seq);
    bind_text(statement, 4, forgetting->subject->tenant_id);
    return statement_run(statement, error) &&
           events_seq_write(forgetting->store, seq + sqlite3_changes64(forgetting->store->db), error);
}

static bool delete_rows(struct forgetting *forgetting, const void *what, int64_t units, int64_t *n, GError **error)
{
    const struct table *table = what;
    if (!bury(forgetting, table->bury, units, error))
        return false;
    for (size_t i = 0; i < HANGING_MOST && table->hanging[i] != NONE; i++) {
        int64_t hanging;
        if (!run_on_some(forgetting, table->hanging[i], units, &hanging, error))
            return false;
        if (table->counts_hanging && i == 0)
            forgetting->result->others += hanging;
    }
    return run_on_some(forgetting, table->remove, units, n, error) &&
           (!table->source || uncount(forgetting, table->source, *n, error));
}

static bool forget_table(struct forgetting *forgetting, const struct table *table, GError **error)
{
    struct store_forgotten *result = forgetting->result;
    return run_all(forgetting, delete_rows, table, table->source ? &result->records : &result->others, error);
}

/* --- the customer's own row, and the few that are left ---------------------------------------------------------------
 */

/* What ?1 is, and ?2. */
enum known_by { BY_ID, BY_TENANT, BY_TENANT_AND_NAME, BY_NOTHING };

/* What is of the customer, or names it elsewhere. */
static const struct {
    enum statement_id remove;
    enum known_by by;
    bool unless_mirrored; /* stays where the mirror has still to read it */
    bool counts;
} remains[] = {
    {.remove = STATEMENT_FORGET_COVERAGE, .counts = true},
    {.remove = STATEMENT_FORGET_CURSORS, .counts = true},
    {.remove = STATEMENT_FORGET_ROUNDS, .counts = true},
    {.remove = STATEMENT_FORGET_LINES, .counts = true},
    {.remove = STATEMENT_FORGET_COLLECTIONS, .counts = true},
    {.remove = STATEMENT_FORGET_REJECTS, .by = BY_TENANT, .counts = true},
    {.remove = STATEMENT_FORGET_TOMBSTONES, .by = BY_TENANT, .unless_mirrored = true},
    {.remove = STATEMENT_FORGET_MIRROR_WORDS, .by = BY_NOTHING},
    {.remove = STATEMENT_FORGET_TASK_WORDS, .by = BY_TENANT_AND_NAME},
    {.remove = STATEMENT_FORGET_CUSTOMER},
};

static bool delete_remain(struct forgetting *forgetting, enum statement_id remove, enum known_by by, GError **error)
{
    struct statement *removal = statement_get(forgetting->store, remove, error);
    if (!removal)
        return false;
    if (by == BY_ID)
        bind_int(removal, 1, forgetting->subject->customer_id);
    else if (by != BY_NOTHING)
        bind_text(removal, 1, forgetting->subject->tenant_id);
    if (by == BY_TENANT_AND_NAME)
        bind_text(removal, 2, forgetting->subject->name);
    return statement_run(removal, error);
}

static bool delete_remains(struct forgetting *forgetting, const void *what, int64_t units, int64_t *n, GError **error)
{
    (void)what;
    (void)units;
    *n = 0;
    for (size_t i = 0; i < G_N_ELEMENTS(remains); i++) {
        if (remains[i].unless_mirrored && forgetting->options->mirror_deletes)
            continue;
        if (!delete_remain(forgetting, remains[i].remove, remains[i].by, error))
            return false;
        if (remains[i].counts)
            *n += sqlite3_changes64(forgetting->store->db);
    }
    return shrink_scrub_begin(forgetting->store, forgetting->options->now, error);
}

static bool forget_subject(struct forgetting *forgetting, const struct subject *subject, GError **error)
{
    int64_t others;
    forgetting->subject = subject;
    if (!forget_events(forgetting, error))
        return false;
    for (size_t i = 0; i < G_N_ELEMENTS(tables); i++)
        if (!forget_table(forgetting, &tables[i], error))
            return false;
    if (!run_chunk(forgetting, delete_remains, NULL, &others, error))
        return false;
    forgetting->result->others += others;
    forgetting->result->tenants++;
    return true;
}

/* --- the whole -------------------------------------------------------------------------------------------------------
 */

/* With each row deleted SQLite looks for others that refer to it, through whole tables where no index leads to them:
 * with the customer's, through all events, under the write lock. The order above leaves none behind. */
static bool forget_rows(struct forgetting *forgetting, GPtrArray *subjects, GError **error)
{
    struct store *store = forgetting->store;
    bool done = store_execute(store, "PRAGMA foreign_keys = OFF; PRAGMA secure_delete = ON", "pragmas", error);
    for (guint i = 0; done && i < subjects->len; i++)
        done = forget_subject(forgetting, subjects->pdata[i], error);
    return store_execute(store, "PRAGMA foreign_keys = ON", "pragmas", done ? error : NULL) && done;
}

static bool count_waiting(struct store *store, const GPtrArray *subjects, int64_t *waiting, GError **error)
{
    *waiting = 0;
    for (guint i = 0; i < subjects->len; i++) {
        const struct subject *subject = subjects->pdata[i];
        int64_t n;
        struct statement *count = statement_get(store, STATEMENT_FORGET_WAITING, error);
        if (!count)
            return false;
        bind_text(count, 1, subject->tenant_id);
        if (!statement_int(count, 0, &n, error))
            return false;
        *waiting += n;
    }
    return true;
}

bool store_forget(struct store *store, const char *customer, const struct store_forget_options *options,
                  struct store_forgotten *result, GError **error)
{
    struct store_forgotten there;
    struct forgetting forgetting = {
        .store = store, .options = options, .result = result, .pace = {.watch = options->watch, .alone = true}};
    bool due;

    *result = (struct store_forgotten){0};
    g_autoptr(GPtrArray) subjects = find_subjects(store, customer, error);
    if (!subjects || !store_forget_look(store, customer, &there, error))
        return false;
    forgetting.of = there.records + there.others;
    if (!forget_rows(&forgetting, subjects, error) || !count_waiting(store, subjects, &result->waiting, error) ||
        !shrink_scrub_due(store, &due, error))
        return false;
    return !due || (shrink_texts(store, &forgetting.pace, error) &&
                    shrink_scrub(store, &forgetting.pace, options->now, &result->log_held, error));
}
