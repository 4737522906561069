#include "store/search.h"
#include "store/facets.h"
#include "store/words.h"

/* --- the question
 * ----------------------------------------------------------------------------------------------------- */

struct question {
    int64_t lowest, highest; /* event ids, both included */
    char *match;             /* FTS5 expression; NULL: every event */
};

static void question_clear(struct question *question)
{
    g_free(question->match);
}

static void set_range(struct question *question, const struct store_query *query)
{
    question->lowest = query->has_start ? event_id_first(query->start) : INT64_MIN;
    question->highest = INT64_MAX;
    if (query->has_end) /* the end is excluded; saturated at the far past, nothing is left */
        question->highest = MAX(event_id_first(query->end), INT64_MIN + 1) - 1;
    if (query->before_event_id != 0)
        question->highest = MIN(question->highest, MAX(query->before_event_id, INT64_MIN + 1) - 1);
}

/* Appends the filters as one expression about facets; nothing when there are none. */
static bool append_filters(struct store *store, GString *match, const struct store_query *query, GError **error)
{
    const struct {
        enum facet facet;
        const char *value;
    } filters[] = {{FACET_CUSTOMER, query->customer},   {FACET_SOURCE, query->source}, {FACET_SERVICE, query->service},
                   {FACET_OPERATION, query->operation}, {FACET_RESULT, query->result}, {FACET_ACTOR, query->actor}};
    bool any = false;
    for (size_t i = 0; i < G_N_ELEMENTS(filters); i++) {
        char token[FACET_TOKEN_BYTES];
        if (!facet_token(filters[i].facet, filters[i].value, token))
            continue;
        g_string_append(match, any ? " AND " : "facets : (");
        any = true;
        if (filters[i].facet != FACET_CUSTOMER)
            g_string_append(match, token);
        else if (!search_append_customer(store, match, filters[i].value, error))
            return false;
    }
    if (any)
        g_string_append_c(match, ')');
    return true;
}

static bool question_init(struct question *question, struct store *store, const struct store_query *query,
                          GError **error)
{
    g_autoptr(GString) match = g_string_new(NULL);
    *question = (struct question){0};
    set_range(question, query);
    if (!append_filters(store, match, query, error))
        return false;
    if (!words_blank(query->words)) {
        if (match->len > 0)
            g_string_append(match, " AND ");
        if (!search_append_words(store, match, query->words, query->fts_syntax, error))
            return false;
    }
    question->match = match->len ? g_strdup(match->str) : NULL;
    return true;
}

/* --- rows
 * ------------------------------------------------------------------------------------------------------------- */

struct piece {
    GArray *events; /* struct store_event; the strings lie in `texts` */
    struct search_texts texts;
    bool last; /* no more match */
};

static void copy_event(struct piece *piece, struct statement *row)
{
    struct store_event event = {.event_id = column_int(row, 0)};
    const char **const columns[] = {&event.customer,
                                    &event.tenant_id,
                                    &event.source,
                                    &event.id,
                                    &event.timestamp,
                                    &event.service,
                                    &event.operation,
                                    &event.result,
                                    &event.actor_display,
                                    &event.target_displays,
                                    &event.display_summary,
                                    &event.dedupe_key,
                                    &event.actor,
                                    &event.targets,
                                    &event.raw,
                                    &event.raw_text,
                                    &event.first_seen,
                                    &event.changed_at};
    for (int i = 0; i < (int)G_N_ELEMENTS(columns); i++)
        *columns[i] = search_texts_copy(&piece->texts, row, i + 1, columns[i] == &event.raw ? &event.raw_length : NULL);
    g_array_append_val(piece->events, event);
}

static void piece_init(struct piece *piece)
{
    *piece = (struct piece){0};
    piece->events = g_array_new(FALSE, FALSE, sizeof(struct store_event));
    search_texts_init(&piece->texts);
}

static void piece_clear(struct piece *piece)
{
    g_array_unref(piece->events);
    search_texts_clear(&piece->texts);
}

/* The statement, bound, that answers the question up to `limit` rows. */
static struct statement *ask(struct store *store, enum statement_id id, const struct question *question, int64_t limit,
                             GError **error)
{
    struct statement *statement = statement_get(store, id, error);
    if (!statement)
        return NULL;
    bind_int(statement, 1, question->lowest);
    bind_int(statement, 2, question->highest);
    bind_int(statement, 3, limit);
    if (question->match)
        bind_text(statement, 4, question->match);
    return statement;
}

/* Reads the newest rows of the question, and takes them out of it. */
static bool read_piece(struct store *store, struct question *question, int64_t most, struct piece *piece,
                       GError **error)
{
    enum statement_id id = question->match ? STATEMENT_SEARCH_FTS : STATEMENT_SEARCH_ALL;
    struct statement *rows = ask(store, id, question, most, error);
    if (!rows)
        return false;
    g_array_set_size(piece->events, 0);
    search_texts_reset(&piece->texts);

    enum step step = STEP_ROW;
    while (piece->texts.bytes < SEARCH_PIECE_BYTES && (step = statement_step(rows, error)) == STEP_ROW) {
        copy_event(piece, rows);
        question->highest = column_int(rows, 0) - 1;
    }
    piece->last = step == STEP_DONE && piece->events->len < most;
    return step == STEP_ROW ? statement_end(rows, error) : step == STEP_DONE;
}

/* Hands the rows over; false when the receiver has had enough. */
static bool hand_over(const struct piece *piece, store_event_fn each, void *user)
{
    for (guint i = 0; i < piece->events->len; i++)
        if (!each(&g_array_index(piece->events, struct store_event, i), user))
            return false;
    return true;
}

static bool search(struct store *store, struct question *question, const struct store_query *query, store_event_fn each,
                   void *user, GError **error)
{
    struct piece piece;
    struct search_limit limit;
    bool ok = true, more = true;

    piece_init(&piece);
    search_limit_init(&limit, query->time_limit_ms);
    for (int64_t left = query->limit; ok && more && left > 0; left -= piece.events->len) {
        search_limit_start(&limit, store);
        ok = read_piece(store, question, MIN(left, SEARCH_PIECE_ROWS), &piece, error);
        search_limit_stop(&limit, store);
        more = ok && hand_over(&piece, each, user) && !piece.last;
    }
    piece_clear(&piece);
    return ok;
}

bool store_search(struct store *store, const struct store_query *query, store_event_fn each, void *user, GError **error)
{
    struct question question;
    g_autoptr(GError) cause = NULL;
    bool ok = question_init(&question, store, query, &cause) && search(store, &question, query, each, user, &cause);
    question_clear(&question);
    search_blame_query(store, query->fts_syntax, &cause);
    if (!ok)
        g_propagate_error(error, g_steal_pointer(&cause));
    return ok;
}

static bool count(struct store *store, const struct question *question, int64_t most, int time_limit_ms, int64_t *n,
                  GError **error)
{
    enum statement_id id = question->match ? STATEMENT_COUNT_FTS : STATEMENT_COUNT_ALL;
    struct statement *statement = ask(store, id, question, most, error);
    if (!statement)
        return false;
    struct search_limit limit;
    search_limit_init(&limit, time_limit_ms);
    search_limit_start(&limit, store);
    bool ok = statement_int(statement, 0, n, error);
    search_limit_stop(&limit, store);
    return ok;
}

int64_t store_search_count(struct store *store, const struct store_query *query, int64_t cap, GError **error)
{
    struct question question;
    g_autoptr(GError) cause = NULL;
    int64_t n = -1;
    bool ok = question_init(&question, store, query, &cause) &&
              count(store, &question, cap < INT64_MAX ? cap + 1 : cap, query->time_limit_ms, &n, &cause);
    question_clear(&question);
    search_blame_query(store, query->fts_syntax, &cause);
    if (!ok)
        g_propagate_error(error, g_steal_pointer(&cause));
    return ok ? n : -1;
}
