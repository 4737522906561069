/* health_services.h - the services that a tenant subscribes to, as service health lists them. */
#ifndef SIM_HEALTH_SERVICES_H
#define SIM_HEALTH_SERVICES_H

#include "text.h"

enum { HEALTH_SERVICES_MOST = 10000, HEALTH_FEATURES = 2 };

struct health_service {
    char *id, *name;                       /* "Exchange", "Exchange Online" */
    char prefix[3];                        /* what the ids of its issues begin with */
    const char *features[HEALTH_FEATURES]; /* as issues name what is wrong with it */
};

/* count services: the known ones first, then made-up ones. Returned: g_ptr_array_unref(). */
GPtrArray *health_services_new(int64_t count);

/* The number of the service of that id, case ignored; -1: none. */
int64_t health_services_find(const GPtrArray *services, const char *id);

#endif
