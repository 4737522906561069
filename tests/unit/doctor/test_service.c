/* The services that the configuration names, against those that the tenant has. */
#include "told.h"

#include <string.h>

#include "doctor/service.h"

#define EXCHANGE "{\"id\":\"Exchange\",\"service\":\"Exchange Online\",\"status\":\"serviceOperational\"}"
#define INTUNE   "{\"id\":\"Intune\",\"service\":\"intune\"}"
#define BARE     "{\"id\":\"Yammer\",\"service\":null}"
#define PAGE     "{\"value\":[" EXCHANGE "," INTUNE "," BARE ",17,{\"service\":\"Nobody\"}]}"
#define THERE    "it is not followed. There are: Exchange (Exchange Online), Intune, Yammer."

static struct section *judge(const char *body, const char *const *services)
{
    g_autoptr(JsonPage) page = json_page_new(false, 1 << 20);
    struct section *section = section_new(NULL);

    assert_true(json_page_feed(page, body, strlen(body), NULL) && json_page_finish(page, NULL));
    service_judge(section, "health", page, (char **)services);
    for (guint i = 0; i < section->findings->len; i++)
        assert_string_equal(((const struct doctor_finding *)g_ptr_array_index(section->findings, i))->source, "health");
    return section;
}

static void names_are_ids_or_display_names_in_any_case(void **state)
{
    static const struct {
        const char *body, *services[4], *expected;
    } rows[] = {
        {PAGE, {"Exchange", "intune", "YAMMER"}, ""},
        {PAGE, {"exchange online"}, ""},
        {PAGE, {"Exchnage", "Intune"}, "warn: The tenant has no service \"Exchnage\": " THERE},
        {PAGE,
         {"Nobody", "Exchange", ""},
         "warn: The tenant has no service \"Nobody\": " THERE "\nwarn: The tenant has no service \"\": " THERE},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        assert_told(judge(rows[i].body, rows[i].services), rows[i].expected);
    assert_told(judge(PAGE, NULL), "");
}

static void without_the_whole_list_nothing_is_said(void **state)
{
    static const char *const services[] = {"Exchnage", NULL};

    (void)state;
    assert_told(judge("{\"value\":[]}", services), "");
    assert_told(judge("{\"value\":[17]}", services), "");
    assert_told(judge("{\"value\":[" EXCHANGE "],\"@odata.nextLink\":\"https://graph.example/2\"}", services), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_ids_or_display_names_in_any_case),
        cmocka_unit_test(without_the_whole_list_nothing_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
