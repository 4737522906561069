#include "config/settings.h"

#include <string.h>

#include "base/base.h"
#include "config/check.h"
#include "config/values.h"

enum { PORT_SUBMISSION = 587, PORT_IMPLICIT_TLS = 465, DAYS_MAX = 36500, FETCH_MINUTES_MAX = 7 * 24 * 60 };

void found_clear(struct found *found)
{
    g_clear_pointer(&found->where, g_free);
}

void settings_find(const struct settings *settings, struct setting setting, struct found *found)
{
    const char *value = setting.variable != NULL ? environment_get(settings->environment, setting.variable) : NULL;

    *found = (struct found){.key = setting.variable, .text = value};
    if (value != NULL) {
        found->where = environment_where(settings->environment, setting.variable);
    } else if (setting.in_file != NULL && yaml_file_has(settings->file, setting.path)) {
        found->key = setting.path;
        found->text = setting.in_file;
        found->in_file = true;
        found->where = yaml_file_where(settings->file, setting.path);
    }
}

bool settings_accept(const char *key, const char *where, const char *fault, GError **error)
{
    if (fault != NULL)
        g_set_error(error, CONFIG_ERROR, CONFIG_ERROR_INVALID, "%s (from %s) %s", key, where, fault);
    return fault == NULL;
}

static bool accept_found(const struct found *found, const char *fault, GError **error)
{
    return settings_accept(found->key, found->where, fault, error);
}

static const char *fault_of(const char *text, const char *(*check)(const char *))
{
    if (*text == '\0')
        return "is empty: give it a value, or take it out";
    return check != NULL ? check(text) : NULL;
}

bool settings_text(const struct settings *settings, struct setting setting, const char *(*check)(const char *),
                   const char *otherwise, char **text, GError **error)
{
    g_auto(Found) found = {0};

    settings_find(settings, setting, &found);
    if (found.text != NULL && !accept_found(&found, fault_of(found.text, check), error))
        return false;
    *text = g_strdup(found.text != NULL ? found.text : otherwise);
    return true;
}

char *settings_resolve(const struct settings *settings, const char *text)
{
    g_autofree char *folder = g_path_get_dirname(settings->file->name);

    return g_path_is_absolute(text) || strcmp(folder, ".") == 0 ? g_strdup(text) : g_build_filename(folder, text, NULL);
}

bool settings_path(const struct settings *settings, struct setting setting, const char *(*check)(const char *),
                   char **path, GError **error)
{
    g_auto(Found) found = {0};

    settings_find(settings, setting, &found);
    if (found.text == NULL)
        return true;
    *path = found.in_file ? settings_resolve(settings, found.text) : g_strdup(found.text);
    return accept_found(&found, fault_of(found.text, check), error);
}

char *settings_choice_fault(const char *text, const char *const *names)
{
    const char *nearest = text_nearest(text, names);
    g_autofree char *all = g_strjoinv(", ", (char **)names);
    g_autofree char *meant = nearest != NULL ? g_strdup_printf("; did you mean \"%s\"?", nearest) : g_strdup("");

    return g_strdup_printf("must be one of %s%s", all, meant);
}

bool settings_choice(const struct settings *settings, struct setting setting, const char *const *names,
                     unsigned *choice, GError **error)
{
    g_auto(Found) found = {0};

    settings_find(settings, setting, &found);
    if (found.text == NULL)
        return true;
    for (unsigned i = 0; names[i] != NULL; i++)
        if (g_ascii_strcasecmp(names[i], found.text) == 0) {
            *choice = i;
            return true;
        }
    g_autofree char *fault = settings_choice_fault(found.text, names);
    return accept_found(&found, fault, error);
}

static bool read_number(const struct settings *settings, struct setting setting, int64_t least, int64_t most,
                        int64_t otherwise, int64_t *number, GError **error)
{
    g_auto(Found) found = {0};

    *number = otherwise;
    settings_find(settings, setting, &found);
    if (found.text == NULL || value_number(found.text, least, most, number))
        return true;
    g_autofree char *fault =
        g_strdup_printf("must be a whole number from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT, least, most);
    return accept_found(&found, fault, error);
}

static bool read_int(const struct settings *settings, struct setting setting, int least, int most, int otherwise,
                     int *number, GError **error)
{
    int64_t value;
    bool good = read_number(settings, setting, least, most, otherwise, &value, error);

    *number = (int)value;
    return good;
}

static bool read_size(const struct settings *settings, struct setting setting, int64_t *bytes, GError **error)
{
    g_auto(Found) found = {0};

    settings_find(settings, setting, &found);
    return found.text == NULL || value_size(found.text, bytes) || accept_found(&found, VALUE_SIZE, error);
}

static bool read_bool(const struct settings *settings, struct setting setting, bool *value, GError **error)
{
    g_auto(Found) found = {0};

    settings_find(settings, setting, &found);
    return found.text == NULL || value_bool(found.text, value) || accept_found(&found, VALUE_BOOL, error);
}

static bool read_schedule(const struct settings *settings, struct setting setting, struct config_schedule otherwise,
                          struct config_schedule *schedule, GError **error)
{
    g_auto(Found) found = {0};

    *schedule = otherwise;
    settings_find(settings, setting, &found);
    return found.text == NULL || value_schedule(found.text, schedule) || accept_found(&found, VALUE_SCHEDULE, error);
}

/* --- the blocks --------------------------------------------------------------------------------------------------- */

/* A setting of the block that a variable of its name points to. */
#define SETTING(variable, block, member) ((struct setting){variable, #block "." #member, (block)->member})
#define VARIABLE(name)                   ((struct setting){name, NULL, NULL})

/* The block of the file, or one without anything in it. */
#define BLOCK(settings, name)                                                                                          \
    ((settings)->file->root->name != NULL ? (settings)->file->root->name : &(const struct yaml_##name){0})

static bool read_directories(const struct settings *settings, struct config *config, GError **error)
{
    const struct yaml_directories *directories = BLOCK(settings, directories);

    return settings_path(settings, SETTING(NULL, directories, logs), NULL, &config->directories.logs, error) &&
           settings_path(settings, SETTING(NULL, directories, images), NULL, &config->directories.images, error);
}

static bool read_per_source(const struct settings *settings, GHashTable *days, GError **error)
{
    const struct yaml_per_source none = {0};
    const struct yaml_retention *retention = BLOCK(settings, retention);
    const struct yaml_per_source *of = retention->per_source != NULL ? retention->per_source : &none;
    const struct {
        const char *source, *path, *text;
    } rows[] = {
        {"users", "users", of->users},
        {"sign-ins", "sign_ins", of->sign_ins},
        {"sign-ins", "sign-ins", of->sign_ins_},
        {"directory-audits", "directory_audits", of->directory_audits},
        {"directory-audits", "directory-audits", of->directory_audits_},
        {"intune-audits", "intune_audits", of->intune_audits},
        {"intune-audits", "intune-audits", of->intune_audits_},
        {"unified-audit", "unified_audit", of->unified_audit},
        {"unified-audit", "unified-audit", of->unified_audit_},
        {"health", "health", of->health},
        {"mails", "mails", of->mails},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strconcat("retention.per_source.", rows[i].path, NULL);
        const struct setting setting = {NULL, path, rows[i].text};
        int64_t value;
        if (!read_number(settings, setting, 0, DAYS_MAX, -1, &value, error))
            return false;
        if (value < 0)
            continue;
        if (g_hash_table_contains(days, rows[i].source)) {
            g_autofree char *where = yaml_file_where(settings->file, path);
            return settings_accept(path, where, "is given twice, with _ and with -: keep one of them", error);
        }
        g_hash_table_insert(days, g_strdup(rows[i].source), g_memdup2(&value, sizeof value));
    }
    return true;
}

/* A number without its unit ("20") would delete everything, and so would any limit that the log alone may reach. */
static bool read_max_size(const struct settings *settings, const struct yaml_retention *retention, int64_t *bytes,
                          GError **error)
{
    const struct setting setting = SETTING(NULL, retention, max_size);

    if (!read_size(settings, setting, bytes, error))
        return false;
    if (*bytes == 0 || *bytes >= CONFIG_MAX_SIZE_LEAST)
        return true;
    g_autofree char *where = yaml_file_where(settings->file, setting.path);
    return settings_accept(setting.path, where,
                           "must be 0, for no limit, or 256MiB at least: the log of what was just written counts, and "
                           "alone takes 128MiB at times",
                           error);
}

static bool read_retention(const struct settings *settings, struct config *config, GError **error)
{
    const struct yaml_retention *retention = BLOCK(settings, retention);

    config->retention.per_source = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    return read_number(settings, SETTING("DB_DAYS_SCOPE", retention, days), 0, DAYS_MAX, 0, &config->retention.days,
                       error) &&
           read_max_size(settings, retention, &config->retention.max_size_bytes, error) &&
           read_per_source(settings, config->retention.per_source, error);
}

/* The secret `key`, checked; NULL when there is none. */
static bool read_secret(const struct settings *settings, const char *key, const char *(*check)(const char *),
                        char **secret, GError **error)
{
    g_autofree char *where = NULL;

    return environment_secret(settings->environment, key, secret, &where, error) &&
           (*secret == NULL || settings_accept(key, where, check(*secret), error));
}

static bool read_mongo(const struct settings *settings, bool need_secrets, struct config *config, GError **error)
{
    static const char *const deletes[] = {"keep", "mirror", NULL};
    const struct yaml_mongo *mongo = BLOCK(settings, mongo);
    g_autofree char *variable = NULL;
    unsigned choice = CONFIG_DELETES_KEEP;

    if (!settings_text(settings, SETTING(NULL, mongo, uri_env), check_variable, "MONGO_URI", &variable, error) ||
        !settings_text(settings, SETTING("MONGO_DB", mongo, database), check_mongo_database, "micro_soc",
                       &config->mongo.database, error) ||
        !settings_choice(settings, SETTING(NULL, mongo, deletes), deletes, &choice, error))
        return false;
    config->mongo.deletes = (enum config_mirror_deletes)choice;
    config->mongo.configured = environment_has_secret(settings->environment, variable);
    return !need_secrets || read_secret(settings, variable, check_mongo_uri, &config->mongo.uri, error);
}

static bool read_security(const struct settings *settings, const struct yaml_smtp *smtp, struct config *config,
                          GError **error)
{
    static const char *const names[] = {"starttls", "none", NULL}, *const implicit[] = {"tls", "ssl", "smtps", NULL};
    g_auto(Found) found = {0};
    unsigned choice = CONFIG_SMTP_STARTTLS;

    settings_find(settings, SETTING("SMTP_SECURITY", smtp, security), &found);
    for (size_t i = 0; implicit[i] != NULL; i++)
        if (found.text != NULL && g_ascii_strcasecmp(found.text, implicit[i]) == 0)
            return accept_found(&found,
                                "asks for TLS from the first byte on (as on port 465), which the mail library cannot "
                                "do: use starttls on port 587, transport: graph, or a TLS tunnel such as stunnel with "
                                "security: none",
                                error);
    bool good = settings_choice(settings, SETTING("SMTP_SECURITY", smtp, security), names, &choice, error);
    config->smtp.security = (enum config_smtp_security)choice;
    return good;
}

static bool read_smtp(const struct settings *settings, bool need_secrets, struct config *config, GError **error)
{
    static const char *const transports[] = {"smtp", "graph", NULL};
    const struct yaml_smtp *smtp = BLOCK(settings, smtp);
    unsigned transport = CONFIG_TRANSPORT_SMTP;

    if (!settings_text(settings, SETTING("SMTP_SERVER", smtp, server), check_host, NULL, &config->smtp.server, error) ||
        !read_int(settings, SETTING("SMTP_PORT", smtp, port), 1, 65535, PORT_SUBMISSION, &config->smtp.port, error) ||
        !read_security(settings, smtp, config, error) ||
        !settings_text(settings, SETTING("SMTP_USER", smtp, user), check_line, NULL, &config->smtp.user, error) ||
        !settings_text(settings, SETTING("MAIL_FROM", smtp, from), check_address, NULL, &config->smtp.from, error) ||
        !settings_choice(settings, SETTING(NULL, smtp, transport), transports, &transport, error))
        return false;
    config->smtp.transport = (enum config_transport)transport;
    if (!need_secrets)
        return true;
    if (config->smtp.port == PORT_IMPLICIT_TLS)
        log_write(
            LOG_LEVEL_WARN,
            "Port 465 of a mail server usually wants TLS from the first byte on, which the mail library cannot do: "
            "mails will most likely not go out. Port 587 is the one for starttls.",
            "key", "smtp.port", NULL);
    return read_secret(settings, "SMTP_PASSWORD", check_client_secret, &config->smtp.password, error);
}

static bool read_report(const struct settings *settings, struct config *config, GError **error)
{
    const struct yaml_report *report = BLOCK(settings, report);
    struct setting from = SETTING("DB_DAYS_PREV_FROM", report, days_from);

    if (!settings_text(settings, SETTING("MAIL_SUBJECT", report, subject), check_subject,
                       "Service health of {customer}, {from} to {to}", &config->report.subject, error) ||
        !settings_path(settings, SETTING("MAIL_SIGNATURE", report, signature), check_signature,
                       &config->report.signature, error) ||
        !settings_path(settings, SETTING(NULL, report, templates), check_line, &config->report.templates, error) ||
        !read_int(settings, from, 0, DAYS_MAX, 1, &config->report.days_from, error) ||
        !read_int(settings, SETTING("DB_DAYS_PREV_TO", report, days_to), 0, DAYS_MAX, 1, &config->report.days_to,
                  error))
        return false;
    if (config->report.days_from >= config->report.days_to)
        return true;
    g_auto(Found) found = {0};
    settings_find(settings, from, &found);
    if (found.text == NULL)
        settings_find(settings, SETTING("DB_DAYS_PREV_TO", report, days_to), &found);
    return accept_found(&found,
                        "does not fit: a report goes from days_from days ago (DB_DAYS_PREV_FROM, default 1) to days_to "
                        "days ago (DB_DAYS_PREV_TO, default 1), so days_from cannot be the smaller number",
                        error);
}

static bool read_schedules(const struct settings *settings, struct config *config, GError **error)
{
    const struct yaml_schedule *schedule = BLOCK(settings, schedule);
    const struct {
        struct setting setting;
        struct config_schedule otherwise, *out;
    } rows[] = {
        {SETTING(NULL, schedule, collect), {.every_s = 15 * 60}, &config->schedule.collect},
        {SETTING(NULL, schedule, health), {.every_s = 5 * 60}, &config->schedule.health},
        {SETTING(NULL, schedule, replicate), {.every_s = 60}, &config->schedule.replicate},
        {SETTING(NULL, schedule, report), {.daily = true, .minute = 7 * 60}, &config->schedule.report},
        {SETTING(NULL, schedule, prune), {.daily = true, .minute = 3 * 60}, &config->schedule.prune},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        if (!read_schedule(settings, rows[i].setting, rows[i].otherwise, rows[i].out, error))
            return false;
    return true;
}

/* --- what is served ----------------------------------------------------------------------------------------------- */

/* Microsoft's endpoint for the tenant's tokens, at LOGIN_URL or in the cloud that M365_CLOUD names. */
static char *default_authority(const struct settings *settings, const char *tenant_id)
{
    const char *name = environment_get(settings->environment, "M365_CLOUD"), *fault;
    const char *login = environment_get(settings->environment, "LOGIN_URL");
    const struct config_cloud *cloud = config_clouds();

    for (const struct config_cloud *each = cloud; each->name != NULL; each++)
        if (name != NULL && g_ascii_strcasecmp(name, each->name) == 0)
            cloud = each;
    g_autofree char *base = login != NULL ? check_base_url(login, &fault) : NULL;
    return g_strdup_printf("%s/%s/v2.0", base != NULL ? base : cloud->login_url, tenant_id);
}

static bool read_authority(const struct settings *settings, struct config *config, GError **error)
{
    const char *value = environment_get(settings->environment, "AUTH_AUTHORITY"), *fault = NULL;

    if (value != NULL) {
        config->serve.auth_authority = check_base_url(value, &fault);
        g_autofree char *where = environment_where(settings->environment, "AUTH_AUTHORITY");
        return settings_accept("AUTH_AUTHORITY", where, fault, error);
    }
    if (config->serve.auth_tenant_id != NULL)
        config->serve.auth_authority = default_authority(settings, config->serve.auth_tenant_id);
    return true;
}

static bool read_auth(const struct settings *settings, struct config *config, GError **error)
{
    const char *roles = environment_get(settings->environment, "AUTH_ALLOWED_ROLES");
    const char *groups = environment_get(settings->environment, "AUTH_ALLOWED_GROUPS");

    if (!read_bool(settings, VARIABLE("AUTH_ENABLED"), &config->serve.auth_enabled, error) ||
        !settings_text(settings, VARIABLE("AUTH_TENANT_ID"), check_tenant_id, NULL, &config->serve.auth_tenant_id,
                       error) ||
        !settings_text(settings, VARIABLE("AUTH_CLIENT_ID"), check_client_id, NULL, &config->serve.auth_client_id,
                       error) ||
        !read_authority(settings, config, error))
        return false;
    g_autofree char *scope = config->serve.auth_client_id != NULL
                                 ? g_strdup_printf("api://%s/.default", config->serve.auth_client_id)
                                 : NULL;
    if (!settings_text(settings, VARIABLE("AUTH_SCOPE"), check_line, scope, &config->serve.auth_scope, error))
        return false;
    config->serve.auth_allowed_roles = roles != NULL ? value_list(roles) : NULL;
    config->serve.auth_allowed_groups = groups != NULL ? value_list(groups) : NULL;
    if (!config->serve.auth_enabled || (config->serve.auth_tenant_id != NULL && config->serve.auth_client_id != NULL))
        return true;
    g_set_error(error, CONFIG_ERROR, CONFIG_ERROR_INVALID,
                "AUTH_ENABLED is set, but %s is not: people sign in to an app registration of a tenant; set both IDs",
                config->serve.auth_tenant_id == NULL ? "AUTH_TENANT_ID" : "AUTH_CLIENT_ID");
    return false;
}

static bool read_serve(const struct settings *settings, struct config *config, GError **error)
{
    return settings_text(settings, VARIABLE("LISTEN"), check_listen, "127.0.0.1:8000", &config->serve.listen, error) &&
           read_auth(settings, config, error) &&
           read_bool(settings, VARIABLE("ENABLE_PERIODIC_FETCH"), &config->serve.periodic_fetch, error) &&
           read_int(settings, VARIABLE("FETCH_INTERVAL_MINUTES"), 1, FETCH_MINUTES_MAX, 15,
                    &config->serve.fetch_interval_minutes, error);
}

bool settings_read(const struct settings *settings, bool need_secrets, struct config *config, GError **error)
{
    const struct setting status_map = {NULL, "status_map", settings->file->root->status_map};

    return read_directories(settings, config, error) && read_retention(settings, config, error) &&
           read_mongo(settings, need_secrets, config, error) && read_smtp(settings, need_secrets, config, error) &&
           read_report(settings, config, error) &&
           settings_path(settings, status_map, NULL, &config->status_map, error) &&
           read_schedules(settings, config, error) && read_serve(settings, config, error);
}
