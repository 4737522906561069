/* coverage - which time of a source has been read, and where the reading of a window stands.
 *
 * Spans of one part never overlap. A later reading replaces what lies inside its window and trims what sticks out:
 * nothing that was known to be read, or lost, outside of the window changes. All calls run inside a transaction of the
 * caller's. */
#ifndef M365KEEP_STORE_COVERAGE_H
#define M365KEEP_STORE_COVERAGE_H

#include "store/store.h"

/* Whose coverage. Strings are borrowed. */
struct coverage_part {
    int64_t customer_id;
    const char *source, *part;
};

/* The spans that overlap the window, by time. Returned: GArray of struct store_coverage. NULL with *error. */
GArray *coverage_overlap(struct store *store, const struct coverage_part *part, struct store_window window,
                         GError **error);

/* True when `second` lies in one of `spans` that had been read to its end. */
bool coverage_was_read(const GArray *spans, int64_t second);

/* The window has been read to its end: one span, `records` in it, `late` of them unseen by earlier readings. */
bool coverage_mark_read(struct store *store, const struct coverage_part *part, struct store_window window,
                        int64_t read_at, int64_t records, int64_t late, GError **error);

/* Reading of the window has begun: what no span covers becomes open. */
bool coverage_mark_open(struct store *store, const struct coverage_part *part, struct store_window window,
                        GError **error);

/* --- cursor ----------------------------------------------------------------------------------------------------------
 */

/* How many late records the pages of this window had that are already committed. */
bool cursor_late(struct store *store, const struct coverage_part *part, struct store_window window, int64_t *late,
                 GError **error);

/* Keeps where the window goes on. */
bool cursor_save(struct store *store, const struct coverage_part *part, const struct store_cursor *cursor, int64_t late,
                 GError **error);

/* The window is done: a cursor into it, or into a window that it overlaps, is of no more use. */
bool cursor_drop(struct store *store, const struct coverage_part *part, struct store_window window, GError **error);

#endif
