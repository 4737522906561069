#include "client/signin.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "client/failure.h"
#include "client/token.h"

enum {
    DAY_S = 86400,
    WARN_DAYS = 30,      /* before a certificate expires */
    CLOCK_AGREES_S = 60, /* less than this is no reason to refuse an assertion */
};

/* --- life --------------------------------------------------------------------------------------------------------- */

static struct client_failure *cannot_sign_in(const char *why)
{
    g_autofree char *message =
        g_strconcat("Nothing was asked, because the client certificate cannot be used. ", why, NULL);
    struct client_failure *failure = failure_new(CLIENT_CREDENTIALS, 0, "client_certificate", message);

    failure->hint = failure_hint(CLIENT_CREDENTIALS, failure->code, NULL, NULL);
    return failure;
}

void signin_init(struct signin *signin, const struct client_app_options *options)
{
    g_autoptr(GError) error = NULL;

    *signin = (struct signin){
        .name = g_strdup(options->name ? options->name : options->tenant_id),
        .client_id = g_strdup(options->client_id),
        .token_url = token_url(options->login_url, options->tenant_id),
        .secret = g_strdup(options->client_secret),
    };
    if (signin->secret)
        return;
    signin->certificate = certificate_new(options->client_certificate ? options->client_certificate : "", &error);
    if (!signin->certificate)
        signin->unusable = cannot_sign_in(error->message);
}

void signin_clear(struct signin *signin)
{
    g_free(signin->name);
    g_free(signin->client_id);
    g_free(signin->token_url);
    text_free_secret(signin->secret);
    certificate_free(signin->certificate);
    client_failure_free(signin->unusable);
    *signin = (struct signin){0};
}

void signin_try_clear(struct signin_try *attempt)
{
    text_free_secret(attempt->credential);
    client_failure_free(attempt->refusal);
    *attempt = (struct signin_try){0};
}

char *signin_form(const struct signin *signin, struct signin_try *attempt, const char *base_url, const char *claims,
                  int64_t service_now, GError **error)
{
    if (!attempt->begun)
        attempt->kind = signin->kind;
    attempt->begun = true;
    text_free_secret(attempt->credential);
    attempt->credential = signin->secret ? g_strdup(signin->secret)
                                         : assertion_sign(signin->certificate, attempt->kind, signin->client_id,
                                                          signin->token_url, service_now, error);
    if (!attempt->credential)
        return NULL;
    return token_form(signin->client_id, signin->secret ? TOKEN_SECRET : TOKEN_ASSERTION, attempt->credential, base_url,
                      claims);
}

/* --- refusals ----------------------------------------------------------------------------------------------------- */

static bool is_time_refused(const struct client_failure *failure)
{
    return g_strcmp0(failure->code, "AADSTS700024") == 0;
}

/* Signature, algorithm or thumbprint. 50012 and 50027 come with further digits for single reasons. */
static bool is_form_refused(const struct client_failure *failure)
{
    return g_strcmp0(failure->code, "AADSTS700027") == 0 ||
           (failure->code &&
            (g_str_has_prefix(failure->code, "AADSTS50012") || g_str_has_prefix(failure->code, "AADSTS50027")));
}

bool signin_again(const struct signin *signin, struct signin_try *attempt, const struct client_failure *refusal)
{
    if (!signin->certificate || refusal->verdict != CLIENT_CREDENTIALS)
        return false;
    if (is_time_refused(refusal) && !attempt->retimed) {
        attempt->retimed = true;
        return true;
    }
    if (is_form_refused(refusal) && !attempt->refusal && !signin->kind_known) {
        attempt->refusal = client_failure_copy(refusal);
        attempt->kind = attempt->kind == ASSERTION_PS256 ? ASSERTION_RS256 : ASSERTION_PS256;
        return true;
    }
    return false;
}

/* --- words -------------------------------------------------------------------------------------------------------- */

/* "2026-11-20". Returned: g_free. */
static char *date_of(int64_t seconds)
{
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(seconds);

    return time ? g_date_time_format(time, "%Y-%m-%d") : g_strdup("a day beyond the calendar");
}

/* "3 h 12 min". Returned: g_free. */
static char *span_of(int64_t seconds)
{
    static const struct {
        int64_t large_s, small_s;
        const char *large, *small;
    } units[] = {{DAY_S, 3600, "d", "h"}, {3600, 60, "h", "min"}, {60, 1, "min", "s"}};

    for (size_t i = 0; i < G_N_ELEMENTS(units); i++)
        if (seconds >= units[i].large_s)
            return g_strdup_printf("%" G_GINT64_FORMAT " %s %" G_GINT64_FORMAT " %s", seconds / units[i].large_s,
                                   units[i].large, seconds % units[i].large_s / units[i].small_s, units[i].small);
    return g_strdup_printf("%" G_GINT64_FORMAT " s", seconds);
}

/* Returned: g_free. */
static char *clock_words(int64_t clock_now, int64_t service_now)
{
    int64_t ahead_s = clock_now - service_now;
    g_autofree char *span = span_of(llabs(ahead_s));

    if (llabs(ahead_s) < CLOCK_AGREES_S)
        return g_strdup_printf("This machine's clock agrees with the service's (%s apart)", span);
    return g_strdup_printf("This machine's clock is %s %s the service's", span, ahead_s > 0 ? "ahead of" : "behind");
}

/* NULL while the certificate is valid. Returned: g_free. */
static char *validity_words(const struct certificate *certificate, int64_t now)
{
    g_autofree char *begins = date_of(certificate->begins), *expires = date_of(certificate->expires);

    if (now >= certificate->expires)
        return g_strdup_printf("The certificate expired on %s. ", expires);
    if (now < certificate->begins)
        return g_strdup_printf("The certificate is not valid before %s. ", begins);
    return NULL;
}

static void precede(struct client_failure *failure, const char *words)
{
    g_autofree char *message = g_strconcat(words, failure->message, NULL);

    g_free(failure->message);
    failure->message = failure_clean(message, strlen(message), FAILURE_MESSAGE_BYTES);
}

static void replace_hint(struct client_failure *failure, char *hint)
{
    g_free(failure->hint);
    failure->hint = hint;
}

static void explain_time(struct client_failure *failure, int64_t clock_now, int64_t service_now)
{
    g_autofree char *clock = clock_words(clock_now, service_now);
    g_autofree char *words = g_strconcat(clock, ", and an assertion by the service's time was refused too. ", NULL);

    precede(failure, words);
    replace_hint(failure, g_strdup(llabs(clock_now - service_now) < CLOCK_AGREES_S
                                       ? "The clock looks right: look for a proxy that holds requests up or changes "
                                         "the Date of answers, and try again."
                                       : "Set this machine's clock (timedatectl set-ntp true; in a container or "
                                         "virtual machine the host's), and run again."));
}

static char *form_hint(const struct signin *signin, bool both, bool valid)
{
    const struct certificate *certificate = signin->certificate;
    g_autofree char *expires = date_of(certificate->expires);
    const char *forms = both ? " (It was refused signed as PS256 and as RS256.)" : "";

    if (!valid)
        return g_strdup_printf("Make a new certificate, upload its public part to the app registration (Certificates & "
                               "secrets, Certificates) and configure it with its key.%s",
                               forms);
    return g_strdup_printf("Upload the certificate's public part to the app registration (Certificates & secrets, "
                           "Certificates): the thumbprint shown there must be %s. It is valid until %s.%s",
                           certificate->thumbprint, expires, forms);
}

struct client_failure *signin_explain(const struct signin *signin, struct signin_try *attempt,
                                      struct client_failure *failure, int64_t clock_now, int64_t service_now)
{
    bool both = attempt->refusal != NULL && is_form_refused(failure);

    if (!signin->certificate || failure->verdict != CLIENT_CREDENTIALS)
        return failure;
    if (both) { /* the older form was only a guess: what was said to the right one counts */
        client_failure_free(failure);
        failure = g_steal_pointer(&attempt->refusal);
    }
    g_autofree char *invalid = validity_words(signin->certificate, service_now);
    if (is_time_refused(failure))
        explain_time(failure, clock_now, service_now);
    else if (is_form_refused(failure))
        replace_hint(failure, form_hint(signin, both, invalid == NULL));
    if (invalid)
        precede(failure, invalid);
    return failure;
}

/* --- the log ------------------------------------------------------------------------------------------------------ */

void signin_accepted(struct signin *signin, const struct signin_try *attempt, int64_t clock_now, int64_t service_now)
{
    if (!signin->certificate)
        return;
    signin->kind = attempt->kind;
    signin->kind_known = true;
    if (!attempt->retimed || signin->told_time || llabs(clock_now - service_now) < CLOCK_AGREES_S)
        return;
    signin->told_time = true;
    g_autofree char *clock = clock_words(clock_now, service_now);
    g_autofree char *words =
        g_strconcat(clock, "; the service took an assertion by its own time. Set this machine's clock.", NULL);
    log_write(LOG_LEVEL_WARN, words, "customer", signin->name, NULL);
}

/* "in 29 days". Returned: g_free. */
static char *days_until(int64_t moment, int64_t now)
{
    int64_t days = (moment - now) / DAY_S;

    return days == 0   ? g_strdup("in less than a day")
           : days == 1 ? g_strdup("in 1 day")
                       : g_strdup_printf("in %" G_GINT64_FORMAT " days", days);
}

/* Returned: g_free. */
static char *certificate_words(const struct certificate *certificate, int64_t now)
{
    static const char renew[] = "ake a new one, upload its public part to the app registration and configure it";
    g_autofree char *invalid = validity_words(certificate, now), *expires = date_of(certificate->expires);
    g_autofree char *days = days_until(certificate->expires, now);

    if (invalid && now < certificate->begins)
        return g_strdup_printf("%sThe service was asked all the same. Use the one before it until then.", invalid);
    if (invalid)
        return g_strdup_printf("%sThe service was asked all the same. M%s.", invalid, renew);
    if (certificate->expires - now < WARN_DAYS * DAY_S)
        return g_strdup_printf("The certificate expires on %s, %s: m%s before then.", expires, days, renew);
    return g_strdup_printf("Signs in with a certificate that is valid until %s.", expires);
}

void signin_tell(struct signin *signin, int64_t service_now)
{
    const struct certificate *certificate = signin->certificate;

    if (!certificate || signin->told_certificate)
        return;
    signin->told_certificate = true;
    bool fine = service_now >= certificate->begins && certificate->expires - service_now >= WARN_DAYS * DAY_S;
    g_autofree char *words = certificate_words(certificate, service_now);
    log_write(fine ? LOG_LEVEL_INFO : LOG_LEVEL_WARN, words, "customer", signin->name, "certificate",
              certificate->thumbprint, "subject", certificate->subject, NULL);
}
