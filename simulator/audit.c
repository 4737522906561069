#include "audit.h"

#include "activities.h"
#include "scene.h"
#include "ticks.h"

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
    struct scene s = scene_roll(&d, c, plan);

    append_head(out, &d, plan, a);
    append_result(out, &d, a, changed);
    g_string_append_printf(out, ",\"activityDisplayName\":\"%s\",\"loggedByService\":\"%s\",\"operationType\":\"%s\"",
                           a->name, a->service, a->operation);
    append_initiator(out, &d, &s);
    scene_append(out, &d, &s, a->targets);
}
