/* What a reader wants to know first, in sentences. */
#include "report/view_private.h"

struct tally {
    guint services, troubled, unknown;
    guint not_over;                     /* of the troubled: their trouble still was at the end */
    guint end_untold;                   /* services of whose end nobody knows */
    const struct report_service *still; /* the first of `not_over` */
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

static struct tally count(const struct report_figures *figures)
{
    struct tally tally = {.services = figures->services->len};

    for (guint i = 0; i < figures->services->len; i++) {
        const struct report_service *service = g_ptr_array_index(figures->services, i);
        enum report_impact end = impact_at_end(figures, service);
        tally.troubled += is_trouble(service->overall);
        tally.unknown += service->overall == REPORT_NO_DATA;
        tally.end_untold += end == REPORT_NO_DATA;
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
    const char *what = figures->scans_failed > 0 ? "no scan succeeded" : "no scan was made";

    if (end <= figures->window->from)
        return g_strdup("There is no data for this window: it has not begun.");
    return g_strdup_printf("There is no data for this window: %s between %s and %s.", what, from, to);
}

static char *untroubled_words(const struct report_figures *figures, const struct tally *tally)
{
    guint seen = tally->services - tally->unknown;
    const char *when = figures->observed_s == 0                  ? " in the few scans there were"
                       : figures->observed_s < figures->window_s ? " in the time that was observed"
                                                                 : "";
    const struct report_service *first = g_ptr_array_index(figures->services, 0);

    if (tally->unknown > 0)
        return g_strdup_printf("%u of %u services %s operational%s; about the others there is no data.", seen,
                               tally->services, seen == 1 ? "was" : "were", when);
    if (tally->services == 1)
        return g_strdup_printf("%s was operational%s.", first->name, when);
    return g_strdup_printf("All %u services were operational%s.", tally->services, when);
}

/* "was degraded for 1 h 25 min"; what only scans far from any other saw has no duration. Returned: g_free. */
static char *trouble_words(const struct report_figures *figures, const struct report_service *service)
{
    const char *verb = view_impact_verb(service->overall);
    int64_t worst = worst_s(figures, service);
    g_autofree char *duration = report_duration(worst);

    return worst > 0 ? g_strdup_printf("was %s for %s", verb, duration)
                     : g_strdup_printf("was seen %s, for an unknown time", verb);
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

/* True when no scan tells anything of the window. */
static bool is_blind(const struct report_figures *figures, const struct tally *tally)
{
    return figures->observed_s == 0 && tally->unknown == tally->services;
}

/* The state at the end of what is told; NULL: it cannot be told of all. */
static char *end_words(const struct report_figures *figures, const struct tally *tally)
{
    bool over = figures->now >= figures->window->to;

    if (tally->not_over == 1) {
        const char *verb = view_impact_verb(impact_at_end(figures, tally->still));
        return over ? g_strdup_printf("At the end, %s was still %s.", tally->still->name, verb)
                    : g_strdup_printf("%s is still %s.", tally->still->name, verb);
    }
    if (tally->not_over > 1)
        return over ? g_strdup_printf("At the end, %u services still had trouble.", tally->not_over)
                    : g_strdup_printf("%u services still have trouble.", tally->not_over);
    if (tally->end_untold > 0)
        return NULL;
    return g_strdup(over ? "All were operational again at the end." : "All are operational now.");
}

static char *troubled_words(const struct report_figures *figures, const struct tally *tally)
{
    g_autofree char *troubles = troubles_words(figures, tally), *end = end_words(figures, tally);

    if (tally->services == 1)
        return g_strdup_printf("%s.%s%s", troubles, end ? " " : "", end ? end : "");
    if (tally->troubled == tally->services)
        return g_strdup_printf("All %u services had trouble; %s.%s%s", tally->services, troubles, end ? " " : "",
                               end ? end : "");
    return g_strdup_printf("%u of %u services had trouble; %s.%s%s", tally->troubled, tally->services, troubles,
                           end ? " " : "", end ? end : "");
}

static char *verdict_words(const struct report_figures *figures, const struct tally *tally)
{
    if (is_blind(figures, tally))
        return no_data_words(figures);
    if (tally->services == 0)
        return g_strdup("No service of this customer is known: the scans listed none.");
    return tally->troubled > 0 ? troubled_words(figures, tally) : untroubled_words(figures, tally);
}

/* --- notes ----------------------------------------------------------------------------------------------------------
 */

enum { GAPS_TOLD = 3 };

/* "02:10 to 05:20, 07:00 to 08:00 and 3 more times" */
static char *gaps_words(const struct report_figures *figures)
{
    GString *out = g_string_new(NULL);
    guint told = MIN(figures->gaps->len, GAPS_TOLD);

    for (guint i = 0; i < told; i++) {
        const struct report_gap *gap = &g_array_index(figures->gaps, struct report_gap, i);
        g_autofree char *span = view_span(figures, gap->from, gap->to);
        g_string_append_printf(out, "%s%s", i > 0 ? ", " : "", span);
    }
    if (figures->gaps->len > told)
        g_string_append_printf(out, " and %u more %s", figures->gaps->len - told,
                               figures->gaps->len - told == 1 ? "time" : "times");
    return g_string_free(out, FALSE);
}

static void note_gaps(struct view *view)
{
    const struct report_figures *figures = view->figures;
    int64_t missing = 0;

    if (figures->gaps->len == 0)
        return;
    for (guint i = 0; i < figures->gaps->len; i++) {
        const struct report_gap *gap = &g_array_index(figures->gaps, struct report_gap, i);
        missing += gap->to - gap->from;
    }
    g_autofree char *duration = report_duration(missing), *when = gaps_words(figures);
    view_take_text(view->out, NULL,
                   g_strdup_printf("Scans are missing for %s (%s): about that time nothing is known.", duration, when));
}

/* The services that no good scan listed, of those that were to be listed. */
static void note_unknown(struct view *view, const struct tally *tally)
{
    g_autoptr(GString) names = g_string_new(NULL);
    guint told = 0;

    if (tally->unknown == 0 || tally->unknown == tally->services)
        return;
    for (guint i = 0; i < view->figures->services->len && told < 5; i++) {
        const struct report_service *service = g_ptr_array_index(view->figures->services, i);
        if (service->overall == REPORT_NO_DATA)
            g_string_append_printf(names, "%s%s", told++ > 0 ? ", " : "", service->name);
    }
    if (tally->unknown > told)
        g_string_append_printf(names, " and %u more", tally->unknown - told);
    view_take_text(view->out, NULL, one_line(g_strdup_printf("No scan listed %s.", names->str)));
}

static void note_end(struct view *view)
{
    const struct report_figures *figures = view->figures;

    if (figures->now >= figures->window->to || figures->now <= figures->window->from)
        return;
    g_autofree char *now = report_time(figures->window, figures->now, REPORT_TIME_MINUTE);
    view_take_text(view->out, NULL, g_strdup_printf("The window is not over: this is what was known on %s.", now));
}

void view_add_verdict(struct view *view)
{
    const struct report_figures *figures = view->figures;
    struct tally tally = count(figures);
    bool known = !is_blind(figures, &tally) && tally.services > 0;
    const struct report_service *worst = known ? g_ptr_array_index(figures->services, 0) : NULL;
    enum report_impact impact = !known ? REPORT_NO_DATA : tally.troubled ? worst->overall : REPORT_OPERATIONAL;

    view_open(view->out, "verdict", '{');
    view_take_text(view->out, "text", one_line(verdict_words(figures, &tally)));
    view_add_impact(view->out, impact);
    view_close(view->out, '}');
    view_open(view->out, "notes", '[');
    if (known) {
        note_gaps(view);
        note_unknown(view, &tally);
    } else if (figures->last_scan_error) {
        view_take_text(view->out, NULL, one_line(g_strdup_printf("The last error was: %s", figures->last_scan_error)));
    }
    note_end(view);
    view_close(view->out, ']');
}
