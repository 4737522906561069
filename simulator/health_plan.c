#include "health_plan.h"

#include "ticks.h"

/* Ranks: what is over yields to all else, and the worse status wins. */
static const struct {
    const char *name;
    bool final;
    int rank;
} statuses[STATUS_COUNT] = {
    [STATUS_OPERATIONAL] = {"serviceOperational", false, 0},
    [STATUS_INVESTIGATING] = {"investigating", false, 4},
    [STATUS_RESTORING] = {"restoringService", false, 6},
    [STATUS_VERIFYING] = {"verifyingService", false, 5},
    [STATUS_RESTORED] = {"serviceRestored", true, 2},
    [STATUS_REVIEWED] = {"postIncidentReviewPublished", true, 1},
    [STATUS_DEGRADATION] = {"serviceDegradation", false, 8},
    [STATUS_INTERRUPTION] = {"serviceInterruption", false, 9},
    [STATUS_EXTENDED] = {"extendedRecovery", false, 7},
    [STATUS_FALSE_POSITIVE] = {"falsePositive", true, 2},
    [STATUS_SUSPENDED] = {"investigationSuspended", false, 3},
    [STATUS_RESOLVED] = {"resolved", true, 2},
    [STATUS_MITIGATED_EXTERNAL] = {"mitigatedExternal", false, 5},
    [STATUS_MITIGATED] = {"mitigated", false, 5},
    [STATUS_RESOLVED_EXTERNAL] = {"resolvedExternal", true, 2},
    [STATUS_CONFIRMED] = {"confirmed", false, 4},
    [STATUS_REPORTED] = {"reported", false, 4},
    [STATUS_NEW] = {"underObservation", false, 4},
};

/* The courses that issues take. The last status holds; 0 (operational) ends a shorter one. */
static const struct {
    uint32_t weight;
    bool advisory;
    enum health_status course[PHASES_MOST];
} courses[] = {
    {26, false, {STATUS_INVESTIGATING, STATUS_DEGRADATION, STATUS_RESTORING, STATUS_RESTORED}},
    {12, false, {STATUS_INVESTIGATING, STATUS_DEGRADATION, STATUS_RESTORING, STATUS_RESTORED, STATUS_REVIEWED}},
    {9, false, {STATUS_INVESTIGATING, STATUS_INTERRUPTION, STATUS_RESTORING, STATUS_VERIFYING, STATUS_RESTORED}},
    {6,
     false,
     {STATUS_INVESTIGATING, STATUS_INTERRUPTION, STATUS_EXTENDED, STATUS_VERIFYING, STATUS_RESTORED, STATUS_REVIEWED}},
    {7, false, {STATUS_INVESTIGATING, STATUS_FALSE_POSITIVE}},
    {3, false, {STATUS_INVESTIGATING, STATUS_SUSPENDED, STATUS_DEGRADATION, STATUS_RESTORED}},
    {2, false, {STATUS_REPORTED, STATUS_CONFIRMED, STATUS_MITIGATED_EXTERNAL, STATUS_RESOLVED_EXTERNAL}},
    {2, false, {STATUS_REPORTED, STATUS_CONFIRMED, STATUS_MITIGATED, STATUS_RESOLVED}},
    {2, false, {STATUS_INVESTIGATING, STATUS_NEW, STATUS_RESTORED}},
    {20, true, {STATUS_DEGRADATION, STATUS_RESTORED}},
    {8, true, {STATUS_INVESTIGATING, STATUS_DEGRADATION, STATUS_RESTORING, STATUS_RESTORED}},
    {3, true, {STATUS_DEGRADATION, STATUS_EXTENDED, STATUS_RESTORED}},
};

enum { WEIGHTS = 100, LEAD_MINUTES = 90 };

const int64_t issue_longest = 12 * TICKS_PER_DAY;

const char *health_status_name(enum health_status status)
{
    return statuses[status].name;
}

bool health_status_final(enum health_status status)
{
    return statuses[status].final;
}

int health_status_rank(enum health_status status)
{
    return statuses[status].rank;
}

void cadence_init(struct cadence *c, uint64_t key, int64_t count, double days, int64_t start, bool anchored)
{
    *c = (struct cadence){.key = key};
    if (count <= 0)
        return;
    c->slot = MAX((int64_t)(days * (double)TICKS_PER_DAY / (double)count), 1);
    c->base = anchored ? start : 0;
    c->first = ticks_floor_div(start - c->base, c->slot) - count;
}

void cadence_range(const struct cadence *c, int64_t from, int64_t to, int64_t *lo, int64_t *hi)
{
    *lo = 0;
    *hi = -1;
    if (c->slot == 0 || to < from)
        return;
    *lo = MAX(ticks_floor_div(from - c->base, c->slot) - 1, c->first); /* rounded, a moment may leave its slot */
    *hi = ticks_floor_div(to - c->base, c->slot) + 1;
}

/* The moment with none to three fraction digits. */
static int64_t cut_moment(struct dice *d, int64_t moment)
{
    static const int64_t unit[] = {TICKS_PER_SECOND,       TICKS_PER_SECOND / 10,   TICKS_PER_SECOND / 100,
                                   TICKS_PER_SECOND / 100, TICKS_PER_SECOND / 1000, TICKS_PER_SECOND / 1000};
    int64_t u = unit[dice_below(d, G_N_ELEMENTS(unit))];

    return ticks_floor_div(moment, u) * u;
}

static int64_t roll_ticks(struct dice *d, int64_t least, int64_t most)
{
    return least + (int64_t)(dice_roll(d) % (uint64_t)(most - least));
}

static int64_t published_at(const struct cadence *c, int64_t index, struct dice *d)
{
    const int64_t ms = TICKS_PER_SECOND / 1000;
    int64_t slot_start = c->base + index * c->slot;
    int64_t moment = cut_moment(d, roll_ticks(d, slot_start, slot_start + c->slot));

    return moment < slot_start ? -ticks_floor_div(-slot_start, ms) * ms : moment;
}

/* How long a phase lasts: minutes at times, so that whoever looks every five minutes misses it, and days at others. */
static int64_t roll_length(struct dice *d, enum health_status status)
{
    uint32_t roll = dice_below(d, 100);
    bool slow = status == STATUS_DEGRADATION || status == STATUS_INTERRUPTION || status == STATUS_EXTENDED ||
                status == STATUS_SUSPENDED || status == STATUS_MITIGATED || status == STATUS_MITIGATED_EXTERNAL ||
                status == STATUS_NEW;

    if (status == STATUS_RESTORED) /* until its review */
        return roll_ticks(d, 8 * TICKS_PER_HOUR, 5 * TICKS_PER_DAY);
    if (!slow)
        return roll < 25 ? roll_ticks(d, TICKS_PER_MINUTE, 5 * TICKS_PER_MINUTE)
                         : roll_ticks(d, 5 * TICKS_PER_MINUTE, 90 * TICKS_PER_MINUTE);
    if (roll < 10)
        return roll_ticks(d, TICKS_PER_MINUTE, 10 * TICKS_PER_MINUTE);
    if (roll < 65)
        return roll_ticks(d, 10 * TICKS_PER_MINUTE, 6 * TICKS_PER_HOUR);
    return roll_ticks(d, 6 * TICKS_PER_HOUR, 2 * TICKS_PER_DAY);
}

static gsize roll_course(struct dice *d)
{
    uint32_t roll = dice_below(d, WEIGHTS), sum = 0;

    for (gsize k = 0; k < G_N_ELEMENTS(courses); k++)
        if (roll < (sum += courses[k].weight))
            return k;
    return 0;
}

static void roll_phases(struct dice *d, struct issue_plan *p)
{
    gsize course = roll_course(d);
    int64_t from = p->published;

    p->advisory = courses[course].advisory;
    p->phase_count = 0;
    p->over = -1;
    for (int k = 0; k < PHASES_MOST && courses[course].course[k] != STATUS_OPERATIONAL; k++) {
        struct phase *phase = &p->phases[p->phase_count++];
        phase->status = courses[course].course[k];
        phase->from = from;
        if (p->over < 0 && health_status_final(phase->status))
            p->over = k;
        from = cut_moment(d, from + roll_length(d, phase->status));
        phase->until = from;
        if (health_status_final(phase->status))
            phase->until =
                MIN(from, cut_moment(d, phase->from + roll_ticks(d, TICKS_PER_HOUR / 2, 8 * TICKS_PER_HOUR)));
    }
}

static int roll_edits(struct dice *d, double percent, int64_t published, int64_t longest, int64_t *edits)
{
    int count = 0;

    while (count < EDITS_MOST && dice_percent(d, percent)) {
        int64_t after = count > 0 ? edits[count - 1] : published;
        edits[count++] = cut_moment(d, after + roll_ticks(d, 10 * TICKS_PER_MINUTE, longest));
    }
    return count;
}

void issue_plan(const struct cadence *c, guint services, int64_t index, struct issue_plan *p)
{
    struct dice d = {p->key = dice_mix(c->key, (uint64_t)index)};

    p->index = index;
    p->published = published_at(c, index, &d);
    p->start = p->published - roll_ticks(&d, 0, LEAD_MINUTES * TICKS_PER_MINUTE);
    p->start = dice_percent(&d, 80) ? ticks_floor_div(p->start, TICKS_PER_MINUTE) * TICKS_PER_MINUTE
                                    : cut_moment(&d, p->start);
    p->service = services > 0 ? dice_below(&d, services) : 0;
    roll_phases(&d, p);
    p->edit_count = roll_edits(&d, 20, p->published, TICKS_PER_DAY, p->edits);
    p->rhythm = p->advisory ? roll_ticks(&d, 8 * TICKS_PER_HOUR, TICKS_PER_DAY)
                            : roll_ticks(&d, 40 * TICKS_PER_MINUTE, 4 * TICKS_PER_HOUR);
}

int issue_phase_at(const struct issue_plan *p, int64_t now)
{
    int at = -1;

    while (at + 1 < p->phase_count && p->phases[at + 1].from <= now)
        at++;
    return at;
}

void message_plan(const struct cadence *c, int64_t index, struct message_plan *p)
{
    struct dice d = {p->key = dice_mix(c->key, (uint64_t)index)};

    p->index = index;
    p->published = published_at(c, index, &d);
    p->edit_count = roll_edits(&d, 30, p->published, 9 * TICKS_PER_DAY, p->edits);
}

int edits_until(const int64_t *edits, int count, int64_t now)
{
    int done = 0;

    while (done < count && edits[done] <= now)
        done++;
    return done;
}
