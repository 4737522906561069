/* Error bodies of any shape, over any bytes; then the words for people. What is checked beyond the sanitizers:
 *
 * - code, message and request id are short, clean, one line of UTF-8;
 * - a secret that a body repeats, as it is or escaped, is gone from every part;
 * - there is a verdict for every answer, and its hint is one line. */
#include <stdint.h>
#include <string.h>

#include "client/decide.h"
#include "client/failure.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* None of its characters stands in "(secret)", so that what replaces it cannot bring it back. */
static const char secret[] = "Qz~8+/=w Q%";

static void check_clean(const char *text, size_t most_bytes)
{
    if (!text)
        return;
    g_assert(strlen(text) <= most_bytes && g_utf8_validate(text, -1, NULL));
    for (const char *p = text; *p; p = g_utf8_next_char(p)) {
        GUnicodeType type = g_unichar_type(g_utf8_get_char(p));
        g_assert(type != G_UNICODE_CONTROL && type != G_UNICODE_FORMAT && type != G_UNICODE_LINE_SEPARATOR &&
                 type != G_UNICODE_PARAGRAPH_SEPARATOR);
    }
}

static void check_without_secret(const char *text)
{
    g_autofree char *escaped = g_uri_escape_string(secret, NULL, FALSE);
    g_autofree char *twice = g_uri_escape_string(escaped, NULL, FALSE);

    if (!text)
        return;
    g_assert(!strstr(text, secret) && !strstr(text, escaped) && !strstr(text, twice));
}

static void check_words(const struct service_error *error)
{
    static const int statuses[] = {400, 401, 403, 404, 410, 429, 500, 501, 503};

    for (size_t i = 0; i < G_N_ELEMENTS(statuses); i++) {
        struct client_outcome outcome = {
            .status = statuses[i],
            .code = error->code,
            .message = error->message,
            .attempt = DECIDE_ATTEMPTS_MAX,
            .alike = DECIDE_ATTEMPTS_MAX,
            .refreshed = 1,
        };
        struct client_decision decision = client_decide(&outcome, 0.5);
        g_assert(decision.action == CLIENT_ACTION_GIVE_UP && decision.verdict > CLIENT_OK);
        g_autofree char *hint = failure_hint(decision.verdict, error->code, error->message, "User.Read.All");
        check_clean(hint, SIZE_MAX);
        struct client_failure *failure =
            failure_new(decision.verdict, statuses[i], error->code, error->message ? error->message : "");
        check_clean(failure->message, FAILURE_MESSAGE_BYTES);
        client_failure_free(failure);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *body = g_strndup((const char *)data, size);
    struct service_error error;

    failure_redact(&body, secret);
    check_without_secret(body);
    service_error_parse(&error, body, strlen(body));
    failure_redact(&error.message, secret);
    failure_redact(&error.code, secret);
    check_without_secret(error.message);
    check_without_secret(error.code);
    service_error_clear(&error);
    g_free(body);

    service_error_parse(&error, (const char *)data, size); /* with NUL bytes, as received */
    check_clean(error.code, FAILURE_CODE_BYTES);
    check_clean(error.oauth, FAILURE_CODE_BYTES);
    check_clean(error.message, FAILURE_MESSAGE_BYTES);
    check_clean(error.request_id, FAILURE_CODE_BYTES);
    check_words(&error);
    service_error_clear(&error);
    return 0;
}
