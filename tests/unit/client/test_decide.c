/* The retry policy, row by row: what a status, a code or a header makes us do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glib.h>

#include "base/clock.h"
#include "client/client.h"
#include "client/decide.h"

static const int64_t plenty = 900 * CLOCK_US;
static const int64_t date = 1763622062; /* Thu, 20 Nov 2025 07:01:02 GMT */

/* --- Retry-After -------------------------------------------------------------------------------------------------- */

static void every_form_of_retry_after_is_read_or_ignored_but_never_short_q97(void **state)
{
    static const struct {
        const char *value;
        int64_t seconds; /* 0: unusable */
    } rows[] = {
        {"7", 7},
        {" 41 ", 41},
        {"315", 315},
        {"2.128", 3},
        {"0.249", 1},
        {"0.124", 1},
        {"3.000", 3},
        {"0,120", 120},
        {"120, 0", 120},
        {"5,7,6", 7},
        {"0", 1},
        {"1", 1},
        {"3600", 3600},
        {"3601", 3600},
        {"1000000000", 3600},
        {"999999999999999", 3600},
        {"99999999999999999999999999999", 0},
        {"-5", 0},
        {"+5", 0},
        {"", 0},
        {",", 0},
        {"soon", 0},
        {"7s", 0},
        {"7.", 0},
        {".5", 0},
        {"1e3", 0},
        {"0x10", 0},
        {"-5,9", 9},
        {"Thu, 20 Nov 2025 07:01:32 GMT", 30},
        {"Thu, 20 Nov 2025 07:01:02 GMT", 0}, /* now: back-off instead */
        {"Thu, 20 Nov 2025 07:00:00 GMT", 0}, /* past */
        {"Thu, 20 Nov 2026 07:00:00 GMT", 3600},
        {"4, Thu, 20 Nov 2025 07:01:32 GMT", 30},
        {"Thu, 20 Nov 2025 07:01:32 GMT, 45", 45},
        {"Thu, 20 Nov 2025 25:01:32 GMT", 0},
        {"Thu, 31 Feb 2025 07:01:32 GMT", 0},
        {"Thu, 20 Nov 2025 07:01:32 +00", 0},
        {"20 Nov 2025 07:01:32 GMT", 0},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        if (client_retry_after_us(rows[i].value, date) != rows[i].seconds * CLOCK_US)
            fail_msg("Retry-After \"%s\": %" G_GINT64_FORMAT, rows[i].value,
                     client_retry_after_us(rows[i].value, date));
    assert_int_equal(client_retry_after_us(NULL, date), 0);
}

static void a_date_counts_from_the_answers_own_date_and_is_ignored_without_one(void **state)
{
    (void)state;
    assert_int_equal(client_retry_after_us("Thu, 20 Nov 2025 07:01:32 GMT", 0), 0);
    assert_int_equal(client_retry_after_us("Thu, 20 Nov 2025 07:01:32 GMT", date + 25), 5 * CLOCK_US);
}

static void http_dates_are_read_to_the_letter(void **state)
{
    (void)state;
    assert_int_equal(decide_http_date("Thu, 20 Nov 2025 07:01:02 GMT"), date);
    assert_int_equal(decide_http_date("Thu, 29 Feb 2024 23:59:60 GMT"), 1709251199);
    assert_int_equal(decide_http_date("Thursday, 20-Nov-25 07:01:02 GMT"), 0);
    assert_int_equal(decide_http_date("Thu, 20 Foo 2025 07:01:02 GMT"), 0);
    assert_int_equal(decide_http_date("Thu, 2x Nov 2025 07:01:02 GMT"), 0);
    assert_int_equal(decide_http_date("Thu, 20 Nov 1925 07:01:02 GMT"), 0);
    assert_int_equal(decide_http_date(""), 0);
}

/* --- rows of the table -------------------------------------------------------------------------------------------- */

enum {
    GIVE_UP = CLIENT_ACTION_GIVE_UP,
    RETRY = CLIENT_ACTION_RETRY,
    RENEW = CLIENT_ACTION_RENEW_TOKEN,
    DONE = CLIENT_ACTION_DONE
};

struct row {
    const char *name;
    struct client_outcome outcome;
    int action;
    enum client_verdict verdict; /* of GIVE_UP */
};

static void check_rows(const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct client_outcome outcome = rows[i].outcome;
        outcome.attempt = outcome.attempt ? outcome.attempt : 1;
        outcome.budget_us = plenty;
        struct client_decision decision = client_decide(&outcome, 0.5);
        if ((int)decision.action != rows[i].action ||
            (decision.action == CLIENT_ACTION_GIVE_UP && decision.verdict != rows[i].verdict))
            fail_msg("%s: action %d, verdict %d", rows[i].name, (int)decision.action, (int)decision.verdict);
    }
}

static void each_status_has_its_action(void **state)
{
    static const char nonpremium[] = "Authentication_RequestFromNonPremiumTenantOrB2CTenant";
    static const struct row rows[] = {
        {"200", {.status = 200}, DONE, CLIENT_OK},
        {"quirk 49, 50: 200 broken", {.status = 200, .body_bad = true}, RETRY, 0},
        {"200 broken, third time",
         {.status = 200, .body_bad = true, .alike = 2, .attempt = 3},
         GIVE_UP,
         CLIENT_BAD_BODY},
        {"quirk 51: 200 too large", {.status = 200, .body_bad = true, .too_large = true}, GIVE_UP, CLIENT_BAD_BODY},
        {"quirk 3: 200, throttled inside", {.status = 200, .body_bad = true, .code = "TooManyRequests"}, RETRY, 0},
        {"200, token refused inside",
         {.status = 200, .body_bad = true, .code = "InvalidAuthenticationToken"},
         RENEW,
         0},
        {"200, denied inside",
         {.status = 200, .body_bad = true, .code = "Authorization_RequestDenied"},
         GIVE_UP,
         CLIENT_FORBIDDEN},
        {"200, unknown error inside", {.status = 200, .body_bad = true, .code = "UnknownError"}, RETRY, 0},
        {"204 without a page", {.status = 204, .body_bad = true}, RETRY, 0},
        {"quirk 9: 302 away", {.status = 302, .away = true}, GIVE_UP, CLIENT_SECURITY},
        {"301 on the same host", {.status = 301}, GIVE_UP, CLIENT_REFUSED},
        {"307 away", {.status = 307, .away = true}, GIVE_UP, CLIENT_SECURITY},
        {"400 filter",
         {.status = 400, .code = "BadRequest", .message = "Invalid filter clause"},
         GIVE_UP,
         CLIENT_REFUSED},
        {"quirk 16: expired page token", {.status = 400, .code = "Directory_ExpiredPageToken"}, RETRY, 0},
        {"quirk 16: skip token, no code",
         {.status = 400, .code = NULL, .message = "Invalid Skip Token, skip token is null"},
         RETRY,
         0},
        {"quirk 16: token not found",
         {.status = 400, .message = "Token not found: token is either invalid or expired", .alike = 1, .attempt = 2},
         RETRY,
         0},
        {"quirk 16: third time",
         {.status = 400, .code = "Directory_ExpiredPageToken", .alike = 2, .attempt = 3},
         GIVE_UP,
         CLIENT_LINK},
        {"400 licence", {.status = 400, .code = "AadPremiumLicenseRequired"}, RETRY, 0},
        {"400 licence, third time",
         {.status = 400, .code = "AadPremiumLicenseRequired", .alike = 2},
         GIVE_UP,
         CLIENT_UNAVAILABLE},
        {"quirk 109: no Intune",
         {.status = 400, .code = "BadRequest", .message = "Request not applicable to target tenant."},
         GIVE_UP,
         CLIENT_UNAVAILABLE},
        {"quirk 109: cloud without the API",
         {.status = 400, .code = "BadRequest", .message = "Resource not found for the segment 'signIns'."},
         GIVE_UP,
         CLIENT_UNAVAILABLE},
        {"the same as 404",
         {.status = 404, .message = "Resource not found for the segment 'signIns'."},
         GIVE_UP,
         CLIENT_UNAVAILABLE},
        {"quirk 112: auditing off",
         {.status = 400, .message = "Tenant 0000 does not exist."},
         GIVE_UP,
         CLIENT_UNAVAILABLE},
        {"quirk 103: 401", {.status = 401, .code = "InvalidAuthenticationToken"}, RENEW, 0},
        {"quirk 103: second 401", {.status = 401, .refreshed = 1, .attempt = 2}, GIVE_UP, CLIENT_CREDENTIALS},
        {"quirk 113: 401 without a code",
         {.status = 401, .message = "Authorization has been denied for this request."},
         RENEW,
         0},
        {"quirk 124: claims", {.status = 401, .claims = true}, RENEW, 0},
        {"quirk 124: claims after a plain 401",
         {.status = 401, .claims = true, .refreshed = 1, .attempt = 2},
         RENEW,
         0},
        {"quirk 124: and then no more", {.status = 401, .refreshed = 2, .attempt = 3}, GIVE_UP, CLIENT_CREDENTIALS},
        {"402", {.status = 402}, GIVE_UP, CLIENT_UNAVAILABLE},
        {"quirk 107: 403", {.status = 403, .code = "Authorization_RequestDenied"}, GIVE_UP, CLIENT_FORBIDDEN},
        {"403 accessDenied", {.status = 403, .code = "accessDenied"}, GIVE_UP, CLIENT_FORBIDDEN},
        {"403 without a body", {.status = 403}, GIVE_UP, CLIENT_FORBIDDEN},
        {"quirk 108: non-premium", {.status = 403, .code = nonpremium}, RETRY, 0},
        {"quirk 108: again", {.status = 403, .code = nonpremium, .alike = 1, .attempt = 2}, RETRY, 0},
        {"quirk 108: third time",
         {.status = 403, .code = nonpremium, .alike = 2, .attempt = 3},
         GIVE_UP,
         CLIENT_UNAVAILABLE},
        {"quirk 100: AF429 in 403", {.status = 403, .code = "AF429"}, RETRY, 0},
        {"quirk 120: 429 in 403", {.status = 403, .code = "429"}, RETRY, 0},
        {"activityLimitReached in 403", {.status = 403, .code = "activitylimitreached"}, RETRY, 0},
        {"404", {.status = 404, .code = "Request_ResourceNotFound"}, GIVE_UP, CLIENT_REFUSED},
        {"405", {.status = 405}, GIVE_UP, CLIENT_REFUSED},
        {"406", {.status = 406}, GIVE_UP, CLIENT_REFUSED},
        {"407, a proxy", {.status = 407}, GIVE_UP, CLIENT_LATER},
        {"408", {.status = 408}, RETRY, 0},
        {"408 to the end", {.status = 408, .attempt = 8}, GIVE_UP, CLIENT_SLOW},
        {"409", {.status = 409}, RETRY, 0},
        {"423 to the end", {.status = 423, .attempt = 8}, GIVE_UP, CLIENT_LATER},
        {"quirk 90: 410", {.status = 410}, GIVE_UP, CLIENT_LINK},
        {"quirk 90: 410 SyncStateNotFound", {.status = 410, .code = "SyncStateNotFound"}, GIVE_UP, CLIENT_LINK},
        {"quirk 90: 410 resyncRequired", {.status = 410, .code = "resyncRequired"}, GIVE_UP, CLIENT_LINK},
        {"quirk 90: 410 page token", {.status = 410, .code = "Directory_ExpiredPageToken"}, GIVE_UP, CLIENT_LINK},
        {"quirk 90: 410 with words", {.status = 410, .message = "Invalid skip token"}, GIVE_UP, CLIENT_LINK},
        {"quirk 90: state lost under another status",
         {.status = 400, .code = "SyncStateNotFound"},
         GIVE_UP,
         CLIENT_LINK},
        {"quirk 90: resync", {.status = 404, .code = "resyncRequired"}, GIVE_UP, CLIENT_LINK},
        {"411", {.status = 411}, GIVE_UP, CLIENT_REFUSED},
        {"413", {.status = 413}, GIVE_UP, CLIENT_REFUSED},
        {"415", {.status = 415}, GIVE_UP, CLIENT_REFUSED},
        {"422", {.status = 422}, GIVE_UP, CLIENT_REFUSED},
        {"429", {.status = 429, .retry_after = "7"}, RETRY, 0},
        {"quirk 99: 429 UnknownError", {.status = 429, .code = "UnknownError"}, RETRY, 0},
        {"429 to the end", {.status = 429, .attempt = 8}, GIVE_UP, CLIENT_LATER},
        {"quirk 101: 500", {.status = 500}, RETRY, 0},
        {"500 to the end", {.status = 500, .attempt = 8}, GIVE_UP, CLIENT_SLOW},
        {"quirk 95: 501", {.status = 501, .code = "NotImplemented"}, GIVE_UP, CLIENT_REFUSED},
        {"quirk 95: no such property",
         {.status = 400, .code = "BadRequest", .message = "Could not find a property named 'x' on type 'user'."},
         GIVE_UP,
         CLIENT_REFUSED},
        {"quirk 95: the same of Request_BadRequest",
         {.status = 400, .code = "Request_BadRequest"},
         GIVE_UP,
         CLIENT_REFUSED},
        {"502 to the end", {.status = 502, .attempt = 8}, GIVE_UP, CLIENT_LATER},
        {"503", {.status = 503}, RETRY, 0},
        {"503 to the end", {.status = 503, .attempt = 8}, GIVE_UP, CLIENT_LATER},
        {"504", {.status = 504}, RETRY, 0},
        {"504 to the end", {.status = 504, .attempt = 8}, GIVE_UP, CLIENT_SLOW},
        {"507", {.status = 507}, RETRY, 0},
        {"509 to the end", {.status = 509, .attempt = 8}, GIVE_UP, CLIENT_LATER},
        {"599", {.status = 599}, RETRY, 0},
        {"quirk 115: reset", {.network_error = true, .connection_lost = true}, RETRY, 0},
        {"quirk 116: DNS", {.network_error = true, .code = "dns"}, RETRY, 0},
        {"network to the end", {.network_error = true, .attempt = 8}, GIVE_UP, CLIENT_LATER},
        {"time-out to the end", {.network_error = true, .timed_out = true, .attempt = 8}, GIVE_UP, CLIENT_SLOW},
        {"a second time-out in a row", {.network_error = true, .timed_out = true, .alike = 1, .attempt = 2}, RETRY, 0},
        {"a third", {.network_error = true, .timed_out = true, .alike = 2, .attempt = 3}, GIVE_UP, CLIENT_SLOW},
        {"a third, but of a dead name", {.network_error = true, .code = "dns", .alike = 2, .attempt = 3}, RETRY, 0},
        {"quirk 117: certificate", {.network_error = true, .untrusted = true}, GIVE_UP, CLIENT_SECURITY},
    };

    (void)state;
    check_rows(rows, G_N_ELEMENTS(rows));
}

static void what_may_have_been_taken_is_never_repeated_q115_q128(void **state)
{
    static const char html[] = "<html>";
    static const struct row rows[] = {
        {"202", {.status = 202, .once = true}, DONE, CLIENT_OK},
        {"another 2xx", {.status = 200, .once = true, .body_bad = true}, GIVE_UP, CLIENT_UNKNOWN},
        {"the same, throttled inside",
         {.status = 200, .once = true, .body_bad = true, .code = "TooManyRequests"},
         GIVE_UP,
         CLIENT_LATER},
        {"302 away", {.status = 302, .once = true, .away = true}, GIVE_UP, CLIENT_SECURITY},
        {"400", {.status = 400, .once = true}, GIVE_UP, CLIENT_REFUSED},
        {"401", {.status = 401, .once = true}, RENEW, 0},
        {"second 401", {.status = 401, .once = true, .refreshed = 1, .attempt = 2}, GIVE_UP, CLIENT_CREDENTIALS},
        {"403", {.status = 403, .once = true, .code = "ErrorAccessDenied"}, GIVE_UP, CLIENT_FORBIDDEN},
        {"403, throttled", {.status = 403, .once = true, .code = "activityLimitReached"}, GIVE_UP, CLIENT_LATER},
        {"404", {.status = 404, .once = true, .code = "ErrorInvalidUser"}, GIVE_UP, CLIENT_REFUSED},
        {"407", {.status = 407, .once = true}, GIVE_UP, CLIENT_LATER},
        {"408", {.status = 408, .once = true}, GIVE_UP, CLIENT_LATER},
        {"409", {.status = 409, .once = true}, GIVE_UP, CLIENT_LATER},
        {"413", {.status = 413, .once = true}, GIVE_UP, CLIENT_REFUSED},
        {"429", {.status = 429, .once = true, .retry_after = "7"}, GIVE_UP, CLIENT_LATER},
        {"500", {.status = 500, .once = true, .code = "InternalServerError"}, GIVE_UP, CLIENT_UNKNOWN},
        {"501", {.status = 501, .once = true}, GIVE_UP, CLIENT_REFUSED},
        {"502", {.status = 502, .once = true, .message = html}, GIVE_UP, CLIENT_UNKNOWN},
        {"503 of a gateway", {.status = 503, .once = true, .message = html}, GIVE_UP, CLIENT_UNKNOWN},
        {"503 of the service", {.status = 503, .once = true, .code = "serviceNotAvailable"}, GIVE_UP, CLIENT_LATER},
        {"503 with a wait", {.status = 503, .once = true, .retry_after = "7"}, GIVE_UP, CLIENT_LATER},
        {"503, throttled", {.status = 503, .once = true, .code = "TooManyRequests"}, GIVE_UP, CLIENT_LATER},
        {"504", {.status = 504, .once = true, .retry_after = "7"}, GIVE_UP, CLIENT_UNKNOWN},
        {"507", {.status = 507, .once = true}, GIVE_UP, CLIENT_LATER},
        {"599", {.status = 599, .once = true}, GIVE_UP, CLIENT_UNKNOWN},
        {"no connection", {.network_error = true, .once = true}, RETRY, 0},
        {"no connection to the end", {.network_error = true, .once = true, .attempt = 8}, GIVE_UP, CLIENT_LATER},
        {"certificate", {.network_error = true, .once = true, .untrusted = true}, GIVE_UP, CLIENT_SECURITY},
        {"lost before a byte went", {.network_error = true, .once = true, .connection_lost = true}, RETRY, 0},
        {"lost within the body",
         {.network_error = true, .once = true, .connection_lost = true, .begun = true},
         GIVE_UP,
         CLIENT_LATER},
        {"lost behind it",
         {.network_error = true, .once = true, .connection_lost = true, .begun = true, .handed_over = true},
         GIVE_UP,
         CLIENT_UNKNOWN},
        {"silence behind it",
         {.network_error = true, .once = true, .timed_out = true, .begun = true, .handed_over = true},
         GIVE_UP,
         CLIENT_UNKNOWN},
    };

    (void)state;
    check_rows(rows, G_N_ELEMENTS(rows));
}

static void a_503_to_a_post_tells_the_family_how_long_to_wait(void **state)
{
    struct client_outcome outcome = {
        .status = 503, .once = true, .retry_after = "30", .attempt = 1, .budget_us = plenty};
    struct client_decision decision = client_decide(&outcome, 0);

    (void)state;
    assert_true(decision.family_waits);
    assert_int_equal(decision.wait_us, 30 * CLOCK_US);
    outcome.retry_after = NULL;
    outcome.code = "serviceNotAvailable";
    assert_false(client_decide(&outcome, 0).family_waits);
}

static void nothing_is_retried_past_its_budget_of_time(void **state)
{
    struct client_outcome outcome = {.status = 502, .attempt = 3, .spent_us = plenty, .budget_us = plenty};

    (void)state;
    assert_int_equal(client_decide(&outcome, 0.5).action, CLIENT_ACTION_GIVE_UP);
    outcome.spent_us = plenty - 8 * CLOCK_US;
    assert_int_equal(client_decide(&outcome, 0.99).action, CLIENT_ACTION_RETRY);
}

static void back_off_without_retry_after_grows_with_full_jitter_up_to_five_minutes_q98(void **state)
{
    static const int64_t most_s[] = {2, 4, 8, 16, 32, 64, 128};

    (void)state;
    for (unsigned attempt = 1; attempt <= G_N_ELEMENTS(most_s); attempt++) {
        struct client_outcome outcome = {.status = 502, .attempt = attempt, .budget_us = INT64_MAX / 2};
        assert_int_equal(client_decide(&outcome, 0).wait_us, 0);
        assert_int_equal(client_decide(&outcome, 0.5).wait_us, most_s[attempt - 1] * CLOCK_US / 2);
        outcome.status = 429; /* never a busy loop, and the family waits with it */
        assert_int_equal(client_decide(&outcome, 0).wait_us, CLOCK_US);
        assert_true(client_decide(&outcome, 0).family_waits);
    }
    struct client_outcome late = {.status = 507, .attempt = 7, .budget_us = INT64_MAX / 2};
    assert_true(client_decide(&late, 0.999).wait_us <= 360 * CLOCK_US);
    assert_true(client_decide(&late, 0).wait_us >= 60 * CLOCK_US);
}

static void a_retry_after_is_never_undercut_and_closes_the_family_q97(void **state)
{
    struct client_outcome outcome = {.status = 429, .retry_after = "41", .attempt = 1, .budget_us = plenty};

    (void)state;
    for (int quarter = 0; quarter < 4; quarter++) {
        struct client_decision decision = client_decide(&outcome, quarter / 4.0);
        assert_int_equal(decision.action, CLIENT_ACTION_RETRY);
        assert_int_equal(decision.wait_us, 41 * CLOCK_US);
        assert_true(decision.family_waits);
    }
}

static void a_retry_after_longer_than_the_budget_ends_the_request_and_still_closes_the_family(void **state)
{
    struct client_outcome outcome = {.status = 429, .retry_after = "1800", .attempt = 1, .budget_us = plenty};
    struct client_decision decision = client_decide(&outcome, 0);

    (void)state;
    assert_int_equal(decision.action, CLIENT_ACTION_GIVE_UP);
    assert_int_equal(decision.verdict, CLIENT_LATER);
    assert_true(decision.family_waits);
    assert_int_equal(decision.wait_us, 1800 * CLOCK_US);
}

static void a_503_waits_as_told_alone_and_comes_back_on_a_new_connection_q101(void **state)
{
    struct client_outcome outcome = {.status = 503, .retry_after = "30", .attempt = 1, .budget_us = plenty};
    struct client_decision decision = client_decide(&outcome, 0);

    (void)state;
    assert_int_equal(decision.wait_us, 30 * CLOCK_US);
    assert_false(decision.family_waits);
    assert_true(decision.new_connection);
    outcome.code = "TooManyRequests";
    decision = client_decide(&outcome, 0);
    assert_true(decision.family_waits);
    assert_true(decision.new_connection);
}

static void the_first_lost_connection_is_tried_again_at_once_the_second_backs_off_q115(void **state)
{
    struct client_outcome outcome = {.network_error = true, .connection_lost = true, .attempt = 1, .budget_us = plenty};
    struct client_decision decision = client_decide(&outcome, 0.5);

    (void)state;
    assert_int_equal(decision.wait_us, 0);
    assert_true(decision.new_connection);
    outcome.alike = 1;
    outcome.attempt = 2;
    decision = client_decide(&outcome, 0.5);
    assert_int_equal(decision.wait_us, 2 * CLOCK_US);
    assert_true(decision.new_connection);
}

static void a_licence_error_is_asked_again_a_minute_later_at_least_q108(void **state)
{
    struct client_outcome outcome = {.status = 403,
                                     .code = "Authentication_RequestFromNonPremiumTenantOrB2CTenant",
                                     .attempt = 1,
                                     .budget_us = plenty};

    (void)state;
    assert_true(client_decide(&outcome, 0).wait_us >= 60 * CLOCK_US);
}

static void the_management_api_is_left_alone_for_half_a_minute_at_least_q100(void **state)
{
    struct client_outcome outcome = {.status = 403, .code = "AF429", .attempt = 1, .budget_us = plenty};

    (void)state;
    assert_int_equal(client_decide(&outcome, 0).wait_us, 30 * CLOCK_US);
    assert_true(client_decide(&outcome, 0).family_waits);
}

static void the_wait_in_the_text_is_kept_else_a_quarter_of_an_hour_q120(void **state)
{
    static const struct {
        const char *message;
        int64_t seconds;
    } rows[] = {
        {"Too many frequent subscription start requests. Please retry again after 8m 46s.", 526},
        {"Please retry again after 46s.", 46},
        {"Please retry again after 0m 1s", 1},
        {"Please retry again after a while", 900},
        {"Please retry again after 8m", 900},
        {"Please retry again after -8m 3s", 900},
        {"Please retry again after 99999999999999999999m 3s", 900},
        {"Too many requests", 900},
        {NULL, 900},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct client_outcome outcome = {
            .status = 403, .code = "429", .message = rows[i].message, .attempt = 1, .budget_us = plenty};
        assert_int_equal(client_decide(&outcome, 0).wait_us, rows[i].seconds * CLOCK_US);
    }
}

/* --- the token endpoint ------------------------------------------------------------------------------------------- */

static void what_the_token_endpoint_refuses_is_not_asked_again(void **state)
{
    static const struct {
        int status;
        const char *code, *oauth;
        int action;
        enum client_verdict verdict;
    } rows[] = {
        {200, NULL, NULL, DONE, 0},
        {400, "AADSTS90002", "invalid_request", GIVE_UP, CLIENT_CREDENTIALS},
        {401, "AADSTS7000215", "invalid_client", GIVE_UP, CLIENT_CREDENTIALS},
        {401, "AADSTS7000222", "invalid_client", GIVE_UP, CLIENT_CREDENTIALS},
        {400, "AADSTS53003", "access_denied", GIVE_UP, CLIENT_CREDENTIALS},
        {403, NULL, NULL, GIVE_UP, CLIENT_CREDENTIALS},
        {404, NULL, NULL, GIVE_UP, CLIENT_CREDENTIALS},
        {400, "AADSTS90006", "temporarily_unavailable", RETRY, 0},
        {400, "AADSTS90033", "server_error", RETRY, 0},
        {400, NULL, "temporarily_unavailable", RETRY, 0},
        {400, "AADSTS90055", NULL, RETRY, 0},
        {407, NULL, NULL, GIVE_UP, CLIENT_LATER},
        {408, NULL, NULL, RETRY, 0},
        {429, NULL, NULL, RETRY, 0},
        {500, NULL, NULL, RETRY, 0},
        {503, NULL, NULL, RETRY, 0},
        {302, NULL, NULL, GIVE_UP, CLIENT_REFUSED},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct client_outcome outcome = {
            .status = rows[i].status, .code = rows[i].code, .attempt = 1, .budget_us = plenty};
        struct client_decision decision = decide_token(&outcome, rows[i].oauth, 0.5);
        assert_int_equal(decision.action, rows[i].action);
        if (decision.action == CLIENT_ACTION_GIVE_UP)
            assert_int_equal(decision.verdict, rows[i].verdict);
    }
}

static void the_token_endpoints_waits_are_kept_and_are_five_seconds_without_a_word(void **state)
{
    struct client_outcome outcome = {.status = 429, .retry_after = "90", .attempt = 1, .budget_us = plenty};

    (void)state;
    assert_int_equal(decide_token(&outcome, NULL, 0).wait_us, 90 * CLOCK_US);
    outcome.retry_after = NULL;
    assert_int_equal(decide_token(&outcome, NULL, 0).wait_us, 5 * CLOCK_US);
    outcome.code = "AADSTS90055";
    assert_true(decide_token(&outcome, NULL, 0).wait_us >= 60 * CLOCK_US);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_of_retry_after_is_read_or_ignored_but_never_short_q97),
        cmocka_unit_test(a_date_counts_from_the_answers_own_date_and_is_ignored_without_one),
        cmocka_unit_test(http_dates_are_read_to_the_letter),
        cmocka_unit_test(each_status_has_its_action),
        cmocka_unit_test(what_may_have_been_taken_is_never_repeated_q115_q128),
        cmocka_unit_test(a_503_to_a_post_tells_the_family_how_long_to_wait),
        cmocka_unit_test(nothing_is_retried_past_its_budget_of_time),
        cmocka_unit_test(back_off_without_retry_after_grows_with_full_jitter_up_to_five_minutes_q98),
        cmocka_unit_test(a_retry_after_is_never_undercut_and_closes_the_family_q97),
        cmocka_unit_test(a_retry_after_longer_than_the_budget_ends_the_request_and_still_closes_the_family),
        cmocka_unit_test(a_503_waits_as_told_alone_and_comes_back_on_a_new_connection_q101),
        cmocka_unit_test(the_first_lost_connection_is_tried_again_at_once_the_second_backs_off_q115),
        cmocka_unit_test(a_licence_error_is_asked_again_a_minute_later_at_least_q108),
        cmocka_unit_test(the_management_api_is_left_alone_for_half_a_minute_at_least_q100),
        cmocka_unit_test(the_wait_in_the_text_is_kept_else_a_quarter_of_an_hour_q120),
        cmocka_unit_test(what_the_token_endpoint_refuses_is_not_asked_again),
        cmocka_unit_test(the_token_endpoints_waits_are_kept_and_are_five_seconds_without_a_word),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
