/* m365keep search: the newest events that match, and a word on how many there are. */
#include "commands.h"

#include <string.h>

#include "base/base.h"
#include "event_print.h"
#include "store/store.h"

enum {
    LIMIT_DEFAULT = 50,
    TIME_LIMIT_DEFAULT_S = 30,
    TIME_LIMIT_MOST_S = 86400,
    COUNT_CAP = 10000, /* counting common words takes as long as reading them all */
    SAMPLE = 1000,     /* newest events that are looked at for what a filter might have meant */
    VALUES_SHOWN = 8,
    PREFIX_LEAST = 3, /* letters; the index cannot do shorter prefixes in reasonable time */
    PREFIX_LEAST_FOREIGN = 2,
};

struct search {
    char *service, *actor, *operation, *result, *customer, *source, *start_text, *end_text;
    gboolean json, csv, raw, fts;
    int limit, time_limit_s;
    char *words;
    struct store_query query;
    /* What came. */
    struct event_printer *printer;
    int printed;
    bool cut_off;                    /* standard output took no more */
    struct timestamp newest, oldest; /* of what was printed */
    bool timed;                      /* both of them are known */
};

static void search_clear(struct search *search)
{
    g_free(search->service);
    g_free(search->actor);
    g_free(search->operation);
    g_free(search->result);
    g_free(search->customer);
    g_free(search->source);
    g_free(search->start_text);
    g_free(search->end_text);
    g_free(search->words);
    event_printer_free(search->printer);
}

/* --- options ------------------------------------------------------------------------------------------------------ */

static const char summary[] =
    "Finds the newest events that hold all the words and meet all the filters, newest first. Without "
    "words, the newest events.";

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
    "--raw prints the exact bytes that Microsoft sent for each record and a newline: NDJSON, as long as the\n"
    "service does not spread a record over several lines.\n"
    "\n"
    "Examples:\n"
    "  m365keep search alice@example.org --start 7d\n"
    "  m365keep search 203.0.113.7 --result failure --json | jq '.[].actor_display'\n"
    "  m365keep search '\"reset password\"' --service UserManagement --csv > resets.csv\n";

static bool parse_options(struct command_context *context, struct search *search, int *argc, char ***argv, int *status)
{
    const GOptionEntry entries[] = {
        {"service", 0, 0, G_OPTION_ARG_STRING, &search->service, "Only events of this service", "NAME"},
        {"actor", 0, 0, G_OPTION_ARG_STRING, &search->actor, "Only what this address, name or id did", "NAME"},
        {"operation", 0, 0, G_OPTION_ARG_STRING, &search->operation, "Only this operation", "NAME"},
        {"result", 0, 0, G_OPTION_ARG_STRING, &search->result, "Only events with this result (success, failure ...)",
         "NAME"},
        {"customer", 0, 0, G_OPTION_ARG_STRING, &search->customer, "Only this customer's events", "NAME"},
        {"source", 0, 0, G_OPTION_ARG_STRING, &search->source, "Only this source (sign-ins, directory-audits ...)",
         "NAME"},
        {"start", 0, 0, G_OPTION_ARG_STRING, &search->start_text, "Only events at or after TIME", "TIME"},
        {"end", 0, 0, G_OPTION_ARG_STRING, &search->end_text, "Only events before TIME", "TIME"},
        {"limit", 0, 0, G_OPTION_ARG_INT, &search->limit, "Print N events at most (default 50)", "N"},
        {"time-limit", 0, 0, G_OPTION_ARG_INT, &search->time_limit_s, "Give up after N seconds (default 30; 0: never)",
         "N"},
        {"json", 0, 0, G_OPTION_ARG_NONE, &search->json, "Print a JSON array of event documents", NULL},
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

/* An empty value comes from a variable that is not set, in a script: to leave the filter out would find everything. */
static bool check_filters(const struct command_context *context, const struct search *search, int *status)
{
    const struct {
        const char *option, *value;
    } filters[] = {
        {"--service", search->service}, {"--actor", search->actor},       {"--operation", search->operation},
        {"--result", search->result},   {"--customer", search->customer}, {"--source", search->source},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(filters); i++)
        if (filters[i].value != NULL && is_blank(filters[i].value)) {
            *status = command_usage_error(context, "%s is empty: give it a value, or leave it out to search without it",
                                          filters[i].option);
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

static bool build_query(const struct command_context *context, struct search *search, int *status)
{
    struct store_query *query = &search->query;
    bool all = g_strcmp0(search->customer, "all") == 0; /* as collect takes it */

    *query = (struct store_query){.words = *search->words != '\0' ? search->words : NULL,
                                  .fts_syntax = search->fts,
                                  .service = search->service,
                                  .actor = search->actor,
                                  .operation = search->operation,
                                  .result = search->result,
                                  .customer = all ? NULL : search->customer,
                                  .source = search->source,
                                  .limit = search->limit,
                                  .time_limit_ms = search->time_limit_s * 1000};
    if (!read_time(context, "--start", search->start_text, &query->has_start, &query->start, status) ||
        !read_time(context, "--end", search->end_text, &query->has_end, &query->end, status))
        return false;
    if (query->has_start && query->has_end && query->start >= query->end) {
        *status = command_usage_error(context, "--start must be before --end");
        return false;
    }
    return true;
}

/* --- what came ---------------------------------------------------------------------------------------------------- */

static bool each_event(const struct store_event *event, void *user)
{
    struct search *search = user;
    struct timestamp time;

    if (event->timestamp != NULL && timestamp_parse(event->timestamp, strlen(event->timestamp), &time)) {
        if (!search->timed)
            search->newest = time;
        search->oldest = time;
        search->timed = true;
    }
    search->printed++;
    search->cut_off = !event_printer_add(search->printer, event);
    return !search->cut_off;
}

/* "1,234", or "10,000+" beyond the cap. Returned: g_free. */
static char *capped(int64_t n, int64_t cap)
{
    g_autofree char *number = text_count(MIN(n, cap));
    return g_strconcat(number, n > cap ? "+" : "", NULL);
}

/* How many match, up to one more than the cap; -1 when that cannot be told in time: the answer itself is already there.
 */
static int64_t count(struct store *store, const struct store_query *query, int64_t cap)
{
    g_autoptr(GError) error = NULL;
    return store_search_count(store, query, cap, &error);
}

static void say_how_many(const struct command_context *context, const struct search *search, struct store *store)
{
    g_autofree char *shown = text_count(search->printed);

    if (search->printed < search->limit) {
        command_say(context, "%s of %s matching event%s, newest first", shown, shown, search->printed == 1 ? "" : "s");
        return;
    }
    int64_t cap = MAX(COUNT_CAP, search->printed), n = count(store, &search->query, cap);
    g_autofree char *total = n < 0 ? g_strdup("many") : capped(MAX(n, search->printed), cap);
    if (n >= 0 && n <= search->printed) {
        command_say(context, "%s of %s matching event%s, newest first", shown, total, n == 1 ? "" : "s");
        return;
    }
    /* The next search begins in the second in which this one ended, so that none of that second is missed. */
    if (search->timed && search->newest.seconds > search->oldest.seconds) {
        g_autofree char *end = timestamp_format_seconds(search->oldest.seconds + 1);
        command_say(context, "%s of %s matching events, newest first; more with --limit N or --end %s", shown, total,
                    end);
    } else {
        command_say(context, "%s of %s matching events, newest first; more with --limit N", shown, total);
    }
}

/* --- nothing came: why? ------------------------------------------------------------------------------------------- */

/* A filter's name and value, where in the query it stands, and the column it is about. */
struct filter {
    const char *option, *value;
    const char *(*column)(const struct store_event *event);
    struct store_query alone; /* this filter and no other */
};

struct sample {
    const struct filter *filter;
    GPtrArray *values; /* char *, each once */
};

static const char *service_of(const struct store_event *event)
{
    return event->service;
}

static const char *actor_of(const struct store_event *event)
{
    return event->actor_display;
}

static const char *operation_of(const struct store_event *event)
{
    return event->operation;
}

static const char *result_of(const struct store_event *event)
{
    return event->result;
}

static const char *customer_of(const struct store_event *event)
{
    return event->customer;
}

static const char *source_of(const struct store_event *event)
{
    return event->source;
}

static bool each_sample(const struct store_event *event, void *user)
{
    struct sample *sample = user;
    const char *value = sample->filter->column(event);

    if (value == NULL || *value == '\0')
        return true;
    for (guint i = 0; i < sample->values->len; i++)
        if (g_ascii_strcasecmp(sample->values->pdata[i], value) == 0)
            return true;
    g_ptr_array_add(sample->values, g_strdup(value));
    return true;
}

/* What the newest events have where `filter` looks. Returned: GPtrArray of char *, NULL at the end. */
static GPtrArray *known_values(struct store *store, const struct filter *filter)
{
    struct sample sample = {filter, g_ptr_array_new_with_free_func(g_free)};
    const struct store_query newest = {.limit = SAMPLE, .time_limit_ms = 1000};
    g_autoptr(GError) ignored = NULL; /* fewer values to choose from */

    store_search(store, &newest, each_sample, &sample, &ignored);
    g_ptr_array_add(sample.values, NULL);
    return sample.values;
}

static void suggest_value(const struct command_context *context, struct store *store, const struct filter *filter)
{
    g_autoptr(GPtrArray) values = known_values(store, filter);
    const char *nearest = command_nearest(filter->value, (const char *const *)values->pdata);

    if (nearest != NULL) {
        command_say(context, "No event at all has %s \"%s\". Did you mean \"%s\"?", filter->option, filter->value,
                    nearest);
        return;
    }
    g_autoptr(GString) list = g_string_new(NULL);
    for (guint i = 0; i < VALUES_SHOWN && values->pdata[i] != NULL; i++)
        g_string_append_printf(list, "%s%s", i > 0 ? ", " : "", (const char *)values->pdata[i]);
    command_say(context, "No event at all has %s \"%s\". Among the newest are: %s.", filter->option, filter->value,
                list->str);
}

/* A filter that no event passes is the likeliest slip. True when one was told. */
static bool suggest_filter(const struct command_context *context, const struct store_query *query, struct store *store)
{
    const struct filter filters[] = {
        {"--service", query->service, service_of, {.service = query->service}},
        {"--operation", query->operation, operation_of, {.operation = query->operation}},
        {"--result", query->result, result_of, {.result = query->result}},
        {"--customer", query->customer, customer_of, {.customer = query->customer}},
        {"--source", query->source, source_of, {.source = query->source}},
        {"--actor", query->actor, actor_of, {.actor = query->actor}},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(filters); i++) {
        struct store_query alone = filters[i].alone;
        alone.limit = 1;
        alone.time_limit_ms = 1000;
        if (filters[i].value != NULL && count(store, &alone, 1) == 0) {
            suggest_value(context, store, &filters[i]);
            return true;
        }
    }
    return false;
}

/* True when there are words, and nothing but words: no phrase, no FTS5 syntax. */
static bool has_plain_words(const struct store_query *query)
{
    return query->words != NULL && !query->fts_syntax && strchr(query->words, '"') == NULL;
}

/* Long enough to be searched for with a star, as far as can be told here: the store refuses what is not. */
static bool can_be_prefix(const char *word)
{
    bool foreign = true;

    for (const char *at = word; *at != '\0'; at = g_utf8_next_char(at))
        foreign = foreign && (guchar)*at >= 0x80 && g_unichar_get_script(g_utf8_get_char(at)) != G_UNICODE_SCRIPT_LATIN;
    return g_utf8_strlen(word, -1) >= (foreign ? PREFIX_LEAST_FOREIGN : PREFIX_LEAST);
}

/* The words as prefixes, where that makes a difference; else NULL. Returned: g_free. */
static char *as_prefixes(const struct store_query *query)
{
    if (!has_plain_words(query))
        return NULL;
    g_auto(GStrv) words = g_strsplit_set(query->words, " \t\n", -1);
    g_autoptr(GString) prefixes = g_string_new(NULL);
    bool changed = false;
    for (char **word = words; *word != NULL; word++) {
        bool add = can_be_prefix(*word) && !g_str_has_suffix(*word, "*");
        if (**word != '\0')
            g_string_append_printf(prefixes, "%s%s%s", prefixes->len > 0 ? " " : "", *word, add ? "*" : "");
        changed = changed || add;
    }
    return changed ? g_strdup(prefixes->str) : NULL;
}

/* The words that no event holds at all, quoted; NULL when there is none such. Returned: g_free. */
static char *missing_words(const struct store_query *query, struct store *store)
{
    if (!has_plain_words(query))
        return NULL;
    g_auto(GStrv) words = g_strsplit_set(query->words, " \t\n", -1);
    g_autoptr(GString) missing = g_string_new(NULL);
    for (char **word = words; *word != NULL; word++) {
        const struct store_query alone = {.words = *word, .limit = 1, .time_limit_ms = 1000};
        if (**word != '\0' && count(store, &alone, 1) == 0)
            g_string_append_printf(missing, "%s\"%s\"", missing->len > 0 ? ", " : "", *word);
    }
    return missing->len > 0 ? g_strdup(missing->str) : NULL;
}

static void say_why_none(const struct command_context *context, const struct store_query *query, struct store *store)
{
    struct store_query wider = {.limit = 1, .time_limit_ms = 1000};

    if (count(store, &wider, 1) == 0) {
        command_say(context, "The database holds no events yet: run m365keep collect.");
        return;
    }
    if (suggest_filter(context, query, store))
        return;

    g_autofree char *prefixes = as_prefixes(query);
    wider = *query;
    wider.words = prefixes;
    int64_t n = prefixes != NULL ? count(store, &wider, COUNT_CAP) : 0;
    if (n > 0) {
        g_autofree char *total = capped(n, COUNT_CAP);
        command_say(context, "No event matches. Words match whole words; '%s' would match %s.", prefixes, total);
        return;
    }
    g_autofree char *missing = missing_words(query, store);
    if (missing != NULL) {
        command_say(context, "No event holds %s. Words match whole words: try the beginning of one and a star (alic*).",
                    missing);
        return;
    }
    wider = *query;
    wider.has_start = wider.has_end = false;
    n = query->has_start || query->has_end ? count(store, &wider, COUNT_CAP) : 0;
    if (n > 0) {
        g_autofree char *total = capped(n, COUNT_CAP);
        command_say(context, "No event matches in that time; at any time, %s would.", total);
    } else if (has_plain_words(query)) {
        command_say(context,
                    "No event matches: each of the words occurs, but not together. Try fewer words or filters.");
    } else if (query->words != NULL) {
        command_say(context, "No event matches. Try fewer words or filters, or words instead of a phrase.");
    } else {
        command_say(context, "No event matches all the filters together: leave one out.");
    }
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

static int run_search(const struct command_context *context, struct search *search, struct store *store)
{
    enum event_format format = search->json  ? EVENT_FORMAT_JSON
                               : search->csv ? EVENT_FORMAT_CSV
                               : search->raw ? EVENT_FORMAT_RAW
                                             : EVENT_FORMAT_TABLE;
    g_autoptr(GError) error = NULL;

    search->printer = event_printer_new(format, search->limit, search->query.customer != NULL);
    bool ok = store_search(store, &search->query, each_event, search, &error);
    event_printer_finish(search->printer, ok);
    int status = command_finish(context, EXIT_DONE);
    if (!ok) {
        bool slow = g_error_matches(error, STORE_ERROR, STORE_ERROR_LIMIT);
        return command_fail(context, g_error_matches(error, STORE_ERROR, STORE_ERROR_QUERY) ? EXIT_USAGE : EXIT_FAILED,
                            "%s%s", error->message,
                            slow ? "; narrow the search with --start or a filter, or allow more with --time-limit"
                                 : "");
    }
    if (status != EXIT_DONE || search->cut_off || context->quiet)
        return status;
    if (search->printed > 0)
        say_how_many(context, search, store);
    else
        say_why_none(context, &search->query, store);
    return status;
}

int command_search(int argc, char **argv)
{
    g_auto(CommandContext) context = {0};
    struct search search = {0};
    int status = EXIT_DONE;

    if (parse_options(&context, &search, &argc, &argv, &status) && check_options(&context, &search, &status) &&
        check_filters(&context, &search, &status) && take_words(&context, &search, argv + 1, &status) &&
        command_configure(&context, false, &status) && build_query(&context, &search, &status)) {
        g_autoptr(Store) store = open_store(&context, &status);
        if (store != NULL)
            status = run_search(&context, &search, store);
    }
    search_clear(&search);
    return status;
}
