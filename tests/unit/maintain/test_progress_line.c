/* How far something is, in one line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "maintain/task.h"

static void a_line_tells_what_is_known_and_nothing_else(void **state)
{
    const struct {
        const char *doing;
        int64_t done, of, began;
        double seconds;
        const char *line;
    } rows[] = {
        {"checking bodies", 0, 0, 0, 9, "checking bodies"},
        {"checking bodies", 1234, 0, 0, 0.2, "checking bodies: 1,234"},
        {"checking bodies", 3000, 0, 0, 2, "checking bodies: 3,000, 1,500/s"},
        {"checking bodies", 0, 100, 0, 0, "[....................]   0 %  checking bodies: 0 of 100"},
        {"checking bodies", 50, 200, 0, 10, "[#####...............]  25 %  checking bodies: 50 of 200, 5/s, 30 s left"},
        {"checking bodies", 200, 200, 0, 10, "[####################] 100 %  checking bodies: 200 of 200, 20/s"},
        /* what was done before it began is none of its rate */
        {"merging", 150, 200, 140, 10, "[###############.....]  75 %  merging: 150 of 200, 1/s, 50 s left"},
        {"merging", 10, 40000, 0, 20, "[....................]   0 %  merging: 10 of 40,000, 22 h 13 min left"},
        {"merging", 1000, 100000, 0, 10, "[....................]   1 %  merging: 1,000 of 100,000, 100/s, 16 min left"},
        /* more than was thought, and less than before */
        {"merging", 300, 200, 0, 10, "[####################] 100 %  merging: 300 of 200, 30/s"},
        {"merging", 5, 200, 10, 10, "[....................]   2 %  merging: 5 of 200"},
        {"merging", 1, INT64_MAX, 0, 10,
         "[....................]   0 %  merging: 1 of 9,223,372,036,854,775,807, 1000 h 0 "
         "min left"},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *line =
            maintain_progress_line(rows[i].doing, rows[i].done, rows[i].of, rows[i].began, rows[i].seconds);
        assert_string_equal(line, rows[i].line);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_line_tells_what_is_known_and_nothing_else)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
