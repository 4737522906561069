#include "config/config.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/base.h"
#include "config/customers.h"
#include "config/environment.h"
#include "config/lists.h"
#include "config/settings.h"

#define DATABASE_DEFAULT "/var/lib/m365keep/m365keep.db"
#define CONFIG_FILE      "m365keep.yaml"
#define SYSTEM_FILE      "/etc/m365keep/m365keep.yaml"

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

static void free_serve(struct config *config)
{
    g_free(config->serve.listen);
    g_free(config->serve.auth_tenant_id);
    g_free(config->serve.auth_client_id);
    g_free(config->serve.auth_authority);
    g_free(config->serve.auth_scope);
    g_strfreev(config->serve.auth_allowed_roles);
    g_strfreev(config->serve.auth_allowed_groups);
}

void config_free(struct config *config)
{
    if (config == NULL)
        return;
    g_free(config->file);
    g_free(config->database);
    g_free(config->clock_spec);
    g_clear_pointer(&config->customers, g_ptr_array_unref);
    g_clear_pointer(&config->secret_files, g_ptr_array_unref);
    g_free(config->directories.logs);
    g_free(config->directories.images);
    g_clear_pointer(&config->retention.per_source, g_hash_table_unref);
    text_free_secret(config->mongo.uri);
    g_free(config->mongo.database);
    g_free(config->smtp.server);
    g_free(config->smtp.user);
    text_free_secret(config->smtp.password);
    g_free(config->smtp.from);
    g_free(config->smtp.customer);
    g_free(config->report.subject);
    g_free(config->report.signature);
    g_free(config->report.templates);
    g_free(config->status_map);
    config_status_map_free(config->statuses);
    g_clear_pointer(&config->alerts, g_ptr_array_unref);
    free_serve(config);
    g_free(config);
}

/* --- m365keep.yaml ------------------------------------------------------------------------------------------------ */

/* Which file to read; NULL: none. One that was named must be there; of the usual places, one that cannot even be looked
 * into (a folder of another user's) holds nothing for us. */
static char *find_file(const struct environment *environment, const char *option)
{
    const char *named = option != NULL ? option : environment_get(environment, "M365KEEP_CONFIG");
    static const char *const usual[] = {CONFIG_FILE, SYSTEM_FILE};
    struct stat status;

    if (named != NULL)
        return g_strdup(named);
    for (size_t i = 0; i < G_N_ELEMENTS(usual); i++)
        if (stat(usual[i], &status) == 0)
            return g_strdup(usual[i]);
    return NULL;
}

/* The file's content; an empty one without a file. NULL with *error. */
static struct yaml_file *read_file(const char *path, GError **error)
{
    size_t length = 0;

    if (path == NULL)
        return yaml_file_parse(CONFIG_FILE, "", 0, error);
    char *text = file_read(path, YAML_FILE_MAX, &length);
    if (text == NULL) {
        g_set_error(error, CONFIG_ERROR, CONFIG_ERROR_INVALID, "cannot read the configuration file %s: %s", path,
                    errno == EFBIG ? "it is larger than 1 MiB" : g_strerror(errno));
        return NULL;
    }
    struct yaml_file *file = yaml_file_parse(path, text, length, error);
    g_free(text);
    if (file != NULL && !yaml_file_has(file, "") && strcmp(path, "/dev/null") != 0)
        log_write(LOG_LEVEL_WARN, "The configuration file holds no setting: everything is at its default.", "file",
                  path, NULL);
    return file;
}

/* --- the whole ---------------------------------------------------------------------------------------------------- */

static bool read_database(const struct settings *settings, const char *option, struct config *config, GError **error)
{
    const struct setting setting = {"M365KEEP_DB", "database", settings->file->root->database};

    if (option != NULL && *option == '\0') {
        g_set_error(error, CONFIG_ERROR, CONFIG_ERROR_INVALID, "--db is empty: give it the path of the database");
        return false;
    }
    if (option != NULL)
        config->database = g_strdup(option);
    else if (!settings_path(settings, setting, NULL, &config->database, error))
        return false;
    else if (config->database == NULL)
        config->database = g_strdup(DATABASE_DEFAULT);
    return true;
}

static bool accept_setting(const struct environment *environment, const char *key, const char *fault, GError **error)
{
    g_autofree char *where = environment_where(environment, key);
    return settings_accept(key, where, fault, error);
}

static bool read_pace(const struct environment *environment, struct config *config, GError **error)
{
    const char *value = environment_get(environment, "REQUEST_BUDGETS");

    config->pace = value == NULL || strcmp(value, "documented") == 0;
    return config->pace || strcmp(value, "none") == 0 ||
           accept_setting(environment, "REQUEST_BUDGETS",
                          "must be documented (keep to Microsoft's published limits) or none (for simulations)", error);
}

/* Two minutes by default: a report page may take the service a minute and more before its first byte. */
static bool read_timeout(const struct environment *environment, struct config *config, GError **error)
{
    enum { DEFAULT_S = 120, MOST_S = 3600 };
    const char *value = environment_get(environment, "REQUEST_TIMEOUT_SECONDS");
    guint64 seconds = DEFAULT_S;

    if (value != NULL && !g_ascii_string_to_unsigned(value, 10, 1, MOST_S, &seconds, NULL))
        return accept_setting(environment, "REQUEST_TIMEOUT_SECONDS",
                              "must be the seconds, 1 to 3600, after which a request without an answer is given up",
                              error);
    config->request_timeout_s = (int)seconds;
    return true;
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

/* What is wrong with the map's own file is told after the setting that names it. */
static bool read_statuses(const struct settings *settings, struct config *config, GError **error)
{
    config->statuses = config_status_map_load(config->status_map, error);
    if (config->statuses != NULL)
        return true;
    g_autofree char *where = yaml_file_where(settings->file, "status_map");
    g_prefix_error(error, "status_map (from %s): ", where);
    return false;
}

static bool read_all(const struct settings *settings, const struct config_options *options, struct config *config,
                     GError **error)
{
    config->customers = g_ptr_array_new_with_free_func(customers_free);
    return read_database(settings, options->database, config, error) &&
           read_pace(settings->environment, config, error) && read_timeout(settings->environment, config, error) &&
           read_clock(settings->environment, config, error) &&
           settings_read(settings, options->need_customers, config, error) && read_statuses(settings, config, error) &&
           lists_alerts(settings, config, error) && customers_read(settings, options->need_customers, config, error) &&
           customers_read_sender(settings, options->need_customers, config, error);
}

/* The same; the file is known by then. */
static bool read_with_file(const struct environment *environment, const struct config_options *options,
                           struct config *config, GError **error)
{
    g_autoptr(YamlFile) file = read_file(config->file, error);
    const struct settings settings = {.environment = environment, .file = file};

    return file != NULL && read_all(&settings, options, config, error);
}

struct config *config_load(const struct config_options *options, GError **error)
{
    g_autoptr(Environment) environment = environment_new(options->env_file, error);
    if (environment == NULL)
        return NULL;
    if (options->config_file != NULL && *options->config_file == '\0') {
        g_set_error(error, CONFIG_ERROR, CONFIG_ERROR_INVALID,
                    "--config is empty: give it the path of the configuration file");
        return NULL;
    }
    struct config *config = g_new0(struct config, 1);
    config->file = find_file(environment, options->config_file);
    config->secret_files = environment_secret_files(environment);
    if (!read_with_file(environment, options, config, error)) {
        config_free(config);
        return NULL;
    }
    environment_share(environment);
    return config;
}

int64_t config_health_max_gap_s(const struct config *config)
{
    enum { LEAST_S = 30 * 60, DAY_S = 24 * 60 * 60 };
    const struct config_schedule *schedule = &config->schedule.health;

    return MAX(3 * (schedule->daily ? DAY_S : schedule->every_s), LEAST_S);
}

int64_t config_keep_from(const struct config *config, const char *source, int64_t now)
{
    enum { DAY_S = 24 * 60 * 60 };
    const int64_t *own = g_hash_table_lookup(config->retention.per_source, source);
    int64_t days = own != NULL ? *own : config->retention.days;

    return days > 0 ? now - days * DAY_S : INT64_MIN;
}
