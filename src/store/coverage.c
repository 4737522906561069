#include "store/coverage.h"

#include "store/store_private.h"

static const char *const state_names[] = {[STORE_COVERAGE_OPEN] = "open",
                                          [STORE_COVERAGE_READ] = "read",
                                          [STORE_COVERAGE_SETTLED] = "settled",
                                          [STORE_COVERAGE_LOST] = "lost"};

static enum store_coverage_state state_of(const char *name)
{
    if (!name) /* the column cannot be NULL: the value was lost, which the statement's next step tells */
        return STORE_COVERAGE_OPEN;
    for (size_t i = 0; i < G_N_ELEMENTS(state_names); i++)
        if (strcmp(state_names[i], name) == 0)
            return (enum store_coverage_state)i;
    g_assert_not_reached(); /* the table's CHECK knows the same names */
}

/* --- rows
 * ------------------------------------------------------------------------------------------------------------- */

static const struct store_coverage *span_at(const GArray *spans, guint i)
{
    return &g_array_index(spans, struct store_coverage, i);
}

static struct statement *part_statement(struct store *store, enum statement_id id, const struct coverage_part *part,
                                        struct store_window window, GError **error)
{
    struct statement *statement = statement_get(store, id, error);
    if (!statement)
        return NULL;
    bind_int(statement, 1, part->customer_id);
    bind_text(statement, 2, part->source);
    bind_text(statement, 3, part->part);
    bind_int(statement, 4, window.from);
    bind_int(statement, 5, window.to);
    return statement;
}

GArray *coverage_overlap(struct store *store, const struct coverage_part *part, struct store_window window,
                         GError **error)
{
    struct statement *rows = part_statement(store, STATEMENT_COVERAGE_OVERLAP, part, window, error);
    if (!rows)
        return NULL;
    g_autoptr(GArray) spans = g_array_new(FALSE, FALSE, sizeof(struct store_coverage));
    enum step step;
    while ((step = statement_step(rows, error)) == STEP_ROW) {
        struct store_coverage span = {.from = column_int(rows, 0),
                                      .to = column_int(rows, 1),
                                      .state = state_of(column_text(rows, 2, NULL)),
                                      .read_at = column_int(rows, 3),
                                      .reads = column_int(rows, 4),
                                      .records = column_int(rows, 5),
                                      .late_records = column_int(rows, 6)};
        g_array_append_val(spans, span);
    }
    return step == STEP_DONE ? g_steal_pointer(&spans) : NULL;
}

static bool delete_overlap(struct store *store, const struct coverage_part *part, struct store_window window,
                           GError **error)
{
    struct statement *statement = part_statement(store, STATEMENT_COVERAGE_DELETE, part, window, error);
    return statement && statement_run(statement, error);
}

static bool insert_span(struct store *store, const struct coverage_part *part, const struct store_coverage *span,
                        GError **error)
{
    struct store_window window = {span->from, span->to};
    struct statement *insert = part_statement(store, STATEMENT_COVERAGE_INSERT, part, window, error);
    if (!insert)
        return false;
    bind_text(insert, 6, state_names[span->state]);
    bind_int_or_null(insert, 7, span->read_at);
    bind_int(insert, 8, span->reads);
    bind_int(insert, 9, span->records);
    bind_int(insert, 10, span->late_records);
    return statement_run(insert, error);
}

/* Puts `spans`, which lie side by side, where the spans that overlap `window` were. */
static bool replace_spans(struct store *store, const struct coverage_part *part, struct store_window window,
                          const GArray *spans, GError **error)
{
    if (!delete_overlap(store, part, window, error))
        return false;
    for (guint i = 0; i < spans->len; i++)
        if (!insert_span(store, part, span_at(spans, i), error))
            return false;
    return true;
}

/* --- cutting
 * ----------------------------------------------------------------------------------------------------------- */

/* n x part / whole, rounded down, without overflow. */
static int64_t share(int64_t n, int64_t part, int64_t whole)
{
    return (int64_t)((__extension__(__int128) n * part) / whole);
}

/* The piece [from, to) of a span. Which of its records lie there is not known: it gets a share by length. */
static struct store_coverage piece_of(const struct store_coverage *span, int64_t from, int64_t to)
{
    struct store_coverage piece = *span;
    piece.from = from;
    piece.to = to;
    piece.records = share(span->records, to - from, span->to - span->from);
    piece.late_records = share(span->late_records, to - from, span->to - span->from);
    return piece;
}

static void append_piece(GArray *spans, const struct store_coverage *span, int64_t from, int64_t to)
{
    if (from >= to)
        return;
    struct store_coverage piece = piece_of(span, from, to);
    g_array_append_val(spans, piece);
}

/* Appends spans like `like` over every stretch of `window` that none of `covering` (by time) covers, and `covering`
 * itself, so that the result lies in order. */
static GArray *fill_gaps(const GArray *covering, struct store_window window, struct store_coverage like)
{
    GArray *filled = g_array_new(FALSE, FALSE, sizeof(struct store_coverage));
    int64_t at = window.from;
    for (guint i = 0; i < covering->len; i++) {
        const struct store_coverage *span = span_at(covering, i);
        append_piece(filled, &like, at, MIN(span->from, window.to));
        g_array_append_val(filled, *span);
        at = MAX(at, span->to);
    }
    append_piece(filled, &like, at, window.to);
    return filled;
}

/* --- marks
 * ------------------------------------------------------------------------------------------------------------- */

static bool is_read(const struct store_coverage *span)
{
    return span->state == STORE_COVERAGE_READ || span->state == STORE_COVERAGE_SETTLED;
}

bool coverage_was_read(const GArray *spans, int64_t second)
{
    for (guint i = 0; i < spans->len; i++) {
        const struct store_coverage *span = span_at(spans, i);
        if (second >= span->from && second < span->to)
            return is_read(span);
    }
    return false;
}

bool coverage_mark_read(struct store *store, const struct coverage_part *part, struct store_window window,
                        int64_t read_at, int64_t records, int64_t late, GError **error)
{
    g_autoptr(GArray) old = coverage_overlap(store, part, window, error);
    if (!old)
        return false;
    g_autoptr(GArray) spans = g_array_new(FALSE, FALSE, sizeof(struct store_coverage));
    struct store_coverage read = {window.from, window.to, STORE_COVERAGE_READ, read_at, 0, records, late};

    for (guint i = 0; i < old->len; i++) {
        const struct store_coverage *span = span_at(old, i);
        guint before = spans->len;
        append_piece(spans, span, span->from, window.from);
        append_piece(spans, span, window.to, span->to);
        read.reads = MAX(read.reads, span->reads);
        read.late_records += span->late_records;
        for (guint piece = before; piece < spans->len; piece++)
            read.late_records -= span_at(spans, piece)->late_records;
    }
    read.reads++;
    g_array_append_val(spans, read);
    return replace_spans(store, part, window, spans, error);
}

bool coverage_mark_open(struct store *store, const struct coverage_part *part, struct store_window window,
                        GError **error)
{
    g_autoptr(GArray) old = coverage_overlap(store, part, window, error);
    if (!old)
        return false;
    struct store_coverage open = {window.from, window.to, STORE_COVERAGE_OPEN, 0, 0, 0, 0};
    g_autoptr(GArray) spans = fill_gaps(old, window, open);
    return spans->len == old->len || replace_spans(store, part, window, spans, error);
}

/* What was begun but not finished, inside the window, is as lost as what was never begun. */
static GArray *without_open(const GArray *old, struct store_window window)
{
    GArray *kept = g_array_new(FALSE, FALSE, sizeof(struct store_coverage));
    for (guint i = 0; i < old->len; i++) {
        const struct store_coverage *span = span_at(old, i);
        if (span->state == STORE_COVERAGE_OPEN) {
            append_piece(kept, span, span->from, window.from);
            append_piece(kept, span, window.to, span->to);
        } else {
            g_array_append_val(kept, *span);
        }
    }
    return kept;
}

static bool mark_lost(struct store *store, const struct coverage_part *part, struct store_window window, int64_t now,
                      GError **error)
{
    g_autoptr(GArray) old = coverage_overlap(store, part, window, error);
    if (!old)
        return false;
    g_autoptr(GArray) kept = without_open(old, window);
    struct store_coverage lost = {window.from, window.to, STORE_COVERAGE_LOST, now, 0, 0, 0};
    g_autoptr(GArray) spans = fill_gaps(kept, window, lost);
    return replace_spans(store, part, window, spans, error);
}

bool store_mark_open(struct store *store, int64_t customer_id, const char *source, const char *part,
                     struct store_window window, GError **error)
{
    struct coverage_part whose = {customer_id, source, part};
    if (window.from >= window.to)
        return true;
    if (!store_begin(store, error))
        return false;
    if (!coverage_mark_open(store, &whose, window, error)) {
        store_rollback(store);
        return false;
    }
    return store_commit(store, error);
}

bool store_mark_lost(struct store *store, int64_t customer_id, const char *source, const char *part,
                     struct store_window window, int64_t now, GError **error)
{
    struct coverage_part whose = {customer_id, source, part};
    if (window.from >= window.to)
        return true;
    if (!store_begin(store, error))
        return false;
    if (!mark_lost(store, &whose, window, now, error)) {
        store_rollback(store);
        return false;
    }
    return store_commit(store, error);
}

GArray *store_coverage_read(struct store *store, int64_t customer_id, const char *source, const char *part,
                            GError **error)
{
    struct coverage_part whose = {customer_id, source, part};
    return coverage_overlap(store, &whose, (struct store_window){INT64_MIN, INT64_MAX}, error);
}

/* --- settling
 * ---------------------------------------------------------------------------------------------------------- */

static bool mergeable(const struct store_coverage *a, const struct store_coverage *b)
{
    return a->to == b->from && a->state == b->state &&
           (a->state == STORE_COVERAGE_SETTLED || a->state == STORE_COVERAGE_LOST);
}

/* Joins neighbours about which there is no more to say: the table would grow by a row each window for ever. The joined
 * span was read as late and as often as the lesser of the two. */
static GArray *merge_neighbours(const GArray *spans)
{
    GArray *merged = g_array_new(FALSE, FALSE, sizeof(struct store_coverage));
    for (guint i = 0; i < spans->len; i++) {
        const struct store_coverage *span = span_at(spans, i);
        struct store_coverage *last =
            merged->len ? &g_array_index(merged, struct store_coverage, merged->len - 1) : NULL;
        if (!last || !mergeable(last, span)) {
            g_array_append_val(merged, *span);
            continue;
        }
        last->to = span->to;
        last->read_at = MIN(last->read_at, span->read_at);
        last->reads = MIN(last->reads, span->reads);
        last->records += span->records;
        last->late_records += span->late_records;
    }
    return merged;
}

/* What was read at least `settled_after` seconds past it is settled, and what nobody will read again because it is not
 * kept: that stays open for nobody either. A span is cut at that line, so that what is settled does not depend on the
 * windows in which it happened to be read. */
static GArray *cut_settled(const GArray *spans, int64_t settled_after, int64_t keep_from)
{
    GArray *cut = g_array_new(FALSE, FALSE, sizeof(struct store_coverage));
    for (guint i = 0; i < spans->len; i++) {
        struct store_coverage rest = *span_at(spans, i);
        int64_t line = CLAMP(MAX(rest.read_at - settled_after, keep_from), rest.from, rest.to);
        if (rest.state == STORE_COVERAGE_READ && line > rest.from) {
            struct store_coverage settled = piece_of(&rest, rest.from, line);
            settled.state = STORE_COVERAGE_SETTLED;
            g_array_append_val(cut, settled);
            rest.from = line;
            rest.records -= settled.records;
            rest.late_records -= settled.late_records;
        }
        if (rest.state == STORE_COVERAGE_OPEN)
            rest.from = CLAMP(keep_from, rest.from, rest.to);
        if (rest.from < rest.to)
            g_array_append_val(cut, rest);
    }
    return cut;
}

/* True when neither cutting nor joining changed anything. */
static bool same_spans(const GArray *a, const GArray *b)
{
    bool same = a->len == b->len;
    for (guint i = 0; same && i < a->len; i++)
        same = span_at(a, i)->from == span_at(b, i)->from && span_at(a, i)->state == span_at(b, i)->state;
    return same;
}

static bool settle(struct store *store, const struct coverage_part *part, int64_t settled_after, int64_t keep_from,
                   GError **error)
{
    const struct store_window ever = {INT64_MIN, INT64_MAX};
    g_autoptr(GArray) spans = coverage_overlap(store, part, ever, error);
    if (!spans)
        return false;
    g_autoptr(GArray) cut = cut_settled(spans, settled_after, keep_from);
    g_autoptr(GArray) merged = merge_neighbours(cut);
    return same_spans(merged, spans) || replace_spans(store, part, ever, merged, error);
}

bool store_coverage_settle(struct store *store, int64_t customer_id, const char *source, const char *part,
                           int64_t settled_after, int64_t keep_from, GError **error)
{
    struct coverage_part whose = {customer_id, source, part};
    if (!store_begin(store, error))
        return false;
    if (!settle(store, &whose, settled_after, keep_from, error)) {
        store_rollback(store);
        return false;
    }
    return store_commit(store, error);
}
