/* m365keep search: its options, and which search they mean. */
#include "search.h"

#include <string.h>

#include "base/base.h"

enum {
    LIMIT_DEFAULT = 50,
    TIME_LIMIT_DEFAULT_S = 30,
    TIME_LIMIT_MOST_S = 86400,
};

static void search_clear(struct search *search)
{
    g_free(search->in_text);
    g_free(search->service);
    g_free(search->actor);
    g_free(search->operation);
    g_free(search->result);
    g_free(search->customer);
    g_free(search->source);
    g_free(search->start_text);
    g_free(search->end_text);
    g_free(search->words);
    printer_free(search->printer);
}

/* --- options ------------------------------------------------------------------------------------------------------ */

static const char summary[] =
    "Finds the events that hold all the words and meet all the filters, the newest first; without words, the newest\n"
    "events. --in searches accounts, or the issues or messages of service health, in their place.";

static const char description[] =
    "Words match whole words, whatever their case, anywhere in a record: names, addresses, GUIDs, IP\n"
    "addresses. alic* matches what begins with alic (three letters at least, two in scripts other than Latin);\n"
    "'\"reset password\"' in the shell's single quotes is a phrase. Words that begin with a dash come after --.\n"
    "A run of characters without spaces is one word, so Chinese, Japanese and Thai match from the start of a\n"
    "run: use a prefix there.\n"
    "\n"
    "TIME is a date or time (2026-11-20, 2026-11-20T07:00, UTC unless it says otherwise) or an age (90m, 24h,\n"
    "7d). --start is included, --end is not.\n"
    "\n"
    "--in users searches the accounts of the directory, removed ones too; --in issues the incidents and\n"
    "advisories of service health with all their posts, and --in messages the announcements of the message\n"
    "centre, those last modified first. --customer filters them all; --service (a display name, such as\n"
    "\"Exchange Online\"), --start and --end (when last modified) filter issues and messages; the other filters\n"
    "are for events.\n"
    "\n"
    "--raw prints the exact bytes that Microsoft sent for each record and a newline: NDJSON, as long as the\n"
    "service does not spread a record over several lines. Of an account, the JSON as last received, with later\n"
    "changes merged in.\n"
    "\n"
    "Examples:\n"
    "  m365keep search alice@example.org --start 7d\n"
    "  m365keep search 203.0.113.7 --result failure --json | jq '.[].actor_display'\n"
    "  m365keep search '\"reset password\"' --service UserManagement --csv > resets.csv\n"
    "  m365keep search --in users alice\n"
    "  m365keep search --in issues --service \"Exchange Online\" --start 30d\n"
    "  m365keep search --in messages '\"basic authentication\"' --csv > announcements.csv\n";

static bool parse_options(struct command_context *context, struct search *search, int *argc, char ***argv, int *status)
{
    const GOptionEntry entries[] = {
        {"in", 0, 0, G_OPTION_ARG_STRING, &search->in_text,
         "What to search: events (default), users, issues or messages", "WHAT"},
        {"service", 0, 0, G_OPTION_ARG_STRING, &search->service, "Only what is about this service", "NAME"},
        {"actor", 0, 0, G_OPTION_ARG_STRING, &search->actor, "Only what this address, name or id did", "NAME"},
        {"operation", 0, 0, G_OPTION_ARG_STRING, &search->operation, "Only this operation", "NAME"},
        {"result", 0, 0, G_OPTION_ARG_STRING, &search->result, "Only events with this result (success, failure ...)",
         "NAME"},
        {"customer", 0, 0, G_OPTION_ARG_STRING, &search->customer, "Only what is this customer's", "NAME"},
        {"source", 0, 0, G_OPTION_ARG_STRING, &search->source,
         "Only this source (sign-ins, directory-audits, intune-audits ...)", "NAME"},
        {"start", 0, 0, G_OPTION_ARG_STRING, &search->start_text,
         "Only what happened, or was last modified, at or after TIME", "TIME"},
        {"end", 0, 0, G_OPTION_ARG_STRING, &search->end_text, "Only what happened, or was last modified, before TIME",
         "TIME"},
        {"limit", 0, 0, G_OPTION_ARG_INT, &search->limit, "Print N rows at most (default 50)", "N"},
        {"time-limit", 0, 0, G_OPTION_ARG_INT, &search->time_limit_s, "Give up after N seconds (default 30; 0: never)",
         "N"},
        {"json", 0, 0, G_OPTION_ARG_NONE, &search->json, "Print a JSON array of documents", NULL},
        {"csv", 0, 0, G_OPTION_ARG_NONE, &search->csv, "Print CSV, safe to open in a spreadsheet", NULL},
        {"raw", 0, 0, G_OPTION_ARG_NONE, &search->raw, "Print the records as Microsoft sent them", NULL},
        {"fts", 0, 0, G_OPTION_ARG_NONE, &search->fts, "WORDS are a query in SQLite's FTS5 syntax", NULL},
        G_OPTION_ENTRY_NULL,
    };
    const struct command_usage usage = {.name = "search",
                                        .arguments = "[WORDS...]",
                                        .summary = summary,
                                        .description = description,
                                        .entries = entries};
    search->limit = LIMIT_DEFAULT;
    search->time_limit_s = TIME_LIMIT_DEFAULT_S;
    return command_parse(context, &usage, argc, argv, status);
}

static bool is_blank(const char *text)
{
    return text[strspn(text, " \t\r\n")] == '\0';
}

static const char *const in_names[] = {[SEARCH_EVENTS] = "events",
                                       [SEARCH_USERS] = "users",
                                       [SEARCH_ISSUES] = "issues",
                                       [SEARCH_MESSAGES] = "messages",
                                       NULL};

/* --in. */
static bool check_in(const struct command_context *context, struct search *search, int *status)
{
    if (search->in_text == NULL)
        return true; /* events */
    for (size_t i = 0; in_names[i] != NULL; i++)
        if (strcmp(search->in_text, in_names[i]) == 0) {
            search->in = (enum search_in)i;
            return true;
        }
    *status = command_usage_error(context, "--in takes events, users, issues or messages, not \"%s\"", search->in_text);
    return false;
}

/* What a filter applies to. */
enum filter_scope { FOR_EVENTS, FOR_DATED /* whatever has a time and a service */, FOR_ALL };

static bool applies(enum filter_scope scope, enum search_in in)
{
    return scope == FOR_ALL || in == SEARCH_EVENTS || (scope == FOR_DATED && in != SEARCH_USERS);
}

/* What goes with --in. An empty value comes from a variable that is not set, in a script: to leave the filter out would
 * find everything. */
static bool check_filters(const struct command_context *context, const struct search *search, int *status)
{
    const struct {
        const char *option, *value;
        enum filter_scope scope;
    } filters[] = {
        {"--customer", search->customer, FOR_ALL},  {"--service", search->service, FOR_DATED},
        {"--actor", search->actor, FOR_EVENTS},     {"--operation", search->operation, FOR_EVENTS},
        {"--result", search->result, FOR_EVENTS},   {"--source", search->source, FOR_EVENTS},
        {"--start", search->start_text, FOR_DATED}, {"--end", search->end_text, FOR_DATED},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(filters); i++) {
        if (filters[i].value == NULL)
            continue;
        if (!applies(filters[i].scope, search->in))
            *status = command_usage_error(context, "%s filters %s only: leave it out, or --in %s", filters[i].option,
                                          filters[i].scope == FOR_EVENTS ? "events" : "events, issues and messages",
                                          in_names[search->in]);
        else if (is_blank(filters[i].value))
            *status = command_usage_error(context, "%s is empty: give it a value, or leave it out to search without it",
                                          filters[i].option);
        else
            continue;
        return false;
    }
    return true;
}

/* The arguments as one text of words. */
static bool take_words(const struct command_context *context, struct search *search, char **arguments, int *status)
{
    if (*arguments != NULL && strcmp(*arguments, "--") == 0)
        arguments++;
    for (char **argument = arguments; *argument != NULL; argument++)
        if (is_blank(*argument)) {
            *status = command_usage_error(context, "a word is empty: give it, or leave it out to search without it");
            return false;
        }
    search->words = g_strstrip(g_strjoinv(" ", arguments));
    if (!g_utf8_validate(search->words, -1, NULL))
        *status = command_usage_error(context, "the words are not valid UTF-8");
    else if (search->fts && *search->words == '\0')
        *status = command_usage_error(context, "--fts needs a query");
    else
        return true;
    return false;
}

static bool check_options(const struct command_context *context, const struct search *search, int *status)
{
    if (search->json + search->csv + search->raw > 1)
        *status = command_usage_error(context, "--json, --csv and --raw exclude each other");
    else if (search->limit < 1)
        *status = command_usage_error(context, "--limit must be 1 or more");
    else if (search->time_limit_s < 0 || search->time_limit_s > TIME_LIMIT_MOST_S)
        *status = command_usage_error(context, "--time-limit must be 0 to %d seconds", TIME_LIMIT_MOST_S);
    else
        return true;
    return false;
}

/* A TIME option; NULL text is none. */
static bool read_time(const struct command_context *context, const char *option, const char *text, bool *has,
                      int64_t *seconds, int *status)
{
    g_autoptr(GError) error = NULL;

    *has = text != NULL;
    if (text == NULL || timestamp_parse_human(text, clock_now(&context->clock), seconds, &error))
        return true;
    *status = command_usage_error(context, "%s: %s", option, error->message);
    return false;
}

/* --start and --end. */
static bool read_times(const struct command_context *context, struct search *search, int *status)
{
    if (!read_time(context, "--start", search->start_text, &search->has_start, &search->start, status) ||
        !read_time(context, "--end", search->end_text, &search->has_end, &search->end, status))
        return false;
    if (search->has_start && search->has_end && search->start >= search->end) {
        *status = command_usage_error(context, "--start must be before --end");
        return false;
    }
    return true;
}

/* --- for all kinds of search -------------------------------------------------------------------------------------- */

struct printer *search_printer(const struct search *search, const struct print_kind *kind)
{
    enum print_format format = search->json  ? PRINT_FORMAT_JSON
                               : search->csv ? PRINT_FORMAT_CSV
                               : search->raw ? PRINT_FORMAT_RAW
                                             : PRINT_FORMAT_TABLE;

    return printer_new(kind, format, search->limit, search_customer(search) != NULL);
}

const char *search_customer(const struct search *search)
{
    return g_strcmp0(search->customer, "all") == 0 ? NULL : search->customer; /* as collect takes it */
}

int search_finish(const struct command_context *context, struct search *search, const GError *error,
                  const char *narrower)
{
    printer_finish(search->printer, error == NULL);
    int status = command_finish(context, EXIT_DONE);
    if (error == NULL)
        return status;
    bool slow = g_error_matches(error, STORE_ERROR, STORE_ERROR_LIMIT);
    bool wrong = g_error_matches(error, STORE_ERROR, STORE_ERROR_QUERY);
    return command_fail(context, wrong ? EXIT_USAGE : EXIT_FAILED, "%s%s%s%s", error->message, slow ? "; " : "",
                        slow ? narrower : "", slow ? ", or allow more with --time-limit" : "");
}

/* --- the whole ---------------------------------------------------------------------------------------------------- */

static struct store *open_store(const struct command_context *context, int *status)
{
    g_autoptr(GError) error = NULL;
    struct store *store = store_open(context->config->database, STORE_READ, &error);

    if (g_error_matches(error, STORE_ERROR, STORE_ERROR_NOT_FOUND))
        *status = command_fail(context, EXIT_FAILED,
                               "there is no database at %s yet: run m365keep collect first, or name another with --db",
                               context->config->database);
    else if (store == NULL)
        *status = command_fail(context, EXIT_FAILED, "%s", error->message);
    return store;
}

static int (*const searches[])(const struct command_context *context, struct search *search, struct store *store) = {
    [SEARCH_EVENTS] = search_events,
    [SEARCH_USERS] = search_users,
    [SEARCH_ISSUES] = search_health,
    [SEARCH_MESSAGES] = search_health,
};

int command_search(int argc, char **argv)
{
    g_auto(CommandContext) context = {0};
    struct search search = {0};
    int status = EXIT_DONE;

    if (parse_options(&context, &search, &argc, &argv, &status) && check_options(&context, &search, &status) &&
        check_in(&context, &search, &status) && check_filters(&context, &search, &status) &&
        take_words(&context, &search, argv + 1, &status) && command_configure(&context, false, &status) &&
        read_times(&context, &search, &status)) {
        g_autoptr(Store) store = open_store(&context, &status);
        if (store != NULL)
            status = searches[search.in](&context, &search, store);
    }
    search_clear(&search);
    return status;
}
