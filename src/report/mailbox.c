#include "report/mailbox.h"

#include <arpa/inet.h>
#include <string.h>

#include "report/report.h"

/* RFC 5321, section 4.5.3.1; of the whole, what is left of a path of 256 without its brackets. */
enum { LOCAL_MAX = 64, LABEL_MAX = 63, ADDRESS_MAX = 254 };

void mailbox_clear(struct mailbox *mailbox)
{
    g_clear_pointer(&mailbox->name, g_free);
    g_clear_pointer(&mailbox->address, g_free);
}

/* --- the domain --------------------------------------------------------------------------------------------------- */

/* "192.0.2.1" or "IPv6:2001:db8::1", which stood between brackets. */
static bool is_literal(const char *text)
{
    static const char v6[] = "IPv6:";
    struct in6_addr address;

    if (g_ascii_strncasecmp(text, v6, strlen(v6)) == 0)
        return inet_pton(AF_INET6, text + strlen(v6), &address) == 1;
    return inet_pton(AF_INET, text, &address) == 1;
}

static bool is_label(const char *label)
{
    size_t length = strlen(label);

    if (length == 0 || length > LABEL_MAX || label[0] == '-' || label[length - 1] == '-')
        return false;
    for (const char *p = label; *p != '\0'; p++)
        if (!g_ascii_isalnum(*p) && *p != '-' && *p != '_')
            return false;
    return true;
}

/* GLib drops these two, as IDNA2003 did: in a language that needs them, the mail would go to another domain. */
static bool has_joiner(const char *domain)
{
    return strstr(domain, "\u200c") != NULL || strstr(domain, "\u200d") != NULL;
}

/* The domain in ASCII; NULL when there is no such form of it. Returned: g_free. */
static char *domain_in_ascii(const char *domain)
{
    size_t length = strlen(domain);

    if (length > 2 && domain[0] == '[' && domain[length - 1] == ']') {
        g_autofree char *literal = g_strndup(domain + 1, length - 2);
        return is_literal(literal) ? g_strdup(domain) : NULL;
    }
    g_autofree char *ascii = g_str_is_ascii(domain) ? g_strdup(domain)
                             : has_joiner(domain)   ? NULL
                                                    : g_hostname_to_ascii(domain);
    if (ascii == NULL || *ascii == '\0')
        return NULL;
    g_auto(GStrv) labels = g_strsplit(ascii, ".", -1);
    for (char **label = labels; *label != NULL; label++)
        if (!is_label(*label))
            return NULL;
    return g_steal_pointer(&ascii);
}

/* --- the part before the @ ---------------------------------------------------------------------------------------- */

/* Dots where a dot-atom may not have them ("a..b", ".a", "a."), which some old mailboxes do. */
static bool has_odd_dots(const char *local)
{
    return local[0] == '.' || g_str_has_suffix(local, ".") || strstr(local, "..") != NULL;
}

static const char *local_fault(const char *local)
{
    if (local[0] == '\0' || strlen(local) > LOCAL_MAX)
        return "is no mail address: before the @ stand 1 to 64 characters";
    if (!g_str_is_ascii(local))
        return "has letters beyond ASCII before the @, which only servers with SMTPUTF8 take: write another address of "
               "that mailbox";
    for (const char *p = local; *p != '\0'; p++)
        if (!g_ascii_isgraph(*p) || strchr("<>()[],;:@\\\"", *p) != NULL)
            return "is no mail address: before the @ stands a character that none has there";
    return NULL;
}

/* --- the whole ---------------------------------------------------------------------------------------------------- */

/* "Desk, \"1st\"" is written as the headers have it by those who know them. Returned: g_free; NULL: nothing is left. */
static char *unquote_name(const char *text, size_t length)
{
    g_autofree char *name = g_strndup(text, length);
    GString *plain = g_string_new(NULL);

    g_strstrip(name);
    length = strlen(name);
    bool quoted = length >= 2 && name[0] == '"' && name[length - 1] == '"';
    if (quoted)
        name[length - 1] = '\0';
    for (const char *p = quoted ? name + 1 : name; *p != '\0'; p++) {
        if (quoted && p[0] == '\\' && p[1] != '\0')
            p++;
        g_string_append_c(plain, *p);
    }
    return g_string_free(plain, plain->len == 0);
}

/* The address for the wire; NULL with *error. Returned: g_free. */
static char *address_for_wire(const char *address, GError **error)
{
    const char *at = strrchr(address, '@');
    g_autofree char *local = at != NULL ? g_strndup(address, (size_t)(at - address)) : g_strdup("");
    size_t length = strlen(local);

    if (length > 2 && local[0] == '"' && local[length - 1] == '"') { /* it was here before */
        local[length - 1] = '\0';
        memmove(local, local + 1, length - 1);
    }
    const char *fault = at == NULL ? "is no mail address: it has no @" : local_fault(local);
    g_autofree char *domain = fault == NULL ? domain_in_ascii(at + 1) : NULL;
    if (fault == NULL && domain == NULL)
        fault = "is no mail address: what stands after the @ is no domain";
    g_autofree char *whole = fault == NULL ? has_odd_dots(local) ? g_strdup_printf("\"%s\"@%s", local, domain)
                                                                 : g_strdup_printf("%s@%s", local, domain)
                                           : NULL;
    if (whole != NULL && strlen(whole) > ADDRESS_MAX)
        fault = "is no mail address: it is longer than 254 characters";
    if (fault == NULL)
        return g_steal_pointer(&whole);
    g_set_error(error, REPORT_ERROR, REPORT_ERROR_FAILED, "\"%s\" %s", address, fault);
    return NULL;
}

bool mailbox_parse(const char *text, struct mailbox *mailbox, GError **error)
{
    g_autofree char *valid = g_strstrip(g_utf8_make_valid(text, -1));
    char *open = strrchr(valid, '<');
    size_t length = strlen(valid);

    *mailbox = (struct mailbox){0};
    if (open != NULL && valid[length - 1] == '>') {
        valid[length - 1] = '\0';
        mailbox->name = unquote_name(valid, (size_t)(open - valid));
        mailbox->address = address_for_wire(open + 1, error);
    } else
        mailbox->address = address_for_wire(valid, error);
    if (mailbox->address == NULL)
        mailbox_clear(mailbox);
    return mailbox->address != NULL;
}
