#include "collect/account_run.h"

#include "base/base.h"

enum {
    LINK_KEEPS = 3600, /* a stored link into the middle of a round may be dead after a while */
    DAY = 24 * 3600
};

void account_set_link(char **link, const char *value)
{
    char *copy = g_strdup(value);

    g_free(*link);
    *link = copy;
}

/* --- rounds ----------------------------------------------------------------------------------------------------------
 */

void account_request(struct account_run *run)
{
    account_set_link(&run->base.link, run->round.link);
    source_run_request(&run->base);
}

/* The link for later comes first: what changes while the listing is under way must not fall between the two. */
void account_begin_listing(struct account_run *run)
{
    run->phase = ACCOUNT_MARK;
    source_run_new_chain(&run->base);
    g_free(run->base.link);
    run->base.link = users_delta_latest_url(run->base.base_url, run->select);
    source_run_request(&run->base);
}

static void reset_round(struct account_run *run, enum store_round_kind kind)
{
    run->round.kind = kind;
    run->round.complete = false;
    run->round.records = run->round.unreadable = 0;
    run->round.started_at = source_run_now(&run->base);
    source_run_new_chain(&run->base);
}

void account_begin_pages(struct account_run *run, const char *delta_link)
{
    run->phase = ACCOUNT_LISTING;
    run->first = true;
    reset_round(run, STORE_ROUND_LISTING);
    g_free(run->round.query);
    run->round.query = account_query(run);
    account_set_link(&run->round.delta_link, delta_link);
    g_free(run->round.link);
    run->round.link = users_listing_url(run->base.base_url, run->select);
    account_request(run);
}

/* Begins the round that starts at `link`, which is kept until the round is over: the way back to its start. */
static void begin_changes(struct account_run *run, const char *link)
{
    g_autofree char *start = g_strdup(link); /* it may be one of those that are replaced */

    run->phase = ACCOUNT_CHANGES;
    reset_round(run, STORE_ROUND_DELTA);
    account_set_link(&run->round.link, start);
    account_set_link(&run->round.delta_link, start);
    account_request(run);
}

static void take_up(struct account_run *run)
{
    run->phase = run->round.kind == STORE_ROUND_LISTING ? ACCOUNT_LISTING : ACCOUNT_CHANGES;
    source_run_new_chain(&run->base);
    account_request(run);
}

static void list_again(struct account_run *run, const char *why)
{
    log_write(LOG_LEVEL_INFO, why, "customer", run->base.customer_name, "source", run->base.source->name, "next",
              "All accounts are listed again.", NULL);
    account_begin_listing(run);
}

/* What the service did not give may be given since: it is asked once a day, with the first round of the day. */
static bool retry_is_due(const struct account_run *run)
{
    return account_lacks_some(run) && run->round.completed_at / DAY != source_run_now(&run->base) / DAY;
}

/* Goes on where the last run stood, as far as that is any use. */
static void go_on(struct account_run *run)
{
    const struct store_round *round = &run->round;
    int64_t now = source_run_now(&run->base);
    bool fresh = round->saved_at <= now && now - round->saved_at <= LINK_KEEPS;
    const char *link = fresh || round->complete ? round->link : NULL;

    if (!link && round->kind == STORE_ROUND_DELTA) {
        link = round->delta_link;
        fresh = false;
    }
    if (!link)
        account_begin_listing(run);
    else if (!account_take_query(run, round->query))
        list_again(run, "Other properties of accounts are wanted than the last round asked for.");
    else if (!source_run_may_go_on_at(&run->base, link))
        list_again(run, "The service has another address than when the last round ended.");
    else if (round->complete || !fresh)
        begin_changes(run, link);
    else
        take_up(run);
}

/* The answer came: all that is wanted is given, or still not. */
static void retried(struct account_run *run, bool given)
{
    if (!given) {
        go_on(run);
        return;
    }
    g_free(run->select);
    run->select = g_strdup(users_select);
    list_again(run, "The service gives the properties of users that it did not give before.");
}

static void begin(struct source_run *base)
{
    struct account_run *run = account_run_of(base);
    g_autoptr(GError) error = NULL;

    run->begun = true;
    if (store_round_read(base->context->store, base->customer_id, base->source->name, base->part->name, &run->round,
                         &error)) {
        if (account_take_query(run, run->round.query) && retry_is_due(run))
            account_retry(run);
        else
            go_on(run);
    } else if (error) {
        source_run_fail_database(base, error);
    } else {
        account_begin_listing(run);
    }
}

/* --- failures --------------------------------------------------------------------------------------------------------
 */

void account_fail(struct account_run *run, const char *code, const char *message, const char *request_id,
                  const char *hint)
{
    struct client_failure failure = {.verdict = CLIENT_LATER,
                                     .code = (char *)code,
                                     .message = (char *)message,
                                     .request_id = (char *)request_id,
                                     .hint = (char *)hint};

    source_run_fail(&run->base, &failure);
}

/* The service says that it has forgotten what the link stands for, and not only that the link is no good. */
static bool state_is_gone(const struct client_failure *failure)
{
    return failure->status == 410 || (failure->code && (g_ascii_strcasecmp(failure->code, "syncStateNotFound") == 0 ||
                                                        g_ascii_strcasecmp(failure->code, "resyncRequired") == 0));
}

static void say_changes_lost(struct account_run *run, const struct client_failure *failure)
{
    source_run_warn(&run->base, g_strdup_printf("The service does not take the link to go on from any more, and all "
                                                "accounts are listed again: of those that went meanwhile only that "
                                                "they are missing is known. It said: %s",
                                                failure->message ? failure->message : "(nothing)"));
}

/* A link into the middle of a round of changes that is no good: the round again. Whatever else is lost: a listing. */
static void link_failed(struct account_run *run, const struct client_failure *failure)
{
    if (run->phase == ACCOUNT_CHANGES && !run->restarted && !state_is_gone(failure) &&
        g_strcmp0(run->base.link, run->round.delta_link) != 0) {
        run->restarted = true;
        begin_changes(run, run->round.delta_link);
    } else if (!run->listed_again) {
        run->listed_again = true;
        if (run->phase == ACCOUNT_CHANGES) {
            say_changes_lost(run, failure);
            account_begin_listing(run);
        } else {
            list_again(run, failure->message ? failure->message : "The link to go on from is lost.");
        }
    } else {
        source_run_fail(&run->base, failure);
    }
}

bool account_is_our_own(const struct account_run *run)
{
    g_autofree char *mark = users_delta_latest_url(run->base.base_url, run->select);
    g_autofree char *listing = users_listing_url(run->base.base_url, run->select);

    return g_str_equal(run->base.link, mark) || g_str_equal(run->base.link, listing);
}

void account_failed(struct account_run *run, const struct client_failure *failure)
{
    bool refused = failure->verdict == CLIENT_REFUSED || failure->verdict == CLIENT_FORBIDDEN;

    if (refused && account_do_without(run, failure))
        return;
    if (failure->verdict == CLIENT_LINK || (failure->verdict == CLIENT_REFUSED && !account_is_our_own(run))) {
        link_failed(run, failure);
        return;
    }
    if (failure->verdict == CLIENT_BAD_BODY && run->phase != ACCOUNT_MARK)
        account_salvage(run, failure->request_id);
    source_run_fail(&run->base, failure);
}

/* --- the kind --------------------------------------------------------------------------------------------------------
 */

static void page_read(struct source_run *base, const char *request_id)
{
    struct account_run *run = account_run_of(base);

    switch (run->phase) {
    case ACCOUNT_RETRY:
        retried(run, true);
        break;
    case ACCOUNT_PROBE:
        account_probe_read(run);
        break;
    case ACCOUNT_MARK:
        account_mark_read(run, request_id);
        break;
    case ACCOUNT_LISTING:
        account_listing_read(run, request_id);
        break;
    case ACCOUNT_CHANGES:
        account_changes_read(run, request_id);
        break;
    case ACCOUNT_ACTIVITY:
        account_activity_read(run, request_id);
        break;
    }
}

static void page_failed(struct source_run *base, const struct client_failure *failure)
{
    struct account_run *run = account_run_of(base);

    if (run->phase == ACCOUNT_ACTIVITY)
        account_activity_failed(run, failure);
    else if (run->phase == ACCOUNT_RETRY)
        retried(run, false);
    else if (run->phase == ACCOUNT_PROBE)
        account_probe_failed(run, failure);
    else
        account_failed(run, failure);
}

static void say_missing(struct source_run *base, int64_t n)
{
    source_run_warn(base, n == 1
                              ? g_strdup("1 known account is not in the listing of all, and marked as missing.")
                              : g_strdup_printf("%" G_GINT64_FORMAT
                                                " known accounts are not in the listing of all, and marked as missing.",
                                                n));
}

/* What signInActivity brings is no news of accounts, and is not counted as such. */
static void committed(struct source_run *base, const struct store_page *page)
{
    const struct store_round *after = &page->accounts->after;
    struct collect_source *result = base->result;

    if (after->kind == STORE_ROUND_ACTIVITY)
        return;
    result->inserted += page->counts.inserted;
    result->updated += page->counts.updated;
    result->duplicates += page->counts.duplicates;
    result->removed += page->counts.removed;
    if (after->complete)
        base->completed++;
    if (after->complete && after->kind == STORE_ROUND_LISTING && page->counts.removed > 0)
        say_missing(base, page->counts.removed);
}

static void finish(struct source_run *base)
{
    (void)base; /* every page has said where the round stands */
}

static char *doing(const struct source_run *base)
{
    static const char *const words[] = {
        [ACCOUNT_RETRY] = "changes",   [ACCOUNT_PROBE] = "listing",   [ACCOUNT_MARK] = "listing",
        [ACCOUNT_LISTING] = "listing", [ACCOUNT_CHANGES] = "changes", [ACCOUNT_ACTIVITY] = "sign-in activity"};
    const struct account_run *run = (const struct account_run *)base;

    return g_strdup(run->begun ? words[run->phase] : "signing in");
}

static void account_run_free(struct source_run *base)
{
    struct account_run *run = account_run_of(base);

    g_free(run->select);
    g_free(run->suspect);
    account_probe_free(run->probe);
    store_round_clear(&run->round);
    g_free(run);
}

struct source_run *account_run_new(void)
{
    static const struct source_run_kind kind = {.begin = begin,
                                                .page_read = page_read,
                                                .page_failed = page_failed,
                                                .committed = committed,
                                                .finish = finish,
                                                .doing = doing,
                                                .free = account_run_free};
    struct account_run *run = g_new0(struct account_run, 1);

    run->base.kind = &kind;
    run->select = g_strdup(users_select);
    return &run->base;
}
