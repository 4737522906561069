/* lists - what m365keep.yaml lists: alerts, and what a customer's keys list. */
#ifndef M365KEEP_CONFIG_LISTS_H
#define M365KEEP_CONFIG_LISTS_H

#include "config/settings.h"

/* The entries of the list `path`.`key`, each without a fault by `check`, or one of `names` (NULL: no such table), none
 * of them twice. *entries is NULL where the file has no such list; one without entries is empty, or with `what` not
 * NULL an error that calls the entries so ("source"). Returned: g_strfreev. */
bool lists_read(const struct settings *settings, const char *path, const char *key, const struct yaml_list *list,
                const char *(*check)(const char *), const char *const *names, const char *what, char ***entries,
                GError **error);

/* The customers' addresses of MAIL_TO or MAIL_CC. *entries is NULL where the variable says nothing. */
bool lists_addresses(const struct settings *settings, const char *variable, char ***entries, GError **error);

/* config->alerts. */
bool lists_alerts(const struct settings *settings, struct config *config, GError **error);

/* The value of `path`.`key`, which must be there. False with *error. */
bool lists_required(const struct settings *settings, const char *path, const char *key, const char *text,
                    const char *(*check)(const char *), char **value, GError **error);

#endif
