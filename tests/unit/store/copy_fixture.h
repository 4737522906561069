/* What the tests of backup and restore share: a database with some records, and what is known of a copy. */
#ifndef M365KEEP_TEST_STORE_COPY_FIXTURE_H
#define M365KEEP_TEST_STORE_COPY_FIXTURE_H

#include <errno.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "fixture.h"

/* Commits events `from` to `to`, the last one not included. */
static inline void keep_events(struct fixture *fixture, int from, int to)
{
    struct store_page *page = page_new(fixture->customer, AT - 10000 + from, AT - 10000 + to);
    g_autoptr(GPtrArray) raws = g_ptr_array_new_with_free_func(g_free);
    for (int i = from; i < to; i++) {
        g_autofree char *id = g_strdup_printf("e%d", i), *when = timestamp_format_seconds(AT - 10000 + i);
        g_ptr_array_add(raws, raw_of(id, "the body of a record"));
        page_add(page, document_of(id, when, raws->pdata[raws->len - 1], "words of a record"));
    }
    commit(fixture, page);
    page_free(page);
}

/* A store with 20 events. */
static inline int setup_kept(void **state)
{
    if (setup_store(state) != 0)
        return -1;
    keep_events(*state, 0, 20);
    return 0;
}

/* A path in the test's folder. */
static inline char *beside(const struct fixture *fixture, const char *name)
{
    return g_build_filename(fixture->folder, name, NULL);
}

static inline int by_name(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names in the folder, sorted, with spaces between. */
static inline char *names_in(const struct fixture *fixture)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    GDir *dir = g_dir_open(fixture->folder, 0, NULL);
    for (const char *name; dir && (name = g_dir_read_name(dir));)
        g_ptr_array_add(names, g_strdup(name));
    g_dir_close(dir);
    g_ptr_array_sort(names, by_name);
    g_ptr_array_add(names, NULL);
    return g_strjoinv(" ", (char **)names->pdata);
}

static inline void assert_names(const struct fixture *fixture, const char *expected)
{
    g_autofree char *names = names_in(fixture);
    assert_string_equal(names, expected);
}

/* The copy opens, is sound, and holds so many events. */
static inline void assert_copy(const char *path, int events)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Store) copy = store_open(path, STORE_WRITE, &error);
    assert_ok(copy != NULL, error);
    assert_ok(store_verify(copy, &error), error);
    g_autofree char *count = rows_in(path, "SELECT count(*) FROM events");
    assert_int_equal(g_ascii_strtoll(count, NULL, 10), events);
}

/* Runs `work` in a process of its own; how that ended, as of waitpid(2). */
static inline int run_apart(void (*work)(void *data), void *data)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        work(data);
        _exit(0);
    }
    int status = -1;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    return status;
}

#endif
