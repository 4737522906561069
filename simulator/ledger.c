#include "ledger.h"

#include <string.h>

#include "ticks.h"

enum { MOST_ENTRIES = 1000, MOST_STATUS = 600 };

static const char *const count_names[COUNT_COUNT] = {
    [COUNT_TOKENS_ISSUED] = "tokens_issued",
    [COUNT_BYTES_SENT] = "bytes_sent",
    [COUNT_RECORDS_SENT] = "records_sent",
    [COUNT_BUDGET_VIOLATIONS] = "budget_violations",
    [COUNT_RETRY_AFTER_BROKEN] = "retry_after_broken",
    [COUNT_NO_CLIENT_REQUEST_ID] = "requests_without_client_request_id",
    [COUNT_DUPLICATE_CLIENT_REQUEST_ID] = "duplicate_client_request_ids",
    [COUNT_REPEATED_ASSERTIONS] = "repeated_assertions",
    [COUNT_FAULTS_FIRED] = "faults_fired",
};

struct entry {
    char *method, *uri, *client_request_id, *request_id, *tenant, *user_agent, *assertion, *prefer;
    enum endpoint endpoint;
    int64_t time;
    unsigned status;
    gsize bytes;
    guint records;
    int page;
    bool authorization, accept, accept_encoding;
};

struct tally {
    uint64_t counts[COUNT_COUNT];
    uint64_t by_endpoint[ENDPOINT_COUNT];
    uint64_t by_status[MOST_STATUS];
    struct {
        uint64_t requests, violations, retry_after_broken;
        int64_t first, last; /* ticks */
    } families[BUDGET_FAMILIES];
};

struct ledger {
    struct tally all;
    GHashTable *tenants; /* id -> struct tally */
    GHashTable *client_request_ids;
    GQueue *entries;
};

static void entry_free(gpointer data)
{
    struct entry *e = data;

    g_free(e->method);
    g_free(e->uri);
    g_free(e->client_request_id);
    g_free(e->request_id);
    g_free(e->tenant);
    g_free(e->user_agent);
    g_free(e->assertion);
    g_free(e->prefer);
    g_free(e);
}

struct ledger *ledger_new(void)
{
    struct ledger *l = g_new0(struct ledger, 1);

    l->tenants = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    l->client_request_ids = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    l->entries = g_queue_new();
    return l;
}

void ledger_free(struct ledger *l)
{
    if (!l)
        return;
    g_queue_free_full(l->entries, entry_free);
    g_hash_table_unref(l->client_request_ids);
    g_hash_table_unref(l->tenants);
    g_free(l);
}

void ledger_reset(struct ledger *l)
{
    memset(&l->all, 0, sizeof(l->all));
    g_hash_table_remove_all(l->tenants);
    g_hash_table_remove_all(l->client_request_ids);
    g_queue_clear_full(l->entries, entry_free);
}

/* The tally of the request's tenant; NULL where that is not known. */
static struct tally *tally_of(struct ledger *l, const struct request *rq)
{
    if (!rq->tenant)
        return NULL;
    struct tally *t = g_hash_table_lookup(l->tenants, rq->tenant->id);
    if (!t) {
        t = g_new0(struct tally, 1);
        g_hash_table_insert(l->tenants, g_strdup(rq->tenant->id), t);
    }
    return t;
}

static void add(struct ledger *l, const struct request *rq, enum count count, uint64_t number)
{
    struct tally *t = tally_of(l, rq);

    l->all.counts[count] += number;
    if (t)
        t->counts[count] += number;
}

void ledger_count(struct ledger *l, const struct request *rq, enum count count)
{
    add(l, rq, count, 1);
}

static void charge_tally(struct tally *t, enum budget_family family, struct verdict v, int64_t now)
{
    if (t->families[family].requests++ == 0)
        t->families[family].first = now;
    t->families[family].last = now;
    t->families[family].violations += v.wait_s > 0;
    t->families[family].retry_after_broken += v.broken;
    t->counts[COUNT_BUDGET_VIOLATIONS] += v.wait_s > 0;
    t->counts[COUNT_RETRY_AFTER_BROKEN] += v.broken;
}

void ledger_charge(struct ledger *l, const struct request *rq, enum budget_family family, struct verdict verdict)
{
    struct tally *t = tally_of(l, rq);

    charge_tally(&l->all, family, verdict, rq->now);
    if (t)
        charge_tally(t, family, verdict, rq->now);
}

/* Graph asks for a fresh client-request-id on each request, a retry included. */
static void check_client_request_id(struct ledger *l, const struct request *rq)
{
    if (request_is_login(rq))
        return;
    if (!rq->client_request_id)
        ledger_count(l, rq, COUNT_NO_CLIENT_REQUEST_ID);
    else if (!g_hash_table_add(l->client_request_ids, g_strdup(rq->client_request_id)))
        ledger_count(l, rq, COUNT_DUPLICATE_CLIENT_REQUEST_ID);
}

static struct entry *entry_new(const struct request *rq, const struct answer *a, gsize bytes)
{
    struct entry *e = g_new0(struct entry, 1);

    *e = (struct entry){.method = g_strdup(rq->method),
                        .uri = g_strdup(rq->uri),
                        .client_request_id = g_strdup(rq->client_request_id),
                        .request_id = g_strdup(rq->request_id),
                        .tenant = g_strdup(rq->tenant ? rq->tenant->id : NULL),
                        .user_agent = g_strdup(rq->user_agent),
                        .assertion = g_strdup(rq->assertion_algorithm),
                        .prefer = g_strdup(rq->prefer),
                        .endpoint = rq->endpoint,
                        .time = rq->now,
                        .status = a->reset ? 0 : a->status,
                        .bytes = bytes,
                        .records = rq->records,
                        .page = rq->page,
                        .authorization = rq->authorization != NULL,
                        .accept = rq->accept != NULL,
                        .accept_encoding = rq->accept_encoding != NULL};
    return e;
}

static void enter_tally(struct tally *t, const struct request *rq, const struct answer *a)
{
    t->by_endpoint[rq->endpoint]++;
    if (!a->reset && a->status < MOST_STATUS)
        t->by_status[a->status]++;
}

void ledger_enter(struct ledger *l, const struct request *rq, const struct answer *a)
{
    gsize bytes = a->reset ? 0 : a->cut == CUT_NONE ? a->body->len : MIN(a->cut_at, a->body->len);

    if (rq->endpoint == ENDPOINT_CONTROL)
        return;
    struct tally *t = tally_of(l, rq);
    enter_tally(&l->all, rq, a);
    if (t)
        enter_tally(t, rq, a);
    add(l, rq, COUNT_BYTES_SENT, bytes);
    add(l, rq, COUNT_RECORDS_SENT, rq->records);
    check_client_request_id(l, rq);
    g_queue_push_tail(l->entries, entry_new(rq, a, bytes));
    if (g_queue_get_length(l->entries) > MOST_ENTRIES)
        entry_free(g_queue_pop_head(l->entries));
}

static void add_families(cJSON *json, const struct tally *t)
{
    cJSON *families = cJSON_AddObjectToObject(json, "families");

    for (int f = 0; f < BUDGET_FAMILIES; f++) {
        cJSON *family = cJSON_AddObjectToObject(families, budget_names[f]);
        cJSON_AddNumberToObject(family, "requests", (double)t->families[f].requests);
        cJSON_AddNumberToObject(family, "violations", (double)t->families[f].violations);
        cJSON_AddNumberToObject(family, "retry_after_broken", (double)t->families[f].retry_after_broken);
        if (t->families[f].requests > 0) {
            cJSON_AddNumberToObject(family, "first_at", (double)t->families[f].first / TICKS_PER_SECOND);
            cJSON_AddNumberToObject(family, "last_at", (double)t->families[f].last / TICKS_PER_SECOND);
        }
    }
}

static cJSON *tally_json(const struct tally *t)
{
    cJSON *json = cJSON_CreateObject(), *requests = cJSON_AddObjectToObject(json, "requests");
    uint64_t total = 0;

    for (int e = 0; e < ENDPOINT_CONTROL; e++) {
        cJSON_AddNumberToObject(requests, endpoint_names[e], (double)t->by_endpoint[e]);
        total += t->by_endpoint[e];
    }
    cJSON_AddNumberToObject(requests, "total", (double)total);
    cJSON *statuses = cJSON_AddObjectToObject(json, "statuses");
    for (int s = 0; s < MOST_STATUS; s++) {
        g_autofree char *name = g_strdup_printf("%d", s);
        if (t->by_status[s] > 0)
            cJSON_AddNumberToObject(statuses, name, (double)t->by_status[s]);
    }
    for (int c = 0; c < COUNT_COUNT; c++)
        cJSON_AddNumberToObject(json, count_names[c], (double)t->counts[c]);
    add_families(json, t);
    return json;
}

cJSON *ledger_stats(const struct ledger *l)
{
    cJSON *json = tally_json(&l->all), *tenants = cJSON_AddObjectToObject(json, "tenants");
    GHashTableIter at;
    gpointer id = NULL, tally = NULL;

    g_hash_table_iter_init(&at, l->tenants);
    while (g_hash_table_iter_next(&at, &id, &tally))
        cJSON_AddItemToObject(tenants, id, tally_json(tally));
    return json;
}

static void add_text(cJSON *json, const char *key, const char *value)
{
    g_autofree char *valid = value ? g_utf8_make_valid(value, -1) : NULL;

    cJSON_AddItemToObject(json, key, valid ? cJSON_CreateString(valid) : cJSON_CreateNull());
}

static cJSON *entry_json(const struct entry *e)
{
    cJSON *json = cJSON_CreateObject();
    g_autoptr(GString) time = g_string_new(NULL);

    ticks_append_iso(time, e->time, 7);
    g_string_append_c(time, 'Z');
    add_text(json, "time", time->str);
    add_text(json, "method", e->method);
    add_text(json, "uri", e->uri);
    add_text(json, "endpoint", endpoint_names[e->endpoint]);
    add_text(json, "tenant", e->tenant);
    cJSON_AddNumberToObject(json, "page", e->page);
    cJSON_AddNumberToObject(json, "status", e->status);
    cJSON_AddNumberToObject(json, "bytes", (double)e->bytes);
    cJSON_AddNumberToObject(json, "records", e->records);
    add_text(json, "request_id", e->request_id);
    add_text(json, "client_request_id", e->client_request_id);
    add_text(json, "user_agent", e->user_agent);
    add_text(json, "assertion", e->assertion);
    add_text(json, "prefer", e->prefer);
    cJSON_AddBoolToObject(json, "has_authorization", e->authorization);
    cJSON_AddBoolToObject(json, "has_client_request_id", e->client_request_id != NULL);
    cJSON_AddBoolToObject(json, "has_user_agent", e->user_agent != NULL);
    cJSON_AddBoolToObject(json, "has_accept", e->accept);
    cJSON_AddBoolToObject(json, "has_accept_encoding", e->accept_encoding);
    cJSON_AddBoolToObject(json, "has_prefer", e->prefer != NULL);
    return json;
}

cJSON *ledger_requests(const struct ledger *l)
{
    cJSON *json = cJSON_CreateArray();

    for (const GList *at = l->entries->head; at; at = at->next)
        cJSON_AddItemToArray(json, entry_json(at->data));
    return json;
}
