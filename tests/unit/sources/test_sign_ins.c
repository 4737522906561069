/* Sign-ins: what a record of auditLogs/signIns becomes. */
#include "decode_one.h"

#define ADA                                                                                                            \
    "\"userPrincipalName\":\"ada@example.org\",\"userDisplayName\":\"Ada "                                             \
    "Ž\",\"userId\":\"11111111-1111-4111-8111-111111111111\""
#define PORTAL "\"appDisplayName\":\"Azure Portal\",\"appId\":\"c44b4083-3bb0-49c1-b47d-974e53cbdf3c\""
#define BRNO                                                                                                           \
    "\"ipAddress\":\"2001:db8::7\",\"location\":{\"city\":\"Brno\",\"state\":\"Jihomoravský\",\"countryOrRegion\":"   \
    "\"CZ\",\"geoCoordinates\":{}}"
#define STATUS(code) "\"status\":{\"errorCode\":" #code ",\"failureReason\":\"Other.\",\"additionalDetails\":null}"
#define RECORD(rest) "{\"id\":\"s1\",\"createdDateTime\":\"2026-11-20T07:01:02.1234567Z\"," rest "}"

struct example {
    const char *record;
    const char *operation, *result, *actor, *targets, *summary;
};

static void check(const struct example *examples, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct example *e = &examples[i];
        struct document *document = decode_one("sign-ins", e->record);
        assert_text(document->display_summary, e->summary);
        assert_text(document->service, "SignIn");
        assert_text(document->operation, e->operation);
        assert_text(document->result, e->result);
        assert_text(document->actor_display, e->actor);
        assert_text(document->target_displays, e->targets);
        assert_true(has_name(document, e->actor));
        document_free(document);
    }
}

static void a_sign_in_reads_as_a_sentence(void **state)
{
    static const struct example examples[] = {
        {RECORD(ADA "," PORTAL "," BRNO "," STATUS(0)), "Azure Portal", "success", "ada@example.org",
         "[\"Azure Portal\"]", "ada@example.org signed in to Azure Portal from Brno, CZ (2001:db8::7)"},
        {RECORD(ADA "," PORTAL "," BRNO "," STATUS(50126)), "Azure Portal", "failure", "ada@example.org",
         "[\"Azure Portal\"]",
         "ada@example.org failed to sign in to Azure Portal from Brno, CZ (2001:db8::7): wrong password (50126)"},
        {RECORD(ADA "," PORTAL "," BRNO "," STATUS(50074)), "Azure Portal", "interrupted", "ada@example.org",
         "[\"Azure Portal\"]",
         "ada@example.org was interrupted signing in to Azure Portal from Brno, CZ (2001:db8::7): had to pass "
         "multifactor authentication (50074)"},
        {RECORD(ADA "," PORTAL ",\"resourceDisplayName\":\"Windows Azure Service Management API\"," BRNO "," STATUS(0)),
         "Azure Portal", "success", "ada@example.org", "[\"Azure Portal\",\"Windows Azure Service Management API\"]",
         "ada@example.org signed in to Azure Portal from Brno, CZ (2001:db8::7)"},
        {RECORD(ADA ",\"appDisplayName\":\"Windows Sign In\"," STATUS(0)), "Windows Sign In", "success",
         "ada@example.org", "[\"Windows Sign In\"]", "ada@example.org signed in to Windows"},
    };

    (void)state;
    check(examples, G_N_ELEMENTS(examples));
}

#define BACKUP                                                                                                         \
    "\"servicePrincipalName\":\"Backup\",\"servicePrincipalId\":\"55555555-5555-4555-8555-555555555555\","             \
    "\"appDisplayName\":\"Backup\",\"appId\":\"66666666-6666-4666-8666-666666666666\",\"userId\":\"\","                \
    "\"userPrincipalName\":\"\",\"userDisplayName\":\"\""
#define GRAPH       "\"resourceDisplayName\":\"Microsoft Graph\",\"resourceId\":\"00000003-0000-0000-c000-000000000000\""
#define TYPES(list) "\"signInEventTypes\":[" list "]"

static void quirk_32_other_classes_of_sign_ins_say_who_signed_in_to_what(void **state)
{
    static const struct example examples[] = {
        {RECORD(TYPES("\"nonInteractiveUser\"") "," ADA "," PORTAL "," BRNO "," STATUS(0)), "Azure Portal", "success",
         "ada@example.org", "[\"Azure Portal\"]",
         "ada@example.org signed in to Azure Portal (non-interactive) from Brno, CZ (2001:db8::7)"},
        {RECORD(TYPES("\"nonInteractiveUser\"") "," ADA "," PORTAL "," STATUS(50126)), "Azure Portal", "failure",
         "ada@example.org", "[\"Azure Portal\"]",
         "ada@example.org failed to sign in to Azure Portal (non-interactive): wrong password (50126)"},
        {RECORD(TYPES("\"interactiveUser\"") "," ADA "," PORTAL "," STATUS(0)), "Azure Portal", "success",
         "ada@example.org", "[\"Azure Portal\"]", "ada@example.org signed in to Azure Portal"},
        {RECORD(TYPES("\"servicePrincipal\"") "," BACKUP "," GRAPH ",\"ipAddress\":\"192.0.2.7\"," STATUS(0)),
         "Microsoft Graph", "success", "Backup", "[\"Microsoft Graph\"]",
         "Service principal Backup signed in to Microsoft Graph from 192.0.2.7"},
        {RECORD(TYPES("\"ServicePrincipal\"") "," BACKUP "," GRAPH "," STATUS(7000215)), "Microsoft Graph", "failure",
         "Backup", "[\"Microsoft Graph\"]",
         "Service principal Backup failed to sign in to Microsoft Graph: wrong client secret (7000215)"},
        {RECORD(TYPES("\"managedIdentity\"") "," BACKUP "," GRAPH "," STATUS(0)), "Microsoft Graph", "success",
         "Backup", "[\"Microsoft Graph\"]", "Managed identity Backup signed in to Microsoft Graph"},
        {RECORD(TYPES("\"managedIdentity\",\"servicePrincipal\"") ",\"servicePrincipalId\":\"sp-1\","
                                                                  "\"resourceId\":\"r-1\"," STATUS(0)),
         "r-1", "success", "sp-1", "[\"r-1\"]", "Managed identity sp-1 signed in to r-1"},
        {RECORD(TYPES("\"servicePrincipal\"") "," STATUS(0)), NULL, "success", "unknown", "[]",
         "An unknown service principal signed in"},
        {RECORD(TYPES("7,null,\"unknownFutureValue\"") "," ADA "," PORTAL "," STATUS(0)), "Azure Portal", "success",
         "ada@example.org", "[\"Azure Portal\"]", "ada@example.org signed in to Azure Portal"},
        {RECORD("\"signInEventTypes\":\"servicePrincipal\"," ADA "," PORTAL "," STATUS(0)), "Azure Portal", "success",
         "ada@example.org", "[\"Azure Portal\"]", "ada@example.org signed in to Azure Portal"},
    };
    struct document *document = decode_one("sign-ins", examples[3].record);

    (void)state;
    check(examples, G_N_ELEMENTS(examples));
    assert_int_equal(document->actor_names->len, 3);
    assert_true(has_name(document, "55555555-5555-4555-8555-555555555555"));
    assert_true(has_name(document, "66666666-6666-4666-8666-666666666666"));
    document_free(document);
}

static void the_reason_comes_from_the_record_where_the_code_is_not_known(void **state)
{
    static const struct example examples[] = {
        {RECORD(ADA "," PORTAL ",\"status\":{\"errorCode\":912345,\"failureReason\":\"The moon was full. Try again "
                    "tomorrow.\"}"),
         "Azure Portal", "failure", "ada@example.org", "[\"Azure Portal\"]",
         "ada@example.org failed to sign in to Azure Portal: The moon was full (912345)"},
        {RECORD(ADA "," PORTAL "," STATUS(912345)), "Azure Portal", "failure", "ada@example.org", "[\"Azure Portal\"]",
         "ada@example.org failed to sign in to Azure Portal: error (912345)"},
        {RECORD(ADA "," PORTAL ",\"status\":{\"errorCode\":912345,\"failureReason\":null}"), "Azure Portal", "failure",
         "ada@example.org", "[\"Azure Portal\"]", "ada@example.org failed to sign in to Azure Portal: error (912345)"},
    };

    (void)state;
    check(examples, G_N_ELEMENTS(examples));
}

static void a_block_by_conditional_access_names_the_policy(void **state)
{
#define POLICIES                                                                                                       \
    "\"conditionalAccessStatus\":\"failure\",\"appliedConditionalAccessPolicies\":["                                   \
    "{\"displayName\":\"Report only\",\"result\":\"reportOnlyFailure\"},{\"displayName\":\"Not this\",\"result\":"     \
    "\"notApplied\"},{\"displayName\":\"Block legacy\",\"result\":\"failure\"}]"
    static const struct example examples[] = {
        {RECORD(ADA "," PORTAL "," POLICIES "," STATUS(53003)), "Azure Portal", "failure", "ada@example.org",
         "[\"Azure Portal\"]",
         "ada@example.org failed to sign in to Azure Portal: blocked by conditional access policy Block legacy "
         "(53003)"},
        {RECORD(ADA "," PORTAL ",\"appliedConditionalAccessPolicies\":[]," STATUS(53003)), "Azure Portal", "failure",
         "ada@example.org", "[\"Azure Portal\"]",
         "ada@example.org failed to sign in to Azure Portal: blocked by conditional access (53003)"},
        {RECORD(ADA "," PORTAL "," POLICIES "," STATUS(50158)), "Azure Portal", "interrupted", "ada@example.org",
         "[\"Azure Portal\"]",
         "ada@example.org was interrupted signing in to Azure Portal: had to pass an external security challenge "
         "(50158), "
         "asked for by conditional access policy Block legacy"},
    };

    (void)state;
    check(examples, G_N_ELEMENTS(examples));
}

static void risk_and_legacy_clients_are_told(void **state)
{
    static const struct example examples[] = {
        {RECORD(ADA "," PORTAL ",\"riskLevelDuringSignIn\":\"high\",\"riskState\":\"atRisk\"," STATUS(0)),
         "Azure Portal", "success", "ada@example.org", "[\"Azure Portal\"]",
         "ada@example.org signed in to Azure Portal at high risk"},
        {RECORD(ADA "," PORTAL ",\"riskLevelDuringSignIn\":\"none\",\"riskLevelAggregated\":\"Medium\"," STATUS(0)),
         "Azure Portal", "success", "ada@example.org", "[\"Azure Portal\"]",
         "ada@example.org signed in to Azure Portal at medium risk"},
        {RECORD(ADA "," PORTAL ",\"riskLevelDuringSignIn\":\"low\",\"riskState\":\"dismissed\"," STATUS(0)),
         "Azure Portal", "success", "ada@example.org", "[\"Azure Portal\"]",
         "ada@example.org signed in to Azure Portal at low risk (dismissed)"},
        {RECORD(ADA "," PORTAL ",\"riskState\":\"confirmedCompromised\"," STATUS(50126)), "Azure Portal", "failure",
         "ada@example.org", "[\"Azure Portal\"]",
         "ada@example.org failed to sign in to Azure Portal, account confirmed compromised: wrong password (50126)"},
        {RECORD(ADA "," PORTAL ",\"clientAppUsed\":\"imap4\"," STATUS(50126)), "Azure Portal", "failure",
         "ada@example.org", "[\"Azure Portal\"]",
         "ada@example.org failed to sign in to Azure Portal with a legacy client (imap4): wrong password (50126)"},
        {RECORD(ADA "," PORTAL ",\"clientAppUsed\":\"Browser\"," STATUS(0)), "Azure Portal", "success",
         "ada@example.org", "[\"Azure Portal\"]", "ada@example.org signed in to Azure Portal"},
    };

    (void)state;
    check(examples, G_N_ELEMENTS(examples));
}

static void quirk_84_hidden_risk_is_neither_told_nor_lost(void **state)
{
    struct document *document =
        decode_one("sign-ins", RECORD(ADA "," PORTAL ",\"riskLevelDuringSignIn\":\"hidden\"," STATUS(0)));

    (void)state;
    assert_text(document->display_summary, "ada@example.org signed in to Azure Portal");
    assert_true(has_line(document, "hidden"));
    document_free(document);
}

static void quirk_78_interruptions_are_not_failures(void **state)
{
    static const struct {
        const char *code, *result;
    } codes[] = {
        {"0", "success"},         {"50140", "interrupted"}, {"50072", "interrupted"}, {"50076", "interrupted"},
        {"50097", "interrupted"}, {"50125", "interrupted"}, {"50127", "interrupted"}, {"50129", "interrupted"},
        {"50143", "interrupted"}, {"50144", "interrupted"}, {"50158", "interrupted"}, {"16000", "interrupted"},
        {"16001", "interrupted"}, {"51006", "interrupted"}, {"52004", "interrupted"}, {"65001", "interrupted"},
        {"81010", "interrupted"}, {"50126", "failure"},     {"500121", "failure"},    {"50053", "failure"},
        {"50057", "failure"},     {"53003", "failure"},     {"530032", "failure"},    {"7000222", "failure"},
        {"1", "failure"},         {"999999999", "failure"},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(codes); i++) {
        g_autofree char *record =
            g_strdup_printf("{\"id\":\"x\",\"status\":{\"errorCode\":%s,\"failureReason\":\"Other.\"}}", codes[i].code);
        struct document *document = decode_one("sign-ins", record);
        assert_text(document->result, codes[i].result);
        document_free(document);
    }
}

static void quirk_57_codes_and_status_of_other_types(void **state)
{
    static const struct {
        const char *status, *result;
    } forms[] = {
        {"{\"errorCode\":\"50126\"}", "failure"},
        {"{\"errorCode\":\"0\"}", "success"},
        {"{\"errorCode\":null}", NULL},
        {"{\"errorCode\":{}}", NULL},
        {"{\"errorCode\":-1}", NULL},
        {"{\"errorCode\":1e400}", NULL},
        {"{\"errorCode\":0.5}", NULL},
        {"{}", NULL},
        {"null", NULL},
        {"\"Success\"", NULL},
        {"[]", NULL},
        {"{\"errorCode\":\"\"}", NULL},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(forms); i++) {
        g_autofree char *record = g_strdup_printf("{\"id\":\"x\",\"status\":%s}", forms[i].status);
        struct document *document = decode_one("sign-ins", record);
        assert_text(document->result, forms[i].result);
        document_free(document);
    }
}

static void quirk_74_the_actor_is_the_first_name_that_says_something(void **state)
{
    static const struct {
        const char *fields, *actor;
    } forms[] = {
        {"\"userPrincipalName\":\"ada@example.org\",\"userDisplayName\":\"Ada\"", "ada@example.org"},
        {"\"userPrincipalName\":\"\",\"userDisplayName\":\"Ada\"", "Ada"},
        {"\"userPrincipalName\":\"Not Available\",\"userDisplayName\":\"<null>\",\"servicePrincipalName\":\"robot\"",
         "robot"},
        {"\"userPrincipalName\":null,\"userId\":\"22222222-2222-4222-8222-222222222222\"",
         "22222222-2222-4222-8222-222222222222"},
        {"\"userPrincipalName\":\"  \",\"userId\":\"00000000-0000-0000-0000-000000000000\"", "unknown"},
        {"\"userPrincipalName\":\"33333333-3333-4333-8333-333333333333\"", "33333333-3333-4333-8333-333333333333"},
        {"\"userPrincipalName\":7,\"userDisplayName\":[\"Ada\"]", "unknown"},
        {"\"userPrincipalName\":\"PII Removed\"", "PII Removed"}, /* quirk 83: a value like any other */
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(forms); i++) {
        g_autofree char *record = g_strdup_printf("{\"id\":\"x\",%s}", forms[i].fields);
        struct document *document = decode_one("sign-ins", record);
        assert_text(document->actor_display, forms[i].actor);
        document_free(document);
    }
}

static void all_names_of_the_actor_are_kept_for_filters(void **state)
{
    struct document *user = decode_one("sign-ins", RECORD(ADA "," PORTAL));
    struct document *robot = decode_one(
        "sign-ins", RECORD("\"servicePrincipalName\":\"robot\",\"servicePrincipalId\":\"sp-1\",\"appId\":\"app-1\""));

    (void)state;
    assert_int_equal(user->actor_names->len, 3);
    assert_true(has_name(user, "Ada Ž"));
    assert_true(has_name(user, "11111111-1111-4111-8111-111111111111"));
    assert_false(has_name(user, "c44b4083-3bb0-49c1-b47d-974e53cbdf3c")); /* the portal's, not hers */
    assert_true(has_name(robot, "sp-1"));
    assert_true(has_name(robot, "app-1"));
    document_free(user);
    document_free(robot);
}

static void quirk_75_a_guest_goes_by_the_mail_address_and_by_the_id(void **state)
{
    struct document *guest = decode_one(
        "sign-ins",
        "{\"userPrincipalName\":\"bob@partner.example\",\"userId\":\"44444444-4444-4444-8444-444444444444\"}");

    (void)state;
    assert_text(guest->actor_display, "bob@partner.example");
    assert_true(has_name(guest, "44444444-4444-4444-8444-444444444444"));
    document_free(guest);
}

static void quirks_76_and_77_places_and_addresses_as_they_come(void **state)
{
    static const struct {
        const char *fields, *summary;
    } forms[] = {
        {"\"ipAddress\":\"198.51.100.7\"", "An unknown user tried to sign in from 198.51.100.7"},
        {"\"ipAddress\":\"198.51.100.xxx\"", "An unknown user tried to sign in from 198.51.100.xxx"},
        {"\"ipAddress\":\"[2001:db8::1]:443\"", "An unknown user tried to sign in from [2001:db8::1]:443"},
        {"\"ipAddress\":\"\"", "An unknown user tried to sign in"},
        {"\"ipAddress\":\"<null>\"", "An unknown user tried to sign in"},
        {"\"location\":null,\"deviceDetail\":null", "An unknown user tried to sign in"},
        {"\"location\":{\"city\":\"\",\"state\":\"\",\"countryOrRegion\":\"CZ\",\"geoCoordinates\":null}",
         "An unknown user tried to sign in from CZ"},
        {"\"location\":{\"city\":null,\"state\":\"Moravia\",\"countryOrRegion\":\"CZ\"}",
         "An unknown user tried to sign in from Moravia, CZ"},
        {"\"location\":{\"geoCoordinates\":{}},\"ipAddress\":\"::1\"", "An unknown user tried to sign in from ::1"},
        {"\"location\":\"Brno\",\"ipAddress\":{}", "An unknown user tried to sign in"},
        {"\"appliedConditionalAccessPolicies\":\"none\"", "An unknown user tried to sign in"},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(forms); i++) {
        g_autofree char *record = g_strdup_printf("{\"id\":\"x\",%s}", forms[i].fields);
        struct document *document = decode_one("sign-ins", record);
        assert_text(document->display_summary, forms[i].summary);
        document_free(document);
    }
}

static void the_application_falls_back_to_the_resource_and_to_the_id(void **state)
{
    static const struct example examples[] = {
        {RECORD(ADA ",\"appDisplayName\":null,\"resourceDisplayName\":\"Azure Storage\",\"appId\":\"a\""),
         "Azure Storage", NULL, "ada@example.org", "[\"Azure Storage\"]",
         "ada@example.org tried to sign in to Azure Storage"},
        {RECORD(ADA ",\"appDisplayName\":\"\",\"resourceDisplayName\":\"\",\"appId\":\"a-1\""), "a-1", NULL,
         "ada@example.org", "[\"a-1\"]", "ada@example.org tried to sign in to a-1"},
        {RECORD(ADA), NULL, NULL, "ada@example.org", "[]", "ada@example.org tried to sign in"},
    };

    (void)state;
    check(examples, G_N_ELEMENTS(examples));
}

static void quirk_53_of_doubled_keys_the_last_one_counts(void **state)
{
    struct document *document = decode_one(
        "sign-ins", "{\"userPrincipalName\":\"first@example.org\",\"userPrincipalName\":\"last@example.org\"}");

    (void)state;
    assert_text(document->actor_display, "last@example.org");
    document_free(document);
}

static void quirk_61_unknown_properties_are_ignored_but_searchable(void **state)
{
    struct document *document = decode_one(
        "sign-ins", RECORD(ADA ",\"@odata.type\":\"#microsoft.graph.signIn\",\"newThing\":{\"deep\":[\"xyzzy\"]}"));

    (void)state;
    assert_true(has_line(document, "xyzzy"));
    assert_true(has_line(document, "#microsoft.graph.signIn"));
    document_free(document);
}

static void quirk_62_hostile_names_stay_data_on_one_line(void **state)
{
    struct document *document = decode_one("sign-ins", "{\"userPrincipalName\":\"\\u001b[31m\\r\\nsigned in\\u2028 "
                                                       "<script>\",\"appDisplayName\":\"=cmd()|\\\"x\\\"\\u202egnp\"}");

    (void)state;
    assert_null(strpbrk(document->display_summary, "\r\n"));
    assert_null(strstr(document->display_summary, "\xe2\x80\xa8"));
    assert_non_null(strstr(document->display_summary, "<script>"));
    assert_text(document->operation, "=cmd()|\"x\"\xe2\x80\xaegnp");
    assert_text(document->target_displays, "[\"=cmd()|\\\"x\\\"\xe2\x80\xaegnp\"]");
    document_free(document);
}

static void a_long_name_is_cut_at_a_character_in_the_summary_only(void **state)
{
    GString *name = g_string_new(NULL);
    GString *shown = g_string_new(NULL);

    (void)state;
    for (int i = 0; i < 300; i++) {
        g_string_append(name, "🚀");
        if (i < 119)
            g_string_append(shown, "🚀");
    }
    g_autofree char *record = g_strdup_printf("{\"userPrincipalName\":\"%s\"}", name->str);
    g_autofree char *summary = g_strdup_printf("%s… tried to sign in", shown->str);
    struct document *document = decode_one("sign-ins", record);
    assert_text(document->display_summary, summary);
    assert_text(document->actor_display, name->str);
    assert_true(has_line(document, name->str));
    document_free(document);
    g_string_free(name, TRUE);
    g_string_free(shown, TRUE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sign_in_reads_as_a_sentence),
        cmocka_unit_test(quirk_32_other_classes_of_sign_ins_say_who_signed_in_to_what),
        cmocka_unit_test(the_reason_comes_from_the_record_where_the_code_is_not_known),
        cmocka_unit_test(a_block_by_conditional_access_names_the_policy),
        cmocka_unit_test(risk_and_legacy_clients_are_told),
        cmocka_unit_test(quirk_84_hidden_risk_is_neither_told_nor_lost),
        cmocka_unit_test(quirk_78_interruptions_are_not_failures),
        cmocka_unit_test(quirk_57_codes_and_status_of_other_types),
        cmocka_unit_test(quirk_74_the_actor_is_the_first_name_that_says_something),
        cmocka_unit_test(all_names_of_the_actor_are_kept_for_filters),
        cmocka_unit_test(quirk_75_a_guest_goes_by_the_mail_address_and_by_the_id),
        cmocka_unit_test(quirks_76_and_77_places_and_addresses_as_they_come),
        cmocka_unit_test(the_application_falls_back_to_the_resource_and_to_the_id),
        cmocka_unit_test(quirk_53_of_doubled_keys_the_last_one_counts),
        cmocka_unit_test(quirk_61_unknown_properties_are_ignored_but_searchable),
        cmocka_unit_test(quirk_62_hostile_names_stay_data_on_one_line),
        cmocka_unit_test(a_long_name_is_cut_at_a_character_in_the_summary_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
