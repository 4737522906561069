#include "report/outcome.h"

#include <string.h>

#include "base/base.h"

/* --- figures ------------------------------------------------------------------------------------------------------ */

static char *days_of(const struct report_window *window)
{
    g_autofree char *first = report_time(window, window->from, REPORT_TIME_DAY);
    g_autofree char *last = report_time(window, window->to - 1, REPORT_TIME_DAY);

    return g_str_equal(first, last) ? g_steal_pointer(&first) : g_strdup_printf("%s to %s", first, last);
}

static const struct report_service *worst_of(const struct report_figures *figures)
{
    const struct report_service *worst = NULL;

    for (guint i = 0; i < figures->services->len; i++) {
        const struct report_service *service = g_ptr_array_index(figures->services, i);

        if (!worst || service->overall > worst->overall)
            worst = service;
    }
    return worst;
}

char *outcome_of_figures(const struct report_figures *figures)
{
    const struct report_service *worst = worst_of(figures);
    g_autofree char *days = days_of(figures->window);
    guint services = figures->services->len;

    if (!worst || worst->overall == REPORT_NO_DATA)
        return g_strdup_printf("%s: no data", days);
    if (worst->overall == REPORT_OPERATIONAL)
        return g_strdup_printf("%s: %u service%s, none seen in trouble", days, services, services == 1 ? "" : "s");
    return g_strdup_printf("%s: %u service%s, the worst: %s (%s)", days, services, services == 1 ? "" : "s",
                           worst->name, report_impact_name(worst->overall));
}

/* --- the mail ----------------------------------------------------------------------------------------------------- */

static guint count_recipients(const struct store_mail *mail, enum store_mail_state state)
{
    guint count = 0;

    for (guint i = 0; i < mail->recipients->len; i++)
        count += ((const struct store_mail_recipient *)g_ptr_array_index(mail->recipients, i))->state == state;
    return count;
}

/* NULL: no mail was wanted. */
static char *mail_words(const struct report_customer *result, const struct report_window *window)
{
    const struct store_mail *mail = result->mail;
    guint sent = mail ? count_recipients(mail, STORE_MAIL_SENT) : 0;

    if (!mail)
        return result->error ? g_strdup(result->files_only ? "not written" : "not mailed") : NULL;
    switch (mail->state) {
    case STORE_MAIL_SENT:
        if (result->sent_before) {
            g_autofree char *at = report_time(window, mail->sent_at, REPORT_TIME_MINUTE);
            return g_strdup_printf("mailed before, on %s", at);
        }
        return sent == mail->recipients->len
                   ? g_strdup_printf("mailed to %u recipient%s", sent, sent == 1 ? "" : "s")
                   : g_strdup_printf("mailed to %u of %u recipients", sent, mail->recipients->len);
    case STORE_MAIL_FAILED:
        return g_strdup("the mail was not sent");
    case STORE_MAIL_UNKNOWN:
        return g_strdup("nobody knows whether the mail was sent");
    case STORE_MAIL_QUEUED:
    case STORE_MAIL_SENDING:
        break;
    }
    return g_strdup("the mail waits in the outbox");
}

bool outcome_is_through(const struct store_mail *mail)
{
    return mail->state == STORE_MAIL_SENT && count_recipients(mail, STORE_MAIL_SENT) == mail->recipients->len;
}

/* Those that were refused, and those of whom nobody knows, of a mail that others got. What is said of the whole mail
 * is not said of each again. */
static void note_recipients(struct report_customer *result)
{
    for (guint i = 0; i < result->mail->recipients->len; i++) {
        const struct store_mail_recipient *recipient = g_ptr_array_index(result->mail->recipients, i);
        const char *answer = recipient->answer ? recipient->answer : "no word on why";

        if (recipient->state == STORE_MAIL_FAILED && recipient->code)
            g_ptr_array_add(result->notes, g_strdup_printf("%s was refused: %s", recipient->address, answer));
        else if (recipient->state == STORE_MAIL_FAILED && result->mail->state != STORE_MAIL_FAILED)
            g_ptr_array_add(result->notes, g_strdup_printf("%s did not get it: %s", recipient->address, answer));
        else if (recipient->state == STORE_MAIL_UNKNOWN && result->mail->state == STORE_MAIL_SENT)
            g_ptr_array_add(result->notes,
                            g_strdup_printf("nobody knows whether %s got it: %s", recipient->address, answer));
    }
}

/* A day that is not over is none that can be asked for again. Returned: g_free. */
static char *command_of(const char *customer, const char *zone_name, const struct store_mail *mail, const char *option)
{
    g_autofree char *name = g_shell_quote(customer);
    g_autoptr(GTimeZone) zone = g_time_zone_new_identifier(zone_name);
    g_autoptr(GTimeZone) utc = g_time_zone_new_utc();
    g_autoptr(GDateTime) at = g_date_time_new_from_unix_utc(mail->from_s);
    g_autoptr(GDateTime) end = g_date_time_new_from_unix_utc(mail->to_s - 1);
    g_autoptr(GDateTime) first = g_date_time_to_timezone(at, zone ? zone : utc);
    g_autoptr(GDateTime) last = g_date_time_to_timezone(end, zone ? zone : utc);
    g_autofree char *from = g_date_time_format(first, "%Y-%m-%d"), *to = g_date_time_format(last, "%Y-%m-%d");

    return g_strdup_printf("m365keep report --customer %s --from %s --to %s%s", name, from, to, option);
}

/* Without the full stop of its end. Returned: g_free. */
static char *answer_of(const struct store_mail *mail)
{
    const char *answer = mail->answer ? mail->answer : "The program ended while the mail was being sent";
    size_t length = strlen(answer);

    return g_strndup(answer, length && answer[length - 1] == '.' ? length - 1 : length);
}

char *outcome_warning(const char *customer, const char *zone_name, const struct store_mail *mail, const char *held_back)
{
    g_autofree char *answer = answer_of(mail), *command = NULL;

    switch (mail->state) {
    case STORE_MAIL_SENT:
        break;
    case STORE_MAIL_QUEUED:
        return g_strdup_printf("The mail waits in the outbox. %s", held_back ? held_back : "It was not tried.");
    case STORE_MAIL_SENDING:
        return g_strdup("Another process is sending the mail.");
    case STORE_MAIL_FAILED:
        command = command_of(customer, zone_name, mail, "");
        return g_strdup_printf("The mail was not sent, and no other one took its place: %s. To have it made anew: %s",
                               answer, command);
    case STORE_MAIL_UNKNOWN:
        command = command_of(customer, zone_name, mail, " --resend");
        return g_strdup_printf("Nobody knows whether the mail was sent: %s. If it did not come: %s", answer, command);
    }
    return NULL;
}

static void note_unknown(struct report_customer *result)
{
    g_autofree char *answer = answer_of(result->mail);
    g_autofree char *command = command_of(result->name, result->timezone, result->mail, " --resend");

    g_ptr_array_add(result->notes, g_strdup_printf("%s. The recipients may have it, and it is not sent again by "
                                                   "itself. If it did not come: %s",
                                                   answer, command));
}

static void note_waiting(struct report_customer *result, const struct report_window *window, const char *held_back,
                         int64_t next_attempt_at)
{
    enum { MINUTE = 60 };
    const struct store_mail *mail = result->mail;
    g_autofree char *at =
        report_time(window, (next_attempt_at + MINUTE - 1) / MINUTE * MINUTE, REPORT_TIME_SHORT); /* not too early */
    const char *why = held_back && !mail->attempts ? held_back : mail->answer;

    g_ptr_array_add(result->notes, g_strdup_printf("waits: a run for the same days tries it at once, one for others "
                                                   "from %s on%s%s",
                                                   at, why ? ": " : "", why ? why : ""));
}

static void note_mail(struct report_customer *result, const struct report_window *window, const char *held_back,
                      int64_t next_attempt_at)
{
    switch (result->mail->state) {
    case STORE_MAIL_SENT:
        break;
    case STORE_MAIL_QUEUED:
        note_waiting(result, window, held_back, next_attempt_at);
        break;
    case STORE_MAIL_SENDING:
        g_ptr_array_add(result->notes, g_strdup("another process is sending it"));
        break;
    case STORE_MAIL_FAILED:
        if (result->mail->answer)
            g_ptr_array_add(result->notes, g_strdup(result->mail->answer));
        break;
    case STORE_MAIL_UNKNOWN:
        note_unknown(result);
        break;
    }
    if (!result->sent_before)
        note_recipients(result);
    if (result->hint && !result->error && result->mail->state != STORE_MAIL_UNKNOWN)
        g_ptr_array_add(result->notes, g_strdup(result->hint));
}

static enum report_status status_of(const struct report_customer *result)
{
    const struct store_mail *mail = result->mail;
    bool written = result->files->len > 0;

    if (!mail)
        return !result->error ? REPORT_DONE : written ? REPORT_PART : REPORT_NOT_DONE;
    if (mail->state == STORE_MAIL_FAILED)
        return written ? REPORT_PART : REPORT_NOT_DONE;
    if (mail->state != STORE_MAIL_SENT || result->error)
        return REPORT_PART;
    return result->sent_before || outcome_is_through(mail) ? REPORT_DONE : REPORT_PART;
}

void outcome_tell(struct report_customer *result, const struct report_window *window, const char *begin,
                  const char *held_back, int64_t next_attempt_at)
{
    result->status = status_of(result);
    if (begin) {
        g_autofree char *mail = mail_words(result, window);
        result->summary = g_strjoin("; ", begin, mail, NULL); /* the mail may be the NULL that ends the list */
    } else {
        result->summary = g_strdup("no report");
    }
    if (result->mail)
        note_mail(result, window, held_back, next_attempt_at);
}
