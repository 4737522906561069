/* sim.h - the simulator's state: what the options asked for and what changes while it serves.
 *
 * After sim_new() everything here belongs to the one thread of the HTTP server; only the decoy's counters and the
 * parking of held connections are shared. */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include "clock.h"
#include "directory.h"
#include "loaded.h"
#include "options.h"
#include "stream.h"

struct tenant {
    char *id;
    struct company *company;
    struct stream streams[SOURCE_COUNT];
    struct loaded *loaded[SOURCE_COUNT];
    struct directory *directory;
    struct budget *budget;
};

struct sim {
    const struct options *options; /* borrowed */
    struct sim_clock clock;
    GPtrArray *tenants;
    char *base_url;            /* without a slash at the end; set once the port is known */
    char *tls_pem;             /* certificate and key; NULL: plain http */
    GPtrArray *certificates;   /* struct certificate, registered for the app */
    GHashTable *assertion_ids; /* jti of the client assertions that were good */
    struct signing *signing;   /* NULL until its keys were asked for */
    struct tokens *tokens;
    struct faults *faults;
    struct ledger *ledger;
    struct park *park;
    struct decoy *decoy; /* NULL without --decoy */
    uint64_t guids;      /* how many request ids were made */
};

/* Sets up clock, tenants and records; files to load are read here. */
struct sim *sim_new(const struct options *options, GError **error);
void sim_free(struct sim *sim);

/* NULL when there is no such tenant; case does not matter. */
struct tenant *sim_tenant(const struct sim *sim, const char *id);

/* The oldest moment that is still kept at the moment now. */
int64_t sim_oldest(const struct sim *sim, int64_t now);

/* A GUID not given before. Returned: g_free(). */
char *sim_guid(struct sim *sim);

#endif
