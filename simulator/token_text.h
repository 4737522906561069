/* token_text.h - what an access token looks like.
 *
 * Microsoft's tokens for its own APIs are JWTs, but not for clients to check: the signature here is none. */
#ifndef SIM_TOKEN_TEXT_H
#define SIM_TOKEN_TEXT_H

#include "request.h"

/* A JWT for Graph, or for the Management Activity API, with the claims of an app's token; roles is NULL-ended and may
 * be empty. Returned: g_free(). */
char *token_text_jwt(const struct request *rq, struct dice *d, bool graph, const char *const *roles,
                     int64_t lifetime_s);

/* As long, without any meaning. Returned: g_free(). */
char *token_text_opaque(struct dice *d);

#endif
