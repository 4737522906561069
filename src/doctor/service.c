#include "doctor/service.h"

#include "sources/sources.h"

/* What an overview is called. */
struct service {
    char *id, *name; /* name: NULL where it says none */
};

static void service_free(gpointer data)
{
    struct service *service = data;

    g_free(service->id);
    g_free(service->name);
    g_free(service);
}

/* Returned: struct service *. */
static GPtrArray *read_services(const struct json_page *page)
{
    GPtrArray *services = g_ptr_array_new_with_free_func(service_free);
    g_autoptr(JsonTree) tree = json_tree_new();

    for (size_t i = 0; i < json_page_count(page); i++) {
        struct health_overview overview = {0};
        struct health_record *record = health_record_read(tree, json_page_record(page, i), &overview, NULL);
        if (!record)
            continue;
        struct service *service = g_new0(struct service, 1);
        service->id = g_strdup(record->id);
        service->name = g_steal_pointer(&overview.service);
        g_ptr_array_add(services, service);
        health_overview_clear(&overview);
        health_record_free(record);
    }
    return services;
}

static bool same_name(const char *one, const char *other)
{
    g_autofree char *a = one ? g_utf8_casefold(one, -1) : NULL, *b = g_utf8_casefold(other, -1);

    return a && g_str_equal(a, b);
}

static bool is_there(GPtrArray *services, const char *name)
{
    for (guint i = 0; i < services->len; i++) {
        const struct service *service = g_ptr_array_index(services, i);
        if (same_name(service->id, name) || same_name(service->name, name))
            return true;
    }
    return false;
}

/* "Exchange (Exchange Online), Intune": each as it may be written in the configuration. Returned: g_free. */
static char *all_names(GPtrArray *services)
{
    GString *out = g_string_new(NULL);

    for (guint i = 0; i < services->len; i++) {
        const struct service *service = g_ptr_array_index(services, i);
        g_string_append_printf(out, "%s%s", i ? ", " : "", service->id);
        if (service->name && !same_name(service->id, service->name))
            g_string_append_printf(out, " (%s)", service->name);
    }
    return g_string_free(out, FALSE);
}

void service_judge(struct section *section, const char *source, const struct json_page *page, char **services)
{
    g_autoptr(GPtrArray) there = read_services(page);

    if (!there->len || json_page_member(page, "@odata.nextLink"))
        return;
    for (char **name = services; name && *name; name++) {
        if (is_there(there, *name))
            continue;
        g_autofree char *all = all_names(there);
        section_warn(section, "source",
                     "Write it in the customer's services in m365keep.yaml as the tenant does, or take it out there.",
                     "The tenant has no service \"%s\": it is not followed. There are: %s.", *name, all)
            ->source = source;
    }
}
