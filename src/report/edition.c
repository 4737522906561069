#include "report/edition.h"

#include <glib/gstdio.h>
#include <string.h>

#include "base/base.h"
#include "report/message.h"

enum {
    DAY_S = 86400,
    CHARTS_OF_ALL = 2,          /* overview and history */
    GRAPH_REQUEST_MAX = 4000000 /* "about 4 MB" of base64: "Limitations", Outlook sendMail in MIME format */
};

struct store *edition_open_store(const struct report_options *options, GError **error)
{
    const char *path = options->config->database;
    g_autoptr(GError) cause = NULL;
    struct store *store = store_open(path, options->send ? STORE_WRITE : STORE_READ, &cause);

    if (g_error_matches(cause, STORE_ERROR, STORE_ERROR_NOT_FOUND))
        g_set_error(error, STORE_ERROR, STORE_ERROR_NOT_FOUND,
                    "There is no database at %s yet: run m365keep scan first, or name another with --db", path);
    else if (cause)
        g_propagate_error(error, g_steal_pointer(&cause));
    return store;
}

bool edition_is_wanted(const struct report_options *options, const char *name)
{
    return !options->customer || g_str_equal(options->customer, "all") || g_str_equal(options->customer, name);
}

struct report_window *edition_window(const struct report_options *options, const struct config_customer *customer,
                                     int64_t now, GError **error)
{
    struct report_window *window;

    if (!customer->timezone) {
        g_set_error(error, REPORT_ERROR, REPORT_ERROR_USAGE,
                    "TZ names no time zone that is known here: give the customer one, as in timezone: Europe/Warsaw");
        return NULL;
    }
    window = options->first || options->last
                 ? report_window_of_dates(customer->timezone, now, options->first, options->last, error)
                 : report_window_of_ages(customer->timezone, now, options->config->report.days_from,
                                         options->config->report.days_to, error);
    return window;
}

struct edition *edition_new(const struct report_options *options, const struct config_customer *customer,
                            const struct report_window *window, int64_t now)
{
    struct edition *edition = g_new0(struct edition, 1);

    edition->options = options;
    edition->customer = customer;
    edition->window = window;
    edition->now = now;
    edition->history = report_window_history(window, EDITION_HISTORY_DAYS);
    return edition;
}

void edition_free(struct edition *edition)
{
    if (!edition)
        return;
    report_words_free(edition->words);
    if (edition->charts)
        g_ptr_array_unref(edition->charts);
    report_figures_free(edition->figures);
    report_window_free(edition->history);
    if (edition->message)
        g_bytes_unref(edition->message);
    g_free(edition->message_id);
    g_free(edition);
}

/* --- figures ------------------------------------------------------------------------------------------------------ */

int64_t edition_actions_to(const struct report_window *window)
{
    return window->to + (int64_t)EDITION_ACTION_DAYS * DAY_S;
}

/* What the configuration says of the customer, and the database does not. */
static void warn_of_namesake(const struct edition *edition, const struct store_report *facts, GPtrArray *warnings)
{
    const struct config_customer *customer = edition->customer;

    if (facts->namesake)
        g_ptr_array_add(warnings,
                        g_strdup_printf("The database knows %s as the name of tenant %s, and the configuration "
                                        "gives it to tenant %s: the report is on the latter. Is the "
                                        "customer's variable the right one?",
                                        customer->name, facts->namesake, customer->tenant_id));
}

static bool has_service(const struct store_report *facts, const char *name)
{
    g_autofree char *wanted = g_utf8_casefold(name, -1);

    for (guint i = 0; i < facts->services->len; i++) {
        const struct store_report_service *service = g_ptr_array_index(facts->services, i);
        g_autofree char *id = g_utf8_casefold(service->id, -1);
        g_autofree char *known = service->name ? g_utf8_casefold(service->name, -1) : NULL;

        if (g_str_equal(id, wanted) || g_strcmp0(known, wanted) == 0)
            return true;
    }
    for (guint i = 0; i < facts->states->len; i++) {
        const struct store_report_state *state = g_ptr_array_index(facts->states, i);
        g_autofree char *id = g_utf8_casefold(state->service, -1);

        if (g_str_equal(id, wanted))
            return true;
    }
    return false;
}

/* A service that is misspelt would have no data for ever. */
static void warn_of_services(const struct edition *edition, const struct store_report *facts, GPtrArray *warnings)
{
    if (!facts->services->len && !facts->states->len)
        return;
    for (char **name = edition->customer->services; name && *name; name++)
        if (!has_service(facts, *name))
            g_ptr_array_add(warnings,
                            g_strdup_printf("No scan has ever seen a service \"%s\", which services names: the "
                                            "report has no data of it. Is it spelt as the others of the "
                                            "report?",
                                            *name));
}

static void make_figures(struct edition *edition, const struct store_report *facts)
{
    const struct config *config = edition->options->config;
    const struct config_customer *customer = edition->customer;
    const char *tenant_id = customer->tenant_id ? customer->tenant_id : facts->tenant_id;

    edition->figures = report_figures_new(facts, customer->name, tenant_id, edition->window, edition->history,
                                          (const char *const *)customer->services, config->statuses,
                                          config_health_max_gap_s(config), edition->now);
}

bool edition_read(struct edition *edition, struct store *store, GPtrArray *warnings, GError **error)
{
    const struct config_customer *customer = edition->customer;
    const struct store_report_query query = {.customer = customer->name,
                                             .tenant_id = customer->tenant_id,
                                             .from = edition->window->from,
                                             .to = edition->window->to,
                                             .history_from = MIN(edition->history->from, edition->window->from),
                                             .actions_to = edition_actions_to(edition->window)};
    g_autoptr(StoreReport) facts = store_report_read(store, &query, error);

    if (!facts)
        return false;
    edition->known = facts->known;
    make_figures(edition, facts);
    if (warnings) {
        warn_of_namesake(edition, facts, warnings);
        warn_of_services(edition, facts, warnings);
    }
    return true;
}

/* --- charts and words --------------------------------------------------------------------------------------------- */

/* Takes the chart; false when there is none. */
static bool add_chart(struct edition *edition, struct report_chart *chart, GPtrArray *warnings)
{
    if (!chart)
        return false;
    if (chart->warning && !g_ptr_array_find_with_equal_func(warnings, chart->warning, g_str_equal, NULL))
        g_ptr_array_add(warnings, g_strdup(chart->warning));
    g_ptr_array_add(edition->charts, chart);
    return true;
}

static bool draw_charts(struct edition *edition, GPtrArray *warnings, GError **error)
{
    const struct report_figures *figures = edition->figures;

    edition->charts = g_ptr_array_new_with_free_func((GDestroyNotify)report_chart_free);
    if (!add_chart(edition, report_chart_overview(figures, error), warnings) ||
        !add_chart(edition, report_chart_history(figures, error), warnings))
        return false;
    for (guint i = 0; i < figures->services->len; i++) {
        const struct report_service *service = g_ptr_array_index(figures->services, i);

        if (report_words_tells(figures, service) &&
            !add_chart(edition, report_chart_service(figures, service, error), warnings))
            return false;
    }
    return true;
}

static bool find_words_in(struct edition *edition, const char *signature, const char *templates, GError **error)
{
    const struct report_look look = {
        .subject = edition->options->config->report.subject, .signature = signature, .templates = templates};

    g_clear_pointer(&edition->words, report_words_free);
    edition->words = report_words_new(edition->figures, edition->charts, &look, error);
    return edition->words != NULL;
}

static bool find_words(struct edition *edition, GError **error)
{
    const struct config *config = edition->options->config;

    return find_words_in(edition, config->report.signature, config->report.templates, error);
}

bool edition_draw(struct edition *edition, GPtrArray *warnings, GError **error)
{
    return draw_charts(edition, warnings, error) && find_words(edition, error);
}

/* --- what every report needs ---------------------------------------------------------------------------------------
 */

/* Words without figures: what is wrong with the look itself shows in them, too. */
static bool check_look(struct edition *edition, const char *key, const char *signature, const char *templates,
                       GError **error)
{
    g_autoptr(GError) cause = NULL;

    if (find_words_in(edition, signature, templates, &cause))
        return true;
    g_set_error(error, REPORT_ERROR, REPORT_ERROR_USAGE,
                "%s names what makes no report: %s No report was made: mend that, or take the key out.", key,
                cause->message);
    return false;
}

/* A folder that is not there can be made, but not below a file. */
static bool check_folder(const char *folder, GError **error)
{
    g_autofree char *path = g_strdup(folder);

    while (!g_file_test(path, G_FILE_TEST_EXISTS)) {
        char *above = g_path_get_dirname(path);

        g_free(path);
        path = above;
    }
    if (g_file_test(path, G_FILE_TEST_IS_DIR))
        return true;
    g_set_error(error, REPORT_ERROR, REPORT_ERROR_USAGE,
                "No report can be written into %s: %s is no folder. Name another with --output, or directories.images",
                folder, path);
    return false;
}

bool edition_check(struct edition *edition, const char *folder, GError **error)
{
    g_autoptr(GPtrArray) none = g_ptr_array_new();
    const struct store_report nothing = {
        .services = none, .states = none, .scans = none, .issues = none, .messages = none};
    const struct config *config = edition->options->config;

    make_figures(edition, &nothing);
    edition->charts = g_ptr_array_new();
    return (!folder || check_folder(folder, error)) &&
           check_look(edition, "report.signature", config->report.signature, NULL, error) &&
           check_look(edition, "report.templates", NULL, config->report.templates, error);
}

/* --- the message -------------------------------------------------------------------------------------------------- */

static void add_text(GChecksum *sum, const char *text)
{
    g_checksum_update(sum, (const guchar *)text, (gssize)strlen(text) + 1);
}

/* What tells this mail from every other one: the same tenant, window and content, sent for the first time or for the
 * same reason again, are the same mail, and have the same Message-ID. Returned: g_free. */
static char *identity_of(const struct edition *edition, int64_t follows)
{
    const struct report_figures *figures = edition->figures;
    const struct report_window *window = edition->window;
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);

    add_text(sum, edition->words->subject);
    add_text(sum, edition->words->html);
    add_text(sum, edition->words->text);
    for (guint i = 0; i < edition->charts->len; i++) {
        const struct report_chart *chart = g_ptr_array_index(edition->charts, i);
        gsize length;
        const guchar *bytes = g_bytes_get_data(chart->png, &length);

        g_checksum_update(sum, bytes, (gssize)length);
    }
    return g_strdup_printf("%s report %" G_GINT64_FORMAT " %" G_GINT64_FORMAT " %s %" G_GINT64_FORMAT,
                           figures->tenant_id ? figures->tenant_id : figures->customer, window->from, window->to,
                           g_checksum_get_string(sum), follows);
}

bool edition_has_envelope(const struct edition *edition)
{
    char **to = edition->customer->mail_to;

    return edition->options->config->smtp.from && to && to[0];
}

static bool compose_once(struct edition *edition, int64_t follows, GError **error)
{
    g_autofree char *identity = identity_of(edition, follows);
    const struct report_envelope envelope = {.from = edition->options->config->smtp.from,
                                             .to = (const char *const *)edition->customer->mail_to,
                                             .cc = (const char *const *)edition->customer->mail_cc,
                                             .date = edition->now,
                                             .zone = edition->window->zone,
                                             .identity = identity};

    g_clear_pointer(&edition->message, g_bytes_unref);
    g_clear_pointer(&edition->message_id, g_free);
    edition->message = message_compose(edition->words, edition->charts, &envelope, &edition->message_id, error);
    return edition->message != NULL;
}

/* Graph takes a message as base64, in one request. */
static bool is_too_large(const struct edition *edition)
{
    return edition->options->send && edition->options->config->smtp.transport == CONFIG_TRANSPORT_GRAPH &&
           (g_bytes_get_size(edition->message) + 2) / 3 * 4 > GRAPH_REQUEST_MAX;
}

bool edition_compose(struct edition *edition, int64_t follows, GPtrArray *warnings, GError **error)
{
    if (!compose_once(edition, follows, error))
        return false;
    if (is_too_large(edition) && edition->charts->len > CHARTS_OF_ALL) {
        g_ptr_array_set_size(edition->charts, CHARTS_OF_ALL);
        g_ptr_array_add(warnings, g_strdup("The charts of single services were left out: Microsoft Graph takes no "
                                           "message above 4 MB."));
        if (!find_words(edition, error) || !compose_once(edition, follows, error))
            return false;
    }
    if (!is_too_large(edition))
        return true;
    g_autofree char *size = text_bytes((gint64)g_bytes_get_size(edition->message));
    g_set_error(error, REPORT_ERROR, REPORT_ERROR_FAILED,
                "The mail has %s even without the charts of single services, and Microsoft Graph takes no message "
                "above 4 MB: follow fewer services (customers[].services), report fewer days, or send by a mail server",
                size);
    return false;
}

/* --- files -------------------------------------------------------------------------------------------------------- */

bool edition_write(const struct edition *edition, const char *folder, GPtrArray *files, GError **error)
{
    g_autofree char *stem =
        message_stem(edition->customer->name, edition->window->first_day, edition->window->last_day);
    guint before = files->len;

    if (message_write_files(folder, stem, edition->message, edition->words, edition->charts, files, error))
        return true;
    for (guint i = before; i < files->len; i++)
        g_unlink(g_ptr_array_index(files, i));
    g_ptr_array_set_size(files, (gint)before);
    return false;
}
