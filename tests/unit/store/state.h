/* state - all that a database holds, as another connection sees it: to be compared as text. */
#ifndef M365KEEP_TEST_STORE_STATE_H
#define M365KEEP_TEST_STORE_STATE_H

#include "fixture.h"

enum { STATE_TABLES_MOST = 64 };

/* A connection that only looks. Zeroed: not opened yet. */
struct look {
    sqlite3 *db;
    char *names[STATE_TABLES_MOST];
    sqlite3_stmt *tables[STATE_TABLES_MOST];
    int n;
};

static inline void look_check(const struct look *look, int code)
{
    if (code != SQLITE_OK && code != SQLITE_ROW && code != SQLITE_DONE)
        fail_msg("%s", sqlite3_errmsg(look->db));
}

/* Every table that is not FTS5's own, and of those the texts; without the rows of `notes` in `collection`, which is
 * where tests leave notes of their own, and without what the last run of a task says of itself: of one that went on
 * where another was interrupted, that is another sentence. */
static inline void look_open(struct look *look, const char *path)
{
    static const char names[] =
        "SELECT name, 'SELECT ' || iif(name = 'maintenance', 'task, started_at, position, version, finished_at', '*') "
        "|| "
        "' FROM ' || name || iif(name = 'collection', ' WHERE source <> ''notes''', '') "
        "FROM sqlite_schema WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%' "
        "AND (name NOT LIKE '%\\_fts\\_%' ESCAPE '\\' OR name LIKE '%\\_fts\\_content' ESCAPE '\\') ORDER BY name";
    sqlite3_stmt *tables;
    int code;
    look_check(look, sqlite3_open_v2(path, &look->db, SQLITE_OPEN_READWRITE, NULL));
    look_check(look, sqlite3_prepare_v3(look->db, names, -1, 0, &tables, NULL));
    while ((code = sqlite3_step(tables)) == SQLITE_ROW) {
        const char *sql = (const char *)sqlite3_column_text(tables, 1);
        assert_in_range(look->n, 0, STATE_TABLES_MOST - 1);
        look->names[look->n] = g_strdup((const char *)sqlite3_column_text(tables, 0));
        look_check(look, sqlite3_prepare_v3(look->db, sql, -1, 0, &look->tables[look->n++], NULL));
    }
    look_check(look, code);
    sqlite3_finalize(tables);
}

static inline void look_close(struct look *look)
{
    for (int i = 0; i < look->n; i++) {
        sqlite3_finalize(look->tables[i]);
        g_free(look->names[i]);
    }
    sqlite3_close(look->db);
    *look = (struct look){0};
}

static inline void look_append_value(GString *out, sqlite3_stmt *row, int column)
{
    const unsigned char *bytes = sqlite3_column_blob(row, column);
    int length = sqlite3_column_bytes(row, column);
    if (sqlite3_column_type(row, column) == SQLITE_NULL)
        g_string_append(out, "NULL");
    else if (sqlite3_column_type(row, column) != SQLITE_BLOB)
        g_string_append(out, (const char *)sqlite3_column_text(row, column));
    for (int i = 0; sqlite3_column_type(row, column) == SQLITE_BLOB && i < length; i++)
        g_string_append_printf(out, "%02x", bytes[i]);
    g_string_append_c(out, '|');
}

static inline void look_append_table(const struct look *look, GString *out, int table)
{
    sqlite3_stmt *row = look->tables[table];
    int code;
    g_string_append_printf(out, "-- %s\n", look->names[table]);
    while ((code = sqlite3_step(row)) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(row); i++)
            look_append_value(out, row, i);
        g_string_append_c(out, '\n');
    }
    look_check(look, code);
    sqlite3_reset(row);
}

/* Files that are neither the database nor what SQLite keeps beside an open one. */
static inline void look_append_strangers(GString *out, const struct fixture *fixture)
{
    GDir *dir = g_dir_open(fixture->folder, 0, NULL);
    for (const char *name; (name = g_dir_read_name(dir));)
        if (!g_str_equal(name, "keep.db") && !g_str_equal(name, "keep.db-wal") && !g_str_equal(name, "keep.db-shm"))
            g_string_append_printf(out, "the file %s\n", name);
    g_dir_close(dir);
}

/* The database's tables, row by row, and strange files beside it. The connection stays open as long as the store's, so
 * that a store which opens finds itself alone. Returned: g_free. */
static inline char *look_at(struct look *look, const struct fixture *fixture)
{
    GString *out = g_string_new(NULL);
    look_append_strangers(out, fixture);
    if (!g_file_test(fixture->path, G_FILE_TEST_EXISTS)) {
        g_string_append(out, "no database");
        return g_string_free(out, FALSE);
    }
    if (!look->db)
        look_open(look, fixture->path);
    for (int i = 0; i < look->n; i++)
        look_append_table(look, out, i);
    if (!fixture->store)
        look_close(look);
    return g_string_free(out, FALSE);
}

/* The two are equal; if not, the first lines that differ are shown. */
static inline void assert_same_state(const char *state, const char *expected)
{
    g_auto(GStrv) found = g_strsplit(state, "\n", -1), wanted = g_strsplit(expected, "\n", -1);
    const char *table = "";
    for (guint i = 0; found[i] && wanted[i]; i++) {
        if (g_str_has_prefix(found[i], "-- "))
            table = found[i];
        if (!g_str_equal(found[i], wanted[i]))
            fail_msg("%s, line %u:\n  %s\n not\n  %s", table, i, found[i], wanted[i]);
    }
    assert_int_equal(g_strv_length(found), g_strv_length(wanted));
}

#endif
