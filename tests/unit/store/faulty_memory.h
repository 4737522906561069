/* faulty_memory - SQLite's memory, running out on demand. It stands before SQLite's usual allocator; GLib's is another,
 * and who runs out of that ends. */
#ifndef M365KEEP_TEST_STORE_FAULTY_MEMORY_H
#define M365KEEP_TEST_STORE_FAULTY_MEMORY_H

#include <sqlite3.h>
#include <stdbool.h>

#include "fault_points.h"

static struct {
    sqlite3_mem_methods real;
    bool armed, for_good; /* for good: no memory is given from fail_at on */
    unsigned calls, fail_at;
    const char *failed; /* the call that did, first; NULL: none */
} heap;

/* Makes the allocation number `fail_at` from now on fail; 0: none, they are only counted. */
static inline void memory_arm(unsigned fail_at, bool for_good)
{
    heap.armed = true;
    heap.for_good = for_good;
    heap.calls = 0;
    heap.fail_at = fail_at;
    heap.failed = NULL;
}

static inline void memory_disarm(void)
{
    heap.armed = false;
}

static bool memory_fails(const char *call)
{
    if (!heap.armed)
        return false;
    point_note(call);
    heap.calls++;
    if (heap.calls != heap.fail_at && !(heap.for_good && heap.failed))
        return false;
    if (!heap.failed)
        heap.failed = call;
    return true;
}

static void *memory_malloc(int bytes)
{
    return memory_fails("malloc") ? NULL : heap.real.xMalloc(bytes);
}

/* What cannot grow stays as it is. */
static void *memory_realloc(void *block, int bytes)
{
    return memory_fails("realloc") ? NULL : heap.real.xRealloc(block, bytes);
}

/* To be called before SQLite begins. */
static inline void memory_install(void)
{
    sqlite3_mem_methods faulty;
    sqlite3_config(SQLITE_CONFIG_GETMALLOC, &heap.real);
    faulty = heap.real;
    faulty.xMalloc = memory_malloc;
    faulty.xRealloc = memory_realloc;
    sqlite3_config(SQLITE_CONFIG_MALLOC, &faulty);
}

#endif
