#include "request.h"

#include <string.h>

#include "mail.h"

const char *const endpoint_names[ENDPOINT_COUNT] = {
    [ENDPOINT_TOKEN] = "token",
    [ENDPOINT_METADATA] = "metadata",
    [ENDPOINT_SIGN_INS] = "signIns",
    [ENDPOINT_DIRECTORY_AUDITS] = "directoryAudits",
    [ENDPOINT_AUDIT_EVENTS] = "auditEvents",
    [ENDPOINT_HEALTH_OVERVIEWS] = "healthOverviews",
    [ENDPOINT_ISSUES] = "issues",
    [ENDPOINT_MESSAGES] = "messages",
    [ENDPOINT_USERS] = "users",
    [ENDPOINT_USERS_DELTA] = "usersDelta",
    [ENDPOINT_APPLICATIONS] = "applications",
    [ENDPOINT_SEND_MAIL] = "sendMail",
    [ENDPOINT_OTHER] = "other",
    [ENDPOINT_CONTROL] = "control",
};

char *request_parameter(const char *pairs, const char *key)
{
    g_auto(GStrv) pieces = g_strsplit(pairs ? pairs : "", "&", 0);

    for (char **p = pieces; *p; p++) {
        const char *equals = strchr(*p, '=');
        gsize key_len = equals ? (gsize)(equals - *p) : strlen(*p);
        g_autofree char *name = text_percent_decode(*p, key_len);
        if (g_ascii_strcasecmp(name, key) == 0)
            return equals ? text_percent_decode(equals + 1, strlen(equals + 1)) : g_strdup("");
    }
    return NULL;
}

bool request_is_login(const struct request *rq)
{
    return rq->endpoint == ENDPOINT_TOKEN || rq->endpoint == ENDPOINT_METADATA;
}

void request_clear(struct request *rq)
{
    mail_leave(rq);
    g_free(rq->method);
    g_free(rq->uri);
    g_free(rq->path);
    if (rq->body)
        g_string_free(rq->body, TRUE);
    g_free(rq->authorization);
    g_free(rq->client_request_id);
    g_free(rq->user_agent);
    g_free(rq->accept);
    g_free(rq->accept_encoding);
    g_free(rq->prefer);
    g_free(rq->consistency_level);
    g_free(rq->content_type);
    g_free(rq->mailbox);
    g_clear_pointer(&rq->message, g_bytes_unref);
    g_free(rq->request_id);
    g_free(rq->assertion_algorithm);
    g_free(rq->edit.next_link);
    g_free(rq->edit.delta_link);
    if (rq->edit.insert)
        g_bytes_unref(rq->edit.insert);
}
