/* Parsing alone, what a run with nothing new is held against: reads bodies of 1,000 records as pages, cuts, decodes and
 * hashes them. bench_parse COLLECTED.db */
#include <stdio.h>
#include <time.h>

#include <sqlite3.h>

#include "base/base.h"
#include "sources/sources.h"

enum { PAGE = 1000, CHUNK = 16384 };

static double now(void)
{
    struct timespec at;

    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

/* Feeds the body as the network would, cuts and decodes. Returns the records. */
static size_t parse(const GString *body, const struct source *source, struct json_tree *tree)
{
    struct json_page *page = json_page_new(false, 1 << 28);
    size_t count;

    for (size_t at = 0; at < body->len; at += CHUNK)
        json_page_feed(page, body->str + at, MIN(CHUNK, body->len - at), NULL);
    json_page_finish(page, NULL);
    count = json_page_count(page);
    for (size_t i = 0; i < count; i++) {
        struct document *document = source_decode(source, tree, json_page_record(page, i), 0, NULL);

        if (document)
            document_seal(document, "bench", source->name);
        document_free(document);
    }
    json_page_free(page);
    return count;
}

/* The next page's body; *more false when it is the last. */
static GString *read_page(sqlite3_stmt *next, bool *more)
{
    GString *body = g_string_new("{\"value\":[");
    int n = 0;

    while (n < PAGE && sqlite3_step(next) == SQLITE_ROW) {
        if (n++)
            g_string_append_c(body, ',');
        g_string_append_len(body, (const char *)sqlite3_column_blob(next, 0), sqlite3_column_bytes(next, 0));
    }
    g_string_append(body, "]}");
    *more = n == PAGE;
    return body;
}

int main(int argc, char **argv)
{
    static const char *const names[] = {"sign-ins", "directory-audits"};
    sqlite3 *database = NULL;
    sqlite3_stmt *next = NULL;
    g_autoptr(JsonTree) tree = json_tree_new();
    double seconds = 0;
    size_t records = 0, bytes = 0;

    if (argc != 2 || sqlite3_open_v2(argv[1], &database, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK)
        return 2;
    sqlite3_prepare_v2(database, "SELECT raw FROM event WHERE source = ? ORDER BY event_id", -1, &next, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        sqlite3_reset(next);
        sqlite3_bind_text(next, 1, names[i], -1, SQLITE_STATIC);
        for (bool more = true; more;) {
            GString *body = read_page(next, &more);
            double began = now();

            records += parse(body, source_find(names[i]), tree);
            seconds += now() - began;
            bytes += body->len;
            g_string_free(body, TRUE);
        }
    }
    printf("{\"records\":%zu,\"bytes\":%zu,\"seconds\":%.3f,\"per_second\":%.0f}\n", records, bytes, seconds,
           (double)records / seconds);
    sqlite3_finalize(next);
    sqlite3_close(database);
    return 0;
}
