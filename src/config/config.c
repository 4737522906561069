#include "config/config.h"

#include <string.h>

#include "base/base.h"
#include "config/check.h"
#include "config/environment.h"

#define DATABASE_DEFAULT "/var/lib/m365keep/m365keep.db"
#define CUSTOMER_DEFAULT "default"

G_DEFINE_QUARK(m365keep_config_error, config_error)

/* Microsoft's national clouds ("National cloud deployments"; Management Activity API reference, "Office 365 plans").
 * GCC shares all but the Management API's host with the worldwide cloud. China's Management API host is seen in use,
 * but in no page of Microsoft's. */
const struct config_cloud *config_clouds(void)
{
    static const struct config_cloud clouds[] = {
        {"global", "https://login.microsoftonline.com", "https://graph.microsoft.com", "https://manage.office.com",
         "https://portal.azure.com"},
        {"gcc", "https://login.microsoftonline.com", "https://graph.microsoft.com", "https://manage-gcc.office.com",
         "https://portal.azure.com"},
        {"gcc-high", "https://login.microsoftonline.us", "https://graph.microsoft.us", "https://manage.office365.us",
         "https://portal.azure.us"},
        {"dod", "https://login.microsoftonline.us", "https://dod-graph.microsoft.us",
         "https://manage.protection.apps.mil", "https://portal.azure.us"},
        {"china", "https://login.partner.microsoftonline.cn", "https://microsoftgraph.chinacloudapi.cn",
         "https://manage.office365.cn", "https://portal.azure.cn"},
        {NULL, NULL, NULL, NULL, NULL},
    };
    return clouds;
}

static void customer_free(gpointer data)
{
    struct config_customer *customer = data;

    g_free(customer->name);
    g_free(customer->tenant_id);
    g_free(customer->client_id);
    text_free_secret(customer->client_secret);
    g_free(customer->login_url);
    g_free(customer->graph_url);
    g_free(customer->manage_url);
    g_free(customer->timezone);
    g_free(customer);
}

void config_free(struct config *config)
{
    if (config == NULL)
        return;
    g_free(config->database);
    g_free(config->clock_spec);
    g_ptr_array_unref(config->customers);
    g_free(config);
}

/* False with "KEY (where) fault". A NULL fault is fine. */
static bool accept(const char *key, const char *where, const char *fault, GError **error)
{
    if (fault != NULL)
        g_set_error(error, CONFIG_ERROR, CONFIG_ERROR_INVALID, "%s (from %s) %s", key, where, fault);
    return fault == NULL;
}

static bool accept_setting(const struct environment *environment, const char *key, const char *fault, GError **error)
{
    g_autofree char *where = environment_where(environment, key);
    return accept(key, where, fault, error);
}

/* --- credentials -------------------------------------------------------------------------------------------------- */

/* The three that make an app registration usable, under our name and under the plain one that other programs use. */
enum credential { TENANT_ID, CLIENT_ID, CLIENT_SECRET, CREDENTIALS };
static const char *const credential_keys[CREDENTIALS][2] = {
    {"GRAPH_TENANT_ID", "TENANT_ID"},
    {"GRAPH_CLIENT_ID", "CLIENT_ID"},
    {"GRAPH_CLIENT_SECRET", "CLIENT_SECRET"},
};

typedef struct credentials {
    char *value[CREDENTIALS]; /* NULL: not given */
    char *where[CREDENTIALS];
    const char *key[CREDENTIALS]; /* the name it was found under, else ours */
    bool empty[CREDENTIALS];      /* set, but empty */
} Credentials;

static void credentials_clear(struct credentials *credentials)
{
    for (int i = 0; i < CREDENTIALS; i++) {
        text_free_secret(credentials->value[i]);
        g_free(credentials->where[i]);
    }
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Credentials, credentials_clear)

static bool read_credential(const struct environment *environment, enum credential which, struct credentials *out,
                            GError **error)
{
    out->key[which] = credential_keys[which][0];
    for (int i = 0; i < 2 && out->value[which] == NULL; i++) {
        const char *key = credential_keys[which][i];
        if (environment_is_empty(environment, key)) {
            out->key[which] = key;
            out->empty[which] = true;
        }
        if (which == CLIENT_SECRET) {
            if (!environment_secret(environment, key, &out->value[which], &out->where[which], error))
                return false;
        } else {
            out->value[which] = g_strdup(environment_get(environment, key));
            out->where[which] = out->value[which] != NULL ? environment_where(environment, key) : NULL;
        }
        if (out->value[which] != NULL)
            out->key[which] = key;
    }
    return true;
}

/* All or nothing: says which ones are missing. */
static bool check_complete(const struct credentials *credentials, GError **error)
{
    g_autoptr(GString) missing = g_string_new(NULL);
    unsigned n = 0;

    for (int i = 0; i < CREDENTIALS; i++) {
        if (credentials->value[i] != NULL)
            continue;
        g_string_append_printf(missing, "%s%s%s", n++ > 0 ? ", " : "", credentials->key[i],
                               credentials->empty[i] ? " (set, but empty)" : "");
    }
    if (n == CREDENTIALS)
        g_set_error(
            error, CONFIG_ERROR, CONFIG_ERROR_MISSING,
            "there are no credentials to collect with: set %s in the environment or in a .env file, from the app "
            "registration's overview and its certificates and secrets page",
            missing->str);
    else if (n > 0)
        g_set_error(error, CONFIG_ERROR, CONFIG_ERROR_INVALID,
                    "the credentials are incomplete: %s %s missing; set %s in the environment or in a .env file",
                    missing->str, n == 1 ? "is" : "are", n == 1 ? "it" : "them");
    return n == 0;
}

static bool check_credentials(const struct credentials *credentials, GError **error)
{
    static const char *(*const checks[CREDENTIALS])(const char *) = {check_tenant_id, check_client_id,
                                                                     check_client_secret};

    for (int i = 0; i < CREDENTIALS; i++)
        if (!accept(credentials->key[i], credentials->where[i], checks[i](credentials->value[i]), error))
            return false;
    if (check_is_guid(credentials->value[CLIENT_SECRET])) {
        g_autofree char *message =
            g_strdup_printf("%s (from %s) has the form of a GUID: that looks like the secret's ID, where "
                            "its value is needed. The portal shows the value only once; if it is lost, "
                            "make a new secret.",
                            credentials->key[CLIENT_SECRET], credentials->where[CLIENT_SECRET]);
        log_write(LOG_LEVEL_WARN, message, NULL);
    }
    return true;
}

/* --- the customer of the environment ------------------------------------------------------------------------------ */

static const struct config_cloud *read_cloud(const struct environment *environment, GError **error)
{
    const char *name = environment_get(environment, "M365_CLOUD");
    g_autoptr(GString) known = g_string_new(NULL);

    for (const struct config_cloud *cloud = config_clouds(); cloud->name != NULL; cloud++) {
        if (name == NULL || g_ascii_strcasecmp(name, cloud->name) == 0)
            return cloud;
        g_string_append_printf(known, "%s%s", known->len > 0 ? ", " : "", cloud->name);
    }
    g_autofree char *fault = g_strdup_printf("names no cloud that is known: it is one of %s", known->str);
    accept_setting(environment, "M365_CLOUD", fault, error);
    return NULL;
}

/* A base URL that overrides the cloud's. NULL with *error. */
static char *read_url(const struct environment *environment, const char *key, const char *by_cloud, GError **error)
{
    const char *value = environment_get(environment, key), *fault = NULL;
    if (value == NULL)
        return g_strdup(by_cloud);
    char *url = check_base_url(value, &fault);
    accept_setting(environment, key, fault, error);
    return url;
}

/* TZ's zone, else this machine's. NULL with *error. */
static char *read_timezone(const struct environment *environment, GError **error)
{
    const char *name = environment_get(environment, "TZ");

    if (name == NULL) {
        g_autoptr(GTimeZone) local = g_time_zone_new_local();
        return g_strdup(g_time_zone_get_identifier(local));
    }
    name += *name == ':'; /* POSIX lets a colon say "a file's name follows" */
    return accept_setting(environment, "TZ", check_timezone(name), error) ? g_strdup(name) : NULL;
}

static bool fill_customer(const struct environment *environment, struct config_customer *customer, GError **error)
{
    g_auto(Credentials) credentials = {0};

    for (enum credential i = 0; i < CREDENTIALS; i++)
        if (!read_credential(environment, i, &credentials, error))
            return false;
    if (!check_complete(&credentials, error) || !check_credentials(&credentials, error))
        return false;
    customer->tenant_id = g_ascii_strdown(credentials.value[TENANT_ID], -1);
    customer->client_id = g_steal_pointer(&credentials.value[CLIENT_ID]);
    customer->client_secret = g_steal_pointer(&credentials.value[CLIENT_SECRET]);

    const char *name = environment_get(environment, "M365KEEP_CUSTOMER");
    if (name != NULL && !accept_setting(environment, "M365KEEP_CUSTOMER", check_customer(name), error))
        return false;
    customer->name = g_strdup(name != NULL ? name : CUSTOMER_DEFAULT);
    customer->cloud = read_cloud(environment, error);
    return customer->cloud != NULL &&
           (customer->login_url = read_url(environment, "LOGIN_URL", customer->cloud->login_url, error)) != NULL &&
           (customer->graph_url = read_url(environment, "GRAPH_URL", customer->cloud->graph_url, error)) != NULL &&
           (customer->manage_url = read_url(environment, "MANAGE_URL", customer->cloud->manage_url, error)) != NULL &&
           (customer->timezone = read_timezone(environment, error)) != NULL;
}

/* --- the whole ---------------------------------------------------------------------------------------------------- */

static bool read_database(const struct environment *environment, const char *option, struct config *config,
                          GError **error)
{
    const char *by_environment = environment_get(environment, "M365KEEP_DB");

    if (option != NULL && *option == '\0') {
        g_set_error(error, CONFIG_ERROR, CONFIG_ERROR_INVALID, "--db is empty: give it the path of the database");
        return false;
    }
    config->database = g_strdup(option != NULL ? option : by_environment != NULL ? by_environment : DATABASE_DEFAULT);
    return true;
}

static bool read_pace(const struct environment *environment, struct config *config, GError **error)
{
    const char *value = environment_get(environment, "REQUEST_BUDGETS");

    config->pace = value == NULL || strcmp(value, "documented") == 0;
    return config->pace || strcmp(value, "none") == 0 ||
           accept_setting(environment, "REQUEST_BUDGETS",
                          "must be documented (keep to Microsoft's published limits) or none (for simulations)", error);
}

static bool read_clock(const struct environment *environment, struct config *config, GError **error)
{
    g_autoptr(GError) cause = NULL;
    struct clock clock;

    config->clock_spec = g_strdup(environment_get(environment, "M365KEEP_CLOCK"));
    if (clock_init(&clock, config->clock_spec, &cause))
        return true;
    g_autofree char *where = environment_where(environment, "M365KEEP_CLOCK");
    g_set_error(error, CONFIG_ERROR, CONFIG_ERROR_INVALID, "M365KEEP_CLOCK (from %s) is no clock: %s", where,
                cause->message);
    return false;
}

static bool read_customers(const struct environment *environment, struct config *config, GError **error)
{
    struct config_customer *customer = g_new0(struct config_customer, 1);

    g_ptr_array_add(config->customers, customer);
    return fill_customer(environment, customer, error);
}

struct config *config_load(const struct config_options *options, GError **error)
{
    g_autoptr(Environment) environment = environment_new(options->env_file, error);
    if (environment == NULL)
        return NULL;
    struct config *config = g_new0(struct config, 1);
    config->customers = g_ptr_array_new_with_free_func(customer_free);
    if (!read_database(environment, options->database, config, error) || !read_pace(environment, config, error) ||
        !read_clock(environment, config, error) ||
        (options->need_customers && !read_customers(environment, config, error))) {
        config_free(config);
        return NULL;
    }
    environment_share(environment);
    return config;
}
