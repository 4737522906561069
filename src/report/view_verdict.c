/* What a reader wants to know first, in sentences. */
#include <string.h>

#include "report/view_private.h"

struct tally {
    guint services, troubled, unknown;
    guint not_over;                     /* of the troubled: their trouble still was at the end */
    guint end_untold;                   /* services that were seen, but not at the end */
    guint partly;                       /* services that were seen for less time than others */
    guint issues;                       /* that were not resolved */
    const struct report_service *still; /* the first of `not_over` */
    const struct report_service *lost;  /* the first of `end_untold` */
};

/* Takes a sentence with names of outsiders in it. */
static char *one_line(char *sentence)
{
    char *line = view_line(sentence);

    g_free(sentence);
    return line;
}

static bool is_trouble(enum report_impact impact)
{
    return impact != REPORT_OPERATIONAL && impact != REPORT_NO_DATA;
}

/* What was seen at the very end, be it by one scan only, or else lasted until then. */
static enum report_impact impact_at_end(const struct report_figures *figures, const struct report_service *service)
{
    enum report_impact impact = REPORT_NO_DATA;
    int64_t end = view_end(figures);

    for (guint i = 0; i < service->stretches->len; i++) {
        const struct report_stretch *stretch = &g_array_index(service->stretches, struct report_stretch, i);
        bool sighting = stretch->from == stretch->to && stretch->to == end;
        if (sighting || (stretch->from < end && stretch->to >= end))
            impact = stretch->impact;
    }
    return impact;
}

static guint count_open(const GPtrArray *issues)
{
    guint n = 0;

    for (guint i = 0; i < issues->len; i++)
        n += !((const struct report_issue *)g_ptr_array_index(issues, i))->resolved;
    return n;
}

static struct tally count(const struct report_figures *figures)
{
    struct tally tally = {.services = figures->services->len, .issues = count_open(figures->other_issues)};

    for (guint i = 0; i < figures->services->len; i++) {
        const struct report_service *service = g_ptr_array_index(figures->services, i);
        enum report_impact end = impact_at_end(figures, service);
        tally.troubled += is_trouble(service->overall);
        tally.unknown += service->overall == REPORT_NO_DATA;
        bool lost = end == REPORT_NO_DATA && service->overall != REPORT_NO_DATA;
        tally.end_untold += lost;
        if (lost && !tally.lost)
            tally.lost = service;
        tally.partly += view_is_partly_seen(figures, service);
        tally.issues += count_open(service->issues);
        tally.not_over += is_trouble(end);
        if (is_trouble(end) && !tally.still)
            tally.still = service;
    }
    return tally;
}

/* How long it was what it was at worst. */
static int64_t worst_s(const struct report_figures *figures, const struct report_service *service)
{
    int64_t sum = 0, end = view_end(figures);

    for (guint i = 0; i < service->stretches->len; i++) {
        const struct report_stretch *stretch = &g_array_index(service->stretches, struct report_stretch, i);
        if (stretch->impact == service->overall)
            sum += MAX(0, MIN(stretch->to, end) - stretch->from);
    }
    return sum;
}

/* --- the verdict ----------------------------------------------------------------------------------------------------
 */

static char *no_data_words(const struct report_figures *figures)
{
    int64_t end = view_end(figures);
    g_autofree char *from = report_time(figures->window, figures->window->from, REPORT_TIME_MINUTE);
    g_autofree char *to = report_time(figures->window, end, REPORT_TIME_MINUTE);
    const char *what = figures->scans_good > 0     ? "no scan listed a service of this report"
                       : figures->scans_failed > 0 ? "no scan succeeded"
                                                   : "no scan was made";

    if (end <= figures->window->from)
        return g_strdup("There is no data for this window: it has not begun.");
    return g_strdup_printf("There is no data for this window: %s between %s and %s.", what, from, to);
}

/* "All 10 services", "Both services"; of one its name. Returned: g_free. */
static char *all_services(const struct report_figures *figures)
{
    const struct report_service *first = g_ptr_array_index(figures->services, 0);

    if (figures->services->len == 1)
        return g_strdup(first->name);
    return figures->services->len == 2 ? g_strdup("Both services")
                                       : g_strdup_printf("All %u services", figures->services->len);
}

static char *untroubled_words(const struct report_figures *figures, const struct tally *tally)
{
    guint seen = tally->services - tally->unknown;
    bool whole = figures->observed_s >= figures->window_s && tally->partly == 0;
    const char *when = figures->observed_s == 0 ? " in the few scans there were"
                       : whole                  ? ""
                                                : " in the time that was observed";
    g_autofree char *all = all_services(figures);

    if (tally->unknown > 0)
        return g_strdup_printf("%u of %u services %s operational%s; about the others there is no data", seen,
                               tally->services, seen == 1 ? "was" : "were", when);
    return g_strdup_printf("%s %s operational%s", all, tally->services == 1 ? "was" : "were", when);
}

/* "was degraded for 1 h 25 min"; what only scans far from any other saw has no duration. Returned: g_free. */
static char *trouble_words(const struct report_figures *figures, const struct report_service *service)
{
    int64_t worst = worst_s(figures, service);
    g_autofree char *duration = report_duration(worst);

    return worst > 0 ? g_strdup_printf("%s for %s", view_was(service->overall, VIEW_WAS), duration)
                     : g_strdup_printf("%s, for an unknown time", view_was(service->overall, VIEW_WAS_SEEN));
}

/* "Exchange Online was degraded for 1 h 25 min, Microsoft Teams was affected for 20 min"; of more than two, the
 * worst. Returned: g_free. */
static char *troubles_words(const struct report_figures *figures, const struct tally *tally)
{
    const struct report_service *first = g_ptr_array_index(figures->services, 0);
    g_autofree char *worst = trouble_words(figures, first), *other = NULL;

    if (tally->troubled == 1)
        return g_strdup_printf("%s %s", first->name, worst);
    if (tally->troubled > 2)
        return g_strdup_printf("the worst, %s, %s", first->name, worst);
    const struct report_service *second = g_ptr_array_index(figures->services, 1);
    other = trouble_words(figures, second);
    return g_strdup_printf("%s %s, %s %s", first->name, worst, second->name, other);
}

/* True when no scan tells anything of the services. */
static bool is_blind(const struct report_figures *figures, const struct tally *tally)
{
    return tally->services > 0 ? tally->unknown == tally->services
                               : figures->observed_s == 0 && figures->scans_good == 0;
}

/* Of services that were not seen at the end. Returned: g_free. */
static char *untold_words(const struct report_figures *figures, const struct tally *tally)
{
    const char *end = figures->now >= figures->window->to ? "was at the end" : "is now";

    if (tally->services == 1)
        return g_strdup_printf("How it %s is not known.", end);
    if (tally->end_untold == 1)
        return g_strdup_printf("How %s %s is not known.", tally->lost->name, end);
    end = figures->now >= figures->window->to ? "were at the end" : "are now";
    if (tally->end_untold + tally->unknown == tally->services)
        return g_strdup_printf("How they %s is not known.", end);
    return g_strdup_printf("How %u of them %s is not known.", tally->end_untold, end);
}

/* Of services whose trouble was not over. Returned: g_free. */
static char *still_words(const struct report_figures *figures, const struct tally *tally)
{
    bool over = figures->now >= figures->window->to;
    const char *name = tally->services == 1 ? "It" : tally->still->name;
    const char *it = tally->services == 1 ? "it" : tally->still->name;
    enum report_impact impact = impact_at_end(figures, tally->still);

    if (tally->not_over == 1)
        return over ? g_strdup_printf("At the end, %s %s.", it, view_was(impact, VIEW_WAS_STILL))
                    : g_strdup_printf("%s %s.", name, view_was(impact, VIEW_IS_STILL));
    return over ? g_strdup_printf("At the end, %u services still had trouble.", tally->not_over)
                : g_strdup_printf("%u services still have trouble.", tally->not_over);
}

/* Of trouble that was over. Returned: g_free. */
static char *calm_words(const struct report_figures *figures, const struct tally *tally)
{
    bool over = figures->now >= figures->window->to;

    if (tally->services == 1)
        return g_strdup(over ? "It was operational again at the end." : "It is operational now.");
    if (tally->unknown > 0)
        return g_strdup(over ? "All that were seen were operational again at the end."
                             : "All that were seen are operational now.");
    return g_strdup_printf(over ? "%s were operational again at the end." : "%s are operational now.",
                           tally->services == 2 ? "Both" : "All");
}

/* The state at the end of what is told. Returned: g_free. */
static char *end_words(const struct report_figures *figures, const struct tally *tally)
{
    g_autofree char *still = tally->not_over > 0 ? still_words(figures, tally) : NULL;
    g_autofree char *untold = tally->end_untold > 0 ? untold_words(figures, tally) : NULL;

    if (!still && !untold)
        return calm_words(figures, tally);
    return g_strconcat(still ? still : untold, still && untold ? " " : NULL, untold, NULL);
}

/* "3 issues were active"; NULL: none. Returned: g_free. */
static char *issues_words(const struct tally *tally)
{
    g_autofree char *count = view_count(tally->issues, "issue was", "issues were");

    return tally->issues > 0 ? g_strconcat(count, " active", NULL) : NULL;
}

static char *troubled_words(const struct report_figures *figures, const struct tally *tally)
{
    g_autofree char *troubles = troubles_words(figures, tally), *end = end_words(figures, tally);
    g_autofree char *all = all_services(figures), *issues = issues_words(tally);
    g_autoptr(GString) out = g_string_new(NULL);

    if (tally->services > 1 && tally->troubled == tally->services)
        g_string_append_printf(out, "%s had trouble; ", all);
    else if (tally->services > 1)
        g_string_append_printf(out, "%u of %u services had trouble; ", tally->troubled, tally->services);
    g_string_append_printf(out, "%s. %s", troubles, end);
    if (issues)
        g_string_append_printf(out, " %s.", issues);
    return g_strdup(out->str);
}

/* Without trouble the end is worth a sentence where it is not known. */
static char *calm_verdict(const struct report_figures *figures, const struct tally *tally)
{
    g_autofree char *words = untroubled_words(figures, tally), *issues = issues_words(tally);
    g_autofree char *untold = tally->end_untold > 0 ? untold_words(figures, tally) : NULL;

    return g_strdup_printf("%s%s%s.%s%s", words, issues ? "; " : "", issues ? issues : "", untold ? " " : "",
                           untold ? untold : "");
}

static char *verdict_words(const struct report_figures *figures, const struct tally *tally)
{
    if (is_blind(figures, tally))
        return no_data_words(figures);
    if (tally->services == 0)
        return g_strdup("No service of this customer is known: the scans listed none.");
    return tally->troubled > 0 ? troubled_words(figures, tally) : calm_verdict(figures, tally);
}

/* --- notes ----------------------------------------------------------------------------------------------------------
 */

enum { GAPS_TOLD = 5, NAMES_TOLD = 5 };

static gint compare_gaps(gconstpointer a, gconstpointer b)
{
    const struct report_gap *one = a, *other = b;
    int64_t one_s = one->to - one->from, other_s = other->to - other->from;

    if (one_s != other_s)
        return one_s > other_s ? -1 : 1;
    return one->from < other->from ? -1 : one->from > other->from;
}

static gint compare_begins(gconstpointer a, gconstpointer b)
{
    const struct report_gap *one = a, *other = b;

    return one->from < other->from ? -1 : one->from > other->from;
}

/* "02:10 to 05:20, 07:00 to 08:00"; of many the longest, "and 3 shorter times". Returned: g_free. */
static char *gaps_words(const struct report_figures *figures)
{
    GString *out = g_string_new(NULL);
    guint told = MIN(figures->gaps->len, GAPS_TOLD), more = figures->gaps->len - told;
    g_autoptr(GArray) gaps = g_array_copy(figures->gaps);

    g_array_sort(gaps, compare_gaps);
    g_array_set_size(gaps, told);
    g_array_sort(gaps, compare_begins);
    for (guint i = 0; i < told; i++) {
        const struct report_gap *gap = &g_array_index(gaps, struct report_gap, i);
        g_autofree char *span = view_span(figures, gap->from, gap->to);
        g_string_append_printf(out, "%s%s", i > 0 ? ", " : "", span);
    }
    if (more > 0)
        g_string_append_printf(out, " and %u more %s, not longer", more, more == 1 ? "time" : "times");
    return g_string_free(out, FALSE);
}

/* True when scans were made and succeeded, but so seldom that they vouch for next to nothing. */
static bool is_sparse(const struct report_figures *figures)
{
    return figures->scans_good > 1 && figures->scans_failed < figures->scans_good &&
           figures->observed_s < figures->window_s / 10;
}

static void note_gaps(struct view *view)
{
    const struct report_figures *figures = view->figures;
    int64_t missing = figures->window_s - figures->observed_s;

    if (figures->gaps->len == 0 || missing <= 0)
        return;
    g_autofree char *duration = view_length(missing), *when = gaps_words(figures);
    g_autofree char *scans = view_count(figures->scans_good, "scan", "scans");
    g_autofree char *max = report_duration(figures->max_gap_s);
    if (is_sparse(figures))
        view_take_text(view->out, NULL,
                       g_strdup_printf("%s succeeded, but most of them further apart than %s: a scan vouches for no "
                                       "longer time. Scan more often, or set schedule.health.",
                                       scans, max));
    else
        view_take_text(
            view->out, NULL,
            g_strdup_printf("No scan succeeded for %s (%s): about that time nothing is known.", duration, when));
}

/* "Exchange Online, Microsoft Teams and 3 more" of those that `is` says; NULL: none. Returned: g_free. */
static char *names_of(const struct report_figures *figures,
                      bool (*is)(const struct report_figures *, const struct report_service *))
{
    g_autoptr(GString) names = g_string_new(NULL);
    guint n = 0;

    for (guint i = 0; i < figures->services->len; i++) {
        const struct report_service *service = g_ptr_array_index(figures->services, i);
        if (!is(figures, service))
            continue;
        if (n++ < NAMES_TOLD)
            g_string_append_printf(names, "%s%s", n > 1 ? ", " : "", service->name);
    }
    if (n > NAMES_TOLD)
        g_string_append_printf(names, " and %u more", n - NAMES_TOLD);
    return n > 0 ? g_strdup(names->str) : NULL;
}

static bool is_unknown(const struct report_figures *figures, const struct report_service *service)
{
    (void)figures;
    return service->overall == REPORT_NO_DATA;
}

/* The last that was seen of it; NULL: nothing. */
static const struct report_stretch *last_seen(const struct report_service *service)
{
    for (guint i = service->stretches->len; i > 0; i--) {
        const struct report_stretch *stretch = &g_array_index(service->stretches, struct report_stretch, i - 1);
        if (stretch->impact != REPORT_NO_DATA)
            return stretch;
    }
    return NULL;
}

/* Trouble that nobody saw the end of: "When it was last seen, at 12:00, Exchange Online was still degraded." */
static void note_lost(struct view *view)
{
    const struct report_figures *figures = view->figures;
    guint n = 0;

    for (guint i = 0; i < figures->services->len; i++) {
        const struct report_service *service = g_ptr_array_index(figures->services, i);
        const struct report_stretch *last = last_seen(service);
        if (!last || !is_trouble(last->impact) || impact_at_end(figures, service) != REPORT_NO_DATA)
            continue;
        if (n++ >= NAMES_TOLD)
            continue;
        g_autofree char *at = view_time(figures, last->to);
        view_take_text(view->out, NULL,
                       one_line(g_strdup_printf("When it was last seen, %s %s, %s %s.", strchr(at, ' ') ? "on" : "at",
                                                at, service->name, view_was(last->impact, VIEW_WAS_STILL))));
    }
    if (n > NAMES_TOLD)
        view_take_text(view->out, NULL,
                       g_strdup_printf("So had %u more services trouble when they were last seen.", n - NAMES_TOLD));
}

/* Services that scans did not list all the time; the table says for how long they did. */
static void note_partly(struct view *view)
{
    g_autofree char *names = names_of(view->figures, view_is_partly_seen);

    if (names)
        view_take_text(view->out, NULL, one_line(g_strdup_printf("Not all scans listed %s.", names)));
}

/* The services that no good scan listed, of those that were to be listed. */
static void note_unknown(struct view *view)
{
    g_autofree char *names = names_of(view->figures, is_unknown);

    if (names)
        view_take_text(view->out, NULL, one_line(g_strdup_printf("No scan listed %s.", names)));
}

static void note_end(struct view *view)
{
    const struct report_figures *figures = view->figures;

    if (figures->now >= figures->window->to || figures->now <= figures->window->from)
        return;
    g_autofree char *now = report_time(figures->window, figures->now, REPORT_TIME_MINUTE);
    view_take_text(view->out, NULL, g_strdup_printf("The window is not over: this is what was known on %s.", now));
}

/* True when of some service, or of all, less is known than is not: no colour may call that healthy. */
static bool is_hardly_seen(const struct report_figures *figures)
{
    bool hardly = figures->observed_s < figures->window_s / 2;

    for (guint i = 0; i < figures->services->len; i++) {
        const struct report_service *service = g_ptr_array_index(figures->services, i);
        hardly = hardly || service->observed_s < figures->window_s / 2;
    }
    return hardly;
}

static enum report_impact verdict_impact(const struct report_figures *figures, const struct tally *tally)
{
    if (is_blind(figures, tally) || tally->services == 0)
        return REPORT_NO_DATA;
    if (tally->troubled > 0)
        return ((const struct report_service *)g_ptr_array_index(figures->services, 0))->overall;
    return is_hardly_seen(figures) ? REPORT_NO_DATA : REPORT_OPERATIONAL;
}

void view_add_verdict(struct view *view)
{
    const struct report_figures *figures = view->figures;
    struct tally tally = count(figures);
    bool known = !is_blind(figures, &tally) && tally.services > 0;

    view_open(view->out, "verdict", '{');
    view_take_text(view->out, "text", one_line(verdict_words(figures, &tally)));
    view_add_impact(view->out, verdict_impact(figures, &tally));
    view_close(view->out, '}');
    view_open(view->out, "notes", '[');
    if (known) {
        note_gaps(view);
        note_lost(view);
        note_partly(view);
        note_unknown(view);
    } else if (figures->last_scan_error && figures->scans_good == 0) {
        view_take_text(view->out, NULL, one_line(g_strdup_printf("The last error was: %s", figures->last_scan_error)));
    }
    note_end(view);
    view_close(view->out, ']');
}
