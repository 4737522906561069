/* service - are the services that a customer's `services:` names among those that the tenant has? */
#ifndef M365KEEP_DOCTOR_SERVICE_H
#define M365KEEP_DOCTOR_SERVICE_H

#include "base/json.h"
#include "doctor/finding.h"

/* Judges `services` (NULL-ended; NULL: all are followed) by a page of overviews: names are ids or display names, in any
 * case. Says nothing where the page names no service, or goes on on another. `source` is static. */
void service_judge(struct section *section, const char *source, const struct json_page *page, char **services);

#endif
