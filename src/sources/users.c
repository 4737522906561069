/* users - accounts of Microsoft Graph: what to ask for, whose record it is, and what people see of it. */
#include <string.h>

#include "base/base.h"
#include "document_text.h"
#include "record.h"
#include "sources.h"

/* user resource type of v1.0; without $select it would answer eleven properties. */
const char users_select[] =
    "id,userPrincipalName,displayName,givenName,surname,mail,mailNickname,otherMails,proxyAddresses,accountEnabled,"
    "userType,creationType,externalUserState,externalUserStateChangeDateTime,createdDateTime,deletedDateTime,"
    "lastPasswordChangeDateTime,signInSessionsValidFromDateTime,passwordPolicies,assignedLicenses,"
    "licenseAssignmentStates,usageLocation,department,companyName,jobTitle,employeeId,employeeType,employeeHireDate,"
    "employeeLeaveDateTime,employeeOrgData,officeLocation,city,state,country,preferredLanguage,mobilePhone,"
    "businessPhones,onPremisesSyncEnabled,onPremisesLastSyncDateTime,onPremisesSamAccountName,onPremisesDomainName,"
    "onPremisesDistinguishedName,onPremisesImmutableId,onPremisesSecurityIdentifier,onPremisesUserPrincipalName,"
    "securityIdentifier,identities,isResourceAccount,showInAddressList,preferredDataLocation";

/* The permission is named in the user resource type's documentation. */
const char users_guarded_property[] = "employeeLeaveDateTime";
const char users_guarded_permission[] = "User-LifeCycleInfo.Read.All";

/* --- what to ask for -------------------------------------------------------------------------------------------------
 */

/* 999 is the most that /users gives; with signInActivity it is 500. */
char *users_listing_url(const char *base_url, const char *select)
{
    return g_strdup_printf("%s/v1.0/users?$select=%s&$top=999", base_url, select);
}

/* users/delta takes no $top. */
char *users_delta_latest_url(const char *base_url, const char *select)
{
    return g_strdup_printf("%s/v1.0/users/delta?$select=%s&$deltatoken=latest", base_url, select);
}

char *users_activity_url(const char *base_url)
{
    return g_strdup_printf("%s/v1.0/users?$select=id,signInActivity&$top=500", base_url);
}

char *users_probe_url(const char *base_url, const char *select)
{
    return g_strdup_printf("%s/v1.0/users?$select=%s&$top=1", base_url, select);
}

/* A word of an error message. */
struct word {
    const char *text;
    size_t length;
    bool quoted;
};

/* The next word at or after *at; false at the message's end. */
static bool next_word(const char **at, struct word *word)
{
    const char *text = *at;

    while (*text != '\0' && !g_ascii_isalpha(*text))
        text++;
    word->text = text;
    word->quoted = text > *at && (text[-1] == '\'' || text[-1] == '"');
    while (g_ascii_isalnum(*text))
        text++;
    word->length = (size_t)(text - word->text);
    *at = text;
    return word->length > 0;
}

static bool word_is(const struct word *word, const char *text)
{
    return strlen(text) == word->length && g_ascii_strncasecmp(word->text, text, word->length) == 0;
}

static bool has_capital(const char *name)
{
    for (; *name != '\0'; name++)
        if (g_ascii_isupper(*name))
            return true;
    return false;
}

/* The name among `names` (the first, id, aside) that the message means: "mail", "city" and "state" are words of any
 * sentence too, and count only in quotes or beside the word "property". NULL when there is none. */
static const char *find_named(char **names, const char *message)
{
    struct word word, before = {0};

    for (const char *at = message; next_word(&at, &word); before = word) {
        const char *ahead = at;
        struct word after;
        bool beside = (before.length > 0 && word_is(&before, "property")) ||
                      (next_word(&ahead, &after) && word_is(&after, "property"));

        for (char **name = names; *name != NULL; name++)
            if (strcmp(*name, "id") != 0 && word_is(&word, *name) && (word.quoted || beside || has_capital(*name)))
                return *name;
    }
    return NULL;
}

char *users_select_without(const char *select, const char *message, char **dropped)
{
    g_auto(GStrv) names = g_strsplit(select, ",", -1);
    const char *named = message != NULL ? find_named(names, message) : NULL;
    GString *rest;

    if (named == NULL)
        return NULL;
    rest = g_string_new(NULL);
    for (char **name = names; *name != NULL; name++)
        if (*name != named)
            g_string_append_printf(rest, "%s%s", rest->len > 0 ? "," : "", *name);
    *dropped = g_strdup(named);
    return g_string_free(rest, FALSE);
}

/* --- records ---------------------------------------------------------------------------------------------------------
 */

/* "changed": in the recycle bin, from where it may come back; "deleted": gone for good. A removal whose reason is
 * missing or new is taken for the one that claims less. */
static const char *removed_reason(const struct json_node *record)
{
    const struct json_node *removed = json_get(record, "@removed");

    if (removed == NULL || removed->type == JSON_NULL)
        return NULL;
    return record_same(record_string(removed, "reason"), "deleted") ? "deleted" : "changed";
}

struct account_record *users_record(struct json_tree *tree, struct json_slice slice, GError **error)
{
    const struct json_node *record = record_open("users", tree, slice, error);
    const char *id = record_string(record, "id");

    if (record == NULL)
        return NULL;
    if (id == NULL) {
        g_set_error(error, JSON_ERROR, JSON_ERROR_SHAPE,
                    "A record of users has no id: kept as received, not taken for an account.");
        return NULL;
    }
    return account_record_new(id, removed_reason(record), slice.bytes, slice.length);
}

/* --- accounts --------------------------------------------------------------------------------------------------------
 */

/* The last sign-in that succeeded, of any kind. It is told since December 2023 only and was not filled in for earlier
 * ones; where it is missing, the last attempt stands for it. */
static char *last_sign_in_of(const struct json_node *record)
{
    const struct json_node *activity = json_get(record, "signInActivity");
    char *successful = record_time(activity, "lastSuccessfulSignInDateTime");
    g_autofree char *interactive = NULL, *other = NULL;

    if (successful != NULL)
        return successful;
    interactive = record_time(activity, "lastSignInDateTime");
    other = record_time(activity, "lastNonInteractiveSignInDateTime");
    if (interactive == NULL || (other != NULL && strcmp(other, interactive) > 0))
        return g_steal_pointer(&other);
    return g_steal_pointer(&interactive);
}

/* "Ada Lovelace (ada@example.org), Member, enabled, Engineering", as far as it is known. */
static char *summary_of(const struct json_node *record, int enabled)
{
    const char *name = record_string(record, "displayName");
    const char *address = record_string(record, "userPrincipalName");
    const char *more[] = {record_string(record, "userType"),
                          enabled < 0 ? NULL : (enabled > 0 ? "enabled" : "disabled"),
                          record_string(record, "department")};
    GString *out = g_string_sized_new(128);

    if (address == NULL)
        address = record_string(record, "mail");
    if (name == NULL)
        name = address != NULL ? address : record_string(record, "id");
    if (name != NULL)
        phrase_append(out, name);
    if (out->len == 0) /* none, or nothing of it can be seen */
        g_string_append(out, "An account without a name");
    if (address != NULL && strcmp(address, name) != 0) {
        g_string_append(out, " (");
        phrase_append(out, address);
        g_string_append_c(out, ')');
    }
    for (size_t i = 0; i < G_N_ELEMENTS(more); i++) {
        if (more[i] == NULL)
            continue;
        g_string_append(out, ", ");
        phrase_append(out, more[i]);
    }
    return g_string_free(out, FALSE);
}

void users_decode(const char *raw, size_t length, struct account *account)
{
    const struct json_node *record = json_tree_parse(record_thread_tree(), raw, length, NULL);
    g_autofree char *summary = NULL;

    if (record == NULL || record->type != JSON_OBJECT) {
        account->text = g_strdup("");
        return;
    }
    account->user_principal_name = g_strdup(record_string(record, "userPrincipalName"));
    account->display_name = g_strdup(record_string(record, "displayName"));
    account->mail = g_strdup(record_string(record, "mail"));
    account->user_type = g_strdup(record_string(record, "userType"));
    account->created = record_time(record, "createdDateTime");
    account->last_sign_in = last_sign_in_of(record);
    account->enabled = record_flag(record, "accountEnabled");
    summary = summary_of(record, account->enabled);
    account->text = document_text(summary, record);
}
