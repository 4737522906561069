#include "config/check.h"

#include <arpa/inet.h>
#include <glib.h>
#include <string.h>

enum { CUSTOMER_MAX = 100, VARIABLE_MAX = 64, STATUS_MAX = 64 };

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

/* --- mail --------------------------------------------------------------------------------------------------------- */

/* A sanity check, not RFC 5322: what it lets through the mail server may still refuse. */
static bool is_bare_address(const char *text, size_t length)
{
    const char *end = text + length, *at = memchr(text, '@', length);

    if (at == NULL || at == text || at - text > 64 || end - at < 2 || length > 254 || at[1] == '.' || at[1] == '-' ||
        end[-1] == '.')
        return false;
    for (const char *p = text; p < end; p++)
        if ((unsigned char)*p <= 0x20 || *p == 0x7f || strchr("<>()[],;:\\\"", *p) != NULL || (*p == '@' && p != at))
            return false;
    return true;
}

const char *check_address(const char *value)
{
    const char *open = strrchr(value, '<'), *at = strrchr(value, '@');
    size_t length = strlen(value);

    if (has_outer_blanks(value) || has_control(value) || !g_utf8_validate(value, -1, NULL))
        return "must be an address without blanks around it and without control characters";
    for (const char *p = open != NULL ? open : value; at != NULL && p < at; p++)
        if ((unsigned char)*p >= 0x80)
            return "has letters beyond ASCII before the @, which need SMTPUTF8; the mail library does not speak it";
    if (open == NULL ? is_bare_address(value, length)
                     : value[length - 1] == '>' && is_bare_address(open + 1, length - (size_t)(open - value) - 2))
        return NULL;
    return "is no mail address: write desk@example.org, or Health desk <desk@example.org>; several addresses are "
           "entries of a list";
}

const char *check_subject(const char *value)
{
    static const char *const names[] = {"{customer}", "{from}", "{to}"};

    if (has_control(value) || !g_utf8_validate(value, -1, NULL))
        return "must be one line of text in UTF-8";
    for (const char *brace = strchr(value, '{'); brace != NULL; brace = strchr(brace + 1, '{')) {
        size_t i = 0;
        while (i < G_N_ELEMENTS(names) && !g_str_has_prefix(brace, names[i]))
            i++;
        if (i == G_N_ELEMENTS(names))
            return "holds braces around something that is not known: {customer}, {from} and {to} are replaced";
    }
    return NULL;
}

const char *check_signature(const char *value)
{
    if (strchr(value, '<') != NULL || has_control(value))
        return "must be the path of a file with the signature, not the signature itself";
    return NULL;
}

const char *check_status(const char *value)
{
    for (const char *p = value; *p != '\0'; p++)
        if ((!g_ascii_isalnum(*p) && *p != '_' && *p != '-') || p - value >= STATUS_MAX)
            return "must be a status as Microsoft names them: letters, digits, _ and -, at most 64";
    return *value != '\0' ? NULL : "is empty: give it a value, or take it out";
}

/* --- hosts and URLs ----------------------------------------------------------------------------------------------- */

const char *check_line(const char *value)
{
    return has_outer_blanks(value) || has_control(value) || !g_utf8_validate(value, -1, NULL)
               ? "must be one line of text in UTF-8, without blanks around it"
               : NULL;
}

const char *check_variable(const char *value)
{
    if (!g_ascii_isalpha(*value) && *value != '_')
        return "must be the name of an environment variable (letters, digits and _; no digit first), which holds the "
               "credentials; they never stand in this file themselves";
    for (const char *p = value; *p != '\0'; p++)
        if ((!g_ascii_isalnum(*p) && *p != '_') || p - value >= VARIABLE_MAX)
            return "must be the name of an environment variable (letters, digits and _, at most 64), which holds the "
                   "credentials; they never stand in this file themselves";
    return NULL;
}

static bool is_host(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (!g_ascii_isalnum(text[i]) && strchr("-._", text[i]) == NULL)
            return false;
    return length > 0 && length <= 253;
}

const char *check_host(const char *value)
{
    struct in6_addr v6;

    return is_host(value, strlen(value)) || inet_pton(AF_INET6, value, &v6) == 1
               ? NULL
               : "must be the name or address of a host, without a port";
}

const char *check_listen(const char *value)
{
    static const char fault[] = "must be an address and a port, such as 127.0.0.1:8000 or [::1]:8000";
    const char *colon = strrchr(value, ':');
    struct in6_addr v6;
    gint64 port;

    if (colon == NULL || !g_ascii_string_to_signed(colon + 1, 10, 0, 65535, &port, NULL))
        return fault;
    g_autofree char *host = g_strndup(value, (size_t)(colon - value));
    size_t length = strlen(host);
    if (length > 2 && host[0] == '[' && host[length - 1] == ']') {
        host[length - 1] = '\0';
        return inet_pton(AF_INET6, host + 1, &v6) == 1 ? NULL : fault;
    }
    return is_host(host, length) ? NULL : fault;
}

const char *check_mongo_uri(const char *value)
{
    if (!g_str_has_prefix(value, "mongodb://") && !g_str_has_prefix(value, "mongodb+srv://"))
        return "must begin with mongodb:// or mongodb+srv://";
    return check_form(value);
}

/* MongoDB's manual, "Naming Restrictions": the stricter set of characters, that of Windows, works on every server. */
const char *check_mongo_database(const char *value)
{
    return strlen(value) > 63 || strpbrk(value, "/\\. \"$*<>:|?") != NULL || has_control(value)
               ? "must be the name of a database: at most 63 bytes, none of them a blank or one of / \\ . \" $ * < > : "
                 "| "
                 "?"
               : NULL;
}

/* --- certificates ------------------------------------------------------------------------------------------------- */

const char *check_certificate(const char *value)
{
    bool certificate = strstr(value, "-----BEGIN CERTIFICATE-----") != NULL ||
                       strstr(value, "-----BEGIN X509 CERTIFICATE-----") != NULL;
    const char *key = strstr(value, "PRIVATE KEY-----");

    if (strstr(value, "-----BEGIN ENCRYPTED PRIVATE KEY-----") != NULL ||
        strstr(value, "Proc-Type: 4,ENCRYPTED") != NULL)
        return "holds a private key that is encrypted, which nobody is there to give the passphrase for: write it out "
               "with openssl pkey -in FILE -out NEW_FILE, and keep the new file readable by its owner only";
    if (!certificate && key == NULL)
        return "is no PEM text with a certificate and its private key; a .pfx or .p12 file becomes one with: openssl "
               "pkcs12 -in FILE -out NEW_FILE -nodes";
    if (!certificate)
        return "holds a private key, but no certificate (-----BEGIN CERTIFICATE-----): put both into one file";
    if (key == NULL)
        return "holds a certificate, but no private key (-----BEGIN PRIVATE KEY-----): put both into one file";
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
