#include "config/credentials.h"

#include <string.h>

#include "base/base.h"
#include "config/check.h"
#include "config/settings.h"

/* What makes an app registration usable: under our name, and the first three also under the plain one that other
 * programs use. The last two exclude each other. */
enum credential { TENANT_ID, CLIENT_ID, CLIENT_SECRET, CERTIFICATE, CREDENTIALS };
static const char *const credential_keys[CREDENTIALS][2] = {
    {"GRAPH_TENANT_ID", "TENANT_ID"},
    {"GRAPH_CLIENT_ID", "CLIENT_ID"},
    {"GRAPH_CLIENT_SECRET", "CLIENT_SECRET"},
    {"GRAPH_CLIENT_CERTIFICATE", NULL},
};

typedef struct credentials {
    char *value[CREDENTIALS]; /* NULL: not given */
    char *where[CREDENTIALS];
    const char *key[CREDENTIALS]; /* the name it was found under, else ours */
    bool empty[CREDENTIALS];      /* set, but empty */
} Credentials;

static void credentials_clear(struct credentials *credentials)
{
    for (int i = 0; i < CREDENTIALS; i++) {
        text_free_secret(credentials->value[i]);
        g_free(credentials->where[i]);
    }
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Credentials, credentials_clear)

static void warn_of_secret_id(const char *secret, const char *key, const char *where)
{
    if (!check_is_guid(secret))
        return;
    g_autofree char *message =
        g_strdup_printf("%s (from %s) has the form of a GUID: that looks like the secret's ID, where its value is "
                        "needed. The portal shows the value only once; if it is lost, make a new secret.",
                        key, where);
    log_write(LOG_LEVEL_WARN, message, NULL);
}

/* --- certificates ------------------------------------------------------------------------------------------------- */

/* PEM text that went through a place where a value is one line has \n for its line breaks. */
static char *restore_lines(const char *pem)
{
    if (strchr(pem, '\n') != NULL || strstr(pem, "\\n") == NULL)
        return g_strdup(pem);
    char **parts = g_strsplit(pem, "\\n", -1);
    char *joined = g_strjoinv("\n", parts);
    for (char **part = parts; *part != NULL; part++)
        explicit_bzero(*part, strlen(*part));
    g_strfreev(parts);
    return joined;
}

/* What GRAPH_CLIENT_CERTIFICATE itself says: PEM text or a path. The path is not shown: it may be a secret. */
static char *certificate_by_value(const struct environment *environment, const char *value, const char *where,
                                  GError **error)
{
    g_autoptr(GError) cause = NULL;

    if (g_str_has_prefix(value, "-----BEGIN"))
        return restore_lines(value);
    char *pem = environment_read_file(environment, value, &cause);
    if (pem == NULL)
        g_set_error(error, CONFIG_ERROR, CONFIG_ERROR_INVALID,
                    "GRAPH_CLIENT_CERTIFICATE (from %s) must be PEM text that begins with -----BEGIN, or the path of a "
                    "file with it; taken as a path, that file %s",
                    where, cause->message);
    return pem;
}

/* --- from the environment ----------------------------------------------------------------------------------------- */

static bool read_secret(const struct environment *environment, enum credential which, const char *key,
                        struct credentials *out, GError **error)
{
    bool by_value = environment_get(environment, key) != NULL;

    if (!environment_secret(environment, key, &out->value[which], &out->where[which], error))
        return false;
    if (which != CERTIFICATE || !by_value)
        return true;
    char *value = g_steal_pointer(&out->value[which]);
    out->value[which] = certificate_by_value(environment, value, out->where[which], error);
    text_free_secret(value);
    return out->value[which] != NULL;
}

static bool read_credential(const struct environment *environment, enum credential which, struct credentials *out,
                            GError **error)
{
    out->key[which] = credential_keys[which][0];
    for (int i = 0; i < 2 && credential_keys[which][i] != NULL && out->value[which] == NULL; i++) {
        const char *key = credential_keys[which][i];
        if (environment_is_empty(environment, key)) {
            out->key[which] = key;
            out->empty[which] = true;
        }
        if (which >= CLIENT_SECRET) {
            if (!read_secret(environment, which, key, out, error))
                return false;
        } else {
            out->value[which] = g_strdup(environment_get(environment, key));
            out->where[which] = out->value[which] != NULL ? environment_where(environment, key) : NULL;
        }
        if (out->value[which] != NULL)
            out->key[which] = key;
    }
    return true;
}

/* All or nothing: says which ones are missing. */
static bool check_complete(const struct credentials *credentials, GError **error)
{
    g_autoptr(GString) missing = g_string_new(NULL);
    bool proof = credentials->value[CLIENT_SECRET] != NULL || credentials->value[CERTIFICATE] != NULL;
    int n = 0;

    for (enum credential i = TENANT_ID; i <= CLIENT_SECRET; i++) {
        if (i == CLIENT_SECRET ? proof : credentials->value[i] != NULL)
            continue;
        g_string_append_printf(missing, "%s%s%s", n++ > 0 ? ", " : "", credentials->key[i],
                               credentials->empty[i] ? " (set, but empty)" : "");
    }
    if (n == 3)
        g_set_error(error, CONFIG_ERROR, CONFIG_ERROR_MISSING,
                    "there are no credentials to collect with: set %s (or GRAPH_CLIENT_CERTIFICATE) in the environment "
                    "or in a .env file, from the app registration's overview and its certificates and secrets page; "
                    "or name customers in m365keep.yaml (m365keep init writes one)",
                    missing->str);
    else if (n > 0)
        g_set_error(error, CONFIG_ERROR, CONFIG_ERROR_INVALID,
                    "the credentials are incomplete: %s %s missing; set %s in the environment or in a .env file%s",
                    missing->str, n == 1 ? "is" : "are", n == 1 ? "it" : "them",
                    proof ? "" : " (GRAPH_CLIENT_CERTIFICATE can stand in for the secret)");
    return n == 0;
}

static bool check_credentials(const struct credentials *credentials, GError **error)
{
    static const char *(*const checks[CREDENTIALS])(const char *) = {check_tenant_id, check_client_id,
                                                                     check_client_secret, check_certificate};

    for (int i = 0; i < CREDENTIALS; i++)
        if (credentials->value[i] != NULL &&
            !settings_accept(credentials->key[i], credentials->where[i], checks[i](credentials->value[i]), error))
            return false;
    if (credentials->value[CLIENT_SECRET] != NULL && credentials->value[CERTIFICATE] != NULL) {
        g_set_error(error, CONFIG_ERROR, CONFIG_ERROR_INVALID,
                    "both %s (from %s) and %s (from %s) are set: an app signs in with one of them; take the other out",
                    credentials->key[CLIENT_SECRET], credentials->where[CLIENT_SECRET], credentials->key[CERTIFICATE],
                    credentials->where[CERTIFICATE]);
        return false;
    }
    if (credentials->value[CLIENT_SECRET] != NULL)
        warn_of_secret_id(credentials->value[CLIENT_SECRET], credentials->key[CLIENT_SECRET],
                          credentials->where[CLIENT_SECRET]);
    return true;
}

bool credentials_of_environment(const struct environment *environment, struct config_customer *customer, GError **error)
{
    g_auto(Credentials) credentials = {0};

    for (enum credential i = 0; i < CREDENTIALS; i++)
        if (!read_credential(environment, i, &credentials, error))
            return false;
    if (!check_complete(&credentials, error) || !check_credentials(&credentials, error))
        return false;
    customer->tenant_id = g_ascii_strdown(credentials.value[TENANT_ID], -1);
    customer->client_id = g_steal_pointer(&credentials.value[CLIENT_ID]);
    customer->client_secret = g_steal_pointer(&credentials.value[CLIENT_SECRET]);
    customer->client_certificate = g_steal_pointer(&credentials.value[CERTIFICATE]);
    return true;
}

const char *credentials_tenant(const struct environment *environment)
{
    for (size_t i = 0; i < G_N_ELEMENTS(credential_keys[TENANT_ID]); i++) {
        const char *value = environment_get(environment, credential_keys[TENANT_ID][i]);
        if (value != NULL)
            return check_tenant_id(value) == NULL ? value : NULL;
    }
    return NULL;
}

void credentials_warn_unused(const struct environment *environment, const char *file)
{
    static const char *const keys[] = {"GRAPH_TENANT_ID",          "GRAPH_CLIENT_ID",
                                       "GRAPH_CLIENT_SECRET",      "GRAPH_CLIENT_SECRET_FILE",
                                       "GRAPH_CLIENT_CERTIFICATE", "GRAPH_CLIENT_CERTIFICATE_FILE",
                                       "M365KEEP_CUSTOMER"};
    g_autoptr(GString) set = g_string_new(NULL);

    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++)
        if (environment_get(environment, keys[i]) != NULL)
            g_string_append_printf(set, "%s%s", set->len > 0 ? ", " : "", keys[i]);
    if (set->len == 0)
        return;
    g_autofree char *message =
        g_strdup_printf("%s names the customers, so these variables are not used: %s. To collect "
                        "that tenant too, add it to customers, with a variable of its own.",
                        file, set->str);
    log_write(LOG_LEVEL_WARN, message, NULL);
}

/* --- from a customer's variable ----------------------------------------------------------------------------------- */

/* The three parts of tenant_id;client_id;secret, NULL where there is none. Blanks around the first two are no part of
 * them. */
static void split(const char *value, char *parts[3])
{
    const char *first = strchr(value, ';'), *second = first != NULL ? strchr(first + 1, ';') : NULL;

    parts[0] = first != NULL ? g_strstrip(g_strndup(value, (size_t)(first - value))) : g_strdup(value);
    parts[1] = first == NULL    ? NULL
               : second != NULL ? g_strstrip(g_strndup(first + 1, (size_t)(second - first) - 1))
                                : g_strstrip(g_strdup(first + 1));
    parts[2] = second != NULL && second[1] != '\0' ? g_strdup(second + 1) : NULL;
}

static const char *shape_fault(char *const parts[3], bool certificate)
{
    if (parts[1] == NULL)
        return "holds no semicolon, where tenant_id;client_id;secret is expected (tenant_id;client_id with a "
               "certificate)";
    if (parts[2] == NULL && !certificate)
        return "holds no secret after the second semicolon: expected tenant_id;client_id;secret. For an app that signs "
               "in with a certificate, name its file under the customer's key certificate";
    if (parts[2] != NULL && certificate)
        return "holds a secret, and the customer has a certificate too: an app signs in with one of them; take one out";
    return NULL;
}

static bool accept_parts(const char *name, const char *where, char *const parts[3], bool certificate, GError **error)
{
    static const struct {
        const char *what;
        const char *(*check)(const char *);
    } rows[] = {{"tenant_id", check_tenant_id}, {"client_id", check_client_id}, {"secret", check_client_secret}};

    if (!settings_accept(name, where, shape_fault(parts, certificate), error))
        return false;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *key = g_strdup_printf("the %s in %s", rows[i].what, name);
        if (parts[i] != NULL && !settings_accept(key, where, rows[i].check(parts[i]), error))
            return false;
        if (i == 2 && parts[i] != NULL)
            warn_of_secret_id(parts[i], key, where);
    }
    return true;
}

/* The PEM text of the customer's file, checked. NULL with *error. */
static char *read_certificate(const struct environment *environment, const struct credentials_told *told,
                              GError **error)
{
    g_autofree char *key = g_strdup_printf("%s.certificate", told->path);
    g_autofree char *named = g_strdup_printf("%s, the file %s", told->certificate_where, told->certificate);
    g_autoptr(GError) cause = NULL;
    char *pem = environment_read_file(environment, told->certificate, &cause);

    if (pem != NULL && settings_accept(key, named, check_certificate(pem), error))
        return pem;
    if (pem == NULL)
        g_set_error(error, CONFIG_ERROR, CONFIG_ERROR_INVALID, "%s (from %s) names the file %s, which %s", key,
                    told->certificate_where, told->certificate, cause->message);
    text_free_secret(pem);
    return NULL;
}

static bool fail_unset(const struct environment *environment, const struct credentials_told *told, GError **error)
{
    g_set_error(error, CONFIG_ERROR, CONFIG_ERROR_INVALID,
                "%s.variable (from %s) names %s, which is %s: it holds %s, in the environment or in .env", told->path,
                told->variable_where, told->variable,
                environment_is_empty(environment, told->variable) ? "set, but empty" : "not set",
                told->certificate != NULL ? "tenant_id;client_id" : "tenant_id;client_id;secret");
    return false;
}

bool credentials_of_variable(const struct environment *environment, const struct credentials_told *told,
                             struct config_customer *customer, GError **error)
{
    g_autofree char *where = NULL;
    char *value = NULL, *parts[3] = {NULL, NULL, NULL};
    bool certified = told->certificate != NULL;

    if (!environment_secret(environment, told->variable, &value, &where, error))
        return false;
    if (value == NULL)
        return fail_unset(environment, told, error);
    split(value, parts);
    text_free_secret(value);
    bool good = accept_parts(told->variable, where, parts, certified, error) &&
                (!certified || (customer->client_certificate = read_certificate(environment, told, error)) != NULL);
    if (good) {
        customer->tenant_id = g_ascii_strdown(parts[0], -1);
        customer->client_id = g_steal_pointer(&parts[1]);
        customer->client_secret = g_steal_pointer(&parts[2]);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(parts); i++)
        text_free_secret(parts[i]);
    return good;
}

char *credentials_tenant_of_variable(const struct environment *environment, const char *variable)
{
    g_autofree char *where = NULL;
    char *value = NULL, *parts[3] = {NULL, NULL, NULL}, *tenant_id = NULL;

    if (!environment_secret(environment, variable, &value, &where, NULL) || value == NULL)
        return NULL;
    split(value, parts);
    text_free_secret(value);
    if (parts[1] != NULL && check_tenant_id(parts[0]) == NULL)
        tenant_id = g_ascii_strdown(parts[0], -1);
    for (size_t i = 0; i < G_N_ELEMENTS(parts); i++)
        text_free_secret(parts[i]);
    return tenant_id;
}
