#include "doctor/smtp.h"

#include <string.h>

#include "base/base.h"
#include "doctor/connection.h"

enum { REPLY_MAX = 16384, WORDS_BYTES = 200, GREETED = 220, COMPLETED = 250 };

struct smtp_check {
    char *server;
    int port;
    bool wants_tls, wants_auth;
    struct section *section;
    GCancellable *call;
    /* The session. */
    GSocketConnection *connection;
    GString *received; /* and not yet taken */
};

struct smtp_check *smtp_check_new(const struct config *config, struct section *section)
{
    struct smtp_check *check = g_new0(struct smtp_check, 1);

    check->server = g_strdup(config->smtp.server);
    check->port = config->smtp.port;
    check->wants_tls = config->smtp.security == CONFIG_SMTP_STARTTLS;
    check->wants_auth = config->smtp.user != NULL;
    check->section = section;
    check->call = connection_call_new();
    check->received = g_string_new(NULL);
    return check;
}

static void check_free(void *data)
{
    struct smtp_check *check = data;

    g_clear_object(&check->connection);
    connection_call_free(check->call);
    g_string_free(check->received, TRUE);
    g_free(check->server);
    g_free(check);
}

static void check_stop(void *data)
{
    struct smtp_check *check = data;

    g_cancellable_cancel(check->call);
}

/* --- replies ------------------------------------------------------------------------------------------------------ */

bool smtp_reply(const char *text, size_t length, int *code, size_t *taken)
{
    size_t at = 0;

    /* "250-STARTTLS" goes on, "250 HELP" and "250" end it. */
    for (const char *end; (end = memchr(text + at, '\n', length - at)); at = (size_t)(end - text) + 1) {
        const char *line = text + at;
        bool digits =
            end - line >= 3 && g_ascii_isdigit(line[0]) && g_ascii_isdigit(line[1]) && g_ascii_isdigit(line[2]);
        if (digits && line[3] == '-')
            continue;
        *code = digits && strchr(" \r\n", line[3]) ? (line[0] - '0') * 100 + (line[1] - '0') * 10 + line[2] - '0' : -1;
        *taken = (size_t)(end - text) + 1;
        return true;
    }
    return false;
}

bool smtp_offers(const char *reply, const char *extension)
{
    g_auto(GStrv) lines = g_strsplit(reply, "\n", -1);
    size_t length = strlen(extension);

    /* The first line is the server's name. Old servers write AUTH=LOGIN. */
    for (char **line = lines; *line; line++)
        if (line > lines && strlen(*line) >= 4 + length && g_ascii_strncasecmp(*line + 4, extension, length) == 0 &&
            strchr(" =\r", (*line)[4 + length]))
            return true;
    return false;
}

/* The server's words for people: one line, not too long, characters that a terminal shows. Returned: g_free. */
static char *words_of(const char *reply)
{
    g_autofree char *valid = g_utf8_make_valid(reply, -1);
    g_autofree char *cut = g_utf8_substring(valid, 0, MIN(g_utf8_strlen(valid, -1), WORDS_BYTES));

    g_strchomp(g_strdelimit(cut, "\r\n\t", ' '));
    return text_for_terminal(cut);
}

/* --- the session -------------------------------------------------------------------------------------------------- */

/* The next reply, and its code; NULL with *error. Returned: g_free. */
static char *receive(struct smtp_check *check, int *code, GError **error)
{
    GInputStream *in = g_io_stream_get_input_stream(G_IO_STREAM(check->connection));
    size_t taken = 0;
    char bytes[1024];

    while (!smtp_reply(check->received->str, check->received->len, code, &taken)) {
        gssize n = g_input_stream_read(in, bytes, sizeof bytes, check->call, error);
        if (n < 0)
            return NULL;
        if (n == 0 || check->received->len > REPLY_MAX) {
            g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "%s",
                        n == 0 ? "it closed the connection" : "it sends without end");
            return NULL;
        }
        g_string_append_len(check->received, bytes, n);
    }
    char *reply = g_strndup(check->received->str, taken);
    g_string_erase(check->received, 0, (gssize)taken);
    return reply;
}

static bool say(struct smtp_check *check, const char *line, GError **error)
{
    GOutputStream *out = g_io_stream_get_output_stream(G_IO_STREAM(check->connection));

    return g_output_stream_write_all(out, line, strlen(line), NULL, check->call, error);
}

static char *ask(struct smtp_check *check, const char *line, int *code, GError **error)
{
    return say(check, line, error) ? receive(check, code, error) : NULL;
}

static bool connect_to(struct smtp_check *check, GError **error)
{
    g_autoptr(GSocketConnectable) address = g_network_address_new(check->server, (guint16)check->port);

    check->connection = connection_open(address, check->call, error);
    return check->connection != NULL;
}

/* --- judging ------------------------------------------------------------------------------------------------------ */

static void fail_session(struct smtp_check *check, const char *doing, const GError *error)
{
    g_autofree char *why = connection_words(error);

    section_fail(
        check->section, "smtp",
        "Check smtp.server and smtp.port (587 is the usual one; 465 wants TLS from the first byte on, which is "
        "not supported), and the firewall between.",
        "%s:%d %s: %s.", check->server, check->port, doing, why);
}

/* `code` is that of the reply; -1: it is none, so something else answers there. */
static void fail_reply(struct smtp_check *check, const char *to, const char *reply, int code)
{
    g_autofree char *words = words_of(reply);

    if (code < 0)
        section_fail(check->section, "smtp",
                     "Let smtp.server and smtp.port name a mail server (587 is the usual port).",
                     "%s:%d answers %s with \"%s\": that is no mail server.", check->server, check->port, to, words);
    else
        section_fail(check->section, "smtp", "Ask who runs the mail server whether this machine may send through it.",
                     "%s:%d answers %s with \"%s\".", check->server, check->port, to, words);
}

static void judge_offer(struct smtp_check *check, const char *reply)
{
    bool tls = smtp_offers(reply, "STARTTLS"), auth = smtp_offers(reply, "AUTH");

    if (check->wants_tls && !tls) {
        section_fail(
            check->section, "smtp",
            "Use the port on which the server offers it (587 is the usual one), or smtp: security: none inside "
            "a network you trust.",
            "%s:%d offers no STARTTLS, which smtp: security: starttls wants.", check->server, check->port);
        return;
    }
    /* Most servers list AUTH only once the connection is encrypted. */
    if (check->wants_auth && !check->wants_tls && !auth) {
        section_fail(check->section, "smtp", "Take user and password out, or use a port that takes them.",
                     "%s:%d offers no AUTH, though smtp.user is set.", check->server, check->port);
        return;
    }
    section_ok(check->section, "smtp", "%s:%d answers%s%s. Nothing was sent.", check->server, check->port,
               tls ? ", offers STARTTLS" : "", auth ? ", offers AUTH" : "");
}

static void check_run(void *data)
{
    struct smtp_check *check = data;
    g_autoptr(GError) error = NULL;
    int code = -1;

    if (!connect_to(check, &error)) {
        fail_session(check, "cannot be reached", error);
        return;
    }
    g_autofree char *greeting = receive(check, &code, &error);
    if (!greeting || code != GREETED) {
        if (greeting)
            fail_reply(check, "a new connection", greeting, code);
        else
            fail_session(check, "does not greet", error);
        return;
    }
    g_autofree char *hello = g_strdup_printf("EHLO %s\r\n", g_get_host_name());
    g_autofree char *offer = ask(check, hello, &code, &error);
    if (!offer)
        fail_session(check, "does not answer EHLO", error);
    else if (code != COMPLETED)
        fail_reply(check, "EHLO", offer, code);
    else
        judge_offer(check, offer);
    say(check, "QUIT\r\n", NULL);
}

const struct task_kind smtp_check_kind = {
    .limit_s = CONNECTION_LIMIT_S, .run = check_run, .stop = check_stop, .free = check_free};
