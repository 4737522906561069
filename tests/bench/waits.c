/* How long others wait: a writer that commits a page of 200 records every 100 ms, and two readers that search and
 * select every few milliseconds, each on connections of its own, while somebody else is at work on the same database.
 *   bench_waits DATABASE
 * Each line on stdin ends a phase, and its figures are printed under that name; the end of stdin ends the program.
 * Records are those of the database with other ids and later times. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "base/base.h"
#include "sources/sources.h"
#include "store/store.h"

enum { PAGE = 200, PAGE_EVERY_US = 100000, READ_EVERY_US = 4000, READERS = 2, SAMPLES = 400, MINUTES = 10 };

enum wait { WAIT_COMMIT, WAIT_LOCK, WAIT_SEARCH, WAIT_SELECT, WAITS };
static const char *const wait_names[WAITS] = {"commit", "lock", "search", "select"};

struct sample {
    char *raw, *id, *created, *actor, *operation;
};

/* What the threads share. */
struct bench {
    const char *path;
    GPtrArray *samples; /* struct sample *, of sign-ins, spread over the whole file */
    char *customer, *tenant_id;
    int64_t first_s, last_s; /* of the events that were there */
    GMutex lock;
    GCond ended;
    bool stop;
    GArray *waits[WAITS]; /* double, milliseconds; of this phase */
    int64_t failed;
    gint readers; /* that have begun */
    double began_ms;
};

static double now_ms(void)
{
    return (double)g_get_monotonic_time() / 1e3;
}

static void die(const char *what)
{
    fprintf(stderr, "bench_waits: %s\n", what);
    exit(1);
}

/* --- figures ------------------------------------------------------------------------------------------------------ */

static void note(struct bench *bench, enum wait wait, double took_ms)
{
    g_mutex_lock(&bench->lock);
    g_array_append_val(bench->waits[wait], took_ms);
    g_mutex_unlock(&bench->lock);
}

static void note_failure(struct bench *bench, const char *message)
{
    g_mutex_lock(&bench->lock);
    if (bench->failed++ == 0)
        fprintf(stderr, "bench_waits: %s\n", message);
    g_mutex_unlock(&bench->lock);
}

static int compare(gconstpointer a, gconstpointer b)
{
    double left = *(const double *)a, right = *(const double *)b;

    return left < right ? -1 : left > right;
}

static void print_wait(const char *name, GArray *times)
{
    g_array_sort(times, compare);
    if (times->len == 0)
        printf(",\"%s\":null", name);
    else
        printf(",\"%s\":{\"n\":%u,\"p50_ms\":%.2f,\"p99_ms\":%.2f,\"max_ms\":%.2f}", name, times->len,
               g_array_index(times, double, times->len / 2), g_array_index(times, double, times->len * 99 / 100),
               g_array_index(times, double, times->len - 1));
}

static void end_phase(struct bench *bench, const char *name)
{
    g_mutex_lock(&bench->lock);
    printf("{\"phase\":\"%s\",\"seconds\":%.1f,\"failed\":%ld", name, (now_ms() - bench->began_ms) / 1e3,
           (long)bench->failed);
    for (int i = 0; i < WAITS; i++) {
        print_wait(wait_names[i], bench->waits[i]);
        g_array_set_size(bench->waits[i], 0);
    }
    puts("}");
    fflush(stdout);
    bench->failed = 0;
    bench->began_ms = now_ms();
    g_mutex_unlock(&bench->lock);
}

/* Waits until `until_us` on the monotonic clock. False when the work is to end. */
static bool go_on_at(struct bench *bench, int64_t until_us)
{
    g_mutex_lock(&bench->lock);
    while (!bench->stop && g_cond_wait_until(&bench->ended, &bench->lock, until_us))
        ;
    bool stop = bench->stop;
    g_mutex_unlock(&bench->lock);
    return !stop;
}

/* --- the writer --------------------------------------------------------------------------------------------------- */

/* How long this thread's last BEGIN IMMEDIATE took: the linker leads the store's calls through here. */
static _Thread_local double lock_ms;
int __real_sqlite3_step(sqlite3_stmt *statement);
int __wrap_sqlite3_step(sqlite3_stmt *statement);

int __wrap_sqlite3_step(sqlite3_stmt *statement)
{
    if (g_strcmp0(sqlite3_sql(statement), "BEGIN IMMEDIATE") != 0)
        return __real_sqlite3_step(statement);
    double began = now_ms();
    int code = __real_sqlite3_step(statement);
    lock_ms = now_ms() - began;
    return code;
}

static void free_document(void *document)
{
    g_free((void *)((struct document *)document)->raw);
    document_free(document);
}

/* The n-th new record. */
static struct document *make_document(const struct bench *bench, struct json_tree *tree, int64_t n)
{
    const struct source *source = source_find("sign-ins");
    const struct sample *sample = bench->samples->pdata[n % bench->samples->len];
    g_autoptr(GString) raw = g_string_new(sample->raw);
    g_autofree char *id = g_strdup_printf("%08lx-be7c-4000-8000-%012lx", (unsigned long)(n >> 16), (unsigned long)n);
    g_autofree char *created = timestamp_format_seconds(bench->last_s + 1 + n / 20);
    struct document *document;

    g_string_replace(raw, sample->id, id, 0);
    g_string_replace(raw, sample->created, created, 0);
    struct json_slice slice = {.length = raw->len};
    slice.bytes = g_memdup2(raw->str, raw->len + 1);
    document = source_decode(source, tree, slice, bench->last_s, NULL);
    if (!document)
        die("a record of the database cannot be decoded");
    document_seal(document, bench->tenant_id, source->name);
    return document;
}

/* One page of a window that does not end: its cursor steps with each. */
static void commit_page(struct bench *bench, struct store *store, struct json_tree *tree, int64_t customer_id,
                        int64_t *written)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) documents = g_ptr_array_new_with_free_func(free_document);
    struct store_page page = {.customer_id = customer_id,
                              .source = "sign-ins",
                              .part = "",
                              .documents = documents,
                              .window = {bench->last_s + 1, bench->last_s + 7 * 86400},
                              .next_link = "https://graph.example/next",
                              .received_at = bench->last_s};
    struct store_page *pages[] = {&page};

    for (int i = 0; i < PAGE; i++)
        g_ptr_array_add(documents, make_document(bench, tree, *written + i));
    page.window_records = *written + PAGE;
    double began = now_ms();
    if (store_commit_pages(store, pages, 1, &error)) {
        note(bench, WAIT_COMMIT, now_ms() - began);
        note(bench, WAIT_LOCK, lock_ms);
        *written += PAGE;
    } else {
        note_failure(bench, error->message);
    }
}

static void *write_pages(void *data)
{
    struct bench *bench = data;
    g_autoptr(GError) error = NULL;
    g_autoptr(Store) store = store_open(bench->path, STORE_WRITE, &error);
    int64_t customer_id = store ? store_customer(store, bench->customer, bench->tenant_id, &error) : 0;
    g_autoptr(JsonTree) tree = json_tree_new();
    int64_t written = 0, due = g_get_monotonic_time();

    if (!customer_id)
        die(error->message);
    while (go_on_at(bench, due)) {
        commit_page(bench, store, tree, customer_id, &written);
        due = MAX(due + PAGE_EVERY_US, g_get_monotonic_time());
    }
    return NULL;
}

/* --- readers ------------------------------------------------------------------------------------------------------ */

static bool count_row(const struct store_event *event, void *user)
{
    (void)event;
    ++*(int *)user;
    return true;
}

/* The newest, a GUID, a phrase, and a common word with an actor, in turn. */
static void search(struct bench *bench, struct store *store, const struct sample *sample, unsigned turn)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *phrase = g_strdup_printf("\"%s\"", sample->operation);
    const char *const words[] = {NULL, sample->id, phrase, "windows"};
    struct store_query query = {.words = words[turn % G_N_ELEMENTS(words)], .limit = 50};
    int rows = 0;

    if (turn % G_N_ELEMENTS(words) == 3)
        query.actor = sample->actor;
    double began = now_ms();
    bool found = store_search(store, &query, count_row, &rows, &error);
    note(bench, WAIT_SEARCH, now_ms() - began);
    if (!found)
        note_failure(bench, error->message);
}

/* What people type into a shell: the newest, a body of some time, and how many there were in some minutes. */
static const char *const selects[] = {
    "SELECT timestamp, actor_display, operation, display_summary FROM events ORDER BY event_id DESC LIMIT 50",
    "SELECT raw FROM events WHERE timestamp >= strftime('%Y-%m-%dT%H:%M:%S', ?1, 'unixepoch') ORDER BY timestamp LIMIT "
    "1",
    "SELECT count(*) FROM events WHERE timestamp >= strftime('%Y-%m-%dT%H:%M:%S', ?1, 'unixepoch') AND timestamp < "
    "strftime('%Y-%m-%dT%H:%M:%S', ?2, 'unixepoch')"};

static void select_rows(struct bench *bench, sqlite3_stmt *const *statements, int64_t at_s, unsigned turn)
{
    sqlite3_stmt *statement = statements[turn % G_N_ELEMENTS(selects)];
    int code;

    sqlite3_bind_int64(statement, 1, at_s);
    sqlite3_bind_int64(statement, 2, at_s + MINUTES * 60);
    double began = now_ms();
    do
        code = sqlite3_step(statement);
    while (code == SQLITE_ROW);
    sqlite3_reset(statement);
    note(bench, WAIT_SELECT, now_ms() - began);
    if (code != SQLITE_DONE)
        note_failure(bench, sqlite3_errstr(code));
}

static void *read_rows(void *data)
{
    struct bench *bench = data;
    g_autoptr(GError) error = NULL;
    g_autoptr(Store) store = store_open(bench->path, STORE_READ, &error);
    g_autoptr(GRand) chance = g_rand_new_with_seed((guint32)g_atomic_int_add(&bench->readers, 1));
    sqlite3 *shell = NULL;
    sqlite3_stmt *statements[G_N_ELEMENTS(selects)] = {NULL};

    if (!store || sqlite3_open_v2(bench->path, &shell, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK)
        die(error ? error->message : "a reader cannot open the database");
    for (size_t i = 0; i < G_N_ELEMENTS(selects); i++)
        if (sqlite3_prepare_v2(shell, selects[i], -1, &statements[i], NULL) != SQLITE_OK)
            die(sqlite3_errmsg(shell));
    for (unsigned turn = 0; go_on_at(bench, g_get_monotonic_time() + READ_EVERY_US); turn++) {
        const struct sample *sample = bench->samples->pdata[g_rand_int_range(chance, 0, (gint32)bench->samples->len)];
        double place = g_rand_double(chance) * (double)(bench->last_s - bench->first_s);

        if (turn % 2)
            search(bench, store, sample, turn / 2);
        else
            select_rows(bench, statements, bench->first_s + (int64_t)place, turn / 2);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(selects); i++)
        sqlite3_finalize(statements[i]);
    sqlite3_close(shell);
    return NULL;
}

/* --- the whole ---------------------------------------------------------------------------------------------------- */

static char *column(sqlite3_stmt *statement, int index)
{
    return g_strdup((const char *)sqlite3_column_text(statement, index));
}

static void take_samples(struct bench *bench, sqlite3 *database)
{
    sqlite3_stmt *statement = NULL;

    sqlite3_prepare_v2(database,
                       "WITH steps(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM steps WHERE n < ?1 - 1) "
                       "SELECT raw, id, raw ->> '$.createdDateTime', actor_display, operation FROM steps CROSS JOIN "
                       "event ON event_id = (SELECT event_id FROM event WHERE source = 'sign-ins' AND event_id >= "
                       "(?2 + (?3 - ?2) * n / ?1) << 20 ORDER BY event_id LIMIT 1)",
                       -1, &statement, NULL);
    sqlite3_bind_int(statement, 1, SAMPLES);
    sqlite3_bind_int64(statement, 2, bench->first_s);
    sqlite3_bind_int64(statement, 3, bench->last_s);
    bench->samples = g_ptr_array_new();
    while (sqlite3_step(statement) == SQLITE_ROW) {
        struct sample *sample = g_new0(struct sample, 1);

        *sample = (struct sample){column(statement, 0), column(statement, 1), column(statement, 2),
                                  column(statement, 3), column(statement, 4)};
        g_ptr_array_add(bench->samples, sample);
    }
    sqlite3_finalize(statement);
    if (bench->samples->len == 0)
        die("the database holds no sign-ins");
}

static void look(struct bench *bench)
{
    sqlite3 *database = NULL;
    sqlite3_stmt *statement = NULL;

    if (sqlite3_open_v2(bench->path, &database, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(database,
                           "SELECT (SELECT min(event_id) FROM event) >> 20, (SELECT max(event_id) FROM event) >> 20, "
                           "name, tenant_id FROM customer ORDER BY customer_id LIMIT 1",
                           -1, &statement, NULL) != SQLITE_OK ||
        sqlite3_step(statement) != SQLITE_ROW)
        die(sqlite3_errmsg(database));
    bench->first_s = sqlite3_column_int64(statement, 0);
    bench->last_s = sqlite3_column_int64(statement, 1);
    bench->customer = column(statement, 2);
    bench->tenant_id = column(statement, 3);
    sqlite3_finalize(statement);
    take_samples(bench, database);
    sqlite3_close(database);
}

int main(int argc, char **argv)
{
    static struct bench bench;
    GThread *threads[READERS + 1];
    char name[64];

    if (argc != 2) {
        fprintf(stderr, "Usage: bench_waits DATABASE\n");
        return 2;
    }
    bench.path = argv[1];
    look(&bench);
    for (int i = 0; i < WAITS; i++)
        bench.waits[i] = g_array_new(FALSE, FALSE, sizeof(double));
    bench.began_ms = now_ms();
    for (int i = 0; i <= READERS; i++)
        threads[i] = g_thread_new("bench", i == READERS ? write_pages : read_rows, &bench);
    while (fgets(name, sizeof name, stdin))
        end_phase(&bench, g_strchomp(name));

    g_mutex_lock(&bench.lock);
    bench.stop = true;
    g_cond_broadcast(&bench.ended);
    g_mutex_unlock(&bench.lock);
    for (int i = 0; i <= READERS; i++)
        g_thread_join(threads[i]);
    return 0;
}
