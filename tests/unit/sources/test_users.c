/* Accounts: what is asked for, which account a record is of, and what people see of it. */
#include "decode_one.h"

#include "base/base.h"

#define BASE "https://graph.microsoft.com"

/* --- what is asked for -----------------------------------------------------------------------------------------------
 */

static void the_listing_asks_for_every_property_in_the_largest_pages(void **state)
{
    g_autofree char *url = users_listing_url(BASE, "id,mail");
    g_auto(GStrv) names = g_strsplit(users_select, ",", -1);

    (void)state;
    assert_string_equal(url, BASE "/v1.0/users?$select=id,mail&$top=999");
    assert_string_equal(names[0], "id");
    assert_int_equal(g_strv_length(names), 50);
    for (char **name = names; *name != NULL; name++) {
        assert_true(strspn(*name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") == strlen(*name));
        assert_string_not_equal(*name, "signInActivity");
        for (char **other = names; other < name; other++)
            assert_string_not_equal(*name, *other);
    }
    assert_true(g_strv_contains((const char *const *)names, users_guarded_property));
}

static void delta_rounds_begin_without_top(void **state)
{
    g_autofree char *url = users_delta_latest_url("http://127.0.0.1:8080/x", "id,mail");

    (void)state;
    assert_string_equal(url, "http://127.0.0.1:8080/x/v1.0/users/delta?$select=id,mail&$deltatoken=latest");
}

static void quirk_94_sign_in_activity_is_asked_for_alone_in_pages_of_500(void **state)
{
    g_autofree char *url = users_activity_url(BASE);

    (void)state;
    assert_string_equal(url, BASE "/v1.0/users?$select=id,signInActivity&$top=500");
}

static void quirk_95_whether_a_selection_is_taken_is_tried_on_one_account(void **state)
{
    g_autofree char *url = users_probe_url(BASE, "id,mail");

    (void)state;
    assert_string_equal(url, BASE "/v1.0/users?$select=id,mail&$top=1");
}

static void quirk_95_a_property_that_a_message_names_is_left_out(void **state)
{
    static const struct {
        const char *message, *dropped;
    } cases[] = {
        {"Could not find a property named 'preferredDataLocation' on type 'microsoft.graph.user'.",
         "preferredDataLocation"},
        {"Property \"mail\" cannot be listed.", "mail"},
        {"The property city is not supported here.", "city"},
        {"The state property is not supported here.", "state"},
        {"SHOWINADDRESSLIST is not available in this cloud", "showInAddressList"},
        {"employeeOrgData/division: not implemented", "employeeOrgData"},
        {"Neither 'aboutMe' nor 'identities' can be selected.", "identities"},
        /* What names none of them. */
        {"The state of this country's mail department is bad.", NULL},
        {"Could not find a property named 'aboutMe' on type 'microsoft.graph.user'.", NULL},
        {"The property id is missing.", NULL},
        {"mailNicknames, amail, onPremises", NULL},
        {"'id'", NULL},
        {"", NULL},
        {NULL, NULL},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *dropped = NULL;
        g_autofree char *rest = users_select_without(users_select, cases[i].message, &dropped);
        assert_text(dropped, cases[i].dropped);
        if (cases[i].dropped == NULL) {
            assert_null(rest);
            continue;
        }
        g_auto(GStrv) names = g_strsplit(rest, ",", -1);
        assert_int_equal(g_strv_length(names), 49);
        assert_false(g_strv_contains((const char *const *)names, cases[i].dropped));
        assert_string_equal(names[0], "id");
    }
}

static void quirk_95_properties_are_left_out_one_after_another_to_the_last(void **state)
{
    g_autofree char *first = NULL, *second = NULL, *third = NULL;
    g_autofree char *one = users_select_without("id,mail,city", "'city'", &first);
    g_autofree char *two = users_select_without(one, "'mail'", &second);
    g_autofree char *three = users_select_without(two, "'mail'", &third);

    (void)state;
    assert_string_equal(one, "id,mail");
    assert_string_equal(two, "id");
    assert_null(three);
    assert_null(third);
}

/* --- records ---------------------------------------------------------------------------------------------------------
 */

static struct account_record *record_of(const char *text, GError **error)
{
    g_autoptr(JsonTree) tree = json_tree_new();

    return users_record(tree, slice_of(text), error);
}

static void quirks_86_and_88_a_record_tells_whose_it_is_and_whether_it_is_gone(void **state)
{
    static const struct {
        const char *record, *id, *reason;
    } cases[] = {
        {"{\"id\":\"a\",\"mail\":null}", "a", NULL},
        {"{\"@removed\":{\"reason\":\"changed\"},\"id\":\"a\"}", "a", "changed"},
        {"{\"id\":\"a\",\"@removed\":{\"reason\":\"deleted\"}}", "a", "deleted"},
        {"{\"id\":\"a\",\"@removed\":{\"reason\":\"Deleted\"}}", "a", "deleted"},
        /* Nothing says that it is gone for good. */
        {"{\"id\":\"a\",\"@removed\":{\"reason\":\"forgotten\"}}", "a", "changed"},
        {"{\"id\":\"a\",\"@removed\":{}}", "a", "changed"},
        {"{\"id\":\"a\",\"@removed\":\"deleted\"}", "a", "changed"},
        {"{\"id\":\"a\",\"@removed\":null}", "a", NULL},
        {"{\"id\":\"caf\\u00e9\"}", "café", NULL},
        {"{\"ID\":\"b\",\"id\":\"a\"}", "a", NULL},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        struct account_record *record = record_of(cases[i].record, &error);
        assert_non_null(record);
        assert_string_equal(record->id, cases[i].id);
        assert_text(record->removed_reason, cases[i].reason);
        assert_ptr_equal(record->raw, cases[i].record);
        assert_int_equal(record->length, strlen(cases[i].record));
        account_record_free(record);
    }
}

static void what_is_no_account_is_refused_with_a_reason(void **state)
{
    static const struct {
        const char *record, *because;
    } cases[] = {
        {"{}", "no id"},
        {"{\"id\":\"\"}", "no id"},
        {"{\"id\":7}", "no id"},
        {"{\"id\":null}", "no id"},
        {"{\"Id\":\"a\"}", "no id"},
        {"[]", "not a JSON object"},
        {"\"a\"", "not a JSON object"},
        {"{\"id\":", "could not be read"},
    };
    g_autoptr(JsonTree) tree = json_tree_new();
    struct json_slice bad_text = slice_of("{\"id\":\"\xff\"}");
    g_autoptr(GError) not_utf8 = NULL;

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        assert_null(record_of(cases[i].record, &error));
        if (strstr(error->message, cases[i].because) == NULL)
            fail_msg("\"%s\" does not say \"%s\"", error->message, cases[i].because);
        assert_non_null(strstr(error->message, "of users"));
    }
    bad_text.fault = JSON_FAULT_TEXT;
    assert_null(users_record(tree, bad_text, &not_utf8));
    assert_non_null(strstr(not_utf8->message, "not UTF-8"));
}

/* --- accounts --------------------------------------------------------------------------------------------------------
 */

static struct account decode(const char *raw)
{
    struct account account = {.enabled = -1};

    users_decode(raw, strlen(raw), &account);
    return account;
}

static void every_column_is_filled_from_its_property(void **state)
{
    struct account account =
        decode("{\"id\":\"a\",\"userPrincipalName\":\"ada@example.org\",\"displayName\":\"Ada \\u017d\",\"mail\":"
               "\"ada.l@example.org\",\"userType\":\"Member\",\"accountEnabled\":false,\"createdDateTime\":"
               "\"2024-02-29T08:00:00Z\",\"signInActivity\":{\"lastSignInDateTime\":\"2026-11-20T07:01:02Z\"}}");

    (void)state;
    assert_string_equal(account.user_principal_name, "ada@example.org");
    assert_string_equal(account.display_name, "Ada Ž");
    assert_string_equal(account.mail, "ada.l@example.org");
    assert_string_equal(account.user_type, "Member");
    assert_int_equal(account.enabled, 0);
    assert_string_equal(account.created, "2024-02-29T08:00:00.0000000Z");
    assert_string_equal(account.last_sign_in, "2026-11-20T07:01:02.0000000Z");
    account_clear(&account);
}

static void what_an_account_does_not_tell_stays_empty(void **state)
{
#define NOTHING                                                                                                        \
    "{\"id\":\"a\",\"userPrincipalName\":null,\"displayName\":7,\"mail\":\"\",\"userType\":[],\"accountEnabled\":"     \
    "\"true\",\"createdDateTime\":\"yesterday\",\"signInActivity\":null}"
    static const char *const raws[] = {
        "{}",
        NOTHING,
        "{\"createdDateTime\":\"0001-01-01T00:00:00Z\",\"signInActivity\":{\"lastSignInDateTime\":null}}",
        "[]",
        "{\"id\":",
        "",
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(raws); i++) {
        struct account account = decode(raws[i]);
        assert_null(account.user_principal_name);
        assert_null(account.display_name);
        assert_null(account.mail);
        assert_null(account.user_type);
        assert_null(account.created);
        assert_null(account.last_sign_in);
        assert_int_equal(account.enabled, -1);
        assert_non_null(account.text);
        account_clear(&account);
    }
}

static void the_last_sign_in_is_the_last_that_succeeded_or_else_the_last_attempt(void **state)
{
#define ACTIVITY(rest) "{\"signInActivity\":{" rest "}}"
    static const struct {
        const char *raw, *expected;
    } cases[] = {
        {ACTIVITY("\"lastSuccessfulSignInDateTime\":\"2026-11-01T00:00:00Z\",\"lastSignInDateTime\":"
                  "\"2026-11-20T00:00:00Z\""),
         "2026-11-01T00:00:00.0000000Z"},
        {ACTIVITY("\"lastSuccessfulSignInDateTime\":null,\"lastSignInDateTime\":\"2026-11-02T00:00:00Z\","
                  "\"lastNonInteractiveSignInDateTime\":\"2026-11-03T00:00:00.5Z\""),
         "2026-11-03T00:00:00.5000000Z"},
        {ACTIVITY("\"lastSignInDateTime\":\"2026-11-04T00:00:00Z\",\"lastNonInteractiveSignInDateTime\":"
                  "\"2026-11-03T00:00:00Z\""),
         "2026-11-04T00:00:00.0000000Z"},
        {ACTIVITY("\"lastNonInteractiveSignInDateTime\":\"2026-11-03T00:00:00Z\""), "2026-11-03T00:00:00.0000000Z"},
        {ACTIVITY("\"lastSignInDateTime\":\"0001-01-01T00:00:00Z\""), NULL},
        {"{\"signInActivity\":\"2026-11-03T00:00:00Z\"}", NULL},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct account account = decode(cases[i].raw);
        assert_text(account.last_sign_in, cases[i].expected);
        account_clear(&account);
    }
}

static void the_first_line_says_who_it_is(void **state)
{
    static const struct {
        const char *raw, *line;
    } cases[] = {
        {"{\"id\":\"a\",\"displayName\":\"Ada Lovelace\",\"userPrincipalName\":\"ada@example.org\",\"userType\":"
         "\"Member\",\"accountEnabled\":true,\"department\":\"Engineering\"}",
         "Ada Lovelace (ada@example.org), Member, enabled, Engineering"},
        {"{\"id\":\"a\",\"displayName\":\"Ada\",\"mail\":\"ada@example.org\",\"accountEnabled\":false}",
         "Ada (ada@example.org), disabled"},
        {"{\"id\":\"a\",\"userPrincipalName\":\"ada@example.org\"}", "ada@example.org"},
        {"{\"id\":\"a\",\"displayName\":\"ada@example.org\",\"userPrincipalName\":\"ada@example.org\"}",
         "ada@example.org"},
        {"{\"id\":\"11111111-1111-4111-8111-111111111111\"}", "11111111-1111-4111-8111-111111111111"},
        {"{}", "An account without a name"},
        {"{\"displayName\":\"\\u0005\\u2028\"}", "An account without a name"},
        {"{\"displayName\":\"two\\nlines\"}", "two lines"},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct account account = decode(cases[i].raw);
        g_auto(GStrv) lines = g_strsplit(account.text, "\n", 2);
        assert_string_equal(lines[0], cases[i].line);
        account_clear(&account);
    }
}

static void quirk_75_every_address_guid_and_name_of_an_account_is_in_its_text(void **state)
{
    struct account account =
        decode("{\"id\":\"11111111-1111-4111-8111-111111111111\",\"userPrincipalName\":"
               "\"bob_fabrikam.example#EXT#@contoso.example\",\"mail\":\"bob@fabrikam.example\",\"proxyAddresses\":["
               "\"SMTP:bob@fabrikam.example\",\"smtp:robert@fabrikam.example\"],\"identities\":[{\"signInType\":"
               "\"federated\",\"issuer\":\"contoso.example\",\"issuerAssignedId\":null}],\"assignedLicenses\":[{"
               "\"skuId\":\"22222222-2222-4222-8222-222222222222\",\"disabledPlans\":[]}],\"createdDateTime\":"
               "\"2024-02-29T08:00:00Z\",\"mobilePhone\":\"+420 555 0100\",\"onPremisesSyncEnabled\":null}");
    static const char *const lines[] = {
        "11111111-1111-4111-8111-111111111111", "bob_fabrikam.example#EXT#@contoso.example", "bob@fabrikam.example",
        "smtp:robert@fabrikam.example",         "22222222-2222-4222-8222-222222222222",      "+420 555 0100",
    };
    g_auto(GStrv) found = g_strsplit(account.text, "\n", -1);

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(lines); i++)
        assert_true(g_strv_contains((const char *const *)found, lines[i]));
    assert_null(strstr(account.text, "2024"));
    account_clear(&account);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_listing_asks_for_every_property_in_the_largest_pages),
        cmocka_unit_test(delta_rounds_begin_without_top),
        cmocka_unit_test(quirk_94_sign_in_activity_is_asked_for_alone_in_pages_of_500),
        cmocka_unit_test(quirk_95_whether_a_selection_is_taken_is_tried_on_one_account),
        cmocka_unit_test(quirk_95_a_property_that_a_message_names_is_left_out),
        cmocka_unit_test(quirk_95_properties_are_left_out_one_after_another_to_the_last),
        cmocka_unit_test(quirks_86_and_88_a_record_tells_whose_it_is_and_whether_it_is_gone),
        cmocka_unit_test(what_is_no_account_is_refused_with_a_reason),
        cmocka_unit_test(every_column_is_filled_from_its_property),
        cmocka_unit_test(what_an_account_does_not_tell_stays_empty),
        cmocka_unit_test(the_last_sign_in_is_the_last_that_succeeded_or_else_the_last_attempt),
        cmocka_unit_test(the_first_line_says_who_it_is),
        cmocka_unit_test(quirk_75_every_address_guid_and_name_of_an_account_is_in_its_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
