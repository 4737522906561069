/* Which of an app's secrets is the configured one, and when it expires. */
#include "told.h"

#include <string.h>

#include "doctor/secret.h"

#define NOW 1763640000 /* 2025-11-20T12:00:00Z */

static struct section *judge(const char *applications)
{
    g_autoptr(JsonPage) page = json_page_new(false, 1 << 20);
    g_autofree char *body = g_strdup_printf("{\"value\":[%s]}", applications);
    struct section *section = section_new(NULL);

    assert_true(json_page_feed(page, body, strlen(body), NULL) && json_page_finish(page, NULL));
    secret_judge(section, page, "abc~Q.secret", NOW);
    return section;
}

#define SECRET(hint, end)    "{\"displayName\":\"nightly\",\"hint\":" hint ",\"endDateTime\":" end "}"
#define APPLICATION(secrets) "{\"passwordCredentials\":[" secrets "],\"keyCredentials\":[]}"
#define UNTOLD               "note: When the client secret expires cannot be told: "

static void the_secret_is_found_by_its_first_characters(void **state)
{
    static const struct {
        const char *applications, *expected;
    } rows[] = {
        {APPLICATION(SECRET("\"abc\"", "\"2026-05-20T12:00:00Z\"")),
         "ok: The client secret is valid until 2026-05-20."},
        {APPLICATION(SECRET("\"xyz\"", "\"2025-11-01T00:00:00Z\"") "," SECRET("\"abc\"", "\"2025-12-01T12:00:00Z\"")),
         "warn: The client secret expires on 2025-12-01, in 11 days."},
        {APPLICATION(SECRET("\"abc\"", "\"2025-11-20T11:00:00Z\"")), "fail: The client secret expired on 2025-11-20."},
        /* Of those that begin alike, the soonest that still holds counts; else the last that did. */
        {APPLICATION(
             SECRET("\"abc\"", "\"2026-05-20T12:00:00Z\"") "," SECRET("\"abc\"", "\"2025-12-01T12:00:00Z\"") "," SECRET(
                 "\"abc\"", "\"2025-11-01T12:00:00Z\"") "," SECRET("\"abc\"", "\"2026-01-01T12:00:00Z\"")),
         "warn: The client secret (or another that begins alike) expires on 2025-12-01, in 11 days."},
        {APPLICATION(SECRET("\"abc\"", "\"2025-11-01T12:00:00Z\"") "," SECRET(
             "\"abc\"", "\"2025-11-03T12:00:00Z\"") "," SECRET("\"abc\"", "\"2025-11-02T12:00:00Z\"")),
         "fail: The client secret (or another that begins alike) expired on 2025-11-03."},
        {APPLICATION(SECRET("\"abc\"", "\"2025-11-01T12:00:00Z\"") "," SECRET("\"abc\"", "\"2026-11-03T12:00:00Z\"")),
         "ok: The client secret (or another that begins alike) is valid until 2026-11-03."},
        {"", UNTOLD "the app's registration is not in this tenant."},
        {APPLICATION(""), UNTOLD "the app's registration tells of no secret that may be it."},
        {APPLICATION(SECRET("\"xyz\"", "\"2026-05-20T12:00:00Z\"")),
         UNTOLD "the app's registration tells of no secret that may be it."},
        {APPLICATION(SECRET("null", "\"2026-05-20T12:00:00Z\"")),
         UNTOLD "the app's registration tells of no secret that may be it."},
        {APPLICATION(SECRET("\"\"", "\"2026-05-20T12:00:00Z\"")),
         UNTOLD "the app's registration tells of no secret that may be it."},
        {APPLICATION(SECRET("\"abc\"", "null")), UNTOLD "the app's registration tells of no secret that may be it."},
        {APPLICATION(SECRET("\"abc\"", "\"soon\"")),
         UNTOLD "the app's registration tells of no secret that may be it."},
        {"{\"passwordCredentials\":null}", UNTOLD "the app's registration tells of no secret that may be it."},
        {"17", UNTOLD "the app's registration tells of no secret that may be it."},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        assert_told(judge(rows[i].applications), rows[i].expected);
}

static void nothing_of_a_secret_is_in_what_is_told(void **state)
{
    struct section *section = judge(APPLICATION(SECRET("\"abc\"", "\"2025-12-01T12:00:00Z\"")));
    const struct doctor_finding *finding = g_ptr_array_index(section->findings, 0);

    (void)state;
    assert_null(strstr(finding->message, "abc"));
    assert_null(strstr(finding->mend, "abc"));
    section_free(section);
}

static void the_registration_is_asked_for_by_the_apps_id(void **state)
{
    g_autofree char *url = secret_url("https://graph.example", "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee");

    (void)state;
    assert_string_equal(url, "https://graph.example/v1.0/applications?$filter=appId%20eq%20"
                             "'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee'&$select=passwordCredentials,keyCredentials");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_secret_is_found_by_its_first_characters),
        cmocka_unit_test(nothing_of_a_secret_is_in_what_is_told),
        cmocka_unit_test(the_registration_is_asked_for_by_the_apps_id),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
