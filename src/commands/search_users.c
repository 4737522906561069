/* m365keep search in users: accounts, those that are there first, then by name. */
#include "search.h"

#include <string.h>

#include "base/base.h"
#include "user_print.h"

enum { SAMPLE = 1000 }; /* accounts that are looked at for what --customer might have meant */

struct found {
    struct search *search;
    struct store_user_query
        query; /* asks for one more than is printed: so that it can be told whether there are more */
    bool more;
};

static struct store_user_query query_of(const struct search *search)
{
    return (struct store_user_query){.words = *search->words != '\0' ? search->words : NULL,
                                     .fts_syntax = search->fts,
                                     .customer = search_customer(search),
                                     .limit = MIN(search->limit, G_MAXINT - 1) + 1,
                                     .time_limit_ms = search->time_limit_s * 1000};
}

static bool each_account(const struct store_user *account, void *user)
{
    struct found *found = user;

    if (found->search->printed == found->search->limit) {
        found->more = true;
        return false;
    }
    found->search->printed++;
    found->search->cut_off = !user_print(found->search->printer, account);
    return !found->search->cut_off;
}

static void say_how_many(const struct command_context *context, const struct found *found)
{
    g_autofree char *shown = text_count(found->search->printed);

    if (found->more)
        command_say(context, "%s matching account%s, and there are more: --limit N shows them", shown,
                    found->search->printed == 1 ? "" : "s");
    else
        command_say(context, "%s of %s matching account%s", shown, shown, found->search->printed == 1 ? "" : "s");
}

/* --- nothing came: why? ------------------------------------------------------------------------------------------- */

static bool each_counted(const struct store_user *account, void *user)
{
    int64_t *n = user;
    (void)account;
    (*n)++;
    return true;
}

/* How many match, up to one more than the cap; -1 when that cannot be told in time. */
static int64_t count(struct store *store, struct store_user_query query, int cap)
{
    g_autoptr(GError) error = NULL;
    int64_t n = 0;

    query.limit = cap + 1;
    query.time_limit_ms = 1000;
    return store_search_users(store, &query, each_counted, &n, &error) ? n : -1;
}

static bool each_customer(const struct store_user *account, void *user)
{
    GPtrArray *names = user;

    if (account->customer != NULL && !g_ptr_array_find_with_equal_func(names, account->customer, g_str_equal, NULL))
        g_ptr_array_add(names, g_strdup(account->customer));
    return true;
}

static void suggest_customer(const struct command_context *context, const char *customer, struct store *store)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    const struct store_user_query any = {.limit = SAMPLE, .time_limit_ms = 1000};
    g_autoptr(GError) ignored = NULL; /* fewer names to choose from */

    store_search_users(store, &any, each_customer, names, &ignored);
    g_ptr_array_add(names, NULL);
    const char *nearest = text_nearest(customer, (const char *const *)names->pdata);
    if (nearest != NULL)
        command_say(context, "No account at all has --customer \"%s\". Did you mean \"%s\"?", customer, nearest);
    else
        command_say(context, "No account at all has --customer \"%s\".", customer);
}

static int64_t count_words(const struct search_probe *probe, const char *words, bool alone, int64_t cap)
{
    const struct found *found = probe->found;
    struct store_user_query query = alone ? (struct store_user_query){0} : found->query;

    query.words = words;
    return count(probe->store, query, (int)cap);
}

static void say_why_none(const struct command_context *context, const struct found *found, struct store *store)
{
    const char *customer = found->query.customer;
    const struct search_probe probe = {"account", store, found, count_words};

    if (count(store, (struct store_user_query){0}, 0) == 0)
        command_say(context, "The database holds no accounts yet: run m365keep collect.");
    else if (customer != NULL && count(store, (struct store_user_query){.customer = customer}, 0) == 0)
        suggest_customer(context, customer, store);
    else if (search_suggest_words(context, found->search, &probe))
        return;
    else if (search_has_plain_words(found->search))
        command_say(context, "No account matches: each of the words occurs, but not together. Try fewer words.");
    else
        command_say(context, "No account matches. Try fewer words, or words instead of a phrase.");
}

/* --- the whole ---------------------------------------------------------------------------------------------------- */

int search_users(const struct command_context *context, struct search *search, struct store *store)
{
    struct found found = {.search = search, .query = query_of(search)};
    g_autoptr(GError) error = NULL;

    search->printer = search_printer(search, &user_print_kind);
    store_search_users(store, &found.query, each_account, &found, &error);
    int status = search_finish(context, search, error, "narrow the search with more words");
    if (error != NULL || status != EXIT_DONE || search->cut_off || context->quiet)
        return status;
    if (search->printed > 0)
        say_how_many(context, &found);
    else
        say_why_none(context, &found, store);
    return status;
}
