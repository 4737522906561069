/* transport - one attempt to hand a mail over: by SMTP (smtp.c), or by Microsoft Graph (graph.c). */
#ifndef M365KEEP_REPORT_TRANSPORT_H
#define M365KEEP_REPORT_TRANSPORT_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "config/config.h"
#include "store/store.h"

/* Called once, when everything up to the message itself went well and its first byte is about to be sent; the store
 * marks the mail as being sent. False: do not send (*error says why). Called on the thread that called smtp_send or
 * graph_send. */
typedef bool (*transport_begin)(void *user, GError **error);

struct transport {
    const struct config *config;
    const struct config_customer *customer; /* whose mail it is */
    const struct clock *clock;
    int signal_fd; /* readable, and left so: give up where nothing has been handed over yet; -1: none */
    transport_begin begin;
    void *user;
};

/* What came of it, for the mail as a whole; each recipient's own is in its struct store_mail_recipient. */
enum transport_outcome {
    TRANSPORT_SENT,     /* status 250 after the data, or 202; recipients may have been refused all the same */
    TRANSPORT_LATER,    /* 4xx, no connection, a time-out before the data: nothing was handed over */
    TRANSPORT_REFUSED,  /* 5xx, a bad certificate, wrong credentials: a human must mend something */
    TRANSPORT_UNKNOWN,  /* the data were sent, and no answer came */
    TRANSPORT_CANCELLED /* by the signal, before anything was handed over */
};

struct transport_result {
    enum transport_outcome outcome;
    char *answer;   /* one line: what was tried, on what, what came back; no secret */
    char *hint;     /* what to do next; NULL */
    bool server;    /* the fault is the server's or the login's, not this mail's: others would meet it, too */
    int64_t wait_s; /* with LATER: what the service asked for; 0: nothing */
    bool unnoted;   /* by the outbox: what came of it is in the mail, but not in the store: store_mail_note is to be
                       called again. `answer` says what came of it all the same. */
};
void transport_result_clear(struct transport_result *result);

/* A server's words as one line for people: what a terminal shows, about 300 bytes at most. Returned: g_free. */
char *transport_words(const char *text);

/* Recipients whose state is STORE_MAIL_QUEUED are tried; their state, code and answer are filled. */
void smtp_send(const struct transport *transport, struct store_mail *mail, struct transport_result *result);
void graph_send(const struct transport *transport, struct store_mail *mail, struct transport_result *result);

#endif
