#include "store/coverage.h"
#include "store/store_private.h"

static struct statement *cursor_row(struct store *store, const struct coverage_part *part, enum step *step,
                                    GError **error)
{
    struct statement *read = statement_get(store, STATEMENT_CURSOR_READ, error);
    *step = STEP_FAILED;
    if (!read)
        return NULL;
    bind_int(read, 1, part->customer_id);
    bind_text(read, 2, part->source);
    bind_text(read, 3, part->part);
    *step = statement_step(read, error);
    return read;
}

bool store_cursor_read(struct store *store, int64_t customer_id, const char *source, const char *part,
                       struct store_cursor *cursor, GError **error)
{
    struct coverage_part whose = {customer_id, source, part};
    enum step step;
    struct statement *row = cursor_row(store, &whose, &step, error);
    *cursor = (struct store_cursor){0};
    if (step != STEP_ROW)
        return false;
    cursor->window.from = column_int(row, 0);
    cursor->window.to = column_int(row, 1);
    cursor->next_link = g_strdup(column_text(row, 2, NULL));
    cursor->records = column_int(row, 3);
    cursor->saved_at = column_int(row, 4);
    if (statement_end(row, error))
        return true;
    store_cursor_clear(cursor);
    return false;
}

void store_cursor_clear(struct store_cursor *cursor)
{
    g_free(cursor->next_link);
    *cursor = (struct store_cursor){0};
}

bool cursor_late(struct store *store, const struct coverage_part *part, struct store_window window, int64_t *late,
                 GError **error)
{
    enum step step;
    struct statement *row = cursor_row(store, part, &step, error);
    *late = 0;
    if (step != STEP_ROW)
        return step == STEP_DONE;
    if (column_int(row, 0) == window.from && column_int(row, 1) == window.to)
        *late = column_int(row, 5);
    return statement_end(row, error);
}

bool cursor_save(struct store *store, const struct coverage_part *part, const struct store_cursor *cursor, int64_t late,
                 GError **error)
{
    struct statement *write = statement_get(store, STATEMENT_CURSOR_WRITE, error);
    if (!write)
        return false;
    bind_int(write, 1, part->customer_id);
    bind_text(write, 2, part->source);
    bind_text(write, 3, part->part);
    bind_int(write, 4, cursor->window.from);
    bind_int(write, 5, cursor->window.to);
    bind_text(write, 6, cursor->next_link);
    bind_int(write, 7, cursor->records);
    bind_int(write, 8, late);
    bind_int(write, 9, cursor->saved_at);
    return statement_run(write, error);
}

bool cursor_drop(struct store *store, const struct coverage_part *part, struct store_window window, GError **error)
{
    struct statement *drop = statement_get(store, STATEMENT_CURSOR_DELETE, error);
    if (!drop)
        return false;
    bind_int(drop, 1, part->customer_id);
    bind_text(drop, 2, part->source);
    bind_text(drop, 3, part->part);
    bind_int(drop, 4, window.from);
    bind_int(drop, 5, window.to);
    return statement_run(drop, error);
}
