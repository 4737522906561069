/* smtp_talk - the thread that talks with a mail server, by libesmtp, and what it shares with the one that waits for it
 * (smtp_session.c). */
#ifndef M365KEEP_REPORT_SMTP_TALK_H
#define M365KEEP_REPORT_SMTP_TALK_H

#include <auth-client.h>
#include <pthread.h>

#include "report/smtp_reply.h"
#include "report/smtp_session.h"
#include "report/smtp_tls.h"

enum hand_over { HAND_OVER_UNASKED, HAND_OVER_ASKED, HAND_OVER_GO, HAND_OVER_STOP };

/* One session, shared by both threads; freed by the one that leaves last. */
struct talk {
    pthread_mutex_t mutex; /* no GMutex, since ThreadSanitizer does not see into GLib */
    pthread_cond_t decided;
    int wake_fd; /* an eventfd: something happened */
    /* Under the mutex; of the record: connected, step and handed_over, until `done`. */
    unsigned owners;
    enum hand_over hand_over;
    bool abandoned;
    bool answered; /* what was to be heard of the message has been; the record's answers stay as they are */
    bool done;
    /* The talking thread's own, until `done`; the recipients' answers until the message may go. */
    struct smtp_record record;
    struct smtp_tls_guard guard;
    struct smtp_mender mender;
    GString *heard; /* of the server since something was last said to it */
    auth_context_t auth;
    bool quitting; /* what comes now belongs to no step */
    size_t asked;  /* recipients */
    gsize fed;     /* bytes of the message */
    gint64 fed_at; /* when the last of them were asked for */
    char *address; /* host:port */
    /* The order, copied. */
    struct smtp_order order;
};

struct talk *talk_new(const struct smtp_order *order);
void talk_unref(struct talk *talk);

/* The thread's function: holds the session that `user`, a struct talk, is, and leaves it. */
void *talk_run(void *user);

#endif
