#include "health_services.h"

#include <string.h>

static const struct {
    const char *id, *name, *prefix, *features[HEALTH_FEATURES];
} known[] = {
    {"Exchange", "Exchange Online", "EX", {"Mail flow & delivery", "Calendars"}},
    {"OrgLiveID", "Microsoft Entra", "AZ", {"Sign-in", "Conditional access"}},
    {"OSDPPlatform", "Microsoft 365 suite", "MO", {"Administration", "Licence assignment"}},
    {"SharePoint", "SharePoint Online", "SP", {"Sites & lists", "Search"}},
    {"OneDriveForBusiness", "OneDrive for Business", "OD", {"Sync", "Sharing links"}},
    {"microsoftteams", "Microsoft Teams", "TM", {"Meetings", "Chat & channels"}},
    {"Intune", "Microsoft Intune", "IT", {"Device enrolment", "Policy delivery"}},
    {"cloudappsecurity", "Microsoft Defender for Cloud Apps", "CS", {"Alerts", "Connectors"}},
    {"Microsoft365Defender", "Microsoft Defender XDR", "DZ", {"Incidents queue", "Hunting"}},
    {"O365Client", "Microsoft 365 apps", "OC", {"Activation", "Add-ins"}},
    {"officeonline", "Microsoft 365 for the web", "OO", {"Opening of files", "Co-authoring"}},
    {"PowerBIcom", "Power BI", "PB", {"Refresh of models", "Dashboards"}},
    {"PowerApps", "Power Apps", "PA", {"Apps on phones", "Connections"}},
    {"PowerAppsM365", "Power Apps in Microsoft 365", "PM", {"Forms of lists", "Connections"}},
    {"MicrosoftFlow", "Microsoft Power Automate", "MF", {"Triggers", "Approvals"}},
    {"MicrosoftFlowM365", "Power Automate in Microsoft 365", "FM", {"Triggers", "Templates"}},
    {"DynamicsCRM", "Dynamics 365 Apps", "CR", {"Customer pages", "Workflows"}},
    {"DynamicsAX", "Finance and Operations Apps", "AX", {"Ledgers", "Batch jobs"}},
    {"Planner", "Planner", "PL", {"Boards", "Notices of tasks"}},
    {"ProjectForTheWeb", "Project for the web", "PW", {"Roadmaps", "Exports"}},
    {"Forms", "Microsoft Forms", "FO", {"Responses", "Sharing of forms"}},
    {"Bookings", "Microsoft Bookings", "BK", {"Booking pages", "Reminders"}},
    {"yammer", "Viva Engage", "YA", {"Feeds", "Live events"}},
    {"VivaInsights", "Microsoft Viva", "VI", {"Briefing mail", "Analyst’s queries"}},
    {"StreamOnSharePoint", "Microsoft Stream", "ST", {"Playback", "Transcripts"}},
    {"SwayEnterprise", "Sway", "SW", {"Pages", "Embedding"}},
    {"RMS", "Rights Management Service", "RM", {"Protected mail", "Key retrieval"}},
    {"Purview", "Microsoft Purview", "PV", {"Audit search", "Retention"}},
    {"MobileDeviceManagement", "Mobile Device Management for Office 365", "MM", {"Enrolment", "Remote wipe"}},
    {"Lync", "Skype for Business", "LY", {"Presence", "Dial-in"}},
    {"Windows365", "Windows 365", "WC", {"Provisioning", "Connection to cloud PCs"}},
    {"UniversalPrint", "Universal Print", "UP", {"Print jobs", "Connectors"}},
};

static void service_free(gpointer data)
{
    struct health_service *s = data;

    g_free(s->id);
    g_free(s->name);
    g_free(s);
}

static struct health_service *service_new(int64_t number)
{
    struct health_service *s = g_new0(struct health_service, 1);
    gsize row = (gsize)number % G_N_ELEMENTS(known);

    memcpy(s->features, known[row].features, sizeof(s->features));
    if ((gsize)number < G_N_ELEMENTS(known)) {
        s->id = g_strdup(known[row].id);
        s->name = g_strdup(known[row].name);
        memcpy(s->prefix, known[row].prefix, 2);
    } else {
        s->id = g_strdup_printf("Workload%d", (int)number + 1);
        s->name = g_strdup_printf("Workload %d", (int)number + 1);
        memcpy(s->prefix, "WL", 2);
    }
    return s;
}

GPtrArray *health_services_new(int64_t count)
{
    GPtrArray *services = g_ptr_array_new_with_free_func(service_free);

    for (int64_t k = 0; k < count; k++)
        g_ptr_array_add(services, service_new(k));
    return services;
}

int64_t health_services_find(const GPtrArray *services, const char *id)
{
    for (guint k = 0; k < services->len; k++)
        if (g_ascii_strcasecmp(((const struct health_service *)g_ptr_array_index(services, k))->id, id) == 0)
            return k;
    return -1;
}
