/* Figures made by hand, for charts of them: every service is operational until something is painted over it. */
#ifndef CHART_FIXTURE_H
#define CHART_FIXTURE_H

#include <string.h>

#include "report/chart.h"

struct fixture {
    struct report_window *window, *history;
    struct report_figures figures;
};

static inline void fixture_free_service(void *data)
{
    struct report_service *service = data;

    for (guint i = 0; i < service->stretches->len; i++)
        g_free(g_array_index(service->stretches, struct report_stretch, i).status);
    g_array_unref(service->stretches);
    g_array_unref(service->days);
    g_free(service->overall_status);
    g_free(service->id);
    g_free(service->name);
    g_free(service);
}

/* The days from `first` to `last`, and the `days` before the last one's end as history; now is the end. */
static inline struct fixture *fixture_new(const char *zone, const char *first, const char *last, int days)
{
    struct fixture *fixture = g_new0(struct fixture, 1);
    struct report_figures *figures = &fixture->figures;
    GError *error = NULL;

    fixture->window = report_window_of_dates(zone, INT64_C(4102444800), first, last, &error);
    if (fixture->window == NULL)
        g_error("%s", error->message);
    fixture->history = report_window_history(fixture->window, days);
    figures->customer = (char *)"contoso";
    figures->window = fixture->window;
    figures->history = fixture->history;
    figures->now = fixture->window->to;
    figures->services = g_ptr_array_new_with_free_func(fixture_free_service);
    figures->gaps = g_array_new(FALSE, FALSE, sizeof(struct report_gap));
    return fixture;
}

static inline void fixture_free(struct fixture *fixture)
{
    g_ptr_array_unref(fixture->figures.services);
    g_array_unref(fixture->figures.gaps);
    report_window_free(fixture->window);
    report_window_free(fixture->history);
    g_free(fixture);
}

/* Neighbours of one status are one stretch, as in real figures. */
static inline void fixture_append(GArray *stretches, int64_t from, int64_t to, const char *status, int priority)
{
    struct report_stretch *last = NULL;
    struct report_stretch stretch = {
        .from = from,
        .to = to,
        .known = true,
        .priority = status != NULL ? priority : -1,
        .impact = status != NULL ? report_impact_of(priority) : REPORT_NO_DATA,
    };

    if (from >= to)
        return;
    if (stretches->len > 0)
        last = &g_array_index(stretches, struct report_stretch, stretches->len - 1);
    if (last != NULL && g_strcmp0(last->status, status) == 0) {
        last->to = to;
        return;
    }
    stretch.status = g_strdup(status);
    g_array_append_val(stretches, stretch);
}

/* A status (NULL: no data) from `from` to `to`, whatever was there. */
static inline void fixture_paint(struct report_service *service, int64_t from, int64_t to, const char *status,
                                 int priority)
{
    GArray *old = service->stretches;
    bool painted = false;

    service->stretches = g_array_new(FALSE, FALSE, sizeof(struct report_stretch));
    for (guint i = 0; i < old->len; i++) {
        struct report_stretch *stretch = &g_array_index(old, struct report_stretch, i);
        fixture_append(service->stretches, stretch->from, MIN(stretch->to, from), stretch->status, stretch->priority);
        if (stretch->to > from && !painted) {
            fixture_append(service->stretches, from, to, status, priority);
            painted = true;
        }
        fixture_append(service->stretches, MAX(stretch->from, to), stretch->to, stretch->status, stretch->priority);
        g_free(stretch->status);
    }
    g_array_unref(old);
}

/* What just one scan saw, inside time without data. */
static inline void fixture_sighting(struct report_service *service, int64_t at, const char *status, int priority)
{
    for (guint i = 0; i < service->stretches->len; i++) {
        struct report_stretch *gap = &g_array_index(service->stretches, struct report_stretch, i), parts[2];
        if (gap->status != NULL || at < gap->from || at > gap->to)
            continue;
        parts[0] = (struct report_stretch){.from = at,
                                           .to = at,
                                           .known = true,
                                           .priority = priority,
                                           .impact = report_impact_of(priority),
                                           .status = g_strdup(status),
                                           .scans = 1};
        parts[1] = *gap;
        gap->to = parts[1].from = at;
        g_array_insert_vals(service->stretches, i + 1, parts, at < parts[1].to ? 2 : 1);
        return;
    }
    g_error("No time without data at %" G_GINT64_FORMAT, at);
}

static inline struct report_service *fixture_service(struct fixture *fixture, const char *id, const char *name)
{
    struct report_service *service = g_new0(struct report_service, 1);
    g_autoptr(GArray) days = report_window_days(fixture->history);

    service->id = g_strdup(id);
    service->name = g_strdup(name);
    service->stretches = g_array_new(FALSE, FALSE, sizeof(struct report_stretch));
    fixture_append(service->stretches, fixture->window->from, fixture->window->to, "serviceOperational", 10);
    service->days = g_array_new(FALSE, FALSE, sizeof(struct report_day));
    for (guint i = 0; i + 1 < days->len; i++) {
        struct report_day day = {g_array_index(days, int64_t, i), g_array_index(days, int64_t, i + 1),
                                 REPORT_OPERATIONAL, 0};
        day.observed_s = day.to - day.from;
        g_array_append_val(service->days, day);
    }
    g_ptr_array_add(fixture->figures.services, service);
    return service;
}

/* The same, by minutes of the window's time from its beginning. */
static inline void fixture_paint_minutes(const struct fixture *fixture, struct report_service *service, int from,
                                         int to, const char *status, int priority)
{
    int64_t begin = fixture->window->from;

    fixture_paint(service, begin + (int64_t)from * 60, begin + (int64_t)to * 60, status, priority);
}

/* A day of the history; `part`: how much of it was observed. */
static inline void fixture_day(struct report_service *service, guint i, enum report_impact worst, double part)
{
    struct report_day *day = &g_array_index(service->days, struct report_day, i);

    day->worst = worst;
    day->observed_s = worst == REPORT_NO_DATA ? 0 : (int64_t)((double)(day->to - day->from) * part);
}

/* Makes it `now`: what comes after it is no data. To be called when all is painted. */
static inline void fixture_now(struct fixture *fixture, int64_t now)
{
    fixture->figures.now = now;
    for (guint i = 0; i < fixture->figures.services->len; i++) {
        struct report_service *service = g_ptr_array_index(fixture->figures.services, i);
        fixture_paint(service, now, fixture->window->to, NULL, 0);
        for (guint k = 0; k < service->days->len; k++) {
            struct report_day *day = &g_array_index(service->days, struct report_day, k);
            day->observed_s = CLAMP(now - day->from, 0, day->observed_s);
            if (day->from >= now)
                day->worst = REPORT_NO_DATA;
        }
    }
}

/* Sums up what was painted. */
static inline const struct report_figures *fixture_figures(struct fixture *fixture)
{
    for (guint i = 0; i < fixture->figures.services->len; i++) {
        struct report_service *service = g_ptr_array_index(fixture->figures.services, i);
        service->observed_s = service->operational_s = 0;
        service->overall = REPORT_NO_DATA;
        service->overall_priority = -1;
        g_clear_pointer(&service->overall_status, g_free);
        service->window_s = MIN(fixture->window->to, fixture->figures.now) - fixture->window->from;
        for (guint k = 0; k < service->stretches->len; k++) {
            const struct report_stretch *stretch = &g_array_index(service->stretches, struct report_stretch, k);
            int64_t seconds = stretch->to - stretch->from;
            service->observed_s += stretch->status != NULL ? seconds : 0;
            service->operational_s += stretch->impact == REPORT_OPERATIONAL ? seconds : 0;
            if (stretch->impact <= service->overall)
                continue;
            service->overall = stretch->impact;
            service->overall_priority = stretch->priority;
            g_free(service->overall_status);
            service->overall_status = g_strdup(stretch->status);
        }
    }
    return &fixture->figures;
}

#endif
