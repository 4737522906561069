#include <string.h>

#include "doctor/doctor.h"
#include "sources/sources.h"

enum { MISSED_RUNS = 3, STALE_LEAST_S = 90 * 60, DAY_S = 24 * 60 * 60 };

static const char health[] = "health";

/* What is judged. */
struct judge {
    const struct config *config;
    const struct store_status *status;
    int64_t now;
    GHashTable *told; /* struct store_status_source * that have their place already */
    struct standing *standing;
};

/* --- one source ------------------------------------------------------------------------------------------------------
 */

/* Health is looked at every few minutes, and its gaps have a measure already. */
static int64_t stale_after(const struct config *config, const char *source)
{
    const struct config_schedule *schedule = &config->schedule.collect;

    if (strcmp(source, health) == 0)
        return config_health_max_gap_s(config);
    return MAX(MISSED_RUNS * (schedule->daily ? DAY_S : schedule->every_s), STALE_LEAST_S);
}

static enum standing_state state_of(const struct judge *judge, const struct standing_source *source)
{
    const struct store_status_source *facts = source->facts;

    if (facts == NULL || facts->last_run_at == 0)
        return STANDING_NEVER;
    if (facts->outcome == STORE_OUTCOME_UNAVAILABLE && judge->now - facts->last_run_at <= source->stale_after_s)
        return STANDING_UNAVAILABLE;
    if (facts->outcome == STORE_OUTCOME_UNAVAILABLE)
        return STANDING_STALE; /* the tenant may have it by now, and nobody asks */
    return judge->now - facts->last_success_at > source->stale_after_s ? STANDING_STALE : STANDING_FRESH;
}

/* A licence that ended, or a service that was given up. What a tenant never had is not missed. */
static bool has_lapsed(const struct standing_source *source)
{
    const struct store_status_source *facts = source->facts;

    return facts != NULL && source->state == STANDING_UNAVAILABLE &&
           (facts->last_success_at != 0 || facts->records > 0);
}

bool standing_minds_hole(const struct store_hole *hole, int64_t now)
{
    return hole->kind != STORE_HOLE_SCANS || now - hole->to < DAY_S;
}

static bool minds_holes(const struct judge *judge, const struct store_status_source *facts)
{
    for (guint i = 0; i < facts->holes->len; i++)
        if (standing_minds_hole(&g_array_index(facts->holes, struct store_hole, i), judge->now))
            return true;
    return false;
}

static bool is_finding(const struct judge *judge, const struct standing_source *source)
{
    switch (source->state) {
    case STANDING_STALE:
    case STANDING_NEVER:
        return true;
    case STANDING_FRESH:
        return minds_holes(judge, source->facts);
    case STANDING_UNAVAILABLE:
        return source->lapsed; /* what never was there has no holes */
    case STANDING_KEPT:
        break;
    }
    return false;
}

/* Of a customer's tenant, or with `customer` NULL of one that the configuration does not name. */
static void add(struct judge *judge, const struct config_customer *customer, const char *tenant_id, const char *name,
                const struct store_status_source *facts, bool kept)
{
    struct standing_source *source = g_new0(struct standing_source, 1);

    source->customer = customer != NULL ? customer->name : facts->customer;
    source->tenant_id = tenant_id;
    source->source = name;
    source->facts = facts;
    source->stale_after_s = stale_after(judge->config, name);
    source->state = kept ? STANDING_KEPT : state_of(judge, source);
    source->lapsed = has_lapsed(source);
    source->finding = is_finding(judge, source);
    judge->standing->findings += source->finding;
    g_ptr_array_add(judge->standing->sources, source);
    if (facts != NULL)
        g_hash_table_add(judge->told, (gpointer)facts);
}

/* --- whose is it? ----------------------------------------------------------------------------------------------------
 */

static bool same_name(const char *a, const char *b)
{
    g_autofree char *one = g_utf8_casefold(a, -1), *other = g_utf8_casefold(b, -1);

    return strcmp(one, other) == 0;
}

/* The tenant whose records are the customer's. Where the configuration could not tell (that would take its secrets),
 * of all tenants that went by the name the one that was collected last. NULL: none was yet. */
static const char *tenant_of(const struct judge *judge, const struct config_customer *customer)
{
    const struct store_status_source *latest = NULL;

    if (customer->tenant_id != NULL)
        return customer->tenant_id;
    for (guint i = 0; i < judge->status->sources->len; i++) {
        const struct store_status_source *source = g_ptr_array_index(judge->status->sources, i);
        if (same_name(source->customer, customer->name) &&
            (latest == NULL || source->last_run_at > latest->last_run_at))
            latest = source;
    }
    return latest != NULL ? latest->tenant_id : NULL;
}

static const struct store_status_source *facts_of(const struct judge *judge, const char *tenant_id, const char *name)
{
    for (guint i = 0; i < judge->status->sources->len; i++) {
        const struct store_status_source *source = g_ptr_array_index(judge->status->sources, i);
        if (g_ascii_strcasecmp(source->tenant_id, tenant_id) == 0 && strcmp(source->source, name) == 0)
            return source;
    }
    return NULL;
}

static bool is_collected(const struct config_customer *customer, const char *name)
{
    return customer->sources == NULL || g_strv_contains((const char *const *)customer->sources, name);
}

/* What is collected, in the order of the table of sources, then what was. */
static void add_customer(struct judge *judge, const struct config_customer *customer)
{
    const char *tenant_id = tenant_of(judge, customer);

    for (const struct source *source = sources_all(); source->name != NULL; source++)
        if (is_collected(customer, source->name))
            add(judge, customer, tenant_id, source->name,
                tenant_id != NULL ? facts_of(judge, tenant_id, source->name) : NULL, false);
    for (guint i = 0; tenant_id != NULL && i < judge->status->sources->len; i++) {
        const struct store_status_source *facts = g_ptr_array_index(judge->status->sources, i);
        if (g_ascii_strcasecmp(facts->tenant_id, tenant_id) == 0 && !g_hash_table_contains(judge->told, facts))
            add(judge, customer, tenant_id, facts->source, facts, true);
    }
}

/* --- retention -------------------------------------------------------------------------------------------------------
 */

/* There is what should have been deleted so long ago. */
static bool is_overdue(const struct judge *judge, const struct store_status_source *facts)
{
    int64_t line = config_keep_from(judge->config, facts->source, judge->now);

    return line != INT64_MIN && facts->held_from != 0 && facts->held_from < line - judge->standing->prune_after_s;
}

static void judge_retention(const struct judge *judge)
{
    const struct config_schedule *schedule = &judge->config->schedule.prune;
    const struct store_status *status = judge->status;
    struct standing *standing = judge->standing;
    int64_t most = judge->config->retention.max_size_bytes;

    standing->prune_after_s = MISSED_RUNS * (schedule->daily ? DAY_S : schedule->every_s);
    for (guint i = 0; i < status->tasks->len; i++) {
        const struct store_status_task *task = g_ptr_array_index(status->tasks, i);
        if (strcmp(task->task, "prune") == 0)
            standing->pruned_at = task->finished_at;
    }
    for (guint i = 0; judge->now - standing->pruned_at > standing->prune_after_s && i < status->sources->len; i++)
        standing->prune_overdue = standing->prune_overdue || is_overdue(judge, g_ptr_array_index(status->sources, i));
    standing->over_size =
        most > 0 && status->database_bytes - status->free_bytes + status->wal_bytes > most + most / 10;
    standing->findings += standing->prune_overdue + standing->over_size;
}

/* --- forgetting ------------------------------------------------------------------------------------------------------
 */

static void judge_forgetting(const struct judge *judge)
{
    const GPtrArray *tasks = judge->status->tasks;

    for (guint i = 0; i < tasks->len; i++) {
        const struct store_status_task *task = g_ptr_array_index(tasks, i);
        if (strcmp(task->task, "scrub") == 0)
            judge->standing->rewrite_due = task->started_at != 0;
    }
    judge->standing->findings += judge->standing->rewrite_due;
}

/* --- the whole -------------------------------------------------------------------------------------------------------
 */

struct standing *standing_new(const struct config *config, const struct store_status *status, int64_t now)
{
    struct standing *standing = g_new0(struct standing, 1);
    g_autoptr(GHashTable) told = g_hash_table_new(NULL, NULL);
    struct judge judge = {.config = config, .status = status, .now = now, .told = told, .standing = standing};
    bool known = config->customers->len > 0;

    standing->sources = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < config->customers->len; i++)
        add_customer(&judge, g_ptr_array_index(config->customers, i));
    for (guint i = 0; i < status->sources->len; i++) {
        const struct store_status_source *facts = g_ptr_array_index(status->sources, i);
        if (!g_hash_table_contains(told, facts))
            add(&judge, NULL, facts->tenant_id, facts->source, facts, known);
    }
    judge_retention(&judge);
    judge_forgetting(&judge);
    return standing;
}

void standing_free(struct standing *standing)
{
    if (standing == NULL)
        return;
    g_ptr_array_unref(standing->sources);
    g_free(standing);
}
