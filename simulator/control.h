/* control.h - /control: how a test looks at the simulator and changes it while it runs. */
#ifndef SIM_CONTROL_H
#define SIM_CONTROL_H

#include "answer.h"

struct answer *control_answer(struct request *rq);

#endif
