/* What the configuration says of retention, as the store wants to be told. */
#include "maintain/maintain.h"

bool maintain_keeps_all(const struct config *config)
{
    GHashTableIter iterator;
    gpointer days;

    if (config->retention.days > 0 || config->retention.max_size_bytes > 0)
        return false;
    g_hash_table_iter_init(&iterator, config->retention.per_source);
    while (g_hash_table_iter_next(&iterator, NULL, &days))
        if (*(const int64_t *)days > 0)
            return false;
    return true;
}
