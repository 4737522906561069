/* decide - what to do after an attempt: pure, so that a table can test each row of the service's manners.
 *
 * Order of evidence: HTTP status, then error code, then header, and a message only where nothing else tells
 * (Microsoft's own advice). */
#include "client/decide.h"

#include <string.h>

enum {
    BAD_BODIES_MAX = 3,
    LINK_ERRORS_MAX = 3,
    LICENCE_ERRORS_MAX = 3,
};

static const int64_t backoff_base_us = 2 * CLOCK_US;
static const int64_t backoff_cap_us = 300 * CLOCK_US;
static const int64_t throttle_floor_us = 1 * CLOCK_US;
static const int64_t retry_after_cap_us = 3600 * CLOCK_US;
/* The Management API sends no Retry-After; a start that came too soon has its wait in the text, a quarter of an hour at
 * most. */
static const int64_t management_throttle_us = 30 * CLOCK_US;
static const int64_t start_throttle_us = 900 * CLOCK_US;
/* The token endpoint without Retry-After: 5 s, as Microsoft's own library waits; a tenant blocked for too many requests
 * needs longer. */
static const int64_t token_throttle_us = 5 * CLOCK_US;
static const int64_t token_blocked_us = 60 * CLOCK_US;
/* Licensed tenants get the non-premium error at times; minutes later it is gone. */
static const int64_t licence_wait_us = 60 * CLOCK_US;

/* --- Retry-After -------------------------------------------------------------------------------------------------- */

static bool read_digits(const char *text, int n, int *value)
{
    *value = 0;
    for (int i = 0; i < n; i++) {
        if (!g_ascii_isdigit(text[i]))
            return false;
        *value = *value * 10 + (text[i] - '0');
    }
    return true;
}

int64_t decide_http_date(const char *text)
{
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    int day, year, hour, minute, second, month = 0;

    /* "Fri, 20 Nov 2026 07:01:02 GMT": IMF-fixdate, RFC 9110 section 5.6.7. */
    if (strlen(text) != 29 || strncmp(text + 3, ", ", 2) != 0 || strcmp(text + 25, " GMT") != 0 || text[7] != ' ' ||
        text[11] != ' ' || text[16] != ' ' || text[19] != ':' || text[22] != ':')
        return 0;
    if (!read_digits(text + 5, 2, &day) || !read_digits(text + 12, 4, &year) || !read_digits(text + 17, 2, &hour) ||
        !read_digits(text + 20, 2, &minute) || !read_digits(text + 23, 2, &second))
        return 0;
    while (month < 12 && strncmp(text + 8, months[month], 3) != 0)
        month++;
    if (month == 12 || year < 1970)
        return 0;
    g_autoptr(GDateTime) time = g_date_time_new_utc(year, month + 1, day, hour, minute, MIN(second, 59));
    return time ? g_date_time_to_unix(time) : 0;
}

/* "7" and "2.128" as microseconds, up to whole seconds; -1 for anything else. */
static int64_t read_seconds(const char *text)
{
    size_t whole = strspn(text, "0123456789");
    size_t decimals = text[whole] == '.' ? strspn(text + whole + 1, "0123456789") : 0;
    bool fraction = false;

    if (whole == 0 || whole > 15 || (text[whole] == '.' && decimals == 0))
        return -1;
    if (text[whole + (decimals ? decimals + 1 : 0)] != '\0')
        return -1;
    for (size_t i = 0; i < decimals; i++)
        fraction = fraction || text[whole + 1 + i] != '0';
    int64_t seconds = g_ascii_strtoll(text, NULL, 10);
    if (seconds >= retry_after_cap_us / CLOCK_US)
        return retry_after_cap_us;
    return (seconds + fraction) * CLOCK_US;
}

/* One part of the header: seconds, or a date that is still to come. 0 when unusable. */
static int64_t read_part(const char *part, int64_t date)
{
    int64_t wait_us = read_seconds(part);

    if (wait_us < 0) {
        int64_t until = decide_http_date(part);
        if (until == 0 || date == 0 || until <= date)
            return 0;
        wait_us = until - date >= retry_after_cap_us / CLOCK_US ? retry_after_cap_us : (until - date) * CLOCK_US;
    }
    return CLAMP(wait_us, throttle_floor_us, retry_after_cap_us);
}

int64_t client_retry_after_us(const char *value, int64_t date)
{
    int64_t longest_us = 0;

    if (!value)
        return 0;
    g_auto(GStrv) parts = g_strsplit(value, ",", -1);
    for (int i = 0; parts[i]; i++) {
        g_autofree char *part = NULL;
        /* A date has a comma of its own, after the day's name. */
        if (g_ascii_isalpha(g_strstrip(parts[i])[0]) && parts[i + 1]) {
            part = g_strdup_printf("%s, %s", parts[i], g_strstrip(parts[i + 1]));
            if (decide_http_date(part) != 0)
                i++;
        } else {
            part = g_strdup(parts[i]);
        }
        longest_us = MAX(longest_us, read_part(part, date));
    }
    return longest_us;
}

/* "Please retry again after 8m 46s.": the Management API's only word on how long. 0 when there is none. */
static int64_t wait_in_text_us(const char *message)
{
    const char *after = message ? strstr(message, "retry again after ") : NULL;
    char *end = NULL;

    if (!after)
        return 0;
    after += strlen("retry again after ");
    int64_t minutes = 0, seconds = g_ascii_strtoll(after, &end, 10);
    if (*end == 'm') {
        minutes = seconds;
        seconds = g_ascii_strtoll(end + 1, &end, 10);
    }
    if (end == after || *end != 's' || minutes < 0 || seconds < 0 || minutes > 60 || seconds > 3600)
        return 0;
    return MIN((minutes * 60 + seconds) * CLOCK_US, retry_after_cap_us);
}

/* --- what the answer says ----------------------------------------------------------------------------------------- */

static bool code_is(const struct client_outcome *outcome, const char *code)
{
    return outcome->code && g_ascii_strcasecmp(outcome->code, code) == 0;
}

static bool message_has(const struct client_outcome *outcome, const char *words)
{
    return outcome->message && strstr(outcome->message, words);
}

static bool is_throttled_code(const struct client_outcome *outcome)
{
    return code_is(outcome, "429") || code_is(outcome, "AF429") || code_is(outcome, "TooManyRequests") ||
           code_is(outcome, "activityLimitReached") || code_is(outcome, "throttledRequest");
}

bool decide_is_throttled(const struct client_outcome *outcome)
{
    if (outcome->network_error)
        return false;
    if (outcome->status == 429)
        return true;
    return (outcome->status == 403 || outcome->status == 503 || outcome->body_bad) && is_throttled_code(outcome);
}

static bool is_licence_error(const struct client_outcome *outcome)
{
    return code_is(outcome, "Authentication_RequestFromNonPremiumTenantOrB2CTenant") ||
           code_is(outcome, "AadPremiumLicenseRequired");
}

/* The tenant or the cloud does not have this at all. */
static bool is_unavailable(const struct client_outcome *outcome)
{
    return message_has(outcome, "Resource not found for the segment") ||
           message_has(outcome, "not applicable to target tenant") ||
           (message_has(outcome, "Tenant ") && message_has(outcome, " does not exist"));
}

static bool is_stale_link(const struct client_outcome *outcome)
{
    if (code_is(outcome, "Directory_ExpiredPageToken"))
        return true;
    if (!outcome->message)
        return false;
    g_autofree char *lower = g_ascii_strdown(outcome->message, -1);
    return strstr(lower, "skip token") || strstr(lower, "skiptoken") || strstr(lower, "token not found") ||
           strstr(lower, "page token");
}

/* The state behind a delta token is gone. */
static bool is_lost_state(const struct client_outcome *outcome)
{
    return outcome->status == 410 || code_is(outcome, "syncStateNotFound") || code_is(outcome, "resyncRequired");
}

/* A 200 with an error object says by its code what the status should have been. */
static int effective_status(const struct client_outcome *outcome)
{
    if (outcome->status / 100 != 2 || !outcome->body_bad)
        return outcome->status;
    if (code_is(outcome, "InvalidAuthenticationToken") || code_is(outcome, "unauthenticated"))
        return 401;
    if (code_is(outcome, "Authorization_RequestDenied") || code_is(outcome, "accessDenied"))
        return 403;
    return outcome->status;
}

/* --- waits -------------------------------------------------------------------------------------------------------- */

/* Full jitter: anything between nothing and base x 2^(n-1), so that clients thrown out together do not come back
 * together. */
static int64_t backoff_us(unsigned attempt, int64_t base_us, double random)
{
    int64_t most_us = base_us;

    for (unsigned i = 1; i < attempt && most_us < backoff_cap_us; i++)
        most_us *= 2;
    return (int64_t)((double)MIN(most_us, backoff_cap_us) * random);
}

static struct client_decision give_up(enum client_verdict verdict)
{
    return (struct client_decision){.action = CLIENT_ACTION_GIVE_UP, .verdict = verdict};
}

/* Again after `wait_us`, while attempts and budget last; then `verdict`. */
static struct client_decision retry(const struct client_outcome *outcome, int64_t wait_us, enum client_verdict verdict)
{
    if (outcome->attempt >= DECIDE_ATTEMPTS_MAX || outcome->spent_us + wait_us > outcome->budget_us)
        return give_up(verdict);
    return (struct client_decision){.action = CLIENT_ACTION_RETRY, .wait_us = wait_us};
}

static struct client_decision back_off(const struct client_outcome *outcome, double random, enum client_verdict verdict)
{
    /* A 503 may say how long (RFC 9110 section 15.6.4); the wait is this request's alone. */
    int64_t asked_us = client_retry_after_us(outcome->retry_after, outcome->date);

    return retry(outcome, MAX(backoff_us(outcome->attempt, backoff_base_us, random), asked_us), verdict);
}

static int64_t throttle_wait_us(const struct client_outcome *outcome, double random)
{
    int64_t asked_us = client_retry_after_us(outcome->retry_after, outcome->date);

    if (asked_us > 0)
        return asked_us;
    if (code_is(outcome, "429")) {
        asked_us = wait_in_text_us(outcome->message);
        return asked_us > 0 ? asked_us : start_throttle_us;
    }
    if (code_is(outcome, "AF429"))
        return MIN(management_throttle_us + backoff_us(outcome->attempt, management_throttle_us, random),
                   backoff_cap_us);
    return MAX(backoff_us(outcome->attempt, backoff_base_us, random), throttle_floor_us);
}

static struct client_decision decide_throttled(const struct client_outcome *outcome, double random)
{
    int64_t wait_us = throttle_wait_us(outcome, random);
    struct client_decision decision = retry(outcome, wait_us, CLIENT_LATER);

    decision.wait_us = wait_us;
    decision.family_waits = true;
    return decision;
}

static struct client_decision decide_network(const struct client_outcome *outcome, double random)
{
    struct client_decision decision;

    if (outcome->untrusted)
        return give_up(CLIENT_SECURITY);
    if (outcome->timed_out && outcome->alike + 1 >= DECIDE_TIME_OUTS_MAX)
        return give_up(CLIENT_SLOW);
    /* The server may close a kept connection at any time; that says nothing about its health. */
    if (outcome->connection_lost && outcome->alike == 0)
        decision = retry(outcome, 0, CLIENT_LATER);
    else
        decision = back_off(outcome, random, outcome->timed_out ? CLIENT_SLOW : CLIENT_LATER);
    decision.new_connection = true;
    return decision;
}

static struct client_decision decide_success(const struct client_outcome *outcome, double random)
{
    if (!outcome->body_bad)
        return (struct client_decision){.action = CLIENT_ACTION_DONE, .verdict = CLIENT_OK};
    if (outcome->too_large || outcome->alike + 1 >= BAD_BODIES_MAX)
        return give_up(CLIENT_BAD_BODY);
    return back_off(outcome, random, CLIENT_BAD_BODY);
}

static struct client_decision decide_unauthorized(const struct client_outcome *outcome)
{
    if (outcome->attempt >= DECIDE_ATTEMPTS_MAX || outcome->refreshed > (outcome->claims ? 1 : 0))
        return give_up(CLIENT_CREDENTIALS);
    return (struct client_decision){.action = CLIENT_ACTION_RENEW_TOKEN};
}

static struct client_decision decide_client_error(const struct client_outcome *outcome, double random)
{
    if (is_licence_error(outcome)) {
        if (outcome->alike + 1 >= LICENCE_ERRORS_MAX)
            return give_up(CLIENT_UNAVAILABLE);
        return retry(outcome, licence_wait_us + backoff_us(outcome->attempt, licence_wait_us, random),
                     CLIENT_UNAVAILABLE);
    }
    if (is_lost_state(outcome))
        return give_up(CLIENT_LINK);
    if (outcome->status == 400 && is_stale_link(outcome))
        return outcome->alike + 1 >= LINK_ERRORS_MAX ? give_up(CLIENT_LINK) : back_off(outcome, random, CLIENT_LINK);
    if (is_unavailable(outcome))
        return give_up(CLIENT_UNAVAILABLE);
    switch (outcome->status) {
    case 402:
        return give_up(CLIENT_UNAVAILABLE);
    case 403:
        return give_up(CLIENT_FORBIDDEN);
    case 407: /* a proxy's; another try would only be refused again */
        return give_up(CLIENT_LATER);
    case 408:
        return back_off(outcome, random, CLIENT_SLOW);
    case 409:
    case 423:
    case 425:
        return back_off(outcome, random, CLIENT_LATER);
    default:
        return give_up(CLIENT_REFUSED);
    }
}

static struct client_decision decide_server_error(const struct client_outcome *outcome, double random)
{
    if (outcome->status == 501)
        return give_up(CLIENT_REFUSED);
    if (outcome->status == 500 || outcome->status == 504)
        return back_off(outcome, random, CLIENT_SLOW);
    if (outcome->status == 507 || outcome->status == 509) { /* out of storage or bandwidth: not over in seconds */
        int64_t wait_us = licence_wait_us + backoff_us(outcome->attempt, licence_wait_us, random);
        return retry(outcome, wait_us, CLIENT_LATER);
    }
    struct client_decision decision = back_off(outcome, random, CLIENT_LATER);
    decision.new_connection = outcome->status == 503;
    return decision;
}

static struct client_decision decide_answer(const struct client_outcome *outcome, double random)
{
    if (decide_is_throttled(outcome)) {
        struct client_decision decision = decide_throttled(outcome, random);
        decision.new_connection = outcome->status == 503;
        return decision;
    }
    int status = effective_status(outcome);
    if (status == 401)
        return decide_unauthorized(outcome);
    if (status != outcome->status)
        return give_up(CLIENT_FORBIDDEN);
    if (status >= 200 && status < 300)
        return decide_success(outcome, random);
    if (status >= 300 && status < 400)
        return give_up(outcome->away ? CLIENT_SECURITY : CLIENT_REFUSED);
    if (status >= 400 && status < 500)
        return decide_client_error(outcome, random);
    return decide_server_error(outcome, random);
}

/* --- what must not be repeated ------------------------------------------------------------------------------------ */

/* Whether what was posted may have been taken, although the answer says nothing of the kind. A gateway answers 502 and
 * 504 for a service that it lost sight of, and some of them 503; a service fails with 500 at any point of its work. But
 * a 503 that says how long to wait, or names an error, is the service's own, which turned the request away. */
static bool may_be_taken(const struct client_outcome *outcome)
{
    switch (outcome->status) {
    case 503:
        return !outcome->retry_after && !outcome->code;
    case 507:
    case 509:
        return false;
    default:
        return outcome->status / 100 == 2 || outcome->status / 100 == 5;
    }
}

/* A POST: either it is known not to have been taken, or nobody may send it again without being told to. */
static struct client_decision decide_once(const struct client_outcome *outcome, double random)
{
    if (outcome->network_error)
        return outcome->begun ? give_up(outcome->handed_over ? CLIENT_UNKNOWN : CLIENT_LATER)
                              : decide_network(outcome, random);
    struct client_decision decision = decide_answer(outcome, random);
    bool open = decision.action == CLIENT_ACTION_RETRY || decision.verdict == CLIENT_LATER ||
                decision.verdict == CLIENT_SLOW || decision.verdict == CLIENT_BAD_BODY;
    if (decision.action == CLIENT_ACTION_DONE || decision.action == CLIENT_ACTION_RENEW_TOKEN || !open)
        return decision;
    decision.action = CLIENT_ACTION_GIVE_UP;
    decision.verdict = !decide_is_throttled(outcome) && may_be_taken(outcome) ? CLIENT_UNKNOWN : CLIENT_LATER;
    if (outcome->status == 503 && !decision.family_waits) {
        decision.wait_us = client_retry_after_us(outcome->retry_after, outcome->date);
        decision.family_waits = decision.wait_us > 0;
    }
    return decision;
}

struct client_decision client_decide(const struct client_outcome *outcome, double random)
{
    if (outcome->once)
        return decide_once(outcome, random);
    return outcome->network_error ? decide_network(outcome, random) : decide_answer(outcome, random);
}

/* --- the token endpoint ------------------------------------------------------------------------------------------- */

/* Entra error codes that its reference calls transient. `error` should say temporarily_unavailable, but does not
 * always. */
static bool is_passing_token_error(const struct client_outcome *outcome, const char *oauth)
{
    static const char *const passing[] = {"AADSTS50000", "AADSTS90006", "AADSTS90012", "AADSTS90024",
                                          "AADSTS90033", "AADSTS90090", NULL};

    if (oauth && g_str_equal(oauth, "temporarily_unavailable"))
        return true;
    for (int i = 0; passing[i]; i++)
        if (code_is(outcome, passing[i]))
            return true;
    return false;
}

struct client_decision decide_token(const struct client_outcome *outcome, const char *oauth, double random)
{
    bool refused = !outcome->network_error && outcome->status >= 400 && outcome->status < 500;

    if (!outcome->network_error && (outcome->status == 429 || code_is(outcome, "AADSTS90055"))) {
        int64_t asked_us = client_retry_after_us(outcome->retry_after, outcome->date);
        int64_t least_us = code_is(outcome, "AADSTS90055") ? token_blocked_us : token_throttle_us;
        return retry(outcome, asked_us > 0 ? asked_us : least_us + backoff_us(outcome->attempt, least_us, random),
                     CLIENT_LATER);
    }
    if (refused && is_passing_token_error(outcome, oauth))
        return back_off(outcome, random, CLIENT_LATER);
    if (refused && outcome->status != 407 && outcome->status != 408)
        return give_up(CLIENT_CREDENTIALS);
    return client_decide(outcome, random);
}
