#include "roles.h"

#include "users.h"

static const char *const graph_roles[] = {
    "Application.Read.All", "AuditLog.Read.All",      "DeviceManagementApps.Read.All",
    "Directory.Read.All",   "ServiceHealth.Read.All", "ServiceMessage.Read.All",
    "User.Read.All",
};
/* Those that no app has unless it is said: they change something. */
static const char *const graph_roles_asked_for[] = {"Mail.Send"};
static const char *const manage_roles[] = {"ActivityFeed.Read", "ActivityFeed.ReadDlp"};

/* How a service tells that a permission is missing. */
enum words { WORDS_DIRECTORY, WORDS_REPORTS, WORDS_INTUNE, WORDS_ANNOUNCEMENTS, WORDS_MAIL };

/* Any one of the roles is enough. */
static const struct need {
    enum endpoint endpoint;
    enum words words;
    const char *roles[2];
} needs[] = {
    {ENDPOINT_SIGN_INS, WORDS_REPORTS, {"AuditLog.Read.All"}},
    {ENDPOINT_DIRECTORY_AUDITS, WORDS_REPORTS, {"AuditLog.Read.All"}},
    {ENDPOINT_AUDIT_EVENTS, WORDS_INTUNE, {"DeviceManagementApps.Read.All"}},
    {ENDPOINT_HEALTH_OVERVIEWS, WORDS_ANNOUNCEMENTS, {"ServiceHealth.Read.All"}},
    {ENDPOINT_ISSUES, WORDS_ANNOUNCEMENTS, {"ServiceHealth.Read.All"}},
    {ENDPOINT_MESSAGES, WORDS_ANNOUNCEMENTS, {"ServiceMessage.Read.All"}},
    {ENDPOINT_HEALTH_OVERVIEWS, WORDS_DIRECTORY, {"ServiceHealth.Read.All"}},
    {ENDPOINT_ISSUES, WORDS_DIRECTORY, {"ServiceHealth.Read.All"}},
    {ENDPOINT_MESSAGES, WORDS_DIRECTORY, {"ServiceMessage.Read.All"}},
    {ENDPOINT_USERS, WORDS_DIRECTORY, {"User.Read.All", "Directory.Read.All"}},
    {ENDPOINT_USERS_DELTA, WORDS_DIRECTORY, {"User.Read.All", "Directory.Read.All"}},
    {ENDPOINT_APPLICATIONS, WORDS_DIRECTORY, {"Application.Read.All", "Directory.Read.All"}},
    {ENDPOINT_SEND_MAIL, WORDS_MAIL, {"Mail.Send"}},
};

/* "List users": signInActivity needs more than the accounts do. */
static const struct need activity_need = {ENDPOINT_USERS, WORDS_REPORTS, {"AuditLog.Read.All"}};

static bool contains(const char *const *names, gsize count, const char *name)
{
    for (gsize k = 0; k < count; k++)
        if (g_strcmp0(names[k], name) == 0)
            return true;
    return false;
}

bool roles_known(const char *name)
{
    return contains(graph_roles, G_N_ELEMENTS(graph_roles), name) ||
           contains(graph_roles_asked_for, G_N_ELEMENTS(graph_roles_asked_for), name) ||
           contains(manage_roles, G_N_ELEMENTS(manage_roles), name);
}

static bool lists(char *const *names, const char *name)
{
    return names && g_strv_contains((const char *const *)names, name);
}

const char **roles_granted(const struct tenant *tenant, bool graph)
{
    const char *const *all = graph ? graph_roles : manage_roles;
    gsize count = graph ? G_N_ELEMENTS(graph_roles) : G_N_ELEMENTS(manage_roles), granted = 0;
    const char **roles = g_new0(const char *, count + G_N_ELEMENTS(graph_roles_asked_for) + 1);

    for (gsize k = 0; k < count; k++)
        if (!lists(tenant->withheld, all[k]))
            roles[granted++] = all[k];
    for (gsize k = 0; graph && k < G_N_ELEMENTS(graph_roles_asked_for); k++)
        if (lists(tenant->granted, graph_roles_asked_for[k]) && !lists(tenant->withheld, graph_roles_asked_for[k]))
            roles[granted++] = graph_roles_asked_for[k];
    return roles;
}

static bool is_met(const struct need *need, const char *const *roles)
{
    for (gsize k = 0; k < G_N_ELEMENTS(need->roles) && need->roles[k]; k++)
        if (g_strv_contains(roles, need->roles[k]))
            return true;
    return false;
}

/* The message holds what the service behind it answered, as JSON text. */
static struct answer *refuse_intune(const struct request *rq, const struct need *need)
{
    g_autofree char *message =
        g_strdup_printf("{\r\n  \"_version\": 3,\r\n  \"Message\": \"Application is not authorized to perform this "
                        "operation. Application must have one of the following scopes: %s - Operation ID (for customer "
                        "support): 00000000-0000-0000-0000-000000000000 - Activity ID: %s - Url: "
                        "%s/deviceManagement/auditEvents\",\r\n  \"RetryAfter\": null,\r\n  \"HttpHeaders\": "
                        "\"{}\"\r\n}",
                        need->roles[0], rq->request_id, rq->sim->base_url);

    return answer_graph_error(rq, 403, "Forbidden", message);
}

static struct answer *refuse(const struct request *rq, const struct need *need, bool any)
{
    if (need->words == WORDS_MAIL && !any)
        return answer_graph_error(rq, 403, "NoPermissionsInAccessToken",
                                  "The token contains no permissions, or permissions can not be understood.");
    if (need->words == WORDS_MAIL)
        return answer_graph_error(rq, 403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.");
    if (need->words == WORDS_INTUNE)
        return refuse_intune(rq, need);
    if (need->words == WORDS_ANNOUNCEMENTS)
        return answer_graph_error(rq, 403, "accessDenied", "The caller doesn't have permission to perform the action.");
    if (need->words == WORDS_DIRECTORY)
        return answer_graph_default(rq, 403);
    g_autofree char *message =
        g_strdup_printf("Calling principal does not have required MSGraph permissions %s", need->roles[0]);
    return answer_graph_error(rq, 403, "Authentication_MSGraphPermissionMissing", message);
}

struct answer *roles_refuse(const struct request *rq, const char *const *roles)
{
    for (gsize k = 0; k < G_N_ELEMENTS(needs); k++)
        if (needs[k].endpoint == rq->endpoint && !is_met(&needs[k], roles))
            return refuse(rq, &needs[k], *roles != NULL);
    if (rq->endpoint == ENDPOINT_USERS && users_want_activity(rq) && !is_met(&activity_need, roles))
        return refuse(rq, &activity_need, *roles != NULL);
    return NULL;
}
