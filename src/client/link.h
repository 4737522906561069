/* link - which URLs may be asked: the one place of the rule that a token goes to the configured host and nowhere else.
 */
#ifndef M365KEEP_CLIENT_LINK_H
#define M365KEEP_CLIENT_LINK_H

#include "client/client.h"

/* Pages in one chain of nextLinks. The longest honest chain known, 487,000 sign-ins at 1,000 a page, has fewer than
 * 500. */
enum { LINK_PAGES_MAX = 100000 };

/* Judges `url` by scheme, host and port of `base_url`: NULL when it may be sent there as it is. Else the failure
 * (returned: client_failure_free): CLIENT_SECURITY for anything that could lead elsewhere or would travel unprotected,
 * CLIENT_LINK for a URL that cannot be sent byte for byte (relative, or with a fragment). Opens nothing. */
struct client_failure *link_judge(const char *base_url, const char *url);

/* True when `url` is http, which link_judge allows to this machine only: no proxy may see such a request. */
bool link_is_plain(const char *url);

/* `url` without its query, for messages. Returned: g_free. */
char *link_without_query(const char *url);

#endif
