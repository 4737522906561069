#include "store/store_private.h"

static const char *const kind_names[] = {
    [STORE_ROUND_LISTING] = "listing", [STORE_ROUND_DELTA] = "delta", [STORE_ROUND_ACTIVITY] = "activity"};

static enum store_round_kind kind_of(const char *name)
{
    if (!name) /* the column cannot be NULL: the value was lost, which statement_end tells */
        return STORE_ROUND_LISTING;
    for (size_t i = 0; i < G_N_ELEMENTS(kind_names); i++)
        if (strcmp(kind_names[i], name) == 0)
            return (enum store_round_kind)i;
    g_assert_not_reached(); /* the table's CHECK knows the same names */
}

void store_round_clear(struct store_round *round)
{
    g_free(round->query);
    g_free(round->link);
    g_free(round->delta_link);
    *round = (struct store_round){0};
}

bool store_round_read(struct store *store, int64_t customer_id, const char *source, const char *part,
                      struct store_round *round, GError **error)
{
    *round = (struct store_round){0};
    struct statement *read = statement_get(store, STATEMENT_ROUND_READ, error);
    if (!read)
        return false;
    bind_int(read, 1, customer_id);
    bind_text(read, 2, source);
    bind_text(read, 3, part);
    if (statement_step(read, error) != STEP_ROW)
        return false;
    round->kind = kind_of(column_text(read, 0, NULL));
    round->query = g_strdup(column_text(read, 1, NULL));
    round->link = g_strdup(column_text(read, 2, NULL));
    round->delta_link = g_strdup(column_text(read, 3, NULL));
    round->complete = column_int(read, 4) != 0;
    round->records = column_int(read, 5);
    round->unreadable = column_int(read, 6);
    round->started_at = column_int(read, 7);
    round->completed_at = column_int(read, 8);
    round->saved_at = column_int(read, 9);
    if (statement_end(read, error))
        return true;
    store_round_clear(round);
    return false;
}

bool store_round_save(struct store *store, int64_t customer_id, const char *source, const char *part,
                      const struct store_round *round, GError **error)
{
    struct statement *write = statement_get(store, STATEMENT_ROUND_WRITE, error);
    if (!write)
        return false;
    bind_int(write, 1, customer_id);
    bind_text(write, 2, source);
    bind_text(write, 3, part);
    bind_text(write, 4, kind_names[round->kind]);
    bind_text(write, 5, round->query);
    bind_text(write, 6, round->link);
    bind_text(write, 7, round->delta_link);
    bind_int(write, 8, round->complete);
    bind_int(write, 9, round->records);
    bind_int(write, 10, round->unreadable);
    bind_int(write, 11, round->started_at);
    bind_int_or_null(write, 12, round->completed_at);
    bind_int(write, 13, round->saved_at);
    return statement_run(write, error);
}

int64_t store_accounts_present(struct store *store, int64_t customer_id, GError **error)
{
    struct statement *count = statement_get(store, STATEMENT_USERS_PRESENT, error);
    int64_t n;
    if (!count)
        return -1;
    bind_int(count, 1, customer_id);
    return statement_int(count, 0, &n, error) ? n : -1;
}
