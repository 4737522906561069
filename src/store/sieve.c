#include "store/sieve.h"

void sieve_init(struct sieve *sieve, guint most)
{
    *sieve = (struct sieve){g_array_new(FALSE, FALSE, sizeof(struct sieve_row)), 0, UINT64_MAX, most};
}

void sieve_clear(struct sieve *sieve)
{
    g_array_unref(sieve->rows);
}

static const struct sieve_row *row_at(const struct sieve *sieve, guint at)
{
    return &g_array_index(sieve->rows, struct sieve_row, at);
}

static int by_hash(gconstpointer a, gconstpointer b)
{
    const struct sieve_row *x = a, *y = b;
    if (x->prefix != y->prefix)
        return x->prefix < y->prefix ? -1 : 1;
    return (x->id > y->id) - (x->id < y->id);
}

void sieve_sort(struct sieve *sieve)
{
    g_array_sort(sieve->rows, by_hash);
}

guint sieve_group(const struct sieve *sieve, guint at)
{
    guint end = at;
    while (end < sieve->rows->len && row_at(sieve, end)->prefix == row_at(sieve, at)->prefix)
        end++;
    return end - at;
}

/* Keeps the lower half, cut between two hashes. Rows that all share one stay together, however many they are. */
static void cut(struct sieve *sieve)
{
    guint end = 0;
    sieve_sort(sieve);
    while (end < sieve->rows->len / 2 || end == 0)
        end += sieve_group(sieve, end);
    if (end == sieve->rows->len) {
        sieve->most *= 2;
        return;
    }
    sieve->to = row_at(sieve, end)->prefix - 1;
    g_array_set_size(sieve->rows, end);
}

void sieve_add(struct sieve *sieve, const uint8_t *hash, int64_t id)
{
    struct sieve_row row = {0, id};
    for (int i = 0; i < 8; i++)
        row.prefix = row.prefix << 8 | hash[i];
    if (row.prefix < sieve->from || row.prefix > sieve->to)
        return;
    g_array_append_val(sieve->rows, row);
    if (sieve->rows->len >= sieve->most)
        cut(sieve);
}

bool sieve_next(struct sieve *sieve)
{
    if (sieve->to == UINT64_MAX)
        return false;
    sieve->from = sieve->to + 1;
    sieve->to = UINT64_MAX;
    g_array_set_size(sieve->rows, 0);
    return true;
}
