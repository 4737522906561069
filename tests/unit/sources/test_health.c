/* Service health: what is asked for, whose record it is, and what people see of it. */
#include "decode_one.h"

static const char issue[] =
    "{\"id\":\"EX900001\",\"title\":\"Mail is late \\u2013 \\\"queued\\\"\",\"service\":\"Exchange "
    "Online\",\"feature\":"
    "\"E-Mail timely delivery\",\"featureGroup\":\"Delivery group\",\"classification\":\"Advisory\",\"origin\":"
    "\"Microsoft\",\"status\":\"ServiceDegradation\",\"isResolved\":false,\"impactDescription\":\"Some people wait.\","
    "\"startDateTime\":\"2026-11-19T20:00:00Z\",\"endDateTime\":null,\"lastModifiedDateTime\":\"2026-11-19T21:00:00."
    "76Z\","
    "\"details\":[{\"name\":\"NotifyInApp\",\"value\":\"True\"}],\"posts\":[{\"createdDateTime\":"
    "\"2026-11-19T21:00:00.97Z\",\"postType\":\"Regular\",\"description\":{\"contentType\":\"Html\",\"content\":"
    "\"<p>Title: <b>Mail</b> is late</p><p>We&#8217;re <i>re</i>routing traffic.<br/>See <a "
    "href=\\\"https:\\/\\/example"
    ".org\\/status?id=7&amp;x=1\\\">here</a>.</p>\"}},{\"description\":{\"contentType\":\"text\",\"content\":\"Kept "
    "<as it "
    "is> &amp; so\"}}]}";

static const char message[] =
    "{\"id\":\"MC900002\",\"title\":\"(Updated) New lists\",\"category\":\"planForChange\",\"severity\":\"normal\","
    "\"services\":[\"SharePoint Online\",\"\",7,\"OneDrive \\\"for\\\" Business\"],\"tags\":[\"Admin impact\"],"
    "\"isMajorChange\":true,\"actionRequiredByDateTime\":\"2027-01-31T00:00:00Z\",\"startDateTime\":"
    "\"2026-11-01T10:00:00.5+01:00\",\"endDateTime\":\"2027-03-01T00:00:00Z\",\"lastModifiedDateTime\":"
    "\"2026-11-02T00:00:00.1Z\",\"viewPoint\":null,\"details\":[{\"name\":\"RoadmapIds\",\"value\":\"93253\"}],"
    "\"body\":"
    "{\"contentType\":\"html\",\"content\":\"<div>Rollout&nbsp;begins in <span>mid</span>-March.</div>\"}}";

static struct health_document decode(enum store_health_kind kind, const char *record)
{
    struct health_document document = {.is_resolved = -1, .is_major_change = -1};

    health_decode_record(kind, record, strlen(record), &document);
    assert_non_null(document.text);
    return document;
}

static bool has(const struct health_document *document, const char *line)
{
    g_auto(GStrv) lines = g_strsplit(document->text, "\n", -1);

    return g_strv_contains((const char *const *)lines, line);
}

/* --- what is asked for ----------------------------------------------------------------------------------------------
 */

static void each_listing_has_its_url_and_its_permission(void **state)
{
    static const char *const listings[][2] = {{"healthOverviews", "ServiceHealth.Read.All"},
                                              {"issues", "ServiceHealth.Read.All"},
                                              {"messages", "ServiceMessage.Read.All"}};

    (void)state;
    for (int kind = STORE_HEALTH_OVERVIEWS; kind <= STORE_HEALTH_MESSAGES; kind++) {
        g_autofree char *url = health_url((enum store_health_kind)kind, "https://graph.microsoft.us");
        g_autofree char *expected =
            g_strdup_printf("https://graph.microsoft.us/v1.0/admin/serviceAnnouncement/%s", listings[kind][0]);
        assert_string_equal(url, expected);
        assert_string_equal(health_permission((enum store_health_kind)kind), listings[kind][1]);
    }
}

static void quirk_21_pages_are_asked_for_by_a_header_and_never_by_top(void **state)
{
    (void)state;
    for (int kind = STORE_HEALTH_OVERVIEWS; kind <= STORE_HEALTH_MESSAGES; kind++) {
        g_autofree char *url = health_url((enum store_health_kind)kind, "https://graph.microsoft.com");
        assert_null(strchr(url, '?'));
    }
    assert_string_equal(health_headers[0], "Prefer: odata.maxpagesize=1000");
    assert_null(health_headers[1]);
}

/* --- statuses -------------------------------------------------------------------------------------------------------
 */

static void quirk_59_all_statuses_of_graph_are_known_in_any_case(void **state)
{
    static const char *const names[] = {"serviceOperational",
                                        "investigating",
                                        "restoringService",
                                        "verifyingService",
                                        "serviceRestored",
                                        "postIncidentReviewPublished",
                                        "serviceDegradation",
                                        "serviceInterruption",
                                        "extendedRecovery",
                                        "falsePositive",
                                        "investigationSuspended",
                                        "resolved",
                                        "mitigatedExternal",
                                        "mitigated",
                                        "resolvedExternal",
                                        "confirmed",
                                        "reported",
                                        "unknownFutureValue"};
    static const char *const others[] = {"", "ServicaOperational", "service operational", "operational", "7"};

    (void)state;
    assert_int_equal(G_N_ELEMENTS(names), 18);
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *upper = g_ascii_strup(names[i], -1), *pascal = g_strdup(names[i]);

        pascal[0] = g_ascii_toupper(pascal[0]);
        assert_string_equal(health_status_name(names[i]), names[i]);
        assert_string_equal(health_status_name(upper), names[i]);
        assert_string_equal(health_status_name(pascal), names[i]);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(others); i++)
        assert_null(health_status_name(others[i]));
    assert_null(health_status_name(NULL));
}

/* --- records --------------------------------------------------------------------------------------------------------
 */

static void a_record_is_its_id_and_its_bytes(void **state)
{
    static const char overview[] =
        " {\"id\":\"Exchange\", \"service\":\"Exchange Online\",\"status\":\"ServiceRestored\"}";
    g_autoptr(JsonTree) tree = json_tree_new();
    struct json_slice slice = slice_of(overview + 1);
    struct health_overview told = {0};
    struct health_record *record = health_record_read(tree, slice, &told, NULL);

    (void)state;
    assert_string_equal(record->id, "Exchange");
    assert_ptr_equal(record->raw, slice.bytes);
    assert_int_equal(record->length, slice.length);
    assert_string_equal(told.service, "Exchange Online");
    assert_string_equal(told.status, "ServiceRestored");
    health_overview_clear(&told);
    assert_null(told.service);
    health_record_free(record);
}

static void an_overview_may_say_nothing_but_its_id(void **state)
{
    static const char *const overviews[] = {"{\"id\":\"Exchange\"}",
                                            "{\"id\":\"Exchange\",\"service\":null,\"status\":7}"};

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(overviews); i++) {
        g_autoptr(JsonTree) tree = json_tree_new();
        struct health_overview told = {0};
        struct health_record *record = health_record_read(tree, slice_of(overviews[i]), &told, NULL);

        assert_non_null(record);
        assert_null(told.service);
        assert_null(told.status);
        health_record_free(record);
    }
}

static void a_record_without_an_id_is_none(void **state)
{
    static const char *const records[] = {"{}", "{\"id\":\"\"}", "{\"id\":null}", "{\"id\":7}", "[]",
                                          "7",  "null",          "{\"id\":"};

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(records); i++) {
        g_autoptr(JsonTree) tree = json_tree_new();
        g_autoptr(GError) error = NULL;
        struct health_overview told = {0};

        assert_null(health_record_read(tree, slice_of(records[i]), &told, &error));
        assert_true(g_str_has_prefix(error->message, "A record of health "));
        assert_null(told.service);
    }
}

/* --- what they say --------------------------------------------------------------------------------------------------
 */

static void an_issue_is_decoded(void **state)
{
    struct health_document document = decode(STORE_HEALTH_ISSUES, issue);

    (void)state;
    assert_text(document.title, "Mail is late \u2013 \"queued\"");
    assert_text(document.service, "Exchange Online");
    assert_text(document.classification, "Advisory");
    assert_text(document.status, "ServiceDegradation");
    assert_text(document.start, "2026-11-19T20:00:00.0000000Z");
    assert_text(document.end, NULL);
    assert_text(document.last_modified, "2026-11-19T21:00:00.7600000Z");
    assert_int_equal(document.is_resolved, 0);
    assert_int_equal(document.is_major_change, -1);
    assert_text(document.services, NULL);
    assert_text(document.action_required_by, NULL);
    health_document_clear(&document);
}

static void a_message_is_decoded(void **state)
{
    struct health_document document = decode(STORE_HEALTH_MESSAGES, message);

    (void)state;
    assert_text(document.title, "(Updated) New lists");
    assert_text(document.category, "planForChange");
    assert_text(document.severity, "normal");
    assert_text(document.services, "[\"SharePoint Online\",\"OneDrive \\\"for\\\" Business\"]");
    assert_text(document.start, "2026-11-01T09:00:00.5000000Z");
    assert_text(document.end, "2027-03-01T00:00:00.0000000Z");
    assert_text(document.action_required_by, "2027-01-31T00:00:00.0000000Z");
    assert_int_equal(document.is_major_change, 1);
    assert_int_equal(document.is_resolved, -1);
    assert_text(document.service, NULL);
    health_document_clear(&document);
}

static void an_overview_is_decoded(void **state)
{
    struct health_document document = decode(
        STORE_HEALTH_OVERVIEWS, "{\"id\":\"Exchange\",\"service\":\"Exchange Online\",\"status\":\"falsePositive\"}");

    (void)state;
    assert_text(document.service, "Exchange Online");
    assert_text(document.status, "falsePositive");
    assert_text(document.text, "Exchange Online\nExchange\nfalsePositive");
    health_document_clear(&document);
}

static void everything_in_an_issue_can_be_searched(void **state)
{
    static const char *const lines[] = {"EX900001",
                                        "Exchange Online",
                                        "E-Mail timely delivery",
                                        "Delivery group",
                                        "Advisory",
                                        "ServiceDegradation",
                                        "Some people wait.",
                                        "NotifyInApp",
                                        "True",
                                        "Regular",
                                        "Title: Mail is late We\u2019re rerouting traffic. See here.",
                                        "https://example.org/status?id=7&x=1",
                                        "Kept <as it is> &amp; so"};
    struct health_document document = decode(STORE_HEALTH_ISSUES, issue);

    (void)state;
    assert_true(g_str_has_prefix(document.text, "Mail is late \u2013 \"queued\"\n"));
    for (size_t i = 0; i < G_N_ELEMENTS(lines); i++)
        if (!has(&document, lines[i]))
            fail_msg("\"%s\" is no line of:\n%s", lines[i], document.text);
    assert_null(strstr(document.text, "<p>"));
    assert_null(strstr(document.text, "2026-11-19"));
    health_document_clear(&document);
}

static void everything_in_a_message_can_be_searched(void **state)
{
    static const char *const lines[] = {
        "MC900002", "SharePoint Online",           "OneDrive \"for\" Business", "Admin impact", "RoadmapIds",
        "93253",    "Rollout begins in mid-March."};
    struct health_document document = decode(STORE_HEALTH_MESSAGES, message);

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(lines); i++)
        if (!has(&document, lines[i]))
            fail_msg("\"%s\" is no line of:\n%s", lines[i], document.text);
    health_document_clear(&document);
}

/* A body of another type, or one that does not say what it is, loses no word either. */
static void bodies_of_any_form_are_searched(void **state)
{
    static const char *const bodies[][2] = {
        {"{\"content\":\"<p>no type</p>\"}", "<p>no type</p>"},
        {"{\"contentType\":null,\"content\":\"<p>a</p><p>b</p>\"}", "a b"},
        {"{\"contentType\":\"markdown\",\"content\":\"a < b\"}", "a < b"},
        {"{\"contentType\":\"TEXT\",\"content\":\"<p>plain</p>\"}", "<p>plain</p>"},
        {"{\"contentType\":\"html\",\"content\":[\"x\"]}", "x"},
        {"\"<p>a string</p>\"", "<p>a string</p>"},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(bodies); i++) {
        g_autofree char *record = g_strdup_printf("{\"id\":\"MC1\",\"title\":\"t\",\"body\":%s}", bodies[i][0]);
        struct health_document document = decode(STORE_HEALTH_MESSAGES, record);

        if (!has(&document, bodies[i][1]))
            fail_msg("%s: \"%s\"", bodies[i][0], document.text);
        health_document_clear(&document);
    }
}

static void odd_records_are_decoded_as_far_as_they_go(void **state)
{
    static const char *const records[] = {"{}",
                                          "{\"id\":\"MC1\"}",
                                          "[]",
                                          "7",
                                          "{\"id\":",
                                          "{\"title\":7,\"status\":[],\"services\":\"Exchange\",\"isResolved\":"
                                          "\"true\",\"startDateTime\":7,\"posts\":null,"
                                          "\"details\":{},\"body\":null}",
                                          "{\"endDateTime\":\"0001-01-01T00:00:00Z\",\"title\":\"<null>\"}"};

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(records); i++)
        for (int kind = STORE_HEALTH_OVERVIEWS; kind <= STORE_HEALTH_MESSAGES; kind++) {
            struct health_document document = decode((enum store_health_kind)kind, records[i]);

            assert_text(document.title, NULL);
            assert_text(document.status, NULL);
            assert_text(document.services, NULL);
            assert_text(document.end, NULL);
            assert_int_equal(document.is_resolved, -1);
            health_document_clear(&document);
        }
}

/* Dates say one thing and the flag another: the flag is what is kept as such, and the dates stay beside it. */
static void quirk_85_what_is_resolved_is_told_by_the_flag_and_not_by_dates(void **state)
{
    static const struct {
        const char *record;
        int resolved;
        bool ended;
    } cases[] = {
        {"{\"id\":\"EX1\",\"isResolved\":false,\"status\":\"investigating\",\"endDateTime\":\"2026-11-20T00:00:00Z\"}",
         0, true},
        {"{\"id\":\"EX1\",\"isResolved\":true,\"status\":\"serviceRestored\",\"endDateTime\":null}", 1, false},
        {"{\"id\":\"EX1\",\"status\":\"serviceRestored\"}", -1, false},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct health_document document = decode(STORE_HEALTH_ISSUES, cases[i].record);

        assert_int_equal(document.is_resolved, cases[i].resolved);
        assert_int_equal(document.end != NULL, cases[i].ended);
        health_document_clear(&document);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_listing_has_its_url_and_its_permission),
        cmocka_unit_test(quirk_21_pages_are_asked_for_by_a_header_and_never_by_top),
        cmocka_unit_test(quirk_59_all_statuses_of_graph_are_known_in_any_case),
        cmocka_unit_test(a_record_is_its_id_and_its_bytes),
        cmocka_unit_test(an_overview_may_say_nothing_but_its_id),
        cmocka_unit_test(a_record_without_an_id_is_none),
        cmocka_unit_test(an_issue_is_decoded),
        cmocka_unit_test(a_message_is_decoded),
        cmocka_unit_test(an_overview_is_decoded),
        cmocka_unit_test(everything_in_an_issue_can_be_searched),
        cmocka_unit_test(everything_in_a_message_can_be_searched),
        cmocka_unit_test(bodies_of_any_form_are_searched),
        cmocka_unit_test(odd_records_are_decoded_as_far_as_they_go),
        cmocka_unit_test(quirk_85_what_is_resolved_is_told_by_the_flag_and_not_by_dates),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
