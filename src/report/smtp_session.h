/* smtp_session - one session with a mail server, by libesmtp on a thread of its own, and the record of it.
 *
 * libesmtp blocks, and says little: what smtp_start_session returns proves nothing (a refused certificate, too, is a
 * success to it), and the half of an answer is one to it. So the record holds what the server itself said. */
#ifndef M365KEEP_REPORT_SMTP_SESSION_H
#define M365KEEP_REPORT_SMTP_SESSION_H

#include "report/transport.h"

/* What was under way, in the order in which it comes. */
enum smtp_step {
    SMTP_STEP_CONNECT,
    SMTP_STEP_GREETING,
    SMTP_STEP_EHLO,
    SMTP_STEP_STARTTLS,
    SMTP_STEP_TLS, /* the handshake */
    SMTP_STEP_AUTH,
    SMTP_STEP_MAIL,
    SMTP_STEP_RCPT,
    SMTP_STEP_DATA,    /* asked whether the message may come */
    SMTP_STEP_MESSAGE, /* the message itself */
};

enum smtp_end {
    SMTP_END_SESSION,   /* the session came to its end, a good or a bad one */
    SMTP_END_STOPPED,   /* `begin` said no */
    SMTP_END_CANCELLED, /* by the signal, before anything was handed over */
    SMTP_END_LEFT,      /* by a second signal, while the answer was awaited */
    SMTP_END_LIMIT      /* a server that kept it for longer than all its steps may take together */
};

/* One answer of the server. */
struct smtp_reply {
    int code;   /* 0: none, or not a whole one */
    char *text; /* lines after each other, without the code; as received */
};

struct smtp_record {
    enum smtp_end end;
    enum smtp_step step; /* the last one that was begun, QUIT aside */
    bool connected, tls, authenticated;
    bool handed_over; /* begin was called: bytes of the message may have gone */
    bool stalled;     /* the message was broken off, its end not sent: the server took nothing for longer than it may */
    bool garbled;     /* what answered at `step` was no answer of SMTP */
    bool hasty;       /* it answered what it had not been asked yet: whose answer is whose? */
    bool nameless;    /* there is no host of that name */
    char *failure;    /* why there is no connection, or no TLS, in the library's words; NULL */
    char *distrust;   /* why the certificate is not believed; NULL */
    char *setup;      /* why it could not even begin; NULL */
    char *offer;      /* the last answer to EHLO, as received; NULL */
    struct smtp_reply greeting, hello, starttls, mail, data;
    struct smtp_reply auth;       /* the first refusal, or the last word */
    struct smtp_reply *recipient; /* as many as there were in the order */
    size_t recipients;
};
void smtp_record_clear(struct smtp_record *record);

/* Everything is copied. */
struct smtp_order {
    const char *server, *hello;  /* hello: the name this machine gives itself */
    int port, timeout_s;         /* timeout_s: of one step; the answer to the message may take five times as long */
    bool tls;                    /* required; else never used */
    bool plain;                  /* passwords may be shown to the server as they are */
    const char *user, *password; /* NULL: no AUTH */
    const char *sender;
    const char *const *recipients; /* NULL-ended */
    GBytes *message;
};

/* Blocks until the answer to the message has come, the session has ended, or it was left to itself because of a signal
 * or its limit (the thread then ends when it can, and nothing more is handed over): nobody waits for QUIT's answer
 * here, but for a moment the next session does, and the program's end. `begin` is called on this thread. One session at
 * a time. */
void smtp_session_run(const struct smtp_order *order, const struct transport *transport, struct smtp_record *record);

#endif
