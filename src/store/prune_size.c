#include "store/prune.h"
#include "store/shrink.h"

enum { EVENTS_AT_LEAST = 64 }; /* a round: pages are given back whole, and hold some events each */

/* Bytes that are in use; the log is none of them, as it ends with this run. */
static bool read_used(struct prune *prune, int64_t *used, GError **error)
{
    struct shrink_size size;
    if (!shrink_size(prune->store, &size, error))
        return false;
    *used = size.used - size.log;
    return true;
}

static bool count_events(struct prune *prune, int64_t *events, GError **error)
{
    struct statement *count = statement_get(prune->store, STATEMENT_PRUNE_EVENTS, error);
    return count && statement_int(count, 0, events, error);
}

/* How many events make up for what is too much: all that is stored is shared out among them. Rather too few than too
 * many, as the next round looks again. */
static int64_t events_in(int64_t excess, int64_t used, int64_t events)
{
    double share = (double)excess / (double)MAX(used, 1);
    return MAX((int64_t)(share * (double)events), EVENTS_AT_LEAST);
}

/* Entries of deleted events stay in the full text until it is merged. */
static bool merge_when_due(struct prune *prune, GError **error)
{
    bool due;
    return store_optimize_due(prune->store, &due, error) && (!due || prune_merge(prune, error));
}

/* One round that tells. What goes by age is counted already, but still takes its room. */
static bool estimate(struct prune *prune, int64_t used, GError **error)
{
    int64_t events, from = INT64_MIN, most = prune->options->max_bytes;
    if (!count_events(prune, &events, error))
        return false;
    int64_t aged = (int64_t)((double)used * ((double)MIN(prune->records, events) / (double)MAX(events, 1)));
    if (used - aged <= most)
        return true;
    prune->result->estimated = true;
    return prune_oldest_events(prune, events_in(used - aged - most, used, events), &from, error);
}

bool prune_to_size(struct prune *prune, GError **error)
{
    int64_t used, events, from = INT64_MIN, most = prune->options->max_bytes;
    if (most <= 0)
        return true;
    if (!read_used(prune, &used, error))
        return false;
    if (prune->options->dry_run)
        return used <= most || estimate(prune, used, error);
    prune->units = PRUNE_UNITS_FIRST;
    while (used > most) {
        int64_t before = prune->records;
        if (!count_events(prune, &events, error) ||
            !prune_oldest_events(prune, events_in(used - most, used, events), &from, error) ||
            !merge_when_due(prune, error) || !read_used(prune, &used, error))
            return false;
        if (prune->records == before) /* nothing more may go */
            break;
    }
    return true;
}

bool prune_judge_size(struct prune *prune, GError **error)
{
    struct store_prune_result *result = prune->result;
    if (!read_used(prune, &result->bytes_needed, error))
        return false;
    result->over_size = prune->options->max_bytes > 0 && result->bytes_needed > prune->options->max_bytes;
    return true;
}
