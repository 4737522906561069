/* The table of permissions, which roles satisfy them, and the requests by which a source is probed. */
#include "decode_one.h"

static const struct source_permission *permission_of(const char *source, const char *name)
{
    for (const struct source_permission *one = source_find(source)->permissions; one->name != NULL; one++)
        if (strcmp(one->name, name) == 0)
            return one;
    return NULL;
}

static void every_source_names_what_it_needs(void **state)
{
    (void)state;
    for (const struct source *source = sources_all(); source->name != NULL; source++) {
        unsigned needed = 0;

        assert_non_null(source->permissions);
        for (const struct source_permission *one = source->permissions; one->name != NULL; one++) {
            assert_non_null(one->resource);
            assert_non_null(one->purpose);
            assert_true(g_str_has_suffix(one->name, ".All"));
            needed += !one->optional;
            /* The hint of a 403 names each that is needed. */
            if (!one->optional && source->kind != SOURCE_HEALTH)
                assert_non_null(strstr(source->permission, one->name));
        }
        assert_true(needed > 0);
    }
    assert_non_null(permission_of("health", health_permission(STORE_HEALTH_OVERVIEWS)));
    assert_non_null(permission_of("health", health_permission(STORE_HEALTH_ISSUES)));
    assert_non_null(permission_of("health", health_permission(STORE_HEALTH_MESSAGES)));
    assert_true(permission_of("users", users_guarded_permission)->optional);
    assert_true(permission_of("users", "AuditLog.Read.All")->optional);
    assert_false(permission_of("sign-ins", "AuditLog.Read.All")->optional);
}

static void a_permission_is_granted_by_itself_or_by_a_wider_one(void **state)
{
    static const struct {
        const char *source, *permission, *role;
        bool granted;
    } cases[] = {
        {"users", "User.Read.All", "User.Read.All", true},
        {"users", "User.Read.All", "User.ReadWrite.All", true},
        {"users", "User.Read.All", "Directory.Read.All", true},
        {"users", "User.Read.All", "Directory.ReadWrite.All", true},
        {"users", "User.Read.All", "User.ReadBasic.All", false},
        {"users", "User.Read.All", "user.read.all", false},
        {"users", "User.Read.All", "User.Read", false},
        {"sign-ins", "AuditLog.Read.All", "Directory.Read.All", false},
        {"directory-audits", "Directory.Read.All", "Directory.ReadWrite.All", true},
        {"intune-audits", "DeviceManagementApps.Read.All", "DeviceManagementApps.ReadWrite.All", true},
        {"intune-audits", "DeviceManagementApps.Read.All", "DeviceManagementConfiguration.Read.All", false},
        {"health", "ServiceMessage.Read.All", "ServiceHealth.Read.All", false},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        const char *const roles[] = {"Mail.Send", cases[i].role, NULL};
        const struct source_permission *permission = permission_of(cases[i].source, cases[i].permission);

        assert_non_null(permission);
        if (source_permission_granted(permission, roles) != cases[i].granted)
            fail_msg("%s by %s", cases[i].permission, cases[i].role);
    }
}

static void no_roles_grant_nothing(void **state)
{
    static const char *const none[] = {NULL};

    (void)state;
    for (const struct source *source = sources_all(); source->name != NULL; source++)
        for (const struct source_permission *one = source->permissions; one->name != NULL; one++)
            assert_false(source_permission_granted(one, none));
}

static void a_probe_asks_for_one_record_or_few(void **state)
{
    static const struct {
        const char *source, *url, *header, *permission;
    } probes[] = {
        {"users", "https://graph.microsoft.com/v1.0/users?$select=id&$top=1", NULL, "User.Read.All"},
        {"sign-ins", "https://graph.microsoft.com/v1.0/auditLogs/signIns?$top=1", NULL, "AuditLog.Read.All"},
        {"directory-audits", "https://graph.microsoft.com/v1.0/auditLogs/directoryAudits?$top=1", NULL,
         "AuditLog.Read.All and Directory.Read.All"},
        {"intune-audits",
         "https://graph.microsoft.com/v1.0/deviceManagement/auditEvents?$filter=activityDateTime%20ge%20"
         "2000-01-01T00%3A00%3A00Z%20and%20activityDateTime%20le%202000-01-01T01%3A00%3A00Z",
         NULL, "DeviceManagementApps.Read.All"},
        /* All of them: they are few, and their names are of use. */
        {"health", "https://graph.microsoft.com/v1.0/admin/serviceAnnouncement/healthOverviews", NULL,
         "ServiceHealth.Read.All"},
        {"health", "https://graph.microsoft.com/v1.0/admin/serviceAnnouncement/messages", "Prefer: odata.maxpagesize=1",
         "ServiceMessage.Read.All"},
    };
    unsigned index = 0;

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(probes); i++) {
        const struct source *source = source_find(probes[i].source);
        bool last = i + 1 == G_N_ELEMENTS(probes) || strcmp(probes[i + 1].source, probes[i].source) != 0;
        struct source_probe probe, none;
        assert_true(source_probe(source, index++, "https://graph.microsoft.com", &probe));
        g_autofree char *url = probe.url;
        assert_string_equal(url, probes[i].url);
        assert_string_equal(probe.permission, probes[i].permission);
        assert_int_equal(probe.headers != NULL, probes[i].header != NULL);
        if (probe.headers != NULL) {
            assert_string_equal(probe.headers[0], probes[i].header);
            assert_null(probe.headers[1]);
        }
        if (last) {
            assert_false(source_probe(source, index, "https://graph.microsoft.com", &none));
            index = 0;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_source_names_what_it_needs),
        cmocka_unit_test(a_permission_is_granted_by_itself_or_by_a_wider_one),
        cmocka_unit_test(no_roles_grant_nothing),
        cmocka_unit_test(a_probe_asks_for_one_record_or_few),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
