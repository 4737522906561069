#include "store/facets.h"
#include "store/store_private.h"
#include "store/words.h"

/* A reader that holds its snapshot lets the write-ahead log grow without bound, and the one who reads our rows may be a
 * pager that waits for a key. So rows are copied in pieces of this size, and no statement is open while they are handed
 * over. */
enum { PIECE_ROWS = 256, PIECE_BYTES = 4 << 20 };

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

/* The facets of the tenants that go, or went, by this name; of the name itself when there are none, which finds
 * nothing. */
static bool append_customer(struct store *store, GString *match, const char *name, GError **error)
{
    sqlite3_stmt *tenants = statement_get(store, STATEMENT_CUSTOMER_TENANTS, error);
    char token[FACET_TOKEN_BYTES];
    enum step step;
    int n = 0;
    if (!tenants)
        return false;
    bind_text(tenants, 1, name);
    while ((step = statement_step(store, STATEMENT_CUSTOMER_TENANTS, tenants, error)) == STEP_ROW)
        if (facet_token(FACET_CUSTOMER, (const char *)sqlite3_column_text(tenants, 0), token))
            g_string_append_printf(match, "%s%s", n++ ? " OR " : "(", token);
    if (n == 0 && facet_token(FACET_CUSTOMER, name, token))
        g_string_append_printf(match, "(%s", token);
    g_string_append_c(match, ')');
    return step == STEP_DONE;
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
        else if (!append_customer(store, match, filters[i].value, error))
            return false;
    }
    if (any)
        g_string_append_c(match, ')');
    return true;
}

/* A raw expression must be whole by itself: put between parentheses, "a) OR (b" would step around the filters. */
static bool check_raw(struct store *store, const char *expression, GError **error)
{
    sqlite3_stmt *check = statement_get(store, STATEMENT_FTS_CHECK_SYNTAX, error);
    if (!check)
        return false;
    bind_text(check, 1, expression);
    return statement_run(store, STATEMENT_FTS_CHECK_SYNTAX, check, error);
}

static bool append_words(struct store *store, GString *match, const struct store_query *query, GError **error)
{
    g_string_append(match, "text : (");
    if (!query->fts_syntax) {
        if (!words_append_fts(match, query->words, error))
            return false;
    } else {
        if (!check_raw(store, query->words, error))
            return false;
        g_string_append(match, query->words);
    }
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
        if (!append_words(store, match, query, error))
            return false;
    }
    question->match = match->len ? g_strdup(match->str) : NULL;
    return true;
}

/* What SQLite says about somebody's own FTS5 expression is for that somebody. */
static void blame_query(const struct store_query *query, GError **error)
{
    if (!query->fts_syntax || !error || !g_error_matches(*error, STORE_ERROR, STORE_ERROR_FAILED))
        return;
    g_autoptr(GError) cause = g_steal_pointer(error);
    const char *words = strstr(cause->message, ": ");
    g_set_error(error, STORE_ERROR, STORE_ERROR_QUERY, "the search expression is no FTS5 query: %s",
                words ? words + 2 : cause->message);
}

/* --- the time limit
 * ----------------------------------------------------------------------------------------------------- */

enum { STEPS_BETWEEN_LOOKS = 2000 };

struct limit {
    int64_t left_us; /* real time; negative: none is set */
    int64_t deadline_us;
};

static int is_over(void *user)
{
    const struct limit *limit = user;
    return g_get_monotonic_time() > limit->deadline_us;
}

static void limit_init(struct limit *limit, int time_limit_ms)
{
    limit->left_us = time_limit_ms > 0 ? time_limit_ms * INT64_C(1000) : -1;
    limit->deadline_us = 0;
}

/* Only SQLite's time counts, not that of the one who takes the rows. */
static void limit_start(struct limit *limit, struct store *store)
{
    if (limit->left_us < 0)
        return;
    limit->deadline_us = g_get_monotonic_time() + limit->left_us;
    sqlite3_progress_handler(store->db, STEPS_BETWEEN_LOOKS, is_over, limit);
}

static void limit_stop(struct limit *limit, struct store *store)
{
    if (limit->left_us < 0)
        return;
    sqlite3_progress_handler(store->db, 0, NULL, NULL);
    limit->left_us = MAX(limit->deadline_us - g_get_monotonic_time(), 0);
}

/* --- rows
 * ------------------------------------------------------------------------------------------------------------- */

struct piece {
    GArray *events; /* struct store_event; the strings lie in `texts` */
    GStringChunk *texts;
    size_t bytes;
    bool last; /* no more match */
};

static const char *copy_text(struct piece *piece, sqlite3_stmt *row, int column, size_t *length)
{
    const char *text = (const char *)sqlite3_column_text(row, column);
    if (!text)
        return NULL;
    size_t bytes = (size_t)sqlite3_column_bytes(row, column);
    piece->bytes += bytes;
    if (length)
        *length = bytes;
    return g_string_chunk_insert_len(piece->texts, text, (gssize)bytes);
}

static void copy_event(struct piece *piece, sqlite3_stmt *row)
{
    struct store_event event = {.event_id = sqlite3_column_int64(row, 0)};
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
        *columns[i] = copy_text(piece, row, i + 1, columns[i] == &event.raw ? &event.raw_length : NULL);
    g_array_append_val(piece->events, event);
}

static void piece_init(struct piece *piece)
{
    *piece = (struct piece){0};
    piece->events = g_array_new(FALSE, FALSE, sizeof(struct store_event));
    piece->texts = g_string_chunk_new(1 << 16);
}

static void piece_clear(struct piece *piece)
{
    g_array_unref(piece->events);
    g_string_chunk_free(piece->texts);
}

/* The statement, bound, that answers the question up to `limit` rows. */
static sqlite3_stmt *ask(struct store *store, enum statement_id id, const struct question *question, int64_t limit,
                         GError **error)
{
    sqlite3_stmt *statement = statement_get(store, id, error);
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
    sqlite3_stmt *rows = ask(store, id, question, most, error);
    if (!rows)
        return false;
    g_array_set_size(piece->events, 0);
    g_string_chunk_clear(piece->texts);
    piece->bytes = 0;

    enum step step = STEP_ROW;
    while (piece->bytes < PIECE_BYTES && (step = statement_step(store, id, rows, error)) == STEP_ROW) {
        copy_event(piece, rows);
        question->highest = sqlite3_column_int64(rows, 0) - 1;
    }
    sqlite3_reset(rows);
    piece->last = step == STEP_DONE && piece->events->len < most;
    return step != STEP_FAILED;
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
    struct limit limit;
    bool ok = true, more = true;

    piece_init(&piece);
    limit_init(&limit, query->time_limit_ms);
    for (int64_t left = query->limit; ok && more && left > 0; left -= piece.events->len) {
        limit_start(&limit, store);
        ok = read_piece(store, question, MIN(left, PIECE_ROWS), &piece, error);
        limit_stop(&limit, store);
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
    blame_query(query, &cause);
    if (!ok)
        g_propagate_error(error, g_steal_pointer(&cause));
    return ok;
}

static bool count(struct store *store, const struct question *question, int64_t most, int time_limit_ms, int64_t *n,
                  GError **error)
{
    enum statement_id id = question->match ? STATEMENT_COUNT_FTS : STATEMENT_COUNT_ALL;
    sqlite3_stmt *statement = ask(store, id, question, most, error);
    if (!statement)
        return false;
    struct limit limit;
    limit_init(&limit, time_limit_ms);
    limit_start(&limit, store);
    bool ok = statement_int(store, id, statement, 0, n, error);
    limit_stop(&limit, store);
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
    blame_query(query, &cause);
    if (!ok)
        g_propagate_error(error, g_steal_pointer(&cause));
    return ok ? n : -1;
}
