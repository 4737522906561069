/* attempt - one request's next try: sent, judged, and what follows from it. */
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "client/decide.h"
#include "client/link.h"
#include "client/loop.h"
#include "client/proxy.h"

enum {
    FRAME_BYTES = 80, /* of a message: what is said around the URL and the service's words */
    URL_BYTES_LEAST = 40,
    URL_BYTES_MOST = 120,
};

static struct limiter *limiter_of(const struct request *request)
{
    return request->kind == REQUEST_PAGE ? request->app->limiters[request->family] : NULL;
}

static struct token *token_of(const struct request *request)
{
    return &request->app->tokens[request->api];
}

const char *attempt_method(const struct request *request)
{
    return request->kind == REQUEST_TOKEN || request->posted ? "POST" : "GET";
}

enum client_verdict attempt_verdict(const struct request *request, enum client_verdict verdict)
{
    return request->transfer && request->transfer->handed_over ? CLIENT_UNKNOWN : verdict;
}

/* --- out ---------------------------------------------------------------------------------------------------------- */

static void on_sent(void *user)
{
    struct request *request = user;
    struct limiter *limiter = limiter_of(request);
    int64_t now_us = loop_now_us(request->app->client);

    if (!limiter)
        return;
    request->ticket =
        request->place == PLACE_RESERVED ? limiter_sent(limiter, now_us) : limiter_sent_again(limiter, now_us);
    request->place = PLACE_SENT;
}

static void on_answered(void *user)
{
    struct request *request = user;

    request->answered_us = clock_monotonic_us(request->app->client->options.clock);
    if (request->place == PLACE_SENT)
        limiter_answered(limiter_of(request), &request->ticket, loop_now_us(request->app->client));
}

static bool on_growing(size_t length, void *user)
{
    struct request *request = user;

    return admission_take(&request->body, length, g_get_monotonic_time());
}

static bool on_begin(void *user)
{
    struct request *request = user;

    return !request->begin || request->begin(request->user);
}

static void take_place(struct request *request)
{
    if (request->kind != REQUEST_PAGE)
        return;
    request->probe = limiter_reserve(limiter_of(request));
    request->place = PLACE_RESERVED;
    admission_join(&request->app->client->admission, &request->body, &request->app->body_turn, request);
    request->app->in_flight[request->family]++;
}

static void leave_place(struct request *request)
{
    if (request->kind != REQUEST_PAGE)
        return;
    if (request->place == PLACE_RESERVED)
        limiter_release(limiter_of(request));
    if (request->probe)
        limiter_probe_over(limiter_of(request), false);
    request->place = PLACE_NONE;
    admission_leave(&request->body);
    request->app->in_flight[request->family]--;
}

void attempt_abandon(struct request *request)
{
    if (!request->transfer)
        return;
    /* Fails only for a handle that is not in the loop any more, which is what we want. */
    (void)curl_multi_remove_handle(request->app->client->multi, request->transfer->easy);
    transfer_free(request->transfer);
    request->transfer = NULL;
    leave_place(request);
}

static void fail_launch(struct request *request, enum client_verdict verdict, const char *code, const char *why)
{
    g_autofree char *shown = link_without_query(request->url);
    g_autofree char *message = g_strdup_printf("%.120s was not asked: %s", shown, why);
    struct client_failure *failure = failure_new(verdict, 0, code, message);

    failure->hint = failure_hint(verdict, code, NULL, request->permission);
    attempt_fail(request, failure);
}

static void fail_for_libcurl(struct request *request, const char *words)
{
    g_autofree char *why = g_strdup_printf("libcurl refused (%s).", words);

    fail_launch(request, CLIENT_LATER, "libcurl", why);
}

/* A token request says something new each time: an assertion is good for once, and claims may have come. False when it
 * has ended instead. */
static bool renew_form(struct request *request)
{
    struct client_app *app = request->app;
    g_autoptr(GError) error = NULL;

    if (request->kind != REQUEST_TOKEN)
        return true;
    text_free_secret(request->form);
    request->form = signin_form(&app->signin, &request->signin, app->base_urls[request->api], token_of(request)->claims,
                                client_app_service_now(app), &error);
    if (!request->form)
        fail_launch(request, CLIENT_CREDENTIALS, "client_certificate", error->message);
    return request->form != NULL;
}

/* libcurl would tell what is wrong by repeating the password, or send elsewhere. False when the request has ended. */
static bool check_proxy(struct request *request)
{
    g_autofree char *complaint = proxy_complaint(request->url);

    if (complaint)
        fail_launch(request, CLIENT_LATER, "proxy", complaint);
    return !complaint;
}

void attempt_launch(struct request *request)
{
    struct client *client = request->app->client;
    bool for_token = request->kind == REQUEST_TOKEN;
    g_autofree char *words = NULL;

    if (!check_proxy(request) || !renew_form(request))
        return;
    struct transfer_order order = {
        .url = request->url,
        .bearer = for_token ? NULL : token_of(request)->value,
        .form = request->form,
        .secret = for_token ? request->signin.credential : NULL,
        .headers = (const char *const *)request->headers,
        .ca_file = client->ca_file,
        .page = request->page,
        .body = request->posted,
        .content_type = request->content_type,
        .begins = on_begin,
        .new_connection = request->new_connection,
        .silence_s = client->stall_timeout_us / CLOCK_US,
        .sent = on_sent,
        .answered = on_answered,
        .grows = on_growing,
        .user = request,
    };

    request->transfer = transfer_new(&order, &words);
    if (!request->transfer) {
        fail_for_libcurl(request, words);
        return;
    }
    take_place(request);
    request->attempts++;
    request->generation = token_of(request)->generation;
    request->started_us = loop_now_us(client);
    CURLMcode added = curl_multi_add_handle(client->multi, request->transfer->easy);
    if (added != CURLM_OK)
        fail_for_libcurl(request, curl_multi_strerror(added));
}

/* --- words -------------------------------------------------------------------------------------------------------- */

/* The service's words matter more than the URL: where both are long, the URL is cut first. Returned: g_free. */
static char *shown_url(const struct request *request, const char *words)
{
    int room = FAILURE_MESSAGE_BYTES - FRAME_BYTES - (int)MIN(strlen(words), FAILURE_MESSAGE_BYTES);
    g_autofree char *url = link_without_query(request->url);

    gsize most = (gsize)CLAMP(room, URL_BYTES_LEAST, URL_BYTES_MOST);
    return strlen(url) <= most ? g_steal_pointer(&url) : g_strdup_printf("%.*s...", (int)most - 3, url);
}

char *attempt_describe(const struct request *request, const struct client_outcome *outcome)
{
    const char *method = attempt_method(request);
    const char *words = outcome->message ? outcome->message : "no words with it";
    g_autofree char *shown = shown_url(request, words);
    g_autofree char *tries =
        request->attempts > 1 ? g_strdup_printf(" at attempt %u", request->attempts) : g_strdup("");

    const char *stop = g_str_has_suffix(words, ".") || g_str_has_suffix(words, "!") ? "" : ".";

    if (outcome->network_error)
        return g_strdup_printf("%s %s failed%s: %s%s", method, shown, tries, words, stop);
    if (outcome->body_bad)
        return g_strdup_printf("%s %s answered HTTP %d%s, but the body is not what it should be: %s%s", method, shown,
                               outcome->status, tries, words, stop);
    return g_strdup_printf("%s %s answered HTTP %d%s: %s%s", method, shown, outcome->status, tries, words, stop);
}

static struct client_failure *make_failure(const struct request *request, const struct client_outcome *outcome,
                                           const struct client_decision *decision, const char *request_id)
{
    int64_t asked_us = client_retry_after_us(outcome->retry_after, outcome->date);
    g_autofree char *message = attempt_describe(request, outcome);
    g_autofree char *plain = outcome->code ? NULL : g_strdup_printf("http_%d", outcome->status);
    const char *code = outcome->code ? outcome->code : plain;
    struct client_failure *failure = failure_new(decision->verdict, outcome->status, code, message);

    if (outcome->status == 407)
        code = "proxy_authentication";
    failure->request_id = g_strdup(request_id);
    failure->hint = failure_hint(decision->verdict, code, outcome->message, request->permission);
    if (!failure->hint && decision->family_waits && asked_us > 0)
        failure->hint = failure_pause_hint(asked_us);
    return failure;
}

static void log_attempt(const struct request *request, const struct client_outcome *outcome)
{
    if (!log_wants(LOG_LEVEL_DEBUG))
        return;
    g_autofree char *url = link_without_query(request->url);
    g_autofree char *status = g_strdup_printf("%d", outcome->status);
    g_autofree char *attempt = g_strdup_printf("%u", request->attempts);
    log_write(LOG_LEVEL_DEBUG, "asked the service", "tenant", request->app->tenant_id, "url", url, "status", status,
              "code", outcome->code, "attempt", attempt, "request_id", request->transfer->request_id,
              "client_request_id", request->transfer->client_request_id, NULL);
}

/* --- back --------------------------------------------------------------------------------------------------------- */

/* What every answer tells, good or bad: the service's time and the id to quote in a support case. */
static void note_answer(struct request *request)
{
    const struct transfer *transfer = request->transfer;
    struct client_app *app = request->app;

    if (!transfer->begun)
        return;
    g_free(request->request_id);
    request->request_id = g_strdup(transfer->request_id ? transfer->request_id : transfer->client_request_id);
    if (transfer->date == 0)
        return;
    app->service_date = transfer->date;
    app->service_date_us = request->answered_us; /* not now: a long body may have come since */
}

/* Counts how often in a row the request ended this way. */
static unsigned count_alike(struct request *request, const struct client_outcome *outcome)
{
    bool same = request->attempts > 1 && request->last_status == outcome->status &&
                g_strcmp0(request->last_code, outcome->code) == 0;

    request->alike = same ? request->alike + 1 : 0;
    request->last_status = outcome->status;
    g_free(request->last_code);
    request->last_code = g_strdup(outcome->code);
    return request->alike;
}

/* A 200 of the token endpoint: the token is taken, or the body is bad. */
static void take_token(struct request *request, struct client_outcome *outcome, struct service_error *error)
{
    const GString *body = request->transfer->text;
    g_autoptr(GError) why = NULL;

    if (outcome->network_error || outcome->body_bad || outcome->status / 100 != 2)
        return;
    if (token_accept(token_of(request), body->str, body->len, loop_now_us(request->app->client), &why))
        return;
    outcome->body_bad = true;
    error->code = g_strdup("bad_token");
    error->message = failure_clean(why->message, strlen(why->message), FAILURE_MESSAGE_BYTES);
    outcome->code = error->code;
    outcome->message = error->message;
}

/* Those who waited for the token get its failure, unless an older token still serves. */
static void end_token_request(struct request *request, const struct client_failure *failure)
{
    struct client *client = request->app->client;
    struct token *token = token_of(request);
    int64_t now_us = loop_now_us(client);

    token->asking = false;
    if (failure && failure->verdict == CLIENT_CREDENTIALS)
        token_refuse(token, failure, now_us);
    else if (failure)
        token_postpone(token, now_us);
    for (guint i = 0; i < client->requests->len; i++) {
        struct request *other = client->requests->pdata[i];
        if (other->kind == REQUEST_TOKEN || other->app != request->app || other->api != request->api ||
            other->finished || other->transfer || other->not_before_us > now_us)
            continue;
        if (other->kind == REQUEST_LOGIN) {
            other->attempts += request->attempts;
            other->body_bytes += request->body_bytes;
        }
        if (failure && !token_usable(token, now_us))
            loop_finish(other, client_failure_copy(failure));
    }
}

void attempt_fail(struct request *request, struct client_failure *failure)
{
    if (request->kind == REQUEST_TOKEN)
        end_token_request(request, failure);
    loop_finish(request, failure);
}

static void succeed(struct request *request)
{
    struct client_app *app = request->app;

    if (request->kind == REQUEST_TOKEN) {
        signin_accepted(&app->signin, &request->signin, clock_now(app->client->options.clock),
                        client_app_service_now(app));
        end_token_request(request, NULL);
    }
    loop_finish(request, NULL);
}

/* A token request may find that another assertion is worth a try: then it stays, and goes out again at once. */
static void give_up(struct request *request, struct client_failure *failure)
{
    struct client_app *app = request->app;

    if (request->kind == REQUEST_TOKEN) {
        if (signin_again(&app->signin, &request->signin, failure)) {
            client_failure_free(failure);
            return;
        }
        failure = signin_explain(&app->signin, &request->signin, failure, clock_now(app->client->options.clock),
                                 client_app_service_now(app));
    }
    attempt_fail(request, failure);
}

static void act(struct request *request, const struct client_decision *decision, const struct client_outcome *outcome,
                const char *claims, const char *request_id)
{
    int64_t now_us = loop_now_us(request->app->client);

    request->refreshed = decision->action == CLIENT_ACTION_RENEW_TOKEN ? request->refreshed + 1 : 0;
    request->new_connection = decision->new_connection;
    if (decision->family_waits && request->kind == REQUEST_PAGE)
        limiter_close(limiter_of(request), now_us + decision->wait_us);
    else if (request->probe)
        limiter_probe_over(limiter_of(request), true);
    request->probe = false;
    switch (decision->action) {
    case CLIENT_ACTION_DONE:
        succeed(request);
        break;
    case CLIENT_ACTION_GIVE_UP:
        give_up(request, make_failure(request, outcome, decision, request_id));
        break;
    case CLIENT_ACTION_RENEW_TOKEN:
        request->claims_used = request->claims_used || claims;
        token_reject(token_of(request), request->generation, claims, now_us);
        break;
    case CLIENT_ACTION_RETRY:
        request->spent_us += decision->wait_us;
        request->not_before_us = now_us + decision->wait_us;
        break;
    }
}

static void settle(struct request *request, CURLcode result, bool stalled)
{
    struct client *client = request->app->client;
    struct client_outcome outcome = {0};
    struct service_error error;

    transfer_judge(request->transfer, result, stalled, &outcome, &error);
    g_autofree char *claims = request->claims_used ? NULL : transfer_claims(request->transfer);
    if (request->kind == REQUEST_TOKEN)
        take_token(request, &outcome, &error);
    note_answer(request);
    if (request->kind == REQUEST_TOKEN && request->transfer->begun)
        signin_tell(&request->app->signin, client_app_service_now(request->app));
    log_attempt(request, &outcome);
    request->body_bytes += request->transfer->body_bytes;
    request->spent_us += loop_now_us(client) - request->started_us;
    request->throttled += decide_is_throttled(&outcome);
    outcome.attempt = request->attempts;
    outcome.alike = count_alike(request, &outcome);
    outcome.refreshed = request->refreshed;
    outcome.claims = claims != NULL;
    outcome.spent_us = request->spent_us;
    outcome.budget_us = client->retry_budget_us;

    struct client_decision decision = request->kind == REQUEST_TOKEN
                                          ? decide_token(&outcome, error.oauth, g_random_double())
                                          : client_decide(&outcome, g_random_double());
    outage_follow(request, &outcome, &decision);
    struct transfer *transfer = request->transfer; /* the outcome points into it */
    request->transfer = NULL;
    (void)curl_multi_remove_handle(client->multi, transfer->easy);
    leave_place(request);
    act(request, &decision, &outcome, claims, error.request_id);
    transfer_free(transfer);
    service_error_clear(&error);
}

/* The caller would not have the body sent. */
static void end_held_back(struct request *request)
{
    g_autofree char *shown = link_without_query(request->url);
    g_autofree char *words = g_strdup_printf("POST %.120s was not sent: who asked for it held it back.", shown);

    attempt_fail(request, failure_new(CLIENT_CANCELLED, 0, "held_back", words));
}

void attempt_settle(struct request *request, CURLcode result, bool stalled)
{
    if (request->transfer->held_back)
        end_held_back(request);
    else
        settle(request, result, stalled);
}
