#include "health_text.h"
#include "ticks.h"

enum { POSTS_A_PHASE = 8, POSTS_MOST = PHASES_MOST * (POSTS_A_PHASE + 1) };

/* {} is the feature's name. Each has two wordings of its impact: edits go from one to the other. */
static const struct {
    const char *title, *impact[2];
} troubles[] = {
    {"Some people can’t use {} from their phones",
     {"Whoever opened {} from a phone saw an empty page.",
      "Whoever opened {} from a phone or tablet saw an empty page; desktops were not touched."}},
    {"{} answers slowly", {"Requests to {} took up to 40 seconds.", "A small part of the requests to {} took long."}},
    {"Admins’ changes to {} are not applied",
     {"Changes made to {} did not reach people for hours.", "Changes made to {} reached people late – not lost."}},
    {"Errors in {} for a part of the organization",
     {"People got the error “something went wrong” in {}.",
      "People got an error in {} when they came from São Paulo."}},
    {"Reports about {} hold numbers of the day before",
     {"Figures about {} were up to 36 hours old.",
      "Figures about {} were up to 36 hours old; the data behind them is whole."}},
    {"Notices from {} come twice", {"People got each notice from {} twice.", "People got some notices from {} twice."}},
};

/* What a post says while an issue is at a status. */
static const char *const progress[STATUS_COUNT] = {
    [STATUS_INVESTIGATING] = "We’re reading the logs of the machines concerned to find out what is wrong.",
    [STATUS_RESTORING] = "The repair is being rolled out & half of the machines have it.",
    [STATUS_VERIFYING] = "The repair is in place and we’re watching <error rates> fall.",
    [STATUS_RESTORED] = "Error rates have been back to normal since the repair; the issue is over.",
    [STATUS_REVIEWED] = "The review of this incident can be had from the admin center.",
    [STATUS_DEGRADATION] = "A part of the requests fails. We’ve found a likely cause: a change of settings.",
    [STATUS_INTERRUPTION] = "Most requests fail. Traffic is being sent to other sites — some see it work again.",
    [STATUS_EXTENDED] = "What piled up is being worked off; that takes longer than we hoped.",
    [STATUS_FALSE_POSITIVE] = "Nothing was wrong: the alert came from the monitoring itself.",
    [STATUS_SUSPENDED] = "We can’t see the problem any more and wait for further reports.",
    [STATUS_RESOLVED] = "It is mended.",
    [STATUS_MITIGATED_EXTERNAL] = "The network provider has found a way around the fault.",
    [STATUS_MITIGATED] = "A way around the fault is in place.",
    [STATUS_RESOLVED_EXTERNAL] = "The network provider has mended the fault.",
    [STATUS_CONFIRMED] = "We see it ourselves.",
    [STATUS_REPORTED] = "People have told us of it.",
    [STATUS_NEW] = "We’re watching it.",
};

struct writing {
    GString *out;
    const struct issue_plan *plan;
    const struct health_service *service;
    const struct telling *how;
    int64_t modified;
    bool pascal, ascii; /* how members of enums and letters beyond ASCII are written */
    uint32_t trouble, feature;
    int edits;
};

void health_append_moment(GString *out, int64_t moment)
{
    int64_t rest = moment - ticks_floor_div(moment, TICKS_PER_SECOND) * TICKS_PER_SECOND;
    int digits = 3;

    for (int64_t unit = TICKS_PER_SECOND / 100; digits > 0 && rest % unit == 0; unit *= 10)
        digits--;
    g_string_append_c(out, '"');
    ticks_append_iso(out, moment, digits);
    APPEND_LITERAL(out, "Z\"");
}

void health_append_member(GString *out, const char *name, bool pascal)
{
    g_string_append_c(out, pascal ? g_ascii_toupper(*name) : *name);
    g_string_append(out, name + 1);
}

void health_append_status(GString *out, enum health_status status, bool pascal, const struct telling *how)
{
    bool hidden = status == STATUS_NEW && !how->newest_members;

    health_append_member(out, hidden ? "unknownFutureValue" : health_status_name(status), pascal);
}

void issue_append_id(GString *out, const struct issue_plan *p, const struct health_service *service)
{
    g_string_append_printf(out, "%s%" G_GINT64_FORMAT, service->prefix, HEALTH_EPOCH + p->index);
}

/* The text with {} replaced, as the inside of a JSON string. */
static void append_about(const struct writing *w, const char *text)
{
    g_autoptr(GString) filled = g_string_new(text);

    g_string_replace(filled, "{}", w->service->features[w->feature], 0);
    text_append_escaped(w->out, filled->str, (gssize)filled->len, w->ascii);
}

static const char *impact_of(const struct writing *w)
{
    return troubles[w->trouble].impact[w->edits % 2];
}

static void append_head(const struct writing *w, struct dice *d)
{
    const struct issue_plan *p = w->plan;
    int at = issue_phase_at(p, w->how->now);
    bool over = p->over >= 0 && at >= p->over;
    bool odd = dice_below(d, 100) < 6; /* its end is not where its status says */
    int64_t end = over ? p->phases[p->over].from : p->published + TICKS_PER_HOUR;

    APPEND_LITERAL(w->out, "{\"startDateTime\":");
    health_append_moment(w->out, p->start);
    APPEND_LITERAL(w->out, ",\"endDateTime\":");
    if (over != odd)
        health_append_moment(w->out, end);
    else
        APPEND_LITERAL(w->out, "null");
    APPEND_LITERAL(w->out, ",\"lastModifiedDateTime\":");
    health_append_moment(w->out, w->modified);
    APPEND_LITERAL(w->out, ",\"title\":\"");
    append_about(w, troubles[w->trouble].title);
    APPEND_LITERAL(w->out, "\",\"id\":\"");
    issue_append_id(w->out, p, w->service);
    APPEND_LITERAL(w->out, "\",\"impactDescription\":\"");
    append_about(w, impact_of(w));
    APPEND_LITERAL(w->out, "\",\"classification\":\"");
    health_append_member(w->out, p->advisory ? "advisory" : "incident", w->pascal);
    APPEND_LITERAL(w->out, "\",\"origin\":\"");
    health_append_member(w->out, dice_below(d, 20) == 0 ? "thirdParty" : "microsoft", w->pascal);
    APPEND_LITERAL(w->out, "\",\"status\":\"");
    health_append_status(w->out, p->phases[at].status, w->pascal, w->how);
    g_string_append(w->out, "\",\"service\":\"");
    text_append_escaped(w->out, w->service->name, -1, w->ascii);
    g_string_append(w->out, "\",\"feature\":\"");
    append_about(w, "{}");
    g_string_append(w->out, "\",\"featureGroup\":\"");
    append_about(w, "{}");
    g_string_append_printf(w->out, "\",\"isResolved\":%s,\"highImpact\":%s", over ? "true" : "false",
                           dice_below(d, 12) == 0 ? "true" : "null");
    g_string_append(w->out, dice_below(d, 3) == 0 ? ",\"details\":[{\"name\":\"NotifyInApp\",\"value\":\"True\"}]"
                                                  : ",\"details\":[]");
}

static void append_html(GString *html, const char *text)
{
    g_autofree char *escaped = g_markup_escape_text(text, -1);

    g_string_append(html, escaped);
}

static void append_part(GString *html, const char *heading, const char *text)
{
    g_string_append_printf(html, "<br>\n<br><b>%s:</b>&nbsp;", heading);
    append_html(html, text);
}

struct post {
    int64_t at;
    enum health_status status;
    int number; /* within its phase */
};

static void append_post(const struct writing *w, const struct post *post, struct dice *d)
{
    static const char *const types[] = {"regular", "regular", "regular", "quick", "strategic"};
    g_autoptr(GString) html = g_string_new("<p>Title: ");
    g_autofree char *again =
        post->number > 0 ? g_strdup_printf(" (%d. time that we tell; nothing new.)", post->number + 1) : g_strdup("");
    g_autofree char *current = g_strconcat(progress[post->status], again, NULL);

    append_html(html, troubles[w->trouble].title);
    append_part(html, "Impact", impact_of(w));
    append_part(html, "Where it stands", current);
    if (!health_status_final(post->status))
        append_part(html, "Next words", "when there is more to tell, within a day");
    g_string_append(html, "</p>");
    g_string_replace(html, "{}", w->service->features[w->feature], 0);
    APPEND_LITERAL(w->out, "{\"createdDateTime\":");
    health_append_moment(w->out, post->at);
    APPEND_LITERAL(w->out, ",\"postType\":\"");
    health_append_member(w->out, types[dice_below(d, G_N_ELEMENTS(types))], w->pascal);
    APPEND_LITERAL(w->out, "\",\"description\":{\"contentType\":\"");
    health_append_member(w->out, "html", w->pascal);
    APPEND_LITERAL(w->out, "\",\"content\":\"");
    text_append_escaped(w->out, html->str, (gssize)html->len, w->ascii);
    APPEND_LITERAL(w->out, "\"}}");
}

/* The posts made by now, oldest first: one as each phase begins, and some while it lasts. */
static int posts_until(const struct issue_plan *p, int64_t now, struct post *posts)
{
    int count = 0;

    for (int k = 0; k < p->phase_count && p->phases[k].from <= now; k++) {
        struct dice d = {dice_mix(p->key, (uint64_t)k + 100)};
        int64_t next = k + 1 < p->phase_count ? p->phases[k + 1].from : p->phases[k].from;
        int64_t at = p->phases[k].from;
        posts[count++] = (struct post){at, p->phases[k].status, 0};
        for (int n = 1; n <= POSTS_A_PHASE; n++) {
            at += p->rhythm + (int64_t)dice_below(&d, 300000) * (TICKS_PER_SECOND / 1000);
            if (at >= next || at > now || health_status_final(p->phases[k].status))
                break;
            posts[count++] = (struct post){ticks_floor_div(at, TICKS_PER_SECOND / 1000) * (TICKS_PER_SECOND / 1000),
                                           p->phases[k].status, n};
        }
    }
    return count;
}

void issue_append(GString *out, const struct issue_plan *p, const struct health_service *service,
                  const struct telling *how)
{
    struct post posts[POSTS_MOST];
    int count = posts_until(p, how->now, posts);
    struct dice d = {p->key ^ UINT64_C(0x155e)};
    struct writing w = {.out = out, .plan = p, .service = service, .how = how};

    w.edits = edits_until(p->edits, p->edit_count, how->now);
    w.modified = count > 0 ? posts[count - 1].at : p->published;
    if (w.edits > 0)
        w.modified = MAX(w.modified, p->edits[w.edits - 1]);
    w.pascal = dice_below(&d, 100) < 30;
    w.ascii = dice_below(&d, 100) < 15;
    w.trouble = dice_below(&d, G_N_ELEMENTS(troubles));
    w.feature = dice_below(&d, HEALTH_FEATURES);
    append_head(&w, &d);
    APPEND_LITERAL(out, ",\"posts\":[");
    for (int k = 0; k < count; k++) {
        if (k > 0)
            g_string_append_c(out, ',');
        append_post(&w, &posts[k], &d);
    }
    APPEND_LITERAL(out, "]}");
}
