/* progress - lines that are redrawn in place on a terminal while work goes on; nothing anywhere else. */
#ifndef M365KEEP_PROGRESS_H
#define M365KEEP_PROGRESS_H

#include <glib.h>
#include <stdbool.h>

struct progress;

/* Draws on stderr. With `on` false every call does nothing. Log lines step around it. */
struct progress *progress_new(bool on);

/* True when it is time to draw again: a few times a second, so that building the lines is worth it. */
bool progress_due(struct progress *progress);

/* Shows these lines (char *, safe for a terminal) in place of the last ones. */
void progress_draw(struct progress *progress, GPtrArray *lines);

/* Clears what is shown. NULL is accepted. */
void progress_free(struct progress *progress);

#endif
