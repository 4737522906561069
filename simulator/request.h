/* request.h - one HTTP request on its way through the simulator. */
#ifndef SIM_REQUEST_H
#define SIM_REQUEST_H

#include "sim.h"

enum endpoint {
    ENDPOINT_TOKEN,
    ENDPOINT_SIGN_INS,
    ENDPOINT_DIRECTORY_AUDITS,
    ENDPOINT_OTHER,
    ENDPOINT_CONTROL,
    ENDPOINT_COUNT
};

/* "token", "signIns", "directoryAudits", "other", "control". */
extern const char *const endpoint_names[ENDPOINT_COUNT];

/* What a fault changes inside a page. */
struct page_edit {
    char *next_link; /* in place of the real one, even where there is none; NULL: leave it */
    bool drop_value;
    GBytes *insert; /* raw bytes that go in as the first element; NULL: none */
};

struct request {
    struct sim *sim;
    char *method;
    char *uri;         /* as sent: path and query */
    char *path;        /* up to the question mark */
    const char *query; /* behind it, inside uri; NULL: none */
    GString *body;
    char *authorization, *client_request_id, *user_agent, *accept, *accept_encoding, *prefer;
    char *request_id;
    int64_t now;
    enum endpoint endpoint;
    bool beta;
    struct tenant *tenant; /* NULL: not known */
    int page;              /* 1 without a skip token */
    guint records;         /* how many the answer holds */
    struct page_edit edit;
};

/* A value of the query or of a form, percent-decoded, its key compared without regard to case; NULL when it is not
 * there. Returned: g_free(). */
char *request_parameter(const char *pairs, const char *key);

void request_clear(struct request *rq);

#endif
