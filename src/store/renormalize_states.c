/* What accounts, overviews, issues and messages say, derived anew. */
#include "store/renormalize.h"

enum { VALUES_MOST = 9 };

/* Where the rows of STATEMENT_RENORMALIZE_USERS and its kind have them. */
enum column { STATE_ID, SEQ, CUSTOMER_ID, RAW, TEXT, FACETS, FIRST_VALUE };

/* How the table of one kind is written: what is derived is in the order of its columns. */
struct table {
    const char *source;
    enum statement_id write;
    bool has_text;
};

static const struct table accounts_table = {"users", STATEMENT_RENORMALIZE_USER_WRITE, true};
static const struct table health_tables[] = {
    [STORE_HEALTH_OVERVIEWS] = {"health", STATEMENT_RENORMALIZE_OVERVIEW_WRITE, false},
    [STORE_HEALTH_ISSUES] = {"health", STATEMENT_RENORMALIZE_ISSUE_WRITE, true},
    [STORE_HEALTH_MESSAGES] = {"health", STATEMENT_RENORMALIZE_MESSAGE_WRITE, true}};

static const struct table *table_of(const struct renormalize_step *step)
{
    return step->kind == RENORMALIZE_ACCOUNTS ? &accounts_table : &health_tables[step->kind];
}

/* What the bytes of a row say today. */
struct state {
    struct account account;
    struct health_document health;
    const char *values[VALUES_MOST]; /* of the two above, as columns have them; NULL: nothing */
    int n;
    const char *text;
    char *facets;
};

static void state_clear(struct state *state)
{
    account_clear(&state->account);
    health_document_clear(&state->health);
    g_free(state->facets);
}

/* --- what they say ---------------------------------------------------------------------------------------------------
 */

static void say(struct state *state, const char *value)
{
    state->values[state->n++] = value;
}

static const char *flag(int value)
{
    return value < 0 ? NULL : value > 0 ? "1" : "0";
}

static void say_account(struct state *state)
{
    const struct account *account = &state->account;
    say(state, account->user_principal_name);
    say(state, account->display_name);
    say(state, account->mail);
    say(state, flag(account->enabled));
    say(state, account->user_type);
    say(state, account->created);
    say(state, account->last_sign_in);
    state->text = account->text;
}

static void say_overview(struct state *state)
{
    say(state, state->health.service);
    say(state, state->health.status);
}

static void say_announcement(struct state *state, enum store_health_kind kind)
{
    const struct health_document *document = &state->health;
    say(state, document->title);
    say(state, document->start);
    say(state, document->end);
    say(state, document->last_modified);
    if (kind == STORE_HEALTH_ISSUES) {
        say(state, document->service);
        say(state, document->classification);
        say(state, document->status);
        say(state, flag(document->is_resolved));
    } else {
        say(state, document->services);
        say(state, document->category);
        say(state, document->severity);
        say(state, flag(document->is_major_change));
        say(state, document->action_required_by);
    }
    state->text = document->text;
}

static bool is_object(const struct renormalizing *round, const char *raw, size_t length)
{
    const struct json_node *node = json_tree_parse(round->tree, raw, length, NULL);
    return node && node->type == JSON_OBJECT;
}

static void decode(const struct renormalizing *round, int kind, const char *raw, size_t length, struct state *state)
{
    const struct store_decoders *decoders = round->options->decoders;
    if (kind == RENORMALIZE_ACCOUNTS) {
        decoders->account(raw, length, &state->account);
        say_account(state);
        return;
    }
    decoders->health((enum store_health_kind)kind, raw, length, &state->health);
    if (kind == STORE_HEALTH_OVERVIEWS)
        say_overview(state);
    else
        say_announcement(state, (enum store_health_kind)kind);
}

/* Fills the state (zeroed) from the row at which a statement stands; to be cleared in any case. *known is false where
 * its bytes cannot be looked into. */
static bool read_state(const struct renormalizing *round, const struct renormalize_step *step, struct statement *row,
                       struct state *state, bool *known, GError **error)
{
    size_t length;
    const char *raw = column_text(row, RAW, &length);
    state->account.enabled = -1;
    state->health.is_resolved = state->health.is_major_change = -1;
    *known = raw && is_object(round, raw, length);
    if (!*known)
        return true;
    decode(round, step->kind, raw, length, state);
    if (!table_of(step)->has_text)
        return true;
    g_autofree char *facets = texts_facets(round->store, column_int(row, CUSTOMER_ID), table_of(step)->source, error);
    if (facets)
        state->facets = health_facets(facets, &state->health);
    return facets != NULL;
}

static bool same(struct statement *row, int column, const char *value)
{
    return g_strcmp0(column_text(row, column, NULL), value) == 0;
}

static bool is_stored(struct statement *row, const struct state *state)
{
    for (int i = 0; i < state->n; i++)
        if (!same(row, FIRST_VALUE + i, state->values[i]))
            return false;
    return !state->facets || (same(row, TEXT, state->text ? state->text : "") && same(row, FACETS, state->facets));
}

enum derive_look renormalize_look_at_state(struct renormalizing *round, const struct renormalize_step *step,
                                           struct statement *row, GError **error)
{
    struct state state = {0};
    bool known, read = read_state(round, step, row, &state, &known, error);
    enum derive_look look = !read                    ? DERIVE_FAILED
                            : !known                 ? DERIVE_UNDECODABLE
                            : is_stored(row, &state) ? DERIVE_SAME
                                                     : DERIVE_DUE;
    state_clear(&state);
    return look;
}

/* --- writing ---------------------------------------------------------------------------------------------------------
 */

static bool write_row(struct renormalizing *round, const struct renormalize_step *step, int64_t id,
                      const struct state *state, GError **error)
{
    struct statement *write = statement_get(round->store, table_of(step)->write, error);
    if (!write)
        return false;
    bind_int(write, 1, id);
    bind_int(write, 2, ++round->derive.seq);
    for (int i = 0; i < state->n; i++)
        bind_text(write, 3 + i, state->values[i]); /* of a flag the column makes a number */
    return statement_run(write, error);
}

static bool keep_text(struct renormalizing *round, const struct renormalize_step *step, int64_t id,
                      const struct state *state, GError **error)
{
    struct texts *texts = step->kind == RENORMALIZE_ACCOUNTS  ? &round->accounts.texts
                          : step->kind == STORE_HEALTH_ISSUES ? &round->health.issues
                                                              : &round->health.messages;
    return !state->facets || texts_keep(texts, id, false, state->text ? state->text : "", state->facets, error);
}

/* Reads the row once more. *due is false where it is gone, or nothing is to be written about it any more. */
static bool read_due(struct renormalizing *round, const struct renormalize_step *step, int64_t id, struct state *state,
                     bool *due, GError **error)
{
    bool known = false;
    struct statement *row = statement_get(round->store, step->rows, error);
    if (!row)
        return false;
    bind_int(row, 1, id);
    bind_int(row, 2, id);
    enum step at = statement_step(row, error);
    if (at != STEP_ROW)
        return at == STEP_DONE;
    bool read = read_state(round, step, row, state, &known, error);
    *due = read && known && !is_stored(row, state);
    return statement_end(row, read ? error : NULL) && read;
}

bool renormalize_write_state(struct renormalizing *round, const struct renormalize_step *step, int64_t id,
                             GError **error)
{
    struct state state = {0};
    bool due = false;
    bool ok = read_due(round, step, id, &state, &due, error) &&
              (!due || (write_row(round, step, id, &state, error) && keep_text(round, step, id, &state, error)));
    round->counts.changed += ok && due;
    state_clear(&state);
    return ok;
}
