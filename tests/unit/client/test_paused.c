/* Large bodies at a real server: what is paused, what goes on, and that all of it arrives whole. What counts as getting
 * on, and who is next, is test_admission's; here it is libcurl that is paused and continued. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "client/admission.h"
#include "stage.h"

enum {
    PAGE_BYTES = ADMISSION_EXPECTED_BYTES - 1000,
    RECORD_BYTES = 1000,
    AT_ONCE = ADMISSION_ROOM_BYTES / ADMISSION_EXPECTED_BYTES,
    CUSTOMERS = 3 * AT_ONCE,
    EACH = 2,
    FULL = ADMISSION_ROOM_BYTES, /* a backlog that lets nothing large go on */
};

struct customer {
    struct client_app *app;
    char *path, *route, *body;
    struct answer answers[EACH];
};

/* A page of about `bytes`, of which no two are the same. Returned: g_free. */
static char *large_page(const char *name, size_t bytes)
{
    g_autofree char *filler = g_strnfill(RECORD_BYTES, 'x');
    g_autoptr(GString) body = g_string_new("{\"value\":[");

    for (unsigned i = 0; body->len + 2 * RECORD_BYTES < bytes; i++)
        g_string_append_printf(body, "%s{\"id\":\"%s-%u\",\"filler\":\"%s\"}", i > 0 ? "," : "", name, i, filler);
    g_string_append(body, "]}");
    return g_string_free(g_steal_pointer(&body), FALSE);
}

static void begin_large(struct answer *answer, struct stage *stage, struct client_app *app)
{
    *answer = (struct answer){.stage = stage, .app = app, .page = json_page_new(false, 256 << 20)};
}

static void begin_customers(struct customer *customers, unsigned count, struct stage *stage, size_t bytes)
{
    for (unsigned i = 0; i < count; i++) {
        struct customer *customer = &customers[i];
        g_autofree char *tenant = g_strdup_printf("tenant-%u", i);
        struct client_app_options options = {
            .name = tenant, .tenant_id = tenant, .client_id = "app", .client_secret = "s~cret+/="};
        options.login_url = options.graph_url = options.manage_url = stage->base_url;
        customer->app = client_app_new(stage->client, &options);
        customer->path = g_strdup_printf("/v1.0/%s", tenant);
        customer->route = g_strdup_printf("GET %s ", customer->path);
        customer->body = large_page(tenant, bytes);
        service_always(stage->service, customer->route, customer->body);
        for (unsigned j = 0; j < EACH; j++)
            begin_large(&customer->answers[j], stage, customer->app);
    }
}

static void ask_all(struct customer *customers, unsigned count)
{
    for (unsigned j = 0; j < EACH; j++)
        for (unsigned i = 0; i < count; i++)
            ask(&customers[i].answers[j], customers[i].path);
}

static void assert_whole(const struct customer *customer)
{
    for (unsigned j = 0; j < EACH; j++) {
        const struct answer *answer = &customer->answers[j];
        if (answer->failure)
            fail_msg("failed: %s (%s)", answer->failure->message, answer->failure->code);
        assert_int_equal(answer->calls, 1);
        assert_int_equal(answer->attempts, 1);
        assert_int_equal(answer->body_bytes, strlen(customer->body));
        assert_int_equal(json_page_bytes(answer->page), strlen(customer->body));
        assert_memory_equal(json_page_body(answer->page), customer->body, strlen(customer->body));
    }
}

static void end_customers(struct customer *customers, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        for (unsigned j = 0; j < EACH; j++)
            end(&customers[i].answers[j]);
        g_free(customers[i].path);
        g_free(customers[i].route);
        g_free(customers[i].body);
    }
}

/* Bytes of unfinished pages. */
static size_t bytes_in_flight(const struct customer *customers, unsigned count)
{
    size_t bytes = 0;

    for (unsigned i = 0; i < count; i++)
        for (unsigned j = 0; j < EACH; j++)
            if (customers[i].answers[j].calls == 0)
                bytes += json_page_bytes(customers[i].answers[j].page);
    return bytes;
}

typedef bool (*predicate)(const struct customer *customers, unsigned count);

static void step_until(struct stage *stage, predicate reached, const struct customer *customers, unsigned count)
{
    int64_t until_us = g_get_monotonic_time() + 60 * CLOCK_US;

    while (!reached(customers, count)) {
        client_step(stage->client, 100);
        if (g_get_monotonic_time() > until_us)
            fail_msg("the loop hangs with %u requests", client_pending(stage->client));
    }
}

/* All have received what passes freely, less what the last chunk was too large for. */
static bool all_wait(const struct customer *customers, unsigned count)
{
    bool all = true;

    for (unsigned i = 0; i < count; i++)
        for (unsigned j = 0; j < EACH; j++)
            all = all && json_page_bytes(customers[i].answers[j].page) > ADMISSION_FREE_BYTES / 2;
    return all;
}

/* --- tests -------------------------------------------------------------------------------------------------------- */

static void many_large_bodies_stay_within_the_room_and_all_arrive_whole(void **state)
{
    struct stage *stage = *state;
    struct customer customers[CUSTOMERS] = {0};
    size_t most = 0;

    begin_customers(customers, CUSTOMERS, stage, PAGE_BYTES);
    ask_all(customers, CUSTOMERS);
    while (client_pending(stage->client) > 0) {
        client_step(stage->client, 1000);
        most = MAX(most, bytes_in_flight(customers, CUSTOMERS));
    }
    assert_true(most > ADMISSION_FREE_BYTES);
    assert_true(most <= ADMISSION_ROOM_BYTES + CUSTOMERS * EACH * ADMISSION_FREE_BYTES);
    for (int i = 0; i < CUSTOMERS; i++)
        assert_whole(&customers[i]);
    end_customers(customers, CUSTOMERS);
}

static void behind_a_backlog_large_bodies_wait_without_timing_out_and_small_ones_pass(void **state)
{
    enum { STALL_MS = 1000 }; /* a busy machine stops for less */
    struct stage *stage = *state;
    struct customer customers[2] = {0};
    struct answer small;

    open_client(stage, "1790000000@0@0", STALL_MS, false);
    begin_customers(customers, 2, stage, PAGE_BYTES);
    client_backlog(stage->client, FULL);
    ask_all(customers, 2);
    assert_false(client_is_full(stage->client));
    step_until(stage, all_wait, customers, 2);
    for (int64_t until_us = g_get_monotonic_time() + 2 * STALL_MS * 1000; g_get_monotonic_time() < until_us;)
        client_step(stage->client, STALL_MS);
    assert_true(client_is_full(stage->client));
    assert_int_equal(client_pending(stage->client), 2 * EACH);
    assert_true(bytes_in_flight(customers, 2) <= (size_t)2 * EACH * ADMISSION_FREE_BYTES);
    begin(&small, stage);
    ask(&small, "/v1.0/small");
    while (small.calls == 0)
        client_step(stage->client, 1000);
    assert_page(&small, 1);
    client_backlog(stage->client, 0);
    run(stage);
    assert_false(client_is_full(stage->client));
    for (int i = 0; i < 2; i++)
        assert_whole(&customers[i]);
    end(&small);
    end_customers(customers, 2);
}

static void where_there_is_room_for_one_the_apps_take_turns(void **state)
{
    enum { APPS = 3 };
    struct stage *stage = *state;
    struct customer customers[APPS] = {0};

    begin_customers(customers, APPS, stage, PAGE_BYTES);
    client_backlog(stage->client, FULL);
    for (int i = 0; i < APPS; i++) /* all of one app before any of the next */
        for (int j = 0; j < EACH; j++)
            ask(&customers[i].answers[j], customers[i].path);
    step_until(stage, all_wait, customers, APPS);
    client_backlog(stage->client, FULL - 1);
    run(stage);
    for (int i = 0; i < APPS; i++)
        for (int j = 0; j < APPS; j++)
            assert_true(MIN(customers[i].answers[0].done_us, customers[i].answers[1].done_us) <
                        MAX(customers[j].answers[0].done_us, customers[j].answers[1].done_us));
    for (int i = 0; i < APPS; i++)
        assert_whole(&customers[i]);
    end_customers(customers, APPS);
}

static void who_asks_whether_there_is_room_begins_a_few_pages_at_a_time(void **state)
{
    enum { MANY = 40 };
    struct stage *stage = *state;
    struct answer answers[MANY];
    unsigned asked = 0;

    for (int step = 0; asked < MANY; step++) {
        unsigned before = asked;
        for (; asked < MANY && !client_is_full(stage->client); asked++) {
            begin(&answers[asked], stage);
            ask(&answers[asked], "/v1.0/small");
        }
        assert_true(asked > before && asked - before < MANY / 2);
        client_step(stage->client, 60000); /* which returns soon enough */
    }
    run(stage);
    for (int i = 0; i < MANY; i++) {
        assert_page(&answers[i], 1);
        end(&answers[i]);
    }
}

/* As many as may be admitted stop in mid-body, for longer than the test may take. */
static void large_bodies_that_stall_stop_nobody(void **state)
{
    struct stage *stage = *state;
    struct customer customers[2] = {0};
    struct answer stalled[AT_ONCE];
    g_autofree char *body = large_page("stalled", PAGE_BYTES);
    g_autofree char *head = g_strdup_printf("HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", strlen(body));
    g_autofree char *half = g_strdup_printf("%s%.*s", head, PAGE_BYTES / 2, body);

    open_client(stage, NULL, 0, false);
    for (int i = 0; i < AT_ONCE; i++) {
        service_raw(stage->service, "GET /v1.0/stalled ", half, strlen(half), SERVICE_STALL);
        begin_large(&stalled[i], stage, NULL);
        ask(&stalled[i], "/v1.0/stalled");
    }
    for (int i = 0; i < AT_ONCE; i++)
        while (json_page_bytes(stalled[i].page) < PAGE_BYTES / 2)
            client_step(stage->client, 1000);
    begin_customers(customers, 2, stage, PAGE_BYTES);
    ask_all(customers, 2);
    while (client_pending(stage->client) > AT_ONCE)
        client_step(stage->client, 10000);
    for (int i = 0; i < 2; i++)
        assert_whole(&customers[i]);
    client_cancel(stage->client);
    run(stage);
    for (int i = 0; i < AT_ONCE; i++) {
        assert_failed(&stalled[i], CLIENT_CANCELLED, "cancelled");
        end(&stalled[i]);
    }
    end_customers(customers, 2);
}

static void paused_ones_are_cancelled_like_others(void **state)
{
    struct stage *stage = *state;
    struct customer customers[2] = {0};

    begin_customers(customers, 2, stage, PAGE_BYTES);
    client_backlog(stage->client, FULL);
    ask_all(customers, 2);
    step_until(stage, all_wait, customers, 2);
    client_cancel(stage->client);
    run(stage);
    assert_false(client_is_full(stage->client));
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < EACH; j++)
            assert_failed(&customers[i].answers[j], CLIENT_CANCELLED, "cancelled");
    end_customers(customers, 2);
}

static void paused_ones_are_dropped_with_the_client(void **state)
{
    struct stage *stage = *state;
    struct customer customers[2] = {0};

    begin_customers(customers, 2, stage, PAGE_BYTES);
    client_backlog(stage->client, FULL);
    ask_all(customers, 2);
    step_until(stage, all_wait, customers, 2);
    client_free(stage->client);
    stage->client = NULL;
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < EACH; j++)
            assert_int_equal(customers[i].answers[j].calls, 0);
    end_customers(customers, 2);
}

/* The first answer to each is bad, and found to be so only once it goes on. */
static void a_body_that_goes_bad_behind_a_pause_is_asked_for_again(void **state)
{
    static const struct {
        const char *after;
        enum service_manner manner;
    } table[] = {
        {"}}}}", SERVICE_CLOSE}, /* no JSON */
        {"", SERVICE_CLOSE},     /* cut */
        {"", SERVICE_RESET},
    };
    struct stage *stage = *state;
    g_autofree char *body = large_page("bad", PAGE_BYTES);

    for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
        g_autofree char *bad = g_strdup_printf("HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%.*s%s", strlen(body),
                                               ADMISSION_FREE_BYTES + 1, body, table[i].after);
        g_autofree char *path = g_strdup_printf("/v1.0/bad-%zu", i);
        g_autofree char *route = g_strdup_printf("GET %s ", path);
        struct answer answer;
        service_raw(stage->service, route, bad, strlen(bad), table[i].manner);
        service_always(stage->service, route, body);
        begin_large(&answer, stage, NULL);
        client_backlog(stage->client, FULL);
        ask(&answer, path);
        while (!client_is_full(stage->client))
            client_step(stage->client, 1000);
        client_backlog(stage->client, 0);
        run(stage);
        assert_null(answer.failure);
        assert_true(answer.attempts == 2);
        assert_int_equal(json_page_bytes(answer.page), strlen(body));
        end(&answer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(many_large_bodies_stay_within_the_room_and_all_arrive_whole, setup, teardown),
        cmocka_unit_test_setup_teardown(behind_a_backlog_large_bodies_wait_without_timing_out_and_small_ones_pass,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(where_there_is_room_for_one_the_apps_take_turns, setup, teardown),
        cmocka_unit_test_setup_teardown(who_asks_whether_there_is_room_begins_a_few_pages_at_a_time, setup, teardown),
        cmocka_unit_test_setup_teardown(large_bodies_that_stall_stop_nobody, setup, teardown),
        cmocka_unit_test_setup_teardown(paused_ones_are_cancelled_like_others, setup, teardown),
        cmocka_unit_test_setup_teardown(paused_ones_are_dropped_with_the_client, setup, teardown),
        cmocka_unit_test_setup_teardown(a_body_that_goes_bad_behind_a_pause_is_asked_for_again, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
