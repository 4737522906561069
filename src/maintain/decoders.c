/* How the sources understand records, for a store that derives them anew. */
#include "maintain/maintain.h"
#include "sources/sources.h"

static void tree_free(void *data)
{
    json_tree_free(data);
}

/* A tree of this thread's own, kept from record to record. */
static struct json_tree *thread_tree(void)
{
    static GPrivate key = G_PRIVATE_INIT(tree_free);
    struct json_tree *tree = g_private_get(&key);

    if (tree == NULL) {
        tree = json_tree_new();
        g_private_set(&key, tree);
    }
    return tree;
}

/* Whether it was cut out of its page as faulty, nobody has kept: reading finds the same faults again. */
static struct json_slice slice_of(const char *raw, size_t length)
{
    return (struct json_slice){.bytes = raw, .length = length, .fault = JSON_FAULT_NONE};
}

static struct document *decode_event(const char *source, const char *tenant_id, const char *raw, size_t length,
                                     int64_t received_at, void *user, GError **error)
{
    const struct source *known = source_find(source);
    struct document *document;

    (void)user;
    if (known == NULL || known->kind != SOURCE_EVENTS) {
        g_set_error(error, JSON_ERROR, JSON_ERROR_SHAPE,
                    "A record of %s cannot be decoded: that is no source of events that this m365keep knows.",
                    source != NULL ? source : "no source");
        return NULL;
    }
    document = source_decode(known, thread_tree(), slice_of(raw, length), received_at, error);
    if (document != NULL)
        document_seal(document, tenant_id, known->name);
    return document;
}

static struct account_record *read_account(const char *raw, size_t length, void *user, GError **error)
{
    (void)user;
    return users_record(thread_tree(), slice_of(raw, length), error);
}

/* --- health ----------------------------------------------------------------------------------------------------------
 */

/* True when the record has one of these members, which no other kind has (Graph v1.0: serviceHealth,
 * serviceHealthIssue, serviceUpdateMessage). */
static bool has_any(const struct json_node *record, const char *const *members)
{
    for (; *members != NULL; members++)
        if (json_get(record, *members) != NULL)
            return true;
    return false;
}

/* Which listing the record came from, judged by its members: that is not kept with what could not be read. False where
 * they are of two kinds, or of none. */
static bool judge_kind(const struct json_node *record, enum store_health_kind *kind)
{
    static const char *const of_issues[] = {"classification", "impactDescription",
                                            "isResolved",     "feature",
                                            "featureGroup",   "posts",
                                            "origin",         NULL},
                             *const of_messages[] = {"services",
                                                     "category",
                                                     "severity",
                                                     "isMajorChange",
                                                     "body",
                                                     "viewPoint",
                                                     "actionRequiredByDateTime",
                                                     NULL},
                             *const of_both[] = {"title", "startDateTime", "lastModifiedDateTime", NULL};
    bool issue = has_any(record, of_issues), message = has_any(record, of_messages);
    bool overview = !issue && !message && !has_any(record, of_both) && json_get_string(record, "service") != NULL &&
                    json_get_string(record, "status") != NULL;

    *kind = issue ? STORE_HEALTH_ISSUES : message ? STORE_HEALTH_MESSAGES : STORE_HEALTH_OVERVIEWS;
    return overview || issue != message;
}

static struct health_record *read_health(const char *raw, size_t length, enum store_health_kind *kind, void *user,
                                         GError **error)
{
    struct health_record *record = health_record_read(thread_tree(), slice_of(raw, length), NULL, error);

    (void)user;
    if (record == NULL)
        return NULL;
    if (judge_kind(json_tree_parse(thread_tree(), raw, length, NULL), kind))
        return record;
    g_set_error(error, JSON_ERROR, JSON_ERROR_SHAPE,
                "The record %s of health has not the members of a service, an issue or a message: kept as received.",
                record->id);
    health_record_free(record);
    return NULL;
}

const struct store_decoders *maintain_decoders(void)
{
    static const struct store_decoders decoders = {.event = decode_event,
                                                   .account_record = read_account,
                                                   .account = users_decode,
                                                   .health_record = read_health,
                                                   .health = health_decode_record};

    return &decoders;
}
