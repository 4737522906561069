/* The limiter against a service that counts arrivals: never above the budget in any window, never much slower than it
 * allows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glib.h>

#include "base/clock.h"
#include "client/limiter.h"

struct budget {
    unsigned requests;
    int64_t span_us;
};

/* The published figures, written down a second time on purpose. */
static const struct {
    struct budget budgets[2];
    enum client_family family;
    unsigned requests; /* to send in a test */
} families[] = {
    {{{5, 10 * CLOCK_US}}, CLIENT_FAMILY_REPORTS, 500},
    {{{1750, 10 * CLOCK_US}}, CLIENT_FAMILY_DIRECTORY, 9000},
    {{{10, 60 * CLOCK_US}}, CLIENT_FAMILY_ACTIVITY, 200},
    {{{240, 60 * CLOCK_US}, {800, 3600 * CLOCK_US}}, CLIENT_FAMILY_ANNOUNCEMENTS, 2500},
    {{{1000, 20 * CLOCK_US}}, CLIENT_FAMILY_INTUNE, 5000},
    {{{2000, 60 * CLOCK_US}}, CLIENT_FAMILY_MANAGEMENT, 9000},
};

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

static int by_value(gconstpointer a, gconstpointer b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return x < y ? -1 : x > y;
}

/* When the last of `n` requests goes out if each goes as early as the budgets allow. */
static int64_t best_end_us(const struct budget *budgets, unsigned n)
{
    int64_t *sent = g_new0(int64_t, n);

    for (unsigned i = 0; i < n; i++) {
        sent[i] = i > 0 ? sent[i - 1] : 0;
        for (int b = 0; b < 2; b++)
            if (budgets[b].requests > 0 && i >= budgets[b].requests)
                sent[i] = MAX(sent[i], sent[i - budgets[b].requests] + budgets[b].span_us);
    }
    int64_t end_us = sent[n - 1];
    g_free(sent);
    return end_us;
}

static void assert_within(const struct budget *budget, const int64_t *arrived, unsigned n)
{
    for (unsigned i = 0; budget->requests > 0 && i + budget->requests < n; i++)
        assert_true(arrived[i + budget->requests] - arrived[i] >= budget->span_us);
}

/* Sends `n` requests one after the other, as fast as the limiter lets them; answers come in when their time is there.
 */
static int64_t send_all(struct limiter *limiter, const struct way *way, int64_t span_us, int64_t *arrived, unsigned n)
{
    g_autoptr(GRand) random = g_rand_new_with_seed(7);
    int64_t *answers = g_new0(int64_t, n);
    uint64_t *tickets = g_new0(uint64_t, n);
    int64_t now_us = 5;
    unsigned answered = 0;

    for (unsigned i = 0; i < n;) {
        for (; answered < i && way->latency_us >= 0 && answers[answered] <= now_us; answered++)
            limiter_answered(limiter, tickets[answered], answers[answered]);
        int64_t wait_us = limiter_wait_us(limiter, now_us);
        if (wait_us > 0) {
            int64_t next_us = now_us + wait_us;
            now_us = answered < i && way->latency_us >= 0 ? MIN(next_us, MAX(answers[answered], now_us)) : next_us;
            continue;
        }
        limiter_reserve(limiter);
        tickets[i] = limiter_sent(limiter, now_us);
        arrived[i] = now_us + (int64_t)(g_rand_double(random) * way->jitter * (double)span_us);
        answers[i] = arrived[i] + MAX(way->latency_us, 0);
        i++;
    }
    g_free(answers);
    g_free(tickets);
    return now_us;
}

static void no_window_ever_holds_more_than_the_budget_and_little_time_is_lost(void **state)
{
    (void)state;
    for (size_t f = 0; f < G_N_ELEMENTS(families); f++) {
        for (size_t w = 0; w < G_N_ELEMENTS(ways); w++) {
            unsigned n = families[f].requests;
            g_autofree int64_t *arrived = g_new0(int64_t, n);
            struct limiter *limiter = limiter_new(families[f].family, true);
            int64_t end_us = send_all(limiter, &ways[w], families[f].budgets[0].span_us, arrived, n);
            qsort(arrived, n, sizeof *arrived, by_value);
            assert_within(&families[f].budgets[0], arrived, n);
            assert_within(&families[f].budgets[1], arrived, n);
            assert_true((double)end_us <= 1.05 * (double)best_end_us(families[f].budgets, n) + 5);
            limiter_free(limiter);
        }
    }
}

static void the_first_budget_goes_out_at_once_and_the_next_request_waits(void **state)
{
    struct limiter *limiter = limiter_new(CLIENT_FAMILY_REPORTS, true);

    (void)state;
    for (int i = 0; i < 5; i++) {
        assert_int_equal(limiter_wait_us(limiter, 0), 0);
        limiter_reserve(limiter);
        limiter_sent(limiter, 0);
    }
    assert_true(limiter_wait_us(limiter, 0) >= 10 * CLOCK_US);
    assert_true(limiter_wait_us(limiter, 0) <= 105 * CLOCK_US / 10);
    assert_int_equal(limiter_wait_us(limiter, 11 * CLOCK_US), 0);
    limiter_free(limiter);
}

static void reserved_requests_count_until_they_are_released(void **state)
{
    struct limiter *limiter = limiter_new(CLIENT_FAMILY_REPORTS, true);

    (void)state;
    for (int i = 0; i < 5; i++)
        limiter_reserve(limiter);
    assert_true(limiter_wait_us(limiter, 0) == INT64_MAX);
    limiter_release(limiter);
    assert_int_equal(limiter_wait_us(limiter, 0), 0);
    limiter_free(limiter);
}

static void a_request_that_is_sent_late_counts_from_its_sending(void **state)
{
    struct limiter *limiter = limiter_new(CLIENT_FAMILY_REPORTS, true);

    (void)state;
    for (int i = 0; i < 5; i++)
        limiter_reserve(limiter); /* at 0, but the connections take 4 s */
    for (int i = 0; i < 5; i++)
        limiter_sent(limiter, 4 * CLOCK_US);
    assert_true(limiter_wait_us(limiter, 11 * CLOCK_US) >= 3 * CLOCK_US);
    limiter_free(limiter);
}

static void a_retry_after_closes_the_family_until_its_end_and_is_never_shortened_q102(void **state)
{
    struct limiter *limiter = limiter_new(CLIENT_FAMILY_MANAGEMENT, true);

    (void)state;
    limiter_close(limiter, 60 * CLOCK_US);
    limiter_close(limiter, 20 * CLOCK_US);
    assert_int_equal(limiter_wait_us(limiter, 0), 60 * CLOCK_US);
    assert_int_equal(limiter_closed_us(limiter, 59 * CLOCK_US), CLOCK_US);
    assert_int_equal(limiter_wait_us(limiter, 60 * CLOCK_US), 0);
    limiter_free(limiter);
}

static void without_pacing_only_a_retry_after_holds_requests_back(void **state)
{
    struct limiter *limiter = limiter_new(CLIENT_FAMILY_REPORTS, false);

    (void)state;
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(limiter_wait_us(limiter, 0), 0);
        limiter_reserve(limiter);
        limiter_answered(limiter, limiter_sent(limiter, 0), 0);
    }
    limiter_close(limiter, 7 * CLOCK_US);
    assert_int_equal(limiter_wait_us(limiter, 0), 7 * CLOCK_US);
    limiter_free(limiter);
}

static void freeing_nothing_is_fine(void **state)
{
    (void)state;
    limiter_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_window_ever_holds_more_than_the_budget_and_little_time_is_lost),
        cmocka_unit_test(the_first_budget_goes_out_at_once_and_the_next_request_waits),
        cmocka_unit_test(reserved_requests_count_until_they_are_released),
        cmocka_unit_test(a_request_that_is_sent_late_counts_from_its_sending),
        cmocka_unit_test(a_retry_after_closes_the_family_until_its_end_and_is_never_shortened_q102),
        cmocka_unit_test(without_pacing_only_a_retry_after_holds_requests_back),
        cmocka_unit_test(freeing_nothing_is_fine),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
