#include "control.h"

#include <math.h>
#include <string.h>

#include "budget.h"
#include "decoy.h"
#include "faults.h"
#include "health_control.h"
#include "ledger.h"
#include "mail.h"
#include "tenants_control.h"
#include "ticks.h"
#include "truth.h"
#include "users_control.h"

struct answer *control_refuse(const char *message)
{
    cJSON *json = cJSON_CreateObject();

    cJSON_AddStringToObject(json, "error", message);
    struct answer *a = answer_json(json);
    a->status = 400;
    return a;
}

bool control_read_moment(const char *text, int64_t *ticks)
{
    char *end = NULL;
    double seconds = g_ascii_strtod(text, &end);
    bool zoned = false;

    if (ticks_parse(text, strlen(text), ticks, &zoned))
        return true;
    if (end == text || *end != '\0' || !(fabs(seconds) < 1e11))
        return false;
    *ticks = llround(seconds * 1e6) * 10;
    return true;
}

static struct answer *get_stats(struct request *rq, const cJSON *json)
{
    cJSON *stats = ledger_stats(rq->sim->ledger);

    (void)json;
    if (rq->sim->decoy)
        decoy_stats(rq->sim->decoy, stats);
    return answer_json(stats);
}

static struct answer *reset_stats(struct request *rq, const cJSON *json)
{
    (void)json;
    ledger_reset(rq->sim->ledger);
    if (rq->sim->decoy)
        decoy_reset(rq->sim->decoy);
    return answer_json(cJSON_CreateObject());
}

static struct answer *get_requests(struct request *rq, const cJSON *json)
{
    (void)json;
    return answer_json(ledger_requests(rq->sim->ledger));
}

static struct answer *get_truth(struct request *rq, const cJSON *json)
{
    struct answer *a = answer_new(200);

    (void)json;
    a->truth = truth_new(rq->sim);
    answer_header(a, "Content-Type", "application/x-ndjson");
    return a;
}

static struct answer *get_users(struct request *rq, const cJSON *json)
{
    g_autofree char *message = NULL;
    struct users_dump *dump = users_dump_new(rq, &message);

    (void)json;
    if (!dump)
        return control_refuse(message);
    struct answer *a = answer_new(200);
    a->truth = truth_new_users(dump);
    answer_header(a, "Content-Type", "application/x-ndjson");
    return a;
}

static struct answer *get_health(struct request *rq, const cJSON *json)
{
    (void)json;
    return health_tell(rq);
}

static struct answer *get_mails(struct request *rq, const cJSON *json)
{
    (void)json;
    return answer_json(mails_list(rq->sim->mails));
}

static struct answer *get_clock(struct request *rq, const cJSON *json)
{
    cJSON *reply = cJSON_CreateObject();
    g_autoptr(GString) now = g_string_new(NULL);

    (void)json;
    ticks_append_iso(now, sim_clock_now(&rq->sim->clock), 7);
    g_string_append_c(now, 'Z');
    cJSON_AddStringToObject(reply, "now", now->str);
    cJSON_AddNumberToObject(reply, "epoch", (double)sim_clock_now(&rq->sim->clock) / (double)TICKS_PER_SECOND);
    cJSON_AddNumberToObject(reply, "rate", rq->sim->clock.rate);
    return answer_json(reply);
}

static struct answer *set_clock(struct request *rq, const cJSON *json)
{
    const cJSON *spec = cJSON_GetObjectItemCaseSensitive(json, "clock");
    g_autoptr(GError) error = NULL;

    if (!cJSON_IsString(spec))
        return control_refuse("expected {\"clock\":\"<simulated epoch>@<rate>@<real epoch>\"}");
    if (!sim_clock_set(&rq->sim->clock, spec->valuestring, &error))
        return control_refuse(error->message);
    /* Set back, the budgets would remember requests of the future. */
    if (sim_clock_now(&rq->sim->clock) < rq->now)
        budgets_reset(rq->sim->budgets);
    return get_clock(rq, NULL);
}

static struct answer *get_faults(struct request *rq, const cJSON *json)
{
    (void)json;
    return answer_json(faults_list(rq->sim->faults));
}

static struct answer *set_faults(struct request *rq, const cJSON *json)
{
    g_autofree char *message = NULL;

    if (!faults_set(rq->sim->faults, json, &message))
        return control_refuse(message);
    return get_faults(rq, NULL);
}

GBytes *control_record_bytes(const cJSON *json)
{
    const cJSON *encoded = cJSON_GetObjectItemCaseSensitive(json, "record_base64");
    const cJSON *record = cJSON_GetObjectItemCaseSensitive(json, "record");
    gsize len = 0;

    if (cJSON_IsString(encoded)) {
        guchar *bytes = g_base64_decode(encoded->valuestring, &len);
        return g_bytes_new_take(bytes, len);
    }
    if (!record)
        return NULL;
    char *text = cJSON_PrintUnformatted(record);
    GBytes *bytes = g_bytes_new(text, strlen(text));
    cJSON_free(text);
    return bytes;
}

static struct answer *add_record(struct request *rq, const cJSON *json)
{
    const cJSON *name = cJSON_GetObjectItemCaseSensitive(json, "source");
    const cJSON *tenant = cJSON_GetObjectItemCaseSensitive(json, "tenant");
    bool replace = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, "replace"));
    enum source source = SOURCE_SIGN_INS;
    g_autoptr(GBytes) bytes = control_record_bytes(json);
    int added = 0;

    if (!cJSON_IsString(name) || !source_by_name(name->valuestring, &source))
        return control_refuse("\"source\" is \"sign-ins\", \"directory-audits\" or \"intune-audits\"");
    if (!bytes)
        return control_refuse("expected \"record\" or \"record_base64\"");
    for (guint k = 0; k < rq->sim->tenants->len; k++) {
        const struct tenant *t = sim_tenant_at(rq->sim, k);
        if (cJSON_IsString(tenant) && g_ascii_strcasecmp(tenant->valuestring, t->id) != 0)
            continue;
        loaded_add(t->loaded[loaded_source(source, bytes)], bytes, replace);
        added++;
    }
    if (added == 0)
        return control_refuse("no such tenant");
    return answer_json(cJSON_CreateObject());
}

static const struct {
    const char *method, *path;
    struct answer *(*answer)(struct request *rq, const cJSON *json);
} routes[] = {
    {"GET", "/control/stats", get_stats},       {"POST", "/control/reset-stats", reset_stats},
    {"GET", "/control/truth", get_truth},       {"GET", "/control/requests", get_requests},
    {"GET", "/control/clock", get_clock},       {"POST", "/control/clock", set_clock},
    {"GET", "/control/faults", get_faults},     {"POST", "/control/faults", set_faults},
    {"POST", "/control/records", add_record},   {"GET", "/control/users", get_users},
    {"GET", "/control/health", get_health},     {"POST", "/control/health", health_change},
    {"POST", "/control/users", users_edit},     {"GET", "/control/tenants", tenants_list},
    {"POST", "/control/tenants", tenants_edit}, {"GET", "/control/mails", get_mails},
};

struct answer *control_answer(struct request *rq)
{
    for (gsize k = 0; k < G_N_ELEMENTS(routes); k++) {
        if (strcmp(rq->path, routes[k].path) != 0 || strcmp(rq->method, routes[k].method) != 0)
            continue;
        bool sent = strcmp(rq->method, "POST") == 0 && rq->body->len > 0;
        cJSON *json = sent ? cJSON_ParseWithLength(rq->body->str, rq->body->len) : NULL;
        struct answer *a = sent && !json ? control_refuse("the body is not JSON") : routes[k].answer(rq, json);
        cJSON_Delete(json);
        return a;
    }
    struct answer *a = control_refuse("no such control");
    a->status = 404;
    return a;
}
