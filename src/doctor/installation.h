/* installation - what can be told without asking anyone: the configuration, who may read its secrets, the way out. */
#ifndef M365KEEP_DOCTOR_INSTALLATION_H
#define M365KEEP_DOCTOR_INSTALLATION_H

#include "doctor/finding.h"

/* The configuration, the files that its secrets are in, and a clock that is not the machine's. */
void installation_check(struct section *section, const struct doctor_options *options);

/* The proxies on the way to what `customers` (struct config_customer *) ask, and the certificates to trust. */
void network_check(struct section *section, GPtrArray *customers);

#endif
