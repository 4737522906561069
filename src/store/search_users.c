#include "store/facets.h"
#include "store/search.h"
#include "store/words.h"

/* The order is by name, which no id knows. So the ids come first, sorted; then the rows, piece by piece. */

static bool append_match(struct store *store, GString *match, const struct store_user_query *query, GError **error)
{
    if (query->customer && *query->customer) {
        g_string_append(match, "facets : ");
        if (!search_append_customer(store, match, query->customer, error))
            return false;
    }
    if (words_blank(query->words))
        return true;
    if (match->len > 0)
        g_string_append(match, " AND ");
    return search_append_words(store, match, query->words, query->fts_syntax, error);
}

/* Appends the ids of those that match and are there, or have been removed, by name; ids->len is `most` at most. */
static bool append_ids(struct store *store, const GString *match, bool removed, int most, GArray *ids, GError **error)
{
    struct statement *rows =
        statement_get(store, match->len > 0 ? STATEMENT_SEARCH_USERS_FTS : STATEMENT_SEARCH_USERS_ALL, error);
    if (!rows)
        return false;
    bind_int(rows, 1, removed);
    bind_int(rows, 2, most - (int64_t)ids->len);
    if (match->len > 0)
        bind_bytes(rows, 3, match->str, match->len);
    enum step step;
    while ((step = statement_step(rows, error)) == STEP_ROW) {
        int64_t id = column_int(rows, 0);
        g_array_append_val(ids, id);
    }
    return step == STEP_DONE;
}

static bool find_ids(struct store *store, const struct store_user_query *query, GArray *ids, GError **error)
{
    g_autoptr(GString) match = g_string_new(NULL);
    int most = MAX(query->limit, 0); /* a negative LIMIT is none */
    return append_match(store, match, query, error) && append_ids(store, match, false, most, ids, error) &&
           ((int)ids->len >= most || append_ids(store, match, true, most, ids, error));
}

/* --- rows
 * ---------------------------------------------------------------------------------------------------- */

struct piece {
    GArray *users; /* struct store_user; the strings lie in `texts` */
    struct search_texts texts;
};

static void copy_user(struct piece *piece, struct statement *row)
{
    struct store_user user = {.user_id = column_int(row, 0), .account_enabled = (int)column_int(row, 1)};
    const char **const columns[] = {
        &user.customer,       &user.tenant_id, &user.id,       &user.user_principal_name, &user.display_name,
        &user.mail,           &user.user_type, &user.created,  &user.last_sign_in,        &user.removed_at,
        &user.removed_reason, &user.raw,       &user.raw_text, &user.first_seen,          &user.changed_at};
    for (int i = 0; i < (int)G_N_ELEMENTS(columns); i++)
        *columns[i] = search_texts_copy(&piece->texts, row, i + 2, columns[i] == &user.raw ? &user.raw_length : NULL);
    g_array_append_val(piece->users, user);
}

/* One account; none when it has gone since its id was found. */
static bool read_user(struct store *store, int64_t user_id, struct piece *piece, GError **error)
{
    struct statement *row = statement_get(store, STATEMENT_SEARCH_USERS_ROW, error);
    if (!row)
        return false;
    bind_int(row, 1, user_id);
    enum step step = statement_step(row, error);
    if (step != STEP_ROW)
        return step == STEP_DONE;
    copy_user(piece, row);
    return statement_end(row, error);
}

/* Reads the accounts from ids[*at] on, as many as a piece takes. */
static bool read_piece(struct store *store, const GArray *ids, guint *at, struct piece *piece, GError **error)
{
    g_array_set_size(piece->users, 0);
    search_texts_reset(&piece->texts);
    for (guint end = MIN(ids->len, *at + SEARCH_PIECE_ROWS); *at < end && piece->texts.bytes < SEARCH_PIECE_BYTES;)
        if (!read_user(store, g_array_index(ids, int64_t, (*at)++), piece, error))
            return false;
    return true;
}

/* Hands the rows over; false when the receiver has had enough. */
static bool hand_over(const struct piece *piece, store_user_fn each, void *user)
{
    for (guint i = 0; i < piece->users->len; i++)
        if (!each(&g_array_index(piece->users, struct store_user, i), user))
            return false;
    return true;
}

static bool search(struct store *store, const struct store_user_query *query, store_user_fn each, void *user,
                   GError **error)
{
    g_autoptr(GArray) ids = g_array_new(FALSE, FALSE, sizeof(int64_t));
    struct piece piece = {.users = g_array_new(FALSE, FALSE, sizeof(struct store_user))};
    struct search_limit limit;
    guint at = 0;

    search_texts_init(&piece.texts);
    search_limit_init(&limit, query->time_limit_ms);
    search_limit_start(&limit, store);
    bool ok = find_ids(store, query, ids, error);
    search_limit_stop(&limit, store);
    for (bool more = true; ok && more && at < ids->len;) {
        search_limit_start(&limit, store);
        ok = read_piece(store, ids, &at, &piece, error);
        search_limit_stop(&limit, store);
        more = ok && hand_over(&piece, each, user);
    }
    search_texts_clear(&piece.texts);
    g_array_unref(piece.users);
    return ok;
}

bool store_search_users(struct store *store, const struct store_user_query *query, store_user_fn each, void *user,
                        GError **error)
{
    g_autoptr(GError) cause = NULL;
    bool ok = search(store, query, each, user, &cause);
    search_blame_query(store, query->fts_syntax, &cause);
    if (!ok)
        g_propagate_error(error, g_steal_pointer(&cause));
    return ok;
}
