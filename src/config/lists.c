#include "config/lists.h"

#include <string.h>

#include "config/check.h"
#include "config/values.h"

enum { ALERT_EVERY_S = 3600 };

/* What is wrong with an entry; NULL when it will do. `seen` are those before it, in lower case. Returned: g_free. */
static char *entry_fault(const char *entry, const char *(*check)(const char *), const char *const *names,
                         GHashTable *seen)
{
    const char *fault = *entry == '\0'  ? "is empty: give it a value, or take it out"
                        : check != NULL ? check(entry)
                                        : NULL;

    if (fault != NULL)
        return g_strdup(fault);
    if (names != NULL && !g_strv_contains(names, entry))
        return settings_choice_fault(entry, names);
    return g_hash_table_add(seen, g_utf8_casefold(entry, -1)) ? NULL : g_strdup("is in the list twice");
}

bool lists_read(const struct settings *settings, const char *path, const char *key, const struct yaml_list *list,
                const char *(*check)(const char *), const char *const *names, const char *what, char ***entries,
                GError **error)
{
    g_autofree char *list_path = g_strdup_printf("%s.%s", path, key);
    g_autoptr(GPtrArray) read = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    *entries = NULL;
    if (!yaml_file_has(settings->file, list_path))
        return true;
    if (list->n == 0 && what != NULL) {
        g_autofree char *where = yaml_file_where(settings->file, list_path);
        g_autofree char *fault = g_strdup_printf("names no %s: leave it out for the default", what);
        return settings_accept(list_path, where, fault, error);
    }
    for (uint32_t i = 0; i < list->n; i++) {
        g_autofree char *entry_path = g_strdup_printf("%s[%u]", list_path, i);
        const char *entry = yaml_file_has(settings->file, entry_path) ? list->items[i] : "";
        g_autofree char *fault = entry_fault(entry, check, names, seen);
        g_autofree char *where = yaml_file_where(settings->file, entry_path);
        if (!settings_accept(entry_path, where, fault, error))
            return false;
        g_ptr_array_add(read, g_strdup(entry));
    }
    g_ptr_array_add(read, NULL);
    *entries = (char **)g_ptr_array_steal(read, NULL);
    return true;
}

bool lists_addresses(const struct settings *settings, const char *variable, char ***entries, GError **error)
{
    const char *text = environment_get(settings->environment, variable);
    g_auto(GStrv) addresses = text != NULL ? value_list(text) : NULL;

    for (char **address = addresses; address != NULL && *address != NULL; address++) {
        g_autofree char *where = environment_where(settings->environment, variable);
        if (!settings_accept(variable, where, check_address(*address), error))
            return false;
    }
    *entries = g_steal_pointer(&addresses);
    return true;
}

bool lists_required(const struct settings *settings, const char *path, const char *key, const char *text,
                    const char *(*check)(const char *), char **value, GError **error)
{
    g_autofree char *full = g_strdup_printf("%s.%s", path, key);

    if (!settings_text(settings, (struct setting){NULL, full, text}, check, NULL, value, error))
        return false;
    if (*value != NULL)
        return true;
    g_autofree char *where = yaml_file_where(settings->file, full);
    return settings_accept(full, where, "is missing", error);
}

/* --- alerts ------------------------------------------------------------------------------------------------------- */

static void alert_free(gpointer data)
{
    struct config_alert *alert = data;

    g_free(alert->name);
    g_free(alert->search);
    g_strfreev(alert->mail_to);
    g_free(alert);
}

static bool read_alert(const struct settings *settings, const struct yaml_alert *from, const char *path,
                       struct config_alert *alert, GError **error)
{
    g_auto(Found) found = {0};
    g_autofree char *every = g_strdup_printf("%s.every", path);

    if (!lists_required(settings, path, "name", from->name, check_line, &alert->name, error) ||
        !lists_required(settings, path, "search", from->search, check_line, &alert->search, error) ||
        !lists_read(settings, path, "mail_to", &from->mail_to, check_address, NULL, "address", &alert->mail_to, error))
        return false;
    if (alert->mail_to == NULL) {
        g_autofree char *where = yaml_file_where(settings->file, path);
        return settings_accept(path, where, "has no mail_to: say whom to tell", error);
    }
    alert->every_s = ALERT_EVERY_S;
    settings_find(settings, (struct setting){NULL, every, from->every}, &found);
    return found.text == NULL || value_interval(found.text, &alert->every_s) ||
           settings_accept(found.key, found.where, VALUE_INTERVAL, error);
}

bool lists_alerts(const struct settings *settings, struct config *config, GError **error)
{
    const struct yaml_root *root = settings->file->root;

    g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);

    config->alerts = g_ptr_array_new_with_free_func(alert_free);
    for (uint32_t i = 0; i < root->n_alerts; i++) {
        struct config_alert *alert = g_new0(struct config_alert, 1);
        g_autofree char *path = g_strdup_printf("alerts[%u]", i);
        g_ptr_array_add(config->alerts, alert);
        if (!read_alert(settings, &root->alerts[i], path, alert, error))
            return false;
        if (g_hash_table_add(names, alert->name))
            continue;
        g_autofree char *where = yaml_file_where(settings->file, path);
        return settings_accept(path, where, "has a name that an alert before it has: each needs its own", error);
    }
    return true;
}
