/* What the configuration says of retention, judged before it deletes anything. */
#include "told.h"

#include "doctor/retention.h"

static const int64_t mib = INT64_C(1) << 20, gib = INT64_C(1) << 30;

struct days {
    const char *source;
    int64_t days;
};

/* A configuration with these days; the last of `own` has no source. */
static void configure(struct config *config, int64_t days, const struct days *own)
{
    config->retention.days = days;
    config->retention.per_source = g_hash_table_new(g_str_hash, g_str_equal);
    for (; own && own->source; own++)
        g_hash_table_insert(config->retention.per_source, (char *)own->source, (gpointer)&own->days);
}

static void assert_judged(int64_t days, const struct days *own, int days_from, const char *expected)
{
    struct config config = {.report.days_from = days_from};
    struct section *section = section_new(NULL);

    configure(&config, days, own);
    retention_check(section, &config);
    assert_told(section, expected);
    g_hash_table_unref(config.retention.per_source);
}

static void days_that_are_over_before_late_records_are_in_are_noted(void **state)
{
    static const struct days short_one[] = {{"sign-ins", 1}, {"users", 2}, {NULL, 0}},
                             two[] = {{"sign-ins", 7}, {"directory-audits", 2}, {NULL, 0}},
                             others[] = {{"users", 1}, {"mails", 1}, {NULL, 0}};
    static const char words[] =
        "note: Some records come days after they happened, and are looked for until 7 days after; "
        "what comes after its retention is not stored: ";
    g_autofree char *one_told = g_strconcat(words, "sign-ins 1 day.", NULL);
    g_autofree char *two_told = g_strconcat(words, "sign-ins 7 days, directory-audits 2 days.", NULL);

    (void)state;
    assert_judged(0, NULL, 1, "");
    assert_judged(8, NULL, 1, "");
    assert_judged(365, short_one, 1, one_told);
    assert_judged(0, two, 1, two_told);
    assert_judged(0, others, 1, "");
}

static void reports_that_look_further_back_than_health_is_kept_are_told(void **state)
{
    static const struct days health[] = {{"health", 7}, {NULL, 0}}, kept[] = {{"health", 0}, {NULL, 0}};

    (void)state;
    assert_judged(30, health, 7,
                  "warn: Service health is kept for 7 days, and reports begin 7 days ago: they will lack data.");
    assert_judged(30, health, 6, "");
    assert_judged(30, kept, 300, "");
    assert_judged(30, NULL, 30,
                  "warn: Service health is kept for 30 days, and reports begin 30 days ago: they will lack data.");
}

static void what_a_limit_of_size_would_delete_is_told(void **state)
{
    const struct {
        struct retention_facts facts;
        const char *expected;
    } rows[] = {
        {{5 * gib, 0, gib}, ""},
        {{gib, gib, gib}, ""},
        {{gib + 1, gib, 10 * mib},
         "note: 1.0 GiB are in use, and retention.max_size is 1.0 GiB: the next prune deletes the oldest records, what "
         "comes in about 1 day now."},
        {{2 * gib, gib, 100 * mib},
         "warn: 2.0 GiB are in use, and retention.max_size is 1.0 GiB: the next prune deletes the oldest records, what "
         "comes in about 11 days now."},
        {{2 * gib, gib, 0},
         "warn: 2.0 GiB are in use, and retention.max_size is 1.0 GiB: the next prune deletes the oldest records, 1.0 "
         "GiB."},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct section *section = section_new(NULL);
        retention_judge_size(section, &rows[i].facts);
        assert_told(section, rows[i].expected);
    }
}

static void growth_ends_where_retention_deletes_as_much_as_comes(void **state)
{
    static const struct days own[] = {{"sign-ins", 10}, {"directory-audits", 40}, {NULL, 0}},
                             for_ever[] = {{"intune-audits", 0}, {NULL, 0}};
    const struct {
        int64_t days;
        const struct days *own;
        int64_t max_size, per_day, most;
    } rows[] = {
        {0, NULL, 0, gib, 0},           {0, NULL, 5 * gib, gib, 5 * gib},      {30, NULL, 0, gib, 30 * gib},
        {30, own, 0, gib, 40 * gib},    {30, own, 5 * gib, gib, 5 * gib},      {30, own, 50 * gib, gib, 40 * gib},
        {30, for_ever, 0, gib, 0},      {30, for_ever, 5 * gib, gib, 5 * gib}, {30, NULL, 0, 0, 0},
        {30, NULL, 5 * gib, 0, 5 * gib}};

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct config config = {.retention.max_size_bytes = rows[i].max_size};
        configure(&config, rows[i].days, rows[i].own);
        assert_int_equal(retention_most(&config, rows[i].per_day), rows[i].most);
        g_hash_table_unref(config.retention.per_source);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(days_that_are_over_before_late_records_are_in_are_noted),
        cmocka_unit_test(reports_that_look_further_back_than_health_is_kept_are_told),
        cmocka_unit_test(what_a_limit_of_size_would_delete_is_told),
        cmocka_unit_test(growth_ends_where_retention_deletes_as_much_as_comes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
