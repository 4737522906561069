/* The table of all services, and the blocks of those that have something to tell. */
#include "report/view_private.h"

enum { GAP_TOLERANCE_S = 60 }; /* a gap of a service that sticks out so little beyond one that all have is theirs */

/* --- occurrences ----------------------------------------------------------------------------------------------------
 */

bool view_is_occurrence(const struct report_figures *figures, const struct report_stretch *stretch)
{
    if (stretch->impact == REPORT_NO_DATA)
        return stretch->from < view_end(figures);
    return stretch->impact != REPORT_OPERATIONAL || !stretch->known;
}

/* Up to now: what comes after it is no part of any occurrence. */
static int64_t length_of(const struct report_figures *figures, const struct report_stretch *stretch)
{
    return MIN(stretch->to, MAX(view_end(figures), stretch->from)) - stretch->from;
}

static gint compare_weight(gconstpointer a, gconstpointer b)
{
    const struct report_stretch *one = *(struct report_stretch *const *)a, *other = *(struct report_stretch *const *)b;
    int64_t one_s = one->to - one->from, other_s = other->to - other->from;

    if (one->impact != other->impact)
        return one->impact > other->impact ? -1 : 1;
    if (one_s != other_s)
        return one_s > other_s ? -1 : 1;
    return one->from < other->from ? -1 : one->from > other->from;
}

static gint compare_time(gconstpointer a, gconstpointer b)
{
    const struct report_stretch *one = *(struct report_stretch *const *)a, *other = *(struct report_stretch *const *)b;

    return one->from < other->from ? -1 : one->from > other->from;
}

/* The worst and longest `max` of them stay. Returned: the others, summed up. */
static struct view_rest keep_heaviest(const struct report_figures *figures, GPtrArray *list, guint max)
{
    struct view_rest rest = {0};

    g_ptr_array_sort(list, compare_weight);
    for (guint i = max; i < list->len; i++) {
        const struct report_stretch *stretch = g_ptr_array_index(list, i);
        rest.n++;
        rest.length += length_of(figures, stretch);
        rest.last_end = MAX(rest.last_end, stretch->from + length_of(figures, stretch));
    }
    g_ptr_array_set_size(list, (int)MIN(max, list->len));
    return rest;
}

GPtrArray *view_occurrences(const struct report_figures *figures, const struct report_service *service, guint max,
                            struct view_rest *troubles, struct view_rest *gaps)
{
    GPtrArray *list = g_ptr_array_new(), *unseen = g_ptr_array_new();

    for (guint i = 0; i < service->stretches->len; i++) {
        struct report_stretch *stretch = &g_array_index(service->stretches, struct report_stretch, i);
        if (view_is_occurrence(figures, stretch))
            g_ptr_array_add(stretch->impact == REPORT_NO_DATA ? unseen : list, stretch);
    }
    /* A third is for what is not known: how the service was then may be the worst of all. */
    *gaps = keep_heaviest(figures, unseen, MAX(max / 3, max - MIN(list->len, max)));
    *troubles = keep_heaviest(figures, list, max - unseen->len);
    g_ptr_array_extend_and_steal(list, unseen);
    g_ptr_array_sort(list, compare_time);
    return list;
}

int64_t view_longest(const struct report_figures *figures, const struct report_service *service)
{
    int64_t longest = -1;

    for (guint i = 0; i < service->stretches->len; i++) {
        const struct report_stretch *stretch = &g_array_index(service->stretches, struct report_stretch, i);
        if (stretch->impact != REPORT_NO_DATA && view_is_occurrence(figures, stretch) &&
            g_strcmp0(stretch->status, service->overall_status) == 0)
            longest = MAX(longest, length_of(figures, stretch));
    }
    return longest;
}

/* --- what is worth telling ------------------------------------------------------------------------------------------
 */

/* The part of [from, to) that no gap of all scans covers. */
static int64_t beyond_gaps(const struct report_figures *figures, int64_t from, int64_t to)
{
    int64_t left = to - from;

    for (guint i = 0; i < figures->gaps->len; i++) {
        const struct report_gap *gap = &g_array_index(figures->gaps, struct report_gap, i);
        left -= MAX(0, MIN(to, gap->to) - MAX(from, gap->from));
    }
    return left;
}

bool report_words_tells(const struct report_figures *figures, const struct report_service *service)
{
    for (guint i = 0; i < service->stretches->len; i++) {
        const struct report_stretch *stretch = &g_array_index(service->stretches, struct report_stretch, i);
        if (!view_is_occurrence(figures, stretch))
            continue;
        if (stretch->impact != REPORT_NO_DATA ||
            beyond_gaps(figures, stretch->from, MIN(stretch->to, view_end(figures))) > GAP_TOLERANCE_S)
            return true;
    }
    return false;
}

bool view_is_partly_seen(const struct report_figures *figures, const struct report_service *service)
{
    return service->overall != REPORT_NO_DATA && figures->observed_s - service->observed_s > GAP_TOLERANCE_S;
}

/* --- the table ------------------------------------------------------------------------------------------------------
 */

static char *availability_of(const struct report_service *service)
{
    return report_availability_words(report_availability(service->operational_s, service->observed_s));
}

/* Of an occurrence that one scan saw, and none followed in time, nobody knows how long it was. */
static char *longest_words(int64_t longest_s)
{
    return longest_s > 0 ? report_duration(longest_s) : g_strdup(longest_s < 0 ? "-" : "unknown");
}

static void append_note(GString *note, char *words)
{
    g_string_append_printf(note, "%s%s", note->len > 0 ? "; " : "", words);
    g_free(words);
}

/* "Service degradation; longest occurrence 1 h 25 min; seen for 5 h of 24 h; 2 issues": what the table says under the
 * name. NULL: nothing. */
static char *note_of(const struct view *view, const struct report_service *service)
{
    int64_t longest_s = view_longest(view->figures, service);
    g_autoptr(GString) note = g_string_new(NULL);

    if (longest_s >= 0) {
        g_autofree char *longest = longest_words(longest_s);
        append_note(note, view_status(service->overall_status));
        append_note(note, g_strdup_printf("longest occurrence %s", longest));
    }
    if (view_is_partly_seen(view->figures, service)) {
        g_autofree char *seen = view_length(service->observed_s), *all = view_length(view->figures->window_s);
        append_note(note, service->observed_s > 0 ? g_strdup_printf("seen for %s of %s", seen, all)
                                                  : g_strdup("hardly seen"));
    }
    if (service->issues->len > 0)
        append_note(note, view_count(service->issues->len, "issue", "issues"));
    return note->len > 0 ? g_strdup(note->str) : NULL;
}

static void add_service(struct view *view, const struct report_service *service)
{
    int64_t longest = view_longest(view->figures, service);

    view_open(view->out, NULL, '{');
    view_take_text(view->out, "name", view_line(service->name));
    view_add_impact(view->out, service->overall);
    view_take_text(view->out, "status", view_status(service->overall_status));
    view_take_text(view->out, "availability", availability_of(service));
    if (longest >= 0)
        view_take_text(view->out, "longest", longest_words(longest));
    view_add_number(view->out, "issues_count", service->issues->len);
    view_take_text(view->out, "note", note_of(view, service));
    view_close(view->out, '}');
}

/* `texts`, ended by NULL, are taken. */
static void add_row(GPtrArray *rows, char *const *texts)
{
    g_ptr_array_add(rows, g_memdup2(texts, (g_strv_length((char **)texts) + 1) * sizeof(char *)));
}

static void add_services_text(struct view *view)
{
    g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func((GDestroyNotify)g_strfreev);
    const GPtrArray *services = view->figures->services;

    add_row(rows, (char *[]){g_strdup("SERVICE"), g_strdup("OVERALL"), g_strdup("AVAILABLE"), g_strdup("LONGEST"),
                             g_strdup("ISSUES"), NULL});
    for (guint i = 0; i < services->len; i++) {
        const struct report_service *service = g_ptr_array_index(services, i);
        int64_t longest = view_longest(view->figures, service);
        add_row(rows, (char *[]){view_line(service->name), g_strdup(report_impact_name(service->overall)),
                                 availability_of(service), longest_words(longest),
                                 g_strdup_printf("%u", service->issues->len), NULL});
    }
    view_take_text(view->out, "services_text", view_text_table(rows));
}

void view_add_services(struct view *view)
{
    const GPtrArray *services = view->figures->services;

    view_open(view->out, "services", '[');
    for (guint i = 0; i < services->len; i++)
        add_service(view, g_ptr_array_index(services, i));
    view_close(view->out, ']');
    if (services->len > 0)
        add_services_text(view);
}

/* --- charts ---------------------------------------------------------------------------------------------------------
 */

/* What a picture says instead of itself; the tables say all of it, so a long one may end early. */
static char *alt_words(const struct view *view, const struct report_chart *chart)
{
    size_t max = view->limits->alt_chars;

    if ((size_t)g_utf8_strlen(chart->alt, -1) <= max)
        return g_strdup(chart->alt);
    g_autofree char *begin = g_utf8_substring(chart->alt, 0, (glong)max - 1);
    return g_strdup_printf("%s\xe2\x80\xa6", begin);
}

static void add_chart(struct view *view, const char *key, const struct report_chart *chart)
{
    view_open(view->out, key, '{');
    view_take_text(view->out, "src", g_strdup_printf("cid:%s", chart->name));
    view_add_number(view->out, "width", chart->width);
    view_add_number(view->out, "height", chart->height);
    view_take_text(view->out, "alt", alt_words(view, chart));
    view_close(view->out, '}');
}

void view_add_charts(struct view *view)
{
    static const char *const keys[] = {"overview", "history"};

    for (guint i = 0; i < MIN(view->charts->len, G_N_ELEMENTS(keys)); i++)
        add_chart(view, keys[i], g_ptr_array_index(view->charts, i));
}

const struct report_chart *view_chart_of(const struct view *view, const char *service)
{
    for (guint i = 0; i < view->charts->len; i++) {
        const struct report_chart *chart = g_ptr_array_index(view->charts, i);
        if (chart->service && g_str_equal(chart->service, service))
            return chart;
    }
    return NULL;
}

/* --- blocks ---------------------------------------------------------------------------------------------------------
 */

static char *stretch_words(const struct report_stretch *stretch)
{
    g_autofree char *words = view_status(stretch->status);

    return stretch->impact == REPORT_NO_DATA || stretch->known ? g_steal_pointer(&words)
                                                               : g_strdup_printf("%s (not in the status map)", words);
}

/* Since when, where it began before the window; of no data that says but where the facts begin. */
static char *before_words(const struct report_figures *figures, const struct report_stretch *stretch)
{
    g_autofree char *began = NULL;

    if (!stretch->before || stretch->impact == REPORT_NO_DATA)
        return NULL;
    if (stretch->began_at == 0 || stretch->began_at >= stretch->from)
        return g_strdup("before the window");
    began = view_time(figures, stretch->began_at);
    return g_strdup_printf("since %s", began);
}

static char *after_words(const struct report_figures *figures, const struct report_stretch *stretch)
{
    if (!stretch->after || stretch->impact == REPORT_NO_DATA)
        return NULL;
    return g_strdup(figures->now < figures->window->to ? "still so" : "goes on");
}

/* Of what but one scan saw nobody knows how long it was. */
static char *duration_words(const struct report_figures *figures, const struct report_stretch *stretch)
{
    return longest_words(length_of(figures, stretch));
}

/* No scan saw what is no data. */
static char *scans_words(const struct report_stretch *stretch)
{
    return stretch->impact == REPORT_NO_DATA ? g_strdup("-") : g_strdup_printf("%" G_GINT64_FORMAT, stretch->scans);
}

static void add_occurrence(struct view *view, const struct report_stretch *stretch)
{
    const struct report_figures *figures = view->figures;

    view_open(view->out, NULL, '{');
    view_take_text(view->out, "status", stretch_words(stretch));
    view_add_impact(view->out, stretch->impact);
    view_take_text(view->out, "from", view_time(figures, stretch->from));
    view_take_text(view->out, "from_note", before_words(figures, stretch));
    view_take_text(view->out, "to", view_time(figures, stretch->from + length_of(figures, stretch)));
    view_take_text(view->out, "to_note", after_words(figures, stretch));
    view_take_text(view->out, "duration", duration_words(figures, stretch));
    view_take_text(view->out, "scans", scans_words(stretch));
    view_close(view->out, '}');
}

/* "Service degradation (since 21 Nov 22:10, still so)" */
static char *stretch_with_notes(const struct report_figures *figures, const struct report_stretch *stretch)
{
    g_autofree char *words = stretch_words(stretch), *before = before_words(figures, stretch);
    g_autofree char *after = after_words(figures, stretch);

    if (!before && !after)
        return g_steal_pointer(&words);
    return g_strdup_printf("%s (%s%s%s)", words, before ? before : "", before && after ? ", " : "", after ? after : "");
}

static void add_occurrences_text(struct view *view, const GPtrArray *occurrences)
{
    const struct report_figures *figures = view->figures;
    g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func((GDestroyNotify)g_strfreev);

    add_row(rows, (char *[]){g_strdup("STATUS"), g_strdup("FROM"), g_strdup("TO"), g_strdup("DURATION"),
                             g_strdup("SCANS"), NULL});
    for (guint i = 0; i < occurrences->len; i++) {
        const struct report_stretch *stretch = g_ptr_array_index(occurrences, i);
        int64_t length = length_of(figures, stretch);
        add_row(rows, (char *[]){stretch_with_notes(figures, stretch), view_time(figures, stretch->from),
                                 view_time(figures, stretch->from + length), duration_words(figures, stretch),
                                 scans_words(stretch), NULL});
    }
    view_take_text(view->out, "occurrences_text", view_text_table(rows));
}

/* "And 48 more, the last until 19:50, 8 h in all. No data 3 more times, 2 h in all." NULL: nothing is left out. */
static char *rest_words(const struct report_figures *figures, const struct view_rest *troubles,
                        const struct view_rest *gaps, bool more)
{
    g_autofree char *last = view_time(figures, troubles->last_end);
    g_autofree char *trouble_s = report_duration(troubles->length), *gap_s = report_duration(gaps->length);
    g_autofree char *times = view_count(gaps->n, more ? "more time" : "time", more ? "more times" : "times");
    GString *out = g_string_new(NULL);

    if (troubles->n > 0 && more)
        g_string_append_printf(out, "And %u more, the last until %s", troubles->n, last);
    else if (troubles->n > 0)
        g_string_append_printf(out, "Occurrences of trouble: %u, the last until %s", troubles->n, last);
    if (troubles->n > 0 && troubles->length > 0)
        g_string_append_printf(out, ", %s in all", trouble_s);
    if (gaps->n > 0)
        g_string_append_printf(out, "%sNo data %s, %s in all", out->len > 0 ? ". " : "", times, gap_s);
    return g_string_free(out, out->len == 0);
}

static void add_occurrences(struct view *view, const struct report_service *service)
{
    struct view_rest troubles, gaps;
    g_autoptr(GPtrArray) occurrences =
        view_occurrences(view->figures, service, view->limits->occurrences, &troubles, &gaps);
    g_autofree char *rest = rest_words(view->figures, &troubles, &gaps, occurrences->len > 0);

    view_open(view->out, "occurrences", '[');
    for (guint i = 0; i < occurrences->len; i++)
        add_occurrence(view, g_ptr_array_index(occurrences, i));
    view_close(view->out, ']');
    view_add_flag(view->out, "has_occurrences", occurrences->len > 0);
    if (occurrences->len > 0)
        add_occurrences_text(view, occurrences);
    if (rest)
        view_take_text(view->out, "occurrences_more", g_strconcat(rest, ".", NULL));
}

/* "Operational 94.10 % of the time that was observed (1 d)." */
static char *service_words(const struct report_service *service)
{
    g_autofree char *availability = availability_of(service), *observed = report_duration(service->observed_s);

    if (service->overall == REPORT_NO_DATA)
        return g_strdup("No scan of this window listed this service.");
    if (service->observed_s == 0)
        return g_strdup("Scans saw this service, but too seldom to know how long it was as they saw it.");
    return g_strdup_printf("Operational %s of the time that was observed (%s).", availability, observed);
}

static void add_block(struct view *view, const struct report_service *service, const struct report_chart *chart)
{
    view_open(view->out, NULL, '{');
    view_take_text(view->out, "name", view_line(service->name));
    view_add_impact(view->out, service->overall);
    view_take_text(view->out, "status", view_status(service->overall_status));
    view_take_text(view->out, "availability", availability_of(service));
    view_take_text(view->out, "words", service_words(service));
    if (chart)
        add_chart(view, "chart", chart);
    add_occurrences(view, service);
    view_add_issues(view, service->issues, view->limits->issues);
    view_close(view->out, '}');
}

void view_add_blocks(struct view *view)
{
    const GPtrArray *services = view->figures->services;

    view_open(view->out, "blocks", '[');
    for (guint i = 0; i < services->len; i++) {
        const struct report_service *service = g_ptr_array_index(services, i);
        const struct report_chart *chart = view_chart_of(view, service->id);
        if (chart || service->issues->len > 0 || report_words_tells(view->figures, service))
            add_block(view, service, chart);
    }
    view_close(view->out, ']');
}

/* --- the history ----------------------------------------------------------------------------------------------------
 */

/* "3 days with trouble, the worst Sat 14 Nov 2026 (interrupted)"; the latest of equal ones. NULL: there was none. */
static char *past_words(const struct report_figures *figures, const struct report_service *service,
                        enum report_impact *worst)
{
    int64_t worst_at = 0;
    guint n = 0;

    *worst = REPORT_OPERATIONAL;
    for (guint i = 0; i < service->days->len; i++) {
        const struct report_day *day = &g_array_index(service->days, struct report_day, i);
        n += day->worst > REPORT_OPERATIONAL;
        if (day->worst > REPORT_OPERATIONAL && day->worst >= *worst) {
            *worst = day->worst;
            worst_at = day->from;
        }
    }
    if (n == 0)
        return NULL;
    g_autofree char *days = view_count(n, "day", "days"), *name = g_ascii_strdown(report_impact_name(*worst), -1);
    g_autofree char *when = report_time(figures->history, worst_at, REPORT_TIME_DAY);
    return g_strdup_printf("%s with trouble, %s%s (%s)", days, n > 1 ? "the worst " : "", when, name);
}

static guint add_past_lines(struct view *view)
{
    const struct report_figures *figures = view->figures;
    guint n = 0;

    view_open(view->out, "lines", '[');
    for (guint i = 0; i < figures->services->len; i++) {
        const struct report_service *service = g_ptr_array_index(figures->services, i);
        enum report_impact worst;
        g_autofree char *words = past_words(figures, service, &worst);
        if (!words)
            continue;
        view_open(view->out, NULL, '{');
        view_take_text(view->out, "name", view_line(service->name));
        view_add_impact(view->out, worst);
        view_add_text(view->out, "words", words);
        view_close(view->out, '}');
        n++;
    }
    view_close(view->out, ']');
    return n;
}

void view_add_history(struct view *view)
{
    const struct report_figures *figures = view->figures;
    const struct report_service *first = figures->services->len > 0 ? g_ptr_array_index(figures->services, 0) : NULL;

    if (!first || figures->history->from >= figures->window->from)
        return;
    view_open(view->out, "past", '{');
    view_add_number(view->out, "days", first->days->len);
    view_add_flag(view->out, "calm", add_past_lines(view) == 0);
    view_close(view->out, '}');
}
