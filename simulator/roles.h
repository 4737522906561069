/* roles.h - the application permissions that apps are granted, and what each of them opens. */
#ifndef SIM_ROLES_H
#define SIM_ROLES_H

#include "answer.h"

/* Whether there is a permission of that name here; case matters. */
bool roles_known(const char *name);

/* Those that a token for Graph, or for the Management Activity API, carries in a tenant: all that read, but the ones
 * withheld there, and the others that were granted there. Returned: NULL-ended; g_free() the array alone. */
const char **roles_granted(const struct tenant *tenant, bool graph);

/* NULL when one of roles opens what is asked for; otherwise the 403, in the words of the service behind it. */
struct answer *roles_refuse(const struct request *rq, const char *const *roles);

#endif
