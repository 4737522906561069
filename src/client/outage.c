/* outage - tells people that a host gives an app trouble: once, and once that it is over, however many requests it
 * holds up. */
#include <string.h>

#include "client/decide.h"
#include "client/loop.h"

/* "graph.microsoft.com" or "127.0.0.1:8099". Returned: g_free. */
static char *host_of(const char *url)
{
    const char *begin = strstr(url, "://");

    begin = begin ? begin + strlen("://") : url;
    return g_ascii_strdown(begin, (gssize)strcspn(begin, "/?#"));
}

/* NULL while the host gave no trouble. */
static struct outage *find_outage(const struct client_app *app, const char *host)
{
    for (guint i = 0; i < app->outages->len; i++) {
        struct outage *outage = app->outages->pdata[i];
        if (g_str_equal(outage->host, host))
            return outage;
    }
    return NULL;
}

static struct outage *add_outage(struct client_app *app, const char *host)
{
    struct outage *outage = g_new0(struct outage, 1);

    outage->host = g_strdup(host);
    g_ptr_array_add(app->outages, outage);
    return outage;
}

static void log_outage(const struct client_app *app, struct outage *outage, enum log_level level, const char *words)
{
    outage->level = level;
    log_write(level, words, "customer", app->signin.name, "tenant", app->tenant_id, "host", outage->host, NULL);
}

/* That a host cannot be reached keeps a person waiting for a minute and more: it is told once, when it is no hiccup. An
 * answer of 5xx is told under -v only: what lasts ends in a failure that says all, and what does not is nobody's
 * concern. */
static void log_trouble(const struct request *request, struct outage *outage, const struct client_outcome *outcome)
{
    static const char again[] = "It is tried again, up to";
    int attempts = outcome->timed_out ? DECIDE_TIME_OUTS_MAX : DECIDE_ATTEMPTS_MAX;
    bool warn = request->unanswered >= 2 && !outage->warned;
    g_autofree char *words = NULL;

    if (!warn && outage->open)
        return;
    if (warn) {
        words = g_strdup_printf("%s %s (%s). %s %d times in all.", outage->host,
                                outcome->timed_out ? "does not answer" : "cannot be reached", outcome->message, again,
                                attempts);
    } else {
        g_autofree char *what = attempt_describe(request, outcome);
        words = g_strdup_printf("%s %s %d times in all.", what, again, attempts);
    }
    log_outage(request->app, outage, warn ? LOG_LEVEL_WARN : LOG_LEVEL_DEBUG, words);
    outage->open = true;
    outage->warned = outage->warned || warn;
}

void outage_follow(struct request *request, const struct client_outcome *outcome,
                   const struct client_decision *decision)
{
    bool trouble = outcome->network_error || outcome->status / 100 == 5;
    g_autofree char *host = host_of(request->url);
    struct outage *outage = find_outage(request->app, host);

    request->unanswered = outcome->network_error ? request->unanswered + 1 : 0;
    if (trouble && decision->action == CLIENT_ACTION_RETRY)
        log_trouble(request, outage ? outage : add_outage(request->app, host), outcome);
    if (trouble || !outage || !outage->open)
        return;
    log_outage(request->app, outage, outage->level, "The host answers again.");
    outage->open = false;
}
