/* The environment, .env and secret files, as one configuration. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"
#include "config/config.h"

#define TENANT "0a1b2c3d-4e5f-6789-abcd-ef0123456789"
#define CLIENT "11111111-2222-3333-4444-555555555555"
#define SECRET "TOPSECRET~value.1"

/* A fresh working directory for each test, and an environment without anything. */
static char *directory;

static int set_up(void **state)
{
    g_auto(GStrv) names = g_listenv();

    (void)state;
    directory = g_dir_make_tmp("m365keep-config-XXXXXX", NULL);
    for (char **name = names; *name != NULL; name++)
        g_unsetenv(*name);
    return directory != NULL ? chdir(directory) : -1;
}

static int tear_down(void **state)
{
    GDir *dir = g_dir_open(directory, 0, NULL);
    const char *name;

    (void)state;
    while ((name = g_dir_read_name(dir)) != NULL)
        if (unlink(name) != 0 && rmdir(name) != 0)
            return -1;
    g_dir_close(dir);
    int result = chdir("/") != 0 || rmdir(directory) != 0;
    g_free(directory);
    return result;
}

static void write_file(const char *path, const char *text)
{
    assert_true(g_file_set_contents(path, text, -1, NULL));
}

static void set_credentials(void)
{
    g_setenv("GRAPH_TENANT_ID", TENANT, TRUE);
    g_setenv("GRAPH_CLIENT_ID", CLIENT, TRUE);
    g_setenv("GRAPH_CLIENT_SECRET", SECRET, TRUE);
}

static struct config *load(GError **error)
{
    const struct config_options options = {.need_customers = true};
    return config_load(&options, error);
}

static struct config *load_well(void)
{
    g_autoptr(GError) error = NULL;
    struct config *config = load(&error);
    if (config == NULL)
        fail_msg("%s", error->message);
    return config;
}

static const struct config_customer *customer_of(const struct config *config)
{
    assert_int_equal(config->customers->len, 1);
    return config->customers->pdata[0];
}

/* Loading fails with a message that holds each of the parts, and no secret. */
static void check_refusal(enum config_error_code code, const char *part, const char *other_part)
{
    g_autoptr(GError) error = NULL;
    struct config *config = load(&error);
    if (config != NULL)
        fail_msg("accepted, instead of: %s", part);
    if (!g_error_matches(error, CONFIG_ERROR, (gint)code) || strstr(error->message, part) == NULL ||
        strstr(error->message, other_part) == NULL)
        fail_msg("code %d: %s", error->code, error->message);
    assert_null(strstr(error->message, "TOPSECRET"));
}

static void the_environment_is_enough(void **state)
{
    (void)state;
    set_credentials();
    g_setenv("TZ", "UTC", TRUE);
    g_autoptr(Config) config = load_well();
    const struct config_customer *customer = customer_of(config);
    assert_string_equal(customer->name, "default");
    assert_string_equal(customer->tenant_id, TENANT);
    assert_string_equal(customer->client_id, CLIENT);
    assert_string_equal(customer->client_secret, SECRET);
    assert_string_equal(customer->cloud->name, "global");
    assert_string_equal(customer->login_url, "https://login.microsoftonline.com");
    assert_string_equal(customer->graph_url, "https://graph.microsoft.com");
    assert_string_equal(customer->manage_url, "https://manage.office.com");
    assert_string_equal(customer->timezone, "UTC");
    assert_string_equal(config->database, "/var/lib/m365keep/m365keep.db");
    assert_true(config->pace);
    assert_null(config->clock_spec);
}

static void a_file_in_the_working_directory_is_enough(void **state)
{
    (void)state;
    write_file(".env", "GRAPH_TENANT_ID=0A1B2C3D-4E5F-6789-ABCD-EF0123456789 # a comment\r\n"
                       "export GRAPH_CLIENT_ID=" CLIENT "\r\n"
                       "GRAPH_CLIENT_SECRET='TOPSECRET$x'\n"
                       "M365KEEP_CUSTOMER=\"Contoso Ltd\"\nM365KEEP_DB=here.db\nREQUEST_BUDGETS=none\n"
                       "M365KEEP_CLOCK=1700000000@0@1700000000\nTZ=:Etc/UTC\n");
    g_autoptr(Config) config = load_well();
    const struct config_customer *customer = customer_of(config);
    assert_string_equal(customer->tenant_id, TENANT);
    assert_string_equal(customer->client_secret, "TOPSECRET$x");
    assert_string_equal(customer->name, "Contoso Ltd");
    assert_string_equal(customer->timezone, "Etc/UTC");
    assert_string_equal(config->database, "here.db");
    assert_string_equal(config->clock_spec, "1700000000@0@1700000000");
    assert_false(config->pace);
}

static void the_real_environment_wins_over_the_file(void **state)
{
    (void)state;
    set_credentials();
    write_file(".env", "GRAPH_CLIENT_SECRET=TOPSECRET-of-the-file\nM365KEEP_CUSTOMER=file\nM365KEEP_DB=file.db\n");
    g_setenv("M365KEEP_DB", "real.db", TRUE);
    g_autoptr(Config) config = load_well();
    assert_string_equal(customer_of(config)->client_secret, SECRET);
    assert_string_equal(customer_of(config)->name, "file");
    assert_string_equal(config->database, "real.db");
}

static void an_empty_variable_of_the_environment_hides_the_file(void **state)
{
    (void)state;
    set_credentials();
    write_file(".env", "LOGIN_URL=https://login.example\nGRAPH_URL=https://graph.example\n");
    g_setenv("LOGIN_URL", "", TRUE);
    g_autoptr(Config) config = load_well();
    assert_string_equal(customer_of(config)->login_url, "https://login.microsoftonline.com");
    assert_string_equal(customer_of(config)->graph_url, "https://graph.example");
}

static void an_option_wins_over_the_environment(void **state)
{
    const struct config_options options = {.database = "option.db"};

    (void)state;
    g_setenv("M365KEEP_DB", "real.db", TRUE);
    g_autoptr(Config) config = config_load(&options, NULL);
    assert_string_equal(config->database, "option.db");
}

static void another_file_replaces_the_one_in_the_working_directory(void **state)
{
    const struct config_options options = {.env_file = "other.env", .need_customers = true};

    (void)state;
    set_credentials();
    write_file(".env", "M365KEEP_CUSTOMER=wrong\nM365KEEP_DB=wrong.db\n");
    write_file("other.env", "M365KEEP_CUSTOMER=right\n");
    g_autoptr(Config) config = config_load(&options, NULL);
    assert_string_equal(customer_of(config)->name, "right");
    assert_string_equal(config->database, "/var/lib/m365keep/m365keep.db");
}

static void a_file_that_was_asked_for_must_be_there(void **state)
{
    const struct config_options options = {.env_file = "none.env"};
    g_autoptr(GError) error = NULL;

    (void)state;
    assert_null(config_load(&options, &error));
    assert_non_null(strstr(error->message, "none.env: No such file"));
}

static void a_folder_named_env_is_an_error(void **state)
{
    (void)state;
    set_credentials();
    assert_int_equal(mkdir(".env", 0700), 0);
    check_refusal(CONFIG_ERROR_INVALID, ".env", "directory");
}

static void an_endless_file_is_an_error(void **state)
{
    const struct config_options options = {.env_file = "/dev/zero"};
    g_autoptr(GError) error = NULL;

    (void)state;
    assert_null(config_load(&options, &error));
    assert_non_null(strstr(error->message, "larger than 1 MiB"));
}

static void plain_names_are_aliases(void **state)
{
    (void)state;
    g_setenv("TENANT_ID", TENANT, TRUE);
    g_setenv("CLIENT_ID", CLIENT, TRUE);
    write_file(".env", "CLIENT_SECRET=" SECRET "\n");
    g_autoptr(Config) config = load_well();
    assert_string_equal(customer_of(config)->tenant_id, TENANT);
    assert_string_equal(customer_of(config)->client_secret, SECRET);
}

static void our_names_win_over_the_aliases(void **state)
{
    (void)state;
    set_credentials();
    g_setenv("TENANT_ID", "99999999-4e5f-6789-abcd-ef0123456789", TRUE);
    g_setenv("CLIENT_SECRET", "of-another-app", TRUE);
    g_autoptr(Config) config = load_well();
    assert_string_equal(customer_of(config)->tenant_id, TENANT);
    assert_string_equal(customer_of(config)->client_secret, SECRET);
}

static void each_cloud_has_its_hosts(void **state)
{
    static const char *const rows[][4] = {
        {"global", "https://login.microsoftonline.com", "https://graph.microsoft.com", "https://manage.office.com"},
        {"gcc", "https://login.microsoftonline.com", "https://graph.microsoft.com", "https://manage-gcc.office.com"},
        {"GCC-High", "https://login.microsoftonline.us", "https://graph.microsoft.us", "https://manage.office365.us"},
        {"dod", "https://login.microsoftonline.us", "https://dod-graph.microsoft.us",
         "https://manage.protection.apps.mil"},
        {"china", "https://login.partner.microsoftonline.cn", "https://microsoftgraph.chinacloudapi.cn",
         "https://manage.office365.cn"},
    };

    (void)state;
    set_credentials();
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_setenv("M365_CLOUD", rows[i][0], TRUE);
        g_autoptr(Config) config = load_well();
        assert_string_equal(customer_of(config)->login_url, rows[i][1]);
        assert_string_equal(customer_of(config)->graph_url, rows[i][2]);
        assert_string_equal(customer_of(config)->manage_url, rows[i][3]);
    }
}

static void urls_override_the_clouds_hosts(void **state)
{
    (void)state;
    set_credentials();
    g_setenv("LOGIN_URL", "http://127.0.0.1:8099/", TRUE);
    g_setenv("MANAGE_URL", "https://Manage.Example/api/", TRUE);
    g_autoptr(Config) config = load_well();
    assert_string_equal(customer_of(config)->login_url, "http://127.0.0.1:8099");
    assert_string_equal(customer_of(config)->graph_url, "https://graph.microsoft.com");
    assert_string_equal(customer_of(config)->manage_url, "https://manage.example/api");
}

static void wrong_values_are_refused_by_key(void **state)
{
    static const char *const rows[][4] = {
        /* key, value, parts of the message */
        {"GRAPH_TENANT_ID", "TOPSECRET", "GRAPH_TENANT_ID (from the environment)", "Entra portal, Overview, Tenant ID"},
        {"GRAPH_TENANT_ID", "TOPSECRET.example", "GRAPH_TENANT_ID", "is not a GUID"},
        {"GRAPH_CLIENT_ID", "TOPSECRET", "GRAPH_CLIENT_ID", "is not a GUID"},
        {"GRAPH_CLIENT_SECRET", " TOPSECRET", "GRAPH_CLIENT_SECRET", "blanks around it"},
        {"GRAPH_CLIENT_SECRET", "TOPSECRET\n", "GRAPH_CLIENT_SECRET", "blanks around it"},
        {"GRAPH_CLIENT_SECRET", "'TOPSECRET'", "GRAPH_CLIENT_SECRET", "quotes"},
        {"M365_CLOUD", "mars", "M365_CLOUD", "global, gcc, gcc-high, dod, china"},
        {"LOGIN_URL", "http://TOPSECRET.example", "LOGIN_URL", "https://"},
        {"GRAPH_URL", "https://u:TOPSECRET@graph.example", "GRAPH_URL", "user name or password"},
        {"MANAGE_URL", "manage.example", "MANAGE_URL", "is no URL"},
        {"M365KEEP_CUSTOMER", "all", "M365KEEP_CUSTOMER", "every customer"},
        {"TZ", "Mars/Olympus", "TZ", "no time zone"},
        {"REQUEST_BUDGETS", "unlimited", "REQUEST_BUDGETS", "documented"},
        {"M365KEEP_CLOCK", "noon", "M365KEEP_CLOCK", "clock"},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        set_credentials();
        g_setenv(rows[i][0], rows[i][1], TRUE);
        check_refusal(CONFIG_ERROR_INVALID, rows[i][2], rows[i][3]);
        g_unsetenv(rows[i][0]);
    }
}

static void a_wrong_value_of_the_file_is_refused_with_its_line(void **state)
{
    (void)state;
    set_credentials();
    g_unsetenv("GRAPH_CLIENT_ID");
    write_file(".env", "# mine\n\nGRAPH_CLIENT_ID=TOPSECRET\n");
    check_refusal(CONFIG_ERROR_INVALID, "GRAPH_CLIENT_ID (from .env, line 3)", "is not a GUID");
}

static void no_credentials_at_all_is_a_case_of_its_own(void **state)
{
    (void)state;
    check_refusal(CONFIG_ERROR_MISSING, "GRAPH_TENANT_ID, GRAPH_CLIENT_ID, GRAPH_CLIENT_SECRET", ".env");
}

static void credentials_in_part_name_what_is_missing(void **state)
{
    (void)state;
    g_setenv("GRAPH_TENANT_ID", TENANT, TRUE);
    check_refusal(CONFIG_ERROR_INVALID, "GRAPH_CLIENT_ID, GRAPH_CLIENT_SECRET are missing", "set them");
    g_setenv("GRAPH_CLIENT_ID", CLIENT, TRUE);
    check_refusal(CONFIG_ERROR_INVALID, "GRAPH_CLIENT_SECRET is missing", "set it");
    g_setenv("GRAPH_CLIENT_SECRET", "", TRUE);
    check_refusal(CONFIG_ERROR_INVALID, "GRAPH_CLIENT_SECRET (set, but empty) is missing", "");
}

static void commands_that_only_read_need_no_credentials(void **state)
{
    const struct config_options options = {.need_customers = false};

    (void)state;
    g_setenv("GRAPH_TENANT_ID", "nonsense", TRUE);
    g_setenv("TZ", "Mars/Olympus", TRUE);
    g_autoptr(Config) config = config_load(&options, NULL);
    assert_non_null(config);
    assert_int_equal(config->customers->len, 0);
}

static void commands_that_only_read_know_who_is_collected_here_but_no_secret(void **state)
{
    static const struct {
        const char *tenant_key, *tenant, *customer, *known_as;
    } rows[] = {
        {"GRAPH_TENANT_ID", TENANT, NULL, "default"}, {"TENANT_ID", TENANT, "contoso", "contoso"},
        {"GRAPH_TENANT_ID", "", "contoso", NULL},     {"GRAPH_TENANT_ID", "example.org", "contoso", NULL},
        {"GRAPH_TENANT_ID", TENANT, "all", NULL},
    };
    const struct config_options options = {.need_customers = false};

    (void)state;
    g_setenv("GRAPH_CLIENT_SECRET_FILE", "nowhere", TRUE);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_unsetenv("GRAPH_TENANT_ID");
        g_unsetenv("M365KEEP_CUSTOMER");
        g_setenv(rows[i].tenant_key, rows[i].tenant, TRUE);
        if (rows[i].customer != NULL)
            g_setenv("M365KEEP_CUSTOMER", rows[i].customer, TRUE);
        g_autoptr(Config) config = config_load(&options, NULL);
        g_unsetenv("TENANT_ID");
        assert_non_null(config);
        assert_int_equal(config->customers->len, rows[i].known_as != NULL);
        if (rows[i].known_as == NULL)
            continue;
        const struct config_customer *customer = config->customers->pdata[0];
        assert_string_equal(customer->name, rows[i].known_as);
        assert_string_equal(customer->tenant_id, TENANT);
        assert_null(customer->client_secret);
    }
}

static void an_empty_path_of_the_database_is_refused(void **state)
{
    const struct config_options options = {.database = ""};
    g_autoptr(GError) error = NULL;

    (void)state;
    assert_null(config_load(&options, &error));
    assert_non_null(strstr(error->message, "--db is empty"));
}

/* --- secrets in files ----------------------------------------------------------------------------------------------
 */

static void a_secret_may_be_in_a_file(void **state)
{
    static const char *const texts[] = {SECRET, SECRET "\n", SECRET "\r\n"};

    (void)state;
    set_credentials();
    g_unsetenv("GRAPH_CLIENT_SECRET");
    g_setenv("GRAPH_CLIENT_SECRET_FILE", "secret", TRUE);
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        write_file("secret", texts[i]);
        g_autoptr(Config) config = load_well();
        assert_string_equal(customer_of(config)->client_secret, SECRET);
    }
}

static void a_secret_may_come_from_systemd(void **state)
{
    (void)state;
    set_credentials();
    g_unsetenv("GRAPH_CLIENT_SECRET");
    g_setenv("CREDENTIALS_DIRECTORY", directory, TRUE);
    write_file("GRAPH_CLIENT_SECRET", SECRET "\n");
    g_autoptr(Config) config = load_well();
    assert_string_equal(customer_of(config)->client_secret, SECRET);
}

static void a_secret_may_come_through_a_pipe(void **state)
{
    int ends[2];

    (void)state;
    set_credentials();
    g_unsetenv("GRAPH_CLIENT_SECRET");
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], SECRET "\n", strlen(SECRET) + 1), (ssize_t)strlen(SECRET) + 1);
    close(ends[1]);
    g_autofree char *path = g_strdup_printf("/dev/fd/%d", ends[0]);
    g_setenv("GRAPH_CLIENT_SECRET_FILE", path, TRUE);
    g_autoptr(Config) config = load_well();
    close(ends[0]);
    assert_string_equal(customer_of(config)->client_secret, SECRET);
}

static void a_secret_that_is_given_twice_is_refused(void **state)
{
    (void)state;
    set_credentials();
    write_file("secret", SECRET);
    g_setenv("GRAPH_CLIENT_SECRET_FILE", "secret", TRUE);
    check_refusal(CONFIG_ERROR_INVALID, "GRAPH_CLIENT_SECRET is given in more than one way",
                  "GRAPH_CLIENT_SECRET_FILE");
    g_unsetenv("GRAPH_CLIENT_SECRET_FILE");
    g_setenv("CREDENTIALS_DIRECTORY", directory, TRUE);
    write_file("GRAPH_CLIENT_SECRET", SECRET);
    check_refusal(CONFIG_ERROR_INVALID, "more than one way", "systemd");
    g_unsetenv("GRAPH_CLIENT_SECRET");
    g_setenv("GRAPH_CLIENT_SECRET_FILE", "secret", TRUE);
    check_refusal(CONFIG_ERROR_INVALID, "GRAPH_CLIENT_SECRET_FILE", "systemd");
}

static void a_secret_file_that_will_not_do_is_refused(void **state)
{
    static const char *const rows[][2] = {
        {"empty", "is empty"},   {"newline", "is empty"}, {"missing", "No such file"}, {"/dev/zero", "64 KiB"},
        {"folder", "directory"}, {"lines", "line break"}, {"blank", "blanks around"},
    };

    (void)state;
    set_credentials();
    g_unsetenv("GRAPH_CLIENT_SECRET");
    write_file("empty", "");
    write_file("newline", "\n");
    write_file("lines", "TOPSECRET\nmore\n");
    write_file("blank", "TOPSECRET \n");
    assert_int_equal(mkdir("folder", 0700), 0);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_setenv("GRAPH_CLIENT_SECRET_FILE", rows[i][0], TRUE);
        check_refusal(CONFIG_ERROR_INVALID, rows[i][0], rows[i][1]);
    }
    assert_true(g_file_set_contents("nul", "TOP\0SECRET", 10, NULL));
    g_setenv("GRAPH_CLIENT_SECRET_FILE", "nul", TRUE);
    check_refusal(CONFIG_ERROR_INVALID, "GRAPH_CLIENT_SECRET_FILE", "NUL byte");
}

static void a_secret_of_the_longest_length_is_taken(void **state)
{
    g_autofree char *longest = g_strnfill(1 << 16, 'x'), *longer = g_strnfill((1 << 16) + 1, 'x');

    (void)state;
    set_credentials();
    g_unsetenv("GRAPH_CLIENT_SECRET");
    g_setenv("GRAPH_CLIENT_SECRET_FILE", "secret", TRUE);
    write_file("secret", longest);
    g_autoptr(Config) config = load_well();
    assert_string_equal(customer_of(config)->client_secret, longest);
    write_file("secret", longer);
    check_refusal(CONFIG_ERROR_INVALID, "secret", "64 KiB");
}

/* --- the rest -------------------------------------------------------------------------------------------------------
 */

static void a_secret_that_looks_like_its_id_is_only_warned_of(void **state)
{
    (void)state;
    set_credentials();
    g_setenv("GRAPH_CLIENT_SECRET", CLIENT, TRUE);
    fflush(stderr);
    int saved = dup(STDERR_FILENO), file = open("stderr", O_RDWR | O_CREAT | O_TRUNC, 0600);
    assert_true(saved >= 0 && file >= 0 && dup2(file, STDERR_FILENO) >= 0);
    g_autoptr(Config) config = load_well();
    assert_true(dup2(saved, STDERR_FILENO) >= 0);
    close(saved);
    close(file);
    g_autofree char *said = NULL;
    assert_true(g_file_get_contents("stderr", &said, NULL, NULL));
    assert_non_null(strstr(said, "level=warn"));
    assert_non_null(strstr(said, "the secret's ID"));
    assert_null(strstr(said, CLIENT));
    assert_string_equal(customer_of(config)->client_secret, CLIENT);
}

static void proxies_of_the_file_reach_the_libraries(void **state)
{
    (void)state;
    set_credentials();
    write_file(".env", "HTTPS_PROXY=http://file:3128\nno_proxy=file.example\nSSL_CERT_FILE=/file.pem\nOTHER=x\n");
    g_setenv("NO_PROXY", "real.example", TRUE);
    config_free(load_well());
    assert_string_equal(g_getenv("HTTPS_PROXY"), "http://file:3128");
    assert_string_equal(g_getenv("SSL_CERT_FILE"), "/file.pem");
    assert_string_equal(g_getenv("NO_PROXY"), "real.example");
    assert_null(g_getenv("no_proxy"));
    assert_null(g_getenv("OTHER"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_environment_is_enough),
        TEST(a_file_in_the_working_directory_is_enough),
        TEST(the_real_environment_wins_over_the_file),
        TEST(an_empty_variable_of_the_environment_hides_the_file),
        TEST(an_option_wins_over_the_environment),
        TEST(another_file_replaces_the_one_in_the_working_directory),
        TEST(a_file_that_was_asked_for_must_be_there),
        TEST(a_folder_named_env_is_an_error),
        TEST(an_endless_file_is_an_error),
        TEST(plain_names_are_aliases),
        TEST(our_names_win_over_the_aliases),
        TEST(each_cloud_has_its_hosts),
        TEST(urls_override_the_clouds_hosts),
        TEST(wrong_values_are_refused_by_key),
        TEST(a_wrong_value_of_the_file_is_refused_with_its_line),
        TEST(no_credentials_at_all_is_a_case_of_its_own),
        TEST(credentials_in_part_name_what_is_missing),
        TEST(commands_that_only_read_need_no_credentials),
        TEST(commands_that_only_read_know_who_is_collected_here_but_no_secret),
        TEST(an_empty_path_of_the_database_is_refused),
        TEST(a_secret_may_be_in_a_file),
        TEST(a_secret_may_come_from_systemd),
        TEST(a_secret_may_come_through_a_pipe),
        TEST(a_secret_that_is_given_twice_is_refused),
        TEST(a_secret_file_that_will_not_do_is_refused),
        TEST(a_secret_of_the_longest_length_is_taken),
        TEST(a_secret_that_looks_like_its_id_is_only_warned_of),
        TEST(proxies_of_the_file_reach_the_libraries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
