/* transfer - one attempt at one request over libcurl: what is sent, what of the answer is kept, and what it came to.
 *
 * The only file beside the loop that knows libcurl. Everything that must never vary is set here: TLS 1.2 at least with
 * peer and host verified, no redirects, no plain http but to this machine, bodies inflated under the page's limit. */
#ifndef M365KEEP_CLIENT_TRANSFER_H
#define M365KEEP_CLIENT_TRANSFER_H

#include <curl/curl.h>

#include "client/client.h"
#include "client/failure.h"

struct transfer_order {
    const char *url;    /* already judged by link_judge; borrowed until transfer_free */
    const char *bearer; /* the token; copied, wiped by transfer_free; NULL for none */
    const char *form;   /* posted when not NULL; borrowed until transfer_free */
    GBytes *body;       /* posted once when not NULL, by HTTP/1.1 on a new connection; borrowed until transfer_free */
    const char *content_type;   /* of the body; borrowed likewise */
    bool (*begins)(void *user); /* called before the body's first byte; false: it is held back */
    const char *secret; /* never to be repeated from the answer; copied, wiped by transfer_free; NULL: the bearer */
    const char *const *headers;   /* NULL-ended or NULL; copied */
    const char *ca_file;          /* SSL_CERT_FILE or NULL */
    struct json_page *page;       /* takes the body of a 2xx, reset before; NULL: the body is kept as text */
    bool new_connection;          /* do not reuse a kept one */
    int64_t silence_s;            /* what the caller takes for a stall; a trickle for twice as long is one, too */
    void (*sent)(void *user);     /* called as the request goes out, again if libcurl sends it anew */
    void (*answered)(void *user); /* called when the answer begins */
    bool (*grows)(size_t length, void *user); /* called before the page takes more; false: the transfer is paused */
    void *user;
};

struct transfer {
    struct transfer_order order;
    CURL *easy;
    struct curl_slist *header_lines;
    char *client_request_id;
    char *secret;
    char curl_words[CURL_ERROR_SIZE];
    int64_t active_us; /* real monotonic time of the last byte or step forward */
    int64_t body_bytes;
    GString *text; /* body of errors and of tokens, cut at a limit */
    bool text_cut;
    GError *page_error; /* from the page */
    bool begun;
    bool paused;                        /* until transfer_continue: nothing is received */
    gsize body_sent;                    /* of the order's body, given to libcurl */
    bool asked, held_back, handed_over; /* for its first byte; that was not given; the last one was given */
    /* Headers of the latest answer; NULL when absent. */
    char *retry_after, *request_id, *location, *authenticate;
    int64_t date; /* seconds UTC; 0: absent */
};

/* Prepares an attempt. NULL with *words (returned: g_free) when libcurl refuses an option: no attempt is made. */
struct transfer *transfer_new(const struct transfer_order *order, char **words);
void transfer_free(struct transfer *transfer);

/* Goes on receiving after a pause, beginning with what was refused; it may be paused again at once. What is not
 * CURLE_OK has ended the attempt: libcurl will not say so again. Not from inside a callback. */
CURLcode transfer_continue(struct transfer *transfer);

/* What became of it, after libcurl said `result`. Fills status, network and body parts, headers and code of *outcome,
 * which points into *error and the transfer; the caller fills attempt, alike, refreshed, spent and budget. `stalled`:
 * the caller gave it up for silence. */
void transfer_judge(struct transfer *transfer, CURLcode result, bool stalled, struct client_outcome *outcome,
                    struct service_error *error);

/* JSON text of the claims that a 401 asks for (insufficient_claims), or NULL. Returned: g_free. */
char *transfer_claims(const struct transfer *transfer);

#endif
