#include "store/renormalize.h"

enum {
    LOOK_US = 20000,         /* how long one statement reads, so that the write-ahead log can start over */
    NOTE_US = 1000000,       /* how long a place is held in memory alone */
    UNITS_LEAST = 16,        /* rows a transaction writes, */
    UNITS_MOST = 4096,       /* and at most, */
    DUE_BYTES_MOST = 8 << 20 /* and of their bytes */
};

static enum derive_look look_at_event(struct renormalizing *round, const struct renormalize_step *step,
                                      struct statement *row, GError **error)
{
    (void)step, (void)error;
    return derive_look(&round->derive, row);
}

static bool write_event(struct renormalizing *round, const struct renormalize_step *step, int64_t id, GError **error)
{
    struct derived derived;
    (void)step;
    if (!derive_event(&round->derive, id, &derived, error))
        return false;
    round->counts.changed += derived.changed;
    round->counts.moved += derived.moved;
    round->counts.rekeyed += derived.rekeyed;
    round->counts.kept_apart += derived.apart;
    return true;
}

/* In the order of a round. What could not be read comes last: what becomes of it is right from the first. */
static const struct renormalize_step steps[] = {
    {"events", "deriving events anew", STATEMENT_RENORMALIZE_EVENTS, 0, look_at_event, write_event},
    {"users", "deriving accounts anew", STATEMENT_RENORMALIZE_USERS, RENORMALIZE_ACCOUNTS, renormalize_look_at_state,
     renormalize_write_state},
    {"overviews", "deriving overviews anew", STATEMENT_RENORMALIZE_OVERVIEWS, STORE_HEALTH_OVERVIEWS,
     renormalize_look_at_state, renormalize_write_state},
    {"issues", "deriving issues anew", STATEMENT_RENORMALIZE_ISSUES, STORE_HEALTH_ISSUES, renormalize_look_at_state,
     renormalize_write_state},
    {"messages", "deriving messages anew", STATEMENT_RENORMALIZE_MESSAGES, STORE_HEALTH_MESSAGES,
     renormalize_look_at_state, renormalize_write_state},
    {"unreadable", "trying what could not be read", STATEMENT_RENORMALIZE_UNREADABLE, 0, recover_look, recover_write},
};

static bool tries_again(const struct renormalize_step *step)
{
    return step->look == recover_look;
}

/* --- where the round stands ------------------------------------------------------------------------------------------
 */

/* "events 1882813169369090 4711 1000": the table, the id to go on from, the last change number when the round began,
 * and how many records were looked at. */
static char *place_text(const struct renormalizing *round)
{
    return g_strdup_printf("%s %" G_GINT64_FORMAT " %" G_GINT64_FORMAT " %" G_GINT64_FORMAT, round->step->name,
                           round->next, round->begun_seq, round->done);
}

/* False, with the round untouched, where the text is no place. */
static bool read_place(struct renormalizing *round, const char *text)
{
    g_auto(GStrv) words = g_strsplit(text ? text : "", " ", -1);
    int64_t numbers[3];

    if (g_strv_length(words) != 1 + G_N_ELEMENTS(numbers))
        return false;
    for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++)
        if (!g_ascii_string_to_signed(words[i + 1], 10, INT64_MIN, INT64_MAX, &numbers[i], NULL))
            return false;
    for (size_t i = 0; i < G_N_ELEMENTS(steps); i++)
        if (g_str_equal(steps[i].name, words[0])) {
            round->step = &steps[i];
            round->next = numbers[0];
            round->begun_seq = numbers[1];
            round->done = numbers[2];
            return true;
        }
    return false;
}

static bool begin_anew(struct renormalizing *round, GError **error)
{
    round->step = steps;
    round->next = INT64_MIN;
    round->begun_at = round->options->now;
    return events_seq_read(round->store, &round->begun_seq, error);
}

/* Goes on where the last run of this version's round stood, or begins one. */
static bool find_place(struct renormalizing *round, GError **error)
{
    struct statement *read = statement_get(round->store, STATEMENT_RENORMALIZE_ROUND_READ, error);
    bool goes_on = false;
    if (!read)
        return false;
    enum step step = statement_step(read, error);
    if (step == STEP_FAILED)
        return false;
    if (step == STEP_ROW) {
        goes_on = g_strcmp0(column_text(read, 0, NULL), round->options->version) == 0 &&
                  read_place(round, column_text(read, 1, NULL));
        round->begun_at = column_int(read, 2);
        if (!statement_end(read, error))
            return false;
    }
    return goes_on || begin_anew(round, error);
}

static bool count_all(struct renormalizing *round, GError **error)
{
    struct statement *count = statement_get(round->store, STATEMENT_RENORMALIZE_COUNT, error);
    return count && statement_int(count, 0, &round->of, error);
}

/* Within a transaction. */
static bool note_place(struct renormalizing *round, GError **error)
{
    g_autofree char *place = place_text(round);
    struct statement *note = statement_get(round->store, STATEMENT_RENORMALIZE_ROUND_NOTE, error);
    if (!note)
        return false;
    bind_int(note, 1, round->begun_at);
    bind_text(note, 2, place);
    bind_text(note, 3, round->options->version);
    return statement_run(note, error);
}

static void noted(struct renormalizing *round)
{
    round->noted = round->next;
    round->noted_us = g_get_monotonic_time();
}

/* In a transaction of its own. */
static bool commit_place(struct renormalizing *round, GError **error)
{
    if (!pace_begin(&round->pace, round->store, error))
        return false;
    if (!note_place(round, error)) {
        store_rollback(round->store);
        return false;
    }
    noted(round);
    return pace_commit(&round->pace, round->store, error);
}

static bool commit_end(struct renormalizing *round, const struct store_renormalized *result, GError **error)
{
    g_autofree char *outcome =
        g_strdup_printf("Its last run looked at %" G_GINT64_FORMAT " records: %" G_GINT64_FORMAT
                        " became others, and of those that could not be read %" G_GINT64_FORMAT " are records now.",
                        result->looked_at, result->changed, result->recovered);
    struct statement *end = statement_get(round->store, STATEMENT_RENORMALIZE_ROUND_END, error);
    if (!end)
        return false;
    bind_int(end, 1, round->options->now);
    bind_text(end, 2, outcome);
    bind_text(end, 3, round->options->version);
    return statement_run(end, error);
}

/* --- looking ---------------------------------------------------------------------------------------------------------
 */

/* What a look found, and when it is enough. */
struct found {
    GArray *due; /* int64_t ids */
    size_t bytes;
    int64_t until_us;
    bool ended; /* no row follows */
};

static bool reached_limit(const struct renormalizing *round)
{
    return round->options->limit > 0 && round->tried >= round->options->limit;
}

/* A row that was written since the round began was counted where it stood before, or is new. */
static void count_row(struct renormalizing *round, struct statement *row, enum derive_look look,
                      struct store_renormalized *result)
{
    if (tries_again(round->step)) {
        round->tried++;
        result->unreadable += look == DERIVE_UNDECODABLE;
    } else if (column_int(row, 1) <= round->begun_seq) {
        round->tried++;
        round->done++;
        result->looked_at++;
        result->undecodable += look == DERIVE_UNDECODABLE;
    }
}

static size_t bytes_of(const struct statement *row)
{
    size_t bytes = 0;
    for (int i = 0; i < sqlite3_column_count(row->handle); i++)
        bytes += (size_t)sqlite3_column_bytes(row->handle, i);
    return bytes;
}

static bool look_at_row(struct renormalizing *round, struct statement *row, struct found *found,
                        struct store_renormalized *result, GError **error)
{
    int64_t id = column_int(row, 0);
    enum derive_look look = round->step->look(round, round->step, row, error);
    if (look == DERIVE_FAILED)
        return false;
    count_row(round, row, look, result);
    if (look == DERIVE_DUE) {
        g_array_append_val(found->due, id);
        found->bytes += bytes_of(row);
    }
    found->ended = id == INT64_MAX;
    round->next = found->ended ? id : id + 1;
    return true;
}

static bool is_enough(const struct renormalizing *round, const struct found *found)
{
    return found->ended || found->due->len >= round->units || found->bytes >= DUE_BYTES_MOST || reached_limit(round) ||
           g_get_monotonic_time() >= found->until_us;
}

static bool look(struct renormalizing *round, struct found *found, struct store_renormalized *result, GError **error)
{
    struct statement *rows = statement_get(round->store, round->step->rows, error);
    enum step step;

    if (!rows)
        return false;
    found->until_us = g_get_monotonic_time() + LOOK_US;
    bind_int(rows, 1, round->next);
    bind_int(rows, 2, INT64_MAX);
    while ((step = statement_step(rows, error)) == STEP_ROW) {
        if (!look_at_row(round, rows, found, result, error)) {
            statement_end(rows, NULL);
            return false;
        }
        if (is_enough(round, found))
            return statement_end(rows, error);
    }
    found->ended = true;
    return step == STEP_DONE;
}

/* --- writing ---------------------------------------------------------------------------------------------------------
 */

static void add_counts(struct store_renormalized *result, const struct store_renormalized *counts)
{
    result->changed += counts->changed;
    result->moved += counts->moved;
    result->rekeyed += counts->rekeyed;
    result->kept_apart += counts->kept_apart;
    result->recovered += counts->recovered;
    result->unreadable += counts->unreadable;
}

static bool write_rows(struct renormalizing *round, const GArray *due, GError **error)
{
    if (!derive_begin(&round->derive, error))
        return false;
    for (guint i = 0; i < due->len; i++)
        if (!round->step->write(round, round->step, g_array_index(due, int64_t, i), error))
            return false;
    return note_place(round, error) && derive_finish(&round->derive, error) &&
           accounts_write_fts(&round->accounts, error) && health_write_fts(&round->health, error);
}

/* Writes what is due, and how far the round is, in one transaction. */
static bool commit_rows(struct renormalizing *round, const GArray *due, struct store_renormalized *result,
                        GError **error)
{
    if (!pace_begin(&round->pace, round->store, error))
        return false;
    round->counts = (struct store_renormalized){0};
    accounts_batch_init(&round->accounts, round->store, &round->derive.seq);
    health_batch_init(&round->health, round->store, &round->derive.seq);
    bool written = write_rows(round, due, error);
    accounts_batch_clear(&round->accounts);
    health_batch_clear(&round->health);
    if (!written) {
        store_rollback(round->store);
        return false;
    }
    if (!pace_commit(&round->pace, round->store, error))
        return false;
    noted(round);
    add_counts(result, &round->counts);
    if (due->len >= round->units || round->pace.held_us > PACE_AIM_US)
        round->units = pace_units(&round->pace, MIN(round->units, (int64_t)due->len), UNITS_LEAST, UNITS_MOST);
    return true;
}

/* --- the round -------------------------------------------------------------------------------------------------------
 */

/* Leaves the lock alone for a while, and asks whether to go on: then all that was looked at has been written. Looking
 * needs no lock, so that time counts. */
static bool rest(struct renormalizing *round, GError **error)
{
    GError *cause = NULL;
    round->pace.held_us = MAX(0, round->pace.held_us - round->looked_us);
    if (pace_rest(&round->pace, round->store, round->step->doing, round->done, round->of, &cause))
        return true;
    commit_place(round, NULL); /* where that fails, the next run looks at some once more */
    g_propagate_error(error, cause);
    return false;
}

/* Looks at some rows, and writes what is due about them. */
static bool go_through(struct renormalizing *round, struct found *found, struct store_renormalized *result,
                       GError **error)
{
    int64_t began_us = g_get_monotonic_time(), transactions = round->pace.transactions;
    g_array_set_size(found->due, 0);
    found->bytes = 0;
    found->ended = false;
    if (!look(round, found, result, error))
        return false;
    round->looked_us = g_get_monotonic_time() - began_us;
    if (found->due->len > 0 && !commit_rows(round, found->due, result, error))
        return false;
    if (round->next != round->noted && g_get_monotonic_time() - round->noted_us > NOTE_US &&
        !commit_place(round, error))
        return false;
    round->pace.alone = round->pace.transactions == transactions; /* then there is nothing to rest from */
    return true;
}

static void next_step(struct renormalizing *round)
{
    round->step = round->step + 1 == steps + G_N_ELEMENTS(steps) ? NULL : round->step + 1;
    round->next = INT64_MIN;
}

static bool go_round(struct renormalizing *round, struct store_renormalized *result, GError **error)
{
    g_autoptr(GArray) due = g_array_new(FALSE, FALSE, sizeof(int64_t));
    struct found found = {.due = due};

    while (round->step && !reached_limit(round)) {
        if (!rest(round, error) || !go_through(round, &found, result, error))
            return false;
        if (found.ended)
            next_step(round);
    }
    result->complete = round->step == NULL;
    return result->complete ? commit_end(round, result, error) : commit_place(round, error);
}

bool store_renormalize(struct store *store, const struct store_renormalize_options *options,
                       struct store_renormalized *result, GError **error)
{
    struct renormalizing round = {.store = store,
                                  .options = options,
                                  .pace = {.watch = options->watch, .alone = true},
                                  .noted = INT64_MIN,
                                  .noted_us = g_get_monotonic_time(),
                                  .units = UNITS_LEAST};
    g_autoptr(JsonTree) tree = json_tree_new();

    *result = (struct store_renormalized){0};
    round.tree = tree;
    derive_init(&round.derive, store, options->decoders, options->now);
    round.derive.mirror_deletes = options->mirror_deletes;
    bool ok = find_place(&round, error) && count_all(&round, error);
    result->of = round.of;
    ok = ok && go_round(&round, result, error);
    derive_clear(&round.derive);
    return ok;
}
