#include <string.h>

#include "health_text.h"
#include "ticks.h"

/* Roadmap numbers and such begin here, far from real ones. */
enum { ROADMAP = 900000, SECTIONS = 4 };

static const char *const titles[] = {
    "{}: a new way to pick colours",
    "{}: the old start page will be retired",
    "New feature in {} – answers by voice",
    "{}: admins can now set who may share",
    "{} changes how links open",
    "Plan for change: {} ends support of version 2",
    "{}: “Recent” shows thirty days",
    "{}: summaries in Español, Français & Ελληνικά",
};

static const char *const headings[SECTIONS] = {"What changes", "When it comes", "Whom it concerns", "What to do first"};

static const char *const sentences[] = {
    "The new view is there for everyone who has a licence & needs no setting.",
    "Who doesn’t want it can go back with one click until the end of the quarter.",
    "Rollout begins in the middle of the month (first in the Targeted ring) and is over four weeks later.",
    "Admins find the switch under “Settings” › Org settings; its name is <code>ShowNewView</code>.",
    "Nothing that people have saved is moved or deleted — only the page around it is another.",
    "Between 8:00\u202fAM and 5:00\u202fPM local time nothing is switched over.",
    "Policies that forbid external sharing hold as before.",
    "Clouds for governments follow later; a message of its own will tell when.",
    "The help desk may want to tell people beforehand, with the pictures linked below.",
    "Numbers in reports may fall by 1–2 % for a while, since visits by machines are no longer counted.",
    "Where a script calls the old address, it gets an answer for twelve more months.",
    "If you have no use for this, there is nothing to do.",
};

struct writing {
    GString *out;
    const struct message_plan *plan;
    const GPtrArray *services;
    int64_t modified;
    int edits;
    bool pascal, ascii;
    uint32_t title, service, second, size;
};

static const struct health_service *service_of(const struct writing *w, uint32_t number)
{
    static const struct health_service none = {.name = (char *)"Microsoft 365"};

    return w->services->len > 0 ? g_ptr_array_index(w->services, number % w->services->len) : &none;
}

void message_append_id(GString *out, const struct message_plan *p)
{
    g_string_append_printf(out, "MC%" G_GINT64_FORMAT, HEALTH_EPOCH + p->index);
}

static void append_section(GString *html, const char *heading, struct dice *d)
{
    uint32_t count = 1 + dice_below(d, 4);
    bool list = dice_below(d, 3) == 0;

    g_string_append_printf(html, "<p><b>%s:</b>&nbsp;\n</p>%s", heading, list ? "<ul>\n" : "<p>");
    for (uint32_t k = 0; k < count; k++)
        g_string_append_printf(html, list ? "<li>%s</li>\n" : "%s ", sentences[dice_below(d, G_N_ELEMENTS(sentences))]);
    g_string_append(html, list ? "</ul>" : "</p>\n\n");
}

/* The text that readers see: of a size between half a kilobyte and some twelve. An edit puts a paragraph before it. */
static GString *make_body(const struct writing *w)
{
    struct dice d = {w->plan->key ^ UINT64_C(0xb0d7)};
    GString *html = g_string_new(NULL);

    for (int k = w->edits; k > 0; k--) {
        g_string_append(html, "<p>Updated ");
        ticks_append_iso(html, w->plan->edits[k - 1], 0);
        g_string_truncate(html, html->len - strlen("T00:00:00"));
        g_string_append_printf(html, ": the dates below have changed for the %d. time.</p>\n", k);
    }
    for (uint32_t k = 0; html->len < w->size; k++)
        append_section(html, headings[k % SECTIONS], &d);
    g_string_append_printf(html,
                           "<p>More in the <a href=\"https://example.com/help?id=%u&amp;lang=en\" "
                           "target=\"_blank\">documentation</a>.</p>",
                           w->title + 1);
    g_string_replace(html, " & ", " &amp; ", 0);
    return html;
}

static void append_body(const struct writing *w)
{
    g_autoptr(GString) html = make_body(w);

    APPEND_LITERAL(w->out, ",\"body\":{\"content\":\"");
    text_append_escaped(w->out, html->str, (gssize)html->len, w->ascii);
    APPEND_LITERAL(w->out, "\",\"contentType\":\"");
    health_append_member(w->out, "html", w->pascal);
    APPEND_LITERAL(w->out, "\"}");
}

static void append_detail(GString *out, const char *name, const char *value, bool ascii)
{
    g_string_append_printf(out, "%s{\"name\":\"%s\",\"value\":\"", out->str[out->len - 1] == '[' ? "" : ",", name);
    text_append_escaped(out, value, -1, ascii);
    APPEND_LITERAL(out, "\"}");
}

/* JSON inside a string, as the service tells how far a rollout is. */
static char *feature_status(const struct writing *w, uint32_t roadmap)
{
    g_autoptr(GString) at = g_string_new(NULL);

    ticks_append_iso(at, w->modified, 7);
    return g_strdup_printf(
        "{\"%u\":[{\"RoadmapId\":%u,\"Platform\":\"Web\",\"Status\":\"%s\",\"LastUpdateTime\":\"%sZ\","
        "\"LatestRing\":%s}]}",
        roadmap, roadmap, w->edits > 0 ? "Launched" : "InDevelopment", at->str,
        w->edits > 0 ? "\"StandardRelease\"" : "null");
}

static void append_details(const struct writing *w, struct dice *d)
{
    uint32_t roll = dice_below(d, 100), roadmap = ROADMAP + dice_below(d, 90000);
    g_autofree char *number = g_strdup_printf("%u", roadmap);

    APPEND_LITERAL(w->out, ",\"details\":[");
    if (roll < 30)
        append_detail(w->out, "RoadmapIds", number, false);
    if (roll < 65)
        append_detail(w->out, "Summary", sentences[roll % G_N_ELEMENTS(sentences)], w->ascii);
    if (roll < 30)
        append_detail(w->out, "Platforms", "Web, iOS", false);
    if (roll < 10) {
        g_autofree char *json = feature_status(w, roadmap);
        append_detail(w->out, "FeatureStatusJson", json, false);
    }
    if (roll >= 95)
        append_detail(w->out, "ExternalLink", "https://example.com/blog/?p=1&x=2", false);
    g_string_append_c(w->out, ']');
}

static void append_tags(const struct writing *w, struct dice *d)
{
    static const char *const tags[] = {"New feature", "User impact", "Admin impact", "Feature update", "Retirement"};
    const char *gap = "";

    APPEND_LITERAL(w->out, ",\"tags\":[");
    if (w->edits > 0) {
        APPEND_LITERAL(w->out, "\"Updated message\"");
        gap = ",";
    }
    for (gsize k = 0; k < G_N_ELEMENTS(tags); k++) {
        if (dice_below(d, 3) > 0)
            continue;
        g_string_append_printf(w->out, "%s\"%s\"", gap, tags[k]);
        gap = ",";
    }
    g_string_append_c(w->out, ']');
}

static void append_services(const struct writing *w)
{
    APPEND_LITERAL(w->out, ",\"services\":[\"");
    text_append_escaped(w->out, service_of(w, w->service)->name, -1, w->ascii);
    if (w->second != w->service) {
        APPEND_LITERAL(w->out, "\",\"");
        text_append_escaped(w->out, service_of(w, w->second)->name, -1, w->ascii);
    }
    APPEND_LITERAL(w->out, "\"]");
}

static void append_title(const struct writing *w)
{
    g_autoptr(GString) title = g_string_new(w->edits > 0 ? "(Updated) " : "");

    g_string_append(title, titles[w->title]);
    g_string_replace(title, "{}", service_of(w, w->service)->name, 0);
    text_append_escaped(w->out, title->str, (gssize)title->len, w->ascii);
}

/* In the order of the keys in which the service writes them. */
static void append_all(const struct writing *w, struct dice *d)
{
    static const char *const categories[] = {"stayInformed", "stayInformed", "planForChange", "preventOrFixIssue"};
    const struct message_plan *p = w->plan;
    bool act = dice_below(d, 8) == 0;

    APPEND_LITERAL(w->out, "{\"actionRequiredByDateTime\":");
    if (act)
        health_append_moment(w->out, ticks_floor_div(p->published, TICKS_PER_DAY) * TICKS_PER_DAY + 60 * TICKS_PER_DAY);
    else
        APPEND_LITERAL(w->out, "null");
    append_body(w);
    APPEND_LITERAL(w->out, ",\"category\":\"");
    health_append_member(w->out, categories[dice_below(d, G_N_ELEMENTS(categories))], w->pascal);
    g_string_append_c(w->out, '"');
    append_details(w, d);
    APPEND_LITERAL(w->out, ",\"endDateTime\":");
    health_append_moment(w->out, p->published + (int64_t)(30 + dice_below(d, 300)) * TICKS_PER_DAY);
    g_string_append_printf(w->out, ",\"hasAttachments\":%s,\"id\":\"", dice_below(d, 20) == 0 ? "true" : "false");
    message_append_id(w->out, p);
    g_string_append_printf(
        w->out, "\",\"isMajorChange\":%s,\"lastModifiedDateTime\":", act || dice_below(d, 6) == 0 ? "true" : "false");
    health_append_moment(w->out, w->modified);
    append_services(w);
    APPEND_LITERAL(w->out, ",\"severity\":\"");
    uint32_t severity = dice_below(d, 40);
    health_append_member(w->out, severity == 0 ? "critical" : severity < 4 ? "high" : "normal", w->pascal);
    APPEND_LITERAL(w->out, "\",\"startDateTime\":");
    health_append_moment(w->out, p->published);
    append_tags(w, d);
    APPEND_LITERAL(w->out, ",\"title\":\"");
    append_title(w);
    APPEND_LITERAL(w->out, "\",\"viewPoint\":null}");
}

void message_append(GString *out, const struct message_plan *p, const GPtrArray *services, const struct telling *how)
{
    struct dice d = {p->key ^ UINT64_C(0x3e55a6e)};
    struct writing w = {.out = out, .plan = p, .services = services};
    uint32_t size = dice_below(&d, 100);

    w.edits = edits_until(p->edits, p->edit_count, how->now);
    w.modified = w.edits > 0 ? p->edits[w.edits - 1] : p->published;
    w.pascal = dice_below(&d, 100) < 10;
    w.ascii = dice_below(&d, 100) < 15;
    w.title = dice_below(&d, G_N_ELEMENTS(titles));
    w.service = dice_below(&d, 1U << 16);
    w.second = dice_below(&d, 3) == 0 ? dice_below(&d, 1U << 16) : w.service;
    w.size = size < 10 ? 300 : size < 90 ? 1200 + dice_below(&d, 4000) : 5000 + dice_below(&d, 7000);
    append_all(&w, &d);
}
