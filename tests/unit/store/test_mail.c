/* The outbox: each mail stored once, marked before it goes, and never forgotten. */
#include <signal.h>
#include <sys/wait.h>

#include "fixture.h"

#include "faulty_vfs.h"

enum { FROM = AT - 115200, TO = AT - 28800 }; /* 2026-11-25 in UTC */

static const char body[] = "Subject: Health\r\n\r\nAll is well.\r\n";

/* A mail as a report makes it, not stored yet. Returned: store_mail_free. */
static struct store_mail *mail_of(const struct fixture *fixture, const char *recipients)
{
    struct store_mail *mail = store_mail_new();
    g_auto(GStrv) addresses = g_strsplit(recipients, " ", -1);
    mail->customer_id = fixture->customer;
    mail->kind = g_strdup("report");
    mail->from_s = FROM;
    mail->to_s = TO;
    mail->subject = g_strdup("Service health of contoso");
    mail->sender = g_strdup("desk@example.org");
    mail->message_id = g_strdup("abc@example.org");
    mail->message = g_bytes_new_static(body, sizeof body - 1);
    mail->created_at = AT;
    for (char **address = addresses; *address && **address; address++)
        store_mail_add_recipient(mail, *address);
    return mail;
}

static void insert(struct fixture *fixture, struct store_mail *mail, bool again)
{
    g_autoptr(GError) error = NULL;
    bool inserted = store_mail_insert(fixture->store, mail, again, &error);
    assert_ok(inserted, error);
}

static struct store_mail *stored(struct fixture *fixture, const char *recipients)
{
    struct store_mail *mail = mail_of(fixture, recipients);
    insert(fixture, mail, false);
    return mail;
}

static struct store_mail_recipient *recipient_of(const struct store_mail *mail, guint i)
{
    return mail->recipients->pdata[i];
}

/* The recipient's answer, as a transport notes it. */
static void answer(struct store_mail *mail, guint i, enum store_mail_state state, int code, const char *words)
{
    struct store_mail_recipient *recipient = recipient_of(mail, i);
    recipient->state = state;
    recipient->code = code;
    g_free(recipient->answer);
    recipient->answer = g_strdup(words);
}

static void note(struct fixture *fixture, struct store_mail *mail, enum store_mail_state state)
{
    g_autoptr(GError) error = NULL;
    mail->state = state;
    if (state != STORE_MAIL_QUEUED)
        mail->next_attempt_at = 0;
    bool noted = store_mail_note(fixture->store, mail, &error);
    assert_ok(noted, error);
}

static void begin(struct fixture *fixture, struct store_mail *mail)
{
    g_autoptr(GError) error = NULL;
    bool begun = store_mail_begin(fixture->store, mail, AT + 5, &error);
    assert_ok(begun, error);
}

static struct store_mail *find(struct fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    struct store_mail *mail = store_mail_find(fixture->store, fixture->customer, "report", FROM, TO, &error);
    assert_ok(!error, error);
    return mail;
}

/* --- storing ---------------------------------------------------------------------------------------------------------
 */

static void a_mail_is_stored_whole_and_found_again(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(StoreMail) mail = stored(fixture, "ada@contoso.example bob@contoso.example");
    assert_int_equal(mail->mail_id, 1);
    assert_int_equal(mail->state, STORE_MAIL_QUEUED);
    assert_int_equal(mail->next_attempt_at, AT);

    g_autoptr(StoreMail) found = find(fixture);
    assert_int_equal(found->mail_id, 1);
    assert_int_equal(found->customer_id, fixture->customer);
    assert_string_equal(found->customer, "contoso");
    assert_string_equal(found->kind, "report");
    assert_true(found->from_s == FROM && found->to_s == TO);
    assert_string_equal(found->subject, "Service health of contoso");
    assert_string_equal(found->sender, "desk@example.org");
    assert_string_equal(found->message_id, "abc@example.org");
    assert_true(g_bytes_equal(found->message, mail->message));
    assert_int_equal(found->state, STORE_MAIL_QUEUED);
    assert_true(found->attempts == 0 && found->created_at == AT && found->next_attempt_at == AT && !found->sent_at);
    assert_null(found->answer);
    assert_int_equal(found->recipients->len, 2);
    for (guint i = 0; i < 2; i++) {
        const struct store_mail_recipient *recipient = recipient_of(found, i);
        assert_string_equal(recipient->address, i ? "bob@contoso.example" : "ada@contoso.example");
        assert_int_equal(recipient->state, STORE_MAIL_QUEUED);
        assert_true(recipient->code == 0 && !recipient->answer);
    }
}

static void a_recipient_is_added_once_whatever_the_case(void **state)
{
    g_autoptr(StoreMail) mail = mail_of(*state, "Ada@Contoso.example bob@x ada@contoso.EXAMPLE bob@x BOB@X carl@x");
    assert_int_equal(mail->recipients->len, 3);
    assert_string_equal(recipient_of(mail, 0)->address, "Ada@Contoso.example");
    assert_string_equal(recipient_of(mail, 2)->address, "carl@x");
}

static void a_mail_for_nobody_is_refused(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(StoreMail) mail = mail_of(fixture, "");
    GError *error = NULL;
    assert_refused(store_mail_insert(fixture->store, mail, false, &error), &error, STORE_ERROR_FAILED,
                   "it has no recipients");
    assert_rows(fixture, "SELECT count(*) FROM mail", "0");
}

static void a_mail_with_a_recipient_twice_is_refused_whole(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(StoreMail) mail = mail_of(fixture, "ada@x bob@x");
    GError *error = NULL;
    g_free(recipient_of(mail, 1)->address);
    recipient_of(mail, 1)->address = g_strdup("ADA@X");
    assert_refused(store_mail_insert(fixture->store, mail, false, &error), &error, STORE_ERROR_FAILED, "UNIQUE");
    assert_int_equal(mail->mail_id, 0);
    assert_rows(fixture, "SELECT (SELECT count(*) FROM mail), (SELECT count(*) FROM mail_recipient)", "0|0");
}

static void a_mail_of_a_customer_nobody_knows_is_refused(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(StoreMail) mail = mail_of(fixture, "ada@x");
    GError *error = NULL;
    mail->customer_id = 99;
    assert_refused(store_mail_insert(fixture->store, mail, false, &error), &error, STORE_ERROR_FAILED, "FOREIGN KEY");
}

static void who_only_reads_stores_no_mail(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(StoreMail) mail = mail_of(fixture, "ada@x");
    g_autoptr(Store) reader = store_open(fixture->path, STORE_READ, NULL);
    GError *error = NULL;
    assert_refused(store_mail_insert(reader, mail, false, &error), &error, STORE_ERROR_READ_ONLY, "cannot be written");
    assert_int_equal(store_mail_recover(reader, &error), 0); /* there is nothing to write */
    assert_null(store_mail_find(reader, fixture->customer, "report", FROM, TO, &error));
    assert_ok(!error, error);
    insert(fixture, mail, false);
    begin(fixture, mail);
    assert_refused(store_mail_recover(reader, &error) >= 0, &error, STORE_ERROR_READ_ONLY, "cannot be written");
}

/* --- once a window ---------------------------------------------------------------------------------------------------
 */

static void a_window_is_mailed_once_unless_that_failed(void **state)
{
    static const enum store_mail_state live[] = {STORE_MAIL_QUEUED, STORE_MAIL_SENDING, STORE_MAIL_SENT,
                                                 STORE_MAIL_UNKNOWN};
    struct fixture *fixture = *state;
    g_autoptr(StoreMail) first = stored(fixture, "ada@x");
    for (size_t i = 0; i < G_N_ELEMENTS(live); i++) {
        g_autoptr(StoreMail) second = mail_of(fixture, "ada@x");
        g_autofree char *words = g_strdup_printf("already (mail 1, %s)", store_mail_state_name(live[i]));
        GError *error = NULL;
        note(fixture, first, live[i]);
        assert_refused(store_mail_insert(fixture->store, second, false, &error), &error, STORE_ERROR_BUSY, words);
        assert_int_equal(second->mail_id, 0);
    }
    answer(first, 0, STORE_MAIL_FAILED, 550, "no such user");
    note(fixture, first, STORE_MAIL_FAILED);
    g_autoptr(StoreMail) anew = mail_of(fixture, "ada@x");
    insert(fixture, anew, false);
    assert_int_equal(anew->mail_id, 2);
    g_autoptr(StoreMail) latest = find(fixture);
    assert_int_equal(latest->mail_id, 2);
}

static void a_window_is_mailed_again_when_that_is_asked_for(void **state)
{
    struct fixture *fixture = *state;
    for (int i = 0; i < 3; i++) {
        g_autoptr(StoreMail) mail = mail_of(fixture, "ada@x");
        insert(fixture, mail, true);
    }
    g_autoptr(StoreMail) more = mail_of(fixture, "ada@x");
    GError *error = NULL;
    assert_refused(store_mail_insert(fixture->store, more, false, &error), &error, STORE_ERROR_BUSY, "mail 3, queued");
    assert_rows(fixture, "SELECT group_concat(mail_id || ':' || resend, ' ') FROM mail_outbox", "1:0 2:1 3:2");

    /* One of them fails: the next turn is none that was taken. */
    g_autoptr(GPtrArray) due = store_mail_due(fixture->store, 0, AT, &error);
    note(fixture, due->pdata[0], STORE_MAIL_FAILED);
    insert(fixture, more, true);
    assert_rows(fixture, "SELECT resend FROM mail_outbox WHERE mail_id = 4", "3");
}

static void only_the_same_customer_kind_and_window_are_the_same(void **state)
{
    struct fixture *fixture = *state;
    store_mail_free(stored(fixture, "ada@x"));
    g_autoptr(StoreMail) customer = mail_of(fixture, "ada@x"), kind = mail_of(fixture, "ada@x");
    g_autoptr(StoreMail) window = mail_of(fixture, "ada@x"), none = mail_of(fixture, "ada@x");
    customer->customer_id = 0;
    g_free(kind->kind);
    kind->kind = g_strdup("alert");
    window->to_s++;
    none->from_s = none->to_s = 0;
    insert(fixture, customer, false);
    insert(fixture, kind, false);
    insert(fixture, window, false);
    insert(fixture, none, false);

    GError *error = NULL;
    assert_refused(store_mail_insert(fixture->store, customer, false, &error), &error, STORE_ERROR_BUSY, "mail 2,");
    insert(fixture, none, false); /* of no window there may be many */
    g_autoptr(StoreMail) found = store_mail_find(fixture->store, fixture->customer, "report", 0, 0, &error);
    assert_int_equal(found->mail_id, 6);
    assert_true(found->from_s == 0 && found->to_s == 0);
    g_autoptr(StoreMail) of_none = store_mail_find(fixture->store, 0, "report", FROM, TO, &error);
    assert_int_equal(of_none->mail_id, 2);
    assert_true(of_none->customer_id == 0 && !of_none->customer);
    assert_null(store_mail_find(fixture->store, 0, "alert", FROM, TO, &error));
    assert_ok(!error, error);
}

static void the_database_itself_refuses_a_double(void **state)
{
    static const char again[] = "INSERT INTO mail (customer_id, kind, from_s, to_s, resend, subject, sender, "
                                "message_id, state, attempts, created_at, content_hash, message) "
                                "SELECT customer_id, kind, from_s, to_s, resend, subject, sender, message_id, state, "
                                "attempts, created_at, content_hash, message FROM mail WHERE mail_id = 1";
    struct fixture *fixture = *state;
    store_mail_free(stored(fixture, "ada@x"));
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(fixture->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, again, NULL, NULL, NULL), SQLITE_CONSTRAINT);
    assert_int_equal(sqlite3_exec(db, "UPDATE mail SET state = 'lost'", NULL, NULL, NULL), SQLITE_CONSTRAINT);
    sqlite3_close(db);
}

/* --- sending ---------------------------------------------------------------------------------------------------------
 */

static void what_is_queued_and_due_is_told_the_oldest_first(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    for (int i = 0; i < 5; i++) {
        g_autoptr(StoreMail) mail = mail_of(fixture, "ada@x bob@x");
        mail->from_s += i;
        mail->created_at = AT - i; /* the last one is the oldest */
        mail->customer_id = i == 4 ? 0 : fixture->customer;
        insert(fixture, mail, false);
        if (i == 1)
            note(fixture, mail, STORE_MAIL_UNKNOWN);
        if (i == 2) {
            mail->next_attempt_at = AT + 60;
            note(fixture, mail, STORE_MAIL_QUEUED);
        }
    }
    g_autoptr(GPtrArray) all = store_mail_due(fixture->store, 0, AT, &error);
    g_autoptr(GPtrArray) ours = store_mail_due(fixture->store, fixture->customer, AT + 60, &error);
    assert_ok(all && ours, error);
    assert_true(all->len == 3 && ours->len == 3);
    static const int64_t of_all[] = {5, 4, 1}, of_ours[] = {4, 3, 1};
    for (guint i = 0; i < 3; i++) {
        assert_int_equal(((const struct store_mail *)all->pdata[i])->mail_id, of_all[i]);
        assert_int_equal(((const struct store_mail *)ours->pdata[i])->mail_id, of_ours[i]);
        assert_int_equal(((const struct store_mail *)all->pdata[i])->recipients->len, 2);
        assert_null(((const struct store_mail *)all->pdata[i])->message);
    }
    g_autoptr(GPtrArray) before = store_mail_due(fixture->store, 0, AT - 10, &error);
    assert_int_equal(before->len, 0);
}

static void a_mail_that_begins_is_marked_with_what_is_known_of_its_recipients(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(StoreMail) mail = stored(fixture, "ada@x bob@x");
    answer(mail, 1, STORE_MAIL_FAILED, 550, "5.1.1 no such user");
    begin(fixture, mail);
    assert_int_equal(mail->state, STORE_MAIL_SENDING);
    assert_int_equal(mail->attempts, 1);
    assert_int_equal(mail->next_attempt_at, 0);
    assert_rows(fixture, "SELECT state, attempts, begun_at, next_attempt_at FROM mail_outbox",
                "sending|1|2026-11-26T08:00:05Z|NULL");
    assert_rows(fixture, "SELECT address, state, code, answer FROM mail_recipients",
                "ada@x|queued|NULL|NULL\nbob@x|failed|550|5.1.1 no such user");
}

static void only_a_queued_mail_begins(void **state)
{
    static const enum store_mail_state others[] = {STORE_MAIL_SENDING, STORE_MAIL_SENT, STORE_MAIL_FAILED,
                                                   STORE_MAIL_UNKNOWN};
    struct fixture *fixture = *state;
    g_autoptr(StoreMail) mail = stored(fixture, "ada@x");
    GError *error = NULL;
    for (size_t i = 0; i < G_N_ELEMENTS(others); i++) {
        note(fixture, mail, others[i]);
        mail->state = STORE_MAIL_QUEUED; /* as who has read it earlier believes */
        assert_refused(store_mail_begin(fixture->store, mail, AT, &error), &error, STORE_ERROR_BUSY,
                       "the mail 1 is not queued");
        assert_true(mail->state == STORE_MAIL_QUEUED && mail->attempts == 0);
    }
    mail->mail_id = 7;
    assert_refused(store_mail_begin(fixture->store, mail, AT, &error), &error, STORE_ERROR_BUSY, "the mail 7 is not");
    assert_rows(fixture, "SELECT state, attempts FROM mail_outbox", "unknown|0");
}

static void a_mail_is_not_begun_for_a_recipient_that_it_does_not_have(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(StoreMail) mail = stored(fixture, "ada@x");
    GError *error = NULL;
    store_mail_add_recipient(mail, "eve@x");
    assert_refused(store_mail_begin(fixture->store, mail, AT, &error), &error, STORE_ERROR_FAILED,
                   "it is not for eve@x");
    assert_refused(store_mail_note(fixture->store, mail, &error), &error, STORE_ERROR_FAILED, "it is not for eve@x");
    assert_rows(fixture, "SELECT state, attempts FROM mail_outbox", "queued|0");
}

static void all_that_came_of_a_mail_is_noted_and_read_again(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(StoreMail) mail = stored(fixture, "ada@x bob@x carl@x");
    begin(fixture, mail);
    answer(mail, 0, STORE_MAIL_SENT, 250, "2.1.5 ok");
    answer(mail, 1, STORE_MAIL_FAILED, 550, "no");
    answer(mail, 2, STORE_MAIL_UNKNOWN, 0, NULL);
    mail->sent_at = AT + 9;
    mail->answer = g_strdup("250 2.0.0 queued as 7 \xff\xfe");
    note(fixture, mail, STORE_MAIL_SENT);

    g_autoptr(StoreMail) found = find(fixture);
    assert_int_equal(found->state, STORE_MAIL_SENT);
    assert_true(found->attempts == 1 && found->sent_at == AT + 9 && found->next_attempt_at == 0);
    assert_true(g_str_has_prefix(found->answer, "250 2.0.0 queued as 7 ") && g_utf8_validate(found->answer, -1, NULL));
    assert_int_equal(recipient_of(found, 1)->code, 550);
    assert_string_equal(recipient_of(found, 1)->answer, "no");
    assert_int_equal(recipient_of(found, 2)->state, STORE_MAIL_UNKNOWN);
    assert_null(recipient_of(found, 2)->answer);
}

static void a_mail_is_read_whole_by_its_number(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(StoreMail) mail = stored(fixture, "ada@x bob@x");
    g_autoptr(GError) cause = NULL;
    g_autoptr(StoreMail) found = store_mail_read(fixture->store, mail->mail_id, &cause);
    assert_ok(found != NULL, cause);
    assert_true(g_bytes_equal(found->message, mail->message));
    assert_true(found->recipients->len == 2 && found->queued_at == AT);
    GError *error = NULL;
    assert_refused(store_mail_read(fixture->store, 9, &error) != NULL, &error, STORE_ERROR_FAILED,
                   "the outbox has no mail 9");
}

/* Two processes have read the same mail. */
static void what_another_process_noted_meanwhile_is_not_overwritten(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(StoreMail) mail = stored(fixture, "ada@x"), slow = find(fixture), slower = find(fixture);
    GError *error = NULL;
    begin(fixture, mail);
    slow->state = STORE_MAIL_FAILED;
    assert_refused(store_mail_note(fixture->store, slow, &error), &error, STORE_ERROR_BUSY, "it is sending in the");
    note(fixture, mail, STORE_MAIL_QUEUED); /* put off: queued as it was when the others read it, but tried once */
    assert_refused(store_mail_note(fixture->store, slow, &error), &error, STORE_ERROR_BUSY, "it is queued in the");
    assert_refused(store_mail_begin(fixture->store, slower, AT, &error), &error, STORE_ERROR_BUSY, "is not queued");
    assert_rows(fixture, "SELECT state, attempts FROM mail_outbox", "queued|1");
    begin(fixture, mail);
    answer(mail, 0, STORE_MAIL_SENT, 250, "ok");
    mail->sent_at = AT;
    note(fixture, mail, STORE_MAIL_SENT);
    note(fixture, mail, STORE_MAIL_SENT); /* the same once more is no harm */
}

/* --- once more, for those nobody knows of ----------------------------------------------------------------------------
 */

/* A mail that one got, one did not get, and two nobody knows of. */
static struct store_mail *left_unknown(struct fixture *fixture)
{
    struct store_mail *mail = stored(fixture, "ada@x bob@x carl@x dora@x");
    begin(fixture, mail);
    answer(mail, 0, STORE_MAIL_SENT, 250, "ok");
    answer(mail, 1, STORE_MAIL_FAILED, 550, "no");
    answer(mail, 2, STORE_MAIL_UNKNOWN, 0, NULL);
    answer(mail, 3, STORE_MAIL_UNKNOWN, 0, NULL);
    note(fixture, mail, STORE_MAIL_UNKNOWN);
    return mail;
}

static void an_unknown_mail_is_queued_again_for_those_nobody_knows_of(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(StoreMail) mail = left_unknown(fixture);
    g_autoptr(GError) error = NULL;
    bool changed = false;
    bool done = store_mail_requeue(fixture->store, mail, AT + 600, &changed, &error);
    assert_ok(done, error);
    assert_true(changed && mail->state == STORE_MAIL_QUEUED && mail->message);
    assert_true(mail->queued_at == AT + 600 && mail->next_attempt_at == AT + 600 && mail->created_at == AT);
    assert_true(!recipient_of(mail, 0)->may_have && recipient_of(mail, 2)->may_have);
    assert_rows(fixture, "SELECT address, state, may_have FROM mail_recipient",
                "ada@x|sent|0\nbob@x|failed|0\ncarl@x|queued|1\ndora@x|queued|1");
    /* The mark stays, whatever is noted by whom does not know of it. */
    begin(fixture, mail);
    recipient_of(mail, 2)->may_have = false;
    answer(mail, 2, STORE_MAIL_SENT, 250, "ok");
    answer(mail, 3, STORE_MAIL_UNKNOWN, 0, NULL);
    mail->sent_at = AT;
    note(fixture, mail, STORE_MAIL_UNKNOWN);
    assert_rows(fixture, "SELECT group_concat(may_have) FROM mail_recipient", "0,0,1,1");
}

static void only_an_unknown_mail_is_queued_again(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(StoreMail) mail = left_unknown(fixture), slow = find(fixture);
    GError *error = NULL;
    bool changed = false;
    assert_true(store_mail_requeue(fixture->store, mail, AT + 600, &changed, &error) && changed);
    begin(fixture, mail);
    answer(mail, 2, STORE_MAIL_SENT, 250, "ok");
    answer(mail, 3, STORE_MAIL_SENT, 250, "ok");
    mail->sent_at = AT + 600;
    note(fixture, mail, STORE_MAIL_SENT);
    /* Who read it while it was unknown changes nothing, and sees what it is. */
    assert_true(store_mail_requeue(fixture->store, slow, AT + 900, &changed, &error));
    assert_false(changed);
    assert_true(slow->state == STORE_MAIL_SENT && recipient_of(slow, 3)->state == STORE_MAIL_SENT);
    assert_rows(fixture, "SELECT state, next_attempt_at FROM mail_outbox", "sent|NULL");
    slow->mail_id = 9;
    assert_refused(store_mail_requeue(fixture->store, slow, AT, &changed, &error), &error, STORE_ERROR_FAILED,
                   "the outbox has no mail 9");
}

static void what_came_of_a_mail_that_is_not_there_is_refused(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(StoreMail) mail = mail_of(fixture, "ada@x");
    GError *error = NULL;
    mail->mail_id = 3;
    assert_refused(store_mail_note(fixture->store, mail, &error), &error, STORE_ERROR_FAILED,
                   "the mail 3 cannot be noted: the outbox does not have it");
}

/* --- after a crash ---------------------------------------------------------------------------------------------------
 */

/* Runs `child` in a process that kills itself afterwards. */
static void run_and_die(struct fixture *fixture, void (*child)(struct fixture *))
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        fixture->store = store_open(fixture->path, STORE_CREATE, NULL);
        fixture->customer = store_customer(fixture->store, "contoso", TENANT, NULL);
        child(fixture);
        raise(SIGKILL);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void send_two_mails_half(struct fixture *fixture)
{
    struct store_mail *mail = mail_of(fixture, "ada@x bob@x"), *other = mail_of(fixture, "carl@x");
    other->from_s++;
    bool done =
        store_mail_insert(fixture->store, mail, false, NULL) && store_mail_insert(fixture->store, other, false, NULL);
    answer(mail, 0, STORE_MAIL_FAILED, 550, "no");
    if (!done || !store_mail_begin(fixture->store, mail, AT, NULL))
        _exit(1);
}

static void a_mail_left_while_it_was_sent_becomes_unknown_after_a_kill(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) error = NULL;
    run_and_die(fixture, send_two_mails_half);
    fixture->store = store_open(fixture->path, STORE_WRITE, &error);
    fixture->customer = 1;
    assert_rows(fixture, "SELECT group_concat(state) FROM mail_outbox", "sending,queued");

    assert_int_equal(store_mail_recover(fixture->store, &error), 1);
    assert_ok(!error, error);
    assert_rows(fixture, "SELECT state, attempts, next_attempt_at IS NULL, sent_at, answer FROM mail_outbox",
                "unknown|1|1|NULL|The program ended while the message was being handed over.\nqueued|0|0|NULL|NULL");
    assert_rows(fixture, "SELECT address, state, may_have FROM mail_recipient",
                "ada@x|failed|0\nbob@x|unknown|1\ncarl@x|queued|0");
    assert_int_equal(store_mail_recover(fixture->store, &error), 0);
}

/* Every call that writing a mail makes of the file system fails once. What failed was not claimed; and one of them is
 * the sync that makes the commit last. */
static void no_mail_is_claimed_to_be_on_disk_before_it_is(void **state)
{
    struct fixture *fixture = *state;
    static const char *const steps[] = {"insert", "begin", "note"};
    for (size_t step = 0; step < G_N_ELEMENTS(steps); step++) {
        unsigned syncs = 0;
        bool more = true;
        for (unsigned n = 1; more; n++) {
            g_autoptr(GError) error = NULL;
            g_autoptr(StoreMail) mail = mail_of(fixture, "ada@x");
            mail->from_s = mail->to_s = 0;
            if (step > 0)
                insert(fixture, mail, false);
            vfs_arm(n, VFS_FAILS, false);
            bool done = step == 0   ? store_mail_insert(fixture->store, mail, false, &error)
                        : step == 1 ? store_mail_begin(fixture->store, mail, AT, &error)
                                    : store_mail_note(fixture->store, mail, &error);
            vfs_disarm();
            more = vfs.failed != NULL;
            bool at_sync = g_strcmp0(vfs.failed, "sync") == 0;
            syncs += at_sync;
            if (at_sync && done)
                fail_msg("%s is claimed to be done though call %u, its sync, failed", steps[step], n);
        }
        if (syncs == 0)
            fail_msg("%s syncs nothing", steps[step]);
    }
}

/* --- looking ---------------------------------------------------------------------------------------------------------
 */

static void the_outbox_tells_people_what_became_of_each_mail(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(StoreMail) mail = stored(fixture, "ada@x bob@x");
    answer(mail, 1, STORE_MAIL_FAILED, 550, "say \"no\"");
    mail->answer = g_strdup("451 later");
    mail->attempts = 2;
    mail->next_attempt_at = AT + 120;
    note(fixture, mail, STORE_MAIL_QUEUED);
    assert_rows(fixture, "SELECT customer, tenant_id, kind, \"from\", \"to\", resend, message_bytes FROM mail_outbox",
                "contoso|" TENANT "|report|2026-11-25T00:00:00Z|2026-11-26T00:00:00Z|0|33");
    assert_rows(fixture,
                "SELECT state, attempts, created_at, next_attempt_at, sent_at, answer, recipients FROM mail_outbox",
                "queued|2|2026-11-26T08:00:00Z|2026-11-26T08:02:00Z|NULL|451 later|"
                "[{\"address\":\"ada@x\",\"state\":\"queued\",\"code\":null,\"answer\":null},"
                "{\"address\":\"bob@x\",\"state\":\"failed\",\"code\":550,\"answer\":\"say \\\"no\\\"\"}]");
    assert_rows(fixture, "SELECT mail_id, customer, address, state, code FROM mail_recipients",
                "1|contoso|ada@x|queued|NULL\n1|contoso|bob@x|failed|550");
}

static void the_states_have_the_names_of_the_table(void **state)
{
    static const char *const names[] = {"queued", "sending", "sent", "failed", "unknown"};
    (void)state;
    for (int i = STORE_MAIL_QUEUED; i <= STORE_MAIL_UNKNOWN; i++)
        assert_string_equal(store_mail_state_name((enum store_mail_state)i), names[i]);
}

static int install_vfs(void **state)
{
    (void)state;
    sqlite3_initialize();
    vfs_install();
    return 0;
}

static int remove_vfs(void **state)
{
    (void)state;
    vfs_remove();
    return 0;
}

#define OF_STORE(test) cmocka_unit_test_setup_teardown(test, setup_store, teardown_verified)

int main(void)
{
    const struct CMUnitTest tests[] = {
        OF_STORE(a_mail_is_stored_whole_and_found_again),
        OF_STORE(a_recipient_is_added_once_whatever_the_case),
        OF_STORE(a_mail_for_nobody_is_refused),
        OF_STORE(a_mail_with_a_recipient_twice_is_refused_whole),
        OF_STORE(a_mail_of_a_customer_nobody_knows_is_refused),
        OF_STORE(who_only_reads_stores_no_mail),
        OF_STORE(a_window_is_mailed_once_unless_that_failed),
        OF_STORE(a_window_is_mailed_again_when_that_is_asked_for),
        OF_STORE(only_the_same_customer_kind_and_window_are_the_same),
        OF_STORE(the_database_itself_refuses_a_double),
        OF_STORE(what_is_queued_and_due_is_told_the_oldest_first),
        OF_STORE(a_mail_that_begins_is_marked_with_what_is_known_of_its_recipients),
        OF_STORE(only_a_queued_mail_begins),
        OF_STORE(a_mail_is_not_begun_for_a_recipient_that_it_does_not_have),
        OF_STORE(all_that_came_of_a_mail_is_noted_and_read_again),
        OF_STORE(a_mail_is_read_whole_by_its_number),
        OF_STORE(what_another_process_noted_meanwhile_is_not_overwritten),
        OF_STORE(an_unknown_mail_is_queued_again_for_those_nobody_knows_of),
        OF_STORE(only_an_unknown_mail_is_queued_again),
        OF_STORE(what_came_of_a_mail_that_is_not_there_is_refused),
        cmocka_unit_test_setup_teardown(a_mail_left_while_it_was_sent_becomes_unknown_after_a_kill, setup_folder,
                                        teardown_verified),
        OF_STORE(no_mail_is_claimed_to_be_on_disk_before_it_is),
        OF_STORE(the_outbox_tells_people_what_became_of_each_mail),
        OF_STORE(the_states_have_the_names_of_the_table),
    };
    return cmocka_run_group_tests_name("store mail", tests, install_vfs, remove_vfs);
}
