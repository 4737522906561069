#include "doctor/customer.h"

#include "base/base.h"
#include "doctor/permission.h"
#include "doctor/secret.h"
#include "doctor/service.h"

enum {
    PAGE_BYTES = 32 << 20, /* of service health, which may give more than it is asked for */
    SKEW_WARN_S = 60,
    FORBIDDEN = 403,
    SKEW_FAIL_S = 300 /* an assertion is good for ten minutes, half of it before it begins */
};

static const char forever[] = "Run doctor again; if it lasts, look at the network between, and ask Microsoft's support "
                              "with the request id that --json tells.";
static const char unreached[] = "Check the network, the firewall and, if only a proxy reaches out, HTTPS_PROXY; then "
                                "run doctor again.";

/* One request, and what became of it. */
struct probe {
    struct customer_check *check;
    const struct source *source; /* NULL: the app's registration */
    const char *permission;      /* that it cannot do without; static; NULL: the app's registration */
    struct json_page *page;
    struct client_failure *failure; /* NULL: answered */
};

struct customer_check {
    struct client *client;
    const struct config_customer *customer;
    struct client_app *app;
    struct section *section;
    bool mails;
    GPtrArray *probes;          /* struct probe *, of the sources in their order, a listing each */
    struct probe *registration; /* NULL: not asked for */
    unsigned pending;
    bool done;
};

static void probe_free(gpointer data)
{
    struct probe *probe = data;

    if (!probe)
        return;
    json_page_free(probe->page);
    client_failure_free(probe->failure);
    g_free(probe);
}

/* --- judging ------------------------------------------------------------------------------------------------------ */

/* The hints of failures that pass are for who collects: the next run makes up for them. Here somebody asks now. */
static const char *mend_of(const struct client_failure *failure)
{
    static const char *const passing[] = {"timeout", "connection_lost", NULL};

    if (failure->verdict == CLIENT_CANCELLED || (failure->code && g_strv_contains(passing, failure->code)))
        return unreached;
    if ((failure->verdict == CLIENT_LATER || failure->verdict == CLIENT_SLOW) && failure->status)
        return forever;
    return failure->hint ? failure->hint : forever;
}

/* The doctor itself ends what takes too long. */
static const char *words_of(const struct client_failure *failure)
{
    return failure->verdict == CLIENT_CANCELLED ? "No answer came within a minute." : failure->message;
}

static void note_failure(struct doctor_finding *finding, const struct client_failure *failure)
{
    finding->code = g_strdup(failure->code);
    finding->request_id = g_strdup(failure->request_id);
}

static bool is_throttled(const struct client_failure *failure)
{
    return failure->verdict == CLIENT_LATER && (failure->status == 429 || g_strcmp0(failure->code, "throttled") == 0);
}

/* A customer without the licence or the service, and one that others throttle just now, is not broken. */
static void judge_failure(struct section *section, const struct probe *probe)
{
    const struct client_failure *failure = probe->failure;
    struct doctor_finding *finding;

    if (failure->verdict == CLIENT_UNAVAILABLE)
        finding = section_warn(section, "source",
                               failure->hint ? failure->hint : "Leave this source out of the customer's sources.", "%s",
                               failure->message);
    else if (is_throttled(failure))
        finding = section_warn(section, "source",
                               "Wait a while and run doctor again: another program, or a collect "
                               "that runs now, uses the same app.",
                               "%s", failure->message);
    else
        finding = section_fail(section, "source", mend_of(failure), "%s", words_of(failure));
    finding->source = probe->source->name;
    note_failure(finding, failure);
}

/* The probes of one source, from `first` on; returns how many they are. */
static guint judge_source(const struct customer_check *check, guint first)
{
    const struct probe *probe = g_ptr_array_index(check->probes, first);
    const struct source *source = probe->source;
    bool answers = true;
    guint i = first;

    for (; i < check->probes->len; i++) {
        const struct probe *one = g_ptr_array_index(check->probes, i);
        if (one->source != source)
            break;
        if (one->failure)
            judge_failure(check->section, one);
        answers = answers && !one->failure;
    }
    if (answers)
        section_ok(check->section, "source", "The service answers.")->source = source->name;
    if (source->kind == SOURCE_HEALTH && !probe->failure)
        service_judge(check->section, source->name, probe->page, check->customer->services);
    return i - first;
}

static void judge_proof(struct customer_check *check)
{
    int64_t now = client_app_service_now(check->app), expires = client_app_certificate_expires(check->app);

    if (expires)
        section_expiry(check->section, "certificate", "The app's certificate",
                       "Make a new one, upload its public part to the app registration (Certificates & secrets, "
                       "Certificates) and configure it with its key.",
                       expires, now);
    else if (check->registration && !check->registration->failure)
        secret_judge(check->section, check->registration->page, check->customer->client_secret, now);
    else if (check->registration && check->registration->failure->status != FORBIDDEN)
        note_failure(secret_untold(check->section, words_of(check->registration->failure)),
                     check->registration->failure);
    else if (check->customer->client_secret)
        secret_untold(check->section, NULL);
}

static void judge_permissions(struct customer_check *check)
{
    g_autofree struct permission_probe *probes = g_new0(struct permission_probe, check->probes->len + 1);
    struct permission_facts facts = {.probes = probes, .n_probes = check->probes->len, .mails = check->mails};

    for (guint i = 0; i < check->probes->len; i++) {
        const struct probe *probe = g_ptr_array_index(check->probes, i);
        probes[i] = (struct permission_probe){
            .source = probe->source, .permission = probe->permission, .answered = !probe->failure};
    }
    for (enum client_api api = CLIENT_API_GRAPH; api <= CLIENT_API_MANAGEMENT; api++)
        facts.roles[api] = client_app_roles(check->app, api);
    permission_judge(check->section, &facts);
    for (enum client_api api = CLIENT_API_GRAPH; api <= CLIENT_API_MANAGEMENT; api++)
        g_strfreev(facts.roles[api]);
}

static void judge(struct customer_check *check)
{
    section_ok(check->section, "sign-in", "The app %s signs in to the tenant %s.", check->customer->client_id,
               check->customer->tenant_id);
    judge_proof(check);
    judge_permissions(check);
    for (guint i = 0; i < check->probes->len;)
        i += judge_source(check, i);
    if (!check->probes->len)
        section_warn(check->section, "source", "Name some under the customer's sources in m365keep.yaml.",
                     "Nothing of this customer is collected.");
    check->done = true;
}

/* --- asking ------------------------------------------------------------------------------------------------------- */

static void answered(const struct client_result *result, void *user)
{
    struct probe *probe = user;

    probe->failure = client_failure_copy(result->failure);
    if (--probe->check->pending == 0)
        judge(probe->check);
}

/* `source` is NULL for the app's registration. */
static struct probe *ask(struct customer_check *check, const struct source *source, const struct source_probe *what)
{
    struct probe *probe = g_new0(struct probe, 1);
    const struct client_request request = {.app = check->app,
                                           .api = source ? source->api : CLIENT_API_GRAPH,
                                           .family = source ? source->family : CLIENT_FAMILY_DIRECTORY,
                                           .url = what->url,
                                           .headers = what->headers,
                                           .page = probe->page = json_page_new(false, PAGE_BYTES),
                                           .permission = what->permission,
                                           .done = answered,
                                           .user = probe};

    probe->check = check;
    probe->source = source;
    probe->permission = what->permission;
    check->pending++;
    client_start(check->client, &request);
    return probe;
}

static void ask_source(struct customer_check *check, const struct source *source)
{
    const struct config_customer *customer = check->customer;
    const char *base = source->api == CLIENT_API_GRAPH ? customer->graph_url : customer->manage_url;
    struct source_probe what;

    for (unsigned i = 0; source_probe(source, i, base, &what); i++) {
        g_ptr_array_add(check->probes, ask(check, source, &what));
        g_free(what.url);
    }
}

static void ask_registration(struct customer_check *check)
{
    g_auto(GStrv) roles = client_app_roles(check->app, CLIENT_API_GRAPH);
    g_autofree char *url = secret_url(check->customer->graph_url, check->customer->client_id);

    if (check->customer->client_secret && permission_reads_registration(roles))
        check->registration = ask(check, NULL, &(struct source_probe){.url = url});
}

static bool is_configured(const struct config_customer *customer, const struct source *source)
{
    return !customer->sources || g_strv_contains((const char *const *)customer->sources, source->name);
}

static void signed_in(const struct client_result *result, void *user)
{
    struct customer_check *check = user;
    int64_t expires = client_app_certificate_expires(check->app);

    if (result->failure) {
        note_failure(section_fail(check->section, "sign-in", mend_of(result->failure), "%s", words_of(result->failure)),
                     result->failure);
        if (expires) /* it may be the reason */
            judge_proof(check);
        check->done = true;
        return;
    }
    check->pending++; /* until all have been asked */
    for (const struct source *source = sources_all(); source->name; source++)
        if (is_configured(check->customer, source))
            ask_source(check, source);
    ask_registration(check);
    if (--check->pending == 0)
        judge(check);
}

struct customer_check *customer_check_new(struct client *client, const struct config_customer *customer, bool mails,
                                          struct section *section)
{
    struct customer_check *check = g_new0(struct customer_check, 1);
    const struct client_app_options app = {.name = customer->name,
                                           .tenant_id = customer->tenant_id,
                                           .client_id = customer->client_id,
                                           .client_secret = customer->client_secret,
                                           .client_certificate = customer->client_certificate,
                                           .login_url = customer->login_url,
                                           .graph_url = customer->graph_url,
                                           .manage_url = customer->manage_url};

    check->client = client;
    check->customer = customer;
    check->section = section;
    check->mails = mails;
    check->probes = g_ptr_array_new_with_free_func(probe_free);
    check->app = client_app_new(client, &app);
    client_login(client, check->app, CLIENT_API_GRAPH, signed_in, check);
    return check;
}

void customer_check_free(struct customer_check *check)
{
    if (!check)
        return;
    g_ptr_array_unref(check->probes);
    probe_free(check->registration);
    g_free(check);
}

bool customer_check_done(const struct customer_check *check)
{
    return check->done;
}

/* --- the clock ---------------------------------------------------------------------------------------------------- */

void customer_check_clock(struct section *section, GPtrArray *checks)
{
    static const char mend[] = "Set this machine's clock (timedatectl set-ntp true; in a container or virtual machine "
                               "the host's).";
    int64_t worst = 0, skew;
    bool told = false;

    for (guint i = 0; i < checks->len; i++) {
        const struct customer_check *check = g_ptr_array_index(checks, i);
        if (!client_app_clock_skew(check->app, &skew))
            continue;
        told = true;
        worst = ABS(skew) > ABS(worst) ? skew : worst;
    }
    const char *way = worst > 0 ? "behind" : "ahead of";
    int64_t seconds = ABS(worst);
    if (!told)
        return;
    if (seconds > SKEW_FAIL_S)
        section_fail(section, "clock", mend, "This machine's clock is %" G_GINT64_FORMAT " s %s the service's.",
                     seconds, way);
    else if (seconds > SKEW_WARN_S)
        section_warn(section, "clock", mend, "This machine's clock is %" G_GINT64_FORMAT " s %s the service's.",
                     seconds, way);
    else
        section_ok(section, "clock", "This machine's clock agrees with the service's.");
}
