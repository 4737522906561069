#include "intune.h"

#include "scene.h"
#include "ticks.h"

enum { MOST_CHANGES = 5 };

/* Texts are the insides of JSON strings, with the marks of scene.h; NULL stands for null. */
struct change {
    const char *name, *before, *after;
};

static const struct event {
    const char *name, *component, *operation, *category, *resource_type, *resource;
    uint32_t weight; /* of 100 */
    struct change changes[MOST_CHANGES];
} events[] = {
    {"syncDevice ManagedDevice",
     "ManagedDevices",
     "Action",
     "Device",
     "ManagedDevice",
     "LAPTOP-%d%d%d%d",
     22,
     {{NULL, NULL, NULL}}},
    {"Patch DeviceCompliancePolicy",
     "Compliance",
     "Patch",
     "Compliance",
     "Windows10CompliancePolicy",
     "Baseline for laptops \\u2013 %d%d",
     16,
     {{"PasswordMinimumLength", "8", "14"},
      {"BitLockerEnabled", "False", "True"},
      {"OsMinimumVersion", "<null>", "10.0.22631.%d%d%d%d"},
      {"DeviceManagementAPIVersion", "5025-06-04", "5025-09-10"}}},
    {"Create MobileApp",
     "MobileApp",
     "Create",
     "Application",
     "Win32LobApp",
     "%a",
     12,
     {{"DisplayName", NULL, "%a"},
      {"InstallCommandLine", NULL, "msiexec \\/i \\\"agent.msi\\\" \\/qn REBOOT=ReallySuppress"},
      {"CreatedDateTime", NULL, "11\\/2%d\\/2025 9:0%d:00 AM"}}},
    {"Assign MobileApp",
     "MobileApp",
     "Create",
     "Application",
     "MobileAppAssignment",
     NULL,
     10,
     {{"Target.GroupId", NULL, "%O"}, {"Target.Type", NULL, "GroupAssignmentTarget"}, {"Intent", NULL, "Required"}}},
    {"wipe ManagedDevice",
     "ManagedDevices",
     "Action",
     "Device",
     "ManagedDevice",
     "%n\\u2019s iPhone",
     5,
     {{"KeepEnrollmentData", NULL, "False"}, {"UserPrincipalName", NULL, "%u"}}},
    {"Delete ManagedDevice",
     "ManagedDevices",
     "Delete",
     "Device",
     "ManagedDevice",
     "DESKTOP-%d%d%d%d%d%d",
     8,
     {{"SerialNumber", "%d%d%d%d-%d%d%d%d-%d%d%d%d", NULL}}},
    {"Create RoleAssignment",
     "RoleBasedAccessControl",
     "SetReference",
     "Role",
     "DeviceAndAppManagementRoleAssignment",
     "%r for %o",
     7,
     {{"$Collection.Members[0]", NULL, "%O"}, {"$Collection.ScopeMembers[0]", NULL, "%g"}}},
    {"Patch DeviceConfiguration",
     "DeviceConfiguration",
     "Patch",
     "DeviceConfiguration",
     "Windows10GeneralConfiguration",
     "Kiosk \\\"entrance\\\" %d",
     12,
     {{"EdgeHomepageUrls", "https:\\/\\/intranet.contoso.example\\/",
       "https:\\/\\/portal.contoso.example\\/?a=1&b=<2>"},
      {"Version", "%d", "1%d"}}},
    {"Create DeviceManagementScript",
     "DeviceConfiguration",
     "Create",
     "DeviceConfiguration",
     "DeviceManagementScript",
     "Ger\\u00e4teinventur.ps1",
     4,
     {{"FileName", NULL, "Ger\\u00e4teinventur.ps1"}, {"RunAsAccount", NULL, "System"}}},
    {"rotateBitLockerKeys ManagedDevice",
     "ManagedDevices",
     "Action",
     "Device",
     "ManagedDevice",
     "LAPTOP-%d%d%d%d",
     4,
     {{"KeyRotation", NULL, "Requested"}}},
};

static const struct event *roll_event(struct dice *d)
{
    uint32_t roll = dice_below(d, 100);
    gsize k = 0;

    for (; k < G_N_ELEMENTS(events) - 1 && roll >= events[k].weight; k++)
        roll -= events[k].weight;
    return &events[k];
}

static void append_member(GString *out, struct dice *d, const struct scene *s, const char *name, const char *value)
{
    g_string_append_printf(out, ",\"%s\":", name);
    if (!value) {
        APPEND_LITERAL(out, "null");
        return;
    }
    g_string_append_c(out, '"');
    scene_append(out, d, s, value);
    g_string_append_c(out, '"');
}

/* UTC, or the time of an office on the Pacific. */
static void append_time(GString *out, struct dice *d, const struct plan *plan)
{
    bool pacific = dice_below(d, 10) == 0;

    APPEND_LITERAL(out, ",\"activityDateTime\":\"");
    ticks_append_iso(out, plan->time - (pacific ? 8 * TICKS_PER_HOUR : 0), plan->digits);
    g_string_append(out, pacific ? "-08:00\"" : "Z\"");
}

static const char *roll_result(struct dice *d)
{
    static const struct {
        uint32_t below;
        const char *name;
    } results[] = {{90, "Success"}, {95, "Failure"}, {97, "ClientError"}, {98, "Timeout"}, {99, "Other"}};
    uint32_t roll = dice_below(d, 100);

    for (gsize k = 0; k < G_N_ELEMENTS(results); k++)
        if (roll < results[k].below)
            return results[k].name;
    return NULL;
}

/* typed: in the form of Microsoft's reference, with @odata.type and type; otherwise as the metadata has it. */
static void append_user(GString *out, struct dice *d, const struct scene *s, bool typed)
{
    static const char *const permissions[] = {
        "\"*\"",
        "\"Microsoft.Intune_ManagedDevices_Read\"",
        "\"Microsoft.Intune_MobileApps_Create\",\"Microsoft.Intune_MobileApps_Assign\"",
    };
    uint32_t address = dice_below(d, 2000);

    g_string_append(out, typed ? "\"type\":\"ItPro\"" : "\"auditActorType\":\"ItPro\"");
    g_string_append_printf(out, ",\"userPermissions\":[%s]", permissions[dice_below(d, G_N_ELEMENTS(permissions))]);
    append_member(out, d, s, "applicationId", "7ac1d1f0-0000-4000-8000-000000001001");
    append_member(out, d, s, "applicationDisplayName", "Microsoft Intune portal extension");
    APPEND_LITERAL(out, ",\"userPrincipalName\":\"");
    text_append(out, &s->actor->upn);
    APPEND_LITERAL(out, "\",\"servicePrincipalName\":null,\"ipAddress\":");
    if (address < 254)
        g_string_append_printf(out, "\"198.51.100.%u\"", address);
    else
        APPEND_LITERAL(out, "null");
    APPEND_LITERAL(out, ",\"userId\":\"");
    text_append(out, &s->actor->id);
    g_string_append_c(out, '"');
}

static void append_app(GString *out, struct dice *d, const struct scene *s, bool typed)
{
    g_string_append(out, typed ? "\"type\":\"Application\"" : "\"auditActorType\":\"Application\"");
    APPEND_LITERAL(out, ",\"userPermissions\":[]");
    append_member(out, d, s, "applicationId", "%A");
    append_member(out, d, s, "applicationDisplayName", "%a");
    append_member(out, d, s, "userPrincipalName", NULL);
    append_member(out, d, s, "servicePrincipalName", "%a");
    append_member(out, d, s, "ipAddress", NULL);
    append_member(out, d, s, "userId", NULL);
}

/* An administrator, an app, or nobody. */
static void append_actor(GString *out, struct dice *d, const struct scene *s, bool typed, bool beta)
{
    uint32_t form = dice_below(d, 100);

    APPEND_LITERAL(out, ",\"actor\":");
    if (form < 2) {
        APPEND_LITERAL(out, "null");
        return;
    }
    g_string_append(out, typed ? "{\"@odata.type\":\"microsoft.graph.auditActor\"," : "{");
    if (form < 22)
        append_app(out, d, s, typed);
    else
        append_user(out, d, s, typed);
    if (beta)
        APPEND_LITERAL(out, ",\"remoteTenantId\":null,\"remoteUserId\":null,\"userRoleScopeTags\":"
                            "[{\"displayName\":\"Default\",\"roleScopeTagId\":\"0\"}]");
    g_string_append_c(out, '}');
}

static void append_resource(GString *out, struct dice *d, const struct scene *s, const struct event *e, bool typed)
{
    g_string_append(out, typed ? "{\"@odata.type\":\"microsoft.graph.auditResource\"" : "{\"resourceId\":\"");
    if (!typed) {
        text_append_guid(out, d);
        g_string_append_c(out, '"');
    }
    append_member(out, d, s, "displayName", e->resource ? e->resource : "<null>"); /* so it is written there */
    append_member(out, d, s, typed ? "type" : "auditResourceType", e->resource_type);
    if (typed)
        append_member(out, d, s, "resourceId", "%g");
    APPEND_LITERAL(out, ",\"modifiedProperties\":[");
    for (int k = 0; k < MOST_CHANGES && e->changes[k].name; k++) {
        g_string_append_printf(out, "%s{\"displayName\":\"%s\"", k ? "," : "", e->changes[k].name);
        append_member(out, d, s, "oldValue", e->changes[k].before);
        append_member(out, d, s, "newValue", e->changes[k].after);
        g_string_append_c(out, '}');
    }
    APPEND_LITERAL(out, "]}");
}

void intune_append(GString *out, const struct company *c, const struct plan *plan, bool changed, bool beta)
{
    struct dice d = {plan->key};
    const struct event *e = roll_event(&d);
    struct scene s = scene_roll(&d, c, plan);
    bool typed = dice_below(&d, 4) == 0;
    const char *result = roll_result(&d);

    g_string_append(out, typed ? "{\"@odata.type\":\"#microsoft.graph.auditEvent\",\"id\":\"" : "{\"id\":\"");
    text_append_guid(out, &d);
    g_string_append_c(out, '"');
    append_member(out, &d, &s, "displayName", e->name);
    append_member(out, &d, &s, "componentName", e->component);
    append_member(out, &d, &s, "activity", changed ? "Completed at %tZ" : NULL);
    append_time(out, &d, plan);
    append_member(out, &d, &s, "activityType", e->name);
    append_member(out, &d, &s, "activityOperationType", e->operation);
    append_member(out, &d, &s, "activityResult", changed ? "Success" : result);
    append_member(out, &d, &s, "correlationId", "%g");
    append_member(out, &d, &s, "category", e->category);
    append_actor(out, &d, &s, typed, beta);
    APPEND_LITERAL(out, ",\"resources\":[");
    if (dice_below(&d, 25) > 0)
        append_resource(out, &d, &s, e, typed);
    APPEND_LITERAL(out, "]}");
}
