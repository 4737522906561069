#include "users_query.h"

#include <string.h>

enum { MOST_IDS = 50 };

static struct answer *refuse_property(const struct request *rq, const char *name)
{
    g_autofree char *valid = g_utf8_make_valid(name, -1);
    g_autofree char *message =
        g_strdup_printf("Parsing OData Select and Expand failed: Could not find a property named "
                        "'%s' on type 'microsoft.graph.user'.",
                        valid);

    return answer_graph_error(rq, 400, "BadRequest", message);
}

static struct answer *select_one(const struct request *rq, const char *name, struct selection *s)
{
    int number = property_find(name);

    if (number < 0)
        return refuse_property(rq, name);
    enum property_kind kind = property_kind((guint)number);
    /* Told without naming the property: a client must find out by itself. */
    if (kind == PROPERTY_REFUSED)
        return answer_graph_error(rq, 501, "NotImplemented", "This operation target is not yet supported.");
    if (properties_have(&s->set, (guint)number))
        return NULL;
    properties_add(&s->set, (guint)number);
    s->order[s->count++] = (uint8_t)number;
    s->activity = s->activity || kind == PROPERTY_ACTIVITY;
    return NULL;
}

struct answer *selection_read(const struct request *rq, const char *text, struct selection *s)
{
    g_auto(GStrv) names = g_strsplit(text ? text : "", ",", 0);
    struct answer *refusal = NULL;

    *s = (struct selection){.given = text != NULL};
    for (guint n = 0; !text && n < property_count; n++) {
        if (!properties_have(properties_usual(), n))
            continue;
        properties_add(&s->set, n);
        s->order[s->count++] = (uint8_t)n;
    }
    for (char **name = names; text && !refusal && *name; name++)
        refusal = select_one(rq, g_strstrip(*name), s);
    return refusal;
}

void selection_append(const struct selection *s, GString *out)
{
    for (guint k = 0; s->given && k < s->count; k++)
        g_string_append_printf(out, "%c%s", k == 0 ? '(' : ',', property_name(s->order[k]));
    if (s->given)
        g_string_append_c(out, ')');
}

/* One member with its comma before; nothing where the form leaves it out. */
static void append_member(const struct view *view, guint number, enum form form, GString *out)
{
    gsize before = out->len;
    enum property_kind kind = property_kind(number);

    g_string_append_printf(out, ",\"%s\":", property_name(number));
    enum value value = view_append(view, number, out);
    if (value == VALUE_NEVER && (form == FORM_DELTA || kind == PROPERTY_ACTIVITY))
        g_string_truncate(out, before);
    else if (value != VALUE_SET)
        g_string_append(out, kind == PROPERTY_LIST ? "[]" : "null");
}

void account_append(const struct directory *d, const struct account *a, const struct view *view,
                    const struct selection *s, enum form form, const struct properties *only, GString *out)
{
    guint id = (guint)property_find("id");
    gsize begin = out->len;

    for (guint k = 0; k < s->count; k++)
        if (s->order[k] != id && (!only || properties_have(only, s->order[k])))
            append_member(view, s->order[k], form, out);
    if (properties_have(&s->set, id) || form == FORM_DELTA || s->activity) {
        APPEND_LITERAL(out, ",\"id\":\"");
        directory_append_id(d, a, out);
        g_string_append_c(out, '"');
    }
    view_append_extra(view, out);
    if (out->len > begin)
        out->str[begin] = '{'; /* in place of the first comma */
    else
        g_string_append_c(out, '{');
    g_string_append_c(out, '}');
}

/* filters */

struct term {
    guint property;
    char *value; /* lower case; NULL: null */
};

struct filter_terms {
    GPtrArray *list;
    bool all; /* joined by and */
};

static void term_free(gpointer data)
{
    struct term *t = data;

    g_free(t->value);
    g_free(t);
}

void filter_terms_free(struct filter_terms *f)
{
    if (!f)
        return;
    g_ptr_array_unref(f->list);
    g_free(f);
}

/* 'text' with '' inside for ', or a word. NULL when neither is there. */
static char *take_literal(const char **p)
{
    GString *value = g_string_new(NULL);

    if (**p != '\'') {
        for (; g_ascii_isalnum(**p); (*p)++)
            g_string_append_c(value, *(*p));
        return g_string_free(value, value->len == 0);
    }
    for ((*p)++; **p; (*p)++) {
        if (**p == '\'' && (*p)[1] != '\'') {
            (*p)++;
            return g_string_free(value, FALSE);
        }
        if (**p == '\'')
            (*p)++;
        g_string_append_c(value, **p);
    }
    g_string_free(value, TRUE);
    return NULL;
}

/* "property eq literal"; NULL when it is something else. */
static struct term *take_term(const char **p)
{
    gsize len = strcspn(*p, " ");
    g_autofree char *name = g_strndup(*p, len);
    int number = property_find(name);

    if (number < 0 || !g_str_has_prefix(*p + len, " eq "))
        return NULL;
    *p += len + strlen(" eq ");
    bool quoted = **p == '\'';
    g_autofree char *value = take_literal(p);
    if (!value)
        return NULL;
    struct term *t = g_new0(struct term, 1);
    t->property = (guint)number;
    t->value = quoted || strcmp(value, "null") != 0 ? g_utf8_strdown(value, -1) : NULL;
    return t;
}

static bool take_terms(const char *p, struct filter_terms *f)
{
    static const char *const joints[] = {" or ", " and "};

    for (;;) {
        struct term *t = take_term(&p);
        if (!t)
            return false;
        g_ptr_array_add(f->list, t);
        if (*p == '\0')
            return true;
        f->all = f->list->len == 1 ? g_str_has_prefix(p, joints[1]) : f->all;
        if (!g_str_has_prefix(p, joints[f->all]))
            return false;
        p += strlen(joints[f->all]);
    }
}

/* Only ids, joined by or, and not too many. */
static bool only_ids(const struct filter_terms *f)
{
    guint id = (guint)property_find("id");

    for (guint k = 0; k < f->list->len; k++)
        if (((const struct term *)g_ptr_array_index(f->list, k))->property != id)
            return false;
    return f->list->len <= MOST_IDS && !f->all;
}

struct filter_terms *filter_terms_read(const struct request *rq, const char *text, bool only_id,
                                       struct answer **refusal)
{
    struct filter_terms *f = g_new0(struct filter_terms, 1);
    g_autofree char *trimmed = g_strstrip(g_strdup(text));

    f->list = g_ptr_array_new_with_free_func(term_free);
    if (take_terms(trimmed, f) && (!only_id || only_ids(f)))
        return f;
    filter_terms_free(f);
    *refusal = answer_graph_error(rq, 400, "Request_UnsupportedQuery",
                                  "Unsupported or invalid query filter clause specified for property of resource "
                                  "'User'.");
    return NULL;
}

static bool term_matches(const struct term *t, const struct directory *d, const struct account *a,
                         const struct view *view)
{
    g_autoptr(GString) json = g_string_new(NULL);
    enum value value = VALUE_SET;

    if (t->property == (guint)property_find("id")) {
        g_string_append_c(json, '"');
        directory_append_id(d, a, json);
        g_string_append_c(json, '"');
    } else {
        value = view_append(view, t->property, json);
    }
    if (value != VALUE_SET || !t->value)
        return value != VALUE_SET && !t->value;
    g_autofree char *text = text_decode(json->str, json->len);
    g_autofree char *lower = g_utf8_strdown(text, -1);
    return strcmp(lower, t->value) == 0;
}

bool filter_terms_match(const struct filter_terms *f, const struct directory *d, const struct account *a,
                        struct moment at)
{
    struct view view;

    if (!f)
        return true;
    directory_view(d, a, at, &view);
    for (guint k = 0; k < f->list->len; k++)
        if (term_matches(g_ptr_array_index(f->list, k), d, a, &view) != f->all)
            return !f->all;
    return f->all;
}

struct answer *options_refuse_others(const struct request *rq, const char *const *known)
{
    g_auto(GStrv) pieces = g_strsplit(rq->query ? rq->query : "", "&", 0);

    for (char **p = pieces; *p; p++) {
        g_autofree char *name = text_percent_decode(*p, strcspn(*p, "="));
        if (*name != '$' || g_strv_contains(known, name))
            continue;
        g_autofree char *valid = g_utf8_make_valid(name, -1);
        g_autofree char *message = g_strdup_printf("'%s' is not supported by the service.", valid);
        return answer_graph_error(rq, 400, "Request_UnsupportedQuery", message);
    }
    return NULL;
}

/* pages */

void page_begin_record(struct request *rq, struct users_page *page)
{
    if (page->records->len > 0)
        g_string_append_c(page->records, ',');
    rq->records++;
}

static void append_link(GString *body, const char *name, const char *link)
{
    if (!link)
        return;
    g_string_append_printf(body, "\"@odata.%s\":\"", name);
    text_append_escaped(body, link, -1, false);
    g_string_append(body, "\",");
}

static void append_links(GString *body, const struct request *rq, const struct users_page *page)
{
    const struct page_edit *e = &rq->edit;

    if (!e->drop_links) {
        append_link(body, "nextLink", e->next_link ? e->next_link : page->next);
        append_link(body, "deltaLink", e->delta_link ? e->delta_link : page->delta);
    }
}

static void append_value(GString *body, const struct request *rq, const struct users_page *page)
{
    g_string_append(body, rq->edit.drop_value ? "\"values\":[" : "\"value\":[");
    if (rq->edit.insert) {
        gsize len = 0;
        const char *bytes = g_bytes_get_data(rq->edit.insert, &len);
        g_string_append_len(body, bytes, (gssize)len);
        if (page->records->len > 0)
            g_string_append_c(body, ',');
    }
    text_append(body, &(struct text){page->records->str, page->records->len});
    g_string_append(body, "],");
}

struct answer *page_close(const struct request *rq, struct users_page *page, const struct selection *s)
{
    struct answer *a = answer_new(200);
    GString *body = a->body;
    bool links_last = rq->endpoint == ENDPOINT_USERS_DELTA && rq->page % 2 == 0;

    g_string_append_printf(body, "{\"@odata.context\":\"%s/%s/$metadata#users", rq->sim->base_url,
                           rq->beta ? "beta" : "v1.0");
    selection_append(s, body);
    g_string_append(body, "\",");
    if (page->count >= 0)
        g_string_append_printf(body, "\"@odata.count\":%" G_GINT64_FORMAT ",", page->count);
    /* Both orders occur in OData services, so no client may count on one. */
    if (!links_last)
        append_links(body, rq, page);
    append_value(body, rq, page);
    if (links_last)
        append_links(body, rq, page);
    body->str[body->len - 1] = '}'; /* in place of the last comma */
    answer_header(a, "Content-Type",
                  "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8");
    g_string_free(page->records, TRUE);
    g_free(page->next);
    g_free(page->delta);
    return a;
}
