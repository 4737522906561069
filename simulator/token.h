/* token.h - the token endpoint of Entra's v2 client-credentials flow, and the check of the tokens it issued. */
#ifndef SIM_TOKEN_H
#define SIM_TOKEN_H

#include "answer.h"

struct tokens;

struct tokens *tokens_new(void);
void tokens_free(struct tokens *tokens);

/* POST /{tenant}/oauth2/v2.0/token */
struct answer *token_answer(struct request *rq, const char *tenant);

/* Sets the tenant and the app that the request's token was issued to, whether it is still good or not; leaves both
 * alone when it carries none of ours. */
void token_identify(struct request *rq);

/* NULL when the request's token opens Graph now; otherwise the 401. */
struct answer *token_refuse(const struct request *rq);

/* NULL when the request's token, which token_refuse() let pass, has a role that opens what is asked for; otherwise the
 * 403. */
struct answer *token_refuse_role(const struct request *rq);

/* Makes the request's token worthless from now on. */
void token_expire(const struct request *rq);

#endif
