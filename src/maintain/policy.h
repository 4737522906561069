/* policy - what the configuration says of retention, as the store wants to be told. */
#ifndef M365KEEP_MAINTAIN_POLICY_H
#define M365KEEP_MAINTAIN_POLICY_H

#include "maintain/maintain.h"

/* A line for each source that there is, and for mails: so many days before `now`, those of the source where it has its
 * own, else those of all; INT64_MIN where they are 0, for ever. Returned: GArray of struct store_keep, g_array_unref;
 * names are static. */
GArray *maintain_policy(const struct config *config, int64_t now);

#endif
