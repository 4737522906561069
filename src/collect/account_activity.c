#include "collect/account_run.h"

enum {
    EVERY = 24 * 3600, /* it is a day old when it is told */
    PAGES_MAX = 30,    /* a run: three minutes of its budget of ten requests a minute */
};

/* Its round has a row of its own in the store. */
static const char activity_part[] = "sign-in-activity";
static const char activity_permission[] = "AuditLog.Read.All";

static void end(struct account_run *run)
{
    run->base.state = SOURCE_RUN_WRITING;
}

/* Notes where the round stands without a page of accounts. */
static void note(struct account_run *run)
{
    struct writer_page *page;

    g_clear_pointer(&run->base.body, json_page_free);
    page = account_take_page(run, NULL);
    account_hand_over(run, page, activity_part);
}

static void begin_round(struct account_run *run)
{
    int64_t completed_at = run->round.completed_at;

    store_round_clear(&run->round);
    run->round = (struct store_round){.kind = STORE_ROUND_ACTIVITY,
                                      .query = g_strdup("signInActivity"),
                                      .link = users_activity_url(run->base.base_url),
                                      .started_at = source_run_now(&run->base),
                                      .completed_at = completed_at};
    source_run_new_chain(&run->base);
    account_request(run);
}

/* A link of another day is tried, too: where all pages are more than a run may read, there would be no end to beginning
 * again. */
static void take_up(struct account_run *run)
{
    source_run_new_chain(&run->base);
    account_request(run);
}

static bool is_due(const struct account_run *run)
{
    int64_t age = source_run_now(&run->base) - run->round.started_at;

    return !run->round.complete || age < 0 || age >= EVERY;
}

void account_begin_activity(struct account_run *run)
{
    struct source_run *base = &run->base;
    g_autoptr(GError) error = NULL;

    store_round_clear(&run->round);
    run->phase = ACCOUNT_ACTIVITY;
    run->restarted = false;
    base->family = CLIENT_FAMILY_ACTIVITY;
    base->permission = activity_permission;
    if (!store_round_read(base->context->store, base->customer_id, base->source->name, activity_part, &run->round,
                          &error)) {
        if (error)
            source_run_fail_database(base, error);
        else
            begin_round(run);
    } else if (!is_due(run)) {
        end(run);
    } else if (!run->round.complete && run->round.link && source_run_may_go_on_at(base, run->round.link)) {
        take_up(run);
    } else {
        begin_round(run);
    }
}

void account_activity_read(struct account_run *run, const char *request_id)
{
    struct client_failure *failure;
    g_autofree char *next_link = g_strdup(source_run_next_link(&run->base, request_id, &failure));
    struct writer_page *page = account_take_page(run, request_id);

    account_set_link(&run->round.link, failure ? NULL : next_link);
    if (!failure && !next_link) {
        run->round.complete = true;
        run->round.completed_at = page->page.received_at;
    }
    account_hand_over(run, page, activity_part);
    if (failure)
        account_activity_failed(run, failure);
    else if (next_link && ++run->activity_pages < PAGES_MAX)
        account_request(run);
    else
        end(run);
    client_failure_free(failure);
}

/* What the tenant does not have, or the app must not see, is asked for again in a day, and keeps nobody from the
 * accounts. */
static void do_without(struct account_run *run, const struct client_failure *failure)
{
    const char *mend =
        failure->verdict == CLIENT_UNAVAILABLE ? "It needs an Entra ID P1 or P2 licence." : failure->hint;

    source_run_warn(
        &run->base,
        g_strdup_printf("The last sign-in of users cannot be read: %s%s%s Users are kept without it, and it "
                        "is asked for again in a day.",
                        failure->message ? failure->message : "", mend ? " " : "", mend ? mend : ""));
    run->round.complete = true;
    run->round.started_at = source_run_now(&run->base);
    g_clear_pointer(&run->round.link, g_free);
    note(run);
    end(run);
}

static bool is_not_given(const struct client_failure *failure)
{
    g_autofree char *dropped = NULL;
    g_autofree char *rest = NULL;

    /* 501: a property that lists do not have; the service's words for it name none. */
    if (failure->verdict == CLIENT_UNAVAILABLE || failure->verdict == CLIENT_FORBIDDEN || failure->status == 501)
        return true;
    if (failure->verdict == CLIENT_REFUSED)
        rest = users_select_without("id,signInActivity", failure->message, &dropped);
    return rest != NULL;
}

/* True when the link that failed is the service's, and not our own. */
static bool is_link_of_service(const struct account_run *run)
{
    g_autofree char *start = users_activity_url(run->base.base_url);

    return !g_str_equal(run->base.link, start);
}

void account_activity_failed(struct account_run *run, const struct client_failure *failure)
{
    bool link_is_lost =
        failure->verdict == CLIENT_LINK || (failure->verdict == CLIENT_REFUSED && is_link_of_service(run));

    if (is_not_given(failure)) {
        do_without(run, failure);
    } else if (link_is_lost && !run->restarted) {
        run->restarted = true;
        begin_round(run);
    } else {
        source_run_fail(&run->base, failure);
    }
}
