/* Figures: what is said of known timelines, records and names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "base/base.h"
#include "report/figures.h"
#include "timeline_text.h"

/* The window is an hour, whose history is the day it is in; moments are minutes from its beginning. A letter of a
 * timeline is five minutes, and six of them are the longest gap. */
enum {
    MINUTE_S = 60,
    STEP = 5,
    MAX_GAP_S = 30 * MINUTE_S,
    NOON_S = 12 * 60 * MINUTE_S,
    OVER = 600, /* long after the window */
};

struct fixture {
    struct report_window *window, *history;
    struct config_status_map *map;
    int64_t from;
};

static int set_up(void **state)
{
    struct fixture *fixture = g_new0(struct fixture, 1);

    fixture->window = report_window_of_dates("UTC", G_MAXINT32, "2026-11-22", NULL, NULL);
    fixture->history = report_window_of_dates("UTC", G_MAXINT32, "2026-11-22", NULL, NULL);
    fixture->map = config_status_map_load(NULL, NULL);
    fixture->from = fixture->window->from + NOON_S;
    fixture->window->from = fixture->from;
    fixture->window->to = fixture->from + 60 * MINUTE_S;
    fixture->history->to = fixture->window->to;
    *state = fixture;
    return fixture->map == NULL;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    report_window_free(fixture->window);
    report_window_free(fixture->history);
    config_status_map_free(fixture->map);
    g_free(fixture);
    return 0;
}

/* --- timelines as text -------------------------------------------------------------------------------------------- */

/* Adds a timeline, whose first letter is the minute `begin`; `first` that of the facts' first service, which brings the
 * scans. */
static void add_timeline(struct store_report *facts, const struct fixture *fixture, const char *service, int begin,
                         const char *letters, bool first)
{
    size_t n = strlen(letters);
    g_autofree int64_t *at = g_new(int64_t, n + 1);

    for (size_t i = 0; i < n; i++) {
        at[i] = fixture->from + (begin + (int64_t)i * STEP) * MINUTE_S;
        if (first && letters[i] != '.')
            facts_add_scan(facts, at[i], letters[i]);
    }
    facts_add_service(facts, service, NULL);
    facts_add_states(facts, service, letters, at, MAX_GAP_S);
}

static struct report_figures *figures_of(const struct fixture *fixture, const struct store_report *facts,
                                         const char *const *services, int64_t now_minute)
{
    return report_figures_new(facts, "contoso", "tenant", fixture->window, fixture->history, services, fixture->map,
                              MAX_GAP_S, fixture->from + now_minute * MINUTE_S);
}

static int minute(const struct fixture *fixture, int64_t at)
{
    assert_int_equal((at - fixture->from) % MINUTE_S, 0);
    return (int)((at - fixture->from) / MINUTE_S);
}

static char letter_of(const char *status)
{
    static const char letters[] = "OVSDdI?";

    for (const char *letter = letters; status != NULL && *letter != '\0'; letter++)
        if (strcmp(status, status_of(*letter)) == 0)
            return *letter;
    return '-';
}

/* "-30<O 0-15/3 D 15-60>/9": what began before (when), its letter, from, to, whether it goes on, its scans. */
static char *text_of(const struct fixture *fixture, const GArray *stretches)
{
    GString *out = g_string_new(NULL);

    for (guint i = 0; i < stretches->len; i++) {
        const struct report_stretch *stretch = &g_array_index(stretches, struct report_stretch, i);
        g_string_append(out, i > 0 ? " " : "");
        if (stretch->before)
            g_string_append_printf(out, "%d<", minute(fixture, stretch->began_at));
        g_string_append_printf(out, "%c %d-%d%s/%d", letter_of(stretch->status), minute(fixture, stretch->from),
                               minute(fixture, stretch->to), stretch->after ? ">" : "", (int)stretch->scans);
    }
    return g_string_free(out, FALSE);
}

static void check_timeline(const struct fixture *fixture, int begin, const char *letters, int now, const char *expected)
{
    g_autoptr(Facts) facts = facts_new();

    add_timeline(facts, fixture, "Exchange", begin, letters, true);
    facts_clip(facts, fixture->history->from, fixture->window->to);
    g_autoptr(ReportFigures) figures = figures_of(fixture, facts, NULL, now);
    const struct report_service *service = g_ptr_array_index(figures->services, 0);
    g_autofree char *text = text_of(fixture, service->stretches);
    if (strcmp(text, expected) != 0)
        fail_msg("%d %s, now %d\n-> %s\nnot %s", begin, letters, now, text, expected);
}

static void a_status_holds_until_the_scan_that_saw_another(void **state)
{
    static const struct {
        int begin;
        const char *letters;
        int now;
        const char *expected;
    } rows[] = {
        /* all of the window, and from before it to after it */
        {-10, "OOOOOOOOOOOOOOOO", OVER, "-10<O 0-60>/12"},
        {0, "OOOOOOOOOOOOOOOO", OVER, "O 0-60>/12"},
        {-10, "OOOOOOOOOOOOOOI", OVER, "-10<O 0-60/12"},
        {-10, "OOIIIIIIIIIIIIO", OVER, "I 0-60/12"},
        {-10, "OOOOOOIIIIIIIIII", OVER, "-10<O 0-20/4 I 20-60>/8"},
        {-10, "OODODODODODODODO", OVER,
         "D 0-5/1 O 5-10/1 D 10-15/1 O 15-20/1 D 20-25/1 O 25-30/1 D 30-35/1 O 35-40/1 D 40-45/1 O 45-50/1 "
         "D 50-55/1 O 55-60/1"},
        /* the same status in another spelling is the same status */
        {-10, "OODDddDDddddDDO", OVER, "D 0-60/12"},
        {-10, "ddDDDDDDDDDDDDO", OVER, "-10<d 0-60/12"},
        /* what nobody has heard of is shown */
        {-10, "OO????????????O", OVER, "? 0-60/12"},
        /* between scans far apart: from the one to the other */
        {-10, "O.....D.....O.....S", OVER, "-10<O 0-20/0 D 20-50/1 O 50-60>/1"},
        /* a failed scan breaks nothing */
        {-10, "OOOxxxOOOOxDxxDO", OVER, "-10<O 0-45/5 D 45-60>/1"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        check_timeline(*state, rows[i].begin, rows[i].letters, rows[i].now, rows[i].expected);
}

static void what_no_scan_saw_is_a_gap(void **state)
{
    static const struct {
        int begin;
        const char *letters;
        int now;
        const char *expected;
    } rows[] = {
        /* nothing at all: as far as the facts reach */
        {0, "", OVER, "-720<- 0-60>/0"},
        {0, "xxxxxxxxxxxx", OVER, "-720<- 0-60>/0"},
        {0, "------------", OVER, "-720<- 0-60>/12"},
        /* seven steps are too far, six are not */
        {-5, "OO.....OOOOOO", OVER, "-5<O 0-55/7 - 55-60>/0"},
        {-5, "OO......OOOOO", OVER, "-5<O 0-0/1 - 0-35/0 O 35-55/5 - 55-60>/0"},
        {-10, "OOO......OOOO", OVER, "-10<O 0-0/1 - 0-35/0 O 35-50/4 - 50-60>/0"},
        {-10, "OOOO.......OOOOOO", OVER, "-10<O 0-5/2 - 5-45/0 O 45-60>/3"},
        /* failed ones do not help */
        {-10, "OOOOxxxxxxxOOOOOO", OVER, "-10<O 0-5/2 - 5-45/0 O 45-60>/3"},
        /* another status after a gap */
        {-10, "OOOO.......DDDDDD", OVER, "-10<O 0-5/2 - 5-45/0 D 45-60>/3"},
        /* a scan that does not list the service ends what was known */
        {-10, "OOOO-OOOOOOOOOOO", OVER, "-10<O 0-5/2 - 5-15/1 O 15-60>/9"},
        {-10, "OOOO--DDDDDDDDDDD", OVER, "-10<O 0-5/2 - 5-20/2 D 20-60>/8"},
        /* it appears in the window */
        {-10, "------OOOOOOOOOO", OVER, "-720<- 0-20/4 O 20-60>/8"},
        /* the gap begins before the window, or goes on after it */
        {-60, "OOO..............OOO....", OVER, "-50<- 0-25/0 O 25-35/3 - 35-60>/0"},
        {-10, "OOOOOO................O", OVER, "-10<O 0-15/4 - 15-60>/0"},
        {-10, "OOOOOO........OO", OVER, "-10<O 0-15/4 - 15-60/0"},
        /* seen last at the very end */
        {-10, "OOOOOOOOOOOOOOO", OVER, "-10<O 0-60>/12"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        check_timeline(*state, rows[i].begin, rows[i].letters, rows[i].now, rows[i].expected);
}

static void what_one_scan_saw_is_told_though_none_followed_in_time(void **state)
{
    static const struct {
        int begin;
        const char *letters;
        int now;
        const char *expected;
    } rows[] = {
        /* in the middle of nothing */
        {-30, "O...........I...........O", OVER, "-30<- 0-30/0 I 30-30/1 - 30-60>/0"},
        {5, "I", OVER, "-720<- 0-5/0 I 5-5/1 - 5-60>/0"},
        {5, "D......d", OVER, "-720<- 0-5/0 D 5-5/1 - 5-40/0 d 40-40/1 - 40-60>/0"},
        /* the last before we were away, the first thereafter */
        {-10, "OOOI", OVER, "-10<O 0-5/1 I 5-5/1 - 5-60>/0"},
        {-10, "OOOIxxxxxxxOOOO", OVER, "-10<O 0-5/1 I 5-5/1 - 5-45/0 O 45-60>/3"},
        {-10, "OOOO......I-OOO", OVER, "-10<O 0-5/2 - 5-40/0 I 40-40/1 - 40-50/1 O 50-60>/2"},
        /* the next scan did not list the service */
        {-10, "OOOOI-OOOOOOOOO", OVER, "-10<O 0-10/2 I 10-10/1 - 10-20/1 O 20-60>/8"},
        {-10, "----I-O-D------", OVER, "-720<- 0-10/2 I 10-10/1 - 10-20/1 O 20-20/1 - 20-30/1 D 30-30/1 - 30-60>/5"},
        /* the same status in another spelling goes on from what it was */
        {-10, "OODDDDd", OVER, "D 0-20/5 - 20-60>/0"},
        /* at the window's beginning, which is its own; at its end, which is not */
        {0, "I...........I", OVER, "I 0-0/1 - 0-60/0"},
        {0, "I............I", OVER, "I 0-0/1 - 0-60>/0"},
        {-10, "OOI.........I", OVER, "I 0-0/1 - 0-50/0 I 50-50/1 - 50-60>/0"},
        {-5, "I-----------I", OVER, "-5<- 0-55/11 I 55-55/1 - 55-60>/0"},
        /* of a time before the window: the gap begins there */
        {-120, "I", OVER, "-120<- 0-60>/0"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        check_timeline(*state, rows[i].begin, rows[i].letters, rows[i].now, rows[i].expected);
}

static void what_is_to_come_is_no_data(void **state)
{
    static const struct {
        int begin;
        const char *letters;
        int now;
        const char *expected;
    } rows[] = {
        /* it still lasts */
        {-10, "OOOOOO", 20, "-10<O 0-20>/4 - 20-60/0"},
        {-10, "OOOOOO", 45, "-10<O 0-45>/4 - 45-60/0"},
        {-10, "OOOOOO", 46, "-10<O 0-15/4 - 15-60>/0"},
        {-10, "OOOOOOxx", 44, "-10<O 0-44>/4 - 44-60/0"},
        {-10, "OOOOD", 12, "-10<O 0-10/2 D 10-12>/1 - 12-60/0"},
        /* seen just now, and so far for no time */
        {-10, "OOOOD", 10, "-10<O 0-10/2 D 10-10>/1 - 10-60/0"},
        {-10, "OOOOO", 10, "-10<O 0-10>/3 - 10-60/0"},
        {-10, "OOO", 0, "-10<O 0-0>/1 - 0-60/0"},
        {0, "D", 0, "D 0-0>/1 - 0-60/0"},
        {-10, "OOOO-", 12, "-10<O 0-5/2 - 5-60>/1"},
        {-10, "OO", 0, "- 0-60/0"},
        /* the window is just over */
        {-10, "OOOOOOOOOOOOOO", 60, "-10<O 0-60>/12"},
        {-10, "OOOOOOOOOOOOOO", 61, "-10<O 0-60>/12"},
        {-10, "OOOOOOOOOOOOOOD", 60, "-10<O 0-60/12"},
        {-10, "OOOOOOO", 60, "-10<O 0-20/5 - 20-60>/0"},
        {-10, "", 30, "-720<- 0-60>/0"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        check_timeline(*state, rows[i].begin, rows[i].letters, rows[i].now, rows[i].expected);
}

/* --- sums --------------------------------------------------------------------------------------------------------- */

static void a_service_is_summed_up(void **state)
{
    static const struct {
        const char *letters;
        int now;
        const char *overall;
        int priority;
        enum report_impact impact;
        int operational, observed, window; /* minutes */
    } rows[] = {
        {"OOOOOOOOOOOOOO", OVER, "serviceOperational", 10, REPORT_OPERATIONAL, 55, 55, 60},
        {"OOOOOOOOOOOOOOO", OVER, "serviceOperational", 10, REPORT_OPERATIONAL, 60, 60, 60},
        {"OOOVVOOOOOOOOOO", OVER, "verifyingService", 7, REPORT_MINOR, 50, 60, 60},
        {"OOOVVSDDIDOOOOO", OVER, "serviceInterruption", 1, REPORT_INTERRUPTED, 25, 60, 60},
        {"OO????????????O", OVER, "serviceOnFire", 6, REPORT_AFFECTED, 0, 60, 60},
        {"OOdDOOOOOOOOOOO", OVER, "ServiceDegradation", 3, REPORT_DEGRADED, 50, 60, 60},
        {"OOOO.......OOOO", OVER, "serviceOperational", 10, REPORT_OPERATIONAL, 20, 20, 60},
        {"xxxxxxxxxxxxxxx", OVER, NULL, -1, REPORT_NO_DATA, 0, 0, 60},
        {"OOOOOO", 20, "serviceOperational", 10, REPORT_OPERATIONAL, 20, 20, 20},
        {"DDOO", 0, NULL, -1, REPORT_NO_DATA, 0, 0, 0},
        {"DDOOOOOOOOOOOOO", OVER, "serviceOperational", 10, REPORT_OPERATIONAL, 60, 60, 60}, /* over at its beginning */
        {"OOOI", OVER, "serviceInterruption", 1, REPORT_INTERRUPTED, 5, 5, 60},
        {"OOI-OOOOOOOOOOO", OVER, "serviceInterruption", 1, REPORT_INTERRUPTED, 50, 50, 60},
        {"..I", OVER, "serviceInterruption", 1, REPORT_INTERRUPTED, 0, 0, 60},
        {"..O", OVER, "serviceOperational", 10, REPORT_OPERATIONAL, 0, 0, 60},
        {"..............I", OVER, NULL, -1, REPORT_NO_DATA, 0, 0, 60},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(Facts) facts = facts_new();
        add_timeline(facts, *state, "Exchange", -10, rows[i].letters, true);
        g_autoptr(ReportFigures) figures = figures_of(*state, facts, NULL, rows[i].now);
        const struct report_service *service = g_ptr_array_index(figures->services, 0);
        if (rows[i].overall == NULL)
            assert_null(service->overall_status);
        else
            assert_string_equal(service->overall_status, rows[i].overall);
        assert_int_equal(service->overall_priority, rows[i].priority);
        assert_int_equal(service->overall, rows[i].impact);
        assert_int_equal(service->operational_s, rows[i].operational * MINUTE_S);
        assert_int_equal(service->observed_s, rows[i].observed * MINUTE_S);
        assert_int_equal(service->window_s, rows[i].window * MINUTE_S);
    }
}

static void statuses_are_judged_by_the_map_that_is_given(void **state)
{
    static const char lines[] = "serviceDegradation: 9\nserviceOperational: 0\nserviceOnFire: 7\n";
    g_autofree char *folder = g_dir_make_tmp("m365keep-figures-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "map.yaml", NULL);
    struct fixture *fixture = *state;
    g_autoptr(Facts) facts = facts_new();

    assert_true(g_file_set_contents(path, lines, -1, NULL));
    config_status_map_free(fixture->map);
    fixture->map = config_status_map_load(path, NULL);
    assert_true(remove(path) == 0 && remove(folder) == 0);
    add_timeline(facts, fixture, "Exchange", 0, "DDOO????????O", true);
    g_autoptr(ReportFigures) figures = figures_of(fixture, facts, NULL, OVER);
    const struct report_service *service = g_ptr_array_index(figures->services, 0);
    assert_string_equal(service->overall_status, "serviceOperational");
    assert_int_equal(service->overall, REPORT_INTERRUPTED);
    assert_int_equal(service->operational_s, 10 * MINUTE_S);
    const struct report_stretch *fire = &g_array_index(service->stretches, struct report_stretch, 2);
    assert_true(fire->known && fire->impact == REPORT_MINOR);
}

static void scans_of_the_window_are_counted_and_their_gaps_told(void **state)
{
    static const struct {
        int begin;
        const char *letters;
        int now;
        int good, failed, observed;
        const char *gaps, *error;
    } rows[] = {
        {-10, "OOOOOOOOOOOOOOO", OVER, 12, 0, 60, "", NULL},
        {-10, "xxOOOOOOOOOOOOO", OVER, 12, 0, 60, "", NULL},
        {-10, "OOxOOxOOOOOOOOxx", OVER, 10, 2, 55, "55-60", "15"},
        {-10, "OO......xOOOOOO", OVER, 5, 1, 25, "0-35", "30"},
        {-10, "OOOO.......OOOO", OVER, 5, 0, 20, "5-45", NULL},
        {-10, "-----------------", OVER, 12, 0, 60, "", NULL},
        {-10, "xxxxxxxxxxxxxxx", OVER, 0, 12, 0, "0-60", "55"},
        {-60, "O", OVER, 0, 0, 0, "0-60", NULL},
        {-25, "O", 5, 0, 0, 5, "", NULL},
        {-25, "O", 6, 0, 0, 0, "0-6", NULL},
        {0, "", 0, 0, 0, 0, "", NULL},
        {10, "OO.......O", 60, 3, 0, 10, "0-10 15-55", NULL},
        {10, "OO.......O", 59, 3, 0, 9, "0-10 15-55", NULL},
    };
    const struct fixture *fixture = *state;

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(Facts) facts = facts_new();
        add_timeline(facts, fixture, "Exchange", rows[i].begin, rows[i].letters, true);
        facts_clip(facts, fixture->history->from, fixture->window->to);
        g_autoptr(ReportFigures) figures = figures_of(fixture, facts, NULL, rows[i].now);
        g_autoptr(GString) gaps = g_string_new(NULL);
        for (guint j = 0; j < figures->gaps->len; j++) {
            const struct report_gap *gap = &g_array_index(figures->gaps, struct report_gap, j);
            g_string_append_printf(gaps, "%s%d-%d", j > 0 ? " " : "", minute(fixture, gap->from),
                                   minute(fixture, gap->to));
        }
        g_autofree char *error = rows[i].error != NULL
                                     ? g_strdup_printf("no answer at %" G_GINT64_FORMAT,
                                                       fixture->from + g_ascii_strtoll(rows[i].error, NULL, 10) * 60)
                                     : NULL;
        assert_string_equal(gaps->str, rows[i].gaps);
        assert_int_equal(figures->scans_good, rows[i].good);
        assert_int_equal(figures->scans_failed, rows[i].failed);
        assert_int_equal(figures->observed_s, rows[i].observed * MINUTE_S);
        assert_int_equal(figures->window_s, CLAMP(rows[i].now, 0, 60) * MINUTE_S);
        assert_true(g_strcmp0(figures->last_scan_error, error) == 0);
    }
}

/* A day's worst and the minutes that were observed, day by day. */
static char *days_of(const GArray *days)
{
    GString *out = g_string_new(NULL);

    for (guint i = 0; i < days->len; i++) {
        const struct report_day *day = &g_array_index(days, struct report_day, i);
        assert_true(i == 0 || g_array_index(days, struct report_day, i - 1).to == day->from);
        g_string_append_printf(out, "%s%s %d", i > 0 ? ", " : "", report_impact_name(day->worst),
                               (int)(day->observed_s / MINUTE_S));
    }
    return g_string_free(out, FALSE);
}

static void each_day_of_the_history_has_its_worst(void **state)
{
    enum { DAY = 24 * 60 / STEP, BEGIN = -(2 * 24 + 12) * 60 };
    struct fixture *fixture = *state;
    g_autofree char *letters = g_strnfill(3 * DAY, 'O');
    g_autoptr(Facts) facts = facts_new();

    report_window_free(fixture->history);
    fixture->history = report_window_of_dates("UTC", G_MAXINT32, "2026-11-19", "2026-11-22", NULL);
    letters[100] = 'D'; /* on the 20th, once */
    letters[101] = 'V';
    memcpy(letters + 2 * DAY - 2, "IIV", 3); /* over midnight of the 21st: the 22nd begins with what is minor */
    memset(letters + DAY, '.', 7); /* 21st: first seen after 35 minutes; the 20th lost what came after 23:55 */
    memset(letters + 2 * DAY + 100, 'x', DAY - 100);
    add_timeline(facts, fixture, "Exchange", BEGIN, letters, true);
    g_autoptr(ReportFigures) figures = figures_of(fixture, facts, NULL, OVER);
    const struct report_service *service = g_ptr_array_index(figures->services, 0);
    g_autofree char *days = days_of(service->days);
    assert_string_equal(days, "No data 0, Degraded 1435, Interrupted 1405, Minor 495");
    facts_add_service(facts, "Teams", NULL);
    g_autoptr(ReportFigures) more = figures_of(fixture, facts, NULL, -120 - 6 * 60 - 30); /* at 03:30 */
    g_autofree char *early = days_of(((const struct report_service *)g_ptr_array_index(more->services, 0))->days);
    g_autofree char *none = days_of(((const struct report_service *)g_ptr_array_index(more->services, 1))->days);
    assert_string_equal(early, "No data 0, Degraded 1435, Interrupted 1405, Minor 210");
    assert_string_equal(none, "No data 0, No data 0, No data 0, No data 0");
}

static void a_day_has_even_what_was_seen_once(void **state)
{
    enum { DAY = 24 * 60 / STEP, BEGIN = -(2 * 24 + 12) * 60 };
    struct fixture *fixture = *state;
    g_autofree char *letters = g_strnfill(3 * DAY, '.');
    g_autoptr(Facts) facts = facts_new();

    report_window_free(fixture->history);
    fixture->history = report_window_of_dates("UTC", G_MAXINT32, "2026-11-19", "2026-11-22", NULL);
    letters[0] = 'V';                   /* the 20th begins with it */
    memcpy(letters + DAY - 1, "OO", 2); /* seen last at midnight, in the 21st */
    letters[2 * DAY + 1] = 'D';
    add_timeline(facts, fixture, "Exchange", BEGIN, letters, true);
    g_autoptr(ReportFigures) figures = figures_of(fixture, facts, NULL, OVER);
    g_autofree char *days = days_of(((const struct report_service *)g_ptr_array_index(figures->services, 0))->days);
    assert_string_equal(days, "No data 0, Minor 5, Operational 0, Degraded 0");
}

/* --- services ----------------------------------------------------------------------------------------------------- */

static void check_services(const struct report_figures *figures, const char *expected)
{
    g_autoptr(GString) out = g_string_new(NULL);

    for (guint i = 0; i < figures->services->len; i++) {
        const struct report_service *service = g_ptr_array_index(figures->services, i);
        g_string_append_printf(out, "%s%s=%s", i > 0 ? ", " : "", service->id, service->name);
    }
    assert_string_equal(out->str, expected);
}

static void services_are_those_that_are_followed(void **state)
{
    static const struct {
        const char *services[4];
        const char *expected;
    } rows[] = {
        {{NULL}, ""},
        {{"exchange", NULL}, "Exchange=Exchange Online"},
        {{"EXCHANGE ONLINE", NULL}, "Exchange=Exchange Online"},
        {{"Exchange Online", "exchange", NULL}, "Exchange=Exchange Online"},
        {{"Zażółć ĄĘ", NULL}, "PL=zażółć ąę"},
        {{"nobody's", NULL}, "nobody's=nobody's"},
        {{"Nobody's", "nobody's", "Exchange", NULL}, "Exchange=Exchange Online, Nobody's=Nobody's"},
        {{"Old", NULL}, "Old=Old"}, /* has states, but no overview any more */
    };
    g_autoptr(Facts) facts = facts_new();

    add_timeline(facts, *state, "Old", 0, "OOOO", true);
    g_ptr_array_set_size(facts->services, 0);
    facts_add_service(facts, "Exchange", "Exchange Online");
    facts_add_service(facts, "Lync", NULL);
    facts_add_service(facts, "PL", "zażółć ąę");
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(ReportFigures) figures = figures_of(*state, facts, rows[i].services, OVER);
        check_services(figures, rows[i].expected);
    }
    g_autoptr(ReportFigures) all = figures_of(*state, facts, NULL, OVER);
    check_services(all, "Old=Old, Exchange=Exchange Online, Lync=Lync, PL=zażółć ąę");
}

static void an_id_counts_for_more_than_another_ones_name(void **state)
{
    g_autoptr(Facts) facts = facts_new();

    add_timeline(facts, *state, "B", 0, "DDDDDDDDDDDDD", true);
    g_ptr_array_set_size(facts->services, 0);
    facts_add_service(facts, "A", "B");
    facts_add_service(facts, "B", "A");
    g_autoptr(ReportFigures) figures = figures_of(*state, facts, NULL, OVER);
    check_services(figures, "B=A, A=B");
    const struct report_service *first = g_ptr_array_index(figures->services, 0);
    assert_string_equal(first->overall_status, "serviceDegradation");
}

static void the_worst_service_comes_first(void **state)
{
    g_autoptr(Facts) facts = facts_new();

    add_timeline(facts, *state, "alpha", 0, "OOOOOOOOOOOOO", true);
    add_timeline(facts, *state, "Beta", 0, "OOOODOOOOOOOO", false);
    add_timeline(facts, *state, "Delta", 0, "OOOOIOOOOOOOO", false);
    add_timeline(facts, *state, "Gamma", 0, "-------------", false);
    add_timeline(facts, *state, "Omega", 0, "OOOODDDDDDDDD", false);
    add_timeline(facts, *state, "Zeta", 0, "VVVVVVVVVVVVV", false);
    facts_add_service(facts, "Chi", "aleph");
    g_autoptr(ReportFigures) figures = figures_of(*state, facts, NULL, OVER);
    check_services(figures, "Delta=Delta, Omega=Omega, Beta=Beta, Zeta=Zeta, alpha=alpha, Chi=aleph, Gamma=Gamma");
}

static void of_equally_bad_services_the_longest_trouble_comes_first(void **state)
{
    g_autoptr(Facts) facts = facts_new();

    add_timeline(facts, *state, "Alpha", 0, "OOOODOOOOOOOO", true);
    add_timeline(facts, *state, "Beta", 0, "OOOODDDOOOOOO", false);
    add_timeline(facts, *state, "Gamma", 0, "OOOODVVVOOOOO", false); /* less available than Alpha */
    add_timeline(facts, *state, "Zeta", 0, "OOOODDDDDDDDD", false);
    add_timeline(facts, *state, "Worst", 0, "OOOOOOOIOOOOO", false); /* short, but worse */
    add_timeline(facts, *state, "calm", 0, "---------OOOO", false);
    add_timeline(facts, *state, "Calm2", 0, "OOOOOOOOOOOOO", false); /* of those without trouble the name decides */
    g_autoptr(ReportFigures) figures = figures_of(*state, facts, NULL, OVER);
    check_services(figures, "Worst=Worst, Zeta=Zeta, Beta=Beta, Gamma=Gamma, Alpha=Alpha, calm=calm, Calm2=Calm2");
}

static void a_customer_that_the_store_does_not_know_has_no_data(void **state)
{
    static const char *const services[] = {"Exchange", NULL};
    const struct fixture *fixture = *state;
    g_autoptr(Facts) facts = facts_new();

    facts->known = false;
    g_autoptr(ReportFigures) none = figures_of(fixture, facts, NULL, OVER);
    g_autoptr(ReportFigures) one = figures_of(fixture, facts, services, OVER);
    assert_int_equal(none->services->len, 0);
    assert_int_equal(none->gaps->len, 1);
    assert_string_equal(one->customer, "contoso");
    assert_string_equal(one->tenant_id, "tenant");
    const struct report_service *service = g_ptr_array_index(one->services, 0);
    g_autofree char *text = text_of(fixture, service->stretches);
    assert_string_equal(text, "-720<- 0-60>/0");
    assert_int_equal(report_availability(service->operational_s, service->observed_s), -1);
    report_figures_free(NULL);
}

static void clocks_that_were_wrong_make_no_overlap(void **state)
{
    static const struct {
        const char *status;
        int first, last;
    } runs[] = {{"serviceOperational", -60, 40}, {"serviceInterruption", 10, 10}, {"serviceDegradation", 30, 50}};
    const struct fixture *fixture = *state;
    g_autoptr(Facts) facts = facts_new();

    for (int at = -60; at <= 75; at += STEP)
        facts_add_scan(facts, fixture->from + at * MINUTE_S, 'O');
    for (size_t i = 0; i < G_N_ELEMENTS(runs); i++) {
        struct store_report_state *run = g_new0(struct store_report_state, 1);
        *run = (struct store_report_state){g_strdup("Exchange"), g_strdup(runs[i].status),
                                           fixture->from + runs[i].first * MINUTE_S,
                                           fixture->from + runs[i].last * MINUTE_S, 1};
        g_ptr_array_add(facts->states, run);
    }
    facts_add_scan(facts, fixture->from + 100000 * MINUTE_S, 'O'); /* of a machine that thought it was next year */
    g_autoptr(ReportFigures) figures = figures_of(fixture, facts, NULL, 80);
    const struct report_service *service = g_ptr_array_index(figures->services, 0);
    g_autofree char *text = text_of(fixture, service->stretches);
    assert_string_equal(text, "-60<O 0-40/8 D 40-50/3 - 50-60>/1");
    assert_int_equal(figures->gaps->len, 0);
    assert_int_equal(figures->observed_s, 60 * MINUTE_S);
}

static void a_day_that_never_was_has_no_stretches(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(Facts) facts = facts_new();

    report_window_free(fixture->window);
    report_window_free(fixture->history);
    fixture->window = report_window_of_dates("Pacific/Apia", G_MAXINT32, "2011-12-30", NULL, NULL);
    fixture->history = report_window_history(fixture->window, 3);
    fixture->from = fixture->window->from;
    add_timeline(facts, fixture, "Exchange", -10, "OOOOOO", true);
    g_autoptr(ReportFigures) figures = figures_of(fixture, facts, NULL, OVER);
    const struct report_service *service = g_ptr_array_index(figures->services, 0);
    assert_int_equal(service->stretches->len, 0);
    assert_int_equal(service->days->len, 3);
    assert_int_equal(figures->gaps->len, 0);
    assert_int_equal(figures->window_s, 0);
}

/* --- against an oracle -------------------------------------------------------------------------------------------- */

enum { ROUNDS = 250, SERVICES = 3, LETTERS = 60 };

struct random_timeline {
    int64_t at[LETTERS + 1];
    char letters[SERVICES][LETTERS + 1];
};

/* How long it is to the next scan: seldom far, but then often once more, so that a scan is alone; and sometimes just as
 * far as an edge of the window. */
static int64_t random_step(GRand *dice, bool far, int64_t at, int64_t from, int64_t to)
{
    int64_t step = (far ? g_rand_int_range(dice, 25, 50) : g_rand_int_range(dice, 1, 8)) * MINUTE_S;
    int64_t edge = at < from ? from : to;

    return at < edge && at + step > edge && g_rand_boolean(dice) ? edge - at : step;
}

/* Scans at any minute, seldom and often; good, failed, and none; statuses that last for a while. */
static void random_timeline_init(struct random_timeline *timeline, GRand *dice, int64_t from, int64_t to)
{
    static const char choices[] = "OOOOOVSDdI?-";
    int64_t at = from - g_rand_int_range(dice, 0, 120) * MINUTE_S;
    bool far = false;

    for (int i = 0; i < LETTERS; i++) {
        bool failed = g_rand_int_range(dice, 0, 8) == 0;
        timeline->at[i] = at;
        far = g_rand_int_range(dice, 0, far ? 2 : 12) == 0;
        at += random_step(dice, far, at, from, to);
        for (int j = 0; j < SERVICES; j++) {
            char before = i > 0 ? timeline->letters[j][i - 1] : 'O';
            bool stays = g_rand_int_range(dice, 0, 4) != 0 && before != 'x';
            char now = stays ? before : choices[g_rand_int_range(dice, 0, sizeof choices - 1)];
            timeline->letters[j][i] = failed ? 'x' : now;
        }
    }
    for (int j = 0; j < SERVICES; j++)
        timeline->letters[j][LETTERS] = '\0';
}

/* What is known of a service at a moment, from its scans alone: the last good one before tells, if the next good one,
 * or now, is near, and lists the service too. */
static char oracle(const struct random_timeline *timeline, int service, int64_t moment, int64_t now)
{
    const char *letters = timeline->letters[service];
    int last = -1, next = -1;

    for (int i = 0; i < LETTERS; i++) {
        if (letters[i] == 'x')
            continue;
        if (timeline->at[i] <= moment)
            last = i;
        else if (next < 0 && timeline->at[i] <= now)
            next = i;
    }
    int64_t until = next >= 0 ? timeline->at[next] : now;
    if (moment >= now || last < 0 || until - timeline->at[last] > MAX_GAP_S || (next >= 0 && letters[next] == '-'))
        return '-';
    return letters[last];
}

/* What a scan of that very moment saw. */
static char seen_at(const struct random_timeline *timeline, int service, int64_t moment)
{
    for (int i = 0; i < LETTERS; i++)
        if (timeline->at[i] == moment)
            return timeline->letters[service][i];
    return '-';
}

static bool same_letter(char a, char b)
{
    return g_ascii_toupper(a) == g_ascii_toupper(b);
}

/* The scans that a stretch of this letter is to have: those inside it, and the one at its end that saw it once more. */
static int64_t scans_of(const struct random_timeline *timeline, int j, const struct report_stretch *stretch, int64_t to,
                        int64_t now)
{
    char letter = letter_of(stretch->status);
    int64_t scans = 0;

    for (int k = 0; k < LETTERS; k++) {
        int64_t at = timeline->at[k];
        bool inside = at >= stretch->from && at <= stretch->to && at < to && at <= now;
        scans += inside && timeline->letters[j][k] != 'x' && same_letter(timeline->letters[j][k], letter);
    }
    return scans;
}

/* A sighting: seen at that moment, and in force for no time behind it, nor before it. */
static void check_sighting(const struct random_timeline *timeline, int j, const struct report_stretch *stretch,
                           int64_t from, int64_t now)
{
    char letter = letter_of(stretch->status);

    assert_true(letter != '-' && same_letter(seen_at(timeline, j, stretch->from), letter));
    assert_int_equal(oracle(timeline, j, stretch->from, now), '-');
    assert_true(stretch->from == from || !same_letter(oracle(timeline, j, stretch->from - MINUTE_S, now), letter));
    assert_int_equal(stretch->scans, 1);
}

/* Every scan of the window is one of a stretch. */
static int64_t scans_of_window(const struct random_timeline *timeline, int j, const struct report_window *window,
                               int64_t now)
{
    int64_t scans = 0;

    for (int k = 0; k < LETTERS; k++)
        scans += timeline->letters[j][k] != 'x' && timeline->at[k] >= window->from && timeline->at[k] < window->to &&
                 timeline->at[k] <= now;
    return scans;
}

/* Every minute of the window, and what the stretches make of all of it. */
static void check_against_oracle(const struct fixture *fixture, const struct random_timeline *timeline, int j,
                                 const struct report_service *service, int64_t now)
{
    const struct report_window *window = fixture->window;
    int64_t observed = 0, scans = 0, end = window->from;
    char before = '\0';

    for (guint i = 0; i < service->stretches->len; i++) {
        const struct report_stretch *stretch = &g_array_index(service->stretches, struct report_stretch, i);
        char letter = letter_of(stretch->status);
        assert_true(stretch->from == end && stretch->from <= stretch->to && !same_letter(letter, before));
        if (stretch->from == stretch->to)
            check_sighting(timeline, j, stretch, window->from, now);
        for (int64_t at = stretch->from; at < stretch->to; at += MINUTE_S)
            assert_true(same_letter(oracle(timeline, j, at, now), letter));
        assert_int_equal(stretch->scans, scans_of(timeline, j, stretch, window->to, now));
        scans += stretch->scans;
        if (stretch->status != NULL) {
            bool earlier = same_letter(oracle(timeline, j, window->from - MINUTE_S, now), letter);
            bool later = same_letter(oracle(timeline, j, window->to, now), letter) ||
                         same_letter(seen_at(timeline, j, window->to), letter);

            observed += stretch->to - stretch->from;
            assert_int_equal(stretch->before, i == 0 && earlier);
            if (now > window->to)
                assert_int_equal(stretch->after, stretch->to == window->to && later);
        }
        before = letter;
        end = stretch->to;
    }
    assert_int_equal(end, window->to);
    assert_int_equal(service->observed_s, observed);
    assert_int_equal(scans, scans_of_window(timeline, j, window, now));
}

static void stretches_are_those_of_the_scans_whatever_came(void **state)
{
    const struct fixture *fixture = *state;
    GRand *dice = g_rand_new_with_seed(20261122);

    for (int round = 0; round < ROUNDS; round++) {
        static const char *const names[SERVICES + 1] = {"Exchange", "Intune", "Teams", NULL};
        struct random_timeline timeline;
        g_autoptr(Facts) facts = facts_new();
        int64_t now = fixture->from + g_rand_int_range(dice, 1, 240) * MINUTE_S;
        random_timeline_init(&timeline, dice, fixture->from, fixture->window->to);
        if (round % 4 == 0) /* just when a scan is done */
            now = MAX(now, timeline.at[g_rand_int_range(dice, 0, LETTERS)]);
        for (int i = 0; i < LETTERS; i++)
            if (timeline.at[i] <= now)
                facts_add_scan(facts, timeline.at[i], timeline.letters[0][i]);
        for (int j = 0; j < SERVICES; j++) {
            char letters[LETTERS + 1];
            memcpy(letters, timeline.letters[j], sizeof letters);
            for (int i = 0; i < LETTERS; i++) /* what is to come is not there yet */
                letters[i] = timeline.at[i] <= now ? letters[i] : '\0';
            facts_add_service(facts, names[j], NULL);
            facts_add_states(facts, names[j], letters, timeline.at, MAX_GAP_S);
        }
        facts_clip(facts, fixture->history->from, fixture->window->to);
        g_autoptr(ReportFigures) figures = report_figures_new(facts, "contoso", NULL, fixture->window, fixture->history,
                                                              names, fixture->map, MAX_GAP_S, now);
        for (guint i = 0; i < SERVICES; i++) {
            const struct report_service *service = g_ptr_array_index(figures->services, i);
            int j = service->id[0] == 'E' ? 0 : service->id[0] == 'I' ? 1 : 2;
            check_against_oracle(fixture, &timeline, j, service, now);
        }
    }
    g_rand_free(dice);
}

/* --- issues and announcements ------------------------------------------------------------------------------------- */

static int64_t fixture_time(const char *text)
{
    struct timestamp time;

    assert_true(timestamp_parse(text, strlen(text), &time));
    return time.seconds;
}

static void add_record(GPtrArray *records, const char *id, const char *raw)
{
    struct store_report_record *record = g_new0(struct store_report_record, 1);

    record->id = g_strdup(id);
    record->raw = g_strdup(raw);
    record->raw_length = strlen(raw);
    g_ptr_array_add(records, record);
}

static struct store_report *facts_with_services(void)
{
    struct store_report *facts = facts_new();

    facts_add_service(facts, "Exchange", "Exchange Online");
    facts_add_service(facts, "Intune", "Microsoft Intune");
    return facts;
}

static const struct report_service *service_of(const struct report_figures *figures, const char *id)
{
    for (guint i = 0; i < figures->services->len; i++) {
        const struct report_service *service = g_ptr_array_index(figures->services, i);
        if (strcmp(service->id, id) == 0)
            return service;
    }
    fail_msg("no service %s", id);
    return NULL;
}

static void an_issue_is_told_with_its_last_post(void **state)
{
    g_autoptr(Facts) facts = facts_with_services();

    add_record(facts->issues, "EX1",
               "{\"id\":\"EX1\",\"title\":\"Mail is late\",\"service\":\"EXCHANGE online\",\"classification\":"
               "\"Incident\",\"status\":\"restoringService\",\"isResolved\":false,\"impactDescription\":\"Some wait.\","
               "\"startDateTime\":\"2026-11-22T10:00:00.5Z\",\"endDateTime\":null,\"posts\":["
               "{\"createdDateTime\":\"2026-11-22T11:00:00Z\",\"description\":{\"contentType\":\"html\",\"content\":"
               "\"<p>second</p>\"}},"
               "{\"createdDateTime\":\"2026-11-22T12:30:00.97Z\",\"description\":{\"contentType\":\"Text\",\"content\":"
               "\"third & last\"}},"
               "{\"createdDateTime\":\"2026-11-22T13:00:00Z\",\"description\":{\"content\":\"\"}},"
               "{\"createdDateTime\":\"2026-11-22T10:00:00Z\",\"description\":{\"content\":\"first\"}}]}");
    g_autoptr(ReportFigures) figures = figures_of(*state, facts, NULL, OVER);
    const struct report_service *service = service_of(figures, "Exchange");
    assert_int_equal(service->issues->len, 1);
    const struct report_issue *issue = g_ptr_array_index(service->issues, 0);
    assert_string_equal(issue->id, "EX1");
    assert_string_equal(issue->title, "Mail is late");
    assert_string_equal(issue->service, "Exchange Online");
    assert_string_equal(issue->classification, "Incident");
    assert_string_equal(issue->status, "restoringService");
    assert_string_equal(issue->impact_description, "Some wait.");
    assert_int_equal(issue->start, fixture_time("2026-11-22T10:00:00Z"));
    assert_int_equal(issue->end, 0);
    assert_false(issue->resolved);
    assert_string_equal(issue->last_post.content, "third & last");
    assert_int_equal(issue->last_post.at, fixture_time("2026-11-22T12:30:00Z"));
    assert_false(issue->last_post.html);
}

static void records_that_say_little_are_told_with_little(void **state)
{
    static const char *const raws[] = {
        "{}",
        "{\"title\":\"\",\"service\":null,\"posts\":null,\"startDateTime\":\"0001-01-01T00:00:00Z\"}",
        "{\"title\":5,\"service\":[],\"posts\":{},\"startDateTime\":7,\"isResolved\":\"yes\",\"body\":\"x\"}",
        "{\"posts\":[],\"services\":[],\"body\":{}}",
        "{\"posts\":[5,{},{\"description\":null},{\"description\":{\"content\":null}}],\"services\":[5,null,\"\"]}",
        "[]",
        "no JSON",
        "",
    };

    for (size_t i = 0; i < G_N_ELEMENTS(raws); i++) {
        g_autoptr(Facts) facts = facts_with_services();
        add_record(facts->issues, "XX1", raws[i]);
        add_record(facts->messages, "MC1", raws[i]);
        g_autoptr(ReportFigures) figures = figures_of(*state, facts, NULL, OVER);
        assert_int_equal(figures->other_issues->len, 1);
        const struct report_issue *issue = g_ptr_array_index(figures->other_issues, 0);
        assert_string_equal(issue->title, "XX1");
        assert_true(issue->service == NULL && issue->last_post.content == NULL && issue->start == 0 &&
                    !issue->resolved);
        const struct report_announcement *announcement = g_ptr_array_index(figures->announcements, 0);
        assert_string_equal(announcement->title, "MC1");
        assert_true(announcement->services[0] == NULL && announcement->body == NULL && announcement->action_by == 0);
    }
}

/* The ids of a list, with blanks between. */
static char *ids_of(const GPtrArray *records, bool issues)
{
    GString *out = g_string_new(NULL);

    for (guint i = 0; i < records->len; i++)
        g_string_append_printf(out, "%s%s", i > 0 ? " " : "",
                               issues ? ((const struct report_issue *)records->pdata[i])->id
                                      : ((const struct report_announcement *)records->pdata[i])->id);
    return g_string_free(out, FALSE);
}

static void issues_go_to_their_service_in_the_order_they_came(void **state)
{
    static const char *const some[] = {"exchange online", "unheard of", NULL};
    g_autoptr(Facts) facts = facts_with_services();

    add_record(facts->issues, "EX2", "{\"service\":\"Exchange Online\",\"isResolved\":true}");
    add_record(facts->issues, "IT1", "{\"service\":\"Microsoft Intune\"}");
    add_record(facts->issues, "EX1", "{\"service\":\"exchange\"}");
    add_record(facts->issues, "XX1", "{\"service\":\"Microsoft Bookings\"}");
    add_record(facts->issues, "UN1", "{\"service\":\"Unheard Of\"}");
    g_autoptr(ReportFigures) all = figures_of(*state, facts, NULL, OVER);
    g_autoptr(ReportFigures) followed = figures_of(*state, facts, some, OVER);
    g_autofree char *exchange = ids_of(service_of(all, "Exchange")->issues, true);
    g_autofree char *intune = ids_of(service_of(all, "Intune")->issues, true);
    g_autofree char *other = ids_of(all->other_issues, true);
    g_autofree char *still = ids_of(service_of(followed, "Exchange")->issues, true);
    g_autofree char *unheard = ids_of(service_of(followed, "unheard of")->issues, true);
    assert_string_equal(exchange, "EX2 EX1");
    assert_string_equal(intune, "IT1");
    assert_string_equal(other, "XX1 UN1");
    assert_string_equal(still, "EX2 EX1");
    assert_string_equal(unheard, "UN1");
    assert_int_equal(followed->other_issues->len, 0);
    assert_true(((const struct report_issue *)g_ptr_array_index(service_of(all, "Exchange")->issues, 0))->resolved);
}

static void announcements_come_by_the_date_to_act_and_then_the_latest(void **state)
{
    static const char *const some[] = {"Exchange", NULL};
    g_autoptr(Facts) facts = facts_with_services();

    add_record(facts->messages, "MC1",
               "{\"lastModifiedDateTime\":\"2026-11-20T00:00:00Z\",\"services\":[\"Exchange Online\"]}");
    add_record(facts->messages, "MC2", "{\"lastModifiedDateTime\":\"2026-11-21T00:00:00Z\"}");
    add_record(facts->messages, "MC3",
               "{\"actionRequiredByDateTime\":\"2026-12-24T00:00:00Z\",\"services\":[\"microsoft INTUNE\"]}");
    add_record(
        facts->messages, "MC4",
        "{\"title\":\"Old apps end\",\"category\":\"planForChange\",\"severity\":\"high\",\"isMajorChange\":true,"
        "\"actionRequiredByDateTime\":\"2026-12-01T00:00:00Z\",\"lastModifiedDateTime\":\"2026-11-01T00:00:00Z\","
        "\"services\":[\"Microsoft Intune\",\"EXCHANGE\"],\"body\":{\"contentType\":\"Html\",\"content\":"
        "\"<b>Act</b>\"}}");
    add_record(
        facts->messages, "MC5",
        "{\"actionRequiredByDateTime\":\"2026-12-01T00:00:00Z\",\"lastModifiedDateTime\":\"2026-11-02T00:00:00Z\","
        "\"services\":[\"Microsoft Bookings\"],\"body\":{\"contentType\":\"text\",\"content\":\"Act\"}}");
    g_autoptr(ReportFigures) all = figures_of(*state, facts, NULL, OVER);
    g_autoptr(ReportFigures) followed = figures_of(*state, facts, some, OVER);
    g_autofree char *ids = ids_of(all->announcements, false), *fewer = ids_of(followed->announcements, false);
    assert_string_equal(ids, "MC5 MC4 MC3 MC2 MC1");
    assert_string_equal(fewer, "MC4 MC2 MC1"); /* MC2 names nobody, and is for all */
    const struct report_announcement *plain = g_ptr_array_index(all->announcements, 0);
    const struct report_announcement *major = g_ptr_array_index(all->announcements, 1);
    assert_string_equal(plain->body, "Act");
    assert_true(!plain->html && !plain->major && plain->category == NULL);
    assert_string_equal(major->title, "Old apps end");
    assert_string_equal(major->category, "planForChange");
    assert_string_equal(major->severity, "high");
    assert_string_equal(major->services[1], "EXCHANGE");
    assert_string_equal(major->body, "<b>Act</b>");
    assert_true(major->html && major->major);
    assert_int_equal(major->action_by, fixture_time("2026-12-01T00:00:00Z"));
    assert_int_equal(major->last_modified, fixture_time("2026-11-01T00:00:00Z"));
}

/* --- words -------------------------------------------------------------------------------------------------------- */

static void priorities_are_grouped_by_impact(void **state)
{
    static const enum report_impact impacts[] = {REPORT_INTERRUPTED, REPORT_INTERRUPTED, REPORT_INTERRUPTED,
                                                 REPORT_DEGRADED,    REPORT_DEGRADED,    REPORT_AFFECTED,
                                                 REPORT_AFFECTED,    REPORT_MINOR,       REPORT_MINOR,
                                                 REPORT_OPERATIONAL, REPORT_OPERATIONAL};

    (void)state;
    for (int priority = 0; priority < (int)G_N_ELEMENTS(impacts); priority++)
        assert_int_equal(report_impact_of(priority), impacts[priority]);
    assert_int_equal(report_impact_of(-1), REPORT_NO_DATA);
    for (enum report_impact impact = REPORT_NO_DATA; impact < REPORT_IMPACTS; impact++)
        assert_true(g_ascii_isupper(report_impact_name(impact)[0]));
    assert_string_equal(report_impact_name(REPORT_INTERRUPTED), "Interrupted");
}

static void statuses_are_written_for_people(void **state)
{
    static const char *const rows[][2] = {
        {"serviceDegradation", "Service degradation"},
        {"SERVICEDEGRADATION", "Service degradation"},
        {"ServiceOperational", "Service operational"},
        {"postIncidentReviewPublished", "Post-incident review published"},
        {"serviceOnFire", "serviceOnFire"},
        {"<b>", "<b>"},
        {"", ""},
        {NULL, "No data"},
    };
    const struct fixture *fixture = *state;

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *words = report_status_words(rows[i][0]);
        assert_string_equal(words, rows[i][1]);
    }
    for (const char *const *name = config_status_names(fixture->map); *name != NULL; name++) {
        g_autofree char *words = report_status_words(*name);
        assert_true(g_ascii_isupper(words[0]));
    }
}

static void availability_is_rounded_down(void **state)
{
    static const struct {
        int64_t operational, observed;
        int availability;
        const char *words;
    } rows[] = {{0, 0, -1, "no data"},
                {0, 86400, 0, "0 %"},
                {86400, 86400, 10000, "100 %"},
                {86399, 86400, 9999, "99.99 %"},
                {1, 86400, 0, "0 %"},
                {99310, 100000, 9931, "99.31 %"},
                {1, 2, 5000, "50.00 %"},
                {31622399, 31622400, 9999, "99.99 %"},
                {9, 100000, 0, "0 %"},
                {10, 100000, 1, "0.01 %"},
                {99500, 100000, 9950, "99.50 %"}};

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        int availability = report_availability(rows[i].operational, rows[i].observed);
        g_autofree char *words = report_availability_words(availability);
        assert_int_equal(availability, rows[i].availability);
        assert_string_equal(words, rows[i].words);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_status_holds_until_the_scan_that_saw_another),
        TEST(what_no_scan_saw_is_a_gap),
        TEST(what_one_scan_saw_is_told_though_none_followed_in_time),
        TEST(what_is_to_come_is_no_data),
        TEST(a_service_is_summed_up),
        TEST(statuses_are_judged_by_the_map_that_is_given),
        TEST(scans_of_the_window_are_counted_and_their_gaps_told),
        TEST(each_day_of_the_history_has_its_worst),
        TEST(a_day_has_even_what_was_seen_once),
        TEST(services_are_those_that_are_followed),
        TEST(an_id_counts_for_more_than_another_ones_name),
        TEST(the_worst_service_comes_first),
        TEST(of_equally_bad_services_the_longest_trouble_comes_first),
        TEST(a_customer_that_the_store_does_not_know_has_no_data),
        TEST(clocks_that_were_wrong_make_no_overlap),
        TEST(a_day_that_never_was_has_no_stretches),
        TEST(stretches_are_those_of_the_scans_whatever_came),
        TEST(an_issue_is_told_with_its_last_post),
        TEST(records_that_say_little_are_told_with_little),
        TEST(issues_go_to_their_service_in_the_order_they_came),
        TEST(announcements_come_by_the_date_to_act_and_then_the_latest),
        TEST(priorities_are_grouped_by_impact),
        TEST(statuses_are_written_for_people),
        TEST(availability_is_rounded_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
