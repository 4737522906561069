/* request.h - one HTTP request on its way through the simulator. */
#ifndef SIM_REQUEST_H
#define SIM_REQUEST_H

#include "sim.h"

enum endpoint {
    ENDPOINT_TOKEN,
    ENDPOINT_METADATA,
    ENDPOINT_SIGN_INS,
    ENDPOINT_DIRECTORY_AUDITS,
    ENDPOINT_AUDIT_EVENTS,
    ENDPOINT_HEALTH_OVERVIEWS,
    ENDPOINT_ISSUES,
    ENDPOINT_MESSAGES,
    ENDPOINT_USERS,
    ENDPOINT_USERS_DELTA,
    ENDPOINT_APPLICATIONS,
    ENDPOINT_SEND_MAIL,
    ENDPOINT_OTHER,
    ENDPOINT_CONTROL,
    ENDPOINT_COUNT
};

/* "token", "metadata", "signIns", "directoryAudits", "auditEvents", "healthOverviews", "issues", "messages", "users",
 * "usersDelta", "applications", "sendMail", "other", "control". */
extern const char *const endpoint_names[ENDPOINT_COUNT];

/* What a fault changes inside a page. */
struct page_edit {
    char *next_link;  /* in place of the real one, even where there is none; NULL: leave it */
    char *delta_link; /* likewise, in a delta round */
    bool drop_value, drop_links, no_records;
    GBytes *insert; /* raw bytes that go in as the first element; NULL: none */
};

struct request {
    struct sim *sim;
    char *method;
    char *uri;         /* as sent: path and query */
    char *path;        /* up to the question mark */
    const char *query; /* behind it, inside uri; NULL: none */
    GString *body;
    char *authorization, *client_request_id, *user_agent, *accept, *accept_encoding, *prefer, *consistency_level,
        *content_type;
    char *request_id;
    char *assertion_algorithm; /* as its header names it; NULL: no client assertion came */
    int64_t now;
    enum endpoint endpoint;
    bool beta;
    struct tenant *tenant; /* NULL: not known */
    const char *app;       /* that the token was issued to; borrowed; NULL: not known */
    int page;              /* 1 without a skip token */
    guint records;         /* how many the answer holds */
    struct page_edit edit;
    /* Of sendMail. */
    char *mailbox;   /* that the path names, lower case */
    GBytes *message; /* that may be accepted; NULL: none */
    bool mailing;    /* it counts among those under way */
};

/* A value of the query or of a form, percent-decoded, its key compared without regard to case; NULL when it is not
 * there. Returned: g_free(). */
char *request_parameter(const char *pairs, const char *key);

/* Whether Entra answers it, not Graph. */
bool request_is_login(const struct request *rq);

void request_clear(struct request *rq);

#endif
