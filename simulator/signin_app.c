#include "signin_parts.h"

/* Apps of the company that sign in by themselves; the texts are the insides of JSON strings. */
static const struct {
    const char *name, *resource; /* of an Azure resource, for managed identities */
} workloads[] = {
    {"contoso-backup", "virtualMachines/vm-backup-01"},
    {"GitHub Actions \\u2013 deploy", "virtualMachineScaleSets/vmss-runner"},
    {"Žaloha \\/ archiv", "virtualMachines/archiv"},
    {"terraform-ci 🚀", "virtualMachines/ci-1"},
    {"aks-prod-agentpool", "virtualMachineScaleSets/aks-agentpool-1"},
    {"fn-expenses", "sites/fn-expenses"},
    {"監査 collector", "sites/audit-collector"},
    {"", "virtualMachines/unnamed"},
};

/* How an app's sign-in ended; weight in per mille. */
static const struct {
    uint32_t weight;
    const char *status;
} outcomes[] = {
    {900, "{\"errorCode\":0,\"failureReason\":\"Other.\",\"additionalDetails\":null}"},
    {40, "{\"errorCode\":7000215,\"failureReason\":\"Invalid client secret is provided.\",\"additionalDetails\":null}"},
    {30, "{\"errorCode\":7000222,\"failureReason\":\"The provided client secret keys are expired.\","
         "\"additionalDetails\":\"\"}"},
    {20, "{\"errorCode\":700027,\"failureReason\":\"Client assertion contains an invalid signature.\","
         "\"additionalDetails\":null}"},
    {10, "{\"errorCode\":53003,\"failureReason\":\"Access has been blocked by Conditional Access policies. The access "
         "policy does not allow token issuance.\",\"additionalDetails\":null}"},
};

static const char *roll_status(struct dice *d, enum source source)
{
    uint32_t roll = source == SOURCE_MANAGED_IDENTITY ? 0 : dice_below(d, 1000);

    for (gsize k = 0; k < G_N_ELEMENTS(outcomes); k++) {
        if (roll < outcomes[k].weight)
            return outcomes[k].status;
        roll -= outcomes[k].weight;
    }
    return outcomes[0].status;
}

/* An app's own ids are the same in all of its sign-ins. */
static struct dice app_dice(const struct company *c, uint32_t app, uint64_t what)
{
    return (struct dice){dice_mix(dice_mix(g_str_hash(c->tenant), app), what)};
}

static void append_app_guid(GString *out, const struct company *c, uint32_t app, uint64_t what)
{
    struct dice d = app_dice(c, app, what);

    text_append_guid(out, &d);
}

static void append_who(GString *out, struct dice *d, const struct company *c, uint32_t app)
{
    const struct company_app *resource = &company_apps[dice_below(d, company_app_count)];

    APPEND_LITERAL(out, ",\"userDisplayName\":null,\"userPrincipalName\":null,\"userId\":\"\",\"appId\":\"");
    append_app_guid(out, c, app, 1);
    g_string_append_printf(out,
                           "\",\"appDisplayName\":\"%s\",\"resourceId\":\"%s\",\"resourceDisplayName\":\"%s\","
                           "\"resourceTenantId\":\"%s\",\"homeTenantId\":\"\",\"servicePrincipalId\":\"",
                           workloads[app].name, resource->resource_id, resource->resource, c->tenant);
    append_app_guid(out, c, app, 2);
    g_string_append_printf(out, "\",\"servicePrincipalName\":\"%s\",\"resourceServicePrincipalId\":\"",
                           workloads[app].name);
    append_app_guid(out, c, app, 3);
    g_string_append_c(out, '"');
}

/* Managed identities live inside Microsoft's network: there is no address, and no place. */
static void append_where(GString *out, struct dice *d, const struct company *c, enum source source)
{
    APPEND_LITERAL(out, ",\"ipAddress\":");
    if (source == SOURCE_MANAGED_IDENTITY) {
        g_string_append(out, dice_below(d, 2) == 0 ? "\"\"" : "null");
        APPEND_LITERAL(out, ",\"location\":{\"city\":\"\",\"state\":\"\",\"countryOrRegion\":\"\",\"geoCoordinates\":{"
                            "\"altitude\":null,\"latitude\":null,\"longitude\":null}}");
    } else {
        signin_append_address(out, d);
        APPEND_LITERAL(out, ",\"location\":");
        text_append(out, &c->places[dice_below(d, company_place_count)]);
    }
    APPEND_LITERAL(out, ",\"clientAppUsed\":\"\",\"userAgent\":");
    g_string_append(out, dice_below(d, 3) == 0 ? "\"python-requests\\/2.32.3\"" : "\"\"");
    APPEND_LITERAL(out,
                   ",\"deviceDetail\":{\"deviceId\":\"\",\"displayName\":null,\"operatingSystem\":\"\",\"browser\":"
                   "\"\",\"isCompliant\":null,\"isManaged\":null,\"trustType\":null},\"correlationId\":\"");
    text_append_guid(out, d);
    g_string_append_c(out, '"');
}

static void append_credential(GString *out, struct dice *d, const struct company *c, enum source source, uint32_t app)
{
    static const char *const kinds[] = {"clientSecret", "certificate", "clientAssertion",
                                        "federatedIdentityCredential"};
    uint32_t kind = dice_below(d, 4);
    struct dice key = app_dice(c, app, 4);

    if (source == SOURCE_MANAGED_IDENTITY) {
        APPEND_LITERAL(out, ",\"clientCredentialType\":\"managedIdentity\",\"servicePrincipalCredentialKeyId\":\"\","
                            "\"servicePrincipalCredentialThumbprint\":\"\"");
        return;
    }
    g_string_append_printf(out, ",\"clientCredentialType\":\"%s\",\"servicePrincipalCredentialKeyId\":\"", kinds[kind]);
    append_app_guid(out, c, app, 5);
    APPEND_LITERAL(out, "\",\"servicePrincipalCredentialThumbprint\":\"");
    for (int k = 0; kind == 1 && k < 5; k++)
        g_string_append_printf(out, "%08X", dice_below(&key, UINT32_MAX));
    g_string_append_c(out, '"');
}

static void append_identity(GString *out, const struct company *c, enum source source, uint32_t app)
{
    if (source == SOURCE_SERVICE_PRINCIPAL) {
        APPEND_LITERAL(out, ",\"managedServiceIdentity\":null");
        return;
    }
    g_string_append_printf(
        out, ",\"managedServiceIdentity\":{\"msiType\":\"%s\",\"associatedResourceId\":\"\\/subscriptions\\/",
        app % 2 == 0 ? "systemAssigned" : "userAssigned");
    append_app_guid(out, c, app, 6);
    g_string_append_printf(
        out,
        "\\/resourcegroups\\/rg-prod\\/providers\\/Microsoft.Compute\\/%s\",\"federatedTokenId\":null,"
        "\"federatedTokenIssuer\":null}",
        workloads[app].resource);
}

static void append_rest(GString *out, struct dice *d, const struct company *c, enum source source)
{
    APPEND_LITERAL(out, ",\"uniqueTokenIdentifier\":\"");
    for (int k = 0; k < 22; k++)
        g_string_append_c(out, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef-_"[dice_below(d, 34)]);
    g_string_append_printf(
        out,
        "\",\"signInEventTypes\":[\"%s\"],\"appliedConditionalAccessPolicies\":[],\"authenticationDetails\":[],"
        "\"authenticationRequirement\":\"\",\"authenticationProtocol\":\"none\",\"incomingTokenType\":\"none\","
        "\"authenticationMethodsUsed\":[],\"authenticationProcessingDetails\":[{\"key\":\"Is CAE Token\",\"value\":"
        "\"False\"}],\"networkLocationDetails\":[],\"authenticationRequirementPolicies\":[],"
        "\"sessionLifetimePolicies\":[],\"sessionId\":null,\"originalRequestId\":\"\",\"tokenIssuerName\":\"\","
        "\"tokenIssuerType\":\"AzureAD\",\"userType\":null,\"crossTenantAccessType\":\"none\",\"homeTenantName\":\"\","
        "\"isTenantRestricted\":false,\"flaggedForReview\":false,\"federatedCredentialId\":\"\","
        "\"processingTimeInMilliseconds\":%u,\"autonomousSystemNumber\":%s",
        source_classes[source], dice_below(d, 400), source == SOURCE_MANAGED_IDENTITY ? "null" : "8075");
    if (dice_below(d, 8) == 0) {
        g_string_append_c(out, ',');
        text_append(out, &c->tenant_members); /* homeTenantId once more, and another one */
    }
    g_string_append_c(out, '}');
}

void signin_append_app(GString *out, const struct company *c, enum source source, const struct plan *plan, bool changed)
{
    struct dice d = {plan->key};

    signin_append_head(out, &d, plan);
    uint32_t app = dice_below(&d, G_N_ELEMENTS(workloads));
    append_who(out, &d, c, app);
    append_where(out, &d, c, source);
    APPEND_LITERAL(out, ",\"isInteractive\":");
    g_string_append(out, dice_below(&d, 4) == 0 ? "null" : "false");
    APPEND_LITERAL(out, ",\"conditionalAccessStatus\":\"notApplied\"");
    signin_append_risk(out, &d, changed);
    APPEND_LITERAL(out, ",\"status\":");
    g_string_append(out, roll_status(&d, source));
    append_credential(out, &d, c, source, app);
    append_identity(out, c, source, app);
    append_rest(out, &d, c, source);
}
