/* health - service communications of Microsoft Graph: how each service is, what is wrong, and what will change. */
#include <string.h>

#include "base/base.h"
#include "document_text.h"
#include "record.h"
#include "sources.h"

/* --- what to ask for -------------------------------------------------------------------------------------------------
 */

char *health_url(enum store_health_kind kind, const char *base_url)
{
    static const char *const listings[] = {[STORE_HEALTH_OVERVIEWS] = "healthOverviews",
                                           [STORE_HEALTH_ISSUES] = "issues",
                                           [STORE_HEALTH_MESSAGES] = "messages"};

    return g_strdup_printf("%s/v1.0/admin/serviceAnnouncement/%s", base_url, listings[kind]);
}

/* The most that issues and messages give; overviews come by the hundred whatever is asked. (That enums are wanted with
 * the members that came later, the client says with every request.) */
const char *const health_headers[] = {"Prefer: odata.maxpagesize=1000", NULL};

const char *health_permission(enum store_health_kind kind)
{
    return kind == STORE_HEALTH_MESSAGES ? "ServiceMessage.Read.All" : "ServiceHealth.Read.All";
}

/* serviceHealthStatus of Graph v1.0. It comes in this spelling or with a capital, by API version. */
const char *health_status_name(const char *status)
{
    static const char *const names[] = {"serviceOperational",
                                        "investigating",
                                        "restoringService",
                                        "verifyingService",
                                        "serviceRestored",
                                        "postIncidentReviewPublished",
                                        "serviceDegradation",
                                        "serviceInterruption",
                                        "extendedRecovery",
                                        "falsePositive",
                                        "investigationSuspended",
                                        "resolved",
                                        "mitigatedExternal",
                                        "mitigated",
                                        "resolvedExternal",
                                        "confirmed",
                                        "reported",
                                        "unknownFutureValue"};

    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        if (record_same(status, names[i]))
            return names[i];
    return NULL;
}

/* --- records ---------------------------------------------------------------------------------------------------------
 */

void health_overview_clear(struct health_overview *overview)
{
    g_clear_pointer(&overview->service, g_free);
    g_clear_pointer(&overview->status, g_free);
}

struct health_record *health_record_read(struct json_tree *tree, struct json_slice slice,
                                         struct health_overview *overview, GError **error)
{
    const struct json_node *record = record_open("health", tree, slice, error);
    const char *id = record_string(record, "id");

    if (record == NULL)
        return NULL;
    if (id == NULL) {
        g_set_error(error, JSON_ERROR, JSON_ERROR_SHAPE,
                    "A record of health has no id: kept as received, not taken for a service, issue or message.");
        return NULL;
    }
    if (overview != NULL)
        *overview = (struct health_overview){.service = g_strdup(record_string(record, "service")),
                                             .status = g_strdup(record_string(record, "status"))};
    return health_record_new(id, slice.bytes, slice.length);
}

/* --- what they say ---------------------------------------------------------------------------------------------------
 */

/* The display names of the services that a message is about, as a JSON array; NULL when it has no such list. */
static char *services_of(const struct json_node *record)
{
    const struct json_node *services = json_get(record, "services");
    GString *out;

    if (services == NULL || services->type != JSON_ARRAY)
        return NULL;
    out = g_string_new("[");
    for (const struct json_node *service = services->child; service != NULL; service = service->next) {
        if (service->type != JSON_STRING || record_says_nothing(service->text, service->text_length))
            continue;
        if (out->len > 1)
            g_string_append_c(out, ',');
        text_append_json(out, service->text);
    }
    g_string_append_c(out, ']');
    return g_string_free(out, FALSE);
}

/* What stands above the text: the title, the service's name, or else the id. */
static char *headline_of(const struct json_node *record)
{
    static const char *const keys[] = {"title", "service", "id"};
    const char *headline = NULL;
    GString *out = g_string_new(NULL);

    for (size_t i = 0; i < G_N_ELEMENTS(keys) && headline == NULL; i++)
        headline = record_string(record, keys[i]);
    phrase_append(out, headline != NULL ? headline : "(no title)");
    return g_string_free(out, FALSE);
}

void health_decode_record(enum store_health_kind kind, const char *raw, size_t length, struct health_document *document)
{
    const struct json_node *record = json_tree_parse(record_thread_tree(), raw, length, NULL);
    g_autofree char *headline = NULL;

    if (record == NULL || record->type != JSON_OBJECT) {
        document->text = g_strdup("");
        return;
    }
    document->title = g_strdup(record_string(record, "title"));
    document->status = g_strdup(record_string(record, "status"));
    document->classification = g_strdup(record_string(record, "classification"));
    document->category = g_strdup(record_string(record, "category"));
    document->severity = g_strdup(record_string(record, "severity"));
    document->service = g_strdup(record_string(record, "service"));
    document->services = kind == STORE_HEALTH_MESSAGES ? services_of(record) : NULL;
    document->start = record_time(record, "startDateTime");
    document->end = record_time(record, "endDateTime");
    document->last_modified = record_time(record, "lastModifiedDateTime");
    document->action_required_by = record_time(record, "actionRequiredByDateTime");
    document->is_resolved = record_flag(record, "isResolved");
    document->is_major_change = record_flag(record, "isMajorChange");
    headline = headline_of(record);
    document->text = document_text_of_html(headline, record);
}
