#include <arpa/inet.h>
#include <string.h>

#include "base/base.h"
#include "report/smtp_verdict.h"

enum { ADDRESS_BYTES = 320, HELLO_BYTES = 255 };

/* What a line of SMTP can carry as it is: printable ASCII without blanks and angle brackets. libesmtp writes what it is
 * given, so that anything else could end the line and begin a command of its own. */
static bool is_plain_address(const char *address)
{
    size_t length = strlen(address);

    for (const char *at = address; *at; at++)
        if (!g_ascii_isgraph(*at) || *at == '<' || *at == '>')
            return false;
    return length > 0 && length <= ADDRESS_BYTES && strchr(address, '@');
}

/* The address as it goes over the line: a domain of another script in its ASCII form. NULL when there is none.
 * Returned: g_free. */
static char *wire_address(const char *address)
{
    const char *sign = strrchr(address, '@');

    if (!sign || is_plain_address(address))
        return sign ? g_strdup(address) : NULL;
    g_autofree char *local = g_strndup(address, (gsize)(sign - address));
    g_autofree char *domain = g_hostname_to_ascii(sign + 1);
    g_autofree char *whole = domain ? g_strconcat(local, "@", domain, NULL) : NULL;
    return whole && is_plain_address(whole) ? g_steal_pointer(&whole) : NULL;
}

/* What this machine calls itself in EHLO; a name that none could have is told as the address of nobody else. */
static const char *hello_name(void)
{
    const char *name = g_get_host_name();

    if (!name || !*name || strlen(name) > HELLO_BYTES || !g_ascii_isalnum(*name))
        return "[127.0.0.1]";
    for (const char *at = name; *at; at++)
        if (!g_ascii_isalnum(*at) && *at != '-' && *at != '.')
            return "[127.0.0.1]";
    return name;
}

static bool is_loopback(const char *server)
{
    struct in_addr v4;
    struct in6_addr v6;

    if (inet_pton(AF_INET, server, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    if (inet_pton(AF_INET6, server, &v6) == 1)
        return memcmp(&v6, &in6addr_loopback, sizeof v6) == 0;
    return g_ascii_strcasecmp(server, "localhost") == 0;
}

static void refuse(struct transport_result *result, const char *answer, const char *hint)
{
    *result = (struct transport_result){
        .outcome = TRANSPORT_REFUSED, .answer = g_strdup(answer), .hint = g_strdup(hint), .server = true};
}

/* True when the configuration is one that can be tried at all. */
static bool can_try(const struct config *config, const char *sender, struct transport_result *result)
{
    if (!config->smtp.server)
        refuse(result, "No mail server is configured.", "Set smtp.server (SMTP_SERVER), or smtp: transport: graph.");
    else if (strchr(config->smtp.server, ':'))
        refuse(result, "The mail library cannot connect to an IPv6 address.",
               "Let smtp.server be a name; /etc/hosts can give the address one.");
    else if (!sender)
        refuse(result, "The sender's address cannot be said in SMTP.", "Check smtp.from (MAIL_FROM).");
    else if (config->smtp.user && !config->smtp.password)
        refuse(result, "A user for the mail server is set, but no password.",
               "Set SMTP_PASSWORD, or take the user out.");
    else
        return true;
    return false;
}

/* The recipients to try, and in `addresses` how they are told; those that SMTP cannot carry fail at once. */
static GPtrArray *pick_recipients(const struct store_mail *mail, GPtrArray *addresses)
{
    GPtrArray *picked = g_ptr_array_new();

    for (guint i = 0; i < mail->recipients->len; i++) {
        struct store_mail_recipient *recipient = g_ptr_array_index(mail->recipients, i);
        if (recipient->state != STORE_MAIL_QUEUED)
            continue;
        char *address = wire_address(recipient->address);
        if (address) {
            g_ptr_array_add(addresses, address);
            g_ptr_array_add(picked, recipient);
        } else {
            recipient->state = STORE_MAIL_FAILED;
            recipient->code = 0;
            g_free(recipient->answer);
            recipient->answer = g_strdup("not sent: SMTP cannot carry this address");
        }
    }
    g_ptr_array_add(addresses, NULL);
    return picked;
}

static void fail_all(const GPtrArray *recipients)
{
    for (guint i = 0; i < recipients->len; i++)
        ((struct store_mail_recipient *)g_ptr_array_index(recipients, i))->state = STORE_MAIL_FAILED;
}

void smtp_send(const struct transport *transport, struct store_mail *mail, struct transport_result *result)
{
    const struct config *config = transport->config;
    g_autoptr(GPtrArray) addresses = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) recipients = pick_recipients(mail, addresses);
    g_autofree char *sender = mail->sender ? wire_address(mail->sender) : NULL;
    struct smtp_record record = {0};

    *result = (struct transport_result){0};
    if (!can_try(config, sender, result)) {
        fail_all(recipients);
        return;
    }
    if (recipients->len == 0) {
        refuse(result, "The mail has no recipient that can be tried.", "Check the customer's mail_to and mail_cc.");
        result->server = false;
        return;
    }
    struct smtp_order order = {.server = config->smtp.server,
                               .hello = hello_name(),
                               .port = config->smtp.port,
                               .timeout_s = config->request_timeout_s,
                               .tls = config->smtp.security == CONFIG_SMTP_STARTTLS,
                               .user = config->smtp.user,
                               .password = config->smtp.password,
                               .sender = sender,
                               .recipients = (const char *const *)addresses->pdata,
                               .message = mail->message};
    order.plain = order.tls || is_loopback(order.server);
    smtp_session_run(&order, transport, &record);
    smtp_verdict(&order, &record, recipients, result);
    smtp_record_clear(&record);
}
