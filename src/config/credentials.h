/* credentials - tenant, app and what proves it: a secret, or a certificate with its key. */
#ifndef M365KEEP_CONFIG_CREDENTIALS_H
#define M365KEEP_CONFIG_CREDENTIALS_H

#include "config/config.h"
#include "config/environment.h"

/* Fills the customer's tenant_id, client_id and client_secret or client_certificate from GRAPH_TENANT_ID and its
 * fellows. False with CONFIG_ERROR_MISSING when none is set, CONFIG_ERROR_INVALID when one is wrong or missing. */
bool credentials_of_environment(const struct environment *environment, struct config_customer *customer,
                                GError **error);

/* The tenant that the environment names, as it is written there; NULL when it names none, or what cannot be one.
 * Borrowed until environment_free. */
const char *credentials_tenant(const struct environment *environment);

/* What a customer of the file says of its credentials; borrowed. */
struct credentials_told {
    const char *path;                            /* the customer's: "customers[2]" */
    const char *variable, *variable_where;       /* its name; where the file has it, for messages */
    const char *certificate, *certificate_where; /* a file's path; NULL: none */
};

/* The same from the variable, which holds tenant_id;client_id;secret, or tenant_id;client_id when the file
 * `certificate` holds the rest. The secret may hold semicolons. */
bool credentials_of_variable(const struct environment *environment, const struct credentials_told *told,
                             struct config_customer *customer, GError **error);

/* The tenant of a customer of the file, in lower case, as its variable names it; NULL where that is not set, or cannot
 * be read or be one: who needs no credentials is not told off for it. Returned: g_free. */
char *credentials_tenant_of_variable(const struct environment *environment, const char *variable);

/* Warns of variables that would be the customer of the environment, when the file has customers. */
void credentials_warn_unused(const struct environment *environment, const char *file);

#endif
