/* secret - when does the client secret that is configured expire? The app's registration tells, to an app that may read
 * it (Microsoft Graph, "List applications", resource type passwordCredential). */
#ifndef M365KEEP_DOCTOR_SECRET_H
#define M365KEEP_DOCTOR_SECRET_H

#include "base/json.h"
#include "doctor/finding.h"

/* Where the registration's secrets are told. Returned: g_free. */
char *secret_url(const char *graph_url, const char *client_id);

/* Judges the answer: which of its secrets `secret` is, told apart by the first characters that the service keeps of
 * each (`hint`), and when that one expires. Never names any of them. */
void secret_judge(struct section *section, const struct json_page *page, const char *secret, int64_t now);

/* Says that it cannot be told for want of a permission, or, with `why` (a sentence), for another reason. Returns the
 * note, borrowed. */
struct doctor_finding *secret_untold(struct section *section, const char *why);

#endif
