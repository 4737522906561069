#include "users_control.h"

#include <string.h>

#include "control.h"
#include "ticks.h"
#include "users_query.h"

struct users_dump {
    const struct sim *sim;
    char *tenant; /* NULL: all */
    int64_t at, gone_since;
    struct selection selection;
    guint next_tenant;
    int64_t place, generation;
    struct moment moment;
};

static bool read_selection(const char *text, struct selection *s)
{
    g_auto(GStrv) names = g_strsplit(text ? text : "", ",", 0);
    *s = (struct selection){.given = true};

    for (guint n = 0; !text && n < property_count; n++)
        if (properties_have(properties_documented(), n))
            s->order[s->count++] = (uint8_t)n;
    for (char **name = names; *name; name++) {
        int number = property_find(*name);
        if (number < 0 || s->count == PROPERTY_MOST)
            return false;
        s->order[s->count++] = (uint8_t)number;
    }
    for (guint k = 0; k < s->count; k++)
        properties_add(&s->set, s->order[k]);
    return true;
}

struct users_dump *users_dump_new(const struct request *rq, char **message)
{
    g_autofree char *at = request_parameter(rq->query, "at"), *gone = request_parameter(rq->query, "gone_days"),
                    *select = request_parameter(rq->query, "select");
    struct users_dump *dump = g_new0(struct users_dump, 1);
    guint64 days = 90;

    dump->sim = rq->sim;
    dump->tenant = request_parameter(rq->query, "tenant");
    dump->generation = INT64_MIN;
    dump->at = rq->now;
    *message = NULL;
    if (at && !control_read_moment(at, &dump->at))
        *message = g_strdup("\"at\" is a number of seconds since the epoch or a moment as ISO 8601");
    else if (gone && !g_ascii_string_to_unsigned(gone, 10, 0, 36500, &days, NULL))
        *message = g_strdup("\"gone_days\" is a number from 0 to 36500");
    else if (!read_selection(select, &dump->selection))
        *message = g_strdup("\"select\" names properties of a user, with commas between");
    else if (dump->tenant && !sim_tenant(rq->sim, dump->tenant))
        *message = g_strdup("no such tenant");
    dump->gone_since = dump->at - (int64_t)days * TICKS_PER_DAY;
    if (!*message)
        return dump;
    users_dump_free(dump);
    return NULL;
}

void users_dump_free(struct users_dump *dump)
{
    if (!dump)
        return;
    g_free(dump->tenant);
    g_free(dump);
}

static bool is_told(const struct users_dump *dump, const struct directory *d, const struct account *a,
                    enum presence presence)
{
    struct moment then = {dump->gone_since, 0};

    if (presence == PRESENCE_GONE)
        return directory_moved(d, a, then, dump->moment);
    return presence != PRESENCE_NONE;
}

static void append_line(const struct users_dump *dump, const struct tenant *t, const struct account *a,
                        enum presence presence, GString *out)
{
    struct view view;

    g_string_append_printf(out, "{\"tenant\":\"%s\",\"id\":\"", t->id);
    directory_append_id(t->directory, a, out);
    if (presence != PRESENCE_LIVE) {
        g_string_append_printf(out, "\",\"removed\":\"%s\",\"user\":null}\n",
                               presence == PRESENCE_BIN ? "changed" : "deleted");
        return;
    }
    APPEND_LITERAL(out, "\",\"removed\":null,\"user\":");
    directory_view(t->directory, a, dump->moment, &view);
    account_append(t->directory, a, &view, &dump->selection, FORM_LISTING, NULL, out);
    APPEND_LITERAL(out, "}\n");
}

/* The lines of one place. */
static void append_place(struct users_dump *dump, const struct tenant *t, GString *out)
{
    const struct directory *d = t->directory;
    int64_t lo = 0, hi = 0;
    struct account a;

    directory_generations(d, (uint32_t)dump->place, dump->gone_since, dump->at, &lo, &hi);
    for (int64_t g = lo; g <= hi; g++) {
        directory_account(d, (uint32_t)dump->place, g, &a);
        enum presence presence = directory_presence(d, &a, dump->moment);
        if (is_told(dump, d, &a, presence))
            append_line(dump, t, &a, presence, out);
    }
}

bool users_dump_read(struct users_dump *dump, GString *out, gsize enough)
{
    while (out->len < enough && dump->next_tenant < dump->sim->tenants->len) {
        const struct tenant *t = sim_tenant_at(dump->sim, dump->next_tenant);
        bool asked = !dump->tenant || g_ascii_strcasecmp(dump->tenant, t->id) == 0;
        if (dump->place == 0)
            dump->moment = directory_moment(t->directory, dump->at);
        if (asked && dump->place < directory_places(t->directory)) {
            append_place(dump, t, out);
            dump->place++;
            continue;
        }
        dump->place = 0;
        dump->next_tenant++;
    }
    return out->len > 0;
}

/* Edits by hand. */

/* One edit, in the tenant that it names or in the first. NULL when done. */
static char *edit_one(struct request *rq, const cJSON *json, cJSON *ids)
{
    static const char *const known[] = {"tenant",       "id",     "set",     "patch", "set_base64",
                                        "patch_base64", "remove", "restore", NULL};
    const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "tenant"));
    struct tenant *t = name ? sim_tenant(rq->sim, name) : sim_tenant_at(rq->sim, 0);
    const cJSON *key = NULL;
    g_autofree char *id = NULL;

    if (!cJSON_IsObject(json))
        return g_strdup("an edit is an object");
    cJSON_ArrayForEach(key, json) if (!g_strv_contains(known, key->string)) return g_strdup_printf(
        "unknown key \"%s\" in an edit", key->string);
    if (!t)
        return g_strdup("no such tenant");
    char *message = directory_edit(t->directory, rq->now, json, &id);
    if (!message)
        cJSON_AddItemToArray(ids, cJSON_CreateString(id));
    return message;
}

struct answer *users_edit(struct request *rq, const cJSON *json)
{
    cJSON *reply = cJSON_CreateObject(), *ids = cJSON_AddArrayToObject(reply, "ids");
    g_autofree char *message = cJSON_IsArray(json) ? NULL : edit_one(rq, json, ids);
    const cJSON *one = NULL;

    if (cJSON_IsArray(json)) {
        cJSON_ArrayForEach(one, json) if (!message) message = edit_one(rq, one, ids);
    }
    if (!message)
        return answer_json(reply);
    cJSON_Delete(reply);
    return control_refuse(message);
}
