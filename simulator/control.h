/* control.h - /control: how a test looks at the simulator and changes it while it runs. */
#ifndef SIM_CONTROL_H
#define SIM_CONTROL_H

#include "answer.h"

struct answer *control_answer(struct request *rq);

/* What the parts of /control share. */

/* 400, with an object that says why. message is copied. */
struct answer *control_refuse(const char *message);

/* A moment given as seconds since the epoch, which may be fractional, or as ISO 8601. False when text is neither. */
bool control_read_moment(const char *text, int64_t *ticks);

/* The record's bytes: "record_base64" as they are, or "record" printed again. NULL when neither is there. Returned. */
GBytes *control_record_bytes(const cJSON *json);

#endif
