#include "tenants_control.h"

#include <string.h>

#include "control.h"
#include "roles.h"
#include "ticks.h"

static bool is_flag(const cJSON *value)
{
    return cJSON_IsBool(value);
}

static bool is_days(const cJSON *value)
{
    return cJSON_IsNumber(value) && value->valuedouble >= -36500 && value->valuedouble <= 36500;
}

static bool names_roles(const cJSON *value)
{
    const cJSON *name = NULL;

    cJSON_ArrayForEach(name, value)
    {
        if (!cJSON_IsString(name) || !roles_known(name->valuestring))
            return false;
    }
    return cJSON_IsArray(value);
}

static void set_premium(struct tenant *t, const cJSON *value, int64_t now)
{
    (void)now;
    t->no_premium = !cJSON_IsTrue(value);
}

static void set_intune(struct tenant *t, const cJSON *value, int64_t now)
{
    (void)now;
    t->no_intune = !cJSON_IsTrue(value);
}

static void set_registration(struct tenant *t, const cJSON *value, int64_t now)
{
    (void)now;
    t->no_registration = !cJSON_IsTrue(value);
}

/* Addresses; of the policy also null, which lifts it. */
static bool names_mailboxes(const cJSON *value)
{
    const cJSON *name = NULL;

    cJSON_ArrayForEach(name, value)
    {
        if (!cJSON_IsString(name))
            return false;
    }
    return cJSON_IsArray(value);
}

static bool is_policy(const cJSON *value)
{
    return cJSON_IsNull(value) || names_mailboxes(value);
}

/* The strings of an array; NULL for null. Returned: g_strfreev(). */
static char **strings_of(const cJSON *value)
{
    g_autoptr(GStrvBuilder) names = g_strv_builder_new();
    const cJSON *name = NULL;

    if (!cJSON_IsArray(value))
        return NULL;
    cJSON_ArrayForEach(name, value) g_strv_builder_add(names, name->valuestring);
    return g_strv_builder_end(names);
}

static void set_withheld(struct tenant *t, const cJSON *value, int64_t now)
{
    (void)now;
    g_strfreev(t->withheld);
    t->withheld = strings_of(value);
}

static void set_granted(struct tenant *t, const cJSON *value, int64_t now)
{
    (void)now;
    g_strfreev(t->granted);
    t->granted = strings_of(value);
}

static void set_mailboxes(struct tenant *t, const cJSON *value, int64_t now)
{
    (void)now;
    g_strfreev(t->mailboxes);
    t->mailboxes = strings_of(value);
}

static void set_policy(struct tenant *t, const cJSON *value, int64_t now)
{
    (void)now;
    g_strfreev(t->mail_policy);
    t->mail_policy = strings_of(value);
}

static void set_secret(struct tenant *t, const cJSON *value, int64_t now)
{
    t->secret_ends = now + (int64_t)(value->valuedouble * (double)TICKS_PER_DAY);
}

static const struct setting {
    const char *name, *expected;
    bool (*fits)(const cJSON *value);
    void (*set)(struct tenant *t, const cJSON *value, int64_t now);
} settings[] = {
    {"premium", "true or false", is_flag, set_premium},
    {"intune", "true or false", is_flag, set_intune},
    {"registration", "true or false", is_flag, set_registration},
    {"withheld_roles", "an array of permissions", names_roles, set_withheld},
    {"granted_roles", "an array of permissions", names_roles, set_granted},
    {"mailboxes", "an array of addresses", names_mailboxes, set_mailboxes},
    {"mail_policy", "an array of addresses, or null", is_policy, set_policy},
    {"secret_expires", "a number of days", is_days, set_secret},
};

static const struct setting *find_setting(const char *name)
{
    for (gsize k = 0; k < G_N_ELEMENTS(settings); k++)
        if (strcmp(settings[k].name, name) == 0)
            return &settings[k];
    return NULL;
}

/* What is wrong with a change; NULL: nothing. Returned: g_free(). */
static char *check(const cJSON *json)
{
    const cJSON *member = NULL;

    if (!cJSON_IsObject(json))
        return g_strdup("expected an object");
    cJSON_ArrayForEach(member, json)
    {
        const struct setting *setting = find_setting(member->string);
        if (strcmp(member->string, "tenant") == 0)
            continue;
        if (!setting)
            return g_strdup_printf("unknown key \"%s\"", member->string);
        if (!setting->fits(member))
            return g_strdup_printf("\"%s\" is %s", setting->name, setting->expected);
    }
    return NULL;
}

static void apply(struct tenant *t, const cJSON *json, int64_t now)
{
    for (gsize k = 0; k < G_N_ELEMENTS(settings); k++) {
        const cJSON *value = cJSON_GetObjectItemCaseSensitive(json, settings[k].name);
        if (value)
            settings[k].set(t, value, now);
    }
}

struct answer *tenants_edit(struct request *rq, const cJSON *json)
{
    const cJSON *named = cJSON_GetObjectItemCaseSensitive(json, "tenant");
    struct tenant *one = cJSON_IsString(named) ? sim_tenant(rq->sim, named->valuestring) : NULL;
    g_autofree char *wrong = check(json);

    if (wrong)
        return control_refuse(wrong);
    if (named && !one)
        return control_refuse("no such tenant");
    for (guint k = 0; k < rq->sim->tenants->len; k++) {
        struct tenant *t = g_ptr_array_index(rq->sim->tenants, k);
        if (!one || t == one)
            apply(t, json, rq->now);
    }
    return tenants_list(rq, NULL);
}

static void add_strings(cJSON *json, const char *key, char **strings)
{
    cJSON *list = cJSON_AddArrayToObject(json, key);

    for (; strings && *strings; strings++)
        cJSON_AddItemToArray(list, cJSON_CreateString(*strings));
}

static cJSON *tenant_json(const struct tenant *t)
{
    cJSON *json = cJSON_CreateObject();
    g_autoptr(GString) ends = g_string_new(NULL);

    ticks_append_iso(ends, t->secret_ends, 0);
    g_string_append_c(ends, 'Z');
    cJSON_AddStringToObject(json, "tenant", t->id);
    cJSON_AddBoolToObject(json, "premium", !t->no_premium);
    cJSON_AddBoolToObject(json, "intune", !t->no_intune);
    cJSON_AddBoolToObject(json, "registration", !t->no_registration);
    add_strings(json, "withheld_roles", t->withheld);
    add_strings(json, "granted_roles", t->granted);
    add_strings(json, "mailboxes", t->mailboxes);
    if (t->mail_policy)
        add_strings(json, "mail_policy", t->mail_policy);
    else
        cJSON_AddNullToObject(json, "mail_policy");
    cJSON_AddStringToObject(json, "secret_ends", ends->str);
    return json;
}

struct answer *tenants_list(struct request *rq, const cJSON *json)
{
    cJSON *list = cJSON_CreateArray();

    (void)json;
    for (guint k = 0; k < rq->sim->tenants->len; k++)
        cJSON_AddItemToArray(list, tenant_json(g_ptr_array_index(rq->sim->tenants, k)));
    return answer_json(list);
}
