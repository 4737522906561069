#include "base/timestamp.h"
#include "store/facets.h"
#include "store/search.h"
#include "store/words.h"

struct receiver {
    store_health_fn each;
    void *user;
};

/* The statements about one kind of records. */
struct kind {
    enum statement_id all, fts, row;
    void (*copy)(struct statement *row, struct search_texts *texts, void *copied);
};

/* --- rows
 * ---------------------------------------------------------------------------------------------------- */

/* Copies the columns from `first` on. */
static void copy_columns(struct statement *row, struct search_texts *texts, int first, const char **const *columns,
                         int n)
{
    for (int i = 0; i < n; i++)
        *columns[i] = search_texts_copy(texts, row, first + i, NULL);
}

/* What issues and messages have in common comes first: the id, a flag, and these. */
static int copy_common(struct statement *row, struct search_texts *texts, struct store_health_row *copied)
{
    const char **const columns[] = {
        &copied->customer, &copied->tenant_id,     &copied->id,       &copied->title,      &copied->start,
        &copied->end,      &copied->last_modified, &copied->raw_text, &copied->first_seen, &copied->changed_at,
    };
    int n = (int)G_N_ELEMENTS(columns);
    copied->row_id = column_int(row, 0);
    copied->is_resolved = copied->is_major_change = -1;
    copied->raw = search_texts_copy(texts, row, 2, &copied->raw_length);
    copy_columns(row, texts, 3, columns, n);
    return 3 + n;
}

static void copy_issue(struct statement *row, struct search_texts *texts, void *into)
{
    struct store_health_row *copied = into;
    const char **const columns[] = {&copied->service, &copied->classification, &copied->status, &copied->posts};
    int at = copy_common(row, texts, copied);
    copied->kind = STORE_HEALTH_ISSUES;
    copied->is_resolved = (int)column_int(row, 1);
    copy_columns(row, texts, at, columns, (int)G_N_ELEMENTS(columns));
}

static void copy_message(struct statement *row, struct search_texts *texts, void *into)
{
    struct store_health_row *copied = into;
    const char **const columns[] = {&copied->services, &copied->category, &copied->severity,
                                    &copied->action_required_by};
    int at = copy_common(row, texts, copied);
    copied->kind = STORE_HEALTH_MESSAGES;
    copied->is_major_change = (int)column_int(row, 1);
    copy_columns(row, texts, at, columns, (int)G_N_ELEMENTS(columns));
}

static const struct kind *kind_of(const struct store_health_query *query)
{
    static const struct kind issues = {STATEMENT_SEARCH_ISSUES_ALL, STATEMENT_SEARCH_ISSUES_FTS,
                                       STATEMENT_SEARCH_ISSUES_ROW, copy_issue},
                             messages = {STATEMENT_SEARCH_MESSAGES_ALL, STATEMENT_SEARCH_MESSAGES_FTS,
                                         STATEMENT_SEARCH_MESSAGES_ROW, copy_message};
    return query->kind == STORE_HEALTH_ISSUES ? &issues : &messages;
}

/* --- the question
 * ---------------------------------------------------------------------------------------------------- */

/* Appends the filters as one expression about facets; nothing when there are none. */
static bool append_filters(struct store *store, GString *match, const struct store_health_query *query, GError **error)
{
    char token[FACET_TOKEN_BYTES];
    bool customer = query->customer && *query->customer, service = facet_token(FACET_SERVICE, query->service, token);
    if (!customer && !service)
        return true;
    g_string_append(match, "facets : (");
    if (service)
        g_string_append(match, token);
    if (service && customer)
        g_string_append(match, " AND ");
    if (customer && !search_append_customer(store, match, query->customer, error))
        return false;
    g_string_append_c(match, ')');
    return true;
}

static bool append_match(struct store *store, GString *match, const struct store_health_query *query, GError **error)
{
    if (!append_filters(store, match, query, error))
        return false;
    if (words_blank(query->words))
        return true;
    if (match->len > 0)
        g_string_append(match, " AND ");
    return search_append_words(store, match, query->words, query->fts_syntax, error);
}

/* Binds a bound of last_modified, as the store writes it; no bound is NULL. `text` must live until the statement ran.
 */
static void bind_bound(struct statement *statement, int index, bool given, int64_t second,
                       char text[TIMESTAMP_TEXT_BYTES])
{
    timestamp_format((struct timestamp){second, 0}, text);
    bind_text(statement, index, given ? text : NULL);
}

static bool find_ids(struct store *store, const void *data, GArray *ids, GError **error)
{
    const struct store_health_query *query = data;
    const struct kind *kind = kind_of(query);
    g_autoptr(GString) match = g_string_new(NULL);
    char start[TIMESTAMP_TEXT_BYTES], end[TIMESTAMP_TEXT_BYTES];
    if (!append_match(store, match, query, error))
        return false;
    struct statement *rows = statement_get(store, match->len > 0 ? kind->fts : kind->all, error);
    if (!rows)
        return false;
    bind_bound(rows, 1, query->has_start, query->start, start);
    bind_bound(rows, 2, query->has_end, query->end, end);
    bind_int(rows, 3, MAX(query->limit, 0)); /* a negative LIMIT is none */
    if (match->len > 0)
        bind_bytes(rows, 4, match->str, match->len);
    enum step step;
    while ((step = statement_step(rows, error)) == STEP_ROW) {
        int64_t id = column_int(rows, 0);
        g_array_append_val(ids, id);
    }
    return step == STEP_DONE;
}

/* --- the whole
 * ---------------------------------------------------------------------------------------------------- */

static bool hand_row(const void *copied, void *data)
{
    const struct receiver *receiver = data;
    return receiver->each(copied, receiver->user);
}

bool store_search_health(struct store *store, const struct store_health_query *query, store_health_fn each, void *user,
                         GError **error)
{
    g_assert(query->kind != STORE_HEALTH_OVERVIEWS); /* they have no text to search */
    const struct kind *kind = kind_of(query);
    struct receiver receiver = {each, user};
    struct search_rows rows = {.query = query,
                               .fts_syntax = query->fts_syntax,
                               .time_limit_ms = query->time_limit_ms,
                               .find = find_ids,
                               .row_statement = kind->row,
                               .row_bytes = sizeof(struct store_health_row),
                               .copy = kind->copy,
                               .each = hand_row,
                               .user = &receiver};
    return search_rows(store, &rows, error);
}
