#include "collect/health_run.h"

/* --- records ---------------------------------------------------------------------------------------------------------
 */

/* A service that is told of twice, because the list moved between two pages, is as it was told last. */
static void add_service(struct health_run *run, const char *id, const struct health_overview *overview)
{
    g_hash_table_replace(run->services, g_strdup(id), g_memdup2(overview, sizeof *overview));
}

static void add_record(struct health_run *run, struct writer_page *page, struct json_slice slice,
                       const char *request_id)
{
    bool overviews = run->kind == STORE_HEALTH_OVERVIEWS;
    struct health_overview overview = {0};
    g_autoptr(GError) error = NULL;
    struct health_record *record =
        health_record_read(run->base.context->tree, slice, overviews ? &overview : NULL, &error);

    if (!record) {
        source_run_unreadable(&run->base, page, slice, error, request_id);
        return;
    }
    if (overviews)
        add_service(run, record->id, &overview);
    g_ptr_array_add(page->health->records, record);
}

/* The page in `body`, on its way to the store. */
static struct writer_page *take_page(struct health_run *run, const char *request_id)
{
    struct writer_page *page = source_run_page(&run->base);

    page->health = store_health_new(run->kind);
    page->health->decode = health_decode_record;
    page->health->keep_from = run->keep_from;
    page->page.health = page->health;
    for (size_t i = 0; page->body && i < json_page_count(page->body); i++)
        add_record(run, page, json_page_record(page->body, i), request_id);
    return page;
}

void health_salvage(struct health_run *run, const char *request_id)
{
    if (!source_run_body_broke_off(&run->base))
        return;
    run->base.result->fetched += (int64_t)json_page_count(run->base.body);
    source_run_push(&run->base, take_page(run, request_id));
}

/* --- the services that are followed ----------------------------------------------------------------------------------
 */

static bool same_name(const char *one, const char *other)
{
    g_autofree char *a = one ? g_utf8_casefold(one, -1) : NULL, *b = g_utf8_casefold(other, -1);

    return a && g_str_equal(a, b);
}

static bool is_called(const char *id, const struct health_overview *overview, const char *name)
{
    return same_name(id, name) || same_name(overview->service, name);
}

static bool is_followed(const struct health_run *run, const char *id, const struct health_overview *overview)
{
    char **name = run->base.services;

    while (name && *name && !is_called(id, overview, *name))
        name++;
    return !name || *name;
}

static bool is_there(const struct health_run *run, const char *name)
{
    GHashTableIter iter;
    gpointer id, overview;

    g_hash_table_iter_init(&iter, run->services);
    while (g_hash_table_iter_next(&iter, &id, &overview))
        if (is_called(id, overview, name))
            return true;
    return false;
}

/* "Exchange (Exchange Online), Intune": each as it may be written in the configuration. Returned: g_free. */
static char *all_services(const struct health_run *run)
{
    g_autoptr(GList) ids = g_list_sort(g_hash_table_get_keys(run->services), (GCompareFunc)g_strcmp0);
    GString *out = g_string_new(NULL);

    for (const GList *id = ids; id; id = id->next) {
        const struct health_overview *overview = g_hash_table_lookup(run->services, id->data);

        g_string_append_printf(out, "%s%s", out->len ? ", " : "", (const char *)id->data);
        if (overview->service && !same_name(id->data, overview->service))
            g_string_append_printf(out, " (%s)", overview->service);
    }
    return g_string_free(out, FALSE);
}

/* A service that was left out of the subscription, or misspelled: nothing will ever be told of it. */
static void say_absent(struct health_run *run)
{
    for (char **name = run->base.services; name && *name; name++) {
        g_autofree char *all = NULL;

        if (is_there(run, *name))
            continue;
        all = all_services(run);
        source_run_warn(&run->base, g_strdup_printf("The tenant has no service \"%s\", which its `services` in "
                                                    "m365keep.yaml name: it is not followed. There are: %s.",
                                                    *name, all));
    }
}

/* The run of its states ends here, and nobody knows whether it should. */
static void say_unknown(struct health_run *run)
{
    GHashTableIter iter;
    gpointer id, overview;

    g_hash_table_iter_init(&iter, run->services);
    while (g_hash_table_iter_next(&iter, &id, &overview))
        if (!((const struct health_overview *)overview)->status && is_followed(run, id, overview))
            source_run_warn(&run->base, g_strdup_printf("The service \"%s\" came without a status that can be read: "
                                                        "what its health is, this scan does not know.",
                                                        (const char *)id));
}

/* --- the scan --------------------------------------------------------------------------------------------------------
 */

/* What the scan saw of the services that are followed. */
static struct store_scan *take_scan(const struct health_run *run)
{
    struct store_scan *scan = g_new0(struct store_scan, 1);
    GHashTableIter iter;
    gpointer id, overview;

    scan->statuses = g_ptr_array_new_with_free_func((GDestroyNotify)health_status_free);
    scan->max_gap_s = config_health_max_gap_s(run->base.context->options->config);
    g_hash_table_iter_init(&iter, run->services);
    while (g_hash_table_iter_next(&iter, &id, &overview)) {
        const char *status = ((const struct health_overview *)overview)->status;

        if (status && is_followed(run, id, overview))
            g_ptr_array_add(scan->statuses, health_status_new(id, status));
    }
    return scan;
}

/* Every tenant has services: a list without any tells nothing about them. */
static void fail_without_services(struct health_run *run, const char *request_id)
{
    const struct client_failure failure = {
        .verdict = CLIENT_LATER,
        .status = 200,
        .code = (char *)"no_services",
        .message = (char *)"The list of the services' health held no service at all: this scan counts as failed.",
        .request_id = (char *)request_id,
        .hint = (char *)"The next scan asks again. If it lasts, check that the tenant subscribes to any service."};

    health_failed(run, &failure);
}

/* --- pages -----------------------------------------------------------------------------------------------------------
 */

static void last_page_read(struct health_run *run, struct writer_page *page, const char *request_id)
{
    bool overviews = run->kind == STORE_HEALTH_OVERVIEWS, empty = g_hash_table_size(run->services) == 0;

    if (overviews && !empty)
        page->health->scan = take_scan(run);
    source_run_push(&run->base, page);
    if (overviews && empty) {
        fail_without_services(run, request_id);
        return;
    }
    if (overviews) {
        say_absent(run);
        say_unknown(run);
    }
    health_listing_read(run);
}

void health_page_read(struct source_run *base, const char *request_id)
{
    struct health_run *run = health_run_of(base);
    struct client_failure *failure;
    g_autofree char *next_link = g_strdup(source_run_next_link(base, request_id, &failure));
    struct writer_page *page;

    base->result->fetched += (int64_t)json_page_count(base->body);
    page = take_page(run, request_id);
    if (!failure && !next_link) {
        last_page_read(run, page, request_id);
        return;
    }
    source_run_push(base, page);
    if (failure) {
        health_failed(run, failure);
        client_failure_free(failure);
        return;
    }
    g_free(base->link);
    base->link = g_steal_pointer(&next_link);
    source_run_request(base);
}

void health_page_committed(struct source_run *base, const struct store_page *page)
{
    struct collect_source *result = base->result;

    result->inserted += page->counts.inserted;
    result->updated += page->counts.updated;
    result->duplicates += page->counts.duplicates;
    if (page->health->scan)
        health_run_of(base)->scanned = true;
}
