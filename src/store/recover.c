/* What could not be read when it came, tried again. What can be read now becomes a record as if it had been received
 * then; what was received since then stays what is known, and where nobody can tell which word is the later one, the
 * record stays where it is. */
#include "store/account_merge.h"
#include "store/renormalize.h"
#include "store/write.h"

enum column { UNREADABLE_ID, ZERO, CUSTOMER_ID, TENANT_ID, SOURCE, RECEIVED_AT, BODY };

/* A row of what could not be read. */
struct attempt {
    int64_t customer_id, received_at;
    char *tenant_id, *source, *body;
    size_t length;
    uint8_t hash[HASH_KEY_BYTES]; /* of the body */
};

static void attempt_clear(struct attempt *attempt)
{
    g_free(attempt->tenant_id);
    g_free(attempt->source);
    g_free(attempt->body);
}

static bool is_account(const char *source)
{
    return g_strcmp0(source, "users") == 0;
}

static bool is_health(const char *source)
{
    return g_strcmp0(source, "health") == 0;
}

/* --- looking ---------------------------------------------------------------------------------------------------------
 */

static bool can_be_read(const struct store_decoders *decoders, struct statement *row, const char *body, size_t length)
{
    const char *source = column_text(row, SOURCE, NULL);
    enum store_health_kind kind;

    if (is_account(source)) {
        struct account_record *record = decoders->account_record(body, length, decoders->user, NULL);
        account_record_free(record);
        return record != NULL;
    }
    if (is_health(source)) {
        struct health_record *record = decoders->health_record(body, length, &kind, decoders->user, NULL);
        health_record_free(record);
        return record != NULL;
    }
    struct document *document = decoders->event(source, column_text(row, TENANT_ID, NULL), body, length,
                                                column_int(row, RECEIVED_AT), decoders->user, NULL);
    document_free(document);
    return document != NULL;
}

enum derive_look recover_look(struct renormalizing *round, const struct renormalize_step *step, struct statement *row,
                              GError **error)
{
    size_t length;
    const char *body = column_blob(row, BODY, &length);
    (void)step, (void)error;
    return can_be_read(round->options->decoders, row, body ? body : "", length) ? DERIVE_DUE : DERIVE_UNDECODABLE;
}

/* --- one page of one record ------------------------------------------------------------------------------------------
 */

static bool write_page(struct renormalizing *round, const struct attempt *attempt, struct store_page *page,
                       GError **error)
{
    page->customer_id = attempt->customer_id;
    page->source = attempt->source;
    page->part = "";
    page->again = true;
    return store_write_pages(round->store, &page, 1, error);
}

static bool write_document(struct renormalizing *round, const struct attempt *attempt, struct document *document,
                           GError **error)
{
    g_autoptr(GPtrArray) documents = g_ptr_array_new();
    struct store_page page = {.documents = documents, .received_at = attempt->received_at};
    g_ptr_array_add(documents, document);
    return write_page(round, attempt, &page, error);
}

/* `record` is taken. */
static bool write_account(struct renormalizing *round, const struct attempt *attempt, struct account_record *record,
                          GError **error)
{
    struct store_accounts *accounts = store_accounts_new();
    struct store_page page = {.accounts = accounts, .received_at = attempt->received_at};
    accounts->decode = round->options->decoders->account;
    g_ptr_array_add(accounts->records, record);
    bool written = write_page(round, attempt, &page, error);
    store_accounts_free(accounts);
    return written;
}

/* `record` is taken. */
static bool write_health(struct renormalizing *round, const struct attempt *attempt, enum store_health_kind kind,
                         struct health_record *record, int64_t received_at, GError **error)
{
    struct store_health *health = store_health_new(kind);
    struct store_page page = {.health = health, .received_at = received_at};
    health->decode = round->options->decoders->health;
    g_ptr_array_add(health->records, record);
    bool written = write_page(round, attempt, &page, error);
    store_health_free(health);
    return written;
}

/* --- earlier bodies --------------------------------------------------------------------------------------------------
 */

/* How an earlier body is kept, and since when its record has been known. */
struct history {
    enum statement_id version, since;
};

/* Keeps the body as one that was received before the one that is known. */
static bool write_earlier(struct renormalizing *round, const struct history *history, int64_t row_id,
                          const struct attempt *attempt, GError **error)
{
    int64_t seq;
    struct statement *version = statement_get(round->store, history->version, error);
    if (!version || !events_seq_read(round->store, &seq, error))
        return false;
    bind_int(version, 1, row_id);
    bind_int(version, 2, seq + 1);
    bind_int(version, 3, attempt->received_at);
    bind_blob(version, 4, attempt->hash, HASH_KEY_BYTES);
    bind_bytes(version, 5, attempt->body, attempt->length);
    if (!statement_run(version, error))
        return false;
    struct statement *since = statement_get(round->store, history->since, error);
    if (!since)
        return false;
    bind_int(since, 1, row_id);
    bind_int(since, 2, attempt->received_at);
    bind_int(since, 3, seq + 2);
    return statement_run(since, error) && events_seq_write(round->store, seq + 2, error);
}

/* --- events ----------------------------------------------------------------------------------------------------------
 */

static bool received_when(struct renormalizing *round, int64_t event_id, int64_t *received_at, GError **error)
{
    struct statement *known = statement_get(round->store, STATEMENT_RENORMALIZE_EVENT_KNOWN, error);
    if (!known)
        return false;
    bind_int(known, 1, event_id);
    return statement_int(known, INT64_MIN, received_at, error);
}

static bool take_document(struct renormalizing *round, const struct attempt *attempt, struct document *document,
                          GError **error)
{
    static const struct history history = {STATEMENT_RENORMALIZE_EVENT_VERSION, STATEMENT_RENORMALIZE_EVENT_SINCE};
    uint8_t hash[HASH_KEY_BYTES];
    int64_t event_id, known_at;
    bool found;

    if (!event_key_find(round->store, document->key, &found, &event_id, hash, error))
        return false;
    if (found && memcmp(hash, document->content_hash, sizeof hash) == 0)
        return true; /* it came once more, and could be read then */
    if (!found)
        return write_document(round, attempt, document, error);
    if (!received_when(round, event_id, &known_at, error))
        return false;
    return attempt->received_at > known_at ? write_document(round, attempt, document, error)
                                           : write_earlier(round, &history, event_id, attempt, error);
}

static bool recover_event(struct renormalizing *round, const struct attempt *attempt, bool *taken, GError **error)
{
    const struct store_decoders *decoders = round->options->decoders;
    struct document *document = decoders->event(attempt->source, attempt->tenant_id, attempt->body, attempt->length,
                                                attempt->received_at, decoders->user, NULL);
    *taken = document != NULL;
    bool ok = !document || take_document(round, attempt, document, error);
    document_free(document);
    return ok;
}

/* --- accounts --------------------------------------------------------------------------------------------------------
 */

/* What is known of an account. */
struct known_account {
    bool found, present;
    int64_t told_at; /* when it last changed */
    char *last_sign_in, *reason, *raw;
    size_t length;
};

static bool read_account(struct renormalizing *round, const struct attempt *attempt, const char *id,
                         struct known_account *known, GError **error)
{
    struct statement *read = statement_get(round->store, STATEMENT_RENORMALIZE_USER_KNOWN, error);
    if (!read)
        return false;
    bind_int(read, 1, attempt->customer_id);
    bind_text(read, 2, id);
    enum step step = statement_step(read, error);
    if (step != STEP_ROW)
        return step == STEP_DONE;
    known->found = true;
    known->told_at = column_int(read, 0);
    known->last_sign_in = g_strdup(column_text(read, 1, NULL));
    known->present = column_int(read, 2) != 0;
    known->reason = g_strdup(column_text(read, 3, NULL));
    const char *raw = column_text(read, 4, &known->length);
    known->raw = g_strndup(raw ? raw : "", known->length);
    return statement_end(read, error);
}

/* True when the account's stored body says the same, and it is as there, or gone, as the record says. */
static bool says_nothing_new(const struct known_account *known, const struct account_record *record)
{
    struct account_merge merge = {0};
    bool merged = account_merge(&merge, known->raw, known->length, record->raw, record->length, NULL);
    bool nothing = merged && !merge.raw && known->present == !record->removed_reason &&
                   g_strcmp0(known->reason, record->removed_reason) == 0;
    account_merge_clear(&merge);
    return nothing;
}

/* True when the record is the last word about the account: it came after what changed it last, and tells of no earlier
 * sign-in than the known one, which changes without a trace. */
static bool is_last_word(const struct known_account *known, const struct attempt *attempt,
                         const struct account *account)
{
    return attempt->received_at > known->told_at &&
           (!account->last_sign_in || g_strcmp0(account->last_sign_in, known->last_sign_in) >= 0);
}

/* A removal of somebody nobody knows says nothing of use, and what has no name is no account but a part of one. */
static bool is_whole(const struct account_record *record, const struct account *account)
{
    return !record->removed_reason && account->user_principal_name;
}

static bool take_account(struct renormalizing *round, const struct attempt *attempt, struct account_record *record,
                         bool *taken, GError **error)
{
    struct known_account known = {0};
    struct account account = {.enabled = -1};
    bool nothing_new = false, ok = read_account(round, attempt, record->id, &known, error);

    round->options->decoders->account(record->raw, record->length, &account);
    if (ok && known.found)
        nothing_new = says_nothing_new(&known, record);
    *taken =
        ok && (nothing_new || (known.found ? is_last_word(&known, attempt, &account) : is_whole(record, &account)));
    if (*taken && !nothing_new)
        ok = write_account(round, attempt, record, error);
    else
        account_record_free(record);
    g_free(known.last_sign_in);
    g_free(known.reason);
    g_free(known.raw);
    account_clear(&account);
    return ok;
}

static bool recover_account(struct renormalizing *round, const struct attempt *attempt, bool *taken, GError **error)
{
    const struct store_decoders *decoders = round->options->decoders;
    struct account_record *record = decoders->account_record(attempt->body, attempt->length, decoders->user, NULL);
    *taken = false;
    return !record || take_account(round, attempt, record, taken, error);
}

/* --- service health --------------------------------------------------------------------------------------------------
 */

struct known_health {
    int64_t row_id; /* 0: nothing */
    bool same;      /* these very bytes */
    char *last_modified;
    int64_t received_at;
};

static bool read_health(struct renormalizing *round, const struct attempt *attempt, enum store_health_kind kind,
                        const char *id, struct known_health *known, GError **error)
{
    static const enum statement_id reads[] = {[STORE_HEALTH_OVERVIEWS] = STATEMENT_RENORMALIZE_OVERVIEW_KNOWN,
                                              [STORE_HEALTH_ISSUES] = STATEMENT_RENORMALIZE_ISSUE_KNOWN,
                                              [STORE_HEALTH_MESSAGES] = STATEMENT_RENORMALIZE_MESSAGE_KNOWN};
    size_t length;
    struct statement *read = statement_get(round->store, reads[kind], error);
    if (!read)
        return false;
    bind_int(read, 1, attempt->customer_id);
    bind_text(read, 2, id);
    enum step step = statement_step(read, error);
    if (step != STEP_ROW)
        return step == STEP_DONE;
    const void *hash = column_blob(read, 1, &length);
    known->row_id = column_int(read, 0);
    known->same = hash && length == HASH_KEY_BYTES && memcmp(hash, attempt->hash, HASH_KEY_BYTES) == 0;
    known->last_modified = g_strdup(column_text(read, 2, NULL));
    known->received_at = column_int(read, 3);
    return statement_end(read, error);
}

/* What an overview says, each scan since has said again, or otherwise. Issues and messages say when they were modified.
 */
static bool is_later(const struct renormalizing *round, const struct attempt *attempt, enum store_health_kind kind,
                     const struct known_health *known)
{
    struct health_document document = {.is_resolved = -1, .is_major_change = -1};
    if (kind == STORE_HEALTH_OVERVIEWS)
        return false;
    round->options->decoders->health(kind, attempt->body, attempt->length, &document);
    int order = g_strcmp0(document.last_modified, known->last_modified);
    health_document_clear(&document);
    return order > 0 || (order == 0 && attempt->received_at > known->received_at);
}

static bool take_health(struct renormalizing *round, const struct attempt *attempt, enum store_health_kind kind,
                        struct health_record *record, GError **error)
{
    static const struct history histories[] = {
        [STORE_HEALTH_OVERVIEWS] = {STATEMENT_RENORMALIZE_OVERVIEW_VERSION, STATEMENT_RENORMALIZE_OVERVIEW_SINCE},
        [STORE_HEALTH_ISSUES] = {STATEMENT_RENORMALIZE_ISSUE_VERSION, STATEMENT_RENORMALIZE_ISSUE_SINCE},
        [STORE_HEALTH_MESSAGES] = {STATEMENT_RENORMALIZE_MESSAGE_VERSION, STATEMENT_RENORMALIZE_MESSAGE_SINCE}};
    struct known_health known = {0};
    bool ok = read_health(round, attempt, kind, record->id, &known, error);
    bool later = ok && (known.row_id == 0 || is_later(round, attempt, kind, &known));

    g_free(known.last_modified);
    if (later && !known.same) /* one that was modified later did not come earlier */
        return write_health(round, attempt, kind, record, MAX(attempt->received_at, known.received_at), error);
    if (ok && !known.same)
        ok = write_earlier(round, &histories[kind], known.row_id, attempt, error);
    health_record_free(record);
    return ok;
}

static bool recover_health(struct renormalizing *round, const struct attempt *attempt, bool *taken, GError **error)
{
    const struct store_decoders *decoders = round->options->decoders;
    enum store_health_kind kind;
    struct health_record *record = decoders->health_record(attempt->body, attempt->length, &kind, decoders->user, NULL);
    *taken = record != NULL;
    return !record || take_health(round, attempt, kind, record, error);
}

/* --- one row ---------------------------------------------------------------------------------------------------------
 */

/* Reads the row once more; *found is false where it is gone. */
static bool read_attempt(struct renormalizing *round, const struct renormalize_step *step, int64_t id,
                         struct attempt *attempt, bool *found, GError **error)
{
    struct statement *row = statement_get(round->store, step->rows, error);
    if (!row)
        return false;
    bind_int(row, 1, id);
    bind_int(row, 2, id);
    enum step at = statement_step(row, error);
    *found = at == STEP_ROW;
    if (!*found)
        return at == STEP_DONE;
    const char *body = column_blob(row, BODY, &attempt->length);
    attempt->customer_id = column_int(row, CUSTOMER_ID);
    attempt->received_at = column_int(row, RECEIVED_AT);
    attempt->tenant_id = g_strdup(column_text(row, TENANT_ID, NULL));
    attempt->source = g_strdup(column_text(row, SOURCE, NULL));
    attempt->body = g_malloc(attempt->length + 1);
    if (attempt->length > 0)
        memcpy(attempt->body, body, attempt->length);
    attempt->body[attempt->length] = '\0';
    content_hash_of(attempt->body, attempt->length, attempt->hash);
    return statement_end(row, error);
}

static bool drop_attempt(struct renormalizing *round, int64_t id, GError **error)
{
    struct statement *drop = statement_get(round->store, STATEMENT_RENORMALIZE_RECOVERED, error);
    if (!drop)
        return false;
    bind_int(drop, 1, id);
    return statement_run(drop, error);
}

static bool recover(struct renormalizing *round, int64_t id, const struct attempt *attempt, GError **error)
{
    bool taken;
    if (!(is_account(attempt->source)  ? recover_account(round, attempt, &taken, error)
          : is_health(attempt->source) ? recover_health(round, attempt, &taken, error)
                                       : recover_event(round, attempt, &taken, error)))
        return false;
    round->counts.recovered += taken;
    round->counts.unreadable += !taken;
    return !taken || drop_attempt(round, id, error);
}

bool recover_write(struct renormalizing *round, const struct renormalize_step *step, int64_t id, GError **error)
{
    struct attempt attempt = {0};
    bool found = false;
    bool ok = read_attempt(round, step, id, &attempt, &found, error) && (!found || recover(round, id, &attempt, error));
    attempt_clear(&attempt);
    return ok;
}
