/* signin.h - the JSON of a sign-in, all members of Graph's v1.0 signIn type present. */
#ifndef SIM_SIGNIN_H
#define SIM_SIGNIN_H

#include "stream.h"

/* Appends the sign-in that plan stands for; changed: as published again later, with its risk or its second factor
 * filled in. */
void signin_append(GString *out, const struct company *company, const struct plan *plan, bool changed);

#endif
