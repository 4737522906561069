/* config - the environment, .env and m365keep.yaml, as one read-only `struct config`.
 *
 * Precedence: the command line, then the real environment, then the .env file, then m365keep.yaml, then the built-in
 * default. A secret NAME may also come from the
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
    char *client_secret;      /* wiped by config_free; NULL: there is a certificate */
    char *client_certificate; /* PEM text of a certificate and its private key, likewise; NULL: there is a secret */
    const struct config_cloud *cloud;
    char *login_url, *graph_url, *manage_url; /* the cloud's, or what overrides them; https, or http to loopback */
    char *timezone;
    /* NULL-ended; names are checked, but not whether this version collects such a source yet. */
    char **sources;       /* NULL: all */
    char **sign_in_types; /* never empty; {"interactiveUser"} by default */
    char **services;      /* health and reports; NULL: all */
    char **mail_to, **mail_cc;
};

enum config_mirror_deletes { CONFIG_DELETES_KEEP, CONFIG_DELETES_MIRROR };
enum config_smtp_security { CONFIG_SMTP_STARTTLS, CONFIG_SMTP_NONE };
enum config_transport { CONFIG_TRANSPORT_SMTP, CONFIG_TRANSPORT_GRAPH };

/* When something is done: every so many seconds, or daily at a time of day. */
struct config_schedule {
    bool daily;
    int64_t every_s; /* with daily false */
    int minute;      /* of the day, 0 to 1439, with daily true */
};

/* The least retention.max_size: the write-ahead log, which counts, may take half of it. */
enum { CONFIG_MAX_SIZE_LEAST = 256 * 1024 * 1024 };

struct config_retention {
    int64_t days;           /* 0: keep for ever */
    int64_t max_size_bytes; /* 0: no limit */
    GHashTable *per_source; /* source's name as in the table of sources, or "mails" (char *) -> int64_t * days */
};

/* An alert: a search that is run again and again, and mails what is new. */
struct config_alert {
    char *name, *search;
    char **mail_to;
    int64_t every_s;
};

typedef struct config {
    char *file; /* the m365keep.yaml that was read, or NULL */
    char *database;
    char *clock_spec;        /* M365KEEP_CLOCK or NULL */
    bool pace;               /* REQUEST_BUDGETS: true for documented, the default */
    int request_timeout_s;   /* REQUEST_TIMEOUT_SECONDS: real time without a byte after which an attempt is given up */
    GPtrArray *customers;    /* struct config_customer *, in the order given */
    GPtrArray *secret_files; /* char *: the .env file and those that secrets were read from */
    struct {
        char *logs, *images; /* NULL: none */
    } directories;
    struct config_retention retention;
    struct {
        bool configured; /* there is a mirror; also known where its URI is not kept */
        char *uri;       /* wiped; NULL: no mirror, or no secret is kept */
        char *database;
        enum config_mirror_deletes deletes;
    } mongo;
    struct {
        char *server; /* NULL: no mail by SMTP */
        int port;
        enum config_smtp_security security;
        char *user, *password; /* for AUTH, which takes both; password is wiped; NULL: not given */
        char *from;            /* NULL: none */
        enum config_transport transport;
        char *customer; /* with transport graph: the customer whose application sends, as the mailbox of `from` is in
                           its tenant; NULL: each report is sent by the application of its own customer */
    } smtp;
    struct {
        char *subject, *signature; /* signature: a file's path, or NULL */
        char *templates;           /* a folder of templates that replace the built-in ones; NULL: none */
        int days_from, days_to;
    } report;
    char *status_map;                   /* a file's path; NULL: the built-in one */
    struct config_status_map *statuses; /* what it says */
    struct {
        struct config_schedule collect, health, replicate, report, prune;
    } schedule;
    GPtrArray *alerts; /* struct config_alert * */
    struct {
        char *listen;
        bool auth_enabled;
        char *auth_tenant_id, *auth_client_id; /* NULL: not given */
        char *auth_authority, *auth_scope;     /* by default derived from the IDs; NULL where there are none */
        char **auth_allowed_roles, **auth_allowed_groups; /* NULL: none */
        bool periodic_fetch;
        int fetch_interval_minutes;
    } serve;
} Config; /* the name g_autoptr needs */

struct config_options {
    const char
        *config_file;     /* --config; NULL: $M365KEEP_CONFIG, ./m365keep.yaml, /etc/m365keep/m365keep.yaml, or none */
    const char *env_file; /* --env-file; NULL: .env in the working directory if there is one */
    const char *database; /* --db; NULL: M365KEEP_DB or the default */
    /* False for commands that only read the database: no secret is kept, and there may be no customer. Those of the
     * file have all but credentials (NULL); tenant_id is NULL, too, where their variable is not set. The one of the
     * environment has only name, tenant_id, sign_in_types, timezone, mail_to and mail_cc (NULL where they cannot be
     * read). */
    bool need_customers;
};

/* Reads everything. NULL with *error; what is suspicious but usable is logged as a warning. Proxy and certificate
 * variables of the .env file (HTTPS_PROXY, NO_PROXY, SSL_CERT_FILE ...) are put into the environment, where libraries
 * look for them: call it before any thread starts. Returned: free with config_free. */
struct config *config_load(const struct config_options *options, GError **error);
void config_free(struct config *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Config, config_free)

/* How bad each status of a service is: 0 to 10, 9 and 10 operational, lower ones worse. Names are compared without
 * case. */
struct config_status_map;
void config_status_map_free(struct config_status_map *map);

/* The built-in map, all 18 of Graph's serviceHealthStatus, with `path`'s changes, where it is not NULL: a YAML file of
 * lines `status: priority`; the status `unknown` stands for every one that the map does not have. NULL with
 * CONFIG_ERROR_INVALID naming file and line. Returned: config_status_map_free. */
struct config_status_map *config_status_map_load(const char *path, GError **error);

/* The priority of a status; *known (may be NULL) says whether the map has it. */
int config_status_priority(const struct config_status_map *map, const char *status, bool *known);

/* The names, lower case, sorted, NULL-ended, without `unknown`. Borrowed. */
const char *const *config_status_names(const struct config_status_map *map);

/* Seconds between two good scans of service health above which the run of a state breaks: three times their schedule,
 * half an hour at least. */
int64_t config_health_max_gap_s(const struct config *config);

/* The moment before which retention keeps nothing of a source (its name as in the table of sources, or "mails"), by
 * age: INT64_MIN where it keeps all. */
int64_t config_keep_from(const struct config *config, const char *source, int64_t now);

/* --- files to start from --------------------------------------------------------------------------------------------
 */

/* A file for `m365keep init` to write, readable by its owner only. */
struct config_file {
    const char *name; /* "m365keep.yaml", ".env"; static */
    char *text;       /* wiped when freed: .env holds secrets */
};

/* m365keep.yaml and .env with every setting explained. Returned: struct config_file *, g_ptr_array_unref. */
GPtrArray *config_sample(void);

/* The same with what the Python file `path` says, the config.py of MS-service-api-monitor: plain values only, nothing
 * is executed. There may be a signature.html and a status_map.yaml with them. A credential of it goes into .env, unless
 * the environment has its variable. `remarks` gets sentences (char *, to be freed) on what was left out, without
 * secrets. NULL with CONFIG_ERROR_INVALID. Returned: as above. */
GPtrArray *config_import_python(const char *path, GPtrArray *remarks, GError **error);

#endif
