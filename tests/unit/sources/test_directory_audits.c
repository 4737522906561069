/* Directory audits: what a record of auditLogs/directoryAudits becomes. */
#include "decode_one.h"

#define USER_ADA                                                                                                       \
    "{\"user\":{\"id\":\"a-1\",\"displayName\":null,\"userPrincipalName\":\"ada@example.org\",\"ipAddress\":\"\"},"    \
    "\"app\":null}"
#define APP_PIM                                                                                                        \
    "{\"user\":null,\"app\":{\"appId\":\"p-1\",\"displayName\":\"MS-PIM\",\"servicePrincipalId\":\"p-2\","             \
    "\"servicePrincipalName\":null}}"
#define BOB                                                                                                            \
    "{\"id\":\"b-1\",\"displayName\":null,\"type\":\"User\",\"userPrincipalName\":\"bob@example.org\","                \
    "\"modifiedProperties\":[]}"
#define ADA                                                                                                            \
    "{\"id\":\"a-1\",\"displayName\":\"Ada\",\"type\":\"User\",\"userPrincipalName\":\"ADA@example.org\","             \
    "\"modifiedProperties\":[]}"
#define ROBOT                                                                                                          \
    "{\"id\":\"r-1\",\"displayName\":\"Robot\",\"type\":\"ServicePrincipal\",\"userPrincipalName\":null,"              \
    "\"modifiedProperties\":[]}"
#define NAMELESS(type) "{\"id\":\"n-1\",\"displayName\":null,\"type\":\"" type "\",\"modifiedProperties\":[]}"
#define WITH(type, name, properties)                                                                                   \
    "{\"id\":\"w-1\",\"displayName\":\"" name "\",\"type\":\"" type "\",\"modifiedProperties\":[" properties "]}"
#define BOB_WITH(properties)                                                                                           \
    "{\"id\":\"b-1\",\"type\":\"User\",\"userPrincipalName\":\"bob@example.org\",\"modifiedProperties\":[" properties  \
    "]}"
#define ADA_WITH(properties)                                                                                           \
    "{\"id\":\"a-1\",\"type\":\"User\",\"userPrincipalName\":\"ada@example.org\",\"modifiedProperties\":[" properties  \
    "]}"
#define PROPERTY(name, before, after) "{\"displayName\":\"" name "\",\"oldValue\":" before ",\"newValue\":" after "}"
#define NEW(name, value)              PROPERTY(name, "null", "\"\\\"" value "\\\"\"")
#define KEY(name, type)               "[KeyIdentifier=5b8e,KeyType=" type ",KeyUsage=Verify,DisplayName=" name "]"
#define LICENCE(name)                 "[SkuName=" name ", AccountId=x, SkuId=y, DisabledPlans=[]]"

struct example {
    const char *activity, *initiator, *targets, *summary;
};

static char *record_of(const char *activity, const char *initiator, const char *targets, const char *result,
                       const char *reason)
{
    return g_strdup_printf(
        "{\"id\":\"Directory_77777777-7777-4777-8777-777777777777_K2X9_1234567\",\"activityDateTime\":"
        "\"2026-11-20T06:00:00.02Z\",\"category\":\"RoleManagement\",\"loggedByService\":\"Core "
        "Directory\",\"activityDisplayName\":\"%s\",\"initiatedBy\":%s,\"targetResources\":[%s],"
        "\"result\":\"%s\",\"resultReason\":\"%s\",\"additionalDetails\":[{\"key\":"
        "\"invitedUserEmailAddress\",\"value\":\"carol@partner.example\"}]}",
        activity, initiator, targets, result, reason);
}

static void check(const struct example *examples, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct example *e = &examples[i];
        g_autofree char *record = record_of(e->activity, e->initiator, e->targets, "success", "");
        struct document *document = decode_one("directory-audits", record);
        assert_text(document->display_summary, e->summary);
        document_free(document);
    }
}

/* A user whose property went from an empty list to a long one. */
#define WITH_LIST                                                                                                      \
    "{\"type\":\"User\",\"userPrincipalName\":\"bob@example.org\",\"modifiedProperties\":["                            \
    "{\"displayName\":\"%s\",\"oldValue\":\"%s%s\",\"newValue\":\"%s%s%s\"}]}"

static void users_and_passwords_read_as_sentences(void **state)
{
    static const struct example examples[] = {
        {"Add user", USER_ADA, BOB, "ada@example.org created user bob@example.org"},
        {"Delete user", USER_ADA, BOB, "ada@example.org deleted user bob@example.org"},
        {"Hard Delete user", USER_ADA, BOB, "ada@example.org permanently deleted user bob@example.org"},
        {"Restore user", USER_ADA, BOB, "ada@example.org restored user bob@example.org"},
        {"Disable account", USER_ADA, BOB, "ada@example.org disabled account bob@example.org"},
        {"Enable account", USER_ADA, BOB, "ada@example.org enabled account bob@example.org"},
        {"Update user", USER_ADA,
         BOB_WITH(PROPERTY("Department", "\"[\\\"Sales\\\"]\"", "\"[\\\"IT\\\"]\"") "," NEW(
             "Included Updated Properties", "Department, JobTitle") "," NEW("TargetId.UserType", "Member")),
         "ada@example.org updated user bob@example.org: Department, JobTitle"},
        {"Update user", USER_ADA, BOB_WITH(NEW("City", "Brno") "," NEW("TargetId.UserType", "Member")),
         "ada@example.org updated user bob@example.org: City"},
        {"Update user", USER_ADA, BOB, "ada@example.org updated user bob@example.org"},
        {"Update user", USER_ADA, ADA_WITH(NEW("MobilePhone", "1")),
         "ada@example.org updated their own account: MobilePhone"},
        {"Reset user password", USER_ADA, BOB, "ada@example.org reset the password of bob@example.org"},
        {"Reset password (by admin)", USER_ADA, BOB, "ada@example.org reset the password of bob@example.org"},
        {"Change user password", USER_ADA, ADA, "ada@example.org changed their own password"},
        {"Reset password (self-service)", USER_ADA, ADA, "ada@example.org reset their own password by self-service"},
        {"Reset password (self-service)", "{\"app\":{\"displayName\":\"Microsoft password reset service\"}}", BOB,
         "bob@example.org reset their own password by self-service"},
        {"Update StsRefreshTokenValidFrom Timestamp", USER_ADA, BOB,
         "ada@example.org revoked the sessions of bob@example.org"},
        {"Change user license", USER_ADA,
         BOB_WITH(PROPERTY("AssignedLicense", "\"[]\"", "\"[\\\"" LICENCE("ENTERPRISEPACK") "\\\"]\"")),
         "ada@example.org assigned licence ENTERPRISEPACK to bob@example.org"},
        {"Change user license", USER_ADA,
         BOB_WITH(PROPERTY("AssignedLicense", "\"[\\\"" LICENCE("ENTERPRISEPACK") "\\\"]\"", "\"[]\"")),
         "ada@example.org removed licence ENTERPRISEPACK from bob@example.org"},
        {"Change user license", USER_ADA,
         BOB_WITH(PROPERTY("AssignedLicense", "\"[\\\"" LICENCE("E3") "\\\"]\"", "\"[\\\"" LICENCE("E5") "\\\"]\"")),
         "ada@example.org changed the licences of bob@example.org"},
        {"Set group license", USER_ADA,
         WITH("Group", "Staff", PROPERTY("AssignedLicense", "\"[]\"", "\"[\\\"" LICENCE("E5") "\\\"]\"")),
         "ada@example.org assigned licence E5 to group Staff"},
        {"Set group license", USER_ADA,
         WITH("Group", "Staff", PROPERTY("AssignedLicense", "\"[\\\"" LICENCE("E5") "\\\"]\"", "\"[]\"")),
         "ada@example.org removed licence E5 from group Staff"},
        {"User registered security info", USER_ADA, ADA, "ada@example.org registered security info"},
        {"Admin deleted security info", USER_ADA, BOB, "ada@example.org deleted security info of bob@example.org"},
        {"Disable Strong Authentication", USER_ADA, BOB,
         "ada@example.org disabled per-user multifactor authentication for bob@example.org"},
        {"Invite external user", USER_ADA, "", "ada@example.org invited guest carol@partner.example"},
        {"ConfirmAccountCompromised", USER_ADA, BOB, "ada@example.org confirmed bob@example.org as compromised"},
    };

    (void)state;
    check(examples, G_N_ELEMENTS(examples));
}

static void groups_and_roles_read_as_sentences(void **state)
{
    static const struct example examples[] = {
        {"Add member to role", USER_ADA,
         BOB_WITH(NEW("Role.ObjectID", "x") "," NEW("Role.DisplayName", "Global Reader")) "," NAMELESS("Role"),
         "ada@example.org added bob@example.org to role Global Reader"},
        {"Remove member from role", USER_ADA,
         BOB_WITH(PROPERTY("Role.DisplayName", "\"\\\"Global Reader\\\"\"", "null")) "," NAMELESS("Role"),
         "ada@example.org removed bob@example.org from role Global Reader"},
        {"Add member to role", USER_ADA, ADA_WITH(NEW("Role.DisplayName", "Global Administrator")),
         "ada@example.org added themselves to role Global Administrator"},
        {"Add member to role", USER_ADA,
         WITH("ServicePrincipal", "Robot", NEW("Role.DisplayName", "Directory Readers")) "," NAMELESS("Role"),
         "ada@example.org added Robot to role Directory Readers"},
        {"Add eligible member to role", USER_ADA, BOB_WITH(NEW("Role.DisplayName", "Global Reader")),
         "ada@example.org made bob@example.org eligible for role Global Reader"},
        {"Add member to group", USER_ADA,
         BOB_WITH(NEW("Group.ObjectID", "g") "," NEW("Group.DisplayName", "Staff")) "," NAMELESS("Group"),
         "ada@example.org added bob@example.org to group Staff"},
        {"Remove member from group", USER_ADA,
         BOB_WITH(PROPERTY("Group.DisplayName", "\"\\\"Staff\\\"\"", "null")) "," NAMELESS("Group"),
         "ada@example.org removed bob@example.org from group Staff"},
        {"Add member to group", USER_ADA,
         WITH("Group", "Inner", NEW("Group.DisplayName", "Outer")) "," NAMELESS("Group"),
         "ada@example.org added Inner to group Outer"},
        {"Add member to group", USER_ADA, WITH("Group", "Staff", "") "," BOB,
         "ada@example.org added bob@example.org to group Staff"}, /* the order of an older documentation */
        {"Add owner to group", USER_ADA, BOB_WITH(NEW("Group.DisplayName", "Staff")),
         "ada@example.org added bob@example.org as an owner of group Staff"},
        {"Add group", USER_ADA, WITH("Group", "Staff", ""), "ada@example.org created group Staff"},
        {"Delete group", USER_ADA, WITH("Group", "Staff", ""), "ada@example.org deleted group Staff"},
    };

    (void)state;
    check(examples, G_N_ELEMENTS(examples));
}

static void privileged_identity_management_reads_as_sentences(void **state)
{
#define PIM(member)                                                                                                    \
    WITH("Role", "Global Reader", "") "," NAMELESS("Request") "," member "," WITH("Directory", "Contoso", "")
    static const struct example examples[] = {
        {"Add member to role completed (PIM activation)", USER_ADA, PIM(ADA),
         "ada@example.org activated role Global Reader"},
        {"Add member to role completed (PIM activation)", APP_PIM, PIM(BOB),
         "MS-PIM activated role Global Reader for bob@example.org"},
        {"Add member to role requested (PIM activation)", USER_ADA, PIM(ADA),
         "ada@example.org asked to activate role Global Reader"},
        {"Add member to role request approved (PIM activation)", USER_ADA, PIM(BOB),
         "ada@example.org approved activation of role Global Reader by bob@example.org"},
        {"Remove member from role (PIM activation expired)", APP_PIM, PIM(BOB),
         "MS-PIM ended the activation of role Global Reader by bob@example.org, expired"},
        {"Add member to role in PIM completed (permanent)", USER_ADA, PIM(BOB),
         "ada@example.org assigned role Global Reader permanently to bob@example.org"},
        {"Add eligible member to role in PIM completed (timebound)", USER_ADA, PIM(BOB),
         "ada@example.org made bob@example.org eligible for role Global Reader for a limited time"},
        {"Add member to role completed (PIM activation)", USER_ADA,
         WITH("Role", "Owner", "") "," NAMELESS("Request") "," ADA "," WITH("Group", "Admins", ""),
         "ada@example.org activated role Owner of group Admins"},
        {"Add member to role in PIM completed (permanent)", USER_ADA,
         WITH("Role", "Global Reader", "") "," NAMELESS("Request") "," WITH("Group", "Admins", ""),
         "ada@example.org assigned role Global Reader permanently to Admins"},
    };

    (void)state;
    check(examples, G_N_ELEMENTS(examples));
}

static void applications_and_consent_read_as_sentences(void **state)
{
#define CONSENT(all, admin, permissions)                                                                               \
    WITH("ServicePrincipal", "Mailer",                                                                                 \
         NEW("ConsentContext.IsAdminConsent", admin) "," NEW("ConsentContext.OnBehalfOfAll",                           \
                                                             all) "," NEW("ConsentAction.Permissions", permissions))
    static const struct example examples[] = {
        {"Add application", USER_ADA, WITH("Application", "My App", ""),
         "ada@example.org registered application My App"},
        {"Update application – Certificates and secrets management ", USER_ADA,
         WITH("Application", "My App",
              PROPERTY("KeyDescription", "\"[]\"", "\"[\\\"" KEY("sync", "Password") "\\\"]\"")),
         "ada@example.org added a client secret (sync) to application My App"},
        {"Update application – Certificates and secrets management", USER_ADA,
         WITH("Application", "My App",
              PROPERTY("KeyDescription",
                       "\"[\\\"" KEY("CN=x", "AsymmetricX509Cert") "\\\",\\\"" KEY("b", "Password") "\\\"]\"",
                       "\"[\\\"" KEY("b", "Password") "\\\"]\"")),
         "ada@example.org removed a certificate (CN=x) from application My App"},
        {"Update application - Certificates and secrets management.", USER_ADA, WITH("Application", "My App", ""),
         "ada@example.org changed the credentials of application My App"},
        {"Add service principal credentials", USER_ADA,
         WITH("ServicePrincipal", "Robot",
              PROPERTY("KeyDescription", "\"[]\"", "\"[\\\"" KEY("s", "Password") "\\\"]\"")),
         "ada@example.org added a client secret (s) to service principal Robot"},
        {"Consent to application", USER_ADA,
         CONSENT("False", "False",
                 "[] => [[Id: 6O, ConsentType: Principal, Scope:  Mail.Read  offline_access, CreatedDateTime: ]]; "),
         "ada@example.org consented to application Mailer for themselves: Mail.Read, offline_access"},
        {"Consent to application", USER_ADA,
         CONSENT("True", "True",
                 "[[Id: 1, Scope: User.Read]] => [[Id: 1, Scope: User.Read Mail.Send], [Id: 2, Scope: User.Read]];"),
         "ada@example.org consented to application Mailer for all users: User.Read, Mail.Send"},
        {"Consent to application", USER_ADA, WITH("ServicePrincipal", "Mailer", ""),
         "ada@example.org consented to application Mailer"},
        {"Add app role assignment to service principal", USER_ADA,
         WITH("ServicePrincipal", "Microsoft Graph",
              NEW("AppRole.Value", "Mail.Read") "," NEW("ServicePrincipal.DisplayName", "Robot")) "," ROBOT,
         "ada@example.org granted application permission Mail.Read of Microsoft Graph to Robot"},
        {"Add delegated permission grant", USER_ADA,
         WITH("ServicePrincipal", "Microsoft Graph",
              NEW("DelegatedPermissionGrant.Scope", " openid Mail.Read") "," NEW("DelegatedPermissionGrant.ConsentType",
                                                                                 "AllPrincipals")) "," ROBOT,
         "ada@example.org granted delegated permissions openid, Mail.Read of Microsoft Graph to Robot for all users"},
        {"Add app role assignment grant to user", USER_ADA, WITH("ServicePrincipal", "Mailer", "") "," BOB,
         "ada@example.org assigned bob@example.org to application Mailer"},
        {"Add owner to application", USER_ADA,
         BOB_WITH(NEW("Application.DisplayName", "My App")) "," NAMELESS("Application"),
         "ada@example.org added bob@example.org as an owner of application My App"},
        {"Add owner to service principal", USER_ADA,
         BOB_WITH(NEW("ServicePrincipal.DisplayName", "Robot")) "," NAMELESS("ServicePrincipal"),
         "ada@example.org added bob@example.org as an owner of service principal Robot"},
    };

    (void)state;
    check(examples, G_N_ELEMENTS(examples));
}

static void policies_devices_and_domains_read_as_sentences(void **state)
{
    static const struct example examples[] = {
        {"Update conditional access policy", USER_ADA,
         WITH("Policy", "Require MFA",
              PROPERTY("ConditionalAccessPolicy", "\"{\\\"state\\\":\\\"enabled\\\"}\"",
                       "\"{\\\"state\\\":\\\"disabled\\\"}\"")),
         "ada@example.org changed conditional access policy Require MFA (now disabled)"},
        {"Update policy", USER_ADA,
         WITH("Policy", "Require MFA",
              PROPERTY("PolicyDetail", "\"[\\\"{\\\\\\\"State\\\\\\\":\\\\\\\"Enabled\\\\\\\"}\\\"]\"",
                       "\"[\\\"{\\\\\\\"State\\\\\\\":\\\\\\\"Reporting\\\\\\\"}\\\"]\"")),
         "ada@example.org changed policy Require MFA (now report-only)"},
        {"Update conditional access policy", USER_ADA,
         WITH("Policy", "Require MFA",
              PROPERTY("ConditionalAccessPolicy", "\"{\\\"state\\\":\\\"enabled\\\"}\"",
                       "\"{\\\"state\\\":\\\"enabled\\\"}\"")),
         "ada@example.org changed conditional access policy Require MFA"},
        {"Add conditional access policy", USER_ADA,
         WITH("Policy", "Require MFA",
              PROPERTY("ConditionalAccessPolicy", "null",
                       "\"{\\\"state\\\":\\\"enabledForReportingButNotEnforced\\\"}\"")),
         "ada@example.org created conditional access policy Require MFA (report-only)"},
        {"Delete Conditional Access policy", USER_ADA, WITH("Policy", "Require MFA", ""),
         "ada@example.org deleted conditional access policy Require MFA"},
        {"Add registered owner to device", USER_ADA, BOB_WITH(NEW("Device.DisplayName", "PC-1")) "," NAMELESS("Device"),
         "ada@example.org added bob@example.org as the registered owner of device PC-1"},
        {"Device no longer compliant", "{\"app\":{\"displayName\":\"Microsoft Intune\"}}", WITH("Device", "PC-1", ""),
         "Microsoft Intune found device PC-1 no longer compliant"},
        {"Set federation settings on domain", USER_ADA, WITH("Other", "example.org", ""),
         "ada@example.org changed the federation settings of domain example.org"},
        {"Verify domain", USER_ADA, WITH("Other", "example.org", ""), "ada@example.org verified domain example.org"},
        {"Read BitLocker key", USER_ADA, WITH("Device", "PC-1", ""), "ada@example.org read the BitLocker key of PC-1"},
    };

    (void)state;
    check(examples, G_N_ELEMENTS(examples));
}

static void other_activities_get_a_general_sentence(void **state)
{
    static const struct example examples[] = {
        {"Delete access package catalog", USER_ADA, WITH("Other", "Sales", ""),
         "ada@example.org deleted access package catalog (Sales)"},
        {"Approval_Act", USER_ADA, WITH("Other", "Request 7", ""), "ada@example.org: Approval_Act (Request 7)"},
        {"Something quite new", USER_ADA, "", "ada@example.org: Something quite new"},
        {"Updated MyApps feature value", USER_ADA, "", "ada@example.org updated MyApps feature value"},
        {"Add", USER_ADA, BOB, "ada@example.org: Add (bob@example.org)"},
        {"Link program control", "{}", BOB "," ROBOT "," BOB "," ROBOT "," BOB "," BOB,
         "An unknown actor linked program control (bob@example.org, Robot, bob@example.org, Robot and 2 more)"},
    };

    (void)state;
    check(examples, G_N_ELEMENTS(examples));
}

static void a_result_other_than_success_is_told_with_its_reason(void **state)
{
    static const struct {
        const char *activity, *result, *reason, *stored, *summary;
    } forms[] = {
        {"Delete user", "failure", "Insufficient privileges.", "failure",
         "ada@example.org failed to delete user bob@example.org: Insufficient privileges"},
        {"Delete user", "Failure", "", "failure", "ada@example.org failed to delete user bob@example.org"},
        {"Delete user", "failed", "<null>", "failed", "ada@example.org failed to delete user bob@example.org"},
        {"Delete user", "Timeout", "", "timeout",
         "ada@example.org tried to delete user bob@example.org, but it timed out"},
        {"Delete user", "SUCCESS", "fine", "success", "ada@example.org deleted user bob@example.org"},
        {"Delete user", "unknownFutureValue", "", "unknownFutureValue", "ada@example.org deleted user bob@example.org"},
        {"Delete program", "failure", "No such program.", "failure",
         "ada@example.org failed to delete program (bob@example.org): No such program"},
        {"Approval_Act", "failure", "No.", "failure", "ada@example.org: Approval_Act (bob@example.org) failed: No"},
        {"Blocked from self-service password reset", "failure", "Too many attempts", "failure",
         "ada@example.org was blocked from self-service password reset: Too many attempts"},
        {"Device no longer compliant", "failure", "Not sure", "failure",
         "ada@example.org found device bob@example.org no longer compliant: Not sure"},
        {"User registered security info", "success", "User registered Authenticator App with Notification and Code.",
         "success", "ada@example.org registered security info: Authenticator App with Notification and Code"},
        {"User registered security info", "failure", "User failed to register Mobile Phone SMS.", "failure",
         "ada@example.org failed to register security info: User failed to register Mobile Phone SMS"},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(forms); i++) {
        g_autofree char *record = record_of(forms[i].activity, USER_ADA, BOB, forms[i].result, forms[i].reason);
        struct document *document = decode_one("directory-audits", record);
        assert_text(document->display_summary, forms[i].summary);
        assert_text(document->result, forms[i].stored);
        document_free(document);
    }
}

static void quirk_71_an_initiator_may_be_missing_in_any_way(void **state)
{
    static const struct {
        const char *initiator, *actor;
    } forms[] = {
        {"null", "unknown"},
        {"{}", "unknown"},
        {"{\"user\":null,\"app\":null}", "unknown"},
        {"{\"user\":{}}", "unknown"},
        {"[]", "unknown"},
        {"\"ada\"", "unknown"},
        {"{\"user\":{\"userPrincipalName\":\"\",\"displayName\":\"<null>\",\"id\":\"a-1\"}}", "a-1"},
        {"{\"user\":{\"userPrincipalName\":null,\"displayName\":\"Ada\",\"id\":\"a-1\"}}", "Ada"},
        {"{\"app\":{\"displayName\":null,\"servicePrincipalName\":\"robot\",\"appId\":\"r\"}}", "robot"},
        {"{\"app\":{\"displayName\":null,\"appId\":\"r\"},\"user\":null}", "r"},
        {"{\"app\":{\"displayName\":\"Robot\"},\"user\":{\"userPrincipalName\":\"ada@example.org\"}}",
         "ada@example.org"},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(forms); i++) {
        g_autofree char *record = record_of("Add user", forms[i].initiator, BOB, "success", "");
        struct document *document = decode_one("directory-audits", record);
        assert_text(document->actor_display, forms[i].actor);
        if (strcmp(forms[i].actor, "unknown") == 0)
            assert_text(document->display_summary, "An unknown actor created user bob@example.org");
        document_free(document);
    }
}

static void all_names_of_the_actor_are_kept_for_filters(void **state)
{
    g_autofree char *record = record_of("Add user", APP_PIM, BOB, "success", "");
    struct document *document = decode_one("directory-audits", record);

    (void)state;
    assert_int_equal(document->actor_names->len, 3);
    assert_true(has_name(document, "MS-PIM"));
    assert_true(has_name(document, "p-1"));
    assert_true(has_name(document, "p-2"));
    document_free(document);
}

static void quirk_72_the_id_is_opaque_text(void **state)
{
    g_autofree char *record = record_of("Add user", USER_ADA, BOB, "success", "");
    struct document *document = decode_one("directory-audits", record);

    (void)state;
    assert_text(document->id, "Directory_77777777-7777-4777-8777-777777777777_K2X9_1234567");
    assert_text(document->dedupe_key, document->id);
    document_free(document);
}

static void quirk_73_a_missing_category_falls_back_to_the_service(void **state)
{
    static const struct {
        const char *record, *service;
    } forms[] = {
        {"{\"category\":\"GroupManagement\",\"loggedByService\":\"Core Directory\"}", "GroupManagement"},
        {"{\"category\":null,\"loggedByService\":\"Core Directory\"}", "Core Directory"},
        {"{\"loggedByService\":\"PIM\"}", "PIM"},
        {"{\"category\":null,\"loggedByService\":null}", NULL},
        {"{}", NULL},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(forms); i++) {
        struct document *document = decode_one("directory-audits", forms[i].record);
        assert_text(document->service, forms[i].service);
        assert_null(document->operation);
        assert_text(document->display_summary, "An unknown actor: an activity without a name");
        assert_text(document->target_displays, "[]");
        document_free(document);
    }
}

static void targets_are_their_first_name_each_once_in_order(void **state)
{
    g_autofree char *record = record_of("Add member to group", USER_ADA,
                                        BOB "," NAMELESS("Group") "," BOB "," ROBOT ",{},null,7", "success", "");
    struct document *document = decode_one("directory-audits", record);

    (void)state;
    assert_text(document->target_displays, "[\"bob@example.org\",\"n-1\",\"Robot\"]");
    document_free(document);
}

static void types_of_targets_are_read_in_all_spellings(void **state)
{
    static const struct example examples[] = {
        {"Add member to group", USER_ADA,
         "{\"@odata.type\":\"#microsoft.graph.TargetResourceGroup\",\"displayName\":\"Staff\"},"
         "{\"@odata.type\":\"#microsoft.graph.targetResourceUser\",\"userPrincipalName\":\"bob@example.org\"}",
         "ada@example.org added bob@example.org to group Staff"},
        {"Add member to group", USER_ADA,
         "{\"Type\":\"Group\",\"displayName\":\"Staff\"},{\"Type\":\"User\",\"userPrincipalName\":\"bob@example.org\"}",
         "ada@example.org added bob@example.org to group Staff"},
        {"Add member to group", USER_ADA,
         "{\"groupType\":\"azureAD\",\"displayName\":\"Staff\"},{\"userPrincipalName\":\"bob@example.org\"}",
         "ada@example.org added bob@example.org to group Staff"},
    };

    (void)state;
    check(examples, G_N_ELEMENTS(examples));
}

static void quirks_57_and_58_values_of_any_form_do_no_harm(void **state)
{
    static const char *const values[] = {
        "null",
        "7",
        "{}",
        "[]",
        "\"\"",
        "\"[\"",
        "\"\\\"\"",
        "\"[\\\"x\"",
        "\"{GUID}\"",
        "\"[[Id: 1]]\"",
        "\"[2001:db8::1]:443\"",
        "\"\\\"\\\"\"",
        "\"[null]\"",
        "\"[[]]\"",
        "\"[\\\"\\\"]\"",
        "\"[\\r\\n]\"",
    };
    static const char *const activities[] = {
        "Add member to role",
        "Update user",
        "Consent to application",
        "Add service principal credentials",
        "Update conditional access policy",
        "Change user license",
        "Add delegated permission grant",
        "Update application – Certificates and secrets management",
    };

    (void)state;
    for (size_t a = 0; a < G_N_ELEMENTS(activities); a++) {
        for (size_t v = 0; v < G_N_ELEMENTS(values); v++) {
            g_autofree char *targets =
                g_strdup_printf("{\"type\":\"User\",\"userPrincipalName\":\"bob@example.org\",\"modifiedProperties\":["
                                "{\"displayName\":\"Role.DisplayName\",\"oldValue\":%s,\"newValue\":%s},"
                                "{\"displayName\":\"KeyDescription\",\"oldValue\":%s,\"newValue\":%s},"
                                "{\"displayName\":\"AssignedLicense\",\"oldValue\":%s,\"newValue\":%s},"
                                "{\"displayName\":\"ConsentAction.Permissions\",\"newValue\":%s},"
                                "{\"displayName\":\"ConditionalAccessPolicy\",\"newValue\":%s},"
                                "{\"displayName\":\"Included Updated Properties\",\"newValue\":%s},%s,{}]},"
                                "{\"modifiedProperties\":%s}",
                                values[v], values[v], values[v], values[v], values[v], values[v], values[v], values[v],
                                values[v], values[v], values[v]);
            g_autofree char *record = record_of(activities[a], USER_ADA, targets, "success", "");
            struct document *document = decode_one("directory-audits", record);
            assert_true(g_str_has_prefix(document->display_summary, "ada@example.org "));
            document_free(document);
        }
    }
}

static void known_activities_get_a_sentence_even_without_targets(void **state)
{
    static const char *const activities[] = {
        "Add user",
        "Update user",
        "Delete user",
        "Disable account",
        "Change user license",
        "Change user password",
        "Reset password (self-service)",
        "Blocked from self-service password reset",
        "User registered security info",
        "Admin deleted security info",
        "Invite external user",
        "Redeem external user invite",
        "Add group",
        "Set group license",
        "Add member to group",
        "Remove owner from group",
        "Add member to role",
        "Remove eligible member from role",
        "Add member to role completed (PIM activation)",
        "Add eligible member to role in PIM completed (permanent)",
        "Update role setting in PIM",
        "Add application",
        "Update application – Certificates and secrets management",
        "Add service principal",
        "Remove service principal credentials",
        "Consent to application",
        "Add owner to application",
        "Add delegated permission grant",
        "Add app role assignment to service principal",
        "Add policy to application",
        "Update conditional access policy",
        "Update authorization policy",
        "Add named location",
        "Add device",
        "Add registered owner to device",
        "Device no longer managed",
        "Add unverified domain",
        "Set domain authentication",
        "Set company information",
        "Add member to administrative unit",
        "Accept Terms Of Use",
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(activities); i++) {
        g_autofree char *record = record_of(activities[i], USER_ADA, "", "success", "");
        struct document *document = decode_one("directory-audits", record);
        assert_true(g_str_has_prefix(document->display_summary, "ada@example.org "));
        assert_null(strpbrk(document->display_summary, "{}[]|!:"));
        document_free(document);
    }
}

static void quirk_80_names_of_activities_are_kept_as_received(void **state)
{
    static const char *const names[] = {
        "Add user.",
        "Update application – Certificates and secrets management ",
        "add USER",
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *record = record_of(names[i], USER_ADA, BOB, "success", "");
        struct document *document = decode_one("directory-audits", record);
        assert_text(document->operation, names[i]);
        assert_true(has_line(document, names[i]));
        document_free(document);
    }
}

static void quirk_56_a_thousand_targets_are_all_kept(void **state)
{
    GString *targets = g_string_new(NULL);

    (void)state;
    for (int i = 0; i < 1000; i++)
        g_string_append_printf(targets, "%s{\"id\":\"t-%d\",\"displayName\":\"Target %d\"}", i > 0 ? "," : "", i, i);
    g_autofree char *record = record_of("Bulk thing", USER_ADA, targets->str, "success", "");
    struct document *document = decode_one("directory-audits", record);
    assert_non_null(strstr(document->target_displays, "\"Target 999\"]"));
    assert_true(has_line(document, "t-999"));
    assert_text(document->display_summary,
                "ada@example.org: Bulk thing (Target 0, Target 1, Target 2, Target 3 and 996 more)");
    document_free(document);
    g_string_free(targets, TRUE);
}

/* A list in which each entry was looked for among all others took minutes, in which no other customer was served. */
static void lists_of_any_length_are_told_without_looking_at_each_pair(void **state)
{
    enum { ENTRIES = 10000 };
    static const struct {
        const char *activity, *property, *entry, *separator, *before, *after, *words;
    } lists[] = {
        {"Update user", "Included Updated Properties", "p%d", ", ", "", "", ": p0, p1, p2"},
        {"Change user license", "AssignedLicense", "\\\"[SkuName=L%d]\\\"", ",", "[", "]", " licence L0, licence L1"},
        {"Add delegated permission grant", "DelegatedPermissionGrant.Scope", "s%d", " ", "", "", "s0, s1, s2"},
        {"Consent to application", "ConsentAction.Permissions", "[Scope: s%d]", ", ", "=> [", "]", "s0, s1, s2"},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(lists); i++) {
        g_autoptr(GString) value = g_string_new(NULL);
        g_autoptr(GString) targets = g_string_new(NULL);
        for (int n = 0; n < ENTRIES; n++) {
            g_autofree char *number = g_strdup_printf("%d", n);
            g_auto(GStrv) around = g_strsplit(lists[i].entry, "%d", 2);
            g_string_append_printf(value, "%s%s%s%s", n > 0 ? lists[i].separator : "", around[0], number, around[1]);
        }
        g_string_printf(targets, WITH_LIST, lists[i].property, lists[i].before, lists[i].after, lists[i].before,
                        value->str, lists[i].after);
        g_autofree char *record = record_of(lists[i].activity, USER_ADA, targets->str, "success", "");
        struct document *document = decode_one("directory-audits", record);
        if (strstr(document->display_summary, lists[i].words) == NULL)
            fail_msg("\"%s\" does not say \"%s\"", document->display_summary, lists[i].words);
        document_free(document);
    }
}

static void quirk_62_hostile_names_stay_data(void **state)
{
    g_autofree char *record = record_of(
        "Delete user", USER_ADA,
        "{\"type\":\"User\",\"displayName\":\"{#2}[x]|\\u001b[2J\\nada@example.org deleted user eve\"}", "success", "");
    struct document *document = decode_one("directory-audits", record);

    (void)state;
    assert_text(document->display_summary,
                "ada@example.org deleted user {#2}[x]| [2J ada@example.org deleted user eve");
    document_free(document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(users_and_passwords_read_as_sentences),
        cmocka_unit_test(groups_and_roles_read_as_sentences),
        cmocka_unit_test(privileged_identity_management_reads_as_sentences),
        cmocka_unit_test(applications_and_consent_read_as_sentences),
        cmocka_unit_test(policies_devices_and_domains_read_as_sentences),
        cmocka_unit_test(other_activities_get_a_general_sentence),
        cmocka_unit_test(a_result_other_than_success_is_told_with_its_reason),
        cmocka_unit_test(quirk_71_an_initiator_may_be_missing_in_any_way),
        cmocka_unit_test(all_names_of_the_actor_are_kept_for_filters),
        cmocka_unit_test(quirk_72_the_id_is_opaque_text),
        cmocka_unit_test(quirk_73_a_missing_category_falls_back_to_the_service),
        cmocka_unit_test(targets_are_their_first_name_each_once_in_order),
        cmocka_unit_test(types_of_targets_are_read_in_all_spellings),
        cmocka_unit_test(quirks_57_and_58_values_of_any_form_do_no_harm),
        cmocka_unit_test(known_activities_get_a_sentence_even_without_targets),
        cmocka_unit_test(quirk_80_names_of_activities_are_kept_as_received),
        cmocka_unit_test(quirk_56_a_thousand_targets_are_all_kept),
        cmocka_unit_test(lists_of_any_length_are_told_without_looking_at_each_pair),
        cmocka_unit_test(quirk_62_hostile_names_stay_data),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
