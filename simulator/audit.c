#include "audit.h"

#include <string.h>

#include "activities.h"
#include "ticks.h"

enum { NAMES = 6 };
static const struct {
    const char *name, *id;
} roles[NAMES] =
    {
        {"Global Administrator", "62e90394-69f5-4237-9190-012177145e10"},
        {"Global Reader", "f2ef992c-3afb-46b9-b7cf-a126ee74c451"},
        {"User Administrator", "fe930be7-5e62-47db-91af-98c3a49a38b1"},
        {"Exchange Administrator", "29232cdf-9323-42fd-ade2-1d097af3e4de"},
        {"Security Reader", "5d6b6bb7-de71-4623-b4af-96380a352509"},
        {"Helpdesk Administrator", "729827e3-9c14-49f7-bb1b-9608f156bbb8"},
},
  groups[NAMES] = {
      {"All staff", "6a0b9e00-0000-4000-8000-0000000006a1"},
      {"Vertrieb \\u0026 Einkauf", "6a0b9e00-0000-4000-8000-0000000006a2"},
      {"研究開発", "6a0b9e00-0000-4000-8000-0000000006a3"},
      {"VPN users (legacy)", "6a0b9e00-0000-4000-8000-0000000006a4"},
      {"=cmd|' \\/C calc'!A0", "6a0b9e00-0000-4000-8000-0000000006a5"},
      {"Projekt \\ud83d\\ude80", "6a0b9e00-0000-4000-8000-0000000006a6"},
};

struct scene {
    const struct plan *plan;
    const struct person *actor, *target;
    uint32_t role, group, app;
};

static void append_mark(GString *out, struct dice *d, const struct scene *s, char mark)
{
    switch (mark) {
    case 'i':
        text_append(out, &s->target->id);
        break;
    case 'u':
        text_append(out, &s->target->upn);
        break;
    case 'n':
        text_append(out, &s->target->name);
        break;
    case 'N':
        text_append(out, &s->target->nested);
        break;
    case 'r':
        g_string_append(out, roles[s->role].name);
        break;
    case 'R':
        g_string_append(out, roles[s->role].id);
        break;
    case 'o':
        g_string_append(out, groups[s->group].name);
        break;
    case 'O':
        g_string_append(out, groups[s->group].id);
        break;
    case 'a':
        g_string_append(out, company_apps[s->app].name);
        break;
    case 'A':
        g_string_append(out, company_apps[s->app].id);
        break;
    case 't':
        ticks_append_iso(out, s->plan->time, 7);
        break;
    case 'd':
        g_string_append_c(out, (char)('0' + dice_below(d, 10)));
        break;
    default:
        text_append_guid(out, d);
    }
}

static void append_marked(GString *out, struct dice *d, const struct scene *s, const char *text)
{
    for (const char *mark; (mark = strchr(text, '%')) != NULL; text = mark + 2) {
        g_string_append_len(out, text, mark - text);
        append_mark(out, d, s, mark[1]);
    }
    g_string_append(out, text);
}

static void append_actor(GString *out, const struct scene *s, uint32_t address, bool open_type)
{
    APPEND_LITERAL(out, "\"user\":{\"id\":\"");
    text_append(out, &s->actor->id);
    APPEND_LITERAL(out, "\",\"displayName\":null,\"userPrincipalName\":\"");
    text_append(out, &s->actor->upn);
    if (address < 100)
        APPEND_LITERAL(out, "\",\"ipAddress\":\"\"");
    else
        g_string_append_printf(out, "\",\"ipAddress\":\"203.0.113.%u\"", address);
    if (open_type)
        APPEND_LITERAL(out, ",\"userType\":\"Member\",\"homeTenantId\":null,\"homeTenantName\":null");
    APPEND_LITERAL(out, ",\"roles\":[]}");
}

/* A user, an app, neither, or a user with the other key left out. */
static void append_initiator(GString *out, struct dice *d, const struct scene *s)
{
    uint32_t form = dice_below(d, 100), address = dice_below(d, 254);

    APPEND_LITERAL(out, ",\"initiatedBy\":{");
    if (form < 4) {
        APPEND_LITERAL(out, "\"user\":null,\"app\":null");
    } else if (form < 24) {
        APPEND_LITERAL(
            out, "\"user\":null,\"app\":{\"appId\":null,\"displayName\":\"Microsoft Azure AD Internal \\u2013 Sync\","
                 "\"servicePrincipalId\":\"");
        text_append_guid(out, d);
        APPEND_LITERAL(out, "\",\"servicePrincipalName\":null}");
    } else {
        append_actor(out, s, address, form > 90);
        if (form > 28)
            APPEND_LITERAL(out, ",\"app\":null");
    }
    g_string_append_c(out, '}');
}

static void append_head(GString *out, struct dice *d, const struct plan *plan, const struct activity *a)
{
    static const char letters[] = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    struct dice guid = *d;

    APPEND_LITERAL(out, "{\"id\":\"");
    g_string_append(out, a->prefix);
    g_string_append_c(out, '_');
    text_append_guid(out, d);
    g_string_append_c(out, '_');
    for (int k = 0; k < 5; k++)
        g_string_append_c(out, letters[dice_below(d, 32)]);
    g_string_append_c(out, '_');
    for (int k = 0; k < 8; k++)
        g_string_append_c(out, (char)('0' + dice_below(d, 10)));
    APPEND_LITERAL(out, "\",\"category\":");
    if (dice_below(d, 500) == 0)
        APPEND_LITERAL(out, "null");
    else
        g_string_append_printf(out, "\"%s\"", a->category);
    APPEND_LITERAL(out, ",\"correlationId\":\"");
    text_append_guid(out, &guid); /* the id carries the correlation id */
    APPEND_LITERAL(out, "\",\"activityDateTime\":\"");
    ticks_append_iso(out, plan->time, plan->digits);
    g_string_append(out, dice_below(d, 50) == 0 ? "+00:00\"" : "Z\"");
}

static void append_result(GString *out, struct dice *d, const struct activity *a, bool changed)
{
    uint32_t roll = dice_below(d, 100);

    if (changed) {
        APPEND_LITERAL(out, ",\"result\":\"success\",\"resultReason\":\"Completed after review\"");
    } else if (roll < 90) {
        APPEND_LITERAL(out, ",\"result\":\"success\",\"resultReason\":\"\"");
    } else if (roll < 92) {
        APPEND_LITERAL(out, ",\"result\":\"timeout\",\"resultReason\":null");
    } else {
        APPEND_LITERAL(out, ",\"result\":\"failure\",\"resultReason\":\"");
        g_string_append(out, a->failure);
        g_string_append_c(out, '"');
    }
}

void audit_append(GString *out, const struct company *c, const struct plan *plan, bool changed)
{
    struct dice d = {plan->key};
    const struct activity *a = activities_roll(&d);
    struct scene s = {.plan = plan};

    s.actor = &c->people[dice_below(&d, 12)]; /* few administrators do most of it */
    s.target = &c->people[dice_below(&d, COMPANY_USERS)];
    s.role = dice_below(&d, NAMES);
    s.group = dice_below(&d, NAMES);
    s.app = dice_below(&d, company_app_count);

    append_head(out, &d, plan, a);
    append_result(out, &d, a, changed);
    g_string_append_printf(out, ",\"activityDisplayName\":\"%s\",\"loggedByService\":\"%s\",\"operationType\":\"%s\"",
                           a->name, a->service, a->operation);
    append_initiator(out, &d, &s);
    append_marked(out, &d, &s, a->targets);
}
