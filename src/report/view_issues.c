/* Issues with their last posts, announcements with their dates, and the signature. */
#include <string.h>

#include "report/html.h"
#include "report/view_private.h"

/* --- issues ---------------------------------------------------------------------------------------------------------
 */

static void append_word(GString *words, const char *word)
{
    g_autofree char *line = word ? view_line(word) : NULL;

    if (line && *line)
        g_string_append_printf(words, "%s%s", words->len > 0 ? " \xc2\xb7 " : "", line);
}

/* "since 22 Nov 2026, 09:10"; NULL: nothing is told of it. */
static char *issue_span(const struct report_window *window, const struct report_issue *issue)
{
    g_autofree char *start = issue->start ? report_time(window, issue->start, REPORT_TIME_MINUTE) : NULL;
    g_autofree char *end = issue->end ? report_time(window, issue->end, REPORT_TIME_MINUTE) : NULL;

    if (!start)
        return NULL;
    if (end)
        return g_strdup_printf("%s to %s", start, end);
    return g_strdup_printf(issue->resolved ? "began %s" : "since %s", start);
}

/* "EX900001 · Incident, open · Service degradation · since 22 Nov 2026, 09:10" */
static char *issue_words(const struct view *view, const struct report_issue *issue, bool with_service)
{
    const struct report_window *window = view->figures->window;
    g_autoptr(GString) words = g_string_new(NULL);
    g_autofree char *status = issue->status ? report_status_words(issue->status) : NULL;
    g_autofree char *since = issue_span(window, issue);
    g_autofree char *kind = g_strdup_printf("%s, %s", issue->classification ? issue->classification : "issue",
                                            issue->resolved ? "resolved" : "open");

    /* "incident" and "Incident" are both on the wire. */
    kind[0] = g_ascii_toupper(kind[0]);
    append_word(words, issue->id);
    if (with_service)
        append_word(words, issue->service);
    append_word(words, kind);
    append_word(words, status);
    append_word(words, since);
    return g_string_free(g_steal_pointer(&words), FALSE);
}

/* What follows `prefix` in a text, white space aside; the text itself where it does not begin so. */
static const char *after(const char *text, const char *prefix)
{
    const char *at = text + strspn(text, " \t\r\n");

    return g_ascii_strncasecmp(at, prefix, strlen(prefix)) == 0 ? at + strlen(prefix) : text;
}

/* The post without "Title: ...", with which most begin, where that says the issue's title again. */
static const char *without_title(const char *content, const char *title)
{
    g_autofree char *line = g_strdup_printf("Title: %s", title);
    const char *begin = after(content, "<p>"), *rest = after(begin, line), *end = rest + strspn(rest, " \t");

    if (rest == begin || !*title || !*end || !strchr("<\r\n", *end))
        return content;
    return end;
}

static void add_post(struct view *view, const struct report_issue *issue)
{
    const struct report_post *post = &issue->last_post;
    size_t max = view->limits->post_chars;
    bool shortened;

    if (!post->content || !*post->content || max == 0)
        return;
    const char *content = without_title(post->content, issue->title);
    g_autofree char *html = html_safe(content, post->html, max, &shortened);
    g_autofree char *text = html_plain(content, post->html, max, NULL);
    if (!*text)
        return;
    view_open(view->out, "post", '{');
    if (post->at)
        view_take_text(view->out, "at", report_time(view->figures->window, post->at, REPORT_TIME_MINUTE));
    view_add_text(view->out, "html", html);
    view_add_text(view->out, "text", text);
    view_add_flag(view->out, "shortened", shortened);
    view_close(view->out, '}');
}

static void add_issue(struct view *view, const struct report_issue *issue, bool with_service)
{
    view_open(view->out, NULL, '{');
    view_add_text(view->out, "id", issue->id);
    view_take_text(view->out, "title", view_line(issue->title));
    view_add_text(view->out, "service", issue->service);
    view_take_text(view->out, "words", issue_words(view, issue, with_service));
    view_add_flag(view->out, "resolved", issue->resolved);
    view_add_text(view->out, "state", issue->resolved ? "resolved" : "open");
    view_add_text(view->out, "impact_description", issue->impact_description);
    add_post(view, issue);
    view_close(view->out, '}');
}

static void add_issues(struct view *view, const char *key, const GPtrArray *issues, guint max, bool with_service)
{
    guint told = MIN(issues->len, max);
    g_autofree char *more = g_strdup_printf("%s_more", key), *any = g_strdup_printf("has_%s", key);

    view_open(view->out, key, '[');
    for (guint i = 0; i < told; i++)
        add_issue(view, g_ptr_array_index(issues, i), with_service);
    view_close(view->out, ']');
    view_add_flag(view->out, any, told > 0);
    if (issues->len > told) {
        g_autofree char *count = view_count(issues->len - told, "more issue", "more issues");
        view_take_text(view->out, more, g_strdup_printf("And %s.", count));
    }
}

void view_add_issues(struct view *view, const GPtrArray *issues, guint max)
{
    add_issues(view, "issues", issues, max, false);
}

void view_add_other_issues(struct view *view)
{
    add_issues(view, "other_issues", view->figures->other_issues, view->limits->other_issues, true);
}

/* --- announcements --------------------------------------------------------------------------------------------------
 */

enum { SOON_DAYS = 14 };

/* Days of the calendar from now to `at`, in the window's zone. */
static int days_until(const struct report_figures *figures, int64_t at)
{
    const int64_t moments[] = {figures->now, at};
    GDate dates[2];

    for (int i = 0; i < 2; i++) {
        g_autofree char *iso = report_time(figures->window, moments[i], REPORT_TIME_ISO);
        g_date_clear(&dates[i], 1);
        g_date_set_dmy(&dates[i], (GDateDay)g_ascii_strtoull(iso + 8, NULL, 10),
                       (GDateMonth)g_ascii_strtoull(iso + 5, NULL, 10), (GDateYear)g_ascii_strtoull(iso, NULL, 10));
    }
    return g_date_days_between(&dates[0], &dates[1]);
}

/* "overdue for 3 days", "today", "in 8 days". */
static char *distance_words(int days)
{
    if (days < 0)
        return g_strdup_printf("overdue for %d %s", -days, days == -1 ? "day" : "days");
    if (days == 0)
        return g_strdup("today");
    return g_strdup_printf("in %d %s", days, days == 1 ? "day" : "days");
}

static void add_action(struct view *view, const struct report_announcement *announcement)
{
    int days = days_until(view->figures, announcement->action_by);

    view_open(view->out, "action", '{');
    view_take_text(view->out, "day", report_time(view->figures->window, announcement->action_by, REPORT_TIME_DAY));
    view_take_text(view->out, "distance", distance_words(days));
    view_add_flag(view->out, "overdue", days < 0);
    view_add_flag(view->out, "soon", days >= 0 && days <= SOON_DAYS);
    view_add_flag(view->out, "later", days > SOON_DAYS);
    view_close(view->out, '}');
}

/* "planForChange" for people. */
static const char *category_words(const char *category)
{
    static const char *const words[][2] = {{"preventOrFixIssue", "Prevent or fix issues"},
                                           {"planForChange", "Plan for change"},
                                           {"stayInformed", "Stay informed"}};

    for (size_t i = 0; category && i < G_N_ELEMENTS(words); i++)
        if (g_ascii_strcasecmp(category, words[i][0]) == 0)
            return words[i][1];
    return category;
}

static char *announcement_words(const struct view *view, const struct report_announcement *announcement)
{
    g_autoptr(GString) words = g_string_new(NULL);
    g_autofree char *services = announcement->services ? g_strjoinv(", ", announcement->services) : NULL;
    g_autofree char *modified = NULL, *changed = NULL;
    bool severe = announcement->severity && g_ascii_strcasecmp(announcement->severity, "normal") != 0;
    g_autofree char *severity = severe ? g_strdup_printf("%s severity", announcement->severity) : NULL;

    if (severity)
        severity[0] = g_ascii_toupper(severity[0]);
    if (announcement->last_modified) {
        modified = report_time(view->figures->window, announcement->last_modified, REPORT_TIME_DAY);
        changed = g_strdup_printf("changed %s", modified);
    }
    append_word(words, announcement->id);
    append_word(words, services);
    append_word(words, category_words(announcement->category));
    append_word(words, announcement->major ? "Major change" : NULL);
    append_word(words, severity);
    append_word(words, announcement->action_by ? NULL : changed);
    return g_string_free(g_steal_pointer(&words), FALSE);
}

static void add_announcement(struct view *view, const struct report_announcement *announcement)
{
    view_open(view->out, NULL, '{');
    view_add_text(view->out, "id", announcement->id);
    view_take_text(view->out, "title", view_line(announcement->title));
    view_add_flag(view->out, "major", announcement->major);
    view_take_text(view->out, "words", announcement_words(view, announcement));
    if (announcement->action_by)
        add_action(view, announcement);
    view_close(view->out, '}');
}

void view_add_announcements(struct view *view)
{
    const GPtrArray *announcements = view->figures->announcements;
    guint told = MIN(announcements->len, view->limits->announcements);

    view_open(view->out, "announcements", '[');
    for (guint i = 0; i < told; i++)
        add_announcement(view, g_ptr_array_index(announcements, i));
    view_close(view->out, ']');
    view_add_flag(view->out, "has_announcements", told > 0);
    if (announcements->len > told) {
        g_autofree char *count = view_count(announcements->len - told, "more announcement", "more announcements");
        view_take_text(view->out, "announcements_more", g_strdup_printf("And %s.", count));
    }
}

/* --- signature ------------------------------------------------------------------------------------------------------
 */

void view_add_signature(struct view *view, const char *signature)
{
    if (!signature)
        return;
    g_autofree char *html = html_safe(signature, true, 0, NULL), *text = html_plain(signature, true, 0, NULL);
    if (!*text)
        return;
    view_open(view->out, "signature", '{');
    view_add_text(view->out, "html", html);
    view_add_text(view->out, "text", text);
    view_close(view->out, '}');
}
