#include "client/transfer.h"

#include <string.h>

#include "base/text.h"
#include "client/decide.h"
#include "client/link.h"
#include "client/proxy.h"
#include "config.h"

enum {
    CONNECT_TIMEOUT_MS = 30000,
    TRICKLE_BYTES_A_SECOND = 64, /* whoever sends less keeps others from their turn */
    WHOLE_TIMEOUT_MS = 3600000,  /* a large blob over a slow line is fine; the stall timer catches the rest */
    TEXT_MAX_BYTES = 256 * 1024,
    HEADER_MAX_BYTES = 16 * 1024,
    ACCEPTED = 202,
    /* One TLS record. What libcurl has read and inflated of a paused transfer it keeps itself, uncounted: a little. */
    RECEIVE_BUFFER_BYTES = 16 * 1024,
};

/* --- what is received --------------------------------------------------------------------------------------------- */

/* 0 before there is an answer; -1 when libcurl does not tell. */
static int status_of(const struct transfer *transfer)
{
    long status = 0;

    if (curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status) != CURLE_OK)
        return -1;
    return (int)status;
}

static void forget_headers(struct transfer *transfer)
{
    g_clear_pointer(&transfer->retry_after, g_free);
    g_clear_pointer(&transfer->request_id, g_free);
    g_clear_pointer(&transfer->location, g_free);
    g_clear_pointer(&transfer->authenticate, g_free);
    transfer->date = 0;
}

/* Headers given twice are joined by a comma, as RFC 9110 section 5.2 has it. */
static void add_value(char **value, const char *more)
{
    char *joined = *value ? g_strdup_printf("%s, %s", *value, more) : g_strdup(more);

    g_free(*value);
    *value = joined;
}

static void keep_header(struct transfer *transfer, const char *name, const char *value)
{
    if (g_ascii_strcasecmp(name, "retry-after") == 0)
        add_value(&transfer->retry_after, value);
    else if (g_ascii_strcasecmp(name, "www-authenticate") == 0)
        add_value(&transfer->authenticate, value);
    else if (g_ascii_strcasecmp(name, "date") == 0)
        transfer->date = decide_http_date(value);
    else if (g_ascii_strcasecmp(name, "location") == 0 && !transfer->location)
        transfer->location = g_strdup(value);
    else if ((g_ascii_strcasecmp(name, "request-id") == 0 || g_ascii_strcasecmp(name, "x-ms-request-id") == 0) &&
             !transfer->request_id)
        transfer->request_id = failure_clean(value, strlen(value), FAILURE_CODE_BYTES);
}

static size_t on_header(char *bytes, size_t size, size_t count, void *user)
{
    struct transfer *transfer = user;
    size_t length = size * count;

    transfer->active_us = g_get_monotonic_time();
    if (!transfer->begun)
        transfer->order.answered(transfer->order.user);
    transfer->begun = true;
    if (length >= 5 && memcmp(bytes, "HTTP/", 5) == 0) {
        forget_headers(transfer); /* those of a 100 or of a proxy's answer */
        return length;
    }
    const char *colon = memchr(bytes, ':', length);
    if (!colon || length > HEADER_MAX_BYTES)
        return length;
    g_autofree char *name = g_strndup(bytes, (size_t)(colon - bytes));
    g_autofree char *value = g_strndup(colon + 1, length - (size_t)(colon + 1 - bytes));
    keep_header(transfer, name, g_strstrip(value));
    return length;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *user)
{
    struct transfer *transfer = user;
    size_t length = size * count;

    transfer->active_us = g_get_monotonic_time();
    int status = status_of(transfer);
    if (status < 0) /* what is left of a page without this part might look whole */
        return 0;
    bool page = transfer->order.page && status / 100 == 2;
    transfer->paused = page && !transfer->order.grows(length, transfer->order.user);
    if (transfer->paused)
        return CURL_WRITEFUNC_PAUSE;
    transfer->body_bytes += (int64_t)length;
    if (page)
        return json_page_feed(transfer->order.page, bytes, length, &transfer->page_error) ? length : 0;
    size_t room = TEXT_MAX_BYTES - transfer->text->len;
    if (length > room)
        transfer->text_cut = true;
    g_string_append_len(transfer->text, bytes, (gssize)MIN(length, room));
    return length;
}

/* The body that is sent goes out piece by piece, so that a slow line is not taken for a stall, and never twice: there
 * is no function to wind it back, and where libcurl wants to send again what it sent on a dead connection, it fails. */
static size_t on_posting(char *bytes, size_t size, size_t count, void *user)
{
    struct transfer *transfer = user;
    gsize length = 0;
    const char *body = g_bytes_get_data(transfer->order.body, &length);

    transfer->active_us = g_get_monotonic_time();
    if (!transfer->asked)
        transfer->held_back = !transfer->order.begins(transfer->order.user);
    transfer->asked = true;
    if (transfer->held_back)
        return CURL_READFUNC_ABORT;
    size_t piece = MIN(size * count, length - transfer->body_sent);
    memcpy(bytes, body + transfer->body_sent, piece);
    transfer->body_sent += piece;
    transfer->handed_over = transfer->body_sent == length;
    return piece;
}

/* The connection stands and the request goes out now. The parameters are libcurl's. */
/* NOLINTNEXTLINE(readability-non-const-parameter) */
static int on_sending(void *user, char *to_ip, char *from_ip, int to_port, int from_port)
{
    struct transfer *transfer = user;

    (void)to_ip, (void)from_ip, (void)to_port, (void)from_port;
    transfer->active_us = g_get_monotonic_time();
    transfer->order.sent(transfer->order.user);
    return CURL_PREREQFUNC_OK;
}

/* --- what is sent ------------------------------------------------------------------------------------------------- */

static bool add_line(struct transfer *transfer, const char *line)
{
    struct curl_slist *longer = curl_slist_append(transfer->header_lines, line);

    if (!longer)
        return false;
    transfer->header_lines = longer;
    return true;
}

static bool add_header(struct transfer *transfer, const char *name, const char *value)
{
    char *line = g_strconcat(name, ": ", value, NULL);
    bool added = add_line(transfer, line);

    text_free_secret(line);
    return added;
}

static bool add_lines(struct transfer *transfer)
{
    const struct transfer_order *order = &transfer->order;
    bool added = add_header(transfer, "Accept", "application/json") &&
                 add_header(transfer, "Prefer", "include-unknown-enum-members") &&
                 add_header(transfer, "client-request-id", transfer->client_request_id);

    if (added && order->body) /* and no asking first: the answer would be awaited for a second where none comes */
        added = add_header(transfer, "Content-Type", order->content_type) && add_line(transfer, "Expect:");
    for (int i = 0; added && order->headers && order->headers[i]; i++)
        added = add_line(transfer, order->headers[i]);
    if (added && order->bearer) {
        char *value = g_strconcat("Bearer ", order->bearer, NULL);
        added = add_header(transfer, "Authorization", value);
        text_free_secret(value);
    }
    return added;
}

/* All options in one go; the first that libcurl refuses stops it. */
#define SET(option, value)                                                                                             \
    do {                                                                                                               \
        if (result == CURLE_OK)                                                                                        \
            result = curl_easy_setopt(transfer->easy, (option), (value));                                              \
    } while (0)

static CURLcode set_safety(struct transfer *transfer)
{
    bool plain = link_is_plain(transfer->order.url);
    CURLcode result = CURLE_OK;

    SET(CURLOPT_PROTOCOLS_STR, plain ? "http" : "https");
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_SSL_VERIFYHOST, 2L);
    SET(CURLOPT_PROXY_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_PROXY_SSL_VERIFYHOST, 2L);
    if (transfer->order.ca_file) {
        SET(CURLOPT_CAINFO, transfer->order.ca_file);
        SET(CURLOPT_PROXY_CAINFO, transfer->order.ca_file);
    }
    if (plain) /* what is unprotected stays on this machine */
        SET(CURLOPT_PROXY, "");
    SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    SET(CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE);
    return result;
}

/* A kept connection may have died, and HTTP/2 may turn a stream away: libcurl would send again. */
static CURLcode set_body(struct transfer *transfer)
{
    CURLcode result = CURLE_OK;

    SET(CURLOPT_POST, 1L);
    SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)g_bytes_get_size(transfer->order.body));
    SET(CURLOPT_READFUNCTION, on_posting);
    SET(CURLOPT_READDATA, transfer);
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_FRESH_CONNECT, 1L);
    return result;
}

static CURLcode set_request(struct transfer *transfer)
{
    CURLcode result = CURLE_OK;

    SET(CURLOPT_URL, transfer->order.url);
    SET(CURLOPT_PATH_AS_IS, 1L); /* links are used byte for byte */
    if (transfer->order.form) {
        SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(transfer->order.form));
        SET(CURLOPT_POSTFIELDS, transfer->order.form);
    }
    SET(CURLOPT_HTTPHEADER, transfer->header_lines);
    SET(CURLOPT_USERAGENT, "m365keep/" M365KEEP_VERSION);
    SET(CURLOPT_ACCEPT_ENCODING, "gzip");
    SET(CURLOPT_FRESH_CONNECT, transfer->order.new_connection ? 1L : 0L);
    SET(CURLOPT_TCP_KEEPALIVE, 1L);
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS);
    SET(CURLOPT_TIMEOUT_MS, (long)WHOLE_TIMEOUT_MS);
    SET(CURLOPT_LOW_SPEED_LIMIT, (long)TRICKLE_BYTES_A_SECOND);
    SET(CURLOPT_LOW_SPEED_TIME, (long)MAX(2 * transfer->order.silence_s, 2));
    SET(CURLOPT_NOSIGNAL, 1L);
    /* A name is looked up in a thread. One that a dead name server keeps is left behind when its time is over: waiting
       for it here would hold up everybody else. */
    SET(CURLOPT_QUICK_EXIT, 1L);
    SET(CURLOPT_BUFFERSIZE, (long)RECEIVE_BUFFER_BYTES);
    return result;
}

static CURLcode set_callbacks(struct transfer *transfer)
{
    CURLcode result = CURLE_OK;

    SET(CURLOPT_ERRORBUFFER, transfer->curl_words);
    SET(CURLOPT_HEADERFUNCTION, on_header);
    SET(CURLOPT_HEADERDATA, transfer);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, transfer);
    SET(CURLOPT_PREREQFUNCTION, on_sending);
    SET(CURLOPT_PREREQDATA, transfer);
    return result;
}
#undef SET

static CURLcode prepare(struct transfer *transfer)
{
    CURLcode result = CURLE_OUT_OF_MEMORY;

    transfer->easy = curl_easy_init();
    if (!transfer->easy || !add_lines(transfer))
        return result;
    result = set_safety(transfer);
    if (result == CURLE_OK)
        result = set_request(transfer);
    if (result == CURLE_OK && transfer->order.body)
        result = set_body(transfer);
    if (result == CURLE_OK)
        result = set_callbacks(transfer);
    return result;
}

struct transfer *transfer_new(const struct transfer_order *order, char **words)
{
    struct transfer *transfer = g_new0(struct transfer, 1);

    transfer->order = *order;
    transfer->text = g_string_new(NULL);
    transfer->client_request_id = g_uuid_string_random();
    transfer->secret = g_strdup(order->secret ? order->secret : order->bearer);
    transfer->order.bearer = transfer->secret && !order->secret ? transfer->secret : order->bearer;
    transfer->active_us = g_get_monotonic_time();
    if (order->page)
        json_page_reset(order->page);
    CURLcode result = prepare(transfer);
    if (result != CURLE_OK) {
        *words = g_strdup(curl_easy_strerror(result));
        transfer_free(transfer);
        return NULL;
    }
    return transfer;
}

void transfer_free(struct transfer *transfer)
{
    if (!transfer)
        return;
    curl_easy_cleanup(transfer->easy);
    for (struct curl_slist *line = transfer->header_lines; line; line = line->next)
        explicit_bzero(line->data, strlen(line->data));
    curl_slist_free_all(transfer->header_lines);
    explicit_bzero(transfer->text->str, transfer->text->len); /* may be a token */
    g_string_free(transfer->text, TRUE);
    g_clear_error(&transfer->page_error);
    forget_headers(transfer);
    text_free_secret(transfer->secret);
    g_free(transfer->client_request_id);
    g_free(transfer);
}

CURLcode transfer_continue(struct transfer *transfer)
{
    transfer->paused = false;
    transfer->active_us = g_get_monotonic_time(); /* the pause was ours */
    return curl_easy_pause(transfer->easy, CURLPAUSE_CONT);
}

/* --- what it came to ---------------------------------------------------------------------------------------------- */

enum trouble {
    TROUBLE_OTHER = 0,
    TROUBLE_TIME = 1,  /* too slow */
    TROUBLE_LOST = 2,  /* the connection went away */
    TROUBLE_TRUST = 4, /* not the server that we want */
    TROUBLE_BODY = 8,  /* the answer ended early or is garbled */
};

static const struct {
    CURLcode result;
    enum trouble trouble;
    const char *code;
} troubles[] = {
    {CURLE_COULDNT_RESOLVE_HOST, TROUBLE_OTHER, "dns"},
    {CURLE_COULDNT_RESOLVE_PROXY, TROUBLE_OTHER, "proxy"},
    {CURLE_PROXY, TROUBLE_OTHER, "proxy"},
    {CURLE_COULDNT_CONNECT, TROUBLE_OTHER, "connect"},
    {CURLE_OPERATION_TIMEDOUT, TROUBLE_TIME, "timeout"},
    {CURLE_SSL_CONNECT_ERROR, TROUBLE_OTHER, "tls"},
    {CURLE_PEER_FAILED_VERIFICATION, TROUBLE_TRUST, "certificate"},
    {CURLE_SSL_ISSUER_ERROR, TROUBLE_TRUST, "certificate"},
    {CURLE_SSL_INVALIDCERTSTATUS, TROUBLE_TRUST, "certificate"},
    {CURLE_SSL_CACERT_BADFILE, TROUBLE_TRUST, "ca_file"},
    {CURLE_RECV_ERROR, TROUBLE_LOST, "connection_lost"},
    {CURLE_SEND_ERROR, TROUBLE_LOST, "connection_lost"},
    {CURLE_GOT_NOTHING, TROUBLE_LOST, "connection_lost"},
    {CURLE_HTTP2, TROUBLE_LOST, "connection_lost"},
    {CURLE_HTTP2_STREAM, TROUBLE_LOST, "connection_lost"},
    {CURLE_PARTIAL_FILE, TROUBLE_BODY, "truncated"},
    {CURLE_BAD_CONTENT_ENCODING, TROUBLE_BODY, "garbled"},
};

/* The proxy's refusal of a tunnel reaches us as a broken transfer. */
static bool proxy_refused(const struct transfer *transfer)
{
    long code = 0;

    return curl_easy_getinfo(transfer->easy, CURLINFO_HTTP_CONNECTCODE, &code) == CURLE_OK && code >= 300;
}

static void judge_network(struct transfer *transfer, CURLcode result, struct client_outcome *outcome,
                          struct service_error *error)
{
    enum trouble trouble = TROUBLE_OTHER;
    const char *code = "network";

    for (size_t i = 0; i < G_N_ELEMENTS(troubles); i++) {
        if (troubles[i].result == result) {
            trouble = troubles[i].trouble;
            code = troubles[i].code;
        }
    }
    if (proxy_refused(transfer)) {
        trouble = TROUBLE_OTHER;
        code = "proxy";
    }
    if (trouble == TROUBLE_BODY && outcome->status / 100 == 2) {
        outcome->body_bad = true;
    } else {
        outcome->network_error = true;
        outcome->timed_out = trouble == TROUBLE_TIME;
        outcome->connection_lost = trouble == TROUBLE_LOST || trouble == TROUBLE_BODY;
        outcome->untrusted = trouble == TROUBLE_TRUST;
    }
    char *words = g_strdup(transfer->curl_words[0] ? transfer->curl_words : curl_easy_strerror(result));
    proxy_redact(&words);
    error->code = g_strdup(code);
    error->message = failure_clean(words, strlen(words), FAILURE_MESSAGE_BYTES);
    g_free(words);
}

/* Some servers repeat what they were sent. Our secret goes before anything is shortened, and again after escapes are
 * resolved. */
static void parse_error(const struct transfer *transfer, const char *body, size_t length, struct service_error *error)
{
    char *words = g_strndup(body, length);

    failure_redact(&words, transfer->secret);
    service_error_parse(error, words, strlen(words));
    failure_redact(&error->message, transfer->secret);
    failure_redact(&error->code, transfer->secret);
    g_free(words);
}

/* A 2xx that is no whole page: an error object's own words, else the reader's. */
static void judge_page(struct transfer *transfer, struct client_outcome *outcome, struct service_error *error)
{
    struct json_page *page = transfer->order.page;

    if (!transfer->page_error && json_page_finish(page, &transfer->page_error))
        return;
    outcome->body_bad = true;
    outcome->too_large = g_error_matches(transfer->page_error, JSON_ERROR, JSON_ERROR_TOO_LARGE);
    /* Of a broken page of records nothing may get into a message; an error object or a web page holds none. An object
     * too large to be looked into whole is a page. */
    const char *body = json_page_body(page);
    size_t length = json_page_bytes(page);
    char first = body[strspn(body, " \t\r\n")];
    bool object = first == '{' && length <= TEXT_MAX_BYTES;
    if (first == '<' || (object && g_error_matches(transfer->page_error, JSON_ERROR, JSON_ERROR_SHAPE)))
        parse_error(transfer, body, MIN(length, TEXT_MAX_BYTES), error);
    if (!error->code)
        error->code = g_strdup(outcome->too_large ? "too_large" : "bad_body");
    if (!error->message)
        error->message = g_strdup(transfer->page_error->message);
}

/* What was posted was taken if the answer says just that. A 200 may be the page that some gateway or log-in shows to
 * everybody. */
static void judge_acceptance(const struct transfer *transfer, struct client_outcome *outcome,
                             struct service_error *error)
{
    if (outcome->status == ACCEPTED)
        return;
    outcome->body_bad = true;
    parse_error(transfer, transfer->text->str, transfer->text->len, error);
    if (!error->code)
        error->code = g_strdup("not_accepted");
    if (!error->message)
        error->message = g_strdup("it is none that accepts what was sent (202)");
}

static void judge_answer(struct transfer *transfer, struct client_outcome *outcome, struct service_error *error)
{
    bool good = outcome->status / 100 == 2;

    if (good && transfer->order.body)
        judge_acceptance(transfer, outcome, error);
    else if (good && transfer->order.page)
        judge_page(transfer, outcome, error);
    else if (good)
        outcome->body_bad = transfer->text_cut;
    else
        parse_error(transfer, transfer->text->str, transfer->text->len, error);
    if (outcome->status / 100 == 3 && transfer->location) {
        struct client_failure *led_away = link_judge(transfer->order.url, transfer->location);
        outcome->away = led_away && led_away->verdict == CLIENT_SECURITY;
        client_failure_free(led_away);
        if (!error->message) {
            g_autofree char *target = link_without_query(transfer->location);
            g_autofree char *words =
                g_strdup_printf("a redirect to \"%.120s\", and redirects are not followed", target);
            error->message = failure_clean(words, strlen(words), FAILURE_MESSAGE_BYTES);
        }
    }
}

void transfer_judge(struct transfer *transfer, CURLcode result, bool stalled, struct client_outcome *outcome,
                    struct service_error *error)
{
    *error = (struct service_error){0};
    outcome->status = status_of(transfer);
    outcome->retry_after = transfer->retry_after;
    outcome->date = transfer->date;
    outcome->once = transfer->order.body != NULL;
    outcome->begun = transfer->body_sent > 0;
    outcome->handed_over = transfer->handed_over;
    /* A refusal counts as soon as its headers are here: its body is only words, and its Retry-After must not be lost
     * with them. So does the acceptance of what was posted. */
    if (outcome->status < 0) {
        outcome->network_error = true;
        error->code = g_strdup("libcurl");
        error->message = g_strdup("libcurl does not tell the answer's status");
    } else if (outcome->status >= 300 || (outcome->once && outcome->status == ACCEPTED) ||
               (result == CURLE_OK && !stalled) || (result == CURLE_WRITE_ERROR && transfer->page_error)) {
        judge_answer(transfer, outcome, error);
    } else if (stalled) {
        outcome->network_error = outcome->timed_out = true;
        error->code = g_strdup("timeout");
        error->message = g_strdup("not a byte came for too long");
    } else {
        judge_network(transfer, result, outcome, error);
    }
    if (outcome->network_error)
        outcome->status = 0;
    if (!error->request_id)
        error->request_id = g_strdup(transfer->request_id ? transfer->request_id : transfer->client_request_id);
    outcome->code = error->code;
    outcome->message = error->message;
}

char *transfer_claims(const struct transfer *transfer)
{
    const char *header = transfer->authenticate;

    if (!header || !strstr(header, "insufficient_claims"))
        return NULL;
    /* The value is base64 with its own '=' signs: it ends at the quote. */
    const char *claims = strstr(header, "claims=\"");
    const char *end = claims ? strchr(claims + strlen("claims=\""), '"') : NULL;
    if (!end)
        return NULL;
    claims += strlen("claims=\"");
    g_autofree char *encoded = g_strndup(claims, (size_t)(end - claims));
    gsize length = 0;
    g_autofree guchar *decoded = g_base64_decode(encoded, &length);
    g_autoptr(JsonTree) tree = json_tree_new();
    if (!json_tree_parse(tree, (const char *)decoded, length, NULL))
        return NULL;
    return g_strndup((const char *)decoded, length);
}
