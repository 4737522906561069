#include "config/sample.h"

#include <stdbool.h>
#include <string.h>

#include "base/base.h"

/* Every key of the file, in its order: what it would be without the file, or an example, and words on it. */
struct row {
    const char *path;  /* "alerts[].name": of each entry of a list */
    const char *value; /* as YAML; NULL: a block, whose rows follow */
    const char *words; /* NULL: none */
};

static const struct row rows[] = {
    {"database", "/var/lib/m365keep/m365keep.db",
     "The SQLite file that holds all records. Paths in this file are relative to the folder it is in.\n"
     "(--db and M365KEEP_DB win.)"},
    {"directories", NULL, "Folders for logs and for the charts of reports."},
    {"directories.logs", "/var/log/m365keep", NULL},
    {"directories.images", "/var/lib/m365keep/images", NULL},
    {"retention", NULL,
     "When records are deleted: those older than so many days (0: never), and the oldest ones when\n"
     "the database and its log grow beyond a size (20GiB, 500MiB; 256MiB at least; 0: no limit). A source\n"
     "may have days of its own, and so may the mails that were sent. (DB_DAYS_SCOPE wins over days.)"},
    {"retention.days", "0", NULL},
    {"retention.max_size", "0", NULL},
    {"retention.per_source", NULL, NULL},
    {"retention.per_source.users", "0", NULL},
    {"retention.per_source.sign_ins", "180", NULL},
    {"retention.per_source.directory_audits", "365", NULL},
    {"retention.per_source.intune_audits", "365", NULL},
    {"retention.per_source.unified_audit", "365", NULL},
    {"retention.per_source.health", "0", NULL},
    {"retention.per_source.mails", "365", NULL},
    {"mongo", NULL,
     "A MongoDB that gets a copy of everything: the environment variable (or key of .env) that holds its\n"
     "URI, the database there (MONGO_DB wins), and whether what is deleted here is deleted there as well\n"
     "(keep or mirror)."},
    {"mongo.uri_env", "MONGO_URI", NULL},
    {"mongo.database", "micro_soc", NULL},
    {"mongo.deletes", "keep", NULL},
    {"smtp", NULL,
     "The mail server. security: starttls, or none (TLS from the first byte on, as on port 465, is not\n"
     "possible). transport: smtp, or graph to send through Microsoft Graph instead, by the application of\n"
     "customer, in whose tenant the sender's mailbox is (each report by its own customer's, if nothing else\n"
     "is said). A password is kept in SMTP_PASSWORD, never here. (SMTP_SERVER, SMTP_PORT, SMTP_SECURITY, SMTP_USER, "
     "MAIL_FROM win.)"},
    {"smtp.server", "mail.example.org", NULL},
    {"smtp.port", "587", NULL},
    {"smtp.security", "starttls", NULL},
    {"smtp.user", "desk@example.org", NULL},
    {"smtp.from", "Health desk <desk@example.org>", NULL},
    {"smtp.transport", "smtp", NULL},
    {"smtp.customer", "mycompany", NULL},
    {"report", NULL,
     "Reports of the services' health: the mail's subject, a file with the signature, a folder with\n"
     "templates in place of the built-in ones, and the days they cover, counted back from today.\n"
     "(MAIL_SUBJECT, MAIL_SIGNATURE, DB_DAYS_PREV_FROM, DB_DAYS_PREV_TO win.)"},
    {"report.subject", "Service health of {customer}, {from} to {to}", NULL},
    {"report.signature", "signature.html", NULL},
    {"report.templates", "templates", NULL},
    {"report.days_from", "1", NULL},
    {"report.days_to", "1", NULL},
    {"status_map", "status_map.yaml",
     "How bad each status of a service is, from 0 to 10, where that differs from what is built in."},
    {"schedule", NULL, "How often things are done by m365keep run: 30s, 15m, 1h, 1d, or \"daily HH:MM\"."},
    {"schedule.collect", "15m", NULL},
    {"schedule.health", "5m", NULL},
    {"schedule.replicate", "1m", NULL},
    {"schedule.report", "daily 07:00", NULL},
    {"schedule.prune", "daily 03:00", NULL},
    {"alerts", NULL, "Searches that are repeated, and whose new findings are mailed."},
    {"alerts[].name", "new global admin", NULL},
    {"alerts[].search", "\"Global Administrator\" add member", NULL},
    {"alerts[].mail_to", "[soc@example.org]", NULL},
    {"alerts[].every", "1h", NULL},
    {"customers", NULL,
     "Whose records are collected. Of each customer:\n"
     "name           what the records are found under\n"
     "variable       the variable (of the environment or .env) that holds tenant_id;client_id;secret\n"
     "certificate    a PEM file with certificate and key in place of a secret; variable: tenant_id;client_id\n"
     "cloud          global, gcc, gcc-high, dod or china\n"
     "login_url, graph_url, manage_url   hosts in place of the cloud's\n"
     "sources        what to collect; all, if nothing else is said\n"
     "sign_in_types  interactiveUser, nonInteractiveUser, servicePrincipal, managedIdentity\n"
     "services       whose health is followed and reported, such as Exchange or Intune; all, if nothing else is said\n"
     "mail_to        who gets the reports\n"
     "mail_cc        and who gets copies\n"
     "timezone       of the days in reports; that of TZ or of this machine, if nothing else is said"},
    {"customers[].name", NULL, NULL},
    {"customers[].variable", NULL, NULL},
    {"customers[].certificate", "mycompany.pem", NULL},
    {"customers[].cloud", "global", NULL},
    {"customers[].login_url", "https://login.microsoftonline.com", NULL},
    {"customers[].graph_url", "https://graph.microsoft.com", NULL},
    {"customers[].manage_url", "https://manage.office.com", NULL},
    {"customers[].sources", "[users, sign-ins, directory-audits, intune-audits, unified-audit, health]", NULL},
    {"customers[].sign_in_types", "[interactiveUser]", NULL},
    {"customers[].services", "[Exchange, Intune, Microsoft365Defender]", NULL},
    {"customers[].mail_to", "[desk@example.org]", NULL},
    {"customers[].mail_cc", "[]", NULL},
    {"customers[].timezone", "Europe/Warsaw", NULL},
};

static const char yaml_head[] =
    "# m365keep's settings. A line that begins with # and one blank is words; # and anything else is a setting at its\n"
    "# default (or an example), which counts when the # is taken away. All is explained in m365keep.yaml(5).\n"
    "# No secret stands here: they are in .env or in the environment.\n";

static const char env_head[] =
    "# m365keep's secrets: keep this file readable by you alone (chmod 600). The real environment wins over it.\n"
    "# A secret may also stand in a file, as NAME_FILE=/path/of/it, or among systemd's credentials.\n"
    "\n"
    "# The customers' app registrations: tenant_id;client_id;secret, as customers[].variable of m365keep.yaml names "
    "them.\n";

static const char env_tail[] = "\n"
                               "# The mail server's password, and the MongoDB that gets a copy.\n"
                               "#SMTP_PASSWORD=''\n"
                               "#MONGO_URI='mongodb://127.0.0.1:27017'\n";

/* --- the sample --------------------------------------------------------------------------------------------------- */

static void customer_free(gpointer data)
{
    struct sample_customer *customer = data;

    g_free(customer->name);
    g_free(customer->variable);
    g_strfreev(customer->services);
    g_strfreev(customer->mail_to);
    g_strfreev(customer->mail_cc);
    g_free(customer);
}

struct sample *sample_new(void)
{
    struct sample *sample = g_new0(struct sample, 1);

    sample->values = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    sample->customers = g_ptr_array_new_with_free_func(customer_free);
    sample->secrets = g_string_new(NULL);
    return sample;
}

void sample_free(struct sample *sample)
{
    if (sample == NULL)
        return;
    g_hash_table_unref(sample->values);
    g_ptr_array_unref(sample->customers);
    explicit_bzero(sample->secrets->str, sample->secrets->len);
    g_string_free(sample->secrets, TRUE);
    g_free(sample);
}

struct sample_customer *sample_add_customer(struct sample *sample)
{
    struct sample_customer *customer = g_new0(struct sample_customer, 1);

    g_ptr_array_add(sample->customers, customer);
    return customer;
}

void sample_set(struct sample *sample, const char *path, const char *value)
{
    g_hash_table_replace(sample->values, g_strdup(path), g_strdup(value));
}

/* --- values ------------------------------------------------------------------------------------------------------- */

/* Letters, digits and what means nothing to YAML inside of a word; not what it takes for something else. */
static bool is_plain(const char *text)
{
    static const char *const words[] = {"null", "true", "false", "yes", "no", "on", "off", "y", "n", NULL};
    g_autofree char *lower = g_ascii_strdown(text, -1);

    if (!g_ascii_isalnum(*text) && *text != '/')
        return false;
    for (const char *p = text; *p != '\0'; p++)
        if (!g_ascii_isalnum(*p) && strchr("_-./@", *p) == NULL && !(*p == ' ' && g_ascii_isalnum(p[1])))
            return false;
    return !g_strv_contains(words, lower);
}

/* What libyaml takes for a line's end, or does not let into a file at all. */
static bool is_special(gunichar c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029 || c == 0xfeff || c == 0xfffe ||
           c == 0xffff;
}

void sample_append_value(GString *out, const char *text)
{
    if (is_plain(text)) {
        g_string_append(out, text);
        return;
    }
    g_string_append_c(out, '"');
    for (; *text != '\0'; text = g_utf8_next_char(text)) {
        gunichar c = g_utf8_get_char(text);
        if (c == '"' || c == '\\')
            g_string_append_printf(out, "\\%c", (char)c);
        else if (is_special(c))
            g_string_append_printf(out, "\\u%04x", c);
        else
            g_string_append_unichar(out, c);
    }
    g_string_append_c(out, '"');
}

static void append_list(GString *out, char *const *entries)
{
    g_string_append_c(out, '[');
    for (char *const *entry = entries; *entry != NULL; entry++) {
        if (entry != entries)
            g_string_append(out, ", ");
        sample_append_value(out, *entry);
    }
    g_string_append_c(out, ']');
}

/* An example of the table: lists and numbers stand as they are. */
static void append_example(GString *out, const char *value)
{
    if (*value == '[')
        g_string_append(out, value);
    else
        sample_append_value(out, value);
}

/* --- m365keep.yaml ------------------------------------------------------------------------------------------------ */

static void append_words(GString *out, const char *words)
{
    g_auto(GStrv) lines = g_strsplit(words, "\n", -1);

    g_string_append_c(out, '\n');
    for (char **line = lines; *line != NULL; line++)
        g_string_append_printf(out, "# %s\n", *line);
}

/* True when the value, or one inside of the block, is known. */
static bool is_known(const struct sample *sample, const char *path)
{
    size_t length = strlen(path);
    GHashTableIter each;
    gpointer key;

    g_hash_table_iter_init(&each, sample->values);
    while (g_hash_table_iter_next(&each, &key, NULL)) {
        const char *known = key;
        if (strncmp(known, path, length) == 0 && (known[length] == '\0' || known[length] == '.'))
            return true;
    }
    return false;
}

/* The blanks before the last key of `path`, with the hyphen before the first key of a list's entry. */
static char *indent_of(const char *path, bool first)
{
    size_t dots = 0;

    if (strstr(path, "[].") != NULL)
        return g_strdup(first ? "  - " : "    ");
    for (const char *p = path; *p != '\0'; p++)
        dots += *p == '.';
    return g_strnfill(2 * dots, ' ');
}

static const char *last_key(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot != NULL ? dot + 1 : path;
}

static void append_row(GString *out, const struct sample *sample, const struct row *row, bool first)
{
    g_autofree char *indent = indent_of(row->path, first);
    const char *known = g_hash_table_lookup(sample->values, row->path);

    if (row->words != NULL)
        append_words(out, row->words);
    g_string_append_printf(out, "%s%s%s:", is_known(sample, row->path) ? "" : "#", indent, last_key(row->path));
    if (row->value != NULL || known != NULL)
        g_string_append_c(out, ' ');
    if (known != NULL)
        sample_append_value(out, known);
    else if (row->value != NULL)
        append_example(out, row->value);
    g_string_append_c(out, '\n');
}

/* The lists that are known of a customer. */
static void append_customer_lists(GString *out, const struct sample_customer *customer)
{
    const struct {
        const char *key;
        char *const *entries;
    } lists[] = {{"services", customer->services}, {"mail_to", customer->mail_to}, {"mail_cc", customer->mail_cc}};

    for (size_t i = 0; i < G_N_ELEMENTS(lists); i++) {
        if (lists[i].entries == NULL)
            continue;
        g_string_append_printf(out, "    %s: ", lists[i].key);
        append_list(out, lists[i].entries);
        g_string_append_c(out, '\n');
    }
}

/* The keys of a customer that are not known, as comments. */
static void append_customer_rest(GString *out, const struct sample_customer *customer)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        const char *key = last_key(rows[i].path);
        if (!g_str_has_prefix(rows[i].path, "customers[].") || rows[i].value == NULL ||
            (strcmp(key, "services") == 0 && customer->services != NULL) ||
            (strcmp(key, "mail_to") == 0 && customer->mail_to != NULL) ||
            (strcmp(key, "mail_cc") == 0 && customer->mail_cc != NULL))
            continue;
        g_string_append_printf(out, "#    %s: ", key);
        append_example(out, rows[i].value);
        g_string_append_c(out, '\n');
    }
}

static void append_customers(GString *out, const struct sample *sample)
{
    g_string_append(out, "customers:\n");
    for (guint i = 0; i < sample->customers->len; i++) {
        const struct sample_customer *customer = g_ptr_array_index(sample->customers, i);
        g_string_append(out, "  - name: ");
        sample_append_value(out, customer->name);
        g_string_append(out, "\n    variable: ");
        sample_append_value(out, customer->variable);
        g_string_append_c(out, '\n');
        append_customer_lists(out, customer);
        if (i == 0)
            append_customer_rest(out, customer);
    }
}

char *sample_yaml(const struct sample *sample)
{
    GString *out = g_string_new(yaml_head);
    const char *list = NULL; /* the one whose entry is being written */

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        if (strcmp(rows[i].path, "customers") == 0) {
            append_words(out, rows[i].words);
            append_customers(out, sample);
            break;
        }
        const char *entry = strstr(rows[i].path, "[].");
        append_row(out, sample, &rows[i], entry != NULL && list == NULL);
        list = entry;
    }
    return g_string_free(out, FALSE);
}

/* --- .env --------------------------------------------------------------------------------------------------------- */

char *sample_env(const struct sample *sample)
{
    GString *out = g_string_new(env_head);

    g_string_append_len(out, sample->secrets->str, (gssize)sample->secrets->len);
    g_string_append(out, env_tail);
    return g_string_free(out, FALSE);
}
