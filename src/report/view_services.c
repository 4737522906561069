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

GPtrArray *view_occurrences(const struct report_figures *figures, const struct report_service *service, guint max,
                            guint *left_out, int64_t *left_out_s)
{
    GPtrArray *list = g_ptr_array_new();

    for (guint i = 0; i < service->stretches->len; i++) {
        struct report_stretch *stretch = &g_array_index(service->stretches, struct report_stretch, i);
        if (view_is_occurrence(figures, stretch))
            g_ptr_array_add(list, stretch);
    }
    *left_out = list->len > max ? list->len - max : 0;
    *left_out_s = 0;
    if (*left_out == 0)
        return list;
    g_ptr_array_sort(list, compare_weight);
    for (guint i = max; i < list->len; i++)
        *left_out_s += length_of(figures, g_ptr_array_index(list, i));
    g_ptr_array_set_size(list, (int)max);
    g_ptr_array_sort(list, compare_time);
    return list;
}

int64_t view_longest(const struct report_figures *figures, const struct report_service *service)
{
    int64_t longest = -1;

    for (guint i = 0; i < service->stretches->len; i++) {
        const struct report_stretch *stretch = &g_array_index(service->stretches, struct report_stretch, i);
        if (stretch->impact != REPORT_NO_DATA && view_is_occurrence(figures, stretch))
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

/* "Service degradation; longest occurrence 1 h 25 min; 2 issues": what the table says under the name. NULL: nothing. */
static char *note_of(const struct view *view, const struct report_service *service)
{
    int64_t longest_s = view_longest(view->figures, service);
    g_autofree char *issues = view_count(service->issues->len, "issue", "issues");
    g_autofree char *longest = longest_words(longest_s), *status = NULL;

    if (longest_s < 0)
        return service->issues->len > 0 ? g_steal_pointer(&issues) : NULL;
    status = report_status_words(service->overall_status);
    return g_strdup_printf("%s; longest occurrence %s%s%s", status, longest, service->issues->len > 0 ? "; " : "",
                           service->issues->len > 0 ? issues : "");
}

static void add_service(struct view *view, const struct report_service *service)
{
    int64_t longest = view_longest(view->figures, service);

    view_open(view->out, NULL, '{');
    view_take_text(view->out, "name", view_line(service->name));
    view_add_impact(view->out, service->overall);
    view_take_text(view->out, "status", report_status_words(service->overall_status));
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
    g_autofree char *status = report_status_words(stretch->status), *words = view_line(status);

    return stretch->impact == REPORT_NO_DATA || stretch->known ? g_steal_pointer(&words)
                                                               : g_strdup_printf("%s (not in the status map)", words);
}

/* Since when, where it began before the window. */
static char *before_words(const struct report_figures *figures, const struct report_stretch *stretch)
{
    g_autofree char *began = NULL;

    if (!stretch->before)
        return NULL;
    if (stretch->began_at == 0 || stretch->began_at >= stretch->from)
        return g_strdup("before the window");
    began = report_time(figures->window, stretch->began_at, REPORT_TIME_SHORT);
    return g_strdup_printf("since %s", began);
}

static char *after_words(const struct report_figures *figures, const struct report_stretch *stretch)
{
    if (!stretch->after || stretch->impact == REPORT_NO_DATA)
        return NULL;
    return g_strdup(figures->now < figures->window->to ? "still so" : "goes on");
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
    view_take_text(view->out, "duration", report_duration(length_of(figures, stretch)));
    view_add_number(view->out, "scans", stretch->scans);
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
                                 view_time(figures, stretch->from + length), report_duration(length),
                                 g_strdup_printf("%" G_GINT64_FORMAT, stretch->scans), NULL});
    }
    view_take_text(view->out, "occurrences_text", view_text_table(rows));
}

static void add_occurrences(struct view *view, const struct report_service *service)
{
    guint left_out;
    int64_t left_out_s;
    g_autoptr(GPtrArray) occurrences =
        view_occurrences(view->figures, service, view->limits->occurrences, &left_out, &left_out_s);

    view_open(view->out, "occurrences", '[');
    for (guint i = 0; i < occurrences->len; i++)
        add_occurrence(view, g_ptr_array_index(occurrences, i));
    view_close(view->out, ']');
    view_add_flag(view->out, "has_occurrences", occurrences->len > 0);
    if (occurrences->len > 0)
        add_occurrences_text(view, occurrences);
    if (left_out > 0) {
        g_autofree char *duration = report_duration(left_out_s);
        const char *form = occurrences->len > 0 ? "And %u more, shorter or milder, %s in all."
                                                : "Occurrences of trouble or of no data: %u, %s in all.";
        view_take_text(view->out, "occurrences_more", g_strdup_printf(form, left_out, duration));
    }
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
    view_take_text(view->out, "status", report_status_words(service->overall_status));
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
