/* m365keep.yaml, .env and the environment, as one configuration. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"
#include "config/config.h"

#define TENANT  "0a1b2c3d-4e5f-6789-abcd-ef0123456789"
#define TENANT2 "1a1b2c3d-4e5f-6789-abcd-ef0123456789"
#define CLIENT  "11111111-2222-3333-4444-555555555555"
#define SECRET  "TOPSECRET~value.1"
#define PEM                                                                                                            \
    "-----BEGIN CERTIFICATE-----\nTOPSECRETcert\n-----END CERTIFICATE-----\n"                                          \
    "-----BEGIN PRIVATE KEY-----\nTOPSECRETkey\n-----END PRIVATE KEY-----\n"

/* A fresh working directory for each test, and an environment without anything. */
static char *directory;

static int set_up(void **state)
{
    g_auto(GStrv) names = g_listenv();

    (void)state;
    for (char **name = names; *name != NULL; name++)
        g_unsetenv(*name);
    g_setenv("TZ", "UTC", TRUE);
    g_setenv("A", TENANT ";" CLIENT ";" SECRET, TRUE);
    g_setenv("B", TENANT2 ";" CLIENT ";" SECRET, TRUE);
    directory = g_dir_make_tmp("m365keep-config-XXXXXX", NULL);
    return directory != NULL ? chdir(directory) : -1;
}

static int remove_all(const char *folder)
{
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *name;

    while ((name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        if (unlink(path) != 0 && remove_all(path) != 0)
            return -1;
    }
    return rmdir(folder);
}

static int tear_down(void **state)
{
    (void)state;
    int result = chdir("/") != 0 || remove_all(directory) != 0;
    g_free(directory);
    return result;
}

static void write_file(const char *path, const char *text)
{
    assert_true(g_file_set_contents(path, text, -1, NULL));
}

static struct config *load(GError **error)
{
    const struct config_options options = {.need_customers = true};
    return config_load(&options, error);
}

/* Loads with m365keep.yaml of this text; NULL: without one. */
static struct config *load_well(const char *yaml)
{
    g_autoptr(GError) error = NULL;
    if (yaml != NULL)
        write_file("m365keep.yaml", yaml);
    struct config *config = load(&error);
    if (config == NULL)
        fail_msg("%s", error->message);
    return config;
}

static const struct config_customer *customer_of(const struct config *config, guint i)
{
    assert_true(i < config->customers->len);
    return config->customers->pdata[i];
}

/* Loading fails with a message that holds the parts and no secret. */
static void check_refusal(const char *yaml, const char *part, const char *other_part)
{
    g_autoptr(GError) error = NULL;
    if (yaml != NULL)
        write_file("m365keep.yaml", yaml);
    g_autoptr(Config) config = load(&error);

    if (config != NULL)
        fail_msg("taken: %s", yaml != NULL ? yaml : "");
    if (strstr(error->message, part) == NULL || strstr(error->message, other_part) == NULL)
        fail_msg("%s\n-> %s", yaml != NULL ? yaml : "", error->message);
    assert_int_equal(error->code, CONFIG_ERROR_INVALID);
    assert_null(strstr(error->message, "TOPSECRET"));
}

/* What is logged while `yaml` is loaded. Returned: g_free. */
static char *load_and_listen(const char *yaml)
{
    char *said = NULL;

    fflush(stderr);
    int saved = dup(STDERR_FILENO), file = open("stderr", O_RDWR | O_CREAT | O_TRUNC, 0600);
    assert_true(saved >= 0 && file >= 0 && dup2(file, STDERR_FILENO) >= 0);
    config_free(load_well(yaml));
    assert_true(dup2(saved, STDERR_FILENO) >= 0);
    close(saved);
    close(file);
    assert_true(g_file_get_contents("stderr", &said, NULL, NULL));
    return said;
}

static const char one_customer[] = "customers:\n  - name: contoso\n    variable: A\n";

/* --- the whole file ----------------------------------------------------------------------------------------------- */

static const char everything[] =
    "database: /data/keep.db\n"
    "directories: { logs: /logs, images: images }\n"
    "retention: { days: 365, max_size: 20GiB, per_source: { sign_ins: 180, directory-audits: 90, mails: 0 } }\n"
    "mongo: { uri_env: OUR_MONGO, database: soc, deletes: mirror }\n"
    "smtp: { server: mail.example.org, port: 25, security: none, user: desk, from: \"Health desk "
    "<desk@example.org>\",\n"
    "        transport: graph, customer: Fabrikam }\n"
    "report: { subject: \"Health of {customer}\", signature: signature.html, templates: ., days_from: 7, days_to: 1 }\n"
    "status_map: /dev/null\n"
    "schedule: { collect: 30s, health: 1h, replicate: 1d, report: \"daily 06:30\", prune: 2h }\n"
    "alerts:\n"
    "  - { name: new admin, search: '\"Global Administrator\" add', mail_to: [soc@example.org], every: 2h }\n"
    "  - { name: all, search: x, mail_to: [soc@example.org] }\n"
    "customers:\n"
    "  - name: contoso\n"
    "    variable: A\n"
    "    cloud: gcc-high\n"
    "    sources: [users, sign-ins]\n"
    "    sign_in_types: [interactiveUser, servicePrincipal]\n"
    "    services: [Exchange, Intune]\n"
    "    mail_to: [desk@contoso.example, 'Second <two@contoso.example>']\n"
    "    mail_cc: []\n"
    "    timezone: Europe/Warsaw\n"
    "  - { name: fabrikam, variable: B }\n";

static void every_setting_of_the_file_arrives(void **state)
{
    (void)state;
    g_setenv("OUR_MONGO", "mongodb://u:p@db.example", TRUE);
    g_setenv("SMTP_PASSWORD", SECRET, TRUE);
    g_autoptr(Config) config = load_well(everything);
    assert_string_equal(config->file, "m365keep.yaml");
    assert_string_equal(config->database, "/data/keep.db");
    assert_string_equal(config->directories.logs, "/logs");
    assert_string_equal(config->directories.images, "images");
    assert_int_equal(config->retention.days, 365);
    assert_int_equal(config->retention.max_size_bytes, INT64_C(20) << 30);
    assert_int_equal(g_hash_table_size(config->retention.per_source), 3);
    assert_int_equal(*(int64_t *)g_hash_table_lookup(config->retention.per_source, "sign-ins"), 180);
    assert_int_equal(*(int64_t *)g_hash_table_lookup(config->retention.per_source, "directory-audits"), 90);
    assert_int_equal(*(int64_t *)g_hash_table_lookup(config->retention.per_source, "mails"), 0);
    assert_int_equal(config_keep_from(config, "users", 400 * 86400), 35 * 86400);
    assert_int_equal(config_keep_from(config, "sign-ins", 400 * 86400), 220 * 86400);
    assert_true(config_keep_from(config, "mails", 400 * 86400) == INT64_MIN);
    assert_string_equal(config->mongo.uri, "mongodb://u:p@db.example");
    assert_true(config->mongo.configured);
    assert_string_equal(config->mongo.database, "soc");
    assert_int_equal(config->mongo.deletes, CONFIG_DELETES_MIRROR);
    assert_string_equal(config->smtp.server, "mail.example.org");
    assert_int_equal(config->smtp.port, 25);
    assert_int_equal(config->smtp.security, CONFIG_SMTP_NONE);
    assert_string_equal(config->smtp.user, "desk");
    assert_string_equal(config->smtp.password, SECRET);
    assert_string_equal(config->smtp.from, "Health desk <desk@example.org>");
    assert_int_equal(config->smtp.transport, CONFIG_TRANSPORT_GRAPH);
    assert_string_equal(config->smtp.customer, "fabrikam"); /* as its own name is written */
    assert_string_equal(config->report.templates, ".");
    assert_string_equal(config->report.subject, "Health of {customer}");
    assert_string_equal(config->report.signature, "signature.html");
    assert_int_equal(config->report.days_from, 7);
    assert_int_equal(config->report.days_to, 1);
    assert_string_equal(config->status_map, "/dev/null");
    assert_int_equal(config_status_priority(config->statuses, "serviceDegradation", NULL), 3);
    assert_int_equal(config->schedule.collect.every_s, 30);
    assert_int_equal(config->schedule.health.every_s, 3600);
    assert_int_equal(config->schedule.replicate.every_s, 86400);
    assert_true(config->schedule.report.daily && config->schedule.report.minute == 390);
    assert_true(!config->schedule.prune.daily && config->schedule.prune.every_s == 7200);
}

static void every_alert_and_customer_of_the_file_arrives(void **state)
{
    (void)state;
    g_autoptr(Config) config = load_well(everything);
    assert_int_equal(config->alerts->len, 2);
    const struct config_alert *alert = config->alerts->pdata[0];
    assert_string_equal(alert->name, "new admin");
    assert_string_equal(alert->search, "\"Global Administrator\" add");
    assert_string_equal(alert->mail_to[0], "soc@example.org");
    assert_int_equal(alert->every_s, 7200);
    assert_int_equal(((const struct config_alert *)config->alerts->pdata[1])->every_s, 3600);

    assert_int_equal(config->customers->len, 2);
    const struct config_customer *first = customer_of(config, 0), *second = customer_of(config, 1);
    assert_string_equal(first->name, "contoso");
    assert_string_equal(first->tenant_id, TENANT);
    assert_string_equal(first->client_id, CLIENT);
    assert_string_equal(first->client_secret, SECRET);
    assert_null(first->client_certificate);
    assert_string_equal(first->cloud->name, "gcc-high");
    assert_string_equal(first->login_url, "https://login.microsoftonline.us");
    assert_string_equal(first->graph_url, "https://graph.microsoft.us");
    assert_string_equal(first->timezone, "Europe/Warsaw");
    assert_string_equal(first->sources[1], "sign-ins");
    assert_null(first->sources[2]);
    assert_string_equal(first->sign_in_types[1], "servicePrincipal");
    assert_string_equal(first->services[0], "Exchange");
    assert_string_equal(first->mail_to[1], "Second <two@contoso.example>");
    assert_null(first->mail_cc[0]);
    assert_string_equal(second->name, "fabrikam");
    assert_string_equal(second->tenant_id, TENANT2);
    assert_string_equal(second->cloud->name, "global");
    assert_string_equal(second->timezone, "UTC");
    assert_null(second->sources);
    assert_string_equal(second->sign_in_types[0], "interactiveUser");
    assert_null(second->sign_in_types[1]);
    assert_true(second->services == NULL && second->mail_to == NULL && second->mail_cc == NULL);
}

static void without_anything_there_are_defaults(void **state)
{
    (void)state;
    g_autoptr(Config) config = load_well(one_customer);
    assert_string_equal(config->database, "/var/lib/m365keep/m365keep.db");
    assert_true(config->directories.logs == NULL && config->directories.images == NULL);
    assert_true(config->retention.days == 0 && config->retention.max_size_bytes == 0);
    assert_int_equal(g_hash_table_size(config->retention.per_source), 0);
    assert_true(config_keep_from(config, "health", 86400) == INT64_MIN);
    assert_true(!config->mongo.configured && config->mongo.uri == NULL);
    assert_string_equal(config->mongo.database, "micro_soc");
    assert_int_equal(config->mongo.deletes, CONFIG_DELETES_KEEP);
    assert_true(config->smtp.server == NULL && config->smtp.user == NULL && config->smtp.password == NULL);
    assert_int_equal(config->smtp.port, 587);
    assert_int_equal(config->smtp.security, CONFIG_SMTP_STARTTLS);
    assert_int_equal(config->smtp.transport, CONFIG_TRANSPORT_SMTP);
    assert_string_equal(config->report.subject, "Service health of {customer}, {from} to {to}");
    assert_true(config->report.days_from == 1 && config->report.days_to == 1 && config->report.signature == NULL);
    assert_true(config->smtp.customer == NULL && config->report.templates == NULL);
    assert_null(config->status_map);
    assert_int_equal(config_status_priority(config->statuses, "serviceOperational", NULL), 10);
    assert_int_equal(config->schedule.collect.every_s, 900);
    assert_int_equal(config->schedule.health.every_s, 300);
    assert_int_equal(config->schedule.replicate.every_s, 60);
    assert_true(config->schedule.report.daily && config->schedule.report.minute == 420);
    assert_true(config->schedule.prune.daily && config->schedule.prune.minute == 180);
    assert_int_equal(config->alerts->len, 0);
    assert_string_equal(config->serve.listen, "127.0.0.1:8000");
    assert_true(!config->serve.auth_enabled && config->serve.auth_authority == NULL &&
                config->serve.auth_scope == NULL);
    assert_true(!config->serve.periodic_fetch && config->serve.fetch_interval_minutes == 15);
}

/* --- which file --------------------------------------------------------------------------------------------------- */

static void the_file_is_looked_for_in_order(void **state)
{
    struct config_options options = {.config_file = NULL};

    (void)state;
    write_file("m365keep.yaml", "database: here.db\n");
    write_file("variable.yaml", "database: variable.db\n");
    write_file("option.yaml", "database: option.db\n");
    write_file("env.yaml", "database: env.db\n");
    g_autoptr(Config) here = config_load(&options, NULL);
    assert_string_equal(here->database, "here.db");
    write_file(".env", "M365KEEP_CONFIG=env.yaml\n");
    g_autoptr(Config) env = config_load(&options, NULL);
    assert_string_equal(env->database, "env.db");
    g_setenv("M365KEEP_CONFIG", "variable.yaml", TRUE);
    g_autoptr(Config) variable = config_load(&options, NULL);
    assert_string_equal(variable->database, "variable.db");
    assert_string_equal(variable->file, "variable.yaml");
    options.config_file = "option.yaml";
    g_autoptr(Config) option = config_load(&options, NULL);
    assert_string_equal(option->database, "option.db");
}

static void a_file_that_was_named_must_be_there(void **state)
{
    struct config_options options = {.config_file = "nowhere.yaml"};
    g_autoptr(GError) error = NULL, empty = NULL;

    (void)state;
    assert_null(config_load(&options, &error));
    assert_string_equal(error->message, "cannot read the configuration file nowhere.yaml: No such file or directory");
    options.config_file = "";
    assert_null(config_load(&options, &empty));
    assert_non_null(strstr(empty->message, "--config is empty"));
    g_setenv("M365KEEP_CONFIG", "gone.yaml", TRUE);
    check_refusal(NULL, "gone.yaml: No such file", "");
}

static void a_file_that_cannot_be_read_is_not_passed_over(void **state)
{
    (void)state;
    assert_int_equal(mkdir("m365keep.yaml", 0700), 0);
    check_refusal(NULL, "cannot read the configuration file m365keep.yaml", "directory");
    g_setenv("M365KEEP_CONFIG", "/dev/zero", TRUE);
    check_refusal(NULL, "cannot read the configuration file /dev/zero", "larger than 1 MiB");
}

static void paths_in_the_file_are_relative_to_its_folder(void **state)
{
    const struct config_options options = {.config_file = "conf/keep.yaml"};

    (void)state;
    assert_int_equal(mkdir("conf", 0700), 0);
    assert_int_equal(mkdir("conf/s", 0700), 0);
    write_file("conf/s/map.yaml", "resolved: 1\n");
    write_file("conf/keep.yaml", "database: keep.db\nstatus_map: s/map.yaml\n"
                                 "report: {signature: s/signature.html, templates: s}\ndirectories: {logs: ../logs}\n");
    g_autoptr(Config) config = config_load(&options, NULL);
    assert_string_equal(config->database, "conf/keep.db");
    assert_string_equal(config->status_map, "conf/s/map.yaml");
    assert_int_equal(config_status_priority(config->statuses, "resolved", NULL), 1);
    assert_string_equal(config->report.signature, "conf/s/signature.html");
    assert_string_equal(config->report.templates, "conf/s");
    assert_string_equal(config->directories.logs, "conf/../logs");
    g_setenv("M365KEEP_DB", "variable.db", TRUE);
    g_setenv("MAIL_SIGNATURE", "variable.html", TRUE);
    g_autoptr(Config) by_variable = config_load(&options, NULL);
    assert_string_equal(by_variable->database, "variable.db");
    assert_string_equal(by_variable->report.signature, "variable.html");
}

static void a_file_without_settings_is_warned_of(void **state)
{
    (void)state;
    g_setenv("GRAPH_TENANT_ID", TENANT, TRUE);
    g_setenv("GRAPH_CLIENT_ID", CLIENT, TRUE);
    g_setenv("GRAPH_CLIENT_SECRET", SECRET, TRUE);
    g_autofree char *said = load_and_listen("# database: x\n"), *nothing = load_and_listen("smtp: {}\n");
    assert_non_null(strstr(said, "holds no setting"));
    assert_string_equal(nothing, "");
    g_setenv("M365KEEP_CONFIG", "/dev/null", TRUE); /* says so in so many words */
    g_autofree char *none = load_and_listen(NULL);
    assert_string_equal(none, "");
}

/* --- precedence --------------------------------------------------------------------------------------------------- */

/* Sets each variable in turn: in .env it wins over the file, in the environment over .env. */
static void the_environment_wins_over_env_which_wins_over_the_file(void **state)
{
    (void)state;
    write_file(
        ".env",
        "M365KEEP_DB=env.db\nMONGO_DB=env\nSMTP_SERVER=env.example\nSMTP_PORT=26\nSMTP_SECURITY=starttls\n"
        "SMTP_USER=env\nSMTP_PASSWORD=env\nMAIL_FROM=env@example.org\nMAIL_SUBJECT=env\nMAIL_SIGNATURE=env.html\n"
        "DB_DAYS_SCOPE=1\nDB_DAYS_PREV_FROM=3\nDB_DAYS_PREV_TO=2\n");
    g_autoptr(Config) env = load_well(everything);
    assert_string_equal(env->database, "env.db");
    assert_string_equal(env->mongo.database, "env");
    assert_string_equal(env->smtp.server, "env.example");
    assert_int_equal(env->smtp.port, 26);
    assert_int_equal(env->smtp.security, CONFIG_SMTP_STARTTLS);
    assert_string_equal(env->smtp.user, "env");
    assert_string_equal(env->smtp.from, "env@example.org");
    assert_string_equal(env->report.subject, "env");
    assert_string_equal(env->report.signature, "env.html");
    assert_int_equal(env->retention.days, 1);
    assert_true(env->report.days_from == 3 && env->report.days_to == 2);

    g_setenv("M365KEEP_DB", "real.db", TRUE);
    g_setenv("SMTP_PORT", "27", TRUE);
    g_setenv("MAIL_SUBJECT", "", TRUE); /* hides .env's */
    g_autoptr(Config) real = load_well(NULL);
    assert_string_equal(real->database, "real.db");
    assert_int_equal(real->smtp.port, 27);
    assert_string_equal(real->report.subject, "Health of {customer}");

    const struct config_options options = {.database = "option.db"};
    g_autoptr(Config) option = config_load(&options, NULL);
    assert_string_equal(option->database, "option.db");
}

static void what_is_served_comes_from_the_environment(void **state)
{
    (void)state;
    write_file(".env", "LISTEN=0.0.0.0:80\nAUTH_ENABLED=yes\nAUTH_TENANT_ID=" TENANT "\nAUTH_CLIENT_ID=" CLIENT "\n"
                       "AUTH_ALLOWED_ROLES=Reader, Admin\nAUTH_ALLOWED_GROUPS=" TENANT2 "\nENABLE_PERIODIC_FETCH=true\n"
                       "FETCH_INTERVAL_MINUTES=60\n");
    g_autoptr(Config) config = load_well(one_customer);
    assert_string_equal(config->serve.listen, "0.0.0.0:80");
    assert_true(config->serve.auth_enabled && config->serve.periodic_fetch);
    assert_string_equal(config->serve.auth_authority, "https://login.microsoftonline.com/" TENANT "/v2.0");
    assert_string_equal(config->serve.auth_scope, "api://" CLIENT "/.default");
    assert_string_equal(config->serve.auth_allowed_roles[1], "Admin");
    assert_string_equal(config->serve.auth_allowed_groups[0], TENANT2);
    assert_int_equal(config->serve.fetch_interval_minutes, 60);
    g_setenv("M365_CLOUD", "china", TRUE);
    g_autoptr(Config) china = load_well(NULL);
    assert_string_equal(china->serve.auth_authority, "https://login.partner.microsoftonline.cn/" TENANT "/v2.0");
    g_setenv("LOGIN_URL", "http://127.0.0.1:8099/", TRUE);
    g_autoptr(Config) simulated = load_well(NULL);
    assert_string_equal(simulated->serve.auth_authority, "http://127.0.0.1:8099/" TENANT "/v2.0");
    g_setenv("AUTH_AUTHORITY", "https://sts.example/realm", TRUE);
    g_setenv("AUTH_SCOPE", "openid", TRUE);
    g_autoptr(Config) other = load_well(NULL);
    assert_string_equal(other->serve.auth_authority, "https://sts.example/realm");
    assert_string_equal(other->serve.auth_scope, "openid");
}

/* --- wrong values ------------------------------------------------------------------------------------------------- */

static void a_wrong_value_of_the_file_is_told_with_path_line_and_what_was_expected(void **state)
{
    static const char *const rows[][3] = {
        /* yaml, parts of the message */
        {"\ndatabase: ''\n", "database (from m365keep.yaml, line 2) is empty", ""},
        {"retention: {days: TOPSECRET}\n",
         "retention.days (from m365keep.yaml, line 1) must be a whole number from 0 to 36500", ""},
        {"retention: {days: -1}\n", "retention.days", "from 0 to 36500"},
        {"retention:\n  max_size: 20G\n",
         "retention.max_size (from m365keep.yaml, line 2) must be a size: 20GiB, 500MiB", ""},
        {"retention: {max_size: 20}\n",
         "retention.max_size (from m365keep.yaml, line 1) must be 0, for no limit, or "
         "256MiB at least",
         ""},
        {"retention: {max_size: 255MiB}\n", "retention.max_size", "takes 128MiB at times"},
        {"retention: {per_source: {mails: -1}}\n", "retention.per_source.mails", "from 0 to 36500"},
        {"retention:\n  per_source:\n    users: x\n", "retention.per_source.users (from m365keep.yaml, line 3) must be",
         ""},
        {"retention: {per_source: {sign_ins: 1, sign-ins: 2}}\n", "retention.per_source.sign-ins",
         "twice, with _ and with -"},
        {"mongo: {uri_env: 'mongodb://TOPSECRET'}\n",
         "mongo.uri_env (from m365keep.yaml, line 1) must be the name of an environment", ""},
        {"mongo: {database: a.b}\n", "mongo.database", "must be the name of a database"},
        {"mongo: {deletes: miror}\n", "mongo.deletes", "must be one of keep, mirror; did you mean \"mirror\"?"},
        {"smtp: {server: 'mail.example:25'}\n", "smtp.server", "without a port"},
        {"smtp: {port: 65536}\n", "smtp.port", "from 1 to 65535"},
        {"smtp:\n  security: tls\n", "smtp.security (from m365keep.yaml, line 2) asks for TLS from the first byte on",
         "starttls on port 587, transport: graph, or a TLS tunnel"},
        {"smtp: {security: SSL}\n", "smtp.security", "587"},
        {"smtp: {security: startls}\n", "smtp.security", "did you mean \"starttls\"?"},
        {"smtp: {from: desk}\n", "smtp.from", "is no mail address"},
        {"smtp: {from: 'Désk <désk@example.org>'}\n", "smtp.from", "letters beyond ASCII before the @"},
        {"smtp: {transport: pigeon}\n", "smtp.transport", "must be one of smtp, graph"},
        {"smtp: {user: ' desk'}\n", "smtp.user", "without blanks around it"},
        {"report: {subject: '{custmer}'}\n", "report.subject", "{customer}, {from} and {to}"},
        {"report: {signature: '<p>TOPSECRET'}\n", "report.signature", "path of a file"},
        {"report: {templates: ''}\n", "report.templates", "is empty"},
        {"\nstatus_map: none.yaml\n",
         "status_map (from m365keep.yaml, line 2): cannot read the status map none.yaml: No such file", ""},
        {"status_map: m365keep.yaml\n",
         "status_map (from m365keep.yaml, line 1): m365keep.yaml, line 1: the priority of", "from 0 (the worst) to 10"},
        {"report: {days_from: 1, days_to: 2}\n", "report.days_from", "cannot be the smaller number"},
        {"report: {days_to: 2}\n", "report.days_to", "cannot be the smaller number"},
        {"schedule: {collect: 15}\n", "schedule.collect", "must be an interval (30s, 15m, 1h, 1d"},
        {"schedule: {report: 'daily 25:00'}\n", "schedule.report", "\"daily HH:MM\""},
        {"alerts:\n  - search: x\n", "alerts[0].name (from m365keep.yaml, line 2) is missing", ""},
        {"alerts:\n  - name: a\n", "alerts[0].search (from m365keep.yaml, line 2) is missing", ""},
        {"alerts:\n  - {name: a, search: x}\n", "alerts[0] (from m365keep.yaml, line 2) has no mail_to", ""},
        {"alerts:\n  - {name: a, search: x, mail_to: []}\n", "alerts[0].mail_to", "names no address"},
        {"alerts:\n  - {name: a, search: x, mail_to: [b]}\n",
         "alerts[0].mail_to[0] (from m365keep.yaml, line 2) is no mail address", ""},
        {"alerts:\n  - {name: a, search: x, mail_to: [b@c], every: 5}\n", "alerts[0].every", "must be an interval"},
        {"alerts:\n  - {name: a, search: x, mail_to: [b@c]}\n  - {name: a, search: y, mail_to: [b@c]}\n",
         "alerts[1] (from m365keep.yaml, line 3) has a name", "its own"},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        check_refusal(rows[i][0], rows[i][1], rows[i][2]);
}

static void a_wrong_customer_is_told_with_path_line_and_what_was_expected(void **state)
{
    static const char *const rows[][3] = {
        {"customers: []\n", "customers (from m365keep.yaml, line 1) names nobody", ""},
        {"customers:\n  - variable: A\n", "customers[0].name (from m365keep.yaml, line 2) is missing", ""},
        {"customers:\n  - name: a\n", "customers[0].variable (from m365keep.yaml, line 2) is missing", ""},
        {"customers:\n  - {name: all, variable: A}\n", "customers[0].name", "stands for every customer"},
        {"customers:\n  - {name: '', variable: A}\n", "customers[0].name", "is empty"},
        {"customers:\n  - {name: a, variable: '" TENANT ";" CLIENT ";" SECRET "'}\n", "customers[0].variable",
         "name of an environment variable"},
        {"customers:\n  - {name: a, variable: 1A}\n", "customers[0].variable", "no digit first"},
        {"customers:\n  - {name: a, variable: A, cloud: gcchigh}\n", "customers[0].cloud",
         "did you mean \"gcc-high\"?"},
        {"customers:\n  - name: a\n    variable: A\n    timezone: Europe/Warszawa\n",
         "customers[0].timezone (from m365keep.yaml, line 4) is no time zone", ""},
        {"customers:\n  - name: a\n    variable: A\n    sources:\n      - users\n      - signins\n",
         "customers[0].sources[1] (from m365keep.yaml, line 6) must be one of users, sign-ins",
         "did you mean \"sign-ins\"?"},
        {"customers:\n  - {name: a, variable: A, sources: []}\n", "customers[0].sources", "names no source"},
        {"customers:\n  - {name: a, variable: A, sources: [users, users]}\n", "customers[0].sources[1]", "twice"},
        {"customers:\n  - {name: a, variable: A, sources: [~]}\n", "customers[0].sources[0]", "is empty"},
        {"customers:\n  - {name: a, variable: A, sign_in_types: [interactiveuser]}\n", "customers[0].sign_in_types[0]",
         "did you mean \"interactiveUser\"?"},
        {"customers:\n  - {name: a, variable: A, sign_in_types: []}\n", "customers[0].sign_in_types", "names no type"},
        {"customers:\n  - {name: a, variable: A, services: []}\n", "customers[0].services", "names no service"},
        {"customers:\n  - {name: a, variable: A, services: ['']}\n", "customers[0].services[0]", "is empty"},
        {"customers:\n  - {name: a, variable: A, mail_to: ['a@b, c@d']}\n", "customers[0].mail_to[0]",
         "entries of a list"},
        {"customers:\n  - {name: a, variable: A, mail_cc: [x]}\n", "customers[0].mail_cc[0]", "no mail address"},
        {"customers:\n  - {name: Żółw, variable: A}\n  - {name: żółw, variable: B}\n",
         "customers[1].name (from m365keep.yaml, line 3) is also the name of customers[0] (m365keep.yaml, line 2)", ""},
        {"smtp: {customer: Contso}\ncustomers:\n  - {name: contoso, variable: A}\n  - {name: fabrikam, variable: B}\n",
         "smtp.customer (from m365keep.yaml, line 1) names no customer: it must be one of contoso, fabrikam; did you "
         "mean "
         "\"contoso\"?",
         ""},
        {"smtp: {customer: ''}\n"
         "customers:\n  - {name: contoso, variable: A}\n",
         "smtp.customer", "must be one of contoso"},
        {"customers:\n  - {name: a, variable: A}\n  - {name: b, variable: A}\n",
         "customers[1].variable (from m365keep.yaml, line 3) holds the same tenant as that of customers[0]", "line 2"},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        check_refusal(rows[i][0], rows[i][1], rows[i][2]);
}

static void a_sender_that_nobody_asks_for_is_warned_of(void **state)
{
    static const char idle[] = "smtp: {customer: contoso}\ncustomers:\n  - {name: contoso, variable: A}\n";
    static const char used[] =
        "smtp: {customer: contoso, transport: graph}\ncustomers:\n  - {name: contoso, variable: A}\n";

    (void)state;
    g_autofree char *told = load_and_listen(idle), *nothing = load_and_listen(used);
    assert_non_null(strstr(told, "level=warn"));
    assert_non_null(strstr(told, "key=smtp.customer"));
    assert_string_equal(nothing, "");
}

/* Who they are the environment need not say where only the database is read. */
static void a_sender_is_compared_with_the_customers_that_are_known(void **state)
{
    const struct config_options reading = {.need_customers = false};
    g_autoptr(GError) error = NULL;

    (void)state;
    write_file("m365keep.yaml", "smtp: {customer: contoso}\n");
    g_autoptr(Config) unknown = config_load(&reading, NULL);
    assert_true(unknown != NULL && unknown->smtp.customer == NULL);
    g_setenv("GRAPH_TENANT_ID", TENANT, TRUE);
    assert_null(config_load(&reading, &error));
    assert_non_null(strstr(error->message, "must be one of default"));
    g_setenv("M365KEEP_CUSTOMER", "Contoso", TRUE);
    g_autoptr(Config) known = config_load(&reading, NULL);
    assert_string_equal(known->smtp.customer, "Contoso");
}

static void a_wrong_variable_is_told_with_its_name(void **state)
{
    static const char *const rows[][3] = {
        {"DB_DAYS_SCOPE", "x", "must be a whole number from 0 to 36500"},
        {"DB_DAYS_PREV_FROM", "0", "cannot be the smaller number"},
        {"SMTP_SERVER", "mail example", "must be the name or address of a host"},
        {"SMTP_PORT", "0", "from 1 to 65535"},
        {"SMTP_SECURITY", "tls", "port 587"},
        {"SMTP_PASSWORD", "TOPSECRET\n", "blanks around it"},
        {"MAIL_FROM", "a@b, c@d", "no mail address"},
        {"MAIL_TO", "a@b; c", "no mail address"},
        {"MAIL_CC", "c", "no mail address"},
        {"MAIL_SUBJECT", "a\nb", "one line"},
        {"MAIL_SIGNATURE", "<b>x</b>", "path of a file"},
        {"MONGO_URI", "http://u:TOPSECRET@db", "must begin with mongodb://"},
        {"MONGO_DB", "a b", "name of a database"},
        {"LISTEN", "8000", "such as 127.0.0.1:8000"},
        {"AUTH_ENABLED", "maybe", "must be true or false"},
        {"AUTH_ENABLED", "true", "AUTH_TENANT_ID is not"},
        {"AUTH_TENANT_ID", "common", "names no tenant"},
        {"AUTH_CLIENT_ID", "x", "is not a GUID"},
        {"AUTH_AUTHORITY", "sts", "is no URL"},
        {"ENABLE_PERIODIC_FETCH", "2", "must be true or false"},
        {"FETCH_INTERVAL_MINUTES", "0", "from 1 to 10080"},
    };

    (void)state;
    write_file("m365keep.yaml", one_customer);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_setenv(rows[i][0], rows[i][1], TRUE);
        check_refusal(NULL, rows[i][0], rows[i][2]);
        g_unsetenv(rows[i][0]);
    }
    write_file(".env", "\nSMTP_PORT=x\n");
    check_refusal(NULL, "SMTP_PORT (from .env, line 2)", "");
}

/* --- credentials of customers ------------------------------------------------------------------------------------- */

static void a_secret_may_hold_semicolons_and_blanks_stand_around_the_ids(void **state)
{
    (void)state;
    g_setenv("A", "  0A1B2C3D-4E5F-6789-ABCD-EF0123456789 ; " CLIENT " ;a;b;;c d;", TRUE);
    g_autoptr(Config) config = load_well(one_customer);
    assert_string_equal(customer_of(config, 0)->tenant_id, TENANT);
    assert_string_equal(customer_of(config, 0)->client_id, CLIENT);
    assert_string_equal(customer_of(config, 0)->client_secret, "a;b;;c d;");
}

static void a_variable_of_the_wrong_shape_is_refused_without_being_shown(void **state)
{
    static const char *const rows[][2] = {
        {"TOPSECRET", "A (from the environment) holds no semicolon"},
        {TENANT ";" CLIENT, "A (from the environment) holds no secret after the second semicolon"},
        {TENANT ";" CLIENT ";", "holds no secret"},
        {"TOPSECRET;" CLIENT ";x", "the tenant_id in A (from the environment) is not a GUID"},
        {";;TOPSECRET", "the tenant_id in A"},
        {TENANT ";TOPSECRET;x", "the client_id in A (from the environment) is not a GUID"},
        {TENANT ";" CLIENT "; TOPSECRET", "the secret in A (from the environment) has blanks around it"},
        {TENANT ";" CLIENT ";'TOPSECRET'", "the secret in A (from the environment) still has its quotes"},
        {"", "customers[0].variable (from m365keep.yaml, line 3) names A, which is set, but empty"},
    };

    (void)state;
    write_file("m365keep.yaml", one_customer);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_setenv("A", rows[i][0], TRUE);
        check_refusal(NULL, rows[i][1], "");
    }
    g_unsetenv("A");
    check_refusal(NULL, "customers[0].variable (from m365keep.yaml, line 3) names A, which is not set",
                  "tenant_id;client_id;secret");
}

static void a_customers_variable_may_stand_in_env_in_a_file_or_with_systemd(void **state)
{
    (void)state;
    g_unsetenv("A");
    write_file(".env", "A='" TENANT ";" CLIENT ";" SECRET "'\n");
    config_free(load_well(one_customer));
    write_file(".env", "A_FILE=secret\n");
    write_file("secret", TENANT ";" CLIENT ";" SECRET "\n");
    g_autoptr(Config) by_file = load_well(NULL);
    assert_string_equal(customer_of(by_file, 0)->client_secret, SECRET);
    write_file(".env", "");
    g_setenv("CREDENTIALS_DIRECTORY", directory, TRUE);
    write_file("A", TENANT ";" CLIENT ";" SECRET "\n");
    g_autoptr(Config) by_systemd = load_well(NULL);
    assert_string_equal(customer_of(by_systemd, 0)->client_secret, SECRET);
    g_setenv("A_FILE", "secret", TRUE);
    check_refusal(NULL, "A is given in more than one way", "A_FILE");
}

static void a_secret_that_looks_like_its_id_is_warned_of(void **state)
{
    (void)state;
    g_setenv("A", TENANT ";" CLIENT ";" CLIENT, TRUE);
    g_autofree char *said = load_and_listen(one_customer);
    assert_non_null(strstr(said, "the secret in A"));
    assert_non_null(strstr(said, "the secret's ID"));
    assert_null(strstr(said, CLIENT));
}

static void the_customer_of_the_environment_is_not_one_more(void **state)
{
    (void)state;
    g_setenv("GRAPH_TENANT_ID", TENANT2, TRUE);
    g_setenv("GRAPH_CLIENT_SECRET", SECRET, TRUE);
    g_autofree char *said = load_and_listen(one_customer);
    assert_non_null(strstr(said, "are not used: GRAPH_TENANT_ID, GRAPH_CLIENT_SECRET."));
    assert_null(strstr(said, "TOPSECRET"));
    g_autoptr(Config) config = load_well(NULL);
    assert_int_equal(config->customers->len, 1);
}

static void without_customers_in_the_file_the_one_of_the_environment_is_collected(void **state)
{
    (void)state;
    g_setenv("GRAPH_TENANT_ID", TENANT, TRUE);
    g_setenv("GRAPH_CLIENT_ID", CLIENT, TRUE);
    g_setenv("GRAPH_CLIENT_SECRET", SECRET, TRUE);
    g_setenv("MAIL_TO", "desk@example.org; \"Desk, Second\" <two@example.org>", TRUE);
    g_setenv("MAIL_CC", "cc@example.org", TRUE);
    g_autoptr(Config) config = load_well("database: keep.db\ncustomers:\n");
    assert_int_equal(config->customers->len, 1);
    const struct config_customer *customer = customer_of(config, 0);
    assert_string_equal(customer->name, "default");
    assert_string_equal(customer->sign_in_types[0], "interactiveUser");
    assert_string_equal(customer->mail_to[1], "\"Desk, Second\" <two@example.org>");
    assert_string_equal(customer->mail_cc[0], "cc@example.org");
    assert_null(customer->sources);
    assert_string_equal(config->database, "keep.db");
}

static void the_environment_fills_what_customers_leave_open(void **state)
{
    (void)state;
    g_setenv("MAIL_TO", "desk@example.org", TRUE);
    g_setenv("M365_CLOUD", "gcc", TRUE);
    g_setenv("TZ", "Europe/Warsaw", TRUE);
    g_autoptr(Config) config =
        load_well("customers:\n"
                  "  - {name: open, variable: A}\n"
                  "  - {name: own, variable: B, mail_to: [own@example.org], cloud: china, timezone: UTC}\n");
    const struct config_customer *open = customer_of(config, 0), *own = customer_of(config, 1);
    assert_string_equal(open->mail_to[0], "desk@example.org");
    assert_string_equal(open->cloud->name, "gcc");
    assert_string_equal(open->timezone, "Europe/Warsaw");
    assert_string_equal(own->mail_to[0], "own@example.org");
    assert_string_equal(own->cloud->name, "china");
    assert_string_equal(own->timezone, "UTC");
}

static void urls_of_the_environment_override_every_customers_hosts(void **state)
{
    (void)state;
    g_setenv("LOGIN_URL", "http://127.0.0.1:8099/", TRUE);
    g_setenv("GRAPH_URL", "http://127.0.0.1:8099", TRUE);
    g_autoptr(Config) config =
        load_well("customers:\n  - {name: a, variable: A, cloud: dod}\n  - {name: b, variable: B}\n");
    for (guint i = 0; i < 2; i++) {
        assert_string_equal(customer_of(config, i)->login_url, "http://127.0.0.1:8099");
        assert_string_equal(customer_of(config, i)->graph_url, "http://127.0.0.1:8099");
    }
    assert_string_equal(customer_of(config, 0)->manage_url, "https://manage.protection.apps.mil");
}

static void commands_that_only_read_check_the_file_but_need_no_credentials(void **state)
{
    const struct config_options options = {.need_customers = false};
    g_autoptr(GError) error = NULL;

    (void)state;
    g_unsetenv("A");
    g_setenv("SMTP_PASSWORD_FILE", "nowhere", TRUE);
    g_setenv("MONGO_URI_FILE", "nowhere", TRUE);
    write_file("m365keep.yaml", one_customer);
    g_autoptr(Config) config = config_load(&options, &error);
    if (error != NULL)
        fail_msg("%s", error->message);
    assert_int_equal(config->customers->len, 1);
    assert_null(customer_of(config, 0)->tenant_id);
    assert_null(customer_of(config, 0)->client_secret);
    assert_true(config->mongo.configured && config->mongo.uri == NULL);
    write_file("m365keep.yaml", "customers:\n  - {name: a, variable: A, cloud: mars}\n");
    assert_null(config_load(&options, &error));
    assert_non_null(strstr(error->message, "customers[0].cloud"));
}

static void commands_that_only_read_know_the_tenants_whose_variables_are_set(void **state)
{
    static const char *const rows[][2] = {
        {TENANT ";" CLIENT ";TOPSECRET", TENANT},
        {" " TENANT " ;x", TENANT},
        {TENANT, NULL},
        {"example.org;x;y", NULL},
        {";;", NULL},
    };
    const struct config_options options = {.need_customers = false};

    (void)state;
    write_file("m365keep.yaml", one_customer);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_setenv("A", rows[i][0], TRUE);
        g_autoptr(Config) config = config_load(&options, NULL);
        assert_non_null(config);
        assert_int_equal(g_strcmp0(customer_of(config, 0)->tenant_id, rows[i][1]), 0);
        assert_true(customer_of(config, 0)->client_id == NULL && customer_of(config, 0)->client_secret == NULL);
    }
    g_unsetenv("A");
    g_setenv("A_FILE", "nowhere", TRUE);
    g_autoptr(Config) nowhere = config_load(&options, NULL);
    assert_true(nowhere != NULL && customer_of(nowhere, 0)->tenant_id == NULL);
    write_file("tenant", TENANT ";" CLIENT ";TOPSECRET\n");
    g_setenv("A_FILE", "tenant", TRUE);
    g_autoptr(Config) config = config_load(&options, NULL);
    assert_string_equal(customer_of(config, 0)->tenant_id, TENANT);
}

/* --- certificates ------------------------------------------------------------------------------------------------- */

static void set_app(void)
{
    g_setenv("GRAPH_TENANT_ID", TENANT, TRUE);
    g_setenv("GRAPH_CLIENT_ID", CLIENT, TRUE);
}

static void check_certificate(void)
{
    g_autoptr(Config) config = load_well(NULL);
    const struct config_customer *customer = customer_of(config, 0);

    assert_null(customer->client_secret);
    assert_non_null(strstr(customer->client_certificate, "-----BEGIN CERTIFICATE-----\n"));
    assert_non_null(strstr(customer->client_certificate, "\n-----END PRIVATE KEY-----"));
}

static void a_certificate_may_be_pem_a_path_a_file_or_a_credential(void **state)
{
    (void)state;
    set_app();
    write_file("app.pem", "Bag Attributes\n  friendlyName: app\n" PEM);
    g_setenv("GRAPH_CLIENT_CERTIFICATE", PEM, TRUE);
    check_certificate();
    g_setenv("GRAPH_CLIENT_CERTIFICATE", "app.pem", TRUE);
    check_certificate();
    g_unsetenv("GRAPH_CLIENT_CERTIFICATE");
    g_setenv("GRAPH_CLIENT_CERTIFICATE_FILE", "app.pem", TRUE);
    check_certificate();
    g_unsetenv("GRAPH_CLIENT_CERTIFICATE_FILE");
    g_setenv("CREDENTIALS_DIRECTORY", directory, TRUE);
    write_file("GRAPH_CLIENT_CERTIFICATE", PEM);
    check_certificate();
    g_unsetenv("CREDENTIALS_DIRECTORY");
    write_file(".env", "GRAPH_CLIENT_CERTIFICATE=\"" PEM "\"\n");
    check_certificate();
    g_auto(GStrv) lines = g_strsplit(PEM, "\n", -1);
    g_autofree char *one_line = g_strjoinv("\\n", lines);
    g_setenv("GRAPH_CLIENT_CERTIFICATE", one_line, TRUE);
    check_certificate();
}

static void a_certificate_that_will_not_do_is_refused(void **state)
{
    static const char *const rows[][2] = {
        {"-----BEGIN PRIVATE KEY-----\nTOPSECRET\n-----END PRIVATE KEY-----\n",
         "but no certificate (-----BEGIN CERTIFICATE"},
        {"-----BEGIN CERTIFICATE-----\nTOPSECRET\n-----END CERTIFICATE-----\n",
         "but no private key (-----BEGIN PRIVATE"},
        {"-----BEGIN CERTIFICATE-----\nx\n-----BEGIN ENCRYPTED PRIVATE KEY-----\nTOPSECRET\n", "is encrypted"},
        {"-----BEGIN CERTIFICATE-----\nx\n-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nTOPSECRET\n",
         "is encrypted"},
        {"-----BEGIN PUBLIC KEY-----\nx\n", "is no PEM text with a certificate and its private key"},
        {"TOPSECRET", "taken as a path, that file cannot be read: No such file"},
    };

    (void)state;
    set_app();
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_setenv("GRAPH_CLIENT_CERTIFICATE", rows[i][0], TRUE);
        check_refusal(NULL, "GRAPH_CLIENT_CERTIFICATE (from the environment)", rows[i][1]);
    }
    g_unsetenv("GRAPH_CLIENT_CERTIFICATE");
    g_setenv("GRAPH_CLIENT_CERTIFICATE_FILE", "app.pfx", TRUE);
    assert_true(g_file_set_contents("app.pfx", "0\x82\0TOPSECRET", 12, NULL));
    check_refusal(NULL, "GRAPH_CLIENT_CERTIFICATE_FILE names the file app.pfx", "openssl pkcs12");
    write_file("app.pfx", "TOPSECRET");
    check_refusal(NULL, "GRAPH_CLIENT_CERTIFICATE (from the file app.pfx) is no PEM text", "openssl pkcs12");
}

static void a_secret_and_a_certificate_at_once_are_refused(void **state)
{
    (void)state;
    set_app();
    g_setenv("GRAPH_CLIENT_CERTIFICATE", PEM, TRUE);
    g_setenv("CLIENT_SECRET", SECRET, TRUE);
    check_refusal(NULL, "both CLIENT_SECRET (from the environment) and GRAPH_CLIENT_CERTIFICATE (from the environment)",
                  "take the other out");
}

static void what_is_missing_beside_a_certificate_is_told(void **state)
{
    (void)state;
    g_setenv("GRAPH_CLIENT_CERTIFICATE", PEM, TRUE);
    check_refusal(NULL, "GRAPH_TENANT_ID, GRAPH_CLIENT_ID are missing", "");
    g_unsetenv("GRAPH_CLIENT_CERTIFICATE");
    set_app();
    check_refusal(NULL, "GRAPH_CLIENT_SECRET is missing", "GRAPH_CLIENT_CERTIFICATE can stand in");
}

static const char certified[] = "customers:\n  - name: contoso\n    variable: A\n    certificate: app.pem\n";

static void a_customer_may_have_a_certificate(void **state)
{
    const struct config_options options = {.config_file = "conf/keep.yaml", .need_customers = true};

    (void)state;
    g_setenv("A", TENANT " ; " CLIENT, TRUE);
    write_file("app.pem", PEM);
    write_file("m365keep.yaml", certified);
    check_certificate();
    g_setenv("A", TENANT ";" CLIENT ";", TRUE);
    check_certificate();
    /* A path in the file is relative to its folder. */
    assert_int_equal(mkdir("conf", 0700), 0);
    assert_int_equal(rename("app.pem", "conf/app.pem"), 0);
    write_file("conf/keep.yaml", certified);
    g_autoptr(Config) config = config_load(&options, NULL);
    assert_non_null(config);
}

static void a_customers_certificate_that_will_not_do_is_refused(void **state)
{
    (void)state;
    write_file("app.pem", PEM);
    check_refusal(certified, "A (from the environment) holds a secret, and the customer has a certificate too", "");
    g_setenv("A", TENANT ";" CLIENT, TRUE);
    assert_int_equal(unlink("app.pem"), 0);
    check_refusal(certified,
                  "customers[0].certificate (from m365keep.yaml, line 4) names the file app.pem, which cannot be read",
                  "No such file");
    write_file("app.pem", "");
    check_refusal(certified, "customers[0].certificate", "is empty");
    write_file("app.pem", "-----BEGIN CERTIFICATE-----\nTOPSECRET\n");
    check_refusal(certified,
                  "customers[0].certificate (from m365keep.yaml, line 4, the file app.pem) holds a certificate, but no "
                  "private key",
                  "");
    g_unsetenv("A");
    check_refusal(certified, "names A, which is not set", "it holds tenant_id;client_id, in");
}

static void port_465_is_warned_of(void **state)
{
    (void)state;
    g_setenv("SMTP_PORT", "465", TRUE);
    g_autofree char *said = load_and_listen(one_customer);
    assert_non_null(strstr(said, "Port 465"));
    assert_non_null(strstr(said, "587"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_setting_of_the_file_arrives),
        TEST(every_alert_and_customer_of_the_file_arrives),
        TEST(without_anything_there_are_defaults),
        TEST(the_file_is_looked_for_in_order),
        TEST(a_file_that_was_named_must_be_there),
        TEST(a_file_that_cannot_be_read_is_not_passed_over),
        TEST(paths_in_the_file_are_relative_to_its_folder),
        TEST(a_file_without_settings_is_warned_of),
        TEST(the_environment_wins_over_env_which_wins_over_the_file),
        TEST(what_is_served_comes_from_the_environment),
        TEST(a_wrong_value_of_the_file_is_told_with_path_line_and_what_was_expected),
        TEST(a_wrong_customer_is_told_with_path_line_and_what_was_expected),
        TEST(a_sender_that_nobody_asks_for_is_warned_of),
        TEST(a_sender_is_compared_with_the_customers_that_are_known),
        TEST(a_wrong_variable_is_told_with_its_name),
        TEST(a_secret_may_hold_semicolons_and_blanks_stand_around_the_ids),
        TEST(a_variable_of_the_wrong_shape_is_refused_without_being_shown),
        TEST(a_customers_variable_may_stand_in_env_in_a_file_or_with_systemd),
        TEST(a_secret_that_looks_like_its_id_is_warned_of),
        TEST(the_customer_of_the_environment_is_not_one_more),
        TEST(without_customers_in_the_file_the_one_of_the_environment_is_collected),
        TEST(the_environment_fills_what_customers_leave_open),
        TEST(urls_of_the_environment_override_every_customers_hosts),
        TEST(commands_that_only_read_check_the_file_but_need_no_credentials),
        TEST(commands_that_only_read_know_the_tenants_whose_variables_are_set),
        TEST(a_certificate_may_be_pem_a_path_a_file_or_a_credential),
        TEST(a_certificate_that_will_not_do_is_refused),
        TEST(a_secret_and_a_certificate_at_once_are_refused),
        TEST(what_is_missing_beside_a_certificate_is_told),
        TEST(a_customer_may_have_a_certificate),
        TEST(a_customers_certificate_that_will_not_do_is_refused),
        TEST(port_465_is_warned_of),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
