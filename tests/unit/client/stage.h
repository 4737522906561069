/* stage - a service, a clock that stands, a client and one app: what most tests of the loop begin with. Include after
 * cmocka.h. */
#ifndef TESTS_CLIENT_STAGE_H
#define TESTS_CLIENT_STAGE_H

#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "client/client.h"
#include "service.h"

struct stage {
    struct service *service;
    struct clock clock;
    struct client *client;
    struct client_app *app;
    char *base_url;
};

/* What came of one request. */
struct answer {
    struct stage *stage;
    struct client_app *app; /* that `ask` asks for; NULL: the stage's */
    struct json_page *page;
    unsigned calls;
    struct client_failure *failure;
    unsigned attempts, throttled;
    int64_t body_bytes, done_us;
    char *request_id;
    const char *next; /* a path to ask from inside `done` */
    struct answer *next_answer;
};

static inline void open_client(struct stage *stage, const char *clock, int stall_timeout_ms, bool pace)
{
    struct client_options options = {
        .clock = &stage->clock, .pace = pace, .wake_fd = -1, .stall_timeout_ms = stall_timeout_ms};
    struct client_app_options app = {
        .name = "contoso", .tenant_id = "tenant", .client_id = "app", .client_secret = "s~cret+/="};

    client_free(stage->client);
    assert_true(clock_init(&stage->clock, clock, NULL));
    stage->client = client_new(&options, NULL);
    assert_non_null(stage->client);
    app.login_url = app.graph_url = app.manage_url = stage->base_url;
    stage->app = client_app_new(stage->client, &app);
}

static inline int setup(void **state)
{
    struct stage *stage = g_new0(struct stage, 1);

    stage->service = service_start();
    stage->base_url = g_strdup_printf("http://127.0.0.1:%d", stage->service->port);
    open_client(stage, "1790000000@0@0", 0, false);
    *state = stage;
    return 0;
}

static inline int teardown(void **state)
{
    struct stage *stage = *state;

    client_free(stage->client);
    service_stop(stage->service);
    g_free(stage->base_url);
    g_free(stage);
    return 0;
}

static inline void begin(struct answer *answer, struct stage *stage)
{
    *answer = (struct answer){.stage = stage, .page = json_page_new(false, 1 << 20)};
}

static inline void end(struct answer *answer)
{
    json_page_free(answer->page);
    client_failure_free(answer->failure);
    g_free(answer->request_id);
}

static inline void ask(struct answer *answer, const char *path);

static inline void on_done(const struct client_result *result, void *user)
{
    struct answer *answer = user;

    answer->calls++;
    answer->failure = client_failure_copy(result->failure);
    answer->attempts = result->attempts;
    answer->throttled = result->throttled;
    answer->body_bytes = result->body_bytes;
    answer->request_id = g_strdup(result->request_id);
    answer->done_us = g_get_monotonic_time();
    if (answer->next)
        ask(answer->next_answer, answer->next);
}

static inline void ask_as(struct answer *answer, struct client_app *app, enum client_api api, enum client_family family,
                          const char *url)
{
    static const char *const headers[] = {"ConsistencyLevel: eventual", "Prefer: odata.maxpagesize=50", NULL};
    struct client_request request = {
        .app = app,
        .api = api,
        .family = family,
        .url = url,
        .headers = headers,
        .page = answer->page,
        .permission = "User.Read.All",
        .done = on_done,
        .user = answer,
    };

    client_start(answer->stage->client, &request);
}

static inline void ask(struct answer *answer, const char *path)
{
    g_autofree char *url = g_strconcat(answer->stage->base_url, path, NULL);

    ask_as(answer, answer->app ? answer->app : answer->stage->app, CLIENT_API_GRAPH, CLIENT_FAMILY_DIRECTORY, url);
}

/* Steps until nothing is pending. */
static inline void run(struct stage *stage)
{
    int64_t until_us = g_get_monotonic_time() + 60 * CLOCK_US;

    while (client_pending(stage->client) > 0) {
        client_step(stage->client, 1000);
        if (g_get_monotonic_time() > until_us)
            fail_msg("the loop hangs with %u requests", client_pending(stage->client));
    }
}

static inline void run_one(struct answer *answer, struct stage *stage, const char *path)
{
    begin(answer, stage);
    ask(answer, path);
    run(stage);
    assert_int_equal(answer->calls, 1);
}

static inline void assert_failed(const struct answer *answer, enum client_verdict verdict, const char *code)
{
    assert_non_null(answer->failure);
    if (answer->failure->verdict != verdict || g_strcmp0(answer->failure->code, code) != 0)
        fail_msg("verdict %d, code %s, message %s", (int)answer->failure->verdict, answer->failure->code,
                 answer->failure->message);
    assert_non_null(answer->failure->message);
    assert_true(strlen(answer->failure->message) <= 300);
    assert_null(strstr(answer->failure->message, "s~cret"));
    assert_null(strstr(answer->failure->message, "token-"));
}

static inline void assert_page(const struct answer *answer, unsigned records)
{
    if (answer->failure)
        fail_msg("failed: %s (%s)", answer->failure->message, answer->failure->code);
    assert_int_equal(json_page_count(answer->page), records);
}

/* Takes what is logged away from standard error for a while. */
struct log_ear {
    char *path;
    int file, saved;
};

static inline void listen_to_log(struct log_ear *ear, struct stage *stage, enum log_level level)
{
    ear->file = g_file_open_tmp(NULL, &ear->path, NULL);
    ear->saved = dup(STDERR_FILENO);
    assert_true(ear->saved >= 0 && ear->file >= 0 && dup2(ear->file, STDERR_FILENO) >= 0);
    log_init(level, LOG_FORMAT_LOGFMT, &stage->clock);
}

/* What was logged since. Returned: g_free. */
static inline char *take_log(struct log_ear *ear)
{
    char *words = NULL;

    log_init(LOG_LEVEL_ERROR, LOG_FORMAT_LOGFMT, NULL);
    assert_true(dup2(ear->saved, STDERR_FILENO) >= 0);
    close(ear->saved);
    close(ear->file);
    assert_true(g_file_get_contents(ear->path, &words, NULL, NULL));
    assert_int_equal(g_unlink(ear->path), 0);
    g_free(ear->path);
    return words;
}

/* What is logged at `level` while `stage` asks for `paths` one after the other. Returned: g_free. */
static inline char *logged(struct stage *stage, enum log_level level, const char *const *paths)
{
    struct log_ear ear;

    listen_to_log(&ear, stage, level);
    for (; *paths; paths++) {
        struct answer answer;
        run_one(&answer, stage, *paths);
        end(&answer);
    }
    return take_log(&ear);
}

static inline unsigned occurrences(const char *text, const char *part)
{
    unsigned n = 0;

    while ((text = strstr(text, part))) {
        text += strlen(part);
        n++;
    }
    return n;
}

#endif
