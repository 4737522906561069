/* Figures made by hand, for mails of them: those for charts, with issues, announcements and gaps. */
#ifndef VIEW_FIXTURE_H
#define VIEW_FIXTURE_H

#include "chart_fixture.h"
#include "report/view.h"

struct scene {
    struct fixture *fixture;
    GPtrArray *charts;
};

static inline void scene_free_issue(void *data)
{
    struct report_issue *issue = data;

    g_free(issue->id);
    g_free(issue->title);
    g_free(issue->service);
    g_free(issue->classification);
    g_free(issue->status);
    g_free(issue->last_post.content);
    g_free(issue);
}

static inline void scene_free_announcement(void *data)
{
    struct report_announcement *announcement = data;

    g_free(announcement->id);
    g_free(announcement->title);
    g_free(announcement->category);
    g_strfreev(announcement->services);
    g_free(announcement);
}

static inline struct scene *scene_new(const char *zone, const char *first, const char *last)
{
    struct scene *scene = g_new0(struct scene, 1);
    struct report_figures *figures;

    scene->fixture = fixture_new(zone, first, last, 90);
    scene->charts = g_ptr_array_new_with_free_func((GDestroyNotify)report_chart_free);
    figures = &scene->fixture->figures;
    figures->customer = g_strdup("Contoso");
    figures->now = scene->fixture->window->to + 6 * 3600;
    figures->announcements = g_ptr_array_new_with_free_func(scene_free_announcement);
    figures->other_issues = g_ptr_array_new_with_free_func(scene_free_issue);
    figures->scans_good = 96;
    figures->window_s = figures->observed_s = scene->fixture->window->to - scene->fixture->window->from;
    return scene;
}

static inline void scene_free(struct scene *scene)
{
    struct report_figures *figures = &scene->fixture->figures;

    for (guint i = 0; i < figures->services->len; i++)
        g_ptr_array_unref(((struct report_service *)g_ptr_array_index(figures->services, i))->issues);
    g_free(figures->customer);
    g_free(figures->last_scan_error);
    g_ptr_array_unref(figures->announcements);
    g_ptr_array_unref(figures->other_issues);
    g_ptr_array_unref(scene->charts);
    fixture_free(scene->fixture);
    g_free(scene);
}

static inline void scene_name(struct scene *scene, const char *customer)
{
    g_free(scene->fixture->figures.customer);
    scene->fixture->figures.customer = g_strdup(customer);
}

static inline struct report_service *scene_service(struct scene *scene, const char *id, const char *name)
{
    struct report_service *service = fixture_service(scene->fixture, id, name);

    service->issues = g_ptr_array_new_with_free_func(scene_free_issue);
    return service;
}

/* The first `n` of forty services. */
static inline void scene_services(struct scene *scene, guint n)
{
    static const char *const names[] = {"Exchange Online",
                                        "Microsoft Teams",
                                        "SharePoint Online",
                                        "Microsoft Entra",
                                        "Microsoft Intune",
                                        "OneDrive for Business",
                                        "Microsoft 365 suite",
                                        "Power BI",
                                        "Microsoft Defender XDR",
                                        "Planner",
                                        "Microsoft 365 apps",
                                        "Microsoft 365 for the web",
                                        "Microsoft Bookings",
                                        "Microsoft Forms",
                                        "Microsoft Viva",
                                        "Power Apps",
                                        "Power Apps in Microsoft 365",
                                        "Microsoft Power Automate",
                                        "Microsoft Copilot (Microsoft 365)",
                                        "Microsoft Purview",
                                        "Mobile Device Management for Office 365",
                                        "Microsoft Stream",
                                        "Sway",
                                        "Universal Print",
                                        "Project for the web",
                                        "Dynamics 365 Apps",
                                        "Finance and Operations Apps",
                                        "Microsoft Clipchamp",
                                        "Microsoft To Do",
                                        "Exchange Online Protection",
                                        "Identity Service",
                                        "Microsoft StaffHub",
                                        "Azure Information Protection",
                                        "Microsoft Dataverse",
                                        "Cloud App Security",
                                        "Basic Mobility and Security",
                                        "Microsoft Managed Desktop",
                                        "Windows Autopatch",
                                        "Windows 365 Enterprise",
                                        "Microsoft Whiteboard"};

    for (guint i = 0; i < n; i++) {
        g_autofree char *id = g_strdup_printf("service-%u", i);
        scene_service(scene, id, names[i % G_N_ELEMENTS(names)]);
    }
}

static inline struct report_service *scene_at(const struct scene *scene, guint i)
{
    return g_ptr_array_index(scene->fixture->figures.services, i);
}

static inline void scene_paint(struct scene *scene, guint service, int from_min, int to_min, const char *status,
                               int priority)
{
    fixture_paint_minutes(scene->fixture, scene_at(scene, service), from_min, to_min, status, priority);
}

/* Every service is unseen, and all scans are missing. */
static inline void scene_gap(struct scene *scene, int from_min, int to_min)
{
    int64_t begin = scene->fixture->window->from;
    const struct report_gap gap = {begin + 60 * (int64_t)from_min, begin + 60 * (int64_t)to_min};

    for (guint i = 0; i < scene->fixture->figures.services->len; i++)
        scene_paint(scene, i, from_min, to_min, NULL, -1);
    g_array_append_val(scene->fixture->figures.gaps, gap);
    scene->fixture->figures.observed_s -= gap.to - gap.from;
}

/* Of the service `service`, or with -1 of one that is not shown. Returned: borrowed. */
static inline struct report_issue *scene_issue(struct scene *scene, int service, const char *id, const char *title,
                                               const char *post)
{
    struct report_issue *issue = g_new0(struct report_issue, 1);
    int64_t begin = scene->fixture->window->from;

    *issue = (struct report_issue){.id = g_strdup(id),
                                   .title = g_strdup(title),
                                   .service = g_strdup(service < 0 ? "Yammer" : scene_at(scene, (guint)service)->name),
                                   .classification = g_strdup("incident"),
                                   .status = g_strdup("serviceDegradation"),
                                   .start = begin + 9 * 3600,
                                   .last_post = {begin + 14 * 3600 + 20 * 60, g_strdup(post), true}};
    g_ptr_array_add(service < 0 ? scene->fixture->figures.other_issues : scene_at(scene, (guint)service)->issues,
                    issue);
    return issue;
}

/* `days`: from now until the date of action; 1000: it has none. */
static inline void scene_announcement(struct scene *scene, const char *id, const char *title, int days)
{
    struct report_announcement *announcement = g_new0(struct report_announcement, 1);

    *announcement = (struct report_announcement){
        .id = g_strdup(id),
        .title = g_strdup(title),
        .category = g_strdup("planForChange"),
        .severity = (char *)"high",
        .services = g_strsplit("Exchange Online,Microsoft Teams", ",", -1),
        .major = days < 0,
        .action_by = days == 1000 ? 0 : scene->fixture->figures.now + 86400 * (int64_t)days,
        .last_modified = scene->fixture->window->from + 3600,
    };
    g_ptr_array_add(scene->fixture->figures.announcements, announcement);
}

static inline gint scene_compare(gconstpointer a, gconstpointer b)
{
    const struct report_service *one = *(struct report_service *const *)a, *other = *(struct report_service *const *)b;

    if (one->overall != other->overall)
        return one->overall > other->overall ? -1 : 1;
    return g_strcmp0(one->name, other->name);
}

/* Sums up; the history's last day is the window's. */
static inline const struct report_figures *scene_figures(struct scene *scene)
{
    const struct report_figures *figures = fixture_figures(scene->fixture);

    g_ptr_array_sort(figures->services, scene_compare);
    for (guint i = 0; i < figures->services->len; i++) {
        struct report_service *service = scene_at(scene, i);
        fixture_day(service, service->days->len - 1, service->overall, 1);
        for (guint k = 0; k < service->stretches->len; k++)
            g_array_index(service->stretches, struct report_stretch, k).scans = 3 + k;
    }
    return figures;
}

/* All pictures of the mail, as a report makes them. */
static inline void scene_draw(struct scene *scene)
{
    const struct report_figures *figures = &scene->fixture->figures;

    g_ptr_array_add(scene->charts, report_chart_overview(figures, NULL));
    g_ptr_array_add(scene->charts, report_chart_history(figures, NULL));
    for (guint i = 0; i < figures->services->len; i++)
        if (report_words_tells(figures, scene_at(scene, i)))
            g_ptr_array_add(scene->charts, report_chart_service(figures, scene_at(scene, i), NULL));
}

/* Pictures of nothing in their places, as drawing so many takes time. */
static inline void scene_hang(struct scene *scene)
{
    const struct report_figures *figures = &scene->fixture->figures;

    for (guint i = 0; i < 2 + figures->services->len; i++) {
        struct report_chart *chart = g_new0(struct report_chart, 1);
        if (i >= 2 && !report_words_tells(figures, scene_at(scene, i - 2))) {
            g_free(chart);
            continue;
        }
        chart->name = g_strdup_printf("chart-%u.png", i);
        chart->png = g_bytes_new_static("", 0);
        chart->width = REPORT_CHART_WIDTH;
        chart->height = 176;
        chart->alt = g_strnfill(300, 'x');
        chart->service = i >= 2 ? g_strdup(scene_at(scene, i - 2)->id) : NULL;
        g_ptr_array_add(scene->charts, chart);
    }
}

/* A post as Microsoft writes them, of its own words. */
#define SCENE_POST                                                                                                     \
    "<p>Title: Mail to other organisations is late<br><br>User impact: Mail that leaves the organisation may arrive "  \
    "up to an hour late.<br><br>More info: Mail between people of the organisation is not concerned. The following "   \
    "do not help:<br></p><ul><li>sending again</li><li>another program</li></ul><p>Current status: A queue on "        \
    "several transport servers is longer than it should be. We are <b>moving mail to others</b> and watch the "        \
    "queues get shorter; the <A href=\"https://status.example.org/EX900001?x=1&amp;y=2\">dashboard</A> has the "       \
    "numbers.<br><br>Scope: Anyone who writes to other organisations.</p><table><tr><th>Region</th><th>Late by</th>"   \
    "</tr><tr><td>Europe</td><td>20 min</td></tr><tr><td>Asia</td><td>5 min</td></tr></table><p>Next update by: "      \
    "Sunday, November 22, 2026, at 6:00 PM UTC</p>"

#endif
