/* signin - what an app proves itself with at the sign-in service, a client secret or a certificate, and what follows
 * when a certificate's assertion is refused.
 *
 * An assertion is made anew for every attempt, by the service's clock where that is known. Refused for its time, it is
 * tried once more by the clock of the refusal itself; refused for its signature, once more in the older form. */
#ifndef M365KEEP_CLIENT_SIGNIN_H
#define M365KEEP_CLIENT_SIGNIN_H

#include <stdbool.h>

#include "client/assertion.h"
#include "client/client.h"

/* Of an app. */
struct signin {
    char *name; /* of the customer */
    char *client_id, *token_url;
    char *secret;                     /* NULL: there is a certificate, or nothing at all */
    struct certificate *certificate;  /* NULL: there is a secret, or the certificate cannot be used */
    struct client_failure *unusable;  /* why there is no way to sign in; NULL: there is */
    enum assertion_kind kind;         /* what is tried first; what worked once stays */
    bool kind_known;                  /* that one did work */
    bool told_certificate, told_time; /* logged already */
};

/* Of one token request, over its attempts. */
struct signin_try {
    enum assertion_kind kind;       /* of the latest assertion */
    bool begun;                     /* there was one */
    bool retimed;                   /* it was tried again for its time */
    char *credential;               /* what was sent: the secret or the latest assertion; wiped */
    struct client_failure *refusal; /* of the first form, while the other one is tried */
};

void signin_init(struct signin *signin, const struct client_app_options *options);
void signin_clear(struct signin *signin);
void signin_try_clear(struct signin_try *attempt);

/* The form of the next attempt, at `service_now`, for a token of the resource at `base_url`; `claims` may be NULL. NULL
 * with *error when the key cannot sign. Returned: text_free_secret. */
char *signin_form(const struct signin *signin, struct signin_try *attempt, const char *base_url, const char *claims,
                  int64_t service_now, GError **error);

/* The endpoint refused the latest attempt for good. True when another assertion is worth one more attempt at once: call
 * signin_form again. */
bool signin_again(const struct signin *signin, struct signin_try *attempt, const struct client_failure *refusal);

/* There will be no more attempts: the failure to be told in place of *failure (taken), with all that is known of clock
 * and certificate. `clock_now`: by this machine. Returned: client_failure_free. */
struct client_failure *signin_explain(const struct signin *signin, struct signin_try *attempt,
                                      struct client_failure *failure, int64_t clock_now, int64_t service_now);

/* The endpoint gave a token: remembers what worked, and says that the clock is wrong if it is. */
void signin_accepted(struct signin *signin, const struct signin_try *attempt, int64_t clock_now, int64_t service_now);

/* The endpoint has answered: says once which certificate is used and until when it is valid. */
void signin_tell(struct signin *signin, int64_t service_now);

#endif
