#include "store/scan.h"

/* The scan being committed. */
struct committing {
    struct store *store;
    int64_t customer_id;
    int64_t at;
    bool goes_on;         /* the previous good scan is near enough for runs to go on */
    int64_t last_good_at; /* it; where goes_on */
    int64_t *seq;
};

/* --- scans
 * ---------------------------------------------------------------------------------------------------- */

/* Inserts a scan at the first second from *at on that has none yet; *at is the second it got. */
static bool insert_scan(struct store *store, int64_t customer_id, bool ok, const char *error_text, int64_t *at,
                        GError **error)
{
    for (;; ++*at) {
        struct statement *insert = statement_get(store, STATEMENT_SCAN_INSERT, error);
        if (!insert)
            return false;
        bind_int(insert, 1, customer_id);
        bind_int(insert, 2, *at);
        bind_int(insert, 3, ok);
        bind_text(insert, 4, error_text);
        if (!statement_run(insert, error))
            return false;
        if (sqlite3_changes(store->db) > 0)
            return true;
    }
}

/* The end of the runs of states that the moment `at` lies in; `at` where it lies in none. */
static bool find_end_around(struct store *store, int64_t customer_id, int64_t at, int64_t *end, GError **error)
{
    struct statement *find = statement_get(store, STATEMENT_STATE_AROUND, error);
    if (!find)
        return false;
    bind_int(find, 1, customer_id);
    bind_int(find, 2, at);
    return statement_int(find, at, end, error);
}

/* Finds the customer's latest good scan up to `until`; *found tells whether there is one. */
static bool find_last_good(struct store *store, int64_t customer_id, int64_t until, bool *found, int64_t *at,
                           GError **error)
{
    struct statement *find = statement_get(store, STATEMENT_SCAN_LAST_GOOD, error);
    if (!find)
        return false;
    bind_int(find, 1, customer_id);
    bind_int(find, 2, until);
    enum step step = statement_step(find, error);
    *found = step == STEP_ROW;
    if (!*found)
        return step == STEP_DONE;
    *at = column_int(find, 0);
    return statement_end(find, error);
}

bool store_scan_failed(struct store *store, int64_t customer_id, int64_t at, const char *error_text, GError **error)
{
    if (!store_begin(store, error))
        return false;
    if (!insert_scan(store, customer_id, false, error_text, &at, error)) {
        store_rollback(store);
        return false;
    }
    return store_commit(store, error);
}

/* --- states
 * ---------------------------------------------------------------------------------------------------- */

/* Finds the run that goes on with this status; *state_id is 0 where none does. */
static bool find_run(const struct committing *committing, const struct health_status *seen, int64_t *state_id,
                     GError **error)
{
    *state_id = 0;
    if (!committing->goes_on)
        return true;
    struct statement *find = statement_get(committing->store, STATEMENT_STATE_LATEST, error);
    if (!find)
        return false;
    bind_int(find, 1, committing->customer_id);
    bind_text(find, 2, seen->service);
    bind_int(find, 3, committing->last_good_at);
    enum step step = statement_step(find, error);
    if (step != STEP_ROW)
        return step == STEP_DONE;
    const char *status = column_text(find, 1, NULL);
    if (status && g_ascii_strcasecmp(status, seen->status) == 0)
        *state_id = column_int(find, 0);
    return statement_end(find, error);
}

static bool extend_run(const struct committing *committing, int64_t state_id, GError **error)
{
    struct statement *extend = statement_get(committing->store, STATEMENT_STATE_EXTEND, error);
    if (!extend)
        return false;
    bind_int(extend, 1, state_id);
    bind_int(extend, 2, committing->at);
    bind_int(extend, 3, ++*committing->seq);
    return statement_run(extend, error);
}

static bool begin_run(const struct committing *committing, const struct health_status *seen, GError **error)
{
    struct statement *insert = statement_get(committing->store, STATEMENT_STATE_INSERT, error);
    if (!insert)
        return false;
    bind_int(insert, 1, committing->customer_id);
    bind_text(insert, 2, seen->service);
    bind_text(insert, 3, seen->status);
    bind_int(insert, 4, committing->at);
    bind_int(insert, 5, ++*committing->seq);
    return statement_run(insert, error);
}

static bool commit_status(const struct committing *committing, const struct health_status *seen, GError **error)
{
    int64_t state_id;
    return find_run(committing, seen, &state_id, error) &&
           (state_id ? extend_run(committing, state_id, error) : begin_run(committing, seen, error));
}

/* Finds the good scan after which this one comes. One that lies ahead by more than a gap has a wrong moment: it is left
 * where it is, and the others go on without it, unless what was seen before and after makes one run. */
static bool find_previous(struct committing *committing, const struct store_page *page, GError **error)
{
    int64_t near = page->received_at + page->health->scan->max_gap_s, end;

    if (!find_last_good(committing->store, page->customer_id, INT64_MAX, &committing->goes_on,
                        &committing->last_good_at, error))
        return false;
    if (!committing->goes_on || committing->last_good_at <= near)
        return true;
    return find_end_around(committing->store, page->customer_id, page->received_at, &end, error) &&
           find_last_good(committing->store, page->customer_id, MAX(near, end), &committing->goes_on,
                          &committing->last_good_at, error);
}

bool scan_commit(struct store *store, const struct store_page *page, int64_t *seq, GError **error)
{
    const struct store_scan *scan = page->health->scan;
    struct committing committing = {.store = store, .customer_id = page->customer_id, .at = page->received_at};

    committing.seq = seq;
    if (!find_previous(&committing, page, error))
        return false;
    if (committing.goes_on)
        committing.at = MAX(committing.at, committing.last_good_at + 1);
    if (!insert_scan(store, page->customer_id, true, NULL, &committing.at, error))
        return false;
    committing.goes_on = committing.goes_on && committing.at - committing.last_good_at <= scan->max_gap_s;
    for (guint i = 0; i < scan->statuses->len; i++)
        if (!commit_status(&committing, scan->statuses->pdata[i], error))
            return false;
    return true;
}
