#include "doctor/permission.h"

#include <string.h>

/* What is of use beside the sources. The wider ones are those that Microsoft's page on each call lists. */
static const char *const registration_wider[] = {"Application.ReadWrite.OwnedBy", "Application.ReadWrite.All",
                                                 "Directory.Read.All", "Directory.ReadWrite.All", NULL};
static const struct source_permission registration_permission = {
    .name = "Application.Read.All",
    .resource = "Microsoft Graph",
    .satisfied_by = registration_wider,
    .purpose = "to tell when the client secret expires",
    .optional = true,
};
static const struct source_permission mail_permission = {
    .name = "Mail.Send",
    .resource = "Microsoft Graph",
    .purpose = "to send reports by Graph (smtp: transport: graph), and for nothing else",
    .optional = true,
};

bool permission_reads_registration(char **roles)
{
    return !roles || source_permission_granted(&registration_permission, (const char *const *)roles);
}

/* --- what is missing ---------------------------------------------------------------------------------------------- */

/* A permission that is not granted, and what wants it. */
struct lack {
    const struct source_permission *permission;
    GString *wanted_by; /* "sign-ins, users" */
    bool works;         /* all that want it were asked, and answered nevertheless */
};

static void lack_free(gpointer data)
{
    struct lack *lack = data;

    g_string_free(lack->wanted_by, TRUE);
    g_free(lack);
}

static void add_lack(GPtrArray *lacks, const struct source_permission *permission, const char *wanted_by, bool works)
{
    struct lack *lack = NULL;

    for (guint i = 0; i < lacks->len && !lack; i++) {
        struct lack *known = g_ptr_array_index(lacks, i);
        if (g_str_equal(known->permission->name, permission->name))
            lack = known;
    }
    if (!lack) {
        lack = g_new0(struct lack, 1);
        lack->permission = permission;
        lack->wanted_by = g_string_new(wanted_by);
        lack->works = works;
        g_ptr_array_add(lacks, lack);
        return;
    }
    g_string_append_printf(lack->wanted_by, ", %s", wanted_by);
    lack->works = lack->works && works;
}

static bool needs(const struct permission_probe *probe, const char *permission)
{
    g_auto(GStrv) names = g_strsplit(probe->permission, " and ", -1);

    return g_strv_contains((const char *const *)names, permission);
}

/* True when each listing of the source that needs the permission answered. One that was not asked tells nothing. */
static bool answers(const struct permission_facts *facts, const struct source *source, const char *permission)
{
    bool asked = false;

    for (guint i = 0; i < facts->n_probes; i++) {
        const struct permission_probe *probe = &facts->probes[i];
        if (probe->source != source || !needs(probe, permission))
            continue;
        if (!probe->answered)
            return false;
        asked = true;
    }
    return asked;
}

static void add_lacks_of(GPtrArray *lacks, const struct permission_facts *facts, const struct source *source,
                         bool optional)
{
    const char *const *roles = (const char *const *)facts->roles[source->api];

    for (const struct source_permission *one = source->permissions; roles && one->name; one++)
        if (one->optional == optional && !source_permission_granted(one, roles))
            add_lack(lacks, one, source->name, answers(facts, source, one->name));
}

/* What is optional or not, and not granted. Returned: struct lack *. */
static GPtrArray *find_lacks(const struct permission_facts *facts, bool optional)
{
    GPtrArray *lacks = g_ptr_array_new_with_free_func(lack_free);

    for (guint i = 0; i < facts->n_probes; i++)
        if (i == 0 || facts->probes[i].source != facts->probes[i - 1].source)
            add_lacks_of(lacks, facts, facts->probes[i].source, optional);
    const char *const *roles = (const char *const *)facts->roles[CLIENT_API_GRAPH];
    if (!optional && facts->mails && roles && !source_permission_granted(&mail_permission, roles))
        add_lack(lacks, &mail_permission, "mail", false);
    return lacks;
}

/* What one source needs is not to be called unneeded for the sake of another. */
static void leave_out(GPtrArray *lacks, GPtrArray *needed)
{
    for (guint i = 0; i < needed->len; i++) {
        const struct lack *known = g_ptr_array_index(needed, i);
        for (guint j = lacks->len; j-- > 0;) {
            const struct lack *lack = g_ptr_array_index(lacks, j);
            if (g_str_equal(lack->permission->name, known->permission->name))
                g_ptr_array_remove_index(lacks, j);
        }
    }
}

/* "AuditLog.Read.All (for sign-ins, directory-audits), ...". Returned: g_free. */
static char *lacks_words(GPtrArray *lacks, bool purpose)
{
    GString *words = g_string_new(NULL);

    for (guint i = 0; i < lacks->len; i++) {
        const struct lack *lack = g_ptr_array_index(lacks, i);
        g_string_append_printf(words, "%s%s (for %s%s%s)", i ? ", " : "", lack->permission->name, lack->wanted_by->str,
                               purpose ? ": " : "", purpose ? lack->permission->purpose : "");
    }
    return g_string_free(words, FALSE);
}

static bool all_work(GPtrArray *lacks)
{
    bool works = true;

    for (guint i = 0; i < lacks->len; i++)
        works = works && ((const struct lack *)g_ptr_array_index(lacks, i))->works;
    return works;
}

static void judge_lacks(struct section *section, const struct permission_facts *facts)
{
    static const char mend[] = "Add them to the app registration as application permissions (API permissions), and "
                               "grant admin consent; docs/permissions.md tells how.";
    g_autoptr(GPtrArray) needed = find_lacks(facts, false), optional = find_lacks(facts, true);

    leave_out(optional, needed);
    g_autofree char *needed_words = lacks_words(needed, false), *optional_words = lacks_words(optional, true);
    if (!needed->len)
        section_ok(section, "permissions", "All permissions that the configured sources need%s are granted.",
                   facts->mails ? ", and Mail.Send," : "");
    else if (all_work(needed))
        section_warn(section, "permissions", mend, "Not granted: %s. The service answers all the same.", needed_words);
    else
        section_fail(section, "permissions", mend, "Not granted: %s.", needed_words);
    if (optional->len)
        section_note(section, "permissions", "Not granted, and not needed: %s.", optional_words);
}

/* --- what is too much --------------------------------------------------------------------------------------------- */

static bool is_of_use(const char *role, bool mails)
{
    if (g_str_equal(role, registration_permission.name) || (mails && g_str_equal(role, mail_permission.name)))
        return true;
    for (const struct source *source = sources_all(); source->name; source++)
        for (const struct source_permission *one = source->permissions; one->name; one++)
            if (g_str_equal(role, one->name))
                return true;
    return false;
}

static void judge_excess(struct section *section, char **roles, bool mails)
{
    g_autoptr(GPtrArray) excess = g_ptr_array_new();

    for (char **role = roles; role && *role; role++)
        if (!is_of_use(*role, mails))
            g_ptr_array_add(excess, *role);
    if (!excess->len)
        return;
    g_ptr_array_add(excess, NULL);
    g_autofree char *words = g_strjoinv(", ", (char **)excess->pdata);
    section_note(section, "permissions",
                 "The app may do more than m365keep needs: %s. Whoever gets hold of its secret may too: take away what "
                 "nothing else uses.",
                 words);
}

static bool asks(const struct permission_facts *facts, enum client_api api)
{
    for (guint i = 0; i < facts->n_probes; i++)
        if (facts->probes[i].source->api == api)
            return true;
    return false;
}

void permission_judge(struct section *section, const struct permission_facts *facts)
{
    bool seen = false, hidden = false;

    for (enum client_api api = CLIENT_API_GRAPH; api <= CLIENT_API_MANAGEMENT; api++) {
        seen = seen || (facts->roles[api] && asks(facts, api));
        hidden = hidden || (!facts->roles[api] && asks(facts, api));
    }
    if (hidden)
        section_note(section, "permissions",
                     "Which permissions are granted cannot be seen: the token is not one that can be looked into. What "
                     "each source was answered tells.");
    if (seen)
        judge_lacks(section, facts);
    for (enum client_api api = CLIENT_API_GRAPH; api <= CLIENT_API_MANAGEMENT; api++)
        judge_excess(section, facts->roles[api], facts->mails);
}

/* --- the table ---------------------------------------------------------------------------------------------------- */

static void append_row(GString *out, const char *source, const struct source_permission *permission,
                       const char *licence)
{
    g_string_append_printf(out, "| %s | `%s`%s | %s | %s | ", source, permission->name,
                           permission->optional ? " (optional)" : "", permission->resource, permission->purpose);
    for (const char *const *wider = permission->satisfied_by; wider && *wider; wider++)
        g_string_append_printf(out, "`%s`%s", *wider, wider[1] ? ", " : " ");
    g_string_append_printf(out, "| %s%s|\n", licence ? licence : "", licence ? " " : "");
}

void doctor_append_permissions(GString *out)
{
    g_string_append(out, "| source | application permission | of the API | what for | contained in | licence |\n"
                         "| --- | --- | --- | --- | --- | --- |\n");
    for (const struct source *source = sources_all(); source->name; source++)
        for (const struct source_permission *one = source->permissions; one->name; one++)
            append_row(out, source->name, one, source->licence);
    append_row(out, "doctor", &registration_permission, NULL);
    append_row(out, "mail", &mail_permission, NULL);
}
