/* The files to start from: blank ones, and those that take over a config.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <unistd.h>

#include "base/base.h"
#include "config/config.h"
#include "config/dotenv.h"
#include "config/import.h"
#include "config/yaml_file.h"

#define TENANT "0a1b2c3d-4e5f-6789-abcd-ef0123456789"
#define CLIENT "11111111-2222-3333-4444-555555555555"

/* --- helpers ------------------------------------------------------------------------------------------------------ */

static const char *find_file(GPtrArray *files, const char *name)
{
    for (guint i = 0; i < files->len; i++) {
        const struct config_file *file = g_ptr_array_index(files, i);
        if (strcmp(file->name, name) == 0)
            return file->text;
    }
    return NULL;
}

static struct yaml_file *parse_yaml(const char *text)
{
    g_autoptr(GError) error = NULL;
    struct yaml_file *file = yaml_file_parse("m365keep.yaml", text, strlen(text), &error);

    if (file == NULL)
        fail_msg("%s\n%s", text, error->message);
    return file;
}

/* The files for a config.py of this text; its remarks, joined, in *said. */
static GPtrArray *import(const char *text, char **said)
{
    g_autoptr(GPtrArray) remarks = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) error = NULL;
    GPtrArray *files = import_python("config.py", text, strlen(text), remarks, &error);

    if (files == NULL)
        fail_msg("%s\n-> %s", text, error->message);
    g_ptr_array_add(remarks, NULL);
    *said = g_strjoinv("\n", (char **)remarks->pdata);
    return files;
}

/* A config.py with one customer, and more lines. */
static char *with_customer(const char *lines)
{
    return g_strdup_printf("CUSTOMERS = {'a': {'variable': 'VAR_A', 'services': ['x'], 'fallback': 't;c;s'}}\n%s\n",
                           lines);
}

/* The file with every setting that is commented out put in force. */
static char *uncomment(const char *text)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    for (char **line = lines; *line != NULL; line++)
        if ((*line)[0] == '#' && !((*line)[1] == ' ' && (*line)[2] != ' '))
            memmove(*line, *line + 1, strlen(*line));
    return g_strjoinv("\n", lines);
}

/* --- the blank sample --------------------------------------------------------------------------------------------- */

static void the_sample_says_little_until_it_is_filled_in(void **state)
{
    g_autoptr(GPtrArray) files = config_sample();
    g_autoptr(YamlFile) file = parse_yaml(find_file(files, "m365keep.yaml"));

    (void)state;
    assert_int_equal(files->len, 2);
    assert_null(file->root->database);
    assert_null(file->root->smtp);
    assert_int_equal(file->root->n_alerts, 0);
    assert_int_equal(file->root->n_customers, 1);
    g_autoptr(GHashTable) values = dotenv_table_new();
    const char *env = find_file(files, ".env");
    assert_true(dotenv_parse(".env", env, strlen(env), values, NULL));
    assert_true(g_hash_table_contains(values, file->root->customers[0].variable));
    assert_int_equal(g_hash_table_size(values), 1);
}

static void check_key(const char *path, void *user)
{
    /* A second spelling of the key before it, and entries of lists, stand for themselves. */
    g_autofree char *one = g_strdelimit(g_strdup(path), "-", '_');
    g_auto(GStrv) parts = g_strsplit(one, "[]", 2);
    g_autofree char *first = g_strdup_printf("%s%s%s", parts[0], parts[1] != NULL && *parts[1] != '\0' ? "[0]" : "",
                                             parts[1] != NULL ? parts[1] : "");

    if (g_str_has_suffix(first, "[]"))
        first[strlen(first) - 2] = '\0';
    if (!yaml_file_has(user, first))
        fail_msg("the sample has no %s", first);
}

static void the_sample_names_every_key_there_is(void **state)
{
    g_autoptr(GPtrArray) files = config_sample();
    g_autofree char *text = uncomment(find_file(files, "m365keep.yaml"));
    g_autoptr(YamlFile) file = parse_yaml(text);

    (void)state;
    yaml_file_keys(check_key, file);
}

static void the_sample_loads_with_every_setting_in_force(void **state)
{
    g_autofree char *directory = g_dir_make_tmp("m365keep-sample-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(directory, "keep.yaml", NULL);
    g_autofree char *map = g_build_filename(directory, "status_map.yaml", NULL);
    g_autoptr(GPtrArray) files = config_sample();
    g_autofree char *text = uncomment(find_file(files, "m365keep.yaml"));
    const struct config_options options = {.config_file = path, .env_file = "/dev/null"};
    g_autoptr(GError) error = NULL;

    (void)state;
    assert_true(g_file_set_contents(path, text, -1, NULL));
    assert_true(g_file_set_contents(map, "resolved: 10\n", -1, NULL)); /* examples of what there may be */
    g_autoptr(Config) config = config_load(&options, &error);
    if (config == NULL)
        fail_msg("%s", error->message);
    assert_int_equal(config->alerts->len, 1);
    assert_true(unlink(path) == 0 && unlink(map) == 0 && rmdir(directory) == 0);
}

/* --- taking over -------------------------------------------------------------------------------------------------- */

static const char whole[] =
    "# -*- coding: utf-8 -*-\n"
    "CUSTOMERS = {\n"
    "    'Contoso & Söhne: \"Nord\"': {\n"
    "        'variable': 'API_CHECK_ONE',\n"
    "        'services': ['Intune', 'Exchange Online', 'null', 'Intune'],\n"
    "        'fallback': '" TENANT ";" CLIENT ";'\n"
    "                    'made;up\\'s $ecret\\\\',\n"
    "        'mail_to': 'desk@contoso.example; Second <two@contoso.example>, not an address',\n"
    "        'mail_cc': '',\n"
    "    },\n"
    "    'Fabrikam': {'variable': 'API_CHECK_TWO', 'services': ('Teams',), 'fallback': '',\n"
    "                 'mail_to': [], 'colour': 'red'},\n"
    "}\n"
    "STATUS_MAP = {'serviceOperational': 0, 'serviceDegradation': 5, 'ServiceOperational': 10}\n"
    "SMTP_SERVER = 'mail.example.org'\n"
    "SMTP_PORT = 25\n"
    "MAIL_FROM = 'desk@example.org'\n"
    "MAIL_TO = 'all@example.org'\n"
    "MAIL_CC = ['cc@example.org']\n"
    "MAIL_SUBJECT = 'Health of {customer}'\n"
    "MAIL_SIGNATURE = '''<p>Regards,</p>'''\n"
    "DB_DAYS_SCOPE = 90\n"
    "DB_DAYS_PREV_FROM = 1\n"
    "DB_DAYS_PREV_TO = 7\n"
    "DIR_LOG = '/data/logs'\n"
    "DIR_IMAGES = 'images'\n";

static void customers_are_taken_over(void **state)
{
    g_autofree char *said = NULL;
    g_autoptr(GPtrArray) files = import(whole, &said);
    g_autoptr(YamlFile) file = parse_yaml(find_file(files, "m365keep.yaml"));

    (void)state;
    assert_int_equal(file->root->n_customers, 2);
    const struct yaml_customer *one = &file->root->customers[0], *two = &file->root->customers[1];
    assert_string_equal(one->name, "Contoso & Söhne: \"Nord\"");
    assert_string_equal(one->variable, "API_CHECK_ONE");
    assert_int_equal(one->services.n, 3);
    assert_string_equal(one->services.items[1], "Exchange Online");
    assert_string_equal(one->services.items[2], "null");
    assert_int_equal(one->mail_to.n, 2);
    assert_string_equal(one->mail_to.items[1], "Second <two@contoso.example>");
    assert_string_equal(one->mail_cc.items[0], "cc@example.org"); /* MAIL_CC's */
    assert_string_equal(two->mail_to.items[0], "all@example.org");
    assert_string_equal(two->services.items[0], "Teams");
    assert_non_null(strstr(said, "config.py, line 8: an entry of 'mail_to' was left out: it is no mail address"));
    assert_non_null(strstr(said, "config.py, line 12: the key colour of a customer"));
    assert_non_null(strstr(said, "API_CHECK_TWO has no fallback"));
}

static void credentials_go_into_env_and_nowhere_else(void **state)
{
    g_autofree char *said = NULL;
    g_autoptr(GPtrArray) files = import(whole, &said);
    g_autoptr(GHashTable) values = dotenv_table_new();
    const char *env = find_file(files, ".env");

    (void)state;
    assert_true(dotenv_parse(".env", env, strlen(env), values, NULL));
    assert_int_equal(g_hash_table_size(values), 1);
    const struct dotenv_value *value = g_hash_table_lookup(values, "API_CHECK_ONE");
    assert_string_equal(value->text, TENANT ";" CLIENT ";made;up's $ecret\\");
    assert_non_null(strstr(env, "#API_CHECK_TWO='tenant_id;client_id;secret'\n"));
    assert_null(strstr(said, "ecret\\"));
    assert_null(strstr(find_file(files, "m365keep.yaml"), "ecret\\"));
    assert_null(strstr(find_file(files, "m365keep.yaml"), TENANT));
}

static void the_other_settings_are_taken_over(void **state)
{
    g_autofree char *said = NULL;
    g_autoptr(GPtrArray) files = import(whole, &said);
    g_autoptr(YamlFile) file = parse_yaml(find_file(files, "m365keep.yaml"));
    const struct yaml_root *root = file->root;

    (void)state;
    assert_string_equal(root->smtp->server, "mail.example.org");
    assert_string_equal(root->smtp->port, "25");
    assert_string_equal(root->smtp->from, "desk@example.org");
    assert_string_equal(root->report->subject, "Health of {customer}");
    assert_string_equal(root->report->signature, "signature.html");
    assert_string_equal(root->report->days_from, "7"); /* the earlier day is the larger number */
    assert_string_equal(root->report->days_to, "1");
    assert_string_equal(root->retention->days, "90");
    assert_null(root->retention->max_size);
    assert_string_equal(root->directories->logs, "/data/logs");
    assert_string_equal(root->directories->images, "images");
    assert_string_equal(root->status_map, "status_map.yaml");
    assert_string_equal(find_file(files, "signature.html"), "<p>Regards,</p>\n");
    assert_non_null(strstr(find_file(files, "status_map.yaml"), "\nserviceDegradation: 5\nServiceOperational: 10\n"));
    assert_int_equal(files->len, 4);
}

static void a_variable_of_the_environment_stays_there(void **state)
{
    g_autofree char *said = NULL;

    (void)state;
    g_setenv("API_CHECK_ONE", "is set", TRUE);
    g_autoptr(GPtrArray) files = import(whole, &said);
    g_unsetenv("API_CHECK_ONE");
    assert_null(strstr(find_file(files, ".env"), "API_CHECK_ONE"));
    assert_non_null(strstr(said, "API_CHECK_ONE is set in the environment"));
}

static void what_cannot_be_taken_over_is_told_and_left_out(void **state)
{
    static const struct {
        const char *lines, *remark;
    } rows[] = {
        {"SMTP_SERVER = os.environ['X']", "line 2: SMTP_SERVER is no plain value"},
        {"SMTP_SERVER = 'a b'", "line 2: SMTP_SERVER was left out: it must be the name"},
        {"SMTP_SERVER = 5", "SMTP_SERVER was left out: it must be text"},
        {"SMTP_PORT = 'x'", "line 2: SMTP_PORT was left out"},
        {"SMTP_PORT = True", "SMTP_PORT was left out"},
        {"MAIL_FROM = 'desk'", "MAIL_FROM was left out: it is no mail address"},
        {"MAIL_TO = 5", "MAIL_TO is neither text nor a list"},
        {"MAIL_TO = ['a@b', 5]", "an entry of MAIL_TO is no text"},
        {"MAIL_SUBJECT = 'Health: {}'", "MAIL_SUBJECT was left out: it holds braces"},
        {"MAIL_SIGNATURE = 5", "MAIL_SIGNATURE was left out: it must be text"},
        {"STATUS_MAP = {'a': 'b'}",
         "STATUS_MAP was left out: it must be a dictionary of statuses and their priorities"},
        {"STATUS_MAP = {'a': 11}", "whole numbers from 0 (the worst) to 10"},
        {"STATUS_MAP = {'a': -1}", "STATUS_MAP was left out"},
        {"STATUS_MAP = {'a b': 1}", "STATUS_MAP was left out"},
        {"STATUS_MAP = {'': 1}", "STATUS_MAP was left out"},
        {"STATUS_MAP = {1: 1}", "STATUS_MAP was left out"},
        {"STATUS_MAP = {'a': 1.5}", "STATUS_MAP was left out"},
        {"STATUS_MAP = []", "STATUS_MAP was left out"},
        {"DB_DAYS_SCOPE = -1", "DB_DAYS_SCOPE was left out: it must be a whole number from 0"},
        {"DIR_TEMP = 'x'", "line 2: DIR_TEMP has no counterpart"},
        {"COLOUR = 'red'", "line 2: COLOUR has no counterpart"},
        {"import os\nprint('x')\nfor x in y:\n    z = 1",
         "statements that assign no plain value were passed over, in lines 3, 4"},
        {"print('x')", "statements that assign no plain value were passed over, in line 2"},
        {"MAIL_CC = []\nMAIL_CC += ['x']", "line 3: MAIL_CC is changed here"},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *text = with_customer(rows[i].lines), *said = NULL;
        g_autoptr(GPtrArray) files = import(text, &said);
        g_autoptr(YamlFile) file = parse_yaml(find_file(files, "m365keep.yaml"));
        if (strstr(said, rows[i].remark) == NULL)
            fail_msg("%s\n-> %s", rows[i].lines, said);
        assert_true(file->root->smtp == NULL && file->root->report == NULL && file->root->status_map == NULL);
        assert_int_equal(files->len, 2);
    }
}

static void an_ordinary_file_gives_no_remarks(void **state)
{
    g_autofree char *text =
        with_customer("SMTP_SERVER = ''\nMAIL_TO = ''\nMAIL_SIGNATURE = None\nSTATUS_MAP = 'map.yaml'\n"
                      "SMTP_PORT = '587'\nimport os\n'words'\n");
    g_autofree char *said = NULL;
    g_autoptr(GPtrArray) files = import(text, &said);
    g_autoptr(YamlFile) file = parse_yaml(find_file(files, "m365keep.yaml"));

    (void)state;
    assert_string_equal(said, "");
    assert_string_equal(file->root->status_map, "map.yaml");
    assert_string_equal(file->root->smtp->port, "587");
}

static void doubtful_credentials_are_told(void **state)
{
    g_autofree char *said = NULL, *again = NULL;
    g_autoptr(GPtrArray) doubtful =
        import("CUSTOMERS = {'a': {'variable': 'VAR_A', 'services': [], 'fallback': 'TOPSECRET'}}\n", &said);
    g_autoptr(GPtrArray) doubled = import("CUSTOMERS = {'a': {'variable': 'VAR_A', 'fallback': 't;c;TOPSECRET'},\n"
                                          "'b': {'variable': 'VAR_A', 'fallback': 't;c;other'}}\n",
                                          &again);

    (void)state;
    assert_int_equal(doubtful->len, 2);
    assert_non_null(strstr(said, "what went to .env as VAR_A is not of the form"));
    assert_non_null(strstr(said, "no services are named for this customer"));
    assert_null(strstr(said, "TOPSECRET"));
    assert_non_null(strstr(again, "line 2: VAR_A is the variable of another customer already"));
    assert_null(strstr(find_file(doubled, ".env"), "other"));
}

static void what_is_wrong_in_customers_is_refused_with_its_line(void **state)
{
    static const struct {
        const char *text, *message;
    } rows[] = {
        {"x = 1\n", "config.py has no CUSTOMERS"},
        {"if x:\n    CUSTOMERS = {}\n", "config.py has no CUSTOMERS"},
        {"CUSTOMERS = load()\n", "config.py, line 1: a name stands where"},
        {"CUSTOMERS = {\n'a': {\n'variable': VAR,\n}}\n", "config.py, line 3: a name stands where"},
        {"CUSTOMERS = {\n'a': {'variable': 'V', 'fallback': f'TOPSECRET{x}'}}\n", "config.py, line 2: an f-string"},
        {"CUSTOMERS = {'a': dict(x=1)}\n", "everything must be plain values"},
        {"CUSTOMERS = {}\n", "config.py, line 1: CUSTOMERS must be a dictionary with at least one"},
        {"CUSTOMERS = ['a']\n", "config.py, line 1: CUSTOMERS must be a dictionary"},
        {"CUSTOMERS = {'a': {'variable': 'V'}}\nCUSTOMERS['b'] = {}\n",
         "config.py, line 2: CUSTOMERS is changed after"},
        {"CUSTOMERS = {\n'a': 1}\n", "config.py, line 2: a customer must be a dictionary"},
        {"CUSTOMERS = {\n'a': {}}\n", "config.py, line 2: a customer must have a 'variable'"},
        {"CUSTOMERS = {'a': {\n'variable': 5}}\n", "config.py, line 1: a customer must have a 'variable'"},
        {"CUSTOMERS = {'a': {\n'variable': 't;c;TOPSECRET'}}\n", "config.py, line 2: 'variable' must be the name"},
        {"CUSTOMERS = {\n1: {'variable': 'V'}}\n", "config.py, line 2: the name of a customer must be text"},
        {"CUSTOMERS = {\n'': {'variable': 'V'}}\n", "config.py, line 2: the name of a customer must be text"},
        {"CUSTOMERS = {\n'all': {'variable': 'V'}}\n", "config.py, line 2: the name of a customer cannot be \"all\""},
        {"CUSTOMERS = {'a': {'variable': 'V'},\n'A': {'variable': 'W'}}\n",
         "config.py, line 2: a customer of this name"},
        {"CUSTOMERS = {'a': 'TOPSECRET\n", "config.py, line 1: a string begins here"},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GPtrArray) remarks = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(GError) error = NULL;
        assert_null(import_python("config.py", rows[i].text, strlen(rows[i].text), remarks, &error));
        assert_int_equal(error->code, CONFIG_ERROR_INVALID);
        if (strstr(error->message, rows[i].message) == NULL)
            fail_msg("%s\n-> %s", rows[i].text, error->message);
        assert_null(strstr(error->message, "TOPSECRET"));
    }
}

static void a_file_that_cannot_be_read_is_told(void **state)
{
    g_autoptr(GPtrArray) remarks = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) missing = NULL, endless = NULL;

    (void)state;
    assert_null(config_import_python("/nowhere/config.py", remarks, &missing));
    assert_string_equal(missing->message, "cannot read /nowhere/config.py: No such file or directory");
    assert_null(config_import_python("/dev/zero", remarks, &endless));
    assert_non_null(strstr(endless->message, "larger than 1 MiB"));
}

/* Names and services are put into the file so that YAML gives them back as they were. */
static void every_text_survives_being_written_as_yaml(void **state)
{
    static const char *const texts[] = {"plain",
                                        "two words",
                                        "null",
                                        "~x",
                                        "yes",
                                        "No",
                                        "12",
                                        "1.5",
                                        "a: b",
                                        "a #b",
                                        "#a",
                                        "- a",
                                        "-",
                                        "&a",
                                        "*a",
                                        "!a",
                                        "|",
                                        ">",
                                        "@a",
                                        "`a",
                                        "%a",
                                        "{a}",
                                        "[a]",
                                        "a, b",
                                        "'a'",
                                        "a'b",
                                        "a\\\\nb",
                                        "?",
                                        "? a",
                                        ":",
                                        "=",
                                        "<<",
                                        "0x1f",
                                        "2001-01-01",
                                        "ż\xc3\xb3łw",
                                        "\xf0\x9f\x98\x80",
                                        "\xc2\xa0x",
                                        "a\xe2\x80\xa8z",
                                        "a\xef\xbb\xbfz",
                                        "a\xef\xbf\xbez",
                                        "a\xc2\x85z"};

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_auto(GStrv) halves = g_strsplit(texts[i], "'", -1);
        g_autofree char *quoted = g_strjoinv("\\'", halves), *said = NULL;
        g_autofree char *text =
            g_strdup_printf("CUSTOMERS = {'%s': {'variable': 'VAR_A', 'services': ['x']}}\n", quoted);
        g_autoptr(GPtrArray) files = import(text, &said);
        g_autoptr(YamlFile) file = parse_yaml(find_file(files, "m365keep.yaml"));
        g_autofree char *expected = g_strcompress(texts[i]); /* Python's \\ is one */
        if (strcmp(file->root->customers[0].name, expected) != 0)
            fail_msg("%s came back as %s", expected, file->root->customers[0].name);
        assert_true(yaml_file_has(file, "customers[0].name"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sample_says_little_until_it_is_filled_in),
        cmocka_unit_test(the_sample_names_every_key_there_is),
        cmocka_unit_test(the_sample_loads_with_every_setting_in_force),
        cmocka_unit_test(customers_are_taken_over),
        cmocka_unit_test(credentials_go_into_env_and_nowhere_else),
        cmocka_unit_test(the_other_settings_are_taken_over),
        cmocka_unit_test(a_variable_of_the_environment_stays_there),
        cmocka_unit_test(what_cannot_be_taken_over_is_told_and_left_out),
        cmocka_unit_test(an_ordinary_file_gives_no_remarks),
        cmocka_unit_test(doubtful_credentials_are_told),
        cmocka_unit_test(what_is_wrong_in_customers_is_refused_with_its_line),
        cmocka_unit_test(a_file_that_cannot_be_read_is_told),
        cmocka_unit_test(every_text_survives_being_written_as_yaml),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
