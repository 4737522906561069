#include "config/check.h"

#include <arpa/inet.h>
#include <glib.h>
#include <string.h>

enum { CUSTOMER_MAX = 100 };

bool check_is_guid(const char *value)
{
    return g_uuid_string_is_valid(value);
}

static bool has_control(const char *value)
{
    for (const unsigned char *p = (const unsigned char *)value; *p != '\0'; p++)
        if (*p < 0x20 || *p == 0x7f)
            return true;
    return false;
}

static bool has_outer_blanks(const char *value)
{
    return g_ascii_isspace(value[0]) || (value[0] != '\0' && g_ascii_isspace(value[strlen(value) - 1]));
}

/* docker run --env-file, unlike compose, hands quotes on. */
static bool is_quoted(const char *value)
{
    size_t length = strlen(value);
    return length >= 2 && (value[0] == '"' || value[0] == '\'') && value[length - 1] == value[0];
}

/* What can be wrong with any of them. */
static const char *check_form(const char *value)
{
    if (has_outer_blanks(value))
        return "has blanks around it: remove them";
    if (is_quoted(value))
        return "still has its quotes around it: remove them, the file's reader takes them literally";
    if (has_control(value))
        return "holds a line break or another control character: copy it again";
    return NULL;
}

/* The sign-in service would take a verified domain too. But records are kept by tenant, and one that is named by its
 * domain today and by its GUID tomorrow would be two, with every record doubled. */
const char *check_tenant_id(const char *value)
{
    const char *fault = check_form(value);

    if (fault != NULL || check_is_guid(value))
        return fault;
    if (g_ascii_strcasecmp(value, "common") == 0 || g_ascii_strcasecmp(value, "organizations") == 0 ||
        g_ascii_strcasecmp(value, "consumers") == 0)
        return "names no tenant of its own: an app that signs in by itself needs the directory (tenant) ID";
    return "is not a GUID (a domain name is not enough): copy the ID from the Entra portal, Overview, Tenant ID";
}

const char *check_client_id(const char *value)
{
    const char *fault = check_form(value);

    if (fault == NULL && !check_is_guid(value))
        fault = "is not a GUID: copy the application (client) ID from the app registration's overview";
    return fault;
}

const char *check_client_secret(const char *value)
{
    return check_form(value);
}

const char *check_customer(const char *value)
{
    if (has_outer_blanks(value) || has_control(value) || !g_utf8_validate(value, -1, NULL))
        return "must be a name in UTF-8, without blanks around it and without control characters";
    if (strlen(value) > CUSTOMER_MAX)
        return "is too long: a name has at most 100 bytes";
    if (g_ascii_strcasecmp(value, "all") == 0)
        return "cannot be \"all\", which stands for every customer";
    return NULL;
}

const char *check_timezone(const char *value)
{
    GTimeZone *zone = g_time_zone_new_identifier(value);

    if (zone == NULL)
        return "is no time zone that this machine knows: write a name such as Europe/Warsaw or UTC (the package tzdata "
               "holds "
               "them)";
    g_time_zone_unref(zone);
    return NULL;
}

static bool is_loopback(const char *host)
{
    struct in_addr v4;
    struct in6_addr v6;

    if (inet_pton(AF_INET, host, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    if (inet_pton(AF_INET6, host, &v6) == 1)
        return IN6_IS_ADDR_LOOPBACK(&v6);
    return g_ascii_strcasecmp(host, "localhost") == 0;
}

/* What is wrong with a URL that could be parsed, its path without slashes at the end. */
static const char *check_url_parts(GUri *uri, const char *path)
{
    const char *scheme = g_uri_get_scheme(uri), *host = g_uri_get_host(uri);

    if (strcmp(scheme, "https") != 0 && strcmp(scheme, "http") != 0)
        return "must begin with https://";
    if (host == NULL || *host == '\0')
        return "names no host";
    if (strcmp(scheme, "http") == 0 && !is_loopback(host))
        return "must begin with https://: tokens and secrets go there; http:// is only for 127.0.0.0/8, ::1 and "
               "localhost";
    if (g_uri_get_userinfo(uri) != NULL)
        return "must not hold a user name or password";
    if (g_uri_get_query(uri) != NULL || g_uri_get_fragment(uri) != NULL)
        return "must not hold a ? or a #: only the base of the URLs is wanted";
    if (g_str_has_suffix(path, "/v1.0") || g_str_has_suffix(path, "/beta"))
        return "must end before the API's version, which is added by the program";
    return NULL;
}

char *check_base_url(const char *value, const char **fault)
{
    *fault = NULL;
    for (const unsigned char *p = (const unsigned char *)value; *p != '\0'; p++)
        if (*p <= 0x20 || *p >= 0x7f || *p == '\\')
            *fault = "holds a blank, a backslash or a character beyond ASCII, which no URL may";
    g_autoptr(GUri) uri = *fault == NULL ? g_uri_parse(value, G_URI_FLAGS_NONE, NULL) : NULL;
    if (uri == NULL) {
        if (*fault == NULL)
            *fault = "is no URL: write something like https://host.example";
        return NULL;
    }
    g_autofree char *path = g_strdup(g_uri_get_path(uri));
    for (size_t length = strlen(path); length > 0 && path[length - 1] == '/'; length--)
        path[length - 1] = '\0';
    *fault = check_url_parts(uri, path);
    if (*fault != NULL)
        return NULL;
    g_autofree char *host = g_ascii_strdown(g_uri_get_host(uri), -1);
    return g_uri_join(G_URI_FLAGS_NONE, g_uri_get_scheme(uri), NULL, host, g_uri_get_port(uri), path, NULL, NULL);
}
