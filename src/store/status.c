#include <string.h>
#include <sys/stat.h>

#include "base/timestamp.h"
#include "store/store_private.h"

enum {
    PART_LEFT_S =
        24 * 60 * 60,    /* a part not read since so long before the source's success is not collected any more */
    LOOK_BACK = 500,     /* events looked at for the size of a source that the sample has nothing of */
    ROWS_OF_STATES = 200 /* accounts, issues, messages looked at for their size */
};

/* A source of the status, and what is needed until it can be told. */
struct reading {
    struct store_status_source *source; /* borrowed */
    int64_t customer_id;
    int64_t live_from; /* events since then came as they happened; G_MAXINT64: nothing has been read to its end */
    int64_t keep_from; /* what is older is deleted, or is to be; G_MININT64: nothing */
    GArray *lateness;  /* int64_t, of the samples */
    int64_t sampled, sampled_bytes;
};

/* A read of the whole. */
struct look {
    struct store *store;
    const struct store_status_options *options;
    struct store_status *status;
    GPtrArray *readings;    /* struct reading *, owned, in the order of status->sources */
    GHashTable *reading_of; /* "customer_id source" -> struct reading *, borrowed */
};

/* --- the status ------------------------------------------------------------------------------------------------------
 */

static void hole_clear(gpointer data)
{
    g_free(((struct store_hole *)data)->part);
}

static void source_free(gpointer data)
{
    struct store_status_source *source = data;
    g_free(source->customer);
    g_free(source->tenant_id);
    g_free(source->source);
    g_free(source->newest);
    g_free(source->last_error);
    g_array_unref(source->holes);
    g_free(source);
}

static void task_free(gpointer data)
{
    struct store_status_task *task = data;
    g_free(task->task);
    g_free(task->outcome);
    g_free(task);
}

static struct store_status *status_new(void)
{
    struct store_status *status = g_new0(struct store_status, 1);
    status->sources = g_ptr_array_new_with_free_func(source_free);
    status->tasks = g_ptr_array_new_with_free_func(task_free);
    return status;
}

void store_status_free(struct store_status *status)
{
    if (!status)
        return;
    g_ptr_array_unref(status->sources);
    g_ptr_array_unref(status->tasks);
    g_free(status);
}

static void reading_free(gpointer data)
{
    struct reading *reading = data;
    g_array_unref(reading->lateness);
    g_free(reading);
}

/* --- sources ---------------------------------------------------------------------------------------------------------
 */

/* Rows of an older program have no status. */
static enum store_outcome outcome_of(const char *status, const char *last_error)
{
    static const char *const names[] = {[STORE_OUTCOME_OK] = "ok",
                                        [STORE_OUTCOME_PARTIAL] = "partial",
                                        [STORE_OUTCOME_FAILED] = "failed",
                                        [STORE_OUTCOME_UNAVAILABLE] = "skipped"};
    for (size_t i = 0; status && i < G_N_ELEMENTS(names); i++)
        if (strcmp(names[i], status) == 0)
            return (enum store_outcome)i;
    return last_error ? STORE_OUTCOME_FAILED : STORE_OUTCOME_OK;
}

static char *reading_key(int64_t customer_id, const char *source)
{
    return g_strdup_printf("%" G_GINT64_FORMAT " %s", customer_id, source ? source : "");
}

static void add_source(struct look *look, struct statement *row)
{
    struct store_status_source *source = g_new0(struct store_status_source, 1);
    struct reading *reading = g_new0(struct reading, 1);

    reading->source = source;
    reading->customer_id = column_int(row, 0);
    reading->live_from = G_MAXINT64;
    reading->lateness = g_array_new(FALSE, FALSE, sizeof(int64_t));
    source->customer = g_strdup(column_text(row, 1, NULL));
    source->tenant_id = g_strdup(column_text(row, 2, NULL));
    source->source = g_strdup(column_text(row, 3, NULL));
    source->records = column_int(row, 4);
    source->newest = g_strdup(column_text(row, 5, NULL));
    source->last_run_at = column_int(row, 6);
    source->last_success_at = column_int(row, 7);
    source->last_error_at = column_int(row, 8);
    source->last_error = g_strdup(column_text(row, 10, NULL));
    source->outcome = outcome_of(column_text(row, 9, NULL), source->last_error);
    source->holes = g_array_new(FALSE, FALSE, sizeof(struct store_hole));
    g_array_set_clear_func(source->holes, hole_clear);
    g_ptr_array_add(look->status->sources, source);
    g_ptr_array_add(look->readings, reading);
    g_hash_table_insert(look->reading_of, reading_key(reading->customer_id, source->source), reading);
}

static bool read_sources(struct look *look, GError **error)
{
    struct statement *rows = statement_get(look->store, STATEMENT_STATUS_SOURCES, error);
    enum step step = STEP_FAILED;
    while (rows && (step = statement_step(rows, error)) == STEP_ROW)
        add_source(look, rows);
    return step == STEP_DONE;
}

/* A statement about one customer and source. */
static struct statement *source_statement(const struct look *look, enum statement_id id, const struct reading *reading,
                                          GError **error)
{
    struct statement *statement = statement_get(look->store, id, error);
    if (!statement)
        return NULL;
    bind_int(statement, 1, reading->customer_id);
    bind_text(statement, 2, reading->source->source);
    return statement;
}

static bool read_unreadable(const struct look *look, const struct reading *reading, GError **error)
{
    struct statement *count = source_statement(look, STATEMENT_STATUS_UNREADABLE, reading, error);
    return count && statement_int(count, 0, &reading->source->unreadable, error);
}

/* --- retention -------------------------------------------------------------------------------------------------------
 */

static int64_t keep_from(const struct look *look, const char *source)
{
    for (size_t i = 0; i < look->options->n_keep; i++)
        if (g_strcmp0(look->options->keep[i].source, source) == 0)
            return look->options->keep[i].before;
    return G_MININT64;
}

static bool read_retention(const struct look *look, struct reading *reading, GError **error)
{
    struct store_status_source *source = reading->source;
    struct statement *line = source_statement(look, STATEMENT_STATUS_RETENTION, reading, error);
    enum step step = line ? statement_step(line, error) : STEP_FAILED;

    reading->keep_from = keep_from(look, source->source);
    if (step != STEP_ROW)
        return step == STEP_DONE;
    source->kept_from = column_int(line, 0);
    source->pruned_at = column_int(line, 1);
    source->pruned_records = column_int(line, 2);
    reading->keep_from = MAX(reading->keep_from, source->kept_from);
    return statement_end(line, error);
}

/* Of time that is not kept nothing is missing. */
static void cut_holes(const struct reading *reading)
{
    GArray *holes = reading->source->holes;

    for (guint i = holes->len; i-- > 0;) {
        struct store_hole *hole = &g_array_index(holes, struct store_hole, i);
        if (hole->to <= reading->keep_from)
            g_array_remove_index(holes, i);
        else
            hole->from = MAX(hole->from, reading->keep_from);
    }
}

/* --- holes of events -------------------------------------------------------------------------------------------------
 */

/* What the spans of one part tell. */
struct part {
    guint first_hole;      /* of the source's */
    int64_t end;           /* of the last span */
    int64_t read_from;     /* of the first that was read; where read_to is not 0 */
    int64_t read_to;       /* time is read up to here; 0: nothing is */
    int64_t first_read_at; /* when what was read first (and not read again) was read to its end */
    int64_t last_read_at;
};

static struct store_hole *hole_at(GArray *holes, guint i)
{
    return &g_array_index(holes, struct store_hole, i);
}

/* Appends a hole; one that goes on where the last of the part ends is the same. */
static void add_hole(GArray *holes, guint first, enum store_hole_kind kind, const char *part, int64_t from, int64_t to)
{
    struct store_hole *last = holes->len > first ? hole_at(holes, holes->len - 1) : NULL;
    if (last && last->kind == kind && last->to == from) {
        last->to = to;
        return;
    }
    struct store_hole hole = {.kind = kind, .part = g_strdup(part), .from = from, .to = to};
    g_array_append_val(holes, hole);
}

static void add_span(struct store_status_source *source, struct part *part, const char *name, struct statement *row)
{
    int64_t from = column_int(row, 1), to = column_int(row, 2), read_at = column_int(row, 4);
    const char *state = column_text(row, 3, NULL);

    if (part->end != 0 && from > part->end)
        add_hole(source->holes, part->first_hole, STORE_HOLE_UNREAD, name, part->end, from);
    part->end = to;
    if (g_strcmp0(state, "lost") == 0) {
        add_hole(source->holes, part->first_hole, STORE_HOLE_LOST, name, from, to);
    } else if (g_strcmp0(state, "open") == 0) {
        add_hole(source->holes, part->first_hole, STORE_HOLE_OPEN, name, from, to);
    } else {
        part->read_from = part->read_to != 0 ? part->read_from : from;
        part->first_read_at = part->read_to != 0 ? MIN(part->first_read_at, read_at) : read_at;
        part->last_read_at = MAX(part->last_read_at, read_at);
        part->read_to = to;
    }
}

/* Behind what was read last there is no hole yet, but time to come, or that a run is at work on: how old the last
 * success is tells of it. Holes that ended long ago are of no more interest. */
static void end_part(struct store_status_source *source, struct part *part, int64_t since, GArray *parts)
{
    for (guint i = source->holes->len; i-- > part->first_hole;) {
        const struct store_hole *hole = hole_at(source->holes, i);
        if (hole->to <= since || (hole->kind != STORE_HOLE_LOST && hole->from >= part->read_to))
            g_array_remove_index(source->holes, i);
    }
    if (part->read_to != 0)
        g_array_append_val(parts, *part);
    *part = (struct part){.first_hole = source->holes->len};
}

static gint by_time(gconstpointer a, gconstpointer b)
{
    const struct store_hole *one = a, *other = b;
    if (one->from != other->from)
        return one->from < other->from ? -1 : 1;
    return g_strcmp0(one->part, other->part); /* NULL: it was lost, which the statement tells */
}

/* All parts are read up to the least of theirs; one that was taken out of the configuration does not count. Events are
 * told of as they happen once every part has been read. */
static void judge_parts(struct reading *reading, const GArray *parts)
{
    struct store_status_source *source = reading->source;
    int64_t least = 0, most = 0, live_from = 0, from = G_MAXINT64;

    for (guint i = 0; i < parts->len; i++) {
        const struct part *part = &g_array_index(parts, struct part, i);
        live_from = MAX(live_from, part->first_read_at);
        most = MAX(most, part->read_to);
        from = MIN(from, part->read_from);
        if (part->last_read_at >= source->last_success_at - PART_LEFT_S)
            least = least != 0 ? MIN(least, part->read_to) : part->read_to;
    }
    source->covered_to = least != 0 ? least : most;
    source->held_from = parts->len > 0 ? MAX(from, source->kept_from) : 0;
    reading->live_from = parts->len > 0 ? live_from : G_MAXINT64;
}

static bool read_coverage(const struct look *look, struct reading *reading, GError **error)
{
    struct store_status_source *source = reading->source;
    struct statement *rows = source_statement(look, STATEMENT_STATUS_COVERAGE, reading, error);
    g_autoptr(GArray) parts = g_array_new(FALSE, FALSE, sizeof(struct part));
    g_autofree char *name = NULL;
    struct part part = {0};
    enum step step = STEP_FAILED;

    while (rows && (step = statement_step(rows, error)) == STEP_ROW) {
        const char *of = column_text(rows, 0, NULL);
        if (name && g_strcmp0(name, of) != 0)
            end_part(source, &part, look->options->since, parts);
        if (g_strcmp0(name, of) != 0) {
            g_free(name);
            name = g_strdup(of);
        }
        add_span(source, &part, name, rows);
    }
    end_part(source, &part, look->options->since, parts);
    g_array_sort(source->holes, by_time);
    judge_parts(reading, parts);
    return step == STEP_DONE;
}

/* --- holes of service health -----------------------------------------------------------------------------------------
 */

/* The time from `*last`, which then is `at`, when it was too long. */
static void scanned(const struct look *look, GArray *holes, int64_t *last, int64_t at)
{
    if (*last != 0 && at - *last > look->options->max_gap_s && at > look->options->since)
        add_hole(holes, holes->len, STORE_HOLE_SCANS, "", *last, at);
    *last = at;
}

/* With the first scan, good or not, we began to look. */
static bool read_scans(const struct look *look, const struct reading *reading, GError **error)
{
    struct statement *rows = statement_get(look->store, STATEMENT_STATUS_SCANS, error);
    int64_t last = 0;
    enum step step = STEP_FAILED;

    if (!rows)
        return false;
    bind_int(rows, 1, reading->customer_id);
    bind_int(rows, 2, look->options->since);
    while ((step = statement_step(rows, error)) == STEP_ROW)
        if (last == 0 || column_int(rows, 1) != 0)
            scanned(look, reading->source->holes, &last, column_int(rows, 0));
    scanned(look, reading->source->holes, &last, look->options->now);
    return step == STEP_DONE;
}

static bool read_first_scan(const struct look *look, const struct reading *reading, GError **error)
{
    struct store_status_source *source = reading->source;
    struct statement *first = statement_get(look->store, STATEMENT_STATUS_FIRST_SCAN, error);
    int64_t at;

    if (!first)
        return false;
    bind_int(first, 1, reading->customer_id);
    if (!statement_int(first, 0, &at, error))
        return false;
    source->held_from = at != 0 ? MAX(at, source->kept_from) : 0;
    return true;
}

/* --- samples: lateness and size --------------------------------------------------------------------------------------
 */

static void take_sample(const struct look *look, struct reading *reading, const struct statement *row)
{
    int64_t happened = event_id_second(column_int(row, 0)), stored = column_int(row, 1);
    bool time_missing = column_int(row, 2) != 0;

    reading->sampled++;
    reading->sampled_bytes += column_int(row, 3);
    if (time_missing || happened < look->options->since || happened < reading->live_from)
        return;
    int64_t lateness = MAX(stored - happened, 0); /* clocks are not the same */
    g_array_append_val(reading->lateness, lateness);
}

/* The newest events of all; those from the future would hide the present ones. */
static bool sample_newest(const struct look *look, GError **error)
{
    struct statement *rows = statement_get(look->store, STATEMENT_STATUS_EVENTS, error);
    enum step step = STEP_FAILED;

    if (!rows)
        return false;
    bind_int(rows, 1, event_id_first(look->options->since));
    bind_int(rows, 2, event_id_first(look->options->now + 1));
    bind_int(rows, 3, MAX(look->options->samples, 0));
    while ((step = statement_step(rows, error)) == STEP_ROW) {
        g_autofree char *key = reading_key(column_int(rows, 4), column_text(rows, 5, NULL));
        struct reading *reading = g_hash_table_lookup(look->reading_of, key);
        if (reading)
            take_sample(look, reading, rows);
    }
    return step == STEP_DONE;
}

/* A source that the newest events of all show nothing of: some around its own newest. */
static bool sample_source(const struct look *look, struct reading *reading, GError **error)
{
    const char *newest = reading->source->newest;
    struct statement *rows = source_statement(look, STATEMENT_STATUS_EVENTS_OF_SOURCE, reading, error);
    struct timestamp time = {look->options->now, 0};
    enum step step = STEP_FAILED;

    if (!rows)
        return false;
    if (newest)
        timestamp_parse(newest, strlen(newest), &time);
    bind_int(rows, 3, event_id_first(time.seconds + 1));
    bind_int(rows, 4, LOOK_BACK);
    while ((step = statement_step(rows, error)) == STEP_ROW)
        take_sample(look, reading, rows);
    return step == STEP_DONE;
}

static bool sample_states(const struct look *look, enum statement_id id, struct reading *reading, GError **error)
{
    struct statement *sums = statement_get(look->store, id, error);
    if (!sums)
        return false;
    bind_int(sums, 1, reading->customer_id);
    bind_int(sums, 2, ROWS_OF_STATES);
    enum step step = statement_step(sums, error);
    if (step != STEP_ROW)
        return step == STEP_DONE;
    reading->sampled = column_int(sums, 0);
    reading->sampled_bytes = column_int(sums, 1);
    return statement_end(sums, error);
}

static bool sample_rest(const struct look *look, struct reading *reading, GError **error)
{
    if (strcmp(reading->source->source, "users") == 0)
        return sample_states(look, STATEMENT_STATUS_USER_BYTES, reading, error);
    if (strcmp(reading->source->source, "health") == 0)
        return sample_states(look, STATEMENT_STATUS_HEALTH_BYTES, reading, error);
    return reading->sampled > 0 || reading->source->records == 0 || sample_source(look, reading, error);
}

static gint by_value(gconstpointer a, gconstpointer b)
{
    int64_t one = *(const int64_t *)a, other = *(const int64_t *)b;
    return (one > other) - (one < other);
}

/* The least value that `percent` of all are not above: the nearest rank. */
static int64_t percentile(const GArray *sorted, int64_t percent)
{
    int64_t rank = (sorted->len * percent + 99) / 100;
    return g_array_index(sorted, int64_t, rank - 1);
}

static void judge_samples(const struct reading *reading)
{
    struct store_status_source *source = reading->source;
    GArray *lateness = reading->lateness;

    if (reading->sampled > 0)
        source->raw_bytes =
            (int64_t)((double)source->records * (double)reading->sampled_bytes / (double)reading->sampled);
    source->lateness_samples = lateness->len;
    if (lateness->len == 0)
        return;
    g_array_sort(lateness, by_value);
    source->lateness_p50_s = percentile(lateness, 50);
    source->lateness_p95_s = percentile(lateness, 95);
    source->lateness_p99_s = percentile(lateness, 99);
}

/* --- the whole -------------------------------------------------------------------------------------------------------
 */

static bool read_each(const struct look *look, GError **error)
{
    for (guint i = 0; i < look->readings->len; i++) {
        struct reading *reading = g_ptr_array_index(look->readings, i);
        if (!read_unreadable(look, reading, error) || !read_retention(look, reading, error) ||
            !read_coverage(look, reading, error))
            return false;
        if (strcmp(reading->source->source, "health") == 0 &&
            (!read_scans(look, reading, error) || !read_first_scan(look, reading, error)))
            return false;
        cut_holes(reading);
    }
    return true;
}

static bool read_samples(const struct look *look, GError **error)
{
    if (!sample_newest(look, error))
        return false;
    for (guint i = 0; i < look->readings->len; i++) {
        struct reading *reading = g_ptr_array_index(look->readings, i);
        if (!sample_rest(look, reading, error))
            return false;
        judge_samples(reading);
    }
    return true;
}

/* Two numbers of the only row of a statement without parameters. */
static bool read_pair(const struct look *look, enum statement_id id, int64_t *first, int64_t *second, GError **error)
{
    struct statement *row = statement_get(look->store, id, error);
    enum step step = row ? statement_step(row, error) : STEP_FAILED;
    if (step != STEP_ROW)
        return step == STEP_DONE;
    *first = column_int(row, 0);
    *second = column_int(row, 1);
    return statement_end(row, error);
}

static bool read_file(const struct look *look, GError **error)
{
    struct store_status *status = look->status;
    g_autofree char *log = g_strconcat(look->store->path, "-wal", NULL);
    struct stat file;

    status->wal_bytes = stat(log, &file) == 0 ? file.st_size : 0;
    return read_pair(look, STATEMENT_STATUS_FILE, &status->database_bytes, &status->free_bytes, error);
}

static bool read_tasks(const struct look *look, GError **error)
{
    struct statement *rows = statement_get(look->store, STATEMENT_STATUS_TASKS, error);
    enum step step = STEP_FAILED;

    while (rows && (step = statement_step(rows, error)) == STEP_ROW) {
        struct store_status_task *task = g_new0(struct store_status_task, 1);
        task->task = g_strdup(column_text(rows, 0, NULL));
        task->started_at = column_int(rows, 1);
        task->finished_at = column_int(rows, 2);
        task->outcome = g_strdup(column_text(rows, 3, NULL));
        g_ptr_array_add(look->status->tasks, task);
    }
    return step == STEP_DONE;
}

static bool read_rest(const struct look *look, GError **error)
{
    struct store_status *status = look->status;
    struct statement *seq = statement_get(look->store, STATEMENT_SEQ_READ, error);
    int64_t mirrors = 0, acknowledged = 0;

    if (!seq || !statement_int(seq, 0, &status->seq, error) || !read_file(look, error) || !read_tasks(look, error) ||
        !read_pair(look, STATEMENT_STATUS_BLOBS, &status->blobs_pending, &status->blob_expires_at, error) ||
        !read_pair(look, STATEMENT_STATUS_MIRROR, &mirrors, &acknowledged, error))
        return false;
    status->mirrored = mirrors > 0;
    status->mirror_behind = mirrors > 0 ? MAX(status->seq - acknowledged, 0) : 0;
    return true;
}

static bool begin(struct store *store, GError **error)
{
    struct statement *begin_reading = statement_get(store, STATEMENT_STATUS_BEGIN, error);

    store->in_transaction = begin_reading && statement_run(begin_reading, error);
    return store->in_transaction;
}

/* All of one moment: a collector that writes meanwhile would make holes where there are none. */
static bool read_all(struct look *look, GError **error)
{
    if (!begin(look->store, error))
        return false;
    if (!read_sources(look, error) || !read_each(look, error) || !read_samples(look, error) ||
        !read_rest(look, error)) {
        store_rollback(look->store);
        return false;
    }
    return store_commit(look->store, error);
}

struct store_status *store_status_read(struct store *store, const struct store_status_options *options, GError **error)
{
    struct store_status *status = status_new();
    g_autoptr(GPtrArray) readings = g_ptr_array_new_with_free_func(reading_free);
    g_autoptr(GHashTable) reading_of = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    struct look look = {
        .store = store, .options = options, .status = status, .readings = readings, .reading_of = reading_of};

    if (read_all(&look, error))
        return status;
    store_status_free(status);
    return NULL;
}
