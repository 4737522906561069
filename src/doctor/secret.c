#include "doctor/secret.h"

#include <string.h>

#include "base/base.h"

static const char mend[] =
    "Make a new client secret in the app registration (Certificates & secrets), configure it, and "
    "then delete the old one.";

char *secret_url(const char *graph_url, const char *client_id)
{
    return g_strdup_printf(
        "%s/v1.0/applications?$filter=appId%%20eq%%20'%s'&$select=passwordCredentials,keyCredentials", graph_url,
        client_id);
}

struct doctor_finding *secret_untold(struct section *section, const char *why)
{
    return section_note(section, "secret", "When the client secret expires cannot be told: %s",
                        why ? why : "the permission Application.Read.All would let the app look it up.");
}

/* What the registration says of the secrets that may be ours. */
struct match {
    unsigned n;      /* that begin as ours does */
    int64_t expires; /* the first of them that still holds, else the last that did; 0: none is told */
};

/* Ours works, so of several it is one that has not expired; which one, nobody can tell: the soonest counts. */
static void take_end(struct match *match, int64_t end, int64_t now)
{
    bool better = match->expires == 0 || (end > now ? match->expires <= now || end < match->expires
                                                    : match->expires <= now && end > match->expires);

    match->n++;
    if (better)
        match->expires = end;
}

static void look_through(struct match *match, const struct json_node *application, const char *secret, int64_t now)
{
    const struct json_node *list = json_get(application, "passwordCredentials");

    for (const struct json_node *one = list && list->type == JSON_ARRAY ? list->child : NULL; one; one = one->next) {
        const char *hint = json_get_string(one, "hint"), *end = json_get_string(one, "endDateTime");
        struct timestamp time;
        if (hint && end && g_str_has_prefix(secret, hint) && timestamp_parse(end, strlen(end), &time))
            take_end(match, time.seconds, now);
    }
}

void secret_judge(struct section *section, const struct json_page *page, const char *secret, int64_t now)
{
    g_autoptr(JsonTree) tree = json_tree_new();
    struct match match = {0};

    for (size_t i = 0; i < json_page_count(page); i++) {
        struct json_slice slice = json_page_record(page, i);
        const struct json_node *application =
            slice.fault == JSON_FAULT_NONE ? json_tree_parse(tree, slice.bytes, slice.length, NULL) : NULL;
        if (application)
            look_through(&match, application, secret, now);
    }
    if (!json_page_count(page))
        section_note(section, "secret",
                     "When the client secret expires cannot be told: the app's registration is not in this tenant.");
    else if (!match.n)
        section_note(section, "secret",
                     "When the client secret expires cannot be told: the app's registration tells of no secret that "
                     "may be it.");
    else
        section_expiry(section, "secret",
                       match.n > 1 ? "The client secret (or another that begins alike)" : "The client secret", mend,
                       match.expires, now);
}
