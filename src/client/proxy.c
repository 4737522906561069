/* proxy - which proxy libcurl would take by the environment, for telling people: libcurl itself only uses it.
 *
 * Source: libcurl, "CURLOPT_PROXY" and "CURLOPT_NOPROXY", section "environment variables"; a variable that is empty
 * counts as none. */
#include <arpa/inet.h>
#include <string.h>

#include "client/client.h"
#include "client/link.h"

/* The first of these variables that says something; NULL: none does. */
static const char *first_set(const char *const *names)
{
    for (; *names; names++) {
        const char *value = g_getenv(*names);
        if (value && *value)
            return value;
    }
    return NULL;
}

/* True when the IPv4 address `host` is `wanted`, or lies in the network "wanted/bits". */
static bool address_matches(const char *host, const char *wanted)
{
    const char *slash = strchr(wanted, '/');
    g_autofree char *network = slash ? g_strndup(wanted, (size_t)(slash - wanted)) : g_strdup(wanted);
    guint64 bits = slash ? g_ascii_strtoull(slash + 1, NULL, 10) : 0;
    struct in_addr a, b;

    if (bits > 32 || inet_pton(AF_INET, host, &a) != 1 || inet_pton(AF_INET, network, &b) != 1)
        return false;
    uint32_t mask = bits == 0 ? UINT32_MAX : UINT32_MAX << (32 - bits); /* none or 0: the whole address */
    return ((ntohl(a.s_addr) ^ ntohl(b.s_addr)) & mask) == 0;
}

/* `name` without a dot at its end. Returned: g_free. */
static char *without_end_dot(const char *name)
{
    size_t length = strlen(name);

    return g_strndup(name, length > 0 && name[length - 1] == '.' ? length - 1 : length);
}

/* True when a host is `wanted`, or a name below it; a dot before or after it does not matter. */
static bool name_matches(const char *host, const char *wanted)
{
    g_autofree char *full = without_end_dot(host), *name = without_end_dot(wanted[0] == '.' ? wanted + 1 : wanted);
    size_t full_length = strlen(full), length = strlen(name);

    if (length == 0 || length > full_length || g_ascii_strcasecmp(full + full_length - length, name) != 0)
        return false;
    return length == full_length || full[full_length - length - 1] == '.';
}

/* IPv6 addresses are compared as they are written: libcurl 7.88 takes them for names here. */
static bool is_excepted(const char *host)
{
    static const char *const names[] = {"no_proxy", "NO_PROXY", NULL};
    const char *list = first_set(names);
    struct in_addr address;

    if (!list)
        return false;
    if (g_str_equal(list, "*"))
        return true;
    bool is_address = inet_pton(AF_INET, host, &address) == 1;
    g_auto(GStrv) entries = g_strsplit_set(list, ", \t", -1);
    for (int i = 0; entries[i]; i++)
        if (is_address ? address_matches(host, entries[i]) : name_matches(host, entries[i]))
            return true;
    return false;
}

/* "http://user:word@proxy.example:3128/" as "http://proxy.example:3128". Returned: g_free. */
static char *without_credentials(const char *proxy)
{
    const char *scheme_end = strstr(proxy, "://");
    size_t scheme_length = scheme_end ? (size_t)(scheme_end - proxy) + strlen("://") : 0;
    /* The last one of the whole text: a password that was not encoded may hold anything. */
    const char *at = strrchr(proxy + scheme_length, '@');
    const char *host = at ? at + 1 : proxy + scheme_length;

    return g_strdup_printf("%.*s%.*s", (int)scheme_length, proxy, (int)strcspn(host, "/?#"), host);
}

char *client_proxy(const char *url)
{
    static const char *const names[] = {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", NULL};
    const char *proxy = link_is_plain(url) ? NULL : first_set(names);
    g_autoptr(GUri) parts = proxy ? g_uri_parse(url, G_URI_FLAGS_NONE, NULL) : NULL;
    const char *host = parts ? g_uri_get_host(parts) : NULL;

    if (!host || is_excepted(host))
        return NULL;
    return without_credentials(proxy);
}
