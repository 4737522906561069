/* fault_points - the points at which something may fail, by the name of the call, and which of them are made to. */
#ifndef M365KEEP_TEST_STORE_FAULT_POINTS_H
#define M365KEEP_TEST_STORE_FAULT_POINTS_H

#include <glib.h>
#include <stdbool.h>

static struct {
    bool thorough;    /* as many as there is time for */
    GPtrArray *names; /* of the calls of a run in which none fails, in order; borrowed; NULL: nobody asks */
} points;

static inline void point_note(const char *name)
{
    if (points.names)
        g_ptr_array_add(points.names, (void *)name);
}

static inline bool point_has_name_among(const GPtrArray *names, guint from, guint to, const char *name)
{
    for (guint i = from; i < to; i++)
        if (g_str_equal(names->pdata[i], name))
            return true;
    return false;
}

/* The call number `n`, from 1, fails: of about `most` that are spread over the run, and, where `each` is wanted, the
 * first and the last of each name. */
static inline bool point_is_chosen(const GPtrArray *names, guint n, guint most, bool each)
{
    guint step = names->len / most + 1;
    if ((n - 1) % step == 0 || !each)
        return (n - 1) % step == 0;
    const char *name = names->pdata[n - 1];
    return !point_has_name_among(names, 0, n - 1, name) || !point_has_name_among(names, n, names->len, name);
}

#endif
