/* Standing: what the configuration wants against what the database knows. */

/* cmocka.h wants these first, in this order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "doctor/doctor.h"

enum { NOW = 1795680000, MINUTE = 60, HOUR = 60 * MINUTE, DAY = 24 * HOUR };

#define CONTOSO  "11111111-1111-4111-8111-111111111111"
#define FABRIKAM "22222222-2222-4222-8222-222222222222"

static const char *const both[] = {"users", "sign-ins", NULL};

struct fixture {
    struct config config;
    struct store_status status;
};

static void customer_free(gpointer data)
{
    struct config_customer *customer = data;

    g_strfreev(customer->sources);
    g_free(customer);
}

static void facts_free(gpointer data)
{
    struct store_status_source *facts = data;

    g_array_unref(facts->holes);
    g_free(facts);
}

static int set_up(void **state)
{
    struct fixture *fixture = g_new0(struct fixture, 1);

    fixture->config.customers = g_ptr_array_new_with_free_func(customer_free);
    fixture->config.schedule.collect.every_s = 15 * MINUTE;
    fixture->config.schedule.health.every_s = 5 * MINUTE;
    fixture->config.schedule.prune.daily = true;
    fixture->config.retention.per_source = g_hash_table_new(g_str_hash, g_str_equal);
    fixture->status.sources = g_ptr_array_new_with_free_func(facts_free);
    fixture->status.tasks = g_ptr_array_new_with_free_func(g_free);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    g_ptr_array_unref(fixture->config.customers);
    g_hash_table_unref(fixture->config.retention.per_source);
    g_ptr_array_unref(fixture->status.sources);
    g_ptr_array_unref(fixture->status.tasks);
    g_free(fixture);
    return 0;
}

/* A customer of users and sign-ins; `tenant_id` NULL: of a file that was read without its secrets. */
static struct config_customer *configure(struct fixture *fixture, const char *name, const char *tenant_id)
{
    struct config_customer *customer = g_new0(struct config_customer, 1);

    customer->name = (char *)name;
    customer->tenant_id = (char *)tenant_id;
    customer->sources = g_strdupv((char **)both);
    g_ptr_array_add(fixture->config.customers, customer);
    return customer;
}

/* A source whose last run ended well, so many seconds ago. */
static struct store_status_source *know(struct fixture *fixture, const char *name, const char *tenant_id,
                                        const char *source, int64_t age_s)
{
    struct store_status_source *facts = g_new0(struct store_status_source, 1);

    facts->customer = (char *)name;
    facts->tenant_id = (char *)tenant_id;
    facts->source = (char *)source;
    facts->last_run_at = facts->last_success_at = NOW - age_s;
    facts->holes = g_array_new(FALSE, FALSE, sizeof(struct store_hole));
    g_ptr_array_add(fixture->status.sources, facts);
    return facts;
}

static void add_hole(struct store_status_source *facts)
{
    struct store_hole hole = {STORE_HOLE_LOST, NULL, NOW - 2 * DAY, NOW - DAY};

    g_array_append_val(facts->holes, hole);
}

/* "contoso sign-ins fresh, ..."; what is a finding has a "!". */
static void assert_standing(const struct fixture *fixture, const char *expected, unsigned findings)
{
    static const char *const states[] = {"fresh", "stale", "never", "unavailable", "kept"};
    g_autoptr(Standing) standing = standing_new(&fixture->config, &fixture->status, NOW);
    g_autoptr(GString) words = g_string_new(NULL);

    for (guint i = 0; i < standing->sources->len; i++) {
        const struct standing_source *source = standing->sources->pdata[i];
        g_string_append_printf(words, "%s%s %s %s%s", i > 0 ? ", " : "", source->customer, source->source,
                               states[source->state], source->finding ? "!" : "");
    }
    assert_string_equal(words->str, expected);
    assert_int_equal(standing->findings, findings);
}

/* --- fresh and stale ------------------------------------------------------------------------------------------------
 */

static void a_source_is_stale_when_three_runs_were_missed_but_an_hourly_timer_is_not(void **state)
{
    static const struct {
        struct config_schedule collect, health;
        const char *source;
        int64_t stale_after_s;
    } rows[] = {
        {{false, 15 * MINUTE, 0}, {false, 5 * MINUTE, 0}, "sign-ins", 90 * MINUTE},
        {{false, 15 * MINUTE, 0}, {false, 5 * MINUTE, 0}, "health", 30 * MINUTE},
        {{false, 30 * MINUTE, 0}, {false, 20 * MINUTE, 0}, "users", 90 * MINUTE},
        {{false, 30 * MINUTE, 0}, {false, 20 * MINUTE, 0}, "health", HOUR},
        {{true, 0, 180}, {true, 0, 180}, "sign-ins", 3 * DAY},
        {{true, 0, 180}, {true, 0, 180}, "health", 3 * DAY},
    };
    struct fixture *fixture = *state;

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *fresh = g_strdup_printf("contoso %s fresh", rows[i].source);
        g_autofree char *stale = g_strdup_printf("contoso %s stale!", rows[i].source);
        struct store_status_source *facts = know(fixture, "contoso", CONTOSO, rows[i].source, rows[i].stale_after_s);
        fixture->config.schedule.collect = rows[i].collect;
        fixture->config.schedule.health = rows[i].health;
        assert_standing(fixture, fresh, 0);
        facts->last_success_at--;
        assert_standing(fixture, stale, 1);
        g_autoptr(Standing) standing = standing_new(&fixture->config, &fixture->status, NOW);
        assert_int_equal(((struct standing_source *)standing->sources->pdata[0])->stale_after_s, rows[i].stale_after_s);
        g_ptr_array_set_size(fixture->status.sources, 0);
    }
}

static void a_clock_that_was_set_back_makes_nothing_stale(void **state)
{
    know(*state, "contoso", CONTOSO, "sign-ins", -DAY);
    assert_standing(*state, "contoso sign-ins fresh", 0);
}

static void runs_without_a_success_do_not_make_a_source_fresh(void **state)
{
    struct store_status_source *facts = know(*state, "contoso", CONTOSO, "sign-ins", MINUTE);

    facts->outcome = STORE_OUTCOME_FAILED;
    facts->last_success_at = 0;
    assert_standing(*state, "contoso sign-ins stale!", 1);
    facts->last_success_at = NOW - 30 * MINUTE; /* one run that failed is no alarm */
    assert_standing(*state, "contoso sign-ins fresh", 0);
}

static void what_a_tenant_never_had_is_no_finding(void **state)
{
    struct store_status_source *facts = know(*state, "contoso", CONTOSO, "sign-ins", MINUTE);

    facts->outcome = STORE_OUTCOME_UNAVAILABLE;
    facts->last_success_at = 0;
    assert_standing(*state, "contoso sign-ins unavailable", 0);
    facts->unreadable = 1; /* is no record */
    add_hole(facts);
    assert_standing(*state, "contoso sign-ins unavailable", 0);
}

static void what_a_tenant_had_and_lost_is_a_finding(void **state)
{
    static const struct {
        int64_t last_success_at, records;
    } rows[] = {{NOW - 400 * DAY, 0}, {NOW - MINUTE, 0}, {0, 1}, {NOW - DAY, 9}};
    struct store_status_source *facts = know(*state, "contoso", CONTOSO, "sign-ins", MINUTE);

    facts->outcome = STORE_OUTCOME_UNAVAILABLE;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        facts->last_success_at = rows[i].last_success_at;
        facts->records = rows[i].records;
        assert_standing(*state, "contoso sign-ins unavailable!", 1);
    }
    add_hole(facts);
    assert_standing(*state, "contoso sign-ins unavailable!", 1);
}

static void what_a_tenant_does_not_have_is_stale_when_nobody_asks_for_it_any_more(void **state)
{
    struct store_status_source *facts = know(*state, "contoso", CONTOSO, "sign-ins", 90 * MINUTE);

    facts->outcome = STORE_OUTCOME_UNAVAILABLE;
    facts->last_success_at = 0;
    assert_standing(*state, "contoso sign-ins unavailable", 0);
    facts->last_run_at--;
    assert_standing(*state, "contoso sign-ins stale!", 1);
}

static void a_source_with_holes_is_a_finding_and_counts_once(void **state)
{
    struct fixture *fixture = *state;
    struct store_status_source *facts = know(fixture, "contoso", CONTOSO, "sign-ins", MINUTE);

    add_hole(facts);
    add_hole(facts);
    assert_standing(fixture, "contoso sign-ins fresh!", 1);
    facts->last_success_at = NOW - DAY;
    assert_standing(fixture, "contoso sign-ins stale!", 1);
}

static void a_gap_between_scans_is_a_finding_until_a_day_after_its_end(void **state)
{
    static const struct {
        int64_t ended_s; /* ago */
        enum store_hole_kind kind;
        bool finding;
    } rows[] = {
        {0, STORE_HOLE_SCANS, true},         {DAY - 1, STORE_HOLE_SCANS, true}, {DAY, STORE_HOLE_SCANS, false},
        {29 * DAY, STORE_HOLE_SCANS, false}, {29 * DAY, STORE_HOLE_LOST, true}, {29 * DAY, STORE_HOLE_UNREAD, true},
        {29 * DAY, STORE_HOLE_OPEN, true},
    };
    struct store_status_source *facts = know(*state, "contoso", CONTOSO, "health", MINUTE);

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct store_hole hole = {rows[i].kind, NULL, NOW - rows[i].ended_s - 31 * MINUTE, NOW - rows[i].ended_s};
        g_array_append_val(facts->holes, hole);
        assert_standing(*state, rows[i].finding ? "contoso health fresh!" : "contoso health fresh", rows[i].finding);
        g_array_set_size(facts->holes, 0);
    }
}

static void an_old_gap_between_scans_hides_no_other_hole(void **state)
{
    struct store_status_source *facts = know(*state, "contoso", CONTOSO, "health", MINUTE);
    struct store_hole old = {STORE_HOLE_SCANS, NULL, NOW - 3 * DAY, NOW - 2 * DAY};
    struct store_hole recent = {STORE_HOLE_SCANS, NULL, NOW - 3 * HOUR, NOW - HOUR};

    g_array_append_val(facts->holes, old);
    g_array_append_val(facts->holes, recent);
    assert_standing(*state, "contoso health fresh!", 1);
}

/* --- what the configuration wants -----------------------------------------------------------------------------------
 */

static void what_is_configured_and_was_never_collected_is_a_finding(void **state)
{
    struct fixture *fixture = *state;

    configure(fixture, "contoso", CONTOSO);
    assert_standing(fixture, "contoso users never!, contoso sign-ins never!", 2);
    know(fixture, "contoso", CONTOSO, "sign-ins", MINUTE);
    assert_standing(fixture, "contoso users never!, contoso sign-ins fresh", 1);
}

static void a_first_run_that_has_not_ended_is_never_yet(void **state)
{
    struct fixture *fixture = *state;
    struct store_status_source *facts = know(fixture, "contoso", CONTOSO, "sign-ins", 0);

    facts->last_run_at = facts->last_success_at = 0;
    assert_standing(fixture, "contoso sign-ins never!", 1);
}

static void without_a_list_of_sources_every_one_is_wanted(void **state)
{
    struct fixture *fixture = *state;
    struct config_customer *customer = configure(fixture, "contoso", CONTOSO);

    g_clear_pointer(&customer->sources, g_strfreev);
    g_autoptr(Standing) standing = standing_new(&fixture->config, &fixture->status, NOW);
    assert_true(standing->sources->len >= 3);
    assert_int_equal(standing->findings, standing->sources->len);
}

static void sources_that_this_version_does_not_collect_are_not_missed(void **state)
{
    struct fixture *fixture = *state;
    struct config_customer *customer = configure(fixture, "contoso", CONTOSO);

    g_strfreev(customer->sources);
    customer->sources = g_strsplit("carrier-pigeons,users", ",", -1);
    assert_standing(fixture, "contoso users never!", 1);
}

static void what_is_not_configured_any_more_is_kept_and_no_finding(void **state)
{
    struct fixture *fixture = *state;

    configure(fixture, "fabrikam", FABRIKAM);
    add_hole(know(fixture, "contoso", CONTOSO, "sign-ins", 400 * DAY));
    know(fixture, "fabrikam", FABRIKAM, "directory-audits", 9 * DAY);
    know(fixture, "fabrikam", FABRIKAM, "sign-ins", MINUTE);
    know(fixture, "fabrikam", FABRIKAM, "users", MINUTE);
    assert_standing(
        fixture, "fabrikam users fresh, fabrikam sign-ins fresh, fabrikam directory-audits kept, contoso sign-ins kept",
        0);
}

static void without_customers_nothing_counts_as_kept(void **state)
{
    know(*state, "contoso", CONTOSO, "sign-ins", 400 * DAY);
    know(*state, "fabrikam", FABRIKAM, "sign-ins", MINUTE);
    assert_standing(*state, "contoso sign-ins stale!, fabrikam sign-ins fresh", 1);
}

/* --- whose records --------------------------------------------------------------------------------------------------
 */

static void a_tenant_is_known_by_its_id_whatever_it_was_called(void **state)
{
    struct fixture *fixture = *state;

    configure(fixture, "contoso ltd", "AAAAAAAA-1111-4111-8111-111111111111");
    know(fixture, "contoso", "aaaaaaaa-1111-4111-8111-111111111111", "sign-ins", MINUTE);
    know(fixture, "contoso", "aaaaaaaa-1111-4111-8111-111111111111", "users", MINUTE);
    assert_standing(fixture, "contoso ltd users fresh, contoso ltd sign-ins fresh", 0);
}

static void a_tenant_that_only_secrets_tell_is_known_by_its_name(void **state)
{
    struct fixture *fixture = *state;

    configure(fixture, "CONTOSO \xc3\x84", NULL);
    know(fixture, "Contoso \xc3\xa4", CONTOSO, "sign-ins", MINUTE);
    know(fixture, "Contoso \xc3\xa4", CONTOSO, "users", MINUTE);
    assert_standing(fixture, "CONTOSO \xc3\x84 users fresh, CONTOSO \xc3\x84 sign-ins fresh", 0);
}

static void of_two_tenants_of_one_name_the_one_collected_last_is_meant(void **state)
{
    struct fixture *fixture = *state;

    configure(fixture, "contoso", NULL);
    know(fixture, "contoso", CONTOSO, "sign-ins", 90 * DAY);
    know(fixture, "contoso", CONTOSO, "users", 90 * DAY);
    know(fixture, "contoso", FABRIKAM, "sign-ins", MINUTE);
    know(fixture, "contoso", FABRIKAM, "users", MINUTE);
    assert_standing(fixture, "contoso users fresh, contoso sign-ins fresh, contoso sign-ins kept, contoso users kept",
                    0);
}

static void a_name_that_moved_to_another_tenant_starts_anew(void **state)
{
    struct fixture *fixture = *state;

    configure(fixture, "contoso", FABRIKAM);
    know(fixture, "contoso", CONTOSO, "sign-ins", MINUTE);
    assert_standing(fixture, "contoso users never!, contoso sign-ins never!, contoso sign-ins kept", 2);
}

/* --- retention ------------------------------------------------------------------------------------------------------
 */

/* Prune was last done so long ago. */
static void prune_done(struct fixture *fixture, int64_t age_s)
{
    struct store_status_task *verify = g_new0(struct store_status_task, 1), *prune = g_memdup2(verify, sizeof *verify);

    verify->task = (char *)"verify";
    verify->finished_at = NOW;
    prune->task = (char *)"prune";
    prune->finished_at = NOW - age_s;
    g_ptr_array_set_size(fixture->status.tasks, 0);
    g_ptr_array_add(fixture->status.tasks, verify);
    g_ptr_array_add(fixture->status.tasks, prune);
}

static void assert_overdue(struct fixture *fixture, bool overdue)
{
    g_autoptr(Standing) standing = standing_new(&fixture->config, &fixture->status, NOW);

    assert_int_equal(standing->prune_overdue, overdue);
    assert_int_equal(standing->findings, overdue);
}

static void prune_is_overdue_after_three_times_its_schedule_when_there_is_what_should_be_gone(void **state)
{
    struct fixture *fixture = *state;
    struct store_status_source *facts = know(fixture, "contoso", CONTOSO, "sign-ins", MINUTE);

    fixture->config.retention.days = 30;
    facts->held_from = NOW - 33 * DAY;
    assert_overdue(fixture, false); /* three days may pass */
    facts->held_from = NOW - 33 * DAY - 1;
    assert_overdue(fixture, true);
    prune_done(fixture, 3 * DAY);
    assert_overdue(fixture, false); /* what it left, it had its reason for, and said it */
    prune_done(fixture, 3 * DAY + 1);
    assert_overdue(fixture, true);
    fixture->config.schedule.prune.daily = false;
    fixture->config.schedule.prune.every_s = 10 * DAY;
    assert_overdue(fixture, false);
}

static void without_retention_prune_is_never_overdue(void **state)
{
    struct fixture *fixture = *state;
    int64_t for_ever = 0, month = 30;
    struct store_status_source *facts = know(fixture, "contoso", CONTOSO, "sign-ins", MINUTE);

    facts->held_from = NOW - 4000 * DAY;
    assert_overdue(fixture, false);
    fixture->config.retention.days = 90;
    g_hash_table_insert(fixture->config.retention.per_source, (char *)"sign-ins", &for_ever);
    assert_overdue(fixture, false);
    g_hash_table_insert(fixture->config.retention.per_source, (char *)"sign-ins", &month);
    assert_overdue(fixture, true);
    facts->held_from = 0; /* nobody can tell */
    assert_overdue(fixture, false);
}

static void a_tenth_above_max_size_is_a_finding_and_what_a_day_brings_is_not(void **state)
{
    static const struct {
        int64_t max, database, unused, wal;
        bool over;
    } rows[] = {{0, 5000, 0, 0, false},      {1000, 1000, 0, 0, false}, {1000, 1100, 0, 0, false},
                {1000, 1101, 0, 0, true},    {1000, 1101, 1, 0, false}, {1000, 1000, 0, 101, true},
                {1000, 9000, 8900, 0, false}};
    struct fixture *fixture = *state;

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        fixture->config.retention.max_size_bytes = rows[i].max;
        fixture->status.database_bytes = rows[i].database;
        fixture->status.free_bytes = rows[i].unused;
        fixture->status.wal_bytes = rows[i].wal;
        g_autoptr(Standing) standing = standing_new(&fixture->config, &fixture->status, NOW);
        assert_int_equal(standing->over_size, rows[i].over);
        assert_int_equal(standing->findings, rows[i].over);
    }
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

static void a_file_still_to_be_written_anew_after_a_customer_was_forgotten_is_a_finding(void **state)
{
    struct fixture *fixture = *state;
    struct store_status_task *scrub = g_new0(struct store_status_task, 1);

    scrub->task = (char *)"scrub"; /* the fixture frees none */
    g_ptr_array_add(fixture->status.tasks, scrub);
    for (int due = 0; due < 2; due++) {
        scrub->started_at = due == 0 ? 0 : NOW;
        scrub->finished_at = NOW - DAY;
        g_autoptr(Standing) standing = standing_new(&fixture->config, &fixture->status, NOW);
        assert_int_equal(standing->rewrite_due, due);
        assert_int_equal(standing->findings, due);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_source_is_stale_when_three_runs_were_missed_but_an_hourly_timer_is_not),
        TEST(a_clock_that_was_set_back_makes_nothing_stale),
        TEST(runs_without_a_success_do_not_make_a_source_fresh),
        TEST(what_a_tenant_never_had_is_no_finding),
        TEST(what_a_tenant_had_and_lost_is_a_finding),
        TEST(what_a_tenant_does_not_have_is_stale_when_nobody_asks_for_it_any_more),
        TEST(a_source_with_holes_is_a_finding_and_counts_once),
        TEST(a_gap_between_scans_is_a_finding_until_a_day_after_its_end),
        TEST(an_old_gap_between_scans_hides_no_other_hole),
        TEST(what_is_configured_and_was_never_collected_is_a_finding),
        TEST(a_first_run_that_has_not_ended_is_never_yet),
        TEST(without_a_list_of_sources_every_one_is_wanted),
        TEST(sources_that_this_version_does_not_collect_are_not_missed),
        TEST(what_is_not_configured_any_more_is_kept_and_no_finding),
        TEST(without_customers_nothing_counts_as_kept),
        TEST(a_tenant_is_known_by_its_id_whatever_it_was_called),
        TEST(a_tenant_that_only_secrets_tell_is_known_by_its_name),
        TEST(of_two_tenants_of_one_name_the_one_collected_last_is_meant),
        TEST(a_name_that_moved_to_another_tenant_starts_anew),
        TEST(a_file_still_to_be_written_anew_after_a_customer_was_forgotten_is_a_finding),
        TEST(prune_is_overdue_after_three_times_its_schedule_when_there_is_what_should_be_gone),
        TEST(without_retention_prune_is_never_overdue),
        TEST(a_tenth_above_max_size_is_a_finding_and_what_a_day_brings_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
