/* What coverage says after any sequence of pages, marks and settling, four bytes each: an operation, a second, a
 * length, a time of reading. What is checked beyond the sanitizers: after each of them the store's spans are in order,
 * apart and not empty, and say of each second what a plain table of seconds says. */
#include "fuzz.h"

#include <glib/gstdio.h>

#include "../unit/store/faulty_vfs.h"
#include "store/store.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);

enum { SECONDS = 96, NONE = -1, STEP_BYTES = 4, STEPS_MOST = 32, PARTS_MOST = 4096 };

static struct store *store;
static int64_t customer;

/* What is known of each second. */
struct table {
    int state[SECONDS]; /* enum store_coverage_state, or NONE */
    int64_t read_at[SECONDS];
};

/* --- the table: what each operation means for one second -----------------------------------------------------------
 */

static void table_read(struct table *table, struct store_window window, int64_t at)
{
    for (int64_t s = window.from; s < window.to; s++) {
        table->state[s] = STORE_COVERAGE_READ;
        table->read_at[s] = at;
    }
}

static void table_open(struct table *table, struct store_window window)
{
    for (int64_t s = window.from; s < window.to; s++)
        if (table->state[s] == NONE)
            table->state[s] = STORE_COVERAGE_OPEN;
}

static void table_lose(struct table *table, struct store_window window)
{
    for (int64_t s = window.from; s < window.to; s++)
        if (table->state[s] == NONE || table->state[s] == STORE_COVERAGE_OPEN)
            table->state[s] = STORE_COVERAGE_LOST;
}

static void table_settle(struct table *table, int64_t settled_after)
{
    for (int64_t s = 0; s < SECONDS; s++)
        if (table->state[s] == STORE_COVERAGE_READ && s < table->read_at[s] - settled_after)
            table->state[s] = STORE_COVERAGE_SETTLED;
}

/* --- the store ---------------------------------------------------------------------------------------------------- */

static void commit_page(const char *part, struct store_window window, int64_t at, bool last)
{
    struct store_page page = {.customer_id = customer, .source = "sign-ins", .part = part, .window = window};
    struct store_page *pages[] = {&page};

    page.received_at = at;
    page.window_records = at;
    page.next_link = last ? NULL : "https://graph.example/2";
    g_assert(store_commit_pages(store, pages, 1, NULL));
}

static void check_spans(const char *part, const struct table *table)
{
    g_autoptr(GArray) spans = store_coverage_read(store, customer, "sign-ins", part, NULL);
    int64_t s = 0;

    g_assert(spans != NULL);
    for (guint i = 0; i < spans->len; i++) {
        const struct store_coverage *span = &g_array_index(spans, struct store_coverage, i);
        g_assert(span->from >= s && span->from < span->to && span->to <= SECONDS);
        g_assert(span->records >= 0 && span->reads >= 0);
        for (; s < span->from; s++)
            g_assert(table->state[s] == NONE);
        for (; s < span->to; s++) {
            g_assert(table->state[s] == (int)span->state);
            g_assert(span->state != STORE_COVERAGE_READ || table->read_at[s] == span->read_at);
        }
    }
    for (; s < SECONDS; s++)
        g_assert(table->state[s] == NONE);
}

/* A cursor is there after a page that goes on, and not for a window that has been read. */
static void check_cursor(const char *part, struct store_window window, bool last)
{
    struct store_cursor cursor;
    g_autoptr(GError) error = NULL;
    bool found = store_cursor_read(store, customer, "sign-ins", part, &cursor, &error);

    g_assert(error == NULL);
    if (!last)
        g_assert(found && cursor.window.from == window.from && cursor.window.to == window.to);
    else if (found)
        g_assert(cursor.window.to <= window.from || cursor.window.from >= window.to);
    store_cursor_clear(&cursor);
}

/* --- one step ----------------------------------------------------------------------------------------------------- */

static void step(const char *part, struct table *table, const uint8_t bytes[STEP_BYTES])
{
    struct store_window window = {bytes[1] % SECONDS, bytes[1] % SECONDS + 1};
    int64_t at = bytes[3];
    bool last = bytes[0] % 5 == 0;

    window.to = MIN(SECONDS, window.to + bytes[2] % 32);
    switch (bytes[0] % 5) {
    case 0:
    case 1:
        commit_page(part, window, at, last);
        check_cursor(part, window, last);
        if (last)
            table_read(table, window, at);
        else
            table_open(table, window);
        break;
    case 2:
        g_assert(store_mark_open(store, customer, "sign-ins", part, window, NULL));
        table_open(table, window);
        break;
    case 3:
        g_assert(store_mark_lost(store, customer, "sign-ins", part, window, at, NULL));
        table_lose(table, window);
        break;
    default:
        g_assert(store_coverage_settle(store, customer, "sign-ins", part, bytes[2], INT64_MIN, NULL));
        table_settle(table, bytes[2]);
    }
    check_spans(part, table);
}

/* A new, empty database. Its files have no names any more once it is open, so that nothing is left behind. */
static void open_store(void)
{
    g_autofree char *folder = g_dir_make_tmp("m365keep-fuzz-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "keep.db", NULL);

    store_close(store);
    store = store_open(path, STORE_CREATE, NULL);
    customer = store != NULL ? store_customer(store, "contoso", "9d2f0c58-0000-4000-8000-000000000001", NULL) : 0;
    g_assert(customer > 0);
    for (const char *const *suffix = (const char *const[]){"", "-wal", "-shm", NULL}; *suffix != NULL; suffix++) {
        g_autofree char *file = g_strconcat(path, *suffix, NULL);
        g_unlink(file);
    }
    g_rmdir(folder);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    vfs_install(); /* does not sync */
    return 0;
}

/* A part of its own for each input: all begin with nothing. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static unsigned parts;
    struct table table;

    if (parts % PARTS_MOST == 0)
        open_store();
    g_autofree char *part = g_strdup_printf("%u", parts++);
    for (int s = 0; s < SECONDS; s++)
        table.state[s] = NONE;
    for (size_t at = 0, n = 0; at + STEP_BYTES <= size && n < STEPS_MOST; at += STEP_BYTES, n++)
        step(part, &table, data + at);
    return 0;
}
