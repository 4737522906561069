#include "collect/account_run.h"

/* --- to the writer ---------------------------------------------------------------------------------------------------
 */

static struct store_round copy_round(const struct store_round *round)
{
    struct store_round copy = *round;

    copy.query = g_strdup(round->query);
    copy.link = g_strdup(round->link);
    copy.delta_link = g_strdup(round->delta_link);
    return copy;
}

struct writer_page *account_take_page(struct account_run *run, const char *request_id)
{
    struct writer_page *page = source_run_page(&run->base);

    page->accounts = store_accounts_new();
    page->accounts->decode = users_decode;
    page->page.accounts = page->accounts;
    for (size_t i = 0; page->body && i < json_page_count(page->body); i++) {
        struct json_slice slice = json_page_record(page->body, i);
        g_autoptr(GError) error = NULL;
        struct account_record *record = users_record(run->base.context->tree, slice, &error);

        if (record) {
            run->round.records++;
            g_ptr_array_add(page->accounts->records, record);
        } else {
            run->round.unreadable++;
            source_run_unreadable(&run->base, page, slice, error, request_id);
        }
    }
    return page;
}

void account_hand_over(struct account_run *run, struct writer_page *page, const char *part)
{
    run->round.saved_at = page->page.received_at;
    page->accounts->after = copy_round(&run->round);
    page->accounts->first = run->first;
    page->page.part = part;
    run->first = false;
    source_run_push(&run->base, page);
}

void account_salvage(struct account_run *run, const char *request_id)
{
    struct writer_page *page;

    if (!source_run_body_broke_off(&run->base))
        return;
    run->base.result->fetched += (int64_t)json_page_count(run->base.body);
    page = account_take_page(run, request_id);
    account_hand_over(run, page, run->base.part->name);
}

/* --- links -----------------------------------------------------------------------------------------------------------
 */

static const char no_link[] = "no_link";

/* The delta link of the page in `body`, a copy; NULL with *failure when it must not be kept (the token would go where
 * it leads), NULL alone when there is none. One that was seen before is as good as a new one: nothing has changed. */
static char *take_delta_link(struct account_run *run, const char *request_id, struct client_failure **failure)
{
    char *link = g_strdup(json_page_member(run->base.body, "@odata.deltaLink"));
    struct client_chain *chain = client_chain_new(run->base.base_url);

    *failure = link ? client_chain_follow(chain, link) : NULL;
    client_chain_free(chain);
    if (*failure) {
        (*failure)->request_id = g_strdup(request_id);
        g_clear_pointer(&link, g_free);
    }
    return link;
}

/* --- pages of each phase ---------------------------------------------------------------------------------------------
 */

void account_mark_read(struct account_run *run, const char *request_id)
{
    struct client_failure *failure;
    const char *next_link = source_run_next_link(&run->base, request_id, &failure);
    g_autofree char *delta_link = next_link ? NULL : take_delta_link(run, request_id, &failure);

    account_say_suspect(run);
    if (failure) {
        account_failed(run, failure);
        client_failure_free(failure);
    } else if (next_link) {
        account_set_link(&run->base.link, next_link);
        source_run_request(&run->base);
    } else if (delta_link) {
        account_begin_pages(run, delta_link);
    } else {
        account_fail(run, no_link, "The service was asked where changes of users begin from now on, and named no link.",
                     request_id, NULL);
    }
}

/* Nobody in a tenant is not to be believed: its own administrators are accounts. */
static void fail_without_accounts(struct account_run *run, const char *request_id)
{
    const struct source_run *base = &run->base;
    int64_t present = store_accounts_present(base->context->store, base->customer_id, NULL);
    g_autofree char *message = NULL;

    if (present > 0)
        message = g_strdup_printf("The listing of users brought no account at all, where %" G_GINT64_FORMAT
                                  " are known: nobody was marked as removed.",
                                  present);
    else
        message = g_strdup("The listing of users brought no account at all.");
    account_fail(run, "no_accounts", message, request_id,
                 "The next run lists them again. If it lasts, check that tenant and app are the right ones.");
}

/* One of those that could not be read may be any account that seems to be gone. */
static void say_unreadable(struct account_run *run)
{
    if (run->round.unreadable > 0 && run->round.completed_at > 0)
        source_run_warn(&run->base, g_strdup_printf("The listing of users held %" G_GINT64_FORMAT
                                                    " that could not be read: by it nobody was marked as removed.",
                                                    run->round.unreadable));
}

void account_listing_read(struct account_run *run, const char *request_id)
{
    struct client_failure *failure;
    g_autofree char *next_link = g_strdup(source_run_next_link(&run->base, request_id, &failure));
    struct writer_page *page;
    const char *part = run->base.part->name;

    run->base.result->fetched += (int64_t)json_page_count(run->base.body);
    page = account_take_page(run, request_id);
    if (!failure && !next_link && run->round.records > 0) {
        say_unreadable(run);
        account_set_link(&run->round.link, run->round.delta_link);
        g_clear_pointer(&run->round.delta_link, g_free);
        run->round.complete = true;
        run->round.completed_at = page->page.received_at;
        account_hand_over(run, page, part);
        account_begin_activity(run);
        return;
    }
    /* Without a link to go on from, the next run begins at the start. */
    account_set_link(&run->round.link, failure ? NULL : next_link);
    account_hand_over(run, page, part);
    if (failure)
        account_failed(run, failure);
    else if (next_link)
        account_request(run);
    else
        fail_without_accounts(run, request_id);
    client_failure_free(failure);
}

/* The round is over: the next one begins at its delta link. */
static void changes_complete(struct account_run *run, struct writer_page *page, const char *delta_link)
{
    account_set_link(&run->round.link, delta_link);
    g_clear_pointer(&run->round.delta_link, g_free);
    run->round.complete = true;
    run->round.completed_at = page->page.received_at;
    account_hand_over(run, page, run->base.part->name);
    account_begin_activity(run);
}

void account_changes_read(struct account_run *run, const char *request_id)
{
    struct client_failure *failure;
    g_autofree char *next_link = g_strdup(source_run_next_link(&run->base, request_id, &failure));
    g_autofree char *delta_link = next_link ? NULL : take_delta_link(run, request_id, &failure);
    struct writer_page *page;

    run->base.result->fetched += (int64_t)json_page_count(run->base.body);
    page = account_take_page(run, request_id);
    if (!failure && delta_link) {
        changes_complete(run, page, delta_link);
        return;
    }
    if (failure)
        account_set_link(&run->round.link, run->round.delta_link);
    else if (next_link)
        account_set_link(&run->round.link, next_link);
    account_hand_over(run, page, run->base.part->name);
    if (failure)
        account_failed(run, failure);
    else if (next_link)
        account_request(run);
    else /* the round stays at this page */
        account_fail(run, no_link, "A page of changes of users had neither a next link nor a delta link.", request_id,
                     "Its records are kept. The next run asks for the same page again.");
    client_failure_free(failure);
}
