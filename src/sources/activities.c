#include "activities.h"

#include <string.h>

#include <glib.h>

/* Names: "Microsoft Entra audit log categories and activities" (learn.microsoft.com, reference-audit-activities), and
 * the names that real records carry where they differ from it. */

#define USER       "{@User|#1|'(unknown)}"
#define GROUP      "{Group.DisplayName|$Group|#2|'(unknown)}"
#define MEMBER     "{@User|@ServicePrincipal|@Device|#1|'(unknown)}"
#define ROLE       "{Role.DisplayName|@Role|RoleDefinition.DisplayName|'(unknown)}"
#define APP        "{Application.DisplayName|@Application|ServicePrincipal.DisplayName|@ServicePrincipal|#1|'(unknown)}"
#define PRINCIPAL  "{ServicePrincipal.DisplayName|@ServicePrincipal|#1|'(unknown)}"
#define OWNER      "{@User|#1|'(unknown)}"
#define POLICY     "{#1|'(unknown)}"
#define DEVICE     "{Device.DisplayName|@Device|#1|'(unknown)}"
#define DOMAIN     "{#1|'(unknown)}"
#define UNIT       "{AdministrativeUnit.DisplayName|@AdministrativeUnit|#2|'(unknown)}"
#define CHANGES    "[: {!changes}]"
#define PIM_ROLE   "{@Role|Role.DisplayName|'(unknown)}[ of group {!group}]"
#define PIM_MEMBER "{@User|@ServicePrincipal|@Group|'(unknown)}"

/* A row; one with words of its own for an actor who is the target; one that depends on what a list gained or lost; one
 * that the target user did. */
#define SAID(name_, past_, base_, object_)                                                                             \
    {                                                                                                                  \
        .name = (name_), .past = (past_), .base = (base_), .object = (object_)                                         \
    }
#define SELF(name_, past_, base_, object_, own_)                                                                       \
    {                                                                                                                  \
        .name = (name_), .past = (past_), .base = (base_), .object = (object_), .own = (own_)                          \
    }
#define LISTED(name_, past_, base_, object_, own_, differs_)                                                           \
    {                                                                                                                  \
        .name = (name_), .past = (past_), .base = (base_), .object = (object_), .own = (own_), .differs = (differs_)   \
    }
#define BY_USER(name_, past_, base_, object_)                                                                          \
    {                                                                                                                  \
        .name = (name_), .past = (past_), .base = (base_), .object = (object_), .by_user = true                        \
    }

static const struct activity activities[] = {
    /* --- users --- */
    SAID("add user", "created", "create", "user " USER),
    SELF("update user", "updated", "update", "user " USER CHANGES, "their own account" CHANGES),
    SAID("delete user", "deleted", "delete", "user " USER),
    SAID("hard delete user", "permanently deleted", "permanently delete", "user " USER),
    SAID("restore user", "restored", "restore", "user " USER),
    SELF("disable account", "disabled", "disable", "account " USER, "their own account"),
    SELF("enable account", "enabled", "enable", "account " USER, "their own account"),
    SAID("set user manager", "set", "set", "the manager of " USER),
    SAID("convert federated user to managed", "converted", "convert", "federated user " USER " to managed"),
    LISTED("change user license", "changed", "change", "the licences of " USER, "their own licences",
           "AssignedLicense"),
    SELF("change user license, added", "assigned", "assign", "{!added|'a licence} to " USER,
         "themselves {!added|'a licence}"),
    SAID("change user license, removed", "removed", "remove", "{!removed|'a licence} from " USER),
    SAID("update attribute values assigned to a user", "updated", "update", "the custom security attributes of " USER),
    SELF("viral user creation", "signed up", "sign up", "as a self-service user[ ({@User|#1})]",
         "as a self-service user"),

    /* --- passwords and sessions --- */
    SELF("change user password", "changed", "change", "the password of " USER, "their own password"),
    SELF("reset user password", "reset", "reset", "the password of " USER, "their own password"),
    SELF("reset password", "reset", "reset", "the password of " USER, "their own password"),
    SELF("reset password (by admin)", "reset", "reset", "the password of " USER, "their own password"),
    BY_USER("reset password (self-service)", "reset", "reset", "their own password by self-service"),
    BY_USER("change password (self-service)", "changed", "change", "their own password by self-service"),
    BY_USER("unlock user account (self-service)", "unlocked", "unlock", "their own account by self-service"),
    BY_USER("self-service password reset flow activity progress", "went through", NULL,
            "self-service password reset[: {!reason}]"),
    BY_USER("blocked from self-service password reset", "was blocked from", NULL,
            "self-service password reset[: {!reason}]"),
    BY_USER("security info saved for self-service password reset", "saved", "save",
            "security info for self-service password reset"),
    BY_USER("user password registration", "registered", "register", "for password reset"),
    BY_USER("user password reset", "reset", "reset", "their own password"),
    BY_USER("user started password change", "started", "start", "changing their own password"),
    BY_USER("user started password reset", "started", "start", "resetting their own password"),
    SAID("admin started password reset", "started", "start", "resetting the password of " USER),
    SAID("set force change user password", "forced", "force", USER " to change the password at the next sign-in"),
    SELF("update stsrefreshtokenvalidfrom timestamp", "revoked", "revoke", "the sessions of " USER,
         "their own sessions"),
    SELF("create application password for user", "created", "create", "an app password for " USER, "an app password"),
    SELF("delete application password for user", "deleted", "delete", "an app password of " USER, "an app password"),
    SAID("set password policy", "changed", "change", "the password policy[ of {#1}]"),

    /* --- second factors --- */
    BY_USER("user registered security info", "registered", "register", "security info[: {!method}]"),
    BY_USER("user registered all required security info", "registered", "register",
            "all required security info[: {!method}]"),
    BY_USER("user updated security info", "updated", "update", "security info[: {!method}]"),
    BY_USER("user deleted security info", "deleted", "delete", "security info[: {!method}]"),
    BY_USER("user changed default security info", "changed", "change", "the default security info[: {!method}]"),
    BY_USER("user reviewed security info", "reviewed", "review", "security info"),
    BY_USER("user started security info registration", "started", "start", "registering security info"),
    BY_USER("user canceled security info registration", "cancelled", "cancel", "registering security info"),
    SAID("admin registered security info", "registered", "register", "security info for " USER "[: {!method}]"),
    SAID("admin updated security info", "updated", "update", "security info of " USER "[: {!method}]"),
    SAID("admin deleted security info", "deleted", "delete", "security info of " USER "[: {!method}]"),
    SELF("enable strong authentication", "enabled", "enable", "per-user multifactor authentication for " USER,
         "per-user multifactor authentication for themselves"),
    SELF("disable strong authentication", "disabled", "disable", "per-user multifactor authentication for " USER,
         "per-user multifactor authentication for themselves"),
    SELF("add users strong authentication phone app detail", "added", "add", "an authenticator app for " USER,
         "an authenticator app"),
    SELF("remove users strong authentication phone app detail", "removed", "remove", "an authenticator app of " USER,
         "an authenticator app"),
    SELF("add fido2 security key", "added", "add", "a FIDO2 security key for " USER, "a FIDO2 security key"),
    SELF("delete fido2 security key(s)", "deleted", "delete", "FIDO2 security keys of " USER,
         "their own FIDO2 security keys"),
    SELF("add windows hello for business credential", "added", "add",
         "a Windows Hello for Business credential for " USER, "a Windows Hello for Business credential"),
    SELF("delete windows hello for business credential", "deleted", "delete",
         "a Windows Hello for Business credential of " USER, "a Windows Hello for Business credential"),
    SELF("add passwordless phone sign-in credential", "added", "add", "passwordless phone sign-in for " USER,
         "passwordless phone sign-in"),
    SELF("delete passwordless phone sign-in credential", "deleted", "delete", "passwordless phone sign-in of " USER,
         "passwordless phone sign-in"),
    BY_USER("fraud reported - user is blocked for mfa", "reported", NULL,
            "fraud and is blocked for multifactor authentication"),
    BY_USER("fraud reported - no action taken", "reported", NULL,
            "fraud in multifactor authentication, no action taken"),
    BY_USER("suspicious activity reported", "reported", NULL, "a suspicious multifactor prompt"),
    SAID("authentication methods policy update", "changed", "change", "the authentication methods policy" CHANGES),
    SAID("authentication methods policy reset", "reset", "reset", "the authentication methods policy"),
    SAID("update authentication methods policy", "changed", "change", "the authentication methods policy" CHANGES),

    /* --- risk --- */
    SAID("confirmaccountcompromised", "confirmed", "confirm", USER " as compromised"),
    SAID("confirmcompromised", "confirmed", "confirm", USER " as compromised"),
    SAID("confirmserviceprincipalcompromised", "confirmed", "confirm", PRINCIPAL " as compromised"),
    SAID("confirmsafe", "confirmed", "confirm", USER " as safe"),
    SAID("dismissuser", "dismissed", "dismiss", "the risk of " USER),
    SAID("dismissserviceprincipal", "dismissed", "dismiss", "the risk of " PRINCIPAL),

    /* --- guests --- */
    SAID("invite external user", "invited", "invite", "guest {+invitedUserEmailAddress|@User|#1|'(unknown)}"),
    SAID("invite external user with reset invitation status", "invited", "invite",
         "guest {+invitedUserEmailAddress|@User|#1|'(unknown)} anew"),
    SAID("invite internal user to b2b collaboration", "invited", "invite",
         "internal user " USER " to B2B collaboration"),
    SELF("redeem external user invite", "redeemed", "redeem", "the invitation[ of {#1}]", "their invitation"),
    SELF("redeem extern user invite", "redeemed", "redeem", "the invitation[ of {#1}]", "their invitation"),
    SAID("delete external user", "deleted", "delete", "guest " USER),
    SAID("add a partner to cross-tenant access setting", "added", "add",
         "{#1|'(unknown)} to the cross-tenant access settings"),
    SAID("update a partner cross-tenant access setting", "changed", "change",
         "the cross-tenant access settings of {#1|'(unknown)}"),
    SAID("delete partner specific cross-tenant access setting", "deleted", "delete",
         "the cross-tenant access settings of {#1|'(unknown)}"),
    SAID("update the company default cross-tenant access setting", "changed", "change",
         "the default cross-tenant access settings"),

    /* --- groups --- */
    SAID("add group", "created", "create", "group {@Group|#1|'(unknown)}"),
    SAID("update group", "updated", "update", "group {@Group|#1|'(unknown)}" CHANGES),
    SAID("delete group", "deleted", "delete", "group {@Group|#1|'(unknown)}"),
    SAID("hard delete group", "permanently deleted", "permanently delete", "group {@Group|#1|'(unknown)}"),
    SAID("restore group", "restored", "restore", "group {@Group|#1|'(unknown)}"),
    SELF("add member to group", "added", "add", MEMBER " to group " GROUP, "themselves to group " GROUP),
    SELF("remove member from group", "removed", "remove", MEMBER " from group " GROUP, "themselves from group " GROUP),
    SELF("add owner to group", "added", "add", OWNER " as an owner of group " GROUP,
         "themselves as an owner of group " GROUP),
    SELF("remove owner from group", "removed", "remove", OWNER " as an owner of group " GROUP,
         "themselves as an owner of group " GROUP),
    LISTED("set group license", "changed", "change", "the licences of group {@Group|#1|'(unknown)}", NULL,
           "AssignedLicense"),
    SAID("set group license, added", "assigned", "assign", "{!added|'a licence} to group {@Group|#1|'(unknown)}"),
    SAID("set group license, removed", "removed", "remove", "{!removed|'a licence} from group {@Group|#1|'(unknown)}"),
    SAID("set group to be managed by user", "put", "put",
         "group {@Group|#1|'(unknown)} under management of {@User|'(unknown)}"),
    SAID("update group settings", "changed", "change", "group settings" CHANGES),
    SAID("request to join a group", "asked", "ask", "to join group {@Group|#1|'(unknown)}"),
    SAID("approve a pending request to join a group", "approved", "approve",
         "a request to join group {@Group|#1|'(unknown)}"),
    SAID("reject a pending request to join a group", "rejected", "reject",
         "a request to join group {@Group|#1|'(unknown)}"),

    /* --- roles --- */
    SELF("add member to role", "added", "add", MEMBER " to role " ROLE, "themselves to role " ROLE),
    SELF("remove member from role", "removed", "remove", MEMBER " from role " ROLE, "themselves from role " ROLE),
    SAID("add scoped member to role", "added", "add", MEMBER " to role " ROLE "[ for {$AdministrativeUnit}]"),
    SAID("remove scoped member from role", "removed", "remove",
         MEMBER " from role " ROLE "[ for {$AdministrativeUnit}]"),
    SELF("add eligible member to role", "made", "make", MEMBER " eligible for role " ROLE,
         "themselves eligible for role " ROLE),
    SAID("remove eligible member from role", "ended", "end", "the eligibility of " MEMBER " for role " ROLE),
    SAID("add member to role outside of pim (permanent)", "added", "add",
         PIM_MEMBER " permanently to role " PIM_ROLE ", outside of PIM"),
    SAID("add role assignment to role definition", "assigned", "assign", "role " ROLE " to " MEMBER),
    SAID("remove role assignment from role definition", "took", "take", "role " ROLE " from " MEMBER),
    SAID("remove role assignment", "removed", "remove", "a role assignment of " MEMBER),
    SAID("add role definition", "created", "create", "custom role {#1|'(unknown)}"),
    SAID("update role definition", "changed", "change", "custom role {#1|'(unknown)}" CHANGES),
    SAID("delete role definition", "deleted", "delete", "custom role {#1|'(unknown)}"),
    SAID("add role from template", "activated", "activate",
         "directory role {Role.DisplayName|#1|'(unknown)} in the tenant"),
    SAID("update role", "changed", "change", "role {Role.DisplayName|#1|'(unknown)}" CHANGES),

    /* --- privileged identity management --- */
    SELF("add member to role completed (pim activation)", "activated", "activate", "role " PIM_ROLE "[ for {@User}]",
         "role " PIM_ROLE),
    SELF("add member to role requested (pim activation)", "asked", "ask", "to activate role " PIM_ROLE "[ for {@User}]",
         "to activate role " PIM_ROLE),
    SAID("add member to role approval requested (pim activation)", "asked", "ask",
         "for approval to activate role " PIM_ROLE),
    SAID("add member to role request approved (pim activation)", "approved", "approve",
         "activation of role " PIM_ROLE "[ by {@User}]"),
    SAID("add member to role request denied (pim activation)", "denied", "deny",
         "activation of role " PIM_ROLE "[ by {@User}]"),
    SELF("add member to role canceled (pim activation)", "cancelled", "cancel",
         "activation of role " PIM_ROLE "[ by {@User}]", "activation of role " PIM_ROLE),
    SELF("remove member from role completed (pim deactivate)", "deactivated", "deactivate",
         "role " PIM_ROLE "[ of {@User}]", "role " PIM_ROLE),
    SELF("remove member from role requested (pim deactivate)", "asked", "ask",
         "to deactivate role " PIM_ROLE "[ of {@User}]", "to deactivate role " PIM_ROLE),
    SELF("remove member from role (pim activation expired)", "ended", NULL,
         "the activation of role " PIM_ROLE "[ by {@User}], expired", "the activation of role " PIM_ROLE ", expired"),
    SELF("pim activation request expired", "let", NULL, "the request to activate role " PIM_ROLE "[ by {@User}] expire",
         "the request to activate role " PIM_ROLE " expire"),
    SELF("add member to role in pim completed (permanent)", "assigned", "assign",
         "role " PIM_ROLE " permanently to " PIM_MEMBER, "themselves role " PIM_ROLE " permanently"),
    SELF("add member to role in pim completed (timebound)", "assigned", "assign",
         "role " PIM_ROLE " for a limited time to " PIM_MEMBER, "themselves role " PIM_ROLE " for a limited time"),
    SAID("add member to role in pim requested (permanent)", "asked", "ask",
         "to assign role " PIM_ROLE " permanently to " PIM_MEMBER),
    SAID("add member to role in pim requested (timebound)", "asked", "ask",
         "to assign role " PIM_ROLE " for a limited time to " PIM_MEMBER),
    SAID("add member to role in pim requested (renew)", "asked", "ask", "to renew role " PIM_ROLE " for " PIM_MEMBER),
    SELF("add eligible member to role in pim completed (permanent)", "made", "make",
         PIM_MEMBER " permanently eligible for role " PIM_ROLE, "themselves permanently eligible for role " PIM_ROLE),
    SELF("add eligible member to role in pim completed (timebound)", "made", "make",
         PIM_MEMBER " eligible for role " PIM_ROLE " for a limited time",
         "themselves eligible for role " PIM_ROLE " for a limited time"),
    SAID("add eligible member to role in pim requested (permanent)", "asked", "ask",
         "to make " PIM_MEMBER " permanently eligible for role " PIM_ROLE),
    SAID("add eligible member to role in pim requested (timebound)", "asked", "ask",
         "to make " PIM_MEMBER " eligible for role " PIM_ROLE " for a limited time"),
    SAID("remove member from role in pim completed (permanent)", "took", "take", "role " PIM_ROLE " from " PIM_MEMBER),
    SAID("remove member from role in pim completed (timebound)", "took", "take", "role " PIM_ROLE " from " PIM_MEMBER),
    SAID("remove eligible member from role in pim completed (permanent)", "ended", "end",
         "the eligibility of " PIM_MEMBER " for role " PIM_ROLE),
    SAID("remove eligible member from role in pim completed (timebound)", "ended", "end",
         "the eligibility of " PIM_MEMBER " for role " PIM_ROLE),
    SAID("update role setting in pim", "changed", "change", "the PIM settings of role " PIM_ROLE),
    SAID("triggered pim alert", "raised", NULL, "PIM alert {#1|'(unknown)}"),

    /* --- applications and service principals --- */
    SAID("add application", "registered", "register", "application " APP),
    SAID("update application", "updated", "update", "application " APP CHANGES),
    SAID("delete application", "deleted", "delete", "application " APP),
    SAID("hard delete application", "permanently deleted", "permanently delete", "application " APP),
    SAID("restore application", "restored", "restore", "application " APP),
    SELF("add owner to application", "added", "add",
         OWNER " as an owner of application {Application.DisplayName|@Application|#2|'(unknown)}",
         "themselves as an owner of application {Application.DisplayName|@Application|#2|'(unknown)}"),
    SAID("remove owner from application", "removed", "remove",
         OWNER " as an owner of application {Application.DisplayName|@Application|#2|'(unknown)}"),
    LISTED("update application - certificates and secrets management", "changed", "change",
           "the credentials of application " APP, NULL, "KeyDescription"),
    SAID("update application - certificates and secrets management, added", "added", "add",
         "{!added|'a credential} to application " APP),
    SAID("update application - certificates and secrets management, removed", "removed", "remove",
         "{!removed|'a credential} from application " APP),
    SAID("add service principal", "added", "add", "service principal " PRINCIPAL),
    SAID("update service principal", "updated", "update", "service principal " PRINCIPAL CHANGES),
    SAID("remove service principal", "removed", "remove", "service principal " PRINCIPAL),
    SAID("hard delete service principal", "permanently deleted", "permanently delete", "service principal " PRINCIPAL),
    SAID("restore service principal", "restored", "restore", "service principal " PRINCIPAL),
    SELF("add owner to service principal", "added", "add",
         OWNER " as an owner of service principal {ServicePrincipal.DisplayName|$ServicePrincipal|#2|'(unknown)}",
         "themselves as an owner of service principal {ServicePrincipal.DisplayName|$ServicePrincipal|#2|'a service "
         "principal}"),
    SAID("remove owner from service principal", "removed", "remove",
         OWNER " as an owner of service principal {ServicePrincipal.DisplayName|$ServicePrincipal|#2|'(unknown)}"),
    SAID("add service principal credentials", "added", "add", "{!added|'a credential} to service principal " PRINCIPAL),
    SAID("remove service principal credentials", "removed", "remove",
         "{!removed|'a credential} from service principal " PRINCIPAL),
    SAID("consent to application", "consented", "consent",
         "to application {@ServicePrincipal|#1|'(unknown)}[ {!consent}][: {!permissions}]"),
    SAID("add delegated permission grant", "granted", "grant",
         "delegated permissions[ {!scope}] of {#1|'an API}[ to "
         "{ServicePrincipal.DisplayName|#2}][ {!consent}]"),
    SAID("remove delegated permission grant", "withdrew", "withdraw",
         "delegated permissions[ {!scope}] of {#1|'an API}[ from "
         "{ServicePrincipal.DisplayName|#2}]"),
    SAID("add app role assignment to service principal", "granted", "grant",
         "application permission {AppRole.Value|AppRole.DisplayName|AppRole.Id|'(unknown)} of {#1|'an API} to "
         "{ServicePrincipal.DisplayName|#2|'(unknown)}"),
    SAID("remove app role assignment from service principal", "withdrew", "withdraw",
         "application permission {AppRole.Value|AppRole.DisplayName|AppRole.Id|'(unknown)} of {#1|'an API} "
         "from {ServicePrincipal.DisplayName|#2|'(unknown)}"),
    SELF("add app role assignment grant to user", "assigned", "assign",
         "{User.UPN|@User|#2|'(unknown)} to application {@ServicePrincipal|#1|'(unknown)}[ as "
         "{AppRole.DisplayName|AppRole.Value}]",
         "themselves to application {@ServicePrincipal|#1|'(unknown)}[ as {AppRole.DisplayName|AppRole.Value}]"),
    SAID("remove app role assignment from user", "removed", "remove",
         "{User.UPN|@User|#2|'(unknown)} from application {@ServicePrincipal|#1|'(unknown)}"),
    SAID("add app role assignment to group", "assigned", "assign",
         "group {Group.DisplayName|@Group|#2|'(unknown)} to application {@ServicePrincipal|#1|'(unknown)}[ as "
         "{AppRole.DisplayName|AppRole.Value}]"),
    SAID("remove app role assignment from group", "removed", "remove",
         "group {Group.DisplayName|@Group|#2|'(unknown)} from application {@ServicePrincipal|#1|'(unknown)}"),

    /* --- policies --- */
    SAID("add conditional access policy", "created", "create", "conditional access policy " POLICY "[ ({!state})]"),
    SAID("update conditional access policy", "changed", "change",
         "conditional access policy " POLICY "[ (now {!state})]"),
    SAID("delete conditional access policy", "deleted", "delete", "conditional access policy " POLICY),
    SAID("add policy", "created", "create", "policy " POLICY "[ ({!state})]"),
    SAID("added policy", "created", "create", "policy " POLICY "[ ({!state})]"),
    SAID("update policy", "changed", "change", "policy " POLICY "[ (now {!state})]"),
    SAID("delete policy", "deleted", "delete", "policy " POLICY),
    SAID("add named location", "created", "create", "named location {#1|'(unknown)}"),
    SAID("update named location", "changed", "change", "named location {#1|'(unknown)}"),
    SAID("delete named location", "deleted", "delete", "named location {#1|'(unknown)}"),
    SAID("update authorization policy", "changed", "change", "the authorization policy" CHANGES),
    SAID("update security defaults", "changed", "change", "the security defaults"),
    SAID("add policy to application", "attached", "attach",
         "policy {Policy.DisplayName|@Policy|#1} to application {Application.DisplayName|@Application|#2|'an "
         "application}"),
    SAID("add policy to service principal", "attached", "attach",
         "policy {Policy.DisplayName|@Policy|#1} to service principal "
         "{ServicePrincipal.DisplayName|@ServicePrincipal|#2|'(unknown)}"),

    /* --- devices --- */
    SAID("add device", "added", "add", "device " DEVICE),
    SAID("register device", "registered", "register", "device " DEVICE),
    SAID("update device", "updated", "update", "device " DEVICE CHANGES),
    SAID("delete device", "deleted", "delete", "device " DEVICE),
    SAID("unregister device", "unregistered", "unregister", "device " DEVICE),
    SAID("device no longer compliant", "found", NULL, "device " DEVICE " no longer compliant"),
    SAID("device no longer managed", "found", NULL, "device " DEVICE " no longer managed"),
    SELF("add registered owner to device", "added", "add", OWNER " as the registered owner of device " DEVICE,
         "themselves as the registered owner of device " DEVICE),
    SELF("remove registered owner from device", "removed", "remove", OWNER " as the registered owner of device " DEVICE,
         "themselves as the registered owner of device " DEVICE),
    SELF("add registered users to device", "added", "add", USER " as a registered user of device " DEVICE,
         "themselves as a registered user of device " DEVICE),
    SELF("remove registered users from device", "removed", "remove", USER " as a registered user of device " DEVICE,
         "themselves as a registered user of device " DEVICE),
    SAID("read bitlocker key", "read", "read", "the BitLocker key of " DEVICE),
    SAID("recover device local administrator password", "read", "read", "the local administrator password of " DEVICE),
    SAID("reveal local administrator password", "read", "read", "the local administrator password of " DEVICE),
    SAID("update local administrator password", "changed", "change", "the local administrator password of " DEVICE),

    /* --- domains, tenant, administrative units --- */
    SAID("add unverified domain", "added", "add", "unverified domain " DOMAIN),
    SAID("add verified domain", "added", "add", "verified domain " DOMAIN),
    SAID("verify domain", "verified", "verify", "domain " DOMAIN),
    SAID("verify email verified domain", "verified", "verify", "domain " DOMAIN " by mail"),
    SAID("update domain", "changed", "change", "domain " DOMAIN CHANGES),
    SAID("remove unverified domain", "removed", "remove", "unverified domain " DOMAIN),
    SAID("remove verified domain", "removed", "remove", "verified domain " DOMAIN),
    SAID("set domain authentication", "changed", "change", "how domain " DOMAIN " authenticates" CHANGES),
    SAID("set federation settings on domain", "changed", "change", "the federation settings of domain " DOMAIN CHANGES),
    SAID("create company", "created", "create", "the tenant[ {#1}]"),
    SAID("set company information", "changed", "change", "the company information" CHANGES),
    SAID("update company settings", "changed", "change", "the company settings" CHANGES),
    SAID("set directory feature on tenant", "changed", "change", "the directory features of the tenant"),
    SAID("set dirsyncenabled flag", "switched", "switch", "directory synchronisation on or off"),
    SAID("set dirsync feature", "changed", "change", "the directory synchronisation features"),
    SAID("add partner to company", "added", "add", "partner {#1|'(unknown)} to the tenant"),
    SAID("remove partner from company", "removed", "remove", "partner {#1|'(unknown)} from the tenant"),
    SAID("add administrative unit", "created", "create", "administrative unit {#1|'(unknown)}"),
    SAID("delete administrative unit", "deleted", "delete", "administrative unit {#1|'(unknown)}"),
    SAID("add member to administrative unit", "added", "add", "{#1|'(unknown)} to administrative unit " UNIT),
    SAID("remove member from administrative unit", "removed", "remove",
         "{#1|'(unknown)} from administrative unit " UNIT),
    BY_USER("accept terms of use", "accepted", "accept", "the terms of use[ {#1}]"),
    BY_USER("decline terms of use", "declined", "decline", "the terms of use[ {#1}]"),
};

/* --- look-up
 * ---------------------------------------------------------------------------------------------------------------- */

/* The name as the table writes it: lower case, an en or em dash as "-", without full stop and blanks at its end. */
static void normalise(GString *out, const char *name)
{
    for (const char *at = name; *at != '\0'; at++) {
        if (strncmp(at, "–", 3) == 0 || strncmp(at, "—", 3) == 0) {
            g_string_append_c(out, '-');
            at += 2;
        } else {
            g_string_append_c(out, g_ascii_tolower(*at));
        }
    }
    while (out->len > 0 && (out->str[out->len - 1] == '.' || g_ascii_isspace(out->str[out->len - 1])))
        g_string_truncate(out, out->len - 1);
}

/* Made once, read by all threads, kept for the life of the program. */
static GHashTable *index_of_activities(void)
{
    static gsize once;
    static GHashTable *by_name;

    if (g_once_init_enter(&once)) {
        by_name = g_hash_table_new(g_str_hash, g_str_equal);
        for (size_t i = 0; i < G_N_ELEMENTS(activities); i++)
            g_hash_table_insert(by_name, (gpointer)activities[i].name, (gpointer)&activities[i]);
        g_once_init_leave(&once, 1);
    }
    return by_name;
}

const struct activity *activity_find(const char *display_name)
{
    g_autoptr(GString) name = g_string_new(NULL);

    normalise(name, display_name);
    return g_hash_table_lookup(index_of_activities(), name->str);
}

static const struct verb verbs[] = {
    {"accept", "accepted", "accept"},
    {"add", "added", "add"},
    {"apply", "applied", "apply"},
    {"approve", "approved", "approve"},
    {"assign", "assigned", "assign"},
    {"autorenew", "renewed", "renew"},
    {"cancel", "cancelled", "cancel"},
    {"change", "changed", "change"},
    {"clear", "cleared", "clear"},
    {"complete", "completed", "complete"},
    {"convert", "converted", "convert"},
    {"create", "created", "create"},
    {"deactivate", "deactivated", "deactivate"},
    {"decline", "declined", "decline"},
    {"delete", "deleted", "delete"},
    {"demote", "demoted", "demote"},
    {"deny", "denied", "deny"},
    {"disable", "disabled", "disable"},
    {"dismiss", "dismissed", "dismiss"},
    {"download", "downloaded", "download"},
    {"edit", "edited", "edit"},
    {"enable", "enabled", "enable"},
    {"end", "ended", "end"},
    {"export", "exported", "export"},
    {"extend", "extended", "extend"},
    {"finish", "finished", "finish"},
    {"fulfill", "fulfilled", "fulfill"},
    {"generate", "generated", "generate"},
    {"get", "read", "read"},
    {"grant", "granted", "grant"},
    {"import", "imported", "import"},
    {"initialize", "initialized", "initialize"},
    {"invite", "invited", "invite"},
    {"issue", "issued", "issue"},
    {"link", "linked", "link"},
    {"move", "moved", "move"},
    {"postpone", "postponed", "postpone"},
    {"process", "processed", "process"},
    {"promote", "promoted", "promote"},
    {"publish", "published", "publish"},
    {"read", "read", "read"},
    {"redeem", "redeemed", "redeem"},
    {"refresh", "refreshed", "refresh"},
    {"register", "registered", "register"},
    {"reject", "rejected", "reject"},
    {"remove", "removed", "remove"},
    {"renew", "renewed", "renew"},
    {"reset", "reset", "reset"},
    {"resolve", "resolved", "resolve"},
    {"restore", "restored", "restore"},
    {"retrieve", "retrieved", "retrieve"},
    {"reveal", "revealed", "reveal"},
    {"revoke", "revoked", "revoke"},
    {"rotate", "rotated", "rotate"},
    {"schedule", "scheduled", "schedule"},
    {"send", "sent", "send"},
    {"set", "set", "set"},
    {"start", "started", "start"},
    {"stop", "stopped", "stop"},
    {"trigger", "triggered", "trigger"},
    {"triggered", "triggered", "trigger"},
    {"unassign", "unassigned", "unassign"},
    {"unlink", "unlinked", "unlink"},
    {"unregister", "unregistered", "unregister"},
    {"unset", "unset", "unset"},
    {"update", "updated", "update"},
    {"updated", "updated", "update"},
    {"upload", "uploaded", "upload"},
    {"validate", "validated", "validate"},
    {"verify", "verified", "verify"},
};

const struct verb *activity_verb(const char *display_name, size_t word_length)
{
    for (size_t i = 0; i < G_N_ELEMENTS(verbs); i++)
        if (strlen(verbs[i].name) == word_length && g_ascii_strncasecmp(verbs[i].name, display_name, word_length) == 0)
            return &verbs[i];
    return NULL;
}
