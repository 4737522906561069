#include "faults.h"

#include <string.h>

#include "squeeze.h"
#include "token.h"

struct fault {
    char *path, *tenant, *endpoint, *query; /* lower case; empty: any */
    int page;                               /* 0: any */
    double percent;
    uint64_t skip, times, matched, fired;
    cJSON *json; /* the whole fault as given */
    const cJSON *action;
};

struct faults {
    GPtrArray *list;
};

static void fault_free(gpointer data)
{
    struct fault *f = data;

    g_free(f->path);
    g_free(f->tenant);
    g_free(f->endpoint);
    g_free(f->query);
    cJSON_Delete(f->json);
    g_free(f);
}

struct faults *faults_new(void)
{
    struct faults *f = g_new0(struct faults, 1);

    f->list = g_ptr_array_new_with_free_func(fault_free);
    return f;
}

void faults_free(struct faults *f)
{
    if (!f)
        return;
    g_ptr_array_unref(f->list);
    g_free(f);
}

static const char *string_of(const cJSON *value)
{
    return cJSON_IsString(value) ? value->valuestring : "";
}

static gsize size_of(const cJSON *value)
{
    return cJSON_IsNumber(value) && value->valuedouble > 0 ? (gsize)value->valuedouble : 0;
}

static GBytes *bytes_of(const cJSON *value)
{
    gsize len = 0;
    guchar *bytes = g_base64_decode(string_of(value), &len);

    return g_bytes_new_take(bytes, len);
}

/* before the answer: edits of the page */

static char *edited_link(const cJSON *value, const struct request *rq)
{
    g_autoptr(GString) link = g_string_new(string_of(value));
    g_autofree char *same = g_strconcat(rq->sim->base_url, rq->uri, NULL);

    g_string_replace(link, "{same}", same, 0);
    g_string_replace(link, "{base}", rq->sim->base_url, 0);
    return g_strdup(link->str);
}

static void edit_next_link(const cJSON *value, struct request *rq)
{
    g_free(rq->edit.next_link);
    rq->edit.next_link = edited_link(value, rq);
}

static void edit_delta_link(const cJSON *value, struct request *rq)
{
    g_free(rq->edit.delta_link);
    rq->edit.delta_link = edited_link(value, rq);
}

static void edit_drop_links(const cJSON *value, struct request *rq)
{
    rq->edit.drop_links = cJSON_IsTrue(value);
}

static void edit_no_records(const cJSON *value, struct request *rq)
{
    rq->edit.no_records = cJSON_IsTrue(value);
}

static void edit_drop_value(const cJSON *value, struct request *rq)
{
    rq->edit.drop_value = cJSON_IsTrue(value);
}

static void edit_insert(const cJSON *value, struct request *rq)
{
    g_clear_pointer(&rq->edit.insert, g_bytes_unref);
    rq->edit.insert = bytes_of(value);
}

static void edit_expire(const cJSON *value, struct request *rq)
{
    if (cJSON_IsTrue(value))
        token_expire(rq);
}

/* after it: what is sent */

static void replace_by(struct answer **a, struct answer *other)
{
    answer_free(*a);
    *a = other;
}

static void send_status(const cJSON *value, const struct request *rq, struct answer **a)
{
    replace_by(a, answer_graph_default(rq, (unsigned)size_of(value)));
}

/* Graph's error of that code, with the status that the answer has by now. */
static void send_code(const cJSON *value, const struct request *rq, struct answer **a)
{
    replace_by(a, answer_graph_code(rq, (*a)->status, string_of(value)));
}

static void send_aadsts(const cJSON *value, const struct request *rq, struct answer **a)
{
    replace_by(a, answer_entra_error(rq, (int)size_of(value), rq->app ? rq->app : *rq->sim->options->client_ids));
}

static void send_body(const cJSON *value, const struct request *rq, struct answer **a)
{
    (void)rq;
    g_string_assign((*a)->body, string_of(value));
}

static void send_bytes(const cJSON *value, const struct request *rq, struct answer **a)
{
    g_autoptr(GBytes) bytes = bytes_of(value);
    gsize len = 0;
    const char *data = g_bytes_get_data(bytes, &len);

    (void)rq;
    g_string_truncate((*a)->body, 0);
    g_string_append_len((*a)->body, data, (gssize)len);
}

static void send_html(const cJSON *value, const struct request *rq, struct answer **a)
{
    (void)value;
    (void)rq;
    g_string_assign((*a)->body,
                    "<!DOCTYPE html>\n<html><head><title>Our services aren't available right now</title></head>"
                    "<body><h1>We're working to restore all services as soon as possible.</h1></body></html>\n");
    answer_drop_header(*a, "Content-Type");
    answer_header(*a, "Content-Type", "text/html; charset=utf-8");
}

static void send_empty(const cJSON *value, const struct request *rq, struct answer **a)
{
    (void)value;
    (void)rq;
    g_string_truncate((*a)->body, 0);
}

static void send_error_in_200(const cJSON *value, const struct request *rq, struct answer **a)
{
    unsigned status = (*a)->status;
    struct answer *error = answer_graph_default(rq, 500);

    if (cJSON_IsObject(value)) {
        char *text = cJSON_PrintUnformatted(value);
        g_string_printf(error->body, "{\"error\":%s}", text);
        cJSON_free(text);
    }
    error->status = status;
    replace_by(a, error);
}

static void send_bom(const cJSON *value, const struct request *rq, struct answer **a)
{
    (void)rq;
    if (cJSON_IsTrue(value))
        g_string_prepend((*a)->body, "\xef\xbb\xbf");
}

static void send_append(const cJSON *value, const struct request *rq, struct answer **a)
{
    (void)rq;
    g_string_append((*a)->body, string_of(value));
}

static void send_bomb(const cJSON *value, const struct request *rq, struct answer **a)
{
    (void)rq;
    squeeze_bomb((*a)->body, MIN(size_of(value), 4096));
    answer_header(*a, "Content-Encoding", "gzip");
}

static void send_redirect(const cJSON *value, const struct request *rq, struct answer **a)
{
    g_autoptr(GString) url = g_string_new(string_of(value));

    g_string_replace(url, "{base}", rq->sim->base_url, 0);
    replace_by(a, answer_new(302));
    answer_header(*a, "Location", url->str);
}

/* {"Retry-After":"7"}; an array repeats the header, null takes it away. */
static void send_headers(const cJSON *value, const struct request *rq, struct answer **a)
{
    const cJSON *header = NULL, *one = NULL;

    (void)rq;
    cJSON_ArrayForEach(header, value)
    {
        answer_drop_header(*a, header->string);
        if (cJSON_IsString(header))
            answer_header(*a, header->string, header->valuestring);
        cJSON_ArrayForEach(one, header) answer_header(*a, header->string, string_of(one));
    }
}

static void cut_at(const cJSON *value, struct answer *a, enum cut cut)
{
    a->cut = cut;
    a->cut_at = cJSON_IsString(value) ? a->body->len / 2 : MIN(size_of(value), a->body->len);
}

static void send_cut(const cJSON *value, const struct request *rq, struct answer **a)
{
    (void)rq;
    cut_at(value, *a, CUT_CLEAN);
}

static void send_cut_hard(const cJSON *value, const struct request *rq, struct answer **a)
{
    (void)rq;
    cut_at(value, *a, CUT_HARD);
}

static void send_stall(const cJSON *value, const struct request *rq, struct answer **a)
{
    (void)rq;
    cut_at(value, *a, CUT_STALL);
}

static void send_late(const cJSON *value, const struct request *rq, struct answer **a)
{
    (void)rq;
    (*a)->delay_ms = (guint)MIN(size_of(value), 3600000);
}

static void send_nothing(const cJSON *value, const struct request *rq, struct answer **a)
{
    (void)rq;
    (*a)->reset = cJSON_IsTrue(value);
}

enum shape { SHAPE_NUMBER = 1, SHAPE_STRING = 2, SHAPE_TRUE = 4, SHAPE_OBJECT = 8 };

/* What an action may hold, in the order in which it is done. */
static const struct deed {
    const char *name;
    unsigned shapes;
    void (*before)(const cJSON *value, struct request *rq);
    void (*after)(const cJSON *value, const struct request *rq, struct answer **answer);
} deeds[] = {
    {"expire_token", SHAPE_TRUE, edit_expire, NULL},
    {"next_link", SHAPE_STRING, edit_next_link, NULL},
    {"delta_link", SHAPE_STRING, edit_delta_link, NULL},
    {"drop_links", SHAPE_TRUE, edit_drop_links, NULL},
    {"no_records", SHAPE_TRUE, edit_no_records, NULL},
    {"drop_value", SHAPE_TRUE, edit_drop_value, NULL},
    {"insert_record_base64", SHAPE_STRING, edit_insert, NULL},
    {"status", SHAPE_NUMBER, NULL, send_status},
    {"code", SHAPE_STRING, NULL, send_code},
    {"aadsts", SHAPE_NUMBER, NULL, send_aadsts},
    {"error_in_200", SHAPE_TRUE | SHAPE_OBJECT, NULL, send_error_in_200},
    {"redirect", SHAPE_STRING, NULL, send_redirect},
    {"html", SHAPE_TRUE, NULL, send_html},
    {"body", SHAPE_STRING, NULL, send_body},
    {"body_base64", SHAPE_STRING, NULL, send_bytes},
    {"empty_body", SHAPE_TRUE, NULL, send_empty},
    {"bom", SHAPE_TRUE, NULL, send_bom},
    {"append", SHAPE_STRING, NULL, send_append},
    {"gzip_bomb", SHAPE_NUMBER, NULL, send_bomb},
    {"headers", SHAPE_OBJECT, NULL, send_headers},
    {"truncate", SHAPE_NUMBER | SHAPE_STRING, NULL, send_cut},
    {"truncate_hard", SHAPE_NUMBER | SHAPE_STRING, NULL, send_cut_hard},
    {"stall_after", SHAPE_NUMBER | SHAPE_STRING, NULL, send_stall},
    {"delay_ms", SHAPE_NUMBER, NULL, send_late},
    {"reset", SHAPE_TRUE, NULL, send_nothing},
};

static unsigned shape_of(const cJSON *value)
{
    if (cJSON_IsNumber(value))
        return SHAPE_NUMBER;
    if (cJSON_IsString(value))
        return SHAPE_STRING;
    if (cJSON_IsTrue(value))
        return SHAPE_TRUE;
    return cJSON_IsObject(value) ? SHAPE_OBJECT : 0;
}

static const struct deed *find_deed(const char *name)
{
    for (gsize k = 0; k < G_N_ELEMENTS(deeds); k++)
        if (strcmp(deeds[k].name, name) == 0)
            return &deeds[k];
    return NULL;
}

/* NULL when the action can be done, else what is wrong with it. */
static char *check_action(const cJSON *action)
{
    const cJSON *key = NULL;

    if (!cJSON_IsObject(action))
        return g_strdup("a fault needs an object \"action\"");
    cJSON_ArrayForEach(key, action)
    {
        const struct deed *deed = find_deed(key->string);
        if (!deed)
            return g_strdup_printf("unknown action \"%s\"", key->string);
        if (!(deed->shapes & shape_of(key)))
            return g_strdup_printf("action \"%s\" has a value of the wrong type", key->string);
    }
    const cJSON *status = cJSON_GetObjectItemCaseSensitive(action, "status");
    if (status && (status->valuedouble < 200 || status->valuedouble > 599))
        return g_strdup("action \"status\" is a number from 200 to 599");
    return NULL;
}

static char *check_keys(const cJSON *object, const char *const *known)
{
    const cJSON *key = NULL;

    cJSON_ArrayForEach(key, object) if (!g_strv_contains(known, key->string)) return g_strdup_printf(
        "unknown key \"%s\" in a fault", key->string);
    return NULL;
}

static char *lower_text(const cJSON *object, const char *key)
{
    return g_ascii_strdown(string_of(cJSON_GetObjectItemCaseSensitive(object, key)), -1);
}

/* Returns NULL with *message set when the fault is not understood. */
static struct fault *fault_read(const cJSON *json, char **message)
{
    static const char *const known[] = {"match", "skip", "times", "percent", "action", "matched", "fired", NULL};
    static const char *const known_match[] = {"path", "tenant", "page", "endpoint", "query", NULL};
    const cJSON *match = cJSON_GetObjectItemCaseSensitive(json, "match");
    const cJSON *action = cJSON_GetObjectItemCaseSensitive(json, "action");

    *message = check_keys(json, known);
    if (!*message)
        *message = check_keys(match, known_match);
    if (!*message)
        *message = check_action(action);
    if (*message)
        return NULL;
    struct fault *f = g_new0(struct fault, 1);
    f->json = cJSON_Duplicate(json, true);
    f->action = cJSON_GetObjectItemCaseSensitive(f->json, "action");
    f->path = lower_text(match, "path");
    f->tenant = lower_text(match, "tenant");
    f->endpoint = lower_text(match, "endpoint");
    f->query = lower_text(match, "query");
    f->page = (int)size_of(cJSON_GetObjectItemCaseSensitive(match, "page"));
    f->skip = size_of(cJSON_GetObjectItemCaseSensitive(json, "skip"));
    f->times = size_of(cJSON_GetObjectItemCaseSensitive(json, "times"));
    const cJSON *percent = cJSON_GetObjectItemCaseSensitive(json, "percent");
    f->percent = cJSON_IsNumber(percent) ? percent->valuedouble : 100;
    return f;
}

bool faults_set(struct faults *faults, const cJSON *list, char **message)
{
    g_autoptr(GPtrArray) fresh = g_ptr_array_new_with_free_func(fault_free);
    const cJSON *json = NULL;

    *message = cJSON_IsArray(list) ? NULL : g_strdup("faults come as an array");
    if (*message)
        return false;
    cJSON_ArrayForEach(json, list)
    {
        struct fault *f = fault_read(json, message);
        if (!f)
            return false;
        g_ptr_array_add(fresh, f);
    }
    g_ptr_array_unref(faults->list);
    faults->list = g_steal_pointer(&fresh);
    return true;
}

cJSON *faults_list(const struct faults *faults)
{
    cJSON *list = cJSON_CreateArray();

    for (guint k = 0; k < faults->list->len; k++) {
        const struct fault *f = g_ptr_array_index(faults->list, k);
        cJSON *json = cJSON_Duplicate(f->json, true);
        cJSON_DeleteItemFromObjectCaseSensitive(json, "matched");
        cJSON_DeleteItemFromObjectCaseSensitive(json, "fired");
        cJSON_AddNumberToObject(json, "matched", (double)f->matched);
        cJSON_AddNumberToObject(json, "fired", (double)f->fired);
        cJSON_AddItemToArray(list, json);
    }
    return list;
}

static bool query_has(const struct request *rq, const char *part)
{
    g_autofree char *query = rq->query ? text_percent_decode(rq->query, strlen(rq->query)) : g_strdup("");
    g_autofree char *lower = g_ascii_strdown(query, -1);

    return strstr(lower, part) != NULL;
}

static bool matches(const struct fault *f, const struct request *rq, const char *path)
{
    if (*f->endpoint && g_ascii_strcasecmp(f->endpoint, endpoint_names[rq->endpoint]) != 0)
        return false;
    if (*f->query && !query_has(rq, f->query))
        return false;
    if (*f->path && !strstr(path, f->path))
        return false;
    if (*f->tenant && (!rq->tenant || strcmp(f->tenant, rq->tenant->id) != 0))
        return false;
    return f->page == 0 || f->page == rq->page;
}

const cJSON *faults_fire(struct faults *faults, const struct request *rq)
{
    g_autofree char *path = g_ascii_strdown(rq->path, -1);

    for (guint k = 0; k < faults->list->len; k++) {
        struct fault *f = g_ptr_array_index(faults->list, k);
        if (!matches(f, rq, path))
            continue;
        f->matched++;
        struct dice d = {dice_mix((uint64_t)rq->sim->options->seed ^ 61, f->matched)};
        if (f->matched <= f->skip || (f->times > 0 && f->fired >= f->times) || !dice_percent(&d, f->percent))
            continue;
        f->fired++;
        return f->action;
    }
    return NULL;
}

void fault_before(const cJSON *action, struct request *rq)
{
    for (gsize k = 0; k < G_N_ELEMENTS(deeds); k++) {
        const cJSON *value = cJSON_GetObjectItemCaseSensitive(action, deeds[k].name);
        if (value && deeds[k].before)
            deeds[k].before(value, rq);
    }
}

struct answer *fault_after(const cJSON *action, const struct request *rq, struct answer *answer)
{
    for (gsize k = 0; k < G_N_ELEMENTS(deeds); k++) {
        const cJSON *value = cJSON_GetObjectItemCaseSensitive(action, deeds[k].name);
        if (value && deeds[k].after)
            deeds[k].after(value, rq, &answer);
    }
    return answer;
}
