#include "audit.h"

#include <string.h>

#include "ticks.h"

enum { MOST_TARGETS = 5, MOST_CHANGES = 6, MOST_DETAILS = 3 };

/* The tables below hold the insides of JSON strings as they go over the wire, with these marks for what varies:
 *   %i %u %n %N  id, address, name, name inside nested JSON of the person it was done to
 *   %r %R        a role's name and id          %o %O  a group's name and id
 *   %a %A        an app's name and id          %g     a fresh GUID
 *   %t           the moment, seven digits      %d     a digit
 * and a backtick for the quote of JSON that is itself inside a JSON string. NULL is null. */
struct change {
    const char *name, *before, *after;
};

struct target {
    const char *type, *id, *name, *upn, *group_type;
    struct change changes[MOST_CHANGES];
};

struct detail {
    const char *key, *value;
};

struct activity {
    const char *name, *category, *service, *operation, *prefix;
    uint32_t weight;
    struct target targets[MOST_TARGETS];
    struct detail details[MOST_DETAILS];
    const char *failure;
};

#define THE_USER .type = "User", .id = "%i", .name = "%n", .upn = "%u"
#define THE_AGENT                                                                                                      \
    {                                                                                                                  \
        "User-Agent", "Mozilla\\/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit\\/537.36 (KHTML, like Gecko) "          \
                      "Chrome\\/126.0.0.0 Safari\\/537.36"                                                             \
    }
#define CORE "Core Directory"
#define SSPR "Self-service Password Management"

static const struct activity activities[] = {
    {"Add member to role",
     "RoleManagement",
     CORE,
     "Assign",
     "Directory",
     90,
     {{THE_USER, .changes = {{"Role.ObjectID", NULL, "`%R`"},
                             {"Role.DisplayName", NULL, "`%r`"},
                             {"Role.TemplateId", NULL, "`%g`"},
                             {"Role.WellKnownObjectName", NULL, "`TenantAdmins`"}}},
      {.type = "Role", .id = "%R", .name = "%r"}},
     {THE_AGENT},
     "Insufficient privileges to complete the operation."},
    {"Add eligible member to role in PIM completed (timebound)",
     "RoleManagement",
     "PIM",
     "CreateRequestApproved",
     "PIM",
     40,
     {{.type = "Role",
       .id = "%R",
       .name = "%r",
       .changes = {{"RoleDefinitionOriginId", "", "%R"}, {"TemplateId", "", "%g"}}},
      {.type = "Request", .id = "%g"},
      {THE_USER},
      {.type = "Directory", .id = "%g", .name = "Contoso"},
      {.type = "Other", .id = "%R", .name = "%r"}},
     {{"StartTime", "%tZ"}, {"Justification", "Ticket INC%d%d%d%d%d: on call over the weekend"}, {"ipaddr", NULL}},
     "The role assignment already exists."},
    {"Add user",
     "UserManagement",
     CORE,
     "Add",
     "Directory",
     80,
     {{THE_USER,
       .changes = {{"AccountEnabled", "[]", "[true]"},
                   {"DisplayName", "[]", "[`%N`]"},
                   {"StsRefreshTokensValidFrom", "[]", "[`%tZ`]"},
                   {"UserPrincipalName", "[]", "[`%u`]"},
                   {"UserType", "[]", "[`Member`]"},
                   {"Included Updated Properties", NULL,
                    "`AccountEnabled, DisplayName, StsRefreshTokensValidFrom, UserPrincipalName, UserType`"}}}},
     {THE_AGENT, {"AppId", "%g"}},
     "Microsoft.Online.Workflows.UserPrincipalNameAlreadyExistsException"},
    {"Update user",
     "UserManagement",
     CORE,
     "Update",
     "Directory",
     220,
     {{THE_USER, .changes = {{"Department", "[`Research \\/ Forschung`]", "[`Sales`]"},
                             {"JobTitle", "[]", "[`Kierownik działu`]"},
                             {"Included Updated Properties", NULL, "`Department, JobTitle`"},
                             {"TargetId.UserType", NULL, "`Member`"}}}},
     {{"UserType", "Member"}},
     "Unable to update the specified properties."},
    {"Reset user password",
     "UserManagement",
     CORE,
     "Update",
     "Directory",
     60,
     {{THE_USER, .changes = {{"ForceChangePassword", "[false]", "[true]"}}}},
     {THE_AGENT},
     "Microsoft.Online.DirectoryServices.DirectoryUniquenessException"},
    {"Reset password (self-service)",
     "UserManagement",
     SSPR,
     "Update",
     "SSPR",
     40,
     {{THE_USER}},
     {{"OnPremisesAgent", "None"}, {"MethodsUsedForValidation", "Mobile phone SMS, Email"}, THE_AGENT},
     "OnPremisesConnectivityError: the writeback service cannot be reached\\u2026"},
    {"Change password (self-service)",
     "UserManagement",
     SSPR,
     "Update",
     "SSPR",
     30,
     {{THE_USER}},
     {{"OnPremisesAgent", "AAD"}, THE_AGENT},
     "PasswordPolicyError"},
    {"Consent to application",
     "ApplicationManagement",
     CORE,
     "Assign",
     "Directory",
     40,
     {{.type = "ServicePrincipal",
       .id = "%g",
       .name = "%a",
       .changes = {{"ConsentContext.IsAdminConsent", NULL, "`True`"},
                   {"ConsentContext.OnBehalfOfAll", NULL, "`True`"},
                   {"ConsentAction.Permissions", NULL,
                    "`[] => [[Id: %g, ClientId: %g, PrincipalId: , ResourceId: %g, ConsentType: AllPrincipals, Scope: "
                    "Mail.Read offline_access User.Read, CreatedDateTime: , LastModifiedDateTime ]]; `"},
                   {"ServicePrincipal.Name", NULL, "`%A`"}}}},
     {THE_AGENT, {"AppId", "%A"}},
     "Microsoft.Online.Security.UserConsentBlockedForRiskyAppsException"},
    {"Add service principal",
     "ApplicationManagement",
     CORE,
     "Add",
     "Directory",
     40,
     {{.type = "ServicePrincipal",
       .id = "%g",
       .name = "%a",
       .changes = {{"AccountEnabled", "[]", "[true]"},
                   {"AppPrincipalId", "[]", "[`%A`]"},
                   {"DisplayName", "[]", "[`%a`]"},
                   {"Credential", "[]", "[{`CredentialType`:2,`KeyStoreId`:`%g`,`KeyGroupId`:`%g`}]"}}}},
     {{NULL}},
     "The application is disabled in its home tenant."},
    {"Update application \\u2013 Certificates and secrets management ",
     "ApplicationManagement",
     CORE,
     "Update",
     "Directory",
     40,
     {{.type = "Application",
       .id = "%g",
       .name = "%a",
       .changes = {{"KeyDescription",
                    "[`[KeyIdentifier=%g,KeyType=AsymmetricX509Cert,KeyUsage=Verify,DisplayName=CN=collector]`]",
                    "[`[KeyIdentifier=%g,KeyType=AsymmetricX509Cert,KeyUsage=Verify,DisplayName=CN=collector]`,"
                    "`[KeyIdentifier=%g,KeyType=Password,KeyUsage=Verify,DisplayName=rotated \\/ %tZ]`]"},
                   {"Included Updated Properties", NULL, "`KeyDescription`"}}}},
     {THE_AGENT},
     "Key credential is invalid."},
    {"Add member to group",
     "GroupManagement",
     CORE,
     "Assign",
     "Directory",
     110,
     {{THE_USER, .changes = {{"Group.ObjectID", NULL, "`%O`"},
                             {"Group.DisplayName", NULL, "`%o`"},
                             {"Group.WellKnownObjectName", NULL, NULL}}},
      {.type = "Group", .id = "%O", .group_type = "unifiedGroups"}},
     {{NULL}},
     "One or more added object references already exist for the following modified properties: 'members'."},
    {"Remove member from group",
     "GroupManagement",
     "Self-service Group Management",
     "Unassign",
     "SSGM",
     60,
     {{THE_USER, .changes = {{"Group.ObjectID", "`%O`", NULL}}},
      {.type = "Group", .id = "%O", .name = "%o", .group_type = "azureAD"}},
     {{"GroupType", "azureAD"}},
     "NotFound"},
    {"Invite external user",
     "UserManagement",
     "Invited Users",
     "Add",
     "Directory",
     30,
     {{.type = "User",
       .id = "%g",
       .name = "UPN: guest.%d%d%d_fabrikam.example#EXT#@contoso.example, Email: guest.%d%d%d@fabrikam.example, "
               "InvitationId: "
               "%g, "
               "Source: OTP"}},
     {{"InvitedUserEmailAddress", "guest.%d%d%d@fabrikam.example"}},
     "Invitations to the domain are blocked by policy."},
    {"Disable account",
     "UserManagement",
     CORE,
     "Update",
     "Directory",
     30,
     {{THE_USER, .changes = {{"AccountEnabled", "[true]", "[false]"},
                             {"Included Updated Properties", NULL, "`AccountEnabled`"}}}},
     {THE_AGENT},
     "Insufficient privileges to complete the operation."},
    {"Delete user",
     "UserManagement",
     CORE,
     "Delete",
     "Directory",
     30,
     {{THE_USER, .changes = {{"Is Hard Deleted", NULL, "`False`"}}}},
     {THE_AGENT},
     "Insufficient privileges to complete the operation."},
    {"Set Company Information",
     "DirectoryManagement",
     CORE,
     "Update",
     "Directory",
     15,
     {{.type = "N/A",
       .id = "%g",
       .name = "Contoso a.s.",
       .changes = {{"TechnicalNotificationMail", "[]", "[`postmaster@contoso.example`]"},
                   {"StrongAuthenticationPolicy", "[]",
                    "[{`Enabled`:true,`Rules`:[{`RelyingParties`:[`*`],`SelectionConditions`:[{`Claim`:3,`Operator`:0,"
                    "`Value`:[`<b>no & such</b>`]}]}]}]"}}}},
     {{NULL}},
     "The service is temporarily unavailable."},
    {"Update conditional access policy",
     "Policy",
     "Conditional Access",
     "Update",
     "Directory",
     45,
     {{.type = "Policy",
       .id = "%g",
       .name = "Block countries outside the list",
       .changes =
           {{"ConditionalAccessPolicy",
             "{`id`:`%g`,`state`:`enabledForReportingButNotEnforced`,`conditions`:{`users`:{`includeUsers`:[`All`],"
             "`excludeUsers`:[`%i`]},`applications`:{`includeApplications`:[`All`]}}}",
             "{`id`:`%g`,`state`:`enabled`,`conditions`:{`users`:{`includeUsers`:[`All`],`excludeUsers`:[`%i`]},"
             "`applications`:{`includeApplications`:[`All`]},`locations`:{`includeLocations`:[`AllTrusted`]}}}"}}}},
     {{"Category", "Conditional Access"}},
     "Policy with the same name exists."},
};

/* The part of a record that the tables describe, with the marks still in it: one text for each activity. */
static char *templates[G_N_ELEMENTS(activities)];

static void add_member(GString *out, const char *name, const char *value)
{
    g_string_append_printf(out, "%s\"%s\":", g_str_has_suffix(out->str, "{") ? "" : ",", name);
    if (!value) {
        APPEND_LITERAL(out, "null");
        return;
    }
    g_string_append_c(out, '"');
    for (; *value; value++) {
        if (*value == '`')
            APPEND_LITERAL(out, "\\\"");
        else
            g_string_append_c(out, *value);
    }
    g_string_append_c(out, '"');
}

static void add_target(GString *out, const struct target *t)
{
    APPEND_LITERAL(out, "{");
    add_member(out, "id", t->id);
    add_member(out, "displayName", t->name);
    add_member(out, "type", t->type);
    add_member(out, "userPrincipalName", t->upn);
    add_member(out, "groupType", t->group_type);
    APPEND_LITERAL(out, ",\"modifiedProperties\":[");
    for (int k = 0; k < MOST_CHANGES && t->changes[k].name; k++) {
        g_string_append(out, k ? ",{" : "{");
        add_member(out, "displayName", t->changes[k].name);
        add_member(out, "oldValue", t->changes[k].before);
        add_member(out, "newValue", t->changes[k].after);
        g_string_append_c(out, '}');
    }
    APPEND_LITERAL(out, "]}");
}

static char *make_template(const struct activity *a)
{
    GString *out = g_string_new(",\"targetResources\":[");

    for (int k = 0; k < MOST_TARGETS && a->targets[k].type; k++) {
        g_string_append(out, k ? "," : "");
        add_target(out, &a->targets[k]);
    }
    APPEND_LITERAL(out, "],\"additionalDetails\":[");
    for (int k = 0; k < MOST_DETAILS && a->details[k].key; k++) {
        g_string_append(out, k ? ",{" : "{");
        add_member(out, "key", a->details[k].key);
        add_member(out, "value", a->details[k].value);
        g_string_append_c(out, '}');
    }
    APPEND_LITERAL(out, "]}");
    return g_string_free(out, FALSE);
}

void audit_prepare(void)
{
    for (gsize k = 0; k < G_N_ELEMENTS(activities); k++)
        if (!templates[k])
            templates[k] = make_template(&activities[k]);
}

enum { NAMES = 6 };
static const struct {
    const char *name, *id;
} roles[NAMES] =
    {
        {"Global Administrator", "62e90394-69f5-4237-9190-012177145e10"},
        {"Global Reader", "f2ef992c-3afb-46b9-b7cf-a126ee74c451"},
        {"User Administrator", "fe930be7-5e62-47db-91af-98c3a49a38b1"},
        {"Exchange Administrator", "29232cdf-9323-42fd-ade2-1d097af3e4de"},
        {"Security Reader", "5d6b6bb7-de71-4623-b4af-96380a352509"},
        {"Helpdesk Administrator", "729827e3-9c14-49f7-bb1b-9608f156bbb8"},
},
  groups[NAMES] = {
      {"All staff", "6a0b9e00-0000-4000-8000-0000000006a1"},
      {"Vertrieb \\u0026 Einkauf", "6a0b9e00-0000-4000-8000-0000000006a2"},
      {"研究開発", "6a0b9e00-0000-4000-8000-0000000006a3"},
      {"VPN users (legacy)", "6a0b9e00-0000-4000-8000-0000000006a4"},
      {"=cmd|' \\/C calc'!A0", "6a0b9e00-0000-4000-8000-0000000006a5"},
      {"Projekt \\ud83d\\ude80", "6a0b9e00-0000-4000-8000-0000000006a6"},
};

struct scene {
    const struct plan *plan;
    const struct person *actor, *target;
    uint32_t role, group, app;
};

static void append_mark(GString *out, struct dice *d, const struct scene *s, char mark)
{
    switch (mark) {
    case 'i':
        text_append(out, &s->target->id);
        break;
    case 'u':
        text_append(out, &s->target->upn);
        break;
    case 'n':
        text_append(out, &s->target->name);
        break;
    case 'N':
        text_append(out, &s->target->nested);
        break;
    case 'r':
        g_string_append(out, roles[s->role].name);
        break;
    case 'R':
        g_string_append(out, roles[s->role].id);
        break;
    case 'o':
        g_string_append(out, groups[s->group].name);
        break;
    case 'O':
        g_string_append(out, groups[s->group].id);
        break;
    case 'a':
        g_string_append(out, company_apps[s->app].name);
        break;
    case 'A':
        g_string_append(out, company_apps[s->app].id);
        break;
    case 't':
        ticks_append_iso(out, s->plan->time, 7);
        break;
    case 'd':
        g_string_append_c(out, (char)('0' + dice_below(d, 10)));
        break;
    default:
        text_append_guid(out, d);
    }
}

static void append_marked(GString *out, struct dice *d, const struct scene *s, const char *text)
{
    for (const char *mark; (mark = strchr(text, '%')) != NULL; text = mark + 2) {
        g_string_append_len(out, text, mark - text);
        append_mark(out, d, s, mark[1]);
    }
    g_string_append(out, text);
}

static const struct activity *roll_activity(struct dice *d)
{
    uint32_t roll = dice_below(d, 1000);

    for (gsize k = 0; k < G_N_ELEMENTS(activities); k++) {
        if (roll < activities[k].weight)
            return &activities[k];
        roll -= activities[k].weight;
    }
    return &activities[3];
}

static void append_actor(GString *out, const struct scene *s, uint32_t address, bool open_type)
{
    APPEND_LITERAL(out, "\"user\":{\"id\":\"");
    text_append(out, &s->actor->id);
    APPEND_LITERAL(out, "\",\"displayName\":null,\"userPrincipalName\":\"");
    text_append(out, &s->actor->upn);
    if (address < 100)
        APPEND_LITERAL(out, "\",\"ipAddress\":\"\"");
    else
        g_string_append_printf(out, "\",\"ipAddress\":\"203.0.113.%u\"", address);
    if (open_type)
        APPEND_LITERAL(out, ",\"userType\":\"Member\",\"homeTenantId\":null,\"homeTenantName\":null");
    APPEND_LITERAL(out, ",\"roles\":[]}");
}

/* A user, an app, neither, or a user with the other key left out. */
static void append_initiator(GString *out, struct dice *d, const struct scene *s)
{
    uint32_t form = dice_below(d, 100), address = dice_below(d, 254);

    APPEND_LITERAL(out, ",\"initiatedBy\":{");
    if (form < 4) {
        APPEND_LITERAL(out, "\"user\":null,\"app\":null");
    } else if (form < 24) {
        APPEND_LITERAL(
            out, "\"user\":null,\"app\":{\"appId\":null,\"displayName\":\"Microsoft Azure AD Internal \\u2013 Sync\","
                 "\"servicePrincipalId\":\"");
        text_append_guid(out, d);
        APPEND_LITERAL(out, "\",\"servicePrincipalName\":null}");
    } else {
        append_actor(out, s, address, form > 90);
        if (form > 28)
            APPEND_LITERAL(out, ",\"app\":null");
    }
    g_string_append_c(out, '}');
}

static void append_head(GString *out, struct dice *d, const struct plan *plan, const struct activity *a)
{
    static const char letters[] = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    struct dice guid = *d;

    APPEND_LITERAL(out, "{\"id\":\"");
    g_string_append(out, a->prefix);
    g_string_append_c(out, '_');
    text_append_guid(out, d);
    g_string_append_c(out, '_');
    for (int k = 0; k < 5; k++)
        g_string_append_c(out, letters[dice_below(d, 32)]);
    g_string_append_c(out, '_');
    for (int k = 0; k < 8; k++)
        g_string_append_c(out, (char)('0' + dice_below(d, 10)));
    APPEND_LITERAL(out, "\",\"category\":");
    if (dice_below(d, 500) == 0)
        APPEND_LITERAL(out, "null");
    else
        g_string_append_printf(out, "\"%s\"", a->category);
    APPEND_LITERAL(out, ",\"correlationId\":\"");
    text_append_guid(out, &guid); /* the id carries the correlation id */
    APPEND_LITERAL(out, "\",\"activityDateTime\":\"");
    ticks_append_iso(out, plan->time, plan->digits);
    g_string_append(out, dice_below(d, 50) == 0 ? "+00:00\"" : "Z\"");
}

static void append_result(GString *out, struct dice *d, const struct activity *a, bool changed)
{
    uint32_t roll = dice_below(d, 100);

    if (changed) {
        APPEND_LITERAL(out, ",\"result\":\"success\",\"resultReason\":\"Completed after review\"");
    } else if (roll < 90) {
        APPEND_LITERAL(out, ",\"result\":\"success\",\"resultReason\":\"\"");
    } else if (roll < 92) {
        APPEND_LITERAL(out, ",\"result\":\"timeout\",\"resultReason\":null");
    } else {
        APPEND_LITERAL(out, ",\"result\":\"failure\",\"resultReason\":\"");
        g_string_append(out, a->failure);
        g_string_append_c(out, '"');
    }
}

void audit_append(GString *out, const struct company *c, const struct plan *plan, bool changed)
{
    struct dice d = {plan->key};
    const struct activity *a = roll_activity(&d);
    struct scene s = {.plan = plan};

    s.actor = &c->people[dice_below(&d, 12)]; /* few administrators do most of it */
    s.target = &c->people[dice_below(&d, COMPANY_USERS)];
    s.role = dice_below(&d, NAMES);
    s.group = dice_below(&d, NAMES);
    s.app = dice_below(&d, company_app_count);

    append_head(out, &d, plan, a);
    append_result(out, &d, a, changed);
    g_string_append_printf(out, ",\"activityDisplayName\":\"%s\",\"loggedByService\":\"%s\",\"operationType\":\"%s\"",
                           a->name, a->service, a->operation);
    append_initiator(out, &d, &s);
    append_marked(out, &d, &s, templates[a - activities]);
}
