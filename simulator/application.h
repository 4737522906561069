/* application.h - the registrations of apps, which tell when their credentials expire. */
#ifndef SIM_APPLICATION_H
#define SIM_APPLICATION_H

#include "answer.h"

/* GET /{version}/applications: the apps of the options, as registered in the request's tenant. */
struct answer *application_answer(struct request *rq);

#endif
