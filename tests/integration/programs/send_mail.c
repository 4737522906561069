/* send_mail MESSAGE SENDER RECIPIENT... - hands a file over by smtp_send, as the environment configures it, and prints
 * what came of it as JSON: for tests that need one session and nothing around it. SEND_MAIL_BEGIN=no lets `begin`
 * refuse. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/base.h"
#include "report/report.h"
#include "report/transport.h"

static bool begin(void *user, GError **error)
{
    int *begun = user;

    ++*begun;
    if (g_strcmp0(g_getenv("SEND_MAIL_BEGIN"), "no") != 0)
        return true;
    g_set_error(error, REPORT_ERROR, REPORT_ERROR_FAILED, "The test does not want it");
    return false;
}

static int open_signals(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void print(const struct transport_result *result, const struct store_mail *mail, int begun)
{
    static const char *const outcomes[] = {"sent", "later", "refused", "unknown", "cancelled"};
    g_autoptr(GString) out = g_string_new(NULL);

    g_string_append_printf(out, "{\"outcome\":\"%s\",\"begun\":%d,\"server\":%s,\"answer\":", outcomes[result->outcome],
                           begun, result->server ? "true" : "false");
    text_append_json(out, result->answer);
    g_string_append(out, ",\"hint\":");
    text_append_json(out, result->hint);
    g_string_append(out, ",\"recipients\":[");
    for (guint i = 0; i < mail->recipients->len; i++) {
        const struct store_mail_recipient *recipient = g_ptr_array_index(mail->recipients, i);
        g_string_append_printf(out, "%s{\"address\":", i > 0 ? "," : "");
        text_append_json(out, recipient->address);
        g_string_append_printf(
            out, ",\"state\":\"%s\",\"code\":%d,\"answer\":", store_mail_state_name(recipient->state), recipient->code);
        text_append_json(out, recipient->answer);
        g_string_append_c(out, '}');
    }
    puts(g_string_append(out, "]}")->str);
}

int main(int argc, char **argv)
{
    const struct clock clock = {0};
    const struct config_options options = {.need_customers = true};
    g_autoptr(GError) error = NULL;
    g_autofree char *text = NULL;
    gsize length;
    int begun = 0;

    if (argc < 4 || !g_file_get_contents(argv[1], &text, &length, &error))
        return EXIT_FAILURE;
    log_init(LOG_LEVEL_WARN, LOG_FORMAT_LOGFMT, &clock);
    g_autoptr(Config) config = config_load(&options, &error);
    if (!config) {
        fprintf(stderr, "%s\n", error->message);
        return EXIT_FAILURE;
    }
    g_autoptr(StoreMail) mail = store_mail_new();
    mail->sender = g_strdup(argv[2]);
    mail->message = g_bytes_new(text, length);
    for (int i = 3; i < argc; i++)
        store_mail_add_recipient(mail, argv[i]);
    const struct transport transport = {
        .config = config, .clock = &clock, .signal_fd = open_signals(), .begin = begin, .user = &begun};
    struct transport_result result = {0};
    smtp_send(&transport, mail, &result);
    print(&result, mail, begun);
    struct signalfd_siginfo info;
    bool left = read(transport.signal_fd, &info, sizeof info) == (ssize_t)sizeof info; /* "readable, and left so" */
    close(transport.signal_fd);
    transport_result_clear(&result);
    return left ? 128 + (int)info.ssi_signo : EXIT_SUCCESS;
}
