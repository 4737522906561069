/* Findings: one line each, and the days until something expires. */
#include "told.h"

static void what_expires_is_judged_by_the_days_left(void **state)
{
    enum { DAY = 86400 };
    const int64_t now = 1763640000; /* 2025-11-20T12:00:00Z */
    const struct {
        int64_t left_s;
        const char *expected;
    } rows[] = {
        {-DAY, "fail: It expired on 2025-11-19."},
        {0, "fail: It expired on 2025-11-20."},
        {1, "warn: It expires on 2025-11-20, in less than a day."},
        {DAY, "warn: It expires on 2025-11-21, in 1 day."},
        {2 * DAY - 1, "warn: It expires on 2025-11-22, in 1 day."},
        {30 * DAY - 1, "warn: It expires on 2025-12-20, in 29 days."},
        {30 * DAY, "ok: It is valid until 2025-12-20."},
        {INT64_C(400000) * 366 * DAY, "ok: It is valid until a day beyond the calendar."},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct section *section = section_new(NULL);
        section_expiry(section, "secret", "It", "Make a new one.", now + rows[i].left_s, now);
        assert_told(section, rows[i].expected);
    }
}

static void a_finding_is_one_line_whatever_it_is_made_of(void **state)
{
    struct section *section = section_new("contoso");
    const struct doctor_finding *finding = section_fail(section, "source", "mend\nit", "%s", "a\r\nwhole\tpage\n");

    (void)state;
    assert_string_equal(finding->message, "a  whole page ");
    assert_string_equal(finding->mend, "mend it");
    assert_string_equal(finding->customer, "contoso");
    assert_string_equal(finding->check, "source");
    assert_null(finding->source);
    section_free(section);
    section_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_expires_is_judged_by_the_days_left),
        cmocka_unit_test(a_finding_is_one_line_whatever_it_is_made_of),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
