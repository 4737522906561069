#include "report/post.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/base.h"
#include "report/message.h"
#include "report/outbox.h"
#include "report/outcome.h"

static const char report_kind[] = "report";

enum { TELL_S = 14 * 24 * 3600 }; /* so long is told what became of no mail, or of one that nobody knows of */

struct post {
    const struct report_options *options;
    struct store *store;
    int *signal;
    StoreLock *lock;          /* NULL: another process is sending */
    char *held_back;          /* why mails are not tried; NULL: they are */
    int64_t held_until;       /* with a server that failed: when it is asked again */
    bool refused;             /* by a server that would refuse every other mail: it is asked no more */
    GPtrArray *unnoted;       /* struct store_mail *, borrowed: what became of them is not in the store yet */
    GPtrArray *given_up;      /* struct store_mail *: after five days, when this run began */
    int64_t began, waited;    /* by the clock, and by the waits: a clock that stands still ends no wait */
    struct store_watch watch; /* of waits for the database */
};

static void log_mail(enum log_level level, const char *words, const char *customer, const struct store_mail *mail)
{
    log_write(level, words, "customer", customer, "mail", store_mail_state_name(mail->state), "subject", mail->subject,
              NULL);
}

static struct store_mail_recipient *recipient_at(const struct store_mail *mail, guint i)
{
    return g_ptr_array_index(mail->recipients, i);
}

static int64_t now_of(const struct post *post)
{
    return MAX(clock_now(post->options->clock), post->began + post->waited);
}

/* Also of customers that are configured no more. What another process was at meanwhile is left to it. */
static bool give_up_old(struct post *post, GError **error)
{
    int64_t now = now_of(post);
    g_autoptr(GPtrArray) due = store_mail_due(post->store, 0, now, error);

    while (due && due->len) {
        g_autoptr(StoreMail) mail = g_ptr_array_steal_index(due, 0);
        g_autoptr(GError) cause = NULL;

        if (now - mail->queued_at < OUTBOX_GIVE_UP_S)
            continue;
        outbox_give_up(mail);
        if (!store_mail_note(post->store, mail, &cause))
            continue;
        log_mail(LOG_LEVEL_WARN, mail->answer, mail->customer, mail);
        g_ptr_array_add(post->given_up, g_steal_pointer(&mail));
    }
    return due != NULL;
}

/* True also where another process has it: that one's mails are none of ours. */
static bool take_lock(struct post *post, GError **error)
{
    g_autoptr(GError) cause = NULL;

    post->lock = store_lock_take(post->options->config->database, STORE_LOCK_MAIL, &cause);
    if (post->lock)
        return store_mail_recover(post->store, error) >= 0 && give_up_old(post, error);
    if (g_error_matches(cause, STORE_ERROR, STORE_ERROR_BUSY)) {
        post->held_back = g_strdup("Another process was sending mail: this one is left to a later run.");
        return true;
    }
    g_propagate_error(error, g_steal_pointer(&cause));
    return false;
}

/* After a signal the database is still waited for as long as a short lock may last: what became of a mail that has gone
 * must be written down, or nobody knows of it. */
static bool may_wait(const char *doing, int64_t waited_ms, int64_t of, void *user)
{
    enum { AFTER_SIGNAL_MS = 10000 };
    const struct post *post = user;

    (void)doing;
    (void)of;
    return !post_interrupted(post->options, post->signal) || waited_ms < AFTER_SIGNAL_MS;
}

struct post *post_open(const struct report_options *options, struct store *store, int *signal, GError **error)
{
    struct post *post = g_new0(struct post, 1);

    post->options = options;
    post->store = store;
    post->signal = signal;
    post->began = clock_now(options->clock);
    post->unnoted = g_ptr_array_new();
    post->given_up = g_ptr_array_new_with_free_func((GDestroyNotify)store_mail_free);
    post->watch = (struct store_watch){.go_on = may_wait, .user = post};
    store_set_watch(store, &post->watch);
    if (take_lock(post, error))
        return post;
    post_close(post);
    return NULL;
}

/* What became of a mail and could not be written down when it did: the store may have been busy, or the disk full. */
static void note_again(struct post *post)
{
    for (guint i = post->unnoted->len; i-- > 0;) {
        struct store_mail *mail = g_ptr_array_index(post->unnoted, i);
        g_autoptr(GError) error = NULL;

        if (!store_mail_note(post->store, mail, &error))
            continue;
        log_mail(LOG_LEVEL_WARN, "What became of the mail has been written down by now.", mail->customer, mail);
        g_ptr_array_remove_index(post->unnoted, i);
    }
}

void post_close(struct post *post)
{
    if (!post)
        return;
    note_again(post);
    store_set_watch(post->store, NULL);
    g_ptr_array_unref(post->unnoted);
    g_ptr_array_unref(post->given_up);
    store_lock_release(post->lock);
    g_free(post->held_back);
    g_free(post);
}

const char *post_held_back(const struct post *post)
{
    return post->held_back;
}

/* --- attempts ----------------------------------------------------------------------------------------------------- */

/* One mail server, or one application, sends for everybody. */
static bool shares_server(const struct post *post)
{
    const struct config *config = post->options->config;

    return config->smtp.transport == CONFIG_TRANSPORT_SMTP || config->smtp.customer;
}

/* What a server or a login failed once it would fail for every other mail, too: after minutes of time-outs, and with
 * the account locked for so many wrong passwords. The others wait until it is asked again; one that refused, as for a
 * password that expired, is asked no more in this run. */
static void hold_back(struct post *post, const struct store_mail *mail, const struct transport_result *result)
{
    enum { AGAIN_S = 60 };

    if (!result->server || !shares_server(post))
        return;
    post->refused = result->outcome == TRANSPORT_REFUSED;
    g_free(post->held_back);
    post->held_back = g_strdup_printf("Not tried, as an earlier mail of this run met with this: %s", result->answer);
    post->held_until =
        mail->state == STORE_MAIL_QUEUED && mail->next_attempt_at ? mail->next_attempt_at : now_of(post) + AGAIN_S;
}

static bool all_sent(const struct store_mail *mail)
{
    for (guint i = 0; i < mail->recipients->len; i++)
        if (recipient_at(mail, i)->state != STORE_MAIL_SENT)
            return false;
    return true;
}

static void log_outcome(const struct post *post, const struct config_customer *customer, const struct store_mail *mail,
                        const struct transport_result *result)
{
    enum log_level level = all_sent(mail)                     ? LOG_LEVEL_INFO
                           : mail->state == STORE_MAIL_FAILED ? LOG_LEVEL_ERROR
                                                              : LOG_LEVEL_WARN;

    if (level == LOG_LEVEL_INFO && post->options->progress)
        return;
    log_write(level, result->answer ? result->answer : "The mail was handed over.", "customer", customer->name, "mail",
              store_mail_state_name(mail->state), "subject", mail->subject, "next", result->hint, NULL);
}

/* Tries a mail once. The message is not kept in memory: a run may have a hundred. */
static bool deliver(struct post *post, const struct config_customer *customer, struct store_mail *mail, char **hint,
                    GError **error)
{
    const struct transport transport = {.config = post->options->config,
                                        .customer = customer,
                                        .clock = post->options->clock,
                                        .signal_fd = post->options->signal_fd};
    struct transport_result result = {0};
    bool good = outbox_deliver(post->store, &transport, mail, &result, error);

    if (result.unnoted)
        g_ptr_array_add(post->unnoted, mail);
    post_interrupted(post->options, post->signal); /* while it went on: the transport leaves the signal to us */
    if (good && result.outcome != TRANSPORT_CANCELLED) {
        hold_back(post, mail, &result);
        log_outcome(post, customer, mail, &result);
    }
    if (hint) {
        g_free(*hint);
        *hint = g_steal_pointer(&result.hint);
    }
    transport_result_clear(&result);
    g_clear_pointer(&mail->message, g_bytes_unref);
    return good;
}

static bool may_try(const struct post *post)
{
    return post->lock && !post->refused && now_of(post) >= post->held_until && !*post->signal;
}

/* Why a mail is not even tried is said at once: with --quiet there are no other words. */
static void warn_of(const struct post *post, const struct config_customer *customer, const struct store_mail *mail)
{
    g_autofree char *words = outcome_warning(customer->name, customer->timezone, mail, post->held_back);

    if (words && !*post->signal)
        log_mail(LOG_LEVEL_WARN, words, customer->name, mail);
}

bool post_try(struct post *post, const struct config_customer *customer, struct report_customer *result, GError **error)
{
    struct store_mail *mail = result->mail;

    note_again(post);
    if (mail->state == STORE_MAIL_QUEUED && may_try(post))
        return deliver(post, customer, mail, &result->hint, error);
    if (mail->state != STORE_MAIL_SENT)
        warn_of(post, customer, mail);
    g_clear_pointer(&mail->message, g_bytes_unref);
    return true;
}

bool post_try_again(struct post *post, const struct config_customer *customer, struct store_mail **mail, char **hint,
                    GError **error)
{
    struct store_mail *found;

    if ((*mail)->state != STORE_MAIL_QUEUED || !may_try(post) || now_of(post) < post_next_attempt(post, *mail))
        return true;
    note_again(post);
    if (g_ptr_array_find(post->unnoted, *mail, NULL))
        return true;
    found = store_mail_read(post->store, (*mail)->mail_id, error);
    if (!found)
        return false;
    store_mail_free(*mail);
    *mail = found;
    return found->state != STORE_MAIL_QUEUED || deliver(post, customer, found, hint, error);
}

/* --- the mail of a window ----------------------------------------------------------------------------------------- */

static void add_recipients(struct store_mail *mail, char **mailboxes)
{
    for (char **mailbox = mailboxes; mailbox && *mailbox; mailbox++) {
        g_autofree char *address = message_address(*mailbox);

        if (address)
            store_mail_add_recipient(mail, address);
    }
}

/* Until when the mail tells: that of a day which is not over is another one than that of the whole day. */
static int64_t told_to(const struct edition *edition)
{
    return MIN(edition->window->to, edition->now);
}

static struct store_mail *mail_of(const struct edition *edition, int64_t customer_id)
{
    const struct config *config = edition->options->config;
    struct store_mail *mail = store_mail_new();

    mail->customer_id = customer_id;
    mail->customer = g_strdup(edition->customer->name);
    mail->kind = g_strdup(report_kind);
    mail->from_s = edition->window->from;
    mail->to_s = told_to(edition);
    mail->subject = g_strdup(edition->words->subject);
    mail->sender = message_address(config->smtp.from);
    mail->message_id = g_strdup(edition->message_id);
    mail->message = g_bytes_ref(edition->message);
    mail->created_at = edition->now;
    add_recipients(mail, edition->customer->mail_to);
    add_recipients(mail, edition->customer->mail_cc);
    return mail;
}

/* Composes the mail and puts it into the outbox. `latest`: the one before it; NULL: none. */
static struct store_mail *store_new(struct post *post, struct edition *edition, const struct store_mail *latest,
                                    int64_t customer_id, GPtrArray *warnings, GError **error)
{
    g_autoptr(StoreMail) mail = NULL;
    bool again = latest && latest->state == STORE_MAIL_SENT;

    if (!edition_compose(edition, latest ? latest->mail_id : 0, warnings, error))
        return NULL;
    mail = mail_of(edition, customer_id);
    return store_mail_insert(post->store, mail, again, error) ? g_steal_pointer(&mail) : NULL;
}

static bool has_recipient(const struct store_mail *mail, const char *address)
{
    for (guint i = 0; i < mail->recipients->len; i++)
        if (g_ascii_strcasecmp(recipient_at(mail, i)->address, address) == 0)
            return true;
    return false;
}

/* Whether a mail that nobody has, nor may have, is from and for others than the configuration has by now. */
static bool is_outdated(const struct edition *edition, const struct store_mail *mail)
{
    g_autoptr(StoreMail) now = store_mail_new();
    g_autofree char *sender = message_address(edition->options->config->smtp.from);
    bool same;

    add_recipients(now, edition->customer->mail_to);
    add_recipients(now, edition->customer->mail_cc);
    same = g_strcmp0(sender, mail->sender) == 0 && now->recipients->len == mail->recipients->len;
    for (guint i = 0; i < mail->recipients->len; i++) {
        const struct store_mail_recipient *recipient = recipient_at(mail, i);

        if (recipient->state == STORE_MAIL_SENT || recipient->state == STORE_MAIL_UNKNOWN || recipient->may_have)
            return false;
        same = same && has_recipient(now, recipient->address);
    }
    return !same;
}

/* Ends a mail in favour of one that is composed anew. */
static bool replace(struct post *post, struct store_mail *mail, GError **error)
{
    mail->state = STORE_MAIL_FAILED;
    mail->next_attempt_at = 0;
    g_free(mail->answer);
    mail->answer = g_strdup("replaced: recipients or sender have changed");
    for (guint i = 0; i < mail->recipients->len; i++)
        recipient_at(mail, i)->state = STORE_MAIL_FAILED;
    return store_mail_note(post->store, mail, error);
}

/* One process sends a window again, not two at once: they would send the very same. */
static bool may_send_again(const struct post *post, GError **error)
{
    if (!post->lock)
        g_set_error(error, REPORT_ERROR, REPORT_ERROR_FAILED,
                    "The report was not sent again: another process is sending mail, and it may be this one. Look at "
                    "what came of it, and ask again when it has ended.");
    return post->lock != NULL;
}

/* Whether a mail that is there stays as it is: it went out, or may have, and nobody asked for another one; or another
 * process is at it. */
static bool is_settled(const struct post *post, const struct store_mail *mail)
{
    return mail->state == STORE_MAIL_SENDING ||
           ((mail->state == STORE_MAIL_SENT || mail->state == STORE_MAIL_UNKNOWN) && !post->options->resend);
}

/* Who was sent to, or may have been, is not sent to again unless that was asked for. The very message goes once more
 * to those recipients nobody knows of: with its Message-ID receivers can suppress the double. */
static struct store_mail *mail_for(struct post *post, struct edition *edition, struct store_mail *latest,
                                   int64_t customer_id, GPtrArray *warnings, GError **error)
{
    g_autoptr(StoreMail) mail = latest;
    bool changed;

    if (!mail || mail->state == STORE_MAIL_FAILED)
        return store_new(post, edition, mail, customer_id, warnings, error);
    if (is_settled(post, mail))
        return g_steal_pointer(&mail);
    if (mail->state == STORE_MAIL_UNKNOWN)
        return store_mail_requeue(post->store, mail, now_of(post), &changed, error) ? g_steal_pointer(&mail) : NULL;
    if (mail->state == STORE_MAIL_SENT)
        return may_send_again(post, error) ? store_new(post, edition, mail, customer_id, warnings, error) : NULL;
    if (!is_outdated(edition, mail))
        return g_steal_pointer(&mail);
    return replace(post, mail, error) ? store_new(post, edition, mail, customer_id, warnings, error) : NULL;
}

/* False with *error where the store failed; *found is NULL where there is none. */
static bool find(struct post *post, const struct edition *edition, int64_t customer_id, struct store_mail **found,
                 GError **error)
{
    g_autoptr(GError) cause = NULL;

    *found = store_mail_find(post->store, customer_id, report_kind, edition->window->from, told_to(edition), &cause);
    if (!cause)
        return true;
    g_propagate_error(error, g_steal_pointer(&cause));
    return false;
}

/* Where another process was faster, its mail is the one. */
static struct store_mail *find_or_make(struct post *post, struct edition *edition, int64_t customer_id,
                                       struct report_customer *result, GError **error)
{
    struct store_mail *mail;
    g_autoptr(GError) cause = NULL;

    if (!find(post, edition, customer_id, &mail, error))
        return NULL;
    result->sent_before = mail && mail->state == STORE_MAIL_SENT && is_settled(post, mail);
    mail = mail_for(post, edition, mail, customer_id, result->warnings, &cause);
    if (g_error_matches(cause, STORE_ERROR, STORE_ERROR_BUSY)) {
        if (!find(post, edition, customer_id, &mail, error))
            return NULL;
        result->sent_before = mail && mail->state == STORE_MAIL_SENT;
    }
    if (!mail)
        g_propagate_error(error, g_steal_pointer(&cause));
    return mail;
}

bool post_queue(struct post *post, struct edition *edition, struct report_customer *result, GError **error)
{
    const struct config_customer *customer = edition->customer;
    int64_t customer_id = store_customer(post->store, customer->name, customer->tenant_id, error);

    if (!customer_id)
        return false;
    result->mail = find_or_make(post, edition, customer_id, result, error);
    if (!result->mail)
        return false;
    g_clear_pointer(&edition->message, g_bytes_unref);
    edition->message = g_bytes_ref(result->mail->message);
    return true;
}

/* --- mails of earlier windows ------------------------------------------------------------------------------------- */

static void take_given_up(struct post *post, GPtrArray *delivered)
{
    while (post->given_up->len)
        g_ptr_array_add(delivered, g_ptr_array_steal_index(post->given_up, 0));
}

static bool holds(const GPtrArray *mails, int64_t mail_id)
{
    for (guint i = 0; i < mails->len; i++)
        if (((const struct store_mail *)g_ptr_array_index(mails, i))->mail_id == mail_id)
            return true;
    return false;
}

/* What nobody knows of, and what failed without a later mail in its place, would be told by nobody the next day. */
static bool tell_open(struct post *post, const struct config_customer *customer, int64_t customer_id, int64_t own_id,
                      GPtrArray *delivered, GError **error)
{
    g_autoptr(GPtrArray) mails = store_mail_unsettled(post->store, customer_id, now_of(post) - TELL_S, error);

    while (mails && mails->len) {
        g_autoptr(StoreMail) mail = g_ptr_array_steal_index(mails, 0);

        if (mail->mail_id == own_id || holds(delivered, mail->mail_id))
            continue;
        warn_of(post, customer, mail);
        if (mail->state == STORE_MAIL_UNKNOWN)
            g_ptr_array_add(delivered, g_steal_pointer(&mail));
    }
    return mails != NULL;
}

static bool try_due(struct post *post, const struct config_customer *customer, int64_t customer_id, int64_t own_id,
                    GPtrArray *delivered, GError **error)
{
    g_autoptr(GPtrArray) due = store_mail_due(post->store, customer_id, now_of(post), error);

    for (guint i = 0; due && i < due->len && may_try(post); i++) {
        int64_t mail_id = ((const struct store_mail *)g_ptr_array_index(due, i))->mail_id;
        struct store_mail *mail;

        if (mail_id == own_id)
            continue;
        note_again(post);
        if (!(mail = store_mail_read(post->store, mail_id, error)))
            return false;
        g_ptr_array_add(delivered, mail);
        if (mail->state == STORE_MAIL_QUEUED && !deliver(post, customer, mail, NULL, error))
            return false;
    }
    return due != NULL;
}

bool post_send_due(struct post *post, const struct config_customer *customer, const struct store_mail *own,
                   GPtrArray *delivered, GError **error)
{
    int64_t own_id = own ? own->mail_id : 0, customer_id;

    take_given_up(post, delivered);
    customer_id = own ? own->customer_id : store_customer(post->store, customer->name, customer->tenant_id, error);
    return customer_id && (!may_try(post) || try_due(post, customer, customer_id, own_id, delivered, error)) &&
           tell_open(post, customer, customer_id, own_id, delivered, error);
}

/* --- waiting ------------------------------------------------------------------------------------------------------ */

int64_t post_next_attempt(const struct post *post, const struct store_mail *mail)
{
    return MAX(mail->next_attempt_at, post->held_until);
}

bool post_interrupted(const struct report_options *options, int *signal)
{
    struct signalfd_siginfo info;

    while (options->signal_fd >= 0 && read(options->signal_fd, &info, sizeof info) == (ssize_t)sizeof info) {
        if (*signal)
            _exit(128 + (int)info.ssi_signo);
        *signal = (int)info.ssi_signo;
    }
    return *signal != 0;
}

bool post_wait(struct post *post, int64_t until)
{
    const struct clock *clock = post->options->clock;
    int64_t now = now_of(post), need_s = MAX(until - now, 1), end_us;

    if (!post->lock || post->refused || now + need_s - post->began > post->options->wait_s)
        return false;
    end_us = clock_monotonic_us(clock) + need_s * CLOCK_US;
    for (int64_t left_us; !post_interrupted(post->options, post->signal) &&
                          (left_us = clock_real_wait_us(clock, end_us - clock_monotonic_us(clock))) > 0;) {
        struct pollfd signal = {.fd = post->options->signal_fd, .events = POLLIN};

        poll(&signal, 1, (int)MIN(left_us / 1000 + 1, G_MAXINT)); /* a descriptor of -1 is left out */
    }
    post->waited = now + need_s - post->began;
    return !*post->signal;
}
