#include "base/timestamp.h"
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

/* --- what events take ------------------------------------------------------------------------------------------------
 */

enum {
    SAMPLE = 200,      /* events that are looked at */
    SHORT_BYTES = 150, /* of a row's other columns, */
    KEYS_BYTES = 250,  /* and of its keys in indexes */
    TEXT_TIMES = 2,    /* the text is stored, and indexed in about as many bytes */
};

/* Of a page into which few rows go, some stays empty. */
static double in_pages(double row, double page)
{
    enum { FEW = 4 };
    return row < page && row * FEW > page ? page / (double)(int64_t)(page / row) : row;
}

/* Keys are hashes, so that as far from each other they lead to events taken at random. *bytes is added to; *n counts.
 */
static bool weigh(struct prune *prune, guint32 place, double page, double *bytes, int *n, GError **error)
{
    guint32 key = GUINT32_TO_BE(place);
    struct statement *read = statement_get(prune->store, STATEMENT_PRUNE_EVENT_BYTES, error);
    if (!read)
        return false;
    bind_blob(read, 1, &key, sizeof key);
    enum step step = statement_step(read, error);
    if (step != STEP_ROW)
        return step == STEP_DONE;
    *bytes += in_pages((double)column_int(read, 0) + SHORT_BYTES, page) + (double)column_int(read, 1) +
              (double)column_int(read, 2) * TEXT_TIMES + KEYS_BYTES;
    ++*n;
    return statement_end(read, error);
}

/* What an event takes of the file, with all that belongs to it: the mean of some. */
static bool weigh_events(struct prune *prune, double *mean, GError **error)
{
    int64_t page;
    double bytes = 0;
    int n = 0;
    struct statement *size = statement_get(prune->store, STATEMENT_WAL_PAGE_SIZE, error);
    if (!size || !statement_int(size, 0, &page, error))
        return false;
    for (guint32 i = 0; i < SAMPLE; i++)
        if (!weigh(prune, i * (UINT32_MAX / SAMPLE), (double)page, &bytes, &n, error))
            return false;
    *mean = bytes / MAX(n, 1);
    return true;
}

/* Events of before prune_kept_from. */
static bool count_what_may_go(struct prune *prune, int64_t *n, GError **error)
{
    char line[TIMESTAMP_TEXT_BYTES];
    int64_t events, late;
    if (!count_events(prune, &events, error))
        return false;
    struct statement *count = statement_get(prune->store, STATEMENT_PRUNE_EVENTS_FROM, error);
    if (!count)
        return false;
    timestamp_format((struct timestamp){prune_kept_from(prune), 0}, line);
    bind_text(count, 1, line);
    if (!statement_int(count, 0, &late, error))
        return false;
    *n = MAX(events - late, 0);
    return true;
}

/* What events could free of the file, as far as may be known: rather too much than too little. */
static double at_most(double mean, int64_t events)
{
    return 1.1 * mean * (double)events;
}

/* --- deleting --------------------------------------------------------------------------------------------------------
 */

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
    struct store_prune_result *result = prune->result;
    int64_t events, aged = prune->records, from = INT64_MIN;
    double mean;
    if (!count_what_may_go(prune, &events, error) || !weigh_events(prune, &mean, error))
        return false;
    double excess = (double)(used - prune->options->max_bytes) - mean * (double)MIN(aged, events);
    if (excess <= 0)
        return true;
    result->estimated = true;
    result->unreachable = excess > at_most(mean, MAX(events - aged, 0));
    result->over_size = result->unreachable;
    if (result->unreachable)
        return true;
    if (!prune_oldest_events(prune, MAX((int64_t)(excess / MAX(mean, 1)), EVENTS_AT_LEAST), &from, error))
        return false;
    result->over_size = excess > at_most(mean, prune->records - aged); /* the rest is held */
    return true;
}

/* Where all events that may go would not make it small enough, none is deleted for nothing. */
static bool judge_reach(struct prune *prune, int64_t *used, GError **error)
{
    int64_t events;
    double mean;
    if (!merge_when_due(prune, error) || !read_used(prune, used, error) || !count_what_may_go(prune, &events, error) ||
        !weigh_events(prune, &mean, error))
        return false;
    prune->result->unreachable = (double)(*used - prune->options->max_bytes) > at_most(mean, events);
    return true;
}

/* The oldest, in rounds. */
static bool delete_down_to(struct prune *prune, int64_t most, int64_t used, GError **error)
{
    int64_t events, from = INT64_MIN;
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

bool prune_to_size(struct prune *prune, GError **error)
{
    int64_t used, most = prune->options->max_bytes;
    if (most <= 0)
        return true;
    if (!read_used(prune, &used, error))
        return false;
    if (used <= most)
        return true;
    if (prune->options->dry_run)
        return estimate(prune, used, error);
    return judge_reach(prune, &used, error) && (prune->result->unreachable || delete_down_to(prune, most, used, error));
}

bool prune_judge_size(struct prune *prune, GError **error)
{
    struct store_prune_result *result = prune->result;
    if (!read_used(prune, &result->bytes_needed, error))
        return false;
    result->over_size = prune->options->max_bytes > 0 && result->bytes_needed > prune->options->max_bytes;
    return true;
}
