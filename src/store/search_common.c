#include "store/facets.h"
#include "store/search.h"
#include "store/words.h"

/* --- the question
 * ---------------------------------------------------------------------------------------------------- */

bool search_append_customer(struct store *store, GString *match, const char *name, GError **error)
{
    struct statement *tenants = statement_get(store, STATEMENT_CUSTOMER_TENANTS, error);
    char token[FACET_TOKEN_BYTES];
    enum step step;
    int n = 0;
    if (!tenants)
        return false;
    bind_text(tenants, 1, name);
    while ((step = statement_step(tenants, error)) == STEP_ROW)
        if (facet_token(FACET_CUSTOMER, column_text(tenants, 0, NULL), token))
            g_string_append_printf(match, "%s%s", n++ ? " OR " : "(", token);
    if (n == 0 && facet_token(FACET_CUSTOMER, name, token))
        g_string_append_printf(match, "(%s", token);
    g_string_append_c(match, ')');
    return step == STEP_DONE;
}

/* A raw expression must be whole by itself: put between parentheses, "a) OR (b" would step around the filters. */
static bool check_raw(struct store *store, const char *expression, GError **error)
{
    if (!g_utf8_validate(expression, -1, NULL)) { /* SQLite's words would repeat it */
        g_set_error_literal(error, STORE_ERROR, STORE_ERROR_QUERY,
                            "the search expression is not valid UTF-8: type it anew");
        return false;
    }
    struct statement *check = statement_get(store, STATEMENT_FTS_CHECK_SYNTAX, error);
    if (!check)
        return false;
    bind_text(check, 1, expression);
    return statement_run(check, error);
}

bool search_append_words(struct store *store, GString *match, const char *words, bool fts_syntax, GError **error)
{
    g_string_append(match, "text : (");
    if (!fts_syntax) {
        if (!words_append_fts(match, words, error))
            return false;
    } else {
        if (!check_raw(store, words, error))
            return false;
        g_string_append(match, words);
    }
    g_string_append_c(match, ')');
    return true;
}

void search_blame_query(const struct store *store, bool fts_syntax, GError **error)
{
    if (!fts_syntax || !g_error_matches(*error, STORE_ERROR, STORE_ERROR_FAILED) ||
        (sqlite3_errcode(store->db) & 0xff) != SQLITE_ERROR) /* FTS5 has no other code for its syntax */
        return;
    g_autoptr(GError) cause = g_steal_pointer(error);
    const char *words = strstr(cause->message, ": ");
    g_set_error(error, STORE_ERROR, STORE_ERROR_QUERY, "the search expression is no FTS5 query: %s",
                words ? words + 2 : cause->message);
}

/* --- the time limit
 * ---------------------------------------------------------------------------------------------------- */

enum { STEPS_BETWEEN_LOOKS = 2000 };

static int is_over(void *user)
{
    const struct search_limit *limit = user;
    return g_get_monotonic_time() > limit->deadline_us;
}

void search_limit_init(struct search_limit *limit, int time_limit_ms)
{
    limit->left_us = time_limit_ms > 0 ? time_limit_ms * INT64_C(1000) : -1;
    limit->deadline_us = 0;
}

void search_limit_start(struct search_limit *limit, struct store *store)
{
    if (limit->left_us < 0)
        return;
    limit->deadline_us = g_get_monotonic_time() + limit->left_us;
    sqlite3_progress_handler(store->db, STEPS_BETWEEN_LOOKS, is_over, limit);
}

void search_limit_stop(struct search_limit *limit, struct store *store)
{
    if (limit->left_us < 0)
        return;
    sqlite3_progress_handler(store->db, 0, NULL, NULL);
    limit->left_us = MAX(limit->deadline_us - g_get_monotonic_time(), 0);
}

/* --- texts of a piece
 * ---------------------------------------------------------------------------------------------------- */

void search_texts_init(struct search_texts *texts)
{
    *texts = (struct search_texts){.chunk = g_string_chunk_new(1 << 16)};
}

void search_texts_reset(struct search_texts *texts)
{
    g_string_chunk_clear(texts->chunk);
    texts->bytes = 0;
}

void search_texts_clear(struct search_texts *texts)
{
    g_string_chunk_free(texts->chunk);
}

const char *search_texts_copy(struct search_texts *texts, struct statement *row, int column, size_t *length)
{
    size_t bytes;
    const char *text = column_text(row, column, &bytes);
    if (!text)
        return NULL;
    texts->bytes += bytes;
    if (length)
        *length = bytes;
    return g_string_chunk_insert_len(texts->chunk, text, (gssize)bytes);
}

/* --- rows by id
 * ---------------------------------------------------------------------------------------------------- */

struct piece {
    const struct search_rows *rows;
    GArray *ids;
    guint at;       /* ids before this one have been read */
    GArray *copies; /* rows->row_bytes each; the strings lie in `texts` */
    struct search_texts texts;
};

static bool read_row(struct store *store, struct piece *piece, int64_t id, GError **error)
{
    struct statement *row = statement_get(store, piece->rows->row_statement, error);
    if (!row)
        return false;
    bind_int(row, 1, id);
    enum step step = statement_step(row, error);
    if (step != STEP_ROW)
        return step == STEP_DONE;
    guint n = piece->copies->len;
    g_array_set_size(piece->copies, n + 1);
    piece->rows->copy(row, &piece->texts, piece->copies->data + n * piece->rows->row_bytes);
    return statement_end(row, error);
}

/* Reads the rows of the next ids, as many as a piece takes. */
static bool read_piece(struct store *store, struct piece *piece, GError **error)
{
    guint end = MIN(piece->ids->len, piece->at + SEARCH_PIECE_ROWS);
    g_array_set_size(piece->copies, 0);
    search_texts_reset(&piece->texts);
    while (piece->at < end && piece->texts.bytes < SEARCH_PIECE_BYTES)
        if (!read_row(store, piece, g_array_index(piece->ids, int64_t, piece->at++), error))
            return false;
    return true;
}

/* The ids of those that match and the first of their rows, of one moment. *error is needed. */
static bool read_first(struct store *store, struct piece *piece, GError **error)
{
    const struct search_rows *rows = piece->rows;
    if (!store_begin_read(store, error))
        return false;
    if (!rows->find(store, rows->query, piece->ids, error) || !read_piece(store, piece, error)) {
        search_blame_query(store, rows->fts_syntax, error); /* before SQLite has other things to say */
        store_rollback(store);
        return false;
    }
    return store_commit(store, error);
}

/* Hands the rows over; false when the receiver has had enough. */
static bool hand_over(const struct piece *piece)
{
    for (guint i = 0; i < piece->copies->len; i++)
        if (!piece->rows->each(piece->copies->data + i * piece->rows->row_bytes, piece->rows->user))
            return false;
    return true;
}

static bool read_all(struct store *store, struct piece *piece, GError **error)
{
    struct search_limit limit;
    search_limit_init(&limit, piece->rows->time_limit_ms);
    search_limit_start(&limit, store);
    bool ok = read_first(store, piece, error);
    search_limit_stop(&limit, store);
    while (ok && hand_over(piece) && piece->at < piece->ids->len) {
        search_limit_start(&limit, store);
        ok = read_piece(store, piece, error);
        search_limit_stop(&limit, store);
    }
    return ok;
}

bool search_rows(struct store *store, const struct search_rows *rows, GError **error)
{
    g_autoptr(GError) cause = NULL;
    g_autoptr(GArray) ids = g_array_new(FALSE, FALSE, sizeof(int64_t));
    g_autoptr(GArray) copies = g_array_new(FALSE, TRUE, (guint)rows->row_bytes);
    struct piece piece = {.rows = rows, .ids = ids, .copies = copies};
    search_texts_init(&piece.texts);
    bool ok = read_all(store, &piece, &cause);
    search_texts_clear(&piece.texts);
    if (!ok)
        g_propagate_error(error, g_steal_pointer(&cause));
    return ok;
}
