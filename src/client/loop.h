/* loop - what the loop keeps in hand: the client, its apps, and the requests on their way.
 *
 * A request waits for a token, then for its turn in the family's budget, is in flight, backs off, and waits again,
 * until it is finished. Token requests are requests like the others, one at a time for each app and API, with nobody's
 * `done` at their end. */
#ifndef M365KEEP_CLIENT_LOOP_H
#define M365KEEP_CLIENT_LOOP_H

#include <curl/curl.h>

#include "base/log.h"
#include "client/admission.h"
#include "client/client.h"
#include "client/failure.h"
#include "client/limiter.h"
#include "client/signin.h"
#include "client/token.h"
#include "client/transfer.h"

enum { LOOP_APIS = 2 };

struct client {
    struct client_options options;
    int64_t retry_budget_us, stall_timeout_us;
    char *ca_file;
    CURLM *multi;
    GPtrArray *apps;     /* struct client_app *, owned */
    GPtrArray *requests; /* struct request *, owned, in order of arrival */
    struct limiter_pool *limiters;
    struct admission admission; /* of the bodies of pages */
    GQueue finished;            /* struct request *, owned: their `done` is next */
    int64_t skipped_us;         /* waits that took no time because the clock stands */
    unsigned started;           /* pages asked for since the last step */
    bool stepping, cancelling;
};

struct client_app {
    struct client *client; /* borrowed */
    char *tenant_id;
    char *base_urls[LOOP_APIS];
    struct signin signin;
    struct token tokens[LOOP_APIS];
    struct limiter *limiters[CLIENT_FAMILY_COUNT]; /* borrowed from the client's pool */
    unsigned in_flight[CLIENT_FAMILY_COUNT];
    uint64_t body_turn;                    /* see admission_body */
    int64_t service_date, service_date_us; /* the latest Date, and when it came; 0: none yet */
    GPtrArray *outages;                    /* struct outage *, owned: the hosts that gave trouble */
};

/* A host that gave an app trouble. */
struct outage {
    char *host;
    bool open;            /* it was logged, and is not over */
    bool warned;          /* above debug: once in the client's life, however often the host comes and goes */
    enum log_level level; /* of what was logged last */
};

/* REQUEST_PAGE is what a caller asks of a service, a POST as well. */
enum request_kind { REQUEST_PAGE, REQUEST_LOGIN, REQUEST_TOKEN };

/* Where an attempt stands with its family's limiter. */
enum request_place { PLACE_NONE, PLACE_RESERVED, PLACE_SENT };

struct request {
    enum request_kind kind;
    struct client_app *app; /* borrowed */
    enum client_api api;
    enum client_family family;
    char *url;
    char **headers;
    char *form; /* of a token request's latest attempt; wiped */
    struct signin_try signin;
    struct json_page *page; /* borrowed; NULL with a body */
    GBytes *posted;         /* NULL: a GET */
    char *content_type;
    client_begin begin;
    const char *permission; /* static */
    client_done done;
    void *user;

    struct transfer *transfer; /* in flight when not NULL */
    enum request_place place;
    struct limiter_ticket ticket;
    bool probe; /* the first after a wait that the service asked for: the family waits for what comes of it */
    struct admission_body body;
    uint64_t generation;   /* of the token it was sent with */
    int64_t started_us;    /* this attempt */
    int64_t answered_us;   /* by the clock alone, when this attempt's answer began: what its Date speaks of */
    int64_t not_before_us; /* backing off until then */
    int64_t spent_us;
    unsigned attempts, throttled, refreshed, alike;
    unsigned unanswered; /* latest attempts that came to no answer */
    int last_status;
    char *last_code;
    bool claims_used, new_connection;
    int64_t body_bytes;

    char *request_id; /* of the last answer, or NULL */
    bool finished, cancelled;
    struct client_failure *failure; /* with finished; NULL: success */
};

/* The client's own time: its clock, plus the waits skipped because it stands. */
int64_t loop_now_us(const struct client *client);

/* Queues a request (taken). */
void loop_add(struct client *client, struct request *request);

/* Marks a request as finished; `failure` (taken) NULL for success. */
void loop_finish(struct request *request, struct client_failure *failure);

void loop_request_free(struct request *request);

/* Sends the request's next attempt; its token is usable and its turn has come. */
void attempt_launch(struct request *request);

/* An attempt has ended with `result` (or was `stalled`): decides and acts. */
void attempt_settle(struct request *request, CURLcode result, bool stalled);

/* "GET", "POST". */
const char *attempt_method(const struct request *request);

/* What an attempt came to, in a sentence. Returned: g_free. */
char *attempt_describe(const struct request *request, const struct client_outcome *outcome);

/* The verdict on an attempt that is ended early: `verdict`, or CLIENT_UNKNOWN where a POST was handed over. */
enum client_verdict attempt_verdict(const struct request *request, enum client_verdict verdict);

/* Takes an attempt out of flight without judging it. */
void attempt_abandon(struct request *request);

/* Ends the request with a failure (taken) that has nothing to do with an answer; of a token request, those who wait for
 * it too. */
void attempt_fail(struct request *request, struct client_failure *failure);

/* What has become of an attempt is told to people where it says that the host is in trouble, or out of it. */
void outage_follow(struct request *request, const struct client_outcome *outcome,
                   const struct client_decision *decision);

#endif
