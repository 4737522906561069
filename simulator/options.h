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
    char *client_id, *client_secret, *client_secret_file;
    gint64 seed, sign_ins, directory_audits; /* counts: -1 not given */
    double days, retention_days, late_percent, changed_percent, repeat_percent, empty_pages;
    gint page_size, token_lifetime;
    char **load;
    char *budgets, *clock;
    gboolean enforce_budgets;
    char *listen_text;
};

/* Reads argv; fills defaults. False with an error that says which option and what was expected. */
bool options_parse(struct options *o, int *argc, char ***argv, GError **error);
void options_clear(struct options *o);

#endif
