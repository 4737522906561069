/* What the tests of service health share: pages of overviews, issues and messages, scans, and a decoder in the room of
 * the real one. */
#ifndef M365KEEP_TEST_STORE_HEALTH_FIXTURE_H
#define M365KEEP_TEST_STORE_HEALTH_FIXTURE_H

#include "fixture.h"

#include "base/json.h"

enum { MAX_GAP_S = 1800 }; /* of the scans, unless a test says otherwise */

static inline char *member_of(const struct json_node *root, const char *key)
{
    return g_strdup(json_get_string(root, key));
}

static inline char *time_of(const struct json_node *root, const char *key)
{
    const char *text = json_get_string(root, key);
    struct timestamp time;
    if (!text || !timestamp_parse(text, strlen(text), &time))
        return NULL;
    char *normalised = g_malloc(TIMESTAMP_TEXT_BYTES);
    timestamp_format(time, normalised);
    return normalised;
}

static inline int flag_of(const struct json_node *root, const char *key)
{
    const struct json_node *flag = json_get(root, key);
    return !flag ? -1 : flag->type == JSON_TRUE ? 1 : flag->type == JSON_FALSE ? 0 : -1;
}

static int decoded; /* how often the decoder was called */

static inline void decode_health(enum store_health_kind kind, const char *raw, size_t length,
                                 struct health_document *document)
{
    g_autoptr(JsonTree) tree = json_tree_new();
    const struct json_node *root = json_tree_parse(tree, raw, length, NULL);
    const struct json_node *services = json_get(root, "services");
    decoded++;
    assert_int_equal(document->is_resolved, -1);
    assert_int_equal(document->is_major_change, -1);
    document->title = member_of(root, "title");
    document->status = member_of(root, "status");
    document->classification = member_of(root, "classification");
    document->category = member_of(root, "category");
    document->severity = member_of(root, "severity");
    document->service = member_of(root, "service");
    document->services = services ? g_strndup(services->bytes, services->length) : NULL;
    document->start = time_of(root, "startDateTime");
    document->end = time_of(root, "endDateTime");
    document->last_modified = time_of(root, "lastModifiedDateTime");
    document->action_required_by = time_of(root, "actionRequiredByDateTime");
    document->is_resolved = flag_of(root, "isResolved");
    document->is_major_change = flag_of(root, "isMajorChange");
    if (kind != STORE_HEALTH_OVERVIEWS)
        document->text =
            g_strjoin("\n", document->title ? document->title : "", json_get_string(root, "impactDescription"), NULL);
}

/* --- pages -----------------------------------------------------------------------------------------------------------
 */

static inline struct store_page *health_page(int64_t customer, enum store_health_kind kind)
{
    struct store_page *page = g_new0(struct store_page, 1);
    struct store_health *health = store_health_new(kind);
    health->decode = decode_health;
    page->customer_id = customer;
    page->source = "health";
    page->part = "";
    page->unreadable = g_ptr_array_new_with_free_func((GDestroyNotify)unreadable_free);
    page->received_at = AT;
    page->health = health;
    return page;
}

static inline struct store_health *health_of(struct store_page *page)
{
    return (struct store_health *)page->health;
}

static inline void health_page_free(struct store_page *page)
{
    store_health_free(health_of(page));
    g_ptr_array_unref(page->unreadable);
    g_free(page);
}

/* Adds a record; `raw` is borrowed. */
static inline void page_tell(struct store_page *page, const char *id, const char *raw)
{
    g_ptr_array_add(health_of(page)->records, health_record_new(id, raw, strlen(raw)));
}

/* The page is the last one of the overviews. */
static inline struct store_scan *page_scans(struct store_page *page)
{
    struct store_scan *scan = g_new0(struct store_scan, 1);
    scan->statuses = g_ptr_array_new_with_free_func((GDestroyNotify)health_status_free);
    scan->max_gap_s = MAX_GAP_S;
    health_of(page)->scan = scan;
    return scan;
}

/* Commits one record as a page of its own, and tells what it did. */
static inline struct store_counts tell_one(struct fixture *fixture, enum store_health_kind kind, int64_t received_at,
                                           const char *id, const char *raw)
{
    struct store_page *page = health_page(fixture->customer, kind);
    page->received_at = received_at;
    page_tell(page, id, raw);
    commit(fixture, page);
    struct store_counts counts = page->counts;
    health_page_free(page);
    return counts;
}

/* Commits a good scan. `statuses`: "Exchange=serviceOperational Teams=...". */
static inline void scan_at(struct fixture *fixture, int64_t received_at, const char *statuses)
{
    struct store_page *page = health_page(fixture->customer, STORE_HEALTH_OVERVIEWS);
    struct store_scan *scan = page_scans(page);
    g_auto(GStrv) words = g_strsplit(statuses, " ", -1);
    for (char **word = words; *word && **word; word++) {
        g_auto(GStrv) sides = g_strsplit(*word, "=", 2);
        g_ptr_array_add(scan->statuses, health_status_new(sides[0], sides[1]));
    }
    page->received_at = received_at;
    commit(fixture, page);
    health_page_free(page);
}

static inline void fail_at(struct fixture *fixture, int64_t at)
{
    g_autoptr(GError) error = NULL;
    assert_ok(store_scan_failed(fixture->store, fixture->customer, at, "503 from the service", &error), error);
}

static inline void assert_health_counts(struct store_counts counts, int64_t inserted, int64_t updated,
                                        int64_t duplicates)
{
    if (counts.inserted != inserted || counts.updated != updated || counts.duplicates != duplicates ||
        counts.removed != 0 || counts.unreadable != 0)
        fail_msg("%ld inserted, %ld updated, %ld duplicates, %ld removed, %ld unreadable", (long)counts.inserted,
                 (long)counts.updated, (long)counts.duplicates, (long)counts.removed, (long)counts.unreadable);
}

#endif
