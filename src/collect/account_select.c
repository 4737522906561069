#include "collect/account_run.h"

#include <string.h>

#include "base/base.h"

/* The search for properties that the service refuses (501) without saying which: by halves. */
struct account_probe {
    GPtrArray *groups;              /* char *: properties with commas between, to be tried together */
    char *group;                    /* the one that is tried now */
    bool in_delta;                  /* users/delta refused, and not the listing */
    bool found;                     /* some property was left out */
    struct client_failure *failure; /* what it began with */
};

void account_probe_free(struct account_probe *probe)
{
    if (!probe)
        return;
    g_ptr_array_unref(probe->groups);
    g_free(probe->group);
    client_failure_free(probe->failure);
    g_free(probe);
}

/* Leaves out the property that the message names; NULL when it names none. Returned: the property. */
static char *leave_out(struct account_run *run, const char *message)
{
    char *dropped = NULL, *rest = users_select_without(run->select, message, &dropped);

    if (!rest)
        return NULL;
    g_free(run->select);
    run->select = rest;
    return dropped;
}

static char *leave_out_exactly(struct account_run *run, const char *property)
{
    g_autofree char *quoted = g_strdup_printf("'%s'", property);

    return leave_out(run, quoted);
}

/* --- the search ------------------------------------------------------------------------------------------------------
 */

static void end_probe(struct account_run *run)
{
    struct account_probe *probe = g_steal_pointer(&run->probe);

    /* Where every property is given now, the refusal has passed: the listing is tried once more. */
    if (probe->found || !run->listed_again) {
        run->listed_again = run->listed_again || !probe->found;
        account_begin_listing(run);
    } else {
        source_run_fail(&run->base, probe->failure);
    }
    account_probe_free(probe);
}

static void try_next(struct account_run *run)
{
    struct account_probe *probe = run->probe;
    g_autofree char *select = NULL;

    g_clear_pointer(&probe->group, g_free);
    if (probe->groups->len == 0) {
        end_probe(run);
        return;
    }
    probe->group = g_ptr_array_steal_index(probe->groups, probe->groups->len - 1);
    select = *probe->group ? g_strconcat("id,", probe->group, NULL) : g_strdup("id");
    g_free(run->base.link);
    run->base.link = probe->in_delta ? users_delta_latest_url(run->base.base_url, select)
                                     : users_probe_url(run->base.base_url, select);
    run->phase = ACCOUNT_PROBE;
    source_run_request(&run->base);
}

/* Puts the two halves of a group on the list; false when it is a single property. */
static bool split(struct account_probe *probe, const char *group)
{
    g_auto(GStrv) names = g_strsplit(group, ",", -1);
    guint half = g_strv_length(names) / 2;
    char *middle = names[half];

    if (half == 0)
        return false;
    names[half] = NULL;
    g_ptr_array_add(probe->groups, g_strjoinv(",", names));
    names[half] = middle;
    g_ptr_array_add(probe->groups, g_strjoinv(",", names + half));
    return true;
}

static void begin_probe(struct account_run *run, const struct client_failure *failure)
{
    const char *all = strchr(run->select, ','); /* behind the id */

    run->probe = g_new0(struct account_probe, 1);
    run->probe->groups = g_ptr_array_new_with_free_func(g_free);
    run->probe->in_delta = run->phase == ACCOUNT_MARK;
    run->probe->failure = client_failure_copy(failure);
    if (all)
        split(run->probe, all + 1);
    g_ptr_array_add(run->probe->groups, g_strdup("")); /* first the id alone: else it is no property's fault */
    try_next(run);
}

void account_probe_read(struct account_run *run)
{
    try_next(run);
}

void account_probe_failed(struct account_run *run, const struct client_failure *failure)
{
    struct account_probe *probe = run->probe;
    g_autofree char *dropped = NULL;

    if (failure->status != 501 || !*probe->group) {
        source_run_fail(&run->base, failure);
        return;
    }
    if (!split(probe, probe->group) && (dropped = leave_out_exactly(run, probe->group))) {
        probe->found = true;
        source_run_warn(&run->base, g_strdup_printf("The service does not give the property %s of users (HTTP 501): "
                                                    "they are listed without it.",
                                                    dropped));
    }
    try_next(run);
}

/* --- what is left out
 * -------------------------------------------------------------------------------------------------
 */

/* Between what is wanted and what of it is left out, in a noted query. */
static const char less[] = " less ";

bool account_lacks_some(const struct account_run *run)
{
    return !g_str_equal(run->select, users_select);
}

char *account_query(const struct account_run *run)
{
    g_auto(GStrv) wanted = g_strsplit(users_select, ",", -1), asked = g_strsplit(run->select, ",", -1);
    GString *query = g_string_new(users_select);
    const char *before = less;

    for (char **name = wanted; *name; name++) {
        if (g_strv_contains((const char *const *)asked, *name))
            continue;
        g_string_append_printf(query, "%s%s", before, *name);
        before = ",";
    }
    return g_string_free(query, FALSE);
}

bool account_take_query(struct account_run *run, const char *query)
{
    const char *rest = query && g_str_has_prefix(query, users_select) ? query + strlen(users_select) : NULL;
    g_auto(GStrv) names = NULL;

    if (!rest || (*rest && !g_str_has_prefix(rest, less)))
        return false;
    names = g_strsplit(*rest ? rest + strlen(less) : "", ",", -1);
    for (char **name = names; *name; name++)
        g_free(leave_out_exactly(run, *name));
    return true;
}

void account_retry(struct account_run *run)
{
    run->phase = ACCOUNT_RETRY;
    source_run_new_chain(&run->base);
    g_free(run->base.link);
    run->base.link = users_probe_url(run->base.base_url, users_select);
    source_run_request(&run->base);
}

/* --- refusals --------------------------------------------------------------------------------------------------------
 */

void account_say_suspect(struct account_run *run)
{
    if (!run->suspect)
        return;
    source_run_warn(&run->base, g_strdup_printf("The service gives users only without the property %s: the app lacks "
                                                "the permission %s. They are listed without it.",
                                                run->suspect, users_guarded_permission));
    g_clear_pointer(&run->suspect, g_free);
}

bool account_do_without(struct account_run *run, const struct client_failure *failure)
{
    g_autofree char *dropped = leave_out(run, failure->message);

    if (dropped) {
        source_run_warn(&run->base, g_strdup_printf("The service does not give the property %s of users: they are "
                                                    "listed without it. It said: %s",
                                                    dropped, failure->message));
        account_begin_listing(run);
        return true;
    }
    /* The permission may be missing for one property only, and the service may not say so. */
    if (failure->verdict == CLIENT_FORBIDDEN && !run->suspect &&
        (run->suspect = leave_out_exactly(run, users_guarded_property))) {
        account_begin_listing(run);
        return true;
    }
    if (failure->status == 501 && account_is_our_own(run)) {
        begin_probe(run, failure);
        return true;
    }
    return false;
}
