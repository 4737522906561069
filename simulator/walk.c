#include "walk.h"

void walk_init(struct walk *w, const struct filter *filter, int64_t now, int64_t oldest, bool descending, bool beta)
{
    *w = (struct walk){.filter = filter,
                       .now = now,
                       .oldest = oldest,
                       .descending = descending,
                       .beta = beta,
                       .from = oldest,
                       .to = INT64_MAX};
    filter_window(filter, &w->from, &w->to);
}

void walk_add(struct walk *w, const struct stream *stream, const struct loaded *loaded, const struct position *at)
{
    struct leg *leg = &w->legs[w->count++];

    leg->stream = stream;
    leg->loaded = loaded;
    stream_range(stream, w->from, MIN(w->to, w->now), &leg->lo, &leg->hi);
    if (at)
        leg->at = *at;
    else
        leg->at = (struct position){.generated = w->descending ? leg->hi : leg->lo, .last = INT64_MIN};
}

static bool fits(const struct walk *w, const struct leg *leg, int64_t time)
{
    return filter_needs_body(w->filter) || filter_match(w->filter, leg->stream->source, time, NULL, 0);
}

/* The next generated record that can be seen and whose time fits, without stepping past it. */
static bool peek_generated(const struct walk *w, struct leg *leg, struct plan *plan)
{
    int64_t step = w->descending ? -1 : 1;

    for (; leg->at.generated >= leg->lo && leg->at.generated <= leg->hi; leg->at.generated += step) {
        stream_plan(leg->stream, leg->at.generated, plan);
        if (plan->visible_at <= w->now && plan->time >= w->oldest && fits(w, leg, plan->time))
            return true;
    }
    return false;
}

/* From position k, jumps over what is outside the window; records without a time, at the beginning of the list, are
 * inside. */
static gssize skip_outside(const struct walk *w, const struct leg *leg, gssize k)
{
    gssize count = (gssize)loaded_count(leg->loaded);

    if (k < 0 || k >= count)
        return k;
    const struct loaded_record *r = loaded_at(leg->loaded, (gsize)k);
    if (r->time == INT64_MIN || (r->time >= w->from && r->time <= w->to))
        return k;
    if (r->time < w->from)
        return w->descending ? (gssize)loaded_lower_bound(leg->loaded, INT64_MIN + 1, 0) - 1
                             : (gssize)loaded_lower_bound(leg->loaded, w->from, 0);
    return w->descending ? (gssize)loaded_lower_bound(leg->loaded, w->to + 1, 0) - 1 : count;
}

static const struct loaded_record *peek_loaded(const struct walk *w, const struct leg *leg)
{
    gssize count = (gssize)loaded_count(leg->loaded), k = 0;

    if (w->descending)
        k = (leg->at.begun ? (gssize)loaded_lower_bound(leg->loaded, leg->at.time, leg->at.serial) : count) - 1;
    else if (leg->at.begun)
        k = (gssize)loaded_lower_bound(leg->loaded, leg->at.time, leg->at.serial + 1);
    for (k = skip_outside(w, leg, k); k >= 0 && k < count; k = skip_outside(w, leg, k + (w->descending ? -1 : 1))) {
        const struct loaded_record *r = loaded_at(leg->loaded, (gsize)k);
        if (fits(w, leg, r->time))
            return r;
    }
    return NULL;
}

static void take_loaded(struct walk *w, struct leg *leg, const struct loaded_record *r, GString *out)
{
    gsize len = 0;
    const char *bytes = g_bytes_get_data(r->bytes, &len);

    w->record = r;
    leg->at.begun = true;
    leg->at.time = r->time;
    leg->at.serial = r->serial;
    g_string_append_len(out, bytes, (gssize)len);
}

static void take_generated(struct walk *w, struct leg *leg, const struct plan *plan, GString *out)
{
    w->record = NULL;
    leg->at.last = leg->at.generated;
    leg->at.begun = true;
    leg->at.time = plan->time;
    leg->at.serial = w->descending ? 0 : -1; /* loaded ones of that very time come after it, or came before */
    leg->at.generated += w->descending ? -1 : 1;
    stream_append(leg->stream, plan, w->now, w->beta, out);
}

/* What a leg would give next. */
struct candidate {
    const struct loaded_record *record; /* NULL: the generated one of plan */
    struct plan plan;
    int64_t time;
};

static bool peek(const struct walk *w, struct leg *leg, struct candidate *c)
{
    bool generated = peek_generated(w, leg, &c->plan);

    c->record = peek_loaded(w, leg);
    if (!generated && !c->record)
        return false;
    if (c->record && generated && (w->descending ? c->record->time < c->plan.time : c->record->time >= c->plan.time))
        c->record = NULL;
    c->time = c->record ? c->record->time : c->plan.time;
    return true;
}

/* The leg whose turn it is, in order of time; -1 at the end. */
static int choose(struct walk *w, struct candidate *best)
{
    struct candidate c;
    int chosen = -1;

    for (int k = 0; k < w->count; k++) {
        if (!peek(w, &w->legs[k], &c) || (chosen >= 0 && (w->descending ? c.time <= best->time : c.time >= best->time)))
            continue;
        chosen = k;
        *best = c;
    }
    return chosen;
}

bool walk_next(struct walk *w, GString *out)
{
    gsize before = out->len;
    struct candidate c;

    for (;;) {
        int k = choose(w, &c);
        if (k < 0)
            return false;
        struct leg *leg = &w->legs[k];
        w->last = k;
        if (c.record)
            take_loaded(w, leg, c.record, out);
        else
            take_generated(w, leg, &c.plan, out);
        if (!filter_needs_body(w->filter) ||
            filter_match(w->filter, leg->stream->source, c.time, out->str + before, out->len - before))
            return true;
        g_string_truncate(out, before);
    }
}
