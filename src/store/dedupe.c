/* Finds events that are one record but were stored as two, and merges them.
 *
 * Two passes, each in the ranges of a sieve: first the keys of all events are gone through for equal bytes under
 * another source's name, then the events themselves for those whose key would be another today. What a sieve finds is
 * only suspected: it is looked at in full, and merged, in the transaction that writes it. By sources first: what is
 * merged there is of sources that nobody knows, so that the second pass finds the same pairs whether the first one
 * wrote or not. */
#include "store/derive.h"
#include "store/pace.h"
#include "store/sieve.h"

enum { LOOK_US = 20000, GROUPS_LEAST = 1, GROUPS_MOST = 1024 };

/* Where STATEMENT_DEDUPE_EVENTS has them. */
enum column { EVENT_ID, SEQ, CUSTOMER_ID, CUSTOMER, TENANT_ID, SOURCE, NAME, FIRST_SEEN, RECEIVED_AT, RAW };

/* An event that may be one of two. */
struct member {
    int64_t event_id, seq, customer_id, first_seen;
    int64_t received_at; /* its body */
    char *customer, *tenant_id, *source;
    char *name; /* by which it is keyed */
    char *raw;
    size_t length;
    uint8_t hash[HASH_KEY_BYTES]; /* of raw */
    struct document *document;    /* as it is understood today; NULL: its source is not known, or it cannot be read */
    bool merged;                  /* others were merged into it */
};

/* What is told of a pair once it is on disk. */
struct pair {
    struct store_double told;
    char *customer, *source, *dropped_source, *id;
};

struct deduping {
    struct store *store;
    const struct store_dedupe_options *options; /* borrowed */
    struct store_deduped *result;
    struct pace pace;
    struct derive derive;
    struct sieve sieve;
    GPtrArray *pairs; /* struct pair *, of the transaction */
    int64_t units;    /* groups a transaction looks at */
    int64_t done, of;
    bool counted; /* the events were gone through once */
};

/* Looks at a group of suspects, and merges what is one. */
typedef bool (*judge_fn)(struct deduping *deduping, GPtrArray *members, GError **error);

/* --- members ---------------------------------------------------------------------------------------------------------
 */

static void member_free(gpointer data)
{
    struct member *member = data;
    document_free(member->document);
    g_free(member->customer);
    g_free(member->tenant_id);
    g_free(member->source);
    g_free(member->name);
    g_free(member->raw);
    g_free(member);
}

static struct document *decode(const struct deduping *deduping, struct statement *row, const char *raw, size_t length)
{
    const struct store_decoders *decoders = deduping->options->decoders;
    return decoders->event(column_text(row, SOURCE, NULL), column_text(row, TENANT_ID, NULL), raw, length,
                           column_int(row, FIRST_SEEN), decoders->user, NULL);
}

static struct member *member_at(const struct deduping *deduping, struct statement *row)
{
    struct member *member = g_new0(struct member, 1);
    const char *raw = column_text(row, RAW, &member->length);
    member->event_id = column_int(row, EVENT_ID);
    member->seq = column_int(row, SEQ);
    member->customer_id = column_int(row, CUSTOMER_ID);
    member->first_seen = column_int(row, FIRST_SEEN);
    member->received_at = column_int(row, RECEIVED_AT);
    member->customer = g_strdup(column_text(row, CUSTOMER, NULL));
    member->tenant_id = g_strdup(column_text(row, TENANT_ID, NULL));
    member->source = g_strdup(column_text(row, SOURCE, NULL));
    member->name = g_strdup(column_text(row, NAME, NULL));
    member->raw = g_strndup(raw ? raw : "", member->length);
    content_hash_of(member->raw, member->length, member->hash);
    member->document = decode(deduping, row, member->raw, member->length);
    return member;
}

/* Adds the event, if it is there (still). */
static bool add_member(const struct deduping *deduping, int64_t event_id, GPtrArray *members, GError **error)
{
    struct statement *read = statement_get(deduping->store, STATEMENT_DEDUPE_EVENTS, error);
    if (!read)
        return false;
    bind_int(read, 1, event_id);
    bind_int(read, 2, event_id);
    enum step step = statement_step(read, error);
    if (step != STEP_ROW)
        return step == STEP_DONE;
    g_ptr_array_add(members, member_at(deduping, read));
    return statement_end(read, error);
}

static void key_of(const struct member *member, uint8_t key[HASH_KEY_BYTES])
{
    derive_key(member->tenant_id, member->source, member->name, key);
}

static bool same_hash(const uint8_t *a, const uint8_t *b)
{
    return memcmp(a, b, HASH_KEY_BYTES) == 0;
}

/* --- merging ---------------------------------------------------------------------------------------------------------
 */

static void pair_free(gpointer data)
{
    struct pair *pair = data;
    g_free(pair->customer);
    g_free(pair->source);
    g_free(pair->dropped_source);
    g_free(pair->id);
    g_free(pair);
}

static void keep_pair(struct deduping *deduping, enum store_double_kind kind, const struct member *kept,
                      const struct member *dropped)
{
    struct pair *pair = g_new0(struct pair, 1);
    pair->customer = g_strdup(kept->customer);
    pair->source = g_strdup(kept->source);
    pair->dropped_source = g_strdup(dropped->source);
    pair->id = g_strdup(kept->document->dedupe_key);
    pair->told = (struct store_double){.kind = kind,
                                       .kept = kept->event_id,
                                       .dropped = dropped->event_id,
                                       .customer = pair->customer,
                                       .source = pair->source,
                                       .dropped_source = pair->dropped_source,
                                       .id = pair->id,
                                       .versioned = !same_hash(kept->hash, dropped->hash)};
    g_ptr_array_add(deduping->pairs, pair);
}

/* Runs a statement about one event; `other` is its second parameter. */
static bool run_about(const struct deduping *deduping, enum statement_id id, int64_t event_id, int64_t other,
                      GError **error)
{
    struct statement *statement = statement_get(deduping->store, id, error);
    if (!statement)
        return false;
    bind_int(statement, 1, event_id);
    if (other)
        bind_int(statement, 2, other);
    return statement_run(statement, error);
}

/* The newer body becomes that of the kept row; its own is kept beside it. */
static bool write_body(const struct deduping *deduping, const struct member *kept, const struct member *dropped,
                       GError **error)
{
    uint8_t key[HASH_KEY_BYTES];
    if (!event_version_keep(deduping->store, kept->event_id, dropped->received_at, kept->hash, error))
        return false;
    struct statement *write = statement_get(deduping->store, STATEMENT_DEDUPE_BODY, error);
    if (!write)
        return false;
    bind_int(write, 1, kept->event_id);
    bind_bytes(write, 2, dropped->raw, dropped->length);
    bind_int(write, 3, dropped->received_at);
    key_of(kept, key);
    return statement_run(write, error) &&
           event_key_write(deduping->store, STATEMENT_KEY_UPDATE, key, kept->event_id, dropped->hash, error);
}

/* All that is known of the dropped row's earlier bodies, and, where it is the older one, its present body, goes to the
 * kept row, each once. */
static bool hand_over_versions(const struct deduping *deduping, const struct member *kept, const struct member *dropped,
                               bool older, GError **error)
{
    if (older && !event_version_keep(deduping->store, dropped->event_id, kept->received_at, dropped->hash, error))
        return false;
    return run_about(deduping, STATEMENT_DEDUPE_VERSIONS_KNOWN, dropped->event_id, kept->event_id, error) &&
           event_versions_move(deduping->store, dropped->event_id, kept->event_id, error);
}

static bool delete_key(const struct deduping *deduping, const struct member *dropped, GError **error)
{
    uint8_t key[HASH_KEY_BYTES];
    struct statement *delete = statement_get(deduping->store, STATEMENT_DEDUPE_KEY_DELETE, error);
    if (!delete)
        return false;
    key_of(dropped, key);
    bind_blob(delete, 1, key, sizeof key);
    bind_int(delete, 2, dropped->event_id);
    return statement_run(delete, error);
}

static bool count_one_less(const struct deduping *deduping, const struct member *dropped, GError **error)
{
    struct statement *add = statement_get(deduping->store, STATEMENT_COLLECTION_ADD, error);
    if (!add)
        return false;
    bind_int(add, 1, dropped->customer_id);
    bind_text(add, 2, dropped->source);
    bind_int(add, 3, -1);
    bind_text(add, 4, NULL);
    return statement_run(add, error);
}

static bool delete_event(struct deduping *deduping, const struct member *dropped, GError **error)
{
    derive_drop_text(&deduping->derive, dropped->event_id);
    return delete_key(deduping, dropped, error) &&
           run_about(deduping, STATEMENT_DEDUPE_EVENT_DELETE, dropped->event_id, 0, error) &&
           count_one_less(deduping, dropped, error) &&
           derive_bury(&deduping->derive, dropped->tenant_id, dropped->source, dropped->name, error);
}

static bool write_since(struct deduping *deduping, const struct member *kept, const struct member *dropped,
                        GError **error)
{
    struct statement *since = statement_get(deduping->store, STATEMENT_RENORMALIZE_EVENT_SINCE, error);
    if (!since)
        return false;
    bind_int(since, 1, kept->event_id);
    bind_int(since, 2, dropped->first_seen);
    bind_int(since, 3, ++deduping->derive.seq);
    return statement_run(since, error);
}

static bool write_merge(struct deduping *deduping, const struct member *kept, const struct member *dropped, bool differ,
                        bool newer, GError **error)
{
    return hand_over_versions(deduping, kept, dropped, differ && !newer, error) &&
           (!newer || write_body(deduping, kept, dropped, error)) && delete_event(deduping, dropped, error) &&
           write_since(deduping, kept, dropped, error);
}

/* Merges one row into another, or only says that it would. */
static bool merge(struct deduping *deduping, enum store_double_kind kind, struct member *kept,
                  const struct member *dropped, GError **error)
{
    bool differ = !same_hash(kept->hash, dropped->hash);
    bool newer = differ && (dropped->received_at > kept->received_at ||
                            (dropped->received_at == kept->received_at && dropped->seq > kept->seq));

    keep_pair(deduping, kind, kept, dropped);
    if (!deduping->options->dry_run && !write_merge(deduping, kept, dropped, differ, newer, error))
        return false;
    kept->merged = true;
    if (newer) { /* as the next of its group finds it */
        memcpy(kept->hash, dropped->hash, HASH_KEY_BYTES);
        kept->received_at = dropped->received_at;
        kept->seq = dropped->seq;
    }
    return true;
}

/* What the kept row's body says, under today's key. */
static bool derive_merged(struct deduping *deduping, const struct member *kept, GError **error)
{
    struct derived derived;
    return deduping->options->dry_run || !kept->merged ||
           derive_event(&deduping->derive, kept->event_id, &derived, error);
}

/* --- judging ---------------------------------------------------------------------------------------------------------
 */

/* The first of a known source whose bytes these are. */
static struct member *find_known(const GPtrArray *members, const struct member *unknown)
{
    for (guint i = 0; i < members->len; i++) {
        struct member *member = members->pdata[i];
        if (member->document && g_strcmp0(member->tenant_id, unknown->tenant_id) == 0 &&
            member->length == unknown->length && memcmp(member->raw, unknown->raw, member->length) == 0)
            return member;
    }
    return NULL;
}

/* The same bytes under the name of a source that nobody knows any more. Two sources that are both known have told of
 * the record each: it would come again. */
static bool judge_sources(struct deduping *deduping, GPtrArray *members, GError **error)
{
    for (guint i = 0; i < members->len; i++) {
        const struct member *member = members->pdata[i];
        struct member *kept = member->document ? NULL : find_known(members, member);
        if (kept && g_strcmp0(kept->source, member->source) != 0 &&
            !merge(deduping, STORE_DOUBLE_SOURCE, kept, member, error))
            return false;
    }
    return true; /* the bytes are what they were, and so is what they say */
}

static bool has_key(const struct member *member, const uint8_t key[HASH_KEY_BYTES])
{
    return member->document && same_hash(member->document->key, key);
}

/* Adds the event that has today's key of the members, if there is one. *owner is its place; without one, the first
 * member's. */
static bool find_owner(struct deduping *deduping, GPtrArray *members, guint *owner, GError **error)
{
    const struct member *first = members->pdata[0];
    uint8_t hash[HASH_KEY_BYTES];
    int64_t event_id;
    bool found;

    *owner = 0;
    if (!event_key_find(deduping->store, first->document->key, &found, &event_id, hash, error))
        return false;
    if (!found)
        return true;
    guint before = members->len;
    if (!add_member(deduping, event_id, members, error))
        return false;
    if (members->len > before)
        *owner = before;
    return true;
}

static bool merge_keys(struct deduping *deduping, GPtrArray *members, guint owner, GError **error)
{
    struct member *kept = members->pdata[owner];
    for (guint i = 0; i < members->len; i++) {
        const struct member *member = members->pdata[i];
        if (i != owner && member->event_id != kept->event_id && has_key(member, kept->document->key) &&
            !merge(deduping, STORE_DOUBLE_KEY, kept, member, error))
            return false;
    }
    return derive_merged(deduping, kept, error);
}

/* Events whose key would be the same today, and the one that has it already: unless that would itself have another one.
 */
static bool judge_keys(struct deduping *deduping, GPtrArray *members, GError **error)
{
    uint8_t key[HASH_KEY_BYTES];
    guint owner;

    for (guint i = members->len; i-- > 0;)
        if (!((const struct member *)members->pdata[i])->document)
            g_ptr_array_remove_index(members, i);
    if (members->len == 0)
        return true;
    memcpy(key, ((const struct member *)members->pdata[0])->document->key, sizeof key);
    if (!find_owner(deduping, members, &owner, error))
        return false;
    return !has_key(members->pdata[owner], key) || merge_keys(deduping, members, owner, error);
}

/* --- transactions ----------------------------------------------------------------------------------------------------
 */

static bool judge_group(struct deduping *deduping, guint at, guint n, judge_fn judge, GError **error)
{
    g_autoptr(GPtrArray) members = g_ptr_array_new_with_free_func(member_free);
    for (guint i = at; i < at + n; i++)
        if (!add_member(deduping, g_array_index(deduping->sieve.rows, struct sieve_row, i).id, members, error))
            return false;
    return members->len == 0 || judge(deduping, members, error);
}

/* Passes over groups of fewer rows than `least`. */
static void skip_small(const struct deduping *deduping, guint least, guint *at)
{
    guint n;
    while ((n = sieve_group(&deduping->sieve, *at)) > 0 && n < least)
        *at += n;
}

/* Judges some groups from *at on, of at least `least` rows each; *judged is how many. */
static bool judge_some(struct deduping *deduping, guint least, judge_fn judge, guint *at, int64_t *judged,
                       GError **error)
{
    guint n;
    for (*judged = 0; *judged < deduping->units && (n = sieve_group(&deduping->sieve, *at)) > 0; ++*judged) {
        if (!judge_group(deduping, *at, n, judge, error))
            return false;
        *at += n;
        skip_small(deduping, least, at);
    }
    return true;
}

static bool write_some(struct deduping *deduping, guint least, judge_fn judge, guint *at, int64_t *judged,
                       GError **error)
{
    return derive_begin(&deduping->derive, error) && judge_some(deduping, least, judge, at, judged, error) &&
           derive_finish(&deduping->derive, error);
}

/* The same in a transaction, which a dry run only reads in. */
static bool commit_some(struct deduping *deduping, guint least, judge_fn judge, guint *at, int64_t *judged,
                        GError **error)
{
    bool dry = deduping->options->dry_run;
    if (!(dry ? store_begin_read(deduping->store, error) : pace_begin(&deduping->pace, deduping->store, error)))
        return false;
    if (!(dry ? judge_some(deduping, least, judge, at, judged, error)
              : write_some(deduping, least, judge, at, judged, error))) {
        store_rollback(deduping->store);
        return false;
    }
    return dry ? store_commit(deduping->store, error) : pace_commit(&deduping->pace, deduping->store, error);
}

/* What is on disk is counted and told. */
static void tell(struct deduping *deduping)
{
    struct store_deduped *result = deduping->result;
    for (guint i = 0; i < deduping->pairs->len; i++) {
        const struct store_double *told = &((const struct pair *)deduping->pairs->pdata[i])->told;
        result->merged++;
        result->versioned += told->versioned;
        result->by_key += told->kind == STORE_DOUBLE_KEY;
        result->by_source += told->kind == STORE_DOUBLE_SOURCE;
        if (deduping->options->found)
            deduping->options->found(told, deduping->options->user);
    }
    g_ptr_array_set_size(deduping->pairs, 0);
}

static bool rest(struct deduping *deduping, const char *doing, GError **error)
{
    return pace_rest(&deduping->pace, deduping->store, doing, deduping->done, deduping->of, error);
}

/* Judges what the sieve holds: groups of at least so many. */
static bool judge_all(struct deduping *deduping, guint least, judge_fn judge, GError **error)
{
    int64_t judged;
    guint at = 0;
    sieve_sort(&deduping->sieve);
    skip_small(deduping, least, &at);
    while (at < deduping->sieve.rows->len) {
        if (!commit_some(deduping, least, judge, &at, &judged, error))
            return false;
        tell(deduping);
        deduping->pace.alone = deduping->options->dry_run;
        deduping->units = pace_units(&deduping->pace, judged, GROUPS_LEAST, GROUPS_MOST);
        if (!rest(deduping, "merging doubles", error))
            return false;
    }
    deduping->pace.alone = true;
    return true;
}

/* --- the passes ------------------------------------------------------------------------------------------------------
 */

/* Adds content hashes from `key` on to the sieve; *more: there are others. */
static bool sift_keys(struct deduping *deduping, uint8_t key[HASH_KEY_BYTES], size_t *key_length, bool *more,
                      GError **error)
{
    int64_t until_us = g_get_monotonic_time() + LOOK_US;
    struct statement *rows = statement_get(deduping->store, STATEMENT_DEDUPE_KEYS, error);
    enum step step;

    if (!rows)
        return false;
    bind_blob(rows, 1, key, *key_length);
    while ((step = statement_step(rows, error)) == STEP_ROW) {
        size_t length, hash_length;
        const void *at = column_blob(rows, 0, &length), *hash = column_blob(rows, 2, &hash_length);
        if (!at || length != HASH_KEY_BYTES || !hash || hash_length != HASH_KEY_BYTES)
            continue; /* damage, which maintain verify names */
        sieve_add(&deduping->sieve, hash, column_int(rows, 1));
        deduping->done++;
        if (g_get_monotonic_time() < until_us)
            continue;
        memcpy(key, at, HASH_KEY_BYTES);
        *key_length = HASH_KEY_BYTES;
        *more = true;
        return statement_end(rows, error);
    }
    *more = false;
    return step == STEP_DONE;
}

static bool pass_sources(struct deduping *deduping, GError **error)
{
    do {
        uint8_t key[HASH_KEY_BYTES] = {0};
        size_t key_length = 0;
        bool more = true;
        deduping->done = 0;
        while (more)
            if (!rest(deduping, "looking for records under two sources", error) ||
                !sift_keys(deduping, key, &key_length, &more, error))
                return false;
        if (!judge_all(deduping, 2, judge_sources, error))
            return false;
    } while (sieve_next(&deduping->sieve));
    return true;
}

/* Adds the event to the sieve if its key would be another today. */
static void sift_event(struct deduping *deduping, struct statement *row)
{
    size_t length;
    const char *raw = column_text(row, RAW, &length);
    struct document *document = decode(deduping, row, raw ? raw : "", length);
    uint8_t key[HASH_KEY_BYTES];

    deduping->done++;
    deduping->result->looked_at += !deduping->counted;
    if (!document)
        return;
    derive_key(column_text(row, TENANT_ID, NULL), column_text(row, SOURCE, NULL), column_text(row, NAME, NULL), key);
    if (!same_hash(key, document->key))
        sieve_add(&deduping->sieve, document->key, column_int(row, EVENT_ID));
    document_free(document);
}

/* Goes on from the event *next; *more: there are others. */
static bool sift_events(struct deduping *deduping, int64_t *next, bool *more, GError **error)
{
    int64_t until_us = g_get_monotonic_time() + LOOK_US;
    struct statement *rows = statement_get(deduping->store, STATEMENT_DEDUPE_EVENTS, error);
    enum step step;

    if (!rows)
        return false;
    bind_int(rows, 1, *next);
    bind_int(rows, 2, INT64_MAX);
    while ((step = statement_step(rows, error)) == STEP_ROW) {
        sift_event(deduping, rows);
        if (g_get_monotonic_time() < until_us || column_int(rows, EVENT_ID) == INT64_MAX)
            continue;
        *next = column_int(rows, EVENT_ID) + 1;
        *more = true;
        return statement_end(rows, error);
    }
    *more = false;
    return step == STEP_DONE;
}

static bool pass_keys(struct deduping *deduping, GError **error)
{
    do {
        int64_t next = INT64_MIN;
        bool more = true;
        deduping->done = 0;
        while (more)
            if (!rest(deduping, "looking for records under older keys", error) ||
                !sift_events(deduping, &next, &more, error))
                return false;
        deduping->counted = true;
        if (!judge_all(deduping, 1, judge_keys, error))
            return false;
    } while (sieve_next(&deduping->sieve));
    return true;
}

static bool go_through(struct deduping *deduping, bool (*pass)(struct deduping *, GError **), GError **error)
{
    sieve_init(&deduping->sieve, SIEVE_MOST);
    bool ok = pass(deduping, error);
    sieve_clear(&deduping->sieve);
    return ok;
}

bool store_dedupe(struct store *store, const struct store_dedupe_options *options, struct store_deduped *result,
                  GError **error)
{
    g_autoptr(GPtrArray) pairs = g_ptr_array_new_with_free_func(pair_free);
    struct deduping deduping = {.store = store,
                                .options = options,
                                .result = result,
                                .pace = {.watch = options->watch, .alone = true},
                                .pairs = pairs,
                                .units = GROUPS_LEAST};

    *result = (struct store_deduped){0};
    struct statement *count = statement_get(store, STATEMENT_DEDUPE_COUNT, error);
    if (!count || !statement_int(count, 0, &deduping.of, error))
        return false;
    derive_init(&deduping.derive, store, options->decoders, options->now);
    deduping.derive.mirror_deletes = options->mirror_deletes;
    bool ok = go_through(&deduping, pass_sources, error) && go_through(&deduping, pass_keys, error);
    derive_clear(&deduping.derive);
    return ok;
}
