/* The report of a run: as JSON, as a table, and as an exit status. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "collect/report.h"

/* A report of one customer, with these sources; each is "ok" until a test says otherwise. */
static struct collect_report *report_of(const char *const (*sources)[2], size_t count)
{
    struct collect_report *report = collect_report_new(1800000000);
    struct collect_customer *customer = collect_report_customer(report, "contoso", "tenant");

    report->finished = 1800000060;
    for (size_t i = 0; i < count; i++)
        collect_report_source(customer, sources[i][0], sources[i][1]);
    return report;
}

static struct collect_source *source_at(const struct collect_report *report, guint index)
{
    const struct collect_customer *customer = g_ptr_array_index(report->customers, 0);

    return g_ptr_array_index(customer->sources, index);
}

static char *table_of(const struct collect_report *report, bool color)
{
    GString *out = g_string_new(NULL);

    collect_report_append_table(out, report, color);
    return g_string_free(out, FALSE);
}

static const char *const three[][2] = {{"users", ""}, {"sign-ins", ""}, {"sign-ins", "nonInteractiveUser"}};

static void a_part_of_a_source_has_an_entry_of_its_own_in_json(void **state)
{
    g_autoptr(CollectReport) report = report_of(three, G_N_ELEMENTS(three));
    g_autoptr(GString) out = g_string_new(NULL);
    g_autoptr(JsonTree) tree = json_tree_new();
    const struct json_node *entry;

    (void)state;
    collect_report_append_json(out, report);
    entry = json_tree_parse(tree, out->str, out->len, NULL);
    entry = json_get(json_get(entry, "customers")->child, "sources")->child;
    assert_string_equal(json_get_string(entry, "source"), "users");
    assert_int_equal(json_get(entry, "part")->type, JSON_NULL);
    entry = entry->next;
    assert_string_equal(json_get_string(entry, "source"), "sign-ins");
    assert_int_equal(json_get(entry, "part")->type, JSON_NULL);
    entry = entry->next;
    assert_string_equal(json_get_string(entry, "source"), "sign-ins");
    assert_string_equal(json_get_string(entry, "part"), "nonInteractiveUser");
    assert_null(entry->next);
}

static void a_part_stands_beside_its_source_in_the_table(void **state)
{
    g_autoptr(CollectReport) report = report_of(three, G_N_ELEMENTS(three));
    g_autofree char *table = table_of(report, false);

    (void)state;
    assert_non_null(strstr(table, "\ncontoso   users                        ok  "));
    assert_non_null(strstr(table, "\ncontoso   sign-ins                     ok  "));
    assert_non_null(strstr(table, "\ncontoso   sign-ins nonInteractiveUser  ok  "));
}

static void removed_accounts_have_a_column_only_when_there_are_some(void **state)
{
    g_autoptr(CollectReport) report = report_of(three, G_N_ELEMENTS(three));
    g_autofree char *without = table_of(report, false);
    g_autofree char *with = NULL;

    (void)state;
    assert_null(strstr(without, "REMOVED"));
    source_at(report, 0)->removed = 1234;
    with = table_of(report, false);
    assert_non_null(strstr(with, "KNOWN  REMOVED  REQUESTS"));
    assert_non_null(strstr(with, "    0    1,234         0"));
}

static void every_line_of_the_table_is_equally_wide_and_only_the_status_has_a_color(void **state)
{
    g_autoptr(CollectReport) report = report_of(three, G_N_ELEMENTS(three));
    g_autofree char *plain = NULL, *colored = NULL;

    (void)state;
    source_at(report, 1)->fetched = 1234567;
    source_at(report, 2)->bytes = 12345678;
    plain = table_of(report, false);
    colored = table_of(report, true);
    g_auto(GStrv) lines = g_strsplit(plain, "\n", -1);
    for (size_t i = 1; i < 4; i++)
        assert_int_equal(strlen(lines[i]), strlen(lines[0]));
    assert_string_equal(lines[4], "");
    assert_null(strchr(plain, '\x1b'));
    assert_non_null(strstr(colored, "\x1b[32mok"));
    assert_int_equal(strlen(colored), strlen(plain) + 3 * strlen("\x1b[32m\x1b[0m"));
}

static void the_exit_status_tells_whole_part_and_failure_apart(void **state)
{
    static const struct {
        enum collect_status status[3];
        int exit_status;
    } cases[] = {
        {{COLLECT_OK, COLLECT_OK, COLLECT_OK}, 0},
        {{COLLECT_OK, COLLECT_SKIPPED, COLLECT_OK}, 0},
        {{COLLECT_SKIPPED, COLLECT_SKIPPED, COLLECT_SKIPPED}, 3},
        {{COLLECT_OK, COLLECT_OK, COLLECT_PARTIAL}, 3},
        {{COLLECT_OK, COLLECT_FAILED, COLLECT_OK}, 3},
        {{COLLECT_FAILED, COLLECT_PARTIAL, COLLECT_FAILED}, 3},
        {{COLLECT_FAILED, COLLECT_SKIPPED, COLLECT_FAILED}, 1},
        {{COLLECT_FAILED, COLLECT_FAILED, COLLECT_FAILED}, 1},
    };
    g_autoptr(CollectReport) report = report_of(three, G_N_ELEMENTS(three));

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        for (guint j = 0; j < G_N_ELEMENTS(three); j++)
            source_at(report, j)->status = cases[i].status[j];
        assert_int_equal(collect_exit_status(report), cases[i].exit_status);
    }
}

static void with_nothing_to_collect_it_is_not_all_done(void **state)
{
    g_autoptr(CollectReport) report = report_of(NULL, 0);

    (void)state;
    assert_int_equal(collect_exit_status(report), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_part_of_a_source_has_an_entry_of_its_own_in_json),
        cmocka_unit_test(a_part_stands_beside_its_source_in_the_table),
        cmocka_unit_test(removed_accounts_have_a_column_only_when_there_are_some),
        cmocka_unit_test(every_line_of_the_table_is_equally_wide_and_only_the_status_has_a_color),
        cmocka_unit_test(the_exit_status_tells_whole_part_and_failure_apart),
        cmocka_unit_test(with_nothing_to_collect_it_is_not_all_done),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
