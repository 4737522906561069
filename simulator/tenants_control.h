/* tenants_control.h - what tests ask and change about tenants as a whole: licences, permissions, secrets. */
#ifndef SIM_TENANTS_CONTROL_H
#define SIM_TENANTS_CONTROL_H

#include "answer.h"

/* GET /control/tenants */
struct answer *tenants_list(struct request *rq, const cJSON *json);

/* POST /control/tenants: changes one tenant, or all when none is named. */
struct answer *tenants_edit(struct request *rq, const cJSON *json);

#endif
