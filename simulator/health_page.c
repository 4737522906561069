#include "health_page.h"

#include <string.h>

#include "health.h"
#include "ticks.h"
#include "users_query.h"

enum { USUAL_PAGE = 100, MOST_PAGE = 1000 };

static const struct {
    enum endpoint endpoint;
    const char *set; /* as the service spells it */
    int most;        /* records a page */
} lists[HEALTH_KINDS] = {
    [HEALTH_OVERVIEWS] = {ENDPOINT_HEALTH_OVERVIEWS, "healthOverviews", USUAL_PAGE},
    [HEALTH_ISSUES] = {ENDPOINT_ISSUES, "issues", MOST_PAGE},
    [HEALTH_MESSAGES] = {ENDPOINT_MESSAGES, "messages", MOST_PAGE},
};

/* One comparison: of the id, or of the time of the last change. */
struct condition {
    char *id;      /* NULL: of the time */
    int64_t since; /* ticks; that or later */
    bool given;
};

struct query {
    enum health_kind kind;
    char *top_text, *filter_text;
    struct condition condition;
    guint64 top, skip;
    guint page_size;
    int preferred; /* odata.maxpagesize as it was applied; 0: none was asked for */
    bool expand, count;
    struct telling how;
};

static void query_clear(struct query *q)
{
    g_free(q->top_text);
    g_free(q->filter_text);
    g_free(q->condition.id);
}

static enum health_kind kind_of(enum endpoint endpoint)
{
    for (int k = 0; k < HEALTH_KINDS; k++)
        if (lists[k].endpoint == endpoint)
            return (enum health_kind)k;
    return HEALTH_KINDS;
}

bool health_is_endpoint(enum endpoint endpoint)
{
    return kind_of(endpoint) < HEALTH_KINDS;
}

/* The number in the client's "Prefer: odata.maxpagesize=N"; 0: there is none. */
static guint64 preferred_size(const struct request *rq)
{
    g_auto(GStrv) wishes = g_strsplit_set(rq->prefer ? rq->prefer : "", ",;", 0);
    guint64 size = 0;

    for (char **wish = wishes; *wish; wish++) {
        g_strstrip(*wish);
        if (g_ascii_strncasecmp(*wish, "odata.maxpagesize=", 18) == 0 &&
            g_ascii_string_to_unsigned(*wish + 18, 10, 1, G_MAXINT, &size, NULL))
            return size;
    }
    return 0;
}

static bool wants_newest_members(const struct request *rq)
{
    g_autofree char *lower = g_ascii_strdown(rq->prefer ? rq->prefer : "", -1);

    return strstr(lower, "include-unknown-enum-members") != NULL;
}

static void read_size(const struct request *rq, struct query *q)
{
    guint64 preferred = preferred_size(rq), most = (guint64)lists[q->kind].most;

    q->page_size = (guint)MIN(preferred > 0 ? preferred : USUAL_PAGE, most);
    q->preferred = preferred > 0 ? (int)q->page_size : 0;
    q->page_size = MIN(q->page_size, (guint)rq->sim->options->page_size);
}

static bool read_skip(const struct request *rq, guint64 *skip)
{
    g_autofree char *text = request_parameter(rq->query, "$skip");

    *skip = 0;
    return !text || g_ascii_string_to_unsigned(text, 10, 0, G_MAXINT, skip, NULL);
}

bool health_classify(struct request *rq, const char *path)
{
    static const char folder[] = "/admin/serviceannouncement/";
    bool beta = g_str_has_prefix(path, "/beta");
    const char *rest = beta ? path + strlen("/beta") : path + strlen("/v1.0");
    struct query q = {0};

    if ((!beta && !g_str_has_prefix(path, "/v1.0")) || !g_str_has_prefix(rest, folder))
        return false;
    rest += strlen(folder);
    for (int k = 0; k < HEALTH_KINDS; k++) {
        gsize len = strlen(lists[k].set);
        if (g_ascii_strncasecmp(rest, lists[k].set, len) != 0 || (rest[len] != '\0' && rest[len] != '/'))
            continue;
        rq->endpoint = lists[k].endpoint;
        rq->beta = beta;
        q.kind = (enum health_kind)k;
        read_size(rq, &q);
        read_skip(rq, &q.skip);
        rq->page = (int)(q.skip / q.page_size) + 1;
        return true;
    }
    return false;
}

/* the query */

/* "id eq 'MC1'" or "lastModifiedDateTime ge 2026-01-01T00:00:00Z". */
static bool read_condition(const char *text, struct condition *c)
{
    g_auto(GStrv) words = g_strsplit(text, " ", 3);
    bool zoned = false;

    c->given = true;
    if (g_strv_length(words) != 3)
        return false;
    const char *value = g_strstrip(words[2]);
    gsize len = strlen(value);
    if (strcmp(words[0], "lastModifiedDateTime") == 0 && strcmp(words[1], "ge") == 0)
        return ticks_parse(value, len, &c->since, &zoned) && zoned;
    if (strcmp(words[0], "id") != 0 || strcmp(words[1], "eq") != 0 || len < 2 || *value != '\'' ||
        value[len - 1] != '\'')
        return false;
    c->id = g_strndup(value + 1, len - 2);
    return true;
}

static struct answer *read_expand(const struct request *rq, struct query *q)
{
    g_autofree char *expand = request_parameter(rq->query, "$expand");

    q->expand = expand && q->kind == HEALTH_OVERVIEWS && g_ascii_strcasecmp(expand, "issues") == 0;
    if (!expand || q->expand)
        return NULL;
    return answer_graph_error(rq, 400, "BadRequest",
                              "The query specified in the URI is not valid: what is to be expanded is not there.");
}

static struct answer *query_read(const struct request *rq, struct query *q)
{
    static const char *const known[] = {"$filter", "$top", "$skip", "$expand", "$count", NULL};
    struct answer *refusal = options_refuse_others(rq, known);
    g_autofree char *count = request_parameter(rq->query, "$count");

    q->kind = kind_of(rq->endpoint);
    q->how = (struct telling){rq->now, wants_newest_members(rq)};
    q->top_text = request_parameter(rq->query, "$top");
    q->filter_text = request_parameter(rq->query, "$filter");
    q->count = count && g_ascii_strcasecmp(count, "true") == 0;
    read_size(rq, q);
    if (!refusal && !read_skip(rq, &q->skip))
        refusal = answer_graph_error(rq, 400, "BadRequest", "Invalid value for '$skip': a number is expected.");
    if (!refusal && q->top_text && !g_ascii_string_to_unsigned(q->top_text, 10, 1, G_MAXINT, &q->top, NULL))
        refusal = answer_graph_error(rq, 400, "BadRequest", "Invalid value for '$top': a number is expected.");
    if (!refusal && q->filter_text && !read_condition(q->filter_text, &q->condition))
        refusal = answer_graph_error(rq, 400, "BadRequest", "Invalid filter clause.");
    if (!refusal)
        refusal = read_expand(rq, q);
    return refusal;
}

/* the records */

static bool fits(const struct query *q, const char *bytes, gsize len)
{
    const char *value = NULL;
    gsize value_len = 0;
    int64_t moment = 0;
    bool zoned = false;

    if (!q->condition.given)
        return true;
    if (!text_find_member(bytes, len, q->condition.id ? "id" : "lastModifiedDateTime", &value, &value_len))
        return false;
    g_autofree char *text = text_decode(value, value_len);
    if (q->condition.id)
        return g_ascii_strcasecmp(text, q->condition.id) == 0;
    return ticks_parse(text, strlen(text), &moment, &zoned) && moment >= q->condition.since;
}

/* Leaves in the list what the filter lets through. */
static void filter_list(const struct health *h, const struct query *q, GArray *list)
{
    g_autoptr(GString) scratch = g_string_new(NULL);
    guint kept = 0;

    for (guint k = 0; q->condition.given && k < list->len; k++) {
        struct health_entry e = g_array_index(list, struct health_entry, k);
        g_string_truncate(scratch, 0);
        health_append(h, q->kind, &e, &q->how, scratch);
        if (fits(q, scratch->str, scratch->len))
            g_array_index(list, struct health_entry, kept++) = e;
    }
    if (q->condition.given)
        g_array_set_size(list, kept);
}

/* With its issues in it: in place of the overview's closing brace. */
static void append_issues(const struct health *h, const struct health_entry *overview, const struct query *q,
                          GString *out)
{
    if (overview->hand)
        return;
    g_autoptr(GArray) issues = health_issues_of(h, (guint)overview->index, q->how.now);
    g_string_truncate(out, out->len - 1);
    APPEND_LITERAL(out, ",\"issues\":[");
    for (guint k = 0; k < issues->len; k++) {
        if (k > 0)
            g_string_append_c(out, ',');
        health_append(h, HEALTH_ISSUES, &g_array_index(issues, struct health_entry, k), &q->how, out);
    }
    APPEND_LITERAL(out, "]}");
}

static void append_value(struct request *rq, const struct query *q, const GArray *list, guint from, guint count,
                         GString *body)
{
    const struct health *h = rq->tenant->health;
    const char *gap = "";

    g_string_append(body, rq->edit.drop_value ? "\"values\":[" : "\"value\":[");
    if (rq->edit.insert) {
        gsize len = 0;
        const char *bytes = g_bytes_get_data(rq->edit.insert, &len);
        g_string_append_len(body, bytes, (gssize)len);
        gap = ",";
    }
    for (guint k = 0; k < count; k++, gap = ",", rq->records++) {
        const struct health_entry *e = &g_array_index(list, struct health_entry, from + k);
        g_string_append(body, gap);
        health_append(h, q->kind, e, &q->how, body);
        if (q->expand)
            append_issues(h, e, q, body);
    }
    g_string_append(body, "]}");
}

static char *next_link(const struct request *rq, const struct query *q)
{
    GString *link = g_string_new(rq->sim->base_url);
    g_autofree char *skip = g_strdup_printf("%u", (guint)q->skip + q->page_size);

    g_string_append_printf(link, "/%s/admin/serviceAnnouncement/%s?", rq->beta ? "beta" : "v1.0", lists[q->kind].set);
    text_append_option(link, "$filter", q->filter_text);
    text_append_option(link, "$expand", q->expand ? "issues" : NULL);
    text_append_option(link, "$count", q->count ? "true" : NULL);
    text_append_option(link, "$skip", skip);
    g_string_truncate(link, link->len - 1);
    return g_string_free(link, FALSE);
}

static void append_link(const struct request *rq, const char *link, GString *body)
{
    const char *target = rq->edit.next_link ? rq->edit.next_link : link;

    if (!target || rq->edit.drop_links)
        return;
    APPEND_LITERAL(body, "\"@odata.nextLink\":\"");
    text_append_escaped(body, target, -1, false);
    APPEND_LITERAL(body, "\",");
}

/* Where in the list a page begins. The list moves under a client that pages by number: with --announcement-shift so
 * many records have come in front of it since the page before, or, when negative, have gone. */
static guint place_of(const struct request *rq, const struct query *q)
{
    int64_t place = (int64_t)q->skip - (int64_t)rq->sim->options->announcement_shift * (rq->page - 1);

    return (guint)CLAMP(place, 0, (int64_t)G_MAXINT);
}

static struct answer *answer_page(struct request *rq, const struct query *q, const GArray *list)
{
    struct answer *a = answer_new(200);
    guint from = MIN(place_of(rq, q), list->len);
    guint count = (guint)MIN(q->top > 0 ? q->top : q->page_size, list->len - from);
    /* The documented trap: who gives $top gets no link, however much there is. */
    bool more = q->top == 0 && from + count < list->len && !rq->edit.no_records;
    g_autofree char *link = more ? next_link(rq, q) : NULL;

    g_string_append_printf(a->body, "{\"@odata.context\":\"%s/%s/$metadata#admin/serviceAnnouncement/%s%s\",",
                           rq->sim->base_url, rq->beta ? "beta" : "v1.0", lists[q->kind].set,
                           q->expand ? "(issues())" : "");
    if (q->count)
        g_string_append_printf(a->body, "\"@odata.count\":%u,", list->len);
    append_link(rq, link, a->body);
    append_value(rq, q, list, from, rq->edit.no_records ? 0 : count, a->body);
    if (q->preferred > 0) {
        g_autofree char *applied = g_strdup_printf("odata.maxpagesize=%d", q->preferred);
        answer_header(a, "Preference-Applied", applied);
    }
    return a;
}

/* One record by its id, its members after the context. */
static struct answer *answer_one(struct request *rq, const struct query *q, const GArray *list, const char *id)
{
    const struct health *h = rq->tenant->health;

    for (guint k = 0; k < list->len; k++) {
        const struct health_entry *e = &g_array_index(list, struct health_entry, k);
        g_autofree char *own = health_id(h, q->kind, e, rq->now);
        if (g_ascii_strcasecmp(own, id) != 0)
            continue;
        struct answer *a = answer_new(200);
        health_append(h, q->kind, e, &q->how, a->body);
        if (q->expand)
            append_issues(h, e, q, a->body);
        g_autofree char *context =
            g_strdup_printf("\"@odata.context\":\"%s/%s/$metadata#admin/serviceAnnouncement/%s/$entity\",",
                            rq->sim->base_url, rq->beta ? "beta" : "v1.0", lists[q->kind].set);
        if (g_str_has_prefix(a->body->str, "{\""))
            g_string_insert(a->body, 1, context);
        rq->records = 1;
        return a;
    }
    return answer_graph_error(rq, 404, "UnknownError", "The requested resource does not exist.");
}

/* The id in ".../issues/EX1"; NULL: it is the list that is asked for. Returned. */
static char *asked_id(const struct request *rq, const struct query *q)
{
    g_autofree char *path = text_percent_decode(rq->path, strlen(rq->path));
    g_auto(GStrv) parts = g_strsplit(path, "/", 0);
    guint n = 0;

    while (parts[n] && g_ascii_strcasecmp(parts[n], lists[q->kind].set) != 0)
        n++;
    return parts[n] && parts[n + 1] && *parts[n + 1] ? g_strjoinv("/", parts + n + 1) : NULL;
}

struct answer *health_answer(struct request *rq)
{
    struct query q = {0};
    struct answer *a = query_read(rq, &q);

    if (!a) {
        g_autoptr(GArray) list = health_list(rq->tenant->health, q.kind, rq->now);
        g_autofree char *id = asked_id(rq, &q);
        filter_list(rq->tenant->health, &q, list);
        a = id ? answer_one(rq, &q, list, id) : answer_page(rq, &q, list);
        if (a->status == 200)
            answer_header(
                a, "Content-Type",
                "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8");
    }
    query_clear(&q);
    return a;
}
