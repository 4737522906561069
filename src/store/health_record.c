#include "store/store.h"

struct health_record *health_record_new(const char *id, const char *raw, size_t length)
{
    struct health_record *record = g_new0(struct health_record, 1);
    record->id = g_strdup(id);
    record->raw = raw;
    record->length = length;
    return record;
}

void health_record_free(struct health_record *record)
{
    if (!record)
        return;
    g_free(record->id);
    g_free(record);
}

void health_document_clear(struct health_document *document)
{
    g_free(document->title);
    g_free(document->status);
    g_free(document->classification);
    g_free(document->category);
    g_free(document->severity);
    g_free(document->service);
    g_free(document->services);
    g_free(document->start);
    g_free(document->end);
    g_free(document->last_modified);
    g_free(document->action_required_by);
    g_free(document->text);
    *document = (struct health_document){.is_resolved = -1, .is_major_change = -1};
}

struct health_status *health_status_new(const char *service, const char *status)
{
    struct health_status *seen = g_new0(struct health_status, 1);
    seen->service = g_strdup(service);
    seen->status = g_strdup(status);
    return seen;
}

void health_status_free(struct health_status *status)
{
    if (!status)
        return;
    g_free(status->service);
    g_free(status->status);
    g_free(status);
}

struct store_health *store_health_new(enum store_health_kind kind)
{
    struct store_health *health = g_new0(struct store_health, 1);
    health->kind = kind;
    health->keep_from = INT64_MIN;
    health->records = g_ptr_array_new_with_free_func((GDestroyNotify)health_record_free);
    return health;
}

void store_health_free(struct store_health *health)
{
    if (!health)
        return;
    g_ptr_array_unref(health->records);
    if (health->scan) {
        g_ptr_array_unref(health->scan->statuses);
        g_free(health->scan);
    }
    g_free(health);
}
