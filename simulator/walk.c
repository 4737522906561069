#include "walk.h"

void walk_init(struct walk *w, const struct stream *stream, const struct loaded *loaded, const struct filter *filter,
               int64_t now, int64_t oldest, bool descending, const struct position *at)
{
    *w = (struct walk){.stream = stream,
                       .loaded = loaded,
                       .filter = filter,
                       .now = now,
                       .oldest = oldest,
                       .descending = descending,
                       .from = oldest,
                       .to = INT64_MAX};
    filter_window(filter, &w->from, &w->to);
    stream_range(stream, w->from, MIN(w->to, now), &w->lo, &w->hi);
    if (at)
        w->at = *at;
    else
        w->at = (struct position){.generated = descending ? w->hi : w->lo, .last = INT64_MIN};
}

/* The next generated record that can be seen and whose time fits, without stepping past it. */
static bool peek_generated(struct walk *w, struct plan *plan)
{
    int64_t step = w->descending ? -1 : 1;

    for (; w->at.generated >= w->lo && w->at.generated <= w->hi; w->at.generated += step) {
        stream_plan(w->stream, w->at.generated, plan);
        if (plan->visible_at > w->now || plan->time < w->oldest)
            continue;
        if (filter_needs_body(w->filter) || filter_match(w->filter, plan->time, NULL, 0))
            return true;
    }
    return false;
}

/* From position k, jumps over what is outside the window; records without a time, at the beginning of the list, are
 * inside. */
static gssize skip_outside(const struct walk *w, gssize k)
{
    gssize count = (gssize)loaded_count(w->loaded);

    if (k < 0 || k >= count)
        return k;
    const struct loaded_record *r = loaded_at(w->loaded, (gsize)k);
    if (r->time == INT64_MIN || (r->time >= w->from && r->time <= w->to))
        return k;
    if (r->time < w->from)
        return w->descending ? (gssize)loaded_lower_bound(w->loaded, INT64_MIN + 1, 0) - 1
                             : (gssize)loaded_lower_bound(w->loaded, w->from, 0);
    return w->descending ? (gssize)loaded_lower_bound(w->loaded, w->to + 1, 0) - 1 : count;
}

static const struct loaded_record *peek_loaded(const struct walk *w)
{
    gssize count = (gssize)loaded_count(w->loaded), k = 0;

    if (w->descending)
        k = (w->at.begun ? (gssize)loaded_lower_bound(w->loaded, w->at.time, w->at.serial) : count) - 1;
    else if (w->at.begun)
        k = (gssize)loaded_lower_bound(w->loaded, w->at.time, w->at.serial + 1);
    for (k = skip_outside(w, k); k >= 0 && k < count; k = skip_outside(w, k + (w->descending ? -1 : 1))) {
        const struct loaded_record *r = loaded_at(w->loaded, (gsize)k);
        if (filter_needs_body(w->filter) || filter_match(w->filter, r->time, NULL, 0))
            return r;
    }
    return NULL;
}

static void take_loaded(struct walk *w, const struct loaded_record *r, GString *out)
{
    gsize len = 0;
    const char *bytes = g_bytes_get_data(r->bytes, &len);

    w->record = r;
    w->at.begun = true;
    w->at.time = r->time;
    w->at.serial = r->serial;
    g_string_append_len(out, bytes, (gssize)len);
}

static void take_generated(struct walk *w, const struct plan *plan, GString *out)
{
    w->record = NULL;
    w->at.last = w->at.generated;
    w->at.begun = true;
    w->at.time = plan->time;
    w->at.serial = w->descending ? 0 : -1; /* loaded ones of that very time come after it, or came before */
    w->at.generated += w->descending ? -1 : 1;
    stream_append(w->stream, plan, w->now, out);
}

bool walk_next(struct walk *w, GString *out)
{
    gsize before = out->len;
    struct plan plan;

    for (;;) {
        bool generated = peek_generated(w, &plan);
        const struct loaded_record *r = peek_loaded(w);
        int64_t time = 0;
        if (!generated && !r)
            return false;
        if (r && (!generated || (w->descending ? r->time >= plan.time : r->time < plan.time))) {
            time = r->time;
            take_loaded(w, r, out);
        } else {
            time = plan.time;
            take_generated(w, &plan, out);
        }
        if (!filter_needs_body(w->filter) || filter_match(w->filter, time, out->str + before, out->len - before))
            return true;
        g_string_truncate(out, before);
    }
}
