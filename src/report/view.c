#include "report/view.h"

#include <errno.h>
#include <string.h>

#include "base/base.h"
#include "config.h"
#include "report/report.h"
#include "report/template.h"
#include "report/view_private.h"

extern const char report_html_template[], report_text_template[]; /* made of reports/ */

enum {
    HTML_BYTES_MAX = 92000, /* Gmail cuts a mail off at 102 KB, and others add to it on the way */
    FILE_BYTES_MAX = 1 << 20,
};

/* From all that is worth reading to what is still a report; the first one that fits is taken, else the last. */
static const struct view_limits all_limits[] = {
    {.post_chars = 1200, .occurrences = 12, .issues = 8, .other_issues = 8, .announcements = 15, .alt_chars = 400},
    {.post_chars = 600, .occurrences = 8, .issues = 5, .other_issues = 6, .announcements = 15, .alt_chars = 300},
    {.post_chars = 300, .occurrences = 6, .issues = 4, .other_issues = 5, .announcements = 12, .alt_chars = 200},
    {.post_chars = 0, .occurrences = 5, .issues = 3, .other_issues = 5, .announcements = 10, .alt_chars = 150},
    {.post_chars = 0, .occurrences = 2, .issues = 2, .other_issues = 3, .announcements = 5, .alt_chars = 100},
    {.post_chars = 0, .occurrences = 0, .issues = 1, .other_issues = 1, .announcements = 3, .alt_chars = 60},
};

/* --- files of the user ----------------------------------------------------------------------------------------------
 */

/* The text of a file: UTF-8, at most FILE_BYTES_MAX. Returned: g_free; NULL with *error. */
static char *read_file(const char *path, const char *what, GError **error)
{
    size_t length = 0;
    g_autofree char *text = file_read(path, FILE_BYTES_MAX, &length);

    if (!text) {
        int reason = errno;
        if (reason == EFBIG)
            g_set_error(error, REPORT_ERROR, REPORT_ERROR_FILE, "The %s %s has more than %d bytes.", what, path,
                        FILE_BYTES_MAX);
        else
            g_set_error(error, REPORT_ERROR, REPORT_ERROR_FILE, "The %s %s cannot be read: %s.", what, path,
                        g_strerror(reason));
        return NULL;
    }
    if (!g_utf8_validate_len(text, length, NULL)) {
        g_set_error(error, REPORT_ERROR, REPORT_ERROR_FILE, "The %s %s is not UTF-8 text. Save it as UTF-8.", what,
                    path);
        return NULL;
    }
    return g_steal_pointer(&text);
}

/* A template: the user's, or ours where the folder has none. */
struct source {
    char *name; /* for messages */
    char *text; /* NULL: `built_in` */
    const char *built_in;
    enum template_escape escape;
};

static bool find_source(struct source *source, const char *folder, GError **error)
{
    g_autofree char *path = folder ? g_build_filename(folder, source->name, NULL) : NULL;

    if (path && !g_file_test(folder, G_FILE_TEST_IS_DIR)) {
        g_set_error(error, REPORT_ERROR, REPORT_ERROR_FILE,
                    "The folder of templates %s (report.templates) is not there, or is no folder.", folder);
        return false;
    }
    if (!path || !g_file_test(path, G_FILE_TEST_EXISTS))
        return true;
    source->text = read_file(path, "template", error);
    g_free(source->name);
    source->name = g_steal_pointer(&path);
    return source->text != NULL;
}

static void source_clear(struct source *source)
{
    g_free(source->name);
    g_free(source->text);
}

/* --- the subject ----------------------------------------------------------------------------------------------------
 */

/* Each placeholder is filled in once: what a customer is called is no pattern. Of one day there is no "from ... to". */
static char *subject(const struct report_figures *figures, const char *pattern)
{
    const char *first = figures->window->first_day, *last = figures->window->last_day;
    const struct {
        const char *name, *value;
    } fields[] = {{g_str_equal(first, last) ? "{from} to {to}" : "{from}", first},
                  {"{from}", first},
                  {"{to}", last},
                  {"{customer}", figures->customer}};
    g_autoptr(GString) out = g_string_new(NULL);

    for (const char *at = pattern; *at;) {
        size_t i = 0;
        while (i < G_N_ELEMENTS(fields) && !g_str_has_prefix(at, fields[i].name))
            i++;
        if (i < G_N_ELEMENTS(fields)) {
            g_string_append(out, fields[i].value);
            at += strlen(fields[i].name);
        } else {
            g_string_append_c(out, *at++);
        }
    }
    return view_line(out->str);
}

/* --- the view -------------------------------------------------------------------------------------------------------
 */

static void add_scans(struct view *view)
{
    const struct report_figures *figures = view->figures;
    g_autofree char *good = view_count(figures->scans_good, "scan", "scans");
    good[0] = g_ascii_toupper(good[0]);
    g_autofree char *failed = view_count(figures->scans_failed, "failed", "failed");

    view_open(view->out, "scans", '{');
    view_add_number(view->out, "good", figures->scans_good);
    view_add_number(view->out, "failed", figures->scans_failed);
    if (figures->scans_failed > 0)
        view_take_text(view->out, "words", g_strdup_printf("%s succeeded, %s", good, failed));
    else
        view_take_text(view->out, "words", g_strdup_printf("%s succeeded", good));
    view_add_text(view->out, "last_error", figures->last_scan_error);
    view_close(view->out, '}');
}

/* Returned: g_free. */
static char *view_new(const struct report_figures *figures, const GPtrArray *charts, const struct report_look *look,
                      const struct view_limits *limits, const char *signature)
{
    struct view view = {
        .figures = figures, .charts = charts, .look = look, .limits = limits, .out = g_string_new(NULL)};

    view_open(view.out, NULL, '{');
    view_take_text(view.out, "subject", subject(figures, look->subject));
    view_take_text(view.out, "customer", view_line(figures->customer));
    view_add_text(view.out, "tenant_id", figures->tenant_id);
    view_add_window(&view);
    view_add_verdict(&view);
    view_add_services(&view);
    view_add_charts(&view);
    view_add_history(&view);
    view_add_blocks(&view);
    view_add_other_issues(&view);
    view_add_flag(view.out, "posts_left_out", limits->post_chars == 0);
    view_add_announcements(&view);
    add_scans(&view);
    view_add_signature(&view, signature);
    view_add_text(view.out, "version", M365KEEP_VERSION);
    view_close(view.out, '}');
    return g_string_free(view.out, FALSE);
}

static bool read_signature(const struct report_look *look, char **signature, GError **error)
{
    *signature = look->signature ? read_file(look->signature, "signature", error) : NULL;
    return *signature || !look->signature;
}

char *report_view(const struct report_figures *figures, const GPtrArray *charts, const struct report_look *look,
                  GError **error)
{
    g_autofree char *signature = NULL;

    if (!read_signature(look, &signature, error))
        return NULL;
    return view_new(figures, charts, look, &all_limits[0], signature);
}

/* --- the words ------------------------------------------------------------------------------------------------------
 */

struct sources {
    struct source html, text;
    char *signature; /* HTML; NULL */
};

static bool find_sources(struct sources *sources, const struct report_look *look, GError **error)
{
    sources->html = (struct source){
        .name = g_strdup("report.html.mustache"), .built_in = report_html_template, .escape = TEMPLATE_HTML};
    sources->text = (struct source){
        .name = g_strdup("report.txt.mustache"), .built_in = report_text_template, .escape = TEMPLATE_TEXT};
    return read_signature(look, &sources->signature, error) && find_source(&sources->html, look->templates, error) &&
           find_source(&sources->text, look->templates, error);
}

static void sources_clear(struct sources *sources)
{
    source_clear(&sources->html);
    source_clear(&sources->text);
    g_free(sources->signature);
}

static char *fill(const struct source *source, const struct json_node *view, GError **error)
{
    g_autofree char *out =
        template_fill(source->name, source->text ? source->text : source->built_in, view, source->escape, error);

    if (out && !out[strspn(out, " \t\r\n")]) {
        g_set_error(error, REPORT_ERROR, REPORT_ERROR_TEMPLATE,
                    "The template %s is empty, or what comes out of it is: the mail would say nothing. Fill it, or "
                    "remove the file, and the built-in one is taken.",
                    source->name);
        return NULL;
    }
    return g_steal_pointer(&out);
}

/* Both texts anew; false with *error. */
static bool fill_words(struct report_words *words, const struct sources *sources, const char *json, GError **error)
{
    g_autoptr(JsonTree) tree = json_tree_new();
    const struct json_node *view = json_tree_parse(tree, json, strlen(json), error);
    g_autofree char *html = view ? fill(&sources->html, view, error) : NULL;
    g_autofree char *text = html ? fill(&sources->text, view, error) : NULL;

    if (!text)
        return false;
    g_free(words->html);
    g_free(words->text);
    words->html = g_steal_pointer(&html);
    words->text = view_text_wrap(text);
    return true;
}

struct report_words *report_words_new(const struct report_figures *figures, const GPtrArray *charts,
                                      const struct report_look *look, GError **error)
{
    struct report_words *words = g_new0(struct report_words, 1);
    struct sources sources = {0};
    bool fine = find_sources(&sources, look, error), fits = false;

    words->subject = subject(figures, look->subject);
    for (size_t i = 0; fine && !fits && i < G_N_ELEMENTS(all_limits); i++) {
        g_autofree char *json = view_new(figures, charts, look, &all_limits[i], sources.signature);
        fine = fill_words(words, &sources, json, error);
        fits = fine && strlen(words->html) <= HTML_BYTES_MAX;
    }
    sources_clear(&sources);
    if (!fine)
        g_clear_pointer(&words, report_words_free);
    return words;
}

void report_words_free(struct report_words *words)
{
    if (!words)
        return;
    g_free(words->subject);
    g_free(words->html);
    g_free(words->text);
    g_free(words);
}
