#include "signin_parts.h"
#include "ticks.h"

/* The second value of a member that stands there twice: the reference's own example of a sign-in does that. */
static void append_doubled(GString *out, struct dice *d, const struct company *c, const char *token)
{
    uint32_t roll = dice_below(d, 8);

    if (roll == 0) {
        g_string_append_c(out, ',');
        text_append(out, &c->tenant_members);
    }
    if (roll <= 1)
        g_string_append_printf(out, ",\"uniqueTokenIdentifier\":\"%s\"", token);
}

static void append_tokens(GString *out, struct dice *d, const struct company *c, enum source source)
{
    static const char *const incoming[] = {"primaryRefreshToken", "refreshToken", "none", "remoteDesktopToken",
                                           "unknownFutureValue"};
    static const char *const protocols[] = {"oAuth2", "oAuth2", "none", "saml20", "deviceCode", "wsFederation", "ropc"};
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    char token[23];

    for (gsize k = 0; k < sizeof(token) - 1; k++)
        token[k] = letters[dice_below(d, 64)];
    token[sizeof(token) - 1] = '\0';
    g_string_append_printf(
        out, ",\"signInEventTypes\":[\"%s\"],\"uniqueTokenIdentifier\":\"%s\",\"incomingTokenType\":\"%s\"",
        source_classes[source], token, source == SOURCE_SIGN_INS ? "none" : incoming[dice_below(d, 5)]);
    g_string_append_printf(out,
                           ",\"authenticationProtocol\":\"%s\",\"originalRequestId\":", protocols[dice_below(d, 7)]);
    if (source == SOURCE_SIGN_INS && dice_below(d, 4) == 0) {
        APPEND_LITERAL(out, "\"\"");
    } else {
        g_string_append_c(out, '"');
        text_append_guid(out, d);
        g_string_append_c(out, '"');
    }
    if (dice_below(d, 3) == 0) {
        APPEND_LITERAL(out, ",\"sessionId\":null");
    } else {
        APPEND_LITERAL(out, ",\"sessionId\":\"");
        text_append_guid(out, d);
        g_string_append_c(out, '"');
    }
    append_doubled(out, d, c, token);
}

/* The steps of the sign-in: none where a token was enough. */
static void append_steps(GString *out, struct dice *d, enum source source, const struct plan *plan)
{
    static const char *const steps[] = {
        "\"authenticationMethod\":\"Password\",\"authenticationMethodDetail\":\"Password Hash "
        "Sync\",\"succeeded\":true,"
        "\"authenticationStepResultDetail\":\"Correct password\",\"authenticationStepRequirement\":\"Primary "
        "authentication\"",
        "\"authenticationMethod\":\"Mobile app notification\",\"authenticationMethodDetail\":null,\"succeeded\":true,"
        "\"authenticationStepResultDetail\":\"MFA completed in Azure AD\",\"authenticationStepRequirement\":\"\"",
        "\"authenticationMethod\":\"Previously satisfied\",\"authenticationMethodDetail\":\"\",\"succeeded\":true,"
        "\"authenticationStepResultDetail\":\"MFA requirement satisfied by claim in the token\","
        "\"authenticationStepRequirement\":null",
        "\"authenticationMethod\":\"FIDO2 security key\",\"authenticationMethodDetail\":\"Žofie\\u2019s key\","
        "\"succeeded\":true,\"authenticationStepResultDetail\":null,\"authenticationStepRequirement\":\"Primary "
        "authentication\"",
    };
    uint32_t count = source == SOURCE_SIGN_INS ? 1 + dice_below(d, 2) : dice_below(d, 2);

    APPEND_LITERAL(out, ",\"authenticationDetails\":[");
    for (uint32_t k = 0; k < count; k++) {
        g_string_append(out, k > 0 ? ",{\"authenticationStepDateTime\":\"" : "{\"authenticationStepDateTime\":\"");
        ticks_append_iso(out, plan->time + k * TICKS_PER_SECOND, 0);
        g_string_append_printf(out, "Z\",%s}", steps[dice_below(d, G_N_ELEMENTS(steps))]);
    }
    g_string_append_printf(out, "],\"authenticationRequirement\":\"%s\"",
                           dice_below(d, 3) == 0 ? "multiFactorAuthentication" : "singleFactorAuthentication");
    APPEND_LITERAL(out, ",\"authenticationMethodsUsed\":[],\"authenticationContextClassReferences\":[]");
}

static void append_policies(GString *out, struct dice *d)
{
    static const char *const requirements[] = {
        "[]", "[{\"requirementProvider\":\"multiConditionalAccess\",\"detail\":\"Conditional Access\"}]",
        "[{\"requirementProvider\":\"user\",\"detail\":\"Per-user MFA\"},{\"requirementProvider\":\"\"}]"};
    static const char *const lifetimes[] = {
        "[]", "[{\"expirationRequirement\":\"signInFrequencyPeriodicReauthentication\",\"detail\":\"Every hour\"}]"};
    static const char *const networks[] = {
        "[]", "[{\"networkType\":\"namedNetwork\",\"networkNames\":[\"Head office\",\"Zürich \\/ VPN\"]}]",
        "[{\"networkType\":\"trustedNamedLocation\",\"networkNames\":[]}]"};
    static const char *const processing[] = {
        "[]", "[{\"key\":\"Legacy TLS (TLS 1.0, 1.1, 3DES)\",\"value\":\"False\"},{\"key\":\"Is CAE Token\"}]",
        "[{\"key\":\"Azure AD App Authentication Library\",\"value\":\"Family: MSAL Library: MSAL.NetCore\"}]",
        "[{\"key\":\"Oauth Scope Info\",\"value\":\"[\\\"User.Read\\\",\\\"Mail.ReadWrite\\\"]\"}]"};

    g_string_append_printf(out,
                           ",\"authenticationRequirementPolicies\":%s,\"sessionLifetimePolicies\":%s,"
                           "\"networkLocationDetails\":%s,\"authenticationProcessingDetails\":%s",
                           requirements[dice_below(d, 3)], lifetimes[dice_below(d, 2)], networks[dice_below(d, 3)],
                           processing[dice_below(d, 4)]);
}

static void append_tail(GString *out, struct dice *d, const struct person *person)
{
    g_string_append_printf(out,
                           ",\"userType\":\"%s\",\"crossTenantAccessType\":\"%s\",\"homeTenantName\":\"\","
                           "\"isTenantRestricted\":false,\"flaggedForReview\":false,\"tokenIssuerName\":\"\","
                           "\"tokenIssuerType\":\"AzureAD\",\"clientCredentialType\":\"none\"",
                           person->guest ? "guest" : "member", person->guest ? "b2bCollaboration" : "none");
    APPEND_LITERAL(out, ",\"signInIdentifier\":\"");
    if (dice_below(d, 2) == 0)
        text_append(out, &person->upn);
    APPEND_LITERAL(out, "\",\"signInIdentifierType\":null,\"autonomousSystemNumber\":");
    signin_append_number(out, dice_below(d, 5) == 0 ? 0 : 64496 + dice_below(d, 16));
    APPEND_LITERAL(out, ",\"processingTimeInMilliseconds\":");
    signin_append_number(out, 40 + dice_below(d, 900));
    APPEND_LITERAL(out,
                   ",\"servicePrincipalCredentialKeyId\":null,\"servicePrincipalCredentialThumbprint\":\"\","
                   "\"appTokenProtectionStatus\":null,\"signInTokenProtectionStatus\":\"unbound\","
                   "\"originalTransferMethod\":\"none\",\"isThroughGlobalSecureAccess\":false,"
                   "\"globalSecureAccessIpAddress\":\"\",\"mfaDetail\":null,\"privateLinkDetails\":{\"policyId\":\"\","
                   "\"policyName\":\"\",\"resourceId\":\"\",\"policyTenantId\":\"\"},\"managedServiceIdentity\":{"
                   "\"msiType\":\"none\",\"associatedResourceId\":\"\",\"federatedTokenId\":\"\","
                   "\"federatedTokenIssuer\":\"\"}");
}

void signin_append_beta(GString *out, struct dice *d, const struct company *c, const struct person *person,
                        enum source source, const struct plan *plan)
{
    append_tokens(out, d, c, source);
    append_steps(out, d, source, plan);
    append_policies(out, d);
    append_tail(out, d, person);
}
