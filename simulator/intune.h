/* intune.h - the JSON of an Intune audit event. */
#ifndef SIM_INTUNE_H
#define SIM_INTUNE_H

#include "stream.h"

/* Appends the event that plan stands for; changed: as it is told later, with its outcome known. beta: with the members
 * of the actor that only that version has. */
void intune_append(GString *out, const struct company *company, const struct plan *plan, bool changed, bool beta);

#endif
