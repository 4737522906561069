/* token - the bearer token of one app for one API: when it may be used, when a new one is due, and when asking is
 * pointless.
 *
 * The caller does the asking, one request at a time, and passes the time (microseconds on a clock that does not go
 * back). The token itself is opaque (Microsoft's word: never parse it), and nothing here depends on what is in it;
 * token_roles looks into it for people only. */
#ifndef M365KEEP_CLIENT_TOKEN_H
#define M365KEEP_CLIENT_TOKEN_H

#include "client/client.h"

struct token {
    char *value;                    /* NULL: none; wiped when replaced */
    uint64_t generation;            /* steps with each new value: tells whether a 401 speaks of this one */
    int64_t renew_us, expires_us;   /* of value */
    int64_t ask_us;                 /* no token request before */
    int64_t forced_us;              /* of the latest value that a 401 made invalid; 0: none yet */
    char *claims;                   /* JSON that the service wants in the next token, or NULL */
    struct client_failure *refusal; /* what the endpoint said last, while asking again is pointless */
    int64_t refusal_until_us;
    bool asking; /* a request is on its way (kept by the caller) */
};

void token_clear(struct token *token);

/* True when the value may be sent. */
bool token_usable(const struct token *token, int64_t now_us);

/* True when a token request is due: there is no usable value, or it is near its end; and none is on its way or came
 * back a moment ago. */
bool token_due(const struct token *token, int64_t now_us);

/* The refusal that still holds, or NULL. Borrowed. */
const struct client_failure *token_refusal(const struct token *token, int64_t now_us);

/* Takes the endpoint's answer of status 200. False with *error when it is no token; the old value stays. */
bool token_accept(struct token *token, const char *body, size_t length, int64_t now_us, GError **error);

/* The endpoint refused for good: copied, and held for a minute, so that a broken configuration does not hammer it. */
void token_refuse(struct token *token, const struct client_failure *failure, int64_t now_us);

/* The endpoint is in trouble: not asked again for a while as long as the old value serves. */
void token_postpone(struct token *token, int64_t now_us);

/* The service answered 401 to the value of `generation`: it is dropped, unless a newer one has come since. `claims`
 * (copied) may be NULL. */
void token_reject(struct token *token, uint64_t generation, const char *claims, int64_t now_us);

/* The application permissions that stand in a value that is a JWT (its claim `roles`), NULL-ended, sorted; none for
 * one that has no such claim. To be told to people and never to decide anything by: the service may give the value
 * another form on any day. NULL when there is no value, or anything about it is not as expected. Returned: g_strfreev.
 */
char **token_roles(const struct token *token);

/* What the app proves itself with: a client secret, or an assertion signed with its certificate's key. */
enum token_proof { TOKEN_SECRET, TOKEN_ASSERTION };

/* The form to post for the resource at `base_url`. Returned: text_free_secret. */
char *token_form(const char *client_id, enum token_proof kind, const char *proof, const char *base_url,
                 const char *claims);

/* Where to post it. Returned: g_free. */
char *token_url(const char *login_url, const char *tenant_id);

#endif
