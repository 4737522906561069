/* sign_ins - auditLogs/signIns of Microsoft Graph: sign-ins of users, interactive (v1.0 and beta) and not, of service
 * principals and of managed identities (beta). All have one shape; who and what stands where differs. */
#include <string.h>

#include "base/base.h"
#include "decode.h"
#include "record.h"
#include "sign_in_codes.h"

/* How the sign-in ended. */
struct outcome {
    bool known; /* the record has a code; false: nothing else is meant */
    int64_t code;
    const struct sign_in_code *entry; /* NULL: success, or a code without words of ours */
};

/* The code is a number here and a string through other roads. */
static struct outcome outcome_of(const struct json_node *record)
{
    struct outcome outcome = {0};
    const struct json_node *code = json_get(json_get(record, "status"), "errorCode");

    if (code != NULL && (code->type == JSON_NUMBER || code->type == JSON_STRING))
        outcome.known = g_ascii_string_to_signed(code->text, 10, 0, G_MAXINT64, &outcome.code, NULL);
    if (outcome.known)
        outcome.entry = sign_in_code_find(outcome.code);
    return outcome;
}

static const char *result_of(struct outcome outcome)
{
    if (!outcome.known)
        return NULL;
    if (outcome.code == 0)
        return "success";
    return outcome.entry != NULL && outcome.entry->interrupted ? "interrupted" : "failure";
}

/* --- who and what
 * ------------------------------------------------------------------------------------------------------ */

/* Who signs in, and how. */
enum kind { INTERACTIVE, NON_INTERACTIVE, SERVICE_PRINCIPAL, MANAGED_IDENTITY };

static bool is_of_type(const struct json_node *record, const char *type)
{
    const struct json_node *types = json_get(record, "signInEventTypes");

    if (types == NULL || types->type != JSON_ARRAY)
        return false;
    for (const struct json_node *one = types->child; one != NULL; one = one->next)
        if (one->type == JSON_STRING && record_same(one->text, type))
            return true;
    return false;
}

static enum kind kind_of(const struct json_node *record)
{
    if (is_of_type(record, "managedIdentity"))
        return MANAGED_IDENTITY;
    if (is_of_type(record, "servicePrincipal"))
        return SERVICE_PRINCIPAL;
    return is_of_type(record, "nonInteractiveUser") ? NON_INTERACTIVE : INTERACTIVE;
}

static bool is_application(enum kind kind)
{
    return kind == SERVICE_PRINCIPAL || kind == MANAGED_IDENTITY;
}

/* A user's id that is one: where there is no user Entra writes zeros. */
static const char *user_id(const struct json_node *record)
{
    const char *id = record_string(record, "userId");

    return id != NULL && strcmp(id, "00000000-0000-0000-0000-000000000000") != 0 ? id : NULL;
}

static void add_application_names(GPtrArray *names, const struct json_node *record)
{
    record_add_name(names, record_string(record, "servicePrincipalName"));
    record_add_name(names, record_string(record, "appDisplayName"));
    record_add_name(names, record_string(record, "servicePrincipalId"));
    record_add_name(names, record_string(record, "appId"));
}

static void add_user_names(GPtrArray *names, const struct json_node *record)
{
    record_add_name(names, record_string(record, "userPrincipalName"));
    record_add_name(names, record_string(record, "userDisplayName"));
    record_add_name(names, record_string(record, "servicePrincipalName"));
    record_add_name(names, user_id(record));
    if (record_string(record, "servicePrincipalName") != NULL) {
        record_add_name(names, record_string(record, "servicePrincipalId"));
        record_add_name(names, record_string(record, "appId"));
    }
}

static void decode_actor(const struct json_node *record, enum kind kind, struct document *document)
{
    GPtrArray *names = document->actor_names;

    if (is_application(kind))
        add_application_names(names, record);
    else
        add_user_names(names, record);
    if (names->len == 0)
        record_add_name(names, "unknown");
    document->actor_display = g_strdup(g_ptr_array_index(names, 0));
}

/* What was signed in to: the application that a user opened; an application is the actor itself, and signs in to a
 * resource. */
static const char *application(const struct json_node *record, enum kind kind)
{
    static const char *const of_users[] = {"appDisplayName", "resourceDisplayName", "appId", NULL};
    static const char *const of_applications[] = {"resourceDisplayName", "resourceId", NULL};

    for (const char *const *key = is_application(kind) ? of_applications : of_users; *key != NULL; key++) {
        const char *name = record_string(record, *key);
        if (name != NULL)
            return name;
    }
    return NULL;
}

static char *targets_of(const struct json_node *record, enum kind kind)
{
    const char *app = application(record, kind);
    const char *resource = record_string(record, "resourceDisplayName");
    GString *out = g_string_new("[");

    if (app != NULL)
        text_append_json(out, app);
    if (resource != NULL && g_strcmp0(resource, app) != 0) { /* then there is an application, the resource at least */
        g_string_append_c(out, ',');
        text_append_json(out, resource);
    }
    g_string_append_c(out, ']');
    return text_take(out);
}

/* --- the sentence
 * ------------------------------------------------------------------------------------------------------- */

/* Clients that cannot do modern authentication, "Legacy authentication clients" of the sign-in log's filter. */
static bool is_legacy(const char *client)
{
    static const char *const legacy[] = {
        "Authenticated SMTP",
        "AutoDiscover",
        "Exchange ActiveSync",
        "Exchange Online PowerShell",
        "Exchange Web Services",
        "IMAP",
        "IMAP4",
        "MAPI Over HTTP",
        "Offline Address Book",
        "Other clients",
        "Outlook Anywhere (RPC over HTTP)",
        "POP",
        "POP3",
        "Reporting Web Services",
        "SMTP",
    };

    for (size_t i = 0; i < G_N_ELEMENTS(legacy); i++)
        if (record_same(client, legacy[i]))
            return true;
    return false;
}

/* " from Brno, CZ (2001:db8::7)", as far as it is known. */
static void append_place(GString *out, const struct json_node *record)
{
    const struct json_node *location = json_get(record, "location");
    const char *city = record_string(location, "city");
    const char *country = record_string(location, "countryOrRegion");
    const char *address = record_string(record, "ipAddress");
    const char *parts[] = {city != NULL ? city : record_string(location, "state"), country};
    bool placed = false;

    for (size_t i = 0; i < G_N_ELEMENTS(parts); i++) {
        if (parts[i] == NULL)
            continue;
        g_string_append(out, placed ? ", " : " from ");
        phrase_append(out, parts[i]);
        placed = true;
    }
    if (address == NULL)
        return;
    g_string_append(out, placed ? " (" : " from ");
    phrase_append(out, address);
    if (placed)
        g_string_append_c(out, ')');
}

/* The level as a word of ours. "hidden" (no P2 licence) and "none" are not the same, but neither is news. */
static const char *risk_level(const char *level)
{
    static const char *const levels[] = {"low", "medium", "high"};

    for (size_t i = 0; i < G_N_ELEMENTS(levels); i++)
        if (record_same(level, levels[i]))
            return levels[i];
    return NULL;
}

static void append_risk(GString *out, const struct json_node *record)
{
    const char *state = record_string(record, "riskState");
    const char *level = risk_level(record_string(record, "riskLevelDuringSignIn"));

    if (level == NULL) /* found out later */
        level = risk_level(record_string(record, "riskLevelAggregated"));
    if (level != NULL)
        g_string_append_printf(out, " at %s risk", level);
    if (record_same(state, "confirmedCompromised"))
        g_string_append(out, ", account confirmed compromised");
    else if (level != NULL && record_same(state, "dismissed"))
        g_string_append(out, " (dismissed)");
    else if (level != NULL && record_same(state, "remediated"))
        g_string_append(out, " (remediated)");
    else if (level != NULL && record_same(state, "confirmedSafe"))
        g_string_append(out, " (confirmed safe)");
}

/* Names of the policies that were not met, at most two; `before` comes in front of them. */
static void append_policies(GString *out, const struct json_node *record, const char *before)
{
    const struct json_node *policies = json_get(record, "appliedConditionalAccessPolicies");
    unsigned named = 0;

    if (policies == NULL || policies->type != JSON_ARRAY)
        return;
    for (const struct json_node *policy = policies->child; policy != NULL && named < 2; policy = policy->next) {
        const char *name = record_string(policy, "displayName");
        if (name == NULL || !record_same(record_string(policy, "result"), "failure"))
            continue;
        g_string_append(out, named == 0 ? before : " and ");
        phrase_append(out, name);
        named++;
    }
}

/* The reason that the record gives, up to the end of its first sentence. Entra writes "Other." for "see the code". */
static bool append_given_reason(GString *out, const struct json_node *record)
{
    const char *reason = record_string(json_get(record, "status"), "failureReason");
    const char *stop;

    if (reason == NULL || record_same(reason, "Other") || record_same(reason, "Other."))
        return false;
    stop = strstr(reason, ". ");
    size_t length = stop != NULL ? (size_t)(stop - reason) : strlen(reason);
    while (length > 0 && (reason[length - 1] == '.' || g_ascii_isspace(reason[length - 1])))
        length--;
    g_autofree char *first = g_strndup(reason, length);
    phrase_append(out, first);
    return length > 0;
}

static void append_reason(GString *out, const struct json_node *record, struct outcome outcome)
{
    bool blocked = outcome.entry != NULL && strcmp(outcome.entry->words, "blocked by conditional access") == 0;

    g_string_append(out, ": ");
    if (outcome.entry != NULL)
        g_string_append(out, outcome.entry->words);
    else if (!append_given_reason(out, record))
        g_string_append(out, "error");
    if (blocked)
        append_policies(out, record, " policy ");
    g_string_append_printf(out, " (%" G_GINT64_FORMAT ")", outcome.code);
    if (!blocked)
        append_policies(out, record, ", asked for by conditional access policy ");
}

/* "Service principal Backup", "ada@example.org", "An unknown user". */
static void append_actor(GString *out, const struct document *document, enum kind kind)
{
    static const char *const words[] = {
        [INTERACTIVE] = "user",
        [NON_INTERACTIVE] = "user",
        [SERVICE_PRINCIPAL] = "service principal",
        [MANAGED_IDENTITY] = "managed identity",
    };

    if (strcmp(document->actor_display, "unknown") == 0) {
        g_string_append_printf(out, "An unknown %s", words[kind]);
        return;
    }
    if (is_application(kind))
        g_string_append(out, kind == MANAGED_IDENTITY ? "Managed identity " : "Service principal ");
    phrase_append(out, document->actor_display);
}

static void append_what(GString *out, const struct document *document, struct outcome outcome)
{
    if (!outcome.known)
        g_string_append(out, " tried to sign in");
    else if (outcome.code == 0)
        g_string_append(out, " signed in");
    else
        g_string_append(out, strcmp(document->result, "failure") == 0 ? " failed to sign in"
                                                                      : " was interrupted signing in");
    if (document->operation != NULL) {
        g_string_append(out, " to ");
        phrase_append(out, record_same(document->operation, "Windows Sign In") ? "Windows" : document->operation);
    }
}

static char *summary_of(const struct json_node *record, const struct document *document, enum kind kind,
                        struct outcome outcome)
{
    const char *client = record_string(record, "clientAppUsed");
    GString *out = g_string_sized_new(192);

    append_actor(out, document, kind);
    append_what(out, document, outcome);
    if (kind == NON_INTERACTIVE)
        g_string_append(out, " (non-interactive)");
    append_place(out, record);
    if (is_legacy(client))
        g_string_append_printf(out, " with a legacy client (%s)", client);
    append_risk(out, record);
    if (outcome.known && outcome.code != 0)
        append_reason(out, record, outcome);
    return text_take(out);
}

void sign_ins_decode(const struct json_node *record, struct document *document)
{
    enum kind kind = kind_of(record);
    struct outcome outcome = outcome_of(record);

    document->service = g_strdup("SignIn");
    document->operation = g_strdup(application(record, kind));
    document->result = g_strdup(result_of(outcome));
    decode_actor(record, kind, document);
    document->target_displays = targets_of(record, kind);
    document->display_summary = summary_of(record, document, kind, outcome);
}
