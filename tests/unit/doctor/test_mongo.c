/* Where a MongoDB connection string leads, and what becomes of it: hosts, services, and no credentials. */
#include "told.h"

#include <gio/gio.h>
#include <string.h>

#include "doctor/mongo.h"

static void hosts_are_read_and_credentials_left_out(void **state)
{
    static const struct {
        const char *uri, *hosts; /* NULL: it cannot be read */
    } rows[] = {
        {"mongodb://localhost", "localhost"},
        {"mongodb://localhost/", "localhost"},
        {"mongodb://a.example:27018,b.example,c.example:1/db?replicaSet=rs0", "a.example:27018 b.example c.example:1"},
        {"mongodb://user:pass@a.example", "a.example"},
        {"mongodb://user:p%40ss%2Fw@a.example,b.example/?w=majority", "a.example b.example"},
        {"mongodb://user:p@ss@a.example", "a.example"},
        {"mongodb://[::1]:27018,[2001:db8::1]/", "[::1]:27018 [2001:db8::1]"},
        {"mongodb://%2Frun%2Fmongodb%2Fmongodb-27017.sock", "/run/mongodb/mongodb-27017.sock"},
        {"mongodb://localhost?tls=true", "localhost"},
        {"mongodb+srv://cluster.example/db", "+cluster.example"},
        {"mongodb+srv://user:pass@cluster.example", "+cluster.example"},
        {"mongodb+srv://a.example,b.example", NULL},
        {"mongodb://", NULL},
        {"mongodb://a.example,", NULL},
        {"mongodb://,", NULL},
        {"mongodb://a.example:0", NULL},
        {"mongodb://a.example:65536", NULL},
        {"mongodb://a.example:port", NULL},
        {"mongodb://a b", NULL},
        {"mongodb://[::1", NULL},
        {"mongodb://[]", NULL},
        {"mongodb://user:pass/word@a.example", NULL},
        {"mongodb://user:1234?word@a.example", NULL},
        {"mongodb://user:pass,word", NULL},
        {"nonsense", NULL},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct mongo_hosts hosts;
        bool good = mongo_hosts_parse(rows[i].uri, &hosts);
        g_autoptr(GString) text = g_string_new(hosts.by_service ? "+" : "");
        for (guint k = 0; k < hosts.hosts->len; k++)
            g_string_append_printf(text, "%s%s", k ? " " : "", (const char *)g_ptr_array_index(hosts.hosts, k));
        mongo_hosts_clear(&hosts);
        if (good != (rows[i].hosts != NULL) || (good && strcmp(text->str, rows[i].hosts) != 0))
            fail_msg("%s gave %s", rows[i].uri, text->str);
    }
}

/* --- a resolver that knows two services ----------------------------------------------------------------------------
 */

typedef GResolver FakeResolver;
typedef GResolverClass FakeResolverClass;
GType fake_resolver_get_type(void);
G_DEFINE_TYPE(FakeResolver, fake_resolver, G_TYPE_RESOLVER)

static guint16 open_port;

static GList *look_up_service(GResolver *resolver, const char *name, GCancellable *cancellable, GError **error)
{
    (void)resolver;
    (void)cancellable;
    if (strcmp(name, "_mongodb._tcp.cluster.example") == 0)
        return g_list_prepend(NULL, g_srv_target_new("127.0.0.1", open_port, 0, 0));
    g_set_error(error, G_RESOLVER_ERROR, G_RESOLVER_ERROR_NOT_FOUND, "No such service");
    return NULL;
}

static void fake_resolver_class_init(FakeResolverClass *class)
{
    class->lookup_service = look_up_service;
}

static void fake_resolver_init(FakeResolver *resolver)
{
    (void)resolver;
}

/* Runs the check to its end. Returned: g_free. */
static char *check(const char *uri)
{
    struct section *section = section_new(NULL);
    struct task *task = task_start(&mongo_check_kind, mongo_check_new(uri, section));

    while (!task_done(task))
        g_usleep(1000);
    task_free(task);
    return told(section);
}

static void a_service_is_looked_up_and_its_hosts_are_knocked_at(void **state)
{
    g_autoptr(GSocketListener) listener = g_socket_listener_new();
    g_autoptr(GResolver) before = g_resolver_get_default();
    g_autoptr(GResolver) fake = g_object_new(fake_resolver_get_type(), NULL);

    (void)state;
    open_port = g_socket_listener_add_any_inet_port(listener, NULL, NULL);
    assert_int_not_equal(open_port, 0);
    g_resolver_set_default(fake);
    g_autofree char *expected = g_strdup_printf("ok: 127.0.0.1:%u can be reached.", open_port);
    g_autofree char *found = check("mongodb+srv://user:pass@cluster.example/?w=1");
    g_autofree char *lost = check("mongodb+srv://user:pass@other.example/");
    g_resolver_set_default(before);
    assert_string_equal(found, expected);
    assert_string_equal(lost,
                        "fail: MongoDB's hosts cannot be looked up (SRV record of _mongodb._tcp.other.example): No "
                        "such service.");
}

static void a_string_that_cannot_be_read_is_not_shown(void **state)
{
    g_autofree char *found = check("mongodb://user:pass/word@a.example");

    (void)state;
    assert_string_equal(found, "fail: MONGO_URI names no hosts that can be read.");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts_are_read_and_credentials_left_out),
        cmocka_unit_test(a_service_is_looked_up_and_its_hosts_are_knocked_at),
        cmocka_unit_test(a_string_that_cannot_be_read_is_not_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
