#include "scene.h"

#include <string.h>

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

void scene_append(GString *out, struct dice *d, const struct scene *s, const char *text)
{
    for (const char *mark; (mark = strchr(text, '%')) != NULL; text = mark + 2) {
        g_string_append_len(out, text, mark - text);
        append_mark(out, d, s, mark[1]);
    }
    g_string_append(out, text);
}

struct scene scene_roll(struct dice *d, const struct company *c, const struct plan *plan)
{
    struct scene s = {.plan = plan};

    s.actor = &c->people[dice_below(d, 12)];
    s.target = &c->people[dice_below(d, COMPANY_USERS)];
    s.role = dice_below(d, NAMES);
    s.group = dice_below(d, NAMES);
    s.app = dice_below(d, company_app_count);
    return s;
}
