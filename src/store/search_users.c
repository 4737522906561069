#include "store/facets.h"
#include "store/search.h"
#include "store/words.h"

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

static bool find_users(struct store *store, const void *data, GArray *ids, GError **error)
{
    const struct store_user_query *query = data;
    g_autoptr(GString) match = g_string_new(NULL);
    int most = MAX(query->limit, 0); /* a negative LIMIT is none */
    return append_match(store, match, query, error) && append_ids(store, match, false, most, ids, error) &&
           ((int)ids->len >= most || append_ids(store, match, true, most, ids, error));
}

/* --- rows
 * ---------------------------------------------------------------------------------------------------- */

struct receiver {
    store_user_fn each;
    void *user;
};

static void copy_user(struct statement *row, struct search_texts *texts, void *copied)
{
    struct store_user *user = copied;
    user->user_id = column_int(row, 0);
    user->account_enabled = (int)column_int(row, 1);
    const char **const columns[] = {
        &user->customer,       &user->tenant_id, &user->id,       &user->user_principal_name, &user->display_name,
        &user->mail,           &user->user_type, &user->created,  &user->last_sign_in,        &user->removed_at,
        &user->removed_reason, &user->raw,       &user->raw_text, &user->first_seen,          &user->changed_at};
    for (int i = 0; i < (int)G_N_ELEMENTS(columns); i++)
        *columns[i] = search_texts_copy(texts, row, i + 2, columns[i] == &user->raw ? &user->raw_length : NULL);
}

static bool hand_user(const void *copied, void *data)
{
    const struct receiver *receiver = data;
    return receiver->each(copied, receiver->user);
}

bool store_search_users(struct store *store, const struct store_user_query *query, store_user_fn each, void *user,
                        GError **error)
{
    struct receiver receiver = {each, user};
    struct search_rows rows = {.query = query,
                               .fts_syntax = query->fts_syntax,
                               .time_limit_ms = query->time_limit_ms,
                               .find = find_users,
                               .row_statement = STATEMENT_SEARCH_USERS_ROW,
                               .row_bytes = sizeof(struct store_user),
                               .copy = copy_user,
                               .each = hand_user,
                               .user = &receiver};
    return search_rows(store, &rows, error);
}
