#include "report/outbox.h"

/* One attempt. */
struct attempt {
    struct store *store;
    struct store_mail *mail;
    const struct transport *outer;
    bool begun;
    GError *error; /* of the store, when the mail was about to go */
};

int64_t outbox_wait_s(int attempts, int64_t created_at, int64_t now, int64_t wait_s, double random)
{
    enum { MINUTE = 60, HOUR = 3600, PARTS = 10 };
    static const int steps[] = {MINUTE, 2 * MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR};

    if (now - created_at >= OUTBOX_GIVE_UP_S)
        return -1;
    int step = steps[CLAMP(attempts, 1, (int)G_N_ELEMENTS(steps)) - 1];
    /* Less, never more: what is said to people as the time of the next attempt is the latest one. */
    return MAX(step - (int64_t)(random * step / PARTS), wait_s);
}

static bool begin(void *user, GError **error)
{
    struct attempt *attempt = user;

    attempt->begun = store_mail_begin(attempt->store, attempt->mail, clock_now(attempt->outer->clock), &attempt->error);
    if (!attempt->begun)
        g_propagate_error(error, g_error_copy(attempt->error));
    return attempt->begun;
}

static struct store_mail_recipient *recipient_at(const struct store_mail *mail, guint i)
{
    return g_ptr_array_index(mail->recipients, i);
}

/* Before an attempt nothing is known of those who are to be tried. */
static void forget_answers(struct store_mail *mail)
{
    for (guint i = 0; i < mail->recipients->len; i++) {
        struct store_mail_recipient *recipient = recipient_at(mail, i);

        if (recipient->state != STORE_MAIL_QUEUED)
            continue;
        recipient->code = 0;
        g_clear_pointer(&recipient->answer, g_free);
    }
}

/* A recipient who is still to be tried, and of whom the server said nothing apart, shares the fate of the whole. */
static void settle_recipients(struct store_mail *mail, enum transport_outcome outcome)
{
    static const enum store_mail_state states[] = {[TRANSPORT_SENT] = STORE_MAIL_SENT,
                                                   [TRANSPORT_LATER] = STORE_MAIL_QUEUED,
                                                   [TRANSPORT_REFUSED] = STORE_MAIL_FAILED,
                                                   [TRANSPORT_UNKNOWN] = STORE_MAIL_UNKNOWN,
                                                   [TRANSPORT_CANCELLED] = STORE_MAIL_QUEUED};

    for (guint i = 0; i < mail->recipients->len; i++) {
        struct store_mail_recipient *recipient = recipient_at(mail, i);

        if (recipient->state == STORE_MAIL_QUEUED && (recipient->code == 0 || outcome == TRANSPORT_REFUSED))
            recipient->state = states[outcome];
    }
}

static guint count(const struct store_mail *mail, enum store_mail_state state)
{
    guint n = 0;

    for (guint i = 0; i < mail->recipients->len; i++)
        n += recipient_at(mail, i)->state == state;
    return n;
}

static void give_up(struct store_mail *mail)
{
    g_autofree char *answer = g_strdup_printf("given up after five days: %s", mail->answer ? mail->answer : "");

    for (guint i = 0; i < mail->recipients->len; i++)
        if (recipient_at(mail, i)->state == STORE_MAIL_QUEUED)
            recipient_at(mail, i)->state = STORE_MAIL_FAILED;
    g_free(mail->answer);
    mail->answer = g_steal_pointer(&answer);
}

/* Of the mail, from its recipients: while one is to be tried it is queued; what nobody knows comes before what was
 * sent, and what was sent before what failed. */
static enum store_mail_state state_of(const struct store_mail *mail)
{
    static const enum store_mail_state order[] = {STORE_MAIL_QUEUED, STORE_MAIL_UNKNOWN, STORE_MAIL_SENT};

    for (size_t i = 0; i < G_N_ELEMENTS(order); i++)
        if (count(mail, order[i]))
            return order[i];
    return STORE_MAIL_FAILED;
}

/* Brings the mail to what came of the attempt. */
static void settle(struct attempt *attempt, const struct transport_result *result)
{
    struct store_mail *mail = attempt->mail;
    int64_t now = clock_now(attempt->outer->clock);

    if (!attempt->begun && result->outcome != TRANSPORT_CANCELLED)
        mail->attempts++;
    g_free(mail->answer);
    mail->answer = g_strdup(result->answer);
    settle_recipients(mail, result->outcome);
    int64_t wait_s =
        outbox_wait_s((int)MIN(mail->attempts, G_MAXINT), mail->created_at, now, result->wait_s, g_random_double());
    if (wait_s < 0 && count(mail, STORE_MAIL_QUEUED))
        give_up(mail);
    mail->state = state_of(mail);
    if (result->outcome != TRANSPORT_CANCELLED)
        mail->next_attempt_at = mail->state == STORE_MAIL_QUEUED ? now + wait_s : 0;
    if (result->outcome == TRANSPORT_SENT && count(mail, STORE_MAIL_SENT))
        mail->sent_at = now;
}

bool outbox_deliver(struct store *store, const struct transport *transport, struct store_mail *mail,
                    struct transport_result *result, GError **error)
{
    struct attempt attempt = {.store = store, .mail = mail, .outer = transport};
    struct transport inner = *transport;

    inner.begin = begin;
    inner.user = &attempt;
    forget_answers(mail);
    if (transport->config->smtp.transport == CONFIG_TRANSPORT_GRAPH)
        graph_send(&inner, mail, result);
    else
        smtp_send(&inner, mail, result);
    if (attempt.error) {
        g_propagate_prefixed_error(error, attempt.error, "The mail was not sent, as that could not be noted before: ");
        return false;
    }
    settle(&attempt, result);
    if (store_mail_note(store, mail, error))
        return true;
    if (result->outcome == TRANSPORT_SENT)
        g_prefix_error(error,
                       "THE MAIL WAS SENT (%s), but that could not be noted, so that from now on nobody here knows "
                       "it: ",
                       result->answer);
    else
        g_prefix_error(error, "What came of an attempt to send a mail (%s) could not be noted: ", result->answer);
    return false;
}
