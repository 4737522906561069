/* How bad each status is: what is built in, what a file changes, and how what is wrong with one is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <unistd.h>

#include "config/config.h"
#include "config/status_map.h"

typedef struct config_status_map Map;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Map, config_status_map_free)

static struct config_status_map *parse(const char *text)
{
    g_autoptr(GError) error = NULL;
    struct config_status_map *map = status_map_parse("map.yaml", text, strlen(text), &error);

    if (map == NULL)
        fail_msg("%s\n-> %s", text, error->message);
    return map;
}

static void check_priority(const struct config_status_map *map, const char *status, int priority, bool known)
{
    bool told;

    assert_int_equal(config_status_priority(map, status, &told), priority);
    assert_int_equal(told, known);
}

/* --- the built-in map --------------------------------------------------------------------------------------------- */

static void every_status_of_graph_has_a_priority(void **state)
{
    static const struct {
        const char *status;
        int priority;
    } rows[] = {
        {"serviceOperational", 10},
        {"investigating", 5},
        {"restoringService", 5},
        {"verifyingService", 7},
        {"serviceRestored", 9},
        {"postIncidentReviewPublished", 9},
        {"serviceDegradation", 3},
        {"serviceInterruption", 1},
        {"extendedRecovery", 4},
        {"falsePositive", 9},
        {"resolved", 9},
        {"mitigatedExternal", 9},
        {"investigationSuspended", 8},
        {"mitigated", 9},
        {"resolvedExternal", 9},
        {"confirmed", 3},
        {"reported", 6},
        {"unknownFutureValue", 6},
    };
    g_autoptr(Map) map = config_status_map_load(NULL, NULL);

    (void)state;
    assert_non_null(map);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *upper = g_ascii_strup(rows[i].status, -1);
        check_priority(map, rows[i].status, rows[i].priority, true);
        check_priority(map, upper, rows[i].priority, true);
    }
    assert_int_equal(g_strv_length((char **)config_status_names(map)), G_N_ELEMENTS(rows));
}

static void a_status_that_nobody_has_heard_of_is_taken_for_unknown(void **state)
{
    g_autoptr(Map) map = config_status_map_load(NULL, NULL), other = parse("unknown: 2\n");

    (void)state;
    check_priority(map, "serviceOnFire", 6, false);
    check_priority(map, "", 6, false);
    check_priority(map, NULL, 6, false);
    check_priority(map, "unknown", 6, false);
    check_priority(other, "serviceOnFire", 2, false);
    assert_int_equal(config_status_priority(map, "Resolved", NULL), 9);
}

static void names_are_sorted_and_in_lower_case(void **state)
{
    g_autoptr(Map) map = parse("ServiceOnFire: 0\nUNKNOWN: 5\nresolved: 10\n");
    const char *const *names = config_status_names(map);

    (void)state;
    assert_int_equal(g_strv_length((char **)names), 19);
    for (size_t i = 0; names[i] != NULL; i++) {
        g_autofree char *lower = g_ascii_strdown(names[i], -1);
        assert_string_equal(names[i], lower);
        assert_true(i == 0 || strcmp(names[i - 1], names[i]) < 0);
    }
    assert_true(g_strv_contains(names, "serviceonfire"));
    assert_false(g_strv_contains(names, "unknown"));
}

/* --- files of users ----------------------------------------------------------------------------------------------- */

static void a_file_changes_only_what_it_says(void **state)
{
    g_autoptr(Map) map = parse("# ours\n"
                               "SERVICEDEGRADATION: 0\n"
                               "service-on_fire2: '1'\n"
                               "Unknown: 10\n");

    (void)state;
    check_priority(map, "serviceDegradation", 0, true);
    check_priority(map, "Service-On_Fire2", 1, true);
    check_priority(map, "resolved", 9, true);
    check_priority(map, "serviceInterruption", 1, true);
    check_priority(map, "other", 10, false);
}

static void a_file_without_lines_changes_nothing(void **state)
{
    static const char *const texts[] = {"", "# nothing\n", "{}\n", "~\n", "---\n", "\xef\xbb\xbf"};

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(Map) map = parse(texts[i]);
        check_priority(map, "serviceDegradation", 3, true);
    }
}

static void what_is_wrong_is_told_with_file_line_and_what_was_expected(void **state)
{
    static const struct {
        const char *text, *begin, *part;
    } rows[] = {
        {"a: 1\nserviceDegradation: 11\n", "map.yaml, line 2: the priority of serviceDegradation must be a whole",
         "from 0 (the worst) to 10"},
        {"a: -1\n", "map.yaml, line 1: the priority of a", "from 0"},
        {"a: 3.5\n", "map.yaml, line 1: the priority of a", "whole number"},
        {"a: TOPSECRET\n", "map.yaml, line 1: the priority of a", ""},
        {"a: ''\n", "map.yaml, line 1: the priority of a", ""},
        {"a: 99999999999999999999\n", "map.yaml, line 1: the priority of a", ""},
        {"a: [1]\n", "map.yaml, line 1: the priority of a", ""},
        {"a:\n  b: 1\n", "map.yaml, line 1: the priority of a", ""},
        {"a: {}\n", "map.yaml, line 1: the priority of a", ""},
        {"a: 1\nb: 1\nA: 2\n", "map.yaml, line 3: A is given twice, as case does not matter; the first time in line 1",
         "Keep one"},
        {"unknown: 1\nUnknown:\n", "map.yaml, line 2: Unknown is given twice", ""},
        {"a: 1\nserviceDegradation:\n", "map.yaml, line 2: no priority follows serviceDegradation",
         "take the line out"},
        {"unknown: ~\n", "map.yaml, line 1: no priority follows unknown", "from 0"},
        {"a: 1\na: 1\n", "map.yaml, line 2: a: is given twice; the first time in line 1", ""},
        {"- a\n- b\n", "map.yaml, line 1: expected lines of a status and its priority", "serviceDegradation: 3"},
        {"TOPSECRET\n", "map.yaml, line 1: expected lines of a status", ""},
        {"service degradation: 3\n", "map.yaml, line 1: expected a key and its value", "no name"},
        {"'': 3\n", "map.yaml, line 1: expected a key and its value", "no name"},
        {"a: *b\n", "map.yaml, line 1: a: aliases", ""},
        {"a: !!int 3\n", "map.yaml, line 1: a: tags", ""},
        {"a: 1\n---\nb: 2\n", "map.yaml, line 2: a second document begins here", ""},
        {"a: 1\n\tb: 2\n", "map.yaml, line 2", "tab"},
        {"a: \"1\n", "map.yaml, line", "cannot be read as YAML"},
        {"a: \xff\n", "map.yaml, line 1", "UTF-8"},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Map) map = status_map_parse("map.yaml", rows[i].text, strlen(rows[i].text), &error);
        if (map != NULL)
            fail_msg("taken: %s", rows[i].text);
        assert_true(g_error_matches(error, CONFIG_ERROR, CONFIG_ERROR_INVALID));
        if (!g_str_has_prefix(error->message, rows[i].begin) || strstr(error->message, rows[i].part) == NULL ||
            strstr(error->message, "TOPSECRET") != NULL)
            fail_msg("%s\n-> %s", rows[i].text, error->message);
    }
}

static void a_file_is_read_from_the_disk(void **state)
{
    g_autofree char *folder = g_dir_make_tmp("m365keep-map-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "map.yaml", NULL);
    g_autoptr(GError) absent = NULL, endless = NULL;

    (void)state;
    assert_null(config_status_map_load(path, &absent));
    assert_true(g_error_matches(absent, CONFIG_ERROR, CONFIG_ERROR_INVALID));
    assert_non_null(strstr(absent->message, path));
    assert_non_null(strstr(absent->message, "No such file"));
    assert_null(config_status_map_load("/dev/zero", &endless));
    assert_non_null(strstr(endless->message, "/dev/zero: it is larger than 1 MiB"));
    assert_true(g_file_set_contents(path, "resolved: 2\n", -1, NULL));
    g_autoptr(Map) map = config_status_map_load(path, NULL);
    check_priority(map, "resolved", 2, true);
    assert_int_equal(g_unlink(path) | g_rmdir(folder), 0);
    config_status_map_free(NULL);
}

/* What is shipped for people to start from is a map itself, and says what is built in. */
static void the_shipped_file_is_the_built_in_map(void **state)
{
    g_autoptr(Map) shipped = config_status_map_load(M365KEEP_SOURCE_DIR "/reports/status_map.yaml", NULL);
    g_autoptr(Map) built_in = config_status_map_load(NULL, NULL);

    (void)state;
    assert_non_null(shipped);
    for (const char *const *name = config_status_names(shipped); *name != NULL; name++)
        check_priority(built_in, *name, config_status_priority(shipped, *name, NULL), true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_status_of_graph_has_a_priority),
        cmocka_unit_test(a_status_that_nobody_has_heard_of_is_taken_for_unknown),
        cmocka_unit_test(names_are_sorted_and_in_lower_case),
        cmocka_unit_test(a_file_changes_only_what_it_says),
        cmocka_unit_test(a_file_without_lines_changes_nothing),
        cmocka_unit_test(what_is_wrong_is_told_with_file_line_and_what_was_expected),
        cmocka_unit_test(a_file_is_read_from_the_disk),
        cmocka_unit_test(the_shipped_file_is_the_built_in_map),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
