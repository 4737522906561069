/* The figures of a report, each with the SQL that gives the same: text for people that the sqlite3 shell takes as it
 * is, since all but the statements are comments. */
#include <string.h>

#include "base/base.h"
#include "report/edition.h"

/* One customer's figures being explained. */
struct explanation {
    struct store *store;
    const struct report_options *options;
    const struct edition *edition;
    GArray *priorities; /* int, of the names of the status map */
    GString *out;
    bool differs; /* some answer of SQLite was not the figure */
};

/* --- rows --------------------------------------------------------------------------------------------------------- */

static void add_row(GPtrArray *rows, const char *const *cells)
{
    g_ptr_array_add(rows, g_strdupv((char **)cells));
}

static GPtrArray *rows_new(void)
{
    return g_ptr_array_new_with_free_func((GDestroyNotify)g_strfreev);
}

static const char *or_empty(const char *text)
{
    return text ? text : "";
}

/* The stretches up to now, of which SQLite knows: all, or those of a status, told as occurrences. */
static GPtrArray *stretch_rows(const struct report_figures *figures, const struct report_service *service,
                               bool occurrences)
{
    GPtrArray *rows = rows_new();

    for (guint i = 0; i < service->stretches->len; i++) {
        const struct report_stretch *stretch = &g_array_index(service->stretches, struct report_stretch, i);
        int64_t end = MIN(stretch->to, figures->now);
        g_autofree char *from = timestamp_format_seconds(stretch->from), *to = timestamp_format_seconds(end);
        g_autofree char *seconds = g_strdup_printf("%" G_GINT64_FORMAT, end - stretch->from);
        g_autofree char *scans = g_strdup_printf("%" G_GINT64_FORMAT, stretch->scans);
        g_autofree char *priority = g_strdup_printf("%d", stretch->priority);

        if (!stretch->status && (stretch->from >= end || occurrences))
            continue;
        if (occurrences)
            add_row(rows, (const char *const[]){stretch->status, from, to, seconds, scans, NULL});
        else
            add_row(rows, (const char *const[]){from, to, or_empty(stretch->status), priority, NULL});
    }
    return rows;
}

static GPtrArray *overall_rows(const struct report_service *service)
{
    GPtrArray *rows = rows_new();
    g_autofree char *priority = g_strdup_printf("%d", service->overall_priority);

    add_row(rows, (const char *const[]){or_empty(service->overall_status), priority, NULL});
    return rows;
}

static GPtrArray *availability_rows(const struct report_service *service)
{
    GPtrArray *rows = rows_new();
    g_autofree char *operational = g_strdup_printf("%" G_GINT64_FORMAT, service->operational_s);
    g_autofree char *observed = g_strdup_printf("%" G_GINT64_FORMAT, service->observed_s);

    add_row(rows, (const char *const[]){operational, observed, NULL});
    return rows;
}

static GPtrArray *gap_rows(const struct report_figures *figures)
{
    GPtrArray *rows = rows_new();

    for (guint i = 0; i < figures->gaps->len; i++) {
        const struct report_gap *gap = &g_array_index(figures->gaps, struct report_gap, i);
        g_autofree char *from = timestamp_format_seconds(gap->from), *to = timestamp_format_seconds(gap->to);

        add_row(rows, (const char *const[]){from, to, NULL});
    }
    return rows;
}

static GPtrArray *issue_rows(const GPtrArray *issues)
{
    GPtrArray *rows = rows_new();

    for (guint i = 0; i < issues->len; i++) {
        const struct report_issue *issue = g_ptr_array_index(issues, i);

        add_row(rows, (const char *const[]){issue->id, or_empty(issue->title), or_empty(issue->status), NULL});
    }
    return rows;
}

static bool is_about(const struct report_announcement *announcement, const struct report_service *service)
{
    for (char **name = announcement->services; name && *name; name++)
        if (g_ascii_strcasecmp(*name, service->name) == 0 || g_ascii_strcasecmp(*name, service->id) == 0)
            return true;
    return false;
}

/* Those about a service, or all of them (NULL). The date is in the store's form, as SQLite gives it. */
static GPtrArray *announcement_rows(const struct report_figures *figures, const struct report_service *service)
{
    GPtrArray *rows = rows_new();

    for (guint i = 0; i < figures->announcements->len; i++) {
        const struct report_announcement *announcement = g_ptr_array_index(figures->announcements, i);
        char date[TIMESTAMP_TEXT_BYTES] = "";

        if (service && !is_about(announcement, service))
            continue;
        if (announcement->action_by)
            timestamp_format((struct timestamp){.seconds = announcement->action_by}, date);
        add_row(rows, (const char *const[]){announcement->id, or_empty(announcement->title), date, NULL});
    }
    return rows;
}

static bool same_rows(const GPtrArray *a, const GPtrArray *b)
{
    if (a->len != b->len)
        return false;
    for (guint i = 0; i < a->len; i++)
        if (!g_strv_equal(g_ptr_array_index(a, i), g_ptr_array_index(b, i)))
            return false;
    return true;
}

/* Records are the same by id, and by status or date to the second; the title is for people. */
static bool same_records(const GPtrArray *a, const GPtrArray *b)
{
    enum { ID, LAST = 2, TO_THE_SECOND = 19 };
    g_autoptr(GHashTable) last = g_hash_table_new(g_str_hash, g_str_equal);

    for (guint i = 0; i < a->len; i++)
        g_hash_table_insert(last, ((char **)g_ptr_array_index(a, i))[ID], ((char **)g_ptr_array_index(a, i))[LAST]);
    for (guint i = 0; i < b->len; i++) {
        char **row = g_ptr_array_index(b, i);
        const char *ours = g_hash_table_lookup(last, row[ID]);

        if (!ours || strncmp(ours, row[LAST], TO_THE_SECOND) != 0)
            return false;
    }
    return a->len == b->len;
}

/* --- words -------------------------------------------------------------------------------------------------------- */

/* A line of comment: whatever the text holds, it ends no line. */
static void append_comment(GString *out, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void append_comment(GString *out, const char *format, ...)
{
    va_list arguments;
    g_autofree char *text = NULL, *safe = NULL;

    va_start(arguments, format);
    text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    safe = text_for_terminal(text);
    g_string_append_printf(out, "-- %s\n", safe);
}

static void append_rows(GString *out, const GPtrArray *rows)
{
    for (guint i = 0; i < rows->len; i++) {
        g_autofree char *line = g_strjoinv(" | ", g_ptr_array_index(rows, i));

        append_comment(out, "    %s", line);
    }
}

/* --- one figure --------------------------------------------------------------------------------------------------- */

static struct store_figure_query query_of(const struct explanation *explanation, enum store_figure figure,
                                          const struct report_service *service)
{
    const struct config *config = explanation->options->config;
    const struct edition *edition = explanation->edition;

    return (struct store_figure_query){.figure = figure,
                                       .customer = edition->customer->name,
                                       .tenant_id = edition->customer->tenant_id,
                                       .service = service ? service->id : NULL,
                                       .from = edition->window->from,
                                       .to = edition->window->to,
                                       .actions_to = edition_actions_to(edition->window),
                                       .now = edition->now,
                                       .max_gap_s = config_health_max_gap_s(config),
                                       .statuses = config_status_names(config->statuses),
                                       .priorities = (const int *)(const void *)explanation->priorities->data,
                                       .unknown_priority = config_status_priority(config->statuses, "unknown", NULL)};
}

/* Name, value and rows of a figure, its SQL, and what SQLite makes of it. Taken: `rows`. */
static bool explain(struct explanation *explanation, enum store_figure figure, const struct report_service *service,
                    const char *name, const char *value, GPtrArray *rows, GError **error)
{
    const struct store_figure_query query = query_of(explanation, figure, service);
    g_autoptr(GPtrArray) ours = rows;
    g_autoptr(GPtrArray) theirs = store_figure_rows(explanation->store, &query, error);
    g_autofree char *sql = theirs ? store_figure_sql(explanation->store, &query, error) : NULL;

    if (!sql)
        return false;
    g_string_append_c(explanation->out, '\n');
    append_comment(explanation->out, "%s%s%s: %s", service ? service->name : "", service ? ", " : "", name, value);
    append_rows(explanation->out, ours);
    bool records = figure == STORE_FIGURE_ISSUES || figure == STORE_FIGURE_ANNOUNCEMENTS;
    if (!(records ? same_records(ours, theirs) : same_rows(ours, theirs))) {
        explanation->differs = true;
        append_comment(explanation->out, "THE DATABASE SAYS OTHERWISE:");
        append_rows(explanation->out, theirs);
    }
    g_string_append(explanation->out, sql);
    g_string_append_c(explanation->out, '\n');
    return true;
}

/* A figure whose value is how many rows it has. */
static bool explain_list(struct explanation *explanation, enum store_figure figure,
                         const struct report_service *service, const char *name, GPtrArray *rows, GError **error)
{
    g_autofree char *value = g_strdup_printf("%u", rows->len);

    return explain(explanation, figure, service, name, value, rows, error);
}

static bool explain_service(struct explanation *explanation, const struct report_service *service, GError **error)
{
    const struct report_figures *figures = explanation->edition->figures;
    g_autofree char *status = service->overall_status ? report_status_words(service->overall_status) : NULL;
    g_autofree char *overall =
        status ? g_strdup_printf("%s, priority %d", status, service->overall_priority) : g_strdup("no data");
    g_autofree char *availability =
        report_availability_words(report_availability(service->operational_s, service->observed_s));

    return explain(explanation, STORE_FIGURE_OVERALL, service, "overall", overall, overall_rows(service), error) &&
           explain(explanation, STORE_FIGURE_AVAILABILITY, service, "availability", availability,
                   availability_rows(service), error) &&
           explain_list(explanation, STORE_FIGURE_STRETCHES, service, "stretches",
                        stretch_rows(figures, service, false), error) &&
           explain_list(explanation, STORE_FIGURE_OCCURRENCES, service, "occurrences",
                        stretch_rows(figures, service, true), error) &&
           explain_list(explanation, STORE_FIGURE_ISSUES, service, "issues", issue_rows(service->issues), error);
}

/* --- the whole ---------------------------------------------------------------------------------------------------- */

static void append_heading(GString *out, const struct edition *edition)
{
    const struct report_window *window = edition->window;
    g_autofree char *first = report_time(window, window->from, REPORT_TIME_DAY);
    g_autofree char *last = report_time(window, window->to - 1, REPORT_TIME_DAY);
    g_autofree char *from = report_time(window, window->from, REPORT_TIME_ISO);
    g_autofree char *to = report_time(window, window->to, REPORT_TIME_ISO);

    bool one = g_str_equal(first, last);

    append_comment(out, "%s: %s%s%s, %s (from %s to before %s)", edition->customer->name, first, one ? "" : " to ",
                   one ? "" : last, window->zone_name, from, to);
}

/* Where the customer follows some services only, those of each; such as name no service are shown besides. */
static bool explain_announcements(struct explanation *explanation, GError **error)
{
    const struct report_figures *figures = explanation->edition->figures;

    if (!explanation->edition->customer->services)
        return explain_list(explanation, STORE_FIGURE_ANNOUNCEMENTS, NULL, "announcements",
                            announcement_rows(figures, NULL), error);
    for (guint i = 0; i < figures->services->len; i++) {
        const struct report_service *service = g_ptr_array_index(figures->services, i);

        if (!explain_list(explanation, STORE_FIGURE_ANNOUNCEMENTS, service, "announcements",
                          announcement_rows(figures, service), error))
            return false;
    }
    return true;
}

static bool explain_customer(struct explanation *explanation, GError **error)
{
    const struct report_figures *figures = explanation->edition->figures;

    append_heading(explanation->out, explanation->edition);
    if (!explain_list(explanation, STORE_FIGURE_GAPS, NULL, "gaps in the scans", gap_rows(figures), error))
        return false;
    for (guint i = 0; i < figures->services->len; i++)
        if (!explain_service(explanation, g_ptr_array_index(figures->services, i), error))
            return false;
    if (!explain_announcements(explanation, error))
        return false;
    g_string_append_c(explanation->out, '\n');
    return true;
}

static GArray *priorities_of(const struct config_status_map *map)
{
    GArray *priorities = g_array_new(FALSE, FALSE, sizeof(int));

    for (const char *const *name = config_status_names(map); *name; name++) {
        int priority = config_status_priority(map, *name, NULL);

        g_array_append_val(priorities, priority);
    }
    return priorities;
}

static bool read_and_explain(const struct report_options *options, struct store *store,
                             const struct config_customer *customer, struct explanation *explanation, GError **error)
{
    int64_t now = clock_now(options->clock);
    g_autoptr(ReportWindow) window = edition_window(options, customer, now, error);
    g_autoptr(Edition) edition = NULL;

    if (!window)
        return false;
    edition = edition_new(options, customer, window, now);
    explanation->edition = edition;
    return edition_read(edition, store, NULL, error) && explain_customer(explanation, error);
}

bool report_explain(const struct report_options *options, GString *out, GError **error)
{
    g_autoptr(Store) store = edition_open_store(options, error);
    g_autoptr(GArray) priorities = priorities_of(options->config->statuses);
    struct explanation explanation = {.store = store, .options = options, .priorities = priorities, .out = out};

    if (!store)
        return false;
    for (guint i = 0; i < options->config->customers->len; i++) {
        const struct config_customer *customer = g_ptr_array_index(options->config->customers, i);

        if (edition_is_wanted(options, customer->name) &&
            !read_and_explain(options, store, customer, &explanation, error))
            return false;
    }
    if (explanation.differs)
        g_set_error(error, REPORT_ERROR, REPORT_ERROR_FAILED,
                    "Figures of the report differ from what their SQL gives: look for THE DATABASE SAYS OTHERWISE, and "
                    "tell the makers of m365keep");
    return !explanation.differs;
}
