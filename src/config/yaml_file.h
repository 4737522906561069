/* yaml_file - m365keep.yaml as it is written: every value still a text, but every key known. */
#ifndef M365KEEP_CONFIG_YAML_FILE_H
#define M365KEEP_CONFIG_YAML_FILE_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct yaml_list {
    char **items;
    uint32_t n;
};

struct yaml_directories {
    char *logs, *images;
};

/* By source, with an underscore or a hyphen between the words; and the mails that were sent. */
struct yaml_per_source {
    char *users, *sign_ins, *sign_ins_, *directory_audits, *directory_audits_, *intune_audits, *intune_audits_,
        *unified_audit, *unified_audit_, *health, *mails;
};

struct yaml_retention {
    char *days, *max_size;
    struct yaml_per_source *per_source;
};

struct yaml_mongo {
    char *uri_env, *database, *deletes;
};

struct yaml_smtp {
    char *server, *port, *security, *user, *from, *transport, *customer;
};

struct yaml_report {
    char *subject, *signature, *templates, *days_from, *days_to;
};

struct yaml_schedule {
    char *collect, *health, *replicate, *report, *prune;
};

struct yaml_alert {
    char *name, *search, *every;
    struct yaml_list mail_to;
};

struct yaml_customer {
    char *name, *variable, *certificate, *cloud, *login_url, *graph_url, *manage_url, *timezone;
    struct yaml_list sources, sign_in_types, services, mail_to, mail_cc;
};

/* Pointers are NULL, and lists have no items, where the file has nothing. */
struct yaml_root {
    char *database, *status_map;
    struct yaml_directories *directories;
    struct yaml_retention *retention;
    struct yaml_mongo *mongo;
    struct yaml_smtp *smtp;
    struct yaml_report *report;
    struct yaml_schedule *schedule;
    struct yaml_alert *alerts;
    uint32_t n_alerts;
    struct yaml_customer *customers;
    uint32_t n_customers;
};

typedef struct yaml_file {
    char *name;             /* as given */
    struct yaml_root *root; /* never NULL */
    GHashTable *places;     /* of yaml_places_new */
} YamlFile;

enum { YAML_FILE_MAX = 1 << 20 }; /* bytes; a thousand customers take a third of it */

/* Reads the text of the file `name`. NULL with CONFIG_ERROR_INVALID: no YAML, a key nobody knows, a list where a value
 * is expected ... Values are never shown. Returned: yaml_file_free. */
struct yaml_file *yaml_file_parse(const char *name, const char *text, size_t length, GError **error);
void yaml_file_free(struct yaml_file *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(YamlFile, yaml_file_free)

/* True when `path` ("customers[2].timezone") is in the file with something in it; null is nothing. */
bool yaml_file_has(const struct yaml_file *file, const char *path);

/* Where it stands, for messages: "m365keep.yaml, line 12"; the line of what it is in, where it is not in the file.
 * Returned: g_free. */
char *yaml_file_where(const struct yaml_file *file, const char *path);

/* Calls `each` for the path of every value that the file may have, "customers[].timezone". */
void yaml_file_keys(void (*each)(const char *path, void *user), void *user);

#endif
