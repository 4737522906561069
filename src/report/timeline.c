#include "report/timeline.h"

/* A status that was in force in [from, to), and that a scan at `to` may have seen last. */
struct piece {
    int64_t from, to;
    int64_t seen;       /* last; `to`, where nobody knows how it went on */
    const char *status; /* borrowed */
    bool known;
    int priority;
    enum report_impact impact;
    bool lasts; /* nothing ended it up to now */
};

static const struct piece *piece_at(const GArray *pieces, guint i)
{
    return &g_array_index(pieces, struct piece, i);
}

/* --- scans -------------------------------------------------------------------------------------------------------- */

/* The number of good scans before `at`. */
static size_t scans_before(const struct timeline *timeline, int64_t at)
{
    size_t low = 0, high = timeline->n_good;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (timeline->good[middle] < at)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

int64_t timeline_scans(const struct timeline *timeline, int64_t from, int64_t to)
{
    to = MIN(to, timeline->now + 1);
    return from < to ? (int64_t)(scans_before(timeline, to) - scans_before(timeline, from)) : 0;
}

/* The moment of the first good scan after `at`, but of none that a wrong clock put after now; INT64_MAX: none. */
static int64_t next_scan(const struct timeline *timeline, int64_t at)
{
    size_t next = scans_before(timeline, at + 1);

    return next < timeline->n_good && timeline->good[next] <= timeline->now ? timeline->good[next] : INT64_MAX;
}

/* --- pieces ------------------------------------------------------------------------------------------------------- */

/* A state that was last seen at `last` is in force until the next good scan saw another one (`next`, the service's next
 * run, may be NULL), or where nothing was asked since, until now; but in both cases only where that is near. Otherwise
 * nobody knows when it ended. */
static int64_t holds_until(const struct timeline *timeline, int64_t last, const struct store_report_state *next,
                           bool *lasts)
{
    int64_t scan = next_scan(timeline, last);

    *lasts = false;
    if (next != NULL && next->first_seen <= timeline->now && next->first_seen <= scan)
        return next->first_seen - last <= timeline->max_gap_s ? next->first_seen : last;
    if (scan != INT64_MAX)
        return last;
    *lasts = timeline->now - last <= timeline->max_gap_s;
    return *lasts ? MAX(timeline->now, last) : last;
}

/* Appends a piece, or makes the last one longer, where that goes on with the same status in another spelling. */
static void add_piece(GArray *pieces, const struct piece *piece)
{
    struct piece *last = pieces->len > 0 ? &g_array_index(pieces, struct piece, pieces->len - 1) : NULL;

    if (piece->seen < piece->from)
        return;
    if (last == NULL || last->to != piece->from || g_ascii_strcasecmp(last->status, piece->status) != 0) {
        g_array_append_vals(pieces, piece, 1);
        return;
    }
    last->to = piece->to;
    last->seen = piece->seen;
    last->lasts = piece->lasts;
}

GArray *timeline_pieces(const struct timeline *timeline, struct store_report_state *const *runs, size_t n)
{
    GArray *pieces = g_array_new(FALSE, FALSE, sizeof(struct piece));
    int64_t covered = INT64_MIN;

    for (size_t i = 0, next; i < n; i = next) {
        const struct store_report_state *run = runs[i];
        struct piece piece = {.from = MAX(run->first_seen, covered), .seen = run->last_seen, .status = run->status};
        /* Runs do not overlap, unless the machine's clock was wrong for a while: then the longer one counts. */
        for (next = i + 1; next < n && runs[next]->last_seen <= run->last_seen; next++)
            ;
        covered = MAX(run->last_seen, piece.from);
        if (next < n && runs[next]->first_seen <= run->last_seen) {
            piece.to = covered;
            piece.seen = covered - 1; /* the scan at its end is the next one's */
        } else {
            piece.to = covered = holds_until(timeline, covered, next < n ? runs[next] : NULL, &piece.lasts);
        }
        piece.priority = config_status_priority(timeline->map, run->status, &piece.known);
        piece.impact = report_impact_of(piece.priority);
        add_piece(pieces, &piece);
    }
    return pieces;
}

/* --- stretches ---------------------------------------------------------------------------------------------------- */

static void stretch_clear(void *data)
{
    struct report_stretch *stretch = data;

    g_free(stretch->status);
}

/* True when something of the piece lies in [from, to), up to now: some time of it, or at least the scan that saw it
 * last, in which case *end is *begin. */
static bool clip_piece(const struct timeline *timeline, const struct piece *piece, int64_t from, int64_t to,
                       int64_t *begin, int64_t *end)
{
    *begin = MAX(piece->from, from);
    *end = MIN(piece->to, MIN(to, timeline->now));
    return *begin < *end || (*begin == *end && *end == piece->to && piece->seen == *end && *end < to);
}

/* Appends the part of a piece that lies in [begin, end) of a window up to `to`. */
static void add_stretch(const struct timeline *timeline, GArray *stretches, const struct piece *piece, int64_t begin,
                        int64_t end, int64_t to)
{
    int64_t limit = MIN(to, timeline->now);
    struct report_stretch stretch = {
        .from = begin,
        .to = end,
        .status = g_strdup(piece->status),
        .known = piece->known,
        .priority = piece->priority,
        .impact = piece->impact,
        .began_at = piece->from,
    };

    stretch.before = piece->from < begin;
    stretch.after = piece->to > limit || (piece->to == limit && (piece->lasts || piece->seen == limit));
    stretch.scans = timeline_scans(timeline, begin, MIN(piece->seen + 1, to));
    g_array_append_val(stretches, stretch);
}

/* Appends what nobody knows, from `began_at` (perhaps before `from`) on. The scan that ended the stretch before it is
 * that one's. */
static void add_gap(const struct timeline *timeline, GArray *stretches, int64_t began_at, int64_t from, int64_t to,
                    bool after)
{
    struct report_stretch stretch = {
        .from = MAX(began_at, from),
        .to = to,
        .priority = -1,
        .impact = REPORT_NO_DATA,
        .before = began_at < from,
        .after = after,
        .began_at = began_at,
    };

    stretch.scans = timeline_scans(timeline, stretch.from + (stretches->len > 0 ? 1 : 0), stretch.to);
    g_array_append_val(stretches, stretch);
}

GArray *timeline_stretches(const struct timeline *timeline, const GArray *pieces, int64_t known_from, int64_t from,
                           int64_t to)
{
    GArray *stretches = g_array_new(FALSE, FALSE, sizeof(struct report_stretch));
    int64_t limit = CLAMP(timeline->now, from, to), at = from, ended = known_from, begin, end;
    guint i = 0;

    g_array_set_clear_func(stretches, stretch_clear);
    for (; i < pieces->len && piece_at(pieces, i)->from < to; i++) {
        const struct piece *piece = piece_at(pieces, i);
        if (!clip_piece(timeline, piece, from, to, &begin, &end)) {
            ended = piece->to <= from ? MAX(ended, piece->to) : ended;
            continue;
        }
        if (begin > at)
            add_gap(timeline, stretches, MIN(ended, at), from, begin, false);
        add_stretch(timeline, stretches, piece, begin, end, to);
        at = ended = end;
    }
    bool goes_on = limit < to ? at < limit : i == pieces->len || piece_at(pieces, i)->from > to;
    if (at < to)
        add_gap(timeline, stretches, MIN(ended, at), from, to, goes_on);
    return stretches;
}

GArray *timeline_days(const struct timeline *timeline, const GArray *pieces, const GArray *begins)
{
    GArray *days = g_array_new(FALSE, FALSE, sizeof(struct report_day));

    for (guint day = 0, i = 0; day + 1 < begins->len; day++) {
        struct report_day told = {.from = g_array_index(begins, int64_t, day),
                                  .to = g_array_index(begins, int64_t, day + 1)};
        int64_t begin, end;
        while (i < pieces->len && piece_at(pieces, i)->to < told.from)
            i++;
        for (guint j = i; j < pieces->len && piece_at(pieces, j)->from < told.to; j++) {
            if (!clip_piece(timeline, piece_at(pieces, j), told.from, told.to, &begin, &end))
                continue;
            told.observed_s += end - begin;
            told.worst = MAX(told.worst, piece_at(pieces, j)->impact);
        }
        g_array_append_val(days, told);
    }
    return days;
}

/* --- gaps --------------------------------------------------------------------------------------------------------- */

static void add_hole(GArray *gaps, int64_t from, int64_t to)
{
    const struct report_gap gap = {.from = from, .to = to};

    if (from < to)
        g_array_append_val(gaps, gap);
}

GArray *timeline_gaps(const struct timeline *timeline, int64_t from, int64_t to)
{
    GArray *gaps = g_array_new(FALSE, FALSE, sizeof(struct report_gap));
    int64_t limit = CLAMP(timeline->now, from, to);
    size_t i = scans_before(timeline, from + 1);
    int64_t covered = from; /* up to here nothing is open */

    if (i > 0)
        i--; /* the one before the window may reach into it */
    for (; i < timeline->n_good && timeline->good[i] < limit; i++) {
        int64_t at = timeline->good[i], until = MAX(timeline->now, at);
        if (i + 1 < timeline->n_good)
            until = MIN(until, timeline->good[i + 1]);
        add_hole(gaps, covered, MIN(at, limit));
        covered = MAX(until - at <= timeline->max_gap_s ? until : at, from);
    }
    add_hole(gaps, MIN(covered, limit), limit);
    return gaps;
}
