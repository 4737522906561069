#include "loaded.h"

#include <string.h>

#include "ticks.h"

struct loaded {
    enum source source;
    GPtrArray *records;
    int64_t next_serial;
};

static void record_free(gpointer data)
{
    struct loaded_record *r = data;

    g_bytes_unref(r->bytes);
    g_free(r->id);
    g_free(r);
}

struct loaded *loaded_new(enum source source)
{
    struct loaded *l = g_new0(struct loaded, 1);

    l->source = source;
    l->records = g_ptr_array_new_with_free_func(record_free);
    return l;
}

void loaded_free(struct loaded *l)
{
    if (!l)
        return;
    g_ptr_array_unref(l->records);
    g_free(l);
}

/* A member's value, looked for as such first and, where the record is too broken for that, simply as text. */
static char *find_text(const char *text, gsize len, const char *member)
{
    g_autofree char *quoted = g_strdup_printf("\"%s\"", member);
    const char *value = NULL;
    gsize value_len = 0;

    if (text_find_member(text, len, member, &value, &value_len))
        return text_decode(value, value_len);
    const char *at = memmem(text, len, quoted, strlen(quoted));
    if (!at)
        return g_strdup("");
    at += strlen(quoted);
    while (at < text + len && (*at == ' ' || *at == ':'))
        at++;
    return at < text + len && *at == '"' ? text_decode(at, (gsize)(text + len - at)) : g_strdup("");
}

static void remove_id(struct loaded *l, const char *id)
{
    for (guint k = l->records->len; k > 0; k--) {
        const struct loaded_record *r = g_ptr_array_index(l->records, k - 1);
        if (strcmp(r->id, id) == 0)
            g_ptr_array_remove_index(l->records, k - 1);
    }
}

static struct loaded_record *record_new(struct loaded *l, GBytes *bytes)
{
    struct loaded_record *r = g_new0(struct loaded_record, 1);
    gsize len = 0;
    const char *text = g_bytes_get_data(bytes, &len);
    g_autofree char *time = find_text(text, len, source_classes[l->source] ? "createdDateTime" : "activityDateTime");
    bool zoned = false;

    r->bytes = g_bytes_ref(bytes);
    r->id = find_text(text, len, "id");
    r->serial = l->next_serial++;
    if (!ticks_parse(time, strlen(time), &r->time, &zoned))
        r->time = INT64_MIN;
    return r;
}

void loaded_add(struct loaded *l, GBytes *bytes, bool replace)
{
    struct loaded_record *r = record_new(l, bytes);

    if (replace)
        remove_id(l, r->id);
    g_ptr_array_insert(l->records, (gint)loaded_lower_bound(l, r->time, r->serial), r);
}

static gint compare(gconstpointer left, gconstpointer right)
{
    const struct loaded_record *a = *(struct loaded_record *const *)left, *b = *(struct loaded_record *const *)right;

    if (a->time != b->time)
        return a->time < b->time ? -1 : 1;
    return a->serial < b->serial ? -1 : a->serial > b->serial;
}

void loaded_add_all(struct loaded *l, const GPtrArray *records)
{
    for (guint k = 0; k < records->len; k++)
        g_ptr_array_add(l->records, record_new(l, g_ptr_array_index(records, k)));
    g_ptr_array_sort(l->records, compare);
}

GPtrArray *loaded_read_file(const char *path, GError **error)
{
    GPtrArray *records = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    char *text = NULL;
    gsize len = 0;

    if (!g_file_get_contents(path, &text, &len, error)) {
        g_ptr_array_unref(records);
        return NULL;
    }
    g_autoptr(GBytes) whole = g_bytes_new_take(text, len);
    for (gsize from = 0; from < len;) {
        const char *newline = memchr(text + from, '\n', len - from);
        gsize to = newline ? (gsize)(newline - text) : len;
        if (to > from)
            g_ptr_array_add(records, g_bytes_new_from_bytes(whole, from, to - from));
        from = to + 1;
    }
    return records;
}

enum source loaded_source(enum source named, GBytes *record)
{
    const char *value = NULL;
    gsize len = 0, value_len = 0;
    const char *text = g_bytes_get_data(record, &len);

    if (!source_classes[named] || !text_find_member(text, len, "signInEventTypes", &value, &value_len))
        return named;
    for (int s = 0; s < SOURCE_COUNT; s++)
        if (source_classes[s] && memmem(value, value_len, source_classes[s], strlen(source_classes[s])))
            return (enum source)s;
    return named;
}

gsize loaded_count(const struct loaded *l)
{
    return l->records->len;
}

const struct loaded_record *loaded_at(const struct loaded *l, gsize position)
{
    return g_ptr_array_index(l->records, position);
}

gsize loaded_lower_bound(const struct loaded *l, int64_t time, int64_t serial)
{
    gsize lo = 0, hi = l->records->len;

    while (lo < hi) {
        gsize mid = lo + (hi - lo) / 2;
        const struct loaded_record *r = loaded_at(l, mid);
        if (r->time < time || (r->time == time && r->serial < serial))
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}
