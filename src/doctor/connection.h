/* connection - a TCP or Unix connection that another thread can call off; and what its failure says. */
#ifndef M365KEEP_DOCTOR_CONNECTION_H
#define M365KEEP_DOCTOR_CONNECTION_H

#include <gio/gio.h>

enum { CONNECTION_LIMIT_S = 10 }; /* what a server may take for all of its answers */

/* Calls off what waits with it, from any thread. Returned: connection_call_free. */
GCancellable *connection_call_new(void);
void connection_call_free(GCancellable *call);

/* Connects; through no proxy, as neither the mail library nor MongoDB's driver does. NULL with *error. Returned:
 * g_object_unref. */
GSocketConnection *connection_open(GSocketConnectable *address, GCancellable *call, GError **error);

/* Why it failed; a call that was called off had its time. Returned: g_free. */
char *connection_words(const GError *error);

#endif
