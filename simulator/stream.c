#include "stream.h"

#include <string.h>

#include "activities.h"
#include "audit.h"
#include "intune.h"
#include "signin.h"
#include "ticks.h"

const char *const source_names[SOURCE_COUNT] = {"sign-ins", "directory-audits", "sign-ins",
                                                "sign-ins", "sign-ins",         "intune-audits"};

const char *const source_classes[SOURCE_COUNT] = {
    [SOURCE_SIGN_INS] = "interactiveUser",
    [SOURCE_NON_INTERACTIVE] = "nonInteractiveUser",
    [SOURCE_SERVICE_PRINCIPAL] = "servicePrincipal",
    [SOURCE_MANAGED_IDENTITY] = "managedIdentity",
};

bool source_by_name(const char *name, enum source *source)
{
    for (int s = 0; s < SOURCE_COUNT; s++) {
        if (strcmp(name, source_names[s]) == 0) {
            *source = (enum source)s;
            return true;
        }
    }
    return false;
}

void stream_init(struct stream *s, enum source source, const struct company *company, uint64_t seed, int64_t count,
                 double days, int64_t start, bool anchored)
{
    activities_prepare();
    s->source = source;
    s->company = company;
    s->key = dice_mix(dice_mix(seed, g_str_hash(company->tenant)), (uint64_t)source + 1);
    s->slot = 0;
    if (count <= 0)
        return;
    s->slot = (int64_t)(days * (double)TICKS_PER_DAY / (double)count);
    s->slot = MAX(s->slot, 1);
    s->base = anchored ? start : 0;
    s->first = ticks_floor_div(start - s->base, s->slot) - count;
}

void stream_range(const struct stream *s, int64_t from, int64_t to, int64_t *lo, int64_t *hi)
{
    *lo = 0;
    *hi = -1;
    if (s->slot == 0 || to < from)
        return;
    *lo = MAX(ticks_floor_div(from - s->base, s->slot), s->first);
    *hi = ticks_floor_div(to - s->base, s->slot) + 1; /* a twin lies in its elder's slot */
}

/* The written time of record index as if it had no twin: inside its slot, with as few fraction digits as rolled. */
static int64_t slot_time(const struct stream *s, int64_t index, uint64_t key, int *digits)
{
    static const int64_t unit[] = {10000000, 1000000, 100000, 10000, 1000, 100, 10, 1};
    static const int usual[] = {0, 0, 0, 0, 0, 0, 1, 2, 3, 3, 4, 5, 6, 6, 7, 7};
    struct dice d = {key};
    int64_t slot_start = s->base + index * s->slot;
    int64_t exact = slot_start + (int64_t)(dice_roll(&d) % (uint64_t)s->slot);
    uint32_t roll = dice_below(&d, G_N_ELEMENTS(usual));

    if (source_classes[s->source])
        *digits = usual[roll];
    else if (s->source == SOURCE_INTUNE_AUDITS)
        *digits = roll == 0 ? 3 : 7;
    else
        *digits = roll < 6 ? usual[roll + 5] : 7;
    while (*digits < 7 && ticks_floor_div(exact, unit[*digits]) * unit[*digits] < slot_start)
        (*digits)++; /* cut down it would leave its slot, and times would fall */
    return ticks_floor_div(exact, unit[*digits]) * unit[*digits];
}

/* Minutes in ticks, rolled to the second between the bounds. */
static int64_t roll_minutes(struct dice *d, uint32_t least, uint32_t most)
{
    return (int64_t)(least * 60 + dice_below(d, (most - least) * 60)) * TICKS_PER_SECOND;
}

void stream_plan(const struct stream *s, int64_t index, struct plan *plan)
{
    plan->index = index;
    plan->key = dice_mix(s->key, (uint64_t)index);
    struct dice d = {plan->key ^ UINT64_C(0x5eed0fa11d1ce)};

    /* Every 64th even record happens at the very tick of the one before it. */
    bool twin = dice_below(&d, 64) == 0 && index % 2 == 0 && index > s->first;
    uint64_t time_key = twin ? dice_mix(s->key, (uint64_t)(index - 1)) : plan->key;
    plan->time = slot_time(s, twin ? index - 1 : index, time_key, &plan->digits);

    bool late = dice_percent(&d, s->late_percent), changed = dice_percent(&d, s->changed_percent);
    plan->visible_at = plan->time + (late ? roll_minutes(&d, 10, 20 * 60) : roll_minutes(&d, 0, 5));
    plan->changed_at = changed ? plan->time + roll_minutes(&d, 30, 20 * 60) : INT64_MAX;
}

void stream_append(const struct stream *s, const struct plan *plan, int64_t now, bool beta, GString *out)
{
    bool changed = now >= plan->changed_at;

    if (source_classes[s->source])
        signin_append(out, s->company, s->source, plan, changed, beta);
    else if (s->source == SOURCE_INTUNE_AUDITS)
        intune_append(out, s->company, plan, changed, beta);
    else
        audit_append(out, s->company, plan, changed);
}
