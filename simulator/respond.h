/* respond.h - an answer as libmicrohttpd sends it. */
#ifndef SIM_RESPOND_H
#define SIM_RESPOND_H

#include <microhttpd.h>

#include "answer.h"

/* Queues the answer on the connection, with the headers that every answer has; cuts and stalls happen while it is sent.
 * The answer's body and truth are taken out of it. */
enum MHD_Result respond(const struct request *rq, struct MHD_Connection *connection, struct answer *answer);

#endif
