#include "report/report_json.h"

#include "base/base.h"
#include "report/html.h"
#include "report/report.h"

/* --- pieces ------------------------------------------------------------------------------------------------------- */

/* Members after the first one: a comma, the name, and the value. */

static void append_text(GString *out, const char *name, const char *text)
{
    g_string_append_printf(out, ",\"%s\":", name);
    text_append_json(out, text);
}

static void append_number(GString *out, const char *name, int64_t value)
{
    g_string_append_printf(out, ",\"%s\":%" G_GINT64_FORMAT, name, value);
}

static void append_bool(GString *out, const char *name, bool value)
{
    g_string_append_printf(out, ",\"%s\":%s", name, value ? "true" : "false");
}

/* UTC; 0: null. */
static void append_time(GString *out, const char *name, int64_t seconds)
{
    g_autofree char *text = seconds ? timestamp_format_seconds(seconds) : NULL;

    append_text(out, name, text);
}

/* In the zone of the window; 0: null. */
static void append_local(GString *out, const char *name, const struct report_window *window, int64_t at)
{
    g_autofree char *text = at ? report_time(window, at, REPORT_TIME_ISO) : NULL;

    append_text(out, name, text);
}

/* The first member of an object. */
static void begin_object(GString *out, const char *name, const char *text)
{
    g_string_append_printf(out, "%s{\"%s\":", out->len && out->str[out->len - 1] == '}' ? "," : "", name);
    text_append_json(out, text);
}

static void append_texts(GString *out, const char *name, const GPtrArray *texts)
{
    g_string_append_printf(out, ",\"%s\":[", name);
    for (guint i = 0; i < texts->len; i++) {
        if (i)
            g_string_append_c(out, ',');
        text_append_json(out, g_ptr_array_index(texts, i));
    }
    g_string_append_c(out, ']');
}

/* --- figures ------------------------------------------------------------------------------------------------------ */

/* "Degraded" as a name: "degraded", "no-data". Returned: g_free. */
static char *impact_key(enum report_impact impact)
{
    return g_strdelimit(g_ascii_strdown(report_impact_name(impact), -1), " ", '-');
}

/* A stretch of no data as far as it lies before now: what is to come is no gap. */
static void append_gap(GString *out, const struct report_figures *figures, int64_t from, int64_t to)
{
    g_autofree char *begin = report_time(figures->window, from, REPORT_TIME_ISO);

    if (from >= figures->now)
        return;
    begin_object(out, "from", begin);
    append_local(out, "to", figures->window, MIN(to, figures->now));
    g_string_append_c(out, '}');
}

static void append_occurrence(GString *out, const struct report_window *window, const struct report_stretch *stretch)
{
    g_autofree char *impact = impact_key(stretch->impact);

    begin_object(out, "status", stretch->status);
    append_text(out, "impact", impact);
    append_local(out, "from", window, stretch->from);
    append_local(out, "to", window, stretch->to);
    append_number(out, "seconds", stretch->to - stretch->from);
    append_number(out, "scans", stretch->scans);
    append_bool(out, "began_before", stretch->before);
    append_bool(out, "goes_on", stretch->after);
    g_string_append_c(out, '}');
}

static void append_stretches(GString *out, const struct report_figures *figures, const struct report_service *service)
{
    g_string_append(out, ",\"occurrences\":[");
    for (guint i = 0; i < service->stretches->len; i++) {
        const struct report_stretch *stretch = &g_array_index(service->stretches, struct report_stretch, i);

        if (stretch->impact != REPORT_NO_DATA && stretch->impact != REPORT_OPERATIONAL)
            append_occurrence(out, figures->window, stretch);
    }
    g_string_append(out, "],\"gaps\":[");
    for (guint i = 0; i < service->stretches->len; i++) {
        const struct report_stretch *stretch = &g_array_index(service->stretches, struct report_stretch, i);

        if (stretch->impact == REPORT_NO_DATA)
            append_gap(out, figures, stretch->from, stretch->to);
    }
    g_string_append_c(out, ']');
}

static void append_last_post(GString *out, const struct report_window *window, const struct report_post *post)
{
    g_autofree char *content = NULL;
    g_autofree char *at = post->at ? report_time(window, post->at, REPORT_TIME_ISO) : NULL;

    if (!post->content) {
        g_string_append(out, ",\"last_post\":null");
        return;
    }
    content = html_plain(post->content, post->html, 0, NULL);
    g_string_append(out, ",\"last_post\":");
    begin_object(out, "at", at);
    append_text(out, "content", content);
    g_string_append_c(out, '}');
}

static void append_issues(GString *out, const char *name, const struct report_window *window, const GPtrArray *issues)
{
    g_string_append_printf(out, ",\"%s\":[", name);
    for (guint i = 0; i < issues->len; i++) {
        const struct report_issue *issue = g_ptr_array_index(issues, i);

        begin_object(out, "id", issue->id);
        append_text(out, "title", issue->title);
        append_text(out, "service", issue->service);
        append_text(out, "classification", issue->classification);
        append_text(out, "status", issue->status);
        append_bool(out, "resolved", issue->resolved);
        append_local(out, "start", window, issue->start);
        append_local(out, "end", window, issue->end);
        append_last_post(out, window, &issue->last_post);
        g_string_append_c(out, '}');
    }
    g_string_append_c(out, ']');
}

/* Percent with two digits; of no data null. */
static void append_availability(GString *out, const struct report_service *service)
{
    int availability = report_availability(service->operational_s, service->observed_s);

    if (availability < 0)
        g_string_append(out, ",\"availability\":null");
    else
        g_string_append_printf(out, ",\"availability\":%d.%02d", availability / 100, availability % 100);
}

static void append_service(GString *out, const struct report_figures *figures, const struct report_service *service)
{
    g_autofree char *impact = impact_key(service->overall);

    begin_object(out, "service", service->id);
    append_text(out, "name", service->name);
    g_string_append(out, ",\"overall\":");
    begin_object(out, "status", service->overall_status);
    if (service->overall_priority < 0)
        g_string_append(out, ",\"priority\":null");
    else
        append_number(out, "priority", service->overall_priority);
    append_text(out, "impact", impact);
    g_string_append_c(out, '}');
    append_availability(out, service);
    append_number(out, "operational_seconds", service->operational_s);
    append_number(out, "observed_seconds", service->observed_s);
    append_number(out, "window_seconds", service->window_s);
    append_stretches(out, figures, service);
    append_issues(out, "issues", figures->window, service->issues);
    g_string_append_c(out, '}');
}

static void append_announcement(GString *out, const struct report_window *window,
                                const struct report_announcement *announcement)
{
    begin_object(out, "id", announcement->id);
    append_text(out, "title", announcement->title);
    append_text(out, "category", announcement->category);
    append_text(out, "severity", announcement->severity);
    append_bool(out, "major", announcement->major);
    g_string_append(out, ",\"services\":[");
    for (char **service = announcement->services; service && *service; service++) {
        g_string_append(out, service > announcement->services ? "," : "");
        text_append_json(out, *service);
    }
    g_string_append_c(out, ']');
    append_local(out, "action_by", window, announcement->action_by);
    append_local(out, "last_modified", window, announcement->last_modified);
    g_string_append_c(out, '}');
}

char *report_figures_json(const struct report_figures *figures)
{
    GString *out = g_string_new("\"services\":[");

    for (guint i = 0; i < figures->services->len; i++)
        append_service(out, figures, g_ptr_array_index(figures->services, i));
    g_string_append(out, "],\"announcements\":[");
    for (guint i = 0; i < figures->announcements->len; i++)
        append_announcement(out, figures->window, g_ptr_array_index(figures->announcements, i));
    g_string_append_c(out, ']');
    append_issues(out, "other_issues", figures->window, figures->other_issues);
    g_string_append_printf(out, ",\"scans\":{\"good\":%" G_GINT64_FORMAT ",\"failed\":%" G_GINT64_FORMAT "},\"gaps\":[",
                           figures->scans_good, figures->scans_failed);
    for (guint i = 0; i < figures->gaps->len; i++) {
        const struct report_gap *gap = &g_array_index(figures->gaps, struct report_gap, i);

        append_gap(out, figures, gap->from, gap->to);
    }
    g_string_append_c(out, ']');
    return text_take(out);
}

/* --- the run ------------------------------------------------------------------------------------------------------ */

static void append_recipients(GString *out, const GPtrArray *recipients)
{
    g_string_append(out, ",\"recipients\":[");
    for (guint i = 0; i < recipients->len; i++) {
        const struct store_mail_recipient *recipient = g_ptr_array_index(recipients, i);

        begin_object(out, "address", recipient->address);
        append_text(out, "state", store_mail_state_name(recipient->state));
        if (recipient->code)
            append_number(out, "code", recipient->code);
        else
            g_string_append(out, ",\"code\":null");
        append_text(out, "answer", recipient->answer);
        g_string_append_c(out, '}');
    }
    g_string_append_c(out, ']');
}

/* Members of a mail, from state on. */
static void append_mail_members(GString *out, const struct store_mail *mail)
{
    append_text(out, "message_id", mail->message_id);
    append_text(out, "subject", mail->subject);
    append_recipients(out, mail->recipients);
    append_number(out, "attempts", mail->attempts);
    append_time(out, "next_attempt", mail->state == STORE_MAIL_QUEUED ? mail->next_attempt_at : 0);
    append_time(out, "sent", mail->sent_at);
    append_text(out, "answer", mail->answer);
}

static void append_mail(GString *out, const struct report_customer *customer)
{
    if (!customer->mail) {
        g_string_append(out, ",\"mail\":null");
        return;
    }
    g_string_append(out, ",\"mail\":");
    begin_object(out, "state", store_mail_state_name(customer->mail->state));
    append_mail_members(out, customer->mail);
    append_bool(out, "sent_before", customer->sent_before);
    g_string_append_c(out, '}');
}

static void append_error(GString *out, const struct report_customer *customer)
{
    bool failed = customer->mail && customer->mail->state == STORE_MAIL_FAILED;
    const char *message = customer->error ? customer->error : failed ? customer->mail->answer : NULL;

    if (!message) {
        g_string_append(out, ",\"error\":null");
        return;
    }
    g_string_append(out, ",\"error\":");
    begin_object(out, "message", message);
    append_text(out, "hint", customer->hint);
    g_string_append_c(out, '}');
}

static const char no_figures[] = "\"services\":[],\"announcements\":[],\"other_issues\":[],\"scans\":null,\"gaps\":[]";

static void append_customer(GString *out, const struct report_customer *customer)
{
    begin_object(out, "customer", customer->name);
    append_text(out, "tenant_id", customer->tenant_id);
    append_text(out, "from", customer->from);
    append_text(out, "to", customer->to);
    append_text(out, "timezone", customer->timezone);
    g_string_append_printf(out, ",%s", customer->json ? customer->json : no_figures);
    append_texts(out, "files", customer->files);
    append_mail(out, customer);
    append_texts(out, "warnings", customer->warnings);
    append_error(out, customer);
    g_string_append_c(out, '}');
}

static void append_delivered(GString *out, const struct store_mail *mail)
{
    begin_object(out, "customer", mail->customer);
    append_time(out, "from", mail->from_s);
    append_time(out, "to", mail->to_s);
    append_text(out, "state", store_mail_state_name(mail->state));
    append_mail_members(out, mail);
    g_string_append_c(out, '}');
}

void report_run_append_json(GString *out, const struct report_run *run)
{
    g_autofree char *started = timestamp_format_seconds(run->started);

    begin_object(out, "started", started);
    append_time(out, "finished", run->finished);
    g_string_append(out, ",\"reports\":[");
    for (guint i = 0; i < run->customers->len; i++)
        append_customer(out, g_ptr_array_index(run->customers, i));
    g_string_append(out, "],\"delivered\":[");
    for (guint i = 0; i < run->delivered->len; i++)
        append_delivered(out, g_ptr_array_index(run->delivered, i));
    g_string_append(out, "]}");
}
