#include "health_control.h"

#include <string.h>

#include "control.h"
#include "health.h"
#include "ticks.h"

struct span {
    int64_t from, to, step; /* ticks; step 0: none */
};

static bool read_span(const struct request *rq, struct span *span)
{
    g_autofree char *from = request_parameter(rq->query, "from"), *to = request_parameter(rq->query, "to"),
                    *step = request_parameter(rq->query, "step");
    guint64 step_s = 0;

    span->to = rq->now;
    if (!from || !control_read_moment(from, &span->from) || (to && !control_read_moment(to, &span->to)))
        return false;
    if (step && !g_ascii_string_to_unsigned(step, 10, 1, G_MAXINT, &step_s, NULL))
        return false;
    span->step = (int64_t)step_s * TICKS_PER_SECOND;
    return span->from <= span->to;
}

static void append_seconds(GString *out, int64_t ticks)
{
    int64_t ms = ticks_floor_div(ticks, TICKS_PER_SECOND / 1000);

    g_string_append_printf(out, "%" G_GINT64_FORMAT, ticks_floor_div(ms, 1000));
    if (ms % 1000 != 0)
        g_string_append_printf(out, ".%03d", (int)(ms - ticks_floor_div(ms, 1000) * 1000));
}

static void append_interval(const struct tenant *t, const char *service, const struct health_interval *i, GString *out)
{
    g_string_append_printf(out, "{\"tenant\":\"%s\",\"service\":\"", t->id);
    text_append_escaped(out, service, -1, false);
    APPEND_LITERAL(out, "\",\"status\":");
    if (i->status) {
        g_string_append_c(out, '"');
        text_append_escaped(out, i->status, -1, false);
        g_string_append_c(out, '"');
    } else {
        APPEND_LITERAL(out, "null");
    }
    APPEND_LITERAL(out, ",\"from\":");
    append_seconds(out, i->from);
    APPEND_LITERAL(out, ",\"to\":");
    append_seconds(out, i->to);
    APPEND_LITERAL(out, "}\n");
}

/* The first look at or after a moment. */
static int64_t next_look(const struct span *span, int64_t moment)
{
    return span->from - ticks_floor_div(span->from - moment, span->step) * span->step;
}

/* Brings the intervals to what the looks see: those between two looks go, equal ones that then meet become one. */
static void look(GArray *intervals, const struct span *span)
{
    guint kept = 0;

    for (guint k = 0; k < intervals->len; k++) {
        struct health_interval *i = &g_array_index(intervals, struct health_interval, k);
        struct health_interval *last = kept > 0 ? &g_array_index(intervals, struct health_interval, kept - 1) : NULL;
        int64_t seen = next_look(span, i->from);
        if (seen >= i->to || seen >= span->to || (last && g_strcmp0(last->status, i->status) == 0))
            continue;
        if (last)
            last->to = seen;
        struct health_interval *place = &g_array_index(intervals, struct health_interval, kept++);
        char *status = i->status;
        i->status = place->status;
        *place = (struct health_interval){seen, span->to, status};
    }
    g_array_set_size(intervals, kept);
}

static void tell_tenant(const struct tenant *t, const struct span *span, GString *out)
{
    g_autoptr(GPtrArray) ids = health_service_ids(t->health);

    for (guint n = 0; n < ids->len; n++) {
        const char *id = g_ptr_array_index(ids, n);
        g_autoptr(GArray) intervals = health_timeline(t->health, id, span->from, span->to);
        if (span->step > 0)
            look(intervals, span);
        for (guint k = 0; k < intervals->len; k++)
            append_interval(t, id, &g_array_index(intervals, struct health_interval, k), out);
    }
}

struct answer *health_tell(struct request *rq)
{
    g_autofree char *name = request_parameter(rq->query, "tenant");
    struct tenant *one = name ? sim_tenant(rq->sim, name) : NULL;
    struct span span = {0};

    if (name && !one)
        return control_refuse("no such tenant");
    if (!read_span(rq, &span))
        return control_refuse(
            "expected from=MOMENT and, if you like, to=MOMENT and step=SECONDS; a moment is a number of "
            "seconds since the epoch or ISO 8601");
    struct answer *a = answer_new(200);
    for (guint k = 0; one ? k < 1 : k < rq->sim->tenants->len; k++)
        tell_tenant(one ? one : sim_tenant_at(rq->sim, k), &span, a->body);
    answer_header(a, "Content-Type", "application/x-ndjson");
    return a;
}

/* edits by hand */

static bool read_kind(const cJSON *json, enum health_kind *kind)
{
    const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "kind"));

    for (int k = 0; name && k < HEALTH_KINDS; k++) {
        if (strcmp(name, health_kind_names[k]) == 0) {
            *kind = (enum health_kind)k;
            return true;
        }
    }
    return false;
}

/* The id as the edit gives it, or as the record says it. NULL: neither does. Returned. */
static char *read_id(const cJSON *json, GBytes *record)
{
    const char *given = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "id"));
    gsize len = 0, value_len = 0;
    const char *bytes = record ? g_bytes_get_data(record, &len) : NULL, *value = NULL;

    if (given)
        return g_strdup(given);
    if (!bytes || !text_find_member(bytes, len, "id", &value, &value_len) || value_len == 0 || *value != '"')
        return NULL;
    return text_decode(value, value_len);
}

static const char *check_keys(const cJSON *json)
{
    static const char *const known[] = {"tenant", "kind", "id", "record", "record_base64", "remove", "restore", NULL};
    const cJSON *key = NULL;

    cJSON_ArrayForEach(key, json)
    {
        if (!g_strv_contains(known, key->string))
            return "an edit holds \"tenant\", \"kind\", \"id\" and one of \"record\", \"record_base64\", \"remove\" "
                   "and "
                   "\"restore\"";
    }
    return NULL;
}

/* One edit, in the tenant that it names or in the first. NULL when done, else what is wrong with it. */
static const char *change_one(struct request *rq, const cJSON *json)
{
    const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "tenant"));
    struct tenant *t = name ? sim_tenant(rq->sim, name) : sim_tenant_at(rq->sim, 0);
    bool remove = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, "remove")),
         restore = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, "restore"));
    g_autoptr(GBytes) record = control_record_bytes(json);
    g_autofree char *id = read_id(json, record);
    enum health_kind kind = HEALTH_OVERVIEWS;
    const char *fault = check_keys(json);

    if (!cJSON_IsObject(json))
        return "an edit is an object";
    if (fault)
        return fault;
    if (!t)
        return "no such tenant";
    if (!read_kind(json, &kind))
        return "\"kind\" is \"overview\", \"issue\" or \"message\"";
    if ((record != NULL) + remove + restore != 1)
        return "expected one of \"record\", \"record_base64\", \"remove\":true and \"restore\":true";
    if (!id || !*id)
        return "\"id\" is missing, and the record has none";
    health_edit(t->health, kind, id, rq->now, record ? HAND_RECORD : remove ? HAND_REMOVED : HAND_RESTORED, record);
    return NULL;
}

struct answer *health_change(struct request *rq, const cJSON *json)
{
    const char *message = cJSON_IsArray(json) ? NULL : change_one(rq, json);
    const cJSON *one = NULL;

    if (cJSON_IsArray(json)) {
        cJSON_ArrayForEach(one, json)
        {
            if (!message)
                message = change_one(rq, one);
        }
    }
    return message ? control_refuse(message) : answer_json(cJSON_CreateObject());
}

/* the truth */

static void append_truth_line(const struct tenant *t, enum health_kind kind, const struct health_entry *e,
                              const struct telling *how, GString *scratch, GString *out)
{
    g_autofree char *id = health_id(t->health, kind, e, how->now);

    g_string_truncate(scratch, 0);
    health_append(t->health, kind, e, how, scratch);
    g_autofree char *sum = g_compute_checksum_for_string(G_CHECKSUM_SHA256, scratch->str, (gssize)scratch->len);
    g_string_append_printf(out, "{\"tenant\":\"%s\",\"source\":\"health\",\"kind\":\"%s\",\"id\":\"", t->id,
                           health_kind_names[kind]);
    text_append_escaped(out, id, -1, false);
    g_string_append_printf(out, "\",\"sha256\":\"%s\"}\n", sum);
}

void health_append_truth(const struct tenant *t, int64_t now, GString *out)
{
    struct telling how = {now, true};
    g_autoptr(GString) scratch = g_string_new(NULL);

    for (int k = 0; k < HEALTH_KINDS; k++) {
        enum health_kind kind = (enum health_kind)k;
        g_autoptr(GArray) list = health_list(t->health, kind, now);
        for (guint n = 0; n < list->len; n++)
            append_truth_line(t, kind, &g_array_index(list, struct health_entry, n), &how, scratch, out);
    }
}
