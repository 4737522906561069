/* What the configuration says of retention becomes lines that the store deletes by. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "maintain/maintain.h"
#include "maintain/policy.h"
#include "sources/sources.h"

enum { DAY_S = 24 * 60 * 60 };
static const int64_t now = 1763640000; /* 2025-11-20T12:00:00Z */

/* Days of a source's own. */
struct own {
    const char *source;
    int64_t days;
};

/* A configuration with nothing but retention; `own` is ended by a NULL source. */
static struct config configure(int64_t days, int64_t max_size, const struct own *own)
{
    struct config config = {.retention = {.days = days, .max_size_bytes = max_size}};

    config.retention.per_source = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    for (; own->source != NULL; own++)
        g_hash_table_insert(config.retention.per_source, g_strdup(own->source),
                            g_memdup2(&own->days, sizeof own->days));
    return config;
}

/* The line of a source under such a retention; asserts that there is one, and one only. */
static int64_t line_of(int64_t days, const struct own *own, const char *source)
{
    struct config config = configure(days, 0, own);
    GArray *lines = maintain_policy(&config, now);
    int64_t before = 0;
    unsigned found = 0;

    for (guint i = 0; i < lines->len; i++) {
        const struct store_keep *line = &g_array_index(lines, struct store_keep, i);
        if (strcmp(line->source, source) == 0) {
            before = line->before;
            found++;
        }
    }
    assert_int_equal(found, 1);
    g_array_unref(lines);
    g_hash_table_unref(config.retention.per_source);
    return before;
}

static const struct own none[] = {{NULL, 0}};

static void days_of_all_are_a_line_for_every_source_and_for_mails(void **state)
{
    (void)state;
    for (const struct source *source = sources_all(); source->name != NULL; source++)
        assert_int_equal(line_of(30, none, source->name), now - 30 * DAY_S);
    assert_int_equal(line_of(30, none, "mails"), now - 30 * DAY_S);
}

static void no_days_keep_for_ever(void **state)
{
    (void)state;
    for (const struct source *source = sources_all(); source->name != NULL; source++)
        assert_int_equal(line_of(0, none, source->name), INT64_MIN);
    assert_int_equal(line_of(0, none, "mails"), INT64_MIN);
}

static void a_source_has_days_of_its_own(void **state)
{
    static const struct own own[] = {{"sign-ins", 7}, {"mails", 400}, {NULL, 0}};

    (void)state;
    assert_int_equal(line_of(30, own, "sign-ins"), now - 7 * DAY_S);
    assert_int_equal(line_of(30, own, "mails"), now - 400 * (int64_t)DAY_S);
    assert_int_equal(line_of(30, own, "directory-audits"), now - 30 * DAY_S);
    assert_int_equal(line_of(0, own, "sign-ins"), now - 7 * DAY_S);
    assert_int_equal(line_of(0, own, "directory-audits"), INT64_MIN);
}

static void a_source_may_be_kept_for_ever_while_others_are_not(void **state)
{
    static const struct own own[] = {{"health", 0}, {NULL, 0}};

    (void)state;
    assert_int_equal(line_of(30, own, "health"), INT64_MIN);
    assert_int_equal(line_of(30, own, "users"), now - 30 * DAY_S);
}

static void everything_is_kept_only_where_nothing_limits_anything(void **state)
{
    static const struct own seven[] = {{"sign-ins", 7}, {NULL, 0}}, zero[] = {{"sign-ins", 0}, {NULL, 0}};
    const struct {
        int64_t days, max_size;
        const struct own *own;
        bool keeps_all;
    } rows[] = {
        {0, 0, none, true},   {0, 0, zero, true},   {30, 0, none, false}, {0, 1, none, false},
        {0, 0, seven, false}, {30, 0, zero, false}, {0, 1, zero, false},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct config config = configure(rows[i].days, rows[i].max_size, rows[i].own);
        assert_int_equal(maintain_keeps_all(&config), rows[i].keeps_all);
        g_hash_table_unref(config.retention.per_source);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(days_of_all_are_a_line_for_every_source_and_for_mails),
        cmocka_unit_test(no_days_keep_for_ever),
        cmocka_unit_test(a_source_has_days_of_its_own),
        cmocka_unit_test(a_source_may_be_kept_for_ever_while_others_are_not),
        cmocka_unit_test(everything_is_kept_only_where_nothing_limits_anything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
