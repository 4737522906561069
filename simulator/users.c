#include "users.h"

#include <inttypes.h>
#include <string.h>

#include "sealed.h"
#include "ticks.h"
#include "users_query.h"

enum { USUAL_TOP = 100, MOST_TOP = 999, MOST_ACTIVITY_TOP = 500, FIELDS = 7 };

/* Where a page begins. */
struct place {
    int64_t page, issued;
    int64_t place, generation;           /* the account to look at next */
    int64_t last_place, last_generation; /* the account that ended the page before; place -1: none */
    int64_t after_empty;
};

struct query {
    char *select_text, *top_text, *filter_text;
    struct selection selection;
    struct filter_terms *filter;
    guint page_size;
    bool count;
    struct place at;
};

static void query_clear(struct query *q)
{
    g_free(q->select_text);
    g_free(q->top_text);
    g_free(q->filter_text);
    filter_terms_free(q->filter);
}

bool users_expired(const struct request *rq, int64_t issued)
{
    return (double)(rq->now - issued) > rq->sim->options->delta_token_days * (double)TICKS_PER_DAY;
}

static bool place_read(const char *text, struct place *at)
{
    int64_t n[FIELDS] = {0};
    g_auto(GStrv) words = g_strsplit(text, ".", 0);

    if (g_strv_length(words) != FIELDS)
        return false;
    for (int k = 0; k < FIELDS; k++)
        if (!g_ascii_string_to_signed(words[k], 10, G_MININT64, G_MAXINT64, &n[k], NULL))
            return false;
    *at = (struct place){n[0], n[1], n[2], n[3], n[4], n[5], n[6]};
    return true;
}

static char *place_text(const struct place *at)
{
    return g_strdup_printf("%" PRId64 ".%" PRId64 ".%" PRId64 ".%" PRId64 ".%" PRId64 ".%" PRId64 ".%" PRId64, at->page,
                           at->issued, at->place, at->generation, at->last_place, at->last_generation, at->after_empty);
}

int users_page_number(const struct request *rq)
{
    g_autofree char *text = sealed_read(rq->uri, "$skiptoken", (uint64_t)rq->sim->options->seed);
    gint64 page = text ? g_ascii_strtoll(text, NULL, 10) : 1;

    return page > 1 && page < G_MAXINT ? (int)page : 1;
}

bool users_want_activity(const struct request *rq)
{
    g_autofree char *select = request_parameter(rq->query, "$select");
    g_auto(GStrv) names = g_strsplit(select ? select : "", ",", 0);

    for (char **name = names; *name; name++)
        if (strcmp(g_strstrip(*name), "signInActivity") == 0)
            return rq->endpoint == ENDPOINT_USERS;
    return false;
}

/* Microsoft, "Microsoft Graph service-specific throttling limits": GET users costs 2, $select saves 1, $expand adds 1,
 * a $top below 20 saves 1, nothing costs less than 1. A delta token carries its $select. */
int users_cost(const struct request *rq)
{
    g_autofree char *select = request_parameter(rq->query, "$select"),
                    *expand = request_parameter(rq->query, "$expand"), *top = request_parameter(rq->query, "$top");
    guint64 number = 0;
    bool token = rq->endpoint == ENDPOINT_USERS_DELTA && rq->query && strstr(rq->query, "token=");
    bool small = top && g_ascii_string_to_unsigned(top, 10, 1, 19, &number, NULL);

    return MAX(2 - (select || token) + (expand != NULL) - small, 1);
}

static struct answer *read_top(const struct request *rq, struct query *q)
{
    guint64 top = USUAL_TOP;
    guint most = (guint)rq->sim->options->page_size;

    if (q->top_text && !g_ascii_string_to_unsigned(q->top_text, 10, 1, MOST_TOP, &top, NULL)) {
        g_autofree char *valid = g_utf8_make_valid(q->top_text, -1);
        g_autofree char *message =
            g_strdup_printf("Invalid page size specified: '%s'. Must be between 1 and 999 inclusive.", valid);
        return answer_graph_error(rq, 400, "Request_UnsupportedQuery", message);
    }
    if (q->selection.activity)
        top = MIN(top, MOST_ACTIVITY_TOP);
    q->page_size = (guint)MIN(top, most);
    return NULL;
}

static struct answer *read_token(const struct request *rq, struct query *q)
{
    g_autofree char *value = request_parameter(rq->query, "$skiptoken");
    g_autofree char *text = value ? sealed_read(rq->uri, "$skiptoken", (uint64_t)rq->sim->options->seed) : NULL;

    q->at = (struct place){.page = 1, .last_place = -1, .generation = INT64_MIN};
    if (!value)
        return NULL;
    if (!text || !place_read(text, &q->at))
        return answer_graph_error(rq, 400, "Directory_InvalidPageToken", "The specified page token value is invalid.");
    if (users_expired(rq, q->at.issued))
        return answer_graph_error(
            rq, 400, "Directory_ExpiredPageToken",
            "The specified page token value has expired and can no longer be included in your request.");
    return NULL;
}

static struct answer *query_read(const struct request *rq, struct query *q)
{
    static const char *const known[] = {"$select", "$top", "$filter", "$count", "$skiptoken", "$format", NULL};
    struct answer *refusal = options_refuse_others(rq, known);
    g_autofree char *count = request_parameter(rq->query, "$count");

    q->select_text = request_parameter(rq->query, "$select");
    q->top_text = request_parameter(rq->query, "$top");
    q->filter_text = request_parameter(rq->query, "$filter");
    /* The count comes only with advanced queries, and on the first page. */
    q->count = count && strcmp(count, "true") == 0 && rq->consistency_level &&
               g_ascii_strcasecmp(rq->consistency_level, "eventual") == 0;
    if (!refusal)
        refusal = selection_read(rq, q->select_text, &q->selection);
    if (!refusal)
        refusal = read_top(rq, q);
    if (!refusal && q->filter_text)
        q->filter = filter_terms_read(rq, q->filter_text, false, &refusal);
    if (!refusal)
        refusal = read_token(rq, q);
    return refusal;
}

static char *next_link(const struct request *rq, const struct query *q, const struct place *at)
{
    const struct options *o = rq->sim->options;
    GString *link = g_string_new(rq->sim->base_url);
    gsize path_at = link->len;
    g_autofree char *text = place_text(at);

    g_string_append_printf(link, "/%s/users?", rq->beta ? "beta" : "v1.0");
    text_append_option(link, "$select", q->select_text);
    text_append_option(link, "$filter", q->filter_text);
    text_append_option(link, "$top", q->top_text);
    text_append_option(link, "$count", q->count ? "true" : NULL);
    sealed_append(link, path_at, "$skiptoken", text, at->page % 2 ? SEALED_BASE64 : SEALED_HEX, (gsize)o->link_length,
                  (uint64_t)o->seed);
    return g_string_free(link, FALSE);
}

struct lister {
    const struct directory *directory;
    const struct query *query;
    struct moment now;
    int64_t place, generation; /* next to look at */
};

/* The next account that is there and fits, without stepping past it. */
static bool peek(struct lister *l, struct account *a)
{
    uint32_t places = directory_places(l->directory);

    for (; l->place < places; l->place++, l->generation = INT64_MIN) {
        int64_t lo = 0, hi = 0;
        directory_generations(l->directory, (uint32_t)l->place, l->now.time, l->now.time, &lo, &hi);
        for (l->generation = MAX(l->generation, lo); l->generation <= hi; l->generation++) {
            directory_account(l->directory, (uint32_t)l->place, l->generation, a);
            if (directory_presence(l->directory, a, l->now) == PRESENCE_LIVE &&
                filter_terms_match(l->query->filter, l->directory, a, l->now))
                return true;
        }
    }
    return false;
}

static void append(struct request *rq, const struct lister *l, const struct account *a, struct users_page *page)
{
    struct view view;

    page_begin_record(rq, page);
    directory_view(l->directory, a, l->now, &view);
    account_append(l->directory, a, &view, &l->query->selection, FORM_LISTING, NULL, page->records);
}

static int64_t count_all(const struct lister *l)
{
    struct lister all = {l->directory, l->query, l->now, 0, INT64_MIN};
    struct account a;
    int64_t count = 0;

    for (; peek(&all, &a); all.generation++)
        count++;
    return count;
}

/* The account that ended the page before once more, when it is still there. */
static void append_repeated(struct request *rq, const struct lister *l, const struct place *at, struct users_page *page)
{
    struct account a;

    directory_account(l->directory, (uint32_t)at->last_place, at->last_generation, &a);
    if (directory_presence(l->directory, &a, l->now) == PRESENCE_LIVE)
        append(rq, l, &a, page);
}

static struct answer *build(struct request *rq, const struct query *q)
{
    const struct options *o = rq->sim->options;
    struct lister l = {rq->tenant->directory, q, directory_moment(rq->tenant->directory, rq->now), q->at.place,
                       q->at.generation};
    struct users_page page = {.records = g_string_new(NULL), .count = q->count && q->at.page == 1 ? count_all(&l) : -1};
    struct place next = q->at;
    struct dice d = {dice_mix((uint64_t)o->seed ^ 41, (uint64_t)q->at.place ^ (uint64_t)q->at.page)};
    bool nobody = rq->edit.no_records, empty = !nobody && dice_percent(&d, o->empty_pages) && !q->at.after_empty;
    struct account a;

    if (!empty && !nobody && q->at.last_place >= 0 && !q->at.after_empty && dice_percent(&d, o->repeat_percent))
        append_repeated(rq, &l, &q->at, &page);
    for (; !empty && !nobody && rq->records < q->page_size && peek(&l, &a); l.generation++) {
        append(rq, &l, &a, &page);
        next.last_place = a.place;
        next.last_generation = a.generation;
    }
    if (empty || (!nobody && peek(&l, &a))) {
        next.page++;
        next.issued = rq->now;
        next.place = l.place;
        next.generation = l.generation;
        next.after_empty = empty;
        page.next = next_link(rq, q, &next);
    }
    return page_close(rq, &page, &q->selection);
}

struct answer *users_answer(struct request *rq)
{
    struct query q = {0};
    struct answer *a = query_read(rq, &q);

    if (!a && q.selection.activity && rq->tenant->no_premium)
        a = answer_graph_code(rq, 403, "Authentication_RequestFromNonPremiumTenantOrB2CTenant");
    if (!a)
        a = build(rq, &q);
    query_clear(&q);
    return a;
}
