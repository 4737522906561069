/* sim.h - the simulator's state: what the options asked for and what changes while it serves.
 *
 * After sim_new() everything here belongs to the one thread of the HTTP server; only the decoy's counters and the
 * parking of held connections are shared. */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include "clock.h"
#include "directory.h"
#include "health.h"
#include "loaded.h"
#include "options.h"
#include "stream.h"

struct tenant {
    char *id;
    bool no_premium, no_intune, no_registration; /* what the tenant lacks */
    char **withheld, **granted;                  /* roles that the apps lack there, and have beside the usual ones */
    char **mailboxes;                            /* beside those of the accounts */
    char **mail_policy;                          /* the only mailboxes that apps may send from; NULL: any */
    int64_t secret_ends;                         /* the moment */
    /* The rest is made when the tenant is first asked about. */
    struct company *company;
    struct stream streams[SOURCE_COUNT];
    struct loaded *loaded[SOURCE_COUNT];
    struct directory *directory;
    struct health *health;
};

struct sim {
    const struct options *options; /* borrowed */
    struct sim_clock clock;
    int64_t start; /* the moment that records are spread before */
    GPtrArray *tenants;
    GHashTable *tenants_by_id;      /* borrowed */
    GPtrArray *files[SOURCE_COUNT]; /* the records to load, for every tenant; NULL: none */
    char *base_url;                 /* without a slash at the end; set once the port is known */
    char *tls_pem;                  /* certificate and key; NULL: plain http */
    GPtrArray *certificates;        /* struct certificate, registered for the app */
    GHashTable *assertion_ids;      /* jti of the client assertions that were good */
    struct signing *signing;        /* NULL until its keys were asked for */
    struct tokens *tokens;
    struct budgets *budgets;
    struct faults *faults;
    struct ledger *ledger;
    struct park *park;
    struct mails *mails;
    struct decoy *decoy; /* NULL without --decoy */
    uint64_t guids;      /* how many request ids were made */
};

/* Sets up clock, tenants and records; files to load are read here. */
struct sim *sim_new(const struct options *options, GError **error);
void sim_free(struct sim *sim);

/* NULL when there is no such tenant; case does not matter. */
struct tenant *sim_tenant(const struct sim *sim, const char *id);

/* The tenants are numbered in the order of the options; there are sim->tenants->len. */
struct tenant *sim_tenant_at(const struct sim *sim, guint number);

/* The oldest moment of which the source still keeps records at the moment now. */
int64_t sim_oldest(const struct sim *sim, enum source source, int64_t now);

/* A GUID not given before. Returned: g_free(). */
char *sim_guid(struct sim *sim);

#endif
