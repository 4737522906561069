/* dice.h - cheap deterministic pseudo-random numbers (splitmix64).
 *
 * Every property of a generated record is rolled from a key made of seed, tenant, source and index, so that a record
 * can be made again at any time and nothing about it has to be remembered. */
#ifndef SIM_DICE_H
#define SIM_DICE_H

#include <stdbool.h>
#include <stdint.h>

struct dice {
    uint64_t state;
};

static inline uint64_t dice_roll(struct dice *d)
{
    uint64_t z = (d->state += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* One key out of two; not symmetric. */
static inline uint64_t dice_mix(uint64_t a, uint64_t b)
{
    struct dice d = {a ^ (b * UINT64_C(0xd6e8feb86659fd93))};

    return dice_roll(&d);
}

/* A number in [0, n); n must not be 0. */
static inline uint32_t dice_below(struct dice *d, uint32_t n)
{
    return (uint32_t)(((dice_roll(d) >> 32) * n) >> 32);
}

/* True in percent of 100 rolls. */
static inline bool dice_percent(struct dice *d, double percent)
{
    return (double)(dice_roll(d) >> 11) * (100.0 / 9007199254740992.0) < percent;
}

#endif
