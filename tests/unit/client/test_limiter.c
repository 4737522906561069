/* Limiters against a service that counts arrivals: never above a budget in any window of any scope, never much slower
 * than the budgets allow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glib.h>

#include "base/clock.h"
#include "client/limiter.h"

static const char graph[] = "https://graph.microsoft.com", china[] = "https://microsoftgraph.chinacloudapi.cn";

struct budget {
    unsigned requests;
    int64_t span_us;
};

/* The published figures, written down a second time on purpose. */
static const struct {
    struct budget tenant[2]; /* of an app in one tenant */
    struct budget app;       /* over all tenants; 0: none */
    enum client_family family;
    unsigned requests[3]; /* of each tenant in a test with 1, 10 and 100 */
} families[] = {
    {{{5, 10 * CLOCK_US}}, {122, 10 * CLOCK_US}, CLIENT_FAMILY_REPORTS, {500, 200, 60}},
    {{{1750, 10 * CLOCK_US}}, {75000, 20 * CLOCK_US}, CLIENT_FAMILY_DIRECTORY, {9000, 4000, 900}},
    {{{10, 60 * CLOCK_US}}, {10, 60 * CLOCK_US}, CLIENT_FAMILY_ACTIVITY, {200, 20, 3}},
    {{{240, 60 * CLOCK_US}, {800, 3600 * CLOCK_US}}, {0}, CLIENT_FAMILY_ANNOUNCEMENTS, {2500, 900, 300}},
    {{{1000, 20 * CLOCK_US}}, {0}, CLIENT_FAMILY_INTUNE, {5000, 1500, 50}},
    {{{2000, 60 * CLOCK_US}}, {0}, CLIENT_FAMILY_MANAGEMENT, {9000, 3000, 50}},
};

static const unsigned crowds[] = {1, 10, 100};
enum { TENANTS_MAX = 100 };

/* How the way to the service behaves. */
struct way {
    const char *name;
    double jitter;      /* most, as a part of the shortest window */
    int64_t latency_us; /* from arrival to answer; -1: no answer at all */
};

static const struct way ways[] = {
    {"instant", 0, 0},
    {"a quick service, arrivals scattered", 0.04, 50000},
    {"a slow service, arrivals scattered", 0.04, 40 * CLOCK_US},
    {"no answers, arrivals scattered", 0.04, -1},
};

/* --- a service that counts ---------------------------------------------------------------------------------------- */

struct sending {
    unsigned tenant;
    int64_t arrived_us, answered_us;
    struct limiter_ticket ticket;
};

struct crowd {
    struct limiter_pool *pool;
    struct limiter *limiters[TENANTS_MAX];
    unsigned left[TENANTS_MAX]; /* requests still to be sent */
    unsigned tenants, total;
    struct sending *sendings; /* total of them, as they went out */
};

static struct limiter *get_limiter(struct limiter_pool *pool, enum client_family family, unsigned tenant)
{
    g_autofree char *name = g_strdup_printf("tenant-%u", tenant);

    return limiter_pool_get(pool, family, graph, "app", name);
}

static void begin_crowd(struct crowd *crowd, enum client_family family, unsigned tenants, unsigned requests)
{
    crowd->pool = limiter_pool_new(true);
    crowd->tenants = tenants;
    crowd->total = tenants * requests;
    crowd->sendings = g_new0(struct sending, crowd->total);
    for (unsigned i = 0; i < tenants; i++) {
        crowd->limiters[i] = get_limiter(crowd->pool, family, i);
        crowd->left[i] = requests;
    }
}

static void end_crowd(struct crowd *crowd)
{
    limiter_pool_free(crowd->pool);
    g_free(crowd->sendings);
}

/* Whose turn it is: the tenant, or -1 and in *wait_us how long nobody may send. */
static int next_tenant(const struct crowd *crowd, int64_t now_us, int64_t *wait_us)
{
    int next = -1;

    *wait_us = INT64_MAX;
    for (unsigned i = 0; i < crowd->tenants; i++) {
        if (crowd->left[i] == 0)
            continue;
        if (next >= 0 && limiter_turn(crowd->limiters[i]) >= limiter_turn(crowd->limiters[next]))
            continue;
        int64_t own_us = limiter_wait_us(crowd->limiters[i], now_us);
        *wait_us = MIN(*wait_us, own_us);
        if (own_us == 0)
            next = (int)i;
    }
    return next;
}

/* Sends everything as fast as the limiters let it go; answers come in when their time is there. Returns when the last
 * request went out. */
static int64_t send_all(struct crowd *crowd, const struct way *way, int64_t span_us)
{
    g_autoptr(GRand) random = g_rand_new_with_seed(7);
    unsigned sent = 0, answered = 0;
    int64_t now_us = 5, wait_us = 0;

    while (sent < crowd->total) {
        for (; answered < sent && crowd->sendings[answered].answered_us <= now_us; answered++) {
            const struct sending *done = &crowd->sendings[answered];
            limiter_answered(crowd->limiters[done->tenant], &done->ticket, done->answered_us);
        }
        int tenant = next_tenant(crowd, now_us, &wait_us);
        if (tenant < 0) {
            int64_t next_us = now_us + wait_us;
            now_us = answered < sent ? MIN(next_us, MAX(crowd->sendings[answered].answered_us, now_us)) : next_us;
            continue;
        }
        struct sending *sending = &crowd->sendings[sent++];
        limiter_reserve(crowd->limiters[tenant]);
        sending->tenant = (unsigned)tenant;
        sending->ticket = limiter_sent(crowd->limiters[tenant], now_us);
        sending->arrived_us = now_us + (int64_t)(g_rand_double(random) * way->jitter * (double)span_us);
        sending->answered_us = way->latency_us < 0 ? INT64_MAX : sending->arrived_us + way->latency_us;
        crowd->left[tenant]--;
    }
    return now_us;
}

/* When the last of `n` requests goes out if each goes as early as the budgets allow. */
static int64_t best_end_us(const struct budget *budgets, size_t count, unsigned n)
{
    g_autofree int64_t *sent = g_new0(int64_t, n);

    for (unsigned i = 0; i < n; i++) {
        sent[i] = i > 0 ? sent[i - 1] : 0;
        for (size_t b = 0; b < count; b++)
            if (budgets[b].requests > 0 && i >= budgets[b].requests)
                sent[i] = MAX(sent[i], sent[i - budgets[b].requests] + budgets[b].span_us);
    }
    return sent[n - 1];
}

static int by_arrival(const void *a, const void *b)
{
    int64_t x = ((const struct sending *)a)->arrived_us, y = ((const struct sending *)b)->arrived_us;

    return x < y ? -1 : x > y;
}

/* `arrived` is in order. */
static void assert_within(const struct budget *budget, const int64_t *arrived, unsigned n)
{
    for (unsigned i = 0; budget->requests > 0 && i + budget->requests < n; i++)
        assert_true(arrived[i + budget->requests] - arrived[i] >= budget->span_us);
}

static void assert_kept(struct crowd *crowd, size_t f)
{
    int64_t *arrived = g_new0(int64_t, crowd->total);

    qsort(crowd->sendings, crowd->total, sizeof *crowd->sendings, by_arrival);
    for (unsigned i = 0; i < crowd->total; i++)
        arrived[i] = crowd->sendings[i].arrived_us;
    assert_within(&families[f].app, arrived, crowd->total);
    for (unsigned tenant = 0; tenant < crowd->tenants; tenant++) {
        unsigned n = 0;
        for (unsigned i = 0; i < crowd->total; i++)
            if (crowd->sendings[i].tenant == tenant)
                arrived[n++] = crowd->sendings[i].arrived_us;
        assert_within(&families[f].tenant[0], arrived, n);
        assert_within(&families[f].tenant[1], arrived, n);
    }
    g_free(arrived);
}

static void check_crowd(size_t f, unsigned tenants, unsigned requests, const struct way *way)
{
    struct crowd crowd;

    begin_crowd(&crowd, families[f].family, tenants, requests);
    int64_t end_us = send_all(&crowd, way, families[f].tenant[0].span_us);
    int64_t best_us = MAX(best_end_us(families[f].tenant, 2, requests), best_end_us(&families[f].app, 1, crowd.total));
    assert_kept(&crowd, f);
    if ((double)end_us > 1.05 * (double)best_us + 5)
        fail_msg("family %zu, %u tenants, %s: %.1f s, at best %.1f s", f, tenants, way->name,
                 (double)end_us / (double)CLOCK_US, (double)best_us / (double)CLOCK_US);
    end_crowd(&crowd);
}

static void no_window_ever_holds_more_than_the_budgets_and_little_time_is_lost(void **state)
{
    (void)state;
    for (size_t f = 0; f < G_N_ELEMENTS(families); f++)
        for (size_t c = 0; c < G_N_ELEMENTS(crowds); c++)
            for (size_t w = 0; w < G_N_ELEMENTS(ways); w++)
                check_crowd(f, crowds[c], families[f].requests[c], &ways[w]);
}

/* Where a tenant's own budget and the app's come to nearly the same, each leaves gaps that the other cannot fill. */
static void little_time_is_lost_where_both_budgets_bind(void **state)
{
    (void)state;
    for (unsigned tenants = 22; tenants <= 28; tenants++)
        for (size_t w = 0; w < G_N_ELEMENTS(ways); w++)
            check_crowd(0, tenants, 100, &ways[w]);
}

/* --- turns -------------------------------------------------------------------------------------------------------- */

static void a_tenant_with_much_to_ask_starves_none_of_a_hundred(void **state)
{
    struct crowd crowd;

    (void)state;
    begin_crowd(&crowd, CLIENT_FAMILY_ACTIVITY, 100, 2);
    crowd.left[0] = 101; /* and the other 99 one each */
    for (unsigned i = 1; i < 100; i++)
        crowd.left[i] = 1;
    send_all(&crowd, &ways[0], 60 * CLOCK_US);
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(crowd.sendings[i].tenant, i); /* each once before anybody twice */
    end_crowd(&crowd);
}

static void who_comes_late_goes_before_the_second_request_of_the_others(void **state)
{
    struct limiter_pool *pool = limiter_pool_new(true);
    struct limiter *greedy = get_limiter(pool, CLIENT_FAMILY_ACTIVITY, 1);

    (void)state;
    for (int i = 0; i < 10; i++) {
        limiter_reserve(greedy);
        limiter_sent(greedy, 0);
    }
    struct limiter *late = get_limiter(pool, CLIENT_FAMILY_ACTIVITY, 2);
    assert_true(limiter_turn(late) < limiter_turn(greedy));
    assert_true(limiter_wait_us(late, 0) >= 60 * CLOCK_US); /* it is the app's budget that is used up */
    limiter_reserve(late);
    assert_true(limiter_turn(late) > limiter_turn(greedy));
    limiter_pool_free(pool);
}

/* --- who shares what ---------------------------------------------------------------------------------------------- */

static void the_same_app_in_the_same_tenant_has_one_limiter_however_it_is_written(void **state)
{
    struct limiter_pool *pool = limiter_pool_new(true);
    const struct limiter *one = limiter_pool_get(pool, CLIENT_FAMILY_REPORTS, graph, "0A-app", "0B-tenant");

    (void)state;
    assert_ptr_equal(
        limiter_pool_get(pool, CLIENT_FAMILY_REPORTS, "https://GRAPH.microsoft.com/", "0a-APP", "0b-tenant"), one);
    assert_ptr_not_equal(limiter_pool_get(pool, CLIENT_FAMILY_ACTIVITY, graph, "0a-app", "0b-tenant"), one);
    assert_ptr_not_equal(limiter_pool_get(pool, CLIENT_FAMILY_REPORTS, china, "0a-app", "0b-tenant"), one);
    assert_ptr_not_equal(limiter_pool_get(pool, CLIENT_FAMILY_REPORTS, graph, "0c-app", "0b-tenant"), one);
    assert_ptr_not_equal(limiter_pool_get(pool, CLIENT_FAMILY_REPORTS, graph, "0a-app", "0c-tenant"), one);
    limiter_pool_free(pool);
}

static void a_budget_is_shared_by_those_whom_the_service_counts_together_and_nobody_else(void **state)
{
    static const struct {
        const char *url, *app, *tenant; /* beside graph, "app" and "tenant" */
        enum client_family family;
        unsigned together; /* what both may send at once */
    } rows[] = {
        {graph, "app", "other", CLIENT_FAMILY_ACTIVITY, 10},
        {graph, "other", "tenant", CLIENT_FAMILY_ACTIVITY, 20},
        {china, "app", "other", CLIENT_FAMILY_ACTIVITY, 20},
        {graph, "app", "tenant", CLIENT_FAMILY_ACTIVITY, 10},
        {graph, "app", "tenant", CLIENT_FAMILY_REPORTS, 5},
        {graph, "app", "other", CLIENT_FAMILY_REPORTS, 10},
        {graph, "app", "tenant", CLIENT_FAMILY_INTUNE, 1000},
        {graph, "other", "tenant", CLIENT_FAMILY_INTUNE, 2000},
        {graph, "other", "tenant", CLIENT_FAMILY_MANAGEMENT, 2000},
        {graph, "app", "other", CLIENT_FAMILY_MANAGEMENT, 4000},
        {graph, "app", "other", CLIENT_FAMILY_ANNOUNCEMENTS, 480},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct limiter_pool *pool = limiter_pool_new(true);
        struct limiter *both[] = {
            limiter_pool_get(pool, rows[i].family, graph, "app", "tenant"),
            limiter_pool_get(pool, rows[i].family, rows[i].url, rows[i].app, rows[i].tenant),
        };
        unsigned sent = 0;
        for (size_t b = 0; b < G_N_ELEMENTS(both); b++)
            for (; limiter_wait_us(both[b], 0) == 0; sent++) {
                limiter_reserve(both[b]);
                limiter_sent(both[b], 0);
            }
        assert_int_equal(sent, rows[i].together);
        limiter_pool_free(pool);
    }
}

static void three_apps_of_one_tenant_share_its_intune_budget(void **state)
{
    struct limiter_pool *pool = limiter_pool_new(true);
    static const char *const apps[] = {"one", "two", "three"};
    unsigned sent[3] = {0};

    (void)state;
    for (int i = 0; i < 3; i++) {
        struct limiter *limiter = limiter_pool_get(pool, CLIENT_FAMILY_INTUNE, graph, apps[i], "tenant");
        for (; limiter_wait_us(limiter, 0) == 0; sent[i]++) {
            limiter_reserve(limiter);
            limiter_sent(limiter, 0);
        }
    }
    assert_int_equal(sent[0], 1000);
    assert_int_equal(sent[1], 1000);
    assert_int_equal(sent[2], 0);
    limiter_pool_free(pool);
}

static void a_retry_after_of_one_tenant_closes_its_limiter_alone_q102(void **state)
{
    struct limiter_pool *pool = limiter_pool_new(true);
    struct limiter *told = get_limiter(pool, CLIENT_FAMILY_REPORTS, 1);
    struct limiter *other = get_limiter(pool, CLIENT_FAMILY_REPORTS, 2);
    const struct limiter *again = get_limiter(pool, CLIENT_FAMILY_REPORTS, 1);

    (void)state;
    limiter_close(told, 3600 * CLOCK_US);
    assert_int_equal(limiter_wait_us(again, 0), 3600 * CLOCK_US);
    assert_int_equal(limiter_wait_us(other, 0), 0);
    assert_int_equal(limiter_closed_us(other, 0), 0);
    limiter_pool_free(pool);
}

/* --- one limiter -------------------------------------------------------------------------------------------------- */

static void the_first_budget_goes_out_at_once_and_the_next_request_waits(void **state)
{
    struct limiter_pool *pool = limiter_pool_new(true);
    struct limiter *limiter = get_limiter(pool, CLIENT_FAMILY_REPORTS, 1);

    (void)state;
    for (int i = 0; i < 5; i++) {
        assert_int_equal(limiter_wait_us(limiter, 0), 0);
        limiter_reserve(limiter);
        limiter_sent(limiter, 0);
    }
    assert_true(limiter_wait_us(limiter, 0) >= 10 * CLOCK_US);
    assert_true(limiter_wait_us(limiter, 0) <= 105 * CLOCK_US / 10);
    assert_int_equal(limiter_wait_us(limiter, 11 * CLOCK_US), 0);
    limiter_pool_free(pool);
}

static void reserved_requests_count_until_they_are_released(void **state)
{
    struct limiter_pool *pool = limiter_pool_new(true);
    struct limiter *limiter = get_limiter(pool, CLIENT_FAMILY_REPORTS, 1);

    (void)state;
    for (int i = 0; i < 5; i++)
        limiter_reserve(limiter);
    assert_true(limiter_wait_us(limiter, 0) == INT64_MAX);
    limiter_release(limiter);
    assert_int_equal(limiter_wait_us(limiter, 0), 0);
    limiter_pool_free(pool);
}

static void a_request_that_is_sent_late_counts_from_its_sending(void **state)
{
    struct limiter_pool *pool = limiter_pool_new(true);
    struct limiter *limiter = get_limiter(pool, CLIENT_FAMILY_REPORTS, 1);

    (void)state;
    for (int i = 0; i < 5; i++)
        limiter_reserve(limiter); /* at 0, but the connections take 4 s */
    for (int i = 0; i < 5; i++)
        limiter_sent(limiter, 4 * CLOCK_US);
    assert_true(limiter_wait_us(limiter, 11 * CLOCK_US) >= 3 * CLOCK_US);
    limiter_pool_free(pool);
}

static void a_retry_after_closes_the_family_until_its_end_and_is_never_shortened_q102(void **state)
{
    struct limiter_pool *pool = limiter_pool_new(true);
    struct limiter *limiter = get_limiter(pool, CLIENT_FAMILY_MANAGEMENT, 1);

    (void)state;
    limiter_close(limiter, 60 * CLOCK_US);
    limiter_close(limiter, 20 * CLOCK_US);
    assert_int_equal(limiter_wait_us(limiter, 0), 60 * CLOCK_US);
    assert_int_equal(limiter_closed_us(limiter, 59 * CLOCK_US), CLOCK_US);
    assert_int_equal(limiter_wait_us(limiter, 60 * CLOCK_US), 0);
    limiter_pool_free(pool);
}

static void without_pacing_only_a_retry_after_holds_requests_back(void **state)
{
    struct limiter_pool *pool = limiter_pool_new(false);
    struct limiter *limiter = get_limiter(pool, CLIENT_FAMILY_REPORTS, 1);

    (void)state;
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(limiter_wait_us(limiter, 0), 0);
        limiter_reserve(limiter);
        const struct limiter_ticket ticket = limiter_sent(limiter, 0);
        limiter_answered(limiter, &ticket, 0);
    }
    limiter_close(limiter, 7 * CLOCK_US);
    assert_int_equal(limiter_wait_us(limiter, 0), 7 * CLOCK_US);
    limiter_pool_free(pool);
}

static void after_a_retry_after_one_goes_and_the_others_wait_for_what_comes_of_it(void **state)
{
    static const bool paces[] = {true, false};

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(paces); i++) {
        struct limiter_pool *pool = limiter_pool_new(paces[i]);
        struct limiter *limiter = get_limiter(pool, CLIENT_FAMILY_DIRECTORY, 0);
        struct limiter *other = get_limiter(pool, CLIENT_FAMILY_DIRECTORY, 1);

        assert_false(limiter_reserve(limiter)); /* nobody was told to wait */
        assert_int_equal(limiter_wait_us(limiter, 0), 0);
        limiter_close(limiter, 7 * CLOCK_US);
        assert_int_equal(limiter_wait_us(limiter, 6 * CLOCK_US), 1 * CLOCK_US);
        assert_int_equal(limiter_wait_us(limiter, 7 * CLOCK_US), 0);
        assert_true(limiter_reserve(limiter));
        assert_true(limiter_wait_us(limiter, 7 * CLOCK_US) == INT64_MAX);
        assert_true(limiter_wait_us(limiter, 7000 * CLOCK_US) == INT64_MAX);
        assert_int_equal(limiter_wait_us(other, 7 * CLOCK_US), 0);
        assert_false(limiter_reserve(other));
        limiter_probe_over(limiter, true);
        for (int j = 0; j < 3; j++) {
            assert_int_equal(limiter_wait_us(limiter, 7 * CLOCK_US), 0);
            assert_false(limiter_reserve(limiter));
        }
        limiter_pool_free(pool);
    }
}

static void a_probe_that_shows_nothing_is_followed_by_another(void **state)
{
    struct limiter_pool *pool = limiter_pool_new(false);
    struct limiter *limiter = get_limiter(pool, CLIENT_FAMILY_REPORTS, 0);

    (void)state;
    limiter_close(limiter, 7 * CLOCK_US);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(limiter_wait_us(limiter, 7 * CLOCK_US), 0);
        assert_true(limiter_reserve(limiter));
        assert_true(limiter_wait_us(limiter, 7 * CLOCK_US) == INT64_MAX);
        limiter_release(limiter); /* no connection */
        limiter_probe_over(limiter, false);
    }
    /* Told to wait again, by the probe itself: as long as that, and then one goes again. */
    assert_true(limiter_reserve(limiter));
    limiter_close(limiter, 20 * CLOCK_US);
    limiter_probe_over(limiter, false);
    assert_int_equal(limiter_wait_us(limiter, 7 * CLOCK_US), 13 * CLOCK_US);
    assert_true(limiter_reserve(limiter));
    limiter_probe_over(limiter, true);
    assert_false(limiter_reserve(limiter));
    limiter_pool_free(pool);
}

static void freeing_nothing_is_fine(void **state)
{
    (void)state;
    limiter_pool_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_window_ever_holds_more_than_the_budgets_and_little_time_is_lost),
        cmocka_unit_test(little_time_is_lost_where_both_budgets_bind),
        cmocka_unit_test(a_tenant_with_much_to_ask_starves_none_of_a_hundred),
        cmocka_unit_test(who_comes_late_goes_before_the_second_request_of_the_others),
        cmocka_unit_test(the_same_app_in_the_same_tenant_has_one_limiter_however_it_is_written),
        cmocka_unit_test(a_budget_is_shared_by_those_whom_the_service_counts_together_and_nobody_else),
        cmocka_unit_test(three_apps_of_one_tenant_share_its_intune_budget),
        cmocka_unit_test(a_retry_after_of_one_tenant_closes_its_limiter_alone_q102),
        cmocka_unit_test(the_first_budget_goes_out_at_once_and_the_next_request_waits),
        cmocka_unit_test(reserved_requests_count_until_they_are_released),
        cmocka_unit_test(a_request_that_is_sent_late_counts_from_its_sending),
        cmocka_unit_test(a_retry_after_closes_the_family_until_its_end_and_is_never_shortened_q102),
        cmocka_unit_test(without_pacing_only_a_retry_after_holds_requests_back),
        cmocka_unit_test(after_a_retry_after_one_goes_and_the_others_wait_for_what_comes_of_it),
        cmocka_unit_test(a_probe_that_shows_nothing_is_followed_by_another),
        cmocka_unit_test(freeing_nothing_is_fine),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
