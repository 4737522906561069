#include "store/store_private.h"

bool store_task_begin(struct store *store, const char *task, int64_t now, GError **error)
{
    struct statement *statement = statement_get(store, STATEMENT_TASK_BEGIN, error);
    if (!statement)
        return false;
    bind_text(statement, 1, task);
    bind_int(statement, 2, now);
    return statement_run(statement, error);
}

bool store_task_end(struct store *store, const char *task, int64_t now, const char *outcome, GError **error)
{
    struct statement *statement = statement_get(store, STATEMENT_TASK_END, error);
    if (!statement)
        return false;
    bind_text(statement, 1, task);
    bind_int(statement, 2, now);
    bind_text(statement, 3, outcome);
    return statement_run(statement, error);
}
