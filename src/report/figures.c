#include "report/figures.h"

#include <string.h>

#include "report/records.h"
#include "report/timeline.h"

/* Work in progress. */
struct making {
    struct report_figures *figures;
    const struct store_report *facts;
    const char *const *wanted;   /* NULL: all */
    GHashTable *by_id, *by_name; /* in one case (char *) -> struct report_service *, borrowed */
    struct timeline timeline;
    int64_t known_from; /* facts begin here */
    GArray *day_begins; /* of the history */
};

/* --- services ----------------------------------------------------------------------------------------------------- */

static void service_free(void *data)
{
    struct report_service *service = data;

    g_free(service->id);
    g_free(service->name);
    g_free(service->overall_status);
    g_clear_pointer(&service->stretches, g_array_unref);
    g_clear_pointer(&service->days, g_array_unref);
    g_ptr_array_unref(service->issues);
    g_free(service);
}

/* By its id, or else by its name; NULL. */
static struct report_service *find_service(const struct making *making, const char *name)
{
    g_autofree char *folded = g_utf8_casefold(name, -1);
    struct report_service *service = g_hash_table_lookup(making->by_id, folded);

    return service != NULL ? service : g_hash_table_lookup(making->by_name, folded);
}

static void add_service(struct making *making, const char *id, const char *name)
{
    struct report_service *service = g_new0(struct report_service, 1);

    service->id = g_strdup(id);
    service->name = g_strdup(name != NULL && *name != '\0' ? name : id);
    service->overall_priority = -1;
    service->issues = g_ptr_array_new_with_free_func(record_issue_free);
    g_ptr_array_add(making->figures->services, service);
    g_hash_table_replace(making->by_id, g_utf8_casefold(service->id, -1), service);
    g_hash_table_replace(making->by_name, g_utf8_casefold(service->name, -1), service);
}

/* The names that the customer follows, in one case; NULL: all. Returned: g_hash_table_unref. */
static GHashTable *fold_wanted(const char *const *wanted)
{
    GHashTable *folded;

    if (wanted == NULL)
        return NULL;
    folded = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (const char *const *name = wanted; *name != NULL; name++)
        g_hash_table_add(folded, g_utf8_casefold(*name, -1));
    return folded;
}

static bool is_wanted(GHashTable *wanted, const char *id, const char *name)
{
    g_autofree char *folded_id = g_utf8_casefold(id, -1);
    g_autofree char *folded_name = name != NULL ? g_utf8_casefold(name, -1) : NULL;

    return wanted == NULL || g_hash_table_contains(wanted, folded_id) ||
           (folded_name != NULL && g_hash_table_contains(wanted, folded_name));
}

/* The states come service by service: the end of the ones of states[i]'s. */
static guint service_end(const GPtrArray *states, guint i)
{
    const char *service = ((const struct store_report_state *)g_ptr_array_index(states, i))->service;

    do
        i++;
    while (i < states->len &&
           strcmp(((const struct store_report_state *)g_ptr_array_index(states, i))->service, service) == 0);
    return i;
}

/* Those that the facts know, by their overviews or at least by their states, and those that were asked for and nobody
 * knows. */
static void add_services(struct making *making)
{
    const struct store_report *facts = making->facts;
    g_autoptr(GHashTable) wanted = fold_wanted(making->wanted);

    for (guint i = 0; i < facts->services->len; i++) {
        const struct store_report_service *known = g_ptr_array_index(facts->services, i);
        if (is_wanted(wanted, known->id, known->name))
            add_service(making, known->id, known->name);
    }
    for (guint i = 0; i < facts->states->len; i = service_end(facts->states, i)) {
        const char *id = ((const struct store_report_state *)g_ptr_array_index(facts->states, i))->service;
        g_autofree char *folded = g_utf8_casefold(id, -1);
        if (is_wanted(wanted, id, NULL) && !g_hash_table_contains(making->by_id, folded))
            add_service(making, id, NULL);
    }
    for (const char *const *name = making->wanted; name != NULL && *name != NULL; name++)
        if (find_service(making, *name) == NULL)
            add_service(making, *name, NULL);
}

/* --- states ------------------------------------------------------------------------------------------------------- */

/* Sums up the stretches. */
static void judge(struct report_service *service)
{
    for (guint i = 0; i < service->stretches->len; i++) {
        const struct report_stretch *stretch = &g_array_index(service->stretches, struct report_stretch, i);
        if (stretch->status == NULL)
            continue;
        service->observed_s += stretch->to - stretch->from;
        if (stretch->impact == REPORT_OPERATIONAL)
            service->operational_s += stretch->to - stretch->from;
        if (service->overall_status != NULL && stretch->priority >= service->overall_priority)
            continue;
        g_free(service->overall_status);
        service->overall_status = g_strdup(stretch->status);
        service->overall_priority = stretch->priority;
        service->overall = stretch->impact;
    }
}

static void fill_service(const struct making *making, struct report_service *service,
                         struct store_report_state *const *runs, size_t n)
{
    const struct report_figures *figures = making->figures;
    g_autoptr(GArray) pieces = timeline_pieces(&making->timeline, runs, n);

    service->stretches =
        timeline_stretches(&making->timeline, pieces, making->known_from, figures->window->from, figures->window->to);
    service->days = timeline_days(&making->timeline, pieces, making->day_begins);
    service->window_s = figures->window_s;
    judge(service);
}

static void fill_services(const struct making *making)
{
    const GPtrArray *states = making->facts->states;
    const GPtrArray *services = making->figures->services;

    for (guint i = 0, end; i < states->len; i = end) {
        const struct store_report_state *first = g_ptr_array_index(states, i);
        g_autofree char *folded = g_utf8_casefold(first->service, -1);
        struct report_service *service = g_hash_table_lookup(making->by_id, folded);
        end = service_end(states, i);
        if (service != NULL && service->stretches == NULL)
            fill_service(making, service, (struct store_report_state *const *)&states->pdata[i], end - i);
    }
    for (guint i = 0; i < services->len; i++) {
        struct report_service *service = g_ptr_array_index(services, i);
        if (service->stretches == NULL)
            fill_service(making, service, NULL, 0);
    }
}

/* How long it was as bad as it was at worst. */
static int64_t worst_s(const struct report_service *service)
{
    int64_t sum = 0;

    for (guint i = 0; i < service->stretches->len; i++) {
        const struct report_stretch *stretch = &g_array_index(service->stretches, struct report_stretch, i);
        if (stretch->impact == service->overall)
            sum += stretch->to - stretch->from;
    }
    return sum;
}

/* Of two that were equally bad: the one that was so for longer first, then the one that was less available. */
static int compare_trouble(const struct report_service *a, const struct report_service *b)
{
    int64_t a_worst = worst_s(a), b_worst = worst_s(b);
    int a_available = report_availability(a->operational_s, a->observed_s);
    int b_available = report_availability(b->operational_s, b->observed_s);

    if (a_worst != b_worst)
        return a_worst > b_worst ? -1 : 1;
    return a_available < b_available ? -1 : a_available > b_available;
}

/* The worst first, those that nobody knows of last. */
static int compare_services(const void *one, const void *other)
{
    const struct report_service *a = *(struct report_service *const *)one, *b = *(struct report_service *const *)other;
    unsigned a_rank = (unsigned)a->overall_priority, b_rank = (unsigned)b->overall_priority; /* -1 is the greatest */

    if (a_rank != b_rank)
        return a_rank < b_rank ? -1 : 1;
    int trouble = a->overall > REPORT_OPERATIONAL ? compare_trouble(a, b) : 0;
    if (trouble != 0)
        return trouble;
    g_autofree char *a_name = g_utf8_casefold(a->name, -1), *b_name = g_utf8_casefold(b->name, -1);
    int order = strcmp(a_name, b_name);
    return order != 0 ? order : strcmp(a->id, b->id);
}

/* --- scans -------------------------------------------------------------------------------------------------------- */

/* Counts the scans of the window and sums up what they cover. Returned: the moments of the good ones, g_array_unref. */
static GArray *read_scans(struct report_figures *figures, const GPtrArray *scans)
{
    GArray *good = g_array_sized_new(FALSE, FALSE, sizeof(int64_t), scans->len);

    for (guint i = 0; i < scans->len; i++) {
        const struct store_report_scan *scan = g_ptr_array_index(scans, i);
        bool inside = scan->at >= figures->window->from && scan->at < figures->window->to;
        if (scan->good)
            g_array_append_val(good, scan->at);
        figures->scans_good += inside && scan->good;
        figures->scans_failed += inside && !scan->good;
        if (inside && !scan->good) {
            g_free(figures->last_scan_error);
            figures->last_scan_error = g_strdup(scan->error);
        }
    }
    return good;
}

static void fill_gaps(struct report_figures *figures, const struct timeline *timeline)
{
    int64_t from = figures->window->from, to = figures->window->to;

    figures->window_s = CLAMP(figures->now, from, to) - from;
    figures->observed_s = figures->window_s;
    figures->gaps = timeline_gaps(timeline, from, to);
    for (guint i = 0; i < figures->gaps->len; i++) {
        const struct report_gap *gap = &g_array_index(figures->gaps, struct report_gap, i);
        figures->observed_s -= gap->to - gap->from;
    }
}

/* --- issues and announcements ------------------------------------------------------------------------------------- */

static void add_issues(struct making *making, struct json_tree *tree)
{
    for (guint i = 0; i < making->facts->issues->len; i++) {
        struct report_issue *issue = record_issue_new(tree, g_ptr_array_index(making->facts->issues, i));
        struct report_service *service = issue->service != NULL ? find_service(making, issue->service) : NULL;
        if (service != NULL) {
            g_free(issue->service);
            issue->service = g_strdup(service->name);
            g_ptr_array_add(service->issues, issue);
        } else if (making->wanted == NULL) {
            g_ptr_array_add(making->figures->other_issues, issue);
        } else {
            record_issue_free(issue);
        }
    }
}

/* One that names no service is for everybody. */
static bool concerns(const struct making *making, const struct report_announcement *announcement)
{
    if (making->wanted == NULL || announcement->services[0] == NULL)
        return true;
    for (char **name = announcement->services; *name != NULL; name++)
        if (find_service(making, *name) != NULL)
            return true;
    return false;
}

static int compare_announcements(const void *one, const void *other)
{
    const struct report_announcement *a = *(struct report_announcement *const *)one;
    const struct report_announcement *b = *(struct report_announcement *const *)other;

    if (a->action_by != b->action_by && (a->action_by == 0 || b->action_by == 0))
        return a->action_by == 0 ? 1 : -1;
    if (a->action_by != b->action_by)
        return a->action_by < b->action_by ? -1 : 1;
    if (a->last_modified != b->last_modified)
        return a->last_modified > b->last_modified ? -1 : 1;
    return strcmp(a->id, b->id);
}

static void add_announcements(struct making *making, struct json_tree *tree)
{
    GPtrArray *announcements = making->figures->announcements;

    for (guint i = 0; i < making->facts->messages->len; i++) {
        struct report_announcement *announcement =
            record_announcement_new(tree, g_ptr_array_index(making->facts->messages, i));
        if (concerns(making, announcement))
            g_ptr_array_add(announcements, announcement);
        else
            record_announcement_free(announcement);
    }
    g_ptr_array_sort(announcements, compare_announcements);
}

/* --- the whole ---------------------------------------------------------------------------------------------------- */

static struct report_figures *figures_new(const char *customer, const char *tenant_id,
                                          const struct report_window *window, const struct report_window *history,
                                          int64_t now)
{
    struct report_figures *figures = g_new0(struct report_figures, 1);

    figures->customer = g_strdup(customer);
    figures->tenant_id = g_strdup(tenant_id);
    figures->window = window;
    figures->history = history;
    figures->now = now;
    figures->services = g_ptr_array_new_with_free_func(service_free);
    figures->announcements = g_ptr_array_new_with_free_func(record_announcement_free);
    figures->other_issues = g_ptr_array_new_with_free_func(record_issue_free);
    return figures;
}

struct report_figures *report_figures_new(const struct store_report *facts, const char *customer, const char *tenant_id,
                                          const struct report_window *window, const struct report_window *history,
                                          const char *const *services, const struct config_status_map *map,
                                          int64_t max_gap_s, int64_t now)
{
    struct report_figures *figures = figures_new(customer, tenant_id, window, history, now);
    g_autoptr(GArray) good = read_scans(figures, facts->scans), begins = report_window_days(history);
    g_autoptr(GHashTable) by_id = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GHashTable) by_name = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(JsonTree) tree = json_tree_new();
    struct making making = {
        .figures = figures,
        .facts = facts,
        .wanted = services,
        .by_id = by_id,
        .by_name = by_name,
        .timeline = {.good = (const int64_t *)(void *)good->data,
                     .n_good = good->len,
                     .map = map,
                     .max_gap_s = max_gap_s,
                     .now = now},
        .known_from = MIN(window->from, history->from),
        .day_begins = begins,
    };

    figures->max_gap_s = max_gap_s;
    fill_gaps(figures, &making.timeline);
    add_services(&making);
    fill_services(&making);
    g_ptr_array_sort(figures->services, compare_services);
    add_issues(&making, tree);
    add_announcements(&making, tree);
    return figures;
}

void report_figures_free(struct report_figures *figures)
{
    if (figures == NULL)
        return;
    g_free(figures->customer);
    g_free(figures->tenant_id);
    g_ptr_array_unref(figures->services);
    g_ptr_array_unref(figures->announcements);
    g_ptr_array_unref(figures->other_issues);
    g_clear_pointer(&figures->gaps, g_array_unref);
    g_free(figures->last_scan_error);
    g_free(figures);
}
