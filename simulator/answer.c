#include "answer.h"

#include <string.h>

#include "ticks.h"
#include "truth.h"

struct answer *answer_new(unsigned status)
{
    struct answer *a = g_new0(struct answer, 1);

    a->status = status;
    a->body = g_string_new(NULL);
    a->headers = g_ptr_array_new_with_free_func(g_free);
    return a;
}

void answer_free(struct answer *a)
{
    if (!a)
        return;
    g_string_free(a->body, TRUE);
    g_ptr_array_unref(a->headers);
    truth_free(a->truth);
    g_free(a);
}

void answer_header(struct answer *a, const char *name, const char *value)
{
    g_ptr_array_add(a->headers, g_strdup(name));
    g_ptr_array_add(a->headers, g_strdup(value));
}

void answer_drop_header(struct answer *a, const char *name)
{
    for (guint k = 0; k < a->headers->len;) {
        if (g_ascii_strcasecmp(g_ptr_array_index(a->headers, k), name) == 0)
            g_ptr_array_remove_range(a->headers, k, 2);
        else
            k += 2;
    }
}

const char *answer_find_header(const struct answer *a, const char *name)
{
    for (guint k = 0; k < a->headers->len; k += 2)
        if (g_ascii_strcasecmp(g_ptr_array_index(a->headers, k), name) == 0)
            return g_ptr_array_index(a->headers, k + 1);
    return NULL;
}

static void take_json(struct answer *a, cJSON *json)
{
    char *text = cJSON_PrintUnformatted(json);

    g_string_append(a->body, text);
    cJSON_free(text);
    cJSON_Delete(json);
    answer_header(a, "Content-Type", "application/json; charset=utf-8");
}

struct answer *answer_json(cJSON *json)
{
    struct answer *a = answer_new(200);

    take_json(a, json);
    return a;
}

struct answer *answer_graph_error(const struct request *rq, unsigned status, const char *code, const char *message)
{
    struct answer *a = answer_new(status);
    cJSON *json = cJSON_CreateObject(), *error = cJSON_AddObjectToObject(json, "error");
    g_autoptr(GString) date = g_string_new(NULL);

    cJSON_AddStringToObject(error, "code", code);
    cJSON_AddStringToObject(error, "message", message);
    cJSON *inner = cJSON_AddObjectToObject(error, "innerError");
    ticks_append_iso(date, rq->now, 0);
    cJSON_AddStringToObject(inner, "date", date->str);
    cJSON_AddStringToObject(inner, "request-id", rq->request_id);
    cJSON_AddStringToObject(inner, "client-request-id", rq->client_request_id ? rq->client_request_id : rq->request_id);
    take_json(a, json);
    return a;
}

static const struct {
    unsigned status;
    const char *code, *message;
} graph_errors[] = {
    {400, "BadRequest", "Invalid request."},
    {401, "InvalidAuthenticationToken", "Access token has expired or is not yet valid."},
    {403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation."},
    {404, "ResourceNotFound", "Resource could not be discovered."},
    {410, "resyncRequired", "Resync required. Replace any local items with the server's version."},
    {429, "TooManyRequests", "Too many requests."},
    {500, "InternalServerError", "An internal server error occurred."},
    {501, "NotImplemented", "This operation target is not yet supported."},
    {502, "BadGateway", "Bad gateway."},
    {503, "ServiceUnavailable", "The service is temporarily unavailable."},
    {504, "UnknownError", ""},
};

/* Words of codes that come with more than one status, or that are not the usual one of theirs. */
static const struct {
    const char *code, *message;
} graph_codes[] = {
    {"resyncRequired", "Resync required. Replace any local items with the server's version."},
    {"syncStateNotFound", "The sync state generation is not found. A full synchronization is required."},
    {"Directory_ExpiredPageToken",
     "The specified page token value has expired and can no longer be included in your request."},
    {"Directory_InvalidPageToken", "The specified page token value is invalid."},
    {"Authentication_RequestFromNonPremiumTenantOrB2CTenant",
     "Neither tenant is B2C or tenant doesn't have premium license"},
    {"NotImplemented", "This operation target is not yet supported."},
    {"Authorization_RequestDenied", "Insufficient privileges to complete the operation."},
};

struct answer *answer_graph_default(const struct request *rq, unsigned status)
{
    for (gsize k = 0; k < G_N_ELEMENTS(graph_errors); k++)
        if (graph_errors[k].status == status)
            return answer_graph_error(rq, status, graph_errors[k].code, graph_errors[k].message);
    return answer_graph_error(rq, status, "UnknownError", "");
}

struct answer *answer_graph_code(const struct request *rq, unsigned status, const char *code)
{
    for (gsize k = 0; k < G_N_ELEMENTS(graph_codes); k++)
        if (g_ascii_strcasecmp(graph_codes[k].code, code) == 0)
            return answer_graph_error(rq, status, code, graph_codes[k].message);
    return answer_graph_error(rq, status, code, "The request was refused.");
}

/* Texts as the service words them; {} stands for what it complains of. */
static const struct {
    int number;
    unsigned status;
    const char *error, *message;
} entra_errors[] = {
    {7000215, 401, "invalid_client",
     "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the "
     "client "
     "secret ID, for a secret added to app '{}'."},
    {7000222, 401, "invalid_client",
     "The provided client secret keys for app '{}' are expired. Visit the Azure portal to create new keys for your "
     "app."},
    {7000218, 401, "invalid_client",
     "The request body must contain the following parameter: 'client_assertion' or 'client_secret'."},
    {700027, 401, "invalid_client",
     "The certificate with identifier used to sign the client assertion is not registered on application."},
    {700024, 401, "invalid_client", "Client assertion is not within its valid time range."},
    {700016, 400, "unauthorized_client",
     "Application with identifier '{}' was not found in the directory. This can happen if the application has not been "
     "installed by the administrator of the tenant or consented to by any user in the tenant."},
    {90002, 400, "invalid_request",
     "Tenant '{}' not found. Check to make sure you have the correct tenant ID and are signing into the correct "
     "cloud."},
    {90055, 400, "temporarily_unavailable", "The server is terminating the request because of too many requests."},
    {70011, 400, "invalid_scope",
     "The provided request must include a 'scope' input parameter. The provided value for the input parameter 'scope' "
     "is not "
     "valid. The scope {} is not valid."},
    {700022, 400, "invalid_scope",
     "The provided value for the input parameter 'scope' is not valid: more than one resource."},
    {700023, 400, "invalid_scope", "The provided value for the input parameter 'scope' is not valid: no resource."},
    {70003, 400, "unsupported_grant_type", "The app requested an unsupported grant type '{}'."},
    {9002313, 400, "invalid_request", "Invalid request. Request is malformed or invalid."},
    {900144, 400, "invalid_request", "The request body must contain the following parameter: '{}'."},
};

static void add_entra_times(cJSON *json, const struct request *rq, const char *message, int number, const char *trace)
{
    g_autoptr(GString) stamp = g_string_new(NULL);
    const char *correlation = rq->client_request_id ? rq->client_request_id : rq->request_id;

    ticks_append_iso(stamp, rq->now, 0);
    g_string_append_c(stamp, 'Z');
    stamp->str[10] = ' ';
    g_autofree char *text = g_strdup_printf("AADSTS%d: %s\r\nTrace ID: %s\r\nCorrelation ID: %s\r\nTimestamp: %s",
                                            number, message, trace, correlation, stamp->str);
    cJSON_AddStringToObject(json, "error_description", text);
    cJSON *codes = cJSON_AddArrayToObject(json, "error_codes");
    cJSON_AddItemToArray(codes, cJSON_CreateNumber(number));
    cJSON_AddStringToObject(json, "timestamp", stamp->str);
    cJSON_AddStringToObject(json, "trace_id", trace);
    cJSON_AddStringToObject(json, "correlation_id", correlation);
}

struct answer *answer_entra_error(const struct request *rq, int number, const char *about)
{
    const char *error = "invalid_request", *template = "The request was refused: {}.";
    unsigned status = 400;

    for (gsize k = 0; k < G_N_ELEMENTS(entra_errors); k++) {
        if (entra_errors[k].number == number) {
            status = entra_errors[k].status;
            error = entra_errors[k].error;
            template = entra_errors[k].message;
        }
    }
    g_autofree char *valid = g_utf8_make_valid(about, -1);
    g_autoptr(GString) message = g_string_new(template);
    g_string_replace(message, "{}", valid, 1);
    return answer_entra_words(rq, status, error, number, message->str);
}

struct answer *answer_entra_words(const struct request *rq, unsigned status, const char *error, int number,
                                  const char *message)
{
    struct answer *a = answer_new(status);
    cJSON *json = cJSON_CreateObject();

    cJSON_AddStringToObject(json, "error", error);
    add_entra_times(json, rq, message, number, rq->request_id);
    g_autofree char *uri = g_strdup_printf("%s/error?code=%d", rq->sim->base_url, number);
    cJSON_AddStringToObject(json, "error_uri", uri);
    take_json(a, json);
    return a;
}
