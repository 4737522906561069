/* park.h - connections held back for a while: answers that come late or stall. The one place shared between the
 * server's thread and the main loop, which wakes them up. */
#ifndef SIM_PARK_H
#define SIM_PARK_H

#include <glib.h>
#include <microhttpd.h>
#include <stdbool.h>

struct park;

struct park *park_new(void);
void park_free(struct park *park);

/* Suspends the connection for wait_ms; its handler is then called again. False, and nothing done, once the park is
 * closed. Call from the server's thread only. */
bool park_hold(struct park *park, struct MHD_Connection *connection, guint wait_ms);

/* Wakes every connection and holds none any more: must come before the server stops. */
void park_close(struct park *park);

#endif
