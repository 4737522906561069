/* What a mail says: verdicts, tables, issues, limits, subjects, templates of the user. With M365KEEP_GALLERY=FOLDER in
 * the environment the mails are written there as pages and texts, to be looked at. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <glib/gstdio.h>
#include <libxml/HTMLparser.h>

#include "base/base.h"
#include "report/message.h"
#include "report/report.h"
#include "safe_html.h"
#include "view_fixture.h"

static const struct report_look plain_look = {.subject = "Service health of {customer}, {from} to {to}"};

/* --- what every mail is held to --------------------------------------------------------------------------------------
 */

static void check_lines(const char *text)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    safe_html_check_text(text);
    for (char **line = lines; *line; line++)
        if (text_width(*line) > 72 && strchr(*line + strspn(*line, " "), ' '))
            fail_msg("A line is too long: \"%s\"", *line);
    assert_null(strstr(text, "\n\n\n"));
    assert_null(strstr(text, " \n"));
}

static bool is_allowed_element(const char *name)
{
    static const char *const names[] = {"html", "head", "meta", "title", "style", "body", "div", "table", "tr",
                                        "td",   "th",   "p",    "h1",    "h2",    "h3",   "br",  "img",   "a",
                                        "b",    "i",    "ul",   "ol",    "li",    "span", NULL};

    return g_strv_contains(names, name);
}

/* Outsiders' texts can begin no element, and no attribute is theirs. */
static void check_tree(const xmlNode *node)
{
    for (; node; node = node->next) {
        if (node->type != XML_ELEMENT_NODE)
            continue;
        if (!is_allowed_element((const char *)node->name))
            fail_msg("<%s> has come through.", (const char *)node->name);
        for (const xmlAttr *attribute = node->properties; attribute; attribute = attribute->next)
            assert_false(g_str_has_prefix((const char *)attribute->name, "on"));
        check_tree(node->children);
    }
}

static void check_html(const char *html, const GPtrArray *charts)
{
    htmlDocPtr document = htmlReadMemory(html, (int)strlen(html), NULL, "UTF-8",
                                         HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING | HTML_PARSE_NONET);

    safe_html_check_text(html);
    assert_true(strlen(html) <= 92000);
    check_tree(document->children);
    xmlFreeDoc(document);
    for (guint i = 0; i < charts->len; i++) {
        const struct report_chart *chart = g_ptr_array_index(charts, i);
        g_autofree char *reference = g_strdup_printf("src=\"cid:%s\"", chart->name);
        assert_non_null(strstr(html, reference));
    }
}

static void keep(const struct report_words *words, const GPtrArray *charts, const char *name)
{
    const char *folder = g_getenv("M365KEEP_GALLERY");
    g_autofree char *page = NULL, *html_path = NULL, *text_path = NULL;

    if (!folder)
        return;
    page = message_page(words, charts);
    html_path = g_strdup_printf("%s/%s.html", folder, name);
    text_path = g_strdup_printf("%s/%s.txt", folder, name);
    assert_true(g_file_set_contents(html_path, page, -1, NULL));
    assert_true(g_file_set_contents(text_path, words->text, -1, NULL));
}

/* Takes the scene. Its charts are drawn where that takes no long time. Returned: report_words_free. */
static struct report_words *told(struct scene *scene, const char *name)
{
    g_autoptr(GError) error = NULL;
    const struct report_figures *figures = scene_figures(scene);
    struct report_words *words;

    if (g_getenv("M365KEEP_GALLERY") || (figures->services->len <= 10 && !g_getenv("M365KEEP_SHORT")))
        scene_draw(scene);
    else
        scene_hang(scene);
    words = report_words_new(figures, scene->charts, &plain_look, &error);
    if (!words)
        g_error("%s: %s", name, error->message);
    check_html(words->html, scene->charts);
    check_lines(words->text);
    keep(words, scene->charts, name);
    scene_free(scene);
    return words;
}

/* The words without regard to line ends, so that what is looked for may be broken. */
static char *unbroken(const char *text)
{
    g_autoptr(GRegex) blanks = g_regex_new("\\s+", 0, 0, NULL);

    return g_regex_replace_literal(blanks, text, -1, 0, " ", 0, NULL);
}

static void check_says(const struct report_words *words, const char *sentence)
{
    g_autofree char *text = unbroken(words->text), *html = unbroken(words->html);
    g_autofree char *escaped = g_markup_escape_text(sentence, -1);

    if (!strstr(text, sentence))
        fail_msg("The text does not say \"%s\": %s", sentence, words->text);
    if (!strstr(html, escaped))
        fail_msg("The HTML does not say \"%s\": %s", escaped, words->html);
}

static struct scene *sunday(guint services)
{
    struct scene *scene = scene_new("Europe/Warsaw", "2026-11-22", "2026-11-22");

    scene_services(scene, services);
    return scene;
}

/* --- verdicts --------------------------------------------------------------------------------------------------------
 */

static void a_healthy_day_is_one_sentence_and_a_table(void **state)
{
    g_autoptr(ReportWords) words = told(sunday(10), "healthy");

    (void)state;
    assert_string_equal(words->subject, "Service health of Contoso, 2026-11-22");
    check_says(words, "All 10 services were operational.");
    assert_non_null(strstr(words->text, "Sunday 22 November 2026, Europe/Warsaw (UTC+1)"));
    assert_non_null(strstr(words->text, "Exchange Online         Operational  100 %      -        0\n"));
    assert_non_null(strstr(words->text, "96 scans succeeded in this window."));
    assert_null(strstr(words->html, "<h2"));
}

static void trouble_is_told_with_what_when_and_how_long(void **state)
{
    struct scene *scene = sunday(10);
    struct report_issue *issue;

    (void)state;
    scene_paint(scene, 0, 555, 640, "serviceDegradation", 3);
    scene_paint(scene, 0, 640, 700, "restoringService", 5);
    scene_paint(scene, 1, 0, 130, "investigating", 5);
    g_array_index(scene_at(scene, 1)->stretches, struct report_stretch, 0).before = true;
    g_array_index(scene_at(scene, 1)->stretches, struct report_stretch, 0).began_at =
        scene->fixture->window->from - 7200;
    scene_issue(scene, 0, "EX900001", "Mail to other organisations is late", SCENE_POST);
    scene_issue(scene, 1, "TM900004", "Presence is missing in chats",
                "Title: Presence is missing in chats\n\nUser impact: Nobody is seen.\nIt comes back.");
    issue = scene_issue(scene, 3, "MO900009", "Reports about sign-ins are late", SCENE_POST);
    issue->resolved = true;
    issue->end = issue->start + 7200;
    scene_issue(scene, -1, "YA900001", "Pictures in Yammer load slowly", SCENE_POST);
    scene_announcement(scene, "MC900001", "Basic sign-in for mail by old protocols is switched off", -3);
    scene_announcement(scene, "MC900002", "The admin centre moves to another address", 8);
    scene_announcement(scene, "MC900003", "New names for three licences", 60);
    scene_announcement(scene, "MC900004", "Captions in more languages", 1000);
    g_autoptr(ReportWords) words = told(scene, "incident");

    check_says(words, "2 of 10 services had trouble; Exchange Online was degraded for 1 h 25 min, Microsoft Teams was "
                      "affected for 2 h 10 min. All were operational again at the end. 3 issues were active.");
    check_says(words, "Operational 89.93 % of the time that was observed (1 d).");
    assert_non_null(strstr(words->text, "STATUS               FROM   TO     DURATION    SCANS\n"
                                        "Service degradation  09:15  10:40  1 h 25 min  4\n"
                                        "Restoring service    10:40  11:40  1 h         5\n"));
    assert_non_null(strstr(words->text, "Investigating (since 21 Nov 22:00)  00:00  02:10  2 h 10 min  3\n"));
    check_says(words, "EX900001 · Incident, open · Service degradation · since 22 Nov 2026, 09:00");
    check_says(words, "MO900009 · Incident, resolved · Service degradation · 22 Nov 2026, 09:00 to 22 Nov 2026, "
                      "11:00");
    check_says(words, "YA900001 · Yammer · Incident, open");
    check_says(words, "Last post, 22 Nov 2026, 14:20");
    check_says(words, "Act by Fri 20 Nov 2026, overdue for 3 days");
    check_says(words, "Act by Tue 1 Dec 2026, in 8 days");
    check_says(words, "Act by Fri 22 Jan 2027, in 60 days");
    check_says(words, "MC900004 · Exchange Online, Microsoft Teams · Plan for change · High severity · changed Sun 22 "
                      "Nov 2026");
    /* A post does not say its issue's title again; another title stays. */
    assert_non_null(strstr(words->text, "14:20:\n\nUser impact: Nobody is seen.\nIt comes back.\n"));
    assert_non_null(strstr(words->text, "14:20:\n\nTitle: Mail to other organisations is late\n"));
    assert_non_null(strstr(words->html, "<a href=\"https://status.example.org/EX900001?x=1&amp;y=2\""));
}

static void trouble_that_is_not_over_is_told_so(void **state)
{
    struct scene *over = sunday(10), *going_on = sunday(1), *many = sunday(4);
    struct report_stretch *last;

    (void)state;
    scene_paint(over, 2, 1380, 1440, "serviceInterruption", 1);
    last = &g_array_index(scene_at(over, 2)->stretches, struct report_stretch, 1);
    last->after = true;
    scene_paint(going_on, 0, 600, 720, "extendedRecovery", 4);
    scene_paint(going_on, 0, 720, 1440, NULL, -1);
    going_on->fixture->figures.now = going_on->fixture->window->from + 720 * 60;
    going_on->fixture->figures.window_s = going_on->fixture->figures.observed_s = 720 * 60;
    g_array_index(scene_at(going_on, 0)->stretches, struct report_stretch, 1).after = true;
    for (guint i = 0; i < 4; i++)
        scene_paint(many, i, 1000, 1440, "serviceDegradation", 3);
    g_autoptr(ReportWords) one = told(over, "not-over"), now = told(going_on, "still"), all = told(many, "all");

    check_says(one, "1 of 10 services had trouble; SharePoint Online was interrupted for 1 h. At the end, SharePoint "
                    "Online was still interrupted.");
    assert_non_null(strstr(one->text, "Service interruption (goes on)  23:00  24:00  1 h       4\n"));
    check_says(now, "Exchange Online was degraded for 2 h. It is still degraded.");
    check_says(now, "The window is not over: this is what was known on 22 Nov 2026, 12:00.");
    assert_non_null(strstr(now->text, "Extended recovery (still so)  10:00  12:00  2 h       4\n"));
    check_says(all,
               "All 4 services had trouble; the worst, Exchange Online, was degraded for 7 h 20 min. At the end, 4 "
               "services still had trouble.");
}

static void flapping_is_told_by_its_worst_and_longest(void **state)
{
    struct scene *scene = sunday(10);

    (void)state;
    for (int i = 0; i < 40; i++)
        scene_paint(scene, 2, 30 * i + 7 * (i % 3), 30 * i + 20, i % 4 ? "serviceDegradation" : "serviceInterruption",
                    i % 4 ? 3 : 1);
    scene_paint(scene, 4, 600, 700, "somethingNew", 6);
    g_array_index(scene_at(scene, 4)->stretches, struct report_stretch, 1).known = false;
    g_autoptr(ReportWords) words = told(scene, "flapping");

    check_says(words, "And 28 more, the last until 19:50, 5 h 50 min in all.");
    check_says(words, "somethingNew (not in the status map)");
    assert_non_null(strstr(words->text, "00:00  00:20  20 min    3\n"));
}

static void gaps_are_told_and_never_taken_for_health(void **state)
{
    struct scene *scene = sunday(10);

    (void)state;
    scene_gap(scene, 130, 320);
    scene_gap(scene, 900, 910);
    scene_paint(scene, 3, 600, 720, NULL, -1);
    scene_paint(scene, 5, 0, 1440, NULL, -1);
    g_autoptr(ReportWords) words = told(scene, "gaps");

    check_says(words, "9 of 10 services were operational in the time that was observed; about the others there is no "
                      "data.");
    check_says(words, "No scan succeeded for 3 h 20 min (02:10 to 05:20, 15:00 to 15:10): about that time nothing is "
                      "known.");
    check_says(words, "Not all scans listed Microsoft Entra.");
    assert_non_null(strstr(words->html, "seen for 18 h 40 min of 24 h"));
    check_says(words, "No scan listed OneDrive for Business.");
    assert_non_null(strstr(words->text, "Microsoft Entra: Operational\n"));
    assert_non_null(strstr(words->text, "No data  10:00  12:00  2 h         -\n"));
    /* A gap that all have is no block of each. */
    assert_null(strstr(words->text, "Planner: Operational\n"));
}

static void no_data_is_told_with_the_last_error(void **state)
{
    struct scene *failed = sunday(10), *none = sunday(0);

    (void)state;
    scene_gap(failed, 0, 1440);
    failed->fixture->figures.scans_good = 0;
    failed->fixture->figures.scans_failed = 96;
    failed->fixture->figures.last_scan_error = g_strdup("the service answered 403 (Forbidden).");
    scene_gap(none, 0, 1440);
    none->fixture->figures.scans_good = 0;
    g_autoptr(ReportWords) words = told(failed, "no-data"), nothing = told(none, "nothing");

    check_says(words, "There is no data for this window: no scan succeeded between 22 Nov 2026, 00:00 and 23 Nov 2026, "
                      "00:00.");
    check_says(words, "The last error was: the service answered 403 (Forbidden).");
    check_says(words, "No scans succeeded, 96 failed in this window.");
    assert_non_null(strstr(words->text, "Planner                 No data  no data"));
    check_says(nothing, "There is no data for this window: no scan was made between");
}

static void many_days_are_told_with_their_dates_and_zone_q43(void **state)
{
    struct scene *month = scene_new("America/New_York", "2026-10-24", "2026-11-22");
    struct scene *year = scene_new("Asia/Kolkata", "2026-12-30", "2027-01-02");
    struct scene *autumn = scene_new("Europe/Warsaw", "2026-10-25", "2026-10-25");
    struct scene *spring = scene_new("Europe/Warsaw", "2026-03-29", "2026-03-29");
    struct scene *utc = scene_new("UTC", "2026-11-16", "2026-11-22");

    (void)state;
    scene_services(month, 10);
    scene_paint(month, 0, 3000, 4000, "serviceInterruption", 1);
    scene_paint(month, 6, 20000, 23000, "extendedRecovery", 4);
    scene_paint(month, 7, 11000, 12000, "verifyingService", 7);
    scene_gap(month, 30000, 31000);
    scene_issue(month, 0, "EX900001", "Mail to other organisations is late", SCENE_POST);
    scene_services(autumn, 3);
    scene_paint(autumn, 1, 100, 200, "serviceDegradation", 3);
    g_autoptr(ReportWords) thirty = told(month, "thirty-days"), turn = told(year, "year-end");
    g_autoptr(ReportWords) long_day = told(autumn, "long-day"), short_day = told(spring, "short-day");
    g_autoptr(ReportWords) week = told(utc, "utc");

    check_says(thirty, "3 of 10 services had trouble; the worst, Exchange Online, was interrupted for 16 h 40 min.");
    check_says(thirty, "Saturday 24 October to Sunday 22 November 2026");
    check_says(thirty, "America/New_York (first UTC-4, then UTC-5)");
    assert_non_null(strstr(thirty->text, "Service interruption  26 Oct 02:00  26 Oct 18:40  16 h 40 min  4\n"));
    check_says(turn, "Wednesday 30 December 2026 to Saturday 2 January 2027");
    check_says(turn, "Asia/Kolkata (UTC+5:30)");
    check_says(long_day, "The clocks were changed on this day: it has 25 hours.");
    check_says(long_day, "Europe/Warsaw (first UTC+2, then UTC+1)");
    assert_non_null(strstr(long_day->text, "25 Oct 01:40 CEST  25 Oct 02:20 CET"));
    check_says(short_day, "The clocks were changed on this day: it has 23 hours.");
    check_says(week, "Monday 16 to Sunday 22 November 2026");
    assert_non_null(strstr(week->text, "2026, UTC\n"));
}

/* The scene's figures in a mail must say each of the sentences. */
static void check_tells(struct scene *scene, const char *name, const char *const *sentences)
{
    g_autoptr(ReportWords) words = told(scene, name);

    for (; *sentences; sentences++)
        check_says(words, *sentences);
}

static void each_impact_has_its_own_verb(void **state)
{
    static const struct {
        const char *status;
        int priority;
        const char *during, *after;
    } cases[] = {
        {"investigating", 5, "Exchange Online was affected for 1 h.", "it was still affected."},
        {"reported", 6, "Exchange Online was affected for 1 h.", "it was still affected."},
        {"investigationSuspended", 8, "Exchange Online had a minor status for 1 h.", "it still had a minor status."},
        {"verifyingService", 7, "Exchange Online had a minor status for 1 h.", "it still had a minor status."},
        {"serviceDegradation", 3, "Exchange Online was degraded for 1 h.", "it was still degraded."},
        {"serviceInterruption", 1, "Exchange Online was interrupted for 1 h.", "it was still interrupted."},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct scene *past = sunday(1), *going_on = sunday(1);
        scene_paint(past, 0, 60, 120, cases[i].status, cases[i].priority);
        scene_paint(going_on, 0, 1380, 1440, cases[i].status, cases[i].priority);
        check_tells(past, "verb", (const char *[]){cases[i].during, "It was operational again at the end.", NULL});
        check_tells(going_on, "verb-still", (const char *[]){cases[i].during, cases[i].after, NULL});
    }
}

static void a_service_that_was_hardly_seen_is_not_told_as_healthy(void **state)
{
    struct scene *calm = sunday(2), *lost = sunday(3), *unseen = sunday(2);

    (void)state;
    scene_paint(calm, 1, 0, 360, NULL, -1);
    scene_paint(calm, 1, 720, 1440, NULL, -1);
    scene_paint(lost, 1, 600, 720, "serviceDegradation", 3);
    scene_paint(lost, 1, 720, 1440, NULL, -1);
    scene_paint(unseen, 0, 0, 1440, NULL, -1);
    scene_paint(unseen, 1, 0, 1440, NULL, -1);
    check_tells(
        calm, "hardly-seen",
        (const char *[]){"Both services were operational in the time that was observed. How Microsoft Teams was "
                         "at the end is not known.",
                         "Not all scans listed Microsoft Teams.", NULL});
    check_tells(lost, "lost",
                (const char *[]){"1 of 3 services had trouble; Microsoft Teams was degraded for 2 h. How Microsoft "
                                 "Teams was at the end is not known.",
                                 "When it was last seen, at 12:00, Microsoft Teams was still degraded.", NULL});
    check_tells(unseen, "unlisted",
                (const char *[]){"There is no data for this window: no scan listed a service of this report between 22 "
                                 "Nov 2026, 00:00 and 23 Nov 2026, 00:00.",
                                 NULL});
}

static void no_colour_calls_healthy_what_was_hardly_seen(void **state)
{
    static const struct {
        int unseen_min;
        const char *impact;
    } cases[] = {{0, "Operational"}, {700, "Operational"}, {730, "No data"}, {1430, "No data"}};

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct scene *scene = sunday(2);
        g_autoptr(JsonTree) tree = json_tree_new();
        if (cases[i].unseen_min > 0)
            scene_paint(scene, 1, 0, cases[i].unseen_min, NULL, -1);
        g_autofree char *json = report_view(scene_figures(scene), scene->charts, &plain_look, NULL);
        const struct json_node *view = json_tree_parse(tree, json, strlen(json), NULL);
        assert_string_equal(json_get_string(json_get(view, "verdict"), "impact"), cases[i].impact);
        scene_free(scene);
    }
}

static void the_longest_gaps_are_named_and_an_end_in_one(void **state)
{
    struct scene *scene = sunday(2);

    (void)state;
    for (int i = 0; i < 6; i++)
        scene_gap(scene, 60 * i, 60 * i + 10 + i);
    scene_gap(scene, 1195, 1440);
    check_tells(scene, "gaps-many",
                (const char *[]){"Both services were operational in the time that was observed. How they were at the "
                                 "end is not known.",
                                 "No scan succeeded for 5 h 20 min (02:00 to 02:12, 03:00 to 03:13, 04:00 to 04:14, "
                                 "05:00 to 05:15, 19:55 to 24:00 and 2 more times, not longer): about that time "
                                 "nothing is known.",
                                 NULL});
}

static void scans_that_are_too_seldom_are_told_so(void **state)
{
    struct scene *scene = sunday(1);

    (void)state;
    scene_gap(scene, 0, 1440);
    scene->fixture->figures.scans_good = 24;
    scene->fixture->figures.max_gap_s = 1800;
    for (int i = 0; i < 24; i++)
        scene_paint(scene, 0, 60 * i, 60 * i + 1, "serviceOperational", 10);
    check_tells(scene, "sparse",
                (const char *[]){"Exchange Online was operational in the few scans there were.",
                                 "24 scans succeeded, but most of them further apart than 30 min: a scan vouches for "
                                 "no longer time. Scan more often, or set schedule.health.",
                                 NULL});
}

static void the_longest_is_that_of_the_worst_status(void **state)
{
    struct scene *scene = sunday(1);

    (void)state;
    scene_paint(scene, 0, 100, 105, "serviceInterruption", 1);
    scene_paint(scene, 0, 105, 170, "restoringService", 5);
    g_autoptr(ReportWords) words = told(scene, "longest");

    assert_non_null(strstr(words->html, "Service interruption; longest occurrence 5 min"));
    assert_non_null(strstr(words->text, "Exchange Online  Interrupted  95.13 %    5 min    0\n"));
}

static void times_without_data_are_listed_among_much_trouble(void **state)
{
    struct scene *scene = scene_new("Europe/Warsaw", "2026-01-01", "2026-11-22");

    (void)state;
    scene_services(scene, 2);
    scene_paint(scene, 0, 1440, 272 * 1440, NULL, -1);
    for (int i = 0; i < 60; i++)
        scene_paint(scene, 0, 280 * 1440 + 20 * i, 280 * 1440 + 20 * i + 10, "serviceDegradation", 3);
    struct report_stretch *gap = &g_array_index(scene_at(scene, 0)->stretches, struct report_stretch, 1);
    gap->before = true;
    gap->began_at = scene->fixture->window->from - 3600;
    g_autoptr(ReportWords) words = told(scene, "much");

    /* A time without data has no beginning before the window: the facts only begin there. */
    assert_non_null(strstr(words->text, "No data              2 Jan 00:00  30 Sep 01:00  271 d     -\n"));
    check_says(words, "And 49 more, the last until 8 Oct 20:50, 8 h 10 min in all.");
}

static void issues_say_whether_they_are_open(void **state)
{
    struct scene *calm = sunday(2);
    struct report_issue *issue;

    (void)state;
    scene_issue(calm, 0, "EX900001", "Mail is late", SCENE_POST);
    issue = scene_issue(calm, 1, "TM900004", "Presence is missing", SCENE_POST);
    issue->resolved = true;
    check_tells(calm, "open-issue",
                (const char *[]){"Both services were operational; 1 issue was active.",
                                 "EX900001 · Incident, open · Service degradation · since 22 Nov 2026, 09:00",
                                 "TM900004 · Incident, resolved · Service degradation · began 22 Nov 2026, 09:00",
                                 NULL});
}

static void a_status_without_a_name_is_called_empty(void **state)
{
    struct scene *scene = sunday(1);

    (void)state;
    scene_paint(scene, 0, 600, 700, " ", 6);
    g_array_index(scene_at(scene, 0)->stretches, struct report_stretch, 1).known = false;
    check_tells(scene, "empty-status", (const char *[]){"(empty) (not in the status map)", NULL});
}

static void the_history_is_told_in_words(void **state)
{
    struct scene *scene = sunday(3);
    struct scene *calm = sunday(1);

    (void)state;
    fixture_day(scene_at(scene, 1), 81, REPORT_INTERRUPTED, 1);
    fixture_day(scene_at(scene, 1), 40, REPORT_AFFECTED, 1);
    fixture_day(scene_at(scene, 2), 80, REPORT_MINOR, 1);
    g_autoptr(ReportWords) words = told(scene, "history"), nothing = told(calm, "history-calm");

    assert_non_null(strstr(words->text,
                           "HISTORY OF 90 DAYS\n"
                           "Microsoft Teams: 2 days with trouble, the worst Sat 14 Nov 2026\n(interrupted)\n"
                           "SharePoint Online: 1 day with trouble, Fri 13 Nov 2026 (minor)\n\n"));
    assert_non_null(strstr(nothing->text, "HISTORY OF 90 DAYS\nNo scan saw trouble.\n\n"));
}

static void long_windows_tell_all_changes_of_the_clock_and_the_year(void **state)
{
    struct scene *scene = scene_new("Europe/Warsaw", "2025-11-23", "2026-11-22");

    (void)state;
    scene_services(scene, 1);
    scene_paint(scene, 0, 600, 1300, "serviceDegradation", 3);
    g_autoptr(ReportWords) words = told(scene, "year");

    check_says(words, "Europe/Warsaw (first UTC+1, then UTC+2, then UTC+1)");
    check_says(words, "23 Nov 2025 10:00");
}

/* --- limits ----------------------------------------------------------------------------------------------------------
 */

static void forty_services_in_trouble_stay_below_what_gmail_shows(void **state)
{
    struct scene *scene = scene_new("Asia/Kolkata", "2026-11-22", "2026-11-22");

    (void)state;
    scene_services(scene, 40);
    for (guint i = 0; i < 40; i++) {
        for (int k = 0; k < 6; k++)
            scene_paint(scene, i, 200 * k + (int)i * 3, 200 * k + (int)i * 3 + 60,
                        k % 2 ? "serviceDegradation" : "investigating", k % 2 ? 3 : 5);
        for (int k = 0; k < 3; k++)
            scene_issue(scene, (int)i, "EX900001", "Mail to other organisations is late, and this title is long too",
                        SCENE_POST);
    }
    for (int i = 0; i < 50; i++)
        scene_announcement(scene, "MC900001", "Basic sign-in for mail is switched off in the organisation", i - 5);
    g_autoptr(ReportWords) words = told(scene, "forty");

    check_says(words, "And 2 more issues.");
    check_says(words, "And 47 more announcements.");
    check_says(words, "The posts of these issues are left out, as this mail would be too long.");
}

static void forty_services_of_which_some_have_issues_keep_their_posts(void **state)
{
    struct scene *scene = sunday(40);

    (void)state;
    for (int i = 0; i < 12; i++)
        scene_issue(scene, i, "EX900001", "Mail to other organisations is late", SCENE_POST);
    g_autoptr(ReportWords) words = told(scene, "forty-calm");

    check_says(words, "All 40 services were operational; 12 issues were active.");
    check_says(words, "moving mail to others");
}

static void long_posts_are_shortened_and_told_so(void **state)
{
    struct scene *scene = sunday(1);
    g_autoptr(GString) post = g_string_new("<p>");

    (void)state;
    for (int i = 0; i < 500; i++)
        g_string_append_printf(post, "word%d ", i);
    scene_issue(scene, 0, "EX900001", "Long", post->str);
    g_autoptr(ReportWords) words = told(scene, "long-post");

    check_says(words, "The post is shortened here.");
    assert_non_null(strstr(words->text, "word100"));
    assert_null(strstr(words->text, "word499"));
}

/* --- hostile texts ---------------------------------------------------------------------------------------------------
 */

static void texts_of_outsiders_stay_texts_q131(void **state)
{
    struct scene *scene = scene_new("Europe/Warsaw", "2026-11-22", "2026-11-22");

    (void)state;
    scene_name(scene, "<script>alert(1)</script> & \"S\xc3\xb6hne\"\r\nBcc: x@example.org");
    scene_service(scene, "x",
                  "<img src=x onerror=alert(1)>&amp; {{customer}} {from} "
                  "AVeryLongNameWithoutAnyBlankInItThatGoesOnAndOnAndOnAndOnUntilItIsTooLong");
    scene_service(scene, "y",
                  "\xe2\x80\xae"
                  "desrever\x1b[2J");
    scene_paint(scene, 0, 10, 500, "<b onclick=x>status</b>", 2);
    scene_issue(scene, 0, "\"><script>", "</td></tr></table><h1 onclick=x>BROKEN</h1>\n{{x}}",
                "<script>x</script><p style=\"position:fixed\">fixed <a href=\"javascript:x\">click</a></div></table>"
                "</body>{{customer}} \xe2\x80\xae"
                "around&#x202e;&#x2067;");
    scene_announcement(scene, "<i>", "\x1b[2J<iframe src=x>", 2);
    g_autoptr(ReportWords) words = told(scene, "hostile");

    assert_string_equal(
        words->subject,
        "Service health of <script>alert(1)</script> & \"S\xc3\xb6hne\" Bcc: x@example.org, 2026-11-22");
    assert_non_null(strstr(words->text, "\n<script>alert(1)</script> & \"S\xc3\xb6hne\" Bcc: x@example.org\n"));
    assert_non_null(strstr(words->html, "{{customer}} {from}"));
    assert_non_null(strstr(words->html, "fixed click</p>"));
    assert_non_null(strstr(words->html, "{{customer}} around</p>"));
    assert_null(strstr(words->text, "\xe2\x80\xae"));
    assert_null(strstr(words->text, "\xe2\x81\xa7"));
    assert_null(strstr(words->html, "javascript:"));
    assert_null(strstr(words->html, "position:"));
    assert_null(strstr(words->html, "\xe2\x80\xae"));
}

static void any_script_is_written(void **state)
{
    struct scene *scene = scene_new("Asia/Tokyo", "2026-11-22", "2026-11-22");

    (void)state;
    scene_name(scene, "株式会社サンプル商事");
    scene_service(scene, "x", "البريد الإلكتروني");
    scene_service(scene, "y", "メールとカレンダーのサービス");
    scene_service(scene, "z", "Почта");
    scene_paint(scene, 0, 100, 300, "serviceDegradation", 3);
    scene_issue(scene, 0, "EX900001", "قد يتأخر البريد الوارد", "<p>قد يتأخر وصول بعض الرسائل.</p>");
    scene_issue(scene, 1, "EX900002",
                "組織の外に送信されたメールが遅れて届くことがあります。現在、原因を調べていますのでお待ちください。",
                "組織の外に送信されたメールが遅れて届くことがあります。");
    g_autoptr(ReportWords) words = told(scene, "scripts");

    assert_non_null(strstr(words->text, "メールとカレンダーのサービス  Operational  100 %      -           1\n"));
    assert_non_null(strstr(words->text, "調べ\n  ていますのでお待ちください。\n"));
}

static void subjects_follow_their_pattern(void **state)
{
    static const struct {
        const char *pattern, *subject;
    } cases[] = {
        {"{customer}: {from}..{to}", "Contoso: 2026-11-16..2026-11-22"},
        {"{customer}{customer} {unknown} {from", "ContosoContoso {unknown} {from"},
        {" a\r\nb\t\tc\x07 \xe2\x80\xa8 d\xc2\x85 ", "a b c d"},
        {"\xe2\x80\xae\xe2\x81\xa6{to}", "2026-11-22"},
        {"", ""},
        {"{from} to {to}, {from}", "2026-11-16 to 2026-11-22, 2026-11-16"},
        {"S\xc3\xb6hne \xff", "S\xc3\xb6hne \xef\xbf\xbd"},
    };
    struct scene *scene = scene_new("UTC", "2026-11-16", "2026-11-22");

    (void)state;
    scene_services(scene, 1);
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        const struct report_look look = {.subject = cases[i].pattern};
        g_autoptr(ReportWords) words = report_words_new(scene_figures(scene), scene->charts, &look, NULL);
        assert_string_equal(words->subject, cases[i].subject);
    }
    scene_free(scene);
}

/* --- files of the user -----------------------------------------------------------------------------------------------
 */

struct files {
    char *folder, *html, *text, *signature;
};

static void files_make(struct files *files)
{
    files->folder = g_dir_make_tmp("m365keep-view-XXXXXX", NULL);
    files->html = g_build_filename(files->folder, "report.html.mustache", NULL);
    files->text = g_build_filename(files->folder, "report.txt.mustache", NULL);
    files->signature = g_build_filename(files->folder, "signature.html", NULL);
}

static void files_clear(struct files *files)
{
    g_unlink(files->html);
    g_unlink(files->text);
    g_unlink(files->signature);
    g_rmdir(files->folder);
    g_free(files->folder);
    g_free(files->html);
    g_free(files->text);
    g_free(files->signature);
}

static void write_file(const char *path, const char *text)
{
    assert_true(g_file_set_contents(path, text, -1, NULL));
}

static void a_folder_of_templates_replaces_either(void **state)
{
    struct scene *scene = sunday(2);
    struct files files;

    (void)state;
    files_make(&files);
    const struct report_look look = {.subject = "x", .templates = files.folder};
    write_file(files.html, "<p>{{customer}}</p>{{#services}}{{name}};{{/services}}");
    g_autoptr(ReportWords) html = report_words_new(scene_figures(scene), scene->charts, &look, NULL);
    assert_string_equal(html->html, "<p>Contoso</p>Exchange Online;Microsoft Teams;");
    assert_non_null(strstr(html->text, "SERVICE HEALTH REPORT"));
    write_file(files.text, "{{verdict.text}}   \n\n\n\n{{window.one_day}}");
    g_autoptr(ReportWords) both = report_words_new(scene_figures(scene), scene->charts, &look, NULL);
    assert_string_equal(both->text, "Both services were operational.\n\ntrue\n");
    files_clear(&files);
    scene_free(scene);
}

static void signatures_are_made_safe(void **state)
{
    struct scene *scene = sunday(1);
    struct files files;

    (void)state;
    files_make(&files);
    const struct report_look look = {.subject = "x", .signature = files.signature};
    write_file(files.signature, "<p style=\"color:red\">Kind regards,<br><b>Ada</b> <a href=\"mailto:ada@example.org\">"
                                "mail</a></p><script>x</script><img src=\"https://example.org/pixel\">");
    g_autoptr(ReportWords) words = report_words_new(scene_figures(scene), scene->charts, &look, NULL);
    assert_non_null(strstr(words->text, "\nKind regards,\nAda mail (ada@example.org)\n"));
    assert_non_null(strstr(words->html, "<a href=\"mailto:ada@example.org\""));
    assert_null(strstr(words->html, "color:red"));
    assert_null(strstr(words->html, "example.org/pixel"));
    files_clear(&files);
    scene_free(scene);
}

static void files_that_cannot_be_used_are_refused_by_name(void **state)
{
    struct scene *scene = sunday(1);
    const struct report_figures *figures = scene_figures(scene);
    struct files files;

    (void)state;
    files_make(&files);
    write_file(files.html, "line\n{{#services}}");
    const struct report_look broken = {.subject = "x", .templates = files.folder};
    const struct report_look away = {.subject = "x", .signature = files.signature};
    const struct report_look nowhere = {.subject = "x", .templates = files.signature};
    const struct {
        const struct report_look *look;
        int code;
        const char *words;
    } cases[] = {
        {&broken, REPORT_ERROR_TEMPLATE, "report.html.mustache, line 2: the section {{#services}} is not closed"},
        {&away, REPORT_ERROR_FILE, "signature.html cannot be read: "},
        {&nowhere, REPORT_ERROR_FILE, "signature.html (report.templates) is not there, or is no folder"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        assert_null(report_words_new(figures, scene->charts, cases[i].look, &error));
        assert_true(g_error_matches(error, REPORT_ERROR, cases[i].code));
        assert_non_null(strstr(error->message, cases[i].words));
        assert_non_null(strstr(error->message, files.folder));
    }
    g_autoptr(GError) error = NULL;
    write_file(files.html, "\xff\xfe");
    assert_null(report_words_new(figures, scene->charts, &broken, &error));
    assert_non_null(strstr(error->message, "is not UTF-8 text"));
    g_clear_error(&error);
    write_file(files.html, " \r\n\t{{! nothing}}{{#nothing}}x{{/nothing}}\n");
    assert_null(report_words_new(figures, scene->charts, &broken, &error));
    assert_true(g_error_matches(error, REPORT_ERROR, REPORT_ERROR_TEMPLATE));
    assert_non_null(strstr(error->message, files.html));
    assert_non_null(strstr(error->message, "is empty"));
    files_clear(&files);
    scene_free(scene);
}

static void the_view_is_json_and_the_same_each_time(void **state)
{
    struct scene *scene = sunday(3);
    g_autoptr(JsonTree) tree = json_tree_new();
    const struct json_node *view;

    (void)state;
    scene_paint(scene, 0, 555, 640, "serviceDegradation", 3);
    scene_issue(scene, 0, "EX900001", "Mail is late", SCENE_POST);
    const struct report_figures *figures = scene_figures(scene);
    scene_draw(scene);
    g_autofree char *one = report_view(figures, scene->charts, &plain_look, NULL);
    g_autofree char *other = report_view(figures, scene->charts, &plain_look, NULL);
    assert_string_equal(one, other);
    view = json_tree_parse(tree, one, strlen(one), NULL);
    assert_string_equal(json_get_string(json_get(view, "window"), "from"), "2026-11-22T00:00:00+01:00");
    assert_string_equal(json_get_string(json_get(view, "verdict"), "impact"), "Degraded");
    assert_non_null(json_get(json_get(view, "overview"), "src"));
    assert_non_null(json_get(json_get(json_get(view, "blocks")->child, "chart"), "alt"));
    scene_free(scene);
}

static void only_trouble_and_own_gaps_are_worth_a_chart(void **state)
{
    struct scene *scene = sunday(5);

    (void)state;
    scene_gap(scene, 100, 200);
    scene_paint(scene, 1, 300, 310, "verifyingService", 7);
    scene_paint(scene, 2, 95, 200, NULL, -1);
    scene_paint(scene, 3, 100, 200, NULL, -1);
    scene_issue(scene, 4, "EX900001", "Mail is late", SCENE_POST);
    const bool expected[] = {false, true, true, false, false};
    for (guint i = 0; i < G_N_ELEMENTS(expected); i++)
        assert_int_equal(report_words_tells(&scene->fixture->figures, scene_at(scene, i)), expected[i]);
    scene_free(scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_healthy_day_is_one_sentence_and_a_table),
        cmocka_unit_test(trouble_is_told_with_what_when_and_how_long),
        cmocka_unit_test(trouble_that_is_not_over_is_told_so),
        cmocka_unit_test(flapping_is_told_by_its_worst_and_longest),
        cmocka_unit_test(gaps_are_told_and_never_taken_for_health),
        cmocka_unit_test(no_data_is_told_with_the_last_error),
        cmocka_unit_test(many_days_are_told_with_their_dates_and_zone_q43),
        cmocka_unit_test(each_impact_has_its_own_verb),
        cmocka_unit_test(a_service_that_was_hardly_seen_is_not_told_as_healthy),
        cmocka_unit_test(no_colour_calls_healthy_what_was_hardly_seen),
        cmocka_unit_test(the_longest_gaps_are_named_and_an_end_in_one),
        cmocka_unit_test(scans_that_are_too_seldom_are_told_so),
        cmocka_unit_test(the_longest_is_that_of_the_worst_status),
        cmocka_unit_test(times_without_data_are_listed_among_much_trouble),
        cmocka_unit_test(issues_say_whether_they_are_open),
        cmocka_unit_test(a_status_without_a_name_is_called_empty),
        cmocka_unit_test(the_history_is_told_in_words),
        cmocka_unit_test(long_windows_tell_all_changes_of_the_clock_and_the_year),
        cmocka_unit_test(forty_services_in_trouble_stay_below_what_gmail_shows),
        cmocka_unit_test(forty_services_of_which_some_have_issues_keep_their_posts),
        cmocka_unit_test(long_posts_are_shortened_and_told_so),
        cmocka_unit_test(texts_of_outsiders_stay_texts_q131),
        cmocka_unit_test(any_script_is_written),
        cmocka_unit_test(subjects_follow_their_pattern),
        cmocka_unit_test(a_folder_of_templates_replaces_either),
        cmocka_unit_test(signatures_are_made_safe),
        cmocka_unit_test(files_that_cannot_be_used_are_refused_by_name),
        cmocka_unit_test(the_view_is_json_and_the_same_each_time),
        cmocka_unit_test(only_trouble_and_own_gaps_are_worth_a_chart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
