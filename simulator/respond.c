#include "respond.h"

#include <poll.h>
#include <string.h>

#include "park.h"
#include "squeeze.h"
#include "ticks.h"
#include "truth.h"

enum { BLOCK = 1 << 16, STALL_MS = 100 };

/* A body sent piece by piece. */
struct outflow {
    GString *body;
    struct truth *truth;
    gsize sent; /* of the truth's present piece */
    enum cut cut;
    gsize cut_at;
    struct park *park;
    struct MHD_Connection *connection;
};

static void outflow_free(void *cls)
{
    struct outflow *o = cls;

    g_string_free(o->body, TRUE);
    truth_free(o->truth);
    g_free(o);
}

static bool client_gone(struct MHD_Connection *connection)
{
    struct pollfd end = {.fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd,
                         .events = POLLRDHUP};

    return poll(&end, 1, 0) > 0; /* also where TLS's own goodbye lies before the end */
}

static ssize_t read_cut(void *cls, uint64_t at, char *buffer, size_t most)
{
    const struct outflow *o = cls;

    if (at < o->cut_at) {
        gsize piece = MIN(most, o->cut_at - at);
        memcpy(buffer, o->body->str + at, piece);
        return (ssize_t)piece;
    }
    if (o->cut == CUT_CLEAN)
        return MHD_CONTENT_READER_END_OF_STREAM;
    if (o->cut == CUT_STALL && !client_gone(o->connection) && park_hold(o->park, o->connection, STALL_MS))
        return 0;
    return MHD_CONTENT_READER_END_WITH_ERROR;
}

static ssize_t read_truth(void *cls, uint64_t at, char *buffer, size_t most)
{
    struct outflow *o = cls;

    (void)at;
    if (o->sent == o->body->len) {
        g_string_truncate(o->body, 0);
        o->sent = 0;
        if (!truth_read(o->truth, o->body, BLOCK))
            return MHD_CONTENT_READER_END_OF_STREAM;
    }
    gsize piece = MIN(most, o->body->len - o->sent);
    memcpy(buffer, o->body->str + o->sent, piece);
    o->sent += piece;
    return (ssize_t)piece;
}

static struct MHD_Response *make_flow(const struct request *rq, struct MHD_Connection *connection, struct answer *a)
{
    struct outflow *o = g_new0(struct outflow, 1);
    bool whole_length = a->cut == CUT_HARD || a->cut == CUT_STALL;

    *o = (struct outflow){.body = g_steal_pointer(&a->body),
                          .truth = g_steal_pointer(&a->truth),
                          .cut = a->cut,
                          .cut_at = a->cut_at,
                          .park = rq->sim->park,
                          .connection = connection};
    a->body = g_string_new(NULL);
    return MHD_create_response_from_callback(whole_length ? o->body->len : MHD_SIZE_UNKNOWN, BLOCK,
                                             o->truth ? read_truth : read_cut, o, outflow_free);
}

static struct MHD_Response *make_whole(struct answer *a)
{
    gsize len = a->body->len;
    char *bytes = g_string_free(g_steal_pointer(&a->body), FALSE);

    a->body = g_string_new(NULL);
    return MHD_create_response_from_buffer_with_free_callback(len, bytes, g_free);
}

static void squeeze_if_asked(const struct request *rq, struct answer *a)
{
    if (!rq->sim->options->gzip || !rq->accept_encoding || !strstr(rq->accept_encoding, "gzip") || a->truth ||
        a->body->len < 1024 || answer_find_header(a, "Content-Encoding"))
        return;
    squeeze_body(a->body);
    a->cut_at = MIN(a->cut_at, a->body->len);
    answer_header(a, "Content-Encoding", "gzip");
    answer_header(a, "Vary", "Accept-Encoding");
}

static void add_common_headers(const struct request *rq, struct MHD_Response *response)
{
    g_autoptr(GString) date = g_string_new(NULL);

    ticks_append_http_date(date, sim_clock_now(&rq->sim->clock));
    MHD_add_response_header(response, "Date", date->str);
    MHD_add_response_header(response, request_is_login(rq) ? "x-ms-request-id" : "request-id", rq->request_id);
    if (rq->client_request_id)
        MHD_add_response_header(response, "client-request-id", rq->client_request_id);
    if (!request_is_login(rq))
        MHD_add_response_header(
            response, "x-ms-ags-diagnostic",
            "{\"ServerInfo\":{\"DataCenter\":\"Loopback\",\"Slice\":\"E\",\"Ring\":\"1\",\"ScaleUnit\":\"000\","
            "\"RoleInstance\":\"M365KEEPSIM0000\"}}");
}

enum MHD_Result respond(const struct request *rq, struct MHD_Connection *connection, struct answer *a)
{
    squeeze_if_asked(rq, a);
    struct MHD_Response *response = a->truth || a->cut != CUT_NONE ? make_flow(rq, connection, a) : make_whole(a);
    if (!response)
        return MHD_NO;
    add_common_headers(rq, response);
    for (guint k = 0; k < a->headers->len; k += 2)
        MHD_add_response_header(response, g_ptr_array_index(a->headers, k), g_ptr_array_index(a->headers, k + 1));
    enum MHD_Result result = MHD_queue_response(connection, a->status, response);
    MHD_destroy_response(response);
    return result;
}
