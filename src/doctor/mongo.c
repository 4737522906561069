#include "doctor/mongo.h"

#include <pthread.h>
#include <string.h>

#include "base/base.h"
#include "doctor/connection.h"

enum { PORT = 27017, HOSTS_MAX = 50 };

struct mongo_check {
    char *uri; /* wiped */
    struct section *section;
    GCancellable *call;
};

struct mongo_check *mongo_check_new(const char *uri, struct section *section)
{
    struct mongo_check *check = g_new0(struct mongo_check, 1);

    check->uri = g_strdup(uri);
    check->section = section;
    check->call = connection_call_new();
    return check;
}

static void check_free(void *data)
{
    struct mongo_check *check = data;

    text_free_secret(check->uri);
    connection_call_free(check->call);
    g_free(check);
}

static void check_stop(void *data)
{
    struct mongo_check *check = data;

    g_cancellable_cancel(check->call);
}

/* --- the connection string ---------------------------------------------------------------------------------------- */

static bool is_port(const char *text)
{
    guint64 port;

    return g_ascii_string_to_unsigned(text, 10, 1, G_MAXUINT16, &port, NULL);
}

/* "a.example", "a.example:27018", "[::1]:27018"; nothing that could be part of a password. */
static bool is_host(const char *text)
{
    bool v6 = *text == '[';
    const char *allowed =
        v6 ? "0123456789abcdefABCDEF:." : "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";
    const char *end = text + v6 + strspn(text + v6, allowed);

    if (end == text + v6 || (v6 && *end++ != ']'))
        return false;
    return *end == '\0' || (*end == ':' && is_port(end + 1));
}

static bool add_host(struct mongo_hosts *hosts, const char *text)
{
    /* A socket of this machine comes with its slashes encoded. */
    g_autofree char *path = g_uri_unescape_string(text, NULL);
    bool socket = path && *path == '/';

    if (hosts->hosts->len == HOSTS_MAX || (!socket && !is_host(text)))
        return false;
    g_ptr_array_add(hosts->hosts, socket ? g_steal_pointer(&path) : g_strdup(text));
    return true;
}

bool mongo_hosts_parse(const char *uri, struct mongo_hosts *hosts)
{
    const char *begin = strstr(uri, "://");

    hosts->by_service = g_str_has_prefix(uri, "mongodb+srv://");
    hosts->hosts = g_ptr_array_new_with_free_func(g_free);
    if (!begin)
        return false;
    begin += strlen("://");
    const char *end = begin + strcspn(begin, "/?");
    g_autofree char *authority = g_strndup(begin, (size_t)(end - begin));
    const char *at = strrchr(authority, '@');
    /* A user or password whose / or ? is not encoded ends the authority too early: what stands there is no host. */
    if (!at && strchr(end, '@'))
        return false;
    g_auto(GStrv) parts = g_strsplit(at ? at + 1 : authority, ",", -1);
    for (char **part = parts; *part; part++)
        if (!add_host(hosts, *part))
            return false;
    return hosts->hosts->len > 0 && (!hosts->by_service || hosts->hosts->len == 1);
}

void mongo_hosts_clear(struct mongo_hosts *hosts)
{
    g_clear_pointer(&hosts->hosts, g_ptr_array_unref);
}

/* --- asking ------------------------------------------------------------------------------------------------------- */

/* Replaces the name of a service by the hosts that it lists. False with *error. */
static bool look_up_service(const struct mongo_check *check, struct mongo_hosts *hosts, GError **error)
{
    g_autoptr(GResolver) resolver = g_resolver_get_default();
    const char *name = g_ptr_array_index(hosts->hosts, 0);
    GList *targets = g_resolver_lookup_service(resolver, "mongodb", "tcp", name, check->call, error);

    if (!targets)
        return false;
    g_ptr_array_set_size(hosts->hosts, 0);
    for (GList *one = targets; one && hosts->hosts->len < HOSTS_MAX; one = one->next)
        g_ptr_array_add(hosts->hosts, g_strdup_printf("%s:%u", g_srv_target_get_hostname(one->data),
                                                      g_srv_target_get_port(one->data)));
    g_resolver_free_targets(targets);
    return true;
}

/* One host, in a thread of its own: the dead ones do not hold up the others. */
struct knock {
    const char *host;
    GCancellable *call;
    char *error; /* why it was not reached; NULL: it was */
    pthread_t thread;
    bool started;
};

static void *knock(void *data)
{
    struct knock *one = data;
    g_autoptr(GError) error = NULL;
    g_autoptr(GSocketConnectable) address = *one->host == '/'
                                                ? G_SOCKET_CONNECTABLE(g_unix_socket_address_new(one->host))
                                                : g_network_address_parse(one->host, PORT, &error);
    g_autoptr(GSocketConnection) connection = address ? connection_open(address, one->call, &error) : NULL;

    one->error = connection ? NULL : connection_words(error);
    return NULL;
}

static void judge_hosts(struct section *section, const struct knock *knocks, guint n)
{
    g_autoptr(GString) away = g_string_new(NULL);
    const char *reached = NULL;
    guint n_reached = 0;

    for (guint i = 0; i < n; i++)
        if (knocks[i].error) {
            g_string_append_printf(away, "%s%s (%s)", away->len ? ", " : "", knocks[i].host, knocks[i].error);
        } else {
            reached = reached ? reached : knocks[i].host;
            n_reached++;
        }
    if (!reached) {
        section_fail(section, "mongodb",
                     "Check the hosts and ports in MONGO_URI, that mongod listens on more than 127.0.0.1, and the "
                     "firewall between.",
                     "MongoDB cannot be reached: %s.", away->str);
        return;
    }
    section_ok(section, "mongodb", "%s can be reached%s.", reached, n_reached > 1 ? ", and others" : "");
    if (away->len)
        section_note(section, "mongodb", "Not reached, which one of several may be: %s.", away->str);
}

static void knock_at_all(const struct mongo_check *check, const struct mongo_hosts *hosts)
{
    guint n = hosts->hosts->len;
    g_autofree struct knock *knocks = g_new0(struct knock, n);

    for (guint i = 0; i < n; i++) {
        knocks[i].host = g_ptr_array_index(hosts->hosts, i);
        knocks[i].call = check->call;
        knocks[i].started = pthread_create(&knocks[i].thread, NULL, knock, &knocks[i]) == 0;
        if (!knocks[i].started) /* no room for another thread: then in this one */
            knock(&knocks[i]);
    }
    for (guint i = 0; i < n; i++)
        if (knocks[i].started)
            pthread_join(knocks[i].thread, NULL);
    judge_hosts(check->section, knocks, n);
    for (guint i = 0; i < n; i++)
        g_free(knocks[i].error);
}

static void fail_look_up(const struct mongo_check *check, const struct mongo_hosts *hosts, const GError *error)
{
    g_autofree char *why = connection_words(error);

    section_fail(check->section, "mongodb", "Check the name in MONGO_URI, and this machine's name resolution.",
                 "MongoDB's hosts cannot be looked up (SRV record of _mongodb._tcp.%s): %s.",
                 (const char *)g_ptr_array_index(hosts->hosts, 0), why);
}

static void check_run(void *data)
{
    struct mongo_check *check = data;
    struct mongo_hosts hosts;
    g_autoptr(GError) error = NULL;

    if (!mongo_hosts_parse(check->uri, &hosts))
        section_fail(check->section, "mongodb",
                     "Write it as mongodb://USER:PASSWORD@HOST:PORT,HOST:PORT/?OPTIONS, with every : / ? # [ ] @ of "
                     "user and password percent-encoded.",
                     "MONGO_URI names no hosts that can be read.");
    else if (hosts.by_service && !look_up_service(check, &hosts, &error))
        fail_look_up(check, &hosts, error);
    else
        knock_at_all(check, &hosts);
    mongo_hosts_clear(&hosts);
}

const struct task_kind mongo_check_kind = {
    .limit_s = CONNECTION_LIMIT_S, .run = check_run, .stop = check_stop, .free = check_free};
