/* permission - what an app may do, by the roles in its token, against what the configured sources need. */
#ifndef M365KEEP_DOCTOR_PERMISSION_H
#define M365KEEP_DOCTOR_PERMISSION_H

#include "doctor/finding.h"
#include "sources/sources.h"

/* A listing of a configured source, and whether the service answered when it was asked. */
struct permission_probe {
    const struct source *source;
    const char *permission; /* what the listing needs, as in struct source_probe */
    bool answered;
};

struct permission_facts {
    const struct permission_probe *probes; /* those of one source one after the other */
    guint n_probes;
    char **roles[CLIENT_API_MANAGEMENT + 1]; /* of each API's token; NULL: none that can be looked into */
    bool mails;                              /* mail goes by Graph */
};

/* One line on what is missing for what, one on what is optional, one on what is more than is needed. Nothing is said of
 * an API whose token cannot be looked into, but that. */
void permission_judge(struct section *section, const struct permission_facts *facts);

/* True when the roles (NULL: they cannot be seen, so it may be) allow to read the app's own registration. */
bool permission_reads_registration(char **roles);

#endif
