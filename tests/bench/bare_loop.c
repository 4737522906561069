/* The bare loop: what SQLite itself can do with our schema. Takes the records of a collected database, decodes them
 * beforehand, and inserts them into a new file with prepared statements, one thread, the program's pragmas and
 * transactions of 4,000. bench_bare_loop COLLECTED.db NEW.db Only inserting and committing is timed. Prints records,
 * seconds, records/s, the longest commit. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <sqlite3.h>

#include "base/base.h"
#include "sources/sources.h"

enum { TRANSACTION = 4000 };

struct loop {
    sqlite3 *from, *to;
    sqlite3_stmt *next, *find, *event, *text, *key;
    int64_t seq, last_second, in_second;
    double seconds, longest_commit;
    int64_t records;
    const char *source; /* of the record last decoded */
};

static void check(int result, sqlite3 *database)
{
    if (result != SQLITE_OK && result != SQLITE_DONE && result != SQLITE_ROW) {
        fprintf(stderr, "bench_bare_loop: %s\n", sqlite3_errmsg(database));
        exit(1);
    }
}

static double now(void)
{
    struct timespec at;

    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static void run_sql(sqlite3 *database, const char *sql)
{
    check(sqlite3_exec(database, sql, NULL, NULL, NULL), database);
}

static void run_file(sqlite3 *database, const char *name)
{
    g_autofree char *path = g_build_filename(M365KEEP_SOURCE_DIR, "schema", name, NULL), *sql = NULL;

    if (!g_file_get_contents(path, &sql, NULL, NULL))
        exit(1);
    run_sql(database, sql);
}

static sqlite3_stmt *prepare(sqlite3 *database, const char *sql)
{
    sqlite3_stmt *statement = NULL;

    check(sqlite3_prepare_v2(database, sql, -1, &statement, NULL), database);
    return statement;
}

static void text(sqlite3_stmt *statement, int index, const char *value)
{
    sqlite3_bind_text(statement, index, value, -1, SQLITE_STATIC);
}

static void step(struct loop *loop, sqlite3_stmt *statement)
{
    check(sqlite3_step(statement), loop->to);
    sqlite3_reset(statement);
}

static void open_both(struct loop *loop, const char *from, const char *to)
{
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); /* as the program does */
    check(sqlite3_open_v2(from, &loop->from, SQLITE_OPEN_READONLY, NULL), loop->from);
    check(sqlite3_open(to, &loop->to), loop->to);
    run_sql(loop->to,
            "PRAGMA page_size=16384; PRAGMA auto_vacuum=INCREMENTAL; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
            "PRAGMA wal_autocheckpoint=4000; PRAGMA cache_size=-16000; PRAGMA foreign_keys=ON");
    run_file(loop->to, "tables.sql");
    run_file(loop->to, "fts.sql");
    run_file(loop->to, "indexes.sql");
    run_file(loop->to, "views.sql");
    run_sql(loop->to, "INSERT INTO customer VALUES(1,'bench','bench')");
    loop->next = prepare(loop->from, "SELECT source, raw FROM event ORDER BY event_id");
    loop->find = prepare(loop->to, "SELECT event_id, content_hash FROM event_key WHERE key = ?");
    loop->event = prepare(
        loop->to,
        "INSERT INTO event (event_id, customer_id, source, id, timestamp, service, operation, result, actor_display,"
        "target_displays, display_summary, first_seen, first_seq, seq, raw) VALUES (?,1,?,?,?,?,?,?,?,?,?,?,?,?,?)");
    loop->text = prepare(loop->to, "INSERT INTO event_fts (rowid, text, facets) VALUES (?,?,?)");
    loop->key = prepare(loop->to, "INSERT INTO event_key VALUES (?,?,?)");
}

static struct document *decode_next(struct loop *loop, struct json_tree *tree)
{
    const struct source *source;
    struct json_slice slice = {0};
    struct document *document;

    if (sqlite3_step(loop->next) != SQLITE_ROW)
        return NULL;
    source = source_find((const char *)sqlite3_column_text(loop->next, 0));
    slice.length = (size_t)sqlite3_column_bytes(loop->next, 1);
    slice.bytes = g_memdup2(sqlite3_column_blob(loop->next, 1), slice.length);
    document = source_decode(source, tree, slice, 0, NULL);
    document_seal(document, "bench", source->name);
    loop->source = source->name;
    return document;
}

static void insert(struct loop *loop, const struct document *d, const char *source)
{
    int64_t event_id;
    int column = 0;

    sqlite3_bind_blob(loop->find, 1, d->key, HASH_KEY_BYTES, SQLITE_STATIC);
    step(loop, loop->find);
    loop->in_second = d->time_s == loop->last_second ? loop->in_second + 1 : 0;
    loop->last_second = d->time_s;
    event_id = (d->time_s << 20) | loop->in_second;
    loop->seq++;
    sqlite3_bind_int64(loop->event, ++column, event_id);
    text(loop->event, ++column, source);
    text(loop->event, ++column, d->id);
    text(loop->event, ++column, d->timestamp);
    text(loop->event, ++column, d->service);
    text(loop->event, ++column, d->operation);
    text(loop->event, ++column, d->result);
    text(loop->event, ++column, d->actor_display);
    text(loop->event, ++column, d->target_displays);
    text(loop->event, ++column, d->display_summary);
    sqlite3_bind_int64(loop->event, ++column, 0);
    sqlite3_bind_int64(loop->event, ++column, loop->seq);
    sqlite3_bind_int64(loop->event, ++column, loop->seq);
    sqlite3_bind_text(loop->event, ++column, d->raw, (int)d->raw_length, SQLITE_STATIC);
    step(loop, loop->event);
    sqlite3_bind_int64(loop->text, 1, event_id);
    text(loop->text, 2, d->text);
    text(loop->text, 3, d->facets);
    step(loop, loop->text);
    sqlite3_bind_blob(loop->key, 1, d->key, HASH_KEY_BYTES, SQLITE_STATIC);
    sqlite3_bind_int64(loop->key, 2, event_id);
    sqlite3_bind_blob(loop->key, 3, d->content_hash, HASH_KEY_BYTES, SQLITE_STATIC);
    step(loop, loop->key);
}

static void insert_batch(struct loop *loop, GPtrArray *documents, GPtrArray *sources)
{
    double began = now(), commit;

    run_sql(loop->to, "BEGIN IMMEDIATE");
    for (guint i = 0; i < documents->len; i++)
        insert(loop, g_ptr_array_index(documents, i), g_ptr_array_index(sources, i));
    commit = now();
    run_sql(loop->to, "COMMIT");
    loop->longest_commit = MAX(loop->longest_commit, now() - commit);
    loop->seconds += now() - began;
    loop->records += documents->len;
}

static void document_free_all(void *document)
{
    g_free((void *)((struct document *)document)->raw);
    document_free(document);
}

int main(int argc, char **argv)
{
    struct loop loop = {0};
    g_autoptr(JsonTree) tree = json_tree_new();

    if (argc != 3) {
        fprintf(stderr, "Usage: bench_bare_loop COLLECTED.db NEW.db\n");
        return 2;
    }
    open_both(&loop, argv[1], argv[2]);
    for (bool more = true; more;) {
        g_autoptr(GPtrArray) documents = g_ptr_array_new_with_free_func(document_free_all);
        g_autoptr(GPtrArray) sources = g_ptr_array_new();
        struct document *document = NULL;

        while (documents->len < TRANSACTION && (document = decode_next(&loop, tree))) {
            g_ptr_array_add(documents, document);
            g_ptr_array_add(sources, (char *)loop.source);
        }
        more = document != NULL;
        if (documents->len)
            insert_batch(&loop, documents, sources);
    }
    printf("{\"records\":%ld,\"seconds\":%.3f,\"per_second\":%.0f,\"longest_commit_s\":%.3f}\n", (long)loop.records,
           loop.seconds, (double)loop.records / loop.seconds, loop.longest_commit);
    sqlite3_finalize(loop.next);
    sqlite3_finalize(loop.find);
    sqlite3_finalize(loop.event);
    sqlite3_finalize(loop.text);
    sqlite3_finalize(loop.key);
    sqlite3_close(loop.from);
    sqlite3_close(loop.to);
    return 0;
}
