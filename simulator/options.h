/* options.h - the command line. */
#ifndef SIM_OPTIONS_H
#define SIM_OPTIONS_H

#include <glib.h>
#include <stdbool.h>

struct options {
    char *listen_host;
    guint16 listen_port; /* 0: any free one */
    char *ready_file;
    gboolean exit_with_parent, verbose, version, truth, gzip, decoy;
    char **tenants;
    char *tls, *host_name; /* tls NULL: plain http */
    char **client_ids;     /* the apps, lower case; at least one */
    char *client_secret, *client_secret_file;
    char **client_certificates;
    char *algorithms_text, **algorithms;                    /* of client assertions */
    gboolean refuse_repeated;                               /* an assertion that was sent before */
    gint64 seed, sign_ins, directory_audits, intune_audits; /* counts: -1 not given */
    gint64 non_interactive_sign_ins, service_principal_sign_ins, managed_identity_sign_ins;
    double days, retention_days, intune_retention_days, late_percent, changed_percent, repeat_percent, empty_pages;
    gint page_size, token_lifetime;
    gint64 users;
    double user_changes, user_turnover, user_repeats, user_replays, delta_token_days;
    gint delta_page_size, link_length;
    gint64 services, issues, messages;
    gint announcement_shift;
    gboolean no_premium, no_intune, opaque_tokens;
    char **withheld_roles, **granted_roles, **mailboxes;
    double secret_expires; /* days after the start */
    char **load;
    char *budgets, *clock;
    gboolean enforce_budgets;
    char *listen_text;
};

/* Reads argv; fills defaults. False with an error that says which option and what was expected. */
bool options_parse(struct options *o, int *argc, char ***argv, GError **error);
/* The app of that id in the spelling of client_ids; NULL when there is none. Borrowed. */
const char *options_client(const struct options *o, const char *id);

void options_clear(struct options *o);

#endif
