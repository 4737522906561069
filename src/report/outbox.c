#include "report/outbox.h"

#include <string.h>

/* One attempt. */
struct attempt {
    struct store *store;
    struct store_mail *mail;
    const struct transport *outer;
    const GArray *tried; /* bool, of each recipient */
    bool begun;
    GError *error; /* of the store, when the mail was about to go */
};

int64_t outbox_wait_s(int attempts, int64_t queued_at, int64_t now, int64_t wait_s, double random)
{
    enum { MINUTE = 60, HOUR = 3600, PARTS = 10 };
    static const int steps[] = {MINUTE, 2 * MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR};

    if (now - queued_at >= OUTBOX_GIVE_UP_S)
        return -1;
    int step = steps[CLAMP(attempts, 1, (int)G_N_ELEMENTS(steps)) - 1];
    /* Less, never more: what is said to people as the time of the next attempt is the latest one. */
    return MAX(step - (int64_t)(random * step / PARTS), wait_s);
}

static struct store_mail_recipient *recipient_at(const struct store_mail *mail, guint i)
{
    return g_ptr_array_index(mail->recipients, i);
}

/* Nobody knows whether they have it from an earlier attempt: that a later one failed does not tell. */
static void keep_unknown(struct store_mail *mail)
{
    for (guint i = 0; i < mail->recipients->len; i++)
        if (recipient_at(mail, i)->state == STORE_MAIL_FAILED && recipient_at(mail, i)->may_have)
            recipient_at(mail, i)->state = STORE_MAIL_UNKNOWN;
}

static bool begin(void *user, GError **error)
{
    struct attempt *attempt = user;

    keep_unknown(attempt->mail);
    attempt->begun = store_mail_begin(attempt->store, attempt->mail, clock_now(attempt->outer->clock), &attempt->error);
    if (!attempt->begun)
        g_propagate_error(error, g_error_copy(attempt->error));
    return attempt->begun;
}

/* Who is to be tried. Returned: g_array_unref. */
static GArray *note_tried(const struct store_mail *mail)
{
    GArray *tried = g_array_new(FALSE, FALSE, sizeof(bool));

    for (guint i = 0; i < mail->recipients->len; i++) {
        bool queued = recipient_at(mail, i)->state == STORE_MAIL_QUEUED;
        g_array_append_val(tried, queued);
    }
    return tried;
}

static bool is_tried(const struct attempt *attempt, guint i)
{
    return g_array_index(attempt->tried, bool, i);
}

/* Before an attempt nothing is known of those who are to be tried. */
static void forget_answers(struct attempt *attempt)
{
    for (guint i = 0; i < attempt->mail->recipients->len; i++) {
        struct store_mail_recipient *recipient = recipient_at(attempt->mail, i);

        if (!is_tried(attempt, i))
            continue;
        recipient->code = 0;
        g_clear_pointer(&recipient->answer, g_free);
    }
}

static guint count(const struct store_mail *mail, enum store_mail_state state)
{
    guint n = 0;

    for (guint i = 0; i < mail->recipients->len; i++)
        n += recipient_at(mail, i)->state == state;
    return n;
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

/* Whether somebody has the mail, or may have it. */
static bool has_reached(const struct store_mail *mail)
{
    for (guint i = 0; i < mail->recipients->len; i++)
        if (recipient_at(mail, i)->may_have)
            return true;
    return count(mail, STORE_MAIL_SENT) + count(mail, STORE_MAIL_UNKNOWN) > 0;
}

/* Whether a refusal leaves the recipients to a later attempt: one that is not about them, of a mail that others have.
 * That one is never composed anew, so that nobody would ever try for the rest. */
static bool leaves_the_rest(const struct attempt *attempt, const struct transport_result *result)
{
    if (result->outcome != TRANSPORT_REFUSED || !has_reached(attempt->mail))
        return false;
    for (guint i = 0; i < attempt->mail->recipients->len && !result->server; i++)
        if (is_tried(attempt, i) && recipient_at(attempt->mail, i)->code)
            return false;
    return true;
}

/* A recipient who is still to be tried, and of whom the server said nothing apart, shares the fate of the whole; only
 * where the message was taken nobody knows whether it was for them, too. */
static void settle_recipients(const struct attempt *attempt, enum transport_outcome outcome, bool leave)
{
    static const enum store_mail_state states[] = {[TRANSPORT_SENT] = STORE_MAIL_UNKNOWN,
                                                   [TRANSPORT_LATER] = STORE_MAIL_QUEUED,
                                                   [TRANSPORT_REFUSED] = STORE_MAIL_FAILED,
                                                   [TRANSPORT_UNKNOWN] = STORE_MAIL_UNKNOWN,
                                                   [TRANSPORT_CANCELLED] = STORE_MAIL_QUEUED};

    for (guint i = 0; i < attempt->mail->recipients->len; i++) {
        struct store_mail_recipient *recipient = recipient_at(attempt->mail, i);
        /* Words without a code are ours: of an address that no attempt would reach. */
        bool unreachable = recipient->code == 0 && recipient->answer;

        if (!is_tried(attempt, i))
            continue;
        if (leave && recipient->state == STORE_MAIL_FAILED && !recipient->may_have && !unreachable)
            recipient->state = STORE_MAIL_QUEUED;
        else if (!leave && recipient->state == STORE_MAIL_QUEUED &&
                 (recipient->code == 0 || outcome == TRANSPORT_REFUSED))
            recipient->state = states[outcome];
        recipient->may_have |= recipient->state == STORE_MAIL_UNKNOWN;
    }
    keep_unknown(attempt->mail);
}

void outbox_give_up(struct store_mail *mail)
{
    g_autofree char *answer =
        g_strdup_printf("given up after five days: %s", mail->answer ? mail->answer : "it was not tried");

    for (guint i = 0; i < mail->recipients->len; i++)
        if (recipient_at(mail, i)->state == STORE_MAIL_QUEUED)
            recipient_at(mail, i)->state = STORE_MAIL_FAILED;
    keep_unknown(mail);
    mail->state = state_of(mail);
    mail->next_attempt_at = 0;
    g_free(mail->answer);
    mail->answer = g_steal_pointer(&answer);
}

/* Says that the rest is tried again. */
static void tell_the_rest(struct transport_result *result)
{
    char *answer = g_strdup_printf("%s As others have the mail already, or may, the rest is tried again.",
                                   result->answer ? result->answer : "");

    g_free(result->answer);
    result->answer = answer;
}

/* Brings the mail to what came of the attempt. */
static void settle(struct attempt *attempt, struct transport_result *result)
{
    struct store_mail *mail = attempt->mail;
    int64_t now = clock_now(attempt->outer->clock);
    bool leave = leaves_the_rest(attempt, result);

    if (!attempt->begun && result->outcome != TRANSPORT_CANCELLED)
        mail->attempts++;
    settle_recipients(attempt, result->outcome, leave);
    int64_t wait_s =
        outbox_wait_s((int)MIN(mail->attempts, G_MAXINT), mail->queued_at, now, result->wait_s, g_random_double());
    if (leave && wait_s >= 0 && count(mail, STORE_MAIL_QUEUED))
        tell_the_rest(result);
    g_free(mail->answer);
    mail->answer = g_strdup(result->answer);
    if (wait_s < 0 && count(mail, STORE_MAIL_QUEUED))
        outbox_give_up(mail);
    mail->state = state_of(mail);
    if (result->outcome != TRANSPORT_CANCELLED)
        mail->next_attempt_at = mail->state == STORE_MAIL_QUEUED ? now + wait_s : 0;
    if (result->outcome == TRANSPORT_SENT && count(mail, STORE_MAIL_SENT))
        mail->sent_at = now;
}

/* The store says that nothing was changed, and of itself that is so; beside a mail that was sent it misleads. Returned:
 * g_free. */
static char *cause_of(const GError *error)
{
    const char *end = strstr(error->message, "; nothing was changed");

    return end ? g_strndup(error->message, (gsize)(end - error->message)) : g_strdup(error->message);
}

static bool note(struct store *store, struct store_mail *mail, struct transport_result *result, GError **error)
{
    g_autoptr(GError) failure = NULL;

    result->unnoted = !store_mail_note(store, mail, &failure);
    if (!result->unnoted)
        return true;
    g_autofree char *cause = cause_of(failure);
    if (count(mail, STORE_MAIL_SENT) && result->outcome == TRANSPORT_SENT)
        g_set_error(error, failure->domain, failure->code,
                    "THE MAIL WAS SENT (%s), but that could not be written down: %s. Until it is, the outbox will say "
                    "that nobody knows (unknown): do not --resend it.",
                    result->answer, cause);
    else
        g_set_error(error, failure->domain, failure->code,
                    "What came of an attempt to send a mail (%s) could not be written down: %s", result->answer, cause);
    return false;
}

static bool take_message(struct store *store, struct store_mail *mail, GError **error)
{
    g_autoptr(StoreMail) whole = NULL;

    if (mail->message)
        return true;
    whole = store_mail_read(store, mail->mail_id, error);
    if (whole)
        mail->message = g_steal_pointer(&whole->message);
    return whole != NULL;
}

bool outbox_deliver(struct store *store, const struct transport *transport, struct store_mail *mail,
                    struct transport_result *result, GError **error)
{
    struct attempt attempt = {.store = store, .mail = mail, .outer = transport};
    struct transport inner = *transport;

    if (!take_message(store, mail, error))
        return false;
    inner.begin = begin;
    inner.user = &attempt;
    g_autoptr(GArray) tried = note_tried(mail);
    attempt.tried = tried;
    forget_answers(&attempt);
    if (transport->config->smtp.transport == CONFIG_TRANSPORT_GRAPH)
        graph_send(&inner, mail, result);
    else
        smtp_send(&inner, mail, result);
    if (attempt.error) {
        g_propagate_prefixed_error(error, attempt.error, "The mail was not sent, as that could not be noted before: ");
        return false;
    }
    settle(&attempt, result);
    return note(store, mail, result, error);
}
