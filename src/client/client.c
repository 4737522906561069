#include <string.h>

#include "base/text.h"
#include "client/link.h"
#include "client/loop.h"

enum {
    STALL_TIMEOUT_MS = 120000,
    RETRY_BUDGET_S = 900,
    /* Of one app and family. Pages of sign-ins can take a minute each at 5 in 10 s; more than this only opens
       connections. */
    IN_FLIGHT_MAX = 32,
    MAILS_IN_FLIGHT_MAX = 4, /* of an app and a mailbox (Microsoft Graph throttling limits, Outlook) */
    /* Pages asked for in one step, by callers who ask whether there is room: until the first answers show what is
       coming, hundreds of customers begin one after the other. */
    STARTS_AT_ONCE = 8,
    STARTS_APART_MS = 10,
};

/* --- life --------------------------------------------------------------------------------------------------------- */

/* One transfer at a time on each connection, HTTP/2 or not: libcurl 7.88 stops reading a connection altogether when one
 * of its streams is paused, and no customer may hold up the others. */
static CURLM *new_multi(void)
{
    CURLM *multi = curl_multi_init();

    if (multi && curl_multi_setopt(multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING) != CURLM_OK)
        g_clear_pointer(&multi, curl_multi_cleanup);
    return multi;
}

struct client *client_new(const struct client_options *options, GError **error)
{
    CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
    CURLM *multi = started == CURLE_OK ? new_multi() : NULL;

    if (!multi) {
        if (started == CURLE_OK)
            curl_global_cleanup();
        g_set_error(error, g_quark_from_static_string("m365keep-client"), 0,
                    "libcurl, which does the HTTP, could not be started: %s.",
                    curl_easy_strerror(started == CURLE_OK ? CURLE_OUT_OF_MEMORY : started));
        return NULL;
    }
    struct client *client = g_new0(struct client, 1);
    client->options = *options;
    client->retry_budget_us = (options->retry_budget_s > 0 ? options->retry_budget_s : RETRY_BUDGET_S) * CLOCK_US;
    client->stall_timeout_us =
        (options->stall_timeout_ms > 0 ? options->stall_timeout_ms : STALL_TIMEOUT_MS) * (CLOCK_US / 1000);
    client->ca_file = g_strdup(client_ca_file());
    client->limiters = limiter_pool_new(options->pace);
    client->multi = multi;
    client->apps = g_ptr_array_new();
    client->requests = g_ptr_array_new();
    admission_init(&client->admission);
    g_queue_init(&client->finished);
    return client;
}

static void free_app(struct client_app *app)
{
    for (int i = 0; i < LOOP_APIS; i++) {
        token_clear(&app->tokens[i]);
        g_free(app->base_urls[i]);
    }
    signin_clear(&app->signin);
    g_free(app->tenant_id);
    g_ptr_array_unref(app->outages);
    g_free(app);
}

void client_free(struct client *client)
{
    if (!client)
        return;
    g_assert(!client->stepping);
    for (guint i = 0; i < client->requests->len; i++)
        loop_request_free(client->requests->pdata[i]);
    g_ptr_array_unref(client->requests);
    for (struct request *request; (request = g_queue_pop_head(&client->finished));)
        loop_request_free(request);
    for (guint i = 0; i < client->apps->len; i++)
        free_app(client->apps->pdata[i]);
    g_ptr_array_unref(client->apps);
    limiter_pool_free(client->limiters);
    admission_clear(&client->admission);
    curl_multi_cleanup(client->multi);
    curl_global_cleanup();
    g_free(client->ca_file);
    g_free(client);
}

static void free_outage(gpointer data)
{
    struct outage *outage = data;

    g_free(outage->host);
    g_free(outage);
}

static enum client_api api_of(enum client_family family)
{
    return family == CLIENT_FAMILY_MANAGEMENT ? CLIENT_API_MANAGEMENT : CLIENT_API_GRAPH;
}

struct client_app *client_app_new(struct client *client, const struct client_app_options *options)
{
    struct client_app *app = g_new0(struct client_app, 1);

    app->client = client;
    app->tenant_id = g_strdup(options->tenant_id);
    signin_init(&app->signin, options);
    app->base_urls[CLIENT_API_GRAPH] = g_strdup(options->graph_url);
    app->base_urls[CLIENT_API_MANAGEMENT] = g_strdup(options->manage_url);
    app->outages = g_ptr_array_new_with_free_func(free_outage);
    for (int i = 0; i < CLIENT_FAMILY_COUNT; i++)
        app->limiters[i] =
            limiter_pool_get(client->limiters, (enum client_family)i, app->base_urls[api_of((enum client_family)i)],
                             options->client_id, options->tenant_id);
    g_ptr_array_add(client->apps, app);
    return app;
}

int64_t client_app_certificate_expires(const struct client_app *app)
{
    return app->signin.certificate ? app->signin.certificate->expires : 0;
}

char **client_app_roles(const struct client_app *app, enum client_api api)
{
    return token_roles(&app->tokens[api]);
}

const char *client_ca_file(void)
{
    const char *file = g_getenv("SSL_CERT_FILE");

    return file && *file ? file : NULL;
}

bool client_app_clock_skew(const struct client_app *app, int64_t *seconds)
{
    if (app->service_date == 0)
        return false;
    *seconds = client_app_service_now(app) - clock_now(app->client->options.clock);
    return true;
}

int64_t client_app_service_now(const struct client_app *app)
{
    const struct clock *clock = app->client->options.clock;

    if (app->service_date == 0)
        return clock_now(clock);
    return app->service_date + (clock_monotonic_us(clock) - app->service_date_us) / CLOCK_US;
}

double client_app_wait(const struct client_app *app, enum client_family family, bool *throttled)
{
    int64_t now_us = loop_now_us(app->client);
    int64_t wait_us = limiter_wait_us(app->limiters[family], now_us);

    if (throttled)
        *throttled = limiter_closed_us(app->limiters[family], now_us) > 0;
    return wait_us == INT64_MAX ? 0 : (double)wait_us / (double)CLOCK_US;
}

int64_t loop_now_us(const struct client *client)
{
    return clock_monotonic_us(client->options.clock) + client->skipped_us;
}

/* --- requests ----------------------------------------------------------------------------------------------------- */

void loop_request_free(struct request *request)
{
    attempt_abandon(request);
    g_free(request->url);
    g_strfreev(request->headers);
    text_free_secret(request->form);
    g_clear_pointer(&request->posted, g_bytes_unref);
    g_free(request->content_type);
    signin_try_clear(&request->signin);
    g_free(request->last_code);
    g_free(request->request_id);
    client_failure_free(request->failure);
    g_free(request);
}

void loop_add(struct client *client, struct request *request)
{
    g_ptr_array_add(client->requests, request);
}

void loop_finish(struct request *request, struct client_failure *failure)
{
    g_assert(!request->finished);
    attempt_abandon(request);
    request->finished = true;
    request->failure = failure;
}

void client_start(struct client *client, const struct client_request *wanted)
{
    struct request *request = g_new0(struct request, 1);

    g_assert(wanted->app->client == client && wanted->url && wanted->done);
    g_assert(wanted->body ? wanted->content_type && !wanted->page : wanted->page != NULL);
    request->kind = REQUEST_PAGE;
    request->app = wanted->app;
    request->api = wanted->api;
    request->family = wanted->family;
    request->url = g_strdup(wanted->url);
    request->headers = g_strdupv((char **)wanted->headers);
    request->page = wanted->page;
    request->posted = wanted->body ? g_bytes_ref(wanted->body) : NULL;
    request->content_type = g_strdup(wanted->content_type);
    request->begin = wanted->begin;
    request->permission = wanted->permission;
    request->done = wanted->done;
    request->user = wanted->user;
    client->started++;
    loop_add(client, request);
    struct client_failure *failure = link_judge(wanted->app->base_urls[wanted->api], wanted->url);
    if (failure)
        loop_finish(request, failure);
}

void client_login(struct client *client, struct client_app *app, enum client_api api, client_done done, void *user)
{
    struct request *request = g_new0(struct request, 1);

    g_assert(app->client == client && done);
    request->kind = REQUEST_LOGIN;
    request->app = app;
    request->api = api;
    request->done = done;
    request->user = user;
    loop_add(client, request);
}

unsigned client_pending(const struct client *client)
{
    unsigned pending = g_queue_get_length((GQueue *)&client->finished);

    for (guint i = 0; i < client->requests->len; i++) {
        const struct request *request = client->requests->pdata[i];
        pending += request->kind != REQUEST_TOKEN;
    }
    return pending;
}

void client_backlog(struct client *client, int64_t bytes)
{
    client->admission.backlog = bytes;
}

bool client_is_full(const struct client *client)
{
    return client->started >= STARTS_AT_ONCE || admission_is_full(&client->admission);
}

/* --- what goes next ----------------------------------------------------------------------------------------------- */

static struct token *token_of(const struct request *request)
{
    return &request->app->tokens[request->api];
}

static uint64_t turn_of(const struct request *request)
{
    return limiter_turn(request->app->limiters[request->family]);
}

/* Why asking for a token is pointless now, or NULL. Borrowed. */
static const struct client_failure *refusal_of(const struct request *request, int64_t now_us)
{
    const struct client_failure *unusable = request->app->signin.unusable;

    return unusable ? unusable : token_refusal(token_of(request), now_us);
}

static unsigned in_flight_max(enum client_family family)
{
    return family == CLIENT_FAMILY_MAIL ? MAILS_IN_FLIGHT_MAX : IN_FLIGHT_MAX;
}

/* Microseconds until something can be done for a request, 0: now, INT64_MAX: when something else has happened. */
static int64_t wait_us(const struct request *request, int64_t now_us)
{
    const struct token *token = token_of(request);

    if (request->transfer)
        return INT64_MAX;
    if (request->finished)
        return 0;
    if (request->not_before_us > now_us)
        return request->not_before_us - now_us;
    if (request->kind == REQUEST_TOKEN)
        return 0;
    if (!token_usable(token, now_us)) {
        if (token->asking)
            return INT64_MAX;
        return refusal_of(request, now_us) ? 0 : MAX(token->ask_us - now_us, 0);
    }
    if (request->kind == REQUEST_LOGIN)
        return 0;
    if (request->app->in_flight[request->family] >= in_flight_max(request->family))
        return INT64_MAX;
    return limiter_wait_us(request->app->limiters[request->family], now_us);
}

static void ask_for_token(struct client_app *app, enum client_api api)
{
    struct request *request = g_new0(struct request, 1);
    struct token *token = &app->tokens[api];

    request->kind = REQUEST_TOKEN;
    request->app = app;
    request->api = api;
    request->url = g_strdup(app->signin.token_url);
    token->asking = true;
    loop_add(app->client, request);
}

/* A wait that the service asked for may be longer than a request may take: then it ends now, and the next run goes on.
 */
static bool ends_for_throttling(struct request *request, int64_t now_us)
{
    const struct client *client = request->app->client;

    if (request->kind != REQUEST_PAGE || request->not_before_us > now_us)
        return false;
    int64_t closed_us = limiter_closed_us(request->app->limiters[request->family], now_us);
    if (closed_us <= client->retry_budget_us - request->spent_us)
        return false;
    g_autofree char *shown = link_without_query(request->url);
    g_autofree char *words =
        g_strdup_printf("%s %.120s was not sent: the service asked to wait another %" G_GINT64_FORMAT
                        " s (Retry-After), longer than one request may take.",
                        attempt_method(request), shown, closed_us / CLOCK_US);
    struct client_failure *failure = failure_new(CLIENT_LATER, 429, "throttled", words);
    failure->request_id = g_strdup(request->request_id);
    failure->hint = failure_pause_hint(closed_us);
    loop_finish(request, failure);
    return true;
}

/* The request's next step, whichever it is; but pages are sent in turns (next_page). */
static void go_on(struct request *request, int64_t now_us)
{
    struct token *token = token_of(request);

    if (request->kind == REQUEST_TOKEN) {
        attempt_launch(request);
        return;
    }
    bool usable = token_usable(token, now_us);
    if (!usable && refusal_of(request, now_us)) {
        loop_finish(request, client_failure_copy(refusal_of(request, now_us)));
        return;
    }
    if (token_due(token, now_us))
        ask_for_token(request->app, request->api);
    if (!usable)
        return;
    if (request->kind == REQUEST_LOGIN)
        loop_finish(request, NULL);
}

/* The page to be asked for next: of the apps in whose budgets there is room, that of the one which was last served
 * longest ago, so that who asks for much leaves room for who asks for little where they share a budget. NULL when
 * nothing can be sent. */
static struct request *next_page(const struct client *client)
{
    int64_t now_us = loop_now_us(client);
    struct request *next = NULL;

    for (guint i = 0; i < client->requests->len; i++) {
        struct request *request = client->requests->pdata[i];
        if (request->kind != REQUEST_PAGE || request->finished || !token_usable(token_of(request), now_us))
            continue;
        if (next && turn_of(request) >= turn_of(next))
            continue;
        if (wait_us(request, now_us) == 0)
            next = request;
    }
    return next;
}

/* Requests may be added behind the last one while this runs: they get their turn in the same pass. */
static void schedule(struct client *client)
{
    for (guint i = 0; i < client->requests->len; i++) {
        struct request *request = client->requests->pdata[i];
        int64_t now_us = loop_now_us(client);
        if (request->finished || request->transfer || ends_for_throttling(request, now_us))
            continue;
        if (wait_us(request, now_us) == 0)
            go_on(request, now_us);
    }
    for (struct request *request; (request = next_page(client));)
        attempt_launch(request);
}

/* --- the loop ----------------------------------------------------------------------------------------------------- */

/* libcurl's loop itself failing leaves nothing in flight that could be trusted. */
static void check_multi(struct client *client, CURLMcode result)
{
    if (result == CURLM_OK)
        return;
    g_autofree char *words =
        g_strdup_printf("The transfer was given up: libcurl failed (%s).", curl_multi_strerror(result));
    for (guint i = 0; i < client->requests->len; i++) {
        struct request *request = client->requests->pdata[i];
        if (request->transfer)
            attempt_fail(request, failure_new(attempt_verdict(request, CLIENT_LATER), 0, "libcurl", words));
    }
}

/* NULL for a transfer that was given up before libcurl said its last word. */
static struct request *request_of(struct client *client, const CURL *easy)
{
    for (guint i = 0; i < client->requests->len; i++) {
        struct request *request = client->requests->pdata[i];
        if (request->transfer && request->transfer->easy == easy)
            return request;
    }
    return NULL;
}

static void settle_ended(struct client *client)
{
    int left;

    for (CURLMsg *message; (message = curl_multi_info_read(client->multi, &left));) {
        CURLcode result = message->data.result; /* the message dies with the handle */
        struct request *request = message->msg == CURLMSG_DONE ? request_of(client, message->easy_handle) : NULL;
        if (request)
            attempt_settle(request, result, false);
    }
}

/* A paused transfer does not stall: it is us who keep it. */
static int64_t stall_left_us(const struct request *request)
{
    if (request->transfer->paused)
        return INT64_MAX;
    return request->transfer->active_us + request->app->client->stall_timeout_us - g_get_monotonic_time();
}

static void settle_stalled(struct client *client)
{
    for (guint i = 0; i < client->requests->len; i++) {
        struct request *request = client->requests->pdata[i];
        if (request->transfer && stall_left_us(request) <= 0)
            attempt_settle(request, CURLE_OPERATION_TIMEDOUT, true);
    }
}

/* Continues the paused transfers that there is room for now. */
static void continue_paused(struct client *client)
{
    struct admission_body *body;

    while ((body = admission_next(&client->admission, g_get_monotonic_time()))) {
        struct request *request = body->user;
        CURLcode result = transfer_continue(request->transfer);
        if (result != CURLE_OK)
            attempt_settle(request, result, false);
    }
}

static void cancel_all(struct client *client)
{
    client->cancelling = false;
    for (guint i = 0; i < client->requests->len; i++) {
        struct request *request = client->requests->pdata[i];
        if (!request->cancelled || request->finished)
            continue;
        if (request->kind == REQUEST_TOKEN)
            token_of(request)->asking = false;
        loop_finish(request, failure_new(attempt_verdict(request, CLIENT_CANCELLED), 0, "cancelled",
                                         "The request was cancelled."));
    }
}

/* Takes the finished ones out of the list, in order. */
static void collect_finished(struct client *client)
{
    guint kept = 0;

    for (guint i = 0; i < client->requests->len; i++) {
        struct request *request = client->requests->pdata[i];
        if (!request->finished)
            client->requests->pdata[kept++] = request;
        else if (request->kind == REQUEST_TOKEN)
            loop_request_free(request);
        else
            g_queue_push_tail(&client->finished, request);
    }
    g_ptr_array_set_size(client->requests, (gint)kept);
}

static bool deliver(struct client *client)
{
    bool any = false;

    for (struct request *request; (request = g_queue_pop_head(&client->finished)); any = true) {
        struct client_result result = {
            .failure = request->failure,
            .body_bytes = request->body_bytes,
            .attempts = request->attempts,
            .throttled = request->throttled,
            .request_id = request->request_id,
        };
        request->done(&result, request->user);
        loop_request_free(request);
    }
    return any;
}

/* Everything that can be done without waiting. True when a `done` was called. */
static bool advance(struct client *client)
{
    int running;

    if (client->cancelling)
        cancel_all(client);
    schedule(client);
    continue_paused(client); /* before anything ends: what has ended by then is in the caller's backlog */
    check_multi(client, curl_multi_perform(client->multi, &running));
    settle_ended(client);
    settle_stalled(client);
    collect_finished(client);
    return deliver(client);
}

/* Real milliseconds until the loop has something to do by itself, at most `most_ms`. Where the clock stands, its waits
 * are over at once. */
static int idle_ms(struct client *client, int most_ms)
{
    int64_t now_us = loop_now_us(client), due_us = INT64_MAX, real_us = most_ms * INT64_C(1000);

    for (guint i = 0; i < client->requests->len; i++) {
        const struct request *request = client->requests->pdata[i];
        due_us = MIN(due_us, wait_us(request, now_us));
        if (request->transfer)
            real_us = MIN(real_us, MAX(stall_left_us(request), 0));
    }
    real_us = MIN(real_us, admission_wait_us(&client->admission, g_get_monotonic_time()));
    if (due_us != INT64_MAX) {
        if (clock_real_wait_us(client->options.clock, CLOCK_US) == 0)
            client->skipped_us += due_us;
        real_us = MIN(real_us, clock_real_wait_us(client->options.clock, due_us));
    }
    return (int)((real_us + 999) / 1000);
}

void client_step(struct client *client, int wait_ms)
{
    g_assert(!client->stepping);
    client->stepping = true;
    if (client->started >= STARTS_AT_ONCE)
        wait_ms = MIN(wait_ms, STARTS_APART_MS);
    client->started = 0;
    if (!advance(client)) {
        struct curl_waitfd waker = {.fd = client->options.wake_fd, .events = CURL_WAIT_POLLIN};
        int ms = client->cancelling ? 0 : idle_ms(client, wait_ms);
        check_multi(client, curl_multi_poll(client->multi, &waker, waker.fd >= 0 ? 1 : 0, ms, NULL));
        advance(client);
    }
    client->stepping = false;
}

void client_wake(struct client *client)
{
    /* It fails only when the loop has already so many wake-ups to see that one more says nothing. */
    (void)curl_multi_wakeup(client->multi);
}

void client_cancel(struct client *client)
{
    client->cancelling = true;
    for (guint i = 0; i < client->requests->len; i++) {
        struct request *request = client->requests->pdata[i];
        request->cancelled = true;
    }
}
