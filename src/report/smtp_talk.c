#include "report/smtp_talk.h"

#include <auth-client.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Before libesmtp.h, which looks whether OpenSSL's names are known. */
#include "report/smtp_tls.h"
#include <libesmtp.h>

#include "base/base.h"
#include "report/smtp_reply.h"

enum {
    CHUNK_BYTES = 2048,  /* of the message at a time, as many as libesmtp writes: a stall shows between two of them */
    HEARD_BYTES = 16384, /* of an answer that are kept */
    /* In steps' time-outs: RFC 5321, section 4.5.3.2.6, wants ten minutes, as servers look into a mail before they take
     * it. */
    ANSWER_STEPS = 5,
    BAD_CREDENTIALS = 535,
    GO_ON = 334
};

static void reply_clear(struct smtp_reply *reply)
{
    g_free(reply->text);
    *reply = (struct smtp_reply){0};
}

struct talk *talk_new(const struct smtp_order *order)
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
    return talk;
}

void talk_unref(struct talk *talk)
{
    pthread_mutex_lock(&talk->mutex);
    bool last = --talk->owners == 0;
    pthread_mutex_unlock(&talk->mutex);
    if (!last)
        return;
    smtp_record_clear(&talk->record);
    g_string_free(talk->heard, TRUE);
    g_free(talk->guard.fault);
    g_free(talk->address);
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

/* What came, since something was last said, behind the one answer to it; NULL: nothing. */
static const char *find_surplus(const struct talk *talk)
{
    g_autofree char *text = NULL;
    size_t taken;
    int code;

    if (!smtp_reply_read(talk->heard->str, talk->heard->len, &code, &text, &taken))
        return talk->heard->str;
    return taken < talk->heard->len ? talk->heard->str + taken : NULL;
}

static bool is_quiet(void *user)
{
    return !find_surplus(user);
}

/* Who answers what was not asked yet has answers too many: later ones would be taken for those of other commands. But
 * 421 may be said at any time (RFC 5321, section 3.8). */
static void note_haste(struct talk *talk)
{
    const char *surplus = talk->heard->len > 0 && !talk->quitting ? find_surplus(talk) : NULL;

    talk->record.hasty = talk->record.hasty || (surplus && !g_str_has_prefix(surplus, "421"));
}

/* What was just said to the server: one command, as it is kept from PIPELINING. */
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

    talk->quitting = talk->quitting || (length == 6 && memcmp(bytes, "QUIT\r\n", length) == 0 && !exchange);
    note_haste(talk);
    g_string_truncate(talk->heard, 0);
    for (size_t i = 0; !exchange && i < G_N_ELEMENTS(rows); i++)
        if (length >= strlen(rows[i].begins) && memcmp(bytes, rows[i].begins, strlen(rows[i].begins)) == 0) {
            step_to(talk, rows[i].step);
            talk->asked += rows[i].step == SMTP_STEP_RCPT;
        }
    if (exchange)
        reply_clear(&talk->record.auth);
}

/* Where the answer to the present step is kept. */
static struct smtp_reply *place_of(struct talk *talk)
{
    struct smtp_record *record = &talk->record;

    switch (record->step) {
    case SMTP_STEP_GREETING:
        return &record->greeting;
    case SMTP_STEP_EHLO:
        return &record->hello;
    case SMTP_STEP_STARTTLS:
        return &record->starttls;
    case SMTP_STEP_AUTH: /* the first refusal is the one that counts: after it other mechanisms are only called off */
        return record->auth.code / 100 > 3 ? NULL : &record->auth;
    case SMTP_STEP_MAIL:
        return &record->mail;
    case SMTP_STEP_RCPT:
        return talk->asked > 0 && talk->asked <= record->recipients ? &record->recipient[talk->asked - 1] : NULL;
    case SMTP_STEP_DATA: /* the first one: to a message without recipients libesmtp sends an empty end */
        return record->data.code ? NULL : &record->data;
    case SMTP_STEP_MESSAGE:
        return &record->data;
    default:
        return NULL;
    }
}

/* The answer to the message is here: the other thread need not wait for the good-byes. From now on the record stays. */
static void note_end(struct talk *talk)
{
    if (talk->record.step != SMTP_STEP_MESSAGE)
        return;
    pthread_mutex_lock(&talk->mutex);
    talk->answered = true;
    wake(talk);
    pthread_mutex_unlock(&talk->mutex);
}

static void note_heard(struct talk *talk, const char *bytes, size_t length)
{
    struct smtp_reply *place = place_of(talk);
    char *text = NULL;
    size_t taken;
    int code;

    if (talk->quitting || talk->answered)
        return;
    g_string_append_len(talk->heard, bytes, (gssize)MIN(length, HEARD_BYTES - talk->heard->len));
    if (!smtp_reply_read(talk->heard->str, talk->heard->len, &code, &text, &taken)) {
        talk->record.garbled = talk->record.garbled || code < 0;
        if (code < 0)
            note_end(talk);
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
    note_end(talk);
}

/* What was read lies in a buffer of libesmtp's own, which it parses only after this. */
static void monitor(const char *bytes, int length, int writing, void *user)
{
    struct talk *talk = user;

    if (writing == SMTP_CB_READING) {
        note_heard(talk, bytes, (size_t)length);
        smtp_reply_mend(&talk->mender, (char *)bytes, (size_t)length);
    } else if (writing == SMTP_CB_WRITING) {
        note_said(talk, bytes, (size_t)length);
    }
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
    talk->mender = (struct smtp_mender){0};
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
        talk->asked = 0;
        talk->mender = (struct smtp_mender){0};
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
    note_haste(talk);
    if (talk->record.hasty || !is_quiet(talk))
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
    if (go)
        reply_clear(&talk->record.data); /* the leave to send it */
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

/* What became of it, once the session is over. */
static void take_record(struct talk *talk)
{
    struct smtp_record *record = &talk->record;
    int error = smtp_errno();
    char words[256];

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
        smtp_add_recipient(message, talk->order.recipients[i]);
    if (set_tls(talk, session)) {
        smtp_start_session(session);
        take_record(talk);
    }
    smtp_destroy_session(session);
    if (talk->auth)
        auth_destroy_context(talk->auth);
}

void *talk_run(void *user)
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
