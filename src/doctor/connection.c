#include "doctor/connection.h"

GCancellable *connection_call_new(void)
{
    GCancellable *call = g_cancellable_new();

    /* GLib makes its descriptor when it is first waited for. Made here, before any thread waits, it is none of the
     * races that ThreadSanitizer, which does not see into GLib, would report. */
    g_cancellable_get_fd(call);
    return call;
}

void connection_call_free(GCancellable *call)
{
    g_cancellable_release_fd(call);
    g_object_unref(call);
}

GSocketConnection *connection_open(GSocketConnectable *address, GCancellable *call, GError **error)
{
    g_autoptr(GSocketClient) client = g_socket_client_new();

    g_socket_client_set_enable_proxy(client, FALSE);
    return g_socket_client_connect(client, address, call, error);
}

char *connection_words(const GError *error)
{
    return g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED)
               ? g_strdup_printf("no answer within %d s", CONNECTION_LIMIT_S)
               : g_strdup(error->message);
}
