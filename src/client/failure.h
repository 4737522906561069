/* failure - what went wrong, in words: reads the service's error bodies, whatever their shape, and finds the sentence
 * that helps.
 *
 * Bodies seen: Microsoft Graph's {"error":{code, message, innerError}} with innerError (or innererror) nested several
 * levels, the token endpoint's {"error", "error_description", "error_codes"}, {"Message":...}, the old directory's
 * {"odata.error":...}, HTML of gateways and proxies, and nothing at all. */
#ifndef M365KEEP_CLIENT_FAILURE_H
#define M365KEEP_CLIENT_FAILURE_H

#include "client/client.h"

enum { FAILURE_MESSAGE_BYTES = 300, FAILURE_CODE_BYTES = 80 };

/* What an error body says. Each part may be NULL. */
struct service_error {
    char *code;       /* the deepest known code, else the outermost; of the token endpoint "AADSTS" and its number */
    char *oauth;      /* the token endpoint's `error` */
    char *message;    /* one clean line */
    char *request_id; /* the service's, or its trace id */
};

/* Reads `length` bytes of a body. Never fails: what is no JSON becomes a message. */
void service_error_parse(struct service_error *error, const char *body, size_t length);
void service_error_clear(struct service_error *error);

/* `text` as one line of at most `max_bytes` valid UTF-8 bytes: control and invisible format characters removed, runs of
 * blanks joined. Returned: g_free. */
char *failure_clean(const char *text, size_t length, size_t max_bytes);

/* Replaces each occurrence of `secret` in *text by "(secret)": as it is, and with any of its characters
 * percent-encoded, in either case of the digits, up to three times over, or + for a blank. NULL or very short secrets
 * are ignored. */
void failure_redact(char **text, const char *secret);

/* A failure with a cleaned message; code is copied. Returned: client_failure_free. */
struct client_failure *failure_new(enum client_verdict verdict, int status, const char *code, const char *message);

/* What to do next, for a verdict, a code and (as evidence for some) a message; `permission` may be NULL. Returned:
 * g_free; NULL when there is nothing to add. */
char *failure_hint(enum client_verdict verdict, const char *code, const char *message, const char *permission);

/* What to do next when the service asked for a pause that does not fit into this run. Returned: g_free. */
char *failure_pause_hint(int64_t wait_us);

#endif
