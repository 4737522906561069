/* proxy - which proxy libcurl would take by the environment, for telling people: libcurl itself only uses it.
 *
 * Source: libcurl, "CURLOPT_PROXY" and "CURLOPT_NOPROXY", section "environment variables"; a variable that is empty
 * counts as none. */
#include <arpa/inet.h>
#include <string.h>

#include "base/text.h"
#include "client/client.h"
#include "client/failure.h"
#include "client/link.h"
#include "client/proxy.h"

/* The name of the first of these variables that says something; NULL: none does. */
static const char *first_set(const char *const *names)
{
    for (; *names; names++) {
        const char *value = g_getenv(*names);
        if (value && *value)
            return *names;
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
    const char *variable = first_set(names), *list = variable ? g_getenv(variable) : NULL;
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

/* The name of the variable whose proxy a request to `url` goes through; NULL: it goes through none. */
static const char *taken_variable(const char *url)
{
    static const char *const names[] = {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", NULL};
    const char *variable = link_is_plain(url) ? NULL : first_set(names);
    g_autoptr(GUri) parts = variable ? g_uri_parse(url, G_URI_FLAGS_NONE, NULL) : NULL;
    const char *host = parts ? g_uri_get_host(parts) : NULL;

    return host && !is_excepted(host) ? variable : NULL;
}

/* --- what a variable holds ---------------------------------------------------------------------------------------- */

/* What follows the scheme, or all of it where there is none; NULL: a scheme that libcurl has no proxies of. */
static const char *after_scheme(const char *proxy)
{
    static const char *const schemes[] = {"http", "https", "socks4", "socks4a", "socks5", "socks5h"};
    const char *end = strstr(proxy, "://");

    if (!end)
        return proxy;
    for (size_t i = 0; i < G_N_ELEMENTS(schemes); i++)
        if (strlen(schemes[i]) == (size_t)(end - proxy) &&
            g_ascii_strncasecmp(proxy, schemes[i], strlen(schemes[i])) == 0)
            return end + strlen("://");
    return NULL;
}

static bool has_bad_bytes(const char *proxy)
{
    for (; *proxy; proxy++) {
        /* A control character in a password, though encoded, makes libcurl send without the proxy. */
        bool encoded_control = proxy[0] == '%' && (proxy[1] == '0' || proxy[1] == '1') && g_ascii_isxdigit(proxy[2]);
        if ((guchar)*proxy <= ' ' || *proxy == 0x7f || encoded_control)
            return true;
    }
    return false;
}

/* "", ":" or ":3128", which all libcurl takes. */
static bool is_port(const char *text)
{
    size_t digits = text[0] == ':' ? strspn(text + 1, "0123456789") : 0;

    if (text[0] == '\0' || g_str_equal(text, ":"))
        return true;
    guint64 port = digits > 0 && digits <= 5 && text[1 + digits] == '\0' ? g_ascii_strtoull(text + 1, NULL, 10) : 0;
    return port > 0 && port <= UINT16_MAX;
}

static bool is_host_and_port(const char *text)
{
    size_t length = strcspn(text, ":!{}[]\\$'\"^`*<>=;,");

    if (text[0] == '[') {
        length = 1 + strspn(text + 1, "0123456789abcdefABCDEF:.");
        if (text[length] == '%') /* a zone */
            length += strcspn(text + length, "]");
        return length > 1 && text[length] == ']' && is_port(text + length + 1);
    }
    return length > 0 && is_port(text + length);
}

/* True for [scheme://][user[:password]@]host[:port][/...], which can be read in one way only. */
static bool is_usable(const char *proxy)
{
    const char *authority = after_scheme(proxy);

    if (!authority || has_bad_bytes(proxy))
        return false;
    size_t length = strcspn(authority, "/?#");
    g_autofree char *server = g_strndup(authority, length);
    const char *at = strchr(server, '@');
    bool usable =
        !strchr(authority + length, '@') && !(at && strchr(at + 1, '@')) && is_host_and_port(at ? at + 1 : server);

    explicit_bzero(server, length);
    return usable;
}

/* "http://user:word@proxy.example:3128/", which can be used, as "http://proxy.example:3128". Returned: g_free. */
static char *without_credentials(const char *proxy)
{
    const char *authority = after_scheme(proxy);
    const char *at = strchr(authority, '@');
    const char *host = at ? at + 1 : authority;

    return g_strdup_printf("%.*s%.*s", (int)(authority - proxy), proxy, (int)strcspn(host, "/?#"), host);
}

/* --- what is told ------------------------------------------------------------------------------------------------- */

char *client_proxy(const char *url)
{
    const char *variable = taken_variable(url), *proxy = variable ? g_getenv(variable) : NULL;

    if (!proxy)
        return NULL;
    /* Where a part may be mistaken for another, the host may be a password. */
    return is_usable(proxy) ? without_credentials(proxy) : g_strdup_printf("that %s names", variable);
}

char *proxy_complaint(const char *url)
{
    const char *variable = taken_variable(url);

    if (!variable || is_usable(g_getenv(variable)))
        return NULL;
    return g_strdup_printf("%s is no proxy that can be used: write http://HOST:PORT or http://USER:PASSWORD@HOST:PORT; "
                           "a password's special characters are percent-encoded.",
                           variable);
}

void proxy_redact(char **text)
{
    static const char *const names[] = {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "http_proxy"};

    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        const char *proxy = g_getenv(names[i]), *at = proxy ? strrchr(proxy, '@') : NULL;
        if (proxy && (at || !is_usable(proxy)))
            failure_redact(text, proxy);
        if (!at)
            continue;
        const char *scheme_end = strstr(proxy, "://");
        const char *from = scheme_end && scheme_end < at ? scheme_end + strlen("://") : proxy;
        char *credentials = g_strndup(from, (size_t)(at - from)), *colon = strchr(credentials, ':');
        char *password = colon ? g_uri_unescape_string(colon + 1, NULL) : NULL; /* NULL: badly encoded */
        failure_redact(text, credentials);
        failure_redact(text, colon ? colon + 1 : NULL);
        failure_redact(text, password);
        text_free_secret(credentials);
        text_free_secret(password);
    }
}
