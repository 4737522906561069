/* config - the environment, .env and (with time) a file, as one read-only `struct config`.
 *
 * Precedence: the real environment, then the .env file, then the built-in default. A secret NAME may also come from the
 * file that NAME_FILE names, or from $CREDENTIALS_DIRECTORY/NAME (systemd); given in two ways at once is an error. */
#ifndef M365KEEP_CONFIG_ROOM_H
#define M365KEEP_CONFIG_ROOM_H

#include <glib.h>
#include <stdbool.h>

#include "base/clock.h"

#define CONFIG_ERROR (config_error_quark())
GQuark config_error_quark(void);
enum config_error_code {
    CONFIG_ERROR_INVALID, /* a value or a file is wrong; the message names key, file and line, and the mend */
    CONFIG_ERROR_MISSING, /* no credentials at all: M365KEEP has nothing to collect */
};

/* A national cloud and its hosts; base URLs without a slash at the end. */
struct config_cloud {
    const char *name; /* global, gcc, gcc-high, dod, china */
    const char *login_url, *graph_url, *manage_url, *portal_url;
};

/* The clouds, ended by a NULL name. */
const struct config_cloud *config_clouds(void);

/* One tenant. Strings are owned by the config. */
struct config_customer {
    char *name;
    char *tenant_id; /* GUID, lower case: a domain would be a second name of the same tenant */
    char *client_id;
    char *client_secret; /* wiped by config_free */
    const struct config_cloud *cloud;
    char *login_url, *graph_url, *manage_url; /* the cloud's, or what overrides them; https, or http to loopback */
    char *timezone;
};

typedef struct config {
    char *database;
    char *clock_spec;     /* M365KEEP_CLOCK or NULL */
    bool pace;            /* REQUEST_BUDGETS: true for documented, the default */
    GPtrArray *customers; /* struct config_customer *, in the order given */
} Config;                 /* the name g_autoptr needs */

struct config_options {
    const char *env_file; /* --env-file; NULL: .env in the working directory if there is one */
    const char *database; /* --db; NULL: M365KEEP_DB or the default */
    bool need_customers;  /* false for commands that only read the database */
};

/* Reads everything. NULL with *error; what is suspicious but usable is logged as a warning. Proxy and certificate
 * variables of the .env file (HTTPS_PROXY, NO_PROXY, SSL_CERT_FILE ...) are put into the environment, where libraries
 * look for them: call it before any thread starts. Returned: free with config_free. */
struct config *config_load(const struct config_options *options, GError **error);
void config_free(struct config *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Config, config_free)

#endif
