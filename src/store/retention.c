#include "store/retention.h"

#include "base/timestamp.h"
#include "store/store_private.h"

bool store_retention_line(struct store *store, int64_t customer_id, const char *source, int64_t *before, GError **error)
{
    struct statement *line = statement_get(store, STATEMENT_RETENTION_LINE, error);
    if (!line)
        return false;
    bind_int(line, 1, customer_id);
    bind_text(line, 2, source);
    return statement_int(line, INT64_MIN, before, error);
}

bool retention_health_goes(struct store *store, enum store_health_kind kind, const struct health_document *document,
                           int64_t keep_from, bool *goes, GError **error)
{
    *goes = false;
    if (keep_from == INT64_MIN || kind == STORE_HEALTH_OVERVIEWS)
        return true;
    struct statement *judge = statement_get(
        store, kind == STORE_HEALTH_ISSUES ? STATEMENT_RETENTION_ISSUE_GOES : STATEMENT_RETENTION_MESSAGE_GOES, error);
    if (!judge)
        return false;
    char line[TIMESTAMP_TEXT_BYTES];
    int64_t judgement;
    timestamp_format((struct timestamp){keep_from, 0}, line);
    bind_text(judge, 1, line);
    bind_text(judge, 3, document->end);
    bind_text(judge, 4, document->last_modified);
    if (kind == STORE_HEALTH_ISSUES) {
        bind_text(judge, 2, document->start);
        if (document->is_resolved < 0)
            bind_text(judge, 5, NULL);
        else
            bind_int(judge, 5, document->is_resolved);
    }
    if (!statement_int(judge, 0, &judgement, error))
        return false;
    *goes = judgement != 0;
    return true;
}
