#include <inttypes.h>
#include <string.h>

#include "sealed.h"
#include "ticks.h"
#include "users.h"
#include "users_query.h"

enum { FIELDS = 11, REPLAY_HOURS = 12, GONE_DAYS = 7, GONE_PERCENT = 30 };

/* What a token carries: the round, how far it got, and the options of its first request. */
struct round {
    int64_t page, issued;
    int64_t initial; /* everything, not only what changed since */
    struct moment since, until;
    int64_t pass, index, generation; /* what to look at next */
    int64_t after_empty;
    struct selection selection;
    char *filter_text;
    struct filter_terms *filter;
};

static void round_clear(struct round *r)
{
    g_free(r->filter_text);
    filter_terms_free(r->filter);
}

static char *round_text(const struct round *r)
{
    GString *text = g_string_new(NULL);

    g_string_printf(text,
                    "%" PRId64 ".%" PRId64 ".%" PRId64 ".%" PRId64 ".%" PRId64 ".%" PRId64 ".%" PRId64 ".%" PRId64
                    ".%" PRId64 ".%" PRId64 ".%" PRId64 "|%s",
                    r->page, r->issued, r->initial, r->since.time, r->since.edits, r->until.time, r->until.edits,
                    r->pass, r->index, r->generation, r->after_empty, r->selection.given ? "+" : "-");
    for (guint k = 0; k < r->selection.count; k++)
        g_string_append_printf(text, "%02x", r->selection.order[k]);
    g_string_append_printf(text, "|%s", r->filter_text ? r->filter_text : "");
    return g_string_free(text, FALSE);
}

static bool read_selection(const char *text, struct selection *s)
{
    *s = (struct selection){.given = *text == '+'};
    for (const char *p = text + 1; g_ascii_isxdigit(p[0]) && g_ascii_isxdigit(p[1]); p += 2) {
        s->order[s->count] = (uint8_t)(g_ascii_xdigit_value(p[0]) * 16 + g_ascii_xdigit_value(p[1]));
        properties_add(&s->set, s->order[s->count++]);
    }
    return s->count > 0;
}

static bool round_read(const struct request *rq, const char *text, struct round *r)
{
    g_auto(GStrv) parts = g_strsplit(text, "|", 3);
    g_auto(GStrv) words = g_strsplit(g_strv_length(parts) == 3 ? parts[0] : "", ".", 0);
    struct answer *refusal = NULL;
    int64_t n[FIELDS] = {0};

    if (g_strv_length(words) != FIELDS)
        return false;
    for (int k = 0; k < FIELDS; k++)
        if (!g_ascii_string_to_signed(words[k], 10, G_MININT64, G_MAXINT64, &n[k], NULL))
            return false;
    *r = (struct round){.page = n[0],
                        .issued = n[1],
                        .initial = n[2],
                        .since = {n[3], n[4]},
                        .until = {n[5], n[6]},
                        .pass = n[7],
                        .index = n[8],
                        .generation = n[9],
                        .after_empty = n[10]};
    if (*parts[2]) {
        r->filter_text = g_strdup(parts[2]);
        r->filter = filter_terms_read(rq, r->filter_text, true, &refusal);
        answer_free(refusal);
    }
    return read_selection(parts[1], &r->selection);
}

/* A link of the round: by turns in the short and the full form of the function's name. */
static char *make_link(const struct request *rq, const char *option, const struct round *r)
{
    static const char *const names[] = {"delta", "delta", "microsoft.graph.delta", "delta()",
                                        "microsoft.graph.delta()"};
    const struct options *o = rq->sim->options;
    GString *link = g_string_new(rq->sim->base_url);
    gsize path_at = link->len;
    g_autofree char *text = round_text(r);
    guint name = (guint)((uint64_t)(r->until.time / TICKS_PER_SECOND + r->page) % G_N_ELEMENTS(names));

    g_string_append_printf(link, "/%s/users/%s?", rq->beta ? "beta" : "v1.0", names[name]);
    sealed_append(link, path_at, option, text, SEALED_URL64, (gsize)o->link_length, (uint64_t)o->seed);
    return g_string_free(link, FALSE);
}

/* what a round tells of an account */

enum news { NEWS_NONE, NEWS_OBJECT, NEWS_BINNED, NEWS_DELETED };

struct item {
    struct account account;
    enum news news;
    struct properties changed; /* since the round before */
};

static struct dice account_dice(const struct account *a, uint64_t salt, const struct round *r)
{
    return (struct dice){dice_mix(a->key ^ ((uint64_t)a->place << 20) ^ salt, (uint64_t)r->until.time)};
}

/* The removal of some of those that are long gone is still told to who asks for the first time. */
static bool still_told(const struct directory *d, const struct account *a, const struct round *r)
{
    struct moment then = {r->until.time - GONE_DAYS * TICKS_PER_DAY, r->until.edits};
    struct dice dice = account_dice(a, 51, r);

    return directory_moved(d, a, then, r->until) && dice_percent(&dice, GONE_PERCENT);
}

static enum news judge(const struct directory *d, const struct round *r, struct moment since, struct item *item)
{
    const struct account *a = &item->account;
    enum presence presence = directory_presence(d, a, r->until);
    bool moved = r->initial || directory_moved(d, a, since, r->until);

    item->changed = (struct properties){0};
    if (presence == PRESENCE_NONE || (presence != PRESENCE_LIVE && !moved))
        return NEWS_NONE;
    if (presence == PRESENCE_BIN)
        return NEWS_BINNED;
    if (presence == PRESENCE_GONE)
        return r->initial && !still_told(d, a, r) ? NEWS_NONE : NEWS_DELETED;
    if (moved) {
        item->changed = (struct properties){{UINT64_MAX, UINT64_MAX}};
        return NEWS_OBJECT;
    }
    struct properties wanted = r->selection.set;
    properties_add(&wanted, PROPERTY_EXTRA);
    directory_changes(d, a, since, r->until, &item->changed);
    return properties_meet(&item->changed, &wanted) ? NEWS_OBJECT : NEWS_NONE;
}

/* Some accounts' older changes come again. */
static struct moment told_since(const struct request *rq, const struct round *r, const struct account *a)
{
    struct dice d = account_dice(a, 52, r);
    struct moment since = r->since;

    if (dice_percent(&d, rq->sim->options->user_replays))
        since.time -= REPLAY_HOURS * TICKS_PER_HOUR;
    return since;
}

/* What the round tells of item->account in this pass. Some accounts come twice, pages apart. */
static void find_news(const struct request *rq, const struct directory *d, const struct round *r, struct item *item)
{
    struct dice dice = account_dice(&item->account, 53, r);
    bool twice = dice_percent(&dice, rq->sim->options->user_repeats);

    item->news = NEWS_NONE;
    if (r->pass == 0 || twice)
        item->news = judge(d, r, told_since(rq, r, &item->account), item);
}

static uint64_t common_divisor(uint64_t a, uint64_t b)
{
    while (b) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* The seats come in an order that differs from round to round: a step that has no divisor in common with their number
 * meets each of them once. */
struct shuffle {
    uint64_t seats, step, first; /* seats: at least 1, and then an added account may sit there */
};

static struct shuffle shuffle_of(const struct directory *d, const struct round *r)
{
    struct shuffle s = {MAX(directory_seats(d), 1), 0, dice_mix((uint64_t)r->until.time, 54)};

    for (s.step = 100003 + s.first % 9973; common_divisor(s.step, s.seats) > 1;)
        s.step++;
    return s;
}

static uint32_t place_at(const struct shuffle *s, int64_t index)
{
    bool seat = (uint64_t)index < s->seats;

    return (uint32_t)(seat ? ((uint64_t)index * s->step + s->first % s->seats) % s->seats : (uint64_t)index);
}

/* The next item of the round, without stepping past it. */
static bool peek(const struct request *rq, struct round *r, struct item *item)
{
    const struct directory *d = rq->tenant->directory;
    struct shuffle shuffle = shuffle_of(d, r);
    int64_t places = directory_places(d);
    int64_t from = r->initial ? r->until.time : MIN(r->since.time - REPLAY_HOURS * TICKS_PER_HOUR, r->until.time);

    for (; r->pass < 2; r->pass++, r->index = 0) {
        for (; r->index < places; r->index++, r->generation = INT64_MIN) {
            int64_t lo = 0, hi = 0;
            uint32_t place = place_at(&shuffle, r->index);
            directory_generations(d, place, from - GONE_DAYS * TICKS_PER_DAY, r->until.time, &lo, &hi);
            for (r->generation = MAX(r->generation, lo); r->generation <= hi; r->generation++) {
                directory_account(d, place, r->generation, &item->account);
                find_news(rq, d, r, item);
                if (item->news != NEWS_NONE && filter_terms_match(r->filter, d, &item->account, r->until))
                    return true;
            }
        }
    }
    return false;
}

static void append_item(struct request *rq, const struct round *r, const struct item *item, bool minimal,
                        struct users_page *page)
{
    const struct directory *d = rq->tenant->directory;
    struct view view;

    page_begin_record(rq, page);
    if (item->news == NEWS_OBJECT) {
        directory_view(d, &item->account, r->until, &view);
        account_append(d, &item->account, &view, &r->selection, FORM_DELTA, minimal ? &item->changed : NULL,
                       page->records);
        return;
    }
    APPEND_LITERAL(page->records, "{\"id\":\"");
    directory_append_id(d, &item->account, page->records);
    g_string_append_printf(page->records, "\",\"@removed\":{\"reason\":\"%s\"}}",
                           item->news == NEWS_BINNED ? "changed" : "deleted");
}

/* The link that begins the next round. */
static char *delta_link(const struct request *rq, const struct round *r)
{
    struct round next = *r;

    next.page = 1;
    next.issued = r->until.time;
    next.initial = 0;
    next.since = r->until;
    next.pass = next.index = next.after_empty = 0;
    next.generation = INT64_MIN;
    return make_link(rq, "$deltatoken", &next);
}

static struct answer *build(struct request *rq, struct round *r, bool nothing)
{
    const struct options *o = rq->sim->options;
    struct users_page page = {.records = g_string_new(NULL), .count = -1};
    struct dice d = {dice_mix((uint64_t)r->until.time ^ 55, (uint64_t)r->index ^ (uint64_t)r->page << 40)};
    bool empty = !nothing && dice_percent(&d, o->empty_pages) && !r->after_empty;
    bool minimal = rq->prefer && strstr(rq->prefer, "return=minimal");
    struct item item;

    while (!nothing && !empty && rq->records < (guint)o->delta_page_size && peek(rq, r, &item)) {
        append_item(rq, r, &item, minimal, &page);
        r->generation++;
    }
    if (empty || (!nothing && peek(rq, r, &item))) {
        struct round next = *r;
        next.page++;
        next.issued = rq->now;
        next.after_empty = empty;
        page.next = make_link(rq, "$skiptoken", &next);
    } else {
        page.delta = delta_link(rq, r);
    }
    struct answer *a = page_close(rq, &page, &r->selection);
    if (minimal)
        answer_header(a, "Preference-Applied", "return=minimal");
    return a;
}

/* A token that is too old: start over, from a link that the answer gives. Two codes are documented for it. */
static struct answer *expired(const struct request *rq, const struct round *r)
{
    bool sync_state = r->issued / TICKS_PER_SECOND % 2 != 0;
    struct answer *a = answer_graph_code(rq, 410, sync_state ? "syncStateNotFound" : "resyncRequired");
    g_autoptr(GString) location = g_string_new(rq->sim->base_url);
    g_autoptr(GString) names = g_string_new(NULL);

    g_string_append_printf(location, "/%s/users/delta?", rq->beta ? "beta" : "v1.0");
    for (guint k = 0; r->selection.given && k < r->selection.count; k++)
        g_string_append_printf(names, "%s%s", k > 0 ? "," : "", property_name(r->selection.order[k]));
    text_append_option(location, "$select", r->selection.given ? names->str : NULL);
    g_string_append(location, "$deltatoken=");
    answer_header(a, "Location", location->str);
    return a;
}

/* A first request: its options hold for all rounds to come. */
static struct answer *begin(const struct request *rq, struct round *r)
{
    static const char *const known[] = {"$select", "$filter", "$deltatoken", NULL};
    struct answer *refusal = options_refuse_others(rq, known);
    g_autofree char *select = request_parameter(rq->query, "$select");

    *r = (struct round){.page = 1,
                        .issued = rq->now,
                        .initial = 1,
                        .until = directory_moment(rq->tenant->directory, rq->now),
                        .generation = INT64_MIN};
    r->filter_text = request_parameter(rq->query, "$filter");
    if (!refusal)
        refusal = selection_read(rq, select, &r->selection);
    if (!refusal && r->filter_text)
        r->filter = filter_terms_read(rq, r->filter_text, true, &refusal);
    return refusal;
}

/* A link that an earlier answer gave. A round's end is the moment of its first request. */
static struct answer *resume(const struct request *rq, const char *option, struct round *r)
{
    g_autofree char *text = sealed_read(rq->uri, option, (uint64_t)rq->sim->options->seed);

    if (!text || !round_read(rq, text, r))
        return answer_graph_error(rq, 400, "Request_BadRequest", "Badly formed token.");
    if (users_expired(rq, r->issued))
        return expired(rq, r);
    if (strcmp(option, "$deltatoken") == 0)
        r->until = directory_moment(rq->tenant->directory, rq->now);
    return NULL;
}

struct answer *users_delta_answer(struct request *rq)
{
    struct round r = {0};
    g_autofree char *delta = request_parameter(rq->query, "$deltatoken");
    g_autofree char *skip = request_parameter(rq->query, "$skiptoken");
    bool latest = delta && strcmp(delta, "latest") == 0;
    struct answer *a = NULL;

    if (skip)
        a = resume(rq, "$skiptoken", &r);
    else if (delta && *delta && !latest)
        a = resume(rq, "$deltatoken", &r);
    else
        a = begin(rq, &r);
    if (!a)
        a = build(rq, &r, latest || rq->edit.no_records);
    round_clear(&r);
    return a;
}
