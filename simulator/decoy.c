#include "decoy.h"

#include <arpa/inet.h>
#include <glib.h>
#include <microhttpd.h>
#include <string.h>

struct decoy {
    struct MHD_Daemon *daemon;
    char *url;
    gint requests, authorized; /* atomic: counted in the decoy's own thread */
};

static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *url, const char *method,
                                  const char *version, const char *upload, size_t *upload_size, void **state)
{
    static const char body[] = "{\"value\":[]}";
    static char begun;
    struct decoy *d = cls;

    (void)url;
    (void)method;
    (void)version;
    (void)upload;
    if (!*state) {
        *state = &begun;
        g_atomic_int_inc(&d->requests);
        if (MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Authorization"))
            g_atomic_int_inc(&d->authorized);
        return MHD_YES;
    }
    if (*upload_size > 0) {
        *upload_size = 0;
        return MHD_YES;
    }
    struct MHD_Response *response =
        MHD_create_response_from_buffer(strlen(body), (void *)(gpointer)(gsize)body, MHD_RESPMEM_PERSISTENT);
    MHD_add_response_header(response, "Content-Type", "application/json");
    enum MHD_Result result = MHD_queue_response(connection, 200, response);
    MHD_destroy_response(response);
    return result;
}

struct decoy *decoy_new(const char *host)
{
    struct decoy *d = g_new0(struct decoy, 1);
    struct sockaddr_in address = {.sin_family = AF_INET};

    inet_pton(AF_INET, host, &address.sin_addr);
    d->daemon = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, on_request, d, MHD_OPTION_SOCK_ADDR,
                                 &address, MHD_OPTION_END);
    if (!d->daemon) {
        g_free(d);
        return NULL;
    }
    d->url = g_strdup_printf("http://%s:%u", host, MHD_get_daemon_info(d->daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
    return d;
}

void decoy_free(struct decoy *d)
{
    if (!d)
        return;
    MHD_stop_daemon(d->daemon);
    g_free(d->url);
    g_free(d);
}

const char *decoy_url(const struct decoy *d)
{
    return d->url;
}

void decoy_stats(const struct decoy *d, cJSON *stats)
{
    cJSON_AddNumberToObject(stats, "decoy_requests", g_atomic_int_get(&d->requests));
    cJSON_AddNumberToObject(stats, "decoy_authorized", g_atomic_int_get(&d->authorized));
}

void decoy_reset(struct decoy *d)
{
    g_atomic_int_set(&d->requests, 0);
    g_atomic_int_set(&d->authorized, 0);
}
