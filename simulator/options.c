#include "options.h"

#include <math.h>
#include <string.h>

static const char default_tenant[] = "11111111-2222-4333-8444-555555555555";
static const char default_client[] = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee";
static const char default_secret[] = "simulated~Secret.1+/=";

static const char summary[] =
    "Plays the parts of Microsoft's sign-in and Graph services that m365keep talks to, on loopback: tokens, sign-ins,\n"
    "directory audits and users, with paging, lateness, changed records, throttling and any fault a test asks for.\n"
    "Records follow from the options and the clock alone: the same options give the same bytes.";

static const char description[] =
    "When it listens, it prints one line of JSON, {\"url\":\"http://127.0.0.1:PORT\",\"pid\":N}, and writes the same "
    "to\n"
    "the ready file. Point LOGIN_URL and GRAPH_URL at the url. With --tls it is https://localhost:PORT.\n"
    "\n"
    "Clock: <simulated epoch>@<rate>@<real epoch>, seconds. Simulated now = simulated epoch + (real now - real epoch)\n"
    "x rate; rate 0 stands still. Visibility of records, budgets, token lifetimes and Date headers all follow it.\n"
    "\n"
    "Endpoints:\n"
    "  POST /TENANT/oauth2/v2.0/token   by secret, or by an assertion signed for a --client-certificate\n"
    "  GET  /TENANT/v2.0/.well-known/openid-configuration   /TENANT/.well-known/openid-configuration\n"
    "  GET  /TENANT/discovery/v2.0/keys   /TENANT/discovery/keys   /common/discovery/instance\n"
    "  GET  /v1.0/auditLogs/signIns  /beta/auditLogs/signIns  /v1.0/auditLogs/directoryAudits\n"
    "  GET  /v1.0/users  /v1.0/users/delta, and both below /beta\n"
    "\n"
    "Control, without a token:\n"
    "  GET  /control/stats         counts of requests, tokens, bytes, budget violations\n"
    "  POST /control/reset-stats   forgets them\n"
    "  GET  /control/requests      the last 1000 requests\n"
    "  GET  /control/truth         what can be seen now: NDJSON of tenant, source, id, sha256\n"
    "  GET  /control/clock         the simulated time\n"
    "  POST /control/clock         {\"clock\":\"SPEC\"}\n"
    "  POST /control/records       {\"source\":S,\"record\":{...}|\"record_base64\":B,\"tenant\":T,\"replace\":true}\n"
    "  GET  /control/users         every account at a moment: NDJSON of tenant, id, removed (null, \"changed\",\n"
    "                              \"deleted\") and user; ?at=EPOCH|ISO&tenant=T&select=A,B&gone_days=N\n"
    "  POST /control/users         edits by hand, one or an array of: {\"tenant\":T,\"id\":I} and one of "
    "\"set\":{...}\n"
    "                              (without id: a new account), \"patch\":{...}, \"remove\":\"changed\"|\"deleted\",\n"
    "                              \"restore\":true; set_base64 and patch_base64 keep values byte for byte\n"
    "  GET  /control/faults        the list, with how often each matched and fired\n"
    "  POST /control/faults        [{\"match\":{\"path\":\"signIns\",\"tenant\":T,\"page\":2},\"skip\":1,\"times\":3,\n"
    "                                \"action\":{\"status\":429,\"headers\":{\"Retry-After\":\"7\"}}}]\n"
    "\n"
    "Of several faults the first that matches and is due fires; times 0 or none: always; an empty list clears. The\n"
    "keys of an action combine:\n"
    "  status N              that status with Graph's body for it     aadsts N        Entra's error of that number\n"
    "  headers {K:V|[V]|null} set, repeat or drop headers             body, body_base64  other bytes\n"
    "  html, empty_body, error_in_200, redirect URL, gzip_bomb MB     bom, append TEXT   bytes before and after\n"
    "  truncate N|\"half\"     looks whole but is not                   truncate_hard N|\"half\"  announced, then cut\n"
    "  stall_after N         that much, then silence                  delay_ms N, reset  late, or no answer at all\n"
    "  next_link TEXT        with {same} and {base}                   drop_value, insert_record_base64, expire_token\n"
    "  delta_link TEXT       likewise, at a round's end               drop_links, no_records   an empty end of a page\n"
    "  code TEXT             Graph's body for that error code, with status\n"
    "\n"
    "A match may also hold \"endpoint\" (token, metadata, signIns, directoryAudits, users, usersDelta) and \"query\", "
    "a\n"
    "part of the decoded query. \"percent\":P beside it: the fault fires in P of 100 cases, the same ones each time.\n"
    "\n"
    "Example: m365keep-sim --listen 127.0.0.1:8365 --sign-ins 200000 --budgets documented";

static void set_defaults(struct options *o)
{
    *o = (struct options){.seed = 1,
                          .sign_ins = -1,
                          .directory_audits = -1,
                          .days = 30,
                          .retention_days = 30,
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
                          .delta_token_days = 7,
                          .delta_page_size = 200,
                          .link_length = 400};
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
        {"non-interactive-sign-ins", (double)o->non_interactive_sign_ins, 0, 1e9, "a count from 0 to 1000000000"},
        {"service-principal-sign-ins", (double)o->service_principal_sign_ins, 0, 1e9, "a count from 0 to 1000000000"},
        {"managed-identity-sign-ins", (double)o->managed_identity_sign_ins, 0, 1e9, "a count from 0 to 1000000000"},
        {"days", o->days, 1e-3, 36500, "a number of days from 0.001 to 36500"},
        {"retention-days", o->retention_days, 0, 36500, "a number of days from 0 (for ever) to 36500"},
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
        {"link-length", o->link_length, 0, 65536, "a number of characters from 0 to 65536"},
        {"token-lifetime", o->token_lifetime, 0, 1e6, "seconds from 1 to 1000000"},
    };

    for (gsize k = 0; k < G_N_ELEMENTS(ranges); k++)
        if (!isfinite(ranges[k].value) || ranges[k].value < ranges[k].least || ranges[k].value > ranges[k].most)
            return refuse(error, ranges[k].option, ranges[k].expected);
    return true;
}

static bool check_tenants(struct options *o, GError **error)
{
    const char *const one[] = {default_tenant, NULL};

    if (!o->tenants)
        o->tenants = g_strdupv((char **)(gpointer)one);
    for (char **t = o->tenants; *t; t++) {
        if (!g_uuid_string_is_valid(*t))
            return refuse(error, "tenant", "a GUID");
        char *lower = g_ascii_strdown(*t, -1);
        g_free(*t);
        *t = lower;
    }
    return true;
}

static bool finish(struct options *o, GError **error)
{
    fill_text(&o->listen_text, "127.0.0.1:0");
    fill_text(&o->client_id, default_client);
    fill_text(&o->budgets, "none");
    if (!o->clock && g_getenv("M365KEEP_CLOCK"))
        o->clock = g_strdup(g_getenv("M365KEEP_CLOCK"));
    if (o->client_secret_file) {
        g_clear_pointer(&o->client_secret, g_free);
        if (!g_file_get_contents(o->client_secret_file, &o->client_secret, NULL, error))
            return false;
        g_strchomp(o->client_secret);
    }
    fill_text(&o->client_secret, default_secret);
    o->enforce_budgets = strcmp(o->budgets, "documented") == 0;
    if (!o->enforce_budgets && strcmp(o->budgets, "none") != 0)
        return refuse(error, "budgets", "none or documented");
    if (!split_listen(o, error))
        return false;
    fill_text(&o->host_name, o->tls ? "localhost" : o->listen_host);
    return split_algorithms(o, error) && check_numbers(o, error) && check_tenants(o, error);
}

bool options_parse(struct options *o, int *argc, char ***argv, GError **error)
{
    g_autofree char *tenant_help = g_strdup_printf("A tenant; may be repeated (%s)", default_tenant);
    g_autofree char *client_help = g_strdup_printf("The app's id (%s)", default_client);
    g_autofree char *secret_help = g_strdup_printf("The app's secret (%s)", default_secret);

    set_defaults(o);
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
        {"tenant", 0, 0, G_OPTION_ARG_STRING_ARRAY, &o->tenants, tenant_help, "GUID"},
        {"client-id", 0, 0, G_OPTION_ARG_STRING, &o->client_id, client_help, "GUID"},
        {"client-secret", 0, 0, G_OPTION_ARG_STRING, &o->client_secret, secret_help, "TEXT"},
        {"client-secret-file", 0, 0, G_OPTION_ARG_FILENAME, &o->client_secret_file, "Read the secret from a file",
         "FILE"},
        {"client-certificate", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &o->client_certificates,
         "Register this public certificate (PEM) for the app; may be repeated", "FILE"},
        {"assertion-algorithms", 0, 0, G_OPTION_ARG_STRING, &o->algorithms_text,
         "How client assertions may be signed (PS256,RS256)", "LIST"},
        {"refuse-repeated-assertions", 0, 0, G_OPTION_ARG_NONE, &o->refuse_repeated,
         "Refuse a client assertion that was sent before", NULL},
        {"token-lifetime", 0, 0, G_OPTION_ARG_INT, &o->token_lifetime,
         "Seconds a token is valid (3600 to 5400, rolled)", "SECONDS"},
        {"seed", 0, 0, G_OPTION_ARG_INT64, &o->seed, "Another seed, other records (1)", "N"},
        {"sign-ins", 0, 0, G_OPTION_ARG_INT64, &o->sign_ins,
         "Sign-ins in the days before the start; they go on at that rate (10000)", "N"},
        {"directory-audits", 0, 0, G_OPTION_ARG_INT64, &o->directory_audits, "Directory audits, likewise (2000)", "N"},
        {"non-interactive-sign-ins", 0, 0, G_OPTION_ARG_INT64, &o->non_interactive_sign_ins,
         "Sign-ins of users by token, which only beta shows (0)", "N"},
        {"service-principal-sign-ins", 0, 0, G_OPTION_ARG_INT64, &o->service_principal_sign_ins,
         "Sign-ins of apps, likewise (0)", "N"},
        {"managed-identity-sign-ins", 0, 0, G_OPTION_ARG_INT64, &o->managed_identity_sign_ins,
         "Sign-ins of managed identities, likewise (0)", "N"},
        {"days", 0, 0, G_OPTION_ARG_DOUBLE, &o->days, "Days before the start over which they are spread (30)", "D"},
        {"retention-days", 0, 0, G_OPTION_ARG_DOUBLE, &o->retention_days,
         "Older records are not served; 0 keeps all (30)", "D"},
        {"late-percent", 0, 0, G_OPTION_ARG_DOUBLE, &o->late_percent,
         "Records that appear 10 minutes to 20 hours late (2)", "P"},
        {"changed-percent", 0, 0, G_OPTION_ARG_DOUBLE, &o->changed_percent, "Records that later get another body (1)",
         "P"},
        {"repeat-percent", 0, 0, G_OPTION_ARG_DOUBLE, &o->repeat_percent,
         "Pages that repeat the page before's last record (5)", "P"},
        {"empty-pages", 0, 0, G_OPTION_ARG_DOUBLE, &o->empty_pages,
         "Pages without records that lead on to the next (2)", "P"},
        {"page-size", 0, 0, G_OPTION_ARG_INT, &o->page_size, "Records a page; $top may lower it (1000)", "N"},
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
        {"no-premium", 0, 0, G_OPTION_ARG_NONE, &o->no_premium,
         "Without a premium licence: sign-ins and signInActivity are refused with 403", NULL},
        {"load", 0, 0, G_OPTION_ARG_STRING_ARRAY, &o->load,
         "Serve each line as it is, in place of generated records; may be repeated. SOURCE: sign-ins or "
         "directory-audits",
         "SOURCE=FILE"},
        {"budgets", 0, 0, G_OPTION_ARG_STRING, &o->budgets,
         "documented: 429 beyond 5 report requests in 10 s for each app and tenant, beyond the directory's resource "
         "units, and beyond 10 requests a minute for signInActivity (none)",
         "none|documented"},
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
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    g_option_context_set_summary(context, summary);
    g_option_context_set_description(context, description);
    g_option_context_add_main_entries(context, entries, NULL);
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
    g_free(o->client_id);
    g_free(o->client_secret);
    g_free(o->client_secret_file);
    g_free(o->tls);
    g_free(o->host_name);
    g_strfreev(o->client_certificates);
    g_free(o->algorithms_text);
    g_strfreev(o->algorithms);
    g_strfreev(o->load);
    g_free(o->budgets);
    g_free(o->clock);
}
