/* audit.h - the JSON of a directory audit. */
#ifndef SIM_AUDIT_H
#define SIM_AUDIT_H

#include "stream.h"

/* Appends the audit that plan stands for; changed: as published again later, with its result reason completed.
 * activities_prepare() must have been called. */
void audit_append(GString *out, const struct company *company, const struct plan *plan, bool changed);

#endif
