/* assertion.h - the check of client assertions: JWTs that an app signs with the key of a registered certificate, in
 * place of a secret.
 *
 * Microsoft identity platform, "Application authentication certificate credentials": PS256 with x5t#S256, or, as older
 * clients do it, RS256 with x5t; aud the token's URL, iss and sub the app. That page asks for a new jti each time, but
 * Microsoft's own library for Python sends one assertion again for nine minutes: so repeating one is refused only where
 * the options ask for it, and counted always. */
#ifndef SIM_ASSERTION_H
#define SIM_ASSERTION_H

#include "answer.h"

/* NULL when the assertion proves that the app of rq's options asks for a token of rq->tenant; else the refusal. type is
 * the form's client_assertion_type, NULL when it was not sent. Notes the algorithm in rq. */
struct answer *assertion_refuse(struct request *rq, const char *type, const char *assertion);

#endif
