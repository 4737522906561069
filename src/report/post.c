#include "report/post.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/base.h"
#include "report/message.h"
#include "report/outbox.h"

static const char report_kind[] = "report";

struct post {
    const struct report_options *options;
    struct store *store;
    int *signal;
    StoreLock *lock;       /* NULL: another process is sending */
    char *held_back;       /* why mails are not tried; NULL: they are */
    int64_t held_until;    /* with a server that failed: when it is asked again */
    int64_t began, waited; /* by the clock, and by the waits: a clock that stands still ends no wait */
};

/* True also where another process has it: that one's mails are none of ours. */
static bool take_lock(struct post *post, GError **error)
{
    g_autoptr(GError) cause = NULL;

    post->lock = store_lock_take(post->options->config->database, STORE_LOCK_MAIL, &cause);
    if (post->lock)
        return store_mail_recover(post->store, error) >= 0;
    if (g_error_matches(cause, STORE_ERROR, STORE_ERROR_BUSY)) {
        post->held_back = g_strdup("Another process was sending mail: this one is left to a later run.");
        return true;
    }
    g_propagate_error(error, g_steal_pointer(&cause));
    return false;
}

struct post *post_open(const struct report_options *options, struct store *store, int *signal, GError **error)
{
    struct post *post = g_new0(struct post, 1);

    post->options = options;
    post->store = store;
    post->signal = signal;
    post->began = clock_now(options->clock);
    if (take_lock(post, error))
        return post;
    post_close(post);
    return NULL;
}

void post_close(struct post *post)
{
    if (!post)
        return;
    store_lock_release(post->lock);
    g_free(post->held_back);
    g_free(post);
}

const char *post_held_back(const struct post *post)
{
    return post->held_back;
}

static int64_t now_of(const struct post *post)
{
    return MAX(clock_now(post->options->clock), post->began + post->waited);
}

/* --- attempts ----------------------------------------------------------------------------------------------------- */

/* One mail server, or one application, sends for everybody. */
static bool shares_server(const struct post *post)
{
    const struct config *config = post->options->config;

    return config->smtp.transport == CONFIG_TRANSPORT_SMTP || config->smtp.customer;
}

/* What a server or a login failed once it would fail for every other mail, too: after minutes of time-outs, and with
 * the account locked for so many wrong passwords. The others wait until it is asked again. */
static void hold_back(struct post *post, const struct store_mail *mail, const struct transport_result *result)
{
    enum { AGAIN_S = 60 };

    if (!result->server || !shares_server(post))
        return;
    g_free(post->held_back);
    post->held_back = g_strdup_printf("Not tried, as an earlier mail of this run met with this: %s", result->answer);
    post->held_until =
        mail->state == STORE_MAIL_QUEUED && mail->next_attempt_at ? mail->next_attempt_at : now_of(post) + AGAIN_S;
}

static bool all_sent(const struct store_mail *mail)
{
    for (guint i = 0; i < mail->recipients->len; i++)
        if (((const struct store_mail_recipient *)g_ptr_array_index(mail->recipients, i))->state != STORE_MAIL_SENT)
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
    return post->lock && now_of(post) >= post->held_until && !*post->signal;
}

bool post_try(struct post *post, const struct config_customer *customer, struct report_customer *result, GError **error)
{
    struct store_mail *mail = result->mail;

    if (mail->state == STORE_MAIL_QUEUED && may_try(post))
        return deliver(post, customer, mail, &result->hint, error);
    g_clear_pointer(&mail->message, g_bytes_unref);
    return true;
}

bool post_try_again(struct post *post, const struct config_customer *customer, struct store_mail **mail, char **hint,
                    GError **error)
{
    const struct store_mail *old = *mail;
    struct store_mail *found;
    g_autoptr(GError) cause = NULL;

    if (old->state != STORE_MAIL_QUEUED || !may_try(post) || now_of(post) < post_next_attempt(post, old))
        return true;
    found = store_mail_find(post->store, old->customer_id, old->kind, old->from_s, old->to_s, &cause);
    if (cause) {
        g_propagate_error(error, g_steal_pointer(&cause));
        return false;
    }
    if (!found || found->mail_id != old->mail_id || found->state != STORE_MAIL_QUEUED) {
        store_mail_free(found);
        return true;
    }
    store_mail_free(*mail);
    *mail = found;
    return deliver(post, customer, found, hint, error);
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

static struct store_mail *mail_of(const struct edition *edition, int64_t customer_id)
{
    const struct config *config = edition->options->config;
    struct store_mail *mail = store_mail_new();

    mail->customer_id = customer_id;
    mail->customer = g_strdup(edition->customer->name);
    mail->kind = g_strdup(report_kind);
    mail->from_s = edition->window->from;
    mail->to_s = edition->window->to;
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

/* The very message once more, for those recipients nobody knows of: with its Message-ID receivers can suppress the
 * double. */
static bool queue_again(struct post *post, struct store_mail *mail, GError **error)
{
    for (guint i = 0; i < mail->recipients->len; i++) {
        struct store_mail_recipient *recipient = g_ptr_array_index(mail->recipients, i);

        if (recipient->state == STORE_MAIL_UNKNOWN)
            recipient->state = STORE_MAIL_QUEUED;
    }
    mail->state = STORE_MAIL_QUEUED;
    mail->next_attempt_at = clock_now(post->options->clock);
    return store_mail_note(post->store, mail, error);
}

/* Whether a mail that is there stays as it is: it went out, or may have, and nobody asked for another one; or another
 * process is at it. */
static bool is_settled(const struct post *post, const struct store_mail *mail)
{
    return mail->state == STORE_MAIL_SENDING ||
           ((mail->state == STORE_MAIL_SENT || mail->state == STORE_MAIL_UNKNOWN) && !post->options->resend);
}

/* Who was sent to, or may have been, is not sent to again unless that was asked for. */
static struct store_mail *mail_for(struct post *post, struct edition *edition, struct store_mail *latest,
                                   int64_t customer_id, GPtrArray *warnings, GError **error)
{
    g_autoptr(StoreMail) mail = latest;

    if (mail && (mail->state == STORE_MAIL_QUEUED || is_settled(post, mail)))
        return g_steal_pointer(&mail);
    if (mail && mail->state == STORE_MAIL_UNKNOWN)
        return queue_again(post, mail, error) ? g_steal_pointer(&mail) : NULL;
    return store_new(post, edition, mail, customer_id, warnings, error);
}

bool post_queue(struct post *post, struct edition *edition, struct report_customer *result, GError **error)
{
    const struct config_customer *customer = edition->customer;
    const struct report_window *window = edition->window;
    int64_t customer_id = store_customer(post->store, customer->name, customer->tenant_id, error);
    struct store_mail *latest;
    g_autoptr(GError) cause = NULL;

    if (!customer_id)
        return false;
    latest = store_mail_find(post->store, customer_id, report_kind, window->from, window->to, &cause);
    if (cause) {
        g_propagate_error(error, g_steal_pointer(&cause));
        return false;
    }
    result->sent_before = latest && latest->state == STORE_MAIL_SENT && is_settled(post, latest);
    result->mail = mail_for(post, edition, latest, customer_id, result->warnings, error);
    if (!result->mail)
        return false;
    g_clear_pointer(&edition->message, g_bytes_unref);
    edition->message = g_bytes_ref(result->mail->message);
    return true;
}

bool post_send_due(struct post *post, const struct config_customer *customer, const struct store_mail *own,
                   GPtrArray *delivered, GError **error)
{
    int64_t customer_id;
    g_autoptr(GPtrArray) due = NULL;

    if (!may_try(post))
        return true;
    customer_id = own ? own->customer_id : store_customer(post->store, customer->name, customer->tenant_id, error);
    if (!customer_id || !(due = store_mail_due(post->store, customer_id, now_of(post), error)))
        return false;
    while (due->len && may_try(post)) {
        g_autoptr(StoreMail) mail = g_ptr_array_steal_index(due, 0);

        if (own && mail->mail_id == own->mail_id)
            continue;
        if (!deliver(post, customer, mail, NULL, error))
            return false;
        g_ptr_array_add(delivered, g_steal_pointer(&mail));
    }
    return true;
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

    if (!post->lock || now + need_s - post->began > post->options->wait_s)
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
