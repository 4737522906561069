#include "report/records.h"

#include "base/timestamp.h"

/* --- members ------------------------------------------------------------------------------------------------------ */

static char *take_text(const struct json_node *object, const char *key)
{
    return g_strdup(json_get_string(object, key));
}

/* Seconds UTC; 0 where there is no time, or one of the year 1, which stands for none. */
static int64_t take_time(const struct json_node *object, const char *key)
{
    const struct json_node *node = json_get(object, key);
    struct timestamp time;

    return node != NULL && node->type == JSON_STRING && timestamp_parse(node->text, node->text_length, &time)
               ? time.seconds
               : 0;
}

static bool is_true(const struct json_node *object, const char *key)
{
    const struct json_node *node = json_get(object, key);

    return node != NULL && node->type == JSON_TRUE;
}

/* The text of an itemBody; *html is false where it is told to be plain. */
static const char *body_of(const struct json_node *body, bool *html)
{
    const char *type = json_get_string(body, "contentType");

    *html = type == NULL || g_ascii_strcasecmp(type, "text") != 0;
    return json_get_string(body, "content");
}

/* --- issues ------------------------------------------------------------------------------------------------------- */

/* The latest post that says something. */
static void take_last_post(const struct json_node *record, struct report_post *last)
{
    const struct json_node *posts = json_get(record, "posts");
    const char *latest = NULL;

    if (posts == NULL || posts->type != JSON_ARRAY)
        return;
    for (const struct json_node *post = posts->child; post != NULL; post = post->next) {
        bool html;
        const char *content = body_of(json_get(post, "description"), &html);
        int64_t at = take_time(post, "createdDateTime");
        if (content == NULL || (latest != NULL && at < last->at))
            continue;
        latest = content;
        last->at = at;
        last->html = html;
    }
    last->content = g_strdup(latest);
}

struct report_issue *record_issue_new(struct json_tree *tree, const struct store_report_record *record)
{
    struct report_issue *issue = g_new0(struct report_issue, 1);
    const struct json_node *node = json_tree_parse(tree, record->raw, record->raw_length, NULL);

    issue->id = g_strdup(record->id);
    issue->title = take_text(node, "title");
    if (issue->title == NULL)
        issue->title = g_strdup(record->id);
    issue->service = take_text(node, "service");
    issue->classification = take_text(node, "classification");
    issue->status = take_text(node, "status");
    issue->impact_description = take_text(node, "impactDescription");
    issue->start = take_time(node, "startDateTime");
    issue->end = take_time(node, "endDateTime");
    issue->resolved = is_true(node, "isResolved");
    take_last_post(node, &issue->last_post);
    return issue;
}

void record_issue_free(void *data)
{
    struct report_issue *issue = data;

    if (issue == NULL)
        return;
    g_free(issue->id);
    g_free(issue->title);
    g_free(issue->service);
    g_free(issue->classification);
    g_free(issue->status);
    g_free(issue->impact_description);
    g_free(issue->last_post.content);
    g_free(issue);
}

/* --- announcements ------------------------------------------------------------------------------------------------ */

static char **take_services(const struct json_node *record)
{
    const struct json_node *services = json_get(record, "services");
    g_autoptr(GStrvBuilder) names = g_strv_builder_new();

    if (services != NULL && services->type == JSON_ARRAY)
        for (const struct json_node *service = services->child; service != NULL; service = service->next)
            if (service->type == JSON_STRING && service->text_length > 0)
                g_strv_builder_add(names, service->text);
    return g_strv_builder_end(names);
}

struct report_announcement *record_announcement_new(struct json_tree *tree, const struct store_report_record *record)
{
    struct report_announcement *announcement = g_new0(struct report_announcement, 1);
    const struct json_node *node = json_tree_parse(tree, record->raw, record->raw_length, NULL);

    announcement->id = g_strdup(record->id);
    announcement->title = take_text(node, "title");
    if (announcement->title == NULL)
        announcement->title = g_strdup(record->id);
    announcement->category = take_text(node, "category");
    announcement->severity = take_text(node, "severity");
    announcement->services = take_services(node);
    announcement->major = is_true(node, "isMajorChange");
    announcement->action_by = take_time(node, "actionRequiredByDateTime");
    announcement->last_modified = take_time(node, "lastModifiedDateTime");
    announcement->body = g_strdup(body_of(json_get(node, "body"), &announcement->html));
    return announcement;
}

void record_announcement_free(void *data)
{
    struct report_announcement *announcement = data;

    if (announcement == NULL)
        return;
    g_free(announcement->id);
    g_free(announcement->title);
    g_free(announcement->category);
    g_free(announcement->severity);
    g_strfreev(announcement->services);
    g_free(announcement->body);
    g_free(announcement);
}
