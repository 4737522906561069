/* server.h - the HTTP server: takes requests apart, sends them where they belong, puts answers on the wire. */
#ifndef SIM_SERVER_H
#define SIM_SERVER_H

#include "sim.h"

struct server;

/* Listens as the options say, sets sim->base_url, and serves in one thread of its own until server_stop(). sim is
 * borrowed. A GMainLoop must run meanwhile: it wakes delayed answers. */
struct server *server_start(struct sim *sim, GError **error);
void server_stop(struct server *server);

#endif
