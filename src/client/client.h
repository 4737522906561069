/* client - tokens, requests, retries, throttling, paging. Knows HTTP and Microsoft's manners, not what a sign-in is.
 *
 * One thread, one loop (libcurl's multi interface): requests are started with client_start and end in a call of their
 * `done`, from inside client_step. Any number of apps (an app registration in a tenant) share the loop; each has its
 * own tokens, limiters, retries and time-outs, so that one that is dead, silent or throttled never delays another. What
 * they share is what the service counts together: the budget of one registration over all of its tenants is divided
 * in turns. */
#ifndef M365KEEP_CLIENT_H
#define M365KEEP_CLIENT_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/json.h"

/* --- what went wrong ---------------------------------------------------------------------------------------------- */

/* What the caller can do about a failure. */
enum client_verdict {
    CLIENT_OK,
    CLIENT_LATER,       /* the service or the network is in trouble; retries are used up; the next run goes on */
    CLIENT_SLOW,        /* as LATER, and time-outs or 500/504 suggest that a smaller window may work */
    CLIENT_LINK,        /* the paging link is stale, broken or loops: start the window again */
    CLIENT_BAD_BODY,    /* status 200, but never a whole, valid page */
    CLIENT_CREDENTIALS, /* no token: wrong secret, unknown tenant or app ... needs a human */
    CLIENT_FORBIDDEN,   /* the app lacks a permission; needs a human */
    CLIENT_UNAVAILABLE, /* the tenant or cloud does not have this: no licence, no such API */
    CLIENT_REFUSED,     /* the service refuses the request itself (other 4xx): our fault or a changed service */
    CLIENT_SECURITY, /* a link, a redirect or a certificate led away from the configured host; nothing was sent there */
    CLIENT_CANCELLED, /* client_cancel */
    CLIENT_UNKNOWN,   /* of a POST: it was handed over, and nobody knows whether the service took it */
};

struct client_failure {
    enum client_verdict verdict;
    int status;       /* HTTP; 0 when there was no answer */
    char *code;       /* the service's error code, "AADSTS7000215", or a libcurl or own code such as "timeout" */
    char *message;    /* one line, at most about 300 bytes, no secret */
    char *request_id; /* the service's, else our client-request-id; may be NULL */
    char *hint;       /* what to do next, a sentence; may be NULL */
};

/* --- budgets ------------------------------------------------------------------------------------------------------ */

/* Request families with a budget of their own (Microsoft Graph throttling limits, "service-specific limits"). */
enum client_family {
    CLIENT_FAMILY_REPORTS,       /* sign-ins, directory audits: 5 in 10 s */
    CLIENT_FAMILY_DIRECTORY,     /* users, users/delta */
    CLIENT_FAMILY_ACTIVITY,      /* users with signInActivity: 10 a minute */
    CLIENT_FAMILY_ANNOUNCEMENTS, /* service communications: 240 a minute and 800 an hour */
    CLIENT_FAMILY_INTUNE,        /* 1,000 in 20 s */
    CLIENT_FAMILY_MANAGEMENT,    /* Management Activity API: 2,000 a minute */
    CLIENT_FAMILY_MAIL,          /* sendMail: 10,000 in 10 minutes, 4 at a time */
    CLIENT_FAMILY_COUNT,
};

/* Which service a request goes to: decides the token's resource and the only host the token may reach. */
enum client_api { CLIENT_API_GRAPH, CLIENT_API_MANAGEMENT };

/* --- client and apps ---------------------------------------------------------------------------------------------- */

struct client;
struct client_app;

struct client_options {
    const struct clock *clock; /* borrowed for the client's life */
    bool pace;                 /* keep to the published budgets; false: only react to 429 */
    int wake_fd;               /* readable: client_step returns at once (a signalfd, an eventfd); -1 for none */
    int stall_timeout_ms; /* real time without a single byte after which an attempt counts as timed out; 0: 120 s */
    int retry_budget_s;   /* this clock's time one request may spend on its attempts and waits; 0: 15 minutes */
};

/* Returned: free with client_free, which drops what is in flight without calling its `done`. NULL with *error when
 * libcurl cannot start. The environment's HTTPS_PROXY, NO_PROXY and SSL_CERT_FILE are honoured. */
struct client *client_new(const struct client_options *options, GError **error);
void client_free(struct client *client);

struct client_app_options {
    const char *name; /* of the customer, for messages; copied */
    const char *tenant_id, *client_id;
    const char *client_secret; /* copied, and wiped by client_free; NULL: there is a certificate */
    const char
        *client_certificate; /* PEM text of a certificate and its private key, likewise; NULL: there is a secret */
    const char *login_url, *graph_url, *manage_url; /* copied; base URLs */
};

/* Adds an app; owned by the client. A certificate that cannot be used (unreadable, without its key, with the key of
 * another, encrypted, an RSA key under 2048 bits or another kind of key) is told by the first request: its `done` gets
 * CLIENT_CREDENTIALS. */
struct client_app *client_app_new(struct client *client, const struct client_app_options *options);

/* When the app's certificate expires, seconds UTC; 0 when it has none that can be read. */
int64_t client_app_certificate_expires(const struct client_app *app);

/* The application permissions in the token that the app holds for an API (its claim `roles`), NULL-ended, sorted; for
 * telling people what is missing, never for deciding what to request. Empty when the token grants none; NULL when there
 * is no token, or none that can be looked into: its format is the service's own business. Returned: g_strfreev. */
char **client_app_roles(const struct client_app *app, enum client_api api);

/* The proxy that requests to `url` go through, without user and password ("http://proxy.example:3128"); NULL: none. By
 * the environment, as libcurl reads it: https_proxy, HTTPS_PROXY, all_proxy, ALL_PROXY, less what no_proxy or NO_PROXY
 * names; what is http goes to this machine and through no proxy. For a value that cannot be used, which may be a
 * password in any of its parts: "that HTTPS_PROXY names". Returned: g_free. */
char *client_proxy(const char *url);

/* The file of trusted certificates, from SSL_CERT_FILE; NULL: the system's. Borrowed until the environment changes. */
const char *client_ca_file(void);

/* Seconds that the service's clock, by the Date of its latest answer, is ahead of ours; negative: behind. False while
 * there was no answer. */
bool client_app_clock_skew(const struct client_app *app, int64_t *seconds);

/* The service's time, seconds UTC: the Date of its latest answer carried forward, or our own clock before any answer. A
 * window must not end after it. */
int64_t client_app_service_now(const struct client_app *app);

/* Seconds of this client's clock until the family may send again, 0 when now; `throttled` (may be NULL) tells whether a
 * Retry-After is the reason. For progress lines. */
double client_app_wait(const struct client_app *app, enum client_family family, bool *throttled);

/* --- requests ----------------------------------------------------------------------------------------------------- */

struct client_result {
    const struct client_failure *failure; /* NULL: a whole page is in the request's page. Borrowed during `done` */
    int64_t body_bytes;                   /* received over all attempts, after decompression */
    unsigned attempts, throttled;         /* requests sent; of them answered 429 (or alike) */
    const char *request_id;               /* of the last answer; borrowed during `done`; NULL when there was none */
};

typedef void (*client_done)(const struct client_result *result, void *user);

/* The connection stands, the token is good, and the first byte of a body is about to be sent. False: it is not. */
typedef bool (*client_begin)(void *user);

struct client_request {
    struct client_app *app;
    enum client_api api;
    enum client_family family;
    const char *url;            /* copied; sent byte for byte. A relative URL is refused */
    const char *const *headers; /* NULL-ended "Name: value" lines sent on every attempt; NULL for none; copied */
    struct json_page *page;     /* borrowed until `done`; reset before each attempt and fed as bytes arrive; NULL with
                                   a body: nothing of the answer is kept */
    GBytes *body;               /* NULL: a GET. Else a POST of these bytes; referenced */
    const char *content_type;   /* of the body; copied */
    client_begin begin;         /* of a POST; called from client_step, for each attempt; NULL: none */
    const char *permission;     /* named in the hint of a 403; static */
    client_done done;
    void *user;
};

/* Queues a GET. Token, pacing, retries with full-jitter back-off, 401 (one refresh), Retry-After and the page's
 * completeness are the client's business; at most 32 requests of one app and family are in flight, the others queue.
 * `done` is called once, from client_step.
 *
 * A POST goes out at most once. Whatever comes before its first byte (names, connections, tokens) is tried again as for
 * a GET, and so is the POST after a 401, which took nothing; else there is one attempt. It succeeds by a 202 alone,
 * whatever comes with that. What the service said it did not take ends as it would for a GET, without a retry: LATER
 * for 429 (client_app_wait tells how long) and for a 503 that bears a Retry-After or an error code. No answer after the
 * last byte, another 2xx, and any other 5xx, with which gateways answer for services that go on working, end in
 * CLIENT_UNKNOWN. A connection lost before the last byte was handed over is LATER: less than the announced length is no
 * request. `begin` that says no ends in CLIENT_CANCELLED. */
void client_start(struct client *client, const struct client_request *request);

/* Gets a token (so that wrong credentials and the service's time are known before anything is planned); `page` is not
 * used. Calls `done` once, from client_step. */
void client_login(struct client *client, struct client_app *app, enum client_api api, client_done done, void *user);

/* Requests that have not come to `done`. */
unsigned client_pending(const struct client *client);

/* Says how many bytes of pages the caller has got and not yet put away. Large bodies are received only while these and
 * they themselves leave room: some 8 MiB, or whatever the largest page needs. Who says more than that must say less
 * sooner or later: until then what is in mid-body is paused (and does not time out). */
void client_backlog(struct client *client, int64_t bytes);

/* True while bodies are paused for want of room: a page asked for now would only wait behind them. Also when a number
 * of pages were asked for since the last client_step, which then returns soon: more would tell too late that they are
 * large.
 */
bool client_is_full(const struct client *client);

/* Does what can be done and waits at most `wait_ms` real milliseconds for more; returns early on client_wake, on
 * wake_fd and whenever a `done` was called. */
void client_step(struct client *client, int wait_ms);

/* Makes a client_step that waits return; callable from another thread. */
void client_wake(struct client *client);

/* Ends every request started so far with CLIENT_CANCELLED, from the next client_step; waits end at once. A POST that
 * was handed over ends with CLIENT_UNKNOWN. */
void client_cancel(struct client *client);

/* --- retries and links: pure, for tables of tests ----------------------------------------------------------------- */

struct client_outcome {
    int status; /* HTTP; 0: no answer (network_error says more) */
    bool network_error, timed_out;
    bool connection_lost;    /* with network_error: reset or closed, as a kept connection that had died */
    bool untrusted;          /* with network_error: the server's certificate was not accepted */
    bool body_bad;           /* 200 with a body that is no whole page */
    bool too_large;          /* with body_bad: larger than the page takes */
    bool away;               /* 3xx to another host, port or scheme */
    bool claims;             /* 401 that asks for a token with certain claims, which this request has not yet tried */
    bool once;               /* a POST, which is not repeated */
    bool begun, handed_over; /* with once: its first byte, its last byte was given away */
    const char *code;        /* the deepest known error code of the body, or NULL */
    const char *message;     /* the service's words, or NULL: evidence only where the code says nothing */
    const char *retry_after; /* header as received, or NULL; doubled headers joined by a comma */
    int64_t date;            /* the answer's Date, seconds UTC; 0 when absent */
    unsigned attempt;        /* 1 for the first */
    unsigned alike;          /* earlier attempts, in a row up to this one, that ended with the same status and code */
    unsigned refreshed;      /* tokens renewed for this request because of a 401, in a row */
    int64_t spent_us, budget_us; /* used and allowed for this request, waits included */
};

enum client_action { CLIENT_ACTION_DONE, CLIENT_ACTION_RETRY, CLIENT_ACTION_RENEW_TOKEN, CLIENT_ACTION_GIVE_UP };

struct client_decision {
    enum client_action action;
    enum client_verdict verdict; /* for GIVE_UP */
    int64_t wait_us;             /* for RETRY; with family_waits also for GIVE_UP */
    bool family_waits;           /* the wait holds for the whole family (429; of a POST, 503), also when this request
                                    gives up */
    bool new_connection;         /* 503 */
};

/* What to do after an attempt. `random` in [0, 1) draws the jitter. Allocates nothing. */
struct client_decision client_decide(const struct client_outcome *outcome, double random);

/* Retry-After in microseconds: the largest of comma-separated parts; digits, decimals (rounded up to whole seconds), or
 * an HTTP date relative to `date`. 1 s at least, an hour at most; 0 when there is nothing usable. */
int64_t client_retry_after_us(const char *value, int64_t date);

/* One chain of pages: remembers the links it has followed. */
struct client_chain;
struct client_chain *client_chain_new(const char *base_url); /* scheme, host and port that alone may be followed */
void client_chain_free(struct client_chain *chain);

/* Judges a nextLink: NULL when it may be followed as it is, else the failure (returned: client_failure_free):
 * CLIENT_SECURITY for another host, port or scheme, userinfo, backslash, control characters or blanks; CLIENT_LINK for
 * a link seen before in this chain, one with an empty skip token or $skip=0, or a chain above the page cap. Host case
 * and an explicit default port do not matter. */
struct client_failure *client_chain_follow(struct client_chain *chain, const char *link);

struct client_failure *client_failure_copy(const struct client_failure *failure);
void client_failure_free(struct client_failure *failure);

#endif
