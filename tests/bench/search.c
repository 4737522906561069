/* Search inside the process: each class of question, alone and with each filter, many times over a collected database.
 *   bench_search COLLECTED.db [ROUNDS]
 * Words, actors and so on are taken from the database itself. Prints one JSON line a class: p50, p99 and worst in
 * milliseconds. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sqlite3.h>

#include "base/base.h"
#include "store/store.h"

enum { SAMPLES = 40 };

struct sample {
    char *actor, *operation, *service, *result, *customer, *source, *id, *ip, *timestamp;
};

struct word_class {
    const char *name;
    char *(*words)(const struct sample *sample);
};

static char *none(const struct sample *sample)
{
    (void)sample;
    return NULL;
}

static char *common_term(const struct sample *sample)
{
    (void)sample;
    return g_strdup("windows");
}

static char *rare_term(const struct sample *sample)
{
    return g_strndup(sample->id + (strlen(sample->id) > 12 ? strlen(sample->id) - 12 : 0), 12);
}

static char *phrase(const struct sample *sample)
{
    return g_strdup_printf("\"%s\"", sample->operation);
}

static char *guid(const struct sample *sample)
{
    return g_strdup(sample->id);
}

static char *ip(const struct sample *sample)
{
    return g_strdup(sample->ip ? sample->ip : "203.0.113.7");
}

static char *address(const struct sample *sample)
{
    return g_strdup(sample->actor);
}

static char *prefix(const struct sample *sample)
{
    return g_strdup_printf("%.4s*", sample->actor);
}

static char *disjoint(const struct sample *sample)
{
    (void)sample;
    return g_strdup("browser department"); /* sign-ins have the one, audits the other */
}

static const struct word_class classes[] = {{"newest", none},
                                            {"common term", common_term},
                                            {"rare term", rare_term},
                                            {"phrase", phrase},
                                            {"GUID", guid},
                                            {"IP", ip},
                                            {"address", address},
                                            {"prefix", prefix},
                                            {"disjoint terms", disjoint}};

static const char *const filters[] = {"none", "service", "actor", "operation", "result", "customer", "source", "start"};

static bool count_row(const struct store_event *event, void *user)
{
    (void)event;
    ++*(int *)user;
    return true;
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;

    return left < right ? -1 : left > right;
}

static double now_ms(void)
{
    struct timespec at;

    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec * 1e3 + (double)at.tv_nsec / 1e6;
}

static void set_filter(struct store_query *query, const char *filter, const struct sample *sample)
{
    struct timestamp time = {0};

    if (g_str_equal(filter, "service"))
        query->service = sample->service;
    else if (g_str_equal(filter, "actor"))
        query->actor = sample->actor;
    else if (g_str_equal(filter, "operation"))
        query->operation = sample->operation;
    else if (g_str_equal(filter, "result"))
        query->result = sample->result;
    else if (g_str_equal(filter, "customer"))
        query->customer = sample->customer;
    else if (g_str_equal(filter, "source"))
        query->source = sample->source;
    else if (g_str_equal(filter, "start") && timestamp_parse(sample->timestamp, strlen(sample->timestamp), &time)) {
        query->has_start = query->has_end = true;
        query->start = time.seconds - 43200;
        query->end = time.seconds + 43200;
    }
}

static void measure(struct store *store, const struct word_class *class, const char *filter, GPtrArray *samples,
                    int rounds)
{
    g_autoptr(GArray) times = g_array_new(FALSE, FALSE, sizeof(double));
    int64_t rows = 0;
    guint failed = 0;

    for (int round = 0; round < rounds; round++) {
        for (guint i = 0; i < samples->len; i++) {
            const struct sample *sample = g_ptr_array_index(samples, i);
            g_autofree char *words = class->words(sample);
            struct store_query query = {.words = words, .limit = 50};
            g_autoptr(GError) error = NULL;
            int count = 0;
            double began = now_ms(), took;

            set_filter(&query, filter, sample);
            failed += !store_search(store, &query, count_row, &count, &error);
            took = now_ms() - began;
            rows += count;
            g_array_append_val(times, took);
        }
    }
    qsort(times->data, times->len, sizeof(double), compare);
    printf("{\"words\":\"%s\",\"filter\":\"%s\",\"queries\":%u,\"rows\":%ld,\"failed\":%u,\"p50_ms\":%.2f,\"p99_ms\":%."
           "2f,\"worst_ms\":%.2f}\n",
           class->name, filter, times->len, (long)rows, failed, g_array_index(times, double, times->len / 2),
           g_array_index(times, double, times->len * 99 / 100), g_array_index(times, double, times->len - 1));
    fflush(stdout);
}

static char *column(sqlite3_stmt *statement, int index)
{
    return g_strdup((const char *)sqlite3_column_text(statement, index));
}

/* Rows spread over the whole file. */
static GPtrArray *take_samples(const char *path)
{
    GPtrArray *samples = g_ptr_array_new();
    sqlite3 *database = NULL;
    sqlite3_stmt *statement = NULL;

    if (sqlite3_open_v2(path, &database, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK)
        exit(2);
    sqlite3_prepare_v2(database,
                       "WITH ends AS (SELECT min(event_id) AS low, max(event_id) AS high FROM event), steps(n) AS "
                       "(SELECT 0 UNION ALL SELECT "
                       "n + 1 FROM steps WHERE n < ?1 - 1) SELECT actor_display, operation, service, result, customer, "
                       "source, id, raw ->> "
                       "'$.ipAddress', timestamp FROM steps, ends JOIN events ON event_id = (SELECT event_id FROM "
                       "event WHERE event_id >= "
                       "low + (high - low) / ?1 * n ORDER BY event_id LIMIT 1)",
                       -1, &statement, NULL);
    sqlite3_bind_int(statement, 1, SAMPLES);
    while (sqlite3_step(statement) == SQLITE_ROW) {
        struct sample *sample = g_new0(struct sample, 1);

        *sample = (struct sample){column(statement, 0), column(statement, 1), column(statement, 2),
                                  column(statement, 3), column(statement, 4), column(statement, 5),
                                  column(statement, 6), column(statement, 7), column(statement, 8)};
        g_ptr_array_add(samples, sample);
    }
    sqlite3_finalize(statement);
    sqlite3_close(database);
    return samples;
}

int main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    GPtrArray *samples = argc > 1 ? take_samples(argv[1]) : NULL;
    struct store *store = samples ? store_open(argv[1], STORE_READ, &error) : NULL;
    int rounds = argc > 2 ? (int)g_ascii_strtoll(argv[2], NULL, 10) : 5;

    if (!store || !samples->len) {
        fprintf(stderr, "Usage: bench_search COLLECTED.db [ROUNDS] (%s)\n", error ? error->message : "no records");
        return 2;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(classes); i++)
        for (size_t j = 0; j < G_N_ELEMENTS(filters); j++)
            measure(store, &classes[i], filters[j], samples, rounds);
    store_close(store);
    return 0;
}
