#include "store/prune.h"

void prune_pruned_free(gpointer data)
{
    struct store_pruned *pruned = data;
    if (!pruned)
        return;
    g_free(pruned->customer);
    g_free(pruned->tenant_id);
    g_free(pruned->source);
    g_free(pruned);
}

static void source_free(gpointer data)
{
    struct prune_source *source = data;
    g_free(source->name);
    g_free(source);
}

static void customer_free(gpointer data)
{
    struct prune_customer *customer = data;
    if (!customer)
        return;
    g_free(customer->name);
    g_free(customer->tenant_id);
    g_free(customer);
}

static void pair_free(gpointer data)
{
    struct prune_pair *pair = data;
    prune_pruned_free(pair->told);
    g_free(pair);
}

static guint hash_of_pair(gconstpointer key)
{
    const struct prune_pair *pair = key;
    return g_int64_hash(&pair->customer_id) ^ g_direct_hash(pair->source);
}

static gboolean same_pair(gconstpointer a, gconstpointer b)
{
    const struct prune_pair *x = a, *y = b;
    return x->customer_id == y->customer_id && x->source == y->source;
}

void prune_init_counts(struct prune *prune)
{
    prune->sources = g_ptr_array_new_with_free_func(source_free);
    prune->customers = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, customer_free);
    prune->pairs = g_hash_table_new_full(hash_of_pair, same_pair, pair_free, NULL);
}

void prune_clear_counts(struct prune *prune)
{
    g_hash_table_unref(prune->pairs);
    g_hash_table_unref(prune->customers);
    g_ptr_array_unref(prune->sources);
}

/* --- sources ---------------------------------------------------------------------------------------------------------
 */

const struct prune_source *prune_source(struct prune *prune, const char *name)
{
    for (guint i = 0; i < prune->sources->len; i++) {
        const struct prune_source *known = prune->sources->pdata[i];
        if (g_strcmp0(known->name, name) == 0)
            return known;
    }
    struct prune_source *source = g_new(struct prune_source, 1);
    *source = (struct prune_source){g_strdup(name), INT64_MIN};
    g_ptr_array_add(prune->sources, source);
    return source;
}

int64_t prune_line(const struct prune *prune, const struct prune_source *source)
{
    return MAX(source->before, prune->size_before);
}

/* --- customers -------------------------------------------------------------------------------------------------------
 */

static struct prune_customer *read_customer(struct prune *prune, int64_t customer_id, GError **error)
{
    struct statement *read = statement_get(prune->store, STATEMENT_PRUNE_CUSTOMER, error);
    if (!read)
        return NULL;
    bind_int(read, 1, customer_id);
    enum step step = statement_step(read, error);
    if (step == STEP_FAILED)
        return NULL;
    struct prune_customer *customer = g_new0(struct prune_customer, 1);
    customer->name = g_strdup(step == STEP_ROW ? column_text(read, 0, NULL) : "");
    customer->tenant_id = g_strdup(step == STEP_ROW ? column_text(read, 1, NULL) : "");
    if (step == STEP_DONE || statement_end(read, error))
        return customer;
    customer_free(customer);
    return NULL;
}

const struct prune_customer *prune_customer(struct prune *prune, int64_t customer_id, GError **error)
{
    struct prune_customer *customer = g_hash_table_lookup(prune->customers, &customer_id);
    if (!customer) {
        customer = read_customer(prune, customer_id, error);
        if (customer)
            g_hash_table_insert(prune->customers, g_memdup2(&customer_id, sizeof customer_id), customer);
    }
    return customer;
}

/* --- counting --------------------------------------------------------------------------------------------------------
 */

struct prune_pair *prune_pair(struct prune *prune, int64_t customer_id, const struct prune_source *source,
                              GError **error)
{
    struct prune_pair key = {.customer_id = customer_id, .source = source};
    struct prune_pair *pair = g_hash_table_lookup(prune->pairs, &key);
    if (pair)
        return pair;
    const struct prune_customer *customer = prune_customer(prune, customer_id, error);
    if (!customer)
        return NULL;
    pair = g_new(struct prune_pair, 1);
    *pair = key;
    pair->told = g_new0(struct store_pruned, 1);
    pair->told->customer = g_strdup(customer->name);
    pair->told->tenant_id = g_strdup(customer->tenant_id);
    pair->told->source = g_strdup(source->name);
    g_hash_table_add(prune->pairs, pair);
    return pair;
}

static bool anything_went(const struct store_pruned *counts)
{
    return counts->records != 0 || counts->others != 0;
}

/* Adds `more` to `sum`, both without their strings. */
static void add(struct store_pruned *sum, const struct store_pruned *more)
{
    if (anything_went(more)) {
        sum->oldest = anything_went(sum) ? MIN(sum->oldest, more->oldest) : more->oldest;
        sum->newest = anything_went(sum) ? MAX(sum->newest, more->newest) : more->newest;
    }
    sum->records += more->records;
    sum->others += more->others;
    sum->held += more->held;
}

void prune_count(struct prune_pair *pair, enum prune_count what, int64_t moment)
{
    struct store_pruned one = {.records = what == PRUNE_RECORD,
                               .others = what == PRUNE_OTHER,
                               .held = what == PRUNE_HELD,
                               .oldest = moment,
                               .newest = moment};
    add(&pair->pending, &one);
    pair->touched = true;
}

static void settle_counts(struct prune *prune, bool keep)
{
    GHashTableIter at;
    gpointer value;
    g_hash_table_iter_init(&at, prune->pairs);
    while (g_hash_table_iter_next(&at, &value, NULL)) {
        struct prune_pair *pair = value;
        if (keep && pair->touched) {
            add(pair->told, &pair->pending);
            prune->records += pair->pending.records;
        }
        pair->pending = (struct store_pruned){0};
        pair->touched = false;
    }
}

void prune_keep_counts(struct prune *prune)
{
    settle_counts(prune, true);
}

void prune_drop_counts(struct prune *prune)
{
    settle_counts(prune, false);
}

/* --- what the database keeps of it -----------------------------------------------------------------------------------
 */

static bool write_line(const struct prune *prune, const struct prune_pair *pair, int64_t before, int64_t pruned_at,
                       int64_t records, GError **error)
{
    struct statement *line = statement_get(prune->store, STATEMENT_PRUNE_LINE, error);
    if (!line)
        return false;
    bind_int(line, 1, pair->customer_id);
    bind_text(line, 2, pair->source->name);
    bind_int(line, 3, before);
    bind_int(line, 4, pruned_at);
    bind_int(line, 5, records);
    return statement_run(line, error);
}

static bool write_collection(const struct prune *prune, const struct prune_pair *pair, GError **error)
{
    struct statement *collection = statement_get(prune->store, STATEMENT_PRUNE_COLLECTION, error);
    if (!collection)
        return false;
    bind_int(collection, 1, pair->customer_id);
    bind_text(collection, 2, pair->source->name);
    bind_int(collection, 3, pair->pending.records);
    return statement_run(collection, error);
}

/* A mail of no customer has no place to be counted at. */
static bool write_pair(const struct prune *prune, const struct prune_pair *pair, GError **error)
{
    if (pair->customer_id == 0 || !anything_went(&pair->pending))
        return true;
    /* Others of the newest one's second may be there still. */
    return write_line(prune, pair, pair->pending.newest, prune->options->now, pair->pending.records, error) &&
           write_collection(prune, pair, error);
}

bool prune_write_counts(struct prune *prune, GError **error)
{
    GHashTableIter at;
    gpointer value;
    g_hash_table_iter_init(&at, prune->pairs);
    while (g_hash_table_iter_next(&at, &value, NULL)) {
        const struct prune_pair *pair = value;
        if (pair->touched && !write_pair(prune, pair, error))
            return false;
    }
    return true;
}

static bool is_done(const struct prune_pair *pair)
{
    return pair->customer_id != 0 && (anything_went(pair->told) || pair->behind) && pair->told->held == 0;
}

/* A run that was cut short has written how far it came. What it left may have been nothing. */
static bool find_behind(struct prune *prune, GError **error)
{
    enum step step = STEP_FAILED;
    struct statement *lines = statement_get(prune->store, STATEMENT_PRUNE_LINES, error);
    while (lines && (step = statement_step(lines, error)) == STEP_ROW) {
        int64_t customer_id = column_int(lines, 0), before = column_int(lines, 2);
        const struct prune_source *source = prune_source(prune, column_text(lines, 1, NULL));
        if (before >= prune_line(prune, source))
            continue;
        struct prune_pair *pair = prune_pair(prune, customer_id, source, error);
        if (!pair)
            return false;
        pair->behind = true;
    }
    return step == STEP_DONE;
}

/* That nothing went any more is no pruning: pruned_at stays. */
static bool write_done(const struct prune *prune, GError **error)
{
    GHashTableIter at;
    gpointer value;
    g_hash_table_iter_init(&at, prune->pairs);
    while (g_hash_table_iter_next(&at, &value, NULL)) {
        const struct prune_pair *pair = value;
        if (is_done(pair) && !write_line(prune, pair, prune_line(prune, pair->source), 0, 0, error))
            return false;
    }
    return true;
}

static gboolean find_done(gpointer key, gpointer value, gpointer user)
{
    (void)value;
    (void)user;
    return is_done(key);
}

bool prune_write_lines(struct prune *prune, GError **error)
{
    if (!find_behind(prune, error))
        return false;
    if (!g_hash_table_find(prune->pairs, find_done, NULL))
        return true;
    if (!pace_begin(&prune->pace, prune->store, error))
        return false;
    if (!write_done(prune, error)) {
        store_rollback(prune->store);
        return false;
    }
    return pace_commit(&prune->pace, prune->store, error);
}

/* --- the result ------------------------------------------------------------------------------------------------------
 */

static int by_name(gconstpointer a, gconstpointer b)
{
    const struct store_pruned *x = *(const struct store_pruned *const *)a, *y = *(const struct store_pruned *const *)b;
    int order = g_strcmp0(x->customer, y->customer);
    if (order == 0)
        order = g_strcmp0(x->tenant_id, y->tenant_id);
    return order ? order : g_strcmp0(x->source, y->source);
}

void prune_tell(struct prune *prune)
{
    struct store_prune_result *result = prune->result;
    GHashTableIter at;
    gpointer value;
    g_hash_table_iter_init(&at, prune->pairs);
    while (g_hash_table_iter_next(&at, &value, NULL)) {
        struct prune_pair *pair = value;
        if (!anything_went(pair->told) && pair->told->held == 0)
            continue;
        result->records += pair->told->records;
        result->others += pair->told->others;
        result->held += pair->told->held;
        g_ptr_array_add(result->sources, g_steal_pointer(&pair->told));
    }
    g_ptr_array_sort(result->sources, by_name);
    result->transactions = prune->pace.transactions;
    result->longest_ms = (prune->pace.longest_us + 999) / 1000;
}
