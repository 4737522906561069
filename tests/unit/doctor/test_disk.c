/* The room that the database needs in the next weeks. */
#include "told.h"

#include "doctor/database.h"

static const int64_t mib = INT64_C(1) << 20, gib = INT64_C(1) << 30;

static void the_disk_is_judged_by_what_the_next_weeks_need(void **state)
{
    const struct {
        struct disk_facts facts;
        const char *expected;
    } rows[] = {
        {{0, 0, 0, 0}, "fail: 0 B is free in /db: less than the 256.0 MiB that writing needs."},
        {{256 * mib - 1, 0, 0, 0}, "fail: 256.0 MiB is free in /db: less than the 256.0 MiB that writing needs."},
        {{200 * mib, gib, 10 * mib, 0},
         "fail: 200.0 MiB is free in /db, which lasts 20 days at the present growth: less than the 256.0 MiB that "
         "writing needs."},
        {{256 * mib, 0, 0, 0},
         "warn: 256.0 MiB is free in /db: less than the 1.0 GiB that a database of this size wants."},
        {{gib, 0, 0, 0}, "ok: 1.0 GiB is free in /db."},
        {{gib, 20 * gib, 0, 0},
         "warn: 1.0 GiB is free in /db: less than the 2.0 GiB that a database of this size wants."},
        {{2 * gib, 20 * gib, 0, 0}, "ok: 2.0 GiB is free in /db."},
        {{2 * gib, 20 * gib, gib, 0}, "warn: 2.0 GiB is free in /db, which lasts 2 days at the present growth."},
        {{28 * gib, 20 * gib, gib, 0}, "ok: 28.0 GiB is free in /db, which lasts 28 days at the present growth."},
        {{28 * gib - 1, 20 * gib, gib, 0}, "warn: 28.0 GiB is free in /db, which lasts 27 days at the present growth."},
        {{3650 * gib, 20 * gib, gib, 0}, "ok: 3.6 TiB is free in /db."},
        /* Beside somebody who reads for long the log grows to a GiB; and a day is to fit, too. */
        {{3 * gib - 1, gib, 2 * gib, 0},
         "warn: 3.0 GiB is free in /db, which lasts 1 days at the present growth: less than the 3.0 GiB that a "
         "database "
         "of this size wants."},
        /* Retention ends the growth before the disk does, or does not. */
        {{2 * gib, 20 * gib, gib / 2, 22 * gib}, "ok: 2.0 GiB is free in /db."},
        {{2 * gib, 20 * gib, gib / 2, 20 * gib}, "ok: 2.0 GiB is free in /db."},
        {{2 * gib, 20 * gib, gib / 2, 1 * gib}, "ok: 2.0 GiB is free in /db."},
        {{2 * gib, 20 * gib, gib / 2, 22 * gib + 1},
         "warn: 2.0 GiB is free in /db, which lasts 4 days at the present growth."},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct section *section = section_new(NULL);
        disk_judge(section, "/db", &rows[i].facts);
        const struct doctor_finding *finding = g_ptr_array_index(section->findings, 0);
        if (finding->mend)
            assert_string_equal(finding->mend, "Free some room, or move the database to a larger disk.");
        assert_told(section, rows[i].expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_disk_is_judged_by_what_the_next_weeks_need)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
