/* Retry-After and what is decided from it, over any bytes. The first byte picks the answer, the second the attempt and
 * the jitter; the rest is the header, then, after a NUL, the error's message. What is checked beyond the sanitizers:
 *
 * - a wait is none, or whole seconds between one and an hour;
 * - plain digits are what they say, and an HTTP date is what libcurl's reader says;
 * - the order of doubled headers makes no difference, and a second one never shortens the wait;
 * - what is decided is one of four actions, with a wait inside its bounds, and the attempts end. */
#include <curl/curl.h>
#include <stdint.h>
#include <string.h>

#include "client/client.h"
#include "client/decide.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const int64_t date = 1763622062; /* Thu, 20 Nov 2025 07:01:02 GMT */
static const int64_t hour_us = 3600 * CLOCK_US;

/* --- the header --------------------------------------------------------------------------------------------------- */

static void check_digits(const char *value, int64_t wait_us)
{
    size_t length = strlen(value);

    if (length == 0 || length > 15 || strspn(value, "0123456789") != length)
        return;
    int64_t seconds = g_ascii_strtoll(value, NULL, 10);
    g_assert(wait_us == CLAMP(seconds, 1, 3600) * CLOCK_US);
}

static void check_date(const char *value)
{
    int64_t ours = decide_http_date(value);
    int64_t theirs = curl_getdate(value, NULL);
    bool leap = strlen(value) == 29 && value[23] >= '6';

    g_assert(ours >= 0);
    if (ours > 0 && theirs > 0 && !leap)
        g_assert(ours == theirs);
}

static void check_doubled(const char *value)
{
    static const char *const others[] = {"7", "2.128", "Thu, 20 Nov 2025 07:03:02 GMT", "", "-1"};
    int64_t alone_us = client_retry_after_us(value, date);

    for (size_t i = 0; i < G_N_ELEMENTS(others); i++) {
        g_autofree char *before = g_strdup_printf("%s, %s", others[i], value);
        int64_t other_us = client_retry_after_us(others[i], date);
        g_assert(client_retry_after_us(before, date) >= MAX(alone_us, other_us));
    }
}

static void check_header(const char *value)
{
    int64_t wait_us = client_retry_after_us(value, date);

    g_assert(wait_us == 0 || (wait_us >= CLOCK_US && wait_us <= hour_us));
    g_assert(wait_us % CLOCK_US == 0);
    g_assert(client_retry_after_us(value, 0) <= wait_us); /* dates say nothing without the service's time */
    check_digits(value, wait_us);
    check_date(value);
    check_doubled(value);
}

/* --- the decision ------------------------------------------------------------------------------------------------- */

static const struct {
    int status;
    const char *code;
    bool network_error, body_bad;
} answers[] = {
    {429, NULL, false, false},
    {429, "UnknownError", false, false},
    {403, "429", false, false},
    {403, "AF429", false, false},
    {503, "activityLimitReached", false, false},
    {503, NULL, false, false},
    {500, NULL, false, false},
    {504, NULL, false, false},
    {507, NULL, false, false},
    {400, "BadRequest", false, false},
    {401, "InvalidAuthenticationToken", false, false},
    {403, "Authentication_RequestFromNonPremiumTenantOrB2CTenant", false, false},
    {408, NULL, false, false},
    {409, NULL, false, false},
    {410, NULL, false, false},
    {501, "NotImplemented", false, false},
    {200, "TooManyRequests", false, true},
    {200, NULL, false, true},
    {200, NULL, false, false},
    {302, NULL, false, false},
    {0, "timeout", true, false},
    {400, "AADSTS90055", false, false},
    {999, NULL, false, false},
};

static void check_decision(struct client_decision decision, const struct client_outcome *outcome)
{
    g_assert(decision.wait_us >= 0 && decision.wait_us <= hour_us);
    switch (decision.action) {
    case CLIENT_ACTION_DONE:
        g_assert(outcome->status / 100 == 2 && !outcome->body_bad && !outcome->network_error);
        break;
    case CLIENT_ACTION_RETRY:
        g_assert(outcome->attempt < DECIDE_ATTEMPTS_MAX);
        g_assert(outcome->spent_us + decision.wait_us <= outcome->budget_us);
        break;
    case CLIENT_ACTION_RENEW_TOKEN:
        g_assert(outcome->attempt < DECIDE_ATTEMPTS_MAX && outcome->refreshed <= 1);
        break;
    case CLIENT_ACTION_GIVE_UP:
        g_assert(decision.verdict > CLIENT_OK && decision.verdict != CLIENT_CANCELLED);
        g_assert(decision.verdict != CLIENT_UNKNOWN || outcome->once);
        break;
    default:
        g_assert_not_reached();
    }
}

/* What was handed over is tried again after a 401 alone. */
static void check_post(struct client_outcome outcome, double random)
{
    outcome.once = true;
    for (int sent = 0; sent < 3; sent++) {
        outcome.begun = sent > 0;
        outcome.handed_over = sent > 1;
        struct client_decision decision = client_decide(&outcome, random);
        check_decision(decision, &outcome);
        g_assert(decision.action != CLIENT_ACTION_RETRY || (outcome.network_error && !outcome.begun));
    }
}

static void check_decisions(uint8_t kind, uint8_t dice, const char *header, const char *message)
{
    struct client_outcome outcome = {
        .status = answers[kind % G_N_ELEMENTS(answers)].status,
        .code = answers[kind % G_N_ELEMENTS(answers)].code,
        .network_error = answers[kind % G_N_ELEMENTS(answers)].network_error,
        .body_bad = answers[kind % G_N_ELEMENTS(answers)].body_bad,
        .message = message,
        .retry_after = header,
        .date = dice & 64 ? date : 0,
        .attempt = 1 + dice % DECIDE_ATTEMPTS_MAX,
        .alike = dice % DECIDE_ATTEMPTS_MAX,
        .refreshed = dice & 32 ? 1 : 0,
        .claims = dice & 16,
        .spent_us = dice & 128 ? hour_us / 8 : 0,
        .budget_us = hour_us / 4,
    };
    double random = dice / 256.0;

    check_decision(client_decide(&outcome, random), &outcome);
    check_post(outcome, random);
    check_decision(decide_token(&outcome, dice & 8 ? "temporarily_unavailable" : "invalid_client", random), &outcome);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    g_autofree char *header = g_strndup((const char *)data + 2, size - 2);
    size_t used = MIN(strlen(header) + 1, size - 2);
    g_autofree char *message = g_strndup((const char *)data + 2 + used, size - 2 - used);

    check_header(header);
    check_decisions(data[0], data[1], header, message);
    return 0;
}
