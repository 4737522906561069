/* The outbox. A mail's fate must outlive a power cut: what is sent and not known to be would be sent twice. Every
 * commit of this room's connections is on disk when it returns (synchronous is FULL, open.c), and so are these. */
#include "store/store_private.h"

static const char *const state_names[] = {[STORE_MAIL_QUEUED] = "queued",
                                          [STORE_MAIL_SENDING] = "sending",
                                          [STORE_MAIL_SENT] = "sent",
                                          [STORE_MAIL_FAILED] = "failed",
                                          [STORE_MAIL_UNKNOWN] = "unknown"};

const char *store_mail_state_name(enum store_mail_state state)
{
    return state_names[state];
}

static enum store_mail_state state_of(const char *name)
{
    if (!name) /* the column cannot be NULL: the value was lost, which statement_end tells */
        return STORE_MAIL_UNKNOWN;
    for (size_t i = 0; i < G_N_ELEMENTS(state_names); i++)
        if (strcmp(state_names[i], name) == 0)
            return (enum store_mail_state)i;
    g_assert_not_reached(); /* the tables' CHECKs know the same names */
}

/* --- the mail
 * ---------------------------------------------------------------------------------------------------- */

static void recipient_free(gpointer data)
{
    struct store_mail_recipient *recipient = data;
    g_free(recipient->address);
    g_free(recipient->answer);
    g_free(recipient);
}

struct store_mail *store_mail_new(void)
{
    struct store_mail *mail = g_new0(struct store_mail, 1);
    mail->recipients = g_ptr_array_new_with_free_func(recipient_free);
    return mail;
}

void store_mail_free(struct store_mail *mail)
{
    if (!mail)
        return;
    g_free(mail->customer);
    g_free(mail->kind);
    g_free(mail->subject);
    g_free(mail->sender);
    g_free(mail->message_id);
    g_clear_pointer(&mail->message, g_bytes_unref);
    g_ptr_array_unref(mail->recipients);
    g_free(mail->answer);
    g_free(mail);
}

void store_mail_add_recipient(struct store_mail *mail, const char *address)
{
    for (guint i = 0; i < mail->recipients->len; i++) {
        const struct store_mail_recipient *known = mail->recipients->pdata[i];
        if (g_ascii_strcasecmp(known->address, address) == 0)
            return;
    }
    struct store_mail_recipient *recipient = g_new0(struct store_mail_recipient, 1);
    recipient->address = g_strdup(address);
    g_ptr_array_add(mail->recipients, recipient);
}

/* --- writing
 * ---------------------------------------------------------------------------------------------------- */

/* Servers answer in any bytes, and TEXT is UTF-8. Returned: g_free. */
static char *text_of(const char *answer)
{
    return answer ? g_utf8_make_valid(answer, -1) : NULL;
}

/* How many times the window has been mailed, as the column `resend` counts it; refused when it has been and is not to
 * be again. What is of no window is never the same. */
static bool find_turn(struct store *store, const struct store_mail *mail, bool again, int64_t *turn, GError **error)
{
    struct statement *find = statement_get(store, STATEMENT_MAIL_LIVE, error);
    *turn = 0;
    if (!find)
        return false;
    bind_int(find, 1, mail->customer_id);
    bind_text(find, 2, mail->kind);
    bind_int_or_null(find, 3, mail->from_s);
    bind_int_or_null(find, 4, mail->to_s);
    enum step step = statement_step(find, error);
    if (step != STEP_ROW)
        return step == STEP_DONE;
    *turn = column_int(find, 0) + 1;
    int64_t other = column_int(find, 1);
    enum store_mail_state state = state_of(column_text(find, 2, NULL));
    if (!statement_end(find, error))
        return false;
    if (again)
        return true;
    g_set_error(error, STORE_ERROR, STORE_ERROR_BUSY,
                "the outbox has a mail of this customer and window already (mail %" G_GINT64_FORMAT
                ", %s), and a window is mailed once: ask for it to be sent again where that is meant",
                other, state_names[state]);
    return false;
}

static bool insert_mail(struct store *store, const struct store_mail *mail, int64_t turn, int64_t *mail_id,
                        GError **error)
{
    gsize length;
    const void *message = g_bytes_get_data(mail->message, &length);
    uint8_t hash[HASH_KEY_BYTES];
    content_hash_of(message, length, hash);
    struct statement *insert = statement_get(store, STATEMENT_MAIL_INSERT, error);
    if (!insert)
        return false;
    bind_int_or_null(insert, 1, mail->customer_id);
    bind_text(insert, 2, mail->kind);
    bind_int_or_null(insert, 3, mail->from_s);
    bind_int_or_null(insert, 4, mail->to_s);
    bind_int(insert, 5, turn);
    bind_text(insert, 6, mail->subject);
    bind_text(insert, 7, mail->sender);
    bind_text(insert, 8, mail->message_id);
    bind_int(insert, 9, mail->attempts);
    bind_int(insert, 10, mail->created_at);
    bind_blob(insert, 11, hash, sizeof hash);
    bind_blob(insert, 12, message, length);
    return statement_int(insert, 0, mail_id, error);
}

static bool insert_recipients(struct store *store, const struct store_mail *mail, int64_t mail_id, GError **error)
{
    for (guint i = 0; i < mail->recipients->len; i++) {
        const struct store_mail_recipient *recipient = mail->recipients->pdata[i];
        struct statement *insert = statement_get(store, STATEMENT_MAIL_RECIPIENT_INSERT, error);
        if (!insert)
            return false;
        bind_int(insert, 1, mail_id);
        bind_int(insert, 2, i);
        bind_text(insert, 3, recipient->address);
        if (!statement_run(insert, error))
            return false;
    }
    return true;
}

/* The store has it now as `mail` has it. */
static void has_stored(struct store_mail *mail)
{
    mail->stored_state = mail->state;
    mail->stored_attempts = mail->attempts;
}

bool store_mail_insert(struct store *store, struct store_mail *mail, bool again, GError **error)
{
    int64_t turn, mail_id = 0;

    if (mail->recipients->len == 0) {
        g_set_error(error, STORE_ERROR, STORE_ERROR_FAILED, "the mail \"%s\" cannot be kept: it has no recipients",
                    mail->subject);
        return false;
    }
    if (!store_begin(store, error))
        return false;
    if (!find_turn(store, mail, again, &turn, error) || !insert_mail(store, mail, turn, &mail_id, error) ||
        !insert_recipients(store, mail, mail_id, error)) {
        store_rollback(store);
        return false;
    }
    if (!store_commit(store, error))
        return false;
    mail->mail_id = mail_id;
    mail->state = STORE_MAIL_QUEUED;
    mail->queued_at = mail->next_attempt_at = mail->created_at;
    has_stored(mail);
    return true;
}

/* Writes what became of each recipient. */
static bool write_recipients(struct store *store, const struct store_mail *mail, GError **error)
{
    for (guint i = 0; i < mail->recipients->len; i++) {
        struct store_mail_recipient *recipient = mail->recipients->pdata[i];
        g_autofree char *answer = text_of(recipient->answer);
        struct statement *update = statement_get(store, STATEMENT_MAIL_RECIPIENT_UPDATE, error);
        int64_t found = 0;
        recipient->may_have |= recipient->state == STORE_MAIL_UNKNOWN;
        if (!update)
            return false;
        bind_int(update, 1, mail->mail_id);
        bind_text(update, 2, recipient->address);
        bind_text(update, 3, state_names[recipient->state]);
        bind_int_or_null(update, 4, recipient->code);
        bind_text(update, 5, answer);
        bind_int(update, 6, recipient->may_have);
        if (!statement_int(update, 0, &found, error))
            return false;
        if (!found) {
            g_set_error(error, STORE_ERROR, STORE_ERROR_FAILED,
                        "what became of the mail %" G_GINT64_FORMAT " cannot be noted: it is not for %s", mail->mail_id,
                        recipient->address);
            return false;
        }
    }
    return true;
}

/* Marks the row, where it is queued, as being sent. */
static bool mark_sending(struct store *store, const struct store_mail *mail, int64_t now, GError **error)
{
    struct statement *mark = statement_get(store, STATEMENT_MAIL_BEGIN, error);
    int64_t found = 0;
    if (!mark)
        return false;
    bind_int(mark, 1, mail->mail_id);
    bind_int(mark, 2, mail->attempts + 1);
    bind_int(mark, 3, now);
    bind_int(mark, 4, mail->stored_attempts);
    if (!statement_int(mark, 0, &found, error))
        return false;
    if (!found)
        g_set_error(error, STORE_ERROR, STORE_ERROR_BUSY,
                    "the mail %" G_GINT64_FORMAT " is not queued in the outbox (any more): nothing was sent; see what "
                    "became of it there",
                    mail->mail_id);
    return found != 0;
}

bool store_mail_begin(struct store *store, struct store_mail *mail, int64_t now, GError **error)
{
    if (!store_begin(store, error))
        return false;
    if (!mark_sending(store, mail, now, error) || !write_recipients(store, mail, error)) {
        store_rollback(store);
        return false;
    }
    if (!store_commit(store, error))
        return false;
    mail->state = STORE_MAIL_SENDING;
    mail->attempts++;
    mail->next_attempt_at = 0;
    has_stored(mail);
    return true;
}

/* Why nothing was written: another process was at the mail, or it is not there at all. */
static void tell_other_state(struct store *store, const struct store_mail *mail, GError **error)
{
    struct statement *find = statement_get(store, STATEMENT_MAIL_STATE, error);
    if (!find)
        return;
    bind_int(find, 1, mail->mail_id);
    enum step step = statement_step(find, error);
    if (step == STEP_FAILED)
        return;
    if (step == STEP_DONE) {
        g_set_error(error, STORE_ERROR, STORE_ERROR_FAILED,
                    "what became of the mail %" G_GINT64_FORMAT " cannot be noted: the outbox does not have it",
                    mail->mail_id);
        return;
    }
    enum store_mail_state state = state_of(column_text(find, 0, NULL));
    if (statement_end(find, error))
        g_set_error(error, STORE_ERROR, STORE_ERROR_BUSY,
                    "what became of the mail %" G_GINT64_FORMAT
                    " cannot be noted: another process was at it meanwhile, "
                    "and it is %s in the outbox now",
                    mail->mail_id, state_names[state]);
}

static bool write_mail(struct store *store, const struct store_mail *mail, GError **error)
{
    g_autofree char *answer = text_of(mail->answer);
    struct statement *update = statement_get(store, STATEMENT_MAIL_NOTE, error);
    int64_t found = 0;
    if (!update)
        return false;
    bind_int(update, 1, mail->mail_id);
    bind_text(update, 2, state_names[mail->state]);
    bind_int(update, 3, mail->attempts);
    bind_int_or_null(update, 4, mail->next_attempt_at);
    bind_int_or_null(update, 5, mail->sent_at);
    bind_text(update, 6, answer);
    bind_text(update, 7, state_names[mail->stored_state]);
    bind_int(update, 8, mail->stored_attempts);
    if (!statement_int(update, 0, &found, error))
        return false;
    if (!found)
        tell_other_state(store, mail, error);
    return found != 0;
}

bool store_mail_note(struct store *store, struct store_mail *mail, GError **error)
{
    if (!store_begin(store, error))
        return false;
    if (!write_mail(store, mail, error) || !write_recipients(store, mail, error)) {
        store_rollback(store);
        return false;
    }
    if (!store_commit(store, error))
        return false;
    has_stored(mail);
    return true;
}

/* Runs a statement without parameters; *changed is how many rows it changed. */
static bool change(struct store *store, enum statement_id id, int64_t *changed, GError **error)
{
    struct statement *statement = statement_get(store, id, error);
    if (!statement || !statement_run(statement, error))
        return false;
    *changed = sqlite3_changes64(store->db);
    return true;
}

/* *left: whether there is anything to recover. Most often there is not, and who only looks waits for no writer. */
static bool find_left(struct store *store, bool *left, GError **error)
{
    struct statement *find = statement_get(store, STATEMENT_MAIL_LEFT, error);
    int64_t found = 0;
    if (!find || !statement_int(find, 0, &found, error))
        return false;
    *left = found != 0;
    return true;
}

int64_t store_mail_recover(struct store *store, GError **error)
{
    int64_t mails = 0, recipients;
    bool left;

    if (!find_left(store, &left, error))
        return -1;
    if (!left)
        return 0;
    if (!store_begin(store, error))
        return -1;
    if (!change(store, STATEMENT_MAIL_RECOVER_RECIPIENTS, &recipients, error) ||
        !change(store, STATEMENT_MAIL_RECOVER, &mails, error)) {
        store_rollback(store);
        return -1;
    }
    return store_commit(store, error) ? mails : -1;
}

/* --- reading
 * ---------------------------------------------------------------------------------------------------- */

static void take_row(struct store_mail *mail, struct statement *row)
{
    mail->mail_id = column_int(row, 0);
    mail->customer_id = column_int(row, 1);
    mail->customer = g_strdup(column_text(row, 2, NULL));
    mail->kind = g_strdup(column_text(row, 3, NULL));
    mail->from_s = column_int(row, 4);
    mail->to_s = column_int(row, 5);
    mail->subject = g_strdup(column_text(row, 6, NULL));
    mail->sender = g_strdup(column_text(row, 7, NULL));
    mail->message_id = g_strdup(column_text(row, 8, NULL));
    mail->state = state_of(column_text(row, 9, NULL));
    mail->attempts = column_int(row, 10);
    mail->created_at = column_int(row, 11);
    mail->next_attempt_at = column_int(row, 12);
    mail->sent_at = column_int(row, 13);
    mail->answer = g_strdup(column_text(row, 14, NULL));
    mail->queued_at = column_int(row, 15);
    has_stored(mail);
}

static void take_message(struct store_mail *mail, struct statement *row)
{
    size_t length;
    const void *message = column_blob(row, 16, &length);
    mail->message = g_bytes_new(message, message ? length : 0);
}

static void take_recipient(struct store_mail *mail, struct statement *row)
{
    struct store_mail_recipient *recipient = g_new0(struct store_mail_recipient, 1);
    recipient->address = g_strdup(column_text(row, 0, NULL));
    recipient->state = state_of(column_text(row, 1, NULL));
    recipient->code = (int)column_int(row, 2);
    recipient->answer = g_strdup(column_text(row, 3, NULL));
    recipient->may_have = column_int(row, 4) != 0;
    g_ptr_array_add(mail->recipients, recipient);
}

static bool read_recipients(struct store *store, struct store_mail *mail, GError **error)
{
    struct statement *rows = statement_get(store, STATEMENT_MAIL_RECIPIENTS, error);
    enum step step;
    if (!rows)
        return false;
    bind_int(rows, 1, mail->mail_id);
    while ((step = statement_step(rows, error)) == STEP_ROW)
        take_recipient(mail, rows);
    return step == STEP_DONE;
}

/* Reads into a new mail; `id` is STATEMENT_MAIL_READ, or STATEMENT_MAIL_READ_HEAD for all but its message. */
static bool read_into(struct store *store, enum statement_id id, int64_t mail_id, struct store_mail *mail,
                      GError **error)
{
    struct statement *row = statement_get(store, id, error);
    if (!row)
        return false;
    bind_int(row, 1, mail_id);
    enum step step = statement_step(row, error);
    if (step == STEP_DONE)
        g_set_error(error, STORE_ERROR, STORE_ERROR_FAILED, "the outbox has no mail %" G_GINT64_FORMAT, mail_id);
    if (step != STEP_ROW)
        return false;
    take_row(mail, row);
    if (id == STATEMENT_MAIL_READ)
        take_message(mail, row);
    return statement_end(row, error) && read_recipients(store, mail, error);
}

/* Reads a mail, in a transaction. */
static struct store_mail *read_mail(struct store *store, enum statement_id id, int64_t mail_id, GError **error)
{
    struct store_mail *mail = store_mail_new();
    if (read_into(store, id, mail_id, mail, error))
        return mail;
    store_mail_free(mail);
    return NULL;
}

/* Reads the mails whose ids the statement finds. */
static bool read_found(struct store *store, struct statement *find, enum statement_id id, GPtrArray *mails,
                       GError **error)
{
    g_autoptr(GArray) ids = g_array_new(FALSE, FALSE, sizeof(int64_t));
    enum step step;
    while ((step = statement_step(find, error)) == STEP_ROW) {
        int64_t mail_id = column_int(find, 0);
        g_array_append_val(ids, mail_id);
    }
    for (guint i = 0; step == STEP_DONE && i < ids->len; i++) {
        struct store_mail *mail = read_mail(store, id, g_array_index(ids, int64_t, i), error);
        if (!mail)
            return false;
        g_ptr_array_add(mails, mail);
    }
    return step == STEP_DONE;
}

static GPtrArray *mails_new(void)
{
    return g_ptr_array_new_with_free_func((GDestroyNotify)store_mail_free);
}

/* Ends a read, well or not. */
static bool end_read(struct store *store, bool read, GError **error)
{
    if (read)
        return store_commit(store, error);
    store_rollback(store);
    return false;
}

static bool find_latest(struct store *store, const struct store_mail *wanted, GPtrArray *mails, GError **error)
{
    struct statement *find = statement_get(store, STATEMENT_MAIL_LATEST, error);
    if (!find)
        return false;
    bind_int_or_null(find, 1, wanted->customer_id);
    bind_text(find, 2, wanted->kind);
    bind_int_or_null(find, 3, wanted->from_s);
    bind_int_or_null(find, 4, wanted->to_s);
    return read_found(store, find, STATEMENT_MAIL_READ, mails, error);
}

struct store_mail *store_mail_find(struct store *store, int64_t customer_id, const char *kind, int64_t from_s,
                                   int64_t to_s, GError **error)
{
    const struct store_mail wanted = {.customer_id = customer_id, .kind = (char *)kind, .from_s = from_s, .to_s = to_s};
    g_autoptr(GPtrArray) mails = mails_new();

    if (!store_begin_read(store, error) || !end_read(store, find_latest(store, &wanted, mails, error), error))
        return NULL;
    return mails->len > 0 ? g_ptr_array_steal_index(mails, 0) : NULL;
}

/* `id`: which of the statements that know a customer and a time. */
static bool find_of(struct store *store, enum statement_id id, int64_t customer_id, int64_t at, GPtrArray *mails,
                    GError **error)
{
    struct statement *find = statement_get(store, id, error);
    if (!find)
        return false;
    bind_int(find, 1, customer_id);
    bind_int(find, 2, at);
    return read_found(store, find, STATEMENT_MAIL_READ_HEAD, mails, error);
}

static GPtrArray *read_of(struct store *store, enum statement_id id, int64_t customer_id, int64_t at, GError **error)
{
    g_autoptr(GPtrArray) mails = mails_new();

    if (!store_begin_read(store, error) || !end_read(store, find_of(store, id, customer_id, at, mails, error), error))
        return NULL;
    return g_steal_pointer(&mails);
}

GPtrArray *store_mail_due(struct store *store, int64_t customer_id, int64_t now, GError **error)
{
    return read_of(store, STATEMENT_MAIL_DUE, customer_id, now, error);
}

GPtrArray *store_mail_unsettled(struct store *store, int64_t customer_id, int64_t since, GError **error)
{
    return read_of(store, STATEMENT_MAIL_UNSETTLED, customer_id, since, error);
}

struct store_mail *store_mail_read(struct store *store, int64_t mail_id, GError **error)
{
    if (!store_begin_read(store, error))
        return NULL;
    struct store_mail *mail = read_mail(store, STATEMENT_MAIL_READ, mail_id, error);
    if (end_read(store, mail != NULL, error))
        return mail;
    store_mail_free(mail);
    return NULL;
}

/* --- once more
 * ---------------------------------------------------------------------------------------------------- */

/* Runs a statement about this mail at `now`; *changed is how many rows it changed. */
static bool change_one(struct store *store, enum statement_id id, int64_t mail_id, int64_t now, int64_t *changed,
                       GError **error)
{
    struct statement *statement = statement_get(store, id, error);
    if (!statement)
        return false;
    bind_int(statement, 1, mail_id);
    if (id == STATEMENT_MAIL_REQUEUE)
        bind_int(statement, 2, now);
    if (!statement_run(statement, error))
        return false;
    *changed = sqlite3_changes64(store->db);
    return true;
}

/* The mail as it is in the queue again, or as another process left it; NULL with *error. */
static struct store_mail *requeue(struct store *store, int64_t mail_id, int64_t now, bool *changed, GError **error)
{
    int64_t mails = 0, recipients;
    if (!change_one(store, STATEMENT_MAIL_REQUEUE, mail_id, now, &mails, error) ||
        (mails > 0 && !change_one(store, STATEMENT_MAIL_REQUEUE_RECIPIENTS, mail_id, now, &recipients, error)))
        return NULL;
    *changed = mails > 0;
    return read_mail(store, STATEMENT_MAIL_READ, mail_id, error);
}

bool store_mail_requeue(struct store *store, struct store_mail *mail, int64_t now, bool *changed, GError **error)
{
    *changed = false;
    if (!store_begin(store, error))
        return false;
    struct store_mail *fresh = requeue(store, mail->mail_id, now, changed, error);
    if (!fresh)
        store_rollback(store);
    bool good = fresh && store_commit(store, error);
    *changed = *changed && good;
    if (good) {
        struct store_mail old = *mail;
        *mail = *fresh;
        *fresh = old;
    }
    store_mail_free(fresh);
    return good;
}
