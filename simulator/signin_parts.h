/* signin_parts.h - pieces that sign-ins of all classes are put together from. */
#ifndef SIM_SIGNIN_PARTS_H
#define SIM_SIGNIN_PARTS_H

#include "stream.h"

void signin_append_number(GString *out, uint32_t n);

/* An address of the documentation ranges, in quotes, in all the spellings that logs contain; or null. */
void signin_append_address(GString *out, struct dice *d);

/* {"id":..., "createdDateTime":... */
void signin_append_head(GString *out, struct dice *d, const struct plan *plan);

/* ,"riskDetail":... up to riskEventTypes_v2. found: only after the sign-in. */
void signin_append_risk(GString *out, struct dice *d, bool found);

/* The members of a user's sign-in that only beta has, each with a comma before it. The key of d is not that of the
 * rest, so that v1.0 shows the same without them. */
void signin_append_beta(GString *out, struct dice *d, const struct company *company, const struct person *person,
                        enum source source, const struct plan *plan);

/* The sign-in of an app or a managed identity, whole. */
void signin_append_app(GString *out, const struct company *company, enum source source, const struct plan *plan,
                       bool changed);

#endif
