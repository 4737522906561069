#include "page.h"

#include <string.h>

#include "skiptoken.h"

enum { MOST_TOP = 1000 };

struct query {
    char *filter_text, *orderby, *top_text;
    struct filter *filter;
    bool descending, has_token;
    int page_size;
    struct skiptoken token;
};

static void query_clear(struct query *q)
{
    g_free(q->filter_text);
    g_free(q->orderby);
    g_free(q->top_text);
    filter_free(q->filter);
}

/* How the list of a source is called. */
static const struct list {
    const char *time_field, *context, *path; /* path: as links spell it */
    bool top_is_refused;                     /* $top beyond the most; else it is cut */
    bool count_is_wrong;                     /* says that it has 1000, and leads on to a page without any */
} lists[SOURCE_COUNT] = {
    [SOURCE_SIGN_INS] = {"createdDateTime", "auditLogs/signIns", "auditLogs/signins", true, false},
    [SOURCE_DIRECTORY_AUDITS] = {"activityDateTime", "auditLogs/directoryAudits", "auditLogs/directoryAudits", false,
                                 false},
    /* Both as seen in the beta of 2022. */
    [SOURCE_INTUNE_AUDITS] = {"activityDateTime", "deviceManagement/auditEvents", "deviceManagement/auditEvents", false,
                              true},
};

/* NULL when every $option is one that this source takes. */
static struct answer *check_names(const struct request *rq)
{
    static const char *const known[] = {"$filter", "$orderby", "$top", "$skiptoken"};
    g_auto(GStrv) pieces = g_strsplit(rq->query ? rq->query : "", "&", 0);

    for (char **p = pieces; *p; p++) {
        g_autofree char *name = text_percent_decode(*p, strcspn(*p, "="));
        bool found = *name != '$';
        for (gsize k = 0; k < G_N_ELEMENTS(known); k++)
            found = found || strcmp(name, known[k]) == 0;
        if (found)
            continue;
        g_autofree char *message =
            strcmp(name, "$skip") == 0
                ? g_strdup("Query option 'Skip' is not allowed. To allow it, set the 'AllowedQueryOptions' property on "
                           "EnableQueryAttribute or QueryValidationSettings.")
                : g_strdup_printf("The query parameter '%s' is not supported.", name);
        return answer_graph_error(rq, 400, "BadRequest", message);
    }
    return NULL;
}

static struct answer *read_top(const struct request *rq, enum source source, struct query *q)
{
    guint64 top = 0;

    q->page_size = rq->sim->options->page_size;
    if (!q->top_text)
        return NULL;
    /* signIns is documented with a most of 1000 and refuses more; of the others nothing is written: more is cut. */
    if (!g_ascii_string_to_unsigned(q->top_text, 10, 1, G_MAXINT, &top, NULL) ||
        (lists[source].top_is_refused && top > MOST_TOP))
        return answer_graph_error(rq, 400, "BadRequest",
                                  "Invalid value for '$top': a number from 1 to 1000 is expected.");
    q->page_size = (int)MIN(MIN(top, MOST_TOP), (guint64)q->page_size);
    return NULL;
}

static struct answer *read_orderby(const struct request *rq, enum source source, struct query *q)
{
    q->descending = true;
    if (!q->orderby)
        return NULL;
    g_auto(GStrv) words = g_strsplit(g_strstrip(q->orderby), " ", 2);
    const char *direction = words[0] && words[1] ? words[1] : "asc";
    q->descending = strcmp(direction, "desc") == 0;
    if (words[0] && strcmp(words[0], lists[source].time_field) == 0 && (q->descending || strcmp(direction, "asc") == 0))
        return NULL;
    return answer_graph_error(rq, 400, "BadRequest",
                              "Invalid orderby clause: only the record's time can be sorted by.");
}

static struct answer *read_filter(const struct request *rq, enum source source, struct query *q)
{
    g_autofree char *message = NULL;

    if (!q->filter_text)
        return NULL;
    q->filter = filter_new(q->filter_text, source, rq->beta, &message);
    return q->filter ? NULL : answer_graph_error(rq, 400, "BadRequest", message);
}

static struct answer *read_token(const struct request *rq, struct query *q)
{
    g_autofree char *value = request_parameter(rq->query, "$skiptoken");

    q->has_token = value != NULL;
    if (!value || skiptoken_read(rq->uri, (uint64_t)rq->sim->options->seed, &q->token))
        return NULL;
    return answer_graph_error(rq, 400, "BadRequest",
                              *value ? "Invalid Skip Token, the token is not one that was issued."
                                     : "Invalid Skip Token, skip token is null.");
}

static struct answer *query_read(const struct request *rq, enum source source, struct query *q)
{
    struct answer *refusal = check_names(rq);

    q->filter_text = request_parameter(rq->query, "$filter");
    q->orderby = request_parameter(rq->query, "$orderby");
    q->top_text = request_parameter(rq->query, "$top");
    if (!refusal)
        refusal = read_token(rq, q);
    if (!refusal)
        refusal = read_top(rq, source, q);
    if (!refusal)
        refusal = read_orderby(rq, source, q);
    if (!refusal)
        refusal = read_filter(rq, source, q);
    return refusal;
}

/* The link to the page that begins where token says. Now and then with the stray "?&" that real links have. */
static char *next_link(const struct request *rq, enum source source, const struct query *q,
                       const struct skiptoken *token)
{
    GString *link = g_string_new(rq->sim->base_url);
    gsize path_at = link->len;

    g_string_append_printf(link, "/%s/%s?", rq->beta ? "beta" : "v1.0", lists[source].path);
    if (token->page % 8 == 0)
        g_string_append_c(link, '&');
    g_autofree char *orderby =
        q->orderby ? g_strdup_printf("%s %s", lists[source].time_field, q->descending ? "desc" : "asc") : NULL;
    text_append_option(link, "$filter", q->filter_text);
    text_append_option(link, "$orderby", orderby);
    text_append_option(link, "$top", q->top_text);
    skiptoken_append(link, path_at, token, (uint64_t)rq->sim->options->seed);
    return g_string_free(link, FALSE);
}

/* Puts a separator before each element but the first. */
static void append_comma(GString *body, gsize value_at)
{
    if (body->len > value_at)
        g_string_append_c(body, ',');
}

/* The generated record that ended the page before, once more. */
static void append_repeated(GString *body, struct request *rq, const struct walk *w, gsize value_at)
{
    const struct leg *leg = &w->legs[w->last];
    struct plan plan;

    stream_plan(leg->stream, leg->at.last, &plan);
    append_comma(body, value_at);
    stream_append(leg->stream, &plan, w->now, w->beta, body);
    rq->records++;
}

static void append_records(GString *body, struct request *rq, struct walk *w, gsize value_at, guint most)
{
    while (rq->records < most) {
        gsize before = body->len;
        append_comma(body, value_at);
        if (!walk_next(w, body)) {
            g_string_truncate(body, before);
            return;
        }
        rq->records++;
    }
}

static bool more_to_come(const struct walk *w)
{
    struct walk probe = *w;
    g_autoptr(GString) scratch = g_string_new(NULL);

    return walk_next(&probe, scratch);
}

static void append_value(GString *body, struct request *rq, const struct query *q, struct walk *w, bool empty,
                         struct dice *d)
{
    const struct options *o = rq->sim->options;

    g_string_append(body, rq->edit.drop_value ? "\"@odata.count\":0,\"values\":[" : "\"value\":[");
    gsize value_at = body->len;
    if (rq->edit.insert) {
        gsize len = 0;
        const char *bytes = g_bytes_get_data(rq->edit.insert, &len);
        g_string_append_len(body, bytes, (gssize)len);
    }
    if (!empty) {
        if (q->has_token && !q->token.after_empty && w->count > 0 && w->legs[w->last].at.last != INT64_MIN &&
            dice_percent(d, o->repeat_percent) && more_to_come(w))
            append_repeated(body, rq, w, value_at);
        append_records(body, rq, w, value_at, (guint)q->page_size);
    }
    g_string_append(body, "]}");
}

/* From where the token says, or from the start. False when the token is that of a query for other sources. */
static bool begin_walk(struct walk *w, const struct request *rq, enum source source, const struct query *q)
{
    int64_t as_of = q->has_token ? q->token.as_of : rq->now;

    walk_init(w, q->filter, as_of, sim_oldest(rq->sim, source, as_of), q->descending, rq->beta);
    for (int s = 0; s < SOURCE_COUNT; s++)
        if (filter_covers(q->filter, source, (enum source)s))
            walk_add(w, &rq->tenant->streams[s], rq->tenant->loaded[s], q->has_token ? &q->token.at[w->count] : NULL);
    w->last = q->token.last;
    return !q->has_token || (q->token.legs == w->count && (w->count == 0 || q->token.last < w->count));
}

/* Where the next page begins. */
static struct skiptoken token_after(const struct request *rq, const struct walk *w, bool empty, int page_size)
{
    struct skiptoken next = {rq->page + 1, w->now, empty, page_size, w->count, w->last, {{0}}};

    for (int k = 0; k < w->count; k++)
        next.at[k] = w->legs[k].at;
    return next;
}

static struct answer *build(struct request *rq, enum source source, struct query *q)
{
    const struct options *o = rq->sim->options;
    struct dice d = {
        dice_mix(rq->tenant->streams[source].key, (uint64_t)q->token.at[0].generated ^ (uint64_t)q->token.page)};
    bool empty = dice_percent(&d, o->empty_pages) && !q->token.after_empty;
    struct walk w;

    if (!begin_walk(&w, rq, source, q))
        return answer_graph_error(rq, 400, "BadRequest", "Invalid Skip Token, the token is not one of this query.");
    struct answer *a = answer_new(200);
    g_string_append_printf(a->body, "{\"@odata.context\":\"%s/%s/$metadata#%s\",", rq->sim->base_url,
                           rq->beta ? "beta" : "v1.0", lists[source].context);
    if (lists[source].count_is_wrong)
        g_string_append_printf(a->body, "\"@odata.count\":%d,", MOST_TOP);
    gsize link_at = a->body->len;
    append_value(a->body, rq, q, &w, empty, &d);

    g_autofree char *link = g_strdup(rq->edit.next_link);
    if (!link && (empty || more_to_come(&w) || (lists[source].count_is_wrong && rq->records > 0))) {
        struct skiptoken next = token_after(rq, &w, empty, q->page_size);
        link = next_link(rq, source, q, &next);
    }
    if (link && !rq->edit.drop_links) {
        g_autoptr(GString) member = g_string_new("\"@odata.nextLink\":\"");
        text_append_escaped(member, link, -1, false);
        g_string_append(member, "\",");
        g_string_insert_len(a->body, (gssize)link_at, member->str, (gssize)member->len);
    }
    answer_header(a, "Content-Type",
                  "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8");
    return a;
}

struct answer *page_answer(struct request *rq, enum source source)
{
    struct query q = {0};
    struct answer *a = query_read(rq, source, &q);

    if (!a)
        a = build(rq, source, &q);
    query_clear(&q);
    return a;
}
