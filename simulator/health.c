#include "health.h"

#include <string.h>

#include "ticks.h"

const char *const health_kind_names[HEALTH_KINDS] = {"overview", "issue", "message"};

/* One deed, and when it was done. */
struct touch {
    int64_t time;
    enum hand_deed deed;
    GBytes *bytes;
};

/* A record that was touched by hand. */
struct hand {
    char *id;
    int64_t index; /* of the generated record that it stands for */
    bool generated;
    int64_t first, serial;
    GArray *touches; /* struct touch, in the order in which they were done */
};

struct health {
    uint64_t key;
    GPtrArray *services;
    struct cadence issues, messages;
    int64_t kept; /* ticks; 0: for ever */
    GPtrArray *hands[HEALTH_KINDS];
};

static void touch_clear(gpointer data)
{
    g_clear_pointer(&((struct touch *)data)->bytes, g_bytes_unref);
}

static void hand_free(gpointer data)
{
    struct hand *hand = data;

    g_array_unref(hand->touches);
    g_free(hand->id);
    g_free(hand);
}

struct health *health_new(const char *tenant, uint64_t seed, const struct health_habits *habits, int64_t start,
                          bool anchored)
{
    struct health *h = g_new0(struct health, 1);

    h->key = dice_mix(dice_mix(seed, g_str_hash(tenant)), UINT64_C(0x4ea174));
    h->services = health_services_new(habits->services);
    cadence_init(&h->issues, dice_mix(h->key, 1), habits->services > 0 ? habits->issues : 0, habits->days, start,
                 anchored);
    cadence_init(&h->messages, dice_mix(h->key, 2), habits->messages, habits->days, start, anchored);
    h->kept = (int64_t)(habits->retention_days * (double)TICKS_PER_DAY);
    for (int k = 0; k < HEALTH_KINDS; k++)
        h->hands[k] = g_ptr_array_new_with_free_func(hand_free);
    return h;
}

void health_free(struct health *h)
{
    if (!h)
        return;
    for (int k = 0; k < HEALTH_KINDS; k++)
        g_ptr_array_unref(h->hands[k]);
    g_ptr_array_unref(h->services);
    g_free(h);
}

const GPtrArray *health_services(const struct health *h)
{
    return h->services;
}

static int64_t oldest(const struct health *h, int64_t now)
{
    return h->kept > 0 ? now - h->kept : INT64_MIN / 4;
}

static const struct health_service *service_at(const struct health *h, int64_t number)
{
    return g_ptr_array_index(h->services, (guint)number);
}

/* hands */

static struct hand *find_hand(const struct health *h, enum health_kind kind, const char *id)
{
    for (guint k = 0; k < h->hands[kind]->len; k++) {
        struct hand *hand = g_ptr_array_index(h->hands[kind], k);
        if (strcmp(hand->id, id) == 0)
            return hand;
    }
    return NULL;
}

static struct hand *find_touched(const struct health *h, enum health_kind kind, int64_t index)
{
    for (guint k = 0; k < h->hands[kind]->len; k++) {
        struct hand *hand = g_ptr_array_index(h->hands[kind], k);
        if (hand->generated && hand->index == index)
            return hand;
    }
    return NULL;
}

/* What holds at the moment; NULL: nothing does, the record is as it would be without hands. */
static const struct touch *touch_at(const struct hand *hand, int64_t now)
{
    const struct touch *found = NULL;

    for (guint k = 0; hand && k < hand->touches->len; k++) {
        const struct touch *t = &g_array_index(hand->touches, struct touch, k);
        if (t->time <= now)
            found = t;
    }
    return found && found->deed != HAND_RESTORED ? found : NULL;
}

static void append_generated_id(const struct health *h, enum health_kind kind, int64_t index, GString *out)
{
    if (kind == HEALTH_OVERVIEWS) {
        g_string_append(out, service_at(h, index)->id);
    } else if (kind == HEALTH_ISSUES) {
        struct issue_plan p;
        issue_plan(&h->issues, h->services->len, index, &p);
        issue_append_id(out, &p, service_at(h, p.service));
    } else {
        struct message_plan p;
        message_plan(&h->messages, index, &p);
        message_append_id(out, &p);
    }
}

/* The number of the generated record of that id, whether it is listed now or at another time. */
static bool find_generated(const struct health *h, enum health_kind kind, const char *id, int64_t *index)
{
    const struct cadence *c = kind == HEALTH_ISSUES ? &h->issues : &h->messages;
    g_autoptr(GString) again = g_string_new(NULL);
    gint64 number = 0;

    if (kind == HEALTH_OVERVIEWS) {
        *index = health_services_find(h->services, id);
        return *index >= 0;
    }
    if (c->slot == 0 || strlen(id) < 3 || !g_ascii_string_to_signed(id + 2, 10, 0, G_MAXINT64 / 4, &number, NULL))
        return false;
    *index = number - HEALTH_EPOCH;
    if (*index < c->first)
        return false;
    append_generated_id(h, kind, *index, again);
    return strcmp(again->str, id) == 0;
}

void health_edit(struct health *h, enum health_kind kind, const char *id, int64_t now, enum hand_deed deed,
                 GBytes *bytes)
{
    int64_t index = 0;
    bool generated = find_generated(h, kind, id, &index);
    struct hand *hand = generated ? find_touched(h, kind, index) : find_hand(h, kind, id);
    struct touch touch = {now, deed, bytes ? g_bytes_ref(bytes) : NULL};

    if (!hand) {
        hand = g_new0(struct hand, 1);
        hand->id = g_strdup(id);
        hand->index = index;
        hand->generated = generated;
        hand->first = now;
        hand->serial = h->hands[kind]->len;
        hand->touches = g_array_new(FALSE, FALSE, sizeof(struct touch));
        g_array_set_clear_func(hand->touches, touch_clear);
        g_ptr_array_add(h->hands[kind], hand);
    }
    g_array_append_val(hand->touches, touch);
}

/* lists */

static bool read_start(GBytes *bytes, int64_t *start)
{
    gsize len = 0, value_len = 0;
    const char *text = g_bytes_get_data(bytes, &len), *value = NULL;
    bool zoned = false;

    if (!text || !text_find_member(text, len, "startDateTime", &value, &value_len))
        return false;
    g_autofree char *decoded = text_decode(value, value_len);
    return ticks_parse(decoded, strlen(decoded), start, &zoned);
}

/* Where a record made by hand stands: by what it says itself, else by when it was first touched. */
static struct health_entry hand_entry(const struct health *h, enum health_kind kind, const struct hand *hand,
                                      const struct touch *touch)
{
    struct health_entry e = {.start = hand->first, .order = INT64_MAX / 2 + hand->serial, .hand = hand};

    if (kind == HEALTH_OVERVIEWS) {
        e.start = hand->generated ? -hand->index : -(int64_t)h->services->len;
        e.order = -hand->serial;
    } else {
        read_start(touch->bytes, &e.start);
    }
    return e;
}

static void add_hands(const struct health *h, enum health_kind kind, int64_t now, GArray *list)
{
    for (guint k = 0; k < h->hands[kind]->len; k++) {
        const struct hand *hand = g_ptr_array_index(h->hands[kind], k);
        const struct touch *touch = touch_at(hand, now);
        if (!touch || touch->deed != HAND_RECORD)
            continue;
        struct health_entry e = hand_entry(h, kind, hand, touch);
        g_array_append_val(list, e);
    }
}

static void add_generated(const struct health *h, enum health_kind kind, int64_t start, int64_t index, int64_t now,
                          GArray *list)
{
    struct health_entry e = {.start = start, .order = index, .index = index};

    if (!touch_at(find_touched(h, kind, index), now))
        g_array_append_val(list, e);
}

/* An issue is listed as long as it is open, and then as long as it is kept. */
static bool issue_listed(const struct health *h, const struct issue_plan *p, int64_t now)
{
    return p->published <= now && (p->phases[p->over].from > now || p->phases[p->over].from >= oldest(h, now));
}

static void add_issues(const struct health *h, int64_t now, GArray *list)
{
    int64_t lo = 0, hi = 0;
    struct issue_plan p;

    cadence_range(&h->issues, oldest(h, now) - issue_longest, now, &lo, &hi);
    for (int64_t i = lo; i <= hi; i++) {
        issue_plan(&h->issues, h->services->len, i, &p);
        if (issue_listed(h, &p, now))
            add_generated(h, HEALTH_ISSUES, p.start, i, now, list);
    }
}

static void add_messages(const struct health *h, int64_t now, GArray *list)
{
    int64_t lo = 0, hi = 0;
    struct message_plan p;

    cadence_range(&h->messages, oldest(h, now), now, &lo, &hi);
    for (int64_t i = lo; i <= hi; i++) {
        message_plan(&h->messages, i, &p);
        if (p.published <= now && p.published >= oldest(h, now))
            add_generated(h, HEALTH_MESSAGES, p.published, i, now, list);
    }
}

static int compare_entries(gconstpointer a, gconstpointer b)
{
    const struct health_entry *x = a, *y = b;

    if (x->start != y->start)
        return x->start > y->start ? -1 : 1;
    return x->order > y->order ? -1 : x->order < y->order;
}

GArray *health_list(const struct health *h, enum health_kind kind, int64_t now)
{
    GArray *list = g_array_new(FALSE, FALSE, sizeof(struct health_entry));

    for (guint k = 0; kind == HEALTH_OVERVIEWS && k < h->services->len; k++)
        add_generated(h, kind, -(int64_t)k, k, now, list);
    if (kind == HEALTH_ISSUES)
        add_issues(h, now, list);
    if (kind == HEALTH_MESSAGES)
        add_messages(h, now, list);
    add_hands(h, kind, now, list);
    g_array_sort(list, compare_entries);
    return list;
}

GArray *health_issues_of(const struct health *h, guint service, int64_t now)
{
    g_autoptr(GArray) all = health_list(h, HEALTH_ISSUES, now);
    GArray *some = g_array_new(FALSE, FALSE, sizeof(struct health_entry));

    for (guint k = 0; k < all->len; k++) {
        struct health_entry e = g_array_index(all, struct health_entry, k);
        struct issue_plan p;
        if (e.hand)
            continue;
        issue_plan(&h->issues, h->services->len, e.index, &p);
        if (p.service == service)
            g_array_append_val(some, e);
    }
    return some;
}

/* what services are at */

/* The issues of a service that its overview can have shown in [from, to]. */
static GArray *issues_between(const struct health *h, guint service, int64_t from, int64_t to)
{
    GArray *plans = g_array_new(FALSE, FALSE, sizeof(struct issue_plan));
    int64_t lo = 0, hi = 0;
    struct issue_plan p;

    cadence_range(&h->issues, from - issue_longest, to, &lo, &hi);
    for (int64_t i = lo; i <= hi; i++) {
        issue_plan(&h->issues, h->services->len, i, &p);
        if (p.service == service)
            g_array_append_val(plans, p);
    }
    return plans;
}

/* The worst of what its issues are at; of equals the newest's. */
static enum health_status status_at(const GArray *plans, int64_t now)
{
    enum health_status worst = STATUS_OPERATIONAL;

    for (guint k = 0; k < plans->len; k++) {
        const struct issue_plan *p = &g_array_index(plans, struct issue_plan, k);
        int at = issue_phase_at(p, now);
        if (at >= 0 && now < p->phases[at].until &&
            health_status_rank(p->phases[at].status) >= health_status_rank(worst))
            worst = p->phases[at].status;
    }
    return worst;
}

/* The spelling of a service's status changes on its own every few days, as answers of the service do. */
static bool pascal_at(const struct health *h, guint service, int64_t now)
{
    struct dice d = {dice_mix(h->key, service)};
    int64_t span = (int64_t)(24 + dice_below(&d, 72)) * TICKS_PER_HOUR;

    d.state = dice_mix(d.state, (uint64_t)ticks_floor_div(now, span));
    return dice_below(&d, 4) == 0;
}

static void append_overview(const struct health *h, guint service, const struct telling *how, GString *out)
{
    const struct health_service *s = service_at(h, service);
    g_autoptr(GArray) plans = issues_between(h, service, how->now, how->now);

    APPEND_LITERAL(out, "{\"service\":\"");
    text_append_escaped(out, s->name, -1, false);
    APPEND_LITERAL(out, "\",\"status\":\"");
    health_append_status(out, status_at(plans, how->now), pascal_at(h, service, how->now), how);
    APPEND_LITERAL(out, "\",\"id\":\"");
    text_append_escaped(out, s->id, -1, false);
    APPEND_LITERAL(out, "\"}");
}

void health_append(const struct health *h, enum health_kind kind, const struct health_entry *e,
                   const struct telling *how, GString *out)
{
    if (e->hand) {
        gsize len = 0;
        const char *bytes = g_bytes_get_data(touch_at(e->hand, how->now)->bytes, &len);
        g_string_append_len(out, bytes, (gssize)len);
    } else if (kind == HEALTH_OVERVIEWS) {
        append_overview(h, (guint)e->index, how, out);
    } else if (kind == HEALTH_ISSUES) {
        struct issue_plan p;
        issue_plan(&h->issues, h->services->len, e->index, &p);
        issue_append(out, &p, service_at(h, p.service), how);
    } else {
        struct message_plan p;
        message_plan(&h->messages, e->index, &p);
        message_append(out, &p, h->services, how);
    }
}

/* The string behind a member of a record made by hand; NULL when there is none. Returned. */
static char *read_string(GBytes *bytes, const char *name)
{
    gsize len = 0, value_len = 0;
    const char *text = g_bytes_get_data(bytes, &len), *value = NULL;

    if (!text || !text_find_member(text, len, name, &value, &value_len) || value_len == 0 || *value != '"')
        return NULL;
    return text_decode(value, value_len);
}

char *health_id(const struct health *h, enum health_kind kind, const struct health_entry *e, int64_t now)
{
    GString *id = g_string_new(NULL);

    if (e->hand) {
        char *own = read_string(touch_at(e->hand, now)->bytes, "id");
        g_string_free(id, TRUE);
        return own ? own : g_strdup(e->hand->id);
    }
    append_generated_id(h, kind, e->index, id);
    return g_string_free(id, FALSE);
}

GPtrArray *health_service_ids(const struct health *h)
{
    GPtrArray *ids = g_ptr_array_new_with_free_func(g_free);

    for (guint k = 0; k < h->services->len; k++)
        g_ptr_array_add(ids, g_strdup(service_at(h, k)->id));
    for (guint k = 0; k < h->hands[HEALTH_OVERVIEWS]->len; k++) {
        const struct hand *hand = g_ptr_array_index(h->hands[HEALTH_OVERVIEWS], k);
        if (!hand->generated)
            g_ptr_array_add(ids, g_strdup(hand->id));
    }
    return ids;
}

/* timelines */

static void interval_clear(gpointer data)
{
    g_free(((struct health_interval *)data)->status);
}

static void add_moment(GArray *moments, int64_t moment, int64_t from, int64_t to)
{
    if (moment > from && moment < to)
        g_array_append_val(moments, moment);
}

static int compare_moments(gconstpointer a, gconstpointer b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return x < y ? -1 : x > y;
}

/* Every moment in [from, to) at which the status can change; from is the first. */
static GArray *moments_of_change(const GArray *plans, const struct hand *hand, int64_t from, int64_t to)
{
    GArray *moments = g_array_new(FALSE, FALSE, sizeof(int64_t));

    g_array_append_val(moments, from);
    for (guint k = 0; k < plans->len; k++) {
        const struct issue_plan *p = &g_array_index(plans, struct issue_plan, k);
        for (int n = 0; n < p->phase_count; n++) {
            add_moment(moments, p->phases[n].from, from, to);
            add_moment(moments, p->phases[n].until, from, to);
        }
    }
    for (guint k = 0; hand && k < hand->touches->len; k++)
        add_moment(moments, g_array_index(hand->touches, struct touch, k).time, from, to);
    g_array_sort(moments, compare_moments);
    return moments;
}

/* NULL: no overview, or one without a status. Returned. */
static char *told_status(const GArray *plans, bool generated, const struct hand *hand, int64_t now)
{
    const struct touch *touch = touch_at(hand, now);

    if (!touch)
        return generated ? g_strdup(health_status_name(status_at(plans, now))) : NULL;
    if (touch->deed == HAND_REMOVED)
        return NULL;
    char *status = read_string(touch->bytes, "status");
    if (status)
        *status = g_ascii_tolower(*status);
    return status;
}

GArray *health_timeline(const struct health *h, const char *id, int64_t from, int64_t to)
{
    GArray *intervals = g_array_new(FALSE, FALSE, sizeof(struct health_interval));
    int64_t number = health_services_find(h->services, id);
    const struct hand *hand =
        number >= 0 ? find_touched(h, HEALTH_OVERVIEWS, number) : find_hand(h, HEALTH_OVERVIEWS, id);
    g_autoptr(GArray) plans =
        number >= 0 ? issues_between(h, (guint)number, from, to) : g_array_new(FALSE, FALSE, sizeof(struct issue_plan));
    g_autoptr(GArray) moments = moments_of_change(plans, hand, from, to);

    g_array_set_clear_func(intervals, interval_clear);
    for (guint k = 0; k < moments->len; k++) {
        struct health_interval next = {.from = g_array_index(moments, int64_t, k), .to = to};
        next.status = told_status(plans, number >= 0, hand, next.from);
        struct health_interval *last =
            intervals->len > 0 ? &g_array_index(intervals, struct health_interval, intervals->len - 1) : NULL;
        if (last && g_strcmp0(last->status, next.status) == 0) {
            g_free(next.status);
            continue;
        }
        if (last)
            last->to = next.from;
        g_array_append_val(intervals, next);
    }
    return intervals;
}
