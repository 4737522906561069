/* What the tests of the store share: a folder of their own, documents, pages, and a plain connection to look with. */
#ifndef M365KEEP_TEST_STORE_FIXTURE_H
#define M365KEEP_TEST_STORE_FIXTURE_H

/* cmocka.h wants these first, in this order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <glib.h>
#include <glib/gstdio.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/timestamp.h"
#include "store/store.h"

#define TENANT "9d2f0c58-0000-4000-8000-000000000001"

enum { AT = 1795680000 }; /* 2026-11-26T08:00:00Z: when pages arrive, unless a test says otherwise */

struct fixture {
    char *folder, *path;
    struct store *store;
    int64_t customer;
};

static inline void assert_ok(bool ok, const GError *error)
{
    if (!ok)
        fail_msg("%s", error ? error->message : "failed without words");
}

/* The call failed with this code, and `words` are part of the message. */
static inline void assert_refused(bool ok, GError **error, int code, const char *words)
{
    assert_false(ok);
    const char *message = *error ? (*error)->message : "refused without words";
    if (!g_error_matches(*error, STORE_ERROR, code) || !strstr(message, words))
        fail_msg("not code %d, or not '%s': %s", code, words, message);
    g_clear_error(error);
}

static inline int setup_folder(void **state)
{
    struct fixture *fixture = g_new0(struct fixture, 1);
    fixture->folder = g_dir_make_tmp("m365keep-store-XXXXXX", NULL);
    fixture->path = g_build_filename(fixture->folder, "keep.db", NULL);
    *state = fixture;
    return fixture->folder ? 0 : -1;
}

static inline int setup_store(void **state)
{
    if (setup_folder(state) != 0)
        return -1;
    struct fixture *fixture = *state;
    fixture->store = store_open(fixture->path, STORE_CREATE, NULL);
    fixture->customer = fixture->store ? store_customer(fixture->store, "contoso", TENANT, NULL) : 0;
    return fixture->customer > 0 ? 0 : -1;
}

static inline void remove_folder(const char *folder)
{
    GDir *dir = g_dir_open(folder, 0, NULL);
    for (const char *name; dir && (name = g_dir_read_name(dir));) {
        g_autofree char *file = g_build_filename(folder, name, NULL);
        if (g_file_test(file, G_FILE_TEST_IS_DIR) && !g_file_test(file, G_FILE_TEST_IS_SYMLINK))
            remove_folder(file);
        else
            g_unlink(file);
    }
    if (dir)
        g_dir_close(dir);
    g_rmdir(folder);
}

static inline int teardown(void **state)
{
    struct fixture *fixture = *state;
    store_close(fixture->store);
    remove_folder(fixture->folder);
    g_free(fixture->folder);
    g_free(fixture->path);
    g_free(fixture);
    return 0;
}

/* Every test that writes ends so: text, ids, keys, hashes and SQLite itself agree. */
static inline int teardown_verified(void **state)
{
    struct fixture *fixture = *state;
    GError *error = NULL;
    bool sound = store_verify(fixture->store, &error);
    if (!sound)
        fprintf(stderr, "%s\n", error->message);
    g_clear_error(&error);
    teardown(state);
    return sound ? 0 : -1;
}

/* --- documents and pages ---------------------------------------------------------------------------------------------
 */

static inline char *raw_of(const char *id, const char *body)
{
    return g_strdup_printf("{\"id\":\"%s\",\"body\":\"%s\"}", id, body);
}

/* A sealed document of contoso's sign-ins; `raw` is borrowed. `when` NULL: no readable time. */
static inline struct document *document_of(const char *id, const char *when, const char *raw, const char *text)
{
    struct document *document = document_new();
    struct timestamp time = {AT, 0};
    document->id = g_strdup(id);
    document->dedupe_key = g_strdup(id);
    document->time_missing = !when || !timestamp_parse(when, strlen(when), &time);
    document->time_s = time.seconds;
    if (!document->time_missing) {
        document->timestamp = g_malloc(TIMESTAMP_TEXT_BYTES);
        timestamp_format(time, document->timestamp);
    }
    document->service = g_strdup("SignIn");
    document->operation = g_strdup("Azure Portal");
    document->result = g_strdup("success");
    document->actor_display = g_strdup("ada@example.org");
    document->actor_names = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(document->actor_names, g_strdup("Ada@example.org"));
    g_ptr_array_add(document->actor_names, g_strdup("Ada Lovelace"));
    document->target_displays = g_strdup("[\"Azure Portal\"]");
    document->display_summary = g_strdup("ada@example.org signed in to Azure Portal");
    document->text = g_strdup(text);
    document->raw = raw;
    document->raw_length = strlen(raw);
    document_seal(document, TENANT, "sign-ins");
    return document;
}

/* A page of sign-ins, the last of its window. */
static inline struct store_page *page_new(int64_t customer, int64_t from, int64_t to)
{
    struct store_page *page = g_new0(struct store_page, 1);
    page->customer_id = customer;
    page->source = "sign-ins";
    page->part = "";
    page->documents = g_ptr_array_new_with_free_func((GDestroyNotify)document_free);
    page->unreadable = g_ptr_array_new_with_free_func((GDestroyNotify)unreadable_free);
    page->window = (struct store_window){from, to};
    page->received_at = AT;
    return page;
}

static inline void page_free(struct store_page *page)
{
    g_ptr_array_unref(page->documents);
    g_ptr_array_unref(page->unreadable);
    g_free(page);
}

static inline void page_add(struct store_page *page, struct document *document)
{
    g_ptr_array_add(page->documents, document);
    page->window_records++;
}

static inline void commit(struct fixture *fixture, struct store_page *page)
{
    g_autoptr(GError) error = NULL;
    struct store_page *pages[] = {page};
    assert_ok(store_commit_pages(fixture->store, pages, 1, &error), error);
}

/* Commits one document as a page of its own, far from other windows, and tells what it did. */
static inline struct store_counts commit_one(struct fixture *fixture, struct document *document, int64_t received_at)
{
    struct store_page *page = page_new(fixture->customer, document->time_s, document->time_s + 1);
    page->received_at = received_at;
    page_add(page, document);
    commit(fixture, page);
    struct store_counts counts = page->counts;
    page_free(page);
    return counts;
}

/* --- looking
 * -------------------------------------------------------------------------------------------------------------- */

/* Every row of a statement, columns joined by '|', rows by newlines; "NULL" for NULL. As the plain shell would see it.
 */
static inline char *rows_in(const char *path, const char *sql)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    GString *out = g_string_new(NULL);
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    int code;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        if (out->len)
            g_string_append_c(out, '\n');
        for (int i = 0; i < sqlite3_column_count(statement); i++) {
            const char *text = (const char *)sqlite3_column_text(statement, i);
            g_string_append_printf(out, "%s%s", i ? "|" : "", text ? text : "NULL");
        }
    }
    if (code != SQLITE_DONE)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return g_string_free(out, FALSE);
}

static inline void assert_rows(const struct fixture *fixture, const char *sql, const char *expected)
{
    g_autofree char *rows = rows_in(fixture->path, sql);
    assert_string_equal(rows, expected);
}

/* Changes the database behind the store's back. */
static inline void execute(const struct fixture *fixture, const char *sql)
{
    g_free(rows_in(fixture->path, sql));
}

#endif
