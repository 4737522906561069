/* Intune's audit events: who did what to what, in a sentence. */
#include "decode_one.h"

static const char whole[] =
    "{\"@odata.type\":\"#microsoft.graph.auditEvent\",\"id\":\"5a0c\",\"displayName\":\"Create "
    "DeviceEnrollmentConfiguration\","
    "\"componentName\":\"Enrollment\",\"activity\":null,\"activityDateTime\":\"2026-11-19T16:29:00.7023255-08:00\","
    "\"activityType\":\"Create DeviceEnrollmentConfiguration\",\"activityOperationType\":\"Create\",\"activityResult\":"
    "\"Success\",\"category\":\"Enrollment\",\"actor\":{\"auditActorType\":\"ItPro\",\"userPermissions\":[\"*\"],"
    "\"applicationId\":\"b0\",\"applicationDisplayName\":\"Device portal\",\"userPrincipalName\":\"ada@example.org\","
    "\"servicePrincipalName\":null,\"ipAddress\":null,\"userId\":\"a1\"},\"resources\":[{\"displayName\":\"Limit for "
    "guests\","
    "\"auditResourceType\":\"DeviceEnrollmentLimitConfiguration\",\"resourceId\":\"r1\",\"modifiedProperties\":["
    "{\"displayName\":\"Limit\",\"oldValue\":null,\"newValue\":\"5\"}]}]}";

static void a_whole_record_is_decoded(void **state)
{
    struct document *document = decode_one("intune-audits", whole);

    (void)state;
    assert_text(document->id, "5a0c");
    assert_text(document->service, "Intune");
    assert_text(document->operation, "Create DeviceEnrollmentConfiguration");
    assert_text(document->result, "success");
    assert_text(document->actor_display, "ada@example.org");
    assert_true(has_name(document, "a1"));
    assert_false(has_name(document, "Device portal"));
    assert_text(document->target_displays, "[\"Limit for guests\"]");
    assert_text(document->display_summary, "ada@example.org created device enrollment configuration Limit for guests");
    assert_true(has_line(document, "Device portal"));
    assert_true(has_line(document, "DeviceEnrollmentLimitConfiguration"));
    document_free(document);
}

static void quirk_66_a_time_with_an_offset_is_brought_to_utc(void **state)
{
    struct document *document = decode_one("intune-audits", whole);

    (void)state;
    assert_text(document->timestamp, "2026-11-20T00:29:00.7023255Z");
    document_free(document);
}

/* --- fields in all their forms --------------------------------------------------------------------------------------
 */

static void check_operation(const char *members, const char *expected)
{
    g_autofree char *record = g_strdup_printf("{\"id\":\"1\"%s}", members);
    struct document *document = decode_one("intune-audits", record);

    assert_text(document->operation, expected);
    document_free(document);
}

static void the_operation_is_the_first_name_that_says_something(void **state)
{
    (void)state;
    check_operation(",\"displayName\":\"a\",\"activity\":\"b\"", "a");
    check_operation(",\"displayName\":null,\"activity\":\"b\",\"activityType\":\"c\"", "b");
    check_operation(",\"displayName\":\"<null>\",\"activity\":\"\",\"activityType\":\"c\"", "c");
    check_operation(",\"activityOperationType\":\"Patch\"", "Patch");
    check_operation("", NULL);
}

static void results_are_those_of_other_sources_in_any_case(void **state)
{
    static const char *const results[][2] = {{"\"Success\"", "success"},
                                             {"\"success\"", "success"},
                                             {"\"Failure\"", "failure"},
                                             {"\"Fail\"", "failure"},
                                             {"\"ClientError\"", "failure"},
                                             {"\"TIMEOUT\"", "timeout"},
                                             {"\"Other\"", "Other"},
                                             {"null", NULL},
                                             {"7", NULL},
                                             {"\"\"", NULL}};

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(results); i++) {
        g_autofree char *record = g_strdup_printf("{\"id\":\"1\",\"activityResult\":%s}", results[i][0]);
        struct document *document = decode_one("intune-audits", record);

        assert_text(document->result, results[i][1]);
        document_free(document);
    }
}

static void the_actor_is_the_user_or_else_the_application(void **state)
{
    static const char *const actors[][2] = {
        {"{\"userPrincipalName\":\"ada@example.org\",\"applicationDisplayName\":\"Portal\"}", "ada@example.org"},
        {"{\"userPrincipalName\":null,\"userId\":\"a1\",\"applicationDisplayName\":\"Portal\"}", "a1"},
        {"{\"auditActorType\":\"Application\",\"userId\":\"a1\",\"applicationDisplayName\":\"Sync\"}", "Sync"},
        {"{\"type\":\"application\",\"userPrincipalName\":\"ada@example.org\"}", "ada@example.org"},
        {"{\"userId\":\"00000000-0000-0000-0000-000000000000\",\"servicePrincipalName\":\"sync\"}", "sync"},
        {"{\"applicationId\":\"b0\"}", "b0"},
        {"{}", "unknown"},
        {"null", "unknown"},
        {"[]", "unknown"},
        {"\"ada\"", "unknown"}};

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(actors); i++) {
        g_autofree char *record = g_strdup_printf("{\"id\":\"1\",\"actor\":%s}", actors[i][0]);
        struct document *document = decode_one("intune-audits", record);

        assert_text(document->actor_display, actors[i][1]);
        document_free(document);
    }
}

static void targets_go_by_name_or_id_and_each_once(void **state)
{
    static const char *const resources[][2] = {
        {"[{\"displayName\":\"a\"},{\"displayName\":\"<null>\",\"resourceId\":\"r\"},{\"displayName\":\"a\"}]",
         "[\"a\",\"r\"]"},
        {"[{\"displayName\":\"<null>\"},7,null,[]]", "[]"},
        {"null", "[]"},
        {"{\"displayName\":\"a\"}", "[]"}};

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(resources); i++) {
        g_autofree char *record = g_strdup_printf("{\"id\":\"1\",\"resources\":%s}", resources[i][0]);
        struct document *document = decode_one("intune-audits", record);

        assert_text(document->target_displays, resources[i][1]);
        document_free(document);
    }
}

/* --- sentences ------------------------------------------------------------------------------------------------------
 */

static void check_sentence(const char *operation, const char *result, const char *expected)
{
    g_autofree char *record = g_strdup_printf("{\"id\":\"1\",\"displayName\":\"%s\",\"activityResult\":\"%s\","
                                              "\"actor\":{\"userPrincipalName\":\"ada@example.org\"},"
                                              "\"resources\":[{\"displayName\":\"LAPTOP-7\"}]}",
                                              operation, result);
    struct document *document = decode_one("intune-audits", record);

    assert_text(document->display_summary, expected);
    document_free(document);
}

static void a_sentence_says_it_as_people_do(void **state)
{
    (void)state;
    check_sentence("Patch DeviceCompliancePolicy", "Success",
                   "ada@example.org changed device compliance policy LAPTOP-7");
    check_sentence("Delete ManagedDevice", "Failure", "ada@example.org failed to delete managed device LAPTOP-7");
    check_sentence("Assign MobileApp", "Timeout",
                   "ada@example.org tried to assign mobile app LAPTOP-7, but it timed out");
    check_sentence("syncDevice ManagedDevice", "Success", "ada@example.org synchronized managed device LAPTOP-7");
    check_sentence("rotateBitLockerKeys ManagedDevice", "Success",
                   "ada@example.org rotated BitLocker keys of managed device LAPTOP-7");
    check_sentence("wipe ManagedDevice", "Success", "ada@example.org wiped managed device LAPTOP-7");
    check_sentence("Create iOSLobApp", "Success", "ada@example.org created iOS lob app LAPTOP-7");
    check_sentence("Create macOSCustomConfiguration", "Success",
                   "ada@example.org created macOS custom configuration LAPTOP-7");
    check_sentence("Set MDMAuthority", "Success", "ada@example.org set MDM authority LAPTOP-7");
    check_sentence("Update terms of use", "Success", "ada@example.org updated terms of use LAPTOP-7");
    check_sentence("DeviceCleanup", "Success", "ada@example.org: device cleanup LAPTOP-7");
    check_sentence("DeviceCleanup", "Failure", "ada@example.org: device cleanup LAPTOP-7 failed");
    check_sentence("Delete", "Success", "ada@example.org deleted LAPTOP-7");
    check_sentence("Ger\xc3\xa4t L\xc3\xb6schen", "Success", "ada@example.org: Ger\xc3\xa4t L\xc3\xb6schen LAPTOP-7");
}

static void a_sentence_names_three_targets_and_counts_the_rest(void **state)
{
    struct document *document =
        decode_one("intune-audits",
                   "{\"id\":\"1\",\"displayName\":\"Delete ManagedDevice\",\"resources\":[{\"displayName\":\"a\"},"
                   "{\"displayName\":\"b\"},{\"displayName\":\"c\"},{\"displayName\":\"d\"},"
                   "{\"displayName\":\"e\"}]}");

    (void)state;
    assert_text(document->display_summary, "An unknown actor deleted managed device a, b, c and 2 more");
    document_free(document);
}

static void an_empty_record_has_a_sentence_too(void **state)
{
    struct document *document = decode_one("intune-audits", "{}");

    (void)state;
    assert_text(document->display_summary, "An unknown actor: an activity without a name");
    assert_true(document->time_missing);
    document_free(document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_record_is_decoded),
        cmocka_unit_test(quirk_66_a_time_with_an_offset_is_brought_to_utc),
        cmocka_unit_test(the_operation_is_the_first_name_that_says_something),
        cmocka_unit_test(results_are_those_of_other_sources_in_any_case),
        cmocka_unit_test(the_actor_is_the_user_or_else_the_application),
        cmocka_unit_test(targets_go_by_name_or_id_and_each_once),
        cmocka_unit_test(a_sentence_says_it_as_people_do),
        cmocka_unit_test(a_sentence_names_three_targets_and_counts_the_rest),
        cmocka_unit_test(an_empty_record_has_a_sentence_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
