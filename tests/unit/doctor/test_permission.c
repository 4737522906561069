/* Roles of a token against what the sources need, and the table for docs/permissions.md. */
#include "told.h"

#include <string.h>

#include "doctor/permission.h"

#define ALL_GRANTED                                                                                                    \
    "AuditLog.Read.All", "DeviceManagementApps.Read.All", "Directory.Read.All", "ServiceHealth.Read.All",              \
        "ServiceMessage.Read.All", "User-LifeCycleInfo.Read.All", "User.Read.All"

/* Judges the sources, whose names end in NULL. A name that begins with "!" is of one that was not answered; the
 * listings of health are "health:overviews" and "health:messages". */
static struct section *judge(const char *const *roles, bool mails, const char *const *names)
{
    struct permission_probe probes[8];
    struct permission_facts facts = {.probes = probes, .mails = mails, .roles = {(char **)roles}};
    struct section *section = section_new(NULL);

    for (; *names; names++) {
        bool refused = **names == '!';
        g_auto(GStrv) name = g_strsplit(*names + refused, ":", 2);
        struct permission_probe *probe = &probes[facts.n_probes++];
        *probe = (struct permission_probe){.source = source_find(name[0]), .answered = !refused};
        assert_non_null(probe->source);
        if (name[1])
            probe->permission =
                health_permission(strcmp(name[1], "messages") == 0 ? STORE_HEALTH_MESSAGES : STORE_HEALTH_OVERVIEWS);
        else
            probe->permission = probe->source->permission;
    }
    permission_judge(section, &facts);
    return section;
}

static const char *const every_source[] = {
    "users", "sign-ins", "directory-audits", "intune-audits", "health:overviews", "health:messages", NULL};

static void a_permission_may_be_granted_by_itself_or_by_a_wider_one(void **state)
{
    static const char *const exact[] = {ALL_GRANTED, NULL};
    static const char *const wider[] = {"AuditLog.Read.All",
                                        "DeviceManagementApps.ReadWrite.All",
                                        "Directory.ReadWrite.All",
                                        "ServiceHealth.Read.All",
                                        "ServiceMessage.Read.All",
                                        "User-LifeCycleInfo.ReadWrite.All",
                                        NULL};

    (void)state;
    assert_told(judge(exact, false, every_source), "ok: All permissions that the configured sources need are granted.");
    assert_told(judge(wider, false, every_source),
                "ok: All permissions that the configured sources need are granted.\n"
                "note: The app may do more than m365keep needs: DeviceManagementApps.ReadWrite.All, "
                "Directory.ReadWrite.All, User-LifeCycleInfo.ReadWrite.All. Whoever gets hold of its secret may too: "
                "take away what nothing else uses.");
}

static void one_line_names_all_that_is_missing_and_for_what(void **state)
{
    static const char *const none[] = {NULL};
    static const char *const sources[] = {"!sign-ins", "!directory-audits", "!health:overviews", "!health:messages",
                                          NULL};

    (void)state;
    assert_told(judge(none, false, sources),
                "fail: Not granted: AuditLog.Read.All (for sign-ins, directory-audits), Directory.Read.All (for "
                "directory-audits), ServiceHealth.Read.All (for health), ServiceMessage.Read.All (for health).");
}

static void what_works_without_its_permission_is_only_warned_of(void **state)
{
    static const char *const roles[] = {"AuditLog.Read.All", NULL};
    static const char *const works[] = {"directory-audits", NULL}, *const not [] = {"!directory-audits", NULL};

    (void)state;
    assert_told(judge(roles, false, works), "warn: Not granted: Directory.Read.All (for directory-audits). The service "
                                            "answers all the same.");
    assert_told(judge(roles, false, not ), "fail: Not granted: Directory.Read.All (for directory-audits).");
}

static void only_what_was_asked_for_says_that_a_permission_is_done_without(void **state)
{
    static const char *const roles[] = {"ServiceHealth.Read.All", NULL};
    static const char *const rows[][4] = {
        {"health:overviews", "!health:messages", NULL, "fail: Not granted: ServiceMessage.Read.All (for health)."},
        {"health:overviews", NULL, NULL, "fail: Not granted: ServiceMessage.Read.All (for health)."},
        {"!health:overviews", "health:messages", NULL,
         "warn: Not granted: ServiceMessage.Read.All (for health). The service answers all the same."},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        assert_told(judge(roles, false, rows[i]), rows[i][3]);
}

static void what_one_source_needs_is_not_called_unneeded_for_another(void **state)
{
    static const char *const roles[] = {"Directory.Read.All", "User-LifeCycleInfo.Read.All", NULL};
    static const char *const both[] = {"users", "!sign-ins", NULL}, *const users[] = {"users", NULL};

    (void)state;
    assert_told(judge(roles, false, both), "fail: Not granted: AuditLog.Read.All (for sign-ins).");
    assert_told(judge(roles, false, users),
                "ok: All permissions that the configured sources need are granted.\n"
                "note: Not granted, and not needed: AuditLog.Read.All (for users: when each account last signed in).");
}

static void sending_mail_is_needed_for_mail_by_graph_and_too_much_otherwise(void **state)
{
    static const char *const with[] = {"Mail.Send", "ServiceHealth.Read.All", "ServiceMessage.Read.All", NULL};
    static const char *const sources[] = {"health:overviews", "health:messages", NULL};

    (void)state;
    assert_told(judge(with, true, sources),
                "ok: All permissions that the configured sources need, and Mail.Send, are granted.");
    assert_told(judge(with + 1, true, sources), "fail: Not granted: Mail.Send (for mail).");
    assert_told(
        judge(with, false, sources),
        "ok: All permissions that the configured sources need are granted.\n"
        "note: The app may do more than m365keep needs: Mail.Send. Whoever gets hold of its secret may too: take "
        "away what nothing else uses.");
}

static void a_permission_that_some_source_or_doctor_could_use_is_not_too_much(void **state)
{
    static const char *const roles[] = {ALL_GRANTED, "Application.Read.All", NULL};
    static const char *const sources[] = {"sign-ins", NULL};

    (void)state;
    assert_told(judge(roles, false, sources), "ok: All permissions that the configured sources need are granted.");
}

static void a_token_that_cannot_be_looked_into_is_said_and_nothing_concluded(void **state)
{
    (void)state;
    assert_told(
        judge(NULL, true, every_source),
        "note: Which permissions are granted cannot be seen: the token is not one that can be looked into. What "
        "each source was answered tells.");
    assert_true(permission_reads_registration(NULL));
}

static void the_registration_is_asked_for_only_where_that_is_allowed(void **state)
{
    static const struct {
        const char *roles[3];
        bool allowed;
    } rows[] = {
        {{NULL}, false},
        {{"AuditLog.Read.All", "User.Read.All"}, false},
        {{"Application.Read.All"}, true},
        {{"AuditLog.Read.All", "Directory.Read.All"}, true},
        {{"Application.ReadWrite.All"}, true},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        assert_int_equal(permission_reads_registration((char **)rows[i].roles), rows[i].allowed);
}

static void the_table_has_a_row_for_each_permission_of_each_source(void **state)
{
    g_autoptr(GString) table = g_string_new(NULL);

    (void)state;
    doctor_append_permissions(table);
    g_auto(GStrv) lines = g_strsplit(table->str, "\n", -1);
    guint n = 2; /* the title and the rule below it */
    for (const struct source *source = sources_all(); source->name; source++)
        for (const struct source_permission *one = source->permissions; one->name; one++) {
            g_autofree char *begin = g_strdup_printf("| %s | `%s`", source->name, one->name);
            assert_true(g_str_has_prefix(lines[n++], begin));
        }
    assert_true(g_str_has_prefix(lines[n++], "| doctor | `Application.Read.All` (optional) |"));
    assert_true(g_str_has_prefix(lines[n++], "| mail | `Mail.Send` (optional) |"));
    assert_string_equal(lines[n], "");
    for (guint i = 0; i < n; i++) { /* as many cells everywhere */
        g_auto(GStrv) cells = g_strsplit(lines[i], "|", -1);
        assert_int_equal(g_strv_length(cells), 8);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_permission_may_be_granted_by_itself_or_by_a_wider_one),
        cmocka_unit_test(one_line_names_all_that_is_missing_and_for_what),
        cmocka_unit_test(what_works_without_its_permission_is_only_warned_of),
        cmocka_unit_test(only_what_was_asked_for_says_that_a_permission_is_done_without),
        cmocka_unit_test(what_one_source_needs_is_not_called_unneeded_for_another),
        cmocka_unit_test(sending_mail_is_needed_for_mail_by_graph_and_too_much_otherwise),
        cmocka_unit_test(a_permission_that_some_source_or_doctor_could_use_is_not_too_much),
        cmocka_unit_test(a_token_that_cannot_be_looked_into_is_said_and_nothing_concluded),
        cmocka_unit_test(the_registration_is_asked_for_only_where_that_is_allowed),
        cmocka_unit_test(the_table_has_a_row_for_each_permission_of_each_source),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
