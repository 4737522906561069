#include "client/failure.h"

#include <string.h>

#include "base/clock.h"
#include "base/text.h"

enum { ESCAPED_MOST = 3 }; /* times that an echoed form was percent-encoded */

/* --- text --------------------------------------------------------------------------------------------------------- */

char *failure_clean(const char *text, size_t length, size_t max_bytes)
{
    g_autofree char *valid = g_utf8_make_valid(text, (gssize)length);
    GString *line = g_string_new(NULL);
    bool blank = false;

    for (const char *p = valid; *p; p = g_utf8_next_char(p)) {
        gunichar c = g_utf8_get_char(p);
        GUnicodeType type = g_unichar_type(c);
        if (g_unichar_isspace(c)) {
            blank = line->len > 0;
            continue;
        }
        if (type == G_UNICODE_CONTROL || type == G_UNICODE_FORMAT || type == G_UNICODE_LINE_SEPARATOR ||
            type == G_UNICODE_PARAGRAPH_SEPARATOR)
            continue;
        if (line->len + blank + (size_t)(g_utf8_next_char(p) - p) + strlen("...") > max_bytes) {
            g_string_append(line, "...");
            break;
        }
        if (blank)
            g_string_append_c(line, ' ');
        blank = false;
        g_string_append_unichar(line, c);
    }
    return g_string_free(line, FALSE);
}

/* How many bytes at `at` stand for the one byte `c`: itself, a form's + for a blank, or, escaped `times` over, %7E,
 * %257E, %25257E. 0 when they stand for another. */
static size_t stands_for(const char *at, char c, int times)
{
    if (*at == '%') {
        const char *digits = at + 1;
        for (int i = 1; i < times && g_str_has_prefix(digits, "25"); i++)
            digits += 2;
        if (g_ascii_isxdigit(digits[0]) && g_ascii_isxdigit(digits[1]) &&
            g_ascii_xdigit_value(digits[0]) * 16 + g_ascii_xdigit_value(digits[1]) == (guchar)c)
            return (size_t)(digits + 2 - at);
    }
    return *at == c || (*at == '+' && c == ' ');
}

/* The length of what begins at `at` and says `secret` with any of its characters escaped; 0 when nothing does. */
static size_t match_escaped(const char *at, const char *secret, int times)
{
    size_t length = 0;

    for (; *secret; secret++) {
        size_t step = stands_for(at + length, *secret, times);
        if (step == 0)
            return 0;
        length += step;
    }
    return length;
}

static size_t match_secret(const char *at, const char *secret)
{
    size_t length = g_str_has_prefix(at, secret) ? strlen(secret) : 0;

    for (int times = 1; length == 0 && times <= ESCAPED_MOST; times++)
        length = match_escaped(at, secret, times);
    return length;
}

void failure_redact(char **text, const char *secret)
{
    if (!*text || !secret || strlen(secret) < 4)
        return;
    GString *clean = g_string_new(NULL);
    for (const char *at = *text; *at;) {
        size_t length = match_secret(at, secret);
        if (length > 0)
            g_string_append(clean, "(secret)");
        else
            g_string_append_c(clean, *at);
        at += MAX(length, 1);
    }
    text_free_secret(*text);
    *text = g_string_free(clean, FALSE);
}

/* --- failures ----------------------------------------------------------------------------------------------------- */

struct client_failure *failure_new(enum client_verdict verdict, int status, const char *code, const char *message)
{
    struct client_failure *failure = g_new0(struct client_failure, 1);

    failure->verdict = verdict;
    failure->status = status;
    failure->code = g_strdup(code);
    failure->message = failure_clean(message, strlen(message), FAILURE_MESSAGE_BYTES);
    return failure;
}

struct client_failure *client_failure_copy(const struct client_failure *failure)
{
    if (!failure)
        return NULL;
    struct client_failure *copy = g_new0(struct client_failure, 1);
    copy->verdict = failure->verdict;
    copy->status = failure->status;
    copy->code = g_strdup(failure->code);
    copy->message = g_strdup(failure->message);
    copy->request_id = g_strdup(failure->request_id);
    copy->hint = g_strdup(failure->hint);
    return copy;
}

void client_failure_free(struct client_failure *failure)
{
    if (!failure)
        return;
    g_free(failure->code);
    g_free(failure->message);
    g_free(failure->request_id);
    g_free(failure->hint);
    g_free(failure);
}

/* --- error bodies ------------------------------------------------------------------------------------------------- */

/* Member names differ in case from service to service (Message, message; innerError, innererror). */
static const struct json_node *get_any_case(const struct json_node *object, const char *key)
{
    if (!object || object->type != JSON_OBJECT)
        return NULL;
    for (const struct json_node *member = object->child; member; member = member->next)
        if (g_ascii_strcasecmp(member->key, key) == 0)
            return member;
    return NULL;
}

static const char *get_text(const struct json_node *object, const char *key)
{
    const struct json_node *member = get_any_case(object, key);

    if (!member || !member->text || !*member->text)
        return NULL;
    return member->text;
}

/* Codes that decide what we do, or that Microsoft documents as the base of the open list: deeper codes than these are
 * noise. */
static bool is_known_code(const char *code)
{
    static const char *const known[] = {"accessDenied",
                                        "activityLimitReached",
                                        "extensionError",
                                        "generalException",
                                        "invalidRange",
                                        "invalidRequest",
                                        "itemNotFound",
                                        "malwareDetected",
                                        "nameAlreadyExists",
                                        "notAllowed",
                                        "notSupported",
                                        "resourceModified",
                                        "resyncRequired",
                                        "serviceNotAvailable",
                                        "syncStateNotFound",
                                        "quotaLimitReached",
                                        "unauthenticated",
                                        "throttledRequest",
                                        "InvalidAuthenticationToken",
                                        "Authorization_RequestDenied",
                                        "Authorization_IdentityNotFound",
                                        "Request_BadRequest",
                                        "Request_ResourceNotFound",
                                        "Request_UnsupportedQuery",
                                        "BadRequest",
                                        "Directory_ExpiredPageToken",
                                        "Authentication_RequestFromNonPremiumTenantOrB2CTenant",
                                        "AadPremiumLicenseRequired",
                                        "NotImplemented",
                                        "NoPermissionsInAccessToken",
                                        "TooManyRequests",
                                        "ErrorAccessDenied",
                                        NULL};

    for (int i = 0; known[i]; i++)
        if (g_ascii_strcasecmp(code, known[i]) == 0)
            return true;
    return false;
}

static void take_code(struct service_error *error, const char *code)
{
    if (!code)
        return;
    g_free(error->code);
    error->code = failure_clean(code, strlen(code), FAILURE_CODE_BYTES);
}

static void take_message(struct service_error *error, const char *message)
{
    if (!message || error->message)
        return;
    error->message = failure_clean(message, strlen(message), FAILURE_MESSAGE_BYTES);
}

static void take_request_id(struct service_error *error, const char *id)
{
    if (!id || error->request_id)
        return;
    error->request_id = failure_clean(id, strlen(id), FAILURE_CODE_BYTES);
}

/* Walks error.innerError.innerError...: a known code replaces what stands above it, any code replaces none. */
static void walk_inner_errors(struct service_error *error, const struct json_node *node)
{
    for (int depth = 0; node && depth < JSON_DEPTH_MAX; depth++) {
        const char *code = get_text(node, "code");
        if (code && (!error->code || is_known_code(code)))
            take_code(error, code);
        take_message(error, get_text(node, "message"));
        take_request_id(error, get_text(node, "request-id"));
        node = get_any_case(node, "innerError");
    }
}

/* The token endpoint: {"error":"invalid_client","error_description":"AADSTS7000215: ...\r\nTrace ID:
 * ...","error_codes":[7000215]}. */
static void read_token_error(struct service_error *error, const struct json_node *root)
{
    const char *description = get_text(root, "error_description");
    const struct json_node *numbers = get_any_case(root, "error_codes");
    const struct json_node *number = numbers && numbers->type == JSON_ARRAY ? numbers->child : NULL;

    error->oauth = failure_clean(get_text(root, "error"), strlen(get_text(root, "error")), FAILURE_CODE_BYTES);
    if (number && number->type == JSON_NUMBER)
        error->code = g_strdup_printf("AADSTS%.20s", number->text);
    else if (description && g_str_has_prefix(description, "AADSTS"))
        error->code = g_strdup_printf("AADSTS%.*s", (int)strspn(description + 6, "0123456789"), description + 6);
    else
        error->code = g_strdup(error->oauth);
    if (description) /* the lines after the first hold ids and a time */
        error->message = failure_clean(description, strcspn(description, "\r\n"), FAILURE_MESSAGE_BYTES);
    take_request_id(error, get_text(root, "trace_id"));
}

/* Messages hold at times another error as JSON text: its words are the ones that help. */
static void unwrap_message(struct service_error *error, const struct json_node *message)
{
    g_autoptr(JsonTree) tree = json_tree_new();
    const struct json_node *inner = message && message->text && message->text[0] == '{'
                                        ? json_tree_parse(tree, message->text, message->text_length, NULL)
                                        : NULL;

    if (!inner)
        return;
    const char *code = get_text(inner, "code");
    if (code && (!error->code || is_known_code(code)))
        take_code(error, code);
    take_message(error, get_text(inner, "message"));
}

/* A Graph or Management error object, or anything with a code and a message. */
static void read_error_object(struct service_error *error, const struct json_node *object)
{
    const struct json_node *message = get_any_case(object, "message");

    if (message && message->type == JSON_OBJECT) /* {"lang":"en","value":"..."} */
        message = get_any_case(message, "value");
    take_code(error, get_text(object, "code"));
    unwrap_message(error, message);
    take_message(error, message && message->text && *message->text ? message->text : NULL);
    walk_inner_errors(error, get_any_case(object, "innerError"));
    take_message(error, get_text(object, "code")); /* some services put a whole sentence or a dump there */
}

static void read_json_error(struct service_error *error, const struct json_node *root)
{
    const struct json_node *graph = get_any_case(root, "error");

    if (graph && graph->type == JSON_STRING && *graph->text)
        read_token_error(error, root);
    else if (graph && graph->type == JSON_OBJECT)
        read_error_object(error, graph);
    else if (get_any_case(root, "odata.error"))
        read_error_object(error, get_any_case(root, "odata.error"));
    else
        read_error_object(error, root);
}

/* Gateways and proxies answer with pages for people: the title says most. */
static void read_text_error(struct service_error *error, const char *body, size_t length)
{
    g_autofree char *text = failure_clean(body, length, 4096);
    g_autofree char *lower = g_ascii_strdown(text, -1);
    const char *title = strstr(lower, "<title>");
    const char *end = title ? strstr(title, "</title>") : NULL;

    if (!*text)
        return;
    if (end) {
        const char *from = text + (title - lower) + strlen("<title>");
        g_autofree char *words =
            failure_clean(from, (size_t)(end - title) - strlen("<title>"), FAILURE_MESSAGE_BYTES / 2);
        error->message = g_strdup_printf("a web page titled \"%s\" instead of JSON", words);
    } else if (text[0] == '<') {
        error->message = g_strdup("a web page instead of JSON");
    } else {
        error->message = failure_clean(text, strlen(text), FAILURE_MESSAGE_BYTES);
    }
}

void service_error_parse(struct service_error *error, const char *body, size_t length)
{
    g_autoptr(JsonTree) tree = json_tree_new();

    *error = (struct service_error){0};
    const struct json_node *root = length > 0 ? json_tree_parse(tree, body, length, NULL) : NULL;
    if (root && root->type == JSON_OBJECT)
        read_json_error(error, root);
    else
        read_text_error(error, body, length);
}

void service_error_clear(struct service_error *error)
{
    g_free(error->code);
    g_free(error->oauth);
    g_free(error->message);
    g_free(error->request_id);
    *error = (struct service_error){0};
}

/* --- hints -------------------------------------------------------------------------------------------------------- */

static const struct {
    const char *code, *hint;
} hints[] = {
    /* Entra error codes reference. The numbers may change: they choose words here, never what is done. */
    {"AADSTS7000215", "The client secret is wrong. Often its ID was pasted: copy the secret's Value, shown once when "
                      "it is made, or make a new "
                      "client secret in the app registration."},
    {"AADSTS7000222", "The client secret has expired: make a new one in the app registration (Certificates & secrets) "
                      "and configure it."},
    {"AADSTS7000218", "Neither a client secret nor a certificate was sent: configure GRAPH_CLIENT_SECRET or "
                      "GRAPH_CLIENT_CERTIFICATE."},
    {"AADSTS700016", "This tenant does not know the application ID: check client ID and tenant ID, that an "
                     "administrator consented in this "
                     "tenant, and that M365_CLOUD is the tenant's cloud."},
    {"AADSTS7000112", "The application is disabled in this tenant: enable it under Enterprise applications."},
    {"AADSTS70001", "The application is disabled or unknown in this tenant: check it under Enterprise applications."},
    {"AADSTS700027",
     "The certificate does not fit the app registration: upload its public part there, or use the right key."},
    {"AADSTS50012",
     "The certificate does not fit the app registration: upload its public part there, or use the right key."},
    {"AADSTS700024", "The signed assertion is outside its time: check this machine's clock (and its time zone)."},
    {"AADSTS700025",
     "The app registration is a public client: make it a confidential one (no \"Allow public client flows\")."},
    {"AADSTS90002",
     "The tenant was not found: check the tenant ID for a typing error, and that M365_CLOUD is the tenant's cloud."},
    {"AADSTS900023", "The tenant ID is no GUID: copy it from the Entra portal, Overview, Tenant ID."},
    {"AADSTS90038", "The tenant lives in another national cloud: set M365_CLOUD to it."},
    {"AADSTS900382",
     "The app belongs to another national cloud: register it in the tenant's own cloud and set M365_CLOUD."},
    {"AADSTS900432",
     "The app belongs to another national cloud: register it in the tenant's own cloud and set M365_CLOUD."},
    {"AADSTS9001023", "The tenant must be named by its GUID: copy it from the Entra portal, Overview, Tenant ID."},
    {"AADSTS90124", "The tenant must be named by its GUID: copy it from the Entra portal, Overview, Tenant ID."},
    {"AADSTS90130", "The tenant must be named by its GUID: copy it from the Entra portal, Overview, Tenant ID."},
    {"AADSTS500011", "The tenant does not have the service asked for: check the cloud and the service URLs, and that "
                     "an administrator added "
                     "one of its permissions to the app and granted consent."},
    {"AADSTS50001",
     "The service asked for is disabled or unknown in this tenant: check the cloud and the service URLs."},
    {"AADSTS650052",
     "The tenant has not enabled the service asked for: an administrator must subscribe to it or grant consent."},
    {"AADSTS650056", "The app registration lacks a permission on this service: add it and grant admin consent."},
    {"AADSTS650057", "The app registration lacks a permission on this service: add it and grant admin consent."},
    {"AADSTS65005", "The app registration lacks a permission on this service: add it and grant admin consent."},
    {"AADSTS65001", "Nobody has consented to the app's permissions: grant admin consent in the app registration."},
    {"AADSTS53003", "Conditional Access blocks the app: exclude it from the policy for workload identities, or allow "
                    "this host's address."},
    {"AADSTS530032", "Conditional Access blocks the app: exclude it from the policy for workload identities, or allow "
                     "this host's address."},
    {"AADSTS70011", "The service URL is no valid resource: check GRAPH_URL and MANAGE_URL."},
    {"AADSTS90055", "The tenant sends too many token requests: find what else signs in with it, and wait."},
    /* Microsoft Graph and the Management API. */
    {"Authentication_RequestFromNonPremiumTenantOrB2CTenant",
     "The service says that the tenant has no Entra ID P1 or P2 licence, which this collection needs: add one, or "
     "leave "
     "this source out. It is tried again at each run."},
    {"AadPremiumLicenseRequired", "The service says that the tenant has no Entra ID P1 or P2 licence, which this "
                                  "collection needs: add one, or leave "
                                  "this source out. It is tried again at each run."},
    {"InvalidAuthenticationToken",
     "The service refuses a fresh token: check that M365_CLOUD and the service URLs belong to the tenant's cloud, "
     "and that the app was not disabled."},
    {"NoPermissionsInAccessToken",
     "The token carries no permission at all: add application permissions to the app and grant admin consent."},
    /* Our own codes for what happens below HTTP. */
    {"dns", "Check the host's name in the configuration and this machine's name resolution (and HTTPS_PROXY if only a "
            "proxy reaches out)."},
    {"connect", "Check the network, the firewall and, if only a proxy reaches out, HTTPS_PROXY."},
    {"proxy", "Check HTTPS_PROXY (its name, port, user and password) and NO_PROXY."},
    {"proxy_authentication", "The proxy wants a user and password: put them into HTTPS_PROXY."},
    {"connection_lost",
     "Nothing is lost: the next run reads what is missing. If it lasts, check the network, the firewall "
     "and, if only a proxy reaches out, HTTPS_PROXY."},
    {"timeout",
     "Nothing is lost: the next run reads what is missing. If it lasts, check the network, the firewall and, if "
     "only a proxy reaches out, HTTPS_PROXY."},
    {"tls", "Check what answers on that port, a proxy that opens TLS, and that TLS 1.2 is allowed."},
    {"certificate", "The server's certificate was not accepted and nothing was sent: check the host's name, this "
                    "machine's clock and, behind a "
                    "proxy that opens TLS, that SSL_CERT_FILE names its authority's certificate."},
    {"client_certificate",
     "Mend what the message says in the PEM file that GRAPH_CLIENT_CERTIFICATE (or `certificate` in "
     "m365keep.yaml) names: the app's certificate and its private key, one after the other."},
    {"ca_file", "Check that the file named by SSL_CERT_FILE exists, is readable and holds PEM certificates."},
    {"bad_token",
     "What answers there is no sign-in service: check LOGIN_URL and M365_CLOUD, and any proxy or log-in page "
     "between here and there."},
    {"too_large", "One answer is larger than the limit on a page's size; a smaller window or page size helps."},
};

static char *permission_hint(const char *permission)
{
    if (!permission)
        return g_strdup("Add the missing application permission to the app registration and grant admin consent.");
    return g_strdup_printf("Add the application permission%s %s to the app registration and grant admin consent.",
                           strstr(permission, " and ") ? "s" : "", permission);
}

static char *unavailable_hint(const char *message)
{
    if (message && strstr(message, "not applicable to target tenant"))
        return g_strdup("The tenant does not use this service (Intune): leave this source out, or add the licence.");
    if (message && strstr(message, "does not exist"))
        return g_strdup("Unified auditing seems to be off: turn it on in the Purview portal; it takes up to an hour.");
    return g_strdup("This tenant or cloud does not offer this collection; it is tried again at each run.");
}

char *failure_pause_hint(int64_t wait_us)
{
    /* Longer waits are cut to an hour where they are read. */
    const char *more = wait_us >= 3600 * CLOCK_US ? " or more" : "";

    return g_strdup_printf("Nothing is lost: the service asks for a pause of %" G_GINT64_FORMAT
                           " s%s (Retry-After), and a run after that goes on from here.",
                           wait_us / CLOCK_US, more);
}

char *failure_hint(enum client_verdict verdict, const char *code, const char *message, const char *permission)
{
    if (verdict == CLIENT_UNKNOWN)
        return g_strdup("Nobody knows whether the service took it: look there before it is sent again.");
    for (size_t i = 0; code && i < G_N_ELEMENTS(hints); i++)
        if (g_ascii_strcasecmp(code, hints[i].code) == 0)
            return g_strdup(hints[i].hint);
    if (verdict == CLIENT_FORBIDDEN)
        return permission_hint(permission);
    if (verdict == CLIENT_UNAVAILABLE)
        return unavailable_hint(message);
    if (verdict == CLIENT_SECURITY || (code && g_str_has_prefix(code, "http_3")))
        return g_strdup("Nothing was sent there. Check the configured service URLs (M365_CLOUD, GRAPH_URL, MANAGE_URL, "
                        "LOGIN_URL) and any proxy that rewrites answers.");
    if (code && g_str_has_prefix(code, "AADSTS"))
        return g_strdup_printf("Look the number up at https://login.microsoftonline.com/error?code=%s.",
                               code + strlen("AADSTS"));
    if (verdict == CLIENT_CREDENTIALS)
        return g_strdup("Check tenant ID, client ID and client secret or certificate, and that M365_CLOUD is the "
                        "tenant's cloud.");
    return NULL;
}
