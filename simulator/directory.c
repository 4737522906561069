#include "directory.h"

#include <string.h>

#include "ticks.h"

enum { SCHEDULE = 24, YOUNG_PERCENT = 20 };

struct directory {
    const struct company *company;
    uint64_t key;
    uint32_t seats, people;
    int64_t change_period;  /* between two events of an account; 0: never */
    int64_t seat_period;    /* between two accounts of a seat; 0: the first one stays */
    int64_t absence_period; /* between two absences of one of the people; 0: never */
    int64_t edits;
    GPtrArray *scripts;    /* all */
    GPtrArray *added;      /* those of accounts that tests made; borrowed */
    GHashTable *by_id;     /* borrowed */
    GHashTable *by_origin; /* place and generation; borrowed */
    GHashTable *edited;    /* place -> struct span: of the accounts there that tests edited */
};

/* Generations, both ends included. */
struct span {
    int64_t lo, hi;
};

/* Ticks between two events when so many happen a day; 0 for none. */
static int64_t period_of(double each_day)
{
    return each_day > 0 ? (int64_t)((double)TICKS_PER_DAY / each_day) + 1 : 0;
}

struct directory *directory_new(const struct company *company, uint64_t seed, const struct directory_habits *habits)
{
    struct directory *d = g_new0(struct directory, 1);
    double leaving = (double)habits->users * habits->turnover_percent / 100;

    d->company = company;
    d->key = dice_mix(dice_mix(seed, g_str_hash(company->tenant)), UINT64_C(0xd14ec7011));
    d->seats = (uint32_t)habits->users;
    d->people = MIN(COMPANY_USERS, (d->seats * 3 + 3) / 4);
    d->change_period = period_of(habits->change_percent / 100);
    if (d->seats > d->people)
        d->seat_period = period_of(leaving / (d->seats - d->people));
    if (d->people > 0)
        d->absence_period = period_of(leaving * 0.3 / d->people);
    d->scripts = g_ptr_array_new_with_free_func((GDestroyNotify)script_free);
    d->added = g_ptr_array_new();
    d->by_id = g_hash_table_new(g_str_hash, g_str_equal);
    d->by_origin = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    d->edited = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    return d;
}

void directory_free(struct directory *d)
{
    if (!d)
        return;
    g_hash_table_unref(d->edited);
    g_hash_table_unref(d->by_origin);
    g_hash_table_unref(d->by_id);
    g_ptr_array_unref(d->added);
    g_ptr_array_unref(d->scripts);
    g_free(d);
}

struct moment directory_moment(const struct directory *d, int64_t now)
{
    return (struct moment){now, d->edits};
}

uint32_t directory_seats(const struct directory *d)
{
    return d->seats;
}

uint32_t directory_places(const struct directory *d)
{
    return d->seats + d->added->len;
}

/* lives */

/* A seat's accounts begin in slots of seat_period; the slots of different seats are shifted against each other. */
static int64_t seat_offset(const struct directory *d, uint32_t place)
{
    return (int64_t)(dice_mix(d->key ^ 31, place) % (uint64_t)d->seat_period);
}

/* n percent of a period, up to m percent: rolled between. */
static int64_t part(struct dice *d, int64_t period, int least, int most)
{
    int64_t percent = period / 100;

    return percent * least + (int64_t)(dice_roll(d) % (uint64_t)(percent * (most - least) + 1));
}

void directory_generations(const struct directory *d, uint32_t place, int64_t from, int64_t to, int64_t *lo,
                           int64_t *hi)
{
    *lo = *hi = 0;
    if (place < d->people || place >= d->seats || d->seat_period == 0)
        return;
    int64_t offset = seat_offset(d, place), longest = d->seat_period / 100 * (101 + YOUNG_PERCENT);
    *hi = ticks_floor_div(to - offset, d->seat_period);
    *lo = ticks_floor_div(from - longest - (DIRECTORY_BIN_DAYS + 1) * TICKS_PER_DAY - offset, d->seat_period);
    /* What a test edited outlives its time. */
    const struct span *edited = g_hash_table_lookup(d->edited, GUINT_TO_POINTER(place));
    if (edited) {
        *lo = MIN(*lo, edited->lo);
        *hi = MAX(*hi, edited->hi);
    }
}

/* An account is made early in its slot, leaves early in the next one, and may be removed by mistake in between. Of
 * those that leave, most stay in the recycle bin for its full time; some are purged from it at once, some never see it.
 */
static void roll_life(const struct directory *d, struct account *a)
{
    struct dice dice = {dice_mix(a->key, 32)};
    int64_t start = a->generation * d->seat_period + seat_offset(d, a->place);
    bool mistake = dice_below(&dice, 4) == 0;
    uint32_t end = dice_below(&dice, 100);

    a->born = start + part(&dice, d->seat_period, 0, YOUNG_PERCENT);
    a->removed = start + d->seat_period + part(&dice, d->seat_period, 0, YOUNG_PERCENT);
    if (mistake) {
        int64_t longest = MIN(20 * TICKS_PER_DAY, d->seat_period / 5);
        a->binned = start + part(&dice, d->seat_period, 40, 70);
        a->back = a->binned + part(&dice, longest, 1, 100);
    }
    a->purged = a->removed + DIRECTORY_BIN_DAYS * TICKS_PER_DAY;
    if (end < 25)
        a->purged = a->removed + (end < 15 ? 0 : part(&dice, TICKS_PER_HOUR, 1, 100));
}

static const struct script *find_script(const struct directory *d, const struct account *a)
{
    int64_t origin = (int64_t)((uint64_t)a->generation << 32 ^ a->place);

    return g_hash_table_size(d->by_origin) > 0 ? g_hash_table_lookup(d->by_origin, &origin) : NULL;
}

void directory_account(const struct directory *d, uint32_t place, int64_t generation, struct account *a)
{
    *a = (struct account){.place = place,
                          .generation = generation,
                          .key = dice_mix(dice_mix(d->key, place), (uint64_t)generation),
                          .born = INT64_MIN,
                          .binned = INT64_MAX,
                          .back = INT64_MAX,
                          .removed = INT64_MAX,
                          .purged = INT64_MAX};
    if (place >= d->seats) {
        a->script = g_ptr_array_index(d->added, place - d->seats);
        return;
    }
    if (place < d->people)
        a->person = &d->company->people[place];
    else if (d->seat_period > 0)
        roll_life(d, a);
    profile_traits(a->key, a->person, &a->guest, &a->synced);
    a->script = find_script(d, a);
}

/* One of the people is absent once in each slot of absence_period, early in it. */
static void absence(const struct directory *d, const struct account *a, int64_t slot, int64_t *from, int64_t *to)
{
    struct dice dice = {dice_mix(a->key ^ 33, (uint64_t)slot)};
    int64_t offset = (int64_t)(dice_mix(a->key, 34) % (uint64_t)d->absence_period);

    *from = slot * d->absence_period + offset + part(&dice, d->absence_period, 0, 50);
    *to = *from + part(&dice, MIN(20 * TICKS_PER_DAY, d->absence_period / 3), 1, 100);
}

static enum presence person_presence(const struct directory *d, const struct account *a, int64_t at, int64_t *since)
{
    int64_t from = 0, to = 0, offset = (int64_t)(dice_mix(a->key, 34) % (uint64_t)d->absence_period);
    int64_t slot = ticks_floor_div(at - offset, d->absence_period);

    absence(d, a, slot, &from, &to);
    if (at < from)
        absence(d, a, slot - 1, &from, &to);
    *since = at < to ? from : to;
    return at < to ? PRESENCE_BIN : PRESENCE_LIVE;
}

/* Where an account is when no test touches it, and since when. */
static enum presence natural_presence(const struct directory *d, const struct account *a, int64_t at, int64_t *since)
{
    if (a->person && d->absence_period > 0)
        return person_presence(d, a, at, since);
    *since = INT64_MIN;
    if (at < a->born)
        return PRESENCE_NONE;
    if (at >= a->purged) {
        *since = a->purged;
        return PRESENCE_GONE;
    }
    if (at >= a->removed) {
        *since = a->removed;
        return PRESENCE_BIN;
    }
    *since = at >= a->back ? a->back : at >= a->binned ? a->binned : a->born;
    return at >= a->binned && at < a->back ? PRESENCE_BIN : PRESENCE_LIVE;
}

/* Whether what the account is at the moment follows from no edit. */
static bool untouched(const struct account *a, struct moment at)
{
    return !a->script || (a->script->generated && script_at(a->script, at.time, at.edits) == 0);
}

/* The recycle bin keeps nothing for ever, however it got there. */
static enum presence edited_presence(const struct edit *e, int64_t at)
{
    bool expired = e->presence == PRESENCE_BIN && at - e->time >= DIRECTORY_BIN_DAYS * TICKS_PER_DAY;

    return expired ? PRESENCE_GONE : e->presence;
}

enum presence directory_presence(const struct directory *d, const struct account *a, struct moment at)
{
    int64_t since = 0;

    if (untouched(a, at))
        return natural_presence(d, a, at.time, &since);
    int n = script_at(a->script, at.time, at.edits);
    return n < 0 ? PRESENCE_NONE : edited_presence(script_edit(a->script, n), at.time);
}

static bool moved_naturally(const struct directory *d, const struct account *a, int64_t since, int64_t until)
{
    int64_t change = 0;

    natural_presence(d, a, until, &change);
    return change > since && change != INT64_MIN;
}

bool directory_moved(const struct directory *d, const struct account *a, struct moment since, struct moment until)
{
    if (untouched(a, until))
        return moved_naturally(d, a, since.time, until.time);
    const struct script *s = a->script;
    int from = script_at(s, since.time, since.edits), to = script_at(s, until.time, until.edits);
    if (to < 0)
        return false;
    if (from < 0)
        return true;
    if (from == 0 && s->generated && moved_naturally(d, a, since.time, script_edit(s, 1)->time))
        return true;
    for (int n = from + 1; n <= to; n++)
        if (script_edit(s, n)->presence != script_edit(s, n - 1)->presence)
            return true;
    const struct edit *last = script_edit(s, to);
    return edited_presence(last, until.time) != edited_presence(last, MAX(since.time, last->time));
}

/* events */

static int64_t event_offset(const struct directory *d, const struct account *a)
{
    return (int64_t)(dice_mix(a->key, 35) % (uint64_t)d->change_period);
}

static int64_t event_time(const struct directory *d, const struct account *a, int64_t number)
{
    uint64_t roll = dice_mix(a->key ^ 36, (uint64_t)number);

    return event_offset(d, a) + number * d->change_period + (int64_t)(roll % (uint64_t)d->change_period);
}

/* The last event that is not after the time. */
static int64_t last_event(const struct directory *d, const struct account *a, int64_t time)
{
    int64_t number = ticks_floor_div(time - event_offset(d, a), d->change_period);

    return event_time(d, a, number) <= time ? number : number - 1;
}

/* What an event is about: every account goes through the same facets over and over, in an order of its own. */
static enum facet facet_of(const struct account *a, int64_t number)
{
    static const enum facet schedule[SCHEDULE] = {
        FACET_NAME,    FACET_TITLE,    FACET_TITLE,   FACET_TITLE,    FACET_DEPARTMENT, FACET_DEPARTMENT,
        FACET_COMPANY, FACET_OFFICE,   FACET_OFFICE,  FACET_PHONE,    FACET_PHONE,      FACET_ENABLED,
        FACET_ENABLED, FACET_LICENCE,  FACET_LICENCE, FACET_LICENCE,  FACET_PASSWORD,   FACET_PASSWORD,
        FACET_POLICY,  FACET_EMPLOYEE, FACET_MAILS,   FACET_LANGUAGE, FACET_DEPARTMENT, FACET_DEPARTMENT,
    };
    static const int steps[] = {1, 5, 7, 11, 13, 17, 19, 23}; /* each meets all places of the schedule */
    uint64_t habit = dice_mix(a->key, 37);
    int64_t at = (number % SCHEDULE * steps[habit % 8] + (int64_t)(habit >> 32)) % SCHEDULE;
    enum facet facet = schedule[(at + SCHEDULE) % SCHEDULE];

    return facet == FACET_POLICY && a->guest ? FACET_EXTERNAL : facet;
}

/* Nothing happens to an account that is not there. */
static bool event_counts(const struct directory *d, const struct account *a, int64_t time)
{
    int64_t since = 0;

    return time > a->born && natural_presence(d, a, time, &since) == PRESENCE_LIVE;
}

static void natural_changes(const struct directory *d, const struct account *a, int64_t since, int64_t until,
                            struct properties *changed)
{
    unsigned seen = 0;

    if (d->change_period == 0)
        return;
    for (int64_t n = last_event(d, a, until), k = 0; k < 4 * SCHEDULE; n--, k++) {
        int64_t time = event_time(d, a, n);
        if (time <= since || time <= a->born)
            break;
        if (event_counts(d, a, time))
            seen |= 1u << facet_of(a, n);
    }
    if (seen && a->synced)
        seen |= 1u << FACET_SYNC;
    for (unsigned f = 0; f < FACET_COUNT; f++)
        if (seen & (1u << f))
            properties_unite(changed, properties_of_facet((enum facet)f));
}

/* Which properties differ between two edits. */
static void compare_edits(const struct edit *a, const struct edit *b, struct properties *changed)
{
    for (guint k = 0; k < b->members->len; k++) {
        const struct member *m = g_ptr_array_index(b->members, k);
        const char *before = members_find(a->members, m->name);
        int number = property_find(m->name);
        if (!before || strcmp(before, m->value) != 0)
            properties_add(changed, number < 0 ? PROPERTY_EXTRA : (guint)number);
    }
}

void directory_changes(const struct directory *d, const struct account *a, struct moment since, struct moment until,
                       struct properties *changed)
{
    const struct script *s = a->script;

    if (untouched(a, since)) {
        int64_t end = untouched(a, until) ? until.time : script_edit(s, 1)->time;
        natural_changes(d, a, since.time, end, changed);
    }
    if (!s)
        return;
    int from = script_at(s, since.time, since.edits), to = script_at(s, until.time, until.edits);
    for (int n = MAX(from, 0) + 1; n <= to; n++)
        compare_edits(script_edit(s, n - 1), script_edit(s, n), changed);
}

/* views */

static bool came_back(const struct directory *d, const struct account *a, int64_t at)
{
    return a->person ? d->absence_period > 0 : at >= a->back;
}

/* The last event of each facet. Every facet comes once in a schedule, so the search is short. */
static void find_events(const struct directory *d, const struct account *a, int64_t at, struct profile *p)
{
    const unsigned all = (1u << FACET_SYNC) - 2; /* but FACET_FIXED, and what stands in for another */
    unsigned seen = 1u << (a->guest ? FACET_POLICY : FACET_EXTERNAL);

    for (int f = 0; f < FACET_COUNT; f++)
        p->event[f] = PROFILE_FIRST;
    if (d->change_period == 0)
        return;
    for (int64_t n = last_event(d, a, at); (seen & all) != all; n--) {
        int64_t time = event_time(d, a, n);
        if (time <= a->born)
            break;
        if (!event_counts(d, a, time))
            continue;
        enum facet found[] = {facet_of(a, n), FACET_SYNC};
        for (int k = 0; k < 2; k++) {
            if (seen & (1u << found[k]))
                continue;
            seen |= 1u << found[k];
            p->event[found[k]] = n;
            p->when[found[k]] = time;
        }
    }
}

static void naturally(const struct directory *d, const struct account *a, int64_t at, struct profile *p)
{
    *p = (struct profile){.company = d->company,
                          .person = a->person,
                          .key = a->key,
                          .number = a->person ? a->place : a->place * 10 + (uint32_t)((a->generation % 10 + 10) % 10),
                          .born = a->born,
                          .now = at,
                          .restored = came_back(d, a, at),
                          .guest = a->guest,
                          .synced = a->synced};
    find_events(d, a, at, p);
}

void directory_view(const struct directory *d, const struct account *a, struct moment at, struct view *view)
{
    view->edit = NULL;
    if (untouched(a, at))
        naturally(d, a, at.time, &view->profile);
    else
        view->edit = script_edit(a->script, MAX(script_at(a->script, at.time, at.edits), 0));
}

enum value view_append(const struct view *view, guint property, GString *out)
{
    if (!view->edit)
        return profile_append(&view->profile, property, out);
    const char *value = members_find(view->edit->members, property_name(property));
    if (!value)
        return VALUE_NEVER;
    if (strcmp(value, "null") == 0)
        return VALUE_CLEARED;
    g_string_append(out, value);
    return VALUE_SET;
}

void view_append_extra(const struct view *view, GString *out)
{
    for (guint k = 0; view->edit && k < view->edit->members->len; k++) {
        const struct member *m = g_ptr_array_index(view->edit->members, k);
        if (property_find(m->name) >= 0)
            continue;
        APPEND_LITERAL(out, ",\"");
        text_append_escaped(out, m->name, -1, false);
        APPEND_LITERAL(out, "\":");
        g_string_append(out, m->value);
    }
}

void directory_append_id(const struct directory *d, const struct account *a, GString *out)
{
    struct profile p = {.company = d->company, .person = a->person, .key = a->key};

    if (a->script)
        text_append_escaped(out, a->script->id, -1, false);
    else
        profile_append_id(&p, out);
}

/* edits by tests */

/* What the account is before it is edited for the first time. */
static GPtrArray *members_of(const struct directory *d, const struct account *a, struct moment at)
{
    GPtrArray *members = members_new();
    g_autoptr(GString) value = g_string_new(NULL);
    struct view view;

    directory_view(d, a, at, &view);
    for (guint n = 0; n < property_count; n++) {
        g_string_truncate(value, 0);
        enum value kind = view_append(&view, n, value);
        if (kind != VALUE_NEVER)
            members_set(members, property_name(n), kind == VALUE_SET ? value->str : "null");
    }
    return members;
}

/* The account of that id that is there or in the recycle bin. */
static bool find_account(const struct directory *d, const char *id, struct moment at, struct account *a)
{
    g_autoptr(GString) found = g_string_new(NULL);

    for (uint32_t place = 0; place < d->seats; place++) {
        int64_t lo = 0, hi = 0;
        directory_generations(d, place, at.time, at.time, &lo, &hi);
        for (int64_t g = lo; g <= hi; g++) {
            directory_account(d, place, g, a);
            g_string_truncate(found, 0);
            directory_append_id(d, a, found);
            enum presence presence = directory_presence(d, a, at);
            if (strcmp(found->str, id) == 0 && (presence == PRESENCE_LIVE || presence == PRESENCE_BIN))
                return true;
        }
    }
    return false;
}

static struct script *adopt(struct directory *d, struct script *s)
{
    g_ptr_array_add(d->scripts, s);
    g_hash_table_insert(d->by_id, s->id, s);
    return s;
}

static void note_edited(struct directory *d, const struct account *a)
{
    struct span *edited = g_hash_table_lookup(d->edited, GUINT_TO_POINTER(a->place));

    if (!edited) {
        edited = g_new(struct span, 1);
        *edited = (struct span){a->generation, a->generation};
        g_hash_table_insert(d->edited, GUINT_TO_POINTER(a->place), edited);
    }
    edited->lo = MIN(edited->lo, a->generation);
    edited->hi = MAX(edited->hi, a->generation);
}

/* The script of an account, begun now when it has none; NULL when there is no such account. */
static struct script *begin_script(struct directory *d, const char *id, struct moment at, bool may_add)
{
    struct script *s = g_hash_table_lookup(d->by_id, id);
    struct account a;

    if (s)
        return s;
    if (find_account(d, id, at, &a)) {
        int64_t *origin = g_new(int64_t, 1);
        *origin = (int64_t)((uint64_t)a.generation << 32 ^ a.place);
        s = adopt(d, script_new(id, a.place, a.generation));
        s->generated = true;
        script_add(s, INT64_MIN, INT64_MIN, directory_presence(d, &a, at), members_of(d, &a, at));
        g_hash_table_insert(d->by_origin, origin, s);
        note_edited(d, &a);
    } else if (may_add) {
        s = adopt(d, script_new(id, directory_places(d), 0));
        g_ptr_array_add(d->added, s);
    }
    return s;
}

/* The members given as an object or as bytes; NULL with *message set when they are not. */
static GPtrArray *given_members(const cJSON *json, const char *key, char **message)
{
    g_autofree char *encoded_key = g_strdup_printf("%s_base64", key);
    const cJSON *object = cJSON_GetObjectItemCaseSensitive(json, key);
    const cJSON *encoded = cJSON_GetObjectItemCaseSensitive(json, encoded_key);
    GPtrArray *members = NULL;
    gsize len = 0;

    if (cJSON_IsObject(object)) {
        char *text = cJSON_PrintUnformatted(object);
        members = members_read(text, strlen(text));
        cJSON_free(text);
    } else if (cJSON_IsString(encoded)) {
        g_autofree char *bytes = (char *)g_base64_decode(encoded->valuestring, &len);
        members = members_read(bytes, len);
    } else if (!object && !encoded) {
        return NULL;
    }
    if (!members)
        *message = g_strdup_printf("\"%s\" is a JSON object", key);
    return members;
}

/* What was there and is not named any more was taken away; lists become empty. */
static void keep_missing(const GPtrArray *before, GPtrArray *members)
{
    for (guint k = 0; k < before->len; k++) {
        const struct member *m = g_ptr_array_index(before, k);
        int number = property_find(m->name);
        bool list = number >= 0 && property_kind((guint)number) == PROPERTY_LIST;
        if (!members_find(members, m->name))
            members_set(members, m->name, list ? "[]" : "null");
    }
}

/* The next edit of a script; before is what it follows, NULL for a new account. Returns what is wrong, or NULL. */
static char *next_edit(const cJSON *json, const struct edit *before, enum presence now, enum presence *presence,
                       GPtrArray **members)
{
    const char *removal = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "remove"));
    bool restore = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, "restore"));
    char *message = NULL;
    g_autoptr(GPtrArray) set = given_members(json, "set", &message);
    g_autoptr(GPtrArray) patch = message ? NULL : given_members(json, "patch", &message);

    if (message)
        return message;
    if ((set != NULL) + (patch != NULL) + (removal != NULL) + restore != 1)
        return g_strdup("expected one of \"set\", \"patch\", \"remove\" and \"restore\"");
    if (!set && now != PRESENCE_LIVE && !(now == PRESENCE_BIN && (restore || removal)))
        return g_strdup("the account is not there");
    if (removal && strcmp(removal, "changed") != 0 && strcmp(removal, "deleted") != 0)
        return g_strdup("\"remove\" is \"changed\" or \"deleted\"");
    *presence = !removal ? PRESENCE_LIVE : *removal == 'c' ? PRESENCE_BIN : PRESENCE_GONE;
    *members = set ? g_steal_pointer(&set) : members_copy(before->members);
    if (before)
        keep_missing(before->members, *members);
    for (guint k = 0; patch && k < patch->len; k++) {
        const struct member *m = g_ptr_array_index(patch, k);
        members_set(*members, m->name, m->value);
    }
    return NULL;
}

static char *id_of(const struct directory *d, const cJSON *json)
{
    const cJSON *id = cJSON_GetObjectItemCaseSensitive(json, "id");
    struct dice dice = {dice_mix(d->key ^ 38, (uint64_t)d->edits)};
    GString *made = g_string_new(NULL);

    if (cJSON_IsString(id))
        g_string_assign(made, id->valuestring);
    else
        text_append_guid(made, &dice);
    return g_string_free(made, FALSE);
}

char *directory_edit(struct directory *d, int64_t now, const cJSON *json, char **id)
{
    g_autofree char *whose = id_of(d, json);
    struct moment at = directory_moment(d, now);
    bool may_add = cJSON_HasObjectItem(json, "set") || cJSON_HasObjectItem(json, "set_base64");
    struct script *s = begin_script(d, whose, at, may_add);
    enum presence presence = PRESENCE_NONE;
    GPtrArray *members = NULL;
    struct account a;

    if (!s)
        return g_strdup("there is no such account");
    int last = (int)s->edits->len - 1;
    const struct edit *before = last < 0 ? NULL : script_edit(s, last);
    directory_account(d, s->place, s->generation, &a);
    char *message = next_edit(json, before, directory_presence(d, &a, at), &presence, &members);
    if (message)
        return message;
    g_autoptr(GString) quoted = g_string_new("\"");
    directory_append_id(d, &a, quoted);
    g_string_append_c(quoted, '"');
    members_set(members, "id", quoted->str);
    script_add(s, now, ++d->edits, presence, members);
    *id = g_steal_pointer(&whose);
    return NULL;
}
