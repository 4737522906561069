#include "doctor/finding.h"

enum { DAY_S = 86400, EXPIRY_WARN_S = 30 * DAY_S };

static void finding_free(gpointer data)
{
    struct doctor_finding *finding = data;

    g_free(finding->customer);
    g_free(finding->message);
    g_free(finding->mend);
    g_free(finding->code);
    g_free(finding->request_id);
    g_free(finding);
}

struct section *section_new(const char *customer)
{
    struct section *section = g_new0(struct section, 1);

    section->customer = customer;
    section->findings = g_ptr_array_new_with_free_func(finding_free);
    return section;
}

void section_free(struct section *section)
{
    if (!section)
        return;
    g_ptr_array_unref(section->findings);
    g_free(section);
}

static struct doctor_finding *add(struct section *section, enum doctor_severity severity, const char *check,
                                  const char *mend, const char *format, va_list arguments)
{
    struct doctor_finding *finding = g_new0(struct doctor_finding, 1);

    finding->severity = severity;
    finding->check = check;
    finding->customer = g_strdup(section->customer);
    finding->message = g_strdelimit(g_strdup_vprintf(format, arguments), "\r\n\t", ' ');
    finding->mend = mend ? g_strdelimit(g_strdup(mend), "\r\n\t", ' ') : NULL;
    g_ptr_array_add(section->findings, finding);
    return finding;
}

struct doctor_finding *section_ok(struct section *section, const char *check, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    struct doctor_finding *finding = add(section, DOCTOR_OK, check, NULL, format, arguments);
    va_end(arguments);
    return finding;
}

struct doctor_finding *section_note(struct section *section, const char *check, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    struct doctor_finding *finding = add(section, DOCTOR_NOTE, check, NULL, format, arguments);
    va_end(arguments);
    return finding;
}

struct doctor_finding *section_warn(struct section *section, const char *check, const char *mend, const char *format,
                                    ...)
{
    va_list arguments;

    va_start(arguments, format);
    struct doctor_finding *finding = add(section, DOCTOR_WARN, check, mend, format, arguments);
    va_end(arguments);
    return finding;
}

struct doctor_finding *section_fail(struct section *section, const char *check, const char *mend, const char *format,
                                    ...)
{
    va_list arguments;

    va_start(arguments, format);
    struct doctor_finding *finding = add(section, DOCTOR_FAIL, check, mend, format, arguments);
    va_end(arguments);
    return finding;
}

/* --- days --------------------------------------------------------------------------------------------------------- */

char *finding_date(int64_t seconds)
{
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(seconds);

    return time ? g_date_time_format(time, "%Y-%m-%d") : g_strdup("a day beyond the calendar");
}

char *finding_days(int64_t seconds)
{
    int64_t days = seconds / DAY_S;

    return days <= 0   ? g_strdup("in less than a day")
           : days == 1 ? g_strdup("in 1 day")
                       : g_strdup_printf("in %" G_GINT64_FORMAT " days", days);
}

struct doctor_finding *section_expiry(struct section *section, const char *check, const char *what, const char *mend,
                                      int64_t expires, int64_t now)
{
    g_autofree char *date = finding_date(expires), *days = finding_days(expires - now);

    if (expires <= now)
        return section_fail(section, check, mend, "%s expired on %s.", what, date);
    if (expires - now < EXPIRY_WARN_S)
        return section_warn(section, check, mend, "%s expires on %s, %s.", what, date, days);
    return section_ok(section, check, "%s is valid until %s.", what, date);
}
