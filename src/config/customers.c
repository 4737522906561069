#include "config/customers.h"

#include <string.h>

#include "base/base.h"
#include "config/check.h"
#include "config/credentials.h"
#include "config/lists.h"

#define CUSTOMER_DEFAULT "default"

/* As the table of sources has them; all that any version collects. */
static const char *const source_names[] = {"users",  "sign-ins", "directory-audits", "intune-audits", "unified-audit",
                                           "health", NULL};

/* The values of signInEventTypes (Microsoft Graph, resource type signIn, beta). */
static const char *const sign_in_types[] = {"interactiveUser", "nonInteractiveUser", "servicePrincipal",
                                            "managedIdentity", NULL};

void customers_free(gpointer data)
{
    struct config_customer *customer = data;

    g_free(customer->name);
    g_free(customer->tenant_id);
    g_free(customer->client_id);
    text_free_secret(customer->client_secret);
    text_free_secret(customer->client_certificate);
    g_free(customer->login_url);
    g_free(customer->graph_url);
    g_free(customer->manage_url);
    g_free(customer->timezone);
    g_strfreev(customer->sources);
    g_strfreev(customer->sign_in_types);
    g_strfreev(customer->services);
    g_strfreev(customer->mail_to);
    g_strfreev(customer->mail_cc);
    g_free(customer);
}

static bool accept_variable(const struct settings *settings, const char *key, const char *fault, GError **error)
{
    g_autofree char *where = environment_where(settings->environment, key);
    return settings_accept(key, where, fault, error);
}

/* --- hosts, time zone --------------------------------------------------------------------------------------------- */

/* A customer's own key comes first, because M365_CLOUD speaks of all that have none. */
static bool read_cloud(const struct settings *settings, struct setting own, struct config_customer *customer,
                       GError **error)
{
    const struct config_cloud *clouds = config_clouds();
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    const struct setting all = {"M365_CLOUD", NULL, NULL};
    unsigned choice = 0;

    for (const struct config_cloud *cloud = clouds; cloud->name != NULL; cloud++)
        g_ptr_array_add(names, (gpointer)cloud->name);
    g_ptr_array_add(names, NULL);
    bool has_own = own.in_file != NULL && yaml_file_has(settings->file, own.path);
    if (!settings_choice(settings, has_own ? own : all, (const char *const *)names->pdata, &choice, error))
        return false;
    customer->cloud = &clouds[choice];
    return true;
}

/* A base URL in place of the cloud's: the customer's own, else the environment's for all. NULL with *error. */
static char *read_url(const struct settings *settings, struct setting own, const char *by_cloud, GError **error)
{
    const char *value = own.in_file != NULL && *own.in_file != '\0' ? own.in_file : NULL, *fault = NULL;
    char *url;

    if (value != NULL) {
        g_autofree char *where = yaml_file_where(settings->file, own.path);
        url = check_base_url(value, &fault);
        settings_accept(own.path, where, fault, error);
        return url;
    }
    value = environment_get(settings->environment, own.variable);
    if (value == NULL)
        return g_strdup(by_cloud);
    url = check_base_url(value, &fault);
    accept_variable(settings, own.variable, fault, error);
    return url;
}

/* `path` and `from` are those of a customer of the file; "" and NULL: it is the environment's. */
static bool read_urls(const struct settings *settings, const char *path, const struct yaml_customer *from,
                      struct config_customer *customer, GError **error)
{
    static const struct yaml_customer nothing = {0};
    const struct config_cloud *cloud = customer->cloud;
    g_autofree char *login = g_strdup_printf("%s.login_url", path), *graph = g_strdup_printf("%s.graph_url", path);
    g_autofree char *manage = g_strdup_printf("%s.manage_url", path);
    const struct yaml_customer *own = from != NULL ? from : &nothing;

    return (customer->login_url = read_url(settings, (struct setting){"LOGIN_URL", login, own->login_url},
                                           cloud->login_url, error)) != NULL &&
           (customer->graph_url = read_url(settings, (struct setting){"GRAPH_URL", graph, own->graph_url},
                                           cloud->graph_url, error)) != NULL &&
           (customer->manage_url = read_url(settings, (struct setting){"MANAGE_URL", manage, own->manage_url},
                                            cloud->manage_url, error)) != NULL;
}

/* TZ's zone, else this machine's. NULL with *error. */
static char *default_timezone(const struct settings *settings, GError **error)
{
    const char *name = environment_get(settings->environment, "TZ");

    if (name == NULL) {
        g_autoptr(GTimeZone) local = g_time_zone_new_local();
        return g_strdup(g_time_zone_get_identifier(local));
    }
    name += *name == ':'; /* POSIX lets a colon say "a file's name follows" */
    return accept_variable(settings, "TZ", check_timezone(name), error) ? g_strdup(name) : NULL;
}

/* --- the customer of the environment ------------------------------------------------------------------------------ */

static char **default_sign_in_types(void)
{
    return g_strdupv((char *[]){(char *)sign_in_types[0], NULL});
}

static bool fill_by_environment(const struct settings *settings, struct config_customer *customer, GError **error)
{
    const struct setting nothing = {NULL, NULL, NULL};

    if (!credentials_of_environment(settings->environment, customer, error))
        return false;
    customer->sign_in_types = default_sign_in_types();
    return settings_text(settings, (struct setting){"M365KEEP_CUSTOMER", NULL, NULL}, check_customer, CUSTOMER_DEFAULT,
                         &customer->name, error) &&
           read_cloud(settings, nothing, customer, error) && read_urls(settings, "", NULL, customer, error) &&
           (customer->timezone = default_timezone(settings, error)) != NULL &&
           lists_addresses(settings, "MAIL_TO", &customer->mail_to, error) &&
           lists_addresses(settings, "MAIL_CC", &customer->mail_cc, error);
}

/* --- the customers of the file ------------------------------------------------------------------------------------ */

static bool fill_lists(const struct settings *settings, const struct yaml_customer *from, const char *path,
                       struct config_customer *customer, GError **error)
{
    if (!lists_read(settings, path, "sources", &from->sources, NULL, source_names, "source", &customer->sources,
                    error) ||
        !lists_read(settings, path, "sign_in_types", &from->sign_in_types, NULL, sign_in_types, "type",
                    &customer->sign_in_types, error) ||
        !lists_read(settings, path, "services", &from->services, check_line, NULL, "service", &customer->services,
                    error) ||
        !lists_read(settings, path, "mail_to", &from->mail_to, check_address, NULL, NULL, &customer->mail_to, error) ||
        !lists_read(settings, path, "mail_cc", &from->mail_cc, check_address, NULL, NULL, &customer->mail_cc, error))
        return false;
    if (customer->sign_in_types == NULL)
        customer->sign_in_types = default_sign_in_types();
    return (customer->mail_to != NULL || lists_addresses(settings, "MAIL_TO", &customer->mail_to, error)) &&
           (customer->mail_cc != NULL || lists_addresses(settings, "MAIL_CC", &customer->mail_cc, error));
}

static bool fill_zone(const struct settings *settings, const struct yaml_customer *from, const char *path,
                      struct config_customer *customer, GError **error)
{
    g_autofree char *key = g_strdup_printf("%s.timezone", path);

    if (!settings_text(settings, (struct setting){NULL, key, from->timezone}, check_timezone, NULL, &customer->timezone,
                       error))
        return false;
    return customer->timezone != NULL || (customer->timezone = default_timezone(settings, error)) != NULL;
}

static bool fill_credentials(const struct settings *settings, const char *variable, const char *certificate,
                             const char *path, struct config_customer *customer, GError **error)
{
    g_autofree char *variable_path = g_strdup_printf("%s.variable", path);
    g_autofree char *certificate_path = g_strdup_printf("%s.certificate", path);
    g_autofree char *variable_where = yaml_file_where(settings->file, variable_path);
    g_autofree char *certificate_where = yaml_file_where(settings->file, certificate_path);
    const struct credentials_told told = {.path = path,
                                          .variable = variable,
                                          .variable_where = variable_where,
                                          .certificate = certificate,
                                          .certificate_where = certificate_where};

    return credentials_of_variable(settings->environment, &told, customer, error);
}

static bool fill_by_file(const struct settings *settings, const struct yaml_customer *from, const char *path,
                         bool need_credentials, struct config_customer *customer, GError **error)
{
    g_autofree char *cloud = g_strdup_printf("%s.cloud", path), *key = g_strdup_printf("%s.certificate", path);
    g_autofree char *variable = NULL, *certificate = NULL;

    bool good = lists_required(settings, path, "name", from->name, check_customer, &customer->name, error) &&
                lists_required(settings, path, "variable", from->variable, check_variable, &variable, error) &&
                settings_path(settings, (struct setting){NULL, key, from->certificate}, NULL, &certificate, error) &&
                read_cloud(settings, (struct setting){NULL, cloud, from->cloud}, customer, error) &&
                read_urls(settings, path, from, customer, error) && fill_zone(settings, from, path, customer, error) &&
                fill_lists(settings, from, path, customer, error) &&
                (!need_credentials || fill_credentials(settings, variable, certificate, path, customer, error));
    if (good && !need_credentials)
        customer->tenant_id = credentials_tenant_of_variable(settings->environment, variable);
    return good;
}

/* Refuses what was said of an earlier customer already. Taken: `text`. */
static bool check_unique(const struct settings *settings, GHashTable *seen, char *text, guint i, const char *key,
                         const char *what, GError **error)
{
    gpointer before;

    if (!g_hash_table_lookup_extended(seen, text, NULL, &before)) {
        g_hash_table_insert(seen, text, GUINT_TO_POINTER(i));
        return true;
    }
    g_free(text);
    g_autofree char *path = g_strdup_printf("customers[%u].%s", i, key);
    g_autofree char *other = g_strdup_printf("customers[%u].%s", GPOINTER_TO_UINT(before), key);
    g_autofree char *where = yaml_file_where(settings->file, path), *at = yaml_file_where(settings->file, other);
    g_autofree char *fault = g_strdup_printf("%s customers[%u] (%s)", what, GPOINTER_TO_UINT(before), at);
    return settings_accept(path, where, fault, error);
}

static bool add_customers(const struct settings *settings, bool need_credentials, struct config *config,
                          GHashTable *names, GHashTable *tenants, GError **error)
{
    const struct yaml_root *root = settings->file->root;

    for (uint32_t i = 0; i < root->n_customers; i++) {
        struct config_customer *customer = g_new0(struct config_customer, 1);
        g_autofree char *path = g_strdup_printf("customers[%u]", i);
        g_ptr_array_add(config->customers, customer);
        if (!fill_by_file(settings, &root->customers[i], path, need_credentials, customer, error) ||
            !check_unique(settings, names, g_utf8_casefold(customer->name, -1), i, "name", "is also the name of",
                          error))
            return false;
        if (need_credentials && !check_unique(settings, tenants, g_strdup(customer->tenant_id), i, "variable",
                                              "holds the same tenant as that of", error))
            return false;
    }
    return true;
}

static bool read_by_file(const struct settings *settings, bool need_credentials, struct config *config, GError **error)
{
    g_autoptr(GHashTable) names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GHashTable) tenants = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autofree char *where = yaml_file_where(settings->file, "customers");

    if (settings->file->root->n_customers == 0)
        return settings_accept("customers", where,
                               "names nobody: add a customer, or take the key out to use the one of the environment",
                               error);
    if (!add_customers(settings, need_credentials, config, names, tenants, error))
        return false;
    if (need_credentials)
        credentials_warn_unused(settings->environment, settings->file->name);
    return true;
}

/* Who the customer of the environment is, where the environment says it. A machine that only reads a database need not
 * say it, and is not told off for what it says wrong. */
static void add_known_by_environment(const struct settings *settings, struct config *config)
{
    const char *tenant_id = credentials_tenant(settings->environment);
    const char *name = environment_get(settings->environment, "M365KEEP_CUSTOMER");

    if (tenant_id == NULL || (name != NULL && check_customer(name) != NULL))
        return;
    struct config_customer *customer = g_new0(struct config_customer, 1);
    customer->name = g_strdup(name != NULL ? name : CUSTOMER_DEFAULT);
    customer->tenant_id = g_ascii_strdown(tenant_id, -1);
    customer->sign_in_types = default_sign_in_types();
    customer->timezone = default_timezone(settings, NULL);
    lists_addresses(settings, "MAIL_TO", &customer->mail_to, NULL);
    lists_addresses(settings, "MAIL_CC", &customer->mail_cc, NULL);
    g_ptr_array_add(config->customers, customer);
}

bool customers_read(const struct settings *settings, bool need_customers, struct config *config, GError **error)
{
    if (yaml_file_has(settings->file, "customers"))
        return read_by_file(settings, need_customers, config, error);
    if (!need_customers) {
        add_known_by_environment(settings, config);
        return true;
    }
    struct config_customer *customer = g_new0(struct config_customer, 1);
    g_ptr_array_add(config->customers, customer);
    return fill_by_environment(settings, customer, error);
}

/* --- who sends mail ----------------------------------------------------------------------------------------------- */

/* NULL when nobody has this name, case aside. */
static const struct config_customer *find_customer(const struct config *config, const char *name)
{
    g_autofree char *folded = g_utf8_casefold(name, -1);

    for (guint i = 0; i < config->customers->len; i++) {
        const struct config_customer *customer = g_ptr_array_index(config->customers, i);
        g_autofree char *other = g_utf8_casefold(customer->name, -1);
        if (strcmp(folded, other) == 0)
            return customer;
    }
    return NULL;
}

static bool refuse_sender(const struct config *config, const struct found *found, GError **error)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();

    for (guint i = 0; i < config->customers->len; i++)
        g_ptr_array_add(names, ((const struct config_customer *)g_ptr_array_index(config->customers, i))->name);
    g_ptr_array_add(names, NULL);
    g_autofree char *known = settings_choice_fault(found->text, (const char *const *)names->pdata);
    g_autofree char *fault = g_strconcat("names no customer: it ", known, NULL);
    return settings_accept(found->key, found->where, fault, error);
}

bool customers_read_sender(const struct settings *settings, bool need_customers, struct config *config, GError **error)
{
    const struct yaml_smtp *smtp = settings->file->root->smtp;
    g_auto(Found) found = {0};

    settings_find(settings, (struct setting){NULL, "smtp.customer", smtp != NULL ? smtp->customer : NULL}, &found);
    if (found.text == NULL)
        return true;
    if (config->customers->len > 0) {
        const struct config_customer *sender = find_customer(config, found.text);
        if (sender == NULL)
            return refuse_sender(config, &found, error);
        config->smtp.customer = g_strdup(sender->name);
    }
    if (need_customers && config->smtp.transport != CONFIG_TRANSPORT_GRAPH)
        log_write(LOG_LEVEL_WARN,
                  "smtp.customer says whose application sends mails through Microsoft Graph, but they go to a mail "
                  "server, which takes no notice of it: add transport: graph, or take it out.",
                  "key", "smtp.customer", NULL);
    return true;
}
