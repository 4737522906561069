/* signing.h - the keys that stand behind the simulated login's own signatures, as its key documents show them. */
#ifndef SIM_SIGNING_H
#define SIM_SIGNING_H

#include <cjson/cJSON.h>
#include <stdint.h>

struct signing;

/* Two keys, made anew in each process when they are first asked for: real ones change without notice too. now: the
 * moment in ticks from which their certificates are good. Returned: signing_free(). */
struct signing *signing_new(int64_t now);
void signing_free(struct signing *signing);

/* The JSON Web Key Set (RFC 7517) with Microsoft's additions x5t, x5c and issuer. Returned. */
cJSON *signing_keys(const struct signing *signing, const char *issuer);

#endif
