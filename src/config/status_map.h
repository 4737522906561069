/* status_map - how bad each status of a service is, as lines of YAML say it. */
#ifndef M365KEEP_CONFIG_STATUS_MAP_H
#define M365KEEP_CONFIG_STATUS_MAP_H

#include <glib.h>
#include <stddef.h>

#include "config/config.h"

enum { STATUS_PRIORITY_MAX = 10 };

/* The built-in map with the changes of `text`, which is the file `name`. NULL with CONFIG_ERROR_INVALID. Returned:
 * config_status_map_free. */
struct config_status_map *status_map_parse(const char *name, const char *text, size_t length, GError **error);

#endif
