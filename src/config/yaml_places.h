/* yaml_places - where in a YAML text each key stands, and the rules that libcyaml does not have.
 *
 * libcyaml tells the line of the enclosing block only, stops silently at a second document, and takes tags and NUL
 * bytes in stride. So libyaml's events, on which it builds, are walked once before. */
#ifndef M365KEEP_CONFIG_YAML_PLACES_H
#define M365KEEP_CONFIG_YAML_PLACES_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

enum {
    YAML_DEPTH_MAX = 8, /* blocks in blocks; the configuration has four */
    YAML_KEY_MAX = 64,  /* bytes */
};

struct yaml_place {
    unsigned line; /* of the key; of an entry of a list, where it begins */
    bool null;     /* nothing, ~ or null without quotes: as good as not there */
};

/* "customers[2].timezone" (char *) -> struct yaml_place *; "" is the whole document, and missing when that is empty.
 * NULL with CONFIG_ERROR_INVALID, naming `file` and line: no UTF-8, no YAML, two documents, nested too deeply; keys
 * that are no names, or doubled; anchors' aliases, tags. Values are never shown. Returned: g_hash_table_unref. */
GHashTable *yaml_places_new(const char *file, const char *text, size_t length, GError **error);

#endif
