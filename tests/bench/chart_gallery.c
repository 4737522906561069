/* bench_charts FOLDER: a gallery of charts, to be looked at. bench_charts --time N: how long N rounds of it take. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "../unit/report/chart_fixture.h"

enum { DAY = 1440 };

static const char *const names[] = {
    "Exchange Online",
    "Microsoft Teams",
    "SharePoint Online",
    "Microsoft Entra",
    "Microsoft Intune",
    "Microsoft Defender XDR",
    "OneDrive for Business",
    "Microsoft 365 apps",
    "Microsoft 365 for the web",
    "Dynamics 365 Apps",
    "Power BI",
    "Power Apps in Microsoft 365",
    "Microsoft Purview Information Protection and Governance",
    "Viva Engage",
    "Planner",
    "Microsoft Bookings",
};

/* --- cases -------------------------------------------------------------------------------------------------------- */

static struct fixture *one_day(void)
{
    return fixture_new("Europe/Warsaw", "2026-11-22", NULL, 90);
}

static struct fixture *healthy(void)
{
    struct fixture *fixture = one_day();

    fixture_service(fixture, "Exchange", names[0]);
    return fixture;
}

static struct fixture *incident(void)
{
    struct fixture *fixture = one_day();
    struct report_service *service = fixture_service(fixture, "Exchange", names[0]);

    fixture_paint_minutes(fixture, service, 525, 555, "investigating", 5);
    fixture_paint_minutes(fixture, service, 555, 610, "serviceDegradation", 3);
    fixture_paint_minutes(fixture, service, 610, 705, "serviceInterruption", 1);
    fixture_paint_minutes(fixture, service, 705, 790, "serviceDegradation", 3);
    fixture_paint_minutes(fixture, service, 790, 900, "restoringService", 5);
    fixture_paint_minutes(fixture, service, 900, 985, "verifyingService", 7);
    fixture_paint_minutes(fixture, service, 985, 1100, "serviceRestored", 9);
    fixture_paint_minutes(fixture, service, 1260, 1295, NULL, 0);
    return fixture;
}

static struct fixture *flapping(void)
{
    struct fixture *fixture = one_day();
    struct report_service *service = fixture_service(fixture, "microsoftteams", names[1]);

    for (int minute = 480; minute < 900; minute += 10)
        fixture_paint_minutes(fixture, service, minute, minute + 5, "serviceDegradation", 3);
    return fixture;
}

static struct fixture *gaps(void)
{
    struct fixture *fixture = one_day();
    struct report_service *service = fixture_service(fixture, "SharePoint", names[2]);

    fixture_paint_minutes(fixture, service, 0, 95, NULL, 0);
    fixture_paint_minutes(fixture, service, 400, 405, NULL, 0);
    fixture_paint_minutes(fixture, service, 555, 640, "serviceDegradation", 3);
    fixture_paint_minutes(fixture, service, 640, 720, NULL, 0);
    fixture_paint_minutes(fixture, service, 900, 902, "serviceInterruption", 1);
    fixture_paint_minutes(fixture, service, 1200, 1440, NULL, 0);
    return fixture;
}

static struct fixture *all_no_data(void)
{
    struct fixture *fixture = one_day();

    fixture_paint_minutes(fixture, fixture_service(fixture, "Intune", names[4]), 0, DAY, NULL, 0);
    return fixture;
}

static struct fixture *interrupted_all_day(void)
{
    struct fixture *fixture = one_day();

    fixture_paint_minutes(fixture, fixture_service(fixture, "Intune", names[4]), 0, DAY, "serviceInterruption", 1);
    return fixture;
}

/* What happens to a service in `days` days, always the same. */
static void live(struct fixture *fixture, struct report_service *service, int days, GRand *fate)
{
    static const struct {
        const char *status;
        int priority;
    } bad[] = {{"serviceDegradation", 3}, {"serviceInterruption", 1}, {"investigating", 5},
               {"verifyingService", 7},   {"restoringService", 5},    {NULL, 0}};

    for (guint i = 0; i < service->days->len; i++)
        if (g_rand_int_range(fate, 0, 12) == 0)
            fixture_day(service, i, (enum report_impact)g_rand_int_range(fate, 0, REPORT_IMPACTS),
                        g_rand_int_range(fate, 0, 3) == 0 ? 0.6 : 1);
    if (g_rand_int_range(fate, 0, 3) > 0)
        return;
    for (int n = g_rand_int_range(fate, 1, 3 + days); n > 0; n--) {
        int from = g_rand_int_range(fate, 0, days * DAY - 200), kind = g_rand_int_range(fate, 0, G_N_ELEMENTS(bad));
        fixture_paint_minutes(fixture, service, from, from + g_rand_int_range(fate, 5, 200), bad[kind].status,
                              bad[kind].priority);
    }
}

static struct fixture *many(const char *zone, const char *first, const char *last, int days, guint services)
{
    struct fixture *fixture = fixture_new(zone, first, last, 90);
    GRand *fate = g_rand_new_with_seed(22);

    for (guint i = 0; i < services; i++) {
        g_autofree char *id = g_strdup_printf("service-%u", i);
        g_autofree char *name = i < G_N_ELEMENTS(names) ? g_strdup(names[i]) : g_strdup_printf("Service number %u", i);
        struct report_service *service = fixture_service(fixture, id, name);
        for (guint day = 0; day < 6; day++)
            fixture_day(service, day, REPORT_NO_DATA, 0);
        fixture_day(service, 6, REPORT_OPERATIONAL, 0.4);
        live(fixture, service, days, fate);
        if (i % 9 == 0)
            fixture_day(service, 60, REPORT_INTERRUPTED, 0.5);
        fixture_paint_minutes(fixture, service, 300, 300 + 40 * days, NULL, 0);
    }
    g_rand_free(fate);
    return fixture;
}

static struct fixture *eight(void)
{
    return many("Europe/Warsaw", "2026-11-22", NULL, 1, 8);
}

static struct fixture *two_days(void)
{
    return many("Europe/Warsaw", "2026-11-21", "2026-11-22", 2, 8);
}

static struct fixture *week(void)
{
    return many("America/New_York", "2026-11-16", "2026-11-22", 7, 8);
}

static struct fixture *month(void)
{
    return many("Asia/Kolkata", "2026-10-24", "2026-11-22", 30, 8);
}

static struct fixture *quarter(void)
{
    return many("Australia/Lord_Howe", "2026-08-25", "2026-11-22", 90, 8);
}

static struct fixture *year(void)
{
    return many("America/Argentina/ComodRivadavia", "2025-11-23", "2026-11-22", 365, 3);
}

static struct fixture *forty(void)
{
    return many("UTC", "2026-11-22", NULL, 1, 40);
}

static struct fixture *nothing(void)
{
    return one_day();
}

static struct fixture *foreign(void)
{
    static const char *const foreign_names[] = {
        "خدمة البريد الإلكتروني",
        "שירות הדואר האלקטרוני",
        "ईमेल सेवा और कैलेंडर",
        "电子邮件服务与日历",
        "電子メールとカレンダー",
        "이메일 서비스",
        "Ηλεκτρονικό ταχυδρομείο",
        "Служба электронной почты",
        "บริการอีเมล",
        "Żółć ďáblova, Ångström & <b>Söhne</b>",
        "Evil \u202ename\x1b[31m\nwith \x01 controls",
        "Broken \xff\xfe UTF-8",
        "Box \U0010fffd of nothing",
        "سرویس\u200cهای رایانامه",
        "क्\u200dष और क्\u200cष",
    };
    struct fixture *fixture = one_day();
    g_autofree char *long_name = g_strnfill(300, 'W');

    for (guint i = 0; i < G_N_ELEMENTS(foreign_names); i++) {
        struct report_service *service = fixture_service(fixture, foreign_names[i], foreign_names[i]);
        fixture_paint_minutes(fixture, service, 60 * (int)i, 60 * (int)i + 90, "serviceDegradation", 3);
    }
    fixture_paint_minutes(fixture, fixture_service(fixture, "long", long_name), 600, 700,
                          "someStatusThatMicrosoftInventedYesterdayAndThatIsVeryLong", 6);
    return fixture;
}

static struct fixture *spring(void)
{
    struct fixture *fixture = fixture_new("Europe/Warsaw", "2026-03-29", NULL, 30);

    fixture_paint_minutes(fixture, fixture_service(fixture, "Exchange", names[0]), 90, 150, "serviceDegradation", 3);
    return fixture;
}

static struct fixture *autumn(void)
{
    struct fixture *fixture = fixture_new("Europe/Warsaw", "2026-10-25", NULL, 30);

    fixture_paint_minutes(fixture, fixture_service(fixture, "Exchange", names[0]), 90, 210, "investigating", 5);
    return fixture;
}

/* Names that begin, or end, alike. */
static struct fixture *alike(void)
{
    static const char *const alike_names[] = {
        "Microsoft Defender for Endpoint",
        "Microsoft Defender for Office 365",
        "Microsoft Defender for Cloud Apps",
        "Microsoft Defender for Identity and whatever comes after it (EU)",
        "Microsoft Defender for Identity and whatever comes after it (US)",
        "Microsoft 365 apps",
    };
    struct fixture *fixture = one_day();

    for (guint i = 0; i < G_N_ELEMENTS(alike_names); i++)
        fixture_paint_minutes(fixture, fixture_service(fixture, alike_names[i], alike_names[i]), 100 + 60 * (int)i,
                              190 + 60 * (int)i, "serviceDegradation", 3);
    return fixture;
}

/* A week in the middle of its sixth day, with what just one scan saw. */
static struct fixture *not_over(void)
{
    struct fixture *fixture = many("Europe/Warsaw", "2026-11-16", "2026-11-22", 7, 3);
    struct report_service *service = fixture_service(fixture, "Lone", "Seen just once");

    fixture_paint_minutes(fixture, service, 2 * DAY, 4 * DAY, NULL, 0);
    fixture_now(fixture, fixture->window->from + 5 * 86400 + 50000);
    fixture_sighting(service, fixture->window->from + 3 * 86400, "serviceInterruption", 1);
    return fixture;
}

static struct fixture *today(void)
{
    struct fixture *fixture = one_day();
    struct report_service *service = fixture_service(fixture, "Exchange", names[0]);

    fixture_paint_minutes(fixture, service, 555, 640, "serviceDegradation", 3);
    fixture_paint_minutes(fixture, service, 700, 780, NULL, 0);
    fixture_now(fixture, fixture->window->from + (int64_t)845 * 60);
    fixture_sighting(service, fixture->window->from + (int64_t)740 * 60, "serviceInterruption", 1);
    return fixture;
}

static const struct {
    const char *name;
    struct fixture *(*make)(void);
} cases[] = {
    {"healthy", healthy},   {"incident", incident},   {"flapping", flapping},
    {"gaps", gaps},         {"no-data", all_no_data}, {"all-day", interrupted_all_day},
    {"eight", eight},       {"two-days", two_days},   {"week", week},
    {"month", month},       {"quarter", quarter},     {"year", year},
    {"forty", forty},       {"nothing", nothing},     {"foreign", foreign},
    {"spring", spring},     {"autumn", autumn},       {"alike", alike},
    {"not-over", not_over}, {"today", today},
};

/* --- pictures ----------------------------------------------------------------------------------------------------- */

static struct report_chart *draw(const struct report_figures *figures, guint which)
{
    GError *error = NULL;
    struct report_chart *chart =
        which == 0   ? report_chart_overview(figures, &error)
        : which == 1 ? report_chart_history(figures, &error)
                     : report_chart_service(figures, g_ptr_array_index(figures->services, which - 2), &error);

    if (chart == NULL)
        g_error("%s", error->message);
    return chart;
}

static void write_case(const char *folder, const char *name, const struct report_figures *figures)
{
    for (guint i = 0; i < 2 + MIN(figures->services->len, 16); i++) {
        g_autoptr(ReportChart) chart = draw(figures, i);
        g_autofree char *path = g_strdup_printf("%s/%s-%s", folder, name, chart->name);
        GError *error = NULL;
        if (!g_file_set_contents(path, g_bytes_get_data(chart->png, NULL), (gssize)g_bytes_get_size(chart->png),
                                 &error))
            g_error("%s", error->message);
        printf("%-44s %4d x %-4d %6zu bytes  %s%s%s\n", path + strlen(folder) + 1, chart->width, chart->height,
               g_bytes_get_size(chart->png), chart->alt, chart->warning != NULL ? "  !! " : "",
               chart->warning != NULL ? chart->warning : "");
    }
}

/* Of the processor, so that a busy machine does not count. */
static double cpu_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1000 + (double)now.tv_nsec / 1e6;
}

static long peak_rss_kib(void)
{
    struct rusage usage;

    return getrusage(RUSAGE_SELF, &usage) == 0 ? usage.ru_maxrss : -1;
}

/* Draws one chart of a case `rounds` times. */
static void time_chart(const char *name, const struct report_figures *figures, guint which, int rounds)
{
    size_t bytes = 0;
    double begin = cpu_ms();

    for (int i = 0; i < rounds; i++) {
        g_autoptr(ReportChart) chart = draw(figures, which);
        bytes = g_bytes_get_size(chart->png);
    }
    printf("%-10s %-9s %7.3f ms %7zu bytes, peak RSS %ld KiB\n", name,
           which == 0   ? "overview"
           : which == 1 ? "history"
                        : "service",
           (cpu_ms() - begin) / rounds, bytes, peak_rss_kib());
}

int main(int argc, char **argv)
{
    bool timed = argc == 3 && strcmp(argv[1], "--time") == 0;
    int rounds = timed ? (int)g_ascii_strtoll(argv[2], NULL, 10) : 0;

    if (argc != 2 && (!timed || rounds < 1)) {
        fprintf(stderr, "Usage: %s FOLDER | --time ROUNDS\n", argv[0]);
        return EXIT_FAILURE;
    }
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct fixture *fixture = cases[i].make();
        const struct report_figures *figures = fixture_figures(fixture);
        if (!timed)
            write_case(argv[1], cases[i].name, figures);
        for (guint which = 0; timed && which < 2 + MIN(figures->services->len, 1); which++)
            time_chart(cases[i].name, figures, which, rounds);
        fixture_free(fixture);
    }
    report_chart_end();
    return EXIT_SUCCESS;
}
