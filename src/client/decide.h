/* decide - the parts of the retry policy that only this room needs. */
#ifndef M365KEEP_CLIENT_DECIDE_H
#define M365KEEP_CLIENT_DECIDE_H

#include "client/client.h"

enum {
    DECIDE_ATTEMPTS_MAX = 8,  /* of one request */
    DECIDE_TIME_OUTS_MAX = 3, /* in a row: each takes minutes; a smaller window, or a later run, does more */
};

/* An HTTP date (IMF-fixdate) as seconds UTC; 0 when it is none. */
int64_t decide_http_date(const char *text);

/* True for 429 and for what means the same: its codes in a 403, a 503 or under a 200. */
bool decide_is_throttled(const struct client_outcome *outcome);

/* What to do after an attempt at the token endpoint; `oauth` is the answer's `error`, or NULL. As client_decide, but
 * whatever is not passing is CLIENT_CREDENTIALS: nothing that the endpoint refuses gets better by asking again soon. */
struct client_decision decide_token(const struct client_outcome *outcome, const char *oauth, double random);

#endif
