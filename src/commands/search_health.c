/* m365keep search in issues and messages of service health: those last modified first. */
#include "search.h"

#include <string.h>

#include "base/base.h"
#include "health_print.h"

enum { SAMPLE = 1000 }; /* rows that are looked at for what a filter might have meant */

struct found {
    struct search *search;
    struct store_health_query
        query; /* asks for one more than is printed: so that it can be told whether there are more */
    bool more;
};

static struct store_health_query query_of(const struct search *search)
{
    return (struct store_health_query){.kind =
                                           search->in == SEARCH_ISSUES ? STORE_HEALTH_ISSUES : STORE_HEALTH_MESSAGES,
                                       .words = *search->words != '\0' ? search->words : NULL,
                                       .fts_syntax = search->fts,
                                       .customer = search_customer(search),
                                       .service = search->service,
                                       .has_start = search->has_start,
                                       .has_end = search->has_end,
                                       .start = search->start,
                                       .end = search->end,
                                       .limit = MIN(search->limit, G_MAXINT - 1) + 1,
                                       .time_limit_ms = search->time_limit_s * 1000};
}

/* One of what is searched for. */
static const char *noun_of(const struct found *found)
{
    return found->search->in == SEARCH_ISSUES ? "issue" : "message";
}

static bool each_row(const struct store_health_row *row, void *user)
{
    struct found *found = user;

    if (found->search->printed == found->search->limit) {
        found->more = true;
        return false;
    }
    found->search->printed++;
    found->search->cut_off = !health_print(found->search->printer, row);
    return !found->search->cut_off;
}

static bool each_counted(const struct store_health_row *row, void *user)
{
    int64_t *n = user;
    (void)row;
    (*n)++;
    return true;
}

/* How many match, up to one more than the cap; -1 when that cannot be told in time: the answer itself is already there.
 */
static int64_t count(struct store *store, struct store_health_query query, int cap)
{
    g_autoptr(GError) error = NULL;
    int64_t n = 0;

    query.limit = cap + 1;
    query.time_limit_ms = 1000;
    return store_search_health(store, &query, each_counted, &n, &error) ? n : -1;
}

static void say_how_many(const struct command_context *context, const struct found *found, struct store *store)
{
    int printed = found->search->printed;
    g_autofree char *shown = text_count(printed);

    if (!found->more) {
        command_say(context, "%s of %s matching %s%s, last modified first", shown, shown, noun_of(found),
                    printed == 1 ? "" : "s");
        return;
    }
    int cap = MIN(MAX(SEARCH_COUNT_CAP, printed), G_MAXINT - 1);
    int64_t n = count(store, found->query, cap);
    g_autofree char *total = n < 0 ? g_strdup("many") : search_capped(n, cap);
    command_say(context, "%s of %s matching %ss, last modified first; more with --limit N", shown, total,
                noun_of(found));
}

/* --- nothing came: why? ------------------------------------------------------------------------------------------- */

static void add_once(GPtrArray *values, const char *value)
{
    if (value != NULL && *value != '\0' && !g_ptr_array_find_with_equal_func(values, value, g_str_equal, NULL))
        g_ptr_array_add(values, g_strdup(value));
}

static bool each_customer(const struct store_health_row *row, void *user)
{
    add_once(user, row->customer);
    return true;
}

static bool each_service(const struct store_health_row *row, void *user)
{
    g_auto(GStrv) names = health_print_services(row->services);

    add_once(user, row->service);
    for (char **name = names; *name != NULL; name++)
        add_once(user, *name);
    return true;
}

/* Says that no row passes the filter, and what it might have meant: `each` gathers the values there are. */
static void suggest_value(const struct command_context *context, const struct found *found, struct store *store,
                          const char *option, const char *value, store_health_fn each)
{
    g_autoptr(GPtrArray) values = g_ptr_array_new_with_free_func(g_free);
    const struct store_health_query any = {.kind = found->query.kind, .limit = SAMPLE, .time_limit_ms = 1000};
    g_autoptr(GError) ignored = NULL; /* fewer values to choose from */

    store_search_health(store, &any, each, values, &ignored);
    g_ptr_array_add(values, NULL);
    const char *meant = search_meant(value, (const char *const *)values->pdata);
    g_autofree char *list = search_list((const char *const *)values->pdata);
    if (meant != NULL)
        command_say(context, "No %s at all has %s \"%s\". Did you mean \"%s\"?", noun_of(found), option, value, meant);
    else if (*list != '\0')
        command_say(context, "No %s at all has %s \"%s\". Among the last modified are: %s.", noun_of(found), option,
                    value, list);
    else
        command_say(context, "No %s at all has %s \"%s\".", noun_of(found), option, value);
}

/* A filter that nothing passes is the likeliest slip. True when one was told. */
static bool suggest_filter(const struct command_context *context, const struct found *found, struct store *store)
{
    const struct store_health_query *query = &found->query;

    if (query->customer != NULL &&
        count(store, (struct store_health_query){.kind = query->kind, .customer = query->customer}, 0) == 0)
        suggest_value(context, found, store, "--customer", query->customer, each_customer);
    else if (query->service != NULL &&
             count(store, (struct store_health_query){.kind = query->kind, .service = query->service}, 0) == 0)
        suggest_value(context, found, store, "--service", query->service, each_service);
    else
        return false;
    return true;
}

static int64_t count_words(const struct search_probe *probe, const char *words, bool alone, int64_t cap)
{
    const struct found *found = probe->found;
    struct store_health_query query = alone ? (struct store_health_query){.kind = found->query.kind} : found->query;

    query.words = words;
    return count(probe->store, query, (int)cap);
}

/* True when it was told how many there are at other times. */
static bool suggest_any_time(const struct command_context *context, const struct found *found, struct store *store)
{
    struct store_health_query wider = found->query;

    wider.has_start = wider.has_end = false;
    int64_t n = found->query.has_start || found->query.has_end ? count(store, wider, SEARCH_COUNT_CAP) : 0;
    if (n > 0) {
        g_autofree char *total = search_capped(n, SEARCH_COUNT_CAP);
        command_say(context, "No %s matches that was last modified in that time; of any time, %s would.",
                    noun_of(found), total);
    }
    return n > 0;
}

static void say_why_none(const struct command_context *context, const struct found *found, struct store *store)
{
    const char *noun = noun_of(found);
    const struct search_probe probe = {noun, store, found, count_words};

    if (count(store, (struct store_health_query){.kind = found->query.kind}, 0) == 0)
        command_say(context, "The database holds no %ss yet: run m365keep scan.", noun);
    else if (suggest_filter(context, found, store) || search_suggest_words(context, found->search, &probe) ||
             suggest_any_time(context, found, store))
        return;
    else if (search_has_plain_words(found->search))
        command_say(context, "No %s matches: each of the words occurs, but not together. Try fewer words or filters.",
                    noun);
    else if (found->query.words != NULL)
        command_say(context, "No %s matches. Try fewer words or filters, or words instead of a phrase.", noun);
    else
        command_say(context, "No %s matches all the filters together: leave one out.", noun);
}

/* --- the whole ---------------------------------------------------------------------------------------------------- */

int search_health(const struct command_context *context, struct search *search, struct store *store)
{
    struct found found = {.search = search, .query = query_of(search)};
    g_autoptr(GError) error = NULL;

    search->printer = search_printer(search, search->in == SEARCH_ISSUES ? &issue_print_kind : &message_print_kind);
    store_search_health(store, &found.query, each_row, &found, &error);
    int status = search_finish(context, search, error, "narrow the search with --start or a filter");
    if (error != NULL || status != EXIT_DONE || search->cut_off || context->quiet)
        return status;
    if (search->printed > 0)
        say_how_many(context, &found, store);
    else
        say_why_none(context, &found, store);
    return status;
}
