/* The rule that a token goes to the configured host and nowhere else, over any bytes. The first byte picks the base
 * URL; the rest is the links of one chain, each ended by a NUL. What is checked beyond the sanitizers:
 *
 * - what is accepted has scheme, host and port of the base for two independent readers (libcurl's and GLib's), has no
 *   user name, and travels protected or stays on this machine;
 * - what is accepted once is a loop the second time;
 * - a refusal is a security error or a broken link, in clean words without the link's query. */
#include <curl/curl.h>
#include <stdint.h>
#include <string.h>

#include "client/client.h"
#include "client/failure.h"
#include "client/link.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const bases[] = {
    "https://graph.microsoft.com",
    "https://GRAPH.microsoft.com:443/",
    "http://127.0.0.1:8099",
    "http://[::1]:80",
    "https://[2001:db8::1]:8443/root?q=1",
    "http://localhost",
    "https://192.0.2.1",
    "https://graph.microsoft.us:65535",
    "https://example.org:0443",
    "http://graph.microsoft.com",
    "https://user@graph.microsoft.com",
    "graph.microsoft.com",
    "https://microsoftgraph.xn--x",
    "http://127.1:8099",
};

/* --- independent readers ------------------------------------------------------------------------------------------ */

struct place {
    char *scheme, *host, *user;
    int port;
};

static void place_clear(struct place *place)
{
    g_free(place->scheme);
    g_free(place->host);
    g_free(place->user);
    *place = (struct place){0};
}

static char *take_part(CURLU *reader, CURLUPart part, unsigned flags)
{
    char *text = NULL;
    char *copy = curl_url_get(reader, part, &text, flags) == CURLUE_OK ? g_strdup(text) : NULL;

    curl_free(text);
    return copy;
}

static bool read_by_curl(const char *url, struct place *place)
{
    CURLU *reader = curl_url();
    bool good = curl_url_set(reader, CURLUPART_URL, url, 0) == CURLUE_OK;

    if (good) {
        g_autofree char *port = take_part(reader, CURLUPART_PORT, CURLU_DEFAULT_PORT);
        place->scheme = take_part(reader, CURLUPART_SCHEME, 0);
        place->host = take_part(reader, CURLUPART_HOST, 0);
        place->user = take_part(reader, CURLUPART_USER, 0);
        place->port = (int)g_ascii_strtoll(port, NULL, 10);
    }
    curl_url_cleanup(reader);
    return good;
}

static bool read_by_glib(const char *url, struct place *place)
{
    g_autoptr(GUri) uri = g_uri_parse(url, G_URI_FLAGS_NONE, NULL);

    if (!uri || !g_uri_get_host(uri))
        return false;
    place->scheme = g_strdup(g_uri_get_scheme(uri));
    place->host = g_strdup(g_uri_get_host(uri));
    place->user = g_strdup(g_uri_get_userinfo(uri));
    place->port = g_uri_get_port(uri);
    if (place->port == -1)
        place->port = g_ascii_strcasecmp(place->scheme, "https") == 0 ? 443 : 80;
    return true;
}

static void check_same_place(bool (*read)(const char *url, struct place *place), const char *base, const char *link)
{
    struct place wanted = {0}, got = {0};

    if (read(base, &wanted) && read(link, &got)) {
        g_assert(g_ascii_strcasecmp(wanted.scheme, got.scheme) == 0);
        g_assert(g_ascii_strcasecmp(wanted.host, got.host) == 0);
        g_assert(wanted.port == got.port);
        g_assert(got.user == NULL);
    }
    place_clear(&wanted);
    place_clear(&got);
}

/* --- what is judged ----------------------------------------------------------------------------------------------- */

static bool is_this_machine(const char *link)
{
    static const char *const prefixes[] = {"http://127.", "http://[::1]", "http://localhost"};

    for (size_t i = 0; i < G_N_ELEMENTS(prefixes); i++)
        if (g_ascii_strncasecmp(link, prefixes[i], strlen(prefixes[i])) == 0)
            return true;
    return false;
}

static void check_accepted(const char *base, const char *link)
{
    check_same_place(read_by_curl, base, link);
    check_same_place(read_by_glib, base, link);
    g_assert(g_ascii_strncasecmp(link, "https://", 8) == 0 || is_this_machine(link));
    for (const char *p = link; *p; p++)
        g_assert((unsigned char)*p > ' ' && *p != 0x7f && *p != '\\' && *p != '#');
}

static void check_refused(const struct client_failure *failure, const char *link)
{
    const char *query = strpbrk(link, "?#");

    g_assert(failure->verdict == CLIENT_SECURITY || failure->verdict == CLIENT_LINK);
    g_assert(failure->code && failure->message && strlen(failure->message) <= FAILURE_MESSAGE_BYTES);
    g_assert(g_utf8_validate(failure->message, -1, NULL));
    for (const char *p = failure->message; *p; p++)
        g_assert((unsigned char)*p >= ' ' && *p != 0x7f);
    g_assert(!query || strlen(query) < 40 || !strstr(failure->message, query));
}

static void check_link(struct client_chain *chain, const char *base, const char *link)
{
    struct client_failure *failure = client_chain_follow(chain, link);
    bool accepted = failure == NULL;

    if (accepted)
        check_accepted(base, link);
    else
        check_refused(failure, link);
    client_failure_free(failure);
    failure = client_chain_follow(chain, link);
    g_assert(failure != NULL && (!accepted || g_str_equal(failure->code, "link_loop")));
    client_failure_free(failure);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    const char *base = bases[data[0] % G_N_ELEMENTS(bases)];
    struct client_chain *chain = client_chain_new(base);

    for (size_t at = 1; at < size;) {
        g_autofree char *link = g_strndup((const char *)data + at, size - at);
        check_link(chain, base, link);
        at += strlen(link) + 1;
    }
    client_chain_free(chain);
    return 0;
}
