/* view_private - how the view is put together, part by part. reports/README.md says what is in it.
 *
 * Private to the room. */
#ifndef M365KEEP_REPORT_VIEW_PRIVATE_H
#define M365KEEP_REPORT_VIEW_PRIVATE_H

#include "report/view.h"

/* How much is told, so that the mail stays below the size above which Gmail cuts it off. */
struct view_limits {
    size_t post_chars;         /* of an issue's last post; 0: posts are left out */
    guint occurrences, issues; /* of a service */
    guint other_issues, announcements;
    size_t alt_chars; /* of a chart's words */
};

struct view {
    const struct report_figures *figures;
    const GPtrArray *charts; /* struct report_chart * */
    const struct report_look *look;
    const struct view_limits *limits;
    GString *out; /* the JSON so far */
};

/* --- JSON: members of the object, or elements (key NULL) of the array, that is open in `out`
 * --------------------------
 */

void view_open(GString *out, const char *key, char bracket);
void view_close(GString *out, char bracket);
void view_add_text(GString *out, const char *key, const char *text); /* NULL: nothing is added */
void view_take_text(GString *out, const char *key, char *text);      /* the same; `text` is taken */
void view_add_number(GString *out, const char *key, int64_t number);
void view_add_flag(GString *out, const char *key, bool flag);

/* --- parts, each as members of the object that is open ---------------------------------------------------------------
 */

void view_add_window(struct view *view);
void view_add_verdict(struct view *view);
void view_add_services(struct view *view); /* the table of all */
void view_add_charts(struct view *view);   /* those of all services */
void view_add_history(struct view *view);  /* in words */
void view_add_blocks(struct view *view);   /* the services that have something to tell */
void view_add_other_issues(struct view *view);
void view_add_announcements(struct view *view);
void view_add_signature(struct view *view, const char *signature); /* HTML; NULL: none */

/* The chart of a service (by its id), NULL when there is none. */
const struct report_chart *view_chart_of(const struct view *view, const char *service);

/* "issues": up to `max` of them, with the last posts; and "issues_more", a sentence on the others. */
void view_add_issues(struct view *view, const GPtrArray *issues, guint max);

/* "impact", "mark", "color", "accent", "ink": the name of an impact, a sign that tells it apart in black and white, its
 * colour in the charts, the same strong enough for a line, and the colour of text upon the first. */
void view_add_impact(GString *out, enum report_impact impact);

/* --- words. Returned: g_free ----------------------------------------------------------------------------------------
 */

enum view_tense {
    VIEW_WAS,       /* "was degraded" */
    VIEW_WAS_STILL, /* "was still degraded" */
    VIEW_IS_STILL,  /* "is still degraded" */
    VIEW_WAS_SEEN,  /* "was seen degraded" */
    VIEW_TENSES     /* their number */
};

/* What a service was, as the predicate of a sentence. Returned: static. */
const char *view_was(enum report_impact impact, enum view_tense tense);

/* A status for people, in one line; "(empty)" where it is. NULL: "No data". */
char *view_status(const char *status);

/* A moment: its clock where the window is one day and the moment in it ("24:00" at its end), else its date too, and
 * the year where the window is not all of that year. */
char *view_time(const struct report_figures *figures, int64_t at);
char *view_span(const struct report_figures *figures, int64_t from, int64_t to); /* "02:10 to 05:20" */

/* One line of a name or a title: line ends are blanks, other control characters and those that turn the direction of
 * writing around are left out. */
char *view_line(const char *text);

/* "1 issue", "3 issues"; "no issues". */
char *view_count(gint64 n, const char *one, const char *many);

/* True when scans did not list the service for longer than they are missing for all. */
bool view_is_partly_seen(const struct report_figures *figures, const struct report_service *service);

/* "24 h", "1 h 5 min", "3 d 2 h": a length of time, the 23 to 25 hours of a day in hours. */
char *view_length(int64_t seconds);

/* The window's end, or now where that is earlier. */
int64_t view_end(const struct report_figures *figures);

/* True when a stretch is one that a reader should know of; or a gap up to now. */
bool view_is_occurrence(const struct report_figures *figures, const struct report_stretch *stretch);

/* Stretches that are not told one by one. */
struct view_rest {
    guint n;
    int64_t length, last_end; /* seconds in all; when the last one ended */
};

/* Up to `max` stretches to tell (struct report_stretch *, borrowed), the worst and longest of the troubles and the
 * longest times without data, in the order of time. Returned: g_ptr_array_unref. */
GPtrArray *view_occurrences(const struct report_figures *figures, const struct report_service *service, guint max,
                            struct view_rest *troubles, struct view_rest *gaps);

/* The longest time of its worst status, where that is trouble, in seconds; 0: a scan saw it, but none followed in time;
 * -1: there is none. */
int64_t view_longest(const struct report_figures *figures, const struct report_service *service);

/* --- plain text -----------------------------------------------------------------------------------------------------
 */

enum { VIEW_TEXT_COLUMNS = 72 };

/* A table: rows are char ** of as many texts as the first, which is the head. Columns but the first are as wide as they
 * need; the first one takes what is left, longer texts are broken into lines. Returned: g_free; ends without a line
 * end. */
char *view_text_table(const GPtrArray *rows);

/* Lines longer than VIEW_TEXT_COLUMNS broken at blanks, continued as they began; without blanks at their ends, and
 * without more than one empty line in a row. Returned: g_free. */
char *view_text_wrap(const char *text);

#endif
