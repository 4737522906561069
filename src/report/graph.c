/* graph - a mail handed over by Microsoft Graph (user: sendMail, in MIME format).
 *
 * Graph takes the message as a whole and sends it to whomever its To and Cc name: there is no envelope beside it. So
 * all recipients of a mail share one state, and a mail that some of them have already, or that was refused for some,
 * cannot be sent to the others alone. */
#include <poll.h>
#include <string.h>

#include "base/base.h"
#include "client/client.h"
#include "report/transport.h"

enum {
    REQUEST_BYTES_MAX = 4000000, /* "about 4 MB": user: sendMail, and "Limitations" of the Outlook API */
    STEP_MS = 50,
    RETRY_S = 10,    /* before anything is handed over; the outbox has more patience */
    PATIENCE_S = 10, /* for the answer, after a signal: without one nobody knows what became of the mail */
};

/* One mail on its way. */
struct sending {
    const struct transport *transport;
    struct store_mail *mail;
    const struct config_customer *sender; /* whose application sends */
    struct client *client;
    struct client_app *app; /* owned by the client */
    bool begun;
    GError *held_back; /* by `begin` */
    bool done;
    struct client_failure *failure; /* NULL with done: taken */
    char *request_id;               /* of the last answer; NULL: there was none */
    int64_t give_up_us;             /* real monotonic time; 0: no signal yet */
};

static void sending_clear(struct sending *sending)
{
    client_free(sending->client);
    client_failure_free(sending->failure);
    g_clear_error(&sending->held_back);
    g_free(sending->request_id);
}

/* --- words -------------------------------------------------------------------------------------------------------- */

static const char grant[] = "Grant the application of {app} the application permission Mail.Send, with admin consent "
                            "(docs/permissions.md), and see that smtp.from names a mailbox that it may send as.";
static const char too_large[] = "Follow fewer services (customers[].services), report fewer days, or send by a mail "
                                "server (smtp: transport: smtp).";
static const char no_such_mailbox[] = "Let smtp.from name a mailbox of the tenant of {app}, or smtp.customer the "
                                      "customer in whose tenant {mailbox} is.";

static const struct {
    const char *code, *hint;
} hints[] = {
    {"ErrorAccessDenied", grant},
    {"Authorization_RequestDenied", grant},
    {"accessDenied", grant},
    {"NoPermissionsInAccessToken", grant},
    {"MailboxNotEnabledForRESTAPI", "{mailbox} is no mailbox of Exchange Online (a guest, an account without a "
                                    "licence, or a mailbox on premises): let smtp.from name one."},
    {"ErrorInvalidUser", no_such_mailbox},
    {"ResourceNotFound", no_such_mailbox},
    {"Request_ResourceNotFound", no_such_mailbox},
    {"ErrorSendAsDenied", "The From of a mail is smtp.from: let it be the mailbox's own address, or let an "
                          "administrator of Exchange allow {mailbox} to send as it."},
    {"ErrorMessageSizeExceeded", too_large},
    {"RequestEntityTooLarge", too_large},
    {"http_413", too_large},
    {"ErrorMimeContentInvalidBase64String",
     "Something between here and the service changes what is sent, or m365keep is at fault: report it, with the "
     "request-id."},
};

static const char policy_hint[] =
    "An application access policy keeps the application of {app} from the mailbox {mailbox}, whatever Mail.Send "
    "allows: an administrator of Exchange must let it in (docs/permissions.md); that may take an hour to work.";

/* Returned: g_free. */
static char *fill(const struct sending *sending, const char *words)
{
    g_autoptr(GString) filled = g_string_new(words);

    g_string_replace(filled, "{app}", sending->sender->name, 0);
    g_string_replace(filled, "{mailbox}", sending->mail->sender, 0);
    return g_strdup(filled->str);
}

/* What to do next. The hints of failures that pass by themselves are for who collects; the outbox tells the rest. */
static char *hint_of(const struct sending *sending, const struct client_failure *failure)
{
    bool lasting = failure->verdict != CLIENT_LATER && failure->verdict != CLIENT_SLOW;

    if (failure->verdict == CLIENT_UNKNOWN)
        return fill(sending,
                    "Look into the sent items of {mailbox}, or ask a recipient, before --resend sends it again.");
    if (failure->status == 403 && failure->message && strstr(failure->message, "OData is disabled"))
        return fill(sending, policy_hint);
    for (gsize i = 0; failure->code && i < G_N_ELEMENTS(hints); i++)
        if (g_ascii_strcasecmp(failure->code, hints[i].code) == 0)
            return fill(sending, hints[i].hint);
    return lasting ? g_strdup(failure->hint) : NULL;
}

/* --- before it is sent -------------------------------------------------------------------------------------------- */

static void refuse(struct transport_result *result, const char *hint, char *answer)
{
    result->outcome = TRANSPORT_REFUSED;
    result->answer = answer;
    result->hint = g_strdup(hint);
}

static const struct config_customer *find_sender(const struct transport *transport)
{
    const struct config *config = transport->config;

    for (guint i = 0; config->smtp.customer && i < config->customers->len; i++) {
        const struct config_customer *customer = g_ptr_array_index(config->customers, i);
        if (g_str_equal(customer->name, config->smtp.customer))
            return customer;
    }
    return config->smtp.customer ? NULL : transport->customer;
}

static guint count(const struct store_mail *mail, enum store_mail_state state)
{
    guint n = 0;

    for (guint i = 0; i < mail->recipients->len; i++)
        n += ((const struct store_mail_recipient *)g_ptr_array_index(mail->recipients, i))->state == state;
    return n;
}

/* Whether somebody has the mail, or may have it. */
static bool has_reached(const struct store_mail *mail)
{
    for (guint i = 0; i < mail->recipients->len; i++)
        if (((const struct store_mail_recipient *)g_ptr_array_index(mail->recipients, i))->may_have)
            return true;
    return count(mail, STORE_MAIL_SENT) + count(mail, STORE_MAIL_UNKNOWN) > 0;
}

/* It cannot be sent to some of its recipients only. */
static bool is_split(const struct store_mail *mail)
{
    return count(mail, STORE_MAIL_QUEUED) < mail->recipients->len;
}

static void refuse_split(const struct store_mail *mail, struct transport_result *result)
{
    guint reached = count(mail, STORE_MAIL_SENT) + count(mail, STORE_MAIL_UNKNOWN);
    guint refused = count(mail, STORE_MAIL_FAILED);
    g_autofree char *had = reached
                               ? g_strdup_printf("%u of the %u have it already, or may", reached, mail->recipients->len)
                               : g_strdup("");
    g_autofree char *was =
        refused ? g_strdup_printf("for %u of the %u it was refused", refused, mail->recipients->len) : g_strdup("");

    refuse(result,
           has_reached(mail) ? "Send it by the mail server that it was begun with (smtp: transport: smtp)."
                             : "Report the same days again: as nobody has the mail, it is composed anew, for all.",
           g_strdup_printf("The mail was not sent by Microsoft Graph, which sends to all recipients at once: %s%s%s.",
                           had, *had && *was ? ", and " : "", was));
}

/* False, with the result filled, when it cannot be sent in this way. */
static bool check(const struct sending *sending, struct transport_result *result)
{
    const struct store_mail *mail = sending->mail;
    gsize bytes = (g_bytes_get_size(mail->message) + 2) / 3 * 4;

    if (is_split(mail))
        refuse_split(mail, result);
    else if (!sending->sender || !sending->sender->client_id)
        refuse(result, "Let smtp.customer name a customer of the configuration, with its credentials.",
               g_strdup("No application is known that could send the mail by Microsoft Graph."));
    else if (!mail->sender || !*mail->sender)
        refuse(result, "Set smtp.from (or MAIL_FROM) to a mailbox of the tenant.",
               g_strdup("No mailbox is known to send the mail from by Microsoft Graph."));
    else if (bytes > REQUEST_BYTES_MAX)
        refuse(result, too_large,
               g_strdup_printf("The mail was not sent from %s: it takes %.1f MB as base64, and Microsoft Graph takes "
                               "no request above 4 MB.",
                               mail->sender, (double)bytes / 1e6));
    else
        return true;
    return false;
}

/* --- sending ------------------------------------------------------------------------------------------------------ */

static bool on_begin(void *user)
{
    struct sending *sending = user;
    const struct transport *transport = sending->transport;

    if (!sending->begun) /* not again for the same message with a new token */
        sending->begun = transport->begin(transport->user, &sending->held_back);
    return sending->begun;
}

static void on_done(const struct client_result *result, void *user)
{
    struct sending *sending = user;

    sending->failure = client_failure_copy(result->failure);
    sending->request_id = g_strdup(result->request_id);
    sending->done = true;
}

/* A client of its own: a run sends a mail for each customer, mostly by applications of their own. */
static bool open_client(struct sending *sending, GError **error)
{
    const struct config_customer *sender = sending->sender;
    const struct config *config = sending->transport->config;
    const struct client_options options = {.clock = sending->transport->clock,
                                           .pace = config->pace,
                                           .wake_fd = -1,
                                           .stall_timeout_ms = 1000 * config->request_timeout_s,
                                           .retry_budget_s = RETRY_S};
    const struct client_app_options app = {.name = sender->name,
                                           .tenant_id = sender->tenant_id,
                                           .client_id = sender->client_id,
                                           .client_secret = sender->client_secret,
                                           .client_certificate = sender->client_certificate,
                                           .login_url = sender->login_url,
                                           .graph_url = sender->graph_url,
                                           .manage_url = sender->manage_url};

    sending->client = client_new(&options, error);
    if (!sending->client)
        return false;
    sending->app = client_app_new(sending->client, &app);
    return true;
}

static void start(struct sending *sending)
{
    g_autofree char *mailbox = g_uri_escape_string(sending->mail->sender, "@", FALSE);
    g_autofree char *url = g_strdup_printf("%s/v1.0/users/%s/sendMail", sending->sender->graph_url, mailbox);
    gsize length = 0;
    const guchar *message = g_bytes_get_data(sending->mail->message, &length);
    char *text = g_base64_encode(message, length);
    g_autoptr(GBytes) body = g_bytes_new_take(text, strlen(text));
    const struct client_request request = {.app = sending->app,
                                           .api = CLIENT_API_GRAPH,
                                           .family = CLIENT_FAMILY_MAIL,
                                           .url = url,
                                           .body = body,
                                           .content_type = "text/plain",
                                           .begin = on_begin,
                                           .permission = "Mail.Send",
                                           .done = on_done,
                                           .user = sending};

    client_start(sending->client, &request);
}

/* A signal ends what is not handed over at once, and the wait for an answer soon. */
static void heed_signal(struct sending *sending)
{
    struct pollfd signals = {.fd = sending->transport->signal_fd, .events = POLLIN};

    if (sending->give_up_us == 0 && poll(&signals, 1, 0) > 0)
        sending->give_up_us = g_get_monotonic_time() + (sending->begun ? PATIENCE_S * G_TIME_SPAN_SECOND : 0);
    if (sending->give_up_us != 0 && g_get_monotonic_time() >= sending->give_up_us)
        client_cancel(sending->client);
}

static void run(struct sending *sending)
{
    start(sending);
    while (!sending->done) {
        heed_signal(sending);
        client_step(sending->client, STEP_MS);
    }
}

/* --- what came of it ---------------------------------------------------------------------------------------------- */

static enum transport_outcome outcome_of(const struct sending *sending)
{
    const struct client_failure *failure = sending->failure;

    if (!failure)
        return TRANSPORT_SENT;
    switch (failure->verdict) {
    case CLIENT_LATER:
    case CLIENT_SLOW:
    case CLIENT_BAD_BODY: /* of the sign-in service: that of sendMail leaves it unknown */
        return TRANSPORT_LATER;
    case CLIENT_UNKNOWN:
        return TRANSPORT_UNKNOWN;
    case CLIENT_CANCELLED:
        return sending->held_back ? TRANSPORT_LATER : TRANSPORT_CANCELLED;
    default:
        return TRANSPORT_REFUSED;
    }
}

/* Whether the next mail by the same application would meet with the same: all but what is about this one alone. */
static bool is_servers(const struct client_failure *failure)
{
    static const char *const own[] = {"ErrorMessageSizeExceeded",
                                      "ErrorMimeContentInvalidBase64String",
                                      "ErrorInvalidRecipients",
                                      "held_back",
                                      "cancelled",
                                      NULL};

    if (failure->code && g_strv_contains(own, failure->code))
        return false;
    return failure->status != 400 && failure->status != 413;
}

static char *answer_of(const struct sending *sending)
{
    const struct client_failure *failure = sending->failure;
    g_autofree char *id = sending->request_id ? g_strdup_printf(" (request-id %s)", sending->request_id) : g_strdup("");

    if (!failure)
        return g_strdup_printf("Microsoft Graph accepted the mail for delivery from %s%s.", sending->mail->sender, id);
    if (sending->held_back)
        return g_strdup(sending->held_back->message);
    if (failure->verdict == CLIENT_UNKNOWN)
        return g_strdup_printf("The mail was handed to Microsoft Graph from %s, and nobody knows whether it was "
                               "taken: %s%s",
                               sending->mail->sender, failure->message, id);
    return g_strdup_printf("The mail was not sent from %s by Microsoft Graph: %s%s", sending->mail->sender,
                           failure->message, id);
}

static enum store_mail_state state_of(enum transport_outcome outcome)
{
    static const enum store_mail_state states[] = {
        [TRANSPORT_SENT] = STORE_MAIL_SENT,        [TRANSPORT_LATER] = STORE_MAIL_QUEUED,
        [TRANSPORT_REFUSED] = STORE_MAIL_FAILED,   [TRANSPORT_UNKNOWN] = STORE_MAIL_UNKNOWN,
        [TRANSPORT_CANCELLED] = STORE_MAIL_QUEUED,
    };

    return states[outcome];
}

/* In a word or two: what there is to say is said of the mail. `words` may be NULL. */
static void tell_recipients(struct store_mail *mail, enum transport_outcome outcome, int code, const char *words)
{
    for (guint i = 0; i < mail->recipients->len; i++) {
        struct store_mail_recipient *recipient = g_ptr_array_index(mail->recipients, i);

        if (recipient->state != STORE_MAIL_QUEUED)
            continue;
        recipient->state = state_of(outcome);
        recipient->code = code;
        g_free(recipient->answer);
        recipient->answer = g_strdup(words);
    }
}

static int64_t whole_seconds(double seconds)
{
    int64_t whole = (int64_t)seconds;

    return whole + (seconds > (double)whole);
}

static void judge(struct sending *sending, struct transport_result *result)
{
    enum { ACCEPTED = 202 };
    const struct client_failure *failure = sending->failure;
    bool throttled = false;
    double wait_s = client_app_wait(sending->app, CLIENT_FAMILY_MAIL, &throttled);

    result->outcome = outcome_of(sending);
    result->answer = answer_of(sending);
    if (failure) {
        result->hint = sending->held_back ? NULL : hint_of(sending, failure);
        result->server = is_servers(failure);
        result->wait_s = throttled && result->outcome == TRANSPORT_LATER ? whole_seconds(wait_s) : 0;
    }
    tell_recipients(sending->mail, result->outcome, failure ? failure->status : ACCEPTED,
                    failure ? failure->code : NULL);
}

void graph_send(const struct transport *transport, struct store_mail *mail, struct transport_result *result)
{
    struct sending sending = {.transport = transport, .mail = mail, .sender = find_sender(transport)};
    g_autoptr(GError) error = NULL;

    *result = (struct transport_result){0};
    if (!check(&sending, result)) {
        if (!is_split(mail) || !has_reached(mail)) /* else they are left to a transport that can do it */
            tell_recipients(mail, result->outcome, 0, NULL);
    } else if (!open_client(&sending, &error)) {
        result->outcome = TRANSPORT_LATER;
        result->server = true;
        result->answer = g_strdup(error->message);
    } else {
        run(&sending);
        judge(&sending, result);
    }
    sending_clear(&sending);
}
