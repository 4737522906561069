/* signin.h - the JSON of a sign-in, all members of Graph's signIn type present. */
#ifndef SIM_SIGNIN_H
#define SIM_SIGNIN_H

#include "stream.h"

/* Appends the sign-in that plan stands for, of the class that source stands for; changed: as published again later,
 * with its risk or its second factor filled in; beta: an interactive one with beta's members, which the other classes
 * always have. */
void signin_append(GString *out, const struct company *company, enum source source, const struct plan *plan,
                   bool changed, bool beta);

#endif
