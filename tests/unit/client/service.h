/* service - plays Microsoft's services for a test: a small real HTTP/1.1 server on loopback, in threads of this
 * process.
 *
 * A route is the beginning of a request's first line ("GET /v1.0/users"). What it has been told to say is said in
 * order; after that, a POST gets a token (token-1, token-2 ...) and a GET a page of one record. */
#ifndef TESTS_CLIENT_SERVICE_H
#define TESTS_CLIENT_SERVICE_H

#include <arpa/inet.h>
#include <errno.h>
#include <glib.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum service_manner {
    SERVICE_KEEP,  /* keep the connection */
    SERVICE_CLOSE, /* close it after the answer */
    SERVICE_RESET, /* reset it after the answer */
    SERVICE_STALL, /* say nothing more until the end of the test */
};

struct service_reply {
    char *bytes;
    size_t length;
    enum service_manner manner;
    bool again; /* said again and again, once its turn has come */
};

struct service_request {
    char *text; /* head and body */
    int64_t at_us;
};

struct service {
    int listener;
    int port;
    pthread_t thread;      /* POSIX threads and locks throughout: thread checkers know them */
    pthread_mutex_t mutex; /* guards all below */
    bool stopping;
    GHashTable *routes; /* char * -> GQueue of struct service_reply * */
    GPtrArray *requests;
    GArray *sockets;        /* int; -1 once closed */
    GArray *threads;        /* pthread_t */
    unsigned tokens;        /* given out */
    const char *dead_token; /* a GET with it gets 401; NULL: none */
};

struct service_connection {
    struct service *service;
    guint index; /* in sockets */
    int fd;
};

/* --- what is said ------------------------------------------------------------------------------------------------- */

static inline void service_reply_free(gpointer reply)
{
    g_free(((struct service_reply *)reply)->bytes);
    g_free(reply);
}

static inline void service_queue_free(gpointer queue)
{
    g_queue_free_full(queue, service_reply_free);
}

static inline void service_request_free(gpointer request)
{
    g_free(((struct service_request *)request)->text);
    g_free(request);
}

/* The next answer on `route` is these bytes, whatever they are. */
static inline void service_raw(struct service *service, const char *route, const void *bytes, size_t length,
                               enum service_manner manner)
{
    struct service_reply *reply = g_new0(struct service_reply, 1);

    reply->bytes = g_memdup2(bytes, length);
    reply->length = length;
    reply->manner = manner;
    pthread_mutex_lock(&service->mutex);
    GQueue *queue = g_hash_table_lookup(service->routes, route);
    if (!queue) {
        queue = g_queue_new();
        g_hash_table_insert(service->routes, g_strdup(route), queue);
    }
    g_queue_push_tail(queue, reply);
    pthread_mutex_unlock(&service->mutex);
}

/* The next `times` answers on `route`: a proper one with this status, these header lines (each ended by \r\n) and this
 * body. */
static inline void service_say(struct service *service, const char *route, unsigned times, int status,
                               const char *headers, const char *body)
{
    g_autofree char *text =
        g_strdup_printf("HTTP/1.1 %d Word\r\n%sContent-Length: %zu\r\n\r\n%s", status, headers, strlen(body), body);

    for (unsigned i = 0; i < times; i++)
        service_raw(service, route, text, strlen(text), SERVICE_KEEP);
}

/* From here on every answer on `route` is this one. */
static inline void service_always(struct service *service, const char *route, const char *body)
{
    service_say(service, route, 1, 200, "", body);
    pthread_mutex_lock(&service->mutex);
    GQueue *queue = g_hash_table_lookup(service->routes, route);
    ((struct service_reply *)g_queue_peek_tail(queue))->again = true;
    pthread_mutex_unlock(&service->mutex);
}

static inline struct service_reply *service_copy(const struct service_reply *reply)
{
    struct service_reply *copy = g_memdup2(reply, sizeof *reply);

    copy->bytes = g_memdup2(reply->bytes, reply->length);
    return copy;
}

static inline struct service_reply *service_default(struct service *service, const char *request)
{
    struct service_reply *reply = g_new0(struct service_reply, 1);

    if (service->dead_token && strstr(request, service->dead_token)) {
        reply->bytes = g_strdup("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n");
        reply->length = strlen(reply->bytes);
        return reply;
    }
    g_autofree char *body =
        g_str_has_prefix(request, "POST")
            ? g_strdup_printf("{\"token_type\":\"Bearer\",\"expires_in\":3599,\"access_token\":\"token-%u\"}",
                              ++service->tokens)
            : g_strdup("{\"value\":[{\"id\":\"1\"}]}");

    reply->bytes = g_strdup_printf("HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", strlen(body), body);
    reply->length = strlen(reply->bytes);
    return reply;
}

/* What is said next; NULL when there is nothing left. */
static inline struct service_reply *service_next(GQueue *queue)
{
    const struct service_reply *reply = g_queue_peek_head(queue);

    return reply && reply->again ? service_copy(reply) : g_queue_pop_head(queue);
}

/* Notes a request and finds its answer. */
static inline struct service_reply *service_take(struct service *service, const char *text)
{
    struct service_request *request = g_new0(struct service_request, 1);
    struct service_reply *reply = NULL;
    GHashTableIter routes;
    gpointer route, queue;

    request->text = g_strdup(text);
    request->at_us = g_get_monotonic_time();
    pthread_mutex_lock(&service->mutex);
    g_ptr_array_add(service->requests, request);
    g_hash_table_iter_init(&routes, service->routes);
    while (!reply && g_hash_table_iter_next(&routes, &route, &queue))
        if (g_str_has_prefix(text, route))
            reply = service_next(queue);
    if (!reply)
        reply = service_default(service, text);
    pthread_mutex_unlock(&service->mutex);
    return reply;
}

/* --- what was asked ----------------------------------------------------------------------------------------------- */

/* From now on the service refuses this token (a literal). */
static inline void service_kill_token(struct service *service, const char *token)
{
    pthread_mutex_lock(&service->mutex);
    service->dead_token = token;
    pthread_mutex_unlock(&service->mutex);
}

/* How many requests began with `route`. */
static inline unsigned service_count(struct service *service, const char *route)
{
    unsigned count = 0;

    pthread_mutex_lock(&service->mutex);
    for (guint i = 0; i < service->requests->len; i++)
        count += g_str_has_prefix(((struct service_request *)service->requests->pdata[i])->text, route) ? 1 : 0;
    pthread_mutex_unlock(&service->mutex);
    return count;
}

/* The nth (from 0) request on `route`, or NULL. Valid until service_stop. */
static inline const struct service_request *service_request(struct service *service, const char *route, unsigned n)
{
    const struct service_request *found = NULL;

    pthread_mutex_lock(&service->mutex);
    for (guint i = 0; !found && i < service->requests->len; i++) {
        const struct service_request *request = service->requests->pdata[i];
        if (g_str_has_prefix(request->text, route) && n-- == 0)
            found = request;
    }
    pthread_mutex_unlock(&service->mutex);
    return found;
}

static inline unsigned service_connections(struct service *service)
{
    pthread_mutex_lock(&service->mutex);
    unsigned count = service->sockets->len;
    pthread_mutex_unlock(&service->mutex);
    return count;
}

/* --- the server --------------------------------------------------------------------------------------------------- */

/* Bytes received. Not a GString: thread checkers do not see GLib's own allocator hand memory from thread to thread. */
struct service_input {
    char *bytes; /* NUL after them */
    size_t length;
};

static inline void service_append(struct service_input *in, const char *bytes, size_t length)
{
    in->bytes = g_realloc(in->bytes, in->length + length + 1);
    memcpy(in->bytes + in->length, bytes, length);
    in->length += length;
    in->bytes[in->length] = '\0';
}

/* The first "ECHO" of a reply says what stands in the request's form under client_assertion. */
static inline void service_echo(struct service_reply *reply, const char *request)
{
    char *place = reply->length > 0 ? g_strstr_len(reply->bytes, (gssize)reply->length, "ECHO") : NULL;
    const char *value = place ? strstr(request, "client_assertion=") : NULL;

    if (!value)
        return;
    value += strlen("client_assertion=");
    g_autoptr(GString) bytes = g_string_new_len(reply->bytes, place - reply->bytes);
    g_string_append_len(bytes, value, (gssize)strcspn(value, "&"));
    g_string_append_len(bytes, place + strlen("ECHO"), reply->bytes + reply->length - place - (gssize)strlen("ECHO"));
    g_free(reply->bytes);
    reply->length = bytes->len;
    reply->bytes = g_memdup2(bytes->str, bytes->len);
}

/* One request, head and body, into `in`; false at the end of the connection. */
static inline bool service_read(int fd, struct service_input *in)
{
    char bytes[4096];

    in->length = 0;
    service_append(in, "", 0);
    for (;;) {
        const char *end = strstr(in->bytes, "\r\n\r\n");
        const char *length = end ? strcasestr(in->bytes, "\r\ncontent-length:") : NULL;
        size_t body = length && length < end ? strtoul(length + strlen("\r\ncontent-length:"), NULL, 10) : 0;
        if (end && in->length >= (size_t)(end - in->bytes) + 4 + body)
            return true;
        ssize_t n = recv(fd, bytes, sizeof bytes, 0);
        if (n <= 0 || bytes[0] == 0x16) /* somebody speaks TLS */
            return false;
        service_append(in, bytes, (size_t)n);
    }
}

static inline void service_send(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t n = send(fd, bytes, length, MSG_NOSIGNAL);
        if (n <= 0)
            return;
        bytes += n;
        length -= (size_t)n;
    }
}

static inline void service_wait_for_end(int fd)
{
    char byte;

    while (recv(fd, &byte, 1, 0) > 0)
        continue;
}

static inline void *service_connection_main(void *data)
{
    struct service_connection *connection = data;
    struct service_input in = {0};
    enum service_manner manner = SERVICE_KEEP;

    while (manner == SERVICE_KEEP && service_read(connection->fd, &in)) {
        struct service_reply *reply = service_take(connection->service, in.bytes);
        service_echo(reply, in.bytes);
        service_send(connection->fd, reply->bytes, reply->length);
        manner = reply->manner;
        service_reply_free(reply);
    }
    if (manner == SERVICE_STALL)
        service_wait_for_end(connection->fd);
    if (manner == SERVICE_RESET)
        setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1}, sizeof(struct linger));
    pthread_mutex_lock(&connection->service->mutex);
    g_array_index(connection->service->sockets, int, connection->index) = -1;
    close(connection->fd);
    pthread_mutex_unlock(&connection->service->mutex);
    g_free(in.bytes);
    g_free(connection);
    return NULL;
}

static inline void *service_main(void *data)
{
    struct service *service = data;

    for (;;) {
        int fd = accept(service->listener, NULL, NULL);
        if (fd < 0)
            return NULL;
        pthread_mutex_lock(&service->mutex);
        if (service->stopping) {
            pthread_mutex_unlock(&service->mutex);
            close(fd);
            return NULL;
        }
        struct service_connection *connection = g_new0(struct service_connection, 1);
        connection->service = service;
        connection->index = service->sockets->len;
        connection->fd = fd;
        g_array_append_val(service->sockets, fd);
        pthread_t thread;
        if (pthread_create(&thread, NULL, service_connection_main, connection) != 0)
            g_error("no thread for a connection");
        g_array_append_val(service->threads, thread);
        pthread_mutex_unlock(&service->mutex);
    }
}

static inline struct service *service_start(void)
{
    struct service *service = g_new0(struct service, 1);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;

    pthread_mutex_init(&service->mutex, NULL);
    service->routes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, service_queue_free);
    service->requests = g_ptr_array_new_with_free_func(service_request_free);
    service->sockets = g_array_new(FALSE, FALSE, sizeof(int));
    service->threads = g_array_new(FALSE, FALSE, sizeof(pthread_t));
    service->listener = socket(AF_INET, SOCK_STREAM, 0);
    if (service->listener < 0 || bind(service->listener, (struct sockaddr *)&address, length) != 0 ||
        listen(service->listener, 64) != 0 || getsockname(service->listener, (struct sockaddr *)&address, &length) != 0)
        g_error("no server on loopback: %s", g_strerror(errno));
    service->port = ntohs(address.sin_port);
    if (pthread_create(&service->thread, NULL, service_main, service) != 0)
        g_error("no thread for the server");
    return service;
}

/* Ends every connection and thread. */
static inline void service_stop(struct service *service)
{
    pthread_mutex_lock(&service->mutex);
    service->stopping = true;
    for (guint i = 0; i < service->sockets->len; i++)
        if (g_array_index(service->sockets, int, i) >= 0)
            shutdown(g_array_index(service->sockets, int, i), SHUT_RDWR);
    pthread_mutex_unlock(&service->mutex);
    shutdown(service->listener, SHUT_RDWR);
    pthread_join(service->thread, NULL);
    close(service->listener);
    for (guint i = 0; i < service->threads->len; i++)
        pthread_join(g_array_index(service->threads, pthread_t, i), NULL);
    g_array_unref(service->threads);
    g_array_unref(service->sockets);
    g_ptr_array_unref(service->requests);
    g_hash_table_unref(service->routes);
    pthread_mutex_destroy(&service->mutex);
    g_free(service);
}

#endif
