/* budget.h - Graph's documented limits (Microsoft, "Microsoft Graph service-specific throttling limits"), each counted
 * for what it is about: an app in a tenant, an app over all tenants, or a tenant with all its apps.
 *
 * A request is judged at the moment it arrives, in simulated time. */
#ifndef SIM_BUDGET_H
#define SIM_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

enum budget_family {
    BUDGET_REPORTS,       /* signIns and directoryAudits together */
    BUDGET_DIRECTORY,     /* counted in resource units, by the size of the tenant */
    BUDGET_ACTIVITY,      /* users with signInActivity */
    BUDGET_ANNOUNCEMENTS, /* service communications */
    BUDGET_INTUNE,
    BUDGET_MAIL,        /* of an app and a mailbox */
    BUDGET_MAIL_UPLOAD, /* likewise, in bytes */
    BUDGET_FAMILIES
};

/* "reports", "directory", "signInActivity", "announcements", "intune", "mail", "mailUpload". */
extern const char *const budget_names[BUDGET_FAMILIES];

/* A request that has arrived. */
struct charge {
    enum budget_family family;
    const char *app, *tenant; /* borrowed; ids in one spelling */
    const char *mailbox;      /* likewise; NULL: does not matter */
    int64_t users;            /* the size of the tenant */
    int cost;                 /* 1 where requests are counted */
};

struct verdict {
    int64_t wait_s; /* of Retry-After; 0: it may go on */
    bool broken;    /* the client had been told to wait longer than it did; watched also where nothing is enforced */
};

struct budgets;

struct budgets *budgets_new(void);
void budgets_free(struct budgets *budgets);

/* Counts a request at the moment now. What is refused takes nothing of a budget. */
struct verdict budgets_take(struct budgets *budgets, const struct charge *charge, int64_t now, bool enforce);

/* The part of the budget of the charge's app in its tenant that is used at the moment, 0 to 1. */
double budgets_used(struct budgets *budgets, const struct charge *charge, int64_t now);

/* The client has been told otherwise, by a fault, to wait until then. */
void budgets_wait_until(struct budgets *budgets, const struct charge *charge, int64_t until);

/* Forgets everything: the clock was set back. */
void budgets_reset(struct budgets *budgets);

#endif
