#include "server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "application.h"
#include "budget.h"
#include "control.h"
#include "faults.h"
#include "health_page.h"
#include "ledger.h"
#include "mail.h"
#include "metadata.h"
#include "page.h"
#include "park.h"
#include "respond.h"
#include "skiptoken.h"
#include "ticks.h"
#include "token.h"
#include "users.h"

enum { MOST_BODY = 64 << 20, CONNECTION_MEMORY = 512 << 10 };

struct server {
    struct sim *sim;
    struct MHD_Daemon *daemon;
};

/* A request together with where it stands with libmicrohttpd. */
struct exchange {
    struct request rq;
    bool begun, too_large;
    struct answer *answer;
};

static const struct {
    const char *path;
    enum endpoint endpoint;
    bool beta;
} graph_paths[] = {
    {"/v1.0/auditlogs/signins", ENDPOINT_SIGN_INS, false},
    {"/beta/auditlogs/signins", ENDPOINT_SIGN_INS, true},
    {"/v1.0/auditlogs/directoryaudits", ENDPOINT_DIRECTORY_AUDITS, false},
    {"/v1.0/devicemanagement/auditevents", ENDPOINT_AUDIT_EVENTS, false},
    {"/beta/devicemanagement/auditevents", ENDPOINT_AUDIT_EVENTS, true},
    {"/v1.0/applications", ENDPOINT_APPLICATIONS, false},
    {"/beta/applications", ENDPOINT_APPLICATIONS, true},
    {"/v1.0/users", ENDPOINT_USERS, false},
    {"/beta/users", ENDPOINT_USERS, true},
    {"/v1.0/users/delta", ENDPOINT_USERS_DELTA, false},
    {"/beta/users/delta", ENDPOINT_USERS_DELTA, true},
};

/* The tenant segment of "/{tenant}/oauth2/v2.0/token", or NULL. Returned. */
static char *token_path_tenant(const char *path)
{
    static const char tail[] = "/oauth2/v2.0/token";
    gsize len = strlen(path);

    if (len <= strlen(tail) + 1 || g_ascii_strcasecmp(path + len - strlen(tail), tail) != 0)
        return NULL;
    char *tenant = g_strndup(path + 1, len - strlen(tail) - 1);
    if (!strchr(tenant, '/'))
        return tenant;
    g_free(tenant);
    return NULL;
}

/* The path without a slash at its end, with functions in their short form: "/delta" for "/microsoft.graph.delta()".
 * Returned. */
static char *plain_path(const char *path)
{
    g_autofree char *decoded = text_percent_decode(path, strlen(path));
    g_autofree char *lower = g_ascii_strdown(decoded, -1);
    g_autoptr(GString) plain = g_string_new(lower);

    if (plain->len > 1 && plain->str[plain->len - 1] == '/')
        g_string_truncate(plain, plain->len - 1);
    if (g_str_has_suffix(plain->str, "()"))
        g_string_truncate(plain, plain->len - 2);
    g_string_replace(plain, "/microsoft.graph.", "/", 1);
    return g_strdup(plain->str);
}

static void classify_graph(struct request *rq)
{
    g_autofree char *path = plain_path(rq->path);

    for (gsize k = 0; k < G_N_ELEMENTS(graph_paths); k++) {
        if (strcmp(graph_paths[k].path, path) == 0) {
            rq->endpoint = graph_paths[k].endpoint;
            rq->beta = graph_paths[k].beta;
        }
    }
    if (rq->endpoint == ENDPOINT_USERS || rq->endpoint == ENDPOINT_USERS_DELTA)
        rq->page = users_page_number(rq);
    health_classify(rq, path);
    rq->mailbox = mail_path_mailbox(rq->path);
    if (rq->mailbox)
        rq->endpoint = ENDPOINT_SEND_MAIL;
}

/* Finds out what is asked and on whose behalf. */
static void classify(struct request *rq)
{
    g_autofree char *tenant = token_path_tenant(rq->path);

    rq->endpoint = ENDPOINT_OTHER;
    rq->page = skiptoken_page(rq->uri);
    if (g_str_has_prefix(rq->path, "/control/")) {
        rq->endpoint = ENDPOINT_CONTROL;
        return;
    }
    if (tenant) {
        rq->endpoint = ENDPOINT_TOKEN;
        rq->tenant = sim_tenant(rq->sim, tenant);
        return;
    }
    if (metadata_is_path(rq->path)) {
        rq->endpoint = ENDPOINT_METADATA;
        rq->tenant = metadata_tenant(rq);
        return;
    }
    token_identify(rq);
    classify_graph(rq);
}

static bool is_about_users(const struct request *rq)
{
    return rq->endpoint == ENDPOINT_USERS || rq->endpoint == ENDPOINT_USERS_DELTA;
}

static enum budget_family family_of(const struct request *rq)
{
    if (rq->endpoint == ENDPOINT_AUDIT_EVENTS)
        return BUDGET_INTUNE;
    if (rq->endpoint == ENDPOINT_SEND_MAIL)
        return BUDGET_MAIL;
    if (rq->endpoint == ENDPOINT_APPLICATIONS)
        return BUDGET_DIRECTORY;
    if (health_is_endpoint(rq->endpoint))
        return BUDGET_ANNOUNCEMENTS;
    if (!is_about_users(rq))
        return BUDGET_REPORTS;
    return users_want_activity(rq) ? BUDGET_ACTIVITY : BUDGET_DIRECTORY;
}

static struct charge charge_of(const struct request *rq)
{
    enum budget_family family = family_of(rq);

    return (struct charge){.family = family,
                           .app = rq->app,
                           .tenant = rq->tenant->id,
                           .mailbox = rq->mailbox,
                           .users = rq->sim->options->users,
                           .cost = family == BUDGET_DIRECTORY && is_about_users(rq) ? users_cost(rq) : 1};
}

/* The headers that calls to the directory have (Microsoft, "Microsoft Graph throttling guidance"). */
static void add_throttle_headers(const struct request *rq, struct answer *a)
{
    struct charge charge = charge_of(rq);
    g_autofree char *unit = g_strdup_printf("%d", users_cost(rq));

    charge.family = BUDGET_DIRECTORY;
    double used = budgets_used(rq->sim->budgets, &charge, rq->now);
    answer_header(a, "x-ms-resource-unit", unit);
    if (used > 0.8 && rq->sim->options->enforce_budgets) {
        char part[G_ASCII_DTOSTR_BUF_SIZE];
        answer_header(a, "x-ms-throttle-limit-percentage", g_ascii_formatd(part, sizeof(part), "%.1f", used));
    }
    if (a->status == 429) {
        g_autofree char *scope = g_strdup_printf("Tenant_Application/ReadWrite/%s/%s", rq->app, rq->tenant->id);
        answer_header(a, "x-ms-throttle-scope", scope);
        answer_header(a, "x-ms-throttle-information", "ResourceUnitLimitExceeded");
    }
}

static struct answer *take_budget(const struct request *rq, const struct charge *charge)
{
    struct verdict verdict = budgets_take(rq->sim->budgets, charge, rq->now, rq->sim->options->enforce_budgets);

    ledger_charge(rq->sim->ledger, rq, charge->family, verdict);
    if (verdict.wait_s == 0)
        return NULL;
    struct answer *a = answer_graph_default(rq, 429);
    g_autofree char *wait = g_strdup_printf("%d", (int)verdict.wait_s);
    answer_header(a, "Retry-After", wait);
    return a;
}

/* NULL while the budgets last. */
static struct answer *charge_budget(const struct request *rq)
{
    struct charge charge = charge_of(rq);
    struct answer *a = take_budget(rq, &charge);

    if (a || charge.family != BUDGET_MAIL)
        return a;
    charge.family = BUDGET_MAIL_UPLOAD;
    charge.cost = (int)rq->body->len;
    return take_budget(rq, &charge);
}

static struct answer *answer_collection(struct request *rq)
{
    if (rq->endpoint == ENDPOINT_USERS)
        return users_answer(rq);
    if (rq->endpoint == ENDPOINT_USERS_DELTA)
        return users_delta_answer(rq);
    if (health_is_endpoint(rq->endpoint))
        return health_answer(rq);
    if (rq->endpoint == ENDPOINT_SIGN_INS && rq->tenant->no_premium)
        return answer_graph_code(rq, 403, "Authentication_RequestFromNonPremiumTenantOrB2CTenant");
    if (rq->endpoint == ENDPOINT_APPLICATIONS)
        return application_answer(rq);
    if (rq->endpoint == ENDPOINT_SEND_MAIL)
        return mail_answer(rq);
    if (rq->endpoint == ENDPOINT_SIGN_INS)
        return page_answer(rq, SOURCE_SIGN_INS);
    if (rq->endpoint == ENDPOINT_DIRECTORY_AUDITS)
        return page_answer(rq, SOURCE_DIRECTORY_AUDITS);
    if (rq->tenant->no_intune)
        return answer_graph_error(rq, 400, "BadRequest", "Request not applicable to target tenant.");
    return page_answer(rq, SOURCE_INTUNE_AUDITS);
}

static struct answer *answer_graph(struct request *rq)
{
    struct answer *refusal = token_refuse(rq);

    if (refusal)
        return refusal;
    if (rq->endpoint == ENDPOINT_OTHER) {
        const char *segment = strrchr(rq->path, '/');
        g_autofree char *valid = g_utf8_make_valid(segment ? segment + 1 : "", -1);
        g_autofree char *message = g_strdup_printf("Resource not found for the segment '%s'.", valid);
        return answer_graph_error(rq, 400, "BadRequest", message);
    }
    if (strcmp(rq->method, rq->endpoint == ENDPOINT_SEND_MAIL ? "POST" : "GET") != 0)
        return answer_graph_error(rq, 405, "Request_BadRequest",
                                  "Specified HTTP method is not allowed for the request target.");
    struct answer *a = charge_budget(rq);
    if (!a)
        a = token_refuse_role(rq);
    if (!a)
        a = answer_collection(rq);
    if (is_about_users(rq))
        add_throttle_headers(rq, a);
    return a;
}

static struct answer *answer_plain(struct request *rq)
{
    if (rq->endpoint == ENDPOINT_METADATA && strcmp(rq->method, "GET") == 0)
        return metadata_answer(rq);
    if (rq->endpoint == ENDPOINT_METADATA)
        return answer_entra_error(rq, 900561, "the endpoint only accepts GET requests");
    if (rq->endpoint != ENDPOINT_TOKEN)
        return answer_graph(rq);
    if (strcmp(rq->method, "POST") != 0)
        return answer_entra_error(rq, 900561, "the endpoint only accepts POST requests");
    g_autofree char *tenant = token_path_tenant(rq->path);
    return token_answer(rq, tenant);
}

/* Seconds of a Retry-After in any of the forms that servers send, the largest where there are several; 0: none
 * readable. */
static double retry_after_s(const struct answer *a)
{
    g_auto(GStrv) values = g_strsplit(
        a->status == 429 && answer_find_header(a, "Retry-After") ? answer_find_header(a, "Retry-After") : "", ",", 0);
    double most = 0;

    for (char **v = values; *v; v++) {
        char *end = NULL;
        double seconds = g_ascii_strtod(g_strstrip(*v), &end);
        if (end != *v && *end == '\0' && seconds > most)
            most = seconds;
    }
    return MIN(most, 86400.0);
}

/* A fault may have told the client to wait, whatever the budgets would have said. */
static void told_to_wait(const struct request *rq, double wait_s)
{
    if (wait_s <= 0 || !rq->tenant || request_is_login(rq))
        return;
    struct charge charge = charge_of(rq);
    budgets_wait_until(rq->sim->budgets, &charge, rq->now + (int64_t)(wait_s * (double)TICKS_PER_SECOND));
}

static struct answer *make_answer(struct request *rq)
{
    if (rq->endpoint == ENDPOINT_CONTROL)
        return control_answer(rq);
    const cJSON *action = faults_fire(rq->sim->faults, rq);
    if (action) {
        ledger_count(rq->sim->ledger, rq, COUNT_FAULTS_FIRED);
        fault_before(action, rq);
    }
    struct answer *a = answer_plain(rq);
    if (action) {
        a = fault_after(action, rq, a);
        told_to_wait(rq, retry_after_s(a));
    }
    mail_settle(rq, a);
    ledger_enter(rq->sim->ledger, rq, a);
    return a;
}

/* A close with nothing left unsent would be polite; this one is not. */
static enum MHD_Result reset_connection(struct MHD_Connection *connection)
{
    int fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    struct linger now = {.l_onoff = 1, .l_linger = 0};

    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    return MHD_NO;
}

static char *header(struct MHD_Connection *connection, const char *name)
{
    return g_strdup(MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name));
}

static enum MHD_Result add_value(void *cls, enum MHD_ValueKind kind, const char *name, const char *value)
{
    GPtrArray *pair = cls; /* the name that is looked for, then the values found */

    (void)kind;
    if (g_ascii_strcasecmp(name, g_ptr_array_index(pair, 0)) == 0)
        g_ptr_array_add(pair, (gpointer)(value ? value : ""));
    return MHD_YES;
}

/* A header that may come several times: its values, with commas between. Returned. */
static char *all_headers(struct MHD_Connection *connection, const char *name)
{
    g_autoptr(GPtrArray) found = g_ptr_array_new();

    g_ptr_array_add(found, (gpointer)name);
    MHD_get_connection_values(connection, MHD_HEADER_KIND, add_value, found);
    g_ptr_array_add(found, NULL);
    return found->len > 2 ? g_strjoinv(", ", (char **)found->pdata + 1) : NULL;
}

static void begin(struct exchange *x, struct MHD_Connection *connection, const char *method)
{
    struct request *rq = &x->rq;

    x->begun = true;
    rq->method = g_strdup(method);
    rq->body = g_string_new(NULL);
    rq->authorization = header(connection, "Authorization");
    rq->client_request_id = header(connection, "client-request-id");
    rq->user_agent = header(connection, "User-Agent");
    rq->accept = header(connection, "Accept");
    rq->accept_encoding = header(connection, "Accept-Encoding");
    rq->content_type = header(connection, "Content-Type");
    rq->prefer = all_headers(connection, "Prefer");
    rq->consistency_level = header(connection, "ConsistencyLevel");
}

static void log_request(const struct request *rq, const struct answer *a)
{
    if (rq->sim->options->verbose)
        fprintf(stderr, "%s %s -> %u, %u records\n", rq->method, rq->uri, a->reset ? 0 : a->status, rq->records);
}

static enum MHD_Result finish(struct exchange *x, struct MHD_Connection *connection)
{
    struct request *rq = &x->rq;

    if (!x->answer) {
        rq->now = sim_clock_now(&rq->sim->clock);
        rq->request_id = sim_guid(rq->sim);
        classify(rq);
        x->answer = x->too_large ? answer_graph_error(rq, 413, "RequestEntityTooLarge", "The request is too large.")
                                 : make_answer(rq);
        log_request(rq, x->answer);
        guint delay_ms = x->answer->delay_ms;
        if (delay_ms > 0 && park_hold(rq->sim->park, connection, delay_ms))
            return MHD_YES;
    }
    return x->answer->reset ? reset_connection(connection) : respond(rq, connection, x->answer);
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *url, const char *method,
                                  const char *version, const char *upload, size_t *upload_size, void **state)
{
    struct exchange *x = *state;

    (void)cls;
    (void)url;
    (void)version;
    if (!x->begun) {
        begin(x, connection, method);
        return MHD_YES;
    }
    if (*upload_size == 0)
        return finish(x, connection);
    x->too_large = x->too_large || x->rq.body->len + *upload_size > MOST_BODY;
    if (!x->too_large)
        g_string_append_len(x->rq.body, upload, (gssize)*upload_size);
    *upload_size = 0;
    return MHD_YES;
}

/* Called once a request, with its target before anything is decoded: the bytes of a link matter here. */
static void *on_uri(void *cls, const char *uri, struct MHD_Connection *connection)
{
    struct server *s = cls;
    struct exchange *x = g_new0(struct exchange, 1);
    gsize path_len = strcspn(uri, "?");

    (void)connection;
    x->rq.sim = s->sim;
    x->rq.uri = g_strdup(uri);
    x->rq.path = g_strndup(uri, path_len);
    x->rq.query = uri[path_len] ? x->rq.uri + path_len + 1 : NULL;
    return x;
}

static void on_completed(void *cls, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode why)
{
    struct exchange *x = *state;

    (void)cls;
    (void)connection;
    (void)why;
    if (!x)
        return;
    answer_free(x->answer);
    request_clear(&x->rq);
    g_free(x);
    *state = NULL;
}

/* Returns a socket that listens as the options say, or -1. Made here and not by libmicrohttpd, so that the port, which
 * every link carries, is known before the first request. */
static int listen_socket(struct sim *sim, GError **error)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(sim->options->listen_port)};
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), yes = 1;

    inet_pton(AF_INET, sim->options->listen_host, &address.sin_addr);
    if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) == 0 &&
        bind(fd, (struct sockaddr *)&address, len) == 0 && listen(fd, SOMAXCONN) == 0 &&
        getsockname(fd, (struct sockaddr *)&address, &len) == 0) {
        sim->base_url = g_strdup_printf("%s://%s:%u", sim->tls_pem ? "https" : "http", sim->options->host_name,
                                        ntohs(address.sin_port));
        return fd;
    }
    g_set_error(error, G_FILE_ERROR, (gint)g_file_error_from_errno(errno), "cannot listen on %s: %s",
                sim->options->listen_text, g_strerror(errno));
    if (fd >= 0)
        close(fd);
    return -1;
}

struct server *server_start(struct sim *sim, GError **error)
{
    struct server *s = NULL;
    int fd = listen_socket(sim, error);

    if (fd < 0)
        return NULL;
    s = g_new0(struct server, 1);
    s->sim = sim;
    /* One thread serves all: what is behind it needs no locks, and a page takes a few milliseconds. */
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_SUPPRESS_DATE_NO_CLOCK;
    struct MHD_OptionItem tls[] = {{MHD_OPTION_HTTPS_MEM_CERT, 0, sim->tls_pem},
                                   {MHD_OPTION_HTTPS_MEM_KEY, 0, sim->tls_pem},
                                   {MHD_OPTION_END, 0, NULL}};
    s->daemon =
        MHD_start_daemon(sim->tls_pem ? flags | MHD_USE_TLS : flags, 0, NULL, NULL, on_request, s,
                         MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_URI_LOG_CALLBACK, on_uri, s,
                         MHD_OPTION_NOTIFY_COMPLETED, on_completed, s, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                         (size_t)CONNECTION_MEMORY, MHD_OPTION_ARRAY, sim->tls_pem ? tls : tls + 2, MHD_OPTION_END);
    if (s->daemon)
        return s;
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_FAILED, "cannot start the server on %s", sim->base_url);
    close(fd);
    g_free(s);
    return NULL;
}

void server_stop(struct server *s)
{
    if (!s)
        return;
    park_close(s->sim->park);
    MHD_stop_daemon(s->daemon);
    g_free(s);
}
