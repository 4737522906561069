#include "activities.h"

enum { MOST_TARGETS = 5, MOST_CHANGES = 6, MOST_DETAILS = 3 };

/* In these tables a backtick stands for the quote of JSON that is itself inside a JSON string, and NULL for null. */
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

struct kind {
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

static const struct kind kinds[] = {
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
     {{NULL, NULL}},
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
     {{NULL, NULL}},
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
     {{NULL, NULL}},
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

static struct activity activities[G_N_ELEMENTS(kinds)];

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

static char *make_targets(const struct kind *a)
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

void activities_prepare(void)
{
    for (gsize k = 0; k < G_N_ELEMENTS(kinds) && !activities[k].targets; k++)
        activities[k] = (struct activity){.name = kinds[k].name,
                                          .category = kinds[k].category,
                                          .service = kinds[k].service,
                                          .operation = kinds[k].operation,
                                          .prefix = kinds[k].prefix,
                                          .failure = kinds[k].failure,
                                          .targets = make_targets(&kinds[k])};
}

const struct activity *activities_roll(struct dice *d)
{
    uint32_t roll = dice_below(d, 1000);

    for (gsize k = 0; k < G_N_ELEMENTS(kinds); k++) {
        if (roll < kinds[k].weight)
            return &activities[k];
        roll -= kinds[k].weight;
    }
    return &activities[0];
}
