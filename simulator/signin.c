#include "signin.h"

#include <string.h>

#include "signin_parts.h"
#include "ticks.h"

/* How a sign-in ended; weight in per mille. */
struct outcome {
    int code;
    uint32_t weight;
    bool interrupt; /* ends well once the user answers: the later version says so */
    const char *policies;
    struct text status;
};

#define STATUS(code, reason, details)                                                                                  \
    {                                                                                                                  \
        "{\"errorCode\":" #code ",\"failureReason\":\"" reason "\",\"additionalDetails\":" details "}",                \
            sizeof("{\"errorCode\":" #code ",\"failureReason\":\"" reason "\",\"additionalDetails\":" details "}") - 1 \
    }

static const struct outcome outcomes[] = {
    {0, 560, false, "success", STATUS(0, "Other.", "null")},
    {0, 270, false, "success", STATUS(0, "Other.", "\"MFA requirement satisfied by claim in the token\"")},
    {50126, 60, false, "notApplied",
     STATUS(50126, "Error validating credentials due to invalid username or password.",
            "\"The user didn't enter the right credentials. \\u00a0It's expected to see some number of these errors in "
            "your "
            "logs due to users making mistakes.\"")},
    {50140, 25, true, "notApplied",
     STATUS(50140, "This occurred due to 'Keep me signed in' interrupt when the user was signing-in.", "null")},
    {50074, 25, true, "failure", STATUS(50074, "Strong Authentication is required.", "\"MFA required in Azure AD\"")},
    {50158, 15, true, "success", STATUS(50158, "External security challenge was not satisfied.", "null")},
    {50053, 15, false, "notApplied",
     STATUS(50053,
            "Account is locked because user tried to sign in too many times with an incorrect user ID or password.",
            "null")},
    {65001, 15, false, "notApplied",
     STATUS(
         65001,
         "The user or administrator has not consented to use the application with ID '{identifier}'{namePhrase}. Send "
         "an interactive authorization request for this user and resource.",
         "\"\"")},
    {53003, 15, false, "failure",
     STATUS(53003,
            "Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.",
            "\"If this is unexpected, see the conditional access policy that applied to this request in the Azure "
            "Portal or "
            "contact your administrator.\"")},
};

static const struct text folded_in = STATUS(0, "Other.", "\"MFA completed in Azure AD\"");

/* Of sign-ins by token, without anybody there. */
static const struct outcome silent_outcomes[] = {
    {0, 900, false, "success", STATUS(0, "Other.", "\"MFA requirement satisfied by claim in the token\"")},
    {50173, 30, false, "notApplied",
     STATUS(50173,
            "The provided grant has expired due to it being revoked, a fresh auth token is needed. The user might have "
            "changed or reset their password.",
            "null")},
    {70043, 30, false, "notApplied",
     STATUS(70043, "The refresh token has expired or is invalid due to sign-in frequency checks by conditional access.",
            "null")},
    {700082, 20, false, "notApplied",
     STATUS(700082, "The refresh token has expired due to inactivity.{timePhrase}", "null")},
    {53003, 20, false, "failure",
     STATUS(53003,
            "Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.",
            "null")},
};

static const struct outcome *roll_outcome(struct dice *d, enum source source)
{
    bool silent = source == SOURCE_NON_INTERACTIVE;
    const struct outcome *table = silent ? silent_outcomes : outcomes;
    gsize count = silent ? G_N_ELEMENTS(silent_outcomes) : G_N_ELEMENTS(outcomes);
    uint32_t roll = dice_below(d, 1000);

    for (gsize k = 0; k < count; k++) {
        if (roll < table[k].weight)
            return &table[k];
        roll -= table[k].weight;
    }
    return &table[0];
}

void signin_append_number(GString *out, uint32_t n)
{
    char digits[10];
    int at = 10;

    do {
        digits[--at] = (char)('0' + n % 10);
        n /= 10;
    } while (n > 0);
    g_string_append_len(out, digits + at, 10 - at);
}

static void append_hex(GString *out, uint32_t n)
{
    char digits[8];
    int at = 8;

    do {
        digits[--at] = "0123456789abcdef"[n % 16];
        n /= 16;
    } while (n > 0);
    g_string_append_len(out, digits + at, 8 - at);
}

static void append_ipv4(GString *out, struct dice *d, bool redacted)
{
    static const char *const nets[] = {"192.0.2.", "198.51.100.", "203.0.113."};

    g_string_append(out, nets[dice_below(d, 3)]);
    if (redacted)
        APPEND_LITERAL(out, "xxx");
    else
        signin_append_number(out, 1 + dice_below(d, 254));
}

static void append_ipv6(GString *out, struct dice *d)
{
    APPEND_LITERAL(out, "2001:db8:");
    append_hex(out, dice_below(d, 0x10000));
    g_string_append_c(out, ':');
    append_hex(out, dice_below(d, 0x10000));
    APPEND_LITERAL(out, "::");
    append_hex(out, 1 + dice_below(d, 0xffff));
}

/* The lower of two rolls: the first entries of a table are the common ones. */
static uint32_t below_twice(struct dice *d, uint32_t n)
{
    uint32_t a = dice_below(d, n), b = dice_below(d, n);

    return MIN(a, b);
}

/* The documentation ranges, in all the spellings that logs contain. */
void signin_append_address(GString *out, struct dice *d)
{
    uint32_t form = dice_below(d, 100);

    if (form == 0) {
        APPEND_LITERAL(out, "null");
        return;
    }
    g_string_append_c(out, '"');
    if (form == 1)
        g_string_append_c(out, '[');
    if (form == 1 || form >= 80)
        append_ipv6(out, d);
    else
        append_ipv4(out, d, form == 2);
    if (form == 1)
        g_string_append_c(out, ']');
    if (form == 1 || form == 3) {
        g_string_append_c(out, ':');
        signin_append_number(out, 1024 + dice_below(d, 60000));
    }
    g_string_append_c(out, '"');
}

static const char *policy_result(const struct policy *p, const struct outcome *outcome, uint32_t roll)
{
    if (p->report_only)
        return roll < 2   ? "\"reportOnlyInterrupted\"}"
               : roll < 5 ? "\"reportOnlySuccess\"}"
                          : "\"reportOnlyNotApplied\"}";
    if (p->blocks)
        return outcome->code == 53003 ? "\"failure\"}" : roll < 2 ? "\"notEnabled\"}" : "\"notApplied\"}";
    return outcome->code == 50074 ? "\"failure\"}" : roll < 4 ? "\"success\"}" : "\"notApplied\"}";
}

static void append_policies(GString *out, struct dice *d, const struct company *c, const struct outcome *outcome)
{
    uint32_t from = dice_below(d, COMPANY_POLICIES), count = 3 + dice_below(d, COMPANY_POLICIES - 3);

    APPEND_LITERAL(out, ",\"appliedConditionalAccessPolicies\":[");
    for (uint32_t k = 0; k < count; k++) {
        const struct policy *p = &c->policies[(from + k) % COMPANY_POLICIES];
        if (k > 0)
            g_string_append_c(out, ',');
        text_append(out, &p->members);
        g_string_append(out, policy_result(p, outcome, dice_below(d, 8)));
    }
    g_string_append_c(out, ']');
}

/* A tenant sees "hidden" where its licence does not show risk; a changed record was found risky only after the sign-in.
 */
void signin_append_risk(GString *out, struct dice *d, bool found)
{
    static const char *const events[] = {"unfamiliarFeatures", "anonymizedIPAddress", "unlikelyTravel",
                                         "maliciousIPAddress"};
    static const char *const levels[] = {"low", "medium", "high"};
    uint32_t roll = dice_below(d, 100), event = dice_below(d, 4), level = dice_below(d, 3);

    if (found || roll < 2) {
        const char *state = found && roll % 3 == 0 ? "remediated" : found && roll % 7 == 0 ? "dismissed" : "atRisk";
        const char *detail = *state == 'r' ? "userPassedMFADrivenByRiskBasedPolicy" : "none";
        g_string_append_printf(out,
                               ",\"riskDetail\":\"%s\",\"riskLevelAggregated\":\"%s\",\"riskLevelDuringSignIn\":\"%s\","
                               "\"riskState\":\"%s\",\"riskEventTypes\":[\"%s\"],\"riskEventTypes_v2\":[\"%s\"]",
                               detail, levels[level], found ? "none" : levels[level], state, events[event],
                               events[event]);
    } else if (roll < 8) {
        APPEND_LITERAL(
            out, ",\"riskDetail\":\"hidden\",\"riskLevelAggregated\":\"hidden\",\"riskLevelDuringSignIn\":\"hidden\","
                 "\"riskState\":\"none\",\"riskEventTypes\":[],\"riskEventTypes_v2\":[]");
    } else {
        APPEND_LITERAL(out,
                       ",\"riskDetail\":\"none\",\"riskLevelAggregated\":\"none\",\"riskLevelDuringSignIn\":\"none\","
                       "\"riskState\":\"none\",\"riskEventTypes\":[],\"riskEventTypes_v2\":[]");
    }
}

static void append_who(GString *out, struct dice *d, const struct company *c, const struct person *person)
{
    g_string_append_c(out, ',');
    if (dice_below(d, 400) == 0)
        APPEND_LITERAL(out, "\"userDisplayName\":\"\",\"userPrincipalName\":\"\",\"userId\":\"00000000-0000-0000-0000-"
                            "000000000000\"");
    else
        text_append(out, &person->members);
    g_string_append_c(out, ',');
    text_append(out, &c->apps[below_twice(d, company_app_count)]);
    g_string_append_c(out, ',');
    text_append(out, &c->tenant_members);
}

void signin_append_head(GString *out, struct dice *d, const struct plan *plan)
{
    APPEND_LITERAL(out, "{\"id\":\"");
    text_append_guid(out, d);
    APPEND_LITERAL(out, "\",\"createdDateTime\":\"");
    ticks_append_iso(out, plan->time, plan->digits);
    if (dice_below(d, 50) == 0)
        APPEND_LITERAL(out, "+00:00\"");
    else
        APPEND_LITERAL(out, "Z\"");
}

static void append_user(GString *out, const struct company *c, enum source source, const struct plan *plan,
                        bool changed, bool beta)
{
    struct dice d = {plan->key};

    signin_append_head(out, &d, plan);
    const struct person *person = &c->people[dice_below(&d, COMPANY_USERS)];
    append_who(out, &d, c, person);
    const struct outcome *outcome = roll_outcome(&d, source);
    bool folds = changed && outcome->interrupt;

    APPEND_LITERAL(out, ",\"servicePrincipalId\":null,\"servicePrincipalName\":null,\"ipAddress\":");
    signin_append_address(out, &d);
    g_string_append_c(out, ',');
    text_append(out, &c->devices[below_twice(&d, company_device_count)]);
    APPEND_LITERAL(out, ",\"correlationId\":\"");
    text_append_guid(out, &d);
    APPEND_LITERAL(out, "\",\"isInteractive\":");
    g_string_append(out, source == SOURCE_SIGN_INS ? "true" : "false");
    APPEND_LITERAL(out, ",\"conditionalAccessStatus\":\"");
    g_string_append(out, folds ? "success" : outcome->policies);
    g_string_append_c(out, '"');
    signin_append_risk(out, &d, changed && !folds);
    APPEND_LITERAL(out, ",\"status\":");
    text_append(out, folds ? &folded_in : &outcome->status);
    APPEND_LITERAL(out, ",\"location\":");
    uint32_t place = dice_below(&d, 10) > 0 ? person->home : dice_below(&d, company_place_count);
    text_append(out, &c->places[place]);
    append_policies(out, &d, c, outcome);
    APPEND_LITERAL(out, ",\"authenticationAppDeviceDetails\":null");
    struct dice b = {plan->key ^ UINT64_C(0xbe7a)};
    if (beta || source != SOURCE_SIGN_INS)
        signin_append_beta(out, &b, c, person, source, plan);
    g_string_append_c(out, '}');
}

void signin_append(GString *out, const struct company *c, enum source source, const struct plan *plan, bool changed,
                   bool beta)
{
    if (source == SOURCE_SERVICE_PRINCIPAL || source == SOURCE_MANAGED_IDENTITY)
        signin_append_app(out, c, source, plan, changed);
    else
        append_user(out, c, source, plan, changed, beta);
}
