#include "report/smtp_session.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/base.h"
#include "report/smtp_talk.h"

enum {
    /* In steps' time-outs: finding and reaching the server; everything up to the message; the message. */
    CONNECT_STEPS = 2,
    DIALOGUE_STEPS = 5,
    MESSAGE_STEPS = 10,
    FAREWELL_US = G_TIME_SPAN_SECOND
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

/* Starts the thread, which takes no signal: SIGPIPE would end the program where a server goes away. */
static bool start(struct talk *talk, pthread_t *thread)
{
    sigset_t all, before;

    /* With the first error GLib makes the lock of all: before there are threads, as ThreadSanitizer cannot see it. */
    g_error_free(g_error_new_literal(G_FILE_ERROR, G_FILE_ERROR_FAILED, ""));
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    talk->owners++;
    bool started = talk->wake_fd >= 0 && pthread_create(thread, NULL, talk_run, talk) == 0;
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

/* True when the session is over, or nothing more of it matters. */
static bool look(struct watch *watch)
{
    struct talk *talk = watch->talk;
    guint64 count;
    static const int steps[] = {CONNECT_STEPS, DIALOGUE_STEPS};

    if (read(talk->wake_fd, &count, sizeof count) < 0)
        return false;
    pthread_mutex_lock(&talk->mutex);
    bool done = talk->done || talk->answered, asked = talk->hand_over == HAND_OVER_ASKED,
         connected = talk->record.connected;
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

static struct smtp_reply copy_reply(const struct smtp_reply *reply)
{
    return (struct smtp_reply){reply->code, g_strdup(reply->text)};
}

/* Of a session that goes on without us only what its thread writes no more. */
static void copy_record(const struct talk *talk, struct smtp_record *record)
{
    record->connected = talk->record.connected;
    record->step = talk->record.step;
    record->handed_over = talk->hand_over == HAND_OVER_GO;
    if (!record->handed_over)
        return;
    record->recipients = talk->record.recipients;
    record->recipient = g_new0(struct smtp_reply, record->recipients);
    for (size_t i = 0; i < record->recipients; i++)
        record->recipient[i] = copy_reply(&talk->record.recipient[i]);
    if (!talk->answered)
        return;
    record->data = copy_reply(&talk->record.data);
    record->garbled = talk->record.garbled;
}

/* The record as it stands. True when the session is over. */
static bool take(struct talk *talk, enum smtp_end end, struct smtp_record *record)
{
    pthread_mutex_lock(&talk->mutex);
    bool done = talk->done;
    talk->abandoned = true;
    pthread_cond_signal(&talk->decided);
    if (done) {
        *record = talk->record;
        talk->record = (struct smtp_record){0};
    } else {
        copy_record(talk, record);
    }
    bool heard_out = done || talk->answered;
    record->end = heard_out && (end == SMTP_END_LEFT || end == SMTP_END_LIMIT) ? SMTP_END_SESSION : end;
    pthread_mutex_unlock(&talk->mutex);
    return done;
}

/* --- good-byes ---------------------------------------------------------------------------------------------------- */

/* The session that nobody waited for to its end. One at a time: sessions are held one after the other. */
static struct {
    struct talk *talk;
    pthread_t thread;
} parting;

static bool is_done(struct talk *talk)
{
    pthread_mutex_lock(&talk->mutex);
    bool done = talk->done;
    pthread_mutex_unlock(&talk->mutex);
    return done;
}

/* Lets it end, for a moment; a server that does not answer QUIT is left to its thread. */
static void see_off(void)
{
    gint64 until_us = g_get_monotonic_time() + FAREWELL_US, left_us;
    guint64 count;
    bool done;

    if (!parting.talk)
        return;
    while (!(done = is_done(parting.talk)) && (left_us = until_us - g_get_monotonic_time()) > 0) {
        struct pollfd woken = {.fd = parting.talk->wake_fd, .events = POLLIN};
        if (poll(&woken, 1, (int)(left_us / 1000) + 1) == 1 && read(woken.fd, &count, sizeof count) < 0)
            break;
    }
    if (done)
        pthread_join(parting.thread, NULL); /* OpenSSL keeps things for it up to its very end */
    else
        pthread_detach(parting.thread);
    g_clear_pointer(&parting.talk, talk_unref);
}

/* At the program's end, too, and before OpenSSL, which was begun earlier, takes away what the thread still uses. */
static void see_off_at_exit(void)
{
    atexit(see_off);
}

static void part(struct talk *talk, pthread_t thread)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, see_off_at_exit);
    parting.talk = talk;
    parting.thread = thread;
}

/* --- all of it ---------------------------------------------------------------------------------------------------- */

void smtp_session_run(const struct smtp_order *order, const struct transport *transport, struct smtp_record *record)
{
    struct talk *talk = talk_new(order);
    struct watch watch = {.talk = talk, .transport = transport, .signal_fd = transport->signal_fd};

    pthread_t thread;

    see_off();
    *record = (struct smtp_record){0};
    if (start(talk, &thread)) {
        watch.until_us = limit_us(&watch, CONNECT_STEPS);
        enum smtp_end end = wait_for_end(&watch);
        if (take(talk, end, record))
            pthread_join(thread, NULL);
        else
            part(g_steal_pointer(&talk), thread);
    } else {
        record->setup = g_strdup("there is no room for another thread");
    }
    if (watch.signal)
        raise(watch.signal); /* blocked, as it is read from signal_fd: so it is there again for who looks next */
    g_clear_pointer(&talk, talk_unref);
}
