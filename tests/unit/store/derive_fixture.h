/* What the tests of deriving anew share: decoders that can learn, and records that they understand. */
#ifndef M365KEEP_TEST_STORE_DERIVE_FIXTURE_H
#define M365KEEP_TEST_STORE_DERIVE_FIXTURE_H

#include <signal.h>

#include "accounts_fixture.h"
#include "health_fixture.h"

#include "store/store_private.h"

#define NOON "2026-11-25T12:00:00Z"

/* What the decoders know. Tests change it: then the program has learnt better. */
static struct {
    const char *prefix;        /* of operations; NULL: none */
    const char *key_member;    /* the key is the id, and this member behind it; NULL: the id alone */
    int64_t shift_s;           /* of times */
    const char *forgotten;     /* a word: records that hold it cannot be read */
    const struct store *dies;  /* the process is killed while this store writes what was decoded last; NULL: it lives */
    int decoded_here, dies_at; /* and not before so many were decoded */
} learnt;

static inline bool is_source_of_events(const char *source)
{
    return g_str_equal(source, "sign-ins") || g_str_equal(source, "directory-audits");
}

static inline bool can_read(const char *raw, size_t length, GError **error)
{
    bool known = g_utf8_validate(raw, (gssize)length, NULL) &&
                 (!learnt.forgotten || !g_strstr_len(raw, (gssize)length, learnt.forgotten));
    if (!known)
        g_set_error(error, JSON_ERROR, JSON_ERROR_SHAPE, "it cannot be read");
    return known;
}

static inline void read_time(const struct json_node *root, struct document *document)
{
    const char *text = json_get_string(root, "time");
    struct timestamp time;
    document->time_missing = !text || !timestamp_parse(text, strlen(text), &time);
    if (document->time_missing)
        return;
    time.seconds += learnt.shift_s;
    document->timestamp = g_malloc(TIMESTAMP_TEXT_BYTES);
    timestamp_format(time, document->timestamp);
    document->time_s = time.seconds;
}

static inline struct document *event_of(const char *source, const char *tenant_id, const char *raw, size_t length,
                                        int64_t received_at, void *user, GError **error)
{
    g_autoptr(JsonTree) tree = json_tree_new();
    const struct json_node *root = json_tree_parse(tree, raw, length, NULL);
    (void)user;
    if (++learnt.decoded_here >= learnt.dies_at && learnt.dies && learnt.dies->in_transaction)
        raise(SIGKILL);
    if (!is_source_of_events(source) || !root || !can_read(raw, length, error))
        return NULL;
    struct document *document = document_new();
    const char *more = learnt.key_member ? json_get_string(root, learnt.key_member) : NULL;
    document->time_s = received_at;
    read_time(root, document);
    document->id = g_strdup(json_get_string(root, "id"));
    document->dedupe_key = g_strconcat(document->id ? document->id : "none", more, NULL);
    document->service = g_strdup("Test");
    document->operation = g_strconcat(learnt.prefix ? learnt.prefix : "", json_get_string(root, "operation"), NULL);
    document->result = g_strdup(json_get_string(root, "result"));
    document->actor_display = g_strdup(json_get_string(root, "actor"));
    document->target_displays = g_strdup("[]");
    document->display_summary = g_strdup_printf("It was %s", document->operation);
    document->text = g_strdup_printf("%s\n%.*s", document->display_summary, (int)length, raw);
    document->raw = raw;
    document->raw_length = length;
    document_seal(document, tenant_id, source);
    return document;
}

static inline struct account_record *account_record_of(const char *raw, size_t length, void *user, GError **error)
{
    g_autoptr(JsonTree) tree = json_tree_new();
    const struct json_node *root = json_tree_parse(tree, raw, length, NULL);
    const char *id = json_get_string(root, "id");
    (void)user;
    if (!id || !can_read(raw, length, error))
        return NULL;
    return account_record_new(id, json_get(root, "@removed") ? "changed" : NULL, raw, length);
}

static inline struct health_record *health_record_of(const char *raw, size_t length, enum store_health_kind *kind,
                                                     void *user, GError **error)
{
    g_autoptr(JsonTree) tree = json_tree_new();
    const struct json_node *root = json_tree_parse(tree, raw, length, NULL);
    const char *id = json_get_string(root, "id");
    (void)user;
    if (!id || !can_read(raw, length, error))
        return NULL;
    *kind = json_get(root, "classification") ? STORE_HEALTH_ISSUES
            : json_get(root, "services")     ? STORE_HEALTH_MESSAGES
                                             : STORE_HEALTH_OVERVIEWS;
    return health_record_new(id, raw, length);
}

static const struct store_decoders test_decoders = {.event = event_of,
                                                    .account_record = account_record_of,
                                                    .account = decode,
                                                    .health_record = health_record_of,
                                                    .health = decode_health};

/* --- records ---------------------------------------------------------------------------------------------------------
 */

/* The bytes of a sign-in that the decoders understand. `more` are members, with a comma before each. Returned: g_free.
 */
static inline char *sign_in(const char *id, const char *time, const char *more)
{
    return g_strdup_printf("{\"id\":\"%s\",\"time\":\"%s\",\"operation\":\"reading\",\"result\":\"success\","
                           "\"actor\":\"ada@example.org\"%s}",
                           id, time, more);
}

/* Commits a record of a source, as the decoders understand it now. */
static inline void receive(struct fixture *fixture, const char *source, const char *raw, int64_t received_at)
{
    struct document *document = event_of(source, TENANT, raw, strlen(raw), received_at, NULL, NULL);
    struct store_page *page = page_new(fixture->customer, 0, 0);
    assert_non_null(document);
    page->source = source;
    page->received_at = received_at;
    page->window = (struct store_window){received_at, received_at + 1};
    page_add(page, document);
    commit(fixture, page);
    page_free(page);
}

static inline void receive_sign_in(struct fixture *fixture, const char *id, const char *time, const char *more,
                                   int64_t received_at)
{
    g_autofree char *raw = sign_in(id, time, more);
    receive(fixture, "sign-ins", raw, received_at);
}

/* Keeps a record of a source as one that could not be read. */
static inline void receive_unreadable(struct fixture *fixture, const char *source, const char *body,
                                      int64_t received_at)
{
    struct store_page *page = page_new(fixture->customer, received_at, received_at + 1);
    page->source = source;
    page->received_at = received_at;
    g_ptr_array_add(page->unreadable, unreadable_new("odd", "request", body, strlen(body)));
    commit(fixture, page);
    page_free(page);
}

static inline int setup_learning(void **state)
{
    memset(&learnt, 0, sizeof learnt);
    return setup_store(state);
}

/* --- a watch that stops ----------------------------------------------------------------------------------------------
 */

struct patience {
    int calls, most;  /* how often it was asked, and the call it says no to; 0: never */
    int64_t done, of; /* what it was told last */
    const char *doing;
};

static inline bool go_on(const char *doing, int64_t done, int64_t of, void *user)
{
    struct patience *patience = user;
    patience->doing = doing;
    patience->done = done;
    patience->of = of;
    return ++patience->calls != patience->most;
}

#endif
