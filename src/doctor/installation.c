#include "doctor/installation.h"

#include <sys/stat.h>

#include "base/base.h"
#include "client/client.h"
#include "doctor/retention.h"
#include "sources/sources.h"

/* --- configuration ------------------------------------------------------------------------------------------------ */

/* The configuration may name sources that later versions collect. */
static void say_not_collected(struct section *section, const struct config_customer *customer)
{
    for (char **name = customer->sources; name && *name; name++)
        if (!source_find(*name)) {
            struct doctor_finding *finding =
                section_note(section, "configuration", "This version does not collect %s yet.", *name);
            finding->customer = g_strdup(customer->name);
        }
}

static void judge_configuration(struct section *section, const struct doctor_options *options)
{
    const struct config *config = options->config;

    if (options->config_error) {
        section_fail(section, "configuration",
                     "Correct that and run doctor again: no customer can be asked before. m365keep.yaml(5) and "
                     "m365keep(1) explain every setting, and m365keep init writes files to start from.",
                     "%s.", options->config_error);
        return;
    }
    guint n = config->customers->len;
    section_ok(section, "configuration", "%s, %u %s.",
               config->file ? config->file : "No m365keep.yaml, settings come from the environment", n,
               n == 1 ? "customer" : "customers");
    for (guint i = 0; i < n; i++)
        say_not_collected(section, g_ptr_array_index(config->customers, i));
}

/* --- files -------------------------------------------------------------------------------------------------------- */

static bool mode_of(const char *path, mode_t *mode)
{
    struct stat status;

    if (stat(path, &status) != 0 || !S_ISREG(status.st_mode))
        return false;
    *mode = status.st_mode & 07777;
    return true;
}

/* A group of its own for the service is a usual thing; everybody is not. */
static void judge_secret_file(struct section *section, const char *path)
{
    g_autofree char *mend = g_strdup_printf("chmod o-rwx %s", path);
    mode_t mode;

    if (mode_of(path, &mode) && mode & S_IRWXO)
        section_warn(section, "secrets", mend,
                     "%s, which holds secrets, has mode %04o: every user of this machine may %s it.", path, mode,
                     mode & S_IWOTH ? "change" : "read");
}

/* It says where secrets are sent. */
static void judge_config_file(struct section *section, const char *path)
{
    g_autofree char *mend = g_strdup_printf("chmod o-w %s", path);
    mode_t mode;

    if (mode_of(path, &mode) && mode & S_IWOTH)
        section_warn(section, "secrets", mend, "%s has mode %04o: every user of this machine may change it.", path,
                     mode);
}

static void judge_files(struct section *section, const struct config *config)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

    for (guint i = 0; i < config->secret_files->len; i++) {
        char *path = g_ptr_array_index(config->secret_files, i);
        if (g_hash_table_add(seen, path))
            judge_secret_file(section, path);
    }
    if (config->file)
        judge_config_file(section, config->file);
}

void installation_check(struct section *section, const struct doctor_options *options)
{
    judge_configuration(section, options);
    if (options->config) {
        retention_check(section, options->config);
        judge_files(section, options->config);
    }
    if (options->clock->simulated)
        section_note(section, "clock", "M365KEEP_CLOCK is set: time is simulated, and not this machine's.");
}

/* --- network ------------------------------------------------------------------------------------------------------ */

enum { CA_FILE_MAX = 16 << 20 };

/* PEM blocks of certificates; the trust bundle of a distribution holds some hundred. */
static unsigned count_certificates(const char *text)
{
    static const char *const begins[] = {"-----BEGIN CERTIFICATE-----", "-----BEGIN TRUSTED CERTIFICATE-----",
                                         "-----BEGIN X509 CERTIFICATE-----"};
    unsigned n = 0;

    for (size_t i = 0; i < G_N_ELEMENTS(begins); i++)
        for (const char *at = text; (at = strstr(at, begins[i])); at++)
            n++;
    return n;
}

static void judge_ca_file(struct section *section, const char *path)
{
    static const char mend[] =
        "Let SSL_CERT_FILE name a PEM file with the certificates to trust, or take it out for the system's.";
    g_autoptr(GError) error = NULL;
    g_autofree char *text = NULL;
    struct stat status;
    unsigned n = 0;

    if (stat(path, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > CA_FILE_MAX) {
        section_fail(section, "network", mend, "SSL_CERT_FILE names %s, which is too large for what it should be.",
                     path);
        return;
    }
    if (!g_file_get_contents(path, &text, NULL, &error))
        section_fail(section, "network", mend, "SSL_CERT_FILE names a file that cannot be read: %s.", error->message);
    else if ((n = count_certificates(text)) == 0)
        section_fail(section, "network", mend, "SSL_CERT_FILE names %s, which holds no certificate in PEM.", path);
    else
        section_ok(section, "network", "SSL_CERT_FILE: %s holds %u %s to trust, in place of the system's.", path, n,
                   n == 1 ? "certificate" : "certificates");
}

static void say_proxy(struct section *section, const char *url, GHashTable *seen)
{
    char *proxy = client_proxy(url);

    if (proxy && g_hash_table_add(seen, proxy))
        section_note(section, "network", "Requests go through the proxy %s.", proxy);
}

void network_check(struct section *section, GPtrArray *customers)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    const char *ca_file = client_ca_file();

    for (guint i = 0; i < customers->len; i++) {
        const struct config_customer *customer = g_ptr_array_index(customers, i);
        say_proxy(section, customer->login_url, seen);
        say_proxy(section, customer->graph_url, seen);
    }
    if (ca_file)
        judge_ca_file(section, ca_file);
}
