/* What a report of service health is made of. */
#include "base/timestamp.h"
#include "store/store_private.h"

/* A read of the whole. */
struct read {
    struct store *store;
    const struct store_report_query *query;
    struct store_report *report;
    int64_t customer_id;
};

/* --- the report
 * ---------------------------------------------------------------------------------------------------- */

static void state_free(gpointer data)
{
    struct store_report_state *state = data;
    g_free(state->service);
    g_free(state->status);
    g_free(state);
}

static void scan_free(gpointer data)
{
    struct store_report_scan *scan = data;
    g_free(scan->error);
    g_free(scan);
}

static void service_free(gpointer data)
{
    struct store_report_service *service = data;
    g_free(service->id);
    g_free(service->name);
    g_free(service->status);
    g_free(service);
}

static void record_free(gpointer data)
{
    struct store_report_record *record = data;
    g_free(record->id);
    g_free(record->raw);
    g_free(record);
}

static struct store_report *report_new(void)
{
    struct store_report *report = g_new0(struct store_report, 1);
    report->services = g_ptr_array_new_with_free_func(service_free);
    report->states = g_ptr_array_new_with_free_func(state_free);
    report->scans = g_ptr_array_new_with_free_func(scan_free);
    report->issues = g_ptr_array_new_with_free_func(record_free);
    report->messages = g_ptr_array_new_with_free_func(record_free);
    return report;
}

void store_report_free(struct store_report *report)
{
    if (!report)
        return;
    g_free(report->tenant_id);
    g_free(report->namesake);
    g_ptr_array_unref(report->services);
    g_ptr_array_unref(report->states);
    g_ptr_array_unref(report->scans);
    g_ptr_array_unref(report->issues);
    g_ptr_array_unref(report->messages);
    g_free(report);
}

/* --- rows
 * ---------------------------------------------------------------------------------------------------- */

static void add_service(GPtrArray *services, struct statement *row)
{
    struct store_report_service *service = g_new0(struct store_report_service, 1);
    service->id = g_strdup(column_text(row, 0, NULL));
    service->name = g_strdup(column_text(row, 1, NULL));
    service->status = g_strdup(column_text(row, 2, NULL));
    g_ptr_array_add(services, service);
}

static void add_state(GPtrArray *states, struct statement *row)
{
    struct store_report_state *state = g_new0(struct store_report_state, 1);
    state->service = g_strdup(column_text(row, 0, NULL));
    state->status = g_strdup(column_text(row, 1, NULL));
    state->first_seen = column_int(row, 2);
    state->last_seen = column_int(row, 3);
    state->samples = column_int(row, 4);
    g_ptr_array_add(states, state);
}

static void add_scan(GPtrArray *scans, struct statement *row)
{
    struct store_report_scan *scan = g_new0(struct store_report_scan, 1);
    scan->at = column_int(row, 0);
    scan->good = column_int(row, 1) != 0;
    scan->error = scan->good ? NULL : g_strdup(column_text(row, 2, NULL));
    g_ptr_array_add(scans, scan);
}

static void add_record(GPtrArray *records, struct statement *row)
{
    struct store_report_record *record = g_new0(struct store_report_record, 1);
    record->id = g_strdup(column_text(row, 0, NULL));
    const char *raw = column_text(row, 1, &record->raw_length);
    record->raw = g_strndup(raw ? raw : "", record->raw_length);
    record->first_seen = column_int(row, 2);
    g_ptr_array_add(records, record);
}

/* --- reading
 * ---------------------------------------------------------------------------------------------------- */

/* Hands each row of a statement to `add`. */
static bool read_rows(struct statement *rows, void (*add)(GPtrArray *, struct statement *), GPtrArray *into,
                      GError **error)
{
    enum step step;
    while ((step = statement_step(rows, error)) == STEP_ROW)
        add(into, rows);
    return step == STEP_DONE;
}

/* The customer of a tenant, or of a name (NULL); *id stays where there is none. */
static bool find_customer(const struct read *read, const char *by_tenant, int64_t *id, char **tenant_id, GError **error)
{
    struct statement *find = statement_get(read->store, STATEMENT_REPORT_CUSTOMER, error);
    if (!find)
        return false;
    bind_text(find, 1, read->query->customer);
    bind_text(find, 2, by_tenant);
    enum step step = statement_step(find, error);
    if (step != STEP_ROW)
        return step == STEP_DONE;
    *id = column_int(find, 0);
    *tenant_id = g_strdup(column_text(find, 1, NULL));
    return statement_end(find, error);
}

/* By the tenant where it is known: names change. */
static bool identify(struct read *read, GError **error)
{
    struct store_report *report = read->report;
    const char *tenant_id = read->query->tenant_id;
    int64_t namesake = 0;

    if (!find_customer(read, tenant_id, &read->customer_id, &report->tenant_id, error) ||
        (tenant_id && !find_customer(read, NULL, &namesake, &report->namesake, error)))
        return false;
    if (g_strcmp0(report->namesake, tenant_id) == 0)
        g_clear_pointer(&report->namesake, g_free);
    return true;
}

/* A statement about the customer. */
static struct statement *of_customer(const struct read *read, enum statement_id id, GError **error)
{
    struct statement *statement = statement_get(read->store, id, error);
    if (statement)
        bind_int(statement, 1, read->customer_id);
    return statement;
}

static bool read_services(const struct read *read, GError **error)
{
    struct statement *rows = of_customer(read, STATEMENT_REPORT_SERVICES, error);
    return rows && read_rows(rows, add_service, read->report->services, error);
}

/* States, or scans: what is read from the beginning of the history on. */
static bool read_history(const struct read *read, enum statement_id id, void (*add)(GPtrArray *, struct statement *),
                         GPtrArray *into, GError **error)
{
    struct statement *rows = of_customer(read, id, error);
    if (!rows)
        return false;
    bind_int(rows, 2, read->query->history_from);
    bind_int(rows, 3, read->query->to);
    return read_rows(rows, add, into, error);
}

/* Issues, or messages: what is of the window itself, whose moments are those of the records. */
static bool read_records(const struct read *read, enum statement_id id, GPtrArray *into, GError **error)
{
    char from[TIMESTAMP_TEXT_BYTES], to[TIMESTAMP_TEXT_BYTES], actions_to[TIMESTAMP_TEXT_BYTES];
    struct statement *rows = of_customer(read, id, error);
    if (!rows)
        return false;
    timestamp_format((struct timestamp){read->query->from, 0}, from);
    timestamp_format((struct timestamp){read->query->to, 0}, to);
    bind_text(rows, 2, from);
    bind_text(rows, 3, to);
    if (id == STATEMENT_REPORT_MESSAGES) {
        timestamp_format((struct timestamp){read->query->actions_to, 0}, actions_to);
        bind_text(rows, 4, actions_to);
    }
    return read_rows(rows, add_record, into, error);
}

static bool read_all(struct read *read, GError **error)
{
    struct store_report *report = read->report;

    if (!identify(read, error))
        return false;
    report->known = read->customer_id != 0;
    return !report->known || (read_services(read, error) &&
                              read_history(read, STATEMENT_REPORT_STATES, add_state, report->states, error) &&
                              read_history(read, STATEMENT_REPORT_SCANS, add_scan, report->scans, error) &&
                              read_records(read, STATEMENT_REPORT_ISSUES, report->issues, error) &&
                              read_records(read, STATEMENT_REPORT_MESSAGES, report->messages, error));
}

/* All of one moment: a scan that is committed meanwhile must not be seen by halves. */
static bool read_at_once(struct read *read, GError **error)
{
    if (!store_begin_read(read->store, error))
        return false;
    if (!read_all(read, error)) {
        store_rollback(read->store);
        return false;
    }
    return store_commit(read->store, error);
}

struct store_report *store_report_read(struct store *store, const struct store_report_query *query, GError **error)
{
    struct store_report *report = report_new();
    struct read read = {.store = store, .query = query, .report = report};

    if (read_at_once(&read, error))
        return report;
    store_report_free(report);
    return NULL;
}
