#include "store/accounts.h"

#include <string.h>

#include "base/text.h"
#include "store/account_merge.h"

enum { MISSING_ROWS = 500 }; /* accounts marked as missing between two looks: what memory holds of them */

/* What the database knows of an account. */
struct known {
    int64_t user_id; /* 0: nobody knows it */
    char *removed;   /* the reason; NULL: it is there */
    char *raw;       /* NULL: the same bytes as the record's */
    size_t length;
};

/* A page of accounts under way. */
struct taking {
    struct accounts_batch *batch;
    struct store *store;
    struct store_page *page;
    enum store_round_kind kind;
    char *facets;
};

void accounts_batch_init(struct accounts_batch *batch, struct store *store, int64_t *seq)
{
    static const struct texts_table table = {STATEMENT_USER_FTS_READ, STATEMENT_USER_FTS_INSERT,
                                             STATEMENT_USER_FTS_DELETE};
    batch->store = store;
    batch->seq = seq;
    texts_init(&batch->texts, store, &table);
}

void accounts_batch_clear(struct accounts_batch *batch)
{
    texts_clear(&batch->texts);
}

static void known_clear(struct known *known)
{
    g_free(known->removed);
    g_free(known->raw);
}

/* --- what is known
 * ---------------------------------------------------------------------------------------------------- */

static void read_known(struct statement *row, const struct account_record *record, struct known *known)
{
    uint8_t hash[HASH_KEY_BYTES];
    size_t length;
    content_hash_of(record->raw, record->length, hash);
    known->user_id = column_int(row, 0);
    if (column_int(row, 2)) {
        const char *reason = column_text(row, 3, NULL);
        known->removed = g_strdup(reason ? reason : "");
    }
    const void *known_hash = column_blob(row, 1, &length);
    if (known_hash && length == HASH_KEY_BYTES && memcmp(known_hash, hash, HASH_KEY_BYTES) == 0)
        return;
    const char *raw = column_text(row, 4, &length);
    known->raw = g_strndup(raw ? raw : "", length);
    known->length = length;
}

static bool find_known(const struct taking *taking, const struct account_record *record, struct known *known,
                       GError **error)
{
    struct statement *find = statement_get(taking->store, STATEMENT_USER_FIND, error);
    if (!find)
        return false;
    bind_int(find, 1, taking->page->customer_id);
    bind_text(find, 2, record->id);
    enum step step = statement_step(find, error);
    if (step != STEP_ROW)
        return step == STEP_DONE;
    read_known(find, record, known);
    return statement_end(find, error);
}

/* --- rows
 * ---------------------------------------------------------------------------------------------------- */

/* Binds what an account's JSON says, and the JSON itself, from parameter 2 on. */
static void bind_body(struct statement *statement, const struct account *account, const char *raw, size_t length,
                      const uint8_t hash[HASH_KEY_BYTES])
{
    bind_text(statement, 2, account->user_principal_name);
    bind_text(statement, 3, account->display_name);
    bind_text(statement, 4, account->mail);
    if (account->enabled < 0)
        bind_text(statement, 5, NULL);
    else
        bind_int(statement, 5, account->enabled);
    bind_text(statement, 6, account->user_type);
    bind_text(statement, 7, account->created);
    bind_text(statement, 8, account->last_sign_in);
    bind_blob(statement, 9, hash, HASH_KEY_BYTES);
    bind_bytes(statement, 10, raw, length);
}

/* Writes what the merged JSON says. An account that nobody knew gets its user_id. */
static bool write_body(const struct taking *taking, struct known *known, const struct account_record *record,
                       const struct account_merge *merge, int64_t seq, GError **error)
{
    const struct store_page *page = taking->page;
    bool is_new = known->user_id == 0;
    struct statement *write =
        statement_get(taking->store, is_new ? STATEMENT_USER_INSERT : STATEMENT_USER_UPDATE, error);
    if (!write)
        return false;
    uint8_t hash[HASH_KEY_BYTES];
    struct account account = {.enabled = -1};
    content_hash_of(merge->raw, merge->length, hash);
    page->accounts->decode(merge->raw, merge->length, &account);

    bind_body(write, &account, merge->raw, merge->length, hash);
    bind_int(write, 11, seq);
    if (is_new) {
        bind_int(write, 1, page->customer_id);
        bind_int(write, 12, page->received_at);
        bind_text(write, 13, record->id);
    } else {
        bind_int(write, 1, known->user_id);
        bind_int_or_null(write, 12, merge->changes->len > 0 ? page->received_at : 0);
    }
    bool written = statement_run(write, error);
    if (written && is_new)
        known->user_id = sqlite3_last_insert_rowid(taking->store->db);
    written = written && texts_keep(&taking->batch->texts, known->user_id, is_new, account.text ? account.text : "",
                                    taking->facets, error);
    account_clear(&account);
    return written;
}

/* Removes an account, brings it back (`reason` NULL) or gives another reason. */
static bool write_state(const struct taking *taking, int64_t user_id, const char *reason, int64_t seq, GError **error)
{
    struct statement *write = statement_get(taking->store, STATEMENT_USER_STATE, error);
    if (!write)
        return false;
    bind_int(write, 1, user_id);
    bind_text(write, 2, reason);
    bind_int(write, 3, taking->page->received_at);
    bind_int(write, 4, seq);
    return statement_run(write, error);
}

static bool write_change(const struct taking *taking, const char *id, const struct account_change *change,
                         GError **error)
{
    struct statement *insert = statement_get(taking->store, STATEMENT_USER_CHANGE_INSERT, error);
    if (!insert)
        return false;
    bind_int(insert, 1, taking->page->customer_id);
    bind_text(insert, 2, id);
    bind_text(insert, 3, change->field);
    bind_bytes(insert, 4, change->old_value, change->old_length);
    bind_bytes(insert, 5, change->new_value, change->new_length);
    bind_int(insert, 6, taking->page->received_at);
    bind_int(insert, 7, ++*taking->batch->seq);
    return statement_run(insert, error);
}

static char *reason_json(const char *reason)
{
    if (!reason)
        return NULL;
    GString *json = g_string_new("{\"reason\":");
    text_append_json(json, reason);
    g_string_append_c(json, '}');
    return text_take(json);
}

/* Removal and return are history like a member's change; `was` and `is` are the reasons, NULL: there. */
static bool write_move(const struct taking *taking, const char *id, const char *was, const char *is, GError **error)
{
    g_autofree char *old = reason_json(was), *new = reason_json(is);
    struct account_change change = {"@removed", old, new, old ? strlen(old) : 0, new ? strlen(new) : 0};
    return write_change(taking, id, &change, error);
}

/* --- records
 * ---------------------------------------------------------------------------------------------------- */

/* The reason for which an account is gone after this record; NULL: it is there. */
static const char *reason_after(const struct taking *taking, const struct account_record *record,
                                const struct known *known)
{
    return taking->kind == STORE_ROUND_ACTIVITY ? known->removed : record->removed_reason;
}

static bool write_record(const struct taking *taking, const struct account_record *record, struct known *known,
                         const struct account_merge *merge, GError **error)
{
    const char *reason = reason_after(taking, record, known);
    bool moved = g_strcmp0(reason, known->removed) != 0;
    int64_t seq = ++*taking->batch->seq;

    if (merge->raw && !write_body(taking, known, record, merge, seq, error))
        return false;
    if (moved && !write_state(taking, known->user_id, reason, seq, error))
        return false;
    for (guint i = 0; merge->raw && i < merge->changes->len; i++)
        if (!write_change(taking, record->id, &g_array_index(merge->changes, struct account_change, i), error))
            return false;
    return !moved || write_move(taking, record->id, known->removed, reason, error);
}

static bool merge_record(struct account_merge *merge, const struct known *known, const struct account_record *record,
                         GError **error)
{
    g_autoptr(GError) cause = NULL;
    if (account_merge(merge, known->raw, known->length, record->raw, record->length, &cause))
        return true;
    g_set_error(error, STORE_ERROR, STORE_ERROR_FAILED,
                "what the service said about the account %s is not an account: %s", record->id, cause->message);
    return false;
}

static bool take_known(const struct taking *taking, const struct account_record *record, struct known *known,
                       GError **error)
{
    struct store_counts *counts = &taking->page->counts;
    const char *reason = reason_after(taking, record, known);
    bool left = reason && !known->removed, moved = g_strcmp0(reason, known->removed) != 0;
    struct account_merge merge = {0};
    bool ok = !known->raw || merge_record(&merge, known, record, error);

    if (ok && !merge.raw && !moved) {
        counts->duplicates++;
    } else if (ok) {
        ok = write_record(taking, record, known, &merge, error);
        counts->removed += left;
        counts->updated += !left;
    }
    account_merge_clear(&merge);
    return ok;
}

static bool take_unknown(const struct taking *taking, const struct account_record *record, struct known *known,
                         GError **error)
{
    struct account_merge merge = {0};
    if (taking->kind == STORE_ROUND_ACTIVITY)
        return true; /* the next round brings it */
    if (record->removed_reason) {
        taking->page->counts.duplicates++; /* gone before we knew of it */
        return true;
    }
    bool ok = merge_record(&merge, known, record, error) && write_record(taking, record, known, &merge, error);
    taking->page->counts.inserted += ok;
    account_merge_clear(&merge);
    return ok;
}

/* The listing under way has told of the account. */
static bool write_seen(const struct taking *taking, int64_t user_id, GError **error)
{
    struct statement *insert = statement_get(taking->store, STATEMENT_LISTING_INSERT, error);
    if (!insert)
        return false;
    bind_int(insert, 1, taking->page->customer_id);
    bind_int(insert, 2, user_id);
    return statement_run(insert, error);
}

static bool take_record(const struct taking *taking, const struct account_record *record, GError **error)
{
    struct known known = {0};
    bool ok = find_known(taking, record, &known, error);
    if (ok)
        ok = known.user_id ? take_known(taking, record, &known, error) : take_unknown(taking, record, &known, error);
    if (ok && known.user_id && taking->kind == STORE_ROUND_LISTING && !record->removed_reason)
        ok = write_seen(taking, known.user_id, error);
    known_clear(&known);
    return ok;
}

/* --- listings
 * ---------------------------------------------------------------------------------------------------- */

static bool empty_listing(const struct taking *taking, GError **error)
{
    struct statement *empty = statement_get(taking->store, STATEMENT_LISTING_EMPTY, error);
    if (!empty)
        return false;
    bind_int(empty, 1, taking->page->customer_id);
    return statement_run(empty, error);
}

struct missing {
    int64_t user_id;
    char *id;
};

static void missing_clear(gpointer data)
{
    g_free(((struct missing *)data)->id);
}

/* The next accounts after `after` that are there, but not in the listing. NULL with *error. */
static GArray *read_missing(const struct taking *taking, int64_t after, GError **error)
{
    struct statement *read = statement_get(taking->store, STATEMENT_LISTING_MISSING, error);
    if (!read)
        return NULL;
    bind_int(read, 1, taking->page->customer_id);
    bind_int(read, 2, after);
    bind_int(read, 3, MISSING_ROWS);
    g_autoptr(GArray) rows = g_array_new(FALSE, FALSE, sizeof(struct missing));
    g_array_set_clear_func(rows, missing_clear);
    enum step step;
    while ((step = statement_step(read, error)) == STEP_ROW) {
        struct missing row = {column_int(read, 0), g_strdup(column_text(read, 1, NULL))};
        g_array_append_val(rows, row);
    }
    return step == STEP_DONE ? g_steal_pointer(&rows) : NULL;
}

static bool mark_missing(const struct taking *taking, const struct missing *missing, GError **error)
{
    if (!write_state(taking, missing->user_id, "missing", ++*taking->batch->seq, error) ||
        !write_move(taking, missing->id, NULL, "missing", error))
        return false;
    taking->page->counts.removed++;
    return true;
}

static bool mark_all_missing(const struct taking *taking, GError **error)
{
    guint n = MISSING_ROWS;
    for (int64_t after = INT64_MIN; n == MISSING_ROWS;) {
        g_autoptr(GArray) rows = read_missing(taking, after, error);
        if (!rows)
            return false;
        n = rows->len;
        for (guint i = 0; i < n; i++)
            if (!mark_missing(taking, &g_array_index(rows, struct missing, i), error))
                return false;
        if (n > 0)
            after = g_array_index(rows, struct missing, n - 1).user_id;
    }
    return true;
}

/* The listing has been read to its end. *ended tells whether it counts: one that knows nobody is a fault of the
 * service's, and no reason to take everybody for removed. */
static bool end_listing(const struct taking *taking, bool *ended, GError **error)
{
    struct statement *any = statement_get(taking->store, STATEMENT_LISTING_ANY, error);
    int64_t seen;
    if (!any)
        return false;
    bind_int(any, 1, taking->page->customer_id);
    if (!statement_int(any, 0, &seen, error))
        return false;
    *ended = seen != 0;
    if (!*ended)
        return true;
    bool whole = taking->page->accounts->after.unreadable == 0; /* else: nobody knows whose those records were */
    return (!whole || mark_all_missing(taking, error)) && empty_listing(taking, error);
}

/* --- pages
 * ---------------------------------------------------------------------------------------------------- */

static bool take_page(struct taking *taking, GError **error)
{
    const struct store_page *page = taking->page;
    const struct store_accounts *accounts = page->accounts;
    bool listing = taking->kind == STORE_ROUND_LISTING, ended = true;

    taking->facets = texts_facets(taking->store, page->customer_id, page->source, error);
    if (!taking->facets || (listing && accounts->first && !empty_listing(taking, error)))
        return false;
    for (guint i = 0; i < accounts->records->len; i++)
        if (!take_record(taking, accounts->records->pdata[i], error))
            return false;
    if (page->again)
        return true;
    if (listing && accounts->after.complete && !end_listing(taking, &ended, error))
        return false;
    return !ended ||
           store_round_save(taking->store, page->customer_id, page->source, page->part, &accounts->after, error);
}

bool accounts_take_page(struct accounts_batch *batch, struct store_page *page, GError **error)
{
    enum store_round_kind kind = page->again ? STORE_ROUND_DELTA : page->accounts->after.kind;
    struct taking taking = {batch, batch->store, page, kind, NULL};
    bool taken = take_page(&taking, error);
    g_free(taking.facets);
    return taken;
}

bool accounts_write_fts(struct accounts_batch *batch, GError **error)
{
    return texts_write(&batch->texts, error);
}
