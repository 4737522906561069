#include "options.h"

#include <math.h>
#include <string.h>

#include "help.h"
#include "roles.h"

#define DEFAULT_TENANT "11111111-2222-4333-8444-555555555555"
#define DEFAULT_CLIENT "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
#define DEFAULT_SECRET "simulated~Secret.1+/="

static void set_defaults(struct options *o)
{
    *o = (struct options){.seed = 1,
                          .sign_ins = -1,
                          .directory_audits = -1,
                          .intune_audits = -1,
                          .days = 30,
                          .retention_days = 30,
                          .intune_retention_days = 365,
                          .late_percent = 2,
                          .changed_percent = 1,
                          .repeat_percent = 5,
                          .empty_pages = 2,
                          .page_size = 1000,
                          .users = 300,
                          .user_changes = 2,
                          .user_turnover = 0.5,
                          .user_repeats = 5,
                          .user_replays = 5,
                          .secret_expires = 180,
                          .delta_token_days = 7,
                          .delta_page_size = 200,
                          .link_length = 400,
                          .services = 30,
                          .issues = 40,
                          .messages = 120};
}

static void fill_text(char **text, const char *fallback)
{
    if (!*text)
        *text = g_strdup(fallback);
}

static bool refuse(GError **error, const char *option, const char *expected)
{
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "--%s: expected %s", option, expected);
    return false;
}

/* The names of signature algorithms, with commas between. */
static bool split_algorithms(struct options *o, GError **error)
{
    static const char *const known[] = {"PS256", "RS256", NULL};

    fill_text(&o->algorithms_text, "PS256,RS256");
    o->algorithms = g_strsplit(o->algorithms_text, ",", 0);
    for (char **a = o->algorithms; *a; a++)
        if (!g_strv_contains(known, *a))
            return refuse(error, "assertion-algorithms", "PS256, RS256 or PS256,RS256");
    return *o->algorithms != NULL || refuse(error, "assertion-algorithms", "PS256, RS256 or PS256,RS256");
}

/* Microsoft's part is played for this machine only: nothing here is protected, so nothing else may reach it. */
static bool split_listen(struct options *o, GError **error)
{
    const char *colon = strrchr(o->listen_text, ':');
    guint64 port = 0;

    if (!colon || !g_ascii_string_to_unsigned(colon + 1, 10, 0, 65535, &port, NULL))
        return refuse(error, "listen", "HOST:PORT with a port from 0 to 65535");
    o->listen_host = g_strndup(o->listen_text, (gsize)(colon - o->listen_text));
    o->listen_port = (guint16)port;
    if (strcmp(o->listen_host, "localhost") == 0) {
        g_free(o->listen_host);
        o->listen_host = g_strdup("127.0.0.1");
    }
    if (!g_str_has_prefix(o->listen_host, "127.") || !g_hostname_is_ip_address(o->listen_host))
        return refuse(error, "listen", "a loopback address such as 127.0.0.1");
    return true;
}

static bool check_numbers(const struct options *o, GError **error)
{
    const struct {
        const char *option;
        double value, least, most;
        const char *expected;
    } ranges[] = {
        {"sign-ins", (double)o->sign_ins, -1, 1e9, "a count from 0 to 1000000000"},
        {"directory-audits", (double)o->directory_audits, -1, 1e9, "a count from 0 to 1000000000"},
        {"intune-audits", (double)o->intune_audits, -1, 1e9, "a count from 0 to 1000000000"},
        {"non-interactive-sign-ins", (double)o->non_interactive_sign_ins, 0, 1e9, "a count from 0 to 1000000000"},
        {"service-principal-sign-ins", (double)o->service_principal_sign_ins, 0, 1e9, "a count from 0 to 1000000000"},
        {"managed-identity-sign-ins", (double)o->managed_identity_sign_ins, 0, 1e9, "a count from 0 to 1000000000"},
        {"days", o->days, 1e-3, 36500, "a number of days from 0.001 to 36500"},
        {"retention-days", o->retention_days, 0, 36500, "a number of days from 0 (for ever) to 36500"},
        {"intune-retention-days", o->intune_retention_days, 0, 36500, "a number of days from 0 (for ever) to 36500"},
        {"late-percent", o->late_percent, 0, 100, "a percentage"},
        {"changed-percent", o->changed_percent, 0, 100, "a percentage"},
        {"repeat-percent", o->repeat_percent, 0, 100, "a percentage"},
        {"empty-pages", o->empty_pages, 0, 100, "a percentage"},
        {"page-size", o->page_size, 1, 100000, "a count from 1 to 100000"},
        {"users", (double)o->users, 0, 1e6, "a count from 0 to 1000000"},
        {"user-changes", o->user_changes, 0, 100, "a percentage"},
        {"user-turnover", o->user_turnover, 0, 100, "a percentage"},
        {"user-repeats", o->user_repeats, 0, 100, "a percentage"},
        {"user-replays", o->user_replays, 0, 100, "a percentage"},
        {"delta-page-size", o->delta_page_size, 1, 100000, "a count from 1 to 100000"},
        {"delta-token-days", o->delta_token_days, 0, 36500, "a number of days from 0 to 36500"},
        {"services", (double)o->services, 0, 10000, "a count from 0 to 10000"},
        {"issues", (double)o->issues, 0, 1e6, "a count from 0 to 1000000"},
        {"messages", (double)o->messages, 0, 1e6, "a count from 0 to 1000000"},
        {"announcement-shift", o->announcement_shift, -1000, 1000, "a count from -1000 to 1000"},
        {"link-length", o->link_length, 0, 65536, "a number of characters from 0 to 65536"},
        {"secret-expires", o->secret_expires, -36500, 36500, "a number of days from -36500 to 36500"},
        {"token-lifetime", o->token_lifetime, 0, 1e6, "seconds from 1 to 1000000"},
    };

    for (gsize k = 0; k < G_N_ELEMENTS(ranges); k++)
        if (!isfinite(ranges[k].value) || ranges[k].value < ranges[k].least || ranges[k].value > ranges[k].most)
            return refuse(error, ranges[k].option, ranges[k].expected);
    return true;
}

/* Brings a list of ids to lower case; fallback stands for none given. */
static bool read_guids(char ***list, const char *fallback, const char *option, GError **error)
{
    if (!*list) {
        *list = g_new0(char *, 2);
        **list = g_strdup(fallback);
    }
    for (char **id = *list; *id; id++) {
        if (!g_uuid_string_is_valid(*id))
            return refuse(error, option, "a GUID");
        char *lower = g_ascii_strdown(*id, -1);
        g_free(*id);
        *id = lower;
    }
    return true;
}

const char *options_client(const struct options *o, const char *id)
{
    for (char **c = o->client_ids; *c; c++)
        if (g_ascii_strcasecmp(*c, id) == 0)
            return *c;
    return NULL;
}

static bool check_roles(const struct options *o, GError **error)
{
    for (char **r = o->withheld_roles; r && *r; r++)
        if (!roles_known(*r))
            return refuse(error, "withhold-role", "a permission such as AuditLog.Read.All");
    for (char **r = o->granted_roles; r && *r; r++)
        if (!roles_known(*r))
            return refuse(error, "grant-role", "a permission such as Mail.Send");
    return true;
}

static bool finish(struct options *o, GError **error)
{
    fill_text(&o->listen_text, "127.0.0.1:0");
    fill_text(&o->budgets, "none");
    if (!o->clock && g_getenv("M365KEEP_CLOCK"))
        o->clock = g_strdup(g_getenv("M365KEEP_CLOCK"));
    if (o->client_secret_file) {
        g_clear_pointer(&o->client_secret, g_free);
        if (!g_file_get_contents(o->client_secret_file, &o->client_secret, NULL, error))
            return false;
        g_strchomp(o->client_secret);
    }
    fill_text(&o->client_secret, DEFAULT_SECRET);
    o->enforce_budgets = strcmp(o->budgets, "documented") == 0;
    if (!o->enforce_budgets && strcmp(o->budgets, "none") != 0)
        return refuse(error, "budgets", "none or documented");
    if (!split_listen(o, error))
        return false;
    fill_text(&o->host_name, o->tls ? "localhost" : o->listen_host);
    return split_algorithms(o, error) && check_numbers(o, error) &&
           read_guids(&o->tenants, DEFAULT_TENANT, "tenant", error) &&
           read_guids(&o->client_ids, DEFAULT_CLIENT, "client-id", error) && check_roles(o, error);
}

static void add_serving(GOptionContext *context, struct options *o)
{
    const GOptionEntry entries[] = {
        {"listen", 0, 0, G_OPTION_ARG_STRING, &o->listen_text,
         "Loopback address to serve on; port 0 takes a free one (127.0.0.1:0)", "HOST:PORT"},
        {"ready-file", 0, 0, G_OPTION_ARG_FILENAME, &o->ready_file, "Write the line of JSON here once it listens",
         "FILE"},
        {"tls", 0, 0, G_OPTION_ARG_FILENAME, &o->tls,
         "Serve https with the certificate and key of this PEM file, and name https in every link", "FILE"},
        {"host-name", 0, 0, G_OPTION_ARG_STRING, &o->host_name,
         "The host in urls (the address; with --tls localhost, for which certificates are made)", "NAME"},
        {"exit-with-parent", 0, 0, G_OPTION_ARG_NONE, &o->exit_with_parent, "End when the process that started it ends",
         NULL},
        {"clock", 0, 0, G_OPTION_ARG_STRING, &o->clock, "Simulated time, see below ($M365KEEP_CLOCK, else real time)",
         "SPEC"},
        {"gzip", 0, 0, G_OPTION_ARG_NONE, &o->gzip, "Compress pages for clients that ask for it", NULL},
        {"decoy", 0, 0, G_OPTION_ARG_NONE, &o->decoy,
         "A second server that must never see a token; decoy_url in the ready line", NULL},
        {"truth", 0, 0, G_OPTION_ARG_NONE, &o->truth,
         "Print what can be seen now and exit: NDJSON of tenant, source, id, sha256", NULL},
        {"verbose", 'v', 0, G_OPTION_ARG_NONE, &o->verbose, "A line for each request on standard error", NULL},
        {"version", 0, 0, G_OPTION_ARG_NONE, &o->version, "Print the version and exit", NULL},
        G_OPTION_ENTRY_NULL,
    };

    g_option_context_add_main_entries(context, entries, NULL);
}

static void add_tenants(GOptionContext *context, struct options *o)
{
    const GOptionEntry entries[] = {
        {"tenant", 0, 0, G_OPTION_ARG_STRING_ARRAY, &o->tenants, "A tenant; may be repeated (" DEFAULT_TENANT ")",
         "GUID"},
        {"client-id", 0, 0, G_OPTION_ARG_STRING_ARRAY, &o->client_ids,
         "An app's id; may be repeated (" DEFAULT_CLIENT ")", "GUID"},
        {"client-secret", 0, 0, G_OPTION_ARG_STRING, &o->client_secret, "The apps' secret (" DEFAULT_SECRET ")",
         "TEXT"},
        {"client-secret-file", 0, 0, G_OPTION_ARG_FILENAME, &o->client_secret_file, "Read the secret from a file",
         "FILE"},
        {"client-certificate", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &o->client_certificates,
         "Register this public certificate (PEM) for the apps; may be repeated", "FILE"},
        {"assertion-algorithms", 0, 0, G_OPTION_ARG_STRING, &o->algorithms_text,
         "How client assertions may be signed (PS256,RS256)", "LIST"},
        {"refuse-repeated-assertions", 0, 0, G_OPTION_ARG_NONE, &o->refuse_repeated,
         "Refuse a client assertion that was sent before", NULL},
        {"token-lifetime", 0, 0, G_OPTION_ARG_INT, &o->token_lifetime,
         "Seconds a token is valid (3600 to 5400, rolled)", "SECONDS"},
        {"opaque-tokens", 0, 0, G_OPTION_ARG_NONE, &o->opaque_tokens,
         "Access tokens that nobody can look into; else they are JWTs with a claim \"roles\"", NULL},
        {"withhold-role", 0, 0, G_OPTION_ARG_STRING_ARRAY, &o->withheld_roles,
         "Leave this permission out of tokens and refuse with 403 what needs it; may be repeated", "NAME"},
        {"grant-role", 0, 0, G_OPTION_ARG_STRING_ARRAY, &o->granted_roles,
         "Grant this permission, which the apps do not have by themselves (Mail.Send); may be repeated", "NAME"},
        {"mailbox", 0, 0, G_OPTION_ARG_STRING_ARRAY, &o->mailboxes,
         "A mailbox that mail may be sent from, beside those of the accounts; may be repeated", "ADDRESS"},
        {"secret-expires", 0, 0, G_OPTION_ARG_DOUBLE, &o->secret_expires,
         "Days from the start until the apps' secret expires (180)", "DAYS"},
        {"no-premium", 0, 0, G_OPTION_ARG_NONE, &o->no_premium,
         "Without a premium licence: sign-ins and signInActivity are refused with 403", NULL},
        {"no-intune", 0, 0, G_OPTION_ARG_NONE, &o->no_intune, "Without Intune: its audits are refused with 400", NULL},
        {"budgets", 0, 0, G_OPTION_ARG_STRING, &o->budgets,
         "documented: 429 beyond what Microsoft lets an app ask of a tenant, and of all tenants together (none)",
         "none|documented"},
        G_OPTION_ENTRY_NULL,
    };

    g_option_context_add_main_entries(context, entries, NULL);
}

static void add_counts(GOptionContext *context, struct options *o)
{
    const GOptionEntry entries[] = {
        {"seed", 0, 0, G_OPTION_ARG_INT64, &o->seed, "Another seed, other records (1)", "N"},
        {"sign-ins", 0, 0, G_OPTION_ARG_INT64, &o->sign_ins,
         "Sign-ins in the days before the start; they go on at that rate (10000)", "N"},
        {"directory-audits", 0, 0, G_OPTION_ARG_INT64, &o->directory_audits, "Directory audits, likewise (2000)", "N"},
        {"intune-audits", 0, 0, G_OPTION_ARG_INT64, &o->intune_audits, "Audits of Intune, likewise (500)", "N"},
        {"non-interactive-sign-ins", 0, 0, G_OPTION_ARG_INT64, &o->non_interactive_sign_ins,
         "Sign-ins of users by token, which only beta shows (0)", "N"},
        {"service-principal-sign-ins", 0, 0, G_OPTION_ARG_INT64, &o->service_principal_sign_ins,
         "Sign-ins of apps, likewise (0)", "N"},
        {"managed-identity-sign-ins", 0, 0, G_OPTION_ARG_INT64, &o->managed_identity_sign_ins,
         "Sign-ins of managed identities, likewise (0)", "N"},
        {"days", 0, 0, G_OPTION_ARG_DOUBLE, &o->days, "Days before the start over which they are spread (30)", "D"},
        {"load", 0, 0, G_OPTION_ARG_STRING_ARRAY, &o->load,
         "Serve each line as it is, in place of generated records; may be repeated. SOURCE: sign-ins, "
         "directory-audits or intune-audits",
         "SOURCE=FILE"},
        G_OPTION_ENTRY_NULL,
    };

    g_option_context_add_main_entries(context, entries, NULL);
}

static void add_habits(GOptionContext *context, struct options *o)
{
    const GOptionEntry entries[] = {
        {"retention-days", 0, 0, G_OPTION_ARG_DOUBLE, &o->retention_days,
         "Older records are not served; 0 keeps all (30)", "D"},
        {"intune-retention-days", 0, 0, G_OPTION_ARG_DOUBLE, &o->intune_retention_days,
         "The same for the audits of Intune (365)", "D"},
        {"late-percent", 0, 0, G_OPTION_ARG_DOUBLE, &o->late_percent,
         "Records that appear 10 minutes to 20 hours late (2)", "P"},
        {"changed-percent", 0, 0, G_OPTION_ARG_DOUBLE, &o->changed_percent, "Records that later get another body (1)",
         "P"},
        {"repeat-percent", 0, 0, G_OPTION_ARG_DOUBLE, &o->repeat_percent,
         "Pages that repeat the page before's last record (5)", "P"},
        {"empty-pages", 0, 0, G_OPTION_ARG_DOUBLE, &o->empty_pages,
         "Pages without records that lead on to the next (2)", "P"},
        {"page-size", 0, 0, G_OPTION_ARG_INT, &o->page_size, "Records a page; $top may lower it (1000)", "N"},
        G_OPTION_ENTRY_NULL,
    };

    g_option_context_add_main_entries(context, entries, NULL);
}

static void add_users(GOptionContext *context, struct options *o)
{
    const GOptionEntry entries[] = {
        {"users", 0, 0, G_OPTION_ARG_INT64, &o->users, "Accounts in the directory (300)", "N"},
        {"user-changes", 0, 0, G_OPTION_ARG_DOUBLE, &o->user_changes, "Accounts that change, of 100 a day (2)", "P"},
        {"user-turnover", 0, 0, G_OPTION_ARG_DOUBLE, &o->user_turnover,
         "Accounts that are removed, of 100 a day, while others are made and some come back (0.5)", "P"},
        {"user-repeats", 0, 0, G_OPTION_ARG_DOUBLE, &o->user_repeats,
         "Items that come twice in a delta round, of 100 (5)", "P"},
        {"user-replays", 0, 0, G_OPTION_ARG_DOUBLE, &o->user_replays,
         "Items that a later delta round tells again, of 100 (5)", "P"},
        {"delta-page-size", 0, 0, G_OPTION_ARG_INT, &o->delta_page_size, "Items a page of a delta round (200)", "N"},
        {"delta-token-days", 0, 0, G_OPTION_ARG_DOUBLE, &o->delta_token_days,
         "Days after which the links of a delta round expire (7)", "D"},
        {"link-length", 0, 0, G_OPTION_ARG_INT, &o->link_length, "Least characters of a token in links to users (400)",
         "N"},
        G_OPTION_ENTRY_NULL,
    };

    g_option_context_add_main_entries(context, entries, NULL);
}

static void add_announcements(GOptionContext *context, struct options *o)
{
    const GOptionEntry entries[] = {
        {"services", 0, 0, G_OPTION_ARG_INT64, &o->services, "Services that the tenant subscribes to (30)", "N"},
        {"issues", 0, 0, G_OPTION_ARG_INT64, &o->issues,
         "Issues of the services in the days before the start; they go on at that rate (40)", "N"},
        {"messages", 0, 0, G_OPTION_ARG_INT64, &o->messages, "Messages of the message center, likewise (120)", "N"},
        {"announcement-shift", 0, 0, G_OPTION_ARG_INT, &o->announcement_shift,
         "Records that come in front of a list of announcements between one page and the next; negative: that go (0)",
         "N"},
        G_OPTION_ENTRY_NULL,
    };

    g_option_context_add_main_entries(context, entries, NULL);
}

bool options_parse(struct options *o, int *argc, char ***argv, GError **error)
{
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);

    set_defaults(o);
    g_autofree char *description = g_strconcat(help_service, help_control, help_faults, NULL);
    g_option_context_set_summary(context, help_summary);
    g_option_context_set_description(context, description);
    add_serving(context, o);
    add_tenants(context, o);
    add_counts(context, o);
    add_habits(context, o);
    add_users(context, o);
    add_announcements(context, o);
    if (!g_option_context_parse(context, argc, argv, error))
        return false;
    if (*argc > 1) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "unexpected argument \"%s\"", (*argv)[1]);
        return false;
    }
    return finish(o, error);
}

void options_clear(struct options *o)
{
    g_free(o->listen_host);
    g_free(o->listen_text);
    g_free(o->ready_file);
    g_strfreev(o->tenants);
    g_strfreev(o->client_ids);
    g_free(o->client_secret);
    g_free(o->client_secret_file);
    g_free(o->tls);
    g_free(o->host_name);
    g_strfreev(o->client_certificates);
    g_free(o->algorithms_text);
    g_strfreev(o->algorithms);
    g_strfreev(o->withheld_roles);
    g_strfreev(o->granted_roles);
    g_strfreev(o->mailboxes);
    g_strfreev(o->load);
    g_free(o->budgets);
    g_free(o->clock);
}
