#include "sign_in_codes.h"

#include <stdlib.h>

#include <glib.h>

enum { FAILED = false, INTERRUPTED = true };

/* Codes and their meaning: "Microsoft Entra authentication and authorization error codes" and the look-up at
 * https://login.microsoftonline.com/error.
 *
 * The API does not say which codes are interruptions. Taken as such: the codes that Microsoft's own workbook "Sign-ins"
 * (Azure Monitor workbooks, Microsoft Entra ID) counts as "pending user action": 16000, 16001, 16003, 50055, 50058,
 * 50059, 50072, 50074, 50125, 50127, 50129, 50140, 50143, 50144, 51006, 52004, 65001, 81010, 81012, 81014; those whose
 * documented name or text says interrupt: 50168, 50199, 90095; and those that ask the user for one more step: 50076,
 * 50078, 50079, 50097, 50135, 50158, 50203, 502031, 70043, 70044, 399218. A refused second factor (500121) and
 * everything conditional access forbids (53xxx) are failures.
 *
 * In ascending order of the code. */
static const struct sign_in_code codes[] = {
    {16000, INTERRUPTED, "had to choose another account"},
    {16001, INTERRUPTED, "had to choose an account"},
    {16003, INTERRUPTED, "the account has not been added to the tenant"},
    {50001, FAILED, "the resource is disabled or does not exist"},
    {50002, FAILED, "blocked by tenant restrictions"},
    {50005, FAILED, "blocked by conditional access, device platform not supported"},
    {50011, FAILED, "reply address not registered for the application"},
    {50014, FAILED, "guest account not redeemed yet"},
    {50020, FAILED, "account of another identity provider, not in the tenant"},
    {50034, FAILED, "no such account"},
    {50053, FAILED, "account locked after too many attempts, or address known as malicious"},
    {50055, INTERRUPTED, "had to change an expired password"},
    {50056, FAILED, "the account has no password"},
    {50057, FAILED, "account disabled"},
    {50058, INTERRUPTED, "was not signed in yet"},
    {50059, INTERRUPTED, "had to name the tenant"},
    {50064, FAILED, "wrong user name or password"},
    {50072, INTERRUPTED, "had to register for multifactor authentication"},
    {50074, INTERRUPTED, "had to pass multifactor authentication"},
    {50076, INTERRUPTED, "had to pass multifactor authentication"},
    {50078, INTERRUPTED, "had to renew multifactor authentication"},
    {50079, INTERRUPTED, "had to register for multifactor authentication"},
    {50088, FAILED, "too many multifactor calls or text messages"},
    {50089, FAILED, "took too long"},
    {50097, INTERRUPTED, "had to authenticate the device"},
    {50105, FAILED, "not assigned to the application"},
    {50125, INTERRUPTED, "had to reset the password or register for password reset"},
    {50126, FAILED, "wrong password"},
    {50127, INTERRUPTED, "had to install a broker app"},
    {50128, FAILED, "no such domain"},
    {50129, INTERRUPTED, "had to register the device"},
    {50131, FAILED, "blocked by conditional access"},
    {50132, FAILED, "session ended by a password change"},
    {50133, FAILED, "session ended by a password change"},
    {50135, INTERRUPTED, "had to change the password because the account is at risk"},
    {50140, INTERRUPTED, "had to say whether to stay signed in"},
    {50143, INTERRUPTED, "the session was for another tenant"},
    {50144, INTERRUPTED, "had to change an expired Active Directory password"},
    {50155, FAILED, "device authentication failed"},
    {50158, INTERRUPTED, "had to pass an external security challenge"},
    {50168, INTERRUPTED, "had to fetch a single sign-on token"},
    {50173, FAILED, "session revoked"},
    {50192, FAILED, "no certificate was sent"},
    {50196, FAILED, "too many of the same request"},
    {50199, INTERRUPTED, "had to confirm the application"},
    {50203, INTERRUPTED, "had to register the authenticator app"},
    {51004, FAILED, "no such account in the directory"},
    {51006, INTERRUPTED, "had to sign in again with integrated Windows authentication"},
    {52004, INTERRUPTED, "had to consent to LinkedIn access"},
    {53000, FAILED, "blocked by conditional access, device not compliant"},
    {53001, FAILED, "blocked by conditional access, device not domain joined"},
    {53002, FAILED, "blocked by conditional access, application not approved"},
    {53003, FAILED, "blocked by conditional access"},
    {53004, FAILED, "blocked from registering for multifactor authentication because of risk"},
    {53010, FAILED, "blocked from registering for multifactor authentication from this place or device"},
    {53011, FAILED, "blocked because of risk in the home tenant"},
    {54000, FAILED, "blocked by the rule for minors"},
    {65001, INTERRUPTED, "had to consent to the application"},
    {65004, FAILED, "declined to consent to the application"},
    {65005, FAILED, "application asks for access that it has not declared"},
    {70008, FAILED, "refresh token expired"},
    {70018, FAILED, "wrong device code"},
    {70019, FAILED, "device code expired"},
    {70043, INTERRUPTED, "had to sign in again, as the sign-in frequency demands"},
    {70044, INTERRUPTED, "had to sign in again, as the sign-in frequency demands"},
    {75011, FAILED, "another authentication method than the application asked for"},
    {80001, FAILED, "Active Directory could not be reached"},
    {80002, FAILED, "Active Directory did not answer in time"},
    {80007, FAILED, "the authentication agent could not check the password"},
    {80012, FAILED, "outside of the allowed hours"},
    {80014, FAILED, "the authentication agent did not answer in time"},
    {81010, INTERRUPTED, "seamless single sign-on failed, Kerberos ticket expired or not valid"},
    {81012, INTERRUPTED, "another account than the device's"},
    {81014, INTERRUPTED, "seamless single sign-on failed"},
    {90072, FAILED, "account of another tenant, not added to this one"},
    {90094, FAILED, "an administrator has to consent to the application"},
    {90095, INTERRUPTED, "had to ask an administrator for consent"},
    {120000, FAILED, "password change refused, wrong current password"},
    {120002, FAILED, "password change refused, new password too weak"},
    {130007, FAILED, "device disabled"},
    {135011, FAILED, "device disabled"},
    {399218, INTERRUPTED, "had to confirm signing in to this tenant"},
    {500011, FAILED, "no such application in the tenant"},
    {500021, FAILED, "blocked by tenant restrictions"},
    {500022, FAILED, "blocked by tenant restrictions"},
    {500121, FAILED, "multifactor authentication failed"},
    {500212, FAILED, "blocked by the home tenant's cross-tenant access policy"},
    {500213, FAILED, "blocked by the tenant's cross-tenant access policy"},
    {502031, INTERRUPTED, "had to register the authenticator app"},
    {530032, FAILED, "blocked by the tenant's security policy"},
    {530034, FAILED, "blocked because of risk in the home tenant"},
    {530035, FAILED, "blocked by security defaults"},
    {700016, FAILED, "no such application in the tenant"},
    {700027, FAILED, "the client assertion's signature is not valid"},
    {700082, FAILED, "refresh token expired"},
    {7000112, FAILED, "application disabled"},
    {7000215, FAILED, "wrong client secret"},
    {7000222, FAILED, "client secret expired"},
};

static int compare_codes(const void *key, const void *member)
{
    int64_t code = *(const int64_t *)key;
    int64_t other = ((const struct sign_in_code *)member)->code;

    return (code > other) - (code < other);
}

const struct sign_in_code *sign_in_code_find(int64_t code)
{
    return bsearch(&code, codes, G_N_ELEMENTS(codes), sizeof(codes[0]), compare_codes);
}
