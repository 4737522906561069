/* How statuses, impacts and availability are told. */
#include "report/figures.h"

enum report_impact report_impact_of(int priority)
{
    if (priority < 0)
        return REPORT_NO_DATA;
    if (priority <= 2)
        return REPORT_INTERRUPTED;
    if (priority <= 4)
        return REPORT_DEGRADED;
    if (priority <= 6)
        return REPORT_AFFECTED;
    return priority <= 8 ? REPORT_MINOR : REPORT_OPERATIONAL;
}

const char *report_impact_name(enum report_impact impact)
{
    static const char *const names[REPORT_IMPACTS] = {
        [REPORT_NO_DATA] = "No data",   [REPORT_OPERATIONAL] = "Operational", [REPORT_MINOR] = "Minor",
        [REPORT_AFFECTED] = "Affected", [REPORT_DEGRADED] = "Degraded",       [REPORT_INTERRUPTED] = "Interrupted",
    };

    return names[impact];
}

char *report_status_words(const char *status)
{
    /* serviceHealthStatus of Graph v1.0 */
    static const char *const words[][2] = {
        {"serviceOperational", "Service operational"},
        {"investigating", "Investigating"},
        {"restoringService", "Restoring service"},
        {"verifyingService", "Verifying service"},
        {"serviceRestored", "Service restored"},
        {"postIncidentReviewPublished", "Post-incident review published"},
        {"serviceDegradation", "Service degradation"},
        {"serviceInterruption", "Service interruption"},
        {"extendedRecovery", "Extended recovery"},
        {"falsePositive", "False positive"},
        {"investigationSuspended", "Investigation suspended"},
        {"resolved", "Resolved"},
        {"mitigatedExternal", "Mitigated externally"},
        {"mitigated", "Mitigated"},
        {"resolvedExternal", "Resolved externally"},
        {"confirmed", "Confirmed"},
        {"reported", "Reported"},
        {"unknownFutureValue", "Unknown"},
    };

    if (status == NULL)
        return g_strdup(report_impact_name(REPORT_NO_DATA));
    for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
        if (g_ascii_strcasecmp(status, words[i][0]) == 0)
            return g_strdup(words[i][1]);
    return g_strdup(status);
}

int report_availability(int64_t operational_s, int64_t observed_s)
{
    return observed_s > 0 ? (int)(operational_s * 10000 / observed_s) : -1;
}

char *report_availability_words(int availability)
{
    if (availability < 0)
        return g_strdup("no data");
    if (availability % 10000 == 0)
        return g_strdup_printf("%d %%", availability / 100);
    return g_strdup_printf("%d.%02d %%", availability / 100, availability % 100);
}
