/* The table of sources, the URLs of their windows, and what decoding does the same way for all of them. */
#include "decode_one.h"

#include "base/base.h"

static void the_sources_are_found_by_the_names_that_users_write(void **state)
{
    (void)state;
    assert_string_equal(source_find("users")->parts->path, "/v1.0/users");
    assert_string_equal(source_find("sign-ins")->parts->path, "/v1.0/auditLogs/signIns");
    assert_string_equal(source_find("directory-audits")->parts->path, "/v1.0/auditLogs/directoryAudits");
    assert_string_equal(source_find("intune-audits")->parts->path, "/v1.0/deviceManagement/auditEvents");
    assert_string_equal(source_find("health")->parts->path, "/v1.0/admin/serviceAnnouncement");
    assert_null(source_find("Sign-Ins"));
    assert_null(source_find("signins"));
    assert_null(source_find(""));
    assert_null(source_find(NULL));
}

static void check_parts(const struct source *source)
{
    assert_string_equal(source->parts->name, "");
    assert_null(source->parts->filter);
    for (const struct source_part *part = source->parts; part->name != NULL; part++) {
        assert_ptr_equal(source_part_find(source, part->name), part);
        assert_true(part->path[0] == '/');
    }
}

static void every_row_of_the_table_is_complete(void **state)
{
    unsigned events = 0, others = 0;

    (void)state;
    for (const struct source *source = sources_all(); source->name != NULL; source++) {
        assert_ptr_equal(source_find(source->name), source);
        assert_non_null(source->permission);
        assert_true(source->page_size > 0 && source->page_size <= 1000);
        check_parts(source);
        if (source->kind != SOURCE_EVENTS) {
            others++;
            continue;
        }
        events++;
        assert_non_null(source->time_field);
        assert_non_null(source->decode);
        assert_true(source->overlap_s >= 2 * 3600 && source->reach_s >= 7 * 86400);
    }
    assert_int_equal(events, 3);
    assert_int_equal(others, 2);
}

static void parts_are_found_by_the_names_that_the_configuration_has(void **state)
{
    const struct source *sign_ins = source_find("sign-ins");

    (void)state;
    assert_ptr_equal(source_part_find(sign_ins, "interactiveUser"), sign_ins->parts);
    assert_ptr_equal(source_part_find(sign_ins, ""), sign_ins->parts);
    assert_string_equal(source_part_find(sign_ins, "servicePrincipal")->name, "servicePrincipal");
    assert_null(source_part_find(sign_ins, "serviceprincipal"));
    assert_null(source_part_find(sign_ins, "everything"));
    assert_null(source_part_find(source_find("directory-audits"), "interactiveUser"));
    assert_null(source_part_find(source_find("users"), "nonInteractiveUser"));
}

static void quirk_32_each_class_of_sign_ins_has_a_query_of_its_own(void **state)
{
    static const char *const classes[] = {"nonInteractiveUser", "servicePrincipal", "managedIdentity"};
    const struct source *source = source_find("sign-ins");

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(classes); i++) {
        const struct source_part *part = source_part_find(source, classes[i]);
        g_autofree char *url = source_window_url(source, part, "https://graph.microsoft.com", 1795132800, 1795219200);
        g_autofree char *expected = g_strdup_printf(
            "https://graph.microsoft.com/beta/auditLogs/signIns?$filter=signInEventTypes/any(t%%3A%%20t%%20eq%%20'%s')"
            "%%20and%%20createdDateTime%%20ge%%202026-11-20T00%%3A00%%3A00Z%%20and%%20createdDateTime%%20le%%20"
            "2026-11-21T00%%3A00%%3A00Z&$top=1000",
            classes[i]);
        assert_string_equal(url, expected);
    }
}

static void quirks_28_to_30_windows_ask_with_ge_and_le_for_the_field_of_their_collection(void **state)
{
    const struct source *source = source_find("sign-ins"), *other = source_find("directory-audits");
    const struct source *third = source_find("intune-audits");
    g_autofree char *sign_ins =
        source_window_url(source, source->parts, "https://graph.microsoft.com", 1795132800, 1795219200);
    g_autofree char *audits = source_window_url(other, other->parts, "http://127.0.0.1:8080/x", 0, 253402300799);
    g_autofree char *intune =
        source_window_url(third, third->parts, "https://graph.microsoft.com", 1795132800, 1795219200);

    (void)state;
    assert_string_equal(sign_ins, "https://graph.microsoft.com/v1.0/auditLogs/signIns?$filter=createdDateTime%20ge%20"
                                  "2026-11-20T00%3A00%3A00Z%20and%20createdDateTime%20le%202026-11-21T00%3A00%3A00Z&"
                                  "$top=1000");
    assert_string_equal(audits, "http://127.0.0.1:8080/x/v1.0/auditLogs/directoryAudits?$filter=activityDateTime%20ge"
                                "%201970-01-01T00%3A00%3A00Z%20and%20activityDateTime%20le%209999-12-31T23%3A59%3A59Z&"
                                "$top=1000");
    /* Intune documents no $top. */
    assert_string_equal(intune, "https://graph.microsoft.com/v1.0/deviceManagement/auditEvents?$filter=activityDateTime"
                                "%20ge%202026-11-20T00%3A00%3A00Z%20and%20activityDateTime%20le%202026-11-21T00%3A00%3A"
                                "00Z");
}

/* --- refusals
 * ------------------------------------------------------------------------------------------------------------ */

static void refuse(struct json_slice record, const char *because)
{
    struct json_tree *tree = json_tree_new();
    GError *error = NULL;

    assert_null(source_decode(source_find("sign-ins"), tree, record, RECEIVED_AT, &error));
    assert_non_null(error);
    if (strstr(error->message, because) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", error->message, because);
    g_error_free(error);
    json_tree_free(tree);
}

static void quirks_47_and_55_records_that_cannot_be_looked_into_are_refused_with_a_reason(void **state)
{
    struct json_slice bad_text = slice_of("{\"id\":\"\xff\"}");
    struct json_slice too_deep = slice_of("{\"id\":[[]]}");
    GString *deep = g_string_new("{\"a\":");

    (void)state;
    bad_text.fault = JSON_FAULT_TEXT;
    refuse(bad_text, "not UTF-8");
    too_deep.fault = JSON_FAULT_DEPTH;
    refuse(too_deep, "nested deeper than 128 levels");
    for (int i = 0; i < 1000; i++)
        g_string_append_c(deep, '[');
    for (int i = 0; i < 1000; i++)
        g_string_append_c(deep, ']');
    g_string_append_c(deep, '}');
    refuse(slice_of(deep->str), "could not be read");
    g_string_free(deep, TRUE);
}

static void records_that_are_no_objects_are_refused(void **state)
{
    static const char *const records[] = {"[]", "null", "7", "\"record\"", "true"};

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(records); i++)
        refuse(slice_of(records[i]), "not a JSON object");
    refuse(slice_of("{\"id\":"), "could not be read");
    refuse(slice_of(""), "could not be read");
}

static void an_empty_object_is_a_record(void **state)
{
    struct document *document = decode_one("sign-ins", "{}");

    (void)state;
    assert_text(document->display_summary, "An unknown user tried to sign in");
    assert_true(document->time_missing);
    assert_null(document->id);
    document_free(document);
}

static void raw_is_the_slice_itself(void **state)
{
    const char *record = "{ \"id\" : \"caf\\u00e9\" , \"createdDateTime\":\"2026-11-20T00:00:00Z\"}";
    struct document *document = decode_one("sign-ins", record);

    (void)state;
    assert_ptr_equal(document->raw, record);
    assert_int_equal(document->raw_length, strlen(record));
    assert_text(document->id, "café");
    document_free(document);
}

/* --- times
 * --------------------------------------------------------------------------------------------------------------- */

static void check_time(const char *value, const char *expected)
{
    g_autofree char *record = g_strdup_printf("{\"id\":\"x\",\"createdDateTime\":%s}", value);
    struct document *document = decode_one("sign-ins", record);

    if (expected != NULL) {
        assert_false(document->time_missing);
        assert_text(document->timestamp, expected);
    } else {
        assert_true(document->time_missing);
        assert_null(document->timestamp);
        assert_int_equal(document->time_s, RECEIVED_AT);
    }
    document_free(document);
}

static void quirks_64_to_66_times_are_normalised(void **state)
{
    static const struct {
        const char *value, *expected;
    } times[] = {
        {"\"2026-11-20T07:01:02Z\"", "2026-11-20T07:01:02.0000000Z"},
        {"\"2026-11-20T07:01:02.5Z\"", "2026-11-20T07:01:02.5000000Z"},
        {"\"2026-11-20T07:01:02.58602+00:00\"", "2026-11-20T07:01:02.5860200Z"},
        {"\"2026-11-20T07:01:02.1234567Z\"", "2026-11-20T07:01:02.1234567Z"},
        {"\"2026-11-20T07:01:02.123456789Z\"", "2026-11-20T07:01:02.1234567Z"},
        {"\"2026-11-20T07:01:02\"", "2026-11-20T07:01:02.0000000Z"},
        {"\"2026-11-20 07:01:02.5\"", "2026-11-20T07:01:02.5000000Z"},
        {"\"2026-11-20T07:01:02.25-08:00\"", "2026-11-20T15:01:02.2500000Z"},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(times); i++)
        check_time(times[i].value, times[i].expected);
}

static void quirk_67_no_time_is_the_second_of_reception(void **state)
{
    static const char *const values[] = {
        "\"0001-01-01T00:00:00Z\"", "null", "\"\"", "\"yesterday\"", "1795132800", "{}",
        "\"2026-02-30T00:00:00Z\"", "true",
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(values); i++)
        check_time(values[i], NULL);
}

static void quirks_69_and_70_odd_and_future_times_are_kept(void **state)
{
    (void)state;
    check_time("\"2026-11-20T07:01:60Z\"", "2026-11-20T07:02:00.0000000Z");
    check_time("\"2026-11-20T24:00:00Z\"", "2026-11-21T00:00:00.0000000Z");
    check_time("\"2024-02-29T00:00:00Z\"", "2024-02-29T00:00:00.0000000Z");
    check_time("\"2039-01-01T00:00:00Z\"", "2039-01-01T00:00:00.0000000Z");
    check_time("\"2999-12-31T23:59:59.9Z\"", "2999-12-31T23:59:59.9000000Z");
}

/* --- keys
 * ---------------------------------------------------------------------------------------------------------------- */

static char *key_of(const char *source, const char *record)
{
    struct document *document = decode_one(source, record);
    char *key = g_strdup(document->dedupe_key);

    document_free(document);
    return key;
}

static void the_key_is_the_id(void **state)
{
    g_autofree char *text = key_of("sign-ins", "{\"id\":\"66666666-6666-4666-8666-666666666600\"}");
    g_autofree char *number = key_of("sign-ins", "{\"id\":12345678901234567890}");

    (void)state;
    assert_string_equal(text, "66666666-6666-4666-8666-666666666600");
    assert_string_equal(number, "12345678901234567890"); /* quirk 52: no double in between */
}

static void without_an_id_the_key_is_a_hash_of_what_makes_the_event(void **state)
{
#define EVENT(id, time, activity, actor, target, rest)                                                                 \
    "{" id "\"activityDateTime\":\"" time "\",\"category\":\"c\",\"activityDisplayName\":\"" activity "\","            \
    "\"initiatedBy\":{\"user\":{\"id\":\"" actor "\"}},\"targetResources\":[{\"id\":\"" target "\"}]" rest "}"
    static const char *const others[] = {
        EVENT("", "2026-11-20T00:00:01Z", "Add user", "a", "b", ""),
        EVENT("", "2026-11-20T00:00:00Z", "Add use", "a", "b", ""),
        EVENT("", "2026-11-20T00:00:00Z", "Add user", "c", "b", ""),
        EVENT("", "2026-11-20T00:00:00Z", "Add user", "a", "c", ""),
    };
    g_autofree char *key = key_of("directory-audits", EVENT("", "2026-11-20T00:00:00Z", "Add user", "a", "b", ""));
    g_autofree char *edited = key_of("directory-audits", EVENT("\"id\":\"\",", "2026-11-20T00:00:00.0000000Z",
                                                               "Add user", "a", "b", ",\"result\":\"failure\""));

    (void)state;
    assert_int_equal(strlen(key), 64);
    assert_int_equal(strspn(key, "0123456789abcdef"), 64);
    assert_string_equal(key, edited);
    for (size_t i = 0; i < G_N_ELEMENTS(others); i++) {
        g_autofree char *other = key_of("directory-audits", others[i]);
        assert_string_not_equal(key, other);
    }
}

static void with_neither_id_nor_time_the_bytes_are_the_key(void **state)
{
    g_autofree char *one = key_of("sign-ins", "{\"userPrincipalName\":\"ada@example.org\"}");
    g_autofree char *same = key_of("sign-ins", "{\"userPrincipalName\":\"ada@example.org\"}");
    g_autofree char *other = key_of("sign-ins", "{\"userPrincipalName\":\"ada@example.org\",\"x\":1}");

    (void)state;
    assert_string_equal(one, same);
    assert_string_not_equal(one, other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sources_are_found_by_the_names_that_users_write),
        cmocka_unit_test(every_row_of_the_table_is_complete),
        cmocka_unit_test(parts_are_found_by_the_names_that_the_configuration_has),
        cmocka_unit_test(quirk_32_each_class_of_sign_ins_has_a_query_of_its_own),
        cmocka_unit_test(quirks_28_to_30_windows_ask_with_ge_and_le_for_the_field_of_their_collection),
        cmocka_unit_test(quirks_47_and_55_records_that_cannot_be_looked_into_are_refused_with_a_reason),
        cmocka_unit_test(records_that_are_no_objects_are_refused),
        cmocka_unit_test(an_empty_object_is_a_record),
        cmocka_unit_test(raw_is_the_slice_itself),
        cmocka_unit_test(quirks_64_to_66_times_are_normalised),
        cmocka_unit_test(quirk_67_no_time_is_the_second_of_reception),
        cmocka_unit_test(quirks_69_and_70_odd_and_future_times_are_kept),
        cmocka_unit_test(the_key_is_the_id),
        cmocka_unit_test(without_an_id_the_key_is_a_hash_of_what_makes_the_event),
        cmocka_unit_test(with_neither_id_nor_time_the_bytes_are_the_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
