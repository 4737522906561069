#include "base/timestamp.h"
#include "store/prune.h"

enum { LOOK_AT = 1000 };

/* A row, by what is its own in its table: a number, or (of blobs) a name. */
struct row {
    int64_t id;
    char *name; /* owned */
    int64_t customer_id, seq, moment;
    char *tail; /* owned; of the _id that the mirror gave it, see prune_forget_document */
};

/* Rows of one table. Its statement tells which go of those whose keys are in [?1, ?2], at most ?3, by key: ?4 is the
 * line, ?5 the same as a timestamp, ?6 the change behind which rows are held, ?7 now, ?8 a customer, ?9 a source. It
 * gives key, customer (0: none), seq (0: nothing of the mirror's), moment and tail. */
struct table {
    const char *doing;
    const char *source;     /* NULL: of each */
    const char *collection; /* the mirror's; NULL: it has no such documents */
    /* What goes before the row, in a dry run also. NULL: nothing. */
    bool (*before)(struct prune *prune, const struct row *row, struct prune_pair *pair, GError **error);
    enum statement_id find;
    enum statement_id removals[3]; /* of a row, ?1 its key, ?2 its customer; 0 ends them */
    enum prune_count what;         /* as what its rows count */
    bool by_customer;              /* ?8 is asked for */
    bool named;                    /* the key is a name */
};

/* Rows of a table under way. */
struct job {
    const struct table *table;
    const struct prune_source *source;
    int64_t customer_id; /* where by_customer */
    GArray *rows;        /* struct row, found outside of a transaction, those that are not held; borrowed */
};

static void row_clear(gpointer data)
{
    struct row *row = data;
    g_free(row->name);
    g_free(row->tail);
}

static GArray *rows_new(void)
{
    GArray *rows = g_array_new(FALSE, FALSE, sizeof(struct row));
    g_array_set_clear_func(rows, row_clear);
    return rows;
}

/* --- finding ---------------------------------------------------------------------------------------------------------
 */

/* Binds what the statement has a parameter for. */
static bool has_parameter(const struct statement *statement, int index)
{
    return index <= sqlite3_bind_parameter_count(statement->handle);
}

/* Keys [first, last]; NULL: from the beginning, and to the end. With `after` first itself is left out. */
static void bind_keys(struct statement *find, const struct table *table, const struct row *first, bool after,
                      const struct row *last)
{
    if (!table->named) {
        bind_int(find, 1, first ? first->id + after : INT64_MIN);
        bind_int(find, 2, last ? last->id : INT64_MAX);
        return;
    }
    /* The next name behind one is the same with a NUL, and every BLOB is behind every text. */
    bind_bytes(find, 1, first ? first->name : "", first ? strlen(first->name) + after : 0);
    if (last)
        bind_text(find, 2, last->name);
    else
        bind_blob(find, 2, "", 0);
}

static void bind_rest(struct statement *find, const struct prune *prune, const struct job *job, const char *line)
{
    bind_int(find, 4, prune_line(prune, job->source));
    if (has_parameter(find, 5))
        bind_text(find, 5, line);
    /* Only a dry run has still to leave out what will have gone: else whatever is there stays. */
    if (has_parameter(find, 6))
        bind_int(find, 6, prune->options->dry_run ? prune->position : -1);
    if (has_parameter(find, 7))
        bind_int(find, 7, prune->options->now);
    if (has_parameter(find, 8))
        bind_int(find, 8, job->customer_id);
    if (has_parameter(find, 9))
        bind_text(find, 9, job->source->name);
}

/* Appends the rows that go, or are held, of the keys as above. */
static bool find(struct prune *prune, const struct job *job, const struct row *first, bool after,
                 const struct row *last, GArray *rows, GError **error)
{
    char line[TIMESTAMP_TEXT_BYTES];
    struct statement *find = statement_get(prune->store, job->table->find, error);
    enum step step;
    if (!find)
        return false;
    timestamp_format((struct timestamp){prune_line(prune, job->source), 0}, line);
    bind_keys(find, job->table, first, after, last);
    bind_int(find, 3, LOOK_AT);
    bind_rest(find, prune, job, line);
    while ((step = statement_step(find, error)) == STEP_ROW) {
        struct row row = {.id = column_int(find, 0),
                          .name = job->table->named ? g_strdup(column_text(find, 0, NULL)) : NULL,
                          .customer_id = column_int(find, 1),
                          .seq = column_int(find, 2),
                          .moment = column_int(find, 3),
                          .tail = g_strdup(column_text(find, 4, NULL))};
        g_array_append_val(rows, row);
    }
    return step == STEP_DONE;
}

/* --- accounts --------------------------------------------------------------------------------------------------------
 */

/* Changes of an account that goes: all there are, whenever they were seen. */
static bool delete_changes(struct prune *prune, const struct row *account, struct prune_pair *pair, GError **error)
{
    g_autoptr(GPtrArray) tails = g_ptr_array_new_with_free_func(g_free);
    struct statement *changes = statement_get(prune->store, STATEMENT_PRUNE_ACCOUNT_CHANGES, error);
    enum step step;
    if (!changes)
        return false;
    bind_int(changes, 1, account->customer_id);
    bind_text(changes, 2, account->tail);
    while ((step = statement_step(changes, error)) == STEP_ROW) {
        g_ptr_array_add(tails, g_strdup(column_text(changes, 0, NULL)));
        prune_count(pair, PRUNE_OTHER, account->moment);
    }
    if (step != STEP_DONE || prune->options->dry_run)
        return step == STEP_DONE;
    for (guint i = 0; i < tails->len; i++)
        if (!prune_forget_document(prune, account->customer_id, "user_changes", "user_changes", tails->pdata[i], error))
            return false;
    struct statement *removal = statement_get(prune->store, STATEMENT_PRUNE_ACCOUNT_CHANGES_DELETE, error);
    if (!removal)
        return false;
    bind_int(removal, 1, account->customer_id);
    bind_text(removal, 2, account->tail);
    return statement_run(removal, error);
}

/* --- tables, in the order in which they are gone through -------------------------------------------------------------
 *
 * States before scans: the scan that saw a state last stays with it. Records before their earlier bodies, which so
 * count where their record stays. */

static const struct table tables[] = {
    {.doing = "deleting accounts removed long ago",
     .source = "users",
     .find = STATEMENT_PRUNE_ACCOUNTS,
     .by_customer = true,
     .what = PRUNE_RECORD,
     .collection = "users",
     .before = delete_changes,
     .removals = {STATEMENT_PRUNE_LISTING_DELETE, STATEMENT_PRUNE_ACCOUNT_DELETE, STATEMENT_USER_FTS_DELETE}},
    {.doing = "deleting old changes of accounts",
     .source = "users",
     .find = STATEMENT_PRUNE_CHANGES,
     .what = PRUNE_OTHER,
     .collection = "user_changes",
     .removals = {STATEMENT_PRUNE_CHANGE_DELETE}},
    {.doing = "deleting old states of services",
     .source = "health",
     .find = STATEMENT_PRUNE_STATES,
     .what = PRUNE_OTHER,
     .collection = "service_states",
     .removals = {STATEMENT_PRUNE_STATE_DELETE}},
    {.doing = "deleting old scans",
     .source = "health",
     .find = STATEMENT_PRUNE_SCANS,
     .by_customer = true,
     .what = PRUNE_OTHER,
     .removals = {STATEMENT_PRUNE_SCAN_DELETE}},
    {.doing = "deleting old issues",
     .source = "health",
     .find = STATEMENT_PRUNE_ISSUES,
     .what = PRUNE_RECORD,
     .collection = "service_issues",
     .removals = {STATEMENT_PRUNE_ISSUE_VERSIONS_DELETE, STATEMENT_PRUNE_ISSUE_DELETE, STATEMENT_ISSUE_FTS_DELETE}},
    {.doing = "deleting old messages",
     .source = "health",
     .find = STATEMENT_PRUNE_MESSAGES,
     .what = PRUNE_RECORD,
     .collection = "service_messages",
     .removals = {STATEMENT_PRUNE_MESSAGE_VERSIONS_DELETE, STATEMENT_PRUNE_MESSAGE_DELETE,
                  STATEMENT_MESSAGE_FTS_DELETE}},
    {.doing = "deleting earlier bodies of issues",
     .source = "health",
     .find = STATEMENT_PRUNE_ISSUE_VERSIONS,
     .what = PRUNE_OTHER,
     .removals = {STATEMENT_PRUNE_ISSUE_VERSION_DELETE}},
    {.doing = "deleting earlier bodies of messages",
     .source = "health",
     .find = STATEMENT_PRUNE_MESSAGE_VERSIONS,
     .what = PRUNE_OTHER,
     .removals = {STATEMENT_PRUNE_MESSAGE_VERSION_DELETE}},
    {.doing = "deleting earlier bodies of overviews",
     .source = "health",
     .find = STATEMENT_PRUNE_OVERVIEW_VERSIONS,
     .what = PRUNE_OTHER,
     .removals = {STATEMENT_PRUNE_OVERVIEW_VERSION_DELETE}},
    {.doing = "deleting what is known of old blobs",
     .source = "unified-audit",
     .find = STATEMENT_PRUNE_BLOBS,
     .by_customer = true,
     .named = true,
     .what = PRUNE_OTHER,
     .removals = {STATEMENT_PRUNE_BLOB_DELETE}},
    {.doing = "deleting old records that could not be read",
     .find = STATEMENT_PRUNE_UNREADABLE,
     .what = PRUNE_OTHER,
     .removals = {STATEMENT_PRUNE_UNREADABLE_DELETE}},
    {.doing = "deleting old mails",
     .source = "mails",
     .find = STATEMENT_PRUNE_MAILS,
     .what = PRUNE_RECORD,
     .removals = {STATEMENT_PRUNE_RECIPIENTS_DELETE, STATEMENT_PRUNE_MAIL_DELETE}},
};

/* --- deleting --------------------------------------------------------------------------------------------------------
 */

static bool remove_row(struct prune *prune, const struct table *table, const struct row *row, GError **error)
{
    for (size_t i = 0; i < G_N_ELEMENTS(table->removals) && table->removals[i]; i++) {
        struct statement *removal = statement_get(prune->store, table->removals[i], error);
        if (!removal)
            return false;
        if (table->named)
            bind_text(removal, 1, row->name);
        else
            bind_int(removal, 1, row->id);
        if (has_parameter(removal, 2))
            bind_int(removal, 2, row->customer_id);
        if (!statement_run(removal, error))
            return false;
    }
    return !table->collection ||
           prune_forget_document(prune, row->customer_id, table->collection, table->collection, row->tail, error);
}

/* Counts the row, and, but for a dry run, deletes it. */
static bool take_row(struct prune *prune, const struct job *job, const struct row *row, GError **error)
{
    const struct table *table = job->table;
    struct prune_pair *pair = prune_pair(prune, row->customer_id, job->source, error);
    if (!pair)
        return false;
    prune_count(pair, table->what, row->moment);
    return (!table->before || table->before(prune, row, pair, error)) &&
           (prune->options->dry_run || remove_row(prune, table, row, error));
}

/* In the transaction: what goes by now, from the first to the last of these rows' keys. */
static bool delete_some(struct prune *prune, void *user, guint at, guint n, GError **error)
{
    const struct job *job = user;
    g_autoptr(GArray) rows = rows_new();
    if (!find(prune, job, &g_array_index(job->rows, struct row, at), false,
              &g_array_index(job->rows, struct row, at + n - 1), rows, error))
        return false;
    for (guint i = 0; i < rows->len; i++) {
        const struct row *row = &g_array_index(rows, struct row, i);
        if (row->seq <= prune->position && !take_row(prune, job, row, error))
            return false;
    }
    return true;
}

static bool take(struct prune *prune, struct job *job, struct prune_progress *progress, GError **error)
{
    if (!prune->options->dry_run)
        return prune_delete(prune, delete_some, job, job->rows->len, progress, error);
    for (guint i = 0; i < job->rows->len; i++)
        if (!take_row(prune, job, &g_array_index(job->rows, struct row, i), error))
            return false;
    prune_keep_counts(prune);
    return true;
}

/* Leaves out, and counts, what is held for the mirror. */
static bool judge(struct prune *prune, struct job *job, const GArray *found, GError **error)
{
    for (guint i = 0; i < found->len; i++) {
        const struct row *row = &g_array_index(found, struct row, i);
        if (row->seq <= prune->position) {
            g_array_append_val(job->rows, *row);
            continue;
        }
        struct prune_pair *pair = prune_pair(prune, row->customer_id, job->source, error);
        if (!pair)
            return false;
        prune_count(pair, PRUNE_HELD, row->moment);
    }
    prune_keep_counts(prune);
    return true;
}

/* --- going through ---------------------------------------------------------------------------------------------------
 */

/* What was found in one look. */
static bool take_found(struct prune *prune, struct job *job, const GArray *found, struct prune_progress *progress,
                       GError **error)
{
    g_autoptr(GArray) going = g_array_new(FALSE, FALSE, sizeof(struct row)); /* owns nothing */
    job->rows = going;
    return judge(prune, job, found, error) && take(prune, job, progress, error);
}

/* Everything of a job. */
static bool run_job(struct prune *prune, struct job *job, GError **error)
{
    struct prune_progress progress = {.doing = job->table->doing};
    g_autoptr(GArray) found = rows_new();
    prune->units = PRUNE_UNITS_FIRST;
    do {
        g_autoptr(GArray) before = g_steal_pointer(&found);
        const struct row *last = before->len ? &g_array_index(before, struct row, before->len - 1) : NULL;
        found = rows_new();
        if (!prune_read_position(prune, error) || !find(prune, job, last, true, NULL, found, error) ||
            !take_found(prune, job, found, &progress, error) || !prune_goes_on(prune, &progress, error))
            return false;
    } while (found->len == LOOK_AT);
    return true;
}

static bool read_customers(struct prune *prune, GArray *ids, GError **error)
{
    struct statement *rows = statement_get(prune->store, STATEMENT_PRUNE_CUSTOMERS, error);
    enum step step = STEP_FAILED;
    while (rows && (step = statement_step(rows, error)) == STEP_ROW) {
        int64_t id = column_int(rows, 0);
        g_array_append_val(ids, id);
    }
    return step == STEP_DONE;
}

static bool run_by_customer(struct prune *prune, struct job *job, GError **error)
{
    g_autoptr(GArray) ids = g_array_new(FALSE, FALSE, sizeof(int64_t));
    if (!job->table->by_customer)
        return run_job(prune, job, error);
    if (!read_customers(prune, ids, error))
        return false;
    for (guint i = 0; i < ids->len; i++) {
        job->customer_id = g_array_index(ids, int64_t, i);
        if (!run_job(prune, job, error))
            return false;
    }
    return true;
}

static bool run_table(struct prune *prune, const struct table *table, GError **error)
{
    for (guint i = 0; i < prune->sources->len; i++) {
        struct job job = {.table = table, .source = prune->sources->pdata[i]};
        bool concerned =
            !table->source ? strcmp(job.source->name, "mails") != 0 : strcmp(table->source, job.source->name) == 0;
        if (concerned && prune_line(prune, job.source) != INT64_MIN && !run_by_customer(prune, &job, error))
            return false;
    }
    return true;
}

bool prune_rows(struct prune *prune, GError **error)
{
    for (size_t i = 0; i < G_N_ELEMENTS(tables); i++)
        prune_source(prune, tables[i].source ? tables[i].source : "mails");
    for (size_t i = 0; i < G_N_ELEMENTS(tables); i++)
        if (!run_table(prune, &tables[i], error))
            return false;
    return true;
}
