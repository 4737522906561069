#include "client/link.h"

#include <string.h>

#include "base/hash.h"
#include "client/failure.h"

/* Where a URL leads. The parts point into it. */
struct origin {
    bool tls;
    const char *host; /* an IPv6 address keeps its brackets */
    size_t host_length;
    unsigned port;
};

/* Reads the digits of a port; 0 when they are none. */
static unsigned read_port(const char *digits, size_t length)
{
    unsigned port = 0;

    if (length > 5)
        return 0;
    for (size_t i = 0; i < length; i++) {
        if (!g_ascii_isdigit(digits[i]))
            return 0;
        port = port * 10 + (unsigned)(digits[i] - '0');
    }
    return port <= 65535 ? port : 0;
}

/* False when `url` is not scheme://host[:port] and then path or query, or has a user name. Byte for byte, with no
 * decoding: whatever needs decoding before its host can be told is refused. */
static bool read_origin(const char *url, struct origin *origin)
{
    if (g_ascii_strncasecmp(url, "https://", 8) == 0)
        origin->tls = true;
    else if (g_ascii_strncasecmp(url, "http://", 7) == 0)
        origin->tls = false;
    else
        return false;

    const char *authority = url + (origin->tls ? 8 : 7);
    size_t length = strcspn(authority, "/?#");
    if (memchr(authority, '@', length) || memchr(authority, '%', length))
        return false;

    const char *bracket = authority[0] == '[' ? memchr(authority, ']', length) : NULL;
    if (authority[0] == '[' && !bracket)
        return false;
    const char *after = bracket ? bracket + 1 : authority;
    const char *colon = memchr(after, ':', length - (size_t)(after - authority));
    origin->host = authority;
    origin->host_length = colon ? (size_t)(colon - authority) : length;
    if (bracket && origin->host + origin->host_length != bracket + 1)
        return false;
    origin->port = origin->tls ? 443 : 80;
    if (colon && colon + 1 < authority + length)
        origin->port = read_port(colon + 1, length - (size_t)(colon + 1 - authority));
    return origin->host_length > 0 && origin->port != 0;
}

static bool same_origin(const struct origin *a, const struct origin *b)
{
    return a->tls == b->tls && a->port == b->port && a->host_length == b->host_length &&
           g_ascii_strncasecmp(a->host, b->host, a->host_length) == 0;
}

/* This machine itself: what is sent there in the clear is seen by nobody. Addresses only by their full form, so that
 * 127.evil.test is not one. */
static bool is_loopback(const struct origin *origin)
{
    g_autofree char *host = g_ascii_strdown(origin->host, (gssize)origin->host_length);

    if (g_str_equal(host, "localhost") || g_str_equal(host, "[::1]"))
        return true;
    return g_str_has_prefix(host, "127.") && g_hostname_is_ip_address(host);
}

/* Bytes that some parser between here and the socket might read otherwise than we do. */
static bool has_unsafe_bytes(const char *url)
{
    for (const char *p = url; *p; p++)
        if ((unsigned char)*p <= 0x20 || *p == 0x7f || *p == '\\')
            return true;
    return false;
}

static struct client_failure *refuse(enum client_verdict verdict, const char *code, const char *why, const char *url)
{
    g_autofree char *shown = link_without_query(url);
    g_autofree char *message = g_strdup_printf("The link \"%.120s\" was not followed: %s.", shown, why);
    struct client_failure *failure = failure_new(verdict, 0, code, message);

    failure->hint = failure_hint(verdict, code, NULL, NULL);
    return failure;
}

struct client_failure *link_judge(const char *base_url, const char *url)
{
    struct origin base, target;

    if (has_unsafe_bytes(url))
        return refuse(CLIENT_SECURITY, "unsafe_link", "it holds blanks, control characters or a backslash", url);
    if (url[0] != '/' && !strstr(url, "://"))
        return refuse(CLIENT_LINK, "relative_link", "it is not an absolute URL", url);
    if (url[0] == '/' && url[1] != '/')
        return refuse(CLIENT_LINK, "relative_link", "it is not an absolute URL", url);
    if (!read_origin(base_url, &base))
        return refuse(CLIENT_SECURITY, "bad_base_url", "the configured service URL is no plain https URL", url);
    if (!read_origin(url, &target))
        return refuse(CLIENT_SECURITY, "unsafe_link", "it is no plain https URL (or it carries a user name)", url);
    if (!same_origin(&base, &target))
        return refuse(CLIENT_SECURITY, "foreign_link",
                      "it leads to another host, port or scheme than the configured one", url);
    if (!target.tls && !is_loopback(&target))
        return refuse(CLIENT_SECURITY, "plain_http",
                      "http is allowed to this machine only, and the token would travel unprotected", url);
    if (strchr(url, '#'))
        return refuse(CLIENT_LINK, "broken_link", "it has a fragment, which cannot be sent", url);
    return NULL;
}

bool link_is_plain(const char *url)
{
    return g_ascii_strncasecmp(url, "https://", 8) != 0;
}

char *link_without_query(const char *url)
{
    return g_strndup(url, strcspn(url, "?#"));
}

/* --- chains ------------------------------------------------------------------------------------------------------- */

struct client_chain {
    char *base_url;
    GHashTable *seen; /* of HASH_KEY_BYTES each: a chain of long links stays small */
};

static guint link_hash(gconstpointer key)
{
    guint hash;

    memcpy(&hash, key, sizeof hash);
    return hash;
}

static gboolean link_equal(gconstpointer a, gconstpointer b)
{
    return memcmp(a, b, HASH_KEY_BYTES) == 0;
}

struct client_chain *client_chain_new(const char *base_url)
{
    struct client_chain *chain = g_new0(struct client_chain, 1);

    chain->base_url = g_strdup(base_url);
    chain->seen = g_hash_table_new_full(link_hash, link_equal, g_free, NULL);
    return chain;
}

void client_chain_free(struct client_chain *chain)
{
    if (!chain)
        return;
    g_hash_table_unref(chain->seen);
    g_free(chain->base_url);
    g_free(chain);
}

/* True when one query parameter makes the service start again at page 1: an empty skip token, or a skip of nothing. */
static bool parameter_restarts(const char *parameter, size_t length)
{
    const char *equals = memchr(parameter, '=', length);
    size_t name_length = equals ? (size_t)(equals - parameter) : length;
    size_t value_length = equals ? length - name_length - 1 : 0;
    g_autofree char *name = g_ascii_strdown(parameter, (gssize)name_length);
    const char *bare = g_str_has_prefix(name, "$") ? name + 1 : g_str_has_prefix(name, "%24") ? name + 3 : name;

    if (g_str_equal(bare, "skiptoken"))
        return value_length == 0;
    if (g_str_equal(bare, "skip") && bare != name)
        return value_length == 0 || (value_length == 1 && equals[1] == '0');
    return false;
}

static bool link_restarts(const char *link)
{
    const char *query = strchr(link, '?');

    while (query) {
        const char *parameter = query + 1;
        query = strchr(parameter, '&');
        if (parameter_restarts(parameter, query ? (size_t)(query - parameter) : strlen(parameter)))
            return true;
    }
    return false;
}

struct client_failure *client_chain_follow(struct client_chain *chain, const char *link)
{
    struct client_failure *failure = link_judge(chain->base_url, link);

    if (failure)
        return failure;
    if (link_restarts(link))
        return refuse(CLIENT_LINK, "empty_skip_token",
                      "its skip token is empty, so it would start again at the first page", link);
    if (g_hash_table_size(chain->seen) >= LINK_PAGES_MAX)
        return refuse(CLIENT_LINK, "too_many_pages", "this chain already has 100,000 pages, more than any honest one",
                      link);

    uint8_t *key = g_malloc(HASH_KEY_BYTES);
    hash_key(&link, 1, key);
    if (!g_hash_table_add(chain->seen, key))
        return refuse(CLIENT_LINK, "link_loop", "this chain has followed it before, so the pages go round in a circle",
                      link);
    return NULL;
}
