/* Every call of libcurl made to fail: a login and two pages, again and again, each time with another call failing. The
 * linker puts the functions below in libcurl's place (--wrap). Whatever fails, each request comes to `done` once, with
 * a whole page or a failure; sanitizers and valgrind see to it that nothing leaks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <curl/curl.h>

#include "stage.h"

/* --- libcurl, failing on demand ----------------------------------------------------------------------------------- */

static struct {
    bool armed;
    unsigned calls, fail_at; /* 0: none by number */
    const char *fail_always; /* every call of this function; NULL: none */
    const char *failed;      /* the function that last did */
    int message_at;          /* the transfer whose result is replaced; -1: none */
    int messages;
    CURLcode result;
} torture;

static bool fails(const char *function)
{
    if (!torture.armed)
        return false;
    torture.calls++;
    if (torture.calls != torture.fail_at && g_strcmp0(torture.fail_always, function) != 0)
        return false;
    torture.failed = function;
    return true;
}

#define WRAP(type, name, parameters, arguments, failure)                                                               \
    type __real_##name parameters;                                                                                     \
    type __wrap_##name parameters;                                                                                     \
    type __wrap_##name parameters                                                                                      \
    {                                                                                                                  \
        return fails(#name) ? (failure) : __real_##name arguments;                                                     \
    }

WRAP(CURLcode, curl_global_init, (long flags), (flags), CURLE_FAILED_INIT)
WRAP(CURLM *, curl_multi_init, (void), (), NULL)
WRAP(CURLMcode, curl_multi_add_handle, (CURLM * multi, CURL *easy), (multi, easy), CURLM_OUT_OF_MEMORY)
WRAP(CURLMcode, curl_multi_remove_handle, (CURLM * multi, CURL *easy), (multi, easy), CURLM_BAD_EASY_HANDLE)
WRAP(CURLMcode, curl_multi_perform, (CURLM * multi, int *running), (multi, running), CURLM_INTERNAL_ERROR)
WRAP(CURLMcode, curl_multi_poll, (CURLM * multi, struct curl_waitfd fds[], unsigned n, int ms, int *ready),
     (multi, fds, n, ms, ready), CURLM_OUT_OF_MEMORY)
WRAP(CURLcode, curl_easy_pause, (CURL * easy, int what), (easy, what), CURLE_OUT_OF_MEMORY)
WRAP(CURLMcode, curl_multi_wakeup, (CURLM * multi), (multi), CURLM_WAKEUP_FAILURE)
WRAP(CURL *, curl_easy_init, (void), (), NULL)
WRAP(struct curl_slist *, curl_slist_append, (struct curl_slist * list, const char *line), (list, line), NULL)

CURLcode __real_curl_easy_setopt(CURL *easy, CURLoption option, ...);
CURLcode __wrap_curl_easy_setopt(CURL *easy, CURLoption option, ...);

/* The argument's type follows from the option's number, as curl.h has it. */
CURLcode __wrap_curl_easy_setopt(CURL *easy, CURLoption option, ...)
{
    CURLcode result;
    va_list arguments;

    if (fails("curl_easy_setopt"))
        return CURLE_OUT_OF_MEMORY;
    va_start(arguments, option);
    if (option < CURLOPTTYPE_OBJECTPOINT)
        result = __real_curl_easy_setopt(easy, option, va_arg(arguments, long));
    else if (option >= CURLOPTTYPE_OFF_T && option < CURLOPTTYPE_BLOB)
        result = __real_curl_easy_setopt(easy, option, va_arg(arguments, curl_off_t));
    else
        result = __real_curl_easy_setopt(easy, option, va_arg(arguments, void *));
    va_end(arguments);
    return result;
}

CURLMcode __real_curl_multi_setopt(CURLM *multi, CURLMoption option, ...);
CURLMcode __wrap_curl_multi_setopt(CURLM *multi, CURLMoption option, ...);

/* Those that are set here are numbers. */
CURLMcode __wrap_curl_multi_setopt(CURLM *multi, CURLMoption option, ...)
{
    va_list arguments;

    if (fails("curl_multi_setopt"))
        return CURLM_OUT_OF_MEMORY;
    va_start(arguments, option);
    CURLMcode result = __real_curl_multi_setopt(multi, option, va_arg(arguments, long));
    va_end(arguments);
    return result;
}

CURLcode __real_curl_easy_getinfo(CURL *easy, CURLINFO info, ...);
CURLcode __wrap_curl_easy_getinfo(CURL *easy, CURLINFO info, ...);

CURLcode __wrap_curl_easy_getinfo(CURL *easy, CURLINFO info, ...)
{
    va_list arguments;

    if (fails("curl_easy_getinfo"))
        return CURLE_UNKNOWN_OPTION;
    va_start(arguments, info);
    CURLcode result = __real_curl_easy_getinfo(easy, info, va_arg(arguments, void *));
    va_end(arguments);
    return result;
}

CURLMsg *__real_curl_multi_info_read(CURLM *multi, int *left);
CURLMsg *__wrap_curl_multi_info_read(CURLM *multi, int *left);

/* It cannot fail; but what it tells may be anything. */
CURLMsg *__wrap_curl_multi_info_read(CURLM *multi, int *left)
{
    static CURLMsg message;
    CURLMsg *real = __real_curl_multi_info_read(multi, left);

    if (!real || !torture.armed || torture.messages++ != torture.message_at)
        return real;
    message = *real;
    message.data.result = torture.result;
    return &message;
}

/* --- the scenario ------------------------------------------------------------------------------------------------- */

/* Long enough to come in several parts, and to be paused; a part that went missing would not break the JSON. */
enum { LONG_BYTES = 200 * 1000 };

struct play {
    struct stage stage; /* its client lives for one run */
    char *first_body, *second_body;
    struct answer login, first, second;
};

static int setup_play(void **state)
{
    struct play *play = g_new0(struct play, 1);
    g_autofree char *filler = g_strnfill(LONG_BYTES, 'n');

    play->stage.service = service_start();
    play->stage.base_url = g_strdup_printf("http://127.0.0.1:%d", play->stage.service->port);
    assert_true(clock_init(&play->stage.clock, "1790000000@0@0", NULL));
    play->first_body = g_strdup_printf("{\"value\":[{\"id\":\"1\",\"filler\":\"%s\"},{\"id\":\"2\"}],"
                                       "\"@odata.nextLink\":\"%s/v1.0/users?$skiptoken=2\"}",
                                       filler, play->stage.base_url);
    play->second_body = g_strdup("{\"value\":[{\"id\":\"3\"}]}");
    service_always(play->stage.service, "GET /v1.0/users?$top=2 ", play->first_body);
    service_always(play->stage.service, "GET /v1.0/users?$skiptoken=2 ", play->second_body);
    *state = play;
    return 0;
}

static int teardown_play(void **state)
{
    struct play *play = *state;

    service_stop(play->stage.service);
    g_free(play->stage.base_url);
    g_free(play->first_body);
    g_free(play->second_body);
    g_free(play);
    return 0;
}

static void on_first(const struct client_result *result, void *user)
{
    struct play *play = user;

    on_done(result, &play->first);
    if (result->failure)
        return;
    const char *link = json_page_member(play->first.page, "@odata.nextLink");
    assert_non_null(link);
    g_autofree char *path = g_strdup(link + strlen(play->stage.base_url));
    ask(&play->second, path);
}

static void on_login(const struct client_result *result, void *user)
{
    struct play *play = user;
    g_autofree char *url = g_strconcat(play->stage.base_url, "/v1.0/users?$top=2", NULL);
    struct client_request request = {
        .app = play->stage.app,
        .api = CLIENT_API_GRAPH,
        .family = CLIENT_FAMILY_DIRECTORY,
        .url = url,
        .page = play->first.page,
        .done = on_first,
        .user = play,
    };

    on_done(result, &play->login);
    if (!result->failure) {
        client_start(play->stage.client, &request);
        client_wake(play->stage.client);
    }
}

static void check_page(const struct answer *answer, const char *body, bool asked)
{
    assert_int_equal(answer->calls, asked ? 1 : 0);
    if (!asked || answer->failure)
        return;
    assert_int_equal(json_page_bytes(answer->page), strlen(body));
    assert_string_equal(json_page_body(answer->page), body);
}

/* What is large is paused, and goes on once it was. */
static void run_behind_backlog(struct stage *stage)
{
    client_backlog(stage->client, INT64_MAX / 2);
    while (client_pending(stage->client) > 0 && !client_is_full(stage->client))
        client_step(stage->client, 1000);
    client_backlog(stage->client, 0);
    run(stage);
}

/* Plays it through once. True when all of it went well. */
static bool play_once(struct play *play)
{
    struct client_options options = {.clock = &play->stage.clock, .wake_fd = -1};
    struct client_app_options app = {.tenant_id = "tenant", .client_id = "app", .client_secret = "s~cret+/="};
    g_autoptr(GError) error = NULL;

    app.login_url = app.graph_url = app.manage_url = play->stage.base_url;
    begin(&play->login, &play->stage);
    begin(&play->first, &play->stage);
    begin(&play->second, &play->stage);
    play->stage.client = client_new(&options, &error);
    assert_true((play->stage.client != NULL) == (error == NULL));
    if (play->stage.client) {
        play->stage.app = client_app_new(play->stage.client, &app);
        client_login(play->stage.client, play->stage.app, CLIENT_API_GRAPH, on_login, play);
        run_behind_backlog(&play->stage);
        assert_int_equal(play->login.calls, 1);
        check_page(&play->first, play->first_body, !play->login.failure);
        check_page(&play->second, play->second_body, play->first.calls == 1 && !play->first.failure);
    }
    client_free(play->stage.client);
    bool good = play->second.calls == 1 && !play->second.failure;
    end(&play->login);
    end(&play->first);
    end(&play->second);
    return good;
}

static bool play_tortured(struct play *play, unsigned fail_at, const char *fail_always, int message_at, CURLcode result)
{
    torture.calls = 0;
    torture.messages = 0;
    torture.failed = NULL;
    torture.fail_at = fail_at;
    torture.fail_always = fail_always;
    torture.message_at = message_at;
    torture.result = result;
    torture.armed = true;
    bool good = play_once(play);
    torture.armed = false;
    return good;
}

/* --- tests -------------------------------------------------------------------------------------------------------- */

static void any_call_may_fail_once_and_no_page_is_halved_or_told_twice(void **state)
{
    unsigned n = 0;
    bool good;

    do {
        good = play_tortured(*state, ++n, NULL, -1, CURLE_OK);
        assert_true(n < 5000);
    } while (torture.failed);
    assert_true(good); /* untouched */
    assert_true(n > 100);
}

static void any_function_may_fail_for_good_and_each_request_still_ends(void **state)
{
    static const char *const functions[] = {
        "curl_global_init", "curl_multi_init",   "curl_multi_add_handle", "curl_multi_perform", "curl_multi_poll",
        "curl_easy_init",   "curl_slist_append", "curl_easy_setopt",      "curl_easy_getinfo",  "curl_multi_setopt",
    };
    static const char *const harmless[] = {"curl_multi_remove_handle", "curl_multi_wakeup", "curl_easy_pause"};

    for (size_t i = 0; i < G_N_ELEMENTS(functions); i++) {
        assert_false(play_tortured(*state, 0, functions[i], -1, CURLE_OK));
        assert_string_equal(torture.failed, functions[i]);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(harmless); i++) {
        assert_true(play_tortured(*state, 0, harmless[i], -1, CURLE_OK));
        assert_string_equal(torture.failed, harmless[i]);
    }
}

static void any_result_of_a_transfer_ends_in_a_whole_page_or_a_failure(void **state)
{
    for (int transfer = 0; transfer < 2; transfer++) /* the token's, and a page's */
        for (int result = 0; result < CURL_LAST; result++) {
            play_tortured(*state, 0, NULL, transfer, (CURLcode)result);
            assert_true(torture.messages > transfer);
        }
    assert_true(play_tortured(*state, 0, NULL, -1, CURLE_OK));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(any_call_may_fail_once_and_no_page_is_halved_or_told_twice, setup_play,
                                        teardown_play),
        cmocka_unit_test_setup_teardown(any_function_may_fail_for_good_and_each_request_still_ends, setup_play,
                                        teardown_play),
        cmocka_unit_test_setup_teardown(any_result_of_a_transfer_ends_in_a_whole_page_or_a_failure, setup_play,
                                        teardown_play),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
