#include "report/picture.h"

#include <string.h>

static const char blanks[] = " \t\n\f\r";

/* One pass over the HTML. */
struct scan {
    const GPtrArray *charts;
    picture_address address;
    const void *user;
    GPtrArray *shown;
    GString *out;
    const char *copied; /* the input up to here is in `out` */
};

/* The chart that a value such as "cid:exchange.png" names, or NULL. */
static const struct report_chart *chart_of(const GPtrArray *charts, const char *value, size_t length)
{
    static const char scheme[] = "cid:";
    size_t skipped = strlen(scheme);

    if (length < skipped || g_ascii_strncasecmp(value, scheme, skipped) != 0)
        return NULL;
    for (guint i = 0; charts != NULL && i < charts->len; i++) {
        const struct report_chart *chart = g_ptr_array_index(charts, i);
        if (strlen(chart->name) == length - skipped && memcmp(chart->name, value + skipped, length - skipped) == 0)
            return chart;
    }
    return NULL;
}

static void take_value(struct scan *scan, const char *value, size_t length, bool quoted)
{
    const struct report_chart *chart = chart_of(scan->charts, value, length);

    if (chart == NULL)
        return;
    g_autofree char *address = scan->address(chart, scan->user);
    g_string_append_len(scan->out, scan->copied, value - scan->copied);
    g_string_append_printf(scan->out, quoted ? "%s" : "\"%s\"", address);
    scan->copied = value + length;
    if (scan->shown != NULL && !g_ptr_array_find(scan->shown, chart, NULL))
        g_ptr_array_add(scan->shown, (gpointer)chart);
}

static bool shows_picture(const char *name, size_t length)
{
    static const char *const names[] = {"src", "background"};

    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        if (strlen(names[i]) == length && g_ascii_strncasecmp(name, names[i], length) == 0)
            return true;
    return false;
}

/* An attribute at `p`; what comes after it. */
static const char *scan_attribute(struct scan *scan, const char *p)
{
    const char *name = p;
    size_t name_length = strcspn(p, " \t\n\f\r/>=");

    p += name_length;
    p += strspn(p, blanks);
    if (*p != '=')
        return p;
    p++;
    p += strspn(p, blanks);
    bool quoted = *p == '"' || *p == '\'';
    const char *value = quoted ? p + 1 : p;
    size_t length = quoted ? strcspn(value, *p == '"' ? "\"" : "'") : strcspn(value, " \t\n\f\r>");
    if (shows_picture(name, name_length))
        take_value(scan, value, length, quoted);
    p = value + length;
    return quoted && *p != '\0' ? p + 1 : p;
}

/* The attributes of the tag whose name begins at `p`; what comes after them. */
static const char *scan_tag(struct scan *scan, const char *p)
{
    p += strcspn(p, " \t\n\f\r/>");
    for (;;) {
        p += strspn(p, " \t\n\f\r/");
        if (*p == '\0' || *p == '>')
            return p;
        p = *p == '=' ? p + 1 : scan_attribute(scan, p);
    }
}

char *picture_replace(const char *html, const GPtrArray *charts, picture_address address, const void *user,
                      GPtrArray *shown)
{
    struct scan scan = {charts, address, user, shown, g_string_sized_new(strlen(html)), html};

    /* Comments are looked into as well: Outlook's conditional ones hold tags that count. */
    for (const char *p = strchr(html, '<'); p != NULL; p = strchr(p, '<'))
        p = g_ascii_isalpha(p[1]) ? scan_tag(&scan, p + 1) : p + 1;
    g_string_append(scan.out, scan.copied);
    return g_string_free(scan.out, FALSE);
}
