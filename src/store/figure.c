/* Figures as SQL: what a report says, asked for anew on the views, by statements that people can read, and paste. */
#include "base/text.h"
#include "base/timestamp.h"
#include "store/store_private.h"

static const enum statement_id statement_of[STORE_FIGURES] = {
    [STORE_FIGURE_STRETCHES] = STATEMENT_FIGURE_STRETCHES,
    [STORE_FIGURE_OVERALL] = STATEMENT_FIGURE_OVERALL,
    [STORE_FIGURE_AVAILABILITY] = STATEMENT_FIGURE_AVAILABILITY,
    [STORE_FIGURE_OCCURRENCES] = STATEMENT_FIGURE_OCCURRENCES,
    [STORE_FIGURE_GAPS] = STATEMENT_FIGURE_GAPS,
    [STORE_FIGURE_ISSUES] = STATEMENT_FIGURE_ISSUES,
    [STORE_FIGURE_ANNOUNCEMENTS] = STATEMENT_FIGURE_ANNOUNCEMENTS,
};

/* A question with its values as the statements take them. Strings are owned. */
struct question {
    const struct store_figure_query *query;
    char *tenant_id; /* NULL: there is no such customer */
    char *from, *to, *last;
    char *map; /* JSON object of the names' priorities */
};

static void question_clear(struct question *question)
{
    g_free(question->tenant_id);
    g_free(question->from);
    g_free(question->to);
    g_free(question->last);
    g_free(question->map);
}

/* Moments in the form of the views' columns that they are compared with. */
static char *moment(int64_t seconds, bool of_record)
{
    char text[TIMESTAMP_TEXT_BYTES];
    if (!of_record)
        return timestamp_format_seconds(seconds);
    timestamp_format((struct timestamp){seconds, 0}, text);
    return g_strdup(text);
}

/* A few names a line: it is to be read. */
static char *status_map(const struct store_figure_query *query)
{
    enum { A_LINE = 4 };
    GString *map = g_string_new("{");
    for (size_t i = 0; query->statuses && query->statuses[i]; i++) {
        g_string_append(map, i == 0 ? "" : i % A_LINE ? ", " : ",\n        ");
        text_append_json(map, query->statuses[i]);
        g_string_append_printf(map, ": %d", query->priorities[i]);
    }
    g_string_append_c(map, '}');
    return text_take(map);
}

/* The customer's tenant, by which the statements go: it has one row, whatever its names were. */
static bool find_tenant(struct store *store, const struct store_figure_query *query, char **tenant_id, GError **error)
{
    struct statement *find = statement_get(store, STATEMENT_REPORT_CUSTOMER, error);
    *tenant_id = NULL;
    if (!find)
        return false;
    bind_text(find, 1, query->customer);
    bind_text(find, 2, query->tenant_id);
    enum step step = statement_step(find, error);
    if (step != STEP_ROW)
        return step == STEP_DONE;
    *tenant_id = g_strdup(column_text(find, 1, NULL));
    return statement_end(find, error);
}

static bool question_init(struct question *question, struct store *store, const struct store_figure_query *query,
                          GError **error)
{
    bool of_records = query->figure == STORE_FIGURE_ISSUES || query->figure == STORE_FIGURE_ANNOUNCEMENTS;
    int64_t now = query->now ? query->now : query->to;

    *question = (struct question){.query = query};
    question->from = moment(query->from, of_records);
    question->to = moment(query->to, of_records);
    question->last = moment(of_records ? query->actions_to : now, of_records);
    question->map = status_map(query);
    return find_tenant(store, query, &question->tenant_id, error);
}

/* The figure's statement with its values bound; they live as long as the question. */
static struct statement *ask(struct store *store, const struct question *question, GError **error)
{
    const struct store_figure_query *query = question->query;
    struct statement *statement = statement_get(store, statement_of[query->figure], error);
    if (!statement)
        return NULL;
    bind_text(statement, 1, query->customer);
    bind_text(statement, 2, question->tenant_id);
    bind_text(statement, 3, query->service);
    bind_text(statement, 4, question->from);
    bind_text(statement, 5, question->to);
    bind_text(statement, 6, question->last);
    int parameters = sqlite3_bind_parameter_count(statement->handle);
    if (parameters >= 7)
        bind_int(statement, 7, query->max_gap_s);
    if (parameters >= 9) {
        bind_text(statement, 8, question->map);
        bind_int(statement, 9, query->unknown_priority);
    }
    return statement;
}

/* The statement's text with its values; it does not run. */
static char *expand(struct statement *statement, GError **error)
{
    char *expanded = sqlite3_expanded_sql(statement->handle);
    g_autofree char *sql = g_strdup(expanded);
    sqlite3_free(expanded);
    if (!statement_end(statement, error)) /* a value that could not be bound is told here */
        return NULL;
    if (!sql)
        store_error_set(statement->store, statement_texts[statement->id].name, SQLITE_NOMEM, error);
    return g_steal_pointer(&sql);
}

char *store_figure_sql(struct store *store, const struct store_figure_query *query, GError **error)
{
    struct question question;
    struct statement *statement = question_init(&question, store, query, error) ? ask(store, &question, error) : NULL;
    char *sql = statement ? expand(statement, error) : NULL;

    question_clear(&question);
    return sql;
}

static char **row_of(struct statement *row)
{
    int columns = sqlite3_column_count(row->handle);
    char **values = g_new0(char *, (gsize)columns + 1);
    for (int i = 0; i < columns; i++) {
        const char *value = column_text(row, i, NULL);
        values[i] = g_strdup(value ? value : "");
    }
    return values;
}

static bool read_rows(struct store *store, const struct question *question, GPtrArray *rows, GError **error)
{
    struct statement *statement = ask(store, question, error);
    enum step step = STEP_FAILED;
    while (statement && (step = statement_step(statement, error)) == STEP_ROW)
        g_ptr_array_add(rows, row_of(statement));
    return step == STEP_DONE;
}

GPtrArray *store_figure_rows(struct store *store, const struct store_figure_query *query, GError **error)
{
    g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func((GDestroyNotify)g_strfreev);
    struct question question;
    bool read = question_init(&question, store, query, error) && read_rows(store, &question, rows, error);

    question_clear(&question);
    return read ? g_steal_pointer(&rows) : NULL;
}
