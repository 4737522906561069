#include "config/status_map.h"

#include <errno.h>
#include <string.h>
#include <yaml.h>

#include "base/base.h"
#include "config/values.h"
#include "config/yaml_file.h"
#include "config/yaml_places.h"

#define UNKNOWN "unknown"

/* reports/status_map.yaml */
extern const char status_map_built_in[];

struct config_status_map {
    GHashTable *priorities; /* lower case (char *) -> GINT_TO_POINTER */
    int unknown;
    char **names; /* of `priorities`, sorted; NULL until all is read */
};

void config_status_map_free(struct config_status_map *map)
{
    if (map == NULL)
        return;
    g_hash_table_unref(map->priorities);
    g_strfreev(map->names);
    g_free(map);
}

/* --- a file ------------------------------------------------------------------------------------------------------- */

/* A file of which yaml_places has found that it is YAML and has no alias, tag or second document. */
struct reading {
    const char *name;
    GHashTable *places; /* of yaml_places_new */
    GHashTable *seen;   /* names of this file in lower case (char *) -> struct yaml_place *, borrowed */
};

static bool fail(const struct reading *reading, unsigned line, GError **error, const char *format, ...)
    G_GNUC_PRINTF(4, 5);

static bool fail(const struct reading *reading, unsigned line, GError **error, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    g_autofree char *what = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_set_error(error, CONFIG_ERROR, CONFIG_ERROR_INVALID, "%s, line %u: %s", reading->name, line, what);
    return false;
}

/* One line of the map. */
static bool take_line(struct config_status_map *map, const struct reading *reading, const char *status,
                      const yaml_node_t *value, GError **error)
{
    const struct yaml_place *place = g_hash_table_lookup(reading->places, status), *before;
    g_autofree char *name = g_ascii_strdown(status, -1);
    int64_t priority;

    if ((before = g_hash_table_lookup(reading->seen, name)) != NULL)
        return fail(reading, place->line, error,
                    "%s is given twice, as case does not matter; the first time in line %u. Keep one of them.", status,
                    before->line);
    g_hash_table_insert(reading->seen, g_strdup(name), (gpointer)place);
    if (place->null)
        return fail(reading, place->line, error,
                    "no priority follows %s: write one from 0 (the worst) to 10 (operational, as is 9), or take the "
                    "line out to leave it as it is built in",
                    status);
    if (value->type != YAML_SCALAR_NODE ||
        !value_number((const char *)value->data.scalar.value, 0, STATUS_PRIORITY_MAX, &priority))
        return fail(reading, place->line, error,
                    "the priority of %s must be a whole number from 0 (the worst) to 10 (operational, as is 9)",
                    status);
    if (strcmp(name, UNKNOWN) == 0)
        map->unknown = (int)priority;
    else
        g_hash_table_replace(map->priorities, g_steal_pointer(&name), GINT_TO_POINTER((int)priority));
    return true;
}

static bool take_document(struct config_status_map *map, const struct reading *reading, yaml_document_t *document,
                          GError **error)
{
    const struct yaml_place *place = g_hash_table_lookup(reading->places, "");
    const yaml_node_t *root = yaml_document_get_root_node(document);

    if (root == NULL || place == NULL || place->null) /* nothing but comments */
        return true;
    if (root->type != YAML_MAPPING_NODE)
        return fail(reading, place->line, error,
                    "expected lines of a status and its priority, such as \"serviceDegradation: 3\"");
    for (const yaml_node_pair_t *pair = root->data.mapping.pairs.start; pair < root->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = yaml_document_get_node(document, pair->key);
        const yaml_node_t *value = yaml_document_get_node(document, pair->value);
        if (!take_line(map, reading, (const char *)key->data.scalar.value, value, error))
            return false;
    }
    return true;
}

/* Takes what the file says into the map. */
static bool take_file(struct config_status_map *map, const char *name, const char *text, size_t length, GError **error)
{
    g_autoptr(GHashTable) places = yaml_places_new(name, text, length, error);
    if (places == NULL)
        return false;
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    const struct reading reading = {.name = name, .places = places, .seen = seen};
    yaml_parser_t parser;
    yaml_document_t document;

    bool ready = yaml_parser_initialize(&parser) == 1;
    g_assert(ready); /* fails only without memory */
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);
    bool loaded = yaml_parser_load(&parser, &document) == 1;
    g_assert(loaded); /* yaml_places_new read all of it */
    bool good = take_document(map, &reading, &document, error);
    yaml_document_delete(&document);
    yaml_parser_delete(&parser);
    return good;
}

/* --- the map ------------------------------------------------------------------------------------------------------ */

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static char **sorted_names(GHashTable *priorities)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    GHashTableIter each;
    gpointer name;

    g_hash_table_iter_init(&each, priorities);
    while (g_hash_table_iter_next(&each, &name, NULL))
        g_ptr_array_add(names, g_strdup(name));
    g_ptr_array_sort(names, compare_names);
    g_ptr_array_add(names, NULL);
    return (char **)g_ptr_array_steal(names, NULL);
}

struct config_status_map *status_map_parse(const char *name, const char *text, size_t length, GError **error)
{
    struct config_status_map *map = g_new0(struct config_status_map, 1);

    map->priorities = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    if (!take_file(map, "the built-in status map", status_map_built_in, strlen(status_map_built_in), error) ||
        !take_file(map, name, text, length, error)) {
        config_status_map_free(map);
        return NULL;
    }
    map->names = sorted_names(map->priorities);
    return map;
}

struct config_status_map *config_status_map_load(const char *path, GError **error)
{
    size_t length = 0;

    if (path == NULL)
        return status_map_parse("", "", 0, error);
    g_autofree char *text = file_read(path, YAML_FILE_MAX, &length);
    if (text == NULL) {
        g_set_error(error, CONFIG_ERROR, CONFIG_ERROR_INVALID, "cannot read the status map %s: %s", path,
                    errno == EFBIG ? "it is larger than 1 MiB" : g_strerror(errno));
        return NULL;
    }
    return status_map_parse(path, text, length, error);
}

int config_status_priority(const struct config_status_map *map, const char *status, bool *known)
{
    g_autofree char *name = status != NULL ? g_ascii_strdown(status, -1) : NULL;
    gpointer priority = NULL;
    bool found = name != NULL && g_hash_table_lookup_extended(map->priorities, name, NULL, &priority);

    if (known != NULL)
        *known = found;
    return found ? GPOINTER_TO_INT(priority) : map->unknown;
}

const char *const *config_status_names(const struct config_status_map *map)
{
    return (const char *const *)map->names;
}
