/* m365keep search in events: the newest that match, and a word on how many there are. */
#include "search.h"

#include <string.h>

#include "base/base.h"
#include "event_print.h"
#include "sources/sources.h"

enum { SAMPLE = 1000 }; /* newest events that are looked at for what a filter might have meant */

struct found {
    struct search *search;
    struct store_query query;
    struct timestamp newest, oldest; /* of what was printed */
    bool timed;                      /* both of them are known */
};

static struct store_query query_of(const struct search *search)
{
    return (struct store_query){.words = *search->words != '\0' ? search->words : NULL,
                                .fts_syntax = search->fts,
                                .service = search->service,
                                .actor = search->actor,
                                .operation = search->operation,
                                .result = search->result,
                                .customer = search_customer(search),
                                .source = search->source,
                                .has_start = search->has_start,
                                .has_end = search->has_end,
                                .start = search->start,
                                .end = search->end,
                                .limit = search->limit,
                                .time_limit_ms = search->time_limit_s * 1000};
}

/* --- what came ---------------------------------------------------------------------------------------------------- */

static bool each_event(const struct store_event *event, void *user)
{
    struct found *found = user;
    struct timestamp time;

    if (event->timestamp != NULL && timestamp_parse(event->timestamp, strlen(event->timestamp), &time)) {
        if (!found->timed)
            found->newest = time;
        found->oldest = time;
        found->timed = true;
    }
    found->search->printed++;
    found->search->cut_off = !event_print(found->search->printer, event);
    return !found->search->cut_off;
}

/* How many match, up to one more than the cap; -1 when that cannot be told in time: the answer itself is already there.
 */
static int64_t count(struct store *store, const struct store_query *query, int64_t cap)
{
    g_autoptr(GError) error = NULL;
    return store_search_count(store, query, cap, &error);
}

static void say_how_many(const struct command_context *context, const struct found *found, struct store *store)
{
    int printed = found->search->printed;
    g_autofree char *shown = text_count(printed);

    if (printed < found->search->limit) {
        command_say(context, "%s of %s matching event%s, newest first", shown, shown, printed == 1 ? "" : "s");
        return;
    }
    int64_t cap = MAX(SEARCH_COUNT_CAP, printed), n = count(store, &found->query, cap);
    g_autofree char *total = n < 0 ? g_strdup("many") : search_capped(MAX(n, printed), cap);
    if (n >= 0 && n <= printed) {
        command_say(context, "%s of %s matching event%s, newest first", shown, total, n == 1 ? "" : "s");
        return;
    }
    /* The next search begins in the second in which this one ended, so that none of that second is missed. */
    if (found->timed && found->newest.seconds > found->oldest.seconds) {
        g_autofree char *end = timestamp_format_seconds(found->oldest.seconds + 1);
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
    const char *(*column)(const struct store_event *event); /* NULL: the source, whose values are known */
    struct store_query alone;                               /* this filter and no other */
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

/* What is to be said of a known source that no event is from. */
static void explain_source(const struct command_context *context, const struct source *source)
{
    switch (source->kind) {
    case SOURCE_EVENTS:
        command_say(context, "The database holds no events of %s yet: run m365keep collect --only %s.", source->name,
                    source->name);
        break;
    case SOURCE_ACCOUNTS:
        command_say(context, "%s brings accounts, not events: search them with --in users.", source->name);
        break;
    case SOURCE_HEALTH:
        command_say(context, "%s brings no events: search with --in issues or --in messages.", source->name);
        break;
    }
}

/* The sources are known whether or not anything has come from them. */
static void suggest_source(const struct command_context *context, const char *value)
{
    g_autofree char *name = g_ascii_strdown(value, -1);
    const struct source *source = source_find(name);
    g_autoptr(GPtrArray) names = g_ptr_array_new();

    if (source != NULL) {
        explain_source(context, source);
        return;
    }
    for (source = sources_all(); source->name != NULL; source++)
        if (source->kind == SOURCE_EVENTS)
            g_ptr_array_add(names, (gpointer)source->name);
    g_ptr_array_add(names, NULL);
    const char *meant = search_meant(value, (const char *const *)names->pdata);
    g_autofree char *list = search_list((const char *const *)names->pdata);
    if (meant != NULL)
        command_say(context, "There is no source \"%s\" of events. Did you mean \"%s\"?", value, meant);
    else
        command_say(context, "There is no source \"%s\" of events. There are: %s.", value, list);
}

static void suggest_value(const struct command_context *context, struct store *store, const struct filter *filter)
{
    g_autoptr(GPtrArray) values = known_values(store, filter);
    const char *nearest = search_meant(filter->value, (const char *const *)values->pdata);

    if (nearest != NULL) {
        command_say(context, "No event at all has %s \"%s\". Did you mean \"%s\"?", filter->option, filter->value,
                    nearest);
        return;
    }
    g_autofree char *list = search_list((const char *const *)values->pdata);
    command_say(context, "No event at all has %s \"%s\". Among the newest are: %s.", filter->option, filter->value,
                list);
}

/* A filter that no event passes is the likeliest slip. True when one was told. */
static bool suggest_filter(const struct command_context *context, const struct store_query *query, struct store *store)
{
    const struct filter filters[] = {
        {"--service", query->service, service_of, {.service = query->service}},
        {"--operation", query->operation, operation_of, {.operation = query->operation}},
        {"--result", query->result, result_of, {.result = query->result}},
        {"--customer", query->customer, customer_of, {.customer = query->customer}},
        {"--source", query->source, NULL, {.source = query->source}},
        {"--actor", query->actor, actor_of, {.actor = query->actor}},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(filters); i++) {
        struct store_query alone = filters[i].alone;
        alone.limit = 1;
        alone.time_limit_ms = 1000;
        if (filters[i].value == NULL || count(store, &alone, 1) != 0)
            continue;
        if (filters[i].column != NULL)
            suggest_value(context, store, &filters[i]);
        else
            suggest_source(context, filters[i].value);
        return true;
    }
    return false;
}

static int64_t count_words(const struct search_probe *probe, const char *words, bool alone, int64_t cap)
{
    const struct found *found = probe->found;
    struct store_query query = alone ? (struct store_query){.limit = 1, .time_limit_ms = 1000} : found->query;

    query.words = words;
    return count(probe->store, &query, cap);
}

/* True when it was told how many there are at other times. */
static bool suggest_any_time(const struct command_context *context, const struct found *found, struct store *store)
{
    struct store_query wider = found->query;

    wider.has_start = wider.has_end = false;
    int64_t n = found->query.has_start || found->query.has_end ? count(store, &wider, SEARCH_COUNT_CAP) : 0;
    if (n > 0) {
        g_autofree char *total = search_capped(n, SEARCH_COUNT_CAP);
        command_say(context, "No event matches in that time; at any time, %s would.", total);
    }
    return n > 0;
}

static void say_why_none(const struct command_context *context, const struct found *found, struct store *store)
{
    const struct store_query any = {.limit = 1, .time_limit_ms = 1000};
    const struct search_probe probe = {"event", store, found, count_words};

    if (count(store, &any, 1) == 0)
        command_say(context, "The database holds no events yet: run m365keep collect.");
    else if (suggest_filter(context, &found->query, store) || search_suggest_words(context, found->search, &probe) ||
             suggest_any_time(context, found, store))
        return;
    else if (search_has_plain_words(found->search))
        command_say(context,
                    "No event matches: each of the words occurs, but not together. Try fewer words or filters.");
    else if (found->query.words != NULL)
        command_say(context, "No event matches. Try fewer words or filters, or words instead of a phrase.");
    else
        command_say(context, "No event matches all the filters together: leave one out.");
}

/* --- the whole ---------------------------------------------------------------------------------------------------- */

int search_events(const struct command_context *context, struct search *search, struct store *store)
{
    struct found found = {.search = search, .query = query_of(search)};
    g_autoptr(GError) error = NULL;

    search->printer = search_printer(search, &event_print_kind);
    store_search(store, &found.query, each_event, &found, &error);
    int status = search_finish(context, search, error, "narrow the search with --start or a filter");
    if (error != NULL || status != EXIT_DONE || search->cut_off || context->quiet)
        return status;
    if (search->printed > 0)
        say_how_many(context, &found, store);
    else
        say_why_none(context, &found, store);
    return status;
}
