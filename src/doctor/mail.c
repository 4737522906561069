#include "doctor/mail.h"

static bool is_mailed(const struct config_customer *customer)
{
    return customer->mail_to && *customer->mail_to;
}

/* Customers that reports are mailed to. */
static guint count_mailed(const struct config *config)
{
    guint n = 0;

    for (guint i = 0; i < config->customers->len; i++)
        n += is_mailed(g_ptr_array_index(config->customers, i));
    return n;
}

static bool goes_by_graph(const struct config *config)
{
    return config->smtp.transport == CONFIG_TRANSPORT_GRAPH && count_mailed(config) > 0;
}

bool mail_sends(const struct config *config, const struct config_customer *customer)
{
    if (!goes_by_graph(config))
        return false;
    return config->smtp.customer ? g_str_equal(config->smtp.customer, customer->name) : is_mailed(customer);
}

static bool is_asked(GPtrArray *asked, const char *name)
{
    for (guint i = 0; i < asked->len; i++)
        if (g_str_equal(((const struct config_customer *)g_ptr_array_index(asked, i))->name, name))
            return true;
    return false;
}

/* A mailbox cannot be tried without a mail. */
static const char untried[] =
    "Nothing was sent: whether that is a mailbox, and one that the application may send from, the first report shows.";

static void tell_one_sender(struct section *section, const struct config *config, GPtrArray *asked)
{
    const char *sender = config->smtp.customer;

    section_note(section, "mail", "Mail goes out by Microsoft Graph from %s, by the application of %s. %s",
                 config->smtp.from, sender, untried);
    if (!is_asked(asked, sender))
        section_note(section, "mail",
                     "Whether the application of %s has the permission Mail.Send, doctor --customer %s tells.", sender,
                     sender);
}

static void check_server(struct section *section, const struct config *config)
{
    guint mailed = count_mailed(config);

    if (!config->smtp.server && mailed > 0)
        section_warn(section, "mail",
                     "Set smtp.server (or SMTP_SERVER), or smtp: transport: graph; or take the recipients out.",
                     "Reports of %u customer%s have recipients, but no mail server is named: m365keep report cannot "
                     "mail them.",
                     mailed, mailed == 1 ? "" : "s");
    else if (config->smtp.server && !config->smtp.from)
        section_warn(section, "mail", "Set smtp.from (or MAIL_FROM) to the address that reports come from.",
                     "A mail server is named, but no sender: m365keep report cannot mail anything.");
}

void mail_check(struct section *section, const struct config *config, GPtrArray *asked)
{
    if (config->smtp.transport == CONFIG_TRANSPORT_SMTP)
        check_server(section, config);
    if (!goes_by_graph(config))
        return;
    if (!config->smtp.from)
        section_fail(section, "mail", "Set smtp.from (or MAIL_FROM) to the mailbox that reports come from.",
                     "No mail can go out by Microsoft Graph: no mailbox is named to send it from.");
    else if (config->smtp.customer)
        tell_one_sender(section, config, asked);
    else if (count_mailed(config) > 1)
        section_warn(section, "mail",
                     "Let smtp.customer name the customer in whose tenant the mailbox is: its application then sends "
                     "the reports on all of them.",
                     "Mail goes out by Microsoft Graph from %s, by the applications of %u customers, each in its own "
                     "tenant; a mailbox is in one of them.",
                     config->smtp.from, count_mailed(config));
    else
        section_note(section, "mail", "Mail goes out by Microsoft Graph from %s, by the customer's application. %s",
                     config->smtp.from, untried);
}
