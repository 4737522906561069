#include "report/smtp_verdict.h"

#include <string.h>

#include "base/text.h"
#include "report/smtp_reply.h"

enum { GREETED = 220, COMPLETED = 250, GOING_DOWN = 421, AUTH_REQUIRED = 530, TOO_LARGE = 552 };

/* What is judged, and for whom. */
struct verdict {
    const struct smtp_order *order;
    const struct smtp_record *record;
    const GPtrArray *recipients;
    struct transport_result *result;
};

/* --- words -------------------------------------------------------------------------------------------------------- */

static void hide(char **text, const char *secret)
{
    if (!secret || !*secret || !strstr(*text, secret))
        return;
    g_auto(GStrv) parts = g_strsplit(*text, secret, -1);
    g_free(*text);
    *text = g_strjoinv("***", parts);
}

/* A server's words for people, without the password, as it is and as the mechanisms PLAIN and LOGIN write it. */
static char *words_of(const struct smtp_order *order, const char *text)
{
    g_autofree char *open = g_strdup(text ? text : "");

    if (order->user && order->password) {
        /* Of its whole length from the beginning: a text that grows leaves copies behind. */
        GString *plain = g_string_sized_new(strlen(order->user) + strlen(order->password) + 3);
        g_string_append_c(plain, '\0');
        g_string_append(plain, order->user);
        g_string_append_c(plain, '\0');
        g_string_append(plain, order->password);
        char *forms[] = {g_base64_encode((const guchar *)plain->str, plain->len),
                         g_base64_encode((const guchar *)order->password, strlen(order->password)),
                         g_strdup(order->password)};
        for (size_t i = 0; i < G_N_ELEMENTS(forms); i++) {
            hide(&open, forms[i]);
            text_free_secret(forms[i]);
        }
        explicit_bzero(plain->str, plain->len);
        g_string_free(plain, TRUE);
    }
    return transport_words(open);
}

/* "550 5.1.1 unknown". */
static char *quote(const struct smtp_order *order, const struct smtp_reply *reply)
{
    g_autofree char *words = words_of(order, reply->text);

    return g_strdup_printf("%d%s%s", reply->code, *words ? " " : "", words);
}

G_GNUC_PRINTF(4, 5)
static void conclude(const struct verdict *verdict, enum transport_outcome outcome, const char *hint,
                     const char *format, ...)
{
    va_list values;

    va_start(values, format);
    g_autofree char *words = g_strdup_vprintf(format, values);
    va_end(values);
    verdict->result->outcome = outcome;
    verdict->result->hint = g_strdup(hint);
    verdict->result->answer = g_strdup_printf("%s:%d %s", verdict->order->server, verdict->order->port, words);
}

/* The server or the login is at fault: other mails would meet the same. */
static void blame(const struct verdict *verdict)
{
    verdict->result->server = true;
}

/* 4xx: later; anything else that is no success: refused. */
static enum transport_outcome outcome_of(int code)
{
    return code / 100 == 4 ? TRANSPORT_LATER : TRANSPORT_REFUSED;
}

/* --- before the message ------------------------------------------------------------------------------------------- */

static void judge_no_connection(const struct verdict *verdict)
{
    const struct smtp_record *record = verdict->record;

    conclude(verdict, record->nameless ? TRANSPORT_REFUSED : TRANSPORT_LATER,
             record->nameless ? "Check smtp.server: the name is not known here."
                              : "Check that the mail server runs, smtp.server and smtp.port, and the firewall between.",
             "cannot be reached: %s.", record->failure ? record->failure : "it does not take the connection in time");
}

/* Where the connection ended without an answer. */
static void judge_silence(const struct verdict *verdict)
{
    static const char *const doing[] = {
        [SMTP_STEP_GREETING] = "does not greet",           [SMTP_STEP_EHLO] = "does not answer EHLO",
        [SMTP_STEP_STARTTLS] = "does not answer STARTTLS", [SMTP_STEP_TLS] = "does not finish the handshake of TLS",
        [SMTP_STEP_AUTH] = "does not answer the sign-in",  [SMTP_STEP_MAIL] = "does not answer MAIL",
        [SMTP_STEP_RCPT] = "does not answer RCPT",         [SMTP_STEP_DATA] = "does not answer DATA",
        [SMTP_STEP_MESSAGE] = "does not take the message",
    };

    blame(verdict);
    if (verdict->record->garbled && verdict->record->step <= SMTP_STEP_AUTH)
        conclude(verdict, TRANSPORT_REFUSED,
                 "Let smtp.server and smtp.port name a mail server (587 is the usual port).",
                 "answers with what is no answer of a mail server.");
    else if (verdict->record->garbled)
        conclude(verdict, TRANSPORT_LATER, NULL, "%s: what it says is no answer of a mail server.",
                 doing[verdict->record->step]);
    else
        conclude(verdict, TRANSPORT_LATER, NULL, "%s: it was silent for too long, or closed the connection.",
                 doing[verdict->record->step]);
}

static void judge_haste(const struct verdict *verdict)
{
    blame(verdict);
    conclude(verdict, TRANSPORT_REFUSED, "Ask who runs the mail server what stands between it and this machine.",
             "answers what it was not asked yet: nobody can tell which answer is for what. Nothing was sent.");
}

static void judge_refusal(const struct verdict *verdict, const char *to, const struct smtp_reply *reply,
                          const char *hint)
{
    g_autofree char *words = quote(verdict->order, reply);

    conclude(verdict, outcome_of(reply->code), hint, "answers %s with \"%s\".", to, words);
}

static void judge_tls(const struct verdict *verdict)
{
    const struct smtp_record *record = verdict->record;

    if (record->distrust)
        conclude(verdict, TRANSPORT_REFUSED,
                 "Let smtp.server be the name that the server's certificate is for; for a private authority, let "
                 "SSL_CERT_FILE name a file with its certificate. Nothing was sent, no password either.",
                 "shows a certificate that is not to be trusted: %s.", record->distrust);
    else if (record->failure)
        conclude(verdict, TRANSPORT_REFUSED,
                 "Ask who runs the mail server about its TLS: version 1.2 or later is wanted.",
                 "does not agree on TLS: %s.", record->failure);
    else
        judge_silence(verdict);
}

static bool offers(char **mechanisms, const char *name)
{
    return mechanisms && g_strv_contains((const char *const *)mechanisms, name);
}

/* No mechanism was tried: why? */
static void judge_mechanisms(const struct verdict *verdict)
{
    g_auto(GStrv) mechanisms = smtp_reply_mechanisms(verdict->record->offer);
    g_autofree char *all = mechanisms ? g_strjoinv(" ", mechanisms) : NULL;
    g_autofree char *listed = words_of(verdict->order, all);

    if (!mechanisms)
        conclude(verdict, TRANSPORT_REFUSED, "Take SMTP_USER and SMTP_PASSWORD out, or use a port that takes them.",
                 "offers no AUTH, though a user is set.");
    else if (offers(mechanisms, "PLAIN") || offers(mechanisms, "LOGIN"))
        conclude(verdict, TRANSPORT_REFUSED,
                 "Use smtp: security: starttls: without it a password is shown only to this machine itself.",
                 "takes passwords only as they are (AUTH %s), and the connection is not encrypted.", listed);
    else if (offers(mechanisms, "XOAUTH2") || offers(mechanisms, "OAUTHBEARER"))
        conclude(verdict, TRANSPORT_REFUSED, "Set smtp: transport: graph, which sends by Microsoft Graph.",
                 "takes no passwords, only tokens (AUTH %s).", listed);
    else
        conclude(verdict, TRANSPORT_REFUSED, "PLAIN, LOGIN and CRAM-MD5 are the mechanisms that m365keep has.",
                 "offers no way to sign in that is known here (AUTH %s).", listed);
}

static void judge_sign_in(const struct verdict *verdict)
{
    const struct smtp_reply *reply = &verdict->record->auth;
    /* Exchange Online, where an administrator has not switched it on: "SmtpClientAuthentication is disabled". */
    bool retired = reply->text && (strstr(reply->text, "SmtpClientAuthentication") || strstr(reply->text, "5.7.139"));

    if (reply->code < 400) {
        judge_mechanisms(verdict);
        return;
    }
    judge_refusal(verdict, "the sign-in", reply,
                  retired ? "Set smtp: transport: graph, which sends by Microsoft Graph."
                          : "Check SMTP_USER and SMTP_PASSWORD: the password may have expired.");
}

/* The recipients whom the server did not take, for the line about the whole. */
static char *refused(const struct verdict *verdict)
{
    g_autoptr(GString) words = g_string_new(NULL);

    for (guint i = 0; i < verdict->recipients->len; i++) {
        const struct store_mail_recipient *recipient = g_ptr_array_index(verdict->recipients, i);
        const struct smtp_reply *reply = &verdict->record->recipient[i];
        if (!reply->code || reply->code / 100 == 2)
            continue;
        g_autofree char *quoted = quote(verdict->order, reply);
        g_string_append_printf(words, "%s%s (\"%s\")", words->len ? ", " : "", recipient->address, quoted);
    }
    return words->len ? g_strdup(words->str) : NULL;
}

static size_t count_recipients(const struct smtp_record *record, int class)
{
    size_t n = 0;

    for (size_t i = 0; i < record->recipients; i++)
        n += record->recipient[i].code / 100 == class;
    return n;
}

/* Those of whom the server said something else than that it takes them. */
static size_t count_refused(const struct smtp_record *record)
{
    size_t n = 0;

    for (size_t i = 0; i < record->recipients; i++)
        n += record->recipient[i].code && record->recipient[i].code / 100 != 2;
    return n;
}

static const struct smtp_reply *find_recipient(const struct smtp_record *record, int code)
{
    for (size_t i = 0; i < record->recipients; i++)
        if (record->recipient[i].code == code)
            return &record->recipient[i];
    return NULL;
}

static void judge_no_recipient(const struct verdict *verdict)
{
    bool all = count_recipients(verdict->record, 5) == verdict->record->recipients;
    g_autofree char *whom = refused(verdict);

    conclude(
        verdict, all ? TRANSPORT_REFUSED : TRANSPORT_LATER,
        all ? "Check the customer's mail_to and mail_cc, and whether this machine may send to them through that server."
            : NULL,
        "takes no recipient: %s.", whom);
}

static const char *hint_of_mail(const struct verdict *verdict, int code)
{
    if (code == AUTH_REQUIRED && !verdict->order->user)
        return "The server wants a sign-in: set SMTP_USER and SMTP_PASSWORD.";
    if (code == TOO_LARGE)
        return "Ask who runs the mail server how large a mail may be.";
    return code / 100 == 5 ? "Ask who runs the mail server whether this machine may send as smtp.from." : NULL;
}

static void judge_greeting(const struct verdict *verdict)
{
    const struct smtp_reply *greeting = &verdict->record->greeting;

    judge_refusal(verdict, "a new connection", greeting,
                  greeting->code / 100 == 5 ? "Ask who runs the mail server whether this machine may send through it."
                                            : NULL);
}

static void judge_no_starttls(const struct verdict *verdict)
{
    conclude(verdict, TRANSPORT_REFUSED,
             "Use the port on which the server offers it (587 is the usual one), or smtp: security: none inside a "
             "network you trust. Nothing was sent, no password either.",
             "offers no STARTTLS, which smtp: security: starttls wants.");
}

/* Did it end before MAIL, and was that said? Whoever answers there is at fault for all mails. */
static bool judge_opening(const struct verdict *verdict)
{
    const struct smtp_record *record = verdict->record;
    const struct smtp_order *order = verdict->order;

    verdict->result->server = true;
    if (!record->connected)
        judge_no_connection(verdict);
    else if (record->greeting.code && record->greeting.code != GREETED)
        judge_greeting(verdict);
    else if (record->hello.code && record->hello.code / 100 != 2)
        judge_refusal(verdict, "EHLO", &record->hello, NULL);
    else if (record->step == SMTP_STEP_TLS)
        judge_tls(verdict);
    else if (record->starttls.code && record->starttls.code / 100 != 2)
        judge_refusal(verdict, "STARTTLS", &record->starttls, NULL);
    else if (order->tls && !record->tls && record->hello.code && record->step == SMTP_STEP_EHLO)
        judge_no_starttls(verdict);
    else if (order->user && !record->authenticated && record->hello.code &&
             (record->auth.code >= 400 || record->step > SMTP_STEP_AUTH))
        judge_sign_in(verdict);
    else
        verdict->result->server = false;
    return verdict->result->server;
}

/* Neither leave to send the message nor a refusal. */
static void judge_odd_leave(const struct verdict *verdict)
{
    g_autofree char *words = quote(verdict->order, &verdict->record->data);

    blame(verdict);
    conclude(verdict, TRANSPORT_LATER, NULL, "answers DATA with \"%s\", which gives no leave to send.", words);
}

/* The session ended before the message: at which step, and why? */
static void judge_dialogue(const struct verdict *verdict)
{
    const struct smtp_record *record = verdict->record;
    const struct smtp_reply *going_down = find_recipient(record, GOING_DOWN);

    if (judge_opening(verdict))
        return;
    if (record->hasty) {
        judge_haste(verdict);
    } else if (record->mail.code && record->mail.code / 100 != 2) {
        verdict->result->server = record->mail.code / 100 == 4 || record->mail.code == AUTH_REQUIRED;
        judge_refusal(verdict, "MAIL", &record->mail, hint_of_mail(verdict, record->mail.code));
    } else if (record->recipients && count_refused(record) == record->recipients) {
        judge_no_recipient(verdict);
    } else if (going_down) {
        blame(verdict);
        judge_refusal(verdict, "RCPT", going_down, NULL);
    } else if (record->data.code >= 400) {
        judge_refusal(verdict, "DATA", &record->data, hint_of_mail(verdict, record->data.code));
    } else if (record->data.code && record->data.code / 100 != 3) {
        judge_odd_leave(verdict);
    } else {
        judge_silence(verdict);
    }
}

/* --- the message -------------------------------------------------------------------------------------------------- */

static void judge_accepted(const struct verdict *verdict)
{
    g_autofree char *words = quote(verdict->order, &verdict->record->data), *whom = refused(verdict);

    conclude(verdict, TRANSPORT_SENT,
             whom && count_recipients(verdict->record, 5)
                 ? "Check the customer's mail_to and mail_cc: not all of them were taken."
                 : NULL,
             "took the mail with \"%s\"%s%s.", words, whom ? "; it did not take " : "", whom ? whom : "");
}

/* Neither taken nor refused, as far as anybody can tell. */
static void judge_no_answer(const struct verdict *verdict)
{
    const struct smtp_record *record = verdict->record;
    g_autofree char *quoted = quote(verdict->order, &record->data);
    g_autofree char *what = record->data.code
                                ? g_strdup_printf("and answers it with \"%s\", which is neither yes nor no", quoted)
                            : record->garbled ? g_strdup("but what it answers is no answer of a mail server")
                                              : g_strdup("but its answer did not come");

    blame(verdict);
    conclude(verdict, TRANSPORT_UNKNOWN,
             "Ask a recipient whether the mail is there. If it is not, --resend sends it again.",
             "was given the mail, %s: nobody knows whether it took it.", what);
}

static void judge_message(const struct verdict *verdict)
{
    const struct smtp_record *record = verdict->record;
    int code = record->data.code;

    /* RFC 5321, section 4.2.1: the second digit 5 is the mail system's. */
    if (code / 10 == COMPLETED / 10)
        judge_accepted(verdict);
    else if (code / 100 == 4 || code / 100 == 5)
        judge_refusal(verdict, "the message", &record->data, hint_of_mail(verdict, code));
    else if (record->stalled) {
        blame(verdict);
        conclude(verdict, TRANSPORT_LATER, NULL, "did not take the whole message in time: it was broken off.");
    } else {
        judge_no_answer(verdict);
    }
}

/* --- recipients --------------------------------------------------------------------------------------------------- */

/* What the outcome makes of a recipient whom the server took, or was not asked about. */
static enum store_mail_state state_of(enum transport_outcome outcome)
{
    switch (outcome) {
    case TRANSPORT_SENT:
        return STORE_MAIL_SENT;
    case TRANSPORT_REFUSED:
        return STORE_MAIL_FAILED;
    case TRANSPORT_UNKNOWN:
        return STORE_MAIL_UNKNOWN;
    default:
        return STORE_MAIL_QUEUED;
    }
}

/* Only 2xx takes a recipient; of whom nothing was said, and the message was taken, nobody knows. */
static enum store_mail_state state_of_recipient(enum transport_outcome outcome, int code)
{
    enum store_mail_state state = state_of(outcome);

    if (code == 0)
        return state == STORE_MAIL_SENT ? STORE_MAIL_UNKNOWN : state;
    if (code / 100 == 2 || state == STORE_MAIL_FAILED)
        return state;
    return code / 100 == 5 ? STORE_MAIL_FAILED : STORE_MAIL_QUEUED; /* queued: tried again, alone */
}

static void settle_recipient(const struct verdict *verdict, guint i)
{
    struct store_mail_recipient *recipient = g_ptr_array_index(verdict->recipients, i);
    const struct smtp_reply none = {0};
    const struct smtp_reply *own = i < verdict->record->recipients ? &verdict->record->recipient[i] : &none;
    bool apart = own->code && own->code / 100 != 2;
    bool passed_over = !own->code && verdict->result->outcome == TRANSPORT_SENT;
    const struct smtp_reply *reply = apart || passed_over ? own : &verdict->record->data;

    recipient->state = state_of_recipient(verdict->result->outcome, own->code);
    recipient->code = !apart && reply->code / 100 == 3 ? 0 : reply->code;
    g_free(recipient->answer);
    recipient->answer = recipient->code ? words_of(verdict->order, reply->text) : NULL;
}

/* --- all of it ---------------------------------------------------------------------------------------------------- */

static void judge(const struct verdict *verdict)
{
    const struct smtp_record *record = verdict->record;

    if (record->end == SMTP_END_CANCELLED)
        conclude(verdict, TRANSPORT_CANCELLED, NULL, "was left before anything was handed over.");
    else if (record->end == SMTP_END_STOPPED)
        conclude(verdict, TRANSPORT_LATER, NULL, "was ready for the mail, but it was not handed over.");
    else if (record->setup)
        conclude(verdict, TRANSPORT_REFUSED, NULL, "was not asked: %s.", record->setup);
    else if (record->handed_over)
        judge_message(verdict);
    else
        judge_dialogue(verdict);
}

void smtp_verdict(const struct smtp_order *order, const struct smtp_record *record, const GPtrArray *recipients,
                  struct transport_result *result)
{
    const struct verdict verdict = {.order = order, .record = record, .recipients = recipients, .result = result};

    *result = (struct transport_result){0};
    judge(&verdict);
    for (guint i = 0; i < recipients->len; i++)
        settle_recipient(&verdict, i);
}
