/* decoy.h - a host that a token must never reach: a second listener that only counts who came with an Authorization
 * header. */
#ifndef SIM_DECOY_H
#define SIM_DECOY_H

#include <cjson/cJSON.h>
#include <stdbool.h>

struct decoy;

/* Listens on a free port of host. NULL when it cannot. */
struct decoy *decoy_new(const char *host);
void decoy_free(struct decoy *decoy);

/* Borrowed. */
const char *decoy_url(const struct decoy *decoy);

/* Adds decoy_requests and decoy_authorized. */
void decoy_stats(const struct decoy *decoy, cJSON *stats);
void decoy_reset(struct decoy *decoy);

#endif
