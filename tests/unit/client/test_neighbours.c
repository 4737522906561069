/* Many customers in one loop: what is wrong with one of them neither delays nor fails another. The bad ones here are
 * bad for as long as the good ones need, so that a loop which waited for them would never end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <netdb.h>

#include "stage.h"

static const char users[] = "GET /v1.0/users";
static const char tokens[] = "POST /tenant/oauth2/v2.0/token";

/* --- a name server that does not answer --------------------------------------------------------------------------- */

enum { NAMES_SILENT_S = 30 }; /* at most: a loop that waits for it ends, and is found out */

/* libcurl looks every name up here (the program's own getaddrinfo goes before the library's); addresses it reads by
 * itself. */
static struct {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool silent;
    unsigned asked, answered;
} names = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

int getaddrinfo(const char *name, const char *service, const struct addrinfo *wanted, struct addrinfo **found)
{
    struct timespec until;

    (void)name, (void)service, (void)wanted;
    *found = NULL;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += NAMES_SILENT_S;
    pthread_mutex_lock(&names.mutex);
    names.asked++;
    while (names.silent && pthread_cond_timedwait(&names.changed, &names.mutex, &until) == 0)
        continue;
    names.answered++;
    pthread_cond_broadcast(&names.changed);
    pthread_mutex_unlock(&names.mutex);
    return EAI_NONAME;
}

static void silence_names(void)
{
    pthread_mutex_lock(&names.mutex);
    names.silent = true;
    names.asked = names.answered = 0;
    pthread_mutex_unlock(&names.mutex);
}

/* Lets every lookup end. */
static void answer_names(void)
{
    pthread_mutex_lock(&names.mutex);
    names.silent = false;
    pthread_cond_broadcast(&names.changed);
    while (names.answered < names.asked)
        pthread_cond_wait(&names.changed, &names.mutex);
    pthread_mutex_unlock(&names.mutex);
}

/* How many lookups are still out. */
static unsigned names_waited_for(void)
{
    pthread_mutex_lock(&names.mutex);
    unsigned count = names.asked - names.answered;
    pthread_mutex_unlock(&names.mutex);
    return count;
}

/* --- a host that swallows what would open a connection ------------------------------------------------------------ */

enum { FILLERS = 4 };

struct deaf_host {
    int listener, port;
    int fillers[FILLERS]; /* connections that nobody accepts: further ones get no answer at all */
};

static void open_deaf_host(struct deaf_host *host)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;

    host->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(host->listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(host->listener, 0), 0);
    assert_int_equal(getsockname(host->listener, (struct sockaddr *)&address, &length), 0);
    host->port = ntohs(address.sin_port);
    for (int i = 0; i < FILLERS; i++) {
        host->fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        (void)connect(host->fillers[i], (struct sockaddr *)&address, sizeof address);
    }
}

static void close_deaf_host(const struct deaf_host *host)
{
    for (int i = 0; i < FILLERS; i++)
        close(host->fillers[i]);
    close(host->listener);
}

/* --- good customers ----------------------------------------------------------------------------------------------- */

enum { GOOD = 5, PAGES = 4 };

/* Each has a tenant of its own at the stage's service, and a chain of pages to read. */
struct good {
    char *paths[GOOD];
    struct answer answers[GOOD][PAGES];
};

static struct client_app *add_app(struct stage *stage, const char *name, const char *tenant, const char *client_id,
                                  const char *base_url)
{
    struct client_app_options options = {
        .name = name, .tenant_id = tenant, .client_id = client_id, .client_secret = "s~cret+/="};

    options.login_url = options.graph_url = options.manage_url = base_url;
    return client_app_new(stage->client, &options);
}

static void ask_of(struct answer *answer, struct client_app *app, enum client_family family, const char *base_url,
                   const char *path)
{
    g_autofree char *url = g_strconcat(base_url, path, NULL);

    begin(answer, answer->stage);
    ask_as(answer, app, CLIENT_API_GRAPH, family, url);
}

static void begin_good(struct good *good, struct stage *stage)
{
    for (int i = 0; i < GOOD; i++) {
        g_autofree char *tenant = g_strdup_printf("good-%d", i);
        struct client_app *app = add_app(stage, tenant, tenant, "app", stage->base_url);
        good->paths[i] = g_strdup_printf("/v1.0/good-%d", i);
        for (int page = 0; page < PAGES; page++) {
            begin(&good->answers[i][page], stage);
            good->answers[i][page].app = app;
        }
        for (int page = 0; page + 1 < PAGES; page++) {
            good->answers[i][page].next = good->paths[i];
            good->answers[i][page].next_answer = &good->answers[i][page + 1];
        }
        ask(&good->answers[i][0], good->paths[i]);
    }
}

static bool is_done(const struct good *good)
{
    for (int i = 0; i < GOOD; i++)
        if (good->answers[i][PAGES - 1].calls == 0)
            return false;
    return true;
}

/* Steps until the good ones have everything. */
static void run_good(struct good *good, struct stage *stage)
{
    int64_t until_us = g_get_monotonic_time() + 60 * CLOCK_US;

    while (!is_done(good)) {
        client_step(stage->client, 1000);
        if (g_get_monotonic_time() > until_us)
            fail_msg("the good ones wait for the bad one");
    }
}

static void end_good(struct good *good)
{
    for (int i = 0; i < GOOD; i++) {
        for (int page = 0; page < PAGES; page++) {
            assert_page(&good->answers[i][page], 1);
            assert_int_equal(good->answers[i][page].attempts, 1);
            end(&good->answers[i][page]);
        }
        g_free(good->paths[i]);
    }
}

/* --- bad ones ----------------------------------------------------------------------------------------------------- */

static void stall_in_mid_body(struct service *service)
{
    static const char half[] = "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"value\":[{\"id\":\"1\"},";

    service_raw(service, users, half, strlen(half), SERVICE_STALL);
}

static void stall_before_the_answer(struct service *service)
{
    service_raw(service, users, "", 0, SERVICE_STALL);
}

static void stall_in_the_headers(struct service *service)
{
    service_raw(service, users, "HTTP/1.1 200 OK\r\nDate", 21, SERVICE_STALL);
}

static void stall_at_the_token_endpoint(struct service *service)
{
    service_raw(service, tokens, "", 0, SERVICE_STALL);
}

/* The real time-outs are far longer than a test may take: whoever waited for the bad one would be found out. */
static void a_customer_who_stalls_anywhere_holds_up_nobody(void **state)
{
    static void (*const stalls[])(struct service *) = {stall_in_mid_body, stall_before_the_answer, stall_in_the_headers,
                                                       stall_at_the_token_endpoint};
    struct stage *stage = *state;

    for (size_t i = 0; i < G_N_ELEMENTS(stalls); i++) {
        struct service *service = service_start();
        g_autofree char *base_url = g_strdup_printf("http://127.0.0.1:%d", service->port);
        struct answer bad = {.stage = stage};
        struct good good;
        open_client(stage, NULL, 0, true);
        stalls[i](service);
        ask_of(&bad, add_app(stage, "bad", "tenant", "app", base_url), CLIENT_FAMILY_DIRECTORY, base_url,
               "/v1.0/users");
        while (service_count(service, i == 3 ? tokens : users) == 0)
            client_step(stage->client, 10);
        begin_good(&good, stage);
        run_good(&good, stage);
        assert_int_equal(bad.calls, 0);
        client_cancel(stage->client);
        run(stage);
        assert_failed(&bad, CLIENT_CANCELLED, "cancelled");
        end(&bad);
        end_good(&good);
        service_stop(service);
    }
}

static void a_host_that_swallows_every_connection_holds_up_nobody(void **state)
{
    struct stage *stage = *state;
    struct answer bad = {.stage = stage};
    struct deaf_host host;
    struct good good;

    open_deaf_host(&host);
    g_autofree char *base_url = g_strdup_printf("http://127.0.0.1:%d", host.port);
    open_client(stage, NULL, 0, true);
    ask_of(&bad, add_app(stage, "bad", "tenant", "app", base_url), CLIENT_FAMILY_DIRECTORY, base_url, "/v1.0/users");
    for (int i = 0; i < 3; i++)
        client_step(stage->client, 1);
    begin_good(&good, stage);
    run_good(&good, stage);
    assert_int_equal(bad.calls, 0);
    client_cancel(stage->client);
    run(stage);
    assert_failed(&bad, CLIENT_CANCELLED, "cancelled");
    end(&bad);
    end_good(&good);
    close_deaf_host(&host);
}

static void a_dead_port_holds_up_nobody_while_it_is_tried_again(void **state)
{
    struct stage *stage = *state;
    struct answer bad = {.stage = stage};
    struct good good;

    open_client(stage, NULL, 0, true);
    ask_of(&bad, add_app(stage, "bad", "tenant", "app", "http://127.0.0.1:1"), CLIENT_FAMILY_DIRECTORY,
           "http://127.0.0.1:1", "/v1.0/users");
    client_step(stage->client, 10);
    begin_good(&good, stage);
    run_good(&good, stage);
    client_cancel(stage->client);
    run(stage);
    assert_non_null(bad.failure);
    end(&bad);
    end_good(&good);
}

static struct client_app *ask_silent_names(struct answer *bad, struct stage *stage)
{
    struct client_app *app = add_app(stage, "bad", "tenant", "app", "https://graph.silent.test");

    silence_names();
    bad->stage = stage;
    ask_of(bad, app, CLIENT_FAMILY_DIRECTORY, "https://graph.silent.test", "/v1.0/users");
    while (names_waited_for() == 0)
        client_step(stage->client, 10);
    return app;
}

static void a_name_server_that_is_silent_holds_up_nobody(void **state)
{
    struct stage *stage = *state;
    struct answer bad;
    struct good good;

    open_client(stage, NULL, 0, true);
    ask_silent_names(&bad, stage);
    begin_good(&good, stage);
    run_good(&good, stage);
    assert_int_equal(bad.calls, 0);
    client_cancel(stage->client);
    run(stage);
    assert_failed(&bad, CLIENT_CANCELLED, "cancelled");
    assert_true(names_waited_for() > 0); /* and nobody waited for the name */
    end(&bad);
    end_good(&good);
    answer_names();
}

static void a_lookup_whose_time_is_over_is_left_behind_and_not_waited_for(void **state)
{
    struct stage *stage = *state;
    struct answer bad;
    struct log_ear ear;

    open_client(stage, "1790000000@0@0", 50, false);
    listen_to_log(&ear, stage, LOG_LEVEL_INFO);
    ask_silent_names(&bad, stage);
    run(stage);
    g_autofree char *log = take_log(&ear);
    assert_int_equal(occurrences(log, "customer=bad"), 1);
    assert_failed(&bad, CLIENT_SLOW, "timeout");
    assert_int_equal(bad.attempts, 0); /* it was the token's */
    assert_true(names_waited_for() > 0);
    end(&bad);
    client_free(stage->client);
    stage->client = NULL;
    assert_true(names_waited_for() > 0);
    answer_names();
}

static void a_customers_throttling_and_wrong_secret_hold_up_nobody_with_the_same_app(void **state)
{
    struct stage *stage = *state;
    struct answer throttled = {.stage = stage}, behind = {.stage = stage}, secret = {.stage = stage};
    struct good good;

    open_client(stage, NULL, 0, true);
    service_say(stage->service, "GET /v1.0/throttled", 1, 429, "Retry-After: 3600\r\n", "");
    service_say(stage->service, "POST /secret/", 1, 401, "",
                "{\"error\":\"invalid_client\",\"error_description\":\"AADSTS7000215: Invalid client secret\"}");
    struct client_app *app = add_app(stage, "throttled", "throttled", "app", stage->base_url);
    ask_of(&throttled, app, CLIENT_FAMILY_DIRECTORY, stage->base_url, "/v1.0/throttled");
    ask_of(&secret, add_app(stage, "secret", "secret", "app", stage->base_url), CLIENT_FAMILY_DIRECTORY,
           stage->base_url, "/v1.0/secret");
    while (throttled.calls == 0 || secret.calls == 0)
        client_step(stage->client, 10);
    assert_failed(&throttled, CLIENT_LATER, "http_429");
    assert_failed(&secret, CLIENT_CREDENTIALS, "AADSTS7000215");
    assert_true(client_app_wait(app, CLIENT_FAMILY_DIRECTORY, NULL) > 3000);
    begin_good(&good, stage);
    ask_of(&behind, app, CLIENT_FAMILY_DIRECTORY, stage->base_url, "/v1.0/throttled");
    run_good(&good, stage);
    run(stage);
    assert_failed(&behind, CLIENT_LATER, "throttled");
    end(&throttled);
    end(&behind);
    end(&secret);
    end_good(&good);
}

/* --- one registration, many tenants ------------------------------------------------------------------------------- */

static void login(struct stage *stage, struct client_app *app)
{
    struct answer answer = {.stage = stage};

    client_login(stage->client, app, CLIENT_API_GRAPH, on_done, &answer);
    run(stage);
    assert_null(answer.failure);
}

/* A clock so slow that nothing more goes out in a test once a budget is used up. */
static const char slow_clock[] = "1790000000@0.001@0";

static void tenants_take_turns_in_the_budget_that_they_share(void **state)
{
    enum { MUCH = 40, LITTLE = 3, AT_ONCE = 10 };
    struct stage *stage = *state;
    struct answer much[MUCH], little[LITTLE];

    open_client(stage, slow_clock, 0, true);
    struct client_app *greedy = add_app(stage, "greedy", "greedy", "one-app", stage->base_url);
    struct client_app *modest = add_app(stage, "modest", "modest", "one-app", stage->base_url);
    login(stage, greedy);
    login(stage, modest);
    for (int i = 0; i < MUCH; i++) {
        much[i].stage = stage;
        ask_of(&much[i], greedy, CLIENT_FAMILY_ACTIVITY, stage->base_url, "/v1.0/greedy");
    }
    for (int i = 0; i < LITTLE; i++) {
        little[i].stage = stage;
        ask_of(&little[i], modest, CLIENT_FAMILY_ACTIVITY, stage->base_url, "/v1.0/modest");
    }
    while (client_pending(stage->client) > MUCH + LITTLE - AT_ONCE)
        client_step(stage->client, 1000);
    assert_int_equal(service_count(stage->service, "GET /v1.0/modest"), LITTLE);
    assert_int_equal(service_count(stage->service, "GET /v1.0/greedy"), AT_ONCE - LITTLE);
    client_cancel(stage->client);
    run(stage);
    for (int i = 0; i < MUCH; i++)
        end(&much[i]);
    for (int i = 0; i < LITTLE; i++) {
        assert_page(&little[i], 1);
        end(&little[i]);
    }
}

static void thirty_tenants_of_one_registration_keep_to_its_budget_together(void **state)
{
    enum { TENANTS = 30, EACH = 5, AT_ONCE = 122 };
    struct stage *stage = *state;
    struct client_app *apps[TENANTS];
    struct answer answers[TENANTS][EACH];

    open_client(stage, slow_clock, 0, true);
    for (int i = 0; i < TENANTS; i++) {
        g_autofree char *tenant = g_strdup_printf("tenant-%d", i);
        apps[i] = add_app(stage, tenant, tenant, "one-app", stage->base_url);
        login(stage, apps[i]);
    }
    for (int i = 0; i < TENANTS; i++)
        for (int j = 0; j < EACH; j++) {
            answers[i][j].stage = stage;
            ask_of(&answers[i][j], apps[i], CLIENT_FAMILY_REPORTS, stage->base_url, "/v1.0/reports");
        }
    while (client_pending(stage->client) > TENANTS * EACH - AT_ONCE)
        client_step(stage->client, 1000);
    client_step(stage->client, 1);
    assert_int_equal(service_count(stage->service, "GET /v1.0/reports"), AT_ONCE);
    assert_true(client_app_wait(apps[0], CLIENT_FAMILY_REPORTS, NULL) > 9);
    client_cancel(stage->client);
    run(stage);
    for (int i = 0; i < TENANTS; i++) {
        assert_page(&answers[i][3], 1); /* all have had four before any had its fifth */
        for (int j = 0; j < EACH; j++)
            end(&answers[i][j]);
    }
}

static void two_customers_who_are_the_same_tenant_share_its_budget_and_its_retry_after(void **state)
{
    struct stage *stage = *state;
    struct answer told = {.stage = stage};

    open_client(stage, NULL, 0, true);
    struct client_app *one = add_app(stage, "one", "TENANT", "app", stage->base_url);
    struct client_app *two = add_app(stage, "two", "tenant", "App", stage->base_url);
    struct client_app *three = add_app(stage, "three", "tenant", "other-app", stage->base_url);
    service_say(stage->service, users, 1, 429, "Retry-After: 3600\r\n", "");
    ask_of(&told, one, CLIENT_FAMILY_DIRECTORY, stage->base_url, "/v1.0/users");
    run(stage);
    assert_failed(&told, CLIENT_LATER, "http_429");
    bool throttled = false;
    assert_true(client_app_wait(two, CLIENT_FAMILY_DIRECTORY, &throttled) > 3000 && throttled);
    assert_true(client_app_wait(two, CLIENT_FAMILY_REPORTS, &throttled) <= 0 && !throttled);
    assert_true(client_app_wait(three, CLIENT_FAMILY_DIRECTORY, &throttled) <= 0 && !throttled);
    end(&told);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_customer_who_stalls_anywhere_holds_up_nobody, setup, teardown),
        cmocka_unit_test_setup_teardown(a_host_that_swallows_every_connection_holds_up_nobody, setup, teardown),
        cmocka_unit_test_setup_teardown(a_dead_port_holds_up_nobody_while_it_is_tried_again, setup, teardown),
        cmocka_unit_test_setup_teardown(a_name_server_that_is_silent_holds_up_nobody, setup, teardown),
        cmocka_unit_test_setup_teardown(a_lookup_whose_time_is_over_is_left_behind_and_not_waited_for, setup, teardown),
        cmocka_unit_test_setup_teardown(a_customers_throttling_and_wrong_secret_hold_up_nobody_with_the_same_app, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(tenants_take_turns_in_the_budget_that_they_share, setup, teardown),
        cmocka_unit_test_setup_teardown(thirty_tenants_of_one_registration_keep_to_its_budget_together, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(two_customers_who_are_the_same_tenant_share_its_budget_and_its_retry_after,
                                        setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
