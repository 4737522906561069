/* m365keep.yaml as YAML: what is taken, and how what is not is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <glib.h>

#include "config/config.h"
#include "config/yaml_file.h"
#include "config/yaml_places.h"

static struct yaml_file *parse(const char *text)
{
    g_autoptr(GError) error = NULL;
    struct yaml_file *file = yaml_file_parse("test.yaml", text, strlen(text), &error);

    if (file == NULL)
        fail_msg("%s", error->message);
    return file;
}

/* Refuses `text` with a message that begins and goes on as told. */
static void check_refusal(const char *text, size_t length, const char *begin, const char *part)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(YamlFile) file = yaml_file_parse("test.yaml", text, length, &error);

    if (file != NULL)
        fail_msg("taken: %s", text);
    assert_int_equal(error->domain, CONFIG_ERROR);
    assert_int_equal(error->code, CONFIG_ERROR_INVALID);
    if (!g_str_has_prefix(error->message, begin) || strstr(error->message, part) == NULL)
        fail_msg("%s\n-> %s", text, error->message);
    assert_null(strstr(error->message, "TOPSECRET"));
}

struct refusal {
    const char *text, *begin, *part;
};

static void check_refusals(const struct refusal *rows, size_t n)
{
    for (size_t i = 0; i < n; i++)
        check_refusal(rows[i].text, strlen(rows[i].text), rows[i].begin, rows[i].part);
}

/* --- what is taken ------------------------------------------------------------------------------------------------ */

static void every_key_arrives_as_it_is_written(void **state)
{
    g_autoptr(YamlFile) file =
        parse("# words\n"
              "database: keep.db\n"
              "retention: { days: 365, max_size: 20GiB, per_source: { sign_ins: 180, health: 0, mails: 7 } }\n"
              "alerts:\n"
              "  - { name: \"null\", search: '\"Global\" add', mail_to: [a@b.example, 'c@d'] }\n"
              "customers:\n"
              "  - name: Kancelaria Żółw\n"
              "    sources: [users,\n"
              "      sign-ins]\n"
              "  - name: |\n"
              "      folded\n");

    (void)state;
    const struct yaml_root *root = file->root;
    assert_string_equal(root->database, "keep.db");
    assert_null(root->smtp);
    assert_string_equal(root->retention->days, "365");
    assert_string_equal(root->retention->per_source->sign_ins, "180");
    assert_null(root->retention->per_source->users);
    assert_string_equal(root->retention->per_source->mails, "7");
    assert_int_equal(root->n_alerts, 1);
    assert_string_equal(root->alerts[0].name, "null");
    assert_string_equal(root->alerts[0].search, "\"Global\" add");
    assert_int_equal(root->alerts[0].mail_to.n, 2);
    assert_string_equal(root->alerts[0].mail_to.items[1], "c@d");
    assert_int_equal(root->n_customers, 2);
    assert_string_equal(root->customers[0].name, "Kancelaria Żółw");
    assert_int_equal(root->customers[0].sources.n, 2);
    assert_string_equal(root->customers[1].name, "folded\n");
}

static void places_tell_the_line_of_each_key(void **state)
{
    static const struct {
        const char *path, *where;
    } rows[] = {
        {"database", "test.yaml, line 2"},
        {"retention.days", "test.yaml, line 4"},
        {"retention.per_source.users", "test.yaml, line 5"},
        {"customers", "test.yaml, line 6"},
        {"customers[0]", "test.yaml, line 7"},
        {"customers[0].sources[1]", "test.yaml, line 9"},
        {"customers[1].name", "test.yaml, line 10"},
        /* What is not there is told by what it would be in. */
        {"customers[1].timezone", "test.yaml, line 10"},
        {"customers[7].timezone", "test.yaml, line 6"},
        {"retention.per_source.health", "test.yaml, line 5"},
        {"smtp.port", "test.yaml, line 2"},
    };
    g_autoptr(YamlFile) file = parse("\n"
                                     "database: keep.db\n"
                                     "retention:\n"
                                     "  days: 365\n"
                                     "  per_source: { users: 1 }\n"
                                     "customers:\n"
                                     "  - name: a\n"
                                     "    sources: [users,\n"
                                     "      sign-ins]\n"
                                     "  - name: b\n");

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *where = yaml_file_where(file, rows[i].path);
        if (strcmp(where, rows[i].where) != 0)
            fail_msg("%s is at %s", rows[i].path, where);
    }
}

static void what_is_null_is_not_there(void **state)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL", "# nothing"};

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(nulls); i++) {
        g_autofree char *text =
            g_strdup_printf("database: %s\nsmtp: %s\nalerts: %s\ncustomers:\n  - name: a\n    mail_cc: %s\n", nulls[i],
                            nulls[i], nulls[i], nulls[i]);
        g_autoptr(YamlFile) file = parse(text);
        assert_false(yaml_file_has(file, "database") || yaml_file_has(file, "smtp") || yaml_file_has(file, "alerts"));
        assert_false(yaml_file_has(file, "customers[0].mail_cc"));
        assert_true(yaml_file_has(file, "customers[0].name"));
        assert_null(file->root->smtp);
        assert_int_equal(file->root->n_alerts, 0);
    }
    g_autoptr(YamlFile) file = parse("database: ''\nstatus_map: \"~\"\ncustomers: []\n");
    assert_true(yaml_file_has(file, "database") && yaml_file_has(file, "status_map") &&
                yaml_file_has(file, "customers"));
}

static void files_without_settings_are_empty(void **state)
{
    static const char *const texts[] = {"", "\n\n", "# words\n", "---\n", "---\n...\n", "{}\n", "\xef\xbb\xbf", "~\n"};

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(YamlFile) file = parse(texts[i]);
        assert_non_null(file->root);
        assert_null(file->root->database);
        assert_int_equal(file->root->n_customers, 0);
    }
}

static void byte_order_marks_windows_lines_and_directives_are_taken(void **state)
{
    g_autoptr(YamlFile) windows = parse("\xef\xbb\xbf"
                                        "database: keep.db\r\nsmtp:\r\n  port: 25\r\n");
    g_autoptr(YamlFile) directive = parse("%YAML 1.1\n---\ndatabase: keep.db\n...\n");

    (void)state;
    assert_string_equal(windows->root->database, "keep.db");
    assert_string_equal(windows->root->smtp->port, "25");
    assert_string_equal(directive->root->database, "keep.db");
}

/* --- what is refused ---------------------------------------------------------------------------------------------- */

static void an_unknown_key_is_told_with_the_one_that_was_meant(void **state)
{
    static const struct refusal rows[] = {
        {"databse: x\n", "test.yaml, line 1: the file has no key \"databse\"; did you mean \"database\"?", "smtp"},
        {"database: x\nsmtp:\n  server: x\n  prot: 3\n", "test.yaml, line 4: smtp has no key \"prot\"", "\"port\""},
        {"customers:\n  - name: a\n  - name: b\n    timezonee: x\n",
         "test.yaml, line 4: customers[1] has no key \"timezonee\"", "did you mean \"timezone\"?"},
        {"customers: [{name: a, zebra: red}]\n", "test.yaml, line 1: customers[0] has no key \"zebra\".",
         "The keys here are: name, variable, certificate"},
        {"retention: {per_source: {signins: 1}}\n", "test.yaml, line 1: retention.per_source has no key \"signins\"",
         "\"sign_ins\""},
        {"Database: x\n", "test.yaml, line 1: the file has no key \"Database\"", "did you mean \"database\"?"},
    };

    (void)state;
    check_refusals(rows, G_N_ELEMENTS(rows));
}

static void a_place_for_credentials_is_not_offered(void **state)
{
    static const struct refusal rows[] = {
        {"customers:\n  - name: a\n    client_secret: TOPSECRET\n",
         "test.yaml, line 3: customers[0] has no key \"client_secret\"", "not kept in this file"},
        {"mongo: {uri: 'mongodb://u:TOPSECRET@h'}\n", "test.yaml, line 1: mongo has no key \"uri\"", "mongo.uri_env"},
        {"smtp:\n  password: TOPSECRET\n", "test.yaml, line 2: smtp has no key \"password\"", "SMTP_PASSWORD"},
    };

    (void)state;
    check_refusals(rows, G_N_ELEMENTS(rows));
}

static void a_wrong_type_is_told_with_what_was_expected(void **state)
{
    static const struct refusal rows[] = {
        {"database: [x]\n", "test.yaml, line 1: database: expected a single value, found a list", ""},
        {"database:\n  path: x\n", "test.yaml, line 1: database: expected a single value, found keys with their values",
         ""},
        {"smtp: mail.example\n",
         "test.yaml, line 1: smtp: expected keys with their values (key: value), found a single value", ""},
        {"\nalerts:\n  name: x\n", "test.yaml, line 2: alerts: expected a list of blocks",
         "found keys with their values"},
        {"customers:\n  - contoso\n", "test.yaml, line 2: customers[0]: expected keys with their values",
         "found a single value"},
        {"customers:\n  - name: a\n    mail_to: a@b\n",
         "test.yaml, line 3: customers[0].mail_to: expected a list, such as [one, two]", "found a single value"},
        {"customers:\n  - name: a\n    mail_to: [a, [b]]\n",
         "test.yaml, line 3: customers[0].mail_to[1]: expected a single value", "found a list"},
        {"customers:\n  - name: a\n    sources:\n      - users\n      - {b: c}\n",
         "test.yaml, line 5: customers[0].sources[1]: expected a single value", "found keys"},
        {"hello\n", "test.yaml, line 1: the file: expected keys with their values", "found a single value"},
        {"- database: x\n", "test.yaml, line 1: the file: expected keys with their values", "found a list"},
        {"retention: {per_source: [a]}\n", "test.yaml, line 1: retention.per_source: expected keys", "found a list"},
        {"customers:\n  -\n", "test.yaml, line 2: customers[0]: expected keys with their values", ""},
    };

    (void)state;
    check_refusals(rows, G_N_ELEMENTS(rows));
}

static void a_doubled_key_is_refused_with_both_lines(void **state)
{
    static const struct refusal rows[] = {
        {"database: x\nsmtp: {}\ndatabase: y\n",
         "test.yaml, line 3: database: is given twice; the first time in line 1", ""},
        {"customers:\n  - name: a\n    cloud: gcc\n    name: b\n",
         "test.yaml, line 4: customers[0].name: is given twice", "line 2"},
        {"smtp: {port: 1, port: 1}\n", "test.yaml, line 1: smtp.port: is given twice", ""},
        {"colour: x\ncolour: y\n", "test.yaml, line 2: colour: is given twice", ""},
    };

    (void)state;
    check_refusals(rows, G_N_ELEMENTS(rows));
}

static void what_is_no_yaml_is_told_with_its_line(void **state)
{
    static const struct refusal rows[] = {
        {"database: x\n\tsmtp: y\n", "test.yaml, line 2: ", "indented with a tab"},
        {"smtp:\n  server: x\n\tport: 3\n", "test.yaml, line 3: ", "indented with a tab"},
        {"database: \"x\nsmtp: y\n", "test.yaml, line 3: ", "is a quote not closed?"},
        {"database: a: b\n", "test.yaml, line 1: ", "goes in quotes"},
        {"database: @x\n", "test.yaml, line 1: ", "goes in quotes"},
        {"database: x\n  smtp: y\n", "test.yaml, line 2: ", "cannot be read as YAML"},
        {"customers: [{name: a},,{name: b}]\n", "test.yaml, line 1: customers", "cannot be read as YAML"},
        {"customers: [a\n", "test.yaml, line 2: ", "cannot be read as YAML"},
        {"{\n", "test.yaml, line 2: ", "cannot be read as YAML"},
        {"database: \"\\q\"\n", "test.yaml, line 1: ", "escape"},
        {"%TAG ! x\n", "test.yaml, line ", "cannot be read as YAML"},
    };

    (void)state;
    check_refusals(rows, G_N_ELEMENTS(rows));
}

static void what_would_be_a_surprise_is_refused(void **state)
{
    static const struct refusal rows[] = {
        {"database: &a x\nstatus_map: *a\n", "test.yaml, line 2: status_map: aliases (*name) are not taken", ""},
        {"a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n", "test.yaml, line 2: b[0]: aliases", ""},
        {"smtp: &s\n  port: 3\nreport:\n  <<: *s\n", "test.yaml, line 4: report: merge keys (<<)", ""},
        {"database: !!str x\n", "test.yaml, line 1: database: tags (!name) are not taken", ""},
        {"database: !secret x\n", "test.yaml, line 1: database: tags", ""},
        {"database: x\n---\ndatabase: y\n", "test.yaml, line 2: a second document begins here", ""},
        {"? [a]\n: b\n", "test.yaml, line 1: expected a key", ""},
        {"? {a: b}\n: c\n", "test.yaml, line 1: expected a key", ""},
        {"11111111-2222;x~TOPSECRET: y\n", "test.yaml, line 1: expected a key and its value", ""},
        {"customers:\n  - {name: a, 'TOPSECRET 1': x}\n", "test.yaml, line 2: customers[0]: expected a key", ""},
        {"'': x\n", "test.yaml, line 1: expected a key", ""},
        {"database: \"a\\0b\"\n", "test.yaml, line 1: database: holds a NUL character", ""},
        {"smtp: {a: {b: {c: {d: {e: {f: {g: {h: x}}}}}}}}\n",
         "test.yaml, line 1: smtp.a.b.c.d.e.f.g: blocks are nested too deeply", ""},
    };

    (void)state;
    check_refusals(rows, G_N_ELEMENTS(rows));
    check_refusal("database: \xff\n", 12, "test.yaml, line 1: holds bytes that are no UTF-8", "save the file as UTF-8");
    check_refusal("\n\ndatabase: \xc5\n", 14, "test.yaml, line 3: holds bytes that are no UTF-8", "");
    check_refusal("\xff\xfe"
                  "d\0a\0",
                  6, "test.yaml, line 1: holds bytes that are no UTF-8", "");
    check_refusal("database: x\0y\n", 14, "test.yaml, line 1: holds a NUL byte", "");
}

static void long_keys_are_not_shown(void **state)
{
    g_autofree char *key = g_strnfill(YAML_KEY_MAX + 1, 'k');
    g_autofree char *text = g_strdup_printf("%s: x\n", key);
    g_autoptr(GError) error = NULL;

    (void)state;
    assert_null(yaml_file_parse("test.yaml", text, strlen(text), &error));
    assert_null(strstr(error->message, key));
}

/* Time that grows with the square of the size would take minutes here. */
static void huge_files_are_read_or_refused_in_time(void **state)
{
    static const char *const pieces[] = {"[",  "{",  "- ", "? ",  "a: ",    "- name: x\n", "'", "\"",   "&a ", "!a ",
                                         "# ", "\n", "a,", "[a,", "- - - ", "*a,",         "%", "|\n ", "> "};

    const bool slow = g_getenv("M365KEEP_SHORT") != NULL;
    const size_t bytes = slow ? YAML_FILE_MAX / 64 : YAML_FILE_MAX / 4;
    const guint customers = slow ? 2000 : 20000;

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(pieces); i++) {
        g_autoptr(GString) text = g_string_new("customers: ");
        g_autoptr(GError) error = NULL;
        while (text->len < bytes)
            g_string_append(text, pieces[i]);
        g_autoptr(YamlFile) file = yaml_file_parse("test.yaml", text->str, text->len, &error);
        assert_true((file != NULL) != (error != NULL));
    }
    g_autoptr(GString) many = g_string_new("customers:\n");
    for (unsigned i = 0; i < customers; i++)
        g_string_append_printf(many, "  - name: customer %u\n    sources: [users, sign-ins]\n", i);
    g_autoptr(YamlFile) file = parse(many->str);
    assert_int_equal(file->root->n_customers, customers);
}

static void count_key(const char *path, void *user)
{
    g_ptr_array_add(user, g_strdup(path));
}

static void the_keys_can_be_listed(void **state)
{
    g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func(g_free);

    (void)state;
    yaml_file_keys(count_key, keys);
    g_ptr_array_add(keys, NULL);
    static const char *const some[] = {"database", "retention.per_source.sign-ins", "alerts[].mail_to[]",
                                       "customers[].timezone", "schedule.prune"};
    for (size_t i = 0; i < G_N_ELEMENTS(some); i++)
        assert_true(g_strv_contains((const char *const *)keys->pdata, some[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_arrives_as_it_is_written),
        cmocka_unit_test(places_tell_the_line_of_each_key),
        cmocka_unit_test(what_is_null_is_not_there),
        cmocka_unit_test(files_without_settings_are_empty),
        cmocka_unit_test(byte_order_marks_windows_lines_and_directives_are_taken),
        cmocka_unit_test(an_unknown_key_is_told_with_the_one_that_was_meant),
        cmocka_unit_test(a_place_for_credentials_is_not_offered),
        cmocka_unit_test(a_wrong_type_is_told_with_what_was_expected),
        cmocka_unit_test(a_doubled_key_is_refused_with_both_lines),
        cmocka_unit_test(what_is_no_yaml_is_told_with_its_line),
        cmocka_unit_test(what_would_be_a_surprise_is_refused),
        cmocka_unit_test(long_keys_are_not_shown),
        cmocka_unit_test(huge_files_are_read_or_refused_in_time),
        cmocka_unit_test(the_keys_can_be_listed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
