#include "report/smtp_session.h"

#include <auth-client.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* Before libesmtp.h, which looks whether OpenSSL's names are known. */
#include "report/smtp_tls.h"
#include <libesmtp.h>

#include "base/base.h"
#include "report/smtp_reply.h"

enum {
    CHUNK_BYTES = 2048,  /* of the message at a time, as many as libesmtp writes: a stall shows between two of them */
    HEARD_BYTES = 16384, /* of an answer that are kept */
    /* In steps' time-outs: finding and reaching the server; everything up to the message; the answer to it (RFC 5321,
     * section 4.5.3.2.6, wants ten minutes, as servers look into a mail before they take it); all of it. */
    CONNECT_STEPS = 2,
    DIALOGUE_STEPS = 5,
    ANSWER_STEPS = 5,
    MESSAGE_STEPS = 10,
    BAD_CREDENTIALS = 535,
    GO_ON = 334
};

enum hand_over { HAND_OVER_UNASKED, HAND_OVER_ASKED, HAND_OVER_GO, HAND_OVER_STOP };

/* One session, shared by the thread that talks and the one that waits for it; freed by the one that leaves last. */
struct talk {
    pthread_mutex_t mutex; /* no GMutex, since ThreadSanitizer does not see into GLib */
    pthread_cond_t decided;
    int wake_fd; /* an eventfd: something happened */
    /* Under the mutex; of the record: connected, step and handed_over, until `done`. */
    unsigned owners;
    enum hand_over hand_over;
    bool abandoned, done;
    /* The thread's own, until `done`. */
    struct smtp_record record;
    struct smtp_tls_guard guard;
    struct smtp_reply answer; /* to the message, as heard */
    GString *heard;           /* of the server since something was last said to it */
    auth_context_t auth;
    smtp_recipient_t *recipients;
    bool quitting;   /* what comes now belongs to no step */
    size_t answered; /* recipients */
    gsize fed;       /* bytes of the message */
    gint64 fed_at;   /* when the last of them were asked for */
    char *address;   /* host:port */
    /* The order, copied. */
    struct smtp_order order;
};

static void reply_clear(struct smtp_reply *reply)
{
    g_free(reply->text);
    *reply = (struct smtp_reply){0};
}

void smtp_record_clear(struct smtp_record *record)
{
    struct smtp_reply *replies[] = {&record->greeting, &record->hello, &record->starttls,
                                    &record->mail,     &record->data,  &record->auth};

    for (size_t i = 0; i < G_N_ELEMENTS(replies); i++)
        reply_clear(replies[i]);
    for (size_t i = 0; i < record->recipients; i++)
        reply_clear(&record->recipient[i]);
    g_free(record->recipient);
    g_free(record->failure);
    g_free(record->distrust);
    g_free(record->setup);
    g_free(record->offer);
    *record = (struct smtp_record){0};
}

static struct talk *talk_new(const struct smtp_order *order)
{
    struct talk *talk = g_new0(struct talk, 1);

    pthread_mutex_init(&talk->mutex, NULL);
    pthread_cond_init(&talk->decided, NULL);
    talk->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    talk->owners = 1;
    talk->heard = g_string_new(NULL);
    talk->address = g_strdup_printf("%s:%d", order->server, order->port);
    talk->order = *order;
    talk->order.server = g_strdup(order->server);
    talk->order.hello = g_strdup(order->hello);
    talk->order.user = g_strdup(order->user);
    talk->order.password = g_strdup(order->password);
    talk->order.sender = g_strdup(order->sender);
    talk->order.recipients = (const char *const *)g_strdupv((char **)order->recipients);
    talk->order.message = g_bytes_ref(order->message);
    talk->guard.host = talk->order.server;
    talk->record.recipients = g_strv_length((char **)order->recipients);
    talk->record.recipient = g_new0(struct smtp_reply, talk->record.recipients);
    talk->recipients = g_new0(smtp_recipient_t, talk->record.recipients);
    return talk;
}

static void talk_unref(struct talk *talk)
{
    pthread_mutex_lock(&talk->mutex);
    bool last = --talk->owners == 0;
    pthread_mutex_unlock(&talk->mutex);
    if (!last)
        return;
    smtp_record_clear(&talk->record);
    reply_clear(&talk->answer);
    g_string_free(talk->heard, TRUE);
    g_free(talk->guard.fault);
    g_free(talk->address);
    g_free(talk->recipients);
    g_free((char *)talk->order.server);
    g_free((char *)talk->order.hello);
    g_free((char *)talk->order.user);
    text_free_secret((char *)talk->order.password);
    g_free((char *)talk->order.sender);
    g_strfreev((char **)talk->order.recipients);
    g_bytes_unref(talk->order.message);
    if (talk->wake_fd >= 0)
        close(talk->wake_fd);
    pthread_mutex_destroy(&talk->mutex);
    pthread_cond_destroy(&talk->decided);
    g_free(talk);
}

/* --- on the thread that talks ------------------------------------------------------------------------------------- */

static void wake(const struct talk *talk)
{
    const guint64 one = 1;

    /* It cannot fail but for a counter that is full, and then there is something to be read already. */
    if (write(talk->wake_fd, &one, sizeof one) < 0)
        return;
}

static void step_to(struct talk *talk, enum smtp_step step)
{
    pthread_mutex_lock(&talk->mutex);
    talk->record.connected = true;
    talk->record.step = step;
    pthread_mutex_unlock(&talk->mutex);
}

/* What was just said to the server. Lines of several commands (PIPELINING) begin with the first of them. */
static void note_said(struct talk *talk, const char *bytes, size_t length)
{
    static const struct {
        const char *begins;
        enum smtp_step step;
    } rows[] = {{"EHLO ", SMTP_STEP_EHLO},   {"HELO ", SMTP_STEP_EHLO}, {"STARTTLS\r\n", SMTP_STEP_STARTTLS},
                {"AUTH ", SMTP_STEP_AUTH},   {"MAIL ", SMTP_STEP_MAIL}, {"RCPT ", SMTP_STEP_RCPT},
                {"DATA\r\n", SMTP_STEP_DATA}};
    /* A line of an exchange of AUTH is no command, whatever it looks like. */
    bool exchange = talk->record.step == SMTP_STEP_AUTH && talk->record.auth.code == GO_ON;

    g_string_truncate(talk->heard, 0);
    talk->quitting = talk->quitting || (length == 6 && memcmp(bytes, "QUIT\r\n", length) == 0 && !exchange);
    for (size_t i = 0; !exchange && i < G_N_ELEMENTS(rows); i++)
        if (length >= strlen(rows[i].begins) && memcmp(bytes, rows[i].begins, strlen(rows[i].begins)) == 0)
            step_to(talk, rows[i].step);
    if (exchange)
        reply_clear(&talk->record.auth);
}

/* Where the answer to the present step is kept, when it is kept from what was heard. */
static struct smtp_reply *place_of(struct talk *talk)
{
    switch (talk->record.step) {
    case SMTP_STEP_GREETING:
        return &talk->record.greeting;
    case SMTP_STEP_EHLO:
        return &talk->record.hello;
    case SMTP_STEP_STARTTLS:
        return &talk->record.starttls;
    case SMTP_STEP_AUTH: /* the first refusal is the one that counts: after it other mechanisms are only called off */
        return talk->record.auth.code / 100 > 3 ? NULL : &talk->record.auth;
    case SMTP_STEP_MESSAGE:
        return &talk->answer;
    default:
        return NULL;
    }
}

static void note_heard(struct talk *talk, const char *bytes, size_t length)
{
    struct smtp_reply *place = place_of(talk);
    char *text = NULL;
    size_t taken;
    int code;

    if (talk->quitting)
        return;
    g_string_append_len(talk->heard, bytes, (gssize)MIN(length, HEARD_BYTES - talk->heard->len));
    if (!smtp_reply_read(talk->heard->str, talk->heard->len, &code, &text, &taken)) {
        talk->record.garbled = talk->record.garbled || (code < 0 && talk->record.step < SMTP_STEP_MAIL);
        return;
    }
    if (talk->record.step == SMTP_STEP_EHLO) {
        g_free(talk->record.offer);
        talk->record.offer = g_strdup(text);
    }
    talk->record.authenticated = talk->record.authenticated || (talk->record.step == SMTP_STEP_AUTH && code / 100 == 2);
    if (place) {
        reply_clear(place);
        *place = (struct smtp_reply){code, g_steal_pointer(&text)};
    }
    g_free(text);
}

static void monitor(const char *bytes, int length, int writing, void *user)
{
    if (writing == SMTP_CB_READING)
        note_heard(user, bytes, (size_t)length);
    else if (writing == SMTP_CB_WRITING)
        note_said(user, bytes, (size_t)length);
}

/* True when all that came since STARTTLS was said is the one answer to it. */
static bool is_quiet(void *user)
{
    const struct talk *talk = user;
    g_autofree char *text = NULL;
    size_t taken;
    int code;

    return smtp_reply_read(talk->heard->str, talk->heard->len, &code, &text, &taken) && taken == talk->heard->len;
}

/* What was offered before TLS counts no more (RFC 3207, section 4.2). */
static void clear_offer(struct talk *talk)
{
    g_clear_pointer(&talk->record.offer, g_free);
    reply_clear(&talk->record.hello);
}

/* TLS has begun: what was said before counts no more. */
static void note_tls(struct talk *talk, SSL *ssl)
{
    talk->record.tls = true;
    step_to(talk, SMTP_STEP_EHLO);
    g_string_truncate(talk->heard, 0);
    clear_offer(talk);
    smtp_tls_settle(ssl, talk->order.hello, 1000 * talk->order.timeout_s);
}

/* What an event tells first. */
static void *first_of(va_list values)
{
    return va_arg(values, void *);
}

static void on_event(smtp_session_t session, int event, void *user, ...)
{
    struct talk *talk = user;
    void *first = NULL;
    va_list more;

    (void)session;
    if (event == SMTP_EV_WRONG_PEER_CERTIFICATE || event == SMTP_EV_STARTTLS_OK) { /* others may have none */
        va_start(more, user);
        first = first_of(more);
        va_end(more);
    }
    switch (event) {
    case SMTP_EV_CONNECT:
        talk->guard.began = talk->quitting = false;
        g_string_truncate(talk->heard, 0);
        step_to(talk, SMTP_STEP_GREETING);
        wake(talk);
        break;
    case SMTP_EV_WRONG_PEER_CERTIFICATE:
        /* libesmtp compares names by itself, with the canonical name that DNS told it, and no addresses. OpenSSL has
         * compared the certificate with the configured name, and the handshake would have failed. */
        *(int *)first = talk->guard.began && !talk->guard.fault;
        break;
    case SMTP_EV_STARTTLS_OK:
        note_tls(talk, first);
        break;
    case SMTP_EV_RCPTSTATUS: /* after the last one of them comes DATA, said already where commands are pipelined */
        if (++talk->answered == talk->record.recipients && talk->record.step == SMTP_STEP_RCPT)
            step_to(talk, SMTP_STEP_DATA);
        break;
    default:
        break;
    }
}

/* Hands user and password to the mechanisms that we know. After wrong credentials they are not tried again by another
 * mechanism: an account may be locked by that. */
static int tell_credentials(auth_client_request_t request, char **result, int fields, void *user)
{
    static const char *const known[] = {"PLAIN", "LOGIN", "CRAM-MD5", NULL};
    struct talk *talk = user;

    if (!g_strv_contains(known, auth_mechanism_name(talk->auth)) || (talk->order.tls && !talk->record.tls) ||
        talk->record.auth.code == BAD_CREDENTIALS)
        return 0;
    for (int i = 0; i < fields; i++) {
        if (request[i].flags & AUTH_PASS)
            result[i] = (char *)talk->order.password;
        else if (request[i].flags & AUTH_USER)
            result[i] = (char *)talk->order.user;
        else
            return 0;
    }
    return 1;
}

/* Asks the other thread whether the message may go. */
static bool may_hand_over(struct talk *talk)
{
    /* libesmtp goes on without AUTH where that fails, in case the server takes mail for its own people. */
    if ((talk->order.user && !talk->record.authenticated) || (talk->order.tls && !talk->record.tls))
        return false;
    pthread_mutex_lock(&talk->mutex);
    talk->hand_over = HAND_OVER_ASKED;
    wake(talk);
    while (talk->hand_over == HAND_OVER_ASKED && !talk->abandoned)
        pthread_cond_wait(&talk->decided, &talk->mutex);
    bool go = talk->hand_over == HAND_OVER_GO && !talk->abandoned;
    talk->record.handed_over = go;
    talk->record.step = go ? SMTP_STEP_MESSAGE : talk->record.step;
    pthread_mutex_unlock(&talk->mutex);
    g_string_truncate(talk->heard, 0);
    talk->fed_at = g_get_monotonic_time();
    return go;
}

/* The message, a piece a call; errno tells libesmtp that it is not the end: it then drops the connection. */
static const char *feed(void **context, int *length, void *user)
{
    struct talk *talk = user;
    gsize size;
    const char *bytes = g_bytes_get_data(talk->order.message, &size);

    (void)context;
    if (!length) { /* from the beginning */
        talk->fed = 0;
        return NULL;
    }
    *length = 0;
    if (!talk->record.handed_over && !may_hand_over(talk)) {
        errno = ECANCELED;
        return NULL;
    }
    /* libesmtp goes on after bytes that the server did not take in time: what arrives would have a hole. */
    gint64 now = g_get_monotonic_time();
    if (now - talk->fed_at >= talk->order.timeout_s * G_TIME_SPAN_SECOND) {
        talk->record.stalled = true;
        errno = ETIMEDOUT;
        return NULL;
    }
    talk->fed_at = now;
    const char *piece = bytes + talk->fed;
    *length = (int)MIN(size - talk->fed, CHUNK_BYTES);
    talk->fed += (gsize)*length;
    errno = 0;
    return *length ? piece : NULL;
}

static void set_timeouts(smtp_session_t session, int timeout_s)
{
    static const int steps[] = {[Timeout_GREETING] = 1,
                                [Timeout_ENVELOPE] = 1,
                                [Timeout_DATA] = 1,
                                [Timeout_TRANSFER] = 1,
                                [Timeout_DATA2] = ANSWER_STEPS};

    for (int which = 0; which < (int)G_N_ELEMENTS(steps); which++)
        smtp_set_timeout(session, which | Timeout_OVERRIDE_RFC2822_MINIMUM, 1000L * timeout_s * steps[which]);
}

static void set_credentials(struct talk *talk, smtp_session_t session)
{
    if (!talk->order.user || !talk->order.password)
        return;
    auth_client_init();
    talk->auth = auth_create_context();
    auth_set_mechanism_flags(talk->auth, talk->order.plain ? AUTH_PLUGIN_PLAIN : 0, 0);
    auth_set_interact_cb(talk->auth, tell_credentials, talk);
    /* Its plug-in lies in a file whose name lacks the hyphen, so that libesmtp 1.1.0 does not find it by itself; once
     * loaded, it goes by its right name. */
    if (!auth_set_mechanism(talk->auth, "CRAM-MD5"))
        auth_set_mechanism(talk->auth, "CRAMMD5");
    smtp_auth_set_context(session, talk->auth);
}

static bool set_tls(struct talk *talk, smtp_session_t session)
{
    g_autoptr(GError) error = NULL;

    smtp_starttls_enable(session, talk->order.tls ? Starttls_REQUIRED : Starttls_DISABLED);
    if (!talk->order.tls)
        return true;
    talk->guard.quiet = is_quiet;
    talk->guard.user = talk;
    SSL_CTX *context = smtp_tls_context(&talk->guard, &error);
    if (!context) {
        talk->record.setup = g_strdup(error->message);
        return false;
    }
    smtp_starttls_set_ctx(session, context);
    SSL_CTX_free(context); /* the session has taken its own reference */
    return true;
}

/* A status of libesmtp whose code is known may still be of an answer that broke off: then it has no text. */
static void take_status(const smtp_status_t *status, struct smtp_reply *reply)
{
    if (!status || !status->text || status->code < 200 || status->code > 599)
        return;
    reply->code = status->code;
    reply->text = status->enh_class ? g_strdup_printf("%d.%d.%d %s", status->enh_class, status->enh_subject,
                                                      status->enh_detail, status->text)
                                    : g_strdup(status->text);
}

/* What became of it, once the session is over. */
static void take_record(struct talk *talk, smtp_message_t message)
{
    struct smtp_record *record = &talk->record;
    int error = smtp_errno();
    char words[256];

    take_status(smtp_reverse_path_status(message), &record->mail);
    take_status(smtp_message_transfer_status(message), &record->data);
    for (size_t i = 0; i < record->recipients; i++)
        take_status(smtp_recipient_status(talk->recipients[i]), &record->recipient[i]);
    /* An answer without words ("250" alone) is one, too, though libesmtp does not think so. */
    if (record->handed_over && record->data.code / 100 <= 3 && talk->answer.code) {
        reply_clear(&record->data);
        record->data = talk->answer;
        talk->answer = (struct smtp_reply){0};
    }
    if (talk->guard.began && !record->tls) {
        record->step = SMTP_STEP_TLS;
        record->failure = smtp_tls_failure();
        record->distrust = g_steal_pointer(&talk->guard.fault);
    }
    if (record->connected)
        return;
    record->nameless = error == SMTP_ERR_EAI_NONAME || error == SMTP_ERR_EAI_NODATA || error == SMTP_ERR_EAI_ADDRFAMILY;
    record->failure = g_strdup(smtp_strerror(error, words, sizeof words));
}

static void hold_session(struct talk *talk)
{
    smtp_session_t session = smtp_create_session();
    smtp_message_t message = smtp_add_message(session);

    smtp_set_server(session, talk->address);
    smtp_set_hostname(session, talk->order.hello);
    smtp_set_eventcb(session, on_event, talk);
    smtp_set_monitorcb(session, monitor, talk, 0);
    set_timeouts(session, talk->order.timeout_s);
    set_credentials(talk, session);
    smtp_set_reverse_path(message, talk->order.sender);
    smtp_size_set_estimate(message, g_bytes_get_size(talk->order.message));
    smtp_set_messagecb(message, feed, talk);
    for (size_t i = 0; i < talk->record.recipients; i++)
        talk->recipients[i] = smtp_add_recipient(message, talk->order.recipients[i]);
    if (set_tls(talk, session)) {
        smtp_start_session(session);
        take_record(talk, message);
    }
    smtp_destroy_session(session);
    if (talk->auth)
        auth_destroy_context(talk->auth);
}

static void *run(void *user)
{
    struct talk *talk = user;

    hold_session(talk);
    pthread_mutex_lock(&talk->mutex);
    talk->done = true;
    wake(talk);
    pthread_mutex_unlock(&talk->mutex);
    talk_unref(talk);
    return NULL;
}

/* --- on the thread that waits ------------------------------------------------------------------------------------- */

/* Starts the thread, which takes no signal: SIGPIPE would end the program where a server goes away. */
static bool start(struct talk *talk, pthread_t *thread)
{
    sigset_t all, before;

    /* With the first error GLib makes the lock of all: before there are threads, as ThreadSanitizer cannot see it. */
    g_error_free(g_error_new_literal(G_FILE_ERROR, G_FILE_ERROR_FAILED, ""));
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    talk->owners++;
    bool started = talk->wake_fd >= 0 && pthread_create(thread, NULL, run, talk) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!started)
        talk->owners--;
    return started;
}

/* What the thread that waits knows. */
struct watch {
    struct talk *talk;
    const struct transport *transport;
    int signal_fd, signal; /* signal: the first one, taken from it; 0: none */
    gint64 until_us;
    bool handed_over, stopped; /* what `begin` said */
};

static gint64 limit_us(const struct watch *watch, int steps)
{
    return g_get_monotonic_time() + steps * watch->talk->order.timeout_s * G_TIME_SPAN_SECOND;
}

/* `begin` may take its time (it writes to disk): it is called without the lock. */
static void decide(struct watch *watch)
{
    struct talk *talk = watch->talk;
    g_autoptr(GError) error = NULL;
    bool go = watch->transport->begin(watch->transport->user, &error);

    watch->handed_over = go;
    watch->stopped = !go;
    watch->until_us = limit_us(watch, MESSAGE_STEPS);
    pthread_mutex_lock(&talk->mutex);
    talk->hand_over = go ? HAND_OVER_GO : HAND_OVER_STOP;
    pthread_cond_signal(&talk->decided);
    pthread_mutex_unlock(&talk->mutex);
}

/* True when the session is over. */
static bool look(struct watch *watch)
{
    struct talk *talk = watch->talk;
    guint64 count;
    static const int steps[] = {CONNECT_STEPS, DIALOGUE_STEPS};

    if (read(talk->wake_fd, &count, sizeof count) < 0)
        return false;
    pthread_mutex_lock(&talk->mutex);
    bool done = talk->done, asked = talk->hand_over == HAND_OVER_ASKED, connected = talk->record.connected;
    pthread_mutex_unlock(&talk->mutex);
    if (asked && !done)
        decide(watch);
    else if (!watch->handed_over && !watch->stopped)
        watch->until_us = limit_us(watch, steps[connected]);
    return done;
}

/* The first signal after the message has begun to go is taken, so that a second one shows; all the same it is left as
 * it was found, for who asked. False: leave. */
static bool take_signal(struct watch *watch)
{
    struct signalfd_siginfo info;
    bool first = watch->signal == 0;

    if (first && read(watch->signal_fd, &info, sizeof info) == (ssize_t)sizeof info)
        watch->signal = (int)info.ssi_signo;
    else if (first)
        watch->signal_fd = -1; /* not one that tells them apart */
    return first;
}

static enum smtp_end wait_for_end(struct watch *watch)
{
    enum { WOKEN, SIGNAL };

    for (;;) {
        struct pollfd fds[] = {[WOKEN] = {.fd = watch->talk->wake_fd, .events = POLLIN},
                               [SIGNAL] = {.fd = watch->signal_fd, .events = POLLIN}};
        gint64 left_us = watch->until_us - g_get_monotonic_time();

        if (left_us <= 0)
            return SMTP_END_LIMIT;
        poll(fds, G_N_ELEMENTS(fds), (int)MIN(left_us / 1000 + 1, G_MAXINT));
        if (fds[SIGNAL].revents != 0 && !watch->handed_over)
            return SMTP_END_CANCELLED;
        if (fds[WOKEN].revents != 0 && look(watch))
            return watch->stopped ? SMTP_END_STOPPED : SMTP_END_SESSION;
        if (fds[SIGNAL].revents != 0 && watch->handed_over && !take_signal(watch))
            return SMTP_END_LEFT;
    }
}

/* The record as it stands; of a session that goes on without us only what is shared. True when it is over. */
static bool take(struct talk *talk, enum smtp_end end, struct smtp_record *record)
{
    pthread_mutex_lock(&talk->mutex);
    bool done = talk->done;
    talk->abandoned = true;
    pthread_cond_signal(&talk->decided);
    if (done) {
        end = end == SMTP_END_LEFT || end == SMTP_END_LIMIT ? SMTP_END_SESSION : end;
        *record = talk->record;
        talk->record = (struct smtp_record){0};
    } else {
        record->connected = talk->record.connected;
        record->step = talk->record.step;
        record->handed_over = talk->hand_over == HAND_OVER_GO;
    }
    record->end = end;
    pthread_mutex_unlock(&talk->mutex);
    return done;
}

void smtp_session_run(const struct smtp_order *order, const struct transport *transport, struct smtp_record *record)
{
    struct talk *talk = talk_new(order);
    struct watch watch = {.talk = talk, .transport = transport, .signal_fd = transport->signal_fd};

    pthread_t thread;

    *record = (struct smtp_record){0};
    if (start(talk, &thread)) {
        watch.until_us = limit_us(&watch, CONNECT_STEPS);
        enum smtp_end end = wait_for_end(&watch);
        if (take(talk, end, record))
            pthread_join(thread, NULL); /* OpenSSL keeps things for it up to its very end */
        else
            pthread_detach(thread);
    } else {
        record->setup = g_strdup("there is no room for another thread");
    }
    if (watch.signal)
        raise(watch.signal); /* blocked, as it is read from signal_fd: so it is there again for who looks next */
    talk_unref(talk);
}
